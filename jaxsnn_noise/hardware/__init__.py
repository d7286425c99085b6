"""Static imperfections of hardware."""

from jaxsnn_noise.hardware.imperfection import Imperfection, Stage
from jaxsnn_noise.hardware.mismatch import Mismatch
from jaxsnn_noise.hardware.quantised import Quantised

__all__ = [
    "Imperfection",
    "Mismatch",
    "Quantised",
    "Stage",
]


def __dir__() -> list[str]:
    return __all__
