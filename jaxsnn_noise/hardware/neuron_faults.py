"""Faults of neurons: outputs that do not follow the neuron any more, and parameters that are far off."""

from __future__ import annotations

import abc
from typing import TYPE_CHECKING, Any, ClassVar, Self

import equinox as eqx
import jax.numpy as jnp

from jaxsnn_noise import random
from jaxsnn_noise._checks import concrete, fail, one_of
from jaxsnn_noise._typing import Key, Leaf, Values
from jaxsnn_noise.hardware.faults import Faults, Layers, layers_of
from jaxsnn_noise.hardware.leaves import check_path, leaf_of, refusal, with_leaf
from jaxsnn_noise.hardware.sites import Scattered, Shapes, Sites
from jaxsnn_noise.parameters import fraction, nonnegative, parameter, positive
from jaxsnn_noise.signals import Failure


class OutputFaults(Faults):
    """Abstract: the output of a neuron is held at a level, whatever the neuron does.

    What leaves the neuron is that level in every step, refractory or not: targets, statistics of spikes and readouts see it. The
    membrane goes on by itself, and is reset by its own spikes, which nobody sees. Of several faults of one neuron the last one
    holds, in the order in which imperfections act. A transient fault lasts for ``duration`` from ``start`` on, counted from the start of the run, warm-up included, in whole
    steps (the nearest): at both ends the membrane is where it would be without it.
    """

    absolute: ClassVar[bool] = True
    counted: ClassVar[tuple[str, ...]] = ("neuron",)
    of_readouts: ClassVar[bool] = False
    """Whether neurons that never fire can have it."""

    if TYPE_CHECKING:

        @property
        def populations(self) -> tuple[str, ...]:
            """The layers."""

        @property
        def start(self) -> Values:
            """When it begins [ms]."""

        @property
        def duration(self) -> Values | None:
            """How long it lasts [ms]."""

    @abc.abstractmethod
    def held(self, neuron: Any) -> Values:
        """The level [neuron], in the unit of the output; of neurons that never fire their potential [mV]."""

    def shapes(self, network: Any) -> Shapes:
        return {name: (network.populations[name].size,) for name in self.populations}

    def apply(self, network: Any, key: Key) -> Any:
        for name, failed in self.chosen(network, key).items():
            population = network.populations[name]
            level = jnp.where(failed, self.held(population.neuron), jnp.float32(jnp.nan))
            failures = (*population.failures, Failure(level, self.start, self.duration))
            network = with_failures(network, name, failures)
        return network

    def check(self, who: str, network: Any) -> None:
        for name in self.populations:
            one_of(f"{who}.populations", name, network.cells())
            neuron = network.populations[name].neuron
            if not (neuron.spiking or self.of_readouts):
                rule = f"must fire: {name} is a readout, whose potential has no such level (DeadNeurons it may have)"
                fail(f"{who}.populations", rule, type(neuron).__name__)
        self.sites.check(f"{who}.sites", self.shapes(network))


class DeadNeurons(OutputFaults):
    """Neurons that give nothing: the output is 0 in every step; the potential of a readout that never fires is that of rest.

    Args:
        populations: Name of a population, or several in a list.
        sites: ``Scattered(fraction)``, one number or one for each population; or ``SingleSite(number)``.
        start: When a transient fault begins [ms].
        duration: How long it lasts [ms]. ``None``: it is permanent.
        over: The Monte Carlo axis on which devices are drawn.

    Raises:
        InputError: fractions outside of [0, 1], a site outside of the layers, a population that is none.

    References: the fault models of Spyrou et al. 2021, doi:10.23919/DATE51398.2021.9474081, and Stratigopoulos et al. 2024,
    arXiv:2412.06795.

    Example:
        >>> DeadNeurons(["hidden", "output"], Scattered([0.1, 0.0])).populations
        ('hidden', 'output')
    """

    of_readouts: ClassVar[bool] = True
    populations: Layers = eqx.field(static=True, converter=lambda v: layers_of("DeadNeurons.populations", v))
    sites: Sites
    start: Leaf = parameter("ms", nonnegative, default=0.0, kw_only=True)
    duration: Leaf | None = parameter("ms", positive, default=None, kw_only=True)
    over: str = eqx.field(static=True, default="device", kw_only=True)

    def held(self, neuron: Any) -> Values:
        rest = neuron.potential(neuron.rest())
        return jnp.zeros_like(rest) if neuron.spiking else rest

    @classmethod
    def example(cls) -> Self:
        return cls("cells", Scattered(0.1))


class SaturatedNeurons(OutputFaults):
    """Neurons that fire in every step, refractory or not.

    Args:
        populations: Name of a population, or several in a list; readouts that never fire are refused.
        sites: As of :class:`DeadNeurons`.
        start: When a transient fault begins [ms].
        duration: How long it lasts [ms]. ``None``: it is permanent.
        over: The Monte Carlo axis on which devices are drawn.

    Raises:
        InputError: as of :class:`DeadNeurons`; a readout.

    References: as of :class:`DeadNeurons`.

    Example:
        >>> SaturatedNeurons("hidden", Scattered(0.1), start=100.0, duration=5.0).axis
        'device'
    """

    populations: Layers = eqx.field(static=True, converter=lambda v: layers_of("SaturatedNeurons.populations", v))
    sites: Sites
    start: Leaf = parameter("ms", nonnegative, default=0.0, kw_only=True)
    duration: Leaf | None = parameter("ms", positive, default=None, kw_only=True)
    over: str = eqx.field(static=True, default="device", kw_only=True)

    def held(self, neuron: Any) -> Values:
        return jnp.ones(neuron.size, jnp.float32)

    @classmethod
    def example(cls) -> Self:
        return cls("cells", Scattered(0.1))


class StuckNeurons(OutputFaults):
    """Neurons whose output is held at a level: 0 is dead, 1 saturated, between them graded, which rounds in sums of weights.

    Args:
        populations: Name of a population, or several in a list; readouts that never fire are refused.
        sites: As of :class:`DeadNeurons`.
        level: What leaves the neuron in every step [1], 0 to 1. A leaf.
        start: When a transient fault begins [ms].
        duration: How long it lasts [ms]. ``None``: it is permanent.
        over: The Monte Carlo axis on which devices are drawn.

    Raises:
        InputError: as of :class:`DeadNeurons`; a readout, a level outside of [0, 1].

    References: as of :class:`DeadNeurons`.

    Example:
        >>> float(StuckNeurons("hidden", Scattered(0.1), level=0.5).level)
        0.5
    """

    populations: Layers = eqx.field(static=True, converter=lambda v: layers_of("StuckNeurons.populations", v))
    sites: Sites
    level: Leaf = parameter("1", fraction, kw_only=True)
    start: Leaf = parameter("ms", nonnegative, default=0.0, kw_only=True)
    duration: Leaf | None = parameter("ms", positive, default=None, kw_only=True)
    over: str = eqx.field(static=True, default="device", kw_only=True)

    def held(self, neuron: Any) -> Values:
        return jnp.full(neuron.size, self.level)

    @classmethod
    def example(cls) -> Self:
        return cls("cells", Scattered(0.1), level=0.3)


class ParameterFaults(Faults):
    """Parameters of neurons that are far off: ``p -> rho p`` at the sites that failed, ``rho`` uniform on [low, high], one per site.

    Args:
        paths: Dotted path of a parameter, or several in a list, e.g. ``"network.hidden.neuron.v_threshold"``.
        sites: As of :class:`DeadNeurons`.
        low: Smallest factor [1], >= 0.
        high: Largest factor [1]; the same as ``low`` for one that is fixed.
        over: The Monte Carlo axis on which devices are drawn.

    Raises:
        InputError: a path that leads to no parameter, factors that lead out of its range, ``high`` below ``low``.

    References: as of :class:`DeadNeurons`; their factors are uniform on [0.1, 3], the default.

    Example:
        >>> ParameterFaults("network.hidden.neuron.tau_mem", Scattered(0.1)).paths
        ('network.hidden.neuron.tau_mem',)
    """

    absolute: ClassVar[bool] = False
    counted: ClassVar[tuple[str, ...]] = ("neuron",)
    paths: Layers = eqx.field(static=True, converter=lambda v: layers_of("ParameterFaults.paths", v))
    sites: Sites
    low: Leaf = parameter("1", nonnegative, default=0.1, kw_only=True)
    high: Leaf = parameter("1", nonnegative, default=3.0, kw_only=True)
    over: str = eqx.field(static=True, default="device", kw_only=True)

    @property
    def draws(self) -> bool:
        return True

    @property
    def path(self) -> str:
        """The first path."""
        return self.paths[0]

    def shapes(self, network: Any) -> Shapes:
        return {path: leaf_of(network, path).shape for path in self.paths}

    def apply(self, network: Any, key: Key) -> Any:
        for path, failed in self.chosen(network, key).items():
            leaf = leaf_of(network, path)
            network = with_leaf(network, path, jnp.where(failed, leaf * factors(self, key, path, leaf.shape), leaf))
        return network

    def check(self, who: str, network: Any) -> None:
        check_factors(who, self.low, self.high)
        for path in self.paths:
            leaf = check_path(f"{who}.paths", network, path)
            for end in (self.low, self.high):
                if said := refusal(network, path, leaf * end):
                    fail(who, f"must keep {path} in its range", f"factors with {said}")
        self.sites.check(f"{who}.sites", self.shapes(network))

    @classmethod
    def example(cls) -> Self:
        return cls("network.cells.neuron.tau_mem", Scattered(0.1))


def with_failures(network: Any, population: str, failures: tuple[Failure, ...]) -> Any:
    """The network with these failures of the outputs of a population."""
    return eqx.tree_at(lambda n: n.populations[population].failures, network, failures)


def factors(faults: Any, key: Key, layer: str, shape: tuple[int, ...]) -> Values:
    """The factor of each site, uniform between the ends of a fault."""
    u = random.uniforms(random.stream(key, f"{layer} factor"), shape)
    return faults.low + (faults.high - faults.low) * u


def check_factors(who: str, low: Any, high: Any) -> None:
    """The ends of an interval of factors are in order."""
    first, last = concrete(low), concrete(high)
    if first is not None and last is not None and last < first:
        fail(f"{who}.high", f"must be at least low = {float(first):g} [1]", float(last))
