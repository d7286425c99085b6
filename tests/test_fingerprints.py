"""Functions are told apart by what they compute: by all of it, and by nothing else."""

from __future__ import annotations

import itertools
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import jaxsnn_noise as jn
from helpers.nets import SIGMA, recurrent
from jaxsnn_noise.fingerprints import effects, of_function, of_values
from jaxsnn_noise.training import augment, optimisers
from jaxsnn_noise.training.loop import usual_promotion

FREE = {"a.weights": jnp.ones((3, 2)), "b.tau": jnp.ones(2)}
ROOT = Path(__file__).parents[1]
LONG = np.arange(5000.0, dtype=np.float32)


def of(optimiser: optax.GradientTransformation) -> tuple[str, str]:
    with usual_promotion():
        state = jax.eval_shape(optimiser.init, FREE)
        return of_function(optimiser.init, FREE), of_function(optimiser.update, FREE, state, FREE)


def scaled(by: Any) -> optax.GradientTransformation:
    """Updates times what the function closes over."""
    return optax.stateless(lambda updates, params: jax.tree.map(lambda u: u * jnp.sum(jnp.asarray(by)), updates))


def compiled(by: Any) -> optax.GradientTransformation:
    """The same, inside a compiled function inside a loop."""

    @jax.jit
    def inner(update: Any) -> Any:
        return jax.lax.fori_loop(0, 2, lambda i, u: u * jnp.sum(jnp.asarray(by)), update)

    return optax.stateless(lambda updates, params: jax.tree.map(inner, updates))


def with_key(seed: int) -> optax.GradientTransformation:
    return optax.GradientTransformation(lambda params: jax.random.key(seed), lambda u, key, params=None: (u, key))


def closed_key(seed: int) -> optax.GradientTransformation:
    key = jax.random.key(seed)
    return optax.stateless(lambda u, params: jax.tree.map(lambda x: x * jax.random.uniform(key), u))


def changed(at: int) -> np.ndarray:
    other = LONG.copy()
    other[at] += 1
    return other


def steps(of_step: dict[int, float]) -> optax.GradientTransformation:
    return optax.sgd(optax.piecewise_constant_schedule(0.1, of_step))


MAKERS: list[Callable[[], optax.GradientTransformation]] = [
    lambda: optax.sgd(0.1),
    lambda: optax.sgd(0.1, momentum=0.9),
    lambda: optax.sgd(0.1, momentum=0.9, nesterov=True),
    lambda: optax.adam(0.1),
    lambda: optax.adam(0.1, b2=0.9990001),
    lambda: optax.adam(np.nextafter(np.float32(0.1), np.float32(1))),
    lambda: optax.chain(optax.clip_by_global_norm(1.0), optax.adam(0.1)),
    lambda: steps({1000: 0.5}),
    lambda: steps({1001: 0.5}),
    lambda: steps({1000: 0.5, 2000: 0.5}),
    lambda: optax.sgd(optax.cosine_decay_schedule(0.1, 10_000)),
    lambda: optax.sgd(optax.cosine_decay_schedule(0.1, 10_001)),
    lambda: optimisers.WarmupCosine(weight_decay=1e-4)(3000),
    lambda: optimisers.WarmupCosine(weight_decay=1e-4)(3001),
    lambda: optimisers.WarmupCosine(weight_decay=2e-4)(3000),
    lambda: optax.multi_transform(
        {"x": optax.sgd(0.1), "y": optax.adam(0.1)}, {path: "xy"[path[0] == "a"] for path in FREE}
    ),
    lambda: optax.multi_transform(
        {"x": optax.sgd(0.1), "y": optax.adam(0.1)}, {path: "xy"[path[0] == "b"] for path in FREE}
    ),
    lambda: optax.add_noise(0.1, 0.5, 7),
    lambda: optax.add_noise(0.1, 0.5, 8),
    lambda: with_key(1),
    lambda: with_key(2),
    lambda: closed_key(1),
    lambda: closed_key(2),
    *[lambda make=make, at=at: make(changed(at)) for make in (scaled, compiled) for at in (0, 2500, 4999)],  # type: ignore[misc]
]


@pytest.mark.slow
def test_other_settings_are_other_optimisers_and_equal_ones_made_twice_are_one() -> None:
    optimisers_twice = []
    for _ in range(2):
        jax.clear_caches()
        optimisers._warmup_cosine.cache_clear()
        optimisers_twice.append([of(make()) for make in MAKERS])
    assert optimisers_twice[0] == optimisers_twice[1]
    for (i, first), (j, second) in itertools.combinations(enumerate(optimisers_twice[0]), 2):
        assert first != second, (i, j)


def test_constants_count_wherever_jax_keeps_them() -> None:
    """Beside the program, as it does by default, or within it."""
    before = jax.config.jax_use_simplified_jaxpr_constants
    jax.config.update("jax_use_simplified_jaxpr_constants", not before)
    try:
        found = {of(make(changed(at))) for make in (scaled, compiled) for at in (0, 2500, 4999)}
    finally:
        jax.config.update("jax_use_simplified_jaxpr_constants", before)
    assert len(found) == 6


def test_an_augmentation_is_told_by_its_settings() -> None:
    key = jax.ShapeDtypeStruct((2,), jnp.uint32)
    names = [of_function(augment.Shift(by, (2, 3)), FREE["b.tau"].repeat(3), key) for by in (1, 1, 2)]
    assert names[0] == names[1] != names[2]


def test_arguments_count_by_their_shapes() -> None:
    double = lambda x: 2 * x  # noqa: E731
    assert of_function(double, jnp.ones(3)) == of_function(double, jnp.zeros(3)) != of_function(double, jnp.ones(4))
    assert of_function(lambda x: {"a": x}, 1.0) != of_function(lambda x: {"b": x}, 1.0)


NAMED = """
import equinox as eqx, jax, jax.numpy as jnp, optax
from jaxsnn_noise.training import optimisers
from jaxsnn_noise.fingerprints import of_function

class Host:
    def __call__(self, x): return x

class State(eqx.Module):
    x: jax.Array
    host: Host = eqx.field(static=True)

free = {"a.weights": jnp.ones((3, 2)), "b.tau": jnp.ones(2)}
it = optax.chain(optimisers.WarmupCosine(weight_decay=1e-4)(3000), optax.add_noise(0.1, 0.5, 7))
state = jax.eval_shape(it.init, free)
host = lambda x: jax.pure_callback(Host(), jax.ShapeDtypeStruct((), jnp.float32), x)
names = [of_function(it.init, free), of_function(it.update, free, state, free)]
names += [of_function(host, 1.0), of_function(lambda x: State(x, Host()), 1.0)]
"""


def test_another_process_finds_the_same() -> None:
    """Also of programs and structures that name a Python object, which has a place in memory."""
    here: dict[str, Any] = {"__name__": "__main__"}
    with usual_promotion():
        exec(NAMED, here)
    command = [sys.executable, "-c", NAMED + "print(*names)"]
    environment = os.environ | {"PYTHONHASHSEED": "7"}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.stdout.split() == here["names"], done.stderr


def test_trees_are_told_by_values_structure_and_statics_and_no_addresses_in_memory():
    sim = recurrent(5, duration=8.0)
    same = of_values(sim, [jn.Trials(3)])
    assert same == of_values(recurrent(5, duration=8.0), [jn.Trials(3)])
    others = [
        of_values(jn.paths.replace(sim, {SIGMA: 0.11}), [jn.Trials(3)]),
        of_values(recurrent(5, duration=9.0), [jn.Trials(3)]),
        of_values(recurrent(6, duration=8.0), [jn.Trials(3)]),
        of_values(sim, [jn.Trials(4)]),
        of_values(sim, [jn.Devices(3)]),
    ]
    assert len({same, *others}) == 6

    def axes():
        return [jn.Vary([1.0], by=lambda sim, x: sim), jn.Realisations(2, lambda key: sim.network)]

    assert of_values(axes()) == of_values(axes())


def test_calls_of_python_are_told() -> None:
    called = lambda x: jax.pure_callback(np.sin, jax.ShapeDtypeStruct((), jnp.float32), x)  # noqa: E731
    printed = lambda x: jax.lax.scan(lambda c, _: (jax.debug.print("{}", c) or c, None), x, length=2)[0]  # noqa: E731
    assert effects(jax.make_jaxpr(jax.jit(called))(1.0)) == ["pure_callback"]
    assert effects(jax.make_jaxpr(printed)(1.0))
    assert not effects(jax.make_jaxpr(jnp.sin)(1.0))
