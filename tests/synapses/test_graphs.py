"""Drawn graphs: degrees that are exact where they are fixed, binomial where pairs are drawn; pure functions of the key."""

import itertools
import subprocess
import sys

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

from helpers.statistical import assert_mean, assert_proportion, assert_variance, negative_control
from jaxsnn_noise import random
from jaxsnn_noise._checks import InputError
from jaxsnn_noise.synapses import FixedInDegree, FixedOutDegree, Probability
from jaxsnn_noise.synapses.graphs import _below

FIXED = [FixedInDegree, FixedOutDegree]
each_fixed = pytest.mark.parametrize("cls", FIXED, ids=lambda c: c.__name__)


def pairs(graph):
    """(target, source) of each synapse."""
    return np.asarray(graph.rows, np.int64), np.asarray(graph.columns, np.int64)


def counts(graph):
    """Synapses of each pair [target, source]."""
    rows, columns = pairs(graph)
    found = np.zeros(graph.size, int)
    np.add.at(found, (rows, columns), 1)
    return found


def degrees(graph, cls):
    return counts(graph).sum(axis=1 if cls is FixedInDegree else 0)


@each_fixed
@pytest.mark.parametrize("degree", [0, 1, 7, 15, 29, 30])
def test_fixed_degrees_are_exact_and_no_pair_is_there_twice(cls, degree):
    graph = cls(degree).draw(1, (30, 30))
    assert degrees(graph, cls).tolist() == [degree] * 30
    assert counts(graph).max(initial=0) <= 1
    assert not graph.multapses
    assert graph.synapses == 30 * degree


@pytest.mark.slow
@each_fixed
@pytest.mark.parametrize("degree", [1, 14, 15, 28, 29])
def test_without_autapses_no_neuron_reaches_itself(cls, degree):
    graph = cls(degree, autapses=False).draw(1, (30, 30))
    assert np.diag(counts(graph)).sum() == 0
    assert degrees(graph, cls).tolist() == [degree] * 30
    assert counts(graph).max() == 1


@each_fixed
def test_populations_of_different_size(cls):
    for size in ((40, 13), (13, 40), (1, 40), (40, 1)):
        most = size[1] if cls is FixedInDegree else size[0]
        for degree in {1, most}:
            graph = cls(degree).draw(2, size)
            assert set(degrees(graph, cls).tolist()) == {degree}
            assert counts(graph).max() == 1


@each_fixed
def test_multapses_are_drawn_independently(cls):
    graph = cls(500, multapses=True, autapses=False).draw(3, (20, 20))
    found = counts(graph)
    assert graph.multapses
    assert degrees(graph, cls).tolist() == [500] * 20
    assert np.diag(found).sum() == 0
    others = found[~np.eye(20, dtype=bool)]
    assert others.max() > 1
    assert_proportion(others, np.full(380, 500), 1 / 19)
    # two draws that shared a number would double it
    assert_variance(others, 500 * 1 / 19 * 18 / 19, kurtosis=None, false_alarm=1e-9)


@each_fixed
@pytest.mark.parametrize("degree", [3, 9], ids=["few", "most"])
def test_every_choice_is_as_likely_as_another(cls, degree):
    n, groups = 12, 20_000
    graph = cls(degree).draw(4, (groups, n) if cls is FixedInDegree else (n, groups))
    chosen = counts(graph) if cls is FixedInDegree else counts(graph).T
    assert_proportion(chosen.sum(axis=0), np.full(n, groups), degree / n)
    both = (chosen[:, :, None] * chosen[:, None]).sum(axis=0)[np.triu_indices(n, 1)]
    together = degree * (degree - 1) / (n * (n - 1))  # of a pair, without replacement
    assert_proportion(both, np.full(len(both), groups), together)
    negative_control(lambda a: assert_proportion(both, np.full(len(both), groups), a * together))


def test_all_sets_of_choices_are_equally_likely():
    chosen = np.asarray(FixedInDegree(2).draw(9, (60_000, 5)).columns).reshape(-1, 2)
    sets = list(itertools.combinations(range(5), 2))
    found = [int((np.sort(chosen, axis=1) == s).all(axis=1).sum()) for s in sets]
    assert_proportion(found, [60_000] * 10, 0.1)


@pytest.mark.parametrize("probability", [0.001, 0.1, 0.5, 0.97])
def test_the_degrees_of_a_probability_are_binomial(probability):
    size = (2600, 901)
    found = counts(Probability(probability).draw(5, size))
    assert found.max() == 1
    assert_proportion(found.sum(), found.size, probability)
    for axis in (0, 1):
        n, degree = size[axis], found.sum(axis=axis)
        variance = n * probability * (1 - probability)
        assert_mean((degree.mean(), np.sqrt(variance / len(degree))), n * probability)
        fourth = 3 + (1 - 6 * probability * (1 - probability)) / variance
        assert_variance(degree, variance, kurtosis=fourth)
    negative_control(lambda a: assert_variance(degree, a * variance, kurtosis=fourth))


def test_pairs_of_a_probability_are_independent_of_their_neighbours():
    found = counts(Probability(0.3).draw(6, (800, 801)))
    for other in (found[1:], found[:, 1:], found[2:, 2:]):
        here = found[: other.shape[0], : other.shape[1]]
        assert_proportion((here * other).sum(), here.size, 0.09)


def test_a_larger_probability_adds_synapses_and_removes_none():
    graphs = [counts(Probability(p).draw(7, (50, 60))) for p in (0.0, 0.1, 0.4, 1.0)]
    assert graphs[0].sum() == 0
    assert graphs[-1].all()
    for fewer, more in itertools.pairwise(graphs):
        assert (more >= fewer).all()
        assert more.sum() > fewer.sum()


def test_a_probability_without_autapses_leaves_the_others_alone():
    with_them, without = (counts(Probability(0.4, autapses=a).draw(8, (50, 50))) for a in (True, False))
    assert np.diag(without).sum() == 0
    np.testing.assert_array_equal(without, with_them * (1 - np.eye(50, dtype=int)))
    assert not np.diag(counts(Probability(1.0, autapses=False).draw(8, (50, 50)))).any()


@pytest.mark.parametrize("autapses", [True, False])
def test_blocks_of_pairs_are_one_graph(monkeypatch, autapses):
    rule = Probability(0.3, autapses=autapses)
    whole = pairs(rule.draw(1, (41, 41)))
    monkeypatch.setattr("jaxsnn_noise.synapses.graphs.PAIRS_AT_ONCE", 250)
    np.testing.assert_array_equal(pairs(rule.draw(1, (41, 41))), whole)
    np.testing.assert_array_equal(np.lexsort(whole), np.arange(len(whole[0])))  # by source, then by target


RULES = [
    Probability(0.3),
    FixedInDegree(4),
    FixedInDegree(15, autapses=False),
    FixedOutDegree(4),
    FixedOutDegree(5, multapses=True),
]
each_rule = pytest.mark.parametrize("rule", RULES, ids=str)


@each_rule
def test_a_graph_is_a_function_of_the_key(rule):
    size = (20, 20)
    first = pairs(rule.draw(1, size))
    for same in (1, jax.random.key(1), random.root(1)):
        np.testing.assert_array_equal(pairs(rule.draw(same, size)), first)
    for other in (2, random.stream(random.root(1), "x")):
        assert np.any(counts(rule.draw(other, size)) != counts(rule.draw(1, size)))
    both = counts(rule.draw(1, size)), counts(rule.draw(2, size))
    mean = both[0].mean() * both[1].mean()
    assert abs((both[0] * both[1]).mean() - mean) < 5 * np.sqrt(mean / 400)  # unrelated


@pytest.mark.slow
@pytest.mark.parametrize("rule", RULES[1:], ids=str)
def test_fixed_degrees_can_be_drawn_while_tracing(rule):
    keys = jnp.stack([random.root(i) for i in range(3)])
    traced = jax.jit(jax.vmap(lambda key: jnp.stack([rule.draw(key, (20, 20)).rows, rule.draw(key, (20, 20)).columns])))
    for got, key in zip(traced(keys), keys, strict=True):
        np.testing.assert_array_equal(got, pairs(rule.draw(key, (20, 20))))


@each_fixed
@pytest.mark.parametrize(
    ("rule", "size", "message"),
    [
        ({"degree": -1}, (3, 3), "degree: must be a whole number >= 0"),
        ({"degree": 4}, (3, 3), "degree: there are 3 to choose from; got 4"),
        ({"degree": 3, "autapses": False}, (3, 3), "degree: there are 2 to choose from; got 3"),
        ({"degree": 1, "autapses": False, "multapses": True}, (1, 1), "degree: there are 0 to choose from"),
        ({"degree": 1, "autapses": False}, (3, 4), "size: without autapses, target and source are one population"),
        ({"degree": 1}, (0, 4), "size: must be a whole number >= 1"),
        ({"degree": 1 << 30, "multapses": True}, (3, 3), "degree: a projection holds at most 2147483647 synapses"),
    ],
)
def test_rules_that_do_not_fit_are_refused(cls, rule, size, message):
    with pytest.raises(InputError, match=f"{cls.__name__}.*{message}"):
        cls(**rule).draw(0, size)


@pytest.mark.parametrize("probability", [-0.1, 1.1, np.nan])
def test_a_probability_out_of_range_is_refused(probability):
    with pytest.raises(InputError, match=r"Probability.probability: must lie in \[0, 1\]"):
        Probability(probability)
    with pytest.raises(InputError, match="without autapses"):
        Probability(0.1, autapses=False).draw(0, (3, 4))


def test_whole_numbers_below_a_bound_are_the_quotient_of_the_word():
    words = np.random.default_rng(0).integers(0, 1 << 32, 20_000, dtype=np.uint64)
    words[:3] = 0, 1, (1 << 32) - 1
    for n in (1, 2, 3, 12_500, 65_535, 65_536, 65_537, 1_000_003, (1 << 31) - 1):
        wanted = (words * np.uint64(n)) >> np.uint64(32)
        np.testing.assert_array_equal(_below(jnp.asarray(words.astype(np.uint32)), n), wanted)


@pytest.mark.slow
def test_a_large_graph_takes_the_memory_of_its_synapses():
    code = (
        "import resource, jax.numpy as jnp\n"
        "from jaxsnn_noise.synapses import FixedInDegree, Probability\n"
        "Probability(0.1).draw(0, (50, 50)), FixedInDegree(3).draw(0, (50, 50))\n"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "assert Probability(0.001).draw(0, (8000, 8000)).synapses > 60_000\n"
        "assert FixedInDegree(8).draw(0, (8000, 8000)).synapses == 64_000\n"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)"
    )
    grown = int(subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout)
    matrix = 8000 * 8000 * 4 / (1 if sys.platform == "darwin" else 1024)
    assert grown < 0.6 * matrix


def test_the_fourth_moment_of_the_binomial_is_the_one_used():
    p, n = 0.1, 700
    assert stats.binom.stats(n, p, moments="k") + 3 == pytest.approx(3 + (1 - 6 * p * (1 - p)) / (n * p * (1 - p)))
