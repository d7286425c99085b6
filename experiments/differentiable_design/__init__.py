"""Noise budgets divided by gradients: against a known optimum, and in classifiers against equal noise and search without gradients."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from jaxsnn_noise.parameters import Range, positive
from jaxsnn_noise.study import option
from jaxsnn_noise.verdicts import holm

from . import classifiers, neurons, pictures
from .claims import CLAIMS
from .measuring import measure
from .searches import METHODS

if TYPE_CHECKING:
    import xarray as xr
    from pandas import DataFrame

    import jaxsnn_noise as jn
    from jaxsnn_noise.study import Picture

TITLE = "Noise budgets by gradient: neurons with a known optimum, and classifiers against search without gradients"
COST = {"tiny": "8 s", "default": "10 min on a busy machine", "full": "1 h, estimated"}
settle = holm

__all__ = ["CLAIMS", "DEFAULT", "FULL", "TINY", "Config", "build", "measure", "methods", "plot", "settle", "tables"]


@dataclass(frozen=True)
class Config:
    """What is designed and by how many runs; the numbers are ours, chosen before the first run."""

    methods: tuple[str, ...] = option(METHODS, choices=METHODS, least=1, distinct=True)
    """Ways to divide a budget; the first is looked at early, too."""
    systems: int = option(16, Range(2))
    """Systems of four neurons with a known optimum [1]."""
    duration: int = option(50, Range(10))
    """Steps of 1 ms that they are watched [1]."""
    trials: int = option(200, Range(20))
    """Trials of one evaluation of a system [1]."""
    steps: int = option(8, Range(2))
    """Steps of a search by gradients; every method has as many runs [1]."""
    networks: int = option(16, Range(0))
    """Classifiers, each trained from weights of its own [1]; 0 leaves them out."""
    hidden: int = option(32, Range(1))
    """Neurons of each of two hidden layers [1]."""
    presentation: int = option(15, Range(2))
    """Steps of 1 ms that an image is shown [1]."""
    samples: int = option(3000, Range(10))
    """Training images [1]."""
    epochs: int = option(6, Range(1))
    """Passes over them [1]."""
    noise: float = option(0.3, positive)
    """Standard deviation of all circuits before the budget is divided; the threshold is 1 mV [mV]."""
    designs: int = option(100, Range(2))
    """Training images to design with [1]."""
    shows: int = option(2, Range(2))
    """Presentations of each in one evaluation [1]."""
    images: int = option(400, Range(2))
    """Test images [1]."""
    repeats: int = option(8, Range(1))
    """Presentations of each [1]."""
    seed: int = option(0, Range(0))
    """Root seed [1]."""

    def __post_init__(self) -> None:
        if self.designs > self.samples:
            raise ValueError("designs must be at most samples")
        if self.networks == 1:
            raise ValueError("networks must be 0, or at least 2 for an interval")


TINY = Config(methods=("FiniteDifference", "Nelder-Mead"), systems=2, duration=20, trials=50, steps=3, networks=0)
DEFAULT = Config()
FULL = Config(systems=64, networks=32, steps=16, designs=500, images=500, repeats=16)


def build(config: Config) -> dict[str, jn.Simulation]:
    """The first system, and a classifier with random weights."""
    found = {"system": neurons.simulation(neurons.drawn(config)[0], config)}
    if config.networks:
        found["classifier"] = classifiers.simulation(config.seed, config, config.noise)
    return found


def plot(data: Mapping[str, xr.Dataset], config: Config) -> dict[str, Picture]:
    """What is gained by runs, and where the budget goes."""
    return pictures.plot(data, config)


def tables(data: Mapping[str, xr.Dataset], config: Config) -> dict[str, DataFrame]:
    """Gaps closed, wrong answers, losses and shares with 95 % intervals."""
    return pictures.tables(data, config)


def methods(config: Config, data: Mapping[str, xr.Dataset]) -> str:
    """The methods paragraph."""
    gap = data["systems"]["output"]
    falls = 100.0 * (1.0 - float((gap.sel(division="optimum") / gap.sel(division="equal")).mean()))
    words = f"""A budget is what circuits cost, a price over the variance of their noise (Pelgrom et al. 1989), summed; divisions of it spend the same. {config.systems} systems of four leaky
neurons below their threshold (drives, time constants, weights and prices drawn at random) should be silent; the output is the expected weighted number of their spikes in {config.duration} ms. It is
exact (first passages on a grid), and so is its optimum, {falls:.0f} % below equal noise on average. Searches by gradients are {config.steps} steps of ``gradients.spend``; each step has the
runs of a fourth-order central difference of {config.trials} trials, where a tangent counts as a run. Nelder-Mead and random search (uniform on the simplex) have as many, all with common random numbers."""
    if config.networks:
        words += f"""
Classifiers 196-{config.hidden}-{config.hidden}-10 of MNIST digits (14 x 14) learned {config.samples} images in {config.epochs} passes with white noise of {config.noise:g} mV per step on integrators and thresholds of both hidden layers
and on the readouts, {config.networks} networks from weights of their own. The five amplitudes cost as many circuits each as there are neurons; the cross-entropy of {config.designs} training images, {config.shows} presentations each in an evaluation, was
made small. Errors are those of {config.images} test images by other writers, {config.repeats} presentations with fresh noise, the same for all divisions; networks and images are both random, crossed.
Verdicts are two-sided, Holm over all claims at 5 %."""
    return words
