"""Time courses of what was recorded: a few lines, or the spread of many."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from jaxsnn_noise._checks import fail
from jaxsnn_noise.figures.house import BLUE, GREY, LINES, PALETTE, legend_below, series_index, style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from numpy.typing import ArrayLike
    from pandas import DataFrame
else:  # heavy, and only names here
    ArrayLike = Axes = DataFrame = Any

FEW = 6
"""Lines that can be told apart."""


def courses(
    axes: Axes, values: ArrayLike, *, time: ArrayLike, label: str, names: Sequence[Any] | None = None
) -> tuple[Axes, DataFrame]:
    """Time courses of neurons or synapses: up to six as lines, more as their median with the middle half and the 5 to 95 % range.

    NaN leaves a gap. An entry has one look in all axes of a figure; one legend for all of them stands below the axes.

    Args:
        axes: Where to draw.
        values: [time, entry], e.g. ``results["trace"]["state.weights"]``.
        time: [time] in ms.
        label: Name and unit of the values, also a column of the table.
        names: Of the entries, in the legend; numbers from 0 unless given, and none for a single entry.

    Returns:
        The axes, and the table: of few entries ``time [ms]``, ``entry`` and the values; of many ``time [ms]``, ``median`` and the
        ends of both ranges.

    Raises:
        InputError: values that are not [time, entry], another number of times or names.
    """
    from pandas import DataFrame

    array, at = np.asarray(values, float), np.asarray(time, float)
    if array.ndim != 2 or at.shape != array.shape[:1]:
        fail("figures.courses", "values must be [time, entry] with one time each", (array.shape, at.shape))
    called = list(range(array.shape[1])) if names is None else list(names)
    if len(called) != array.shape[1]:
        fail("figures.courses.names", f"must be one per entry ({array.shape[1]})", len(called))
    told = names is not None or len(called) > 1
    table = _few(axes, array, at, called, label, told) if len(called) <= FEW else _many(axes, array, at)
    with style():
        axes.set_xlabel("time [ms]")
        axes.set_ylabel(label)
        if told:
            legend_below(axes.figure)
    return axes, DataFrame(table)


def _few(axes: Axes, array: np.ndarray, at: np.ndarray, called: list[Any], label: str, told: bool) -> dict[str, Any]:
    with style():
        for i, name in enumerate(called):
            index = series_index(axes, str(name) if told else "")
            look: Any = {"color": PALETTE[index % len(PALETTE)], "linestyle": LINES[index % len(LINES)]}
            axes.plot(at, array[:, i], label=str(name) if told else None, linewidth=1.1, **look)
    entry = np.repeat(np.asarray(called, object), len(at))
    return {"time [ms]": np.tile(at, len(called)), "entry": entry, label: array.T.reshape(-1)}


def _many(axes: Axes, array: np.ndarray, at: np.ndarray) -> dict[str, Any]:
    there = ~np.isnan(array).all(axis=1)
    ends = np.full((5, len(at)), np.nan)
    ends[:, there] = np.nanquantile(array[there], [0.05, 0.25, 0.5, 0.75, 0.95], axis=1)
    low, first, median, third, high = ends
    with style():
        axes.fill_between(at, low, high, color=GREY, alpha=0.25, linewidth=0, label="5 to 95 %")
        axes.fill_between(at, first, third, color=BLUE, alpha=0.3, linewidth=0, label="middle half")
        axes.plot(at, median, color=BLUE, label="median")
    return {"time [ms]": at, "5 %": low, "25 %": first, "median": median, "75 %": third, "95 %": high}
