"""Running a study, and what is left when a run does not come to its end."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jaxsnn_noise._files import is_full
from jaxsnn_noise.study.config import check_round_trip
from jaxsnn_noise.study.environment import scrub
from jaxsnn_noise.study.made import made_by
from jaxsnn_noise.study.outputs import Existing, Outputs, now, prepare
from jaxsnn_noise.study.progress import Display, Progress, Silent
from jaxsnn_noise.study.protocol import ClaimResult, Study, StudyError, printable, refuse
from jaxsnn_noise.study.resuming import check_resumed, write_record
from jaxsnn_noise.study.stages import Stages


@dataclass(frozen=True)
class Run:
    """What a run left behind.

    Args:
        folder: Where everything lies.
        claims: Every claim with its judgement.
        errors: What went wrong after the measurement; empty if nothing did.
        seconds: Wall time of each stage [s].
    """

    folder: Path
    claims: tuple[ClaimResult, ...]
    errors: tuple[str, ...]
    seconds: Mapping[str, float]


def run_study(
    study: Study,
    config: Any,
    out: str | Path,
    *,
    existing: Existing = Existing.REFUSE,
    display: Display | None = None,
    accept_changes: bool = False,
    preset: str = "",
    command: str = "",
) -> Run:
    """Run a study and leave dataset, claims, tables, figures and report in a folder.

    Configuration and folder are checked before anything is computed; what a resumed run must have kept is in
    :mod:`jaxsnn_noise.study.resuming`. The configuration and the environment are written first, the dataset right after
    it was measured; an error in a claim, a table or a figure is recorded, shown in the report, and
    stops nothing else. ``status.json`` says ``running``, ``finished``, ``failed`` or ``interrupted``.

    Args:
        study: What ``load`` returned.
        config: The resolved configuration.
        out: Folder for the results.
        existing: What to do if there is something in it.
        display: Where progress is shown; nowhere if not given.
        accept_changes: Whether a resumed run may keep stages that were made by other files of the study, or by other
            versions of packages, than those that compute the rest.
        preset: Name of the preset that the configuration started from, for the record.
        command: The command line, for the record.

    Returns:
        The judged claims, what went wrong, and how long it took.

    Raises:
        InputError: If the folder or the configuration does not do; nothing was computed.
        StudyError: If the measurement failed or the disk is full; the message says what is saved.
        KeyboardInterrupt: If the run was interrupted, after ``status.json`` says so.
    """
    _check_call(study, config, existing)
    check_round_trip("config", config)
    made = made_by(study, config)
    need = int(study.bytes_needed(config)) if study.bytes_needed else 0
    outputs = prepare(out, existing, need=need)
    display = display or Silent()
    say = display.say
    outputs.made, outputs.say = made, lambda text: say(printable(text))  # names of files are anybody's
    if outputs.resumed:
        outputs.remark(check_resumed(outputs, config, accept_changes))
    preset = preset or outputs.status["preset"]
    outputs.update(state="running", study=study.name, title=study.title, preset=preset, errors=[])
    try:
        if not outputs.measured:
            write_record(outputs)
        stages = Stages(study, config, outputs, Progress(display, outputs), scrub(command))
        claims = stages.run()
        errors = tuple(stages.errors.texts)
        outputs.update(state="failed" if errors else "finished", stage="end", finished=now())
    except KeyboardInterrupt as interruption:
        _close(outputs, "interrupted", "interrupted")
        interruption.add_note(_saved_text(outputs))
        raise
    except Exception as error:
        _close(outputs, "failed", f"{outputs.status['stage']}: {type(error).__name__}: {error}")
        if is_full(error):
            raise StudyError(f"{_full_text(error, out)}; {_saved_text(outputs)}") from error
        if _is_input_error(error):
            raise
        raise StudyError(f"{outputs.status['stage']} failed: {error}; {_saved_text(outputs)}") from error
    return Run(outputs.folder, claims, errors, stages.seconds)


def _check_call(study: Any, config: Any, existing: Any) -> None:
    if not isinstance(study, Study):
        refuse("run_study.study", "must be what load() returns", study)
    if not isinstance(config, study.config_type):
        rule = f"must be a Config of the study {study.name}, as study.preset(...) is"
        if type(config).__qualname__ == study.config_type.__qualname__:
            rule += f"; this one is of {type(config).__module__}, another import: take study.config_type or study.preset(...)"
        refuse("run_study.config", rule, config)
    if not isinstance(existing, Existing):
        refuse(
            "run_study.existing",
            "must be a member of Existing",
            existing,
            known=[f"Existing.{e.name}" for e in Existing],
        )


def _close(outputs: Outputs, state: str, text: str) -> None:
    with contextlib.suppress(OSError):  # a full disk can hold not even this; the terminal says it
        outputs.update(state=state, finished=now(), errors=[*outputs.status["errors"], scrub(text)])


def _full_text(error: BaseException, out: str | Path) -> str:
    said = str(error) if isinstance(error, StudyError) else f"the disk of {out} is full"
    return "; ".join([said, *getattr(error, "__notes__", [])])


def _saved_text(outputs: Outputs) -> str:
    """What is there, and what can be done with it."""
    saved = ", ".join(outputs.status["saved"]) or "nothing"
    begun = outputs.measured or outputs.has_parts()
    rest = "--resume goes on from there" if begun else "no measurement is kept: --resume starts anew"
    return f"saved in {outputs.folder}: {saved} ({rest})"


def _is_input_error(error: Exception) -> bool:
    from jaxsnn_noise._checks import InputError

    return isinstance(error, InputError)
