"""What the docstrings beside the fields of a configuration say."""

from __future__ import annotations

import ast
import dataclasses
import inspect
import textwrap
from functools import cache
from itertools import pairwise


def field_notes(config_type: type) -> dict[str, str]:
    """First sentence-line of the docstring that follows each field of a dataclass (meaning and unit)."""
    found: dict[str, str] = {}
    for kind in reversed(config_type.__mro__):  # inherited fields are explained where they stand
        if dataclasses.is_dataclass(kind):
            found |= _own_notes(kind)
    return found


@cache
def _own_notes(config_type: type) -> dict[str, str]:
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(config_type)))
    except (OSError, TypeError, SyntaxError):  # made at run time: no source
        return {}
    notes = {}
    body = next((n.body for n in ast.walk(tree) if isinstance(n, ast.ClassDef)), [])
    for field, after in pairwise(body):
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name) and isinstance(after, ast.Expr):
            text = after.value.value if isinstance(after.value, ast.Constant) else None
            if isinstance(text, str):
                notes[field.target.id] = " ".join(text.split())
    return notes
