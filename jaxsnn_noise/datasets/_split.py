"""Splitting labelled samples so that each class keeps its share."""

from __future__ import annotations

from typing import Any

import numpy as np
from jaxtyping import UInt8

from jaxsnn_noise import random
from jaxsnn_noise._checks import fail


def stratified(labels: UInt8[np.ndarray, "sample"], fraction: float, key: Any) -> tuple[np.ndarray, np.ndarray]:
    """Indices of the samples left, and of those taken: ``round(fraction * n)`` of each class of n.

    They are drawn with ``key``, addressed by the sample's index in the versioned stream of :mod:`jaxsnn_noise.random`,
    so a key gives the same split everywhere. Both parts keep the order of the file.
    """
    if not 0 < fraction < 1:
        fail("validation", "must lie between 0 and 1, both excluded (a fraction of each class)", fraction)
    stream = random.stream(random.root(key), "validation")
    order = np.asarray(random.bits(random.tick(stream, 0), random.entities(len(labels))))
    taken = np.zeros(len(labels), bool)
    for label in np.unique(labels):
        members = np.flatnonzero(labels == label)
        size = round(fraction * len(members))
        taken[members[np.argsort(order[members], kind="stable")[:size]]] = True
    if not taken.any() or taken.all():
        fail("validation", f"must leave samples in both parts of {len(labels)}", fraction)
    return np.flatnonzero(~taken), np.flatnonzero(taken)
