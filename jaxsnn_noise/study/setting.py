"""What is known of a run before it measures: its configuration, the study itself, the model, and what it runs on."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from jaxsnn_noise.provenance import KEY_PACKAGES
from jaxsnn_noise.study.catalog import sources
from jaxsnn_noise.study.environment import environment
from jaxsnn_noise.study.outputs import Outputs, to_json
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
    outputs.write("config.toml", toml)
    for name, file in sources(study.path).items():
        outputs.write(f"study/{name}", file.read_bytes())
    model = _model_text(study.build(config))
    if model:
        outputs.write("model.txt", model)
    found = environment(study.path)
    notes: tuple[str, ...] = ()
    if outputs.status["measured"]:
        found, notes = _kept(outputs, found)
    outputs.write("environment.json", to_json(found))
    return Setting(toml, model, found, notes)


def _kept(outputs: Outputs, current: dict[str, Any]) -> tuple[dict[str, Any], tuple[str, ...]]:
    """The record of the process that measured, and how this one differs."""
    try:
        measured = json.loads((outputs.folder / "environment.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        return current, (f"The environment of the measurement is lost ({error}); shown is that of the report.",)
    notes = []
    if measured["study"]["sha256"] != current["study"]["sha256"]:
        notes.append("The study file has changed since the data was measured.")
    old, new = measured["packages"], current["packages"]
    if changed := sorted(n for n in KEY_PACKAGES if old.get(n) != new.get(n)):
        listed = ", ".join(f"{n} {old.get(n)} to {new.get(n)}" for n in changed)
        notes.append(f"Packages have changed since the data was measured: {listed}.")
    return measured, tuple(notes)


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
