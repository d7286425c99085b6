"""The study of coherence and inverse resonance: estimates are what they say, judges say yes to what agrees and no to what does not."""

from __future__ import annotations

import dataclasses
from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest
import xarray

import jaxsnn_noise as jn
from experiments import coherence_resonance as module
from experiments.coherence_resonance import claims, estimates, neurons
from jaxsnn_noise.study import Verdict, load, run_study
from jaxsnn_noise.verdicts import NOT_MEASURED

CONFIG = module.DEFAULT


@pytest.mark.slow
def test_the_tiny_preset_ends_in_verdicts(tmp_path: Any) -> None:
    loaded = load("coherence_resonance")
    run = run_study(loaded, loaded.preset("tiny"), tmp_path / "out")
    assert not run.errors
    assert {claim.name for claim in run.claims} == {c.name for c in module.CLAIMS}
    assert (tmp_path / "out" / "report.html").stat().st_size > 10_000


def sums(name: str, values: Any, cv: Any, mean: float = 20.0) -> Any:
    """Sums over 1000 intervals in each block, whose CV scatters by half a percent."""
    rng = np.random.default_rng(1)
    cv = np.asarray(cv)[:, None] * (1 + 0.005 * rng.normal(size=(len(values), CONFIG.blocks)))
    count = np.full(cv.shape, 1000.0)
    parts = {"count": count, "total": count * mean, "squares": count * mean**2 * (1 + cv**2), "spikes": count}
    parts["time"] = count * mean
    return xarray.Dataset({key: ((name, "block"), part) for key, part in parts.items()}, {name: list(values)})


def rates(name: str, values: Any, mean: Any) -> Any:
    scatter = 0.2 * np.random.default_rng(2).normal(size=(len(values), CONFIG.driven))
    return xarray.Dataset({"rate": ((name, "axon"), np.asarray(mean, float)[:, None] + scatter)}, {name: list(values)})


def made_up(*, factor: float = 1.0, best: float = 3.0, sign: float = 1.0, dip: float = 0.1, above: float = 1.0) -> Any:
    """CVs ``factor`` times the reference's and least at ``best`` um2; rates fall to a share ``dip``, above the window to ``above``."""
    known, areas = estimates.references(CONFIG.strengths), np.array(CONFIG.areas)
    bent = known if factor == 1.0 else factor * known[0] * (1 + 0.1 * np.arange(len(known)))
    inside = [rates("noise", CONFIG.noises, 60.0 * np.where(np.array(CONFIG.noises) == 0.5, d, 1.0)) for d in (dip, above)]  # fmt: skip
    patches = 60.0 * np.where(np.array(CONFIG.patches) == CONFIG.primary_patch, dip, 1.0)
    return {
        "fitzhugh": sums("strength", CONFIG.strengths, bent),
        "areas": sums("area", CONFIG.areas, 0.4 + sign * 0.05 * np.log(areas / best) ** 2),
        "current": xarray.concat(inside, "current").assign_coords(current=[6.8, 12.0]),
        "patches": rates("patch", CONFIG.patches, patches),
    }


def verdicts(data: Any) -> dict[str, Verdict]:
    return {c.name: c.judge(data, CONFIG).verdict for c in module.CLAIMS}


def test_the_judges_say_yes_to_what_agrees() -> None:
    assert set(verdicts(made_up()).values()) == {Verdict.REPRODUCED}


def test_the_judges_say_no_to_what_does_not() -> None:
    off = verdicts(made_up(factor=1.05, best=30.0, dip=0.7, above=0.8))
    assert {name for name, one in off.items() if one is Verdict.REPRODUCED} == set()
    refuted = {"fitzhugh_is_reference", "areas_have_a_minimum", "best_area", "current_noise_silences"}
    refuted |= {"none_above_the_window", "channel_noise_silences"}
    assert {name for name, one in off.items() if one is Verdict.NOT_REPRODUCED} == refuted
    assert np.isnan(claims.fitzhugh_best(made_up(factor=1.05), CONFIG).estimate)  # a CV that grows has no minimum


def test_a_maximum_is_no_minimum() -> None:
    data = made_up(sign=-0.5)
    assert np.isnan(claims.best_area(data, CONFIG).estimate)
    assert claims.areas_have_a_minimum(data, CONFIG).verdict is Verdict.NOT_REPRODUCED


def test_one_end_is_not_enough() -> None:
    """A rate that only falls, or only rises, has no minimum in between."""
    for turn in (slice(None), slice(None, None, -1)):
        falling = np.geomspace(60.0, 1.0, len(CONFIG.patches))[turn]
        data = {"patches": rates("patch", CONFIG.patches, falling)}
        assert claims.channel_noise_silences(data, CONFIG).verdict is Verdict.NOT_REPRODUCED


def test_without_patches_their_claim_stays_open() -> None:
    data = made_up()
    del data["patches"]
    assert claims.channel_noise_silences(data, CONFIG).why == NOT_MEASURED


def test_the_cv_is_that_of_all_intervals_and_the_minimum_that_of_the_parabola() -> None:
    intervals = np.random.default_rng(5).gamma(4.0, 5.0, size=(20, 300))
    parts = {"count": np.full(20, 300.0), "total": intervals.sum(1), "squares": (intervals**2).sum(1)}
    whole = xarray.Dataset({key: ("block", part) for key, part in parts.items()})
    np.testing.assert_allclose(estimates.cv(whole.sum("block")), intervals.std() / intervals.mean(), rtol=1e-9)
    found = jn.reduce.pseudovalues(whole, estimates.cv)
    assert abs(float(found.mean()) - 0.5) < 4 * float(found.std(ddof=1)) / np.sqrt(20)
    assert 0.5 < float(found.std(ddof=1)) / np.sqrt(20) / (0.5 * np.sqrt(0.5 / 6000)) < 2.5
    best = estimates.least(
        sums("area", (1.0, 3.0, 5.0), 0.4 + 0.3 * np.log(np.array([1.0, 3.0, 5.0]) / 2.2) ** 2), "area"
    )
    assert abs(float(best.mean()) - 2.2) < 0.1


def test_sums_over_blocks_are_those_of_the_spikes() -> None:
    """Two values of 2 blocks of 2 neurons, in steps of 0.5 ms, with a square beyond 32 bits."""
    parts = {
        "count": np.array([[1, 2, 0, 3], [1, 1, 1, 1]]),
        "total": np.array([[10, 20, 0, 30], [2, 2, 2, 70_000]]),
        "squares": np.array([[100, 200, 0, 300], [4, 4, 4, 70_000**2 % 2**32]]),
        "squares_high": np.array([[0, 0, 0, 0], [0, 0, 0, 1]]),
    }
    found = neurons._blocks(parts, 0.5, "area", (1.0, 2.0), 2)
    np.testing.assert_array_equal(found["count"], [[3, 3], [2, 2]])
    np.testing.assert_array_equal(found["total"], [[15, 15], [2, 35_001]])
    np.testing.assert_array_equal(found["squares"], [[75, 75], [2, 0.25 * (4 + 70_000**2)]])


@pytest.mark.slow
def test_what_is_built_is_what_the_claims_speak_of() -> None:
    built = module.build(CONFIG)
    assert set(built) == {"fitzhugh", "areas", "current", "patches"}
    cells = {name: sim.network.cells()["cells"] for name, sim in built.items()}
    area = np.asarray(cells["areas"].neuron.area).reshape(len(CONFIG.areas), CONFIG.axons)
    np.testing.assert_array_equal(area, np.broadcast_to(np.float32(CONFIG.areas)[:, None], area.shape))
    patch = cells["patches"].neuron
    given = jnp.asarray(built["patches"].inputs["cells"].values)
    np.testing.assert_allclose(given / patch.area * 1e5, CONFIG.currents[0], rtol=1e-5)
    assert isinstance(cells["current"].noise["current"], jn.noise.CurrentNoise)
    np.testing.assert_allclose(cells["current"].neuron.current(1.0), 1.0)


def test_the_reference_is_the_one_of_the_tests_of_the_neuron() -> None:
    """Two runs of loops in double precision, with seeds of their own."""
    from neurons.test_fitzhugh_nagumo import COHERENCE  # type: ignore[import-not-found]

    for strength, other in COHERENCE.items():
        value, error = estimates.REFERENCE[strength]
        assert abs(value - other) < 4 * np.hypot(error, error), strength


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"strengths": (0.02, 0.07, 0.09)}, "strengths must be among 0.02"),
        ({"fitted": (0.02, 0.07, 0.09)}, "fitted among them"),
        ({"near": (1.0, 3.0, 7.0)}, "near among them"),
        ({"primary_area": 1.0}, "and not as an end"),
        ({"primary_noise": 8.0}, "and not as an end"),
        ({"primary_patch": 3.0}, "and not as an end"),
        ({"noises": (0.1, 0.5, 1.0)}, "must begin with 0"),
        ({"axons": 61}, "axons must be a whole multiple of blocks"),
    ],
)
def test_a_configuration_without_meaning_is_refused(change: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        dataclasses.replace(CONFIG, **change)
