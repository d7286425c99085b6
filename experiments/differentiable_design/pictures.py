"""Tables and figures of budgets."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

import jaxsnn_noise as jn
from jaxsnn_noise import figures
from jaxsnn_noise.study import Picture

if TYPE_CHECKING:
    import xarray as xr
    from pandas import DataFrame

    from . import Config

    Data = Mapping[str, xr.Dataset]


def tables(data: Data, config: Config) -> dict[str, DataFrame]:
    """What each method closes of the gap by steps; errors, losses and shares of classifiers."""
    del config
    closed = 100.0 * data["systems"]["closed"]
    found = {"gap_closed": jn.reduce.mean_and_error(closed, over="system").to_dataframe().reset_index()}
    if "classifiers" in data:
        part = data["classifiers"]
        over = ("seed", "sample")
        wrong = 100.0 * part["wrong"]
        found["wrong_answers"] = jn.reduce.mean_and_error(wrong, over=over).to_dataframe().reset_index()
        fewer = wrong.isel(design=0, drop=True) - wrong.isel(design=slice(1, None))
        found["fewer_than_equal"] = jn.reduce.mean_and_error(fewer, over=over).to_dataframe().reset_index()
        found["loss"] = jn.reduce.mean_and_error(part["loss"], over=over).to_dataframe().reset_index()
        found["shares"] = jn.reduce.mean_and_error(100.0 * part["share"], over="seed").to_dataframe().reset_index()
        found["quiet"] = jn.reduce.mean_and_error(100.0 * part["quiet"].expand_dims("noise"), over=over).to_dataframe()
    return found


def plot(data: Data, config: Config) -> dict[str, Picture]:
    """The gap against runs; wrong answers and shares by design."""
    table = tables(data, config)
    pictures = {"gap": _gap(table["gap_closed"], config)}
    if "classifiers" in data:
        pictures["wrong"] = _wrong(table["wrong_answers"], table["quiet"], config)
        pictures["shares"] = _shares(data["classifiers"], config)
    return pictures


def _gap(table: DataFrame, config: Config) -> Picture:
    import pandas

    figure, axes = figures.new_figure()
    drawn = []
    for method in config.methods:
        part = table[table["approach"] == method]
        values = [part[k].to_numpy(float) for k in ("step", "mean", "low", "high")]
        _, one = figures.line_with_interval(
            axes, *values, x_label="runs [steps' worth]", y_label="gap closed [%]", series=method
        )
        drawn.append(one)
    axes.set_ylim(max(-20.0, float(table["mean"].min()) - 10.0), 105.0)
    caption = f"How much of the gap from equal noise to the known optimum a division of the budget closes, exact values; {config.systems} systems, 95 % intervals over them."
    return Picture(figure, pandas.concat(drawn, ignore_index=True), caption)


def _wrong(table: DataFrame, quiet: DataFrame, config: Config) -> Picture:
    figure, axes = figures.new_figure()
    names, y = table["design"].tolist(), np.arange(len(table))[::-1]
    error = np.abs(table[["low", "high"]].to_numpy(float).T - table["mean"].to_numpy(float))
    axes.errorbar(table["mean"], y, xerr=error, fmt="o", color=figures.PALETTE[0])
    axes.axvline(float(quiet["mean"].iloc[0]), color=figures.GREY, linestyle=":")
    axes.set_yticks(y, names)
    axes.set_xlabel("wrong test answers [%]")
    caption = f"Classifiers under equal noise and with designed budgets of the same size; {config.networks} networks, {config.images} test images, 95 % intervals over both; dotted: no noise."
    return Picture(figure, table, caption)


def _shares(part: xr.Dataset, config: Config) -> Picture:
    figure, axes = figures.new_figure()
    means = (100.0 * part["share"]).mean("seed")
    names, left = means["design"].values.tolist(), np.zeros(means.sizes["design"])
    y = np.arange(len(names))[::-1]
    for k, site in enumerate(means["site"].values):
        width = means.sel(site=site).values
        axes.barh(y, width, left=left, color=figures.PALETTE[k], label=str(site), height=0.7)
        left = left + width
    axes.set_yticks(y, names)
    axes.set_xlabel("share of the budget [%]")
    axes.legend(loc="upper center", bbox_to_anchor=(0.4, -0.2), ncols=3, frameon=False)
    caption = f"Where the budget goes, mean of {config.networks} networks."
    return Picture(figure, means.to_dataframe("share [%]").reset_index(), caption)


def __dir__() -> list[Any]:
    return ["plot", "tables"]
