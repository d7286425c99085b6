"""Devices that hold weights: closed forms against quadrature, and values of the published fits."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy import integrate, stats

from jaxsnn_noise import theory
from jaxsnn_noise._checks import InputError


@pytest.mark.parametrize(("mean", "std"), [(1.0, 0.3), (1.0, 1.0), (0.0, 0.4), (-0.5, 0.6)])
def test_rectified_moments_against_quadrature(mean, std):
    law = stats.norm(mean, std)
    first, second = (integrate.quad(lambda x, k=k: x**k * law.pdf(x), 0, 20)[0] for k in (1, 2))
    found = theory.rectified_moments(mean, std)
    assert_allclose(found, (first, second - first**2), rtol=1e-7)


def test_a_gaussian_without_spread_is_cut_off_as_a_number():
    assert_allclose(theory.rectified_moments([2.0, -1.0], 0.0), [[2.0, 0.0], [0.0, 0.0]])


def test_published_values():
    assert_allclose(25 * theory.pcm_programming_std([0.0, 0.5, 1.0]), [0.26348, 0.952705, 1.05538])
    assert_allclose(theory.pcm_drift_exponent([1.0, 0.01]), [[0.049, 0.0957801], [0.008, 0.045]], rtol=1e-5)
    assert_allclose(theory.pcm_read_std(1.0, 1.0, 0.0), 0.0088 * np.sqrt(np.log(20.00000025 / 5e-7)))
    assert_allclose(theory.pcm_read_std(1e-9, 1.0, 0.0), 0.2 * np.sqrt(np.log(20.00000025 / 5e-7)))
    assert_allclose(40 * theory.reram_std([0.0, 1.0], 1.0), [0.348, 1.103])
    assert_allclose(40 * theory.reram_std([0.0, 1.0], 86_400.0), [0.701, 2.651])
    assert_allclose(40 * theory.reram_std([0.0, 1.0], 172_800.0), [0.782, 2.677])
    halfway = np.sqrt(86_400.0)
    assert_allclose(40 * theory.reram_std(0.0, halfway), 0.5 * (0.348 + 0.701))


@pytest.mark.parametrize("conductance", [0.02, 0.3, 1.0])
def test_the_moments_of_drift_against_quadrature(conductance):
    mu, s = theory.pcm_drift_exponent(conductance)
    for age in (0.0, 3600.0, 3e7):
        log = np.log1p(age / 20)
        value = lambda z, k: np.exp(-k * log * np.maximum(mu + s * z, 0)) * stats.norm.pdf(z)  # noqa: B023, E731
        fades = [integrate.quad(value, -12, 12, args=(k,), points=[-mu / s], limit=200)[0] for k in (1, 2)]
        m, v = theory.rectified_moments(conductance, theory.pcm_programming_std(conductance))
        first = m * fades[0]
        assert_allclose(theory.pcm_moments(conductance, age), (first, (v + m**2) * fades[1] - first**2), rtol=1e-6)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: theory.pcm_moments(1.2, 1.0), r"conductance: must lie in \[0, 1\]"),
        (lambda: theory.pcm_moments(0.5, -1.0), r"age: must be finite and >= 0 \[s\]"),
        (lambda: theory.reram_std(0.5, 0.5), r"age: must lie in \[1, 172800\] \[s\]"),
        (lambda: theory.rectified_moments(0.5, -1.0), "std: must be finite and >= 0"),
    ],
)
def test_what_is_no_device_is_refused(call, message):
    with pytest.raises(InputError, match=message):
        call()
