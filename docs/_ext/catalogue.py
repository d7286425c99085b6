"""The catalogue: a page per member, of which what the class says itself is not written again.

``{member} module.Name`` prints the class's own text and the table of its declared parameters. ``{picture} caption`` runs the
program in its body and shows it, what it prints, and the ``figure`` that it leaves: no picture is stored, none can go stale. A
program that raises or warns, leaves no figure or one above ``LARGEST`` bytes is a warning (and so fails a build with ``-W``).
``{members} folder`` lists the pages of a folder. Programs of all pages run in the process of the build, where they share what
is compiled; ``-D pictures=0`` builds without them.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import re
import traceback
import warnings
from html import escape
from pathlib import Path
from typing import Any

import catalogue_pages
import reference
from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective

logger = logging.getLogger(__name__)
LARGEST = 30_000
"""Bytes of a picture."""


def in_markdown(text: list[str]) -> str:
    """The language of docstrings within a page of Markdown."""
    return "\n".join(["`````{eval-rst}", *text, "`````"])


class Member(SphinxDirective):
    """``{member} module.Name``: what the class says of itself."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        module, _, name = self.arguments[0].rpartition(".")
        if reference.home(module, name) != f"{module}.{name}":
            logger.warning(
                "%s is documented as %s", self.arguments[0], reference.home(module, name), location=self.get_location()
            )
        thing = reference.thing_of(module, name)
        self.env.note_dependency(__file__)
        self.env.note_dependency(str(reference.file_of(thing)))
        text = [f".. autoclass:: {module}.{name}", "   :no-index:", "", *reference.parameters(thing), ""]
        text += [f"Methods and fields: :py:obj:`{module}.{name}`.", ""]
        return self.parse_text_to_nodes(in_markdown(text), allow_section_headings=False)


class Members(SphinxDirective):
    """``{members} folder``: its pages with the first sentence of each class."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        self.env.note_reread()  # a new page changes the list
        rows = {
            full: page
            for full, page in catalogue_pages.pages().items()
            if page.startswith(f"catalogue/{self.arguments[0]}/")
        }
        text = [".. list-table::", "   :widths: 25 75", ""]
        for full, page in sorted(rows.items(), key=lambda row: row[0].rsplit(".", 1)[1].lower()):
            module, _, name = full.rpartition(".")
            first = (reference.thing_of(module, name).__doc__ or "").strip().split("\n\n")[0]
            text += [f"   * - :doc:`{name} </{page}>`", f"     - {' '.join(first.split())}"]
        documents = sorted(set(rows.values()), key=str.lower)
        text += ["", ".. toctree::", "   :hidden:", "", *(f"   /{page}" for page in documents), ""]
        return self.parse_text_to_nodes(in_markdown(text), allow_section_headings=False)


class drawn(nodes.General, nodes.Element):
    """A picture as SVG text, with the words that stand for it."""


class Picture(SphinxDirective):
    """``{picture} caption``: a program, what it prints, and the figure that it leaves."""

    required_arguments = 1
    final_argument_whitespace = True
    has_content = True

    def run(self) -> list[nodes.Node]:
        self.env.note_dependency(__file__)
        code, caption = "\n".join(self.content).rstrip(), " ".join(self.arguments[0].split())
        shown: list[nodes.Node] = [nodes.literal_block(code, code, language="python")]
        if not self.config.pictures:
            return shown
        try:
            printed, svg = run(code + "\n", self.get_location())
        except Exception:
            logger.warning("a program fails:\n%s", traceback.format_exc(), location=self.get_location())
            return shown
        if len(svg) > LARGEST:
            logger.warning("a picture has %d bytes, above %d", len(svg), LARGEST, location=self.get_location())
        if text := printed.rstrip():
            shown.append(nodes.literal_block(text, text, language="text"))
        return [drawn(svg=svg, caption=caption), *shown]


def run(code: str, name: str) -> tuple[str, str]:
    """What a program prints, and its ``figure`` as SVG; a warning is an error."""
    import jaxsnn_noise

    names: dict[str, Any] = {"__name__": "__main__"}
    out = io.StringIO()
    with contextlib.redirect_stdout(out), warnings.catch_warnings(), jaxsnn_noise.figures.style():
        warnings.simplefilter("error")
        exec(compile(code, name, "exec", dont_inherit=True), names)
        if "figure" not in names:
            raise LookupError("the program leaves no `figure`")
        return out.getvalue(), as_svg(names["figure"])


def as_svg(figure: Any) -> str:
    """The figure with letters as text, which the page's reader can select, and places to a tenth of a point: a quarter of the bytes."""
    import matplotlib

    out = io.StringIO()
    with matplotlib.rc_context({"svg.fonttype": "none"}):
        figure.savefig(out, format="svg", metadata={"Date": None})
    svg = re.sub(r"^\s+|<!--.*?-->|stroke-linecap: square", "", out.getvalue(), flags=re.MULTILINE | re.DOTALL)
    svg = re.sub(r'(?<= d=")[^"]+|(?<= [xy]=")[^"]+|translate\([^)]+', rounded, svg)
    return re.sub(r" ?\n(?=[A-Z\"])", " ", svg).replace("'DejaVu Sans'", "'DejaVu Sans', Verdana, sans-serif")


def rounded(part: re.Match[str]) -> str:
    """Numbers to one digit behind the point."""
    return re.sub(r"(\.\d)\d+", r"\1", part[0])


def show(writer: Any, node: drawn) -> None:
    """The picture as a file beside the other images of the build."""
    name = f"{hashlib.sha256(node['svg'].encode()).hexdigest()[:16]}.svg"
    folder = Path(writer.builder.outdir) / writer.builder.imagedir
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(node["svg"], encoding="utf-8")
    caption = escape(node["caption"])
    place = f"{writer.builder.imgpath}/{name}"
    writer.body.append(f'<figure><img src="{place}" alt="{caption}" /><figcaption>{caption}</figcaption></figure>')
    raise nodes.SkipNode


def words(writer: Any, node: drawn) -> None:
    writer.add_text(node["caption"])
    raise nodes.SkipNode


def setup(app: Sphinx) -> dict[str, Any]:
    app.add_config_value("pictures", True, "env", bool)
    app.add_node(drawn, html=(show, None), text=(words, None))
    app.add_directive("member", Member)
    app.add_directive("members", Members)
    app.add_directive("picture", Picture)
    return {"parallel_read_safe": False, "parallel_write_safe": True}
