"""What a surrogate is, and the spike whose derivative it stands for."""

from __future__ import annotations

import abc
from typing import Any, ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array

from jaxsnn_noise import _checks
from jaxsnn_noise._typing import Values, as_float
from jaxsnn_noise.parameters import Part


class Surrogate(Part):
    """Abstract: what stands for the derivative of a spike with respect to its margin.

    A member has the leaf ``sharpness`` [1/mV] and two methods; :class:`FastSigmoid` is the pattern to follow.
    """

    sharpness: eqx.AbstractVar[Values]
    spread: ClassVar[float | None] = None
    """Standard deviation of the density times ``k``; ``None`` where there is no such density."""
    signed: ClassVar[bool] = False
    """Whether the derivative is negative somewhere; then it is the density of no noise."""

    @abc.abstractmethod
    def derivative(self, margin: Values) -> Values:
        """What stands for ``ds/dx`` [1/mV] at the margin ``x`` [mV]; even, largest at 0, and >= 0 unless ``signed``."""

    @abc.abstractmethod
    def primitive(self, margin: Values) -> Values:
        """The smooth step [1] that has this derivative, and 1/2 at margin 0.

        With a unit integral it runs from 0 to 1: the probability to spike under the noise of that density.
        """

    @classmethod
    def from_noise(cls, sigma: Any) -> Surrogate:
        """The density of noise of standard deviation ``sigma`` [mV] > 0: ``sharpness = spread / sigma``."""
        if cls.spread is None:
            _checks.fail(f"{cls.__name__}.from_noise", "is not the density of a noise with a variance", sigma)
        _checks.positive(f"{cls.__name__}.from_noise: sigma", sigma, "mV")
        return cls(sharpness=as_float(cls.spread / sigma))

    @classmethod
    def example(cls) -> Surrogate:
        """A member with ordinary parameters, for tests and documentation."""
        return cls(sharpness=as_float(4.0))


@jax.custom_jvp
def spike(surrogate: Surrogate, margin: Values) -> Values:
    """Spikes of given margins: 1.0 where ``margin >= 0``, else 0.0 (also where the margin is NaN).

    The tangent is ``surrogate.derivative(margin) * tangent(margin)``. The parameters of the surrogate do not change the
    spike, and their gradient is zero.

    Args:
        surrogate: the stand-in derivative.
        margin: ``v - threshold`` [mV], any shape.

    Returns:
        Spikes [1], the shape of ``margin``.

    Example:
        >>> import jax, jax.numpy as jnp
        >>> from jaxsnn_noise import surrogates
        >>> surrogate = surrogates.FastSigmoid(sharpness=2.0)
        >>> surrogates.spike(surrogate, jnp.array([-0.5, 0.0, 0.5])).tolist()
        [0.0, 1.0, 1.0]
        >>> jax.grad(lambda x: surrogates.spike(surrogate, x))(jnp.array(-0.5)).item()
        0.25
    """
    del surrogate
    return (margin >= 0).astype(jnp.result_type(margin))


@spike.defjvp
def _spike_jvp(primals: tuple[Any, Any], tangents: tuple[Any, Any]) -> tuple[Array, Array]:
    surrogate, margin = primals
    spikes = spike(surrogate, margin)
    return spikes, surrogate.derivative(margin).astype(spikes.dtype) * tangents[1]
