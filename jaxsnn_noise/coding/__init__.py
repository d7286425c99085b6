"""Coding: inputs over time and pre-filters."""

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
