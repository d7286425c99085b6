"""Which page of the catalogue is about which member, read from the pages: nothing is imported."""

from __future__ import annotations

import functools
import re
from pathlib import Path

FOLDER = Path(__file__).resolve().parents[1] / "catalogue"


@functools.cache
def pages() -> dict[str, str]:
    """From the full name of each member to the document that is about it."""
    found: dict[str, str] = {}
    for page in sorted(FOLDER.rglob("*.md")):
        named = re.findall(r"^```\{member\} (\S+)$", page.read_text(encoding="utf-8"), flags=re.MULTILINE)
        found |= dict.fromkeys(named, page.relative_to(FOLDER.parent).with_suffix("").as_posix())
    return found
