"""What becomes of shared noise: the correlation of spike counts that a common part of the noise gives to two neurons."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

import jaxsnn_noise as jn
from jaxsnn_noise import figures, reduce
from jaxsnn_noise.parameters import Range, fraction, positive
from jaxsnn_noise.study import Claim, Judgement, Picture, Progress, option
from jaxsnn_noise.verdicts import holm

TITLE = "Correlation transfer: from shared noise to correlated spike counts"
COST = {"tiny": "10 s", "default": "5 min, estimated", "full": "1 h, estimated"}

TAU, REFRACTORY, THRESHOLD, RESET = 20.0, 2.0, 1.0, 0.0
NEURON: dict[str, Any] = {"tau_mem": TAU, "refractory": REFRACTORY, "v_threshold": THRESHOLD, "v_reset": RESET}
TOLERANCE = 0.05
"""Of the gain [1]: 0.03 for what is of second order in c, and two standard errors of 0.01."""
NOISE = "network.cells.noise.membrane"
settle = holm


@dataclass(frozen=True)
class Config:
    """What is simulated. Neurons: tau 20 ms, refractory 2 ms, threshold 1 mV, reset 0 mV."""

    means: tuple[float, ...] = option((0.8, 0.8, 0.8, 1.2), positive, least=2)
    """Mean drive of each point [mV]."""
    sigmas: tuple[float, ...] = option((0.1, 0.2, 0.4, 0.2), positive, least=2)
    """Noise of each point, in tau V' = mean - V + sigma sqrt(tau) xi [mV]; the free membrane spreads by sigma/sqrt(2)."""
    primary: float = option(0.2, fraction)
    """Common fraction of the noise at which all points are judged [1]."""
    fractions: tuple[float, ...] = option((0.1, 0.2, 0.8), fraction, least=2, rising=True)
    """Common fractions at the second point [1]."""
    size: int = option(12, Range(2))
    """Neurons that share noise [1]; all their pairs count."""
    windows: tuple[float, ...] = option((40.0, 400.0, 4000.0), positive, least=2, rising=True)
    """Lengths of the windows in which spikes are counted [ms]; claims of long windows speak of the last."""
    duration: float = option(400000.0, positive)
    """Measured time of a trial [ms]: a whole number of windows; a correlation over n of them is low by 1/(2n) of itself."""
    warmup: float = option(1000.0, positive)
    """Time before it [ms]."""
    trials: int = option(220, Range(2))
    """Trials per point and common fraction [1]."""
    dt: float = option(4.0, positive)
    """Time step [ms]; spikes have times inside it."""
    seed: int = option(0, Range(0))
    """Root seed [1]."""

    def __post_init__(self) -> None:
        if len(self.means) != len(self.sigmas):
            raise ValueError("means and sigmas must be equally long: they are the two coordinates of the points")
        if self.primary == 0.0 or self.fractions[0] == 0.0:
            raise ValueError("primary and fractions must be > 0: gains are correlations over them")
        if self.primary not in self.fractions:
            raise ValueError("fractions must have primary among them")


TINY = Config(
    means=(0.8, 1.2), sigmas=(0.4, 0.2), fractions=(0.2, 0.8), size=4, windows=(40.0, 400.0), duration=8000.0,
    trials=8,
)  # fmt: skip
DEFAULT = Config()
FULL = Config(
    means=(0.8, 0.8, 0.8, 1.0, 1.2, 1.2), sigmas=(0.1, 0.2, 0.4, 0.2, 0.2, 0.4),
    fractions=(0.05, 0.1, 0.15, 0.2, 0.3, 0.5, 0.8), trials=400, dt=1.0,
)  # fmt: skip


def build(config: Config) -> jn.Simulation:
    """Neurons without connections whose membrane noise has a part in common."""
    shared = jn.noise.SharedFraction(config.primary)
    noise = jn.noise.VoltageNoise(jn.noise.Diffusion(config.sigmas[0] / TAU**0.5), correlation=shared)
    rule = jn.BridgeThreshold(times=True)
    cells = jn.Population(jn.neurons.LIF(config.size, **NEURON), noise={"membrane": noise}, firing=rule)
    correlations = {f"window_{w:g}": jn.statistics.CountCorrelation(w) for w in config.windows}
    return jn.Simulation(
        jn.Network({"cells": cells}),
        {"cells": jn.coding.Constant(config.means[0])},
        duration=config.duration,
        dt=config.dt,
        warmup=config.warmup,
        statistics={"rate": jn.statistics.Rate(), **correlations},
    )


def cells(config: Config) -> list[tuple[float, float, float]]:
    """Mean, sigma and common fraction of all that is simulated: the points, then the other fractions at the second one."""
    points = [(m, s, config.primary) for m, s in zip(config.means, config.sigmas, strict=True)]
    return points + [(config.means[1], config.sigmas[1], c) for c in config.fractions if c != config.primary]


def measure(config: Config, progress: Progress) -> dict[str, Any]:
    """Count correlations of all points at the primary fraction, and of all fractions at the second point."""
    import xarray

    mean, sigma, c = np.asarray(cells(config), np.float32).T
    values = {"inputs.cells.values": mean, f"{NOISE}.amplitude.sigma": sigma / np.float32(TAU**0.5), f"{NOISE}.correlation.c": c}  # fmt: skip
    axes = [jn.Vary(values, name="cell"), jn.Trials(config.trials)]
    with progress.task("cells", unit="members") as task:
        folder = progress.folder("cells")
        data = jn.monte_carlo(build(config), axes, key=config.seed, store=folder, progress=task.update)
    windows = xarray.DataArray(list(config.windows), dims="window", name="window")
    found = xarray.concat([data[f"window_{w:g}"] for w in config.windows], windows)
    kept = xarray.Dataset({"correlation": found, "rate": data["rate"].mean("cells_neuron")}).drop_vars("cell")
    attributes = {**data.attrs, "seed": config.seed}
    points = kept.isel(cell=slice(len(config.means))).rename(cell="point")
    others = iter(range(len(config.means), len(mean)))
    series = kept.isel(cell=[1 if c == config.primary else next(others) for c in config.fractions])
    series = series.rename(cell="fraction").assign_coords(fraction=list(config.fractions))
    return {"points": points.assign_attrs(attributes), "series": series.assign_attrs(attributes)}


def theory(config: Config) -> np.ndarray:
    """Correlation of counts per common fraction in long windows [point], in the limit of a small fraction."""
    sigma = np.asarray(config.sigmas) / TAU**0.5
    return np.asarray(jn.theory.correlation_gain(np.asarray(config.means), sigma, **NEURON))


def _gains(data: Any, config: Config) -> Any:
    """The gain measured less that of theory [point, trial], in the longest window at the primary fraction."""
    import xarray

    points = data["points"]
    expected = xarray.DataArray(theory(config), dims="point")
    gap = points["correlation"].isel(window=-1, drop=True) / config.primary - expected
    names = [f"mean {m:g}, sigma {s:g} mV" for m, s in zip(config.means, config.sigmas, strict=True)]
    return gap.assign_coords(point=names)


def _series(data: Any) -> Any:
    """Correlation over fraction [fraction, window, trial] at the second point."""
    return data["series"]["correlation"] / data["series"]["fraction"]


def gain_is_theory(data: Any, config: Config) -> Judgement:
    """The gain of long windows is that of linear response, at every point."""
    gap = _gains(data, config)
    errors = gap.std("trial", ddof=1) / gap.sizes["trial"] ** 0.5
    detail = f"measured less theory at c = {config.primary:g}; the largest standard error is {float(errors.max()):.4f}"
    return reduce.judge_within(gap, -TOLERANCE, TOLERANCE, random="trial", detail=detail)


def rises_with_rate(data: Any, config: Config) -> Judgement:
    """More firing, more correlation: the same noise at the least and the greatest mean drive."""
    at = [i for i, s in enumerate(config.sigmas) if s == config.sigmas[1]]
    low, high = min(at, key=lambda i: config.means[i]), max(at, key=lambda i: config.means[i])
    if config.means[low] == config.means[high]:
        return reduce.unmeasured("two mean drives under the same noise")
    gains = data["points"]["correlation"].isel(window=-1, drop=True) / config.primary
    rates = data["points"]["rate"].mean("trial").values
    detail = f"gain at {rates[high]:.1f} Hz less that at {rates[low]:.1f} Hz"
    gap = gains.isel(point=high, drop=True) - gains.isel(point=low, drop=True)
    return reduce.judge(gap, 0.0, reduce.at_least, random="trial", detail=detail)


def linear_for_small(data: Any, config: Config) -> Judgement:
    """Half the common noise gives half the correlation."""
    smallest = config.fractions[0]
    if smallest >= config.primary:
        return reduce.unmeasured("a fraction below the primary one")
    gains = _series(data).isel(window=-1, drop=True)
    gap = gains.sel(fraction=smallest, drop=True) - gains.sel(fraction=config.primary, drop=True)
    detail = f"gain at c = {smallest:g} less that at {config.primary:g}"
    return reduce.judge_within(gap, -0.1, 0.1, random="trial", detail=detail)


def more_for_large(data: Any, config: Config) -> Judgement:
    """At a large common fraction neurons are more alike than linear response says; with all in common they are the same."""
    gap = _series(data).isel(window=-1, fraction=-1, drop=True) - float(theory(config)[1])
    detail = f"gain at c = {config.fractions[-1]:g} less that of theory"
    return reduce.judge(gap, 0.0, reduce.at_least, random="trial", detail=detail)


def less_in_short_windows(data: Any, config: Config) -> Judgement:
    """Counts of short windows are less correlated than those of long ones."""
    del config
    rho = data["points"]["correlation"].isel(point=1, drop=True)
    gap = rho.isel(window=-1, drop=True) - rho.isel(window=0, drop=True)
    ends = rho["window"].values[[-1, 0]]
    detail = f"correlation in windows of {ends[0]:g} ms less that of {ends[1]:g} ms"
    return reduce.judge(gap, 0.0, reduce.at_least, random="trial", detail=detail)


DE_LA_ROCHA = "de la Rocha et al. 2007, doi:10.1038/nature06028"
CLAIMS = (
    Claim(
        "gain_is_theory",
        "Counts in long windows are correlated by S c, with S = sigma^2 tau (dnu/dmu)^2/(CV^2 nu) (within 0.05 of S).",
        f"{DE_LA_ROCHA}; Shea-Brown et al. 2008, doi:10.1103/PhysRevLett.100.108102 (the bound is ours)",
        gain_is_theory,
    ),
    Claim("rises_with_rate", "Correlation rises with the firing rate.", DE_LA_ROCHA, rises_with_rate),
    Claim(
        "linear_for_small",
        "The output correlation is proportional to a small input correlation (the gain changes by less than 0.1).",
        f"{DE_LA_ROCHA} (the bound is ours)",
        linear_for_small,
    ),
    Claim(
        "more_for_large",
        "At a large common fraction counts are more correlated than linear response says.",
        "prediction of this study",
        more_for_large,
    ),
    Claim(
        "less_in_short_windows",
        "Counts are less correlated in short windows than in long ones.",
        DE_LA_ROCHA,
        less_in_short_windows,
    ),
)


def described(data: Any, config: Config) -> Any:
    """Gain at each point and window with 95 % intervals over trials, beside theory; not judged but the last window."""
    import pandas

    found = reduce.mean_and_error(data["points"]["correlation"] / config.primary, over="trial")
    rates = data["points"]["rate"].mean("trial").values
    rows = []
    for i, (mean, sigma, expected) in enumerate(zip(config.means, config.sigmas, theory(config), strict=True)):
        for window in config.windows:
            cell = found.isel(point=i).sel(window=window)
            ends = {f"gain {k}": float(cell[k]) for k in ("mean", "low", "high", "standard_error")}
            rows.append({"mean drive [mV]": mean, "sigma [mV]": sigma, "rate [Hz]": rates[i], "window [ms]": window, **ends, "theory, long windows": expected})  # fmt: skip
    return pandas.DataFrame(rows)


def tables(data: Any, config: Config) -> dict[str, Any]:
    """All gains, by point and window, and by fraction."""
    series = reduce.mean_and_error(_series(data), over="trial").to_dataframe().reset_index()
    return {"points": described(data, config), "fractions": series}


def plot(data: Any, config: Config) -> dict[str, Picture]:
    """Gain against rate with theory, and correlation against the common fraction."""
    return {"points": _points_picture(data, config), "fractions": _fractions_picture(data, config)}


def _points_picture(data: Any, config: Config) -> Picture:
    import pandas

    shown = described(data, config)
    figure, axes = figures.new_figure()
    tables_ = []
    labels = {"x_label": "firing rate [Hz]", "y_label": "count correlation / c [1]"}
    for window in config.windows:
        part = shown[shown["window [ms]"] == window].sort_values("rate [Hz]")
        ends = (part[f"gain {k}"].to_numpy() for k in ("mean", "low", "high"))
        tables_.append(figures.line_with_interval(axes, part["rate [Hz]"].to_numpy(), *ends, series=f"windows of {window:g} ms", **labels)[1])  # fmt: skip
    part = shown[shown["window [ms]"] == config.windows[-1]].sort_values("rate [Hz]")
    expected = part["theory, long windows"].to_numpy()
    tables_.append(figures.line_with_interval(axes, part["rate [Hz]"].to_numpy(), expected, expected, expected, series="theory, long windows", **labels)[1])  # fmt: skip
    caption = (
        f"Correlation of spike counts per common fraction of noise, at c = {config.primary:g}; bands: 95 % interval over "
        f"{config.trials} trials of {config.duration / 1000:g} s and {config.size} neurons. Points differ in mean drive and noise, so "
        "that the rate alone does not order them."
    )
    return Picture(figure, pandas.concat(tables_, ignore_index=True), caption)


def _fractions_picture(data: Any, config: Config) -> Picture:
    import pandas

    figure, axes = figures.new_figure()
    labels = {"x_label": "common fraction of the noise [1]", "y_label": "correlation of counts [1]"}
    found = reduce.mean_and_error(data["series"]["correlation"], over="trial")
    c = np.asarray(config.fractions)
    tables_ = []
    for window in config.windows:
        ends = (found[k].sel(window=window).values for k in ("mean", "low", "high"))
        tables_.append(figures.line_with_interval(axes, c, *ends, series=f"windows of {window:g} ms", **labels)[1])
    line = c * theory(config)[1]
    tables_.append(figures.line_with_interval(axes, c, line, line, line, series="S c", **labels)[1])
    caption = (
        f"Mean drive {config.means[1]:g} mV, sigma {config.sigmas[1]:g} mV; bands: 95 % interval over {config.trials} trials. "
        "The straight line is linear response; at c = 1 all neurons are the same and the correlation is 1."
    )
    return Picture(figure, pandas.concat(tables_, ignore_index=True), caption)


def methods(config: Config, data: Any) -> str:
    """The methods paragraph."""
    del data
    return f"""{config.size} leaky integrate-and-fire neurons without connections,

    tau dV/dt = mean - V + sigma sqrt(tau) (sqrt(c) common + sqrt(1 - c) own),

tau = {TAU:g} ms, threshold {THRESHOLD:g} mV, reset {RESET:g} mV, refractory {REFRACTORY:g} ms, were integrated exactly in steps of
{config.dt:g} ms. Crossings between the ends of steps and their times were drawn from the Brownian bridge, for each neuron by itself: noise is
common at the ends of steps. Correlations are Pearson's, of spike counts in windows of {", ".join(f"{w:g}" for w in config.windows)} ms, averaged over all pairs of a
trial of {config.duration / 1000:g} s; intervals are 95 % over trials ({config.trials}). Points and fractions share their random numbers.
Judged are the longest windows at c = {config.primary:g}; other windows and fractions are described where no claim names them.
"""
