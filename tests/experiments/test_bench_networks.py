"""The workloads of one network: the same steps in ours and in the NumPy loop, exact degrees, and rates compared before times."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from experiments.bench import compare, connectivity, rounds, tables
from experiments.bench.__main__ import TINY, main
from experiments.bench.networks import Brunel, Sparse, synapses
from experiments.bench.systems import SYSTEMS, System, numpy_networks, ours_networks

ONE = Sparse(neurons=60, steps=1000, seeds=6)
SMALL = Brunel(
    excitatory=80, inhibitory=20, in_excitatory=40, in_inhibitory=10, weight=2.5, outside=40, warm=300, steps=1000
)


def _quiet(text: str) -> None:
    """Progress of no interest."""


def _rate(program, problem: Sparse | Brunel, seeds: int) -> tuple[float, float]:
    rates = [problem.rate_hz(np.asarray(program.outcome(program.run(seed)))) for seed in range(seeds)]
    return float(np.mean(rates)), float(np.std(rates, ddof=1) / seeds**0.5)


def _apart(a: tuple[float, float], b: tuple[float, float]) -> float:
    return abs(a[0] - b[0]) / (a[1] ** 2 + b[1] ** 2) ** 0.5


@pytest.mark.slow
@pytest.mark.parametrize("changed", [{}, {"delay": 3.1}, {"refractory": 2.1}, {"reset": 9.9}, {"drive": 24.9}])
def test_without_noise_ours_takes_the_steps_of_the_loop(changed: dict[str, float]) -> None:
    plain = Sparse(neurons=40, steps=3000, drive=25.0, sigma=0.0, strength=4.0, delay=3.0)
    data = plain.data()
    reference = numpy_networks.sparse(plain, data).run(0)
    assert reference.std() > 0  # the synapses have made them differ
    other = dataclasses.replace(plain, **changed)
    for program in (ours_networks.sparse, ours_networks.dense):
        counts = program(other, data).run(0)
        assert np.array_equal(counts, reference) == (not changed)


@pytest.mark.slow
def test_ours_and_the_loop_agree_and_another_noise_does_not() -> None:
    data = ONE.data()
    reference = _rate(numpy_networks.sparse(ONE, data), ONE, 40)
    programs = [ours_networks.sparse(ONE, data), ours_networks.dense(ONE, data)]
    assert np.array_equal(programs[0].run(1), programs[1].run(1))
    assert _apart(reference, _rate(programs[0], ONE, 40)) <= compare.SIGMAS
    louder = dataclasses.replace(ONE, sigma=1.4 * ONE.sigma)
    assert _apart(reference, _rate(numpy_networks.sparse(louder, data), louder, 40)) > compare.SIGMAS


@pytest.mark.slow
def test_two_trials_and_the_gradient_run_the_same_network() -> None:
    short = dataclasses.replace(ONE, steps=400)
    data = short.data()
    alone = ours_networks.sparse(short, data).run(3)
    for program in (ours_networks.gradient, ours_networks.dense_gradient):
        assert np.array_equal(program(short, data).run(3), alone)
    for program in (ours_networks.pair, ours_networks.dense_pair):
        made = program(short, data)
        counts = made.run(3)
        assert counts.shape == (2, short.neurons)
        assert np.array_equal(made.outcome(counts), counts[0])


@pytest.mark.slow
def test_brunels_network_agrees_with_the_loop_and_not_without_inhibition() -> None:
    data = SMALL.data()
    reference = _rate(numpy_networks.brunel(SMALL, data), SMALL, 30)
    assert _apart(reference, _rate(ours_networks.brunel(SMALL, data), SMALL, 30)) <= compare.SIGMAS
    free = dataclasses.replace(SMALL, g=0.0)
    assert _apart(reference, _rate(numpy_networks.brunel(free, data), free, 5)) > compare.SIGMAS


@pytest.mark.slow
def test_degrees_are_exact_and_sources_distinct() -> None:
    source, target, weight = synapses(SMALL, SMALL.data(1))
    assert np.all(np.diff(source) >= 0)
    assert len(np.unique(source.astype(np.int64) * SMALL.neurons + target)) == len(source) == 100 * 50
    assert not np.array_equal(source, synapses(SMALL, SMALL.data(2))[0])
    projections = ours_networks.drawn(SMALL, SMALL.data(1))
    for name, first, size, degree, jump in SMALL.kinds:
        of = (source >= first) & (source < first + size)
        assert np.all(np.bincount(target[of], minlength=100) == degree)
        assert np.all(weight[of] == np.float32(jump))
        matrix = np.asarray(projections[name].dense_weights())
        assert np.all((matrix != 0).sum(axis=1) == degree)
        assert not matrix[:, :first].any()
        assert not matrix[:, first + size :].any()
        assert np.allclose(matrix[matrix != 0] * (1 - SMALL.decay) / SMALL.dt, jump)


def test_the_weights_of_one_network_balance() -> None:
    problem = Sparse(neurons=2000)
    weights = problem.data()["weights"]
    assert weights.dtype == np.float32
    assert (weights != 0).mean() == pytest.approx(0.1, abs=0.001)
    assert np.unique(weights).tolist() == pytest.approx([-0.4 * 2**0.5, 0.0, 0.1 * 2**0.5])
    source, target, weight = synapses(problem, {"weights": weights})
    assert np.array_equal(weights[target, source], weight)
    assert problem.step_std == pytest.approx(problem.sigma * problem.dt**0.5, rel=0.01)


def test_rates_are_assessed_over_seeds_before_times() -> None:
    tiny = TINY["brunel"]
    loop = System("loop", "numpy_networks", "brunel", ("numpy",))
    record = rounds.measure("brunel", tiny, [loop], {}, 1, _quiet)["loop"]
    assert record["assessed"].keys() == {"rate_hz", "error_hz"}
    assert record["assessed"]["error_hz"] > 0
    assert 0 < record["quit"]["run_mb"] <= record["quit"]["peak_mb"]
    assert record["prepare"]["build_mb"] <= record["quit"]["peak_mb"]
    far = {**record, "assessed": {"rate_hz": 1e3, "error_hz": 1.0}}
    odd = dataclasses.replace(loop, label="NumPy loop")
    lines = compare.lines("brunel", tiny, [loop, odd], {"loop": far, "NumPy loop": record})
    assert lines[0]["unknown"].startswith("different result")
    assert "± " in tables.table("brunel", lines)
    alone = rounds.measure("brunel", tiny, [loop], {}, 1, _quiet, assessed=False)["loop"]
    assert "assessed" not in alone


@pytest.mark.slow
def test_the_command_compares_networks(tmp_path: Path) -> None:
    arguments = ["sparse", "brunel", "--tiny", "--rounds", "1", "--systems", "numpy_networks", "--out", str(tmp_path)]
    assert main(arguments) == 0
    text = (tmp_path / "results.md").read_text()
    assert text.count("| NumPy loop | ") == 2
    assert (tmp_path / "speed.svg").exists()


def test_points_are_compared_within_rounds() -> None:
    def record(*seconds: float) -> dict:
        runs = [{"round": i, "seconds": s, "check": {"rate_hz": 5.0 + i}} for i, s in enumerate(seconds)]
        return {"runs": runs, "quit": {"run_mb": 300.0}}

    records = {"Sparse": record(1.0, 2.0, 1.0), "Dense": record(3.0, 6.0, 4.0), "broken": {"unknown": "why"}}
    point = connectivity._point(Sparse(steps=1000), records)
    assert point["rate_hz"] == 6.0
    assert point["programs"]["Dense"]["ratio"] == {"median": 3.0, "low": 3.0, "high": 4.0}
    assert point["programs"]["Sparse"]["us_per_step"] == pytest.approx(1000.0)
    text = connectivity.table([{"neurons": 1000, "probability": 0.1, "drive": 14.0, **point}])
    assert "| 1000 | 10 % | 6.0 | Dense | 4e+03 | 3.00 [3.00 to 4.00] | 300 |" in text
    assert "| broken | why |" in text


def test_every_program_of_the_grid_is_there() -> None:
    assert {s.program for s in connectivity.EVERY} <= ours_networks.PROGRAMS.keys()
    assert {s.program for s in SYSTEMS["sparse"] if not s.peer} == {"sparse", "dense"}
