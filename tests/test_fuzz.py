"""Whatever is given to what is public: it is taken for what it is, or an ``InputError`` says what it must be.

The cases run in a process of their own, without the type checks that the tests put on every function.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from helpers.pace import slow_but

ROOT = Path(__file__).parents[1]
LEAST = {"constructors": 5000, "runs": 1000, "studies": 500, "trainings": 600, "reductions": 1000, "closed_forms": 4000}
"""How many cases there are at least: a family that is not found any more is told."""


@pytest.mark.parametrize(
    "kind",
    slow_but(["constructors", "runs", "reductions", "closed_forms", "studies", "trainings"], ["constructors", "runs"]),
)
def test_nothing_ends_in_a_raw_error_or_is_taken_for_something_else(kind: str, tmp_path: Path) -> None:
    paths = os.pathsep.join([str(ROOT), str(ROOT / "tests")])
    done = subprocess.run(
        [sys.executable, "-m", "helpers.fuzz", kind], env={**os.environ, "PYTHONPATH": paths}, capture_output=True, text=True,
        timeout=290, check=False, cwd=tmp_path,  # a text that is a path makes a folder there
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    wrong, of = done.stdout.strip().splitlines()[-1].split(" cases")[0].split(" of ")
    assert int(wrong) == 0
    assert int(of) >= LEAST[kind]
