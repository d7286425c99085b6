"""Networks that fire from the start: at any depth, over kinds of input, with the weights that ``feedforward`` draws."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
import pytest

import jaxsnn_noise as jn
from jaxsnn_noise import networks
from jaxsnn_noise._checks import InputError
from jaxsnn_noise.networks import layered

SAMPLES = 100


@functools.cache
def images(name: str) -> np.ndarray:
    """Images in [0, 1], flat."""
    found = jn.datasets.load(name).train.images
    picked = np.random.default_rng(0).permutation(len(found))[:SAMPLES]
    return found[picked].reshape(SAMPLES, -1)


def shown(name: str) -> np.ndarray:
    """Samples [sample, channel] of a kind of input."""
    numbers = np.random.default_rng(0)
    if name == "standardised":
        return numbers.normal(size=(SAMPLES, 100)).astype(np.float32)
    if name == "uniform":
        return numbers.uniform(size=(SAMPLES, 50)).astype(np.float32)
    if name == "sparse":
        return (numbers.uniform(size=(SAMPLES, 300)) * (numbers.uniform(size=(SAMPLES, 300)) < 0.1)).astype(np.float32)
    return images(name)


def layers(depth: int) -> list[str]:
    return ["hidden"] if depth == 1 else [f"hidden_{i}" for i in range(1, depth + 1)]


def silent(network: jn.Network, values: np.ndarray, depth: int, **settings: Any) -> np.ndarray:
    """The share of neurons of each hidden layer that fire for no sample."""
    statistics = {name: jn.statistics.SpikeCount(population=name) for name in layers(depth)}
    counts = jn.apply(network, values, key=1, statistics=statistics, **settings)
    return np.array([np.mean(np.asarray(counts[name]).sum(axis=0) == 0) for name in layers(depth)])


def shares(
    values: np.ndarray, depth: int, seeds: int, *, width: int = 64, build: Any = None, **settings: Any
) -> np.ndarray:
    """The silent share [seed, layer]."""
    sizes = [values.shape[-1], *[width] * depth, 3]
    made = [networks.feedforward(sizes, key=seed, **(build or {})) for seed in range(seeds)]
    return np.stack([silent(network, values, depth, **settings) for network in made])


@pytest.mark.slow
@pytest.mark.parametrize("name", ["mnist", "standardised"])
def test_six_layers_fire(name: str) -> None:
    found = shares(shown(name), 6, 3)
    assert (found.mean(axis=0) < 0.3).all(), found


@pytest.mark.slow
def test_the_same_network_with_the_gain_of_analog_values_is_silent() -> None:
    """The control: what the measure says of weights that know nothing of rates."""
    values = shown("mnist")
    network = networks.feedforward([784, *[64] * 3, 3], key=0)
    plain = {f"hidden_{i}_to_hidden_{i + 1}.weights": 5.0 / 8.0 * _normal(i) for i in (1, 2)}
    found = silent(jn.paths.replace(network, plain), values, 3)
    assert found[0] < 0.3
    assert (found[1:] > 0.9).all(), found


def _normal(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(64, 64)).astype(np.float32)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_all_depths_widths_and_kinds_of_input_fire() -> None:
    table = {}
    for name in ("mnist", "fashion", "digits", "standardised", "uniform", "sparse"):
        for width, depth in ((32, 6), (128, 6), (128, 2), (256, 4)):
            table[name, width, depth] = shares(shown(name), depth, 5, width=width)
    for name, tau, duration in (("mnist", 10.0, 25.0), ("uniform", 5.0, 25.0), ("mnist", 20.0, 100.0)):
        build = {"neuron": lambda n, tau=tau: jn.neurons.LIF(n, tau_mem=tau)}
        table[name, tau, duration] = shares(shown(name), 6, 5, build=build, duration=duration)
    for key, found in table.items():
        assert (found.mean(axis=0) <= 0.3).all(), (key, found.mean(axis=0))
    print({key: found.mean(axis=0).round(2).tolist() for key, found in table.items()})


@pytest.mark.slow
@pytest.mark.parametrize(
    "build",
    [
        {
            "neuron": lambda n: jn.neurons.LIF(
                n, tau_mem=10.0, resistance=50.0, v_rest=-65.0, v_reset=-70.0, v_threshold=-50.0
            )
        },
        pytest.param({"kinetics": jn.synapses.Exponential(5.0)}, marks=pytest.mark.slow),
        pytest.param(
            {"neuron": lambda n: jn.neurons.LIF(n, refractory=2.0), "firing": jn.NoisyThreshold(0.1)},
            marks=pytest.mark.slow,
        ),
        pytest.param({"neuron": jn.neurons.AdaptiveLIF, "delay": None}, marks=pytest.mark.slow),
    ],
    ids=["millivolts", "exponential", "refractory", "adaptive"],
)
def test_other_neurons_and_kinetics_fire_when_spikes_of_the_expected_rate_enter(build: dict[str, Any]) -> None:
    rates = np.random.default_rng(0).uniform(0.0, 60.0, (SAMPLES, 80)).astype(np.float32)
    found = shares(rates, 3, 1, build=build | {"input_rate_hz": 30.0}, encode=jn.coding.PoissonSpikes, duration=50.0)
    assert (found < 0.3).all(), found


def test_the_spread_of_the_free_membrane_is_the_distance_to_the_threshold() -> None:
    """Against NumPy: Poisson spikes of the expected rate, a membrane that never fires, weights as they are drawn."""
    tau, rate, size = 20.0, 50.0, 400
    network = networks.feedforward([3, size, size, 3], key=2, rate_hz=rate)
    weights = np.asarray(jn.paths.get(network, "hidden_1_to_hidden_2.weights"), np.float64)
    decay, p = np.exp(-1.0 / tau), rate / 1000.0
    spikes = np.random.default_rng(1).random((600, size)) < p
    v, seen = np.zeros(size), []
    for now in spikes:
        v = decay * v + (1.0 - decay) * (weights @ now)
        seen.append(v)
    spread = np.sqrt(np.mean(np.square(seen[200:])))  # 400 neurons: 3.5 % of the quenched part
    np.testing.assert_allclose(spread, 1.0, rtol=0.12)


def test_one_hidden_layer_has_the_weights_of_its_gain() -> None:
    network = networks.feedforward([6, 8, 3], key=4, gain=2.0)
    root = jn.random.root(4)
    for name, shape in (("input_to_hidden", (8, 6)), ("hidden_to_output", (3, 8))):
        expected = jn.random.normals(jn.random.stream(root, name), shape) * (2.0 / shape[1] ** 0.5)
        assert np.array_equal(jn.paths.get(network, f"{name}.weights"), expected)


def test_a_readout_that_fires_gets_the_weights_of_the_rate() -> None:
    quiet, firing = (
        networks.feedforward([6, 64, 64], key=0, readout=r) for r in (jn.neurons.LeakyIntegrator, jn.neurons.LIF)
    )
    w, u = (np.asarray(jn.paths.get(n, "hidden_to_output.weights")) for n in (quiet, firing))
    np.testing.assert_allclose(u / w, 53.46 / 5.0, rtol=2e-3)


@pytest.mark.slow
def test_networks_can_be_built_inside_a_compiled_function() -> None:
    import jax

    build = lambda key: networks.feedforward([3, 4, 5, 2], key=key)  # noqa: E731
    path = "hidden_1_to_hidden_2.weights"
    inside = jax.jit(lambda key: jn.paths.get(build(key), path))(jax.random.key(0))
    np.testing.assert_allclose(inside, jn.paths.get(build(jax.random.key(0)), path), rtol=1e-6)


def test_the_spread_of_a_layer_is_found_once_for_all_that_it_depends_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """Layers and seeds that ask for the same get the same; any other neuron, rate, step or synapse gets its own, a compiled function too."""
    import jax

    monkeypatch.setattr(layered, "_SPREADS", {})
    asked: list[Any] = []
    run = layered.simulate
    monkeypatch.setattr(layered, "simulate", lambda *args, **options: asked.append(args) or run(*args, **options))

    def built(key: Any = 0, tau: float = 20.0, **options: Any) -> np.ndarray:
        network = networks.feedforward(
            [3, 4, 4, 4, 2], key=key, neuron=lambda n: jn.neurons.LIF(n, tau_mem=tau), **options
        )
        return np.stack([np.asarray(network.projections[f"hidden_{i}_to_hidden_{i + 1}"].weights) for i in (1, 2)])

    first = built()
    assert len(asked) == 2  # a trial spike and the spike
    np.testing.assert_array_equal(built(), first)
    assert not np.array_equal(built(key=1), first)
    assert len(asked) == 2
    changes: tuple[dict[str, Any], ...] = (
        {"tau": 10.0},
        {"rate_hz": 20.0},
        {"dt": 0.5},
        {"kinetics": jn.synapses.Exponential(5.0)},
    )
    for change in changes:
        before = len(asked)
        changed = built(**change)
        assert len(asked) == before + 2
        layered._SPREADS.clear()
        np.testing.assert_array_equal(built(**change), changed)
    before, kept = len(asked), dict(layered._SPREADS)
    jax.eval_shape(lambda key: networks.feedforward([3, 4, 4, 2], key=key), jax.random.key(0))
    assert len(asked) > before
    assert kept == layered._SPREADS


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"rate_hz": 0.0}, r"feedforward.rate_hz: must be finite and > 0 \[Hz\]"),
        ({"input_rate_hz": -1.0}, r"feedforward.input_rate_hz: must be finite and > 0"),
        ({"dt": 0.0}, r"feedforward.dt: must be finite and > 0 \[ms\]"),
        ({"neuron": lambda n: jn.neurons.LIF(n, v_threshold=-1.0, v_reset=-2.0)}, "must rest below its threshold"),
        ({"prefilter": lambda current: 0.0 * current}, "must be moved by a spike"),
    ],
)
def test_what_cannot_be_scaled_is_told(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        networks.feedforward([3, 4, 4, 2], key=0, **settings)
