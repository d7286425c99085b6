"""The data files inside the package, each compared with its SHA-256 before it is used."""

from __future__ import annotations

import hashlib
import io
import json
from importlib import resources
from importlib.resources.abc import Traversable
from typing import Any

import numpy as np

from jaxsnn_noise._checks import fail

DATA: Traversable = resources.files("jaxsnn_noise") / "data"
"""One folder per data set with its LICENSE and ORIGIN.md, and the manifest of files, checksums and licences."""


def manifest(data: Traversable = DATA) -> dict[str, dict[str, str]]:
    """Per data set: ``file``, ``sha256`` and ``licence`` (an SPDX expression)."""
    return json.loads((data / "manifest.json").read_text())


def content(name: str, data: Traversable = DATA) -> bytes:
    """The bytes of the file of the data set ``name``.

    Raises:
        InputError: the file is missing, or its SHA-256 is not that of the manifest.
    """
    entry = manifest(data)[name]
    path = data / name / entry["file"]
    if not path.is_file():
        fail(f"dataset {name!r}", f"the file {path} must exist; reinstall the package", "no file")
    found = path.read_bytes()
    digest = hashlib.sha256(found).hexdigest()
    if digest != entry["sha256"]:
        rule = f"{path} must have SHA-256 {entry['sha256']} (it is damaged or was edited; reinstall the package)"
        fail(f"dataset {name!r}", rule, f"{digest}, {len(found)} bytes")
    return found


def arrays(name: str, data: Traversable = DATA) -> dict[str, np.ndarray]:
    """The arrays of the data set ``name``, read-only."""
    with np.load(io.BytesIO(content(name, data)), allow_pickle=False) as stored:
        return {key: read_only(stored[key]) for key in stored.files}


def table(name: str, data: Traversable = DATA) -> dict[str, Any]:
    """The JSON document of the data set ``name``."""
    return json.loads(content(name, data))


def read_only(array: np.ndarray) -> np.ndarray:
    """``array``, refusing assignments: a data set is a value."""
    array.setflags(write=False)
    return array
