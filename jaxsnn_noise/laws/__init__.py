"""Probability laws for parameters and for initial states.

A law is a map from a *standard normal score* ``z`` to a value: ``perturb(nominal, z)``, never falling in ``z`` where
the nominal value is positive. Whatever the law, device and neuron keep their score, so draws are common random numbers
in every parameter of the law ("the same chips get worse"), and gradients with respect to it are those of single chips.

Scores are addressed: the element ``i`` of the flattened leaf is entity ``i``, or ``groups`` gives the entity of each
element. A law that acts on a nominal value (:class:`LogNormal`, :class:`TruncatedNormal`, ...) keeps its support: what
is positive stays positive where ``support`` says so. An absolute law (:class:`AbsoluteLaw`) does not look at the
nominal value; it draws initial states.
"""

from typing import TYPE_CHECKING

from jaxsnn_noise._lazy import lazily

if TYPE_CHECKING:
    from jaxsnn_noise.laws.absolute import AbsoluteLaw as AbsoluteLaw
    from jaxsnn_noise.laws.absolute import Fixed as Fixed
    from jaxsnn_noise.laws.absolute import GaussianAround as GaussianAround
    from jaxsnn_noise.laws.absolute import UniformBetween as UniformBetween
    from jaxsnn_noise.laws.correlated import Correlated as Correlated
    from jaxsnn_noise.laws.law import Law as Law
    from jaxsnn_noise.laws.relative import Empirical as Empirical
    from jaxsnn_noise.laws.relative import LogNormal as LogNormal
    from jaxsnn_noise.laws.relative import Normal as Normal
    from jaxsnn_noise.laws.relative import Offset as Offset
    from jaxsnn_noise.laws.relative import UniformFactor as UniformFactor
    from jaxsnn_noise.laws.truncated import TruncatedNormal as TruncatedNormal

_HOMES = {
    "absolute": "AbsoluteLaw Fixed GaussianAround UniformBetween",
    "correlated": "Correlated",
    "law": "Law",
    "relative": "Empirical LogNormal Normal Offset UniformFactor",
    "truncated": "TruncatedNormal",
}
__getattr__, __dir__ = lazily(__name__, _HOMES)
