"""Brunel's network of 12,500 neurons in its four regimes, against the self-consistent theory; how correlations fall with size."""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass
from typing import Any

import numpy as np

import jaxsnn_noise as jn
from jaxsnn_noise import theory
from jaxsnn_noise.parameters import Range, nonnegative, positive
from jaxsnn_noise.study import Progress, option
from jaxsnn_noise.verdicts import holm

from .claims import CLAIMS as CLAIMS
from .pictures import plot as plot
from .pictures import tables as tables

TITLE = "Brunel's sparse network: four regimes, one theory, and correlations that fall with size"
COST = {"tiny": "10 s", "default": "25 min on a busy machine", "full": "1 h or more, estimated"}

PANELS = {"A": (3.0, 2.0), "B": (6.0, 4.0), "C": (5.0, 2.0), "D": (4.5, 0.9)}
"""Of figure 8: strength of inhibition relative to excitation g, and rate outside in that which reaches threshold eta."""
NEURON: dict[str, Any] = {"tau_mem": 20.0, "v_threshold": 20.0, "v_reset": 10.0, "refractory": 2.0}
WEIGHT, DELAY, REACHING_HZ, DEGREE = 0.1, 1.5, 10.0, 1000
"""Jump of an excitatory spike [mV], delay [ms], rate of ``DEGREE`` excitatory synapses whose mean is the threshold [Hz]."""
WAYS = ("degree", "probability")
"""What stays where the size changes: the number of synapses of a neuron, or the probability of a connection."""

settle = holm


@dataclass(frozen=True)
class Config:
    """Sizes and times; all else is that of the paper."""

    panels: tuple[str, ...] = option(tuple(PANELS), choices=tuple(PANELS), least=1, distinct=True)
    """Panels of figure 8 that are simulated."""
    excitatory: int = option(10_000, Range(100, whole=True))
    """Excitatory neurons, each with a tenth of them as sources; there are a quarter as many inhibitory ones [1]."""
    networks: int = option(3, Range(2))
    """Networks per panel and size, each with a graph and noise of its own [1]."""
    duration: float = option(1000.0, positive)
    """Measured time of a panel [ms]."""
    warmup: float = option(200.0, nonnegative)
    """Time before it [ms]."""
    sizes: tuple[int, ...] = option((1000, 2000, 4000, 10_000), Range(100, whole=True), rising=True)
    """Excitatory neurons of the networks whose correlations are compared, none or at least two [1]."""
    long: float = option(2000.0, positive)
    """Measured time of these [ms]."""
    dt: float = option(0.1, positive)
    """Time step [ms]."""
    fast: float = option(5.0, positive)
    """Shorter bins of correlation [ms]."""
    slow: float = option(50.0, positive)
    """Longer bins of correlation, of the claims [ms]."""
    segment: float = option(200.0, positive)
    """Length of the segments of spectra [ms]."""
    seed: int = option(0, Range(0))
    """Root seed [1]."""

    def __post_init__(self) -> None:
        if len(self.sizes) == 1:
            raise ValueError("sizes must be none, or at least two")


TINY = Config(excitatory=400, networks=2, duration=200.0, warmup=100.0, sizes=())
DEFAULT = Config()
FULL = Config(networks=8, long=10_000.0)


def weight_of(degree: int) -> float:
    """Jump of an excitatory spike [mV] that keeps the variance of the input: as one over the root of the synapses."""
    return WEIGHT * math.sqrt(DEGREE / degree)


@functools.cache
def theory_of(panel: str) -> dict[str, float]:
    """Self-consistent rate [Hz], its drive [mV, mV/sqrt(ms)] and the CV that goes with them, at a thousand synapses."""
    g, eta = PANELS[panel]
    counts = {"excitatory": DEGREE, "inhibitory": DEGREE // 4, "external": DEGREE}
    alike: dict[str, Any] = {"jump": WEIGHT, "inhibition": g, **counts}
    rate = float(theory.brunel_rate_hz(eta * REACHING_HZ, **alike, **NEURON))
    mean, sigma = theory.brunel_drive(rate, external_hz=eta * REACHING_HZ, tau_mem=NEURON["tau_mem"], **alike)
    cv = float(theory.siegert_cv(mean, sigma, **NEURON)) if sigma > 0 else math.nan
    return {"rate_hz": rate, "mean": float(mean), "sigma": float(sigma), "cv": cv}


def constant_of(panel: str, degree: int) -> float:
    """What a constant current adds [mV] where there are fewer synapses, so that theory's mean stays as well; 0 for a thousand."""
    g, eta = PANELS[panel]
    rate = theory_of(panel)["rate_hz"]
    balance = NEURON["tau_mem"] / 1e3 * (eta * REACHING_HZ + rate * (1 - g / 4))
    return balance * (WEIGHT * DEGREE - weight_of(degree) * degree)


def simulation(
    config: Config, panel: str, seed: int, *, excitatory: int, degree: int, duration: float
) -> jn.Simulation:
    """A network of its own graph: exact in-degrees, distinct sources, a Poisson input for each neuron."""
    (g, eta), size = PANELS[panel], excitatory + excitatory // 4
    charge = weight_of(degree) * config.dt / -math.expm1(-config.dt / NEURON["tau_mem"])
    projections = {}
    for name, first, sources, inputs, strength in (
        ("excite", 0, excitatory, degree, charge),
        ("inhibit", excitatory, excitatory // 4, degree // 4, -g * charge),
    ):
        key = jn.random.stream(jn.random.root(seed), name)
        graph = jn.synapses.FixedInDegree(inputs, autapses=True, multapses=False).draw(key, (size, sources))
        projections[name] = jn.synapses.Sparse(
            "cells",
            "cells",
            size=(size, size),
            rows=graph.rows,
            columns=graph.columns + first,
            weights=strength,
            kinetics=jn.synapses.Delta(),
            delay=DELAY,
        )
    outside = jn.noise.PoissonBackground(eta * REACHING_HZ, charge, float(degree))
    start = {"v": jn.laws.UniformBetween(0.0, NEURON["v_threshold"])}
    cells = jn.Population(jn.neurons.LIF(size, **NEURON), noise={"outside": outside}, initial=start)
    return jn.Simulation(
        jn.Network({"cells": cells}, projections),
        {"cells": jn.coding.Constant(constant_of(panel, degree))},
        duration=duration,
        dt=config.dt,
        warmup=config.warmup,
        statistics={
            "spikes": jn.statistics.SpikeCount(),
            "cv": jn.statistics.IntervalCV(),
            "activity": jn.statistics.PopulationRate(config.dt),
            "fast": jn.statistics.CountCorrelation(config.fast),
            "slow": jn.statistics.CountCorrelation(config.slow),
            "synchrony": jn.statistics.SynchronyIndex(),
            "spectrum": jn.statistics.PowerSpectrum(config.segment, pooled=True),
            "shown": jn.statistics.Trace(("spikes",), neurons=tuple(range(50))),
        },
    )


def of_panel(config: Config, panel: str, network: int) -> jn.Simulation:
    """A network of a panel of the figure."""
    few = config.excitatory
    return simulation(config, panel, config.seed + network, excitatory=few, degree=few // 10, duration=config.duration)


def of_size(config: Config, way: str, excitatory: int, network: int) -> jn.Simulation:
    """A network of panel C of another size."""
    degree = (config.sizes[0] if way == "degree" else excitatory) // 10
    seed = config.seed + 1000 + network
    return simulation(config, "C", seed, excitatory=excitatory, degree=degree, duration=config.long)


def build(config: Config) -> dict[str, jn.Simulation]:
    """The first network of the first panel: the others differ from it in numbers, and take as much memory each."""
    return {config.panels[0]: of_panel(config, config.panels[0], 0)}


def measure(config: Config, progress: Progress) -> dict[str, Any]:
    """Every network by a run of its own: its graph is made, run and forgotten."""
    import xarray

    panels = [progress.stage(f"panel_{panel}", functools.partial(_panel, config, panel)) for panel in config.panels]
    found = {"panels": xarray.concat(panels, "panel").assign_coords(panel=list(config.panels))}
    if config.sizes:
        ways = [progress.stage(f"sizes_{way}", functools.partial(_sizes, config, way)) for way in WAYS]
        found["sizes"] = xarray.concat(ways, "way").assign_coords(way=list(WAYS))
    return {name: one.assign_attrs(seed=config.seed) for name, one in found.items()}


def _panel(config: Config, panel: str) -> Any:
    import xarray

    rows, courses = [], []
    for network in range(config.networks):
        run = _run(of_panel(config, panel, network), config.seed + network)
        rows.append(_numbers(run, config, config.duration))
        courses.append((run["activity"], run["spectrum"], run["shown"]["spikes"]))
    activity, spectrum, shown = (np.stack(x) for x in zip(*courses, strict=True))
    series = {
        "activity": (("network", "time"), activity),
        "spectrum": (("network", "frequency"), spectrum),
        "raster": (("time", "neuron"), shown[0].astype(np.uint8)),
    }
    steps, length = activity.shape[1], round(config.segment / config.dt)
    coords = {
        "time": config.dt * np.arange(1, steps + 1),
        "frequency": np.fft.rfftfreq(length, config.dt / 1e3),
        "network": np.arange(config.networks),
    }
    return xarray.Dataset({**_columns(rows), **series}, coords)


def _sizes(config: Config, way: str) -> Any:
    import xarray

    found = []
    for excitatory in config.sizes:
        runs = (_run(of_size(config, way, excitatory, k), config.seed + k) for k in range(config.networks))
        found.append(xarray.Dataset(_columns([_numbers(run, config, config.long) for run in runs])))
    neurons = [n + n // 4 for n in config.sizes]
    return xarray.concat(found, "neurons").assign_coords(neurons=neurons, network=np.arange(config.networks))


def _run(sim: jn.Simulation, key: int) -> dict[str, Any]:
    """One run by ``simulate``, as arrays of NumPy."""
    import jax

    found = jn.simulate(sim, key=key)
    return {k: jax.tree.map(np.asarray, found[k]) for k in ("health_cells", *sim.statistics) if k != "shown"} | {
        "shown": {"spikes": np.asarray(found["shown"].spikes)}
    }


def _numbers(run: dict[str, Any], config: Config, duration: float) -> dict[str, float]:
    """What tells the regimes apart, of one network."""
    size, steps = len(run["spikes"]), round(duration / config.dt)
    rate = 1e3 * float(run["spikes"].mean()) / duration
    spectrum = run["spectrum"][2:]  # the first two are low, since the mean of a segment is taken out
    top = int(np.argmax(spectrum))
    seen = np.rint(np.asarray(run["activity"], float) * size * config.dt / 1e3).sum()
    return {
        "rate": rate,
        "cv": float(np.mean(run["cv"], where=~np.isnan(run["cv"]))) if np.isfinite(run["cv"]).any() else float("nan"),
        "synchrony": float(run["synchrony"]),
        "fast_correlation": float(run["fast"]),
        "slow_correlation": float(run["slow"]),
        "peak_hz": 1e3 / config.segment * (top + 2),
        "peak": float(spectrum[top]) * size / rate if rate else math.nan,
        "largest_step": float(run["activity"].max()) * config.dt / 1e3,
        "miscounted": float(abs(seen - run["spikes"].astype(float).sum())),
        "steps": float(steps),
    }


def _columns(rows: list[dict[str, float]]) -> dict[str, Any]:
    return {name: ("network", np.array([row[name] for row in rows])) for name in rows[0]}


def methods(config: Config, data: Any) -> str:
    """The methods paragraph."""
    del data
    few = config.excitatory // 10
    return f"""We simulated {config.excitatory} excitatory and {config.excitatory // 4} inhibitory leaky integrate-and-fire neurons
(time constant 20 ms, threshold 20 mV, reset 10 mV, refractory 2 ms), each with {few} synapses from distinct excitatory and {few // 4} from distinct
inhibitory neurons, of {weight_of(few):.3g} mV and -g times that, after a delay of 1.5 ms (Brunel 2000,
doi:10.1023/A:1008925309027), and a Poisson input of its own of {few} fibres of eta times 10 Hz through excitatory synapses. Steps of {config.dt:g} ms: exact
propagation, jumps at the end of a step, spikes at steps. {config.networks} networks per panel, each with a graph and noise of its own, {config.duration:g} ms
after {config.warmup:g} ms. With fewer than 1000 synapses weights grow as one over the root of their number and a constant current
replaces what the mean loses, so that the theory is the same at every size. CV: mean over neurons of the standard deviation of intervals over
their mean. Synchrony: standard deviation of the mean potential over the root of the mean variance (Golomb's chi). Spectra: of the
activity of the population, Welch's segments of {config.segment:g} ms, relative to that of as many independent Poisson neurons. Intervals are 95 % t-intervals
over networks; claims are decided together (Holm). Bounds were chosen after one network of each panel had been seen.
"""
