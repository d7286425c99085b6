"""A law whose draws share a factor across entities."""

from __future__ import annotations

from typing import Any

from jaxtyping import Array, UInt32

from jaxsnn_noise import _checks, random
from jaxsnn_noise._typing import Leaf, Values, as_float
from jaxsnn_noise.laws.law import Law
from jaxsnn_noise.laws.relative import LogNormal
from jaxsnn_noise.parameters import fraction, parameter
from jaxsnn_noise.roots import square_root


class Correlated(Law):
    r"""Another law with correlated scores: one part for the whole chip, one for each entity.

    :math:`z_i = \sqrt{\rho}\, c + \sqrt{1 - \rho}\, e_i` with one ``c`` per key and one ``e_i`` per entity,
    the scores of the law alone. The marginal law is untouched, and ``rho`` is the correlation of the *scores* of any
    two entities; that of the values is ``rho`` for normal laws and
    :math:`(e^{\rho s^2} - 1)/(e^{s^2} - 1)` for :class:`LogNormal`.

    Args:
        law: the marginal law (not itself correlated: the common parts of two levels would be the same draw).
        rho: correlation [1], 0 to 1. At 0 the draws are those of ``law`` to the bit, at 1 all entities are alike. The
            gradient with respect to ``rho`` is unbounded towards both ends, and 0 at exactly 0 and 1.

    References:
        Nelsen (2006), An Introduction to Copulas, doi:10.1007/0-387-28678-0 (the Gaussian copula).

    Example:
        >>> import jax.numpy as jnp
        >>> chip = Correlated(LogNormal(cv=0.2), rho=1.0).apply(jnp.full(3, 20.0), 0)
        >>> bool(jnp.all(chip == chip[0]))
        True
    """

    law: Law
    rho: Leaf = parameter("1", fraction)

    def scores(self, key: Any, entity: UInt32[Array, "..."]) -> Values:
        common = random.normal(random.tick(random.root(key), 0), random.shared())[0]
        return square_root(self.rho) * common + square_root(1.0 - self.rho) * self.law.scores(key, entity)

    @property
    def farthest(self) -> Values:
        return (square_root(self.rho) + square_root(1.0 - self.rho)) * random.LARGEST_NORMAL

    def perturb(self, nominal: Values, z: Values) -> Values:
        return self.law.perturb(nominal, z)

    def mean_std(self, nominal: Values) -> tuple[Values, Values]:
        return self.law.mean_std(nominal)

    def support(self, nominal: Values) -> tuple[Values, Values]:
        return self.law.support(nominal)

    def check_together(self, who: str) -> None:
        if isinstance(self.law, Correlated):
            _checks.fail(f"{who}.law", "must not be correlated itself", type(self.law).__name__)

    @classmethod
    def example(cls) -> Correlated:
        return cls(law=LogNormal.example(), rho=as_float(0.3))
