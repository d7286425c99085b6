"""Pictures and tables of the study of internal noise."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from jaxsnn_noise import figures, reduce, theory
from jaxsnn_noise.study import Picture

from .claims import WORST, by_kind, losses, networks
from .conditions import CORRELATIONS

if TYPE_CHECKING:
    import xarray as xr
    from pandas import DataFrame

LEVEL = "noise intensity D"
LOSS = "accuracy lost [points]"
SAME_NOISE = ("raw_none", "raw_sigmoid_current", "raw_sigmoid_image", "standardised_none")
"""The settings in which additive noise on current and membrane is compared."""


def one_neuron(data: Mapping[str, Any], config: Any) -> Picture:
    """Mean output of a single neuron under six kinds, one panel per site."""
    part, beta = data["neuron"], config.layers.beta
    output = (part["output"] / part["quiet_output"]).sel(beta=beta, drop=True)
    figure, row = figures.new_figure(1, len(output["site"]), height=3.2, sharey=True)
    tables = []
    for axes, site in zip(row, output["site"].values, strict=True):
        for coupling in output["coupling"].values:
            line = reduce.mean_and_error(output.sel(site=site, coupling=coupling, drop=True), "trial")
            table = _line(axes, line, "mean output, relative to no noise [1]", str(coupling))
            tables.append(table.assign(site=site))
        axes.set_title(str(site), fontsize=8.5)
        axes.label_outer()
    caption = (
        f"Mean output of a single neuron at R I = {config.neuron.drive:g} mV under six kinds of noise, beta = {beta:g}. "
        f"Bands: 95 % intervals over {part.sizes['trial']} trials."
    )
    return Picture(figure, _joined(tables), caption)


def excursions(data: Mapping[str, Any], config: Any) -> Picture:
    """Time of a single neuron far below threshold, by beta."""
    part = data["neuron"]
    figure, axes = figures.new_figure()
    below = 100.0 * part["far_below"].sel(site=WORST[0], coupling=WORST[1])
    tables = []
    for place, beta in enumerate(below["beta"].values):
        line = reduce.mean_and_error(below.sel(beta=beta), "trial")
        tables.append(_line(axes, line, f"time below {config.depth:g} mV [%]", f"beta {beta:g}"))
        critical = float(theory.critical_intensity(beta))
        axes.axvline(critical, color=figures.PALETTE[place % len(figures.PALETTE)], linewidth=0.8, linestyle=":")
    caption = (
        "Time that a single neuron spends far below threshold under multiplicative membrane noise. Dotted lines: the "
        f"critical intensity of each beta. Bands: 95 % intervals over {part.sizes['trial']} trials."
    )
    return Picture(figure, _joined(tables), caption)


def kesten(data: Mapping[str, Any], config: Any) -> Picture:
    """Second moment of the free membrane, measured over expected."""
    del config
    part = data["neuron"]
    figure, axes = figures.new_figure()
    ratio, tables = part["second_moment"] / part["expected_second_moment"], []
    for beta in ratio["beta"].values:
        line = reduce.mean_and_error(ratio.sel(beta=beta), "trial")
        ends = (line[k].values for k in ("mean", "low", "high"))
        _, table = figures.line_with_interval(
            axes, ratio["ratio"].values, *ends, x_label="D / D_c [1]", y_label="second moment, measured / expected [1]",
            series=f"beta {beta:g}",
        )  # fmt: skip
        tables.append(table)
    axes.axhline(1.0, color=figures.GREY, linewidth=0.8)
    caption = (
        "Second moment of a membrane without threshold under multiplicative noise, over the closed form, which is infinite "
        f"at D = D_c. Bands: 95 % t-intervals over {part.sizes['trial']} trials. Towards D_c the law has so heavy a tail that "
        "finite samples fall short of its moment, and their intervals with them."
    )
    return Picture(figure, _joined(tables), caption)


def loss_by_level(data: Mapping[str, Any], names: Sequence[str]) -> Picture:
    """Loss against intensity: a row per setting, a panel per site."""
    parts = {name: data[name] for name in names if name in data}
    sites = next(iter(parts.values()))["site"].values
    figure, grid = figures.new_figure(len(parts), len(sites), squeeze=False, sharex=True, sharey=True)
    tables = []
    for row, (name, part) in zip(grid, parts.items(), strict=True):
        loss = losses(part).mean("seed")
        for axes, site in zip(row, sites, strict=True):
            for coupling in loss["coupling"].values:
                for correlation in CORRELATIONS:
                    chosen = loss.sel(site=site, coupling=coupling, correlation=correlation, drop=True)
                    line = reduce.mean_and_error(chosen, "sample")
                    table = _line(axes, line, LOSS, f"{coupling}, {correlation}")
                    tables.append(table.assign(setting=name, site=site))
            first = part.attrs["setting"] if axes is row[0] else ""  # one line for the whole row
            axes.set_title(f"{first}\n{site}", fontsize=8.0)
            axes.label_outer()
    return Picture(figure, _joined(tables), f"Accuracy lost to noise in the hidden layer, by site. {_bands(parts)}")


def sigmoid(data: Mapping[str, Any]) -> Picture:
    """Loss against intensity in the settings with the sigmoid."""
    names = [n for n in networks(data) if "sigmoid" in n]
    picture = loss_by_level(data, names)
    for axes in picture.figure.axes:
        axes.axhline(1.0, color=figures.GREY, linewidth=0.8, linestyle="--")
    return Picture(picture.figure, picture.table, picture.caption + " Dashed: one point.")


def filters(data: Mapping[str, Any], config: Any) -> Picture:
    """Loss at the highest intensity, by setting and kind."""
    parts = {n: p for n, p in networks(data).items() if not n.startswith("beta_")}
    rows, values = [], []
    for part in parts.values():
        loss = by_kind(losses(part).isel(D=-1).mean(("seed", "sample")))
        values.append([loss.sel(kind=k, correlation=c).item() for k in loss["kind"].values for c in CORRELATIONS])
        rows.append(part.attrs["setting"])
    kinds = [f"{_short(str(k))}, {c}" for k in loss["kind"].values for c in CORRELATIONS]
    figure, axes = figures.new_figure(width=8.5, height=2.4 + 0.32 * len(rows))
    _, table = figures.heatmap(
        axes, np.round(values, 1), rows=rows, columns=kinds, row_label="setting", column_label="kind of noise",
        value_label=LOSS, annotate=True,
    )  # fmt: skip
    axes.set_xticks(range(len(kinds)), kinds, rotation=40, ha="right")
    axes.set_yticks(range(len(rows)), rows)
    axes.set(xlabel="", ylabel="")
    caption = (
        f"Accuracy lost at D = {config.levels[-1]:g}, mean over networks, images and trials, for independent and common "
        "noise. Intervals of every cell are in the table of losses."
    )
    return Picture(figure, table, caption)


def mechanism(data: Mapping[str, Any], config: Any) -> Picture:
    """Under multiplicative membrane noise: potentials far below threshold, silent neurons, clipping, beta."""
    figure, ((first, second), (third, fourth)) = figures.new_figure(2, 2)
    names = {"raw_none": "raw pixels", "standardised_none": "standardised pixels"}
    parts = {name: data[name] for name in names if name in data}
    tables = []
    for name, part in parts.items():
        words = names[name]
        worst: Any = {"site": WORST[0], "coupling": WORST[1], "correlation": "independent"}
        line = reduce.mean_and_error(100.0 * part["far_below"].sel(**worst).mean("seed"), "sample")
        tables.append(_line(first, line, f"potentials below {config.depth:g} mV [%]", words).assign(panel="far_below"))
        first.axhline(100.0 * float(part["quiet_far_below"].mean()), color=figures.GREY, linewidth=0.6, linestyle=":")
        asleep = float(part["quiet_silent"].mean())
        for field, share, label in (("fell_silent", 1.0 - asleep, "fell silent"), ("woke", asleep, "woke")):
            line = reduce.mean_and_error(100.0 * part[field].sel(**worst).mean("seed") / share, "sample")
            tables.append(_line(second, line, "hidden neurons [%]", f"{words}, {label}").assign(panel=field))
        for loss, series in ((losses(part).sel(**worst), words),
                             (losses(part, "clipped_correct").sel(correlation="independent"), f"{words}, clipped")):  # fmt: skip
            line = reduce.mean_and_error(loss.mean("seed"), "sample")
            tables.append(_line(third, line, LOSS, series).assign(panel="loss"))
    for beta, name in sorted(config.beta_names().items()):
        if name in data:
            line = reduce.mean_and_error(losses(data[name]).sel(**worst).mean("seed"), "sample")
            tables.append(_line(fourth, line, LOSS, f"beta {beta:g}").assign(panel="loss by beta"))
    caption = (
        "Independent multiplicative noise on the membrane of unfiltered networks. Above: hidden potentials far below "
        "threshold (dotted: without noise), and hidden neurons that fell silent, of those that fire for the image without noise, or woke, of "
        "those that do not. Below: accuracy lost, as it is and with the membrane "
        f"clipped at the reset from below; and by beta (standardised pixels). {_bands(parts)}"
    )
    return Picture(figure, _joined(tables), caption)


def common(data: Mapping[str, Any]) -> Picture:
    """Common minus independent noise by setting, and predicted against measured variance of the readouts."""
    parts = networks(data)
    figure, (left, right) = figures.new_figure(1, 2, width=8.5, height=2.2 + 0.26 * len(parts), width_ratios=(2, 3))
    gap = {}
    for name, part in parts.items():
        loss = losses(part).mean(("seed", "site", "coupling", "D"))
        gap[name] = reduce.mean_and_error(
            loss.sel(correlation="common") - loss.sel(correlation="independent"), "sample"
        )
    ends = ([float(g[k]) for g in gap.values()] for k in ("mean", "low", "high"))
    labels = [f"{p.attrs['setting']}{_beta(n, p)}" for n, p in parts.items()]
    _, forest = figures.forest(
        right, labels, *ends, x_label="loss to common minus independent noise [points]", bound=0.0
    )
    tables = [forest.assign(panel="loss")]
    for correlation in CORRELATIONS:
        for kind in ("all", "between classes"):
            tables.append(_prediction(left, parts, correlation, kind).assign(panel="variance"))
    places = left.get_xlim()
    left.plot(places, places, color=figures.GREY, linewidth=0.8)
    left.set(xscale="log", yscale="log", xlabel="predicted [mV²]", ylabel="measured [mV²]", title="readout variance")
    for axis in (left.xaxis, left.yaxis):
        axis.set_minor_formatter("")
    left.legend(fontsize=6.5, loc="lower right")  # the points lie along the diagonal
    caption = (
        "Left: variance of the mean readout from trial to trial under additive output noise at the highest intensity, "
        "predicted from the weights and measured, one point per setting and network; with all of it, and with the mean over "
        "classes taken off. Right: loss to common minus loss to independent noise, mean over six kinds and all "
        f"intensities. {_bands(parts)}"
    )
    return Picture(figure, _joined(tables), caption)


def same_noise(data: Mapping[str, Any], config: Any) -> Picture:
    """Additive noise on the current at D is additive noise on the membrane at gain^2 D."""
    parts = {name: data[name] for name in SAME_NOISE if name in data}
    shown = list(parts.values())[:3]
    figure, grid = figures.new_figure(1, len(shown), height=3.4, squeeze=False, sharey=True)
    tables = []
    for axes, part in zip(grid[0], shown, strict=True):
        loss = losses(part).sel(coupling="additive", correlation="independent").mean("seed")
        for site, factor in (("membrane", 1.0), ("current", config.layers.current_gain**2)):
            line = reduce.mean_and_error(loss.sel(site=site), "sample")
            shifted = line.assign_coords(D=line["D"] * factor)
            table = _line(axes, shifted, LOSS, site, "membrane-equivalent D [mV²]")
            tables.append(table.assign(setting=part.attrs["setting"]))
        axes.set_title(part.attrs["setting"].replace(", ", "\n"), fontsize=7.5)
        axes.label_outer()
    caption = (
        "Additive noise on the current, drawn at the intensity that it has on the membrane, and additive noise on the "
        f"membrane: one curve. {_bands(parts)}"
    )
    return Picture(figure, _joined(tables), caption)


def accuracy_table(data: Mapping[str, Any]) -> DataFrame:
    """Accuracy without noise on the whole test set, per setting and network."""
    import pandas

    rows = [
        {
            "setting": f"{part.attrs['setting']}{_beta(name, part)}",
            "seed": int(seed),
            "accuracy [%]": 100.0 * float(value),
        }
        for name, part in networks(data).items()
        for seed, value in zip(part["seed"].values, part["accuracy"].values, strict=True)
    ]
    return pandas.DataFrame(rows)


def loss_table(data: Mapping[str, Any]) -> DataFrame:
    """Loss of every setting, kind and intensity with 95 % intervals: networks fixed, and networks random."""
    made = []
    for name, part in networks(data).items():
        loss = losses(part)
        fixed = reduce.mean_and_error(loss.mean("seed"), "sample")
        random = reduce.mean_and_error(loss, ("seed", "sample"))
        columns = {
            "loss [points]": fixed["mean"], "low": fixed["low"], "high": fixed["high"],
            "low, networks random": random["low"], "high, networks random": random["high"],
        }  # fmt: skip
        order = ["site", "coupling", "correlation", "D"]
        table = fixed[[]].assign(columns).to_dataframe(dim_order=order).reset_index()
        table.insert(0, "setting", f"{part.attrs['setting']}{_beta(name, part)}")
        made.append(table)
    return _joined(made)


def _prediction(axes: Any, parts: Mapping[str, Any], correlation: str, kind: str) -> DataFrame:
    import pandas

    rows = []
    for name, part in parts.items():
        at: Any = {"correlation": correlation, "part": kind}
        predicted = part["predicted_variance"].sel(**at).isel(D=-1).values
        measured = part["readout_variance"].sel(**at).isel(D=-1).mean("sample").values
        rows += [
            {"setting": name, "predicted [mV^2]": p, "measured [mV^2]": m}
            for p, m in zip(predicted, measured, strict=True)
        ]
    table = pandas.DataFrame(rows)
    index = 2 * CORRELATIONS.index(correlation) + (kind != "all")
    axes.plot(
        table["predicted [mV^2]"], table["measured [mV^2]"], figures.MARKERS[index], color=figures.PALETTE[index],
        markersize=3.5, label=f"{correlation}, {kind}",
    )  # fmt: skip
    return table.assign(correlation=correlation, part=kind)


def _line(axes: Any, line: xr.Dataset, y_label: str, series: str, x_label: str = LEVEL) -> DataFrame:
    _, table = figures.line_of_estimates(axes, line["D"], line, x_label=x_label, y_label=y_label, series=series)
    axes.set_xscale("log")
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
    return table


def _bands(parts: Mapping[str, Any]) -> str:
    sizes = sorted({part.sizes["sample"] for part in parts.values()})
    seeds = sorted({part.sizes["seed"] for part in parts.values()})
    images = " or ".join(str(n) for n in sizes)
    return f"95 % intervals over {images} test images, for the {' or '.join(map(str, seeds))} networks trained per setting."


def _beta(name: str, part: xr.Dataset) -> str:
    return f", beta {part.attrs['beta']:g}" if name.startswith("beta_") else ""


def _short(kind: str) -> str:
    coupling, site = kind.split()
    return f"{ {'additive': 'add.', 'multiplicative': 'mult.'}[coupling] } {site}"


def _joined(tables: Sequence[Any]) -> DataFrame:
    import pandas

    return pandas.concat(tables, ignore_index=True)
