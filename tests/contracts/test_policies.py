"""Laws that every policy of a source keeps: amplitude, coupling, colour, correlation. New members are found by themselves."""

from __future__ import annotations

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from helpers.discovery import example, label, members
from helpers.seams import context, course, courses, keys
from helpers.statistical import assert_correlation, assert_mean, assert_variance, negative_control
from jaxsnn_noise import paths, random
from jaxsnn_noise.distributions import Distribution, Gaussian
from jaxsnn_noise.noise import Amplitude, Colour, Context, Correlation, Coupling, CurrentNoise, PerStep, Seam, White
from jaxsnn_noise.opacity import opaque_zero
from jaxsnn_noise.parameters import declarations

DT, N = 0.5, 20_000
VALUE = np.array([0.7, -1.5, 0.0, 2.0], np.float32)
KINDS = {"amplitude": Amplitude, "coupling": Coupling, "colour": Colour, "correlation": Correlation}
KINDS["distribution"] = Distribution
POLICIES = [(name, cls) for name, kind in KINDS.items() for cls in members(kind)]
each = pytest.mark.parametrize(("name", "cls"), POLICIES, ids=[f"{name}-{label(cls)}" for name, cls in POLICIES])
each_amplitude = pytest.mark.parametrize("cls", members(Amplitude), ids=label)
each_coupling = pytest.mark.parametrize("cls", members(Coupling), ids=label)
each_colour = pytest.mark.parametrize("cls", members(Colour), ids=label)
each_correlation = pytest.mark.parametrize("cls", members(Correlation), ids=label)


def at_current(value=VALUE):
    return context(Seam.CURRENT, value, DT)


def source_with(name, cls):
    return CurrentNoise(**({"amplitude": PerStep(0.5)} | {name: example(cls)}))


def test_the_known_policies_are_found():
    names = {cls.__name__ for _, cls in POLICIES}
    assert {"PerStep", "Diffusion", "Blend", "White", "OrnsteinUhlenbeck", "Common", "Laplace"} <= names


@each
def test_a_source_with_it_has_the_moments_that_theory_says(name, cls):
    source = source_with(name, cls)
    drawn = np.asarray(courses(source, at_current(), keys(N), 2, DT), np.float64)[:, 1]
    theory = source.moments(at_current(), DT)
    assert (theory is not None) is source.coupling.linear
    if theory is None:
        return
    assert float(theory.correlation_time) >= 0.5 * DT
    for neuron in (0, 1):
        variance = float(theory.variance[neuron])
        assert_mean(drawn[:, neuron], 0.0)
        assert_variance(drawn[:, neuron], variance, kurtosis=None)
        negative_control(lambda a, x=drawn[:, neuron], v=variance: assert_variance(a * x, v, kurtosis=None))


@pytest.mark.slow
@each
def test_a_source_with_it_has_the_numbers_of_a_loop_and_of_a_smaller_population(name, cls):
    source, alone = source_with(name, cls), [keys(3)[i] for i in range(3)]
    many = np.asarray(courses(source, at_current(), keys(3), 2, DT))
    np.testing.assert_array_equal(many, [course(source, at_current(), key, 2, DT) for key in alone])
    if source.correlation.size is None:
        np.testing.assert_array_equal(many[0][:, :2], course(source, at_current(VALUE[:2]), alone[0], 2, DT))


@pytest.mark.slow
@each
def test_gradients_of_its_parameters_are_finite(name, cls):
    total = lambda s: jnp.square(course(s, at_current(), keys(1)[0], 2, DT)).sum()  # noqa: E731
    slopes = eqx.filter_grad(total)(source_with(name, cls))
    assert all(np.isfinite(slope).all() for slope in jax.tree.leaves(slopes))


@pytest.mark.slow
@each
def test_gradients_are_finite_at_the_ends_of_its_ranges_too(name, cls):
    """Its own, and those of all other parts: the root of a parameter at 0 must not spoil them."""
    source = source_with(name, cls)
    total = lambda s: jnp.square(course(s, at_current(), keys(1)[0], 2, DT)).sum()  # noqa: E731
    for path, said in declarations(source).items():
        for end in said.range.closed_ends():
            slopes = eqx.filter_grad(total)(paths.replace(source, {path: end}))
            assert all(np.isfinite(slope).all() for slope in jax.tree.leaves(slopes)), (path, end)


@each_amplitude
@pytest.mark.parametrize("strength", [0.0, 0.3])
def test_the_variance_that_theory_says_has_the_derivative_of_a_difference(cls, strength):
    """At no noise, too, where its root has none."""
    (path,) = declarations(example(cls))
    variance = lambda x: CurrentNoise(paths.replace(example(cls), {path: x})).moments(at_current(), DT).variance[0]  # noqa: E731
    step = 0.01
    slope = jax.grad(variance)(jnp.float32(strength))
    rise = (variance(jnp.float32(strength + step)) - variance(jnp.float32(strength))) / step
    np.testing.assert_allclose(slope, rise, atol=1.1 * step * max(1.0, float(jax.grad(jax.grad(variance))(1.0))))


def std_of(amplitude, white=1.0):
    return float(amplitude.std(White(), jnp.float32(white), jnp.float32(1.0)))


@each_amplitude
def test_some_leaf_is_the_strength_of_an_amplitude_and_silences_it_at_zero(cls):
    amplitude = example(cls)
    leaves = paths.leaves(amplitude)
    scaled = {f: [std_of(paths.replace(amplitude, {p: f * x})) for p, x in leaves.items()] for f in (0.0, 1.0, 2.0)}
    assert any(off == 0 < one < two for off, one, two in zip(*scaled.values(), strict=True))


@each_amplitude
def test_an_amplitude_depends_on_the_step_if_it_is_that_of_a_diffusion(cls):
    assert (std_of(example(cls), 2.0) != std_of(example(cls), 1.0)) is cls.diffusive


def perturbed(coupling, x, std=0.1, value=VALUE):
    x = jnp.broadcast_to(jnp.asarray(x, jnp.float32), value.shape)
    return np.asarray(coupling.perturbation(x, jnp.float32(std), at_current(value)))


@each_coupling
def test_a_coupling_is_silent_without_strength_and_linear_if_it_says_so(cls):
    coupling = example(cls)
    np.testing.assert_array_equal(perturbed(coupling, 1.3, std=0.0), np.zeros(4))
    np.testing.assert_array_equal(perturbed(coupling, 0.0), np.zeros(4))
    one, two = perturbed(coupling, 1.0), perturbed(coupling, 2.0)
    assert one.shape == VALUE.shape
    assert np.allclose(two, 2 * one, rtol=1e-6) is coupling.linear


@each_coupling
def test_a_relative_coupling_is_a_share_of_the_value(cls):
    coupling = example(cls)
    if cls.relative:
        np.testing.assert_allclose(perturbed(coupling, 1.0, value=2 * VALUE), 2 * perturbed(coupling, 1.0), rtol=1e-6)


@each_coupling
def test_the_unit_of_white_noise_is_one_of_those_of_the_seam(cls):
    at = Context(jnp.asarray(VALUE), white=jnp.float32(0.3), step=jnp.float32(0.4), rate=jnp.float32(1.0))
    assert float(example(cls).unit(at)) in (np.float32(0.3), np.float32(0.4))


@each_coupling
def test_the_coefficient_of_a_diffusion_is_what_small_noise_does(cls):
    v = jnp.asarray(VALUE)
    found = example(cls).coefficient(jnp.float32(1.0), v)
    if found is not None:
        np.testing.assert_allclose(1e-3 * found, perturbed(example(cls), 1.0, std=1e-3), rtol=2e-3)


@each_colour
@pytest.mark.parametrize("dt", [0.05, 0.1])
def test_a_colour_keeps_the_variance_and_knows_its_correlation_time_and_its_diffusion(cls, dt):
    """From its responses to single innovations: no noise in the test of what filters it."""
    colour, steps = example(cls), 1000
    if not colour.linear:
        pytest.skip("its values are no filter of innovations: tests of its own hold its variance and memory")
    first, then = (np.asarray(responses(colour, start, dt, steps), np.float64) for start in (1.0, 0.0))
    np.testing.assert_allclose(np.sum(first**2 + np.cumsum(then**2, axis=1), axis=0), np.ones(steps), rtol=2e-4)
    correlation = [np.sum(then[:, : steps - k] * then[:, k:]) for k in range(1, steps)]
    time = dt * (0.5 + np.sum(correlation))
    assert float(colour.correlation_time(dt)) == pytest.approx(time, rel=5e-3)
    std = float(colour.diffusion(jnp.float32(1 / np.sqrt(dt)), jnp.float32(1.0)))
    assert std**2 * 2 * time == pytest.approx(1.0, rel=5e-3)  # what unit white noise gathers per ms


@eqx.filter_jit
def responses(colour, start, dt, steps):
    """The values [draw, step] after an innovation of ``start`` before the run and one of ``1 - start`` in its first step."""
    zero, one = opaque_zero(random.root(0)), jnp.eye(colour.draws)[:, :, None]
    innovations = one[0] if colour.draws == 1 else one  # of one neuron, and of each draw alone

    def response(innovation):
        def step(memory, pushed):
            x, memory = colour.step(memory, pushed * (1.0 - start) * innovation, dt, zero)
            return memory, x

        return jax.lax.scan(step, colour.init(start * innovation), jnp.zeros(steps).at[0].set(1.0))[1][:, 0]

    return jax.vmap(response)(innovations)


@each_correlation
def test_a_correlation_says_its_coefficient_and_keeps_the_variance(cls):
    source, said = source_with("correlation", cls), np.asarray(example(cls).coefficient())
    c = float(said[1, 2] if said.ndim else said)
    x = np.asarray(courses(source, at_current(), keys(N), 2, DT), np.float64)[:, 1]
    assert_variance(x[:, 0], 0.25, kurtosis=None)
    if c == 1:
        np.testing.assert_array_equal(x[:, 1], x[:, 2])
    else:
        assert_correlation(x[:, 1], x[:, 2], c)


@each_correlation
def test_the_parts_of_a_correlation_are_those_of_its_innovation(cls):
    at, correlation = random.tick(keys(1)[0], 2), example(cls)
    size = correlation.size or 6
    parts = correlation.parts(Gaussian(), at, size)
    if parts is not None:
        given, share, own = parts
        np.testing.assert_array_equal(given + share * own, correlation.innovation(Gaussian(), at, size))
