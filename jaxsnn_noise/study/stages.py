"""The stages of a run: set up, measure, judge, draw, report. What is done is saved before the next begins."""

from __future__ import annotations

import contextlib
import csv
import io
import json
import sys
import time
import traceback
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

from jaxsnn_noise._files import is_full
from jaxsnn_noise.provenance import KEY_PACKAGES
from jaxsnn_noise.study.catalog import sources
from jaxsnn_noise.study.environment import environment, scrub
from jaxsnn_noise.study.outputs import Outputs, to_json
from jaxsnn_noise.study.progress import Progress
from jaxsnn_noise.study.protocol import ClaimResult, Judgement, Picture, Study, outcome_sentence, refuse
from jaxsnn_noise.study.report import Drawing, Report, health_notes, render, versions_sentence
from jaxsnn_noise.study.toml import to_toml


class Stages:
    """The stages of one run, and what they share."""

    def __init__(self, study: Study, config: Any, outputs: Outputs, progress: Progress, command: str) -> None:
        self.study, self.config, self.outputs, self.progress, self.command = (
            study,
            config,
            outputs,
            progress,
            command,
        )
        self.errors: list[str] = list(outputs.status["errors"])
        self.notes: list[str] = []
        self.seconds: dict[str, float] = dict(outputs.status["seconds"])

    def run(self) -> tuple[ClaimResult, ...]:
        with self.stage("set up"):
            toml, environ, model = self.set_up()
        if self.outputs.status["measured"]:
            self.progress.say("data: kept from the run that is resumed")
        else:
            with self.stage("measure"):
                data = self.measure()
            with self.stage("save data"):
                self.outputs.write_data(data)
        with self.stage("claims"):
            data = self.outputs.read_data()  # what is judged and drawn is what is saved
            claims = self.judge(data)
        with self.stage("tables"):
            tables = self.tables(data)
        with self.stage("methods"):
            methods = self.methods(data, environ)
        with self.stage("figures"):
            drawings = self.draw(data)
        with self.stage("report"):
            page = Report(
                title=self.study.title, name=self.study.name, preset=self.outputs.status["preset"],
                outcome=outcome_sentence(claims), claims=claims, drawings=drawings, tables=tables,
                notes=(*self.errors, *self.notes, *health_notes(data)), model=model, methods=methods,
                config=toml,
                environment=environ, attributes=_attributes(data), command=self.command,
                started=self.outputs.status["started"], seconds=self.seconds,
            )  # fmt: skip
            self.outputs.write("report.html", render(page))
        return claims

    def measure(self) -> Any:
        try:
            data = self.study.measure(self.config, self.progress)
        except KeyboardInterrupt as interruption:
            if hasattr(interruption, "partial"):  # monte_carlo hands over what it has
                self.outputs.write_partial(interruption.partial)
            raise
        _check_data(data)
        return data

    def set_up(self) -> tuple[str, dict[str, Any], str]:
        """What is known before the measurement; a study that cannot be built stops here."""
        write = self.outputs.write
        header = f"{self.study.title}\nConfiguration of a run of {self.study.name}; use it with --config."
        toml = to_toml(self.config, header)
        write("config.toml", toml)
        for name, file in sources(self.study.path).items():
            write(f"study/{name}", file.read_bytes())
        built = self.study.build(self.config)
        model = _model_text(built)
        if model:
            write("model.txt", model)
        environ = environment(self.study.path)
        if self.outputs.status["measured"]:
            environ = self.kept_environment(environ)
        write("environment.json", to_json(environ))
        return toml, environ, model

    def kept_environment(self, current: dict[str, Any]) -> dict[str, Any]:
        """The record of the run that measured; how this one differs is noted."""
        try:
            measured = json.loads((self.outputs.folder / "environment.json").read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            self.notes.append(f"The environment of the measurement is lost ({error}); shown is that of the report.")
            return current
        if measured["study"]["sha256"] != current["study"]["sha256"]:
            self.notes.append("The study file has changed since the data was measured.")
        old, new = measured["packages"], current["packages"]
        if changed := sorted(n for n in KEY_PACKAGES if old.get(n) != new.get(n)):
            listed = ", ".join(f"{n} {old.get(n)} to {new.get(n)}" for n in changed)
            self.notes.append(f"Packages have changed since the data was measured: {listed}.")
        return measured

    def judge(self, data: Any) -> tuple[ClaimResult, ...]:
        results = []
        for claim in self.study.claims:
            judgement, error = self.guarded(f"claim {claim.name}", partial(claim.judge, data, self.config))
            if error is None and not isinstance(judgement, Judgement):
                wrong = TypeError(f"judge must return a Judgement; got {judgement!r}")
                error = self.note(f"claim {claim.name}", wrong)
            kept = None if error else judgement
            results.append(ClaimResult(claim.name, claim.text, claim.source, kept, error or ""))
        rows = [result.row() for result in results]
        plain = {"study": self.study.name, "title": self.study.title, "outcome": outcome_sentence(results)}
        self.outputs.write("claims.json", to_json({**plain, "claims": rows}))
        text = io.StringIO()
        table = csv.DictWriter(text, list(ClaimResult.COLUMNS))
        table.writeheader()
        table.writerows(rows)
        self.outputs.write("claims.csv", text.getvalue())
        return tuple(results)

    def tables(self, data: Any) -> dict[str, Any]:
        if self.study.tables is None:
            return {}
        tables, error = self.guarded("tables", lambda: self.study.tables(data, self.config))  # type: ignore[misc]
        kept = {}
        for name, table in ({} if error else tables).items():
            _, error = self.guarded(f"table {name}", partial(self.save_table, f"tables/{name}.csv", table))
            if error is None:
                kept[name] = table
        return kept

    def methods(self, data: Any, environ: Mapping[str, Any]) -> str:
        text, error = self.guarded("methods", lambda: str(self.study.methods(self.config, data)).strip())
        text = (f"(no text: {error})" if error else text) + "\n\n" + versions_sentence(environ, _attributes(data))
        self.outputs.write("methods.txt", text + "\n")
        return text

    def draw(self, data: Any) -> tuple[Drawing, ...]:
        from jaxsnn_noise import figures

        with figures.style():
            pictures, error = self.guarded("plot", lambda: dict(self.study.plot(data, self.config)))
        drawings = []
        for name, picture in ({} if error else pictures).items():
            drawing, error = self.guarded(f"figure {name}", partial(self.save_picture, name, picture))
            drawings.append(Drawing(name, "", getattr(picture, "caption", ""), None, error) if error else drawing)
        return tuple(drawings)

    def save_picture(self, name: str, picture: Any) -> Drawing:
        from jaxsnn_noise import figures

        if not isinstance(picture, Picture):
            raise TypeError(f"plot must return Picture objects; got {type(picture).__name__}")
        text = figures.svg(picture.figure)
        self.save_table(f"figures/{name}.csv", picture.table)
        self.outputs.write(f"figures/{name}.svg", text)
        image = figures.png(picture.figure)
        self.outputs.write(f"figures/{name}.png", image)
        return Drawing(name, text, picture.caption, picture.table, png=image)

    def save_table(self, name: str, table: Any) -> None:
        if not hasattr(table, "to_csv"):
            raise TypeError(f"{name} must be a pandas DataFrame; got {type(table).__name__}")
        self.outputs.write(name, table.to_csv(index=False))

    @contextlib.contextmanager
    def stage(self, name: str) -> Iterator[None]:
        start = time.monotonic()
        self.outputs.update(stage=name)
        yield
        self.seconds[name] = round(time.monotonic() - start, 3)
        self.outputs.update(seconds=self.seconds, errors=self.errors)

    def guarded(self, what: str, action: Callable[[], Any]) -> tuple[Any, str | None]:
        """The result of the action, or the text of its error, which is recorded; a full disk ends the run."""
        try:
            return action(), None
        except Exception as error:
            if is_full(error):
                raise
            return None, self.note(what, error)

    def note(self, what: str, error: Exception) -> str:
        text = scrub(f"{type(error).__name__}: {error}")
        self.errors.append(f"{what}: {text}")
        before = self.outputs.folder / "errors.txt"
        story = before.read_text(encoding="utf-8") if before.is_file() and len(self.errors) > 1 else ""
        trace = "".join(traceback.format_exception(error))
        self.outputs.write("errors.txt", f"{story}{what}\n{scrub(trace)}\n")
        self.progress.say(f"{what}: {text}")
        return text


def _check_data(data: Any) -> None:
    import xarray

    if isinstance(data, xarray.Dataset):
        return
    if not isinstance(data, Mapping) or not data or not all(isinstance(d, xarray.Dataset) for d in data.values()):
        refuse("measure", "must return an xarray.Dataset, or a dict of them by name", type(data).__name__)


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


def _attributes(data: Any) -> dict[str, Any]:
    """Attributes of the dataset; of several, those of each under its name."""
    if hasattr(data, "attrs"):
        return dict(data.attrs)
    common: dict[str, Any] = {}
    for name, dataset in data.items():
        for key, value in dataset.attrs.items():
            same = all(other.attrs.get(key) == value for other in data.values())
            common[key if same else f"{name}: {key}"] = value
    return common
