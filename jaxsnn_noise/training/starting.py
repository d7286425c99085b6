"""How a training starts: which layers are silent, which fire all the time, and where no gradient arrives.

One minibatch is run forward and backward through the network of the first seed before the first epoch. Nothing is refused:
a layer that is silent at the start may be what somebody wants to show.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from jaxsnn_noise._typing import Scalar, Values
from jaxsnn_noise.engine.addresses import Address
from jaxsnn_noise.engine.simulation import Simulation
from jaxsnn_noise.statistics import SpikeCount
from jaxsnn_noise.training.loop import Data, Learner, Member, Task, readings_of, scored

MOST = 128
"""Samples of the minibatch, at most."""
SHARE = 0.5
"""A layer is called silent or saturated from this share of its neurons on."""
BUSY = 0.9
"""A neuron is called saturated that fires in this share of all steps in which it can."""
LITTLE = 1e-4
"""A gradient is called vanishing below this share of the largest of all weights, in root mean square."""

LEAST = 1e-9
"""And below this anywhere: ``optax.adam`` adds 1e-8 to what it divides by."""


def started(task: Task, data: Data, members: Member, learners: Learner) -> dict[str, dict[str, float]]:
    """What the first seed of a block shows: ``silent`` and ``saturated`` shares by population, ``gradient`` by leaf.

    Args:
        task: What is trained.
        data: Training data; some of it is shown, from all over the set.
        members: The seeds of a block.
        learners: Where they start.
    """
    names = [name for name, cell in task.sim.network.cells().items() if cell.neuron.spiking]
    extra = {_NAME.format(name): SpikeCount(population=name) for name in names}
    counting = eqx.tree_at(lambda t: t.sim.statistics, task, task.sim.statistics | extra)
    picked = np.unique(np.linspace(0, data.size - 1, min(MOST, task.batch_size, data.size)).astype(np.int32))
    member, free = jax.tree.map(lambda leaf: leaf[0], (members, learners.free))
    counts, gradient = _once(counting, len(names), data, member, free, jnp.asarray(picked))
    found = {"silent": {}, "saturated": {}, "gradient": {p: float(g) for p, g in gradient.items()}}
    for name, count in zip(sorted(names), counts, strict=True):
        fired = np.asarray(count)
        found["silent"][name] = float(np.mean(fired.sum(axis=0) == 0))
        found["saturated"][name] = float(np.mean(fired.mean(axis=0) >= BUSY * _most(task.sim, name)))
    return found


def warn_of(found: Mapping[str, Mapping[str, float]]) -> None:
    """One warning of all that keeps a network from learning; none where nothing does."""
    told = [f"{name} is silent ({share:.0%} of its neurons never fire)" for name, share in _large(found["silent"])]
    told += [
        f"{name} is saturated ({share:.0%} of its neurons fire all the time)"
        for name, share in _large(found["saturated"])
    ]
    weights = {path: size for path, size in found["gradient"].items() if path.rsplit(".", 1)[-1] == "weights"}
    most = max((size for size in weights.values() if np.isfinite(size)), default=0.0)
    for path, size in found["gradient"].items():
        if not np.isfinite(size):
            told.append(f"the gradient of {path} is not finite")
        elif size == 0.0:
            told.append(f"no gradient arrives at {path}")
        elif path in weights and size < max(LITTLE * most, LEAST):
            told.append(f"the gradient of {path} vanishes ({size:.0e}; that of the largest is {most:.0e})")
    if told:
        hint = "see gain, rate_hz and input_rate_hz of networks.feedforward, losses.RateRegulariser, and the scale of the data"
        warnings.warn(f"fit, before the first step: {'; '.join(told)}. To start alive, {hint}.", stacklevel=3)


_NAME = "start_{}"  # behind the names of the readings


@eqx.filter_jit
def _once(
    task: Task, cells: int, data: Data, member: Member, free: dict[str, Values], picked: jax.Array
) -> tuple[list[Values], dict[str, Scalar]]:
    """The spike counts of all cells [sample, neuron], and the gradient of the loss in root mean square."""
    address = Address.of({"seed": member.seed}).at("step", jnp.uint32(0))

    def loss(free: dict[str, Values]) -> tuple[Scalar, list[Values]]:
        readings = readings_of(task, data, member, free, picked, address)
        return scored(task, readings, data.targets[picked])["loss"], readings[len(readings) - cells :]

    slope, counts = jax.grad(loss, has_aux=True)(free)
    present = {
        path: jnp.where(jnp.isfinite(value), 1.0, 0.0) for path, value in free.items()
    }  # absent synapses are none
    root = {p: jnp.sqrt(jnp.sum(jnp.square(g)) / jnp.maximum(jnp.sum(present[p]), 1.0)) for p, g in slope.items()}
    return counts, root


def _most(sim: Simulation, name: str) -> float:
    """How often a neuron of a population can fire in a run."""
    held = getattr(sim.network.cells()[name].neuron, "refractory", None)
    pause = 0 if held is None else round(float(np.max(np.asarray(held))) / sim.dt)
    return (sim.total_steps - sim.warmup_steps) / (1 + pause)


def _large(shares: Mapping[str, float]) -> list[tuple[str, float]]:
    return [(name, share) for name, share in sorted(shares.items()) if share > SHARE]
