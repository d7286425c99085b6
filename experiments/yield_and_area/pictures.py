"""Tables and figures of critical areas."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

import jaxsnn_noise as jn
from jaxsnn_noise import figures
from jaxsnn_noise.study import Picture

from . import chips, orders
from .claims import areas_for, not_monotone
from .measuring import YIELD, primary

if TYPE_CHECKING:
    import xarray as xr
    from pandas import DataFrame

    from . import Config

    Data = Mapping[str, xr.Dataset]

YIELDS = (0.5, 0.9, YIELD)
NUMBERS = (30, 100, 300, 1000, 2000)


def areas(data: Data, config: Config) -> DataFrame:
    """Area for given yields by process, temperature and network, with order-statistic intervals over its chips."""
    import pandas

    rows = []
    for process in config.processes:
        for temperature in config.temperatures:
            spread = float(chips.transistor(process).log_spread(1.0, 1.0, temperature))
            for share in YIELDS:
                for i, (area, low, high) in enumerate(areas_for(data["areas"], process, temperature, share)):
                    rows.append({"process": process, "temperature [K]": temperature, "yield": share, "network": i,
                                 "area [um2]": area, "low": low, "high": high, "spread at 1 um2": spread})  # fmt: skip
    return pandas.DataFrame(rows)


def over_networks(data: Data, config: Config) -> DataFrame:
    """Geometric mean area over networks with Student's t of logarithms, and the spread of ``ln I`` at that area."""
    import pandas
    import xarray as xr

    rows = []
    for key, part in areas(data, config).groupby(["process", "temperature [K]", "yield"], sort=False):
        values = part["area [um2]"].to_numpy()
        row: dict[str, Any] = dict(zip(("process", "temperature [K]", "yield"), key, strict=True))
        middle = float(np.exp(np.log(values).mean()))
        row |= {"area [um2]": middle, "low": np.nan, "high": np.nan}
        if len(values) > 1 and np.isfinite(values).all():
            found = jn.reduce.mean_and_error(xr.DataArray(np.log(values), dims="network"), over="network")
            row |= {name: float(np.exp(found[name])) for name in ("low", "high")}
        row["spread at that area [%]"] = 100 * part["spread at 1 um2"].iloc[0] / np.sqrt(middle)
        rows.append(row)
    return pandas.DataFrame(rows)


def numbers(data: Data, config: Config) -> DataFrame:
    """What the first n chips of a network say of the area for 99 %, and what n chips without a failure show at best."""
    import pandas

    process, temperature = primary(config)
    brackets = (
        data["areas"]["area"].sel(process=process, temperature=temperature).transpose("seed", "device", "end").values
    )
    rows = []
    for n in (n for n in NUMBERS if n <= config.chips):
        found = np.array([orders.quantile(one[:n], YIELD) for one in brackets])
        rows.append({"chips": n, "yield shown without a failure [%]": 100 * orders.shown_without_failures(n),
                     "area [um2]": found[:, 0].mean(), "low": found[:, 1].mean(), "high": found[:, 2].mean()})  # fmt: skip
    columns = ["chips", "yield shown without a failure [%]", "area [um2]", "low", "high"]
    return pandas.DataFrame(rows, columns=columns)


def tables(data: Data, config: Config) -> dict[str, DataFrame]:
    """Areas by network and over networks, how many chips that takes, monotonicity and yield at the area found."""
    falls = not_monotone(data, config).mean("device").to_series().rename("not monotone").to_frame()
    checked = falls.assign(**{name: data["grid"]["yield"].sel(chips=name).values for name in ("the same", "fresh")})
    return {
        "areas": over_networks(data, config),
        "areas_by_network": areas(data, config),
        "numbers_of_chips": numbers(data, config),
        "checks": checked.reset_index(),
    }


def yields(data: Data, config: Config, process: str, temperature: float, at: np.ndarray) -> tuple[np.ndarray, ...]:
    """Yield at areas, mean of networks with Student's t interval [%]: the share of chips whose bracket ends below (by its middle)."""
    import xarray as xr

    brackets = (
        data["areas"]["area"].sel(process=process, temperature=temperature).transpose("seed", "device", "end").values
    )
    low, high = brackets[..., 0], brackets[..., 1]
    with np.errstate(invalid="ignore"):
        middle = np.where(low > 0, np.sqrt(low * high), high)
    share = xr.DataArray(100 * (middle[..., None] <= at).mean(axis=1), dims=("network", "area"))
    if share.sizes["network"] < 2:
        return share.values[0], np.full(len(at), np.nan), np.full(len(at), np.nan)
    found = jn.reduce.mean_and_error(share, over="network")
    return found["mean"].values, found["low"].values.clip(0, 100), found["high"].values.clip(0, 100)


def plot(data: Data, config: Config) -> dict[str, Picture]:
    """Yield against area by process at the primary temperature, and by temperature in the first process."""
    process, temperature = primary(config)
    words = f"Yield against the area of a transistor, mean of {config.networks} networks of {config.chips} chips; bands: 95 % intervals over networks."
    by_process = {name: (name, temperature) for name in config.processes}
    by_temperature = {f"{t:g} K": (process, t) for t in config.temperatures}
    return {
        "processes": _curves(data, config, by_process, f"{words} {temperature:g} K."),
        "temperatures": _curves(data, config, by_temperature, f"{words} {process}."),
    }


def _curves(data: Data, config: Config, cells: dict[str, tuple[str, float]], caption: str) -> Picture:
    import pandas

    at = np.geomspace(config.smallest, config.largest, 65)
    figure, axes = figures.new_figure()
    drawn = []
    for name, cell in cells.items():
        labels = {"x_label": "area of a transistor [um2]", "y_label": "yield [%]"}
        drawn.append(figures.line_with_interval(axes, at, *yields(data, config, *cell, at), **labels, series=name)[1])
    axes.set_xscale("log")
    return Picture(figure, pandas.concat(drawn, ignore_index=True), caption)
