"""Finding studies, listing them without importing them, and loading one with its protocol checked.

A study is a file, or a folder whose ``__init__.py`` is the study and imports its neighbours (``from . import claims``).
"""

from __future__ import annotations

import ast
import dataclasses
import hashlib
import importlib.util
import re
import sys
import traceback
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from jaxsnn_noise.study.config import check_round_trip
from jaxsnn_noise.study.neighbours import MAIN
from jaxsnn_noise.study.protocol import Claim, Study, near_names, refuse

PRESETS = ("tiny", "default", "full")
RESERVED = (
    "study",
    "preset",
    "config",
    "out",
    "overwrite",
    "resume",
    "accept_changes",
    "help",
)  # options of `jaxsnn-noise run`

_FUNCTIONS = ("build", "measure", "plot", "methods")
_OPTIONAL = ("tables", "bytes_needed", "settle")
_REQUIRED = {
    "TITLE": "a string",
    "Config": "a frozen dataclass",
    "TINY": "an instance of Config",
    "DEFAULT": "an instance of Config",
    "FULL": "an instance of Config",
    "CLAIMS": "a tuple of Claim",
    "build": "a function build(config)",
    "measure": "a function measure(config, progress)",
    "plot": "a function plot(data, config)",
    "methods": "a function methods(config, data)",
}


@dataclass(frozen=True)
class Listing:
    """What can be said about a study file without running it."""

    name: str
    path: Path
    title: str
    cost: dict[str, str]


def folder() -> Path | None:
    """The folder of the built-in studies: ``experiments/`` in a checkout, packaged in a wheel; or none."""
    package = Path(__file__).resolve().parent.parent
    checkout = package.parent  # beside an installed package "experiments" could be anybody's
    if (checkout / "pyproject.toml").is_file() and (checkout / "experiments").is_dir():
        return checkout / "experiments"
    packaged = package / "_experiments"
    return packaged if packaged.is_dir() else None


def builtin(where: Path | None = None) -> dict[str, Path]:
    """Names and files of the built-in studies: files, and folders whose ``__init__.py`` has a ``TITLE``.

    Names that start with ``_`` are none.
    """
    where = where or folder()
    if where is None:
        return {}
    folders = [f for f in where.glob(f"*/{MAIN}") if _has_title(f)]
    found = {name_of(f): f for f in [*where.glob("*.py"), *folders] if f.is_file() and f != where / MAIN}
    return {name: found[name] for name in sorted(found) if not name.startswith("_")}


def name_of(path: Path) -> str:
    """The name of the study in a file: that of its folder for an ``__init__.py``."""
    return path.parent.name if path.name == MAIN else path.stem


def _has_title(path: Path) -> bool:
    return re.search(r"^TITLE\b", path.read_text(encoding="utf-8-sig", errors="replace"), re.MULTILINE) is not None


def listing(name: str, path: Path) -> Listing:
    """Title and cost of a study, read from its source text; the file is not imported.

    ``TITLE`` and the optional ``COST`` (a dict from preset to plain words) have to be literals. A file that cannot be
    read says so in its title, so that one broken file does not hide the others.
    """
    literals: dict[str, Any] = {}
    try:
        tree = ast.parse(path.read_bytes())
    except (SyntaxError, OSError, ValueError) as error:
        return Listing(name, path, f"(cannot be read: {error})", {})
    for node in tree.body:
        targets = (
            node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
        )
        for target in targets:
            if isinstance(target, ast.Name) and target.id in ("TITLE", "COST") and node.value is not None:  # type: ignore[attr-defined]
                try:
                    literals[target.id] = ast.literal_eval(node.value)  # type: ignore[attr-defined]
                except ValueError:
                    literals.pop(target.id, None)
    cost = literals.get("COST")
    title = literals.get("TITLE", "(no TITLE)")
    return Listing(name, path, str(title), {str(k): str(v) for k, v in cost.items()} if isinstance(cost, dict) else {})


def find(name_or_file: str | Path, where: Path | None = None) -> tuple[str, Path]:
    """Name and file of a study given as a built-in name or as a path to a ``.py`` file or a folder.

    Raises:
        InputError: If there is no such study or file (with near matches).
    """
    text = str(name_or_file)
    known = builtin(where)
    if text in known:
        return text, known[text]
    if not text.endswith(".py") and not any(mark in text for mark in "/\\"):
        refuse("study", "no built-in study of that name, and a study file ends with .py", text, known=known)
    path = Path(text).expanduser()
    if path.is_dir():
        if not (path / MAIN).is_file():
            refuse("study", f"must be a .py file, or a folder with an {MAIN}", text)
        path = path / MAIN
    if not path.is_file():
        near = near_names(path.name, (f.name for f in path.parent.glob("*.py")))
        refuse("study", f"no such file (in {path.parent})", path.name, known=near)
    if path.suffix != ".py":
        refuse("study", "must be a .py file", text)
    path = path.resolve()
    return name_of(path), path


def load(name_or_file: str | Path, where: Path | None = None) -> Study:
    """Import a study and check that it keeps the protocol.

    A study that is a folder imports its neighbours relatively (``from . import other``). One that is a file, outside
    the built-in studies, imports them by name: its folder goes to the front of ``sys.path``, as if the file had been
    started as a script.

    Args:
        name_or_file: Name of a built-in study, or path to a ``.py`` file or a folder.
        where: Folder of the built-in studies; found by itself if not given.

    Raises:
        InputError: If the study is not found, cannot be imported, or lacks a part of the protocol.
    """
    name, path = find(name_or_file, where)
    return check(_module(name, path), name, path)


def _module(name: str, path: Path) -> ModuleType:
    """The executed module: a package, where the study is a folder."""
    alone = path.name != MAIN
    if alone and str(path.parent) not in sys.path and path.parent != folder():
        sys.path.insert(0, str(path.parent))  # as if the file had been started as a script: `import neighbour` works
    full = _module_name(name, path)
    inside = None if alone else [str(path.parent)]
    spec = importlib.util.spec_from_file_location(full, path, submodule_search_locations=inside)
    assert spec is not None  # as for every .py file
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[full] = module  # dataclasses with postponed annotations look their module up
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        del sys.modules[full]
        frames = [f for f in traceback.extract_tb(error.__traceback__) if f.filename == str(path)]
        line = error.lineno if isinstance(error, SyntaxError) else frames[-1].lineno if frames else None
        at = f" (line {line})" if line else ""
        from jaxsnn_noise._checks import InputError

        who = f"study {_shown(path)}: cannot be imported{at}"
        raise InputError(f"{who}: {type(error).__name__}: {error}") from error
    return module


def _module_name(name: str, path: Path) -> str:
    """A name of its own, for a built-in study the same in a checkout and in a wheel."""
    plain = name.replace(".", "_")
    if path in builtin().values():
        return f"jaxsnn_noise_study_{plain}"
    return f"jaxsnn_noise_study_{hashlib.sha256(str(path.parent).encode()).hexdigest()[:8]}_{plain}"


def _shown(path: Path) -> str:
    """The file as messages call it."""
    return f"{path.parent.name}/{MAIN}" if path.name == MAIN else path.name


def check(module: ModuleType, name: str, path: Path) -> Study:
    """The study in a module.

    Raises:
        InputError: If a part of the protocol is missing or of the wrong kind.
    """
    who = f"study {_shown(path)}"
    for part, kind in _REQUIRED.items():
        if not hasattr(module, part):
            own = [n for n in vars(module) if not n.startswith("_")]
            near = [n for n in own if n.lower() == part.lower()]  # case alone hides a near match from difflib
            refuse(who, f"must define {part}, {kind}; not there", part, known=near or own)
    config_type = module.Config
    _check_type(who, config_type)
    presets = {preset: getattr(module, preset.upper()) for preset in PRESETS}
    for preset, value in presets.items():
        if not isinstance(value, config_type):
            refuse(f"{who}: {preset.upper()}", "must be an instance of Config", value)
        check_round_trip(f"{who}: {preset.upper()}", value)
    if not isinstance(module.TITLE, str) or not module.TITLE.strip():
        refuse(f"{who}: TITLE", "must be a string that says something", module.TITLE)
    claims = module.CLAIMS
    if not isinstance(claims, (tuple, list)) or not all(isinstance(c, Claim) for c in claims):
        refuse(f"{who}: CLAIMS", "must be a tuple of Claim", claims)
    names = [c.name for c in claims]
    if twice := sorted({n for n in names if names.count(n) > 1}):
        refuse(f"{who}: CLAIMS", "every claim needs a name of its own", twice)
    functions = {part: getattr(module, part, None) for part in (*_FUNCTIONS, *_OPTIONAL)}
    for part, function in functions.items():
        if not callable(function) and not (part in _OPTIONAL and function is None):
            refuse(f"{who}: {part}", "must be a function", function)
    return Study(
        name,
        path,
        module.TITLE,
        config_type,
        presets,
        claims=tuple(claims),
        **functions,  # type: ignore[arg-type]
    )


def _check_type(who: str, config_type: Any) -> None:
    if not (isinstance(config_type, type) and dataclasses.is_dataclass(config_type)):
        refuse(f"{who}: Config", "must be a frozen dataclass", config_type)
    if not config_type.__dataclass_params__.frozen:  # type: ignore[attr-defined]
        refuse(
            f"{who}: Config",
            "must be frozen (@dataclass(frozen=True)), or a run could change its own record",
            config_type,
        )
    if taken := [f.name for f in dataclasses.fields(config_type) if f.name in RESERVED]:
        refuse(f"{who}: Config", "these field names are options of the command line; choose others", taken)
