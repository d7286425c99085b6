"""A second backend, as plain as can be: the specification of every other one."""

from __future__ import annotations

from typing import Any, Self

import equinox as eqx

from jaxsnn_noise.engine.backend import Backend
from jaxsnn_noise.engine.step import step


class PlainLoop(Backend):
    """One step after the other in Python: no scan, no blocks, nothing shared between steps."""

    longest: int = eqx.field(static=True, default=100)

    def advance(self, plan: Any, carry: Any, steps: Any, statistics: Any) -> tuple[Any, Any]:
        for k in range(steps.steps):
            carry, frames = step(plan, carry, steps.at(k), {})
            statistics = statistics.seen(frames)
        return carry, statistics.accumulators

    def supports(self, sim: Any) -> str | None:
        steps = sim.total_steps
        return f"{steps} steps in Python take too long, {self.longest} at most" if steps > self.longest else None

    @classmethod
    def example(cls) -> Self:
        return cls()
