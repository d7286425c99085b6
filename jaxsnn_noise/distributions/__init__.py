"""Distributions of unit-variance innovations: what noise is made of, and what a noisy threshold compares with.

Each has zero mean, unit variance and a symmetric density; ``sample`` maps one addressed word per entity to a draw,
``cdf`` and ``pdf`` serve stochastic firing (the probability of a spike and its derivative).
"""

from typing import TYPE_CHECKING

from jaxsnn_noise._lazy import lazily

if TYPE_CHECKING:
    from jaxsnn_noise.distributions.distribution import Distribution as Distribution
    from jaxsnn_noise.distributions.named import Gaussian as Gaussian
    from jaxsnn_noise.distributions.named import Laplace as Laplace
    from jaxsnn_noise.distributions.named import Logistic as Logistic
    from jaxsnn_noise.distributions.named import Triangular as Triangular
    from jaxsnn_noise.distributions.named import Uniform as Uniform
    from jaxsnn_noise.distributions.student import StudentT as StudentT

_HOMES = {
    "distribution": "Distribution",
    "named": "Gaussian Laplace Logistic Triangular Uniform",
    "student": "StudentT",
}
__getattr__, __dir__ = lazily(__name__, _HOMES)
