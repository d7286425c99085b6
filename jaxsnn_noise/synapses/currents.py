"""Current-based synapses that rise: the alpha function and the difference of two exponentials."""

from __future__ import annotations

from typing import Self

import equinox as eqx
import jax.numpy as jnp

from jaxsnn_noise._checks import concrete, fail
from jaxsnn_noise._typing import Leaf, PerNeuron, Scalar
from jaxsnn_noise.parameters import parameter, positive, variable
from jaxsnn_noise.signals import Drive, Seen
from jaxsnn_noise.synapses.conductance import NODES, WEIGHTS, rise, scale
from jaxsnn_noise.synapses.kinetics import Kinetics


class Rising(eqx.Module):
    """The current [target] at the end of a step, and what raises it yet."""

    current: PerNeuron = variable("nA")
    rising: PerNeuron = variable("nA")


class Alpha(Kinetics):
    r"""Current-based alpha function: a spike of weight w [nA] gives a current that peaks with w after ``tau_syn``.

    .. math:: I(t) = w \, \frac{t}{\tau_{syn}} \, e^{1 - t/\tau_{syn}}

    The exact solution of ``tau_syn dI/dt = y - I``, ``tau_syn dy/dt = -y``, where a spike adds ``e w`` to y. The mean of the
    current over the step is held, so the charge of a spike, ``e w tau_syn``, is exact at any dt, and rises from its step on.
    Poisson spikes give the moments of Campbell's theorem, ``theory.campbell_cumulant(rate_hz, theory.alpha_charge(w,
    tau_syn=tau), tau_stages=[tau, tau])``.

    Args:
        tau_syn: Time constant, and time of the peak [ms], > 0.

    References: Rall 1967, doi:10.1152/jn.1967.30.5.1138; Rotter and Diesmann 1999, doi:10.1007/s004220050570 (exact
    integration).

    Example:
        >>> float(Alpha(2.0).tau_syn)
        2.0
    """

    tau_syn: Leaf = parameter("ms", positive)

    def init(self, size: int) -> Rising:
        silent = jnp.zeros(size, jnp.float32)
        return Rising(silent, silent)

    def step(self, state: Rising, arrivals: PerNeuron, seen: Seen, dt: float) -> tuple[Drive, Rising]:
        del seen
        rising, ratio = state.rising + jnp.float32(jnp.e) * arrivals, dt / self.tau_syn
        lost = -jnp.expm1(-ratio)
        held = state.current * (lost / ratio) + rising * _mean_rise(ratio)
        risen = rising * (ratio * jnp.exp(-ratio))
        return Drive(held), Rising(state.current - state.current * lost + risen, rising - rising * lost)

    @classmethod
    def example(cls) -> Self:
        return cls(5.0)


class DoubleExponential(Kinetics):
    r"""Current-based difference of two exponentials: a spike of weight w [nA] gives a current with the peak w.

    .. math:: I(t) = w \, \frac{e^{-t/\tau_{syn}} - e^{-t/\tau_{rise}}}{N}, \qquad
              N = \left(\tfrac{\tau_{rise}}{\tau_{syn}}\right)^{\tau_{rise}/(\tau_{syn} - \tau_{rise})}
                  \left(1 - \tfrac{\tau_{rise}}{\tau_{syn}}\right),

    at the time ``tau_syn tau_rise/(tau_syn - tau_rise) log(tau_syn/tau_rise)``. The mean of the current over the step is held, so
    the charge of a spike, ``w (tau_syn - tau_rise)/N``, is exact at any dt. No difference of near numbers is formed: time
    constants may be as near as single precision tells them apart, with the alpha function as the limit. Poisson spikes give the
    moments of Campbell's theorem, ``theory.campbell_cumulant(rate_hz, theory.double_exponential_charge(w, tau_syn=slow,
    tau_rise=fast), tau_stages=[slow, fast])``.

    Args:
        tau_syn: Time constant of the decay [ms], > 0.
        tau_rise: Time constant of the rise [ms], > 0 and below ``tau_syn``.

    Raises:
        InputError: time constants out of range, or the rise not faster than the decay.

    References: Roth and van Rossum 2009, Modeling synapses, in *Computational Modeling Methods for Neuroscientists*, MIT Press.

    Example:
        >>> float(DoubleExponential(5.0, 1.0).tau_rise)
        1.0
    """

    tau_syn: Leaf = parameter("ms", positive)
    tau_rise: Leaf = parameter("ms", positive)

    def init(self, size: int) -> Rising:
        silent = jnp.zeros(size, jnp.float32)
        return Rising(silent, silent)

    def step(self, state: Rising, arrivals: PerNeuron, seen: Seen, dt: float) -> tuple[Drive, Rising]:
        del seen
        rising = state.rising + arrivals * scale(self.tau_syn, self.tau_rise)
        held, current, rising = rise(state.current, rising, self.tau_syn, self.tau_rise, dt)
        return Drive(held), Rising(current, rising)

    def check_together(self, who: str) -> None:
        fast, slow = concrete(self.tau_rise), concrete(self.tau_syn)
        if fast is not None and slow is not None and not fast < slow:
            rule = f"must lie below tau_syn = {float(slow):g} (equal ones are an Alpha) [ms]"
            fail(f"{who}.tau_rise", rule, float(f"{fast:g}"))

    @classmethod
    def example(cls) -> Self:
        return cls(5.0, 1.0)


def _mean_rise(ratio: Scalar) -> Scalar:
    """The mean of ``a u exp(-a u)`` for u in (0, 1), ``a = dt/tau``; by quadrature where the direct form cancels."""
    direct = (1.0 - jnp.exp(-ratio) * (1.0 + ratio)) / ratio
    return jnp.where(ratio < 4.0, jnp.sum(ratio * NODES * jnp.exp(-ratio * NODES) * WEIGHTS), direct)
