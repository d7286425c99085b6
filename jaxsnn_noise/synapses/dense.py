"""Projections: which spikes reach which neurons, with what weight, when."""

from __future__ import annotations

import abc
from collections.abc import Mapping
from typing import Any, Self

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float32

from jaxsnn_noise import random
from jaxsnn_noise._checks import fail, finite, in_range, nonnegative
from jaxsnn_noise._typing import PerNeuron, Values, as_float
from jaxsnn_noise.synapses.kinetics import Held, Kinetics
from jaxsnn_noise.synapses.sums import ExactSums, Sums, Weights, dot


class Projection(eqx.Module):
    """Carries the output of a source population to a target population.

    Release noise acts on what is released, the kinetics on what has arrived; both are driven by the engine.
    """

    source: eqx.AbstractVar[str]
    target: eqx.AbstractVar[str]
    delay: eqx.AbstractVar[float | None]
    kinetics: eqx.AbstractVar[Kinetics]
    noise: eqx.AbstractVar[dict[str, Any]]

    @abc.abstractmethod
    def prepared(self) -> Any:
        """What the product needs, formed once per run (after sweeps and imperfections)."""

    @abc.abstractmethod
    def arrivals(self, prepared: Any, released: Values) -> Values:
        """Weighted sums [..., target] of released signals [..., source], for one step or a stack of steps."""

    @abc.abstractmethod
    def fan_out(self) -> PerNeuron:
        """Number of synapses that a spike of each source neuron drives."""

    @abc.abstractmethod
    def check(self, who: str, source_size: int, target_size: int) -> None:
        """Raise :class:`InputError` if the projection does not fit its populations."""


class Dense(Projection):
    """All-to-all (or masked by zeros): ``I_i = sum_j W_ij s_j``.

    Args:
        source: Name of the source population or port.
        target: Name of the target population.
        weights: [target, source]; unit as its kinetics says ([nA] for ``Held`` and ``Exponential``, [nA ms] for ``Delta``).
        kinetics: ``Held()``, ``Delta()`` or ``Exponential(tau_syn)``.
        delay: Time from the end of the step of the spike to its arrival [ms]. ``None``: a spike of a population acts in
            the next step, what a port holds acts in the same step. A given delay is a multiple of dt; for a population it
            is at least dt.
        noise: Named :class:`ReleaseNoise` sources.
        sums: ``ExactSums()`` (spikes give the same bits for any batch size) or ``NativeSums()``.
    """

    source: str = eqx.field(static=True)
    target: str = eqx.field(static=True)
    weights: Weights
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
        kinetics: Kinetics | None = None,
        delay: float | None = None,
        noise: Mapping[str, Any] | None = None,
        sums: Sums | None = None,
    ):
        self.source = source
        self.target = target
        self.weights = as_float(weights)
        self.kinetics = Held() if kinetics is None else kinetics
        self.delay = delay
        self.noise = dict(noise or {})
        self.sums = ExactSums() if sums is None else sums

    def prepared(self) -> Weights:
        return self.sums.prepare(self.weights)

    def arrivals(self, prepared: Weights, released: Values) -> Values:
        return dot(prepared, released)

    def fan_out(self) -> PerNeuron:
        return jnp.sum((self.weights != 0).astype(jnp.float32), axis=0)

    def check(self, who: str, source_size: int, target_size: int) -> None:
        if self.weights.shape != (target_size, source_size):
            rule = f"must have the shape [target, source] = ({target_size}, {source_size})"
            fail(f"{who}.weights", rule, self.weights.shape)
        finite(f"{who}.weights", self.weights)
        if self.delay is not None:
            nonnegative(f"{who}.delay", self.delay, "ms")
        self.kinetics.check(f"{who}.kinetics")

    @classmethod
    def example(cls) -> Self:
        return cls("a", "b", np.eye(5) * 0.5)


def random_weights(
    key: Any, *, shape: tuple[int, int], probability: float, std: float, mean: float = 0.0
) -> Float32[Array, "target source"]:
    """Weights of a random graph: each synapse exists with a probability, and has a Gaussian weight.

    Args:
        key: A JAX key or a seed; the numbers come from the house's own stream.
        shape: (target, source).
        probability: Connection probability in [0, 1].
        std: Standard deviation of the weights, >= 0.
        mean: Their mean.
    """
    in_range("random_weights.probability", probability, 0.0, 1.0, "1")
    nonnegative("random_weights.std", std)
    finite("random_weights.mean", mean)
    base = random.root(key)
    weights = mean + std * random.normals(random.stream(base, "weights"), shape)
    exists = random.uniforms(random.stream(base, "connections"), shape) < probability
    return jnp.where(exists, jax.lax.convert_element_type(weights, jnp.float32), 0.0)
