"""Claims on designs by gradients. Cells and bounds were fixed after a pilot with other systems and one level of noise."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import jaxsnn_noise as jn
from jaxsnn_noise.reduce import at_least, at_most
from jaxsnn_noise.study import Claim, Judgement

from .measuring import EARLY, EQUAL

if TYPE_CHECKING:
    import xarray as xr

Judge = Callable[[Mapping[str, Any], Any], Judgement]
OURS = "prediction of this study"
NEAR = 0.5
"""What counts as no worse [points of wrong answers]. Ours."""


def closed(data: Mapping[str, xr.Dataset], method: str, step: int = -1) -> xr.DataArray:
    """The share of the gap that a method closes [%] (system)."""
    return 100.0 * data["systems"]["closed"].sel(approach=method, drop=True).isel(step=step, drop=True)


def _closes(method: str, bound: float, test: Any = at_least, other: str | None = None, step: int = -1) -> Judge:
    def judge(data: Mapping[str, Any], config: Any) -> Judgement:
        if not {method, other or method} <= set(config.methods) or config.steps < step:
            return jn.reduce.unmeasured(f"systems designed by {method}" + (f" and {other}" if other else ""))
        values = closed(data, method, step)
        if other is not None:
            values = values - closed(data, other)
        words = "share of the gap to the optimum that is closed" + (f", less that by {other}" if other else "")
        return jn.reduce.judge(values, bound, test, units="points", random="system", detail=f"{method}: {words}")

    return judge


def fewer(data: Mapping[str, xr.Dataset], design: str, other: str) -> xr.DataArray:
    """How many fewer test answers of a design are wrong than of another [points] (seed, sample)."""
    wrong = 100.0 * data["classifiers"]["wrong"]
    return wrong.sel(design=other, drop=True) - wrong.sel(design=design, drop=True)


def _fewer(design: str, other: str, bound: float, test: Any = at_least) -> Judge:
    def judge(data: Mapping[str, Any], config: Any) -> Judgement:
        known = set(data["classifiers"]["design"].values) if "classifiers" in data else set()
        if not {design, other} <= known:
            return jn.reduce.unmeasured(f"classifiers designed as {design} and {other}")
        words = f"wrong test answers, {other} less {design}"
        return jn.reduce.judge(fewer(data, design, other), bound, test, units="points", called="images", detail=words)

    return judge


FD = "FiniteDifference"
SOON = f"{FD}, {EARLY} steps"
CLAIMS = (
    Claim("optimum_by_differences", "Differences with common random numbers close at least 95 % of the gap from equal noise to the known optimum.",
          OURS, _closes(FD, 95.0)),
    Claim("optimum_by_scores", "Unbiased scores close at least 95 % of it.", OURS, _closes("Score", 95.0)),
    Claim("bias_is_harmless", "A biased gradient serves as well: NoiseDensity closes at least 90 %.", OURS, _closes("NoiseDensity", 90.0)),
    Claim("raw_gradient_fails", "The raw gradient through detached resets closes at most 90 %.", OURS, _closes("raw gradient", 90.0, at_most)),
    Claim("optimum_as_search", "Differences close at least as much as Nelder-Mead with equal runs, less one point.", OURS,
          _closes(FD, -1.0, at_least, "Nelder-Mead")),
    Claim("optimum_sooner", f"They do so with {EARLY} of 8 steps, against all runs of Nelder-Mead.", OURS,
          _closes(FD, -1.0, at_least, "Nelder-Mead", EARLY)),
    Claim("allocation_helps", "Classifiers whose budget is divided by differences on training images give at least one point fewer wrong test answers than with equal noise.",
          OURS, _fewer(FD, EQUAL, 1.0)),
    Claim("as_search", "... and no more than by Nelder-Mead with equal runs, plus half a point.", OURS, _fewer(FD, "Nelder-Mead", -NEAR)),
    Claim("as_random_search", "... and fewer than by random search with equal runs.", OURS, _fewer(FD, "random search", 0.0)),
    Claim("sooner", f"{EARLY} of 8 steps give no more than Nelder-Mead with all runs, plus half a point.", OURS, _fewer(SOON, "Nelder-Mead", -NEAR)),
    Claim("density_serves", "Designs by NoiseDensity give no more than by differences, plus half a point.", OURS, _fewer("NoiseDensity", FD, -NEAR)),
    Claim("scores_serve", "Designs by scores give no more than by differences, plus half a point.", OURS, _fewer("Score", FD, -NEAR)),
    Claim("raw_gradient_serves", "Designs by the raw gradient give no more than by differences, plus half a point.", OURS, _fewer("raw gradient", FD, -NEAR)),
)  # fmt: skip
