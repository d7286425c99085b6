"""An attack that needs no gradient: what shows whether those with gradients were misled."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar, Self

import equinox as eqx
import jax
import jax.numpy as jnp

from jaxsnn_noise import random
from jaxsnn_noise._checks import count, fail, number
from jaxsnn_noise._typing import Key, Values
from jaxsnn_noise.attacks.attack import Attack, within_range


class RandomSigns(Attack):
    """Random search in the corners of the cube: in each try a share of the pixels is thrown to the other end, and kept where that hurts.

    Losses of one try are compared at the same draws, so noise does not choose.

    Args:
        radius: Half an edge of the cube [units of the images] >= 0.
        tries: Number of tries [1].
        share: Of the pixels that a try redraws [1], above 0 and at most 1.

    References:
        Andriushchenko, Croce, Flammarion & Hein (2020), ECCV, arXiv:1912.00049 (random search in corners; there in squares of pixels).
    """

    tries: int = eqx.field(static=True, default=100, kw_only=True)
    share: float = eqx.field(static=True, default=0.1, kw_only=True)
    uses_gradients: ClassVar[bool] = False

    def __check_init__(self) -> None:
        count("RandomSigns.tries", self.tries)
        if not 0 < number("RandomSigns.share", self.share) <= 1:
            fail("RandomSigns.share", "must lie above 0 and at most at 1", self.share)

    def attacked(self, loss: Callable[[Values, Key], Values], images: Values, key: Key) -> Values:
        corner = lambda signs: within_range(self, images + self.radius * signs)  # noqa: E731

        def one(signs: Values, k: jax.Array) -> tuple[Values, None]:
            here = random.member(random.stream(key, "try"), step=k)
            u = random.uniforms(random.stream(here, "which"), images.shape)
            fresh = jnp.where(random.uniforms(random.stream(here, "sign"), images.shape) < 0.5, -1.0, 1.0)
            tried = jnp.where(u < self.share, fresh, signs)
            better = loss(corner(tried), here) > loss(corner(signs), here)
            return jnp.where(better.reshape(-1, *(1,) * (images.ndim - 1)), tried, signs), None

        start = jnp.where(random.uniforms(random.stream(key, "start"), images.shape) < 0.5, -1.0, 1.0)
        return corner(jax.lax.scan(one, start, jnp.arange(self.tries, dtype=jnp.uint32))[0])

    @classmethod
    def example(cls) -> Self:
        return cls(0.1, tries=5, draws=2)
