"""The compiled programs of all estimators: functions of a simulation that is an argument, so other values compile nothing anew."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from jaxsnn_noise import paths
from jaxsnn_noise._typing import Key
from jaxsnn_noise.engine.member import run
from jaxsnn_noise.engine.scan import Scan
from jaxsnn_noise.engine.simulation import Simulation
from jaxsnn_noise.gradients.samples import Over

Read = Callable[[Mapping[str, Any], Any, Simulation], Any]
"""From the results of one trial, what to look at, and the simulation, to what is wanted."""


def shifted(sim: Simulation, leaves: Sequence[str], shift: Any) -> Simulation:
    """The simulation with a number added to all entries of each leaf."""
    values: Mapping[str, Any] = {path: paths.get(sim, path) + shift[i] for i, path in enumerate(leaves)}
    return paths.replace(sim, values)


def placed(sim: Simulation, leaves: Sequence[str], values: np.ndarray) -> Simulation:
    """The simulation with all entries of each leaf at one number."""
    return paths.replace(sim, {leaf: np.float32(value) for leaf, value in zip(leaves, values, strict=True)})


def results_of(sim: Simulation, root: Key, trial: jax.Array, over: Over, *, checkpoint: bool = False) -> dict[str, Any]:
    """All results of one run, and the target of the sample that it was shown."""
    shown, address, known = over.at(sim, root, trial)
    return run(Scan(checkpoint=checkpoint), shown, root, address) | known


@eqx.filter_jit
def values_of(sim: Simulation, read: Read, what: Any, over: Over, root: Key, trials: jax.Array) -> Any:
    """What is read of each trial [trial, ...]. One program for all values of leaves."""
    return jax.vmap(lambda trial: read(results_of(sim, root, trial, over), what, sim))(trials)


@eqx.filter_jit
def slopes_of(
    sim: Simulation, leaves: tuple[str, ...], read: Read, what: Any, over: Over, root: Key, trials: jax.Array
) -> tuple[Any, Any]:
    """What is read of each trial, and its derivatives by common shifts [trial, leaf, ...], in forward mode."""

    def of_trial(trial: jax.Array) -> tuple[Any, Any]:
        def function(shift: jax.Array) -> Any:
            return read(results_of(shifted(sim, leaves, shift), root, trial, over), what, sim)

        at = jnp.zeros(len(leaves), jnp.float32)
        # no linearize: it would keep what the derivatives of all steps need; here each direction moves along with the run
        return jax.vmap(lambda way: jax.jvp(function, (at,), (way,)), out_axes=(None, 0))(jnp.eye(len(leaves)))

    return jax.vmap(of_trial)(trials)


def over_trials(program: Callable[..., Any], trials: int, at_once: int, *by_trial: np.ndarray) -> Any:
    """A program of the indices of trials, and of arrays [trial, ...], for all trials, so many at once, in float64."""
    size = min(at_once, trials)
    parts = []
    for start in range(0, trials, size):
        index = np.arange(start, start + size)  # one shape, so one program for all batches
        given = [jnp.asarray(array[np.minimum(index, trials - 1)], jnp.float32) for array in by_trial]
        part = program(jnp.asarray(index.astype(np.uint32)), *given)
        parts.append(jax.tree.map(lambda x, n=trials - start: np.asarray(x, np.float64)[:n], part))
    return jax.tree.map(lambda *x: np.concatenate(x), *parts)
