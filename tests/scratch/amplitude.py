"""An amplitude: the rounding of a converter."""

from __future__ import annotations

import math

from jaxsnn_noise._typing import Leaf, Values
from jaxsnn_noise.noise.policies import Amplitude, Colour
from jaxsnn_noise.parameters import nonnegative, parameter


class ScratchAmplitude(Amplitude):
    """The standard deviation of rounding to steps of one least significant bit, ``lsb/sqrt(12)``.

    Args:
        lsb: The step [mV], >= 0.
    """

    lsb: Leaf = parameter("mV", nonnegative)

    def std(self, colour: Colour, white: Values | None, rate: Values | None) -> Values:
        return self.lsb / math.sqrt(12.0)
