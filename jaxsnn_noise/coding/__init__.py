"""Coding: inputs over time and pre-filters."""

from typing import TYPE_CHECKING

from jaxsnn_noise._lazy import lazily

if TYPE_CHECKING:
    from jaxsnn_noise.coding.filters import Filter as Filter
    from jaxsnn_noise.coding.filters import Identity as Identity
    from jaxsnn_noise.coding.filters import Relu as Relu
    from jaxsnn_noise.coding.filters import Sigmoid as Sigmoid
    from jaxsnn_noise.coding.filters import Tanh as Tanh
    from jaxsnn_noise.coding.inputs import Constant as Constant
    from jaxsnn_noise.coding.inputs import Fluctuating as Fluctuating
    from jaxsnn_noise.coding.inputs import Input as Input
    from jaxsnn_noise.coding.inputs import PoissonSpikes as PoissonSpikes
    from jaxsnn_noise.coding.inputs import SpikeTrain as SpikeTrain
    from jaxsnn_noise.coding.inputs import TimeSeries as TimeSeries
    from jaxsnn_noise.coding.poisson import CorrelatedPoisson as CorrelatedPoisson
    from jaxsnn_noise.coding.poisson import InhomogeneousPoisson as InhomogeneousPoisson
    from jaxsnn_noise.coding.poisson import PoissonCounts as PoissonCounts
    from jaxsnn_noise.coding.renewal import GammaRenewal as GammaRenewal
    from jaxsnn_noise.coding.times import SpikeTimes as SpikeTimes

_HOMES = {
    "filters": "Filter Identity Relu Sigmoid Tanh",
    "inputs": "Constant Fluctuating Input PoissonSpikes SpikeTrain TimeSeries",
    "poisson": "CorrelatedPoisson InhomogeneousPoisson PoissonCounts",
    "renewal": "GammaRenewal",
    "times": "SpikeTimes",
}
__getattr__, __dir__ = lazily(__name__, _HOMES)
