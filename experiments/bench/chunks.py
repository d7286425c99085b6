"""How well ``chunk="auto"`` cuts: its time over that of the best shape of a grid, for six kinds of studies.

Every shape of the grid is timed, then the fastest few once more beside ``"auto"``, in turns: the minimum of many noisy times is
too small, and a ratio within rounds is not. The best is that with the smallest median of these. The study of many chips is also timed as its user would write it without the
package's ensembles, as a Python loop over chips of one jitted function.
"""

from __future__ import annotations

import dataclasses
import functools
import itertools
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from .compare import spread
from .tables import grid
from .workloads import MonteCarlo

Shape = dict[str, int]
TRIES = 2
"""Runs of every shape of the grid, after the one that compiles it."""
FINAL = 3
"""Shapes that are timed once more."""
SLOW = 3.0
"""A shape that takes so many times as long as the best one so far is not tried again."""


@dataclasses.dataclass(frozen=True)
class Sizes:
    """How large the six studies are."""

    problem: MonteCarlo = dataclasses.field(default_factory=MonteCarlo)
    recurrent: tuple[int, int] = (100, 200)
    devices: tuple[int, int] = (40, 50)
    sweep: tuple[int, int] = (10, 200)
    chips: tuple[int, int] = (300, 200)
    layers: tuple[int, int, int] = (784, 128, 10)
    sparse: tuple[int, int, int] = (1000, 200, 64)
    plastic: tuple[int, int, int] = (1000, 20, 8)


FULL = Sizes()
TINY = Sizes(
    MonteCarlo(neurons=10, steps=20, trials=8), (10, 20), (2, 4), (2, 4), (3, 4), (12, 8, 3), (20, 10, 4), (20, 6, 4)
)


@dataclasses.dataclass(frozen=True)
class Study:
    """A study, and what each axis of its grid of shapes is cut into."""

    sim: Any
    axes: Sequence[Any]
    pieces: dict[str, Sequence[int]]
    loop: Callable[[], Any] | None = None

    def run(self, chunk: Any) -> None:
        """All members, to the labelled result."""
        import jaxsnn_noise as jn

        jn.monte_carlo(self.sim, self.axes, key=0, chunk=chunk, progress=False)

    def shapes(self) -> Iterator[Shape]:
        """The grid: every axis whole, halved, and so on, as given by ``pieces``."""
        sizes = [sorted({-(-a.size // p) for p in self.pieces[a.name]}, reverse=True) for a in self.axes]
        for shape in itertools.product(*sizes):
            yield {a.name: size for a, size in zip(self.axes, shape, strict=True)}


def measure(
    rounds: int, say: Callable[[str], None], sizes: Sizes, names: Sequence[str] | None = None
) -> list[dict[str, Any]]:
    """One entry per study: what ``"auto"`` chose, the best shape, both times, and their ratio."""
    found = []
    for name in names or STUDIES:
        study = STUDIES[name](sizes)
        say(f"chunks: {name}")
        first = _first(study)
        runs: dict[str, Callable[[], Any]] = {"auto": functools.partial(study.run, "auto")}
        runs |= {str(i): functools.partial(study.run, shape) for i, shape in enumerate(first)}
        if study.loop:
            runs["loop"] = study.loop
        seconds = _in_turns(runs, rounds)
        best = min(range(len(first)), key=lambda i: statistics.median(seconds[str(i)]))
        seconds["best"] = seconds[str(best)]
        ratios = [a / b for a, b in zip(seconds["auto"], seconds["best"], strict=True)]
        entry = {"study": name, "auto": chosen(study), "best": first[best], "ratio": spread(ratios)}
        entry["seconds"] = {k: spread(v) for k, v in seconds.items() if not k.isdigit()}
        if study.loop:
            entry["loop"] = spread([a / b for a, b in zip(seconds["loop"], seconds["auto"], strict=True)])
        found.append(entry)
    return found


def table(found: Sequence[dict[str, Any]]) -> str:
    """One row per study."""
    rows = []
    for x in found:
        seconds = [f"{x['seconds'][k]['median']:.3g}" for k in ("auto", "best")]
        loop = _ratio(x["loop"]) if "loop" in x else ""
        rows.append(
            [x["study"], _shape(x["auto"]), seconds[0], _shape(x["best"]), seconds[1], _ratio(x["ratio"]), loop]
        )
    header = ["study", "auto", "[s]", "best of the grid", "[s]", "auto over best", "loop over chips, over auto"]
    return grid(header, rows)


def chosen(study: Study) -> Shape:
    """The shape that ``"auto"`` takes."""
    import jax

    import jaxsnn_noise as jn
    from jaxsnn_noise.ensemble.chunks import chunk_sizes, default_workers
    from jaxsnn_noise.ensemble.costs import costs

    workers = default_workers(jax.local_devices(), [study.sim])
    names, shape = [axis.name for axis in study.axes], [axis.size for axis in study.axes]
    sizes = chunk_sizes("auto", names, shape, lambda: costs(study.sim, study.axes, jn.Scan()), workers)
    return {a.name: size for a, size in zip(study.axes, sizes, strict=True)}


def _first(study: Study) -> list[Shape]:
    """The shapes of the grid with the smallest times."""
    least: dict[int, float] = {}
    shapes = list(study.shapes())
    for i, shape in enumerate(shapes):
        study.run(shape)
        for _ in range(TRIES):
            least[i] = min(least.get(i, np.inf), _seconds(functools.partial(study.run, shape)))
            if least[i] > SLOW * min(least.values()):
                break
    return [shapes[i] for i in sorted(least, key=lambda i: least[i])[:FINAL]]


def _in_turns(runs: dict[str, Callable[[], Any]], rounds: int) -> dict[str, list[float]]:
    """Seconds of each, in rounds that begin with another one each time; a round before the first compiles."""
    names = list(runs)
    seconds: dict[str, list[float]] = {name: [] for name in names}
    for turn in range(rounds + 1):
        for name in names[turn % len(names) :] + names[: turn % len(names)]:
            taken = _seconds(runs[name])
            if turn:
                seconds[name].append(taken)
    return seconds


def _seconds(run: Callable[[], Any]) -> float:
    begun = time.perf_counter()
    run()
    return time.perf_counter() - begun


def _shape(shape: Shape) -> str:
    return " x ".join(f"{size} {name}s" for name, size in shape.items())


def _ratio(x: dict[str, float]) -> str:
    return f"{x['median']:.2f} [{x['low']:.2f} to {x['high']:.2f}]"


def _w1(sizes: Sizes) -> Study:
    from .systems import ours

    sim = ours.simulation(sizes.problem, sizes.problem.data())
    return _study(sim, [_jn().Trials(sizes.problem.trials)], trial=8)


def _devices(sizes: Sizes) -> Study:
    jn, (devices, trials) = _jn(), sizes.devices
    mismatch = jn.hardware.Mismatch("network.recurrent.weights", jn.laws.LogNormal(0.1), per="synapse")
    sim = _recurrent(*sizes.recurrent, dense, imperfections={"mismatch": mismatch})
    return _study(sim, [jn.Devices(devices), jn.Trials(trials)], device=8, trial=8)


def _sweep(sizes: Sizes) -> Study:
    jn, (values, trials) = _jn(), sizes.sweep
    path = "network.cells.noise.membrane.amplitude.sigma"
    axes = [jn.Sweep(path, np.linspace(0.02, 0.2, values)), jn.Trials(trials)]
    return _study(_recurrent(*sizes.recurrent, dense), axes, sigma=8, trial=8)


def _chips(sizes: Sizes) -> Study:
    jn, (devices, samples) = _jn(), sizes.chips
    images = np.random.default_rng(1).random((samples, sizes.layers[0]), np.float32)
    mismatch = jn.hardware.Mismatch("network.input_to_hidden.weights", jn.laws.LogNormal(0.1), per="synapse")
    sim = jn.Simulation(
        jn.networks.feedforward(sizes.layers, key=0),
        {"input": jn.coding.Constant(np.zeros(sizes.layers[0]))},
        imperfections={"mismatch": mismatch},
        duration=25.0,
        dt=1.0,
        statistics={"spikes": jn.statistics.SpikeCount(population="hidden")},
    )
    study = _study(sim, [jn.Devices(devices), jn.Samples(images)], device=64, sample=4)
    return Study(study.sim, study.axes, study.pieces, loop_over_chips(sim, images, devices))


def loop_over_chips(sim: Any, images: np.ndarray, devices: int) -> Callable[[], Any]:
    """Every chip is built, then all images run through it: ``vmap`` of ``simulate`` over the images, jitted once."""
    import equinox as eqx
    import jax

    jn = _jn()

    @eqx.filter_jit
    def shown(sim: Any, images: Any, device: Any) -> Any:
        def one(image: Any, sample: Any) -> Any:
            changed = jn.paths.replace(sim, {"inputs.input.values": image})
            return jn.simulate(changed, key=0, address={"device": device, "sample": sample})["spikes"]

        return jax.vmap(one)(images, np.arange(len(images), dtype=np.uint32))

    return lambda: [np.asarray(shown(sim, images, np.uint32(device))) for device in range(devices)]


def _sparse(sizes: Sizes) -> Study:
    neurons, steps, trials = sizes.sparse
    kind = lambda w: _jn().synapses.Sparse.from_dense("cells", "cells", w)  # noqa: E731
    return _study(_recurrent(neurons, steps, kind), [_jn().Trials(trials)], trial=16)


def _plastic(sizes: Sizes) -> Study:
    neurons, steps, trials = sizes.plastic

    def kind(weights: np.ndarray) -> Any:
        weights = np.clip(np.abs(weights), 0.0, 0.05)
        return _jn().synapses.PairSTDP("cells", "cells", weights, w_max=0.05, learning_rate=0.01)

    return _study(_recurrent(neurons, steps, kind), [_jn().Trials(trials)], trial=8)


def dense(weights: np.ndarray) -> Any:
    """The projection of the recurrent studies."""
    return _jn().synapses.Dense("cells", "cells", weights)


def _recurrent(neurons: int, steps: int, kind: Callable[[np.ndarray], Any], **options: Any) -> Any:
    """W1's network, with weights whose sum per neuron has the same spread at any size."""
    jn, rng = _jn(), np.random.default_rng(2)
    weights = (rng.random((neurons, neurons)) < 0.1) * rng.normal(0.0, 1.0 / np.sqrt(neurons), (neurons, neurons))
    noise = {"membrane": jn.noise.VoltageNoise(jn.noise.PerStep(0.1))}
    network = jn.Network({"cells": jn.Population(jn.neurons.LIF(neurons), noise=noise)}, {"recurrent": kind(weights)})
    return jn.Simulation(network, {"cells": jn.coding.Constant(1.1)}, duration=float(steps), dt=1.0, **options)


def _study(sim: Any, axes: Sequence[Any], **most: int) -> Study:
    """Every axis in 1, 2, 4, ... pieces, up to ``most``; spikes are counted unless something else is."""
    from jaxsnn_noise.engine.simulation import with_statistics

    asked = {k: s for k, s in sim.statistics.items() if not k.startswith("health")}
    pieces: dict[str, Sequence[int]] = {
        a.name: [2**i for i in range(most[a.name].bit_length()) if 2**i <= a.size] for a in axes
    }
    return Study(with_statistics(sim, asked or {"spikes": _jn().statistics.SpikeCount()}), axes, pieces)


def _jn() -> Any:
    from .systems import ours

    return ours.load()


STUDIES: dict[str, Callable[[Sizes], Study]] = {
    "W1": _w1,
    "devices x trials": _devices,
    "sweep x trials": _sweep,
    "chips x images": _chips,
    "Sparse, 1000 neurons": _sparse,
    "PairSTDP, 1000 x 1000": _plastic,
}
