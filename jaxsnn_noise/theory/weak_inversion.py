r"""Transistors in weak inversion and the circuits made of them, in double precision.

:math:`I = I_0 \frac{W}{L} \exp\frac{V_{GS} - V_{th} - V_{off}}{n U_T}` with :math:`U_T = kT/q` and :math:`n = 1/\kappa`; drain voltages of
more than about four :math:`U_T`.
"""

from __future__ import annotations

import numpy as np
from scipy import constants

from jaxsnn_noise import _checks
from jaxsnn_noise.ranges import Range, kelvin
from jaxsnn_noise.theory._arguments import closed_form
from jaxsnn_noise.theory._quadrature import ArrayLike, Numbers, as_float


@closed_form
def thermal_voltage(temperature: ArrayLike) -> Numbers:
    """``k T/q`` [mV].

    Args:
        temperature: [K], 150 to 600.

    References:
        CODATA 2018 (exact), doi:10.1103/RevModPhys.93.025010.

    Example:
        >>> round(float(thermal_voltage(300.0)), 3)
        25.852
    """
    _kelvin(temperature)
    return 1e3 * constants.k * as_float(temperature) / constants.e


@closed_form
def current_spread(
    temperature: ArrayLike,
    *,
    width: ArrayLike,
    length: ArrayLike,
    n: ArrayLike,
    vth: ArrayLike,
    voff: ArrayLike = 0.0,
    nfactor: ArrayLike = 0.0,
    n_per_nfactor: ArrayLike = 0.0,
    overdrive: ArrayLike = -100.0,
    tox: ArrayLike = 0.0,
    gain: ArrayLike = 0.0,
) -> Numbers:
    r"""Standard deviation of ``ln I`` [1] of one transistor in weak inversion, from the slopes of Pelgrom's law.

    .. math:: \sigma^2 = \frac{1}{W L}\left[\frac{a_{vth}^2 + a_{voff}^2}{(n U_T)^2}
        + \left(\frac{V_{ov}\,a_n}{n^2 U_T}\right)^2 + a_{tox}^2 + a_{gain}^2\right]

    Args:
        temperature: [K].
        width: effective width [um] > 0.
        length: effective length [um] > 0.
        n: slope factor [1] > 1.
        vth: slope of the threshold [mV um].
        voff: of the offset in weak inversion [mV um].
        nfactor: of the swing coefficient [um].
        n_per_nfactor: ``dn / d nfactor`` [1].
        overdrive: ``V_GS - V_th - V_off`` [mV].
        tox: of the oxide thickness, relative [um]; the current factor is inversely proportional to it.
        gain: of the current factor, relative [um].

    References:
        Pelgrom, Duinmaijer and Welbers (1989), IEEE J. Solid-State Circuits 24:1433, doi:10.1109/JSSC.1989.572629.

    Example:
        >>> round(float(current_spread(300.0, width=1.0, length=1.0, n=1.36, vth=3.356, voff=7.0)), 4)
        0.2208
    """
    _positive(width=width, length=length)
    _checks.inside("n", n, Range(1.0, low_open=True), "1")
    factor = as_float(n)
    slope = factor * thermal_voltage(temperature)
    swing = as_float(nfactor) * as_float(n_per_nfactor) * as_float(overdrive) / (factor * slope)
    squares = (np.square(as_float(vth)) + np.square(as_float(voff))) / np.square(slope) + np.square(swing)
    squares = squares + np.square(as_float(tox)) + np.square(as_float(gain))
    return np.sqrt(squares / (as_float(width) * as_float(length)))


@closed_form
def current_over_temperature(
    temperature: ArrayLike,
    design_temperature: ArrayLike,
    *,
    n: ArrayLike,
    overdrive: ArrayLike,
    vth_tempco: ArrayLike,
    mobility_exponent: ArrayLike,
) -> Numbers:
    r"""``I(T)/I(T_0)`` [1] at a gate voltage that is held.

    :math:`I \propto \mu U_T^2 e^{(V_{GS} - V_{th})/(n U_T)}` with :math:`\mu \propto T^m` and a threshold that falls by
    ``vth_tempco`` per kelvin.

    Args:
        temperature: [K].
        design_temperature: :math:`T_0` [K].
        n: slope factor [1].
        overdrive: distance from threshold at :math:`T_0` [mV], < 0.
        vth_tempco: [mV/K].
        mobility_exponent: :math:`m` [1].

    References:
        Enz, Krummenacher and Vittoz (1995), Analog Integr. Circuits Signal Process. 8:83, doi:10.1007/BF01239381.

    Example:
        >>> mirror = {"n": 1.0 / 0.7, "overdrive": -100.0, "mobility_exponent": -2.0}
        >>> round(float(current_over_temperature(301.0, 300.0, vth_tempco=1.07, **mirror)), 3)
        1.039
    """
    hot, cold = as_float(temperature), as_float(design_temperature)
    above = as_float(overdrive) + as_float(vth_tempco) * (hot - cold)
    exponent = above / thermal_voltage(hot) - as_float(overdrive) / thermal_voltage(cold)
    return (hot / cold) ** (2.0 + as_float(mobility_exponent)) * np.exp(exponent / as_float(n))


@closed_form
def dpi_time_constant(capacitance: ArrayLike, i_tau: ArrayLike, *, kappa: ArrayLike, temperature: ArrayLike) -> Numbers:
    """Time constant of a differential-pair integrator [ms]: ``C U_T/(kappa I_tau)``.

    Args:
        capacitance: [pF] > 0.
        i_tau: [nA] > 0.
        kappa: [1].
        temperature: [K].

    References:
        Bartolozzi and Indiveri (2007), Neural Comput. 19:2581, doi:10.1162/neco.2007.19.10.2581.

    Example:
        >>> round(float(dpi_time_constant(3.0, 0.0055, kappa=0.705, temperature=300.0)), 2)
        20.0
    """
    _positive(capacitance=capacitance, i_tau=i_tau, kappa=kappa)
    return 1e-3 * as_float(capacitance) * thermal_voltage(temperature) / (as_float(kappa) * as_float(i_tau))


@closed_form
def dpi_synapse(
    weight: ArrayLike, *, i_th: ArrayLike, i_tau: ArrayLike, tau_syn: ArrayLike, pulse: ArrayLike
) -> Numbers:
    r"""What one spike adds to the current of a DPI synapse [nA]: :math:`\frac{I_{th} I_w}{I_\tau}(1 - e^{-t_p/\tau})`.

    Args:
        weight: :math:`I_w` [nA].
        i_th: [nA].
        i_tau: [nA] > 0.
        tau_syn: [ms] > 0.
        pulse: length of the pulse [ms].

    References:
        Bartolozzi and Indiveri (2007), Neural Comput. 19:2581, doi:10.1162/neco.2007.19.10.2581.
    """
    _positive(i_tau=i_tau, tau_syn=tau_syn)
    return -as_float(i_th) * as_float(weight) / as_float(i_tau) * np.expm1(-as_float(pulse) / as_float(tau_syn))


@closed_form
def thermal_noise(capacitance: ArrayLike, temperature: ArrayLike) -> Numbers:
    """Standard deviation of the voltage of a capacitance [uV]: ``sqrt(k T/C)``.

    Args:
        capacitance: [pF] > 0.
        temperature: [K].

    References:
        Nyquist (1928), Phys. Rev. 32:110, doi:10.1103/PhysRev.32.110.

    Example:
        >>> round(float(thermal_noise(3.0, 300.0)), 1)
        37.2
    """
    _positive(capacitance=capacitance)
    _kelvin(temperature)
    return 1e6 * np.sqrt(constants.k * as_float(temperature) / (1e-12 * as_float(capacitance)))


def _kelvin(temperature: ArrayLike) -> None:
    _checks.inside("temperature", temperature, kelvin, "K")


def _positive(**values: ArrayLike) -> None:
    for name, value in values.items():
        _checks.positive(name, value)
