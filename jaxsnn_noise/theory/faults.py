"""How many faults a campaign has to inject, and what a number of them shows."""

from __future__ import annotations

import numpy as np
from scipy import special

from jaxsnn_noise import _checks
from jaxsnn_noise.ranges import Range
from jaxsnn_noise.theory._arguments import closed_form
from jaxsnn_noise.theory._quadrature import ArrayLike, Numbers, as_float

_OPEN = Range(0.0, 1.0, low_open=True, high_open=True)


@closed_form
def fault_sample_size(
    sites: ArrayLike, margin: ArrayLike, *, confidence: ArrayLike = 0.95, share: ArrayLike = 0.5
) -> Numbers:
    r"""How many of ``sites`` faults have to be injected, at random and each at most once, to know a share within a margin.

    .. math:: n = \left\lceil \frac{N}{1 + e^2\,\frac{N - 1}{t^2\,p(1 - p)}} \right\rceil

    with the normal quantile :math:`t` of the confidence: the half width of the Gaussian interval of a proportion, drawn without
    replacement. Shares near 0 or 1 want an exact interval, whatever n is.

    Args:
        sites: number ``N`` of faults that there are [1], a whole number >= 1.
        margin: half width ``e`` of the interval [1], in (0, 1).
        confidence: of the interval [1], in (0, 1).
        share: expected share ``p`` of faults with the outcome in question [1], in (0, 1); 0.5, the worst case, unless known.

    References:
        Leveugle, Calvez, Maistri & Vanhauwaert (2009), doi:10.1109/DATE.2009.5090716, equation 3.

    Example:
        >>> int(fault_sample_size(101_632, 0.01))
        8775
    """
    total, scale = _checked(sites, confidence, share)
    _inside("margin", margin)
    return np.ceil(total / (1.0 + np.square(as_float(margin)) * (total - 1.0) / scale) - 1e-9)


@closed_form
def fault_margin(
    sites: ArrayLike, injected: ArrayLike, *, confidence: ArrayLike = 0.95, share: ArrayLike = 0.5
) -> Numbers:
    r"""The half width [1] of the interval of a share that so many of ``sites`` faults give: the inverse of :func:`fault_sample_size`.

    .. math:: e = t \sqrt{\frac{p(1 - p)}{n}\,\frac{N - n}{N - 1}}

    and 0 once all have been injected.

    Args:
        sites: number ``N`` of faults that there are [1], a whole number >= 1.
        injected: number ``n`` of faults injected [1], a whole number from 1 to ``sites``.
        confidence: of the interval [1], in (0, 1).
        share: share ``p`` of faults with the outcome in question [1], in (0, 1).

    References:
        As of :func:`fault_sample_size`.

    Example:
        >>> round(float(fault_margin(101_632, 8_775)), 5)
        0.01
    """
    total, scale = _checked(sites, confidence, share)
    _checks.inside("injected", injected, Range(1, whole=True), "1")
    n = as_float(injected)
    if np.any(n > total):
        _checks.fail("injected", "must be at most the number of sites [1]", injected)
    rest = (total - n) / np.maximum(total - 1.0, 1.0)
    return np.sqrt(scale / n * rest)


def _checked(sites: ArrayLike, confidence: ArrayLike, share: ArrayLike) -> tuple[Numbers, Numbers]:
    """The number of sites, and ``t^2 p (1 - p)``."""
    _checks.inside("sites", sites, Range(1, whole=True), "1")
    _inside("confidence", confidence)
    _inside("share", share)
    t, p = special.ndtri(0.5 + 0.5 * as_float(confidence)), as_float(share)
    return as_float(sites), np.square(t) * p * (1.0 - p)


def _inside(who: str, value: ArrayLike) -> None:
    _checks.inside(who, value, _OPEN, "1")
