"""Attacks that follow the gradient of the classifier."""

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

Losses = Callable[[Values, Key], Values]


class FastGradient(Attack):
    r"""Fast gradient sign method: :math:`x + r\,\mathrm{sign}\,\nabla_x L`, clipped to the range of a pixel. The radius is of the largest pixel.

    Args:
        radius: ``r`` [units of the images] >= 0.

    References:
        Goodfellow, Shlens & Szegedy (2015), ICLR, arXiv:1412.6572.

    Example:
        >>> attack = FastGradient(0.25, draws=1)
        >>> logits = lambda x, key: jnp.stack([x.sum(axis=1), -x.sum(axis=1)], axis=1)
        >>> attack(logits, jnp.full((1, 2), 0.5), jnp.array([0]), key=0).tolist()
        [[0.25, 0.25]]
    """

    uses_gradients: ClassVar[bool] = True

    def attacked(self, loss: Losses, images: Values, key: Key) -> Values:
        return within_range(self, images + self.radius * jnp.sign(self.ascent(loss, images, key)))

    @classmethod
    def example(cls) -> Self:
        return cls(0.1, draws=2)


class ProjectedGradient(Attack):
    r"""Projected gradient ascent: steps along the sign of the gradient, each projected to the cube of the radius and the range of a pixel.

    .. math:: x_{k+1} = \Pi\,(x_k + a\,\mathrm{sign}\,\nabla_x L(x_k)), \qquad x_0 \text{ uniform in the cube}

    Args:
        radius: Half an edge of the cube [units of the images] >= 0.
        steps: Number of steps [1].
        step: ``a`` [units of the images]; 2.5 radius/steps unless given, so that any point of the cube is in reach.

    References:
        Madry et al. (2018), ICLR, arXiv:1706.06083.
    """

    steps: int = eqx.field(static=True, default=10, kw_only=True)
    step: float | None = eqx.field(static=True, default=None, kw_only=True)
    uses_gradients: ClassVar[bool] = True

    def __check_init__(self) -> None:
        count("ProjectedGradient.steps", self.steps)
        if self.step is not None and not number("ProjectedGradient.step", self.step) > 0:
            fail("ProjectedGradient.step", "must be > 0", self.step)

    def attacked(self, loss: Losses, images: Values, key: Key) -> Values:
        length = 2.5 * self.radius / self.steps if self.step is None else self.step
        inside = lambda x: within_range(self, jnp.clip(x, images - self.radius, images + self.radius))  # noqa: E731
        shift = 2.0 * random.uniforms(random.stream(key, "start"), images.shape) - 1.0

        def one(x: Values, k: jax.Array) -> tuple[Values, None]:
            slope = self.ascent(loss, x, random.member(random.stream(key, "step"), step=k))
            return inside(x + length * jnp.sign(slope)), None

        return jax.lax.scan(one, inside(images + self.radius * shift), jnp.arange(self.steps, dtype=jnp.uint32))[0]

    @classmethod
    def example(cls) -> Self:
        return cls(0.1, steps=3, draws=2)


class SphereAscent(Attack):
    r"""Gradient ascent on the sphere of a Euclidean radius: every image is moved by as much, in the direction that hurts most.

    .. math:: d_{k+1} = r\,\frac{d_k + a\,r\,g/|g|}{|d_k + a\,r\,g/|g||}, \qquad g = \nabla_x L(x + d_k), \quad d_0 \text{ uniform on the sphere}

    Pixels that leave their range are clipped at the end, so the distance is at most the radius.

    Args:
        radius: ``r``, Euclidean [units of the images] >= 0.
        steps: Number of steps [1].
        rate: ``a``, length of a step over the radius [1] > 0.

    References:
        Ma, Yan & Tang (2023), Patterns 4:100831, doi:10.1016/j.patter.2023.100831 (perturbations optimised on an L2 sphere; there by Adam and
        without a range of pixels).
    """

    steps: int = eqx.field(static=True, default=30, kw_only=True)
    rate: float = eqx.field(static=True, default=0.2, kw_only=True)
    uses_gradients: ClassVar[bool] = True

    def __check_init__(self) -> None:
        count("SphereAscent.steps", self.steps)
        if not number("SphereAscent.rate", self.rate) > 0:
            fail("SphereAscent.rate", "must be > 0", self.rate)

    def attacked(self, loss: Losses, images: Values, key: Key) -> Values:
        def unit(d: Values) -> Values:
            axes = tuple(range(1, d.ndim))
            norm = jnp.sqrt(jnp.sum(jnp.square(d), axis=axes, keepdims=True))
            return d / jnp.where(norm > 0, norm, 1.0)

        def one(d: Values, k: jax.Array) -> tuple[Values, None]:
            slope = self.ascent(loss, images + d, random.member(random.stream(key, "step"), step=k))
            return self.radius * unit(d + self.rate * self.radius * unit(slope)), None

        start = self.radius * unit(random.normals(random.stream(key, "start"), images.shape))
        moved = jax.lax.scan(one, start, jnp.arange(self.steps, dtype=jnp.uint32))[0]
        return within_range(self, images + moved)

    @classmethod
    def example(cls) -> Self:
        return cls(0.3, steps=3, draws=2)
