"""Augmentation: each sample a little different in every step, drawn from the house's own stream on the device.

An augmentation is a function ``(values, key) -> values`` of one sample; any function will do. The key is addressed by
(seed, optimiser step, sample), so a resumed run augments as an uninterrupted one.
"""

from __future__ import annotations

import abc
from typing import Self

import equinox as eqx
import jax.numpy as jnp
from jax import lax

from jaxsnn_noise import random
from jaxsnn_noise._checks import count, fail
from jaxsnn_noise._typing import Key, Values
from jaxsnn_noise.parameters import Ranged

__all__ = [
    "Augment",
    "Shift",
]


class Augment(Ranged):
    """Abstract: a random map of the values of one sample."""

    @abc.abstractmethod
    def __call__(self, values: Values, key: Key) -> Values:
        """The sample as it is presented this time; the shape stays."""

    @classmethod
    @abc.abstractmethod
    def example(cls) -> Self:
        """One typical member of the class, for the contract tests."""


class Shift(Augment):
    """Moves an image by whole pixels in both directions, uniform over -pixels ... pixels; what comes in is 0.

    Args:
        pixels: Largest shift, >= 0.
        shape: (height, width) of the image; its values may be flat, [height * width]. Default: square.

    Example:
        >>> image = jnp.zeros(25).at[12].set(1.0)
        >>> moved = Shift(1)(image, random.root(3))
        >>> moved.shape, float(moved.sum())
        ((25,), 1.0)
    """

    pixels: int = eqx.field(static=True)
    shape: tuple[int, int] | None = eqx.field(static=True, default=None)

    def __check_init__(self) -> None:
        count("Shift.pixels", self.pixels, least=0)

    def __call__(self, values: Values, key: Key) -> Values:
        height, width = self._shape(values)
        p = self.pixels
        u = random.uniforms(random.stream(key, "shift"), (2,))
        start = jnp.floor(u * (2 * p + 1)).astype(jnp.int32)
        padded = jnp.pad(values.reshape(height, width), p)
        return lax.dynamic_slice(padded, (start[0], start[1]), (height, width)).reshape(values.shape)

    def _shape(self, values: Values) -> tuple[int, int]:
        side = round(values.size**0.5)
        height, width = (side, side) if self.shape is None else self.shape
        if height * width != values.size:
            fail("Shift.shape", f"(height, width) must make {values.size} values", self.shape)
        return height, width

    @classmethod
    def example(cls) -> Self:
        return cls(1)


def __dir__() -> list[str]:
    return __all__
