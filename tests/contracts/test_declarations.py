"""What every parameter of every part says of itself: a unit and a range, which everything that reads them keeps."""

from __future__ import annotations

import inspect

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxsnn_noise as jn
from helpers.discovery import example, label, members
from jaxsnn_noise import paths
from jaxsnn_noise._checks import InputError
from jaxsnn_noise.parameters import Ranged, declarations, fields_of, undeclared
from jaxsnn_noise.training.transforms import within

MEMBERS = [cls for cls in members(Ranged) if not inspect.isabstract(cls) and not cls.__name__.startswith("_")]
OTHERS = [
    cls for cls in members(eqx.Module) if hasattr(cls, "example") and cls not in MEMBERS and not inspect.isabstract(cls)
]
each = pytest.mark.parametrize("cls", MEMBERS, ids=label)


def own(cls):
    """The declared float parameters of a member itself, with its example and their declarations."""
    member = example(cls)
    said = declarations(member)
    arrays = {name: getattr(member, name) for name, _ in fields_of(cls) if eqx.is_array(getattr(member, name))}
    return member, {name: said[name] for name, leaf in arrays.items() if jnp.issubdtype(leaf.dtype, jnp.floating)}


def test_the_families_are_found():
    names = {cls.__name__ for cls in MEMBERS}
    assert {"LIF", "OrnsteinUhlenbeck", "Conductance", "PairSTDP", "LogNormal", "SuperSpike", "NoisyThreshold"} <= names
    assert {"Constant", "Mismatch", "Between", "CrossEntropy", "FractionBelow", "Sweep", "FixedSums"} <= names


@pytest.mark.parametrize("cls", MEMBERS + OTHERS, ids=label)
def test_every_array_leaf_is_declared(cls):
    assert undeclared(example(cls)) == []


@each
def test_the_example_lies_in_its_own_ranges(cls):
    member, said = own(cls)
    for name, found in said.items():
        assert found.range.holds(np.asarray(getattr(member, name))), name
        assert found.range.rule.startswith("must "), name


@each
def test_nan_and_values_beyond_an_end_are_refused_with_rule_and_name(cls):
    member, said = own(cls)
    for name, found in said.items():
        leaf = np.asarray(getattr(member, name))
        low, high = found.range.ends()
        outside = [np.nan, *([low - 1.0] if np.isfinite(low) else []), *([high + 1.0] if np.isfinite(high) else [])]
        outside += [low] if found.range.low_open and np.isfinite(low) else []
        for value in outside:
            changed = eqx.tree_at(lambda m, name=name: getattr(m, name), member, jnp.full_like(leaf, value))
            with pytest.raises(InputError, match=rf"^part.{name}: must "):
                jn.parameters.check_tree("part", changed)


@each
def test_training_keeps_every_parameter_in_its_range(cls):
    member, said = own(cls)
    for name, found in said.items():
        if found.range.whole or not leaf_is_trainable(found, np.asarray(getattr(member, name))):
            continue
        transform = within(found)
        free = transform.free(jnp.asarray(getattr(member, name)))
        for shift in (-3.0, 3.0):
            assert found.range.holds(np.asarray(transform.constrain(free + shift))), name


def leaf_is_trainable(found, leaf):
    low, high = found.range.ends()
    return bool(np.all((leaf > low) | np.isneginf(low)) and np.all((leaf < high) | np.isposinf(high)))


@pytest.mark.parametrize("cls", members(jn.neurons.Neuron), ids=label)
def test_states_of_neurons_say_their_units(cls):
    state = cls.example().rest()
    assert sorted(declarations(state)) == sorted(paths.leaves(state))


@pytest.mark.parametrize("cls", members(jn.synapses.Kinetics), ids=label)
def test_states_of_kinetics_say_their_units(cls):
    state = cls.example().init(5)
    assert [path for path in paths.leaves(state) if path not in declarations(state)] == []


@pytest.mark.parametrize("cls", members(jn.synapses.Projection), ids=label)
def test_states_of_projections_say_their_units(cls):
    projection = cls.example()
    state = projection.init(projection.prepared(), jax.random.key_data(jax.random.key(0)), 1.0)
    assert [path for path in paths.leaves(state) if path not in declarations(state)] == []
