"""From nothing to a result: import times, and the first small study, of processes that begin cold."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from .compare import spread

ROOT = Path(__file__).resolve().parents[2]
HEAVY = ("xarray", "zarr", "pandas", "matplotlib", "scipy", "optax", "rich", "tyro", "cattrs", "jinja2", "sklearn")

IMPORTS = {
    "import jax, equinox": "import jax, equinox",
    "import jaxsnn_noise, every name of the day-one script": (
        "import jaxsnn_noise as jn; jn.Simulation, jn.monte_carlo, jn.simulate, jn.Trials, jn.Devices, jn.Sweep, "
        "jn.neurons, jn.noise, jn.synapses, jn.coding, jn.statistics, jn.hardware, jn.laws, jn.paths"
    ),
    "import jaxsnn_noise": "import jaxsnn_noise",
}
STUDY = """
import math, sys
import jaxsnn_noise as jn
n = int(sys.argv[1])
cells = jn.Population(
    jn.neurons.LIF(100, tau_mem=-1 / math.log(0.95)),
    noise={"membrane": jn.noise.VoltageNoise(jn.noise.PerStep(0.1))},
)
weights = jn.synapses.random_weights(shape=(100, 100), probability=0.1, std=0.1, key=1)
network = jn.Network({"cells": cells}, projections={"recurrent": jn.synapses.Dense("cells", "cells", weights)})
statistics = {"rate": jn.statistics.Rate()}
sim = jn.Simulation(network, {"cells": jn.coding.Constant(1.1)}, duration=1000.0, dt=1.0, statistics=statistics)
print(float(jn.monte_carlo(sim, [jn.Trials(n)], key=0, progress=False)["rate"].mean()))
"""


def measure(rounds: int, trials: int, say: Callable[[str], None]) -> dict[str, Any]:
    """Seconds of each cold process, interpreter included for the study; interleaved.

    Python's compiled modules are there, as after the first use of an installed package: a round before the first writes
    them.
    """
    seconds: dict[str, list[float]] = {}
    study = f"process to result, W1 with {trials} trials"
    with tempfile.TemporaryDirectory(prefix="bench_") as cache:
        for number in range(rounds + 1):
            say(f"startup: round {number} of {rounds}, load {os.getloadavg()[0]:.1f}")
            for name, code in IMPORTS.items():
                timed = f"import time; t = time.perf_counter(); {code}; print(time.perf_counter() - t)"
                seconds.setdefault(name, []).append(float(_output(cache, "-c", timed)))
            start = time.perf_counter()
            _output(cache, "-c", STUDY, str(trials))
            seconds.setdefault(study, []).append(time.perf_counter() - start)
        return {"seconds": {name: spread(values[1:]) for name, values in seconds.items()}, "loaded": loaded(cache)}


def loaded(cache: str) -> list[str]:
    """Which heavy packages the imports of the day-one script load."""
    code = IMPORTS["import jaxsnn_noise, every name of the day-one script"]
    names = set(json.loads(_output(cache, "-c", f"import json, sys; {code}; print(json.dumps(list(sys.modules)))")))
    return [name for name in HEAVY if name in names]


def _output(cache: str, *arguments: str) -> str:
    """The last line that a Python process prints; compiled modules are kept in ``cache``."""
    environment = {"JAX_PLATFORMS": "cpu", **os.environ, "PYTHONPYCACHEPREFIX": cache}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    environment["PYTHONPATH"] = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH", ""))))
    command = [sys.executable, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=600, env=environment)
    return done.stdout.strip().splitlines()[-1]
