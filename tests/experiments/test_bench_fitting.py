"""The bench of a call of ``fit``: what is told of times that are known."""

from __future__ import annotations

from typing import Any

import jax
import pytest

from experiments.bench import fitting


@pytest.mark.slow
def test_a_call_is_what_is_left_of_a_short_training_beside_its_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    # 5 ms a call and 2 ms a step, against 1 and 1.6 ms; building takes 3 ms; the processor is twice as fast as the clock
    sizes = fitting.Sizes(fitting.TINY.training, 102)
    known = {fitting.OURS: (5.0, 2.0), fitting.PLAIN: (1.0, 1.6)}
    (ours, ours_step), (plain, plain_step) = known.values()
    # in the order of a round: short trainings and long ones, then building
    round_of = [ours + 2 * ours_step, plain + 2 * plain_step, ours + 102 * ours_step, plain + 102 * plain_step, 3.0]
    times = iter(2 * round_of)
    nothing = type("Program", (), {"run": staticmethod(lambda seed: None)})

    def timed(program: Any) -> dict[str, float]:
        del program
        wall = next(times) / 1e3
        return {"wall": wall, "cpu": wall / 2}

    monkeypatch.setattr(fitting, "_timed", timed)
    monkeypatch.setattr(fitting.ours, "fit", lambda problem, data: nothing)
    monkeypatch.setattr(fitting.plain_jax, "w2_hoisted", lambda problem, data: nothing)
    found = fitting.measure(2, lambda text: None, sizes)
    wall = {name: values["median"] for name, values in found["wall"].items()}
    assert wall["fit: a step"] == pytest.approx(2.0)
    assert wall["fit: a call"] == pytest.approx(5.0)
    assert wall["building the simulation, in a call"] == pytest.approx(3.0)
    assert wall["plain loop, product hoisted: a call"] == pytest.approx(1.0)
    assert found["cpu"]["fit: a step"]["median"] == pytest.approx(1.0)
    assert found["cpu"]["a step of fit over one of the loop"]["median"] == pytest.approx(1.25)


@pytest.mark.slow
def test_the_part_runs_and_prints_its_table() -> None:
    with jax.numpy_dtype_promotion("standard"), jax.numpy_rank_promotion("allow"):  # as a plain loop wants it
        found = fitting.measure(1, lambda text: None, fitting.TINY)
    lines = fitting.table(found).splitlines()
    assert lines[0] == "| [ms], or a ratio | cpu | wall |"
    assert len(lines) == 2 + 6
    assert found["cpu"]["building the simulation, in a call"]["median"] > 0.0
