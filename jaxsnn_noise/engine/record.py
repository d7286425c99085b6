"""Statistics inside the loop: which see which steps, and what they accumulate."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Int32

from jaxsnn_noise.engine.observed import place_of
from jaxsnn_noise.engine.plan import Plan
from jaxsnn_noise.signals import Frame, Watched

Accumulators = dict[str, Any]
Shown = Mapping[str, Frame | Watched]
"""What populations and projections show of a step, by name."""


class Watch:
    """The statistics of a plan's populations during a stretch of steps. Local to one trace.

    Args:
        plan: The populations.
        names: The statistics.
        steps: Steps of the whole measurement: what ``About`` tells them.
        first: Absolute index of the step that is their step 0.
    """

    def __init__(self, plan: Plan, names: list[str], steps: int, first: Any):
        self.plan = plan
        self.first: Int32[Array, ""] = jnp.asarray(first, jnp.int32)
        self.statistics = {k: plan.sim.statistics[k] for k in names}
        self.abouts = {k: plan.about(k, steps) for k in names}

    def start(self) -> Accumulators:
        """Before the first step."""
        return {k: s.init(self.abouts[k]) for k, s in self.statistics.items()}

    def update(self, accs: Accumulators, frames: Shown) -> Accumulators:
        """After one more step."""
        updated = {}
        for k, statistic in self.statistics.items():
            frame = frames[place_of(statistic)]
            frame = eqx.tree_at(lambda f: f.index, frame, frame.index - self.first)
            updated[k] = statistic.update(accs[k], frame, self.abouts[k])
        return updated

    def finalize(self, accs: Accumulators) -> dict[str, Any]:
        """The results."""
        return {k: s.finalize(accs[k], self.abouts[k]) for k, s in self.statistics.items()}
