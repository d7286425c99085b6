"""A reset: a part of the overshoot stays."""

from __future__ import annotations

import equinox as eqx

from jaxsnn_noise._typing import Leaf, PerNeuron
from jaxsnn_noise.neurons.resets import Reset, as_detach
from jaxsnn_noise.parameters import fraction, parameter


class ScratchReset(Reset):
    """``v <- v_reset + kept (v - v_threshold)`` at a spike.

    Args:
        kept: Share of the overshoot that stays [1], 0 to 1.
        detach: As of every reset.
    """

    kept: Leaf = parameter("1", fraction, default=0.25)
    detach: bool = eqx.field(default=False, static=True, kw_only=True, converter=as_detach)

    def after(self, v: PerNeuron, spikes: PerNeuron, v_reset: PerNeuron, v_threshold: PerNeuron) -> PerNeuron:
        return v + spikes * (v_reset + self.kept * (v - v_threshold) - v)
