"""Amplitude, coupling and colour: how strong a source is, what it scales with, how it remembers.

What a combination means at each seam is the table in ``docs/explanation/seams.md``; a combination without a meaning is
refused when the source is built, with the reason.
"""

from __future__ import annotations

import abc
from typing import Any, ClassVar

import jax.numpy as jnp
from jaxtyping import Array, UInt32

from jaxsnn_noise._checks import fail
from jaxsnn_noise._typing import Leaf, PerNeuron, Values
from jaxsnn_noise.opacity import opaque
from jaxsnn_noise.parameters import Part, Ranged, nonnegative, parameter, positive
from jaxsnn_noise.relaxation import faded
from jaxsnn_noise.roots import square_root
from jaxsnn_noise.signals import Context


class Colour(Part):
    """The temporal correlation of a source: a map of unit-variance innovations that keeps the variance at one."""

    linear: ClassVar[bool] = True
    """Whether values are a linear filter of the innovations."""

    @property
    def draws(self) -> int:
        """Innovations per neuron and step, 1 to 13: more than one are handed over as [draw, neuron]."""
        return 1

    @abc.abstractmethod
    def init(self, innovation: Values) -> Any:
        """The filter's state, stationary, from the unit-variance innovations of one step."""

    @abc.abstractmethod
    def step(self, state: Any, innovation: Values, dt: float, zero: UInt32[Array, ""]) -> tuple[PerNeuron, Any]:
        """The unit-variance value of this step and the next state.

        A sum of two products rounds as the compiler likes, unless one is made opaque with ``zero`` (see :mod:`opacity`).
        """

    @abc.abstractmethod
    def diffusion(self, white: Values, rate: Values) -> Values:
        """Standard deviation of a step for unit ``Diffusion``, from the units of the seam."""

    @abc.abstractmethod
    def correlation_time(self, dt: float) -> Values:
        """Integral of the autocorrelation over positive lags [ms]; ``dt/2`` for white noise held over a step."""

    def check_step(self, who: str, dt: float) -> None:
        """Raise :class:`InputError` if it cannot be stepped by ``dt`` [ms]; most can be stepped by any."""

    def check_innovations(self, who: str, distribution: Any, correlation: Any) -> None:
        """Raise :class:`InputError` if it has no meaning for these innovations, of a distribution and a correlation."""


class White(Colour):
    """No memory: fresh in every step."""

    def init(self, innovation: PerNeuron) -> None:
        return None

    def step(self, state: None, innovation: PerNeuron, dt: float, zero: UInt32[Array, ""]) -> tuple[PerNeuron, None]:
        return innovation, None

    def diffusion(self, white: Values, rate: Values) -> Values:
        return white

    def correlation_time(self, dt: float) -> Values:
        return jnp.float32(0.5 * dt)


class OrnsteinUhlenbeck(Colour):
    """Exponential memory, exact: ``x <- b x + sqrt(1 - b^2) xi`` with ``b = exp(-dt/tau)``; starts stationary.

    Args:
        tau: Correlation time [ms], > 0.

    With ``PerStep(sigma)``, ``sigma`` is the stationary standard deviation. With ``Diffusion(sigma)`` the stationary
    variance is ``sigma^2/(2 tau)``, so that the source tends to the white one as tau goes to 0.

    Reference: Gillespie 1996, doi:10.1103/PhysRevE.54.2084.
    """

    tau: Leaf = parameter("ms", positive)

    def init(self, innovation: PerNeuron) -> PerNeuron:
        return innovation

    def step(
        self, state: PerNeuron, innovation: PerNeuron, dt: float, zero: UInt32[Array, ""]
    ) -> tuple[PerNeuron, PerNeuron]:
        return state, faded(state, self.tau, dt) + opaque(jnp.sqrt(-jnp.expm1(-2.0 * dt / self.tau)) * innovation, zero)

    def diffusion(self, white: Values, rate: Values) -> Values:
        return rate / jnp.sqrt(2.0 * self.tau)

    def correlation_time(self, dt: float) -> Values:
        return self.tau


class Amplitude(Part):
    """The strength of a source, in a form that says what it means when dt changes."""

    diffusive: ClassVar[bool] = False
    """Whether the amplitude is that of a diffusion (independent of dt) and not a spread per step."""

    @abc.abstractmethod
    def std(self, colour: Colour, white: Values | None, rate: Values | None) -> Values:
        """Standard deviation of the perturbation of one step, in the unit of the seam (or relative to its value)."""

    def variance(self, colour: Colour, white: Values | None, rate: Values | None) -> Values:
        """Its square."""
        return jnp.square(self.std(colour, white, rate))


def _diffusion(amplitude: Amplitude, source: Any = None, *outer: Any) -> str | None:
    """That of its seam: mV/sqrt(ms) or nA sqrt(ms); relative: 1/sqrt(ms) or sqrt(ms)."""
    del amplitude, outer
    if source is None:
        return None
    unit = source.seam.white
    return unit.replace("mV", "1").replace("nA ", "") if unit and source.coupling.relative else unit


def _spread(amplitude: Amplitude, source: Any = None, *outer: Any) -> str | None:
    """That of its seam: nA, mV or 1; relative: 1."""
    del amplitude, outer
    return None if source is None else "1" if source.coupling.relative else source.seam.units


def _intensity(amplitude: Amplitude, source: Any = None, *outer: Any) -> str | None:
    """Of its seam: nA^2, mV^2 or 1; relative: 1."""
    spread = _spread(amplitude, source, *outer)
    return spread if spread in (None, "1") else f"{spread}^2"


class Diffusion(Amplitude):
    """Intensity of a diffusion, independent of dt.

    Args:
        sigma: [mV/sqrt(ms)] at the voltage seam, [nA sqrt(ms)] at the current seam, >= 0. The free membrane then has
            the variance ``sigma^2 tau/2`` (voltage), ``R^2 sigma^2/(2 tau)`` (current, dt -> 0).
    """

    diffusive: ClassVar[bool] = True
    sigma: Leaf = parameter(_diffusion, nonnegative)

    def std(self, colour: Colour, white: Values | None, rate: Values | None) -> Values:
        if white is None or rate is None:
            fail("Diffusion", "white noise has no limit for small steps at this seam; use PerStep", "Diffusion")
        return self.sigma * colour.diffusion(white, rate)


class PerStep(Amplitude):
    """Standard deviation per step, whatever dt is.

    Args:
        sigma: In the unit of the seam (additive) or relative to its value (multiplicative), >= 0.
    """

    sigma: Leaf = parameter(_spread, nonnegative)

    def std(self, colour: Colour, white: Values | None, rate: Values | None) -> Values:
        return self.sigma


class Intensity(Amplitude):
    """Noise intensity ``D`` with the standard deviation ``sqrt(2 D)`` per step.

    Args:
        D: In the squared unit of the seam (additive) or dimensionless (multiplicative), >= 0. Through the numbers drawn its
            gradient is unbounded as ``D -> 0``, and 0 at exactly 0.
    """

    D: Leaf = parameter(_intensity, nonnegative)

    def std(self, colour: Colour, white: Values | None, rate: Values | None) -> Values:
        return square_root(2.0 * self.D)

    def variance(self, colour: Colour, white: Values | None, rate: Values | None) -> Values:
        return 2.0 * self.D


class Coupling(Part):
    """What the strength scales with."""

    relative: ClassVar[bool] = False
    """Whether the strength is a share of the quantity at the seam, and so without its unit."""

    @property
    def linear(self) -> bool:
        """Whether the perturbation is proportional to ``std x``: only then its moments are known, and the noise may decide."""
        return False

    def coefficient(self, sigma: Values, v: Values, *, ito: bool = False) -> Values | None:
        """``g(v)`` of the white diffusion ``g(v) dW`` of intensity ``sigma`` [mV/sqrt(ms)], in the sense of Stratonovich or Ito.

        ``None`` where it is no such diffusion.
        """
        del sigma, v, ito
        return None

    @abc.abstractmethod
    def unit(self, context: Context) -> Values | None:
        """What unit white noise adds in one step at this seam."""

    @abc.abstractmethod
    def perturbation(self, x: PerNeuron, std: Values, context: Context) -> PerNeuron:
        """The perturbation from the unit-variance value ``x``."""


class Additive(Coupling):
    """Independent of the state."""

    @property
    def linear(self) -> bool:
        return True

    def coefficient(self, sigma: Values, v: Values, *, ito: bool = False) -> Values:
        del ito
        return jnp.broadcast_to(sigma, v.shape)

    def unit(self, context: Context) -> Values | None:
        return context.white

    def perturbation(self, x: PerNeuron, std: Values, context: Context) -> PerNeuron:
        return std * x


class Interpretation(Ranged):
    """The calculus of a multiplicative diffusion."""


class Ito(Interpretation):
    """Amplitude taken before the increment: ``v <- v (1 + sigma sqrt(dt) xi)``; the mean does not drift."""


class Stratonovich(Interpretation):
    """The limit of coloured noise; its exact flow is ``v <- v exp(sigma sqrt(dt) xi)``, the mean grows by sigma^2/2."""


class Multiplicative(Coupling):
    """Scales with the quantity at the seam.

    Args:
        interpretation: Of a diffusion on the voltage: :class:`Ito` or :class:`Stratonovich`. Noise per step and noise
            on the current (which is no state) need none, and ``Stratonovich`` is refused there.
    """

    relative: ClassVar[bool] = True
    interpretation: Interpretation = Ito()

    @property
    def linear(self) -> bool:
        return not isinstance(self.interpretation, Stratonovich)

    def coefficient(self, sigma: Values, v: Values, *, ito: bool = False) -> Values | None:
        return sigma * v if isinstance(self.interpretation, Ito if ito else Stratonovich) else None

    def unit(self, context: Context) -> Values | None:
        return context.step

    def perturbation(self, x: PerNeuron, std: Values, context: Context) -> PerNeuron:
        if isinstance(self.interpretation, Stratonovich):
            return context.value * jnp.expm1(std * x)
        return context.value * (std * x)
