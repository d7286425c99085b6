"""Jobs side by side: order, devices, what follows, and what is kept when something goes wrong."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import jax
import pytest

from jaxsnn_noise.ensemble import runner
from jaxsnn_noise.ensemble.runner import Job, Runner, places

DEVICE = jax.local_devices()[0]


class Log:
    """Jobs that note what happens to them, and wait where a test wants it."""

    def __init__(self) -> None:
        self.begun: list[str] = []
        self.kept: list[str] = []
        self.told: list[str] = []
        self.gates: dict[str, threading.Event] = {}

    def job(self, name: str, *, act: Callable[[], object] | None = None, **more: Any) -> Job:
        def work() -> str:
            self.begun.append(name)
            if name in self.gates:
                assert self.gates[name].wait(20)
            if act is not None:
                act()
            return name

        return Job(name, work, self.kept.append, more.pop("tell", lambda: self.told.append(name)), **more)


def until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.002)


def fail(error: BaseException) -> Callable[[], object]:
    def act() -> None:
        raise error

    return act


def test_all_jobs_are_done_kept_and_told() -> None:
    log = Log()
    Runner([DEVICE] * 3).run(log.job(str(i)) for i in range(20))
    assert sorted(log.kept) == sorted(log.told) == sorted(str(i) for i in range(20))
    Runner([DEVICE]).run([])
    one = Log()
    Runner([DEVICE]).run(one.job(str(i)) for i in range(5))
    assert one.kept == ["0", "1", "2", "3", "4"]


def test_so_many_run_at_a_time_and_no_job_is_asked_for_early() -> None:
    log, asked = Log(), []

    def jobs() -> Iterator[Job]:
        for i in range(4):
            asked.append(i)
            log.gates[str(i)] = threading.Event()
            yield log.job(str(i))

    thread = threading.Thread(target=lambda: Runner([DEVICE] * 2).run(jobs()))
    thread.start()
    until(lambda: len(log.begun) == 2)
    assert asked == [0, 1]
    log.gates["1"].set()
    until(lambda: len(log.begun) == 3)
    assert log.kept == ["1"]
    for i in (0, 2, 3):
        until(lambda i=i: str(i) in log.gates)  # type: ignore[misc]
        log.gates[str(i)].set()
    thread.join(20)
    assert sorted(log.kept) == ["0", "1", "2", "3"]


def test_what_follows_goes_on_on_the_same_device(monkeypatch: pytest.MonkeyPatch) -> None:
    log = Log()
    seen: dict[str, set[str]] = {"a": set(), "b": set(), "c": set()}

    def work(job: Job, device: str) -> Any:
        seen[job.name[0]].add(device)
        return job.work()

    def chain(name: str, left: int) -> Job:
        return log.job(f"{name}{left}", then=None if left == 0 else lambda: chain(name, left - 1))

    monkeypatch.setattr(runner, "_work", work)
    Runner(["first", "second"]).run(chain(name, 3) for name in "abc")
    assert [len(devices) for devices in seen.values()] == [1, 1, 1]
    assert [k for k in log.kept if k[0] == "a"] == ["a3", "a2", "a1", "a0"]
    assert len(log.kept) == 12


def test_the_device_of_a_job_is_the_default_one() -> None:
    devices: list[Any] = []
    job = Job("a", lambda: jax.config.jax_default_device, devices.append)
    Runner([DEVICE]).run([job])
    assert devices == [DEVICE]
    assert places(3) == [DEVICE] * 3 or len(set(places(3))) > 1


def test_the_first_job_compiles_alone() -> None:
    log = Log()
    log.gates["0"] = threading.Event()
    thread = threading.Thread(target=lambda: Runner([DEVICE] * 3, alone=True).run(log.job(str(i)) for i in range(4)))
    thread.start()
    until(lambda: log.begun == ["0"])
    time.sleep(0.05)
    assert log.begun == ["0"]
    log.gates["0"].set()
    thread.join(20)
    assert log.kept[0] == "0"
    assert sorted(log.kept) == ["0", "1", "2", "3"]


@pytest.mark.parametrize("error", [RuntimeError("mine"), KeyboardInterrupt()])
def test_what_runs_when_a_job_fails_is_kept_and_no_other_begins(error: BaseException) -> None:
    log = Log()
    log.gates["slow"] = threading.Event()

    def act() -> None:
        until(lambda: "slow" in log.begun)
        threading.Timer(0.05, log.gates["slow"].set).start()
        raise error

    jobs = [log.job("bad", act=act), log.job("slow"), log.job("never")]
    with pytest.raises(type(error)) as caught:
        Runner([DEVICE] * 2).run(jobs)
    assert log.kept == ["slow"]
    assert log.told == []
    assert "never" not in log.begun
    if isinstance(error, RuntimeError):
        assert caught.value.__notes__ == ["in bad"]


def test_an_error_of_who_is_told_loses_nothing() -> None:
    log = Log()
    log.gates["slow"] = threading.Event()

    def tell() -> None:
        until(lambda: "slow" in log.begun)
        log.gates["slow"].set()
        raise RuntimeError("mine")

    with pytest.raises(RuntimeError, match="mine"):
        Runner([DEVICE] * 2).run([log.job("a", tell=tell, then=lambda: log.job("never")), log.job("slow")])
    assert log.kept == ["a", "slow"]
    assert "never" not in log.begun


@pytest.fixture
def heard() -> Iterator[None]:
    """Ctrl-C is heard: a shell's background job, as this may be, ignores it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("heard")
def test_ctrl_c_while_it_waits_keeps_what_runs_and_a_second_does_not_wait() -> None:
    """Real signals, to the thread that runs all."""
    log = Log()
    log.gates["a"] = threading.Event()

    def press() -> None:
        until(lambda: log.begun == ["a"])
        time.sleep(0.05)
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)
        if twice:
            time.sleep(0.1)
            signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)
        else:
            threading.Timer(0.1, log.gates["a"].set).start()

    for twice in (False, True):
        log.begun.clear(), log.kept.clear(), log.gates["a"].clear()
        thread = threading.Thread(target=press)
        thread.start()
        with pytest.raises(KeyboardInterrupt):
            Runner([DEVICE]).run([log.job("a"), log.job("b")])
        thread.join(20)
        assert log.kept == ([] if twice else ["a"])
        assert log.begun == ["a"]
    log.gates["a"].set()
