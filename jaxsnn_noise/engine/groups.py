"""One group of populations after the other, each over a whole stretch of steps, with whole trains between them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from jaxsnn_noise._typing import Values
from jaxsnn_noise.engine.carry import Carry, Link
from jaxsnn_noise.engine.loop import Flow, Pin, Stretch
from jaxsnn_noise.engine.plan import Plan, watched
from jaxsnn_noise.engine.record import Accumulators, Watch
from jaxsnn_noise.engine.trains import arriving_train, port_train

Group = Callable[[Plan, Carry, Stretch, Watch], tuple[Carry, Accumulators, Flow]]
"""Moves the populations of a plan: its carry after the stretch, accumulators, and the outputs [time, neuron] that are needed."""


def advance_in_groups(
    groups: list[list[str]], group: Group, plan: Plan, carry: Carry, steps: Stretch, statistics: Watch, *, pin: Pin
) -> tuple[Carry, Accumulators]:
    """The populations of a plan, group after group; the carry is that of the whole, as if they had advanced together.

    At a seam of stretches the delay lines hold what the trains of the last one were.
    """
    moved = Carry(dict(carry.cells), dict(carry.inputs), dict(carry.projections), {})
    trains: dict[str, Values] = {}
    accumulators: Accumulators = {}
    for number, order in enumerate(groups):
        arriving = {}
        for k in _batched(plan, order):
            source = plan.projections[k].source
            if source not in trains:  # a port: populations of earlier groups have left theirs
                trains[source], memory = port_train(plan, carry, source, steps, pin)
                moved.inputs.update(memory)
            arriving[k], memory = arriving_train(plan, carry, k, trains[source], steps, pin)
            moved.projections[k] = Link(carry.projections[k].state, carry.projections[k].kinetics, memory)
        part = plan.part(order, arriving, frozenset(p for later in groups[number + 1 :] for p in later))
        after, found, outputs = group(part, _own(part, carry, steps), steps, statistics.of({*order, *part.projections}))
        trains |= outputs
        accumulators |= found
        _put_back(moved, part, after)
    for source, line in carry.lines.items():
        if source in trains:
            moved.lines[source] = line.after(trains[source], steps.at(0))
    return moved, {k: accumulators[k] for k in statistics.accumulators}


def _batched(plan: Plan, order: list[str]) -> list[str]:
    """The projections onto a group from outside of it whose arrivals are one product over time."""
    onto = {k: p for k, p in plan.stepped.items() if p.target in order and k not in watched(plan.sim)}
    return [k for k, p in onto.items() if p.linear and p.source not in order and k not in plan.failing]


def _own(part: Plan, carry: Carry, steps: Stretch) -> Carry:
    """What a group carries of the whole."""
    projections = {
        k: Link(None, carry.projections[k].kinetics, {}) if k in part.trains else carry.projections[k]
        for k in part.projections
    }
    return Carry(
        cells={n: carry.cells[n] for n in part.order},
        inputs={k: carry.inputs[k] for given in part.inputs.values() for k in given},
        projections=projections,
        lines={s: carry.lines[s].last(depth, steps.at(0)) for s, depth in part.depths().items()},
    )


def _put_back(moved: Carry, part: Plan, after: Carry) -> None:
    """Write what a group carries after the stretch into the whole."""
    moved.cells.update(after.cells)
    moved.inputs.update(after.inputs)
    for k, link in after.projections.items():
        whole = moved.projections[k]
        moved.projections[k] = Link(whole.state, link.kinetics, whole.memory) if k in part.trains else link
    for source, line in after.lines.items():
        known: Any = moved.lines.get(source)
        if known is None or known.depth < line.depth:
            moved.lines[source] = line
