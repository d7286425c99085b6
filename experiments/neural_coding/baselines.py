"""What a fitted neuron has to beat: Poisson processes whose rate is constant, follows a filter of the stimulus, or the PSTH.

All are given as log-probabilities of the decision of each step, as the neurons are.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .recordings import Units

BINS = 12
"""Bins of the nonlinearity, of equally many training steps."""
RIDGE = 0.01
"""Penalty of the filter, in mean variances of its inputs."""
PSTH_BIN = 5
"""Steps of a bin of the PSTH."""


def decided(spikes: np.ndarray, p: Any) -> np.ndarray:
    """Log-probabilities of 0 or 1 where 1 has the probability p [same shape]."""
    return np.where(spikes > 0, np.log(p), np.log1p(-np.asarray(p)))


def of_units(terms: np.ndarray, units: Units) -> np.ndarray:
    """Sums over the steps that count [unit]."""
    return np.where(units.scored, terms, 0.0).sum(axis=1)


def homogeneous(units: Units) -> np.ndarray:
    """A constant rate, that of the training units [unit]."""
    train = units.train
    p = (units.spikes * units.scored)[train].sum() / units.scored[train].sum()
    return of_units(decided(units.spikes, np.full(units.spikes.shape, p)), units)


def psth(units: Units) -> np.ndarray:
    """The rate of training trials by time from the stimulus, in bins; half a spike and a step added to each [unit]."""
    train, width = units.train, PSTH_BIN
    steps = units.spikes.shape[1]
    bins = np.arange(steps) // width
    seen = np.bincount(bins, units.scored[train].sum(axis=0))
    fired = np.bincount(bins, (units.spikes * units.scored)[train].sum(axis=0))
    p = ((fired + 0.5) / (seen + 1.0))[bins]
    return of_units(decided(units.spikes, np.broadcast_to(p, units.spikes.shape)), units)


def lagged(x: np.ndarray, lags: int) -> np.ndarray:
    """[..., time, lag]: the values 0, 1, ... steps ago; the first one before the beginning."""
    padded = np.concatenate([np.repeat(x[..., :1], lags - 1, axis=-1), x], axis=-1)
    return np.lib.stride_tricks.sliding_window_view(padded, lags, axis=-1)[..., ::-1]


def filter_of(units: Units, lags: int) -> np.ndarray:
    """The spike-triggered average of the training units, freed of the correlations of the stimulus by ridge regression [lag]."""
    past = lagged(units.features[units.train, :, 0], lags)[units.scored[units.train]]
    fired = units.spikes[units.train][units.scored[units.train]]
    covariance = past.T @ past / len(past)
    triggered = past.T @ (fired - fired.mean()) / len(past)
    found: np.ndarray = np.linalg.solve(covariance + RIDGE * np.trace(covariance) / lags * np.eye(lags), triggered)
    return found


def linear_nonlinear(units: Units, lags: int) -> np.ndarray:
    """A Poisson process whose rate is a function of the filtered stimulus, a histogram over training steps [unit]."""
    drive = lagged(units.features[:, :, 0], lags) @ filter_of(units, lags)
    train = units.scored & units.train[:, None]
    edges = np.quantile(drive[train], np.linspace(0, 1, BINS + 1)[1:-1])
    place = np.searchsorted(edges, drive)
    seen, fired = (
        np.bincount(place[train], minlength=BINS),
        np.bincount(place[train], units.spikes[train], minlength=BINS),
    )
    return of_units(decided(units.spikes, ((fired + 0.5) / (seen + 1.0))[place]), units)
