"""The polynomial neuron: an exact leaky membrane plus a polynomial of the potential that is learned, from 0 on."""

from __future__ import annotations

from typing import Self

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from jaxsnn_noise._checks import concrete, fail
from jaxsnn_noise._typing import Parameter, PerNeuron, Values
from jaxsnn_noise.neurons import refractory
from jaxsnn_noise.neurons.constructor import Follows
from jaxsnn_noise.neurons.curves import Polynomial, Tabulated
from jaxsnn_noise.neurons.lif import LIFState
from jaxsnn_noise.neurons.membrane import LinearMembrane
from jaxsnn_noise.neurons.resets import Reset, ResetToValue
from jaxsnn_noise.neurons.resetting import Resetting
from jaxsnn_noise.parameters import nonnegative, parameter, positive, real
from jaxsnn_noise.random import Tick
from jaxsnn_noise.signals import Drive

LOOKED_AT = 401
"""Points of a polynomial at which its slope is looked at, from one end of its reach to the other."""


class PolynomialLIF(Resetting, LinearMembrane):
    r"""Leaky integrate-and-fire with a learnable nonlinearity, as a layer of learned neuron dynamics has it.

    Equation: :math:`\tau_{mem} \dot v = -(v - v_{rest}) + w P(x) + R (I - g v)` with :math:`x = (v - v_{rest})/w`,
    :math:`w = v_{threshold} - v_{rest}` and the :class:`Polynomial` P. In a step P is held at its value at the start (exponential Euler,
    of first order in ``dt``), so that the rest is the exact flow of :class:`LIF` and ``P = 0`` is that neuron. Threshold, reset and
    refractoriness are those of :class:`LIF`.

    One step maps ``v`` with the slope ``f' = beta + (1 - beta) P'(x)``, ``beta = exp(-dt/tau_mem)``: small noise of a variance per step
    gathers ``1/(1 - f'^2)`` times it (``theory.map_noise_gain``). Within the bound of P, ``|f'| < 1`` for every dt.

    The published neuron (arXiv:2510.07341) is a polynomial map learned per layer; degree, form of the update and initialisation could not
    be read, so these are choices of this package.

    Args:
        size: Number of neurons.
        tau_mem: Membrane time constant [ms], > 0.
        v_threshold: Threshold [mV], above ``v_reset`` and ``v_rest``.
        v_reset: Potential after a spike [mV]; ``v_rest`` unless given.
        v_rest: Potential without input [mV].
        resistance: Input resistance [MOhm], > 0.
        refractory: Absolute refractory time [ms], >= 0; ``None``: none.
        polynomial: P; of degree 3, for all neurons and 0 unless given. Or a :class:`Tabulated` one.
        reset: Reset policy.

    References: Jahns, Moreno, Kinsy 2025, arXiv:2510.07341 (a learned polynomial); nonlinear integrate-and-fire neurons: Gerstner, Kistler,
    Naud, Paninski 2014, *Neuronal Dynamics*, ch. 5, doi:10.1017/CBO9781107447615.

    Example:
        >>> PolynomialLIF(3, polynomial=Polynomial.zero(2, size=3)).polynomial.coefficients.shape
        (2, 3)
    """

    tau_mem: Parameter = parameter("ms", positive, default=20.0)
    v_threshold: Parameter = parameter("mV", real, default=1.0)
    v_reset: Parameter = parameter("mV", real, default=Follows("v_rest"))
    v_rest: Parameter = parameter("mV", real, default=0.0)
    resistance: Parameter = parameter("MOhm", positive, default=1.0)
    refractory: Parameter | None = parameter("ms", nonnegative, default=None)
    polynomial: Polynomial | Tabulated = eqx.field(default_factory=Polynomial.zero)
    reset: Reset = ResetToValue()

    def check_together(self, who: str) -> None:
        super().check_together(who)
        if self.polynomial.of_neurons not in (None, self.size):
            name = "coefficients" if isinstance(self.polynomial, Polynomial) else "entries"
            first = "degree" if isinstance(self.polynomial, Polynomial) else "entry"
            shape = getattr(self.polynomial, name).shape
            fail(f"{who}.polynomial.{name}", f"must be [{first}] or [{first}, {self.size}]", shape)
        width = concrete(self.v_threshold - self.v_rest)
        if width is not None and not (width > 0).all():
            fail(f"{who}.v_threshold", "must lie above v_rest [mV]", float(width.min()))

    def check_step(self, who: str, dt: float) -> None:
        """Raise :class:`InputError` for a polynomial without a bound under which a step does not contract."""
        if self.polynomial.bound is not None:
            return
        x = np.linspace(-self.polynomial.reach, self.polynomial.reach, LOOKED_AT)
        at = lambda one: self.map_slope(self.v_rest + one * (self.v_threshold - self.v_rest), dt)  # noqa: E731
        slopes = concrete(jax.vmap(at)(jnp.asarray(x, jnp.float32)))
        if slopes is None or (np.abs(slopes) < 1).all():
            return
        point, neuron = np.unravel_index(np.abs(slopes).argmax(), slopes.shape)
        where = f"{slopes[point, neuron]:.3g} in neuron {neuron} at {x[point]:.2f} of the way from v_rest to v_threshold, dt = {dt:g} ms"
        fail(f"{who}: polynomial", "is unstable: the slope of a step must lie between -1 and 1; give it a bound", where)

    def map_slope(self, v: Values, dt: Values | float) -> Values:
        """``f'`` of a step without conductances [1]: ``beta + (1 - beta) P'(x)``, at potentials ``v`` [neuron] in mV."""
        lost = -jnp.expm1(-dt / self.tau_mem)
        return 1.0 - lost + lost * self.polynomial.slope(self._x(v))

    def rest(self) -> LIFState:
        return LIFState(self.v_rest, refractory.none_held(self.refractory, self.v_rest))

    def integrate(self, state: LIFState, drive: Drive, key: Tick, dt: Values | float) -> LIFState:
        del key
        bent = (self.v_threshold - self.v_rest) * self.polynomial(self._x(state.v)) / self.resistance
        v = self.flow(state.v, Drive(drive.current + bent, drive.conductance), dt)
        return LIFState(*refractory.flowed(v, state.v, state.hold))

    def _x(self, v: PerNeuron) -> PerNeuron:
        return (v - self.v_rest) / (self.v_threshold - self.v_rest)

    @classmethod
    def example(cls) -> Self:
        return cls(5, refractory=2.0, polynomial=Polynomial.example())
