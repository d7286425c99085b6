"""Checkpoints of training: a folder with the last two epochs of every block of seeds, one file each.

A file is there whole or not at all. Its first line says what it is: the run, the seeds, the epochs done, the leaves, and a
checksum over all of that and of what follows, the leaves in Equinox's format (random keys as their words). What does not
agree with it is not read: the epoch before is taken, with a warning.
"""

from __future__ import annotations

import io
import json
import warnings
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO

import equinox as eqx
import jax
import numpy as np

from jaxsnn_noise import _files, saving
from jaxsnn_noise._checks import InputError, fail
from jaxsnn_noise._files import StoreError
from jaxsnn_noise._typing import is_key
from jaxsnn_noise.fingerprints import of_values
from jaxsnn_noise.training.standing import Standing

KIND = "jaxsnn_noise training"
FORMAT = 2
_MANIFEST = "training.json"


class _Damaged(Exception):
    """A file that is not what it should be, with the reason."""


class Folder:
    """The checkpoints of one run.

    Args:
        path: Folder; made if it does not exist. An existing folder must be empty or belong to the same run.
        parts: What determines the numbers of the run: from the name of each part to its hash.
        seeds: The seeds of each block.

    Raises:
        InputError: the folder holds something else, or cannot be made.
    """

    def __init__(self, path: Path, parts: Mapping[str, str], seeds: Sequence[Sequence[int]]):
        self.path, self.parts, self.seeds = path, dict(parts), [list(block) for block in seeds]
        self.run = of_values(json.dumps(self.parts, sort_keys=True))
        self._good: dict[int, Path] = {}  # the last file of each block that is known to be whole
        try:
            inside = _files.opened(self.path)
        except OSError as error:
            raise InputError(
                f"fit.checkpoint: must be a folder that can be made; got {str(path)!r} ({_files.reason(error)})"
            ) from error
        manifest = self.path / _MANIFEST
        if manifest.exists():
            self._compare(manifest)
        elif inside:
            fail("fit.checkpoint", "must be empty or hold this run", str(path))
        else:
            self._write(manifest, json.dumps({"format": FORMAT, "parts": self.parts}, indent=1).encode())

    def load(self, block: int, start: Standing) -> Standing | None:
        """The newest standing of a block of seeds that is whole, or ``None`` before its first epoch.

        Args:
            block: Which block.
            start: Tells the structure.

        Raises:
            InputError: there are files, and none of them is whole.
        """
        broken = []
        for file in sorted(self.path.glob(f"{_name(block)}*.eqx"), reverse=True):
            try:
                standing = self._read(file, block, start)
            except _Damaged as damage:
                broken.append(f"{file.name} {damage}")
                continue
            self._good[block] = file
            if broken:
                taken = f"; the seeds {self.seeds[block]} go on from epoch {standing.epochs}"
                warnings.warn(f"fit.checkpoint {self.path}: {'; '.join(broken)}{taken}", stacklevel=6)
            return standing
        if broken:
            rule = f"{self.path}: {'; '.join(broken)}; delete what is damaged to start its seeds anew"
            raise InputError(f"fit.checkpoint: {rule}")
        return None

    def save(self, block: int, standing: Standing) -> None:
        """Keep the standing of a block of seeds, and the one before it.

        Raises:
            StoreError: the file could not be written; the last checkpoint is still there.
        """
        payload = io.BytesIO()
        eqx.tree_serialise_leaves(payload, without_keys(standing))
        content = saving.sealed(KIND, FORMAT, "Standing", self._header(block, standing), payload.getvalue())
        file, before = self.path / f"{_name(block)}{standing.epochs:06d}.eqx", self._good.get(block)
        self._write(file, content)
        self._good[block] = file
        for old in self.path.glob(f"{_name(block)}*.eqx"):
            if old not in (file, before):
                old.unlink(missing_ok=True)

    def _read(self, file: Path, block: int, start: Standing) -> Standing:
        try:
            header, content = saving.opened(file, KIND, FORMAT)
        except InputError as error:
            raise _Damaged(f"is damaged ({str(error).removeprefix('load: ').split('; got')[0]})") from error
        epochs = header.get("epochs")
        if type(epochs) is not int or file.name != f"{_name(block)}{epochs:06d}.eqx":
            raise _Damaged(f"holds epoch {epochs} and not what its name says")
        like = Standing.at_start(start.learners, [k for k in start.history if k != "seconds"], epochs)
        for name, wanted in self._header(block, like).items():
            if header.get(name) != wanted:
                raise _Damaged(f"has other {name}: {str(header.get(name))[:60]}")
        loaded = eqx.tree_deserialise_leaves(io.BytesIO(content), without_keys(like))
        return _with_keys(loaded, like)

    def _header(self, block: int, standing: Standing) -> dict[str, Any]:
        """What the first line has to say of a standing."""
        leaves = [[list(np.shape(leaf)), str(leaf.dtype)] for leaf in jax.tree.leaves(without_keys(standing))]
        return {"run": self.run, "seeds": self.seeds[block], "epochs": standing.epochs, "leaves": leaves}

    def _compare(self, manifest: Path) -> None:
        """Raise :class:`InputError` unless the folder holds this run, with the parts that are others."""
        try:
            known = json.loads(manifest.read_text())
        except (OSError, ValueError, RecursionError):
            known = None
        version, parts = (known.get("format"), known.get("parts")) if isinstance(known, dict) else (None, None)
        if type(version) is int and version != FORMAT:
            fail("fit.checkpoint", f"holds another format than {FORMAT}; choose a new folder", version)
        texts = isinstance(parts, dict) and all(isinstance(value, str) for value in parts.values())
        if type(version) is not int or not isinstance(parts, dict) or not texts:
            rule = f"holds a {_MANIFEST} that cannot be read; choose a new folder"
            fail("fit.checkpoint", rule, str(self.path))
        names = sorted(parts.keys() | self.parts.keys())
        others = [name for name in names if parts.get(name) != self.parts.get(name)]
        if others:
            rule = f"holds another run (what differs: {', '.join(others)}); choose a new folder"
            fail("fit.checkpoint", rule, str(self.path))

    def _write(self, file: Path, content: bytes | Callable[[BinaryIO], Any]) -> None:
        try:
            _files.write(file, content)
        except StoreError as error:
            safe = "the last checkpoint is safe, run again with the same folder to go on"
            raise StoreError(error.errno, f"fit.checkpoint {self.path}: {error.reason}; {safe}") from error


def _name(block: int) -> str:
    return f"seeds-{block}-epoch-"


def without_keys(tree: Any) -> Any:
    """A tree with its random keys as their words."""
    return jax.tree.map(lambda leaf: jax.random.key_data(leaf) if is_key(leaf) else leaf, tree)


def _with_keys(tree: Any, like: Any) -> Any:
    def back(leaf: Any, old: Any) -> Any:
        return jax.random.wrap_key_data(leaf, impl=jax.random.key_impl(old)) if is_key(old) else leaf

    return jax.tree.map(back, tree, like)
