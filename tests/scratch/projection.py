"""A projection: synapses that tire."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

import equinox as eqx
import jax.numpy as jnp
import numpy as np

from jaxsnn_noise._checks import fail
from jaxsnn_noise._typing import Key, Leaf, PerNeuron, Values
from jaxsnn_noise.parameters import fraction, parameter, positive, variable
from jaxsnn_noise.random import Tick
from jaxsnn_noise.signals import Seen
from jaxsnn_noise.synapses.kinetics import Held, Kinetics
from jaxsnn_noise.synapses.projection import Projection, check_delay, range_of_weights, unit_of_weights
from jaxsnn_noise.synapses.sums import ExactSums, Sums, Weights, dot


class ScratchResources(eqx.Module):
    """What is left of the resources [source]."""

    left: Values = variable("1", along="source")


class ScratchProjection(Projection):
    """Arrivals ``sum_j W_ij used x_j s_j``; a spike takes the share ``used`` of x, which comes back within ``tau_back``.

    Args:
        source: Name of the source.
        target: Name of the target.
        weights: [target, source].
        used: Share that a spike takes [1], 0 to 1.
        tau_back: Time constant of the recovery [ms], > 0.
        delay: As of every projection.
        kinetics: As of every projection.
        noise: Named release noise.
        sums: How weights are prepared.
    """

    source: str = eqx.field(static=True)
    target: str = eqx.field(static=True)
    weights: Weights = parameter(unit_of_weights, range_of_weights, shape=None, absent=True)
    used: Leaf = parameter("1", fraction)
    tau_back: Leaf = parameter("ms", positive)
    delay: float | None = eqx.field(static=True)
    kinetics: Kinetics
    noise: dict[str, Any]
    sums: Sums

    def __init__(
        self,
        source: str,
        target: str,
        weights: Any,
        *,
        used: Any = 0.5,
        tau_back: Any = 200.0,
        delay: float | None = None,
        kinetics: Kinetics | None = None,
        noise: Mapping[str, Any] | None = None,
        sums: Sums | None = None,
    ):
        self.source, self.target, self.weights, self.delay = source, target, weights, delay
        self.used, self.tau_back, self.noise = used, tau_back, dict(noise or {})
        self.kinetics = Held() if kinetics is None else kinetics
        self.sums = ExactSums() if sums is None else sums

    def prepared(self, largest: int = 1) -> Weights:
        return self.sums.prepare(self.weights, largest)

    def init(self, prepared: Weights, key: Key, dt: float) -> ScratchResources:
        del key, dt
        return ScratchResources(jnp.ones(prepared.shape[1], jnp.float32))

    def arrivals(self, prepared: Weights, released: Values) -> Values:
        return dot(prepared, released)

    def transmit(
        self, prepared: Weights, state: ScratchResources, released: Values, seen: Seen, key: Tick, dt: float
    ) -> tuple[Values, ScratchResources]:
        del seen, key
        sent = self.used * state.left * released
        left = state.left - sent
        return self.arrivals(prepared, sent), ScratchResources(left - (1.0 - left) * jnp.expm1(-dt / self.tau_back))

    def fan_out(self) -> PerNeuron:
        return jnp.sum((self.weights != 0).astype(jnp.float32), axis=0)

    def check(self, who: str, source_size: int, target_size: int) -> None:
        if self.weights.shape != (target_size, source_size):
            rule = f"must have the shape [target, source] = ({target_size}, {source_size})"
            fail(f"{who}.weights", rule, self.weights.shape)
        check_delay(who, self.delay)
        self.sums.check(who, self.weights)

    @classmethod
    def example(cls) -> Self:
        return cls("a", "b", 0.5 * np.eye(5))
