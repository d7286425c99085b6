from __future__ import annotations

import base64
import re
from html.parser import HTMLParser

import numpy as np
import pandas
import pytest
import xarray

from jaxsnn_noise import figures
from jaxsnn_noise.study import ClaimResult, Judgement, Verdict
from jaxsnn_noise.study import report as module
from jaxsnn_noise.study.report import (
    Drawing,
    Report,
    health_notes,
    inline_svg,
    linked,
    paragraphs,
    provenance,
    render,
    svg_width,
    versions_sentence,
)
from jaxsnn_noise.verdicts import DEPENDS, NOT_MEASURED

ENVIRONMENT = {
    "python": "3.11.7",
    "implementation": "CPython",
    "platform": "Linux",
    "cpu": "A processor",
    "cpu_count": 2,
    "jax": {"backend": "cpu", "devices": ["cpu"]},
    "version": "0.1.0",
    "commit": "abc+changes",
    "study": {"file": "fake.py", "sha256": "f" * 64, "commit": None},
    "packages": {"jax": "0.10.2", "jaxlib": "0.10.2", "numpy": "2.4.6", "zarr": "3.1.6"},
}
VOID = {"meta", "br", "col", "img", "link", "input", "hr"}


class Page(HTMLParser):
    """A page taken apart: every tag has to be closed in order; links, ids and texts are collected."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.sources: list[tuple[str, str, str]] = []
        self.ids: list[str] = []
        self.text: list[str] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        if tag not in VOID:
            self.open.append(tag)
        for name, value in attrs:
            if name in ("src", "href", "xlink:href", "srcset", "action", "data"):
                self.sources.append((tag, name, value or ""))
            if name == "id":
                self.ids.append(value or "")

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open[-1:] not in (["style"], ["script"]):
            self.text.append(data)


def drawing(name: str, n: int = 3) -> Drawing:
    figure, axes = figures.new_figure()
    x = np.arange(n, dtype=float)
    _, table = figures.line_with_interval(axes, x, x, x - 1, x + 1, x_label="x <1>", y_label="y", series="s")
    return Drawing(name, figures.svg(figure), f"Caption <i>of</i> {name}.", table, png=figures.png(figure, 30))


@pytest.fixture(scope="module")
def drawings():
    return drawing("first"), drawing("second")


def a_report(drawings=(), **changes) -> Report:
    claims = (
        ClaimResult("a", "First <claim>.", "arXiv:2604.13612", Judgement.at_most(1.0, 0.5, 0.4, 0.6, units="points")),
        ClaimResult("b", "Second claim.", "doi:10.1038/nmeth.1618.", Judgement.above(1.0, 0.5, 0.4, 0.6)),
        ClaimResult("c", "Third claim.", "nobody", None, "KeyError: '<x>'"),
    )
    values = {
        "title": "Title <b>&</b> more",
        "name": "fake",
        "preset": "tiny",
        "outcome": "One sentence.",
        "claims": claims,
        "drawings": tuple(drawings),
        "tables": {"by_level": pandas.DataFrame({"level [1]": [0.1, np.nan], "what": ["<b>x</b>", "y"]})},
        "notes": ("a <note>",),
        "model": "Simulation <of> nothing",
        "methods": "A text & more.\n    v = <equation>\nwith https://example.org/x.\n\nAnother.",
        "config": "seed = 0  # <unit>",
        "environment": ENVIRONMENT,
        "attributes": {"seed": 3, "stream_version": 1, "long": "<z>"},
        "command": "jaxsnn-noise run '<fake>.py'",
        "started": "2026-01-01T00:00:00Z",
        "seconds": {"measure": 61.0, "claims": 0.01},
    }
    return Report(**{**values, **changes})


@pytest.fixture(scope="module")
def page(drawings):
    return render(a_report(drawings))


def test_the_page_needs_nothing_but_itself(page):
    parsed = Page(page)
    assert "script" not in parsed.tags
    assert "link" not in parsed.tags
    for tag, name, value in parsed.sources:
        inside = value.startswith(("#", "data:"))
        assert inside or (tag, name) == ("a", "href"), f"<{tag} {name}={value}> would be fetched"
    assert not re.search(r"@import|url\((?!#)", page)
    outside = {value for _, _, value in parsed.sources if value.startswith("http")}
    assert outside == {
        "https://arxiv.org/abs/2604.13612",
        "https://doi.org/10.1038/nmeth.1618",
        "https://example.org/x",
    }


def test_pictures_come_before_claims(page):
    assert re.findall(r'<h2 id="(\w+)"', page) == ["figures", "claims", "tables", "notes", "methods", "provenance"]
    assert page.index("One sentence.") < page.index('id="figures"')


def found(verdict: Verdict, name: str, **more) -> ClaimResult:
    judgement = Judgement(verdict, 0.5, 0.1, 0.9, "a rule", "points", **more)
    return ClaimResult(name, f"Claim {name}.", "nobody", judgement)


def folded(page: str) -> list[tuple[str, bool, list[str]]]:
    """The groups of claims: name, whether it is open, and what the lines of its claims say."""
    parts = page[page.index('<h2 id="claims"') :].split("</section>")[0].split('<details class="group" ')[1:]
    return [
        (
            " ".join(re.sub(r"<[^>]+>", "", re.findall(r"<summary>(.*?)</summary>", part)[0]).split()),
            bool(re.match(r'id="[\w-]+" open>', part)),
            [re.sub(r"<[^>]+>", "|", line) for line in re.findall(r"<summary>(.*?)</summary>", part)[1:]],
        )
        for part in parts
    ]


def test_claims_are_folded_by_outcome_with_what_was_not_measured_last_and_apart():
    claims = (
        found(Verdict.UNDECIDED, "a", why=NOT_MEASURED),
        found(Verdict.UNDECIDED, "b"),
        found(Verdict.REPRODUCED, "c", spread=0.123, detectable=1.5, speaks_for="networks <made> like these 8"),
        found(Verdict.UNDECIDED, "d", why=DEPENDS),
        ClaimResult("e", "Claim e.", "nobody", None, "KeyError: 'x'"),
        found(Verdict.UNDECIDED, "f", why=NOT_MEASURED),
        found(Verdict.NOT_REPRODUCED, "g"),
        found(Verdict.UNDECIDED, "h"),
    )
    page = render(a_report(claims=claims))
    groups = folded(page)
    assert [(name, shown, len(lines)) for name, shown, lines in groups] == [
        ("✓ reproduced 1 claim", True, 1),
        ("✗ not reproduced 1 claim", True, 1),
        ("? undecided: too wide to decide 2 claims", True, 2),
        ("? undecided: depends on the network 1 claim", True, 1),
        ("? undecided: the judgement failed 1 claim", True, 1),
        ("– not measured in this preset 2 claims", False, 2),
    ]
    assert [part for part in groups[0][2][0].split("|") if part] == [
        "Claim c.", "0.50 [0.10, 0.90] points", "SD over networks 0.12 points", "could have seen 1.5 points",
    ]  # fmt: skip
    assert "SD" not in groups[1][2][0]  # it was not told
    assert "points" not in groups[-1][2][0]  # nothing was measured
    assert "networks &lt;made&gt; like these 8" in page
    parsed = Page(page)
    links = [value[1:] for tag, name, value in parsed.sources if tag == "a" and value.startswith("#")]
    assert len(links) == len(groups)
    assert set(links) <= set(parsed.ids)


def test_everything_from_a_study_is_escaped(page):
    for raw in (
        "<claim>",
        "<b>&</b>",
        "<x>",
        "<i>of",
        "<note>",
        "<of>",
        "<equation>",
        "<unit>",
        "<z>",
        "<fake>",
        "x <1>",
    ):
        assert raw not in page, raw
    text = "".join(Page(page).text)
    for raw in ("First <claim>.", "Title <b>&</b> more", "KeyError: '<x>'", "<b>x</b>", "v = <equation>"):
        assert raw in text, raw


def test_verdicts_have_a_word_and_a_sign(page):
    heads = page[page.index('<h2 id="claims"') :]
    badges = re.findall(r'<span class="badge ([\w-]+)"><span aria-hidden="true">(.)</span> ([\w :]+)</span>', heads)
    assert badges == [
        ("reproduced", "✓", "reproduced"),
        ("not-reproduced", "✗", "not reproduced"),
        ("undecided", "?", "undecided: the judgement failed"),
    ]
    assert "0.50 [0.40, 0.60] points" in page


def test_ids_are_unique_and_references_lead_somewhere(page):
    parsed = Page(page)
    assert len(parsed.ids) == len(set(parsed.ids))
    inner = {value[1:] for _, _, value in parsed.sources if value.startswith("#")}
    inner |= set(re.findall(r"url\(#([^)]+)\)", page))
    assert inner
    assert inner <= set(parsed.ids)


def test_the_page_fits_a_phone_the_dark_and_paper(page):
    assert '<meta name="viewport" content="width=device-width, initial-scale=1">' in page
    for rule in ("prefers-color-scheme: dark", "@media print", "@media (max-width"):
        assert rule in page
    assert page.count('class="scroll"') >= 3  # tables, figures' numbers and provenance cannot widen the page


def test_numbers_of_a_figure_are_in_the_page(page, drawings):
    (carried,) = re.findall(
        r'download="first.csv" href="data:text/csv;charset=utf-8;base64,([^"]+)"', page
    ) or re.findall(r'href="data:text/csv;charset=utf-8;base64,([^"]+)" download="first.csv"', page)
    assert base64.b64decode(carried).decode() == drawings[0].table.to_csv(index=False)


def test_large_figures_and_tables_do_not_make_the_page_slow(drawings, monkeypatch):
    monkeypatch.setattr(module, "SVG_EMBEDDED", 100)
    monkeypatch.setattr(module, "BYTES_EMBEDDED", 10)
    monkeypatch.setattr(module, "ROWS_SHOWN", 2)
    page = render(a_report(drawings[:1]))
    assert "<svg" not in page
    assert 'src="data:image/png;base64,' in page
    assert 'href="figures/first.csv"' in page
    assert "1 more row in the file." in page
    Page(page)


def test_a_page_without_anything_is_a_page():
    bare = a_report(claims=(), tables={}, notes=(), model="", methods="", attributes={}, command="", preset="")
    assert re.findall(r'<h2 id="(\w+)"', render(bare)) == ["methods", "provenance"]
    Page(render(bare))


def test_a_figure_that_failed_is_mentioned():
    page = render(a_report([Drawing("bad", "", "What it should show.", None, "ValueError: <no>")]))
    assert "This figure could not be drawn: ValueError: &lt;no&gt;" in page
    Page(page)


def test_links_are_made_of_what_a_reader_can_follow():
    text = str(linked("see arXiv:2604.13612v2, (doi:10.1000/a_b(c)). <https://example.org/a?b=1&c>"))
    assert '<a href="https://arxiv.org/abs/2604.13612v2">arXiv:2604.13612v2</a>,' in text
    assert '<a href="https://doi.org/10.1000/a_b(c">' in text
    assert '&lt;<a href="https://example.org/a?b=1&amp;c">' in text
    assert str(linked("<b>")) == "&lt;b&gt;"


def test_methods_are_paragraphs_and_equations():
    assert paragraphs("a\nb\n    v = 1\n    w = 2\nc\n\nd") == [
        ("text", "a b"),
        ("equation", "v = 1\nw = 2"),
        ("text", "c"),
        ("text", "d"),
    ]
    assert paragraphs("") == []


def test_missing_values_and_unhealthy_runs_are_counted():
    data = xarray.Dataset(
        {"rate": ("i", [1.0, np.nan, np.nan]), "health_silent": ("i", [0, 1, 2]), "ok": ("i", [1, 2, 3])}
    )
    assert health_notes(data) == (
        "rate: 2 of 3 values are missing (NaN), 67 %.",
        "health_silent: up to 2, not zero in 2 of 3 members.",
    )
    assert health_notes({"one": data[["ok"]], "two": data[["rate"]]}) == (
        "two: rate: 2 of 3 values are missing (NaN), 67 %.",
    )


def test_the_methods_end_with_versions_device_and_seed():
    text = versions_sentence(ENVIRONMENT, {"seed": 3, "stream_version": 1})
    assert text == (
        "Simulations and analysis used jaxsnn_noise 0.1.0 (JAX 0.10.2, jaxlib 0.10.2, NumPy 2.4.6, Python 3.11.7) on "
        "A processor. The root seed of all random numbers was 3 (random stream version 1)."
    )
    assert versions_sentence(ENVIRONMENT, {"root_key": [0, 7]}).endswith(
        "The root key of all random numbers was [0, 7]."
    )
    assert versions_sentence(ENVIRONMENT, {}).endswith("on A processor.")
    card = {**ENVIRONMENT, "jax": {"backend": "gpu", "devices": ["2 x NVIDIA H100"]}}
    assert versions_sentence(card, {}).endswith("on 2 x NVIDIA H100.")


def test_provenance_has_no_home_folder(monkeypatch):
    monkeypatch.setenv("HOME", "/home/alice")
    pairs = provenance(a_report(command="jaxsnn-noise run /home/alice/s.py"))
    assert pairs["Command"] == "jaxsnn-noise run ~/s.py"
    assert pairs["Wall time"] == "1 min 1 s (measure 1 min 1 s)"
    assert (pairs["Seed"], pairs["Stream version"], pairs["Preset"]) == ("3", "1", "tiny")
    assert "Commit of the study" not in pairs


def test_an_svg_says_how_wide_it_is(drawings):
    assert svg_width(drawings[0].svg) == round(figures.WIDTH * 96)
    assert svg_width("<svg></svg>") == 0
    body = inline_svg(drawings[0].svg, "a b")
    assert body.startswith("<svg")
    assert "<metadata>" not in body
    assert 'id="f-a-b-figure_1"' in body
