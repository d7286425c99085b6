"""The membrane of the squid axon, Hodgkin and Huxley 1952, with its channels as a policy."""

from __future__ import annotations

from typing import Any, Self

import equinox as eqx
import jax.numpy as jnp

from jaxsnn_noise._checks import concrete, fail
from jaxsnn_noise._typing import Parameter, PerNeuron, Values
from jaxsnn_noise.neurons.channels import Channels, Counts, Deterministic
from jaxsnn_noise.neurons.channels.deterministic import Gates
from jaxsnn_noise.neurons.crossing import Crossing, check_levels
from jaxsnn_noise.opacity import opaque, opaque_zero
from jaxsnn_noise.parameters import Range, parameter, positive, real, variable
from jaxsnn_noise.random import Tick
from jaxsnn_noise.relaxation import grown
from jaxsnn_noise.signals import Drive

PER_AREA = 1e5
"""uA/cm2 of 1 nA on 1 um2; and mS/cm2 of 1 uS."""
ABOVE_REST = "potentials are counted from rest, where e_na is 115, e_k -12 and e_leak 10.6 (not 50, -77 and -54.4)"


class HodgkinHuxleyState(eqx.Module):
    """Membrane potential above rest [mV], 1 where the next crossing is a spike and 0 until it has come down [1], and the channels."""

    v: PerNeuron = variable("mV")
    armed: PerNeuron = variable("1")
    channels: Any = None


class HodgkinHuxley(Crossing):
    r"""The squid axon: sodium, potassium and leak, per area of membrane; no reset.

    .. math:: C \dot v = -g_{Na}\, o_{Na} (v - E_{Na}) - g_K\, o_K (v - E_K) - g_L (v - E_L) + \frac{I - g v}{A},

    where the open fractions :math:`o_{Na}, o_K` are those of the scheme ``channels``: :math:`m^3 h` and :math:`n^4` without noise.
    Potentials are counted from rest. ``I`` [nA] and the synaptic conductance ``g`` [uS] act on the area ``A``: 1 uA/cm2 is
    ``area * 1e-5`` nA (:meth:`current`).

    A step moves the potential by half, exact for held channels; the channels by all, exact for a held potential where the scheme
    is; the potential by the other half. Of second order without noise. A spike is an upward crossing of ``v_spike``; the next is
    one only after the potential has been below ``v_rearm``. Nothing is reset.

    The sodium reversal is the 115 mV of the paper (120, of some codes, fires at lower currents): without channel noise it rests
    up to 9.78 uA/cm2 and from 154.5 on, and fires from rest on from 6.3. A :class:`Stepper` can move it with the channels
    ``Deterministic()``.

    Args:
        size: Number of neurons.
        area: Of the membrane [um2], > 0.
        capacitance: [uF/cm2], > 0.
        g_na: Sodium conductance with all channels open [mS/cm2], > 0.
        g_k: Potassium conductance [mS/cm2], > 0.
        g_leak: Leak conductance [mS/cm2], > 0.
        e_na: Sodium reversal above rest [mV], 60 to 200.
        e_k: Potassium reversal above rest [mV], -40 to 10.
        e_leak: Leak reversal above rest [mV], -40 to 50.
        v_spike: What an upward crossing of is a spike [mV].
        v_rearm: Below which the next one may come [mV], below ``v_spike``.
        density_na: Sodium channels per area [1/um2], > 0; of stochastic schemes.
        density_k: Potassium channels per area [1/um2], > 0.
        channels: Scheme of the channels, e.g. ``channels.Markov()``.

    Raises:
        InputError: reversals of another convention; fewer than one channel of a kind; a larger step than ``channels.largest``.

    References: Hodgkin and Huxley 1952, doi:10.1113/jphysiol.1952.sp004764; densities: Fox and Lu 1994,
    doi:10.1103/PhysRevE.49.3421.

    Example:
        >>> axon = HodgkinHuxley(1, area=1000.0)
        >>> round(float(axon.current(10.0)[0]), 6)
        0.1
    """

    area: Parameter = parameter("um2", positive, default=1000.0)
    capacitance: Parameter = parameter("uF/cm2", positive, default=1.0)
    g_na: Parameter = parameter("mS/cm2", positive, default=120.0)
    g_k: Parameter = parameter("mS/cm2", positive, default=36.0)
    g_leak: Parameter = parameter("mS/cm2", positive, default=0.3)
    e_na: Parameter = parameter("mV", Range(60.0, 200.0, why=ABOVE_REST), default=115.0)
    e_k: Parameter = parameter("mV", Range(-40.0, 10.0, why=ABOVE_REST), default=-12.0)
    e_leak: Parameter = parameter("mV", Range(-40.0, 50.0, why=ABOVE_REST), default=10.6)
    v_spike: Parameter = parameter("mV", real, default=50.0)
    v_rearm: Parameter = parameter("mV", real, default=20.0)
    density_na: Parameter = parameter("1/um2", positive, default=60.0)
    density_k: Parameter = parameter("1/um2", positive, default=18.0)
    channels: Channels = Deterministic()

    def check_together(self, who: str) -> None:
        check_levels(who, self.v_rearm, self.v_spike)
        for ion, count in (("na", self.counts().na), ("k", self.counts().k)):
            known = concrete(count) if self.channels.stochastic else None
            if known is not None and not (known >= 1).all():
                rule = f"times area = {float(known.min()):.3g} must be at least one channel [1/um2]"
                fail(f"{who}.density_{ion}", rule, getattr(self, f"density_{ion}"))

    def check_step(self, who: str, dt: float) -> None:
        if dt > self.channels.largest * (1 + 1e-6):
            name, largest = type(self.channels).__name__, self.channels.largest
            fail(f"{who}.channels", f"{name} takes steps dt of at most {largest:g} ms", dt)

    def check_stepper(self, who: str) -> None:
        if type(self.channels).drift is Channels.drift:
            rule = "moves ordinary equations, and the channels have noise of their own: leave the stepper out, or take Deterministic()"
            fail(who, rule, type(self.channels).__name__)

    def counts(self) -> Counts:
        """The numbers of channels [neuron]."""
        return Counts(self.density_na * self.area, self.density_k * self.area)

    def current(self, density: Any) -> PerNeuron:
        """The current [nA] on the whole membrane of a density [uA/cm2]."""
        return jnp.asarray(density, jnp.float32) * self.area / PER_AREA

    def rest(self) -> HodgkinHuxleyState:
        """The potential of zero, and the channels' mean there."""
        v = jnp.zeros_like(self.area)
        return HodgkinHuxleyState(v, jnp.ones_like(v), self.channels.start(v, self.counts()))

    def integrate(self, state: HodgkinHuxleyState, drive: Drive, key: Tick, dt: Values | float) -> HodgkinHuxleyState:
        counts, zero = self.counts(), opaque_zero(key.key)
        v = opaque(self._flow(state.v, state.channels, drive, 0.5 * dt), zero)
        channels = self.channels.step(state.channels, v, counts, key, dt)
        v = opaque(self._flow(v, channels, drive, 0.5 * dt), zero)
        return HodgkinHuxleyState(v, self.rearmed(state.armed, v), channels)

    def _flow(self, v: PerNeuron, channels: Any, drive: Drive, dt: Values | float) -> PerNeuron:
        """The potential after ``dt`` of held channels."""
        slope, rate = self._slope(v, channels, drive)
        # a sum of conductances may be zero or less, where a scheme lets fractions be negative
        return v + dt * slope * grown(jnp.minimum(-rate * dt, 20.0))

    def _slope(self, v: PerNeuron, channels: Any, drive: Drive) -> tuple[Values, Values]:
        """The slope of the potential [mV/ms], and the rate with which it relaxes [1/ms]."""
        na, k = self.channels.fractions(channels, self.counts())
        g_na, g_k = self.g_na * na, self.g_k * k
        given = PER_AREA / self.area * drive.at(v)
        current = g_na * (self.e_na - v) + g_k * (self.e_k - v) + self.g_leak * (self.e_leak - v) + given
        total = g_na + g_k + self.g_leak
        if drive.conductance is not None:
            total = total + PER_AREA / self.area * drive.conductance
        return current / self.capacitance, total / self.capacitance

    def drift(self, state: HodgkinHuxleyState, drive: Drive) -> HodgkinHuxleyState:
        slope, _ = self._slope(state.v, state.channels, drive)
        return HodgkinHuxleyState(slope, jnp.zeros_like(slope), self.channels.drift(state.channels, state.v))

    def stiffest(self) -> HodgkinHuxleyState:
        """Near the peak of a spike."""
        full = jnp.ones_like(self.area)
        return HodgkinHuxleyState(self.e_na - 15.0, full, Gates(0.97 * full, 0.35 * full, 0.6 * full))

    @classmethod
    def example(cls) -> Self:
        return cls(5, area=1e5)
