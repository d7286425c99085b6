"""The part of training that runs in Python: blocks of seeds side by side, epoch after epoch."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import jax
import numpy as np

from jaxsnn_noise._checks import fail
from jaxsnn_noise.ensemble.runner import Job, Runner
from jaxsnn_noise.progress import Meter
from jaxsnn_noise.training.batches import Feed
from jaxsnn_noise.training.checkpoints import Folder
from jaxsnn_noise.training.loop import Data, Learner, Member, Task, assess, epoch, to_assess
from jaxsnn_noise.training.standing import Standing


@dataclass(frozen=True)
class Report:
    """What a callback is told after an epoch of a seed.

    Attributes:
        seed: Index of the seed.
        epoch: Epochs done, counted from 1.
        scores: ``loss``, metrics, ``validation_loss``, ..., ``seconds`` of this epoch.
        stopped: Whether the seed stops here.
    """

    seed: int
    epoch: int
    scores: dict[str, float]
    stopped: bool = field(kw_only=True)


Callback = Callable[[Report], object]


@dataclass(frozen=True)
class Block:
    """Seeds that run in one program: their members, and where they start."""

    members: Member
    learners: Learner

    @property
    def seeds(self) -> list[int]:
        """Their indices."""
        return [int(s) for s in np.asarray(self.members.seed)]


@dataclass
class Training:
    """Trains the blocks side by side, epoch after epoch.

    Attributes:
        standings: Where each block stands; from the folder, where it holds something.
        start: What was seen before the first step, if somebody looked.
    """

    task: Task
    train: Data | Feed
    validation: Data | None
    blocks: Sequence[Block]
    epochs: int
    patience: int | None
    folder: Folder | None
    callback: Callback | None
    meter: Meter | None
    start: dict[str, dict[str, float]] | None = None

    def __post_init__(self) -> None:
        self.assessing = to_assess(self.task)
        names = [*self.task.scores, *(f"validation_{k}" for k in self.task.scores if self.validation is not None)]
        self.standings = [Standing.at_start(block.learners, names) for block in self.blocks]
        if self.folder is not None:
            loaded = [self.folder.load(i, s) for i, s in enumerate(self.standings)]
            most = max((found.epochs for found in loaded if found is not None), default=0)
            if most > self.epochs:
                fail("fit.epochs", f"must be at least the {most} epochs that the checkpoint folder holds", self.epochs)
            self.standings = [s if found is None else found for s, found in zip(self.standings, loaded, strict=True)]

    def run(self, devices: Sequence[Any]) -> None:
        """Advance all blocks to their end; when anything is raised, all finish their epoch and keep it first."""
        jobs = [job for number in range(len(self.blocks)) if (job := self._next(number)) is not None]
        Runner(devices, alone=True).run(jobs)

    def _next(self, number: int) -> Job | None:
        """The next epoch of a block, if it has one."""
        standing = self.standings[number]
        if standing.finished or standing.epochs >= self.epochs:
            return None
        name = f"epoch {standing.epochs + 1} of seeds {self.blocks[number].seeds}"
        return Job(
            name,
            partial(self._epoch, number),
            partial(self._keep, number),
            partial(self._tell, number),
            partial(self._next, number),
        )

    def _epoch(self, number: int) -> Standing:
        """Where the block stands after one more epoch; the folder has it."""
        block, standing, started = self.blocks[number], self.standings[number], time.monotonic()
        if isinstance(self.train, Feed):
            learners, scores = self.train.epoch(self.task, block.members, standing.learners)
        else:
            learners, scores = epoch(self.task, self.train, block.members, standing.learners)
        if self.validation is not None:
            own = block.members.own | self.task.parameters.constrain(learners.free)
            on_validation = assess(self.assessing, self.validation, Member(block.members.seed, own))
            scores = scores | {f"validation_{k}": v for k, v in on_validation.items()}
        numbers = {k: np.asarray(v, np.float32) for k, v in jax.device_get(scores).items()}
        standing = standing.after(learners, numbers, time.monotonic() - started, self.patience)
        if self.folder is not None:
            self.folder.save(number, standing)
        return standing

    def _keep(self, number: int, standing: Standing) -> None:
        self.standings[number] = standing

    def _tell(self, number: int) -> None:
        """Progress and callback."""
        block, standing = self.blocks[number], self.standings[number]
        last = {k: v[:, -1] for k, v in standing.history.items()}
        if self.meter is not None:
            shown = [k for k in ("loss", "validation_loss", "validation_accuracy") if k in last]
            self.meter.what = "fit: " + ", ".join(f"{k} {np.nanmean(last[k]):.4g}" for k in shown)
            pairs = list(zip(self.blocks, self.standings, strict=True))
            total = sum(len(b.seeds) * (s.epochs if s.finished else self.epochs) for b, s in pairs)
            self.meter(sum(len(b.seeds) * s.epochs for b, s in pairs), total)
        if self.callback is not None:
            for i, seed in enumerate(block.seeds):
                if standing.stopped[i] in (0, standing.epochs):
                    scores = {k: float(v[i]) for k, v in last.items()}
                    self.callback(Report(seed, standing.epochs, scores, stopped=bool(standing.stopped[i])))
