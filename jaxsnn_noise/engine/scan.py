"""The default backend: one scan over time per group of populations.

Everything here is traced once per structure and shape; a new value of any leaf compiles nothing.
"""

from __future__ import annotations

import functools
from typing import Any, Self

import equinox as eqx

from jaxsnn_noise._checks import flag
from jaxsnn_noise.engine.addresses import Step
from jaxsnn_noise.engine.backend import Backend
from jaxsnn_noise.engine.carry import Carry
from jaxsnn_noise.engine.groups import advance_in_groups
from jaxsnn_noise.engine.loop import Flow, Stretch, pin_of, run_steps
from jaxsnn_noise.engine.plan import Plan, watched
from jaxsnn_noise.engine.record import Accumulators, Watch
from jaxsnn_noise.engine.schedules import ByStep, Schedule
from jaxsnn_noise.engine.step import step


class Scan(Backend):
    """Backend on ``lax.scan``.

    Args:
        schedule: ``ByStep()``, all populations in one scan, or ``ByComponent()``, one scan per strongly connected component with
            whole trains between them; the same spikes either way.
        pinned: Make every product and seam opaque to the compiler, so that a single ``simulate``, a Python loop or an added silent
            source give the same bits of every voltage (and not only of every spike), at a cost in time.
        checkpoint: Hold, for the backward pass, what is carried into each of about sqrt(T/2) segments, and compute a segment again (its
            noise from its address) when its turn comes. Memory grows as the root of the number of steps, for one more forward pass.
    """

    schedule: Schedule = eqx.field(default=ByStep(), kw_only=True)
    pinned: bool = eqx.field(default=False, static=True, kw_only=True, converter=functools.partial(flag, "Scan.pinned"))
    checkpoint: bool = eqx.field(
        default=False, static=True, kw_only=True, converter=functools.partial(flag, "Scan.checkpoint")
    )

    def advance(self, plan: Plan, carry: Carry, steps: Stretch, statistics: Watch) -> tuple[Carry, Accumulators]:
        if not self.schedule.batches:
            carry, accumulators, _ = self._over_time(plan, carry, steps, statistics)
            return carry, accumulators
        groups = self.schedule.groups(plan.network, watched(plan.sim) | frozenset(plan.failing))
        pin = pin_of(plan.keys.root, self.pinned)
        return advance_in_groups(groups, self._over_time, plan, carry, steps, statistics, pin=pin)

    @classmethod
    def example(cls) -> Self:
        return cls()

    def _over_time(
        self, plan: Plan, carry: Carry, steps: Stretch, statistics: Watch
    ) -> tuple[Carry, Accumulators, Flow]:
        """One scan: carry, accumulators, and the outputs that later groups need."""

        def body(state: tuple[Carry, Any], at: Step, flow: Flow) -> tuple[tuple[Carry, Any], Flow]:
            carry, frames = step(plan, state[0], at, flow)
            accumulators = statistics.having(state[1]).seen(frames).accumulators
            return (carry, accumulators), {n: frames[n].output for n in plan.emitting}

        pin, start = pin_of(plan.keys.root, self.pinned), (carry, statistics.accumulators)
        (carry, accumulators), outputs = run_steps(body, start, plan.trains, steps, pin=pin, checkpoint=self.checkpoint)
        return carry, accumulators, outputs
