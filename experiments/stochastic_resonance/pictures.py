"""Figures and tables of the study."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from jaxsnn_noise import figures, reduce, theory
from jaxsnn_noise.study import Picture

from .claims import bits, network_snr
from .estimates import expected_snr, small_signal_snr

if TYPE_CHECKING:
    from pandas import DataFrame

RATIO = "SNR / squared amplitude [Hz/mV^2]"


def pictures(data: Any, config: Any) -> dict[str, Picture]:
    """A figure for each question."""
    found = {"noise": _noise(data, config), "frequency": _frequency(data, config), "units": _units(data, config)}
    return found | ({"network": _network(data, config)} if "network" in data else {})


def tables(data: Any, config: Any) -> dict[str, DataFrame]:
    """Estimates with 95 % intervals and theory."""
    parts = {
        "noise": _neurons(data["noise"], config).assign(rate=data["noise"]["rate"].mean("block")),
        "frequency": _neurons(data["frequency"], config),
        "units": reduce.mean_and_error(bits(data), over="block"),
    }
    parts["noise"] = parts["noise"].assign(theory=("sigma", expected_snr(config.sigmas, config)))
    at = np.array(config.frequencies)
    parts["frequency"] = parts["frequency"].assign(theory=("frequency", expected_snr(config.primary, config, at)))
    exact = theory.threshold_array_information(config.units, np.array(config.noises))
    parts["units"] = parts["units"].assign(theory=("noise", exact))
    if "network" in data:
        parts["network"] = reduce.mean_and_error(network_snr(data, config), over=("seed", "block"))
    return {name: part.to_dataframe().reset_index() for name, part in parts.items()}


def _neurons(means: Any, config: Any) -> Any:
    found = reduce.pseudovalues(means, lambda part: small_signal_snr(part, config))
    (name,) = (dim for dim in found.dims if dim != "block")
    return reduce.mean_and_error(found.drop_vars([c for c in found.coords if c != name]), over="block")


def _curve(axes: Any, x: Any, found: Any, series: str, x_label: str, y_label: str) -> DataFrame:
    return figures.line_of_estimates(axes, x, found, x_label=x_label, y_label=y_label, series=series)[1]


def _line(axes: Any, x: Any, y: Any, series: str, x_label: str, y_label: str) -> DataFrame:
    return figures.line_with_interval(axes, x, y, y, y, x_label=x_label, y_label=y_label, series=series)[1]


def _together(parts: list[DataFrame]) -> DataFrame:
    import pandas

    return pandas.concat(parts, ignore_index=True)


def _noise(data: Any, config: Any) -> Picture:
    figure, axes = figures.new_figure()
    label, sigma = "noise sigma [mV]", np.array(config.sigmas)
    parts = [
        _curve(axes, sigma, _neurons(data["noise"], config), "simulated", label, RATIO),
        _line(axes, sigma, expected_snr(sigma, config), "theory of slow signals", label, RATIO),
    ]
    caption = (
        f"Neurons at a mean drive of {config.mean:g} of the threshold and a signal of {config.frequency_hz:g} Hz: some noise is best. Band: 95 % "
        f"interval over {config.trials} trials of {config.size} neurons ({config.faint_trials} where noise is faint)."
    )
    return Picture(figure, _together(parts), caption)


def _frequency(data: Any, config: Any) -> Picture:
    figure, axes = figures.new_figure()
    label, f = "frequency of the signal [Hz]", np.array(config.frequencies)
    slow = np.full(len(f), expected_snr(config.primary, config))
    parts = [
        _curve(axes, f, _neurons(data["frequency"], config), "simulated", label, RATIO),
        _line(axes, f, expected_snr(config.primary, config, f), "linear response", label, RATIO),
        _line(axes, f, slow, "theory of slow signals", label, RATIO),
    ]
    axes.set_yscale("log")
    caption = (
        f"At sigma = {config.primary:g} mV. What holds for slow signals promises too much for fast ones. Band: 95 % interval over "
        f"{config.trials} trials of {config.size} neurons."
    )
    return Picture(figure, _together(parts), caption)


def _units(data: Any, config: Any) -> Picture:
    figure, axes = figures.new_figure()
    labels = "noise / signal [1]", "information [bit]"
    noises = np.array(config.noises)
    fine = np.unique(np.concatenate([np.linspace(noises[0], noises[-1], 41), noises]))
    parts = [
        _curve(axes, noises, reduce.mean_and_error(bits(data), over="block"), "simulated", *labels),
        _line(axes, fine, theory.threshold_array_information(config.units, fine), "exact", *labels),
    ]
    caption = (
        f"What the number of active units says of a signal about their threshold, {config.units} units. Without noise all say the same, "
        f"one bit. Band: 95 % interval over {config.repeats} presentations of {config.levels} levels."
    )
    return Picture(figure, _together(parts), caption)


def _network(data: Any, config: Any) -> Picture:
    figure, axes = figures.new_figure()
    label, sigma = "noise sigma [mV]", np.array(config.sigmas)
    found = reduce.mean_and_error(network_snr(data, config), over=("seed", "block"))
    parts = [
        _curve(axes, sigma, found, "neurons in a recurrent network", label, RATIO),
        _line(axes, sigma, expected_snr(sigma, config), "theory of neurons alone", label, RATIO),
    ]
    caption = (
        f"Ratio of the summed spikes over the number of neurons, at {config.frequency_hz:g} Hz: a measurement, there is no theory of it here. "
        f"Band: 95 % interval over {config.networks} networks and {config.network_trials} trials each. The line is for orientation."
    )
    return Picture(figure, _together(parts), caption)
