"""The stages of a run: set up, measure, judge, draw, report. What is done is saved before the next begins."""

from __future__ import annotations

import csv
import io
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeVar

from jaxsnn_noise._files import StoreError
from jaxsnn_noise.study.errors import Errors
from jaxsnn_noise.study.outputs import Outputs, to_json
from jaxsnn_noise.study.progress import Progress
from jaxsnn_noise.study.protocol import (
    Claim,
    ClaimResult,
    Judgement,
    Picture,
    Study,
    StudyError,
    outcome_sentence,
    refuse,
)
from jaxsnn_noise.study.report import Drawing, Report, health_notes, render, versions_sentence
from jaxsnn_noise.study.setting import Setting, set_up

T = TypeVar("T")


class Stages:
    """The stages of one run, and what they share.

    Args:
        study: What is run.
        config: Its configuration.
        outputs: The folder of the run.
        progress: What the measurement gets.
        command: The command line, for the record.
    """

    def __init__(self, study: Study, config: Any, outputs: Outputs, progress: Progress, command: str) -> None:
        self.study, self.config, self.outputs = study, config, outputs
        self.progress, self.command = progress, command
        self.errors = Errors(outputs, progress.say)
        self.seconds: dict[str, float] = dict(outputs.status["seconds"])

    def run(self) -> tuple[ClaimResult, ...]:
        """All of them; what is judged and drawn is what is saved."""
        setting = self._stage("set up", set_up, self.study, self.config, self.outputs)
        self._measured()
        data = self.outputs.read_data()
        claims = self._stage("claims", self._judge, data)
        tables = self._stage("tables", self._tables, data)
        methods = self._stage("methods", self._methods, data, setting)
        drawings = self._stage("figures", self._draw, data)
        self._stage("report", self._report, data, setting, claims, tables, methods, drawings)
        return claims

    def _stage(self, name: str, action: Callable[..., T], *args: Any) -> T:
        """What a stage gives; the status says that it runs, and then how long it took."""
        start = time.monotonic()
        self.outputs.note(stage=name)
        made = action(*args)
        self.seconds[name] = round(time.monotonic() - start, 3)
        self.outputs.note(seconds=self.seconds, errors=self.errors.texts)
        return made

    def _measured(self) -> None:
        if self.outputs.measured:
            self.progress.say("data: kept from the run that is resumed")
            self.outputs.clear_parts()  # whoever wrote the data may have been killed before
            return
        self._stage("measure", self._measure)

    def _measure(self) -> None:
        """Measure and write; no word is written in between, on a disk that may be full."""
        try:
            data = self.study.measure(self.config, self.progress)
        except (KeyboardInterrupt, StoreError) as interruption:
            if hasattr(interruption, "partial"):  # monte_carlo hands over what it has
                self._keep_partial(interruption)
            raise
        _check_data(data)
        self.outputs.write_data(data)

    def _keep_partial(self, interruption: Any) -> None:
        try:
            self.outputs.write_partial(interruption.partial)
        except StudyError as error:  # a full disk: what was raised says more, and this where the rest is
            interruption.add_note(str(error))

    def _judge(self, data: Any) -> tuple[ClaimResult, ...]:
        results = []
        for claim in self.study.claims:
            judgement, error = self.errors.guard(f"claim {claim.name}", _judged, claim, data, self.config)
            results.append(ClaimResult(claim.name, claim.text, claim.source, judgement, error))
        results = self._settled(results)
        self._save_claims(results)
        return tuple(results)

    def _settled(self, results: list[ClaimResult]) -> list[ClaimResult]:
        """The same claims with what the study makes of all judgements together; none stand where that fails."""
        if self.study.settle is None:
            return results
        judged = {result.name: result.judgement for result in results if result.judgement is not None}
        settled, error = self.errors.guard("settle", self.study.settle, judged)
        return [
            replace(r, judgement=None if error else settled[r.name], error=r.error or error) if r.name in judged else r
            for r in results
        ]

    def _save_claims(self, results: Sequence[ClaimResult]) -> None:
        rows = [result.row() for result in results]
        plain = {"study": self.study.name, "title": self.study.title, "outcome": outcome_sentence(results)}
        self.outputs.write("claims.json", to_json({**plain, "claims": rows}))
        text = io.StringIO()
        table = csv.DictWriter(text, list(ClaimResult.COLUMNS))
        table.writeheader()
        table.writerows(rows)
        self.outputs.write("claims.csv", text.getvalue())

    def _tables(self, data: Any) -> dict[str, Any]:
        if self.study.tables is None:
            return {}
        tables, error = self.errors.guard("tables", self.study.tables, data, self.config)
        kept = {}
        for name, table in ({} if error else tables).items():
            _, error = self.errors.guard(f"table {name}", self._save_table, f"tables/{name}.csv", table)
            if not error:
                kept[name] = table
        return kept

    def _methods(self, data: Any, setting: Setting) -> str:
        text, error = self.errors.guard("methods", self.study.methods, self.config, data)
        own = f"(no text: {error})" if error else str(text).strip()
        text = own + "\n\n" + versions_sentence(setting.environment, _attributes(data))
        self.outputs.write("methods.txt", text + "\n")
        return text

    def _draw(self, data: Any) -> tuple[Drawing, ...]:
        from jaxsnn_noise import figures

        with figures.style():
            pictures, error = self.errors.guard("plot", self.study.plot, data, self.config)
        drawings = []
        for name, picture in ({} if error else pictures).items():
            drawing, error = self.errors.guard(f"figure {name}", self._save_picture, name, picture)
            drawings.append(Drawing(name, "", getattr(picture, "caption", ""), None, error) if error else drawing)
        return tuple(drawings)

    def _save_picture(self, name: str, picture: Any) -> Drawing:
        from jaxsnn_noise import figures

        if not isinstance(picture, Picture):
            raise TypeError(f"plot must return Picture objects; got {type(picture).__name__}")
        text = figures.svg(picture.figure)
        self._save_table(f"figures/{name}.csv", picture.table)
        self.outputs.write(f"figures/{name}.svg", text)
        image = figures.png(picture.figure)
        self.outputs.write(f"figures/{name}.png", image)
        return Drawing(name, text, picture.caption, picture.table, png=image)

    def _save_table(self, name: str, table: Any) -> None:
        if not hasattr(table, "to_csv"):
            raise TypeError(f"{name} must be a pandas DataFrame; got {type(table).__name__}")
        self.outputs.write(name, table.to_csv(index=False))

    def _report(
        self, data: Any, setting: Setting, claims: tuple[ClaimResult, ...], tables: Any, methods: str, drawings: Any
    ) -> None:
        status = self.outputs.status
        page = Report(
            title=self.study.title, name=self.study.name, preset=status["preset"], outcome=outcome_sentence(claims),
            claims=claims, drawings=drawings, tables=tables,
            notes=(*self.errors.texts, *self.outputs.notes, *setting.notes, *health_notes(data)), model=setting.model, methods=methods,
            config=setting.config, environment=setting.environment, attributes=_attributes(data),
            command=self.command, started=status["started"], seconds=self.seconds,
        )  # fmt: skip
        self.outputs.write("report.html", render(page))


def _judged(claim: Claim, data: Any, config: Any) -> Judgement:
    judgement = claim.judge(data, config)
    if not isinstance(judgement, Judgement):
        raise TypeError(f"judge must return a Judgement; got {judgement!r}")
    return judgement


def _check_data(data: Any) -> None:
    import xarray

    if isinstance(data, xarray.Dataset):
        return
    if not isinstance(data, Mapping) or not data or not all(isinstance(d, xarray.Dataset) for d in data.values()):
        refuse("measure", "must return an xarray.Dataset, or a dict of them by name", type(data).__name__)


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
