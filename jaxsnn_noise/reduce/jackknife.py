"""Errors of folds over members by leaving out groups of them.

Delete-a-group jackknife: member i belongs to group ``i mod groups`` (one member each while there are no more members
than groups), and with ``theta`` from all R members, ``theta_g`` without the ``m_g`` members of group g, and
``h_g = R / m_g``::

    pseudo_g = h_g theta - (h_g - 1) theta_g
    centre   = G theta - sum_g (1 - m_g / R) theta_g
    standard_error^2 = 1/G sum_g (pseudo_g - centre)^2 / (h_g - 1),          df = G - 1

(Busing, Meijer & van der Leeden 1999, doi:10.1023/A:1008800423698; the usual jackknife for groups of one).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from jaxsnn_noise._checks import count, fail

if TYPE_CHECKING:
    import xarray as xr

MOST_GROUPS = 10_000


def check_groups(who: str, n: int) -> None:
    """A number of groups: sums of each are kept for every cell."""
    if count(who, n, least=2) > MOST_GROUPS:
        fail(who, f"must be at most {MOST_GROUPS:,}: sums of each are kept for every cell", n)


def by_group(members: np.ndarray, first: int, groups: int) -> np.ndarray:
    """Sums [group, ...] of the members whose index is the group's modulo ``groups``."""
    return np.stack([members[(g - first) % groups :: groups].sum(axis=0, dtype=np.int64) for g in range(groups)])


def jackknife(theta: Any, without: Any, sizes: Any) -> tuple[Any, Any]:
    """Standard error and degrees of freedom from ``without`` [group, ...] and group ``sizes`` (module docstring).

    Empty groups do not count; NaN with fewer than two groups, or where a value without a group is undefined.
    """
    used = sizes > 0
    groups = used.sum(axis=0)
    members = sizes.sum(axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        h = members / sizes
        pseudo = h * theta - (h - 1) * without
        centre = groups * theta - np.sum((1 - sizes / members) * without, axis=0, where=used)
        squares = np.sum((pseudo - centre) ** 2 / (h - 1), axis=0, where=used)
        error = np.sqrt(squares / groups)
    enough = groups > 1
    return np.where(enough, error, np.nan), np.where(enough, groups - 1.0, np.nan)


def pseudovalues(
    parts: xr.Dataset, estimate: Callable[[xr.Dataset], xr.DataArray], over: str = "block"
) -> xr.DataArray:
    """The jackknife's pseudo-values of a function of means over blocks of equal size.

    ``n f(all) - (n - 1) f(all but one)``: their mean is the estimate, less its bias of order 1/n, and their scatter gives the standard
    error, so that :func:`mean_and_error` and :func:`judge` take them like independent values of the estimate.

    Args:
        parts: Means of each block; or sums, for a function that a common factor of all does not change, such as a ratio.
        estimate: From a dataset without the dimension of the blocks to the estimate.
        over: The dimension of the blocks.

    Returns:
        The pseudo-values, over ``over`` and the dimensions of the estimate.

    Raises:
        InputError: no dataset with at least two blocks along ``over``.

    References: Tukey (1958), Ann. Math. Stat. 29:614; Miller (1974), doi:10.1093/biomet/61.1.1.

    Example:
        >>> import xarray as xr
        >>> parts = xr.Dataset({"spikes": ("block", [3.0, 5.0]), "time": ("block", [1.0, 1.0])})
        >>> pseudovalues(parts, lambda part: part["spikes"] / part["time"]).values.tolist()
        [3.0, 5.0]
    """
    import xarray as xr

    if not callable(estimate):
        fail("reduce.pseudovalues: estimate", "must be a function of a dataset", estimate)
    if not isinstance(parts, xr.Dataset) or not isinstance(over, str) or parts.sizes.get(over, 0) < 2:
        sizes = dict(parts.sizes) if isinstance(parts, xr.Dataset) else type(parts).__name__
        fail("reduce.pseudovalues", f"needs a dataset with at least two blocks along {over!r}", sizes)
    n, whole = parts.sizes[over], parts.mean(over)
    return n * estimate(whole) - (n - 1) * estimate((n * whole - parts) / (n - 1))
