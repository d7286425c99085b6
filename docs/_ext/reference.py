"""The reference: a directive that documents the public names of a module, and a check that none is left out.

``.. public:: jaxsnn_noise.noise`` shows the module's own text, a table of its public names, and each of them. Names in
the body of the directive choose some of the module's, in their order. A public name that no page documents is a warning
(and so fails a build with ``-W``).
"""

from __future__ import annotations

import dataclasses
import functools
import importlib
import inspect
import re
from collections.abc import Iterable
from typing import Any

import catalogue_pages
import public_names
from docutils import nodes
from sphinx.application import Sphinx
from sphinx.pycode import ModuleAnalyzer
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective

from jaxsnn_noise.parameters import Range, fields_of

logger = logging.getLogger(__name__)


class Public(SphinxDirective):
    """``.. public:: module``: its public names, or those in the body."""

    required_arguments = 1
    has_content = True

    def run(self) -> list[nodes.Node]:
        module = self.arguments[0]
        self.env.note_dependency(str(public_names.source_of(module)))
        chosen = [name for line in self.content for name in line.split()]
        text = [f".. currentmodule:: {module}", ""] if chosen else [f".. automodule:: {module}", "   :no-members:", ""]
        names = chosen or public_names.modules()[module]
        own = [name for name in names if home(module, name) == f"{module}.{name}"]
        callables = [name for name in own if f"{module}.{name}" in homes().values()]
        text += [".. autosummary::", "   :nosignatures:", "", *(f"   {name}" for name in callables), ""]
        others = ", ".join(f":py:obj:`{home(module, name)}`" for name in names if name not in own)
        text += [f"Also public here: {others}.", ""] if others else []
        for name in own:
            text += entry(module, name)
        return self.parse_text_to_nodes("\n".join(text), allow_section_headings=False)


def entry(module: str, name: str) -> list[str]:
    """The directive for one name."""
    thing = getattr(importlib.import_module(module), name)
    if inspect.isclass(thing):
        kind = "autoexception" if issubclass(thing, BaseException) else "autoclass"
        page = catalogue_pages.pages().get(f"{module}.{name}")
        told = [f"   With a picture, theory and pitfalls: :doc:`/{page}`.", ""] if page else []
        return [f".. {kind}:: {module}.{name}", "   :members:", "", *told, *parameters(thing), ""]
    if is_function(thing):
        return [f".. autofunction:: {module}.{name}", ""]
    return constant(module, name, thing)


def parameters(cls: type) -> list[str]:
    """The table of a class's parameters, from their declarations: unit, range and default."""
    declared = fields_of(cls)
    if not declared or inspect.isabstract(cls):
        return []
    given = inspect.signature(cls).parameters
    rows = [("parameter", "unit", "range", "default")]
    places = [field.name for field in dataclasses.fields(cls)]
    for name, said in sorted(declared, key=lambda one: places.index(one[0])):
        unit = said.unit if isinstance(said.unit, str) else depends(said.unit)
        rule = within(said.range) if isinstance(said.range, Range) else depends(said.range)
        rows.append((f"``{name}``", unit, rule, default(given[name].default) if name in given else "not given"))
    table = [".. list-table::", "   :header-rows: 1", "   :class: parameters", ""]
    for row in rows:
        table += [f"   {'*' if i == 0 else ' '} - {cell}" for i, cell in enumerate(row)]
    return [f"   {line}" if line else "" for line in table]


def depends(on: Any) -> str:
    """What a unit or range depends on, in words: the first sentence of the function that gives it."""
    text = " ".join((inspect.getdoc(on) or "").split())
    if not text:
        logger.warning("%s gives a unit or range and says nothing of it", on.__qualname__, type="reference")
    sentence = text.split(". ")[0].rstrip(".")
    return sentence[:1].lower() + sentence[1:]


def within(values: Range) -> str:
    """A range without the words of an error."""
    return values.rule.split(":")[0].removeprefix("must ").removeprefix("be ").removeprefix("lie ")


def default(value: Any) -> str:
    """The default of a parameter; without one it must be given."""
    if value is inspect.Parameter.empty:
        return "must be given"
    if value is None:
        return "none: no such leaf"
    return f"{value:g}" if isinstance(value, (int, float)) else str(value)


def constant(module: str, name: str, value: Any) -> list[str]:
    """A constant with the text below its definition, which may lie in another file of the package."""
    texts = ModuleAnalyzer.for_module(public_names.origin(module, name)).find_attr_docs()
    text = [f"   {line}" for line in texts.get(("", name), [])]
    shown = _short(repr(value))
    return [f".. py:data:: {name}", f"   :module: {module}", f"   :value: {shown}", "", *text, ""]


@functools.cache
def homes() -> dict[int, str]:
    """From each public class and function (by identity) to the first of its public names."""
    found: dict[int, str] = {}
    for module, names in public_names.modules().items():
        for name in names:
            thing = getattr(importlib.import_module(module), name)
            if inspect.isclass(thing) or is_function(thing):
                found.setdefault(id(thing), f"{module}.{name}")
    return found


def thing_of(module: str, name: str) -> Any:
    """What a public name stands for."""
    return getattr(importlib.import_module(module), name)


def file_of(thing: Any) -> str:
    """The source of a class."""
    return str(inspect.getsourcefile(thing))


def is_function(thing: Any) -> bool:
    """Functions, and what ``jax.custom_jvp`` makes of them."""
    return inspect.isroutine(thing) or hasattr(thing, "__wrapped__")


def home(module: str, name: str) -> str:
    """The full name under which a public name is documented."""
    return homes().get(id(getattr(importlib.import_module(module), name)), f"{module}.{name}")


def missing(documented: Iterable[str]) -> list[str]:
    """The public names that are not among the documented ones."""
    known = set(documented)
    public = ((module, name) for module, names in public_names.modules().items() for name in names)
    return [f"{module}.{name}" for module, name in public if home(module, name) not in known]


def check(app: Sphinx, env: Any) -> None:
    for name in missing(env.get_domain("py").objects):
        logger.warning("the reference lacks the public name %s", name, type="reference", subtype="public")


def resolve(app: Sphinx, env: Any, node: Any, content: nodes.Node) -> nodes.Node | None:
    """Docstrings say ``:class:`ReleaseNoise``` wherever they stand: the one documented object of that name is meant."""
    if node.get("refdomain") not in ("py", ""):
        return None
    domain = env.get_domain("py")
    wanted = node["reftarget"]
    found = [full for full in domain.objects if full.endswith("." + wanted) and not domain.objects[full].aliased]
    if len(found) != 1:
        return None
    return domain.resolve_xref(env, node["refdoc"], app.builder, "obj", found[0], node, content)


def readable(
    app: Sphinx, what: str, name: str, thing: Any, options: Any, signature: str | None, returns: str | None
) -> tuple[str | None, str | None] | None:
    """Signatures without ``Any``, which says less than the arguments' own text, and with ``Array`` for JAX's arrays."""
    if signature is None:
        return None
    signature = re.sub(r": ~?(typing\.)?Any = ", "=", signature)
    signature = re.sub(r": ~?(typing\.)?Any(?=[,)])", "", signature)
    returns = None if returns in ("Any", "~typing.Any") else returns
    return _short(signature), _short(returns) if returns else returns


def _short(text: str) -> str:
    text = re.sub(r"~?(\w+\.)*TypeAliasForwardRef\('(\w+)'\)", r"\2", text)  # an alias in a union
    return re.sub(r"~?(jaxlib\._jax|jaxtyping|jax)\.(?=[A-Z])", "", text)


def setup(app: Sphinx) -> dict[str, Any]:
    app.add_directive("public", Public)
    app.connect("env-check-consistency", check)
    app.connect("autodoc-process-signature", readable)
    app.connect("missing-reference", resolve)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
