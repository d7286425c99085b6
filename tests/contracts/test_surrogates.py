"""Laws that every surrogate keeps: its derivative against its primitive, and JAX's transformations. Members are found."""

import inspect
import itertools

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import integrate

from helpers.discovery import label, members
from jaxsnn_noise._checks import InputError
from jaxsnn_noise.surrogates import Surrogate, spike

MEMBERS = members(Surrogate)
MARGINS = np.array([-40.0, -3.0, -1.0, -0.27, -0.13, -0.05, 0.0, 0.05, 0.13, 0.27, 1.0, 3.0, 40.0], np.float32)

each = pytest.mark.parametrize("cls", MEMBERS, ids=label)
positive = pytest.mark.parametrize("cls", [cls for cls in MEMBERS if not cls.signed], ids=label)


def of_unit_peak(cls):
    """Whether it is 1 per mV at the threshold for any sharpness; any other is a density."""
    return all(float(with_sharpness(cls, k).derivative(jnp.float32(0.0))) == 1.0 for k in (0.5, 4.0))


def with_sharpness(cls, sharpness):
    return cls(**{**vars(cls.example()), "sharpness": sharpness})


def test_the_known_surrogates_are_found():
    assert {"FastSigmoid", "SuperSpike", "Arctan", "PiecewiseLinear"} <= {cls.__name__ for cls in MEMBERS}


@each
def test_forward_is_an_exact_step(cls):
    tiny = np.finfo(np.float32).tiny
    margin = jnp.array([-np.inf, -1e30, -1.0, -tiny, -0.0, 0.0, tiny, 1.0, 1e30, np.inf, np.nan], jnp.float32)
    expected = [0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 0]
    assert spike(cls.example(), margin).tolist() == expected
    assert jax.jit(spike)(cls.example(), margin).dtype == jnp.float32


@each
def test_derivative_is_that_of_its_primitive(cls):
    # No difference quotient may straddle a kink; they lie at |x| = 0, 1/8, 1/4.
    surrogate = cls.example()
    step = 1e-3
    x = np.concatenate([np.arange(-0.71, 0.72, 0.02), [-5.003, 5.003, -20.0, 20.0]])
    low = np.asarray(surrogate.primitive(jnp.asarray(x - step, jnp.float32)), np.float64)
    high = np.asarray(surrogate.primitive(jnp.asarray(x + step, jnp.float32)), np.float64)
    quotient = (high - low) / (2 * step)
    rounding = 4 * np.finfo(np.float32).eps * np.abs(high).max() / step
    curvature = 4.0**3 * step  # kinked at zero at worst: |s''| <= k^2
    np.testing.assert_allclose(surrogate.derivative(jnp.asarray(x, jnp.float32)), quotient, atol=rounding + curvature)


@each
def test_autodiff_of_the_primitive_gives_the_derivative(cls):
    surrogate = cls.example()
    x = jnp.asarray(MARGINS[MARGINS != 0])
    slope = jax.vmap(jax.grad(surrogate.primitive))(x)
    np.testing.assert_allclose(slope, surrogate.derivative(x), rtol=2e-5, atol=4e-6)


@each
def test_primitive_is_one_half_at_zero(cls):
    assert cls.example().primitive(jnp.float32(0.0)) == 0.5


@positive
def test_primitive_never_falls(cls):
    surrogate = cls.example()
    x = jnp.linspace(-2.0, 2.0, 401)
    assert np.all(np.diff(surrogate.primitive(x)) >= -1.2e-7)  # erf is monotone up to its last digit


@each
def test_even_and_peaked_at_zero(cls):
    surrogate = cls.example()
    x = jnp.asarray(np.linspace(0.0, 5.0, 501), jnp.float32)
    right, left = surrogate.derivative(x), surrogate.derivative(-x)
    np.testing.assert_array_equal(right, left)
    assert right[0] > 0
    assert np.all(right <= right[0])
    assert (np.asarray(right).min() < 0) == cls.signed


@positive
def test_nonnegative_and_falling_on_both_sides(cls):
    right = cls.example().derivative(jnp.asarray(np.linspace(0.0, 5.0, 501), jnp.float32))
    assert np.all(right >= 0)
    assert np.all(np.diff(right) <= 1e-6)


@each
def test_finite_for_any_margin(cls):
    surrogate = cls.example()
    x = jnp.array([-np.inf, -3e38, -1e20, 1e20, 3e38, np.inf], jnp.float32)
    far = surrogate.derivative(x)
    assert np.all(np.isfinite(far))
    assert np.all(far <= surrogate.derivative(jnp.float32(40.0)))


@each
def test_scaling_of_units(cls):
    # In another unit of voltage (x -> c x, k -> k/c) a density scales with 1/c; a unit peak stays 1.
    factor = 8.0  # a power of two: the scaling is exact in floating point
    before = with_sharpness(cls, 4.0).derivative(jnp.asarray(MARGINS))
    after = with_sharpness(cls, 4.0 / factor).derivative(jnp.asarray(factor * MARGINS))
    expected = before if of_unit_peak(cls) else before / factor
    np.testing.assert_allclose(after, expected, rtol=1e-6)


@positive
def test_the_integral_of_a_density_is_one(cls):
    if of_unit_peak(cls):
        return
    surrogate = with_sharpness(cls, 2.0)
    edges = np.array([0.0, 0.25, 0.5, 2.0, 10.0])
    f = lambda x: float(surrogate.derivative(jnp.float32(x)))  # noqa: E731
    total = 2 * sum(integrate.quad(f, a, b, epsabs=1e-6)[0] for a, b in itertools.pairwise(edges))
    outside = 2 * (1.0 - float(surrogate.primitive(jnp.float32(edges[-1]))))
    assert total + outside == pytest.approx(1.0, abs=2e-5)


@each
def test_forward_and_reverse_mode_use_the_derivative(cls):
    surrogate = cls.example()
    x = jnp.asarray(MARGINS)
    tangent = jnp.linspace(-1.0, 2.0, x.size)
    expected = surrogate.derivative(x)
    _, pushed = jax.jvp(lambda m: spike(surrogate, m), (x,), (tangent,))
    _, pull = jax.vjp(lambda m: spike(surrogate, m), x)
    np.testing.assert_array_equal(pushed, expected * tangent)
    np.testing.assert_array_equal(pull(tangent)[0], expected * tangent)


@each
def test_gradient_of_the_parameters_is_zero(cls):
    gradient = jax.grad(lambda s: spike(s, jnp.asarray(MARGINS)).sum())(cls.example())
    assert all(np.all(leaf == 0) for leaf in jax.tree.leaves(gradient))


@pytest.mark.slow
@each
def test_vmap_and_jit_equal_a_loop(cls):
    surrogate = cls.example()
    x = jnp.asarray(MARGINS)
    slope = jax.grad(spike, argnums=1)
    loop = np.array([slope(surrogate, m) for m in x])
    rounding = 1e-6 * loop.max() if cls.signed else 0.0  # what is left of a difference
    np.testing.assert_allclose(jax.vmap(slope, (None, 0))(surrogate, x), loop, rtol=0.0, atol=rounding)
    np.testing.assert_allclose(jax.jit(jax.vmap(slope, (None, 0)))(surrogate, x), loop, rtol=1e-6, atol=rounding)


@each
def test_sharpness_per_neuron_broadcasts(cls):
    sharp = jnp.array([1.0, 4.0, 9.0])
    many = with_sharpness(cls, sharp).derivative(jnp.full(3, 0.07))
    one = [float(with_sharpness(cls, k).derivative(jnp.float32(0.07))) for k in sharp]
    np.testing.assert_allclose(many, one, rtol=1e-6)


@each
def test_another_sharpness_is_not_another_trace(cls):
    traces = 0

    @jax.jit
    def run(surrogate, margin):
        nonlocal traces
        traces += 1
        return jax.grad(spike, argnums=1)(surrogate, margin)

    for sharpness in [4.0, 2, np.float64(3.0), jnp.float32(1.0), jnp.asarray(5.0, jnp.float16)]:
        run(with_sharpness(cls, sharpness), jnp.float32(0.1))
    assert traces == 1


@each
@pytest.mark.parametrize("bad", [0.0, -1.0, np.nan, np.inf])
def test_sharpness_must_be_positive(cls, bad):
    with pytest.raises(InputError, match=rf"{cls.__name__}\.sharpness: must be finite and > 0 \[1/mV\]"):
        with_sharpness(cls, bad)


@each
def test_check_names_the_path_of_a_value_set_later(cls):
    broken = eqx.tree_at(lambda s: s.sharpness, cls.example(), jnp.float32(-1.0))
    with pytest.raises(InputError, match=r"network\.cells\.firing\.surrogate\.sharpness: must be finite and > 0"):
        broken.check("network.cells.firing.surrogate")


@each
def test_construction_under_tracing(cls):
    slope = lambda k: with_sharpness(cls, k).derivative(jnp.float32(0.07))  # noqa: E731
    np.testing.assert_allclose(jax.vmap(slope)(jnp.array([1.0, 4.0])), [slope(1.0), slope(4.0)], rtol=1e-6)


@each
def test_documentation_names_equation_and_source(cls):
    text = inspect.getdoc(cls)
    assert "doi:" in text
    assert "Unit integral" in text or "Unit peak" in text or (cls.signed and "Integral" in text)
    assert ("Unit peak" in text) == of_unit_peak(cls)
