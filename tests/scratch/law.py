"""A law: Weibull factors."""

from __future__ import annotations

import jax.numpy as jnp
from jax.scipy.special import gammaln, log_ndtr

from jaxsnn_noise._typing import Leaf, Values
from jaxsnn_noise.laws.law import Law
from jaxsnn_noise.parameters import parameter, positive


class ScratchLaw(Law):
    """Multiplicative, of mean 1 and never negative: ``p' = p (-ln(1 - Phi(z)))^(1/modulus) / Gamma(1 + 1/modulus)``.

    Args:
        modulus: Of Weibull [1], > 0; the larger, the narrower.
    """

    modulus: Leaf = parameter("1", positive)

    def perturb(self, nominal: Values, z: Values) -> Values:
        factor = jnp.exp(jnp.log(-log_ndtr(-z)) / self.modulus - gammaln(1.0 + 1.0 / self.modulus))
        return nominal * factor

    def mean_std(self, nominal: Values) -> tuple[Values, Values]:
        square = jnp.exp(gammaln(1.0 + 2.0 / self.modulus) - 2.0 * gammaln(1.0 + 1.0 / self.modulus))
        return nominal, jnp.abs(nominal) * jnp.sqrt(square - 1.0)

    def support(self, nominal: Values) -> tuple[Values, Values]:
        far = jnp.where(nominal == 0, 0.0, nominal * jnp.inf)
        return jnp.minimum(far, 0.0), jnp.maximum(far, 0.0)

    @classmethod
    def example(cls) -> ScratchLaw:
        return cls(3.0)
