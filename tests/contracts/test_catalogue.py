"""Every public member of the rooms of parts has a page in the catalogue, with an equation, a picture, theory, pitfalls and a source."""

from __future__ import annotations

import importlib
import inspect
import re
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import jaxsnn_noise as jn
from jaxsnn_noise import theory

DOCS = Path(__file__).parents[2] / "docs"
ROOMS = ("neurons", "neurons.channels", "noise", "distributions", "coding", "synapses", "firing")
RECORDS = {
    "Context": "what the engine hands a source",
    "Counts": "numbers of channels, of which a scheme is told",
    "Graph": "what a connectivity draws",
    "Pattern": "a row of a published table",
    "Seam": "a word of the step",
    "SourceMoments": "what a source tells of itself",
}
"""Public classes that are no members of a family, and what they are."""


def extension(name: str) -> ModuleType:
    """A module of the build that needs no Sphinx."""
    sys.path.insert(0, str(DOCS / "_ext"))
    try:
        return importlib.import_module(name)
    finally:
        sys.path.pop(0)


def members() -> dict[str, Any]:
    """From the class of each public member, which may have several names, to all its full names."""
    found: dict[Any, list[str]] = {}
    for room in ROOMS:
        module = importlib.import_module(f"jaxsnn_noise.{room}")
        for name in extension("public_names").names_of(module.__name__):
            thing = getattr(module, name)
            if inspect.isclass(thing) and not inspect.isabstract(thing) and name not in RECORDS:
                names = found.setdefault(thing, [])
                names.append(f"{module.__name__}.{name}")
                if getattr(jn, name, None) is thing:  # at the front door
                    names.append(f"jaxsnn_noise.{name}")
    return {cls.__name__: (cls, names) for cls, names in found.items()}


def page_of(names: list[str]) -> Path | None:
    """The page that is about one of these names."""
    pages = extension("catalogue_pages").pages()
    return next((DOCS / f"{pages[name]}.md" for name in names if name in pages), None)


def lacks(text: str, *classes: type) -> list[str]:
    """What the page of some classes is without."""
    told = text + "".join(inspect.getdoc(cls) or "" for cls in classes)
    wanted = {
        "a title": text.startswith("# "),
        "an equation": re.search(r"^\$\$[^$]+\$\$$", text, flags=re.MULTILINE) is not None,
        "a picture": re.search(r"^```\{picture\} \S", text, flags=re.MULTILINE) is not None,
        "theory": "**Theory.**" in text,
        "pitfalls": "**Pitfalls.**" in text,
        "a source": "doi:" in told,
    }
    return [what for what, there in wanted.items() if not there]


@pytest.mark.parametrize("name", sorted(members()))
def test_a_member_has_a_page_with_equation_picture_theory_pitfalls_and_source(name: str) -> None:
    cls, names = members()[name]
    page = page_of(names)
    assert page is not None, f"no page of docs/catalogue says {{member}} {names[0]}"
    assert lacks(page.read_text(encoding="utf-8"), cls) == ["a source"] * ("with a doi" in page.read_text()), page


def test_a_member_without_a_page_or_a_picture_is_seen() -> None:
    assert page_of(["jaxsnn_noise.neurons.Imagined"]) is None
    page = page_of(["jaxsnn_noise.neurons.LIF"])
    assert page is not None
    text = page.read_text(encoding="utf-8")
    assert lacks(text.replace("{picture}", "python"), jn.neurons.LIF) == ["a picture"]
    assert lacks(text.replace("$$", "$"), jn.neurons.LIF) == ["an equation"]
    assert lacks("Nothing.") == ["a title", "an equation", "a picture", "theory", "pitfalls", "a source"]


def test_records_are_there_and_stay_few() -> None:
    public = {name for room in ROOMS for name in dir(importlib.import_module(f"jaxsnn_noise.{room}"))}
    assert set(RECORDS) <= public
    assert len(members()) > 90


def test_pages_name_members_groups_and_theory_that_are_there() -> None:
    known = {name for _, names in members().values() for name in names}
    assert set(extension("catalogue_pages").pages()) <= known
    index = (DOCS / "catalogue" / "index.md").read_text(encoding="utf-8")
    for page in (DOCS / "catalogue").glob("*/*.md"):
        group = page.parent.name
        assert f"\n{group}\n" in index
        assert f"{{members}} {group}\n" in (DOCS / "catalogue" / f"{group}.md").read_text(encoding="utf-8")
        named = set(re.findall(r"\btheory\.([a-z]\w+)", page.read_text(encoding="utf-8")))
        assert {name for name in named if not hasattr(theory, name)} == set(), page


def test_a_program_that_fails_warns_or_draws_nothing_is_told() -> None:
    pytest.importorskip("sphinx")
    extension("reference")
    catalogue = extension("catalogue")
    figure = (
        "import jaxsnn_noise as jn\nfigure, axes = jn.figures.new_figure()\naxes.plot([0.0, 1.23456789])\nprint(2)\n"
    )
    printed, svg = catalogue.run(figure, "page")
    assert printed == "2\n"
    assert svg.startswith("<?xml")
    assert svg == catalogue.run(figure, "page")[1]
    with pytest.raises(LookupError, match="figure"):
        catalogue.run("x = 1\n", "page")
    with pytest.raises(UserWarning, match="odd"):
        catalogue.run("import warnings\nwarnings.warn('odd')\n" + figure, "page")
