r"""How long noise takes to carry a particle over a barrier: Kramers' formula, and the exact mean by quadrature.

Overdamped motion in a potential, :math:`dx = -U'(x)\,dt + \sigma\,dW`, with ``x`` in mV and time in ms; ``U`` is in mV^2/ms, and
what it is compared with is :math:`D = \sigma^2/2`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.polynomial import legendre
from numpy.typing import NDArray

from jaxsnn_noise import _checks
from jaxsnn_noise.theory._arguments import closed_form
from jaxsnn_noise.theory._quadrature import ArrayLike, Numbers, as_float, elementwise

_ORDER = 16
_NODES, _WEIGHTS = legendre.leggauss(_ORDER)
_PANELS = 400


@closed_form
def kramers_time(barrier: ArrayLike, *, sigma: ArrayLike, well: ArrayLike, top: ArrayLike) -> Numbers:
    r"""Mean time [ms] to leave a well over a barrier in weak noise, :math:`T = \frac{2\pi}{\sqrt{U''_{well}\,|U''_{top}|}}\,e^{\Delta U/D}`.

    That to the other side of the barrier; half of it to its top, from which both sides are as near. It holds where the barrier is
    many times ``D``: a symmetric quartic double well takes 3 % longer at ``12.5 D``, 9 % at ``5.6 D`` and 20 % at ``3 D``
    (:func:`passage_time`).

    Args:
        barrier: height ``Delta U`` over the bottom of the well [mV^2/ms] >= 0.
        sigma: amplitude of the noise [mV/sqrt(ms)] > 0; ``D = sigma^2/2``.
        well: curvature ``U''`` at the bottom [1/ms] > 0.
        top: curvature ``|U''|`` at the top [1/ms] > 0.

    References:
        Kramers (1940), Physica 7:284, doi:10.1016/S0031-8914(40)90098-2; Haenggi, Talkner & Borkovec (1990), Rev. Mod. Phys. 62:251,
        doi:10.1103/RevModPhys.62.251.

    Example:
        >>> round(float(kramers_time(0.25, sigma=0.3, well=2.0, top=1.0)), 1)
        1149.2
    """
    _checks.nonnegative("barrier", barrier, "mV^2/ms")
    _checks.positive("sigma", sigma, "mV/sqrt(ms)")
    _checks.positive("well", well, "1/ms")
    _checks.positive("top", top, "1/ms")
    with np.errstate(over="ignore"):
        height = np.exp(2.0 * as_float(barrier) / np.square(as_float(sigma)))
    return 2.0 * np.pi / np.sqrt(as_float(well) * as_float(top)) * height


@closed_form
def passage_time(potential: Any, *, start: ArrayLike, end: ArrayLike, lowest: ArrayLike, sigma: ArrayLike) -> Numbers:
    r"""Mean time [ms] of the first passage from ``start`` to ``end`` above it, exact for any noise, by quadrature.

    .. math:: T = \frac{1}{D} \int_{start}^{end} dy\, e^{U(y)/D} \int_{lowest}^{y} dz\, e^{-U(z)/D}, \qquad D = \sigma^2/2

    Args:
        potential: function ``U`` of an array ``x`` [mV] that returns one value for each [mV^2/ms].
        start: where it begins [mV], not below ``lowest``.
        end: where it ends [mV], above ``start``.
        lowest: a wall that reflects [mV]; where the potential is many ``D`` high it does not matter.
        sigma: amplitude of the noise [mV/sqrt(ms)] > 0.

    Raises:
        InputError: places out of order; a potential that returns no finite number for each place.

    References:
        Gardiner (2009), Stochastic Methods, section 5.5; Pontryagin, Andronov & Vitt (1933).

    Example:
        >>> well = lambda x: 0.25 * (x**2 - 1.0) ** 2
        >>> round(float(passage_time(well, start=-1.0, end=1.0, lowest=-4.0, sigma=0.3)), 1)
        1255.5
    """
    _checks.positive("sigma", sigma, "mV/sqrt(ms)")
    if not callable(potential):
        _checks.fail("potential", "must be a function of x [mV] that returns U [mV^2/ms]", potential)
    if np.any(as_float(end) <= as_float(start)):
        _checks.fail("end", "must lie above start [mV]", end)
    if np.any(as_float(start) < as_float(lowest)):
        _checks.fail("start", "must not lie below lowest [mV]", start)
    return elementwise(lambda *one: _passage(potential, *one), start, end, lowest, sigma)


def _passage(
    potential: Callable[[NDArray[np.float64]], Any], start: float, end: float, lowest: float, sigma: float
) -> float:
    with np.errstate(over="ignore"):
        d = float(0.5 * np.square(np.float64(sigma)))
    edges = np.linspace(lowest, start, _PANELS + 1) if start > lowest else np.array([start])
    edges = np.concatenate([edges[:-1], np.linspace(start, end, _PANELS + 1)])
    half = 0.5 * np.diff(edges)[:, None]
    x = edges[:-1, None] + half * (_NODES + 1.0)
    u = _values(potential, x) / d
    highest, deepest = u[edges[:-1] >= start].max(), u.min()
    inside = half * np.exp(deepest - u)
    panels = inside @ _WEIGHTS
    below = np.concatenate([[0.0], np.cumsum(panels)[:-1]])[:, None] + inside @ _RUNNING.T
    outside = np.where(edges[:-1, None] >= start, np.exp(np.minimum(u - highest, 0.0)), 0.0)
    total = np.sum(half * _WEIGHTS * outside * below) / d
    with np.errstate(over="ignore"):
        return float(total * np.exp(highest - deepest))


def _values(potential: Callable[[NDArray[np.float64]], Any], x: NDArray[np.float64]) -> NDArray[np.float64]:
    """What the function says, looked at."""
    rule = "must return a finite U [mV^2/ms] for each x [mV]"
    try:
        found = as_float(potential(x.ravel()))
    except Exception as error:  # whatever a function of somebody else does
        _checks.fail("potential", f"{rule}; it raised {type(error).__name__}: {error}", potential)
    if found.shape != (x.size,) or not np.all(np.isfinite(found)):
        _checks.fail("potential", rule, found)
    return found.reshape(x.shape)


def _running() -> NDArray[np.float64]:
    """From values at the nodes to the integral from -1 to each node, exact for polynomials: ``int P_k = (P_{k+1} - P_{k-1})/(2k + 1)``."""
    p = legendre.legvander(_NODES, _ORDER)
    integrals = np.empty((_ORDER, _ORDER))
    integrals[:, 0] = _NODES + 1.0
    k = np.arange(1, _ORDER)
    integrals[:, 1:] = (p[:, 2:] - p[:, :-2]) / (2.0 * k + 1.0)
    coefficients = (2.0 * np.arange(_ORDER) + 1.0)[:, None] / 2.0 * p[:, :_ORDER].T * _WEIGHTS
    return integrals @ coefficients


_RUNNING = _running()
