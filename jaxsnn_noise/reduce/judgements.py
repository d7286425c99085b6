"""From paired values per network and sample to the judgement of a claim, with what is random said.

Every value is a difference (of losses, fractions, ...) between conditions that share networks, samples and, by common
random numbers, noise. Two readings of "random" are computed:

* *for the networks trained*: samples are random, trials are fresh noise within a sample, networks are fixed. The
  verdict of a claim is this one: it speaks of these networks on new samples.
* *for networks trained anew*: networks (the dimension ``seed``) are random as well, crossed with samples. With few
  trainings the interval is wide (Student's t with few degrees of freedom); the detail of each judgement reports it.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from jaxsnn_noise.reduce.claims import at_least, at_most, every
from jaxsnn_noise.verdicts import Judgement, Verdict, together

if TYPE_CHECKING:
    import xarray as xr

Test = Callable[..., Any]
"""``at_most`` or ``at_least``."""


def judge(
    values: xr.DataArray,
    bound: float,
    test: Test,
    *,
    units: str = "",
    random: str = "sample",
    called: str = "",
    detail: str = "",
) -> Judgement:
    """Whether the mean is at most (at least) ``bound`` in every cell, for the networks trained.

    The cell that decides is shown. Cells are tested together (Bonferroni): reproduced if the claim holds in every one.

    Args:
        values: [seed, sample, cells ...], or without ``seed`` where no network was trained.
        bound: The bound of the claim [unit].
        test: :func:`at_most` or :func:`at_least`.
        units: Unit of the values.
        random: The random dimension of the verdict.
        called: What its members are called in the detail; ``samples`` for ``sample`` unless given.
        detail: Said before the rest of the detail.

    Returns:
        The judgement, with one-sided 95 % limits as its interval.

    Example:
        >>> import xarray as xr
        >>> loss = xr.DataArray(np.linspace(1.0, 2.0, 50), dims="sample")
        >>> found = judge(loss, 1.0, at_least, units="points", called="images")
        >>> found.verdict.value, found.detail
        ('reproduced', '50 images')
    """
    fixed = values.mean("seed") if "seed" in values.dims else values
    claims = test(fixed, bound, random)
    shown = _hardest(claims)
    name = claims.attrs["claim"]
    cells = int(np.prod(list(claims["estimate"].sizes.values()), dtype=int))
    rule = f"one-sided 95 % limits: {name} {bound:g} {units}".rstrip()
    if cells > 1:
        rule += f" in each of {cells} comparisons; not reproduced if one is refuted (Bonferroni)"
    parts = [detail, f"shown: {_label(shown)}" if cells > 1 else "", f"{fixed.sizes[random]} {called or f'{random}s'}"]
    if "seed" in values.dims and values.sizes["seed"] > 1:
        again = test(values, bound, ("seed", random))
        parts.append(f"for networks trained anew ({values.sizes['seed']} seeds): {_verdict(again).value}")
    estimate, low, high = (float(shown[k]) for k in ("estimate", "lower", "upper"))
    return Judgement(_verdict(claims), estimate, low, high, rule, units, "; ".join(p for p in parts if p))


def judge_within(
    values: xr.DataArray, low: float, high: float, *, random: str = "sample", called: str = "", detail: str = ""
) -> Judgement:
    """Whether the mean lies between two bounds in every cell: shown above the lower and below the upper one.

    Args:
        values: [seed, sample, cells ...], or without ``seed`` [1].
        low: Lower bound.
        high: Upper bound.
        random: The random dimension.
        called: What its members are called in the detail; ``samples`` for ``sample`` unless given.
        detail: Said before the rest of the detail.

    Returns:
        The judgement, with the one-sided 95 % limits of the cell that decides as its interval.

    Example:
        >>> import xarray as xr
        >>> ratio = xr.DataArray(np.linspace(0.98, 1.02, 50), dims="trial")
        >>> judge_within(ratio, 0.9, 1.1, random="trial").verdict.value
        'reproduced'
    """
    values = values.mean("seed") if "seed" in values.dims else values
    sides = [at_least(values, low, random), at_most(values, high, random)]
    verdicts = [_verdict(side) for side in sides]
    both = together(verdicts)
    cells = [_hardest(side) for side in sides]
    decisive = [v is both for v in verdicts] if both is not Verdict.REPRODUCED else [True, True]
    beyond = [low - float(cells[0]["lower"]), float(cells[1]["upper"]) - high]
    shown = cells[int(np.argmax([b if d else -np.inf for b, d in zip(beyond, decisive, strict=True)]))]
    rule = f"one-sided 95 % limits: between {low:g} and {high:g} in every comparison"
    where = f"shown: {_label(shown)}" if _label(shown) else ""
    parts = [detail, where, f"{values.sizes[random]} {called or f'{random}s'}"]
    estimate, smallest, largest = (float(shown[k]) for k in ("estimate", "lower", "upper"))
    return Judgement(both, estimate, smallest, largest, rule, "", "; ".join(p for p in parts if p))


def _verdict(claims: xr.Dataset) -> Verdict:
    """One verdict on all cells; a cell that lies on the bound without any scatter shows nothing (nothing happened)."""
    one = every(claims) if claims["estimate"].dims else claims
    found = Verdict(str(one["verdict"].item()))
    tied = (claims["standard_error"] == 0) & (claims["estimate"] == claims.attrs["bound"])
    return Verdict.UNDECIDED if found is Verdict.REPRODUCED and bool(tied.any()) else found


def _hardest(claims: xr.Dataset) -> xr.Dataset:
    """The cell that decides: the one farthest beyond the bound if the claim is refuted, else the one nearest to it."""
    if not claims["estimate"].dims:
        return claims
    stacked = claims.stack(cell=claims["estimate"].dims)
    most, refuted = claims.attrs["claim"] == "at most", _verdict(claims) is Verdict.NOT_REPRODUCED
    limit = stacked["upper" if most != refuted else "lower"].values
    return stacked.isel(cell=int(limit.argmax() if most else limit.argmin()))


def _label(cell: xr.Dataset) -> str:
    """The coordinates of one cell in words."""
    named = [f"{cell[k].item():g}" if cell[k].dtype.kind == "f" else str(cell[k].item()) for k in _named(cell)]
    return ", ".join(named)


def unmeasured(what: str) -> Judgement:
    """No verdict: this preset did not measure what the claim is about."""
    rule = "needs a measurement that this configuration leaves out"
    return Judgement(Verdict.UNDECIDED, math.nan, math.nan, math.nan, rule, "", f"not measured: {what}")


def _named(cell: xr.Dataset) -> list[str]:
    return [str(k) for k in cell.coords if k != "cell" and cell[k].ndim == 0]
