"""What a run found, on the terminal, from the files that it left."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

from jaxsnn_noise.study.outputs import STATUS
from jaxsnn_noise.study.protocol import Verdict, interval_text, near_names, refuse

ROWS = 40
SIGNS = {
    Verdict.REPRODUCED.value: ("✓", "green"),
    Verdict.NOT_REPRODUCED.value: ("✗", "red"),
    Verdict.UNDECIDED.value: ("?", "yellow"),
}


def print_run(console: Any, folder: Path) -> None:
    """Print state, claims and tables of a run.

    Args:
        console: A rich console.
        folder: The folder of the run.

    Raises:
        InputError: If the folder holds no run.
    """
    if not folder.is_dir():
        near = near_names(folder.name, (f.name for f in folder.parent.glob("*/")))
        refuse("show", f"no such folder (in {folder.parent})", folder.name, known=near)
    if not (folder / STATUS).is_file():
        refuse("show", f"holds no run ({STATUS} is missing)", str(folder))
    status = _json(folder / STATUS)
    console.print(status.get("title", ""), style="bold", markup=False)
    preset = f", preset {status['preset']}" if status.get("preset") else ""
    stage = f" ({status['stage']})" if status["stage"] != "end" else ""
    console.print(f"{status.get('study', '')}{preset}, {status['started']}, {status['state']}{stage}", markup=False)
    for error in status["errors"]:
        console.print(f"error: {error}", style="red", markup=False)
    print_claims(console, folder)
    for file in sorted((folder / "tables").glob("*.csv")):
        _print_table(console, file)
    if (folder / "report.html").is_file():
        console.print(f"\nreport: {folder / 'report.html'}", markup=False, soft_wrap=True)


def print_claims(console: Any, folder: Path) -> None:
    """Print the claims table of a run, if it has come so far."""
    file = folder / "claims.json"
    if not file.is_file():
        console.print("no claims were judged yet")
        return
    from rich.table import Table
    from rich.text import Text

    found = _json(file)
    console.print(f"\n{found['outcome']}\n", markup=False)
    if not found["claims"]:
        return
    table = Table("verdict", "claim", "estimate [interval]", "rule", box=None, pad_edge=False, header_style="bold")
    for row in found["claims"]:
        sign, colour = SIGNS[row["verdict"]]
        table.add_row(
            Text(f"{sign} {row['verdict']}", style=colour, no_wrap=True),
            Text(f"{row['text']} ({row['source']})"),
            interval_text(row["estimate"], row["low"], row["high"], row["units"]),
            Text(f"the judgement failed: {row['error']}" if row["error"] else row["rule"]),
        )
    console.print(table)


def _print_table(console: Any, file: Path) -> None:
    from rich.table import Table
    from rich.text import Text

    with file.open(newline="", encoding="utf-8") as lines:
        header, *rows = list(csv.reader(lines)) or [[]]
    table = Table(box=None, pad_edge=False, header_style="bold")
    for index, name in enumerate(header):
        numeric = bool(rows) and all(_is_number(row[index]) for row in rows)
        table.add_column(Text(name), justify="right" if numeric else "left")
    for row in rows[:ROWS]:
        table.add_row(*(Text(_rounded(cell)) for cell in row))
    console.print(f"\n{file.stem.replace('_', ' ')}", style="bold", markup=False)
    console.print(table)
    if len(rows) > ROWS:
        console.print(f"... {len(rows) - ROWS:,} more rows in {file}", markup=False, soft_wrap=True)


def _json(file: Path) -> dict[str, Any]:
    try:
        return dict(json.loads(file.read_text(encoding="utf-8")))
    except (OSError, ValueError) as error:
        refuse("show", f"{file.name} cannot be read", str(error))


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
