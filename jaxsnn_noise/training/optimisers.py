"""Optimisers whose schedule needs to know how many steps there are.

``fit`` takes any Optax transformation, or a function from the number of optimiser steps to one; a member of this module
is such a function that can be compared, so that fits with the same settings share their compiled program.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

import optax

from jaxsnn_noise._checks import fail, in_range, nonnegative, number, positive

__all__ = [
    "ByPattern",
    "WarmupCosine",
]


@dataclass(frozen=True)
class WarmupCosine:
    """AdamW with a linear warm-up and a cosine decay to zero (Loshchilov and Hutter 2017, 2019).

    Args:
        peak: Largest learning rate, > 0.
        weight_decay: Decoupled decay of the leaves called ``weights`` (a decay would pull a logarithm of a time
            constant to 1 ms), >= 0.
        warmup: Share of the steps in which the rate rises from 0, in [0, 1).
        clip: Largest global norm of the gradient; ``None``: no limit.

    Example:
        >>> optimiser = WarmupCosine(2e-3)(1000)
        >>> WarmupCosine(2e-3)(1000) is optimiser
        True
    """

    peak: float = 2e-3
    weight_decay: float = 0.0
    warmup: float = 0.1
    clip: float | None = None

    def __post_init__(self) -> None:
        for name in ("peak", "weight_decay", "warmup", *(["clip"] if self.clip is not None else [])):
            object.__setattr__(self, name, number(f"WarmupCosine.{name}", getattr(self, name)))
        positive("WarmupCosine.peak", self.peak)
        nonnegative("WarmupCosine.weight_decay", self.weight_decay)
        in_range("WarmupCosine.warmup", self.warmup, 0.0, 1.0)
        if self.warmup == 1.0:
            fail("WarmupCosine.warmup", "must be below 1", self.warmup)
        if self.clip is not None:
            positive("WarmupCosine.clip", self.clip)

    def __call__(self, steps: int) -> optax.GradientTransformation:
        """The optimiser of a run of so many steps."""
        return _warmup_cosine(self, steps)


@functools.lru_cache(maxsize=64)
def _warmup_cosine(of: WarmupCosine, steps: int) -> optax.GradientTransformation:
    rising = round(of.warmup * steps)
    rate = optax.warmup_cosine_decay_schedule(0.0 if rising else of.peak, of.peak, rising, steps)
    adam = optax.adamw(rate, weight_decay=of.weight_decay, mask=_is_weights)
    return adam if of.clip is None else optax.chain(optax.clip_by_global_norm(of.clip), adam)


def _as_pairs(factors: Any) -> tuple[tuple[str, float], ...]:
    if isinstance(factors, Mapping):
        factors = tuple(factors.items())
    if (
        not isinstance(factors, tuple)
        or not factors
        or not all(isinstance(pair, tuple) and len(pair) == 2 for pair in factors)
    ):
        fail(
            "ByPattern.factors", 'must be a mapping from patterns of paths to factors, e.g. {"*.tau_mem": 5.0}', factors
        )
    for pattern, _ in factors:
        if not isinstance(pattern, str):
            fail("ByPattern.factors", "patterns must be texts", pattern)
    pairs = tuple((pattern, number(f"ByPattern.factors[{pattern!r}]", factor)) for pattern, factor in factors)
    for pattern, factor in pairs:
        nonnegative(f"ByPattern.factors[{pattern!r}]", factor)
    return pairs


@dataclass(frozen=True)
class ByPattern:
    """An optimiser whose rate depends on the leaf: its steps, times the factor of the first pattern that fits the leaf's path.

    After Adam and its kin, whose steps do not depend on the size of a gradient, a factor is one of the learning rate (and of a decoupled
    decay). Leaves that no pattern fits move at the rate of the optimiser; 0 holds a leaf. Of leaves that are tied together the path of
    the first one counts, in the order of paths.

    Args:
        factors: From a path or pattern (``*``, ``?``, ``[...]``; ``*`` crosses dots) to a factor, >= 0. The first that fits counts.
        of: The optimiser: an Optax transformation, or a function from the number of steps to one.

    Raises:
        InputError: factors that are none; where training begins, a pattern that fits no trained leaf, with its near matches.

    Example:
        >>> optimiser = ByPattern({"*.tau_mem": 10.0, "*.v_threshold": 0.0}, WarmupCosine(2e-3))
        >>> optimiser(1000) is optimiser(1000)
        True
    """

    factors: Any
    of: Any = WarmupCosine()

    def __post_init__(self) -> None:
        object.__setattr__(self, "factors", _as_pairs(self.factors))
        if not isinstance(self.of, optax.GradientTransformation) and not callable(self.of):
            fail(
                "ByPattern.of",
                "must be an Optax transformation, or a function from the number of steps to one",
                self.of,
            )

    def check(self, names: tuple[str, ...]) -> None:
        """Raise :class:`InputError` for a pattern that fits none of the trained leaves."""
        for pattern, _ in self.factors:
            if not any(fnmatchcase(name, pattern) for name in names):
                rule = "must be the path of a trained leaf, or a pattern of some"
                fail("ByPattern.factors", rule, pattern, known=dict.fromkeys(names))

    def factor(self, name: str) -> float:
        """That of the first pattern that fits; 1 where none does."""
        return next((factor for pattern, factor in self.factors if fnmatchcase(name, pattern)), 1.0)

    def __call__(self, steps: int) -> optax.GradientTransformation:
        """The optimiser of a run of so many steps."""
        return _by_pattern(self, steps)


@functools.lru_cache(maxsize=64)
def _by_pattern(of: ByPattern, steps: int) -> optax.GradientTransformation:
    base = of.of if isinstance(of.of, optax.GradientTransformation) else of.of(steps)
    return optax.chain(base, optax.stateless(lambda updates, params: _scaled(updates, of)))


def _scaled(updates: Any, of: ByPattern) -> Any:
    return {name: update * of.factor(name) for name, update in updates.items()}


def _is_weights(parameters: dict[str, object]) -> dict[str, bool]:
    return {path: path.rsplit(".", 1)[-1] == "weights" for path in parameters}


def __dir__() -> list[str]:
    return __all__
