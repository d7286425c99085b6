"""The noise budget of one neuron: four sources at their biophysical value, and at equal variance; timing and information."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

import jaxsnn_noise as jn

if TYPE_CHECKING:
    import xarray as xr

TAU, TAU_SYN, THRESHOLD, REFRACTORY = 20.0, 5.0, 15.0, 2.0
RESISTANCE = 100.0
AFFERENTS, RATE = 100, 0.02
"""Number of afferents [1] and mean rate of each [1/ms]."""
EPSP = 1.4
"""Current of one spike times the resistance, at full release on average [mV]: the mean drive is 14 mV, 1 mV below threshold."""
SIGNAL_TAU, DEPTH = 20.0, 0.5
"""Correlation time [ms] and depth of the Gaussian modulation of the afferents' rate [1]."""
BACKGROUND_TAU, THRESHOLD_TAU = 5.0, 10.0
"""Correlation times of the background current and of the threshold [ms]."""
DT = 0.5
BIN = 0.5
SOURCES = ("channel", "release", "threshold", "background")
CONDITIONS = ("none", *(f"{name}" for name in SOURCES), *(f"{name}, equal" for name in SOURCES))
BIOPHYSICAL = {"channel": 0.4, "threshold": 2.5, "background": 4.0}
"""Standard deviations [mV] of the free membrane, or of the threshold.

Channel: of the order of what the axon of 1000 um2 has at rest (table ``at_rest`` of the study; channel noise
below threshold in model membranes: Steinmetz et al. 2000, J. Comput. Neurosci. 9:133). Threshold: a range of about 10 mV in cortex in vivo, taken as four standard deviations
(Azouz and Gray 1999, doi:10.1523/JNEUROSCI.19-06-02209.1999). Background: 4 mV (Destexhe et al. 2001, doi:10.1016/S0306-4522(01)00344-X).
"""
RELEASED = 0.5
"""Probability of release; between synapses it varies over most of 0 to 1 (Branco and Staras 2009, doi:10.1038/nrn2634)."""
_PSP = TAU_SYN**2 / (2.0 * (TAU + TAU_SYN))
"""Integral of the squared response of the membrane to a current of height 1 that decays with ``TAU_SYN`` [ms]."""


def release_variance(probability: float) -> float:
    """What unreliable release adds to the variance of the free membrane [mV^2], its mean kept by stronger synapses."""
    return AFFERENTS * RATE * EPSP**2 * _PSP * (1.0 - probability) / probability


def probability_of(variance: float) -> float:
    """The probability of release that adds this variance [mV^2]."""
    return 1.0 / (1.0 + variance / release_variance(0.5))


def settings(config: Any) -> dict[str, np.ndarray]:
    """Leaves [condition, ...]: probability of a failure, weights [nA], strengths of the other three sources."""
    released, strengths = np.ones(len(CONDITIONS)), {name: np.zeros(len(CONDITIONS)) for name in BIOPHYSICAL}
    for k, condition in enumerate(CONDITIONS[1:], 1):
        name, equal = condition.removesuffix(", equal"), condition.endswith(", equal")
        if name == "release":
            released[k] = probability_of(config.equal**2) if equal else RELEASED
        else:
            strengths[name][k] = config.equal if equal else BIOPHYSICAL[name]
    weights = EPSP / RESISTANCE / released[:, None, None] * np.ones((1, 1, AFFERENTS))
    cells = "network.cells.noise"
    return {
        "network.afferent.noise.release.failure": 1.0 - released,
        "network.afferent.weights": weights,
        f"{cells}.channel.amplitude.sigma": strengths["channel"] * np.sqrt(2.0 / TAU),
        f"{cells}.threshold.amplitude.sigma": strengths["threshold"],
        f"{cells}.background.amplitude.sigma": strengths["background"] * np.sqrt((TAU + BACKGROUND_TAU) / BACKGROUND_TAU) / RESISTANCE,
    }  # fmt: skip


def neuron(config: Any, *, threshold: float = THRESHOLD) -> jn.Simulation:
    """A leaky integrate-and-fire neuron whose afferents have given spikes, with all sources silent."""
    noise = {
        "channel": jn.noise.VoltageNoise(jn.noise.Diffusion(0.0)),
        "threshold": jn.noise.ThresholdNoise(jn.noise.PerStep(0.0), colour=jn.noise.OrnsteinUhlenbeck(THRESHOLD_TAU)),
        "background": jn.noise.CurrentNoise(jn.noise.PerStep(0.0), colour=jn.noise.OrnsteinUhlenbeck(BACKGROUND_TAU)),
    }
    cell = jn.neurons.LIF(1, tau_mem=TAU, resistance=RESISTANCE, v_threshold=threshold, refractory=REFRACTORY)
    afferent = jn.synapses.Dense(
        "input",
        "cells",
        np.full((1, AFFERENTS), EPSP / RESISTANCE),
        kinetics=jn.synapses.Exponential(TAU_SYN),
        noise={"release": jn.noise.BernoulliRelease(0.0)},
    )
    network = jn.Network(
        {"input": jn.Port(AFFERENTS), "cells": jn.Population(cell, noise=noise)}, {"afferent": afferent}
    )
    inputs = {"input": jn.coding.SpikeTrain(np.zeros((_steps(config), AFFERENTS)))}
    options = {"duration": config.shown, "warmup": 200.0, "dt": DT}
    statistics = {"b": jn.statistics.BinnedCounts(BIN)}
    return jn.Simulation(network, inputs, **options, statistics=statistics)


def _steps(config: Any) -> int:
    return round((config.shown + 200.0) / DT)


def stimuli(config: Any) -> tuple[np.ndarray, np.ndarray]:
    """Gaussian signals [stimulus, step], and the spikes of afferents whose rate they modulate [stimulus, step, afferent]."""
    from scipy import signal

    rng = np.random.default_rng((config.seed, 11))
    kept = np.exp(-DT / SIGNAL_TAU)
    white = rng.normal(size=(config.stimuli, _steps(config)))
    course = signal.lfilter([np.sqrt(1 - kept**2)], [1.0, -kept], white, axis=-1)
    chance = np.clip(RATE * DT * (1.0 + DEPTH * course), 0.0, 1.0)
    return course, (rng.random((*course.shape, AFFERENTS)) < chance[..., None]).astype(np.float32)


def measured(config: Any, key: int) -> xr.Dataset:
    """Information [condition, trial], jitter and reliability [condition, block], and rate [condition, trial]."""
    import xarray

    course, spikes = stimuli(config)
    axes = [
        jn.Vary({path: np.asarray(x, np.float32) for path, x in settings(config).items()}, name="condition", labels=CONDITIONS),
        jn.Samples(spikes, "inputs.input.values"),
        jn.Trials(config.trials),
    ]  # fmt: skip
    found = jn.monte_carlo(neuron(config), axes, key=key, progress=False)
    trains = found["b"].squeeze("cells_neuron", drop=True).transpose("condition", "trial", "sample", ...).values
    signal = course[:, -trains.shape[-1] :]
    bits = np.array([[_information(signal, one) for one in trials] for trials in trains])
    times = [[_precision(part) for part in np.split(trials, config.parts)] for trials in trains]
    columns = {
        "bits": (("condition", "trial"), bits),
        "rate": (("condition", "trial"), trains.mean((-2, -1)) * 1000.0 / BIN),
        "jitter": (("condition", "block"), np.array(times)[..., 0]),
        "reliability": (("condition", "block"), np.array(times)[..., 1]),
    }
    return xarray.Dataset(columns, {"condition": list(CONDITIONS)})


def _information(signal: np.ndarray, trains: np.ndarray) -> float:
    """Lower bound of the information rate [bit/s] that one trial of each stimulus gives."""
    return jn.reduce.information_rate(signal, trains, dt=BIN, segment=250.0, highest_hz=50.0).rate


def _precision(trains: np.ndarray) -> tuple[float, float]:
    """Jitter [ms], the root mean square over the spikes of all events, and mean reliability [1], of trials [trial, stimulus, bin]."""
    import xarray

    events = jn.reduce.spike_events(xarray.DataArray(trains, dims=("trial", "stimulus", "bin")), bin_ms=BIN)
    events = events[events["spikes"] >= 2]
    square = np.average(events["jitter"] ** 2, weights=events["spikes"] - 1)
    return float(square**0.5), float(events["reliability"].mean())
