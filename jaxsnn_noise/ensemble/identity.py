"""What tells one study from another: the program of a member, the values that no axis sets, and the root key."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Self

import numpy as np

from jaxsnn_noise import random
from jaxsnn_noise._typing import Key
from jaxsnn_noise.engine.describe import settings
from jaxsnn_noise.engine.simulation import Simulation
from jaxsnn_noise.ensemble.axes import Axis
from jaxsnn_noise.ensemble.traced import Traced

SHOWN = 6
"""Differences that are told one by one."""


@dataclass(frozen=True)
class Study:
    """What the results of a study depend on, apart from what its axes set: their sizes and values are free to grow.

    Attributes:
        program: Hash of the program that a member runs, with all arrays as arguments, and of the constants in it.
        config: The configuration in plain data, without the leaves that axes set.
        root: Root key.
        axes: Names of the axes, which are a part of all addresses.
        stream: Version of the random stream.
    """

    program: str
    config: dict[str, Any]
    root: list[int]
    axes: list[str]
    stream: int

    @classmethod
    def from_parts(cls, program: Traced, sim: Simulation, axes: Sequence[Axis], root: Key) -> Self:
        """The identity of a simulation over axes."""
        config = settings(sim)
        leaves = dict(config["leaves"])
        for path in {path for axis in axes for path in axis.sets(sim)}:
            for leaf in [k for k in leaves if k == path or k.startswith(f"{path}.")]:
                del leaves[leaf]
        words = [int(w) for w in np.asarray(root)]
        return cls(
            program.of_run, {**config, "leaves": leaves}, words, sorted(a.name for a in axes), random.STREAM_VERSION
        )

    @classmethod
    def of(cls, told: Mapping[str, Any]) -> Self:
        """What :meth:`told` said."""
        return cls(**{name: told[name] for name in cls.__dataclass_fields__})

    def told(self) -> dict[str, Any]:
        """It as plain data."""
        return dict(json.loads(json.dumps(asdict(self))))

    @property
    def fingerprint(self) -> str:
        """A hash of it all."""
        return hashlib.blake2b(json.dumps(self.told(), sort_keys=True).encode(), digest_size=16).hexdigest()


def differences(old: Study, new: Study, *, versions_differ: bool) -> list[str]:
    """In words, what differs; the program counts only where the same versions traced it."""
    before, after = old.told(), new.told()
    found = []
    for name in ("root", "axes", "stream"):
        if before[name] != after[name]:
            found.append(f"{_CALLED[name]}: {before[name]} -> {after[name]}")
    for part in ("fixed", "parts", "leaves"):
        a, b = before["config"].get(part, {}), after["config"].get(part, {})
        found += [f"{k}: {_short(a.get(k))} -> {_short(b.get(k))}" for k in sorted({*a, *b}) if a.get(k) != b.get(k)]
    if not found and old.program != new.program and not versions_differ:
        found.append("what a member computes (a function, a class or a constant of the program is another)")
    return found[:SHOWN] + ([f"{len(found) - SHOWN} more"] if len(found) > SHOWN else [])


_CALLED = {"root": "root key", "axes": "names of the axes", "stream": "version of the random stream"}


def _short(value: Any) -> str:
    text = "none" if value is None else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 80 else text[:77] + "..."
