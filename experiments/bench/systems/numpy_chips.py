"""W4 as a plain NumPy loop over chips, the product of images and weights formed once: the definition, in float32."""

from __future__ import annotations

import numpy as np

from experiments.bench.chips import Chips, counts, drawn, handed

from . import Program


def load() -> None:
    """NumPy is there already."""


def w4(problem: Chips, data: dict[str, np.ndarray]) -> Program:
    """Spike counts [chip, image, neuron]."""
    one = lambda leaves: counts(leaves, data["images"], problem.steps, np.float32)  # noqa: E731

    def run(seed: int) -> np.ndarray:
        rng = np.random.default_rng((seed, 2))
        return np.stack([one(drawn(problem, data, rng)) for _ in range(problem.loops)])

    given = lambda: np.stack([one(handed(data, i)) for i in range(problem.given)])  # noqa: E731
    return Program(run, share=problem.loops / problem.chips, given=given)


PROGRAMS = {"w4": w4}
