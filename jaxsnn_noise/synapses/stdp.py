"""Plasticity by the timing of pairs of spikes."""

from __future__ import annotations

import abc
from collections.abc import Mapping
from typing import Any, Self

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float32

from jaxsnn_noise._checks import fail, named
from jaxsnn_noise._typing import Key, PerNeuron, Scalar, Values
from jaxsnn_noise.parameters import Range, Ranged, nonnegative, parameter, positive, variable
from jaxsnn_noise.random import Tick
from jaxsnn_noise.relaxation import faded
from jaxsnn_noise.signals import Frame, Seen
from jaxsnn_noise.synapses.kinetics import Held, Kinetics
from jaxsnn_noise.synapses.projection import OfMatrix, unit_of_weights
from jaxsnn_noise.synapses.sums import FixedSums, Weights, dot


class Bounds(Ranged):
    """How a weight is kept between 0 and ``w_max`` while it learns."""

    @abc.abstractmethod
    def changed(self, weights: Weights, up: Weights, down: Weights, w_max: Scalar) -> Weights:
        """The weights after potentiation ``up`` and depression ``down`` [target, source], shares of 1, both of one step."""


class HardBounds(Bounds):
    """Additive: ``w + w_max (up - down)``, cut off at 0 and ``w_max``. Weights tend to both ends (Song, Miller, Abbott 2000)."""

    def changed(self, weights: Weights, up: Weights, down: Weights, w_max: Scalar) -> Weights:
        return _between(weights + w_max * (up - down), w_max)


class SoftBounds(Bounds):
    """Multiplicative: ``w + (w_max - w) up - w down``. Weights tend to a value in between (van Rossum, Bi, Turrigiano 2000)."""

    def changed(self, weights: Weights, up: Weights, down: Weights, w_max: Scalar) -> Weights:
        return _between(weights + ((w_max - weights) * up - weights * down), w_max)


class Wiring(Ranged):
    """Which pairs of neurons have a synapse."""

    @abc.abstractmethod
    def exists(self, weights: Weights) -> Bool[Array, "target source"]:
        """Whether there is a synapse, from the weights before the first step."""


class WhereNonzero(Wiring):
    """A weight that starts at exactly 0 is no synapse and stays 0; a synapse that learns its way to 0 remains one."""

    def exists(self, weights: Weights) -> Bool[Array, "target source"]:
        return weights != 0


class Everywhere(Wiring):
    """All pairs, also those whose weight starts at 0; in a recurrent projection each neuron with itself."""

    def exists(self, weights: Weights) -> Bool[Array, "target source"]:
        return jnp.ones(weights.shape, bool)


class Untaught(eqx.Module):
    """What does not change in a run: weights before the first step, which of them are synapses, the largest arrival."""

    weights: Weights
    synapses: Bool[Array, "target source"]
    largest: int = eqx.field(static=True)


class Plastic(eqx.Module):
    """The state: weights in single precision [target, source], traces of arrivals [source] and of the target's spikes [target].

    Traces stand as they were at the end of the last step, [1].
    """

    weights: Weights = variable(
        lambda state, projection=None, *_: projection and unit_of_weights(projection), "synapse"
    )
    arrived: Float32[Array, "source"] = variable("1", "source")
    fired: Float32[Array, "target"] = variable("1", "target")


def _up_to_w_max(projection: Any, *outer: Any) -> Range:
    """In [0, ``w_max``]."""
    return Range(0.0, projection.w_max, why="the range of the weights that learn is [0, w_max]")


class PairSTDP(OfMatrix):
    r"""All-to-all projection whose weights learn from all pairs of an arrival and a spike of the target.

    An arrival in step ``m`` and a spike of the target in step ``n`` differ by :math:`\Delta = (n - m)\,dt` and change the weight by

    .. math:: \Delta w = \begin{cases} +\eta A_+ e^{-\Delta/\tau_+} s_+(w) & \Delta > 0 \\
                                       -\eta A_- e^{\Delta/\tau_-} s_-(w) & \Delta < 0 \end{cases}

    with :math:`s_\pm = w_{max}` for ``HardBounds()``, and :math:`s_+ = w_{max} - w`, :math:`s_- = w` for ``SoftBounds()``. Pairs of the same
    step count for neither sign. Delays are axonal: ``m`` is the step of the arrival, ``delay`` after the source's spike. All
    changes of a step see the weight at its start and act from the next step on.

    Two traces give the sum over all pairs, of what arrived, ``x <- x exp(-dt/tau_plus) + sent``, and of the target's spikes,
    ``y <- y exp(-dt/tau_minus) + spikes``: ``up = eta A_plus spikes_i x_j`` and ``down = eta A_minus y_i sent_j``, with the traces
    before this step is added. Decays are exact at any dt. An arrival counts with its value, so one that release noise grades, or
    a count of two spikes, moves weights in proportion; of the target its clean spikes count, without spike noise.

    Weights are held in single precision: a change of a step below ``6e-8 w`` is lost. What is transmitted is rounded in each step to
    the grid of ``FixedSums(w_max)``, so spikes have the same bits for any batch size; a weight above ``w_max`` (by mismatch)
    becomes NaN, which ``health`` counts. With ``learning_rate = 0`` it is ``Dense(..., sums=FixedSums(w_max))`` to the bit.

    Args:
        source: Name of the source population or port.
        target: Name of the target population.
        weights: [target, source] before the first step, in [0, w_max]; unit as the kinetics says.
        w_max: Largest weight, > 0, in the same unit.
        learning_rate: ``eta`` [1], >= 0.
        a_plus: Amplitude of potentiation ``A_plus`` [1], >= 0.
        a_minus: Amplitude of depression ``A_minus`` [1], >= 0.
        tau_plus: Decay of potentiation with the time difference [ms], > 0.
        tau_minus: Decay of depression [ms], > 0.
        bounds: ``HardBounds()`` (additive) or ``SoftBounds()`` (multiplicative).
        wiring: ``WhereNonzero()``: a weight that starts at 0, such as that of a neuron onto itself, is no synapse; or
            ``Everywhere()``.
        kinetics: As of :class:`Dense`.
        delay: As of :class:`Dense` [ms].
        noise: Named :class:`ReleaseNoise` sources.

    Learned weights are ``state.carry.projections[name].state.weights`` of a run's state.

    Raises:
        InputError: weights outside of [0, w_max] or of another shape; a parameter out of range.

    References: Song, Miller, Abbott 2000, doi:10.1038/78829; van Rossum, Bi, Turrigiano 2000,
    doi:10.1523/JNEUROSCI.20-23-08812.2000; traces: Morrison, Diesmann, Gerstner 2008, doi:10.1007/s00422-008-0233-1.

    Example:
        >>> float(PairSTDP("a", "b", [[0.5, 0.0]], w_max=1.0, learning_rate=0.01).tau_plus)
        20.0
    """

    source: str = eqx.field(static=True)
    target: str = eqx.field(static=True)
    weights: Weights = parameter(unit_of_weights, _up_to_w_max, shape=None, absent=True)
    w_max: Scalar = parameter(unit_of_weights, positive)
    learning_rate: Scalar = parameter("1", nonnegative)
    a_plus: Scalar = parameter("1", nonnegative)
    a_minus: Scalar = parameter("1", nonnegative)
    tau_plus: Scalar = parameter("ms", positive)
    tau_minus: Scalar = parameter("ms", positive)
    bounds: Bounds
    wiring: Wiring
    kinetics: Kinetics
    delay: float | None = eqx.field(static=True)
    noise: dict[str, Any]

    def __init__(
        self,
        source: str,
        target: str,
        weights: Any,
        *,
        w_max: Any,
        learning_rate: Any,
        a_plus: Any = 1.0,
        a_minus: Any = 1.0,
        tau_plus: Any = 20.0,
        tau_minus: Any = 20.0,
        bounds: Bounds | None = None,
        wiring: Wiring | None = None,
        kinetics: Kinetics | None = None,
        delay: float | None = None,
        noise: Mapping[str, Any] | None = None,
    ):
        self.source, self.target, self.delay = source, target, delay
        self.weights, self.w_max, self.learning_rate = weights, w_max, learning_rate
        self.a_plus, self.a_minus, self.tau_plus, self.tau_minus = a_plus, a_minus, tau_plus, tau_minus
        self.bounds = HardBounds() if bounds is None else bounds
        self.wiring = WhereNonzero() if wiring is None else wiring
        self.kinetics = Held() if kinetics is None else kinetics
        self.noise = named("PairSTDP.noise", noise, "sources, e.g. noise.ReleaseNoise(...)")

    def prepared(self, largest: int = 1) -> Untaught:
        return Untaught(self.weights, self.wiring.exists(self.weights), largest)

    def init(self, prepared: Untaught, key: Key, dt: float) -> Plastic:
        del key, dt
        targets, sources = prepared.weights.shape
        return Plastic(prepared.weights, jnp.zeros(sources, jnp.float32), jnp.zeros(targets, jnp.float32))

    def arrivals(self, prepared: Untaught, released: Values) -> Values:
        """The sums with the weights before the first step."""
        return dot(FixedSums(self.w_max).prepare(prepared.weights, prepared.largest), released)

    def transmit(
        self, prepared: Untaught, state: Plastic, released: Values, seen: Seen, key: Tick, dt: float
    ) -> tuple[Values, Plastic]:
        del seen, key, dt
        return dot(FixedSums(self.w_max).prepare(state.weights, prepared.largest), released), state

    def learn(
        self, prepared: Untaught, state: Plastic, sent: Values, frames: Mapping[str, Frame], dt: float
    ) -> Plastic:
        spikes = frames[self.target].spikes
        arrived, fired = faded(state.arrived, self.tau_plus, dt), faded(state.fired, self.tau_minus, dt)
        up = spikes[:, None] * (self.learning_rate * self.a_plus * arrived)[None, :]
        down = (self.learning_rate * self.a_minus * fired)[:, None] * sent[None, :]
        changed = self.bounds.changed(state.weights, up, down, self.w_max)
        weights = jnp.where(prepared.synapses, changed, state.weights)
        return Plastic(weights, arrived + sent, fired + spikes)

    def fan_out(self) -> PerNeuron:
        return jnp.sum(self.wiring.exists(self.weights).astype(jnp.float32), axis=0)

    def check(self, who: str, source_size: int, target_size: int) -> None:
        super().check(who, source_size, target_size)
        if not isinstance(self.bounds, Bounds):
            fail(f"{who}.bounds", "must be a policy, HardBounds() or SoftBounds()", self.bounds)
        if not isinstance(self.wiring, Wiring):
            fail(f"{who}.wiring", "must be a policy, WhereNonzero() or Everywhere()", self.wiring)

    @classmethod
    def example(cls) -> Self:
        return cls("a", "b", np.eye(5) * 0.5, w_max=1.0, learning_rate=0.01)


def _between(weights: Weights, w_max: Scalar) -> Weights:
    """Cut off at 0 and ``w_max``; a weight at a bound has the derivative of one within."""
    return jnp.where(weights > w_max, w_max, jnp.where(weights < 0, 0.0, weights))
