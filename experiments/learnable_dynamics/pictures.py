"""Tables and figures of the study."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import jax.numpy as jnp
import numpy as np

import jaxsnn_noise as jn
from jaxsnn_noise import figures
from jaxsnn_noise.study import Picture

from . import claims
from .members import HIDDEN

if TYPE_CHECKING:
    import xarray as xr
    from pandas import DataFrame

    Data = Mapping[str, xr.Dataset]

OVER = ("seed", "sample")


def _gains(data: Data, name: str) -> xr.DataArray:
    """Accuracy of every other arm less that of the tuned LIF [points] (arm, seed, condition, sample)."""
    right = claims.right(data, name)
    others = [arm for arm in right.arm.values if arm != "tuned"]
    return right.sel(arm=others) - right.sel(arm="tuned", drop=True)


def tables(data: Data, config: Any) -> dict[str, DataFrame]:
    """Accuracies, gains over the tuned LIF, learned time constants, tuning, and a learned neuron as a table."""
    import pandas

    found: dict[str, list[Any]] = {"accuracy": [], "gain_over_tuned": [], "time_constants": [], "tuning": []}
    for name in config.tasks:
        rows = {
            "accuracy": jn.reduce.mean_and_error(claims.right(data, name), over=OVER).to_dataframe(),
            "gain_over_tuned": jn.reduce.mean_and_error(_gains(data, name), over=OVER).to_dataframe(),
            "time_constants": _taus(data[name]),
            "tuning": data[f"tuning_{name}"]["accuracy"].mean("network").to_dataframe(),
        }
        for what, table in rows.items():
            found[what].append(table.reset_index().assign(task=name))
    whole = {what: pandas.concat(parts, ignore_index=True) for what, parts in found.items()}
    whole |= {f"neuron_{name}": _neuron(data[name], config) for name in config.tasks if "coefficients" in data[name]}
    return whole


def _taus(data: xr.Dataset) -> DataFrame:
    """Geometric mean and spread within a layer of time constants [ms, 1], with the 95 % interval of the mean over networks."""
    logs: Any = np.log(data["taus"].astype(float))
    mean = jn.reduce.mean_and_error(logs.mean("neuron"), over="seed")
    columns: dict[str, Any] = {
        "tau [ms]": np.exp(mean["mean"]),
        "low": np.exp(mean["low"]),
        "high": np.exp(mean["high"]),
    }
    columns |= {"sd of ln tau within a layer": logs.std("neuron").mean("seed"), "start [ms]": data["start"]}
    return _dataset(columns).to_dataframe()


def _dataset(columns: Mapping[str, Any]) -> xr.Dataset:
    import xarray

    return xarray.Dataset({name: column.drop_attrs() for name, column in columns.items()})


def _neuron(data: xr.Dataset, config: Any) -> DataFrame:
    """The learned polynomials of the first network as the tables that were tested."""
    import pandas

    rows = []
    for layer in HIDDEN:
        learned = jn.neurons.Polynomial(data["coefficients"].isel(seed=0).sel(layer=layer).values)
        table = jn.neurons.Tabulated.of(learned, config.entries, bits=config.entry_bits)
        rows += [
            {"layer": layer, "v [mV]": float(x), "P [mV]": float(p)}
            for x, p in zip(table.points, table.entries, strict=True)
        ]
    return pandas.DataFrame(rows)


def plot(data: Data, config: Any) -> dict[str, Picture]:
    """Gains over the tuned LIF, learned time constants, learned nonlinearities."""
    pictures = {}
    for name in config.tasks:
        pictures[f"gain_{name}"] = _gain(data, name, config)
        pictures[f"taus_{name}"] = _time_constants(data[name], name)
        if "coefficients" in data[name]:
            pictures[f"curves_{name}"] = _curves(data[name], name)
    return pictures


def _gain(data: Data, name: str, config: Any) -> Picture:
    figure, axes = figures.new_figure(height=4.2)
    found = jn.reduce.mean_and_error(_gains(data, name), over=OVER)
    table = found.to_dataframe().reset_index()
    labels = [f"{arm}, {condition}" for arm, condition in zip(table["arm"], table["condition"], strict=True)]
    _, drawn = figures.forest(
        axes, labels, table["mean"], table["low"], table["high"], x_label="gain over tuned LIF [points]", bound=0.0
    )
    words = f"{config.networks} networks, {data[name].sizes['sample']} test samples, 95 % intervals over both"
    return Picture(figure, drawn, f"Accuracy less that of the LIF with tuned time constants, {name}; {words}.")


def _time_constants(data: xr.Dataset, name: str) -> Picture:
    import pandas

    figure, axes = figures.new_figure()
    table, drawn = _taus(data).reset_index(), []
    moved = [arm for arm in dict.fromkeys(table["arm"]) if arm not in ("tuned", "polynomial", "spread")]
    for arm in moved:
        part = table[table["arm"] == arm]
        values = [part[k].to_numpy(float) for k in ("tau [ms]", "low", "high")]
        _, one = figures.line_with_interval(
            axes, part["layer"].to_numpy(), *values, x_label="layer", y_label="tau [ms]", series=arm
        )
        drawn.append(one)
    axes.set_yscale("log")
    text = f"Geometric mean of learned time constants, {name}; bars: 95 % intervals over networks. Arms called flat start equal in both layers."
    return Picture(figure, pandas.concat(drawn, ignore_index=True), text)


def _curves(data: xr.Dataset, name: str) -> Picture:
    import pandas

    figure, axes = figures.new_figure(columns=2, height=2.8)
    x, rows = np.linspace(-1.0, 1.0, 81).astype(np.float32), []
    for layer, ax in zip(HIDDEN, axes, strict=True):
        for seed in data["seed"].values:
            curve = jn.neurons.Polynomial(data["coefficients"].sel(seed=seed, layer=layer).values)
            value = np.asarray(curve(jnp.asarray(x)))
            ax.plot(x, value, color="C0", alpha=0.5, linewidth=1.0)
            rows += [
                {"layer": layer, "network": int(seed), "x": float(a), "P": float(b)}
                for a, b in zip(x, value, strict=True)
            ]
        ax.set(xlabel="potential over threshold [1]", ylabel="P [1]", title=layer)
    return Picture(
        figure, pandas.DataFrame(rows), f"Learned nonlinearities, one line per network, {name}. LIF is P = 0."
    )
