"""How fast, and how far, spikes sample a Boltzmann distribution; and digits that they complete from half their pixels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import jaxsnn_noise as jn
from jaxsnn_noise.parameters import Range, positive
from jaxsnn_noise.study import Progress, option
from jaxsnn_noise.verdicts import holm

from . import digits, machines, pictures
from .claims import CLAIMS

if TYPE_CHECKING:
    from pandas import DataFrame

    from jaxsnn_noise.study import Picture

TITLE = "Neural sampling: divergence against time, the floor of LIF networks, and completed digits"
COST = {"tiny": "11 s", "default": "4 min", "full": "1 h, estimated"}
settle = holm

__all__ = ["CLAIMS", "DEFAULT", "FULL", "TINY", "Config", "build", "measure", "methods", "plot", "settle", "tables"]


@dataclass(frozen=True)
class Config:
    """What is sampled. Times are in durations: how long a spike stands for z = 1."""

    units: int = option(5, Range(2, 10))
    """Units of a machine [1]."""
    spread: float = option(0.6, positive)
    """Standard deviation of couplings and biases, mean 0 [1]."""
    machines: int = option(40, Range(2))
    """Machines, drawn independently [1]."""
    trials: int = option(30, Range(2))
    """Trials per machine of the abstract networks and of independent units [1]."""
    lif_trials: int = option(12, Range(2))
    """Trials per machine of the LIF networks [1]."""
    steps: int = option(100, Range(1))
    """Steps in a duration of the abstract network, all of whose units are updated at once [1]."""
    durations: int = option(1000, Range(100))
    """Measured time [durations], a multiple of 40."""
    settling: int = option(20, Range(0))
    """Time before it [durations]."""
    calibration: float = option(20000.0, positive)
    """Time over which the activation of LIF neurons is measured [ms]."""
    hidden: int = option(12, Range(0, 16))
    """Hidden units of the network of digits, summed exactly [1]; 0 leaves digits out."""
    images: int = option(1000, Range(2))
    """Test images that are completed [1]."""
    training: int = option(2000, Range(10))
    """Training images [1]."""
    epochs: int = option(400, Range(1))
    """Steps of the training, each over all images [1]."""
    presentation: int = option(200, Range(10))
    """Time for which a digit is sampled [durations of 20 steps]."""
    seed: int = option(0, Range(0))
    """Root seed [1]."""

    def __post_init__(self) -> None:
        if self.durations % machines.BINS:
            raise ValueError(f"durations must be a multiple of {machines.BINS}, the number of bins")


TINY = Config(machines=3, trials=4, lif_trials=2, steps=10, durations=120, settling=0, calibration=2000.0, hidden=0)
DEFAULT = Config()
FULL = Config(machines=100, trials=100, lif_trials=60, durations=4000, hidden=16, training=5000, epochs=1000)


def build(config: Config) -> dict[str, jn.Simulation]:
    """The networks of the first machine."""
    return machines.simulations(config, machines.guessed())


def measure(config: Config, progress: Progress) -> dict[str, Any]:
    """Counts of states of all networks, their targets, and completed digits."""
    found = {"machines": machines.measured(config, progress)}
    if config.hidden:
        found["digits"] = digits.measured(config, progress)
    return {name: data.assign_attrs(seed=config.seed) for name, data in found.items()}


def plot(data: Any, config: Config) -> dict[str, Picture]:
    """Divergence against time, and digits."""
    return pictures.plot(data, config)


def tables(data: Any, config: Config) -> dict[str, DataFrame]:
    """Numbers of all networks, and accuracies."""
    return pictures.tables(data, config)


def methods(config: Config, data: Any) -> str:
    """The methods paragraph."""
    activation = data["machines"].attrs
    told = (
        f"Digits (MNIST, 14 x 14 pixels, black or white) had a network of 196 pixels and {config.hidden} hidden units, trained by the exact "
        f"gradient of the likelihood ({config.training} images, {config.epochs} steps of Adam) and asked for the right half of {config.images} test "
        f"images, given the left one: exactly, by the sum over all states of the hidden units, and by an abstract sampling network for "
        f"{config.presentation} durations. A completion is labelled as the nearest training image (Euclidean)."
    )
    return f"""{config.machines} Boltzmann machines of {config.units} units (couplings and biases normal, standard deviation {config.spread:g}) were sampled by networks of
abstract neurons ({config.steps} steps a duration) and of LIF neurons (duration 10 ms, dt 0.1 ms, membrane 1 ms, Ornstein-Uhlenbeck noise of 10 ms), whose activation function
was measured over {config.calibration / 1000:g} s (midpoint {activation["midpoint"]:.4f} mV, width {activation["width"]:.4f} mV, largest error of the logistic function {activation["error"]:.4f}), for
{config.durations} durations in {config.trials} ({config.lif_trials}) trials. Divergences are from the exact sum over states. Correlation times are those of
bins of {config.durations // machines.BINS} durations and of twice that, about the mean of all trials. The floor is the divergence of all trials of a machine together, less what its
finite length explains, sum (1 - p) tau/(2 n). Intervals speak of machines like these (digits: of images, for this network).
{told if config.hidden else "No digits were completed."}
"""
