"""Derivatives that pass through every operation of a trial: of smooth runs, through surrogates, and through the density of the noise."""

from __future__ import annotations

import abc
import dataclasses
import functools
from collections.abc import Sequence
from typing import Any, Self

import equinox as eqx
import numpy as np

from jaxsnn_noise._checks import fail, flag
from jaxsnn_noise.engine.network import Network, Population
from jaxsnn_noise.engine.simulation import Simulation, validate
from jaxsnn_noise.firing import Density
from jaxsnn_noise.gradients.estimator import Estimator, Samples, Task
from jaxsnn_noise.gradients.programs import over_trials, slopes_of
from jaxsnn_noise.gradients.quantities import Quantity, moments
from jaxsnn_noise.surrogates import Surrogate


class Passing(Estimator):
    """Abstract: the mean over trials of what passes through a run that was prepared for it."""

    @abc.abstractmethod
    def prepare(self, sim: Simulation) -> Simulation:
        """The simulation, with the same forward bits, through which derivatives pass as the estimator says."""

    def check(self, sim: Simulation, outputs: Sequence[str], leaves: Sequence[str]) -> None:
        del outputs, leaves
        validate(self.prepare(sim))

    def check_jump(self, sim: Simulation, one: Quantity) -> None:
        """Refuse what jumps: no derivative passes."""
        del sim
        rule = "jumps, and lets no derivative pass: FiniteDifference serves, and a loss or a margin has one"
        fail(f"{type(self).__name__}.outputs", rule, one.name)

    def samples(self, task: Task) -> Samples:
        ready = self.prepare(task.sim)
        program = functools.partial(slopes_of, ready, task.leaves, moments, task.wanted, task.over, task.root)
        values, slopes = over_trials(program, task.trials, task.at_once)
        _nothing_passed(type(self).__name__, task, values, slopes)
        return Samples(values, slopes, {"simulations": task.trials})


def _nothing_passed(who: str, task: Task, values: np.ndarray, slopes: np.ndarray) -> None:
    """A statistic that counts in whole numbers has a derivative of 0 in every trial, which is no derivative of its mean."""
    first = 0
    for one in task.wanted:
        block = slice(first, first + one.size(task.sim))
        first = block.stop
        if (values[:, block].std(axis=0) > 0).any() and not slopes[:, :, block].any():
            rule = "lets no derivative pass; Score and FiniteDifference serve, or CVOfIntervals and MeanOfIntervals for intervals"
            fail(f"{who}.outputs", rule, one.name)


class Pathwise(Passing):
    """The derivative of each trial at fixed noise: exact where nothing is decided, so of populations that do not spike.

    Raises:
        InputError: a network with a population that spikes: a spike moves by whole steps, and the derivative of a trial is not that of
            the expectation.

    References: Glasserman 2003, *Monte Carlo Methods in Financial Engineering*, chapter 7.

    Example:
        >>> isinstance(Pathwise(), Estimator)
        True
    """

    def prepare(self, sim: Simulation) -> Simulation:
        for name, part in sim.network.cells().items():
            if part.neuron.spiking:
                rule = "needs populations that do not spike; NoiseDensity, Score and FiniteDifference serve with spikes"
                fail("Pathwise", rule, name)
        return sim

    @classmethod
    def example(cls) -> Self:
        return cls()


class SurrogateGradient(Passing):
    """What a surrogate passes through the spikes: the derivative of a trial with a smooth function in the place of each step.

    It is **not** the derivative of the expectation, and may have the wrong sign: for the rate of one LIF neuron with membrane noise
    it was measured from -113 to +181 %. For comparison with the others.

    Args:
        surrogate: In the place of each spike's derivative.
        through_reset: Whether resets pass it, too.

    References: Neftci, Mostafa, Zenke 2019, doi:10.1109/MSP.2019.2931595; Gygax and Zenke 2025, arXiv:2404.14964.

    Example:
        >>> from jaxsnn_noise.surrogates import FastSigmoid
        >>> SurrogateGradient(FastSigmoid(5.0)).through_reset
        True
    """

    surrogate: Any
    through_reset: bool = eqx.field(static=True, default=True, kw_only=True)

    def __check_init__(self) -> None:
        flag("SurrogateGradient.through_reset", self.through_reset)
        if not isinstance(self.surrogate, Surrogate):
            fail("SurrogateGradient.surrogate", "must be a surrogate, e.g. surrogates.SuperSpike(10.0)", self.surrogate)

    def prepare(self, sim: Simulation) -> Simulation:
        return passed(sim, self.surrogate, detach=not self.through_reset)

    @classmethod
    def example(cls) -> Self:
        from jaxsnn_noise.surrogates import FastSigmoid

        return cls(FastSigmoid(5.0))


class NoiseDensity(Passing):
    """Noise-driven learning: the derivative of a spike is that of its probability, and resets pass it.

    Of low variance, all leaves in one run, and nearly right for rates and losses (bias of the rate of one LIF neuron: about 1 % with noise
    of a threshold drawn anew, 10 to 14 % with membrane noise), but **wrong for irregularity** (d CV/d drive 2 to 3 times too large).
    ``bias_of`` measures it against :class:`Score` or :class:`FiniteDifference`.

    Raises:
        InputError: a population without noise that decides (the reason is told).

    References: Ma, Yan, Tang 2023, doi:10.1016/j.patter.2023.100831; Gygax and Zenke 2025, arXiv:2404.14964.

    Example:
        >>> isinstance(NoiseDensity(), Estimator)
        True
    """

    def prepare(self, sim: Simulation) -> Simulation:
        return passed(sim, Density(), detach=False)

    @classmethod
    def example(cls) -> Self:
        return cls()


def passed(sim: Simulation, gradient: Any, *, detach: bool) -> Simulation:
    """The simulation whose spikes pass derivatives as said, and whose resets are detached or not."""
    network: Network = sim.network
    populations = {}
    for name, part in network.populations.items():
        if isinstance(part, Population) and part.neuron.spiking:
            if not hasattr(part.firing, "gradient"):
                fail("gradients", "needs firing rules that say what passes through a spike", type(part.firing).__name__)
            firing: Any = part.firing
            part = eqx.tree_at(lambda p: p.firing, part, dataclasses.replace(firing, gradient=gradient))
            if hasattr(part.neuron, "reset"):
                reset: Any = dataclasses.replace(part.neuron.reset, detach=detach)
                part = eqx.tree_at(lambda p: p.neuron.reset, part, reset)
        populations[name] = part
    return eqx.tree_at(lambda s: s.network.populations, sim, populations)
