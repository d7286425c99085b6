"""Where noise makes a neuron regular, and where it silences one: FitzHugh-Nagumo, and squid axons with channel and current noise."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import jaxsnn_noise as jn
from jaxsnn_noise.parameters import Range, nonnegative, positive
from jaxsnn_noise.study import Progress, option
from jaxsnn_noise.verdicts import holm

from . import neurons, pictures
from .claims import CLAIMS
from .estimates import REFERENCE

if TYPE_CHECKING:
    from pandas import DataFrame

    from jaxsnn_noise.study import Picture

TITLE = "Coherence resonance in noise and in membrane area, and inverse resonance"
COST = {"tiny": "12 s", "default": "3 min", "full": "1 h, estimated"}
settle = holm

__all__ = ["CLAIMS", "DEFAULT", "FULL", "TINY", "Config", "build", "measure", "methods", "plot", "settle", "tables"]


@dataclass(frozen=True)
class Config:
    """What is simulated: FitzHugh-Nagumo with the constants of Pikovsky and Kurths, and axons of Hodgkin and Huxley."""

    strengths: tuple[float, ...] = option(tuple(REFERENCE), positive, least=3, rising=True)
    """Noise D on the recovery of FitzHugh-Nagumo, of those that the reference has [1/sqrt(ms)]."""
    fitted: tuple[float, ...] = option((0.05, 0.06, 0.07, 0.08, 0.1), positive, least=3, rising=True)
    """Those through which the quadratic in log D goes [1/sqrt(ms)]."""
    size: int = option(100, Range(2))
    """FitzHugh-Nagumo neurons per strength [1]."""
    duration: float = option(1200.0, positive)
    """Measured time of each [ms], after 10 ms."""
    dt: float = option(5e-4, positive)
    """Its time step [ms]."""
    areas: tuple[float, ...] = option((0.5, 1.0, 2.0, 3.0, 5.0, 10.0, 30.0, 100.0), positive, least=3, rising=True)
    """Membrane areas of axons without input [um2]."""
    near: tuple[float, ...] = option((1.0, 2.0, 3.0, 5.0, 10.0), positive, least=3, rising=True)
    """Those through which the quadratic in log area goes [um2]."""
    primary_area: float = option(3.0, positive)
    """Whose intervals are compared with those of the first and the last of ``near`` [um2]."""
    axons: int = option(60, Range(2))
    """Axons per area [1]."""
    axon_duration: float = option(2000.0, positive)
    """Measured time of axons without input [ms], after 100 ms."""
    axon_dt: float = option(0.02, positive)
    """Time step of axons [ms]."""
    blocks: int = option(20, Range(2))
    """Blocks of neurons or axons, over which errors are found [1]."""
    currents: tuple[float, ...] = option((6.8, 8.0, 9.5, 12.0), nonnegative, least=2, rising=True)
    """Current per area [uA/cm2]: the first is judged within the bistable window (6.3 to 9.78), the last above it."""
    noises: tuple[float, ...] = option((0.0, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0), nonnegative, least=3, rising=True)
    """White noise on the current [uA/cm2 sqrt(ms)]; the first is none."""
    primary_noise: float = option(0.5, positive)
    """The one in between [uA/cm2 sqrt(ms)]."""
    patches: tuple[float, ...] = option((3.0, 10.0, 100.0, 1000.0, 3000.0, 10_000.0, 100_000.0), positive, rising=True)
    """Areas of axons with channel noise under the first current [um2]; none leaves them out."""
    primary_patch: float = option(10_000.0, positive)
    """The one in between [um2]."""
    driven: int = option(40, Range(2))
    """Axons under a current, per noise or area [1]."""
    driven_duration: float = option(2000.0, positive)
    """Their measured time [ms], after ``warmup``."""
    warmup: float = option(500.0, nonnegative)
    """Time before it [ms]: the current is on from the start, and axons start at rest."""
    seed: int = option(0, Range(0))
    """Root seed [1]."""

    def __post_init__(self) -> None:
        if not {*self.strengths} <= set(REFERENCE):
            raise ValueError(f"strengths must be among {', '.join(f'{d:g}' for d in REFERENCE)}")
        if not {*self.fitted} <= set(self.strengths):
            raise ValueError("strengths must have fitted among them")
        if not {*self.near} <= set(self.areas):
            raise ValueError("areas must have near among them")
        inside = [("near", "primary_area"), ("noises", "primary_noise")]
        inside += [("patches", "primary_patch")] if self.patches else []
        for those, one in inside:
            if getattr(self, one) not in getattr(self, those)[1:-1]:
                raise ValueError(f"{those} must have {one} among them, and not as an end")
        if self.noises[0] != 0.0:
            raise ValueError("noises must begin with 0")
        for name in ("size", "axons"):
            if getattr(self, name) % self.blocks:
                raise ValueError(f"{name} must be a whole multiple of blocks, {self.blocks}")


TINY = Config(
    strengths=(0.02, 0.07, 0.5), fitted=(0.02, 0.07, 0.5), size=8, duration=25.0, areas=(1.0, 3.0, 10.0),
    near=(1.0, 3.0, 10.0), axons=4, axon_duration=100.0, blocks=4, currents=(6.8, 12.0), noises=(0.0, 0.5, 8.0), patches=(),
    driven=8, driven_duration=100.0, warmup=50.0,
)  # fmt: skip
DEFAULT = Config()
FULL = Config(
    size=400, duration=2000.0, axons=400, axon_duration=5000.0, axon_dt=0.01, driven=200, driven_duration=5000.0
)


def build(config: Config) -> dict[str, jn.Simulation]:
    """FitzHugh-Nagumo, axons without input, under a current with noise on it, under a current with channel noise."""
    patches = {"patches": neurons.driven_patches(config)} if config.patches else {}
    made = {"fitzhugh": neurons.fitzhugh, "areas": neurons.quiet_axons, "current": neurons.driven_axons}
    return {name: make(config) for name, make in made.items()} | patches


def measure(config: Config, progress: Progress) -> dict[str, Any]:
    """Sums over intervals in blocks, over noise and over area; rates of axons under a current, over noise and over area."""
    stages = {
        "fitzhugh": neurons.fitzhugh_sums,
        "areas": neurons.area_sums,
        "current": neurons.current_rates,
    }
    if config.patches:
        stages["patches"] = neurons.patch_rates
    found = {name: progress.stage(name, functools.partial(stage, config)) for name, stage in stages.items()}
    return {name: data.assign_attrs(seed=config.seed) for name, data in found.items()}


def plot(data: Any, config: Config) -> dict[str, Picture]:
    """CV against noise and against area, rates against noise and against area."""
    return pictures.pictures(data, config)


def tables(data: Any, config: Config) -> dict[str, DataFrame]:
    """All that was measured, with 95 % intervals."""
    return pictures.tables(data, config)


def methods(config: Config, data: Any) -> str:
    """The methods paragraph."""
    del data
    also = (
        ", and others channel noise by the Langevin equation with a noise for each transition" if config.patches else ""
    )
    return f"""FitzHugh-Nagumo neurons, 0.01 dv/dt = v - v^3/3 - w, dw/dt = v + 1.05 + D xi, were moved by Heun's rule in steps of {config.dt:g} ms
(the unit of time is 1 ms), {config.size} for each D over {config.duration:g} ms. A spike is an upward crossing of v = 1, and the next may come after v < 0. The reference is a
loop of its own in double precision (Euler and Maruyama, steps of 5e-4, 500 neurons for 330 units of time each). Axons of Hodgkin and Huxley (sodium reversal 115 mV) had
60 sodium and 18 potassium channels per um2, each a Markov chain (binomial tau-leaping, steps of {config.axon_dt:g} ms): {config.axons} axons for each area
over {config.axon_duration:g} ms. Under a current of {", ".join(f"{i:g}" for i in config.currents)} uA/cm2 that is on from the start, at rest, {config.driven} axons without channel noise had white noise on
the current{also}; rates are those of {config.driven_duration:g} ms after
{config.warmup:g} ms. Coefficients of variation are of all intervals together; intervals are 95 %, from the jackknife over {config.blocks} blocks of neurons, or over axons.
"""
