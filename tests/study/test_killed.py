"""A study that is killed, whenever, and resumed from the command line gives the bits of one that was left alone."""

from __future__ import annotations

import itertools
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import xarray

from helpers import fake_study
from jaxsnn_noise.study import kept

ROOT = Path(__file__).parents[2]
KILLS = 20

STUDY = """
import time
import jaxsnn_noise as jn

def build(config):
    noise = {"membrane": jn.noise.VoltageNoise(jn.noise.Diffusion(0.1))}
    return jn.Simulation(
        jn.Network({"cells": jn.Population(jn.neurons.LIF(4), noise=noise)}), {"cells": jn.coding.Constant(0.9)},
        duration=50.0, dt=1.0, statistics={"count": jn.statistics.SpikeCount(), "v": jn.statistics.VoltageMoments()},
    )

def measure(config, progress):
    progress.say("it begins")
    def slowly(done, total):
        time.sleep(0.04)
    def grid(name, key):
        axes = [jn.Trials(24)]
        return lambda: jn.monte_carlo(
            build(config), axes, key=key, chunk=2, store=progress.folder(name), progress=slowly
        )
    found = {name: progress.stage(name, grid(name, key)) for key, name in enumerate(("one", "two"))}
    return {**found, "three": progress.stage("three", lambda: xr.Dataset({"x": found["one"]["count"].sum("trial")}))}

def plot(data, config):
    return {}

def tables(data, config):
    return {"sums": data["three"].to_dataframe().reset_index()}

CLAIMS = ()
"""


def start(path: Path, out: Path, *options: str) -> subprocess.Popen[str]:
    """The command line in a process of its own, after its measurement began or its data were found."""
    command = [sys.executable, "-m", "jaxsnn_noise", "run", str(path), "--preset", "tiny", "--out", str(out), *options]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"}
    process = subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True, env=environment)
    assert process.stderr is not None
    said = ""
    for line in process.stderr:
        said += line
        if "it begins" in line or "data: kept" in line:
            return process
    raise AssertionError(said)


@pytest.mark.timeout(1200)
@pytest.mark.slow
def test_twenty_kills_leave_the_same_bits(tmp_path):
    path = fake_study.write(tmp_path, more=STUDY)
    with start(path, tmp_path / "whole") as process:
        begun = time.monotonic()
        assert process.wait() == 0
        needed = time.monotonic() - begun
    whole = kept.read(tmp_path / "whole" / "data.zarr")
    table = (tmp_path / "whole" / "tables" / "sums.csv").read_bytes()
    killed, finished, stages, left = 0, 0, set(), needed
    for tried in itertools.count():
        if killed >= KILLS and finished >= 2:
            break
        out = tmp_path / f"out{finished}"
        with start(path, out, "--resume") as process:
            # early and late in what is left, in an order that repeats none; from the twentieth on it may come to its end
            delay = 2 * needed if killed >= KILLS else left * ((tried * 0.618) % 1.0) * 1.05
            try:
                code = process.wait(delay)
            except subprocess.TimeoutExpired:
                os.kill(process.pid, signal.SIGKILL)
                code = process.wait()
        if code != -signal.SIGKILL:
            assert code == 0
            assert (out / "tables" / "sums.csv").read_bytes() == table
            found = kept.read(out / "data.zarr")
            for name in whole:
                xarray.testing.assert_identical(found[name], whole[name])
            finished, left = finished + 1, needed
            continue
        killed += 1
        left = max(left - delay, needed / 3)  # reading what is there, drawing and writing take a third
        stages.add(json.loads((out / "status.json").read_text())["stage"])
    assert "measure" in stages
