"""Ion channels of the Hodgkin-Huxley membrane: schemes for how their open fractions move, with and without channel noise."""

from jaxsnn_noise.neurons.channels.conductance import ConductanceNoise as ConductanceNoise
from jaxsnn_noise.neurons.channels.deterministic import Deterministic as Deterministic
from jaxsnn_noise.neurons.channels.langevin import TransitionLangevin as TransitionLangevin
from jaxsnn_noise.neurons.channels.markov import Markov as Markov
from jaxsnn_noise.neurons.channels.scheme import Channels as Channels
from jaxsnn_noise.neurons.channels.scheme import Counts as Counts
from jaxsnn_noise.neurons.channels.subunit import SubunitLangevin as SubunitLangevin

__all__ = [
    "Channels",
    "ConductanceNoise",
    "Counts",
    "Deterministic",
    "Markov",
    "SubunitLangevin",
    "TransitionLangevin",
]


def __dir__() -> list[str]:
    return __all__
