"""Where synapses that learn from the timing of spikes come to rest."""

from __future__ import annotations

import numpy as np

from jaxsnn_noise import _checks
from jaxsnn_noise.theory._arguments import closed_form
from jaxsnn_noise.theory._quadrature import ArrayLike, Numbers, as_float


@closed_form
def stdp_fixed_point(
    a_plus: ArrayLike, a_minus: ArrayLike, *, tau_plus: ArrayLike, tau_minus: ArrayLike, dt: ArrayLike = 0.0
) -> Numbers:
    r"""Mean weight, as a share of the largest, of pair-based plasticity with soft bounds under independent Poisson trains.

    All pairs count, those of the same step for neither sign, potentiation scales with :math:`w_{max} - w` and depression with
    ``w``. Independent trains of any rates meet at all differences alike, so the drift vanishes where

    .. math:: (w_{max} - w) A_+ K_+ = w A_- K_-, \qquad K = \sum_{k \ge 1} e^{-k\,dt/\tau} = \frac{1}{e^{dt/\tau} - 1},

    with ``K -> tau/dt`` for small steps. To leading order in the learning rate: the next one, from the correlation of a weight
    with the traces that moved it, is of its size.

    Args:
        a_plus: amplitude of potentiation ``A_+`` [1], > 0.
        a_minus: amplitude of depression ``A_-`` [1], > 0.
        tau_plus: decay of potentiation with the time difference [ms].
        tau_minus: decay of depression [ms].
        dt: step [ms]; 0 is continuous time.

    Returns:
        ``w/w_max`` [1], between 0 and 1.

    Raises:
        InputError: a parameter out of range.

    References:
        van Rossum, Bi & Turrigiano (2000), J. Neurosci. 20:8812, doi:10.1523/JNEUROSCI.20-23-08812.2000; the sum over the grid
        is elementary.

    Example:
        >>> float(stdp_fixed_point(1.0, 0.5, tau_plus=20.0, tau_minus=40.0))
        0.5
        >>> round(float(stdp_fixed_point(1.0, 0.5, tau_plus=20.0, tau_minus=40.0, dt=5.0)), 4)
        0.4839
    """
    _checks.positive("a_plus", a_plus)
    _checks.positive("a_minus", a_minus)
    _checks.positive("tau_plus", tau_plus, "ms")
    _checks.positive("tau_minus", tau_minus, "ms")
    _checks.nonnegative("dt", dt, "ms")
    up = as_float(a_plus) * _reach(tau_plus, dt)
    down = as_float(a_minus) * _reach(tau_minus, dt)
    return up / (up + down)


def _reach(tau: ArrayLike, dt: ArrayLike) -> Numbers:
    """``dt/(exp(dt/tau) - 1)`` [ms], ``tau`` for ``dt = 0``."""
    ratio = as_float(dt) / as_float(tau)
    safe = np.where(ratio > 0, ratio, 1.0)
    return as_float(tau) * np.where(ratio > 0, safe / np.expm1(safe), 1.0)
