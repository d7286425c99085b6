"""One member of a grid of axes: what the axes make of the simulation at its indices, and its run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax

from jaxsnn_noise._typing import Key
from jaxsnn_noise.engine.addresses import Address
from jaxsnn_noise.engine.backend import Backend
from jaxsnn_noise.engine.member import run
from jaxsnn_noise.engine.simulation import Simulation
from jaxsnn_noise.ensemble.axes import Axis


def acting(axes: Sequence[Axis]) -> list[int]:
    """The order in which axes act: those that build the network anew first, then by name."""
    return sorted(range(len(axes)), key=lambda i: (not axes[i].rebuilds, axes[i].name))


def placed(
    sim: Simulation, root: Key, axes: Sequence[Axis], indices: Sequence[jax.Array]
) -> tuple[Simulation, Address]:
    """The simulation and the address of the member at these indices, one for each axis."""
    address = Address.of()
    for i in acting(axes):
        sim, address = axes[i].apply(sim, address, indices[i], root)
    return sim, address


def member(
    sim: Simulation, root: Key, axes: Sequence[Axis], indices: Sequence[jax.Array], backend: Backend
) -> dict[str, Any]:
    """The results of the member at these indices: statistics by name."""
    sim, address = placed(sim, root, axes, indices)
    return run(backend, sim, root, address)
