"""The default backend: one scan over time per group of populations.

``run`` reads from top to bottom as the simulation does: imperfections, then per group what flows in, the loop over steps,
the statistics. Everything here is traced once per structure and shape; a new value of any leaf compiles nothing.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jax import lax

from jaxsnn_noise import random
from jaxsnn_noise._typing import Key, Values
from jaxsnn_noise.engine.addresses import Address, Keys, Step
from jaxsnn_noise.engine.network import Network, Population
from jaxsnn_noise.engine.pinning import opaque_zero, pinned_function, pinned_tree
from jaxsnn_noise.engine.step import Line, advance, current_context, start_noise, start_population
from jaxsnn_noise.noise import Context
from jaxsnn_noise.statistics import About

if TYPE_CHECKING:
    from jaxsnn_noise.engine.simulation import Simulation

Body = Callable[[Any, Step, Any], tuple[Any, Any]]
Pin = Callable[[Callable[..., Any]], Callable[..., Any]]


class Scan(eqx.Module):
    """Backend on ``lax.scan``.

    Args:
        pinned: Make every product and seam opaque to the compiler, so that a single ``simulate``, a Python loop or an added silent
            source give the same bits of every voltage (and not only of every spike), at a cost in time.
        checkpoint: Recompute each block of steps in the backward pass (its noise included) instead of storing it.
    """

    pinned: bool = eqx.field(default=False, static=True)
    checkpoint: bool = eqx.field(default=False, static=True)

    def run(self, sim: Simulation, root: Key, address: Address) -> dict[str, Any]:
        """The results of one member: statistics by name. Pure; batched by ``vmap`` over leaves and indices."""
        keys = Keys(root, address, sim.frozen)
        network = impaired(sim, keys)
        trains: dict[str, Values] = {}
        results: dict[str, Any] = {}
        groups = sim.schedule.groups(network)
        for number, names in enumerate(groups):
            later = {p for group in groups[number + 1 :] for p in group}
            group = Group(sim, network, keys, names, later, trains)
            finished, outputs = self._over_time(group)
            trains |= outputs
            results |= {k: sim.statistics[k].finalize(acc, group.about(k)) for k, acc in finished.items()}
        return dict(sorted(results.items()))

    def _over_time(self, group: Group) -> tuple[dict[str, Any], dict[str, Values]]:
        """Warm-up without statistics, then the measured steps with them."""
        warm, total = group.sim.warmup_steps, group.sim.total_steps
        pin = self._pin(group.keys.root)
        carry = pinned_tree(group.start, zero=opaque_zero(group.keys.root))()
        carry, before = self._segment(group.step, carry, group.flow, 0, warm, pin)
        accs = {k: group.sim.statistics[k].init(group.about(k)) for k in group.statistics}
        (carry, accs), during = self._segment(group.measured_step, (carry, accs), group.flow, warm, total, pin)
        outputs = {k: jnp.concatenate([before[k], v]) if warm else v for k, v in during.items()}
        return accs, outputs

    def _segment(
        self, body: Body, carry: Any, flow: dict[str, Values], start: int, stop: int, pin: Pin = lambda f: f
    ) -> tuple[Any, Any]:
        """Steps ``start`` to ``stop`` in blocks of two, so that one cipher call serves both; odd ends stand alone."""
        first, last = start + start % 2, stop - stop % 2
        pieces = []
        if first > start and start < stop:
            carry, out = pin(body)(carry, _step(start), _slice(flow, start))
            pieces.append(jax.tree.map(lambda x: x[None], out))
        if last > first:
            block = pin(two_steps(body))
            block = jax.checkpoint(block) if self.checkpoint else block
            carry, out = lax.scan(block, carry, _blocks(flow, first, last))
            pieces.append(jax.tree.map(lambda x: x.reshape(-1, *x.shape[2:]), out))
        if stop > last >= first:
            carry, out = pin(body)(carry, _step(last), _slice(flow, last))
            pieces.append(jax.tree.map(lambda x: x[None], out))
        return carry, jax.tree.map(lambda *xs: jnp.concatenate(xs), *pieces) if pieces else {}

    def _pin(self, root: Key) -> Pin:
        if not self.pinned:
            return lambda f: f
        return functools.partial(pinned_function, zero=opaque_zero(root))


def two_steps(body: Body) -> Callable[[Any, Any], tuple[Any, Any]]:
    """The body of the scan: both lanes of a block, with their draws shared."""

    def block(carry: Any, xs: tuple[jax.Array, dict[str, Values]]) -> tuple[Any, Any]:
        number, flow = xs
        memo, outs = random.Memo(), []
        for lane in (0, 1):
            carry, out = body(carry, Step(number, lane, memo), {k: v[lane] for k, v in flow.items()})
            outs.append(out)
        return carry, jax.tree.map(lambda *pair: jnp.stack(pair), *outs)

    return block


class Group:
    """The populations that advance together, and what flows into them. Local to one trace."""

    def __init__(
        self,
        sim: Simulation,
        network: Network,
        keys: Keys,
        names: list[str],
        later: set[str],
        trains: Mapping[str, Values],
    ):
        self.sim, self.network, self.keys, self.names, self.dt = sim, network, keys, names, sim.dt
        self.projections = {k: p for k, p in network.projections.items() if p.target in names}
        self.prepared = {k: p.prepared() for k, p in self.projections.items()}
        self.emitting = [
            n for n in names if any(p.source == n and p.target in later for p in network.projections.values())
        ]
        self.statistics = [k for k in sorted(sim.statistics) if sim.statistics[k].population in names]
        self.constant: dict[str, Values] = {}
        self.flow: dict[str, Values] = {}
        for name, projection in self.projections.items():
            self._feed(name, projection.source, trains)
        sources = {p.source for k, p in self.projections.items() if k not in self.constant and k not in self.flow}
        self.ports = sorted(s for s in sources if s not in names)
        self.depths = {s: max(self._delays(s), default=0) for s in sorted(sources)}
        self.stream_keys = {name: keys(name) for name in self._streams()}

    def about(self, statistic: str) -> About:
        """What a statistic knows of the run."""
        name = self._watched(statistic)
        size = self.network.populations[name].size
        fan_out = self.network.fan_out(name)
        steps = self.sim.total_steps - self.sim.warmup_steps
        return About(size, steps, self.dt, jnp.zeros(size, jnp.float32) if fan_out is None else fan_out)

    def start(self) -> dict[str, Any]:
        """What the scan carries before the first step."""
        cells = {n: start_population(n, self._population(n), self.keys, self.dt) for n in self.names}
        fed = {n: x for n, x in self.sim.inputs.items() if n in self.names or n in self.ports}
        return {
            "cells": cells,
            "inputs": {n: x.init(self.keys(f"inputs.{n}"), self._size(n), self.dt) for n, x in fed.items()},
            "kinetics": {k: p.kinetics.init(self._size(p.target)) for k, p in self.projections.items()},
            "release": {
                k: start_noise(f"projections.{k}", p.noise, self.keys, self._size(p.source), self.dt)
                for k, p in self._internal().items()
            },
            "lines": {s: Line.silent(d, self._size(s)) for s, d in self.depths.items() if d},
        }

    def step(
        self, carry: dict[str, Any], at: Step, flow: dict[str, Values]
    ) -> tuple[dict[str, Any], dict[str, Values]]:
        """One step of the group: what the next step carries, and the outputs that later groups need."""
        carry, frames = self._step(carry, at, flow)
        return carry, {n: frames[n].output for n in self.emitting}

    def measured_step(self, carry: Any, at: Step, flow: dict[str, Values]) -> tuple[Any, dict[str, Values]]:
        """One step, seen by the statistics."""
        state, accs = carry
        state, frames = self._step(state, at, flow)
        index = at.index - self.sim.warmup_steps
        updated = {}
        for k, acc in accs.items():
            statistic = self.sim.statistics[k]
            frame = eqx.tree_at(lambda f: f.index, frames[self._watched(k)], index)
            updated[k] = statistic.update(acc, frame, self.about(k))
        return (state, updated), {n: frames[n].output for n in self.emitting}

    def _step(self, carry: dict[str, Any], at: Step, flow: dict[str, Values]) -> tuple[dict[str, Any], dict[str, Any]]:
        signals, inputs = self._signals(carry, at)
        kinetics, release, currents = dict(carry["kinetics"]), dict(carry["release"]), {}
        for n in self.names:
            total = signals[n] if n in self.sim.inputs else jnp.zeros(self._size(n), jnp.float32)
            for k in (k for k, p in self.projections.items() if p.target == n):
                arrivals, release[k] = self._arrivals(k, carry, signals, flow, at)
                current, kinetics[k] = self.projections[k].kinetics.step(kinetics[k], arrivals, self.dt)
                total = total + current
            currents[n] = total
        cells, frames = {}, {}
        for n in self.names:
            cells[n], frames[n] = advance(
                n, self._population(n), carry["cells"][n], currents[n], self.stream_keys, at, self.dt
            )
        now = {n: frames[n].output for n in self.names} | {n: signals[n] for n in self.ports}
        lines = {s: line.write(now[s], at) for s, line in carry["lines"].items()}
        release = {k: v for k, v in release.items() if k in carry["release"]}
        new = {"cells": cells, "inputs": inputs, "kinetics": kinetics, "release": release, "lines": lines}
        return new, frames

    def _signals(self, carry: dict[str, Any], at: Step) -> tuple[dict[str, Values], dict[str, Any]]:
        signals, memory = {}, dict(carry["inputs"])
        for n in memory:
            context = current_context(jnp.zeros(self._size(n), jnp.float32), self.dt)
            tick = at.tick(self.stream_keys[f"inputs.{n}"])
            signals[n], memory[n] = self.sim.inputs[n].step(memory[n], at.index, tick, context, self.dt)
        return signals, memory

    def _arrivals(self, k: str, carry: Any, signals: Any, flow: Any, at: Step) -> tuple[Values, Any]:
        if k in self.constant:
            return self.constant[k], None
        if k in self.flow:
            return flow[k], None
        projection = self.projections[k]
        delay = self.network.delay_steps(k, self.dt)
        signal = carry["lines"][projection.source].read(delay, at) if delay else signals[projection.source]
        memory = dict(carry["release"][k])
        released = release_noise(k, projection.noise, memory, signal, self.stream_keys, at, self.dt)
        return projection.arrivals(self.prepared[k], released), memory

    def _feed(self, k: str, source: str, trains: Mapping[str, Values]) -> None:
        """Form what flows in from outside: once if it is constant, as one product over time if trains are batched."""
        projection = self.projections[k]
        if source in self.names:
            return
        port = source in self.network.ports()
        delay = self.network.delay_steps(k, self.dt)
        if formed_once(self.sim, k):
            context = Context(jnp.zeros(self._size(source), jnp.float32))
            start = _step(0).tick(self.keys.root)  # a constant input draws nothing
            value, _ = self.sim.inputs[source].step(None, 0, start, context, self.dt)
            self.constant[k] = projection.arrivals(self.prepared[k], value)
        elif self.sim.schedule.batches:
            train = port_train(self.sim, self.keys, source, self._size(source)) if port else trains[source]
            train = jnp.concatenate([jnp.zeros((delay, train.shape[1]), train.dtype), train])[: len(train)]
            self.flow[k] = projection.arrivals(self.prepared[k], released_train(self, k, train))

    def _internal(self) -> dict[str, Any]:
        return {k: p for k, p in self.projections.items() if k not in self.constant and k not in self.flow}

    def _delays(self, source: str) -> list[int]:
        return [self.network.delay_steps(k, self.dt) for k, p in self._internal().items() if p.source == source]

    def _streams(self) -> list[str]:
        names = [f"{kind}.{n}" for n in self.names for kind in ("neurons", "firing")]
        names += [f"noise.{n}.{k}" for n in self.names for k in self._population(n).noise]
        names += [f"inputs.{n}" for n in self.sim.inputs if n in self.names or n in self.ports]
        return names + [f"projections.{k}.{s}" for k, p in self._internal().items() for s in p.noise]

    def _watched(self, statistic: str) -> str:
        """The population of a statistic; a simulation's statistics all name theirs."""
        return self.sim.statistics[statistic].population or ""

    def _population(self, name: str) -> Population:
        return self.network.cells()[name]

    def _size(self, name: str) -> int:
        return self.network.populations[name].size


def formed_once(sim: Simulation, projection: str) -> bool:
    """Whether a projection carries the same in every step: a constant input, with neither noise nor delay on the way."""
    path = sim.network.projections[projection]
    if path.source not in sim.network.ports() or not sim.inputs[path.source].constant:
        return False
    return not path.noise and not sim.network.delay_steps(projection, sim.dt)


def impaired(sim: Simulation, keys: Keys) -> Network:
    """The network of this device: every imperfection applied, in the order of their names.

    Always pinned, which costs nothing here: a chip has the same bits in every program and batch.
    """
    network, zero = sim.network, opaque_zero(keys.root)
    for name in sorted(sim.imperfections):
        imperfection = sim.imperfections[name]
        key = keys.of_device(f"imperfections.{name}", imperfection.axis)
        network = pinned_tree(imperfection.apply, network, zero=zero)(key)
    return network


def port_train(sim: Simulation, keys: Keys, name: str, size: int) -> Values:
    """The signal of a port over the whole run [time, neuron]."""
    signal, key = sim.inputs[name], keys(f"inputs.{name}")
    context = current_context(jnp.zeros(size, jnp.float32), sim.dt)

    def body(memory: Any, at: Step, flow: Any) -> tuple[Any, Any]:
        value, memory = signal.step(memory, at.index, at.tick(key), context, sim.dt)
        return memory, {"value": value}

    return Scan()._segment(body, signal.init(key, size, sim.dt), {}, 0, sim.total_steps)[1]["value"]


def released_train(group: Group, k: str, train: Values) -> Values:
    """A train with the release noise of a projection, drawn at the same addresses as step by step."""
    projection = group.projections[k]
    if not projection.noise:
        return train
    stream_keys = {f"projections.{k}.{s}": group.keys(f"projections.{k}.{s}") for s in projection.noise}

    def body(memory: Any, at: Step, flow: dict[str, Values]) -> tuple[Any, Any]:
        memory = dict(memory)
        released = release_noise(k, projection.noise, memory, flow["train"], stream_keys, at, group.dt)
        return memory, {"value": released}

    start = start_noise(f"projections.{k}", projection.noise, group.keys, train.shape[1], group.dt)
    return Scan()._segment(body, start, {"train": train}, 0, len(train))[1]["value"]


def release_noise(
    k: str, sources: Any, memory: dict[str, Any], signal: Values, keys: Mapping[str, Key], at: Step, dt: float
) -> Values:
    """The signal with release noise; ``memory`` is moved forward in place (it is local to the trace)."""
    released = signal
    for name in sorted(sources):
        tick = at.tick(keys[f"projections.{k}.{name}"])
        drawn, memory[name] = sources[name].draw(memory[name], Context(signal), tick, dt)
        released = released + drawn
    return released


def _step(index: int) -> Step:
    return Step(jnp.uint32(index // 2), index % 2)


def _slice(flow: dict[str, Values], index: int) -> dict[str, Values]:
    return {k: v[index] for k, v in flow.items()}


def _blocks(flow: dict[str, Values], first: int, last: int) -> tuple[jax.Array, dict[str, Values]]:
    numbers = jnp.arange(first // 2, last // 2, dtype=jnp.uint32)
    return numbers, {k: v[first:last].reshape(-1, 2, *v.shape[1:]) for k, v in flow.items()}
