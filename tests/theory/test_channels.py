"""The squid axon at rest, and the covariance of its channels at a held potential, against independent ways to the same numbers."""

from __future__ import annotations

from math import comb

import numpy as np
import pytest
from scipy.linalg import expm

from jaxsnn_noise import theory
from jaxsnn_noise._checks import InputError

V = [-10.0, 0.0, 10.0, 25.0, 40.0, 90.0]  # the rates of m and n are 0/0 at two of them


def test_the_singular_points_of_the_rates_lie_on_their_courses() -> None:
    for v, gate, expected in ((25.0, 0, 1.0), (10.0, 2, 0.1)):
        at = theory.gate_rates(v)[gate, 0]
        assert at == pytest.approx(expected, rel=1e-12)
        around = theory.gate_rates([v - 1e-3, v + 1e-3])[:, gate, 0]
        assert at == pytest.approx(around.mean(), rel=1e-8)


def test_the_rest_is_where_no_current_flows_and_hopf_points_are_those_of_the_literature() -> None:
    rates = theory.gate_rates(theory.hodgkin_huxley_rest(10.0))
    m, h, n = rates[:, 0] / rates.sum(axis=1)
    v = theory.hodgkin_huxley_rest(10.0)
    assert pytest.approx(120 * m**3 * h * (v - 115) + 36 * n**4 * (v + 12) + 0.3 * (v - 10.6), abs=1e-9) == 10.0
    assert theory.hodgkin_huxley_hopf() == pytest.approx((9.779, 154.53), rel=5e-5)
    assert theory.hodgkin_huxley_hopf(120.0) == pytest.approx((8.411, 163.35), rel=1e-4)
    growth = theory.hodgkin_huxley_growth([0.0, 9.77, 9.79, 80.0, 154.5, 154.6])
    assert np.sign(growth).tolist() == [-1, -1, 1, 1, 1, -1]


@pytest.mark.parametrize("ion", ["na", "k"])
def test_generators_conserve_channels_and_have_the_product_law(ion: str) -> None:
    for v in V:
        generator = theory.channel_generator(v, ion=ion)
        np.testing.assert_allclose(generator.sum(axis=0), 0.0, atol=1e-12)
        rates = theory.gate_rates(v)
        m, h, n = rates[:, 0] / rates.sum(axis=1)
        own = lambda x, k: [comb(k, i) * x**i * (1 - x) ** (k - i) for i in range(k + 1)]  # noqa: E731
        law = np.array(own(n, 4)) if ion == "k" else np.outer(own(h, 1), own(m, 3)).ravel()
        np.testing.assert_allclose(generator @ law, 0.0, atol=1e-12)
        mean, variance = theory.open_fraction_moments(v, 50, ion=ion)
        assert mean == pytest.approx(law[-1])
        assert variance == pytest.approx(law[-1] * (1 - law[-1]) / 50)


@pytest.mark.parametrize("ion", ["na", "k"])
def test_the_autocovariance_is_that_of_the_exponential_of_the_generator_and_the_sum_of_exponentials(ion: str) -> None:
    lags = np.array([0.0, 0.1, 1.0, 7.0])
    for v in V:
        found = theory.open_fraction_autocovariance(lags, v, 30, ion=ion)
        p = theory.open_fraction_moments(v, 30, ion=ion)[0]
        generator = theory.channel_generator(v, ion=ion)
        np.testing.assert_allclose(
            found, [p * (expm(generator * t)[-1, -1] - p) / 30 for t in lags], rtol=1e-6, atol=1e-12
        )
        rates = theory.gate_rates(v)
        speed, (m, h, n) = rates.sum(axis=1), rates[:, 0] / rates.sum(axis=1)
        of = lambda x, k, i: comb(k, i) * x ** (2 * k - i) * (1 - x) ** i  # noqa: E731
        if ion == "k":
            terms = [of(n, 4, i) * np.exp(-i * speed[2] * lags) for i in range(1, 5)]
        else:
            pairs = [(i, j) for i in range(4) for j in range(2) if i + j]
            terms = [of(m, 3, i) * of(h, 1, j) * np.exp(-(i * speed[0] + j * speed[1]) * lags) for i, j in pairs]
        np.testing.assert_allclose(found, np.sum(terms, axis=0) / 30, rtol=1e-6, atol=1e-12)


def test_reference_values_at_rest() -> None:
    area = 10.0
    sd = [float(theory.open_fraction_moments(0.0, n * area, ion=ion)[1] ** 0.5) for ion, n in (("na", 60), ("k", 18))]
    assert sd == pytest.approx([3.84e-4, 7.48e-3], rel=2e-3)


def test_what_is_out_of_range_is_refused() -> None:
    with pytest.raises(InputError, match=r"^number: must be finite and >= 1 \[1\]"):
        theory.open_fraction_moments(0.0, 0.5, ion="k")
    with pytest.raises(InputError, match=r"^ion: unknown name; got 'ca'"):
        theory.channel_generator(0.0, ion="ca")
    with pytest.raises(InputError, match=r"^potential: must lie in \[-200, 300\] \[mV\]"):
        theory.gate_rates(400.0)
    with pytest.raises(InputError, match=r"^density: must lie in \[-50, 500\] \[uA/cm2\]"):
        theory.hodgkin_huxley_rest(1e4)
