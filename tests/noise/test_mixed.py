"""Correlations that differ between pairs: against NumPy in double precision and closed forms; what is refused."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxsnn_noise as jn
from helpers.seams import context, course, courses, keys
from helpers.statistical import Deviation, assert_correlation, assert_variance, negative_control
from jaxsnn_noise import noise, random, theory
from jaxsnn_noise._checks import InputError
from jaxsnn_noise.noise import Seam

N = 20_000
SLOW = pytest.mark.slow
LOADINGS = np.array([[0.6, 0.0], [0.5, 0.6], [0.3, -0.9], [0.0, 0.4], [1.0, 0.0]])
MATRIX = np.array([[1, 0.5, 0.2, 0], [0.5, 1, -0.4, 0.1], [0.2, -0.4, 1, 0.3], [0, 0.1, 0.3, 1]])
POSITIONS = np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 2.0], [3.0, 3.0], [3.5, 3.0]])
DISTANCES = np.linalg.norm(POSITIONS[:, None] - POSITIONS[None], axis=-1)


def spatial(kernel, law):
    found = noise.Spatial(POSITIONS, 1.5, kernel=kernel, private=0.2)
    return found, law(DISTANCES, length=1.5, private=0.2)


CASES = {
    "low rank": (noise.LowRank(LOADINGS), theory.low_rank_correlation(LOADINGS)),
    "matrix": (noise.Covariance(MATRIX), MATRIX),
    "exponential": spatial(noise.ExponentialKernel(), theory.exponential_correlation),
    "gaussian": spatial(noise.GaussianKernel(), theory.gaussian_correlation),
}
each = pytest.mark.parametrize("case", sorted(CASES))


def drawn(correlation, colour=None, n=N, amplitude=0.5):
    """[stream, neuron] in the second step."""
    policies = {} if colour is None else {"colour": colour}
    source = noise.CurrentNoise(noise.PerStep(amplitude), correlation=correlation, **policies).prepared()
    at = context(Seam.CURRENT, np.zeros(correlation.size), 1.0)
    return np.asarray(courses(source, at, keys(n), 2, 1.0), np.float64)[:, 1]


@pytest.mark.slow
@each
@pytest.mark.parametrize("colour", [None, pytest.param(noise.OrnsteinUhlenbeck(3.0), marks=SLOW)])
def test_every_pair_has_the_correlation_of_theory_and_every_neuron_its_variance(case, colour):
    correlation, matrix = CASES[case]
    np.testing.assert_allclose(correlation.coefficient(), matrix, atol=1e-6)
    x, (i, j) = drawn(correlation, colour), np.triu_indices(len(matrix), 1)
    assert_variance(x, 0.25)
    negative_control(lambda a: assert_variance(a * x, 0.25))
    assert_correlation(x[:, i], x[:, j], matrix[i, j])
    strongest = np.argmax(np.abs(matrix[i, j]))
    for factor in (0.8, 1.2):
        with pytest.raises(Deviation):
            assert_correlation(x[:, i[strongest]], x[:, j[strongest]], factor * matrix[i, j][strongest])
    mean = x.mean(axis=1)
    assert_variance(mean, theory.mean_noise_variance(matrix, 0.5))


@each
def test_a_step_is_the_product_of_the_factor_and_addressed_draws(case):
    """An independent product in double precision, of the numbers at the addresses that the docstrings name."""
    correlation, matrix = CASES[case]
    at, size = random.tick(keys(1)[0], 2), len(matrix)
    own = np.asarray(random.normal(at, random.entities(size)), np.float64)
    if case == "low rank":
        shared = np.array([random.normal(at, random.shared(k))[0] for k in range(2)], np.float64)
        wanted = LOADINGS @ shared + np.sqrt(1 - np.sum(LOADINGS**2, axis=1)) * own
    else:
        wanted = np.linalg.cholesky(matrix) @ own
    np.testing.assert_allclose(correlation.innovation(noise.Gaussian(), at, size), wanted, atol=3e-6)


def test_one_column_is_a_shared_fraction():
    at, c = random.tick(keys(1)[0], 2), 0.3
    column = noise.LowRank(np.full((5, 1), np.sqrt(c))).innovation(noise.Gaussian(), at, 5)
    np.testing.assert_allclose(column, noise.SharedFraction(c).innovation(noise.Gaussian(), at, 5), atol=1e-6)


def test_neurons_that_come_first_keep_their_numbers_when_more_are_added():
    at = random.tick(keys(1)[0], 3)
    few = noise.Covariance(MATRIX[:2, :2]).innovation(noise.Gaussian(), at, 2)
    np.testing.assert_array_equal(few, noise.Covariance(MATRIX).innovation(noise.Gaussian(), at, 4)[:2])
    few = noise.LowRank(LOADINGS[:2]).innovation(noise.Gaussian(), at, 2)
    np.testing.assert_array_equal(few, noise.LowRank(LOADINGS).innovation(noise.Gaussian(), at, 5)[:2])


@SLOW
@pytest.mark.parametrize("many", [5, 40])
def test_one_member_and_many_have_the_same_bits(many):
    """Of more draws than are unrolled, too."""
    correlation = noise.Spatial(np.arange(many)[:, None], 3.0)
    source = noise.VoltageNoise(noise.Diffusion(0.5), correlation=correlation).prepared()
    at = context(Seam.VOLTAGE, np.zeros(many), 0.5)
    batch = courses(source, at, keys(4), 4, 0.5)
    np.testing.assert_array_equal(batch, [course(source, at, key, 4, 0.5) for key in keys(4)])
    factor = np.linalg.cholesky(
        theory.exponential_correlation(np.abs(np.subtract.outer(np.arange(many), np.arange(many))), length=3.0)
    )
    own = random.normal(random.tick(keys(4)[0], 0), random.entities(many))
    np.testing.assert_allclose(
        batch[0, 0], 0.5 * np.sqrt(10 * -np.expm1(-0.05)) * (factor @ np.asarray(own)), atol=1e-5
    )


def simulated(correlation, size=5, **options):
    source = noise.VoltageNoise(noise.Diffusion(0.2), correlation=correlation)
    cells = jn.Population(jn.neurons.LeakyIntegrator(size, tau_mem=10.0), noise={"x": source})
    return jn.Simulation(jn.Network({"cells": cells}), **({"duration": 10.0, "dt": 0.5} | options))


@SLOW
def test_membranes_have_the_correlation_of_their_noise():
    sim = simulated(CASES["exponential"][0], duration=0.5, warmup=60.0, statistics={"v": jn.statistics.Trace(("v",))})
    study = jn.monte_carlo(sim, [jn.Trials(2000)], key=1, progress=False)
    v = study["v_v"].values.reshape(2000, 5).astype(np.float64)
    assert_variance(v, theory.membrane_variance(0.2, tau_mem=10.0))
    i, j = np.triu_indices(5, 1)
    assert_correlation(v[:, i], v[:, j], CASES["exponential"][1][i, j])
    with pytest.raises(Deviation):
        assert_correlation(v[:, i], v[:, j], 0.8 * CASES["exponential"][1][i, j])


@SLOW
def test_the_length_may_be_swept_and_each_member_has_the_factor_of_its_own():
    statistics = {"v": jn.statistics.Trace(("v",))}
    sim = simulated(noise.Spatial(POSITIONS, 1.5, kernel=noise.GaussianKernel()), statistics=statistics)
    path = "network.cells.noise.x.correlation.length"
    study = jn.monte_carlo(sim, [jn.Sweep(path, [0.5, 1.5], name="length")], key=1, progress=False)
    for i, length in enumerate((0.5, 1.5)):
        alone = jn.simulate(jn.paths.replace(sim, {path: length}), key=1)["v"]["v"]
        np.testing.assert_allclose(study["v_v"].values[i], alone, atol=1e-5)
    with pytest.raises(InputError, match="length: must be short enough"):
        jn.simulate(jn.paths.replace(sim, {path: 1e4}), key=1)


def test_what_no_check_sees_and_has_no_factor_is_not_a_number():
    at, kernel = random.tick(keys(1)[0], 2), noise.GaussianKernel()
    drawn = jax.jit(lambda x: noise.Spatial(POSITIONS, x, kernel=kernel).innovation(noise.Gaussian(), at, 5))
    assert np.isfinite(drawn(1.5)).all()
    assert np.isnan(drawn(1e4)).any()
    row = jax.jit(lambda x: noise.LowRank(jnp.full((2, 1), x)).innovation(noise.Gaussian(), at, 2))
    assert np.isfinite(row(1.0)).all()
    assert np.isnan(row(1.01)).all()


def test_a_source_with_private_parts_may_decide_and_others_say_why_not():
    assert noise.VoltageNoise(noise.Diffusion(0.1), correlation=CASES["low rank"][0]).indecisive is None
    why = noise.VoltageNoise(noise.Diffusion(0.1), correlation=CASES["matrix"][0]).indecisive
    assert why == "is common, or mixed of shared draws: no neuron has a part of its own"


@each
def test_a_population_of_another_size_is_refused(case):
    correlation = CASES[case][0]
    with pytest.raises(
        InputError, match=r"cells.noise.x.correlation: must be made for as many neurons as there are, 3"
    ):
        simulated(correlation, size=3)
    parts = {"a": jn.Port(3), "b": jn.Population(jn.neurons.LIF(2))}
    release = noise.ReleaseNoise(noise.PerStep(0.1), correlation=correlation)
    with pytest.raises(InputError, match=r"feed.noise.x.correlation: must be made for as many neurons as there are, 3"):
        jn.Network(parts, {"feed": jn.synapses.Dense("a", "b", np.ones((2, 3)), noise={"x": release})})


REFUSED = {
    "a long row": (lambda: noise.LowRank([[0.8, 0.7]]), r"LowRank.loadings: rows must have a norm of at most 1"),
    "no matrix of loadings": (
        lambda: noise.LowRank([0.5, 0.5]),
        r"LowRank.loadings: must be a matrix \[neuron, factor\]",
    ),
    "not square": (lambda: noise.Covariance(np.ones((2, 3))), r"Covariance.matrix: must be square"),
    "not symmetric": (lambda: noise.Covariance([[1, 0.5], [0.2, 1]]), r"Covariance.matrix: must be symmetric"),
    "no unit diagonal": (
        lambda: noise.Covariance([[2, 0.5], [0.5, 2]]),
        r"Covariance.matrix: must have a diagonal of 1",
    ),
    "not definite": (
        lambda: noise.Covariance([[1, 1.2], [1.2, 1]]),
        r"must be positive definite; got 'smallest eigenvalue -0.2'",
    ),
    "singular": (lambda: noise.Covariance(np.ones((2, 2))), r"Covariance.matrix: must be positive definite"),
    "positions of a wrong shape": (
        lambda: noise.Spatial([0.0, 1.0], 1.0),
        r"Spatial.positions: must be \[neuron, dimension\]",
    ),
    "two neurons at one place": (lambda: noise.Spatial([[0.0], [0.0]], 1.0), r"Spatial.length: must be short enough"),
    "no length": (lambda: noise.Spatial([[0.0], [1.0]], 0.0), r"Spatial.length: must be finite and > 0"),
    "too smooth": (
        lambda: noise.Spatial(np.arange(50)[:, None] * 0.1, 1.0, kernel=noise.GaussianKernel()),
        r"else give a private part",
    ),
    "no share": (lambda: noise.Spatial([[0.0], [1.0]], 1.0, private=1.5), r"Spatial.private: must lie in \[0, 1\]"),
}


@pytest.mark.parametrize("case", sorted(REFUSED))
def test_what_is_no_correlation_is_refused(case):
    make, told = REFUSED[case]
    with pytest.raises(InputError, match=told):
        make()


def test_a_private_part_makes_a_smooth_kernel_positive_definite():
    noise.Spatial(np.arange(50)[:, None] * 0.1, 1.0, kernel=noise.GaussianKernel(), private=0.01)
