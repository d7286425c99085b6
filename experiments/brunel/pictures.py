"""Rasters and activity, spectra, rates against the theory, correlations against the size."""

from __future__ import annotations

from typing import Any

import numpy as np

import jaxsnn_noise as jn
from jaxsnn_noise import figures
from jaxsnn_noise.study import Picture

LAST = 100.0
"""Time that rasters show [ms]."""


def summary(values: Any) -> Any:
    """Mean over networks with an interval."""
    return jn.reduce.mean_and_error(values, over="network")


def plot(data: Any, config: Any) -> dict[str, Picture]:
    """All pictures."""
    return {
        "rasters": _rasters(data["panels"], config),
        "activity": _activity(data["panels"], config),
        "spectra": _spectra(data["panels"], config),
        "rates": _rates(data["panels"]),
        **({"correlations": _correlations(data["sizes"], config)} if "sizes" in data else {}),
    }


def _named(panel: Any) -> str:
    from . import PANELS

    g, eta = PANELS[str(panel)]
    return f"{panel}: g = {g:g}, eta = {eta:g}"


def _rasters(panels: Any, config: Any) -> Picture:
    import pandas

    names = panels["panel"].values
    figure, axes = figures.new_figure(len(names), 1, height=1.6 * len(names), sharex=True, squeeze=False)
    kept, made = round(min(LAST, config.duration) / config.dt), []
    for one, name in zip(axes[:, 0], names, strict=True):
        _, table = figures.raster(one, panels["raster"].sel(panel=name).values[-kept:].astype(float), dt=config.dt)
        one.set_title(_named(name), fontsize="medium", loc="left")
        one.label_outer()
        made.append(table.assign(panel=str(name)))
    return Picture(
        figure,
        pandas.concat(made, ignore_index=True),
        f"Spikes of 50 excitatory neurons in the last {kept * config.dt:g} ms.",
    )


def _activity(panels: Any, config: Any) -> Picture:
    import pandas

    names = panels["panel"].values
    figure, axes = figures.new_figure(len(names), 1, height=1.6 * len(names), sharex=True, squeeze=False)
    kept, made = round(min(LAST, config.duration) / config.dt), []
    time = config.dt * np.arange(1, kept + 1)
    for one, name in zip(axes[:, 0], names, strict=True):
        course = panels["activity"].sel(panel=name).isel(network=0).values[-kept:, None]
        _, table = figures.courses(one, course, time=time, label="rate [Hz]")
        one.set_title(_named(name), fontsize="medium", loc="left")
        one.label_outer()
        made.append(table.assign(panel=str(name)))
    return Picture(
        figure,
        pandas.concat(made, ignore_index=True),
        f"Activity of the whole network in steps of {config.dt:g} ms, the same times.",
    )


def _spectra(panels: Any, config: Any) -> Picture:
    import pandas

    figure, axes = figures.new_figure()
    size = config.excitatory + config.excitatory // 4
    relative = (panels["spectrum"] * size / panels["rate"]).isel(frequency=slice(2, None)).sel(frequency=slice(0, 1000))
    made = []
    for name in relative["panel"].values:
        line = summary(np.log10(relative.sel(panel=name)))
        ends = (10.0 ** line[k].values for k in ("mean", "low", "high"))
        labels = {"x_label": "frequency [Hz]", "y_label": "power over that of Poisson neurons [1]"}
        _, table = figures.line_with_interval(axes, line["frequency"].values, *ends, **labels, series=_named(name))
        made.append(table)
    axes.set_yscale("log")
    caption = f"Spectrum of the activity of the network over that of as many independent Poisson neurons; {config.networks} networks."
    return Picture(figure, pandas.concat(made, ignore_index=True), caption)


def _rates(panels: Any) -> Picture:
    from . import theory_of

    figure, axes = figures.new_figure()
    names = [str(name) for name in panels["panel"].values]
    wanted = np.array([theory_of(name)["rate_hz"] for name in names])
    line = summary(panels["rate"])
    ends = (100 * (line[k].values / wanted - 1) for k in ("mean", "low", "high"))
    label = "rate less that of the theory [%]"
    _, table = figures.forest(
        axes, [_named(name) for name in names], *ends, x_label=label, bound=0.0, bound_label="self-consistent theory"
    )
    return Picture(
        figure,
        table.assign(theory_hz=wanted, rate_hz=line["mean"].values),
        "Mean rate of all neurons against the self-consistent rate of the asynchronous state; 95 % intervals over networks.",
    )


def _correlations(sizes: Any, config: Any) -> Picture:
    import pandas

    figure, axes = figures.new_figure()
    labels = {"x_label": "neurons", "y_label": "mean pairwise correlation [1]"}
    made = []
    for way in sizes["way"].values:
        for name, bin in (("slow_correlation", config.slow), ("fast_correlation", config.fast)):
            line = summary(sizes[name].sel(way=way))
            ends = [line[k].values for k in ("mean", "low", "high")]
            ends[1] = np.maximum(ends[1], 1e-5)
            series = f"fixed {way}, {bin:g} ms"
            made.append(figures.line_with_interval(axes, line["neurons"].values, *ends, **labels, series=series)[1])
    axes.set_xscale("log")
    axes.set_yscale("log")
    caption = f"Mean correlation of the counts of all pairs, panel C at other sizes, {config.networks} networks of {config.long:g} ms each."
    return Picture(figure, pandas.concat(made, ignore_index=True), caption)


def tables(data: Any, config: Any) -> dict[str, Any]:
    """All quantities by panel, with what theory says of them, and by size."""
    import pandas

    from . import theory_of

    names = ("rate", "cv", "synchrony", "fast_correlation", "slow_correlation", "peak_hz", "peak", "largest_step")
    rows = []
    for panel in config.panels:
        wanted = theory_of(panel)
        for name in names:
            line = summary(data["panels"][name].sel(panel=panel))
            row = {"panel": panel, "quantity": name, **{k: float(line[k]) for k in ("mean", "low", "high")}}
            rows.append(row | {"theory": {"rate": wanted["rate_hz"], "cv": wanted["cv"]}.get(name, float("nan"))})
    made = {"panels": pandas.DataFrame(rows)}
    if "sizes" in data:
        sizes = summary(data["sizes"][["rate", "cv", "slow_correlation", "fast_correlation"]].to_array("quantity"))
        made["sizes"] = sizes.to_dataframe().reset_index()
    return made
