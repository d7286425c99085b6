"""Judges of the claims about internal noise in trained networks."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from jaxsnn_noise import reduce
from jaxsnn_noise.study import Judgement

from .digit_networks import Setting

if TYPE_CHECKING:
    import xarray as xr

Data = Mapping[str, Any]
Judge = Callable[[Data, Any], Judgement]
judged = partial(reduce.judge, units="points", called="images")
WORST = ("membrane", "multiplicative")


def losses(part: xr.Dataset, correct: str = "correct") -> xr.DataArray:
    """Accuracy lost to noise [points], per network, condition and image (mean over trials)."""
    return 100.0 * (part["quiet_correct"].astype(np.float64) - part[correct].astype(np.float64).mean("trial"))


def by_kind(values: xr.DataArray) -> xr.DataArray:
    """Site and coupling as one dimension ``kind`` with labels such as "multiplicative membrane"."""
    stacked = values.stack(kind=("site", "coupling"))
    names = [f"{coupling} {site}" for site, coupling in stacked["kind"].values]
    return stacked.drop_vars(("kind", "site", "coupling")).assign_coords(kind=names)


def strongest(part: xr.Dataset) -> xr.DataArray:
    """Loss per kind at the highest intensity, mean over independent and common noise."""
    return by_kind(losses(part).isel(D=-1, drop=True).mean("correlation"))


def of_setting(name: str, judge: Callable[[xr.Dataset, Any], Judgement]) -> Judge:
    """A judge of one setting; no verdict where the setting was not measured."""

    def judge_setting(data: Data, config: Any) -> Judgement:
        return judge(data[name], config) if name in data else reduce.unmeasured(name)

    return judge_setting


def worst_is_multiplicative_membrane(part: xr.Dataset, config: Any) -> Judgement:
    """Every other kind costs less."""
    del config
    loss = strongest(part)
    worst = " ".join(WORST[::-1])
    others = loss.drop_sel(kind=worst) - loss.sel(kind=worst, drop=True)
    detail = f"loss under it {loss.sel(kind=worst).mean().item():.1f} points; loss of another kind minus that"
    return judged(others, 0.0, reduce.at_most, detail=detail)


def rises(field: str) -> Callable[[xr.Dataset, Any], Judgement]:
    """A fraction of the hidden neurons rises when the membrane gets multiplicative noise."""

    def judge(part: xr.Dataset, config: Any) -> Judgement:
        del config
        noisy = part[field].sel(site=WORST[0], coupling=WORST[1]).isel(D=-1, drop=True).mean("correlation")
        change = 100.0 * (noisy - part[f"quiet_{field}"])
        detail = f"from {100 * part[f'quiet_{field}'].mean().item():.1f} %"
        return judged(change.drop_vars(("site", "coupling")), 0.0, reduce.at_least, detail=detail)

    return judge


def clipping_helps(part: xr.Dataset, config: Any) -> Judgement:
    """Clipping the membrane at the reset from below takes away at least half of the loss."""
    del config
    free = losses(part).sel(site=WORST[0], coupling=WORST[1], drop=True).isel(D=-1, drop=True).mean("correlation")
    clipped = losses(part, "clipped_correct").isel(D=-1, drop=True).mean("correlation")
    detail = f"half of the loss of {free.mean().item():.1f} minus the loss when clipped, {clipped.mean().item():.1f}"
    return judged(0.5 * free - clipped, 0.0, reduce.at_least, detail=detail)


def weaker_on_current(part: xr.Dataset, config: Any) -> Judgement:
    """Multiplicative noise costs less on the current than on the membrane."""
    del config
    loss = strongest(part)
    gap = loss.sel(kind="multiplicative membrane", drop=True) - loss.sel(kind="multiplicative current", drop=True)
    return judged(gap, 0.0, reduce.at_least, detail="loss with it on the membrane minus on the current")


def weaker_with_leak(data: Data, config: Any) -> Judgement:
    """The loss to multiplicative membrane noise is larger for the largest beta than for the smallest."""
    found = {beta: data[name] for beta, name in config.beta_names().items() if name in data}
    if len(found) < 2:
        return reduce.unmeasured("networks with another beta")
    images = min(part.sizes["sample"] for part in found.values())
    loss = {b: strongest(part).sel(kind=" ".join(WORST[::-1]), drop=True) for b, part in found.items()}
    gap = loss[max(found)].isel(sample=slice(images)) - loss[min(found)].isel(sample=slice(images))
    detail = f"loss at beta {max(found):g} minus loss at beta {min(found):g}"
    return judged(gap, 0.0, reduce.at_least, detail=detail)


def sigmoid_is_best(place: str, pixels: str, kind: str | None) -> Judge:
    """Networks with the sigmoid lose less than those with any other filter; mean over kinds, or one kind."""

    def judge(data: Data, config: Any) -> Judgement:
        del config
        names = {f: Setting(f, place, pixels).name for f in ("none", "tanh", "relu", "sigmoid")}
        parts = {f: data[name] for f, name in names.items() if name in data}
        if "sigmoid" not in parts or len(parts) < 2:
            return reduce.unmeasured(f"{names['sigmoid']} and another filter")
        images = min(part.sizes["sample"] for part in parts.values())
        loss = {f: _averaged(strongest(part).isel(sample=slice(images)), kind) for f, part in parts.items()}
        best = loss.pop("sigmoid")
        gaps = _along("filter", {f: best - other for f, other in loss.items()})
        detail = f"loss with the sigmoid ({best.mean().item():.1f}) minus loss with another filter"
        return judged(gaps, 0.0, reduce.at_most, detail=detail)

    return judge


def current_dominates(part: xr.Dataset, config: Any) -> Judgement:
    """Additive current noise costs more than every other kind at the same intensity, in the form simulated."""
    loss, gain = strongest(part), config.layers.current_gain
    gaps = loss.drop_sel(kind="additive current") - loss.sel(kind="additive current", drop=True)
    detail = f"loss of another kind minus that of additive current noise, (1 - beta) R = {gain:g}"
    return judged(gaps, 0.0, reduce.at_most, detail=detail)


def current_dominates_in_sum_form(part: xr.Dataset, config: Any) -> Judgement:
    """In the form ``v <- beta v + I``, additive current noise costs more than every other kind.

    There it is, number by number, the additive membrane noise of the same intensity, so that one is looked at.
    """
    del config
    loss = strongest(part).drop_sel(kind="additive current")
    gaps = loss.drop_sel(kind="additive membrane") - loss.sel(kind="additive membrane", drop=True)
    detail = "loss of another kind minus that of additive current (there equal to additive membrane) noise"
    return judged(gaps, 0.0, reduce.at_most, detail=detail)


def others_at_most_one(part: xr.Dataset, config: Any) -> Judgement:
    """Every kind but additive current noise costs at most a point at the highest intensity, independent or common."""
    del config
    loss = by_kind(losses(part)).drop_sel(kind="additive current")
    levels = [(d, judged(loss.sel(D=d, drop=True), 1.0, reduce.at_most)) for d in loss["D"].values]
    detail = "by D: " + ", ".join(f"{d:g} {found.verdict.value}" for d, found in levels)
    last = levels[-1][1]
    return Judgement(
        last.verdict, last.estimate, last.low, last.high, last.rule, last.units, f"{detail}; {last.detail}"
    )


def common_hurts_less(coupling: str) -> Callable[[xr.Dataset, Any], Judgement]:
    """Common noise costs less than independent noise at the highest intensity, mean over the three sites."""

    def judge(part: xr.Dataset, config: Any) -> Judgement:
        del config
        loss = losses(part).sel(coupling=coupling, drop=True).isel(D=-1, drop=True)
        gap = loss.sel(correlation="common", drop=True) - loss.sel(correlation="independent", drop=True)
        each = ", ".join(f"{site} {gap.sel(site=site).mean().item():+.1f}" for site in gap["site"].values)
        detail = f"loss to common minus loss to independent noise ({each})"
        return judged(gap.mean("site"), 0.0, reduce.at_most, detail=detail)

    return judge


def weights_give_variance(data: Data, config: Any) -> Judgement:
    """The variance of the readouts under additive output noise is what the weights say, within a fifth."""
    del config
    images = max(part.sizes["sample"] for part in networks(data).values())
    largest = {k: part for k, part in networks(data).items() if part.sizes["sample"] == images}
    ratios = {
        name: (part["readout_variance"] / part["predicted_variance"].mean("seed")).isel(D=-1, drop=True)
        for name, part in largest.items()
    }
    detail = "measured over predicted variance"
    return reduce.judge_within(_along("setting", ratios), 0.8, 1.25, called="images", detail=detail)


def weights_tell_which_is_worse(data: Data, config: Any) -> Judgement:
    """Common output noise hurts less where the weights say that it moves the differences between classes less."""
    del config
    parts = networks(data)
    images = min(part.sizes["sample"] for part in parts.values())
    gaps, said = {}, []
    for name, part in parts.items():
        predicted = part["predicted_variance"].sel(part="between classes").isel(D=-1)
        ratio = (predicted.sel(correlation="common") / predicted.sel(correlation="independent")).mean().item()
        loss = losses(part).sel(site="output", coupling="additive", drop=True).isel(D=-1, drop=True)
        loss = loss.isel(sample=slice(images))
        gap = loss.sel(correlation="common", drop=True) - loss.sel(correlation="independent", drop=True)
        gaps[name] = gap if ratio < 1 else -gap
        said.append(ratio)
    detail = (
        f"predicted variance ratio common/independent {min(said):.2f} to {max(said):.2f}; "
        "loss to common minus loss to independent noise (turned round where the ratio is above 1)"
    )
    return judged(_along("setting", gaps), 0.0, reduce.at_most, detail=detail)


def networks(data: Data) -> dict[str, xr.Dataset]:
    """The measurements of trained networks, by name."""
    return {name: part for name, part in data.items() if "readout_variance" in part}


def _averaged(loss: xr.DataArray, kind: str | None) -> xr.DataArray:
    return loss.mean("kind") if kind is None else loss.sel(kind=kind, drop=True)


def _along(name: str, parts: Mapping[str, xr.DataArray]) -> xr.DataArray:
    import xarray as xr

    return xr.concat(list(parts.values()), dim=xr.Variable(name, list(parts)))
