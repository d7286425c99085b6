"""A backend: one step after the other in Python."""

from __future__ import annotations

from typing import Self

import equinox as eqx

from jaxsnn_noise.engine.backend import Backend
from jaxsnn_noise.engine.carry import Carry
from jaxsnn_noise.engine.loop import Stretch
from jaxsnn_noise.engine.plan import Plan
from jaxsnn_noise.engine.record import Accumulators, Watch
from jaxsnn_noise.engine.simulation import Simulation
from jaxsnn_noise.engine.step import step


class ScratchBackend(Backend):
    """No scan and no blocks.

    Args:
        most: How many steps it takes at most.
    """

    most: int = eqx.field(static=True, default=20)

    def advance(self, plan: Plan, carry: Carry, steps: Stretch, statistics: Watch) -> tuple[Carry, Accumulators]:
        for k in range(steps.steps):
            carry, frames = step(plan, carry, steps.at(k), {})
            statistics = statistics.seen(frames)
        return carry, statistics.accumulators

    def supports(self, sim: Simulation) -> str | None:
        return None if sim.total_steps <= self.most else f"more than {self.most} steps"

    @classmethod
    def example(cls) -> Self:
        return cls()
