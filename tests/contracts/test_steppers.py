"""Laws that every stepper keeps: what it converges to. New members are found by themselves, through their ``example()``."""

from __future__ import annotations

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from helpers.discovery import example, label, members
from jaxsnn_noise.neurons import Stepper

MEMBERS = members(Stepper)
each = pytest.mark.parametrize("cls", MEMBERS, ids=label)
SIGMA, SIZE, T = 0.4, 500, 2.0


class State(eqx.Module):
    v: jax.Array
    other: jax.Array


@eqx.filter_jit
def moved(stepper, increments, dt, growth, sigma):
    """The last potential from 0.2 of ``dv = growth v (1 - v) dt + sigma v dW`` over increments [step, neuron]."""
    drift = lambda s: State(growth * s.v * (1.0 - s.v), -s.other)  # noqa: E731
    kicked = lambda s, kick: eqx.tree_at(lambda x: x.v, s, s.v + kick)  # noqa: E731

    def step(state, dw):
        return stepper.step(state, drift, lambda s: sigma * s.v * dw, kicked, dt), None

    v = jnp.full(increments.shape[1], 0.2)
    return jax.lax.scan(step, State(v, jnp.ones_like(v)), increments)[0]


def paths_of(dt):
    """Increments of one set of Wiener paths, summed to steps of ``dt``."""
    fine = np.random.default_rng(3).normal(size=(64, SIZE)).astype(np.float32) * np.sqrt(T / 64)
    return jnp.asarray(fine.reshape(round(T / dt), -1, SIZE).sum(axis=1))


def test_the_known_steppers_are_found():
    assert {"Heun", "EulerMaruyama", "ExponentialEuler"} <= {cls.__name__ for cls in MEMBERS}


@each
def test_without_noise_it_converges_to_the_flow_of_every_part_of_the_state(cls):
    errors = []
    for dt in (0.5, 0.25):
        state = moved(example(cls), jnp.zeros((round(T / dt), 2)), dt, 1.0, 0.0)
        exact = 1 / (1 + 4 * np.exp(-T))
        errors.append([float(np.abs(state.v[0] - exact)), float(np.abs(state.other[0] - np.exp(-T)))])
    assert (np.asarray(errors[1]) < 0.6 * np.asarray(errors[0]) + 1e-6).all()
    assert (np.asarray(errors[1]) < 0.06).all()


@each
def test_with_noise_it_converges_to_stratonovich_or_ito_path_by_path(cls):
    def error(ito, dt):
        increments = paths_of(dt)
        v = np.asarray(moved(example(cls), increments, dt, 0.0, SIGMA).v)
        exact = 0.2 * np.exp(SIGMA * np.asarray(increments).sum(axis=0) - ito * SIGMA**2 * T / 2)
        return np.sqrt(np.mean((v - exact) ** 2))

    errors = [error(cls.ito, dt) for dt in (0.5, 0.125, 0.03125)]
    factor = 0.7 if cls.ito else 0.5  # the order 1/2 of any increment, and 1 of one noise
    assert errors[1] < factor * errors[0]
    assert errors[2] < factor * errors[1]
    assert errors[2] < 0.01
    assert error(not cls.ito, 0.03125) > 2 * errors[2]


@each
def test_what_does_not_move_stays_to_the_bit(cls):
    state = moved(example(cls), jnp.zeros((4, 3)), 0.5, 0.0, SIGMA)
    np.testing.assert_array_equal(state.v, np.full(3, 0.2, np.float32))
