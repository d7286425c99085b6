"""Static imperfections of hardware."""

from jaxsnn_noise.hardware.imperfection import Imperfection as Imperfection
from jaxsnn_noise.hardware.mismatch import Mismatch as Mismatch
