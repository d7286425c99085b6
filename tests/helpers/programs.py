"""Compiled programs are kept between processes, so that those of one test run, or of twenty that a test kills, compile each once.

What JAX keeps is named by the program, all options of the compiler and the versions of JAX and jaxlib, so that a change of any of
them compiles anew.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import jax

MOST_BYTES = 1_000_000_000


def share(folder: Path) -> None:
    """Keep the programs of this process and of those that it starts in a folder, unless the environment names one."""
    if "JAX_COMPILATION_CACHE_DIR" in os.environ:
        return
    settings = {
        "jax_compilation_cache_dir": str(folder),
        "jax_persistent_cache_min_compile_time_secs": 0.0,
        "jax_persistent_cache_min_entry_size_bytes": -1,
    }
    for name, value in settings.items():
        jax.config.update(name, value)
        os.environ[name.upper()] = str(value)


def tidy(folder: Path) -> None:
    """Remove them all where they have become too many, as after weeks of changes."""
    if folder.is_dir() and sum(file.stat().st_size for file in folder.iterdir()) > MOST_BYTES:
        shutil.rmtree(folder)
