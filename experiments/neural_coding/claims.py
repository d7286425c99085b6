"""The claims, one cell each: held-out blocks of the grasshopper (both recordings), held-out trials of the motoneuron."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

import jaxsnn_noise as jn
from jaxsnn_noise.reduce import at_least
from jaxsnn_noise.study import Claim, Judgement

if TYPE_CHECKING:
    import xarray as xr

WITHIN = 0.1
"""What counts as the same, relative; ours."""
OURS = "prediction of this study"
UNITS = {"grasshopper": "block", "motoneuron": "trial"}
Judge = Callable[[Any, Any], Judgement]


def gain(data: Any, of: str, model: str, other: str) -> xr.DataArray:
    """Log-likelihood of each held-out piece above that under another model [bit per spike of a mean piece]."""
    found, unit = data[of], UNITS[of]
    test = found.isel({unit: np.flatnonzero(~found["train"].values)})
    difference = test["likelihood"].sel(model=model, drop=True) - test["likelihood"].sel(model=other, drop=True)
    each: xr.DataArray = difference / test["spikes"].mean(unit) / np.log(2.0)
    return each.reset_coords(drop=True)


def unfinished(found: xr.Dataset, models: tuple[str, ...]) -> str:
    """Said of fits that were cut off before they ended by themselves."""
    cut = [m for m in models if m in found.neuron and not bool(found["done"].sel(neuron=m).all())]
    return f"; cut off before its optimum: {', '.join(cut)}" if cut else ""


def _ahead(of: str, model: str, other: str, bound: float = 0.0) -> Judge:
    def judge(data: Any, config: Any) -> Judgement:
        if model not in data[of].model or other not in data[of].model:
            return jn.reduce.unmeasured(f"{model} and {other}")
        words = f"{model} over {other}, for this neuron alone{unfinished(data[of], (model, other))}"
        return jn.reduce.judge(
            gain(data, of, model, other), bound, at_least, units="bit/spike", random=UNITS[of], called=f"held-out {UNITS[of]}s of this neuron", detail=words,
        )  # fmt: skip

    return judge


def _like(of: str, name: str) -> Judge:
    def judge(data: Any, config: Any) -> Judgement:
        values = data[of][f"ratio_{name}"].reset_coords(drop=True)
        words = f"{name} of the fitted neuron ({data[of].attrs['simulated']}) over that of the recording, jackknife pseudo-values"
        words += unfinished(data[of], (data[of].attrs["simulated"],))
        return jn.reduce.judge_within(
            values, 1 - WITHIN, 1 + WITHIN, units="1", random="held_out", called=f"held-out {UNITS[of]}s of this neuron", detail=words,
        )  # fmt: skip

    return judge


def noise_itself(data: Any, config: Any) -> Judgement:
    """Membrane noise fires the neuron as often as the rate that stands for it."""
    if "noise_rate" not in data["grasshopper"]:
        return jn.reduce.unmeasured("noisy")
    values = data["grasshopper"]["noise_rate"].reset_coords(drop=True)
    words = (
        "spikes by white noise of the fitted amplitude on the membrane over those by the rate, jackknife pseudo-values"
    )
    return jn.reduce.judge_within(values, 1 - WITHIN, 1 + WITHIN, units="1", random="held_out", called="held-out blocks of this neuron", detail=words)  # fmt: skip


def same_average(data: Any, config: Any) -> Judgement:
    """The STA of simulated spikes is that of recorded ones."""
    values = data["grasshopper"]["ratio_sta"].reset_coords(drop=True)
    words = "correlation of both averages over 20 ms, jackknife pseudo-values"
    return jn.reduce.judge(values, 0.95, at_least, units="1", random="held_out", called="held-out blocks of this neuron", detail=words)  # fmt: skip


def decoder_tells(data: Any, config: Any) -> Judgement:
    """A linear decoder tells the level of held-out sound, above the shuffled floor."""
    decoded = data["grasshopper"]["decoded"]
    values = (decoded.sel(decoder="recording", drop=True) - decoded.sel(decoder="shuffled", drop=True)).reset_coords(drop=True)  # fmt: skip
    words = "explained variance of held-out blocks less that with the spikes of the next one"
    return jn.reduce.judge(values, 0.0, at_least, units="1", random="held_out", called="held-out blocks of this neuron", detail=words)  # fmt: skip


CLAIMS = (
    Claim("ear_beats_filter", "Grasshopper: a LIF with an escape rate foretells held-out spikes better than a linear-nonlinear Poisson model.", OURS, _ahead("grasshopper", "lif", "linear_nonlinear")),
    Claim("ear_adapts", "Grasshopper: an adaptive threshold makes it better.", OURS, _ahead("grasshopper", "adaptive", "lif")),
    Claim("ear_polynomial", "Grasshopper: a learned polynomial of the potential makes it better.", OURS, _ahead("grasshopper", "polynomial", "lif")),
    Claim("ear_membrane_noise", "Grasshopper: the rate that stands for white membrane noise does as well as an exponential one, to 0.1 bit.", OURS, _ahead("grasshopper", "noisy", "lif", -0.1)),
    Claim("ear_noise_itself", "Grasshopper: white noise of the fitted amplitude on the membrane fires it as often as the rate that stands for it, within 10 %.", OURS, noise_itself),
    Claim("ear_rate", "Grasshopper: simulated on held-out sound, the fitted neuron has the rate of the recording, within 10 %.", OURS, _like("grasshopper", "rate")),
    Claim("ear_cv", "Grasshopper: it has the CV of the recording, within 10 %.", OURS, _like("grasshopper", "cv")),
    Claim("ear_average", "Grasshopper: its spike-triggered average has a correlation of 0.95 with that of the recording.", OURS, same_average),
    Claim("ear_information", "Grasshopper: its coherence with the sound tells as much, within 10 %.", OURS, _like("grasshopper", "information")),
    Claim("ear_decoded", "Grasshopper: a linear decoder tells the level of held-out sound, above its shuffled floor.", OURS, decoder_tells),
    Claim("motoneuron_beats_psth", "Motoneuron: a LIF with an escape rate foretells held-out spikes better than a Poisson process with the training PSTH.", OURS, _ahead("motoneuron", "lif", "psth")),
    Claim("motoneuron_adapts", "Motoneuron: an adaptive threshold makes it better.", OURS, _ahead("motoneuron", "adaptive", "lif")),
    Claim("motoneuron_polynomial", "Motoneuron: a learned polynomial of the potential makes it better.", OURS, _ahead("motoneuron", "polynomial", "lif")),
    Claim("motoneuron_membrane_noise", "Motoneuron: the rate that stands for white membrane noise does as well as an exponential one, to 0.1 bit.", OURS, _ahead("motoneuron", "noisy", "lif", -0.1)),
    Claim("motoneuron_rate", "Motoneuron: continued from the first spike of held-out trials, the fitted neuron fires as often in the 150 ms after the stimulus, within 10 %.", OURS, _like("motoneuron", "rate")),
    Claim("motoneuron_cv", "Motoneuron: it has the CV of the recording, within 10 %.", OURS, _like("motoneuron", "cv")),
    Claim("motoneuron_fano", "Motoneuron: its counts have the Fano factor of the recording, within 10 %.", OURS, _like("motoneuron", "fano")),
)  # fmt: skip
