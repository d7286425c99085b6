"""Laws that every noise source keeps. New members are found by themselves, through their ``example()``."""

from __future__ import annotations

from functools import cache

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from helpers.discovery import label, members
from helpers.seams import context, course, courses, keys
from helpers.statistical import assert_mean, assert_variance, negative_control
from jaxsnn_noise import paths
from jaxsnn_noise._checks import InputError
from jaxsnn_noise.noise import Context, Source, SourceMoments

DT, SIZE, STEPS, N = 0.5, 3, 4, 20_000
MEMBERS = members(Source)
each = pytest.mark.parametrize("cls", MEMBERS, ids=label)


def at_seam(cls: type[Source], size: int = SIZE) -> Context:
    return context(cls.example().seam, np.full(size, 0.7), DT)


def one(source: Source, key: jax.Array, size: int = SIZE) -> np.ndarray:
    """Draws [step, neuron] of one stream."""
    return np.asarray(course(source, at_seam(type(source), size), key, STEPS, DT))


@cache
def many(cls: type[Source]) -> np.ndarray:
    """Draws [stream, step, neuron] of many independent streams."""
    return np.asarray(courses(cls.example(), at_seam(cls), keys(N), STEPS, DT))


def moments(cls: type[Source]) -> SourceMoments:
    theory = cls.example().moments(at_seam(cls), DT)
    assert theory is not None, "the example of a source has theoretical moments"
    return theory


def zeroed(source: Source, path: str) -> Source:
    return paths.replace(source, {path: jnp.zeros_like(paths.get(source, path))})


def test_the_known_sources_are_found():
    known = {"CurrentNoise", "VoltageNoise", "ThresholdNoise", "SpikeNoise", "ReleaseNoise", "PoissonBackground"}
    assert known <= {cls.__name__ for cls in MEMBERS}


@each
def test_some_leaf_at_zero_silences_it_to_the_bit(cls):
    source = cls.example()
    silent = [path for path in paths.leaves(source) if not np.any(silenced(source, path, cls))]
    assert silent, "no parameter switches the source off"


def silenced(source, path, cls):
    changed = zeroed(source, path)
    try:
        changed.check("source")
    except InputError:
        return np.ones(1)  # zero is out of this parameter's range
    return one(changed, keys(1)[0])


@each
def test_draws_have_the_moments_that_theory_says(cls):
    theory, drawn = moments(cls), many(cls)[:, 2, 1].astype(np.float64)
    mean, variance = float(theory.mean[1]), float(theory.variance[1])

    def check(amplitude):
        assert_variance(amplitude * drawn, variance, kurtosis=None)

    assert_mean(drawn, mean)
    check(1.0)
    negative_control(check)


@each
def test_theory_has_one_number_per_neuron_and_a_positive_correlation_time(cls):
    theory = moments(cls)
    assert theory.mean.shape == theory.variance.shape == (SIZE,)
    least = 0.0 if cls.example().gain(DT) else 0.5 * DT  # what is held back comes later: nothing of it in the long run
    assert float(theory.correlation_time) >= least


@each
def test_vmap_over_streams_equals_a_loop_to_the_bit(cls):
    loop = [one(cls.example(), key) for key in keys(N)[:3]]
    np.testing.assert_array_equal(many(cls)[:3], loop)


@each
def test_each_stream_and_step_has_its_own_numbers(cls):
    drawn = many(cls)[:50]
    assert np.any(drawn[0] != drawn[1:])
    assert np.any(drawn[:, 0] != drawn[:, 1])


@each
def test_a_neuron_keeps_its_numbers_when_the_population_grows(cls):
    key = keys(1)[0]
    np.testing.assert_array_equal(one(cls.example(), key), one(cls.example(), key, 7)[:, :SIZE])


@each
def test_it_may_be_drawn_under_gradients(cls):
    source = cls.example()
    total = lambda s: course(s, at_seam(cls), keys(1)[0], 2, DT).sum()  # noqa: E731
    slopes = jax.tree.leaves(eqx.filter_grad(total)(source))
    assert all(np.isfinite(slope).all() for slope in slopes)


@each
def test_a_parameter_that_is_nan_is_refused_with_its_path(cls):
    source = cls.example()
    for path, leaf in paths.leaves(source).items():
        with pytest.raises(InputError, match=rf"^network.cells.noise.x.*{path.split('.')[-1]}"):
            paths.replace(source, {path: jnp.full_like(leaf, jnp.nan)}).check("network.cells.noise.x")
