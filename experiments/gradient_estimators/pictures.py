"""Tables and figures of the study."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from jaxsnn_noise import figures, reduce
from jaxsnn_noise.study import Picture

from .claims import bias, by_weight, cost

if TYPE_CHECKING:
    import xarray as xr
    from pandas import DataFrame

PERCENT = "bias [% of the derivative]"
AGAINST = "FiniteDifference"


def tables(data: Any) -> dict[str, DataFrame]:
    """Biases of every estimator on every problem, and variance times time over that of differences."""
    return {"bias": _biases(data), "cost": _costs(data)}


def _parts(data: Any) -> dict[str, xr.Dataset]:
    """Problems by name, without a dimension of gains."""
    found = {f"{kind} noise": data[kind] for kind in ("threshold", "membrane") if kind in data}
    if "networks" in data:
        gains = data["networks"]["gain"].values
        found |= {f"network, gain {gain:g}": data["networks"].sel(gain=gain, drop=True) for gain in gains}
    return found | ({"classifier": data["classifiers"]} if "classifiers" in data else {})


def _biases(data: Any) -> DataFrame:
    import pandas

    rows = []
    for problem, part in _parts(data).items():
        for name in part["estimator"].values:
            found = reduce.mean_and_error(100 * bias(part, name), over="unit")
            frame = found[["mean", "low", "high"]].to_dataframe().reset_index()
            rows.append(frame.assign(problem=problem, estimator=name))
    columns = ["problem", "output", "leaf", "estimator", "mean", "low", "high"]
    return pandas.concat(rows, ignore_index=True)[columns]


def _costs(data: Any) -> DataFrame:
    import pandas

    rows: list[dict[str, Any]] = []
    for problem, part in _parts(data).items():
        if AGAINST not in part["estimator"].values:
            continue
        for name in part["estimator"].values:
            ratio = cost(part, name) - cost(part, AGAINST)
            for output in ratio["output"].values:
                rows.append(
                    {"problem": problem, "output": output, "estimator": name, **_geometric(ratio.sel(output=output))}
                )
    if "by_weight" in data:
        ratio = -by_weight(data["by_weight"])
        row = {"problem": "classifier, by weight", "output": "loss", "estimator": "Flip over Score(Baseline)"}
        rows.append(row | _geometric(ratio))
    return pandas.DataFrame(rows)


def _geometric(logs: xr.DataArray) -> dict[str, float]:
    found = reduce.mean_and_error(logs, over="unit")
    return {f"{k} ratio": float(np.exp(found[k])) for k in ("mean", "low", "high")}


def pictures(data: Any, config: Any) -> dict[str, Picture]:
    """A figure of biases for each kind of problem, and one of costs."""
    del config
    found, biases = {}, _biases(data)
    for problem, rows in biases.groupby("problem", sort=False):
        found["bias " + str(problem).replace(", ", " ")] = _bias(str(problem), rows)
    costs = _costs(data)
    if len(costs):
        found["cost"] = _cost(costs)
    return {name.replace(" ", "_").replace(".", ""): picture for name, picture in found.items()}


def _bias(problem: str, rows: DataFrame) -> Picture:
    """Numbers in cells; colours stop at 100 %, beyond which a gradient is of no use."""
    cells = [f"{output} by {leaf}" for output, leaf in zip(rows["output"], rows["leaf"], strict=True)]
    grid = rows.assign(cell=cells).pivot(index="estimator", columns="cell", values="mean")
    grid = grid.loc[list(dict.fromkeys(rows["estimator"])), list(dict.fromkeys(cells))]
    figure, axes = figures.new_figure()
    figures.heatmap(
        axes, _short(grid.to_numpy(float)), rows=list(grid.index), columns=list(grid.columns), row_label="estimator",
        column_label="derivative", value_label=PERCENT, centre=0.0,
    )  # fmt: skip
    axes.tick_params(axis="x", labelrotation=30)
    caption = f"{problem.capitalize()}: mean bias over random units, shown up to 100 % of the derivative's root mean square; the table has intervals and all beyond."
    return Picture(figure, rows, caption)


def _short(values: np.ndarray) -> np.ndarray:
    """As they are read in a cell: two digits, and up to 100 %."""
    return np.where(np.abs(values) < 10, np.round(values, 1), np.round(values)).clip(-100, 100) + 0.0


def _cost(costs: DataFrame) -> Picture:
    shown = costs[costs["output"].isin(["count", "loss"]) & (costs["estimator"] != AGAINST)]
    figure, axes = figures.new_figure(height=max(3.0, 0.24 * len(shown)))
    labels = [f"{e}; {p}" for e, p in zip(shown["estimator"], shown["problem"], strict=True)]
    values = [np.log10(shown[f"{k} ratio"].to_numpy(float)) for k in ("mean", "low", "high")]
    figures.forest(
        axes, labels, *values, x_label="log10 of variance x time over that of differences", bound=0.0, bound_label="as dear",
    )  # fmt: skip
    caption = f"Variance times process time over that of {AGAINST}, geometric mean over random units with 95 % intervals; biased estimators among them are cheap and wrong. Flips are against scores with a baseline."
    return Picture(figure, shown, caption)
