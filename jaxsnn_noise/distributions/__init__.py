"""Distributions of unit-variance innovations: what noise is made of, and what a noisy threshold compares with.

Each has zero mean, unit variance and a symmetric density; ``sample`` maps one addressed word per entity to a draw,
``cdf`` and ``pdf`` serve stochastic firing (the probability of a spike and its derivative).
"""

from jaxsnn_noise.distributions.distribution import Distribution
from jaxsnn_noise.distributions.named import Gaussian, Laplace, Logistic, Triangular, Uniform
from jaxsnn_noise.distributions.student import StudentT

__all__ = [
    "Distribution",
    "Gaussian",
    "Laplace",
    "Logistic",
    "StudentT",
    "Triangular",
    "Uniform",
]


def __dir__() -> list[str]:
    return __all__
