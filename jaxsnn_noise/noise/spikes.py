"""Noise that makes, takes and moves whole spikes: loss, insertion and jitter at the output, failure of release."""

from __future__ import annotations

from typing import Any, ClassVar, Self

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float32

from jaxsnn_noise import random
from jaxsnn_noise._checks import fail, nonnegative, number, steps_of
from jaxsnn_noise._typing import Key, Leaf, PerNeuron, Scalar, Values
from jaxsnn_noise.noise.sources import Source, SourceMoments
from jaxsnn_noise.parameters import fraction, parameter, variable
from jaxsnn_noise.parameters import nonnegative as not_negative
from jaxsnn_noise.random import Tick
from jaxsnn_noise.signals import Context, Seam

MOST_STEPS = 1000
"""Longest way of a jittered spike [steps]."""


class SpikeDrop(Source):
    """Loss: each spike of the output is lost with a probability. Reset and interval statistics see the clean spikes.

    Targets of all projections miss the same spikes; failures of each projection for itself are :class:`BernoulliRelease`.
    The output of a Poisson population of rate ``r`` is Poisson of rate ``(1 - p) r``.

    Args:
        probability: ``p`` of a loss [1], 0 to 1.

    Example:
        >>> SpikeDrop(0.1).seam.units
        '1'
    """

    seam: ClassVar[Seam] = Seam.SPIKE
    takes: ClassVar[bool] = True
    probability: Leaf = parameter("1", fraction)

    def init(self, key: Key, size: int, dt: float) -> None:
        del key, size, dt

    def draw(self, state: Any, context: Context, key: Tick, dt: float) -> tuple[PerNeuron, None]:
        del state, dt
        lost = _happens(self.probability, context, key)
        return -lost * context.value, None

    def moments(self, context: Context, dt: float) -> SourceMoments:
        return _failing(self.probability, context, dt)

    @classmethod
    def example(cls) -> Self:
        return cls(0.3)


class BernoulliRelease(Source):
    """Failure of release: what a presynaptic neuron gives in a step is released, or with a probability not at all.

    One fate per presynaptic neuron and step, for all targets of the projection; ``synapses.Quantal`` has sites of each synapse.
    A count of several spikes in one step is released as a whole or not at all. The mean is ``1 - p`` times the signal, the
    variance ``p (1 - p)`` times its square, and signals of whole numbers stay whole, so exact sums stay exact.

    Args:
        failure: Probability ``p`` of a failure [1], 0 to 1.

    Example:
        >>> BernoulliRelease(0.5).seam.name
        'RELEASE'
    """

    seam: ClassVar[Seam] = Seam.RELEASE
    takes: ClassVar[bool] = True
    failure: Leaf = parameter("1", fraction)

    def init(self, key: Key, size: int, dt: float) -> None:
        del key, size, dt

    def draw(self, state: Any, context: Context, key: Tick, dt: float) -> tuple[PerNeuron, None]:
        del state, dt
        return -_happens(self.failure, context, key) * context.value, None

    def moments(self, context: Context, dt: float) -> SourceMoments:
        return _failing(self.failure, context, dt)

    @classmethod
    def example(cls) -> Self:
        return cls(0.3)


class SpikeInsertion(Source):
    """Spurious spikes of the output: in each silent step one with the probability ``1 - exp(-rate dt)``, as of a Poisson process.

    A step with a spike gets none, so the output stays 0 or 1: ``rate`` is that of a silent neuron, and events of one step count once.

    Args:
        rate_hz: Rate of insertions [Hz], >= 0.

    Example:
        >>> SpikeInsertion(5.0).gain(0.1)
        0
    """

    seam: ClassVar[Seam] = Seam.SPIKE
    silent_only: ClassVar[bool] = True
    rate_hz: Leaf = parameter("Hz", not_negative)

    def init(self, key: Key, size: int, dt: float) -> None:
        del key, size, dt

    def draw(self, state: Any, context: Context, key: Tick, dt: float) -> tuple[PerNeuron, None]:
        del state
        return _happens(self._probability(dt), context, key) * (1.0 - context.value), None

    def moments(self, context: Context, dt: float) -> SourceMoments:
        p, room = self._probability(dt), 1.0 - context.value
        return SourceMoments(p * room, p * (1.0 - p) * jnp.square(room), jnp.float32(0.5 * dt))

    def _probability(self, dt: float) -> Scalar:
        return -jnp.expm1(-self.rate_hz * (dt / 1000.0))

    @classmethod
    def example(cls) -> Self:
        return cls(300.0)


class OnTheWay(eqx.Module):
    """Spikes that are on their way, by the steps that they still have to go [step, neuron]."""

    waiting: Float32[Array, "step neuron"] = variable("1")


class SpikeJitter(Source):
    r"""Jitter: a spike leaves the neuron late, by a number of steps that is uniform from 0 to ``window/dt``, both included.

    What comes late cannot come early: jitter in time is a delay of mean ``window/2`` and standard deviation
    :math:`dt \sqrt{n(n+2)/12}`, ``n = window/dt`` (``window/sqrt(12)`` for small steps). Every spike arrives once; spikes of a neuron may overtake
    each other and meet, so that the output is a count, up to ``n + 1``, which exact sums are told (:meth:`gain`). Reset and
    interval statistics see the clean spikes.

    Spikes that are on their way when a run ends are in its memory, and arrive where the run goes on (``jn.advance``); a run that
    is over has not delivered those of its last ``window``.

    Args:
        window: Longest delay [ms], a multiple of dt.
        probability: Share of spikes that jitter [1]; the others leave at once.

    Raises:
        InputError: a window that is no multiple of dt, or longer than 1000 steps.

    Example:
        >>> SpikeJitter(2.0).gain(0.5)
        4
    """

    seam: ClassVar[Seam] = Seam.SPIKE
    takes: ClassVar[bool] = True
    window: float = eqx.field(static=True)
    probability: Leaf = parameter("1", fraction)

    def __init__(self, window: float, probability: Any = 1.0):
        self.window, self.probability = nonnegative_number("SpikeJitter.window", window), probability

    def init(self, key: Key, size: int, dt: float) -> OnTheWay:
        del key
        return OnTheWay(jnp.zeros((self.gain(dt), size), jnp.float32))

    def draw(self, state: OnTheWay, context: Context, key: Tick, dt: float) -> tuple[PerNeuron, OnTheWay]:
        last = self.gain(dt)
        entities = random.entities(context.value.shape[-1])
        late = random.uniform(random.channel(key, 1), entities) * (last + 1)
        steps = jnp.minimum(jnp.floor(late), last) * _happens(self.probability, context, key)
        places = jnp.arange(last + 1, dtype=jnp.float32)[:, None]
        leaving = jnp.where(places == steps[None, :], context.value[None, :], 0.0)
        due = jnp.concatenate([state.waiting, jnp.zeros_like(context.value)[None, :]]) + leaving
        return due[0] - context.value, OnTheWay(due[1:])

    def moments(self, context: Context, dt: float) -> SourceMoments:
        last = self.gain(dt)
        moved = self.probability / (last + 1)
        at_once = 1.0 - last * moved
        spread = at_once * (1.0 - at_once) + last * moved * (1.0 - moved)
        return SourceMoments(jnp.zeros_like(context.value), spread * jnp.square(context.value), jnp.float32(0.0))

    def gain(self, dt: float) -> int:
        return steps_of("SpikeJitter.window", self.window, dt)

    def check_step(self, who: str, dt: float) -> None:
        if steps_of(f"{who}.window", self.window, dt) > MOST_STEPS:
            fail(f"{who}.window", f"must be at most {MOST_STEPS} steps of {dt:g} ms [ms]", self.window)

    @classmethod
    def example(cls) -> Self:
        return cls(1.0, 0.8)


def nonnegative_number(who: str, value: Any) -> float:
    """A time [ms] >= 0."""
    found = float(number(who, value))
    nonnegative(who, found, "ms")
    return found


def _happens(probability: Values, context: Context, key: Tick) -> PerNeuron:
    """1 with the probability, else 0, for each neuron."""
    u = random.uniform(key, random.entities(context.value.shape[-1]))
    return (u < probability).astype(jnp.float32)


def _failing(p: Values, context: Context, dt: float) -> SourceMoments:
    """What is taken away with the probability ``p``."""
    return SourceMoments(-p * context.value, p * (1.0 - p) * jnp.square(context.value), jnp.float32(0.5 * dt))
