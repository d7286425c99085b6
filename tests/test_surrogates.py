"""Surrogates against closed forms; what all of them keep is in the contract suite."""

import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

from helpers.discovery import members
from jaxsnn_noise import surrogates
from jaxsnn_noise._checks import InputError

PEAK_AT_4 = {
    "Arctan": 2.0,
    "TwoSidedExponential": 2.0,
    "FastSigmoid": 2.0,
    "GaussianError": 4.0 / np.sqrt(np.pi),
    "PiecewiseLinear": 1.0,
    "RectangularWindow": 4.0,
    "SigmoidDerivative": 1.0,
    "SuperSpike": 1.0,
    "TriangularWindow": 4.0,
}
DENSITIES = {
    "TwoSidedExponential": lambda sigma: stats.laplace(scale=sigma / np.sqrt(2)),
    "GaussianError": lambda sigma: stats.norm(scale=sigma),
    "RectangularWindow": lambda sigma: stats.uniform(-np.sqrt(3) * sigma, 2 * np.sqrt(3) * sigma),
    "SigmoidDerivative": lambda sigma: stats.logistic(scale=sigma * np.sqrt(3) / np.pi),
    "TriangularWindow": lambda sigma: stats.triang(0.5, -np.sqrt(6) * sigma, 2 * np.sqrt(6) * sigma),
}


@pytest.mark.parametrize("name", sorted(PEAK_AT_4))
def test_the_peak_at_a_sharpness_of_4_is_the_one_worked_out(name):
    peak = getattr(surrogates, name).example().derivative(jnp.float32(0.0))
    np.testing.assert_allclose(peak, PEAK_AT_4[name], rtol=1e-6)


def test_every_density_with_a_spread_is_compared():
    assert set(DENSITIES) <= {cls.__name__ for cls in members(surrogates.Surrogate) if cls.spread is not None}


def test_integral_of_super_spike_is_two_over_sharpness():
    surrogate = surrogates.SuperSpike(2.0)
    assert surrogate.primitive(jnp.float32(1e6)) - surrogate.primitive(jnp.float32(-1e6)) == pytest.approx(
        1.0, rel=1e-5
    )


@pytest.mark.parametrize("name", sorted(DENSITIES))
@pytest.mark.parametrize("sigma", [0.2, 3.0])
def test_from_noise_is_the_density_and_its_distribution(name, sigma):
    surrogate = getattr(surrogates, name).from_noise(sigma)
    noise = DENSITIES[name](sigma)
    assert noise.std() == pytest.approx(sigma)
    x = sigma * np.linspace(-2.9, 2.9, 30)  # avoids the edges of the compact densities
    np.testing.assert_allclose(
        surrogate.derivative(jnp.asarray(x, jnp.float32)), noise.pdf(x), rtol=2e-5, atol=1e-6 / sigma
    )
    np.testing.assert_allclose(surrogate.primitive(jnp.asarray(x, jnp.float32)), noise.cdf(x), atol=1e-6)


def test_gaussian_error_constants_of_noise_driven_learning():
    # sharpness = 1/(sqrt(2) sigma) and peak slope = 1/(sqrt(2 pi) sigma), worked out by hand.
    for sigma, sharpness, peak in [(0.2, 3.5355, 1.9947), (0.3, 2.3570, 1.3298), (0.4, 1.7678, 0.9974)]:
        surrogate = surrogates.GaussianError.from_noise(sigma)
        assert surrogate.sharpness == pytest.approx(sharpness, rel=1e-4)
        assert surrogate.derivative(jnp.float32(0.0)) == pytest.approx(peak, rel=1e-4)


@pytest.mark.parametrize("name", sorted(DENSITIES))
def test_noise_must_have_a_spread(name):
    with pytest.raises(InputError, match=rf"{name}\.from_noise: sigma: must be finite and > 0 \[mV\]"):
        getattr(surrogates, name).from_noise(0.0)


@pytest.mark.parametrize("cls", [surrogates.Arctan, surrogates.SuperSpike], ids=lambda cls: cls.__name__)
def test_no_noise_without_a_variance(cls):
    with pytest.raises(InputError, match=rf"{cls.__name__}\.from_noise: is not the density of a noise"):
        cls.from_noise(0.1)


def test_leak_lies_between_zero_and_one():
    with pytest.raises(InputError, match=r"PiecewiseLinear\.leak: must lie in \[0, 1\]"):
        surrogates.PiecewiseLinear(sharpness=1.0, leak=1.5)
