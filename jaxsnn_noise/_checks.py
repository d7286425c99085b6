"""Validation at the boundary.

Checks look at concrete values only: under tracing (``jit``, ``vmap``, ``grad``) a leaf has no value to look at, so the
checks pass and :func:`jaxsnn_noise.engine.simulation.validate` is the place where concrete simulations are looked at
once more.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxsnn_noise import ranges
from jaxsnn_noise._errors import InputError as InputError
from jaxsnn_noise._errors import concrete as concrete
from jaxsnn_noise._errors import fail as fail
from jaxsnn_noise._errors import near_matches as near_matches


def finite(who: str, value: Any, unit: str = "") -> None:
    """Every entry is a finite number."""
    inside(who, value, ranges.real, unit)


def positive(who: str, value: Any, unit: str = "") -> None:
    """Every entry is finite and > 0."""
    inside(who, value, ranges.positive, unit)


def nonnegative(who: str, value: Any, unit: str = "") -> None:
    """Every entry is finite and >= 0."""
    inside(who, value, ranges.nonnegative, unit)


def in_range(who: str, value: Any, low: float, high: float, unit: str = "") -> None:
    """Every entry lies in the closed interval [low, high]."""
    inside(who, value, ranges.between(low, high), unit)


def inside(who: str, value: Any, range_: ranges.Range, unit: str | None = "") -> None:
    """Every entry is a number that lies in a range."""
    try:
        array = concrete(value)
    except ValueError:  # rows of several lengths
        fail(who, range_.asked(unit), value)
    if array is not None and (not _is_real(array.dtype, flags=True) or not range_.holds(array)):
        fail(who, range_.asked(unit), value)


def count(who: str, value: Any, least: int = 1, most: int | None = None) -> int:
    """A whole number of at least ``least``, and at most ``most`` (booleans and floats are refused)."""
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < least:
        fail(who, f"must be a whole number >= {least}", value)
    if most is not None and value > most:
        fail(who, f"must be a whole number <= {most:,}", value)
    return int(value)


def flag(who: str, value: Any) -> bool:
    """True or false, and nothing that merely counts as one of them (0, "no", an array)."""
    if not isinstance(value, (bool, np.bool_)):
        fail(who, "must be True or False", value)
    return bool(value)


def name(who: str, value: Any) -> str:
    """A name: a text that is not empty."""
    if not isinstance(value, str) or not value.strip():
        fail(who, "must be a name, a text that is not empty", value)
    return value


def names(who: str, value: Any) -> tuple[str, ...]:
    """A name, or several, as a tuple."""
    found = (value,) if isinstance(value, str) else value
    if not isinstance(found, (tuple, list, set, frozenset)) or not all(isinstance(one, str) for one in found):
        fail(who, "must be a name, or a list of names", value)
    return tuple(
        sorted(found) if isinstance(found, (set, frozenset)) else found
    )  # a set has another order in every process


def path_of(who: str, value: Any) -> Path:
    """The path of a file or a folder, ``~`` for the home folder."""
    if not isinstance(value, (str, os.PathLike)) or not str(value):
        fail(who, "must be the path of a file or a folder", value)
    return Path(value).expanduser()


def is_a(who: str, value: Any, kind: type, example: str) -> None:
    """Something of a class."""
    if not isinstance(value, kind):
        fail(who, f"must be a {kind.__name__}, e.g. {example}", value)


def named(who: str, value: Any, what: str) -> dict[str, Any]:
    """A mapping from names to something, sorted by name; ``None`` is an empty one."""
    if value is None:
        return {}
    if not isinstance(value, Mapping) or not all(isinstance(key, str) and key for key in value):
        fail(who, f"must map names to {what}", value)
    return dict(sorted(value.items()))


def number(who: str, value: Any) -> float:
    """A real number that is part of the structure of a program, as a float (so it can be neither traced nor swept)."""
    if isinstance(value, jax.core.Tracer):
        fail(who, "must be one number", value)
    real_numbers(who, value, rule="must be one number")
    if np.ndim(value):
        fail(who, "must be one number", value)
    return float(value)


def unmasked(who: str, value: Any, rule: str = "must have no masked entries (fill them, or leave them out)") -> None:
    """No masked entries: an array of JAX holds what lies under a mask, and not the mask."""
    if isinstance(value, np.ma.MaskedArray) and np.ma.getmaskarray(value).any():
        fail(who, rule, f"{int(np.ma.getmaskarray(value).sum())} masked of {value.size}")


def real_numbers(who: str, value: Any, *, flags: bool = False, rule: str = "must be real numbers") -> None:
    """Numbers, or an array of them, that float32 can hold the kind of: no texts, complex numbers or masked entries.

    Truth values pass with ``flags`` only.
    """
    unmasked(who, value)
    dtype = getattr(value, "dtype", None)
    try:
        real = _is_real(np.asarray(value).dtype if dtype is None else dtype, flags=flags)
    except (TypeError, ValueError):
        real = False
    mixed = isinstance(value, (list, tuple)) and any(isinstance(one, (bool, np.bool_)) for one in value)
    if not real or (mixed and not flags):
        fail(who, rule, value)


def _is_real(dtype: Any, *, flags: bool) -> bool:
    kinds = [jnp.floating, jnp.integer, *([jnp.bool_] if flags else [])]
    return any(jnp.issubdtype(dtype, kind) for kind in kinds)


def one_of(who: str, name: str, known: Iterable[str]) -> None:
    """``name`` is one of the known names."""
    names = list(known)
    if not isinstance(name, str) or name not in names:
        fail(who, "unknown name", name, known=names)


def steps_of(who: str, duration: float, dt: float) -> int:
    """How many steps of ``dt`` [ms] make ``duration`` [ms]; the ratio must be whole to one part in a million."""
    ratio = float(duration) / float(dt)
    steps = round(ratio)
    if abs(ratio - steps) > 1e-6 * max(1.0, abs(ratio)):
        fail(who, f"must be a multiple of dt = {float(dt):g} ms [ms]", duration)
    return steps


def symmetric_couplings(who: str, weights: np.ndarray) -> None:
    """Raise :class:`InputError` unless the last two dimensions are symmetric with a zero diagonal; the pair is named."""
    off = np.abs(weights - np.swapaxes(weights, -1, -2))
    allowed = 1e-6 * np.maximum(np.abs(weights).max(initial=0.0), np.finfo(float).tiny)
    if np.any(off > allowed):
        *_, i, j = (int(k) for k in np.argwhere(off > allowed)[0])
        pair = weights.reshape(-1, *weights.shape[-2:])[np.argwhere(off.reshape(-1, *off.shape[-2:]) > allowed)[0][0]]
        fail(who, f"must be symmetric: units {i} and {j} differ", (float(pair[i, j]), float(pair[j, i])))
    diagonal = np.diagonal(weights, axis1=-2, axis2=-1)
    if np.any(diagonal != 0):
        k = int(np.argwhere(diagonal != 0)[0][-1])
        fail(who, f"must have a zero diagonal: unit {k} couples to itself", float(diagonal[diagonal != 0][0]))
