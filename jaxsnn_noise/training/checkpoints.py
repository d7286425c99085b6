"""Checkpoints of training: a folder with one file per block of seeds, replaced after every epoch.

A file is there whole or not at all. Its first line says how many epochs it holds; the rest are the leaves in Equinox's
format, random keys as their words.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

import equinox as eqx
import jax

from jaxsnn_noise import _files
from jaxsnn_noise._checks import InputError, fail
from jaxsnn_noise._files import StoreError
from jaxsnn_noise._typing import is_key
from jaxsnn_noise.training.standing import Standing

FORMAT = 1
_MANIFEST = "training.json"


class Folder:
    """The checkpoints of one run.

    Args:
        path: Folder; made if it does not exist. An existing folder must be empty or belong to the same run.
        fingerprint: Hash of everything that determines the numbers of the run.

    Raises:
        InputError: the folder holds something else, or cannot be made.
    """

    def __init__(self, path: str | os.PathLike[str], fingerprint: str):
        self.path, self.fingerprint = Path(path), fingerprint
        try:
            inside = _files.opened(self.path)
        except OSError as error:
            raise InputError(
                f"fit.checkpoint: must be a folder that can be made; got {str(path)!r} ({_files.reason(error)})"
            ) from error
        manifest, own = self.path / _MANIFEST, {"format": FORMAT, "fingerprint": fingerprint}
        if manifest.exists():
            try:
                known = json.loads(manifest.read_text())
            except ValueError:
                known = {}
            if known != own:
                rule = "holds another run (other system, data, settings, seeds, key or version of JAX); choose a new folder"
                fail("fit.checkpoint", rule, str(path))
        elif inside:
            fail("fit.checkpoint", "must be empty or hold this run", str(path))
        else:
            self._write(manifest, json.dumps(own).encode())

    def load(self, block: int, start: Standing) -> Standing | None:
        """The standing of a block of seeds, or ``None`` before its first epoch; ``start`` tells the structure."""
        file = self._file(block)
        if not file.exists():
            return None
        try:
            with open(file, "rb") as handle:
                epochs = json.loads(handle.readline())["epochs"]
                like = Standing.at_start(start.learners, [k for k in start.history if k != "seconds"], epochs)
                loaded = eqx.tree_deserialise_leaves(handle, _without_keys(like))
        except (ValueError, KeyError, EOFError, RuntimeError) as error:
            raise InputError(
                f"fit.checkpoint: {file} is damaged; delete it to start its seeds anew ({error})"
            ) from error
        return _with_keys(loaded, like)

    def save(self, block: int, standing: Standing) -> None:
        """Keep the standing of a block of seeds in place of the last one.

        Raises:
            StoreError: the file could not be written; the last checkpoint is still there.
        """

        def content(handle: BinaryIO) -> None:
            handle.write(json.dumps({"epochs": standing.epochs}).encode() + b"\n")
            eqx.tree_serialise_leaves(handle, _without_keys(standing))

        self._write(self._file(block), content)

    def _file(self, block: int) -> Path:
        return self.path / f"seeds-{block}.eqx"

    def _write(self, file: Path, content: bytes | Callable[[BinaryIO], Any]) -> None:
        try:
            _files.write(file, content)
        except StoreError as error:
            safe = "the last checkpoint is safe, run again with the same folder to go on"
            raise StoreError(error.errno, f"fit.checkpoint {self.path}: {error.reason}; {safe}") from error


def _without_keys(tree: Any) -> Any:
    return jax.tree.map(lambda leaf: jax.random.key_data(leaf) if is_key(leaf) else leaf, tree)


def _with_keys(tree: Any, like: Any) -> Any:
    def back(leaf: Any, old: Any) -> Any:
        return jax.random.wrap_key_data(leaf, impl=jax.random.key_impl(old)) if is_key(old) else leaf

    return jax.tree.map(back, tree, like)
