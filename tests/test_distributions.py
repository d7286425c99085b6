"""The named distributions are those of scipy; what all of them keep is in the contract suite."""

import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

from jaxsnn_noise import distributions

X = np.linspace(-6, 6, 481, dtype=np.float32)
SCIPY = {
    "Gaussian": stats.norm(),
    "Logistic": stats.logistic(scale=np.sqrt(3) / np.pi),
    "Laplace": stats.laplace(scale=np.sqrt(0.5)),
    "Uniform": stats.uniform(-np.sqrt(3), 2 * np.sqrt(3)),
    "Triangular": stats.triang(0.5, -np.sqrt(6), 2 * np.sqrt(6)),
}


@pytest.mark.parametrize("name", sorted(SCIPY))
def test_cdf_and_pdf_are_those_of_scipy(name):
    member = getattr(distributions, name)()
    np.testing.assert_allclose(member.cdf(jnp.asarray(X)), SCIPY[name].cdf(X), atol=2e-7)
    edge = np.abs(np.abs(X) - np.sqrt(3)) < 1e-6
    np.testing.assert_allclose(np.asarray(member.pdf(jnp.asarray(X)))[~edge], SCIPY[name].pdf(X)[~edge], atol=3e-7)
