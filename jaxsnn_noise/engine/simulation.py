"""A simulation is a value; to simulate is a function of it and a key."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import equinox as eqx

from jaxsnn_noise import paths, random
from jaxsnn_noise._checks import count, fail, is_a, named, number, one_of, positive, steps_of
from jaxsnn_noise.coding import Input
from jaxsnn_noise.engine.deciding import deciding_source, undecided
from jaxsnn_noise.engine.entering import check_inputs
from jaxsnn_noise.engine.names import check_health, check_names
from jaxsnn_noise.engine.network import Network, Population
from jaxsnn_noise.engine.observed import check_recorded
from jaxsnn_noise.engine.passed import has_passed, remember
from jaxsnn_noise.hardware.imperfection import check_all
from jaxsnn_noise.neurons.step_size import check_step
from jaxsnn_noise.noise import Source
from jaxsnn_noise.parameters import check_tree
from jaxsnn_noise.signals import DECISIONS
from jaxsnn_noise.statistics import Health, Statistic


class Simulation(eqx.Module):
    """Everything that is simulated, as one frozen pytree whose leaves can be swept, perturbed and differentiated.

    Args:
        network: The network.
        inputs: From names to what enters a population (a current [nA]) or a port (spikes or analog values): the one of that
            name, or the one that the input names, ``{"bias": Constant(0.5, to="cells")}``. Several inputs of one population
            or port are added in the order of their names.
        imperfections: Named maps ``network -> network`` with the key of the device: quantisation, mismatch, ...; applied
            after every sweep, in the order of their stages, then of their names.
        duration: Measured time [ms], a multiple of dt.
        dt: Time step [ms].
        warmup: Time before the measurement [ms], a multiple of dt; simulated, not seen by statistics.
        statistics: Named statistics. ``health_<population>`` of every population is always added.
        frozen: From a stream or a prefix of stream names to the axes on which it is redrawn: ``{"inputs": ()}`` repeats
            the same random input in every trial, ``{"inputs": ("sample",)}`` draws one per sample.

    Raises:
        InputError: a part that does not fit, with the rule, the unit and the value.
    """

    network: Network
    inputs: dict[str, Input]
    imperfections: dict[str, Any]
    statistics: dict[str, Statistic]
    duration: float = eqx.field(static=True)
    dt: float = eqx.field(static=True)
    warmup: float = eqx.field(static=True)
    frozen: tuple[tuple[str, tuple[str, ...]], ...] = eqx.field(static=True)

    def __init__(
        self,
        network: Network,
        inputs: Mapping[str, Input] | None = None,
        *,
        duration: float,
        dt: float,
        warmup: float = 0.0,
        imperfections: Mapping[str, Any] | None = None,
        statistics: Mapping[str, Statistic] | None = None,
        frozen: Mapping[str, tuple[str, ...]] | None = None,
    ):
        if not isinstance(network, Network):
            fail("network", "must be a Network", network)
        self.network = network
        self.inputs = named("inputs", inputs, "inputs, e.g. coding.Constant(1.0)")
        self.imperfections = named("imperfections", imperfections, "imperfections, e.g. hardware.Mismatch(...)")
        self.duration, self.dt, self.warmup = number("duration", duration), number("dt", dt), number("warmup", warmup)
        self.frozen = tuple((k, _axes(k, v)) for k, v in named("frozen", frozen, "tuples of names of axes").items())
        self.statistics = resolved(network, statistics)
        validate(self)

    @property
    def warmup_steps(self) -> int:
        """Steps before the measurement."""
        return steps_of("warmup", self.warmup, self.dt)

    @property
    def total_steps(self) -> int:
        """All steps, warm-up included."""
        return self.warmup_steps + steps_of("duration", self.duration, self.dt)

    def steps_seen(self, statistic: Statistic) -> int:
        """Steps that a statistic sees: the measured ones, or all."""
        return self.total_steps if statistic.from_start else self.total_steps - self.warmup_steps


def is_simulation(who: str, sim: Any) -> None:
    """It is a simulation."""
    is_a(who, sim, Simulation, "Simulation(network, inputs, duration=..., dt=...)")


def with_statistics(sim: Simulation, statistics: Mapping[str, Statistic]) -> Simulation:
    """The simulation with other statistics."""
    is_simulation("sim", sim)
    return eqx.tree_at(lambda s: s.statistics, sim, resolved(sim.network, statistics))


def resolved(network: Network, statistics: Mapping[str, Statistic] | None) -> dict[str, Statistic]:
    """The statistics with their populations named, and ``health_<population>`` of every population added."""
    cells = network.cells()
    spiking = [k for k, p in cells.items() if p.neuron.spiking]
    found = {}
    for name, statistic in named("statistics", statistics, "statistics, e.g. statistics.Rate()").items():
        if not isinstance(statistic, Statistic):
            fail(f"statistics.{name}", "must be a statistic, e.g. statistics.Rate()", statistic)
        population = statistic.population
        if statistic.projection is not None:
            if population is not None:
                fail(f"statistics.{name}", "watches a population or a projection, not both", population)
            one_of(f"statistics.{name}.projection", statistic.projection, network.projections)
            check_health(name, statistic, "")
            found[name] = statistic.on(network.projections[statistic.projection])
            continue
        if population is None:
            choice = list(cells) if len(cells) == 1 else spiking
            if len(choice) != 1:
                fail(f"statistics.{name}.population", f"must name one of {sorted(cells)}", population)
            population = choice[0]
        one_of(f"statistics.{name}.population", population, cells)
        check_health(name, statistic, population)
        found[name] = statistic.of(population)
    for cell in cells:
        found.setdefault(f"health_{cell}", Health(population=cell))
    return dict(sorted(found.items()))


def validate(sim: Simulation) -> None:
    """Look at the concrete values of a simulation (sweeps and ``tree_at`` skip constructors); tracers pass.

    One that has passed is remembered: to look costs as much as a small run.
    """
    is_simulation("sim", sim)
    if has_passed(sim):
        return
    positive("dt", sim.dt, "ms")
    positive("duration", sim.duration, "ms")
    if not 0 <= sim.warmup < float("inf"):
        fail("warmup", "must be finite and >= 0 [ms]", sim.warmup)
    count("steps", sim.total_steps)
    if sim.total_steps > random.MAX_STEPS:
        fail("steps", f"a stream addresses {random.MAX_STEPS} steps", sim.total_steps)
    sim.network.check("network")
    for name in ("inputs", "imperfections", "statistics"):
        check_tree(name, getattr(sim, name), sim)
    for name in sim.network.projections:
        sim.network.delay_steps(name, sim.dt)
        sim.network.projections[name].check_step(f"network.{name}", sim.dt)
    check_inputs(sim.network, sim.inputs, sim.total_steps, sim.dt)
    for path, part in paths.nodes(sim):
        if isinstance(part, Source):
            part.check_step(path, sim.dt)
    for name, population in sim.network.cells().items():
        population.firing.check_step(f"network.{name}.firing", population.neuron, sim.dt)
        if population.stepper is None:
            population.neuron.check_step(f"network.{name}.neuron", sim.dt)
        else:
            check_step(f"network.{name}.stepper", population.stepper, population.neuron, sim.dt)
    check_all(sim.imperfections, sim.network)
    for prefix, _ in sim.frozen:
        known = streams(sim)
        if not any(k == prefix or k.startswith(prefix + ".") for k in known):
            fail("frozen", "must be a stream or a prefix of one", prefix, known=known)
    for name, statistic in sim.statistics.items():
        check_recorded(f"statistics.{name}", sim.network, statistic, sim.dt)
        if statistic.projection is not None:
            continue
        one_of(f"statistics.{name}.population", statistic.population or "", sim.network.cells())
        _check_decisions(f"statistics.{name}", statistic, sim.network.cells()[statistic.population or ""])
    check_names(sim.network, sim.statistics, sim.steps_seen, sim.dt)
    remember(sim)


def _check_decisions(who: str, statistic: Statistic, population: Population) -> None:
    """What reads the probability of spikes, or their times within steps, watches a population that has them."""
    if "inside" in statistic.reads and not (population.neuron.spiking and population.firing.inside):
        rule = "reads inside, the times of spikes within their steps, which the firing rule does not tell"
        fail(who, rule, type(population.firing).__name__)
    read = sorted(set(statistic.reads) & set(DECISIONS))
    if not read or not population.neuron.spiking or population.firing.random:
        return
    if deciding_source(population) is None:
        fail(who, f"reads {read[0]}, which needs noise that decides", undecided(population))


def streams(sim: Simulation) -> list[str]:
    """The names of the simulation's random streams."""
    names = [f"inputs.{k}" for k in sim.inputs]
    for name, population in sim.network.cells().items():
        names += [f"firing.{name}", f"neurons.{name}", *(f"noise.{name}.{k}" for k in population.noise)]
        names += [f"initial.{name}.{k}" for k in population.initial]
    for name, projection in sim.network.projections.items():
        names += [f"projections.{name}.{k}" for k in projection.noise]
        names += [] if projection.linear else [f"projections.{name}"]
    return sorted(names)


def _axes(stream: str, names: Any) -> tuple[str, ...]:
    if not isinstance(names, (tuple, list)) or not all(isinstance(name, str) for name in names):
        fail(f"frozen[{stream!r}]", 'must be a tuple of names of axes, e.g. ("sample",) or ()', names)
    return tuple(names)
