"""What channel noise does: spontaneous firing by scheme and area, reliability, thresholds, and a noise budget of one neuron."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import jaxsnn_noise as jn
from jaxsnn_noise.parameters import Range, nonnegative, positive
from jaxsnn_noise.study import Progress, option
from jaxsnn_noise.verdicts import holm

from . import axons, budget, pictures
from .claims import CLAIMS

if TYPE_CHECKING:
    from pandas import DataFrame

    from jaxsnn_noise.study import Picture

TITLE = "Channel noise: spontaneous firing, reliability, thresholds, and a noise budget"
COST = {"tiny": "12 s", "default": "4 min", "full": "1 h, estimated"}
settle = holm

__all__ = ["CLAIMS", "DEFAULT", "FULL", "TINY", "Config", "build", "measure", "methods", "plot", "settle", "tables"]


@dataclass(frozen=True)
class Config:
    """Axons of Hodgkin and Huxley with 60 sodium and 18 potassium channels per um2; a leaky integrate-and-fire neuron for the budget."""

    areas: tuple[float, ...] = option((1.0, 3.0, 10.0, 30.0, 60.0, 100.0), positive, least=2, rising=True)
    """Membrane areas of axons without input [um2]."""
    line: tuple[float, ...] = option((10.0, 30.0, 60.0, 100.0), positive, least=2, rising=True)
    """Those whose logarithm of the rate is held to a line [um2]."""
    compared: tuple[float, ...] = option((1.0, 10.0, 100.0), positive, least=2, rising=True)
    """Those whose intervals are compared between schemes; the first and the last are judged [um2]."""
    schemes: tuple[str, ...] = option(tuple(axons.SCHEMES), choices=tuple(axons.SCHEMES))
    """Schemes of channels of axons without input, ``Markov`` among them."""
    axons: int = option(60, Range(2))
    """Axons per area [1]."""
    duration: float = option(2000.0, positive)
    """Their measured time [ms]."""
    settled: float = option(100.0, nonnegative)
    """Their time before it [ms]."""
    dt: float = option(0.02, positive)
    """Time step of axons [ms]."""
    blocks: int = option(20, Range(2))
    """Blocks of axons, over which errors are found [1]."""
    patches: tuple[float, ...] = option((10.0, 30.0, 100.0, 300.0, 1000.0, 10_000.0), positive, rising=True)
    """Areas of axons under a frozen current [um2]; none leaves them out."""
    repeats: int = option(40, Range(4))
    """Trials per area: pairs of them are compared [1]."""
    record: float = option(1500.0, positive)
    """Measured time of each [ms]."""
    settling: float = option(100.0, positive)
    """Time before it [ms]."""
    smooth: float = option(3.0, positive)
    """Standard deviation of the Gaussian of trains that are compared [ms]."""
    large: tuple[float, ...] = option((100.0, 300.0, 1000.0, 3000.0, 10_000.0), positive, rising=True)
    """Areas of axons at a pulse of 1 ms [um2]; none leaves them out."""
    pulse: float = option(6.9, positive)
    """Middle of the ladder of its heights [uA/cm2]."""
    pulses: int = option(200, Range(2))
    """Axons per area and height [1]."""
    equal: float = option(1.0, positive)
    """Standard deviation of every source where they are equal [mV]."""
    stimuli: int = option(10, Range(2))
    """Signals that the neuron of the budget sees [1]."""
    trials: int = option(80, Range(2))
    """Trials of each [1]."""
    parts: int = option(8, Range(2))
    """Blocks of these trials, in each of which the jitter is found [1]."""
    shown: float = option(2000.0, positive)
    """Measured time of each [ms]: whole quarters of a second."""
    seed: int = option(0, Range(0))
    """Root seed [1]."""

    def __post_init__(self) -> None:
        if not {*self.line, *self.compared} <= set(self.areas):
            raise ValueError("areas must have line and compared among them")
        for name, whole in (("axons", "blocks"), ("pulses", "blocks"), ("trials", "parts")):
            if getattr(self, name) % getattr(self, whole):
                raise ValueError(f"{name} must be a whole multiple of {whole}, {getattr(self, whole)}")
        if "Markov" not in self.schemes:
            raise ValueError("schemes must have Markov among them: the others are compared with it")
        for name in ("patches", "large"):
            if len(getattr(self, name)) == 1:
                raise ValueError(f"{name} must be none, or at least two")
        if self.repeats % 2:
            raise ValueError("repeats must be even: trials are compared in pairs")
        if self.trials < 4 * self.parts:
            raise ValueError("trials must be at least four in each of parts: two have no jitter to speak of")


TINY = Config(
    areas=(1.0, 10.0, 30.0), line=(1.0, 10.0, 30.0), compared=(1.0, 10.0), schemes=("Markov",), axons=4, duration=100.0, settled=0.0, blocks=2,
    patches=(), large=(), pulses=8, stimuli=2, trials=8, parts=2, shown=250.0,
)  # fmt: skip
DEFAULT = Config()
FULL = Config(
    axons=400, duration=5000.0, dt=0.01, repeats=200, record=5000.0, pulses=1000, stimuli=40, trials=160, parts=8
)


def build(config: Config) -> dict[str, jn.Simulation]:
    """Axons without input in four schemes, under a frozen current, at a pulse; the neuron of the budget."""
    quiet = {name: axons.quiet(config, name) for name in config.schemes}
    frozen = {"frozen": axons.driven(config)} if config.patches else {}
    pulses = {"pulses": axons.pulsed(config)} if config.large else {}
    return {**quiet, **frozen, **pulses, "budget": budget.neuron(config)}


def measure(config: Config, progress: Progress) -> dict[str, Any]:
    """Intervals of each scheme, trains under the frozen current, responses to pulses, information and precision."""
    stages: dict[str, Any] = {name: functools.partial(axons.intervals, config, name) for name in config.schemes}
    if config.patches:
        stages["frozen"] = functools.partial(axons.repeated, config)
    if config.large:
        stages["pulses"] = functools.partial(axons.responses, config)
    stages["budget"] = functools.partial(budget.measured, config, axons.key_of("budget", config))
    found = {name: progress.stage(name, stage) for name, stage in stages.items()}
    return {name: data.assign_attrs(seed=config.seed) for name, data in found.items()}


def plot(data: Any, config: Config) -> dict[str, Picture]:
    """Rates by scheme and area, agreement, spread of thresholds, and the budget."""
    return pictures.pictures(data, config)


def tables(data: Any, config: Config) -> dict[str, DataFrame]:
    """All that was measured, with 95 % intervals."""
    return pictures.tables(data, config)


def methods(config: Config, data: Any) -> str:
    """The methods paragraph."""
    del data
    return f"""Axons of Hodgkin and Huxley (sodium reversal 115 mV) with 60 sodium and 18 potassium channels per um2 were followed in steps of {config.dt:g} ms:
{config.axons} of each area without input over {config.duration:g} ms, with channels by {", ".join(config.schemes)} (Markov: chains counted one by one, by binomial
tau-leaping); {config.repeats if config.patches else "none"} of each area (Langevin equation with a noise for each transition) under one frozen current of {axons.MEAN:g} uA/cm2, standard deviation
{axons.SPREAD:g}, correlation time {axons.TAU:g} ms, over {config.record:g} ms; {config.pulses if config.large else "none"} for each area and height of a pulse of 1 ms, of which a spike within {axons.WINDOW:g} ms counts.
Agreement is the normalised product of two trains, smoothed with a Gaussian of {config.smooth:g} ms. Thresholds are those of a normal law with a share of spikes
that come without a pulse, by maximum likelihood. The budget is that of a leaky integrate-and-fire neuron ({budget.TAU:g} ms, threshold {budget.THRESHOLD:g} mV, steps of {budget.DT:g} ms)
with {budget.AFFERENTS} afferents of {1000 * budget.RATE:g} Hz whose rate a Gaussian signal modulates: channel noise (white, {budget.BIOPHYSICAL["channel"]:g} mV at the free membrane), release with a probability of {budget.RELEASED:g}, a threshold
that moves ({budget.BIOPHYSICAL["threshold"]:g} mV, {budget.THRESHOLD_TAU:g} ms) and a background current ({budget.BIOPHYSICAL["background"]:g} mV, {budget.BACKGROUND_TAU:g} ms), one at a time, and each at {config.equal:g} mV. Information is the lower bound by coherence up
to 50 Hz, jitter the root mean square over events of the standard deviation of spike times, of {config.stimuli} signals and the {config.trials // config.parts} trials of a block. Intervals are 95 %, over
{config.blocks} blocks of axons, pairs of trials, trials, or {config.parts} blocks of them.
"""
