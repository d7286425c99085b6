"""What runs the loop: an object that moves populations on by some steps."""

from __future__ import annotations

import abc
from typing import Self

from jaxsnn_noise.engine.carry import Carry
from jaxsnn_noise.engine.loop import Stretch
from jaxsnn_noise.engine.plan import Plan
from jaxsnn_noise.engine.record import Accumulators, Watch
from jaxsnn_noise.engine.simulation import Simulation
from jaxsnn_noise.parameters import Ranged


class Backend(Ranged):
    """How the steps of a run are computed. What a step is stands in :func:`jaxsnn_noise.engine.step.step`.

    A backend is a value; what it is told at construction changes no spike. ``simulate``, ``start`` and ``advance``, ensembles
    and training call these two methods and nothing else.
    """

    @abc.abstractmethod
    def advance(self, plan: Plan, carry: Carry, steps: Stretch, statistics: Watch) -> tuple[Carry, Accumulators]:
        """Move one member on. Pure and traced: batches come from outside, by ``vmap``.

        Args:
            plan: What does not change: the network as this device has it (``plan.network``), the populations in the order of
                a step (``plan.order``), the keys of all streams at this member's address (``plan.stream_keys``), ``plan.dt``,
                and what was formed before the loop: ``plan.prepared`` weights, ``plan.constant`` arrivals.
            carry: Before the first of the steps, as ``begin(plan)`` or an earlier call gave it.
            steps: Which ones, by absolute index: ``steps.block`` (may be traced) and ``steps.lane`` of the first, ``steps.steps``
                how many, >= 1. ``steps.at(k)`` is the address of the k-th, from which noise is drawn.
            statistics: What watches, with what it has accumulated before.

        Returns:
            The carry after the last step, in the structure of the one given, so that any backend goes on from it; and what
            the statistics have accumulated, by name, in the structure of ``statistics.accumulators``.

        The numbers are those of ``step(plan, carry, steps.at(k), {})`` for one k after the other, each followed by
        ``statistics = statistics.seen(frames)``: the same spikes to the last one, and voltages within rounding.
        """

    def supports(self, sim: Simulation) -> str | None:
        """``None``, or the reason why this backend cannot run a simulation: it is refused with that, before computing."""
        del sim
        return None

    @classmethod
    @abc.abstractmethod
    def example(cls) -> Self:
        """An instance for the contract suite."""
