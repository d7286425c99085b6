"""Neuron models: pure state transitions of one population."""

from jaxsnn_noise.neurons import channels as channels
from jaxsnn_noise.neurons.adaptive import AdaptiveLIF as AdaptiveLIF
from jaxsnn_noise.neurons.hodgkin_huxley import HodgkinHuxley as HodgkinHuxley
from jaxsnn_noise.neurons.lif import LIF as LIF
from jaxsnn_noise.neurons.lif import LeakyIntegrator as LeakyIntegrator
from jaxsnn_noise.neurons.neuron import Neuron as Neuron
from jaxsnn_noise.neurons.resets import FlooredReset as FlooredReset
from jaxsnn_noise.neurons.resets import Reset as Reset
from jaxsnn_noise.neurons.resets import ResetBySubtraction as ResetBySubtraction
from jaxsnn_noise.neurons.resets import ResetToValue as ResetToValue
from jaxsnn_noise.neurons.step_size import largest_step as largest_step
from jaxsnn_noise.neurons.steppers import EulerMaruyama as EulerMaruyama
from jaxsnn_noise.neurons.steppers import ExponentialEuler as ExponentialEuler
from jaxsnn_noise.neurons.steppers import Heun as Heun
from jaxsnn_noise.neurons.steppers import Stepper as Stepper

__all__ = [
    "LIF",
    "AdaptiveLIF",
    "EulerMaruyama",
    "ExponentialEuler",
    "FlooredReset",
    "Heun",
    "HodgkinHuxley",
    "LeakyIntegrator",
    "Neuron",
    "Reset",
    "ResetBySubtraction",
    "ResetToValue",
    "Stepper",
    "channels",
    "largest_step",
]


def __dir__() -> list[str]:
    return __all__
