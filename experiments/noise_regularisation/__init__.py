"""Noise in training as a regulariser, against weight decay and dropout, each tuned by the same number of trials.

Classifiers of MNIST digits (LIF neurons) learn from 100 to 5000 images with white noise on the hidden membranes, with
decoupled weight decay, with dropout of hidden neurons, or with none of them; at test all of that is off. A strength is chosen
for each method and size by the accuracy of other networks on images that are for that; then networks that nobody has seen are
trained at it, and shown the test images, once.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

import jaxsnn_noise as jn
from jaxsnn_noise import figures
from jaxsnn_noise.parameters import Range, positive
from jaxsnn_noise.study import Picture, Progress, option
from jaxsnn_noise.verdicts import holm

from . import claims
from .members import METHODS, TAU, correct, images, learnt, member, simulation

if TYPE_CHECKING:
    import xarray as xr
    from pandas import DataFrame

TITLE = "Noise in training as a regulariser: against weight decay, dropout and nothing"
COST = {"tiny": "10 s", "default": "4 min", "full": "1 h, estimated"}
TUNED = METHODS[1:]
TESTED = ("quiet", "noisy")
APART = 1000
"""Index of the first network that is tested; those that strengths are chosen by come before."""
CLAIMS = claims.CLAIMS
settle = holm


@dataclass(frozen=True)
class Config:
    """What is simulated; the numbers are ours, chosen before the first run."""

    sizes: tuple[int, ...] = option((100, 200, 500, 1000, 2000, 5000), Range(10, 5000), least=2, rising=True)
    """Training images [1]."""
    primary: int = option(200, Range(10, 5000))
    """The number of them of which claims on few images speak [1]."""
    noise: tuple[float, ...] = option((0.125, 0.25, 0.5, 1.0, 2.0), positive, rising=True)
    """Strengths: standard deviation of a free hidden membrane in training; the threshold is 1 mV [mV]."""
    decay: tuple[float, ...] = option((0.03, 0.1, 0.3, 1.0, 3.0), positive, rising=True)
    """Strengths: decoupled weight decay, per unit of the learning rate [1]."""
    dropout: tuple[float, ...] = option(
        (0.1, 0.2, 0.35, 0.5, 0.7), Range(0.0, 1.0, low_open=True, high_open=True), rising=True
    )
    """Strengths: share of hidden neurons that are out in a presentation [1]."""
    tuners: int = option(4, Range(1, APART))
    """Networks by which strengths are chosen [1]."""
    networks: int = option(12, Range(2))
    """Networks that are tested [1]."""
    images: int = option(500, Range(1, 500))
    """Images to tune with, and as many others to test with [1]."""
    test_noise: float = option(3.0, positive)
    """Standard deviation of a free hidden membrane in the noisy test [mV]."""
    hidden: int = option(64, Range(1))
    """Hidden neurons [1]."""
    steps: int = option(15, Range(2))
    """Steps of 1 ms that an image is shown [1]."""
    updates: int = option(400, Range(1))
    """Steps of the optimiser, the same for all sizes [1]."""
    batch: int = option(50, Range(1))
    """Images per step [1]."""
    rate: float = option(5e-3, positive)
    """Learning rate of the first step, from which it falls to 0 as a cosine [nA]."""
    at_once: int = option(48, Range(1))
    """Networks in one program, which changes time alone [1]."""
    seed: int = option(0, Range(0))
    """Root seed [1]."""

    def __post_init__(self) -> None:
        if self.primary not in self.sizes:
            raise ValueError("primary must be one of the sizes")
        if len({len(self.noise), len(self.decay), len(self.dropout)}) != 1:
            raise ValueError("noise, decay and dropout must have the same number of strengths")


TINY = Config(
    sizes=(30, 60), primary=30, noise=(0.5,), decay=(0.3,), dropout=(0.2,), tuners=1, networks=2, images=20, hidden=8, steps=4,
    updates=10, batch=10, at_once=8,
)  # fmt: skip
DEFAULT = Config()
FULL = Config(tuners=8, networks=24, updates=1500, hidden=100, steps=25)


def build(config: Config) -> jn.Simulation:
    """A classifier with random weights; noise and dropout are silent."""
    return simulation(config, 0)


def measure(config: Config, progress: Progress) -> dict[str, xr.Dataset]:
    """Strengths by images to tune with; then other networks at the chosen ones, and the test images."""
    tuning = progress.stage("tuning", lambda: _tuning(config, progress))
    return {"tuning": tuning, "final": progress.stage("final", lambda: _final(config, tuning, progress))}


def _tuning(config: Config, progress: Progress) -> xr.Dataset:
    import xarray as xr

    data, trials = images(config), len(config.noise)
    cells = [(m, i, n, s) for m in TUNED for i in range(trials) for n in config.sizes for s in range(config.tuners)]
    members = [member(s, n, m, getattr(config, m)[i]) for m, i, n, s in cells]
    with progress.task("tuning", unit="networks", total=len(members)) as task:
        weights = learnt(config, data["train"], members, task.update)
    right = correct(config, data["tune"], weights, [s for *_, s in cells], (0.0, config.test_noise))[:, 0].mean(axis=-1)
    shape = (len(TUNED), trials, len(config.sizes), config.tuners)
    strengths = np.array([getattr(config, m) for m in TUNED])
    columns = {
        "accuracy": (("regulariser", "trial", "size", "network"), right.reshape(shape)),
        "strength": (("regulariser", "trial"), strengths),
    }
    return xr.Dataset(columns, {"regulariser": list(TUNED), "size": list(config.sizes)}, {"seed": config.seed})


def chosen(tuning: xr.Dataset) -> xr.DataArray:
    """The strength of the largest mean accuracy over networks, the weakest of equal ones (regulariser, size)."""
    best = tuning["accuracy"].mean("network").argmax("trial")
    return tuning["strength"].isel(trial=best)


def _final(config: Config, tuning: xr.Dataset, progress: Progress) -> xr.Dataset:
    import xarray as xr

    data, strength = images(config), chosen(tuning)
    seeds = list(range(APART, APART + config.networks))
    cells = [(m, n, s) for m in METHODS for n in config.sizes for s in seeds]
    members = [
        member(s, n, m, 0.0 if m == METHODS[0] else float(strength.sel(regulariser=m, size=n))) for m, n, s in cells
    ]
    with progress.task("networks", unit="networks", total=len(members)) as task:
        weights = learnt(config, data["train"], members, task.update)
    right = correct(config, data["test"], weights, [s for *_, s in cells], (0.0, config.test_noise))
    shape = (len(METHODS), len(config.sizes), config.networks, len(TESTED), config.images)
    columns = {
        "correct": (("regulariser", "size", "seed", "tested", "sample"), right.reshape(shape).astype(np.float32)),
        "chosen": (("tuned", "size"), strength.transpose("regulariser", "size").values),
    }
    coords = {"regulariser": list(METHODS), "size": list(config.sizes), "tested": list(TESTED), "tuned": list(TUNED)}
    return xr.Dataset(columns, {**coords, "seed": seeds}, {"seed": config.seed})


def tables(data: Mapping[str, xr.Dataset], config: Config) -> dict[str, DataFrame]:
    """Accuracies and what each method gains over none, with 95 % intervals; the strengths, and what they were chosen by."""
    right = 100.0 * data["final"]["correct"].astype(float)
    over = ("seed", "sample")
    gains = right.sel(regulariser=list(TUNED)) - right.sel(regulariser=METHODS[0], drop=True)
    rivals = right.sel(regulariser="noise", drop=True) - right.sel(regulariser=list(TUNED[1:]))
    return {
        "accuracy": jn.reduce.mean_and_error(right, over=over).to_dataframe().reset_index(),
        "gain_over_none": jn.reduce.mean_and_error(gains, over=over).to_dataframe().reset_index(),
        "noise_less_others": jn.reduce.mean_and_error(rivals, over=over).to_dataframe().reset_index(),
        "chosen": data["final"]["chosen"].to_dataframe().reset_index(),
        "tuning": data["tuning"].mean("network").to_dataframe().reset_index(),
    }


def plot(data: Mapping[str, xr.Dataset], config: Config) -> dict[str, Picture]:
    """Accuracy, and what each method gains over none, against the number of training images."""
    found = tables(data, config)
    words = f"{config.networks} networks, {config.images} test images; bands: 95 % intervals over both"
    pictures = {}
    for tested in TESTED:
        how = "without noise" if tested == "quiet" else f"under noise of {config.test_noise:g} mV"
        for name, label in (("accuracy", "accuracy [%]"), ("gain_over_none", "gain over none [points]")):
            part = found[name][found[name]["tested"] == tested]
            text = f"{label.split(' [')[0].capitalize()}, tested {how}; {words}."
            pictures[f"{name}_{tested}"] = _curves(part, label, text)
    return pictures


def _curves(table: DataFrame, label: str, caption: str) -> Picture:
    import pandas

    figure, axes = figures.new_figure()
    drawn = []
    for method in METHODS:
        part = table[table["regulariser"] == method]
        if len(part):
            values = [part[k].to_numpy(float) for k in ("size", "mean", "low", "high")]
            _, one = figures.line_with_interval(axes, *values, x_label="training images", y_label=label, series=method)
            drawn.append(one)
    axes.set_xscale("log")
    return Picture(figure, pandas.concat(drawn, ignore_index=True), caption)


def methods(config: Config, data: Mapping[str, xr.Dataset]) -> str:
    """The methods paragraph."""
    kept = data["final"]["chosen"]
    told = "; ".join(f"{m}: {', '.join(f'{float(kept.sel(tuned=m, size=n)):g}' for n in config.sizes)}" for m in TUNED)
    return f"""Classifiers of 784 inputs, {config.hidden} leaky integrate-and-fire neurons ({TAU:g} ms, threshold 1 mV) and 10 leaky readouts
were shown MNIST digits as constant currents for {config.steps} steps of 1 ms and trained by surrogate gradients for {config.updates} steps of
Adam ({config.rate:g}, falling to 0 as a cosine; minibatches of {config.batch} drawn with replacement) on {", ".join(map(str, config.sizes))} images of the embedded set,
a random choice for each network. In training hidden membranes had white noise (strength: standard deviation of the free membrane), or
weights decayed (decoupled, per unit of the learning rate), or hidden neurons were out for a presentation (output weights are then scaled by the
share that stays), or nothing was done. Of {len(config.noise)} strengths of each method that one was taken for each size with which {config.tuners} networks answered
{config.images} images best, without noise ({told}; in the order of sizes). Then {config.networks} other networks, the same for all methods in first weights,
images, their order and random numbers, were trained at it and shown {config.images} other images, once without noise and once under noise of {config.test_noise:g} mV.
Images to tune and to test with are halves of the test part of the set, by other writers than the training part. Networks and images are both random,
crossed; verdicts are two-sided, Holm over all claims at 5 %.
"""
