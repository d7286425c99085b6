"""Held-out likelihoods, spike-triggered averages, coherence and PSTH; tables of all numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

import jaxsnn_noise as jn
from jaxsnn_noise import figures
from jaxsnn_noise.study import Picture

from . import neurons
from .claims import UNITS, gain
from .recordings import KNOTS

if TYPE_CHECKING:
    from pandas import DataFrame

BASELINES = {"poisson": "constant rate", "linear_nonlinear": "linear-nonlinear Poisson", "psth": "Poisson with PSTH"}


def plot(data: Any, config: Any) -> dict[str, Picture]:
    """All pictures."""
    return {
        "likelihood": _likelihood(data), "average": _average(data["grasshopper"]),
        "coherence": _coherence(data["grasshopper"]), "psth": _psth(data["motoneuron"]),
    }  # fmt: skip


def _rows(data: Any) -> DataFrame:
    """Held-out bits per spike above a constant rate, of each model and recording."""
    import pandas

    rows = []
    for of, unit in UNITS.items():
        for model in data[of].model.values:
            if model == "poisson":
                continue
            found = jn.reduce.mean_and_error(gain(data, of, model, "poisson"), over=unit)
            for name in data[of].recording.values if "recording" in data[of].dims else [of]:
                cell = found.sel(recording=name) if "recording" in found.dims else found
                rows.append({
                    "recording": f"grasshopper, {name}" if of == "grasshopper" else of, "model": {**BASELINES, **neurons.TITLES}[str(model)],
                    "bits per spike": float(cell["mean"]), "low": float(cell["low"]), "high": float(cell["high"]), "n": int(cell["n"]), "held out": f"{unit}s",
                })  # fmt: skip
    return pandas.DataFrame(rows)


def _likelihood(data: Any) -> Picture:
    table = _rows(data)
    figure, axes = figures.new_figure(height=0.28 * len(table) + 1.0)
    colours = {name: f"C{k}" for k, name in enumerate(table["recording"].unique())}
    places = np.arange(len(table))[::-1]
    for place, row in zip(places, table.to_dict("records"), strict=True):
        axes.plot([row["low"], row["high"]], [place, place], color=colours[row["recording"]])
        axes.plot(row["bits per spike"], place, "o", color=colours[row["recording"]], markersize=4)
    axes.set_yticks(places, [f"{one['recording']}: {one['model']}" for one in table.to_dict("records")])
    axes.set_xlabel("gain over a constant rate [bit/spike]")
    axes.set_xlim(left=0)
    caption = (
        "How well each model foretells held-out spikes, 95 % intervals over held-out blocks or trials of these neurons."
    )
    return Picture(figure, table, caption)


def _average(data: Any) -> Picture:
    return _both(data, "sta", "lag", "time before the spike [ms]", "sound level [SD]",
                 "Spike-triggered averages of held-out blocks: of the recorded spikes, and of the fitted neuron, which heard the same sound.")  # fmt: skip


def _coherence(data: Any) -> Picture:
    return _both(data, "coherence", "frequency", "frequency [Hz]", "coherence with the sound level [1]",
                 "Coherence of spikes with the sound level on held-out blocks (64 ms segments), and that of the spikes of another block.")  # fmt: skip


def _both(data: Any, name: str, along: str, x: str, y: str, caption: str) -> Picture:
    import pandas

    count = data.sizes["recording"]
    figure, rows = figures.new_figure(1, count, squeeze=False)
    made = []
    for axes, one in zip(rows[0], data.recording.values, strict=True):
        cell = data.sel(recording=one)
        for source, style in (("recording", "-"), ("neuron", "--")):
            axes.plot(cell[along], cell[name].sel(source=source), style, label=source)
            made.append(pandas.DataFrame({along: cell[along].values, name: cell[name].sel(source=source).values, "source": source, "recording": one}))  # fmt: skip
        if name == "coherence":
            axes.plot(cell[along], cell["shuffled"], ":", color="0.5", label="shuffled")
            axes.set_xlim(0, 1.25 * float(str(one).split()[0]))
        axes.set_xlabel(x)
        axes.set_title(f"modulation up to {one}")
    rows[0][0].set_ylabel(y)
    rows[0][-1].legend()
    return Picture(figure, pandas.concat(made, ignore_index=True), caption)


def _psth(data: Any) -> Picture:
    import pandas

    figure, axes = figures.new_figure()
    at = data["bin"].values
    axes.fill_between(at, data["psth_low"], data["psth_high"], alpha=0.3, step="mid")
    axes.plot(at, data["psth_mean"], drawstyle="steps-mid", label="held-out trials")
    axes.plot(at, data["psth_neuron"], "--", drawstyle="steps-mid", label="fitted neuron")
    axes.set_xlabel("time after the stimulus [ms]")
    axes.set_ylabel("rate [Hz]")
    axes.legend()
    table = pandas.DataFrame({"time [ms]": at, **{k: data[f"psth_{k}"].values for k in ("mean", "low", "high", "neuron")}})  # fmt: skip
    return Picture(figure, table, "PSTH of held-out trials of the motoneuron (95 % intervals per bin), and of the fitted neuron continued from their first spikes.")  # fmt: skip


def tables(data: Any, config: Any) -> dict[str, DataFrame]:
    """Bits per spike, parameters, statistics of held-out pieces."""
    return {"bits_per_spike": _rows(data), "parameters": _parameters(data), "statistics": _statistics(data)}


def _cells(data: Any) -> list[tuple[str, Any]]:
    ear = data["grasshopper"]
    return [*((f"grasshopper, {one}", ear.sel(recording=one)) for one in ear.recording.values), ("motoneuron", data["motoneuron"])]  # fmt: skip


def _said(parameter: str, recording: str) -> str:
    """Which input a weight is that of."""
    if not parameter.startswith("weight"):
        return parameter
    if recording != "motoneuron":
        return "weight of the level"
    return f"current {KNOTS[1 + int(parameter.removeprefix('weight'))]:g} ms after the stimulus"


def _parameters(data: Any) -> DataFrame:
    """Values with 95 % intervals of the likelihood (at the optimum, over what was fitted)."""
    import pandas

    rows = []
    for called, cell in _cells(data):
        for name in cell.neuron.values:
            every = neurons.EXTRA[str(name)]
            for parameter, theta, error in zip(cell[f"parameter_{name}"].values, cell[f"theta_{name}"].values, cell[f"error_{name}"].values, strict=True):  # fmt: skip
                free = every.get(str(parameter)) or neurons.KNOWN.get(str(parameter))
                positive = free.positive if free else False
                shown = [
                    float(np.exp(v) if positive else v) for v in (theta, theta - 1.96 * error, theta + 1.96 * error)
                ]
                rows.append({"recording": called, "neuron": name, "parameter": _said(str(parameter), called), "unit": free.unit if free else "softness",
                             "value": shown[0], "low": shown[1], "high": shown[2], "ended by itself": bool(cell["done"].sel(neuron=name))})  # fmt: skip
    return pandas.DataFrame(rows)


def _statistics(data: Any) -> DataFrame:
    import pandas

    rows = []
    for called, cell in _cells(data):
        for name in [str(one) for one in cell if str(one).startswith(("ratio_", "noise_"))] + [
            "rate",
            "cv",
            "information",
            "decoded",
        ]:
            if name not in cell:
                continue
            parts = {f"{name}, {k}": cell[name].sel(decoder=k, drop=True) for k in cell.decoder.values} if name == "decoded" else {name: cell[name]}  # fmt: skip
            for label, values in parts.items():
                found = jn.reduce.mean_and_error(values.reset_coords(drop=True), over="held_out")
                rows.append({"recording": called, "statistic": label.replace("ratio_", "neuron over recording: ").replace("noise_", "membrane noise over its rate: "), "mean": float(found["mean"]),
                             "low": float(found["low"]), "high": float(found["high"])})  # fmt: skip
    cell = data["motoneuron"]
    rows.append({"recording": "motoneuron", "statistic": "Fano factor", "mean": float(cell["fano_estimate"]), "low": float(cell["fano_low"]), "high": float(cell["fano_high"])})  # fmt: skip
    rows.append({"recording": "motoneuron", "statistic": "Fano factor, neuron", "mean": float(cell["fano_neuron"])})
    return pandas.DataFrame(rows)
