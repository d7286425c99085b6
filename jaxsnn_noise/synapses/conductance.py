"""Conductance-based synapses: a spike opens channels, and the current depends on the potential."""

from __future__ import annotations

from typing import ClassVar, Self

import equinox as eqx
import jax.numpy as jnp
import numpy as np

from jaxsnn_noise._checks import concrete, fail
from jaxsnn_noise._typing import Leaf, PerNeuron, Scalar
from jaxsnn_noise.parameters import Range, parameter, positive, real, variable
from jaxsnn_noise.signals import Drive, Seen
from jaxsnn_noise.synapses.kinetics import Kinetics

NODES, WEIGHTS = ((np.polynomial.legendre.leggauss(8) + np.array([[1.0], [0.0]])) / 2.0).astype(np.float32)
"""Gauss and Legendre's rule on (0, 1)."""

MILLIVOLTS = 10.0
"""From this threshold on [mV] a reversal potential between 0 and 1 is one in volts."""


class Open(eqx.Module):
    """The conductances [target] at the end of a step in uS, and what raises them yet (``None`` where they rise at once)."""

    g: PerNeuron = variable("uS")
    rising: PerNeuron | None = variable("uS")


class Conductance(Kinetics):
    r"""Conductance-based synapse, single or dual exponential: ``I = g (E - v)``, a spike adds its weight [uS] to ``g``.

    Single, ``tau_rise=None``: ``tau_syn dg/dt = -g``, and ``g`` jumps by ``w``. Dual: the response to a spike is

    .. math:: g(t) = w \, \frac{e^{-t/\tau_{syn}} - e^{-t/\tau_{rise}}}{N}, \qquad
              N = \left(\tfrac{\tau_{rise}}{\tau_{syn}}\right)^{\tau_{rise}/(\tau_{syn} - \tau_{rise})}
                  \left(1 - \tfrac{\tau_{rise}}{\tau_{syn}}\right),

    with its peak ``w`` after ``tau_syn tau_rise/(tau_syn - tau_rise) log(tau_syn/tau_rise)``: weights are peak conductances either
    way. The mean of the conductance over the step is held, so its integral over a spike, ``w tau_syn`` or ``w (tau_syn - tau_rise)/N``,
    is exact at any dt; a linear membrane is exact for what is held. No difference of near numbers is formed: for any two time
    constants the conductance is right to 1e-6 of its peak in single precision.

    Args:
        tau_syn: Time constant of the decay [ms], > 0.
        reversal: Potential ``E`` at which no current flows [mV].
        tau_rise: Time constant of the rise [ms], > 0 and below ``tau_syn``; ``None``: conductances rise at once, and there is no
            such leaf. The limit ``tau_rise -> tau_syn`` is the alpha function.

    The drive has the current ``g E`` and the conductance ``g`` [target]. Weights are [uS] = nA/mV, >= 0: what inhibits is a low
    reversal potential, not a sign.

    Raises:
        InputError: time constants out of range, or the rise not faster than the decay; negative weights; a reversal potential in volts at a
            neuron in millivolts.

    References: Destexhe, Mainen, Sejnowski 1994, doi:10.1162/neco.1994.6.1.14; Roth and van Rossum 2009, Modeling synapses, in
    *Computational Modeling Methods for Neuroscientists*, MIT Press.

    Example:
        >>> inhibition = Conductance(10.0, reversal=-80.0, tau_rise=0.5)
        >>> float(inhibition.reversal)
        -80.0
    """

    conductance: ClassVar[bool] = True
    weight_units: ClassVar[str] = "uS"
    weight_range: ClassVar[Range] = Range(0.0, why="inhibition is a low reversal potential")

    tau_syn: Leaf = parameter("ms", positive)
    reversal: Leaf = parameter("mV", real)
    tau_rise: Leaf | None = parameter("ms", positive, default=None)

    def init(self, size: int) -> Open:
        closed = jnp.zeros(size, jnp.float32)
        return Open(closed, None if self.tau_rise is None else closed)

    def step(self, state: Open, arrivals: PerNeuron, seen: Seen, dt: float) -> tuple[Drive, Open]:
        del seen
        if self.tau_rise is None or state.rising is None:
            now = state.g + arrivals
            lost = -jnp.expm1(-dt / self.tau_syn)
            mean, state = now * (self.tau_syn / dt * lost), Open(now - now * lost, None)
        else:
            rising = state.rising + arrivals * scale(self.tau_syn, self.tau_rise)
            mean, g, rising = rise(state.g, rising, self.tau_syn, self.tau_rise, dt)
            state = Open(g, rising)
        return Drive(mean * self.reversal, mean), state

    def check_together(self, who: str) -> None:
        if self.tau_rise is None:
            return
        fast, slow = concrete(self.tau_rise), concrete(self.tau_syn)
        if fast is not None and slow is not None and not fast < slow:
            fail(f"{who}.tau_rise", f"must lie below tau_syn = {float(slow):g} [ms]", float(f"{fast:g}"))

    def check_target(self, who: str, threshold: PerNeuron) -> None:
        reversal, level = concrete(self.reversal), concrete(threshold)
        if reversal is None or level is None or not 0 < abs(float(reversal)) < 1:
            return
        if np.abs(level).max() >= MILLIVOLTS:
            rule = f"must be in mV, as is the threshold of its target, {float(level[np.argmax(np.abs(level))]):g} mV"
            fail(f"{who}.reversal", f"{rule}; 0 itself is fine [mV]", float(f"{reversal:g}"))

    @classmethod
    def example(cls) -> Self:
        return cls(5.0, reversal=2.0, tau_rise=1.0)


def scale(tau_syn: Scalar, tau_rise: Scalar) -> Scalar:
    """``1/N``, without the difference of two near numbers."""
    apart = (tau_syn - tau_rise) / tau_rise
    return jnp.exp(jnp.log1p(apart) / apart) * (1.0 + apart) / apart


def rise(
    level: PerNeuron, rising: PerNeuron, tau_syn: Scalar, tau_rise: Scalar, dt: float
) -> tuple[PerNeuron, PerNeuron, PerNeuron]:
    """The mean of a level over the step, and the level and what raises it at its end.

    The level decays with ``tau_syn`` while ``rising``, which decays with ``tau_rise``, feeds it: it is the difference of two
    exponentials, but a sum of terms of one sign.
    """
    slow, fast = dt / tau_syn, dt / tau_rise
    apart = slow * (tau_syn - tau_rise) / tau_rise  # fast - slow
    lost = -jnp.expm1(-slow)
    mean = level * (lost / slow) + rising * _mean_difference(slow, fast, apart)
    after = level - level * lost - rising * (jnp.exp(-slow) * jnp.expm1(-apart))
    return mean, after, rising + rising * jnp.expm1(-fast)


def _mean_difference(slow: Scalar, fast: Scalar, apart: Scalar) -> Scalar:
    """The mean of ``exp(-slow u) - exp(-fast u)`` for u in (0, 1), ``apart = fast - slow``; by quadrature where it is small."""
    positive = jnp.exp(-slow * NODES) * -jnp.expm1(-apart * NODES)
    # all terms shrink with the distance of the time constants: nothing cancels where these are near
    direct = (jnp.exp(-slow) * slow * jnp.expm1(-apart) - apart * jnp.expm1(-slow)) / (slow * fast)
    return jnp.where(fast < 4.0, jnp.sum(positive * WEIGHTS), direct)
