"""The pictures that studies draw most, each with its tidy table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from jaxsnn_noise.figures.house import (
    BLUE,
    DIVERGING,
    GREY,
    LINES,
    MARKERS,
    PALETTE,
    SEQUENTIAL,
    add_interval,
    legend_below,
    series_index,
    style,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from numpy.typing import ArrayLike
    from pandas import DataFrame
else:  # heavy, and only names here
    ArrayLike = Axes = DataFrame = Any


def line_with_interval(
    axes: Axes,
    x: ArrayLike,
    estimate: ArrayLike,
    low: ArrayLike,
    high: ArrayLike,
    *,
    x_label: str,
    y_label: str,
    series: str = "",
) -> tuple[Axes, DataFrame]:
    """A line with its interval as a band, or, over categories, points with bars.

    Where more than four bands would lie over each other, all intervals of the axes become bars at the points. Missing values (NaN) leave a gap. A series has one colour, marker and line style in all axes of a figure; one legend
    for all of them stands below the axes, where it hides no data.

    Args:
        axes: Where to draw.
        x: Numbers, or names of categories [point].
        estimate: Values [point].
        low: Lower ends of the intervals [point].
        high: Upper ends of the intervals [point].
        x_label: Name and unit of ``x``, also a column of the table.
        y_label: Name and unit of the values, also a column of the table.
        series: Name of the line in the legend; none if empty.

    Returns:
        The axes, and the table with columns ``series`` (if named), ``x_label``, ``y_label``, ``low``, ``high``.
    """
    from pandas import DataFrame

    x, estimate, low, high = _equal_lengths(x=x, estimate=estimate, low=low, high=high)
    index = series_index(axes, series)
    look: Any = {"color": PALETTE[index % len(PALETTE)], "marker": MARKERS[index % len(MARKERS)]}
    with style():
        if x.dtype.kind in "UOT":
            places = np.arange(len(x)) + 0.12 * index
            reach = np.stack([estimate - low, high - estimate])
            axes.errorbar(places, estimate, reach, linestyle="none", capsize=3, label=series or None, **look)
            axes.set_xticks(np.arange(len(x)), [str(name) for name in x])
        else:
            axes.plot(x, estimate, linestyle=LINES[index % len(LINES)], label=series or None, **look)
            add_interval(axes, x, low, high, look["color"])
        axes.set_xlabel(x_label)
        axes.set_ylabel(y_label)
        if series:
            legend_below(axes.figure)
    columns = {x_label: x, y_label: estimate, "low": low, "high": high}
    return axes, DataFrame(({"series": series} if series else {}) | columns, index=range(len(x)))


def line_of_estimates(
    axes: Axes, x: ArrayLike, found: Any, *, x_label: str, y_label: str, series: str = ""
) -> tuple[Axes, DataFrame]:
    """:func:`line_with_interval` of what ``reduce.mean_and_error`` gives: its ``mean``, ``low`` and ``high``, of one dimension."""
    ends = (found[name] for name in ("mean", "low", "high"))
    return line_with_interval(axes, x, *ends, x_label=x_label, y_label=y_label, series=series)


def heatmap(
    axes: Axes,
    values: ArrayLike,
    *,
    rows: Sequence[Any],
    columns: Sequence[Any],
    row_label: str,
    column_label: str,
    value_label: str,
    centre: float | None = None,
    annotate: bool | None = None,
) -> tuple[Axes, DataFrame]:
    """A table of numbers as colours, first row at the top; missing values are hatched.

    Args:
        axes: Where to draw.
        values: Numbers [row, column].
        rows: Coordinates or names of the rows.
        columns: Coordinates or names of the columns.
        row_label: What the rows are, with unit.
        column_label: What the columns are, with unit.
        value_label: What the numbers are, with unit; on the colour bar.
        centre: The value at which a diverging colour map is neutral; without it the map is sequential.
        annotate: Write each number into its cell; by default up to 100 cells.

    Returns:
        The axes, and the table with one row per cell: ``row_label``, ``column_label``, ``value_label``.
    """
    from pandas import DataFrame

    array = np.asarray(values, dtype=float)
    if array.shape != (len(rows), len(columns)):
        raise ValueError(f"figures.heatmap: values must be [row={len(rows)}, column={len(columns)}]; got {array.shape}")
    finite = array[np.isfinite(array)]
    low, high = (finite.min(), finite.max()) if finite.size else (0.0, 1.0)
    if centre is not None:
        reach = max(high - centre, centre - low) or 1.0
        low, high = centre - reach, centre + reach
    with style():
        axes.set_facecolor("#f3f4f6")
        image = axes.imshow(
            np.ma.masked_invalid(array),
            aspect="auto",
            cmap=SEQUENTIAL if centre is None else DIVERGING,
            vmin=low,
            vmax=high,
        )
        for row, column in np.argwhere(~np.isfinite(array)).tolist():
            axes.add_patch(_hatched(column, row))
        _ticks(axes.xaxis, columns)
        _ticks(axes.yaxis, rows)
        axes.grid(False)
        axes.set_xlabel(column_label)
        axes.set_ylabel(row_label)
        axes.figure.colorbar(image, ax=axes, label=value_label)
        if annotate if annotate is not None else array.size <= 100:
            _annotate(axes, array, image)
    grid = [(r, c, v) for r, line in zip(rows, array, strict=True) for c, v in zip(columns, line, strict=True)]
    return axes, DataFrame(grid, columns=[row_label, column_label, value_label])


def forest(
    axes: Axes,
    labels: Sequence[str],
    estimate: ArrayLike,
    low: ArrayLike,
    high: ArrayLike,
    *,
    x_label: str,
    bound: float | None = None,
    bound_label: str = "",
) -> tuple[Axes, DataFrame]:
    """Estimates with their intervals, one per line, first at the top, against a bound.

    An interval that does not reach the bound is drawn full, one that holds it hollow. An infinite end is an arrow.

    Args:
        axes: Where to draw.
        labels: What each line is.
        estimate: Values [line].
        low: Lower ends of the intervals [line].
        high: Upper ends of the intervals [line].
        x_label: Name and unit of the values.
        bound: Where to draw the line that the intervals are compared with.
        bound_label: What it is.

    Returns:
        The axes, and the table with columns ``label``, ``x_label``, ``low``, ``high`` and, if given, ``bound``.
    """
    from pandas import DataFrame

    names, estimate, low, high = _equal_lengths(labels=labels, estimate=estimate, low=low, high=high)
    ends = np.concatenate(
        [a[np.isfinite(a)] for a in (estimate, low, high)] + [np.atleast_1d(0.0 if bound is None else bound)]
    )
    margin = 0.05 * (float(np.ptp(ends)) or 1.0)
    left, right = float(ends.min()) - margin, float(ends.max()) + margin
    with style():
        axes.set_xlim(left, right)
        if bound is not None:
            axes.axvline(bound, color=GREY, linestyle="--", linewidth=1.2, label=bound_label or None)
        for line, (middle, lo, hi) in enumerate(zip(estimate, low, high, strict=True)):
            clear = bound is None or lo > bound or hi < bound
            axes.hlines(line, max(lo, left), min(hi, right), color=BLUE, linewidth=1.8)
            axes.plot(middle, line, "o", color=BLUE, markerfacecolor=BLUE if clear else "white", markeredgewidth=1.4)
            for end, place, mark in ((lo, left, "<"), (hi, right, ">")):
                if np.isinf(end):
                    axes.plot(place, line, mark, color=BLUE, markersize=4, clip_on=False)
        axes.set_yticks(range(len(names)), [str(name) for name in names])
        axes.set_ylim(len(names) - 0.5, -0.5)
        axes.grid(False, axis="y")
        axes.set_xlabel(x_label)
        if bound is not None and bound_label:
            axes.legend(loc="lower right", bbox_to_anchor=(1.0, 1.0))
    columns = {"label": names, x_label: estimate, "low": low, "high": high}
    return axes, DataFrame(columns | ({} if bound is None else {"bound": bound}), index=range(len(names)))


def _equal_lengths(**columns: Any) -> tuple[np.ndarray, ...]:
    arrays = {name: np.asarray(values) for name, values in columns.items()}
    shapes = {name: array.shape for name, array in arrays.items()}
    if len(set(shapes.values())) != 1 or len(next(iter(shapes.values()))) != 1:
        raise ValueError(
            f"figures: the columns of a picture must be one-dimensional and equally long; got shapes {shapes}"
        )
    return tuple(arrays.values())


def _hatched(column: int, row: int) -> Any:
    from matplotlib.patches import Rectangle

    return Rectangle((column - 0.5, row - 0.5), 1, 1, fill=False, hatch="////", edgecolor="#9ca3af", linewidth=0)


def _ticks(axis: Any, names: Sequence[Any]) -> None:
    step = -(-len(names) // 12)  # a dozen labels can be read
    texts = [f"{n:g}" if isinstance(n, (int, float, np.number)) else str(n) for n in names]
    axis.set_ticks(range(0, len(names), step), texts[::step])


def _annotate(axes: Axes, array: np.ndarray, image: Any) -> None:
    for (row, column), value in np.ndenumerate(array):
        if np.isfinite(value):
            red, green, blue, _ = image.cmap(image.norm(value))
            dark = 0.299 * red + 0.587 * green + 0.114 * blue < 0.55
            axes.text(
                column,
                row,
                f"{value:.3g}",
                ha="center",
                va="center",
                fontsize=7.5,
                color="white" if dark else "black",
            )
