"""House style of figures, and the four pictures that studies draw most, each with a tidy table.

Matplotlib is used through its object-oriented interface only: no pyplot, no global figure, no window; so it
works in batch jobs and in threads of a notebook alike. It is imported when the first figure is made. Colours
are those of Okabe and Ito, told apart by readers with any colour vision, and every series has a marker and a
line style of its own besides.

Example:
    >>> levels = np.array([0.0, 0.1, 0.2])  # noise amplitude [mV]
    >>> rate = np.array([12.0, 14.0, 19.0])  # mean and 95 % interval [Hz]
    >>> figure, axes = new_figure()
    >>> labels = {"x_label": "amplitude [mV]", "y_label": "firing rate [Hz]", "series": "additive"}
    >>> axes, table = line_with_interval(axes, levels, rate, rate - 1.0, rate + 1.0, **labels)
    >>> list(table.columns)
    ['series', 'amplitude [mV]', 'firing rate [Hz]', 'low', 'high']

References:
    M. Okabe, K. Ito: Color Universal Design, 2008 (the palette); B. Wong: Points of view: color blindness,
    Nature Methods 8, 441 (2011), doi:10.1038/nmeth.1618. J. R. Nuñez, C. R. Anderton, R. S. Renslow:
    Optimizing colormaps with consideration for color vision deficiency, PLoS ONE 13, e0199239 (2018),
    doi:10.1371/journal.pone.0199239 (cividis).
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import ArrayLike
    from pandas import DataFrame
else:  # heavy, and only names here
    ArrayLike = Axes = DataFrame = Figure = Any

BLUE, VERMILLION, GREEN, PURPLE, ORANGE, SKY, BLACK = PALETTE = (
    "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000",
)  # fmt: skip
MARKERS = ("o", "s", "^", "D", "v", "P", "X")
LINES = ("-", "--", "-.", ":", (0, (5, 1)), (0, (3, 1, 1, 1)), (0, (1, 1)))
SEQUENTIAL = "cividis"
DIVERGING = "PuOr"
WIDTH = 6.5  # [inch], the text width of a page
GREY = "#6b7280"

_STYLE: dict[str, Any] = {
    "figure.figsize": (WIDTH, 3.6),
    "figure.constrained_layout.use": True,
    "figure.facecolor": "white",
    "savefig.facecolor": "white",
    "savefig.dpi": 200,
    "font.family": ["DejaVu Sans"],  # comes with Matplotlib: the same picture on every machine
    "font.size": 9.0,
    "axes.titlesize": 9.5,
    "axes.titlelocation": "left",
    "axes.titleweight": "bold",
    "axes.labelsize": 9.0,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": "#374151",
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#e5e7eb",
    "grid.linewidth": 0.6,
    "xtick.labelsize": 8.0,
    "ytick.labelsize": 8.0,
    "legend.frameon": False,
    "legend.fontsize": 8.0,
    "lines.linewidth": 1.6,
    "lines.markersize": 4.5,
    "image.cmap": SEQUENTIAL,
    "svg.fonttype": "path",  # letters as outlines: no font is needed where the file is opened
    "svg.hashsalt": "jaxsnn_noise",  # the same ids, so the same file, from the same numbers
}


@contextmanager
def style() -> Iterator[None]:
    """House style for everything drawn inside the ``with`` block; after it Matplotlib is set as before."""
    import matplotlib
    from cycler import cycler

    settings: Any = {**_STYLE, "axes.prop_cycle": cycler(color=PALETTE)}
    with matplotlib.rc_context(settings):
        yield


def new_figure(
    rows: int = 1, columns: int = 1, *, width: float = WIDTH, height: float | None = None, **options: Any
) -> tuple[Figure, Any]:
    """A figure in house style with a grid of axes.

    Args:
        rows: Rows of axes.
        columns: Columns of axes.
        width: Width of the figure [inch].
        height: Height [inch]; by default from the number of rows.
        **options: Passed on to ``Figure.subplots`` (``sharex``, ``sharey``, ``width_ratios``, ...).

    Returns:
        The figure, and its axes: one, or an array of them as ``Figure.subplots`` gives it.
    """
    from matplotlib.figure import Figure

    with style():
        figure = Figure(figsize=(width, height or 0.8 + 2.6 * rows))
        return figure, figure.subplots(rows, columns, **options)


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

    Missing values (NaN) leave a gap. A series has one colour, marker and line style in all axes of a figure; one
    legend for all of them stands below the axes, where it hides no data.

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
        The axes, and the table with columns ``series`` (if named), ``x_label``, ``y_label``, ``low``,
        ``high``.
    """
    from pandas import DataFrame

    x, estimate, low, high = _equal_lengths(x=x, estimate=estimate, low=low, high=high)
    index = _series_index(axes, series)
    look: Any = {"color": PALETTE[index % len(PALETTE)], "marker": MARKERS[index % len(MARKERS)]}
    with style():
        if x.dtype.kind in "UOT":
            places = np.arange(len(x)) + 0.12 * index
            reach = np.stack([estimate - low, high - estimate])
            axes.errorbar(places, estimate, reach, linestyle="none", capsize=3, label=series or None, **look)
            axes.set_xticks(np.arange(len(x)), [str(name) for name in x])
        else:
            axes.plot(x, estimate, linestyle=LINES[index % len(LINES)], label=series or None, **look)
            axes.fill_between(x, low, high, color=look["color"], alpha=0.2, linewidth=0)
        axes.set_xlabel(x_label)
        axes.set_ylabel(y_label)
        if series:
            _legend_below(axes.figure)
    columns = {x_label: x, y_label: estimate, "low": low, "high": high}
    return axes, DataFrame(({"series": series} if series else {}) | columns, index=range(len(x)))


def raster(axes: Axes, spikes: ArrayLike, *, dt: float, start: float = 0.0) -> tuple[Axes, DataFrame]:
    """Spike raster: one mark per spike, time to the right, neurons upwards.

    Args:
        axes: Where to draw.
        spikes: Zeros and ones [time, neuron]; what is not zero is a spike.
        dt: Length of a step [ms]. A spike of step t is fired at its end: ``start + (t + 1) dt``.
        start: Time at the beginning of the first step [ms].

    Returns:
        The axes, and the table with columns ``time [ms]`` and ``neuron``.
    """
    from pandas import DataFrame

    array = np.asarray(spikes)
    if array.ndim != 2:
        raise ValueError(f"figures.raster: spikes must be [time, neuron]; got shape {array.shape}")
    steps, neurons = np.nonzero(array)
    times = start + (steps + 1) * dt
    with style():
        size = min(30.0, max(1.0, 3000.0 / max(array.shape[1], 1)))
        axes.scatter(times, neurons, s=size, marker="|", color=BLACK, linewidth=0.7, rasterized=len(times) > 2000)
        axes.set_xlim(start, start + array.shape[0] * dt)
        axes.set_ylim(-0.5, array.shape[1] - 0.5)
        axes.grid(False)
        axes.set_xlabel("time [ms]")
        axes.set_ylabel("neuron")
    return axes, DataFrame({"time [ms]": times, "neuron": neurons})


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

    An interval that does not reach the bound is drawn full, one that holds it hollow. An infinite end is an
    arrow.

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
        The axes, and the table with columns ``label``, ``x_label``, ``low``, ``high`` and, if given,
        ``bound``.
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


def svg(figure: Figure) -> str:
    """The figure as SVG text, the same for the same numbers (no date, fixed ids)."""
    buffer = io.StringIO()
    with style():
        _settle(figure)
        figure.savefig(buffer, format="svg", metadata={"Date": None})
    return buffer.getvalue()


def png(figure: Figure, dpi: int = 200) -> bytes:
    """The figure as PNG bytes at ``dpi`` dots per inch."""
    buffer = io.BytesIO()
    with style():
        _settle(figure)
        figure.savefig(buffer, format="png", dpi=dpi)
    return buffer.getvalue()


def _settle(figure: Figure) -> None:
    """Lay the figure out once: every way of saving it would do so twice more, which takes longer than drawing."""
    if figure.get_layout_engine() is not None:
        figure.draw_without_rendering()
        figure.set_layout_engine("none")


def _series_index(axes: Axes, series: str) -> int:
    """Which look a series has: one by one for the nameless of these axes, by name in the figure for the others."""
    if not series:
        return len(axes.get_lines())
    known: dict[str, int] = axes.figure.__dict__.setdefault("_jaxsnn_noise_series", {})
    return known.setdefault(series, len(known))


def _legend_below(figure: Any) -> None:
    entries: dict[str, Any] = {}
    for axes in figure.axes:
        for handle, label in zip(*axes.get_legend_handles_labels(), strict=True):
            entries.setdefault(label, handle)
    for legend in list(figure.legends):
        legend.remove()
    columns = max(1, min(len(entries), int(90 / (8 + max(map(len, entries))))))  # of a line of some 90 letters
    figure.legend(list(entries.values()), list(entries), loc="outside lower center", ncols=columns)


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
