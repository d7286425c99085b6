"""Laws that every probability law keeps: moments, support, order, addresses. New members are found by themselves."""

from __future__ import annotations

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

from helpers.discovery import label, members
from helpers.laws import apply, perturb
from helpers.statistical import assert_mean, assert_variance, negative_control
from jaxsnn_noise import laws, paths, random
from jaxsnn_noise._checks import InputError
from jaxsnn_noise.parameters import declarations

KEY = random.root(2024)
N = 40_000
MEMBERS = members(laws.Law)
ABSOLUTE = [cls for cls in MEMBERS if issubclass(cls, laws.AbsoluteLaw)]
RELATIVE = [cls for cls in MEMBERS if cls not in ABSOLUTE]
SPREADING = [cls for cls in MEMBERS if float(cls.example().mean_std(jnp.float32(20.0))[1]) > 0]
INDEPENDENT = [cls for cls in SPREADING if cls.scores is laws.Law.scores]

each = pytest.mark.parametrize("cls", MEMBERS, ids=label)


def multiplicative(cls):
    """Whether what is 0 stays 0: its support says so."""
    low, high = cls.example().support(jnp.float32(0.0))
    return float(low) == float(high) == 0.0


def quantiles(law, n=N):
    """The exact distribution of a law as a stratified sample: equal probabilities, no randomness."""
    z = stats.norm.ppf((np.arange(n) + 0.5) / n)
    return np.asarray(perturb(law, jnp.full(n, 20.0), jnp.asarray(z, jnp.float32)), np.float64)


def test_the_known_laws_are_found():
    assert {"LogNormal", "Empirical", "Fixed", "Correlated", "GaussianAround"} <= {cls.__name__ for cls in MEMBERS}


@each
def test_no_spread_in_theory_is_the_mean_to_the_bit(cls):
    law, nominal = cls.example(), jnp.array([20.0, -3.3, 0.0, 1e-7], jnp.float32)
    for path, leaf in paths.leaves(law).items():
        still = paths.replace(law, {path: jnp.zeros_like(leaf)})
        try:
            still.check("law")
        except InputError:
            continue  # zero is out of this parameter's range
        mean, std = still.mean_std(nominal)
        if not np.any(np.asarray(std)):
            np.testing.assert_array_equal(apply(still, nominal, KEY), mean)


@each
def test_zero_stays_zero_where_its_support_says_so(cls):
    if multiplicative(cls):  # absent synapses stay absent
        np.testing.assert_array_equal(apply(cls.example(), jnp.zeros(100), KEY), np.zeros(100))


@each
def test_a_parameter_that_is_nan_is_refused_with_its_path(cls):
    for path, leaf in paths.leaves(cls.example()).items():
        with pytest.raises(InputError, match=rf"^law.*{path.split('.')[-1]}"):
            paths.replace(cls.example(), {path: jnp.full_like(leaf, jnp.nan)}).check("law")


@pytest.mark.slow
@each
def test_gradients_are_finite(cls):
    slopes = eqx.filter_grad(lambda law: apply(law, jnp.full(40, 2.0), KEY).sum())(cls.example())
    assert all(np.isfinite(slope).all() for slope in jax.tree.leaves(slopes))


@pytest.mark.slow
@each
def test_gradients_are_finite_at_the_ends_of_its_ranges_too(cls):
    for path, said in declarations(cls.example()).items():
        for end in said.range.closed_ends():
            law = paths.replace(cls.example(), {path: end})
            slopes = eqx.filter_grad(lambda law: apply(law, jnp.full(40, 2.0), KEY).sum())(law)
            assert all(np.isfinite(slope).all() for slope in jax.tree.leaves(slopes)), (path, end)


@each
def test_other_values_of_the_parameters_are_not_another_trace(cls):
    traces = 0

    @jax.jit
    def run(law):
        nonlocal traces
        traces += 1
        return law.apply(jnp.full(4, 1.0), KEY)

    for factor in (1.0, 0.9, 0.8):
        run(jax.tree.map(lambda leaf, factor=factor: leaf * factor, cls.example()))
    assert traces == 1


@each
def test_moments_of_the_stratified_sample(cls):
    # The moments are a property of perturb alone; the error of n strata is below 1e-3 of the spread.
    law = cls.example()
    mean, std = (float(x) for x in law.mean_std(jnp.float32(20.0)))
    values = quantiles(law)
    assert values.mean() == pytest.approx(mean, abs=2e-4 * std + 1e-5)
    assert values.std() == pytest.approx(std, rel=2e-3)


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


@each
def test_values_never_fall_with_the_score(cls):
    z = jnp.linspace(-6.0, 6.0, 1201)
    values = perturb(cls.example(), jnp.full(z.size, 20.0), z)
    assert np.all(np.diff(values) >= -4e-6 * np.abs(values[1:]))


@pytest.mark.slow
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


@pytest.mark.parametrize("cls", INDEPENDENT, ids=label)
def test_another_key_is_another_chip(cls):
    law, nominal = cls.example(), jnp.full(100, 20.0)
    first, second = apply(law, nominal, KEY), apply(law, nominal, random.stream(KEY, "other"))
    assert np.mean(np.asarray(first) == np.asarray(second)) < 0.5


@pytest.mark.slow
@each
def test_vmap_over_devices_equals_a_loop_to_the_bit(cls):
    law, nominal = cls.example(), jnp.linspace(1.0, 2.0, 33)
    device = jax.jit(lambda index: apply(law, nominal, random.member(KEY, device=index)))
    many = jax.jit(jax.vmap(lambda index: apply(law, nominal, random.member(KEY, device=index))))
    together = many(jnp.arange(6))
    np.testing.assert_array_equal(together, np.stack([device(i) for i in jnp.arange(6)]))
    np.testing.assert_array_equal(together[2:5], many(jnp.arange(2, 5)))


@pytest.mark.parametrize("cls", ABSOLUTE, ids=label)
def test_draw_begins_alike_for_any_size(cls):
    law = cls.example()
    np.testing.assert_array_equal(law.draw(KEY, 100)[:10], law.draw(KEY, 10))


@pytest.mark.parametrize("cls", INDEPENDENT, ids=label)
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
