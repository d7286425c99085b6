"""Spikes that last: their length, renewal and height."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxsnn_noise import random
from jaxsnn_noise._checks import InputError
from jaxsnn_noise.signals import Seen
from jaxsnn_noise.synapses import Dense, Rectangular

W = np.array([[1.0, -2.0, 0.5], [0.0, 0.25, 3.0]])


def arrived(released: Any, duration: float, dt: float) -> np.ndarray:
    wire = Rectangular("a", "b", W, duration=duration)
    prepared, seen, key = wire.prepared(), Seen(jnp.zeros(3), jnp.zeros(2)), random.root(0)

    def step(state: Any, row: Any) -> Any:
        out, state = wire.transmit(prepared, state, row, seen, random.tick(key, 0), dt)
        return state, out

    return np.asarray(jax.lax.scan(step, wire.init(prepared, key, dt), jnp.asarray(released, jnp.float32))[1])


@pytest.mark.parametrize(("duration", "dt", "steps"), [(2.0, 0.5, 4), (0.1, 0.5, 1), (0.35, 0.1, 4), (1.0, 1.0, 1)])
def test_a_spike_lasts_and_is_renewed(duration: float, dt: float, steps: int) -> None:
    train = np.random.default_rng(0).random((60, 3)) < 0.1
    on = np.array([[train[max(t - steps + 1, 0) : t + 1, k].any() for k in range(3)] for t in range(60)], np.float32)
    exact = np.asarray(Dense("a", "b", W).arrivals(Dense("a", "b", W).prepared(), jnp.asarray(on)))
    np.testing.assert_array_equal(arrived(train, duration, dt), exact)


def test_a_graded_release_lasts_with_its_height() -> None:
    train = np.zeros((6, 3))
    train[1, 0], train[3, 0] = 0.5, -2.0
    np.testing.assert_allclose(arrived(train, 3.0, 1.0)[:, 0], [0, 0.5, 0.5, -2.0, -2.0, -2.0], rtol=1e-6)


def test_bad_input() -> None:
    with pytest.raises(InputError, match=r"Rectangular.duration: must be finite and > 0 \[ms\]"):
        Rectangular("a", "b", W, duration=0.0)
