"""Laws that every firing rule keeps. New members are found by themselves, through their ``example()``."""

from __future__ import annotations

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from helpers.discovery import label, members
from helpers.seams import keys
from jaxsnn_noise import paths, random
from jaxsnn_noise._checks import InputError
from jaxsnn_noise.firing import Firing
from jaxsnn_noise.signals import Crossing, Path

MEMBERS = members(Firing)
each = pytest.mark.parametrize("cls", MEMBERS, ids=label)
N, DT = 2000, 0.5


@eqx.filter_jit
def fire(rule, margin, key):
    path = Path(jnp.full_like(margin, 0.3), DT, jnp.full_like(margin, 20.0))
    crossing = Crossing(margin, margin, jnp.ones_like(margin), path=path)
    return rule(crossing, random.tick(key, 3), DT).spikes


def test_the_known_rules_are_found():
    assert {"HardThreshold", "NoisyThreshold"} <= {cls.__name__ for cls in MEMBERS}


@each
def test_far_from_threshold_it_is_certain_and_spikes_are_zero_or_one(cls):
    rule, key = cls.example(), keys(1)[0]
    np.testing.assert_array_equal(fire(rule, jnp.full(N, -1e4), key), np.zeros(N))
    np.testing.assert_array_equal(fire(rule, jnp.full(N, 1e4), key), np.ones(N))
    assert np.isin(fire(rule, jnp.linspace(-1, 1, N), key), (0.0, 1.0)).all()


@each
def test_a_larger_margin_fires_wherever_a_smaller_one_does(cls):
    rule, key = cls.example(), keys(1)[0]
    spikes = np.stack([fire(rule, jnp.full(N, m), key) for m in (-0.5, -0.1, 0.0, 0.1, 0.5)])
    assert (np.diff(spikes, axis=0) >= 0).all()


@each
def test_vmap_equals_a_loop_to_the_bit(cls):
    rule, margin = cls.example(), jnp.linspace(-1, 1, N)
    batched = eqx.filter_jit(lambda ks: jax.vmap(lambda k: fire(rule, margin, k))(ks))
    np.testing.assert_array_equal(batched(keys(3)), [fire(rule, margin, key) for key in keys(3)])


@each
def test_gradients_are_finite_and_point_upwards(cls):
    slope = jax.grad(lambda m: fire(cls.example(), m, keys(1)[0]).sum())(jnp.linspace(-2, 2, N))
    assert np.isfinite(slope).all()
    assert (slope >= 0).all()
    assert slope[N // 2 - 1] > 0  # just below the threshold


@each
def test_a_parameter_that_is_nan_is_refused_with_its_path(cls):
    rule = cls.example()
    for path, leaf in paths.leaves(rule).items():
        with pytest.raises(InputError, match=rf"^network.cells.firing.*{path.split('.')[-1]}"):
            paths.replace(rule, {path: jnp.full_like(leaf, jnp.nan)}).check("network.cells.firing")
