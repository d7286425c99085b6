"""Coding: inputs over time and pre-filters."""

from jaxsnn_noise.coding.filters import Filter, Identity, Relu, Sigmoid, Tanh
from jaxsnn_noise.coding.inputs import Constant, Fluctuating, Input, PoissonSpikes, SpikeTrain, TimeSeries
from jaxsnn_noise.coding.poisson import CorrelatedPoisson, InhomogeneousPoisson, PoissonCounts
from jaxsnn_noise.coding.renewal import GammaRenewal
from jaxsnn_noise.coding.times import SpikeTimes

__all__ = [
    "Constant",
    "CorrelatedPoisson",
    "Filter",
    "Fluctuating",
    "GammaRenewal",
    "Identity",
    "InhomogeneousPoisson",
    "Input",
    "PoissonCounts",
    "PoissonSpikes",
    "Relu",
    "Sigmoid",
    "SpikeTimes",
    "SpikeTrain",
    "Tanh",
    "TimeSeries",
]


def __dir__() -> list[str]:
    return __all__
