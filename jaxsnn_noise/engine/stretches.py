"""A run cut into stretches: start it, move it on, look at its state in between."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp

from jaxsnn_noise import random
from jaxsnn_noise._checks import concrete, count, fail, flag, number, positive, steps_of
from jaxsnn_noise.engine.addresses import Address, address_of
from jaxsnn_noise.engine.backend import Backend
from jaxsnn_noise.engine.carry import Carry
from jaxsnn_noise.engine.loop import Stretch
from jaxsnn_noise.engine.member import accepted, begin, planned
from jaxsnn_noise.engine.observed import entity_of, tells_times
from jaxsnn_noise.engine.plan import Plan
from jaxsnn_noise.engine.record import Watch
from jaxsnn_noise.engine.simulation import Simulation, is_simulation, validate, with_statistics
from jaxsnn_noise.engine.state import State, check_continued, made_for
from jaxsnn_noise.statistics import About, Statistic

LONGEST = 1 << 24
"""Steps that a statistic which goes on from call to call prepares for: whole numbers up to here are exact in float32."""


def start(
    sim: Simulation, *, key: Any, address: Mapping[str, Any] | Address | None = None, backend: Backend | None = None
) -> State:
    """The state of a member before its first step, warm-up included in what lies ahead.

    Args:
        sim: What to simulate. Its ``duration`` and ``warmup`` are of no consequence here: each :func:`advance` says how far.
        key: Root key or seed.
        address: The member: axis names with indices.
        backend: ``Scan()`` unless given.

    Returns:
        A :class:`State`, from which :func:`advance` goes on.
    """
    validate(sim)
    accepted("start.backend", backend, sim)
    return _started(sim, random.root(key), address_of("start", sim, address))


def advance(
    sim: Simulation,
    state: State,
    duration: float,
    *,
    statistics: Mapping[str, Statistic] | None = None,
    continued: bool = False,
    backend: Backend | None = None,
) -> tuple[State, dict[str, Any]]:
    """Go on from a state: the steps that an uncut run would make there, with the noise of these steps.

    Cut into pieces of any length, a run has the spikes and weights of the uncut one, and with ``Scan(pinned=True)`` every bit of
    every voltage. Calls may use different backends: a state belongs to none.

    Args:
        sim: The simulation that the state was started with; values of its leaves may have changed in between (the next image,
            another learning rate), its structure may not.
        state: From :func:`start` or from the last call.
        duration: How far to go [ms], a multiple of dt.
        statistics: Replace the simulation's statistics.
        continued: Results are of all calls with ``continued=True`` since the start, and not of this call alone. For statistics
            whose memory does not grow with time.
        backend: ``Scan()`` unless given.

    Returns:
        The next state, and the results by name as ``simulate`` gives them.

    Raises:
        InputError: another network, dt or stream version than the state was started with; a duration that is no multiple of
            dt; an input with values for fewer steps; a statistic that cannot go on.
    """
    is_simulation("advance.sim", sim)
    check_continued(state, sim)
    if statistics is not None:
        sim = with_statistics(sim, statistics)
    validate(sim)
    flag("advance.continued", continued)
    duration = number("advance.duration", duration)
    positive("advance.duration", duration, "ms")
    steps = count("advance.steps", steps_of("advance.duration", duration, sim.dt))
    _check_reach(sim, state, steps)
    backend = accepted("advance.backend", backend, sim)
    if not continued:
        return _moved(sim, state, steps, backend)
    names = sorted(sim.statistics)
    _check_continuing(sim, state, names, steps)
    moved, fan_outs = _moved_on(sim, state, steps, backend)
    measured = int(moved.measured)
    results = {}
    for name in names:
        statistic = sim.statistics[name]
        size = entity_of(sim.network, statistic, sim.dt).size
        about = About(size, measured, sim.dt, fan_outs[name], inside=tells_times(sim.network, statistic))
        results[name] = statistic.finalize(moved.accumulators[name], about)
    return moved, results


@eqx.filter_jit
def _started(sim: Simulation, root: Any, address: Address) -> State:
    carry = begin(planned(sim, root, address))
    return State(root, address, jnp.uint32(0), 0, carry, {}, jnp.int32(0), made_for(sim))


@eqx.filter_jit
def _moved(sim: Simulation, state: State, steps: int, backend: Backend) -> tuple[State, dict[str, Any]]:
    plan = planned(sim, state.root, state.address)
    carry, watch = _run(plan, state, Watch.starting(plan, plan.watched(), steps, state.step), steps, backend)
    return _at(state, steps, carry), watch.results()


@eqx.filter_jit
def _moved_on(sim: Simulation, state: State, steps: int, backend: Backend) -> tuple[State, dict[str, Any]]:
    """With accumulators that go on: their frames count the steps that these saw."""
    plan = planned(sim, state.root, state.address)
    watch = Watch.starting(plan, plan.watched(), _prepared_for(steps), state.step - state.measured)
    carry, watch = _run(plan, state, watch.having(state.accumulators or watch.accumulators), steps, backend)
    moved = dataclasses.replace(
        _at(state, steps, carry), accumulators=watch.accumulators, measured=state.measured + steps
    )
    return moved, {k: about.fan_out for k, about in watch.abouts.items()}


def _run(plan: Plan, state: State, watch: Watch, steps: int, backend: Backend) -> tuple[Carry, Watch]:
    carry, accumulated = backend.advance(plan, state.carry, Stretch(state.block, state.lane, steps), watch)
    return carry, watch.having(accumulated)


def _at(state: State, steps: int, carry: Any) -> State:
    """The state after so many more steps."""
    lanes = state.lane + steps
    return dataclasses.replace(state, block=state.block + jnp.uint32(lanes // 2), lane=lanes % 2, carry=carry)


def _check_reach(sim: Simulation, state: State, steps: int) -> None:
    """Streams and inputs reach as far as the run shall."""
    now = concrete(state.step)
    end = steps if now is None else int(now) + steps
    if end > random.MAX_STEPS:
        fail("advance.duration", f"a stream addresses {random.MAX_STEPS} steps", end)
    for name, signal in sim.inputs.items():
        if signal.length is not None and end > signal.length:
            rule = f"must hold values for all steps of the run, {end} when this call is done"
            fail(f"inputs.{name}", rule, signal.length)


def _check_continuing(sim: Simulation, state: State, names: list[str], steps: int) -> None:
    """The statistics are those that the state accumulates for, and their memory does not grow with time."""
    if state.accumulators and sorted(state.accumulators) != names:
        fail("advance.statistics", f"must be those that go on, {sorted(state.accumulators)}", names)
    if int(state.measured) + steps > LONGEST:
        fail("advance.continued", f"goes on for at most {LONGEST} steps", int(state.measured) + steps)
    long = _prepared_for(steps)
    for name in names:
        statistic = sim.statistics[name]
        size = entity_of(sim.network, statistic, sim.dt).size
        inside = tells_times(sim.network, statistic)
        shapes = [_memory(statistic, About(size, n, sim.dt, inside=inside)) for n in (long, long // steps // 2 * steps)]
        if shapes[0] != shapes[1]:
            rule = (
                "has a memory that grows with time, and cannot go on from call to call; take its results call by call"
            )
            fail(f"statistics.{name}", rule, type(statistic).__name__)


def _memory(statistic: Statistic, about: About) -> list[tuple[int, ...]]:
    """The shapes of what a statistic accumulates."""
    return [leaf.shape for leaf in jax.tree.leaves(jax.eval_shape(lambda: statistic.init(about)))]


def _prepared_for(steps: int) -> int:
    """Steps of the whole measurement as a statistic that goes on is told: many, in whole calls."""
    return max(LONGEST // steps, 2) * steps
