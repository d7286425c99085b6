"""Reparametrisations: an optimiser moves freely on the real line, the leaf stays in its range.

What the optimiser sees is the *free* value ``u``; the simulation sees ``constrain(u)``. A step of the optimiser can so
never produce a negative time constant, and needs no clipping that would block the gradient at the edge.
"""

from __future__ import annotations

import abc
from collections.abc import Mapping
from fnmatch import fnmatchcase
from typing import Any, Self

import jax
import jax.numpy as jnp
import numpy as np

from jaxsnn_noise._checks import concrete, fail, finite
from jaxsnn_noise._typing import Leaf, Values
from jaxsnn_noise.parameters import Range, Ranged, Resolved, check_tree, nonnegative, parameter, real

__all__ = [
    "Above",
    "Below",
    "Between",
    "Positive",
    "PositiveWeights",
    "SignedWeights",
    "Transform",
    "Unbounded",
    "assigned",
    "within",
]


def of_the_leaf(transform: Any, *outer: Any) -> str | None:
    """That of the leaf that is transformed. Only the training knows it."""
    del transform, outer
    return None


class Transform(Ranged):
    """Abstract: a smooth, strictly increasing map from the real line onto the range of a leaf."""

    @abc.abstractmethod
    def constrain(self, free: Values) -> Values:
        """The value of the leaf."""

    @abc.abstractmethod
    def free(self, value: Values) -> Values:
        """The inverse of :meth:`constrain`, inside the range."""

    @abc.abstractmethod
    def check(self, who: str, value: Values) -> None:
        """Raise :class:`InputError` if a value lies outside the open range (no free value leads there)."""

    @classmethod
    @abc.abstractmethod
    def example(cls) -> Self:
        """One typical member of the class, for the contract tests."""


class Unbounded(Transform):
    """``u``: the optimiser moves the leaf itself.

    Example:
        >>> float(Unbounded().constrain(jnp.float32(-2.0)))
        -2.0
    """

    def constrain(self, free: Values) -> Values:
        return free

    def free(self, value: Values) -> Values:
        return value

    def check(self, who: str, value: Values) -> None:
        finite(who, value)

    @classmethod
    def example(cls) -> Self:
        return cls()


class Positive(Transform):
    """``exp(u)``, in (0, inf).

    The logarithm and not the inverse of softplus: a step of the optimiser is then a *relative* change, so the same
    learning rate suits a time constant of 20 ms and an amplitude of 0.01 mV, and no result depends on the unit.

    Example:
        >>> round(float(Positive().constrain(Positive().free(jnp.float32(20.0)))), 4)
        20.0
    """

    def constrain(self, free: Values) -> Values:
        return jnp.exp(free)

    def free(self, value: Values) -> Values:
        return jnp.log(value)

    def check(self, who: str, value: Values) -> None:
        _inside(who, value, 0.0, float("inf"))

    @classmethod
    def example(cls) -> Self:
        return cls()


class PositiveWeights(Positive):
    """``exp(u)`` for weights of which an exact 0 is no synapse: such a weight stays 0, whatever the optimiser does.

    The free value of an absent weight is ``-inf``, whose slope is 0. A weight that is to grow must start above 0: where all
    are 0, nothing could be trained, and that is refused.

    Example:
        >>> weights = jnp.array([0.5, 0.0])
        >>> PositiveWeights().constrain(PositiveWeights().free(weights) + 1.0).tolist()[1]
        0.0
    """

    def check(self, who: str, value: Values) -> None:
        array = concrete(value)
        if array is not None and not nonnegative.holds(array):
            fail(who, "must start at 0 (no synapse) or above to be trained with this transform", value)
        _some_there(who, value)


class SignedWeights(Transform):
    """``u`` for weights of any sign of which an exact 0 is no synapse: such a weight stays 0, whatever the optimiser does.

    What a sparse network in a dense matrix wants; under :class:`Unbounded`, the transform of such weights unless told
    otherwise, it fills up. The free value of an absent weight is ``inf``, whose slope is 0.

    Example:
        >>> weights = jnp.array([-0.5, 0.0])
        >>> SignedWeights().constrain(SignedWeights().free(weights) + 1.0).tolist()
        [0.5, 0.0]
    """

    def constrain(self, free: Values) -> Values:
        return jnp.where(jnp.isinf(free), jnp.float32(0), free)

    def free(self, value: Values) -> Values:
        return jnp.where(value == 0, jnp.float32(jnp.inf), value)

    def check(self, who: str, value: Values) -> None:
        finite(who, value)
        _some_there(who, value)

    @classmethod
    def example(cls) -> Self:
        return cls()


class Above(Transform):
    """``low + exp(u)``, in (low, inf).

    Args:
        low: Lower end, in the unit of the leaf.

    Example:
        >>> float(Above(2.0).constrain(jnp.float32(0.0)))
        3.0
    """

    low: Leaf = parameter(of_the_leaf, real)

    def constrain(self, free: Values) -> Values:
        return self.low + jnp.exp(free)

    def free(self, value: Values) -> Values:
        return jnp.log(value - self.low)

    def check(self, who: str, value: Values) -> None:
        _inside(who, value, float(self.low), float("inf"))

    @classmethod
    def example(cls) -> Self:
        return cls(0.015625)


class Below(Transform):
    """``high - exp(-u)``, in (-inf, high).

    Args:
        high: Upper end, in the unit of the leaf.

    Example:
        >>> float(Below(2.0).constrain(jnp.float32(0.0)))
        1.0
    """

    high: Leaf = parameter(of_the_leaf, real)

    def constrain(self, free: Values) -> Values:
        return self.high - jnp.exp(-free)

    def free(self, value: Values) -> Values:
        return -jnp.log(self.high - value)

    def check(self, who: str, value: Values) -> None:
        _inside(who, value, float("-inf"), float(self.high))

    @classmethod
    def example(cls) -> Self:
        return cls(-0.015625)


class Between(Transform):
    """``low + (high - low) / (1 + exp(-u))``, in (low, high).

    Args:
        low: Lower end, in the unit of the leaf.
        high: Upper end, above ``low``.

    Example:
        >>> float(Between(0.5, 1.5).constrain(jnp.float32(0.0)))
        1.0
    """

    low: Leaf = parameter(of_the_leaf, real)
    high: Leaf = parameter(of_the_leaf, real)

    def __check_init__(self) -> None:
        low, high = concrete(self.low), concrete(self.high)
        if low is not None and high is not None and not low < high:
            fail("Between", "needs low < high", (float(low), float(high)))

    def constrain(self, free: Values) -> Values:
        return self.low + (self.high - self.low) * jax.nn.sigmoid(free)

    def free(self, value: Values) -> Values:
        return jnp.log(value - self.low) - jnp.log(self.high - value)

    def check(self, who: str, value: Values) -> None:
        _inside(who, value, float(self.low), float(self.high))

    @classmethod
    def example(cls) -> Self:
        return cls(0.5, 2.0)


def _some_there(who: str, value: Values) -> None:
    """Not all weights are 0 where a weight of 0 is no synapse."""
    array = concrete(value)
    if array is not None and array.size and not array.any():
        fail(who, "must have synapses to be trained with this transform (a weight of 0 is none, and stays)", value)


def assigned(
    trainable: Mapping[str, Resolved], wanted: Mapping[str, Any], *, who: str = "fit"
) -> tuple[Transform, ...]:
    """The transform of each trainable leaf: by its path, else by the first pattern that fits, else that of its range.

    Args:
        trainable: From the path of each leaf to its declaration.
        wanted: From paths and patterns to transforms.
        who: Whose argument they are, for what is told.

    Raises:
        InputError: no transform, or a path or pattern that fits no trainable leaf.
    """
    for name, transform in wanted.items():
        if not isinstance(transform, Transform):
            fail(f"{who}.transforms[{name!r}]", "must be a transform, e.g. Positive()", type(transform).__name__)
        check_tree(f"{who}.transforms[{name!r}]", transform)
        if not any(fnmatchcase(path, name) for path in trainable):
            fail(
                f"{who}.transforms", "must be the path of a trainable leaf, or a pattern of some", name, known=trainable
            )
    return tuple(_of(path, said, wanted) for path, said in trainable.items())


def within(said: Resolved) -> Transform:
    """The transform onto a declared range; of weights >= 0 the one that leaves absent synapses absent."""
    ends = said.range.ends() or (float("-inf"), float("inf"))
    low, high = (end if np.isfinite(end) else None for end in ends)
    if low is None and high is None:
        return Unbounded()
    if low is None:
        return Below(high)
    if high is not None:
        return Between(low, high)
    if low:
        return Above(low)
    return PositiveWeights() if said.absent else Positive()


def _of(path: str, said: Resolved, wanted: Mapping[str, Transform]) -> Transform:
    if path in wanted:
        return wanted[path]
    for pattern, transform in wanted.items():
        if fnmatchcase(path, pattern):
            return transform
    return within(said)


def _inside(who: str, value: Any, low: float, high: float) -> None:
    array = concrete(value)
    if array is not None and not Range(low, high, low_open=True, high_open=True).holds(array):
        fail(who, f"must start strictly between {low:g} and {high:g} to be trained with this transform", value)


def __dir__() -> list[str]:
    return __all__
