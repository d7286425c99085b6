"""The record of what a study ran on.

Nothing in it says who ran it or where: no user name, no home folder, no host name.
"""

from __future__ import annotations

import getpass
import hashlib
import os
import platform
import re
import subprocess
from pathlib import Path
from typing import Any

from jaxsnn_noise.provenance import jax_record, packages, version
from jaxsnn_noise.study.neighbours import MAIN, sources


def environment(study: Path | None = None) -> dict[str, Any]:
    """Versions of everything installed, interpreter, machine, devices, and commits.

    Args:
        study: The study file; its hash (over all files, of a folder) and the commit of its repository are recorded.

    Returns:
        A dict that JSON can hold. The devices are listed only if the process has imported JAX.
    """
    jax = jax_record()
    return {
        "python": platform.python_version(),
        "implementation": platform.python_implementation(),
        "platform": platform.platform(),
        "machine": platform.machine(),
        "cpu": cpu_model(),
        "cpu_count": os.cpu_count(),
        "jax": jax and {**jax, "xla_flags": scrub(jax["xla_flags"])},
        "version": version(),
        "commit": commit(Path(__file__).resolve().parents[1]),
        "study": None
        if study is None
        else {
            "file": study.parent.name if study.name == MAIN else study.name,
            "sha256": hashlib.sha256(b"".join(f.read_bytes() for f in sources(study).values())).hexdigest(),
            "commit": commit(study.resolve().parent),
        },
        "packages": packages(),
    }


def cpu_model() -> str:
    """Model name of the processor, as the system gives it."""
    lines = _cpuinfo()
    for line in lines:
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    if not lines and (name := _output("sysctl", "-n", "machdep.cpu.brand_string")):
        return name
    return platform.processor() or "unknown"


def cpu_features() -> str:
    """Model and instruction sets of the processor, as far as the system tells them."""
    sets = next((line for line in _cpuinfo() if line.lower().startswith(("flags", "features"))), "")
    return "\n".join(filter(None, (platform.machine(), cpu_model(), sets)))


def _cpuinfo() -> list[str]:
    """What Linux says of its processors; nothing elsewhere."""
    try:
        return Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return []


def commit(where: Path) -> str | None:
    """Commit of the repository that tracks a folder, ``+changes`` if the folder differs from it; or none."""
    head = _output("git", "-C", str(where), "rev-parse", "HEAD")
    if not head or not _output(
        "git", "-C", str(where), "ls-files", "."
    ):  # a foreign repository around, that ignores us
        return None
    return head + ("+changes" if _output("git", "-C", str(where), "status", "--porcelain", ".") else "")


def _output(*command: str) -> str:
    quiet = {**os.environ, "GIT_OPTIONAL_LOCKS": "0"}
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=10, check=True, env=quiet)
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout.strip()


def scrub(text: str) -> str:
    """The text without home folder, working folder and user name in its paths.

    The working folder becomes ``.``, the home folder ``~``, and a path member that is the user name becomes ``user``.
    """
    home, here = str(Path.home()), str(Path.cwd())
    for place, short in sorted([(home, "~"), (here, ".")], key=lambda pair: -len(pair[0])):
        if len(place) > 1:  # the root folder is no secret
            text = re.sub(re.escape(place) + r"(?=$|[^\w.-])", short, text)
    text = re.sub(r"(/home/|/Users/|\\Users\\)[^/\\\s'\"]+", r"\1user", text)
    name = _user()
    return re.sub(rf"(?<=[/\\]){re.escape(name)}(?=[/\\]|$)", "user", text) if name else text


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError, ImportError):  # a process without a user entry, as in some containers
        return ""
