"""Surrogates of unit peak: 1 per mV at the threshold, however sharp."""

from __future__ import annotations

import math

import jax
import jax.numpy as jnp

from jaxsnn_noise._typing import Leaf, Values
from jaxsnn_noise.parameters import fraction, parameter, positive
from jaxsnn_noise.surrogates.surrogate import Surrogate

_HALF_ROOT_PI = 0.5 * math.sqrt(math.pi)


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


class UnitGaussian(Surrogate):
    r"""Unit peak, Gaussian: :math:`s'(x) = e^{-(k x)^2}` per mV.

    Integral ``sqrt(pi)/k``. :class:`GaussianError` is the same curve times ``k/sqrt(pi)``.

    Args:
        sharpness: ``k`` [1/mV] > 0.

    References:
        Yin, Corradi & Bohte (2021), Nature Machine Intelligence 3:905, doi:10.1038/s42256-021-00397-w (among those compared).

    Example:
        >>> UnitGaussian(sharpness=4.0).derivative(jnp.float32(0.0)).item()
        1.0
    """

    sharpness: Leaf = parameter("1/mV", positive, shape=None)

    def derivative(self, margin: Values) -> Values:
        return jnp.exp(-jnp.square(self.sharpness * margin))

    def primitive(self, margin: Values) -> Values:
        return 0.5 + _HALF_ROOT_PI / self.sharpness * jax.lax.erf(self.sharpness * margin)


class UnitLogistic(Surrogate):
    r"""Unit peak, logistic: :math:`s'(x) = 4 \varsigma(k x) (1 - \varsigma(k x)) = \mathrm{sech}^2(k x/2)` per mV.

    Integral ``4/k``. :class:`SigmoidDerivative` is the same curve times ``k/4``.

    Args:
        sharpness: ``k`` [1/mV] > 0.

    References:
        Zenke & Vogels (2021), Neural Computation 33:899, doi:10.1162/neco_a_01367 (one of the three shapes compared, each with peak 1).

    Example:
        >>> UnitLogistic(sharpness=4.0).derivative(jnp.float32(0.0)).item()
        1.0
    """

    sharpness: Leaf = parameter("1/mV", positive, shape=None)

    def derivative(self, margin: Values) -> Values:
        half = jnp.exp(-jnp.abs(self.sharpness * margin))
        return 4.0 * half / jnp.square(1.0 + half)

    def primitive(self, margin: Values) -> Values:
        return 0.5 + 2.0 / self.sharpness * jnp.tanh(0.5 * self.sharpness * margin)


class UnitTriangle(Surrogate):
    r"""Unit peak times a damping, compact support: :math:`s'(x) = \gamma \max(0, 1 - |k x|)` per mV.

    Integral ``damping/k``. :class:`TriangularWindow` is the same curve with peak ``k``.

    Args:
        sharpness: ``k`` [1/mV] > 0; the derivative is zero beyond ``|x| = 1/k``.
        damping: peak ``gamma`` [1], 0 to 1. Values below 1 keep gradients through many steps from growing (0.3 in Bellec et al.).

    References:
        Esser et al. (2016), PNAS 113:11441, doi:10.1073/pnas.1604850113; Bellec et al. (2018), NeurIPS, arXiv:1803.09574 (the damping).

    Example:
        >>> UnitTriangle(sharpness=2.0, damping=0.5).derivative(jnp.array([0.0, 0.25, 1.0])).tolist()
        [0.5, 0.25, 0.0]
    """

    sharpness: Leaf = parameter("1/mV", positive, shape=None)
    damping: Leaf = parameter("1", fraction, default=1.0, shape=None)

    def derivative(self, margin: Values) -> Values:
        return self.damping * jnp.maximum(0.0, 1.0 - jnp.abs(self.sharpness * margin))

    def primitive(self, margin: Values) -> Values:
        u = jnp.clip(self.sharpness * margin, -1.0, 1.0)
        return 0.5 + self.damping / self.sharpness * (u - 0.5 * u * jnp.abs(u))


class LogarithmicTails(Surrogate):
    r"""Unit peak, tails so wide that the integral is infinite: :math:`s'(x) = \frac{1}{1 + |k x|}` per mV.

    Its primitive grows as a logarithm, so a neuron far from its threshold is never out of reach.

    Args:
        sharpness: ``k`` [1/mV] > 0; the derivative falls to half its peak at ``|x| = 1/k``.

    References:
        Fang et al. (2023), Science Advances 9:eadi1480, doi:10.1126/sciadv.adi1480 (SpikingJelly's ``NonzeroSignLogAbs``, which is ``k``
        times this).

    Example:
        >>> LogarithmicTails(sharpness=4.0).derivative(jnp.array([0.0, 0.25])).tolist()
        [1.0, 0.5]
    """

    sharpness: Leaf = parameter("1/mV", positive, shape=None)

    def derivative(self, margin: Values) -> Values:
        return 1.0 / (1.0 + jnp.abs(self.sharpness * margin))

    def primitive(self, margin: Values) -> Values:
        return 0.5 + jnp.sign(margin) * jnp.log1p(jnp.abs(self.sharpness * margin)) / self.sharpness
