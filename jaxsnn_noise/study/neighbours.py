"""Which files a study consists of: its own, and those beside it that it imports, also inside of functions."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

MAIN = "__init__.py"
"""The file of a study that is a folder."""


def sources(path: Path) -> dict[str, Path]:
    """The files of a study by name: of a folder all its Python files, else the file and what it imports from beside it.

    Imports are read from the source, so those of a function that was not called yet count. Files elsewhere on the import
    path do not, nor do data files.
    """
    if path.name == MAIN:
        return {str(f.relative_to(path.parent)): f for f in sorted(path.parent.rglob("*.py"))}
    found = {path}
    waiting = [path]
    while waiting:
        for file in _imported(waiting.pop(), path.parent):
            if file not in found:
                found.add(file)
                waiting.append(file)
    return {str(f.relative_to(path.parent)): f for f in [path, *sorted(found - {path})]}


def _imported(file: Path, root: Path) -> Iterator[Path]:
    """The files under ``root`` that the imports of one file lead to."""
    try:
        tree = ast.parse(file.read_bytes())
    except (OSError, SyntaxError, ValueError):  # importing it says so
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield from _files(root, alias.name.split("."))
        elif isinstance(node, ast.ImportFrom):
            base, names = _base(node, file, root), (node.module or "").split(".") if node.module else []
            if base is not None:
                for alias in node.names:
                    yield from _files(base, [*names, alias.name])


def _base(node: ast.ImportFrom, file: Path, root: Path) -> Path | None:
    """Where the names of an import start: ``root``, or, of a relative one, a folder at or below it."""
    if not node.level:
        return root
    base = file.parent
    for _ in range(node.level - 1):
        base = base.parent
    return base if base.is_relative_to(root) else None


def _files(base: Path, names: list[str]) -> Iterator[Path]:
    """The files that ``import a.b.c`` runs: those of the packages on the way, and the last one's."""
    for name in names:
        package, module = base / name / MAIN, base / f"{name}.py"
        if package.is_file():
            yield package
            base = base / name
        elif module.is_file():
            yield module
            return
        elif (base / name).is_dir():  # a package without a file of its own
            base = base / name
        else:
            return
