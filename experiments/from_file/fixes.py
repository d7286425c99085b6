"""What may repair chips, from their readouts: calibration of the output gain, averages and votes of copies."""

from __future__ import annotations

import numpy as np

from jaxsnn_noise import reduce


def calibrated(readout: np.ndarray, shown: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """Readouts with gain and offset of each output corrected, from a few measurements of the chip.

    ``r <- r_bar* + g (r - r_bar)`` with ``g = cov(r, r*)/var(r)``, the least-squares fit to the readouts ``r*`` of the network as
    programmed on the calibration samples; no labels are used. An output that does not vary keeps its gain.

    Args:
        readout: [chip, sample, output].
        shown: Of the calibration samples [chip, sample, output].
        wanted: Those of the network as programmed [sample, output].
    """
    middle, target = shown.mean(axis=1, keepdims=True), wanted.mean(axis=0)
    variance = np.square(shown - middle).mean(axis=1, keepdims=True)
    shared = ((shown - middle) * (wanted - target)[None]).mean(axis=1, keepdims=True)
    gain = np.divide(shared, variance, out=np.ones_like(shared), where=variance > 0)
    return target + gain * (readout - middle)


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
