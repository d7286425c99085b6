"""Strict settings for every test; they must stand before the package is imported for the first time."""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jax
import pytest
from jaxtyping import install_import_hook

# `from helpers.statistical import ...`; appended, so that tests/statistics never hides the standard library's
sys.path.append(str(Path(__file__).parent))
import helpers.typecheck
from helpers import programs

jax.config.update("jax_numpy_rank_promotion", "raise")  # [n] + [m, n] is an accident here, never a wish
jax.config.update("jax_numpy_dtype_promotion", "strict")  # nothing silently becomes float64 or int
# shapes and dtypes of every call, in tests only: it costs 40 us a call
install_import_hook("jaxsnn_noise", f"{helpers.typecheck.__name__}.checked")

from jaxsnn_noise.collecting import SELDOM  # noqa: E402 - after the hook, which it has to pass

gc.set_threshold(*SELDOM)  # as while a study runs: looking for cycles took a sixth of the time of tracing

PROGRAMS = Path(__file__).parents[1] / ".pytest_cache" / "programs"
programs.share(PROGRAMS)


def pytest_sessionstart(session: pytest.Session) -> None:
    if not hasattr(session.config, "workerinput"):
        programs.tidy(PROGRAMS)


MOST_MAPS = 15_000
"""Memory maps of this process from which on compiled programs are let go."""


@pytest.fixture(scope="module", autouse=True)
def room_for_programs() -> Iterator[None]:
    """A process that compiles thousands of programs ends when it has no memory maps left (65,530 on Linux)."""
    yield
    maps = Path("/proc/self/maps")
    if maps.exists() and maps.read_bytes().count(b"\n") > MOST_MAPS:
        jax.clear_caches()


@pytest.fixture(autouse=True)
def same_numbers(request: pytest.FixtureRequest) -> None:
    """The generator of a test file, ``RNG``, gives each test the same numbers, in whatever order they run."""
    if (generator := getattr(request.module, "RNG", None)) is not None:
        start = vars(request.module).setdefault("_RNG_START", generator.bit_generator.state)
        generator.bit_generator.state = start


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Each process takes a run of neighbouring tests, which share what is compiled; one that is through takes from the others."""
    from xdist.scheduler import WorkStealingScheduling

    return WorkStealingScheduling(config, log)
