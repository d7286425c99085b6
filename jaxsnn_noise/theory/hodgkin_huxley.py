"""The squid axon without noise: rates of its gates, its resting state, and where that loses its stability."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from jaxsnn_noise import _checks
from jaxsnn_noise.theory._arguments import closed_form
from jaxsnn_noise.theory._quadrature import ArrayLike, Numbers, as_float, elementwise
from jaxsnn_noise.theory._roots import brentq

G_NA, G_K, G_LEAK = 120.0, 36.0, 0.3
E_NA, E_K, E_LEAK = 115.0, -12.0, 10.6
"""Conductances [mS/cm2] and reversals above rest [mV] of Hodgkin and Huxley 1952; the capacitance is 1 uF/cm2."""
LARGEST_DENSITY = 500.0
"""Up to this current density [uA/cm2] the resting state lies in the interval that is searched."""


@closed_form
def gate_rates(potential: ArrayLike) -> NDArray[np.float64]:
    """Opening and closing rates of the gates m, h and n of Hodgkin and Huxley [..., gate, 2] in 1/ms.

    Args:
        potential: above rest [mV], -200 to 300.

    Raises:
        InputError: a potential out of range.

    References:
        Hodgkin and Huxley (1952), J. Physiol. 117:500, doi:10.1113/jphysiol.1952.sp004764.

    Example:
        >>> m, h, n = gate_rates(0.0)
        >>> [round(float(x[0] / (x[0] + x[1])), 6) for x in (m, h, n)]
        [0.052932, 0.596121, 0.317677]
    """
    _checks.in_range("potential", potential, -200.0, 300.0, "mV")
    v = as_float(potential)
    m = _bernoulli((25.0 - v) / 10.0), 4.0 * np.exp(-v / 18.0)
    h = 0.07 * np.exp(-v / 20.0), 1.0 / (np.exp((30.0 - v) / 10.0) + 1.0)
    n = 0.1 * _bernoulli((10.0 - v) / 10.0), 0.125 * np.exp(-v / 80.0)
    return np.stack([np.stack(np.broadcast_arrays(*gate), axis=-1) for gate in (m, h, n)], axis=-2)


@closed_form
def hodgkin_huxley_rest(density: ArrayLike, *, e_na: ArrayLike = E_NA) -> Numbers:
    """The potential [mV above rest] at which the squid axon would rest under a constant current.

    Args:
        density: current per area [uA/cm2], -50 to 500.
        e_na: sodium reversal above rest [mV], 60 to 200; the other parameters are those of 1952.

    Raises:
        InputError: a parameter out of range.

    Example:
        >>> round(float(hodgkin_huxley_rest(10.0)), 2)
        5.43
    """
    _check(density, e_na)
    return elementwise(_rest, density, e_na)


@closed_form
def hodgkin_huxley_growth(density: ArrayLike, *, e_na: ArrayLike = E_NA) -> Numbers:
    """The growth rate [1/ms] of small deviations from the resting state of the squid axon under a constant current.

    The largest real part of the eigenvalues of the Jacobian: below 0 the rest is stable.

    Args:
        density: current per area [uA/cm2], -50 to 500.
        e_na: sodium reversal above rest [mV], 60 to 200.

    Raises:
        InputError: a parameter out of range.

    References:
        Rinzel and Miller (1980), Math. Biosci. 49:27, doi:10.1016/0025-5564(80)90109-1.

    Example:
        >>> bool(hodgkin_huxley_growth(9.7) < 0 < hodgkin_huxley_growth(9.8))
        True
    """
    _check(density, e_na)
    return elementwise(_growth, density, e_na)


@closed_form
def hodgkin_huxley_hopf(e_na: ArrayLike = E_NA) -> Numbers:
    """The two current densities [..., 2] in uA/cm2 at which the rest of the squid axon loses its stability, and has it again.

    Args:
        e_na: sodium reversal above rest [mV], 100 to 130: 115 in the paper, 120 in some codes.

    Raises:
        InputError: a reversal out of range.

    Example:
        >>> hodgkin_huxley_hopf().round(3).tolist()
        [9.779, 154.526]
    """
    _checks.in_range("e_na", e_na, 100.0, 130.0, "mV")
    ends = [elementwise(_loss_of_stability, e_na, low, high) for low, high in ((4.0, 30.0), (80.0, 250.0))]
    return np.stack(ends, axis=-1)


def _loss_of_stability(e_na: float, low: float, high: float) -> float:
    return brentq(_growth, low, high, args=(e_na,), xtol=1e-10)


def _check(density: ArrayLike, e_na: ArrayLike) -> None:
    _checks.in_range("density", density, -50.0, LARGEST_DENSITY, "uA/cm2")
    _checks.in_range("e_na", e_na, 60.0, 200.0, "mV")


def _bernoulli(x: Numbers) -> Numbers:
    """``x/(exp(x) - 1)``, 1 - x/2 + x^2/12 where the quotient is 0/0."""
    near = np.abs(x) < 1e-5
    safe = np.where(near, 1.0, x)
    return np.where(near, 1.0 - x / 2.0 + x * x / 12.0, safe / np.expm1(safe))


def _gates(v: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Steady states of the gates, and their relaxation rates."""
    rates = gate_rates(v)
    return rates[:, 0] / rates.sum(axis=1), rates.sum(axis=1)


def _ionic(v: float, gates: NDArray[np.float64], e_na: float) -> float:
    m, h, n = gates
    return float(G_NA * m**3 * h * (v - e_na) + G_K * n**4 * (v - E_K) + G_LEAK * (v - E_LEAK))


def _rest(density: float, e_na: float) -> float:
    return brentq(lambda v: density - _ionic(v, _gates(v)[0], e_na), -200.0, 100.0, xtol=1e-12)


def _growth(density: float, e_na: float) -> float:
    v = _rest(density, e_na)
    (m, h, n), speed = _gates(v)
    step = 1e-5
    slopes = (_gates(v + step)[0] - _gates(v - step)[0]) / (2 * step)
    jacobian = np.zeros((4, 4))
    jacobian[0] = -np.array([
        G_NA * m**3 * h + G_K * n**4 + G_LEAK, 3 * G_NA * m**2 * h * (v - e_na), G_NA * m**3 * (v - e_na), 4 * G_K * n**3 * (v - E_K),
    ])  # fmt: skip
    jacobian[1:, 0] = speed * slopes
    jacobian[np.arange(1, 4), np.arange(1, 4)] = -speed
    return float(np.linalg.eigvals(jacobian).real.max())
