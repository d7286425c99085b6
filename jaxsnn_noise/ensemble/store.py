"""Keeping the finished chunks of a study on disk, so that a crash, a full disk or Ctrl-C loses nothing.

A store is a folder. ``study.json`` says in plain text what it is: axes, configuration, versions. ``grid.jsnn`` is the grid, as
:func:`jaxsnn_noise.save` writes it, for replays. Each finished chunk is one ``.npz`` file, there whole or not at all, which says
itself whose it is: its header has the identity of the study, the marks of its members, shapes and types of its arrays, the
versions that computed it, and a checksum of all. What does not fit is told and computed again. Members are found by their
marks, so the same store serves a study that has more trials, devices, samples or values than before.

Several processes may share a store: a chunk that another one began (it leaves a note of that) comes last, and what another one
finished is taken over.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import urllib.parse
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from jaxsnn_noise import _files, provenance
from jaxsnn_noise._checks import InputError, fail
from jaxsnn_noise._files import StoreError
from jaxsnn_noise.ensemble.identity import Study, differences

FORMAT = 2
MANIFEST, GRID = "study.json", "grid.jsnn"
_HEADER = "header"
_CLAIM = ".claim"


@dataclass(frozen=True)
class Kept:
    """A chunk in a store.

    Attributes:
        file: Where it lies.
        case: Of which case it is.
        marks: Of its members, by axis in the order of its dimensions.
        device: What computed it.
    """

    file: Path
    case: str
    marks: dict[str, list[str]]
    device: str


class Store:
    """The folder of a study.

    Args:
        path: Folder, ``~`` for the home folder; made if it does not exist. An existing one must belong to the same study.
        studies: What tells the study of each case from others.

    Attributes:
        refused: From files that are not used to the reason.
        outdated: Versions that computed what is here, if they are others than these.

    Raises:
        InputError: the folder holds something else, another study (old and new values are told), or cannot be written.
    """

    def __init__(self, path: str | os.PathLike[str], studies: Mapping[str, Study]):
        self.path, self.studies = Path(path).expanduser(), studies
        self.refused: dict[str, str] = {}
        self.outdated: dict[str, str] = {}
        self.versions = {k: v for k, v in provenance.versions().items() if k in DECIDING}
        self.manifest = self.path / MANIFEST
        with self._usable():
            # listed before the manifest is looked for: another process that begins now writes its manifest first
            inside = [name for name in _files.opened(self.path) if not name.endswith(_CLAIM)]
            if self.manifest.exists():
                self._read()
            elif inside:
                fail("store", "must be empty or hold this study", str(self.path))

    def begin(self, about: Mapping[str, Any]) -> None:
        """Write down what the store is, before it gets chunks.

        Args:
            about: What else the manifest says, in plain data.
        """
        with self._usable():
            known: dict[str, Any] = self._read() if self.manifest.exists() else {}
            new: dict[str, Any] = {"format": FORMAT, "what": WHAT, "begun": provenance.now(), "cases": {}} | known
            new["cases"] = new["cases"] | {case: study.told() for case, study in self.studies.items()}
            new |= {**about, "versions": self.versions}
            if new != known:
                _files.write(self.manifest, json.dumps(new, indent=1, ensure_ascii=False).encode())

    @contextlib.contextmanager
    def _usable(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            rule = f"must be a folder that can be made and written; got {str(self.path)!r} ({_files.reason(error)})"
            raise InputError(f"store: {rule}") from error

    def chunks(self) -> Iterator[Kept]:
        """What is there of these cases; what does not fit is told in ``refused``."""
        for file in sorted(self.path.glob("*.npz")):
            try:
                with open(file, "rb") as handle, np.load(handle, allow_pickle=False) as content:
                    header = json.loads(content[_HEADER].tobytes())
                if header["case"] not in self.studies:
                    continue
                if (reason := self._unfit(file, header)) is None:
                    marks = {axis: list(marks) for axis, marks in header["axes"]}
                    yield Kept(file, header["case"], marks, str(header["device"]))
                else:
                    self.refused[file.name] = reason
            except Exception as error:  # whatever damage makes a reader do
                self.refused[file.name] = f"damaged ({type(error).__name__})"

    def load(self, file: Path, fields: Mapping[str, Any]) -> dict[str, np.ndarray] | None:
        """The arrays of a chunk; ``None`` if it is not whole and what it says it is, which is told in ``refused``.

        Args:
            file: Its file.
            fields: What there must be: from names to shape and dtype of one member's array.
        """
        try:
            with open(file, "rb") as handle, np.load(handle, allow_pickle=False) as content:
                header = json.loads(content[_HEADER].tobytes())
                arrays = {k: content[k] for k in content.files if k != _HEADER}
            members = tuple(len(marks) for _, marks in header["axes"])
            wanted = {k: (members + tuple(f.shape), np.dtype(f.dtype)) for k, f in fields.items()}
            if (reason := self._unfit(file, header)) is not None:
                self.refused[file.name] = reason
            elif {k: (a.shape, a.dtype) for k, a in arrays.items()} != wanted:
                self.refused[file.name] = "damaged (other arrays than those of the study)"
            elif header.pop("checksum") != _checksum(header, arrays):
                self.refused[file.name] = "damaged (its checksum does not fit)"
            else:
                return arrays
        except FileNotFoundError:
            pass
        except Exception as error:  # whatever damage makes a reader do
            self.refused[file.name] = f"damaged ({type(error).__name__})"
        return None

    def save(
        self, case: str, marks: Mapping[str, Sequence[str]], ranges: str, arrays: Mapping[str, np.ndarray]
    ) -> None:
        """Keep a finished chunk.

        Raises:
            StoreError: it could not be written; the message says what is safe and how to go on.
        """
        name = self.name(case, marks, ranges)
        header = {
            "case": case, "study": self.studies[case].fingerprint, "axes": [[k, list(v)] for k, v in marks.items()],
            "ranges": ranges, "versions": self.versions, "device": provenance.device(),
        }  # fmt: skip
        told = {**header, "checksum": _checksum(header, arrays)}
        content = {_HEADER: np.frombuffer(json.dumps(told).encode(), np.uint8), **arrays}
        try:
            _files.write(self.path / name, lambda handle: np.savez(handle, allow_pickle=False, **content))
        except StoreError as error:
            done = len(list(self.path.glob("*.npz")))
            safe = (
                f"{done} finished chunk{'s are' if done != 1 else ' is'} safe, run again with the same store to go on"
            )
            raise StoreError(error.errno, f"store {self.path}: {error.reason}; {safe}") from error
        with contextlib.suppress(OSError):
            self._claim(name).unlink()

    def name(self, case: str, marks: Mapping[str, Sequence[str]], ranges: str) -> str:
        """The name of a chunk's file: its case and the ranges of its indices, for people, and a hash of its members' marks."""
        digest = hashlib.blake2b(json.dumps([case, list(marks.items())]).encode(), digest_size=6).hexdigest()
        plain = urllib.parse.quote(f"{case}.{ranges}" if case else ranges, safe=" =,")  # cases may be called anything
        return f"{plain[:120]}.{digest}.npz"

    def claim(self, name: str) -> bool:
        """Note that this process computes a chunk; ``False`` if another one noted that before."""
        try:
            os.close(os.open(self._claim(name), os.O_CREAT | os.O_EXCL | os.O_WRONLY))
        except FileExistsError:
            return False
        except OSError:  # a note is a courtesy
            return True
        return True

    def release(self) -> None:
        """Take notes of processes away that are no more needed: those of chunks that are there."""
        for claim in self.path.glob(f".*{_CLAIM}"):
            if (self.path / claim.name[1 : -len(_CLAIM)]).exists():
                claim.unlink(missing_ok=True)

    def _claim(self, name: str) -> Path:
        return self.path / f".{name}{_CLAIM}"

    def _unfit(self, file: Path, header: Mapping[str, Any]) -> str | None:
        """Why a chunk is not used, by what its header says; ``None``: it may be."""
        case, marks = header["case"], dict(header["axes"])
        if case not in self.studies or header["study"] != self.studies[case].fingerprint:
            return "of another study"
        if header["versions"] != self.versions:
            return "computed by other versions"
        return None if file.name == self.name(case, marks, header["ranges"]) else "renamed or copied"

    def _read(self) -> dict[str, Any]:
        """What the manifest says, if it is of this study."""
        try:
            known = json.loads(self.manifest.read_text(encoding="utf-8"))
            cases = {case: Study.of(told) for case, told in known["cases"].items()}
            form, versions = known["format"], dict(known["versions"])
        except (ValueError, KeyError, TypeError, AttributeError):
            fail("store", f"holds a {MANIFEST} that cannot be read; choose a new folder", str(self.path))
        if form != FORMAT:
            fail(
                "store",
                f"holds a study in format {form}, this version writes {FORMAT}; choose a new folder",
                str(self.path),
            )
        if versions != self.versions:
            self.outdated = {k: v for k, v in versions.items() if self.versions.get(k) != v}
        for case, study in self.studies.items():
            if case in cases and (other := differences(cases[case], study, versions_differ=bool(self.outdated))):
                rule = "holds another study; choose a new folder. It differs (there -> here) in " + "; ".join(other)
                fail("store", rule, str(self.path))
        return dict(known)


WHAT = (
    "Finished chunks of a Monte Carlo study of jaxsnn_noise. Run the same study with store= this folder: what is here is taken "
    "over, also if the axes have grown. Each .npz file holds the arrays of a chunk of members, and a header (JSON)."
)
DECIDING = ("jaxsnn_noise", "jax", "jaxlib")
"""What computes the numbers of a chunk: one of other versions is computed again."""


def ranges(names: Sequence[str], indices: Sequence[np.ndarray]) -> str:
    """Indices along every axis in words that a file may be called: ``device=0-15,trial=7``."""

    def words(at: np.ndarray) -> str:
        return f"{at[0]}" if len(at) == 1 else f"{at[0]}-{at[-1]}"

    told = ",".join(
        f"{re.sub(r'[^A-Za-z0-9_]', '_', name)}={words(at)}" for name, at in zip(names, indices, strict=True)
    )
    return told or "all"


def _checksum(header: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> str:
    digest = hashlib.blake2b(json.dumps(header, sort_keys=True).encode(), digest_size=16)
    for name in sorted(arrays):
        array = np.ascontiguousarray(arrays[name])
        digest.update(f"{name}{array.shape}{array.dtype.str}".encode())
        digest.update(array.tobytes())
    return digest.hexdigest()
