"""Where numbers come from: one record, in every result, without JAX where nothing is computed."""

from __future__ import annotations

import json
import platform
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import jax
import numpy as np
import pytest

import jaxsnn_noise as jn
from helpers import small_task
from helpers.nets import recurrent
from jaxsnn_noise import provenance

ROOT = Path(__file__).parents[1]


@pytest.mark.slow
def test_every_result_names_its_origin() -> None:
    expected = provenance.origin()
    study = jn.monte_carlo(recurrent(4, duration=4.0), [jn.Trials(2)], key=0, progress=False)
    fitted = small_task.fit(small_task.quiet, small_task.points(8), epochs=1)
    for attributes in (study.attrs, fitted.history.attrs):
        assert attributes.items() >= expected.items()
    assert expected["stream_version"] == jn.random.STREAM_VERSION
    assert expected["device"].split()[0] == jax.default_backend()
    named = json.loads(expected["versions"])
    assert named["python"] == platform.python_version()
    assert named["numpy"] == np.__version__
    assert named["jax"] == jax.__version__
    assert f'version = "{named["jaxsnn_noise"]}"' in (ROOT / "pyproject.toml").read_text()


def test_an_installed_package_knows_its_version(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Away from a checkout, the version is that of the installation; without one it is unknown, and no error."""
    monkeypatch.setattr(provenance, "__file__", str(tmp_path / "jaxsnn_noise" / "provenance.py"))
    monkeypatch.setattr(metadata, "version", lambda name: {"jaxsnn_noise": "9.8.7"}[name])
    (tmp_path / "pyproject.toml").write_text('name = "other"\nversion = "1.1"\n')  # a project that holds a copy
    assert provenance.version.__wrapped__() == "9.8.7"

    def missing(name: str) -> str:
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "version", missing)
    assert provenance.version.__wrapped__() == "unknown"
    assert provenance.versions(["no_such_package"]) == {}


def test_packages_are_sorted() -> None:
    names = list(provenance.packages())
    assert names == sorted(names, key=str.lower)
    assert {"numpy", "jax"} <= set(names)


def test_without_jax_no_device_is_looked_for() -> None:
    code = (
        "import sys; from jaxsnn_noise import provenance as p\n"
        "assert p.version()[0].isdigit() and 'numpy' in p.versions() and p.jax_record() is None\n"
        "assert 'jax' not in sys.modules"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
