"""Dotted paths: get, replace and list leaves."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxsnn_noise as jn
from jaxsnn_noise import paths
from jaxsnn_noise._checks import InputError


def simulation():
    noise = {"membrane": jn.noise.VoltageNoise(jn.noise.Diffusion(0.1))}
    cells = jn.Population(jn.neurons.LIF(4), noise=noise)
    recurrent = jn.synapses.Dense("cells", "cells", jnp.zeros((4, 4)))
    network = jn.Network({"cells": cells}, {"recurrent": recurrent})
    mismatch = jn.hardware.Mismatch("network.cells.neuron.tau_mem", jn.laws.LogNormal(0.1), per="neuron")
    return jn.Simulation(
        network, {"cells": jn.coding.Constant(1.1)}, imperfections={"m": mismatch}, duration=10.0, dt=1.0
    )


SIM = simulation()
LEAVES = {
    "imperfections.m.law.cv": (),
    "inputs.cells.values": (),
    "network.cells.firing.gradient.sharpness": (),
    "network.cells.neuron.resistance": (4,),
    "network.cells.neuron.tau_mem": (4,),
    "network.cells.neuron.v_reset": (4,),
    "network.cells.neuron.v_rest": (4,),
    "network.cells.neuron.v_threshold": (4,),
    "network.cells.noise.membrane.amplitude.sigma": (),
    "network.recurrent.weights": (4, 4),
}


def test_every_leaf_is_listed_in_order_with_its_shape():
    found = {path: leaf.shape for path, leaf in paths.leaves(SIM).items()}
    assert list(found.items()) == sorted(LEAVES.items())


def test_as_many_leaves_are_listed_as_the_tree_has():
    assert len(paths.leaves(SIM)) == len(jax.tree.leaves(eqx.filter(SIM, eqx.is_array)))


@pytest.mark.parametrize("path", sorted(LEAVES))
def test_a_replaced_leaf_is_got_back_and_nothing_else_moves(path):
    changed = paths.replace(SIM, {path: 2.0})
    np.testing.assert_array_equal(paths.get(changed, path), np.full(LEAVES[path], 2.0, np.float32))
    rest = {k: v for k, v in paths.leaves(changed).items() if k != path}
    for other, leaf in rest.items():
        assert leaf is paths.get(SIM, other)


def test_several_paths_are_replaced_at_once_and_keep_their_dtype():
    changed = paths.replace(SIM, {"network.cells.neuron.tau_mem": [1, 2, 3, 4], "inputs.cells.values": np.float64(2)})
    leaf = paths.get(changed, "network.cells.neuron.tau_mem")
    assert leaf.dtype == jnp.float32
    assert leaf.tolist() == [1, 2, 3, 4]
    assert paths.get(changed, "inputs.cells.values").dtype == jnp.float32


def test_a_subtree_and_lists_are_reached_by_path():
    assert paths.get(SIM, "network.cells.neuron") is SIM.network.populations["cells"].neuron
    assert paths.get({"a": [1, (2, 3)]}, "a.1.0") == 2


def test_replacing_is_traceable_and_differentiable():
    path = "network.cells.neuron.tau_mem"
    total = lambda x: paths.get(paths.replace(SIM, {path: x}), path).sum()  # noqa: E731
    assert float(jax.jit(jax.grad(total))(2.0)) == 4.0


def test_all_modules_are_found_with_their_paths():
    found = {path: type(node).__name__ for path, node in paths.nodes(SIM)}
    assert found[""] == "Simulation"
    assert found["network.cells.noise.membrane.amplitude"] == "Diffusion"


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("network.cells.neuron.tau_men", r"no such name under network.cells.neuron; got 'tau_men'. Did you mean 'tau_mem'"),
        ("network.cell.neuron", r"no such name under network; got 'cell'. Did you mean 'cells'"),
        ("netwrok", r"no such name under Simulation; got 'netwrok'. Did you mean 'network'"),
        ("network.cells.neuron.tau_mem.x", r"no such name under network.cells.neuron.tau_mem"),
        ("", r"no such name under Simulation"),
        ("network..neuron", r"no such name under network"),
        ("duration", r"no such name under Simulation"),
    ],
)  # fmt: skip
def test_an_unknown_path_is_told_with_near_matches(path, message):
    for use in (paths.get, lambda tree, path: paths.replace(tree, {path: 1.0})):
        with pytest.raises(InputError, match=message):
            use(SIM, path)


def test_a_path_to_no_array_cannot_be_replaced():
    with pytest.raises(InputError, match="must lead to an array leaf"):
        paths.replace(SIM, {"network.cells.neuron": 1.0})


@pytest.mark.parametrize("value", [np.zeros(3), np.zeros((2, 4)), np.zeros((1, 4))])
def test_a_shape_that_does_not_broadcast_is_refused(value):
    with pytest.raises(InputError, match=r"must broadcast to the leaf's shape \(4,\)"):
        paths.replace(SIM, {"network.cells.neuron.tau_mem": value})
