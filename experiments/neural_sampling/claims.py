"""Judges of the claims about neural sampling; each has one primary cell, fixed before the run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from jaxsnn_noise import reduce
from jaxsnn_noise.study import Claim, Judgement

from . import machines

if TYPE_CHECKING:
    import xarray as xr

TOLERANCE = 0.1
POINTS = 5.0


def of_machines(values: np.ndarray) -> xr.DataArray:
    """Named."""
    import xarray

    return xarray.DataArray(values, dims="machine")


def independent_units(data: Any, config: Any) -> Judgement:
    """Of independent units 2 n KL is the number of states less one."""
    found, _ = machines.rule(data["machines"], "independent")
    ratio = of_machines(found / (2**config.units - 1))
    detail = f"over {2**config.units - 1}, after {config.durations} samples"
    return reduce.judge_within(ratio, 1 - TOLERANCE, 1 + TOLERANCE, random="machine", detail=detail)


def correlation_times(data: Any, config: Any) -> Judgement:
    """Of the abstract network 2 n KL is the sum over states of (1 - p) tau."""
    found, expected = machines.rule(data["machines"], "abstract")
    detail = f"after {config.durations} durations; 2 n KL {found.mean():.0f}, the sum {expected.mean():.0f} samples"
    return reduce.judge_within(
        of_machines(found / expected), 1 - TOLERANCE, 1 + TOLERANCE, random="machine", detail=detail
    )


def lif_stops(data: Any, config: Any) -> Judgement:
    """Over the last tenfold of time the divergence of the LIF network falls by less than half."""
    counts, target = data["machines"]["exponential"].values, data["machines"]["target_exponential"].values
    early, late = (machines.divergence(counts[:, :, :n].sum(axis=2), target).mean(axis=1) for n in (4, machines.BINS))
    values = machines.floor(data["machines"], "exponential")
    detail = f"divergence at the end over that at a tenth; the floor is {values.mean():.4f} nat, SD over machines {values.std(ddof=1):.4f}"
    return reduce.judge(of_machines(late / early), 0.5, reduce.at_least, random="machine", detail=detail)


def lasting_currents_help(data: Any, config: Any) -> Judgement:
    """With currents that last, unchanged, the floor is at most a third."""
    exponential, lasting = (machines.floor(data["machines"], name) for name in ("exponential", "rectangular"))
    detail = f"a third of the floor with exponential synapses less the floor {lasting.mean():.4f} nat"
    return reduce.judge(of_machines(exponential / 3 - lasting), 0.0, reduce.at_least, units="nat", random="machine", detail=detail)  # fmt: skip


def accuracy_gain(data: Any, one: str, other: str) -> xr.DataArray:
    """Points of label accuracy [image] by which one completion is ahead of the other."""
    right = data["digits"]["label"] == data["digits"]["answer"]
    return 100.0 * (right.sel(completion=one).astype(float) - right.sel(completion=other).astype(float)).reset_coords(
        drop=True
    )


def spikes_complete_like_sums(data: Any, config: Any) -> Judgement:
    """Sampled completions are labelled right as often as exact ones, within 5 points."""
    if not config.hidden:
        return reduce.unmeasured("digits")
    values = accuracy_gain(data, "sampled", "exact")
    return reduce.judge(values, -POINTS, reduce.at_least, units="points", random="image", detail="sampled less exact")


def hidden_units_help(data: Any, config: Any) -> Judgement:
    """Sampled completions are labelled right more often than halves completed by the mean of all training images."""
    if not config.hidden:
        return reduce.unmeasured("digits")
    values = accuracy_gain(data, "sampled", "mean")
    return reduce.judge(values, 0.0, reduce.at_least, units="points", random="image", detail="sampled less mean image")


def as_good_as_the_half(data: Any, config: Any) -> Judgement:
    """Sampled completions are labelled right as often as the nearest training image of the given half, within 5 points."""
    if not config.hidden:
        return reduce.unmeasured("digits")
    values = accuracy_gain(data, "sampled", "half")
    return reduce.judge(values, -POINTS, reduce.at_least, units="points", random="image", detail="sampled less half")


CLAIMS = (
    Claim("independent_units", "For independent units 2 n KL is 2^K - 1, within 10 %.", "theory (Wilks 1938)", independent_units),
    Claim("correlation_times", "For spikes 2 n KL is the sum over states of (1 - p) tau, within 10 %.", "theory; prediction of this study", correlation_times),
    Claim("lif_stops", "LIF networks with exponential synapses stop improving: the last tenfold of time gains less than half.", "prediction of this study; after Petrovici et al. 2016", lif_stops),
    Claim("lasting_currents_help", "Rectangular currents bring their floor to a third or less.", "prediction of this study", lasting_currents_help),
    Claim("spikes_complete_like_sums", "Digits completed by spikes are recognised as well as exact completions, within 5 points.", "prediction of this study", spikes_complete_like_sums),
    Claim("hidden_units_help", "They are recognised better than halves completed by the mean image.", "prediction of this study", hidden_units_help),
    Claim("as_good_as_the_half", "They are recognised as well as the nearest training image of the given half, within 5 points.", "prediction of this study", as_good_as_the_half),
)  # fmt: skip
