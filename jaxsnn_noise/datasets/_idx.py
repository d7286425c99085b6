"""Reader of idx files, the format of MNIST and its relatives, plain or gzipped.

An idx file is a big-endian header (two zero bytes, the type of the entries, the number of dimensions, then the
dimensions as 32-bit words) followed by the entries in row-major order.
"""

from __future__ import annotations

import gzip
import math
import zlib
from pathlib import Path

import numpy as np

from jaxsnn_noise._checks import fail

_UNSIGNED_BYTE = 0x08
MOST = 1 << 31
"""Bytes of a file that is read: full MNIST takes 47 million."""


def find(folder: Path, stem: str, dimensions: int) -> Path:
    """The idx file of ``stem`` (such as ``train-images``) in ``folder``, under any of its usual names.

    Raises:
        InputError: the folder or the file does not exist; the message lists the names looked for.
    """
    if not folder.is_dir():
        fail("root", "must be an existing folder with idx files", str(folder))
    plain = [f"{stem}-idx{dimensions}-ubyte", f"{stem}.idx{dimensions}-ubyte"]
    names = [*plain, *(f"{name}.gz" for name in plain)]
    for name in names:
        if (folder / name).is_file():
            return folder / name
    there = ", ".join(sorted(path.name for path in folder.iterdir())[:12])
    fail(f"root {folder}", f"must hold one of {', '.join(names)}", there or "an empty folder")


def read(path: Path, dimensions: int) -> np.ndarray:
    """The unsigned bytes in the idx file ``path``, an array of ``dimensions`` dimensions.

    Raises:
        InputError: not an idx file of unsigned bytes with that many dimensions, or its size does not fit its header.
    """
    header = 4 + 4 * dimensions
    stored = _bytes(path, header)
    if len(stored) < header:
        fail(str(path), f"size in bytes must be at least {header}, its header", len(stored))
    magic, wanted = int.from_bytes(stored[:4], "big"), _UNSIGNED_BYTE << 8 | dimensions
    if magic != wanted:
        rule = f"must begin with the magic number 0x{wanted:08x} (unsigned bytes, {dimensions} dimensions)"
        fail(str(path), rule, f"0x{magic:08x}")
    shape = tuple(int(word) for word in np.frombuffer(stored, ">u4", dimensions, offset=4))
    expected = header + math.prod(shape)
    rule = f"size in bytes must be {expected} (header {header}, entries {' x '.join(map(str, shape))})"
    if expected > MOST:
        fail(str(path), f"must hold at most {MOST} bytes", expected)
    stored = _bytes(path, expected + 1)  # not more: a small file may unpack to anything
    if len(stored) != expected:
        size = path.stat().st_size if path.suffix != ".gz" else "more"
        fail(str(path), rule, len(stored) if len(stored) < expected else size)
    return np.frombuffer(stored, np.uint8, offset=header).reshape(shape)


def _bytes(path: Path, most: int) -> bytes:
    """The first bytes of a file, unpacked."""
    try:
        with gzip.open(path) if path.suffix == ".gz" else open(path, "rb") as handle:
            return handle.read(most)
    except (EOFError, OSError, zlib.error) as broken:
        fail(str(path), f"must be a whole gzip file ({broken})", f"{path.stat().st_size} bytes")
