"""Theory against simulation: every noise source, background, synapse and firing rule in one table.

Each member that has a closed form is simulated and held to it: moments, autocovariances, covariances of neurons, shares
beyond limits, intervals. The expectation of every quantity on the grid is known without bias, trials are independent, and
one rate of false alarms holds for the whole table.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import stats

import jaxsnn_noise as jn
from jaxsnn_noise.parameters import Range, between
from jaxsnn_noise.study import Claim, Judgement, Picture, Progress, option

from . import pictures, rules, sources, spikes
from .rows import Room, Row, adjusted, deviation, estimate

if TYPE_CHECKING:
    import xarray as xr
    from pandas import DataFrame

TITLE = "Theory against simulation: every source, background, synapse and firing rule"
COST = {"tiny": "10 s", "default": "3 min", "full": "15 min, estimated"}
BOUND = 0.2
"""What a deviation is shown to lie within, relative: the error that the negative controls of the tests make."""


@functools.cache
def rooms() -> dict[str, Room]:
    """All rooms, in the order of the table."""
    return {**sources.rooms(), **spikes.rooms(), **rules.rooms()}


@functools.cache
def rows() -> dict[str, Row]:
    """All rows by name."""
    return {name: row for room in rooms().values() for name, row in room.rows.items()}


WITHOUT_ROW = {
    "Constant": "nothing random: the drive of most rows",
    "TimeSeries": "given, nothing random",
    "SpikeTrain": "given, nothing random",
    "SpikeTimes": "given, nothing random",
    "Sparse": "connects, and adds no noise; the sums are held to Dense to the bit by its tests",
    "DelayedDense": "connects, and adds no noise",
    "DelayedSparse": "connects, and adds no noise",
    "Dense": "connects, and adds no noise; most rows of synapses use it",
    "GapJunctions": "the row of its kinetics, Ohmic, is one of gap junctions",
    "Scheduled": "another source times a known function of time; its tests hold the variance at each time",
    "Rectangular": "spikes that last, and no noise",
    "PairSTDP": "weights that learn have no stationary law; the fixed point is held to theory by its tests",
}
"""Public classes of the families that have no row, and why. A class in neither place is found by a test."""


@dataclass(frozen=True)
class Config:
    """How much is simulated; the parameters of the rows are in their files."""

    trials: int = option(2000, Range(8))
    """Independent trials of each room [1]."""
    rows: tuple[str, ...] = option((), choices=tuple(rows()), distinct=True)
    """Names of rows; none is all of them."""
    alpha: float = option(0.05, between(1e-6, 0.5))
    """Probability that the table calls anything a deviation where all theories are right [1]."""
    seed: int = option(0, Range(0))
    """Root seed [1]."""

    def chosen(self) -> dict[str, tuple[str, ...]]:
        """Names of rows by room; rooms without any are left out."""
        wanted = set(self.rows or rows())
        found = {name: tuple(row for row in room.rows if row in wanted) for name, room in rooms().items()}
        return {name: names for name, names in found.items() if names}


TINY = Config(trials=40, rows=("ornstein_uhlenbeck", "telegraph"))
DEFAULT = Config()
FULL = Config(trials=20_000)


def build(config: Config) -> dict[str, jn.Simulation]:
    """One simulation per room."""
    return {name: rooms()[name].simulation(names) for name, names in config.chosen().items()}


AT_ONCE = 500
"""Trials whose courses are held at once; only what is averaged is kept of them."""


def measure(config: Config, progress: Progress) -> dict[str, xr.Dataset]:
    """Room after room: simulate trials, reduce their courses to what each quantity averages, then to estimates."""
    return {
        name: progress.stage(name, functools.partial(_room, name, names, config, progress))
        for name, names in config.chosen().items()
    }


def _room(name: str, names: tuple[str, ...], config: Config, progress: Progress) -> xr.Dataset:
    room = rooms()[name]
    sim = room.simulation(names)
    quantities = [(row, q) for row in names for q in room.rows[row].quantities]
    parts: list[list[np.ndarray]] = [[] for _ in quantities]
    attributes: dict[str, Any] = {}
    with progress.task(room.title, unit="trials") as task:
        for block, start in enumerate(range(0, config.trials, AT_ONCE)):
            size = min(AT_ONCE, config.trials - start)
            data = jn.monte_carlo(sim, [jn.Trials(size)], key=1000 * config.seed + block, progress=False)
            attributes = data.attrs
            for row in names:
                x = np.asarray(_course(data, row, room.records), np.float64)
                for part, (owner, q) in zip(parts, quantities, strict=True):
                    if owner == row:
                        part.append(q.feature(x))
            task.update(start + size, config.trials)
    return _estimates(room, quantities, [np.concatenate(p) for p in parts], config, attributes)


def _course(data: xr.Dataset, row: str, records: str) -> Any:
    """The course [trial, time, neuron] of a row."""
    (name,) = [k for k in data.data_vars if str(k) in (row, f"{row}_{records}")]
    return data[name].values


def _estimates(
    room: Room, quantities: list[Any], averaged: list[np.ndarray], config: Config, attributes: Mapping[str, Any]
) -> xr.Dataset:
    import xarray as xr

    found = [estimate(q, values) for (_, q), values in zip(quantities, averaged, strict=True)]
    columns = {
        "simulated": [value for value, _ in found],
        "error": [error for _, error in found],
        "theory": [q.theory for _, q in quantities],
        "scale": [q.size for _, q in quantities],
        "margin": [q.margin * q.size for _, q in quantities],
        "lag": [np.nan if q.lag is None else q.lag for _, q in quantities],
    }
    words = {
        "row": [row for row, _ in quantities],
        "quantity": [q.name for _, q in quantities],
        "units": [q.units for _, q in quantities],
        "law": [room.rows[row].law for row, _ in quantities],
    }
    coords = {"number": np.arange(len(quantities))} | {k: ("number", np.array(v, str)) for k, v in words.items()}
    data = {k: ("number", np.array(v, float)) for k, v in columns.items()}
    return xr.Dataset(data, coords, dict(attributes) | {"seed": config.seed, "trials": config.trials})


def table(data: Mapping[str, xr.Dataset], config: Config) -> DataFrame:
    """All quantities: theory, simulation with its interval, deviation in standard errors, verdict under Holm's correction."""
    import pandas

    parts = [part.to_dataframe().reset_index(drop=True).assign(room=name) for name, part in data.items()]
    found = pandas.concat(parts, ignore_index=True)
    n, m = config.trials, len(found)
    numbers = (found[k].to_numpy(float) for k in ("simulated", "error", "theory", "margin"))
    scored = [deviation(a, b, c, d, n) for a, b, c, d in zip(*numbers, strict=True)]
    single, wide = (float(stats.t.ppf(1 - a / 2, n - 1)) for a in (0.05, config.alpha / m))
    seen = wide + float(stats.t.ppf(0.8, n - 1))
    scale = found["scale"].where(found["scale"] > 0, 1.0)
    off = (found["simulated"] - found["theory"]) / scale
    reach = wide * found["error"] / scale
    p = adjusted(np.array([value for _, value in scored]))
    return found.assign(
        low=found["simulated"] - single * found["error"],
        high=found["simulated"] + single * found["error"],
        deviation=[z for z, _ in scored],
        p_holm=p,
        relative=off,
        relative_low=off - reach,
        relative_high=off + reach,
        detectable=seen * found["error"] / scale,
        allowed=found["margin"] / scale,
        verdict=np.where(p < config.alpha, "deviates", "agrees"),
    )


SHOWN = ("room", "row", "quantity", "units", "law", "theory", "simulated", "low", "high", "allowed", "deviation", "p_holm", "detectable", "verdict")  # fmt: skip


def tables(data: Mapping[str, xr.Dataset], config: Config) -> dict[str, DataFrame]:
    """The table, and how many quantities each room has."""
    whole = table(data, config)
    grouped = whole.groupby("room", sort=False)
    overview = grouped.agg(
        rows=("row", "nunique"), quantities=("row", "size"), deviate=("verdict", lambda v: int((v == "deviates").sum())),
        largest_deviation=("deviation", lambda z: float(np.abs(z).max())), median_detectable=("detectable", "median"),
        largest_detectable=("detectable", "max"),
    )  # fmt: skip
    return {"overview": overview.reset_index(), "theory_and_simulation": whole[list(SHOWN)]}


def plot(data: Mapping[str, xr.Dataset], config: Config) -> dict[str, Picture]:
    """Deviations of each room, and autocovariances."""
    whole = table(data, config)
    found = {
        name: pictures.deviations(whole[whole["room"] == name], rooms()[name].title, config.alpha, len(whole))
        for name in data
    }
    if np.isfinite(whole["lag"]).any():
        found["autocovariances"] = pictures.autocovariances(whole)
    return found


def nothing_deviates(data: Mapping[str, xr.Dataset], config: Config) -> Judgement:
    """No quantity differs from theory by more than chance leaves, with Holm's correction over the whole table."""
    whole = table(data, config)
    worst = whole.iloc[int(np.argmin(whole["p_holm"].to_numpy()))]
    p = float(worst["p_holm"])
    detail = (
        f"smallest p-value after Holm's correction over {len(whole)} quantities: {worst['row']}, {worst['quantity']}, "
        f"{worst['deviation']:+.2f} standard errors"
    )
    return Judgement.at_least(config.alpha, p, p, p, detail=detail)


def _within(room: str) -> Callable[[Mapping[str, xr.Dataset], Config], Judgement]:
    def judge(data: Mapping[str, xr.Dataset], config: Config) -> Judgement:
        if room not in data:
            return jn.reduce.unmeasured(rooms()[room].title)
        whole = table(data, config)
        part = whole[whole["room"] == room]
        low, high = part["relative_low"].to_numpy(float), part["relative_high"].to_numpy(float)
        far = np.maximum(np.abs(low), np.abs(high))
        near = np.where(low * high <= 0, 0.0, np.minimum(np.abs(low), np.abs(high)))
        at = int(np.argmax(near)) if near.max() > BOUND else int(np.argmax(far))
        worst = part.iloc[at]
        detail = (
            f"farthest of {len(part)}: {worst['row']}, {worst['quantity']}; intervals hold together in the whole table"
        )
        return Judgement.at_most(BOUND, abs(float(worst["relative"])), near[at], far[at], detail=detail)

    return judge


CLAIMS = (
    Claim("nothing_deviates", "No quantity of the table deviates from theory (5 % for a false alarm anywhere).",
          "jaxsnn_noise.theory", nothing_deviates),
    *(
        Claim(f"{name}_within", f"{room.title}: every quantity lies within 20 % of theory.", "jaxsnn_noise.theory", _within(name))
        for name, room in rooms().items()
    ),
)  # fmt: skip


def methods(config: Config, data: Mapping[str, xr.Dataset]) -> str:
    """The methods paragraph."""
    steps = ", ".join(f"{room.title.lower()} {room.dt:g} ms" for room in rooms().values())
    return f"""Every row is a population that nothing else touches: free leaky membranes, or leaky integrate-and-fire neurons for
firing rules. Rows of a room run in one simulation of {config.trials} independent trials, in steps of: {steps}. Moments are
taken about the mean of theory and averaged over time, neurons and trials, so they have no bias; intervals are the first ones
after a reset, so that no length is preferred. Standard errors come from the spread over trials, of coefficients of variation
by the jackknife. A deviation is the difference from theory, less what the theory itself is stated to be off by on the grid
(column "allowed", relative to the scale; 0 for most), in standard errors; p-values are two-sided, of Student's t, and corrected
after Holm over the whole table:
where all theories are right, anything is called a deviation with a probability of at most {100 * config.alpha:g} %. The column
"detectable" is the deviation, relative to the scale, that the table calls so with a probability of 80 %.
"""
