"""Laws that every reset keeps. New members are found by themselves."""

from __future__ import annotations

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from helpers.discovery import example, label, members
from jaxsnn_noise import InputError
from jaxsnn_noise.neurons import Reset

MEMBERS = members(Reset)
each = pytest.mark.parametrize("cls", MEMBERS, ids=label)
V = jnp.asarray([-0.5, 0.3, 1.0, 1.4])
LOW, HIGH = jnp.full(4, -0.2), jnp.full(4, 1.0)


def test_the_known_resets_are_found() -> None:
    assert {"ResetToValue", "ResetBySubtraction", "FlooredReset"} <= {cls.__name__ for cls in MEMBERS}


@each
def test_without_a_spike_the_potential_stays_and_neurons_do_not_touch(cls: type[Reset]) -> None:
    np.testing.assert_array_equal(example(cls)(V, jnp.zeros(4), LOW, HIGH), V)
    some = example(cls)(V, jnp.asarray([0.0, 0.0, 1.0, 0.0]), LOW, HIGH)
    np.testing.assert_array_equal(np.asarray(some)[[0, 1, 3]], np.asarray(V)[[0, 1, 3]])


@each
def test_a_spike_at_the_threshold_leads_to_the_reset_value(cls: type[Reset]) -> None:
    np.testing.assert_allclose(example(cls)(HIGH, jnp.ones(4), LOW, HIGH), LOW, rtol=1e-6)
    assert (np.asarray(example(cls)(HIGH + 0.4, jnp.ones(4), LOW, HIGH)) < np.asarray(HIGH)).all()


@each
def test_detached_no_gradient_passes_through_the_spike_and_else_it_does(cls: type[Reset]) -> None:
    def total(spikes: jax.Array, *, detach: bool) -> jax.Array:
        return dataclasses.replace(example(cls), detach=detach)(V, spikes, LOW, HIGH).sum()

    for detach in (True, False):
        slope = np.asarray(jax.grad(lambda s, d=detach: total(s, detach=d))(jnp.ones(4)))
        assert bool(np.any(slope)) is not detach


@each
def test_the_flag_is_one(cls: type[Reset]) -> None:
    with pytest.raises(InputError, match=r"Reset.detach: must be True or False"):
        dataclasses.replace(example(cls), detach=1)
