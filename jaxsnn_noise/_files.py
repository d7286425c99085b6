"""A file, or a folder as one thing, is there whole or not at all.

It is written under a name of its own beside its place (so several processes may write the same file at once), flushed
to the disk, and only then renamed: whoever reads finds what was there before, or all of what is there now. After a
failure nothing is left of the draft; a process that is killed leaves one, which no reader takes for a file and
:func:`sweep` clears away.
"""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

_ENDING = ".partial"
_FULL = (errno.ENOSPC, errno.EDQUOT)
_STALE = 24 * 3600.0
"""Age [s] from which on a draft belongs to a process that is gone: one that is written to is younger."""


class StoreError(OSError):
    """A file could not be written; what it was to replace is still there.

    Attributes:
        partial: What a long computation had finished, where one was under way.
    """

    partial: Any = None

    @property
    def reason(self) -> str:
        """Why, in words."""
        return reason(self)


def write(place: Path, content: bytes | Callable[[BinaryIO], Any]) -> None:
    """Put a file in its place, whole or not at all; its folder is there.

    Args:
        place: Where it belongs; what is there is replaced.
        content: What it holds, or a function that writes it to a binary handle.

    Raises:
        StoreError: the file could not be written (a full disk, no permission, ...).
    """
    with draft(place) as path, open(path, "xb") as handle:
        if isinstance(content, bytes):
            handle.write(content)
        else:
            content(handle)
        handle.flush()
        os.fsync(handle.fileno())


@contextmanager
def draft(place: Path) -> Iterator[Path]:
    """A path beside ``place`` to make a file or a folder at, which takes the place when the block ends well.

    A folder cannot be exchanged in one rename, as a file can: the one that was there is moved aside, not away, until the
    new one is in place.

    Raises:
        StoreError: an ``OSError`` in the block, or none of the names could be given.
    """
    path = _name_beside(place)
    try:
        yield path
        if path.is_dir():
            _flush(path)
        _exchange(path, place)
    except OSError as error:
        raise StoreError(error.errno or errno.EIO, f"{place}: {reason(error)}") from error
    finally:
        with contextlib.suppress(OSError):  # the error that led here says more
            remove(path)


def is_draft(place: Path) -> bool:
    """Whether this is the draft of a file, which no one is to read."""
    return place.name.startswith(".") and place.name.endswith(_ENDING)


def opened(folder: Path) -> list[str]:
    """Make a folder, if it is not there, and clear away old drafts; the names of what is in it."""
    folder.mkdir(parents=True, exist_ok=True)
    sweep(folder)
    return [place.name for place in folder.iterdir() if not is_draft(place)]


def sweep(folder: Path) -> None:
    """Clear away drafts that processes left which were killed long ago."""
    for place in folder.iterdir():
        with contextlib.suppress(OSError):  # somebody else's, or gone by now
            if is_draft(place) and time.time() - place.stat().st_mtime > _STALE:
                remove(place)


def remove(place: Path) -> None:
    """Delete a file or a folder with all that is in it, if it is there."""
    if place.is_dir() and not place.is_symlink():
        shutil.rmtree(place)
    else:
        place.unlink(missing_ok=True)


def is_full(error: BaseException | None) -> bool:
    """Whether an error, or one that led to it, says that the disk or the quota is full."""
    while error is not None:
        if isinstance(error, OSError) and error.errno in _FULL:
            return True
        error = error.__cause__ or error.__context__
    return False


def reason(error: OSError) -> str:
    """Why the system refused, in words."""
    if error.errno in _FULL:
        return "the disk is full"
    return str(error) if error.errno is None else os.strerror(error.errno)


def _name_beside(place: Path) -> Path:
    return place.with_name(f".{place.name[:40]}-{secrets.token_hex(6)}{_ENDING}")


def _flush(folder: Path) -> None:
    """All files of the folder are on the disk."""
    for where, _, names in os.walk(folder):
        for name in names:
            with open(Path(where, name), "rb") as handle:
                os.fsync(handle.fileno())


def _exchange(path: Path, place: Path) -> None:
    if not path.is_dir() or not place.is_dir():
        os.replace(path, place)
        return
    aside = _name_beside(place)
    os.rename(place, aside)
    try:
        os.rename(path, place)
    except OSError:
        os.rename(aside, place)
        raise
    remove(aside)
