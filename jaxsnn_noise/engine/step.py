"""One time step of the populations that advance together, in the order of events that ``docs/explanation/seams.md`` states."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from jaxsnn_noise._typing import Key, Values
from jaxsnn_noise.engine.addresses import Step
from jaxsnn_noise.engine.carry import Carry, Link
from jaxsnn_noise.engine.cell import advance
from jaxsnn_noise.engine.entering import summed
from jaxsnn_noise.engine.observed import recorded
from jaxsnn_noise.engine.pinning import pinned_tree
from jaxsnn_noise.engine.plan import Plan
from jaxsnn_noise.engine.seams import rounded_draw
from jaxsnn_noise.noise import Source
from jaxsnn_noise.opacity import opaque_zero
from jaxsnn_noise.signals import Context, Drive, Frame, Seen, Watched, no_drive
from jaxsnn_noise.synapses import Projection

Signals = dict[str, Values]


def step(plan: Plan, carry: Carry, at: Step, flow: Mapping[str, Values]) -> tuple[Carry, dict[str, Any]]:
    """Inputs; then each population with what arrives at it; then learning; then the delay lines.

    ``flow`` holds the arrivals of this step that were formed before the loop.
    """
    signals, memory = inputs(plan, carry, at)
    cells, links, frames = dict(carry.cells), dict(carry.projections), {}
    sent: Signals = {}
    reached: dict[str, Drive] = {}
    for name in plan.order:
        external = Drive(signals[name]) if name in plan.inputs else no_drive(plan.size(name))
        drives = {}
        for k in plan.incoming(name):
            drives[k], links[k] = conduct(plan, k, carry, signals, sent, flow, at)
        reached |= drives
        drive = joined(plan, name, external, drives, _potential(plan, carry, name))
        cells[name], frames[name] = advance(
            name, plan.populations[name], carry.cells[name], drive, plan.stream_keys, at, plan.dt, plan.variables[name]
        )
        signals[name] = frames[name].output
    seen = {k: watched(plan, k, carry, links[k], sent, reached[k], at) for k in plan.projections if plan.variables[k]}
    links = learn(plan, links, sent, frames)
    lines = {source: line.write(signals[source], at) for source, line in carry.lines.items()}
    return Carry(cells, memory, links, lines), frames | seen


def inputs(plan: Plan, carry: Carry, at: Step) -> tuple[Signals, dict[str, Any]]:
    """What enters from outside: of a port its signal, of a population a current [nA]; and the next memories of the inputs."""
    signals: Signals = {}
    memory: dict[str, Any] = {}
    for target, given in plan.inputs.items():
        signals[target], following = summed(given, carry.inputs, plan.stream_keys, at, plan.size(target), plan.dt)
        memory |= following
    return signals, memory


def conduct(
    plan: Plan, k: str, carry: Carry, signals: Signals, sent: Signals, flow: Mapping[str, Values], at: Step
) -> tuple[Drive, Link]:
    """What a projection brings in this step: delay, release noise, transmission, kinetics. ``sent`` gets what arrived."""
    projection, link = plan.projections[k], carry.projections[k]
    source = _potential(plan, carry, projection.source) if projection.source in plan.populations else None
    seen = Seen(source, _potential(plan, carry, projection.target))
    state, memory = link.state, link.memory
    if k in plan.stepped:
        delay = plan.delays[k]
        signal = carry.lines[projection.source].read(delay, at) if delay else signals[projection.source]
        sent[k], memory = release(k, projection.noise, memory, signal, plan.stream_keys, at, plan.dt)
        key = at.tick(plan.stream_keys.get(f"projections.{k}", plan.keys.root))  # a linear one draws nothing
        arrivals, state = projection.transmit(plan.prepared_at(k, at), state, sent[k], seen, key, plan.dt)
    else:
        arrivals = plan.constant[k] if k in plan.constant else flow[k]
    drive, kinetics = projection.kinetics.step(link.kinetics, arrivals, seen, plan.dt)
    return drive, Link(state, kinetics, memory)


def joined(plan: Plan, name: str, external: Drive, drives: Mapping[str, Drive], potential: Values) -> Drive:
    """What reaches a population, by its own rule; pinned where that holds products, so that all batches have the same bits."""
    combine = plan.populations[name].combine
    if combine.exact:
        return combine(external, drives, potential)
    args = (combine, external, drives, potential)
    drive: Drive = pinned_tree(lambda rule, *parts: rule(*parts), *args, zero=opaque_zero(plan.keys.root))()
    return drive


def release(
    k: str,
    sources: Mapping[str, Source],
    memory: dict[str, Any],
    signal: Values,
    keys: Mapping[str, Key],
    at: Step,
    dt: float,
) -> tuple[Values, dict[str, Any]]:
    """The signal with release noise, drawn at the step of arrival, and the next memories."""
    released, memory = signal, dict(memory)
    for name in sorted(sources):
        tick = at.tick(keys[f"projections.{k}.{name}"])
        drawn, memory[name] = rounded_draw(sources[name], memory[name], Context(signal), tick, dt)
        released = released + drawn
    return released, memory


def watched(plan: Plan, k: str, carry: Carry, link: Link, sent: Signals, drive: Drive, at: Step) -> Watched:
    """What statistics see of a projection, before it learns."""
    roots = {"state": link.state, "kinetics": link.kinetics, "noise": carry.projections[k].memory, "drive": drive}
    return Watched(at.index, recorded(plan.variables[k], **roots, release=sent[k]))


def learn(plan: Plan, links: dict[str, Link], sent: Signals, frames: Mapping[str, Frame]) -> dict[str, Link]:
    """What projections learn of what arrived in the step and of its frames. Pinned: weights have the same bits everywhere."""
    plastic = {k: p for k, p in plan.stepped.items() if type(p).learn is not Projection.learn}
    if not plastic:
        return links
    zero, links = opaque_zero(plan.keys.root), dict(links)
    for k, projection in plastic.items():
        seen = {name: frames[name] for name in projection.reads}
        args = (plan.prepared[k], links[k].state, sent[k], seen)
        state = pinned_tree(projection.learn, *args, plan.dt, zero=zero)()
        links[k] = Link(state, links[k].kinetics, links[k].memory)
    return links


def _potential(plan: Plan, carry: Carry, name: str) -> Values:
    """The potential of a population at the start of the step."""
    return plan.populations[name].neuron.potential(carry.cells[name].state)
