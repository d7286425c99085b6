"""What estimators of gradients have in common: what they are asked, what they find trial by trial, and what is made of that."""

from __future__ import annotations

import abc
import dataclasses
import itertools
import warnings
from collections.abc import Sequence
from typing import Any, Self

import equinox as eqx
import numpy as np

from jaxsnn_noise import paths, random
from jaxsnn_noise._checks import concrete, count, fail, is_a, names
from jaxsnn_noise._typing import Key
from jaxsnn_noise.engine.addresses import AXES
from jaxsnn_noise.engine.simulation import Simulation, is_simulation, validate
from jaxsnn_noise.gradients.jackknife import jackknifed
from jaxsnn_noise.gradients.quantities import Quantity, quantities, reading
from jaxsnn_noise.gradients.result import Gradient
from jaxsnn_noise.gradients.samples import Over, OverSamples

AT_ONCE = 1000
"""Trials in one program."""
WHOLE = ("refractory", "delay", "duration", "bits")
"""Fields that act in whole steps or levels, and have no derivative."""
STEP = 1e-30
"""Imaginary step of derivatives of functions of expectations."""


@dataclasses.dataclass(frozen=True, eq=False)
class Task:
    """What an estimator is asked: the simulation has the statistics that the quantities read, and no others; trials are all runs."""

    sim: Simulation
    wanted: tuple[Quantity, ...]
    leaves: tuple[str, ...]
    at: np.ndarray
    over: Over
    trials: int
    root: Key
    at_once: int

    def blocks(self) -> list[slice]:
        """Where the moments of each quantity stand among all."""
        ends = np.cumsum([0, *(one.size(self.sim) for one in self.wanted)])
        return [slice(int(a), int(b)) for a, b in itertools.pairwise(ends)]


@dataclasses.dataclass(frozen=True, eq=False)
class Samples:
    """What an estimator found.

    Attributes:
        values: Moments of each trial [trial, moment].
        slopes: Whose mean over trials is the derivative of their expectation [trial, leaf, moment].
        rest: What the control variates did not explain of the values [trial, moment], if there were any.
        apart: How far two estimates are apart [leaf, moment], if there are two.
        told: Numbers to tell beside.
        entries: From leaf to the derivative by each of its entries, and its standard error [output, ...], if known.
    """

    values: np.ndarray
    slopes: np.ndarray
    told: dict[str, Any]
    rest: np.ndarray | None = None
    apart: np.ndarray | None = None
    entries: dict[str, tuple[np.ndarray, np.ndarray]] = dataclasses.field(default_factory=dict)


class Estimator(eqx.Module):
    """Abstract: estimates derivatives of expectations of outputs with respect to leaves, with standard errors.

    Trial ``j`` has the noise of the member ``{"trial": j}`` of ``monte_carlo`` with the same key; no forward bit moves. Simulations
    that differ in values alone share one compiled program.
    """

    def __call__(
        self, sim: Simulation, outputs: Sequence[Any], leaves: Sequence[str], *, trials: int, key: Any,
        over: Sequence[str] = ("trial",), samples: Any = None, at_once: int = AT_ONCE,
    ) -> Gradient:  # fmt: skip
        """Estimate.

        Args:
            sim: The simulation.
            outputs: Names of statistics whose result is one array (an output is then its mean over all entries: neurons, bins), or
                quantities: :class:`FanoOfCounts`, :class:`CVOfIntervals`, :class:`Margin`, ...
            leaves: Dotted paths of real leaves; the derivative is along a common shift of all entries of a leaf.
            trials: Independent trials, at least 2; of each sample where a data set is shown, at least 1.
            key: Root key.
            over: Names of axes on which trial ``j`` has the index ``j``: with ``("trial", "device")`` each is on a chip of its own, and
                the expectation is over chips, too.
            samples: A data set whose samples are all shown in every trial, with their targets: :class:`DrawnSamples` or
                :class:`FixedSamples`, which say what errors count as random. Outputs are then expectations over samples and trials.
            at_once: Trials that are computed at once: memory against speed.

        Returns:
            :class:`Gradient`. Errors of ratios of expectations are those of a jackknife over 50 groups of trials.

        Raises:
            InputError: unknown names; a result of several fields; a leaf of whole numbers, or that acts in whole steps; a leaf of an
                imperfection whose axis is not in ``over``; what the estimator cannot differentiate, with the reason and with
                what serves; an output that needs the target of a sample and has none, or has two; a leaf that the samples set.

        Warns:
            UserWarning: of an output that is NaN in some trials.
        """
        task = self.task(sim, outputs, leaves, trials=trials, key=key, over=over, samples=samples, at_once=at_once)
        return _gradient(task, self.samples(task))

    def task(
        self, sim: Simulation, outputs: Any, leaves: Any, *, trials: int, key: Any, over: Any, at_once: int,
        samples: Any = None,
    ) -> Task:  # fmt: skip
        """What is asked, once it was looked at: arguments as of a call, and errors too."""
        who = type(self).__name__
        is_simulation(f"{who}.sim", sim)
        wanted, leaves = quantities(who, sim, outputs), names(f"{who}.leaves", leaves)
        if not leaves or len(set(leaves)) < len(leaves):
            fail(f"{who}.leaves", "must be at least one path, each once", leaves)
        drawn = axes_of(who, sim, over, samples)
        at = np.array([_mean_of(who, sim, leaf, drawn) for leaf in leaves])
        size = count(f"{who}.trials", trials, least=2 if samples is None else 1)
        if samples is not None:
            samples.check(who, sim, leaves, size, linear=all(one.linear for one in wanted))
        for one in wanted:
            one.check(sim, None if samples is None else samples.said())
            if one.jumps or any(statistic.jumps for statistic in one.statistics(sim).values()):
                self.check_jump(sim, one)
        sim = reading(sim, wanted)
        validate(sim)
        self.check(sim, [one.name for one in wanted], leaves)
        members = Over(drawn, samples, size if samples is not None else 1)
        runs, batch = size * members.size, count(f"{who}.at_once", at_once)
        return Task(sim, wanted, leaves, at, members, runs, random.root(key), batch)

    @abc.abstractmethod
    def check(self, sim: Simulation, outputs: Sequence[str], leaves: Sequence[str]) -> None:
        """Refuse what the estimator cannot differentiate."""

    def check_jump(self, sim: Simulation, one: Quantity) -> None:
        """Refuse an output that jumps in what it reads, unless that is spikes alone, which are constants at fixed decisions."""
        for statistic in one.statistics(sim).values():
            if set(statistic.reads) - {"spikes"}:
                rule = "jumps in what is smooth at fixed decisions, so a part of its derivative is missed: read spikes; FiniteDifference serves"
                fail(f"{type(self).__name__}.outputs", rule, one.name)

    @abc.abstractmethod
    def samples(self, task: Task) -> Samples:
        """Moments of each trial, and what averages to the derivatives of their expectations."""

    @classmethod
    @abc.abstractmethod
    def example(cls) -> Self:
        """One typical member of the class, for the contract tests and the reference."""


def axes_of(who: str, sim: Simulation, over: Any, samples: Any = None) -> tuple[str, ...]:
    """The axes on which every trial has an index of its own."""
    given = names(f"{who}.over", over)
    known = {*AXES, *(part.axis for part in sim.imperfections.values())} - {None}
    for axis in given:
        if axis not in known:
            fail(f"{who}.over", "must be names of axes", axis, known=sorted(map(str, known)))
    if "trial" not in given or len(set(given)) < len(given):
        fail(f"{who}.over", "must hold 'trial', and each axis once", given)
    if samples is not None:
        is_a(f"{who}.samples", samples, OverSamples, "gradients.DrawnSamples(jn.Samples(images), labels)")
        if samples.samples.name in given:
            fail(
                f"{who}.over",
                "must not hold the axis of the samples, on which each run has the index of its sample",
                given,
            )
    return given


def _mean_of(who: str, sim: Simulation, leaf: str, over: Sequence[str]) -> float:
    value = paths.get(sim, leaf)
    known = concrete(value)
    if not eqx.is_inexact_array(value) or known is None:
        fail(f"{who}.leaves", "must be paths of real numbers", leaf, known=paths.leaves(sim))
    place, *rest = leaf.split(".")
    if rest and rest[-1] in WHOLE:
        fail(f"{who}.leaves", "must not act in whole steps or levels: there is no derivative; compare runs", leaf)
    if place == "imperfections":
        axis = sim.imperfections[rest[0]].axis
        if axis is not None and axis not in over:
            rule = f"would be that of one chip: give over=('trial', {axis!r}) for the expectation over chips"
            fail(f"{who}.leaves", rule, leaf)
    return float(np.mean(known))


def _gradient(task: Task, found: Samples) -> Gradient:
    """Values, derivatives and errors of the outputs, from the moments."""
    blocks = task.blocks()
    parts = [
        _output(one, task.over, found.values[:, x], found.slopes[:, :, x])
        for one, x in zip(task.wanted, blocks, strict=True)
    ]
    value, value_error, gradient, error = (np.array([part[k] for part in parts]) for k in range(4))
    means, weights = found.values.mean(axis=0), np.zeros((blocks[-1].stop, len(task.wanted)))
    for k, (one, block) in enumerate(zip(task.wanted, blocks, strict=True)):
        moved = means[block] + 1j * STEP * np.eye(len(means[block]))
        weights[block, k] = np.imag(one.of(moved)) / STEP  # the derivative of each output by each moment
    told = dict(found.told)
    if found.rest is not None:
        of, rest = found.values @ weights, found.rest @ weights
        told["r2"] = 1 - (rest**2).mean(axis=0) / np.where(of.var(axis=0) > 0, of.var(axis=0), 1.0)
    if found.apart is not None:
        told["step_bias"] = np.abs(found.apart @ weights).T
    _say_undefined(task.wanted, found.values, value)
    shown = task.over.samples
    of_samples: dict[str, Any] = {} if shown is None else {"samples": task.over.size, "counts": shown.counts}
    return Gradient(
        tuple(one.name for one in task.wanted), task.leaves, value, value_error, gradient, error, task.at,
        task.trials // task.over.size, told, found.entries, tuple(one.units(task.sim) for one in task.wanted), **of_samples,
    )  # fmt: skip


def _output(
    one: Quantity, over: Over, values: np.ndarray, slopes: np.ndarray
) -> tuple[Any, Any, np.ndarray, np.ndarray]:
    """Value, its error, derivatives [leaf] and theirs, of one quantity."""
    if one.linear:
        value, value_error = over.spread(values[:, 0])
        gradient, error = over.spread(slopes[:, :, 0])
        return value, value_error, gradient, error

    def derived(mean: np.ndarray, slope: np.ndarray) -> np.ndarray:
        return np.concatenate([[np.real(one.of(mean))], np.imag(one.of(mean + 1j * STEP * slope)) / STEP])

    whole, error = jackknifed(derived, over.blocks(values), over.blocks(slopes))
    return whole[0], error[0], whole[1:], error[1:]


def _say_undefined(wanted: Sequence[Quantity], values: np.ndarray, value: np.ndarray) -> None:
    undefined = [one.name for one, x in zip(wanted, value, strict=True) if not np.isfinite(x)]
    if undefined:
        lost = int((~np.isfinite(values)).any(axis=1).sum())
        why = f"NaN in {lost} of {len(values)} trials" if lost else "a neuron has too few spikes"
        words = f"gradients: {', '.join(undefined)} is NaN ({why}); CVOfIntervals and MeanOfIntervals take the spikes of all trials together"
        warnings.warn(words, UserWarning, stacklevel=4)
