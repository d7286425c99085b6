"""Recordings as arrays: binned spikes, stimuli, what was observed; and what a recording cannot bear."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

import jaxsnn_noise as jn
from jaxsnn_noise import InputError


class Units(NamedTuple):
    """Pieces of a recording that a neuron is fitted to or tested by: blocks of time, or trials.

    Attributes:
        features: Input [unit, time, feature].
        spikes: 0 or 1 [unit, time].
        scored: Steps that count [unit, time]; those before them are the past.
        train: Units that are fitted [unit]; the others are held out.
        times: Time of each step [time] in ms, from the start of a unit's past or from the stimulus.
    """

    features: np.ndarray
    spikes: np.ndarray
    scored: np.ndarray
    train: np.ndarray
    times: np.ndarray


def several_trials(who: str, recording: Any) -> np.ndarray:
    """Spike times of each trial [trial, slot], or an error for a recording that has one trial only."""
    times = getattr(recording, "spike_times", None)
    if times is None or np.ndim(times) < 2 or len(times) < 2:
        rule = "a statistic over trials needs a recording with at least two trials of one stimulus; held-out blocks serve for one trial"
        got = type(recording).__name__ + ("" if times is None else f", spike times of the shape {np.shape(times)}")
        raise InputError(f"{who}: {rule}; got {got}")
    return np.asarray(times)


def binned(times: np.ndarray, start: float, steps: int, dt: float) -> np.ndarray:
    """0 or 1 in each step [time]; two spikes in a step are refused."""
    index = np.floor((np.asarray(times, np.float64) - start) / dt + 1e-6).astype(int)
    found = np.bincount(index[(index >= 0) & (index < steps)], minlength=steps)
    if found.max() > 1:
        raise InputError(
            f"neural_coding: two spikes in one step of {dt:g} ms: take a smaller one; got {found.max()} in step {found.argmax()}"
        )
    return found.astype(np.float32)


def level(amplitude: np.ndarray) -> np.ndarray:
    """The sound level in decibels, less its mean, in units of its standard deviation [1]."""
    decibels = 20.0 * np.log10(np.asarray(amplitude, np.float64))
    return ((decibels - decibels.mean()) / decibels.std()).astype(np.float32)


def blocks(recording: Any, config: Any) -> Units:
    """Blocks of a long recording, each with the past of the same length before it; every other one is held out."""
    dt = recording.dt
    size, past = (round(x / dt) for x in (config.block, config.past))
    total = min(len(recording.amplitude), round(config.recorded / dt))
    spikes, x = binned(recording.spike_times, 0.0, total, dt), level(recording.amplitude)[:total]
    starts = np.arange(past, total - size + 1, size)
    rows = starts[:, None] + np.arange(-past, size)[None, :]
    scored = np.broadcast_to(np.arange(-past, size) >= 0, rows.shape)
    return Units(
        x[rows][:, :, None],
        spikes[rows],
        scored,
        np.arange(len(starts)) % 2 == config.half,
        dt * np.arange(past + size),
    )


def trials(recording: Any, config: Any) -> Units:
    """Trials round a stimulus; every other one is held out.

    The last three spikes before and the first three after the stimulus were kept. So a trial is observed from the first of
    them on, whose past is not known, to the third one after the stimulus, if there is one, or to the end of the window.
    """
    times = several_trials("neural_coding", recording)[: config.trials]
    start, stop = recording.window
    steps, dt = round((stop - start) / config.trial_dt), config.trial_dt
    spikes = np.stack([binned(row[np.isfinite(row)], start, steps, dt) for row in times])
    index = np.arange(steps)
    first = spikes.argmax(axis=1)
    third = np.where(np.isfinite(times[:, 5]), np.floor((np.nan_to_num(times[:, 5]) - start) / dt + 1e-6), steps)
    scored = (index > first[:, None]) & (index <= third[:, None])
    at = start + dt * (index + 0.5)
    hats = after_stimulus(at)
    return Units(
        np.broadcast_to(hats, (len(times), *hats.shape)), spikes, scored, np.arange(len(times)) % 2 == config.half, at
    )


KNOTS = np.array([5.0, 10, 15, 20, 25, 30, 35, 40, 50, 60, 80, 100, 140])
"""Times after the stimulus at which its current is a free number, 0 at the first and last, linear between [ms]."""


def after_stimulus(at: np.ndarray) -> np.ndarray:
    """The course of each free number of the current that the stimulus gives [time, feature]."""
    inner = np.eye(len(KNOTS))[1:-1]
    return np.stack([np.interp(at, KNOTS, row, left=0.0, right=0.0) for row in inner], axis=1).astype(np.float32)


def drawn_like(units: Units, spikes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Simulated trials [trial, unit, time] cut as the recording was: spikes that count, and steps that were observed."""
    after = units.times >= 0
    first = units.spikes.argmax(axis=1)
    seen = np.cumsum(spikes * after, axis=-1) - spikes * after < 3
    scored = (np.arange(spikes.shape[-1]) > first[:, None]) & seen
    return spikes * scored, scored


def grasshopper(config: Any) -> tuple[Any, ...]:
    """The recordings that are asked for."""
    return jn.datasets.load("grasshopper").recordings[: config.recordings]
