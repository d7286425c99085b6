"""Tables: parameters one at a time, training and repair, circuits, iso-loss, failing words, a hundred runs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

import jaxsnn_noise as jn

from .estimates import (
    TOLERANCES,
    case_loss,
    changed,
    ensemble_cut,
    hundred,
    interval,
    iso_loss,
    joint_loss,
    lost,
    no_effect,
    nominal,
    widths,
)

if TYPE_CHECKING:
    import xarray as xr
    from pandas import DataFrame

    from . import Config

    Data = Mapping[str, xr.Dataset]


def ends(name: str, found: tuple[float, float, float]) -> dict[str, float]:
    """Columns of a mean with its interval."""
    return {name: found[0], f"{name}: low": found[1], f"{name}: high": found[2]}


def parameters(single: xr.Dataset) -> DataFrame:
    """Loss of accuracy, changed decisions and loss of margin by task, form, parameter and level; ``rank`` by changed decisions.

    Where all parameters together cost less than a point there is no rank.
    """
    import pandas

    losses, moved, margin = lost(single), changed(single), 100.0 * single["margin_lost"].astype(float)
    rows = []
    for task in single["task"].values:
        for form in single["form"].values:
            for level in single["level"].values:
                cell = {"task": task, "form": form, "level": level}
                ranked = _ranks(moved.sel(**cell)) if not no_effect(single, **cell) else {}
                for parameter in single["parameter"].values:
                    at = {**cell, "parameter": parameter}
                    row: dict[str, Any] = {"task": task, "form": form, "level [%]": 100 * level, "parameter": parameter}
                    row |= ends("changed decisions [%]", interval(moved.sel(at)))
                    row |= ends("loss [points]", interval(losses.sel(at)))
                    row |= ends("loss of margin [%]", interval(margin.sel(at)))
                    row["rank"] = ranked.get(str(parameter), "no effect" if not ranked else "")
                    row["accuracy as programmed [%]"] = 100 * float(
                        nominal(single).sel(task=task, form=form).mean("seed")
                    )
                    rows.append(row)
    return pandas.DataFrame(rows)


def _ranks(moved: xr.DataArray) -> dict[str, str]:
    """Places by the share of changed decisions; parameters that paired contrasts do not tell apart share them (Bonferroni)."""
    names = [str(name) for name in moved["parameter"].values if name != "all"]
    means = {name: float(moved.sel(parameter=name).mean()) for name in names}
    order = sorted(names, key=lambda name: -means[name])
    level = 1.0 - 0.05 / (len(names) * (len(names) - 1) / 2)

    def apart(a: str, b: str) -> bool:
        over = [dim for dim in ("seed", "sample") if moved.sizes[dim] > 1]
        difference = moved.sel(parameter=a, drop=True) - moved.sel(parameter=b, drop=True)
        found = jn.reduce.mean_and_error(difference, over=over, confidence=level)
        return bool(found["low"] > 0 or found["high"] < 0)

    places = {}
    for name in order:
        before = sum(means[other] > means[name] and apart(other, name) for other in order)
        after = sum(means[other] < means[name] and apart(name, other) for other in order)
        first, last = before + 1, len(order) - after
        places[name] = f"{first}" if first == last else f"{first} to {last}"
    return places


def trainings(joint: xr.Dataset) -> DataFrame:
    """Accuracy as trained, and on chips: mean with interval, median and SD over chips, with and without outputs calibrated."""
    import pandas

    rows = []
    for task in joint["task"].values:
        for training in joint["training"].values:
            for repair in joint["repair"].values:
                for spread in joint["spread"].values:
                    at = {"task": task, "training": training, "spread": spread}
                    chips_ = 100.0 * joint["accuracy"].sel(repair=repair, **at)
                    right = 100.0 * joint["nominal"].sel(task=task, training=training).mean("sample")
                    row: dict[str, Any] = {
                        "task": task, "training": training, "output": "calibrated" if repair != "none" else "as it is",
                        "cv [%]": 100 * float(joint["cv"].sel(spread=spread)), "as trained [%]": float(right.mean()),
                    }  # fmt: skip
                    row |= ends("loss [points]", interval(joint_loss(joint, str(repair)).sel(at)))
                    row["median loss [points]"] = float((right - chips_).median(["seed", "device"]))
                    row["accuracy [%]"] = float(chips_.mean())
                    row["SD over chips [points]"] = float(chips_.std("device", ddof=1).mean("seed"))
                    rows.append(row)
    return pandas.DataFrame(rows)


def redundancy(joint: xr.Dataset, config: Config) -> DataFrame:
    """One chip, larger transistors, ensembles: accuracy, SD over chips and how far ensembles cut it; images, plain training."""
    import pandas

    cell, at = joint.isel(task=0, training=0, drop=True).sel(repair="none"), f"{config.levels[-1]:g}"
    options: list[tuple[str, float, Any, Any]] = [
        ("one chip", 1.0, cell["correct"].sel(spread=at, drop=True), cell["accuracy"].sel(spread=at)),
        (f"transistors x{config.copies}", float(config.copies), cell["correct"].sel(spread="larger", drop=True),
         cell["accuracy"].sel(spread="larger")),
        *((f"{rule} of {config.copies}", float(config.copies), cell["ensemble_correct"].sel(rule=rule, drop=True),
           cell["ensemble_accuracy"].sel(rule=rule).rename(ensemble="device")) for rule in ("mean", "vote")),
    ]  # fmt: skip
    rows = []
    for name, area, correct, accuracy in options:
        row: dict[str, Any] = {"option": name, "area": area} | ends(
            "accuracy [%]", interval(100.0 * correct.astype(float))
        )
        row |= ends("more than one chip [points]", interval(100.0 * (correct - options[0][2]).astype(float)))
        row["SD over chips [points]"] = float(100 * accuracy.std("device", ddof=1).mean("seed"))
        if name.startswith(("mean", "vote")):
            for what in ("spread", "loss"):
                cut = ensemble_cut(joint, config, what, name.split()[0])
                row |= ends(f"cut of the {what} [%]", _of_networks(cut))
        rows.append(row)
    return pandas.DataFrame(rows)


def _of_networks(values: xr.DataArray) -> tuple[float, float, float]:
    """Mean and 95 % interval over networks; NaN where one is not defined."""
    if values.sizes["seed"] < 2 or not np.isfinite(values.values).all():
        return float(values.mean(skipna=False)), np.nan, np.nan
    found = jn.reduce.mean_and_error(values, over="seed")
    return float(found["mean"]), float(found["low"]), float(found["high"])


def trims(repairs: xr.Dataset) -> DataFrame:
    """What trims of thresholds and biases mend, with and without outputs calibrated after them."""
    import pandas

    rows = []
    right = 100.0 * repairs["correct"].astype(float)
    for trim in repairs["trim"].values:
        for output in repairs["output"].values:
            one = right.sel(trim=trim, output=output)
            row: dict[str, Any] = {"trim": trim, "output": output}
            row["measurements"] = int(repairs["measurements"].sel(trim=trim))
            row |= ends("accuracy [%]", interval(one))
            row |= ends("more than as built [points]", interval(one - right.sel(trim="none", output="as it is")))
            row["as programmed [%]"] = 100 * float(repairs["nominal"].mean())
            rows.append(row)
    return pandas.DataFrame(rows)


def cases(part: xr.Dataset) -> DataFrame:
    """Loss, changed decisions and SD over chips of named cases."""
    import pandas

    rows = []
    for case in part["case"].values:
        row: dict[str, Any] = {"case": case} | ends("loss [points]", interval(case_loss(part, case)))
        row |= ends("changed decisions [%]", interval(100.0 * part["changed"].sel(case=case).astype(float)))
        row["SD over chips [points]"] = float(100 * part["accuracy"].sel(case=case).std("device", ddof=1).mean("seed"))
        rows.append(row)
    return pandas.DataFrame(rows)


def failing(words: xr.Dataset, config: Config) -> DataFrame:
    """How many decades of error power lie between a loss of 5 points and half of all, by network."""
    import pandas

    return pandas.DataFrame(widths(words, config)).rename_axis("network").reset_index()


def runs(pool: xr.Dataset) -> DataFrame:
    """Of batches of a hundred chips the share whose estimate is within the tolerance."""
    import pandas
    import xarray as xr

    rows = []
    for name, values in hundred(pool).items():
        _, tolerance, relative = TOLERANCES[name]
        row = {"quantity": name, "tolerance": f"{100 * tolerance:g} %" if relative else f"{tolerance:g} points"}
        rows.append(row | ends("batches within [%]", _of_networks(xr.DataArray(values, dims="seed"))))
    return pandas.DataFrame(rows)


def tables(data: Data, config: Config) -> dict[str, DataFrame]:
    """Of the parts that were measured."""
    import pandas

    found = {}
    if "single" in data:
        found["parameters"] = parameters(data["single"])
    if "joint" in data:
        found |= {"trainings": trainings(data["joint"]), "redundancy": redundancy(data["joint"], config)}
    if "repairs" in data:
        found["trims"] = trims(data["repairs"])
    if "circuits" in data:
        found["circuits"] = cases(data["circuits"])
    if "words" in data:
        found |= {"words": cases(data["words"]), "iso_loss": pandas.DataFrame(iso_loss(data["words"], config)),
                  "failing": failing(data["words"], config)}  # fmt: skip
    if "pool" in data:
        found["hundred_runs"] = runs(data["pool"])
    return found
