"""Probability laws: exact at zero spread, addressed scores, moments, support, gradients."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

from helpers.statistical import assert_correlation, assert_ks, assert_mean, assert_variance, negative_control
from jaxsnn_noise import laws, random
from jaxsnn_noise._checks import InputError

KEY = random.root(2024)
N = 40_000
RELATIVE = [laws.LogNormal, laws.Normal, laws.Offset, laws.TruncatedNormal, laws.UniformFactor, laws.Empirical]
ABSOLUTE = [laws.Fixed, laws.UniformBetween, laws.GaussianAround]
MEMBERS = [*RELATIVE, *ABSOLUTE, laws.Correlated]
INDEPENDENT = [cls for cls in MEMBERS if cls not in (laws.Correlated, laws.Fixed)]
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

each = pytest.mark.parametrize("cls", MEMBERS, ids=lambda cls: cls.__name__)
each_spread = pytest.mark.parametrize("name", sorted(SPREAD))


@eqx.filter_jit
def apply(law, nominal, key, groups=None):
    return law.apply(nominal, random.root(key), groups)


@eqx.filter_jit
def perturb(law, nominal, z):
    return law.perturb(nominal, z)


def quantiles(law, n=N):
    """The exact distribution of a law as a stratified sample: equal probabilities, no randomness."""
    z = stats.norm.ppf((np.arange(n) + 0.5) / n)
    return np.asarray(perturb(law, jnp.full(n, 20.0), jnp.asarray(z, jnp.float32)), np.float64)


def test_every_member_is_listed_here():
    def final(cls):
        return [cls] if not cls.__subclasses__() else [m for sub in cls.__subclasses__() for m in final(sub)]

    # pages of the documentation, which may have run in this process, write laws of their own
    assert set(MEMBERS) == {cls for cls in final(laws.Law) if cls.__module__.startswith("jaxsnn_noise.")}


# -- deterministic extremes ------------------------------------------------------------------------------


@pytest.mark.parametrize("name", sorted(SILENT))
def test_no_spread_is_the_nominal_value_to_the_bit(name):
    nominal = jnp.array([20.0, -3.3, 0.0, 1e-7], jnp.float32)
    np.testing.assert_array_equal(apply(SILENT[name], nominal, KEY), nominal)


@pytest.mark.parametrize("cls", [c for c in RELATIVE if c is not laws.Offset], ids=lambda cls: cls.__name__)
def test_a_multiplicative_law_leaves_zero_alone(cls):
    # Absent synapses stay absent.
    np.testing.assert_array_equal(apply(cls.example(), jnp.zeros(100), KEY), np.zeros(100))


def test_fixed_and_degenerate_absolute_laws_are_constants():
    for law in (laws.Fixed(0.7), laws.GaussianAround(0.7, 0.0), laws.UniformBetween(0.7, 0.7)):
        np.testing.assert_array_equal(law.draw(KEY, 50), np.full(50, 0.7, np.float32))


def test_fully_correlated_entities_are_alike_and_uncorrelated_ones_those_of_the_law():
    inner, nominal = laws.LogNormal(0.3), jnp.full(50, 20.0)
    alike = apply(laws.Correlated(inner, rho=1.0), nominal, KEY)
    assert alike.min() == alike.max() != 20.0
    np.testing.assert_array_equal(apply(laws.Correlated(inner, rho=0.0), nominal, KEY), apply(inner, nominal, KEY))


# -- closed forms ----------------------------------------------------------------------------------------


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


@each
def test_moments_of_the_stratified_sample(cls):
    # The moments are a property of perturb alone; the error of n strata is below 1e-3 of the spread.
    law = cls.example()
    mean, std = (float(x) for x in law.mean_std(jnp.float32(20.0)))
    values = quantiles(law)
    assert values.mean() == pytest.approx(mean, abs=2e-4 * std + 1e-5)
    assert values.std() == pytest.approx(std, rel=2e-3)


# -- support, order, address -----------------------------------------------------------------------------


@each
@pytest.mark.parametrize("nominal", [20.0, -20.0])
def test_support_holds_even_for_extreme_scores(cls, nominal):
    law = cls.example()
    z = jnp.concatenate([jnp.linspace(-6.7, 6.7, 2001), jnp.array([-8.0, 8.0])])
    nominals = jnp.full(z.size, nominal)
    values = perturb(law, nominals, z)
    low, high = law.support(nominals)
    assert np.all(np.isfinite(values))
    assert np.all(values >= low)
    assert np.all(values <= high)


def test_lognormal_and_truncated_normal_never_change_a_sign():
    z = jnp.linspace(-6.7, 6.7, 2001)
    for law in (laws.LogNormal(1.5), laws.TruncatedNormal(1.5, low=1e-3, high=4.0)):
        assert np.all(perturb(law, jnp.full(z.size, 20.0), z) > 0)
        assert np.all(perturb(law, jnp.full(z.size, -20.0), z) < 0)


@each
def test_values_never_fall_with_the_score(cls):
    z = jnp.linspace(-6.0, 6.0, 1201)
    values = perturb(cls.example(), jnp.full(z.size, 20.0), z)
    assert np.all(np.diff(values) >= -4e-6 * np.abs(values[1:]))


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


@each
def test_the_draw_of_an_entity_does_not_depend_on_its_neighbours(cls):
    law = cls.example()
    nominal = jnp.linspace(1.0, 2.0, 12)
    all_of_them = apply(law, nominal, KEY)
    np.testing.assert_array_equal(apply(law, nominal[:5], KEY), all_of_them[:5])
    np.testing.assert_array_equal(apply(law, nominal.reshape(3, 4), KEY), all_of_them.reshape(3, 4))
    chosen = jnp.array([7, 2, 11])
    np.testing.assert_array_equal(apply(law, nominal[chosen], KEY, chosen), all_of_them[chosen])


@each
def test_groups_share_their_draw(cls):
    law = cls.example()
    nominal = jnp.full(6, 2.0)
    groups = jnp.array([0, 0, 1, 1, 2, 2])
    values = apply(law, nominal, KEY, groups)
    np.testing.assert_array_equal(values[::2], values[1::2])
    np.testing.assert_array_equal(values[::2], apply(law, nominal[:3], KEY))


@pytest.mark.parametrize("cls", INDEPENDENT, ids=lambda cls: cls.__name__)
def test_another_key_is_another_chip(cls):
    law, nominal = cls.example(), jnp.full(100, 20.0)
    first, second = apply(law, nominal, KEY), apply(law, nominal, random.stream(KEY, "other"))
    assert np.mean(np.asarray(first) == np.asarray(second)) < 0.5


def test_any_jax_key_is_a_key():
    law, nominal = laws.LogNormal(0.3), jnp.full(5, 20.0)
    expected = law.apply(nominal, random.root(7))
    np.testing.assert_array_equal(law.apply(nominal, jax.random.key(7)), expected)
    np.testing.assert_array_equal(law.apply(nominal, 7), expected)


@each
def test_vmap_over_devices_equals_a_loop_to_the_bit(cls):
    law, nominal = cls.example(), jnp.linspace(1.0, 2.0, 33)
    device = jax.jit(lambda index: apply(law, nominal, random.member(KEY, device=index)))
    many = jax.jit(jax.vmap(lambda index: apply(law, nominal, random.member(KEY, device=index))))
    together = many(jnp.arange(6))
    np.testing.assert_array_equal(together, np.stack([device(i) for i in jnp.arange(6)]))
    np.testing.assert_array_equal(together[2:5], many(jnp.arange(2, 5)))


@pytest.mark.parametrize("cls", ABSOLUTE, ids=lambda cls: cls.__name__)
def test_draw_begins_alike_for_any_size(cls):
    law = cls.example()
    np.testing.assert_array_equal(law.draw(KEY, 100)[:10], law.draw(KEY, 10))


def test_absolute_laws_take_one_parameter_per_neuron():
    values = laws.GaussianAround(jnp.array([1.0, 2.0, 3.0]), 0.0).draw(KEY, 3)
    np.testing.assert_array_equal(values, [1.0, 2.0, 3.0])


# -- statistics of the addressed draws -------------------------------------------------------------------


@pytest.mark.parametrize("cls", INDEPENDENT, ids=lambda cls: cls.__name__)
def test_moments_of_draws(cls):
    law = cls.example()
    nominal = jnp.full(N, 20.0)
    values = np.asarray(apply(law, nominal, KEY), np.float64)
    mean, std = (float(x) for x in law.mean_std(jnp.float32(20.0)))

    def check(amplitude):
        assert_variance(mean + amplitude * (values - mean), std**2, kurtosis=None)

    assert_mean(values, mean)
    check(1.0)
    negative_control(check)


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


# -- gradients -------------------------------------------------------------------------------------------


@each_spread
def test_gradient_with_respect_to_the_spread(name):
    make, spread = SPREAD[name]
    nominal = jnp.full(40, 2.0)
    _, slope = jax.jvp(lambda s: apply(make(s), nominal, KEY), (jnp.float32(spread),), (jnp.float32(1.0),))
    step = 5e-3
    high, low = (np.asarray(apply(make(spread + h), nominal, KEY), np.float64) for h in (step, -step))
    np.testing.assert_allclose(slope, (high - low) / (2 * step), rtol=2e-3, atol=1e-3)


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


# -- errors ----------------------------------------------------------------------------------------------


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
