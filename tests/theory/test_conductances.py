"""Moments of a membrane under conductances, against limits, published numbers and a simulation without the package."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy import signal

from helpers.statistical import assert_mean, assert_variance, negative_control
from jaxsnn_noise import theory
from jaxsnn_noise._checks import InputError

KINDS = {"tau_syn": [3.0, 8.0], "reversal": [0.0, -80.0]}
CELL = {"tau_mem": 20.0, "v_rest": -65.0, "resistance": 10.0}


def test_the_time_constant_shrinks_with_the_conductance():
    assert_allclose(theory.effective_time_constant([0.0, 0.1, 0.4], tau_mem=20.0, resistance=10.0), [20.0, 10.0, 4.0])
    g = 8 * 2e-4 * 3 + 2 * 8e-4 * 8
    assert theory.effective_time_constant(g, tau_mem=20.0, resistance=10.0) == pytest.approx(17.0, abs=0.05)


def test_far_reversals_are_currents():
    # E -> infinity at a constant w (E - v): nothing of the conductance is left but its current.
    far, charge = 1e7, 0.3
    found = theory.conductance_shot_noise_moments([400.0], [charge / 5.0 / far], tau_syn=[5.0], reversal=[far], **CELL)
    mean, variance = theory.filtered_shot_noise_moments(400.0, charge, tau_mem=20.0, tau_syn=5.0, resistance=10.0)
    assert_allclose(found, (-65.0 + mean, variance), rtol=1e-4)


def test_arrays_go_through_and_kinds_are_summed_over():
    rates = np.array([[8000.0, 2000.0], [8000.0, 0.0], [0.0, 0.0]])
    mean, variance = theory.conductance_shot_noise_moments(rates, [2e-4, 8e-4], **KINDS, **CELL)
    assert mean.shape == variance.shape == (3,)
    alone = theory.conductance_shot_noise_moments(8000.0, 2e-4, tau_syn=3.0, reversal=0.0, **CELL)
    assert_allclose([mean[1], variance[1]], alone)
    assert (mean[2], variance[2]) == (-65.0, 0.0)
    split = theory.conductance_shot_noise_moments(
        [4000.0, 4000.0, 2000.0], [2e-4, 2e-4, 8e-4], tau_syn=[3.0, 3.0, 8.0], reversal=[0.0, 0.0, -80.0], **CELL
    )
    assert_allclose(split, (mean[0], variance[0]))


def test_moments_are_those_of_the_membrane_equation():
    # A plain loop with Poisson counts in fine steps; the fluctuations are weak, what is left out lies within the errors.
    rng, dt, cells, steps = np.random.default_rng(3), 0.05, 4000, 3000
    rate, weight, tau, reversal = np.array([[8.0, 2e-4, 3.0, 0.0], [2.0, 8e-4, 8.0, -80.0]]).T
    v, g = np.full(cells, -64.0), np.tile((rate * weight * tau)[:, None], (1, cells))
    for _ in range(steps):
        g += weight[:, None] * rng.poisson(rate[:, None] * dt, (2, cells))
        held = g * (tau * -np.expm1(-dt / tau) / dt)[:, None]
        g *= np.exp(-dt / tau)[:, None]
        leak = 1 + 10 * held.sum(axis=0)
        end = (-65 + 10 * reversal @ held) / leak
        v = end + (v - end) * np.exp(-dt * leak / 20)
    mean, variance = theory.conductance_shot_noise_moments(1000 * rate, weight, tau_syn=tau, reversal=reversal, **CELL)
    assert_allclose([mean, variance], [-63.980, 0.0517], rtol=1e-3)
    assert_mean(v, mean)

    def check(amplitude):
        assert_variance(amplitude * v, variance)

    check(1.0)
    negative_control(check)


def test_the_variance_is_campbells_theorem_for_the_linear_response():
    # One kind: the response to a spike, at the mean conductance, squared and summed.
    rate, w, tau, reversal = 3.0, 1e-3, 4.0, 0.0
    mean, variance = theory.conductance_shot_noise_moments(1000 * rate, w, tau_syn=tau, reversal=reversal, **CELL)
    leak, dt = 1 + 10 * rate * w * tau, 0.002
    conductance = w * np.exp(-np.arange(0, 300, dt) / tau)
    a = np.exp(-dt * leak / 20)
    response = signal.lfilter([(1 - a) * 10 * (reversal - mean) / leak], [1, -a], conductance)
    assert rate * (response**2).sum() * dt == pytest.approx(float(variance), rel=2e-3)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"rate_hz": -1.0}, r"rate_hz: must be finite and >= 0 \[Hz\]"),
        ({"weight": -1.0}, r"weight: must be finite and >= 0 \[uS\]"),
        ({"tau_syn": 0.0}, r"tau_syn: must be finite and > 0 \[ms\]"),
        ({"tau_mem": 0.0}, r"tau_mem: must be finite and > 0 \[ms\]"),
        ({"resistance": 0.0}, r"resistance: must be finite and > 0 \[MOhm\]"),
        ({"reversal": np.inf}, r"reversal: must be finite \[mV\]"),
    ],
)
def test_wrong_input_is_named(change, message):
    given = {"rate_hz": 1.0, "weight": 1e-3, "tau_syn": 5.0, "reversal": 0.0, **CELL} | change
    with pytest.raises(InputError, match=message):
        theory.conductance_shot_noise_moments(given.pop("rate_hz"), given.pop("weight"), **given)
