"""Laws that every neuron model keeps. New members are found by themselves, through their ``example()``."""

from __future__ import annotations

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from helpers.discovery import label, members
from jaxsnn_noise import paths, random
from jaxsnn_noise._checks import InputError
from jaxsnn_noise.neurons import Neuron
from jaxsnn_noise.signals import Drive, no_drive

MEMBERS = members(Neuron)
each = pytest.mark.parametrize("cls", MEMBERS, ids=label)
each_spiking = pytest.mark.parametrize("cls", [cls for cls in MEMBERS if cls.spiking], ids=label)
KEY = random.root(4)


@eqx.filter_jit
def driven(neuron, currents, dt):
    """The potential [step, neuron] under a current [step] or [step, neuron] held over each step, without spikes."""

    def step(state, seen):
        number, current = seen
        held = jnp.broadcast_to(current, (neuron.size,))
        state = neuron.integrate(state, Drive(held), random.Tick(KEY, number, 0), dt)
        return state, neuron.potential(state)

    numbers = jnp.arange(len(currents), dtype=jnp.uint32)
    return jax.lax.scan(step, neuron.rest(), (numbers, currents))[1]


def after_a_step(neuron, current=0.3, dt=0.5):
    tick = random.tick(KEY, 0)
    return neuron.integrate(neuron.rest(), Drive(jnp.full(neuron.size, current)), tick, dt)


def arrays_of(state):
    return [leaf for leaf in jax.tree.leaves(state) if eqx.is_array(leaf)]


def test_the_known_models_are_found():
    assert {"LIF", "LeakyIntegrator"} <= {cls.__name__ for cls in MEMBERS}


@each
def test_rest_is_finite_and_per_neuron(cls):
    neuron = cls.example()
    for leaf in arrays_of(neuron.rest()):
        assert leaf.shape[-1:] == (neuron.size,)
        assert np.isfinite(leaf).all()


@each
def test_a_step_keeps_the_structure_of_the_state(cls):
    neuron = cls.example()
    old, new = neuron.rest(), after_a_step(neuron)
    assert jax.tree.structure(old) == jax.tree.structure(new)
    for a, b in zip(arrays_of(old), arrays_of(new), strict=True):
        assert (a.shape, a.dtype) == (b.shape, b.dtype)


@each
def test_what_is_compared_is_finite_for_any_current(cls):
    neuron = cls.example()
    for current in (-1e3, 0.0, 1e3):
        state = after_a_step(neuron, current)
        assert np.isfinite(neuron.potential(state) - neuron.threshold(state)).all()


@each_spiking
def test_without_input_it_stays_silent(cls):
    neuron = cls.example()
    v = np.asarray(driven(neuron, jnp.zeros(200), 0.5))
    assert (v < np.asarray(neuron.threshold(neuron.rest()))).all()


@each
def test_it_is_ready_at_rest_and_ready_is_zero_or_one(cls):
    neuron = cls.example()
    np.testing.assert_array_equal(neuron.ready(neuron.rest()), np.ones(neuron.size))
    after = neuron.after_spikes(after_a_step(neuron), jnp.ones(neuron.size), 0.5)
    assert np.isin(neuron.ready(after), (0.0, 1.0)).all()


@each
def test_without_a_spike_the_reset_does_nothing(cls):
    neuron = cls.example()
    state = after_a_step(neuron)
    after = neuron.after_spikes(state, jnp.zeros(neuron.size), 0.5)
    for a, b in zip(arrays_of(state), arrays_of(after), strict=True):
        np.testing.assert_array_equal(a, b)


@each_spiking
def test_a_spike_brings_it_below_threshold_and_touches_no_other_neuron(cls):
    neuron = cls.example()
    v = neuron.threshold(neuron.rest())
    state = eqx.tree_at(lambda s: s.v, neuron.rest(), v)
    spikes = (jnp.arange(neuron.size) == 1).astype(jnp.float32)
    after = neuron.after_spikes(state, spikes, 0.5)
    assert float(neuron.potential(after)[1]) < float(neuron.threshold(after)[1])
    others = np.arange(neuron.size) != 1
    for a, b in zip(arrays_of(state), arrays_of(after), strict=True):
        np.testing.assert_array_equal(np.asarray(a)[..., others], np.asarray(b)[..., others])


@each
def test_halving_the_step_converges(cls):
    # a current that changes every 4 ms; the potential at these times, in finer and finer steps
    neuron, currents = cls.example(), jnp.array([0.4, -0.2, 0.9, 0.1])
    coarse, fine, finest = (
        np.asarray(driven(neuron, jnp.repeat(currents, n), 4.0 / n))[n - 1 :: n] for n in (2, 8, 32)
    )
    assert np.abs(finest - fine).max() <= 0.5 * np.abs(finest - coarse).max() + 1e-5


@each
def test_neurons_do_not_know_of_each_other(cls):
    neuron = cls.example()
    currents = jnp.zeros((6, neuron.size)).at[:, 1].set(0.7)
    alone, all_alike = driven(neuron, currents, 0.5), driven(neuron, jnp.full((6, neuron.size), 0.7), 0.5)
    np.testing.assert_array_equal(alone[:, 1], all_alike[:, 1])
    np.testing.assert_array_equal(alone[:, 0], driven(neuron, jnp.zeros((6, neuron.size)), 0.5)[:, 0])


@each
def test_vmap_equals_a_loop_to_the_bit(cls):
    neuron = cls.example()
    step = jax.jit(lambda current: neuron.potential(after_a_step(neuron, current)))
    currents = jnp.array([0.1, 0.5, 2.0])
    np.testing.assert_array_equal(jax.jit(jax.vmap(step))(currents), [step(c) for c in currents])


@each
def test_unit_noise_of_one_step_is_that_of_euler_in_the_limit(cls):
    neuron = cls.example()
    for dt in (1e-3, 1e-2):
        np.testing.assert_allclose(
            np.broadcast_to(neuron.diffuse(no_drive(neuron.size), dt), neuron.size), np.sqrt(dt), rtol=1e-2
        )
    assert np.all(np.asarray(neuron.diffuse(no_drive(neuron.size), 5.0)) <= np.sqrt(5.0) * (1 + 1e-6))


@each
def test_gradients_of_the_potential_are_finite(cls):
    slopes = eqx.filter_grad(lambda n: n.potential(after_a_step(n)).sum())(cls.example())
    assert all(np.isfinite(slope).all() for slope in jax.tree.leaves(slopes))


@each
def test_a_parameter_that_is_nan_is_refused_with_its_path(cls):
    neuron = cls.example()
    for path, leaf in paths.leaves(neuron).items():
        with pytest.raises(InputError, match=rf"^network.cells.neuron.*{path.split('.')[-1]}"):
            paths.replace(neuron, {path: jnp.full_like(leaf, jnp.nan)}).check("network.cells.neuron")
