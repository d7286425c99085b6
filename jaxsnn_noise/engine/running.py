"""Running a simulation: one member, a function of its leaves, a batch through a network."""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Shaped

from jaxsnn_noise import paths, random
from jaxsnn_noise._checks import fail, names, one_of
from jaxsnn_noise._typing import Key, Values
from jaxsnn_noise.coding import Constant, Input
from jaxsnn_noise.engine.addresses import Address, address_of
from jaxsnn_noise.engine.backend import Backend
from jaxsnn_noise.engine.member import accepted, run
from jaxsnn_noise.engine.network import Network, Population
from jaxsnn_noise.engine.samples import batch_of, check_signals, with_input
from jaxsnn_noise.engine.simulation import Simulation, is_simulation, validate, with_statistics
from jaxsnn_noise.firing import Stopped
from jaxsnn_noise.statistics import Mean, SpikeCount, Statistic
from jaxsnn_noise.surrogates import Surrogate


def simulate(
    sim: Simulation,
    *,
    key: Any,
    address: Mapping[str, Any] | Address | None = None,
    statistics: Mapping[str, Statistic] | None = None,
    backend: Backend | None = None,
) -> dict[str, Any]:
    """Run one member of a simulation: its warm-up, then its measured time.

    Args:
        sim: What to simulate.
        key: Root key: ``jax.random.key(seed)`` or a seed.
        address: The member: axis names with indices, e.g. ``{"device": 3, "trial": 7}``; the same numbers as that
            member of ``monte_carlo`` with the same key. Axes of names of your own: ``Address.of({"session": 2})``.
        statistics: Replace the simulation's statistics.
        backend: ``Scan()`` unless given.

    Returns:
        From the name of a statistic to its result, ``"health_<population>"`` of every population among them.
    """
    if statistics is not None:
        sim = with_statistics(sim, statistics)
    validate(sim)
    return run_member(
        sim, random.root(key), address_of("simulate", sim, address), accepted("simulate.backend", backend, sim)
    )


@eqx.filter_jit
def run_member(sim: Simulation, root: Key, address: Address, backend: Backend) -> dict[str, Any]:
    """One member as one compiled program; compiled once per structure, for all values."""
    return run(backend, sim, root, address)


def as_function(sim: Simulation, leaves: Sequence[str], outputs: Sequence[str], *, key: Any) -> Callable[..., Any]:
    """The simulation as a pure function of some of its leaves, for someone else's sampler, optimiser or solver.

    Args:
        sim: The simulation.
        leaves: Dotted paths; the function takes their values in this order (one number sets all neurons).
        outputs: Names of statistics; the function returns their results in this order.
        key: Root key, fixed: the function is deterministic, and smooth where the simulation is.

    Returns:
        ``f(*values) -> tuple of results``; it can be jitted, batched and differentiated.

    Warns:
        UserWarning: while it is differentiated, for populations whose spikes pass a surrogate or whose reset is detached (the
            derivative misses what a spike changes for those after it): it serves training, and may have the wrong size or
            sign (numbers in the limits of the documentation). :mod:`jaxsnn_noise.gradients` estimates derivatives, with errors.
    """
    is_simulation("as_function.sim", sim)
    leaves, outputs, root = names("as_function.leaves", leaves), names("as_function.outputs", outputs), random.root(key)
    for path in leaves:
        paths.get(sim, path)
    for name in outputs:
        one_of("as_function.outputs", name, sim.statistics)

    doubts = tuple(f"{name} {doubt}" for name, part in sim.network.cells().items() for doubt in _doubts(part))

    def function(*values: Any) -> tuple[Any, ...]:
        given = [_warned(doubts, jnp.asarray(value)) for value in values] if doubts else values
        changed = paths.replace(sim, dict(zip(leaves, given, strict=True)))
        results = simulate(changed, key=root)
        return tuple(results[name] for name in outputs)

    return function


def _doubts(population: Population) -> list[str]:
    """Why a derivative that passes through its spikes is none of what is simulated."""
    gradient = getattr(population.firing, "gradient", None)
    if not population.neuron.spiking or isinstance(gradient, Stopped):
        return []
    found = ["passes a surrogate through its spikes"] if isinstance(gradient, Surrogate) else []
    detached = getattr(getattr(population.neuron, "reset", None), "detach", False)
    return [*found, "has a reset that is detached (ResetToValue(detach=False) attaches it)"] if detached else found


@functools.partial(jax.custom_jvp, nondiff_argnums=(0,))
def _warned(doubts: tuple[str, ...], value: Values) -> Values:
    """The value; whoever differentiates with respect to it is told the doubts."""
    del doubts
    return value


@_warned.defjvp
def _warned_jvp(doubts: tuple[str, ...], primals: tuple[Values], tangents: tuple[Values]) -> tuple[Values, Values]:
    warnings.warn(
        f"as_function: {'; '.join(doubts)}: such derivatives serve training and are no sensitivities (a spike count's were 0.7 to "
        "4.2 times as large, and may have the wrong sign). gradients.Score() and FiniteDifference() estimate derivatives, with errors; "
        "see the limits in the documentation.",
        UserWarning,
        stacklevel=2,
    )
    return primals[0], tangents[0]


def apply(
    network: Network,
    batch: Shaped[Array | np.ndarray, "sample ..."],
    *,
    key: Any,
    duration: float = 25.0,
    dt: float = 1.0,
    encode: Callable[[Values], Input] = Constant,
    shown: str | None = None,
    inputs: Mapping[str, Input] | None = None,
    statistics: Mapping[str, Statistic] | None = None,
    backend: Backend | None = None,
) -> dict[str, Any]:
    """Present a batch to a network.

    Pure and differentiable; sample ``i`` has the address ``sample=i``.

    Args:
        network: A network.
        batch: [sample, ...]: what ``encode`` takes for one sample, e.g. [sample, channel] analog values for
            ``Constant``, or [sample, time, channel] for ``TimeSeries`` and ``SpikeTrain``.
        key: Root key of the noise; a fresh one per training step gives fresh noise.
        duration: Presentation time [ms].
        dt: Time step [ms].
        encode: From the values of one sample to an input; all of its leaves may depend on them.
        shown: Name of that input, that of the port (or population) that it enters unless it says ``to=``. The network's
            only port unless given.
        inputs: Further inputs, the same for all samples, e.g. a bias current of a population.
        statistics: What to return. Default: ``{"output": ...}``, the mean potential of a readout that never fires, or
            the spike count of one that does (the population that no projection leaves).
        backend: ``Scan()`` unless given.

    Returns:
        From statistic to its result with a leading [sample] dimension.

    Raises:
        InputError: before any simulation, for a batch that is none, values that do not fit the input, several ports of which
            none is named.
    """
    _check_kinds(network, encode, inputs, statistics)
    name, values = _shown(network, shown, inputs), batch_of("apply.batch", batch)
    chosen = default_readout(network) if statistics is None else dict(statistics)
    signals = eqx.filter_vmap(lambda one: encode(one))(values)
    first = jax.tree.map(lambda x: x[0] if eqx.is_array(x) else x, signals)
    if not isinstance(first, Input):
        fail("apply.encode", "must give an input, e.g. coding.Constant", type(first).__name__)
    sim = Simulation(network, {**(inputs or {}), name: first}, duration=duration, dt=dt, statistics=chosen)
    check_signals("apply.batch", sim, name, signals)
    return apply_batch(sim, signals, random.root(key), accepted("apply.backend", backend, sim), name)


@eqx.filter_jit
def apply_batch(sim: Simulation, signals: Input, root: Key, backend: Backend, shown: str) -> dict[str, Any]:
    """The results of samples ``0, 1, ...``; ``signals`` are their inputs, each array leaf [sample, ...]."""
    arrays, static = eqx.partition(signals, eqx.is_array)
    indices = jnp.arange(len(jax.tree.leaves(arrays)[0]), dtype=jnp.uint32)

    def one(arrays: Any, index: jax.Array) -> dict[str, Any]:
        member = with_input(sim, shown, eqx.combine(arrays, static))
        return run(backend, member, root, Address.of({"sample": index}))

    return jax.vmap(one)(arrays, indices)


def _check_kinds(network: Any, encode: Any, inputs: Any, statistics: Any) -> None:
    if not isinstance(network, Network):
        fail("apply", "takes a network (a simulation is run by simulate or monte_carlo)", type(network).__name__)
    if not callable(encode):
        fail("apply.encode", "must be a function of the values of one sample, e.g. coding.Constant", encode)
    for name, given in (("inputs", inputs), ("statistics", statistics)):
        if given is not None and not isinstance(given, Mapping):
            fail(f"apply.{name}", "must be a mapping from names", type(given).__name__)


def _shown(network: Network, shown: str | None, inputs: Mapping[str, Input] | None) -> str:
    """The name of the input that shows the batch."""
    if shown is None:
        ports = list(network.ports())
        if len(ports) != 1:
            rule = "must name the port (or population) that the batch enters, unless there is exactly one port"
            fail("apply.shown", rule, None, known=network.populations)
        shown = ports[0]
    if shown in (inputs or {}):
        fail("apply.inputs", "must be other inputs than the one that shows the batch", shown)
    return shown


def default_readout(network: Network) -> dict[str, Statistic]:
    """The output of the population that no projection leaves: its mean potential, or its spike count if it fires."""
    sources = {p.source for p in network.projections.values()}
    last = [k for k in network.cells() if k not in sources]
    if len(last) != 1:
        fail("apply.statistics", "must be given: no single population is the output", last)
    if network.cells()[last[0]].neuron.spiking:
        return {"output": SpikeCount(population=last[0])}
    return {"output": Mean("v", population=last[0])}
