"""Firing rules: from the margin between potential and threshold to spikes, and the gradient back."""

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
