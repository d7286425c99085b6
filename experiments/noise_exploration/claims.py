"""Judges of the claims about exploration; each has one primary cell, fixed before the run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from jaxsnn_noise import reduce
from jaxsnn_noise.study import Claim, Judgement

from . import measuring

if TYPE_CHECKING:
    import xarray as xr

TOLERANCE, SLOPE, POINTS = 0.05, 0.1, 10.0


def escape_times(data: Any, config: Any) -> Judgement:
    """At every noise the mean escape time is the exact one, within 5 % (of rates, whose mean is unbiased)."""
    ratio = data["escape"]["rate"] * (measuring.exact(config) / 1000.0)[:, None]
    detail = "rate times the exact mean time; height of the barrier over D"
    return reduce.judge_within(ratio, 1 - TOLERANCE, 1 + TOLERANCE, random="trial", detail=detail)


def exponent(data: Any, config: Any) -> Judgement:
    """Between the two highest but one barriers the logarithm of the time grows as the height, within 10 %."""
    rate = data["escape"]["rate"]
    low, high = config.heights[-3] if len(config.heights) > 2 else config.heights[0], config.heights[-1]
    slope = np.log(rate.sel(height=low, drop=True) / rate.sel(height=high, drop=True)) / (high - low)
    detail = f"slope of log time against barrier/D between {low:g} and {high:g}"
    return reduce.judge_within(slope, 1 - SLOPE, 1 + SLOPE, random="trial", detail=detail)


def success(values: xr.DataArray) -> xr.DataArray:
    """Share of runs with a solution, in per cent [..., puzzle]."""
    return 100.0 * values.notnull().mean("repeat")


def interior_maximum(data: Any, config: Any) -> Judgement:
    """The network solves more puzzles at the primary noise than at the least and at the largest."""
    found = success(data["search"]["network"])
    gain = found.sel(width=config.primary, drop=True) - found.isel(width=[0, -1])
    best = float(found["width"][int(found.mean("puzzle").argmax("width"))])
    detail = f"at {config.primary:g} less that at the noise shown, after {config.steps} steps; the largest of all is at {best:g}"
    return reduce.judge(gain, 0.0, reduce.at_least, units="points", random="puzzle", detail=detail)


def _against(data: Any, config: Any, search: str) -> Judgement:
    network = success(data["search"]["network"]).sel(width=config.primary, drop=True)
    other = success(data["search"]["others"]).sel(search=search, drop=True)
    detail = f"network at {config.primary:g} less {search}, after {config.steps} steps"
    return reduce.judge(network - other, -POINTS, reduce.at_least, units="points", random="puzzle", detail=detail)


def as_good_as_annealing(data: Any, config: Any) -> Judgement:
    """The network solves as many puzzles as annealing, within 10 points."""
    return _against(data, config, "annealing")


def as_good_as_restarts(data: Any, config: Any) -> Judgement:
    """The network solves as many puzzles as random restarts, within 10 points."""
    return _against(data, config, "restarts")


CLAIMS = (
    Claim("escape_times", "Mean escape times are the exact ones, within 5 %, at every noise.", "theory (first passage times)", escape_times),
    Claim("exponent", "Their logarithm grows as the barrier over D, within 10 %.", "Kramers 1940", exponent),
    Claim("interior_maximum", "A winner-take-all network solves most puzzles at an intermediate noise.", "prediction of this study", interior_maximum),
    Claim("as_good_as_annealing", "It solves as many as simulated annealing in as many steps, within 10 points.", "prediction of this study", as_good_as_annealing),
    Claim("as_good_as_restarts", "It solves as many as random restarts in as many steps, within 10 points.", "prediction of this study", as_good_as_restarts),
)  # fmt: skip
