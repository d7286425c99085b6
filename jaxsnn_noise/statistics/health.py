"""Whether a run can be believed: a bad run is counted with every result, and never averaged away."""

from __future__ import annotations

from functools import partial
from typing import Self

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from jaxsnn_noise._checks import concrete, in_range, number
from jaxsnn_noise.statistics.counts import start_counts
from jaxsnn_noise.statistics.fold import About, Frame, Statistic


class Symptoms(eqx.Module):
    """How ill a run is. A neuron that was not finite counts as neither silent nor saturated.

    Args:
        nonfinite: number of neurons whose potential or input current was not finite in any step.
        silent: fraction of neurons that never fired.
        saturated: fraction of neurons that fired in more than the allowed share of steps.
    """

    nonfinite: Int[Array, ""]
    silent: Float[Array, ""]
    saturated: Float[Array, ""]

    def __repr__(self) -> str:
        """Its numbers, where there are some: ``Symptoms(nonfinite=0, silent=1, saturated=0)``."""
        told = {name: concrete(value) for name, value in vars(self).items()}
        shown = [f"{k}={'...' if v is None or v.ndim else f'{v:.3g}'}" for k, v in told.items()]
        return f"Symptoms({', '.join(shown)})"


class Health(Statistic):
    """Non-finite values, silent neurons, saturated neurons. The engine adds it to every run.

    Every run pays for it, so it keeps one number per neuron: the spike count, which a value that is not finite turns
    into NaN for good.

    Args:
        saturation: a neuron that fires in more than this share of the measured steps is saturated; 0 to 1.
        population: the population that is watched; ``None``: the only one.

    Returns:
        :class:`Symptoms`: ``nonfinite`` int32 [], ``silent``, ``saturated`` float32 [].

    Raises:
        InputError: the share lies outside 0 to 1; more than 2^24 measured steps.

    >>> import jax.numpy as jnp
    >>> from jaxsnn_noise.statistics import Health, over_raster
    >>> v = jnp.array([[0.0, jnp.nan], [0.0, 0.0]])
    >>> raster = jnp.array([[1, 0], [1, 0]])
    >>> health = over_raster(Health(), raster, dt=1.0, voltage=v, current=jnp.zeros((2, 2)))
    >>> print(health.nonfinite, health.silent, health.saturated)
    1 0.0 0.5
    """

    saturation: float = eqx.field(static=True, default=0.5, converter=partial(number, "Health.saturation"))
    population: str | None = eqx.field(static=True, default=None)

    def __check_init__(self) -> None:
        in_range("Health.saturation", self.saturation, 0.0, 1.0)

    @property
    def reads(self) -> tuple[str, ...]:
        return ("spikes", "v", "current")

    @property
    def units(self) -> dict[str, str]:
        return {"nonfinite": "1", "silent": "1", "saturated": "1"}

    def init(self, about: About) -> Float[Array, " neuron"]:
        return start_counts("Health", about)

    def update(self, acc: Array, frame: Frame, about: About) -> Float[Array, " neuron"]:
        del about
        return acc + (frame.spikes + 0.0 * (frame.v + frame.current))

    def merge(self, a: Array, b: Array, about: About) -> Float[Array, " neuron"]:
        del about
        return a + b

    def finalize(self, acc: Array, about: About) -> Symptoms:
        nonfinite, silent, active = _number(jnp.isnan(acc)), _number(acc == 0), _number(acc > 0)
        saturated = _number(acc > jnp.float32(self.saturation * about.steps))
        size = nonfinite + silent + active
        return Symptoms(nonfinite, _share(silent, size), _share(saturated, size))

    def dims(self, about: About) -> dict[str, tuple[str, ...]]:
        del about
        return {"nonfinite": (), "silent": (), "saturated": ()}

    @classmethod
    def example(cls) -> Self:
        return cls()


def _number(which: Bool[Array, " neuron"]) -> Int[Array, ""]:
    return which.sum(dtype=jnp.int32)


def _share(part: Int[Array, ""], whole: Int[Array, ""]) -> Float[Array, ""]:
    """Exactly 1 for all: a division is rounded to 0.99999994 for 41 of 41 on some accelerators, and where it becomes a product."""
    return jnp.where(part == whole, jnp.float32(1.0), part.astype(jnp.float32) / whole.astype(jnp.float32))
