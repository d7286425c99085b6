"""Whether a run may go on: nothing is mixed without a word.

========================================  ==========================================================================
what is another one than at the start     what happens
========================================  ==========================================================================
the configuration, or the study's name    refused, with old and new values
``config.toml`` in the folder             refused: it is a record, and no way to change a run
files of the study, package, libraries    refused while stages are kept that were made by the former ones, unless the
                                          user accepts it; a note in the report either way once data is there
chunks in a folder of ``monte_carlo``     the store tells by itself, by the program that runs
========================================  ==========================================================================
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from jaxsnn_noise.study import kept
from jaxsnn_noise.study.config import differences, differences_text, read_text, read_toml
from jaxsnn_noise.study.made import changes, is_record
from jaxsnn_noise.study.outputs import CONFIG, DATA, RECORD, Outputs
from jaxsnn_noise.study.protocol import refuse


def write_record(outputs: Outputs) -> None:
    """Write down what the run is started with."""
    record = {"made": outputs.made, "sha256": _checksum(outputs.made)}
    outputs.write(RECORD, json.dumps(record, indent=1, ensure_ascii=False) + "\n")


def started_with(folder: Path, base: Any) -> Any:
    """The configuration that the run in a folder was started with; ``base`` if none was started there.

    Raises:
        InputError: The record is damaged, or the study's configuration has other fields now.
    """
    if not (folder / RECORD).is_file():
        return base
    return _config(_record(folder), base)


def check_resumed(outputs: Outputs, config: Any, accept: bool) -> tuple[str, ...]:
    """Whether a run may go on with this configuration and with what computes now, ``outputs.made``.

    Args:
        outputs: The folder.
        config: The configuration that it is to go on with.
        accept: Whether stages that other code made may be mixed with what is still to be computed.

    Returns:
        What the report has to say of it.

    Raises:
        InputError: It may not; the message says what to do.
    """
    if not (outputs.folder / RECORD).is_file() and not outputs.measured and not outputs.has_parts():
        return ()  # it had not begun
    old = _record(outputs.folder)
    if old["study"] != outputs.made["study"]:
        refuse("resume", f"the run in {outputs.folder} is of the study {old['study']}", outputs.made["study"])
    then = _config(old, config)
    _check_file(outputs.folder / CONFIG, then)
    if changed := differences(then, config):
        rule = f"the run in {outputs.folder} has another configuration (give --overwrite or another --out)"
        refuse("resume", f"{rule}: {differences_text(changed)}", list(changed))
    if outputs.measured:
        return _of_data(outputs, config)
    return _of_stages(outputs, config, accept)


def _check_file(file: Path, then: Any) -> None:
    """The copy of the configuration in the folder is as it was written."""
    if file.is_file() and (changed := differences(then, read_toml(file, then))):
        rule = f"{file} is a record of this run and was edited ({differences_text(changed)})"
        refuse("resume", f"{rule}; put it back, or start a new run with --config and another --out", list(changed))


def _of_data(outputs: Outputs, config: Any) -> tuple[str, ...]:
    try:
        made = kept.made_of(outputs.folder / DATA)
    except kept.Damaged as damage:
        refuse("resume", f"the data of this run is damaged ({damage}); --overwrite measures anew", str(outputs.folder))
    if made["study"] != outputs.made["study"] or differences(_config(made, config), config):
        refuse("resume", f"{DATA} is of another run; --overwrite measures anew", str(outputs.folder))
    changed = changes(made, outputs.made)
    return (f"Changed since the data was measured: {'; '.join(changed)}.",) if changed else ()


def _of_stages(outputs: Outputs, config: Any, accept: bool) -> tuple[str, ...]:
    other: dict[str, list[str]] = {}
    for place in outputs.stages():
        try:
            made = kept.made_of(place)
        except kept.Damaged:
            continue  # computed again, and told, when it is asked for
        if made["study"] != outputs.made["study"] or differences(_config(made, config), config):
            outputs.say(f"{place.stem}: of another run, computed again")
            kept.forget(place)
        elif changed := changes(made, outputs.made):
            other[place.stem] = changed
    if not other:
        return ()
    said = "; ".join(dict.fromkeys(one for changed in other.values() for one in changed))
    if not accept:
        refuse(
            "resume",
            f"stages that are kept were made before a change ({said}): put it back, give --accept-changes to keep them "
            "all the same (the report will say so), or --overwrite to compute all anew",
            sorted(other),
        )
    return (f"Kept though made before a change, by the user's choice: {', '.join(sorted(other))} ({said}).",)


def _record(folder: Path) -> dict[str, Any]:
    who, rest = "resume", "nobody can tell whether the run may go on (give --overwrite or another --out)"
    try:
        found = json.loads((folder / RECORD).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        refuse(who, f"{RECORD} cannot be read ({error}), so {rest}", str(folder))
    made = found.get("made") if isinstance(found, dict) else None
    if made is None or not is_record(made) or found.get("sha256") != _checksum(made):
        refuse(who, f"{RECORD} is damaged or was edited, so {rest}", str(folder))
    return dict(made)


def _config(made: dict[str, Any], base: Any) -> Any:
    return read_text("resume: the configuration that the run was started with", made["config"], base)


def _checksum(made: Any) -> str:
    return hashlib.sha256(json.dumps(made, sort_keys=True).encode()).hexdigest()
