"""Whether an installation works: versions, devices, the known answers of the generator, and a simulation."""

from __future__ import annotations

import math
import platform
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from jaxsnn_noise import provenance
from jaxsnn_noise.study.catalog import builtin
from jaxsnn_noise.study.environment import cpu_model

KNOWN_ANSWERS = (  # Threefry-2x32-20 of Random123, its file kat_vectors: key, counter, answer
    ((0x00000000, 0x00000000), (0x00000000, 0x00000000), (0x6B200159, 0x99BA4EFE)),
    ((0xFFFFFFFF, 0xFFFFFFFF), (0xFFFFFFFF, 0xFFFFFFFF), (0x1CB996FC, 0xBB002BE7)),
    ((0x13198A2E, 0x03707344), (0x243F6A88, 0x85A308D3), (0xC4923A9C, 0x483DF7A0)),
)
FARTHEST = 5.0
"""Standard errors that the self-test may be away from theory; chance alone goes farther in one of 1.7 million seeds."""


def examine(console: Any) -> int:
    """Run all checks and print what they say.

    Args:
        console: A rich console.

    Returns:
        0 if all is well, 1 otherwise.
    """
    checks: tuple[tuple[str, Callable[[], str]], ...] = (
        ("versions", _versions),
        ("devices", _devices),
        ("generator", _generator),
        ("simulation", _simulation),
        ("storage", _storage),
        ("studies", _studies),
    )
    failed = 0
    for name, check in checks:
        start = time.monotonic()
        try:
            text, sign = check(), "ok"
        except Exception as error:
            text, sign = f"{type(error).__name__}: {error}", "FAILED"
            failed += 1
        seconds = time.monotonic() - start
        console.print(f"{sign:7}{name:12}{text} ({seconds:.1f} s)", markup=False, soft_wrap=True)
    console.print("all is well" if not failed else f"{failed} of {len(checks)} checks failed", markup=False)
    return 1 if failed else 0


def _versions() -> str:
    this, *others = (f"{name} {found}" for name, found in provenance.versions(provenance.KEY_PACKAGES).items())
    return ", ".join([this, f"Python {platform.python_version()}", *others])


def _devices() -> str:
    import jax

    jax.devices()
    record = provenance.jax_record()
    assert record is not None  # JAX was imported just now
    return f"{record['backend']}: {', '.join(record['devices'])}; processor {cpu_model()}"


def _generator() -> str:
    """The cipher gives the published answers, through the compiler of this machine."""
    import jax
    import jax.numpy as jnp

    from jaxsnn_noise import random

    cipher = jax.jit(random.threefry2x32)
    for key, counter, answer in KNOWN_ANSWERS:
        words = [jnp.uint32(word) for word in counter]
        got = tuple(int(word) for word in cipher(jnp.array(key, jnp.uint32), *words))
        if got != answer:
            raise ArithmeticError(f"key {key}, counter {counter} must give {answer}; got {got}")
    return f"stream version {random.STREAM_VERSION}, {len(KNOWN_ANSWERS)} known answers"


def _simulation(size: int = 20_000, sigma: float = 0.1, tau: float = 20.0, seed: int = 0) -> str:
    """The variance of a population of noisy membranes without threshold, against theory.

    The potentials of the neurons at one time are independent, so the sample variance has the standard error
    ``sqrt(2 / (size - 1))`` of itself.
    """
    import numpy as np

    import jaxsnn_noise as jn

    noise = {"membrane": jn.noise.VoltageNoise(jn.noise.Diffusion(sigma))}
    cells = jn.Population(jn.neurons.LIF(size=size, tau_mem=tau, v_threshold=1e9), noise=noise)
    sim = jn.Simulation(
        jn.Network({"cells": cells}, projections={}),
        inputs={"cells": jn.coding.Constant(0.0)},
        duration=1.0,
        dt=1.0,
        warmup=49.0,
        statistics={"v": jn.statistics.VoltageMoments()},
    )
    potentials = np.asarray(jn.simulate(sim, key=seed)["v"].mean, np.float64)  # of the one measured step
    got = float(np.var(potentials, ddof=1))
    expected = sigma**2 * tau / 2 * (1 - math.exp(-2 * 50.0 / tau))
    away = (got / expected - 1) / math.sqrt(2 / (size - 1))
    text = f"variance {got:.5f} mV^2, theory {expected:.5f} mV^2, {away:+.1f} standard errors away"
    if abs(away) > FARTHEST:
        raise ArithmeticError(text)
    return text


def _storage() -> str:
    """A dataset comes back from disk as it was."""
    import numpy as np
    import xarray

    from jaxsnn_noise.study.outputs import prepare

    dataset = xarray.Dataset({"rate": (("case", "trial"), np.array([[1.0, np.nan]]))}, {"case": ["a"]})
    with tempfile.TemporaryDirectory() as folder:
        outputs = prepare(Path(folder) / "run")
        outputs.write_data(dataset)
        if not dataset.identical(outputs.read_data()):  # type: ignore[arg-type]  # one was written
            raise OSError("a dataset written as Zarr came back changed")
    return "a dataset written as Zarr came back as it was"


def _studies() -> str:
    names = ", ".join(builtin())
    return names or "no built-in studies are here; files of your own can be run"
