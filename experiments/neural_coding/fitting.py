"""Maximum likelihood by Fisher scoring: exact gradients, expected information, and a damped step that is taken only uphill."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

import jax.numpy as jnp
import numpy as np

from . import neurons

if TYPE_CHECKING:
    import xarray as xr

LOOSE = 4.0
"""Standard deviation of the prior round the start, in each free number: it holds those that the data do not tell [1]."""
DONE = 0.01
"""A step that promises less log-likelihood than this ends the fit [nat]."""


FARTHEST = {True: 0.3, False: 3.0}
"""No step is longer: in a logarithm, and in another free number. A delay that jumps ends elsewhere."""


class Fit(NamedTuple):
    """What was found.

    The free vector and its standard errors [parameter], the log-likelihood of each unit [unit], that of the training units
    less the penalty, steps taken, whether it ended by itself.
    """

    theta: np.ndarray
    error: np.ndarray
    likelihood: np.ndarray
    total: float
    steps: int
    done: bool


def best(name: str, task: neurons.Task, units: Any, starts: list[np.ndarray], **options: Any) -> Fit:
    """The fit of the largest training likelihood, of those from several starts."""
    found = [fitted(name, task, *units[:4], begin=start, **options) for start in starts]
    return max(found, key=lambda fit: fit.total)


def fitted(
    name: str, task: neurons.Task, features: Any, spikes: Any, scored: Any, train: np.ndarray, *,
    begin: np.ndarray | None = None, most: int = 60, told: Callable[[int], None] | None = None,
) -> Fit:  # fmt: skip
    """The neuron by the units ``train`` (mask); the log-likelihood of all units, the others held out.

    Args:
        name: The neuron.
        task: What is common to the units.
        features: Input [unit, time, feature].
        spikes: 0, 1 [unit, time].
        scored: Which steps count [unit, time].
        train: Which units are fitted [unit].
        begin: Where the search starts [parameter]; the prior stays round the usual start.
        most: Steps at most.
        told: Called with 1 after each step.
    """
    neurons.check_intervals(task, spikes)
    key = neurons.keyed(task)
    given = tuple(jnp.asarray(x) for x in (np.float32(features), np.float32(spikes), scored))

    def at(theta: np.ndarray) -> tuple[np.ndarray, float, np.ndarray, np.ndarray]:
        found = neurons.scores(name, key, jnp.asarray(theta, jnp.float32), *given)
        value, slope, information = (np.asarray(x, np.float64) for x in found)
        away = theta - start
        total = value[train].sum() - 0.5 * np.sum(np.square(away)) / LOOSE**2
        up = slope[train].sum(axis=0) - away / LOOSE**2
        return value, total, up, _positive(information[train].sum(axis=0)) + np.eye(len(theta)) / LOOSE**2

    start = neurons.start_of(name, task)
    reach = np.array([FARTHEST[one.positive] for one in neurons.free_of(name, task).values()])
    theta, damping, taken, done = np.array(start if begin is None else begin, np.float64), 1.0, 0, False
    value, total, up, information = at(theta)
    while taken < most and not done:
        taken += 1
        move = np.linalg.solve(information + damping * np.diag(np.diag(information)), up)
        move *= min(1.0, float((reach / np.maximum(np.abs(move), 1e-12)).min()))
        done = damping <= 0.1 and float(move @ up) < DONE
        new = at(theta + move)
        if np.isfinite(new[1]) and np.isfinite(new[3]).all() and new[1] > total:
            theta, damping = theta + move, max(damping / 5, 1e-4)
            value, total, up, information = new
        else:
            damping *= 5
            done = done or damping > 1e6
        if told is not None:
            told(1)
    return Fit(theta, np.sqrt(np.diag(np.linalg.inv(information))), value, total, taken, done)


def kept(
    fits: dict[str, Fit], baselines: dict[str, np.ndarray], units: Any, unit: str, task: neurons.Task
) -> xr.Dataset:
    """Log-likelihoods of all models (model, unit), spikes that count, and the parameters of each neuron, by name."""
    import xarray as xr

    likelihood = {**baselines, **{name: fit.likelihood for name, fit in fits.items()}}
    spikes = np.where(units.scored, units.spikes, 0.0).sum(axis=1)
    variables: dict[str, Any] = {
        "likelihood": (("model", unit), np.stack(list(likelihood.values()))), "spikes": (unit, spikes),
        "done": ("neuron", [fit.done for fit in fits.values()]),
    }  # fmt: skip
    coordinates: dict[str, Any] = {"model": list(likelihood), "train": (unit, units.train), "neuron": list(fits)}
    for name, fit in fits.items():
        along = f"parameter_{name}"
        variables |= {f"theta_{name}": (along, fit.theta), f"error_{name}": (along, fit.error)}
        coordinates[along] = list(neurons.free_of(name, task))
    return xr.Dataset(variables, coordinates)


def _positive(matrix: np.ndarray) -> np.ndarray:
    """The nearest symmetric matrix without negative eigenvalues, which sums in single precision may leave."""
    values, vectors = np.linalg.eigh(0.5 * (matrix + matrix.T))
    found: np.ndarray = (vectors * np.maximum(values, 0.0)) @ vectors.T
    return found
