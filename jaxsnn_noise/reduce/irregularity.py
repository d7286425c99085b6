"""The coefficient of variation of intervals, pooled over members: a fold, and the same with names."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

import equinox as eqx
import numpy as np

from jaxsnn_noise._checks import fail
from jaxsnn_noise.reduce.errors import t_quantile
from jaxsnn_noise.reduce.folds import MemberFold
from jaxsnn_noise.reduce.jackknife import by_group, check_groups, jackknife
from jaxsnn_noise.reduce.streams import stream

if TYPE_CHECKING:
    import xarray as xr

FIELDS = ("count", "total", "squares", "squares_high")
"""What ``statistics.IntervalSums`` gives, in the order of the vector that the fold takes."""


class PooledSums(NamedTuple):
    """Whole numbers [group, *cell]: members, intervals, sum; squares in two words; ``missing`` [*cell]."""

    members: np.ndarray
    intervals: np.ndarray
    total: np.ndarray
    low: np.ndarray
    high: np.ndarray
    missing: np.ndarray


class PooledCV(MemberFold):
    """Coefficient of variation of the intervals of all members together, standard deviation over mean (both of all intervals).

    The mean of each member's own CV is biased low by 10 to 30 % where records hold a few intervals only (numbers in
    ``statistics.IntervalCV``); this one within 1 % from some 20 intervals a record on, and by 5 % at 5. The error is a
    jackknife over members, the interval on the logarithmic scale, ``CV exp(-+ t(df) standard_error / CV)``. NaN with fewer than
    two intervals. Neurons of different rates are not to be pooled: their rates would vary the intervals, too.

    Members are vectors of four, as of ``statistics.IntervalSums``: number of intervals, their sum, and the sum of their squares in
    words of 32 bits, the lowest first; all in whole steps.

    Args:
        groups: Jackknife groups, at least 2.

    References:
        Nawrot, Boucsein, Rodriguez Molina, Riehle, Aertsen & Rotter (2008), J. Neurosci. Methods 169:374,
        doi:10.1016/j.jneumeth.2007.10.013 (the bias of short records).

    Example:
        >>> fold = PooledCV()
        >>> sums = np.array([[2, 4, 10, 0], [1, 2, 4, 0]])  # intervals 1 and 3; 2
        >>> round(float(fold.finalize(fold.update(fold.init((4,)), sums, 0), 0.95)["cv"]), 4)
        0.4082
    """

    vector: ClassVar[str] = "interval sums"
    groups: int = eqx.field(static=True, default=32)

    def __check_init__(self) -> None:
        check_groups("reduce.PooledCV: groups", self.groups)

    def init(self, shape: tuple[int, ...]) -> PooledSums:
        if not shape or shape[-1] != len(FIELDS):
            fail("reduce.PooledCV", f"needs members [..., {len(FIELDS)}]: {', '.join(FIELDS)}", shape)
        grouped = np.zeros((self.groups, *shape[:-1]), np.int64)
        return PooledSums(*(grouped,) * 5, np.zeros(shape[:-1], np.int64))

    def update(self, acc: PooledSums, members: np.ndarray, first: int) -> PooledSums:
        present = np.isfinite(members).all(axis=-1)
        sums = np.where(present[..., None], members, 0)
        if np.any((sums < 0) | (sums != np.rint(sums))):
            fail("reduce.PooledCV", "needs the whole numbers of statistics.IntervalSums", members)
        parts = (present, *np.moveaxis(sums.astype(np.int64), -1, 0))
        n, k, total, low, high = (by_group(part, first, self.groups) for part in parts)
        missing = np.asarray((~present).sum(axis=0, dtype=np.int64))
        return self.merge(acc, PooledSums(n, k, total, low, high, missing))

    def finalize(self, acc: PooledSums, confidence: float) -> dict[str, Any]:
        whole = [part.sum(axis=0) for part in acc[:5]]
        cv = _cv(*whole[1:])
        without = _cv(*(all_ - part for all_, part in zip(whole[1:], acc[1:5], strict=True)))
        error, df = jackknife(cv, without, acc.members)
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            reach = np.where(cv > 0, t_quantile(df, 0.5 + 0.5 * confidence) * error / cv, error)
            low, high = cv * np.exp(-reach), cv * np.exp(reach)
        return {
            "cv": cv, "standard_error": error, "low": low, "high": high,
            "intervals": whole[1], "df": df, "n": whole[0], "n_missing": acc.missing,
        }  # fmt: skip

    @classmethod
    def example(cls) -> PooledCV:
        return cls()


def _cv(number: Any, total: Any, low: Any, high: Any) -> Any:
    """From whole numbers, with squares about a whole number near the mean: no large numbers cancel.

    ``sum (d - q)^2 = squares - q (2 total - k q)``, in words of 32 bits, and ``total = k q + r``.
    """
    k = np.maximum(number, 1)
    q, r = np.divmod(total, k)
    # python's whole numbers have no end, and there is one per cell and group
    exact = np.vectorize(lambda lo, hi, q, t, k: float(int(lo) + (int(hi) << 32) - int(q) * (2 * int(t) - int(k) * int(q))), otypes=[float])  # fmt: skip
    about = exact(low, high, q, total, k)
    with np.errstate(divide="ignore", invalid="ignore"):
        variance = np.maximum(about / k - np.square(r / k), 0.0)
        return np.where(number >= 2, np.sqrt(variance) / (total / k), np.nan)


def interval_cv(
    data: xr.Dataset, name: str, over: str = "trial", *, confidence: float = 0.95, groups: int = 32
) -> xr.Dataset:
    """Coefficient of variation of the intervals of all members along one random dimension; see :class:`PooledCV`.

    Args:
        data: Results that hold those of ``statistics.IntervalSums``.
        name: Name of that statistic.
        over: The random dimension whose members are pooled.
        confidence: Coverage of the two-sided interval.
        groups: Jackknife groups.

    Returns:
        Dataset over the other dimensions: ``cv``, ``standard_error``, ``low``, ``high`` [1], ``intervals`` (their number), ``df``,
        ``n``, ``n_missing``. To say how it varies between neurons or chips give ``cv`` to :func:`mean_and_error`.

    Raises:
        InputError: results without the sums; ``over`` is no dimension of at least two members.

    Example:
        >>> import xarray as xr
        >>> sums = {"x_count": [2, 1], "x_total": [4, 2], "x_squares": [10, 4], "x_squares_high": [0, 0]}
        >>> data = xr.Dataset({name: ("trial", values) for name, values in sums.items()})
        >>> round(float(interval_cv(data, "x")["cv"]), 4)
        0.4082
    """
    import xarray as xr

    who = "reduce.interval_cv"
    names = [f"{name}_{field}" for field in FIELDS]
    if not isinstance(data, xr.Dataset) or any(one not in data for one in names):
        known: Sequence[str] = [str(one) for one in data] if isinstance(data, xr.Dataset) else []
        fail(who, f"needs a dataset with the results of statistics.IntervalSums, {', '.join(names)}", name, known=known)
    array = xr.concat([data[one].astype(np.float64) for one in names], dim="field")
    return stream(who, PooledCV(groups), array, over, ("field",), confidence).assign_attrs(estimate="cv")
