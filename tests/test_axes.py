"""Axes: what each does to a member, and that their order means nothing."""

import itertools

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxsnn_noise as jn
from helpers.nets import SIGMA, recurrent
from jaxsnn_noise import noise, random
from jaxsnn_noise.engine.addresses import Address

ROOT = random.root(3)
SIM = recurrent(6, duration=8.0)


def applied(axis, index, sim=SIM, address=None):
    return axis.apply(sim, Address.of() if address is None else address, jnp.uint32(index), ROOT)


def place(address):
    return {k: int(v) for k, v in address.indices.items()}


@pytest.mark.parametrize(
    ("axis", "name"),
    [
        (jn.Trials(3), "trial"),
        (jn.Devices(3), "device"),
        (jn.Trials(3, name="again"), "again"),
        (jn.Samples(np.zeros((3,))), "sample"),
    ],
)
def test_a_random_axis_adds_itself_to_the_address(axis, name):
    assert axis.random
    assert place(applied(axis, 2)[1]) == {name: 2}


@pytest.mark.parametrize("axis", [jn.Sweep(SIGMA, [0.1, 0.2]), jn.Vary({SIGMA: [0.1, 0.2]})])
def test_a_sweep_leaves_the_address_alone_and_sets_its_leaf(axis):
    changed, address = applied(axis, 1)
    assert not axis.random
    assert place(address) == {}
    assert float(jn.paths.get(changed, SIGMA)) == np.float32(0.2)


def test_a_sweep_may_set_each_neuron_apart():
    path = "network.cells.neuron.tau_mem"
    axis = jn.Sweep(path, np.arange(12.0).reshape(2, 6) + 1)
    np.testing.assert_array_equal(jn.paths.get(applied(axis, 1)[0], path), np.arange(7, 13))
    np.testing.assert_array_equal(axis.coordinate(), [0, 1])


def test_vary_zips_its_leaves_or_calls_its_function():
    zipped = jn.Vary({SIGMA: [0.1, 0.2], "inputs.cells.values": [1.0, 2.0]})
    changed = applied(zipped, 1)[0]
    assert float(jn.paths.get(changed, SIGMA)) == np.float32(0.2)
    assert float(changed.inputs["cells"].values) == 2
    by = jn.Vary([1.0, 4.0], by=lambda sim, x: jn.paths.replace(sim, {SIGMA: x / 2, "inputs.cells.values": x}))
    changed = applied(by, 1)[0]
    assert float(jn.paths.get(changed, SIGMA)) == 2
    assert float(changed.inputs["cells"].values) == 4


def test_samples_set_the_values_of_the_input():
    axis = jn.Samples([0.5, 1.5], labels=["a", "b"])
    assert float(applied(axis, 1)[0].inputs["cells"].values) == 1.5
    assert axis.size == 2


def test_paired_devices_redraw_chips_and_no_noise():
    address = applied(jn.Devices(3, paired=True), 2)[1]
    assert place(address) == {"device": 2}
    assert address.paired == {"device"}


@pytest.mark.slow
def test_realisations_draw_from_their_own_index_alone():
    def build(key):
        weights = jn.synapses.random_weights(shape=(6, 6), probability=1.0, std=1.0, key=key)
        return jn.Network(SIM.network.populations, {"recurrent": jn.synapses.Dense("cells", "cells", weights)})

    axis, path = jn.Realisations(3, build), "network.recurrent.weights"
    alone = jn.paths.get(applied(axis, 1)[0], path)
    in_a_trial = jn.paths.get(applied(axis, 1, address=Address.of({"trial": 4}))[0], path)
    np.testing.assert_array_equal(alone, in_a_trial)
    assert np.any(np.asarray(alone) != np.asarray(jn.paths.get(applied(axis, 2)[0], path)))


def built(key):
    weights = jn.synapses.random_weights(shape=(6, 6), probability=0.5, std=2.0, key=key)
    cells = jn.Population(
        jn.neurons.LIF(6, refractory=2.0), noise={"membrane": noise.VoltageNoise(noise.Diffusion(0.1))}
    )
    return jn.Network({"cells": cells}, {"recurrent": jn.synapses.Dense("cells", "cells", weights)})


@pytest.mark.slow
def test_a_sweep_acts_on_what_is_built_whatever_the_order_of_axes():
    # a network built after the sweep would undo it
    sim = jn.Simulation(
        built(0),
        {"cells": jn.coding.Constant(1.5)},
        duration=20.0,
        dt=1.0,
        statistics={"rate": jn.statistics.Rate(), "v": jn.statistics.VoltageMoments()},
    )
    axes = [jn.Sweep(SIGMA, [0.0, 0.5], name="sigma"), jn.Realisations(2, built), jn.Trials(2)]
    results = [
        jn.monte_carlo(sim, list(order), key=1, progress=False).transpose("sigma", "realisation", "trial", ...)
        for order in (axes, axes[::-1])
    ]
    for name in results[0].data_vars:
        np.testing.assert_array_equal(results[0][name].values, results[1][name].values)
    v = results[0]["v_mean"].values
    assert (v[0, :, 0] == v[0, :, 1]).all()
    assert (v[1, :, 0] != v[1, :, 1]).any()


def test_every_order_of_three_axes_gives_one_address():
    axes = [(jn.Trials(4), 3), (jn.Devices(4), 1), (jn.Samples(np.zeros(4)), 2)]
    keys = set()
    for order in itertools.permutations(axes):
        sim, address = SIM, Address.of()
        for axis, index in order:
            sim, address = axis.apply(sim, address, jnp.uint32(index), ROOT)
        keys.add(tuple(np.asarray(random.member(ROOT, **address.indices))))
    assert len(keys) == 1


@pytest.mark.slow
def test_a_table_of_labels_unfolds_a_factorial_design():
    kinds, levels = np.meshgrid(["weak", "strong"], [0.1, 0.2, 0.3], indexing="ij")
    sigma = np.where(kinds == "weak", levels, 2 * levels).ravel()
    table = {"kind": kinds.ravel(), "level": levels.ravel()}
    study = jn.monte_carlo(SIM, [jn.Vary({SIGMA: sigma}, labels=table), jn.Trials(2)], key=0, progress=False)
    plain = jn.monte_carlo(SIM, [jn.Vary({SIGMA: sigma}), jn.Trials(2)], key=0, progress=False)
    name = next(iter(study.data_vars))
    unfolded = study[[name]].set_index(vary=["kind", "level"]).unstack("vary")[name]
    assert unfolded.sizes["kind"] == 2
    assert unfolded.sizes["level"] == 3
    for i, row in enumerate(sigma):
        found = unfolded.sel(kind=kinds.ravel()[i], level=levels.ravel()[i])
        np.testing.assert_array_equal(found.transpose(*plain[name].dims[1:]), plain[name].values[i], err_msg=str(row))


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (["a"], r"Vary.labels: must be one for each of the 2 members; got \(1,\)"),
        ({"kind": ["a"]}, r"Vary.labels\['kind'\]: must have one value for each of the 2"),
        ({"trial": [1, 2]}, r"Vary.labels: needs another name of a column: .*; got 'trial'"),
    ],
)
def test_labels_that_do_not_fit_are_told_before_computing(labels, message):
    with pytest.raises(jn.InputError, match=message):
        jn.monte_carlo(SIM, [jn.Vary({SIGMA: [0.1, 0.2]}, labels=labels), jn.Trials(2)], key=0, progress=False)


CALLS = []
"""One entry for every time that JAX traces a function with fields."""


class Wiring(eqx.Module):
    """Builds a network; another strength is no other program."""

    strength: jax.Array

    def __call__(self, key):
        CALLS.append("builder")
        weights = self.strength * random.normals(random.stream(random.root(key), "weights"), (6, 6))
        recurrent = jn.synapses.Dense("cells", "cells", weights)
        return jn.Network({"cells": SIM.network.populations["cells"]}, {"recurrent": recurrent})


class Drive(eqx.Module):
    """Sets the input to a value times a factor."""

    factor: jax.Array

    def __call__(self, sim, value):
        CALLS.append("by")
        return jn.paths.replace(sim, {"inputs.cells.values": self.factor * value})


AXES_OF_FUNCTIONS = {
    "builder": lambda factor: jn.Realisations(2, Wiring(jnp.float32(factor))),
    "by": lambda factor: jn.Vary(np.array([1.0, 1.3]), by=Drive(jnp.float32(factor))),
}


@pytest.mark.slow
@pytest.mark.parametrize("kind", AXES_OF_FUNCTIONS)
def test_a_function_with_fields_compiles_once_and_counts_by_its_values(kind, tmp_path):
    v = {"v": jn.statistics.VoltageMoments()}

    def run(factor, store=None):
        CALLS.clear()
        axes = [AXES_OF_FUNCTIONS[kind](factor)]
        return jn.monte_carlo(SIM, axes, key=0, progress=False, store=store, statistics=v)["v_mean"].values, len(CALLS)

    first, traced = run(1.0)
    second, again = run(1.5)
    assert traced > again  # what is left are the checks
    assert again <= 2
    assert not np.array_equal(first, second)
    # a store tells them apart
    np.testing.assert_array_equal(run(1.0, tmp_path)[0], first)
    np.testing.assert_array_equal(run(1.5, tmp_path)[0], second)
    np.testing.assert_array_equal(run(1.0, tmp_path)[0], first)
