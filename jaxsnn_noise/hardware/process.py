"""Mismatch tables of a process: read from TOML or CSV, units checked, nothing guessed."""

from __future__ import annotations

import csv
import dataclasses
import math
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jaxsnn_noise._checks import fail, one_of, path_of
from jaxsnn_noise.hardware.mosfet import MOSFET

UNITS: dict[str, dict[str, float]] = {
    "voltage times length": {"mV um": 1.0, "V um": 1e3, "mV nm": 1e-3, "V m": 1e9},
    "length": {"um": 1.0, "nm": 1e-3, "m": 1e6},
    "share times length": {"um": 1.0, "% um": 1e-2, "nm": 1e-3, "m": 1e6},
    "voltage": {"mV": 1.0, "V": 1e3, "uV": 1e-3},
    "share": {"1": 1.0, "%": 1e-2},
    "number": {"1": 1.0},
    "voltage per temperature": {"mV/K": 1.0, "V/K": 1e3, "uV/K": 1e-3},
    "per voltage": {"1/V": 1.0, "%/V": 1e-2},
}
"""The units that a quantity may have, and the factor to that of the model."""

TERMS: dict[str, str] = {
    **dict.fromkeys(("vth", "voff"), "voltage times length"),
    **dict.fromkeys(("tox", "gain"), "share times length"),
    **dict.fromkeys(("nfactor", "edge_width", "edge_length", "extra_width", "extra_length"), "length"),
    **dict.fromkeys(("n", "kappa", "n_per_nfactor", "tox_sensitivity", "mobility_exponent"), "number"),
    **dict.fromkeys(("global_vth", "global_vth_common"), "voltage"),
    **dict.fromkeys(("global_tox", "global_gain"), "share"),
    "vth_tempco": "voltage per temperature",
    "supply_sensitivity": "per voltage",
}
"""What a table may say of a transistor, and what kind of quantity that is."""

MAY_BE_NEGATIVE = {"tox_sensitivity", "mobility_exponent", "supply_sensitivity", "extra_width", "extra_length"}
_TEXTS = ("name", "licence", "copyright", "source", "notes")


@dataclasses.dataclass(frozen=True)
class Process:
    """The transistors of a process, as its table says them.

    Attributes:
        name: Of the process.
        corners: The corners that a transistor may be asked for; empty where the table has one set of numbers.
        entries: From transistors to corners (``""`` for what holds in all) to terms, in the units of :class:`MOSFET`.
        bins: Which geometry the numbers of a transistor are of, in the words of the table.
        licence: Of the table.
        copyright: Of the table.
        source: Where the numbers are from.
        notes: What was left out, or assumed.
    """

    name: str
    corners: tuple[str, ...]
    entries: Mapping[str, Mapping[str, Mapping[str, float]]]
    bins: Mapping[str, str]
    licence: str = ""
    copyright: str = ""
    source: str = ""
    notes: str = ""

    @property
    def transistors(self) -> tuple[str, ...]:
        """Their names."""
        return tuple(self.entries)

    def transistor(self, name: str, *, corner: str | None = None) -> MOSFET:
        """One transistor.

        Args:
            name: One of :attr:`transistors`.
            corner: One of :attr:`corners`; must be said where there are some, and left out where there are none.

        Raises:
            InputError: an unknown name (with near matches); a corner that is missing, or that the table has not.
        """
        who = f"process {self.name!r}"
        one_of(who, name, self.entries)
        if self.corners and corner is None:
            fail(f"{who}.corner", "must be chosen: the table has several", None, known=self.corners)
        if corner is not None and not self.corners:
            fail(f"{who}.corner", "must be left out: the table has no corners", corner)
        if corner is not None:
            one_of(f"{who}.corner", corner, self.corners)
        known = self.entries[name]
        if corner is not None and known.keys() - {""} and corner not in known:
            fail(f"{who}.{name}.corner", "is not in the table", corner, known=known.keys() - {""})
        said: dict[str, Any] = {**known.get("", {}), **known.get(corner or "", {})}
        said |= {"name": name, "process": self.name, "corner": corner or "", "bin": self.bins.get(name, "")}
        return MOSFET(**said)


def read_process(file: str | Path) -> Process:
    """A table of a process from a file, by its ending ``.toml`` or ``.csv``.

    In TOML every entry is a value with its unit; what differs between corners stands below them::

        name = "mine"
        source = "..."

        [transistors.nfet]
        n = {value = 1.36, unit = "1"}
        vth = {value = 3.4, unit = "mV um"}
        corners.subvt.voff = {value = 7.0, unit = "mV um"}

    A CSV file has the columns ``transistor``, ``term``, ``value``, ``unit``, and may have ``corner``; the process is called as the
    file. Terms and their units:

    ======================================== ==========================================
    ``vth``, ``voff``                        mV um, V um, mV nm, V m
    ``tox``, ``gain``                        um, % um, nm, m
    ``nfactor``, ``edge_width``,             um, nm, m
    ``edge_length``, ``extra_width``,
    ``extra_length``
    ``n`` or ``kappa = 1/n``,                1
    ``n_per_nfactor``, ``tox_sensitivity``,
    ``mobility_exponent``
    ``vth_tempco``                           mV/K, V/K, uV/K
    ``global_vth``, ``global_vth_common``    mV, V, uV
    ``global_tox``, ``global_gain``          1, %
    ``supply_sensitivity``                   1/V, %/V
    ======================================== ==========================================

    ``vth`` and one of ``n`` and ``kappa`` must be there; see :class:`MOSFET` for what each is.

    Raises:
        InputError: no such file, another ending, no valid file; a term that the model lacks (with near matches); a value that is missing, no
            number, or negative where it may not be; a unit that is missing or unknown.
    """
    path = path_of("read_process", file)
    if not path.is_file():
        fail("read_process", "must be a file", str(path))
    if path.suffix == ".toml":
        try:
            return process_of(str(path), tomllib.loads(path.read_text(encoding="utf-8")), path.stem)
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            fail(str(path), f"must be valid TOML: {error}", path.name)
    if path.suffix == ".csv":
        return process_of(str(path), _from_csv(path), path.stem)
    fail("read_process", "must end in .toml or .csv", path.name)


def process_of(who: str, said: Mapping[str, Any], name: str) -> Process:
    """A table as nested mappings, in the form of TOML."""
    for key in said:
        one_of(who, key, (*_TEXTS, "transistors"))
    texts = {key: _text(f"{who}: {key}", said[key]) for key in _TEXTS if key in said}
    found = said.get("transistors")
    if not isinstance(found, Mapping) or not found:
        fail(who, "must have a table [transistors.NAME] at least", found)
    entries, bins, corners = {}, {}, []
    for transistor, one in found.items():
        here = f"{who}: {transistor}"
        if not isinstance(one, Mapping):
            fail(here, "must be a table of terms", one)
        below = one.get("corners", {})
        if not isinstance(below, Mapping) or not all(isinstance(terms, Mapping) for terms in below.values()):
            fail(f"{here}.corners", "must be tables of terms by corner", below)
        plain = {key: value for key, value in one.items() if key not in ("corners", "bin")}
        entries[transistor] = {"": _terms(here, plain)}
        for corner, terms in below.items():
            entries[transistor][corner] = _terms(f"{here}.{corner}", terms)
        bins[transistor] = _text(f"{here}.bin", one.get("bin", ""))
        corners += [corner for corner in below if corner not in corners]
        for corner in below or ("",):
            _complete(
                here + (f".{corner}" if corner else ""), {**entries[transistor][""], **entries[transistor][corner]}
            )
    return Process(texts.pop("name", name), tuple(corners), entries, bins, **texts)


def _terms(who: str, said: Mapping[str, Any]) -> dict[str, float]:
    found = {}
    for term, entry in said.items():
        one_of(who, term, TERMS)
        value = _value(f"{who}.{term}", term, entry)
        if term == "kappa":
            if not 0 < value < 1:
                fail(f"{who}.kappa", "must lie in (0, 1) [1]", value)
            term, value = "n", 1.0 / value
        if term in found:
            fail(f"{who}.{term}", "must be said once: n is 1/kappa", sorted(said))
        found[term] = value
    return found


def _value(who: str, term: str, entry: Any) -> float:
    units = UNITS[TERMS[term]]
    if not isinstance(entry, Mapping) or entry.keys() != {"value", "unit"}:
        fail(who, f"must have a value and a unit, {{value = ..., unit = {' or '.join(map(repr, units))}}}", entry)
    value, unit = entry["value"], entry["unit"]
    one_of(f"{who}.unit", unit, units)
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        fail(f"{who}.value", f"must be a finite number [{unit}]", value)
    if value < 0 and term not in MAY_BE_NEGATIVE:
        fail(f"{who}.value", f"must be >= 0 [{unit}]", value)
    return float(value) * units[unit]


def _complete(who: str, terms: Mapping[str, float]) -> None:
    if "vth" not in terms:
        fail(who, "must say vth [mV um], the threshold's mismatch", sorted(terms))
    if "n" not in terms:
        fail(who, "must say n or kappa [1], the slope of weak inversion", sorted(terms))
    if terms["n"] <= 1:
        fail(f"{who}.n", "must be > 1 [1]", terms["n"])
    if terms.get("nfactor", 0.0) > 0 and "n_per_nfactor" not in terms:
        fail(f"{who}.nfactor", "needs n_per_nfactor [1]: how far n moves with it", terms["nfactor"])


def _text(who: str, value: Any) -> str:
    if not isinstance(value, str):
        fail(who, "must be a text", value)
    return value


def _from_csv(path: Path) -> dict[str, Any]:
    """The rows of a file as nested mappings."""
    with path.open(newline="", encoding="utf-8") as lines:
        rows = list(csv.DictReader(line for line in lines if not line.lstrip().startswith("#")))
    wanted, known = ["transistor", "term", "value", "unit"], ["transistor", "corner", "term", "value", "unit"]
    columns = [str(name).strip() for name in (rows[0] if rows else [])]
    for name in wanted:
        if name not in columns:
            fail(str(path), f"must have the columns {', '.join(wanted)} and at least one row", columns)
    for name in columns:
        one_of(f"{path}: column", name, known)
    found: dict[str, Any] = {}
    for number, row in enumerate(rows, 1):
        said = {str(key).strip(): (value or "").strip() for key, value in row.items()}
        here = found.setdefault(said["transistor"], {})
        if said.get("corner"):
            here = here.setdefault("corners", {}).setdefault(said["corner"], {})
        if said["term"] in here:
            fail(f"{path}: row {number}", "must say a term once", said["term"])
        try:
            value = float(said["value"])
        except ValueError:
            fail(f"{path}: row {number}: {said['term']}", "must have a number as its value", said["value"])
        here[said["term"]] = {"value": value, "unit": said["unit"]}
    return {"transistors": found}
