"""Correlation across neurons."""

import numpy as np
import pytest

from helpers.seams import context, course, courses, keys
from helpers.statistical import Deviation, assert_correlation, assert_variance, negative_control
from jaxsnn_noise import noise
from jaxsnn_noise.noise import Seam

N = 20_000
AT = context(Seam.CURRENT, np.zeros(4), 1.0)


def draws(correlation, colour=None, n=N):
    """[stream, neuron] in the second step."""
    colour = noise.White() if colour is None else colour
    source = noise.CurrentNoise(noise.PerStep(0.5), correlation=correlation, colour=colour)
    return np.asarray(courses(source, AT, keys(n), 2, 1.0), np.float64)[:, 1]


@pytest.mark.parametrize(("c", "colour"), [(0.2, noise.White()), (0.7, noise.OrnsteinUhlenbeck(3.0))])
def test_a_shared_fraction_is_the_correlation_of_every_pair(c, colour):
    x = draws(noise.SharedFraction(c), colour)
    assert_variance(x, 0.25)
    for i, j in [(0, 1), (0, 3), (1, 2)]:
        assert_correlation(x[:, i], x[:, j], c)
    negative_control(lambda a: assert_variance(a * x, 0.25))
    with pytest.raises(Deviation):
        assert_correlation(x[:, 0], x[:, 1], c + 0.1)


def test_common_noise_is_one_number_for_all_and_independent_noise_none():
    common, own = draws(noise.Common(), n=100), draws(noise.Independent())
    assert (common == common[:, :1]).all()
    assert_correlation(own[:, 0], own[:, 1], 0.0)


@pytest.mark.slow
def test_the_ends_of_the_shared_fraction_are_independent_and_common_to_the_bit():
    np.testing.assert_array_equal(draws(noise.SharedFraction(0.0), n=10), draws(noise.Independent(), n=10))
    np.testing.assert_array_equal(draws(noise.SharedFraction(1.0), n=10), draws(noise.Common(), n=10))


def test_the_private_and_the_common_part_are_the_numbers_of_the_pure_policies():
    source = lambda correlation: noise.CurrentNoise(noise.PerStep(1.0), correlation=correlation)  # noqa: E731
    own, common, both = (
        np.asarray(course(source(c), AT, keys(1)[0], 2, 1.0), np.float64)
        for c in (noise.Independent(), noise.Common(), noise.SharedFraction(0.3))
    )
    np.testing.assert_allclose(both, np.sqrt(0.3) * common + np.sqrt(0.7) * own, atol=1e-6)
