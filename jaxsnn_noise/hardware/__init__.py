"""Static imperfections of hardware."""

from jaxsnn_noise.hardware.floorplan import FloorPlan
from jaxsnn_noise.hardware.imperfection import Imperfection, Stage
from jaxsnn_noise.hardware.joint import JointMismatch
from jaxsnn_noise.hardware.mismatch import Mismatch
from jaxsnn_noise.hardware.quantised import Quantised
from jaxsnn_noise.hardware.split import VarianceSplit
from jaxsnn_noise.hardware.tabulated import TabulatedMismatch

__all__ = [
    "FloorPlan",
    "Imperfection",
    "JointMismatch",
    "Mismatch",
    "Quantised",
    "Stage",
    "TabulatedMismatch",
    "VarianceSplit",
]


def __dir__() -> list[str]:
    return __all__
