"""Sizes of fault samples: the published number, the interval that they give, and what is refused."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy import stats

from jaxsnn_noise import theory
from jaxsnn_noise._checks import InputError


def test_the_sample_for_one_percent_of_a_784_128_10_network():
    assert 784 * 128 + 128 * 10 == 101_632
    assert theory.fault_sample_size(101_632, 0.01) == 8_775
    assert theory.fault_sample_size(1e12, 0.01) == 9_604  # of infinitely many: (1.96/2/0.01)^2
    assert theory.fault_sample_size(101_632, 0.01, share=0.1) < 8_775
    assert theory.fault_sample_size(1, 0.01) == 1


def test_the_margin_is_that_of_a_hypergeometric_share():
    sites, n, share = 2_000, 400, 0.3
    law = stats.hypergeom(sites, int(share * sites), n)
    assert_allclose(theory.fault_margin(sites, n, share=share), stats.norm.ppf(0.975) * law.std() / n)
    assert theory.fault_margin(sites, sites) == 0
    sizes = theory.fault_sample_size([50, 1_000, 101_632], [[0.1], [0.01]])
    margins = theory.fault_margin(np.broadcast_to([50, 1_000, 101_632], sizes.shape), sizes)
    assert np.all(margins <= np.array([[0.1], [0.01]]))
    before = theory.fault_margin(np.broadcast_to([50, 1_000, 101_632], sizes.shape), sizes - 1)
    assert np.all(before > np.array([[0.1], [0.01]]))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: theory.fault_sample_size(0, 0.01), "sites: must be whole numbers >= 1"),
        (lambda: theory.fault_sample_size(10.5, 0.01), "sites: must be whole numbers >= 1"),
        (lambda: theory.fault_sample_size(10, 0.0), r"margin: must lie in \(0, 1\)"),
        (lambda: theory.fault_sample_size(10, 0.1, share=1.0), r"share: must lie in \(0, 1\)"),
        (lambda: theory.fault_margin(10, 11), "injected: must be at most the number of sites"),
    ],
)
def test_what_is_no_campaign_is_refused(call, message):
    with pytest.raises(InputError, match=message):
        call()
