"""Judges of the claims about a single neuron under internal noise."""

from __future__ import annotations

import functools
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from jaxsnn_noise import reduce
from jaxsnn_noise.study import Judgement

from .claims import WORST, Data, by_kind
from .verdicts import Judge

if TYPE_CHECKING:
    import xarray as xr


def of_one_neuron(judge: Judge) -> Judge:
    """A judge of the single neuron; no verdict where none was simulated."""

    @functools.wraps(judge)
    def judge_it(data: Data, config: Any) -> Judgement:
        return judge(data, config) if "neuron" in data else reduce.unmeasured("a single neuron")

    return judge_it


@of_one_neuron
def every_kind_matters(data: Data, config: Any) -> Judgement:
    """Every kind of noise moves the mean output of a single neuron by at least one percent (root mean square)."""
    part = data["neuron"].sel(beta=config.layers.beta)
    change = (by_kind(part["output"]).isel(D=-1, drop=True) / part["quiet_output"] - 1.0).drop_vars("beta")
    found = reduce.judge(np.square(change), 0.01**2, reduce.at_least, units="", random="trial")
    mean, low, high = (100.0 * max(float(v), 0.0) ** 0.5 for v in (found.estimate, found.low, found.high))
    rule = "95 % interval of the mean square: at least (1 %)^2 for each of six kinds"
    least = float(found.detectable)
    beyond = 100.0 * ((0.01**2 + least) ** 0.5 - 0.01)  # of the root, from the bound
    return replace(found, estimate=mean, low=low, high=high, rule=rule, units="%", detectable=beyond)


@of_one_neuron
def excursions_grow(data: Data, config: Any) -> Judgement:
    """A single neuron spends more time far below threshold under stronger multiplicative membrane noise."""
    below = _excursions(data).sel(beta=config.layers.beta, drop=True)
    gap = below.isel(D=-1, drop=True) - below.isel(D=0, drop=True)
    detail = (
        f"time below {config.depth:g} thresholds at D = {below['D'].values[-1]:g} minus at {below['D'].values[0]:g}"
    )
    return reduce.judge(gap, 0.0, reduce.at_least, units="%", random="trial", detail=detail)


@of_one_neuron
def excursions_shrink_with_leak(data: Data, config: Any) -> Judgement:
    """A single neuron spends less time far below threshold when it forgets faster."""
    del config
    below = _excursions(data).isel(D=-1, drop=True)
    gap = below.isel(beta=-1, drop=True) - below.isel(beta=0, drop=True)
    betas = below["beta"].values
    detail = f"time far below threshold at beta {betas[-1]:g} minus at beta {betas[0]:g}"
    return reduce.judge(gap, 0.0, reduce.at_least, units="%", random="trial", detail=detail)


@of_one_neuron
def second_moment_is_kestens(data: Data, config: Any) -> Judgement:
    """At a quarter of the critical intensity the free membrane has the second moment of the closed form."""
    del config
    part = data["neuron"].sel(ratio=0.25, drop=True)
    ratio = part["second_moment"] / part["expected_second_moment"]
    return reduce.judge_within(ratio, 0.9, 1.1, random="trial", detail="measured over expected, at D_c/4")


def _excursions(data: Data) -> xr.DataArray:
    return 100.0 * data["neuron"]["far_below"].sel(site=WORST[0], coupling=WORST[1], drop=True)
