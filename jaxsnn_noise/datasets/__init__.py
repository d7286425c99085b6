"""Data that ships with the package, and readers of full sets that lie in a folder.

:func:`load` gives each set by name, as a frozen value with named arrays. Every set lies in its own folder of
``jaxsnn_noise/data`` beside its licence and origin; its checksum is compared at each load. Nothing is ever downloaded.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal, overload

from jaxsnn_noise._checks import fail, one_of
from jaxsnn_noise.datasets import _files
from jaxsnn_noise.datasets.images import ImageSet, LabelledImages, embedded, from_folder
from jaxsnn_noise.datasets.mismatch import MismatchTable, Transistor, pdk_mismatch
from jaxsnn_noise.datasets.processes import processes
from jaxsnn_noise.datasets.recordings import (
    Grasshopper,
    JapaneseVowels,
    Motoneuron,
    SoundRecording,
    Utterances,
    grasshopper,
    japanese_vowels,
    motoneuron,
)
from jaxsnn_noise.hardware import Process

__all__ = [
    "Grasshopper",
    "ImageSet",
    "JapaneseVowels",
    "LabelledImages",
    "MismatchTable",
    "Motoneuron",
    "SoundRecording",
    "Transistor",
    "Utterances",
    "licences",
    "load",
    "names",
]

_WITH_FOLDER = ("mnist", "fashion")
_LOADERS: dict[str, Callable[[], Any]] = {
    "mnist": lambda: embedded("mnist"),
    "fashion": lambda: embedded("fashion"),
    "digits": lambda: embedded("digits"),
    "japanese_vowels": japanese_vowels,
    "motoneuron": motoneuron,
    "grasshopper": grasshopper,
    "pdk_mismatch": pdk_mismatch,
    "processes": processes,
}


def names() -> tuple[str, ...]:
    """The names that :func:`load` knows."""
    return tuple(_LOADERS)


def licences() -> dict[str, str]:
    """The licence of each data set, as an SPDX expression."""
    return {name: entry["licence"] for name, entry in _files.manifest().items()}


@overload
def load(name: Literal["mnist", "fashion", "digits"], *, root: str | Path | None = None) -> ImageSet: ...
@overload
def load(name: Literal["japanese_vowels"], *, root: None = None) -> JapaneseVowels: ...
@overload
def load(name: Literal["motoneuron"], *, root: None = None) -> Motoneuron: ...
@overload
def load(name: Literal["grasshopper"], *, root: None = None) -> Grasshopper: ...
@overload
def load(name: Literal["pdk_mismatch"], *, root: None = None) -> MismatchTable: ...
@overload
def load(name: Literal["processes"], *, root: None = None) -> dict[str, Process]: ...
@overload
def load(name: str, *, root: str | Path | None = None) -> Any: ...
def load(name: str, *, root: str | Path | None = None) -> Any:
    """The data set ``name``.

    Args:
        name: one of :func:`names`.
        root: for ``mnist`` and ``fashion``, a folder with the four idx files of the full set (plain or gzipped, under
            their usual names); without it, the embedded class-balanced subset.

    Returns:
        ``mnist``, ``fashion``, ``digits``: :class:`ImageSet`. ``japanese_vowels``: :class:`JapaneseVowels`.
        ``motoneuron``: :class:`Motoneuron`. ``grasshopper``: :class:`Grasshopper`. ``pdk_mismatch``:
        :class:`MismatchTable`. ``processes``: :class:`~jaxsnn_noise.hardware.Process` by name.

    Raises:
        InputError: unknown name (with near matches); missing, truncated or damaged file; ``root`` where none is read.
    """
    one_of("dataset", name, _LOADERS)
    if root is None:
        return _LOADERS[name]()
    if name not in _WITH_FOLDER:
        fail("root", f"only {' and '.join(_WITH_FOLDER)} read a folder; {name} ships whole", str(root))
    return from_folder(name, root)


def __dir__() -> list[str]:
    return __all__
