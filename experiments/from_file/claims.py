"""Yield and loss from answers, and the claims that are judged of them."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from jaxsnn_noise import reduce
from jaxsnn_noise.study import Claim, Judgement, Verdict

from .circuits import BUILT
from .spec import parse

if TYPE_CHECKING:
    import xarray as xr

Data = dict[str, Any]
POINT = 1.0
"""A smaller loss of accuracy is no effect [points]."""


def measured(answer: xr.DataArray, data: xr.Dataset, what: str) -> xr.DataArray:
    """Accuracy, error or agreement [1] of answers [..., sample]."""
    right = answer == data["nominal" if what == "agreement" else "label"]
    share = right.mean("sample")
    return 1.0 - share if what == "error" else share


def passing(data: Data, config: Any) -> xr.DataArray:
    """Which chips meet the spec [fix, device]."""
    spec, found = parse(config.spec), data["fixes"]
    nominal = float(measured(found["nominal"], found, spec.what))
    values = measured(found["answer"], found, spec.what)
    return values.copy(data=spec.passes(values.values, nominal))


def losses(data: Data) -> xr.DataArray:
    """Accuracy as programmed less that of a chip with one deviating parameter [points] (parameter, device, sample): paired."""
    found = data["parameters"]
    right = 100.0 * (found["answer"] == found["label"]).astype(float)
    return 100.0 * (found["nominal"] == found["label"]).astype(float) - right


def parameters(data: Data) -> xr.Dataset:
    """The mean loss of each parameter by itself with its 95 % interval, chips and samples both random, the largest first."""
    found = reduce.mean_and_error(losses(data), over=("device", "sample"))
    found = found.isel(parameter=np.argsort(-found["mean"].values, kind="stable"))
    kind = np.where(found["high"] < POINT, "no effect", np.where(found["low"] >= POINT, "costs", "undecided"))
    return found.assign(effect=("parameter", kind))


def worst(data: Data) -> tuple[str, list[str]]:
    """The parameter that costs most, and those that are not told apart from it (paired, Bonferroni); none where none has an effect."""
    found = parameters(data)
    if not bool((found["effect"] != "no effect").any()):
        return "", []
    first, *others = found["parameter"].values.tolist()
    loss, alike = losses(data), []
    for name in others:
        apart = reduce.mean_and_error(
            loss.sel(parameter=first, drop=True) - loss.sel(parameter=name, drop=True),
            over=("device", "sample"),
            confidence=1 - 0.05 / len(others),
        )
        if not float(apart["low"]) > 0:
            alike.append(name)
    return first, alike


def _meets(data: Data, config: Any) -> Judgement:
    good = passing(data, config).sel(fix=BUILT, drop=True)
    return reduce.judge(
        good, config.wanted, reduce.at_least, random="device", called="chips", detail=f"spec: {parse(config.spec)}"
    )


def _one_parameter(data: Data, config: Any) -> Judgement:
    tests = reduce.at_most(losses(data), POINT, ("device", "sample"), confidence=0.975)
    together = reduce.every(tests)
    p_holds, p_fails = float(together["p_reproduced"]), float(together["p_refuted"])
    cells = tests.sizes["parameter"]
    shown = tests.isel(parameter=int(np.argmax(tests["upper"].values)))
    if p_fails < 0.025:
        shown = tests.isel(parameter=int(np.argmin(tests["p_refuted"].values)))
    verdict = (
        Verdict.REPRODUCED if p_holds < 0.025 else Verdict.NOT_REPRODUCED if p_fails < 0.025 else Verdict.UNDECIDED
    )
    error = float(shown["standard_error"])
    return Judgement(
        verdict, float(shown["estimate"]), float(shown["lower"]), float(shown["upper"]),
        f"95 % interval: at most {POINT:g} point for each of {cells} parameters; not reproduced if one is refuted (Bonferroni)", "points",
        f"shown: {shown['parameter'].item()}",
        speaks_for=f"chips like these {data['parameters'].sizes['device']}, samples like these {data['parameters'].sizes['sample']}, this network",
        detectable=2.8 * error, p_reproduced=p_holds, p_refuted=p_fails,
    )  # fmt: skip


def better(data: Data, config: Any, fix: str, other: str) -> Judgement:
    """Whether more chips pass with a fix than with another: the share of those that pass with one alone (McNemar's test)."""
    good = passing(data, config)
    first, second = (good.sel(fix=name, drop=True) for name in (fix, other))
    changed = (first != second).values
    gained, lost = int((first & ~second).sum()), int((second & ~first).sum())
    detail = f"{fix} against {other}: {gained} chips pass with the first alone, {lost} with the second alone"
    if gained + lost < 2:
        rule = "needs chips that pass with one of the two alone"
        return Judgement(
            Verdict.UNDECIDED, math.nan, math.nan, math.nan, rule, detail=detail, p_reproduced=1.0, p_refuted=1.0
        )
    return reduce.judge(
        first.isel(device=changed), 0.5, reduce.at_least, random="device", called="chips whose outcome differs", detail=detail,
    )  # fmt: skip


def _against_built(fix: Callable[[Any], str]) -> Callable[[Data, Any], Judgement]:
    return lambda data, config: better(data, config, fix(config), BUILT)


OURS = "prediction of this study"
CLAIMS = (
    Claim("meets_spec", "As built, the wanted share of chips meets the spec.", OURS, _meets),
    Claim("no_parameter_alone", "No parameter by itself costs more than 1 point of accuracy.", OURS, _one_parameter),
    Claim("upsizing_helps", "Larger transistors (the first of the areas) let more chips pass.", OURS,
          _against_built(lambda config: f"area x{config.areas[0]:g}")),
    Claim("calibration_helps", "Calibration of the output gain lets more chips pass.", OURS,
          _against_built(lambda config: "calibrated")),
    Claim("ensemble_helps", "The average of several copies lets more chips pass.", OURS,
          _against_built(lambda config: f"average of {config.copies}")),
    Claim("copies_beat_size", "At equal area, averaging copies lets more chips pass than larger transistors.", OURS,
          lambda data, config: better(data, config, f"average of {config.copies}", f"area x{config.copies:g}")),
)  # fmt: skip
