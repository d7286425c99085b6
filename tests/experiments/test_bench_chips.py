"""W4: the definition against a closed form, chips as drawn, counts of the chips handed over, and what is shown of which system."""

from __future__ import annotations

import dataclasses
import math
import types

import numpy as np
import pytest

from experiments.bench import compare, rounds, tables, worker
from experiments.bench.__main__ import TINY
from experiments.bench.chips import LEAVES, Chips, accuracy, counts, differing, drawn, handed
from experiments.bench.systems import SYSTEMS, Program, System, numpy_chips, ours_chips

SMALL = Chips(chips=8, images=40, steps=25, inputs=20, hidden=24, tau=5.0, loops=3, given=3, updates=4)
LOOP = System("NumPy loop", "numpy_chips", "w4", ("numpy",))
OTHER = System("other", "numpy_chips", "w4", ("numpy",))
PART = System("part", "ours_chips", "product", ("numpy",), part=True)


def test_one_neuron_after_another_fires_as_often_as_the_closed_form() -> None:
    drive, tau, theta, steps = np.array([0.5, 1.5, 3.0, 9.0]), 7.0, 1.2, 60
    leaves = dict(
        zip(
            LEAVES, (np.ones((1, 1)), np.full((1, 1), 1e3), *np.full((2, 1), tau), *np.full((2, 1), theta)), strict=True
        )
    )
    period = [math.ceil(-tau * math.log(1 - theta / i)) if i > theta else math.inf for i in drive]
    found = counts(leaves, drive[:, None], steps)
    assert found[:, 0].tolist() == [steps // p for p in period]


def test_factors_of_a_chip_have_their_mean_and_variation() -> None:
    leaves, n = {k: np.full(40_000, 2.0, np.float32) for k in LEAVES}, 40_000
    for chip in drawn(SMALL, leaves, np.random.default_rng(0)).values():
        assert abs(chip.mean() / 2 - 1) < 5 * SMALL.spread / math.sqrt(n)
        assert abs(chip.std() / 2 / SMALL.spread - 1) < 5 * 0.72 / math.sqrt(n)  # the error of the deviation at cv 0.1


@pytest.mark.slow
def test_training_tells_digits() -> None:
    few = Chips(images=300, hidden=32, updates=60, given=2)
    data = few.data()
    found = np.stack([counts(handed(data, i), data["images"], few.steps) for i in range(few.given)])
    assert accuracy(found, data["labels"])[0] > 0.6  # by chance 0.1


def test_the_loop_gives_the_counts_of_the_definition_and_other_thresholds_do_not() -> None:
    data = SMALL.data()
    program = numpy_chips.w4(SMALL, data)
    assert program.given is not None
    assert program.given().sum() > 100
    assert differing(SMALL, data, program.given()) <= compare.ROUNDING
    changed = {**data, "given_threshold_hidden": 1.02 * data["given_threshold_hidden"]}
    assert differing(SMALL, data, numpy_chips.w4(SMALL, changed).given()) > 3 * compare.ROUNDING
    assert program.outcome(program.run(1)).shape == (SMALL.loops, SMALL.images, SMALL.outputs)


def _record(**assessed: float) -> dict:
    runs = [{"round": 1, "seconds": 2.0, "cpu_s": 2.0, "check": None}]
    prepare = {"import_s": 0.1, "build_s": 0.2, "warm_s": 0.3, "versions": {}}
    return {"prepare": prepare, "runs": runs, "quit": {"peak_mb": 100.0, "run_mb": 90.0}} | (
        {"assessed": {"accuracy": 0.9, "error": 0.001, "chips": 25, "differing": 0.0, **assessed}} if assessed else {}
    )


def test_no_time_is_shown_of_a_system_with_other_counts_or_another_accuracy() -> None:
    systems, good = [LOOP, OTHER, PART], _record(differing=1e-4)
    for odd, why in ((_record(differing=0.002), "0.20% of the counts"), (_record(accuracy=0.89), "accuracy 89.00%")):
        lines = compare.lines("w4", SMALL, systems, {"NumPy loop": good, "other": odd, "part": _record()})
        assert ["unknown" in line for line in lines] == [False, True, False]
        assert why in lines[1]["unknown"]
        text = tables.table("w4", lines)
        assert "90.00% ± 0.10% (25 chips run); counts of given chips that differ: 1.0e-04" in text
        assert "a part of the work" in text
    near = _record(accuracy=0.895)
    assert (
        "unknown" not in compare.lines("w4", SMALL, systems, {"NumPy loop": good, "other": near, "part": _record()})[1]
    )


def test_seconds_of_a_share_are_scaled_to_the_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    ticks = iter([10.0, 12.0])
    clock = types.SimpleNamespace(perf_counter=lambda: next(ticks))
    monkeypatch.setattr(worker, "time", clock)
    monkeypatch.setattr(worker, "check", lambda state, result: None)
    answer = worker.run({"program": Program(lambda seed: seed, share=0.025)}, 1)
    assert answer["seconds"] == pytest.approx(80.0)
    assert rounds.rotated([s.label for s in SYSTEMS["w4"]], 1)[0] == SYSTEMS["w4"][1].label


@pytest.mark.slow
def test_our_programs_give_the_counts_of_the_definition_and_one_accuracy() -> None:
    problem = dataclasses.replace(SMALL, loops=SMALL.chips)
    data = problem.data()
    right = []
    for name in ("w4", "built", "jitted"):
        program = ours_chips.PROGRAMS[name](problem, data)
        assert differing(problem, data, program.given()) <= compare.ROUNDING
        found = program.outcome(program.run(1))
        assert found.shape == (problem.chips, problem.images, problem.outputs)
        assert found.sum() > 100
        right.append(found.sum(axis=(1, 2)))
    for one in right[1:]:  # spikes of chips drawn by either generator
        apart = abs(one.mean() - right[0].mean())
        assert apart <= compare.SIGMAS * math.sqrt((one.var(ddof=1) + right[0].var(ddof=1)) / problem.chips)


@pytest.mark.slow
def test_a_peer_in_pytorch_gives_the_counts_of_the_definition() -> None:
    pytest.importorskip("torch")
    from experiments.bench.systems import torch_chips

    data = SMALL.data()
    for name in ("hoisted_one", "one"):
        assert differing(SMALL, data, torch_chips.PROGRAMS[name](SMALL, data).given()) <= compare.ROUNDING


@pytest.mark.slow
def test_the_tiny_run_compares_all_that_are_there() -> None:
    wanted = [s for s in SYSTEMS["w4"] if s.program in ("w4", "product") and s.packages[0] != "torch"]
    records = rounds.measure("w4", TINY["w4"], wanted, {}, 1, lambda text: None)
    lines = compare.lines("w4", TINY["w4"], wanted, records)
    assert all("unknown" not in line for line in lines), lines
