"""Judges of the claims, each of cells fixed before the run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jaxsnn_noise import reduce
from jaxsnn_noise.study import Claim, Judgement

from .estimates import cv, least, references

if TYPE_CHECKING:
    import xarray as xr

TOLERANCE = 0.03
BEST = 0.06, 0.10
BEST_AREA = 2.0, 5.0
HALF = 0.5
KEPT = 0.9


def fitzhugh_is_reference(data: Any, config: Any) -> Judgement:
    """At every strength the CV is that of an independent simulation."""
    found = reduce.pseudovalues(data["fitzhugh"], cv)
    ratio = found / data["fitzhugh"]["strength"].copy(data=references(config.strengths))
    detail = "CV over that of the reference, whose own standard error is 0.4 to 0.8 %; strength D"
    return reduce.judge_within(ratio, 1 - TOLERANCE, 1 + TOLERANCE, random="block", called="blocks", detail=detail)


def fitzhugh_best(data: Any, config: Any) -> Judgement:
    """The CV has its minimum at a medium strength."""
    found = least(data["fitzhugh"].sel(strength=list(config.fitted)), "strength")
    detail = "minimum of a quadratic in log D"
    return reduce.judge_within(found, *BEST, random="block", called="blocks", detail=detail)


def areas_have_a_minimum(data: Any, config: Any) -> Judgement:
    """Intervals are more regular at the area in between than at the ends."""
    found = reduce.pseudovalues(data["areas"], cv)
    gap = found.sel(area=config.primary_area, drop=True) - found.sel(area=[config.near[0], config.near[-1]])
    detail = f"CV at {config.primary_area:g} um2 less that at the area [um2] shown"
    return reduce.judge(gap, 0.0, reduce.at_most, random="block", called="blocks", detail=detail)


def best_area(data: Any, config: Any) -> Judgement:
    """The minimum lies near 3 um2."""
    found = least(data["areas"].sel(area=list(config.near)), "area")
    detail = "minimum of a quadratic in log area"
    return reduce.judge_within(found, *BEST_AREA, units="um2", random="block", called="blocks", detail=detail)


def _excess(rates: xr.DataArray, name: str, inside: float, share: float) -> xr.DataArray:
    """Rate [end, axon] at the cell in between less a share of that at both ends."""
    return rates.sel({name: inside}, drop=True) - share * rates.isel({name: [0, -1]})


def current_noise_silences(data: Any, config: Any) -> Judgement:
    """In the bistable window some noise on the current halves the rate, more restores it."""
    rates = data["current"]["rate"].isel(current=0, drop=True)
    gap = _excess(rates, "noise", config.primary_noise, HALF)
    detail = f"at {config.currents[0]:g} uA/cm2: rate at noise {config.primary_noise:g} less half of that at the noise shown"  # fmt: skip
    return reduce.judge(gap, 0.0, reduce.at_most, units="Hz", random="axon", detail=detail)


def none_above_the_window(data: Any, config: Any) -> Judgement:
    """Above the Hopf point the same noise leaves the rate."""
    rates = data["current"]["rate"].isel(current=-1, drop=True)
    gap = rates.sel(noise=config.primary_noise, drop=True) - KEPT * rates.isel(noise=0, drop=True)
    detail = f"at {config.currents[-1]:g} uA/cm2: rate at noise {config.primary_noise:g} less {KEPT:g} of that without"
    return reduce.judge(gap, 0.0, reduce.at_least, units="Hz", random="axon", detail=detail)


def channel_noise_silences(data: Any, config: Any) -> Judgement:
    """So does channel noise, at an area in between."""
    if "patches" not in data:
        return reduce.unmeasured("axons with channel noise under a current")
    gap = _excess(data["patches"]["rate"], "patch", config.primary_patch, HALF)
    detail = f"at {config.currents[0]:g} uA/cm2: rate at {config.primary_patch:g} um2 less half of that at the area [um2] shown"  # fmt: skip
    return reduce.judge(gap, 0.0, reduce.at_most, units="Hz", random="axon", detail=detail)


PIKOVSKY = "Pikovsky and Kurths 1997, doi:10.1103/PhysRevLett.78.775"
SCHMID = "Schmid, Goychuk and Haenggi 2001, doi:10.1209/epl/i2001-00482-6"
TUCKWELL = "Tuckwell, Jost and Gutkin 2009, doi:10.1103/PhysRevE.80.031907"
CLAIMS = (
    Claim(
        "fitzhugh_is_reference",
        "The CV of FitzHugh-Nagumo's intervals is that of an independent simulation in double precision (within 3 %, at every strength).",
        f"{PIKOVSKY} (numbers and bound are ours)",
        fitzhugh_is_reference,
    ),
    Claim(
        "fitzhugh_best",
        "It is least at a strength of 0.06 to 0.10: coherence resonance.",
        f"{PIKOVSKY} (the bounds are ours)",
        fitzhugh_best,
    ),
    Claim(
        "areas_have_a_minimum",
        "An axon without input, with 60 sodium and 18 potassium channels per um2, fires more regularly at 3 um2 than at 1 and at 10.",
        f"{SCHMID} (the areas are ours)",
        areas_have_a_minimum,
    ),
    Claim("best_area", "The CV is least between 2 and 5 um2.", f"{SCHMID} (the bounds are ours)", best_area),
    Claim(
        "current_noise_silences",
        "Where rest and firing are both stable, some noise on the current more than halves the rate, and much noise restores it.",
        f"{TUCKWELL} (the factor is ours)",
        current_noise_silences,
    ),
    Claim(
        "none_above_the_window",
        "Above the Hopf point the same noise leaves the rate (at least 90 %).",
        "prediction of this study: no rest to fall into",
        none_above_the_window,
    ),
    Claim(
        "channel_noise_silences",
        "Channel noise does the same: at an area in between the rate is less than half of that at a small and at a large one.",
        "prediction of this study",
        channel_noise_silences,
    ),
)
