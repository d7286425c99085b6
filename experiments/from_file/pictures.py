"""Figures and tables of the study."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from jaxsnn_noise import figures, reduce
from jaxsnn_noise.study import Picture

from .circuits import BUILT
from .claims import measured, parameters, passing, worst
from .spec import parse

if TYPE_CHECKING:
    from pandas import DataFrame

LISTED = 25
"""Failing chips that the table lists, the worst ones."""


def tables(data: Any, config: Any) -> dict[str, DataFrame]:
    """Fixes with area and yield, parameters by themselves, and the chips that fail."""
    return {
        "fixes": fixes_table(data, config),
        "parameters": parameters_table(data),
        "failing_chips": failing(data, config),
    }


def fixes_table(data: Any, config: Any) -> DataFrame:
    """Each fix: area, measurements, accuracy as programmed and of the chips, yield with interval, chips gained and lost."""
    good, found = passing(data, config), data["fixes"]
    share = reduce.proportion(good, over="device")
    built = good.sel(fix=BUILT, drop=True)
    table = found[["area", "measurements"]].to_dataframe().rename(columns={"area": "area [um2]"})
    table["programmed [%]"] = 100 * measured(found["programmed"], found, "accuracy").values
    table["chips, mean [%]"] = 100 * measured(found["answer"], found, "accuracy").mean("device").values
    for column, name in (("yield [%]", "mean"), ("low [%]", "low"), ("high [%]", "high")):
        table[column] = 100 * share[name].values
    table["chips gained"] = (good & ~built).sum("device").values
    table["chips lost"] = (~good & built).sum("device").values
    return table.reset_index()


def parameters_table(data: Any) -> DataFrame:
    """What each parameter costs by itself, the largest first."""
    found = parameters(data)
    table = found[["mean", "low", "high", "effect"]].to_dataframe().reset_index()
    first, alike = worst(data)
    called = "worst" if found["effect"].values[0] == "costs" else "largest estimate"
    table["worst"] = [
        called if n == first else "not told apart from it" if n in alike else "" for n in table["parameter"]
    ]
    return table.rename(columns={"mean": "loss [points]", "low": "low [points]", "high": "high [points]"})


def failing(data: Any, config: Any) -> DataFrame:
    """The worst chips among those that fail as built: device and seed, by which they are made again."""
    from pandas import DataFrame

    spec, found = parse(config.spec), data["fixes"].sel(fix=BUILT)
    values = measured(found["answer"], found, spec.what).values
    bad = np.flatnonzero(~passing(data, config).sel(fix=BUILT).values)
    order = bad[np.argsort(values[bad] if spec.what != "error" else -values[bad], kind="stable")]
    rows = [{"device": int(k), "seed": config.seed, f"{spec.what} [%]": 100 * float(values[k])} for k in order[:LISTED]]
    for row in rows:
        answer = found["answer"].isel(device=row["device"])
        row["other answers than as programmed"] = int((answer != found["nominal"]).sum())
    return DataFrame(rows, columns=["device", "seed", f"{spec.what} [%]", "other answers than as programmed"])


def plot(data: Any, config: Any) -> dict[str, Picture]:
    """Yield over area, losses by parameter, the distribution of chips."""
    return {"yield": _yield(data, config), "parameters": _parameters(data, config), "chips": _chips(data, config)}


def _yield(data: Any, config: Any) -> Picture:
    from pandas import concat

    table = fixes_table(data, config)
    figure, axes = figures.new_figure()
    kinds = {
        "size": table["fix"].str.fullmatch(rf"{BUILT}|area x.*"),
        "size, calibrated": table["fix"].str.startswith("calibrated"),
        "average of copies": table["fix"].str.startswith("average"),
        "vote of copies": table["fix"].str.startswith("vote"),
    }
    parts, unit = [], float(table["area [um2]"].iloc[0])
    for name, chosen in kinds.items():
        here = table[chosen].sort_values("area [um2]")
        columns = [here["area [um2]"] / unit, here["yield [%]"], here["low [%]"], here["high [%]"]]
        _, part = figures.line_with_interval(
            axes, *columns, x_label="area of the transistors [1, as built]", y_label="yield [%]", series=name
        )
        parts.append(part)
    axes.set_xscale("log")
    axes.set_xticks([1.0, *config.areas], [f"{a:g}" for a in (1.0, *config.areas)])
    axes.set_xticks([], minor=True)
    axes.axhline(100 * config.wanted, color=figures.GREY, linestyle="--", linewidth=1.0)
    axes.set_ylim(-4, 104)
    caption = (
        f"Chips that meet '{parse(config.spec)}', n = {config.chips} on the same {data['fixes'].sizes['sample']} samples; bands and bars: Wilson's 95 % "
        f"interval. Dashed: the wanted {100 * config.wanted:g} %. As built: {unit:.3g} um2."
    )
    return Picture(figure, concat(parts, ignore_index=True), caption)


def _parameters(data: Any, config: Any) -> Picture:
    found = parameters(data)
    figure, axes = figures.new_figure()
    columns = [found[name].values for name in ("mean", "low", "high")]
    axes, table = figures.tornado(
        axes, found["parameter"].values, *columns, x_label="accuracy lost by this parameter alone [points]", most=12
    )
    first, alike = worst(data)
    said = f"The worst: {first}" if first else "No parameter by itself has an effect of 1 point"
    if first and found["effect"].values[0] != "costs":
        said = f"None is shown to cost 1 point; the largest estimate is that of {first}"
    rest = f", not told apart from {', '.join(alike)}" if alike else ""
    caption = f"{said}{rest}. Paired with the network as programmed; bars: 95 % interval over {data['parameters'].sizes['device']} chips and {data['parameters'].sizes['sample']} samples."
    return Picture(figure, table, caption)


def _chips(data: Any, config: Any) -> Picture:
    from pandas import DataFrame

    spec, found = parse(config.spec), data["fixes"]
    values = 100 * measured(found["answer"], found, spec.what)
    nominal = float(measured(found["nominal"], found, spec.what))
    shown = [BUILT, f"area x{config.areas[0]:g}", "calibrated", f"average of {config.copies}"]
    figure, axes = figures.new_figure()
    parts = []
    for i, name in enumerate(shown):
        rising = np.sort(values.sel(fix=name).values)
        share = np.arange(1, len(rising) + 1) / len(rising)
        axes.step(rising, 100 * share, where="post", color=figures.PALETTE[i], linestyle=figures.LINES[i], label=name)
        parts += [
            {"fix": name, f"{spec.what} [%]": v, "chips at most there [%]": 100 * s}
            for v, s in zip(rising, share, strict=True)
        ]
    axes.axvline(100 * spec.bound(nominal), color=figures.GREY, linestyle="--", linewidth=1.2, label=f"spec: {spec}")
    axes.set_xlabel(f"{spec.what} of a chip [%]")
    axes.set_ylabel("chips at most there [%]")
    axes.legend(loc="best")
    caption = (
        f"Distribution of {config.chips} chips (ensembles). Dashed: the spec; as programmed {100 * nominal:.1f} %."
    )
    return Picture(figure, DataFrame(parts), caption)
