"""Surrogates against closed forms; what all of them keep is in the contract suite."""

import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats
from scipy.special import expit

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
    "CosineWindow": 4.0,
    "EpanechnikovWindow": 3.0,
    "HyperbolicSecant": 2.0,
    "PowerLawTails": 2.0,
    "LogarithmicTails": 1.0,
    "UnitGaussian": 1.0,
    "UnitLogistic": 1.0,
    "UnitTriangle": 1.0,
    # (1 + h) k/sqrt(pi) - 2 h k/(s sqrt(pi)) exp(-1/(2 s^2)), h 0.15, s 6
    "MultiGaussian": 4.0 / np.sqrt(np.pi) * (1.15 - 0.05 * np.exp(-1.0 / 72.0)),
}
DENSITIES = {
    "TwoSidedExponential": lambda sigma: stats.laplace(scale=sigma / np.sqrt(2)),
    "GaussianError": lambda sigma: stats.norm(scale=sigma),
    "RectangularWindow": lambda sigma: stats.uniform(-np.sqrt(3) * sigma, 2 * np.sqrt(3) * sigma),
    "SigmoidDerivative": lambda sigma: stats.logistic(scale=sigma * np.sqrt(3) / np.pi),
    "TriangularWindow": lambda sigma: stats.triang(0.5, -np.sqrt(6) * sigma, 2 * np.sqrt(6) * sigma),
    "CosineWindow": lambda sigma: stats.cosine(scale=sigma / np.sqrt(np.pi**2 / 3 - 2)),
    "EpanechnikovWindow": lambda sigma: stats.rdist(4, scale=np.sqrt(5) * sigma),
    "HyperbolicSecant": lambda sigma: stats.hypsecant(scale=2 * sigma / np.pi),
}
OF_OTHERS = {  # formulas of the manuals of SpikingJelly 0.0.0.0.14 and snnTorch 0.9, at their defaults, and ours at the same numbers
    "SpikingJelly Sigmoid": (lambda x: 4 * expit(4 * x) * (1 - expit(4 * x)), lambda: surrogates.SigmoidDerivative(4.0), 1.0),
    "SpikingJelly ATan": (lambda x: 2 / (2 * (1 + (np.pi / 2 * 2 * x) ** 2)), lambda: surrogates.Arctan(2.0), 1.0),
    "SpikingJelly SoftSign": (lambda x: 1 / (2 * 2 * (1 / 2 + np.abs(x)) ** 2), lambda: surrogates.FastSigmoid(2.0), 1.0),
    "SpikingJelly PiecewiseQuadratic": (lambda x: np.where(np.abs(x) > 1, 0, 1 - np.abs(x)), lambda: surrogates.TriangularWindow(1.0), 1.0),
    "SpikingJelly PiecewiseExp": (lambda x: 0.5 * np.exp(-np.abs(x)), lambda: surrogates.TwoSidedExponential(1.0), 1.0),
    "SpikingJelly Erf": (lambda x: 2 / np.sqrt(np.pi) * np.exp(-4 * x**2), lambda: surrogates.GaussianError(2.0), 1.0),
    "SpikingJelly Rect": (lambda x: np.where(np.abs(x) < 0.5, 1.0, 0.0), lambda: surrogates.RectangularWindow(1.0), 1.0),
    "SpikingJelly PiecewiseLeakyReLU": (lambda x: np.where(np.abs(x) <= 1, 0.5, 0.01), lambda: surrogates.PiecewiseLinear(0.5, leak=0.02), 0.5),
    "SpikingJelly NonzeroSignLogAbs": (lambda x: 1 / (1 / 3 + np.abs(x)), lambda: surrogates.LogarithmicTails(3.0), 3.0),
    "SpikingJelly SuperSpike": (lambda x: 5 / (np.abs(x) + 1) ** 2, lambda: surrogates.SuperSpike(1.0), 5.0),
    "SpikingJelly QPseudoSpike": (lambda x: (1 + 2 * np.abs(x) / (3 - 1)) ** -3.0, lambda: surrogates.PowerLawTails(2.0, power=3.0), 1.0),
    "snnTorch fast_sigmoid": (lambda x: 1 / (25 * np.abs(x) + 1) ** 2, lambda: surrogates.SuperSpike(25.0), 1.0),
    "snnTorch sigmoid": (lambda x: 25 * np.exp(-25 * np.abs(x)) / (np.exp(-25 * np.abs(x)) + 1) ** 2, lambda: surrogates.SigmoidDerivative(25.0), 1.0),
    "snnTorch atan": (lambda x: 2 / 2 / (1 + (np.pi / 2 * 2 * x) ** 2), lambda: surrogates.Arctan(2.0), 1.0),
    "snnTorch straight_through_estimator": (np.ones_like, lambda: surrogates.PiecewiseLinear(1.0, leak=1.0), 1.0),
}  # fmt: skip
"""Their derivative, our surrogate, and their derivative over ours."""


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


@pytest.mark.parametrize("name", OF_OTHERS)
def test_those_of_other_packages_are_ours_times_a_constant(name):
    theirs, ours, factor = OF_OTHERS[name]
    x = np.array([-3.0, -1.1, -0.7, -0.43, -0.11, 0.0, 0.03, 0.21, 0.57, 0.93, 2.7])
    np.testing.assert_allclose(
        factor * np.asarray(ours().derivative(jnp.asarray(x, jnp.float32))), theirs(x), rtol=3e-6, atol=1e-7
    )


def test_limits_of_one_are_others():
    x = jnp.asarray(np.linspace(-2.0, 2.0, 41), jnp.float32)
    close = lambda one, other, rtol=1e-5: np.testing.assert_allclose(one.derivative(x), other.derivative(x), rtol=rtol)  # noqa: E731
    close(surrogates.PowerLawTails(3.0, power=2.0), surrogates.FastSigmoid(3.0))
    close(surrogates.PowerLawTails(3.0, power=1e5), surrogates.TwoSidedExponential(3.0), rtol=1e-3)
    close(surrogates.MultiGaussian(3.0, depth=0.0), surrogates.GaussianError(3.0))
    for unit, density, peak in [
        (surrogates.UnitGaussian(3.0), surrogates.GaussianError(3.0), 3.0 / np.sqrt(np.pi)),
        (surrogates.UnitLogistic(3.0), surrogates.SigmoidDerivative(3.0), 0.75),
        (surrogates.UnitTriangle(3.0), surrogates.TriangularWindow(3.0), 3.0),
    ]:
        np.testing.assert_allclose(peak * np.asarray(unit.derivative(x)), density.derivative(x), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(
        surrogates.UnitTriangle(2.0, damping=0.3).derivative(x),
        0.3 * surrogates.UnitTriangle(2.0).derivative(x),
        rtol=1e-6,
    )


def test_the_lobes_of_the_multi_gaussian_are_those_of_the_paper():
    """Yin et al. (2021): sigma 0.5, h 0.15, s 6; the integral is 1 - h."""
    h, s, sigma = 0.15, 6.0, 0.5
    x = np.linspace(-12.0, 12.0, 97)
    peak, wide = stats.norm(0, sigma).pdf, [stats.norm(m, s * sigma).pdf for m in (sigma, -sigma)]
    ours = surrogates.MultiGaussian(np.sqrt(2.0))
    np.testing.assert_allclose(
        ours.derivative(jnp.asarray(x, jnp.float32)), (1 + h) * peak(x) - h * sum(w(x) for w in wide), atol=2e-7
    )
    assert ours.primitive(jnp.float32(1e3)) - ours.primitive(jnp.float32(-1e3)) == pytest.approx(1 - h, rel=1e-5)


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


@pytest.mark.parametrize(
    "cls",
    [surrogates.Arctan, surrogates.SuperSpike, surrogates.PowerLawTails, surrogates.MultiGaussian],
    ids=lambda cls: cls.__name__,
)
def test_no_noise_without_a_variance(cls):
    with pytest.raises(InputError, match=rf"{cls.__name__}\.from_noise: is not the density of a noise"):
        cls.from_noise(0.1)


def test_what_lies_out_of_range_is_refused():
    for make, rule in [
        (lambda: surrogates.PowerLawTails(1.0, power=1.0), r"PowerLawTails\.power: must be .*1\.05"),
        (lambda: surrogates.UnitTriangle(1.0, damping=1.2), r"UnitTriangle\.damping: must lie in \[0, 1\]"),
        (lambda: surrogates.MultiGaussian(1.0, width=0.0), r"MultiGaussian\.width: must be finite and > 0"),
    ]:
        with pytest.raises(InputError, match=rule):
            make()


def test_leak_lies_between_zero_and_one():
    with pytest.raises(InputError, match=r"PiecewiseLinear\.leak: must lie in \[0, 1\]"):
        surrogates.PiecewiseLinear(sharpness=1.0, leak=1.5)
