"""Probability laws for parameters and for initial states.

A law is a map from a *standard normal score* ``z`` to a value: ``perturb(nominal, z)``, never falling in ``z`` where
the nominal value is positive. Whatever the law, device and neuron keep their score, so draws are common random numbers
in every parameter of the law ("the same chips get worse"), and gradients with respect to it are those of single chips.

Scores are addressed: the element ``i`` of the flattened leaf is entity ``i``, or ``groups`` gives the entity of each
element. A law that acts on a nominal value (:class:`LogNormal`, :class:`TruncatedNormal`, ...) keeps its support: what
is positive stays positive where ``support`` says so. An absolute law (:class:`AbsoluteLaw`) does not look at the
nominal value; it draws initial states.
"""

from jaxsnn_noise.laws.absolute import AbsoluteLaw, Fixed, GaussianAround, UniformBetween
from jaxsnn_noise.laws.correlated import Correlated
from jaxsnn_noise.laws.law import Law
from jaxsnn_noise.laws.relative import Empirical, LogNormal, Normal, Offset, UniformFactor
from jaxsnn_noise.laws.truncated import TruncatedNormal

__all__ = [
    "AbsoluteLaw",
    "Correlated",
    "Empirical",
    "Fixed",
    "GaussianAround",
    "Law",
    "LogNormal",
    "Normal",
    "Offset",
    "TruncatedNormal",
    "UniformBetween",
    "UniformFactor",
]


def __dir__() -> list[str]:
    return __all__
