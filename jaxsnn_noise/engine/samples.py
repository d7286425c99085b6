"""Samples as values of an input: which input they set, how one of them is shown, and whether they fit."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from jaxsnn_noise._checks import InputError, concrete, fail, one_of, unmasked
from jaxsnn_noise._typing import Values
from jaxsnn_noise.coding import Input
from jaxsnn_noise.engine.entering import goes_to
from jaxsnn_noise.engine.simulation import Simulation
from jaxsnn_noise.parameters import check_tree


def shown_input(who: str, sim: Simulation, name: str | None) -> str:
    """The input that samples set: the named one, or the only one.

    Raises:
        InputError: no such input; several inputs and none is named. Both list the choices.
    """
    if name is not None:
        one_of(who, name, sim.inputs)
        return name
    if len(sim.inputs) != 1:
        fail(who, "must name the input that the samples set", None, known=sim.inputs)
    return next(iter(sim.inputs))


def showing(sim: Simulation, name: str, values: Any) -> Simulation:
    """The simulation with one sample as the values of an input."""
    return with_input(sim, name, sim.inputs[name].shown(values))


def with_input(sim: Simulation, name: str, signal: Input) -> Simulation:
    """The simulation with another input of the same name."""
    return eqx.tree_at(lambda s: s.inputs[name], sim, signal)


def batch_of(who: str, batch: Any) -> Values:
    """Samples [sample, ...] as float32.

    Raises:
        InputError: no real numbers, entries that are masked, or no samples.
    """
    values = batch if isinstance(batch, jax.Array) else array_of(who, batch)
    if not any(jnp.issubdtype(values.dtype, kind) for kind in (np.floating, np.integer, np.bool_, jnp.floating)):
        fail(who, "must be real numbers", str(values.dtype))
    if values.ndim < 1 or len(values) < 1:
        fail(who, "needs at least one sample along its first dimension", values.shape)
    if isinstance(values, np.ndarray):
        with np.errstate(over="ignore"):  # what is too large becomes infinite, and is told as that
            values = values.astype(np.float32)
    return jnp.asarray(values, jnp.float32)


def array_of(who: str, given: Any) -> np.ndarray:
    """What was given as a NumPy array.

    Raises:
        InputError: rows of unequal lengths; entries that are masked (an array without its mask holds what the mask hides).
    """
    advice = "leave those samples out, or fill them with a value of your choice"
    unmasked(who, given, f"must have no masked entries; {advice}")
    try:
        return np.asarray(given)
    except (TypeError, ValueError):
        fail(who, "must be an array (rows of equal lengths)", type(given).__name__)


def check_samples(who: str, sim: Simulation, name: str, values: np.ndarray) -> None:
    """What an input says of samples [sample, ...]: of the smallest, the largest and the most broken value of each entry.

    Shape and range are the input's own affair; what holds for the extremes holds for all between. Broken values are looked for
    where the input minds them: it would refuse one between the extremes.
    """
    shown, ends = sim.inputs[name].shown, (_smallest(values), _largest(values))
    _check(who, sim, name, [shown(end) for end in ends])
    try:
        _check(who, sim, name, [shown(_between(*ends))])
    except InputError:
        _check(who, sim, name, [shown(_most_broken(values))])


def check_signals(who: str, sim: Simulation, name: str, signals: Input) -> None:
    """The same for inputs that were made of samples, each leaf [sample, ...]; while they are traced, of their shapes alone.

    Raises:
        InputError: also for one number per sample where there are several channels: it would rather be one sample.
    """
    size = sim.network.populations[goes_to(name, sim.inputs[name])].size
    if signals.values.ndim == 1 and size > 1:
        rule = f"must be [sample, ...] with a value for each of the {size} channels; one sample is batch[None]"
        fail(who, rule, signals.values.shape)
    arrays, static = eqx.partition(signals, eqx.is_array)
    traced = any(concrete(leaf) is None for leaf in jax.tree.leaves(arrays))
    takes = (lambda leaf: leaf[0],) if traced else _EXTREMES  # of what is traced, the shape alone can be told
    _check(who, sim, name, [eqx.combine(jax.tree.map(take, arrays), static) for take in takes])


def _check(who: str, sim: Simulation, name: str, signals: Sequence[Input]) -> None:
    """Signals of one kind, which differ in values alone: units and ranges are those of any."""
    shown = with_input(sim, name, signals[0])
    size = sim.network.populations[goes_to(name, sim.inputs[name])].size
    for signal in signals:
        check_tree(f"{who} for inputs.{name}", signal, shown)
        signal.check(f"{who} for inputs.{name}", size, sim.total_steps)
        signal.check_step(f"{who} for inputs.{name}", sim.total_steps, sim.dt)


def _smallest(values: Any) -> np.ndarray:
    return np.asarray(np.min(values, axis=0))


def _largest(values: Any) -> np.ndarray:
    return np.asarray(np.max(values, axis=0))


def _between(smallest: np.ndarray, largest: np.ndarray) -> np.ndarray:
    """A value that is broken wherever there may be one."""
    low, high = smallest.astype(np.float32), largest.astype(np.float32)
    return np.asarray(low + np.float32(0.37) * (high - low))


def _most_broken(values: Any) -> np.ndarray:
    array = np.asarray(values)
    farthest = np.argmax(np.abs(array - np.round(array)), axis=0)[None]
    return np.asarray(np.take_along_axis(array, farthest, axis=0)[0])


_EXTREMES = (_smallest, _largest, _most_broken)
