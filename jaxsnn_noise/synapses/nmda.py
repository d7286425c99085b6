"""NMDA receptors: conductances that a magnesium block closes at negative potentials."""

from __future__ import annotations

from typing import Self

import jax.numpy as jnp
import numpy as np

from jaxsnn_noise._checks import concrete, fail
from jaxsnn_noise._typing import Leaf, PerNeuron, Scalar, Values
from jaxsnn_noise.parameters import nonnegative, parameter, positive, real
from jaxsnn_noise.signals import Drive, Seen
from jaxsnn_noise.synapses.conductance import Conductance, Open

STEEPNESS = np.float32(0.062)
"""Per mV (Jahr and Stevens 1990)."""
HALF_BLOCK = np.float32(3.57)
"""Magnesium that closes half of the channels at 0 mV [mM] (Jahr and Stevens 1990)."""


class NMDA(Conductance):
    r"""NMDA synapse: a conductance of one or two exponentials that a magnesium block scales, ``I = g B(v) (E - v)``.

    .. math:: B(v) = \frac{1}{1 + \frac{[Mg]}{3.57\,mM}\, e^{-0.062\,v/mV}}

    and g as for :class:`Conductance`: a spike adds its weight [uS], the peak of g. The block follows the potential at once. It is
    taken at the potential of the *start* of the step and held over it, so the drive is affine (current ``g B E``, conductance
    ``g B``, never negative) and the membrane is stepped exactly for it. That is of first order in dt: the error of B is
    ``0.062 dv`` of itself for a potential that moves by ``dv`` mV in a step. A constant potential is a fixed point at any dt.

    Args:
        tau_syn: Time constant of the decay [ms], > 0; about 100 ms (50 to 150) at physiological temperature.
        reversal: Potential ``E`` at which no current flows [mV].
        tau_rise: Time constant of the rise [ms], below ``tau_syn``; ``None``: at once.
        magnesium: Concentration outside, [Mg] [mM], >= 0; 0: no block, a :class:`Conductance`.

    Potentials are absolute, as across a membrane: neurons with a threshold above 0 mV, whose potentials count from rest, are
    refused.

    Raises:
        InputError: as for :class:`Conductance`; a target whose threshold lies above 0 mV.

    References: Jahr and Stevens 1990, doi:10.1523/JNEUROSCI.10-09-03178.1990; Gabbiani, Midtgaard and Knopfel 1994,
    doi:10.1152/jn.1994.72.2.999.

    Example:
        >>> float(NMDA(100.0, tau_rise=2.0).magnesium)
        1.0
    """

    tau_syn: Leaf = parameter("ms", positive)
    reversal: Leaf = parameter("mV", real, default=0.0)
    tau_rise: Leaf | None = parameter("ms", positive, default=None)
    magnesium: Leaf = parameter("mM", nonnegative, default=1.0)

    def step(self, state: Open, arrivals: PerNeuron, seen: Seen, dt: float) -> tuple[Drive, Open]:
        drive, state = super().step(state, arrivals, seen, dt)
        share = unblocked(seen.target_potential, self.magnesium)
        assert drive.conductance is not None
        held = drive.conductance * share
        return Drive(held * self.reversal, held), state

    def check_target(self, who: str, threshold: PerNeuron) -> None:
        super().check_target(who, threshold)
        level = concrete(threshold)
        if level is not None and np.max(level) > 0:
            rule = "needs absolute potentials, with a threshold of at most 0 mV: the block is closed at rest and opens towards 0 mV"
            fail(f"{who}.magnesium", f"{rule} [mV]", float(np.max(level)))

    @classmethod
    def example(cls) -> Self:
        return cls(50.0, tau_rise=2.0, reversal=5.0)


def unblocked(potential: Values, magnesium: Scalar) -> Values:
    """The share of channels that magnesium does not block."""
    return 1.0 / (1.0 + magnesium / HALF_BLOCK * jnp.exp(-STEEPNESS * potential))
