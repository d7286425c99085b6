"""Every mistake is told before any long computing: who, the rule with its unit, the value, near matches."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from helpers.bad_input import MISTAKES

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def told():
    program = "import sys; sys.path[:0] = sys.argv[1:3]; import runpy; runpy.run_module('helpers.bad_input', run_name='__main__')"
    command = [sys.executable, "-c", program, str(ROOT), str(ROOT / "tests")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.parametrize("mistake", sorted(MISTAKES))
def test_a_mistake_is_told(told, mistake):
    kind, message = told[mistake]
    assert kind == "InputError", message
    assert re.match(f".*{MISTAKES[mistake][1]}", message), message
