"""What copies of a chip answer together: averages and votes."""

from __future__ import annotations

import numpy as np

from jaxsnn_noise import reduce


def grouped(chips: int, copies: int) -> np.ndarray:
    """Which chips make an ensemble [ensemble, copy]: the k-th begins with chip k, no chip is in two."""
    first = np.arange(chips)[:, None]
    return np.concatenate([first, chips + np.arange(chips * (copies - 1)).reshape(chips, copies - 1)], axis=1)


def averaged(readout: np.ndarray, groups: np.ndarray) -> np.ndarray:
    """Answers of the mean readout of each group [ensemble, sample]."""
    return np.asarray(_ensembled(readout, groups).argmax(axis=-1))


def voted(readout: np.ndarray, groups: np.ndarray) -> np.ndarray:
    """Answers by majority of each group [ensemble, sample]; a tie goes to the class with the larger mean readout among those tied."""
    votes = _ensembled(readout, groups, vote=True)
    tied = votes == votes.max(axis=-1, keepdims=True)
    return np.asarray(np.where(tied, _ensembled(readout, groups), -np.inf).argmax(axis=-1))


def _ensembled(readout: np.ndarray, groups: np.ndarray, *, vote: bool = False) -> np.ndarray:
    """Means or shares of votes of each group [ensemble, sample, output]."""
    import xarray as xr

    chips = xr.DataArray(readout[groups.ravel()], dims=("device", "sample", "output"))
    return np.asarray(reduce.ensembled(chips, "output", copies=groups.shape[1], vote=vote).values)
