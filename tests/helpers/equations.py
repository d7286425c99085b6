"""Three stochastic equations with solutions to compare steppers with, all in one state: of the increments and nothing else."""

from __future__ import annotations

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

T = 1.0
FINE = 1024
EQUATIONS = ("ou", "gbm", "double_well")
START = {"ou": 0.0, "gbm": 1.0, "double_well": 0.0}
DECAY, GROWTH, SHARE, SPREAD = 2.0, 0.5, 0.5, 0.5


class State(eqx.Module):
    """The variable of each equation [equation, path]."""

    v: jax.Array


def _drift(v: Any) -> Any:
    ou, gbm, well = v
    return [-DECAY * ou, GROWTH * gbm, well - well**3]


def _noise(v: Any) -> Any:
    ou, gbm, well = v
    return [SPREAD + 0.0 * ou, SHARE * gbm, SPREAD + 0.0 * well]


def increments(paths: int, seed: int) -> np.ndarray:
    """Of Wiener paths on the fine grid [step, path]."""
    return np.random.default_rng(seed).normal(size=(FINE, paths)) * np.sqrt(T / FINE)


def solution(fine: np.ndarray, *, ito: bool) -> dict[str, np.ndarray]:
    """The values at the end [path] in double precision: closed forms of the linear ones, and Heun on the fine grid."""
    h = T / FINE
    ends = h * np.arange(FINE)[:, None] + h
    kernel = np.exp(-DECAY * (T - ends)) * np.expm1(DECAY * h) / (DECAY * h) * np.exp(-DECAY * h)
    ou = START["ou"] * np.exp(-DECAY * T) + SPREAD * (kernel * fine).sum(axis=0)
    drift = GROWTH - (0.5 * SHARE**2 if ito else 0.0)
    gbm = START["gbm"] * np.exp(drift * T + SHARE * fine.sum(axis=0))
    x = np.full(fine.shape[1], START["double_well"])
    for dw in fine:
        slope = x - x**3
        ahead = x + h * slope + SPREAD * dw
        x = x + 0.5 * h * (slope + ahead - ahead**3) + SPREAD * dw
    return {"ou": ou, "gbm": gbm, "double_well": x}


@eqx.filter_jit
def _moved(stepper: Any, dw: Any, dt: Any) -> Any:
    def step(state: Any, seen: Any) -> Any:
        kick = lambda s: jnp.stack(_noise(s.v)) * seen[None]  # noqa: E731
        drift = lambda s: State(jnp.stack(_drift(s.v)))  # noqa: E731
        return stepper.step(state, drift, kick, lambda s, k: State(s.v + k), dt), None

    v = jnp.broadcast_to(jnp.asarray([START[e] for e in EQUATIONS], jnp.float32)[:, None], (3, dw.shape[1]))
    return jax.lax.scan(step, State(v), dw)[0].v


def moved(stepper: Any, fine: np.ndarray, steps: int) -> dict[str, np.ndarray]:
    """The values at the end [path] of a stepper that takes so many steps along the same paths."""
    dw = fine.reshape(steps, FINE // steps, -1).sum(axis=1)
    found = _moved(stepper, jnp.asarray(dw, jnp.float32), T / steps)
    return dict(zip(EQUATIONS, np.asarray(found, np.float64), strict=True))


def order(steps: Any, errors: Any) -> float:
    """The slope of the logarithm of errors against that of the step."""
    return float(-np.polyfit(np.log(np.asarray(steps, float)), np.log(np.asarray(errors)), 1)[0])
