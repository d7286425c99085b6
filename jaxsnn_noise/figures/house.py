"""House style, and how a figure becomes a file."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.figure import Figure
else:  # heavy, and only a name here
    Figure = Any

BLUE, VERMILLION, GREEN, PURPLE, ORANGE, SKY, BLACK = PALETTE = (
    "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000",
)  # fmt: skip
MARKERS = ("o", "s", "^", "D", "v", "P", "X")
LINES = ("-", "--", "-.", ":", (0, (5, 1)), (0, (3, 1, 1, 1)), (0, (1, 1)))
SEQUENTIAL = "cividis"
DIVERGING = "PuOr"
WIDTH = 6.5  # [inch], the text width of a page
DPI = 200
GREY = "#6b7280"
BANDS = 4
"""Bands that a reader can tell apart where they lie over each other."""

_STYLE: dict[str, Any] = {
    "figure.figsize": (WIDTH, 3.6),
    "figure.constrained_layout.use": True,
    "figure.facecolor": "white",
    "savefig.facecolor": "white",
    "savefig.dpi": DPI,
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


def svg(figure: Figure) -> str:
    """The figure as SVG text, the same for the same numbers (no date, fixed ids)."""
    from matplotlib.backends.backend_svg import FigureCanvasSVG

    buffer = io.StringIO()
    with style(), _drawn_by(FigureCanvasSVG, figure, DPI) as canvas:
        canvas.print_svg(buffer, metadata={"Date": None})
    return buffer.getvalue()


def png(figure: Figure, dpi: int = DPI) -> bytes:
    """The figure as PNG bytes at ``dpi`` dots per inch."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    buffer = io.BytesIO()
    with style(), _drawn_by(FigureCanvasAgg, figure, dpi) as canvas:
        canvas.print_png(buffer)
    return buffer.getvalue()


@contextmanager
def _drawn_by(kind: Any, figure: Figure, dpi: float) -> Iterator[Any]:
    """A canvas that draws the figure once: ``savefig`` would lay it out and draw it twice more, which takes longer."""
    from matplotlib.layout_engine import PlaceHolderLayoutEngine

    engine = figure.get_layout_engine()
    if not isinstance(engine, (PlaceHolderLayoutEngine, type(None))):
        engine.execute(figure)
        figure.set_layout_engine("none")  # a placeholder stays, of figures with colour bars or constrained axes
    before, own = figure.canvas, figure.dpi
    try:
        figure.dpi = dpi
        yield kind(figure)
    finally:
        figure.dpi = own
        figure.set_canvas(before)


def series_index(axes: Any, series: str) -> int:
    """Which look a series has: one by one for the nameless of these axes, by name in the figure for the others."""
    if not series:
        return len(axes.get_lines())
    known: dict[str, int] = axes.figure.__dict__.setdefault("_jaxsnn_noise_series", {})
    return known.setdefault(series, len(known))


def add_interval(axes: Any, x: Any, low: Any, high: Any, color: str) -> None:
    """The interval of a line as a band; as bars, and those of the other lines too, where too many would overlap."""
    drawn: list[tuple[Any, Any, Any, str]] = axes.__dict__.setdefault("_jaxsnn_noise_intervals", [])
    drawn.append((x, low, high, color))
    bands: list[Any] = axes.__dict__.setdefault("_jaxsnn_noise_bands", [])
    if _depth(drawn) <= BANDS:
        bands.append(axes.fill_between(x, low, high, color=color, alpha=0.2, linewidth=0))
        return
    for band in bands:
        band.remove()
    bands.clear()
    bars: list[Any] = axes.__dict__.setdefault("_jaxsnn_noise_bars", [])
    for at, least, most, look in drawn[len(bars) :]:
        bars.append(axes.vlines(at, least, most, color=look, linewidth=1.2, alpha=0.8))


def _depth(intervals: list[tuple[Any, Any, Any, str]]) -> int:
    """How many of the bands lie over each other where most of them do."""
    import numpy as np

    places = np.unique(np.concatenate([np.asarray(x, float) for x, *_ in intervals]))
    ends = []
    for x, low, high, _ in intervals:
        order = np.argsort(x)
        at = np.asarray(x, float)[order]
        ends.append([np.interp(places, at, np.asarray(e, float)[order], np.nan, np.nan) for e in (low, high)])
    low, high = np.moveaxis(np.asarray(ends), 1, 0)  # [interval, place]
    # where intervals share a point, they share the lower end of one of them; a point that touches is no overlap
    return int(((low[:, None] <= low) & (low < high[:, None])).sum(0).max(initial=0))


def legend_below(figure: Any) -> None:
    """One legend for all axes of a figure, below them, where it hides no data."""
    entries: dict[str, Any] = {}
    for axes in figure.axes:
        for handle, label in zip(*axes.get_legend_handles_labels(), strict=True):
            entries.setdefault(label, handle)
    for legend in list(figure.legends):
        legend.remove()
    columns = max(1, min(len(entries), int(90 / (8 + max(map(len, entries))))))  # of a line of some 90 letters
    figure.legend(list(entries.values()), list(entries), loc="outside lower center", ncols=columns)
