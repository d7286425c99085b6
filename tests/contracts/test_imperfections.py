"""Laws that every imperfection keeps. New members are found by themselves, through their ``example()``."""

from __future__ import annotations

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxsnn_noise as jn
from helpers.discovery import label, members
from helpers.seams import keys
from jaxsnn_noise import paths
from jaxsnn_noise._checks import InputError
from jaxsnn_noise.engine.pinning import pinned_tree
from jaxsnn_noise.hardware import Imperfection
from jaxsnn_noise.opacity import opaque_zero

MEMBERS = members(Imperfection)
each = pytest.mark.parametrize("cls", MEMBERS, ids=label)
SIZE = 200


def network():
    cells = jn.Population(jn.neurons.LIF(SIZE, tau_mem=20.0, refractory=2.0))
    weights = jn.synapses.random_weights(shape=(SIZE, SIZE), probability=0.1, std=0.1, key=1)
    return jn.Network({"cells": cells}, {"recurrent": jn.synapses.Dense("cells", "cells", weights)})


NETWORK = network()
POSITIVE = ("tau_mem", "resistance", "refractory", "sharpness")
device = eqx.filter_jit(lambda imperfection, key: imperfection.apply(NETWORK, key))


def strengths(imperfection):
    """The paths of the leaves that switch it off at zero."""
    found = []
    for path, leaf in paths.leaves(imperfection).items():
        changed = paths.replace(imperfection, {path: jnp.zeros_like(leaf)})
        if not differing(device(changed, keys(1)[0])):
            found.append(path)
    return found


def differing(changed):
    nominal = paths.leaves(NETWORK)
    return [k for k, leaf in paths.leaves(changed).items() if np.any(np.asarray(leaf) != np.asarray(nominal[k]))]


def test_the_known_imperfections_are_found():
    assert "Mismatch" in {cls.__name__ for cls in MEMBERS}


@each
def test_the_example_fits_a_network_with_a_population_of_lif_neurons(cls):
    cls.example().check("imperfections.x", NETWORK)


@each
def test_some_leaf_at_zero_makes_it_the_identity_to_the_bit(cls):
    assert strengths(cls.example())


@each
def test_it_changes_the_network_keeps_its_structure_and_its_ranges(cls):
    changed = device(cls.example(), keys(1)[0])
    assert differing(changed)
    assert jax.tree.structure(changed) == jax.tree.structure(NETWORK)
    changed.check("network")
    for path, leaf in paths.leaves(changed).items():
        if path.endswith(POSITIVE):
            assert (leaf > 0).all()


@each
def test_devices_differ_and_the_same_device_is_the_same(cls):
    one, other = (device(cls.example(), key) for key in keys(2))
    again = device(cls.example(), keys(2)[0])
    for path in differing(one):
        assert np.any(np.asarray(paths.get(one, path)) != np.asarray(paths.get(other, path)))
        np.testing.assert_array_equal(paths.get(one, path), paths.get(again, path))


@each
def test_the_same_devices_get_worse_as_its_strength_grows(cls):
    imperfection = cls.example()
    path = strengths(imperfection)[0]
    strength = np.asarray(paths.get(imperfection, path))
    off = []
    for factor in (0.5, 1.0, 2.0):
        changed = device(paths.replace(imperfection, {path: factor * strength}), keys(1)[0])
        (leaf,) = differing(changed)[:1]
        off.append(np.asarray(paths.get(changed, leaf)) / np.asarray(paths.get(NETWORK, leaf)) - 1)
    # common random numbers: deviations keep their order across neurons, and their spread grows
    assert np.std(off[0]) < np.std(off[1]) < np.std(off[2])
    assert np.corrcoef(off[0], off[2])[0, 1] > 0.95


@each
def test_vmap_over_devices_equals_a_loop_to_the_bit(cls):
    # as the engine applies it, pinned: see scan.impaired
    pinned = lambda key: pinned_tree(cls.example().apply, NETWORK, zero=opaque_zero(key))(key)  # noqa: E731
    many = eqx.filter_jit(jax.vmap(pinned))(keys(3))
    for i, key in enumerate(keys(3)):
        for path, leaf in paths.leaves(eqx.filter_jit(pinned)(key)).items():
            np.testing.assert_array_equal(paths.leaves(many)[path][i], leaf)


@each
def test_a_parameter_that_is_nan_is_refused_with_its_path(cls):
    imperfection = cls.example()
    for path, leaf in paths.leaves(imperfection).items():
        with pytest.raises(InputError, match=rf"^imperfections.x.*{path.split('.')[-1]}"):
            paths.replace(imperfection, {path: jnp.full_like(leaf, jnp.nan)}).check("imperfections.x", NETWORK)
