"""Spikes that last: each acts with its weight, unchanged, for a time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

import equinox as eqx
import jax.numpy as jnp
import numpy as np

from jaxsnn_noise._checks import named
from jaxsnn_noise._typing import Key, Scalar, Values
from jaxsnn_noise.parameters import parameter, positive, variable
from jaxsnn_noise.random import Tick
from jaxsnn_noise.signals import Seen
from jaxsnn_noise.synapses.kinetics import Held, Kinetics
from jaxsnn_noise.synapses.projection import OfMatrix, range_of_weights, unit_of_weights
from jaxsnn_noise.synapses.sums import ExactSums, Sums, Weights, dot

_TIE = 1e-6


class Pulses(eqx.Module):
    """For how many steps the last spike of each source lasts yet [1], and what was released then [1]."""

    left: Values = variable("1", "source")
    height: Values = variable("1", "source")


class Rectangular(OfMatrix):
    r"""All-to-all projection whose spikes are rectangular pulses: ``I_i = sum_j W_ij z_j``, ``z_j = 1`` for ``duration`` after a spike.

    A spike renews the pulse of its source; pulses of one source do not add. A graded release lasts with its height. The pulse begins
    in the step in which the spike arrives. With the refractory time of the source as the duration it tells the target the *state* of
    the source, as in neural sampling. Sums are exact, as those of :class:`Dense`.

    Args:
        source: Name of the source population or port.
        target: Name of the target population.
        weights: [target, source]; unit as its kinetics says.
        duration: How long a spike lasts [ms], > 0: the nearest whole number of steps (half a step more is a whole one), at least one.
        kinetics: As of :class:`Dense`, of the weight in *each step* of the pulse: ``Held()`` (the default) gives a current in nA.
        delay: As of :class:`Dense` [ms].
        noise: Named :class:`ReleaseNoise` sources.
        sums: ``ExactSums()`` or ``NativeSums()``.

    Raises:
        InputError: weights of another shape; a duration out of range.

    References: Buesing, Bill, Nessler, Maass 2011, doi:10.1371/journal.pcbi.1002211 (rectangular, renewed postsynaptic potentials).

    Example:
        >>> float(Rectangular("a", "b", [[0.5]], duration=20.0).duration)
        20.0
    """

    source: str = eqx.field(static=True)
    target: str = eqx.field(static=True)
    weights: Weights = parameter(unit_of_weights, range_of_weights, shape=None, absent=True)
    duration: Scalar = parameter("ms", positive)
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
        duration: Any,
        kinetics: Kinetics | None = None,
        delay: float | None = None,
        noise: Mapping[str, Any] | None = None,
        sums: Sums | None = None,
    ):
        self.source, self.target, self.delay = source, target, delay
        self.weights, self.duration = weights, duration
        self.kinetics = Held() if kinetics is None else kinetics
        self.noise = named("Rectangular.noise", noise, "sources, e.g. noise.ReleaseNoise(...)")
        self.sums = ExactSums() if sums is None else sums

    def prepared(self, largest: int = 1) -> Weights:
        return self.sums.prepare(self.weights, largest)

    def init(self, prepared: Weights, key: Key, dt: float) -> Pulses:
        del key, dt
        none = jnp.zeros(prepared.shape[1], jnp.float32)
        return Pulses(none, none)

    def arrivals(self, prepared: Weights, released: Values) -> Values:
        """The weighted sums of the pulses of one step."""
        return dot(prepared, released)

    def transmit(
        self, prepared: Weights, state: Pulses, released: Values, seen: Seen, key: Tick, dt: float
    ) -> tuple[Values, Pulses]:
        del seen, key
        steps = jnp.maximum(jnp.floor(self.duration / dt * (1 + _TIE) + 0.5), 1.0)
        arrived = released != 0
        left = jnp.where(arrived, steps, jnp.maximum(state.left - 1.0, 0.0))
        height = jnp.where(arrived, released, state.height)
        return self.arrivals(prepared, jnp.where(left > 0, height, 0.0)), Pulses(left, height)

    def check(self, who: str, source_size: int, target_size: int) -> None:
        super().check(who, source_size, target_size)
        self.sums.check(who, self.weights)

    @classmethod
    def example(cls) -> Self:
        return cls("a", "b", np.eye(5) * 0.5, duration=0.5)
