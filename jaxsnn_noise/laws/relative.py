"""Laws that perturb a nominal value: what a manufactured copy of a parameter is."""

from __future__ import annotations

import math
from typing import Any

import jax.numpy as jnp
from jax import lax

from jaxsnn_noise import _checks
from jaxsnn_noise._typing import Leaf, Values, as_float
from jaxsnn_noise.laws.law import Law, unit_of_quantity
from jaxsnn_noise.parameters import as_parameter, nonnegative, parameter, real
from jaxsnn_noise.special import ndtr

_SQRT_HALF = math.sqrt(0.5)
_SQRT_THIRD = math.sqrt(1.0 / 3.0)


class LogNormal(Law):
    r"""Multiplicative and positive, without shifting the mean.

    :math:`p' = p\, e^{s z - s^2/2}` with :math:`s^2 = \ln(1 + cv^2)`: mean ``p``, standard deviation ``cv
    |p|``, both exact. What a time constant or a current gain does when the logarithm of a transistor current
    is normal.

    Args:
        cv: coefficient of variation [1] >= 0.

    References:
        Limpert, Stahel & Abbt (2001), BioScience 51:341, doi:10.1641/0006-3568(2001)051[0341:LNDATS]2.0.CO;2.

    Example:
        >>> law = LogNormal(cv=0.2)
        >>> [round(x, 3) for x in law.perturb(jnp.full(3, 20.0), jnp.array([-1.0, 0.0, 1.0])).tolist()]
        [16.088, 19.612, 23.907]
    """

    cv: Leaf = parameter("1", nonnegative, shape=None)

    def perturb(self, nominal: Values, z: Values) -> Values:
        square = jnp.square(self.cv)
        # s = sqrt(log(1 + cv^2)) in a form whose slope at cv = 0 is 1, not 0/0
        small = square < 1e-6
        ratio = jnp.where(small, 1.0 - 0.5 * square, jnp.log1p(square) / jnp.where(small, 1.0, square))
        s = self.cv * jnp.sqrt(ratio)
        return nominal * jnp.exp(s * z - 0.5 * jnp.square(s))

    def mean_std(self, nominal: Values) -> tuple[Values, Values]:
        return nominal, self.cv * jnp.abs(nominal)

    def support(self, nominal: Values) -> tuple[Values, Values]:
        return between(nominal, jnp.float32(0.0), jnp.float32(jnp.inf))

    @classmethod
    def example(cls) -> LogNormal:
        return cls(cv=as_float(0.2))


class Normal(Law):
    r"""Multiplicative and unbounded: :math:`p' = p\,(1 + cv\, z)`.

    For weights and gains that may change sign. A time constant needs :class:`LogNormal` or :class:`TruncatedNormal`: at
    ``cv = 0.3`` one draw in 2,300 of this law is negative.

    Args:
        cv: coefficient of variation [1] >= 0.

    References:
        Pelgrom, Duinmaijer & Welbers (1989), IEEE J. Solid-State Circuits 24:1433, doi:10.1109/JSSC.1989.572629.

    Example:
        >>> Normal(cv=0.5).perturb(jnp.full(2, 4.0), jnp.array([-1.0, 1.0])).tolist()
        [2.0, 6.0]
    """

    cv: Leaf = parameter("1", nonnegative, shape=None)

    def perturb(self, nominal: Values, z: Values) -> Values:
        return nominal * (1.0 + self.cv * z)

    def mean_std(self, nominal: Values) -> tuple[Values, Values]:
        return nominal, self.cv * jnp.abs(nominal)

    def support(self, nominal: Values) -> tuple[Values, Values]:
        return between(nominal, jnp.float32(-jnp.inf), jnp.float32(jnp.inf))

    @classmethod
    def example(cls) -> Normal:
        return cls(cv=as_float(0.2))


class Offset(Law):
    r"""Additive and unbounded: :math:`p' = p + \sigma z`.

    For thresholds and bias currents, whose spread does not scale with their value.

    Args:
        sigma: standard deviation [unit of the parameter] >= 0.

    References:
        Pelgrom, Duinmaijer & Welbers (1989), IEEE J. Solid-State Circuits 24:1433, doi:10.1109/JSSC.1989.572629.

    Example:
        >>> Offset(sigma=0.5).perturb(jnp.full(2, 1.0), jnp.array([-1.0, 1.0])).tolist()
        [0.5, 1.5]
    """

    sigma: Leaf = parameter(unit_of_quantity, nonnegative, shape=None)

    def perturb(self, nominal: Values, z: Values) -> Values:
        return nominal + self.sigma * z

    def mean_std(self, nominal: Values) -> tuple[Values, Values]:
        return nominal, jnp.broadcast_to(self.sigma, nominal.shape)

    def support(self, nominal: Values) -> tuple[Values, Values]:
        return jnp.full_like(nominal, -jnp.inf), jnp.full_like(nominal, jnp.inf)

    @classmethod
    def example(cls) -> Offset:
        return cls(sigma=as_float(0.2))


class UniformFactor(Law):
    r"""Multiplicative: :math:`p' = p\,(1 + w\,(2u - 1))`, ``u`` uniform on (0, 1).

    Args:
        width: half width ``w`` of the factor [1] >= 0; the coefficient of variation is ``w/sqrt(3)``. Up to 1 the sign
            is kept.

    References:
        Devroye (1986), Non-Uniform Random Variate Generation, doi:10.1007/978-1-4613-8643-8 (inversion).

    Example:
        >>> UniformFactor(width=0.5).support(jnp.float32(10.0))[0].item()
        5.0
    """

    width: Leaf = parameter("1", nonnegative, shape=None)

    def perturb(self, nominal: Values, z: Values) -> Values:
        return nominal * (1.0 + self.width * _centred_uniform(z))

    def mean_std(self, nominal: Values) -> tuple[Values, Values]:
        return nominal, _SQRT_THIRD * self.width * jnp.abs(nominal)

    def support(self, nominal: Values) -> tuple[Values, Values]:
        return between(nominal, 1.0 - self.width, 1.0 + self.width)

    @classmethod
    def example(cls) -> UniformFactor:
        return cls(width=as_float(0.3))


class Empirical(Law):
    r"""Multiplicative: one of the measured factors, each as likely (a bootstrap).

    :math:`p' = p\, f`. The score picks by rank, so chips keep their order. Between the values nothing is
    interpolated; the gradient flows to the values and not to the score.

    Args:
        values: measured factors [1], at least one, e.g. the time constants on a chip over their mean
            (:meth:`from_measurements`).

    References:
        Efron (1979), Annals of Statistics 7:1, doi:10.1214/aos/1176344552.

    Example:
        >>> law = Empirical.from_measurements([18.0, 20.0, 22.0])
        >>> [round(x, 3) for x in law.perturb(jnp.full(3, 10.0), jnp.array([-1.0, 0.0, 1.0])).tolist()]
        [9.0, 10.0, 11.0]
    """

    values: Leaf = parameter(
        "1", real, shape=None, converter=lambda values: jnp.sort(jnp.ravel(as_parameter("Empirical.values", values)))
    )

    @classmethod
    def from_measurements(cls, measured: Any) -> Law:
        """The law whose factors are the measured values over their mean."""
        values = as_parameter("Empirical.measured", measured)
        return cls(values=values / jnp.mean(values))

    def perturb(self, nominal: Values, z: Values) -> Values:
        size = self.values.size
        # without the barrier, a program that also keeps the ranks (for a gradient) takes XLA 40 s to compile from JAX 0.12 on
        rank = lax.optimization_barrier(jnp.floor(ndtr(z) * size).astype(jnp.int32))
        return nominal * self.values[jnp.clip(rank, 0, size - 1)]

    def mean_std(self, nominal: Values) -> tuple[Values, Values]:
        return nominal * jnp.mean(self.values), jnp.abs(nominal) * jnp.std(self.values)

    def support(self, nominal: Values) -> tuple[Values, Values]:
        return between(nominal, self.values[0], self.values[-1])

    def check_together(self, who: str) -> None:
        if self.values.size == 0:
            _checks.fail(f"{who}.values", "needs at least one measured factor", self.values)

    @classmethod
    def example(cls) -> Empirical:
        return cls(values=as_float([0.8, 0.95, 1.0, 1.05, 1.2]))


def _centred_uniform(z: Values) -> Values:
    """``2 Phi(z) - 1``, uniform on (-1, 1) for a standard normal ``z``, without cancellation at 0."""
    return jnp.clip(lax.erf(_SQRT_HALF * z), -1.0, 1.0)  # erf may round to just above 1


def between(nominal: Values, low: Values, high: Values) -> tuple[Values, Values]:
    """The interval of ``nominal * factor`` for factors in [low, high]; 0 where the nominal value is 0."""
    ends = [jnp.where(nominal == 0, 0.0, nominal * end) for end in (low, high)]
    return jnp.minimum(*ends), jnp.maximum(*ends)
