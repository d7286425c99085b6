"""Laws that every axis keeps. New members are found by themselves, through their ``example()``."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxsnn_noise as jn
from helpers.discovery import label, members
from jaxsnn_noise import paths, random
from jaxsnn_noise.ensemble.axes.axis import Axis
from jaxsnn_noise.parameters import declaration, declarations

MEMBERS = members(Axis)
each = pytest.mark.parametrize("cls", MEMBERS, ids=label)
ROOT = random.root(3)
START = jn.Address.of({"other": 4})


def suite():
    network = jn.Network({"cells": jn.Population(jn.neurons.LIF(3))})
    spread = {"spread": jn.hardware.Mismatch("network.cells.neuron.tau_mem", jn.laws.LogNormal(0.1), per="neuron")}
    spread["dead"] = jn.hardware.DeadNeurons("cells", jn.hardware.SingleSite(-1))
    inputs = {"cells": jn.coding.Constant(np.ones(3))}
    return jn.Simulation(network, inputs, duration=4.0, dt=1.0, imperfections=spread)


SIM = suite()


def applied(axis, index):
    return axis.apply(SIM, START, jnp.asarray(index, jnp.uint32), ROOT)


def changed(sim):
    old = paths.leaves(SIM)
    return {k: np.asarray(v) for k, v in paths.leaves(sim).items() if np.any(np.asarray(v) != np.asarray(old[k]))}


def test_the_known_axes_are_found():
    known = {"Trials", "Devices", "Samples", "Realisations", "Sweep", "Scale", "Vary", "AllSites", "RandomSites"}
    assert known <= {cls.__name__ for cls in MEMBERS}


@each
def test_the_example_fits_and_describes_itself(cls):
    axis = cls.example()
    axis.check(SIM)
    assert isinstance(axis.name, str)
    assert axis.name
    assert axis.size == len(axis.coordinate()) >= 2
    assert all(isinstance(text, str) for text in axis.attributes(SIM).values())


@each
def test_a_random_axis_adds_itself_to_the_address_and_any_other_leaves_it(cls):
    axis = cls.example()
    for index in range(axis.size):
        indices = {k: int(v) for k, v in applied(axis, index)[1].indices.items()}
        assert indices == {"other": 4} | ({axis.name: index} if cls.random else {})


@each
def test_it_sets_what_it_says_and_nothing_else(cls):
    axis = cls.example()
    found = set().union(*(changed(applied(axis, i)[0]) for i in range(axis.size)))
    assert all(path.startswith("network.") for path in found) if cls.rebuilds else found == set(axis.sets(SIM))
    assert bool(found) or cls.random  # or all members are one


@each
def test_members_differ_and_keep_the_structure(cls):
    axis = cls.example()
    one, other = (applied(axis, i) for i in (0, 1))
    assert jax.tree.structure(one[0]) == jax.tree.structure(SIM)
    assert str(one) != str(other) or any(
        np.any(np.asarray(a) != np.asarray(b))
        for a, b in zip(jax.tree.leaves(one), jax.tree.leaves(other), strict=True)
    )


@each
def test_vmap_over_the_index_equals_a_loop_to_the_bit(cls):
    axis = cls.example()
    leaves = lambda index: paths.leaves(applied(axis, index)[0])  # noqa: E731
    many = jax.jit(jax.vmap(leaves))(jnp.arange(axis.size, dtype=jnp.uint32))
    one = jax.jit(leaves)
    for index in range(axis.size):
        for path, leaf in one(jnp.uint32(index)).items():
            np.testing.assert_array_equal(many[path][index], leaf)


@each
def test_values_out_of_the_range_of_the_leaf_are_refused_with_its_path(cls):
    axis = cls.example()
    ranged = [path for path in axis.sets(SIM) if declaration(SIM, path).range.ends()[0] >= 0]
    for path in ranged:
        for name, leaf in paths.leaves(axis).items():
            with pytest.raises(jn.InputError, match=path.split(".")[-1]):
                paths.replace(axis, {name: jnp.full_like(leaf, -1.0)}).check(SIM)


@each
def test_values_of_a_leaf_are_told_with_its_unit_and_path(cls):
    axis = cls.example()
    if not cls.random and len(axis.sets(SIM)) == 1:
        path = axis.sets(SIM)[0]
        own = [said.unit for said in declarations(axis).values() if said.unit]  # of a factor, say
        assert axis.attributes(SIM) == {"units": own[0] if own else declaration(SIM, path).unit, "path": path}
        for index in range(axis.size):
            value = axis.coordinate()[index] * (np.unique(paths.get(SIM, path)) if own else 1)
            np.testing.assert_array_equal(np.unique(paths.get(applied(axis, index)[0], path)), value)
