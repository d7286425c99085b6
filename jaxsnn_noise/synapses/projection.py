"""What a projection is: it carries the output of one population to another."""

from __future__ import annotations

import abc
from collections.abc import Mapping
from typing import Any, ClassVar, Self

import equinox as eqx
import jax.numpy as jnp
import numpy as np

from jaxsnn_noise._checks import concrete, fail, nonnegative, number
from jaxsnn_noise._typing import Key, PerNeuron, Values
from jaxsnn_noise.parameters import Range, Ranged
from jaxsnn_noise.random import Tick
from jaxsnn_noise.signals import Frame, Seen
from jaxsnn_noise.synapses.kinetics import Kinetics
from jaxsnn_noise.synapses.sums import Weights


class Projection(Ranged):
    """Carries the output of a source population to a target population.

    Release noise acts on what is released, ``transmit`` turns that into arrivals, and the kinetics these into a drive; the
    engine calls them in this order. A linear projection writes ``arrivals`` alone. One with a state of its own writes ``init``
    and ``transmit``, one that learns ``learn``: either way its populations advance step by step, and see each other.
    """

    sees_source: ClassVar[bool] = False
    """Whether it reads the potentials of its source, which must then be a population."""
    exceeds: ClassVar[bool] = False
    """Whether more may arrive than ``arrivals`` says: its weights have noise of both signs."""

    source: eqx.AbstractVar[str]
    target: eqx.AbstractVar[str]
    delay: eqx.AbstractVar[float | None]
    kinetics: eqx.AbstractVar[Kinetics]
    noise: eqx.AbstractVar[dict[str, Any]]

    @property
    def reads(self) -> tuple[str, ...]:
        """The populations whose frames ``learn`` reads."""
        return (self.target,)

    @property
    def linear(self) -> bool:
        """Whether arrivals are a fixed linear map of what is released, so that whole trains can be mapped at once."""
        return type(self).transmit is Projection.transmit and type(self).learn is Projection.learn

    @abc.abstractmethod
    def prepared(self, largest: int = 1) -> Any:
        """What ``transmit`` needs, formed once per run (after sweeps and imperfections).

        ``largest`` is the largest whole number that the source holds in one step: 1 for spikes.
        """

    def init(self, prepared: Any, key: Key, dt: float) -> Any:
        """The state before the first step; ``None`` for a linear projection."""
        del prepared, key, dt
        return None

    @abc.abstractmethod
    def arrivals(self, prepared: Any, released: Values) -> Values:
        """Weighted sums [..., target] of released signals [..., source], for one step or a stack of steps."""

    def transmit(
        self, prepared: Any, state: Any, released: Values, seen: Seen, key: Tick, dt: float
    ) -> tuple[Values, Any]:
        """The arrivals [target] of one step and the next state. The default is the product ``arrivals``."""
        del seen, key, dt
        return self.arrivals(prepared, released), state

    def learn(self, prepared: Any, state: Any, sent: Values, frames: Mapping[str, Frame], dt: float) -> Any:
        """The state after the step: ``sent`` [source] is what arrived in it, ``frames`` are those of ``reads``.

        Acts from the next step on. Always evaluated pinned, so that weights have the same bits in every program.
        """
        del prepared, sent, frames, dt
        return state

    @abc.abstractmethod
    def fan_out(self) -> PerNeuron:
        """Number of synapses that a spike of each source neuron drives."""

    def pairs(self) -> tuple[np.ndarray, np.ndarray] | None:
        """Target and source of each synapse, in the order in which a state lists them; ``None`` where that is not said."""
        return None

    @abc.abstractmethod
    def check(self, who: str, source_size: int, target_size: int) -> None:
        """Raise :class:`InputError` if the projection does not fit its populations."""

    def check_step(self, who: str, dt: float) -> None:
        """Raise :class:`InputError` if it cannot be stepped by ``dt`` [ms]; most can by any."""

    @classmethod
    @abc.abstractmethod
    def example(cls) -> Self:
        """An instance for the contract suite: 5 sources ``a``, 5 targets ``b``."""


def check_delay(who: str, delay: Any) -> None:
    """A delay is a time of at least 0, or none."""
    if delay is not None:
        nonnegative(f"{who}.delay", number(f"{who}.delay", delay), "ms")


class OfMatrix(Projection):
    """Abstract: a projection whose weights are a matrix [target, source], with 0 where there is no synapse."""

    weights: eqx.AbstractVar[Weights]

    def fan_out(self) -> PerNeuron:
        if (known := concrete(self.weights)) is not None:  # outside of a program nothing is compiled for a count
            return jnp.asarray(np.count_nonzero(known, axis=0).astype(np.float32))
        return jnp.sum((self.weights != 0).astype(jnp.float32), axis=0)

    def pairs(self) -> tuple[np.ndarray, np.ndarray]:
        """Target and source of each entry, row by row."""
        rows, columns = np.indices(self.weights.shape)
        return rows.reshape(-1), columns.reshape(-1)

    def check(self, who: str, source_size: int, target_size: int) -> None:
        if self.weights.shape != (target_size, source_size):
            rule = f"must have the shape [target, source] = ({target_size}, {source_size})"
            fail(f"{who}.weights", rule, self.weights.shape)
        check_delay(who, self.delay)


def unit_of_weights(projection: Any, *outer: Any) -> str:
    """That which the kinetics say: nA, nA ms or uS."""
    del outer
    return str(projection.kinetics.weight_units)


def range_of_weights(projection: Any, *outer: Any) -> Range:
    """That which the kinetics say: finite, or >= 0 for conductances."""
    del outer
    found: Range = projection.kinetics.weight_range
    return found
