"""Optimisers whose schedule needs to know how many steps there are.

``fit`` takes any Optax transformation, or a function from the number of optimiser steps to one; a member of this module
is such a function that can be compared, so that fits with the same settings share their compiled program.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass

import optax

from jaxsnn_noise._checks import fail, in_range, nonnegative, number, positive

__all__ = [
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


def _is_weights(parameters: dict[str, object]) -> dict[str, bool]:
    return {path: path.rsplit(".", 1)[-1] == "weights" for path in parameters}


def __dir__() -> list[str]:
    return __all__
