"""The claims, one cell each, fixed before the first run of the default preset; losses are paired on networks and samples."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

import jaxsnn_noise as jn
from jaxsnn_noise.reduce import at_least
from jaxsnn_noise.study import Claim, Judgement

from . import chips
from .estimates import (
    RUNS,
    TOLERANCES,
    case_loss,
    changed,
    ensemble_cut,
    hundred,
    joint_loss,
    lost,
    no_effect,
    nominal,
    widths,
)

if TYPE_CHECKING:
    import xarray as xr

    from . import Config

    Data = Mapping[str, xr.Dataset]

Judge = Callable[[Mapping[str, Any], Any], Judgement]
RANGE = (3.0, 8.0)
"""What 5 % are said to cost [points, or % of the accuracy]."""
FIVE = 0.05
CUT = (40.0, 60.0)
"""By how much ensembles are said to cut sensitivity [%]."""
ENOUGH = 95.0
"""Share of batches of a hundred chips that has to be within the tolerance [%]."""


def needs(part: str, judge: Judge) -> Judge:
    """The judge, or no verdict where a part of the study was left out."""

    def judged(data: Data, config: Config) -> Judgement:
        return judge(data, config) if part in data else jn.reduce.unmeasured(f"the part {part}")

    return judged


def _tau_first(task: str | None, form: str) -> Judge:
    def judge(data: Data, config: Config) -> Judgement:
        single = data["single"]
        cell: dict[str, Any] = {
            "task": config.tasks[0] if task is None else task,
            "form": form,
            "level": config.levels[-1],
        }
        if cell["task"] not in config.tasks or form not in config.forms:
            return jn.reduce.unmeasured(f"{cell['task']}, {form}")
        if no_effect(single, **cell):
            return jn.reduce.unmeasured("an effect to rank: all parameters together cost less than a point")
        found = changed(single).sel(**cell, drop=True)
        others = found.sel(parameter=list(chips.SINGLE[1:])).rename(parameter="other")
        values = found.sel(parameter="tau", drop=True) - others
        words = f"{cell['task']}, {form}, {100 * cell['level']:g} %: decisions that tau changes less those that another parameter does"
        return jn.reduce.judge(values, 0.0, at_least, units="points", called="samples", detail=words)

    return judge


def _threshold(relative: bool) -> Judge:
    def judge(data: Data, config: Config) -> Judgement:
        if FIVE not in config.levels:
            return jn.reduce.unmeasured("a level of 5 %")
        cell: dict[str, Any] = {"task": config.tasks[0], "form": "leaky"}
        values = lost(data["single"]).sel(**cell, parameter="threshold", level=FIVE, drop=True)
        words = "threshold of the neurons, 5 %"
        return _in_range(values, nominal(data["single"]).sel(cell, drop=True) if relative else None, words)

    return judge


def _transistors(relative: bool) -> Judge:
    def judge(data: Data, config: Config) -> Judgement:
        values = case_loss(data["circuits"], "35 mV, all transistors")
        right = data["circuits"]["correct"].sel(case="nominal", drop=True).mean("sample")
        return _in_range(values, right if relative else None, "threshold voltage of every transistor off by 35 mV")

    return judge


def _in_range(values: xr.DataArray, right: xr.DataArray | None, words: str) -> Judgement:
    """Whether a loss is between 3 and 8, in points or as a share of the accuracy."""
    scaled = values if right is None else values / right
    units = "points" if right is None else "% of the accuracy"
    return jn.reduce.judge_within(scaled, *RANGE, units=units, called="samples", detail=words)


def _cheaper(case: str, than: str) -> Judge:
    def judge(data: Data, config: Config) -> Judgement:
        words = data["words"]
        if not {case, than} <= set(words["case"].values.tolist()):
            return jn.reduce.unmeasured(f"{case} or {than}")
        values = case_loss(words, than) - case_loss(words, case)
        detail = f"loss by {than} less loss by {case}"
        return jn.reduce.judge(values, 0.0, at_least, units="points", called="samples", detail=detail)

    return judge


def _networks(values: Any, config: Config, judged: Callable[[xr.DataArray], Judgement]) -> Judgement:
    """A judgement of one number per network, on the samples that there are."""
    import xarray as xr

    values = np.asarray(values, float)
    if len(values) < 2 or not np.isfinite(values).all():
        return jn.reduce.unmeasured("at least two networks in which it is defined")
    found = judged(xr.DataArray(values, dims="network"))
    speaks = f"networks made like these {len(values)}, for these {config.images} samples"
    return dataclasses.replace(found, spread=float(values.std(ddof=1)), speaks_for=speaks)


def _cut(what: str) -> Judge:
    def judge(data: Data, config: Config) -> Judgement:
        values = ensemble_cut(data["joint"], config, what)
        words = f"means of {config.copies} chips with {100 * config.levels[-1]:g} % on all parameters"
        return _networks(values.values, config, lambda x: jn.reduce.judge_within(
            x, *CUT, random="network", units="%", detail=words))  # fmt: skip

    return judge


def _copies_beat_size(data: Data, config: Config) -> Judgement:
    cell = data["joint"].isel(task=0, training=0, drop=True)
    larger = cell["correct"].sel(repair="none", spread="larger", drop=True)
    values = 100.0 * (cell["ensemble_correct"].sel(rule="mean", drop=True) - larger).astype(float)
    words = f"accuracy of the mean of {config.copies} chips less that of a chip with transistors {config.copies} times as large"
    return jn.reduce.judge(values, 0.0, at_least, units="points", called="samples", detail=words)


def _compounds(data: Data, config: Config) -> Judgement:
    hot, design = f"{chips.HOT:g} K", f"{chips.DESIGN:g} K"
    loss = lambda case: case_loss(data["circuits"], case)  # noqa: E731
    values = loss(f"mismatch at {hot}") - loss(f"mismatch at {design}") - loss(f"no mismatch at {hot}")
    words = f"loss by mismatch and {hot} less the sum of both losses, at {config.area:g} um2"
    return jn.reduce.judge(values, 0.0, at_least, units="points", called="samples", detail=words)


def _hundred(name: str) -> Judge:
    def judge(data: Data, config: Config) -> Judgement:
        _, tolerance, relative = TOLERANCES[name]
        unit = "of it" if relative else "points"
        words = f"batches of {RUNS} of {config.pool} chips that give the {name} within {tolerance:g} {unit}"
        return _networks(hundred(data["pool"])[name], config, lambda x: jn.reduce.judge(
            x, ENOUGH, at_least, random="network", units="%", detail=words))  # fmt: skip

    return judge


def _cliff(data: Data, config: Config) -> Judgement:
    found = widths(data["words"], config)
    words = "decades of error power between a loss of 5 points and half of all, analog less digital"
    return _networks(found["analog"] - found["digital"], config, lambda x: jn.reduce.judge(
        x, 0.0, at_least, random="network", units="decades", detail=words))  # fmt: skip


def _aware(training: str) -> Judge:
    def judge(data: Data, config: Config) -> Judgement:
        if training not in config.trainings:
            return jn.reduce.unmeasured(training)
        cell = data["joint"].isel(task=0, drop=True)
        right = 100.0 * cell["correct"].sel(repair="none", spread=f"{config.levels[-1]:g}", drop=True).astype(float)
        values = right.sel(training=training, drop=True) - right.sel(training="plain", drop=True)
        words = (
            f"accuracy on chips with {100 * config.levels[-1]:g} % on all parameters, less that after plain training"
        )
        return jn.reduce.judge(values, 0.0, at_least, units="points", called="samples", detail=words)

    return judge


def _half(data: Data, config: Config) -> Judgement:
    cell = {"spread": f"{config.levels[-1]:g}", "training": "plain"}
    losses = [
        joint_loss(data["joint"], repair).isel(task=0, drop=True).sel(cell, drop=True)
        for repair in ("none", "output gain")
    ]
    words = f"half of the loss less what is left of it, after {config.calibration} measurements"
    return jn.reduce.judge(0.5 * losses[0] - losses[1], 0.0, at_least, units="points", called="samples", detail=words)


def _trims(data: Data, config: Config) -> Judgement:
    right = 100.0 * data["repairs"]["correct"].sel(output="as it is", drop=True).astype(float)
    values = right.sel(trim="threshold", drop=True) - right.sel(trim="none", drop=True)
    words = f"accuracy with thresholds trimmed in {config.readings} readings of {config.calibration} samples, less that as built"
    return jn.reduce.judge(values, 0.0, at_least, units="points", called="samples", detail=words)


CIRCULATES = "circulating claim without a source"
OURS = "prediction of this study"
BUECHEL = "Buechel et al. 2021, doi:10.1038/s41598-021-02779-x (raw data)"
CLAIMS = (
    Claim("tau_on_images", "The time constant is the most sensitive parameter, (1-beta) R I, images: it changes more decisions than any other.",
          CIRCULATES, needs("single", _tau_first(None, "leaky"))),
    Claim("tau_in_speech", "The time constant is the most sensitive parameter, DPI (where its current makes the gain as well), in a recurrent "
          "network on speech.", CIRCULATES, needs("single", _tau_first("vowels", "dpi"))),
    Claim("threshold_points", "5 % mismatch of the thresholds of neurons costs 3 to 8 points of accuracy.", CIRCULATES,
          needs("single", _threshold(False))),
    Claim("threshold_relative", "5 % mismatch of the thresholds of neurons costs 3 to 8 % of the accuracy.", CIRCULATES,
          needs("single", _threshold(True))),
    Claim("transistors_points", "5 % of the threshold voltage of transistors (35 mV), through the circuit, cost 3 to 8 points.", CIRCULATES,
          needs("circuits", _transistors(False))),
    Claim("transistors_relative", "5 % of the threshold voltage of transistors (35 mV), through the circuit, cost 3 to 8 % of the accuracy.",
          CIRCULATES, needs("circuits", _transistors(True))),
    Claim("bits_under_drift", "Weights of 6 bits cost less than a day of phase-change memory (programming noise and drift).", CIRCULATES,
          needs("words", _cheaper("bits 6", "pcm 86400"))),
    Claim("bits_under_mismatch", "Weights of 4 bits cost less than 10 % mismatch of weights.", BUECHEL,
          needs("words", _cheaper("bits 4", "mismatch 0.1"))),
    Claim("ensembles_spread", "Ensembles of four cut the SD over chips by 40 to 60 %.", CIRCULATES, needs("joint", _cut("spread"))),
    Claim("ensembles_loss", "Ensembles of four cut the mean loss by 40 to 60 %.", CIRCULATES, needs("joint", _cut("loss"))),
    Claim("copies_beat_size", "At equal area four copies are better than transistors four times as large.", CIRCULATES,
          needs("joint", _copies_beat_size)),
    Claim("temperature_compounds", "Heat makes mismatch worse: both together cost more than the sum.", CIRCULATES,
          needs("circuits", _compounds)),
    *(Claim(f"hundred_for_{name.replace(' % ', '_').replace(' ', '_').lower()}", f"A hundred runs suffice for the {name}.", CIRCULATES,
            needs("pool", _hundred(name))) for name in TOLERANCES),
    Claim("digital_cliff", "Digital weights fail as off a cliff, analog ones gracefully: over more decades of error power, from equal accuracy.",
          CIRCULATES, needs("words", _cliff)),
    Claim("variation_aware_helps", "Training on new chips in every step gives chips of higher accuracy, at equal steps.", OURS,
          needs("joint", _aware("variation"))),
    Claim("noise_aware_helps", "Training with noise of the membranes gives chips of higher accuracy, at equal steps.", OURS,
          needs("joint", _aware("noise"))),
    Claim("output_gain_halves", "Calibration of gain and offset of the outputs takes away at least half of the loss.", OURS,
          needs("joint", _half)),
    Claim("trims_help", "Thresholds that are trimmed on each chip by a few readings give chips of higher accuracy.", OURS,
          needs("repairs", _trims)),
)  # fmt: skip
