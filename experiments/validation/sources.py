"""Rows of noise sources: amplitudes, couplings, colours, correlations, distributions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from scipy import stats

import jaxsnn_noise as jn
from jaxsnn_noise import noise, theory

from .rows import Piece, Quantity, Room, Row, autocovariance, covariance, mean, moment, share, variance

DT, TAU, FAST, N = 0.5, 10.0, 0.02, 4
"""Step [ms]; time constants of a membrane, and of one that follows its current within a step [ms]; neurons."""
DECAY = float(np.exp(-DT / TAU))
SIGMA = 0.4
"""Amplitude, in the unit of its seam."""
DRIVE = 1.5
LAGS = (0.5, 2.0, 5.0, 10.0, 20.0)


def _free(source: Any, *, tau: float = TAU, drive: float | None = None) -> Callable[[Callable[[str], str]], Piece]:
    def piece(local: Callable[[str], str]) -> Piece:
        cells = jn.Population(jn.neurons.LeakyIntegrator(N, tau_mem=tau), noise={"x": source()})
        return Piece(cells, inputs={} if drive is None else {"cells": jn.coding.Constant(drive)})

    return piece


def _row(name: str, covers: str, law: str, source: Any, quantities: tuple[Quantity, ...], **options: Any) -> Row:
    return Row(name, tuple(covers.split()), law, _free(source, **options), quantities)


def _voltage(amplitude: Any, **policies: Any) -> Callable[[], Any]:
    return lambda: noise.VoltageNoise(amplitude(), **{k: v() for k, v in policies.items()})


def _current(amplitude: Any = lambda: noise.PerStep(SIGMA), **policies: Any) -> Callable[[], Any]:
    return lambda: noise.CurrentNoise(amplitude(), **{k: v() for k, v in policies.items()})


def _amplitudes() -> list[Row]:
    white = float(theory.membrane_variance(SIGMA, tau_mem=TAU))
    held = float(theory.held_current_variance(SIGMA / np.sqrt(DT), tau_mem=TAU, dt=DT))
    per_step = float(theory.per_step_variance(SIGMA, tau_mem=TAU, dt=DT))
    course = tuple(
        autocovariance(lag, DT, float(theory.membrane_autocovariance(lag, SIGMA, tau_mem=TAU)), scale=white)
        for lag in LAGS
    )
    gauss = moment(4, 3 * white**2)
    return [
        _row("diffusion_on_the_voltage", "VoltageNoise Diffusion White Additive Gaussian Independent",
             "membrane_variance, membrane_autocovariance", _voltage(lambda: noise.Diffusion(SIGMA)),
             (mean(0.0, scale=white**0.5), variance(white), gauss, *course, covariance(0, 1, 0.0, scale=white))),
        _row("diffusion_on_the_current", "CurrentNoise Diffusion", "held_current_variance",
             _current(lambda: noise.Diffusion(SIGMA)), (mean(0.0, scale=held**0.5), variance(held))),
        _row("per_step", "PerStep", "per_step_variance", _voltage(lambda: noise.PerStep(SIGMA)), (variance(per_step),)),
        _row("intensity", "Intensity", "per_step_variance of sqrt(2 D)",
             _voltage(lambda: noise.Intensity(0.5 * SIGMA**2)), (variance(per_step),)),
    ]  # fmt: skip


def _couplings() -> list[Row]:
    push = (1 - DECAY) * DRIVE
    ito = noise.Multiplicative
    intensity = 0.003
    mu, var = (float(x) for x in theory.multiplicative_voltage_moments(DECAY, intensity, push))
    on_current = float(theory.multiplicative_current_variance(DECAY, 0.5 * SIGMA**2, push))
    blend = float(theory.multiplicative_current_variance(DECAY, 0.5 * SIGMA**2, (1 - DECAY) * (0.5 + 0.5 * DRIVE)))
    spread = 0.1
    growth = np.exp(spread**2 * DT / 2)
    middle = growth * push / (1 - growth * DECAY)
    second = growth**4 * (2 * DECAY * push * middle + push**2) / (1 - growth**4 * DECAY**2)
    strat = float(second - middle**2)
    return [
        _row("multiplicative_on_the_voltage", "Multiplicative Ito", "multiplicative_voltage_moments",
             _voltage(lambda: noise.Intensity(intensity), coupling=ito),
             (mean(mu, scale=var**0.5), variance(var, mu)), drive=DRIVE),
        _row("multiplicative_on_the_current", "Multiplicative CurrentNoise", "multiplicative_current_variance",
             _current(coupling=ito), (mean(DRIVE, scale=on_current**0.5), variance(on_current, DRIVE)), drive=DRIVE),
        _row("stratonovich", "Multiplicative Stratonovich", "moments of v <- (a v + b) exp(s sqrt(dt) xi)",
             _voltage(lambda: noise.Diffusion(spread), coupling=lambda: ito(noise.Stratonovich())),
             (mean(middle, scale=strat**0.5), variance(strat, middle)), drive=DRIVE),
        _row("blend", "Blend", "multiplicative_current_variance of 1/2 + I/2",
             _current(coupling=lambda: noise.Blend(0.5)), (variance(blend, DRIVE),), drive=DRIVE),
    ]  # fmt: skip


def _colours() -> list[Row]:
    power, tau_noise = SIGMA**2, 5.0
    band = {"f_low_hz": 5.0, "f_high_hz": 100.0}
    flicker = noise.PowerLaw(1.0, band["f_low_hz"], band["f_high_hz"]).processes
    up, down = 60.0, 140.0
    low, high, _ = (float(x) for x in theory.telegraph_levels(up, down))

    def course(law: Callable[[float], Any]) -> tuple[Quantity, ...]:
        return tuple(autocovariance(lag, DT, power * float(law(lag)), scale=power) for lag in LAGS)

    def reads(law: Callable[[float], Any]) -> tuple[Quantity, ...]:
        return (mean(0.0, scale=SIGMA), variance(power), *course(law))

    behind = float(theory.coloured_current_variance(SIGMA, tau_mem=TAU, tau_noise=tau_noise, dt=DT))
    voltage = float(theory.coloured_voltage_variance(SIGMA, tau_mem=TAU, tau_noise=tau_noise, dt=DT))
    make = {
        "white": lambda: noise.White(),
        "ou": lambda: noise.OrnsteinUhlenbeck(tau_noise),
        "power": lambda: noise.PowerLaw(1.0, band["f_low_hz"], band["f_high_hz"]),
        "telegraph": lambda: noise.Telegraph(up, down),
    }
    return [
        _row("white", "White PerStep", "0 at all lags", _current(colour=make["white"]), reads(lambda lag: 0.0), tau=FAST),
        _row("ornstein_uhlenbeck", "OrnsteinUhlenbeck", "exp(-lag/tau)", _current(colour=make["ou"]),
             reads(lambda lag: np.exp(-lag / tau_noise)), tau=FAST),
        _row("ornstein_uhlenbeck_behind_a_membrane", "OrnsteinUhlenbeck CurrentNoise", "coloured_current_variance",
             _current(colour=make["ou"]), (variance(behind),)),
        _row("ornstein_uhlenbeck_on_the_voltage", "OrnsteinUhlenbeck VoltageNoise", "coloured_voltage_variance",
             _voltage(lambda: noise.PerStep(SIGMA), colour=make["ou"]), (variance(voltage),)),
        _row("power_law", "PowerLaw", "power_law_autocovariance", _current(colour=make["power"]),
             reads(lambda lag: theory.power_law_autocovariance(lag, 1.0, **band, processes=flicker)), tau=FAST),
        _row("telegraph", "Telegraph", "telegraph_autocovariance, telegraph_levels", _current(colour=make["telegraph"]),
             (*reads(lambda lag: theory.telegraph_autocovariance(lag, up, down)),
              moment(3, SIGMA**3 * (low + high))), tau=FAST),
    ]  # fmt: skip


def _correlations() -> list[Row]:
    loadings = np.array([[0.6, 0.0], [0.5, 0.6], [0.3, -0.9], [0.0, 0.4]])
    matrix = np.array([[1, 0.5, 0.2, 0], [0.5, 1, -0.4, 0.1], [0.2, -0.4, 1, 0.3], [0, 0.1, 0.3, 1]])
    at = np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 2.0], [3.0, 3.0]])
    apart = np.linalg.norm(at[:, None] - at[None], axis=-1)
    laws = {"length": 1.5, "private": 0.2}
    kernel = lambda k: noise.Spatial(at, 1.5, kernel=k, private=0.2)  # noqa: E731
    cases = {
        "independent": ("Independent", "0", noise.Independent, np.eye(N)),
        "common": ("Common", "1", noise.Common, np.ones((N, N))),
        "shared_fraction": ("SharedFraction", "c", lambda: noise.SharedFraction(0.3), np.full((N, N), 0.3)),
        "low_rank": ("LowRank", "low_rank_correlation", lambda: noise.LowRank(loadings),
                     theory.low_rank_correlation(loadings)),
        "covariance": ("Covariance", "the matrix", lambda: noise.Covariance(matrix), matrix),
        "spatial_exponential": ("Spatial ExponentialKernel", "exponential_correlation",
                                lambda: kernel(noise.ExponentialKernel()), theory.exponential_correlation(apart, **laws)),
        "spatial_gaussian": ("Spatial GaussianKernel", "gaussian_correlation",
                             lambda: kernel(noise.GaussianKernel()), theory.gaussian_correlation(apart, **laws)),
    }  # fmt: skip
    pairs = [(0, 1), (0, 2), (1, 2), (2, 3)]
    return [
        _row(name, covers, law, _current(correlation=make),
             (variance(SIGMA**2), *(covariance(i, j, SIGMA**2 * float(np.asarray(rho)[i, j]), scale=SIGMA**2) for i, j in pairs)),
             tau=FAST)
        for name, (covers, law, make, rho) in cases.items()
    ]  # fmt: skip


def _distributions() -> list[Row]:
    df = 8.0
    laws: dict[str, tuple[Any, Any]] = {
        "Gaussian": (noise.Gaussian, stats.norm()),
        "Uniform": (noise.Uniform, stats.uniform(-np.sqrt(3), 2 * np.sqrt(3))),
        "Triangular": (noise.Triangular, stats.triang(0.5, -np.sqrt(6), 2 * np.sqrt(6))),
        "Laplace": (noise.Laplace, stats.laplace(scale=np.sqrt(0.5))),
        "Logistic": (noise.Logistic, stats.logistic(scale=np.sqrt(3) / np.pi)),
        "StudentT": (lambda: noise.StudentT(df), stats.t(df, scale=np.sqrt((df - 2) / df))),
    }
    found = []
    for name, (make, law) in laws.items():
        tails = tuple(share(SIGMA * z, 2 * law.sf(z)) for z in (0.5, 1.0, 1.6))
        more = () if name == "StudentT" else (moment(4, SIGMA**4 * (3 + float(law.stats("k")))),)
        absolute = Quantity(
            "mean absolute value", SIGMA * float(2 * law.expect(lambda x: x, lb=0.0)), "mV",
            lambda x: np.abs(x).mean(axis=(1, 2)),
        )  # fmt: skip
        found.append(
            _row(f"{name.lower()}_draws", name, "SciPy's distribution", _current(distribution=make),
                 (mean(0.0, scale=SIGMA), variance(SIGMA**2), absolute, *more, *tails), tau=FAST)
        )  # fmt: skip
    return found


def rooms() -> dict[str, Room]:
    """Amplitudes and couplings; colours; correlations; distributions."""
    titled = {
        "amplitudes": ("Amplitudes and couplings", _amplitudes() + _couplings()),
        "colours": ("Colours", _colours()),
        "correlations": ("Correlations", _correlations()),
        "distributions": ("Distributions", _distributions()),
    }
    common: dict[str, Any] = {"dt": DT, "duration": 200.0, "warmup": 100.0, "records": "v"}
    return {name: Room(title, rows={row.name: row for row in rows}, **common) for name, (title, rows) in titled.items()}
