"""Programs that the command line keeps for its next process: where, who may say otherwise, and what damage does."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from helpers import fake_study
from jaxsnn_noise.study import kept, programs

ROOT = Path(__file__).parents[2]
STUDY = """
import jaxsnn_noise as jn

def build(config):
    return jn.Simulation(
        jn.Network({"cells": jn.Population(jn.neurons.LIF(4), noise={"m": jn.noise.VoltageNoise(jn.noise.Diffusion(0.1))})}),
        {"cells": jn.coding.Constant(0.9)}, duration=20.0, dt=1.0, statistics={"v": jn.statistics.VoltageMoments()},
    )

def measure(config, progress):
    return jn.monte_carlo(build(config), [jn.Trials(3)], key=0, progress=False)

def plot(data, config):
    return {}

def tables(data, config):
    return {}

CLAIMS = ()
"""


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """An environment that says nothing, as before the first import of JAX; the folder where caches go."""
    for name in (programs.FOLDER, *programs.SETTINGS):
        monkeypatch.setenv(name, "")  # so that what is set is taken back
        monkeypatch.delenv(name)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "caches"))
    monkeypatch.delitem(sys.modules, "jax")
    return tmp_path / "caches"


def test_they_are_kept_in_a_folder_for_the_processor(bare, monkeypatch):
    folder = programs.keep()
    assert folder is not None
    assert folder.parent == bare / "jaxsnn_noise" / "programs"
    assert os.environ[programs.FOLDER] == str(folder)
    assert os.environ["JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS"] == "0"
    monkeypatch.setattr(programs, "cpu_features", lambda: "another processor")
    assert programs.place() != folder


def test_what_the_user_says_is_obeyed(bare, monkeypatch):
    monkeypatch.setenv(programs.FOLDER, "mine")
    assert programs.keep() is None
    assert os.environ[programs.FOLDER] == "mine"
    assert not bare.exists()


def test_after_the_import_of_jax_it_would_be_too_late(bare, monkeypatch):
    monkeypatch.setitem(sys.modules, "jax", sys)
    assert programs.keep() is None
    assert programs.FOLDER not in os.environ


def test_where_nothing_can_be_written_nothing_is_kept(bare):
    bare.write_text("a file where the folder should be")
    assert programs.keep() is None
    assert programs.FOLDER not in os.environ


def test_of_too_many_the_oldest_go(tmp_path):
    for k in range(10):
        file = tmp_path / f"{k}-cache"
        file.write_bytes(bytes(100))
        os.utime(file, (k, k))
    programs.tidy(tmp_path, most=1000)
    assert len(list(tmp_path.iterdir())) == 10
    programs.tidy(tmp_path, most=999)
    assert sorted(file.name for file in tmp_path.iterdir()) == [f"{k}-cache" for k in range(6, 10)]


@pytest.mark.slow
def test_the_next_process_reads_them_and_damage_costs_a_note(tmp_path):
    path = fake_study.write(tmp_path, more=STUDY)
    environment = {
        name: value for name, value in os.environ.items() if name not in (programs.FOLDER, *programs.SETTINGS)
    }
    environment |= {"PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1", "XDG_CACHE_HOME": str(tmp_path / "caches")}

    def run(name: str) -> str:
        command = [sys.executable, "-m", "jaxsnn_noise", "run", str(path), "--out", str(tmp_path / name)]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
        return done.stderr

    run("one")
    files = set(tmp_path.glob("caches/jaxsnn_noise/programs/*/*-cache"))
    assert any("run_chunk" in file.name for file in files)
    assert "Error reading" not in run("two")
    assert set(tmp_path.glob("caches/jaxsnn_noise/programs/*/*-cache")) == files
    for file in files:
        file.write_bytes(b"not a program")
    assert "Error reading" in run("three")  # they are what a process reads
    one, *others = (kept.read(tmp_path / name / "data.zarr") for name in ("one", "two", "three"))
    assert one.sizes["trial"] == 3
    assert all(other.equals(one) for other in others)
