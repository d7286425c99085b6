"""How wrong each estimator of gradients is, how noisy, and how dear: neurons against theory, networks, and classifiers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from jaxsnn_noise.parameters import Range, positive
from jaxsnn_noise.study import option
from jaxsnn_noise.verdicts import holm

from . import pictures, problems
from .claims import CLAIMS
from .measuring import ESTIMATORS, REFERENCE, measure

if TYPE_CHECKING:
    from pandas import DataFrame

    import jaxsnn_noise as jn
    from jaxsnn_noise.study import Picture

TITLE = "Gradient estimators: bias, variance and time, and which to trust"
COST = {"tiny": "6 s", "default": "4 min", "full": "20 min, estimated"}
settle = holm

__all__ = ["CLAIMS", "DEFAULT", "FULL", "TINY", "Config", "build", "measure", "methods", "plot", "settle", "tables"]


@dataclass(frozen=True)
class Config:
    """What is asked; neurons, networks and classifiers are drawn at random, and the numbers were chosen before the first run."""

    kinds: tuple[str, ...] = option(
        ("threshold", "membrane"), choices=("threshold", "membrane"), least=1, distinct=True
    )
    """Where single neurons have their noise: a threshold that is drawn anew, or the membrane."""
    estimators: tuple[str, ...] = option(tuple(ESTIMATORS), choices=tuple(ESTIMATORS), least=1, distinct=True)
    """What is asked of single neurons."""
    neurons: int = option(16, Range(2))
    """Neurons of each kind [1]."""
    gains: tuple[float, ...] = option((0.3, 1.0), positive, least=1, rising=True)
    """Standard deviation of the summed weights of a neuron in networks [nA]."""
    networks: int = option(16, Range(0))
    """Networks of each gain [1]; 0 leaves them out."""
    classifiers: int = option(16, Range(0))
    """Classifiers [1]; 0 leaves them out."""
    trials: int = option(10_000, Range(100))
    """Trials of each estimate [1], and four times as many for a reference that is estimated."""
    steps: int = option(200, Range(20))
    """Steps of 1 ms of a neuron [1]; half of them of a network."""
    seed: int = option(0, Range(0))
    """Root seed [1]."""

    def __post_init__(self) -> None:
        for name in ("networks", "classifiers"):
            if getattr(self, name) == 1:
                raise ValueError(f"{name} must be 0, or at least 2 for an interval")


TINY = Config(
    kinds=("threshold",), estimators=("Score", "FiniteDifference", "NoiseDensity"), neurons=2, networks=0, classifiers=0,
    trials=100, steps=40,
)  # fmt: skip
DEFAULT = Config()
FULL = Config(neurons=64, gains=(0.3, 0.6, 1.0, 2.0), networks=32, classifiers=64, trials=40_000)


def build(config: Config) -> dict[str, jn.Simulation]:
    """The first neuron of each kind, the first network, the first classifier."""
    found = {kind: problems.neuron(kind, problems.drawn(kind, config)[0], config) for kind in config.kinds}
    if config.networks:
        found["network"] = problems.network(config.gains[0], 0, config)
    if config.classifiers:
        found["classifier"] = problems.classifier(0, config)[0]
    return found


def plot(data: Any, config: Config) -> dict[str, Picture]:
    """Biases, and variance times time."""
    return pictures.pictures(data, config)


def tables(data: Any, config: Config) -> dict[str, DataFrame]:
    """All biases with 95 % intervals, and costs."""
    del config
    return pictures.tables(data)


def methods(config: Config, data: Any) -> str:
    """The methods paragraph."""
    del data
    words = f"""Leaky neurons (threshold 1 mV, reset 0, steps of 1 ms, {config.steps} of them) had a time constant, a drive and a strength of noise drawn at random:
{config.neurons} with logistic noise of a threshold that is drawn anew in each step, or with white noise on the membrane. What theory says of the derivatives of their
expected spike count and of the CV of their intervals is exact (renewal over the age; first passages on a grid). Each estimator had {config.trials} trials
of its own; a bias is estimate less reference, over the root mean square of the references over neurons (networks, classifiers). Times are process time without compiling. Intervals are 95 %, over units."""
    if config.networks:
        words += f"""
Networks of {problems.SIZE} neurons with logistic thresholds had random weights of both signs, {config.networks} networks for each gain; their reference is the score of {REFERENCE} times
as many trials."""
    if config.classifiers:
        words += f"""
Classifiers had {problems.INPUTS} inputs, {problems.HIDDEN} hidden neurons and {problems.CLASSES} readouts, weights and patterns at random, and were not trained; the loss is a cross-entropy of the
mean readout, its reference differences of {REFERENCE} times as many trials."""
    return words
