"""Tables and figures of the campaign."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

import jaxsnn_noise as jn
from jaxsnn_noise import figures, theory
from jaxsnn_noise.study import Picture

from .claims import at, classes, critical_sites, detection, losses
from .networks import HIDDEN, KINDS, NEURON_KINDS, WEIGHTS, sizes

if TYPE_CHECKING:
    import xarray as xr
    from pandas import DataFrame

    from . import Config

    Data = Mapping[str, xr.Dataset]


def _mean(values: xr.DataArray) -> tuple[float, float, float]:
    """Mean and 95 % interval over networks."""
    if values.sizes["seed"] < 2:
        return float(values.mean()), np.nan, np.nan
    found = jn.reduce.mean_and_error(values, over="seed")
    return float(found["mean"]), float(found["low"]), float(found["high"])


def by_layer(campaign: xr.Dataset, config: Config) -> DataFrame:
    """Shares of masked, tolerable and critical sites, changed answers and loss, by kind of fault and layer."""
    import pandas

    found, rows = classes(campaign, config.critical), []
    for kind in KINDS:
        layers = WEIGHTS if kind not in NEURON_KINDS else (*HIDDEN, "output")
        for layer in layers:
            here = at(campaign, kind, [layer])
            if not len(here):
                continue
            part = found.isel(fault=here)
            row: dict[str, Any] = {"kind": kind, "layer": layer, "sites per network": len(here)}
            for name in ("masked", "tolerable", "critical"):
                row |= {f"{name} [%]": 100 * float((part["kind"] == name).mean())}
            share = critical_sites(campaign, found, kind, layer)
            row |= {"low [%]": 100 * float(share["low"]), "high [%]": 100 * float(share["high"])}
            row["changed answers [%]"] = 100 * float(part["changed"].mean())
            row["loss [points]"] = 100 * float(part["loss"].mean())
            row["worst loss [points]"] = 100 * float(part["loss"].max())
            if kind not in NEURON_KINDS:
                total = sizes(config)[layer] * (8 if kind == "flipped bit" else 1)
                row["margin of one network [%]"] = 100 * float(theory.fault_margin(total, min(len(here), total)))
            rows.append(row)
    return pandas.DataFrame(rows)


def by_bit(campaign: xr.Dataset, config: Config) -> DataFrame:
    """Loss and share of critical sites by bit and layer, with 95 % intervals over networks."""
    import pandas

    loss = losses(campaign).mean("sample")
    critical = (classes(campaign, config.critical)["kind"] == "critical").astype(float)
    rows = []
    for layer in WEIGHTS:
        here = at(campaign, "flipped bit", [layer])
        bits = campaign["bit"].values[here]
        for bit in np.unique(bits):
            chosen = here[bits == bit]
            mean, low, high = _mean(loss.isel(fault=chosen).mean("fault"))
            share = 100 * float(critical.isel(fault=chosen).mean())
            rows.append({"layer": layer, "bit": int(bit), "loss [points]": mean, "low": low, "high": high,
                         "critical [%]": share})  # fmt: skip
    return pandas.DataFrame(rows)


def redundancy(repairs: xr.Dataset) -> DataFrame:
    """Accuracy of each option with its area, where readouts have no faults and where they have; intervals over networks and images."""
    import pandas

    points = 100 * repairs["correct"]
    over = ["seed", "sample"] if points.sizes["seed"] > 1 else ["sample"]
    points = points.isel({} if "seed" in over else {"seed": 0})
    rows = []
    for option in points["option"].values:
        for place in points["place"].values:
            one = points.sel(option=option, place=place)
            found = jn.reduce.mean_and_error(one, over=over)
            gain = jn.reduce.mean_and_error(one - points.sel(option="plain", place=place), over=over)
            rows.append({
                "option": option, "faults in": place, "area": float(one["area"]), "accuracy [%]": float(found["mean"]),
                "low": float(found["low"]), "high": float(found["high"]), "more than plain [points]": float(gain["mean"]),
                "gain low": float(gain["low"]), "gain high": float(gain["high"]),
            })  # fmt: skip
    return pandas.DataFrame(rows)


def tables(data: Data, config: Config) -> dict[str, DataFrame]:
    """Classes of sites, loss by bit, detecting images, and redundancy."""
    campaign = data["campaign"]
    found = {
        "sites": by_layer(campaign, config),
        "bits": by_bit(campaign, config),
        "images": detection(campaign, config).to_dataframe().reset_index(),
    }
    return found | ({"redundancy": redundancy(data["repairs"])} if "repairs" in data else {})


def plot(data: Data, config: Config) -> dict[str, Picture]:
    """Critical sites by kind and layer, loss by bit, accuracy against area."""
    import pandas

    found = tables(data, config)
    sites = found["sites"]
    grid = sites.assign(place=[_depth(layer) for layer in sites["layer"]]).pivot(
        index="kind", columns="place", values="critical [%]"
    )
    grid = grid.reindex([kind for kind in KINDS if kind in grid.index])
    figure, axes = figures.new_figure()
    _, table = figures.heatmap(
        axes, grid.to_numpy(float), rows=list(grid.index), columns=list(grid.columns), row_label="fault",
        column_label="layer", value_label="critical sites [%]", annotate=True,
    )  # fmt: skip
    words = f"Share of sites at which one fault costs more than {100 * config.critical:g} points of accuracy, mean of {config.networks} networks."
    pictures = {"critical_sites": Picture(figure, table, words)}
    figure, axes = figures.new_figure()
    drawn = []
    for layer in WEIGHTS:
        part = found["bits"][found["bits"]["layer"] == layer]
        values = (part[k].to_numpy(float) for k in ("bit", "loss [points]", "low", "high"))
        labels = {"x_label": "bit (7: sign)", "y_label": "loss of accuracy [points]"}
        drawn.append(figures.line_with_interval(axes, *values, **labels, series=layer.replace("_", " "))[1])
    words = "Loss by a flip of one bit of an 8-bit weight, by layer; bands: 95 % intervals over networks."
    pictures["bits"] = Picture(figure, pandas.concat(drawn, ignore_index=True), words)
    if "redundancy" in found:
        pictures["area"] = _area(found["redundancy"], config)
    return pictures


def _depth(layer: str) -> str:
    """Where a layer of neurons, or of the weights onto them, is."""
    return {"hidden_1": "1", "input_to_hidden_1": "1", "hidden_2": "2", "hidden_1_to_hidden_2": "2"}.get(
        layer, "output"
    )


def _area(table: DataFrame, config: Config) -> Picture:
    import pandas

    figure, axes = figures.new_figure()
    part = table[table["faults in"] == "all"]
    families = {
        "triple modular redundancy": ["plain", "half", "all"],
        "mean of chips": ["plain", "mean of 2", "mean of 3"],
        "vote of chips": ["plain", "vote of 2", "vote of 3"],
    }
    drawn = []
    for name, options in families.items():
        rows = part.set_index("option").loc[options]
        values = (rows[k].to_numpy(float) for k in ("area", "accuracy [%]", "low", "high"))
        labels = {"x_label": "area [chips]", "y_label": "accuracy [%]"}
        drawn.append(figures.line_with_interval(axes, *values, **labels, series=name)[1])
    words = (
        f"Accuracy with {100 * config.share:g} % of the neurons dead and as many saturated, readouts included, against area; "
        "bands: 95 % intervals over networks and images."
    )
    return Picture(figure, pandas.concat(drawn, ignore_index=True), words)
