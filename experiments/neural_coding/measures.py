"""Statistics of held-out pieces, of a recording and of spikes that a fitted neuron fires on the same input."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import jaxsnn_noise as jn

SEGMENT = 64.0
"""Segments of spectra [ms]."""
BEFORE, AFTER = 10.0, 30.0
"""Spikes that a decoder sees, before and after the time that it tells [ms]."""
RIDGE = 0.01
"""Penalty of the decoder, in mean variances of its inputs."""


def pseudovalues(statistic: Callable[[np.ndarray], float], units: int) -> np.ndarray:
    """Jackknife pseudo-values [unit] of a statistic of an index array: their mean is the estimate without its first bias."""
    every = np.arange(units)
    whole = statistic(every)
    return np.array([units * whole - (units - 1) * statistic(np.delete(every, k)) for k in every])


def intervals(spikes: np.ndarray) -> list[np.ndarray]:
    """Steps between the spikes of each piece [piece, time]."""
    return [np.diff(np.flatnonzero(row)) for row in spikes]


def cv(parts: list[np.ndarray], which: np.ndarray) -> float:
    """Standard deviation over mean of the intervals inside of the chosen pieces."""
    found = np.concatenate([parts[k] for k in which])
    return float(found.std() / found.mean())


def triggered(x: np.ndarray, spikes: np.ndarray, lags: int) -> tuple[np.ndarray, np.ndarray]:
    """Sums of the stimulus before the spikes of each piece [piece, lag], and their numbers [piece].

    ``x`` [piece, time] begins ``lags - 1`` steps before ``spikes`` [piece, time].
    """
    windows = np.lib.stride_tricks.sliding_window_view(x, lags, axis=-1)[..., ::-1]
    return np.einsum("ut,utl->ul", spikes, windows), spikes.sum(axis=1)


def information(x: np.ndarray, spikes: np.ndarray, dt: float, highest_hz: float) -> Any:
    """Of pieces with different stimuli, in place of trials: what a linear decoder can tell, above its shuffled floor."""
    return jn.reduce.information_rate(x, spikes, dt=dt, segment=SEGMENT, highest_hz=highest_hz)


def seen_by_decoder(spikes: np.ndarray, dt: float) -> np.ndarray:
    """Spikes round each time that can be told [piece, time, lag]; the first of these is ``BEFORE`` after the begin."""
    size = round((BEFORE + AFTER) / dt) + 1
    return np.lib.stride_tricks.sliding_window_view(spikes, size, axis=-1)


def decoder(x: np.ndarray, spikes: np.ndarray, dt: float) -> tuple[np.ndarray, float]:
    """Weights [lag] and offset of the best linear estimate of the stimulus, from training pieces."""
    seen = seen_by_decoder(spikes, dt)
    told = x[:, round(BEFORE / dt) :][:, : seen.shape[1]]
    rows, values = seen.reshape(-1, seen.shape[-1]), told.ravel()
    mean = rows.mean(axis=0)
    centred = rows - mean
    covariance = centred.T @ centred / len(rows)
    penalty = RIDGE * np.trace(covariance) / len(covariance) * np.eye(len(covariance))
    weights = np.linalg.solve(covariance + penalty, centred.T @ (values - values.mean()) / len(rows))
    return weights, float(values.mean() - mean @ weights)


def explained(x: np.ndarray, spikes: np.ndarray, dt: float, weights: np.ndarray, offset: float) -> np.ndarray:
    """Share of the variance of the stimulus that the decoder tells, by piece; the variance is that of all pieces."""
    seen = seen_by_decoder(spikes, dt)
    told = x[:, round(BEFORE / dt) :][:, : seen.shape[1]]
    found: np.ndarray = 1.0 - np.square(told - seen @ weights - offset).mean(axis=1) / told.var()
    return found
