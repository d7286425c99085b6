"""The one format of every input error."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import Any, NoReturn

import jax
import numpy as np


class InputError(ValueError):
    """A user's input breaks a rule. The message says who, which rule with its unit, the value got, near matches."""


def near_matches(name: str, known: Iterable[str]) -> list[str]:
    """The known names that look most like ``name``, best first (at most three)."""
    return difflib.get_close_matches(name, [str(k) for k in known], n=3, cutoff=0.5)


def fail(who: str, rule: str, got: Any, *, known: Iterable[str] | None = None) -> NoReturn:
    """Raise :class:`InputError` in the one format ``who: rule; got value. Did you mean ...? Known: ...``."""
    message = f"{who}: {rule}; got {_shown(got)}"
    if known is not None:
        names = sorted(str(k) for k in known)
        near = near_matches(str(got), names)
        message += ". Did you mean " + " or ".join(repr(n) for n in near) + "?" if near else "."
        message += " Known: " + (", ".join(names[:40]) + (", ..." if len(names) > 40 else "") if names else "none")
    raise InputError(message)


def concrete(value: Any) -> np.ndarray | None:
    """The value as a NumPy array, or ``None`` while it is being traced."""
    if isinstance(value, (jax.core.Tracer, jax.ShapeDtypeStruct)):
        return None
    return np.asarray(value)


def _shown(value: Any) -> str:
    try:
        array = concrete(value) if not isinstance(value, (str, bool)) and np.ndim(value) else None
    except ValueError:  # lists of unequal lengths are no array
        array = None
    if array is None or array.size <= 6:
        text = " ".join(repr(value).split())
        return text if len(text) <= 300 else f"{text[:300]}..."
    if not np.issubdtype(array.dtype, np.number):
        return f"an array of shape {array.shape}, dtype {array.dtype}"
    bad = "" if np.all(np.isfinite(array)) else f", {int(np.sum(~np.isfinite(array)))} not finite"
    return f"an array of shape {array.shape}, {array.min():g} to {array.max():g}{bad}"
