"""The grid that a result belongs to, by its fingerprint: of this process, or from a file."""

from __future__ import annotations

import json
import os
import warnings
from collections import OrderedDict
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from jaxsnn_noise import provenance
from jaxsnn_noise._checks import fail
from jaxsnn_noise.ensemble.grid import Grid
from jaxsnn_noise.ensemble.store import DECIDING, GRID
from jaxsnn_noise.saving import read_tree

MEMORY = 8
"""Grids of this process that are remembered, so that results of them can be replayed without naming them."""
_RECENT: OrderedDict[str, Grid] = OrderedDict()


def remember(fingerprint: str, grid: Grid) -> None:
    """Keep a grid for replays in this process."""
    _RECENT[fingerprint] = grid
    _RECENT.move_to_end(fingerprint)
    while len(_RECENT) > MEMORY:
        _RECENT.popitem(last=False)


def grid_of(who: str, result: Any, grid: Any, own: Iterable[Any] = ()) -> Grid:
    """The grid of a result.

    Args:
        who: Who asks.
        result: A result of ``monte_carlo``, or one derived from it; ``None``: there is only the grid.
        grid: A grid, the file of one, the folder of a store; ``None``: one of this process.
        own: Classes and functions of the reader in a file.

    Raises:
        InputError: there is none, or it is not that of the result.
    """
    said: Any = getattr(result, "attrs", {}).get("fingerprint")
    if grid is None:
        if said not in _RECENT:
            rule = f"needs grid=: a Grid, its file, or the store of the study (the last {MEMORY} of a process are remembered)"
            fail(who, rule, "a result whose study is not known here" if said else "a result without a fingerprint")
        return _RECENT[said]
    grid = as_grid(f"{who}.grid", grid, own)
    if said is not None and said != grid.fingerprint:
        theirs = _deciding(json.loads(result.attrs.get("versions", "{}")))
        ours = _deciding(provenance.versions())
        if theirs == ours:
            fail(
                f"{who}.grid",
                "must be that of the result: simulation, axes or key differ",
                f"the grid {grid.fingerprint}",
            )
        warnings.warn(f"{who}: the result was computed by {theirs}, and is replayed by {ours}", stacklevel=3)
    return grid


def as_grid(who: str, grid: Any, own: Iterable[Any] = ()) -> Grid:
    """A grid, as it is or from its file or store.

    Raises:
        InputError: it is none.
    """
    if isinstance(grid, (str, os.PathLike)):
        place = Path(grid).expanduser()
        grid = read_tree(place / GRID if place.is_dir() else place, own=own)
    if not isinstance(grid, Grid):
        fail(who, "must be a Grid, the file of one, or the folder of a store", grid)
    return grid


def _deciding(versions: dict[str, str]) -> dict[str, str]:
    return {name: versions[name] for name in DECIDING if name in versions}
