"""Ready-made networks."""

from jaxsnn_noise.networks.classifying import classifier as classifier
from jaxsnn_noise.networks.layered import feedforward as feedforward
from jaxsnn_noise.networks.redundant import Redundant as Redundant
from jaxsnn_noise.networks.redundant import triplicated as triplicated
from jaxsnn_noise.networks.samplers import Activation as Activation
from jaxsnn_noise.networks.samplers import abstract_sampler as abstract_sampler
from jaxsnn_noise.networks.samplers import lif_population as lif_population
from jaxsnn_noise.networks.samplers import lif_sampler as lif_sampler
from jaxsnn_noise.networks.samplers import measured_activation as measured_activation

__all__ = [
    "Activation",
    "Redundant",
    "abstract_sampler",
    "classifier",
    "feedforward",
    "lif_population",
    "lif_sampler",
    "measured_activation",
    "triplicated",
]


def __dir__() -> list[str]:
    return __all__
