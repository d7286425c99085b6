"""The product over spikes: equal to the dense one, member by member, with its derivatives of both modes."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxsnn_noise.synapses.events import Columns, _all_at_once, _loop, over_spikes, source_of_each

# (target, source, probability): less than a word, several words, columns of many blocks, one of each
SIZES = [(5, 3, 0.5), (37, 70, 0.3), (900, 40, 0.9), (1, 33, 1.0), (40, 1, 1.0)]
each_size = pytest.mark.parametrize("size", SIZES, ids=str)


def synapses_of(targets, sources, probability):
    """A graph with silent, empty and full columns, and weights that are multiples of 1/8: sums over spikes are exact."""
    rng = np.random.default_rng(targets)
    there = rng.random((targets, sources)) < probability
    there[:, : sources // 4] = False
    there[:, sources // 2] = True
    columns, rows = np.nonzero(there.T)
    starts = np.searchsorted(columns, np.arange(sources + 1)).astype(np.int32)
    weights = rng.integers(1, 100, len(rows)) / 8 * rng.choice([-1, 1], len(rows))
    as_int = functools.partial(jnp.asarray, dtype=jnp.int32)
    return Columns(jnp.asarray(weights, jnp.float32), as_int(rows), as_int(columns), as_int(starts))


def matrix(columns, size):
    """The dense weights, by a loop."""
    dense = np.zeros(size, np.float64)
    parts = (np.asarray(x) for x in (columns.weights, columns.rows, columns.columns))
    for w, i, j in zip(*parts, strict=True):
        dense[i, j] += w
    return dense


def with_weights(columns, weights):
    return Columns(weights, columns.rows, columns.columns, columns.starts)


def sparse(columns, size):
    return lambda w, s: over_spikes(with_weights(columns, w), s, size[0])


def dense(columns, size):
    """The reference of derivatives: the same weights as a matrix."""

    def product(w, s):
        return jnp.matmul(s, jnp.zeros(size[:2]).at[columns.rows, columns.columns].set(w).T, precision="highest")

    return product


def signals(sources, members, rate, seed=0, graded=False):
    rng = np.random.default_rng(seed)
    spikes = rng.random((members, sources)) < rate
    return jnp.asarray(spikes * (rng.normal(size=spikes.shape) if graded else 1.0), jnp.float32)


@pytest.mark.slow
@each_size
def test_spikes_give_the_sums_of_a_loop_over_synapses(size):
    columns, dense = synapses_of(*size), matrix(synapses_of(*size), size[:2])
    product = jax.jit(lambda s: over_spikes(columns, s, size[0]))
    for rate in (0.0, 0.02, 0.3, 1.0):
        spikes = signals(size[1], 40, rate)
        np.testing.assert_array_equal(product(spikes), np.asarray(spikes, np.float64) @ dense.T)
    alone = jnp.eye(size[1])  # each source by itself, at every place of a word
    np.testing.assert_array_equal(jax.jit(jax.vmap(lambda s: over_spikes(columns, s, size[0])))(alone), dense.T)
    np.testing.assert_array_equal([product(s) for s in alone], dense.T)


@pytest.mark.slow
@each_size
def test_graded_and_negative_signals_multiply(size):
    columns, values = synapses_of(*size), signals(size[1], 6, 0.4, graded=True).reshape(2, 3, -1)
    wanted = np.asarray(values, np.float64) @ matrix(columns, size[:2]).T
    np.testing.assert_allclose(over_spikes(columns, values, size[0]), wanted, rtol=1e-5, atol=1e-4)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_broken_signal_reaches_the_targets_of_its_source_and_no_others(value):
    size = SIZES[1]
    columns, j = synapses_of(*size), size[1] // 2 + 1
    values = signals(size[1], 1, 0.3)[0].at[j].set(value)
    reached = matrix(columns, size[:2])[:, j] != 0
    assert 0 < reached.sum() < size[0]
    np.testing.assert_array_equal(~np.isfinite(over_spikes(columns, values, size[0])), reached)


@pytest.mark.slow
def test_the_weights_of_silent_sources_are_not_looked_at():
    size = SIZES[2]
    columns, spikes = synapses_of(*size), signals(size[1], 1, 0.3)[0]
    silent = np.asarray(spikes)[np.asarray(columns.columns)] == 0
    broken = with_weights(columns, jnp.where(jnp.asarray(silent), jnp.nan, columns.weights))
    np.testing.assert_array_equal(over_spikes(broken, spikes, size[0]), over_spikes(columns, spikes, size[0]))


def test_no_synapses_is_silence():
    none = Columns(jnp.zeros(0), *(jnp.zeros(0, jnp.int32),) * 2, jnp.zeros(4, jnp.int32))
    by_member = jax.vmap(lambda w, s: over_spikes(with_weights(none, w), s, 5))
    np.testing.assert_array_equal(by_member(jnp.zeros((2, 0)), jnp.ones((2, 3))), np.zeros((2, 5)))
    np.testing.assert_array_equal(over_spikes(none, jnp.ones((2, 3)), 5), np.zeros((2, 5)))
    assert jax.grad(lambda s: over_spikes(none, s, 5).sum())(jnp.ones(3)).tolist() == [0, 0, 0]


@pytest.mark.slow
def test_the_sources_of_synapses_are_those_of_the_columns():
    for size in SIZES:
        columns = synapses_of(*size)
        found = source_of_each(columns.starts, len(columns.rows))
        np.testing.assert_array_equal(found, columns.columns)


def test_several_synapses_of_a_pair_add_up():
    ones = jnp.ones(4, jnp.int32)
    twice = Columns(jnp.array([1.0, 2.0, 4.0, 8.0]), ones, 0 * ones, jnp.array([0, 4], jnp.int32))
    assert over_spikes(twice, jnp.ones(1), 3).tolist() == [0.0, 15.0, 0.0]


@pytest.mark.slow
@pytest.mark.parametrize("size", SIZES[:3], ids=str)
def test_a_member_of_a_batch_has_the_bits_of_a_single_one(size):
    columns = synapses_of(*size)
    w = columns.weights
    weights = jnp.stack([w, 0.5 * w, -3.0 * w])
    f, rows = jax.jit(sparse(columns, size)), functools.partial(jax.vmap, in_axes=(None, 0))
    trials, stacks, own = jax.jit(rows(rows(f))), jax.jit(rows(f)), jax.jit(jax.vmap(rows(f)))
    inner, devices = jax.jit(rows(jax.vmap(f))), jax.jit(jax.vmap(f, (0, None)))
    for graded in (False, True):
        # members of very different activity: all fire, none fires
        few = signals(size[1], 12, 0.2, graded=graded).reshape(3, 4, -1).at[1, 1].set(1.0).at[2, 0].set(0.0)
        same = [[f(w, s) for s in row] for row in few]
        np.testing.assert_array_equal(trials(w, few), same)
        np.testing.assert_array_equal(stacks(w, few), same)  # a stack within a batch
        each = [[f(v, s) for s in row] for v, row in zip(weights, few, strict=True)]
        np.testing.assert_array_equal(own(weights, few), each)  # device, trial
        np.testing.assert_array_equal(inner(weights, few.swapaxes(0, 1)), np.swapaxes(each, 0, 1))  # trial, device
        np.testing.assert_array_equal(devices(weights, few[0, 0]), [f(v, few[0, 0]) for v in weights])


@pytest.mark.slow
def test_members_may_have_graphs_of_their_own():
    size = (20, 50)
    graphs = []
    for seed in range(3):
        rng = np.random.default_rng(seed)
        there = np.concatenate([np.sort(rng.choice(20, 8, replace=False)) for _ in range(50)])
        counts = rng.multinomial(400, np.ones(50) / 50)
        starts = np.concatenate([[0], np.cumsum(counts)])
        columns = np.repeat(np.arange(50), counts)
        ints = (jnp.asarray(x, jnp.int32) for x in (there, columns, starts))
        graphs.append(Columns(jnp.asarray(rng.integers(-9, 9, 400), jnp.float32), *ints))
    stack = jax.tree.map(lambda *x: jnp.stack(x), *graphs)
    spikes = signals(50, 6, 0.3).reshape(3, 2, 50)

    @jax.jit
    def f(c, s):
        return over_spikes(c, s, 20)

    wanted = [[s @ matrix(c, size).T for s in np.asarray(row)] for c, row in zip(graphs, spikes, strict=True)]
    np.testing.assert_array_equal(jax.vmap(f)(stack, spikes), wanted)
    both = jax.vmap(jax.vmap(f, (None, 0)))(stack, spikes)
    np.testing.assert_array_equal(both, wanted)
    # only where the columns begin differs: the rows are repeated
    moved = jax.vmap(lambda s, c: f(Columns(graphs[0].weights, graphs[0].rows, c.columns, c.starts), s))(spikes, stack)
    for k in range(3):
        other = Columns(graphs[0].weights, graphs[0].rows, graphs[k].columns, graphs[k].starts)
        np.testing.assert_array_equal(moved[k], np.asarray(spikes[k]) @ matrix(other, size).T)


@pytest.mark.slow
@each_size
def test_accelerators_add_the_same_synapses_at_once(size):
    columns, spikes = synapses_of(*size), signals(size[1], 5, 0.3)
    weights = jnp.stack([columns.weights, 2.0 * columns.weights])
    own, graph = jnp.array([0, 1, 1, 0, 1], jnp.int32), jnp.zeros(5, jnp.int32)
    args = (size[0], spikes, weights, columns.rows[None], columns.starts[None], own, graph)
    np.testing.assert_array_equal(_all_at_once(*args), _loop(*args))


@pytest.mark.slow
@pytest.mark.parametrize("derivative", [jax.grad, jax.jacfwd, jax.jacrev], ids=lambda d: d.__name__)
def test_derivatives_of_both_modes_are_those_of_the_matrix(derivative):
    size = (12, 35, 0.4)
    columns, values = synapses_of(*size), signals(size[1], 2, 0.3, graded=True)
    devices = jnp.stack([columns.weights, 2.0 * columns.weights])

    def all_of(f):
        slope = derivative(lambda w, s: jnp.sum(jnp.sin(0.1 * f(w, s))), (0, 1))
        trials = jax.vmap(slope, (None, 0))

        def several(w, s):
            single, stack = jax.tree.map(lambda *x: jnp.stack(x), *(slope(w, v) for v in s)), slope(w, s)
            return single, trials(w, s), stack, jax.vmap(trials, (0, None))(devices, s)

        return jax.jit(several)(columns.weights, values)

    got, wanted = all_of(sparse(columns, size)), all_of(dense(columns, size))
    close = functools.partial(jax.tree.map, functools.partial(np.testing.assert_allclose, rtol=1e-4, atol=1e-4))
    close(got, wanted)
    close(got[0], got[1])


@pytest.mark.slow
def test_the_gradient_of_a_batch_is_that_of_the_matrix():
    size = SIZES[1]
    columns, values = synapses_of(*size), signals(size[1], 4, 0.3, graded=True)

    def loss(f, w, s):
        return jnp.sum(jax.vmap(f, (None, 0))(w, s) ** 2)

    for k in (1, 2):
        got, wanted = (
            jax.grad(loss, k)(f, columns.weights, values) for f in (sparse(columns, size), dense(columns, size))
        )
        np.testing.assert_allclose(got, wanted, rtol=1e-4, atol=1e-2)


@pytest.mark.slow
def test_derivatives_of_derivatives():
    size = SIZES[1]
    columns, values = synapses_of(*size), signals(size[1], 1, 0.4, graded=True)[0]
    at, along = (columns.weights, values), (jnp.ones_like(columns.weights), jnp.cos(values))

    def both(f):
        slope = jax.grad(lambda w, s: jnp.sum(jnp.sin(0.1 * f(w, s))), (0, 1))

        def directional(*at):
            return sum(jnp.vdot(x, v) for x, v in zip(slope(*at), along, strict=True))

        return jax.jit(lambda *at: (jax.jvp(slope, at, along)[1], jax.grad(directional, (0, 1))(*at)))(*at)

    pairs = both(sparse(columns, size)), both(dense(columns, size))
    jax.tree.map(functools.partial(np.testing.assert_allclose, rtol=1e-3, atol=1e-3), *pairs)


def test_the_gradient_is_the_difference_quotient():
    size = SIZES[0]
    columns, values = synapses_of(*size), jnp.array([0.7, -0.4, 1.2])

    @jax.jit
    def f(w, s):
        return jnp.sum(over_spikes(with_weights(columns, w), s, size[0]) ** 2)

    for k, at in enumerate((columns.weights, values)):
        slope = jax.grad(f, k)(columns.weights, values)
        for i in range(len(at)):
            move = jnp.zeros_like(at).at[i].set(0.25)
            up, down = (
                f(*(x + d * move if n == k else x for n, x in enumerate((columns.weights, values)))) for d in (1, -1)
            )
            np.testing.assert_allclose(slope[i], (up - down) / 0.5, rtol=1e-3, atol=1e-2)


def recurrent_loss(product, steps):
    """A recurrent network with a surrogate, as a function of its weights."""

    @jax.custom_jvp
    def fire(v):
        return (v > 1.0).astype(jnp.float32)

    fire.defjvps(lambda t, spikes, v: t / (1.0 + jnp.abs(v - 1.0)) ** 2)

    def loss(w, drive):
        def body(carry, x):
            v, s = carry
            v = 0.8 * v * (1.0 - s) + x + product(w, s)
            s = fire(v)
            return (v, s), s

        zero = jnp.zeros_like(drive)
        spikes = jax.lax.scan(body, (zero, zero), jnp.tile(drive, (steps, 1)))[1]
        return jnp.mean(spikes * jnp.arange(1.0, 1.0 + steps)[:, None])

    return loss


@pytest.mark.slow
@pytest.mark.parametrize("wrap", [lambda f: f, jax.checkpoint], ids=["plain", "remat"])
def test_gradients_through_a_scan(wrap):
    size = (40, 40, 0.2)
    columns = synapses_of(*size)
    drive = jnp.asarray(np.random.default_rng(0).uniform(0.1, 0.6, (3, 40)), jnp.float32)
    small = 0.01 * columns.weights
    results = []
    for f in (sparse(columns, size), dense(columns, size)):
        loss = wrap(recurrent_loss(f, 20))
        batch = jax.jit(jax.vmap(jax.value_and_grad(loss, (0, 1)), (None, 0)))(small, drive)
        single = [jax.value_and_grad(loss, (0, 1))(small, x) for x in drive]
        forward = jax.jit(jax.jacfwd(loss))(small, drive[0])
        results.append((batch, jax.tree.map(lambda *x: jnp.stack(x), *single), forward))
    assert float(np.abs(results[0][0][1][0]).max()) > 1e-4
    jax.tree.map(functools.partial(np.testing.assert_allclose, rtol=1e-3, atol=1e-6), *results)
    np.testing.assert_allclose(results[0][2], results[0][1][1][0][0], rtol=1e-3, atol=1e-6)


def test_the_way_back_stores_nothing_per_synapse_and_step():
    size, steps = (300, 300, 0.5), 50
    columns = synapses_of(*size)
    loss = recurrent_loss(sparse(columns, size), steps)
    compiled = jax.jit(jax.grad(loss, (0, 1))).lower(0.01 * columns.weights, jnp.ones(300)).compile()
    synapses = columns.weights.nbytes
    assert compiled.memory_analysis().temp_size_in_bytes < 8 * synapses  # a store would take fifty times the synapses
