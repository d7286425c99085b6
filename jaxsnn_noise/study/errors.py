"""Errors after the measurement: recorded, said, and no reason to stop."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from typing import Any

from jaxsnn_noise._files import is_full
from jaxsnn_noise.study.environment import scrub
from jaxsnn_noise.study.outputs import Outputs


class Errors:
    """What went wrong in a run, in its status, in ``errors.txt`` and in the report.

    Args:
        outputs: The folder of the run.
        say: Shows a line.
    """

    def __init__(self, outputs: Outputs, say: Callable[[str], None]) -> None:
        self.outputs, self.say = outputs, say
        self.texts: list[str] = list(outputs.status["errors"])

    def guard(self, what: str, action: Callable[..., Any], *args: Any) -> tuple[Any, str]:
        """The result of the action and an empty text, or ``None`` and the text of its error; a full disk ends the run."""
        try:
            return action(*args), ""
        except Exception as error:
            if is_full(error):
                raise
            return None, self._note(what, error)

    def _note(self, what: str, error: Exception) -> str:
        text = scrub(f"{type(error).__name__}: {error}")
        self.texts.append(f"{what}: {text}")
        before = self.outputs.folder / "errors.txt"
        story = before.read_text(encoding="utf-8") if before.is_file() and len(self.texts) > 1 else ""
        trace = "".join(traceback.format_exception(error))
        self.outputs.write("errors.txt", f"{story}{what}\n{scrub(trace)}\n")
        self.say(f"{what}: {text}")
        return text
