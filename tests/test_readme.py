"""The README: its two quick-start blocks, and its script run as it stands."""

from __future__ import annotations

import os
import re
import subprocess
import sys
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
    assert len(blocks("console")) == 1
    assert README.count("```") == 2 * 4
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
    others = [line for line in lines if "pytest" in line and "-m slow" not in line]
    assert [line.split() for line in others] == [
        [".venv313/bin/python", "-m", "pytest", "-n", "2", "-q"]
    ]  # on another Python


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


@pytest.mark.slow
def test_the_script_runs_with_fewer_members() -> None:
    (script,) = blocks("python")
    fewer, devices = re.subn(r"jn\.Devices\(20\)", "jn.Devices(2)", script)
    fewer, trials = re.subn(r"jn\.Trials\(50\)", "jn.Trials(3)", fewer)
    assert (devices, trials) == (1, 1)
    check(run_script(fewer), devices=2, trials=3)


def words(picture: Path) -> list[str]:
    """What is written in a picture: matplotlib leaves each text as a comment."""
    return re.findall(r"<!-- (.*?) -->", picture.read_text(encoding="utf-8"))


def test_the_picture_is_there_and_says_how_it_was_made() -> None:
    (picture,) = re.findall(r"!\[.+?\]\((\S+)\)", README.split("\n## ")[0])
    (command,) = re.findall(r"Drawn by `python (\S+)`", README.split("\n## ")[0])
    assert (ROOT / command).with_suffix(".svg") == ROOT / picture
    assert {"time [ms]", "rate [Hz]", "yield of chips [1]"} <= set(words(ROOT / picture))


@pytest.mark.slow
def test_its_command_draws_the_picture(tmp_path: Path) -> None:
    drawn = tmp_path / "again.svg"
    script = ROOT / "docs" / "first_screen.py"
    paths = {**os.environ, "PYTHONPATH": str(ROOT)}
    subprocess.run([sys.executable, script, drawn], check=True, cwd=tmp_path, env=paths)
    assert words(drawn) == words(ROOT / "docs" / "first_screen.svg")
    # curves within 2 % of the height of the picture: a last bit that differs between processors can move a spike
    ours, theirs = (curves(picture) for picture in (drawn, ROOT / "docs" / "first_screen.svg"))
    assert ours.keys() == theirs.keys()
    for name, points in ours.items():
        np.testing.assert_allclose(points, theirs[name], atol=4.0, err_msg=name)


@pytest.mark.slow
def test_the_command_for_a_network_on_a_process_draws_its_picture(tmp_path: Path) -> None:
    (command,) = blocks("console")
    name, *options = command.split()
    assert name == "jaxsnn-noise"
    module = [sys.executable, "-m", "jaxsnn_noise", *options, "--out", str(tmp_path / "out")]
    told = subprocess.run(module, check=True, cwd=ROOT, capture_output=True, text=True)
    assert "report:" in told.stdout
    drawn, shown = tmp_path / "out" / "figures" / "chips.svg", ROOT / "docs" / "robustness.svg"
    assert words(drawn) == words(shown)
    ours, theirs = curves(drawn), curves(shown)
    assert ours.keys() == theirs.keys()
    for line, points in ours.items():  # a chip whose margin is a last bit may pass on another processor
        np.testing.assert_allclose(points[:, 0], theirs[line][:, 0], atol=8.0, err_msg=line)


def curves(picture: Path) -> dict[str, np.ndarray]:
    """From the id of each line to its points [point, xy]; rasters have no lines."""
    text = picture.read_text(encoding="utf-8")
    found = re.findall(r'<g id="(line2d_\d+)">\s*<path d="(M [^"]+)" clip-path', text)
    return {name: np.array(re.findall(r"[-\d.]+", path), float).reshape(-1, 2) for name, path in found}


def test_the_curves_of_the_picture_are_found() -> None:
    found = curves(ROOT / "docs" / "first_screen.svg")
    assert sum(len(points) in (5, 6) for points in found.values()) == 3  # rates, closed form, yield


@pytest.mark.slow
def test_the_script_runs_as_it_stands() -> None:
    (script,) = blocks("python")
    check(run_script(script), devices=20, trials=50)
