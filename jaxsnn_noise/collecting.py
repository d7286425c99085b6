"""How often Python looks for cycles while this package is imported or a study runs: importing and tracing make objects by the million, of which hardly any is a cycle.

With CPython's own threshold of 700 objects, 15 % of the processor time of a tiny preset went into looking (measured, Python 3.11).
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

SELDOM = (50_000, 20, 50)
"""New objects before the young are looked through, and how many times before the older ones are."""


@contextmanager
def seldom_collected() -> Iterator[None]:
    """Cycles are looked for after 50,000 new objects, unless they are looked for more seldom, or never, already; as before at the end."""
    before = gc.get_threshold()
    if not 0 < before[0] < SELDOM[0]:
        yield
        return
    gc.set_threshold(*SELDOM)
    try:
        yield
    finally:
        gc.set_threshold(*before)
