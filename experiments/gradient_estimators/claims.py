"""Judges of the claims; each speaks of neurons, networks or classifiers drawn at random."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from jaxsnn_noise import reduce
from jaxsnn_noise.study import Claim, Judgement

from .measuring import BY_WEIGHT

if TYPE_CHECKING:
    import xarray as xr

SMALL = {"count": 0.03, "CV": 0.1}
"""A bias that does not matter, in parts of a typical derivative; that of the CV is as wide as its errors are (set after a first run)."""
FIFTH = 0.05
LARGE = 1.0
TWENTY = 20.0
FIVE = 5.0


def bias(data: xr.Dataset, name: str) -> xr.DataArray:
    """Estimate less reference over the root mean square of the references [unit, ..., output, leaf]."""
    scale = np.sqrt((data["reference"] ** 2).mean("unit"))
    found: xr.DataArray = (data["gradient"].sel(estimator=name, drop=True) - data["reference"]) / scale
    return found


def error(data: xr.Dataset, name: str) -> xr.DataArray:
    """As :func:`bias`, times the value of the leaf, and over the root mean square of all leaves together.

    So a derivative next to none does not count as much as the largest one; the unit of every leaf is its value.
    """
    of = data["reference"] * data["at"]
    found: xr.DataArray = (data["gradient"].sel(estimator=name, drop=True) * data["at"] - of) / np.sqrt(
        (of**2).mean(["unit", "leaf"])
    )
    return found


def cost(data: xr.Dataset, name: str) -> xr.DataArray:
    """Log of the variance times the process time; the variance is the mean over leaves, each over its squared reference [unit, ..., output]."""
    variance = (data["error"].sel(estimator=name, drop=True) ** 2 / (data["reference"] ** 2).mean("unit")).mean("leaf")
    found: xr.DataArray = variance * data["seconds"].sel(estimator=name, drop=True)
    return _of_each(np.log, found)


def by_weight(data: xr.Dataset) -> xr.DataArray:
    """Log of the trace of the variance times the process time of scores with a baseline over that of flips [unit]."""
    both = _of_each(np.log, data["trace"] * data["seconds"])
    flip, score = (both.sel(estimator=name, drop=True) for name in BY_WEIGHT)
    return score - flip


def _over_kinds(data: Any, value: Callable[[xr.Dataset], xr.DataArray]) -> xr.DataArray:
    """A value of both kinds of neurons, along ``noise``."""
    import xarray

    kinds = ["threshold", "membrane"]
    return xarray.concat([value(data[kind]) for kind in kinds], "noise").assign_coords(noise=kinds)


def _of_each(function: Any, values: xr.DataArray) -> xr.DataArray:
    """A function of every value."""
    return values.copy(data=function(values.values))


def _kinds(data: Any, config: Any, *names: str) -> str:
    """What is not there, of kinds of neurons and estimators."""
    for name in names:
        if name in ("threshold", "membrane"):
            if name not in data:
                return f"neurons with noise of the {name}"
        elif name not in config.estimators:
            return f"the estimator {name}"
    return ""


def _unbiased(data: Any, config: Any, name: str, output: str) -> Judgement:
    if missing := _kinds(data, config, "threshold", "membrane", name):
        return reduce.unmeasured(missing)
    both = _over_kinds(data, lambda one: error(one, name).sel(output=output, drop=True))
    detail = "off theory, times the leaf, over the root mean square of that over neurons and leaves"
    bound = SMALL[output]
    return reduce.judge_within(both, -bound, bound, random="unit", called="neurons", detail=detail)


def scores_of_counts(data: Any, config: Any) -> Judgement:
    """By all leaves."""
    return _unbiased(data, config, "Score", "count")


def scores_of_irregularity(data: Any, config: Any) -> Judgement:
    """By all leaves."""
    return _unbiased(data, config, "Score", "CV")


def differences_of_counts(data: Any, config: Any) -> Judgement:
    """Of steps of 10 %, to fourth order."""
    return _unbiased(data, config, "FiniteDifference", "count")


def differences_of_irregularity(data: Any, config: Any) -> Judgement:
    """Of steps of 10 %, to fourth order."""
    return _unbiased(data, config, "FiniteDifference", "CV")


def density_of_thresholds(data: Any, config: Any) -> Judgement:
    """The count by all leaves, where the threshold is drawn anew."""
    if missing := _kinds(data, config, "threshold", "NoiseDensity"):
        return reduce.unmeasured(missing)
    values = bias(data["threshold"], "NoiseDensity").sel(output="count", drop=True)
    return reduce.judge_within(values, -FIFTH, FIFTH, random="unit", called="neurons", detail="bias of d count")


def density_of_membranes(data: Any, config: Any) -> Judgement:
    """The count by noise and drive, where the membrane diffuses, is too large by a twentieth and more."""
    if missing := _kinds(data, config, "membrane", "NoiseDensity"):
        return reduce.unmeasured(missing)
    values = bias(data["membrane"], "NoiseDensity").sel(output="count", leaf=["noise", "drive"], drop=True)
    return reduce.judge(values, FIFTH, reduce.at_least, random="unit", called="neurons", detail="bias of d count")


def density_of_irregularity(data: Any, config: Any) -> Judgement:
    """The CV by the drive, where the membrane diffuses, is off by its own size."""
    if missing := _kinds(data, config, "membrane", "NoiseDensity"):
        return reduce.unmeasured(missing)
    values = _of_each(np.abs, bias(data["membrane"], "NoiseDensity").sel(output="CV", leaf="drive", drop=True))
    detail = "size of the bias of d CV / d drive over the root mean square of the derivative"
    return reduce.judge(values, LARGE, reduce.at_least, random="unit", called="neurons", detail=detail)


def detached_is_no_sensitivity(data: Any, config: Any) -> Judgement:
    """The count by the threshold through a surrogate and detached resets."""
    if missing := _kinds(data, config, "membrane", "detached surrogate"):
        return reduce.unmeasured(missing)
    values = _of_each(
        np.abs, bias(data["membrane"], "detached surrogate").sel(output="count", leaf="threshold", drop=True)
    )
    detail = "size of the bias of d count / d threshold"
    return reduce.judge(values, 0.5, reduce.at_least, random="unit", called="neurons", detail=detail)


def martingales_pay(data: Any, config: Any) -> Judgement:
    """Variance of the count with a baseline alone over that with martingales, the same trials' number; geometric mean."""
    if missing := _kinds(data, config, "threshold", "membrane", "Score", "Score(Baseline)"):
        return reduce.unmeasured(missing)

    def ratio(one: xr.Dataset) -> xr.DataArray:
        of_counts = one["error"].sel(output="count", drop=True)
        plain, fine = (of_counts.sel(estimator=name, drop=True) for name in ("Score(Baseline)", "Score"))
        found: xr.DataArray = 2 * _of_each(np.log, plain / fine).mean("leaf")
        return found

    values = _over_kinds(data, ratio)
    detail = "log of the ratio, mean over leaves"
    return reduce.judge(values, np.log(TWENTY), reduce.at_least, random="unit", called="neurons", detail=detail)


def one_neuron(data: Any, config: Any) -> Judgement:
    """Variance times time of four leaves of one neuron."""
    if missing := _kinds(data, config, "threshold", "membrane", "Score", "FiniteDifference"):
        return reduce.unmeasured(missing)

    def ratio(one: xr.Dataset) -> xr.DataArray:
        return (cost(one, "FiniteDifference") - cost(one, "Score")).sel(output="count", drop=True)

    values = _over_kinds(data, ratio)
    detail = "log of variance times time of differences over that of scores, count by four leaves"
    return reduce.judge(values, 0.0, reduce.at_least, random="unit", called="neurons", detail=detail)


def in_networks(data: Any, config: Any) -> Judgement:
    """Variance times time of two leaves of a network, at the largest gain."""
    if "networks" not in data:
        return reduce.unmeasured("networks")
    strong = data["networks"].isel(gain=-1, drop=True)
    values = (cost(strong, "Score") - cost(strong, "FiniteDifference")).sel(output="count", drop=True)
    detail = f"log of variance times time of scores over that of differences, gain {config.gains[-1]:g}"
    return reduce.judge(values, 0.0, reduce.at_least, random="unit", called="networks", detail=detail)


def density_in_networks(data: Any, config: Any) -> Judgement:
    """The mean count by noise and drive, at every gain."""
    if "networks" not in data:
        return reduce.unmeasured("networks")
    values = bias(data["networks"], "NoiseDensity").sel(output="count", drop=True)
    return reduce.judge_within(values, -FIFTH, FIFTH, random="unit", called="networks", detail="bias of d count")


def density_of_losses(data: Any, config: Any) -> Judgement:
    """The loss by noise, a shift of the weights, a shift of the thresholds."""
    if "classifiers" not in data:
        return reduce.unmeasured("classifiers")
    values = bias(data["classifiers"], "NoiseDensity").sel(output="loss", drop=True)
    return reduce.judge_within(values, -FIFTH, FIFTH, random="unit", called="classifiers", detail="bias of d loss")


def flips_by_weight(data: Any, config: Any) -> Judgement:
    """Trace of the variance times time, of all weights."""
    del config
    if "by_weight" not in data:
        return reduce.unmeasured("classifiers, by weight")
    values = by_weight(data["by_weight"])
    detail = "log of trace of the variance times time of scores with a baseline over that of flips"
    return reduce.judge(values, np.log(FIVE), reduce.at_least, random="unit", called="classifiers", detail=detail)


GYGAX = "Gygax and Zenke 2025, arXiv:2404.14964"
MA = "Ma, Yan and Tang 2023, doi:10.1016/j.patter.2023.100831"
OURS = "prediction of this study"
CLAIMS = (
    Claim(
        "scores_of_counts",
        "Scores with martingales have no bias that matters: derivatives of the count by noise, drive, time constant and threshold (per relative change) are off theory by less than 3 % of a typical one.",
        "Williams 1992, doi:10.1007/BF00992696 (the bound is ours)",
        scores_of_counts,
    ),
    Claim(
        "scores_of_irregularity",
        "Those of the CV of intervals are off by less than 10 %.",
        "Williams 1992, doi:10.1007/BF00992696 (the bound is ours)",
        scores_of_irregularity,
    ),
    Claim(
        "differences_of_counts",
        "Differences of 10 % with common numbers, to fourth order, have no bias that matters: of counts less than 3 %.",
        "Glasserman 2003, chapter 7 (the bound is ours)",
        differences_of_counts,
    ),
    Claim(
        "differences_of_irregularity",
        "And of the CV of intervals less than 10 %.",
        "Glasserman 2003, chapter 7 (the bound is ours)",
        differences_of_irregularity,
    ),
    Claim(
        "density_of_thresholds",
        "With a threshold that is drawn anew, the density of the noise gives derivatives of the count within 5 %.",
        f"{MA}: noise-driven learning follows the gradient (the bound is ours)",
        density_of_thresholds,
    ),
    Claim(
        "density_of_membranes",
        "With noise on the membrane it gives derivatives by noise and drive that are at least 5 % too large.",
        OURS,
        density_of_membranes,
    ),
    Claim(
        "density_of_irregularity",
        "Of irregularity it is wrong: d CV / d drive is off by at least its own size, with noise on the membrane.",
        OURS,
        density_of_irregularity,
    ),
    Claim(
        "detached_is_no_sensitivity",
        "What passes through a surrogate and detached resets is no sensitivity: d count / d threshold is off by at least a half.",
        f"{GYGAX} (the bound is ours)",
        detached_is_no_sensitivity,
    ),
    Claim(
        "martingales_pay",
        "Martingales take away at least 95 % of the variance of scores with a baseline, for counts of one neuron.",
        OURS,
        martingales_pay,
    ),
    Claim(
        "one_neuron",
        "For four leaves of one neuron, scores with martingales have less variance times time than differences.",
        OURS,
        one_neuron,
    ),
    Claim(
        "in_networks",
        "For two leaves of a network with strong couplings it is the other way round.",
        "Wang and Rathinam 2014, arXiv:1412.1005: differences gain with the size of a system (the sizes are ours)",
        in_networks,
    ),
    Claim(
        "density_in_networks",
        "In networks of neurons with noisy thresholds the density of the noise gives derivatives of the count within 5 %, at every gain.",
        f"{MA} (the bound is ours)",
        density_in_networks,
    ),
    Claim(
        "density_of_losses",
        "So it does of a classifier's loss.",
        f"{MA} (the bound is ours)",
        density_of_losses,
    ),
    Claim(
        "flips_by_weight",
        "For a loss by every weight, flips with it as control variate have at most a fifth of the variance times time of scores with a baseline.",
        "Gu et al. 2016, arXiv:1511.05176 (the factor is ours)",
        flips_by_weight,
    ),
)
