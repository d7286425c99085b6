"""From transistor to yield: which parameter of a circuit matters, what mends chips, and seven claims that circulate, one by one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from jaxsnn_noise.parameters import Range, fraction, nonnegative, positive
from jaxsnn_noise.study import option
from jaxsnn_noise.verdicts import holm

from . import chips as chip_cases
from . import pictures
from . import tasks as learning
from .claims import CLAIMS
from .measuring import PARTS, families, measure
from .methods import methods
from .summaries import tables

if TYPE_CHECKING:
    import xarray as xr

    import jaxsnn_noise as jn
    from jaxsnn_noise.study import Picture

TITLE = "Circuit-level robustness: which parameter matters, what mends chips, and the claims that circulate"
COST = {"tiny": "13 s", "default": "4 min", "full": "1 h, estimated"}
settle = holm

__all__ = ["CLAIMS", "DEFAULT", "FULL", "TINY", "Config", "build", "measure", "methods", "plot", "settle", "tables"]


@dataclass(frozen=True)
class Config:
    """What is simulated; the numbers are ours, chosen before the first run."""

    tasks: tuple[str, ...] = option(("mnist", "vowels"), choices=learning.TASKS, least=1, distinct=True)
    """Images (the first), of constant currents; utterances for a recurrent network."""
    forms: tuple[str, ...] = option(chip_cases.FORMS, choices=chip_cases.FORMS, least=1, distinct=True)
    """Forms of the hidden neurons: what a time constant moves beside the memory."""
    trainings: tuple[str, ...] = option(learning.TRAININGS, choices=learning.TRAININGS, least=1, distinct=True)
    """Plain (the first), with noise of the membranes, on chips that are new in every step."""
    parts: tuple[str, ...] = option(PARTS, choices=PARTS, least=1, distinct=True)
    """What is measured; claims of what is not stay open."""
    levels: tuple[float, ...] = option((0.05, 0.1, 0.2), positive, least=1, rising=True)
    """Coefficients of variation of a parameter [1]; claims that name none speak of the last."""
    hidden: int = option(32, Range(1))
    """Hidden neurons [1]."""
    steps: int = option(20, Range(2))
    """Steps of 1 ms that an image is shown [1]."""
    networks: int = option(8, Range(1))
    """Networks, each trained from weights of its own [1]."""
    samples: int = option(3000, Range(10))
    """Training images [1]; of utterances there are 270."""
    epochs: int = option(12, Range(1))
    """Passes over the images [1]."""
    utterance_epochs: int = option(80, Range(1))
    """Passes over the utterances [1]."""
    batch: int = option(50, Range(1))
    """Samples of a step of the optimiser [1]."""
    noise: float = option(0.3, nonnegative)
    """Of noise-aware training: standard deviation of a free hidden membrane; the threshold is 1 mV [mV]."""
    variation: float = option(0.2, nonnegative)
    """Of variation-aware training: coefficient of variation of all parameters [1]."""
    chips_per_step: int = option(10, Range(1))
    """Of variation-aware training: chips in a step of the optimiser [1]."""
    images: int = option(200, Range(2))
    """Test samples of each task [1]."""
    calibration: int = option(50, Range(2))
    """Training samples that a chip may be calibrated on [1]."""
    chips: int = option(24, Range(2))
    """Chips of each network in a case [1]."""
    joint_chips: int = option(160, Range(4))
    """Chips of each network where all parameters deviate [1]."""
    word_chips: int = option(20, Range(2))
    """Chips of each network in a case of weights [1]."""
    pool: int = option(1600, Range(200))
    """Chips of each network of which a hundred are drawn [1]."""
    copies: int = option(4, Range(2))
    """Chips in an ensemble, and the area of the transistor that is compared with it [1]."""
    readings: int = option(8, Range(1))
    """Readings of the search for a trim [1]."""
    area: float = option(2.0, positive)
    """Drawn area of the transistors where temperature changes [um2]."""
    bits: tuple[int, ...] = option((8, 6, 5, 4, 3, 2), Range(1, 24), least=2, distinct=True)
    """Bits per weight [1]."""
    spreads: tuple[float, ...] = option((0.05, 0.1, 0.2, 0.3, 0.5, 0.8, 1.2), positive, least=2, rising=True)
    """Mismatch of weights alone [1]."""
    ages: tuple[float, ...] = option((60.0, 3600.0, 86_400.0, 2.6e6, 3.15e7), positive, least=2, rising=True)
    """Ages of phase-change memory [s]."""
    analog: tuple[float, ...] = option((0.1, 0.2, 0.4, 0.6, 0.9, 1.3, 2.0, 3.0, 5.0), positive, least=2, rising=True)
    """Mismatch of words that are kept as analog weights [1]."""
    digital: tuple[float, ...] = option(
        (1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 2e-2, 5e-2, 0.1, 0.2), fraction, least=2, rising=True
    )
    """Share of flipped bits in words of 8 bits [1]."""
    seed: int = option(0, Range(0))
    """Root seed [1]."""

    def __post_init__(self) -> None:
        if self.tasks and self.tasks[0] == "vowels":
            raise ValueError("tasks must begin with images: circuits, words and repairs are measured on them")
        if "leaky" not in self.forms:
            raise ValueError("forms must have leaky among them")
        if self.trainings and self.trainings[0] != "plain":
            raise ValueError("trainings must begin with plain")
        if self.joint_chips < 2 * self.copies:
            raise ValueError("joint_chips must be at least two ensembles")


TINY = Config(
    tasks=("mnist",), forms=("leaky", "accumulating"), trainings=("plain",), parts=("single", "joint"), levels=(0.1, 0.4), hidden=8,
    steps=8, networks=2, samples=200, epochs=1, utterance_epochs=1, images=20, calibration=10, chips=4, joint_chips=8, word_chips=2,
    pool=200, readings=2, bits=(8, 2), spreads=(0.1, 1.0), ages=(60.0, 3600.0), analog=(0.1, 3.0), digital=(1e-3, 0.2),
)  # fmt: skip
DEFAULT = Config()
FULL = Config(
    tasks=("mnist", "fashion", "vowels"), levels=(0.02, 0.05, 0.1, 0.2, 0.3), networks=12, samples=5000, epochs=20, images=350,
    chips=100, joint_chips=400, word_chips=60, pool=4000,
)  # fmt: skip


def build(config: Config) -> dict[str, jn.Simulation]:
    """For each task and family of neurons a network with every parameter that can deviate, none of which does."""
    return {f"{task} {of}": learning.simulation(task, learning.network(task, of, config, config.seed), config,
                                                chip_cases.imperfections(task, of))
            for task in config.tasks for of in families(config)}  # fmt: skip


def plot(data: Mapping[str, xr.Dataset], config: Config) -> dict[str, Picture]:
    """What each parameter changes, what mends chips, weights that fail, and what a hundred runs say."""
    return pictures.plot(data, config)


def __dir__() -> list[Any]:
    return list(__all__)
