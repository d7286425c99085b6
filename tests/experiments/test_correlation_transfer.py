"""The study of correlation transfer: judges say yes to what agrees and no to what does not; the cells are those that it names."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest

from experiments import correlation_transfer as module
from jaxsnn_noise.study import Verdict, load, run_study
from jaxsnn_noise.verdicts import NOT_MEASURED


@pytest.mark.slow
def test_the_tiny_preset_ends_in_verdicts(tmp_path: Any) -> None:
    loaded = load("correlation_transfer")
    run = run_study(loaded, loaded.preset("tiny"), tmp_path / "out")
    assert not run.errors
    assert {claim.name for claim in run.claims} == {c.name for c in module.CLAIMS}
    assert all(claim.judgement is not None for claim in run.claims)
    assert (tmp_path / "out" / "report.html").stat().st_size > 10_000


def made_up(config: Any, *, factor: float = 1.0, convex: float = 0.4, short: float = 0.5) -> dict[str, Any]:
    """Gains that are ``factor`` times theory's, bent by ``convex`` beyond the primary fraction, less by ``short`` in short windows."""
    import xarray

    rng = np.random.default_rng(1)
    windows = np.array([*([short] * (len(config.windows) - 1)), 1.0])
    scatter = lambda n: 0.002 * rng.normal(size=(len(config.windows), n, config.trials))  # noqa: E731
    gains = factor * module.theory(config)
    c = np.array(config.fractions)
    rho = windows[:, None, None] * (config.primary * gains)[:, None] + scatter(len(gains))
    bent = factor * c * (gains[1] / factor + convex * np.maximum(c - config.primary, 0.0))
    series = windows[:, None, None] * bent[:, None] + scatter(len(c))
    rates = np.broadcast_to(np.array(config.means)[:, None], rho.shape[1:])
    points = {"correlation": (("window", "point", "trial"), rho), "rate": (("point", "trial"), rates)}
    coords = {"window": list(config.windows)}
    found = {"correlation": (("window", "fraction", "trial"), series)}
    return {"points": xarray.Dataset(points, coords), "series": xarray.Dataset(found, coords | {"fraction": c})}


def verdicts(data: Any, config: Any = module.DEFAULT) -> dict[str, Verdict]:
    return {c.name: c.judge(data, config).verdict for c in module.CLAIMS}


def test_the_judges_say_yes_to_what_agrees_and_no_to_what_does_not() -> None:
    good = verdicts(made_up(module.DEFAULT))
    assert set(good.values()) == {Verdict.REPRODUCED}
    off = verdicts(made_up(module.DEFAULT, factor=0.8))  # 20 % off
    assert off["gain_is_theory"] is Verdict.NOT_REPRODUCED
    bad = verdicts(made_up(module.DEFAULT, factor=-1.0, convex=-2.0, short=1.5))
    assert set(bad.values()) == {Verdict.NOT_REPRODUCED, Verdict.REPRODUCED}
    assert bad.pop("linear_for_small") is Verdict.REPRODUCED  # made up as a straight line there
    assert {name for name, one in bad.items() if one is Verdict.REPRODUCED} == {
        "less_in_short_windows"
    }  # negative ones
    steep = verdicts(made_up(dataclasses.replace(module.DEFAULT, fractions=(0.1, 0.2)), convex=0.0))
    assert steep["more_for_large"] is not Verdict.REPRODUCED


def test_the_bar_is_the_difference_in_gain_and_not_in_correlation() -> None:
    config = module.DEFAULT
    data = made_up(config)
    data["points"]["correlation"] = data["points"]["correlation"] + 0.06 * config.primary
    assert module.gain_is_theory(data, config).verdict is Verdict.NOT_REPRODUCED
    data["points"]["correlation"] = data["points"]["correlation"] - 0.03 * config.primary
    assert module.gain_is_theory(data, config).verdict is Verdict.REPRODUCED


def test_what_is_left_out_stays_open_and_says_so() -> None:
    few = dataclasses.replace(module.DEFAULT, means=(0.8, 0.8), sigmas=(0.1, 0.2), fractions=(0.2, 0.8))
    found = {c.name: c.judge(made_up(few), few) for c in module.CLAIMS}
    assert found["rises_with_rate"].why == NOT_MEASURED
    assert found["linear_for_small"].why == NOT_MEASURED


def test_cells_are_the_points_and_then_the_other_fractions() -> None:
    cells = module.cells(module.DEFAULT)
    assert cells[:2] == [(0.8, 0.1, 0.2), (0.8, 0.2, 0.2)]
    assert cells[len(module.DEFAULT.means) :] == [(0.8, 0.2, 0.1), (0.8, 0.2, 0.8)]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"means": (0.8, 0.9)}, "equally long"),
        ({"primary": 0.3}, "primary among them"),
        ({"fractions": (0.0, 0.2)}, "must be > 0"),
    ],
)
def test_a_configuration_without_meaning_is_refused(change: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        dataclasses.replace(module.DEFAULT, **change)
