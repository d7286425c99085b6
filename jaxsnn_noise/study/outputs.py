"""The folder of one run: checked before anything is computed, written piece by piece, never half a file.

What has its final name is whole. ``status.json`` says how far the run came.
"""

from __future__ import annotations

import contextlib
import json
import math
import os
import shutil
import tempfile
from collections.abc import Callable, Iterable, Mapping
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jaxsnn_noise import _files
from jaxsnn_noise._files import StoreError, is_full, remove
from jaxsnn_noise.provenance import now
from jaxsnn_noise.study import kept
from jaxsnn_noise.study.environment import scrub
from jaxsnn_noise.study.protocol import StudyError, refuse

if TYPE_CHECKING:
    from xarray import Dataset

    from jaxsnn_noise.study.kept import Data
else:
    Data = Dataset = Any

STATUS = "status.json"
RECORD = "record.json"
CONFIG = "config.toml"
DATA = "data.zarr"
PARTIAL = "partial.zarr"
STAGES = "stages"
LEAST_FREE = 100 * 2**20  # [B] room for figures, report and the tables of a small study
OWN = (
    RECORD, CONFIG, "environment.json", "study", "model.txt", DATA, "data.json", PARTIAL, "partial.json",
    STAGES,
    "claims.json", "claims.csv", "tables", "figures", "methods.txt", "errors.txt", "report.html",
)  # fmt: skip
"""What a run leaves, beside its status, which is never away: a folder without one is somebody's."""


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

    Attributes:
        made: The record of what computes now.
        resumed: Whether there was a run in the folder that goes on.
        say: Shows a line.
    """

    def __init__(self, folder: Path, status: dict[str, Any], *, resumed: bool = False) -> None:
        self.folder = folder
        self.status = status
        self.resumed = resumed
        self.made: dict[str, Any] = {}
        self.say: Callable[[str], None] = lambda text: None
        self._passing: tuple[str, ...] = ()

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

    def remark(self, notes: Iterable[str]) -> None:
        """Say something in the report: for good where it is about how the data came about, else in this one."""
        if self.measured:
            self._passing = tuple(notes)
        else:
            self.status["notes"] += [note for note in notes if note not in self.status["notes"]]

    @property
    def notes(self) -> tuple[str, ...]:
        """What the report has to say."""
        return (*self.status["notes"], *self._passing)

    @property
    def measured(self) -> bool:
        """Whether the measurement is there: what has its name is whole, whatever the status says."""
        return (self.folder / DATA).is_dir()

    def write_data(self, data: Data) -> None:
        """Write what was measured to ``data.zarr``: one dataset at its root, several in groups by name.

        Raises:
            StudyError: If a dataset holds something that Zarr cannot; or if the disk is full, after the data was put
                into the system's temporary folder, if there is room.
        """
        self._keep(DATA, data)
        self.clear_parts()

    def clear_parts(self) -> None:
        """Remove what a measurement kept on its way."""
        remove(self.folder / STAGES)
        remove(self.folder / PARTIAL)
        remove(kept.record_of(self.folder / PARTIAL))

    def read_data(self) -> Data:
        """What ``write_data`` wrote, in memory.

        Raises:
            InputError: It is damaged.
        """
        try:
            return kept.read(self.folder / DATA)
        except kept.Damaged as damage:
            refuse("out", f"the data of this run is damaged ({damage}); --overwrite measures anew", str(self.folder))

    def write_partial(self, dataset: Dataset) -> None:
        """Keep what an interrupted measurement has come to, with NaN for what is missing."""
        self._keep(PARTIAL, dataset)

    def get(self, name: str) -> Dataset | None:
        """A stage kept by an earlier, unfinished run, or ``None``; one that is damaged is told of and forgotten."""
        place = self.folder_of(name).with_suffix(".zarr")
        if not place.is_dir():
            return None
        try:
            return kept.read(place)  # type: ignore[return-value]
        except kept.Damaged as damage:
            self.say(f"{name}: damaged, computed again ({damage})")
            kept.forget(place)
            return None

    def put(self, name: str, dataset: Dataset) -> None:
        """Keep the dataset of a finished stage."""
        self._keep(str(self.folder_of(name).with_suffix(".zarr").relative_to(self.folder)), dataset)

    def stages(self) -> list[Path]:
        """The datasets of finished stages."""
        return sorted((self.folder / STAGES).glob("*.zarr"))

    def has_parts(self) -> bool:
        """Whether something is there that a resumed measurement need not compute again."""
        return any(any(place.iterdir()) for place in (self.folder / STAGES).glob("*/"))

    def folder_of(self, name: str) -> Path:
        """A place for what a stage wants to keep by itself; gone when all is measured."""
        stages = self.folder / STAGES
        stages.mkdir(exist_ok=True)
        return stages / kept.checked_name(name)

    def _keep(self, name: str, data: Data) -> None:
        """Put data into the folder, or, if its disk is full, into the system's temporary one."""
        place = self.folder / name
        try:
            kept.keep(place, data, self.made)
        except Exception as error:
            if not is_full(error):
                raise
            with contextlib.suppress(OSError):
                if not place.exists():
                    remove(kept.record_of(place))
            raise StudyError(self._rescued(name, data)) from error
        self.note_saved(name)

    def _rescued(self, name: str, data: Data) -> str:
        """Put data into the temporary folder; what became of it."""
        full, what = f"the disk of {self.folder} is full", "data" if name == DATA else f"data of {Path(name).stem}"
        try:
            refuge = Path(tempfile.mkdtemp(prefix="jaxsnn_noise-")) / Path(name).name
            kept.keep(refuge, data, self.made)
        except Exception:
            return f"{full}, and the temporary folder too: the {what} is lost"
        record, home = kept.record_of(refuge).name, (self.folder / name).parent
        return f"{full}; the {what} is in {refuge}: make room, move it with {record} beside it to {home}, and --resume"


def prepare(folder: str | Path, existing: Existing = Existing.REFUSE, *, need: int = 0) -> Outputs:
    """Check and open the folder of a run, before anything is computed.

    Args:
        folder: The folder; made if it is not there.
        existing: What to do if there is something in it.
        need: How much room the run needs [B], beyond a floor of 100 MiB.

    Raises:
        InputError: If there is something in the folder and ``existing`` does not allow it (a run that was refused while it was
            set up is nothing), if the folder is no run of this program and should be overwritten or resumed, if it cannot be
            written, or if there is too little room.
    """
    if not isinstance(folder, (str, os.PathLike)) or not str(folder):
        refuse("out", "must be the path of a folder", folder)
    path = Path(folder).expanduser()
    try:
        inside = sorted(_files.opened(path))
        handle, probe = tempfile.mkstemp(prefix=".writable-", suffix=".partial", dir=path)  # a draft, if this is killed
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
    if inside and existing is Existing.REFUSE and not _never_measured(path, inside):
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
        return Outputs(path, {**_new_status(), **read_status(path)}, resumed=True)
    for name in OWN if inside else ():
        remove(path / name)
    return Outputs(path, _new_status())


def _never_measured(path: Path, inside: list[str]) -> bool:
    """A run that was refused while it was set up: it left no result, and nothing of anybody else lies beside it."""
    if STATUS not in inside or set(inside) & {DATA, STAGES} or not set(inside) <= {STATUS, *OWN}:
        return False
    status = read_status(path)
    return status["state"] == "failed" and status["stage"] == "set up"


def to_json(value: Any) -> str:
    """Strict JSON: no finite number becomes ``null``; paths in texts lose home folder and user name."""
    return json.dumps(_plain(value), indent=2, ensure_ascii=False, allow_nan=False) + "\n"


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


_NEW: dict[str, Any] = {
    "state": "running", "stage": "start", "started": "", "study": "", "title": "", "preset": "", "finished": "",
    "saved": [], "errors": [], "notes": [], "seconds": {},
}  # fmt: skip


def _new_status() -> dict[str, Any]:
    return {**json.loads(json.dumps(_NEW)), "started": now()}


def read_status(folder: Path, who: str = "out") -> dict[str, Any]:
    """What the status file of a folder says, with every field of the kind that it has to be.

    Raises:
        InputError: It cannot be read, or holds something else.
    """
    try:
        found = json.loads((folder / STATUS).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        refuse(who, f"{STATUS} cannot be read ({error}); give --overwrite or another folder", str(folder))
    if not isinstance(found, dict):
        refuse(who, f"{STATUS} is damaged: it must hold a table; give --overwrite or another folder", str(folder))
    for name, plain in _NEW.items():
        value = found.get(name, plain)
        inner = value if isinstance(value, list) else list(value.values()) if isinstance(value, dict) else []
        entries = (int, float) if isinstance(plain, dict) else str
        if not isinstance(value, type(plain)) or not all(isinstance(one, entries) for one in inner):
            kinds = {"str": "a text", "list": "a list of texts", "dict": "a table of numbers"}
            kind = kinds[type(plain).__name__]
            refuse(who, f"{STATUS} is damaged: {name} must be {kind} (give --overwrite or another folder)", value)
    return found
