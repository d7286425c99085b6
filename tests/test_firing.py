"""Firing rules: deterministic extremes, probabilities, and gradients against finite differences."""

from functools import cache

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from helpers.discovery import label, members
from helpers.statistical import assert_mean, assert_proportion, negative_control
from jaxsnn_noise import distributions, random
from jaxsnn_noise._checks import InputError
from jaxsnn_noise.firing import HardThreshold, NoisyThreshold
from jaxsnn_noise.signals import Crossing
from jaxsnn_noise.surrogates import SuperSpike

N = 100_000
AT = random.tick(random.root(8), 2)
DISTRIBUTIONS = members(distributions.Distribution)
each = pytest.mark.parametrize("distribution", DISTRIBUTIONS, ids=label)


@eqx.filter_jit
def fire(rule, margin):
    return rule(Crossing(margin, jnp.zeros_like(margin), jnp.ones_like(margin)), AT, 1.0).spikes


@cache
def noise_of(distribution):
    draw = jax.jit(lambda: distribution.example().sample(random.tick(random.root(9), 0), random.entities(N)))
    return np.asarray(draw())


@eqx.filter_jit
def mean_slopes(distribution, margin, scale):
    """The derivatives of the mean spike with respect to margin and scale."""
    mean = lambda m, s: fire(NoisyThreshold(s, distribution), jnp.full(N, m)).mean()  # noqa: E731
    return jax.grad(mean, (0, 1))(margin, scale)


def test_a_hard_threshold_fires_from_margin_zero_on():
    margin = jnp.array([-1.0, -1e-30, -0.0, 0.0, 1e-30, 5.0])
    np.testing.assert_array_equal(fire(HardThreshold(), margin), [0, 0, 1, 1, 1, 1])


def test_the_gradient_of_a_hard_threshold_is_that_of_its_surrogate():
    surrogate, margin = SuperSpike(3.0), jnp.linspace(-1, 1, 7)
    slope = jax.grad(lambda m: fire(HardThreshold(surrogate), m).sum())(margin)
    np.testing.assert_allclose(slope, surrogate.derivative(margin), rtol=1e-6)


@each
def test_without_noise_it_is_the_hard_threshold_and_passes_no_gradient(distribution):
    margin = jnp.array([-1.0, -1e-30, 0.0, 1e-30, 5.0])
    rule = NoisyThreshold(0.0, distribution.example())
    np.testing.assert_array_equal(fire(rule, margin), [0, 0, 1, 1, 1])
    np.testing.assert_array_equal(rule.probability(margin), [0, 0, 1, 1, 1])
    assert [float(slope) for slope in mean_slopes(distribution.example(), 0.0, 0.0)] == [0, 0]


@each
def test_far_from_threshold_it_is_certain(distribution):
    for margin, wanted in [(-30.0, 0.0), (30.0, 1.0)]:
        spikes = fire(NoisyThreshold(0.3, distribution.example()), jnp.full(N, margin))
        np.testing.assert_array_equal(spikes, np.full(N, wanted))


@each
@pytest.mark.parametrize("margin", [-0.4, 0.0, 0.25])
def test_it_fires_with_the_probability_that_noise_lifts_the_margin_above_zero(distribution, margin):
    member = distribution.example()
    spikes = fire(NoisyThreshold(0.3, member), jnp.full(N, margin))
    assert_proportion(int(spikes.sum()), N, float(member.cdf(jnp.float32(margin / 0.3))))
    # the noise itself, drawn elsewhere: margin + scale xi >= 0
    assert_proportion(
        int((margin + 0.3 * noise_of(distribution) >= 0).sum()), N, float(member.cdf(jnp.float32(margin / 0.3)))
    )


def test_the_test_of_the_probability_sees_a_wrong_scale():
    def check(amplitude):
        spikes = fire(NoisyThreshold(0.3 * amplitude), jnp.full(N, -0.4))
        assert_proportion(int(spikes.sum()), N, float(distributions.Gaussian().cdf(jnp.float32(-0.4 / 0.3))))

    check(1.0)
    negative_control(check)


@each
def test_the_gradient_is_the_slope_of_the_monte_carlo_mean(distribution):
    """Against a finite difference with common random numbers: same uniforms at x + h and x - h."""
    margin, scale, h = 0.11, 0.3, 0.03  # the curvature over h moves the quotient by less than its error
    member = distribution.example()
    at = lambda m, s: np.asarray(fire(NoisyThreshold(s, member), jnp.full(N, m)), np.float64)  # noqa: E731
    slopes = mean_slopes(member, margin, scale)
    assert_mean((at(margin + h, scale) - at(margin - h, scale)) / (2 * h), float(slopes[0]))
    assert_mean((at(margin, scale + h) - at(margin, scale - h)) / (2 * h), float(slopes[1]))
    negative_control(lambda a: assert_mean(a * (at(margin + h, scale) - at(margin - h, scale)) / (2 * h), slopes[0]))


@each
def test_the_gradient_is_the_density(distribution):
    member, scale = distribution.example(), 0.4
    for margin in (-0.7, 0.1):
        slopes = mean_slopes(member, margin, scale)
        density = float(member.pdf(jnp.float32(margin / scale))) / scale
        np.testing.assert_allclose(slopes, [density, -density * margin / scale], rtol=1e-4)


@pytest.mark.parametrize("bad", [-0.1, np.nan, np.inf])
def test_a_scale_or_sharpness_out_of_range_is_refused(bad):
    with pytest.raises(InputError, match=r"NoisyThreshold.scale: must be finite and >= 0 \[mV\]"):
        NoisyThreshold(bad)
    rule = eqx.tree_at(lambda r: r.gradient.sharpness, HardThreshold(), jnp.float32(bad))
    with pytest.raises(InputError, match=r"firing.gradient.sharpness: must be finite and > 0"):
        rule.check("firing")
