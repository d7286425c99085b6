"""What an attack is: from a classifier, images and labels to images within a bound of them."""

from __future__ import annotations

import abc
from collections.abc import Callable
from typing import Any, Self

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax

from jaxsnn_noise import random
from jaxsnn_noise._checks import count, fail, number
from jaxsnn_noise._typing import Key, Values
from jaxsnn_noise.parameters import Ranged

Logits = Callable[[Values, Key], Values]
"""A classifier: from images [sample, ...] and a key to a number per class [sample, class], differentiable in the images."""


class Attack(Ranged):
    """Abstract: maximises the cross-entropy of a classifier over images near the given ones.

    Losses and gradients are means over ``draws`` keys, fresh ones in every step, addressed by step and draw.

    Args:
        radius: How far an image may be moved [units of the images], >= 0; in which norm says the class.
        draws: Keys that a loss is averaged over [1]; 1 serves a network without noise.
        low, high: Range of a pixel, which is kept.
    """

    radius: float = eqx.field(static=True)
    draws: int = eqx.field(static=True, default=16, kw_only=True)
    low: float = eqx.field(static=True, default=0.0, kw_only=True)
    high: float = eqx.field(static=True, default=1.0, kw_only=True)

    uses_gradients: eqx.AbstractClassVar[bool]
    """Whether it follows the gradient of the classifier."""

    def __check_init__(self) -> None:
        who = type(self).__name__
        if not number(f"{who}.radius", self.radius) >= 0:
            fail(f"{who}.radius", "must be >= 0", self.radius)
        count(f"{who}.draws", self.draws)
        if not number(f"{who}.low", self.low) < number(f"{who}.high", self.high):
            fail(f"{who}.low", "must lie below high", (self.low, self.high))

    def __call__(self, logits: Logits, images: Any, labels: Any, *, key: Any) -> Values:
        """The attacked images [sample, ...]: each within the radius of its own and within the range of a pixel.

        Args:
            logits: The classifier, ``lambda images, key: jn.apply(network, images, key=key)["output"]``.
            images: [sample, ...]: real numbers from ``low`` to ``high``.
            labels: [sample]: the right classes, whole numbers.
            key: Root key.

        Raises:
            InputError: what is no image (events, which are whole numbers, are not moved by gradients; pixels out of range), labels that do
                not fit, or a classifier that does not give a number per class.
        """
        who = type(self).__name__
        x, y = _images(who, images, self.low, self.high), _labels(who, labels, len(images))
        shape = jax.eval_shape(logits, x, random.root(key)).shape
        if len(shape) != 2 or shape[0] != len(x):
            fail(f"{who}: logits", f"must give [sample, class], {len(x)} samples", shape)
        if int(y.max()) >= shape[1]:
            fail(f"{who}: labels", f"must lie in [0, {shape[1] - 1}]", int(y.max()))
        if not self.radius:
            return x
        return self._attacked(logits, x, y, random.root(key))

    @abc.abstractmethod
    def attacked(self, loss: Callable[[Values, Key], Values], images: Values, key: Key) -> Values:
        """The attacked images; ``loss(images, key)`` is the mean over draws of the loss of each [sample]."""

    @eqx.filter_jit
    def _attacked(self, logits: Logits, images: Values, labels: jax.Array, key: Key) -> Values:
        def loss(x: Values, key: Key) -> Values:
            def one(k: jax.Array) -> Values:
                return optax.softmax_cross_entropy_with_integer_labels(logits(x, random.member(key, draw=k)), labels)

            return jax.vmap(one)(jnp.arange(self.draws, dtype=jnp.uint32)).mean(axis=0)

        return self.attacked(loss, images, key)

    def ascent(self, loss: Callable[[Values, Key], Values], images: Values, key: Key) -> Values:
        """The gradient of each sample's own loss by its image [sample, ...]."""
        return jax.grad(lambda x: loss(x, key).sum())(images)

    @classmethod
    @abc.abstractmethod
    def example(cls) -> Self:
        """One typical member, for the contract tests."""


def within_range(attack: Attack, images: Values) -> Values:
    """Pixels in their range."""
    return jnp.clip(images, attack.low, attack.high)


def _images(who: str, images: Any, low: float, high: float) -> Values:
    values = np.asarray(images)
    if values.dtype.kind != "f" or values.ndim < 2 or not values.size:
        rule = "must be real numbers [sample, ...]; events are not moved by gradients (training.EventDrop)"
        fail(f"{who}: images", rule, (values.shape, str(values.dtype)))
    if not (np.isfinite(values).all() and values.min() >= low and values.max() <= high):
        fail(f"{who}: images", f"must lie in [{low:g}, {high:g}]", (float(values.min()), float(values.max())))
    return jnp.asarray(values, jnp.float32)


def _labels(who: str, labels: Any, samples: int) -> jax.Array:
    values = np.asarray(labels)
    if values.shape != (samples,) or values.dtype.kind not in "iu" or (values.size and values.min() < 0):
        fail(f"{who}: labels", f"must be whole numbers >= 0 [{samples}]", (values.shape, str(values.dtype)))
    return jnp.asarray(values, jnp.int32)
