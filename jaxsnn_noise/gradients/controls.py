"""Control variates of scores, and the two ways to differentiate them."""

from __future__ import annotations

import functools
import warnings
from collections.abc import Mapping
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from jaxsnn_noise import paths
from jaxsnn_noise._checks import fail
from jaxsnn_noise.engine.simulation import Simulation
from jaxsnn_noise.gradients.estimator import Samples, Task
from jaxsnn_noise.gradients.programs import over_trials, results_of, slopes_of, values_of
from jaxsnn_noise.gradients.quantities import moments
from jaxsnn_noise.gradients.samples import Over, Scatter

FEW = 100
"""Spikes below which an estimate may be falsely certain."""


ROUNDED = 1e-3
"""Directions of the controls with less than this share of the largest are rounding: sums are of single precision, and where two
features are one (equal numbers of synapses), coefficients fitted to their difference were of size 1e7, and the gradient wrong."""


class Baseline(eqx.Module):
    """The mean of the output over the other half of the trials is taken off it: the usual variance reduction."""


class Martingale(eqx.Module):
    """The output less what its regression, over the other half of the trials, on surpluses of spikes and of noise explains.

    A surplus ``s - p``, weighted by what was known before the decision, has mean 0, and its product with the score of the
    same decision has a known one: the derivative of the expected spikes. What is explained leaves the variance.
    """


class Forward(eqx.Module):
    """Derivatives by common shifts of leaves, in forward mode: any number of outputs, few leaves, memory that does not grow with time."""

    def samples(self, score: Any, task: Task) -> Samples:
        """Of a task whose simulation is prepared."""
        program = functools.partial(slopes_of, task.sim, task.leaves, read, task.wanted, task.over, task.root)
        values, slopes = over_trials(program, task.trials, task.at_once)
        f, terms = values["f"], controls(score.control, values)
        rest, beta = crossed(f, terms)
        gradient = slopes["f"] + rest[:, None, :] * slopes["L"][:, :, None]  # [trial, leaf, moment]
        if isinstance(score.control, Martingale):
            gradient = gradient + np.einsum("nko,nlk->nlo", beta, slopes["expected"])
        return Samples(f, gradient, told(values, task, 1), rest=rest)


class Reverse(eqx.Module):
    """Derivatives by each entry of the leaves, in reverse mode: two runs with the same noise, the second with the fitted controls."""

    def samples(self, score: Any, task: Task) -> Samples:
        """Of a task whose simulation is prepared."""
        for one in task.wanted:
            if not one.linear:
                rule = (
                    "must be an expectation itself in reverse mode: Score(mode=Forward()) serves for functions of some"
                )
                fail("Score.outputs", rule, one.name)
        run = functools.partial(values_of, task.sim, read, task.wanted, task.over, task.root)
        values = over_trials(run, task.trials, task.at_once)
        f = values["f"]
        rest, beta = crossed(f, controls(score.control, values))
        if not isinstance(score.control, Martingale):
            beta = np.zeros((len(f), values["expected"].shape[1], f.shape[1]))
        back = functools.partial(_pulled, task.sim, task.leaves, task.wanted, task.over, task.root)
        slopes, entries, _ = by_entries(back, task, rest, beta)
        return Samples(f, slopes, told(values, task, 2), rest=rest, entries=entries)


def read(results: Mapping[str, Any], wanted: Any, sim: Simulation) -> dict[str, jax.Array]:
    """The moments of a trial, and the sums over its decisions."""
    sums = [results[name] for name in sorted(sim.statistics) if name.startswith("decisions_")]
    joined = {k: jnp.concatenate([getattr(x, k) for x in sums]) for k in ("surplus", "expected", "surprise")}
    likely = jnp.sum(jnp.stack([x.log_probability for x in sums]))
    spikes = jnp.sum(jnp.stack([x.spikes for x in sums]))
    return {"f": moments(results, wanted, sim), "L": likely, "spikes": spikes, **joined}


@eqx.filter_jit
def _pulled(
    sim: Simulation, leaves: tuple[str, ...], wanted: Any, over: Over, root: Any, trials: jax.Array,
    rest: jax.Array, beta: jax.Array,
) -> tuple[list[jax.Array], tuple[()]]:  # fmt: skip
    """Of each trial the derivative of ``f + r L + beta A`` by all entries of the leaves, [trial, output, ...] for each leaf."""

    def of_trial(trial: jax.Array, r: jax.Array, b: jax.Array) -> list[jax.Array]:
        def function(values: list[jax.Array]) -> jax.Array:
            moved = paths.replace(sim, dict(zip(leaves, values, strict=True)))
            seen = read(results_of(moved, root, trial, over, checkpoint=True), wanted, moved)
            return seen["f"] + r * seen["L"] + seen["expected"] @ b

        value, back = jax.vjp(function, [paths.get(sim, leaf) for leaf in leaves])
        return jax.vmap(lambda one: back(one)[0])(jnp.eye(len(value), dtype=value.dtype))

    return jax.vmap(of_trial)(trials, lax.stop_gradient(rest), lax.stop_gradient(beta)), ()


def by_entries(
    program: Any, task: Task, *by_trial: np.ndarray
) -> tuple[np.ndarray, dict[str, tuple[np.ndarray, np.ndarray]], list[np.ndarray]]:
    """What a program gives for all trials, which has derivatives [trial, output, ...] by leaf, and more.

    Returns:
        Derivatives by common shifts [trial, leaf, output]; mean and error of those by each entry, by leaf; what is more [trial, ...].
    """
    sums: list[list[np.ndarray]] = [[] for _ in task.leaves]
    scatter = [Scatter(task.over) for _ in task.leaves]
    more: list[Any] = []
    size = min(task.at_once, task.trials)
    for start in range(0, task.trials, size):
        index = np.arange(start, start + size)
        given = [jnp.asarray(array[np.minimum(index, task.trials - 1)], jnp.float32) for array in by_trial]
        slopes, beside = program(jnp.asarray(index.astype(np.uint32)), *given)
        more.append([np.asarray(x, np.float64)[: task.trials - start] for x in beside])
        for k, part in enumerate(slopes):
            mine = np.asarray(part, np.float64)[: task.trials - start]
            sums[k].append(mine.reshape(*mine.shape[:2], -1).sum(axis=2))
            scatter[k].add(mine)
    entries = {leaf: one.mean_and_error() for leaf, one in zip(task.leaves, scatter, strict=True)}
    by_shift = np.stack([np.concatenate(one) for one in sums], axis=1)
    return by_shift, entries, [np.concatenate(one) for one in zip(*more, strict=True)]


def told(values: dict[str, np.ndarray], task: Task, runs: int) -> dict[str, Any]:
    """Diagnostics, and a warning where an estimate may be falsely certain."""
    spikes = float(values["spikes"].sum())
    if spikes < FEW:
        words = f"Score: {spikes:.0f} spikes in {task.trials} trials: the estimate may be falsely certain; take more trials or time"
        warnings.warn(words, UserWarning, stacklevel=6)
    return {"spikes": spikes, "simulations": runs * task.trials}


def controls(control: Any, values: dict[str, np.ndarray]) -> np.ndarray | None:
    """What the output is regressed on, beside a constant [trial, term]: M first; ``None`` for not even that."""
    if control is None:
        return None
    if isinstance(control, Baseline):
        return np.zeros((len(values["f"]), 0))
    return np.concatenate([values["surplus"], values["surprise"]], axis=1)


def crossed(f: np.ndarray, terms: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
    """The outputs less what the regression over the other half explains [trial, output], and its coefficients [trial, M, output]."""
    if terms is None:
        return f, np.zeros((len(f), 0, f.shape[1]))
    halves = np.arange(len(f)) % 2 == 0
    rest, beta = np.empty_like(f), np.empty((len(f), terms.shape[1] // 2, f.shape[1]))
    for half in (halves, ~halves):
        here, other = terms[half], terms[~half]
        size = np.sqrt((other**2).mean(axis=0))
        scale = np.where(size > 1e-12 * max(size.max(initial=0.0), 1e-30), size, np.inf)
        design = np.concatenate([np.ones((len(other), 1)), other / scale], axis=1)
        found = np.linalg.lstsq(design, f[~half], rcond=ROUNDED)[0]
        slopes = found[1:] / scale[:, None]
        rest[half] = f[half] - found[0] - here @ slopes
        beta[half] = slopes[: beta.shape[1]]
    return rest, beta
