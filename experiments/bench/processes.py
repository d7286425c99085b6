"""The parent's side of a worker: start it, ask it, let it go."""

from __future__ import annotations

import contextlib
import json
import os
import select
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from .systems import System

PROBE = """
import importlib.metadata, importlib.util, sys
try:
    importlib.metadata.version(sys.argv[1])
except importlib.metadata.PackageNotFoundError:
    sys.exit(importlib.util.find_spec(sys.argv[1]) is None)
"""


class Worker:
    """One process that runs one system.

    Args:
        system: What it runs.
        python: Its interpreter.
        question: The workload, the numbers of the problem and the file with its arrays.
        patience: Seconds to wait for any one answer.
    """

    def __init__(self, system: System, python: str, question: dict[str, Any], patience: float = 600.0):
        self.system, self.python, self.patience, self.buffer = system, python, patience, b""
        self.question = {
            **question,
            "do": "prepare",
            "module": system.module,
            "program": system.program,
            "packages": list(system.packages),
        }
        self.log = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the process
        self.process = subprocess.Popen(
            [python, str(Path(__file__).with_name("worker.py"))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.log,
            env={**os.environ, "JAX_PLATFORMS": os.environ.get("JAX_PLATFORMS", "cpu")},
        )

    def prepare(self) -> dict[str, Any]:
        """Import, build and compile; ``{"failed": why}`` if it does not get there."""
        return self.ask(self.question)

    def assess(self) -> dict[str, Any]:
        """The loss that the system reaches; for a process that does nothing else."""
        return self.ask({**self.question, "do": "assess"})

    def run(self, seed: int) -> dict[str, Any]:
        """One timed run."""
        return self.ask({"do": "run", "seed": seed})

    def quit(self) -> dict[str, Any]:
        """Its peak of memory, as its last words."""
        answer = self.ask({"do": "quit"})
        self.close()
        return answer

    def close(self) -> None:
        """End the process, whatever it is doing."""
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        for stream in (self.process.stdin, self.process.stdout):
            with contextlib.suppress(BrokenPipeError):  # what it has not read is of no use now
                if stream:
                    stream.close()
        self.log.close()

    def ask(self, question: dict[str, Any]) -> dict[str, Any]:
        """The answer to a question; ``{"failed": why}`` if the process died or did not answer in time."""
        assert self.process.stdin is not None
        try:
            self.process.stdin.write(json.dumps(question).encode() + b"\n")
            self.process.stdin.flush()
            line = self._line()
        except (BrokenPipeError, ValueError):
            line = b""
        if line is None:
            self.process.kill()
            return {"failed": f"no answer in {self.patience:.0f} s"}
        return json.loads(line) if line else {"failed": f"the process ended: {self._last_words()}"}

    def _line(self) -> bytes | None:
        """One line of its output; empty at its end, ``None`` when out of patience."""
        assert self.process.stdout is not None
        limit, handle = time.monotonic() + self.patience, self.process.stdout.fileno()
        while b"\n" not in self.buffer:
            if not select.select([handle], [], [], max(0.0, limit - time.monotonic()))[0]:
                return None
            piece = os.read(handle, 1 << 16)
            if not piece:
                return b""
            self.buffer += piece
        line, _, self.buffer = self.buffer.partition(b"\n")
        return line

    def _last_words(self) -> str:
        self.log.seek(0)
        lines = self.log.read().decode(errors="replace").strip().splitlines()
        return lines[-1][:200] if lines else "no message"


def installed(python: str, package: str) -> bool:
    """Whether an interpreter has a distribution or a module of that name."""
    try:
        done = subprocess.run([python, "-c", PROBE, package], capture_output=True, timeout=60)
    except (OSError, subprocess.SubprocessError):
        return False
    return done.returncode == 0


def interpreter(system: System, given: dict[str, str]) -> str:
    """The interpreter of a system: the one given for its module or its first package, or this one."""
    return given.get(system.module) or given.get(system.packages[0]) or sys.executable
