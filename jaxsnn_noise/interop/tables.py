"""Tidy tables of spike times, of the rasters of one run or of a study."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from jaxsnn_noise._checks import count, fail, number, positive
from jaxsnn_noise.engine.simulation import Simulation
from jaxsnn_noise.statistics import Raster, TimedRaster
from jaxsnn_noise.statistics.intervals import PARTS

if TYPE_CHECKING:
    from pandas import DataFrame
else:  # heavy, and only a name here
    DataFrame = Any


def spike_times(
    results: Any,
    names: str | Sequence[str] | None = None,
    *,
    sim: Simulation | None = None,
    dt: float | None = None,
    start: float = 0.0,
) -> DataFrame:
    """When who fired, one row per spike.

    A spike of the measured step ``k`` (from 0) is fired at its end: ``start + (k + 1) dt``, in ms from the start of the
    measurement on; that of a ``TimedRaster`` at the end of its part of the step.

    Args:
        results: What ``monte_carlo`` gave (or a part of it), or the dict of ``simulate``, with results of ``statistics.Raster``
            or ``statistics.TimedRaster``.
        names: Which of them; all unless given.
        sim: The simulation, which knows ``dt``, the steps and the populations of a dict.
        dt: Length of a step [ms], where neither the dataset nor ``sim`` say.
        start: Time at the beginning of the first measured step [ms], e.g. the warm-up.

    Returns:
        Columns: one per axis of the study with its labels (``trial``, ``device``, ...), ``population``, ``neuron`` and ``time`` [ms],
        in this order and sorted so. Its ``attrs``: ``dt``, ``start``, ``stop`` [ms], ``sizes`` (of all populations) and ``members``
        (labels of all axes), as silent neurons and members have no rows.

    Raises:
        InputError: no rasters, or no such; ``dt`` that is not known.

    Example:
        >>> table = spike_times({"raster": np.array([[3, 2]], np.uint8)}, dt=1.0)
        >>> table["time"].tolist(), table.attrs["sizes"]
        ([1.0, 2.0, 2.0], {'raster': 2})
    """
    import pandas

    who = "interop.spike_times"
    rasters = _rasters(who, results, names, sim)
    step = _step(who, results, sim, dt)
    at = float(number(f"{who}.start", start))
    frames: list[DataFrame] = []
    sizes: dict[str, int] = {}
    members: dict[str, list[Any]] = {}
    steps = 0
    for population, axes, raster in rasters:
        ends = _ends(raster)
        steps = max(steps, ends.shape[-2])
        *member, index, neuron = np.nonzero(ends)
        columns: dict[str, Any] = {name: labels[i] for (name, labels), i in zip(axes.items(), member, strict=True)}
        columns |= {
            "population": population,
            "neuron": neuron,
            "time": at + (index + ends[(*member, index, neuron)] / PARTS) * step,
        }
        frame = pandas.DataFrame(columns, index=range(len(neuron)))
        frames.append(frame.iloc[np.lexsort((index, neuron, *reversed(member)))])
        sizes[population] = int(raster.shape[-1])
        members |= {name: labels.tolist() for name, labels in axes.items()}
    table = pandas.concat(frames, ignore_index=True)
    order = [*members, "population"]
    table = (
        table[[*order, "neuron", "time"]].sort_values(list(members), kind="stable", ignore_index=True)
        if members
        else table
    )
    durations = [sim.duration] if sim is not None else _told(results, "duration_ms")
    stop = at + (durations[0] if len(set(durations)) == 1 else step * steps)
    table.attrs = {"dt": step, "start": at, "stop": stop, "sizes": sizes, "members": members, "units": {"time": "ms"}}
    return table


def times_of(table: DataFrame, size: int | None = None, population: str | None = None) -> list[np.ndarray]:
    """The spike times [ms] of each neuron of one population of one member: what ``coding.SpikeTimes`` takes.

    Args:
        table: What :func:`spike_times` gave, cut to one member: ``table.query("trial == 3")``.
        size: Number of neurons; that of the population unless given.
        population: Which one; the only one unless given.

    Returns:
        One ascending array per neuron, which may be empty.

    Raises:
        InputError: several members or populations, or a size that is not known or too small.

    Example:
        >>> table = spike_times({"raster": np.array([[3, 2, 0]], np.uint8)}, dt=1.0)
        >>> [times.tolist() for times in times_of(table)]
        [[1.0, 2.0], [2.0], []]
    """
    who = "interop.times_of"
    check_table(who, table)
    there = sorted(table.attrs.get("sizes", {}) or set(table["population"]))
    if population is None and len(there) != 1:
        fail(f"{who}.population", "must name one of several populations", None, known=there)
    chosen = there[0] if population is None else population
    if chosen not in there:
        fail(f"{who}.population", "unknown name", chosen, known=there)
    rows = table[table["population"] == chosen]
    for axis in axes_of(table):
        if rows[axis].nunique() > 1:
            fail(who, f"needs one member: select one along {axis!r}, e.g. by table.query", rows[axis].nunique())
    number_of = table.attrs.get("sizes", {}).get(chosen) if size is None else count(f"{who}.size", size)
    largest = int(rows["neuron"].max()) if len(rows) else -1
    if number_of is None or number_of <= largest:
        fail(f"{who}.size", f"must be the number of neurons, above {largest}", number_of)
    groups = dict(list(rows.groupby("neuron")["time"]))
    return [np.sort(groups[i].to_numpy()) if i in groups else np.zeros(0) for i in range(number_of)]


def axes_of(table: DataFrame) -> list[str]:
    """The columns of a table that are axes of a study."""
    return [str(name) for name in table.columns if name not in ("population", "neuron", "time")]


def check_table(who: str, table: Any) -> None:
    """It is a table of spike times."""
    columns = getattr(table, "columns", ())
    if any(name not in columns for name in ("population", "neuron", "time")):
        fail(who, "needs a table of interop.spike_times, with population, neuron and time", type(table).__name__)


Found = tuple[str, dict[str, np.ndarray], np.ndarray]


def _rasters(who: str, results: Any, names: str | Sequence[str] | None, sim: Simulation | None) -> list[Found]:
    """Population, axes with their labels, and [..., byte or step, neuron] of each raster."""
    if not isinstance(results, Mapping):
        fail(who, "needs the results of simulate or monte_carlo", type(results).__name__)
    given = getattr(results, "data_vars", results)  # of a dataset: no coordinates
    there = [str(name) for name in given if _is_raster(given[name])]
    chosen = there if names is None else [names] if isinstance(names, str) else list(names)
    for name in chosen:
        if name not in there:
            fail(f"{who}.names", "must name results of statistics.Raster or TimedRaster", name, known=there)
    if not chosen:
        fail(who, "needs a result of statistics.Raster or TimedRaster", [str(name) for name in given])
    return [_one(name, given[name], sim) for name in chosen]


def _is_raster(value: Any) -> bool:
    dims = getattr(value, "dims", None)
    time = _TIME.get(str(getattr(value, "dtype", None)))
    return time is not None and np.ndim(value) >= 2 and (dims is None or any(str(d).startswith(time) for d in dims))


_TIME = {"uint8": "byte", "int8": "step"}
"""The first letters of the dimension of time of a packed raster and of one with times, by the type of their entries."""


def _ends(raster: np.ndarray) -> np.ndarray:
    """At the end of which part of the step each spike lies, from 1 to 128, [..., step, neuron]; 0: no spike."""
    if raster.dtype == np.uint8:
        return np.unpackbits(raster, axis=-2, bitorder="little") * np.uint8(PARTS)
    return np.asarray(raster.astype(np.int16) + 1, np.uint8)


def _one(name: str, value: Any, sim: Simulation | None) -> Found:
    if not hasattr(value, "dims"):
        return _population(name, sim), {}, np.asarray(value).reshape(-1, *np.shape(value)[-2:])[0]
    time = next(dim for dim in value.dims if str(dim).startswith(_TIME[str(value.dtype)]))
    neuron = next(dim for dim in value.dims if str(dim).endswith("_neuron") or f"_neuron_{name}" in str(dim))
    axes = [dim for dim in value.dims if dim not in (time, neuron)]
    labels = {str(dim): value[dim].to_numpy() if dim in value.coords else np.arange(value.sizes[dim]) for dim in axes}
    population = str(neuron).split("_neuron")[0]
    return population, labels, value.transpose(*axes, time, neuron).to_numpy()


def _population(name: str, sim: Simulation | None) -> str:
    """That which a raster of a dict watches; without a simulation the name of the result stands for it."""
    if sim is None:
        return name
    statistic = sim.statistics.get(name)
    if isinstance(statistic, (Raster, TimedRaster)) and statistic.population is not None:
        return statistic.population
    cells = list(sim.network.cells())
    return cells[0] if len(cells) == 1 else name


def _step(who: str, results: Any, sim: Simulation | None, dt: float | None) -> float:
    """The length of a step [ms]: as given, of the simulation, or of the dataset's attributes."""
    told = [] if dt is None else [float(number(f"{who}.dt", dt))]
    told += [] if sim is None else [sim.dt]
    told += _told(results, "dt_ms")
    if not told:
        fail(f"{who}.dt", "must be given, or sim=: these results do not tell the length of a step [ms]", None)
    if max(told) > min(told) * (1 + 1e-9):
        fail(f"{who}.dt", "must be one for all [ms]", told)
    positive(f"{who}.dt", told[0], "ms")
    return told[0]


def _told(results: Any, name: str) -> list[float]:
    """What a dataset says of itself: one number, or one for each case."""
    said = getattr(results, "attrs", {}).get(name)
    if said is None:
        return []
    return [float(one) for one in (json.loads(said).values() if isinstance(said, str) else [said])]
