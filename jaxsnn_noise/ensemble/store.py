"""Keeping the finished chunks of a study on disk, so that a crash, a full disk or Ctrl-C loses nothing.

A store is a folder: ``study.json`` with the fingerprint of the study, and one ``.npz`` file per finished chunk, which is
there whole or not at all. Running the same study on the folder again computes only what is missing; since every number
is addressed, the result has the same bits.
"""

from __future__ import annotations

import json
import os
import urllib.parse
import zipfile
import zlib
from pathlib import Path

import numpy as np

from jaxsnn_noise import _files
from jaxsnn_noise._checks import InputError, fail
from jaxsnn_noise._files import StoreError


class Store:
    """The folder of one study.

    Args:
        path: Folder; made if it does not exist. An existing folder must belong to the same study.
        fingerprint: Hash of everything that determines the numbers.
    """

    def __init__(self, path: str | os.PathLike[str], fingerprint: str):
        self.path = Path(path)
        manifest = self.path / "study.json"
        try:
            # listed before the manifest is looked for: another process that begins now writes its manifest first
            inside = _files.opened(self.path)
            if not manifest.exists():
                if inside:
                    fail("store", "must be empty or hold this study", str(path))
                _files.write(manifest, json.dumps({"fingerprint": fingerprint}).encode())
            self._compare(manifest, fingerprint)
        except OSError as error:
            raise InputError(
                f"store: must be a folder that can be made and written; got {str(path)!r} ({_files.reason(error)})"
            ) from error

    def load(self, name: str) -> dict[str, np.ndarray] | None:
        """The arrays of a finished chunk; ``None`` if there is none that can be read (it is computed again)."""
        try:
            with open(self._file(name), "rb") as handle, np.load(handle) as arrays:
                return {k: arrays[k] for k in arrays.files}
        except (OSError, EOFError, ValueError, zipfile.BadZipFile, zlib.error):
            return None

    def save(self, name: str, arrays: dict[str, np.ndarray]) -> None:
        """Keep the arrays of a finished chunk.

        Raises:
            StoreError: it could not be written; the message says what is safe and how to go on.
        """
        try:
            _files.write(self._file(name), lambda handle: np.savez(handle, allow_pickle=False, **arrays))
        except StoreError as error:
            done = len(list(self.path.glob("*.npz")))
            safe = f"{done} finished chunks are safe, run again with the same store to go on"
            raise StoreError(error.errno, f"store {self.path}: {error.reason}; {safe}") from error

    def _file(self, name: str) -> Path:
        return self.path / f"{urllib.parse.quote(name, safe=' ')}.npz"  # names of cases may hold anything

    def _compare(self, manifest: Path, fingerprint: str) -> None:
        try:
            known = json.loads(manifest.read_text())["fingerprint"]
        except (ValueError, KeyError, TypeError):
            fail("store", "holds a study.json that cannot be read; choose a new folder", str(self.path))
        if known != fingerprint:
            rule = "holds another study (other simulation, axes, key or chunk); choose a new folder"
            fail("store", rule, str(self.path))
