"""Members of a grid by their labels, as xarray's ``.sel`` finds them: by value, and only if exactly one has it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from jaxsnn_noise._checks import concrete, fail, one_of

CLOSE = 1e-6
"""Labels that are numbers of single precision are met to one part in a million."""


def positions(
    who: str, labels: Mapping[str, np.ndarray], sel: Mapping[str, Any], shown: Any = None
) -> dict[str, int | np.ndarray]:
    """Where the members lie that are meant, along every dimension: one position, or several.

    Args:
        who: Who asks.
        labels: The labels of all members, by dimension.
        sel: From dimensions to a label or several. Others: the label that ``shown`` has for them, or all.
        shown: A dataset, whose coordinates say which members are shown, and in which order.

    Raises:
        InputError: a name that is no dimension, a label that no member has, or more than one.
    """
    if not isinstance(sel, Mapping):
        fail(f"{who}.sel", 'must map dimensions to labels, e.g. {"device": 24}', sel)
    for dim in sel:
        one_of(f"{who}.sel", dim, labels)
    found: dict[str, int | np.ndarray] = {}
    for dim, known in labels.items():
        visible = np.asarray(shown[dim].values) if shown is not None and dim in getattr(shown, "coords", {}) else None
        if dim in sel:
            wanted = sel[dim]
        elif visible is not None:
            wanted = visible
        else:
            found[dim] = np.arange(len(known))
            continue
        what = f"{who}.sel[{dim!r}]"
        several = _several(what, wanted)
        chosen = several if several is not None else [wanted]
        at = np.array([_position(what, known, label) for label in chosen], int)
        if visible is not None and dim in sel:
            for label in chosen:
                _position(f"{what} in the result", np.atleast_1d(visible), label)
        found[dim] = at if several is not None else int(at[0])
    return found


def _several(who: str, wanted: Any) -> list[Any] | None:
    """The labels of a list or an array; ``None`` for a single one."""
    if isinstance(wanted, (str, bytes)) or wanted is None:
        return None
    if isinstance(wanted, slice):
        fail(who, "must be a label or a list of labels", wanted)
    if isinstance(wanted, (list, tuple, np.ndarray)) or (hasattr(wanted, "ndim") and wanted.ndim):
        array = wanted if isinstance(wanted, (list, tuple)) else np.asarray(wanted)
        if getattr(array, "ndim", 1) == 0:
            return None
        found = list(array)
        if not found:
            fail(who, "needs at least one label", wanted)
        return found
    return None


def _position(who: str, known: np.ndarray, label: Any) -> int:
    at = np.flatnonzero(_matches(who, known, label))
    if len(at) == 0:
        fail(who, "must be the label of a member, as it is stored", label, known=[str(one) for one in known])
    if len(at) > 1:
        fail(who, f"must be the label of one member, and {len(at)} have it", label)
    return int(at[0])


def _matches(who: str, known: np.ndarray, label: Any) -> np.ndarray:
    """Which labels are equal to one: numbers by value, in the precision in which they are stored."""
    value = label if isinstance(label, (str, bool)) else concrete(label)
    if value is None or np.ndim(value):
        fail(who, "must be a label", label)
    value = value.item() if isinstance(value, (np.ndarray, np.generic)) else value
    if known.dtype.kind == "b" or isinstance(value, (bool, np.bool_)):
        return (
            (known == value)
            if known.dtype.kind == "b" and isinstance(value, (bool, np.bool_))
            else np.zeros(len(known), bool)
        )
    if known.dtype.kind in "iuf":
        if not isinstance(value, (int, float)):
            return np.zeros(len(known), bool)
        same = known == (known.dtype.type(value) if known.dtype.kind == "f" else value)
        # a sweep in single precision has no exact 0.1; ``linspace`` may give the number beside it
        near = np.isclose(known.astype(float), float(value), rtol=CLOSE, atol=0.0)
        return same if same.any() or known.dtype.kind != "f" else near
    return np.array([type(one) is type(value) and one == value for one in known.tolist()], bool)
