"""Two membranes that a gap junction couples, and the magnesium block of NMDA receptors."""

from __future__ import annotations

import numpy as np

from jaxsnn_noise import _checks
from jaxsnn_noise.theory._arguments import closed_form
from jaxsnn_noise.theory._quadrature import ArrayLike, Numbers, as_float


@closed_form
def magnesium_block(potential: ArrayLike, magnesium: ArrayLike = 1.0) -> Numbers:
    """Share of NMDA channels [1] that magnesium leaves open: ``1/(1 + Mg/3.57 exp(-0.062 v))``.

    Args:
        potential: ``v`` [mV].
        magnesium: concentration outside [mM].

    References:
        Jahr & Stevens (1990), J. Neurosci. 10:3178, doi:10.1523/JNEUROSCI.10-09-03178.1990.

    Example:
        >>> magnesium_block([-70.0, -20.0, 0.0]).round(3).tolist()
        [0.044, 0.508, 0.781]
    """
    _checks.nonnegative("magnesium", magnesium, "mM")
    return 1.0 / (1.0 + as_float(magnesium) / 3.57 * np.exp(-0.062 * as_float(potential)))


@closed_form
def coupling_coefficient(conductance: ArrayLike, *, resistance: ArrayLike) -> Numbers:
    """Steady deflection of a cell over that of the one that it is coupled to, which is driven: ``R G/(1 + R G)`` [1].

    Of a pair of equal cells. It is also the correlation of their potentials under independent white noise.

    Args:
        conductance: ``G`` of the gap junction [uS].
        resistance: input resistance ``R`` of each cell alone [MOhm].

    References:
        Bennett (1966), Ann. N.Y. Acad. Sci. 137:509, doi:10.1111/j.1749-6632.1966.tb50178.x.

    Example:
        >>> float(coupling_coefficient(0.01, resistance=25.0))
        0.2
    """
    _checks.nonnegative("conductance", conductance, "uS")
    _checks.positive("resistance", resistance, "MOhm")
    passed = as_float(resistance) * as_float(conductance)
    return passed / (1.0 + passed)


@closed_form
def gap_junction_moments(
    sigma: ArrayLike, conductance: ArrayLike, *, tau_mem: ArrayLike, resistance: ArrayLike
) -> tuple[Numbers, Numbers]:
    r"""Variance and covariance [mV^2] of two equal free membranes with a gap junction and independent white noise.

    Their sum relaxes with :math:`\tau` and their difference with :math:`\tau_d = \tau/(1 + 2 R G)`, so

    .. math:: \mathrm{Var}\,v = \frac{s^2 (\tau + \tau_d)}{4}, \qquad \mathrm{Cov} = \frac{s^2 (\tau - \tau_d)}{4}.

    Args:
        sigma: ``Diffusion`` amplitude ``s`` of each membrane [mV/sqrt(ms)].
        conductance: ``G`` of the gap junction [uS].
        tau_mem: membrane time constant of each cell alone [ms].
        resistance: input resistance of each cell alone [MOhm].

    References:
        Gardiner (2009), *Stochastic Methods*, section 4.5 (linear equations of several variables).

    Example:
        >>> variance, covariance = gap_junction_moments(0.1, 0.01, tau_mem=20.0, resistance=25.0)
        >>> round(float(covariance / variance), 6)
        0.2
    """
    _checks.nonnegative("sigma", sigma, "mV/sqrt(ms)")
    _checks.nonnegative("conductance", conductance, "uS")
    _checks.positive("tau_mem", tau_mem, "ms")
    _checks.positive("resistance", resistance, "MOhm")
    slow, power = as_float(tau_mem), np.square(as_float(sigma))
    fast = slow / (1.0 + 2.0 * as_float(resistance) * as_float(conductance))
    return 0.25 * power * (slow + fast), 0.25 * power * (slow - fast)
