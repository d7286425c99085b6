"""What is differentiated of networks that answer: losses, margins and errors, for one sample or over those of a data set."""

from __future__ import annotations

import abc
from collections.abc import Mapping
from typing import Any, ClassVar, Self

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from jaxsnn_noise._checks import count, fail, real_numbers
from jaxsnn_noise._checks import name as text
from jaxsnn_noise.engine.simulation import Simulation
from jaxsnn_noise.gradients.quantities import MeanOf, Quantity
from jaxsnn_noise.gradients.samples import TARGET
from jaxsnn_noise.parameters import parameter, real
from jaxsnn_noise.statistics import Mean, Statistic


class OfTarget(Quantity):
    """Abstract: of what a sample should give. It has a target of its own, or takes that of each sample of a data set."""

    linear: ClassVar[bool] = True

    @property
    @abc.abstractmethod
    def own(self) -> Any:
        """Its own target; ``None``: that of the sample that is shown."""

    def check(self, sim: Simulation, targets: np.ndarray | None) -> None:
        who = type(self).__name__
        if self.own is None and targets is None:
            rule = "needs the target of what is shown: give it one, or samples=gradients.DrawnSamples(jn.Samples(images), labels)"
            fail(who, rule, None)
        if self.own is not None and targets is not None:
            fail(who, "must have no target of its own where each sample has one", np.asarray(self.own).tolist())
        if targets is not None:
            self.check_targets(sim, targets)

    @abc.abstractmethod
    def check_targets(self, sim: Simulation, targets: np.ndarray) -> None:
        """Raise :class:`InputError` for targets [sample, ...] that do not fit."""

    def asked(self, results: Mapping[str, Any]) -> Any:
        """The target, from the results of a run."""
        return results[TARGET] if self.own is None else self.own


class OfClasses(OfTarget):
    """Abstract: of a statistic with one entry for each class.

    Args:
        statistic: name of a statistic of the simulation, such as ``Mean("v", population="output")``.
        label: the right class; ``None``: the label of the sample that is shown.
    """

    short: ClassVar[str]
    """Its name, without the statistic."""

    statistic: str = eqx.field(static=True)
    label: int | None = eqx.field(static=True, default=None)

    def __init__(self, statistic: Any, label: Any = None):
        who = type(self).__name__
        self.statistic = text(f"{who}.statistic", statistic)
        self.label = None if label is None else count(f"{who}.label", label, least=0)

    @property
    def name(self) -> str:
        return f"{self.short}_{self.statistic}"

    @property
    def own(self) -> int | None:
        return self.label

    def statistics(self, sim: Simulation) -> dict[str, Statistic]:
        found = MeanOf(self.statistic).statistics(sim)
        size = self._classes(sim)
        if size < 2 or (self.label is not None and self.label >= size):
            fail(f"{type(self).__name__}.label", f"must be one of the {size} classes, at least two", self.label)
        return found

    def check_targets(self, sim: Simulation, targets: np.ndarray) -> None:
        size = self._classes(sim)
        if targets.ndim != 1 or targets.dtype.kind != "i" or targets.min() < 0 or targets.max() >= size:
            rule = f"needs labels, whole numbers [sample] from 0 to {size - 1}"
            fail(
                f"{type(self).__name__}: targets",
                rule,
                (targets.shape, str(targets.dtype), targets.min(), targets.max()),
            )

    def _classes(self, sim: Simulation) -> int:
        return sim.network.cells()[str(sim.statistics[self.statistic].population)].size

    @classmethod
    def example(cls) -> Self:
        return cls("v", 0)


class Margin(OfClasses):
    """By how much the entry of the right class is above the best other one, of a statistic [class]: > 0 where the answer is right.

    Args:
        statistic: name of a statistic of the simulation, such as ``Mean("v", population="output")``.
        label: the right class; ``None``: the label of the sample that is shown.
    """

    short: ClassVar[str] = "margin"

    def units(self, sim: Simulation) -> str:
        return sim.statistics[self.statistic].units[""]

    def moments(self, results: Mapping[str, Any], sim: Simulation) -> jax.Array:
        scores, label = results[self.statistic].astype(jnp.float32), self.asked(results)
        others = jnp.where(jnp.arange(scores.shape[0]) == label, -jnp.inf, scores)
        return (scores[label] - jnp.max(others))[None]


class WrongAnswers(OfClasses):
    """The probability that another entry than that of the right class is the largest (the first of equal ones), of a statistic [class].

    It jumps, so estimators that let derivatives pass refuse it, and those with fixed decisions (``Score``, ``Flip``) take it of spike
    counts alone; :class:`FiniteDifference` takes it of anything.

    Args:
        statistic: name of a statistic of the simulation, such as ``SpikeCount(population="output")``.
        label: the right class; ``None``: the label of the sample that is shown.
    """

    short: ClassVar[str] = "wrong"
    jumps: ClassVar[bool] = True

    def units(self, sim: Simulation) -> str:
        return "1"

    def moments(self, results: Mapping[str, Any], sim: Simulation) -> jax.Array:
        return (jnp.argmax(results[self.statistic]) != self.asked(results)).astype(jnp.float32)[None]


class TrialLoss(OfTarget):
    """The expectation of a loss of ``training.losses`` for what the simulation shows.

    Args:
        loss: one of ``training.losses``, or any function ``(readings, targets) -> number`` with ``reads(network)``.
        target: of the one sample that the simulation shows; ``None``: that of each sample of a data set.
    """

    loss: Any
    target: Any = parameter("1", real, shape=None, default=None)
    whole: bool = eqx.field(static=True, default=False)

    def __init__(self, loss: Any, target: Any = None):
        for method in ("reads", "check"):
            if not callable(getattr(loss, method, None)):
                fail("TrialLoss.loss", "must be a loss, e.g. training.losses.CrossEntropy()", loss)
        if target is not None:
            real_numbers("TrialLoss.target", target)
        self.loss, self.target = loss, target
        self.whole = target is not None and np.asarray(target).dtype.kind in "iu"

    @property
    def name(self) -> str:
        return "loss"

    @property
    def own(self) -> Any:
        """As whole numbers, as labels are, if it was given as such."""
        return None if self.target is None else self.target.astype(jnp.int32 if self.whole else jnp.float32)

    def units(self, sim: Simulation) -> str:
        return "1"

    def statistics(self, sim: Simulation) -> dict[str, Statistic]:
        if self.own is not None:
            self.loss.check(sim.network, "TrialLoss", self.own[None])
        reads = self.loss.reads(sim.network)
        return {f"loss_{i}": statistic for i, statistic in enumerate(jax.tree.leaves(reads, is_leaf=_is_statistic))}

    def check_targets(self, sim: Simulation, targets: np.ndarray) -> None:
        self.loss.check(sim.network, "TrialLoss: targets", targets)

    def moments(self, results: Mapping[str, Any], sim: Simulation) -> jax.Array:
        reads = self.loss.reads(sim.network)
        given = [results[f"loss_{i}"] for i in range(len(jax.tree.leaves(reads, is_leaf=_is_statistic)))]
        readings = jax.tree.unflatten(jax.tree.structure(reads, is_leaf=_is_statistic), given)
        alone = jax.tree.map(lambda x: x[None], readings)
        return jnp.asarray(self.loss(alone, self.asked(results)[None]), jnp.float32)[None]

    @classmethod
    def example(cls) -> Self:
        return cls(_Squares(), 0.0)


class _Squares(eqx.Module):
    """The squared distance of mean potentials from a target: a loss without the room of training."""

    def reads(self, network: Any) -> Statistic:
        """The statistic that it is computed from."""
        return Mean("v", population=next(iter(network.cells())))

    def check(self, network: Any, who: str, targets: Any) -> None:
        """Nothing to refuse."""

    def __call__(self, readings: Any, targets: Any) -> jax.Array:
        return jnp.mean(jnp.square(readings - targets[:, None]))


def _is_statistic(x: Any) -> bool:
    return isinstance(x, Statistic)
