"""Judges of the claims, each of cells fixed before the run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jaxsnn_noise import reduce
from jaxsnn_noise.study import Claim, Judgement

from .estimates import agreement, cv, exponent, off_the_line, rate, spreads

if TYPE_CHECKING:
    import xarray as xr

OFF = 0.1
ALIKE = 0.1
TOO_OFTEN = 1.1
RARELY = 0.1
STEEP = -0.6, -0.4
FACTOR = 2.0


def ratio(data: Any, scheme: str, estimate: Any, area: float) -> xr.DataArray:
    """Pseudo-values [block] of what a scheme gives over what the chains give, at one area."""
    import xarray

    parts = [data[name].sel(area=area, drop=True) for name in (scheme, "Markov")]
    both = xarray.concat([part.drop_vars("histogram") for part in parts], "scheme")
    return reduce.pseudovalues(both, lambda part: estimate(part).isel(scheme=0) / estimate(part).isel(scheme=1))


def log_rate_is_linear(data: Any, config: Any) -> Judgement:
    """From 10 um2 on the logarithm of the rate falls on a line in the area."""
    found = off_the_line(data["Markov"].sel(area=list(config.line)))
    detail = "log rate less its line; area [um2]"
    return reduce.judge_within(found, -OFF, OFF, random="block", called="blocks", detail=detail)


def langevin_is_right_above(data: Any, config: Any) -> Judgement:
    """In a large membrane the Langevin equation has the rate of the chains, and the CV."""
    import xarray

    if "TransitionLangevin" not in data:
        return reduce.unmeasured("the Langevin equation")
    large = config.compared[-1]
    values = xarray.concat([ratio(data, "TransitionLangevin", f, large) for f in (rate, cv)], "statistic")
    values = values.assign_coords(statistic=["rate", "CV"])
    detail = f"over that of the chains at {large:g} um2"
    return reduce.judge_within(values, 1 - ALIKE, 1 + ALIKE, random="block", called="blocks", detail=detail)


def langevin_fires_too_often_below(data: Any, config: Any) -> Judgement:
    """In a small one it fires too often."""
    if "TransitionLangevin" not in data:
        return reduce.unmeasured("the Langevin equation")
    small = config.compared[0]
    values = ratio(data, "TransitionLangevin", rate, small)
    detail = f"rate over that of the chains at {small:g} um2"
    return reduce.judge(values, TOO_OFTEN, reduce.at_least, random="block", called="blocks", detail=detail)


def subunits_hardly_fire(data: Any, config: Any) -> Judgement:
    """Noise on the gates makes a large membrane fire far too rarely."""
    if "SubunitLangevin" not in data:
        return reduce.unmeasured("noise on the gates")
    large = config.compared[-1]
    values = ratio(data, "SubunitLangevin", rate, large)
    detail = f"rate over that of the chains at {large:g} um2"
    return reduce.judge(values, RARELY, reduce.at_most, random="block", called="blocks", detail=detail)


def larger_is_more_reliable(data: Any, config: Any) -> Judgement:
    """Under a frozen current trains of large membranes agree more than those of small ones."""
    if "frozen" not in data:
        return reduce.unmeasured("axons under a frozen current")
    found = agreement(data["frozen"]["spikes"], config.smooth).fillna(0.0)
    gain = found.isel(patch=-1, drop=True) - found.isel(patch=0, drop=True)
    detail = f"agreement of two axons at {config.patches[-1]:g} less that at {config.patches[0]:g} um2"
    return reduce.judge(gain, 0.0, reduce.at_least, random="pair", detail=detail)


def spread_falls_as_the_root(data: Any, config: Any) -> Judgement:
    """The relative spread of the threshold falls as one over the root of the area."""
    del config
    if "pulses" not in data:
        return reduce.unmeasured("axons at a pulse")
    detail = "slope of its logarithm in that of the area"
    values = exponent(spreads(data["pulses"]))
    return reduce.judge_within(values, *STEEP, random="block", called="blocks", detail=detail)


def background_limits_information(data: Any, config: Any) -> Judgement:
    """At biophysical values background costs more information than each of the others."""
    bits = data["budget"]["bits"]
    others = bits.sel(condition=["channel", "release", "threshold"])
    gap = others - bits.sel(condition="background", drop=True)
    detail = "information under the source shown less that under background"
    return reduce.judge(gap, 0.0, reduce.at_least, units="bit/s", random="trial", detail=detail)


def channels_cost_least(data: Any, config: Any) -> Judgement:
    """Channel noise blurs spike times less than each of the others."""
    jitter = data["budget"]["jitter"]
    gap = jitter.sel(condition=["release", "threshold", "background"]) - jitter.sel(condition="channel", drop=True)
    detail = "jitter under the source shown less that under channel noise"
    return reduce.judge(gap, 0.0, reduce.at_least, units="ms", random="block", called="blocks", detail=detail)


def equal_variance_is_equal_loss(data: Any, config: Any) -> Judgement:
    """At equal variance all four cost as much information, to a factor of two."""
    from .budget import SOURCES

    bits = data["budget"]["bits"]
    names = [f"{name}, equal" for name in SOURCES]
    lost = bits.sel(condition="none", drop=True) - bits.sel(condition=names)
    values = lost / float(lost.mean())
    detail = "information lost over the mean of the four"
    return reduce.judge_within(values, 1 / FACTOR, FACTOR, random="trial", detail=detail)


CHOW = "Chow and White 1996, doi:10.1016/S0006-3495(96)79494-8"
ORIO = "Orio and Soudry 2012, doi:10.1371/journal.pone.0036670"
PEZO = "Pezo, Soudry and Orio 2014, doi:10.3389/fncom.2014.00139"
GOLDWYN = "Goldwyn and Shea-Brown 2011, doi:10.1371/journal.pcbi.1002247"
CLAIMS = (
    Claim(
        "log_rate_is_linear",
        "The logarithm of the spontaneous rate is linear in the area from 10 um2 on (within 0.1).",
        f"{CHOW} (the bound is ours)",
        log_rate_is_linear,
    ),
    Claim(
        "langevin_is_right_above",
        "At 6000 sodium channels the Langevin equation has the rate and the CV of the chains (within 10 %).",
        f"{ORIO} (the bound is ours)",
        langevin_is_right_above,
    ),
    Claim(
        "langevin_fires_too_often_below",
        "At 60 sodium channels it fires at least 10 % too often.",
        f"{PEZO} (the bound is ours)",
        langevin_fires_too_often_below,
    ),
    Claim(
        "subunits_hardly_fire",
        "Noise on the gates makes a membrane of 6000 sodium channels fire at less than a tenth of its rate.",
        f"{GOLDWYN} (the bound is ours)",
        subunits_hardly_fire,
    ),
    Claim(
        "larger_is_more_reliable",
        "Under a frozen current large membranes repeat themselves better than small ones.",
        "Schneidman, Freedman and Segev 1998, doi:10.1162/089976698300017089",
        larger_is_more_reliable,
    ),
    Claim(
        "spread_falls_as_the_root",
        "The relative spread of the threshold falls as one over the root of the area (exponent -0.5, within 0.1).",
        "Rubinstein 1995, doi:10.1016/S0006-3495(95)80252-3 (the bound is ours)",
        spread_falls_as_the_root,
    ),
    Claim(
        "background_limits_information",
        "Of the four sources at their biophysical values background limits information most.",
        "prediction of this study",
        background_limits_information,
    ),
    Claim(
        "channels_cost_least",
        "Channel noise blurs spike times least.",
        "prediction of this study",
        channels_cost_least,
    ),
    Claim(
        "equal_variance_is_equal_loss",
        "At equal variance of the membrane (or the threshold) all four cost the same information, to a factor of two.",
        "prediction of this study",
        equal_variance_is_equal_loss,
    ),
)
