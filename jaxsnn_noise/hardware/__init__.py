"""Static imperfections of hardware."""

from jaxsnn_noise.hardware.imperfection import Imperfection
from jaxsnn_noise.hardware.mismatch import Mismatch

__all__ = [
    "Imperfection",
    "Mismatch",
]


def __dir__() -> list[str]:
    return __all__
