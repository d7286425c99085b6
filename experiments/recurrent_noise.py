"""What four kinds of noise do to a recurrent network of 100 LIF neurons that all see a frozen fluctuating stimulus."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

import jaxsnn_noise as jn
from jaxsnn_noise import figures
from jaxsnn_noise.parameters import Range, fraction, nonnegative, positive, real
from jaxsnn_noise.study import Claim, Judgement, Picture, Progress, option

TITLE = "Noise in a recurrent network: rate, irregularity, correlation, reliability"
COST = {"tiny": "10 s", "default": "30 s", "full": "10 min"}

KINDS = ("additive", "multiplicative", "poisson", "threshold")


@dataclass(frozen=True)
class Config:
    """What is simulated; every value here is ours, chosen as round numbers of the field."""

    size: int = option(100, Range(2))
    """Neurons [1]."""
    probability: float = option(0.1, fraction)
    """Connection probability [1]."""
    weight_std: float = option(0.2, nonnegative)
    """Standard deviation of the synaptic weights, mean 0 [nA]."""
    tau_mem: float = option(20.0, positive)
    """Membrane time constant [ms]."""
    tau_syn: float = option(5.0, positive)
    """Time constant of the exponential synapses [ms]."""
    refractory: float = option(2.0, nonnegative)
    """Absolute refractory time [ms]."""
    drive: float = option(1.1, real)
    """Mean of the stimulus [nA]; the threshold is 1 mV and the resistance 1 MOhm."""
    stimulus_std: float = option(0.3, nonnegative)
    """Standard deviation of the stimulus, one course per neuron, the same in all trials [nA]."""
    stimulus_tau: float = option(5.0, positive)
    """Correlation time of the stimulus [ms]."""
    levels: tuple[float, ...] = option((0.0, 0.05, 0.1, 0.2, 0.4), nonnegative, least=2, rising=True)
    """Noise: standard deviation that it gives a free membrane at threshold, or the threshold itself [mV]."""
    background_hz: float = option(500.0, positive)
    """Rate of the excitatory and of the inhibitory Poisson background, each [Hz]."""
    wirings: int = option(2, Range(1))
    """Independent draws of the weights [1]."""
    trials: int = option(100, Range(2))
    """Trials per kind, level and wiring [1]."""
    duration: float = option(1000.0, positive)
    """Measured time [ms]."""
    warmup: float = option(200.0, nonnegative)
    """Time before it [ms]."""
    dt: float = option(1.0, positive)
    """Time step [ms]."""
    kinds: tuple[str, ...] = option(KINDS, choices=KINDS, least=1, distinct=True)
    """Kinds of noise; additive is among them, each is a program of its own."""
    bin: float = option(20.0, positive)
    """Length of the bins of correlation and reliability [ms]."""
    seed: int = option(0, Range(0))
    """Root seed [1]."""

    def __post_init__(self) -> None:
        if self.levels and self.levels[0] != 0.0:
            raise ValueError("levels must begin with 0: everything is compared with no noise")
        if "additive" not in self.kinds:
            raise ValueError("kinds must have additive among them")


TINY = Config(levels=(0.0, 0.2), wirings=1, trials=12, duration=200.0, warmup=50.0, kinds=("additive",))
DEFAULT = Config()
FULL = Config(levels=(0.0, 0.025, 0.05, 0.1, 0.2, 0.3, 0.4, 0.6), wirings=8, trials=200, dt=0.5)

BOUND = 0.05
RASTER_BYTES = 1e8
"""Rasters of all members are kept if they are smaller than this [B]; else those shown are run again."""


def sources(kind: str, config: Config) -> dict[str, Any]:
    """The sources of a kind of noise, silent until :func:`set_level` gives them a level."""
    if kind == "additive":
        return {"membrane": jn.noise.VoltageNoise(jn.noise.Diffusion(0.0))}
    if kind == "multiplicative":
        return {"membrane": jn.noise.VoltageNoise(jn.noise.Diffusion(0.0), coupling=jn.noise.Multiplicative())}
    if kind == "threshold":
        return {"membrane": jn.noise.ThresholdNoise(jn.noise.PerStep(0.0))}
    rate = config.background_hz
    return {"excitation": jn.noise.PoissonBackground(rate, 0.0), "inhibition": jn.noise.PoissonBackground(rate, 0.0)}


def set_level(sim: jn.Simulation, level: Any, config: Config) -> jn.Simulation:
    """The simulation at a noise level [mV].

    A diffusion ``s`` gives a free membrane the standard deviation ``s sqrt(tau/2)``; two Poisson inputs of rate r and
    charges +-q give ``q sqrt(r/tau)``; threshold noise has the level itself as its standard deviation per step.
    """
    noise = "network.cells.noise"
    names = set(sim.network.cells()["cells"].noise)
    if names == {"excitation", "inhibition"}:
        charge = level * np.sqrt(config.tau_mem / (config.background_hz / 1000.0))
        charges = {f"{noise}.excitation.charge": charge, f"{noise}.inhibition.charge": -charge}
        return jn.paths.replace(sim, charges)
    diffusive = isinstance(sim.network.cells()["cells"].noise["membrane"], jn.noise.VoltageNoise)
    sigma = level / np.sqrt(config.tau_mem / 2.0) if diffusive else level
    return jn.paths.replace(sim, {f"{noise}.membrane.amplitude.sigma": sigma})


def simulation(kind: str, config: Config) -> jn.Simulation:
    """The network with one kind of noise."""
    neuron = jn.neurons.LIF(config.size, tau_mem=config.tau_mem, refractory=config.refractory)
    synapse = jn.synapses.Exponential(config.tau_syn)
    network = jn.Network(
        {"cells": jn.Population(neuron, noise=sources(kind, config))},
        {"recurrent": jn.synapses.Dense("cells", "cells", weights(config)[0], kinetics=synapse)},
    )
    course = jn.noise.OrnsteinUhlenbeck(config.stimulus_tau)
    stimulus = jn.noise.CurrentNoise(jn.noise.PerStep(config.stimulus_std), colour=course)
    return jn.Simulation(
        network,
        {"cells": jn.coding.Fluctuating(config.drive, stimulus)},
        duration=config.duration,
        dt=config.dt,
        warmup=config.warmup,
        frozen={"inputs": ()},
        statistics={
            "rate": jn.statistics.Rate(),
            "cv": jn.statistics.IntervalCV(),
            "correlation": jn.statistics.CountCorrelation(config.bin),
            "counts": jn.statistics.BinnedCounts(config.bin),
            **({"raster": jn.statistics.Raster()} if keeps_rasters(config) else {}),
        },
    )


def keeps_rasters(config: Config) -> bool:
    """Whether the rasters of all members are small: a program that runs some of them again takes longer to compile."""
    members = len(config.kinds) * len(config.levels) * config.wirings * config.trials
    return members * config.size * config.duration / config.dt / 8 < RASTER_BYTES


def weights(config: Config) -> np.ndarray:
    """The weights of all wirings [wiring, target, source]."""
    shape = (config.size, config.size)
    return np.stack(
        [
            jn.synapses.random_weights(shape=shape, probability=config.probability, std=config.weight_std, key=1000 + i)
            for i in range(config.wirings)
        ]
    )


def build(config: Config) -> dict[str, jn.Simulation]:
    """One simulation per kind of noise."""
    return {kind: simulation(kind, config) for kind in config.kinds}


def measure(config: Config, progress: Progress) -> dict[str, Any]:
    """Members by kind, level, wiring and trial; reliability over trials; one raster per kind at the highest level."""
    levels = np.asarray(config.levels, np.float32)
    axes: list[Any] = [
        jn.Vary(levels, by=lambda sim, level: set_level(sim, level, config), name="level"),
        jn.Vary({"network.recurrent.weights": weights(config)}, name="wiring"),
        jn.Trials(config.trials),
    ]
    with progress.task("members", unit="members") as task:
        folder = progress.folder("grid")
        cases = jn.Cases(build(config), name="kind")
        data = jn.monte_carlo(cases, axes, key=config.seed, store=folder, progress=task.update)
    attributes = {**data.attrs, "seed": config.seed}
    reliable = jn.reduce.reliability(data["counts"], over="trial", bins=("bin_counts", "cells_neuron"))
    fano = jn.reduce.fano_factor(data["counts"].sum("bin_counts"), over="trial")
    members = data.drop_vars(["counts", "raster"], errors="ignore").drop_dims("bin_counts", errors="ignore")
    return {
        "members": members.assign_attrs(attributes),
        "reliability": reliable.assign_attrs(attributes),
        "fano": fano.assign_attrs(attributes),
        "rasters": _rasters(data, config).assign_attrs(attributes),
    }


def _rasters(data: Any, config: Config) -> Any:
    """One trial of each kind at the highest level, and one without noise, run again with the raster kept."""
    import xarray

    chosen = [("none", "additive", config.levels[0]), *((kind, kind, config.levels[-1]) for kind in config.kinds)]
    steps = round(config.duration / config.dt)
    pictures = []
    for _, kind, level in chosen:
        member = {"kind": kind, "level": np.float32(level), "wiring": 0, "trial": 0}
        if "raster" in data:
            packed = data["raster"].sel(member).values
        else:
            packed = jn.replay(data, sel=member, statistics={"raster": jn.statistics.Raster()}, progress=False)[
                "raster"
            ].values
        pictures.append(np.asarray(jn.statistics.unpack(packed, steps)))
    coords = {"shown": [name for name, _, _ in chosen]}
    return xarray.Dataset({"raster": (("shown", "time", "neuron"), np.stack(pictures))}, coords)


def summary(data: Any, name: str) -> Any:
    """Mean over neurons and wirings with an interval over trials: for the wirings that were drawn."""
    values = data["members"][name]
    values = values.mean([d for d in ("cells_neuron", "wiring") if d in values.dims])
    return jn.reduce.mean_and_error(values, over=("trial",))


def plot(data: Any, config: Config) -> dict[str, Picture]:
    """Curves against the noise level, and rasters."""
    labels = {"rate": "firing rate [Hz]", "cv": "CV of intervals [1]", "correlation": "mean count correlation [1]"}
    n = f"{config.trials} trials, {config.wirings} wirings"
    pictures = {}
    for name, label in labels.items():
        pictures[name] = _curves(summary(data, name), "mean", label, f"{label}; bands: 95 % interval over {n}.")
    reliability = data["reliability"].mean("wiring")
    caption = (
        f"Normalised inner product of the population's counts in two trials; {n}, bins of {config.bin:g} ms. "
        "It is not centred: it rises with the rate as well."
    )
    pictures["reliability"] = _curves(reliability, "reliability", "reliability [1]", caption)
    pictures["rasters"] = _raster_picture(data["rasters"], config)
    return pictures


def _curves(result: Any, field: str, label: str, caption: str) -> Picture:
    import pandas

    figure, axes = figures.new_figure()
    tables = []
    for kind in result["kind"].values:
        line = result.sel(kind=kind)
        ends = (line[k].values for k in (field, "low", "high"))
        _, table = figures.line_with_interval(
            axes, result["level"].values, *ends, x_label="noise level [mV]", y_label=label, series=str(kind)
        )
        tables.append(table)
    return Picture(figure, pandas.concat(tables, ignore_index=True), caption)


def _raster_picture(rasters: Any, config: Config) -> Picture:
    import pandas

    shown = list(rasters["shown"].values)
    figure, axes = figures.new_figure(len(shown), 1, height=1.5 * len(shown), sharex=True)
    tables = []
    for one, name in zip(axes, shown, strict=True):
        _, table = figures.raster(one, rasters["raster"].sel(shown=name).values, dt=config.dt)
        one.set_title(str(name), fontsize="medium", loc="left")
        one.label_outer()
        tables.append(table.assign(noise=str(name)))
    caption = f"One trial without noise, and one of each kind at {config.levels[-1]:g} mV; the stimulus is the same."
    return Picture(figure, pandas.concat(tables, ignore_index=True), caption)


def _contrast(data: Any, name: str, kind: str) -> tuple[float, float, float]:
    """Highest level less none, paired by trial (the same stimulus and random numbers)."""
    values = data["members"][name].sel(kind=kind)
    values = values.mean([d for d in ("cells_neuron", "wiring") if d in values.dims])
    result = jn.reduce.paired_contrast(values, "level", values["level"].values[0], over=("trial",)).isel(level=-1)
    return float(result["mean"]), float(result["low"]), float(result["high"])


def irregular(data: Any, config: Config) -> Judgement:
    """The spread of intervals grows with additive noise."""
    detail = f"CV at {config.levels[-1]:g} mV less CV without noise, paired over {config.trials} trials"
    return Judgement.above(0.0, *_contrast(data, "cv", "additive"), detail=detail)


def repeats_exactly(data: Any, config: Config) -> Judgement:
    """Without noise all trials are one."""
    value = float(data["reliability"]["reliability"].sel(level=config.levels[0]).min())
    return Judgement.at_least(1.0 - 1e-9, value, value, value, detail="smallest of all kinds and wirings")


def reliability_falls(data: Any, config: Config) -> Judgement:
    """The reliability at the highest level lies below one for every kind of noise: the largest upper limit counts."""
    last = data["reliability"].isel(level=-1)
    flat = last.stack(cell=("kind", "wiring"))
    worst = flat.isel(cell=int(np.argmax(flat["high"].values)))
    estimate, low, high = (float(worst[k]) for k in ("reliability", "low", "high"))
    detail = f"the most reliable kind at {config.levels[-1]:g} mV: {worst['kind'].item()}"
    return Judgement.at_most(0.95, estimate, low, high, detail=detail)


def asynchronous(data: Any, config: Config) -> Judgement:
    """Independent noise leaves pairs nearly uncorrelated: the largest mean correlation of all kinds and levels."""
    result = summary(data, "correlation").stack(cell=("kind", "level"))
    worst = result.isel(cell=int(np.argmax(result["high"].values)))
    estimate, low, high = (float(worst[k]) for k in ("mean", "low", "high"))
    detail = f"largest of all: {worst['kind'].item()} at {float(worst['level']):g} mV"
    return Judgement.at_most(0.1, estimate, low, high, detail=detail)


def diffusion_limit(data: Any, config: Config) -> Judgement:
    """Poisson background and white noise of the same membrane spread give the same rate within 5 %."""
    if "poisson" not in config.kinds:
        return jn.reduce.unmeasured("Poisson background")
    rates = data["members"]["rate"].isel(level=-1).mean(("cells_neuron", "wiring"))
    result = jn.reduce.paired_contrast(rates, "kind", "additive", over=("trial",)).sel(kind="poisson")
    base = float(rates.sel(kind="additive").mean())
    estimate, low, high = (float(result[k]) / base for k in ("mean", "low", "high"))
    size = max(abs(low), abs(high))
    least = 0.0 if low <= 0 <= high else min(abs(low), abs(high))
    detail = f"relative difference {estimate:+.4f} [{low:+.4f}, {high:+.4f}] at {config.levels[-1]:g} mV"
    return Judgement.at_most(BOUND, abs(estimate), least, size, detail=detail)


CLAIMS = (
    Claim(
        "irregular", "Noise makes firing irregular.", "Gerstner et al. 2014, doi:10.1017/CBO9781107447615", irregular
    ),
    Claim(
        "repeats_exactly",
        "Without internal noise, the response to a frozen stimulus repeats exactly.",
        "definition of the model",
        repeats_exactly,
    ),
    Claim(
        "reliability_falls",
        "Internal noise of every kind makes responses to a frozen stimulus unreliable.",
        "Mainen and Sejnowski 1995, doi:10.1126/science.7770778",
        reliability_falls,
    ),
    Claim(
        "asynchronous",
        "Sparse connections and independent noise leave neurons nearly uncorrelated (below 0.1).",
        "Renart et al. 2010, doi:10.1126/science.1179850 (the bound is ours)",
        asynchronous,
    ),
    Claim(
        "diffusion_limit",
        "Many small Poisson inputs act as white noise of the same membrane spread (rate within 5 %).",
        "Tuckwell 1988, doi:10.1017/CBO9780511623202 (the bound is ours)",
        diffusion_limit,
    ),
)


def tables(data: Any, config: Config) -> dict[str, Any]:
    """Means with intervals by kind and level."""
    found = {name: summary(data, name).to_dataframe().reset_index() for name in ("rate", "cv", "correlation")}
    found["reliability"] = data["reliability"].to_dataframe().reset_index()
    return found


def methods(config: Config, data: Any) -> str:
    """The methods paragraph."""
    return f"""We simulated {config.size} leaky integrate-and-fire neurons, connected with probability {config.probability:g},

    tau dv/dt = -v + R I,  tau = {config.tau_mem:g} ms, threshold 1 mV, reset 0 mV, refractory {config.refractory:g} ms,

integrated exactly in steps of {config.dt:g} ms, with exponential synapses ({config.tau_syn:g} ms, weights normal with
mean 0 and standard deviation {config.weight_std:g} nA). Every neuron had a stimulus of its own, an Ornstein-Uhlenbeck
current (mean {config.drive:g} nA, standard deviation {config.stimulus_std:g} nA, {config.stimulus_tau:g} ms) that was
the same in all trials. Noise was additive or multiplicative (Ito) and white on the membrane, balanced Poisson input
(two trains of {config.background_hz:g} Hz), or white on the threshold; a level is the standard deviation of the free
membrane at threshold, or of the threshold. For each kind and level, {config.trials} trials of {config.duration:g} ms
followed {config.warmup:g} ms of warm-up, in {config.wirings} wirings. Intervals are 95 % over trials, for the wirings
that were drawn; levels and kinds share their random numbers and are compared in pairs. Reliability is the mean
correlation (normalised inner product) of the binned response of all neurons ({config.bin:g} ms) over pairs of trials.
"""
