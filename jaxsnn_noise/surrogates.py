r"""The spike nonlinearity and its surrogate derivatives.

A spike is the Heaviside function of the margin ``x = v - threshold`` [mV], whose derivative is zero almost everywhere.
In the backward pass a *surrogate* takes its place (Neftci, Mostafa & Zenke 2019, doi:10.1109/MSP.2019.2931595). The
forward pass is never touched: :func:`spike` is exactly 0 or 1.

The derivative of a member sees the margin through ``k x`` only, with its leaf ``sharpness`` ``k`` [1/mV]:

.. math:: s'(x) = c \, g(k x), \qquad g(u) = g(-u), \quad g(0) = \max g.

Two normalisations are in use; they differ in how the size of a gradient depends on ``k``:

* *unit integral*: the peak is proportional to ``k``. The surrogate is the density of a noise on the margin, so it keeps
  its meaning when voltages change their unit. All members but two.
* *unit peak*: 1 per mV at margin 0 for every ``k``. :class:`SuperSpike` and :class:`PiecewiseLinear`.

Where the density has a variance, ``from_noise(sigma)`` is the surrogate that equals the density of noise of standard
deviation ``sigma`` [mV]: the derivative of the probability to spike under that noise (Ma, Yan & Tang 2023,
doi:10.1016/j.patter.2023.100831).
"""

from __future__ import annotations

import abc
import math
from typing import Any, ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array

from jaxsnn_noise import _checks
from jaxsnn_noise._typing import Leaf, Values, as_float
from jaxsnn_noise.parameters import Part, fraction, parameter, positive

__all__ = [
    "Arctan",
    "FastSigmoid",
    "GaussianError",
    "PiecewiseLinear",
    "RectangularWindow",
    "SigmoidDerivative",
    "SuperSpike",
    "Surrogate",
    "TriangularWindow",
    "TwoSidedExponential",
    "spike",
]

_HALF_PI = 0.5 * math.pi
_GAUSSIAN_PEAK = 1.0 / math.sqrt(math.pi)


class Surrogate(Part):
    """Abstract: what stands for the derivative of a spike with respect to its margin.

    A member has the leaf ``sharpness`` [1/mV] and two methods; :class:`FastSigmoid` is the pattern to follow.
    """

    sharpness: eqx.AbstractVar[Values]
    spread: ClassVar[float | None] = None
    """Standard deviation of the density times ``k``; ``None`` where there is no such density."""

    @abc.abstractmethod
    def derivative(self, margin: Values) -> Values:
        """What stands for ``ds/dx`` [1/mV] at the margin ``x`` [mV]; even, >= 0, largest at 0."""

    @abc.abstractmethod
    def primitive(self, margin: Values) -> Values:
        """The smooth step [1] that has this derivative, and 1/2 at margin 0.

        With a unit integral it runs from 0 to 1: the probability to spike under the noise of that density.
        """

    @classmethod
    def from_noise(cls, sigma: Any) -> Surrogate:
        """The density of noise of standard deviation ``sigma`` [mV] > 0: ``sharpness = spread / sigma``."""
        if cls.spread is None:
            _checks.fail(f"{cls.__name__}.from_noise", "is not the density of a noise with a variance", sigma)
        _checks.positive(f"{cls.__name__}.from_noise: sigma", sigma, "mV")
        return cls(sharpness=as_float(cls.spread / sigma))

    @classmethod
    def example(cls) -> Surrogate:
        """A member with ordinary parameters, for tests and documentation."""
        return cls(sharpness=as_float(4.0))


@jax.custom_jvp
def spike(surrogate: Surrogate, margin: Values) -> Values:
    """Spikes of given margins: 1.0 where ``margin >= 0``, else 0.0 (also where the margin is NaN).

    The tangent is ``surrogate.derivative(margin) * tangent(margin)``. The parameters of the surrogate do not change the
    spike, and their gradient is zero.

    Args:
        surrogate: the stand-in derivative.
        margin: ``v - threshold`` [mV], any shape.

    Returns:
        Spikes [1], the shape of ``margin``.

    Example:
        >>> import jax, jax.numpy as jnp
        >>> from jaxsnn_noise import surrogates
        >>> surrogate = surrogates.FastSigmoid(sharpness=2.0)
        >>> surrogates.spike(surrogate, jnp.array([-0.5, 0.0, 0.5])).tolist()
        [0.0, 1.0, 1.0]
        >>> jax.grad(lambda x: surrogates.spike(surrogate, x))(jnp.array(-0.5)).item()
        0.25
    """
    del surrogate
    return (margin >= 0).astype(jnp.result_type(margin))


@spike.defjvp
def _spike_jvp(primals: tuple[Any, Any], tangents: tuple[Any, Any]) -> tuple[Array, Array]:
    surrogate, margin = primals
    spikes = spike(surrogate, margin)
    return spikes, surrogate.derivative(margin).astype(spikes.dtype) * tangents[1]


class FastSigmoid(Surrogate):
    r"""Unit integral, power-law tails: :math:`s'(x) = \frac{k}{2 (1 + |k x|)^2}`.

    Peak ``k/2``. The shape is that of :class:`SuperSpike`; the normalisation is that of a density.

    Args:
        sharpness: ``k`` [1/mV] > 0; the derivative falls to a quarter of its peak at ``|x| = 1/k``.

    References:
        Zenke & Ganguli (2018), Neural Computation 30:1514, doi:10.1162/neco_a_01086 (the shape); Zenke & Vogels (2021),
        Neural Computation 33:899, doi:10.1162/neco_a_01367 (results depend little on the shape, but much on the scale).

    Example:
        >>> FastSigmoid(sharpness=4.0).derivative(jnp.float32(0.0)).item()
        2.0
    """

    sharpness: Leaf = parameter("1/mV", positive, shape=None)

    def derivative(self, margin: Values) -> Values:
        return 0.5 * self.sharpness / jnp.square(1.0 + jnp.abs(self.sharpness * margin))

    def primitive(self, margin: Values) -> Values:
        scaled = self.sharpness * margin
        return 0.5 + 0.5 * scaled / (1.0 + jnp.abs(scaled))


class SuperSpike(Surrogate):
    r"""Unit peak, power-law tails: :math:`s'(x) = \frac{1}{(1 + |k x|)^2}` per mV.

    Integral ``2/k``. :class:`FastSigmoid` is the same curve times ``k/2``.

    Args:
        sharpness: ``k`` [1/mV] > 0.

    References:
        Zenke & Ganguli (2018), Neural Computation 30:1514, doi:10.1162/neco_a_01086.

    Example:
        >>> SuperSpike(sharpness=4.0).derivative(jnp.array([0.0, 0.25])).tolist()
        [1.0, 0.25]
    """

    sharpness: Leaf = parameter("1/mV", positive, shape=None)

    def derivative(self, margin: Values) -> Values:
        return 1.0 / jnp.square(1.0 + jnp.abs(self.sharpness * margin))

    def primitive(self, margin: Values) -> Values:
        return 0.5 + margin / (1.0 + jnp.abs(self.sharpness * margin))


class Arctan(Surrogate):
    r"""Unit integral, the Cauchy density: :math:`s'(x) = \frac{k/2}{1 + (\pi k x / 2)^2}`.

    Peak ``k/2``; the noise it belongs to has no variance, so there is no ``from_noise``.

    Args:
        sharpness: ``k`` [1/mV] > 0 (the ``alpha`` of the paper).

    References:
        Fang et al. (2021), ICCV, doi:10.1109/ICCV48922.2021.00266.

    Example:
        >>> Arctan(sharpness=4.0).derivative(jnp.float32(0.0)).item()
        2.0
    """

    sharpness: Leaf = parameter("1/mV", positive, shape=None)

    def derivative(self, margin: Values) -> Values:
        return 0.5 * self.sharpness / (1.0 + jnp.square(_HALF_PI * self.sharpness * margin))

    def primitive(self, margin: Values) -> Values:
        return 0.5 + jnp.arctan(_HALF_PI * self.sharpness * margin) / math.pi


class TriangularWindow(Surrogate):
    r"""Unit integral, compact support: :math:`s'(x) = k \max(0, 1 - |k x|)`.

    Peak ``k``; zero beyond ``|x| = 1/k``.

    Args:
        sharpness: ``k`` [1/mV] > 0, one over the half width.

    References:
        Esser et al. (2016), PNAS 113:11441, doi:10.1073/pnas.1604850113; Bellec et al. (2020), Nature Communications
        11:3625, doi:10.1038/s41467-020-17236-y (peak 0.3).

    Example:
        >>> TriangularWindow(sharpness=4.0).derivative(jnp.array([0.0, 0.125, 0.5])).tolist()
        [4.0, 2.0, 0.0]
    """

    sharpness: Leaf = parameter("1/mV", positive, shape=None)
    spread: ClassVar[float | None] = 1 / math.sqrt(6.0)

    def derivative(self, margin: Values) -> Values:
        return self.sharpness * jnp.maximum(1.0 - jnp.abs(self.sharpness * margin), 0.0)

    def primitive(self, margin: Values) -> Values:
        inside = jnp.clip(self.sharpness * margin, -1.0, 1.0)
        return 0.5 + inside - 0.5 * inside * jnp.abs(inside)


class SigmoidDerivative(Surrogate):
    r"""Unit integral, the logistic density: :math:`s'(x) = k\,\varsigma(k x)\,(1 - \varsigma(k x))`.

    Peak ``k/4``, with :math:`\varsigma(u) = 1/(1 + e^{-u})`.

    Args:
        sharpness: ``k`` [1/mV] > 0, one over the scale of the logistic density.

    References:
        Zenke & Vogels (2021), Neural Computation 33:899, doi:10.1162/neco_a_01367.

    Example:
        >>> SigmoidDerivative(sharpness=4.0).derivative(jnp.float32(0.0)).item()
        1.0
    """

    sharpness: Leaf = parameter("1/mV", positive, shape=None)
    spread: ClassVar[float | None] = math.pi / math.sqrt(3.0)

    def derivative(self, margin: Values) -> Values:
        scaled = jnp.abs(self.sharpness * margin)  # 1 - sigmoid(scaled) would lose the tail
        return self.sharpness * jax.nn.sigmoid(scaled) * jax.nn.sigmoid(-scaled)

    def primitive(self, margin: Values) -> Values:
        return jax.nn.sigmoid(self.sharpness * margin)


class GaussianError(Surrogate):
    r"""Unit integral, the normal density: :math:`s'(x) = \frac{k}{\sqrt{\pi}} e^{-(k x)^2}`.

    Peak ``k/sqrt(pi)``, primitive ``(1 + erf(k x))/2``. The density of Gaussian noise of standard deviation
    ``1/(sqrt(2) k)``.

    Args:
        sharpness: ``k`` [1/mV] > 0.

    References:
        Yin, Corradi & Bohte (2021), Nature Machine Intelligence 3:905, doi:10.1038/s42256-021-00397-w; Ma, Yan & Tang
        (2023), Patterns 4:100831, doi:10.1016/j.patter.2023.100831.

    Example:
        >>> round(GaussianError.from_noise(sigma=0.2).sharpness.item(), 3)
        3.536
    """

    sharpness: Leaf = parameter("1/mV", positive, shape=None)
    spread: ClassVar[float | None] = 1 / math.sqrt(2.0)

    def derivative(self, margin: Values) -> Values:
        return _GAUSSIAN_PEAK * self.sharpness * jnp.exp(-jnp.square(self.sharpness * margin))

    def primitive(self, margin: Values) -> Values:
        return 0.5 + 0.5 * jax.lax.erf(self.sharpness * margin)


class TwoSidedExponential(Surrogate):
    r"""Unit integral, the Laplace density: :math:`s'(x) = \frac{k}{2} e^{-|k x|}`.

    Peak ``k/2``.

    Args:
        sharpness: ``k`` [1/mV] > 0.

    References:
        Shrestha & Orchard (2018), NeurIPS 31, doi:10.48550/arXiv.1810.08646.

    Example:
        >>> TwoSidedExponential(sharpness=4.0).derivative(jnp.float32(0.0)).item()
        2.0
    """

    sharpness: Leaf = parameter("1/mV", positive, shape=None)
    spread: ClassVar[float | None] = math.sqrt(2.0)

    def derivative(self, margin: Values) -> Values:
        return 0.5 * self.sharpness * jnp.exp(-jnp.abs(self.sharpness * margin))

    def primitive(self, margin: Values) -> Values:
        scaled = self.sharpness * margin
        return 0.5 - 0.5 * jnp.sign(scaled) * jnp.expm1(-jnp.abs(scaled))


class RectangularWindow(Surrogate):
    r"""Unit integral, the uniform density: :math:`s'(x) = k` where :math:`|k x| \le 1/2`, else 0.

    Peak ``k``; the window is ``1/k`` wide.

    Args:
        sharpness: ``k`` [1/mV] > 0, one over the width of the window.

    References:
        Wu et al. (2018), Frontiers in Neuroscience 12:331, doi:10.3389/fnins.2018.00331.

    Example:
        >>> RectangularWindow(sharpness=4.0).derivative(jnp.array([0.0, 0.1, 0.2])).tolist()
        [4.0, 4.0, 0.0]
    """

    sharpness: Leaf = parameter("1/mV", positive, shape=None)
    spread: ClassVar[float | None] = 1 / (2 * math.sqrt(3.0))

    def derivative(self, margin: Values) -> Values:
        return jnp.where(jnp.abs(self.sharpness * margin) <= 0.5, self.sharpness, 0.0)

    def primitive(self, margin: Values) -> Values:
        return 0.5 + jnp.clip(self.sharpness * margin, -0.5, 0.5)


class PiecewiseLinear(Surrogate):
    r"""Unit peak with a leak: :math:`s'(x) = 1` per mV where :math:`|k x| \le 1/2`, else ``leak`` per mV.

    A straight-through estimate inside the window; outside a small slope that keeps silent neurons trainable. The
    integral is infinite unless ``leak = 0``.

    Args:
        sharpness: ``k`` [1/mV] > 0, one over the width of the window.
        leak: slope outside [1], 0 to 1.

    References:
        Neftci, Mostafa & Zenke (2019), IEEE Signal Processing Magazine 36:51, doi:10.1109/MSP.2019.2931595 (piecewise
        linear surrogates); the leak is a choice of this package.

    Example:
        >>> PiecewiseLinear(sharpness=4.0, leak=0.125).derivative(jnp.array([0.0, 0.2])).tolist()
        [1.0, 0.125]
    """

    sharpness: Leaf = parameter("1/mV", positive, shape=None)
    leak: Leaf = parameter("1", fraction, default=0.01, shape=None)

    def derivative(self, margin: Values) -> Values:
        return jnp.where(jnp.abs(self.sharpness * margin) <= 0.5, 1.0, self.leak)

    def primitive(self, margin: Values) -> Values:
        half = 0.5 / self.sharpness
        inside = jnp.clip(margin, -half, half)
        return 0.5 + inside + self.leak * (margin - inside)


def __dir__() -> list[str]:
    return __all__
