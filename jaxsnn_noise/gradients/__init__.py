"""Derivatives of expectations of noisy spiking simulations: estimators that say their errors, and what they cannot do.

A spike is a decision, so the derivative of a trial is not that of the expectation. :class:`Score` is unbiased,
:class:`FiniteDifference` nearly so and hard to beat for a few leaves of a network, :class:`NoiseDensity` cheap and good for rates,
:class:`SurrogateGradient` for comparison, :class:`Pathwise` exact where nothing spikes. ``bias_of`` compares two.
"""

from jaxsnn_noise.gradients.differences import FiniteDifference
from jaxsnn_noise.gradients.estimator import Estimator
from jaxsnn_noise.gradients.passing import NoiseDensity, Pathwise, SurrogateGradient
from jaxsnn_noise.gradients.result import Gradient, bias_of
from jaxsnn_noise.gradients.score import Baseline, Martingale, Score

__all__ = [
    "Baseline",
    "Estimator",
    "FiniteDifference",
    "Gradient",
    "Martingale",
    "NoiseDensity",
    "Pathwise",
    "Score",
    "SurrogateGradient",
    "bias_of",
]


def __dir__() -> list[str]:
    return __all__
