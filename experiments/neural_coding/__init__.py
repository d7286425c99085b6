"""What fitted neurons say of two recordings: a grasshopper's ear under sound, a human motoneuron under magnetic stimuli.

Escape-rate neurons are fitted by the exact likelihood of the recorded spikes and judged by what was held out: blocks of the one
long trial of the grasshopper, trials of the motoneuron. Whatever is found speaks of these two neurons alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import jaxsnn_noise as jn
from jaxsnn_noise.parameters import Range, positive
from jaxsnn_noise.study import Picture, Progress, option
from jaxsnn_noise.verdicts import holm

from . import grasshopper, motoneuron, neurons, pictures, recordings
from .claims import CLAIMS

if TYPE_CHECKING:
    from pandas import DataFrame

TITLE = "Neural coding: neurons fitted to a grasshopper's ear and to a human motoneuron"
COST = {"tiny": "10 s", "default": "1 min", "full": "5 min, estimated"}
settle = holm

__all__ = ["CLAIMS", "DEFAULT", "FULL", "TINY", "Config", "build", "measure", "methods", "plot", "settle", "tables"]


@dataclass(frozen=True)
class Config:
    """What is fitted and held out."""

    neurons: tuple[str, ...] = option(tuple(neurons.EXTRA), choices=tuple(neurons.EXTRA), least=1)
    """Neurons, in the order in which they are fitted; ``lif`` has to be among them."""
    recordings: int = option(2, Range(1, 2))
    """Recordings of the grasshopper [1]."""
    recorded: float = option(10000.0, Range(2000.0, 10000.0))
    """How much of each [ms]."""
    block: float = option(250.0, Range(128.0, 1000.0))
    """Length of a block, every other one of which is held out [ms]."""
    past: float = option(250.0, Range(50.0, 1000.0))
    """What the neuron saw and fired before a block, which does not count [ms]."""
    trials: int = option(469, Range(20, 469))
    """Trials of the motoneuron, every other one of which is held out [1]."""
    trial_dt: float = option(1.0, positive)
    """Time step of the motoneuron [ms]; that of the grasshopper is the 0.5 ms of its stimulus."""
    half: int = option(0, Range(0, 1))
    """Which blocks and trials are fitted [1]: 0 the first, third, ..., 1 the others."""
    starts: int = option(4, Range(1, 4))
    """From how many points fits start at most [1]."""
    steps: int = option(150, Range(1))
    """Steps of a fit at most [1]."""
    draws: int = option(40, Range(2))
    """Simulations of each held-out piece [1]."""

    def __post_init__(self) -> None:
        if self.neurons[0] != "lif":
            raise ValueError("neurons must begin with lif: the others are compared with it, and start from it")


TINY = Config(neurons=("lif",), recordings=1, recorded=4000.0, trials=60, starts=1, steps=15, draws=2)
DEFAULT = Config()
FULL = Config(draws=400, steps=400, trial_dt=0.5)


def build(config: Config) -> dict[str, jn.Simulation]:
    """The first neuron of each recording, as its fit starts."""
    made = {}
    recording = recordings.grasshopper(config)[0]
    units = recordings.blocks(recording, config)
    trials = recordings.trials(jn.datasets.load("motoneuron"), config)
    pairs = {
        "grasshopper": (grasshopper.task_of(units, recording.dt), units),
        "motoneuron": (motoneuron.task_of(trials, config.trial_dt), trials),
    }
    for name, (task, one) in pairs.items():
        made[name] = neurons.placed("lif", task, neurons.start_of("lif", task), one.features[0])
    return made


def measure(config: Config, progress: Progress) -> dict[str, Any]:
    """Both recordings."""
    return {
        "grasshopper": progress.stage("grasshopper", lambda: grasshopper.measured(config, progress)),
        "motoneuron": progress.stage("motoneuron", lambda: motoneuron.measured(config, progress)),
    }


def plot(data: Any, config: Config) -> dict[str, Picture]:
    """Held-out likelihoods, spike-triggered averages, coherence, PSTH."""
    return pictures.plot(data, config)


def tables(data: Any, config: Config) -> dict[str, DataFrame]:
    """Held-out bits per spike, parameters, statistics."""
    return pictures.tables(data, config)


def methods(config: Config, data: Any) -> str:
    """The methods paragraph."""
    ear, cell = data["grasshopper"], data["motoneuron"]
    return f"""Neurons with an escape rate ({", ".join(config.neurons)}; threshold 1 mV, rest and reset 0 mV, escape rate at the threshold {neurons.AT_THRESHOLD_HZ:g} Hz, all conventions) were
fitted by maximum likelihood of the recorded spikes, each decision given the recorded past and the input (training.clamped), by Fisher scoring on exact derivatives; a normal prior of
standard deviation 4 round the start in each free number (a logarithm where it is positive) holds what the data do not tell. Grasshopper: sound level in decibels (mean 0, SD 1), delayed by
a fitted time, times a weight, plus a bias; dt 0.5 ms, dead time {grasshopper.REFRACTORY:g} ms; {int(ear.train.sum())} blocks of {config.block:g} ms fitted, the {int((~ear.train).sum())} between them held out, each
given the {config.past:g} ms before it. Motoneuron: a bias, and after the stimulus a current that is linear between knots; dt {config.trial_dt:g} ms, dead time {motoneuron.REFRACTORY:g} ms; {int(cell.train.sum())} trials fitted,
{int((~cell.train).sum())} held out. Only the last three spikes before and the first three after the stimulus were published: a trial counts from its first spike to the third after the stimulus.
Baselines are in the same steps: a Poisson process of constant rate, one whose rate is a histogram over a regularised filter of the level ({grasshopper.LAGS:g} ms), one whose rate is the PSTH of the
training trials ({config.trial_dt * 5:g} ms bins). Fitted neurons were simulated {config.draws} times on the input of each held-out piece; ratios to the recording have jackknife errors over these pieces.
Intervals are over held-out blocks or trials at fixed fits, and speak of this ear and this motoneuron alone; the choice of the training half adds to them.
"""
