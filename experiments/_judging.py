"""From paired values per network and image to a judgement, with what is random said.

Every value is a difference (of losses, fractions, ...) between conditions that share networks, images and, by common
random numbers, noise. Two readings of "random" are computed:

* *for the networks trained*: images are random, trials are fresh noise within an image, networks are fixed. The
  verdict of a claim is this one: it speaks of these networks on new images.
* *for networks trained anew*: networks are random as well, crossed with images. With few trainings the interval is wide
  (Student's t with few degrees of freedom); the detail of each judgement reports it.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from jaxsnn_noise import reduce
from jaxsnn_noise.study import Judgement, Verdict

if TYPE_CHECKING:
    import xarray as xr

Test = Callable[..., Any]
"""``reduce.at_most`` or ``reduce.at_least``."""


def judged(
    values: xr.DataArray, bound: float, test: Test, *, units: str, random: str = "sample", detail: str = ""
) -> Judgement:
    """Whether the mean is at most (at least) ``bound`` in every cell, for the networks trained.

    Args:
        values: [seed, sample, cells ...], or without ``seed`` where no network was trained.
        bound: The bound of the claim [unit].
        test: ``reduce.at_most`` or ``reduce.at_least``.
        units: Unit of the values.
        random: The random dimension of the headline.
        detail: Said before the rest of the detail.
    """
    fixed = values.mean("seed") if "seed" in values.dims else values
    claims = test(fixed, bound, random)
    shown = hardest(claims)
    name = claims.attrs["claim"]
    cells = int(np.prod(list(claims["estimate"].sizes.values()), dtype=int))
    rule = f"one-sided 95 % limits: {name} {bound:g} {units}".rstrip()
    if cells > 1:
        rule += f" in each of {cells} comparisons; not reproduced if one is refuted (Bonferroni)"
    parts = [detail, f"shown: {label(shown)}" if cells > 1 else "", f"{fixed.sizes[random]} {_PLURAL[random]}"]
    if "seed" in values.dims and values.sizes["seed"] > 1:
        again = test(values, bound, ("seed", random))
        parts.append(f"for networks trained anew ({values.sizes['seed']} seeds): {verdict(again).value}")
    estimate, low, high = (float(shown[k]) for k in ("estimate", "lower", "upper"))
    return Judgement(verdict(claims), estimate, low, high, rule, units, "; ".join(p for p in parts if p))


def judged_within(
    values: xr.DataArray, low: float, high: float, *, random: str = "sample", detail: str = ""
) -> Judgement:
    """Whether the mean lies between two bounds in every cell: shown above the lower and below the upper one.

    Args:
        values: [seed, sample, cells ...], or without ``seed`` [1].
        low: Lower bound.
        high: Upper bound.
        random: The random dimension.
        detail: Said before the rest of the detail.
    """
    values = values.mean("seed") if "seed" in values.dims else values
    sides = [reduce.at_least(values, low, random), reduce.at_most(values, high, random)]
    verdicts = [verdict(side) for side in sides]
    both = Verdict.REPRODUCED if all(v is Verdict.REPRODUCED for v in verdicts) else Verdict.UNDECIDED
    both = Verdict.NOT_REPRODUCED if Verdict.NOT_REPRODUCED in verdicts else both
    cells = [hardest(side) for side in sides]
    decisive = [v is both for v in verdicts] if both is not Verdict.REPRODUCED else [True, True]
    beyond = [low - float(cells[0]["lower"]), float(cells[1]["upper"]) - high]
    shown = cells[int(np.argmax([b if d else -np.inf for b, d in zip(beyond, decisive, strict=True)]))]
    rule = f"one-sided 95 % limits: between {low:g} and {high:g} in every comparison"
    where = f"shown: {label(shown)}" if label(shown) else ""
    parts = [detail, where, f"{values.sizes[random]} {_PLURAL[random]}"]
    estimate, smallest, largest = (float(shown[k]) for k in ("estimate", "lower", "upper"))
    return Judgement(both, estimate, smallest, largest, rule, "", "; ".join(p for p in parts if p))


def verdict(claims: xr.Dataset) -> Verdict:
    """One verdict on all cells; a cell that lies on the bound without any scatter shows nothing (nothing happened)."""
    one = reduce.every(claims) if claims["estimate"].dims else claims
    found = Verdict(str(one["verdict"].item()))
    tied = (claims["standard_error"] == 0) & (claims["estimate"] == claims.attrs["bound"])
    return Verdict.UNDECIDED if found is Verdict.REPRODUCED and bool(tied.any()) else found


def hardest(claims: xr.Dataset) -> xr.Dataset:
    """The cell that decides: the one farthest beyond the bound if the claim is refuted, else the one nearest to it."""
    if not claims["estimate"].dims:
        return claims
    stacked = claims.stack(cell=claims["estimate"].dims)
    most, refuted = claims.attrs["claim"] == "at most", verdict(claims) is Verdict.NOT_REPRODUCED
    limit = stacked["upper" if most != refuted else "lower"].values
    return stacked.isel(cell=int(limit.argmax() if most else limit.argmin()))


def label(cell: xr.Dataset) -> str:
    """The coordinates of one cell in words."""
    named = [f"{cell[k].item():g}" if cell[k].dtype.kind == "f" else str(cell[k].item()) for k in _named(cell)]
    return ", ".join(named)


def unmeasured(what: str) -> Judgement:
    """No verdict: this preset did not measure what the claim is about."""
    rule = "needs a measurement that this configuration leaves out"
    return Judgement(Verdict.UNDECIDED, math.nan, math.nan, math.nan, rule, "", f"not measured: {what}")


_PLURAL = {"sample": "images", "trial": "trials"}


def _named(cell: xr.Dataset) -> list[str]:
    return [str(k) for k in cell.coords if k != "cell" and cell[k].ndim == 0]
