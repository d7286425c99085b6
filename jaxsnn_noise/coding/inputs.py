"""Inputs: what enters a population as current [nA], or a port as spikes or analog values.

An input knows nothing of populations but the name of the one that it enters, if it has another name itself: the engine asks
it for the value of a step, and adds the values of all inputs of one population or port in the order of their names. Random
inputs have a stream of their own (``inputs.NAME``), so that ``Simulation(frozen={"inputs": ()})`` repeats the same stimulus
under fresh internal noise.
"""

from __future__ import annotations

import abc
from typing import Any, ClassVar, Self

import equinox as eqx
import jax.numpy as jnp
import numpy as np

from jaxsnn_noise import random
from jaxsnn_noise._checks import count, fail
from jaxsnn_noise._typing import Leaf, PerNeuron, Values, as_float
from jaxsnn_noise.opacity import opaque, opaque_zero
from jaxsnn_noise.parameters import Range, Ranged, nonnegative, parameter, real
from jaxsnn_noise.random import Tick


class Input(Ranged):
    """A signal in time for ``size`` channels.

    Args:
        to: The population or port that it enters, for every member of the family. ``None``: that of its own name among the
            inputs of a simulation.
    """

    spikes: ClassVar[bool] = False
    """Whether the values are events (0/1) and not currents or analog values."""
    constant: ClassVar[bool] = False
    """Whether all steps have the same value (its synaptic product is then formed once)."""

    values: eqx.AbstractVar[Values]
    """What an axis of samples and a batch set."""
    to: str | None = eqx.field(static=True, kw_only=True, default=None)

    @property
    def largest(self) -> int | None:
        """The largest whole number that the signal can hold in a step, 1 for spikes; ``None`` for analog values.

        Sums of whole numbers up to it are exact; a value above it becomes NaN.
        """
        return 1 if self.spikes else None

    @property
    def length(self) -> int | None:
        """The number of steps that the signal has values for; ``None`` without an end."""
        return None

    @abc.abstractmethod
    def init(self, key: Any, size: int, dt: float) -> Any:
        """The memory of the signal."""

    @abc.abstractmethod
    def step(self, state: Any, index: Any, key: Tick, context: Any, dt: float) -> tuple[PerNeuron, Any]:
        """The value of step ``index`` and the next memory; ``context`` is that of the current seam (value 0)."""

    def shown(self, values: Any) -> Self:
        """The input that shows one sample, whatever was shown before: default, the same input with other ``values``."""
        return eqx.tree_at(lambda signal: signal.values, self, as_float(values, f"{type(self).__name__}.values"))

    @abc.abstractmethod
    def check(self, who: str, size: int, steps: int) -> None:
        """Raise :class:`InputError` if the signal does not fit ``size`` channels over ``steps`` steps."""

    def check_step(self, who: str, steps: int, dt: float) -> None:
        """Raise :class:`InputError` if the signal cannot be shown in ``steps`` steps of ``dt`` [ms]; most can in any."""

    @classmethod
    @abc.abstractmethod
    def example(cls) -> Self:
        """An instance for the contract suite (5 channels)."""


def _unit(signal: Input, *outer: Any) -> str | None:
    """NA for a population, 1 for a port."""
    sim = outer[-1] if outer else None
    if sim is None or not hasattr(sim, "network"):
        return None
    name = signal.to or next((name for name, other in sim.inputs.items() if other is signal), None)
    return "nA" if name in sim.network.cells() else "1"


class Constant(Input):
    """The same value in all steps.

    Args:
        values: One number or one per channel: current [nA] for a population, analog value [1] for a port.

    Example:
        >>> float(Constant(1.1).values) > 1
        True
    """

    constant: ClassVar[bool] = True
    values: Leaf = parameter(_unit, real, shape=None)

    def init(self, key: Any, size: int, dt: float) -> None:
        return None

    def step(self, state: Any, index: Any, key: Tick, context: Any, dt: float) -> tuple[PerNeuron, None]:
        return jnp.broadcast_to(self.values, context.value.shape), None

    def check(self, who: str, size: int, steps: int) -> None:
        if self.values.shape not in ((), (size,)):
            fail(f"{who}.values", f"must be one number or have the shape ({size},)", self.values.shape)

    @classmethod
    def example(cls) -> Self:
        return cls(1.1)


class TimeSeries(Input):
    """A current or analog value per step.

    Args:
        values: [time, neuron], or [time] for the same value in all channels; time in steps of dt, warm-up included.
    """

    values: Leaf = parameter(_unit, real, shape=None)

    def __init__(self, values: Any, *, to: str | None = None):
        if getattr(values, "dtype", None) == np.bool_:
            fail("TimeSeries.values", "must be currents or analog values; spikes go into SpikeTrain", values)
        self.values, self.to = values, to

    @property
    def length(self) -> int:
        return len(self.values)

    def init(self, key: Any, size: int, dt: float) -> None:
        return None

    def step(self, state: Any, index: Any, key: Tick, context: Any, dt: float) -> tuple[PerNeuron, None]:
        return jnp.broadcast_to(self.values[index], context.value.shape), None

    def check(self, who: str, size: int, steps: int) -> None:
        if self.values.shape not in ((steps,), (steps, size)):
            fail(f"{who}.values", f"must have the shape ({steps}, {size}) [time, neuron]", self.values.shape)

    @classmethod
    def example(cls) -> Self:
        return cls(np.sin(np.arange(40.0 * 5).reshape(40, 5)))


def _counts(signal: Any, *outer: Any) -> Range:
    """Whole numbers in [0, ``largest``]."""
    spikes = "spikes are 0 or 1" if signal.largest == 1 else f"counts are at most largest = {signal.largest}"
    return Range(0.0, signal.largest, whole=True, why=spikes)


class SpikeTrain(Input):
    """Given spikes, or counts of spikes, for a port.

    Args:
        values: [time, neuron], 0 or 1 (or bool); time in steps of dt, warm-up included. With ``largest`` whole numbers from 0
            to it.
        largest: The largest count in one step. The grid of exact sums is coarser by ``ceil(log2(largest))`` bits; a larger
            value would make the sum NaN, which ``health`` counts.
    """

    spikes: ClassVar[bool] = True
    values: Leaf = parameter("1", _counts, shape=None, converter=lambda values: as_float(values, "SpikeTrain.values"))
    largest: int = eqx.field(static=True, default=1)

    def __check_init__(self) -> None:
        count("SpikeTrain.largest", self.largest)

    @property
    def length(self) -> int:
        return len(self.values)

    def init(self, key: Any, size: int, dt: float) -> None:
        return None

    def step(self, state: Any, index: Any, key: Tick, context: Any, dt: float) -> tuple[PerNeuron, None]:
        return self.values[index], None

    def check(self, who: str, size: int, steps: int) -> None:
        if self.values.shape != (steps, size):
            fail(f"{who}.values", f"must have the shape ({steps}, {size}) [time, neuron]", self.values.shape)

    @classmethod
    def example(cls) -> Self:
        return cls(np.arange(40 * 5).reshape(40, 5) % 7 == 0)


class PoissonSpikes(Input):
    """Poisson spikes for a port: in each step a spike with the probability ``1 - exp(-rate_hz dt/1000)``.

    Args:
        values: Rate of each channel [Hz], >= 0; one number or [neuron].
    """

    spikes: ClassVar[bool] = True
    values: Leaf = parameter("Hz", nonnegative, shape=None)

    def init(self, key: Any, size: int, dt: float) -> None:
        return None

    def step(self, state: Any, index: Any, key: Tick, context: Any, dt: float) -> tuple[PerNeuron, None]:
        probability = -jnp.expm1(-self.values * (dt / 1000.0))
        u = random.uniform(key, random.entities(context.value.shape[-1]))
        # a rate that is traced passes all checks; one that is none gives no silence
        return jnp.where(self.values >= 0, (u < probability).astype(jnp.float32), jnp.nan), None

    def check(self, who: str, size: int, steps: int) -> None:
        if self.values.shape not in ((), (size,)):
            fail(f"{who}.values", f"must be one number or have the shape ({size},)", self.values.shape)

    @classmethod
    def example(cls) -> Self:
        return cls(40.0)


class Fluctuating(Input):
    """A mean current with the fluctuations of a noise source: ``I(t) = values + noise(t)``.

    Frozen (``Simulation(frozen={"inputs": ()})``) it is the stimulus of a reliability experiment.

    Args:
        values: Mean current [nA], one number or [neuron].
        source: A source of the current seam, e.g. ``CurrentNoise(PerStep(0.2), colour=OrnsteinUhlenbeck(5.0))``.

    Reference: Mainen and Sejnowski 1995, doi:10.1126/science.7770778.
    """

    values: Leaf = parameter("nA", real, shape=None)
    source: Any

    def init(self, key: Any, size: int, dt: float) -> Any:
        return self.source.init(key, size, dt)

    def step(self, state: Any, index: Any, key: Tick, context: Any, dt: float) -> tuple[PerNeuron, Any]:
        mean = jnp.broadcast_to(self.values, context.value.shape)
        context = eqx.tree_at(lambda c: c.value, context, mean)
        noise, state = self.source.draw(state, context, key, dt)
        return mean + opaque(noise, opaque_zero(key.key)), state  # as at the seams: rounded by itself

    def check(self, who: str, size: int, steps: int) -> None:
        if self.values.shape not in ((), (size,)):
            fail(f"{who}.values", f"must be one number or have the shape ({size},)", self.values.shape)
        seam = getattr(getattr(self.source, "seam", None), "name", None)
        if seam != "CURRENT":
            fail(f"{who}.source", "must be a source of the current seam", seam or type(self.source).__name__)

    @classmethod
    def example(cls) -> Self:
        return cls(1.0, _Steady())


class _Steady(eqx.Module):
    """The silent source of the example."""

    class seam:
        name = "CURRENT"

    def init(self, key: Any, size: int, dt: float) -> None:
        return None

    def draw(self, state: Any, context: Any, key: Tick, dt: float) -> tuple[PerNeuron, None]:
        return jnp.zeros_like(context.value), None
