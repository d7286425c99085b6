"""A surrogate that is negative on both sides: what a neuron near its threshold learns, one far from it unlearns."""

from __future__ import annotations

import math
from typing import ClassVar

import jax
import jax.numpy as jnp

from jaxsnn_noise._typing import Leaf, Values
from jaxsnn_noise.parameters import fraction, parameter, positive
from jaxsnn_noise.surrogates.surrogate import Surrogate


class MultiGaussian(Surrogate):
    r"""A Gaussian less two wide ones beside it.

    .. math:: s'(x) = (1 + h) N(x; 0, \sigma) - h N(x; \sigma, s \sigma) - h N(x; -\sigma, s \sigma)

    with :math:`\sigma = 1/(\sqrt 2 k)` and ``N(x; m, d)`` the normal density of mean m and standard deviation d. Integral ``1 - h``. No noise has this density, as it is negative.

    Args:
        sharpness: ``k`` [1/mV] > 0, as of :class:`GaussianError`; the paper's sigma 0.5 is sqrt(2).
        depth: ``h`` [1], 0 to 1; without it, :class:`GaussianError`.
        width: ``s`` [1] > 0, of the lobes over that of the peak.

    References:
        Yin, Corradi & Bohte (2021), Nature Machine Intelligence 3:905, doi:10.1038/s42256-021-00397-w (h 0.15, s 6).

    Example:
        >>> bool(MultiGaussian(sharpness=4.0).derivative(jnp.float32(1.0)) < 0)
        True
    """

    sharpness: Leaf = parameter("1/mV", positive, shape=None)
    depth: Leaf = parameter("1", fraction, default=0.15, shape=None)
    width: Leaf = parameter("1", positive, default=6.0, shape=None)
    signed: ClassVar[bool] = True

    def derivative(self, margin: Values) -> Values:
        u, apart = self.sharpness * margin, math.sqrt(0.5)
        lobes = [jnp.exp(-jnp.square((u + side) / self.width)) for side in (-apart, apart)]
        unit = self.sharpness / math.sqrt(math.pi)
        return unit * ((1.0 + self.depth) * jnp.exp(-jnp.square(u)) - self.depth / self.width * (lobes[0] + lobes[1]))

    def primitive(self, margin: Values) -> Values:
        u, apart = self.sharpness * margin, math.sqrt(0.5)
        erf = jax.lax.erf
        lobes = erf((u - apart) / self.width) + erf((u + apart) / self.width)
        return 0.5 + 0.5 * ((1.0 + self.depth) * erf(u) - self.depth * lobes)
