"""Learned neuron dynamics against tuned ones: a gain on temporal tasks and none on static ones?

Classifiers with two hidden layers learn their weights alone, or time constants per layer or per neuron, a polynomial or gates as well, on a
synthetic task of two time scales, on spoken vowels, and on static images. Every arm has the same trials of tuning (which time
constants to start from), the same number of updates, and at least as many parameters where it is a baseline.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

import jaxsnn_noise as jn
from jaxsnn_noise.parameters import Range, nonnegative, positive
from jaxsnn_noise.study import Picture, Progress, option
from jaxsnn_noise.verdicts import holm

from . import assessing, members, pictures, tasks
from .claims import CLAIMS

if TYPE_CHECKING:
    import xarray as xr
    from pandas import DataFrame

TITLE = "Learned neuron dynamics: a gain on temporal tasks, none on static ones?"
COST = {"tiny": "13 s", "default": "6 min, estimated", "full": "2 h, estimated"}
APART = 1000
"""Index of the first network that is tested; those that starts are chosen by come before."""
FLAT = {"layer_flat": "layer", "neuron_flat": "neuron"}
"""Arms whose start is the middle time constant everywhere, whatever tuning says; that of neurons without a spread."""
settle = holm

__all__ = ["CLAIMS", "DEFAULT", "FULL", "TINY", "Config", "build", "measure", "methods", "plot", "settle", "tables"]


@dataclass(frozen=True)
class Config:
    """What is simulated; the numbers are ours, chosen before the first test."""

    tasks: tuple[str, ...] = option(("two_scale", "vowels", "mnist"), choices=("two_scale", "vowels", "mnist"), least=1)
    """Tasks."""
    arms: tuple[str, ...] = option(tuple(members.ARMS), choices=tuple(members.ARMS), least=2)
    """What is learned; ``tuned`` has to be among them."""
    hidden: int = option(32, Range(2))
    """Neurons of the first hidden layer; the second has two more [1]."""
    steps: int = option(80, Range(4))
    """Steps of 1 ms of the synthetic task [1]."""
    train: int = option(2000, Range(10, 4000))
    """Samples to train on, of the synthetic task and of images [1]."""
    images: int = option(370, Range(10, 370))
    """Samples to tune with, and as many others to test with [1]."""
    tuners: int = option(2, Range(1, APART))
    """Networks by which starts are chosen [1]."""
    networks: int = option(8, Range(2))
    """Networks that are tested [1]."""
    updates: int = option(400, Range(1))
    """Steps of the optimiser, the same for all [1]."""
    batch: int = option(32, Range(1))
    """Samples per step [1]."""
    rate: float = option(1e-2, positive)
    """Learning rate of the first step, from which it falls to 0 as a cosine [nA]."""
    noise: float = option(0.1, nonnegative)
    """Diffusion of the hidden membranes in the noisy test [mV/sqrt(ms)]."""
    mismatch: float = option(0.2, nonnegative)
    """Coefficient of variation of hidden time constants and thresholds on a chip [1]."""
    bits: int = option(4, Range(1, 24))
    """Bits of the weights in the test of few bits [1]."""
    entries: int = option(17, Range(2))
    """Entries of the table of a learned polynomial [1]."""
    entry_bits: int = option(8, Range(2, 24))
    """Bits of an entry [1]."""
    at_once: int = option(8, Range(1))
    """Networks in one program, which changes time alone [1]."""
    seed: int = option(0, Range(0))
    """Root seed [1]."""

    def __post_init__(self) -> None:
        if "tuned" not in self.arms:
            raise ValueError("arms must have tuned among them: the baseline")


TINY = Config(
    tasks=("two_scale",), arms=("tuned", "layer", "neuron"), hidden=6, steps=12, train=40, images=20, tuners=1, networks=2,
    updates=6, batch=8, at_once=12,
)  # fmt: skip
DEFAULT = Config()
FULL = Config(tuners=4, networks=24, updates=1500, train=4000)


def build(config: Config) -> dict[str, jn.Simulation]:
    """A classifier of each task, its weights not drawn yet."""
    return {name: members.simulation(tasks.task(name, config), config) for name in config.tasks}


def starts(of: tasks.Task) -> list[tuple[float, float]]:
    """First time constants of both layers that tuning chooses from [ms]: equal ones, and early fast, late slow."""
    short, middle, long = of.taus
    return [(short, short), (middle, middle), (long, long), (short, long)]


def measure(config: Config, progress: Progress) -> dict[str, xr.Dataset]:
    """Of each task: starts by samples to tune with; then other networks from the chosen ones, and the test samples."""
    found = {}
    for name in config.tasks:
        tuning = progress.stage(f"tuning_{name}", functools.partial(_tuning, name, config, progress))
        found[f"tuning_{name}"] = tuning
        found[name] = progress.stage(name, functools.partial(_final, name, config, tuning, progress))
    return found


def _tuning(name: str, config: Config, progress: Progress) -> xr.Dataset:
    import xarray as xr

    of = tasks.task(name, config)
    data, pairs = tasks.data(of, config), starts(of)
    cells = [(s, pair, members.ARMS[arm]) for arm in config.arms for pair in pairs for s in range(config.tuners)]
    with progress.task(f"tuning on {name}", unit="networks", total=len(cells)) as task:
        leaves = members.learnt(of, config, data["learn"], cells, task.update)
    ids, arms = [s for s, _, _ in cells], [arm for _, _, arm in cells]
    right = assessing.right(of, config, data["tune"], leaves, ids, arms, [0])[:, 0].mean(axis=-1)
    columns = {
        "accuracy": (("arm", "start", "network"), right.reshape(len(config.arms), len(pairs), config.tuners)),
        "taus": (("start", "layer"), np.array(pairs)),
    }
    return xr.Dataset(columns, {"arm": list(config.arms), "layer": list(members.HIDDEN)}, {"seed": config.seed})


def chosen(tuning: xr.Dataset) -> xr.DataArray:
    """Which start has the largest mean accuracy over networks (arm), the first of equal ones."""
    return tuning["accuracy"].mean("network").argmax("start")


def _final(name: str, config: Config, tuning: xr.Dataset, progress: Progress) -> xr.Dataset:
    import xarray as xr

    of, best = tasks.task(name, config), chosen(tuning)
    data, pairs = tasks.data(of, config), starts(of)
    flat = {flat: arm for flat, arm in FLAT.items() if arm in config.arms}
    plan = {arm: (members.ARMS[arm], pairs[int(best.sel(arm=arm))]) for arm in config.arms}
    plan |= {flat: (members.ARMS[arm]._replace(spread=0.0), pairs[1]) for flat, arm in flat.items()}
    seeds = list(range(APART, APART + config.networks))
    cells = [(s, pair, arm) for arm, pair in plan.values() for s in seeds]
    with progress.task(f"networks on {name}", unit="networks", total=len(cells)) as task:
        leaves = members.learnt(of, config, data["train"], cells, task.update)
    ids, arms = [s for s, _, _ in cells], [arm for _, _, arm in cells]
    which = range(len(assessing.CONDITIONS))
    right = assessing.right(of, config, data["test"], leaves, ids, arms, which)
    shape = (len(plan), config.networks)
    taus = [[one[f"network.{layer}.neuron.tau_mem"][: config.hidden] for layer in members.HIDDEN] for one in leaves]
    columns = {
        "right": (("arm", "seed", "condition", "sample"), right.reshape(*shape, *right.shape[1:]).astype(np.float32)),
        "taus": (("arm", "seed", "layer", "neuron"), np.array(taus).reshape(*shape, 2, config.hidden)),
        "start": (("arm", "layer"), np.array([pair for _, pair in plan.values()])),
    }
    if "polynomial" in config.arms:
        own = [i for i, arm in enumerate(arms) if arm.curve > 0]
        bent = [leaves[i] for i in own]
        table = assessing.by_table(of, config, data["test"], bent, [ids[i] for i in own])
        curves = [[one[f"network.{layer}.neuron.polynomial.coefficients"] for layer in members.HIDDEN] for one in bent]
        columns["table"] = (("seed", "sample"), table.astype(np.float32))
        columns["coefficients"] = (("seed", "layer", "degree"), np.array(curves))
    coords = {"arm": list(plan), "seed": seeds, "condition": list(assessing.CONDITIONS), "layer": list(members.HIDDEN)}
    return xr.Dataset(columns, coords, {"seed": config.seed})


def tables(data: Mapping[str, xr.Dataset], config: Config) -> dict[str, DataFrame]:
    """Accuracies and gains with 95 % intervals, learned time constants, tuning, and the learned neuron as a table."""
    return pictures.tables(data, config)


def plot(data: Mapping[str, xr.Dataset], config: Config) -> dict[str, Picture]:
    """Gains over the tuned LIF, learned time constants, learned nonlinearities."""
    return pictures.plot(data, config)


def methods(config: Config, data: Mapping[str, Any]) -> str:
    """The methods paragraph."""
    told = []
    for name in config.tasks:
        best = chosen(data[f"tuning_{name}"])
        pairs = starts(tasks.task(name, config))
        told.append(f"{name}: " + ", ".join(f"{arm} {pairs[int(best.sel(arm=arm))]}" for arm in config.arms))
    return f"""Classifiers with {config.hidden} and {config.hidden + members.SPARE} hidden neurons and leaky readouts ({members.READOUT:g} ms) learn by surrogate gradients: {config.updates} steps of
Adam ({config.rate:g}, falling to 0 as a cosine; minibatches of {config.batch} with replacement). Arms that learn dynamics move them {members.FASTER:g} times as fast (logarithms of time constants,
coefficients of a cubic, logits of gates); where numbers are learned per neuron, the second layer has {members.SPARE} neurons less, so that the baseline has the
more parameters. Tuning chooses one of four pairs of first time constants for each arm, by {config.tuners} networks on samples of their own ({"; ".join(told)} [ms]). Then {config.networks} other networks,
the same for all arms in first weights, minibatches and random numbers, are trained from it and tested once on {config.images} samples: as they are, under white noise of
the hidden membranes ({config.noise:g} mV/sqrt(ms)), each on a chip of its own with log-normal mismatch of hidden time constants and thresholds (cv {config.mismatch:g}), and with weights of {config.bits} bits.
Arms called flat start from the middle time constant everywhere, untuned. The synthetic task shows {config.steps} ms of white noise and asks for the signs of two leaky averages of it,
{tasks.FAST:g} and {tasks.SLOW:g} ms long, at the end. Vowels are 12 cepstral coefficients of 9 speakers, trained on 270 and tested on {config.images} utterances of other occasions; images are MNIST, held
for 15 ms, {config.train} to train on. Networks and samples are both random, crossed; verdicts are two-sided, Holm over all claims at 5 %.
"""
