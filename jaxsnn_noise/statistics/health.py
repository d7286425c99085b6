"""Whether a run can be believed: a bad run is counted with every result, and never averaged away."""

from __future__ import annotations

from typing import Self

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from jaxsnn_noise._checks import in_range

from .counts import start_counts
from .fold import About, Frame, Statistic

_MOST = 2**31 - 1


class Symptoms(eqx.Module):
    """How ill a run is.

    Args:
        nonfinite: number of (neuron, step) pairs with a potential or an input current that is not finite.
        silent: fraction of neurons that never fired.
        saturated: fraction of neurons that fired in more than the allowed share of steps.
    """

    nonfinite: Int[Array, ""]
    silent: Float[Array, ""]
    saturated: Float[Array, ""]


class Tally(eqx.Module):
    """Accumulator: spikes per neuron, and how many (neuron, step) pairs were not finite."""

    spikes: Float[Array, " neuron"]
    nonfinite: Int[Array, ""]


class Health(Statistic):
    """Non-finite values, silent neurons, saturated neurons. The engine adds it to every run.

    Args:
        saturation: a neuron that fires in more than this share of the measured steps is saturated; 0 to 1.
        population: the population that is watched; ``None``: the only one.

    Returns:
        :class:`Symptoms`: ``nonfinite`` int32 [] (at most 2^31 - 1), ``silent``, ``saturated`` float32 [].

    Raises:
        InputError: the share lies outside 0 to 1; more than 2^24 measured steps.

    >>> import jax.numpy as jnp
    >>> from jaxsnn_noise.statistics import Health, over_raster
    >>> v = jnp.array([[0.0, jnp.nan], [0.0, 0.0]])
    >>> raster = jnp.array([[1, 0], [1, 0]])
    >>> health = over_raster(Health(), raster, dt=1.0, voltage=v, current=jnp.zeros((2, 2)))
    >>> print(health.nonfinite, health.silent, health.saturated)
    1 0.5 0.5
    """

    saturation: float = eqx.field(static=True, default=0.5, converter=float)
    population: str | None = eqx.field(static=True, default=None)

    def __check_init__(self) -> None:
        in_range("Health.saturation", self.saturation, 0.0, 1.0)

    @property
    def reads(self) -> tuple[str, ...]:
        return ("spikes", "v", "current")

    @property
    def unit(self) -> dict[str, str]:
        return {"nonfinite": "1", "silent": "1", "saturated": "1"}

    def init(self, about: About) -> Tally:
        return Tally(start_counts("Health", about), jnp.zeros((), jnp.int32))

    def update(self, acc: Tally, frame: Frame, about: About) -> Tally:
        del about
        ill = ~(jnp.isfinite(frame.v) & jnp.isfinite(frame.current))
        return Tally(acc.spikes + frame.spikes, _plus(acc.nonfinite, ill.sum(dtype=jnp.int32)))

    def merge(self, a: Tally, b: Tally, about: About) -> Tally:
        del about
        return Tally(a.spikes + b.spikes, _plus(a.nonfinite, b.nonfinite))

    def finalize(self, acc: Tally, about: About) -> Symptoms:
        size = jnp.float32(about.size)
        silent = (acc.spikes == 0).sum(dtype=jnp.int32).astype(jnp.float32) / size
        most = jnp.float32(self.saturation * about.steps)
        saturated = (acc.spikes > most).sum(dtype=jnp.int32).astype(jnp.float32) / size
        return Symptoms(acc.nonfinite, silent, saturated)

    def dims(self, about: About) -> dict[str, tuple[str, ...]]:
        del about
        return {"nonfinite": (), "silent": (), "saturated": ()}

    @classmethod
    def example(cls) -> Self:
        return cls()


def _plus(x: Array, y: Array) -> Array:
    """The sum of two counts, held at 2^31 - 1: a wrapped sum could look innocent."""
    most = jnp.int32(_MOST)
    return x + jnp.minimum(y, most - x)
