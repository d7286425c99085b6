"""The jackknife of estimators: errors of functions of means over trials, by leaving out groups of them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

GROUPS = 50
"""Groups of trials."""


def jackknifed(of: Callable[..., np.ndarray], *samples: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """A function of the means of samples [trial, ...], and its standard error.

    Trials belong to at most 50 groups in turn; groups may differ in size by one (Busing, Meijer and van der Leeden 1999, as in
    ``reduce.jackknife``).
    """
    n = len(samples[0])
    groups = min(GROUPS, n)
    belongs = np.arange(n) % groups
    whole, sums = of(*(x.mean(axis=0) for x in samples)), [x.sum(axis=0) for x in samples]
    sizes = np.bincount(belongs)
    left = [
        [(all_ - x[belongs == g].sum(axis=0)) / (n - sizes[g]) for all_, x in zip(sums, samples, strict=True)]
        for g in range(groups)
    ]
    without = np.array([of(*means) for means in left])
    h = n / sizes[:, None]
    pseudo = h * whole - (h - 1) * without
    centre = groups * whole - ((1 - 1 / h) * without).sum(axis=0)
    return whole, np.sqrt(((pseudo - centre) ** 2 / (h - 1)).sum(axis=0) / groups)
