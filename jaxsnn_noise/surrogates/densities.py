"""Surrogates of unit integral: densities of a noise on the margin."""

from __future__ import annotations

import math
from typing import ClassVar

import jax
import jax.numpy as jnp

from jaxsnn_noise._typing import Leaf, Values
from jaxsnn_noise.parameters import parameter, positive
from jaxsnn_noise.surrogates.surrogate import Surrogate

_HALF_PI = 0.5 * math.pi
_GAUSSIAN_PEAK = 1.0 / math.sqrt(math.pi)


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
