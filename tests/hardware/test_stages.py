"""Imperfections act in physical order, whatever their names are."""

from __future__ import annotations

import itertools

import equinox as eqx
import numpy as np
import pytest

import jaxsnn_noise as jn
from helpers.imperfections import Drift, StuckAt, Warm
from jaxsnn_noise._checks import InputError
from jaxsnn_noise.engine.addresses import Address, Keys
from jaxsnn_noise.engine.member import impaired
from jaxsnn_noise.hardware import Mismatch, Quantised, Stage
from jaxsnn_noise.hardware.imperfection import in_order

PATH = "network.loop.weights"
SIZE = 30
ROOT = jn.random.root(4)


def simulation(**imperfections):
    weights = np.random.default_rng(0).normal(size=(SIZE, SIZE))
    network = jn.Network(
        {"cells": jn.Population(jn.neurons.LIF(SIZE))}, {"loop": jn.synapses.Dense("cells", "cells", weights)}
    )
    return jn.Simulation(network, {"cells": jn.coding.Constant(1.0)}, duration=2.0, dt=1.0, imperfections=imperfections)


KEYS = Keys(ROOT, Address.of({"device": 2}), ())


@eqx.filter_jit
def chip(sim):
    return impaired(sim, KEYS).projections["loop"].weights


class Mark(Warm):
    """``w -> 2 w + kelvin``: what comes when can be told from the outcome."""

    def apply(self, network, key):
        weights = network.projections["loop"].weights
        return jn.paths.replace(network, {"loop.weights": 2.0 * weights + self.kelvin})


class Programmed(Mark):
    stage = Stage.PROGRAMMED


class Fabricated(Mark):
    stage = Stage.FABRICATED


class Failed(Mark):
    stage = Stage.FAILED


def test_every_choice_of_names_gives_programmed_fabricated_aged_failed():
    parts = (Programmed(1.0), Fabricated(10.0), Mark(100.0), Failed(1000.0))
    sim = simulation()
    for names in itertools.permutations("abcd"):
        marked = eqx.tree_at(lambda s: s.imperfections, sim, dict(sorted(zip(names, parts, strict=True))))
        found = impaired(marked, KEYS).projections["loop"].weights
        assert np.round(found[0, 0] - 16 * sim.network.projections["loop"].weights[0, 0]) == 8 + 40 + 200 + 1000


@pytest.mark.slow
def test_a_chip_of_all_stages_is_one_after_the_other():
    """Names in the opposite order."""
    parts = {
        "d": Quantised(PATH, 4),
        "c": Mismatch(PATH, jn.laws.LogNormal(0.1), per="synapse"),
        "b": Drift("loop.weights", 0.05, 3600.0),
        "a": StuckAt("loop.weights", 0.25, 0.1),
    }
    sim = simulation(**parts)
    network = sim.network
    for name, part in parts.items():
        network = part.apply(network, KEYS.of_device(f"imperfections.{name}", part.axis))
    found = np.asarray(chip(sim))
    np.testing.assert_allclose(found, network.projections["loop"].weights, rtol=1e-5, atol=1e-7)
    assert 0.05 < np.mean(found == 0.25) < 0.2


@pytest.mark.slow
def test_the_name_of_what_draws_nothing_changes_no_chip():
    mismatch = Mismatch(PATH, jn.laws.LogNormal(0.1), per="chip")
    found, again = (np.asarray(chip(simulation(m=mismatch, **{k: Quantised(PATH, 4)}))) for k in "az")
    nominal = np.asarray(chip(simulation(k=Quantised(PATH, 4))))
    there = nominal != 0
    factor = found[there][0] / nominal[there][0]
    np.testing.assert_allclose(found, factor * nominal, rtol=1e-6)  # levels of the mismatched weights would be others
    assert factor != 1
    np.testing.assert_array_equal(found, again)


def test_within_a_stage_names_decide():
    parts = {"b": Warm(1.0), "a": Drift("loop.weights", 0.05, 3600.0), "c": Quantised(PATH, 4)}
    assert in_order(parts) == ["c", "a", "b"]
    assert sorted(Stage) == [Stage.PROGRAMMED, Stage.FABRICATED, Stage.AGED, Stage.FAILED]
    text = jn.report(simulation(**parts))
    assert text.index("imperfection c: Quantised of network.loop.weights, programmed") < text.index("imperfection a")


def test_a_stage_that_is_none_is_refused_with_the_known_ones():
    class Odd(Warm):
        stage = "aged"

    known = "Known: Stage.AGED, Stage.FABRICATED, Stage.FAILED, Stage.PROGRAMMED"
    with pytest.raises(InputError, match=rf"^imperfections.x.stage: must be a hardware.Stage; got 'aged'.*{known}"):
        simulation(x=Odd(1.0))


def test_checks_see_what_was_written_to_the_chip():
    """A weight of 0.6 is written as 1.0, and mismatch of up to a fifth would lead beyond the bound of the sums."""
    law = jn.laws.TruncatedNormal(0.1, low=0.8, high=1.2)
    parts = {"a": Mismatch(PATH, law, per="synapse"), "q": Quantised(PATH, 1, full_scale=1.0)}

    def with_bound(**chosen):
        loop = jn.synapses.Dense("cells", "cells", np.full((SIZE, SIZE), 0.6), sums=jn.synapses.FixedSums(1.1))
        network = jn.Network({"cells": jn.Population(jn.neurons.LIF(SIZE))}, {"loop": loop})
        return jn.Simulation(network, duration=2.0, dt=1.0, imperfections=chosen)

    for name, part in parts.items():
        with_bound(**{name: part})
    with pytest.raises(InputError, match=r"^imperfections.a.law: must keep network.loop.weights in its range"):
        with_bound(**parts)


def test_mismatch_of_a_neuron_is_common_to_its_synapses_in_a_matrix_and_in_a_list():
    weights = np.random.default_rng(1).normal(size=(SIZE, SIZE)) * (np.random.default_rng(2).random((SIZE, SIZE)) < 0.3)
    mismatch = Mismatch(PATH, jn.laws.LogNormal(0.2), per="neuron")

    def found(projection):
        sim = simulation(m=mismatch)
        network = jn.Network(sim.network.cells(), {"loop": projection})
        return chip(eqx.tree_at(lambda s: s.network, sim, network))

    sparse = jn.synapses.Sparse.from_dense("cells", "cells", weights)
    dense = np.asarray(found(jn.synapses.Dense("cells", "cells", weights)))
    np.testing.assert_array_equal(found(sparse), dense[np.asarray(sparse.rows), np.asarray(sparse.columns)])
