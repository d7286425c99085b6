"""Running a simulation: one member, a function of its leaves, a batch through a network."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Shaped

from jaxsnn_noise import paths, random
from jaxsnn_noise._checks import fail, one_of
from jaxsnn_noise._typing import Key, Values
from jaxsnn_noise.coding import Constant, Input
from jaxsnn_noise.engine.addresses import Address
from jaxsnn_noise.engine.network import Network
from jaxsnn_noise.engine.scan import Scan
from jaxsnn_noise.engine.simulation import Simulation, validate, with_statistics
from jaxsnn_noise.statistics import Mean, SpikeCount, Statistic


def simulate(
    sim: Simulation,
    *,
    key: Any,
    address: Mapping[str, Any] | Address | None = None,
    statistics: Mapping[str, Statistic] | None = None,
    backend: Scan | None = None,
) -> dict[str, Any]:
    """Run one member of a simulation: its warm-up, then its measured time.

    Args:
        sim: What to simulate.
        key: Root key: ``jax.random.key(seed)`` or a seed.
        address: The member: axis names with indices, e.g. ``{"device": 3, "trial": 7}``; the same numbers as that
            member of ``monte_carlo`` with the same key.
        statistics: Replace the simulation's statistics.
        backend: ``Scan()`` unless given.

    Returns:
        From the name of a statistic to its result, ``"health_<population>"`` of every population among them.
    """
    if statistics is not None:
        sim = with_statistics(sim, statistics)
    validate(sim)
    return run_member(sim, random.root(key), Address.of(address), Scan() if backend is None else backend)


@eqx.filter_jit
def run_member(sim: Simulation, root: Key, address: Address, backend: Scan) -> dict[str, Any]:
    """One member as one compiled program; compiled once per structure, for all values."""
    return backend.run(sim, root, address)


def as_function(sim: Simulation, leaves: Sequence[str], outputs: Sequence[str], *, key: Any) -> Callable[..., Any]:
    """The simulation as a pure function of some of its leaves, for someone else's sampler, optimiser or solver.

    Args:
        sim: The simulation.
        leaves: Dotted paths; the function takes their values in this order (one number sets all neurons).
        outputs: Names of statistics; the function returns their results in this order.
        key: Root key, fixed: the function is deterministic, and smooth where the simulation is.

    Returns:
        ``f(*values) -> tuple of results``; it can be jitted, batched and differentiated.
    """
    for path in leaves:
        paths.get(sim, path)
    for name in outputs:
        one_of("as_function.outputs", name, sim.statistics)

    def function(*values: Any) -> tuple[Any, ...]:
        changed = paths.replace(sim, dict(zip(leaves, values, strict=True)))
        results = simulate(changed, key=key)
        return tuple(results[name] for name in outputs)

    return function


def apply(
    network: Network,
    batch: Shaped[Array | np.ndarray, "sample ..."],
    *,
    key: Any,
    duration: float = 25.0,
    dt: float = 1.0,
    encode: Callable[[Values], Input] = Constant,
    statistics: Mapping[str, Statistic] | None = None,
    backend: Scan | None = None,
) -> dict[str, Any]:
    """Present a batch to the only port of a network.

    Pure and differentiable; sample ``i`` has the address ``sample=i``.

    Args:
        network: A network with one port.
        batch: [sample, ...]: what ``encode`` takes for one sample, e.g. [sample, channel] analog values for
            ``Constant``, or [sample, time, channel] for ``TimeSeries`` and ``SpikeTrain``.
        key: Root key of the noise; a fresh one per training step gives fresh noise.
        duration: Presentation time [ms].
        dt: Time step [ms].
        encode: From the values of one sample to the input of the port.
        statistics: What to return. Default: ``{"output": ...}``, the mean potential of a readout that never fires, or
            the spike count of one that does (the population that no projection leaves).
        backend: ``Scan()`` unless given.

    Returns:
        From statistic to its result with a leading [sample] dimension.
    """
    ports = list(network.ports())
    if len(ports) != 1:
        fail("apply", "needs a network with exactly one port", ports)
    chosen = default_readout(network) if statistics is None else dict(statistics)
    example = eqx.filter_eval_shape(encode, jax.ShapeDtypeStruct(batch.shape[1:], jnp.float32))
    example = jax.tree.map(lambda s: jnp.zeros(s.shape, s.dtype), example)
    sim = Simulation(
        network,
        {ports[0]: example},
        duration=duration,
        dt=dt,
        statistics=chosen,
    )
    indices = jnp.arange(len(batch), dtype=jnp.uint32)
    values = jax.vmap(lambda v: encode(v).values)(jnp.asarray(batch, jnp.float32))
    return apply_batch(sim, values, random.root(key), indices, Scan() if backend is None else backend)


@eqx.filter_jit
def apply_batch(sim: Simulation, values: Values, root: Key, indices: jax.Array, backend: Scan) -> dict[str, Any]:
    """The results of the samples with the given input values and ``sample`` indices; the simulation has one input."""
    (name,) = sim.inputs

    def one(value: Values, index: jax.Array) -> dict[str, Any]:
        member = eqx.tree_at(lambda s: s.inputs[name].values, sim, value)
        return backend.run(member, root, Address.of({"sample": index}))

    return jax.vmap(one)(values, indices)


def default_readout(network: Network) -> dict[str, Statistic]:
    """The output of the population that no projection leaves: its mean potential, or its spike count if it fires."""
    sources = {p.source for p in network.projections.values()}
    last = [k for k in network.cells() if k not in sources]
    if len(last) != 1:
        fail("apply.statistics", "must be given: no single population is the output", last)
    if network.cells()[last[0]].neuron.spiking:
        return {"output": SpikeCount(population=last[0])}
    return {"output": Mean("v", population=last[0])}
