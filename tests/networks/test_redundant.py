"""Triple modular redundancy: nothing changes without a fault, and nothing with one in any single copy."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import jaxsnn_noise as jn
from jaxsnn_noise import hardware
from jaxsnn_noise._checks import InputError
from jaxsnn_noise.hardware import SingleSite
from jaxsnn_noise.networks import triplicated

IMAGE = np.linspace(0.0, 6.0, 6)


def network() -> jn.Network:
    made = jn.networks.feedforward([6, 4, 3], key=3, readout=jn.neurons.LIF)
    loop = jn.synapses.Dense("hidden", "hidden", 0.4 * np.random.default_rng(0).normal(size=(4, 4)))
    return jn.Network(made.populations, {**made.projections, "loop": loop})


def simulation(net: jn.Network, **faults: Any) -> jn.Simulation:
    shown = {"out": jn.statistics.Trace(("v", "spikes"), population="output")}
    return jn.Simulation(
        net, {"input": jn.coding.Constant(IMAGE)}, duration=20.0, dt=1.0, imperfections=faults, statistics=shown
    )


def outputs(sim: jn.Simulation) -> dict[str, np.ndarray]:
    return {k: np.asarray(v) for k, v in jn.simulate(sim, key=0)["out"].items()}


@pytest.mark.slow
@pytest.mark.parametrize("neurons", [None, [2, 0]])
def test_without_a_fault_and_with_one_in_any_copy_every_bit_stays(neurons):
    plain, safe = network(), triplicated(network(), "hidden", neurons)
    expected = outputs(simulation(plain))
    assert expected["spikes"].sum() > 2
    found = outputs(simulation(safe.network))
    for k, v in expected.items():
        np.testing.assert_array_equal(found[k], v)
    count = 4 if neurons is None else 2
    assert safe.neurons == 2 * count + 4
    assert safe.synapses == 2 * count * (6 + 4) + (3 * count + 4 - count)
    for fault in (hardware.DeadNeurons, hardware.SaturatedNeurons):
        sim = simulation(safe.network, x=fault("hidden", SingleSite(-1)))
        all_sites = jn.monte_carlo(sim, [jn.AllSites(sim, "x")], key=0, progress=False)["out_spikes"]
        masked = (all_sites.values == expected["spikes"]).all((1, 2))
        protected = range(4) if neurons is None else neurons
        copies = [*protected, *range(4, 4 + 2 * count)]
        assert masked[copies].all()
    alone = simulation(plain, x=hardware.SaturatedNeurons("hidden", SingleSite(-1)))
    spread = jn.monte_carlo(alone, [jn.AllSites(alone, "x")], key=0, progress=False)["out_spikes"].values
    assert not (spread == expected["spikes"]).all()  # a control: without redundancy a fault is seen
    if neurons is not None:
        assert not masked[[1, 3]].all()


@pytest.mark.slow
def test_its_cost_and_what_it_cannot_copy_are_told():
    safe = triplicated(network(), "hidden", [1])
    assert safe.network.populations["hidden"].size == 6
    np.testing.assert_array_equal(safe.network.projections["hidden_to_voter"].weights[1], [0, 0.5, 0, 0, 0.5, 0.5])
    lif = jn.neurons.LIF(3, tau_mem=[10.0, 20.0, 30.0], refractory=2.0)
    cells = triplicated(jn.Network({"cells": jn.Population(lif)}), "cells", [2]).network.populations["cells"]
    np.testing.assert_array_equal(cells.neuron.tau_mem, [10, 20, 30, 30, 30])
    sparse = jn.synapses.Sparse.from_dense("cells", "cells", np.eye(3))
    for make, message in (
        (lambda: triplicated(network(), "hiden"), r"population: unknown name; got 'hiden'"),
        (lambda: triplicated(network(), "hidden", [4]), r"neurons: must be numbers of neurons, each once, in \[0, 3\]"),
        (lambda: triplicated(network(), "hidden", [1, 1]), r"neurons: must be numbers"),
        (lambda: triplicated(jn.networks.feedforward([3, 2, 2], key=0), "output"), r"population: must fire"),
        (lambda: triplicated(jn.Network({"cells": jn.Population(lif)}, {"loop": sparse}), "cells"), r"loop: must be Dense or NoisyDense"),
    ):  # fmt: skip
        with pytest.raises(InputError, match=message):
            make()
