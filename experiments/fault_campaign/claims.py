"""Claims of the campaign. Cells and bounds were fixed before the first run."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

import jaxsnn_noise as jn
from jaxsnn_noise.study import Claim, Judgement, Verdict

from .networks import HIDDEN, WEIGHTS

if TYPE_CHECKING:
    import xarray as xr

    from . import Config

    Data = Mapping[str, xr.Dataset]

LOW_BITS = 6
"""Of eight; the others are the sign and half of the full scale."""
RARE = 0.01
"""Share of critical sites that is called rare."""
FEW = 10
"""Images that are called few."""
DETECTED = 0.95
"""Share of critical faults that a set of images shall detect which it was not chosen for."""


def correct(campaign: xr.Dataset) -> xr.DataArray:
    """Whether an answer is right (seed, fault, sample)."""
    return (campaign["answer"] == campaign["label"]).astype(float)


def nominal_accuracy(campaign: xr.Dataset) -> float:
    """Share of right answers without a fault."""
    return float(correct(campaign).isel(fault=0).mean())


def losses(campaign: xr.Dataset) -> xr.DataArray:
    """Loss of accuracy by a fault [points] (seed, fault, sample)."""
    right = correct(campaign)
    return 100.0 * (right.isel(fault=0, drop=True) - right)


def at(campaign: xr.Dataset, kind: str, layers: Any = None) -> np.ndarray:
    """The positions of faults of a kind, in some layers or all."""
    here = (campaign["kind"] == kind).values
    if layers is not None:
        here &= np.isin(campaign["layer"].values, layers)
    return np.flatnonzero(here)


def classes(campaign: xr.Dataset, critical: float) -> xr.Dataset:
    """Class, changed answers and loss of each site, by network (seed, fault)."""
    import xarray as xr

    found = [
        jn.reduce.classify_sites(one, one.isel(fault=0, drop=True), campaign["label"].values, critical=critical)
        for one in (campaign["answer"].drop_vars("kind").isel(seed=i) for i in range(campaign.sizes["seed"]))
    ]
    return xr.concat(found, "seed")


def critical_sites(campaign: xr.Dataset, found: xr.Dataset, kind: str, layer: str) -> xr.Dataset:
    """Share of the sites of a layer that are critical [1] by their ``classes``, sites within networks; where all are alike sites count as independent."""
    here = (found["kind"] == "critical").isel(fault=at(campaign, kind, [layer]))
    if here.sizes["seed"] < 2:
        return jn.reduce.proportion(here.isel(seed=0), ["fault"])
    return jn.reduce.proportion(here, ["seed", "fault"], nested={"fault": "seed"}, edge_intraclass=0.0)


def detection(campaign: xr.Dataset, config: Config) -> xr.Dataset:
    """Images that show all critical faults, and how much of one half of these those show that were chosen for the other (seed).

    Halves are every second critical fault, in the order of the campaign; the share is the mean of both ways.
    """
    import xarray as xr

    kinds = classes(campaign, config.critical)["kind"]
    nominal = campaign["answer"].isel(fault=0, drop=True)
    rows = []
    for i in range(campaign.sizes["seed"]):
        here = np.flatnonzero((kinds.isel(seed=i) == "critical").values)
        changed = (campaign["answer"].isel(seed=i) != nominal.isel(seed=i)).isel(fault=here).drop_vars(
            ["kind", "layer", "bit", "place", "seed"], errors="ignore"
        )  # fmt: skip
        if len(here) < 2:
            rows.append((len(here), np.nan, np.nan, np.nan))
            continue
        few = jn.reduce.detecting_samples(changed, site="fault")
        halves = [changed.isel(fault=slice(k, None, 2)) for k in (0, 1)]
        shares = []
        for chosen, other in (halves, halves[::-1]):
            picked = jn.reduce.detecting_samples(chosen, site="fault")["sample"].values
            shares.append(float(other.isel(sample=picked).any("sample").mean()))
        rows.append((len(here), few.sizes["order"], few.attrs["at_least"], float(np.mean(shares))))
    names = ("critical", "images", "at_least", "held_out")
    return xr.Dataset({name: ("seed", [row[k] for row in rows]) for k, name in enumerate(names)})


def _of_networks(values: xr.DataArray, bound: float, test: Any, config: Config, units: str, detail: str) -> Judgement:
    """A judgement of one number per network; images are those that there are."""
    many = values.dropna("seed")
    if many.sizes["seed"] < 2:
        return jn.reduce.unmeasured("at least two networks")
    found = jn.reduce.judge(many.rename(seed="network"), bound, test, random="network", units=units, detail=detail)
    speaks = f"networks made like these {many.sizes['seed']}, for these {config.images} images"
    return dataclasses.replace(found, spread=float(many.std("seed", ddof=1)), speaks_for=speaks)


def _loss(values: Callable[[xr.Dataset, Config], xr.DataArray], bound: float, test: Any, detail: str) -> Any:
    def judge(data: Data, config: Config) -> Judgement:
        found = values(data["campaign"], config)
        return jn.reduce.judge(found, bound, test, units="points", called="images", detail=detail)

    return judge


def _saturated_less_dead(campaign: xr.Dataset, config: Config) -> xr.DataArray:
    loss = losses(campaign)
    worse, dead = (at(campaign, kind, HIDDEN) for kind in ("saturated neuron", "dead neuron"))
    return loss.isel(fault=worse).mean("fault") - loss.isel(fault=dead).mean("fault")


def _output_less_hidden(campaign: xr.Dataset, config: Config) -> xr.DataArray:
    loss = losses(campaign)
    last, hidden = (at(campaign, "dead neuron", layers) for layers in (["output"], HIDDEN))
    return loss.isel(fault=last).mean("fault") - loss.isel(fault=hidden).mean("fault")


def _low_bits(campaign: xr.Dataset, config: Config) -> xr.DataArray:
    here = at(campaign, "flipped bit")
    low = here[campaign["bit"].values[here] < LOW_BITS]
    return losses(campaign).isel(fault=low).mean("fault")


def _rare(data: Data, config: Config) -> Judgement:
    campaign = data["campaign"]
    shares = critical_sites(campaign, classes(campaign, config.critical), "dead synapse", WEIGHTS[0])
    found = jn.reduce.at_most(shares, RARE, confidence=0.975)
    estimate, low, high = (100 * float(found[name]) for name in ("estimate", "lower", "upper"))
    return Judgement(
        Verdict(str(found["verdict"].item())), estimate, low, high, f"95 % interval: at most {100 * RARE:g} %", "%",
        f"{int(shares['n'])} dead synapses of the first layer; sites count as independent where all are alike",
        p_reproduced=float(found["p_reproduced"]), p_refuted=float(found["p_refuted"]),
        speaks_for=f"networks made like these {data['campaign'].sizes['seed']}, for these {config.images} images",
    )  # fmt: skip


def _few(data: Data, config: Config) -> Judgement:
    found = detection(data["campaign"], config)
    detail = "images that show every critical fault, chosen greedily"
    return _of_networks(found["images"], FEW, jn.reduce.at_most, config, "images", detail)


def _held_out(data: Data, config: Config) -> Judgement:
    share = 100 * detection(data["campaign"], config)["held_out"]
    detail = "critical faults of the other half that are shown"
    return _of_networks(share, 100 * DETECTED, jn.reduce.at_least, config, "%", detail)


def _redundancy(better: str, than: str) -> Callable[[Data, Config], Judgement]:
    def judge(data: Data, config: Config) -> Judgement:
        if "repairs" not in data:
            return jn.reduce.unmeasured("chips")
        points = 100 * data["repairs"]["correct"].sel(place="all", drop=True)
        values = points.sel(option=better, drop=True) - points.sel(option=than, drop=True)
        detail = f"accuracy less that of the {than}, {100 * config.share:g} % of the neurons dead and as many saturated"
        return jn.reduce.judge(values, 0.0, jn.reduce.at_least, units="points", called="images", detail=detail)

    return judge


OURS = "prediction of this study"
SPYROU = "Spyrou et al. 2021, doi:10.23919/DATE51398.2021.9474081"
CLAIMS = (
    Claim("saturated_over_dead", "A hidden neuron that is saturated costs more accuracy than one that is dead.", SPYROU,
          _loss(_saturated_less_dead, 0.0, jn.reduce.at_least, "mean over all hidden neurons")),
    Claim("output_over_hidden", "A dead readout costs more accuracy than a dead hidden neuron.", SPYROU,
          _loss(_output_less_hidden, 0.0, jn.reduce.at_least, "mean over all neurons of the layers")),
    Claim("dead_synapses_are_not_critical", "At most 1 % of the synapses of the first layer are critical when dead.", OURS, _rare),
    Claim("low_bits_are_harmless", "A flip of one of the six lower bits of a weight costs at most 0.1 points on average.", OURS,
          _loss(_low_bits, 0.1, jn.reduce.at_most, "layers and bits weighted equally")),
    Claim("few_images", "At most 10 test images show every critical fault of the campaign.", OURS, _few),
    Claim("images_serve_other_faults", "Images chosen for half of the critical faults show at least 95 % of the other half.", OURS, _held_out),
    Claim("tmr_over_ensemble", "With all hidden neurons three times a chip is right more often than the mean of three chips, of the same area.",
          OURS, _redundancy("all", "mean of 3")),
    Claim("half_tmr_over_ensemble", "With the half of the hidden neurons three times that matter most a chip is right more often than the mean of "
          "two chips, of the same area.", OURS, _redundancy("half", "mean of 2")),
)  # fmt: skip
