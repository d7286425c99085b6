"""What is simulated: axons without input, under a frozen current, and at a pulse; and what is kept of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

import jaxsnn_noise as jn
from jaxsnn_noise.neurons import HodgkinHuxley
from jaxsnn_noise.neurons.channels import Channels, ConductanceNoise, Markov, SubunitLangevin, TransitionLangevin

if TYPE_CHECKING:
    import xarray as xr

SCHEMES: dict[str, Channels] = {
    "Markov": Markov(), "TransitionLangevin": TransitionLangevin(), "ConductanceNoise": ConductanceNoise(), "SubunitLangevin": SubunitLangevin(),
}  # fmt: skip
SETTLED = 20.0
"""Time before a pulse [ms]: channels forget their start in 8.5 ms."""
WINDOW = 8.0
"""Time from its start in which a spike counts [ms]."""
BIN = 1.0
"""Of interval histograms, and of trains that are compared [ms]."""
BINS = 400
MEAN, SPREAD, TAU = 5.0, 5.0, 5.0
"""Frozen current: mean and standard deviation [uA/cm2], correlation time [ms]."""


def quiet(config: Any, scheme: str) -> jn.Simulation:
    """Axons without input, so many for each area."""
    neuron = HodgkinHuxley(
        len(config.areas) * config.axons, area=np.repeat(config.areas, config.axons), channels=SCHEMES[scheme]
    )
    statistics = {
        "i": jn.statistics.IntervalSums(),
        "n": jn.statistics.SpikeCount(),
        "h": jn.statistics.IntervalHistogram(BIN, BINS),
    }
    options = {"duration": config.duration, "warmup": config.settled, "dt": config.dt}
    return jn.Simulation(jn.Network({"cells": jn.Population(neuron)}), **options, statistics=statistics)


def intervals(config: Any, scheme: str) -> xr.Dataset:
    """Spikes, sums over intervals, and their histogram [area, block]."""
    import xarray

    found = jn.simulate(quiet(config, scheme), key=key_of(f"quiet {scheme}", config))
    shape = len(config.areas), config.blocks, -1
    pooled = lambda x: np.asarray(x, np.float64).reshape(shape).sum(-1)  # noqa: E731
    sums, dt = found["i"], config.dt
    squares = pooled(sums.squares) + 2.0**32 * pooled(sums.squares_high)
    parts = {
        "spikes": pooled(found["n"]),
        "time": np.full(shape[:2], config.duration * config.axons / config.blocks),
        "count": pooled(sums.count),
        "total": dt * pooled(sums.total),
        "squares": dt**2 * squares,
    }
    counts = np.vstack([np.asarray(found["h"].counts), np.asarray(found["h"].longer)[None]])
    histogram = np.stack([pooled(row) for row in counts], axis=-1)
    columns: dict[str, Any] = {name: (("area", "block"), part) for name, part in parts.items()}
    columns["histogram"] = (("area", "block", "bin"), histogram)
    return xarray.Dataset(columns, {"area": list(config.areas)})


def frozen(config: Any) -> np.ndarray:
    """The current [step] in uA/cm2, an Ornstein-Uhlenbeck process drawn once."""
    from scipy import signal

    steps = round((config.record + config.settling) / config.dt)
    kept = np.exp(-config.dt / TAU)
    white = np.random.default_rng((config.seed, 7)).normal(size=steps)
    course = signal.lfilter([np.sqrt(1 - kept**2)], [1.0, -kept], white)
    return MEAN + SPREAD * course


def driven(config: Any) -> jn.Simulation:
    """Axons that all have the same current per area, Langevin channels."""
    area = np.repeat(config.patches, config.repeats)
    neuron = HodgkinHuxley(len(area), area=area, channels=TransitionLangevin())
    course = np.asarray(frozen(config)[:, None] * np.asarray(neuron.current(1.0))[None], np.float32)
    options = {"duration": config.record, "warmup": config.settling, "dt": config.dt}
    statistics = {"b": jn.statistics.BinnedCounts(BIN)}
    network = jn.Network({"cells": jn.Population(neuron)})
    return jn.Simulation(network, {"cells": jn.coding.TimeSeries(course)}, **options, statistics=statistics)


def repeated(config: Any) -> xr.Dataset:
    """Spikes under the frozen current [patch, trial, bin], of which each trial is an axon."""
    import xarray

    found = np.asarray(jn.simulate(driven(config), key=key_of("driven", config))["b"])
    trains = found.T.reshape(len(config.patches), config.repeats, -1).astype(np.int16)
    middles = (np.arange(trains.shape[-1]) + 0.5) * BIN
    return xarray.Dataset(
        {"spikes": (("patch", "trial", "bin"), trains)}, {"patch": list(config.patches), "bin": middles}
    )


def amplitudes(config: Any) -> np.ndarray:
    """Pulses [amplitude] in uA/cm2: none, and a ladder that is finest about the middle."""
    reach = np.array([0.01, 0.02, 0.04, 0.08, 0.16, 0.32])
    return np.concatenate([[0.0], config.pulse * (1.0 + np.concatenate([-reach[::-1], [0.0], reach]))])


def pulsed(config: Any) -> jn.Simulation:
    """Axons [patch, amplitude, repeat] at a pulse of 1 ms."""
    ladder = amplitudes(config)
    area = np.repeat(config.large, len(ladder) * config.pulses)
    neuron = HodgkinHuxley(len(area), area=area, channels=TransitionLangevin())
    heights = np.tile(np.repeat(ladder, config.pulses), len(config.large))
    given = np.asarray(neuron.current(1.0)) * heights
    steps, first = round((SETTLED + WINDOW) / config.dt), round(SETTLED / config.dt)
    course = np.zeros((steps, len(area)), np.float32)
    course[first : first + round(1.0 / config.dt)] = given
    options = {"duration": WINDOW, "warmup": SETTLED, "dt": config.dt}
    network = jn.Network({"cells": jn.Population(neuron)})
    statistics = {"n": jn.statistics.SpikeCount(), "v": jn.statistics.Last("v")}
    return jn.Simulation(network, {"cells": jn.coding.TimeSeries(course)}, **options, statistics=statistics)


def responses(config: Any) -> xr.Dataset:
    """How many of the axons of a block fired [large, block, amplitude], and the spread of the potential [large] of those at rest [mV]."""
    import xarray

    ladder = amplitudes(config)
    found = jn.simulate(pulsed(config), key=key_of("pulsed", config))
    fired = np.asarray(found["n"]).reshape(len(config.large), len(ladder), config.pulses) > 0
    at_rest = np.where(fired[:, 0], np.nan, np.asarray(found["v"]).reshape(fired.shape)[:, 0])
    tries = config.pulses // config.blocks
    counts = np.moveaxis(fired.reshape(*fired.shape[:2], config.blocks, tries).sum(-1), 1, -1)
    columns = {
        "fired": (("large", "block", "amplitude"), counts),
        "spread_at_rest": (("large",), np.nanstd(at_rest, axis=-1, ddof=1)),
    }
    return xarray.Dataset(columns, {"large": list(config.large), "amplitude": ladder}).assign_attrs(tries=tries)


def key_of(name: str, config: Any) -> int:
    """Every part has random numbers of its own."""
    places = (*(f"quiet {scheme}" for scheme in SCHEMES), "driven", "pulsed", "budget")
    return int(np.random.SeedSequence((config.seed, 1 + places.index(name))).generate_state(1)[0] >> 1)
