"""The neurons that are fitted, and the exact likelihood of recorded spikes under them.

A neuron is a name with free numbers [parameter]; ``placed`` makes a simulation of them. What the threshold is and how often it is
crossed there cannot be told apart from how strong the input is, so both are fixed: 1 mV, and 100 Hz for escape rates. Potentials
are fitted in units of the softness of the threshold, the width of an escape rate or the spread of membrane noise: an input of 1
then is e times the rate, which is what spikes tell best, and the softness itself says how deep a reset is.
"""

from __future__ import annotations

import functools
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

import jaxsnn_noise as jn
from jaxsnn_noise import InputError, neurons, paths
from jaxsnn_noise.firing import DiffusionHazard, ExponentialHazard

AT_THRESHOLD_HZ = 100.0
"""Escape rate at the threshold [Hz]; a convention."""
DEGREE = 3
NEURON, RULE = "network.cells.neuron", "network.cells.firing"


class Free(NamedTuple):
    """A parameter that is fitted: where it starts, its unit, whether its logarithm is moved."""

    start: float
    unit: str
    positive: bool = True


class Task(NamedTuple):
    """What the neurons of one recording have in common."""

    steps: int
    dt: float
    refractory: float
    features: int
    shared: dict[str, Free]
    delayed: bool = False


ESCAPE = {"width": Free(0.3, "mV")}
EXTRA: dict[str, dict[str, Free]] = {
    "lif": ESCAPE,
    "adaptive": {**ESCAPE, "tau_adapt": Free(40.0, "ms"), "jump": Free(0.5, "softness")},
    "polynomial": {**ESCAPE, **{f"c{k + 1}": Free(0.0, "1", positive=False) for k in range(DEGREE)}},
    "noisy": {"sigma": Free(0.1, "mV/sqrt(ms)")},
}
"""Parameters besides those of membrane and input, by neuron."""
KNOWN = {"tau_mem": Free(5.0, "ms"), "delay": Free(6.0, "ms")}
"""Parameters of all tasks that are positive; the others are in units of the softness and may have any sign."""
TITLES = {
    "lif": "LIF, escape rate", "adaptive": "adaptive LIF, escape rate", "polynomial": "polynomial LIF, escape rate",
    "noisy": "LIF, rate that stands for membrane noise",
}  # fmt: skip


def free_of(name: str, task: Task) -> dict[str, Free]:
    """All parameters of a neuron, in the order of the vector."""
    weights = {
        f"weight{k}": Free(0.1 if task.features == 1 else 0.0, "mV", positive=False) for k in range(task.features)
    }
    return {**task.shared, **weights, **EXTRA[name]}


def check_intervals(task: Task, spikes: np.ndarray) -> None:
    """Raise :class:`InputError` for spikes [unit, time] within the dead time of the one before: no neuron gives them a probability."""
    held = max(round(task.refractory / task.dt), 1)
    gaps = np.concatenate([np.diff(np.flatnonzero(row)) for row in spikes])
    if gaps.size and gaps.min() <= held:
        raise InputError(
            f"neural_coding: intervals must be longer than the refractory time of {task.refractory:g} ms; got {gaps.min() * task.dt:g} ms"
        )


def start_of(name: str, task: Task) -> np.ndarray:
    """The free vector from which all fits start [parameter]."""
    return np.array([np.log(one.start) if one.positive else one.start for one in free_of(name, task).values()])


def values_of(name: str, task: Task, theta: Any) -> dict[str, Any]:
    """Parameters in their units, by name."""
    free = free_of(name, task)
    return {key: jnp.exp(theta[k]) if one.positive else theta[k] for k, (key, one) in enumerate(free.items())}


def template(name: str, steps: int, dt: float, refractory: float) -> jn.Simulation:
    """The simulation of one neuron, with the parameters of its classes."""
    given: dict[str, Any] = {"refractory": refractory}
    cells: Any
    if name == "adaptive":
        cells = neurons.AdaptiveLIF(1, **given)
    elif name == "polynomial":
        cells = neurons.PolynomialLIF(1, polynomial=neurons.Polynomial.zero(DEGREE, reach=2.0), **given)
    else:
        cells = neurons.LIF(1, **given)
    hazard = DiffusionHazard(0.1, 10.0) if name == "noisy" else ExponentialHazard(AT_THRESHOLD_HZ, 0.3)
    cell = jn.Population(cells, firing=jn.EscapeRate(hazard))
    current = {"cells": jn.coding.TimeSeries(np.zeros(steps, np.float32))}
    return jn.Simulation(jn.Network({"cells": cell}), current, duration=steps * dt, dt=dt)


def placed(name: str, task: Task, theta: Any, features: Any) -> jn.Simulation:
    """The neuron of a free vector under an input ``features`` [time, feature]; differentiable.

    Current [nA] ``1 + softness (bias + features weights)``: with no bias its steady potential is the threshold.
    """
    value = values_of(name, task, theta)
    soft = value["sigma"] * jnp.sqrt(value["tau_mem"]) if name == "noisy" else value["width"]
    late = _late(features, value["delay"] / task.dt if task.delayed else None)
    weights = jnp.stack([value[f"weight{k}"] for k in range(task.features)])
    current = 1.0 + soft * (value["bias"] + late @ weights)
    leaves = {f"{NEURON}.tau_mem": value["tau_mem"], "inputs.cells.values": current}
    if name == "noisy":
        leaves |= {f"{RULE}.hazard.sigma": value["sigma"], f"{RULE}.hazard.tau_mem": value["tau_mem"]}
    else:
        leaves[f"{RULE}.hazard.width"] = value["width"]
    if name == "adaptive":
        leaves |= {f"{NEURON}.tau_adapt": value["tau_adapt"], f"{NEURON}.jump": soft * value["jump"]}
    if name == "polynomial":
        leaves[f"{NEURON}.polynomial.coefficients"] = jnp.stack([value[f"c{k + 1}"] for k in range(DEGREE)])
    return paths.replace(template(name, task.steps, task.dt, task.refractory), leaves)


def _late(features: Any, steps: Any) -> Any:
    """Features as they were ``steps`` ago, linear between steps; what was before the first row is that row."""
    if steps is None:
        return features
    last = len(features) - 1
    whole = jnp.floor(steps)
    at = jnp.arange(len(features)) - whole.astype(jnp.int32)
    now, before = (jnp.take(features, jnp.clip(at - k, 0, last), axis=0) for k in (0, 1))
    return now + (steps - whole) * (before - now)


def terms(name: str, task: Task, theta: Any, features: Any, spikes: Any) -> Any:
    """Log-probabilities of what was recorded in each step [time], given the past."""
    sim = jn.training.clamped(placed(name, task, theta, features), {"cells": spikes})
    trace = {"seen": jn.statistics.Trace(("log_probability",))}
    return jn.simulate(sim, key=0, statistics=trace)["seen"].log_probability[:, 0]


@functools.partial(jax.jit, static_argnums=(0, 1))
def scores(
    name: str, key: tuple[Any, ...], theta: Any, features: Any, spikes: Any, scored: Any
) -> tuple[Any, Any, Any]:
    """Log-likelihood [unit], its gradient [unit, parameter] and expected information [unit, parameter, parameter].

    ``scored`` [unit, time] says which steps count. Derivatives are exact, in forward mode; the information of a step is
    that of its decision, ``dp dp/(p (1 - p))``.
    """
    task = unkeyed(key)
    ways = jnp.eye(len(theta), dtype=jnp.float32)

    def of_unit(x: Any, s: Any, counts: Any) -> Any:
        def given(at: Any) -> Any:
            return jnp.where(counts, terms(name, task, at, x, s), 0.0)

        value, slopes = jax.vmap(lambda way: jax.jvp(given, (theta,), (way,)), out_axes=(None, 0))(ways)
        likely = jnp.exp(value)
        other = -jnp.expm1(value)
        some = counts & (other > 0)
        odds = jnp.where(some, likely / jnp.where(some, other, 1.0), 0.0)
        information = jnp.einsum("pt,qt->pq", slopes * odds[None, :], slopes)
        return value.sum(), slopes.sum(axis=1), information

    return jax.vmap(of_unit)(features, spikes, scored)


@functools.partial(jax.jit, static_argnums=(0, 1, 5))
def drawn(name: str, key: tuple[Any, ...], theta: Any, features: Any, given: Any, trials: int) -> Any:
    """Spikes of the neuron [trial, unit, time] where ``given`` [unit, time] is NaN; 0 and 1 are what was recorded."""
    task = unkeyed(key)

    def one(trial: Any, unit: Any, x: Any, s: Any) -> Any:
        sim = jn.training.clamped(placed(name, task, theta, x), {"cells": s})
        seen = {"seen": jn.statistics.Trace(("spikes",))}
        return jn.simulate(sim, key=1, address={"trial": trial, "sample": unit}, statistics=seen)["seen"].spikes[:, 0]

    units = jnp.arange(len(features), dtype=jnp.uint32)
    return jax.vmap(lambda k: jax.vmap(functools.partial(one, k))(units, features, given))(
        jnp.arange(trials, dtype=jnp.uint32)
    )


@functools.partial(jax.jit, static_argnums=(0, 4))
def drawn_by_noise(key: tuple[Any, ...], theta: Any, features: Any, given: Any, trials: int) -> Any:
    """Spikes [trial, unit, time] of a membrane with the white noise that the rate of ``"noisy"`` stands for; ``given`` is NaN."""
    del given
    task = unkeyed(key)
    noise = {"membrane": jn.noise.VoltageNoise(jn.noise.Diffusion(values_of("noisy", task, theta)["sigma"]))}
    seen = {"seen": jn.statistics.Trace(("spikes",))}

    def one(trial: Any, unit: Any, x: Any) -> Any:
        like = placed("noisy", task, theta, x)
        cell = jn.Population(like.network.cells()["cells"].neuron, noise=noise, firing=jn.firing.BridgeThreshold())
        network = jn.Network({"cells": cell})
        sim = jn.Simulation(network, like.inputs, duration=task.steps * task.dt, dt=task.dt, statistics=seen)
        return jn.simulate(sim, key=2, address={"trial": trial, "sample": unit})["seen"].spikes[:, 0]

    units = jnp.arange(len(features), dtype=jnp.uint32)
    return jax.vmap(lambda k: jax.vmap(functools.partial(one, k))(units, features))(
        jnp.arange(trials, dtype=jnp.uint32)
    )


def keyed(task: Task) -> tuple[Any, ...]:
    """A task as a static argument."""
    return (*task[:4], tuple(task.shared.items()), task.delayed)


def unkeyed(key: tuple[Any, ...]) -> Task:
    """The task again."""
    return Task(key[0], key[1], key[2], key[3], dict(key[4]), key[5])
