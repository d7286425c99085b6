"""Noise that leaves local optima: escape times against Kramers, and a winner-take-all network on a constraint problem."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import jaxsnn_noise as jn
from jaxsnn_noise.parameters import Range, positive
from jaxsnn_noise.study import Progress, option
from jaxsnn_noise.verdicts import holm

from . import measuring, pictures, puzzles
from .claims import CLAIMS

if TYPE_CHECKING:
    from pandas import DataFrame

    from jaxsnn_noise.study import Picture

TITLE = "Exploration by noise: escape from a well, and a constraint problem"
COST = {"tiny": "7 s", "default": "3 min", "full": "20 min, estimated"}
settle = holm

__all__ = ["CLAIMS", "DEFAULT", "FULL", "TINY", "Config", "build", "measure", "methods", "plot", "settle", "tables"]


@dataclass(frozen=True)
class Config:
    """What is run. The well is that of a quadratic integrate-and-fire neuron: tau 10 ms, rest at 0 mV, barrier at 1 mV."""

    heights: tuple[float, ...] = option((2.0, 3.0, 4.0, 5.0, 6.0), positive, least=2, rising=True)
    """Height of the barrier over D = sigma^2/2 [1]."""
    neurons: int = option(300, Range(1))
    """Particles per trial [1]."""
    trials: int = option(10, Range(2))
    """Trials per height [1]."""
    duration: float = option(60000.0, positive)
    """Measured time [ms]."""
    dt: float = option(0.25, positive)
    """Time step of the particles [ms]."""
    widths: tuple[float, ...] = option((0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5, 0.7, 1.0), positive, least=3, rising=True)
    """Noise of the network: what raises the odds of a spike by e [1]."""
    primary: float = option(0.25, positive)
    """That which is asked for more than the ends [1]."""
    clues: int = option(4, Range(1, 16))
    """Given cells of a puzzle [1]."""
    puzzles: int = option(100, Range(2))
    """Puzzles, drawn independently [1]."""
    repeats: int = option(10, Range(2))
    """Runs of each search per puzzle [1]."""
    steps: int = option(200, Range(10))
    """Steps that each search has; in one it looks at all units, or cells, once [1]."""
    hot: float = option(1.0, positive)
    """First temperature of the annealing, in broken pairs [1]."""
    cold: float = option(0.3, positive)
    """Last temperature of the annealing [1]."""
    seed: int = option(0, Range(0))
    """Root seed [1]."""

    def __post_init__(self) -> None:
        if self.primary not in self.widths[1:-1]:
            raise ValueError("widths must have primary among them, and not as an end")


TINY = Config(heights=(2.0, 3.0), neurons=20, trials=3, duration=2000.0, widths=(0.1, 0.25, 1.0), puzzles=4, repeats=2, steps=60)  # fmt: skip
DEFAULT = Config()
FULL = Config(neurons=600, trials=40, puzzles=200, repeats=20, dt=0.1)


def build(config: Config) -> dict[str, jn.Simulation]:
    """The particles and the network."""
    return {"escape": measuring.particles(config), "network": puzzles.network(config.steps)}


def measure(config: Config, progress: Progress) -> dict[str, Any]:
    """Rates of escape; steps to a solution of all searches."""
    found = {"escape": measuring.escapes(config, progress), "search": measuring.searches(config, progress)}
    return {name: data.assign_attrs(seed=config.seed) for name, data in found.items()}


def plot(data: Any, config: Config) -> dict[str, Picture]:
    """Escape times with theory, success against noise."""
    return pictures.plot(data, config)


def tables(data: Any, config: Config) -> dict[str, DataFrame]:
    """All numbers."""
    return pictures.tables(data, config)


def methods(config: Config, data: Any) -> str:
    """The methods paragraph."""
    return f"""Particles are quadratic integrate-and-fire neurons (tau 10 ms, stable at 0 mV, barrier at 1 mV of height 1/60 mV^2/ms, peak 3 mV, reset to 0 mV) under white noise on
the membrane, in steps of {config.dt:g} ms; the mean escape time is the inverse of their rate ({config.trials} trials of {config.neurons} particles of {config.duration / 1000:g} s). Theory is the exact
mean first passage time, by quadrature, and Kramers' formula. Puzzles are 4 x 4 Sudokus with {config.clues} given cells ({config.puzzles} puzzles, {config.repeats} runs each). The
network has a unit per cell and number, couplings of -1 between units that exclude each other, biases of {puzzles.BIAS:g}, and fires by
the rule of neural sampling (spikes of {puzzles.DURATION:g} steps); its noise is the width of that rule. Annealing changes one cell at a time (Metropolis, temperature from {config.hot:g} to {config.cold:g},
geometric); random restarts descend to a local optimum and begin anew. Each had {config.steps} steps, in one of which it looks at every unit or cell once. Annealing's temperatures were
not tuned. Intervals speak of trials, or of puzzles like these.
"""
