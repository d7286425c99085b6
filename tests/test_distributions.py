"""The named distributions are those of scipy; what all of them keep is in the contract suite."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

import jaxsnn_noise as jn
from helpers.statistical import Deviation, assert_mean, assert_proportion
from jaxsnn_noise import distributions, noise, random
from jaxsnn_noise._checks import InputError

X = np.linspace(-6, 6, 481, dtype=np.float32)
SCIPY = {
    "Gaussian": stats.norm(),
    "Logistic": stats.logistic(scale=np.sqrt(3) / np.pi),
    "Laplace": stats.laplace(scale=np.sqrt(0.5)),
    "Uniform": stats.uniform(-np.sqrt(3), 2 * np.sqrt(3)),
    "Triangular": stats.triang(0.5, -np.sqrt(6), 2 * np.sqrt(6)),
}


@pytest.mark.parametrize("name", sorted(SCIPY))
def test_cdf_and_pdf_are_those_of_scipy(name):
    member = getattr(distributions, name)()
    np.testing.assert_allclose(member.cdf(jnp.asarray(X)), SCIPY[name].cdf(X), atol=2e-7)
    edge = np.abs(np.abs(X) - np.sqrt(3)) < 1e-6
    np.testing.assert_allclose(np.asarray(member.pdf(jnp.asarray(X)))[~edge], SCIPY[name].pdf(X)[~edge], atol=3e-7)


@pytest.mark.slow
@pytest.mark.parametrize("df", [2.1, 3.0, 8.0, 16.5, 100.0, 1e4])
def test_student_t_is_that_of_scipy_for_few_and_many_degrees_of_freedom(df):
    member, far = distributions.StudentT(df), -np.array([8.0, 20.0], np.float32)
    law = stats.t(float(np.float32(df)), scale=np.sqrt((float(np.float32(df)) - 2) / float(np.float32(df))))
    np.testing.assert_allclose(member.cdf(jnp.asarray(X)), law.cdf(X.astype(float)), atol=2e-6)
    np.testing.assert_allclose(member.pdf(jnp.asarray(X)), law.pdf(X.astype(float)), atol=1e-6)
    wanted = law.cdf(far.astype(float))  # of tails the digits count
    shown = wanted > 1e-30
    np.testing.assert_allclose(np.asarray(member.cdf(jnp.asarray(far)))[shown], wanted[shown], rtol=5e-5)


@pytest.mark.slow
def test_the_degrees_of_freedom_of_student_t_have_the_gradient_of_a_difference():
    law = lambda df: stats.t(df, scale=np.sqrt((df - 2) / df))  # noqa: E731
    x = X[::40]
    for df in (3.0, 40.0):
        slope = jax.vmap(jax.grad(lambda df, x: distributions.StudentT(df).cdf(x)), (None, 0))(df, jnp.asarray(x))
        h = 1e-3 * df
        wanted = (law(df + h).cdf(x.astype(float)) - law(df - h).cdf(x.astype(float))) / (2 * h)
        np.testing.assert_allclose(slope, wanted, atol=1e-6)


@pytest.mark.slow
def test_the_draws_of_student_t_have_its_quantiles_far_out_and_its_kurtosis():
    member, at = distributions.StudentT(12.0), random.tick(random.stream(random.root(3), "t"), 5)
    x = np.asarray(jax.jit(lambda: member.sample(at, random.entities(1_000_000)))(), np.float64)
    law = stats.t(12.0, scale=np.sqrt(10 / 12))
    for p in (1e-2, 1e-3, 1e-4):
        beyond = np.sum(np.abs(x) > law.isf(p / 2))
        assert_proportion(beyond, x.size, p)
    assert_mean(x**4, 3 + 6 / (12 - 4))
    with pytest.raises(Deviation):  # and not those of a Gaussian
        assert_proportion(np.sum(np.abs(x) > stats.norm.isf(5e-4)), x.size, 1e-3)


@pytest.mark.slow
def test_student_t_of_many_degrees_of_freedom_is_gaussian_number_by_number():
    at = random.tick(random.root(3), 2)
    few = distributions.StudentT(1e6).sample(at, random.entities(1000))
    np.testing.assert_allclose(few, random.normal(at, random.entities(1000)), atol=1e-4)


@pytest.mark.parametrize("bad", [2.0, 0.0, -1.0, 2e6, np.nan, np.inf])
def test_degrees_of_freedom_without_a_variance_are_refused(bad):
    with pytest.raises(InputError, match=r"StudentT.df: must lie in \(2, 1e\+06\]"):
        distributions.StudentT(bad)


@pytest.mark.slow
@pytest.mark.parametrize("colour", [noise.PowerLaw(1.0, 20.0, 90.0), noise.White()])
def test_a_source_of_it_takes_any_colour_and_correlation_in_a_run(colour):
    """Each draw of each process at an address of its own: what met another kind of draw would be refused."""
    policies = {"colour": colour, "correlation": noise.SharedFraction(0.3), "distribution": distributions.StudentT(6.0)}
    source = noise.CurrentNoise(noise.PerStep(0.1), **policies)
    cells = jn.Population(
        jn.neurons.LIF(3), noise={"x": source}, firing=jn.NoisyThreshold(0.1, distributions.StudentT(4.0))
    )
    results = jn.simulate(jn.Simulation(jn.Network({"cells": cells}), duration=4.0, dt=0.5), key=0)
    assert results["health_cells"].nonfinite == 0
