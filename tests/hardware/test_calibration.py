"""Calibration of chips: gains and offsets that are known are taken away, trims bring each neuron to what it should do."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import jaxsnn_noise as jn
from jaxsnn_noise import random
from jaxsnn_noise._checks import InputError
from jaxsnn_noise.hardware import OutputCalibration, Trim, trims

RNG = np.random.default_rng(0)


def test_a_gain_that_is_wrong_is_calibrated_away_and_one_that_cannot_be_known_is_left() -> None:
    wanted, tested = RNG.normal(size=(20, 3)), RNG.normal(size=(7, 3))
    gain, offset = RNG.uniform(0.5, 2, (4, 1, 3)), RNG.normal(size=(4, 1, 3))
    found = OutputCalibration.fitted(gain * wanted + offset, wanted)
    np.testing.assert_allclose(found(gain * tested + offset), np.broadcast_to(tested, (4, 7, 3)), atol=1e-12)
    np.testing.assert_allclose(found.gain, 1.0 / gain[:, 0])
    assert found.measurements == 20
    silent = OutputCalibration.fitted(np.ones((1, 20, 3)), wanted)
    np.testing.assert_allclose(silent(np.ones((1, 7, 3))), np.broadcast_to(wanted.mean(axis=0), (1, 7, 3)))


def test_the_fit_is_that_of_least_squares_for_noisy_readouts() -> None:
    wanted = RNG.normal(size=(50, 2))
    measured = 0.7 * wanted + 0.2 + 0.3 * RNG.normal(size=(50, 2))
    found = OutputCalibration.fitted(measured, wanted)
    for output in range(2):
        slope, offset = np.polyfit(measured[:, output], wanted[:, output], 1)
        assert found.gain[output] == pytest.approx(slope)
        assert found.offset[output] == pytest.approx(offset)
    common = OutputCalibration.fitted(measured, wanted, common=True)
    slope = np.linalg.lstsq(measured.reshape(-1, 1), wanted.ravel(), rcond=None)[0][0]
    np.testing.assert_allclose(common.gain, [slope, slope])
    np.testing.assert_array_equal(common.offset, 0.0)


def test_trims_find_what_each_neuron_of_each_chip_needs_within_the_promised_error() -> None:
    needed = RNG.uniform(-0.9, 0.9, (3, 5))
    calls = []

    def measure(tried: np.ndarray) -> np.ndarray:
        calls.append(tried)
        return 4.0 * (tried - needed)

    for readings in (1, 4, 10):
        calls.clear()
        found = trims(measure, np.zeros((3, 5)), low=-1.0, high=1.0, start=0.0, rises=True, readings=readings)
        assert len(calls) == readings
        assert np.abs(found - needed).max() <= 2.0 / 2 ** (readings - 1)
    falls = trims(lambda t: -measure(t), np.zeros((3, 5)), low=-1.0, high=1.0, start=0.0, rises=False, readings=10)
    np.testing.assert_allclose(falls, needed, atol=2.0 / 2**9)


def test_a_neuron_that_is_right_stays_and_one_out_of_reach_gets_the_nearest() -> None:
    wanted = np.array([3.0, 0.0, 9.0])
    # the first is right at once, the second silent as it should be, the third never gets there
    counts = lambda t: np.array([3.0, 0.0, np.floor(4.0 + 2.0 * t[2])])  # noqa: E731
    found = trims(counts, wanted, low=-1.0, high=1.0, start=0.1, rises=True)
    assert found[:2].tolist() == [0.1, 0.1]
    assert 0.5 <= found[2] <= 1.0


def test_trims_of_thresholds_give_chips_their_spikes_back() -> None:
    """The example of the neuron: mismatch of thresholds and resistances, trimmed by the spikes under a constant current."""
    size, chips = 6, 4
    network = jn.Network({"cells": jn.Population(jn.neurons.LIF(size))})
    law = jn.laws.LogNormal(0.3)
    parts = {
        "gain": jn.hardware.Mismatch("network.cells.neuron.resistance", law, per="neuron"),
        "trim": Trim("network.cells.neuron.v_threshold", factor=np.ones(size)),
    }
    sim = jn.Simulation(network, {"cells": jn.coding.Constant(3.0)}, imperfections=parts, duration=200.0, dt=1.0,
                        statistics={"counts": jn.statistics.SpikeCount()})  # fmt: skip
    clean = jn.Simulation(network, sim.inputs, duration=200.0, dt=1.0, statistics=sim.statistics)
    wanted = np.broadcast_to(np.asarray(jn.simulate(clean, key=0)["counts"], float), (chips, size))

    def measure(factor: np.ndarray) -> np.ndarray:
        axis = jn.Vary({"imperfections.trim.factor": factor.astype(np.float32)}, name="chip", labels=range(chips))
        data = jn.monte_carlo(sim, [axis, jn.Devices(chips)], key=1, progress=False)["counts"]
        rows = data.transpose("chip", "device", "cells_neuron").values
        return rows[np.arange(chips), np.arange(chips)].astype(float)

    before = np.abs(measure(np.ones((chips, size))) - wanted)
    factors = trims(measure, wanted, low=0.2, high=3.0, start=1.0, rises=False, readings=10)
    after = np.abs(measure(factors) - wanted)
    assert before.mean() > 2.0
    assert after.max() <= 1.0


def test_a_trim_acts_before_the_chip_and_only_on_its_leaf() -> None:
    network = jn.Network({"cells": jn.Population(jn.neurons.LIF(3))})
    moved = Trim("network.cells.neuron.v_threshold", factor=[1.0, 2.0, 0.5], shift=0.25).apply(network, random.root(0))
    cells = moved.populations["cells"].neuron
    assert cells.v_threshold.tolist() == [1.25, 2.25, 0.75]
    np.testing.assert_array_equal(cells.tau_mem, network.populations["cells"].neuron.tau_mem)
    assert Trim.stage < jn.hardware.Mismatch.stage


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: OutputCalibration.fitted(np.ones((2, 5, 3)), np.ones((4, 3))), r"must have the shape \(\.\.\., 4, 3\)"),
        (lambda: OutputCalibration.fitted(np.ones((1, 3)), np.ones((1, 3))), "at least two samples"),
        (lambda: OutputCalibration.fitted(np.full((2, 3), np.nan), np.ones((2, 3))), "finite"),
        (lambda: trims(lambda t: t, np.zeros(2), low=1.0, high=0.0, start=0.5, rises=True), "must lie between"),
        (lambda: trims(lambda t: t[:1], np.zeros(2), low=0.0, high=1.0, start=0.5, rises=True), "shape of what is wanted"),
        (lambda: trims(lambda t: t, np.zeros(2), low=0.0, high=1.0, start=0.5, rises=True, readings=0), ">= 1"),
        (lambda: checked(Trim("network.cells.neuron.v_treshold")), "v_threshold"),
        (lambda: checked(Trim("network.cells.neuron.v_threshold", factor=[1.0, 2.0])), "one number, or have the shape"),
        (lambda: checked(Trim("network.cells.neuron.tau_mem", factor=0.0)), "must keep"),
    ],
)  # fmt: skip
def test_bad_input_is_refused(make: Any, said: str) -> None:
    with pytest.raises(InputError, match=said):
        make()


def checked(trim: Trim) -> None:
    """What a simulation checks of it."""
    trim.check("imperfections.trim", jn.Network({"cells": jn.Population(jn.neurons.LIF(3))}))
