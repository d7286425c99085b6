"""The variance of a mean over crossed and nested random dimensions, and the mean with its interval.

For root sets S (:mod:`jaxsnn_noise.reduce.design`), with effects by inclusion and exclusion of cluster means,
``count_S`` the clusters seen and ``df_S = count_S - sum_{T < S} df_T`` (``df`` of the empty set is 1)::

    effect_S = mean_S - sum_{T < S} effect_T
    v_S      = count_S / df_S * sum_clusters (size_cluster * effect_S)^2 / N^2     (complete: MS_S / N)
    g_S      = max(0, v_S - sum_{T > S} g_T)                                       from the largest S down
    Var(mean) = sum_S g_S

``E v_S = sum_{T >= S} variance_T / clusters_T`` in a complete table, so ``g_S`` is the contribution of one variance
component, estimated by mean squares and kept non-negative (Searle, Casella & McCulloch 1992, ch. 4). One root gives the
squared standard error of the cluster means, ``s^2 / clusters``. Two roots give ``v_a + v_b
- v_ab`` (two-way clustering: Cameron, Gelbach & Miller 2011, with the interaction mean square in place of the
cell sum of squares, which removes the bias of order 1/clusters that Owen 2007 derives), and never less than
``max(v_a, v_b, v_ab)``: the error is at least the largest one-way clustered one. The price of the floor is an interval
that is a little wide where no root matters. Degrees of freedom follow Satterthwaite (1946): with
``Var = sum_S c_S v_S`` (the ``c_S`` are whole numbers that follow from which components survive)::

    df = Var^2 / sum_S (c_S v_S)^2 / df_S,     one root: clusters - 1

With empty root entries (all members of a chip and sample missing) the same sums run over the entries that are there,
each with equal weight. The gaps mix column effects into the row means; unbiasedness is then lost, the coverage of the
interval is not (tested with 30 % of the entries missing).

References:
    Cameron, Gelbach & Miller (2011), Robust inference with multiway clustering, J. Business & Economic Statistics
    29(2), doi:10.1198/jbes.2010.07136. Owen (2007), The pigeonhole bootstrap, Annals of Applied Statistics 1(2),
    doi:10.1214/07-AOAS122. Satterthwaite (1946), An approximate distribution of estimates of variance components,
    Biometrics Bulletin 2(6), doi:10.2307/3002019. Searle, Casella & McCulloch (1992), Variance Components,
    doi:10.1002/9780470316856.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np

from jaxsnn_noise.reduce.design import Table, check_confidence, cluster_means, dataset, tabulate

if TYPE_CHECKING:
    import xarray as xr

LIMITS = (
    "t-interval, exact for normal cluster means; skewed or rare ones are covered less than stated, the less the fewer "
    "clusters there are, and no scatter seen is no proof of none (see skewness, and errors of estimates in the docs)"
)
"""What a reader of an interval has to know, in the attributes of every mean."""

Effects = dict[frozenset[int], tuple[np.ndarray, np.ndarray]]
"""Effect set (positions among the random axes) -> (v_S, df_S), each [cell]."""


def mean_and_error(
    array: xr.DataArray,
    over: str | Sequence[str] = ("device", "trial"),
    *,
    confidence: float = 0.95,
    nested: Mapping[str, str] | None = None,
) -> xr.Dataset:
    """Mean over named random dimensions, with a standard error and a t-interval that follow the design.

    ``low, high = mean -+ t(df) * standard_error``; equations and references in :mod:`jaxsnn_noise.reduce.errors`. The
    mean is over the members that are finite, each root entry with equal weight; how many were not is in ``n_missing``.
    It then speaks of the surviving members only, which is why the count is always there: keep complete cells with
    ``result.where(result["n_missing"] == 0)``, or put the worst value in with ``array.fillna(worst)`` before.
    :func:`at_most` and :func:`at_least` never decide a claim on survivors.

    Args:
        array: Results with named dimensions.
        over: The random dimensions; each needs at least two members. All others are kept.
        confidence: Coverage of the two-sided interval, between 0 and 1.
        nested: Child to parent among the random dimensions; default :data:`NESTED`, ``{}`` crosses all of them.

    The t-interval is exact for normal clusters. Skewed ones are covered less than stated: 95 % intervals of exponential
    chips in 88.3 % with 5 of them and 92.1 % with 20, of log-normal ones (cv 1) in 85.3 and 88.8 %, and of a loss that
    one chip in 20 has in 22 and 54 %, since a sample may hold none of it (``docs/explanation/errors_of_estimates.md``).
    Few clusters cannot show that they are skewed, so the result says it: ``skewness`` of the cluster means, and an
    attribute ``limits``. Outcomes that are 0 or 1 belong into :func:`proportion`, counts of spikes into :func:`psth`.

    Returns:
        Dataset over the other dimensions: ``mean``, ``standard_error``, ``low``, ``high`` in the unit of ``array``;
        ``df``, ``skewness`` [1] (of the root whose cluster means are most skewed; NaN with fewer than three of them, or
        without scatter); ``n`` and ``n_missing`` (members). With fewer than two clusters left, error and interval are
        NaN.

    Raises:
        InputError: see :func:`jaxsnn_noise.reduce.design.tabulate`; ``confidence`` not between 0 and 1.

    Example:
        >>> import numpy as np, xarray as xr
        >>> rates = xr.DataArray([[8.0, 10.0], [11.0, 15.0]], dims=("device", "trial"))
        >>> result = mean_and_error(rates)
        >>> float(result["mean"]), float(result["standard_error"]), float(result["df"])
        (11.0, 2.0, 1.0)
    """
    who = "reduce.mean_and_error"
    check_confidence(who, confidence)
    table = tabulate(who, array, over, nested)
    mean, variance, df = clustered(table)
    error = np.sqrt(variance)
    reach = t_quantile(df, 0.5 + 0.5 * confidence) * error
    attributes = {"clustered_by": list(table.roots), "confidence": confidence, "limits": LIMITS}
    return dataset(
        table.template, attributes, mean=mean, standard_error=error, low=mean - reach, high=mean + reach,
        df=df, skewness=skewness(table), n=table.n, n_missing=table.n_missing,
    )  # fmt: skip


def clustered(table: Table) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Mean, its variance and the degrees of freedom, each [cell]; NaN with fewer than two clusters left."""
    table = table.root_means()
    family = effect_sets(table)
    found = mean_squares(table.values, table.present, family)
    mean, any_present = cluster_means(table.values, table.present, tuple(range(1, table.values.ndim)))
    mean = np.where(any_present, mean, np.nan).reshape(-1)
    variance, spread = _sum_of_components(found)
    fewest = np.min([df for members, (_, df) in found.items() if len(members) == 1], axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        df = np.where(spread > 0, variance**2 / spread, fewest)
    known = fewest >= 1
    return mean, np.where(known, variance, np.nan), np.where(known, df, np.nan)


def skewness(table: Table) -> np.ndarray:
    """Skewness ``m_3 / m_2^(3/2)`` of the cluster means of the root where it is farthest from 0 [cell]."""
    table = table.root_means()
    axes = tuple(range(1, table.values.ndim))
    found = np.full(len(table.values), np.nan)
    for axis in axes:
        others = tuple(i for i in axes if i != axis)
        means, present = cluster_means(table.values, table.present, others) if others else (table.values, table.present)
        means, present = means.reshape(len(found), -1), present.reshape(len(found), -1)
        n = present.sum(axis=1)
        centred = np.where(present, means - cluster_means(means, present, (1,))[0], 0.0)
        second, third = (np.sum(centred**k, axis=1) / np.maximum(n, 1) for k in (2, 3))
        scatter = (n > 2) & (second > 1e-24 * np.max(means**2, axis=1, initial=0.0, where=present))
        with np.errstate(divide="ignore", invalid="ignore"):
            one = np.where(scatter, third / np.where(scatter, second, 1.0) ** 1.5, np.nan)
        found = np.where(np.isnan(found) | (np.abs(one) > np.abs(found)), one, found)
    return found


def effect_sets(table: Table) -> list[frozenset[int]]:
    """The sets of random axes that carry an effect (each with its parents), smaller sets first."""
    above = {i: table.names.index(table.parent[name]) for i, name in enumerate(table.names) if name in table.parent}
    axes = range(len(table.names))
    sets = (frozenset(chosen) for size in range(1, len(axes) + 1) for chosen in combinations(axes, size))
    return [members for members in sets if all(above.get(i, i) in members for i in members)]


def mean_squares(values: np.ndarray, present: np.ndarray, family: Sequence[frozenset[int]]) -> Effects:
    """``v_S`` and ``df_S`` of every effect set in ``family`` (module docstring).

    Args:
        values: Real [cell, *random].
        present: Which entries count, same shape.
        family: What :func:`effect_sets` gives: each set after all of its subsets.
    """
    everything = tuple(range(1, values.ndim))
    values = np.where(present, values, 0.0).astype(np.float64, copy=False)
    total = present.sum(axis=everything)
    grand = cluster_means(values, present, everything)[0]
    effects: dict[frozenset[int], np.ndarray] = {}
    found: Effects = {}
    for members in family:
        others = tuple(axis for axis in everything if axis - 1 not in members)
        effect = (cluster_means(values, present, others)[0] if others else values) - grand
        df = np.minimum(total, 1) * -1.0
        for smaller in (s for s in effects if s < members):
            effect = effect - effects[smaller]
            df = df - found[smaller][1]
        size = present.sum(axis=others, keepdims=True) if others else present
        count = (size > 0).sum(axis=everything)
        df = df + count
        squares = np.sum((size * effect) ** 2, axis=everything)
        v = np.where(df > 0, count / np.maximum(df, 1) * squares / np.maximum(total, 1) ** 2, 0.0)
        effects[members] = effect
        found[members] = (v, np.maximum(df, 0.0))
    return found


def contributions(found: Effects) -> dict[frozenset[int], dict[frozenset[int], np.ndarray]]:
    """Each component's ``g_S`` as whole-number coefficients of the ``v_T``; all zero where it was cut off."""
    made: dict[frozenset[int], dict[frozenset[int], np.ndarray]] = {}
    for members in sorted(found, key=len, reverse=True):
        parts = {members: np.ones_like(found[members][0])}
        for larger in (s for s in made if s > members):
            for other, coefficient in made[larger].items():
                parts[other] = parts.get(other, 0.0) - coefficient
        positive = sum(c * found[other][0] for other, c in parts.items()) > 0
        made[members] = {other: np.where(positive, c, 0.0) for other, c in parts.items()}
    return made


def _sum_of_components(found: Effects) -> tuple[np.ndarray, np.ndarray]:
    """``sum_S g_S`` and Satterthwaite's ``sum_S (c_S v_S)^2 / df_S``."""
    coefficients = {members: np.zeros_like(v) for members, (v, _) in found.items()}
    for parts in contributions(found).values():
        for other, coefficient in parts.items():
            coefficients[other] = coefficients[other] + coefficient
    terms = {members: coefficients[members] * found[members][0] for members in found}
    spread = [term**2 / np.maximum(found[members][1], 1.0) for members, term in terms.items()]
    return np.sum(list(terms.values()), axis=0), np.sum(spread, axis=0)


def t_quantile(df: Any, probability: float) -> np.ndarray:
    """Student's t quantile; the normal one where ``df`` is infinite."""
    from scipy import special

    finite = np.isfinite(df) | np.isnan(df)
    return np.where(finite, special.stdtrit(np.where(finite, df, 1.0), probability), special.ndtri(probability))


def t_probability(df: Any, value: Any) -> np.ndarray:
    """Student's t distribution function at ``value``; the normal one where ``df`` is infinite."""
    from scipy import special

    finite = np.isfinite(df) | np.isnan(df)
    return np.where(finite, special.stdtr(np.where(finite, df, 1.0), value), special.ndtr(value))
