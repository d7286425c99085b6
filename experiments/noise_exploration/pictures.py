"""Escape times with theory, and success against noise."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

import jaxsnn_noise as jn
from jaxsnn_noise import figures
from jaxsnn_noise.study import Picture

from . import measuring
from .claims import success

if TYPE_CHECKING:
    from pandas import DataFrame


def plot(data: Any, config: Any) -> dict[str, Picture]:
    """Both pictures."""
    return {"escape": _escape(data["escape"], config), "success": _success(data["search"], config)}


def _escape(data: Any, config: Any) -> Picture:
    figure, axes = figures.new_figure()
    found = jn.reduce.mean_and_error(1000.0 / data["rate"], over="trial")
    _, table = figures.line_of_estimates(
        axes, found["height"], found,
        x_label="height of the barrier over D [1]", y_label="mean escape time [ms]",
    )  # fmt: skip
    axes.plot(config.heights, measuring.exact(config), color="black", linewidth=1, label="exact")
    axes.plot(config.heights, measuring.kramers(config), color="black", linewidth=1, linestyle=":", label="Kramers")
    axes.set_yscale("log")
    axes.legend()
    caption = f"Escape from a well; 95 % intervals of {config.trials} trials. Line: exact mean first passage time; dots: Kramers' formula."
    return Picture(figure, table.assign(exact=measuring.exact(config), kramers=measuring.kramers(config)), caption)


def _success(data: Any, config: Any) -> Picture:
    figure, axes = figures.new_figure()
    found = jn.reduce.mean_and_error(success(data["network"]), over="puzzle")
    _, table = figures.line_of_estimates(
        axes, found["width"], found,
        x_label="noise of the network (width of its rule) [1]", y_label="runs that find a solution [%]",
    )  # fmt: skip
    for name, line in (("annealing", "--"), ("restarts", ":")):
        level = float(success(data["others"]).sel(search=name).mean())
        axes.axhline(level, color="black", linewidth=1, linestyle=line, label=name)
    axes.set_xscale("log")
    axes.legend()
    caption = f"4 x 4 Sudokus solved within {config.steps} steps; 95 % intervals over {config.puzzles} puzzles. Lines: annealing (dashed) and random restarts (dotted)."
    return Picture(figure, table, caption)


def tables(data: Any, config: Any) -> dict[str, DataFrame]:
    """Escape times with both theories; success and median steps of all searches."""
    import pandas

    rate = jn.reduce.mean_and_error(data["escape"]["rate"], over="trial")
    times = pandas.DataFrame(
        {"barrier over D": rate["height"], "rate [Hz]": rate["mean"], "low": rate["low"], "high": rate["high"],
         "exact [Hz]": 1000 / measuring.exact(config), "Kramers [Hz]": 1000 / measuring.kramers(config)}
    )  # fmt: skip
    rows = []
    search = data["search"]
    named = [(f"network, {w:g}", search["network"].sel(width=w)) for w in config.widths]
    named += [(str(s), search["others"].sel(search=s)) for s in search["search"].values]
    for name, values in named:
        found = jn.reduce.mean_and_error(success(values), over="puzzle")
        steps = values.values[np.isfinite(values.values)]
        rows.append({"search": name, "success [%]": float(found["mean"]), "low": float(found["low"]), "high": float(found["high"]),
                     "median steps where solved": float(np.median(steps)) if len(steps) else float("nan")})  # fmt: skip
    return {"escape": times, "searches": pandas.DataFrame(rows)}
