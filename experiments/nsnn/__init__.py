"""Noise as a resource: noisy spiking networks (Ma, Yan, Tang 2023) against deterministic twins that differ in the forward noise alone.

Classifiers of handwritten digits are trained with the noisy neuron in both published variants, and without its noise but with the same
backward pass, from the same weights on the same images in the same order. What they claim is asked of all of them: accuracy, and
robustness against perturbed images, spikes and membranes, and against attacks, of which some need no gradient.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from jaxsnn_noise.parameters import Range, fraction, positive
from jaxsnn_noise.study import Picture, Progress, option
from jaxsnn_noise.verdicts import holm

from . import asking, attacking, claims, pictures
from .networks import ARCHITECTURES, KINDS, LAWS, SETS, VARIANTS, Group, member

if TYPE_CHECKING:
    import xarray as xr
    from pandas import DataFrame

    import jaxsnn_noise as jn

TITLE = "Noisy spiking networks: what the noise in training and inference is good for, against deterministic twins"
COST = {"tiny": "12 s", "default": "7 min", "full": "1 h, estimated"}
CLAIMS = claims.CLAIMS
settle = holm


@dataclass(frozen=True)
class Config:
    """What is simulated; numbers without a source are ours, chosen before the first run."""

    stds: tuple[float, ...] = option((0.2, 0.4), positive, least=1, rising=True)
    """Standard deviations of the Gaussian noise of the comparison; the threshold is 1 [mV]. Published for event images, and in the code of the neuron."""
    other: float = option(0.4, positive)
    """That of other laws, architectures and images, one factor at a time [mV]."""
    laws: tuple[str, ...] = option(tuple(LAWS)[1:], choices=tuple(LAWS)[1:], distinct=True)
    """Other laws of the noise."""
    architectures: tuple[str, ...] = option(ARCHITECTURES[1:], choices=ARCHITECTURES[1:], distinct=True)
    """Other architectures."""
    sets: tuple[str, ...] = option(SETS[1:], choices=SETS[1:], distinct=True)
    """Other sets of images."""
    networks: int = option(24, Range(2))
    """Networks of each kind, each from weights of its own, the same for all kinds [1]."""
    other_networks: int = option(12, Range(2))
    """The same with other laws, architectures and images [1]."""
    hidden: int = option(64, Range(1))
    """Neurons of a hidden layer [1]; published for this task."""
    steps: int = option(8, Range(1))
    """Steps of 1 ms that an image is shown [1]."""
    samples: int = option(5000, Range(10, 5000))
    """Training images [1]."""
    epochs: int = option(15, Range(1))
    """Passes over them [1]."""
    batch: int = option(64, Range(1))
    """Images per step of the optimiser [1]."""
    rate: float = option(3e-3, positive)
    """Learning rate of Adam, which falls to 0 as a cosine [nA]; published for CIFAR-10."""
    images: int = option(500, Range(2))
    """Test images [1]."""
    draws: int = option(8, Range(1))
    """How often an image is shown, with fresh noise [1]."""
    pixels: float = option(0.3, positive)
    """Standard deviation of noise on pixels of 0 to 1, then clipped to that [1]."""
    salt: float = option(0.2, fraction)
    """Share of pixels that become 0 or 1 [1]."""
    drop: float = option(0.5, fraction)
    """Share of pixels other than 0 that become 0 [1]."""
    flips: float = option(0.1, fraction)
    """Share of hidden spikes that are lost, and of silent steps that get one [1]; published."""
    membrane: float = option(0.4, positive)
    """Standard deviation of noise that is added to hidden membranes in each step of the test [mV]."""
    attacked: int = option(24, Range(0))
    """Networks of each kind that are attacked [1]; 0 leaves attacks out."""
    attacked_images: int = option(100, Range(2))
    """Images that are attacked [1]."""
    attack_draws: int = option(8, Range(1))
    """Draws that gradients and answers are averaged over [1]."""
    cube: float = option(0.05, positive)
    """Largest change of a pixel [1]."""
    sphere: float = option(1.5, positive)
    """Euclidean length of a perturbation [1]."""
    ascent: int = option(10, Range(1))
    """Steps of an attack by gradients [1]."""
    tries: int = option(100, Range(1))
    """Tries of the attack that uses none [1]."""
    seed: int = option(1, Range(0))
    """Root seed [1]."""

    def __post_init__(self) -> None:
        if self.attacked > self.networks or self.attacked == 1:
            raise ValueError("attacked must be 0, which leaves attacks out, or 2 to networks")

    def groups(self) -> list[tuple[Group, tuple[float, ...]]]:
        """The primary group, and one factor at a time from there, each with its standard deviations of noise."""
        others = [Group(law=law) for law in self.laws]
        others += [Group(architecture=one) for one in self.architectures] + [Group(images=one) for one in self.sets]
        return [(Group(), self.stds), *((group, (self.other,)) for group in others)]


TINY = Config(
    stds=(0.3,),
    laws=(),
    architectures=(),
    sets=(),
    networks=2,
    hidden=8,
    steps=3,
    samples=100,
    epochs=1,
    batch=50,
    images=20,
    draws=2,
    attacked=0,
)
DEFAULT = Config()
FULL = Config(
    networks=32, other_networks=24, epochs=40, images=1000, draws=16, attacked_images=200,
    attacked=32, attack_draws=16, ascent=30, tries=200,
)  # fmt: skip


def build(config: Config) -> dict[str, jn.Simulation]:
    """An untrained network of each kind."""
    return {kind: member(Group(), config, kind, config.stds[-1], config.seed) for kind in KINDS}


def measure(config: Config, progress: Progress) -> dict[str, xr.Dataset]:
    """Each group: train, ask; of the primary one attack too."""
    data, fits = {}, {}
    for group, stds in config.groups():

        def compute(group: Group = group, stds: tuple[float, ...] = stds) -> xr.Dataset:
            found, trained = asking.measured(group, config, stds, progress)
            fits[group] = trained
            return found

        data[group.name] = progress.stage(group.name, compute)
        if group == Group() and config.attacked:
            data["attacks"] = progress.stage("attacks", lambda: _attacks(config, fits, progress))
    return data


def _attacks(config: Config, fits: dict[Group, Any], progress: Progress) -> xr.Dataset:
    """Attacks on the networks of the primary group, which are trained again where that was done by a run before."""
    group, stds = config.groups()[0]
    trained = fits[group] if group in fits else asking.measured(group, config, stds, progress)[1]
    return attacking.attacked(group, config, trained, stds, progress)


def plot(data: Mapping[str, xr.Dataset], config: Config) -> dict[str, Picture]:
    """Gains over the twin by test, attacks, and accuracy by the number of draws."""
    return pictures.plot(data, config)


def tables(data: Mapping[str, xr.Dataset], config: Config) -> dict[str, DataFrame]:
    """Accuracies, gains over the twin and over the published baseline, attacks, draws, noise off; 95 % intervals."""
    return pictures.tables(data, config)


def methods(config: Config, data: Mapping[str, xr.Dataset]) -> str:
    """The methods paragraph."""
    first = data[Group().name]
    right = 100.0 * first["correct"].sel(test="clean").mean(("std", "seed", "sample"))
    reached = ", ".join(f"{kind} {float(right.sel(kind=kind)):.1f} %" for kind in KINDS)
    return f"""Networks of 784 inputs (pixels of 0 to 1), {config.hidden} neurons u <- u (1 - o)/2 + x with threshold 1 and 10 readouts without memory were shown
an image for {config.steps} steps and read by the mean of their outputs. A noisy neuron fires with the probability F((u - 1)/std); in the variant "{VARIANTS[1]}" noise of the
same law is also added to u and stays there. Its backward pass is the density of that noise, through resets too; the deterministic twin has the same backward
pass and fires where u >= 1. All kinds have the same first weights, images and order of images ({config.networks} networks of each, {config.other_networks} with other laws, architectures and images; Adam, {config.rate:g} falling to 0 as a cosine,
{config.epochs} epochs of {config.samples} images, minibatches of {config.batch}; cross-entropy of the mean output). Nothing was chosen on test images. Without perturbation they answer {config.images}
test images with {reached} (one draw). Every image is shown {config.draws} times; accuracies are those of single draws unless the mean of draws is named. Perturbed images are the same for all
networks. Attacks (of {config.attacked_images} images and {config.attacked} networks) average gradients and answers over {config.attack_draws} draws; an image stands the cube if it stands projected gradient ascent by the
network's own gradient, that made on the rival (the twin, of the twin the escape variant), and a random search without gradients. Networks and images are both random, crossed;
verdicts are two-sided, each in every cell of variant and noise, Holm over all claims at 5 %.
"""
