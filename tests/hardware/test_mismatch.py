"""Mismatch is refused where a draw could leave the range of its parameter: the farthest one counts."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
import pytest

import jaxsnn_noise as jn
from jaxsnn_noise import laws, random
from jaxsnn_noise._checks import InputError


def mismatched(law):
    network = jn.Network({"cells": jn.Population(jn.neurons.LIF(3))})
    chips = {"tau": jn.hardware.Mismatch("network.cells.neuron.tau_mem", law=law, per="neuron")}
    return jn.Simulation(network, duration=2.0, dt=1.0, imperfections=chips)


@pytest.mark.parametrize(
    ("law", "reach"),
    [
        (laws.Normal, 1.0),
        (lambda cv: laws.Correlated(laws.Normal(cv), rho=0.5), np.sqrt(2.0)),  # a common part and one of its own
        (lambda cv: laws.Correlated(laws.Normal(cv), rho=0.0), 1.0),
    ],
)
def test_the_farthest_draw_decides(law, reach):
    widest = 1.0 / (random.LARGEST_NORMAL * reach)
    mismatched(law(0.999 * widest))
    with pytest.raises(InputError, match=r"must keep network\.cells\.neuron\.tau_mem in its range in every draw"):
        mismatched(law(1.001 * widest))


def test_the_farthest_score_is_that_of_the_farthest_words():
    law = laws.Correlated(laws.Normal(0.1), rho=0.3)
    expected = (np.sqrt(0.3) + np.sqrt(0.7)) * random.LARGEST_NORMAL
    assert float(law.farthest) == pytest.approx(expected, rel=1e-6)
    scores = law.scores(random.root(0), jnp.arange(1000, dtype=jnp.uint32))
    assert float(jnp.abs(scores).max()) < law.farthest


@pytest.mark.parametrize("per", ["neuron", "synapse", jn.hardware.VarianceSplit(die=0.5, neuron=0.5)])
def test_one_number_for_a_layer_has_no_deviation_of_each_neuron(per):
    feed = jn.synapses.Dense("cells", "cells", np.eye(3), kinetics=jn.synapses.Exponential(5.0))
    network = jn.Network({"cells": jn.Population(jn.neurons.LIF(3))}, {"feed": feed})
    make = lambda per: jn.hardware.Mismatch("network.feed.kinetics.tau_syn", laws.LogNormal(0.1), per=per)  # noqa: E731
    jn.Simulation(network, duration=2.0, dt=1.0, imperfections={"tau": make("chip")})
    with pytest.raises(InputError, match=r'per: must be "chip", or parts above the neuron: .* is one number'):
        jn.Simulation(network, duration=2.0, dt=1.0, imperfections={"tau": make(per)})
