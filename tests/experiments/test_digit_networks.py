"""The digit classifiers of the studies: settings, filters, training, and what their weights predict."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from experiments.internal_noise import digit_networks as networks
from experiments.internal_noise import noisy_digits as noisy
from helpers.statistical import assert_variance
from jaxsnn_noise.training.loop import usual_promotion

FILTERS = ("none", "tanh", "relu", "sigmoid")


def test_every_setting_is_named_once_and_those_that_are_the_same_are_left_out() -> None:
    found = networks.settings(FILTERS, networks.PLACES, networks.PIXELS)
    assert len(found) == len({s.name for s in found}) == 13
    assert networks.Setting("relu", "image", "raw") not in found
    assert {s.name for s in found if s.filter == "none"} == {"raw_none", "standardised_none"}


def test_filters_act_on_the_image_or_on_the_current_and_not_on_both() -> None:
    images = np.linspace(0, 1, 2 * 28 * 28, dtype=np.float32).reshape(2, 28, 28)
    for setting in networks.settings(FILTERS, networks.PLACES, networks.PIXELS):
        values = setting.inputs(images, float(images.mean()), float(images.std()))
        assert (setting.prefilter is not None) == (setting.filter != "none" and setting.place == "current")
        if setting.filter == "sigmoid" and setting.place == "image":
            assert 0 < values.min() < values.max() < 1
        elif setting.pixels == "standardised" and setting.prefilter is not None:
            assert values.mean() == pytest.approx(0, abs=1e-4)
            assert values.std() == pytest.approx(1, abs=1e-4)


def test_equal_optimisers_are_one_object_so_that_fits_share_their_program() -> None:
    assert networks.CosineAdam(0.01, True)(50) is networks.CosineAdam(0.01, True)(50)
    assert networks.CosineAdam(0.01, True)(50) is not networks.CosineAdam(0.02, True)(50)


def test_the_optimiser_leaves_the_sum_of_the_input_weights_of_a_neuron_as_it_was() -> None:
    rng = np.random.default_rng(0)
    names = ("network.input_to_hidden.weights", "network.hidden_to_output.weights")
    weights = {name: rng.normal(size=(4, 30)).astype(np.float32) for name in names}
    slopes = {name: 1.0 + rng.normal(size=(4, 30)).astype(np.float32) for name in names}
    optimiser = networks.CosineAdam(0.01, True)(10)
    with usual_promotion():
        updates, _ = optimiser.update(slopes, optimiser.init(weights))
    sums = {name: np.abs(np.asarray(update).sum(axis=1)) for name, update in updates.items()}
    assert sums[names[0]].max() < 1e-4
    assert sums[names[1]].min() > 1e-2


def test_the_predicted_variance_is_that_of_the_readout_by_an_independent_loop() -> None:
    layers = networks.Layers(hidden=5, steps=7)
    rng = np.random.default_rng(1)
    weights = rng.normal(size=(2, 10, 5))
    found = noisy._predicted(layers, weights, (0.3,))
    assert found.shape == (2, 2, 1, 2)
    for seed, correlation, part in np.ndindex(2, 2, 2):
        w = weights[seed] - part * weights[seed].mean(axis=0)
        # response of the time-averaged readout to a unit of noise of one hidden neuron in one step
        total = np.zeros(10)
        for step in range(layers.steps):
            gains = []
            for neuron in range(layers.hidden):
                v, course = np.zeros(10), []
                for t in range(layers.steps):
                    arriving = w[:, neuron] if t == step + 1 else 0.0
                    v = layers.beta * v + (1 - layers.beta) * arriving
                    course.append(v)
                gains.append(np.mean(course, axis=0))
            gains = np.stack(gains)
            total += np.square(gains.sum(axis=0)) if correlation else np.square(gains).sum(axis=0)
        assert found[seed, correlation, 0, part] == pytest.approx(2 * 0.3 * total.mean(), rel=1e-6)


def test_the_current_gain_stays_when_beta_changes() -> None:
    for beta in (0.5, 0.9):
        layers = dataclasses.replace(networks.Layers(), beta=beta)
        assert np.exp(-1.0 / layers.tau_mem) == pytest.approx(beta)
        assert (1 - beta) * layers.resistance == pytest.approx(layers.current_gain)


def test_readouts_that_spike_start_from_the_weights_of_those_that_do_not() -> None:
    layers, setting = networks.Layers(hidden=200), networks.Setting("none", "image", "raw")
    leaky, spiking = (networks.network(layers, setting, 3, spiking_readout=on) for on in (False, True))
    assert (leaky.cells()["output"].neuron.spiking, spiking.cells()["output"].neuron.spiking) == (False, True)
    for name in leaky.projections:
        np.testing.assert_array_equal(leaky.projections[name].weights, spiking.projections[name].weights)
    assert_variance(np.asarray(spiking.projections["hidden_to_output"].weights).ravel(), 0.5**2 / 200)
