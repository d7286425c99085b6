"""The hard threshold."""

from __future__ import annotations

from typing import Self

import equinox as eqx

from jaxsnn_noise._checks import positive
from jaxsnn_noise._typing import PerNeuron
from jaxsnn_noise.firing.rule import Firing
from jaxsnn_noise.random import Tick
from jaxsnn_noise.surrogates import SuperSpike, Surrogate, spike


class HardThreshold(Firing):
    """``s = 1`` where the margin is >= 0; the backward pass uses the surrogate's derivative.

    Args:
        surrogate: The surrogate gradient.

    Example:
        >>> float(HardThreshold().surrogate.sharpness) > 0
        True
    """

    surrogate: Surrogate = eqx.field(default_factory=lambda: SuperSpike(10.0))

    def __call__(self, margin: PerNeuron, margin_before: PerNeuron, key: Tick, dt: float) -> PerNeuron:
        del margin_before, key, dt
        return spike(self.surrogate, margin)

    def check(self, who: str) -> None:
        positive(f"{who}.surrogate.sharpness", self.surrogate.sharpness, "1/mV")

    @classmethod
    def example(cls) -> Self:
        return cls()
