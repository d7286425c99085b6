"""The benchmark: its processes, its comparison of results, and what it shows of a system that differs."""

from __future__ import annotations

import dataclasses
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from experiments.bench import compare, rounds, scaling, tables
from experiments.bench.__main__ import TINY, main
from experiments.bench.picture import draw
from experiments.bench.processes import Worker, installed, interpreter
from experiments.bench.systems import SYSTEMS, System, numpy_loop, ours
from experiments.bench.workloads import MonteCarlo, Training, batches, loss, problem, shuffled

ROOT = Path(__file__).parents[2]
LOOP = System("loop", "numpy_loop", "w1", ("numpy",))
SMALL = MonteCarlo(neurons=10, steps=40, trials=8)


def _quiet(text: str) -> None:
    """Progress of no interest."""


def _record(rate: float, error: float, seconds: tuple[float, ...] = (1.0, 1.2, 0.9)) -> dict:
    check = [{"rate_hz": rate + i * 1e-3 * error, "error_hz": error} for i in range(len(seconds))]
    runs = [
        {"round": i + 1, "seconds": s, "cpu_s": s, "check": c}
        for i, (s, c) in enumerate(zip(seconds, check, strict=True))
    ]
    prepare = {"import_s": 0.1, "build_s": 0.2, "warm_s": 0.3, "versions": {}}
    return {"prepare": prepare, "runs": runs, "quit": {"peak_mb": 100.0}}


OURS = System("ours", "ours", "counts", ("numpy",), peer=False)
PEERS = (OURS, System("NumPy loop", "numpy_loop", "w1", ("numpy",)), System("odd", "odd", "w1", ("numpy",)))


def test_a_round_asks_every_system_once_and_takes_turns_at_the_start() -> None:
    second = dataclasses.replace(LOOP, label="second")
    records = rounds.measure("w1", SMALL, [LOOP, second], {}, 3, _quiet)
    for label in ("loop", "second"):
        record = records[label]
        assert [run["round"] for run in record["runs"]] == [1, 2, 3]
        assert all(run["seconds"] > 0 for run in record["runs"])
        assert 10 < record["quit"]["peak_mb"] < 1000
        assert record["prepare"]["versions"]["numpy"] == np.__version__
    assert [run["check"] for run in records["loop"]["runs"]] == [run["check"] for run in records["second"]["runs"]]
    assert rounds.rotated(["a", "b", "c"], 1) == ["b", "c", "a"]
    assert rounds.rotated(["a", "b", "c"], 3) == ["a", "b", "c"]


def test_what_is_not_there_or_breaks_is_unknown_with_its_reason() -> None:
    absent = System("absent", "numpy_loop", "w1", ("no-such-distribution",))
    broken = System("broken", "no_such_module", "w1", ("numpy",))
    records = rounds.measure("w1", SMALL, [absent, broken, LOOP], {}, 1, _quiet)
    assert records["absent"] == {"unknown": "not installed"}
    assert records["broken"]["unknown"].startswith("ModuleNotFoundError")
    assert len(records["loop"]["runs"]) == 1


def test_a_worker_that_dies_or_hangs_is_reported_and_ended(tmp_path: Path) -> None:
    for name, script, reason in (
        ("dies", "echo gone >&2; exit 3", "gone"),
        ("hangs", "exec sleep 60", "no answer in 0 s"),
    ):
        python = tmp_path / name
        python.write_text(f"#!/bin/sh\n{script}\n")
        python.chmod(0o755)
        worker = Worker(LOOP, str(python), {}, patience=0.4 if name == "hangs" else 30.0)
        assert reason in worker.prepare()["failed"]
        worker.close()
        assert worker.process.returncode is not None


def test_interpreters_are_those_given() -> None:
    assert interpreter(LOOP, {}) == sys.executable
    assert interpreter(LOOP, {"numpy_loop": "/one"}) == "/one"
    assert installed(sys.executable, "numpy")
    assert not installed(sys.executable, "no-such-distribution")
    assert not installed("/no/such/python", "numpy")


def test_the_parent_imports_no_simulator() -> None:
    code = "import sys, experiments.bench.__main__; sys.exit(bool({'jax', 'torch', 'jaxsnn_noise.engine.scan'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT).returncode == 0


def test_no_time_is_shown_of_a_system_with_another_rate() -> None:
    records = {"ours": _record(20.0, 0.1), "NumPy loop": _record(20.1, 0.1), "odd": _record(22.0, 0.1)}
    lines = compare.lines("w1", SMALL, PEERS, records)
    assert "unknown" not in lines[0]
    assert "unknown" not in lines[1]
    assert lines[2].keys() == {"label", "peer", "unknown"}
    assert lines[2]["unknown"].startswith("different result: no time (rate 22.000 Hz")
    row = tables.table("w1", lines).splitlines()[-1]
    assert row.startswith("| odd | different result: no time")
    wide = {**records, "odd": _record(22.0, 1.0)}  # the same distance within its own error agrees
    assert "unknown" not in compare.lines("w1", SMALL, PEERS, wide)[2]


def test_if_ours_differs_nothing_is_compared_with_it() -> None:
    records = {"ours": _record(25.0, 0.1), "NumPy loop": _record(20.0, 0.1), "odd": {"unknown": "not installed"}}
    lines = compare.lines("w1", SMALL, PEERS, records)
    assert "different result" in lines[0]["unknown"]
    assert "ratio" not in lines[1]
    assert lines[2]["unknown"] == "not installed"


def test_ratios_are_taken_within_rounds() -> None:
    records = {"ours": _record(20.0, 0.1, (1.0, 10.0, 2.0)), "NumPy loop": _record(20.0, 0.1, (3.0, 30.0, 8.0))}
    lines = compare.lines("w1", SMALL, PEERS[:2], records)
    assert lines[1]["ratio"] == {"median": 3.0, "low": 3.0, "high": 4.0}
    assert lines[0]["speed"]["median"] == pytest.approx(SMALL.work / 2.0)
    assert lines[0]["compile_s"] == pytest.approx(0.5)


def test_runs_that_repeat_each_other_count_once() -> None:
    same = [{"rate_hz": 20.0, "error_hz": 0.3}] * 4
    assert compare.pooled(same) == (20.0, 0.3)
    mean, error = compare.pooled([{"rate_hz": 20.0, "error_hz": 0.3}, {"rate_hz": 20.2, "error_hz": 0.3}])
    assert mean == pytest.approx(20.1)
    assert error == pytest.approx(0.3 / 2**0.5)


def test_losses_are_compared_with_their_common_band() -> None:
    records = {}
    for label, value in {"ours": 1.00, "NumPy loop": 1.20, "odd": 1.5}.items():
        records[label] = {**_record(0.0, 0.0), "assessed": {"loss": value, "error": 0.04}}
    agreed = compare.agreement("w2", Training(), records)
    assert agreed["ours"] is None
    assert agreed["NumPy loop"] is None
    assert "loss 1.500" in str(agreed["odd"])
    records["ours"]["assessed"]["loss"] = 0.9
    assert "loss 0.900" in str(compare.agreement("w2", Training(), records)["ours"])


@pytest.mark.slow
def test_what_is_learned_is_averaged_over_orders_in_a_process_of_its_own() -> None:
    data = TINY["w2"].data()
    mixed = shuffled(data, 1)
    assert not np.array_equal(mixed["images"], data["images"])
    pairs = {(x.tobytes(), int(y)) for x, y in zip(data["images"], data["labels"], strict=True)}
    assert pairs == {(x.tobytes(), int(y)) for x, y in zip(mixed["images"], mixed["labels"], strict=True)}
    hoisted = System("plain", "plain_jax", "w2_hoisted", ("jax",))
    record = rounds.measure("w2", TINY["w2"], [hoisted], {}, 1, _quiet)["plain"]
    assert 0.5 < record["assessed"]["loss"] < 5.0
    assert 0.0 < record["assessed"]["error"] < 0.5


@pytest.mark.slow
def test_ours_and_the_loop_agree_and_another_noise_does_not() -> None:
    size = MonteCarlo(neurons=20, steps=150, trials=150)
    data = size.data()

    def rate(program, numbers: MonteCarlo) -> tuple[float, float]:
        counts = np.asarray(program.outcome(program.run(3))).reshape(numbers.trials, -1).sum(axis=1)
        hz = counts / numbers.neurons / numbers.steps * 1e3
        return float(hz.mean()), float(hz.std(ddof=1) / numbers.trials**0.5)

    reference = rate(numpy_loop.w1(size, data), size)
    for program in (ours.counts, ours.sparse, ours.raster):
        assert _apart(reference, rate(program(size, data), size)) <= compare.SIGMAS
    louder = dataclasses.replace(size, sigma=1.2 * size.sigma)
    assert _apart(reference, rate(numpy_loop.w1(louder, data), louder)) > compare.SIGMAS


def _apart(a: tuple[float, float], b: tuple[float, float]) -> float:
    return abs(a[0] - b[0]) / (a[1] ** 2 + b[1] ** 2) ** 0.5


@pytest.mark.slow
def test_ours_trains_as_the_common_loss_says() -> None:
    size = Training(inputs=12, hidden=16, steps=8, batch=32, updates=20, epoch=5, rate=2e-2)
    data = size.data()
    data["images"][np.arange(160), data["labels"] % 10] += 2.0  # something to learn
    data["held_out"][np.arange(1000), data["held_out_labels"] % 10] += 2.0
    program = ours.fit(size, data)
    before = loss(size, data, data["first"], data["second"])
    after = loss(size, data, *program.outcome(program.run(0)))
    assert after < 0.8 * before


def test_the_problem_is_the_same_for_everyone() -> None:
    for name, tiny in TINY.items():
        assert problem(name, vars(tiny)) == tiny
        once, again = tiny.data(), tiny.data()
        assert all(np.array_equal(once[k], again[k]) for k in once)
    tiny = TINY["w2"]
    assert isinstance(tiny, Training)
    pairs = batches(tiny, tiny.data())
    assert len(pairs) == tiny.updates
    assert all(x.shape == (tiny.batch, tiny.inputs) for x, _ in pairs)
    assert np.array_equal(pairs[0][0], pairs[tiny.epoch][0])  # the second epoch begins again
    assert tiny.short().updates == 2 * tiny.epoch


def test_silent_weights_lose_the_logarithm_of_ten() -> None:
    size = Training()
    data = {"held_out": np.ones((4, 784), np.float32), "held_out_labels": np.arange(4)}
    assert loss(size, data, np.zeros((100, 784)), np.zeros((10, 100))) == pytest.approx(np.log(10))


def test_every_system_has_its_program() -> None:
    for systems in SYSTEMS.values():
        for system in systems:
            text = (ROOT / "experiments" / "bench" / "systems" / f"{system.module}.py").read_text()
            assert f'"{system.program}": ' in text
            assert "def load(" in text


def test_a_crossover_is_the_first_size_near_the_best_speed() -> None:
    points = [
        {"axis": "trials", "label": "ours", "problem": {"trials": n}, "speed": {"median": s}}
        for n, s in ((10, 1.0), (100, 6.0), (1000, 10.0))
    ]
    assert scaling.crossover(points, "trials", "ours") == 100
    assert scaling.crossover(points, "trials", "ours", share=0.9) == 1000
    assert scaling.crossover(points, "neurons", "ours") is None


def test_points_beyond_the_budget_are_unknown() -> None:
    base = {"w1": SMALL}
    found = scaling.measure({}, -1.0, _quiet, {"w1": {"trials": (4, 8)}}, base)
    assert {p["unknown"] for p in found} == {"beyond the time budget"}


def test_the_command_writes_results_tables_and_pictures(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["w1", "--tiny", "--rounds", "1", "--systems", "numpy_loop", "--out", str(tmp_path)]) == 0
    assert {f.name for f in tmp_path.iterdir()} == {"results.json", "results.md", "speed.svg", "speed.png"}
    text = (tmp_path / "results.md").read_text()
    assert "| NumPy loop | " in text
    assert text in capsys.readouterr().out


def test_a_picture_of_scaling_is_drawn_from_its_points(tmp_path: Path) -> None:
    def point(label: str, n: int) -> dict:
        spread = {"median": 1e6 * n, "low": 0.9e6 * n, "high": 1.1e6 * n}
        return {"workload": "w1", "axis": "trials", "label": label, "problem": {"trials": n}} | {
            "speed": spread,
            "peak_mb": 100.0 + n,
        }

    points = [point(label, n) for label in ("ours", "theirs") for n in (10, 100)]
    files = draw({"scaling": [*points, {**points[0], "unknown": "beyond the time budget"}]}, tmp_path)
    assert [f.name for f in files] == ["scaling.svg", "scaling.png"]
    assert all(f.stat().st_size > 1000 for f in files)
