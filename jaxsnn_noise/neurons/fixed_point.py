"""The leaky integrate-and-fire neuron of digital hardware: whole numbers, a leak by a product and a shift, saturation."""

from __future__ import annotations

import functools
from typing import Any, ClassVar, NamedTuple, Self

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from jaxsnn_noise._checks import concrete, count, fail
from jaxsnn_noise._typing import Parameter, PerNeuron, Values
from jaxsnn_noise.neurons import refractory
from jaxsnn_noise.neurons.constructor import Follows
from jaxsnn_noise.neurons.lif import LIFState
from jaxsnn_noise.neurons.resets import Reset, ResetToValue, check_reset
from jaxsnn_noise.neurons.resetting import Resetting
from jaxsnn_noise.neurons.rounding import RoundDown, Rounding
from jaxsnn_noise.parameters import nonnegative, parameter, positive, real
from jaxsnn_noise.random import Tick
from jaxsnn_noise.roots import square_root
from jaxsnn_noise.signals import Drive

MOST_BITS = 24
"""A float32 holds whole numbers of so many bits."""
MOST_LEAK_BITS = 14
"""The partial products of a leak of so many bits fit into 32."""


class Word(NamedTuple):
    """The words of a membrane: their length, and how many of their bits lie behind the point."""

    bits: int
    fraction: int

    @property
    def ends(self) -> tuple[int, int]:
        """The least and the largest word."""
        return -(1 << (self.bits - 1)), (1 << (self.bits - 1)) - 1


class FixedPointLIF(Resetting):
    r"""Leaky integrate-and-fire in fixed-point arithmetic: :class:`LIF` with a state of a few bits.

    Potentials are whole numbers ``V`` of ``2^-fraction_bits`` mV, in words of ``bits`` bits that saturate at both ends:

    .. math:: V \leftarrow \mathrm{sat}\!\left(V + \left\lfloor \frac{(V_\infty - V)\,k + o}{2^{B}} \right\rfloor\right), \qquad
              k = \mathrm{round}\!\left(2^{B}(1 - e^{-dt/\tau})\right), \qquad V_\infty = \mathrm{sat}(\mathrm{round}((v_{rest} + R I)\,2^{f}))

    with ``B = leak_bits`` and the offset ``o`` of the rounding. That is the product and shift of digital chips, exact in whole
    numbers of any length. Threshold, reset and rest are rounded to words, halves to even; a reset saturates too; noise on the
    membrane is rounded to words after it is added. For many bits it is :class:`LIF`.

    It has neither gain nor time constant in the sense of the rules that need a linear membrane: ``BridgeThreshold`` and a
    deciding noise on the voltage are refused.

    Gradients pass straight through every rounding, as those of :class:`LIF`, and stop where a word saturates.

    Args:
        size: Number of neurons.
        tau_mem: Membrane time constant [ms], > 0; small enough that the leak of a step is a word, which is checked.
        v_threshold: Threshold [mV], at least a word above ``v_reset``.
        v_reset: Potential after a spike [mV]; ``v_rest`` unless given.
        v_rest: Potential without input [mV].
        resistance: Input resistance [MOhm], > 0.
        refractory: Absolute refractory time [ms], >= 0; ``None``: none.
        reset: Reset policy.
        bits: Length of a word, a whole number from 2 to 24, the sign included.
        fraction_bits: How many of them lie behind the point: potentials are whole numbers of ``2^-fraction_bits`` mV. From 0 to 24.
        leak_bits: Length of the leak, from 1 to 14.
        rounding: ``RoundDown()``, ``RoundTowardsZero()``, ``RoundToNearest()`` or ``StochasticRounding()``.

    Raises:
        InputError: bits out of range; a potential that no word holds; in a step, a leak that is no word.

    References: Davies et al. 2018, doi:10.1109/MM.2018.112130359 (a leak by product and shift, 12 bits, in words of 24);
    straight-through: Bengio, Leonard, Courville 2013, arXiv:1308.3432.

    Example:
        >>> cells = FixedPointLIF(3, bits=8, fraction_bits=4, v_threshold=1.3)
        >>> cells.threshold(cells.rest()).tolist()
        [1.3125, 1.3125, 1.3125]
    """

    partial_steps: ClassVar[bool] = False
    kicks_potential: ClassVar[bool] = False

    tau_mem: Parameter = parameter("ms", positive, default=20.0)
    v_threshold: Parameter = parameter("mV", real, default=1.0)
    v_reset: Parameter = parameter("mV", real, default=Follows("v_rest"))
    v_rest: Parameter = parameter("mV", real, default=0.0)
    resistance: Parameter = parameter("MOhm", positive, default=1.0)
    refractory: Parameter | None = parameter("ms", nonnegative, default=None)
    reset: Reset = ResetToValue()
    bits: int = eqx.field(static=True, default=16)
    fraction_bits: int = eqx.field(static=True, default=8)
    leak_bits: int = eqx.field(static=True, default=12)
    rounding: Rounding = RoundDown()

    @property
    def word(self) -> Word:
        """The form of its words."""
        return Word(self.bits, self.fraction_bits)

    def rest(self) -> LIFState:
        return LIFState(in_words(self.v_rest, self.word), refractory.none_held(self.refractory, self.v_rest))

    def threshold(self, state: LIFState) -> PerNeuron:
        del state
        return in_words(self.v_threshold, self.word)

    def integrate(self, state: LIFState, drive: Drive, key: Tick, dt: Values | float) -> LIFState:
        target, tau = self.v_rest + self.resistance * drive.current, self.tau_mem
        if drive.conductance is not None:
            leak = 1.0 + self.resistance * drive.conductance
            target, tau = target / leak, tau / leak
        offset = self.rounding.offset(target < state.v, self.leak_bits, key)
        v = relaxed_in_words(state.v, target, -jnp.expm1(-dt / tau), offset, self.leak_bits, self.word)
        return LIFState(*refractory.flowed(v, state.v, state.hold))

    def kicked(self, state: LIFState, kick: Values) -> LIFState:
        return LIFState(in_words(state.v + kick, self.word), state.hold)

    def after_spikes(self, state: LIFState, spikes: PerNeuron, dt: float) -> LIFState:
        after = self.reset(state.v, spikes, in_words(self.v_reset, self.word), self.threshold(state))
        hold = refractory.after_spikes(state.hold, self.refractory, spikes, dt)
        return LIFState(jnp.where(spikes > 0, in_words(after, self.word), after), hold)

    def diffuse(self, drive: Drive, dt: Values | float) -> Values:
        """That of :class:`LIF`, before the sum is rounded."""
        tau = self.tau_mem if drive.conductance is None else self.tau_mem / (1.0 + self.resistance * drive.conductance)
        return square_root(-0.5 * tau * jnp.expm1(-2.0 * dt / tau))

    def check_together(self, who: str) -> None:
        count(f"{who}.bits", self.bits, 2, MOST_BITS)
        count(f"{who}.fraction_bits", self.fraction_bits, 0, MOST_BITS)
        count(f"{who}.leak_bits", self.leak_bits, 1, MOST_LEAK_BITS)
        low, high = (end * 2.0**-self.fraction_bits for end in self.word.ends)
        for name in ("v_rest", "v_reset", "v_threshold"):
            value = concrete(getattr(self, name))
            if value is not None and not np.all((value >= low) & (value <= high)):
                rule = f"must be a potential that words of {self.bits} bits with {self.fraction_bits} behind the point hold, in [{low:g}, {high:g}] [mV]"
                fail(f"{who}.{name}", rule, value)
        if concrete(self.v_threshold) is not None and concrete(self.v_reset) is not None:
            check_reset(who, self.reset, in_words(self.v_reset, self.word), in_words(self.v_threshold, self.word))

    def check_step(self, who: str, dt: float) -> None:
        tau = concrete(self.tau_mem)
        if tau is not None and np.any(np.round(-np.expm1(-dt / tau.astype(float)) * 2.0**self.leak_bits) < 1):
            rule = f"must be at most about {dt * 2 ** (self.leak_bits + 1):g} [ms]: beyond it the leak of a step of {dt:g} ms is no word of {self.leak_bits} bits"
            fail(f"{who}.tau_mem", rule, float(tau.max()))

    @classmethod
    def example(cls) -> Self:
        # a membrane that forgets within few steps: the leak of a finer step has a coarser word, and converges to no limit
        return cls(5, tau_mem=0.6, refractory=2.0, bits=24, fraction_bits=20, leak_bits=14)


@functools.partial(jax.custom_jvp, nondiff_argnums=(1,))
def in_words(v: Values, word: Word) -> Values:
    """Potentials [mV] as the nearest words hold them, halves to even; exact."""
    return jnp.clip(jnp.round(v * 2.0**word.fraction), *map(float, word.ends)) * 2.0**-word.fraction


@in_words.defjvp
def _straight_through(word: Word, primals: Any, tangents: Any) -> tuple[Values, Values]:
    (v,), (change,) = primals, tangents
    return in_words(v, word), jnp.where(_inside(v, word), change, 0.0)


@functools.partial(jax.custom_jvp, nondiff_argnums=(4, 5))
def relaxed_in_words(v: Values, target: Values, share: Values, offset: jax.Array, leak_bits: int, word: Word) -> Values:
    """The potential [mV] after a share [1] of the way to a target; see :class:`FixedPointLIF`. NaN stays NaN."""
    low, high = word.ends
    ahead, here = (_words(x, word) for x in (target, v))
    way, leak = ahead - here, jnp.round(share * 2.0**leak_bits).astype(jnp.int32)
    # (way leak + offset) >> leak_bits by parts: the product itself has more than 32 bits
    upper, lower = way >> leak_bits, way & ((1 << leak_bits) - 1)
    moved = jnp.clip(here + upper * leak + ((lower * leak + offset) >> leak_bits), low, high)
    found = moved.astype(jnp.float32) * 2.0**-word.fraction
    return jnp.where(jnp.isnan(target) | jnp.isnan(v), jnp.nan, found)


@relaxed_in_words.defjvp
def _relaxed_straight_through(leak_bits: int, word: Word, primals: Any, tangents: Any) -> tuple[Values, Values]:
    (v, target, share, offset), (dv, dtarget, dshare, _) = primals, tangents
    found = relaxed_in_words(v, target, share, offset, leak_bits, word)
    aimed = jnp.where(_inside(target, word), dtarget, 0.0)
    change = (1.0 - share) * dv + share * aimed + (in_words(target, word) - v) * dshare
    return found, jnp.where(_inside(found, word), change, 0.0)


def _words(v: Values, word: Word) -> jax.Array:
    """Potentials as whole numbers."""
    return jnp.clip(jnp.round(v * 2.0**word.fraction), *map(float, word.ends)).astype(jnp.int32)


def _inside(v: Values, word: Word) -> jax.Array:
    """Whether a potential lies between the end words."""
    low, high = (end * 2.0**-word.fraction for end in word.ends)
    return (v > low) & (v < high)
