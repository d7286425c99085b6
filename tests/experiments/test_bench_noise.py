"""The cost of noise: every source has a program, ratios are within rounds, and the table says against what."""

from __future__ import annotations

import functools
from typing import Any

import pytest

import jaxsnn_noise as jn
from experiments.bench import noise
from helpers.discovery import members


def test_every_source_colour_correlation_and_rule_has_a_program() -> None:
    text = repr(noise.sources(6))
    families = (jn.noise.Source, jn.noise.Colour, jn.noise.Correlation, jn.noise.Distribution)
    public = [c.__name__ for family in families for c in members(family) if getattr(jn.noise, c.__name__, None) is c]
    defaults = {"White", "Independent", "Gaussian"}  # of the programs that do not say another
    assert not [name for name in public if f"{name}(" not in text and name not in defaults]
    for rule in (jn.NoisyThreshold, jn.EscapeRate, jn.BridgeThreshold):
        assert f"{rule.__name__}(" in text


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The time that both clocks of the benchmark show [s]."""
    now = [0.0]
    for name in ("perf_counter", "process_time"):
        monkeypatch.setattr(noise.time, name, lambda: now[0])
    return now


def test_ratios_are_within_rounds(monkeypatch: pytest.MonkeyPatch, clock: list[float]) -> None:
    def run(sim: Any, trials: int) -> None:
        clock[0] += 0.05 if sim.network.cells()["cells"].noise else 0.02

    monkeypatch.setattr(noise, "_run", run)
    found = noise.measure(3, lambda text: None, noise.TINY, ["BridgeThreshold"])
    assert [x["source"] for x in found] == [noise.OFF, noise.WHITE, "BridgeThreshold"]
    assert [x["over"] for x in found] == [noise.OFF, noise.OFF, noise.WHITE]
    assert found[0]["wall_ratio"]["median"] == found[0]["cpu_ratio"]["median"] == 1.0
    assert found[1]["wall_ratio"]["median"] == pytest.approx(2.5)
    assert found[2]["wall_ratio"]["median"] == pytest.approx(1.0)
    text = noise.table(found)
    assert all(f"| {x['source']} |" in text for x in found)


def test_rounds_begin_with_another_one_and_what_is_slow_runs_in_one(clock: list[float]) -> None:
    order: list[str] = []
    pauses = {"a": 1e-4, "b": 1e-4, "slow": 0.1}

    def run(name: str) -> None:
        order.append(name)
        clock[0] += pauses[name]

    runs = {name: functools.partial(run, name) for name in pauses}
    taken = noise.in_turns(runs, 3, lambda text: None)
    assert order == ["a", "b", "slow", "a", "b", "slow", "b", "a", "a", "b"]
    assert [len(x) for x in taken.values()] == [3, 3, 1]
    assert taken["slow"][0] == pytest.approx((0.1, 0.1))
    assert all(cpu > 0 for one in taken.values() for _, cpu in one.values())


@pytest.mark.slow
def test_every_program_runs() -> None:
    found = noise.measure(1, lambda text: None, noise.TINY)
    assert len(found) == len(noise.sources(noise.TINY.neurons))
    assert all(x["cpu_ratio"]["median"] > 0 for x in found)
