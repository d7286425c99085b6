"""Figures and tables of the study."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from jaxsnn_noise import figures, reduce
from jaxsnn_noise.study import Picture

from .estimates import cv, rate, references

if TYPE_CHECKING:
    from pandas import DataFrame

CV = "CV of intervals [1]"
AREA = "membrane area [um2]"
RATE = "firing rate [Hz]"


def pictures(data: Any, config: Any) -> dict[str, Picture]:
    """A figure for each question."""
    found = {"fitzhugh": _fitzhugh(data, config), "areas": _areas(data, config), "current": _current(data, config)}
    return found | ({"patches": _patches(data, config)} if "patches" in data else {})


def tables(data: Any, config: Any) -> dict[str, DataFrame]:
    """Estimates with 95 % intervals."""
    parts = {
        "fitzhugh": _over_blocks(data["fitzhugh"], cv).assign(reference=("strength", references(config.strengths))),
        "areas": _over_blocks(data["areas"], cv),
        "area_rates": _over_blocks(data["areas"], rate),
        "current": reduce.mean_and_error(data["current"]["rate"], over="axon"),
    }
    if "patches" in data:
        parts["patches"] = reduce.mean_and_error(data["patches"]["rate"], over="axon")
    return {name: part.to_dataframe().reset_index() for name, part in parts.items()}


def _over_blocks(sums: Any, estimate: Any) -> Any:
    return reduce.mean_and_error(reduce.pseudovalues(sums, estimate), over="block")


def _curve(axes: Any, x: Any, found: Any, series: str, x_label: str, y_label: str) -> DataFrame:
    return figures.line_of_estimates(axes, x, found, x_label=x_label, y_label=y_label, series=series)[1]


def _together(parts: list[DataFrame]) -> DataFrame:
    import pandas

    return pandas.concat(parts, ignore_index=True)


def _fitzhugh(data: Any, config: Any) -> Picture:
    figure, axes = figures.new_figure()
    d, known = np.array(config.strengths), references(config.strengths)
    label = "noise strength D [1/sqrt(ms)]"
    parts = [
        _curve(axes, d, _over_blocks(data["fitzhugh"], cv), "simulated", label, CV),
        figures.line_with_interval(axes, d, known, known, known, x_label=label, y_label=CV, series="reference")[1],
    ]
    axes.set_xscale("log")
    caption = f"FitzHugh-Nagumo: some noise makes it most regular. Band: 95 % interval over {config.size} neurons of {config.duration:g} ms."
    return Picture(figure, _together(parts), caption)


def _areas(data: Any, config: Any) -> Picture:
    figure, (left, right) = figures.new_figure(1, 2)
    area = np.array(config.areas)
    parts = [
        _curve(left, area, _over_blocks(data["areas"], cv), "CV", AREA, CV),
        _curve(right, area, _over_blocks(data["areas"], rate), "rate", AREA, RATE),
    ]
    for axes in (left, right):
        axes.set_xscale("log")
    caption = f"Axons without input fire by channel noise alone, most regularly at some area. Band: 95 % interval over {config.axons} axons of {config.axon_duration:g} ms."  # fmt: skip
    return Picture(figure, _together(parts), caption)


def _current(data: Any, config: Any) -> Picture:
    figure, axes = figures.new_figure()
    found = reduce.mean_and_error(data["current"]["rate"], over="axon")
    label = "noise on the current [uA/cm2 sqrt(ms)]"
    parts = [
        _curve(axes, np.array(config.noises), found.sel(current=i), f"{i:g} uA/cm2", label, RATE)
        for i in config.currents
    ]
    caption = f"Inverse resonance: between 6.3 and 9.78 uA/cm2 rest is stable as well as firing, and noise takes axons there. Band: 95 % interval over {config.driven} axons."  # fmt: skip
    return Picture(figure, _together(parts), caption)


def _patches(data: Any, config: Any) -> Picture:
    figure, axes = figures.new_figure()
    found = reduce.mean_and_error(data["patches"]["rate"], over="axon")
    table = _curve(axes, np.array(config.patches), found, f"{config.currents[0]:g} uA/cm2", AREA, RATE)
    axes.set_xscale("log")
    caption = f"The same by channel noise, which falls with the area. Band: 95 % interval over {config.driven} axons of {config.driven_duration:g} ms."
    return Picture(figure, table, caption)
