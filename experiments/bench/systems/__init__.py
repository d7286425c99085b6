"""The systems under test, one small file each.

A file defines ``load()``, which imports its libraries, and ``PROGRAMS``: from the name of a program to a function
``(problem, data) -> Program``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Program:
    """A problem, ready to run.

    Args:
        run: One whole run from a seed to finished results in memory.
        outcome: From what ``run`` returned to what is compared: spike counts [trial, ...] of W1 and [neuron] of one
            network, the two trained weight matrices [target, source] of W2.
        seconds: Seconds of the last run by the system's own clock, where a call of ``run`` also builds what others
            build once.
        outside: Whether it runs in a process of its own, whose memory is then unknown.
        share: Of the problem that a run is; its seconds are divided by it.
        given: Counts [chip, image, neuron] of the chips of W4 that are handed over.
    """

    run: Callable[[int], Any]
    outcome: Callable[[Any], Any] = np.asarray
    seconds: Callable[[], float] | None = None
    outside: bool = False
    share: float = 1.0
    given: Callable[[], np.ndarray] | None = None


@dataclass(frozen=True)
class System:
    """One line of a table.

    Args:
        label: Its name in tables.
        module: Its file in this folder.
        program: Which of the file's programs.
        packages: Distributions that it needs, the first of which must be there.
        peer: Whether it is someone else's library or a plain loop (and not ours).
        part: Whether it is only a part of the work, which has a time and no result.
    """

    label: str
    module: str
    program: str
    packages: tuple[str, ...]
    peer: bool = True
    part: bool = False


OURS = ("jaxsnn_noise", "jax", "jaxlib")

W1 = (
    System("jaxsnn_noise", "ours", "counts", OURS, peer=False),
    System("jaxsnn_noise, Sparse", "ours", "sparse", OURS, peer=False),
    System("jaxsnn_noise, full raster", "ours", "raster", OURS, peer=False),
    System("jaxsnn_noise, pinned", "ours", "pinned", OURS, peer=False),
    System("plain JAX scan", "plain_jax", "w1", ("jax", "jaxlib")),
    System("NumPy loop", "numpy_loop", "w1", ("numpy",)),
    System("PyTorch loop", "torch_loop", "w1", ("torch",)),
    System("snnTorch", "snntorch", "w1", ("snntorch", "torch")),
    System("Norse", "norse", "w1", ("norse", "torch")),
    System("SpikingJelly", "spikingjelly", "w1", ("spikingjelly", "torch")),
    System("Spyx", "spyx", "w1", ("spyx", "jax")),
    System("SNNAX", "snnax", "w1", ("snnax", "jax")),
    System("BrainPy", "brainpy", "w1", ("brainpy", "brainstate", "jax")),
    System("Brian2 C++ standalone", "brian2", "w1", ("brian2",)),
    System("NEST", "nest", "w1", ("nest-simulator",)),
)
W2 = (
    System("jaxsnn_noise", "ours", "fit", OURS, peer=False),
    System("plain JAX, product hoisted", "plain_jax", "w2_hoisted", ("jax", "jaxlib", "optax")),
    System("plain JAX", "plain_jax", "w2", ("jax", "jaxlib", "optax")),
    System("PyTorch loop", "torch_loop", "w2", ("torch",)),
    System("snnTorch", "snntorch", "w2", ("snntorch", "torch")),
    System("Norse", "norse", "w2", ("norse", "torch")),
    System("SpikingJelly", "spikingjelly", "w2", ("spikingjelly", "torch")),
    System("Spyx", "spyx", "w2", ("spyx", "jax", "optax")),
    System("SNNAX", "snnax", "w2", ("snnax", "jax", "optax")),
    System("BrainPy", "brainpy", "w2", ("brainpy", "brainstate", "jax")),
)
SPARSE = (
    System("jaxsnn_noise, Sparse", "ours_networks", "sparse", OURS, peer=False),
    System("jaxsnn_noise, Dense", "ours_networks", "dense", OURS, peer=False),
    System("Brian2, Cython", "brian2_networks", "sparse", ("brian2", "cython", "numpy")),
    System("NumPy loop", "numpy_networks", "sparse", ("numpy",)),
)
BRUNEL = (
    System("jaxsnn_noise, Sparse", "ours_networks", "brunel", OURS, peer=False),
    System("NEST", "nest_networks", "brunel", ("nest-simulator",)),
    System("Brian2, Cython", "brian2_networks", "brunel", ("brian2", "cython", "numpy")),
    System("NumPy loop", "numpy_networks", "brunel", ("numpy",)),
)
W5 = (
    System("jaxsnn_noise", "ours_axons", "w5", OURS, peer=False),
    System("Brian2 C++ standalone", "brian2_axons", "w5", ("brian2",)),
    System("NumPy loop", "numpy_axons", "w5", ("numpy",)),
)
W4 = (
    System("jaxsnn_noise, one call", "ours_chips", "w4", OURS, peer=False),
    System("jaxsnn_noise, chip by chip with building", "ours_chips", "built", OURS, peer=False),
    System("jaxsnn_noise, chip by chip, one jitted function", "ours_chips", "jitted", OURS, peer=False),
    System("PyTorch loop, product hoisted", "torch_chips", "hoisted", ("torch",)),
    System("PyTorch loop, product hoisted, one thread", "torch_chips", "hoisted_one", ("torch",)),
    System("PyTorch loop", "torch_chips", "w4", ("torch",)),
    System("PyTorch loop, one thread", "torch_chips", "one", ("torch",)),
    System("NumPy loop", "numpy_chips", "w4", ("numpy",)),
    System("product of images and weights alone, XLA", "ours_chips", "product", OURS, peer=False, part=True),
    System("product alone, PyTorch, one thread", "torch_chips", "product", ("torch",), part=True),
)
SYSTEMS = {"w1": W1, "w2": W2, "sparse": SPARSE, "brunel": BRUNEL, "w4": W4, "w5": W5}
REFERENCE = {
    "w1": "NumPy loop",
    "w2": "plain JAX",
    "sparse": "NumPy loop",
    "brunel": "NumPy loop",
    "w4": "NumPy loop",
    "w5": "NumPy loop",
}
"""The plainest statement of each problem: what the results of all are compared with."""
