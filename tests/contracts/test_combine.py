"""Laws that every rule of joining drives keeps. New members are found by themselves, through their ``example()``."""

from __future__ import annotations

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from helpers.discovery import label, members
from jaxsnn_noise.signals import Drive
from jaxsnn_noise.synapses import Combine

each = pytest.mark.parametrize("cls", members(Combine), ids=label)
BATCH, SIZE = 4, 5
NAMES = ("a", "b", "c")


def parts(seed=0, scale=1.0):
    """An external current, three drives and potentials, each [BATCH, SIZE]."""
    rows = scale * np.random.default_rng(seed).normal(size=(len(NAMES) + 2, BATCH, SIZE)).astype(np.float32)
    external, potential, *currents = jnp.asarray(rows)
    return Drive(external), {k: Drive(c) for k, c in zip(NAMES, currents, strict=True)}, potential


def one(batch, row=0):
    return jax.tree.map(lambda x: x[row], batch)


@eqx.filter_jit
def join(rule, external, drives, potential):
    return rule(external, drives, potential)


def test_the_sum_is_found():
    assert "Sum" in {cls.__name__ for cls in members(Combine)}


@each
def test_it_gives_a_finite_drive_of_the_size_of_the_population(cls):
    drive = join(cls.example(), *one(parts()))
    assert drive.current.shape == (SIZE,)
    assert np.isfinite(drive.current).all()
    assert drive.conductance is None or (np.asarray(drive.conductance) >= 0).all()


@each
def test_silence_joins_to_silence(cls):
    drive = join(cls.example(), *one(parts(scale=0.0)))
    np.testing.assert_array_equal(drive.at(jnp.zeros(SIZE)), np.zeros(SIZE))


@each
def test_names_count_and_not_their_order_in_the_mapping(cls):
    external, drives, potential = one(parts())
    turned = {k: drives[k] for k in reversed(NAMES)}
    assert eqx.tree_equal(
        join(cls.example(), external, drives, potential), join(cls.example(), external, turned, potential)
    )


@each
def test_vmap_equals_a_loop(cls):
    batched = jax.vmap(lambda *row: join(cls.example(), *row))(*parts())
    for row in range(BATCH):
        alone = join(cls.example(), *one(parts(), row))
        np.testing.assert_allclose(batched.current[row], alone.current, rtol=1e-6, atol=1e-6)


@each
def test_gradients_reach_every_part_that_matters(cls):
    rows = one(parts())
    slopes = jax.grad(lambda external, drives: join(cls.example(), external, drives, rows[2]).current.sum(), (0, 1))(
        *rows[:2]
    )
    assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(slopes))
    assert np.abs(slopes[0].current).max() > 0
    assert any(np.abs(slopes[1][k].current).max() > 0 for k in NAMES)
