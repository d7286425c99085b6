"""Figures: what each parameter changes, trainings and repairs on chips, weights that fail, circuits, and a hundred runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from jaxsnn_noise import figures
from jaxsnn_noise.study import Picture

from . import summaries
from .claims import ENOUGH
from .estimates import interval

if TYPE_CHECKING:
    import xarray as xr
    from pandas import DataFrame

    from . import Config

    Data = Mapping[str, xr.Dataset]

SHORT = {"leaky": "leaky", "accumulating": "accum.", "dpi": "DPI"}


def plot(data: Data, config: Config) -> dict[str, Picture]:
    """Of the parts that were measured."""
    found: dict[str, Picture] = {}
    if "single" in data:
        found |= _parameters(summaries.parameters(data["single"]), config)
    if "joint" in data:
        found |= _trainings(summaries.trainings(data["joint"]), config)
        found["redundancy"] = _redundancy(summaries.redundancy(data["joint"], config), config)
    if "repairs" in data:
        found["trims"] = _trims(summaries.trims(data["repairs"]), config)
    if "circuits" in data:
        found["circuits"] = _circuits(summaries.cases(data["circuits"]), config)
    if "words" in data:
        found |= _words(data["words"], config)
    if "pool" in data:
        found["hundred_runs"] = _hundred(summaries.runs(data["pool"]))
    return found


def _parameters(table: DataFrame, config: Config) -> dict[str, Picture]:
    """Changed decisions at the largest level, and along the levels for one form."""
    last = table[np.isclose(table["level [%]"], 100 * config.levels[-1])]
    last = last.assign(cell=[f"{task}\n{SHORT[form]}" for task, form in zip(last["task"], last["form"], strict=True)])
    pictures = {}
    for name, column, label in (
        ("changed", "changed decisions [%]", "changed decisions [%]"),
        ("loss", "loss [points]", "loss of accuracy [points]"),
    ):
        grid = last.pivot(index="parameter", columns="cell", values=column)
        grid = grid.loc[list(dict.fromkeys(last["parameter"])), list(dict.fromkeys(last["cell"]))]
        figure, axes = figures.new_figure()
        _, drawn = figures.heatmap(
            axes, grid.to_numpy(float), rows=list(grid.index), columns=list(grid.columns), row_label="what deviates",
            column_label="task and form", value_label=label, annotate=True,
        )  # fmt: skip
        words = (
            f"{label[0].upper()}{label[1:]} by {100 * config.levels[-1]:g} % on one parameter, or on all; mean of {config.networks} networks and "
            f"{config.chips} chips of each."
        )
        pictures[name] = Picture(figure, drawn, words)
    return pictures


def _lines(rows: Sequence[tuple[str, DataFrame]], x: str, y: str, *, y_label: str = "", caption: str) -> Picture:
    """Lines with intervals over a column; ``y`` has its ends beside it."""
    import pandas

    figure, axes = figures.new_figure()
    drawn = []
    for series, part in rows:
        values = [part[name].to_numpy(float) for name in (y, f"{y}: low", f"{y}: high")]
        names = part[x].to_numpy()
        drawn.append(
            figures.line_with_interval(axes, names, *values, x_label=x, y_label=y_label or y, series=series)[1]
        )
    return Picture(figure, pandas.concat(drawn, ignore_index=True), caption)


def _trainings(table: DataFrame, config: Config) -> dict[str, Picture]:
    pictures, levels = {}, np.round(100 * np.asarray(config.levels), 6)
    table = table[np.isin(table["cv [%]"].round(6), levels)]
    for task in config.tasks:
        part = table[(table["task"] == task) & (table["output"] == "as it is")].drop_duplicates(["training", "cv [%]"])
        part = part.sort_values("cv [%]")
        rows = [(training, part[part["training"] == training]) for training in config.trainings]
        calibrated = table[
            (table["task"] == task) & (table["output"] == "calibrated") & (table["training"] == config.trainings[0])
        ]
        rows.append(("plain, outputs calibrated", calibrated.drop_duplicates("cv [%]").sort_values("cv [%]")))
        words = (
            f"Loss of accuracy against the network as it was trained, all parameters deviating, {task}; {config.networks} networks, "
            f"{config.joint_chips} chips of each; 95 % intervals over networks and samples."
        )
        pictures[f"trainings_{task}"] = _lines(rows, "cv [%]", "loss [points]", caption=words)
    return pictures


def _redundancy(table: DataFrame, config: Config) -> Picture:
    words = (
        f"What {config.copies} times the area buys on images with {100 * config.levels[-1]:g} % on all parameters, over one chip; paired, 95 % "
        "intervals over networks and samples."
    )
    part = table[table["option"] != "one chip"]
    return _lines([("", part)], "option", "more than one chip [points]", caption=words)


def _trims(table: DataFrame, config: Config) -> Picture:
    rows = [
        (f"outputs {'calibrated' if output == 'calibrated' else 'as they are'}", table[table["output"] == output])
        for output in dict.fromkeys(table["output"])
    ]
    words = (
        f"What trims mend of {100 * config.levels[-1]:g} % on all parameters, images: {config.readings} readings of {config.calibration} samples; "
        "paired with chips as built, 95 % intervals."
    )
    return _lines(rows, "trim", "more than as built [points]", caption=words)


def _circuits(table: DataFrame, config: Config) -> Picture:
    part = table[table["case"] != "nominal"]
    figure, axes = figures.new_figure(height=4.0)
    ends = [part[name].to_numpy(float) for name in ("loss [points]", "loss [points]: low", "loss [points]: high")]
    _, drawn = figures.forest(axes, part["case"].tolist(), *ends, x_label="loss of accuracy [points]")
    words = f"Loss of circuits of {config.area:g} um2, and of threshold voltages off by 35 mV, images; 95 % intervals over networks and samples."
    return Picture(figure, drawn, words)


def _words(words: xr.Dataset, config: Config) -> dict[str, Picture]:
    """Failing words against error power; losses by bits, mismatch and age."""
    import pandas

    from .estimates import case_loss

    rows = []
    for kind, strengths in (("analog", config.analog), ("digital", config.digital)):
        power = np.asarray(strengths) ** (2.0 if kind == "analog" else 1.0)
        for value, strength in zip(power, strengths, strict=True):
            found = interval(case_loss(words, f"{kind} {strength:g}", "eight 0"))
            rows.append({"weights": kind, "power": value} | summaries.ends("loss [points]", found))
    table = pandas.DataFrame(rows)
    named = {"analog": "analog, mismatch", "digital": "digital, flipped bits"}
    parts = [
        (
            named[kind],
            table[table["weights"] == kind].rename(
                columns={"power": "error power: mismatch squared, or share of flipped bits [1]"}
            ),
        )
        for kind in named
    ]
    text = "The same words of 8 bits, as analog weights with mismatch, or with flipped bits; 95 % intervals over networks and samples."
    failing = _lines(
        parts, "error power: mismatch squared, or share of flipped bits [1]", "loss [points]", caption=text
    )
    failing.figure.axes[0].set_xscale("log")
    rows = []
    for kind, strengths in (
        ("bits", config.bits),
        ("mismatch", config.spreads),
        ("drift", config.ages),
        ("pcm", config.ages),
    ):
        for strength in strengths:
            found = interval(case_loss(words, f"{kind} {strength:g}"))
            rows.append({"kind": kind, "case": _named(kind, strength)} | summaries.ends("loss [points]", found))
    table = pandas.DataFrame(rows)
    figure, axes = figures.new_figure(height=6.0)
    ends = [table[name].to_numpy(float) for name in ("loss [points]", "loss [points]: low", "loss [points]: high")]
    _, drawn = figures.forest(axes, table["case"].tolist(), *ends, x_label="loss of accuracy [points]")
    text = "Loss by fewer bits, by mismatch of weights, and by age of phase-change memory, by drift alone and with programming noise; images."
    return {"failing": failing, "weights": Picture(figure, drawn, text)}


def _named(kind: str, strength: float) -> str:
    if kind == "bits":
        return f"{strength:g} bits"
    if kind == "mismatch":
        return f"mismatch {100 * strength:g} %"
    return f"{'drift' if kind == 'drift' else 'memory'}, {_age(strength)}"


def _age(seconds: float) -> str:
    for unit, size in (("years", 3.15e7), ("months", 2.6e6), ("days", 86_400.0), ("hours", 3600.0), ("minutes", 60.0)):
        if seconds >= 0.99 * size:
            return f"{seconds / size:.3g} {unit[:-1] if abs(seconds / size - 1) < 0.05 else unit}"
    return f"{seconds:g} s"


def _hundred(table: DataFrame) -> Picture:
    figure, axes = figures.new_figure()
    ends = [table[name].to_numpy(float) for name in
            ("batches within [%]", "batches within [%]: low", "batches within [%]: high")]  # fmt: skip
    names = [f"{name} ± {tolerance}" for name, tolerance in zip(table["quantity"], table["tolerance"], strict=True)]
    _, drawn = figures.forest(
        axes, names, *ends, x_label="batches of a hundred chips within the tolerance [%]", bound=ENOUGH
    )
    words = "Share of batches of a hundred chips whose estimate is within the tolerance of that of all chips; 95 % intervals over networks."
    return Picture(figure, drawn, words)
