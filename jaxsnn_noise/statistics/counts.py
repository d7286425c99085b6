"""Spike counts and firing rates per neuron."""

from __future__ import annotations

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxsnn_noise._checks import fail
from jaxsnn_noise.statistics.fold import About, Frame, OfNeurons

EXACT_STEPS = 2**24
"""Whole numbers up to here are exact in float32; so is a count of at most one spike per step."""


def start_counts(who: str, about: About) -> Float[Array, " neuron"]:
    """Zeros [neuron] for counts in float32, which carry gradients and are exact up to 2^24.

    Raises:
        InputError: there are no steps, or more than 2^24 of them.
    """
    if not 0 < about.steps <= EXACT_STEPS:
        fail(
            who,
            "the number of measured steps must lie in 1 to 2^24 (counts are exact in float32 up to there)",
            about.steps,
        )
    return jnp.zeros(about.size, jnp.float32)


class SpikeSum(OfNeurons):
    """Abstract: what is computed from the number of spikes of each neuron."""

    def init(self, about: About) -> Float[Array, " neuron"]:
        return start_counts(type(self).__name__, about)

    def update(self, acc: Array, frame: Frame, about: About) -> Float[Array, " neuron"]:
        del about
        return acc + frame.spikes

    def merge(self, a: Array, b: Array, about: About) -> Float[Array, " neuron"]:
        del about
        return a + b


class SpikeCount(SpikeSum):
    """Number of spikes of each neuron during the measurement, ``N_i = sum_t s_i(t)`` [1].

    Gradients flow: ``dN_i / ds_i(t) = 1``.

    Args:
        population: the population that is watched; ``None``: the only one.

    Returns:
        float32 [neuron]: whole numbers.

    Raises:
        InputError: more than 2^24 measured steps.

    >>> import jax.numpy as jnp
    >>> from jaxsnn_noise.statistics import SpikeCount, over_raster
    >>> print(over_raster(SpikeCount(), jnp.array([[1, 0], [1, 1], [0, 0]]), dt=1.0))
    [2. 1.]
    """

    population: str | None = eqx.field(static=True, default=None)

    @property
    def units(self) -> dict[str, str]:
        return {"": "1"}

    def finalize(self, acc: Array, about: About) -> Float[Array, " neuron"]:
        del about
        return acc


class Rate(SpikeSum):
    """Firing rate of each neuron, ``r_i = N_i / (steps * dt)`` [Hz]: spikes per measured second.

    Gradients flow: ``dr_i / ds_i(t) = 1000 / (steps * dt)``.

    Args:
        population: the population that is watched; ``None``: the only one.

    Returns:
        float32 [neuron] [Hz].

    Raises:
        InputError: more than 2^24 measured steps.

    >>> import jax.numpy as jnp
    >>> from jaxsnn_noise.statistics import Rate, over_raster
    >>> print(over_raster(Rate(), jnp.array([[1, 0], [1, 1], [0, 0], [0, 0]]), dt=5.0))
    [100.  50.]
    """

    population: str | None = eqx.field(static=True, default=None)

    @property
    def units(self) -> dict[str, str]:
        return {"": "Hz"}

    def finalize(self, acc: Array, about: About) -> Float[Array, " neuron"]:
        return acc * jnp.float32(1000.0 / about.duration)
