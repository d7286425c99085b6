"""Laws that every distribution keeps: mean 0, variance 1, and cdf, pdf and sample that agree. Members are found."""

from functools import cache

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from helpers.discovery import example, label, members
from helpers.statistical import assert_ks, assert_mean, assert_variance, negative_control
from jaxsnn_noise import random
from jaxsnn_noise.distributions import Distribution

N = 200_000
MEMBERS = members(Distribution)
each = pytest.mark.parametrize("cls", MEMBERS, ids=label)
X = np.linspace(-6, 6, 481, dtype=np.float32)


@cache
def sample(cls):
    at = random.tick(random.stream(random.root(5), cls.__name__), 3)
    return np.asarray(jax.jit(lambda: example(cls).sample(at, random.entities(N)))(), np.float64)


def test_the_named_members_are_found():
    assert {"Gaussian", "Laplace", "Logistic", "Triangular", "Uniform"} <= {cls.__name__ for cls in MEMBERS}


@each
def test_samples_have_mean_zero_and_variance_one(cls):
    x = sample(cls)

    def check(amplitude):
        assert_variance(amplitude * x, 1.0, kurtosis=None)

    assert_mean(x, 0.0)
    check(1.0)
    negative_control(check)


@each
def test_samples_follow_the_cdf(cls):
    member = example(cls)
    x = sample(cls)
    cdf = lambda x: member.cdf(jnp.asarray(x, jnp.float32))  # noqa: E731
    assert_ks(x, cdf)
    negative_control(lambda amplitude: assert_ks(amplitude * x, cdf))


@each
def test_the_pdf_is_the_derivative_of_the_cdf(cls):
    member = example(cls)
    h = 1e-2
    cdf = lambda x: np.asarray(member.cdf(jnp.asarray(x)), np.float64)  # noqa: E731
    slope = (cdf(X + h) - cdf(X - h)) / (2 * h)
    pdf = lambda x: np.asarray(member.pdf(jnp.asarray(x)), np.float64)  # noqa: E731
    # where the density has a kink or a jump, the difference sees both of its sides
    smooth = np.abs(pdf(X + h) - 2 * pdf(X) + pdf(X - h)) < 1e-3
    assert smooth.mean() > 0.95
    np.testing.assert_allclose(pdf(X)[smooth], slope[smooth], atol=2e-4)


@each
def test_the_density_is_symmetric_and_integrates_to_one(cls):
    member = example(cls)
    np.testing.assert_array_equal(member.pdf(jnp.asarray(X)), member.pdf(jnp.asarray(-X)))
    both = np.asarray(member.cdf(jnp.asarray(X)), np.float64) + np.asarray(member.cdf(jnp.asarray(-X)))
    np.testing.assert_allclose(both, 1.0, atol=2e-7)
    wide = np.linspace(-20, 20, 40_001, dtype=np.float32)
    assert np.trapezoid(np.asarray(member.pdf(jnp.asarray(wide)), np.float64), wide) == pytest.approx(1.0, abs=1e-3)


@pytest.mark.slow
@each
def test_samples_are_finite_at_the_ends_of_the_uniform_and_gradients_at_zero(cls):
    member = example(cls)
    for x in (0.0, 1.0, -3.0, 50.0):
        for f in (member.cdf, member.pdf):
            assert np.isfinite(jax.grad(f)(jnp.float32(x)))
    assert np.isfinite(sample(cls)).all()


@each
def test_vmap_over_streams_equals_a_loop(cls):
    member = example(cls)
    keys = jnp.stack([random.member(random.root(1), trial=i) for i in range(3)])
    draw = jax.jit(lambda key: member.sample(random.tick(key, 0), random.entities(9)))
    batched = jax.jit(jax.vmap(lambda key: member.sample(random.tick(key, 0), random.entities(9))))
    np.testing.assert_array_equal(batched(keys), [draw(k) for k in keys])
