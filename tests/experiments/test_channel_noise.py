"""The study of channel noise: estimates are what they say, judges say yes to what agrees and no to what does not."""

from __future__ import annotations

import dataclasses
from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest
import xarray
from scipy import special

import jaxsnn_noise as jn
from experiments import channel_noise as module
from experiments.channel_noise import axons, budget, claims, estimates
from helpers.statistical import assert_variance, negative_control
from jaxsnn_noise.study import Verdict, load, run_study
from jaxsnn_noise.verdicts import NOT_MEASURED

CONFIG = module.DEFAULT


@pytest.mark.slow
def test_the_tiny_preset_ends_in_verdicts(tmp_path: Any) -> None:
    loaded = load("channel_noise")
    run = run_study(loaded, loaded.preset("tiny"), tmp_path / "out")
    assert not run.errors
    assert {claim.name for claim in run.claims} == {c.name for c in module.CLAIMS}
    assert (tmp_path / "out" / "report.html").stat().st_size > 10_000


def firing(rates: Any, cv: float = 0.5) -> Any:
    """Sums of one scheme [area, block]: spikes at these rates [Hz], and intervals of this CV; both scatter by half a percent."""
    rng = np.random.default_rng(1)
    shape = len(CONFIG.areas), CONFIG.blocks
    hz = np.asarray(rates, float)[:, None] * (1 + 0.005 * rng.normal(size=shape))
    time = np.full(shape, 1e5)
    count, mean = hz * time / 1e3, 1e3 / hz
    spread = cv * (1 + 0.005 * rng.normal(size=shape))
    parts = {"spikes": count, "time": time, "count": count, "total": count * mean}
    parts["squares"] = count * mean**2 * (1 + spread**2)
    columns: dict[str, Any] = {name: (("area", "block"), part) for name, part in parts.items()}
    columns["histogram"] = (("area", "block", "bin"), np.ones((*shape, 3)))
    return xarray.Dataset(columns, {"area": list(CONFIG.areas)})


def pulses(exponent: float) -> Any:
    """Responses of axons whose threshold spreads by 0.05 at 1000 um2, and with this power of the area; 3 % fire without a pulse."""
    ladder, tries = axons.amplitudes(CONFIG), 500
    spread = 0.05 * (np.array(CONFIG.large) / 1000.0) ** exponent
    p = special.ndtr((ladder - 6.9) / (6.9 * spread[:, None]))
    p = 0.03 + 0.97 * np.where(ladder > 0, p, 0.0)
    shape = len(CONFIG.large), CONFIG.blocks, len(ladder)
    fired = np.random.default_rng(2).binomial(tries, p[:, None], size=shape)
    coords = {"large": list(CONFIG.large), "amplitude": ladder}
    return xarray.Dataset({"fired": (("large", "block", "amplitude"), fired)}, coords).assign_attrs(tries=tries)


def spent(bits: Any, jitter: Any) -> Any:
    """Information [bit/s] and jitter [ms] of the conditions, in their order."""
    rng = np.random.default_rng(3)
    columns: dict[str, Any] = {
        "bits": (("condition", "trial"), np.array(bits)[:, None] + rng.normal(size=(9, CONFIG.trials))),
        "jitter": (("condition", "block"), np.array(jitter)[:, None] + 0.1 * rng.normal(size=(9, CONFIG.parts))),
    }
    return xarray.Dataset(columns, {"condition": list(budget.CONDITIONS)})


def trains(reliable: bool) -> Any:
    """The last area repeats itself if ``reliable``, the first one if not."""
    rng = np.random.default_rng(4)
    spikes = (rng.random((len(CONFIG.patches), CONFIG.repeats, 500)) < 0.05).astype(int)
    spikes[-1 if reliable else 0] = spikes[0, 0]
    coords = {"patch": list(CONFIG.patches), "bin": np.arange(500) + 0.5}
    return xarray.Dataset({"spikes": (("patch", "trial", "bin"), spikes)}, coords)


LINE = 50.0 * np.exp(-0.015 * np.array(CONFIG.areas))


def made_up(*, right: bool = True) -> Any:
    if right:
        few, many = (np.where(np.array(CONFIG.areas) == area, x, 1.0) for area, x in ((1.0, 1.25), (100.0, 0.05)))
        bits = [50, 45, 35, 25, 18, 40, 39, 41, 36]
        return {
            "Markov": firing(LINE), "TransitionLangevin": firing(few * LINE, 0.51), "SubunitLangevin": firing(many * LINE),
            "frozen": trains(True), "pulses": pulses(-0.5), "budget": spent(bits, [0, 1, 2, 3, 2.5, 2, 2, 2, 2]),
        }  # fmt: skip
    bent = 50.0 / (1 + 0.05 * np.array(CONFIG.areas))
    bits = [50, 10, 35, 25, 30, 49, 39, 41, 36]
    return {
        "Markov": firing(bent), "TransitionLangevin": firing(bent, 0.7), "SubunitLangevin": firing(bent),
        "frozen": trains(False), "pulses": pulses(-0.25), "budget": spent(bits, [0, 4, 2, 3, 2.5, 2, 2, 2, 2]),
    }  # fmt: skip


def verdicts(data: Any) -> dict[str, Verdict]:
    return {c.name: c.judge(data, CONFIG).verdict for c in module.CLAIMS}


def test_the_judges_say_yes_to_what_agrees() -> None:
    assert set(verdicts(made_up()).values()) == {Verdict.REPRODUCED}


def test_the_judges_say_no_to_what_does_not() -> None:
    assert set(verdicts(made_up(right=False)).values()) == {Verdict.NOT_REPRODUCED}


def test_what_was_left_out_stays_open() -> None:
    data = made_up()
    for name in ("TransitionLangevin", "SubunitLangevin", "frozen", "pulses"):
        del data[name]
    open_ = {c.name for c in module.CLAIMS if c.judge(data, CONFIG).why == NOT_MEASURED}
    known = {
        "log_rate_is_linear",
        "background_limits_information",
        "channels_cost_least",
        "equal_variance_is_equal_loss",
    }
    assert open_ == {c.name for c in module.CLAIMS} - known


def test_a_line_through_logarithms_leaves_nothing_of_a_line() -> None:
    off = estimates.off_the_line(firing(LINE)).mean("block")
    assert np.abs(off).max() < 0.01
    np.testing.assert_allclose(estimates.slope(firing(LINE)).mean(), -0.015, rtol=0.01)


def test_the_spread_of_a_threshold_is_found_beside_spikes_without_a_pulse() -> None:
    found = estimates.spreads(pulses(-0.5).sel(large=[300.0, 3000.0]))
    for area in (300.0, 3000.0):
        log_spread = found["log_spread"].sel(large=area)
        expected = np.log(0.05 * (area / 1000.0) ** -0.5)
        error = float(log_spread.std(ddof=1)) / np.sqrt(CONFIG.blocks)
        assert error < 0.05
        assert abs(float(log_spread.mean()) - expected) < 4 * error
    np.testing.assert_allclose(found["threshold"].mean("block"), 6.9, rtol=0.01)


def test_trains_agree_with_themselves_and_not_with_others() -> None:
    spikes = np.zeros((1, 6, 100), int)
    spikes[0, :4, 30] = 1
    spikes[0, 4, 70] = 1
    data = xarray.DataArray(spikes, dims=("patch", "trial", "bin"), coords={"patch": [1.0]})
    spikes[0, 3, 30], spikes[0, 3, 36] = 0, 1  # 6 bins apart, of Gaussians of 3: exp(-36/(4 9))
    found = estimates.agreement(data, 3.0).values[0]
    np.testing.assert_allclose(found[:2], [1.0, np.exp(-1.0)], rtol=0.01)
    assert np.isnan(found[2])


def test_laws_of_intervals_are_as_far_apart_as_their_distribution_functions() -> None:
    one, other = firing(LINE), firing(LINE)
    other["histogram"] = other["histogram"].copy(data=np.broadcast_to([2.0, 1.0, 0.0], other["histogram"].shape))
    np.testing.assert_allclose(estimates.distance(one, other), 1 / 3)
    np.testing.assert_allclose(estimates.distance(one, one), 0.0)


def test_settings_of_the_budget_have_the_variances_that_they_say() -> None:
    given = budget.settings(CONFIG)
    failure = given["network.afferent.noise.release.failure"]
    weights = given["network.afferent.weights"][:, 0, 0]
    np.testing.assert_allclose(weights * (1 - failure), budget.EPSP / budget.RESISTANCE)  # the mean stays
    equal = budget.CONDITIONS.index("release, equal")
    np.testing.assert_allclose(budget.release_variance(1 - failure[equal]), CONFIG.equal**2, rtol=1e-6)
    assert failure[budget.CONDITIONS.index("release")] == 0.5
    for path, values in given.items():
        if "sigma" in path:
            assert (values > 0).sum() == 2, path
    assert failure[0] == 0


@pytest.mark.slow
def test_each_source_of_the_budget_adds_its_variance_to_the_free_membrane() -> None:
    """The equal settings, of 1 mV^2, by the difference from the run without noise, at one time under many stimuli."""
    config = dataclasses.replace(CONFIG, shown=2.0)
    _, spikes = budget.stimuli(dataclasses.replace(config, stimuli=1500))
    names = ["none", *(f"{name}, equal" for name in ("channel", "release", "background"))]
    places = [budget.CONDITIONS.index(name) for name in names]
    given = {path: np.asarray(values[places], np.float32) for path, values in budget.settings(config).items()}
    axes = [jn.Vary(given, name="c", labels=names), jn.Samples(spikes, "inputs.input.values")]
    statistics = {"v": jn.statistics.Last("v")}
    found = jn.monte_carlo(budget.neuron(config, threshold=1e6), axes, key=3, progress=False, statistics=statistics)
    v = found["v"].squeeze("cells_neuron").transpose("c", "sample").values.astype(float)
    for noisy in v[1:]:
        assert_variance(noisy - v[0], 1.0, kurtosis=None)
        negative_control(lambda a, noise=noisy - v[0]: assert_variance(a * noise, 1.0, kurtosis=None))


@pytest.mark.slow
def test_axons_have_the_area_and_the_current_that_claims_speak_of() -> None:
    config = dataclasses.replace(CONFIG, record=20.0, settling=4.0, repeats=4, pulses=20)
    driven, pulsed = axons.driven(config), axons.pulsed(config)
    neuron = driven.network.cells()["cells"].neuron
    given = np.asarray(driven.inputs["cells"].values) / np.asarray(neuron.area) * 1e5
    np.testing.assert_allclose(given, np.broadcast_to(axons.frozen(config)[:, None], given.shape), rtol=1e-4, atol=1e-4)
    neuron = pulsed.network.cells()["cells"].neuron
    heights = np.asarray(pulsed.inputs["cells"].values) / np.asarray(neuron.area) * 1e5
    on = heights.reshape(-1, len(config.large), len(axons.amplitudes(config)), config.pulses)
    np.testing.assert_allclose(on.max(axis=0)[2, :, 0], axons.amplitudes(config), rtol=1e-5)
    np.testing.assert_allclose((on[:, 0, -1, 0] > 0).sum() * config.dt, 1.0)
    assert not on[: round(axons.SETTLED / config.dt)].any()
    np.testing.assert_allclose(jnp.unique(neuron.area), config.large)


def test_the_frozen_current_is_the_process_that_it_says() -> None:
    course = axons.frozen(dataclasses.replace(CONFIG, record=200_000.0, dt=0.5))
    n = len(course) * 0.5 / (2 * axons.TAU)
    assert abs(course.mean() - axons.MEAN) < 4 * axons.SPREAD * np.sqrt(1 / n)
    assert abs(course.std() / axons.SPREAD - 1) < 4 * np.sqrt(0.5 / n)
    shifted = np.corrcoef(course[:-10], course[10:])[0, 1]
    assert abs(shifted - np.exp(-5.0 / axons.TAU)) < 0.02


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"line": (10.0, 20.0)}, "line and compared among them"),
        ({"axons": 61}, "axons must be a whole multiple of blocks"),
        ({"repeats": 41}, "repeats must be even"),
        ({"schemes": ("TransitionLangevin",)}, "Markov among them"),
        ({"patches": (10.0,)}, "patches must be none, or at least two"),
        ({"large": (100.0,)}, "large must be none, or at least two"),
        ({"trials": 81}, "trials must be a whole multiple of parts"),
        ({"trials": 16}, "four in each of parts"),
    ],
)
def test_a_configuration_without_meaning_is_refused(change: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        dataclasses.replace(CONFIG, **change)


def test_jitter_is_that_of_spikes_about_the_middle_of_their_event() -> None:
    """Two events in each of three signals, of 2 and of 4 ms, which all trials have; and some that a tenth of them miss."""
    rng = np.random.default_rng(6)
    trains = np.zeros((200, 3, 800))
    for place, spread in ((200, 2.0), (600, 4.0)):
        at = place + np.rint(spread / budget.BIN * rng.normal(size=(200, 3))).astype(int)
        np.put_along_axis(trains, at[..., None], 1.0, axis=-1)
    jitter, reliability = budget._precision(trains)
    assert abs(jitter - np.sqrt((2.0**2 + 4.0**2) / 2)) < 0.25  # the tails of 4 ms lie outside of the event
    assert reliability > 0.97
    trains[:20] = 0.0
    assert abs(budget._precision(trains)[1] - 0.9 * reliability) < 0.02


def test_ratios_are_of_the_area_and_the_scheme_that_they_name() -> None:
    data = made_up()
    assert abs(float(claims.ratio(data, "TransitionLangevin", estimates.rate, 1.0).mean()) - 1.25) < 0.01
    assert abs(float(claims.ratio(data, "SubunitLangevin", estimates.rate, 100.0).mean()) - 0.05) < 0.001
    assert abs(float(claims.ratio(data, "TransitionLangevin", estimates.cv, 10.0).mean()) - 1.02) < 0.01
