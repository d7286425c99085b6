"""One member of an ensemble: its plan, its first carry, its run from the first step to the results."""

from __future__ import annotations

from typing import Any

from jaxsnn_noise._checks import fail
from jaxsnn_noise._typing import Key
from jaxsnn_noise.engine.addresses import Address, Keys
from jaxsnn_noise.engine.backend import Backend
from jaxsnn_noise.engine.carry import Carry
from jaxsnn_noise.engine.loop import Stretch
from jaxsnn_noise.engine.network import Network
from jaxsnn_noise.engine.pinning import pinned_tree
from jaxsnn_noise.engine.plan import Plan
from jaxsnn_noise.engine.record import Watch
from jaxsnn_noise.engine.scan import Scan
from jaxsnn_noise.engine.simulation import Simulation
from jaxsnn_noise.engine.trains import constant_arrivals
from jaxsnn_noise.hardware.imperfection import in_order
from jaxsnn_noise.opacity import opaque_zero


def accepted(who: str, backend: Any, sim: Simulation) -> Backend:
    """The backend, ``Scan()`` unless given.

    Raises:
        InputError: no backend, or one that does not support the simulation, with its reason.
    """
    if backend is None:
        return Scan()
    if not isinstance(backend, Backend):
        fail(who, "must be a backend, e.g. Scan()", backend)
    reason = backend.supports(sim)
    if reason is not None:
        fail(who, f"does not support this simulation: {reason}", type(backend).__name__)
    return backend


def planned(sim: Simulation, root: Key, address: Address) -> Plan:
    """What does not change during the run of a member."""
    keys = Keys(root, address, sim.frozen)
    network = impaired(sim, keys)
    return Plan(sim, network, keys, network.order(), constant_arrivals(sim, network, keys))


def begin(plan: Plan) -> Carry:
    """What the loop carries before the first step. Pinned: initial states have the same bits in every program."""
    carry: Carry = pinned_tree(plan.start, zero=opaque_zero(plan.keys.root))()
    return carry


def run(backend: Backend, sim: Simulation, root: Key, address: Address) -> dict[str, Any]:
    """The results of one member: statistics by name. Pure; batched by ``vmap`` over leaves and indices."""
    return measured(backend, sim, root, address)[0]


def measured(backend: Backend, sim: Simulation, root: Key, address: Address) -> tuple[dict[str, Any], Carry]:
    """The results of one member, and its last carry.

    Warm-up is seen by those statistics alone that ask for it; then come the measured steps.
    """
    plan = planned(sim, root, address)
    warm, total = sim.warmup_steps, sim.total_steps
    early = [k for k in plan.watched() if sim.statistics[k].from_start]
    late = [k for k in plan.watched() if k not in early]
    carry, watch = begin(plan), Watch.starting(plan, early, total, 0)
    if warm:
        carry, accumulated = backend.advance(plan, carry, Stretch.between(0, warm), watch)
        watch = watch.having(accumulated)
    watch = watch.joined(Watch.starting(plan, late, total - warm, warm))
    carry, accumulated = backend.advance(plan, carry, Stretch.between(warm, total), watch)
    return watch.having(accumulated).results(), carry


def impaired(sim: Simulation, keys: Keys) -> Network:
    """The network of this device: every imperfection applied, in the order of their stages, then of names.

    Always pinned, which costs nothing here: a chip has the same bits in every program and batch.
    """
    network, zero = sim.network, opaque_zero(keys.root)
    for name in in_order(sim.imperfections):
        imperfection = sim.imperfections[name]
        key = keys.of_device(f"imperfections.{name}", imperfection.axis)
        if imperfection.wafer is None:
            network = pinned_tree(imperfection.apply, network, zero=zero)(key)
        else:
            wafer = keys.of_device(f"imperfections.{name}.wafer", imperfection.wafer)
            network = pinned_tree(imperfection.apply_on_wafer, network, zero=zero)(key, wafer)
    return network
