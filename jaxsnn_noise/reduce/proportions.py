"""Fractions of 0/1 outcomes, with intervals that know the design."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from jaxsnn_noise._checks import count, fail, in_range
from jaxsnn_noise.reduce.betabinomial import Clusters
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
    """Fraction of successes over named random dimensions, with an interval that knows the clusters.

    One random dimension of 0/1 outcomes is a plain binomial; its interval is Wilson's (1927), all p with ``(mean - p)^2
    <= c^2 p (1 - p) / n`` and c the normal quantile. Otherwise the members are clustered, and the interval is all p
    that a likelihood ratio does not reject, with the clusters (chips) beta-binomial::

        2 (l*(mean) - l*(p)) / max(1, Var / Var_model) <= (df + 1) log(1 + t^2 / df)

    with ``l*`` the profile over the intraclass correlation, and t Student's quantile with ``df`` degrees of freedom
    (clusters - 1 with one root). Equation and reasons are in :mod:`jaxsnn_noise.reduce.betabinomial`. With crossed
    roots ``l*`` is that of the root whose clusters scatter most, and ``Var`` and ``df`` are those of all of them
    (:mod:`jaxsnn_noise.reduce.errors`). It is not symmetric about the mean, and wide where few clusters have an event.

    Measured coverage of the 95 % interval, 5 to 50 chips of 20 to 500 trials, success probability 0.003 to 0.5 and
    intraclass correlation 0 to 0.3: 95.0 to 99.8 %, and at most 97.4 % where at least 20 chips and 10 with an event are
    expected; each one-sided 95 % limit misses in at most 6.0 %. **Where it fails**: chips that do not follow a beta law
    and differ by orders of magnitude, so that few of them hold most events and a sample may lack these. Logit-normal
    chips are held in 93.5 % and more while the coefficient of variation of their probabilities is at most 1, and in 82
    to 93 % beyond. The tables and their command are in ``docs/explanation/errors_of_estimates.md``.

    Where all outcomes are alike the data cannot tell how alike the members of one cluster are; the interval then takes
    the correlation ``edge_intraclass``. The default of 1 counts each cluster once, the widest interval; 0 treats all
    members as independent.

    Args:
        array: 0/1 or boolean outcomes, NaN where missing; or whole numbers of successes among ``out_of`` each.
        over: The random dimensions; each needs at least two members.
        confidence: Coverage of the two-sided interval.
        out_of: Attempts behind each entry (then every entry is a cluster of its own).
        nested: Child to parent; default :data:`NESTED`.
        edge_intraclass: Assumed intraclass correlation where all outcomes are alike, 0 to 1.

    Returns:
        Dataset over the other dimensions: ``mean``, ``standard_error``, ``low``, ``high`` [1]; ``df``; ``n`` and
        ``n_missing`` (attempts); ``n_effective``, the members of a plain binomial with the same error (Korn & Graubard
        1998). Where members are clustered also ``variance``, that of the mean, ``intraclass``, the correlation of the best fit (NaN where all outcomes
        are alike), and along a dimension ``cluster`` the ``successes`` and ``attempts`` of each, from which
        :func:`at_most` and :func:`at_least` take limits at any level (leave them out of a table with
        ``drop_dims("cluster")``). All NaN where nothing was finite or fewer than two clusters are left.

    Raises:
        InputError: entries that are not whole numbers in 0..``out_of``; see also
            :func:`jaxsnn_noise.reduce.design.tabulate`.

    References:
        Wilson (1927), JASA 22(158), doi:10.1080/01621459.1927.10502953. Korn & Graubard (1998), Confidence intervals
        for proportions with small expected number of positive counts estimated from survey data, Survey Methodology
        24(2); their interval covers 0.18 to 0.83 at p = 0.003 in the table. Williams (1975), The analysis of binary
        responses from toxicological experiments involving reproduction and teratogenicity, Biometrics 31(4),
        doi:10.2307/2529820 (the beta-binomial likelihood of clusters).

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
    mean, variance, n = mean / out_of, variance / out_of**2, table.n * out_of
    attributes = {"clustered_by": list(table.roots), "confidence": confidence}
    made: dict[str, np.ndarray] = {}
    if len(table.names) == 1 and out_of == 1:
        n_effective, df = n.astype(np.float64), np.where(n > 0, np.inf, np.nan)
        made["low"], made["high"] = wilson(mean, n_effective, t_quantile(df, 0.5 + 0.5 * confidence))
    else:
        n_effective = _effective(mean, variance, n, _fewest_clusters(table), edge_intraclass)
        counts = _counts(table, out_of, mean, variance, df, edge_intraclass)
        made["low"], made["high"] = counts.limits(t_quantile(df, 0.5 + 0.5 * confidence))
        made["intraclass"] = counts.intraclass()
        attributes["edge_intraclass"] = edge_intraclass
    with np.errstate(divide="ignore", invalid="ignore"):
        error = np.sqrt(mean * (1 - mean) / n_effective)
    found = dataset(
        table.template, attributes, mean=mean, standard_error=error, df=df, n=n,
        n_missing=table.n_missing * out_of, n_effective=n_effective, **made,
    )  # fmt: skip
    return found if "intraclass" not in made else _with_counts(found, counts, variance)


def clusters_of(estimate: xr.Dataset) -> Clusters | None:
    """The counts behind a result of :func:`proportion`, cells in a row; None where it has none."""
    if "successes" not in estimate:
        return None
    cells = estimate["mean"].dims
    parts = [estimate[name].transpose(*cells, ...).to_numpy() for name in ("successes", "attempts")]
    k, n = (np.nan_to_num(part).reshape(-1, part.shape[-1]) for part in parts)
    mean, variance, df = (estimate[name].to_numpy().reshape(-1) for name in ("mean", "variance", "df"))
    return Clusters(k, n, mean, variance, df, np.full(mean.shape, estimate.attrs.get("edge_intraclass", 1.0)))


def _with_counts(found: xr.Dataset, counts: Clusters, variance: np.ndarray) -> xr.Dataset:
    """The result with the counts of each cluster, along a dimension of their own."""
    name = "cluster"
    while name in found.dims:
        name += "_"
    dims, shape = (*found["mean"].dims, name), (*found["mean"].shape, counts.attempts.shape[1])
    return found.assign(
        variance=(found["mean"].dims, variance.reshape(found["mean"].shape)),
        successes=(dims, counts.successes.reshape(shape)),
        attempts=(dims, counts.attempts.reshape(shape)),
    ).assign_coords({name: np.arange(shape[-1])})


def _counts(table: Table, out_of: int, mean: np.ndarray, variance: np.ndarray, df: np.ndarray, edge: float) -> Clusters:
    """Successes and attempts of the clusters of one root of each cell: the one whose means scatter most.

    Where nothing scatters (all outcomes alike) it is the root with the fewest clusters.
    """
    roots = [table.names.index(name) + 1 for name in table.roots]
    width = max(table.values.shape[axis] for axis in roots)
    cells = len(table.values)
    best, least = np.full(cells, -1.0), np.full(cells, np.inf)
    k, n = np.zeros((cells, width)), np.zeros((cells, width))
    for axis in roots:
        others = tuple(i for i in range(1, table.values.ndim) if i != axis)
        attempts = np.asarray(table.present.sum(axis=others) * float(out_of))
        successes = np.asarray(np.sum(np.where(table.present, table.values, 0), axis=others, dtype=np.float64))
        number = (attempts > 0).sum(axis=1)
        share = np.where(attempts > 0, successes / np.maximum(attempts, 1), np.nan)
        middle = np.where(number > 0, np.nansum(share, axis=1) / np.maximum(number, 1), 0.0)
        scatter = np.nansum((share - middle[:, None]) ** 2, axis=1) / np.maximum(number * (number - 1), 1)
        take = (scatter > best) | ((scatter == best) & (number < least))
        best, least = np.where(take, scatter, best), np.where(take, number, least)
        for kept, new in ((k, successes), (n, attempts)):
            kept[take] = 0.0
            kept[take, : new.shape[1]] = new[take]
    return Clusters(k, n, mean, variance, df, np.full(cells, float(edge)))


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
