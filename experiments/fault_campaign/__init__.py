"""Which faults of neurons and synapses kill a trained network, in which layer, what shows them, and what redundancy buys per area."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from jaxsnn_noise.parameters import Range, fraction
from jaxsnn_noise.study import option
from jaxsnn_noise.verdicts import holm

from . import networks, pictures
from .claims import CLAIMS
from .measuring import measure

if TYPE_CHECKING:
    import xarray as xr
    from pandas import DataFrame

    import jaxsnn_noise as jn
    from jaxsnn_noise.study import Picture

TITLE = "Fault campaign: which faults kill a trained network, and what redundancy buys per area"
COST = {"tiny": "16 s", "default": "3 min", "full": "30 min, estimated"}
settle = holm

__all__ = ["CLAIMS", "DEFAULT", "FULL", "TINY", "Config", "build", "measure", "methods", "plot", "settle", "tables"]


@dataclass(frozen=True)
class Config:
    """What is simulated; the numbers are ours, chosen before the first run."""

    hidden: tuple[int, ...] = option((48, 24), Range(2), least=2)
    """Neurons of the two hidden layers [1]."""
    steps: int = option(20, Range(8))
    """Steps of 1 ms that an image is shown [1]."""
    networks: int = option(8, Range(1))
    """Networks, each trained from weights of its own [1]."""
    samples: int = option(3000, Range(10))
    """Training images [1]."""
    epochs: int = option(8, Range(1))
    """Passes over them [1]."""
    images: int = option(200, Range(2))
    """Test images [1], and as many training images for what is chosen."""
    sites: int = option(100, Range(1))
    """Synapses per layer and kind of fault, in each network [1]."""
    bit_sites: int = option(20, Range(1))
    """Synapses per layer and bit, in each network [1]."""
    critical: float = option(0.05, fraction)
    """Largest loss of accuracy that is not critical [1]."""
    share: float = option(0.02, fraction)
    """Probability that a neuron is dead, and that one is saturated, on chips with faults at random [1]."""
    chips: int = option(60, Range(0))
    """Such chips per network [1]; 0 leaves redundancy out."""
    seed: int = option(0, Range(0))
    """Root seed [1]."""

    def __post_init__(self) -> None:
        if len(self.hidden) != 2:
            raise ValueError("hidden must have two entries")


TINY = Config(hidden=(8, 6), steps=8, networks=2, samples=200, epochs=1, images=20, sites=4, bit_sites=1, chips=0)
DEFAULT = Config()
FULL = Config(networks=16, samples=5000, epochs=12, images=500, sites=381, bit_sites=60, chips=240)


def build(config: Config) -> dict[str, jn.Simulation]:
    """A network with every kind of fault, nowhere; and one with all hidden neurons three times, on chips with faults at random."""
    import jaxsnn_noise as jn

    network = jn.networks.feedforward([networks.SIDE**2, *config.hidden, 10], key=config.seed, neuron=networks.neuron)
    found = {"campaign": networks.simulation(network, config, networks.faults())}
    if config.chips:
        safe = networks.protected(network, None)
        found["redundant"] = networks.simulation(safe, config, networks.scattered(safe, config.share, outputs=True))
    return found


def plot(data: Mapping[str, xr.Dataset], config: Config) -> dict[str, Picture]:
    """Critical sites by kind and layer, bits, and accuracy against area."""
    return pictures.plot(data, config)


def tables(data: Mapping[str, xr.Dataset], config: Config) -> dict[str, DataFrame]:
    """Classes of sites, loss by bit, detecting images, and redundancy, with 95 % intervals."""
    return pictures.tables(data, config)


def methods(config: Config, data: Mapping[str, xr.Dataset]) -> str:
    """The methods paragraph."""
    from .claims import nominal_accuracy

    right = 100.0 * nominal_accuracy(data["campaign"])
    per_layer = ", ".join(f"{config.sites if n > config.sites else n} of {n}" for n in networks.sizes(config).values())
    return f"""Networks of 196 inputs (MNIST, 28 x 28 pixels averaged to 14 x 14), two hidden layers of {" and ".join(map(str, config.hidden))} leaky
integrate-and-fire neurons and 10 leaky readouts were trained on {config.samples} images of the embedded subset, {config.networks} from weights of their own, and answered
{config.images} test images in {config.steps} steps of 1 ms ({right:.1f} % right without a fault; nothing else is random). One fault at a time, permanent but for the transient one
(a hidden neuron that fires in every step from 5 to 7 ms): every neuron, and synapses at random, each at most once and as many of each layer ({per_layer}),
for flipped bits of 8-bit words {config.bit_sites} of each layer and bit; sites of networks are drawn independently. Saturated synapses are beyond 1.5 interquartile ranges; parameters
and perturbed weights have a factor uniform on 0.1 to 3. A site is critical where accuracy falls by more than {100 * config.critical:g} points, masked where no answer changes.
Shares of all synapses weight layers by their sizes. On chips each neuron was dead with probability {config.share:g}, and saturated with {config.share:g} (readouts: dead alone); a voter with that times its
area over that of a neuron of its layer. Area counts neurons and synapses, one unit each. Neurons to be triplicated were chosen on training images.
Intervals are of networks, and where losses are judged of networks and images, crossed; verdicts are two-sided, Holm over all claims at 5 %.
"""


def __dir__() -> list[Any]:
    return list(__all__)
