"""What is read from the measurements: losses, changed decisions, margins, shapes of failure, and what a hundred runs say."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

import jaxsnn_noise as jn

from . import chips

if TYPE_CHECKING:
    import xarray as xr

    from . import Config

    Data = Mapping[str, xr.Dataset]

POINT = 1.0
"""A smaller loss by all parameters together is no effect [points]."""
RUNS = 100
LOSSES = (1.0, 3.0, 10.0)
"""Losses at which bits, mismatch and ages are compared [points]."""
EARLY = 5.0
"""Loss at which weights begin to fail [points]."""


def lost(single: xr.Dataset) -> xr.DataArray:
    """Loss of accuracy, the mean over chips [points] (task, form, parameter, level, seed, sample)."""
    right = (single["answer"] == single["label"]).mean("device")
    return 100.0 * ((single["nominal"] == single["label"]) - right)


def changed(single: xr.Dataset) -> xr.DataArray:
    """Share of chips on which the decision is another [%], in the same dimensions."""
    return 100.0 * (single["answer"] != single["nominal"]).mean("device")


def nominal(single: xr.Dataset) -> xr.DataArray:
    """Share of right answers as programmed [1] (task, form, seed)."""
    return (single["nominal"] == single["label"]).mean("sample")


def no_effect(single: xr.Dataset, **cell: Any) -> bool:
    """Whether all parameters together cost less than a point in a cell (task, form, level): nothing to rank."""
    return interval(lost(single).sel(parameter=chips.ALL, **cell))[2] < POINT


def interval(values: xr.DataArray) -> tuple[float, float, float]:
    """Mean and 95 % interval over networks and samples (over samples of one network; NaN where there is no scatter to see)."""
    over = [dim for dim in ("seed", "sample") if dim in values.dims and values.sizes[dim] > 1]
    if not over:
        return float(values.mean()), np.nan, np.nan
    flat = values if "seed" in over or "seed" not in values.dims else values.mean("seed")
    found = jn.reduce.mean_and_error(flat, over=over)
    return float(found["mean"]), float(found["low"]), float(found["high"])


def case_loss(part: xr.Dataset, case: str, start: str = "nominal") -> xr.DataArray:
    """Loss of a named case against another one [points] (seed, sample)."""
    return 100.0 * (part["correct"].sel(case=start, drop=True) - part["correct"].sel(case=case, drop=True)).astype(
        float
    )


def joint_loss(joint: xr.Dataset, repair: str = "none") -> xr.DataArray:
    """Loss with all parameters together [points] (task, training, seed, spread, sample), against the network as it was trained."""
    right = joint["correct"].sel(repair=repair, drop=True)
    return 100.0 * (joint["nominal"].astype(float) - right)


def ensemble_cut(joint: xr.Dataset, config: Config, what: str, rule: str = "mean") -> xr.DataArray:
    """By how much ensembles cut the SD over chips, or the mean loss [%] (seed): images, plain training, the largest level."""
    cell = joint.isel(task=0, training=0)
    at = f"{config.levels[-1]:g}"
    if what == "spread":
        one = cell["accuracy"].sel(repair="none", spread=at).std("device", ddof=1)
        many = cell["ensemble_accuracy"].sel(rule=rule).std("ensemble", ddof=1)
    else:
        right = cell["nominal"].mean("sample")
        one = right - cell["correct"].sel(repair="none", spread=at).mean("sample")
        many = right - cell["ensemble_correct"].sel(rule=rule).mean("sample")
    share = (1.0 - many / one.where(one > 0)) * 100.0
    return share.drop_vars([name for name in share.coords if name != "seed"], errors="ignore").rename(None)


def hundred(pool: xr.Dataset) -> dict[str, np.ndarray]:
    """Of batches of a hundred chips the share that gives each quantity within its tolerance [%] (seed), by quantity."""
    found = {name: [] for name in TOLERANCES}  # type: dict[str, list[float]]
    for chips_ in pool["accuracy"].transpose("seed", "device").values:
        batches = 100.0 * chips_[: len(chips_) // RUNS * RUNS].reshape(-1, RUNS)
        everything = batches.ravel()
        for name, (estimate, tolerance, relative) in TOLERANCES.items():
            truth = estimate(everything, everything)
            error = np.abs(np.array([estimate(batch, everything) for batch in batches]) - truth)
            within = error <= tolerance * (truth if relative else 1.0) + 1e-9
            found[name].append(100.0 * float(within.mean()))
    return {name: np.array(values) for name, values in found.items()}


def _yield_at(share: float) -> Any:
    """Yield [%] at a spec that this share of all chips meets."""

    def estimate(batch: np.ndarray, everything: np.ndarray) -> float:
        spec = np.quantile(everything, 1.0 - share, method="lower")
        return 100.0 * float((batch >= spec - 1e-9).mean())

    return estimate


TOLERANCES: dict[str, tuple[Any, float, bool]] = {
    "mean": (lambda batch, _: float(batch.mean()), 0.5, False),
    "SD": (lambda batch, _: float(batch.std(ddof=1)), 0.1, True),
    "95 % yield": (_yield_at(0.95), 2.0, False),
    "99 % yield": (_yield_at(0.99), 1.0, False),
    "1 % quantile": (lambda batch, _: float(np.quantile(batch, 0.01)), 1.0, False),
}
"""How each quantity is estimated from a batch (and all chips, which say the spec), how far it may be off [points, 1], and whether
that is relative. Ours."""


def crossing(strengths: np.ndarray, losses: np.ndarray, wanted: float) -> float:
    """The strength at which a loss is reached first, on a logarithmic scale; NaN beyond the ends."""
    above = np.flatnonzero(losses >= wanted)
    if not len(above) or above[0] == 0:
        return np.nan
    k = above[0]
    share = (wanted - losses[k - 1]) / (losses[k] - losses[k - 1])
    x = np.log(strengths)
    return float(np.exp(x[k - 1] + share * (x[k] - x[k - 1])))


def curve(words: xr.Dataset, kind: str, strengths: Any, start: str = "nominal") -> np.ndarray:
    """Mean loss by strength of each network [points] (seed, strength)."""
    return np.stack([case_loss(words, f"{kind} {s:g}", start).mean("sample").values for s in strengths], axis=1)


def widths(words: xr.Dataset, config: Config) -> dict[str, np.ndarray]:
    """Decades of error power from a loss of 5 points to half of all that can be lost (seed), analog and digital.

    The power of the error of weights is the square of the mismatch, and proportional to the share of flipped bits.
    """
    right = 100.0 * words["correct"].sel(case="eight 0").mean("sample").values
    half = 0.5 * (right - 10.0)
    found = {}
    for kind, strengths in (("analog", config.analog), ("digital", config.digital)):
        power = np.asarray(strengths) ** (2.0 if kind == "analog" else 1.0)
        rows = [np.maximum.accumulate(one) for one in curve(words, kind, strengths, "eight 0")]
        ends = [[crossing(power, row, w) for w in (EARLY, h)] for row, h in zip(rows, half, strict=True)]
        found[kind] = np.diff(np.log10(np.array(ends)), axis=1)[:, 0]
    return found


def iso_loss(words: xr.Dataset, config: Config) -> list[dict[str, Any]]:
    """Bits, mismatch of weights and age of memory that cost the same, from losses that are means of all networks."""
    rows = []
    for loss in LOSSES:
        row: dict[str, Any] = {"loss [points]": loss}
        fewest = curve(words, "bits", config.bits).mean(axis=0)
        enough = [bits for bits, value in zip(config.bits, fewest, strict=True) if value <= loss]
        row["bits, at least"] = min(enough) if enough else np.nan
        for name, kind, strengths in (
            ("mismatch of weights [1]", "mismatch", config.spreads),
            ("age of drift alone [s]", "drift", config.ages),
            ("age with programming noise [s]", "pcm", config.ages),
        ):
            losses = np.maximum.accumulate(curve(words, kind, strengths).mean(axis=0))
            if losses[0] >= loss:
                row[name] = f"below {strengths[0]:g}"
            elif losses[-1] < loss:
                row[name] = f"above {strengths[-1]:g}"
            else:
                row[name] = f"{crossing(np.asarray(strengths), losses, loss):.3g}"
        rows.append(row)
    return rows
