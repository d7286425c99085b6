"""Pictures of the table: deviations with their intervals, a room each, and autocovariances against their laws."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from jaxsnn_noise import figures
from jaxsnn_noise.study import Picture

if TYPE_CHECKING:
    from pandas import DataFrame


def deviations(table: DataFrame, title: str, alpha: float, total: int) -> Picture:
    """Deviations of a room in percent of what they are relative to, with intervals that hold together."""
    labels = [f"{row}: {quantity}" for row, quantity in zip(table["row"], table["quantity"], strict=True)]
    figure, axes = figures.new_figure(height=1.0 + 0.22 * len(labels), width=9.0)
    ends = (100 * table[k].to_numpy(float) for k in ("relative", "relative_low", "relative_high"))
    _, drawn = figures.forest(
        axes, labels, *ends, x_label="simulation less theory [%]", bound=0.0, bound_label="theory"
    )
    axes.tick_params(axis="y", labelsize="x-small")
    caption = (
        f"{title}: deviation from theory, of a mean in percent of the standard deviation, of a covariance in percent of the "
        f"variance, else of the value. Intervals hold together with a probability of {100 * (1 - alpha):g} % "
        f"(Bonferroni over all {total} quantities of the table)."
    )
    return Picture(figure, drawn, caption)


def autocovariances(table: DataFrame) -> Picture:
    """Measured autocovariances over those of theory, by lag."""
    import pandas

    chosen = table[np.isfinite(table["lag"].to_numpy(float))]
    figure, axes = figures.new_figure()
    drawn: list[Any] = []
    for name, part in chosen.groupby("row", sort=False):
        scale = part["scale"].to_numpy(float)
        values = [part[k].to_numpy(float) / scale for k in ("simulated", "low", "high")]
        _, one = figures.line_with_interval(
            axes, part["lag"].to_numpy(float), *values, x_label="lag [ms]",
            y_label="autocovariance over scale [1]", series=str(name),
        )  # fmt: skip
        axes.plot(part["lag"], part["theory"] / scale, "kx", markersize=4)
        drawn.append(one.assign(theory=part["theory"].to_numpy(float) / scale))
    caption = "Autocovariances with their 95 % intervals (bands, mostly narrower than the lines); crosses: theory."
    return Picture(figure, pandas.concat(drawn, ignore_index=True), caption)
