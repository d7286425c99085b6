"""Noisy networks and their deterministic twins, as values of one program: what differs between them is a number."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import equinox as eqx
import numpy as np

import jaxsnn_noise as jn
from jaxsnn_noise import distributions, random, surrogates

if TYPE_CHECKING:
    from . import Config

LAWS: dict[str, Callable[[], Any]] = {
    "Gaussian": distributions.Gaussian,
    "logistic": distributions.Logistic,
    "uniform": distributions.Uniform,
    "triangular": distributions.Triangular,
}
ARCHITECTURES = ("feed-forward", "recurrent", "residual")
SETS = ("mnist", "fashion")
VARIANTS = ("escape", "state and escape")
TWIN = "twin"
KINDS = (*VARIANTS, TWIN)
PUBLISHED = float(np.sqrt(0.5))
"""Standard deviation of the noise whose density is the surrogate of the published deterministic networks, erf of sharpness 1 [mV]."""
GAIN = 2.0
"""Of first weights, over the root of the fan-in [nA]."""
RATE_HZ = 200.0
"""Expected rate between hidden layers, from which their first weights are made [Hz]."""


@dataclass(frozen=True)
class Group:
    """Networks that are compared: one law of noise, one architecture, one set of images."""

    law: str = "Gaussian"
    architecture: str = "feed-forward"
    images: str = "mnist"

    @property
    def name(self) -> str:
        """Name of its dataset."""
        return "_".join((self.law, self.architecture.replace("-", ""), self.images))

    @property
    def words(self) -> str:
        """Of what it is made."""
        return f"{self.law} noise, {self.architecture}, {self.images}"


def neuron(size: int) -> jn.neurons.LIF:
    """The published neuron, ``u <- u (1 - o)/2 + x`` with threshold 1, and gradients through its reset."""
    reset = jn.neurons.ResetToValue(detach=False)
    return jn.neurons.LIF(size, tau_mem=1 / np.log(2.0), resistance=2.0, reset=reset)


def readout(size: int) -> jn.neurons.LeakyIntegrator:
    """The published readout, which does not fire: what enters in a step, and no memory."""
    return jn.neurons.LeakyIntegrator(size, tau_mem=1e-3)


def plain(architecture: str, hidden: int, key: Any) -> jn.Network:
    """A network without noise, from random weights."""
    sizes = [784, hidden, hidden, 10] if architecture == "residual" else [784, hidden, 10]
    made = jn.networks.feedforward(sizes, key=key, neuron=neuron, readout=readout, gain=GAIN, rate_hz=RATE_HZ)
    more: dict[str, dict[str, tuple[str, str, int, float | None]]] = {
        "recurrent": {"loop": ("hidden", "hidden", hidden, None)},
        "residual": {"shortcut": ("hidden_1", "output", 10, 0.0)},
    }
    projections = dict(made.projections)
    for name, (source, target, size, delay) in more.get(architecture, {}).items():
        weights = random.normals(random.stream(random.root(key), name), (size, hidden)) * (GAIN / hidden**0.5)
        projections[name] = jn.synapses.Dense(source, target, weights, delay=delay)
    return jn.Network(made.populations, projections)


def firing(network: jn.Network) -> list[str]:
    """The populations that fire."""
    return [name for name, cells in network.cells().items() if cells.neuron.spiking]


def member(group: Group, config: Config, kind: str, std: float, key: Any) -> jn.Simulation:
    """A network of a kind that is shown an image.

    All kinds have one structure: ``NoisyThreshold`` with the surrogate that is the density of its noise in place of ``Density()``, which is
    the same derivative, and with scale 0 for the twin, which is the same as ``HardThreshold``. So they are compiled once. (Tests hold
    them to ``networks.noise_driven`` and ``networks.deterministic_twin``.)
    """
    law = LAWS[group.law]()
    silent, kept = kind == TWIN, kind == VARIANTS[1]
    network = plain(group.architecture, config.hidden, key)
    made = jn.networks.noise_driven(network, std, state_std=std if kept else 0.0, distribution=law)
    rule = jn.NoisyThreshold(0.0 if silent else std, law, gradient=surrogates.density_of(law, std))
    cells = firing(made)
    made = eqx.tree_at(lambda n: [n.populations[name].firing for name in cells], made, [rule] * len(cells))
    return jn.Simulation(
        made, {"input": jn.coding.Constant(np.zeros(784, np.float32))}, duration=float(config.steps), dt=1.0,
        statistics={"output": jn.statistics.Mean("v", population="output")},
    )  # fmt: skip


def number(group: Group, config: Config) -> int:
    """How many networks of each kind a group has."""
    return config.networks if group == Group() else config.other_networks


def trained(group: Group, config: Config, kind: str, std: float, shown: tuple[np.ndarray, np.ndarray]) -> Any:
    """Networks from weights of their own: the same weights, images and order for every kind."""
    return jn.training.fit(
        lambda key: member(group, config, kind, std, key), shown, key=config.seed, seeds=number(group, config),
        loss=jn.training.losses.CrossEntropy("output", jn.statistics.Mean("v")),
        optimiser=jn.training.optimisers.WarmupCosine(config.rate, warmup=0.0), epochs=config.epochs,
        batch_size=min(config.batch, len(shown[1])), progress=False, check_start=False,
    )  # fmt: skip
