"""Bad input is refused before anything is compiled: the epoch is never reached."""

from __future__ import annotations

import functools
from typing import Any

import equinox as eqx
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import jaxsnn_noise as jn
from helpers.small_task import HIDDEN, fit, points, quiet
from jaxsnn_noise._checks import InputError
from jaxsnn_noise.parameters import Resolved, real
from jaxsnn_noise.training import augment, losses, optimisers, runner, transforms
from jaxsnn_noise.training.checks import check_augment, check_settings, data_of, losses_of, optimiser_of, sims_of

X, Y = points(24)


@functools.cache
def sim() -> jn.Simulation:
    return quiet(0)


@pytest.fixture(autouse=True)
def _nothing_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    def epoch(*_: Any) -> None:
        raise AssertionError("training started")

    monkeypatch.setattr(runner, "epoch", epoch)


def with_entry(values: np.ndarray, value: float) -> np.ndarray:
    changed = values.copy()
    changed[3, 2] = value
    return changed


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ((with_entry(X, np.nan), Y), r"fit.train values: must be finite; got an array .* 1 not finite"),
        ((with_entry(X, np.inf), Y), "fit.train values: must be finite"),
        ((X.astype(str), Y), "fit.train values: must be real numbers"),
        ((X + 1j, Y), "fit.train values: must be real numbers"),
        ((np.ma.masked_less(X, 0.0), Y), r"fit.train values: must have no masked entries; .* masked of 144"),
        ((X, np.ma.masked_equal(Y, 2)), r"fit.train targets: must have no masked entries; .*got '8 masked of 24'"),
        ((X.astype(float) * 1e300, Y), "fit.train values: must be finite"),
        (([[1.0] * 6, [1.0]] * 12, Y), r"fit.train values: must be an array \(rows of equal lengths\)"),
        ((X, Y.astype(str)), "fit.train targets: must be real numbers"),
        ((X, [[1], [1, 2]] * 12), r"fit.train targets: must be an array \(rows of equal lengths\)"),
        ((X[:, :5], Y), r"fit.train for inputs.input.values: must be one number or have the shape \(6,\)"),
        ((X[:0], Y[:0]), "fit.train values: needs at least one sample"),
        ((X, Y[:-1]), r"fit.train: must have one target per sample \(24\)"),
        ((X, Y - 1), r"fit.train targets: labels must lie in \[0, 2\]"),
        ((X, Y + 1), r"fit.train targets: labels must lie in \[0, 2\]"),
        ((X, Y.astype(float)), "fit.train targets: must be whole numbers"),
        ((X, np.eye(3, dtype=int)[Y]), "fit.train targets: must be whole numbers"),
    ],
)
def test_data(data: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        fit(sim(), data)


@pytest.mark.parametrize(
    ("validation", "message"),
    [
        ((X, Y + 1), r"fit.validation targets: labels must lie in \[0, 2\]"),
        ((with_entry(X, np.nan), Y), "fit.validation values: must be finite"),
        ((X[:, 0], Y), r"fit.validation: values must have the shape \[sample, \*\(6,\)\]"),
    ],
)
def test_validation_data(validation: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        fit(sim(), (X, Y), validation=validation)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"epochs": 0}, "fit.epochs: must be a whole number >= 1; got 0"),
        ({"batch_size": 0}, "fit.batch_size: must be a whole number >= 1"),
        ({"batch_size": 25}, "fit.batch_size: must be at most the number of samples, 24; got 25"),
        ({"seeds": 0}, "fit.seeds: must be a whole number >= 1"),
        ({"seeds": [1, 1]}, "fit.seeds: must be a number of seeds, or different indices"),
        ({"seeds": 3, "seeds_at_once": 2}, "fit.seeds_at_once: must divide the number of seeds, 3; got 2"),
        ({"seeds_at_once": 0}, "fit.seeds_at_once: must be a whole number >= 1"),
        ({"patience": 2}, "fit.patience: needs validation data"),
        ({"patience": 0, "validation": (X, Y)}, "fit.patience: must be a whole number >= 1"),
        ({"optimiser": lambda steps: steps}, "fit.optimiser: must be an Optax transformation"),
        ({"loss": losses.CrossEntropy("outptu")}, "CrossEntropy.on: unknown name; got 'outptu'. Did you mean 'output'"),
        ({"loss": losses.RateRegulariser("output")}, "RateRegulariser.on: unknown name; got 'output'"),
        ({"loss": losses.SquaredError()}, r"fit.train targets: must be floats of the shape \[sample, 3\]"),
        ({"augment": augment.Shift(1)}, r"Shift.shape: \(height, width\) must make 6 values"),
        ({"augment": lambda values, key: values[:3]}, r"fit.augment: must give float32 values of the shape \(6,\)"),
        ({"key": "seed"}, "key: must be one JAX key"),
    ],
)
def test_settings(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        fit(sim(), (X, Y), **settings)


@pytest.mark.parametrize(
    ("trainable", "message"),
    [
        ("network.input_to_hiden.weights", "fit.trainable: .*Did you mean 'network.input_to_hidden.weights'"),
        ("network.*.wieghts", "fit.trainable: must be the path of a float leaf, or a pattern of some"),
        ((HIDDEN, "nonsense"), "fit.trainable: .*got 'nonsense'"),
        ("inputs.input.values", "fit.trainable: must be the path of a float leaf"),
        ((), "fit.trainable: needs at least one path"),
    ],
)
def test_trainable(trainable: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        fit(sim(), (X, Y), trainable=trainable)


@pytest.mark.parametrize(
    ("chosen", "message"),
    [
        ({HIDDEN: transforms.Positive()}, f"{HIDDEN}: must start strictly between 0 and inf"),
        ({HIDDEN: transforms.Between(-0.1, 0.1)}, f"{HIDDEN}: must start strictly between -0.1 and 0.1"),
        ({"network.hidden.neuron.tau_mem": transforms.Positive()}, "fit.transforms: must be the path of a trainable"),
    ],
)
def test_transforms(chosen: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        fit(sim(), (X, Y), transforms=chosen)


def test_systems() -> None:
    for system, message in [
        (lambda key: 3, "fit: a builder must give a Simulation or a Network"),
        (jn.Network({"cells": jn.Population(jn.neurons.LIF(3))}), "fit: needs a network with exactly one port"),
        (
            jn.Simulation(jn.Network({"cells": jn.Population(jn.neurons.LIF(3))}), duration=5.0, dt=1.0),
            "fit.shown: must name the input that the samples set; got None. Known: none",
        ),
        (jn.paths.replace(sim(), {"network.hidden.neuron.tau_mem": -1.0}), "tau_mem: must be finite and > 0"),
    ]:
        with pytest.raises(InputError, match=message):
            fit(system, (X, Y))


def test_of_several_inputs_the_one_that_samples_set_is_named() -> None:
    bias = {"bias": jn.coding.Constant(0.1, to="hidden")}
    biased = jn.Simulation(sim().network, sim().inputs | bias, duration=6.0, dt=1.0)
    with pytest.raises(
        InputError, match=r"fit.shown: must name the input that the samples set; got None. Known: bias, inp"
    ):
        fit(biased, (X, Y))
    with pytest.raises(InputError, match=r"fit.shown: unknown name; got 'imput'. Did you mean 'input'"):
        fit(biased, (X, Y), shown="imput")
    with pytest.raises(AssertionError, match="training started"):
        fit(biased, (X, Y), shown="input", trainable="inputs.bias.values")
    with pytest.raises(InputError, match=r"fit.trainable: must be the path of a float leaf"):
        fit(biased, (X, Y), shown="input", trainable="inputs.input.values")


def test_what_is_not_of_the_right_kind() -> None:
    """Through the functions behind ``fit``: in tests, its own annotations are checked before anything else."""
    for call, message in [
        (lambda: data_of("fit.train", X, sim(), "input", []), "fit.train: must be a pair"),
        (lambda: data_of("fit.train", (X,), sim(), "input", []), "fit.train: must be a pair"),
        (lambda: sims_of(3, jn.random.root(0), (0,)), "fit: takes a Simulation, a Network or a function"),
        (lambda: check_augment(3, jnp.asarray(X)), "fit.augment: must be a function"),
        (
            lambda: transforms.assigned({HIDDEN: Resolved("nA", real)}, {HIDDEN: "positive"}),
            "must be a transform, e.g. Positive",
        ),
        (lambda: losses_of("crossentropy"), "fit.loss: must be a loss"),
        (lambda: optimiser_of("adam", steps=3), "fit.optimiser: must be an Optax transformation"),
        (lambda: check_settings(1.5, 8, None, None, True), "fit.epochs: must be a whole number"),
        (lambda: check_settings(1, 8, None, None, "yes"), "fit.progress: must be True or False"),
    ]:
        with pytest.raises(InputError, match=message):
            call()


def test_arrays_of_other_kinds_are_the_same_data() -> None:
    masked = np.ma.masked_array(X, mask=np.zeros_like(X, bool))
    for values in (X.astype(">f8"), masked, jnp.asarray(X), X.tolist(), np.asfortranarray(X)):
        data = data_of("fit.train", (values, Y.astype(">i8")), sim(), "input", [losses.CrossEntropy()])
        assert np.array_equal(data.values, X)
        assert np.array_equal(data.targets, Y)
        assert (data.values.dtype, data.targets.dtype) == (np.float32, np.int32)


def test_a_builder_of_different_structures_is_refused() -> None:
    sizes = iter([8, 9])
    with pytest.raises(InputError, match="one structure and one set of shapes"):
        fit(lambda key: jn.networks.feedforward([6, next(sizes), 3], key=key), (X, Y), seeds=2)


def test_inputs_have_their_own_rules() -> None:
    network = jn.networks.feedforward([6, 8, 3], key=0)
    poisson = jn.Simulation(network, {"input": jn.coding.PoissonSpikes(1.0)}, duration=6.0, dt=1.0)
    with pytest.raises(InputError, match=r"must be finite and >= 0 \[Hz\]"):
        fit(poisson, (X - 5.0, Y))
    trains = jn.Simulation(network, {"input": jn.coding.SpikeTrain(np.zeros((6, 6)))}, duration=6.0, dt=1.0)
    halves = np.tile(X[:, None, :], (1, 6, 1))
    halves[0] = 0.0
    halves[1] = 1.0
    with pytest.raises(InputError, match="spikes are 0 or 1"):
        fit(trains, (halves, Y))
    with pytest.raises(InputError, match=r"must have the shape \(6, 6\)"):
        fit(trains, (np.zeros((24, 5, 6)), Y))


@pytest.mark.parametrize(
    "make",
    [
        lambda: optimisers.WarmupCosine(peak=0.0),
        lambda: optimisers.WarmupCosine(weight_decay=-1.0),
        lambda: optimisers.WarmupCosine(warmup=1.0),
        lambda: optimisers.WarmupCosine(clip=0.0),
        lambda: transforms.Between(1.0, 1.0),
        lambda: transforms.Between(0.0, jnp.inf),
        lambda: augment.Shift(-1),
    ],
)
def test_parts(make: Any) -> None:
    with pytest.raises(InputError):
        make()


def test_good_input_gets_as_far_as_training() -> None:
    """The control of all the above."""
    with pytest.raises(AssertionError, match="training started"):
        fit(sim(), (X, Y), optimiser=optax.sgd(1.0))


def test_a_loss_out_of_its_range_is_told_when_it_is_made_and_when_it_is_used() -> None:
    with pytest.raises(InputError, match=r"CrossEntropy.scale: must be finite and > 0"):
        losses.CrossEntropy(scale=-1.0)
    broken = eqx.tree_at(lambda loss: loss.scale, losses.CrossEntropy(), jnp.float32(-1.0))
    with pytest.raises(InputError, match=r"fit.loss.scale: must be finite and > 0"):
        fit(sim(), (X, Y), key=0, loss=broken)
