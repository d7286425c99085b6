"""The state of a run between two stretches of time, as a value: save it, edit it, go on from it."""

from __future__ import annotations

import hashlib
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Int32, UInt32

from jaxsnn_noise import random
from jaxsnn_noise._checks import fail
from jaxsnn_noise._typing import Key
from jaxsnn_noise.engine.addresses import Address
from jaxsnn_noise.engine.carry import Carry
from jaxsnn_noise.engine.simulation import Simulation
from jaxsnn_noise.fingerprints import lasting


class State(eqx.Module):
    """Where a run stands: made by :func:`start`, moved on by :func:`advance`.

    A frozen pytree. Its arrays can be saved (``equinox.tree_serialise_leaves``, pickle) and edited by dotted path, e.g.
    ``paths.replace(state, {"carry.projections.plastic.state.weights": weights})``.

    Attributes:
        root: Root key.
        address: The member.
        block: Block of two steps in which the next step lies.
        lane: Whether the next step is the first (0) or second (1) of its block; a part of the structure.
        carry: All that the next step needs of the past.
        accumulators: Of the statistics that go on from call to call.
        measured: Steps that these have seen.
        made_for: What the run was made for: dt, stream version, and hashes of the structure of the simulation's parts.
    """

    root: Key
    address: Address
    block: UInt32[Array, ""]
    lane: int = eqx.field(static=True)
    carry: Carry
    accumulators: dict[str, Any]
    measured: Int32[Array, ""]
    made_for: tuple[tuple[str, Any], ...] = eqx.field(static=True)

    @property
    def step(self) -> Array:
        """The next step, counted from the start of the run (int32)."""
        return 2 * self.block.astype(jnp.int32) + self.lane


def made_for(sim: Simulation) -> tuple[tuple[str, Any], ...]:
    """What a state must find again: everything that gives its arrays their meaning. Values of leaves are free to change."""
    return (
        ("dt", sim.dt),
        ("stream version", random.STREAM_VERSION),
        ("network", structure(sim.network)),
        ("inputs", structure(sim.inputs)),
        ("imperfections", structure(sim.imperfections)),
        ("frozen streams", structure(sim.frozen)),
    )


def check_continued(state: State, sim: Simulation) -> None:
    """The simulation is of the structure that the state was made for."""
    if not isinstance(state, State):
        fail("advance.state", "must be a state, as start(sim, key=...) makes it", type(state).__name__)
    for (what, old), (_, new) in zip(state.made_for, made_for(sim), strict=True):
        if old != new:
            rule = f"must be continued with the {what} that it was started with, {old!r}"
            fail("advance.state", rule, new)


def structure(tree: Any) -> str:
    """A hash of the structure of a tree: classes, static fields, shapes and dtypes, but no values."""
    arrays, static = eqx.partition(tree, eqx.is_array)
    shapes = [(leaf.shape, str(leaf.dtype)) for leaf in jax.tree.leaves(arrays)]
    text = f"{jax.tree.structure(arrays)}{jax.tree.leaves(static)!r}{shapes}"
    return hashlib.blake2b(lasting(text).encode(), digest_size=8).hexdigest()
