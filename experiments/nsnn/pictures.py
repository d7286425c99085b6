"""Tables and figures."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import jaxsnn_noise as jn
from jaxsnn_noise import figures
from jaxsnn_noise.study import Picture

from .claims import over_twin, stands
from .networks import VARIANTS, Group

if TYPE_CHECKING:
    import xarray as xr
    from pandas import DataFrame

    from . import Config

    Data = Mapping[str, xr.Dataset]

OVER = ("seed", "sample")


def estimates(values: xr.DataArray) -> DataFrame:
    """Means with 95 % intervals over networks and images, by what is left."""
    import pandas

    found = jn.reduce.mean_and_error(values, over=OVER)[["mean", "low", "high"]].drop_attrs()
    if not found.sizes:
        return pandas.DataFrame([{name: float(found[name]) for name in ("mean", "low", "high")}])
    return found.to_dataframe().reset_index()


def groups(data: Data) -> dict[str, xr.Dataset]:
    """The datasets of groups, by their words."""
    return {part.attrs["group"]: part for part in data.values() if "group" in part.attrs}


def tables(data: Data, config: Config) -> dict[str, DataFrame]:
    """Accuracies, gains over the twin, the published baseline, draws, attacks."""
    first = data[Group().name]
    points = {name: 100.0 * part["correct"].astype(float) for name, part in groups(data).items()}
    noisy = 100.0 * first["several"].astype(float).sel(kind=list(VARIANTS))
    published = 100.0 * first["published"].astype(float)
    compared = 100.0 * first["correct"].astype(float) - published
    made = {
        "accuracy": _by_group({name: estimates(part) for name, part in points.items()}),
        "gain_over_twin": _by_group(
            {name: estimates(over_twin(part["correct"])) for name, part in groups(data).items()}
        ),
        "mean_of_draws_over_twin": _by_group(
            {name: estimates(over_twin(part["averaged"])) for name, part in groups(data).items()}
        ),
        "published_baseline": estimates(published),
        "less_published_baseline": estimates(compared),
        "draws": estimates(noisy),
        "draws_gain": estimates(noisy - noisy.isel(draws=0, drop=True)),
        "noise_off": estimates(100.0 * first["quiet"].astype(float)),
        "loss": first["loss"].mean("seed").to_dataframe().reset_index(),
    }
    if "attacks" in data:
        attacks = data["attacks"]
        made["attacks"] = estimates(100.0 * _with_worst(attacks))
        made["attacks_over_twin"] = estimates(over_twin(_with_worst(attacks)))
        made["masked"] = attacks["masked"].mean("seed").to_dataframe().reset_index()
    return made


def _with_worst(attacks: xr.Dataset) -> xr.DataArray:
    import xarray as xr

    worst = stands(attacks).expand_dims(attack=["worst of cube"])
    return xr.concat([attacks["correct"], worst], "attack").astype(float)


def _by_group(parts: Mapping[str, DataFrame]) -> DataFrame:
    import pandas

    for words, table in parts.items():
        table.insert(0, "group", words)
    return pandas.concat(parts.values(), ignore_index=True)


def plot(data: Data, config: Config) -> dict[str, Picture]:
    """Gains over the twin by test, attacks, and gains by the number of draws."""
    found = tables(data, config)
    words = f"{config.networks} networks, {config.images} images; bars: 95 % intervals over both"
    gains = found["gain_over_twin"]
    primary = gains[gains["group"] == Group().words]
    made = {
        "gains": _cells(primary, "test", "accuracy less that of the twin [points]",
                        f"What the forward noise gains over the deterministic twin with the same backward pass, one draw; {words}."),
        "draws": _draws(found["draws_gain"], f"What the mean of several draws gains over one draw on clean images; {words}."),
    }  # fmt: skip
    others = gains[(gains["group"] != Group().words)]
    if len(others):
        caption = f"The same for other laws, architectures and images ({config.other:g} mV), {VARIANTS[0]}; {config.other_networks} networks, {config.images} images; bars: 95 % intervals over both."
        chosen = others[others["variant"] == VARIANTS[0]]
        made["others"] = _cells(chosen, "test", "accuracy less that of the twin [points]", caption, series=("group",))
    if "attacks_over_twin" in found:
        caption = (
            f"Attacks of {config.attacked_images} images of {config.attacked} networks: cube of {config.cube:g}, sphere of {config.sphere:g}. "
            "Bars: 95 % intervals over both."
        )
        made["attacks"] = _cells(
            found["attacks_over_twin"], "attack", "accuracy less that of the twin [points]", caption
        )
    return made


def _cells(
    table: DataFrame, along: str, label: str, caption: str, series: tuple[str, ...] = ("variant", "std")
) -> Picture:
    """Estimates with intervals side by side, one colour and marker for each series."""
    import numpy as np

    figure, axes = figures.new_figure(height=3.2)
    names = list(dict.fromkeys(table[along]))
    parts = list(table.groupby(list(series), sort=False))
    for i, (key, part) in enumerate(parts):
        rows = part.set_index(along).loc[names]
        x = np.arange(len(names)) + 0.12 * (i - 0.5 * (len(parts) - 1))
        mean = rows["mean"].to_numpy(float)
        reach = [mean - rows["low"].to_numpy(float), rows["high"].to_numpy(float) - mean]
        told = ", ".join(f"{value:g} mV" if isinstance(value, float) else str(value) for value in key)
        marker = figures.MARKERS[i % len(figures.MARKERS)]
        axes.errorbar(
            x,
            mean,
            reach,
            fmt=marker,
            color=figures.PALETTE[i % len(figures.PALETTE)],
            markersize=4,
            linewidth=1,
            label=told,
        )
    axes.axhline(0.0, color="0.6", linewidth=0.8)
    axes.set_xticks(range(len(names)), [str(name).replace(" ", "\n") for name in names])
    axes.set_ylabel(label)
    figure.legend(loc="outside lower center", ncols=2)
    return Picture(figure, table, caption)


def _draws(table: DataFrame, caption: str) -> Picture:
    import pandas

    figure, axes = figures.new_figure()
    drawn: list[Any] = []
    for (kind, std), part in table.groupby(["kind", "std"], sort=False):
        values = [part[k].to_numpy(float) for k in ("draws", "mean", "low", "high")]
        _, one = figures.line_with_interval(
            axes,
            *values,
            x_label="draws",
            y_label="accuracy less that of one draw [points]",
            series=f"{kind}, {std:g} mV",
        )
        drawn.append(one)
    axes.set_xscale("log", base=2)
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
    return Picture(figure, pandas.concat(drawn, ignore_index=True), caption)
