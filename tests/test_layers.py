"""The layer table: who may import whom. It is read from the sources, so no import has to run.

A package counts as one module: what its files do among themselves is its own affair.
"""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import pytest

PACKAGE = "jaxsnn_noise"
ROOT = Path(__file__).parents[1] / PACKAGE

LAYERS: dict[str, set[str]] = {
    "ground": {
        "_typing",
        "_checks",
        "_errors",
        "_files",
        "provenance",
        "verdicts",
        "progress",
        "random",
        "paths",
        "laws",
        "surrogates",
        "distributions",
        "signals",
        "opacity",
        "fingerprints",
        "saving",
        "kinds",
        "relaxation",
        "roots",
        "parameters",
        "ranges",
        "counting",
        "special",
        "collecting",
        "_lazy",
    },
    "parts": {"neurons", "firing", "noise", "synapses", "hardware", "coding", "statistics"},
    "engine": {"engine"},
    "ensemble": {"ensemble"},
    "kernels": {"kernels"},
    "uses": {"networks", "reduce", "gradients", "training", "plasticity"},
    "theory": {"theory"},
    "edge": {"attacks", "datasets", "evaluation", "interop", "figures", "report", "study", "__main__"},
    "front": {"__init__"},  # the public names
}

MAY_IMPORT: dict[str, set[str]] = {
    "ground": {"ground"},
    "parts": {"ground"},  # siblings never import each other
    "engine": {"ground", "parts", "engine"},
    "ensemble": {"ground", "parts", "engine", "ensemble"},
    "kernels": {"ground", "parts", "engine"},  # other backends of the same loop, which never imports them
    "uses": {"ground", "parts", "engine", "ensemble", "kernels"},
    "theory": {"ground"},  # an oracle that shares no code with what it judges
    "edge": {"ground", "parts", "engine", "ensemble", "kernels", "uses", "theory", "edge", "front"},
    "front": {"ground", "parts", "engine", "ensemble", "kernels", "uses", "theory", "edge"},
}

NUMERICAL = {"jax", "equinox", "jaxtyping", "numpy"}
"""The only third parties of what runs inside a simulation: plotting, storing and labelling stay outside."""

PURE = {"ground", "parts", "engine"}
"""The layers that run inside a simulation."""


def violations(path: str, source: str) -> list[str]:
    """What the source imports against the table; ``path`` is that of its file below the package."""
    module = Path(path).parts[0].removesuffix(".py")
    layer = _layer_of(module)
    if layer is None:
        return [f"{path}: {module} is not in the layer table"]
    found = []
    for line, target in _imports(path, source):
        first, *rest = target.split(".")
        if first != PACKAGE:
            if layer in PURE and first not in NUMERICAL and first not in sys.stdlib_module_names:
                found.append(f"{path}:{line} imports {first}, which a simulation does not need")
            continue
        name = rest[0] if rest else "__init__"
        other = _layer_of(name)
        if other is None:
            found.append(f"{path}:{line} imports {name}, which is not in the layer table")
        elif name != module and other not in MAY_IMPORT[layer]:
            found.append(f"{path}:{line} imports {name}: {layer} may not import {other}")
    return found


def _layer_of(module: str) -> str | None:
    return next((layer for layer, members in LAYERS.items() if module in members), None)


def _imports(path: str, source: str) -> list[tuple[int, str]]:
    """Line and absolute name of every import, those under TYPE_CHECKING and in functions too."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found += [(node.lineno, alias.name) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            origin = node.module or ""
            if node.level:
                package = [PACKAGE, *Path(path).parent.parts]
                origin = ".".join([*package[: len(package) - node.level + 1], *filter(None, [origin])])
            # `from jaxsnn_noise import random` names a module, `from jaxsnn_noise.random import root` does not
            found += [(node.lineno, f"{origin}.{a.name}" if origin == PACKAGE else origin) for a in node.names]
    return found


SOURCES = sorted(ROOT.rglob("*.py"))


def test_the_package_is_found() -> None:
    assert {"_checks.py", "random.py"} <= {path.name for path in SOURCES}


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_follow_the_layers(path: Path) -> None:
    assert violations(str(path.relative_to(ROOT)), path.read_text()) == []


def circles(imports: dict[str, set[str]]) -> list[list[str]]:
    """The circles of imports between modules, each as the list of its modules."""
    reach = {module: set(targets) for module, targets in imports.items()}
    for middle in reach:
        for targets in reach.values():
            if middle in targets:
                targets |= reach[middle]
    rings = {frozenset(m for m in reach if m in reach[n] and n in reach[m]) for n in reach if n in reach[n]}
    return sorted(sorted(ring) for ring in rings)


def _module_imports() -> dict[str, set[str]]:
    """From each module of the package to those that it imports; without the front door, which loads names when used."""
    modules = {
        str(path.relative_to(ROOT).with_suffix("")).replace("/", ".").removesuffix(".__init__"): path
        for path in SOURCES
    }
    found: dict[str, set[str]] = {}
    for module, path in modules.items():
        if module == "__init__":
            continue
        names = {
            name.removeprefix(f"{PACKAGE}.") for name in _imported_names(str(path.relative_to(ROOT)), path.read_text())
        }
        # `from .package import thing` imports the package, unless the thing is a module of it
        found[module] = {n if n in modules else n.rpartition(".")[0] for n in names} & modules.keys() - {module}
    return found


def _imported_names(path: str, source: str) -> set[str]:
    """The absolute names that a module imports from the package, each with the module that it comes from in front."""
    names = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            package = [PACKAGE, *Path(path).parent.parts]
            origin = [*package[: len(package) - node.level + 1]] if node.level else []
            names |= {".".join([*origin, *filter(None, [node.module]), alias.name]) for alias in node.names}
    return {name for name in names if name.startswith(f"{PACKAGE}.")}


def test_no_modules_import_each_other_in_a_circle() -> None:
    imports = _module_imports()
    assert len(imports) > 50
    assert circles(imports) == []


def test_a_circle_is_found() -> None:
    assert circles({"a": {"b"}, "b": {"c"}, "c": {"a"}, "d": {"a"}}) == [["a", "b", "c"]]


def test_each_module_has_one_layer_and_each_layer_its_rule() -> None:
    members = [module for layer in LAYERS.values() for module in layer]
    assert len(members) == len(set(members))
    assert LAYERS.keys() == MAY_IMPORT.keys()
    assert set().union(*MAY_IMPORT.values()) <= LAYERS.keys()


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("made_up.py", "import jax"),
        ("random.py", "from jaxsnn_noise import engine"),
        ("neurons/lif.py", "import jaxsnn_noise.noise.sources"),
        ("neurons/lif.py", "from jaxsnn_noise.noise import Additive"),
        ("neurons/lif.py", "from ..noise.policies import Additive"),
        ("neurons/lif.py", "from .. import noise"),
        ("firing/hard.py", "from ..noise import Additive"),
        ("firing/hard.py", "import jaxsnn_noise as jn"),
        ("noise/sources.py", "if TYPE_CHECKING:\n    from jaxsnn_noise.engine.network import Network"),
        ("noise/sources.py", "def late():\n    from jaxsnn_noise.engine import simulation"),
        ("noise/sources.py", "import matplotlib.pyplot as plt"),
        ("engine/simulation.py", "import xarray"),
        ("engine/simulation.py", "from jaxsnn_noise.ensemble.montecarlo import monte_carlo"),
        ("ensemble/montecarlo.py", "from jaxsnn_noise import kernels"),
        ("kernels/pallas.py", "from jaxsnn_noise.ensemble import montecarlo"),
        ("training.py", "from jaxsnn_noise import plasticity"),
        ("theory.py", "from jaxsnn_noise import neurons"),
        ("report.py", "from jaxsnn_noise import made_up"),
    ],
)
def test_a_violation_is_flagged(path: str, source: str) -> None:
    assert len(violations(path, source)) == 1


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("random.py", "import statistics, jax\nfrom jaxsnn_noise import _checks"),
        ("neurons/lif.py", "from jaxsnn_noise.neurons.resets import ResetToValue\nfrom .. import random"),
        ("neurons/__init__.py", "from .lif import LIF"),
        ("engine/simulation.py", "from jaxsnn_noise import engine, firing\nimport equinox as eqx"),
        ("ensemble/montecarlo.py", "from jaxsnn_noise.ensemble.axes import Trials\nimport xarray"),
        ("report.py", "import jaxsnn_noise as jn\nimport jinja2"),
    ],
)
def test_what_the_table_allows_passes(path: str, source: str) -> None:
    assert violations(path, source) == []
