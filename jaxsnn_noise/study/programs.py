"""Compiled programs are kept between runs of the command line: a study of the same shapes begins without compiling again.

They lie in ``$XDG_CACHE_HOME/jaxsnn_noise/programs`` (``~/.cache`` without the variable), in a folder for each kind of processor, since
what is compiled uses its instructions. JAX names a program by its text, all options of the compiler and the versions of JAX and jaxlib.
Numbers do not depend on it: it is the same machine code. Who sets ``JAX_COMPILATION_CACHE_DIR``, or ``JAX_ENABLE_COMPILATION_CACHE=0``,
is obeyed.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import sys
from pathlib import Path

from jaxsnn_noise.study.environment import cpu_features

FOLDER = "JAX_COMPILATION_CACHE_DIR"
SETTINGS = {"JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0", "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES": "-1"}
MOST_BYTES = 1_000_000_000
"""Above it the programs that were not made for the longest time are removed, down to half of it."""


def keep() -> Path | None:
    """Let JAX keep what it compiles in this process; it must come before JAX is imported.

    Returns:
        The folder; ``None`` where the user has said otherwise, JAX is there already, or nothing can be written.
    """
    if FOLDER in os.environ or "jax" in sys.modules:
        return None
    folder = place()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        tidy(folder)
    except OSError:
        return None
    if not os.access(folder, os.W_OK):
        return None
    os.environ[FOLDER] = str(folder)
    for name, value in SETTINGS.items():
        os.environ.setdefault(name, value)
    return folder


def place() -> Path:
    """The folder for this kind of processor, whether it is there or not."""
    base = os.environ.get("XDG_CACHE_HOME") or Path("~/.cache").expanduser()
    return Path(base) / "jaxsnn_noise" / "programs" / hashlib.sha256(cpu_features().encode()).hexdigest()[:12]


def tidy(folder: Path, most: int = MOST_BYTES) -> None:
    """Remove the oldest programs where there is more than ``most`` bytes of them."""
    files = [(file, file.stat()) for file in folder.iterdir() if file.is_file()]
    size = sum(stat.st_size for _, stat in files)
    if size <= most:
        return
    for file, stat in sorted(files, key=lambda one: one[1].st_mtime):
        with contextlib.suppress(FileNotFoundError):  # another run tidies too
            file.unlink()
        size -= stat.st_size
        if size <= most / 2:
            return
