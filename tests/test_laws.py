"""The named laws against closed forms; what all of them keep is in the contract suite."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

from helpers.laws import apply, perturb
from helpers.statistical import assert_correlation, assert_ks, assert_mean, assert_variance, negative_control
from jaxsnn_noise import laws, random
from jaxsnn_noise._checks import InputError

KEY = random.root(2024)
N = 40_000
MEMBERS = [getattr(laws, name) for name in laws.__all__ if name not in ("Law", "AbsoluteLaw")]
SILENT = {  # the member with no spread
    "LogNormal": laws.LogNormal(0.0),
    "Normal": laws.Normal(0.0),
    "Offset": laws.Offset(0.0),
    "TruncatedNormal": laws.TruncatedNormal(0.0, low=0.5, high=2.0),
    "UniformFactor": laws.UniformFactor(0.0),
    "Empirical": laws.Empirical([1.0, 1.0]),
    "Correlated": laws.Correlated(laws.LogNormal(0.0), rho=0.4),
}
SPREAD = {  # name: how the law is made from its spread, and a spread to try
    "LogNormal": (laws.LogNormal, 0.3),
    "Normal": (laws.Normal, 0.3),
    "Offset": (laws.Offset, 0.3),
    "TruncatedNormal": (lambda cv: laws.TruncatedNormal(cv, low=0.4, high=1.9), 0.3),
    "UniformFactor": (laws.UniformFactor, 0.3),
    "Correlated": (lambda cv: laws.Correlated(laws.LogNormal(cv), rho=0.4), 0.3),
    "GaussianAround": (lambda std: laws.GaussianAround(0.5, std), 0.3),
    "UniformBetween": (lambda width: laws.UniformBetween(0.5, 0.5 + width), 0.3),
}

each_spread = pytest.mark.parametrize("name", sorted(SPREAD))


@pytest.mark.parametrize("name", sorted(SILENT))
def test_no_spread_is_the_nominal_value_to_the_bit(name):
    nominal = jnp.array([20.0, -3.3, 0.0, 1e-7], jnp.float32)
    np.testing.assert_array_equal(apply(SILENT[name], nominal, KEY), nominal)


def test_fixed_and_degenerate_absolute_laws_are_constants():
    for law in (laws.Fixed(0.7), laws.GaussianAround(0.7, 0.0), laws.UniformBetween(0.7, 0.7)):
        np.testing.assert_array_equal(law.draw(KEY, 50), np.full(50, 0.7, np.float32))


def test_fully_correlated_entities_are_alike_and_uncorrelated_ones_those_of_the_law():
    inner, nominal = laws.LogNormal(0.3), jnp.full(50, 20.0)
    alike = apply(laws.Correlated(inner, rho=1.0), nominal, KEY)
    assert alike.min() == alike.max() != 20.0
    np.testing.assert_array_equal(apply(laws.Correlated(inner, rho=0.0), nominal, KEY), apply(inner, nominal, KEY))


def test_values_at_given_scores():
    z = np.array([-2.5, -1.0, -0.1, 0.0, 0.4, 3.0])
    phi = stats.norm.cdf(z)
    s = np.sqrt(np.log(1.09))
    frozen = stats.truncnorm((0.4 - 1) / 0.3, (1.9 - 1) / 0.3, loc=1, scale=0.3)
    factors = np.sort([1.3, 0.7, 1.1])
    cases = [
        (laws.LogNormal(0.3), 20 * np.exp(s * z - s * s / 2)),
        (laws.Normal(0.3), 20 * (1 + 0.3 * z)),
        (laws.Offset(0.3), 20 + 0.3 * z),
        (laws.TruncatedNormal(0.3, 0.4, 1.9), 20 * frozen.ppf(phi)),
        (laws.UniformFactor(0.3), 20 * (1 + 0.3 * (2 * phi - 1))),
        (laws.Empirical([1.3, 0.7, 1.1]), 20 * factors[(3 * phi).astype(int)]),
        (laws.UniformBetween(-1.0, 3.0), -1 + 4 * phi),
        (laws.GaussianAround(-1.0, 3.0), -1 + 3 * z),
        (laws.Fixed(-1.0), np.full(z.size, -1.0)),
        (laws.Correlated(laws.Normal(0.3), rho=0.5), 20 * (1 + 0.3 * z)),
    ]
    assert {type(law) for law, _ in cases} == set(MEMBERS)
    for law, expected in cases:
        found = perturb(law, jnp.full(z.size, 20.0), jnp.asarray(z, jnp.float32))
        np.testing.assert_allclose(found, expected, rtol=2e-6, err_msg=str(law))


@pytest.mark.parametrize(("cv", "low", "high"), [(0.3, 0.4, 1.9), (0.5, 0.5, 2.0), (0.05, 0.4, 1.9), (1.0, 0.9, 1.2)])
def test_truncated_normal_reports_its_exact_moments(cv, low, high):
    frozen = stats.truncnorm((low - 1) / cv, (high - 1) / cv, loc=1, scale=cv)
    mean, std = laws.TruncatedNormal(cv, low, high).mean_std(jnp.float32(-20.0))
    np.testing.assert_allclose(mean, -20 * frozen.mean(), rtol=1e-5)
    np.testing.assert_allclose(std, 20 * frozen.std(), rtol=1e-4)


@pytest.mark.slow
@pytest.mark.parametrize(("low", "high"), [(0.5, 2.0), (0.9, 1.001), (-3.0, 1.5)])
@pytest.mark.parametrize("cv", [1.0, 30.0, 1e4, 1e7, 1e30])
def test_a_wide_truncated_normal_is_right_and_ends_in_the_uniform_law(cv: float, low: float, high: float) -> None:
    law, z = laws.TruncatedNormal(cv, low, high), np.linspace(-5.0, 5.0, 501)
    if cv < 1e3:  # beyond, SciPy loses digits itself, and the laws agree to 1e-6
        frozen = stats.truncnorm((low - 1) / cv, (high - 1) / cv, loc=1, scale=cv)
    else:
        frozen = stats.uniform(low, high - low)
    found = perturb(law, jnp.full(z.size, 20.0), jnp.asarray(z, jnp.float32))
    np.testing.assert_allclose(found, 20 * frozen.ppf(stats.norm.cdf(z)), rtol=2e-6, atol=2e-6 * 20 * (high - low))
    mean, std = law.mean_std(jnp.float32(-20.0))
    np.testing.assert_allclose(mean, -20 * frozen.mean(), rtol=2e-6)
    np.testing.assert_allclose(std, 20 * frozen.std(), rtol=1e-5)
    slope = jax.grad(lambda cv: perturb(laws.TruncatedNormal(cv, low, high), jnp.ones(7), jnp.linspace(-2, 2, 7)).sum())
    assert np.isfinite(slope(jnp.float32(cv)))


def test_lognormal_and_truncated_normal_never_change_a_sign():
    z = jnp.linspace(-6.7, 6.7, 2001)
    for law in (laws.LogNormal(1.5), laws.TruncatedNormal(1.5, low=1e-3, high=4.0)):
        assert np.all(perturb(law, jnp.full(z.size, 20.0), z) > 0)
        assert np.all(perturb(law, jnp.full(z.size, -20.0), z) < 0)


@each_spread
def test_common_random_numbers_in_the_spread(name):
    # "The same chips get worse": with growing spread every chip keeps its rank, and moves away from the
    # centre.
    make, _ = SPREAD[name]
    nominal = jnp.full(500, 1.0)
    ranks, deviations = [], []
    for spread in (0.05, 0.1, 0.3):
        values = np.asarray(apply(make(spread), nominal, KEY))
        ranks.append(np.argsort(values, kind="stable"))
        deviations.append(values.max() - values.min())
    np.testing.assert_array_equal(ranks[0], ranks[1])
    np.testing.assert_array_equal(ranks[0], ranks[2])
    assert deviations[0] < deviations[1] < deviations[2]


def test_any_jax_key_is_a_key():
    law, nominal = laws.LogNormal(0.3), jnp.full(5, 20.0)
    expected = law.apply(nominal, random.root(7))
    np.testing.assert_array_equal(law.apply(nominal, jax.random.key(7)), expected)
    np.testing.assert_array_equal(law.apply(nominal, 7), expected)


def test_absolute_laws_take_one_parameter_per_neuron():
    values = laws.GaussianAround(jnp.array([1.0, 2.0, 3.0]), 0.0).draw(KEY, 3)
    np.testing.assert_array_equal(values, [1.0, 2.0, 3.0])


@pytest.mark.parametrize(
    "cls", [laws.LogNormal, laws.TruncatedNormal, laws.UniformFactor], ids=lambda cls: cls.__name__
)
def test_distribution_of_draws(cls):
    law = cls.example()
    values = np.asarray(apply(law, jnp.full(N, 1.0), KEY), np.float64)
    s = np.sqrt(np.log(1.04))
    frozen = {
        "LogNormal": stats.lognorm(s, scale=np.exp(-s * s / 2)),
        "TruncatedNormal": stats.truncnorm(-2.0, 3.0, loc=1, scale=0.3),
        "UniformFactor": stats.uniform(0.7, 0.6),
    }[cls.__name__]

    def check(amplitude):
        assert_ks(frozen.mean() + amplitude * (values - frozen.mean()), frozen.cdf)

    check(1.0)
    negative_control(check)


def test_correlation_of_two_entities_over_devices():
    rho, cv = 0.4, 0.3
    law = laws.Correlated(laws.LogNormal(cv), rho)
    keys = jax.vmap(lambda index: random.member(KEY, device=index))(jnp.arange(N))
    values = jax.vmap(lambda key: apply(law, jnp.full(2, 1.0), key))(keys)
    s2 = np.log(1 + cv**2)
    scores = (np.log(np.asarray(values, np.float64)) + s2 / 2) / np.sqrt(s2)  # normal, the same law for both

    def check(amplitude):
        assert_correlation(scores[:, 0], scores[:, 1], amplitude * rho)

    check(1.0)
    negative_control(check)
    assert_variance(scores, 1.0)
    of_values = (np.exp(rho * s2) - 1) / (np.exp(s2) - 1)  # the relation stated in the documentation
    product = (np.asarray(values, np.float64) - 1).prod(axis=1)
    assert_mean(product, of_values * cv**2)


@pytest.mark.slow
@each_spread
def test_gradient_with_respect_to_the_spread(name):
    make, spread = SPREAD[name]
    nominal = jnp.full(40, 2.0)
    _, slope = jax.jvp(lambda s: apply(make(s), nominal, KEY), (jnp.float32(spread),), (jnp.float32(1.0),))
    step = 5e-3
    high, low = (np.asarray(apply(make(spread + h), nominal, KEY), np.float64) for h in (step, -step))
    np.testing.assert_allclose(slope, (high - low) / (2 * step), rtol=2e-3, atol=1e-3)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["LogNormal", "Normal", "TruncatedNormal", "UniformFactor", "Correlated"])
def test_gradient_at_zero_spread_is_the_score(name):
    make, _ = SPREAD[name]
    law = make(0.1)
    nominal = jnp.full(40, 2.0)
    slope = jax.jacfwd(lambda s: apply(make(s), nominal, KEY))(jnp.float32(0.0))
    z = np.asarray(law.scores(KEY, random.entities(40).array()))
    expected = 2.0 * (2 * stats.norm.cdf(z) - 1) if name == "UniformFactor" else 2.0 * z
    np.testing.assert_allclose(slope, expected, rtol=1e-5, atol=1e-5)


def test_gradient_with_respect_to_the_correlation():
    nominal = jnp.full(40, 2.0)
    at = lambda rho: apply(laws.Correlated(laws.Normal(0.3), rho), nominal, KEY)  # noqa: E731
    slope = jax.jacfwd(at)(jnp.float32(0.4))
    quotient = (np.asarray(at(0.41), np.float64) - np.asarray(at(0.39), np.float64)) / 0.02
    np.testing.assert_allclose(slope, quotient, rtol=2e-3, atol=1e-3)


def test_gradient_of_the_nominal_value_is_the_factor():
    nominal = jnp.full(40, 2.0)
    law = laws.LogNormal(0.3)
    slope = jax.grad(lambda p: apply(law, p, KEY).sum())(nominal)
    np.testing.assert_allclose(slope, apply(law, nominal, KEY) / nominal, rtol=1e-6)


def test_gradient_of_the_measured_factors_counts_their_use():
    law = laws.Empirical([0.9, 1.1])
    counts = jax.grad(lambda law: apply(law, jnp.full(1000, 1.0), KEY).sum())(law).values
    assert counts.sum() == 1000
    assert np.all(counts > 0)


@each_spread
def test_another_spread_is_not_another_trace(name):
    make, _ = SPREAD[name]
    traces = 0

    @jax.jit
    def run(law):
        nonlocal traces
        traces += 1
        return law.apply(jnp.full(4, 1.0), KEY)

    for spread in (0.1, 1, np.float64(0.2), jnp.float32(0.3)):
        run(make(spread))
    assert traces == 1


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: laws.LogNormal(-0.1), r"LogNormal\.cv: must be finite and >= 0"),
        (lambda: laws.Normal(np.nan), r"Normal\.cv: must be finite and >= 0"),
        (lambda: laws.Offset(-1.0), r"Offset\.sigma: must be finite and >= 0"),
        (lambda: laws.UniformFactor(np.inf), r"UniformFactor\.width: must be finite and >= 0"),
        (lambda: laws.TruncatedNormal(-0.1, 0.5, 2.0), r"TruncatedNormal\.cv: must be finite and >= 0"),
        (
            lambda: laws.TruncatedNormal(0.1, 1.0, 2.0),
            r"TruncatedNormal.low: must be finite and < 1: the factor 1 must lie inside",
        ),
        (
            lambda: laws.TruncatedNormal(0.1, 0.5, np.inf),
            r"TruncatedNormal.high: must be finite and > 1: the factor 1 must lie inside",
        ),
        (lambda: laws.Empirical([]), r"Empirical\.values: needs at least one measured factor"),
        (lambda: laws.Empirical([1.0, np.nan]), r"Empirical\.values: must be finite"),
        (lambda: laws.Fixed(np.nan), r"Fixed\.value: must be finite"),
        (lambda: laws.UniformBetween(1.0, 0.0), r"UniformBetween\.high: must be at least low"),
        (lambda: laws.GaussianAround(0.0, -1.0), r"GaussianAround\.std: must be finite and >= 0"),
        (lambda: laws.Correlated(laws.LogNormal(0.1), 1.2), r"Correlated\.rho: must lie in \[0, 1\]"),
        (
            lambda: laws.Correlated(laws.Correlated(laws.LogNormal(0.1), 0.1), 0.2),
            r"Correlated\.law: must not be correlated itself",
        ),
        (lambda: laws.GaussianAround(0.0, 1.0).draw(KEY, 0), "size: must be a whole number >= 1"),
        (
            lambda: laws.LogNormal(0.1).apply(jnp.full(3, 1.0), KEY, jnp.arange(4)),
            r"groups: must be whole numbers of shape \(3,\)",
        ),
        (
            lambda: laws.LogNormal(0.1).apply(jnp.full(3, 1.0), KEY, jnp.zeros(3)),
            "groups: must be whole numbers",
        ),
        (
            lambda: laws.LogNormal(0.1).apply(jnp.full(3, 1.0), KEY, jnp.array([0, -1, 2])),
            "groups: must be finite and >= 0",
        ),
    ],
)
def test_wrong_input_is_named(build, message):
    with pytest.raises(InputError, match=message):
        build()
