"""What a few bits do to a leak."""

from __future__ import annotations

import numpy as np

from jaxsnn_noise import _checks
from jaxsnn_noise.ranges import Range
from jaxsnn_noise.theory._arguments import closed_form
from jaxsnn_noise.theory._quadrature import ArrayLike, Numbers, as_float


@closed_form
def leak_word(tau_mem: ArrayLike, *, dt: ArrayLike, leak_bits: ArrayLike = 12.0) -> Numbers:
    r"""The whole number by which a fixed-point membrane leaks in a step, :math:`k = \mathrm{round}(2^B (1 - e^{-dt/\tau}))` [1].

    The time constant that it stands for is :math:`-dt/\ln(1 - k/2^B)`.

    Args:
        tau_mem: membrane time constant [ms].
        dt: step [ms].
        leak_bits: ``B`` [1].

    References:
        Davies et al. (2018), doi:10.1109/MM.2018.112130359.

    Example:
        >>> float(leak_word(20.0, dt=1.0))
        200.0
    """
    _checks.positive("tau_mem", tau_mem, "ms")
    _checks.positive("dt", dt, "ms")
    _checks.inside("leak_bits", leak_bits, Range(1, 52, whole=True), "1")
    return np.round(-np.expm1(-as_float(dt) / as_float(tau_mem)) * 2.0 ** as_float(leak_bits))


@closed_form
def leak_deadband(
    resolution: ArrayLike, *, tau_mem: ArrayLike, dt: ArrayLike, leak_bits: ArrayLike = 12.0
) -> tuple[Numbers, Numbers]:
    r"""The largest potential above rest [mV] at which a fixed-point membrane stays for ever, as its leak rounds to nothing.

    .. math:: q\left(\left\lceil \frac{2^B}{k} \right\rceil - 1\right) \text{ towards zero}, \qquad
              q\left\lfloor \frac{2^{B-1}}{k} \right\rfloor \text{ to the nearest, halves up}

    About ``q tau/dt`` and half of that. Rounding down leaves none above rest, but the first below it; stochastic rounding leaves none.

    Args:
        resolution: ``q``, what the last bit of the potential means [mV].
        tau_mem: membrane time constant [ms].
        dt: step [ms].
        leak_bits: ``B`` [1].

    References:
        Jackson (1970), doi:10.1002/j.1538-7305.1970.tb01756.x (dead bands of recursive filters); Hopkins, Mikaitis, Lester & Furber (2020),
        doi:10.1098/rsta.2019.0052 (in neurons).

    Example:
        >>> [float(x) for x in leak_deadband(1.0, tau_mem=20.0, dt=1.0)]
        [20.0, 10.0]
    """
    _checks.positive("resolution", resolution, "mV")
    k = leak_word(tau_mem, dt=dt, leak_bits=leak_bits)
    if np.any(k < 1):
        _checks.fail("tau_mem", "must be so small that the leak of a step is a word of leak_bits bits [ms]", tau_mem)
    whole, q = 2.0 ** as_float(leak_bits), as_float(resolution)
    return q * (np.ceil(whole / k) - 1.0), q * np.floor(0.5 * whole / k)
