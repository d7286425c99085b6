"""Steppers against diffrax, which knows nothing of them: the same steps, and orders along paths that it has solved.

diffrax belongs to the extra ``test``; where it is missing these tests fail.
"""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from helpers import equations
from jaxsnn_noise.neurons import EulerMaruyama, ExponentialEuler, Heun, Stepper

STEPPERS = {"euler": EulerMaruyama(), "heun": Heun(), "exponential": ExponentialEuler()}
ORDERS = {"euler": (1.0, 0.5, 1.0), "heun": (1.0, 1.0, 1.0), "exponential": (1.0, 0.5, 1.0)}
"""Strong, of the equations in their order."""


def solved(solver: str, fine: np.ndarray, steps: int, *, ito: bool) -> dict[str, np.ndarray]:
    """The values at the end [path] of a solver of diffrax, along the same paths; ``ito`` of equations read in Stratonovich's sense.

    A control that joins the given increments by lines tells the solver what they are.
    """
    import diffrax

    dw = fine.reshape(steps, equations.FINE // steps, -1).sum(axis=1)
    times = jnp.linspace(0.0, equations.T, steps + 1)
    paths = jnp.asarray(np.concatenate([np.zeros((1, fine.shape[1])), np.cumsum(dw, axis=0)]), jnp.float32)
    less = 0.5 * equations.SHARE**2 if ito and solver == "Heun" else 0.0  # Ito's equation as one of Stratonovich

    def drift(t: Any, v: Any, args: Any) -> Any:
        ou, gbm, well = equations._drift(v)
        return jnp.stack([ou, gbm - less * v[1], well])

    def one(path: Any) -> Any:
        control = diffrax.LinearInterpolation(times, path)
        noise = diffrax.ControlTerm(lambda t, v, args: jnp.stack(equations._noise(v)), control)
        terms = diffrax.MultiTerm(diffrax.ODETerm(drift), noise)
        start = jnp.asarray([equations.START[e] for e in equations.EQUATIONS], jnp.float32)
        method = getattr(diffrax, solver)()
        found = diffrax.diffeqsolve(
            terms, method, 0.0, equations.T, None, start, stepsize_controller=diffrax.StepTo(times), max_steps=steps + 1
        )
        return found.ys[0]

    with jax.numpy_dtype_promotion("standard"), jax.numpy_rank_promotion("allow"):
        ends = jax.jit(jax.vmap(one, in_axes=1))(paths)
    return dict(zip(equations.EQUATIONS, np.asarray(ends, np.float64).T, strict=True))


@pytest.mark.slow
@pytest.mark.parametrize(("name", "solver"), [("euler", "Euler"), ("heun", "Heun")])
def test_steps_are_those_of_diffrax_path_by_path(name: str, solver: str) -> None:
    fine, steps = equations.increments(200, seed=3), 64
    stepper: Stepper = STEPPERS[name]
    theirs, ours = solved(solver, fine, steps, ito=False), equations.moved(stepper, fine, steps)
    for equation in equations.EQUATIONS:
        np.testing.assert_allclose(ours[equation], theirs[equation], rtol=3e-5, atol=3e-6)
    other = solved("Heun" if solver == "Euler" else "Euler", fine, steps, ito=False)
    for equation in equations.EQUATIONS:
        assert np.abs(ours[equation] - other[equation]).max() > 1e-3


@pytest.mark.slow
@pytest.mark.parametrize("name", STEPPERS)
def test_the_strong_order_towards_what_diffrax_has_solved_is_that_of_theory(name: str) -> None:
    fine, steps, stepper = equations.increments(2000, seed=4), (16, 32, 64), STEPPERS[name]
    exact = solved("Heun", fine, equations.FINE, ito=stepper.ito)
    found = [equations.moved(stepper, fine, n) for n in steps]
    for equation, order in zip(equations.EQUATIONS, ORDERS[name], strict=True):
        errors = [float(np.sqrt(np.mean((v[equation] - exact[equation]) ** 2))) for v in found]
        assert equations.order(steps, errors) == pytest.approx(order, abs=0.15), equation
