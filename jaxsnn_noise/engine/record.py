"""Statistics inside the loop: which see which steps, and what they accumulate."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Int32

from jaxsnn_noise.engine.observed import place_of
from jaxsnn_noise.engine.plan import Plan
from jaxsnn_noise.signals import Frame, Watched
from jaxsnn_noise.statistics import About, Statistic

Accumulators = dict[str, Any]


class Watch(eqx.Module):
    """Statistics during a run, by name, with what they have accumulated.

    Attributes:
        statistics: Each names its population or projection.
        abouts: What each knows of its whole measurement.
        firsts: Absolute index of the step that is each one's step 0.
        accumulators: What each has accumulated: the only part that changes from step to step.
    """

    statistics: dict[str, Statistic]
    abouts: dict[str, About]
    firsts: dict[str, Int32[Array, ""]]
    accumulators: Accumulators

    @classmethod
    def starting(cls, plan: Plan, names: Collection[str], steps: int, first: Any) -> Watch:
        """Statistics of a plan before their first step, for a measurement of so many ``steps`` from step ``first`` on."""
        statistics = {k: plan.sim.statistics[k] for k in names}
        abouts = {k: plan.about(k, steps) for k in names}
        accumulators = {k: s.init(abouts[k]) for k, s in statistics.items()}
        return cls(statistics, abouts, dict.fromkeys(names, jnp.asarray(first, jnp.int32)), accumulators)

    def seen(self, frames: Mapping[str, Frame | Watched]) -> Watch:
        """After one more step, with what all populations and projections that are watched show of it."""
        updated = {}
        for k, statistic in self.statistics.items():
            frame = frames[place_of(statistic)]
            frame = eqx.tree_at(lambda f: f.index, frame, frame.index - self.firsts[k])
            updated[k] = statistic.update(self.accumulators[k], frame, self.abouts[k])
        return self.having(updated)

    def having(self, accumulators: Accumulators) -> Watch:
        """The same statistics with other accumulators: a loop carries these alone."""
        return Watch(self.statistics, self.abouts, self.firsts, accumulators)

    def of(self, places: Collection[str]) -> Watch:
        """Those that watch one of these populations and projections."""
        mine = [k for k, s in self.statistics.items() if place_of(s) in places]
        return Watch(*({k: part[k] for k in mine} for part in self._parts()))

    def joined(self, other: Watch) -> Watch:
        """Both; no name is in both."""
        return Watch(*(mine | theirs for mine, theirs in zip(self._parts(), other._parts(), strict=True)))

    def results(self) -> dict[str, Any]:
        """What is measured, in the order of names."""
        return {k: s.finalize(self.accumulators[k], self.abouts[k]) for k, s in sorted(self.statistics.items())}

    def _parts(self) -> tuple[dict[str, Any], ...]:
        return self.statistics, self.abouts, self.firsts, self.accumulators
