"""A new member in a file of its own is found by the contract suites, without touching any other file."""

import subprocess
import sys
from pathlib import Path
from shutil import copytree, ignore_patterns

import pytest

from helpers.discovery import members
from jaxsnn_noise.noise import CurrentNoise, Source

ROOT = Path(__file__).parents[2]
SCRATCH = {
    "neurons/scratch_neuron.py": """
from jaxsnn_noise.neurons.lif import LeakyIntegrator
class ScratchNeuron(LeakyIntegrator):
    'A member of the family.'
""",
    "noise/scratch_noise.py": """
from jaxsnn_noise.noise.sources import CurrentNoise
class ScratchNoise(CurrentNoise):
    'A member of the family.'
""",
    "statistics/scratch_statistic.py": """
from jaxsnn_noise.statistics.counts import SpikeCount
class ScratchStatistic(SpikeCount):
    'A member of the family.'
""",
    "synapses/scratch_combine.py": """
from jaxsnn_noise.synapses.combine import Sum
class ScratchCombine(Sum):
    'A member of the family.'
""",
    "hardware/scratch_imperfection.py": """
from jaxsnn_noise.hardware.mismatch import Mismatch
class ScratchImperfection(Mismatch):
    'A member of the family.'
""",
}


@pytest.fixture(scope="module")
def collected(tmp_path_factory):
    """The names of the contract tests of a copy of the package with one scratch file per family."""
    copy = tmp_path_factory.mktemp("scratch")
    leave = ignore_patterns("__pycache__", "data")
    for folder in ("jaxsnn_noise", "tests/contracts", "tests/helpers"):
        copytree(ROOT / folder, copy / folder, ignore=leave)
    for name in ("pyproject.toml", "tests/conftest.py"):
        (copy / name).write_text((ROOT / name).read_text())
    for name, source in SCRATCH.items():
        (copy / "jaxsnn_noise" / name).write_text('"""Scratch."""\n' + source)
    command = [sys.executable, "-m", "pytest", "--collect-only", "-q", "-p", "no:cacheprovider", "tests/contracts"]
    done = subprocess.run(command, cwd=copy, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.parametrize(
    "member", ["ScratchNeuron", "ScratchNoise", "ScratchStatistic", "ScratchCombine", "ScratchImperfection"]
)
def test_the_contract_suites_list_a_new_member(collected, member):
    lines = [line for line in collected.splitlines() if f"[{member}]" in line]
    assert len(lines) >= 5


def test_discovery_leaves_out_what_is_abstract_and_what_lives_elsewhere():
    class Elsewhere(CurrentNoise):
        """Not in the package."""

    names = {cls.__name__ for cls in members(Source)}
    assert "ComposedSource" not in names
    assert "Source" not in names
    assert Elsewhere.__name__ not in names
    assert Elsewhere in members(Source, within=Elsewhere.__module__.split(".")[0])
