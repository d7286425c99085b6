"""Trained networks under the test: as they are, under noise, on chips with mismatch, with weights of few bits."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jax import lax

import jaxsnn_noise as jn

from .members import HIDDEN, SIDE_BY_SIDE, WEIGHTS, blocks, readouts, simulation
from .tasks import Task

CONDITIONS = ("quiet", "noise", "mismatch", "bits")


def conditions(config: Any) -> np.ndarray:
    """Diffusion of the membranes [mV/sqrt(ms)], cv of time constants and thresholds [1], bits of the weights [1], one row each."""
    return np.array(
        [[0.0, 0.0, 24.0], [config.noise, 0.0, 24.0], [0.0, config.mismatch, 24.0], [0.0, 0.0, config.bits]], np.float32
    )


def on_a_chip(sim: jn.Simulation) -> jn.Simulation:
    """With imperfections that do nothing yet."""
    law = jn.laws.LogNormal(0.0)
    found: dict[str, Any] = {
        f"{name}_{layer}": jn.hardware.Mismatch(f"network.{layer}.neuron.{name}", law, per="neuron")
        for layer in HIDDEN
        for name in ("tau_mem", "v_threshold")
    }
    found |= {f"bits_{i}": jn.hardware.Quantised(path, 24) for i, path in enumerate(WEIGHTS)}
    return eqx.tree_at(lambda s: s.imperfections, sim, found)


def under(sim: jn.Simulation, condition: Any) -> jn.Simulation:
    """The simulation under a row of :func:`conditions`."""
    sigma, cv, bits = condition[0], condition[1], condition[2]
    given = {f"network.{layer}.noise.membrane.amplitude.sigma": sigma for layer in HIDDEN}
    for name, part in sim.imperfections.items():
        given[f"imperfections.{name}.{'bits' if isinstance(part, jn.hardware.Quantised) else 'law.cv'}"] = (
            bits if isinstance(part, jn.hardware.Quantised) else cv
        )
    return jn.paths.replace(sim, given)


def right(
    of: Task, config: Any, data: tuple[np.ndarray, np.ndarray], leaves: Sequence[Any], networks: Sequence[int],
    arms: Sequence[Any], chosen: Sequence[int],
) -> np.ndarray:  # fmt: skip
    """The share of right answers to each sample [member, condition, sample], under the conditions ``chosen``."""
    values, targets = (jnp.asarray(x) for x in data)
    jobs: list[tuple[Any, list[int], int]] = []
    for gated in (False, True):
        sim = on_a_chip(simulation(of, config, gated=gated))
        some = [i for i, arm in enumerate(arms) if arm.gated is gated]
        jobs += [(sim, block, at) for block in blocks(some, config.at_once) for at in chosen]

    def assess(job: Any) -> tuple[list[int], int, np.ndarray]:
        sim, block, at = job
        stacked = {path: jnp.stack([jnp.asarray(leaves[i][path]) for i in block]) for path in leaves[block[0]]}
        ids = jnp.asarray([networks[i] for i in block], jnp.uint32)
        condition = jnp.asarray(conditions(config)[at])
        return block, at, np.asarray(_assess(sim, of, config.seed, values, targets, condition, stacked, ids))

    rows: dict[tuple[int, int], np.ndarray] = {}
    with ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
        for block, at, found in pool.map(assess, jobs):
            rows |= {(i, at): row for i, row in zip(block, found, strict=True)}
    return np.array([[rows[i, at] for at in chosen] for i in range(len(leaves))])


@eqx.filter_jit
def _assess(
    sim: Any, of: Task, seed: int, values: Any, targets: Any, condition: Any, leaves: Any, networks: Any
) -> Any:
    def one(pair: Any) -> Any:
        own, network = pair
        address = {"network": network, "device": network, "test": jnp.uint32(0)}
        found = readouts(under(jn.paths.replace(sim, own), condition), of, values, seed, address)
        return jnp.mean((jnp.argmax(found, axis=-1) == targets).astype(jnp.float32), axis=-1)

    return lax.map(one, (leaves, networks))


def by_table(
    of: Task, config: Any, data: tuple[np.ndarray, np.ndarray], leaves: Sequence[Any], networks: Sequence[int]
) -> np.ndarray:
    """The share of right answers [member, sample] of quiet networks whose learned polynomials are tables."""
    curves = {
        f"network.{layer}.neuron.polynomial": f"network.{layer}.neuron.polynomial.coefficients" for layer in HIDDEN
    }
    sim = simulation(of, config)
    for layer in HIDDEN:
        empty = jn.neurons.Tabulated(np.zeros(config.entries))
        sim = _with_curve(sim, layer, empty)
    rows = []
    for one in leaves:
        own = {path: leaf for path, leaf in one.items() if path not in curves.values()}
        for path, coefficients in curves.items():
            learned = jn.neurons.Polynomial(one[coefficients])
            own[f"{path}.entries"] = jn.neurons.Tabulated.of(learned, config.entries, bits=config.entry_bits).entries
        rows.append(own)
    stacked = {path: jnp.stack([jnp.asarray(row[path]) for row in rows]) for path in rows[0]}
    values, targets = (jnp.asarray(x) for x in data)
    ids = jnp.asarray(networks, jnp.uint32)
    return np.asarray(_quiet(sim, of, config.seed, values, targets, stacked, ids))


def _with_curve(sim: jn.Simulation, layer: str, curve: Any) -> jn.Simulation:
    return eqx.tree_at(lambda s: s.network.populations[layer].neuron.polynomial, sim, curve)


@eqx.filter_jit
def _quiet(sim: Any, of: Task, seed: int, values: Any, targets: Any, leaves: Any, networks: Any) -> Any:
    def one(pair: Any) -> Any:
        own, network = pair
        found = readouts(jn.paths.replace(sim, own), of, values, seed, {"network": network})
        return jnp.mean((jnp.argmax(found, axis=-1) == targets).astype(jnp.float32), axis=-1)

    return lax.map(one, (leaves, networks))
