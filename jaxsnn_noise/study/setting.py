"""What is known of a run before it measures: its configuration, the study itself, the model, and what it runs on."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from jaxsnn_noise.study.environment import environment
from jaxsnn_noise.study.neighbours import sources
from jaxsnn_noise.study.outputs import CONFIG, Outputs, to_json
from jaxsnn_noise.study.protocol import Study
from jaxsnn_noise.study.toml import to_toml


@dataclass(frozen=True)
class Setting:
    """What a run starts from.

    Args:
        config: The configuration as TOML.
        model: What is simulated, in words; empty where there is nothing to say.
        environment: Versions, devices and commits, of the process that measured.
        notes: How this process differs from the one that measured.
    """

    config: str
    model: str
    environment: dict[str, Any]
    notes: tuple[str, ...]


def set_up(study: Study, config: Any, outputs: Outputs) -> Setting:
    """Write down what is known before the measurement; a study that cannot be built stops here."""
    header = f"{study.title}\nConfiguration of a run of {study.name}; use it with --config."
    toml = to_toml(config, header)
    outputs.write(CONFIG, toml)
    for name, file in sources(study.path).items():
        outputs.write(f"study/{name}", file.read_bytes())
    model = _model_text(study.build(config))
    if model:
        outputs.write("model.txt", model)
    found = environment(study.path)
    notes: tuple[str, ...] = ()
    if outputs.measured:
        found, notes = _kept(outputs, found)
    elif outputs.resumed and outputs.has_parts() and (elsewhere := _elsewhere(outputs, found)):
        outputs.remark([elsewhere])
    outputs.write("environment.json", to_json(found))
    return Setting(toml, model, found, notes)


def _kept(outputs: Outputs, current: dict[str, Any]) -> tuple[dict[str, Any], tuple[str, ...]]:
    """The record of the process that measured, and a note if it is lost."""
    measured = _environment(outputs)
    if measured is None:
        return current, ("The environment of the measurement is lost; shown is that of the report.",)
    return measured, ()


def _elsewhere(outputs: Outputs, current: dict[str, Any]) -> str:
    """Where parts were computed, if that was another machine."""
    before = _environment(outputs)
    if before is None:
        return "Parts were computed in an environment whose record is lost."
    one, other = ((e["cpu"], (e["jax"] or {}).get("devices")) for e in (before, current))
    if one == other:
        return ""
    return f"Parts were computed on another machine: {one[0]}, devices {', '.join(one[1] or ['unknown'])}."


def _environment(outputs: Outputs) -> dict[str, Any] | None:
    """The record in the folder, if it is one that the report can show."""
    try:
        found = json.loads((outputs.folder / "environment.json").read_text(encoding="utf-8"))
        shown = {**found, "packages": dict(found["packages"]), "study": dict(found["study"])}
        _texts(
            *(found[k] for k in ("python", "implementation", "platform", "cpu", "version")), *shown["packages"].values()
        )
        _texts(*(found["jax"] or {}).get("devices", []))
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return None
    return shown


def _texts(*values: Any) -> None:
    if not all(isinstance(value, str) for value in values):
        raise TypeError("must be texts")


def _model_text(built: Any) -> str:
    """What is in the simulation that ``build`` returned, or in each of a dict of them; empty for anything else."""
    parts = built if isinstance(built, Mapping) else {"": built}
    texts = [(name, _described(part)) for name, part in parts.items()]
    return "\n\n".join(f"{name}\n{text}".strip() for name, text in texts if text)


def _described(part: Any) -> str:
    if callable(getattr(part, "report", None)):
        return str(part.report())
    simulation = sys.modules.get("jaxsnn_noise.engine.simulation")  # a study without the engine need not load it
    if simulation is not None and isinstance(part, simulation.Simulation):
        from jaxsnn_noise.engine.describe import report

        return report(part)
    return ""
