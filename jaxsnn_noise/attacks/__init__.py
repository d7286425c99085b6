"""Images that are changed as little as a bound says so that a classifier errs as often as possible, and what that shows.

A network with noise has a gradient that is noise too: it is averaged over draws. Where an attack that uses gradients does less harm than one
that uses none, or than one made on another network, gradients are masked, and robustness against them is no robustness (Athalye, Carlini &
Wagner 2018, arXiv:1802.00420): :func:`robustness` says so.
"""

from jaxsnn_noise.attacks.attack import Attack, Logits
from jaxsnn_noise.attacks.searching import RandomSigns
from jaxsnn_noise.attacks.sloping import FastGradient, ProjectedGradient, SphereAscent
from jaxsnn_noise.attacks.verdict import robustness

__all__ = [
    "Attack",
    "FastGradient",
    "Logits",
    "ProjectedGradient",
    "RandomSigns",
    "SphereAscent",
    "robustness",
]


def __dir__() -> list[str]:
    return __all__
