"""The default backend: one scan over time per group of populations.

``run`` reads from top to bottom as the simulation does: imperfections, then per group what flows in, the loop over steps,
the statistics. Everything here is traced once per structure and shape; a new value of any leaf compiles nothing.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax.numpy as jnp

from jaxsnn_noise._checks import flag
from jaxsnn_noise._typing import Key, Values
from jaxsnn_noise.engine.addresses import Address, Keys, Step
from jaxsnn_noise.engine.carry import Carry
from jaxsnn_noise.engine.loop import Flow, Stretch, pin_of, run_steps
from jaxsnn_noise.engine.network import Network
from jaxsnn_noise.engine.pinning import pinned_tree
from jaxsnn_noise.engine.plan import Plan, watched
from jaxsnn_noise.engine.record import Shown, Watch
from jaxsnn_noise.engine.schedules import ByStep, Schedule
from jaxsnn_noise.engine.simulation import Simulation
from jaxsnn_noise.engine.step import step
from jaxsnn_noise.engine.trains import arrivals_before_the_loop
from jaxsnn_noise.hardware.imperfection import in_order
from jaxsnn_noise.opacity import opaque_zero

Update = Callable[[Any, Shown], Any]


class Scan(eqx.Module):
    """Backend on ``lax.scan``.

    Args:
        schedule: ``ByStep()``, all populations in one scan, or ``ByComponent()``, one scan per strongly connected component with
            whole trains between them; the same spikes either way.
        pinned: Make every product and seam opaque to the compiler, so that a single ``simulate``, a Python loop or an added silent
            source give the same bits of every voltage (and not only of every spike), at a cost in time.
        checkpoint: Recompute each block of steps in the backward pass (its noise included) instead of storing it.
    """

    schedule: Schedule = eqx.field(default=ByStep(), kw_only=True)
    pinned: bool = eqx.field(default=False, static=True, kw_only=True, converter=functools.partial(flag, "Scan.pinned"))
    checkpoint: bool = eqx.field(
        default=False, static=True, kw_only=True, converter=functools.partial(flag, "Scan.checkpoint")
    )

    def run(self, sim: Simulation, root: Key, address: Address) -> dict[str, Any]:
        """The results of one member: statistics by name. Pure; batched by ``vmap`` over leaves and indices."""
        return self.measured(sim, root, address)[0]

    def measured(self, sim: Simulation, root: Key, address: Address) -> tuple[dict[str, Any], dict[str, Carry]]:
        """The results of one member, and what each group of populations carries at the end."""
        keys = Keys(root, address, sim.frozen)
        network = impaired(sim, keys)
        trains: dict[str, Values] = {}
        results: dict[str, Any] = {}
        carried = {}
        groups = self.schedule.groups(network, watched(sim))
        for number, order in enumerate(groups):
            later = frozenset(p for group in groups[number + 1 :] for p in group)
            fed = arrivals_before_the_loop(sim, network, keys, order, trains, batches=self.schedule.batches)
            plan = Plan(sim, network, keys, order, fed, later)
            found, carry, outputs = self._over_time(plan)
            trains |= outputs
            results |= found
            carried[".".join(order)] = carry
        return dict(sorted(results.items())), carried

    def begin(self, plan: Plan) -> Carry:
        """What the loop carries before the first step. Pinned: initial states have the same bits in every program."""
        carry: Carry = pinned_tree(plan.start, zero=opaque_zero(plan.keys.root))()
        return carry

    def steps(
        self, plan: Plan, carry: Carry, accs: Any, update: Update, stretch: Stretch, flow: Flow
    ) -> tuple[Carry, Any, Flow]:
        """A stretch of steps and what statistics make of it: carry, accumulators, and the outputs that later groups need."""

        def body(state: tuple[Carry, Any], at: Step, flow: Flow) -> tuple[tuple[Carry, Any], Flow]:
            carry, accs = state
            carry, frames = step(plan, carry, at, flow)
            return (carry, update(accs, frames)), {n: frames[n].output for n in plan.emitting}

        pin = pin_of(plan.keys.root, self.pinned)
        (carry, accs), outputs = run_steps(body, (carry, accs), flow, stretch, pin=pin, checkpoint=self.checkpoint)
        return carry, accs, outputs

    def _over_time(self, plan: Plan) -> tuple[dict[str, Any], Carry, Flow]:
        """Warm-up, seen by those statistics alone that ask for it, then the measured steps."""
        sim = plan.sim
        warm, total = sim.warmup_steps, sim.total_steps
        early = [k for k in plan.watched() if sim.statistics[k].from_start]
        late = [k for k in plan.watched() if k not in early]
        whole, measured = Watch(plan, early, total, 0), Watch(plan, late, total - warm, warm)
        carry, accs = self.begin(plan), whole.start()
        before = {k: v[:warm] for k, v in plan.trains.items()}
        carry, accs, first = self.steps(plan, carry, accs, whole.update, Stretch.between(0, warm), before)

        def both(accs: Any, frames: Shown) -> Any:
            return whole.update(accs[0], frames), measured.update(accs[1], frames)

        after = {k: v[warm:] for k, v in plan.trains.items()}
        start = (accs, measured.start())
        carry, (accs, late_accs), second = self.steps(plan, carry, start, both, Stretch.between(warm, total), after)
        outputs = {k: jnp.concatenate([first[k], v]) if warm else v for k, v in second.items()}
        return whole.finalize(accs) | measured.finalize(late_accs), carry, outputs


def impaired(sim: Simulation, keys: Keys) -> Network:
    """The network of this device: every imperfection applied, in the order of their stages, then names.

    Always pinned, which costs nothing here: a chip has the same bits in every program and batch.
    """
    network, zero = sim.network, opaque_zero(keys.root)
    for name in in_order(sim.imperfections):
        imperfection = sim.imperfections[name]
        key = keys.of_device(f"imperfections.{name}", imperfection.axis)
        network = pinned_tree(imperfection.apply, network, zero=zero)(key)
    return network
