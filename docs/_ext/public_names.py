"""The public names of the package, read from its sources: nothing is imported.

Of a package they are the names in ``__all__``, or else those that its ``__init__`` re-exports as ``import x as x``; of
a plain module those in ``__all__``, or else what it defines without a leading underscore. A public name that is itself
a package or module of ours is public with its own names.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
ENTRANCES = ("jaxsnn_noise", "jaxsnn_noise.study")
"""Where users come in; ``study`` is for files of studies, and stands beside the front door."""


def modules() -> dict[str, list[str]]:
    """From each public module to its public names, the modules among them left out."""
    found: dict[str, list[str]] = {}
    waiting = list(ENTRANCES)
    while waiting:
        module = waiting.pop(0)
        if module in found:
            continue
        names = names_of(module)
        inner = [name for name in names if source_of(f"{module}.{name}") is not None]
        shadowed = _defined_below(module)
        inner = [name for name in inner if name not in shadowed]
        found[module] = [name for name in names if name not in inner]
        waiting += [f"{module}.{name}" for name in inner]
    return found


def names_of(module: str) -> list[str]:
    """The public names of one module, in the order of its source."""
    file = source_of(module)
    if file is None:
        raise LookupError(f"no such module: {module}")
    tree = ast.parse(file.read_text(encoding="utf-8"))
    listed = _listed(tree)
    if listed is not None:
        return listed
    names = _reexported(tree) if file.name == "__init__.py" else _defined(tree.body)
    return [name for name in dict.fromkeys(names) if not name.startswith("_")]


def origin(module: str, name: str) -> str:
    """The module in which a public name is defined."""
    file = source_of(module)
    assert file is not None
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and any(alias.name == name for alias in node.names):
            base = module.split(".")[: len(module.split(".")) + (file.name == "__init__.py") - node.level]
            return ".".join([*(base if node.level else []), *filter(None, [node.module])])
    return module


def source_of(module: str) -> Path | None:
    """The file of a module of the package, if it is one."""
    path = ROOT.joinpath(*module.split("."))
    candidates = (path / "__init__.py", path.with_name(path.name + ".py"))
    return next((file for file in candidates if file.is_file()), None)


def _listed(tree: ast.Module) -> list[str] | None:
    for node in tree.body:
        if isinstance(node, ast.Assign) and any(isinstance(t, ast.Name) and t.id == "__all__" for t in node.targets):
            return [str(name) for name in ast.literal_eval(node.value)]
    return None


def _reexported(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            yield from (alias.name for alias in node.names if alias.asname == alias.name)


def _defined(body: list[ast.stmt]) -> Iterator[str]:
    for node in body:
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            yield node.name
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            yield node.target.id
        elif isinstance(node, ast.Assign):
            if isinstance(node.value, ast.Call) and getattr(node.value.func, "id", "") == "TypeVar":
                continue  # a help for type checkers
            yield from (leaf.id for target in node.targets for leaf in ast.walk(target) if isinstance(leaf, ast.Name))


def _defined_below(module: str) -> set[str]:
    """Names that a package takes out of a file of the same name: ``from ...apply import apply`` is the function."""
    file = source_of(module)
    assert file is not None
    found = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module:
            found |= {alias.name for alias in node.names if node.module.rsplit(".", 1)[-1] == alias.name}
    return found
