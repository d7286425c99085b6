"""A coupling that is a number: additive, multiplicative, or a mixture of both, in one program."""

from __future__ import annotations

from typing import Self

from jaxsnn_noise._typing import Leaf, PerNeuron, Values
from jaxsnn_noise.noise.policies import Coupling
from jaxsnn_noise.parameters import fraction, parameter
from jaxsnn_noise.signals import Context


class Blend(Coupling):
    """``std x ((1 - m) + m y)`` at a value ``y``: ``Additive()`` for ``m = 0``, ``Multiplicative()`` for ``m = 1``.

    The share is a leaf, so that a sweep over kinds of noise is one compilation. A diffusion is taken as Ito does. Where
    white noise in a step depends on the coupling (a ``Diffusion`` on the voltage), the unit is that of multiplicative
    noise for any ``m``; noise per step and intensities have none.

    Args:
        multiplicative: The share ``m`` of the multiplicative part [1], 0 to 1.

    Example:
        >>> import jax.numpy as jnp
        >>> from jaxsnn_noise.signals import Context
        >>> half, at = Blend(0.5), Context(jnp.asarray([0.0, 3.0]))
        >>> print(half.perturbation(jnp.ones(2), jnp.float32(0.1), at))
        [0.05 0.2 ]
    """

    multiplicative: Leaf = parameter("1", fraction)

    @property
    def linear(self) -> bool:
        return True

    def coefficient(self, sigma: Values, v: Values, *, ito: bool = False) -> Values | None:
        return sigma * (1.0 - self.multiplicative + self.multiplicative * v) if ito else None

    def unit(self, context: Context) -> Values | None:
        return context.step

    def perturbation(self, x: PerNeuron, std: Values, context: Context) -> PerNeuron:
        return std * x * (1.0 - self.multiplicative + self.multiplicative * context.value)

    @classmethod
    def example(cls) -> Self:
        """Half of each."""
        return cls(0.5)
