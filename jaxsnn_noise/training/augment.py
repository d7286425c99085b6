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
from jaxtyping import Array, Bool

from jaxsnn_noise import random
from jaxsnn_noise._checks import count, fail, in_range, number
from jaxsnn_noise._typing import Key, Values
from jaxsnn_noise.parameters import Ranged

__all__ = [
    "Augment",
    "EventDrop",
    "GaussianPixels",
    "SaltAndPepper",
    "Shift",
    "SpikeFlips",
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


class GaussianPixels(Augment):
    """Adds Gaussian noise to every value: ``x + std z``, clipped to [low, high].

    Args:
        std: Standard deviation [units of the values] >= 0.
        low, high: Range of a value, which is kept.

    Example:
        >>> bool((GaussianPixels(0.1)(jnp.full(9, 0.5), random.root(0)) != 0.5).all())
        True
    """

    std: float = eqx.field(static=True)
    low: float = eqx.field(static=True, default=0.0, kw_only=True)
    high: float = eqx.field(static=True, default=1.0, kw_only=True)

    def __check_init__(self) -> None:
        if not number("GaussianPixels.std", self.std) >= 0:
            fail("GaussianPixels.std", "must be >= 0", self.std)
        _check_range("GaussianPixels", self.low, self.high)

    def __call__(self, values: Values, key: Key) -> Values:
        noisy = values + self.std * random.normals(random.stream(key, "pixels"), values.shape)
        return jnp.clip(noisy, self.low, self.high)

    @classmethod
    def example(cls) -> Self:
        return cls(0.1)


class SaltAndPepper(Augment):
    """Sets a share of the values to ``low`` or ``high``, with equal chance; each value by itself.

    Args:
        share: Of the values, in the mean [1], 0 to 1.
        low, high: What they become.

    Example:
        >>> jnp.unique(SaltAndPepper(1.0)(jnp.full(50, 0.5), random.root(0))).tolist()
        [0.0, 1.0]
    """

    share: float = eqx.field(static=True)
    low: float = eqx.field(static=True, default=0.0, kw_only=True)
    high: float = eqx.field(static=True, default=1.0, kw_only=True)

    def __check_init__(self) -> None:
        in_range("SaltAndPepper.share", number("SaltAndPepper.share", self.share), 0.0, 1.0, "1")
        _check_range("SaltAndPepper", self.low, self.high)

    def __call__(self, values: Values, key: Key) -> Values:
        u = random.uniforms(random.stream(key, "pixels"), values.shape)
        one = jnp.where(u < 0.5 * self.share, self.low, self.high).astype(values.dtype)
        return jnp.where(u < self.share, one, values)

    @classmethod
    def example(cls) -> Self:
        return cls(0.2)


class EventDrop(Augment):
    """Sets exactly a share of the values that are not 0 to 0, rounded to the nearest number of them, at random.

    Args:
        share: Of the events [1], 0 to 1.

    References:
        Gu, Sng, Hu & Yu (2021), IJCAI, doi:10.24963/ijcai.2021/97 (by time, area or at random: this is the last).

    Example:
        >>> int(EventDrop(0.25)(jnp.ones(40), random.root(0)).sum())
        30
    """

    share: float = eqx.field(static=True)

    def __check_init__(self) -> None:
        in_range("EventDrop.share", number("EventDrop.share", self.share), 0.0, 1.0, "1")

    def __call__(self, values: Values, key: Key) -> Values:
        gone = _chosen(values != 0, self.share, random.stream(key, "events"))
        return jnp.where(gone, jnp.zeros((), values.dtype), values)

    @classmethod
    def example(cls) -> Self:
        return cls(0.25)


class SpikeFlips(Augment):
    """Of a train of 0 and 1, sets exactly a share of the ones to 0 and the same share of the zeros to 1, at random.

    Trains of hidden layers are perturbed by ``noise.SpikeDrop`` and ``noise.SpikeInsertion``, with a chance for each.

    Args:
        share: Of the ones, and of the zeros [1], 0 to 1.

    References:
        Ma, Yan & Tang (2023), Patterns 4:100831, doi:10.1016/j.patter.2023.100831 (of every layer).

    Example:
        >>> flipped = SpikeFlips(0.1)(jnp.zeros(100).at[:20].set(1.0), random.root(0))
        >>> int(flipped[:20].sum()), int(flipped[20:].sum())
        (18, 8)
    """

    share: float = eqx.field(static=True)

    def __check_init__(self) -> None:
        in_range("SpikeFlips.share", number("SpikeFlips.share", self.share), 0.0, 1.0, "1")

    def __call__(self, values: Values, key: Key) -> Values:
        there = values != 0
        flipped = _chosen(there, self.share, random.stream(key, "ones"))
        flipped |= _chosen(~there, self.share, random.stream(key, "zeros"))
        return jnp.where(flipped, jnp.where(there, 0, 1).astype(values.dtype), values)

    @classmethod
    def example(cls) -> Self:
        return cls(0.1)


def _chosen(among: Bool[Array, "..."], share: float, key: Key) -> Bool[Array, "..."]:
    """Exactly a share of those that are true, rounded: those of the smallest random numbers."""
    u = jnp.where(among, random.uniforms(key, among.shape), 2.0).reshape(-1)
    rank = jnp.argsort(jnp.argsort(u))  # ties of random numbers are broken by place
    number_of = jnp.round(share * among.sum().astype(jnp.float32)).astype(rank.dtype)
    return (rank < number_of).reshape(among.shape)


def _check_range(who: str, low: float, high: float) -> None:
    if not number(f"{who}.low", low) < number(f"{who}.high", high):
        fail(f"{who}.low", "must lie below high", (low, high))


def __dir__() -> list[str]:
    return __all__
