"""Datasets that a run keeps: each with a record of what made it and of what every file of it has to be.

Zarr takes a file that is not there for an array of zeros. So the record, ``NAME.json`` beside ``NAME.zarr``, has a checksum
of each file, and is written first: a dataset that is there has one.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jaxsnn_noise import _files
from jaxsnn_noise.study.made import is_record
from jaxsnn_noise.study.protocol import StudyError, refuse

if TYPE_CHECKING:
    from xarray import Dataset

    Data = Dataset | Mapping[str, Dataset]
else:
    Dataset = Data = Any


class Damaged(Exception):
    """What is kept is not what was written; the message says why."""


def keep(place: Path, data: Data, made: Mapping[str, Any]) -> None:
    """Write one dataset, or several as groups by name, to ``place`` (``*.zarr``), whole or not at all.

    Raises:
        StudyError: A dataset holds something that Zarr cannot.
        StoreError: The system refused; a full disk, say.
    """
    with _files.draft(place) as draft:
        _write(draft, data)
        record = {"made": made, "datasets": list(data) if several(data) else None, "sha256": _sums(draft)}
        _files.write(record_of(place), json.dumps(record, indent=1).encode())


def read(place: Path) -> Data:
    """What :func:`keep` wrote, in memory.

    Raises:
        Damaged: It is not whole.
    """
    from jaxsnn_noise.ensemble.files import read_zarr

    record = _record(place)
    found, names = _sums(place), record["datasets"]
    if wrong := sorted(n for n in found.keys() | record["sha256"].keys() if found.get(n) != record["sha256"].get(n)):
        gone = [name for name in wrong if name not in found]
        said = f"{wrong[0]} is {'gone' if gone else 'not as it was written'}"
        raise Damaged(f"{place.name}: {said}" + (f" (and {len(wrong) - 1} more)" if len(wrong) > 1 else ""))
    try:
        return read_zarr(place, None) if names is None else {name: read_zarr(place, name) for name in names}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise Damaged(f"{place.name} cannot be read ({error})") from error


def made_of(place: Path) -> dict[str, Any]:
    """The record of what made a dataset.

    Raises:
        Damaged: There is none, or it cannot be read.
    """
    made = _record(place).get("made")
    if made is None or not is_record(made):
        raise Damaged(f"{record_of(place).name} does not say what made {place.name}")
    return dict(made)


def record_of(place: Path) -> Path:
    """The file beside a dataset that says what it is."""
    return place.with_suffix(".json")


def forget(place: Path) -> None:
    """Delete a dataset and its record."""
    _files.remove(place)
    _files.remove(record_of(place))


def several(data: Any) -> bool:
    """Whether this is a dict of datasets (a dataset is a mapping too)."""
    return isinstance(data, Mapping) and not hasattr(data, "data_vars")


def checked_name(name: str) -> str:
    """A name that stays inside of its folder.

    Raises:
        InputError: Any other.
    """
    if not re.fullmatch(r"\w[\w-]*", name):
        refuse("dataset", "a name consists of letters, digits, _ and -", name)
    return name


def _record(place: Path) -> dict[str, Any]:
    file = record_of(place)
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise Damaged(f"{file.name}, which says what {place.name} is, is gone") from None
    except (OSError, ValueError, RecursionError) as error:
        raise Damaged(f"{file.name} cannot be read ({error})") from error
    names = found.get("datasets") if isinstance(found, dict) else 0
    listed = names is None or (isinstance(names, list) and all(isinstance(n, str) for n in names))
    if not isinstance(found, dict) or not isinstance(found.get("sha256"), dict) or not listed:
        raise Damaged(f"{file.name} is not what a run writes")
    return found


def _sums(folder: Path) -> dict[str, str]:
    """SHA-256 of every file of a folder, by its name in it."""
    return {
        f.relative_to(folder).as_posix(): hashlib.sha256(f.read_bytes()).hexdigest()
        for f in sorted(folder.rglob("*"))
        if f.is_file()
    }


def _write(place: Path, data: Data) -> None:
    import zarr

    from jaxsnn_noise.ensemble.files import write_zarr

    parts: dict[str | None, Any] = {checked_name(str(k)): v for k, v in data.items()} if several(data) else {None: data}
    if None not in parts:
        zarr.open_group(str(place), mode="w", zarr_format=3)
    for name, dataset in parts.items():
        try:
            write_zarr(place, dataset, group=name)
        except (TypeError, ValueError) as error:
            raise StudyError(f"dataset {name or ''}: cannot be saved as Zarr: {error}") from error
