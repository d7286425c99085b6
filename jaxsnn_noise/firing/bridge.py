r"""The threshold that is looked at between the ends of a step: the Brownian bridge of white Gaussian noise.

In the time :math:`g(t) = \frac{\tau}{2}(e^{2t/\tau} - 1)` the membrane, its flow taken off, is Brownian motion,
:math:`(v - v_\infty)\,e^{t/\tau} = v_0 - v_\infty + \sigma W(g)`. Given both ends of a step it is a bridge, and the threshold a
boundary that is curved by :math:`(\theta - v_\infty)\,dt^2/(8\tau^2)`; it is taken as straight. With the gaps
:math:`a = \theta - v_0` and :math:`c = (\theta - v_1)\,e^{T/\tau}`, the free time :math:`T` and :math:`Q = \sigma^2 g(T)`:

* a bridge between two ends below the boundary meets it with the probability :math:`e^{-2ac/Q}`;
* given that it does, and for any :math:`c < 0`, the first passage at :math:`s` has the density
  :math:`\propto s^{-3/2}(g_T - s)^{-1/2} \exp\left(-\frac{a^2}{2\sigma^2 s} - \frac{c^2}{2\sigma^2(g_T - s)}\right)`, so that
  :math:`s/(g_T - s)` is inverse Gaussian, of mean :math:`a/|c|` and shape :math:`a^2/Q`.
"""

from __future__ import annotations

from typing import Any, ClassVar, NamedTuple, Self

import equinox as eqx
import jax.numpy as jnp
from jax import lax

from jaxsnn_noise import random
from jaxsnn_noise._checks import concrete, fail, flag
from jaxsnn_noise._typing import PerNeuron, Values
from jaxsnn_noise.firing.gradients import Density, Gradient, check_gradient, of_probability
from jaxsnn_noise.firing.rule import Firing
from jaxsnn_noise.random import Tick
from jaxsnn_noise.signals import Crossing, Decision, Path

LONGEST = 0.25
"""Longest step, in time constants of the membrane: the straight boundary moves spike times by ``dt^2/(8 tau)`` at most."""
_TINY = 1e-20


class BridgeThreshold(Firing):
    r"""Fires where the membrane *was* at the threshold in the step, whatever its ends are.

    ``P(s = 1) = exp(-2 (theta - v0)(theta - v1)/(sigma^2 tau sinh(dt/tau)))`` for two ends below the threshold, else 1: the
    probability that a Brownian bridge of the membrane's white noise meets the threshold, for an exact linear membrane in the time
    in which it is one. ``tau -> inf`` gives ``exp(-2 (theta - v0)(theta - v1)/(sigma^2 dt))``.

    Without ``times`` a spike lies at the end of its step, as with a hard threshold: a mean interval is that of continuous time
    plus ``dt/2``, the variance that plus ``dt^2/12`` where intervals vary by more than half a step. With ``times`` the time of the
    spike in the step is *drawn*, from the law of the first passage of the bridge (inverse Gaussian), reset and refractory time
    begin there, the rest of the step has noise of its own, and statistics of intervals read that time.

    Args:
        times: Whether spikes have times inside the step. Needs a neuron with partial steps.
        gradient: What passes backward through a spike: ``Density()``, the derivative of that probability with respect to both
            ends and the noise (unbiased for one step: it is continuous where an end reaches the threshold); a surrogate's
            derivative of the margin; or ``Stopped()``. Times within a step are constants: what they change has no derivative.

    For white Gaussian ``Diffusion`` noise on the membrane, or on the current of a linear membrane, additive, with a private part; of
    any number of such sources, and of coloured noise on the current beside them, which is held as the drive is. What neurons have in
    common of the noise is common at the ends of steps; inside a step each has a bridge of its own. At most one spike in a step: a
    membrane that is free again before the end of the step is looked at from the next one on. ``dt <= tau/4``.

    References: Giraudo, Sacerdote 1999, doi:10.1080/03610919908813596 (the bridge in neurons); Borodin, Salminen 2002, *Handbook of
    Brownian Motion*, doi:10.1007/978-3-0348-8163-0; the time change: Doob 1942, doi:10.2307/1968873; the draw: Michael, Schucany, Haas 1976,
    doi:10.1080/00031305.1976.10479147.

    Example:
        >>> BridgeThreshold(times=True).inside
        True
    """

    random: ClassVar[bool] = True
    between: ClassVar[bool] = True

    times: bool = eqx.field(static=True, default=False, kw_only=True)
    gradient: Gradient = Density()

    @property
    def inside(self) -> bool:  # type: ignore[override]
        return self.times

    def __call__(self, crossing: Crossing, key: Tick, dt: float) -> Decision:
        if crossing.path is None:
            fail("BridgeThreshold", "needs white Gaussian noise on a linear membrane", None)
        entities = random.entities(crossing.margin.shape[-1])
        met = _meeting(_gaps(crossing, crossing.path))
        drawn = (random.uniform(key, entities) < met.probability).astype(crossing.margin.dtype)
        spikes = of_probability(self.gradient, drawn, crossing.margin, met.probability)
        inside = self._inside(crossing, crossing.path, key, dt) if self.times else None
        if not crossing.probabilities:
            return Decision(spikes, inside=inside)
        return Decision(spikes, met.probability, jnp.where(drawn > 0, -met.exponent, met.log_missed), inside)

    def _inside(self, crossing: Crossing, path: Path, key: Tick, dt: float) -> PerNeuron:
        entities = random.entities(crossing.margin.shape[-1])
        z = random.normal(random.channel(key, 1), entities)
        u = random.uniform(random.channel(key, 2), entities)
        gaps = lax.stop_gradient(_gaps(crossing, path))
        free, tau = lax.stop_gradient((path.free, path.tau))
        passed = 0.5 * tau * jnp.log1p(_first_passage(gaps, z, u) * jnp.expm1(2.0 * free / tau))
        return jnp.clip(dt - free + passed, 1e-6 * dt, dt)

    def check_step(self, who: str, neuron: Any, dt: float) -> None:
        tau = getattr(neuron, "tau_mem", None)
        shortest = None if tau is None else concrete(tau)
        if shortest is not None and not dt <= LONGEST * float(shortest.min()) * (1 + 1e-6):
            rule = f"needs steps of at most tau_mem/4, {LONGEST * float(shortest.min()):g} ms here; inside a longer one the threshold is no straight line to the bridge"
            fail(who, rule, f"dt = {dt:g} ms")

    def check_together(self, who: str) -> None:
        flag(f"{who}.times", self.times)
        check_gradient(f"{who}.gradient", self.gradient)

    @classmethod
    def example(cls) -> Self:
        return cls()


class _Gaps(NamedTuple):
    """Distances of the bridge's ends from the boundary, and the variance of Brownian motion over it, in units of its end."""

    start: Values
    end: Values
    variance: Values


class _Meeting(NamedTuple):
    """The probability ``exp(-exponent)`` that the bridge meets the boundary, and the logarithm of that that it does not."""

    probability: Values
    exponent: Values
    log_missed: Values


def _gaps(crossing: Crossing, path: Path) -> _Gaps:
    # multiplied by exp(-free/tau), which lets the end and its spread be those of the potential
    return _Gaps(-crossing.before * jnp.exp(-path.free / path.tau), -crossing.margin, jnp.square(path.std))


def _meeting(gaps: _Gaps) -> _Meeting:
    apart = (gaps.start > 0) & (gaps.end > 0)
    noisy = gaps.variance > 0
    exponent = 2.0 * gaps.start * gaps.end / jnp.where(noisy, gaps.variance, 1.0)
    exponent = jnp.where(apart, jnp.where(noisy, exponent, jnp.inf), 0.0)
    missed = jnp.where(exponent > 0, -jnp.expm1(-exponent), 1.0)
    return _Meeting(jnp.exp(-exponent), exponent, jnp.where(exponent > 0, jnp.log(missed), -jnp.inf))


def _first_passage(gaps: _Gaps, z: Values, u: Values) -> Values:
    """When a bridge first meets the boundary, as a share of its Brownian time, given that it does; ``z`` normal, ``u`` uniform.

    ``s/(1 - s)`` is inverse Gaussian: of its two roots for ``z^2`` the smaller, ``a/far``, is taken with the probability
    ``far/(|c| + far)``, else the larger, ``a far/c^2`` (Michael, Schucany and Haas), written such that no ``c`` divides.
    """
    a, c = jnp.maximum(gaps.start, _TINY), jnp.abs(gaps.end)
    h = 0.5 * jnp.square(z) * gaps.variance / a
    far = jnp.maximum(c + h + jnp.sqrt(h) * jnp.sqrt(h + 2.0 * c), _TINY)
    chosen = jnp.where(u * (c + far) < far, far, c * (c / far))
    return a / (a + chosen)
