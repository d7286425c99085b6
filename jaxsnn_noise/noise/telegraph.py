"""Random telegraph noise: a trap that is empty or full."""

from __future__ import annotations

from typing import Any, ClassVar

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, UInt32

from jaxsnn_noise._checks import concrete, fail
from jaxsnn_noise._typing import Leaf, PerNeuron, Scalar, Values
from jaxsnn_noise.distributions import Gaussian
from jaxsnn_noise.noise.policies import Colour
from jaxsnn_noise.parameters import parameter, positive
from jaxsnn_noise.roots import square_root
from jaxsnn_noise.special import ndtri

RAREST = 1e-10
"""Smallest probability of a switch in a step: normals reach no farther."""


class Telegraph(Colour):
    r"""Random telegraph noise: a Markov chain of two levels, exact at any dt; starts stationary.

    It rises with the rate ``up_hz`` while it is low and falls with ``down_hz`` while it is high. With the sum of the rates
    :math:`r` and the share of time :math:`q = r_{up}/r` at the high level, mean 0 and variance 1 give the levels

    .. math:: x_{high} = \sqrt{(1-q)/q}, \qquad x_{low} = -\sqrt{q/(1-q)},

    the skewness :math:`(1-2q)/\sqrt{q(1-q)}` and the autocovariance :math:`e^{-r|s|}`, that of an Ornstein-Uhlenbeck process. In a step it
    switches with the probability :math:`q (1 - e^{-r\,dt})` upwards and :math:`(1-q)(1 - e^{-r\,dt})` downwards, exactly. The value of
    a step is the left one, held over the step.

    The innovation, a standard normal, switches it where it falls below the quantile of that probability. So the law of the
    values is that of the two levels, whatever drives them: a ``distribution`` other than ``Gaussian()`` has no meaning, and
    is refused; and so is a correlation that mixes draws, since chains driven by correlated normals have another correlation.
    ``Independent()`` and ``Common()`` remain.

    With ``PerStep(sigma)`` the two levels lie ``sigma/sqrt(q(1-q))`` apart: ``2 sigma`` for equal rates. With ``Diffusion(sigma)``
    the variance is ``sigma^2 r/2``. Gradients with respect to the rates see the two levels, not the times of the switches.

    Args:
        up_hz: Rate of switches from low to high [Hz], > 0 (of a trap: capture).
        down_hz: Rate of switches from high to low [Hz], > 0 (emission).

    Raises:
        InputError: another distribution, a mixing correlation; a switch less probable than 1e-10 in a step, which no normal decides.

    References: Machlup 1954, doi:10.1063/1.1721637; Kirton and Uren 1989, doi:10.1080/00018738900101122.

    Example:
        >>> round(float(Telegraph(up_hz=10.0, down_hz=30.0).correlation_time(0.1)), 6)
        25.0
    """

    linear: ClassVar[bool] = False
    up_hz: Leaf = parameter("Hz", positive)
    down_hz: Leaf = parameter("Hz", positive)

    def init(self, innovation: PerNeuron) -> PerNeuron:
        return (innovation < ndtri(self._high())).astype(jnp.float32)

    def step(
        self, state: PerNeuron, innovation: PerNeuron, dt: float, zero: UInt32[Array, ""]
    ) -> tuple[PerNeuron, PerNeuron]:
        up, down = self._switches(dt)
        switches = innovation < jnp.where(state > 0, ndtri(down), ndtri(up))
        q = self._high()
        value = jnp.where(state > 0, square_root((1.0 - q) / q), -square_root(q / (1.0 - q)))
        return value, jnp.where(switches, 1.0 - state, state)

    def diffusion(self, white: Values, rate: Values) -> Values:
        return rate / square_root(2.0 * self.correlation_time(0.0))

    def correlation_time(self, dt: float) -> Values:
        return 1000.0 / (self.up_hz + self.down_hz)

    def check_step(self, who: str, dt: float) -> None:
        for name, probability in zip(("up_hz", "down_hz"), self._switches(dt), strict=True):
            value = concrete(probability)
            if value is not None and np.min(value) < RAREST:
                rule = f"must switch with a probability of at least {RAREST:g} in a step of {dt:g} ms: rarer, it never would [Hz]"
                fail(f"{who}.{name}", rule, getattr(self, name))

    def check_innovations(self, who: str, distribution: Any, correlation: Any) -> None:
        if not isinstance(distribution, Gaussian):
            rule = "has no meaning for Telegraph, whose law is that of its two levels; leave it Gaussian()"
            fail(f"{who}.distribution", rule, type(distribution).__name__)
        if correlation.mixes:
            rule = "must be Independent() or Common() for Telegraph: mixed draws give its levels another correlation"
            fail(f"{who}.correlation", rule, type(correlation).__name__)

    def _high(self) -> Scalar:
        """The share of time at the high level."""
        return self.up_hz / (self.up_hz + self.down_hz)

    def _switches(self, dt: float) -> tuple[Scalar, Scalar]:
        """The probabilities of a switch in a step, upwards and downwards."""
        total = self.up_hz + self.down_hz
        mixed = -jnp.expm1(-total * (dt / 1000.0)) / total
        return self.up_hz * mixed, self.down_hz * mixed
