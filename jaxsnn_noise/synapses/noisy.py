"""Weights that are read with noise: another value at each use, beside the deviation that a device keeps."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Self

import equinox as eqx
import jax.numpy as jnp
import numpy as np

from jaxsnn_noise import random
from jaxsnn_noise._checks import fail, named
from jaxsnn_noise._typing import Scalar, Values
from jaxsnn_noise.opacity import opaque, opaque_zero
from jaxsnn_noise.parameters import nonnegative, parameter
from jaxsnn_noise.random import Tick
from jaxsnn_noise.roots import square_root
from jaxsnn_noise.signals import Seen
from jaxsnn_noise.synapses.kinetics import Held, Kinetics
from jaxsnn_noise.synapses.projection import OfMatrix, range_of_weights, unit_of_weights
from jaxsnn_noise.synapses.sums import ExactSums, Sums, Weights, dot


class Reads(eqx.Module):
    """The weights and the variances of their reads [target, source], on their grids."""

    weights: Weights
    variances: Weights


class NoisyDense(OfMatrix):
    r"""All-to-all projection whose weights are read with noise, anew at each use: ``I_i = sum_j (W_ij + s_ij xi_ij(t)) s_j(t)``.

    Each synapse has a private normal in every step, with the standard deviation :math:`s_{ij} = \sqrt{a^2 + (r W_{ij})^2}`; a weight of exactly
    0 is no synapse, and not read. A signal of 0 uses nothing: noise comes with spikes, and its power with their rate, whatever dt
    is. What a target receives is drawn from the law of its sum, exactly:

    .. math:: I_i = \sum_j W_{ij} s_j + \xi_i \sqrt{\sum_j s_{ij}^2 s_j^2},

    one normal per target and step, not one per synapse. Both sums are exact for spikes and counts. The frozen deviation of a
    device is ``hardware.Mismatch`` of the weights, and stays the same in all uses.

    Args:
        source: Name of the source population or port.
        target: Name of the target population.
        weights: [target, source]; unit as its kinetics says.
        additive: Standard deviation ``a`` of a read [unit of the weights], >= 0: one number, or one per synapse [target, source].
        relative: Standard deviation ``r`` as a share of the weight [1], >= 0.
        kinetics: As of :class:`Dense`; conductances are refused, which noise would make negative.
        delay: As of :class:`Dense` [ms].
        noise: Named :class:`ReleaseNoise` sources.
        sums: ``ExactSums()`` or ``NativeSums()``.

    Raises:
        InputError: weights of another shape, a negative spread, kinetics of conductances.

    References: Joshi et al. 2020, doi:10.1038/s41467-020-16108-9 (read noise of devices that hold weights).

    Example:
        >>> round(float(NoisyDense("a", "b", [[0.5]], relative=0.1).relative), 3)
        0.1
    """

    exceeds: ClassVar[bool] = True
    source: str = eqx.field(static=True)
    target: str = eqx.field(static=True)
    weights: Weights = parameter(unit_of_weights, range_of_weights, shape=None, absent=True)
    additive: Values = parameter(unit_of_weights, nonnegative, shape=None)
    relative: Scalar = parameter("1", nonnegative)
    kinetics: Kinetics
    delay: float | None = eqx.field(static=True)
    noise: dict[str, Any]
    sums: Sums

    def __init__(
        self,
        source: str,
        target: str,
        weights: Any,
        *,
        additive: Any = 0.0,
        relative: Any = 0.0,
        kinetics: Kinetics | None = None,
        delay: float | None = None,
        noise: Mapping[str, Any] | None = None,
        sums: Sums | None = None,
    ):
        self.source, self.target, self.delay, self.weights = source, target, delay, weights
        self.additive, self.relative = additive, relative
        self.kinetics = Held() if kinetics is None else kinetics
        self.noise = named("NoisyDense.noise", noise, "sources, e.g. noise.ReleaseNoise(...)")
        self.sums = ExactSums() if sums is None else sums

    def prepared(self, largest: int = 1) -> Reads:
        spread = jnp.square(self.additive) + jnp.square(self.relative * self.weights)
        variances = jnp.where(self.weights != 0, spread, 0.0)
        return Reads(self.sums.prepare(self.weights, largest), self.sums.prepare(variances, largest**2))

    def arrivals(self, prepared: Reads, released: Values) -> Values:
        """The mean: the sums with the weights themselves."""
        return dot(prepared.weights, released)

    def transmit(
        self, prepared: Reads, state: None, released: Values, seen: Seen, key: Tick, dt: float
    ) -> tuple[Values, None]:
        del seen, dt
        spread = square_root(dot(prepared.variances, jnp.square(released)))
        drawn = random.normal(key, random.entities(len(prepared.weights)))
        return self.arrivals(prepared, released) + opaque(spread * drawn, opaque_zero(key.key)), state

    def check(self, who: str, source_size: int, target_size: int) -> None:
        super().check(who, source_size, target_size)
        if self.kinetics.conductance:
            rule = "must give currents: a read with Gaussian noise may be below 0, a conductance may not"
            fail(f"{who}.kinetics", rule, type(self.kinetics).__name__)
        if self.additive.shape not in ((), self.weights.shape):
            rule = f"must be one number, or one per synapse: the shape {self.weights.shape}"
            fail(f"{who}.additive", rule, self.additive.shape)
        self.sums.check(who, self.weights)

    @classmethod
    def example(cls) -> Self:
        return cls("a", "b", np.eye(5) * 0.5, additive=0.05, relative=0.1)
