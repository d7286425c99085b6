"""What noise costs: each source, policy, and firing rule on against off, in a network of recurrent neurons.

All programs run in this process, one after the other, another one first in each round. The basis is the same network without
noise. The bridge looks at white noise, so its basis is the network with it; sources that make whole spikes unreliable act on
what neurons release.

Members are samples, each with a drive of its own: trials of a network without noise are all one, and are computed once.
"""

from __future__ import annotations

import functools
import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .compare import spread
from .tables import grid
from .workloads import MonteCarlo

FULL = MonteCarlo(trials=200)
TINY = MonteCarlo(neurons=10, steps=20, trials=4)
SLOW = 100.0
"""Programs that take so many times the time of the fastest one are run in one round only."""
OFF = "none"
WHITE = "VoltageNoise, white"
"""The basis of rules that look at white noise."""


def sources(size: int) -> dict[str, dict[str, Any]]:
    """What each program adds to the basis: ``noise`` of the cells, ``release`` noise, a ``firing`` rule, or a ``background``."""
    import jaxsnn_noise as jn

    n = jn.noise
    positions = np.stack([np.arange(size), np.zeros(size)], axis=-1)

    def current(**policies: Any) -> dict[str, Any]:
        return {"noise": n.CurrentNoise(n.PerStep(0.1), **policies)}

    colours = {
        "OrnsteinUhlenbeck": n.OrnsteinUhlenbeck(5.0),
        "PowerLaw": n.PowerLaw(1.0, 1.0, 30.0),
        "Telegraph": n.Telegraph(50.0, 50.0),
    }
    correlations = {
        "Common": n.Common(),
        "SharedFraction": n.SharedFraction(0.3),
        "LowRank, 4 factors": n.LowRank(np.full((size, 4), 0.2)),
        "Covariance": n.Covariance(0.7 * np.eye(size) + 0.3),
        "Spatial": n.Spatial(positions, 3.0),
    }
    laws = {
        "Laplace": n.Laplace(), "Logistic": n.Logistic(), "Uniform": n.Uniform(), "Triangular": n.Triangular(),
        "StudentT": n.StudentT(5.0),
    }  # fmt: skip
    white = {"noise": n.VoltageNoise(n.Diffusion(0.1))}
    hazard = jn.ExponentialHazard(30.0, 0.2)
    return {
        OFF: {},
        WHITE: white,
        "CurrentNoise, white": current(),
        "CurrentNoise, multiplicative": current(coupling=n.Multiplicative()),
        "ThresholdNoise": {"noise": n.ThresholdNoise(n.PerStep(0.1))},
        "SpikeNoise": {"noise": n.SpikeNoise(n.PerStep(0.1))},
        "ReleaseNoise": {"release": n.ReleaseNoise(n.PerStep(0.1))},
        **{f"colour {k}": current(colour=v) for k, v in colours.items()},
        **{f"correlation {k}": current(correlation=v) for k, v in correlations.items()},
        **{f"distribution {k}": current(distribution=v) for k, v in laws.items()},
        "Scheduled, white": {"noise": n.Scheduled(n.VoltageNoise(n.Diffusion(0.1)), [0.0, 50.0], [1.0, 0.5])},
        "PoissonBackground": {"noise": n.PoissonBackground(5.0, 0.1, 100.0)},
        "SpikeDrop": {"noise": n.SpikeDrop(0.1)},
        "SpikeInsertion": {"noise": n.SpikeInsertion(5.0)},
        "SpikeJitter": {"noise": n.SpikeJitter(5.0)},
        "BernoulliRelease": {"release": n.BernoulliRelease(0.1)},
        "NoisyDense": {"wire": {"relative": 0.1}, "kind": jn.synapses.NoisyDense},
        "Quantal": {"wire": {"sites": 5, "use": 0.5, "tau_rec": 100.0}, "kind": jn.synapses.Quantal},
        "NoisyThreshold": {"firing": jn.NoisyThreshold(0.1)},
        "EscapeRate": {"firing": jn.EscapeRate(hazard)},
        "BridgeThreshold": white | {"firing": jn.BridgeThreshold()},
        "BridgeThreshold, times": white | {"firing": jn.BridgeThreshold(times=True)},
    }


def simulation(problem: MonteCarlo, added: dict[str, Any]) -> Any:
    """The network of W1 without its noise, and what is added."""
    import jaxsnn_noise as jn

    cells = jn.Population(
        jn.neurons.LIF(problem.neurons, tau_mem=-1 / float(np.log(problem.decay))),
        noise={"x": added["noise"]} if "noise" in added else {},
        **({"firing": added["firing"]} if "firing" in added else {}),
    )
    kind = added.get("kind", jn.synapses.Dense)
    weights = problem.data()["weights"]
    options = dict(added.get("wire", {})) | ({"noise": {"x": added["release"]}} if "release" in added else {})
    network = jn.Network({"cells": cells}, {"recurrent": kind("cells", "cells", weights, **options)})
    return jn.Simulation(
        network,
        {"cells": jn.coding.Constant(problem.drive)},
        duration=float(problem.steps),
        dt=1.0,
        statistics={"spikes": jn.statistics.SpikeCount()},
    )


def measure(
    rounds: int, say: Callable[[str], None], problem: MonteCarlo, names: Sequence[str] | None = None
) -> list[dict[str, Any]]:
    """One entry per program: seconds of wall and CPU time, and the ratios within rounds to no noise, or to white noise."""
    added = sources(problem.neurons)
    chosen = [name for name in added if name in (names or added) or name in (OFF, WHITE)]
    say(f"noise: {len(chosen)} programs are compiled")
    runs: dict[str, Callable[[], Any]] = {
        name: functools.partial(_run, simulation(problem, added[name]), problem.trials) for name in chosen
    }
    taken = in_turns(runs, rounds, say)
    found = []
    for name in chosen:
        basis = WHITE if name.startswith("Bridge") else OFF
        entry: dict[str, Any] = {"source": name, "over": basis, "rounds": len(taken[name])}
        for place, clock in enumerate(("wall", "cpu")):
            pairs = [(x[place], taken[basis][at][place]) for at, x in taken[name].items()]
            entry[clock] = spread([x for x, _ in pairs])
            entry[f"{clock}_ratio"] = spread([x / y for x, y in pairs])
        found.append(entry)
    return found


def in_turns(
    runs: dict[str, Callable[[], Any]], rounds: int, say: Callable[[str], None]
) -> dict[str, dict[int, tuple[float, float]]]:
    """Seconds of wall and CPU time by program and round; another one begins each round, and a first run is not counted.

    What takes :data:`SLOW` times as long as the fastest is run in one round only.
    """
    for run in runs.values():
        run()
    order, taken = list(runs), {name: dict[int, tuple[float, float]]() for name in runs}
    for number in range(rounds):
        say(f"noise: round {number + 1} of {rounds}")
        turned = order[number % len(order) :] + order[: number % len(order)]
        least = min((x[0] for one in taken.values() for x in one.values()), default=np.inf)
        for name in turned:
            if number and taken[name][0][0] > SLOW * least:
                continue
            wall, cpu = time.perf_counter(), time.process_time()
            runs[name]()
            taken[name][number] = (time.perf_counter() - wall, max(time.process_time() - cpu, 1e-9))
    return taken


def table(found: Sequence[dict[str, Any]]) -> str:
    """One row per program."""
    rows = []
    for x in found:
        ratios = [f"{r['median']:.2f} [{r['low']:.2f} to {r['high']:.2f}]" for r in (x["cpu_ratio"], x["wall_ratio"])]
        rows.append([x["source"], f"{x['cpu']['median']:.3g}", x["over"], *ratios, str(x["rounds"])])
    return grid(["on", "CPU [s]", "against", "ratio of CPU", "ratio of wall time", "rounds"], rows)


def _run(sim: Any, members: int) -> None:
    import jaxsnn_noise as jn

    middle = float(sim.inputs["cells"].values)
    drives = np.linspace(0.99 * middle, 1.01 * middle, members, dtype=np.float32)
    jn.monte_carlo(sim, [jn.Samples(drives)], key=0, progress=False)
