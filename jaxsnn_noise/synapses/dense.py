"""Projections: which spikes reach which neurons, with what weight, when."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float32

from jaxsnn_noise import random
from jaxsnn_noise._checks import count, fail, finite, in_range, named, nonnegative
from jaxsnn_noise._typing import Values
from jaxsnn_noise.parameters import as_parameter, parameter
from jaxsnn_noise.synapses.kinetics import Held, Kinetics
from jaxsnn_noise.synapses.projection import OfMatrix, range_of_weights, unit_of_weights
from jaxsnn_noise.synapses.sums import ExactSums, Sums, Weights, dot


class Dense(OfMatrix):
    """All-to-all (or masked by zeros): ``I_i = sum_j W_ij s_j``.

    Args:
        source: Name of the source population or port.
        target: Name of the target population.
        weights: [target, source]; unit as its kinetics says ([nA] for ``Held`` and ``Exponential``,
            [nA ms] for ``Delta``, [uS] for ``Conductance``).
        kinetics: ``Held()``, ``Delta()``, ``Exponential(tau_syn)`` or ``Conductance(tau_syn, reversal)``.
        delay: Time from the step of the spike to the step of its arrival [ms], a multiple of dt. 0: it acts in the same step,
            which projections that form a cycle cannot all do. ``None``: a spike of a population acts in the next step, what a
            port holds in the same step.
        noise: Named :class:`ReleaseNoise` sources.
        sums: ``ExactSums()`` (spikes give the same bits for any batch size) or ``NativeSums()``.
    """

    source: str = eqx.field(static=True)
    target: str = eqx.field(static=True)
    weights: Weights = parameter(unit_of_weights, range_of_weights, shape=None, absent=True)
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
        self.weights = weights
        self.kinetics = Held() if kinetics is None else kinetics
        self.delay = delay
        self.noise = named("Dense.noise", noise, "sources, e.g. noise.ReleaseNoise(...)")
        self.sums = ExactSums() if sums is None else sums

    def prepared(self, largest: int = 1) -> Weights:
        return self.sums.prepare(self.weights, largest)

    def arrivals(self, prepared: Weights, released: Values) -> Values:
        return dot(prepared, released)

    def check(self, who: str, source_size: int, target_size: int) -> None:
        super().check(who, source_size, target_size)
        self.sums.check(who, self.weights)

    @classmethod
    def example(cls) -> Self:
        return cls("a", "b", np.eye(5) * 0.5)


def random_weights(
    *, shape: tuple[int, int], probability: float, std: float, mean: float = 0.0, key: Any
) -> Float32[Array, "target source"]:
    """Weights of a random graph: each synapse exists with a probability, and has a Gaussian weight.

    Args:
        shape: (target, source).
        probability: Connection probability in [0, 1].
        std: Standard deviation of the weights, >= 0.
        mean: Their mean.
        key: A JAX key or a seed; the numbers come from the house's own stream.

    Raises:
        InputError: a shape that is none; numbers out of range, or beyond single precision.
    """
    if not isinstance(shape, (tuple, list)) or len(shape) != 2:
        fail("random_weights.shape", "must be (target, source)", shape)
    for size in shape:
        count("random_weights.shape", size)
    given = {"probability": probability, "std": std, "mean": mean}
    single = {name: as_parameter(f"random_weights.{name}", value) for name, value in given.items()}
    for name, value in single.items():
        if value.ndim:
            fail(f"random_weights.{name}", "must be one number", value)
    in_range("random_weights.probability", single["probability"], 0.0, 1.0, "1")
    nonnegative("random_weights.std", single["std"])
    finite("random_weights.mean", single["mean"])
    base = random.root(key)
    weights = single["mean"] + single["std"] * random.normals(random.stream(base, "weights"), shape)
    exists = random.uniforms(random.stream(base, "connections"), shape) < single["probability"]
    return jnp.where(exists, jax.lax.convert_element_type(weights, jnp.float32), 0.0)
