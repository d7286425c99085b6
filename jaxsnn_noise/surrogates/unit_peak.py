"""Surrogates of unit peak: 1 per mV at the threshold, however sharp."""

from __future__ import annotations

import jax.numpy as jnp

from jaxsnn_noise._typing import Leaf, Values
from jaxsnn_noise.parameters import fraction, parameter, positive
from jaxsnn_noise.surrogates.surrogate import Surrogate


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
