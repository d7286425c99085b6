"""What may repair chips, from their readouts: calibration of the output gain, averages and votes of copies."""

from __future__ import annotations

import numpy as np


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
    return np.stack([readout[group].mean(axis=0).argmax(axis=-1) for group in groups])


def voted(readout: np.ndarray, groups: np.ndarray) -> np.ndarray:
    """Answers by majority of each group [ensemble, sample]; a tie goes to the class with the larger mean readout among those tied."""
    answers, outputs = readout.argmax(axis=-1), readout.shape[-1]
    found = []
    for group in groups:
        votes = (answers[group][..., None] == np.arange(outputs)).sum(axis=0)
        mean = np.where(votes == votes.max(axis=-1, keepdims=True), readout[group].mean(axis=0), -np.inf)
        found.append(mean.argmax(axis=-1))
    return np.stack(found)
