"""The asynchronous state of Brunel's network: printed values, and the equation itself."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from jaxsnn_noise import theory

NETWORK = {"jump": 0.1, "excitatory": 1000, "inhibitory": 250, "external": 1000, "tau_mem": 20.0}
NEURON = {"v_threshold": 20.0, "refractory": 2.0}


@pytest.mark.parametrize(("reset", "rates"), [(10.0, [327.0, 55.84, 37.95, 6.52]), (0.0, [None, 49.15, 32.03, 5.83])])
def test_the_rates_of_the_four_panels(reset, rates):
    g, eta = np.array([3.0, 6.0, 5.0, 4.5]), np.array([2.0, 4.0, 2.0, 0.9])
    found = theory.brunel_rate_hz(10.0 * eta, inhibition=g, v_reset=reset, **NEURON, **NETWORK)
    for one, expected in zip(found, rates, strict=True):
        assert expected is None or abs(one - expected) < (0.5 if expected > 100 else 0.006)
    mean, sigma = theory.brunel_drive(found, external_hz=10.0 * eta, inhibition=g, **NETWORK)
    assert_allclose(theory.siegert_rate_hz(mean, sigma, tau_mem=20.0, v_reset=reset, **NEURON), found, rtol=1e-8)


def test_the_drive_is_that_of_the_diffusion_limit():
    mean, sigma = theory.brunel_drive(37.95, external_hz=20.0, inhibition=5.0, **NETWORK)
    excite, spread = theory.diffusion_limit(1000 * 57.95, 0.1, tau_mem=20.0)
    inhibit, other = theory.diffusion_limit(250 * 37.95, -0.5, tau_mem=20.0)
    assert_allclose([mean, sigma], [excite + inhibit, np.hypot(spread, other)])
    assert_allclose([mean, sigma * 20**0.5], [21.03, 7.68], atol=0.006)


def test_the_lowest_of_several_rates_and_silence():
    weak = {**NETWORK, "v_threshold": 20.0, "v_reset": 10.0}
    assert theory.brunel_rate_hz(0.0, inhibition=5.0, refractory=2.0, **weak) == 0.0
    low = theory.brunel_rate_hz(8.0, inhibition=3.0, refractory=2.0, **weak)
    assert 0 < low < 1
    assert theory.brunel_rate_hz(30.0, inhibition=1.0, refractory=None, **weak) == np.inf
