"""Yield and area: intervals of order statistics cover, brackets hold what they look for, and the judges can say no."""

from __future__ import annotations

import dataclasses
from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

import jaxsnn_noise as jn
from experiments import yield_and_area as module
from experiments.yield_and_area import chips, claims, measuring, orders, pictures
from jaxsnn_noise.study import Verdict, load, run_study

CONFIG = dataclasses.replace(module.DEFAULT, networks=5, chips=4000, grid=6, grid_chips=400)


@pytest.mark.parametrize("n", [30, 100, 1000, 2000])
@pytest.mark.parametrize("share", [0.5, 0.9, 0.99])
def test_ranks_are_the_narrowest_that_cover(n: int, share: float) -> None:
    low, high = orders.ranks(n, share)
    above = stats.binom.cdf(low - 1, n, share) if low else 0.0
    below = stats.binom.sf(high - 1, n, share) if high <= n else 0.0
    assert above <= 0.025 >= below
    assert stats.binom.cdf(low, n, share) > 0.025
    assert stats.binom.sf(high - 2, n, share) > 0.025


def test_intervals_of_quantiles_cover_as_often_as_they_say() -> None:
    rng, runs = np.random.default_rng(0), 2000
    held = wrong = 0
    for _ in range(runs):
        areas = rng.lognormal(size=300)
        _, low, high = orders.quantile(np.stack([0.99 * areas, 1.01 * areas], axis=-1), 0.9)
        held += low <= np.exp(stats.norm.ppf(0.9)) <= high
        wrong += low <= np.exp(stats.norm.ppf(0.93)) <= high
    assert stats.binom.cdf(held, runs, 0.95) > 1e-4
    assert stats.binom.cdf(wrong, runs, 0.95) < 1e-4


def test_a_hundred_chips_without_a_failure_show_96_percent_and_no_area_for_99() -> None:
    assert orders.shown_without_failures(100) == pytest.approx(0.964, abs=5e-4)
    assert orders.ranks(100, 0.99)[1] == 101
    assert orders.quantile(np.ones((100, 2)), 0.99)[2] == np.inf


def test_brackets_hold_the_area_of_each_chip() -> None:
    rng = np.random.default_rng(1)
    true = np.exp(rng.uniform(np.log(0.02), np.log(100.0), 500))
    found = chips.bisected(lambda areas: areas >= true, 500, 0.0625, 32.0, 8)
    assert (found[:, 0] <= true).all()
    assert (true <= found[:, 1]).all()
    inside = (true > 0.07) & (true < 30.0)
    np.testing.assert_allclose(np.log2(found[inside, 1] / found[inside, 0]), 9 / 2**8, rtol=1e-6)
    assert (found[true < 0.06, 0] == 0).all()
    assert np.isinf(found[true > 32.5, 1]).all()


def made_up(
    *, spread: float = 0.4, law: float = 1.0, falls: float = 0.0, fresh: float = 0.99, count: int = 4000
) -> Any:
    """Critical areas that go with the variance to the power ``law``, and a share of chips that are not monotone."""
    import xarray

    rng = np.random.default_rng(0)
    score = np.exp(spread * rng.normal(size=(5, 1, 1, count)) + 0.01 * rng.normal(size=(5, 3, 3, count)))
    scale = np.array([[claims.variance(p, t) ** law for t in CONFIG.temperatures] for p in CONFIG.processes])
    areas = 10.0 * score * scale[None, :, :, None]
    dims = ("seed", "process", "temperature", "device", "end")
    coords = {"process": list(CONFIG.processes), "temperature": list(CONFIG.temperatures), "seed": range(5)}
    brackets = xarray.Dataset(
        {"area": (dims, np.stack([0.99 * areas, 1.01 * areas], -1)), "nominal": ("seed", np.full(5, 0.9))}, coords
    )
    accuracy = np.broadcast_to(np.linspace(0.7, 0.9, 6)[None, :, None], (5, 6, 400)).copy()
    accuracy[:, -1, : int(400 * falls)] = 0.6
    yields = np.stack([np.full(5, 0.99), fresh + 1e-3 * rng.normal(size=5)], axis=-1)
    grid = xarray.Dataset(
        {"accuracy": (("seed", "area", "device"), accuracy), "yield": (("seed", "chips"), yields)},
        {"seed": range(5), "area": np.geomspace(0.1, 10, 6), "chips": ["the same", "fresh"]},
    )
    return {"areas": brackets, "grid": grid}


def verdicts(data: Any) -> set[Verdict]:
    return {c.judge(data, CONFIG).verdict for c in module.CLAIMS}


def test_areas_over_networks_are_geometric_means_with_intervals_above_zero() -> None:
    data = made_up()
    data["areas"]["area"][:] *= np.array([1.0, 1.0, 1.0, 1.0, 40.0])[:, None, None, None, None]
    networks, table = pictures.areas(data, CONFIG), pictures.over_networks(data, CONFIG)
    first = networks[:5]["area [um2]"].to_numpy()
    assert table["area [um2]"][0] == pytest.approx(np.exp(np.log(first).mean()))
    half = stats.t.ppf(0.975, 4) * np.log(first).std(ddof=1) / np.sqrt(5)
    assert np.log(table["high"][0] / table["low"][0]) == pytest.approx(2 * half)
    assert (table["low"] > 0).all()


def test_the_judges_say_yes_and_no() -> None:
    assert verdicts(made_up()) == {Verdict.REPRODUCED}
    by_name = {c.name: c.judge for c in module.CLAIMS}
    assert by_name["tail"](made_up(spread=0.1), CONFIG).verdict is Verdict.NOT_REPRODUCED
    assert by_name["chips_suffice"](made_up(spread=1.0, count=600), CONFIG).verdict is Verdict.NOT_REPRODUCED
    off = made_up(law=0.5, falls=0.2, fresh=0.97)
    for name in ("variance_over_temperature", "variance_over_process", "monotone", "fresh_chips"):
        assert by_name[name](off, CONFIG).verdict is Verdict.NOT_REPRODUCED


def test_configurations_without_meaning_are_refused() -> None:
    with pytest.raises(ValueError, match="smallest must be below largest"):
        dataclasses.replace(module.DEFAULT, smallest=200.0)
    with pytest.raises(ValueError, match="grid_chips must be at most chips"):
        dataclasses.replace(module.DEFAULT, chips=100)


@pytest.mark.slow
def test_a_chip_is_that_of_devices_whatever_the_size_of_the_others() -> None:
    network = jn.networks.feedforward([chips.SIDE**2, 8, 10], key=0)
    config = dataclasses.replace(CONFIG, hidden=8, samples=10, images=30)
    shown = chips.images(config)["test"]
    sim = chips.simulation(network, config, chips.circuits("gf180mcu", 300.0, "fixed"))
    found = chips.accuracy(sim, np.array([0.5, 2.0, 0.5, 8.0]), shown, measuring.key(config, 0))
    axis = chips.ChipsOfSize(jnp.full(4, 0.5))
    for area in (0.5, 2.0, 8.0):
        at = jn.paths.replace(sim, dict.fromkeys(axis.sets(sim), np.float32(np.sqrt(area))))
        data = jn.monte_carlo(at, [jn.Devices(4), jn.Samples(shown[0])], key=measuring.key(config, 0), progress=False)
        answers = data["readout"].argmax("output_neuron").transpose("device", "sample").values
        same = np.array([0.5, 2.0, 0.5, 8.0]) == area
        np.testing.assert_array_equal(found[same], (answers == shown[1]).mean(axis=1)[same])


@pytest.mark.slow
def test_the_tiny_preset_ends_in_verdicts(tmp_path: Any) -> None:
    loaded = load("yield_and_area")
    run = run_study(loaded, loaded.preset("tiny"), tmp_path / "out")
    assert not run.errors
    assert all(claim.judgement is not None for claim in run.claims)
