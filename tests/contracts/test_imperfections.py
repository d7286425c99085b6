"""Laws that every imperfection keeps. New members are found by themselves, through their ``example()``."""

from __future__ import annotations

from functools import cache

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxsnn_noise as jn
from helpers.discovery import label, members
from helpers.imperfections import SCRATCH
from helpers.pace import slow_but
from helpers.seams import keys
from jaxsnn_noise import paths
from jaxsnn_noise._checks import InputError
from jaxsnn_noise.engine.pinning import pinned_tree
from jaxsnn_noise.hardware import Faults, Imperfection, Memristive, Stage
from jaxsnn_noise.opacity import opaque_zero
from jaxsnn_noise.parameters import check_tree

MEMBERS = [*members(Imperfection), *SCRATCH]
SIZE = 200


QUICK = ("DeadNeurons",)
"""Those that stand for all faults and devices in the default suite."""


def those(law):
    """The members for which a law holds; most faults run with the slow tests."""
    slow = lambda cls: issubclass(cls, (Faults, Memristive)) and cls.__name__ not in QUICK  # noqa: E731
    found = [pytest.param(cls, marks=pytest.mark.slow) if slow(cls) else cls for cls in MEMBERS if law(cls)]
    return pytest.mark.parametrize("cls", found, ids=label)


def draws(cls):
    return cls.example().axis is not None


each = those(lambda cls: True)
QUICK = [cls for cls in MEMBERS if cls.__name__ in ("Mismatch", "Quantised") or cls in SCRATCH]
each_slowly = pytest.mark.parametrize("cls", slow_but(MEMBERS, QUICK), ids=label)
grows = those(lambda cls: cls.switches_off)


def network():
    cells = jn.Population(jn.neurons.LIF(SIZE, tau_mem=20.0, refractory=2.0))
    weights = jn.synapses.random_weights(shape=(SIZE, SIZE), probability=0.1, std=0.1, key=1)
    return jn.Network({"cells": cells}, {"recurrent": jn.synapses.Dense("cells", "cells", weights)})


NETWORK = network()
POSITIVE = ("tau_mem", "resistance", "refractory", "sharpness")
TRACES = []


@eqx.filter_jit
def changed_by(imperfection, network, key):
    TRACES.append(type(imperfection))
    return imperfection.apply(network, key)


def device(imperfection, key):
    return changed_by(imperfection, NETWORK, key)


def pinned(imperfection):
    """As the engine applies it, see ``member.impaired``."""
    return lambda key, network: pinned_tree(imperfection.apply, network, zero=opaque_zero(key))(key)


def leaves_of(imperfection):
    """The paths of its parameters."""
    return [path for path, leaf in paths.leaves(imperfection).items() if jnp.issubdtype(leaf.dtype, jnp.floating)]


PROBE = "cells output"
"""What the neurons would give, were each to give a probe: a failure adds leaves, and is seen there."""


def probed(network):
    """The probe, a hundredth of the time constants, after the failures of the network."""
    output = 0.01 * network.populations["cells"].neuron.tau_mem
    for failure in network.populations["cells"].failures:
        output = jnp.where(jnp.isnan(failure.level), output, failure.level)
    return output


def seen(network):
    """The leaves of a network by path; of failures what becomes of the probe."""
    found = {path: leaf for path, leaf in paths.leaves(network).items() if ".failures." not in path}
    return found | ({PROBE: probed(network)} if network.populations["cells"].failures else {})


def seen_of(network, path):
    """One of these leaves, of a network without failures too."""
    return np.asarray(probed(network) if path == PROBE else paths.get(network, path))


def differing(changed, network=NETWORK):
    return [k for k, leaf in seen(changed).items() if np.any(np.asarray(leaf) != seen_of(network, k))]


def without_failures(network):
    """Its structure, failures of outputs aside."""
    return jax.tree.structure(eqx.tree_at(lambda n: n.populations["cells"].failures, network, ()))


@cache
def strengths(cls):
    """The paths of the leaves that switch it off at zero."""
    example = cls.example()
    zero = {path: paths.replace(example, {path: 0.0}) for path in leaves_of(example)}
    return [path for path, off in zero.items() if not differing(device(off, keys(1)[0]))]


def before_and_after(imperfection, network=NETWORK):
    """The only leaf that it changes, as it was and as it is."""
    changed = changed_by(imperfection, network, keys(1)[0])
    (path,) = differing(changed, network)
    return seen_of(network, path), np.asarray(seen(changed)[path])


def with_other_values():
    """The network with other values of what imperfections change, none of which is an old one."""
    leaves = {path: paths.get(NETWORK, path) for path in ("cells.neuron.tau_mem", "recurrent.weights")}
    return paths.replace(NETWORK, {path: 1.5 * leaf + 1.0 for path, leaf in leaves.items()})


def test_the_known_imperfections_are_found():
    assert {"Mismatch", "Quantised"} <= {cls.__name__ for cls in MEMBERS}


@each
def test_the_example_has_a_stage_and_fits_the_network_of_the_suite(cls):
    assert isinstance(cls.stage, Stage)
    assert isinstance(cls.switches_off, bool)
    assert isinstance(cls.absolute, bool)
    cls.example().check("imperfections.x", NETWORK)


@each_slowly
def test_some_leaf_at_zero_makes_it_the_identity_to_the_bit_if_it_says_so(cls):
    assert bool(strengths(cls)) is cls.switches_off


@each
def test_it_changes_the_network_keeps_its_structure_and_its_ranges(cls):
    changed = device(cls.example(), keys(1)[0])
    assert differing(changed)
    assert without_failures(changed) == jax.tree.structure(NETWORK)
    changed.check("network")
    for path, leaf in paths.leaves(changed).items():
        if path.endswith(POSITIVE):
            assert (leaf > 0).all()


@each
def test_the_same_device_is_the_same_and_devices_differ_if_it_draws(cls):
    one, other = (device(cls.example(), key) for key in keys(2))
    assert not differing(one, device(cls.example(), keys(2)[0]))
    assert bool(differing(one, other)) is draws(cls)


@grows
def test_the_same_devices_get_worse_as_its_strength_grows(cls):
    path = strengths(cls)[0]
    strength = np.asarray(paths.get(cls.example(), path))
    made = [paths.replace(cls.example(), {path: factor * strength}) for factor in (0.5, 1.0, 2.0)]
    nominal, half, full, double = before_and_after(made[0])[0], *(before_and_after(m)[1] for m in made)
    errors = [np.mean((x - nominal) ** 2) for x in (half, full, double)]
    assert 0 < errors[0] < errors[1] < errors[2]
    # common random numbers: what was set stays set, other deviations keep their order across elements
    if cls.absolute:
        assert np.all((double == full) | (full == nominal))
        assert np.all((full == half) | (half == nominal))
    elif cls.stage is Stage.FAILED:  # as far as it sets what it finds: what has failed has failed
        assert np.all((double != nominal) | (full == nominal))
        assert np.all((full != nominal) | (half == nominal))
    elif draws(cls):
        there = nominal != 0
        assert np.corrcoef(half[there] / nominal[there], double[there] / nominal[there])[0, 1] > 0.95


@each
def test_what_it_sets_depends_on_the_nominal_values_unless_it_is_absolute(cls):
    nominal, once = before_and_after(cls.example())
    other, again = before_and_after(cls.example(), with_other_values())
    set_ = (once != nominal) & (again != other)
    assert np.any(set_)
    assert np.array_equal(once[set_], again[set_]) is cls.absolute
    if cls.absolute:  # where there is something: a weight of exactly 0 is no synapse
        assert np.array_equal((again != other)[nominal != 0], (once != nominal)[nominal != 0])


@each
def test_a_new_value_of_any_parameter_compiles_nothing(cls):
    example = cls.example()
    device(example, keys(1)[0])
    before = len(TRACES)
    for path in leaves_of(example):
        device(paths.replace(example, {path: paths.get(example, path) + 1.0}), keys(1)[0])
    assert len(TRACES) == before


@each_slowly
def test_vmap_over_devices_equals_a_loop_to_the_bit(cls):
    run = pinned(cls.example())
    many = eqx.filter_jit(eqx.filter_vmap(run, in_axes=(0, None)))(keys(3), NETWORK)
    one = eqx.filter_jit(run)
    for i, key in enumerate(keys(3)):
        for path, leaf in paths.leaves(one(key, NETWORK)).items():
            np.testing.assert_array_equal(paths.leaves(many)[path][i], leaf)


def checked(imperfection):
    """As a simulation does it: ranges first, then whether it fits."""
    check_tree("imperfections.x", imperfection)
    imperfection.check("imperfections.x", NETWORK)


@each
def test_a_parameter_that_is_nan_is_refused_with_its_path(cls):
    imperfection = cls.example()
    for path in leaves_of(imperfection):
        with pytest.raises(InputError, match=rf"^imperfections.x.*{path.split('.')[-1]}"):
            checked(paths.replace(imperfection, {path: jnp.nan}))
