"""The likelihood of recorded spikes: an independent loop, the engine's own decisions, exact derivatives, and what is refused."""

from __future__ import annotations

import functools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxsnn_noise as jn
from jaxsnn_noise import InputError, neurons, noise, paths
from jaxsnn_noise.firing import ExponentialHazard, NoisyThreshold
from jaxsnn_noise.training import clamped

STEPS, DT, REFRACTORY, LIFT, TAU_ADAPT = 300, 0.5, 1.5, 0.3, 9.0
CURRENT = (1.1 + 0.4 * np.sin(0.1 * np.arange(STEPS))).astype(np.float32)
SEEN = {"seen": jn.statistics.Trace(("spikes", "log_probability"))}


def simulation(rule: Any = None, **more: Any) -> jn.Simulation:
    """An adaptive neuron under a current that varies."""
    rule = jn.EscapeRate(ExponentialHazard(200.0, 0.1)) if rule is None else rule
    neuron = neurons.AdaptiveLIF(1, tau_mem=10.0, refractory=REFRACTORY, tau_adapt=TAU_ADAPT, jump=LIFT)
    network = jn.Network({"cells": jn.Population(neuron, firing=rule, **more)})
    return jn.Simulation(network, {"cells": jn.coding.TimeSeries(CURRENT)}, duration=STEPS * DT, dt=DT)


def seen(sim: jn.Simulation, key: int = 0) -> Any:
    return jn.simulate(sim, key=key, statistics=SEEN)["seen"]


@functools.cache
def free_run() -> Any:
    return seen(simulation(), 3)


def loop(spikes: np.ndarray, *, tau: float = 10.0, width: float = 0.1, jump: float = LIFT) -> np.ndarray:
    """Log-probabilities of the recorded decisions, step by step, in double precision."""
    v, lift, hold, found = 0.0, 0.0, 0, []
    for current, spike in zip(CURRENT.astype(float), spikes, strict=True):
        held = hold > 0
        v = v if held else current + (v - current) * np.exp(-DT / tau)
        lift *= np.exp(-DT / TAU_ADAPT)
        hold = max(hold - 1, 0)
        expected = 0.2 * np.exp((v - 1.0 - lift) / width) * DT
        found.append(0.0 if held else (np.log(-np.expm1(-expected)) if spike else -expected))
        if spike:
            v, lift, hold = 0.0, lift + jump, round(REFRACTORY / DT)
    return np.array(found)


def test_the_likelihood_is_that_of_an_independent_loop() -> None:
    spikes = np.asarray(free_run().spikes[:, 0])
    assert spikes.sum() >= 5
    found = np.asarray(seen(clamped(simulation(), {"cells": spikes}), 8).log_probability[:, 0], float)
    np.testing.assert_allclose(found, loop(spikes), rtol=2e-4, atol=1e-6)
    assert not np.allclose(found, loop(spikes, jump=1.2 * LIFT), rtol=2e-3, atol=1e-5)  # negative control


def test_spikes_that_the_neuron_fired_have_the_probability_that_the_engine_said() -> None:
    """Whatever the key of the second run, and other spikes have another one."""
    run = free_run()
    again = seen(clamped(simulation(), {"cells": run.spikes}), 99)
    np.testing.assert_array_equal(again.spikes, run.spikes)
    np.testing.assert_allclose(again.log_probability, run.log_probability, rtol=1e-4, atol=1e-6)
    other = seen(clamped(simulation(), {"cells": np.zeros(STEPS)}))
    assert other.spikes.sum() == 0
    assert not np.allclose(other.log_probability, run.log_probability, atol=1e-3)


def test_where_nothing_was_recorded_the_rule_draws() -> None:
    run = free_run()
    spikes = np.asarray(run.spikes[:, 0]).copy()
    spikes[STEPS // 2 :] = np.nan
    for given in (np.full(STEPS, np.nan), spikes):
        free = seen(clamped(simulation(), {"cells": given}), 3)
        np.testing.assert_array_equal(free.spikes, run.spikes)
        np.testing.assert_allclose(free.log_probability, run.log_probability, rtol=1e-4, atol=1e-6)


def test_derivatives_are_those_of_the_loop() -> None:
    """By central differences of the loop in double precision, at recorded spikes."""
    spikes = np.asarray(free_run().spikes[:, 0])
    names = {"tau": "network.cells.neuron.tau_mem", "width": "network.cells.firing.rule.hazard.width", "jump": "network.cells.neuron.jump"}  # fmt: skip
    sim = clamped(simulation(), {"cells": spikes})

    def likelihood(values: jax.Array) -> jax.Array:
        placed = paths.replace(sim, dict(zip(names.values(), values, strict=True)))
        return seen(placed).log_probability.sum()

    at = {"tau": 10.0, "width": 0.1, "jump": LIFT}
    found = jax.grad(likelihood)(jnp.array(list(at.values()), jnp.float32))
    for name, slope in zip(at, found, strict=True):
        h = 1e-5 * at[name]
        sides = [loop(spikes, **{**at, name: at[name] + s * h}).sum() for s in (1, -1)]
        np.testing.assert_allclose(slope, (sides[0] - sides[1]) / (2 * h), rtol=2e-3)


BAD: list[tuple[Any, str]] = [
    (lambda: clamped(simulation(), {"cell": np.zeros(STEPS)}), r"clamped.spikes.*'cell'.*cells"),
    (lambda: clamped(simulation(), {"cells": np.zeros(STEPS - 1)}), r"clamped.spikes: cells: must be \[time, neuron\] = \(300, 1\)"),
    (lambda: clamped(simulation(), {"cells": np.full(STEPS, 2.0)}), r"two spikes in a step"),
    (lambda: clamped(simulation(), {"cells": np.eye(STEPS)[5] + np.eye(STEPS)[8]}), r"longer than the refractory time of 1.5 ms.*1.5 ms in neuron 0"),
    (lambda: clamped(simulation(jn.firing.HardThreshold()), {"cells": np.zeros(STEPS)}), r"needs a rule that draws.*HardThreshold"),
    (lambda: clamped(simulation(noise={"x": noise.VoltageNoise(noise.Diffusion(0.1))}), {"cells": np.zeros(STEPS)}), r"must have no noise besides its firing rule.*x"),
    (lambda: clamped(clamped(simulation(), {"cells": np.zeros(STEPS)}), {"cells": np.zeros(STEPS)}), r"is clamped already"),
]  # fmt: skip


@pytest.mark.parametrize(("call", "message"), BAD)
def test_what_cannot_be_is_refused(call: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        call()


def test_the_shortest_interval_that_can_be_is_taken() -> None:
    """Held for 3 steps, so the fourth after a spike may have one; and threshold noise gives a likelihood as well."""
    sim = clamped(simulation(NoisyThreshold(0.2)), {"cells": np.eye(STEPS)[5] + np.eye(STEPS)[9]})
    found = seen(sim)
    assert np.flatnonzero(found.spikes[:, 0]).tolist() == [5, 9]
    assert np.isfinite(found.log_probability).all()
