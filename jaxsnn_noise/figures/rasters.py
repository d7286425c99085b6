"""Spike rasters: of an array, or of a table of spike times with its trials and populations."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from jaxsnn_noise._checks import fail, flag, number, positive
from jaxsnn_noise.figures.house import BLACK, GREY, PALETTE, legend_below, series_index, style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from pandas import DataFrame
else:  # heavy, and only names here
    Axes = DataFrame = Any

COLOURS = 7
"""Groups that can be told apart by colour."""
FEW_ROWS = 12
"""Rows that are labelled one by one."""


def raster(
    axes: Axes,
    spikes: Any,
    *,
    dt: float | None = None,
    start: float | None = None,
    stop: float | None = None,
    rows: str | Sequence[str] | None = None,
    colour: str | None = None,
    silent: bool = True,
) -> tuple[Axes, DataFrame]:
    """Spike raster: one mark per spike, time to the right, rows upwards.

    Args:
        axes: Where to draw.
        spikes: A table of ``interop.spike_times``; or zeros and ones [time, row], an array or a ``DataArray`` whose second
            dimension says what rows are.
        dt: Length of a step of an array [ms]. A spike of step t is fired at its end: ``start + (t + 1) dt``.
        start: Time at the beginning [ms]; that of a table, else 0.
        stop: Time at the end [ms]; that of a table, or of an array.
        rows: What a row is: a column of the table, or several, of which the first changes slowest. Unless given: population and
            neuron of one member, or the axes along which there are several members as well. Of an array its label.
        colour: The column by which spikes are coloured, with a legend; that of the populations unless given, if there are several.
        silent: Whether neurons and members of the table that have no spikes have rows, too. Without, only what is in it: for
            chosen neurons.

    Returns:
        The axes, and the table of what is drawn: of an array with the columns ``time [ms]`` and what a row is; of a table its own
        columns and ``row``.

    Raises:
        InputError: values that are no spikes (NaN, fractions, counts); ``dt`` missing; rows in which spikes of several neurons or
            trials would fall together; more than seven colours.

    Example:
        >>> from jaxsnn_noise import figures
        >>> _, table = raster(figures.new_figure()[1], np.eye(3), dt=0.5, rows="trial")
        >>> list(table.columns), table["time [ms]"].tolist()
        (['time [ms]', 'trial'], [0.5, 1.0, 1.5])
    """
    if hasattr(spikes, "columns"):
        if dt is not None:
            fail("figures.raster.dt", "is for arrays: a table has times [ms]", dt)
        return _of_table(axes, spikes, start, stop, rows, colour, flag("figures.raster.silent", silent))
    if colour is not None or not (rows is None or isinstance(rows, str)):
        fail(
            "figures.raster",
            "an array has rows of one kind and colour; give a table of interop.spike_times",
            rows or colour,
        )
    return _of_array(axes, spikes, dt, 0.0 if start is None else start, stop, rows)


def _of_array(
    axes: Axes, spikes: Any, dt: float | None, start: float, stop: float | None, rows: str | None
) -> tuple[Axes, DataFrame]:
    from pandas import DataFrame

    who = "figures.raster"
    array = np.asarray(spikes)
    if array.ndim != 2:
        fail(who, "spikes must be [time, neuron], or a table of interop.spike_times", array.shape)
    if array.dtype != np.bool_ and not (np.issubdtype(array.dtype, np.number) and np.isin(array, (0, 1)).all()):
        fail(who, "spikes must be 0 or 1 (NaN are no spikes, nor are counts)", array)
    if dt is None:
        fail(f"{who}.dt", "must be given with an array [ms]", None)
    step = number(f"{who}.dt", dt)
    positive(f"{who}.dt", step, "ms")
    dims = getattr(spikes, "dims", None)
    label = rows or ("neuron" if dims is None else str(dims[1]))
    steps, lines = np.nonzero(array)
    times = start + (steps + 1) * step
    _marks(axes, times, lines, array.shape[1], BLACK)
    _frame(
        axes, start, start + array.shape[0] * step if stop is None else stop, array.shape[1], label.replace("_", " ")
    )
    return axes, DataFrame({"time [ms]": times, label: lines})


def _of_table(
    axes: Axes,
    table: DataFrame,
    start: float | None,
    stop: float | None,
    rows: str | Sequence[str] | None,
    colour: str | None,
    silent: bool,
) -> tuple[Axes, DataFrame]:
    who = "figures.raster"
    if "time" not in table.columns:
        fail(who, "needs a column of times, as a table of interop.spike_times", list(table.columns))
    if np.isnan(table["time"].to_numpy(np.float64)).any():
        fail(who, "times must be numbers: NaN is no spike [ms]", int(table["time"].isna().sum()))
    others = [str(name) for name in table.columns if name != "time"]
    several = [name for name in others if table[name].nunique() > 1]
    chosen = [rows] if isinstance(rows, str) else list(rows) if rows is not None else _usual(others, several)
    for name in [*chosen, *([] if colour is None else [colour])]:
        if name not in others:
            fail(f"{who}.rows", "unknown column", name, known=others)
    if mixed := [name for name in several if name not in chosen]:
        rule = f"must tell apart all that the table has several of: select one {mixed[0]}, or add it to rows"
        fail(f"{who}.rows", rule, chosen, known=others)
    keys = _keys(table, chosen) if silent else sorted(set(zip(*(table[name] for name in chosen), strict=True)))
    place = {key: line for line, key in enumerate(keys)}
    lines = np.array([place[key] for key in zip(*(table[name] for name in chosen), strict=True)], int)
    shown = colour or ("population" if "population" in several else None)
    _colours(axes, table, lines, len(keys), shown)
    begin = float(table.attrs.get("start", 0.0)) if start is None else start
    end = table.attrs.get("stop") if stop is None else stop
    end = max(float(table["time"].max()) if len(table) else begin, begin + 1e-9) if end is None else end
    labels = [name for name in chosen if len({key[chosen.index(name)] for key in keys}) > 1] or chosen[-1:]
    _frame(axes, begin, end, len(keys), ", ".join(labels))
    _groups(axes, keys, chosen)
    return axes, table.assign(row=lines)


def _usual(others: list[str], several: list[str]) -> list[str]:
    """Population and neuron, then the axes along which there are several members: trials of a neuron lie beside each other."""
    first = [name for name in ("population", "neuron") if name in others]
    return [*first, *(name for name in several if name not in first)]


def _keys(table: DataFrame, chosen: list[str]) -> list[tuple[Any, ...]]:
    """The rows from below: all neurons and members that the table knows, whether they fired or not."""
    sizes, members = table.attrs.get("sizes", {}), table.attrs.get("members", {})
    populations = (
        [name for name in sizes if name in set(table["population"])] if "population" in table and sizes else None
    )
    values: list[list[Any]] = []
    for name in chosen:
        there = sorted(table[name].unique().tolist())
        if name == "population" and populations:
            there = populations
        elif name == "neuron" and populations:
            there = list(range(max(sizes[one] for one in populations)))
        elif name in members and len(there) > 1:
            there = members[name]
        values.append(there)
    keys = [tuple(one[i] for one, i in zip(values, index, strict=True)) for index in np.ndindex(*map(len, values))]
    if "population" in chosen and "neuron" in chosen and sizes:
        at, of = chosen.index("population"), chosen.index("neuron")
        keys = [key for key in keys if key[of] < sizes.get(key[at], np.inf)]
    return keys


def _colours(axes: Axes, table: DataFrame, lines: np.ndarray, number_of: int, colour: str | None) -> None:
    times = table["time"].to_numpy(np.float64)
    if colour is None:
        _marks(axes, times, lines, number_of, BLACK)
        return
    kinds = table[colour].to_numpy()
    order = list(table.attrs.get("sizes", {})) if colour == "population" else []
    names = [one for one in order if one in set(kinds)] or sorted(set(kinds.tolist()))
    if len(names) > COLOURS:
        fail("figures.raster.colour", f"tells at most {COLOURS} groups apart", len(names))
    for name in names:
        mine = kinds == name
        look = PALETTE[series_index(axes, f"{colour} {name}") % len(PALETTE)]
        _marks(
            axes,
            times[mine],
            lines[mine],
            number_of,
            look,
            label=f"{name}" if colour == "population" else f"{colour} {name}",
        )
    with style():
        legend_below(axes.figure)


def _marks(
    axes: Axes, times: np.ndarray, lines: np.ndarray, number_of: int, colour: str, label: str | None = None
) -> None:
    with style():
        size = min(30.0, max(1.0, 3000.0 / max(number_of, 1)))
        many = len(times) > 2000
        axes.scatter(times, lines, s=size, marker="|", color=colour, linewidth=0.7, rasterized=many, label=label)


def _frame(axes: Axes, start: float, stop: float, number_of: int, label: str) -> None:
    from matplotlib.ticker import MaxNLocator

    with style():
        axes.set_xlim(start, stop)
        axes.set_ylim(-0.5, number_of - 0.5)
        axes.grid(False)
        axes.set_xlabel("time [ms]")
        axes.set_ylabel(label)
        axes.yaxis.set_major_locator(MaxNLocator(integer=True))


def _groups(axes: Axes, keys: list[tuple[Any, ...]], chosen: list[str]) -> None:
    """Few rows are labelled one by one; of more the groups of all columns but the last that varies, with lines between them."""
    varying = [i for i in range(len(chosen)) if len({key[i] for key in keys}) > 1]
    if len(keys) <= FEW_ROWS and varying:
        axes.set_yticks(range(len(keys)), [", ".join(str(key[i]) for i in varying) for key in keys])
        return
    if len(varying) < 2:
        return
    outer = [tuple(key[i] for i in varying[:-1]) for key in keys]
    starts = [0, *(i for i in range(1, len(outer)) if outer[i] != outer[i - 1]), len(outer)]
    if len(starts) - 1 > FEW_ROWS:
        starts_of = [tuple(key[i] for i in varying[:1]) for key in keys]
        starts = [0, *(i for i in range(1, len(keys)) if starts_of[i] != starts_of[i - 1]), len(keys)]
        outer = starts_of
    if len(starts) - 1 > FEW_ROWS:
        return
    for line in starts[1:-1]:
        axes.axhline(line - 0.5, color=GREY, linewidth=0.6)
    middles = [(first + last - 1) / 2 for first, last in itertools.pairwise(starts)]
    axes.set_yticks(middles, [", ".join(map(str, outer[first])) for first in starts[:-1]])
