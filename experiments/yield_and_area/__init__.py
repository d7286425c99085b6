"""Yield against the area of a transistor: every chip has an area from which on it is good enough, and yield is their distribution."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from jaxsnn_noise.parameters import Range, positive
from jaxsnn_noise.ranges import kelvin
from jaxsnn_noise.study import option
from jaxsnn_noise.verdicts import holm

from . import chips, pictures
from .claims import CLAIMS
from .measuring import measure

if TYPE_CHECKING:
    import xarray as xr
    from pandas import DataFrame

    import jaxsnn_noise as jn
    from jaxsnn_noise.study import Picture

TITLE = "Yield and area: the critical area of each chip, in three processes at three temperatures"
COST = {"tiny": "12 s", "default": "5 min", "full": "1 h, estimated"}
settle = holm

__all__ = ["CLAIMS", "DEFAULT", "FULL", "TINY", "Config", "build", "measure", "methods", "plot", "settle", "tables"]


@dataclass(frozen=True)
class Config:
    """What is simulated; the numbers are ours, chosen before the first run."""

    processes: tuple[str, ...] = option(
        ("sky130", "gf180mcu", "ihp_sg13g2"), choices=tuple(chips.TRANSISTORS), least=1, distinct=True
    )
    """Process tables."""
    temperatures: tuple[float, ...] = option((250.0, 300.0, 350.0), kelvin, least=1, rising=True)
    """Temperatures; 300 K is that of the design [K]."""
    bias: str = option("fixed", choices=("fixed", "ptat"))
    """Reference currents: the same at all temperatures, or proportional to temperature."""
    hidden: int = option(32, Range(1))
    """Hidden neurons [1]."""
    steps: int = option(20, Range(2))
    """Steps of 1 ms that an image is shown [1]."""
    networks: int = option(16, Range(1))
    """Networks, each trained from weights of its own [1]."""
    samples: int = option(3000, Range(10))
    """Training images [1]."""
    epochs: int = option(8, Range(1))
    """Passes over them [1]."""
    images: int = option(120, Range(2))
    """Test images [1]."""
    chips: int = option(1000, Range(2))
    """Chips of each network, the same in every process and at every temperature [1]."""
    tolerance: float = option(0.05, positive)
    """A chip is good whose accuracy is at most so much below that of the network as trained [1]."""
    smallest: float = option(0.0625, positive)
    """Smallest area of a transistor [um2]."""
    largest: float = option(128.0, positive)
    """Largest area of a transistor [um2]."""
    halvings: int = option(9, Range(2))
    """Halvings of the bracket of an area, on a logarithmic scale [1]."""
    grid: int = option(13, Range(2))
    """Areas at which monotonicity is looked at [1]."""
    grid_chips: int = option(200, Range(2))
    """Chips of each network for that [1]."""
    seed: int = option(0, Range(0))
    """Root seed [1]."""

    def __post_init__(self) -> None:
        if not self.smallest < self.largest:
            raise ValueError("smallest must be below largest")
        if self.grid_chips > self.chips:
            raise ValueError("grid_chips must be at most chips")


TINY = Config(
    processes=("sky130",), temperatures=(250.0, 350.0), hidden=8, steps=8, networks=2, samples=200, epochs=1, images=20, chips=20,
    halvings=3, grid=3, grid_chips=20,
)  # fmt: skip
DEFAULT = Config()
FULL = Config(networks=32, samples=5000, epochs=12, images=500, chips=2000, halvings=10, grid=25)


def build(config: Config) -> dict[str, jn.Simulation]:
    """A network of each process, with transistors of 1 um2."""
    import jaxsnn_noise as jn

    network = jn.networks.feedforward([chips.SIDE**2, config.hidden, 10], key=config.seed, neuron=chips.neuron)
    first = config.temperatures[0]
    return {
        name: chips.simulation(network, config, chips.circuits(name, first, config.bias)) for name in config.processes
    }


def plot(data: Mapping[str, xr.Dataset], config: Config) -> dict[str, Picture]:
    """Yield against area by process and by temperature."""
    return pictures.plot(data, config)


def tables(data: Mapping[str, xr.Dataset], config: Config) -> dict[str, DataFrame]:
    """Areas for given yields with order-statistic intervals, how many chips that takes, and monotonicity."""
    return pictures.tables(data, config)


def methods(config: Config, data: Mapping[str, xr.Dataset]) -> str:
    """The methods paragraph."""
    right = 100.0 * float(data["areas"]["nominal"].mean())
    currents = (chips.SIDE**2 + 10) * config.hidden + 3 * config.hidden
    made = "; ".join(
        f"{name}: {chips.transistor(name).name} {chips.transistor(name).corner}".strip() for name in config.processes
    )
    return f"""Networks of 196 inputs (MNIST, 28 x 28 pixels averaged to 14 x 14), {config.hidden} leaky integrate-and-fire neurons and 10 leaky readouts were trained on {config.samples} images
of the embedded subset, {config.networks} from weights of their own; as trained they answer {right:.1f} % of {config.images} test images right in {config.steps} steps of 1 ms. Nothing is random but the chips. Each of
{currents} currents is that of one square transistor in weak inversion (weights: one each; time constant, gain and threshold of a hidden neuron: those of a DPI), with the local
mismatch of the table ({made}), reference currents {"the same at all temperatures" if config.bias == "fixed" else "proportional to temperature"}, designed at 300 K. A chip is good whose accuracy is at most {100 * config.tolerance:g} points below that of the
network as trained. {config.chips} chips of each network carry the same scores at every area, process and temperature. The area from which on a chip is good was bisected between {config.smallest:g} and
{config.largest:g} um2, {config.halvings} times on a logarithmic scale; bracket ends count outwards in intervals. Quantiles of these areas have order-statistic intervals over the chips of one network; claims speak of
networks (Student's t over networks), for these images. Verdicts are two-sided, Holm over all claims at 5 %.
"""


def __dir__() -> list[Any]:
    return list(__all__)
