"""Laws that every statistic keeps. New members are found by themselves, through their ``example()``."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

from helpers.discovery import label, members
from jaxsnn_noise.signals import DECISIONS
from jaxsnn_noise.statistics import About, Frame, Statistic, over_raster

STEPS, SIZE, DT = 240, 7, 0.5
VARIABLES = ("spikes", "output", "v", "current", "threshold")


# those of decisions live in a run alone: no raster holds what they read
MEMBERS = [cls for cls in members(Statistic) if not set(cls.example().reads) & set(DECISIONS)]
each = pytest.mark.parametrize("cls", MEMBERS, ids=label)


def _courses(seed: int = 0) -> dict[str, np.ndarray]:
    """Recorded courses [time, neuron]: rates from none to one spike per step, correlated potentials."""
    rng = np.random.default_rng(seed)
    chance = np.array([0.0, 0.02, 0.1, 0.3, 0.5, 0.8, 1.0])
    spikes = (rng.random((STEPS, SIZE)) < chance).astype(np.float32)
    return {
        "spikes": spikes,
        "output": (spikes + 0.1 * rng.normal(size=spikes.shape)).astype(np.float32),
        "v": (-60 + np.cumsum(rng.normal(size=spikes.shape), axis=0) * 0.1).astype(np.float32),
        "current": rng.normal(size=spikes.shape).astype(np.float32),
        "threshold": (-50 + rng.normal(size=spikes.shape)).astype(np.float32),
    }


def _about() -> About:
    return About(size=SIZE, steps=STEPS, dt=DT, fan_out=jnp.asarray([3.0, 0.0, 5.0, 1.0, 4.0, 100.0, 7.0]))


Stacked = tuple[jax.Array, dict[str, jax.Array]]  # the index and every variable, along time


def _stacked(courses: dict[str, Any]) -> Stacked:
    return jnp.arange(STEPS, dtype=jnp.int32), {name: jnp.asarray(value) for name, value in courses.items()}


def _fold(statistic: Statistic, stacked: Stacked, about: About) -> Any:
    def step(acc: Any, seen: Stacked) -> tuple[Any, None]:
        index, values = seen
        return statistic.update(acc, Frame(index=index, **values), about), None

    return lax.scan(step, statistic.init(about), stacked)[0]


def _part(statistic: Statistic, stacked: Stacked, about: About) -> Callable[..., Any]:
    """Compiled once: the accumulator ``acc`` after the steps ``start`` to ``stop - 1``."""

    def step(t: jax.Array, acc: Any) -> Any:
        return statistic.update(acc, Frame(index=t, **{name: x[t] for name, x in stacked[1].items()}), about)

    return jax.jit(lambda acc, start, stop: lax.fori_loop(start, stop, step, acc))


def _result(statistic: Statistic, stacked: Stacked, about: About) -> Any:
    return statistic.finalize(_fold(statistic, stacked, about), about)


def _replayed(statistic: Statistic, courses: dict[str, Any]) -> Any:
    named = {k: courses[k] for k in ("output", "current", "threshold")}
    return over_raster(statistic, courses["spikes"], dt=DT, voltage=courses["v"], fan_out=_about().fan_out, **named)


def _same_bits(left: Any, right: Any) -> None:
    assert jax.tree.structure(left) == jax.tree.structure(right)
    for x, y in zip(jax.tree.leaves(left), jax.tree.leaves(right), strict=True):
        assert x.dtype == y.dtype
        np.testing.assert_array_equal(np.asarray(x), np.asarray(y))


def _same_within_rounding(left: Any, right: Any) -> None:
    """A batch and a single member are two programs, in which products and sums may be fused differently."""
    assert jax.tree.structure(left) == jax.tree.structure(right)
    for x, y in zip(jax.tree.leaves(left), jax.tree.leaves(right), strict=True):
        assert x.dtype == y.dtype
        np.testing.assert_allclose(np.asarray(x), np.asarray(y), rtol=1e-6, atol=1e-7)


def _fields(statistic: Statistic, result: Any) -> dict[str, Any]:
    return {name: result if name == "" else getattr(result, name) for name in statistic.dims(_about())}


def test_the_family_is_found() -> None:
    assert len(MEMBERS) >= 17


@pytest.mark.slow
@each
def test_inside_a_loop_and_over_the_stored_raster_are_the_same_bits(cls: type[Statistic]) -> None:
    statistic, about, courses = cls.example(), _about(), _courses()

    @jax.jit
    def run(drive: jax.Array) -> Any:
        def step(carry: Any, seen: Any) -> Any:
            v, acc = carry
            index, push = seen
            # Factors are powers of two: the loop itself gives the same bits with and without fused multiply-adds,
            # so that a difference can only come from the statistic.
            current = 0.25 * push + 1.125
            v = v + 0.0625 * (current - v) + 0.25 * push
            spikes = (v >= 1.0).astype(jnp.float32)
            course = {"spikes": spikes, "output": 0.5 * spikes, "v": v, "current": current, "threshold": 0.5 - push}
            acc = statistic.update(acc, Frame(index=index, **course), about)
            return (v * (1 - spikes), acc), course

        start = (jnp.zeros(SIZE, jnp.float32), statistic.init(about))
        (_, acc), stored = lax.scan(step, start, (jnp.arange(STEPS, dtype=jnp.int32), drive))
        return statistic.finalize(acc, about), stored

    inside, stored = run(jnp.asarray(courses["current"]))
    _same_bits(inside, _replayed(statistic, stored))


@pytest.mark.slow
@each
def test_vmap_is_a_loop_over_members(cls: type[Statistic]) -> None:
    statistic, about = cls.example(), _about()
    index = _stacked(_courses())[0]
    runs = [_stacked(_courses(seed))[1] for seed in range(5)]
    together = jax.tree.map(lambda *x: jnp.stack(x), *runs)
    one = jax.jit(lambda values: _result(statistic, (index, values), about))
    batched = jax.jit(jax.vmap(one))(together)
    for i, values in enumerate(runs):
        _same_within_rounding(jax.tree.map(lambda x, i=i: x[i], batched), one(values))


@pytest.mark.slow
@each
def test_compiled_and_step_by_step_agree(cls: type[Statistic]) -> None:
    # in long steps, because each one compiles its conditionals anew
    statistic, about = cls.example(), About(size=SIZE, steps=6, dt=5.0, fan_out=_about().fan_out)
    index, values = jax.tree.map(lambda x: x[:6], _stacked(_courses()))
    acc = statistic.init(about)
    for t in range(6):
        acc = statistic.update(acc, Frame(index=index[t], **{k: x[t] for k, x in values.items()}), about)
    compiled = jax.jit(lambda v: _fold(statistic, (index, v), about))(values)
    _agree(acc, compiled, exact=cls.exact)
    # a compiler may contract a product and a sum of the result to one rounding
    finish = jax.jit(lambda a: statistic.finalize(a, about))
    _agree(statistic.finalize(acc, about), finish(compiled), exact=False)


@pytest.mark.slow
@each
def test_a_measurement_divided_anywhere_merges_to_the_whole(cls: type[Statistic]) -> None:
    statistic, about, exact = cls.example(), _about(), cls.exact
    part, empty = _part(statistic, _stacked(_courses()), about), statistic.init(about)
    finish = jax.jit(lambda acc: statistic.finalize(acc, about))
    merge = jax.jit(lambda a, b: statistic.merge(a, b, about))
    whole = finish(part(empty, 0, STEPS))
    for cut in (*range(70), *range(70, STEPS, 7), STEPS):
        _agree(finish(merge(part(empty, 0, cut), part(empty, cut, STEPS))), whole, exact=exact)


@each
def test_merging_is_associative_and_a_merged_part_goes_on(cls: type[Statistic]) -> None:
    statistic, about, exact = cls.example(), _about(), cls.exact
    part, empty = _part(statistic, _stacked(_courses()), about), statistic.init(about)
    finish = jax.jit(lambda acc: statistic.finalize(acc, about))
    merge = jax.jit(lambda a, b: statistic.merge(a, b, about))
    whole = finish(part(empty, 0, STEPS))
    a, b, c, d = (part(empty, *ends) for ends in ((0, 41), (41, 50), (50, 133), (133, STEPS)))
    _agree(finish(merge(merge(merge(a, b), c), d)), whole, exact=exact)
    _agree(finish(merge(a, merge(b, merge(c, d)))), whole, exact=exact)
    short = part(empty, 60, STEPS)  # parts with a spike at most, from the last one to the first
    for first in range(57, -1, -3):
        short = merge(part(empty, first, first + 3), short)
    _agree(finish(short), whole, exact=exact)
    _agree(finish(part(merge(a, b), 50, STEPS)), whole, exact=exact)
    _agree(finish(part(merge(merge(a, b), empty), 50, STEPS)), whole, exact=exact)


def _agree(got: Any, want: Any, *, exact: bool) -> None:
    if exact:
        _same_bits(got, want)
        return
    for x, y in zip(jax.tree.leaves(got), jax.tree.leaves(want), strict=True):
        np.testing.assert_allclose(np.asarray(x), np.asarray(y), rtol=2e-6, atol=1e-7)


@each
def test_dimensions_units_and_coordinates_describe_the_result(cls: type[Statistic]) -> None:
    statistic, about = cls.example(), _about()
    dims, units, coords = statistic.dims(about), statistic.units, statistic.coords(about)
    fields = _fields(statistic, _replayed(statistic, _courses()))
    assert set(units) == set(fields) == set(dims)
    assert all(isinstance(unit, str) and unit for unit in units.values())
    sizes: dict[str, int] = {}
    for name, value in fields.items():
        assert len(dims[name]) == len(set(dims[name])) == value.ndim
        for dim, size in zip(dims[name], value.shape, strict=True):
            assert sizes.setdefault(dim, size) == size
    assert set(coords) <= set(sizes)
    assert all(len(values) == sizes[dim] for dim, values in coords.items())
    assert json.loads(json.dumps(coords)) == coords
    json.dumps([units, dims])


@each
def test_accumulators_keep_their_types_and_stay_small(cls: type[Statistic]) -> None:
    statistic, about = cls.example(), _about()
    for leaf in jax.tree.leaves(statistic.init(about)):
        assert leaf.dtype in (jnp.float32, jnp.int32, jnp.uint32, jnp.uint8, jnp.int8)
        assert not leaf.weak_type
        assert leaf.nbytes <= STEPS * SIZE


@each
def test_a_silent_population_gives_numbers_or_the_documented_nan(cls: type[Statistic]) -> None:
    statistic = cls.example()
    silent = {name: np.zeros((STEPS, SIZE), np.float32) for name in VARIABLES}
    leaves = [np.asarray(x) for x in jax.tree.leaves(_replayed(statistic, silent))]
    assert not any(np.isinf(x).any() for x in leaves)
    if any(np.isnan(x).any() for x in leaves):
        assert "NaN" in (cls.__doc__ or "")


@pytest.mark.slow
@each
@pytest.mark.parametrize("kind", ["active", "silent"])
def test_gradients_are_finite(cls: type[Statistic], kind: str) -> None:
    statistic, about = cls.example(), _about()
    courses = _courses() if kind == "active" else {k: np.zeros((STEPS, SIZE), np.float32) for k in VARIABLES}
    index, values = _stacked(courses)

    def loss(values: dict[str, jax.Array]) -> jax.Array:
        leaves = jax.tree.leaves(_result(statistic, (index, values), about))
        real = [x for x in leaves if jnp.issubdtype(x.dtype, jnp.floating)]
        return sum((jnp.where(jnp.isnan(x), 0, x) ** 2).sum() for x in real) + jnp.zeros(())

    for slope in jax.tree.leaves(jax.jit(jax.grad(loss))(values)):
        assert np.isfinite(slope).all()


@pytest.mark.slow
@each
def test_what_jumps_says_so(cls: type[Statistic]) -> None:
    statistic, about, courses = cls.example(), _about(), _courses()
    smooth = [name for name in ("v", "current", "threshold") if name in statistic.reads]
    index, values = _stacked(courses)

    def real(moved: dict[str, jax.Array]) -> list[jax.Array]:
        leaves = jax.tree.leaves(_result(statistic, (index, values | moved), about))
        return [jnp.nan_to_num(x) for x in leaves if jnp.issubdtype(x.dtype, jnp.floating)]

    given = {name: values[name] for name in smooth}
    far = {name: 1.3 * x + 5.0 for name, x in given.items()}
    moves = any((a != b).any() for a, b in zip(real(given), real(far), strict=True))
    slopes = jax.grad(lambda moved: sum((x**2).sum() for x in real(moved)) + jnp.zeros(()))(given)
    passes = any(np.asarray(slope).any() for slope in jax.tree.leaves(slopes))
    assert cls.jumps is (moves and not passes)


@pytest.mark.slow
@each
def test_only_the_variables_that_it_reads_matter(cls: type[Statistic]) -> None:
    statistic, about, courses = cls.example(), _about(), _courses()
    assert set(statistic.reads) <= {*VARIABLES, "fan_out"}
    poisoned = {k: v if k in statistic.reads else np.full_like(v, np.nan) for k, v in courses.items()}
    clean, dirty = (_result(statistic, _stacked(c), about) for c in (courses, poisoned))
    _same_bits(dirty, clean)


@each
def test_members_watch_a_population_by_name(cls: type[Statistic]) -> None:
    statistic = cls.example()
    assert statistic.population is None
    fields = {f.name: getattr(statistic, f.name) for f in dataclasses.fields(statistic)}
    named = cls(**{**fields, "population": "cells"})
    assert named.population == "cells"
    assert jax.tree.leaves(named) == jax.tree.leaves(statistic)
