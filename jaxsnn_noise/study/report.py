"""The page that a study ends in: one HTML file that needs no network, no script and no other file.

Figures come first, with the numbers they show, then claims, folded and by their outcome, tables, notes about missing
values, a methods paragraph for a paper, and last where everything comes from. Everything that comes from a study is
escaped.
"""

from __future__ import annotations

import base64
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from jaxsnn_noise.progress import duration_text
from jaxsnn_noise.provenance import KEY_PACKAGES
from jaxsnn_noise.study.environment import scrub
from jaxsnn_noise.study.protocol import ClaimResult
from jaxsnn_noise.verdicts import NOT_MEASURED, Verdict

if TYPE_CHECKING:
    from pandas import DataFrame
else:
    DataFrame = Any

ROWS_SHOWN = 60  # of a table; the rest is in its file
SVG_EMBEDDED = 1_500_000  # [B] larger ones make a page slow; the PNG stands for them
BYTES_EMBEDDED = 2 * 2**20  # larger tables are linked, not embedded, or the page would become slow


@dataclass(frozen=True)
class Drawing:
    """A figure as the page shows it.

    Args:
        name: Stem of its files.
        svg: The figure as SVG text; empty if it could not be drawn.
        caption: What a reader should see in it.
        table: The numbers that it shows.
        error: Why it could not be drawn.
        png: The figure as PNG; shown in place of an SVG that is too large for a page.
    """

    name: str
    svg: str
    caption: str
    table: DataFrame | None
    error: str = ""
    png: bytes = b""


@dataclass(frozen=True)
class Report:
    """Everything that the page says.

    Args:
        title: Title of the study.
        name: Its short name.
        preset: The preset that the configuration started from.
        outcome: One sentence.
        claims: Claims with their judgements.
        drawings: Figures, in order.
        tables: Result tables by name.
        notes: Missing values, unhealthy runs, errors.
        model: What was simulated, as text.
        methods: Paragraphs apart by an empty line; a line indented by four spaces is an equation.
        config: The configuration as TOML.
        environment: What ``jaxsnn_noise.study.environment`` recorded.
        attributes: Attributes of the dataset (seed, stream version, backend, ...).
        command: The command line.
        started: When the run was started, in UTC.
        seconds: Wall time by stage [s].
    """

    title: str
    name: str
    preset: str
    outcome: str
    claims: tuple[ClaimResult, ...]
    drawings: tuple[Drawing, ...]
    tables: Mapping[str, DataFrame]
    notes: tuple[str, ...]
    model: str
    methods: str
    config: str
    environment: Mapping[str, Any]
    attributes: Mapping[str, Any]
    command: str
    started: str
    seconds: Mapping[str, float]


def render(report: Report) -> str:
    """The page as HTML text."""
    from jinja2 import Environment, PackageLoader, StrictUndefined
    from markupsafe import Markup

    loader = PackageLoader("jaxsnn_noise.study")
    engine = Environment(
        loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    engine.filters |= {"linked": linked, "paragraphs": paragraphs, "duration": duration_text}
    figures = [
        {
            "name": d.name,
            "caption": d.caption,
            "error": d.error,
            "picture": Markup(_picture(d)),
            "width": svg_width(d.svg),
            "table": None if d.table is None else _shown(d.table, f"figures/{d.name}.csv"),
        }
        for d in report.drawings
    ]
    tables = {name: _shown(table, f"tables/{name}.csv") for name, table in report.tables.items()}
    return engine.get_template("report.html.j2").render(
        report=report, figures=figures, tables=tables, provenance=provenance(report), groups=groups(report.claims)
    )


_SIGNS = {Verdict.REPRODUCED: "✓", Verdict.NOT_REPRODUCED: "✗", Verdict.UNDECIDED: "?"}  # besides the colour


@dataclass(frozen=True)
class Group:
    """Claims of one outcome, as the page shows them.

    Args:
        name: The outcome: a verdict, and of undecided claims why.
        sign: A sign for it.
        id: How the page addresses it.
        look: What gives it its colour.
        claims: The claims.
        unmeasured: Whether it is those that this preset did not measure; they are folded.
    """

    name: str
    sign: str
    id: str
    look: str
    claims: tuple[ClaimResult, ...]
    unmeasured: bool = False

    @property
    def open(self) -> bool:
        """Whether its lines are shown before a reader asks."""
        return not self.unmeasured


def groups(claims: Sequence[ClaimResult]) -> tuple[Group, ...]:
    """The claims by their outcome: decided, undecided by their reasons, and last what was not measured."""
    order = list(dict.fromkeys((c.verdict, c.why) for c in claims))
    order.sort(key=lambda outcome: (list(Verdict).index(outcome[0]), outcome[1] == NOT_MEASURED))
    found = []
    for number, (verdict, why) in enumerate(order):
        unmeasured = why == NOT_MEASURED
        found.append(Group(
            why if unmeasured else f"{verdict.value}: {why}" if why else verdict.value,
            "–" if unmeasured else _SIGNS[verdict],
            f"claims-{number}",
            "unmeasured" if unmeasured else verdict.value.replace(" ", "-"),
            tuple(c for c in claims if (c.verdict, c.why) == (verdict, why)),
            unmeasured,
        ))  # fmt: skip
    return tuple(found)


def health_notes(data: Any) -> tuple[str, ...]:
    """What a reader must know about missing values and unhealthy runs.

    Variables with NaN are counted; of variables whose name starts with ``health`` the number of members that are not
    zero is given.

    Args:
        data: A dataset, or a dict of datasets by name.
    """
    if not hasattr(data, "data_vars"):
        return tuple(f"{name}: {note}" for name, dataset in data.items() for note in health_notes(dataset))
    import numpy as np

    notes = []
    for name, variable in data.data_vars.items():
        values = variable.values
        if values.dtype.kind in "fc" and (missing := int(np.isnan(values).sum())):
            share = 100 * missing / values.size
            notes.append(f"{name}: {missing:,} of {values.size:,} values are missing (NaN), {share:.2g} %.")
        if str(name).startswith("health") and values.dtype.kind in "biuf" and (bad := int(np.count_nonzero(values))):
            notes.append(f"{name}: up to {np.nanmax(values):.3g}, not zero in {bad:,} of {values.size:,} members.")
    return tuple(notes)


def versions_sentence(environment: Mapping[str, Any], attributes: Mapping[str, Any]) -> str:
    """The end of the methods paragraph: software, device, seed, and the version of the random stream."""
    packages = environment["packages"]
    names = {"jax": "JAX", "jaxlib": "jaxlib", "equinox": "Equinox", "numpy": "NumPy", "xarray": "xarray"}
    used = [f"{label} {packages[name]}" for name, label in names.items() if name in packages]
    text = f"Simulations and analysis used jaxsnn_noise {environment['version']}"
    text += f" ({', '.join([*used, 'Python ' + environment['python']])}) on {_device(environment)}."
    for name, words in (("seed", "seed"), ("root_key", "key")):
        if name in attributes:
            stream = attributes.get("stream_version")
            version = f" (random stream version {stream})" if stream is not None else ""
            return f"{text} The root {words} of all random numbers was {attributes[name]}{version}."
    return text


def provenance(report: Report) -> dict[str, str]:
    """Where the numbers come from, as pairs of a name and a text."""
    env, attributes = report.environment, report.attributes
    study = env.get("study") or {}
    jax = env.get("jax") or {}
    total = sum(report.seconds.values())
    stages = ", ".join(f"{name} {duration_text(s)}" for name, s in report.seconds.items() if s >= 0.05)
    pairs = {
        "Command": report.command,
        "Study": f"{study.get('file', report.name)}, SHA-256 {str(study.get('sha256', ''))[:16]}",
        "Preset": report.preset,
        "Commit of the study": study.get("commit"),
        "jaxsnn_noise": env["version"] + (f", commit {env['commit']}" if env.get("commit") else ""),
        "Packages": ", ".join(f"{n} {env['packages'][n]}" for n in KEY_PACKAGES[1:] if n in env["packages"]),
        "Python": f"{env['python']} ({env['implementation']}), {env['platform']}",
        "Processor": f"{env['cpu']}, {env['cpu_count']} logical cores",
        "Device": ", ".join(jax.get("devices", [])),
        "JAX backend": jax.get("backend"),
        **{
            name.replace("_", " ").capitalize(): _short(attributes[name])
            for name in ("seed", "root_key", "stream_version")
            if name in attributes
        },
        "Started": report.started,
        "Wall time": f"{duration_text(total)} ({stages})" if stages else duration_text(total),
    }
    return {name: scrub(str(text)) for name, text in pairs.items() if text not in (None, "")}


def _device(environment: Mapping[str, Any]) -> str:
    devices = (environment.get("jax") or {}).get("devices") or ["cpu"]
    cpu = environment["cpu"]
    return ", ".join(cpu if device == "cpu" else device for device in devices)


def _short(value: Any, limit: int = 200) -> str:
    text = str(value)
    return text if len(text) <= limit else text[:limit] + " ..."


def _shown(table: DataFrame, path: str) -> dict[str, Any]:
    """A table for the page: its head as text, and the whole as a link that carries the data."""
    text = table.to_csv(index=False)
    size = len(text.encode())
    carried = "data:text/csv;charset=utf-8;base64," + base64.b64encode(text.encode()).decode()
    head = table.head(ROWS_SHOWN)
    numeric = [table[c].dtype.kind in "iuf" if hasattr(table[c], "dtype") else False for c in table.columns]
    return {
        "columns": [str(c) for c in table.columns],
        "rows": [[_cell(v) for v in row] for row in head.itertuples(index=False)],
        "numeric": numeric,
        "count": len(table),
        "rest": len(table) - len(head),
        "file": path.rsplit("/", 1)[-1],
        "link": carried if size <= BYTES_EMBEDDED else path,
        "size": f"{size / 1024:,.0f} kB" if size >= 1024 else f"{size} B",
    }


def _cell(value: Any) -> str:
    if isinstance(value, float):  # NumPy's double too
        return f"{value:.4g}" if math.isfinite(value) else {math.inf: "∞", -math.inf: "-∞"}.get(value, "NaN")
    return str(value)


# what a source may look like: a link for readers who follow it; the page itself needs none of them
_LINKS = re.compile(
    r"(?P<url>https?://[^\s<>\"']+[^\s<>\"'.,;:)])"
    r"|(?P<arxiv>\barXiv:\s?(?P<id>\d{4}\.\d{4,5}(?:v\d+)?))"
    r"|(?P<doi>\bdoi:\s?(?P<name>10\.\d{4,9}/[^\s<>\"']*[^\s<>\"'.,;:)]))",
    re.IGNORECASE,
)


def linked(text: str) -> Any:
    """The text, escaped, with addresses, arXiv numbers and DOIs as links."""
    from markupsafe import Markup, escape

    parts, end = [], 0
    for found in _LINKS.finditer(text):
        target = found["url"] or (
            f"https://arxiv.org/abs/{found['id']}" if found["id"] else f"https://doi.org/{found['name']}"
        )
        parts += [escape(text[end : found.start()]), Markup('<a href="{}">{}</a>').format(target, found[0])]
        end = found.end()
    return Markup("").join([*parts, escape(text[end:])])


def paragraphs(text: str) -> list[tuple[str, str]]:
    """Kind (``"text"`` or ``"equation"``) and text of each block; a line after four spaces is an equation."""
    blocks: list[tuple[str, str]] = []
    for paragraph in re.split(r"\n\s*\n", text.strip("\n")):
        for line in paragraph.splitlines():
            kind = "equation" if line.startswith("    ") else "text"
            if blocks and blocks[-1][0] == kind and line is not paragraph.splitlines()[0]:
                joint = "\n" if kind == "equation" else " "
                blocks[-1] = (kind, blocks[-1][1] + joint + line.strip())
            else:
                blocks.append((kind, line.strip()))
    return [block for block in blocks if block[1]]


def inline_svg(text: str, name: str) -> str:
    """A Matplotlib SVG that can stand in a page: no prologue, no metadata, ids of its own."""
    body = text[text.index("<svg") :]
    body = re.sub(r"<metadata>.*?</metadata>\s*", "", body, flags=re.DOTALL)
    prefix = "f-" + re.sub(r"\W", "-", name) + "-"
    body = re.sub(r'(\sid=")', rf"\1{prefix}", body)
    body = re.sub(r'((?:xlink:)?href="#)', rf"\1{prefix}", body)
    return re.sub(r"(url\(#)", rf"\1{prefix}", body)


def _picture(drawing: Drawing) -> str:
    if len(drawing.svg) <= SVG_EMBEDDED:
        return inline_svg(drawing.svg, drawing.name) if drawing.svg else ""
    data = base64.b64encode(drawing.png).decode()
    return f'<img alt="" src="data:image/png;base64,{data}">'  # the box around it has the description


def svg_width(text: str) -> int:
    """Natural width of an SVG [px]; 0 if it does not say."""
    found = re.search(r'<svg[^>]*?\swidth="([\d.]+)pt"', text, re.DOTALL)
    return round(float(found[1]) * 4 / 3) if found else 0
