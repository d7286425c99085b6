"""Gap junctions: ohmic contacts between membranes."""

from __future__ import annotations

from typing import Any, ClassVar, Self

import equinox as eqx
import jax.numpy as jnp
import numpy as np

from jaxsnn_noise._checks import concrete, fail
from jaxsnn_noise._typing import Leaf, Values
from jaxsnn_noise.opacity import opaque, opaque_zero
from jaxsnn_noise.parameters import Range, nonnegative, parameter
from jaxsnn_noise.random import Tick
from jaxsnn_noise.signals import Drive, Seen
from jaxsnn_noise.synapses.kinetics import Kinetics
from jaxsnn_noise.synapses.projection import OfMatrix
from jaxsnn_noise.synapses.sums import Weights, dot


class Ohmic(Kinetics):
    """What arrives is the drive itself: of a gap junction a current and a conductance. An array is a current [nA]."""

    conductance: ClassVar[bool] = True
    weight_units: ClassVar[str] = "uS"
    weight_range: ClassVar[Range] = Range(0.0, why="a contact conducts or is not there")

    def init(self, size: int) -> None:
        return None

    def step(self, state: None, arrivals: Any, seen: Seen, dt: float) -> tuple[Drive, None]:
        return (arrivals if isinstance(arrivals, Drive) else Drive(arrivals)), None


class GapJunctions(OfMatrix):
    r"""Electrical coupling of membranes: ``I_i = sum_j G_ij (v_j - v_i)``, with an optional spikelet for each spike.

    A cell sees the potentials of the others at the start of the step, held over it, and is stepped exactly with its own: the
    drive has the current ``sum_j G_ij v_j`` and the conductance ``sum_j G_ij``. That is stable at any dt and any coupling, and of
    first order in dt: the difference of two cells relaxes with ``tau/(1 + 2 R G)`` to ``R G dt/tau`` of itself
    (``theory.gap_junction_moments``).

    Integrate-and-fire neurons have no action potential in their membrane potential, so their gap junctions pass what happens below
    threshold. ``spikelet`` puts the missing area back: a spike gives the cells that it reaches the charge ``G_ij spikelet``.

    Args:
        source: Name of the source population.
        target: Name of the target population; may be the source. Two populations are coupled by one projection each way, with
            transposed weights.
        weights: Coupling conductances ``G`` [target, source] in uS, >= 0. Within one population symmetric, and 0 on the
            diagonal.
        spikelet: Integral of the action potential over the neuron's own potential course [mV ms].
        delay: Of the spikelets only, as for ``Dense``; potentials act without delay.

    Raises:
        InputError: weights of another shape; within a population weights that are not symmetric or couple a cell to itself; a
            port as source, which has no potential.

    References: Lewis and Rinzel 2003, doi:10.1023/A:1023265027714; Ostojic, Brunel and Hakim 2009,
    doi:10.1007/s10827-008-0117-3.

    Example:
        >>> pair = GapJunctions("cells", "cells", [[0.0, 0.01], [0.01, 0.0]])
        >>> pair.linear
        False
    """

    sees_source: ClassVar[bool] = True

    source: str = eqx.field(static=True)
    target: str = eqx.field(static=True)
    weights: Weights = parameter("uS", nonnegative, shape=None, absent=True)
    spikelet: Leaf = parameter("mV ms", nonnegative)
    delay: float | None = eqx.field(static=True)
    kinetics: Kinetics
    noise: dict[str, Any]

    def __init__(self, source: str, target: str, weights: Any, *, spikelet: Any = 0.0, delay: float | None = None):
        self.source, self.target, self.delay = source, target, delay
        self.weights, self.spikelet = weights, spikelet
        self.kinetics, self.noise = Ohmic(), {}

    def prepared(self, largest: int = 1) -> Weights:
        del largest
        return self.weights  # potentials are real numbers: no sum of them is exact

    def arrivals(self, prepared: Weights, released: Values) -> Values:
        return dot(prepared, released)

    def transmit(
        self, prepared: Weights, state: None, released: Values, seen: Seen, key: Tick, dt: float
    ) -> tuple[Any, None]:
        zero = opaque_zero(key.key)
        assert seen.source_potential is not None  # a network lets no port be the source
        shown = seen.source_potential + opaque(released * (self.spikelet / dt), zero)
        return Drive(_sum(opaque(prepared * shown[None, :], zero)), _sum(prepared)), state

    def check(self, who: str, source_size: int, target_size: int) -> None:
        super().check(who, source_size, target_size)
        weights = concrete(self.weights)
        if self.source != self.target or weights is None:
            return
        if np.any(np.diag(weights)):
            fail(f"{who}.weights", "a cell has no gap junction with itself: the diagonal must be 0 [uS]", weights)
        if not np.array_equal(weights, weights.T):
            fail(f"{who}.weights", "a gap junction conducts both ways: weights must be symmetric [uS]", weights)

    @classmethod
    def example(cls) -> Self:
        return cls("a", "b", np.eye(5) * 0.5, spikelet=0.25)


def _sum(terms: Values) -> Values:
    """Sums [target] of terms [target, source] in one order, by halves: real numbers round alike in any batch."""
    while (size := terms.shape[-1]) > 1:
        half = (size + 1) // 2
        terms = terms[:, :half] + jnp.pad(terms[:, half:], ((0, 0), (0, 2 * half - size)))
    return terms[:, 0]
