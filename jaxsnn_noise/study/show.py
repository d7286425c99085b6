"""What a run found, on the terminal, from the files that it left.

The files may be anybody's: what is read has no control characters when it is printed, and what is not as a run writes it
is told.
"""

from __future__ import annotations

import csv
import json
import math
from pathlib import Path
from typing import Any

from jaxsnn_noise.study.outputs import STATUS, read_status
from jaxsnn_noise.study.protocol import Verdict, interval_text, near_names, printable, refuse
from jaxsnn_noise.verdicts import NOT_MEASURED

ROWS = 40
SIGNS = {
    Verdict.REPRODUCED.value: ("✓", "green"),
    Verdict.NOT_REPRODUCED.value: ("✗", "red"),
    Verdict.UNDECIDED.value: ("?", "yellow"),
}
_TEXTS = ("text", "source", "verdict", "why", "units", "rule", "speaks_for", "error")
_NUMBERS = ("estimate", "low", "high", "spread", "detectable")


def print_run(console: Any, folder: Path) -> None:
    """Print state, claims and tables of a run.

    Args:
        console: A rich console.
        folder: The folder of the run.

    Raises:
        InputError: If the folder holds no run, or its files are damaged.
    """
    if not folder.is_dir():
        near = near_names(folder.name, (f.name for f in folder.parent.glob("*/")))
        refuse("show", f"no such folder (in {folder.parent})", folder.name, known=near)
    if not (folder / STATUS).is_file():
        refuse("show", f"holds no run ({STATUS} is missing)", str(folder))
    status = _clean(read_status(folder, "show"))
    console.print(status.get("title", ""), style="bold", markup=False)
    preset = f", preset {status['preset']}" if status.get("preset") else ""
    stage = f" ({status['stage']})" if status.get("stage", "end") != "end" else ""
    line = f"{status.get('study', '')}{preset}, {status.get('started', '')}, {status.get('state', '')}{stage}"
    console.print(line, markup=False)
    for error in status.get("errors", []):
        console.print(f"error: {error}", style="red", markup=False)
    for note in status.get("notes", []):
        console.print(f"note: {note}", style="yellow", markup=False)
    print_claims(console, folder)
    for file in sorted((folder / "tables").glob("*.csv")):
        _print_table(console, file)
    if (folder / "report.html").is_file():
        console.print(f"\nreport: {printable(str(folder / 'report.html'))}", markup=False, soft_wrap=True)


def print_claims(console: Any, folder: Path) -> None:
    """Print the claims table of a run, if it has come so far.

    Raises:
        InputError: The file is damaged.
    """
    if not (folder / "claims.json").is_file():
        console.print("no claims were judged yet")
        return
    from rich.table import Table
    from rich.text import Text

    found = _claims(folder / "claims.json")
    console.print(f"\n{found['outcome']}\n", markup=False)
    if not found["claims"]:
        return
    table = Table("verdict", "claim", "estimate [interval]", "rule", box=None, pad_edge=False, header_style="bold")
    for row in found["claims"]:
        sign, colour, word = *SIGNS[row["verdict"]], row["verdict"]
        why = f"{row['why']}: " if row["why"] else ""
        if row["why"] == NOT_MEASURED:
            sign, colour, word = "–", "", "not measured"
        table.add_row(
            Text(f"{sign} {word}", style=colour, no_wrap=True),
            Text(f"{row['text']} ({row['source']})"),
            Text("\n".join([interval_text(row["estimate"], row["low"], row["high"], row["units"]), *_weight(row)])),
            Text(f"the judgement failed: {row['error']}" if row["error"] else why + row["rule"]),
        )
    console.print(table)


def _weight(row: dict[str, Any]) -> list[str]:
    """Spread over networks and the smallest difference that could have been seen, where they are known."""
    named = (("spread", "SD over networks"), ("detectable", "could have seen"))
    return [f"{words} {row[name]:.2g} {row['units']}".rstrip() for name, words in named if row[name] is not None]


def _claims(file: Path) -> dict[str, Any]:
    """What the file of claims says, with everything of the kind that it has to be."""
    found = _clean(_json(file))
    outcome, claims = found.get("outcome"), found.get("claims")
    if not isinstance(outcome, str) or not isinstance(claims, list):
        refuse("show", f"{file.name} is damaged: it must have an outcome and a list of claims", sorted(found))
    return {"outcome": outcome, "claims": [_claim(file, row) for row in claims]}


def _claim(file: Path, row: Any) -> dict[str, Any]:
    if not isinstance(row, dict) or not isinstance(row.get("verdict"), str) or row["verdict"] not in SIGNS:
        refuse("show", f"{file.name} is damaged: a claim must be a table with one of the verdicts", row, known=SIGNS)
    texts = {name: row.get(name) or "" for name in _TEXTS}
    numbers = {name: row.get(name) for name in _NUMBERS}
    for name, value in (texts | numbers).items():
        right = isinstance(value, str) if name in texts else value is None or _is_real(value)
        if not right:
            refuse("show", f"{file.name} is damaged: {name} must be {'a text' if name in texts else 'a number'}", value)
    return texts | numbers


def _is_real(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


def _print_table(console: Any, file: Path) -> None:
    from rich.table import Table
    from rich.text import Text

    name = printable(file.stem.replace("_", " "))
    try:
        with file.open(newline="", encoding="utf-8") as lines:
            header, *rows = [[printable(cell) for cell in row] for row in csv.reader(lines)] or [[]]
    except (OSError, ValueError, csv.Error) as error:
        refuse("show", f"the table {name} cannot be read", str(error))
    if any(len(row) != len(header) for row in rows):
        refuse("show", f"the table {name} is damaged: every row must have {len(header)} cells", printable(file.name))
    table = Table(box=None, pad_edge=False, header_style="bold")
    for index, title in enumerate(header):
        numeric = bool(rows) and all(_is_number(row[index]) for row in rows)
        table.add_column(Text(title), justify="right" if numeric else "left")
    for row in rows[:ROWS]:
        table.add_row(*(Text(_rounded(cell)) for cell in row))
    console.print(f"\n{name}", style="bold", markup=False)
    console.print(table)
    if len(rows) > ROWS:
        console.print(f"... {len(rows) - ROWS:,} more rows in {printable(str(file))}", markup=False, soft_wrap=True)


def _json(file: Path) -> dict[str, Any]:
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        refuse("show", f"{file.name} cannot be read", str(error))
    if not isinstance(found, dict):
        refuse("show", f"{file.name} is damaged: it must hold a table", type(found).__name__)
    return found


def _clean(value: Any) -> Any:
    """What was read, with all texts printable."""
    if isinstance(value, str):
        return printable(value)
    if isinstance(value, list):
        return [_clean(one) for one in value]
    return {printable(k): _clean(v) for k, v in value.items()} if isinstance(value, dict) else value


def _is_number(text: str) -> bool:
    try:
        float(text or "nan")
    except ValueError:
        return False
    return True


def _rounded(text: str) -> str:
    if text == "":
        return "NaN"
    return f"{float(text):.4g}" if _is_number(text) and any(mark in text for mark in ".e") else text
