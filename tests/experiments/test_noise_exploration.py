"""The study of exploration: its puzzles, its searches, its theory, and judges that can say no."""

from __future__ import annotations

import dataclasses
from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest
import xarray

from experiments import noise_exploration as module
from experiments.noise_exploration import measuring, puzzles
from jaxsnn_noise.statistics import over_raster
from jaxsnn_noise.study import Verdict, load, run_study


@pytest.mark.slow
def test_the_tiny_preset_ends_in_verdicts(tmp_path: Any) -> None:
    loaded = load("noise_exploration")
    run = run_study(loaded, loaded.preset("tiny"), tmp_path / "out")
    assert not run.errors
    assert {claim.name for claim in run.claims} == {c.name for c in module.CLAIMS}
    assert (tmp_path / "out" / "report.html").stat().st_size > 10_000


def broken(grid: np.ndarray) -> bool:
    """Whether a row, a column or a box lacks a number."""
    square = grid.reshape(4, 4)
    boxes = [square[i : i + 2, j : j + 2].ravel() for i in (0, 2) for j in (0, 2)]
    return any(len(set(group)) < 4 for group in (*square, *square.T, *boxes))


def test_puzzles_have_solutions_and_their_rules_are_those_of_sudoku() -> None:
    rng = np.random.default_rng(0)
    for _ in range(20):
        full = puzzles.puzzle(rng, 16)
        assert not broken(full)
        assert puzzles._broken(full[None])[0] == 0
        spoilt = full.copy()
        spoilt[rng.integers(16)] = (spoilt[0] + 1) % 4
        assert broken(spoilt) == bool(puzzles._broken(spoilt[None])[0])
    assert (puzzles.puzzle(rng, 5) >= 0).sum() == 5


def test_solved_tells_the_step_in_which_spikes_hold_a_solution() -> None:
    full = puzzles.puzzle(np.random.default_rng(1), 16)
    raster = np.zeros((30, puzzles.UNITS), np.float32)
    raster[np.arange(16) // 3 + 2, 4 * np.arange(16) + full] = 1  # the last at step 7, the first lasts until step 11
    assert over_raster(puzzles.Solved(), jnp.asarray(raster), dt=1.0) == 8
    raster[7, 4 * 15 + (full[15] + 1) % 4] = 1  # two numbers in a cell, in all steps in which the rest is on
    assert np.isnan(over_raster(puzzles.Solved(), jnp.asarray(raster), dt=1.0))


@pytest.mark.parametrize("search", ["annealing", "restarts"])
def test_both_searches_find_a_puzzle_with_many_clues_and_none_without_a_solution(search: str) -> None:
    rng = np.random.default_rng(2)

    def run(given: np.ndarray) -> np.ndarray:
        if search == "restarts":
            return puzzles.restarted(given, 40, rng, 5)
        return puzzles.annealed(given, 40, 1.0, 0.3, rng, 5)

    assert np.isfinite(run(puzzles.puzzle(rng, 12))).all()
    impossible = np.full(16, -1)
    impossible[:2] = 0
    assert np.isnan(run(impossible)).all()


def test_the_theory_of_escapes() -> None:
    config = dataclasses.replace(module.DEFAULT, heights=(6.0, 12.0))
    ratio = measuring.exact(config) / measuring.kramers(config)
    assert abs(ratio[1] - 1) < abs(ratio[0] - 1) < 0.15
    v = np.linspace(-1.0, 2.0, 301)
    np.testing.assert_allclose(-np.gradient(measuring.potential(v), v)[1:-1], (v * (v - 1) / 10)[1:-1], atol=1e-4)
    assert measuring.potential(np.array([1.0]))[0] == pytest.approx(measuring.BARRIER)


def made_up(factor: float = 1.0, power: float = 1.0, best: float = 80.0, others: float = 80.0) -> Any:
    config, rng = module.DEFAULT, np.random.default_rng(4)
    heights = np.array(config.heights)
    rate = factor * 1000 / measuring.exact(config) * np.exp((1 - power) * heights)
    rates = rate[:, None] * (1 + 0.01 * rng.normal(size=(5, 10)))
    chance = np.where(np.array(config.widths) == config.primary, best, 20.0) / 100

    def solved(p: np.ndarray) -> np.ndarray:
        return np.where(rng.random((len(p), 200, 10)) < p[:, None, None], 50.0, np.nan)

    search = {
        "network": (("width", "puzzle", "repeat"), solved(chance)),
        "others": (("search", "puzzle", "repeat"), solved(np.full(2, others / 100))),
    }
    return {
        "escape": xarray.Dataset({"rate": (("height", "trial"), rates)}, {"height": heights}),
        "search": xarray.Dataset(search, {"width": list(config.widths), "search": ["annealing", "restarts"]}),
    }  # fmt: skip


def verdicts(data: Any) -> set[Verdict]:
    return {c.judge(data, module.DEFAULT).verdict for c in module.CLAIMS}


def test_the_judges_say_yes_to_what_agrees_and_no_to_what_does_not() -> None:
    assert verdicts(made_up()) == {Verdict.REPRODUCED}
    assert verdicts(made_up(factor=0.8, power=1.3, best=10.0)) == {Verdict.NOT_REPRODUCED}


def test_a_configuration_without_meaning_is_refused() -> None:
    with pytest.raises(ValueError, match="primary"):
        dataclasses.replace(module.DEFAULT, primary=0.1)
