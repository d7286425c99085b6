"""Rows of firing rules: mean and coefficient of variation of intervals."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from scipy import stats

import jaxsnn_noise as jn
from jaxsnn_noise import noise, theory

from .rows import Piece, Quantity, Room, Row

DT, TAU, DEAD, N, INTERVALS = 0.5, 10.0, 2.0, 8, 6
"""Step, time constant, refractory time [ms]; neurons; intervals of each that are read."""
NEURON = {"tau_mem": TAU, "v_threshold": 1.0, "v_reset": 0.0, "refractory": DEAD}


def intervals(spikes: np.ndarray) -> np.ndarray:
    """The first intervals [trial, neuron, interval] in ms of trains that begin at a reset: no length is preferred.

    Raises:
        ValueError: If a train is too short to hold them: the long intervals would be missing.
    """
    order = np.cumsum(spikes > 0, axis=1)
    if order[:, -1].min() <= INTERVALS:
        raise ValueError(f"validation: a train has fewer than {INTERVALS + 1} spikes; the duration is too short")
    at = np.stack([(order > k).argmax(axis=1) for k in range(INTERVALS + 1)], axis=-1)
    return DT * np.diff(at, axis=-1)


def _powers(spikes: np.ndarray) -> np.ndarray:
    found = intervals(spikes)
    return np.stack([np.power(found, k).mean(axis=(1, 2)) for k in (1, 2)], axis=-1)


def _cv(averaged: np.ndarray) -> float:
    return float(np.sqrt(max(averaged[1] - averaged[0] ** 2, 0.0)) / averaged[0])


def _reads(mean: float, cv: float | None, *, margin: float = 0.0, cv_margin: float = 0.0) -> tuple[Quantity, ...]:
    first = Quantity("mean interval", float(mean), "ms", lambda x: _powers(x)[:, 0], margin=margin)
    spread = () if cv is None else (Quantity("CV of intervals", float(cv), "1", _powers, _cv, margin=cv_margin),)
    return first, *spread


def _cells(drive: float, firing: Any, source: Any = None, **neuron: Any) -> Callable[[Callable[[str], str]], Piece]:
    def piece(local: Callable[[str], str]) -> Piece:
        cells = jn.Population(
            jn.neurons.LIF(N, **(NEURON | neuron)), firing=firing(), noise={"x": source()} if source else {}
        )
        return Piece(cells, inputs={"cells": jn.coding.Constant(drive)})

    return piece


def rooms() -> dict[str, Room]:
    """Firing rules."""
    rows = {row.name: row for row in (*_on_the_grid(), *_by_rates(), *_diffusions())}
    return {"firing": Room("Firing rules", DT, 900.0, 0.0, "spikes", rows)}


def _on_the_grid() -> list[Row]:
    quiet = float(theory.grid_interval(1.5, dt=DT, **NEURON))
    p = float(theory.threshold_noise_probability(-2.0, stats.norm(scale=1.0)))
    laplace = float(stats.laplace(scale=np.sqrt(0.5)).cdf(-1.5))
    odds = float(stats.logistic.cdf(-0.4 / 0.5 - np.log((DEAD + DT) / DT)))
    dead = lambda p: [float(x) for x in theory.grid_dead_time_interval(p, dead_time=DEAD, dt=DT)]  # noqa: E731
    hard, fast = jn.HardThreshold, {"tau_mem": 0.01}
    return [
        Row("hard_without_noise", ("HardThreshold",), "grid_interval", _cells(1.5, hard), _reads(quiet, None)),
        Row("threshold_noise", ("ThresholdNoise", "HardThreshold"), "threshold_noise_probability, grid_dead_time_interval",
            _cells(-1.0, hard, lambda: noise.ThresholdNoise(noise.PerStep(1.0)), **fast), _reads(*dead(p))),
        Row("noisy_threshold", ("NoisyThreshold",), "grid_dead_time_interval of a Laplace tail",
            _cells(-0.5, lambda: jn.NoisyThreshold(1.0, jn.noise.Laplace()), **fast), _reads(*dead(laplace))),
        Row("sampling_rule", ("SamplingRule",), "grid_dead_time_interval of logistic odds",
            _cells(0.6, lambda: jn.SamplingRule(DEAD + DT, 0.5), **fast), _reads(*dead(odds))),
    ]  # fmt: skip


def _by_rates() -> list[Row]:
    rules: dict[str, tuple[str, Any, Any]] = {
        "escape_exponential": (
            "ExponentialHazard", lambda: jn.ExponentialHazard(60.0, 0.2),
            lambda m, s: theory.exponential_hazard_hz(m, at_threshold_hz=60.0, width=0.2)),
        "escape_sigmoid": (
            "SigmoidHazard", lambda: jn.SigmoidHazard(300.0, 0.1),
            lambda m, s: theory.sigmoid_hazard_hz(m, largest_hz=300.0, width=0.1)),
        "escape_diffusion": (
            "DiffusionHazard", lambda: jn.DiffusionHazard(0.12, TAU),
            lambda m, s: theory.diffusion_hazard_hz(m, s, sigma=0.12, tau_mem=TAU)),
    }  # fmt: skip
    found = []
    for name, (cls, hazard, law) in rules.items():
        mean, cv = (float(x) for x in theory.escape_interval(0.95, law, dt=DT, **NEURON))
        rule = lambda hazard=hazard: jn.EscapeRate(hazard())  # noqa: E731
        found.append(Row(name, ("EscapeRate", cls), "escape_interval", _cells(0.95, rule), _reads(mean, cv)))
    return found


def _diffusions() -> list[Row]:
    drive, sigma = 0.95, 0.12
    source = lambda: noise.VoltageNoise(noise.Diffusion(sigma))  # noqa: E731
    mean, var = (float(x) for x in theory.bridge_interval(drive, sigma, dt=DT, **NEURON))
    continuous = 1000.0 / float(theory.siegert_rate_hz(drive, sigma, **NEURON))
    seen = float(theory.grid_threshold(1.0, sigma, dt=DT, mean=drive, tau_mem=TAU))
    late = 1000.0 / float(theory.siegert_rate_hz(drive, sigma, **(NEURON | {"v_threshold": seen})))
    return [
        Row("bridge", ("BridgeThreshold",), "bridge_interval", _cells(drive, jn.BridgeThreshold, source),
            _reads(mean, var**0.5 / mean, margin=0.05 * DT / mean, cv_margin=0.005)),
        Row("bridge_with_times", ("BridgeThreshold",), "siegert_rate_hz",
            _cells(drive, lambda: jn.BridgeThreshold(times=True), source),
            _reads(continuous, None, margin=0.05 * DT / continuous)),
        Row("hard_under_white_noise", ("HardThreshold",), "siegert_rate_hz at grid_threshold",
            _cells(drive, jn.HardThreshold, source), _reads(late, None, margin=0.01)),
    ]  # fmt: skip
