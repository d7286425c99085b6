"""Derivatives of expectations of noisy spiking simulations: estimators that say their errors, and what they cannot do.

A spike is a decision, so the derivative of a trial is not that of the expectation. :class:`Score` is unbiased,
:class:`FiniteDifference` nearly so and hard to beat for a few leaves of a network, :class:`NoiseDensity` cheap and good for rates,
:class:`SurrogateGradient` for comparison, :class:`Pathwise` exact where nothing spikes. ``bias_of`` compares two.
"""

from jaxsnn_noise.gradients.answers import Margin, OfTarget, TrialLoss, WrongAnswers
from jaxsnn_noise.gradients.controls import Baseline, Forward, Martingale, Reverse
from jaxsnn_noise.gradients.design import Budget, Design, spend
from jaxsnn_noise.gradients.differences import FiniteDifference
from jaxsnn_noise.gradients.estimator import Estimator
from jaxsnn_noise.gradients.flips import Flip
from jaxsnn_noise.gradients.passing import NoiseDensity, Pathwise, SurrogateGradient
from jaxsnn_noise.gradients.quantities import CVOfIntervals, FanoOfCounts, MeanOfIntervals, Quantity
from jaxsnn_noise.gradients.result import Gradient, bias_of
from jaxsnn_noise.gradients.samples import DrawnSamples, FixedSamples, OverSamples
from jaxsnn_noise.gradients.score import Score
from jaxsnn_noise.gradients.sensitivities import sensitivity
from jaxsnn_noise.gradients.spans import agreement, global_sensitivity

__all__ = [
    "Baseline",
    "Budget",
    "CVOfIntervals",
    "Design",
    "DrawnSamples",
    "Estimator",
    "FanoOfCounts",
    "FiniteDifference",
    "FixedSamples",
    "Flip",
    "Forward",
    "Gradient",
    "Margin",
    "Martingale",
    "MeanOfIntervals",
    "NoiseDensity",
    "OfTarget",
    "OverSamples",
    "Pathwise",
    "Quantity",
    "Reverse",
    "Score",
    "SurrogateGradient",
    "TrialLoss",
    "WrongAnswers",
    "agreement",
    "bias_of",
    "global_sensitivity",
    "sensitivity",
    "spend",
]


def __dir__() -> list[str]:
    return __all__
