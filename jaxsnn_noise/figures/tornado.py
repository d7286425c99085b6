"""What moves an output most: bars with intervals, the longest at the top."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from jaxsnn_noise.figures.house import BLACK, BLUE, GREY, VERMILLION, style
from jaxsnn_noise.figures.pictures import _equal_lengths

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from numpy.typing import ArrayLike
    from pandas import DataFrame
else:  # heavy, and only names here
    ArrayLike = Axes = DataFrame = Any


def tornado(
    axes: Axes, labels: ArrayLike, estimate: ArrayLike, low: ArrayLike, high: ArrayLike, *, x_label: str,
    most: int | None = None,
) -> tuple[Axes, DataFrame]:  # fmt: skip
    """Sensitivities as bars from 0, sorted by size, with their intervals; a bar whose interval holds 0 is hollow.

    What is not known (NaN) stands last, without a bar.

    Args:
        axes: Where to draw.
        labels: What each bar is.
        estimate: Values [bar].
        low: Lower ends of the intervals [bar].
        high: Upper ends of the intervals [bar].
        x_label: Name and unit of the values.
        most: Draw the largest ones only; all by default.

    Returns:
        The axes, and the table with columns ``label``, ``x_label``, ``low``, ``high``, in the order of the bars, all of them.
    """
    from pandas import DataFrame

    names, estimate, low, high = _equal_lengths(labels=labels, estimate=estimate, low=low, high=high)
    order = np.argsort(-np.nan_to_num(np.abs(estimate), nan=-1.0), kind="stable")
    names, estimate, low, high = names[order], estimate[order], low[order], high[order]
    shown = len(names) if most is None else min(most, len(names))
    with style():
        for place in range(shown):
            value, ends = estimate[place], (low[place], high[place])
            if not np.isfinite(value):
                axes.text(0, place, " not known", color=GREY, va="center", fontsize=8.0)
                continue
            look = BLUE if value >= 0 else VERMILLION
            clear = ends[0] > 0 or ends[1] < 0
            axes.barh(
                place, value, height=0.62, color=look if clear else "none", edgecolor=look, alpha=0.85, linewidth=1.2
            )
            axes.hlines(place, *ends, color=BLACK, linewidth=1.4)
            axes.vlines(ends, place - 0.16, place + 0.16, color=BLACK, linewidth=1.4)
        axes.axvline(0.0, color=GREY, linewidth=1.0)
        axes.set_yticks(range(shown), [str(name) for name in names[:shown]])
        axes.set_ylim(shown - 0.4, -0.6)
        axes.grid(False, axis="y")
        axes.set_xlabel(x_label)
    return axes, DataFrame({"label": names, x_label: estimate, "low": low, "high": high})
