"""Finding study files, listing them without importing them, and loading one with its protocol checked."""

from __future__ import annotations

import ast
import dataclasses
import hashlib
import importlib.util
import sys
import traceback
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from .config import check_round_trip
from .protocol import Claim, Study, near_names, refuse

PRESETS = ("tiny", "default", "full")
RESERVED = (
    "study",
    "preset",
    "config",
    "out",
    "overwrite",
    "resume",
    "help",
)  # options of `jaxsnn-noise run`

_FUNCTIONS = ("build", "measure", "plot", "methods")
_OPTIONAL = ("tables", "bytes_needed")
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
    """Names and files of the built-in studies; files whose name starts with ``_`` and folders are none."""
    where = where or folder()
    if where is None:
        return {}
    return {f.stem: f for f in sorted(where.glob("*.py")) if not f.name.startswith("_") and f.is_file()}


def listing(name: str, path: Path) -> Listing:
    """Title and cost of a study, read from its source text; the file is not imported.

    ``TITLE`` and the optional ``COST`` (a dict from preset to plain words) have to be literals. A file that
    cannot be read says so in its title, so that one broken file does not hide the others.
    """
    literals: dict[str, Any] = {}
    try:
        tree = ast.parse(path.read_text(encoding="utf-8"))
    except (SyntaxError, OSError, UnicodeDecodeError, ValueError) as error:
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
    """Name and file of a study given as a built-in name or as a path to a ``.py`` file.

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
        refuse("study", "must be a .py file, this is a folder", text)
    if not path.is_file():
        near = near_names(path.name, (f.name for f in path.parent.glob("*.py")))
        refuse("study", f"no such file (in {path.parent})", path.name, known=near)
    if path.suffix != ".py":
        refuse("study", "must be a .py file", text)
    return path.stem, path.resolve()


def load(name_or_file: str | Path, where: Path | None = None) -> Study:
    """Import a study and check that it keeps the protocol.

    A study can import its neighbours: relatively (``from . import other``) or, outside the built-in studies,
    by name (its folder goes to the front of ``sys.path``, as if the file had been started as a script).

    Args:
        name_or_file: Name of a built-in study, or path to a ``.py`` file.
        where: Folder of the built-in studies; found by itself if not given.

    Raises:
        InputError: If the study is not found, cannot be imported, or lacks a part of the protocol.
    """
    name, path = find(name_or_file, where)
    return check(_module(name, path), name, path)


def _module(name: str, path: Path) -> ModuleType:
    """The executed module, a member of a package made of its folder (for ``from . import neighbour``)."""
    if str(path.parent) not in sys.path and path.parent != folder():
        sys.path.insert(0, str(path.parent))  # as if the file had been started as a script: `import neighbour` works
    full = f"{_package(path.parent)}.{name.replace('.', '_')}"
    spec = importlib.util.spec_from_file_location(full, path)
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

        raise InputError(f"study {path.name}: cannot be imported{at}: {type(error).__name__}: {error}") from error
    return module


def _package(where: Path) -> str:
    """Name of the package that stands for a folder of studies; one for the built-in ones, in any place."""
    name = "jaxsnn_noise._experiments"
    if where != folder():
        digest = hashlib.sha256(str(where).encode()).hexdigest()[:8]  # two files may share a name
        name = f"jaxsnn_noise_study_{digest}"
    package = sys.modules.setdefault(name, ModuleType(name))
    package.__path__ = [str(where)]
    return name


def check(module: ModuleType, name: str, path: Path) -> Study:
    """The study in a module.

    Raises:
        InputError: If a part of the protocol is missing or of the wrong kind.
    """
    who = f"study {path.name}"
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
