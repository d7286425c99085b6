"""Noise sources: an abstract source, and the composed sources of the five seams."""

from __future__ import annotations

import abc
from typing import Any, ClassVar, Self

import equinox as eqx
import jax.numpy as jnp
import numpy as np

from jaxsnn_noise import random
from jaxsnn_noise._checks import fail
from jaxsnn_noise._typing import Key, PerNeuron, Values
from jaxsnn_noise.distributions import Distribution, Gaussian
from jaxsnn_noise.noise.correlations import Correlation, Independent
from jaxsnn_noise.noise.policies import (
    Additive,
    Amplitude,
    Colour,
    Coupling,
    Multiplicative,
    PerStep,
    Stratonovich,
    White,
)
from jaxsnn_noise.opacity import opaque_zero
from jaxsnn_noise.parameters import Part
from jaxsnn_noise.random import Tick
from jaxsnn_noise.signals import Conditional, Context, Seam


class SourceMoments(eqx.Module):
    """Theoretical mean, variance and correlation time [ms] of a source's perturbation."""

    mean: Values
    variance: Values
    correlation_time: Values


class Source(Part):
    """A random perturbation of the quantity at one seam."""

    takes: ClassVar[bool] = False
    """Whether it takes whole spikes away, which another source at its seam would still see."""
    silent_only: ClassVar[bool] = False
    """Whether it acts in steps without a spike alone, so that it may stand beside one that takes spikes."""

    @property
    @abc.abstractmethod
    def seam(self) -> Seam:
        """Where the source acts: a class variable of every member."""

    @abc.abstractmethod
    def init(self, key: Key, size: int, dt: float) -> Any:
        """The source's memory for a population, stationary."""

    @abc.abstractmethod
    def draw(self, state: Any, context: Context, key: Tick, dt: float) -> tuple[PerNeuron, Any]:
        """The perturbation of this step (to be added to the quantity at the seam) and the next memory."""

    @abc.abstractmethod
    def moments(self, context: Context, dt: float) -> SourceMoments | None:
        """Theory of the perturbation for a constant value at the seam; ``None`` where there is none."""

    @property
    def divisible(self) -> bool:
        """Whether the perturbation of a part of a step can be drawn by itself, from a context of that part."""
        return False

    @property
    def indecisive(self) -> str | None:
        """Why :meth:`conditional` cannot take the perturbation apart; ``None`` if it can."""
        return "has no private white Gaussian part"

    @property
    def unbridged(self) -> str | None:
        """Why no Brownian bridge joins what the source adds at the two ends of a step; ``None`` if one does."""
        return "is no white Gaussian Diffusion"

    @property
    def smooth(self) -> bool:
        """Whether the value of a step is a sample of a course that varies little over it: as a current it is held, like a drive."""
        return False

    def coefficient(self, v: Values, *, ito: bool = False) -> Values | None:
        """``g(v)`` of the diffusion ``g(v) dW`` on the membrane, in the sense of Stratonovich or Ito [mV/sqrt(ms)], for steppers.

        ``None`` where the source is no such diffusion.
        """
        del v, ito
        return None

    def wiener(self, key: Tick, size: int, dt: float) -> Values:
        """The increments ``dW`` of this step [sqrt(ms)]: the same numbers as ``draw`` at the same address."""
        raise NotImplementedError(f"{type(self).__name__} is no diffusion")

    def conditional(self, memory: Any, context: Context, key: Tick, dt: float) -> Conditional | str:
        """The perturbation of the step as ``shift + std z`` with private normals ``z``, or the reason why there is none.

        The same numbers as ``draw`` at the same address.
        """
        del memory, context, key, dt
        return self.indecisive or ""

    def prepared(self) -> Source:
        """Itself, with what does not change in a run formed once: the engine asks before the first step."""
        return self

    def gain(self, dt: float) -> int:
        """The most that it adds to a whole number at its seam, in a step of ``dt`` [ms]; sums of weights are exact up to there."""
        del dt
        return 0

    def check_size(self, who: str, size: int) -> None:
        """Raise :class:`InputError` if the source does not fit so many neurons; most fit any."""

    def check_step(self, who: str, dt: float) -> None:
        """Raise :class:`InputError` if the source cannot be stepped by ``dt`` [ms]; most can be stepped by any."""

    @classmethod
    @abc.abstractmethod
    def example(cls) -> Self:
        """An instance for the contract suite."""


class ComposedSource(Source):
    """Noise composed of orthogonal policies; the seam classes differ only in where they act.

    ``perturbation = coupling(amplitude.std(colour) * x)``, with ``x`` the coloured, correlated, unit-variance value.

    Args:
        amplitude: ``Diffusion``, ``PerStep`` or ``Intensity``.
        coupling: ``Additive()`` or ``Multiplicative()``.
        colour: ``White()``, ``OrnsteinUhlenbeck(tau)``, ``PowerLaw(beta, f_low_hz, f_high_hz)`` or ``Telegraph(up_hz, down_hz)``.
        correlation: ``Independent()``, ``Common()``, ``SharedFraction(c)``, ``LowRank(loadings)``, ``Covariance(matrix)`` or
            ``Spatial(positions, length)``.
        distribution: Of the unit-variance innovation. Moments hold everywhere; the named marginal itself only for white noise
            that is independent or common (sums of draws tend to Gaussians).

    Raises:
        InputError: a combination that has no meaning at the seam, with the reason.
    """

    amplitude: Amplitude
    coupling: Coupling = Additive()
    colour: Colour = White()
    correlation: Correlation = Independent()
    distribution: Distribution = Gaussian()

    def init(self, key: Key, size: int, dt: float) -> Any:
        del dt
        start = random.channel(random.tick(key, 0), 15)
        return self.colour.init(self._innovations(start, size))

    def draw(self, state: Any, context: Context, key: Tick, dt: float) -> tuple[PerNeuron, Any]:
        innovation = self._innovations(key, context.value.shape[-1])
        x, state = self.colour.step(state, innovation, dt, opaque_zero(key.key))
        return self.coupling.perturbation(x, self._std(context), context), state

    @property
    def divisible(self) -> bool:
        return self.amplitude.diffusive and isinstance(self.colour, White)

    def coefficient(self, v: Values, *, ito: bool = False) -> Values | None:
        if not self.divisible:
            return None
        return self.coupling.coefficient(self.amplitude.std(self.colour, jnp.float32(1), jnp.float32(1)), v, ito=ito)

    def wiener(self, key: Tick, size: int, dt: float) -> Values:
        return jnp.float32(np.sqrt(dt)) * self.correlation.innovation(self.distribution, key, size)

    @property
    def indecisive(self) -> str | None:
        if not isinstance(self.colour, White):
            return "is coloured: given its memory nothing of this step's value is random"
        if not isinstance(self.distribution, Gaussian):
            return "is not Gaussian"
        if type(self.correlation).parts is Correlation.parts:
            return "is common, or mixed of shared draws: no neuron has a part of its own"
        if not self.coupling.linear:
            return "is coupled in a way that is not linear in the normal"
        return None

    @property
    def unbridged(self) -> str | None:
        if not self.amplitude.diffusive:
            return "is a spread per step, which has no path inside it"
        if not isinstance(self.colour, White):
            return "is coloured: the potential is smooth, and crosses no level between two ends below it"
        if not isinstance(self.distribution, Gaussian):
            return "is not Gaussian"
        if not isinstance(self.coupling, Additive):
            return "is graded: it scales with the quantity at its seam"
        return None if self.indecisive is None else self.indecisive

    @property
    def smooth(self) -> bool:
        return not isinstance(self.colour, White)

    def conditional(self, memory: Any, context: Context, key: Tick, dt: float) -> Conditional | str:
        parts = self.correlation.parts(self.distribution, key, context.value.shape[-1])
        if self.indecisive is not None or parts is None:
            return self.indecisive or "has no private part"
        given, share, own = parts
        scale = self._scale(context)
        spread = jnp.broadcast_to(jnp.abs(scale) * share, context.value.shape)
        return Conditional(scale * given, spread, jnp.where(scale < 0, -own, own), memory)

    def moments(self, context: Context, dt: float) -> SourceMoments | None:
        if not self.coupling.linear:
            return None
        scale = self.coupling.perturbation(jnp.ones_like(context.value), jnp.float32(1), context)
        variance = self.amplitude.variance(self.colour, self.coupling.unit(context), context.rate) * jnp.square(scale)
        return SourceMoments(jnp.zeros_like(variance), variance, jnp.asarray(self.colour.correlation_time(dt)))

    def prepared(self) -> Source:
        correlation = self.correlation.prepared()
        return self if correlation is self.correlation else eqx.tree_at(lambda s: s.correlation, self, correlation)

    def check_size(self, who: str, size: int) -> None:
        if self.correlation.size not in (None, size):
            fail(f"{who}.correlation", f"must be made for as many neurons as there are, {size}", self.correlation.size)

    def check_step(self, who: str, dt: float) -> None:
        self.colour.check_step(f"{who}.colour", dt)

    def check_together(self, who: str) -> None:
        self.colour.check_innovations(who, self.distribution, self.correlation)
        if self.amplitude.diffusive and self.seam not in (Seam.CURRENT, Seam.VOLTAGE):
            rule = (
                f"Diffusion has no limit for small steps at the {self.seam.name.lower()} seam; use PerStep or Intensity"
            )
            fail(f"{who}.amplitude", rule, type(self.amplitude).__name__)
        if not isinstance(self.coupling, Multiplicative):
            return
        if isinstance(self.coupling.interpretation, Stratonovich):
            exact = self.amplitude.diffusive and self.seam is Seam.VOLTAGE and isinstance(self.colour, White)
            if not (exact and isinstance(self.distribution, Gaussian)):
                rule = "Stratonovich has a meaning for a white Gaussian Diffusion on the voltage only"
                fail(f"{who}.coupling", rule, f"{type(self.amplitude).__name__} at {self.seam.name.lower()}")

    def _innovations(self, at: Tick, size: int) -> Values:
        """Those of a step: [neuron], or [draw, neuron] where the colour takes several, each with an address of its own."""
        if self.colour.draws == 1:
            return self.correlation.innovation(self.distribution, at, size)
        # none at the address itself, whose channels these are: what draws several numbers of one address takes channels too
        ticks = [random.channel(at, k + 1) for k in range(self.colour.draws)]
        return jnp.stack([self.correlation.innovation(self.distribution, tick, size) for tick in ticks])

    def _std(self, context: Context) -> Values:
        return self.amplitude.std(self.colour, self.coupling.unit(context), context.rate)

    def _scale(self, context: Context) -> Values:
        """What a linear coupling makes of a unit value [neuron]."""
        return self.coupling.perturbation(jnp.ones_like(context.value), self._std(context), context)

    @classmethod
    def example(cls) -> Self:
        return cls(PerStep(0.1))


class CurrentNoise(ComposedSource):
    """Noise on the total input current [nA], held over the step.

    With ``Diffusion(sigma)`` the held value has the standard deviation ``sigma/sqrt(dt)``; the membrane variance then lies below
    that of white noise by about (dt/tau)^2/12. Multiplicative noise scales the total current.
    """

    seam: ClassVar[Seam] = Seam.CURRENT


class VoltageNoise(ComposedSource):
    """Noise on the membrane [mV], added after the flow and before the comparison.

    With ``Diffusion(sigma)``, additive and white, the step has the standard deviation ``sigma diffuse(dt)``: exact for a linear
    membrane at any dt. Multiplicative noise scales the value after the flow. A refractory membrane is held and takes none.

    Example:
        >>> from jaxsnn_noise.noise import Diffusion
        >>> float(VoltageNoise(Diffusion(0.5)).amplitude.sigma)
        0.5
    """

    seam: ClassVar[Seam] = Seam.VOLTAGE


class ThresholdNoise(ComposedSource):
    """Noise on the threshold [mV], per step; multiplicative noise scales the threshold (not the margin)."""

    seam: ClassVar[Seam] = Seam.THRESHOLD


class SpikeNoise(ComposedSource):
    """Noise on the output of a population [1], per step: targets receive the perturbed output, which is graded.

    Reset and statistics of intervals use the clean spike. Multiplicative noise scales the spike, so silent steps stay
    silent.
    """

    seam: ClassVar[Seam] = Seam.SPIKE


class ReleaseNoise(ComposedSource):
    """Noise on what a projection releases [1], per step and presynaptic neuron; multiplicative noise scales the release."""

    seam: ClassVar[Seam] = Seam.RELEASE
