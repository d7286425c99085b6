"""Derivatives of expectations of noisy spiking simulations: estimators that say their errors, and what they cannot do.

A spike is a decision, so the derivative of a trial is not that of the expectation. :class:`Score` is unbiased,
:class:`FiniteDifference` nearly so and hard to beat for a few leaves of a network, :class:`NoiseDensity` cheap and good for rates,
:class:`SurrogateGradient` for comparison, :class:`Pathwise` exact where nothing spikes. ``bias_of`` compares two.
"""

from typing import TYPE_CHECKING

from jaxsnn_noise._lazy import lazily

if TYPE_CHECKING:
    from jaxsnn_noise.gradients.answers import Margin as Margin
    from jaxsnn_noise.gradients.answers import OfTarget as OfTarget
    from jaxsnn_noise.gradients.answers import TrialLoss as TrialLoss
    from jaxsnn_noise.gradients.answers import WrongAnswers as WrongAnswers
    from jaxsnn_noise.gradients.controls import Baseline as Baseline
    from jaxsnn_noise.gradients.controls import Forward as Forward
    from jaxsnn_noise.gradients.controls import Martingale as Martingale
    from jaxsnn_noise.gradients.controls import Reverse as Reverse
    from jaxsnn_noise.gradients.design import Budget as Budget
    from jaxsnn_noise.gradients.design import Design as Design
    from jaxsnn_noise.gradients.design import spend as spend
    from jaxsnn_noise.gradients.differences import FiniteDifference as FiniteDifference
    from jaxsnn_noise.gradients.estimator import Estimator as Estimator
    from jaxsnn_noise.gradients.flips import Flip as Flip
    from jaxsnn_noise.gradients.passing import NoiseDensity as NoiseDensity
    from jaxsnn_noise.gradients.passing import Pathwise as Pathwise
    from jaxsnn_noise.gradients.passing import SurrogateGradient as SurrogateGradient
    from jaxsnn_noise.gradients.quantities import CVOfIntervals as CVOfIntervals
    from jaxsnn_noise.gradients.quantities import FanoOfCounts as FanoOfCounts
    from jaxsnn_noise.gradients.quantities import MeanOfIntervals as MeanOfIntervals
    from jaxsnn_noise.gradients.quantities import Quantity as Quantity
    from jaxsnn_noise.gradients.result import Gradient as Gradient
    from jaxsnn_noise.gradients.result import bias_of as bias_of
    from jaxsnn_noise.gradients.samples import DrawnSamples as DrawnSamples
    from jaxsnn_noise.gradients.samples import FixedSamples as FixedSamples
    from jaxsnn_noise.gradients.samples import OverSamples as OverSamples
    from jaxsnn_noise.gradients.score import Score as Score
    from jaxsnn_noise.gradients.sensitivities import sensitivity as sensitivity
    from jaxsnn_noise.gradients.spans import agreement as agreement
    from jaxsnn_noise.gradients.spans import global_sensitivity as global_sensitivity

_HOMES = {
    "answers": "Margin OfTarget TrialLoss WrongAnswers",
    "controls": "Baseline Forward Martingale Reverse",
    "design": "Budget Design spend",
    "differences": "FiniteDifference",
    "estimator": "Estimator",
    "flips": "Flip",
    "passing": "NoiseDensity Pathwise SurrogateGradient",
    "quantities": "CVOfIntervals FanoOfCounts MeanOfIntervals Quantity",
    "result": "Gradient bias_of",
    "samples": "DrawnSamples FixedSamples OverSamples",
    "score": "Score",
    "sensitivities": "sensitivity",
    "spans": "agreement global_sensitivity",
}
__getattr__, __dir__ = lazily(__name__, _HOMES)
