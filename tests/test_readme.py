"""The README: its two quick-start blocks, and its script run as it stands."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import numpy as np
import pytest

from helpers.statistical import assert_mean, negative_control

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", README, flags=re.MULTILINE | re.DOTALL)


def test_there_are_two_quick_start_blocks_and_one_script() -> None:
    assert len(blocks("bash")) == 2
    assert len(blocks("python")) == 1
    assert README.count("```") == 2 * 3
    assert all(block in README.split("\n## ")[1] for block in blocks("bash"))  # both stand under "Quick start"
    assert README.split("\n## ")[1].startswith("Quick start")


def test_each_quick_start_block_sets_up_its_own_environment() -> None:
    for block in blocks("bash"):
        first, second, *rest = block.splitlines()
        assert first == "python3 -m venv .venv"
        assert second.startswith(".venv/bin/python -m pip install ")
        assert rest
        assert all(line.startswith(".venv/bin/") for line in rest)


@pytest.mark.parametrize("number", [1, 2])
def test_ci_reads_its_set_up_and_tests_from_the_readme(number: int) -> None:
    printed = subprocess.run([ROOT / ".ci" / "readme_block", str(number)], capture_output=True, text=True, check=True)
    assert printed.stdout == blocks("bash")[number - 1]


def test_ci_runs_the_default_tests_through_the_readme_only() -> None:
    lines = (ROOT / ".ci" / "run").read_text().splitlines()
    assert sum(".ci/readme_block 2" in line for line in lines) == 1
    assert [line for line in lines if "pytest" in line and "-m slow" not in line] == []


def run_script(script: str) -> dict:
    names: dict = {"__name__": "readme"}
    exec(compile(script, "README.md", "exec"), names)
    return names


def check(names: dict, devices: int, trials: int) -> None:
    assert set(names["one"]) == {"rate", "cv", "health_cells"}
    assert names["one"]["rate"].shape == (100,)
    assert dict(names["study"].sizes) == {"sigma": 7, "device": devices, "trial": trials, "cells_neuron": 100}
    assert np.all(np.isfinite(names["study"]["rate"]))
    # 100 neurons for 50 time constants: variances of an OU process are worth T / tau samples each, and the
    # mean over the run takes 2 tau / T of the variance away
    expected = 2.0 * (1 - 2 * 20.0 / 1000.0)
    error = expected * np.sqrt(2 / (100 * 1000.0 / 20.0))

    def slope(amplitude: float) -> None:
        assert_mean((amplitude * float(names["slope"]), error), expected)

    slope(1.0)
    negative_control(slope)


def test_the_script_runs_with_fewer_members() -> None:
    (script,) = blocks("python")
    fewer, devices = re.subn(r"jn\.Devices\(20\)", "jn.Devices(2)", script)
    fewer, trials = re.subn(r"jn\.Trials\(50\)", "jn.Trials(3)", fewer)
    assert (devices, trials) == (1, 1)
    check(run_script(fewer), devices=2, trials=3)


@pytest.mark.slow
def test_the_script_runs_as_it_stands() -> None:
    (script,) = blocks("python")
    check(run_script(script), devices=20, trials=50)
