"""Whether the results of a study fit into memory: asked before anything is computed."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jaxsnn_noise._checks import InputError

SHARE = 0.9
"""Of the memory that is free: the rest is for chunks and everything else."""


def available() -> int | None:
    """Bytes that this process could still take: free memory, or what its control group leaves it; ``None`` if unknown."""
    found = [n for n in (_free(), _of_group()) if n is not None]
    return min(found) if found else None


def result_bytes(fields: Mapping[str, Any], members: int) -> dict[str, int]:
    """Bytes of each result of so many members."""
    return {name: members * math.prod(f.shape) * f.dtype.itemsize for name, f in fields.items()}


def check_fits(who: str, sizes: Mapping[str, int], fields: Mapping[str, Mapping[str, Any]]) -> None:
    """The results of all members fit into memory.

    Args:
        who: Who asks.
        sizes: Members along every axis.
        fields: The arrays of one member by case.

    Raises:
        InputError: they do not; with the sizes, and what would help.
    """
    members = math.prod(sizes.values())
    each = {f"{case}: {k}" if case else k: n for case, f in fields.items() for k, n in result_bytes(f, members).items()}
    free, need = available(), sum(each.values())
    if free is None or need <= SHARE * free:
        return
    largest = sorted(each, key=lambda name: -each[name])[:3]
    raise InputError(
        f"{who}: the results must fit into memory ({shown(free)} are free); got {shown(need)} for {members:,} members "
        f"({', '.join(f'{name} {size:,}' for name, size in sizes.items())}), of which "
        + ", ".join(f"{name} takes {shown(each[name])}" for name in largest)
        + ". It helps to record statistics in place of rasters and traces, fewer neurons or every n-th step of a trace, or to "
        "run a part of the members at a time"
    )


def shown(n: float) -> str:
    """A number of bytes, in the unit that one would say."""
    for unit in ("B", "KiB", "MiB", "GiB"):
        if n < 1024:
            return f"{n:.0f} {unit}" if unit == "B" else f"{n:.1f} {unit}"
        n /= 1024
    return f"{n:,.1f} TiB"


def _free() -> int | None:
    try:
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
        return 1024 * next(int(line.split()[1]) for line in lines if line.startswith("MemAvailable:"))
    except (OSError, ValueError, StopIteration):
        pass
    try:  # not Linux: all there is
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (ValueError, OSError, AttributeError):
        return None


def _of_group() -> int | None:
    """What the control group of a container leaves."""
    for limit, used in (
        ("memory.max", "memory.current"),
        ("memory/memory.limit_in_bytes", "memory/memory.usage_in_bytes"),
    ):
        try:
            root = Path("/sys/fs/cgroup")
            return max(0, int((root / limit).read_text()) - int((root / used).read_text()))
        except (OSError, ValueError):
            continue
    return None
