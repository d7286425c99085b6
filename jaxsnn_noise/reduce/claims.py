"""Claims of the form "at most" and "at least", cell by cell and for every cell together."""

from __future__ import annotations

import abc
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from jaxsnn_noise._checks import fail, finite, is_a, number
from jaxsnn_noise._checks import names as names_of
from jaxsnn_noise.parameters import Ranged
from jaxsnn_noise.reduce.betabinomial import Clusters
from jaxsnn_noise.reduce.counts import count_limits, count_scores
from jaxsnn_noise.reduce.design import check_confidence
from jaxsnn_noise.reduce.errors import mean_and_error, t_probability, t_quantile
from jaxsnn_noise.reduce.proportions import clusters_of, proportion, wilson
from jaxsnn_noise.reduce.verdicts import choose
from jaxsnn_noise.verdicts import compare

if TYPE_CHECKING:
    import xarray as xr


class Correction(Ranged):
    """How p-values are adjusted so that *any* false verdict has a stated probability (abstract)."""

    @abc.abstractmethod
    def adjust(self, p: np.ndarray) -> np.ndarray:
        """Adjusted p-values [cell]: their smallest family-wise error rate at which each is still rejected.

        NaN stays NaN, and counts as a member of the family.
        """


class Bonferroni(Correction):
    """``min(1, m p)``: single step, so that the limits of all m cells hold at once.

    Example:
        >>> Bonferroni().adjust(np.array([0.01, 0.04])).tolist()
        [0.02, 0.08]
    """

    def adjust(self, p: np.ndarray) -> np.ndarray:
        return np.minimum(p * p.size, 1.0)


class Holm(Correction):
    """Step down, ``max_{j <= i} min(1, (m - j + 1) p_(j))``: never weaker than Bonferroni (Holm 1979).

    Example:
        >>> Holm().adjust(np.array([0.01, 0.04])).tolist()
        [0.02, 0.04]
    """

    def adjust(self, p: np.ndarray) -> np.ndarray:
        order = np.argsort(p)  # NaN last
        stepped = np.maximum.accumulate(np.minimum(p[order] * (p.size - np.arange(p.size)), 1.0))
        adjusted = np.empty_like(p)
        adjusted[order] = stepped
        return np.where(np.isnan(p), np.nan, adjusted)


def at_most(
    values: xr.DataArray | xr.Dataset,
    bound: float | int,
    over: str | Sequence[str] | None = None,
    *,
    confidence: float = 0.95,
    nested: Mapping[str, str] | None = None,
    correction: Correction | None = None,
) -> xr.Dataset:
    """Is the mean at most ``bound``? One-sided limits, p-values and a three-way verdict in every cell.

    With ``t = (mean - bound) / standard_error`` and F the t distribution function::

        upper, lower = mean +- t(confidence, df) * standard_error    each holds with probability ``confidence``
        p_reproduced = F(t)          of "mean > bound"   (small: shown to be at most the bound)
        p_refuted    = 1 - F(t)      of "mean <= bound"  (small: shown to be above it)
        verdict: reproduced if upper <= bound, not reproduced if lower > bound, else undecided

    For a :func:`proportion` the limits are those of its interval, and ``t`` is its statistic at the bound: of the
    profile likelihood where outcomes are clustered, else the score ``(mean - bound) / sqrt(bound (1 - bound) / n)``. An
    array of booleans is taken as one. For a :func:`psth` ``t`` is the score that :class:`PSTH` names. A cell with a missing member is undecided, whatever the
    survivors say; to count lost runs as the worst outcome put its value in before (``fillna``).

    With a ``correction`` both p-values are adjusted over all cells, the verdict compares them with ``1 - confidence``,
    and the limits are those of Bonferroni (level ``1 - (1 - confidence) / cells``, valid for all cells at once; a
    verdict of :class:`Holm` can be sharper than they show). Use it to pick out single cells. For one verdict on "every
    cell" pass the *uncorrected* result to :func:`every`.

    Args:
        values: An array of results, with ``over``; or, without, what :func:`mean_and_error`, :func:`paired_contrast`,
            :func:`proportion` or a statistic of this package returned.
        bound: The claimed bound, in the unit of the array.
        over: The random dimensions of an array.
        confidence: Of each one-sided limit; 1 minus the probability of a false verdict of either kind.
        nested: Child to parent; default :data:`NESTED`.
        correction: ``Bonferroni()`` or ``Holm()``; default none.

    Returns:
        Dataset: ``estimate``, ``standard_error``, ``lower``, ``upper`` in the unit of the array, ``df``,
        ``n``, ``n_missing``, ``p_reproduced``, ``p_refuted`` [1] and ``verdict`` (a value of :class:`Verdict`).

    Raises:
        InputError: an array without ``over`` or a result with it, a dataset that is no such result, a bound that is not
            finite; see also :func:`jaxsnn_noise.reduce.design.tabulate`.

    References:
        Holm (1979), Scandinavian J. Statistics 6(2), https://www.jstor.org/stable/4615733.

    Example:
        >>> import xarray as xr
        >>> loss = xr.DataArray([[0.2, 0.3, 0.1], [0.9, 1.4, 0.8]], dims=("case", "device"))
        >>> at_most(loss, 1.0, "device")["verdict"].values.tolist()
        ['reproduced', 'undecided']
    """
    who = "reduce.at_most"
    return _claim(who, values, bound, over, confidence, nested, correction, most=True)


def at_least(
    values: xr.DataArray | xr.Dataset,
    bound: float | int,
    over: str | Sequence[str] | None = None,
    *,
    confidence: float = 0.95,
    nested: Mapping[str, str] | None = None,
    correction: Correction | None = None,
) -> xr.Dataset:
    """Is the mean at least ``bound``? The mirror image of :func:`at_most`: same arguments, same results."""
    who = "reduce.at_least"
    return _claim(who, values, bound, over, confidence, nested, correction, most=False)


def every(claims: xr.Dataset, over: str | Sequence[str] | None = None) -> xr.Dataset:
    """One verdict on "the claim holds in every cell", from the cells of :func:`at_most` or :func:`at_least`.

    To show that all of m cells obey a bound, each must be shown to at the full level, and no correction is due (an
    intersection-union test, Berger 1982). To show that some cell breaks it, one must stand out among m::

        p_reproduced = max_cells p_reproduced
        p_refuted    = min(1, m min_cells p_refuted)

    Args:
        claims: What :func:`at_most` or :func:`at_least` returned without a correction.
        over: The (swept) dimensions to combine; default all.

    Returns:
        Dataset over the other dimensions: ``p_reproduced``, ``p_refuted``, ``cells``, ``n_missing`` and ``verdict``,
        which is undecided where a member of any cell was missing.

    Raises:
        InputError: ``claims`` was corrected or is no such result, or ``over`` names an unknown dimension.

    References:
        Berger (1982), Multiparameter hypothesis testing and acceptance sampling, Technometrics 24(4),
        doi:10.1080/00401706.1982.10487790.

    Example:
        >>> import xarray as xr
        >>> loss = xr.DataArray([[0.2, 0.3, 0.1], [0.4, 0.5, 0.3]], dims=("case", "device"))
        >>> str(every(at_most(loss, 1.0, "device"))["verdict"].values)
        'reproduced'
    """
    who = "reduce.every"
    if "p_refuted" not in getattr(claims, "data_vars", ()):
        fail(who, "needs what at_most or at_least returned", type(claims).__name__)
    if claims.attrs.get("correction", "none") != "none":
        fail(who, "needs claims without a correction (it brings its own)", claims.attrs["correction"])
    names = list(claims.dims) if over is None else list(names_of(f"{who}: over", over))
    for name in names:
        if name not in claims.dims:
            fail(f"{who}: over", "unknown dimension", name, known=map(str, claims.dims))
    cells = int(np.prod([claims.sizes[name] for name in names], dtype=int))
    missing = claims["n_missing"].sum(names)
    p_reproduced = claims["p_reproduced"].max(names, skipna=False)
    p_refuted = (cells * claims["p_refuted"].min(names, skipna=False)).clip(max=1.0)
    verdict = _verdicts(claims.attrs["confidence"], p_reproduced.to_numpy(), p_refuted.to_numpy(), missing.to_numpy())
    found = p_reproduced.to_dataset(name="p_reproduced")
    return found.assign(
        p_refuted=p_refuted, cells=cells, n_missing=missing, verdict=(p_reproduced.dims, verdict)
    ).assign_attrs(claims.attrs)


def _claim(
    who: str,
    values: Any,
    bound: float,
    over: Any,
    confidence: float,
    nested: Any,
    correction: Any,
    *,
    most: bool,
) -> xr.Dataset:
    check_confidence(who, confidence)
    bound = number(f"{who}: bound", bound)
    if correction is not None:
        is_a(f"{who}: correction", correction, Correction, "Holm()")
    finite(f"{who}: bound", bound)
    estimate = _estimate(who, values, over, confidence, nested)
    cells = _Cells.of(estimate)
    p_reproduced, p_refuted = cells.p_values(float(bound), confidence, most=most)
    level = confidence
    if correction is not None:
        p_reproduced, p_refuted = correction.adjust(p_reproduced), correction.adjust(p_refuted)
        level = 1.0 - (1.0 - confidence) / max(cells.mean.size, 1)
    lower, upper = cells.limits(level)
    verdict = _verdicts(confidence, p_reproduced, p_refuted, cells.n_missing)
    made = {
        "lower": lower,
        "upper": upper,
        "p_reproduced": p_reproduced,
        "p_refuted": p_refuted,
        "verdict": verdict,
    }
    mean = estimate["mean"]
    kept = estimate[["mean", "standard_error", "df", "n", "n_missing"]].rename(mean="estimate")
    found = kept.assign({name: (mean.dims, value.reshape(mean.shape)) for name, value in made.items()})
    for name in ("lower", "upper"):
        found[name].attrs.update(mean.attrs)
    return found.assign_attrs(
        claim="at most" if most else "at least",
        bound=float(bound),
        confidence=confidence,
        correction="none" if correction is None else type(correction).__name__,
    )


@dataclass(frozen=True)
class _Cells:
    """The estimates of all cells in a row [cell].

    ``effective`` is None where they are no proportions, ``counts`` where these are not clustered, and ``spikes`` (Fano
    factor, members, spikes per member in the unit of the mean) where they are no rates of counted spikes.
    """

    mean: np.ndarray
    error: np.ndarray
    df: np.ndarray
    n_missing: np.ndarray
    effective: np.ndarray | None
    counts: Clusters | None
    spikes: tuple[np.ndarray, np.ndarray, float] | None

    @classmethod
    def of(cls, estimate: xr.Dataset) -> _Cells:
        names = ("mean", "standard_error", "df", "n_missing")
        mean, error, df, missing = (estimate[name].to_numpy().reshape(-1) for name in names)
        effective = estimate["n_effective"].to_numpy().reshape(-1) if "n_effective" in estimate else None
        spikes = None
        if "dispersion" in estimate and "bin_ms" in estimate.attrs:
            fano, n = (estimate[name].to_numpy().reshape(-1).astype(np.float64) for name in ("dispersion", "n"))
            spikes = fano, n, estimate.attrs["bin_ms"] / 1000.0
        return cls(mean, error, df, missing, effective, clusters_of(estimate), spikes)

    def limits(self, level: float) -> tuple[np.ndarray, np.ndarray]:
        """One-sided lower and upper limit, each at ``level``."""
        c = t_quantile(self.df, level)
        if self.counts is not None:
            return self.counts.limits(c)
        if self.effective is not None:
            return wilson(self.mean, self.effective, c)
        if self.spikes is not None:
            fano, n, unit = self.spikes
            lower, upper = count_limits(self.mean * unit, fano, n, c)
            return lower / unit, upper / unit
        return self.mean - c * self.error, self.mean + c * self.error

    def p_values(self, bound: float, confidence: float, *, most: bool) -> tuple[np.ndarray, np.ndarray]:
        """``p_reproduced`` and ``p_refuted`` of "at most" (or "at least") ``bound``.

        Where the bound leaves no spread (all clusters alike; a bound of 0 or 1 on a proportion) the limits decide.
        """
        scores, sharp = self._scores(bound)
        limits = self.limits(confidence)
        shown, broken = compare(*limits, most=bound) if most else compare(*limits, least=bound)
        sign = 1.0 if most else -1.0
        with np.errstate(invalid="ignore"):
            tails = [
                t_probability(self.df, side * score)
                for side, score in zip((sign, -sign), scores[:: int(sign)], strict=True)
            ]
        return np.where(sharp, 1.0 - shown, tails[0]), np.where(sharp, 1.0 - broken, tails[1])

    def _scores(self, bound: float) -> tuple[tuple[np.ndarray, np.ndarray], np.ndarray]:
        """Student's t at which the upper and the lower limit is the bound, and where no spread is left for one."""
        error = self.error
        if self.counts is not None:
            score = self.counts.t(bound)
            return (score, score), np.full(self.mean.shape, bound <= 0.0 or bound >= 1.0)
        if self.spikes is not None:
            fano, n, unit = self.spikes
            return count_scores(self.mean * unit, fano, n, bound * unit), np.full(self.mean.shape, bound <= 0.0)
        if self.effective is not None:
            error = np.sqrt(max(bound * (1.0 - bound), 0.0) / self.effective)
        with np.errstate(divide="ignore", invalid="ignore"):
            score = (self.mean - bound) / error
        return (score, score), error == 0


def _estimate(who: str, values: Any, over: Any, confidence: float, nested: Any) -> xr.Dataset:
    """``values`` itself if it is an estimate, else its mean over the random dimensions."""
    if not hasattr(values, "data_vars"):
        if over is None:
            fail(f"{who}: over", "an array needs its random dimensions named", over)
        if getattr(getattr(values, "dtype", None), "kind", "") == "b":
            return proportion(values, over, confidence=confidence, nested=nested)
        return mean_and_error(values, over, confidence=confidence, nested=nested)
    if "estimate" in values.attrs:
        values = values.rename({values.attrs["estimate"]: "mean"})
    lacking = sorted({"mean", "standard_error", "df", "n", "n_missing"} - set(values.data_vars))
    if lacking:
        fail(who, f"needs an array, or an estimate with {lacking}", list(values.data_vars))
    if over is not None or nested is not None:
        fail(f"{who}: over", "an estimate has no random dimensions left", over or nested)
    return values


def _verdicts(confidence: float, p_reproduced: np.ndarray, p_refuted: np.ndarray, missing: np.ndarray) -> np.ndarray:
    alpha = 1.0 - confidence
    complete = np.asarray(missing) == 0
    return choose(complete & (p_reproduced <= alpha), complete & (p_refuted < alpha))
