"""What estimators of gradients have in common: checks, and one program that gives the values of all trials and their derivatives."""

from __future__ import annotations

import abc
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Self

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from jaxsnn_noise import paths, random
from jaxsnn_noise._checks import concrete, count, fail, names, one_of
from jaxsnn_noise._typing import Key
from jaxsnn_noise.engine.addresses import Address
from jaxsnn_noise.engine.member import run
from jaxsnn_noise.engine.scan import Scan
from jaxsnn_noise.engine.simulation import Simulation, is_simulation, validate
from jaxsnn_noise.gradients.result import Gradient

AT_ONCE = 1000
"""Trials in one program."""
WHOLE = ("refractory", "delay", "duration", "bits")
"""Fields that act in whole steps or levels, and have no derivative."""


class Estimator(eqx.Module):
    """Abstract: estimates derivatives of expectations of outputs with respect to leaves, with standard errors.

    Trial ``j`` has the noise of the member ``{"trial": j}`` of ``monte_carlo`` with the same key; no forward bit moves.
    """

    def __call__(
        self, sim: Simulation, outputs: Sequence[str], leaves: Sequence[str], *, trials: int, key: Any,
        at_once: int = AT_ONCE,
    ) -> Gradient:  # fmt: skip
        """Estimate.

        Args:
            sim: The simulation.
            outputs: Names of statistics whose result is one array; an output is its mean over all entries (neurons, bins).
            leaves: Dotted paths of real leaves; the derivative is along a common shift of all entries of a leaf.
            trials: Independent trials, at least 2.
            key: Root key.
            at_once: Trials that are computed at once: memory against speed.

        Returns:
            :class:`Gradient`.

        Raises:
            InputError: unknown names; a result of several fields; a leaf of whole numbers, or that acts in whole steps; what
                the estimator cannot differentiate, with the reason and with what serves.
        """
        who = type(self).__name__
        is_simulation(f"{who}.sim", sim)
        outputs, leaves = names(f"{who}.outputs", outputs), names(f"{who}.leaves", leaves)
        for what, given in (("outputs", outputs), ("leaves", leaves)):
            if not given or len(set(given)) < len(given):
                fail(f"{who}.{what}", "must be at least one name, each named once", given)
        for output in outputs:
            one_of(f"{who}.outputs", output, sim.statistics)
            if set(sim.statistics[output].units) != {""}:
                fail(f"{who}.outputs", "must be statistics whose result is one array", output)
        at = np.array([_mean_of(who, sim, leaf) for leaf in leaves])
        validate(sim)
        self.check(sim, outputs, leaves)
        size = count(f"{who}.trials", trials, least=2)
        return self.estimate(sim, outputs, leaves, at, size, random.root(key), count(f"{who}.at_once", at_once))

    @abc.abstractmethod
    def check(self, sim: Simulation, outputs: Sequence[str], leaves: Sequence[str]) -> None:
        """Refuse what the estimator cannot differentiate."""

    @abc.abstractmethod
    def estimate(
        self, sim: Simulation, outputs: tuple[str, ...], leaves: tuple[str, ...], at: np.ndarray, trials: int, root: Key,
        at_once: int,
    ) -> Gradient:  # fmt: skip
        """The estimate itself."""

    @classmethod
    @abc.abstractmethod
    def example(cls) -> Self:
        """One typical member of the class, for the contract tests and the reference."""


def _mean_of(who: str, sim: Simulation, leaf: str) -> float:
    value = paths.get(sim, leaf)
    known = concrete(value)
    if not eqx.is_inexact_array(value) or known is None:
        fail(f"{who}.leaves", "must be paths of real numbers", leaf, known=paths.leaves(sim))
    if leaf.rsplit(".", 1)[-1] in WHOLE:
        fail(f"{who}.leaves", "must not act in whole steps or levels: there is no derivative; compare runs", leaf)
    return float(np.mean(known))


def shifted(sim: Simulation, leaves: Sequence[str], shift: jax.Array) -> Simulation:
    """The simulation with a number added to all entries of each leaf."""
    values: Mapping[str, Any] = {path: paths.get(sim, path) + shift[i] for i, path in enumerate(leaves)}
    return paths.replace(sim, values)


def results_of(sim: Simulation, root: Key, trial: jax.Array) -> dict[str, Any]:
    """All results of one trial."""
    return run(Scan(), sim, root, Address({}).at("trial", trial))


def means(results: Mapping[str, Any], outputs: Sequence[str]) -> jax.Array:
    """Each output of one trial, averaged over its entries [output]."""
    return jnp.stack([jnp.mean(results[name].astype(jnp.float32)) for name in outputs])


def over_trials(function: Callable[[jax.Array], Any], trials: int, at_once: int) -> Any:
    """A function of the trial for all trials, so many at once, as float64 arrays [trial, ...]."""
    batch = eqx.filter_jit(jax.vmap(function))
    parts = []
    for start in range(0, trials, at_once):
        index = np.arange(start, start + min(at_once, trials), dtype=np.uint32)  # one program for all batches
        part = batch(jnp.asarray(index))
        parts.append(jax.tree.map(lambda x, n=trials - start: np.asarray(x, np.float64)[:n], part))
    return jax.tree.map(lambda *x: np.concatenate(x), *parts)


def with_slopes(function: Callable[[jax.Array, jax.Array], Any], leaves: int) -> Callable[[jax.Array], tuple[Any, Any]]:
    """Of a function of a shift of the leaves and a trial: its values, and their derivatives at no shift, leaf first, in forward mode."""

    def of_trial(trial: jax.Array) -> tuple[Any, Any]:
        values, moved = jax.linearize(lambda shift: function(shift, trial), jnp.zeros(leaves, jnp.float32))
        return values, jax.vmap(moved)(jnp.eye(leaves, dtype=jnp.float32))

    return of_trial


def spread(per_trial: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean over trials, and its standard error."""
    return per_trial.mean(axis=0), per_trial.std(axis=0, ddof=1) / np.sqrt(len(per_trial))
