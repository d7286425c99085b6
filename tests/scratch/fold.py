"""A fold over members: how many of them pass a mark."""

from __future__ import annotations

from typing import Any, NamedTuple

import equinox as eqx
import numpy as np

from jaxsnn_noise._checks import count
from jaxsnn_noise.reduce.errors import t_quantile
from jaxsnn_noise.reduce.folds import MemberFold
from jaxsnn_noise.reduce.jackknife import by_group, jackknife


class ScratchSums(NamedTuple):
    """``n`` members and ``hits`` of them [group, *shape]."""

    n: np.ndarray
    hits: np.ndarray


class ScratchFold(MemberFold):
    """Share of members with at least ``mark``, with a jackknife error.

    Args:
        mark: What a member has to reach.
        groups: Jackknife groups, at least 2.
    """

    mark: float = eqx.field(static=True, default=1.0)
    groups: int = eqx.field(static=True, default=16)

    def __check_init__(self) -> None:
        count("ScratchFold.groups", self.groups, least=2)

    def init(self, shape: tuple[int, ...]) -> ScratchSums:
        none = np.zeros((self.groups, *shape), np.int64)
        return ScratchSums(none, none)

    def update(self, acc: ScratchSums, members: np.ndarray, first: int) -> ScratchSums:
        counted = (np.isfinite(members), members >= self.mark)
        return self.merge(acc, ScratchSums(*(by_group(part, first, self.groups) for part in counted)))

    def finalize(self, acc: ScratchSums, confidence: float) -> dict[str, Any]:
        n, hits = acc.n.sum(axis=0), acc.hits.sum(axis=0)
        share = hits / n
        error, df = jackknife(share, (hits - acc.hits) / (n - acc.n), acc.n)
        reach = t_quantile(df, 0.5 + 0.5 * confidence) * error
        return {"share": share, "standard_error": error, "low": share - reach, "high": share + reach, "df": df, "n": n}

    @classmethod
    def example(cls) -> ScratchFold:
        return cls()
