"""The profile likelihood of a proportion whose clusters differ, cell by cell at once.

Cluster i of a cell has ``k_i`` successes of ``n_i`` attempts, beta-binomial with mean p and intraclass correlation
rho (``a = p (1 - rho) / rho``, ``b = (1 - p) (1 - rho) / rho``; rho = 0 is the binomial)::

    l(p, rho) = sum_i log B(a + k_i, b + n_i - k_i) - log B(a, b)
    D(rho)    = 1 + (n - 1) rho                                     design effect, n the mean of n_i weighted by n_i
    l*(p)     = max_rho l(p, rho) + 1/2 log D(rho)
    root(p)   = sign(mean - p) sqrt(2 (l*(mean) - l*(p)) / max(1, V / V_model)),    0 where the difference is negative

with V the variance of the mean that the scatter of the clusters (in crossed designs: of all roots) shows, and
``V_model = mean (1 - mean) sum_i n_i (1 + (n_i - 1) rho) / N^2`` at the rho of ``l*(mean)``. Each part has a reason:

* the term ``1/2 log D``: where few clusters have an event, they cannot tell a small rho from a large one, and the
  plain maximum takes the smallest. Limits are then too low (10 % of the upper ones miss in place of 5). A term of the
  design effect weighs there, and not where every cluster speaks, unlike the terms in ``log rho`` that keep variances off
  zero (Chung, Rabe-Hesketh, Dorie, Gelman & Liu 2013).
* V / V_model: chips that do not follow a beta law scatter more than its best fit says.

A root speaks as Student's t of ``df`` degrees of freedom, by the relation that is exact for the mean of normal clusters
with unknown variance: ``t^2 = df (exp(root^2 / (df + 1)) - 1)``. Where all outcomes of a cell are alike nothing shows
rho; ``l`` is then taken at a rho that the caller assumes.

References:
    Chung, Rabe-Hesketh, Dorie, Gelman & Liu (2013), A nondegenerate penalized likelihood estimator for variance
    parameters in multilevel models, Psychometrika 78(4), doi:10.1007/s11336-013-9328-2. Venzon & Moolgavkar (1988), A
    method for computing profile-likelihood-based confidence intervals, Applied Statistics 37(1), doi:10.2307/2347496.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields

import numpy as np

AT_ONCE = 2_000_000
"""Entries [cell, cluster, rho] that are held at once."""
SPACING = 0.6
"""Of the grid of rho, about in its log odds; the greatest value is then found between its points."""
CLOSE = 1e-7
"""Ends are found to this in log odds, or in the root."""


@dataclass(frozen=True)
class Clusters:
    """The counts of all cells.

    Attributes:
        successes: [cell, cluster].
        attempts: [cell, cluster], 0 where a cluster is not there.
        mean: The estimate [cell]; NaN where there is none.
        variance: Of the mean, from the scatter of clusters [cell]; NaN with fewer than two.
        df: Degrees of freedom [cell].
        edge: Intraclass correlation that is assumed where all outcomes of a cell are alike.
    """

    successes: np.ndarray
    attempts: np.ndarray
    mean: np.ndarray
    variance: np.ndarray
    df: np.ndarray
    edge: np.ndarray

    def root(self, p: np.ndarray | float) -> np.ndarray:
        """The signed root at p [cell], NaN where nothing is known; infinite at 0 or 1 unless that is the estimate."""
        p = np.broadcast_to(np.asarray(p, np.float64), self.mean.shape)
        found = np.full(self.mean.shape, np.nan)
        known = self._known()
        at_end = known & ((p <= 0) | (p >= 1))
        found[at_end] = np.where(p == self.mean, 0.0, np.where(p <= 0, np.inf, -np.inf))[at_end]
        inside = np.flatnonzero(known & (p > 0) & (p < 1))
        for rows in self._chunks(inside):
            part = _Part.of(self._take(rows))
            odds = np.log(p[rows]) - np.log1p(-p[rows])
            found[rows] = np.sign(self.mean[rows] - p[rows]) * part.distance(odds, np.arange(len(rows)))
        return found

    def t(self, p: np.ndarray | float) -> np.ndarray:
        """Student's t of "the proportion is p" [cell]."""
        root = self.root(p)
        with np.errstate(over="ignore", invalid="ignore"):
            return np.sign(root) * np.sqrt(self.df * np.expm1(root**2 / (self.df + 1.0)))

    def limits(self, t: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Where Student's t is ``t`` and ``-t`` [cell]: the lower and the upper limit."""
        with np.errstate(invalid="ignore"):
            reach = np.sqrt((self.df + 1.0) * np.log1p(t**2 / self.df))
        low, high = np.full(self.mean.shape, np.nan), np.full(self.mean.shape, np.nan)
        for rows in self._chunks(np.flatnonzero(self._known() & np.isfinite(reach))):
            part = _Part.of(self._take(rows))
            ends = [
                np.where(s * t[rows] >= 0, part.end(-1.0, reach[rows]), part.end(1.0, reach[rows])) for s in (1, -1)
            ]
            low[rows], high[rows] = ends
        return low, high

    def intraclass(self) -> np.ndarray:
        """The rho of ``l*(mean)`` [cell]; NaN where all outcomes are alike."""
        found = np.full(self.mean.shape, np.nan)
        for rows in self._chunks(np.flatnonzero(self._known() & (self.mean > 0) & (self.mean < 1))):
            found[rows] = _Part.of(self._take(rows)).rho
        return found

    def _known(self) -> np.ndarray:
        return np.isfinite(self.variance) & (self.df > 0)

    def _take(self, rows: np.ndarray) -> Clusters:
        return Clusters(*(getattr(self, field.name)[rows] for field in fields(self)))

    def _chunks(self, rows: np.ndarray) -> list[np.ndarray]:
        most = max(1, AT_ONCE // max(1, self.attempts.shape[1] * _places(self.attempts).size))
        return [rows[i : i + most] for i in range(0, len(rows), most)]


@dataclass(frozen=True)
class _Part:
    """Some cells, with what does not depend on p."""

    counts: Clusters
    grid: np.ndarray  # [rho]
    fixed: np.ndarray  # [cell, rho]: the terms without p at the grid, 1/2 log D among them
    alike: np.ndarray  # [cell]
    best: np.ndarray  # l*(mean) [cell]
    rho: np.ndarray  # [cell]
    inflation: np.ndarray  # max(1, V / V_model) [cell]

    @classmethod
    def of(cls, counts: Clusters) -> _Part:
        grid = _places(counts.attempts)
        n, size = counts.attempts, len(counts.mean)
        every = np.arange(size)
        fixed = _without_p(n, _rho(grid, n))
        alike = (counts.mean <= 0) | (counts.mean >= 1)
        made = cls(counts, grid, fixed, alike, np.zeros(size), np.zeros(size), np.ones(size))
        rows = every[~alike]
        if rows.size:
            mean = counts.mean[rows]
            made.best[rows], made.rho[rows] = made._peak(np.log(mean) - np.log1p(-mean), rows)
            model = mean * (1 - mean) * np.sum(n[rows] * (1 + (n[rows] - 1) * made.rho[rows, None]), axis=1)
            made.inflation[rows] = np.maximum(1.0, counts.variance[rows] * n[rows].sum(axis=1) ** 2 / model)
        return made

    def distance(self, odds: np.ndarray, rows: np.ndarray) -> np.ndarray:
        """The size of the root [row] at log odds [row]."""
        found = np.zeros(len(rows))
        alike = self.alike[rows]
        if alike.any():
            found[alike] = -self._alike(odds[alike], rows[alike])
        if not alike.all():
            value, _ = self._peak(odds[~alike], rows[~alike])
            found[~alike] = (self.best[rows[~alike]] - value) / self.inflation[rows[~alike]]
        return np.sqrt(2.0 * np.maximum(found, 0.0))

    def end(self, side: float, reach: np.ndarray) -> np.ndarray:
        """The p below (``side`` -1) or above the mean [cell] where the root's size is ``reach``."""
        mean, edge = self.counts.mean, 0.0 if side < 0 else 1.0
        found = np.full(len(mean), edge)
        rows = np.flatnonzero(mean != edge)
        near = np.full(len(rows), -side * 40.0)  # of outcomes that are all alike
        mixed = ~self.alike[rows]
        near[mixed] = np.log(mean[rows][mixed]) - np.log1p(-mean[rows][mixed])
        beyond = near + side * np.where(mixed, 0.1, 1.0)
        odds = _crossing(lambda x, at: self.distance(x, rows[at]) - reach[rows[at]], near, beyond)
        found[rows] = 1.0 / (1.0 + np.exp(-odds))
        return found

    def _peak(self, odds: np.ndarray, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """``l*(p)`` [row] and its rho: the best of the grid, then a parabola through three points close by."""
        n = self.counts.attempts[rows]
        coarse = self._with_p(odds, rows, _rho(self.grid, n))
        place, _ = _vertex(coarse + self.fixed[rows], SPACING)
        step = SPACING / 8
        near = np.maximum(place, step)[:, None] + step * np.array([-1.0, 0.0, 1.0])
        rhos = _rho(near, n)
        shift, top = _vertex(self._with_p(odds, rows, rhos) + _without_p(n, rhos), step)
        place = near[:, 0] + shift
        return top, _rho(place[:, None], n)[:, 0]

    def _with_p(self, odds: np.ndarray, rows: np.ndarray, rhos: np.ndarray) -> np.ndarray:
        """The terms of ``l`` that hold p [row, rho]."""
        from scipy.special import gammaln

        k, n = self.counts.successes[rows], self.counts.attempts[rows]
        plain = k.sum(axis=1) * -np.logaddexp(0.0, -odds) + (n - k).sum(axis=1) * -np.logaddexp(0.0, odds)
        theta = (1.0 - rhos) / np.where(rhos > 0, rhos, 1.0)
        theta = np.where(rhos > 0, theta, 1.0)
        total = np.zeros(rhos.shape)
        for sign, count in ((1.0, k), (-1.0, n - k)):
            a = theta / (1.0 + np.exp(-sign * odds))[:, None]
            total += np.sum(gammaln(a[:, None, :] + count[:, :, None]), axis=1) - k.shape[1] * gammaln(a)
        return np.where(rhos > 0, total, plain[:, None])

    def _alike(self, odds: np.ndarray, rows: np.ndarray) -> np.ndarray:
        """``l(p, edge)`` of outcomes that are all alike [row]."""
        from scipy.special import gammaln

        n, rho = self.counts.attempts[rows], self.counts.edge[rows]
        sure = np.where(self.counts.mean[rows] <= 0, -odds, odds)  # log odds of what happened
        log_chance, chance = -np.logaddexp(0.0, -sure), 1.0 / (1.0 + np.exp(-sure))
        between = (rho > 0) & (rho < 1)
        theta = np.where(between, (1.0 - rho) / np.where(between, rho, 1.0), 1.0)[:, None]
        b = chance[:, None] * theta
        value = np.sum(gammaln(b + n) - gammaln(b) - gammaln(theta + n) + gammaln(theta), axis=1)
        plain, whole = n.sum(axis=1) * log_chance, (n > 0).sum(axis=1) * log_chance
        return np.where(rho <= 0, plain, np.where(rho >= 1, whole, value))


def _without_p(n: np.ndarray, rhos: np.ndarray) -> np.ndarray:
    """``sum_i log G(theta) / G(theta + n_i) + 1/2 log D`` [row, rho]; the first is 0 at rho = 0."""
    from scipy.special import gammaln

    theta = np.where(rhos > 0, (1.0 - rhos) / np.where(rhos > 0, rhos, 1.0), 1.0)
    total = n.shape[1] * gammaln(theta) - np.sum(gammaln(theta[:, None, :] + n[:, :, None]), axis=1)
    weighted = (n**2).sum(axis=1) / np.maximum(n.sum(axis=1), 1)
    return np.where(rhos > 0, total, 0.0) + 0.5 * np.log1p((weighted - 1.0)[:, None] * rhos)


def _places(attempts: np.ndarray) -> np.ndarray:
    """The even grid on the scale of :func:`_rho`, to rho within 1e-5 of 1 in every cell."""
    return np.arange(0.0, np.log(1e5 / _scale(attempts).min(initial=0.05)), SPACING)


def _rho(place: np.ndarray, attempts: np.ndarray) -> np.ndarray:
    """``rho / (1 - rho) = (e^x - 1) / (10 n)`` at x [row or none, place]: linear from 0 on, logarithmic beyond."""
    odds = _scale(attempts)[:, None] * np.expm1(place)
    return odds / (1.0 + odds)


def _scale(attempts: np.ndarray) -> np.ndarray:
    return 0.1 / np.maximum(2.0, attempts.max(axis=1, initial=2.0))


def _vertex(values: np.ndarray, step: float) -> tuple[np.ndarray, np.ndarray]:
    """Where the parabola through the greatest value and its neighbours is greatest, from the first, and its value."""
    first = values.argmax(axis=1)
    at, rows = np.clip(first, 1, values.shape[1] - 2), np.arange(len(values))
    left, middle, right = (values[rows, at + i] for i in (-1, 0, 1))
    bend = left - 2.0 * middle + right
    move = np.where(bend < 0, np.clip(0.5 * (left - right) / np.where(bend < 0, bend, -1.0), -1.0, 1.0), first - at)
    return (at + move) * step, np.maximum(values.max(axis=1), middle - 0.25 * (left - right) * move)


def _crossing(f: Callable[[np.ndarray, np.ndarray], np.ndarray], low: np.ndarray, start: np.ndarray) -> np.ndarray:
    """Where ``f(x, rows)``, negative at ``low``, turns positive beyond ``start``, all rows at once.

    Steps double until it does; then false position (the Illinois variant).
    """
    a, b, todo = low.copy(), start.copy(), np.arange(len(low))
    fa, fb = f(a, todo), np.full(len(low), -1.0)
    for _ in range(80):
        fb[todo] = f(b[todo], todo)
        todo = todo[fb[todo] < 0]
        if not todo.size:
            break
        step = b[todo] - a[todo]
        a[todo], fa[todo], b[todo] = b[todo], fb[todo], b[todo] + 2.0 * step
    todo = np.arange(len(low))
    for _ in range(80):
        gap = fb[todo] - fa[todo]
        x = b[todo] - fb[todo] * (b[todo] - a[todo]) / np.where(gap != 0, gap, 1.0)
        fx = f(x, todo)
        crossed = fx * fb[todo] < 0
        a[todo] = np.where(crossed, b[todo], a[todo])
        fa[todo] = np.where(crossed, fb[todo], 0.5 * fa[todo])
        b[todo], fb[todo] = x, fx
        todo = todo[(np.abs(b[todo] - a[todo]) > CLOSE) & (np.abs(fx) > CLOSE)]
        if not todo.size:
            break
    return b
