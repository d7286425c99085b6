"""The compiled part of training: an epoch, and an assessment, each as one program for a block of seeds.

An epoch is a ``lax.scan`` over minibatches, so that no Python runs between optimiser steps. Everything that varies is
an argument, and every random number is addressed: the order of the samples by (seed, epoch), noise and augmentation by
(seed, optimiser step, sample). A run that goes on from a checkpoint is therefore the same run.
"""

from __future__ import annotations

import contextlib
import dataclasses
import math
from collections.abc import Iterator
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import optax
from jax import lax
from jaxtyping import Array, Int32, UInt32

from jaxsnn_noise import paths, random
from jaxsnn_noise._typing import Key, Scalar, Values
from jaxsnn_noise.engine.addresses import Address, Keys
from jaxsnn_noise.engine.backend import Backend
from jaxsnn_noise.engine.member import run
from jaxsnn_noise.engine.samples import showing
from jaxsnn_noise.engine.simulation import Simulation
from jaxsnn_noise.engine.sources import dressed
from jaxsnn_noise.statistics import Statistic
from jaxsnn_noise.training.losses import Loss
from jaxsnn_noise.training.parameters import Parameters
from jaxsnn_noise.training.variation import Variation

Scores = dict[str, Scalar]


class Data(eqx.Module):
    """Samples and their targets; ``first`` is the address of the first sample, so that two sets share no noise."""

    values: Values
    targets: Any
    first: UInt32[Array, ""]

    @property
    def size(self) -> int:
        """Number of samples."""
        return len(self.values)


class Member(eqx.Module):
    """One training seed: its index, and the leaves by path that it alone has (beside the trained ones)."""

    seed: UInt32[Array, "..."]
    own: dict[str, Values]


class Learner(eqx.Module):
    """What training moves: the free values of the trained leaves, the optimiser's state, the epochs done."""

    free: dict[str, Values]
    optimiser: Any
    epoch: Int32[Array, "..."]


class Task(eqx.Module):
    """What stays the same over a run.

    Args:
        sim: The simulation; its statistics are what ``scores`` read.
        shown: The input whose values the samples set.
        parameters: Which leaves are trained.
        scores: Loss and metrics by name, each with the positions of the statistics that it reads. ``"loss"`` is
            descended.
        augment: Map of one sample, or ``None``.
        noise: Sources that are put onto the network, by part and name.
        variation: Imperfections of chips that are new in every step, or ``None``.
        optimiser: Optax gradient transformation.
        backend: Runs the simulation.
        root: Root key.
        batch_size: Samples per optimiser step.
    """

    sim: Simulation
    shown: str = eqx.field(static=True)
    parameters: Parameters
    scores: dict[str, tuple[Loss, Any]]
    augment: Any
    noise: Any
    variation: Variation | None
    optimiser: Any = eqx.field(static=True)
    backend: Backend
    root: Key
    batch_size: int = eqx.field(static=True)


def start(task: Task, free: dict[str, Values]) -> Learner:
    """The learners of a block of seeds before the first step, from their free values [seed, ...]."""
    with usual_promotion():
        return jax.vmap(lambda f: Learner(f, task.optimiser.init(f), jnp.int32(0)))(free)


@eqx.filter_jit
def epoch(task: Task, data: Data, members: Member, learners: Learner) -> tuple[Learner, dict[str, Values]]:
    """One pass over the data for a block of seeds, and the mean scores of its steps [seed]."""
    return jax.vmap(lambda m, learner: _epoch(task, data, m, learner))(members, learners)


@eqx.filter_jit
def step_on(
    task: Task, data: Data, members: Member, learners: Learner, number: jax.Array
) -> tuple[Learner, dict[str, Values]]:
    """One step of the optimiser on a batch that was made outside, step ``number`` of its epoch; the scores before it [seed].

    Noise and augmentation are addressed by (seed, epoch, step, sample), a sample by its place in the epoch.
    """
    return jax.vmap(lambda m, learner: _step_on(task, data, m, learner, number))(members, learners)


@eqx.filter_jit
def assess(task: Task, data: Data, members: Member) -> dict[str, Values]:
    """The scores of a whole set [seed], without augmentation, in chunks of the batch size.

    ``task`` is one to assess.
    """
    return jax.vmap(lambda m: _assess(task, data, m))(members)


@eqx.filter_jit
def answer(
    task: Task, data: Data, members: Member, first: int, draws: int | None = None
) -> tuple[Values, dict[str, Values]]:
    """A reading of every sample of a set [seed, sample, ...], and the scores of each sample by itself [seed, sample].

    ``task`` is one to assess. With ``draws`` both have a dimension of that size after that of the seeds: fresh noise, addressed
    by (seed, draw, sample).
    """
    if draws is None:
        return jax.vmap(lambda m: _answer(task, data, m, first, Address.of({"seed": m.seed})))(members)

    def drawn(member: Member) -> tuple[Values, dict[str, Values]]:
        address = Address.of({"seed": member.seed})
        one = lambda draw: _answer(task, data, member, first, address.at("draw", draw))  # noqa: E731
        found: tuple[Values, dict[str, Values]] = lax.map(one, jnp.arange(draws, dtype=jnp.uint32))
        return found

    return jax.vmap(drawn)(members)


def to_assess(task: Task) -> Task:
    """The task without what only training needs, its noise among it: one compiled program assesses whatever trained the members.

    Trained leaves are given as they are, among a member's own: a free value and back would move their last bits.
    """
    return dataclasses.replace(
        task, parameters=Parameters((), ()), optimiser=None, augment=None, noise={}, variation=None
    )


def permutation(key: Key, size: int) -> Int32[Array, "sample"]:
    """A random order of ``size`` samples: that of their addressed words (equal words keep their order)."""
    return jnp.argsort(random.bits(random.tick(key, 0), random.entities(size)), stable=True).astype(jnp.int32)


@contextlib.contextmanager
def usual_promotion() -> Iterator[None]:
    """JAX's default promotion of dtypes and ranks, which Optax counts on, whatever the user has set."""
    with jax.numpy_dtype_promotion("standard"), jax.numpy_rank_promotion("allow"):
        yield


def _epoch(task: Task, data: Data, member: Member, learner: Learner) -> tuple[Learner, Scores]:
    steps = data.size // task.batch_size
    seed = Address.of({"seed": member.seed})
    order = permutation(Keys(task.root, seed.at("epoch", learner.epoch), ())("training.order"), data.size)
    batches = order[: steps * task.batch_size].reshape(steps, task.batch_size)

    def step(carry: tuple[Any, Any], batch: tuple[Any, Any]) -> tuple[tuple[Any, Any], Scores]:
        number, chosen = batch
        return _descend(task, data, member, carry, chosen, seed.at("step", learner.epoch * steps + number))

    numbers = jnp.arange(steps, dtype=jnp.int32)
    (free, state), scores = lax.scan(step, (learner.free, learner.optimiser), (numbers, batches))
    return Learner(free, state, learner.epoch + 1), jax.tree.map(jnp.mean, scores)


def _step_on(task: Task, data: Data, member: Member, learner: Learner, number: jax.Array) -> tuple[Learner, Scores]:
    address = Address.of({"seed": member.seed}).at("epoch", learner.epoch).at("step", number)
    chosen = jnp.arange(data.size, dtype=jnp.int32)
    (free, state), scores = _descend(task, data, member, (learner.free, learner.optimiser), chosen, address)
    return Learner(free, state, learner.epoch), scores


def _descend(
    task: Task, data: Data, member: Member, carry: tuple[Any, Any], chosen: Any, address: Address
) -> tuple[tuple[Any, Any], Scores]:
    """One step of the optimiser on the chosen samples: free values and state after it, and the scores before."""
    free, state = carry

    def loss(free: dict[str, Values]) -> tuple[Scalar, Scores]:
        readings = readings_of(task, data, member, free, chosen, address)
        scores = scored(task, readings, data.targets[chosen])
        cost = task.scores["loss"][0].penalty(trained(task, member, free))
        if cost is not None:
            scores = scores | {"loss": scores["loss"] + cost}
        return scores["loss"], scores

    slope, scores = jax.grad(loss, has_aux=True)(free)
    with usual_promotion():
        updates, state = task.optimiser.update(slope, state, free)
    return (optax.apply_updates(free, updates), state), scores


def _assess(task: Task, data: Data, member: Member) -> Scores:
    return scored(task, _all_readings(task, data, member, Address.of({"seed": member.seed})), data.targets)


def _answer(task: Task, data: Data, member: Member, first: int, address: Address) -> tuple[Values, dict[str, Values]]:
    readings = _all_readings(task, data, member, address)
    one = lambda row, target: scored(task, [r[None] for r in row], target[None])  # noqa: E731
    return readings[first], jax.vmap(one)(readings, data.targets)


def _all_readings(task: Task, data: Data, member: Member, address: Address) -> list[Any]:
    chunks = -(-data.size // task.batch_size)
    indices = jnp.minimum(jnp.arange(chunks * task.batch_size, dtype=jnp.int32), data.size - 1)

    def chunk(carry: None, chosen: Any) -> tuple[None, list[Any]]:
        return None, readings_of(task, data, member, {}, chosen, address)

    _, readings = lax.scan(chunk, None, indices.reshape(chunks, task.batch_size))
    return [r.reshape(-1, *r.shape[2:])[: data.size] for r in readings]


def readings_of(
    task: Task, data: Data, member: Member, free: dict[str, Values], chosen: Any, address: Address
) -> list[Any]:
    """The results of the statistics for the chosen samples, each [sample, ...]; with variation they are dealt over new chips."""
    sim, variation = dressed(trained(task, member, free), task.noise), task.variation

    def one(sim: Simulation, index: jax.Array) -> list[Any]:
        at = address.at("sample", data.first + index.astype(jnp.uint32))
        values = data.values[index]
        if task.augment is not None:
            values = task.augment(values, Keys(task.root, at, ())("training.augment"))
        results = run(task.backend, showing(sim, task.shown, values), task.root, at)
        return [results[k] for k in sorted(results)]

    def on_chip(number: jax.Array, part: Any) -> list[Any]:
        assert variation is not None
        made = variation.on(sim, task.root, address.at("chip", number))
        return jax.vmap(lambda index: one(made, index))(part)

    if variation is None:
        return jax.vmap(lambda index: one(sim, index))(chosen)
    chips = math.gcd(variation.chips, len(chosen))
    found = jax.vmap(on_chip)(jnp.arange(chips, dtype=jnp.uint32), chosen.reshape(chips, -1))
    return [r.reshape(-1, *r.shape[2:]) for r in found]


def trained(task: Task, member: Member, free: dict[str, Values]) -> Simulation:
    """The simulation of a seed with the leaves set from free values."""
    return task.parameters.insert(paths.replace(task.sim, member.own), free)


def scored(task: Task, readings: list[Any], targets: Any) -> Scores:
    """Loss and metrics of readings [sample, ...]."""
    return {
        name: loss(jax.tree.map(lambda position: readings[position], positions), targets)
        for name, (loss, positions) in task.scores.items()
    }


def reading(sim: Simulation, losses: dict[str, Loss]) -> tuple[Simulation, dict[str, tuple[Loss, Any]]]:
    """The simulation with the statistics that the losses read, each once, and the losses with their positions."""
    found: list[Statistic] = []

    def position(statistic: Statistic) -> int:
        for i, known in enumerate(found):
            if bool(eqx.tree_equal(known, statistic)):
                return i
        found.append(statistic)
        return len(found) - 1

    is_statistic = lambda node: isinstance(node, Statistic)  # noqa: E731 - a predicate for the tree map
    placed = {
        name: (loss, jax.tree.map(position, loss.reads(sim.network), is_leaf=is_statistic))
        for name, loss in losses.items()
    }
    statistics = {f"reading_{i:03d}": statistic for i, statistic in enumerate(found)}
    return eqx.tree_at(lambda s: s.statistics, sim, statistics), placed
