"""Spike times as Neo objects, for Elephant and the other tools that read them, and back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from jaxsnn_noise._checks import InputError, fail, number
from jaxsnn_noise.interop.tables import axes_of, check_table

if TYPE_CHECKING:
    from pandas import DataFrame
else:  # heavy, and only a name here
    DataFrame = Any


def to_neo(table: DataFrame, *, stop: float | None = None) -> Any:
    """A ``neo.Block`` of spike times: a segment per member, a spike train per neuron, a group per population.

    Silent neurons have empty trains, and silent members segments. Trains are annotated with ``population`` and ``neuron``, segments
    with the labels of their member; a block with ``dt``.

    Args:
        table: What :func:`spike_times` gave, or a part of it.
        stop: End of the record [ms]; that of the table unless given.

    Returns:
        A ``neo.Block``, in ms.

    Raises:
        InputError: Neo is not installed; a table that is none; spikes outside of the record.
    """
    who = "interop.to_neo"
    neo, pq = _neo(who)
    check_table(who, table)
    axes, sizes = axes_of(table), _sizes(table)
    begin = float(table.attrs.get("start", 0.0))
    end = table.attrs.get("stop") if stop is None else number(f"{who}.stop", stop)
    if end is None:
        fail(f"{who}.stop", "must be given: the table does not tell the end of the record [ms]", None)
    if len(table) and not (begin <= table["time"].min() and table["time"].max() <= end + 1e-9):
        fail(f"{who}.stop", f"must not lie before the last spike, {table['time'].max():g} ms [ms]", end)
    block = neo.Block(name="jaxsnn_noise", dt=table.attrs.get("dt"))
    groups = {name: neo.Group(name=name) for name in sizes}
    block.groups.extend(groups.values())
    for member, rows in _members(table, axes):
        segment = neo.Segment(name=", ".join(f"{k} {v}" for k, v in member.items()) or None, **member)
        by_neuron = dict(list(rows.groupby(["population", "neuron"])["time"]))
        for population, size in sizes.items():
            for neuron in range(size):
                times = np.sort(by_neuron[population, neuron]) if (population, neuron) in by_neuron else np.zeros(0)
                said = {"population": population, "neuron": neuron, "name": f"{population} {neuron}"}
                train = neo.SpikeTrain(times, units=pq.ms, t_start=begin, t_stop=max(end, begin), **said)
                segment.spiketrains.append(train)
                groups[population].spiketrains.append(train)
        block.segments.append(segment)
    block.check_relationships()
    return block


def from_neo(trains: Any) -> list[np.ndarray]:
    """The times [ms] of each spike train of a segment (or of a list of trains): what ``coding.SpikeTimes`` takes.

    Args:
        trains: A ``neo.Segment``, or a sequence of ``neo.SpikeTrain``, of any unit of time.

    Returns:
        One ascending array per train, in their order, from the start of the record on (``t_start``).

    Raises:
        InputError: Neo is not installed, or these are no spike trains.
    """
    who = "interop.from_neo"
    neo, pq = _neo(who)
    listed = getattr(trains, "spiketrains", trains)
    if isinstance(listed, neo.SpikeTrain) or not hasattr(listed, "__iter__"):
        fail(who, "needs a neo.Segment or a sequence of neo.SpikeTrain", type(trains).__name__)
    found = []
    for train in listed:
        if not isinstance(train, neo.SpikeTrain):
            fail(who, "needs a neo.Segment or a sequence of neo.SpikeTrain", type(train).__name__)
        times = train.times.rescale(pq.ms).magnitude - train.t_start.rescale(pq.ms).magnitude
        found.append(np.sort(np.asarray(times, np.float64)))
    return found


def _neo(who: str) -> tuple[Any, Any]:
    try:
        import neo
        import quantities
    except ImportError as error:
        raise InputError(f"{who}: needs Neo, which is not installed: pip install neo (or jaxsnn_noise[neo])") from error
    return neo, quantities


def _sizes(table: DataFrame) -> dict[str, int]:
    """The number of neurons of each population: as the table says, else up to the last that fired."""
    known = table.attrs.get("sizes")
    return (
        dict(known) if known else {str(k): int(v) + 1 for k, v in table.groupby("population")["neuron"].max().items()}
    )


def _members(table: DataFrame, axes: list[str]) -> list[tuple[dict[str, Any], DataFrame]]:
    """Each member with its rows: all of the study along axes of which the table still has several."""
    if not axes:
        return [({}, table)]
    known = table.attrs.get("members", {})
    labels = [
        known[axis] if axis in known and table[axis].nunique() > 1 else sorted(table[axis].unique()) for axis in axes
    ]
    by_member = {key if isinstance(key, tuple) else (key,): rows for key, rows in table.groupby(axes)}
    found = []
    for index in np.ndindex(*map(len, labels)):
        key = tuple(one[i] for one, i in zip(labels, index, strict=True))
        rows = by_member.get(key, table.iloc[:0])
        found.append(({axis: np.asarray(value).item() for axis, value in zip(axes, key, strict=True)}, rows))
    return found
