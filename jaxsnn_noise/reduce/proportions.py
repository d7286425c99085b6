"""Fractions of 0/1 outcomes, with Wilson intervals that know the design."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from jaxsnn_noise._checks import count, fail, in_range
from jaxsnn_noise.reduce.design import Table, check_confidence, dataset, tabulate
from jaxsnn_noise.reduce.errors import clustered, t_quantile

if TYPE_CHECKING:
    import xarray as xr


def proportion(
    array: xr.DataArray,
    over: str | Sequence[str] = ("device", "trial"),
    *,
    confidence: float = 0.95,
    out_of: int = 1,
    nested: Mapping[str, str] | None = None,
    edge_intraclass: float = 1.0,
) -> xr.Dataset:
    """Fraction of successes over named random dimensions, with a Wilson interval of the effective number of members.

    The interval is all p that a score test does not reject::

        (mean - p)^2 <= c^2 p (1 - p) / n_effective

    One random dimension of 0/1 outcomes is a plain binomial: ``n_effective = n``, c the normal quantile (Wilson 1927).
    Otherwise the members are clustered: with ``Var`` and ``df`` from :mod:`jaxsnn_noise.reduce.errors`::

        n_effective = min(n, mean (1 - mean) / Var),     c = t(df)

    (the effective sample size of Korn & Graubard 1998; its Wilson form is among the best of Dean & Pagano 2015). Where
    all outcomes are alike the data cannot tell how alike the members of one cluster are; then::

        n_effective = n / (1 + (n / clusters - 1) edge_intraclass)

    with ``clusters`` the fewest of any root. The default of 1 counts each cluster once, the widest interval; 0 treats
    all members as independent.

    Measured coverage of the 95 % interval for beta-binomial outcomes of 20 chips with intraclass correlation up to 0.1
    and success probability 0.01 to 0.9: 94 to 95 %. The upper limit alone misses a small probability in 6 to 7 %
    instead of 5 % (few successes come with little visible scatter). Few clusters that differ wildly are harder: 90 %
    for 10 chips, correlation 0.3, probability 0.1.

    Args:
        array: 0/1 or boolean outcomes, NaN where missing; or whole numbers of successes among ``out_of`` each.
        over: The random dimensions; each needs at least two members.
        confidence: Coverage of the two-sided interval.
        out_of: Attempts behind each entry (then every entry is a cluster of its own).
        nested: Child to parent; default :data:`NESTED`.
        edge_intraclass: Assumed intraclass correlation where all outcomes are alike, 0 to 1.

    Returns:
        Dataset over the other dimensions: ``mean``, ``standard_error``, ``low``, ``high`` [1]; ``df``; ``n`` and
        ``n_missing`` (attempts); ``n_effective``. All NaN where nothing was finite or fewer than two clusters are left.

    Raises:
        InputError: entries that are not whole numbers in 0..``out_of``; see also
            :func:`jaxsnn_noise.reduce.design.tabulate`.

    References:
        Wilson (1927), JASA 22(158), doi:10.1080/01621459.1927.10502953. Korn & Graubard (1998), Confidence intervals
        for proportions with small expected number of positive counts estimated from survey data, Survey Methodology
        24(2). Dean & Pagano (2015), Evaluating confidence interval methods for binomial proportions in clustered
        surveys, J. Survey Statistics and Methodology 3(4), doi:10.1093/jssam/smv024.

    Example:
        >>> import xarray as xr
        >>> found = proportion(xr.DataArray([True] * 8 + [False] * 2, dims="sample"), "sample")
        >>> round(float(found["low"]), 3), round(float(found["high"]), 3)
        (0.49, 0.943)
    """
    who = "reduce.proportion"
    check_confidence(who, confidence)
    out_of = count(f"{who}: out_of", out_of)
    in_range(f"{who}: edge_intraclass", edge_intraclass, 0.0, 1.0, "1")
    table = tabulate(who, array, over, nested)
    whole = (table.values >= 0) & (table.values <= out_of) & (table.values == np.rint(table.values))
    if not np.all(whole | ~table.present):
        rule = "must be 0 or 1 (or NaN)" if out_of == 1 else f"must be whole numbers in 0..{out_of} (or NaN)"
        fail(f"{who}: array", rule, table.values[table.present & ~whole][:3])
    mean, variance, df = clustered(table)
    mean, n = mean / out_of, table.n * out_of
    if len(table.names) == 1 and out_of == 1:
        n_effective, df = n.astype(np.float64), np.where(n > 0, np.inf, np.nan)
    else:
        n_effective = _effective(mean, variance / out_of**2, n, _fewest_clusters(table), edge_intraclass)
    low, high = wilson(mean, n_effective, t_quantile(df, 0.5 + 0.5 * confidence))
    with np.errstate(divide="ignore", invalid="ignore"):
        error = np.sqrt(mean * (1 - mean) / n_effective)
    return dataset(
        table.template, {"clustered_by": list(table.roots), "confidence": confidence}, mean=mean,
        standard_error=error, low=low, high=high, df=df, n=n, n_missing=table.n_missing * out_of,
        n_effective=n_effective,
    )  # fmt: skip


def wilson(mean: np.ndarray, n: np.ndarray, c: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Both ends of ``(mean - p)^2 <= c^2 p (1 - p) / n``, exact at 0 and 1 (Wilson 1927)."""
    with np.errstate(divide="ignore", invalid="ignore"):
        square = c**2 / n
        centre = (mean + square / 2) / (1 + square)
        reach = np.sqrt(square * (mean * (1 - mean) + square / 4)) / (1 + square)
    known = ~np.isnan(reach)
    low = np.where(known & (mean == 0), 0.0, np.maximum(centre - reach, 0.0))
    return low, np.where(known & (mean == 1), 1.0, np.minimum(centre + reach, 1.0))


def _effective(mean: np.ndarray, variance: np.ndarray, n: np.ndarray, clusters: np.ndarray, edge: float) -> np.ndarray:
    """Members of a plain binomial that would know as much [cell]; NaN where the variance is unknown."""
    with np.errstate(divide="ignore", invalid="ignore"):
        seen = np.minimum(n, mean * (1 - mean) / variance)
        alike = n / (1 + (n / clusters - 1) * edge)
    # Outcomes that vary inside clusters only (variance 0, mean between 0 and 1) give n by the minimum.
    return np.where(np.isnan(variance), np.nan, np.where((mean == 0) | (mean == 1), alike, seen))


def _fewest_clusters(table: Table) -> np.ndarray:
    """The clusters with at least one member of the root that has the fewest [cell]."""
    present = table.root_means().present
    axes = range(1, present.ndim)
    counts = [present.any(axis=tuple(other for other in axes if other != axis)).sum(axis=1) for axis in axes]
    return np.min(counts, axis=0)
