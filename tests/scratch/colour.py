"""A colour: a moving average of two steps."""

from __future__ import annotations

import jax.numpy as jnp
from jaxtyping import Array, UInt32

from jaxsnn_noise._typing import Leaf, PerNeuron, Scalar, Values
from jaxsnn_noise.noise.policies import Colour
from jaxsnn_noise.opacity import opaque
from jaxsnn_noise.parameters import fraction, parameter
from jaxsnn_noise.roots import square_root


class ScratchColour(Colour):
    """``sqrt(1 - echo) xi(t) + sqrt(echo) xi(t-1)``.

    Args:
        echo: Share of the variance that the last step gives [1], 0 to 1.
    """

    echo: Leaf = parameter("1", fraction)

    def init(self, innovation: PerNeuron) -> PerNeuron:
        return innovation

    def step(
        self, state: PerNeuron, innovation: PerNeuron, dt: float, zero: UInt32[Array, ""]
    ) -> tuple[PerNeuron, PerNeuron]:
        now, past = self._taps()
        return now * innovation + opaque(past * state, zero), innovation

    def diffusion(self, white: Values, rate: Values) -> Values:
        return white / sum(self._taps())  # that of a long time

    def correlation_time(self, dt: float) -> Values:
        return 0.5 * dt * jnp.square(sum(self._taps()))

    def _taps(self) -> tuple[Scalar, Scalar]:
        return square_root(1.0 - self.echo), square_root(self.echo)
