"""A classifier shows what it is given and reads what it is named for."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import jaxsnn_noise as jn
from jaxsnn_noise._checks import InputError
from jaxsnn_noise.networks import classifier, feedforward

NETWORK = feedforward([4, 5, 3], key=0)


def test_it_shows_constant_samples_and_courses_and_reads_the_mean_potential() -> None:
    image, course = np.linspace(0, 3, 4), np.linspace(0, 3, 40).reshape(10, 4)
    constant, series = classifier(NETWORK, image, duration=10.0), classifier(NETWORK, course, duration=10.0)
    assert isinstance(constant.inputs["input"], jn.coding.Constant)
    assert isinstance(series.inputs["input"], jn.coding.TimeSeries)
    trace = {"v": jn.statistics.Trace(("v",), population="output")}
    for sim in (constant, series):
        assert sim.total_steps == 10
        found = jn.simulate(sim, key=0, statistics=dict(sim.statistics) | trace)
        np.testing.assert_allclose(found["readout"], np.asarray(found["v"].v).mean(axis=0), rtol=1e-5, atol=1e-7)
    same = classifier(NETWORK, np.tile(image, (10, 1)), duration=10.0)
    readouts = [jn.simulate(sim, key=0)["readout"] for sim in (constant, same)]
    np.testing.assert_allclose(*readouts, rtol=1e-5, atol=1e-6)


def test_a_population_that_fires_is_read_by_its_spikes() -> None:
    sim = classifier(
        NETWORK, np.ones(4), duration=5.0, dt=0.5, readout="hidden", statistics={"rate": jn.statistics.Rate("hidden")}
    )
    assert isinstance(sim.statistics["readout"], jn.statistics.SpikeCount)
    assert {"readout", "rate"} <= set(sim.statistics)
    assert sim.total_steps == 10


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"sample": np.ones(3)}, "shape"),
        ({"sample": 1.0}, r"must be \[channel\] or"),
        ({"sample": np.ones((9, 4))}, "shape"),
        ({"readout": "outputs"}, "Did you mean 'output'"),
        ({"statistics": {"readout": jn.statistics.Rate("hidden")}}, "other names than"),
        ({"network": jn.Network({"cells": jn.Population(jn.neurons.LIF(3))})}, "exactly one port"),
    ],
)
def test_bad_input_is_refused(change: dict[str, Any], said: str) -> None:
    given: dict[str, Any] = {"network": NETWORK, "sample": np.ones(4), "duration": 10.0} | change
    with pytest.raises(InputError, match=said):
        classifier(given.pop("network"), given.pop("sample"), **given)
