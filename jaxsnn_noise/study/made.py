"""What made the results in a folder: configuration, files of the study, this package, and the libraries below it."""

from __future__ import annotations

import functools
import hashlib
import platform
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jaxsnn_noise.provenance import COMPUTING, version, versions
from jaxsnn_noise.study.neighbours import sources
from jaxsnn_noise.study.protocol import Study
from jaxsnn_noise.study.toml import to_toml

_WITHOUT = ("study", "figures", "__main__.py")
"""Parts of the package that no measurement computes with."""


def made_by(study: Study, config: Any) -> dict[str, Any]:
    """The record of what would compute now; JSON can hold it."""
    return {
        "study": study.name,
        "config": to_toml(config),
        "files": {name: _digest(file.read_bytes()) for name, file in sources(study.path).items()},
        "package": {"version": version(), "sha256": package_digest()},
        "libraries": {"python": platform.python_version(), **versions((*COMPUTING, "scipy", "xarray"))},
    }


@functools.cache
def package_digest() -> str:
    """SHA-256 of all files of the package that results depend on."""
    root = Path(__file__).resolve().parents[1]
    files = [f for f in root.rglob("*.py") if f.relative_to(root).parts[0] not in _WITHOUT]
    files += root.glob("data/manifest.json")  # it has the checksums of the data
    return _digest(b"".join(str(f.relative_to(root)).encode() + f.read_bytes() for f in sorted(files)))


def changes(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    """What made one thing and what makes another, where they differ, in words; the configuration apart."""
    said = []
    files = {name: (old["files"].get(name), new["files"].get(name)) for name in old["files"] | new["files"]}
    for verb, names in (
        ("changed", [n for n, (a, b) in files.items() if a and b and a != b]),
        ("new", [n for n, (a, b) in files.items() if not a]),
        ("gone", [n for n, (a, b) in files.items() if not b]),
    ):
        said += [f"{name} is {verb}" for name in sorted(names)]
    one, other = old["package"], new["package"]
    if one["version"] != other["version"]:
        said.append(f"jaxsnn_noise was {one['version']} and is {other['version']}")
    elif one["sha256"] != other["sha256"]:
        said.append(f"the files of jaxsnn_noise {other['version']} are changed")
    a, b = old["libraries"], new["libraries"]
    said += [f"{n} was {a.get(n)} and is {b.get(n)}" for n in sorted(a | b) if a.get(n) != b.get(n)]
    return said


def is_record(value: Any) -> bool:
    """Whether something that was read is such a record."""
    if not isinstance(value, Mapping):
        return False
    tables = [value.get(name) for name in ("files", "package", "libraries")]
    return (
        all(isinstance(value.get(name), str) for name in ("study", "config"))
        and all(isinstance(t, Mapping) and all(isinstance(v, str) for v in t.values()) for t in tables)
        and {"version", "sha256"} <= set(value["package"])
    )


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
