"""Reader of idx files, the format of MNIST and its relatives, plain or gzipped.

An idx file is a big-endian header (two zero bytes, the type of the entries, the number of dimensions, then the
dimensions as 32-bit words) followed by the entries in row-major order.
"""

from __future__ import annotations

import gzip
import zlib
from pathlib import Path

import numpy as np

from jaxsnn_noise._checks import fail

_UNSIGNED_BYTE = 0x08


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
    stored = _bytes(path)
    header = 4 + 4 * dimensions
    if len(stored) < header:
        fail(str(path), f"size in bytes must be at least {header}, its header", len(stored))
    magic, wanted = int.from_bytes(stored[:4], "big"), _UNSIGNED_BYTE << 8 | dimensions
    if magic != wanted:
        rule = f"must begin with the magic number 0x{wanted:08x} (unsigned bytes, {dimensions} dimensions)"
        fail(str(path), rule, f"0x{magic:08x}")
    shape = tuple(int(word) for word in np.frombuffer(stored, ">u4", dimensions, offset=4))
    expected = header + int(np.prod(shape, dtype=np.int64))
    if len(stored) != expected:
        rule = f"size in bytes must be {expected} (header {header}, entries {' x '.join(map(str, shape))})"
        fail(str(path), rule, len(stored))
    return np.frombuffer(stored, np.uint8, offset=header).reshape(shape)


def _bytes(path: Path) -> bytes:
    if path.suffix != ".gz":
        return path.read_bytes()
    try:
        return gzip.decompress(path.read_bytes())
    except (EOFError, OSError, zlib.error) as broken:
        fail(str(path), f"must be a whole gzip file ({broken})", f"{path.stat().st_size} bytes")
