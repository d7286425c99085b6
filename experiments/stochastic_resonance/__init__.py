"""Where noise helps a signal through: neurons at a weak cosine, threshold units at a strong signal, a recurrent network."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

import jaxsnn_noise as jn
from jaxsnn_noise.parameters import Range, fraction, nonnegative, positive
from jaxsnn_noise.study import Progress, option
from jaxsnn_noise.verdicts import holm

from . import neurons, pictures, units
from .claims import CLAIMS
from .estimates import REFRACTORY, RESET, TAU, THRESHOLD, amplitude_effect

if TYPE_CHECKING:
    from pandas import DataFrame

    from jaxsnn_noise.study import Picture

TITLE = "Stochastic resonance: signal-to-noise ratio and information against the noise"
COST = {"tiny": "11 s", "default": "6 min, estimated", "full": "1 h, estimated"}
settle = holm

__all__ = ["CLAIMS", "DEFAULT", "FULL", "TINY", "Config", "build", "measure", "methods", "plot", "settle", "tables"]


@dataclass(frozen=True)
class Config:
    """What is simulated. Neurons: tau 20 ms, refractory 2 ms, threshold 1 mV, reset 0 mV."""

    mean: float = option(0.8, positive)
    """Mean drive [mV]."""
    sigmas: tuple[float, ...] = option((0.08, 0.1, 0.12, 0.14, 0.16, 0.2, 0.3, 0.5), positive, least=3, rising=True)
    """Noise, in tau V' = mean - V + sigma sqrt(tau) xi [mV]; the free membrane spreads by sigma/sqrt(2)."""
    fitted: tuple[float, ...] = option((0.1, 0.12, 0.14, 0.16), positive, least=3, rising=True)
    """Those through which the quadratic in log sigma goes [mV]."""
    primary: float = option(0.14, positive)
    """Noise at which frequencies are compared, and at which the network is asked for more than at the ends [mV]."""
    frequency_hz: float = option(0.5, positive)
    """Of the slow signal [Hz]."""
    frequencies: tuple[float, ...] = option((1.0, 5.0, 10.0, 20.0, 50.0), positive, least=2, rising=True)
    """Signals that are compared with linear response at their frequency [Hz]."""
    strength: float = option(0.08, positive)
    """Amplitude of the membrane's answer to the signal over sigma [1]."""
    size: int = option(100, Range(2))
    """Neurons [1]."""
    trials: int = option(240, Range(2))
    """Trials per noise and frequency [1]."""
    faint: tuple[float, ...] = option((0.08, 0.1), positive, rising=True)
    """Noise under which neurons hardly fire [mV]: it gets ``faint_trials``."""
    faint_trials: int = option(1800, Range(2))
    """Trials per noise where it is faint [1]."""
    blocks: int = option(40, Range(2))
    """Blocks of trials, over which errors are found [1]."""
    duration: float = option(4000.0, positive)
    """Measured time [ms]: whole periods of all signals."""
    warmup: float = option(200.0, nonnegative)
    """Time before it [ms]."""
    dt: float = option(2.0, positive)
    """Time step [ms]; spikes have times inside it."""
    networks: int = option(4, Range(0))
    """Recurrent networks, drawn independently [1]; 0 leaves them out."""
    network_trials: int = option(20, Range(2))
    """Trials per network and noise, each a block [1]."""
    probability: float = option(0.1, fraction)
    """Connection probability [1]."""
    weight_std: float = option(0.2, nonnegative)
    """Standard deviation of the synaptic weights, mean 0 [nA]."""
    tau_syn: float = option(5.0, positive)
    """Time constant of the exponential synapses [ms]."""
    units: int = option(15, Range(1))
    """Threshold units that see the strong signal [1]."""
    noises: tuple[float, ...] = option((0.0, 0.1, 0.25, 0.5, 0.75, 1.0, 1.5, 2.0), nonnegative, least=3, rising=True)
    """Standard deviation of the units' noise over that of the signal [1]."""
    primary_noise: float = option(0.5, positive)
    """Noise at which the units are asked for more information than at the ends [1]."""
    levels: int = option(128, Range(2))
    """Levels of the strong signal: its quantiles [1]."""
    repeats: int = option(1000, Range(2))
    """Presentations of each level [1]."""
    seed: int = option(0, Range(0))
    """Root seed [1]."""

    def __post_init__(self) -> None:
        if not {*self.fitted, *self.faint, self.primary} <= set(self.sigmas):
            raise ValueError("sigmas must have fitted, faint and primary among them")
        if self.primary_noise not in self.noises[1:-1]:
            raise ValueError("noises must have primary_noise among them, and not as an end")
        for name in ("trials", "faint_trials", "repeats"):
            if getattr(self, name) % self.blocks:
                raise ValueError(f"{name} must be a whole multiple of blocks, {self.blocks}")
        cycles = np.array([self.frequency_hz, *self.frequencies]) * self.duration / 1000.0
        if not np.allclose(cycles, np.rint(cycles)) or cycles.min() < 1.5:
            raise ValueError(
                f"duration must be at least two periods, and whole ones, of each signal; got {cycles} periods"
            )


TINY = Config(
    sigmas=(0.1, 0.14, 0.2), fitted=(0.1, 0.14, 0.2), frequencies=(5.0, 50.0), size=20, trials=8, faint=(), faint_trials=8,
    blocks=4, networks=0, noises=(0.0, 0.5, 2.0), levels=32, repeats=40, duration=2000.0, frequency_hz=1.0,
)  # fmt: skip
DEFAULT = Config()
FULL = Config(dt=1.0, trials=1600, faint_trials=9600, networks=8, network_trials=100, repeats=10000)


def build(config: Config) -> dict[str, jn.Simulation]:
    """Neurons alone, in a network, and threshold units."""
    networks = {"network": neurons.recurrent(config)} if config.networks else {}
    return {"neurons": neurons.single(config), **networks, "units": units.array(config)}


def measure(config: Config, progress: Progress) -> dict[str, Any]:
    """Spectral lines over noise and over frequency, of neurons and of networks; how many units are active at each level."""
    import xarray

    sigmas, slow = list(config.sigmas), config.frequency_hz
    faint, rest = list(config.faint), [s for s in config.sigmas if s not in config.faint]
    frequencies = list(config.frequencies)
    cells = [*rest, *[config.primary] * len(frequencies)], [*[slow] * len(rest), *frequencies]
    lines = _lines("neurons", cells, config.trials, config, progress)
    levels, others = lines.isel(cell=slice(len(rest))), lines.isel(cell=slice(len(rest), None))
    if faint:
        low = _lines("faint", (faint, [slow] * len(faint)), config.faint_trials, config, progress)
        levels = xarray.concat([low, levels], "cell", combine_attrs="override").sortby("sigma")
    found = {"noise": levels.swap_dims(cell="sigma"), "frequency": others.swap_dims(cell="frequency")}
    if config.networks:
        network = _lines("network", (sigmas, [slow] * len(sigmas)), config.network_trials, config, progress)
        found["network"] = network.swap_dims(cell="sigma")
    with progress.task("units", unit="members") as task:
        found["units"] = units.numbers(config, key=_key("units", config), store=progress.folder("units"), told=task.update)  # fmt: skip
    return {name: data.assign_attrs(seed=config.seed) for name, data in found.items()}


def _lines(name: str, cells: Any, trials: int, config: Config, progress: Progress) -> Any:
    """The spectral lines of one grid."""
    coupled = name == "network"
    sim = neurons.recurrent(config) if coupled else neurons.single(config)
    extra = [jn.Vary({"network.recurrent.weights": neurons.weights(config)}, name="seed")] if coupled else []
    blocks = trials if coupled else config.blocks
    with progress.task(name, unit="members") as task:
        run = partial(neurons.responses, sim, cells[0], cells[1], extra, trials=trials, blocks=blocks, config=config)
        return run(key=_key(name, config), store=progress.folder(name), told=task.update)


def _key(name: str, config: Config) -> int:
    """Grids have random numbers of their own."""
    place = ("neurons", "faint", "network", "units").index(name)
    return int(np.random.SeedSequence((config.seed, place)).generate_state(1)[0] >> 1)


def plot(data: Any, config: Config) -> dict[str, Picture]:
    """The ratio against noise and frequency with theory, the network's, and the information of the units."""
    return pictures.pictures(data, config)


def tables(data: Any, config: Config) -> dict[str, DataFrame]:
    """All that was measured, with 95 % intervals."""
    return pictures.tables(data, config)


def methods(config: Config, data: Any) -> str:
    """The methods paragraph."""
    effect = np.abs(amplitude_effect(data["noise"]["sigma"], config).values - 1.0).max()
    network = (
        f"The networks have {config.size} such neurons (connection probability {config.probability:g}, weights normal with mean 0 and "
        f"standard deviation {config.weight_std:g} nA, exponential synapses of {config.tau_syn:g} ms), {config.networks} draws of the weights, and their "
        "density is that of the summed spikes over the number of neurons; nothing is taken out there."
    )
    return f"""Leaky integrate-and-fire neurons

    tau dV/dt = mean + a cos(2 pi f t) - V + sigma sqrt(tau) xi,  tau = {TAU:g} ms, mean {config.mean:g} mV,

threshold {THRESHOLD:g} mV, reset {RESET:g} mV, refractory {REFRACTORY:g} ms, were integrated exactly in steps of {config.dt:g} ms; crossings between the ends
of steps, and their times, were drawn from the Brownian bridge. The signal-to-noise ratio is the power of the spike train's line at f
over the spectral density beside it (one period of the measured {config.duration / 1000:g} s away), per squared amplitude of the signal. Each neuron was
run with the signal and with its negative, under the same noise; half the difference is the line. The amplitude is
a = {config.strength:g} sigma sqrt(1 + (2 pi f tau)^2). What a slow signal of that amplitude changes (Siegert's rate, followed without delay) was
taken out of the ratios of neurons: at most {100 * effect:.1f} %; so was what the step takes of the line, sinc(f dt)^4. There were {config.trials} trials of
{config.size} neurons for each noise and frequency ({config.faint_trials} where noise is faint). Intervals are 95 %, from the jackknife over {config.blocks} blocks of trials.
{network if config.networks else "No recurrent network was simulated."}
The threshold units are neurons that forget in a step, with normal noise on the threshold; the signal takes {config.levels} quantiles of a normal
distribution about the threshold, {config.repeats} presentations each. Information is that of the measured laws, less the jackknife's bias.
"""
