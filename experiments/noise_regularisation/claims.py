"""The claims: one cell each, fixed before the first run; accuracy in points, paired on networks and images."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import jaxsnn_noise as jn
from jaxsnn_noise.reduce import at_least
from jaxsnn_noise.study import Claim, Judgement

if TYPE_CHECKING:
    import xarray as xr

POINTS = 1.0
"""What counts as no difference [points of accuracy]. Ours."""
OURS = "prediction of this study"
Judge = Callable[[Mapping[str, Any], Any], Judgement]


def gain(data: Mapping[str, xr.Dataset], size: int, other: str = "none", tested: str = "quiet") -> xr.DataArray:
    """Accuracy with noise in training less that with another method [points] (seed, sample)."""
    right = 100.0 * data["final"]["correct"].astype(float).sel(size=size, tested=tested, drop=True)
    return right.sel(regulariser="noise", drop=True) - right.sel(regulariser=other, drop=True)


def _above(other: str, bound: float, tested: str = "quiet") -> Judge:
    def judge(data: Mapping[str, Any], config: Any) -> Judgement:
        words = f"{config.primary} training images, noise less {other}, tested {tested}"
        values = gain(data, config.primary, other, tested)
        return jn.reduce.judge(values, bound, at_least, units="points", called="images", detail=words)

    return judge


def _none_at_most(data: Mapping[str, Any], config: Any) -> Judgement:
    size = config.sizes[-1]
    words = f"{size} training images, noise less none, tested quiet"
    return jn.reduce.judge_within(gain(data, size), -POINTS, POINTS, units="points", called="images", detail=words)


def _shrinks(data: Mapping[str, Any], config: Any) -> Judgement:
    few, many = config.primary, config.sizes[-1]
    words = f"gain over none with {few} training images less that with {many}"
    values = gain(data, few) - gain(data, many)
    return jn.reduce.judge(values, 0.0, at_least, units="points", called="images", detail=words)


CLAIMS = (
    Claim("noise_helps_with_few", "With few training images noise in training raises the accuracy of the quiet network.",
          OURS, _above("none", 0.0)),
    Claim("noise_as_decay", "With few training images it does at least as well as weight decay, less one point.", OURS,
          _above("decay", -POINTS)),
    Claim("noise_as_dropout", "With few training images it does at least as well as dropout, less one point.", OURS,
          _above("dropout", -POINTS)),
    Claim("noise_does_nothing_with_many", "With all training images it changes the accuracy by no more than one point.",
          OURS, _none_at_most),
    Claim("gain_shrinks", "What noise gains shrinks with the number of training images.", OURS, _shrinks),
    Claim("noise_for_noise", "With few training images it raises the accuracy under noise at test.", OURS,
          _above("none", 0.0, "noisy")),
)  # fmt: skip
