"""Statistics that need several members: folds over members, so that chunks of them can stream through.

The protocol is that of the statistics of one run, with members in place of time steps:
``init -> update ... update -> finalize``, and ``merge`` for accumulators of different members. All sums are sums of
integers, so that chunks of any size, in any order, merged in any tree, give the same bits as the whole. Errors are
delete-a-group jackknives (:mod:`jaxsnn_noise.reduce.jackknife`).
"""

from __future__ import annotations

import abc
import functools
from typing import Any, ClassVar, NamedTuple

import equinox as eqx
import numpy as np

from jaxsnn_noise._checks import count, fail, number, positive
from jaxsnn_noise.parameters import Ranged
from jaxsnn_noise.reduce.counts import count_limits, dispersion
from jaxsnn_noise.reduce.errors import t_quantile
from jaxsnn_noise.reduce.jackknife import by_group, check_groups, jackknife


class MemberFold(Ranged):
    """A statistic over the members along one random dimension (abstract)."""

    vector: ClassVar[str] = "spike counts"
    """What the entries of a member are."""

    @abc.abstractmethod
    def init(self, shape: tuple[int, ...]) -> Any:
        """The accumulator of no members; ``shape`` is that of one member."""

    @abc.abstractmethod
    def update(self, acc: Any, members: np.ndarray, first: int) -> Any:
        """Add members ``[member, *shape]``; ``first`` is the index of the first of them in the whole ensemble."""

    def merge(self, a: Any, b: Any) -> Any:
        """The accumulator of the members of both (no member in both), in any order, to the bit."""
        return type(a)(*(x + y for x, y in zip(a, b, strict=True)))

    @abc.abstractmethod
    def finalize(self, acc: Any, confidence: float) -> dict[str, Any]:
        """The estimate, its error and interval, and the counts, by name."""

    @classmethod
    @abc.abstractmethod
    def example(cls) -> MemberFold:
        """A member of the class with ordinary parameters."""


class FanoSums(NamedTuple):
    """Integer sums of counts: ``n``, ``total``, ``squares`` [group, *shape]; ``missing`` [*shape]."""

    n: np.ndarray
    total: np.ndarray
    squares: np.ndarray
    missing: np.ndarray


class FanoFactor(MemberFold):
    """Fano factor of spike counts over members: variance (n - 1 in the denominator) over mean.

    ``F = s^2 / mean``, with a jackknife error and an interval on the logarithmic scale,
    ``F exp(-+ t(df) standard_error / F)``. NaN where no member spiked (0 / 0).

    Args:
        groups: Jackknife groups, at least 2.

    Example:
        >>> fold = FanoFactor()
        >>> first = fold.update(fold.init((1,)), np.array([[4], [6]]), 0)
        >>> second = fold.update(fold.init((1,)), np.array([[5], [9]]), 2)
        >>> float(fold.finalize(fold.merge(first, second), 0.95)["variance"][0])
        4.666666666666667
    """

    groups: int = eqx.field(static=True, default=32)

    def __check_init__(self) -> None:
        check_groups("reduce.FanoFactor: groups", self.groups)

    def init(self, shape: tuple[int, ...]) -> FanoSums:
        grouped = np.zeros((self.groups, *shape), np.int64)
        return FanoSums(grouped, grouped, grouped, missing=np.zeros(shape, np.int64))

    def update(self, acc: FanoSums, members: np.ndarray, first: int) -> FanoSums:
        present, counts = whole("reduce.FanoFactor", members)
        n, total, squares = (by_group(part, first, self.groups) for part in (present, counts, counts**2))
        return self.merge(acc, FanoSums(n, total, squares, _total(~present)))

    def finalize(self, acc: FanoSums, confidence: float) -> dict[str, Any]:
        n, total, squares = (part.sum(axis=0) for part in acc[:3])
        fano, mean, variance = _fano(n, total, squares)
        without = _fano(n - acc.n, total - acc.total, squares - acc.squares)[0]
        error, df = jackknife(fano, without, acc.n)
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            reach = np.where(fano > 0, t_quantile(df, 0.5 + 0.5 * confidence) * error / fano, error)
            low, high = fano * np.exp(-reach), fano * np.exp(reach)
        return {
            "fano_factor": fano, "standard_error": error, "low": low, "high": high,
            "mean_count": mean, "variance": variance, "df": df, "n": n, "n_missing": acc.missing,
        }  # fmt: skip

    @classmethod
    def example(cls) -> FanoFactor:
        return cls()


class ReliabilitySums(NamedTuple):
    """``members``, ``active``, ``shifted`` [group, *cell]; ``direction`` [group, *cell, bin]; ``missing`` [*cell]."""

    members: np.ndarray
    active: np.ndarray
    direction: np.ndarray
    shifted: np.ndarray
    missing: np.ndarray


class Reliability(MemberFold):
    """Mean cosine similarity of binned (or smoothed) spike trains over all pairs of members.

    With ``z_i = train_i / |train_i|`` over the last axis, ``z_i = 0`` for a silent train, R members of which A spiked::

        reliability        = (|sum_i z_i|^2 - A) / (R (R - 1))
        reliability_active = (|sum_i z_i|^2 - A) / (A (A - 1))

    so that in ``reliability`` a silent trial resembles no other (Schreiber et al. 2003), and ``reliability_active``
    speaks of the trials with spikes only; ``n_silent`` counts the others. NaN where every trial is silent. Entries of z
    are rounded to multiples of 2^-40 (an error of 1e-12), which makes their sums exact for up to 4 million members. The
    interval is symmetric on the logit scale of the possible values, ``-1 / (R - 1)`` to 1 (measured coverage of the 95
    % interval: 95 to 96 % for Poisson trains from 20 trials on; 92 to 99 % for trains of a single spike). A member with
    a non-finite bin is missing.

    Trains are not centred: independent Poisson trains of a constant rate have a positive reliability, which grows with the rate.
    ``chance`` is what trials have that keep their spikes but not their times: the mean over all circular shifts of the trials
    against each other, exactly (no trial is shuffled)::

        chance       = (|sum_i m_i|^2 - sum_i |m_i|^2) bins / (R (R - 1)),     m_i the mean of z_i over its bins
        above_chance = (reliability - chance) / (1 - chance)

    Args:
        groups: Jackknife groups, at least 2.
        series: Number of neurons (or channels) in a vector [bin, series], which are shifted together.

    References:
        Schreiber, Fellous, Whitmer, Tiesinga & Sejnowski (2003), A new correlation-based measure of spike timing
        reliability, Neurocomputing 52-54, doi:10.1016/S0925-2312(02)00838-X.

    Example:
        >>> fold = Reliability()
        >>> trains = np.array([[1, 0, 0], [1, 0, 0], [0, 1, 0]])
        >>> round(float(fold.finalize(fold.update(fold.init((3,)), trains, 0), 0.95)["reliability"]), 9)
        0.333333333
    """

    groups: int = eqx.field(static=True, default=32)
    series: int = eqx.field(static=True, default=1)

    def __check_init__(self) -> None:
        check_groups("reduce.Reliability: groups", self.groups)
        count("reduce.Reliability: series", self.series)

    def init(self, shape: tuple[int, ...]) -> ReliabilitySums:
        cell = shape[:-1]
        grouped = np.zeros((self.groups, *cell), np.int64)
        direction = np.zeros((self.groups, *shape), np.int64)
        return ReliabilitySums(grouped, grouped, direction, grouped, np.zeros(cell, np.int64))

    def update(self, acc: ReliabilitySums, members: np.ndarray, first: int) -> ReliabilitySums:
        present = np.isfinite(members).all(axis=-1)
        trains = np.ascontiguousarray(np.where(present[..., None], members, 0.0), dtype=np.float64)
        norm = np.sqrt(np.sum(trains**2, axis=-1, keepdims=True))
        direction = np.rint(trains / np.where(norm > 0, norm, 1.0) / _GRID).astype(np.int64)
        spiked = norm[..., 0] > 0
        own = np.rint(self._shifted(direction) / _GRID).astype(np.int64)
        a, b, c, d = (by_group(part, first, self.groups) for part in (present, spiked, direction, own))
        return self.merge(acc, ReliabilitySums(a, b, c, d, _total(~present)))

    def _shifted(self, direction: Any) -> Any:
        """The mean inner product of a vector with all of its own circular shifts."""
        by_series = np.reshape(direction * _GRID, (*direction.shape[:-1], -1, self.series))
        return np.sum(by_series.mean(axis=-2) ** 2, axis=-1) * by_series.shape[-2]

    def _chance(self, direction: Any, shifted: Any, active: Any, members: Any) -> Any:
        with np.errstate(divide="ignore", invalid="ignore"):
            value = (self._shifted(direction) - shifted * _GRID) / (members * (members - 1.0))
        return np.where((members > 1) & (active > 0), value, np.nan)

    def finalize(self, acc: ReliabilitySums, confidence: float) -> dict[str, Any]:
        members, active, direction, shifted = (part.sum(axis=0) for part in acc[:4])
        value = _similarity(direction, active, members)
        without = np.stack([
            _similarity(direction - acc.direction[g], active - acc.active[g], members - acc.members[g])
            for g in range(self.groups)
        ])  # fmt: skip
        chance = self._chance(direction, shifted, active, members)
        chances = np.stack([
            self._chance(direction - acc.direction[g], shifted - acc.shifted[g], active - acc.active[g], members - acc.members[g])
            for g in range(self.groups)
        ])  # fmt: skip
        # Leaving out every train with spikes leaves a set that is all silent: no similarity in it.
        nothing = np.isnan(without) & (members - acc.members > 1)
        without, chances = np.where(nothing, 0.0, without), np.where(nothing, 0.0, chances)
        with np.errstate(divide="ignore", invalid="ignore"):
            above, others = (value - chance) / (1.0 - chance), (without - chances) / (1.0 - chances)
        error, df = jackknife(value, without, acc.members)
        low, high = _logit_limits(value, t_quantile(df, 0.5 + 0.5 * confidence) * error, members)
        return {
            "reliability": value, "standard_error": error, "low": low, "high": high,
            "reliability_active": _similarity(direction, active, active), "chance": chance,
            "above_chance": above, "above_chance_error": jackknife(above, others, acc.members)[0], "df": df,
            "n": members, "n_silent": members - active, "n_missing": acc.missing,
        }  # fmt: skip

    @classmethod
    def example(cls) -> Reliability:
        return cls()


class PSTHSums(NamedTuple):
    """Integer sums of counts per bin, each [*shape]."""

    n: np.ndarray
    total: np.ndarray
    squares: np.ndarray
    missing: np.ndarray


class PSTH(MemberFold):
    """Peri-stimulus time histogram: mean rate per bin over members [Hz], with its error over members.

    ``rate = 1000 mean / bin_ms``, ``standard_error = 1000 sqrt(s^2 / n) / bin_ms``. The interval is that of a Poisson
    count with the Fano factor of the bin, at Student's quantile with n - 1 degrees of freedom, so that it is not
    symmetric, holds few spikes and stays above 0 Hz; a bin of equal counts (none at all among them) has one too.
    Equations are in :mod:`jaxsnn_noise.reduce.counts`; ``dispersion`` is the Fano factor that it takes. Measured
    coverage of the 95 % interval for Poisson counts of mean 0.005 to 2 in 10 to 200 trials: at least 94.5 %. Where
    spikes come in rare bursts, a sample may hold none of them: no interval of the sample can then cover the rate.

    Args:
        bin_ms: Width of a bin [ms], > 0.

    Example:
        >>> fold = PSTH(bin_ms=10.0)
        >>> fold.finalize(fold.update(fold.init((2,)), np.array([[1, 0], [0, 1]]), 0), 0.95)["rate"].tolist()
        [50.0, 50.0]
    """

    bin_ms: float = eqx.field(static=True, converter=functools.partial(number, "PSTH.bin_ms"))

    def __check_init__(self) -> None:
        positive("reduce.PSTH: bin_ms", self.bin_ms, "ms")

    def init(self, shape: tuple[int, ...]) -> PSTHSums:
        return PSTHSums(*(np.zeros(shape, np.int64) for _ in range(4)))

    def update(self, acc: PSTHSums, members: np.ndarray, first: int) -> PSTHSums:
        del first
        present, counts = whole("reduce.PSTH", members)
        parts = (present, counts, counts**2, ~present)
        return self.merge(acc, PSTHSums(*(_total(part) for part in parts)))

    def finalize(self, acc: PSTHSums, confidence: float) -> dict[str, Any]:
        _, mean, variance = _fano(acc.n, acc.total, acc.squares)
        df = np.where(acc.n > 1, acc.n - 1.0, np.nan)
        scale = 1000.0 / self.bin_ms
        with np.errstate(divide="ignore", invalid="ignore"):
            error = scale * np.sqrt(variance / acc.n)
        fano = dispersion(mean, variance, acc.n)
        low, high = count_limits(mean, fano, acc.n, t_quantile(df, 0.5 + 0.5 * confidence))
        return {
            "rate": scale * mean, "standard_error": error, "low": scale * low, "high": scale * high, "df": df,
            "n": acc.n, "n_missing": acc.missing, "dispersion": fano,
        }  # fmt: skip

    @classmethod
    def example(cls) -> PSTH:
        return cls(bin_ms=10.0)


_GRID = 2.0**-40


def whole(who: str, members: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Which entries are finite, and the counts as integers (0 where missing)."""
    present = np.isfinite(members)
    counts = np.where(present, members, 0)
    if np.any((counts < 0) | (counts != np.rint(counts))):
        fail(who, "needs spike counts: whole numbers >= 0 (or NaN)", members)
    return present, counts.astype(np.int64)


def _logit_limits(value: Any, reach: Any, members: Any) -> tuple[Any, Any]:
    """``value -+ reach`` on the logit scale between the least possible mean similarity and 1."""
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        floor = -1.0 / (members - 1.0)
        x = np.clip((value - floor) / (1.0 - floor), 0.0, 1.0)
        step = np.where(x * (1.0 - x) > 0, reach / ((1.0 - floor) * x * (1.0 - x)), 0.0 * reach)  # NaN stays NaN
        odds = x / (1.0 - x)
        low, high = (np.where(step == 0, x, 1.0 / (1.0 + np.exp(side * step) / odds)) for side in (1.0, -1.0))
    return floor + (1.0 - floor) * low, floor + (1.0 - floor) * high


def _total(members: np.ndarray) -> np.ndarray:
    return np.asarray(members.sum(axis=0, dtype=np.int64))


def _fano(n: Any, total: Any, squares: Any) -> tuple[Any, Any, Any]:
    """Fano factor, mean and variance from integer sums.

    ``sum (c - mean)^2 = squares - q (total + r) - r^2 / n`` with ``total = q n + r``: no large numbers cancel.
    """
    q, r = np.divmod(total, np.maximum(n, 1))
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = total / n
        variance = np.where(n > 1, (squares - q * (total + r) - r * r / n) / (n - 1), np.nan)
        return variance / mean, mean, variance


def _similarity(direction: Any, active: Any, members: Any) -> Any:
    """``(|direction|^2 - active) / (members (members - 1))``; NaN without a pair or an active train."""
    length = np.sum((direction * _GRID) ** 2, axis=-1)
    with np.errstate(divide="ignore", invalid="ignore"):
        value = (length - active) / (members * (members - 1.0))
    return np.where((members > 1) & (active > 0), value, np.nan)
