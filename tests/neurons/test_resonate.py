"""Resonate-and-fire: exact steps, pulses in phase, the start on the level."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest
from scipy.optimize import brentq

import jaxsnn_noise as jn
from helpers.planar import run
from jaxsnn_noise import random
from jaxsnn_noise.neurons import ResonateAndFire
from jaxsnn_noise.signals import Drive


def rotated(v: float, x: float, current: float, g: float, t: float, b: float = -0.1, omega: float = 1.0) -> np.ndarray:
    """By the eigenvectors of the matrix, in double precision."""
    matrix = np.array([[b, omega], [-(omega + g), b]])
    point = -np.linalg.solve(matrix, [0.0, current])
    values, vectors = np.linalg.eig(matrix)
    away = np.linalg.solve(vectors, np.array([v, x]) - point)
    return np.real(vectors @ (np.exp(values * t) * away) + point)


@pytest.mark.parametrize("g", [0.0, 0.7])
def test_resonate_and_fire_is_exact_in_any_step(g: float) -> None:
    neuron, tick = ResonateAndFire(1), random.tick(random.root(0), 0)
    state = type(neuron.rest())(jnp.array([0.4]), jnp.array([-0.2]), jnp.ones(1))
    for dt in (0.1, 1.0, 7.0):
        after = neuron.integrate(state, Drive(jnp.array([0.3]), jnp.array([g])), tick, dt)
        np.testing.assert_allclose([after.v[0], after.x[0]], rotated(0.4, -0.2, 0.3, g, dt), atol=3e-6)
    moved = neuron.rest()
    np.testing.assert_array_equal([moved.v[0], moved.x[0], moved.armed[0]], [0.0, 0.0, 1.0])


def test_resonate_and_fire_answers_to_pulses_in_phase() -> None:
    """Pairs of pulses, each below the threshold: a period apart they fire, half a period apart or one alone they do not."""
    dt, period = 0.05, 2 * np.pi
    t = np.arange(round(40 / dt)) * dt
    gaps = [period, 0.5 * period, 1.5 * period, 2 * period, 100.0]
    pulses = np.stack([12.0 * ((t >= 2) & (t < 2 + dt) | (t >= 2 + gap) & (t < 2 + gap + dt)) for gap in gaps], axis=1)
    trace = run(ResonateAndFire(5, v_spike=0.75), pulses, dt=dt, duration=40.0)["t"]
    fired = np.asarray(trace.spikes).sum(axis=0) > 0
    np.testing.assert_array_equal(fired, [True, False, False, False, False])  # after two periods it has died away


def test_resonate_and_fire_starts_again_on_the_level() -> None:
    """``z <- i`` after a spike, one spike a crossing, and the intervals of the exact solution under a strong current."""
    current, dt = 2.5, 0.01
    trace = run(ResonateAndFire(1), [current], dt=dt, duration=60.0)["t"]
    v, spikes = np.asarray(trace.v)[:, 0], np.asarray(trace.spikes)[:, 0] > 0
    at = np.flatnonzero(spikes)
    assert len(at) > 3
    crossed = brentq(lambda s: rotated(1.0, 0.0, current, 0.0, s)[0] - 1.0, 0.05, 3.0)
    np.testing.assert_allclose(np.diff(at) * dt, crossed, atol=1.5 * dt)
    for k in at[:-1]:
        np.testing.assert_allclose(v[k + 1], rotated(1.0, 0.0, current, 0.0, dt)[0], atol=1e-5)


def test_resonate_and_fire_without_spikes_is_a_damped_oscillation() -> None:
    t = np.arange(1, 401) * 0.1
    start = {"v": jn.laws.Fixed(0.8), "x": jn.laws.Fixed(0.0)}
    trace = run(ResonateAndFire(1), [0.0], dt=0.1, duration=40.0, initial=start)["t"]
    np.testing.assert_allclose(np.asarray(trace.v)[:, 0], 0.8 * np.exp(-0.1 * t) * np.cos(t), atol=3e-5)


REFUSED: dict[str, Any] = {
    r"ResonateAndFire.b: must be finite and < 0 \[1/ms\]": lambda: ResonateAndFire(2, b=0.1),
    "ResonateAndFire.v_reset: must lie below v_spike or at it": lambda: ResonateAndFire(2, v_reset=1.5),
}


@pytest.mark.parametrize("rule", REFUSED)
def test_what_does_not_fit_is_refused(rule: str) -> None:
    with pytest.raises(jn.InputError, match=rule):
        REFUSED[rule]()
