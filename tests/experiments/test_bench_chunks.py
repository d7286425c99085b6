"""The benchmark of the shapes of chunks: its grid, its turns, its table."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import pytest

from experiments.bench import chunks
from experiments.bench.chunks import STUDIES, TINY, Study, measure, table


@pytest.mark.slow
def test_the_best_shape_of_the_grid_is_timed_beside_auto(monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    ran: list[Any] = []

    def run(study: Study, chunk: Any) -> None:
        ran.append(chunk)
        time.sleep(0.03 if chunk == "auto" else 0.02 if chunk["trial"] == 4 else 0.04)

    monkeypatch.setattr(Study, "run", run)
    (entry,) = measure(3, said.append, TINY, ["W1"])
    assert said == ["chunks: W1"]
    assert [c["trial"] for c in ran[:12]] == [8, 8, 8, 4, 4, 4, 2, 2, 2, 1, 1, 1]
    assert entry["best"] == {"trial": 4}
    assert 1.0 < entry["ratio"]["median"] < 2.0
    text = table([entry | {"loop": {"median": 2.0, "low": 1.5, "high": 2.5}}])
    assert f"| W1 | {entry['auto']['trial']} trials |" in text
    assert "| 2.00 [1.50 to 2.50] |" in text


def test_rounds_begin_with_another_one_each_time_and_the_first_is_not_counted() -> None:
    order: list[str] = []
    runs = {name: (lambda n=name: (order.append(n), time.sleep(1e-3 * len(n)))) for name in ("a", "bbb")}
    seconds = chunks._in_turns(runs, 2)
    assert order == ["a", "bbb", "bbb", "a", "a", "bbb"]
    assert all(len(taken) == 2 for taken in seconds.values())
    assert min(seconds["bbb"]) > 3e-3


@pytest.mark.slow
def test_the_loop_over_chips_gives_the_spikes_of_the_study() -> None:
    import jaxsnn_noise as jn

    study = STUDIES["chips x images"](TINY)
    found = np.stack(study.loop())
    whole = jn.monte_carlo(study.sim, study.axes, key=0, progress=False)["spikes"].values
    assert whole.sum() > 0
    np.testing.assert_array_equal(found, whole)
