"""What does not change while populations advance together: parts, keys, what was formed before the loop."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

import equinox as eqx
import jax
import jax.numpy as jnp

from jaxsnn_noise._typing import Values
from jaxsnn_noise.engine.addresses import Keys, Step
from jaxsnn_noise.engine.carry import Carry, Line, Link, start_cell, start_noise
from jaxsnn_noise.engine.entering import constant, entering
from jaxsnn_noise.engine.entering import largest as entering_largest
from jaxsnn_noise.engine.failing import failing_weights, with_failure
from jaxsnn_noise.engine.network import Network, Population
from jaxsnn_noise.engine.observed import entity_of, place_of, tells_times
from jaxsnn_noise.engine.simulation import Simulation
from jaxsnn_noise.signals import About, Seam, lasts
from jaxsnn_noise.synapses import Projection

Part = TypeVar("Part", Population, Projection)


class Plan:
    """The populations that advance together, in the order of a step, and what flows into them. Local to one trace.

    Args:
        sim: The simulation.
        network: Its network as this device has it.
        keys: The keys of its streams at this address.
        order: Names of the populations, in the order of a step.
        constant: From the projections whose arrivals are the same in every step to these [target].
        trains: From the projections whose arrivals were formed before the loop, over its whole time, to these [time, target].
        later: Populations of later groups, which need the outputs of this one as trains.
        prepared: What was prepared of projections before.

    Attributes:
        populations: Those that advance, by name.
        projections: All projections onto them, by name.
        stepped: Those of which the loop forms the arrivals.
        ports: Ports whose signals the loop forms.
        inputs: From populations and ports to their inputs, by name.
        prepared: From a stepped projection to what its ``transmit`` needs, weights on their grid as a rule.
        failing: From a stepped projection whose weights are others for a time to their failure.
        delays: From a stepped projection to its delay in steps.
        stream_keys: From the name of a stream to its key.
        variables: From a population to the variables of its frame that somebody reads.
    """

    def __init__(
        self,
        sim: Simulation,
        network: Network,
        keys: Keys,
        order: list[str],
        constant: Mapping[str, Values],
        trains: Mapping[str, Values] | None = None,
        later: frozenset[str] = frozenset(),
        prepared: Mapping[str, Any] | None = None,
    ):
        self.sim, self.network, self.keys, self.order, self.dt = sim, network, keys, order, sim.dt
        self.populations: dict[str, Population] = {n: _ready(network.cells()[n]) for n in order}
        onto = {k: p for k, p in network.projections.items() if p.target in order}
        self.projections: dict[str, Projection] = {k: _ready(p) for k, p in onto.items()}
        self.constant = {k: v for k, v in constant.items() if k in self.projections}
        self.trains = dict(trains or {})
        self.stepped = {k: p for k, p in self.projections.items() if k not in self.constant and k not in self.trains}
        self.ports = sorted({p.source for p in self.stepped.values()} - set(order))
        self.inputs = {n: given for n, given in entering(sim.inputs).items() if n in order or n in self.ports}
        self.emitting = [
            n for n in order if any(p.source == n and p.target in later for p in network.projections.values())
        ]
        self.delays = {k: network.delay_steps(k, sim.dt) for k in self.stepped}
        known = prepared or {}
        self.prepared = {
            k: known[k] if k in known else p.prepared(largest(sim, p.source)) for k, p in self.stepped.items()
        }
        self.failing = failing_weights(network, self.stepped)
        self.failed = {
            k: with_failure(self.stepped[k], failure).prepared(largest(sim, self.stepped[k].source))
            for k, failure in self.failing.items()
        }
        self.stream_keys = {name: keys(name) for name in self._streams()}
        self.variables = {n: self._read(n) for n in [*order, *self.projections]}

    def prepared_at(self, k: str, at: Step) -> Any:
        """What ``transmit`` of a stepped projection needs in a step: its weights may be others for a time."""
        if k not in self.failing:
            return self.prepared[k]
        failure = self.failing[k]
        now = lasts(failure.start, failure.duration, at.index, self.dt)
        return jax.tree.map(lambda own, failed: jnp.where(now, failed, own), self.prepared[k], self.failed[k])

    def incoming(self, population: str) -> list[str]:
        """The projections onto a population, in the order in which their drives are joined."""
        return [k for k, p in self.projections.items() if p.target == population]

    def part(self, order: list[str], trains: Mapping[str, Values], later: frozenset[str]) -> Plan:
        """The plan of some of these populations, with the arrivals of these trains from the others."""
        return Plan(self.sim, self.network, self.keys, order, self.constant, trains, later, self.prepared)

    def depths(self) -> dict[str, int]:
        """From the sources of stepped projections with a delay to the steps that their delay lines hold."""
        depths = {p.source: 0 for p in self.stepped.values()}
        for k, p in self.stepped.items():
            depths[p.source] = max(depths[p.source], self.delays[k])
        return {source: depth for source, depth in sorted(depths.items()) if depth}

    def size(self, name: str) -> int:
        """Number of neurons or channels."""
        return self.network.populations[name].size

    def watched(self) -> list[str]:
        """The statistics of these populations."""
        places = {*self.order, *self.projections}
        return [k for k in sorted(self.sim.statistics) if place_of(self.sim.statistics[k]) in places]

    def about(self, name: str, steps: int) -> About:
        """What a statistic knows of a measurement of so many steps."""
        statistic = self.sim.statistics[name]
        size = entity_of(self.network, statistic, self.dt).size
        fan_out = None if statistic.projection is not None else self.network.fan_out(place_of(statistic))
        fan_out = jnp.zeros(size, jnp.float32) if fan_out is None else fan_out
        return About(size, steps, self.dt, fan_out, inside=tells_times(self.network, statistic))

    def start(self) -> Carry:
        """What the loop carries before the first step."""
        keys, dt = self.keys, self.dt
        return Carry(
            cells={n: start_cell(n, p, keys, dt) for n, p in self.populations.items()},
            inputs={
                k: signal.init(self.stream_keys[f"inputs.{k}"], self.size(n), dt)
                for n, given in self.inputs.items()
                for k, signal in given.items()
            },
            projections={k: self._start_link(k, p) for k, p in self.projections.items()},
            lines={s: Line.silent(d, self.size(s)) for s, d in self.depths().items()},
        )

    def _start_link(self, k: str, projection: Projection) -> Link:
        kinetics = projection.kinetics.init(self.size(projection.target))
        if k not in self.stepped:
            return Link(None, kinetics, {})
        state = projection.init(self.prepared[k], self.stream_keys.get(f"projections.{k}", self.keys.root), self.dt)
        memory = start_noise(f"projections.{k}", projection.noise, self.keys, self.size(projection.source), self.dt)
        return Link(state, kinetics, memory)

    def _streams(self) -> list[str]:
        names = [f"{kind}.{n}" for n in self.order for kind in ("neurons", "firing")]
        names += [f"noise.{n}.{k}" for n in self.order for k in self.populations[n].noise]
        names += [f"inputs.{k}" for given in self.inputs.values() for k in given]
        names += [f"projections.{k}" for k, p in self.stepped.items() if not p.linear]
        return names + [f"projections.{k}.{s}" for k, p in self.stepped.items() for s in p.noise]

    def _read(self, place: str) -> frozenset[str]:
        """The variables of a population or projection that somebody reads."""
        mine = [s for s in self.sim.statistics.values() if place_of(s) == place]
        return frozenset(name for statistic in mine for name in statistic.reads)


def _ready(part: Part) -> Part:
    """A population or projection whose noise has formed once what does not change in a run."""
    formed = {k: source.prepared() for k, source in part.noise.items()}
    if all(formed[k] is source for k, source in part.noise.items()):
        return part
    return eqx.tree_at(lambda p: p.noise, part, formed)


def largest(sim: Simulation, source: str) -> int:
    """The largest whole number that a population or port gives in one step; 1 where signals are analog, and sums round."""
    if source not in sim.network.ports():
        noise = sim.network.cells()[source].noise.values()
        return 1 + sum(part.gain(sim.dt) for part in noise if part.seam is Seam.SPIKE)
    return entering_largest(entering(sim.inputs)[source]) or 1


def watched(sim: Simulation) -> frozenset[str]:
    """The projections that statistics watch: they are stepped with both their ends."""
    return frozenset(s.projection for s in sim.statistics.values() if s.projection is not None)


def formed_once(sim: Simulation, projection: str) -> bool:
    """Whether a projection carries the same in every step: a constant input, with neither noise nor delay on the way."""
    if projection in watched(sim):
        return False
    path = sim.network.projections[projection]
    if path.source not in sim.network.ports() or not constant(entering(sim.inputs)[path.source]):
        return False
    return path.linear and not path.noise and not sim.network.delay_steps(projection, sim.dt)
