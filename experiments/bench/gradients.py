"""Estimators of gradients against ten bars: bias against exact derivatives, controls that must fail, variance, time, limits."""

from __future__ import annotations

import contextlib
import dataclasses
import functools
from collections.abc import Callable, Iterator
from typing import Any

import jax
import numpy as np

import jaxsnn_noise as jn
from jaxsnn_noise import random, theory
from jaxsnn_noise.gradients import (
    Baseline,
    CVOfIntervals,
    FiniteDifference,
    Gradient,
    Martingale,
    MeanOfIntervals,
    NoiseDensity,
    Score,
)
from jaxsnn_noise.gradients import controls as control_variates
from jaxsnn_noise.gradients.decisions import Decisions
from jaxsnn_noise.gradients.passing import passed
from jaxsnn_noise.gradients.programs import over_trials, slopes_of
from jaxsnn_noise.gradients.samples import Over

from . import gradient_problems as problems
from .gradient_costs import against_differences, bits, density, flips, lengths, limits, siegert
from .gradient_lines import FULL as FULL
from .gradient_lines import MOST, Line, Size
from .gradient_lines import TINY as TINY
from .tables import grid

Say = Callable[[str], None]


def measure(say: Say, size: Size = FULL) -> list[dict[str, Any]]:
    """All bars, in order."""
    lines: list[Line] = []
    every = (
        unbiased,
        negative_controls,
        variances,
        against_differences,
        flips,
        density,
        lengths,
        bits,
        limits,
        siegert,
    )
    for bar in (unbiased, siegert) if size.quick else every:
        say(f"gradients: {bar.__name__}")
        lines += bar(size)
    return [dataclasses.asdict(line) | {"holds": None if line.holds is None else bool(line.holds)} for line in lines]


def table(lines: list[dict[str, Any]]) -> str:
    """As Markdown."""
    word = {True: "yes", False: "**no**", None: ""}
    rows = [[str(x["bar"]), x["what"], x["demanded"], x["measured"], word[x["holds"]]] for x in lines]
    return grid(["bar", "problem", "demanded", "measured", "holds"], rows)


def unbiased(size: Size) -> list[Line]:
    """1: within 4 standard errors, with errors that are small."""
    lines, score = [], Score()
    for kind in problems.KINDS[:1] if size.quick else problems.KINDS:
        whole = problems.exact(kind)
        known = problems.slopes(whole, ("count", "interval_mean", "interval_cv"))
        found = score(
            problems.neuron(kind),
            ["n", MeanOfIntervals(), CVOfIntervals()],
            problems.leaves(kind),
            trials=size.exact,
            key=1,
        )
        for k, name in enumerate(("count", "interval mean", "interval CV")):
            lines.append(_compared(f"{kind}: {name}, 4 leaves, exact", found.gradient[k], known[k], found.error[k]))
    if size.quick:
        return lines
    found = score(problems.three(), ["n"], problems.THREE, trials=size.enumerated, key=2, at_once=4000)
    lines.append(
        _compared("3 neurons, 5 leaves, all histories", found.gradient[0], problems.enumerated(), found.error[0])
    )
    soft = problems.neuron("gaussian", 100, refractory=3.0, reset=jn.neurons.ResetBySubtraction())
    current = problems.neuron("gaussian", 100, current=True)
    for name, sim in (("refractory and soft reset", soft), ("* noise on the current", current)):
        lines.append(_by_difference(f"gaussian: {name}, 4 leaves", sim, ["n"], problems.leaves("gaussian"), size.exact))
    for gain in (0.3, 1.0):
        paths = problems.leaves("logistic")[:2]
        lines.append(
            _by_difference(f"20 neurons, gain {gain}, 2 leaves", problems.network(gain), ["n"], paths, size.network)
        )
    sim, loss = problems.classifier(0)
    lines.append(_by_difference("classifier: loss, 3 directions", sim, [loss], problems.DIRECTIONS, size.classifier))
    return lines


def _by_difference(what: str, sim: jn.Simulation, outputs: list[Any], paths: list[str], trials: int) -> Line:
    found = Score()(sim, outputs, paths, trials=trials, key=3)
    other = FiniteDifference()(sim, outputs, paths, trials=4 * trials, key=4, at_once=4000)
    return _compared(
        f"{what}, differences", found.gradient[0], other.gradient[0], np.hypot(found.error[0], other.error[0])
    )


def _compared(what: str, found: np.ndarray, known: np.ndarray, error: np.ndarray) -> Line:
    """The largest deviation, and what it could have seen: the error over the derivative, of the largest elasticity at least."""
    z, power = np.abs(found - known) / error, error / np.abs(known)
    measured = (
        f"at most {z.max():.1f} errors; error {100 * power.min():.1f} to {100 * power.max():.1f} % of the derivative"
    )
    return Line(
        1, what, f"< {MOST:g} errors; error <= 3 %", measured, bool((z < MOST).all() and np.median(power) <= 0.03)
    )


def negative_controls(size: Size) -> list[Line]:
    """2: what is wrong must be seen."""
    lines = []

    def off(what: str, found: Gradient, known: np.ndarray) -> None:
        z = np.abs(found.gradient[0] - known) / found.error[0]
        lines.append(Line(2, what, "> 10 errors", f"{z.max():.0f} errors", bool(z.max() > 10)))

    known = problems.slopes(problems.exact("gaussian"), ("count",))[0]
    with _without_recycled_noise():
        found = Score()(problems.neuron("gaussian"), ["n"], problems.leaves("gaussian"), trials=size.exact, key=5)
    off("gaussian: membrane as if nothing had been decided", found, known)
    detached = _Detached()(problems.neuron("logistic"), ["n"], problems.leaves("logistic"), trials=size.exact, key=5)
    off(
        "logistic: density of the noise, reset detached",
        detached,
        problems.slopes(problems.exact("logistic"), ("count",))[0],
    )
    short = problems.simulation(problems.neuron("logistic").network.populations["c"], 10, warmup=8.0)  # type: ignore[arg-type]
    paths = problems.leaves("logistic")
    given: dict[str, Any] = {"dt": 1.0, "duration": 10.0, "warmup": 8.0, "logistic": True}
    whole = theory.threshold_noise_renewal(problems.SCALE, **problems.AT, **given)
    found = Score()(short, ["n"], paths, trials=2 * size.exact, key=6)
    z = np.abs(found.gradient[0] - problems.slopes(whole, ("count",))[0]) / found.error[0]
    lines.append(
        Line(2, "* warm-up of 8 steps, as it is", f"< {MOST:g} errors", f"{z.max():.1f} errors", bool((z < MOST).all()))
    )
    with _without_warm_up():
        found = Score()(short, ["n"], paths, trials=2 * size.exact, key=6)
    off("* warm-up of 8 steps, its decisions left out", found, problems.slopes(whole, ("count",))[0])
    return [*lines, *_in_sample(size)]


def _in_sample(size: Size) -> list[Line]:
    """Fits to 20 trials, of the other half or of the same ones, in many repetitions."""
    ready, paths = Score().prepare(problems.neuron("gaussian")), tuple(problems.leaves("gaussian"))
    wanted = jn.gradients.estimator.quantities("bench", problems.neuron("gaussian"), ["n"])
    program = functools.partial(slopes_of, ready, paths, control_variates.read, wanted, Over(), random.root(7))
    trials = 2 * size.exact // 20 * 20
    values, moved = over_trials(program, trials, 1000)
    known = problems.slopes(problems.exact("gaussian"), ("count",))[0]
    terms: Any = control_variates.controls(Martingale(), values)[:, [0, 3, 6, 9]]  # type: ignore[index]  # two features
    expected = moved["expected"][:, :, [0, 3]]
    lines = []
    for name, same in (
        ("* two features, groups of 20 trials, fitted to the other half", False),
        ("* two features, groups of 20 trials, fitted to themselves", True),
    ):
        means = []
        for start in range(0, trials, 20):
            part = slice(start, start + 20)
            rest, beta = _fitted(values["f"][part], terms[part], same)
            each = moved["f"][part] + rest[:, None, :] * moved["L"][part][:, :, None]
            means.append((each + np.einsum("nko,nlk->nlo", beta, expected[part])).mean(axis=0)[:, 0])
        mean, error = np.mean(means, axis=0), np.std(means, axis=0, ddof=1) / len(means) ** 0.5
        z = np.abs(mean - known) / error
        demanded = "> 10 errors" if same else f"< {MOST:g} errors"
        holds = bool(z.max() > 10) if same else bool((z < MOST).all())
        lines.append(Line(2, name, demanded, f"{z.max():.1f} errors", holds))
    return lines


def _fitted(f: np.ndarray, terms: Any, same: bool) -> tuple[np.ndarray, np.ndarray]:
    if not same:
        return control_variates.crossed(f, terms)
    twice = np.repeat(f, 2, axis=0), np.repeat(terms, 2, axis=0)  # each half is then all of them
    rest, beta = control_variates.crossed(*twice)
    return rest[::2], beta[::2]


def variances(size: Size) -> list[Line]:
    """3: how much of the variance the martingales take, in the same trials."""
    lines = []

    def ratio(what: str, sim: jn.Simulation, outputs: list[Any], paths: list[str], most: int, trials: int) -> None:
        plain, fine = (Score(c)(sim, outputs, paths, trials=trials, key=8) for c in (Baseline(), Martingale()))
        by = (plain.error[0, 0] / fine.error[0, 0]) ** 2
        lines.append(Line(3, what, f">= {most}", f"{by:.0f}" if by > 10 else f"{by:.1f}", bool(by >= most)))

    for kind in problems.KINDS:
        ratio(f"{kind}: count by noise", problems.neuron(kind), ["n"], problems.leaves(kind)[:1], 20, size.exact)
    for kind, most in (("logistic", 10), ("gaussian", 2)):
        ratio(
            f"{kind}: CV by noise",
            problems.neuron(kind),
            [CVOfIntervals()],
            problems.leaves(kind)[:1],
            most,
            size.exact,
        )
    for gain, most in ((0.3, 20), (1.0, 2)):
        ratio(
            f"20 neurons, gain {gain}: count by noise",
            problems.network(gain),
            ["n"],
            problems.leaves("logistic")[:1],
            most,
            size.network,
        )
    return lines


class _Detached(NoiseDensity):
    """The density of the noise through resets that are detached."""

    def prepare(self, sim: jn.Simulation) -> jn.Simulation:
        return passed(sim, jn.firing.Density(), detach=True)


@contextlib.contextmanager
def _without_recycled_noise() -> Iterator[None]:
    from jaxsnn_noise.engine import cell

    kept = cell.given_decision
    jax.clear_caches()
    setattr(cell, "given_decision", lambda v, *rest: v)  # noqa: B010 - a type checker knows the function alone
    try:
        yield
    finally:
        setattr(cell, "given_decision", kept)  # noqa: B010 - as above
        jax.clear_caches()


@contextlib.contextmanager
def _without_warm_up() -> Iterator[None]:
    jax.clear_caches()
    Decisions.from_start = False
    try:
        yield
    finally:
        Decisions.from_start = True
        jax.clear_caches()
