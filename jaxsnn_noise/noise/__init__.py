"""Noise sources and the policies they are composed of."""

from jaxsnn_noise.distributions import Distribution, Gaussian, Laplace, Logistic, StudentT, Triangular, Uniform
from jaxsnn_noise.noise.background import PoissonBackground
from jaxsnn_noise.noise.blend import Blend
from jaxsnn_noise.noise.correlations import Common, Correlation, Independent, SharedFraction
from jaxsnn_noise.noise.mixed import Covariance, ExponentialKernel, GaussianKernel, Kernel, LowRank, Spatial
from jaxsnn_noise.noise.policies import (
    Additive,
    Amplitude,
    Colour,
    Coupling,
    Diffusion,
    Intensity,
    Ito,
    Multiplicative,
    OrnsteinUhlenbeck,
    PerStep,
    Stratonovich,
    White,
)
from jaxsnn_noise.noise.power_law import PowerLaw
from jaxsnn_noise.noise.scheduled import Scheduled
from jaxsnn_noise.noise.sources import (
    ComposedSource,
    CurrentNoise,
    ReleaseNoise,
    Source,
    SourceMoments,
    SpikeNoise,
    ThresholdNoise,
    VoltageNoise,
)
from jaxsnn_noise.noise.spikes import BernoulliRelease, SpikeDrop, SpikeInsertion, SpikeJitter
from jaxsnn_noise.noise.telegraph import Telegraph
from jaxsnn_noise.signals import Context, Seam

__all__ = [
    "Additive",
    "Amplitude",
    "BernoulliRelease",
    "Blend",
    "Colour",
    "Common",
    "ComposedSource",
    "Context",
    "Correlation",
    "Coupling",
    "Covariance",
    "CurrentNoise",
    "Diffusion",
    "Distribution",
    "ExponentialKernel",
    "Gaussian",
    "GaussianKernel",
    "Independent",
    "Intensity",
    "Ito",
    "Kernel",
    "Laplace",
    "Logistic",
    "LowRank",
    "Multiplicative",
    "OrnsteinUhlenbeck",
    "PerStep",
    "PoissonBackground",
    "PowerLaw",
    "ReleaseNoise",
    "Scheduled",
    "Seam",
    "SharedFraction",
    "Source",
    "SourceMoments",
    "Spatial",
    "SpikeDrop",
    "SpikeInsertion",
    "SpikeJitter",
    "SpikeNoise",
    "Stratonovich",
    "StudentT",
    "Telegraph",
    "ThresholdNoise",
    "Triangular",
    "Uniform",
    "VoltageNoise",
    "White",
]


def __dir__() -> list[str]:
    return __all__
