"""The current-mode neuron of a differential-pair integrator: silicon in weak inversion, whose potential is a current."""

from __future__ import annotations

from typing import ClassVar, Self

import equinox as eqx
import jax
import jax.numpy as jnp

from jaxsnn_noise._checks import concrete, fail
from jaxsnn_noise._typing import Parameter, PerNeuron, Values
from jaxsnn_noise.neurons import refractory
from jaxsnn_noise.neurons.constructor import Follows
from jaxsnn_noise.neurons.neuron import Neuron
from jaxsnn_noise.parameters import nonnegative, parameter, positive, variable
from jaxsnn_noise.random import Tick
from jaxsnn_noise.ranges import kelvin
from jaxsnn_noise.relaxation import faded, grown
from jaxsnn_noise.signals import Drive

_VOLT = 0.08617333e-3
"""k/q [V/K]; picofarad times volt over nanoampere is a millisecond."""
_MOST = 20.0
"""The largest growth of the logarithm in one step."""
_LEAST = -80.0
"""The smallest logarithm of a current over ``i_th``: that of 1e-35, far below any leak."""


class DPIState(eqx.Module):
    """Membrane current [nA], adaptation current [nA], and for how many steps the membrane is held yet [1]; ``None`` where there is none."""

    v: PerNeuron = variable("nA")
    ahp: PerNeuron | None = variable("nA")
    hold: PerNeuron | None = variable("1")


class DPI(Neuron):
    r"""The DPI neuron: a current :math:`I` in the place of the potential.

    Equations, with :math:`\tau = C U_T/(\kappa I_\tau)` and :math:`U_T = kT/q`::

        tau (1 + I_th/I) dI/dt = A + f(I) - I (1 + I_ahp/I_tau)
        A    = (I_th/I_tau) (I_in - I_ahp - I_tau)
        f(I) = (I_a/I_tau) (I + I_th),   I_a = i_feedback/(1 + exp(-(I - i_feedback_at)/i_feedback_width))
        tau_ahp dI_ahp/dt = -I_ahp,      and i_ahp more after a spike

    A spike at :math:`I \ge` ``i_spike`` sets the current to ``i_reset``. It never falls below ``i_leak``, where it rests. One current, :math:`I_\tau`,
    makes the time constant and, with :math:`I_{th}`, the gain: mismatch of ``i_tau`` moves both. Temperature acts through :math:`U_T`; what
    it does to the currents is said by :class:`~jaxsnn_noise.hardware.CurrentMode`.

    The flow is that of :math:`w = I + I_{th} \ln I`, in which it is linear where :math:`I \gg I_{th}` and steady where :math:`I \ll I_{th}`:
    one step of the exponential Rosenbrock-Euler rule, of second order, and back by the Wright omega function. Any step is stable; with
    feedback only those in which the upstroke is followed. Inputs are currents [nA]; conductances are refused.

    f-I: ``theory.dpi_interval``, without feedback and adaptation. For :math:`I \gg I_{th}` it is a LIF neuron (:meth:`as_lif`), whose
    intervals are shorter by the share that ``theory.dpi_linear_error`` gives.

    Args:
        size: Number of neurons.
        capacitance: ``C`` [pF], > 0.
        i_tau: Leak current [nA], > 0.
        i_th: Gain current [nA], > 0.
        kappa: Slope factor of weak inversion, ``1/n`` [1], > 0.
        temperature: [K].
        i_spike: Threshold [nA], above ``i_reset``.
        i_reset: Current after a spike [nA]; ``i_leak`` unless given, and not below it.
        i_leak: Smallest current [nA], > 0.
        refractory: Absolute refractory time [ms], >= 0; ``None``: none.
        i_feedback: Largest feedback current [nA]; ``None``: none.
        i_feedback_at: Where half of it flows [nA]. (Rockpool writes ``I + I_a,th``: the negative of it.)
        i_feedback_width: Over which it sets in [nA], > 0.
        i_ahp: What a spike adds to the adaptation [nA], >= 0; ``None``: none.
        tau_ahp: Time constant of the adaptation [ms], > 0.

    The defaults are those of Rockpool's DYNAP-SE2 (20 ms, gain 4), at 300 K; a leak of 5.5 pA.

    References: Livi and Indiveri 2009, doi:10.1109/ISCAS.2009.5118408; Indiveri et al. 2011, doi:10.3389/fnins.2011.00073; Chicca,
    Stefanini, Bartolozzi, Indiveri 2014, doi:10.1109/JPROC.2014.2313954. The step: Hochbruck and Ostermann 2010,
    doi:10.1017/S0962492910000048; Fritsch, Shafer, Crowley 1973, doi:10.1145/361952.361970.

    Example:
        >>> cells = DPI(3, i_tau=0.0055)
        >>> round(float(cells.tau_mem()[0]), 2), round(float(cells.as_lif()["resistance"][0]), 2)
        (20.0, 4.0)
    """

    units: ClassVar[str] = "nA"

    capacitance: Parameter = parameter("pF", positive, default=3.0)
    i_tau: Parameter = parameter("nA", positive, default=0.0055)
    i_th: Parameter = parameter("nA", positive, default=0.022)
    kappa: Parameter = parameter("1", positive, default=0.705)
    temperature: Parameter = parameter("K", kelvin, default=300.0)
    i_spike: Parameter = parameter("nA", positive, default=100.0)
    i_reset: Parameter = parameter("nA", positive, default=Follows("i_leak"))
    i_leak: Parameter = parameter("nA", positive, default=0.0005)
    refractory: Parameter | None = parameter("ms", nonnegative, default=None)
    i_feedback: Parameter | None = parameter("nA", nonnegative, default=None)
    i_feedback_at: Parameter | None = parameter("nA", positive, default=None)
    i_feedback_width: Parameter | None = parameter("nA", positive, default=None)
    i_ahp: Parameter | None = parameter("nA", nonnegative, default=None)
    tau_ahp: Parameter | None = parameter("ms", positive, default=None)

    def check_together(self, who: str) -> None:
        for low, high in (("i_reset", "i_spike"), ("i_leak", "i_spike"), ("i_leak", "i_reset")):
            a, b = concrete(getattr(self, low)), concrete(getattr(self, high))
            if a is not None and b is not None and not ((a <= b) if high == "i_reset" else (a < b)).all():
                rule = f"must lie {'at or ' if high == 'i_reset' else ''}below {high} [nA]"
                fail(f"{who}.{low}", rule, float(a.max()))
        for names in (("i_feedback", "i_feedback_at", "i_feedback_width"), ("i_ahp", "tau_ahp")):
            there = [name for name in names if getattr(self, name) is not None]
            if there and len(there) < len(names):
                missing = next(name for name in names if name not in there)
                fail(f"{who}.{missing}", f"must be given with {there[0]}", None)

    def tau_mem(self) -> PerNeuron:
        """``C U_T/(kappa I_tau)`` [ms]."""
        return self.capacitance * (_VOLT * self.temperature) / (self.kappa * self.i_tau)

    def as_lif(self) -> dict[str, PerNeuron]:
        """The parameters of the LIF neuron that it is for ``I >> I_th``, whose potentials in mV are currents in nA.

        ``theory.dpi_linear_error`` says how far its intervals are off. Feedback and adaptation have no part in it.
        """
        found = {"tau_mem": self.tau_mem(), "resistance": self.i_th / self.i_tau, "v_rest": -self.i_th}
        found |= {"v_threshold": self.i_spike, "v_reset": self.i_reset}
        return found if self.refractory is None else found | {"refractory": self.refractory}

    def rest(self) -> DPIState:
        ahp = None if self.i_ahp is None else jnp.zeros_like(self.i_leak)
        return DPIState(self.i_leak, ahp, refractory.none_held(self.refractory, self.i_leak))

    def integrate(self, state: DPIState, drive: Drive, key: Tick, dt: Values | float) -> DPIState:
        del key
        v, hold = refractory.flowed(self._flow(state, drive, dt), state.v, state.hold)
        ahp = state.ahp
        if ahp is not None and self.tau_ahp is not None:
            ahp = faded(ahp, self.tau_ahp, dt)
        return DPIState(v, ahp, hold)

    def _flow(self, state: DPIState, drive: Drive, dt: Values | float) -> PerNeuron:
        """In ``x = u + ln u`` with ``u = I/I_th``: ``tau dx/dt = F(u)``, one step of Rosenbrock and Euler, and ``u`` of the new ``x``."""
        if drive.conductance is not None:
            fail(
                "DPI",
                "takes currents alone: its potential is a current, which a conductance means nothing to",
                "a conductance",
            )
        u, leak, tau = state.v / self.i_th, 1.0, self.tau_mem()
        into = (drive.current - self.i_tau) / self.i_tau
        if state.ahp is not None and self.tau_ahp is not None:
            adapted = state.ahp * grown(-dt / self.tau_ahp) / self.i_tau  # its mean over the step
            into, leak = into - adapted, leak + adapted
        slope, steeper = into - leak * u, -leak
        if self.i_feedback is not None and self.i_feedback_at is not None and self.i_feedback_width is not None:
            on = jax.nn.sigmoid((state.v - self.i_feedback_at) / self.i_feedback_width)
            strength = self.i_feedback / self.i_tau
            slope = slope + strength * on * (u + 1.0)
            steeper = steeper + strength * on * (1.0 + (1.0 - on) * (u + 1.0) * self.i_th / self.i_feedback_width)
        turned = jnp.minimum(steeper * u / (1.0 + u) * dt / tau, _MOST)
        x = jnp.maximum(u + jnp.log(u) + grown(turned) * slope * dt / tau, _LEAST)
        v = jnp.maximum(self.i_th * wright_omega(x), self.i_leak)
        return v if self.i_feedback is None else jnp.minimum(v, jnp.maximum(self.i_spike, state.v))

    def kicked(self, state: DPIState, kick: Values) -> DPIState:
        """The state after a kick [nA] of the membrane; no current lies below the leak."""
        return eqx.tree_at(lambda s: s.v, state, jnp.maximum(state.v + kick, self.i_leak))

    def largest_step(self) -> Values:
        """Any; with feedback that in which the upstroke grows by a factor ``e`` at most."""
        if self.i_feedback is None or self.i_feedback_at is None or self.i_feedback_width is None:
            return jnp.full_like(self.i_tau, jnp.inf)
        steepest = 1.0 + 0.25 * (self.i_feedback_at + 2.0 * self.i_feedback_width + self.i_th) / self.i_feedback_width
        return self.tau_mem() * self.i_tau / jnp.maximum(self.i_feedback * steepest, 1e-6 * self.i_tau)

    def check_step(self, who: str, dt: float) -> None:
        largest = concrete(self.largest_step())
        if largest is not None and not dt <= float(largest.min()) * (1 + 1e-6):
            rule = f"is followed in steps of at most {float(largest.min()):.3g} ms; take a smaller one"
            fail(who, rule, f"dt = {dt:g} ms")

    def threshold(self, state: DPIState) -> PerNeuron:
        del state
        return self.i_spike

    def ready(self, state: DPIState) -> PerNeuron:
        return refractory.ready(state.hold, state.v)

    def after_spikes(self, state: DPIState, spikes: PerNeuron, dt: float) -> DPIState:
        v = jnp.where(spikes > 0, self.i_reset, state.v)
        ahp = state.ahp if state.ahp is None or self.i_ahp is None else state.ahp + self.i_ahp * spikes
        return DPIState(v, ahp, refractory.after_spikes(state.hold, self.refractory, spikes, dt))

    @classmethod
    def example(cls) -> Self:
        return cls(5, i_spike=1.0, i_reset=0.01, refractory=2.0)


@jax.custom_jvp
def wright_omega(x: Values) -> Values:
    """``u`` with ``u + ln u = x``, to single precision: two steps of fourth order from the asymptotic forms."""
    large = jnp.maximum(x, 1.0)
    u = jnp.where(x > 1.0, large - jnp.log(large), jnp.exp(jnp.minimum(x, 1.0) - 1.0))
    u = jnp.where(x < -1.0, jnp.exp(jnp.minimum(x, -1.0)), u)
    for _ in range(2):
        left = x - jnp.log(u) - u
        q = 2.0 * (1.0 + u) * (1.0 + u + (2.0 / 3.0) * left)
        u = u * (1.0 + left / (1.0 + u) * (q - left) / (q - 2.0 * left))
    return u


@wright_omega.defjvp
def _slope(primals: tuple[Values], tangents: tuple[Values]) -> tuple[Values, Values]:
    u = wright_omega(primals[0])
    return u, u / (1.0 + u) * tangents[0]
