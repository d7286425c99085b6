"""Laws that kinetics, sums and projections keep. New members are found by themselves."""

from __future__ import annotations

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from helpers.discovery import label, members
from jaxsnn_noise import paths, random
from jaxsnn_noise._checks import InputError
from jaxsnn_noise.parameters import check_tree
from jaxsnn_noise.signals import Drive, Seen
from jaxsnn_noise.synapses import Delta, Exponential, Held, Kinetics, Projection, Sums

KINETICS, SUMS, PROJECTIONS = members(Kinetics), members(Sums), members(Projection)
each_kinetics = pytest.mark.parametrize("cls", KINETICS, ids=label)
each_sums = pytest.mark.parametrize("cls", SUMS, ids=label)
each_projection = pytest.mark.parametrize("cls", PROJECTIONS, ids=label)


@eqx.filter_jit
def currents(kinetics, arrivals, dt):
    """Currents [step, target] from weighted arrivals [step, target]."""

    seen = Seen(None, jnp.zeros(arrivals.shape[1]))

    def step(state, arrived):
        drive, state = kinetics.step(state, arrived, seen, dt)
        return state, drive.current

    return jax.lax.scan(step, kinetics.init(arrivals.shape[1]), arrivals)[1]


def some_weights(*shape):
    rng = np.random.default_rng(2)
    return jnp.asarray(np.where(rng.random(shape) < 0.5, rng.normal(size=shape), 0), jnp.float32)


def one_spike(steps, weight=1.5, size=3):
    return jnp.zeros((steps, size)).at[2, 1].set(weight)


def test_the_known_members_are_found():
    names = {cls.__name__ for cls in [*KINETICS, *SUMS, *PROJECTIONS]}
    assert {"Held", "Delta", "Exponential", "ExactSums", "NativeSums", "Dense"} <= names


@each_kinetics
def test_silence_in_silence_out(cls):
    np.testing.assert_array_equal(currents(cls.example(), jnp.zeros((20, 3)), 0.5), np.zeros((20, 3)))


@each_kinetics
def test_a_spike_acts_from_its_step_on_and_on_its_target_only(cls):
    current = np.asarray(currents(cls.example(), one_spike(20), 0.5))
    assert (current[:2] == 0).all()
    assert current[2, 1] > 0
    assert (current[:, [0, 2]] == 0).all()


@each_kinetics
def test_it_is_linear(cls):
    rng = np.random.default_rng(0)
    a, b = (jnp.asarray(rng.normal(size=(20, 3)), jnp.float32) for _ in range(2))
    both = currents(cls.example(), 2 * a + b, 0.5)
    apart = 2 * currents(cls.example(), a, 0.5) + currents(cls.example(), b, 0.5)
    np.testing.assert_allclose(both, apart, atol=1e-5)


@pytest.mark.parametrize(
    ("kinetics", "charge"), [(Held(), lambda w, dt: w * dt), (Delta(), lambda w, dt: w), (Exponential(5.0), lambda w, dt: 5.0 * w)]
)  # fmt: skip
@pytest.mark.parametrize("dt", [0.01, 0.5, 2.0, 20.0])
def test_the_charge_of_a_spike_is_exact_at_any_step(kinetics, charge, dt):
    steps = max(8, int(200 / dt))
    total = np.asarray(currents(kinetics, one_spike(steps), dt), np.float64).sum() * dt
    assert total == pytest.approx(charge(1.5, dt), rel=2e-4 if dt == 0.01 else 2e-6)


@pytest.mark.parametrize("dt", [0.5, 2.0])
def test_the_exponential_synapse_decays_as_it_should(dt):
    current = np.asarray(currents(Exponential(5.0), one_spike(20), dt), np.float64)[2:, 1]
    mean = 1.5 * 5.0 / dt * (1 - np.exp(-dt / 5.0))  # of the decaying current over the first step
    np.testing.assert_allclose(current, mean * np.exp(-dt / 5.0 * np.arange(18)), rtol=1e-5)


@pytest.mark.parametrize("bad", [0.0, -1.0, np.nan])
def test_a_time_constant_out_of_range_is_refused(bad):
    with pytest.raises(InputError, match=r"Exponential.tau_syn: must be finite and > 0 \[ms\]"):
        Exponential(bad)


@each_sums
def test_the_gradient_of_prepared_weights_passes_straight_through(cls):
    weights = some_weights(4, 6)
    slope = jax.grad(lambda w: (cls.example().prepare(w) * jnp.arange(24.0).reshape(4, 6)).sum())(weights)
    np.testing.assert_array_equal(slope, np.arange(24.0).reshape(4, 6))


@each_sums
def test_preparing_twice_is_preparing_once_and_zeros_stay_zero(cls):
    weights = some_weights(40, 60)
    once = cls.example().prepare(weights)
    assert (np.asarray(once)[np.asarray(weights) == 0] == 0).all()
    np.testing.assert_array_equal(cls.example().prepare(once), once)


@each_projection
def test_arrivals_of_one_step_and_of_a_stack_agree(cls):
    projection = cls.example()
    projection.check("projection", 5, 5)
    spikes = (np.random.default_rng(1).random((7, 5)) < 0.4).astype(np.float32)
    prepared = projection.prepared()
    stack = projection.arrivals(prepared, jnp.asarray(spikes))
    assert stack.shape == (7, 5)
    for row, spike in zip(stack, spikes, strict=True):
        np.testing.assert_array_equal(projection.arrivals(prepared, jnp.asarray(spike)), row)


@eqx.filter_jit
def transmitted(projection, trains):
    """Arrivals [step, target] of what is released [step, source], and the states after each step."""
    prepared, seen, key = projection.prepared(), Seen(jnp.zeros(5), jnp.zeros(5)), random.root(3)

    def step(state, released):
        arrived, state = projection.transmit(prepared, state, released, seen, random.tick(key, 0), 0.5)
        return state, (arrived.current if isinstance(arrived, Drive) else arrived, state)

    return jax.lax.scan(step, projection.init(prepared, key, 0.5), trains)[1]


@each_projection
def test_silence_arrives_as_silence_and_what_is_sent_does_not_act_before(cls):
    train = jnp.zeros((6, 5)).at[3].set(1.0)
    arrived = np.asarray(transmitted(cls.example(), train)[0])
    np.testing.assert_array_equal(arrived[[0, 1, 2, 4, 5]], np.zeros((5, 5)))
    assert np.any(arrived[3] != 0)


@each_projection
def test_the_first_step_transmits_no_more_than_the_weights(cls):
    """A linear one just that; what is used up or fails to be released can only be less."""
    projection, sent = cls.example(), jnp.ones((1, 5))
    arrived = np.asarray(transmitted(projection, sent)[0][0])
    most = np.asarray(projection.arrivals(projection.prepared(), sent[0]))
    if projection.linear:
        np.testing.assert_array_equal(arrived, most)
    assert projection.exceeds or (np.abs(arrived) <= np.abs(most) * (1 + 1e-6)).all()


@pytest.mark.slow
@each_projection
def test_transmitting_under_vmap_equals_a_loop(cls):
    trains = jnp.asarray(np.random.default_rng(1).random((3, 6, 5)) < 0.4, jnp.float32)
    batched = jax.vmap(lambda train: transmitted(cls.example(), train))(trains)
    for i, train in enumerate(trains):
        for many, one in zip(jax.tree.leaves(batched), jax.tree.leaves(transmitted(cls.example(), train)), strict=True):
            np.testing.assert_allclose(many[i], one, rtol=1e-6, atol=1e-7)


@each_projection
def test_weights_that_are_nan_or_of_another_size_are_refused(cls):
    projection = cls.example()
    with pytest.raises(InputError, match=r"projection.*\(4, 5\)"):
        projection.check("projection", 5, 4)
    for path, leaf in paths.leaves(projection).items():
        if jnp.issubdtype(leaf.dtype, jnp.floating):
            with pytest.raises(InputError, match=rf"^projection.*{path.split('.')[-1]}"):
                check_tree("projection", paths.replace(projection, {path: jnp.full_like(leaf, jnp.nan)}))


@each_projection
def test_the_fan_out_counts_synapses(cls):
    assert cls.example().fan_out().shape == (5,)
