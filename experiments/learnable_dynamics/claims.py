"""The claims: one cell each, fixed before the first test; paired over networks and samples, in points of accuracy."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

import jaxsnn_noise as jn
from jaxsnn_noise.reduce import at_least
from jaxsnn_noise.study import Claim, Judgement

from .tasks import one_memory, task

if TYPE_CHECKING:
    import xarray as xr

POINTS = 1.0
"""What counts as no difference [points of accuracy]. Ours."""
PEREZ = "doi:10.1038/s41467-021-26022-3"
OURS = "prediction of this study"
Data = Mapping[str, Any]
Judge = Callable[[Data, Any], Judgement]
TEMPORAL = ("two_scale", "vowels")


def right(data: Data, of: str) -> xr.DataArray:
    """Right answers [%] (arm, seed, condition, sample)."""
    return 100.0 * data[of]["right"].astype(float)


def gain(data: Data, of: str, arm: str, other: str = "tuned", condition: str = "quiet") -> xr.DataArray:
    """Accuracy of an arm less that of another one [points] (seed, sample)."""
    found = right(data, of).sel(condition=condition, drop=True)
    return found.sel(arm=arm, drop=True) - found.sel(arm=other, drop=True)


def order(data: Data, of: str, arm: str) -> xr.DataArray:
    """Mean logarithm of time constants of the second layer less that of the first, from an equal start (network)."""
    logs: Any = np.log(data[of]["taus"].astype(float))
    means = logs.sel(arm=arm, drop=True).mean("neuron").rename(seed="network")
    difference: xr.DataArray = means.sel(layer="hidden_2", drop=True) - means.sel(layer="hidden_1", drop=True)
    return difference


def _above(of: str, arm: str, bound: float = 0.0, other: str = "tuned", condition: str = "quiet") -> Judge:
    def judge(data: Data, config: Any) -> Judgement:
        if of not in data or arm not in data[of].arm or other not in data[of].arm:
            return jn.reduce.unmeasured(f"{arm} on {of}")
        words = f"{of}, {arm} less {other}, tested {condition}"
        return jn.reduce.judge(
            gain(data, of, arm, other, condition), bound, at_least, units="points", called="samples", detail=words
        )

    return judge


def _nothing(of: str, arm: str) -> Judge:
    def judge(data: Data, config: Any) -> Judgement:
        if of not in data:
            return jn.reduce.unmeasured(f"{arm} on {of}")
        words = f"{of}, {arm} less tuned"
        return jn.reduce.judge_within(
            gain(data, of, arm), -POINTS, POINTS, units="points", called="samples", detail=words
        )

    return judge


def _ordered(of: str, arm: str) -> Judge:
    def judge(data: Data, config: Any) -> Judgement:
        if of not in data or arm not in data[of].arm:
            return jn.reduce.unmeasured(f"{arm} on {of}")
        values = order(data, of, arm)
        return jn.reduce.judge(
            values,
            0.0,
            at_least,
            random="network",
            called="networks",
            detail=f"{of}, {arm}: mean ln tau, second layer less first",
        )

    return judge


def _table(data: Data, config: Any) -> Judgement:
    if "vowels" not in data or "table" not in data["vowels"]:
        return jn.reduce.unmeasured("a table of a learned polynomial on vowels")
    found = 100.0 * data["vowels"]["table"].astype(float)
    learned = right(data, "vowels").sel(arm="polynomial", condition="quiet", drop=True)
    words = f"vowels, table of {config.entries} entries of {config.entry_bits} bits less polynomial"
    return jn.reduce.judge_within(found - learned, -POINTS, POINTS, units="points", called="samples", detail=words)


def _beyond_one_memory(data: Data, config: Any) -> Judgement:
    if "two_scale" not in data:
        return jn.reduce.unmeasured("the synthetic task")
    best, tau = one_memory(task("two_scale", config))
    values = right(data, "two_scale").sel(arm="neuron", condition="quiet", drop=True)
    words = f"two_scale; the best answer from one leaky memory is right in {100 * best:.1f} % (tau {tau:.1f} ms)"
    return jn.reduce.judge(values, 100 * best, at_least, units="%", called="samples", detail=words)


CLAIMS = (
    Claim("neurons_help_on_two_scales", "Time constants learned per neuron beat one tuned per layer where two time scales are asked for.",
          PEREZ, _above("two_scale", "neuron")),
    Claim("neurons_help_on_vowels", "They do so on spoken vowels.", PEREZ, _above("vowels", "neuron")),
    Claim("nothing_on_static_images", "On static images they change the accuracy by no more than one point.", PEREZ,
          _nothing("mnist", "neuron")),
    Claim("start_is_enough", "Time constants that differ at the start and stay do at least as well as learned ones, less one point, on vowels.",
          OURS, _above("vowels", "spread", -POINTS, "neuron")),
    Claim("learning_replaces_tuning", "Learned per layer from one start for all, without tuning, they do at least as well as tuned, less one point, on vowels.",
          "arXiv:2007.05785", _above("vowels", "layer_flat", -POINTS)),
    Claim("polynomial_helps_on_vowels", "A polynomial learned per layer beats the tuned LIF on vowels.", "arXiv:2510.07341",
          _above("vowels", "polynomial")),
    Claim("gates_help_on_vowels", "Gates learned per layer beat the tuned LIF on vowels.", "arXiv:2210.13768", _above("vowels", "gated")),
    Claim("late_is_slower_on_vowels", "From an equal start learned time constants order early fast, late slow, on vowels.", OURS,
          _ordered("vowels", "layer_flat")),
    Claim("late_is_slower_on_two_scales", "They do so where two time scales are asked for.", OURS, _ordered("two_scale", "layer_flat")),
    Claim("gain_survives_noise", "What learned time constants per neuron gain on two scales is there under membrane noise.", OURS,
          _above("two_scale", "neuron", condition="noise")),
    Claim("gain_survives_mismatch", "It is there on chips with mismatch of time constants and thresholds.", OURS,
          _above("two_scale", "neuron", condition="mismatch")),
    Claim("gain_survives_few_bits", "It is there with weights of few bits.", OURS, _above("two_scale", "neuron", condition="bits")),
    Claim("beyond_one_memory", "Networks with learned time constants per neuron answer better than any reader of one leaky memory can.",
          OURS, _beyond_one_memory),
    Claim("a_table_will_do", "A learned polynomial as a small table changes the accuracy by no more than one point.", OURS, _table),
)  # fmt: skip
