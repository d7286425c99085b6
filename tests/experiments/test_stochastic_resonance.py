"""The study of stochastic resonance: estimates are what they say, judges say yes to what agrees and no to what does not."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest
import xarray

import jaxsnn_noise as jn
from experiments import stochastic_resonance as module
from experiments.stochastic_resonance import claims, estimates, neurons, units
from helpers.statistical import assert_mean
from jaxsnn_noise import theory
from jaxsnn_noise.study import Verdict, load, run_study
from jaxsnn_noise.verdicts import NOT_MEASURED

CONFIG = module.DEFAULT


@pytest.mark.slow
def test_the_tiny_preset_ends_in_verdicts(tmp_path: Any) -> None:
    loaded = load("stochastic_resonance")
    run = run_study(loaded, loaded.preset("tiny"), tmp_path / "out")
    assert not run.errors
    assert {claim.name for claim in run.claims} == {c.name for c in module.CLAIMS}
    assert all(claim.judgement is not None for claim in run.claims)
    assert (tmp_path / "out" / "report.html").stat().st_size > 10_000


def line(dim: str, sigma: Any, frequency: Any, ratios: Any, *, seeds: int = 0, blocks: int = 40) -> Any:
    """Means over blocks with these ratios per squared amplitude, and a scatter of 1 % in the line."""
    rng = np.random.default_rng(2)
    sigma, frequency, ratios = np.broadcast_arrays(np.asarray(sigma, float), np.asarray(frequency, float), ratios)
    height = neurons.amplitude(sigma, frequency, CONFIG)
    held = np.sinc(frequency * CONFIG.dt / 1000.0) ** 2
    shape = (len(sigma), *([seeds] if seeds else []), blocks)
    dims = (dim, *(["seed"] if seeds else []), "block")
    spread = lambda x: np.reshape(x, (-1, *[1] * (len(shape) - 1)))  # noqa: E731
    density = 3.0 * np.ones(shape)
    root = np.sqrt(np.maximum(ratios, 0.0) * 3.0) * height * held
    real, imag = (spread(root * np.sqrt(0.5)) * (1.0 + 0.01 * rng.normal(size=shape)) for _ in range(2))
    parts = {"real": real, "imag": imag, "density": density, "pooled": density, "rate": density}
    coords = {"sigma": (dim, sigma), "frequency": (dim, frequency), "amplitude": (dim, height)}
    return xarray.Dataset({name: (dims, value) for name, value in parts.items()}, coords)


def made_up(
    *, factor: float = 1.0, power: float = 0.0, slow: bool = False, bent: bool = True, noise: float = 1.0
) -> Any:
    """Ratios ``factor`` times theory's, tilted by a power of sigma; signals of all frequencies as slow; information at ``noise`` times."""
    sigma = np.array(CONFIG.sigmas)
    effect = np.array([estimates.amplitude_effect(xarray.DataArray(sigma, dims="s"), CONFIG).values]).ravel()
    tilt = factor * (sigma / CONFIG.primary) ** power
    f = np.array(CONFIG.frequencies)
    at = estimates.expected_snr(CONFIG.primary, CONFIG, 0.0 * f if slow else f)
    arch = np.where(np.arange(len(sigma)) % 7 == 0, 0.5, 1.0) if bent else np.where(sigma == CONFIG.primary, 0.5, 1.0)
    p = np.stack([_binomial(noise * n) for n in CONFIG.noises])[:, None].repeat(CONFIG.blocks, axis=1)
    coords = {"noise": list(CONFIG.noises), "number": np.arange(CONFIG.units + 1)}
    return {
        "noise": line("sigma", sigma, CONFIG.frequency_hz, tilt * effect * estimates.expected_snr(sigma, CONFIG)),
        "frequency": line("frequency", np.full(len(f), CONFIG.primary), f, factor * at * effect[list(sigma).index(CONFIG.primary)]),
        "network": line("sigma", sigma, CONFIG.frequency_hz, 100.0 * arch, seeds=3),
        "units": xarray.Dataset({"share": (("noise", "block", "level", "number"), p)}, coords),
    }  # fmt: skip


def _binomial(noise: float) -> np.ndarray:
    """The law of the number at each level [level, number]."""
    from scipy import stats

    x = units.levels(CONFIG)[:, None]
    p = stats.norm.cdf(x / noise) if noise > 0 else (x > 0).astype(float)
    return stats.binom.pmf(np.arange(CONFIG.units + 1), CONFIG.units, p)


def verdicts(data: Any) -> dict[str, Verdict]:
    return {c.name: c.judge(data, CONFIG).verdict for c in module.CLAIMS}


@pytest.mark.slow
def test_the_judges_say_yes_to_what_agrees() -> None:
    data = made_up()
    assert set(verdicts(data).values()) == {Verdict.REPRODUCED}
    network = claims.network_snr(data, CONFIG).mean(("seed", "block"))
    np.testing.assert_allclose(network.sel(sigma=[0.08, 0.14]), [50.0, 100.0], rtol=0.01)


def test_the_judges_say_no_to_what_does_not() -> None:
    off = verdicts(made_up(factor=0.8, power=1.0, slow=True, bent=False, noise=2.0))
    gone = {"snr_is_theory", "best_noise", "frequencies_follow", "slow_theory_fails", "noise_helps_network"}
    assert {name for name, one in off.items() if one is Verdict.NOT_REPRODUCED} == gone | {"information_is_theory"}
    alone = made_up()
    alone["units"]["share"] = alone["units"]["share"] * 0.0 + alone["units"]["share"].isel(
        noise=0
    )  # noise changes nothing
    assert claims.noise_helps_strong(alone, CONFIG).verdict is not Verdict.REPRODUCED


def test_without_networks_their_claim_stays_open() -> None:
    data = made_up()
    del data["network"]
    assert claims.noise_helps_network(data, CONFIG).why == NOT_MEASURED


def test_the_jackknife_takes_the_bias_of_a_square() -> None:
    rng = np.random.default_rng(3)
    values = xarray.Dataset({"x": (("study", "block"), 1.0 + rng.normal(size=(4000, 5)))})
    plain, better = (
        values["x"].mean("block") ** 2,
        jn.reduce.pseudovalues(values, lambda part: part["x"] ** 2).mean("block"),
    )
    assert abs(float(plain.mean()) - 1.2) < 0.05
    assert_mean(better.values, 1.0)


def test_the_best_noise_is_the_vertex_of_a_parabola() -> None:
    sigma = np.array([0.1, 0.12, 0.15])
    arch = xarray.DataArray(5.0 - (np.log(sigma) - np.log(0.126)) ** 2, dims="sigma", coords={"sigma": sigma})
    np.testing.assert_allclose(estimates.vertex(arch, sigma), 0.126, rtol=1e-9)
    assert np.isnan(estimates.vertex(-arch, sigma))


def test_a_large_slow_signal_is_followed_by_the_rate() -> None:
    sigma = xarray.DataArray([0.08, 0.2], dims="sigma")
    small = dataclasses.replace(CONFIG, strength=1e-4)
    np.testing.assert_allclose(estimates.amplitude_effect(sigma, small), 1.0, atol=1e-6)
    effect = estimates.amplitude_effect(sigma, CONFIG).values
    assert 0.001 < abs(effect[0] - 1.0) < 0.08
    assert abs(effect[1] - 1.0) < 0.01


@pytest.mark.slow
def test_the_line_and_the_density_are_those_of_linear_response() -> None:
    config = dataclasses.replace(
        CONFIG, trials=60, faint_trials=60, repeats=60, blocks=60, duration=2000.0, frequency_hz=1.0, dt=1.0
    )
    cells = [0.2, 0.2], [5.0, 50.0]
    options = {"trials": 60, "blocks": 60, "config": config, "store": None, "told": False}
    found = neurons.responses(neurons.single(config), *cells, [], key=11, **options).swap_dims(cell="frequency")
    expected = estimates.expected_snr(0.2, config, np.array(cells[1]))
    values = claims.ratio(found, config, expected)
    density = theory.lif_spectrum_hz(np.array(cells[1]), config.mean, 0.2 / 20**0.5, **estimates.NEURON)
    for k in range(2):
        assert_mean(values.isel(frequency=k).values, 1.0)
        assert_mean(found["density"].isel(frequency=k).values / density[k], 1.0)
        assert_mean(found["pooled"].isel(frequency=k).values / density[k], 1.0)  # nothing in common
        with pytest.raises(AssertionError):
            assert_mean(1.2 * values.isel(frequency=k).values, 1.0)


@pytest.mark.slow
def test_units_are_active_as_often_as_the_signal_and_the_noise_say() -> None:
    config = dataclasses.replace(CONFIG, noises=(0.0, 0.5, 1.0), levels=16, repeats=200, blocks=4)
    share = units.numbers(config, key=3, store=None, told=False)["share"]
    mean = (share * share["number"]).sum("number").mean("block")
    from scipy import stats

    p = stats.norm.cdf(units.levels(config) / 0.5)
    scores = (mean.sel(noise=0.5) - 15 * p) / np.sqrt(15 * p * (1 - p) / 200)
    assert np.abs(scores).max() < 4.5
    assert np.abs((mean.sel(noise=0.5) - 15 * stats.norm.cdf(units.levels(config) / 0.6)).values).max() > 0.5
    assert set(np.unique(mean.sel(noise=0.0))) == {0.0, 15.0}


def test_a_signal_has_whole_periods_and_its_negative_is_its_mirror() -> None:
    drive = neurons.courses([0.1], [5.0], CONFIG)[0]
    mirrored = neurons.courses([0.1], [5.0], CONFIG, -1.0)[0]
    np.testing.assert_allclose(drive + mirrored, 2 * CONFIG.mean, atol=1e-6)
    lag = 2 * np.pi * 5.0 * 0.02
    np.testing.assert_allclose(drive.max() - CONFIG.mean, 0.008 * np.sqrt(1 + lag**2), rtol=1e-4)
    assert neurons.lines_of(5.0, CONFIG) == {"at": 5.0, "below": 4.75, "above": 5.25}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"primary": 0.15}, "fitted, faint and primary among them"),
        ({"primary_noise": 2.0}, "and not as an end"),
        ({"trials": 401}, "trials must be a whole multiple of blocks"),
        ({"frequency_hz": 0.25}, "at least two periods"),
        ({"frequencies": (1.0, 2.1)}, "whole ones"),
    ],
)
def test_a_configuration_without_meaning_is_refused(change: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        dataclasses.replace(CONFIG, **change)


def test_what_is_built_is_the_neuron_of_theory() -> None:
    built = module.build(CONFIG)
    assert set(built) == {"neurons", "network", "units"}
    assert isinstance(built["neurons"].network.cells()["cells"].firing, jn.BridgeThreshold)
