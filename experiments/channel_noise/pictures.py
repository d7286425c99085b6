"""Figures and tables of the study."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from jaxsnn_noise import figures, reduce
from jaxsnn_noise.study import Picture

from .budget import SOURCES
from .estimates import agreement, cv, distance, rate, spreads

if TYPE_CHECKING:
    from pandas import DataFrame

AREA = "membrane area [um2]"


def pictures(data: Any, config: Any) -> dict[str, Picture]:
    """A figure for each question."""
    found = {"rates": _rates(data, config), "budget": _budget(data, config)}
    if "pulses" in data:
        found["thresholds"] = _thresholds(data, config)
    if "frozen" in data:
        found["agreement"] = _agreement(data, config)
    return found


def tables(data: Any, config: Any) -> dict[str, DataFrame]:
    """Estimates with 95 % intervals."""
    import xarray

    schemes = list(config.schemes)
    stack = lambda of: xarray.concat([of(data[name]) for name in schemes], "scheme").assign_coords(scheme=schemes)  # noqa: E731
    parts = {
        "rates": stack(lambda part: _over_blocks(part, rate)),
        "cvs": stack(lambda part: _over_blocks(part, cv)),
        "distances": stack(lambda part: distance(part, data["Markov"]).to_dataset(name="distance")),
        "information": reduce.mean_and_error(data["budget"]["bits"], over="trial"),
        "budget_rates": reduce.mean_and_error(data["budget"]["rate"], over="trial"),
        "jitter": reduce.mean_and_error(data["budget"]["jitter"], over="block"),
        "reliability": reduce.mean_and_error(data["budget"]["reliability"], over="block"),
    }
    if "pulses" in data:
        found = spreads(data["pulses"])
        parts["at_rest"] = data["pulses"][["spread_at_rest"]]
        parts["thresholds"] = reduce.mean_and_error(found["threshold"], over="block")
        parts["log_spreads"] = reduce.mean_and_error(found["log_spread"], over="block")
    if "frozen" in data:
        parts["agreement"] = reduce.mean_and_error(agreement(data["frozen"]["spikes"], config.smooth), over="pair")
    return {name: part.to_dataframe().reset_index() for name, part in parts.items()}


def _over_blocks(sums: Any, estimate: Any) -> Any:
    return reduce.mean_and_error(reduce.pseudovalues(sums.drop_vars("histogram"), estimate), over="block")


def _curve(axes: Any, x: Any, found: Any, series: str, x_label: str, y_label: str) -> DataFrame:
    return figures.line_of_estimates(axes, x, found, x_label=x_label, y_label=y_label, series=series)[1]


def _together(parts: list[DataFrame]) -> DataFrame:
    import pandas

    return pandas.concat(parts, ignore_index=True)


def _rates(data: Any, config: Any) -> Picture:
    figure, (left, right) = figures.new_figure(1, 2)
    area = np.array(config.areas)
    parts = []
    for name in config.schemes:
        parts.append(_curve(left, area, _over_blocks(data[name], rate), name, AREA, "spontaneous rate [Hz]"))
        parts.append(_curve(right, area, _over_blocks(data[name], cv), name, AREA, "CV of intervals [1]"))
    left.set_yscale("log")
    left.set_ylim(bottom=0.1)
    right.set_xscale("log")
    right.set_ylim(0.3, 1.2)
    caption = f"Without input, by scheme of the channels: the logarithm of the rate falls linearly with the area. Band: 95 % interval over {config.axons} axons of {config.duration:g} ms."  # fmt: skip
    return Picture(figure, _together(parts), caption)


def _agreement(data: Any, config: Any) -> Picture:
    figure, axes = figures.new_figure()
    found = reduce.mean_and_error(agreement(data["frozen"]["spikes"], config.smooth), over="pair")
    table = _curve(axes, np.array(config.patches), found, "two axons", AREA, "agreement of trains [1]")
    axes.set_xscale("log")
    caption = f"One frozen current, trains of two axons. Band: 95 % interval over {config.repeats // 2} pairs of {config.record:g} ms."
    return Picture(figure, table, caption)


def _thresholds(data: Any, config: Any) -> Picture:
    figure, axes = figures.new_figure()
    found = reduce.mean_and_error(spreads(data["pulses"])["log_spread"], over="block")
    area = np.array(config.large)
    label = "relative spread of the threshold [1]"
    middle = np.exp(found["mean"].values.mean() + 0.5 * np.log(area).mean())
    root = middle / np.sqrt(area)
    parts = [
        _curve(axes, area, np.exp(found[["mean", "low", "high"]]), "simulated", AREA, label),
        figures.line_with_interval(axes, area, root, root, root, x_label=AREA, y_label=label, series="one over the root")[1],
    ]  # fmt: skip
    axes.set_xscale("log")
    axes.set_yscale("log")
    caption = (
        f"Pulses of 1 ms: how much the threshold varies. Band: 95 % interval over {config.pulses} axons per height."
    )
    return Picture(figure, _together(parts), caption)


def _budget(data: Any, config: Any) -> Picture:
    figure, (left, right) = figures.new_figure(1, 2)
    bits, jitter = data["budget"]["bits"], data["budget"]["jitter"]
    parts, x = [], np.arange(len(SOURCES))
    for series, ending in (("biophysical", ""), (f"{config.equal:g} mV each", ", equal")):
        names = [f"{name}{ending}" for name in SOURCES]
        lost = reduce.mean_and_error(bits.sel(condition="none", drop=True) - bits.sel(condition=names), over="trial")
        blur = reduce.mean_and_error(jitter.sel(condition=names), over="block")
        parts.append(_curve(left, x, lost, series, "source", "information lost [bit/s]"))
        parts.append(_curve(right, x, blur, series, "source", "jitter [ms]"))
    for axes in (left, right):
        axes.set_xticks(x, SOURCES, rotation=20)
    caption = f"The budget of one neuron: {', '.join(SOURCES)}, one at a time. Band: 95 % interval over {config.trials} trials."
    return Picture(figure, _together(parts), caption)
