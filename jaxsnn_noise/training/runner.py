"""The part of training that runs in Python: blocks of seeds side by side, epoch after epoch."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import jax
import numpy as np

from jaxsnn_noise._checks import fail
from jaxsnn_noise.progress import Meter
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
class Runner:
    """Trains the blocks side by side; each is advanced by one thread, and all are told to stop by one event."""

    task: Task
    train: Data
    validation: Data | None
    blocks: Sequence[Block]
    epochs: int
    patience: int | None
    folder: Folder | None
    callback: Callback | None
    meter: Meter | None
    devices: Sequence[Any]

    def __post_init__(self) -> None:
        self.halt, self.lock = threading.Event(), threading.Lock()
        self.assessing = to_assess(self.task)
        self.first, self.compiled = threading.Lock(), False
        names = [*self.task.scores, *(f"validation_{k}" for k in self.task.scores if self.validation is not None)]
        self.standings = [Standing.at_start(block.learners, names) for block in self.blocks]
        if self.folder is not None:
            loaded = [self.folder.load(i, s) for i, s in enumerate(self.standings)]
            most = max((found.epochs for found in loaded if found is not None), default=0)
            if most > self.epochs:
                fail("fit.epochs", f"must be at least the {most} epochs that the checkpoint folder holds", self.epochs)
            self.standings = [s if found is None else found for s, found in zip(self.standings, loaded, strict=True)]

    def run(self) -> None:
        """Advance all blocks to their end; when anything is raised, all finish their epoch and keep it first."""
        with ThreadPoolExecutor(len(self.devices)) as pool:
            futures = [pool.submit(self._advance, number) for number in range(len(self.blocks))]
            try:
                for future in futures:
                    future.result()
            except BaseException:
                self.halt.set()
                for future in futures:
                    future.cancel()
                raise

    def _advance(self, number: int) -> None:
        try:
            with jax.default_device(self.devices[number % len(self.devices)]):
                with self.first:  # one block compiles, the others then find the program
                    if not (self.compiled or self.halt.is_set() or self._ended(number)):
                        self._epoch(number)
                        self.compiled = True
                while not (self.halt.is_set() or self._ended(number)):
                    self._epoch(number)
        except BaseException:
            self.halt.set()
            raise

    def _ended(self, number: int) -> bool:
        return self.standings[number].finished or self.standings[number].epochs >= self.epochs

    def _epoch(self, number: int) -> None:
        block, standing, started = self.blocks[number], self.standings[number], time.monotonic()
        learners, scores = epoch(self.task, self.train, block.members, standing.learners)
        if self.validation is not None:
            own = block.members.own | self.task.parameters.constrain(learners.free)
            on_validation = assess(self.assessing, self.validation, Member(block.members.seed, own))
            scores = scores | {f"validation_{k}": v for k, v in on_validation.items()}
        numbers = {k: np.asarray(v, np.float32) for k, v in jax.device_get(scores).items()}
        standing = standing.after(learners, numbers, time.monotonic() - started, self.patience)
        self.standings[number] = standing
        if self.folder is not None:
            self.folder.save(number, standing)
        with self.lock:
            self._tell(block, standing)

    def _tell(self, block: Block, standing: Standing) -> None:
        """Progress and callback; one thread at a time."""
        last = {k: v[:, -1] for k, v in standing.history.items()}
        if self.meter is not None:
            shown = [k for k in ("loss", "validation_loss", "validation_accuracy") if k in last]
            self.meter.what = "fit: " + ", ".join(f"{k} {np.nanmean(last[k]):.4g}" for k in shown)
            total = sum(len(b.seeds) * (s.epochs if s.finished else self.epochs) for b, s in self._pairs())
            self.meter(sum(len(b.seeds) * s.epochs for b, s in self._pairs()), total)
        if self.callback is not None:
            for i, seed in enumerate(block.seeds):
                if standing.stopped[i] in (0, standing.epochs):
                    scores = {k: float(v[i]) for k, v in last.items()}
                    self.callback(Report(seed, standing.epochs, scores, stopped=bool(standing.stopped[i])))

    def _pairs(self) -> list[tuple[Block, Standing]]:
        return list(zip(self.blocks, self.standings, strict=True))
