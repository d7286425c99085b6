"""The fixed point of soft bounds, against sums over pairs and a plain simulation of the rule."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from helpers.statistical import assert_mean, negative_control
from jaxsnn_noise import theory
from jaxsnn_noise._checks import InputError


def test_the_drift_of_all_pairs_vanishes_there():
    lag = np.arange(1, 5000) * 2.0
    up, down = 0.7 * np.exp(-lag / 15.0).sum(), 0.4 * np.exp(-lag / 30.0).sum()
    w = theory.stdp_fixed_point(0.7, 0.4, tau_plus=15.0, tau_minus=30.0, dt=2.0)
    assert (1 - w) * up == pytest.approx(w * down, rel=1e-12)


def test_fine_steps_tend_to_continuous_time():
    kinds = {"tau_plus": 15.0, "tau_minus": [15.0, 30.0]}
    assert_allclose(theory.stdp_fixed_point(0.7, 0.35, **kinds), [2 / 3, 0.5])
    assert_allclose(theory.stdp_fixed_point(0.7, 0.35, dt=1e-6, **kinds), [2 / 3, 0.5], rtol=1e-6)
    coarse = theory.stdp_fixed_point(0.7, 0.35, dt=5.0, **kinds)
    assert coarse[0] == pytest.approx(2 / 3)  # equal time constants: the grid takes as much from both
    assert coarse[1] < 0.49


def test_a_plain_simulation_comes_to_rest_there():
    rng, pairs = np.random.default_rng(0), 2000
    keep = np.exp(-5.0 / np.array([10.0, 30.0]))
    w, traces, means = np.full(pairs, 0.4), np.zeros((2, pairs)), []
    for step in range(14_000):
        pre, post = rng.random((2, pairs)) < 0.05
        traces *= keep[:, None]
        w += np.where(post, 0.1 * (1 - w) * traces[0], 0) - np.where(pre, 0.1 * 0.5 * w * traces[1], 0)
        traces += (pre, post)
        if step >= 10_000:
            means.append(w.copy())
    samples = np.mean(means, axis=0)

    def check(amplitude):
        assert_mean(amplitude * samples, theory.stdp_fixed_point(1.0, 0.5, tau_plus=10.0, tau_minus=30.0, dt=5.0))

    check(1.0)
    negative_control(check)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: theory.stdp_fixed_point(0.0, 1.0, tau_plus=1.0, tau_minus=1.0), "a_plus: must be finite and > 0"),
        (lambda: theory.stdp_fixed_point(1.0, -1.0, tau_plus=1.0, tau_minus=1.0), "a_minus: must be finite and > 0"),
        (lambda: theory.stdp_fixed_point(1.0, 1.0, tau_plus=0.0, tau_minus=1.0), r"tau_plus: .* > 0 \[ms\]"),
        (
            lambda: theory.stdp_fixed_point(1.0, 1.0, tau_plus=1.0, tau_minus=np.nan),
            r"tau_minus: must be finite \[ms\]; got nan",
        ),
        (lambda: theory.stdp_fixed_point(1.0, 1.0, tau_plus=1.0, tau_minus=1.0, dt=-1.0), r"dt: .* >= 0 \[ms\]"),
    ],
)
def test_wrong_input_is_named(call, message):
    with pytest.raises(InputError, match=message):
        call()
