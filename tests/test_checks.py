"""The one format of input errors, and the checks that raise it."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxsnn_noise import _checks
from jaxsnn_noise._checks import InputError

TABLE = {  # check: (called with the value, values that pass, values that do not, the rule as it is told)
    "finite": (lambda x: _checks.finite("x", x, "mV"), [0.0, -1e30, [1, 2]], [np.nan, np.inf, [0, np.nan]], "must be finite [mV]"),
    "positive": (lambda x: _checks.positive("x", x, "ms"), [1e-9, [1, 2]], [0.0, -1.0, np.nan, np.inf, [1, 0]], "must be finite and > 0 [ms]"),
    "nonnegative": (lambda x: _checks.nonnegative("x", x), [0.0, 3, [0, 1]], [-1e-9, np.nan, np.inf], "must be finite and >= 0"),
    "in_range": (lambda x: _checks.in_range("x", x, 0, 1), [0.0, 1.0], [-0.1, 1.1, np.nan], "must lie in [0, 1]"),
    "count": (lambda x: _checks.count("x", x), [1, np.int64(7)], [0, -1, 1.0, True, "1", None], "must be a whole number >= 1"),
    "one_of": (lambda x: _checks.one_of("x", x, ["alpha", "beta"]), ["alpha"], ["alfa", ""], "unknown name"),
    "steps_of": (lambda x: _checks.steps_of("x", x, 0.1), [1.0, 0.3, 1000.0, 1e5], [0.05, 0.3001], "must be a multiple of dt = 0.1 ms"),
}  # fmt: skip


@pytest.mark.parametrize("name", sorted(TABLE))
def test_what_keeps_the_rule_passes(name):
    check, good, _, _ = TABLE[name]
    for value in good:
        check(value)


@pytest.mark.parametrize(("name", "bad"), [(name, bad) for name in sorted(TABLE) for bad in TABLE[name][2]])
def test_what_breaks_it_is_told_with_who_rule_and_value(name, bad):
    check, _, _, rule = TABLE[name]
    with pytest.raises(InputError) as error:
        check(bad)
    message = str(error.value)
    assert message.startswith(f"x: {rule}")
    assert f"got {bad!r}" in message


def test_an_unknown_name_comes_with_its_near_matches():
    with pytest.raises(InputError, match=r"Did you mean 'alpha'\? Known: alpha, beta"):
        _checks.one_of("x", "alfa", ["beta", "alpha"])
    with pytest.raises(InputError, match=r"got 'zzz'\. Known: none"):
        _checks.one_of("x", "zzz", [])


def test_a_long_list_of_names_is_cut():
    with pytest.raises(InputError, match=r", \.\.\.$"):
        _checks.one_of("x", "zzz", [f"name{i}" for i in range(50)])


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (np.arange(100.0), "an array of shape (100,), 0 to 99"),
        (np.where(np.arange(9) < 2, np.nan, 1.0), "an array of shape (9,), nan to nan, 2 not finite"),
        (np.array(["a"] * 9), "an array of shape (9,), dtype <U1"),
        (np.array([]), "array([], dtype=float64)"),
    ],
)
def test_large_values_are_told_by_shape_and_range(value, shown):
    with pytest.raises(InputError) as error:
        _checks.fail("x", "rule", value)
    assert str(error.value) == f"x: rule; got {shown}"


@pytest.mark.parametrize("name", ["finite", "positive", "nonnegative"])
def test_traced_values_pass(name):
    check = getattr(_checks, name)
    jax.jit(lambda x: (check("x", x), x)[1])(jnp.float32(-1.0))
    jax.eval_shape(lambda x: (_checks.in_range("x", x, 0, 1), x)[1], jnp.float32(9.0))


@pytest.mark.parametrize("steps", [1, 7, 1000, 1_000_000])
@pytest.mark.parametrize("dt", [0.1, 1 / 3, 0.05, 1.0])
def test_a_duration_counted_in_floats_is_still_a_multiple(steps, dt):
    assert _checks.steps_of("duration", steps * dt, dt) == steps
    assert _checks.steps_of("duration", float(np.float32(steps * dt)), dt) == steps
