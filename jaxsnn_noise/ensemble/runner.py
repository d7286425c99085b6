"""Jobs side by side on the devices, and what is left of them when they do not come to their end."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from typing import Any

import jax


@dataclass(frozen=True)
class Job:
    """A piece of work, and what is done with its result.

    Args:
        name: What it is called where it fails.
        work: Computes the result, on a thread of its own whose device is JAX's default.
        keep: Takes the result, on the thread that runs all. It may come twice with one result, if Ctrl-C comes between.
        tell: Says that it is kept, to whoever wants to know; left out once something has gone wrong.
        then: Gives the job that goes on from there, if there is one, for the same device.
    """

    name: str
    work: Callable[[], Any]
    keep: Callable[[Any], object]
    tell: Callable[[], object] | None = None
    then: Callable[[], Job | None] | None = None


class Runner:
    """Does jobs side by side, one on each of the devices.

    When a job, ``keep`` or ``tell`` raises, or Ctrl-C comes, no further job begins; those that are running come to their
    end and are kept, and then the error goes on. A second Ctrl-C does not wait for them.

    Args:
        devices: One for each job that runs at a time; a device may be named more than once.
        alone: Let the first job finish before others begin: it compiles the program that they all find then.
    """

    def __init__(self, devices: Sequence[Any], *, alone: bool = False):
        self.devices, self.alone = list(devices), alone
        self.running: dict[Future[Any], tuple[Job, Any]] = {}

    def run(self, jobs: Iterable[Job]) -> None:
        """Do all jobs, and those that follow from them; they are asked for one by one, as devices are free."""
        pool = ThreadPoolExecutor(len(self.devices))
        try:
            self._run(pool, iter(jobs))
        except BaseException:
            self._settle()
            raise
        finally:
            pool.shutdown(wait=not self.running)

    def _run(self, pool: ThreadPoolExecutor, jobs: Iterator[Job]) -> None:
        free, alone = self.devices[::-1], self.alone
        while True:
            while free and not (alone and self.running) and (job := next(jobs, None)) is not None:
                self._start(pool, job, free.pop())
            if not self.running:
                return
            for future in wait(self.running, return_when=FIRST_COMPLETED).done:
                job, device = self.running[future]
                job.keep(future.result())
                del self.running[future]
                alone = False
                if job.tell is not None:
                    job.tell()
                if (following := job.then and job.then()) is not None:
                    self._start(pool, following, device)
                else:
                    free.append(device)

    def _start(self, pool: ThreadPoolExecutor, job: Job, device: Any) -> None:
        self.running[pool.submit(_work, job, device)] = job, device

    def _settle(self) -> None:
        """Let what is running come to its end, and keep it."""
        wait(self.running)
        for future, (job, _) in self.running.items():
            if future.exception() is None:
                job.keep(future.result())
        self.running.clear()


def places(workers: int) -> list[Any]:
    """A device for each of so many workers, all devices in turn."""
    devices = jax.local_devices()
    return [devices[i % len(devices)] for i in range(workers)]


def _work(job: Job, device: Any) -> Any:
    try:
        with jax.default_device(device):
            return job.work()
    except Exception as error:
        error.add_note(f"in {job.name}")
        raise
