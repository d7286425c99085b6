"""Names for the numbers of a study: fields, dimensions that clash, and traces that were not recorded."""

from __future__ import annotations

import numpy as np
import pytest

import jaxsnn_noise as jn


def ensemble(**statistics: jn.statistics.Statistic):
    network = jn.Network({"cells": jn.Population(jn.neurons.LIF(3))})
    sim = jn.Simulation(network, {"cells": jn.coding.Constant(1.5)}, duration=8.0, dt=1.0, statistics=statistics)
    return jn.monte_carlo(sim, [jn.Trials(2)], key=0, progress=False)


def test_a_trace_brings_what_it_recorded_and_no_more() -> None:
    found = ensemble(course=jn.statistics.Trace(("v", "spikes"), every=2))
    assert {name for name in found.data_vars if name.startswith("course")} == {"course_v", "course_spikes"}
    assert found["course_v"].dims == ("trial", "time", "neuron")
    assert found["course_v"].attrs == {"units": "mV"}
    np.testing.assert_array_equal(found["time"], [2.0, 4.0, 6.0, 8.0])
    assert found["time"].attrs == {"units": "ms"}


def test_all_neurons_of_a_trace_are_the_neurons_of_other_statistics() -> None:
    found = ensemble(course=jn.statistics.Trace(("v",)), rate=jn.statistics.Rate())
    assert found["rate"].dims == ("trial", "neuron")
    assert found["course_v"].dims == ("trial", "time", "neuron")


@pytest.mark.parametrize("chosen", [(0, 2), (2, 0, 1)])
def test_chosen_neurons_of_a_trace_have_a_dimension_of_their_own(chosen: tuple[int, ...]) -> None:
    found = ensemble(course=jn.statistics.Trace(("v",), neurons=chosen), rate=jn.statistics.Rate())
    assert found["rate"].dims == ("trial", "rate_neuron")
    assert found["course_v"].dims == ("trial", "time", "course_neuron")
    np.testing.assert_array_equal(found["course_neuron"], chosen)
