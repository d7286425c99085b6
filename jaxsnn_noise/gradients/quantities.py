"""What is differentiated: functions of expectations of what one trial has."""

from __future__ import annotations

import abc
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Self

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from jaxsnn_noise._checks import fail, is_a, one_of
from jaxsnn_noise.engine.network import Population
from jaxsnn_noise.engine.simulation import Simulation, with_statistics
from jaxsnn_noise.gradients.folds import SpikeSums
from jaxsnn_noise.parameters import Ranged
from jaxsnn_noise.statistics import Statistic


class Quantity(Ranged):
    """Abstract: a number that follows from expectations of ``moments`` of one trial.

    Estimators have unbiased derivatives of expectations; those of a function of them, such as a ratio of variances, follow by the chain
    rule. ``of`` is analytic: it is differentiated by complex steps.
    """

    linear: ClassVar[bool] = False
    """Whether it is the expectation of its only moment itself."""
    jumps: ClassVar[bool] = False
    """Whether it jumps where what it reads moves smoothly, as a wrong answer does."""

    @property
    @abc.abstractmethod
    def name(self) -> str:
        """Its name among the outputs of a result."""

    @abc.abstractmethod
    def units(self, sim: Simulation) -> str:
        """Its unit."""

    def size(self, sim: Simulation) -> int:
        """How many moments it has."""
        del sim
        return 1

    @abc.abstractmethod
    def statistics(self, sim: Simulation) -> dict[str, Statistic]:
        """The statistics that it reads, by name.

        Raises:
            InputError: the simulation has no such quantity.
        """

    def check(self, sim: Simulation, targets: np.ndarray | None) -> None:
        """Raise :class:`InputError` for targets [sample, ...] of a data set that do not fit, or ``None`` without one that is needed."""

    @abc.abstractmethod
    def moments(self, results: Mapping[str, Any], sim: Simulation) -> jax.Array:
        """From the results of one trial of the simulation to numbers [moment]."""

    def of(self, means: np.ndarray) -> Any:
        """From expectations [..., moment] to the quantity [...]; they may be complex."""
        return means[..., 0]

    @classmethod
    @abc.abstractmethod
    def example(cls) -> Self:
        """One typical member of the class, for the contract tests."""


class MeanOf(Quantity):
    """The expectation of a statistic of the simulation, averaged over its entries (neurons, bins): what a text stands for."""

    linear: ClassVar[bool] = True

    statistic: str = eqx.field(static=True)

    @property
    def name(self) -> str:
        return self.statistic

    def units(self, sim: Simulation) -> str:
        return sim.statistics[self.statistic].units[""]

    def statistics(self, sim: Simulation) -> dict[str, Statistic]:
        one_of("outputs", self.statistic, sim.statistics)
        found = sim.statistics[self.statistic]
        if set(found.units) != {""}:
            fail("outputs", "must be statistics whose result is one array, or quantities", self.statistic)
        return {self.statistic: found}

    def moments(self, results: Mapping[str, Any], sim: Simulation) -> jax.Array:
        return jnp.mean(results[self.statistic].astype(jnp.float32))[None]

    @classmethod
    def example(cls) -> Self:
        return cls("rate")


class OfSpikes(Quantity):
    """Abstract: of the spikes of a population, per neuron over all trials, averaged over neurons."""

    short: ClassVar[str]
    """Its name, without the population."""
    fields: ClassVar[tuple[str, ...]]
    """Of :class:`SummedSpikes`: its moments."""

    population: str | None = eqx.field(static=True, default=None)

    def _population(self, sim: Simulation) -> str:
        spiking = [k for k, part in sim.network.cells().items() if part.neuron.spiking]
        if self.population is None and len(spiking) != 1:
            fail(f"{type(self).__name__}.population", f"must name one of {spiking}", None)
        chosen = spiking[0] if self.population is None else self.population
        one_of(f"{type(self).__name__}.population", chosen, spiking)
        return chosen

    @property
    def name(self) -> str:
        return self.short if self.population is None else f"{self.short}_{self.population}"

    def size(self, sim: Simulation) -> int:
        return len(self.fields) * sim.network.cells()[self._population(sim)].size

    def moments(self, results: Mapping[str, Any], sim: Simulation) -> jax.Array:
        del sim
        return jnp.concatenate([getattr(results[self._key], field) for field in self.fields])

    def statistics(self, sim: Simulation) -> dict[str, Statistic]:
        population = self._population(sim)
        part = sim.network.populations[population]
        if isinstance(part, Population) and part.firing.inside:
            rule = "needs spikes at the ends of steps: of times within them it has no derivative"
            fail(f"{type(self).__name__}.population", rule, population)
        return {self._key: SpikeSums(population=population)}

    @property
    def _key(self) -> str:
        return f"spike_sums_{self.population or ''}"

    @classmethod
    def example(cls) -> Self:
        return cls()


class FanoOfCounts(OfSpikes):
    r"""Variance of the spike count over trials, over its mean, of each neuron, averaged over neurons [1].

    :math:`\frac1N \sum_i \frac{E n_i^2 - (E n_i)^2}{E n_i}`. NaN where a neuron never fires.

    Args:
        population: the population; ``None``: the only one that spikes.
    """

    short: ClassVar[str] = "fano"
    fields: ClassVar[tuple[str, ...]] = ("count", "count_squared")

    def units(self, sim: Simulation) -> str:
        return "1"

    def of(self, means: np.ndarray) -> Any:
        count, squared = np.split(means, 2, axis=-1)
        with np.errstate(divide="ignore", invalid="ignore"):
            return ((squared - count**2) / count).mean(axis=-1)


class MeanOfIntervals(OfSpikes):
    r"""Mean of the interspike intervals of all trials together, of each neuron, averaged over neurons [ms].

    Args:
        population: the population; ``None``: the only one that spikes.
    """

    short: ClassVar[str] = "interval"
    fields: ClassVar[tuple[str, ...]] = ("intervals", "total")

    def units(self, sim: Simulation) -> str:
        return "ms"

    def of(self, means: np.ndarray) -> Any:
        number, total = np.split(means, 2, axis=-1)
        with np.errstate(divide="ignore", invalid="ignore"):
            return (total / number).mean(axis=-1)


class CVOfIntervals(OfSpikes):
    r"""Coefficient of variation of the interspike intervals of all trials together, of each neuron, averaged over neurons [1].

    Not biased by short records as the mean of ``IntervalCV`` over trials is, and, unlike that, gradients pass.

    Args:
        population: the population; ``None``: the only one that spikes.
    """

    short: ClassVar[str] = "cv"
    fields: ClassVar[tuple[str, ...]] = ("intervals", "total", "squares")

    def units(self, sim: Simulation) -> str:
        return "1"

    def of(self, means: np.ndarray) -> Any:
        number, total, squares = np.split(means, 3, axis=-1)
        with np.errstate(divide="ignore", invalid="ignore"):
            mean = total / number
            return (np.sqrt(squares / number - mean**2) / mean).mean(axis=-1)


def quantities(who: str, sim: Simulation, outputs: Any) -> tuple[Quantity, ...]:
    """The outputs as quantities of this simulation.

    Raises:
        InputError: none, or one twice; neither a name nor a quantity.
    """
    given = [outputs] if isinstance(outputs, (str, Quantity)) else outputs
    if not isinstance(given, Sequence):
        fail(f"{who}.outputs", "must be names of statistics, or quantities", outputs)
    for name in given:
        if isinstance(name, str):
            one_of(f"{who}.outputs", name, sim.statistics)
    found = tuple(MeanOf(x) if isinstance(x, str) else x for x in given)
    for one in found:
        is_a(f"{who}.outputs", one, Quantity, "names of statistics, or gradients.FanoOfCounts()")
    names = [one.name for one in found]
    if not names or len(set(names)) < len(names):
        fail(f"{who}.outputs", "must be at least one, each once", names)
    return found


def reading(sim: Simulation, wanted: Sequence[Quantity]) -> Simulation:
    """The simulation with the statistics that the quantities read, and no others."""
    needed: dict[str, Statistic] = {}
    for one in wanted:
        needed |= one.statistics(sim)
    return with_statistics(sim, needed)


def moments(results: Mapping[str, Any], wanted: Sequence[Quantity], sim: Simulation) -> jax.Array:
    """All moments of all quantities of one trial [moment]."""
    return jnp.concatenate([one.moments(results, sim) for one in wanted])
