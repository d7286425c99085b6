"""Divergence against time, and digits."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

import jaxsnn_noise as jn
from jaxsnn_noise import figures
from jaxsnn_noise.study import Picture

from . import machines
from .claims import of_machines

if TYPE_CHECKING:
    from pandas import DataFrame

NAMES = {
    "independent": "independent units",
    "abstract": "abstract neurons",
    "exponential": "LIF, exponential synapses",
    "rectangular": "LIF, rectangular currents",
}


def plot(data: Any, config: Any) -> dict[str, Picture]:
    """All pictures."""
    return {"divergence": _divergence(data["machines"], config), **({"digits": _digits(data["digits"])} if config.hidden else {})}  # fmt: skip


def _divergence(data: Any, config: Any) -> Picture:
    import pandas
    import xarray

    figure, axes = figures.new_figure()
    made = []
    for name, called in NAMES.items():
        parts, values = machines.against_time(data, name)
        found = jn.reduce.mean_and_error(xarray.DataArray(values, dims=("time", "machine")), over="machine")
        times = parts * config.durations / machines.BINS
        _, table = figures.line_of_estimates(
            axes, times, found,
            x_label="sampled time [durations of a spike]", y_label="KL divergence [nat]", series=called,
        )  # fmt: skip
        made.append(table.assign(network=name))
    axes.set_xscale("log")
    axes.set_yscale("log")
    caption = (
        f"Divergence of what was sampled from the exact distribution, mean over trials; bands: 95 % intervals over {config.machines} machines of {config.units} units. "
        "Spikes sample as 1/time until the floor of their network."
    )
    return Picture(figure, pandas.concat(made, ignore_index=True), caption)


def _digits(data: Any) -> Picture:
    import pandas

    shown = [name for name in ("original", "exact", "sampled") if name in data["shown"].values]
    number = min(8, data.sizes["image"])
    figure, axes = figures.new_figure(len(shown), number, height=1.0 * len(shown), squeeze=False)
    for row, name in zip(axes, shown, strict=True):
        for k, one in enumerate(row):
            image = data["completed"].sel(shown=name).values[k].reshape(14, 14)
            one.imshow(image, cmap="gray_r", vmin=0, vmax=1)
            one.axvline(6.5, color="tab:red", linewidth=0.5)
            one.set_xticks([])
            one.set_yticks([])
        row[0].set_ylabel(name)
    rows = [
        {"image": k, "completion": str(name), "answer": int(data["answer"].sel(completion=name)[k]), "label": int(data["label"][k])}
        for name in shown for k in range(number)
    ]  # fmt: skip
    caption = "Test images, and their right halves (right of the line) given the left ones: mean by exact sums, and share of time on of a sampling network."
    return Picture(figure, pandas.DataFrame(rows), caption)


def tables(data: Any, config: Any) -> dict[str, DataFrame]:
    """Divergences, rule and floor of each network; accuracies of each completion."""
    import pandas

    rows = []
    for name in NAMES:
        found, expected = machines.rule(data["machines"], name)
        floor = machines.floor(data["machines"], name)
        for quantity, values in (("2 n KL [samples]", found), ("sum (1 - p) tau [samples]", expected), ("ratio [1]", found / expected), ("floor [nat]", floor)):  # fmt: skip
            error = jn.reduce.mean_and_error(of_machines(values), over="machine")
            rows.append({"network": name, "quantity": quantity, "mean": float(error["mean"]), "low": float(error["low"]),
                         "high": float(error["high"]), "sd over machines": float(np.std(values, ddof=1))})  # fmt: skip
    made = {"networks": pandas.DataFrame(rows)}
    if config.hidden:
        right = (data["digits"]["answer"] == data["digits"]["label"]).astype(float)
        share = jn.reduce.mean_and_error(right, over="image")
        made["accuracy"] = pandas.DataFrame(
            {"completion": right["completion"].values, "accuracy [%]": 100 * share["mean"], "low": 100 * share["low"], "high": 100 * share["high"]}
        )  # fmt: skip
    return made
