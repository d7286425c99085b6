"""Bars 4 to 10 of gradients: variance and time, flips, the density of the noise, lengths, bits, limits, and the oracle itself."""

from __future__ import annotations

import functools
import time
import warnings
from typing import Any

import jax
import numpy as np

import jaxsnn_noise as jn
from jaxsnn_noise import random, theory
from jaxsnn_noise.gradients import Baseline, CVOfIntervals, FiniteDifference, Flip, NoiseDensity, Reverse, Score
from jaxsnn_noise.gradients import controls as control_variates
from jaxsnn_noise.gradients.passing import passed
from jaxsnn_noise.gradients.programs import over_trials, slopes_of
from jaxsnn_noise.gradients.quantities import moments
from jaxsnn_noise.gradients.samples import Over

from . import gradient_problems as problems
from .gradient_lines import MOST, Line, Size


def against_differences(size: Size) -> list[Line]:
    """4: variance times time of four leaves, in process time without compiling."""
    lines = []
    for kind in problems.KINDS:
        for steps in (200, 800):
            sim, paths, trials = problems.neuron(kind, steps), problems.leaves(kind), size.exact // 5
            score = _cost(Score(), sim, paths, trials)
            for step, most in ((0.03, 4.0), (0.1, 1.0)):
                # of central differences alone, as their program runs those at twice the step too
                by = _cost(FiniteDifference(step, order=2), sim, paths, trials) * (9 / 17) / score
                demanded = f">= {most:g}" if steps == 200 or step == 0.03 else ""
                holds = bool(np.median(by) >= most) if demanded else None
                shown = f"{np.median(by):.1f} [{by.min():.1f}, {by.max():.1f}]"
                lines.append(
                    Line(4, f"{kind}, {steps} steps: against differences of {100 * step:.0f} %", demanded, shown, holds)
                )
    return lines


def _cost(estimator: Any, sim: jn.Simulation, paths: list[str], trials: int) -> np.ndarray:
    """Variance per trial times time per trial of each leaf."""
    run = functools.partial(estimator, sim, ["n"], paths, trials=trials)
    run(key=9)
    start = time.process_time()
    found = run(key=10)
    return found.error[0] ** 2 * (time.process_time() - start)


def flips(size: Size) -> list[Line]:
    """5: all 228 weights of the classifier, eight patterns: trace of the variance times process time."""
    paths, cost, trace = problems.BY_WEIGHT, [], []
    for estimator in (Score(Baseline(), mode=Reverse()), Flip(4), Flip(4, None)):
        spent = total = 0.0
        for pattern in range(8):
            sim, loss = problems.classifier(pattern)
            run = functools.partial(estimator, sim, [loss], paths, trials=size.classifier)
            run(key=11) if pattern == 0 else None
            start = time.process_time()
            found = run(key=12)
            spent += time.process_time() - start
            total += sum(float((error**2).sum()) for _, error in found.entries.values())
        cost.append(spent * total)
        trace.append(total)
    by = cost[0] / cost[1]
    words = f"{by:.1f} (variance {trace[0] / trace[1]:.1f}; without its control variate {cost[0] / cost[2]:.1f})"
    return [Line(5, "Flip(4) against Score(Baseline()), reverse mode", ">= 5", words, bool(by >= 5))]


def density(size: Size) -> list[Line]:
    """6: how wrong the density of the noise is; a verdict, and no failure."""
    lines = []
    for kind in problems.KINDS:
        known = problems.slopes(problems.exact(kind), ("count", "interval_cv"))
        found = NoiseDensity()(
            problems.neuron(kind), ["n", CVOfIntervals()], problems.leaves(kind)[:2], trials=size.exact, key=13
        )
        for k, output in enumerate(("count", "CV")):
            for i, leaf in enumerate(("noise", "drive")):
                bias, error = found.gradient[k, i] / known[k, i] - 1, found.error[k, i] / abs(known[k, i])
                words = f"{100 * bias:+.1f} ± {196 * error:.1f} %"
                said = {("logistic", 0): "within 3 %", ("gaussian", 0): "10 to 17 %"}.get((kind, k), "")
                if (kind, k, i) == ("gaussian", 1, 1):
                    said = "beyond 100 %"
                holds = {
                    "within 3 %": abs(bias) <= 0.03,
                    "10 to 17 %": 0.1 <= bias <= 0.17,
                    "beyond 100 %": abs(bias) > 1,
                }.get(said)
                lines.append(
                    Line(
                        6,
                        f"{kind}: NoiseDensity, {output} by {leaf}",
                        said,
                        words,
                        None if holds is None else bool(holds),
                    )
                )
    return lines


def lengths(size: Size) -> list[Line]:
    """7: variance of the rate times the length of the run; memory of forward mode."""
    lines = []
    for kind, most in (("logistic", 1.5), ("gaussian", 3.0)):
        products = []
        for steps in size.lengths:
            found = Score()(
                problems.neuron(kind, steps), ["n"], problems.leaves(kind)[:1], trials=max(size.exact // 3, 100), key=14
            )
            products.append(float(found.error[0, 0]) ** 2 * found.trials / steps)  # of the rate, times steps
        by = max(products) / min(products)
        lines.append(
            Line(
                7,
                f"{kind}: variance times steps, {size.lengths[0]} to {size.lengths[-1]}",
                f"within {most}",
                f"{by:.2f}",
                by <= most,
            )
        )
    used = []
    for steps in (100, size.long):
        ready = Score().prepare(problems.neuron("gaussian", steps))
        wanted = jn.gradients.estimator.quantities("bench", problems.neuron("gaussian"), ["n"])
        given = (
            ready,
            tuple(problems.leaves("gaussian")),
            control_variates.read,
            wanted,
            Over(),
            random.root(0),
        )
        program: Any = slopes_of
        compiled = program.lower(*given, jax.numpy.arange(100, dtype="uint32")).compile()
        used.append(compiled.compiled.memory_analysis().temp_size_in_bytes)
    lines.append(
        Line(
            7,
            f"* memory of forward mode, {size.long} against 100 steps",
            "constant (8 bytes a step, for all trials)",
            f"{used[1]} against {used[0]} bytes",
            used[1] <= used[0] + 8 * size.long,
        )
    )
    return lines


def bits(size: Size) -> list[Line]:
    """8: spikes and potentials with and without estimators."""
    del size
    equal = True
    for sim in (problems.network(1.0), problems.neuron("gaussian")):
        watched = {"raster": jn.statistics.Raster(population="c"), "trace": jn.statistics.Trace(("v",), population="c")}
        sim = jn.Simulation(sim.network, dict(sim.inputs), duration=100.0, dt=1.0, statistics=watched)
        first = jn.simulate(sim, key=1)
        for estimator in (Score(), NoiseDensity()):
            other = jn.simulate(estimator.prepare(sim), key=1)
            equal &= bool(np.array_equal(first["raster"], other["raster"]))
            equal &= bool(np.array_equal(first["trace"]["v"], other["trace"]["v"]))
    return [
        Line(
            8,
            "* spikes and potentials, with and without estimators",
            "equal bits",
            "equal" if equal else "differ",
            equal,
        )
    ]


def limits(size: Size) -> list[Line]:
    """9: silent, saturated, without noise."""
    lines = []
    away = {"silent (p about 1e-6)": (0.9, 0.9 + 0.2 * np.log(1e6)), "saturated (1 - p about 1e-4)": (29.8, 1.0)}
    for name, (drive, threshold) in away.items():
        sim = jn.paths.replace(problems.neuron("logistic", threshold=threshold), {"inputs.c.values": drive})
        at = problems.AT | {"mean": drive, "v_threshold": threshold, "dt": 1.0, "duration": 200.0}
        whole = theory.threshold_noise_renewal(problems.SCALE, **at, logistic=True)
        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always")
            found = Score()(sim, ["n"], problems.leaves("logistic"), trials=5 * size.exact, key=15, at_once=5000)
        known = problems.slopes(whole, ("count",))[0]
        z = np.abs(found.gradient[0] - known) / np.where(found.error[0] > 0, found.error[0], np.inf)
        off = np.abs(found.gradient[0] / known - 1).max()
        words = f"{z.max():.1f} errors, {100 * off:.2g} % off, from {found.diagnostics['spikes']:.0f} spikes{', warned' if told else ''}"
        holds = bool(
            np.isfinite(found.gradient).all() and ((z < MOST) | (np.abs(found.gradient[0] / known - 1) < 1e-3)).all()
        )
        lines.append(
            Line(9, f"* {name}: Score", f"finite, < {MOST:g} errors or 0.1 % (single precision)", words, holds)
        )
    none = jn.paths.replace(problems.neuron("logistic"), {"network.c.firing.scale": 0.0})
    try:
        Score()(none, ["n"], problems.leaves("logistic")[1:2], trials=10, key=0)
        lines.append(Line(9, "* without noise: Score", "refused", "an answer", False))
    except jn.InputError:
        lines.append(Line(9, "* without noise: Score", "refused", "refused", True))
    ready = passed(none, jn.firing.Density(), detach=False)
    wanted = jn.gradients.estimator.quantities("bench", none, ["n"])
    program = functools.partial(
        slopes_of, ready, (problems.leaves("logistic")[1],), moments, wanted, Over(), random.root(0)
    )
    _, slope = over_trials(program, 10, 10)
    lines.append(Line(9, "* without noise: density", "0, finite", f"{np.abs(slope).max():g}", bool((slope == 0).all())))
    return lines


def siegert(size: Size) -> list[Line]:
    """10: the oracle itself against Siegert's rate with the threshold of the grid."""
    lines, s, h = [], 0.4 / 20**0.5, 1e-4
    for dt in (0.25,) if size.quick else (0.25, 0.1):
        at = {"mean": 0.8, "tau_mem": 20.0, "v_threshold": 1.0, "v_reset": 0.0}
        found = theory.membrane_noise_renewal(s, **at, dt=dt, duration=20.0, warmup=180.0)

        def rate(sigma: float, mean: float, grid_dt: float = dt) -> float:
            shift = 0.5826 * sigma * grid_dt**0.5
            return float(theory.siegert_rate_hz(mean, sigma, tau_mem=20.0, v_threshold=1.0 + shift, v_reset=0.0))

        known = [(rate(s + h, 0.8) - rate(s - h, 0.8)) / (2 * h), (rate(s, 0.8 + h) - rate(s, 0.8 - h)) / (2 * h)]
        off = max(abs(found.slopes[k].count / 0.02 / x - 1) for k, x in zip(("sigma", "mean"), known, strict=True))
        lines.append(
            Line(
                10,
                f"rate by noise and drive at dt {dt} ms, shifted threshold",
                "within 1 %",
                f"{100 * off:.2f} %",
                off <= 0.01,
            )
        )
    return lines
