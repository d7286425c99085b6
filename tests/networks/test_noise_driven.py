"""Noisy spiking networks: the published neuron, its backward pass as a density, and twins that differ in the forward noise alone."""

from __future__ import annotations

import functools
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxsnn_noise as jn
from helpers.statistical import assert_proportion
from jaxsnn_noise import distributions, firing, noise, surrogates
from jaxsnn_noise._checks import InputError
from jaxsnn_noise.networks import deterministic_twin, noise_driven
from jaxsnn_noise.surrogates import density_of

LAWS = (
    distributions.Gaussian(),
    distributions.Logistic(),
    distributions.Laplace(),
    distributions.Uniform(),
    distributions.Triangular(),
)
EPS = np.finfo(np.float32).eps
STD = 0.3
each = pytest.mark.parametrize("law", LAWS, ids=lambda law: type(law).__name__)


def published(size: int) -> jn.neurons.LIF:
    """The neuron u <- u (1 - o)/2 + x: a decay of 1/2, inputs without a factor, gradients through the reset."""
    reset = jn.neurons.ResetToValue(detach=False)
    return jn.neurons.LIF(size, tau_mem=1 / np.log(2.0), resistance=2.0, reset=reset)


def network() -> jn.Network:
    made = jn.networks.feedforward([6, 5, 3], key=3, neuron=published, gain=3.0)
    loop = jn.synapses.Dense("hidden", "hidden", 0.4 * np.random.default_rng(0).normal(size=(5, 5)))
    return jn.Network(made.populations, {**made.projections, "loop": loop})


@functools.cache
def spikes_and_slopes() -> Any:
    """Of a network at an input: its spikes, and the derivative of a readout by all weights and the input."""

    @eqx.filter_jit
    def run(system: jn.Network, image: Any, weights: dict[str, Any]) -> Any:
        def value(weights: dict[str, Any], image: Any) -> Any:
            made = jn.paths.replace(system, {f"{name}.weights": w for name, w in weights.items()})
            sim = jn.Simulation(made, {"input": jn.coding.Constant(image)}, duration=12.0, dt=1.0)
            shown = {
                "s": jn.statistics.Trace("spikes", population="hidden"),
                "v": jn.statistics.Mean("v", population="output"),
            }
            found = jn.simulate(sim, key=5, statistics=shown)
            return jnp.square(found["v"]).sum(), found["s"].spikes

        (_, spikes), slopes = jax.value_and_grad(value, argnums=(0, 1), has_aux=True)(weights, image)
        return spikes, slopes

    return run


def run(system: jn.Network, scale: float = 1.0) -> tuple[np.ndarray, list[np.ndarray]]:
    weights = {name: p.weights for name, p in system.projections.items()}
    image = scale * jnp.linspace(-0.5, 1.0, 6)
    spikes, slopes = spikes_and_slopes()(system, image, weights)
    return np.asarray(spikes), [np.asarray(leaf) for leaf in jax.tree.leaves(slopes)]


@each
def test_the_density_of_a_noise_is_its_surrogate_to_rounding(law: Any) -> None:
    margin = jnp.asarray(np.linspace(-1.7, 1.7, 601), jnp.float32)
    slope = jax.grad(
        lambda m: firing.gradients.through(firing.Density(), jnp.zeros_like(m), m, m, jnp.float32(STD), law).sum()
    )(margin)
    wanted, x = np.asarray(density_of(law, STD).derivative(margin)), np.asarray(margin / STD)
    edge = np.abs(np.abs(x) - np.sqrt(3)) < 1e-5 if isinstance(law, distributions.Uniform) else np.zeros(len(x), bool)
    # a density exp(-x^2/2) or exp(-|x|) moves by as many rounding errors as its exponent is large; windows end in differences of 1
    rounding = 4 * EPS * (1 + x**2) * wanted + 4 * EPS / STD
    assert (np.abs(np.asarray(slope) - wanted) <= rounding)[~edge].all()
    assert wanted.max() > 0.5 / STD / 2


def test_of_a_gaussian_it_is_the_error_function_of_the_published_sharpness() -> None:
    for std in (0.2, 0.3, 0.4):
        found = density_of(distributions.Gaussian(), std)
        assert type(found) is surrogates.GaussianError
        np.testing.assert_allclose(found.sharpness, 1 / (np.sqrt(2) * std), rtol=1e-6)
    x = jnp.linspace(-2.0, 2.0, 101)
    np.testing.assert_allclose(
        density_of(distributions.Gaussian(), 0.4).primitive(x), LAWS[0].cdf(x / 0.4), atol=4 * EPS
    )


def test_all_gradients_of_a_noisy_network_are_those_of_the_surrogate_at_its_spikes() -> None:
    noisy = noise_driven(network(), STD, state_std=STD)
    rule = jn.NoisyThreshold(STD, gradient=surrogates.GaussianError(1 / (np.sqrt(2) * STD)))
    by_surrogate = eqx.tree_at(lambda n: n.populations["hidden"].firing, noisy, rule)
    (spikes, slopes), (others, wanted) = run(noisy), run(by_surrogate)
    np.testing.assert_array_equal(spikes, others)
    assert 0.1 < spikes.mean() < 0.9
    for slope, want in zip(slopes, wanted, strict=True):
        np.testing.assert_allclose(slope, want, rtol=1e-4, atol=20 * EPS * np.abs(want).max())
        assert np.abs(want).max() > 0
    off = eqx.tree_at(
        lambda n: n.populations["hidden"].firing.gradient.sharpness, by_surrogate, 0.8 / (np.sqrt(2) * STD)
    )
    into = sorted(noisy.projections).index("input_to_hidden")
    assert np.abs(run(off)[1][into] - wanted[into]).max() > 1e-2 * np.abs(wanted[into]).max()


def test_a_twin_has_the_surrogate_of_the_noise_and_is_its_limit_without_noise() -> None:
    noisy = noise_driven(network(), STD, state_std=0.2)
    twin = deterministic_twin(noisy)
    cells = twin.populations["hidden"]
    assert type(cells.firing) is jn.HardThreshold
    assert not cells.noise
    rule = jn.NoisyThreshold(0.0, gradient=density_of(distributions.Gaussian(), STD))
    limit = eqx.tree_at(lambda n: n.populations["hidden"].firing, noisy, rule)
    limit = jn.paths.replace(limit, {"hidden.noise.state.amplitude.sigma": 0.0})
    (spikes, slopes), (others, wanted) = run(twin), run(limit)
    np.testing.assert_array_equal(spikes, others)
    for slope, want in zip(slopes, wanted, strict=True):
        np.testing.assert_allclose(slope, want, rtol=1e-5, atol=10 * EPS * np.abs(want).max())
    assert spikes.any()
    assert (spikes != run(noisy)[0]).any()


def test_gradients_are_finite_without_noise_silent_and_saturated() -> None:
    noisy = noise_driven(network(), STD, state_std=STD)
    silent = jn.paths.replace(noisy, {"hidden.firing.scale": 0.0, "hidden.noise.state.amplitude.sigma": 0.0})
    weak = jn.paths.replace(noisy, {"hidden.firing.scale": 1e-3, "hidden.noise.state.amplitude.sigma": 0.0})
    for system, scale in ((silent, 1.0), (noisy, -1e4), (noisy, 1e4), (weak, -1e6), (weak, 1e6), (weak, 0.0)):
        spikes, slopes = run(system, scale)
        assert all(np.isfinite(slope).all() for slope in slopes)
        assert set(np.unique(spikes)) <= {0.0, 1.0}
    assert run(noisy, 1e4)[0].std(axis=0).max() == 0.0  # each neuron fires always, or never


def test_a_twin_learns_where_the_density_of_no_noise_would_not() -> None:
    """The density of noise of scale 0 is 0, so nothing passes hidden spikes; the surrogate of the twin does."""
    noisy = noise_driven(network(), STD, state_std=0.0)
    without = jn.paths.replace(noisy, {"hidden.firing.scale": 0.0})
    into = sorted(noisy.projections).index("input_to_hidden")
    assert not run(without)[1][into].any()
    assert run(deterministic_twin(noisy))[1][into].any()


def test_without_noise_it_is_the_published_recursion() -> None:
    twin = deterministic_twin(noise_driven(network(), STD))
    spikes = run(twin)[0]
    first, loop = (np.asarray(twin.projections[k].weights, float) for k in ("input_to_hidden", "loop"))
    current, u, before = first @ np.linspace(-0.5, 1.0, 6), np.zeros(5), np.zeros(5)
    for row in spikes:
        u = 0.5 * u * (1 - before) + current + loop @ before
        before = (u >= 1.0).astype(float)
        np.testing.assert_array_equal(row, before)


@pytest.mark.slow
@pytest.mark.parametrize(("state_std", "probabilities"), [(None, (0.159, 0.253, 0.309)), (STD, (0.240, 0.319, 0.362))])
def test_the_two_variants_have_the_published_probabilities(state_std: float | None, probabilities: Any) -> None:
    """At a potential of 0.8 and a threshold of 1, in the first step."""
    for std, wanted in zip((0.2, 0.3, 0.4), probabilities, strict=True):
        cells = jn.Population(published(20_000), firing=jn.HardThreshold())
        noisy = noise_driven(jn.Network({"cells": cells}), std, state_std=std if state_std else None)
        sim = jn.Simulation(noisy, {"cells": jn.coding.Constant(0.8)}, duration=1.0, dt=1.0)
        counted = jn.simulate(sim, key=1, statistics={"n": jn.statistics.SpikeCount(population="cells")})["n"]
        exact = jn.theory.double_noise_probability(-0.2, std if state_std else 0.0, std)
        assert float(exact) == pytest.approx(wanted, abs=6e-4)
        assert_proportion(int(counted.sum()), 20_000, float(exact))


def test_what_is_made_and_what_stays() -> None:
    plain = network()
    sim = jn.Simulation(plain, {"input": jn.coding.Constant(np.zeros(6))}, duration=4.0, dt=1.0)
    made = noise_driven(sim, 0.2, state_std=0.1, distribution=distributions.Logistic())
    cells = made.network.populations["hidden"]
    assert isinstance(cells.firing.gradient, firing.Density)
    assert type(cells.firing.distribution) is type(cells.noise["state"].distribution) is distributions.Logistic
    np.testing.assert_allclose([cells.firing.scale, cells.noise["state"].amplitude.sigma], [0.2, 0.1], rtol=1e-6)
    assert eqx.tree_equal(cells.neuron, plain.populations["hidden"].neuron)
    assert eqx.tree_equal(made.network.projections, plain.projections)
    twin = deterministic_twin(made)
    assert type(twin.network.populations["hidden"].firing.gradient) is surrogates.SigmoidDerivative
    own = surrogates.SuperSpike(3.0)
    kept = deterministic_twin(jn.Network({"c": jn.Population(published(2), firing=jn.HardThreshold(own))}))
    assert eqx.tree_equal(kept.populations["c"].firing.gradient, own)
    two = jn.Network({name: jn.Population(published(2)) for name in ("first", "second")})
    one = noise_driven(two, 0.2, populations="second")
    assert [type(part.firing).__name__ for part in one.cells().values()] == ["HardThreshold", "NoisyThreshold"]


def test_what_cannot_be_is_refused() -> None:
    plain = network()
    noisy = noise_driven(plain, 0.2, state_std=0.2)
    rated = jn.Network({"c": jn.Population(published(2), firing=jn.EscapeRate.example())})
    source = jn.Population(
        published(2), firing=jn.HardThreshold(firing.Density()), noise={"m": noise.VoltageNoise(noise.PerStep(0.1))}
    )
    student = noise_driven(plain, 0.2, distribution=distributions.StudentT(5.0))
    bad = [
        (lambda: noise_driven(plain, 0.0), "std: must be finite and > 0"),
        (lambda: noise_driven(plain, 0.2, state_std=-1.0), "state_std: must be finite and >= 0"),
        (lambda: noise_driven(plain, 0.2, populations="hiden"), "populations.*hidden"),
        (lambda: noise_driven(plain, 0.2, populations="output"), "that fire at a hard threshold"),
        (lambda: noise_driven(noisy, 0.2), "that fire at a hard threshold"),
        (lambda: deterministic_twin(rated), "no other has a deterministic twin"),
        (lambda: deterministic_twin(jn.Network({"c": source})), "must have a surrogate of its own"),
        (lambda: deterministic_twin(student), "must have a surrogate that is its density"),
        (lambda: deterministic_twin(jn.paths.replace(noisy, {"hidden.firing.scale": 0.0})), "must be finite and > 0"),
        (lambda: density_of(distributions.Gaussian(), 0.0), "must be finite and > 0"),
    ]
    for call, message in bad:
        with pytest.raises(InputError, match=message):
            call()
