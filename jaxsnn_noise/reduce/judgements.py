"""From paired values per network and sample to the judgement of a claim, with what is random said.

Every value is a difference (of losses, fractions, ...) between conditions that share networks, samples and, by common
random numbers, noise. Two readings of "random" are computed:

* *for networks trained anew*: networks (the dimension ``seed``) and samples are random, crossed with each other; trials
  are fresh noise within a sample. The verdict of a claim is this one: it speaks of networks made like these.
* *for these networks*: they are fixed, samples alone are random. The detail says what it would decide.

With the interval goes what a reader needs to weigh it: the standard deviation over networks, and the smallest distance
from the bound that would have been decided with a probability of 80 %::

    detectable = (t(0.975, df) + t(0.8, df)) standard_error

(the usual sum of two quantiles, here of Student's t; exact for known variance). Verdicts are two-sided at 5 %: the two
wrong ones together have that probability, and 95 % intervals show them. Of many claims ask
:func:`jaxsnn_noise.verdicts.holm` as well.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from jaxsnn_noise.reduce.claims import at_least, at_most, every
from jaxsnn_noise.reduce.errors import t_quantile
from jaxsnn_noise.verdicts import NOT_MEASURED, Judgement, Verdict, together

if TYPE_CHECKING:
    import xarray as xr

Test = Callable[..., Any]
"""``at_most`` or ``at_least``."""
LEVEL = 0.975
"""Of each one-sided limit: 95 % intervals."""
POWER = 0.8


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
    """Whether the mean is at most (at least) ``bound`` in every cell, for networks like these.

    The cell that decides is shown. Reproduced if the claim holds in every cell (Berger 1982); not reproduced if one cell
    refutes it, after Bonferroni's correction.

    Args:
        values: [seed, sample, cells ...], or without ``seed`` where no network was trained. Of a single seed it speaks
            of this network.
        bound: The bound of the claim [unit].
        test: :func:`at_most` or :func:`at_least`.
        units: Unit of the values.
        random: The random dimension beside ``seed``.
        called: What its members are called; ``samples`` for ``sample`` unless given.
        detail: Said before the rest of the detail.

    Returns:
        The judgement, with the 95 % interval of the cell that decides.

    Example:
        >>> import xarray as xr
        >>> loss = xr.DataArray(np.linspace(1.0, 2.0, 50), dims="sample")
        >>> found = judge(loss, 1.0, at_least, units="points", called="images")
        >>> found.verdict.value, found.speaks_for
        ('reproduced', 'images like these 50')
    """
    over, fixed, speaks_for = _population(values, random, called)
    claims = test(values if len(over) > 1 else fixed, bound, over, confidence=LEVEL)
    shown = _hardest(claims)
    name = claims.attrs["claim"]
    cells = int(np.prod(list(claims["estimate"].sizes.values()), dtype=int))
    rule = f"95 % interval: {name} {bound:g} {units}".rstrip()
    if cells > 1:
        rule += f" in each of {cells} comparisons; not reproduced if one is refuted (Bonferroni)"
    parts = [detail, f"shown: {_label(shown)}" if cells > 1 else ""]
    if len(over) > 1:
        parts.append(f"for these networks alone: {_verdict(test(fixed, bound, random, confidence=LEVEL)).value}")
    p_reproduced, p_refuted = _p_values(claims)
    estimate, low, high = (float(shown[k]) for k in ("estimate", "lower", "upper"))
    return Judgement(
        _verdict(claims), estimate, low, high, rule, units, "; ".join(p for p in parts if p), speaks_for=speaks_for,
        spread=_spread(values, shown), detectable=_detectable(shown), p_reproduced=p_reproduced, p_refuted=p_refuted,
    )  # fmt: skip


def judge_within(
    values: xr.DataArray,
    low: float,
    high: float,
    *,
    units: str = "",
    random: str = "sample",
    called: str = "",
    detail: str = "",
) -> Judgement:
    """Whether the mean lies between two bounds in every cell: shown above the lower and below the upper one.

    Args:
        values: [seed, sample, cells ...], or without ``seed`` [unit].
        low: Lower bound [unit].
        high: Upper bound [unit].
        units: Unit of the values.
        random: The random dimension beside ``seed``.
        called: What its members are called; ``samples`` for ``sample`` unless given.
        detail: Said before the rest of the detail.

    Returns:
        The judgement, with the 95 % interval of the cell that decides.

    Example:
        >>> import xarray as xr
        >>> ratio = xr.DataArray(np.linspace(0.98, 1.02, 50), dims="trial")
        >>> judge_within(ratio, 0.9, 1.1, random="trial").verdict.value
        'reproduced'
    """
    over, fixed, speaks_for = _population(values, random, called)
    sides = [
        test(values if len(over) > 1 else fixed, bound, over, confidence=LEVEL)
        for test, bound in ((at_least, low), (at_most, high))
    ]
    verdicts = [_verdict(side) for side in sides]
    both = together(verdicts)
    cells = [_hardest(side) for side in sides]
    decisive = [v is both for v in verdicts] if both is not Verdict.REPRODUCED else [True, True]
    beyond = [low - float(cells[0]["lower"]), float(cells[1]["upper"]) - high]
    shown = cells[int(np.argmax([b if d else -np.inf for b, d in zip(beyond, decisive, strict=True)]))]
    p = [_p_values(side) for side in sides]
    rule = f"95 % interval: between {low:g} and {high:g} {units}".rstrip() + " in every comparison"
    parts = [detail, f"shown: {_label(shown)}" if _label(shown) else ""]
    estimate, smallest, largest = (float(shown[k]) for k in ("estimate", "lower", "upper"))
    return Judgement(
        both, estimate, smallest, largest, rule, units, "; ".join(p for p in parts if p), speaks_for=speaks_for,
        spread=_spread(values, shown), detectable=_detectable(shown), p_reproduced=max(p[0][0], p[1][0]),
        p_refuted=min(1.0, 2.0 * min(p[0][1], p[1][1])),
    )  # fmt: skip


def _population(values: xr.DataArray, random: str, called: str) -> tuple[list[str], xr.DataArray, str]:
    """The random dimensions, the values of the networks together, and whom the interval speaks of."""
    several = "seed" in values.dims and values.sizes["seed"] > 1
    fixed = values.mean("seed", skipna=False) if "seed" in values.dims else values
    members = f"{called or f'{random}s'} like these {values.sizes[random]}"
    if several:
        return ["seed", random], fixed, f"networks made like these {values.sizes['seed']}, on {members}"
    return [random], fixed, f"this network, on {members}" if "seed" in values.dims else members


def _p_values(claims: xr.Dataset) -> tuple[float, float]:
    """That all cells obey the bound, and that one breaks it; 1 where nothing happened at all."""
    one = every(claims) if claims["estimate"].dims else claims
    p_reproduced, p_refuted = float(one["p_reproduced"]), float(one["p_refuted"])
    if int(one["n_missing"]) > 0:
        return math.nan, math.nan
    return (1.0 if _tied(claims) else p_reproduced), p_refuted


def _spread(values: xr.DataArray, shown: xr.Dataset) -> float:
    """Standard deviation over networks of what is shown; NaN without several."""
    if "seed" not in values.dims or values.sizes["seed"] < 2:
        return math.nan
    inner = [name for name in values.dims if name in ("seed", "sample", "trial") or name not in shown.coords]
    here = {k: shown[k].item() for k in _named(shown) if k in values.dims}
    means = values.sel(here) if here else values
    return float(means.mean([name for name in inner if name != "seed"]).std("seed", ddof=1))


def _detectable(shown: xr.Dataset) -> float:
    df = shown["df"].to_numpy()
    return float((t_quantile(df, LEVEL) + t_quantile(df, POWER)) * shown["standard_error"].to_numpy())


def _verdict(claims: xr.Dataset) -> Verdict:
    """One verdict on all cells; a cell that lies on the bound without any scatter shows nothing (nothing happened)."""
    one = every(claims) if claims["estimate"].dims else claims
    found = Verdict(str(one["verdict"].item()))
    return Verdict.UNDECIDED if found is Verdict.REPRODUCED and _tied(claims) else found


def _tied(claims: xr.Dataset) -> bool:
    return bool(((claims["standard_error"] == 0) & (claims["estimate"] == claims.attrs["bound"])).any())


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
    return Judgement(
        Verdict.UNDECIDED, math.nan, math.nan, math.nan, rule, detail=f"not measured: {what}", why=NOT_MEASURED
    )


def _named(cell: xr.Dataset) -> list[str]:
    return [str(k) for k in cell.coords if k != "cell" and cell[k].ndim == 0]
