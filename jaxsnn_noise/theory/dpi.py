r"""The current-mode neuron of a differential-pair integrator, without feedback and adaptation.

.. math:: \tau\,\frac{dI}{dt} = \frac{I}{I + I_{th}}\,(A - I), \qquad A = \frac{I_{th}}{I_\tau}(I_{in} - I_\tau)

has, for a current that is held, the implicit solution
:math:`\frac{I_{th}}{A} \ln I - \left(1 + \frac{I_{th}}{A}\right) \ln(A - I) = t/\tau + c`.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from jaxsnn_noise import _checks
from jaxsnn_noise._checks import fail
from jaxsnn_noise.theory._arguments import closed_form
from jaxsnn_noise.theory._quadrature import ArrayLike, Numbers, as_float
from jaxsnn_noise.theory.rates import dead_time


@closed_form
def dpi_interval(
    current: ArrayLike,
    *,
    tau_mem: ArrayLike,
    i_tau: ArrayLike,
    i_th: ArrayLike,
    i_spike: ArrayLike,
    i_reset: ArrayLike,
    refractory: ArrayLike | None = 0.0,
) -> Numbers:
    r"""Interspike interval [ms] of the DPI neuron under a constant current, in continuous time.

    .. math:: T = t_{ref} + \tau\left[\frac{I_{th}}{A} \ln\frac{I_s}{I_r} + \left(1 + \frac{I_{th}}{A}\right)
              \ln\frac{A - I_r}{A - I_s}\right], \qquad A = \frac{I_{th}}{I_\tau}(I_{in} - I_\tau)

    Infinite unless :math:`A > I_s`.

    Args:
        current: :math:`I_{in}` [nA].
        tau_mem: :math:`\tau = C U_T/(\kappa I_\tau)` [ms] > 0.
        i_tau: leak current [nA] > 0.
        i_th: gain current [nA] > 0.
        i_spike: threshold :math:`I_s` [nA], above ``i_reset``.
        i_reset: :math:`I_r` [nA] > 0.
        refractory: absolute refractory time [ms]; ``None`` is none.

    References:
        Chicca, Stefanini, Bartolozzi and Indiveri (2014), Proc. IEEE 102:1367, doi:10.1109/JPROC.2014.2313954 (the equation).

    Example:
        >>> cell = {"tau_mem": 20.0, "i_tau": 0.005, "i_th": 0.02, "i_spike": 1.0, "i_reset": 0.01}
        >>> round(float(dpi_interval(0.505, **cell)), 2)
        14.82
    """
    fires, share, early, late = _parts(current, tau_mem, i_tau, i_th, i_spike, i_reset)
    found = as_float(tau_mem) * (share * early + (1.0 + share) * late)
    return as_float(dead_time(refractory)) + np.where(fires, found, np.inf)


@closed_form
def dpi_linear_error(
    current: ArrayLike,
    *,
    i_tau: ArrayLike,
    i_th: ArrayLike,
    i_spike: ArrayLike,
    i_reset: ArrayLike,
) -> Numbers:
    r"""How much longer the interval of :func:`dpi_interval` is than that of the linear neuron it is taken for [1].

    The linear one is :math:`\tau\,dI/dt = A - I`, right for :math:`I \gg I_{th}`: a LIF neuron of the potential :math:`I`, the
    resistance :math:`I_{th}/I_\tau`, the rest :math:`-I_{th}`. The error is

    .. math:: \frac{T}{T_{LIF}} - 1 = \frac{I_{th}}{A}\left[1 + \frac{\ln(I_s/I_r)}{\ln\frac{A - I_r}{A - I_s}}\right] > 0,

    without refractory time; infinite unless :math:`A > I_s`. It depends on no time constant.

    Args:
        current: :math:`I_{in}` [nA].
        i_tau: leak current [nA] > 0.
        i_th: gain current [nA] > 0.
        i_spike: threshold :math:`I_s` [nA], above ``i_reset``.
        i_reset: :math:`I_r` [nA] > 0.

    References:
        Chicca, Stefanini, Bartolozzi and Indiveri (2014), Proc. IEEE 102:1367, doi:10.1109/JPROC.2014.2313954.

    Example:
        >>> round(float(dpi_linear_error(0.505, i_tau=0.005, i_th=0.02, i_spike=1.0, i_reset=0.01)), 3)
        0.077
    """
    fires, share, early, late = _parts(current, 1.0, i_tau, i_th, i_spike, i_reset)
    return np.where(fires, share * (1.0 + early / late), np.inf)[()]


def _parts(
    current: ArrayLike, tau_mem: ArrayLike, i_tau: ArrayLike, i_th: ArrayLike, i_spike: ArrayLike, i_reset: ArrayLike
) -> tuple[NDArray[np.bool_], Numbers, Numbers, Numbers]:
    """Whether it fires, ``I_th/A``, ``ln(I_s/I_r)`` and ``ln((A - I_r)/(A - I_s))``; harmless numbers where it does not."""
    for name, value in (("i_tau", i_tau), ("i_th", i_th), ("i_reset", i_reset)):
        _checks.positive(name, value, "nA")
    _checks.positive("tau_mem", tau_mem, "ms")
    spike, reset = np.broadcast_arrays(as_float(i_spike), as_float(i_reset))
    if not np.all(spike > reset):
        fail("i_spike", "must lie above i_reset [nA]", i_spike)
    steady = as_float(i_th) / as_float(i_tau) * (as_float(current) - as_float(i_tau))
    fires = np.asarray(steady > spike)
    steady = np.where(fires, steady, 2.0 * spike)
    return fires, as_float(i_th) / steady, np.log(spike / reset), np.log((steady - reset) / (steady - spike))
