"""The wheel holds everything that runs, and what is imported is declared."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from pathlib import Path

import pytest
from hatchling.builders.sdist import SdistBuilder
from hatchling.builders.wheel import WheelBuilder
from packaging.requirements import Requirement

from jaxsnn_noise.study import builtin

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
EXTRAS = PROJECT["optional-dependencies"]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    folder = tmp_path_factory.mktemp("wheel")
    (built,) = WheelBuilder(str(ROOT)).build(directory=str(folder), versions=["standard"])
    return zipfile.ZipFile(built)


def test_an_editable_installation_leads_to_the_checkout(tmp_path: Path) -> None:
    (built,) = WheelBuilder(str(ROOT)).build(directory=str(tmp_path), versions=["editable"])
    held = zipfile.ZipFile(built)
    (path,) = [name for name in held.namelist() if name.endswith(".pth")]
    assert Path(held.read(path).decode().strip()) == ROOT
    assert not [name for name in held.namelist() if name.endswith(".py")]


def test_the_source_distribution_builds_the_same_wheel(wheel: zipfile.ZipFile, tmp_path: Path) -> None:
    (built,) = SdistBuilder(str(ROOT)).build(directory=str(tmp_path), versions=["standard"])
    with tarfile.open(built) as archive:
        archive.extractall(tmp_path, filter="data")
    (root,) = [path for path in tmp_path.iterdir() if path.is_dir()]
    (again,) = WheelBuilder(str(root)).build(directory=str(tmp_path / "dist"), versions=["standard"])
    held = zipfile.ZipFile(again)
    of = {name: held.getinfo(name).CRC for name in held.namelist() if ".dist-info/" not in name}
    assert of == {name: wheel.getinfo(name).CRC for name in wheel.namelist() if ".dist-info/" not in name}


def _files(folder: str) -> set[str]:
    return {
        str(path.relative_to(ROOT))
        for path in (ROOT / folder).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }


def test_the_wheel_holds_the_package_its_data_and_the_studies(wheel: zipfile.ZipFile) -> None:
    held = {name for name in wheel.namelist() if ".dist-info/" not in name}
    studies = {
        f"jaxsnn_noise/_experiments/{name.partition('/')[2]}"
        for name in _files("experiments")
        if not name.startswith("experiments/bench/")
    }
    assert held == _files("jaxsnn_noise") | studies
    assert "jaxsnn_noise/_experiments/internal_noise/__init__.py" in held
    assert {"jaxsnn_noise/py.typed", "jaxsnn_noise/data/manifest.json"} <= held
    assert wheel.read("jaxsnn_noise/data/manifest.json") == (ROOT / "jaxsnn_noise/data/manifest.json").read_bytes()


@pytest.mark.slow
def test_the_studies_of_the_wheel_run_without_a_checkout(wheel: zipfile.ZipFile, tmp_path: Path) -> None:
    wheel.extractall(tmp_path / "site")
    code = (
        "import sys; sys.path.insert(0, sys.argv[1]); import jaxsnn_noise; from jaxsnn_noise.study import builtin, load; "
        "assert jaxsnn_noise.__file__.startswith(sys.argv[1]); "
        "print(*[f'{name} {len(load(name).claims)}' for name in builtin()], sep='\\n')"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "site")]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, check=False)
    assert done.returncode == 0, done.stderr
    found = dict(line.split() for line in done.stdout.splitlines())
    assert set(found) == set(builtin())
    assert all(int(claims) > 2 for claims in found.values()), found


def test_the_wheel_holds_every_licence(wheel: zipfile.ZipFile) -> None:
    held = {name.partition("/licenses/")[2] for name in wheel.namelist() if "/licenses/" in name}
    data = (ROOT / "jaxsnn_noise" / "data").glob("*/*")
    assert held == {"LICENSE", *(str(path.relative_to(ROOT)) for path in data if path.name in ("LICENSE", "NOTICE"))}


def test_the_licence_expression_names_that_of_every_data_set() -> None:
    manifest = json.loads((ROOT / "jaxsnn_noise" / "data" / "manifest.json").read_text())
    of_data = {part for entry in manifest.values() for part in entry["licence"].split(" AND ")}
    assert {"Apache-2.0", *of_data} == set(PROJECT["license"].split(" AND "))


def test_the_command_exists(wheel: zipfile.ZipFile) -> None:
    (name,) = [name for name in wheel.namelist() if name.endswith("entry_points.txt")]
    assert "jaxsnn-noise = jaxsnn_noise.__main__:main" in wheel.read(name).decode()
    tree = ast.parse((ROOT / "jaxsnn_noise" / "__main__.py").read_text())
    assert "main" in {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}


def test_what_the_package_imports_is_declared() -> None:
    imported = set()
    for path in (ROOT / "jaxsnn_noise").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                imported |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
                imported.add(node.module.split(".")[0])
    third_party = imported - set(sys.stdlib_module_names) - {"jaxsnn_noise"}
    optional = {Requirement(line).name for line in EXTRAS["neo"]}  # imported where they are asked for
    assert third_party <= {Requirement(line).name for line in PROJECT["dependencies"]} | optional


def test_no_dependency_has_an_upper_bound() -> None:
    lines = [*PROJECT["dependencies"], *(line for extra in EXTRAS.values() for line in extra)]
    bounds = {specifier.operator for line in lines for specifier in Requirement(line).specifier}
    assert bounds == {">="}
    assert PROJECT["requires-python"] == ">=3.11"
