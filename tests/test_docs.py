"""The documentation: its programs run and print what it says, its reference is whole, and docstring examples hold.

A page is one program: its ``python`` blocks share one namespace, in their order. A ``text`` block right below one is
what it prints (numbers to 2 %, since a last bit that differs between processors can move a spike). A
``{code-block} python`` with a ``:caption:`` is a file, written where the program runs. The programs of the catalogue, ``{picture}``, run
in the build.
"""

from __future__ import annotations

import contextlib
import doctest
import importlib
import io
import math
import pkgutil
import re
import shutil
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import jax
import pytest

import jaxsnn_noise

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
PAGES = sorted(path for path in DOCS.rglob("*.md") if "_build" not in path.parts)
LANGUAGES = {"python", "text", "bash", "toml", "{code-block} python", "{toctree}"}
DRAWN = {"{picture}", "{member}", "{members}"}
"""Directives of the catalogue, whose programs run in the build."""


@dataclass(frozen=True)
class Fence:
    """A fenced block of a page: what stands behind the fence, its options and text, and where it begins and ends."""

    language: str
    options: dict[str, str]
    text: str
    first: int
    last: int


def fences(page: str) -> Iterator[Fence]:
    lines = page.splitlines()
    opened = None
    for number, line in enumerate(lines):
        if opened is None and line.startswith("```"):
            opened = number
        elif opened is not None and line == "```":
            body = lines[opened + 1 : number]
            options = {}
            while body and (option := re.fullmatch(r":([a-z]+): *(.*)", body[0])):
                options[option[1]] = option[2]
                body = body[1:]
            yield Fence(lines[opened][3:], options, "\n".join(body) + "\n", opened + 1, number)
            opened = None
    assert opened is None, f"a fence is never closed, line {opened}"


def run(page: Path, name: str) -> dict[str, Any]:
    """Run a page where the process stands, with JAX's own settings, as a reader would; its names are left."""
    names: dict[str, Any] = {"__name__": "__main__"}
    lines = page.read_text(encoding="utf-8").splitlines()
    printed, ended = "", -1
    for fence in fences("\n".join(lines)):
        if fence.language == "{code-block} python":
            Path(fence.options["caption"]).write_text(fence.text.lstrip("\n"), encoding="utf-8")
        elif fence.language == "python":
            out = io.StringIO()
            with (
                contextlib.redirect_stdout(out),
                jax.numpy_dtype_promotion("standard"),
                jax.numpy_rank_promotion("allow"),
            ):
                exec(compile("\n" * fence.first + fence.text, name, "exec", dont_inherit=True), names)
            printed, ended = out.getvalue(), fence.last
        elif fence.language == "text" and ended >= 0 and not any(lines[ended + 1 : fence.first - 1]):
            assert same_text(printed, fence.text), f"{name}:{fence.first}: it prints\n{printed}"
            ended = -1
    return names


def same_text(printed: str, shown: str) -> bool:
    """Equal words, and numbers equal to 2 %."""
    number = re.compile(r"[-+]?\d+\.?\d*(?:e[-+]?\d+)?")
    rest, values = zip(
        *((" ".join(number.sub("#", t).split()), number.findall(t)) for t in (printed, shown)), strict=True
    )
    pairs = zip(*values, strict=True) if len(values[0]) == len(values[1]) else [("0", "1")]
    return rest[0] == rest[1] and all(math.isclose(float(a), float(b), rel_tol=0.02) for a, b in pairs)


def paced(page: Path) -> Any:
    """The programs of the pages in folders take minutes together."""
    return page if page.parent == DOCS else pytest.param(page, marks=pytest.mark.slow)


@pytest.mark.parametrize(
    "page",
    [paced(page) for page in PAGES if "catalogue" not in page.parts],
    ids=lambda path: str(path.relative_to(DOCS)),
)
def test_the_programs_of_a_page_run_and_print_what_it_says(
    page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(ROOT))  # of the new processes that a page starts
    run(page, str(page.relative_to(ROOT)))
    for picture in re.findall(r"!\[.*?\]\((.*?)\)", page.read_text(encoding="utf-8")):
        assert (page.parent / picture).is_file()
        if "_static" not in picture:  # a drawing, which shows no data
            assert (tmp_path / picture).is_file(), f"no block of {page.name} draws {picture}"


def test_no_block_of_a_page_escapes() -> None:
    assert PAGES
    for page in PAGES:
        found = list(fences(page.read_text(encoding="utf-8")))
        languages = {fence.language for fence in found if fence.language.split(" ")[0] not in DRAWN}
        assert languages <= LANGUAGES, page
        if len(languages) < len({fence.language for fence in found}):
            assert "python" not in languages, f"{page}: a program of the catalogue is a picture"
        assert all("caption" in fence.options for fence in found if fence.language == "{code-block} python"), page


def test_the_tests_that_pages_name_are_there() -> None:
    there = {
        name
        for file in (ROOT / "tests").rglob("test_*.py")
        for name in re.findall(r"\ndef (test_\w+)", file.read_text())
    }
    files = {str(file.relative_to(ROOT)) for file in (ROOT / "tests").rglob("test_*.py")}
    text = "".join(page.read_text(encoding="utf-8") for page in PAGES)
    named = set(re.findall(r"`(test_\w+)`", text))
    assert len(named) > 10
    assert named <= there
    assert set(re.findall(r"`(tests/\S+\.py)`", text)) <= files


@pytest.mark.parametrize(
    ("printed", "shown"),
    [("rate 12.0 Hz", "rate 12.5 Hz"), ("12 [11, 13]", "12 [11]"), ("reproduced", "not reproduced"), ("", "1")],
)
def test_another_output_is_seen(printed: str, shown: str) -> None:
    assert same_text(printed, printed)
    assert not same_text(printed, shown)


def test_a_page_that_says_something_else_fails(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("```python\nx = 2\n```\n\nWords.\n\n```python\nprint(x + 1)\n```\n\n```text\n3\n```\n")
    assert run(page, "page.md")["x"] == 2
    page.write_text(page.read_text().replace("x + 1", "x + 2"))
    with pytest.raises(AssertionError, match=r"page.md:11: it prints\s+4"):
        run(page, "page.md")


# -- docstrings ----------------------------------------------------------------------------------------------


def modules() -> list[str]:
    found = pkgutil.walk_packages(jaxsnn_noise.__path__, "jaxsnn_noise.")
    return ["jaxsnn_noise", *(module.name for module in found if not module.name.endswith("__main__"))]


def examples(module: ModuleType) -> list[doctest.DocTest]:
    return [test for test in doctest.DocTestFinder(exclude_empty=True).find(module) if test.examples]


MODULES = {name: examples(importlib.import_module(name)) for name in modules()}


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name, found in MODULES.items() if found])
def test_the_examples_in_docstrings_hold(name: str) -> None:
    runner = doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE)
    out = io.StringIO()
    for test in MODULES[name]:
        runner.run(test, out=out.write)
    assert runner.summarize(verbose=False).failed == 0, out.getvalue()


def test_examples_are_found() -> None:
    assert sum(len(test.examples) for found in MODULES.values() for test in found) > 100


def test_the_study_in_the_docstring_of_studies_runs(tmp_path: Path) -> None:
    from jaxsnn_noise import study

    assert study.__doc__
    literal = re.search(r"whole one::\n\n((?:(?: {4}.*)?\n)+)", study.__doc__)
    assert literal
    file = tmp_path / "averaging.py"
    file.write_text(textwrap.dedent(literal[1]), encoding="utf-8")
    loaded = study.load(file)
    finished = study.run_study(loaded, loaded.preset("tiny"), tmp_path / "out")
    assert finished.errors == ()
    assert [claim.name for claim in finished.claims] == ["halved"]


# -- reference -----------------------------------------------------------------------------------------------


@pytest.fixture
def public_names(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(DOCS / "_ext"))
    return importlib.import_module("public_names")


def directives() -> dict[str, list[str]]:
    """From module to the names that the pages of the reference choose of it; none stands for all of them."""
    found: dict[str, list[str]] = {}
    for page in (DOCS / "reference").glob("*.rst"):
        for module, body in re.findall(r"^\.\. public:: (\S+)\n((?:\n| +.*\n)*)", page.read_text(), flags=re.MULTILINE):
            found.setdefault(module, []).extend(body.split())
    return found


def test_the_reference_holds_every_public_name(public_names: ModuleType) -> None:
    pages, public = directives(), public_names.modules()
    assert set(pages) == set(public)
    for module, chosen in pages.items():
        assert sorted(chosen) in ([], sorted(public[module])), module


def test_the_public_names_are_there_and_none_is_overlooked(public_names: ModuleType) -> None:
    for module, names in public_names.modules().items():
        assert all(hasattr(importlib.import_module(module), name) for name in names)
    named = set(public_names.names_of("jaxsnn_noise"))
    there = {name: getattr(jaxsnn_noise, name) for name in dir(jaxsnn_noise) if not name.startswith("_")}
    ours = {name for name, thing in there.items() if getattr(thing, "__module__", "").startswith("jaxsnn_noise")}
    assert ours <= named


def test_the_table_of_parameters_says_unit_range_and_default(public_names: ModuleType) -> None:
    pytest.importorskip("sphinx")
    reference = importlib.import_module("reference")

    def table(cls: type) -> list[list[str]]:
        cells = [line.split("- ", 1)[1] for line in reference.parameters(cls) if "- " in line]
        return [cells[i : i + 4] for i in range(0, len(cells), 4)]

    header, *rows = table(jaxsnn_noise.synapses.PairSTDP)
    assert header == ["parameter", "unit", "range", "default"]
    kinetics = "that which the kinetics say: nA, nA ms or uS"
    assert rows[0] == ["``weights``", kinetics, "in [0, ``w_max``]", "must be given"]
    assert ["``v_reset``", "mV", "finite", "as v_rest"] in table(jaxsnn_noise.neurons.LIF)
    assert ["``tau_plus``", "ms", "finite and > 0", "20"] in rows
    assert ["``refractory``", "ms", "finite and >= 0", "none: no such leaf"] in table(jaxsnn_noise.neurons.LIF)
    assert table(jaxsnn_noise.synapses.Sparse)[-1] == ["``starts``", "1", "whole numbers >= 0", "not given"]


def test_units_and_ranges_that_depend_on_something_say_on_what(public_names: ModuleType) -> None:
    from jaxsnn_noise.parameters import fields_of

    seen = 0
    for module, names in public_names.modules().items():
        for cls in (getattr(importlib.import_module(module), name) for name in names):
            for field, said in fields_of(cls) if isinstance(cls, type) else ():
                for told in (said.unit, said.range):
                    if callable(told):
                        seen += 1
                        assert told.__doc__, f"{cls.__name__}.{field}: {told.__qualname__}"
    assert seen > 20


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_the_build_passes_and_fails_where_a_name_is_missing(tmp_path: Path) -> None:
    for folder in ("docs", "jaxsnn_noise"):
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("_build", "__pycache__"))

    def build() -> subprocess.CompletedProcess[str]:
        """Without pictures: the programs that draw them run where the documentation is built to be read."""
        command = [
            sys.executable,
            "-m",
            "sphinx",
            "--fail-on-warning",
            "--keep-going",
            "--quiet",
            "-b",
            "html",
            "-D",
            "pictures=0",
        ]
        return subprocess.run([*command, tmp_path / "docs", tmp_path / "html"], capture_output=True, text=True)

    whole = build()
    assert whole.returncode == 0, whole.stderr
    page = tmp_path / "docs" / "reference" / "ensembles.rst"
    text = page.read_text()
    assert text.count("Trials") == 1
    page.write_text(text.replace("Trials", ""))
    lacking = build()
    assert lacking.returncode != 0
    assert "the reference lacks the public name jaxsnn_noise.Trials" in lacking.stderr
