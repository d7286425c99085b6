"""A small constraint problem, a winner-take-all network that solves it by its noise, and two searches to hold it against.

A 4 x 4 Sudoku has a unit for each cell and number. Units that exclude each other (another number in the cell; the same number in the row, the
column, the box) inhibit each other; each has a positive bias. The states of largest probability are the solutions. A *step* looks at every
unit, or every cell, once.
"""

from __future__ import annotations

from typing import Any

import equinox as eqx
import jax.numpy as jnp
import numpy as np

import jaxsnn_noise as jn
from jaxsnn_noise import networks
from jaxsnn_noise.statistics import About, Frame, Statistic

SIDE, CELLS = 4, 16
UNITS = CELLS * SIDE
BIAS, CLUE = 0.5, 20.0
DURATION = 10.0
"""Of a spike, in steps."""


def conflicts() -> np.ndarray:
    """Pairs of cells that may not hold the same number [cell, cell]."""
    row, column = np.divmod(np.arange(CELLS), SIDE)
    box = row // 2 * 2 + column // 2
    same = sum((x[:, None] == x[None]).astype(int) for x in (row, column, box)) > 0
    return same & ~np.eye(CELLS, dtype=bool)


def exclusions() -> np.ndarray:
    """Pairs of units that exclude each other [unit, unit]; unit = 4 cell + number."""
    numbers, cells = np.eye(SIDE, dtype=bool), np.eye(CELLS, dtype=bool)
    return np.kron(cells, ~numbers) | np.kron(conflicts(), numbers)


def puzzle(rng: Any, clues: int) -> np.ndarray:
    """Numbers of the given cells [cell], -1 where none is, of a random solution."""
    grid = np.array([[0, 1, 2, 3], [2, 3, 0, 1], [1, 0, 3, 2], [3, 2, 1, 0]])
    rows = np.concatenate([2 * band + rng.permutation(2) for band in rng.permutation(2)])
    columns = np.concatenate([2 * band + rng.permutation(2) for band in rng.permutation(2)])
    solution = rng.permutation(SIDE)[grid[rows][:, columns]].ravel()
    return np.where(rng.permutation(CELLS) < clues, solution, -1)


def biases(given: np.ndarray) -> np.ndarray:
    """Of the units [unit]: those of given cells are decided."""
    number = np.arange(SIDE)[None, :] == given[:, None]
    return np.where(given[:, None] < 0, BIAS, np.where(number, CLUE, -CLUE)).ravel()


class Solved(Statistic):
    """Steps until a network first holds a solution [1]; NaN if it never does."""

    population: str | None = eqx.field(static=True, default=None)

    @property
    def units(self) -> dict[str, str]:
        return {"": "1"}

    def init(self, about: About) -> tuple[Any, Any]:
        return jnp.full(about.size, -(2**30), jnp.int32), jnp.full((), about.steps, jnp.int32)

    def update(self, acc: tuple[Any, Any], frame: Frame, about: About) -> tuple[Any, Any]:
        last = jnp.where(frame.spikes > 0, frame.index, acc[0])
        on = (frame.index - last < round(DURATION / about.dt)).astype(jnp.float32)
        broken = on @ jnp.asarray(exclusions(), jnp.float32) @ on
        there = (broken == 0) & (on.sum() == CELLS)
        return last, jnp.where(there, jnp.minimum(acc[1], frame.index), acc[1])

    def merge(self, a: tuple[Any, Any], b: tuple[Any, Any], about: About) -> tuple[Any, Any]:
        raise NotImplementedError("of whole runs only")

    def finalize(self, acc: tuple[Any, Any], about: About) -> Any:
        return jnp.where(acc[1] < about.steps, (acc[1] + 1).astype(jnp.float32), jnp.nan)

    def dims(self, about: About) -> dict[str, tuple[str, ...]]:
        return {"": ()}

    @classmethod
    def example(cls) -> Solved:
        return cls()


def network(steps: int) -> jn.Simulation:
    """The winner-take-all network, its width (its noise) and clues to be set."""
    weights = -exclusions().astype(float)
    made = networks.abstract_sampler(weights, np.full(UNITS, BIAS), duration=DURATION, dt=1.0)
    return jn.Simulation(made, {}, duration=float(steps), dt=1.0, statistics={"solved": Solved()})


def annealed(given: np.ndarray, steps: int, hot: float, cold: float, rng: Any, repeats: int) -> np.ndarray:
    """Steps of simulated annealing to a solution [repeat], NaN if there is none: geometric cooling, Metropolis by cell."""
    pairs, temperatures = conflicts(), np.geomspace(hot, cold, steps)
    free = np.flatnonzero(given < 0)
    state = _drawn(given, rng, repeats)
    found = np.full(repeats, np.nan)
    rows = np.arange(repeats)
    for t in range(steps):
        for cell in rng.permutation(free):
            new = rng.integers(SIDE, size=repeats)
            near = state[:, pairs[cell]]
            change = (near == new[:, None]).sum(axis=1) - (near == state[rows, cell][:, None]).sum(axis=1)
            accept = rng.random(repeats) < np.exp(-np.maximum(change, 0) / temperatures[t])
            state[:, cell] = np.where(accept, new, state[:, cell])
        found = np.where(np.isnan(found) & (_broken(state) == 0), t + 1.0, found)
    return found


def restarted(given: np.ndarray, steps: int, rng: Any, repeats: int) -> np.ndarray:
    """Steps of descents from random states [repeat], begun anew where a step changes nothing; NaN if they find no solution."""
    pairs, free = conflicts(), np.flatnonzero(given < 0)
    state, found = _drawn(given, rng, repeats), np.full(repeats, np.nan)
    for t in range(steps):
        before = state.copy()
        for cell in rng.permutation(free):
            cost = (state[:, pairs[cell]][:, :, None] == np.arange(SIDE)).sum(axis=1)
            best = cost.min(axis=1)
            better = best < cost[np.arange(repeats), state[:, cell]]
            state[:, cell] = np.where(better, cost.argmin(axis=1), state[:, cell])
        found = np.where(np.isnan(found) & (_broken(state) == 0), t + 1.0, found)
        stuck = (state == before).all(axis=1)
        state = np.where(stuck[:, None], _drawn(given, rng, repeats), state)
    return found


def _drawn(given: np.ndarray, rng: Any, repeats: int) -> np.ndarray:
    return np.where(given[None, :] < 0, rng.integers(SIDE, size=(repeats, CELLS)), given[None, :])


def _broken(state: np.ndarray) -> np.ndarray:
    """Pairs of cells that break a rule [repeat]."""
    return ((state[:, :, None] == state[:, None, :]) & conflicts()[None]).sum(axis=(1, 2)) // 2
