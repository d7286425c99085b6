"""The folder of one run: checked before anything is computed, written piece by piece, never half a file.

What has its final name is whole. ``status.json`` says how far the run came.
"""

from __future__ import annotations

import json
import math
import os
import re
import shutil
import tempfile
from collections.abc import Mapping
from datetime import UTC, datetime
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jaxsnn_noise import _files
from jaxsnn_noise._files import StoreError, is_full, remove
from jaxsnn_noise.study.environment import scrub
from jaxsnn_noise.study.protocol import StudyError, refuse

if TYPE_CHECKING:
    from xarray import Dataset
else:
    Dataset = Any

STATUS = "status.json"
LEAST_FREE = 100 * 2**20  # [B] room for figures, report and the tables of a small study
OWN = (
    STATUS, "config.toml", "environment.json", "study", "model.txt", "data.zarr", "partial.zarr", "stages",
    "claims.json", "claims.csv", "tables", "figures", "methods.txt", "errors.txt", "report.html",
)  # fmt: skip


class Existing(Enum):
    """What to do with an output folder in which there is something already."""

    REFUSE = "refuse"
    OVERWRITE = "overwrite"
    RESUME = "resume"


class Outputs:
    """The files of one run; made by ``prepare``.

    Args:
        folder: Where they lie.
        status: What ``status.json`` says.
    """

    def __init__(self, folder: Path, status: dict[str, Any]) -> None:
        self.folder = folder
        self.status = status

    def write(self, name: str, content: str | bytes) -> Path:
        """Write a file, whole or not at all; folders are made."""
        place = self.folder / name
        place.parent.mkdir(parents=True, exist_ok=True)
        _files.write(place, content.encode("utf-8") if isinstance(content, str) else content)
        if name != STATUS:
            self.note_saved(name)
        return place

    def note_saved(self, name: str) -> None:
        """Remember that a file is there, for the message of a run that ends early."""
        if name not in self.status["saved"]:
            self.status["saved"].append(name)

    def update(self, **changes: Any) -> None:
        """Change ``status.json``."""
        self.status.update(changes)
        self.write(STATUS, to_json(self.status))

    def note(self, **changes: Any) -> None:
        """Change ``status.json`` if there is room: a full disk must not cost what it is about to say."""
        try:
            self.update(**changes)
        except StoreError as error:
            if not is_full(error):
                raise

    def write_data(self, data: Dataset | Mapping[str, Dataset]) -> None:
        """Write what was measured to ``data.zarr``: one dataset at its root, several in groups by name.

        Raises:
            StudyError: If a dataset holds something that Zarr cannot; or if the disk is full, after the data was put
                into the system's temporary folder, if there is room.
        """
        place = self.folder / "data.zarr"
        try:
            with _files.draft(place) as draft:
                _write_zarr(draft, data)
        except Exception as error:
            if not is_full(error):
                raise
            raise StudyError(self._rescued(data)) from error
        remove(self.folder / "stages")
        remove(self.folder / "partial.zarr")
        self.note_saved("data.zarr")
        self.update(datasets=list(data) if _several(data) else None, measured=True)

    def read_data(self) -> Dataset | dict[str, Dataset]:
        """What ``write_data`` wrote, in memory."""
        from jaxsnn_noise.ensemble.files import read_zarr

        names = self.status["datasets"]
        place = self.folder / "data.zarr"
        return read_zarr(place, None) if names is None else {name: read_zarr(place, name) for name in names}

    def _rescued(self, data: Dataset | Mapping[str, Dataset]) -> str:
        try:
            refuge = Path(tempfile.mkdtemp(prefix="jaxsnn_noise-")) / "data.zarr"
            _write_zarr(refuge, data)
        except Exception:
            return f"the disk of {self.folder} is full, and the temporary folder too: the data is lost"
        return f"the disk of {self.folder} is full; the data is in {refuge}: move it to a place that lasts"

    def write_partial(self, dataset: Dataset) -> None:
        """Keep what an interrupted measurement has come to, with NaN for what is missing."""
        self._move_in(self.folder / "partial.zarr", dataset)

    def get(self, name: str) -> Dataset | None:
        """A stage kept by an earlier, unfinished run, or ``None``."""
        from jaxsnn_noise.ensemble.files import read_zarr

        place = self.folder_of(name).with_suffix(".zarr")
        return read_zarr(place, None) if place.is_dir() else None

    def put(self, name: str, dataset: Dataset) -> None:
        """Keep the dataset of a finished stage."""
        self._move_in(self.folder_of(name).with_suffix(".zarr"), dataset)

    def folder_of(self, name: str) -> Path:
        """A place for what a stage wants to keep by itself; gone when all is measured."""
        stages = self.folder / "stages"
        stages.mkdir(exist_ok=True)
        return stages / _group(name)

    def _move_in(self, place: Path, dataset: Dataset) -> None:
        with _files.draft(place) as draft:
            _write_zarr(draft, dataset)
        self.note_saved(str(place.relative_to(self.folder)))


def prepare(folder: str | Path, existing: Existing = Existing.REFUSE, *, need: int = 0) -> Outputs:
    """Check and open the folder of a run, before anything is computed.

    Args:
        folder: The folder; made if it is not there.
        existing: What to do if there is something in it.
        need: How much room the run needs [B], beyond a floor of 100 MiB.

    Raises:
        InputError: If there is something in the folder and ``existing`` does not allow it, if the folder is no run of
            this program and should be overwritten or resumed, if it cannot be written, or if there is too little room.
    """
    path = Path(folder).expanduser()
    try:
        inside = sorted(_files.opened(path))
        handle, probe = tempfile.mkstemp(prefix=".writable-", dir=path)
        os.close(handle)
        os.unlink(probe)
    except OSError as error:
        refuse("out", f"cannot be written ({_files.reason(error)})", str(folder))
    free = shutil.disk_usage(path).free
    if free < max(need, LEAST_FREE):
        refuse(
            "out",
            f"needs {max(need, LEAST_FREE) / 2**20:,.0f} MiB of free disk",
            f"{free / 2**20:,.0f} MiB in {folder}",
        )
    if inside and existing is Existing.REFUSE:
        refuse(
            "out",
            "must be a new or empty folder (or give --overwrite, --resume, or another --out)",
            str(folder),
        )
    if inside and STATUS not in inside:
        refuse(
            "out",
            f"holds no run ({STATUS} is missing), so it is neither resumed nor overwritten",
            str(folder),
        )
    if inside and existing is Existing.RESUME:
        return Outputs(path, {**_new_status(), **_read_status(path)})
    for name in OWN if inside else ():
        remove(path / name)
    return Outputs(path, _new_status())


def to_json(value: Any) -> str:
    """Strict JSON: no finite number becomes ``null``; paths in texts lose home folder and user name."""
    return json.dumps(_plain(value), indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def now() -> str:
    """The time, in UTC to the second."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(v) for v in value]
    if hasattr(value, "tolist"):  # arrays and scalars of NumPy and JAX
        return _plain(value.tolist())
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if value is None or isinstance(value, (bool, int)):
        return value
    return scrub(str(value))


def _new_status() -> dict[str, Any]:
    progress = {"state": "running", "stage": "start", "started": now(), "measured": False, "datasets": None}
    return {**progress, "saved": [], "seconds": {}, "errors": []}


def _read_status(path: Path) -> dict[str, Any]:
    try:
        return dict(json.loads((path / STATUS).read_text(encoding="utf-8")))
    except (OSError, ValueError) as error:
        refuse("out", f"{STATUS} cannot be read ({error}); give --overwrite or another --out", str(path))


def _several(data: Any) -> bool:
    return isinstance(data, Mapping) and not hasattr(data, "data_vars")  # a Dataset is a Mapping too


def _group(name: str) -> str:
    if not re.fullmatch(r"\w[\w-]*", name):
        refuse("dataset", "a name consists of letters, digits, _ and -", name)
    return name


def _write_zarr(place: Path, data: Dataset | Mapping[str, Dataset]) -> None:
    import zarr

    from jaxsnn_noise.ensemble.files import write_zarr

    parts: dict[str | None, Any] = {_group(str(k)): v for k, v in data.items()} if _several(data) else {None: data}
    if None not in parts:
        zarr.open_group(str(place), mode="w", zarr_format=3)
    for name, dataset in parts.items():
        try:
            write_zarr(place, dataset, group=name)
        except (TypeError, ValueError) as error:
            raise StudyError(f"dataset {name or ''}: cannot be saved as Zarr: {error}") from error
