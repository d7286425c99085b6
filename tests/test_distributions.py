"""Unit-variance distributions: cdf, pdf and sample agree with each other and with scipy."""

from functools import cache

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

from helpers.discovery import label, members
from helpers.statistical import assert_ks, assert_mean, assert_variance, negative_control
from jaxsnn_noise import distributions, random

N = 200_000
MEMBERS = members(distributions.Distribution)
each = pytest.mark.parametrize("cls", MEMBERS, ids=label)
X = np.linspace(-6, 6, 481, dtype=np.float32)
SCIPY = {
    "Gaussian": stats.norm(),
    "Logistic": stats.logistic(scale=np.sqrt(3) / np.pi),
    "Laplace": stats.laplace(scale=np.sqrt(0.5)),
    "Uniform": stats.uniform(-np.sqrt(3), 2 * np.sqrt(3)),
    "Triangular": stats.triang(0.5, -np.sqrt(6), 2 * np.sqrt(6)),
}


@cache
def sample(cls):
    at = random.tick(random.stream(random.root(5), cls.__name__), 3)
    return np.asarray(jax.jit(lambda: cls.example().sample(at, random.entities(N)))(), np.float64)


def test_the_five_named_members_are_found():
    assert set(SCIPY) <= {cls.__name__ for cls in MEMBERS}


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
    member = cls.example()
    x = sample(cls)
    cdf = lambda x: member.cdf(jnp.asarray(x, jnp.float32))  # noqa: E731
    assert_ks(x, cdf)
    negative_control(lambda amplitude: assert_ks(amplitude * x, cdf))


@each
def test_the_pdf_is_the_derivative_of_the_cdf(cls):
    member = cls.example()
    # by central differences in float64 of scipy's law where there is one, else of its own cdf
    h = 1e-2
    cdf = lambda x: np.asarray(member.cdf(jnp.asarray(x)), np.float64)  # noqa: E731
    slope = (cdf(X + h) - cdf(X - h)) / (2 * h)
    kinks = np.abs(np.abs(X)[:, None] - np.array([0, np.sqrt(3), np.sqrt(6)])).min(axis=1) < 2 * h
    np.testing.assert_allclose(np.asarray(member.pdf(jnp.asarray(X)))[~kinks], slope[~kinks], atol=1e-4)


@each
def test_the_density_is_symmetric_and_integrates_to_one(cls):
    member = cls.example()
    np.testing.assert_array_equal(member.pdf(jnp.asarray(X)), member.pdf(jnp.asarray(-X)))
    both = np.asarray(member.cdf(jnp.asarray(X)), np.float64) + np.asarray(member.cdf(jnp.asarray(-X)))
    np.testing.assert_allclose(both, 1.0, atol=2e-7)
    wide = np.linspace(-20, 20, 40_001, dtype=np.float32)
    assert np.trapezoid(np.asarray(member.pdf(jnp.asarray(wide)), np.float64), wide) == pytest.approx(1.0, abs=1e-3)


@pytest.mark.parametrize("name", sorted(SCIPY))
def test_cdf_and_pdf_are_those_of_scipy(name):
    member = getattr(distributions, name)()
    np.testing.assert_allclose(member.cdf(jnp.asarray(X)), SCIPY[name].cdf(X), atol=2e-7)
    edge = np.abs(np.abs(X) - np.sqrt(3)) < 1e-6
    np.testing.assert_allclose(np.asarray(member.pdf(jnp.asarray(X)))[~edge], SCIPY[name].pdf(X)[~edge], atol=3e-7)


@each
def test_samples_are_finite_at_the_ends_of_the_uniform_and_gradients_at_zero(cls):
    member = cls.example()
    for x in (0.0, 1.0, -3.0, 50.0):
        for f in (member.cdf, member.pdf):
            assert np.isfinite(jax.grad(f)(jnp.float32(x)))
    assert np.isfinite(sample(cls)).all()


@each
def test_vmap_over_streams_equals_a_loop(cls):
    member = cls.example()
    keys = jnp.stack([random.member(random.root(1), trial=i) for i in range(3)])
    draw = jax.jit(lambda key: member.sample(random.tick(key, 0), random.entities(9)))
    batched = jax.jit(jax.vmap(lambda key: member.sample(random.tick(key, 0), random.entities(9))))
    np.testing.assert_array_equal(batched(keys), [draw(k) for k in keys])
