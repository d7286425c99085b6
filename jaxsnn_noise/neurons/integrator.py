"""The perfect integrator: a membrane without leak."""

from __future__ import annotations

from typing import Self

import jax.numpy as jnp

from jaxsnn_noise._typing import Parameter, Values
from jaxsnn_noise.neurons import refractory
from jaxsnn_noise.neurons.lif import LIFState
from jaxsnn_noise.neurons.resets import Reset, ResetToValue
from jaxsnn_noise.neurons.resetting import Resetting
from jaxsnn_noise.parameters import nonnegative, parameter, positive, real
from jaxsnn_noise.random import Tick
from jaxsnn_noise.relaxation import grown
from jaxsnn_noise.roots import square_root
from jaxsnn_noise.signals import Drive

FOREVER = 1e9
"""The time constant of a membrane that forgets nothing [ms]."""


class IF(Resetting):
    """Perfect (non-leaky) integrate-and-fire, exact for a current held over the step.

    Equation: ``C dv/dt = I - g v``, where ``g`` is the conductance of the synapses: without one ``v <- v + I dt/C``. A spike at
    ``v >= v_threshold``; reset and refractoriness are those of :class:`LIF`. Nothing pulls the potential back: what an input adds
    stays until the next spike, a negative one too.

    f-I: ``T = refractory + C (v_threshold - v_reset)/I`` for ``I > 0``. Under white noise ``sigma`` on the membrane intervals are
    inverse Gaussian, ``CV^2 = sigma^2 C/(I (v_threshold - v_reset))`` without refractoriness: ``theory.integrator_interval``. A
    bridge between the ends of a step is exact here, whatever the step.

    Args:
        size: Number of neurons.
        capacitance: [nF], > 0; ``mV = nA ms/nF``. The default makes 1 nA move the membrane by 1 mV/ms.
        v_threshold: Threshold [mV], above ``v_reset``.
        v_reset: Potential after a spike, and at the start [mV].
        refractory: Absolute refractory time [ms], >= 0; ``None``: none.
        reset: Reset policy.

    The defaults are the normalised ones of :class:`LIF`, those of no cell.

    References: Gerstein and Mandelbrot 1964, doi:10.1016/S0006-3495(64)86768-0; Burkitt 2006, doi:10.1007/s00422-006-0068-6.

    Example:
        >>> IF(3, capacitance=20.0).size
        3
    """

    capacitance: Parameter = parameter("nF", positive, default=1.0)
    v_threshold: Parameter = parameter("mV", real, default=1.0)
    v_reset: Parameter = parameter("mV", real, default=0.0)
    refractory: Parameter | None = parameter("ms", nonnegative, default=None)
    reset: Reset = ResetToValue()

    def rest(self) -> LIFState:
        return LIFState(self.v_reset, refractory.none_held(self.refractory, self.v_reset))

    def integrate(self, state: LIFState, drive: Drive, key: Tick, dt: Values | float) -> LIFState:
        del key
        v = state.v + self.gain(drive, dt) * drive.at(state.v)
        return LIFState(*refractory.flowed(v, state.v, state.hold))

    def diffuse(self, drive: Drive, dt: Values | float) -> Values:
        """Exact: ``sqrt(dt)`` [sqrt(ms)], less where a conductance pulls the membrane back."""
        return square_root(dt * self._kept(drive, 2.0 * jnp.asarray(dt)))

    def gain(self, drive: Drive, dt: Values | float) -> Values:
        """``dt/C`` [MOhm], less where a conductance pulls the membrane back."""
        return dt / self.capacitance * self._kept(drive, dt)

    def time_constant(self, drive: Drive) -> Values:
        """``C/g`` [ms], at most a million seconds."""
        if drive.conductance is None:
            return jnp.full_like(self.capacitance, FOREVER)
        return self.capacitance / jnp.maximum(drive.conductance, self.capacitance / FOREVER)

    def _kept(self, drive: Drive, dt: Values | float) -> Values:
        """The mean of ``exp(-t g/C)`` over ``dt``: 1 without a conductance."""
        if drive.conductance is None:
            return jnp.ones_like(self.capacitance)
        return grown(-dt * drive.conductance / self.capacitance)

    @classmethod
    def example(cls) -> Self:
        return cls(5, refractory=2.0)
