"""Ready-made networks."""

from jaxsnn_noise.networks.classifying import classifier as classifier
from jaxsnn_noise.networks.initial import graded as graded
from jaxsnn_noise.networks.initial import heterogeneous as heterogeneous
from jaxsnn_noise.networks.layered import feedforward as feedforward
from jaxsnn_noise.networks.noise_driven import deterministic_twin as deterministic_twin
from jaxsnn_noise.networks.noise_driven import noise_driven as noise_driven
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
    "deterministic_twin",
    "feedforward",
    "graded",
    "heterogeneous",
    "lif_population",
    "lif_sampler",
    "measured_activation",
    "noise_driven",
    "triplicated",
]


def __dir__() -> list[str]:
    return __all__
