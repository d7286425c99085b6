"""Firing rules: from the margin between potential and threshold to spikes, and the gradient back."""

from typing import TYPE_CHECKING

from jaxsnn_noise._lazy import lazily

if TYPE_CHECKING:
    from jaxsnn_noise.firing.bridge import BridgeThreshold as BridgeThreshold
    from jaxsnn_noise.firing.escape import EscapeRate as EscapeRate
    from jaxsnn_noise.firing.gradients import Density as Density
    from jaxsnn_noise.firing.gradients import Stopped as Stopped
    from jaxsnn_noise.firing.hard import HardThreshold as HardThreshold
    from jaxsnn_noise.firing.hazards import DiffusionHazard as DiffusionHazard
    from jaxsnn_noise.firing.hazards import ExponentialHazard as ExponentialHazard
    from jaxsnn_noise.firing.hazards import Hazard as Hazard
    from jaxsnn_noise.firing.hazards import SigmoidHazard as SigmoidHazard
    from jaxsnn_noise.firing.noisy import NoisyThreshold as NoisyThreshold
    from jaxsnn_noise.firing.rule import Firing as Firing
    from jaxsnn_noise.firing.sampling import SamplingRule as SamplingRule

_HOMES = {
    "bridge": "BridgeThreshold",
    "escape": "EscapeRate",
    "gradients": "Density Stopped",
    "hard": "HardThreshold",
    "hazards": "DiffusionHazard ExponentialHazard Hazard SigmoidHazard",
    "noisy": "NoisyThreshold",
    "rule": "Firing",
    "sampling": "SamplingRule",
}
__getattr__, __dir__ = lazily(__name__, _HOMES)
