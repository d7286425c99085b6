"""The random stream: known answers, an independent NumPy version, addresses, and the laws of its numbers."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

import jaxsnn_noise as jn
from helpers.statistical import (
    Deviation,
    assert_correlation,
    assert_ks,
    assert_mean,
    assert_proportion,
    assert_variance,
    negative_control,
)
from jaxsnn_noise import noise, random
from jaxsnn_noise._checks import InputError

KEY = random.root(20240)
ROTATIONS = (13, 15, 26, 6, 17, 29, 16, 24)


def numpy_threefry(key, first, second):
    """Threefry-2x32-20 from its paper, round by round, independent of the code under test."""
    words = [np.uint32(key[0]), np.uint32(key[1]), np.uint32(0x1BD11BDA) ^ np.uint32(key[0]) ^ np.uint32(key[1])]
    with np.errstate(over="ignore"):
        x, y = np.uint32(first) + words[0], np.uint32(second) + words[1]
        for r in range(20):
            x = x + y
            turn = ROTATIONS[r % 8]
            y = ((y << np.uint32(turn)) | (y >> np.uint32(32 - turn))) ^ x
            if r % 4 == 3:
                s = r // 4 + 1
                x, y = x + words[s % 3], y + words[(s + 1) % 3] + np.uint32(s)
    return x, y


def numpy_normals(first, second):
    """The pair of normals of a block in float64 (but for the uniform of the radius, which is defined in float32)."""
    uniform = first.astype(np.float32) * np.float32(2.0**-32) + np.float32(2.0**-33)
    radius = np.sqrt(-2 * np.log(uniform.astype(np.float64)))
    angle = (np.left_shift(second, 2).astype(np.uint32).view(np.int32) / 2**31) * np.pi / 4
    sign = np.where(second >> 31, -1.0, 1.0)
    swapped = (second >> 30) & 1 == 1
    pair = np.where(swapped, [np.cos(angle), np.sin(angle)], [np.sin(angle), np.cos(angle)])
    return sign * radius * pair


@jax.jit
def normals_of(key, block, entities):
    """Both lanes of a block: [lane, entity]."""
    return jnp.stack([random.normal(random.Tick(key, block, lane), entities) for lane in (0, 1)])


@jax.jit
def grid(key, blocks, entities):
    """Normals [step, entity] of consecutive steps."""
    both = jax.vmap(lambda b: normals_of(key, b, entities))(blocks)
    return both.reshape(-1, entities.size)


def ids(size):
    """Entity addresses as an array."""
    return jnp.arange(size, dtype=jnp.uint32)


def words(steps, size, key=KEY):
    """Raw bits [step, entity]."""
    entity = ids(size)

    def of_block(block):
        return jnp.stack([random.bits(random.Tick(key, block, lane), entity) for lane in (0, 1)])

    return np.asarray(jax.jit(jax.vmap(of_block))(jnp.arange(steps // 2, dtype=jnp.uint32))).reshape(steps, size)


# -- known answers -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("key", "counter", "answer"),
    [
        ((0, 0), (0, 0), (0x6B200159, 0x99BA4EFE)),
        ((0xFFFFFFFF,) * 2, (0xFFFFFFFF,) * 2, (0x1CB996FC, 0xBB002BE7)),
        ((0x13198A2E, 0x03707344), (0x243F6A88, 0x85A308D3), (0xC4923A9C, 0x483DF7A0)),
    ],
)
def test_the_cipher_gives_the_known_answers_of_random123(key, counter, answer):
    got = random.threefry2x32(jnp.array(key, jnp.uint32), *(jnp.uint32(c) for c in counter))
    assert tuple(int(w) for w in got) == answer
    assert tuple(int(w) for w in numpy_threefry(key, *counter)) == answer


def test_the_map_from_addresses_to_numbers_is_that_of_stream_version_1():
    # A change here changes every result of every user: raise STREAM_VERSION with it.
    assert random.STREAM_VERSION == 1
    key = random.root(1)
    hexes = lambda words: [f"{int(w):08x}" for w in words]  # noqa: E731
    at = random.Tick(random.stream(key, "noise.cells.membrane"), jnp.uint32(5), 1)
    entity = ids(3)
    found = {
        "root": hexes(random.root(0x123456789)),
        "stream": hexes(random.stream(key, "noise.cells.membrane")),
        "member": hexes(random.member(key, trial=3, device=1)),
        "bits": hexes(random.bits(at, entity)),
        "channel": hexes(random.bits(random.channel(at, 15), entity)),
        "shared": hexes(random.bits(at, random.shared(1))),
        "uniform": hexes(random.uniform(at, entity).view(jnp.uint32)),
    }
    assert found == PINNED
    # the logarithm of another processor may round the last bit of a normal differently
    normals = [-1.0783262, -1.0422987, 1.34671]
    np.testing.assert_allclose(random.normal(at, entity), np.float32(normals), rtol=5e-7)


def test_the_numbers_agree_with_an_independent_numpy_version():
    key, blocks, entity = random.stream(KEY, "x"), np.arange(50, dtype=np.uint32), np.arange(400, dtype=np.uint32)
    first, second = numpy_threefry(np.asarray(key), entity[None], blocks[:, None])
    at = random.Tick(key, jnp.uint32(7), 0), random.Tick(key, jnp.uint32(7), 1)
    np.testing.assert_array_equal(random.bits(at[0], jnp.asarray(entity)), first[7])
    np.testing.assert_array_equal(random.bits(at[1], jnp.asarray(entity)), second[7])
    wanted = numpy_normals(first, second).transpose(1, 0, 2).reshape(-1, 400)
    np.testing.assert_allclose(grid(key, jnp.asarray(blocks), jnp.asarray(entity)), wanted, rtol=6e-7, atol=6e-7)
    u = random.uniform(at[0], jnp.asarray(entity))
    np.testing.assert_array_equal(u, ((first[7] >> 9) + 0.5) / 2**23)


def test_keys_are_derived_by_the_cipher_under_their_own_tweaks():
    tweak = np.array([0x6A09E667, 0xBB67AE85], np.uint32)
    import hashlib

    name = np.frombuffer(hashlib.blake2b(b"noise", digest_size=8).digest(), "<u4")
    wanted = numpy_threefry(np.asarray(KEY) ^ tweak, *name)
    np.testing.assert_array_equal(random.stream(KEY, "noise"), np.array(wanted))


# -- addresses -----------------------------------------------------------------------------------------------


def test_every_form_of_a_seed_is_the_same_root_under_every_default_generator():
    wanted = np.array([0, 7], np.uint32)
    forms = [7, np.int64(7), jax.random.key(7), jax.random.PRNGKey(7), jax.random.key(7, impl="rbg")]
    for form in [*forms, jax.random.key(7, impl="unsafe_rbg")]:
        np.testing.assert_array_equal(random.root(form), wanted)


@pytest.mark.parametrize("impl", ["rbg", "unsafe_rbg"])
def test_the_numbers_do_not_depend_on_jaxs_default_generator(impl):
    wanted = random.normals(random.root(jax.random.key(3)), (50,))
    with jax.default_prng_impl(impl):
        np.testing.assert_array_equal(random.normals(random.root(jax.random.key(3)), (50,)), wanted)
    for partitionable in (False, True):
        with jax.threefry_partitionable(partitionable):
            np.testing.assert_array_equal(random.normals(random.root(jax.random.key(3)), (50,)), wanted)


@pytest.mark.parametrize("bad", [-1, 2**64, True, 0.5, "7", None, np.zeros(2), jax.random.split(jax.random.key(0), 3)])
def test_what_is_no_key_is_refused(bad):
    with pytest.raises(InputError, match="key: "):
        random.root(bad)


def test_vmap_equals_a_loop_and_jit_equals_eager_to_the_bit():
    at = random.Tick(KEY, jnp.uint32(11), 1)
    draw = lambda key: random.normal(random.Tick(key, at.block, at.lane), ids(33))  # noqa: E731
    keys = jnp.stack([random.member(KEY, trial=i) for i in range(5)])
    np.testing.assert_array_equal(random.bits(at, ids(33)), jax.jit(random.bits)(at, ids(33)))
    np.testing.assert_array_equal(jax.vmap(draw)(keys), [draw(k) for k in keys])
    one, all_at_once = jax.jit(draw), jax.jit(jax.vmap(draw))
    np.testing.assert_array_equal(all_at_once(keys), [one(k) for k in keys])


def test_entities_are_counted_from_zero():
    at = random.tick(KEY, 4)
    np.testing.assert_array_equal(random.bits(at, random.entities(9)), random.bits(at, ids(9)))
    np.testing.assert_array_equal(random.normal(at, random.entities(9)), random.normal(at, ids(9)))


def test_members_do_not_depend_on_the_order_in_which_axes_are_named():
    one = random.member(KEY, device=1, trial=3)
    np.testing.assert_array_equal(one, random.member(KEY, trial=3, device=1))
    others = [random.member(KEY, device=3, trial=1), random.member(KEY, trial=3), random.member(KEY, tri=3, device=1)]
    assert len({tuple(np.asarray(k)) for k in [one, *others, KEY]}) == 5


def test_an_axis_may_have_any_name():
    assert random.member(KEY, key=1).shape == (2,)


def test_shared_draws_are_one_number_and_no_neuron_has_their_address():
    at = random.tick(KEY, 4)
    many = np.asarray(random.bits(at, ids(1000)))
    one, other = (int(random.bits(at, random.shared(i))[0]) for i in (0, 1))
    assert one != other
    assert one not in many
    assert other not in many


@pytest.mark.parametrize("index", [-1, 16])
def test_a_channel_out_of_range_is_refused(index):
    with pytest.raises(InputError, match=r"channel: must lie in \[0, 15\]"):
        random.channel(random.tick(KEY, 0), index)


@pytest.mark.parametrize("index", range(16))
def test_a_channel_is_the_upper_four_bits_of_the_block_word(index):
    """The numbers of every channel, from the cipher that known answers hold; outside and inside a block with a memo."""
    words = random.threefry2x32(KEY, ids(5), jnp.uint32(11 | index << 28))
    for lane in (0, 1):
        for with_memo in (False, True):
            at, again = (
                random.channel(random.Tick(KEY, jnp.uint32(11), lane, random.Memo() if with_memo else None), index)
                for _ in range(2)  # of one address with a memo only one kind is drawn
            )
            np.testing.assert_array_equal(random.bits(at, random.entities(5)), words[lane])
            np.testing.assert_array_equal(random.uniform(again, random.entities(5)), random._unit(words[lane]))


def test_a_channel_of_a_channel_is_one_of_its_own():
    """What a policy draws beside its first number is so in the first memory of a source, too."""
    at = random.tick(KEY, 0)
    inner = random.channel(random.channel(at, 14), 2)
    assert random.channel(random.channel(at, 14), 0).channel == 14
    derived = random.Tick(random.stream(KEY, "channel 14"), at.block, at.lane)
    np.testing.assert_array_equal(random.bits(inner, ids(9)), random.bits(random.channel(derived, 2), ids(9)))
    others = [at, random.channel(at, 14), random.channel(at, 2), random.channel(random.channel(at, 15), 2)]
    for other in others:
        assert not np.isin(random.bits(inner, ids(9)), random.bits(other, ids(9))).any()


def test_draws_of_one_tick_have_entities_of_their_own():
    at = random.tick(KEY, 3)
    whole = np.asarray(random.normal(at, random.entities(12)))
    parts = [np.asarray(random.normal(at, random.entities(4, draw=k))) for k in range(3)]
    np.testing.assert_array_equal(np.concatenate(parts), whole)
    assert len(np.unique(whole)) == 12


def test_the_last_addresses_are_for_shared_draws():
    last = (1 << 32) - (1 << 16)
    assert int(random.entities(1 << 16, draw=(1 << 16) - 2).array()[-1]) == last - 1
    assert int(random.shared((1 << 16) - 1).array()[0]) == last
    for size, draw in (((1 << 16), (1 << 16) - 1), (last + 1, 0), (3, -1)):
        with pytest.raises(
            InputError, match=r"entities.draw: must lie from 0 on, and with their size have addresses below"
        ):
            random.entities(size, draw=draw)
    for index in (-1, 1 << 16):
        with pytest.raises(InputError, match=r"shared: must lie in \[0, 65535\]"):
            random.shared(index)


def test_channels_steps_and_streams_never_share_a_block():
    # 16 channels x 1000 blocks x 20 streams and members: all addresses, and all first words, are different
    blocks = [random.channel(random.Tick(KEY, jnp.uint32(b), 0), c).word for c in range(16) for b in range(0, 1000, 50)]
    assert len({int(b) for b in blocks}) == 16 * 20
    keys = [random.stream(KEY, f"s{i}") for i in range(10)] + [random.member(KEY, trial=i) for i in range(10)]
    assert len({tuple(np.asarray(k)) for k in keys}) == 20


# -- the laws of the numbers ---------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def sample():
    """Four million normals [step, entity] of one stream."""
    return np.asarray(grid(KEY, jnp.arange(1000, dtype=jnp.uint32), ids(2000)), np.float64)


def test_moments_of_the_normals(sample):
    def check(amplitude):
        assert_variance((amplitude * sample).ravel(), 1.0)

    assert_mean(sample.ravel(), 0.0)
    assert_mean(sample.ravel() ** 3, 0.0)
    assert_mean(sample.ravel() ** 4, 3.0)
    check(1.0)
    negative_control(check)


def test_the_normals_follow_the_normal_law(sample):
    def check(amplitude):
        assert_ks(amplitude * sample[:, ::8].ravel(), stats.norm.cdf)

    check(1.0)
    negative_control(check)


BEYOND = (3.0, 4.0, 5.0)
STREAMS = 20


@pytest.fixture(scope="module")
def tails():
    """How many of 40 million normals lie beyond 3, 4 and 5 on either side: counts [beyond, side], and the number."""

    def of_stream(i):
        x = grid(random.member(KEY, trial=i), jnp.arange(500, dtype=jnp.uint32), ids(2000))
        return jnp.stack([jnp.stack([jnp.sum(x > b), jnp.sum(x < -b)]) for b in BEYOND])

    counts = jax.jit(lambda i: jax.lax.map(of_stream, i))(ids(STREAMS))
    return dict(zip(BEYOND, np.sum(counts, axis=0), strict=True)), STREAMS * 1000 * 2000


@pytest.mark.slow
@pytest.mark.parametrize("beyond", BEYOND)
def test_the_tails_hold_as_many_numbers_as_the_normal_law_says(tails, beyond):
    counts, total = tails
    assert_proportion(counts[beyond], total, stats.norm.sf(beyond))


@pytest.mark.slow
def test_the_tail_test_sees_a_wrong_amplitude(tails):
    counts, total = tails
    for beyond in BEYOND:
        negative_control(lambda a, b=beyond: assert_proportion(counts[b].sum(), total, 2 * stats.norm.sf(b * a)))


@pytest.mark.slow
def test_the_largest_normal_uses_all_bits_of_its_radius():
    # 6.764 standard deviations at word 0; a 24-bit radius would end at 5.77
    pair = random._box_muller(jnp.zeros(1, jnp.uint32), jnp.zeros(1, jnp.uint32))
    assert float(jnp.max(jnp.abs(jnp.stack(pair)))) == pytest.approx(np.sqrt(-2 * np.log(2.0**-33)), rel=1e-6)
    words = jnp.concatenate([jnp.arange(4096, dtype=jnp.uint32), jnp.arange(4096, dtype=jnp.uint32) << 19])
    every = jnp.stack(random._box_muller(jnp.zeros_like(words), words))  # the farthest, at many angles
    assert random.LARGEST_NORMAL - 1e-3 < float(jnp.max(jnp.abs(every))) <= random.LARGEST_NORMAL


def memory_tick(key=None):
    return random.Tick(random.root(0) if key is None else key, jnp.uint32(3), 0, random.Memo())


KINDS = {"uniform": random.uniform, "normal": random.normal, "bits": random.bits}


@pytest.mark.parametrize("first", KINDS)
@pytest.mark.parametrize("second", KINDS)
def test_one_address_is_drawn_from_in_one_way(first, second):
    """A uniform and a normal of one tick are functions of the same words."""
    at = memory_tick()
    KINDS[first](at, random.entities(5))
    if first == second:
        KINDS[second](at, random.entities(5))
    else:
        with pytest.raises(InputError, match=rf"random.{second}: must not have the address of random.{first}"):
            KINDS[second](at, random.entities(5))
        with pytest.raises(InputError, match="must not have the address"):
            KINDS[second](at, random.Entities(4, 3))  # one neuron in common
    KINDS[second](at, random.Entities(5, 3))
    KINDS[second](at, random.shared())
    KINDS[second](random.channel(at, 1), random.entities(5))
    KINDS[second](dataclasses.replace(at, key=random.root(1)), random.entities(5))


def test_a_source_that_takes_a_uniform_and_a_normal_of_one_tick_is_refused_in_a_run():
    class Both(noise.CurrentNoise):
        def draw(self, state, context, key, dt):
            every = random.entities(context.value.shape[-1])
            return random.normal(key, every) + random.uniform(key, every), None

    cells = jn.Population(jn.neurons.LIF(3), noise={"both": Both(noise.PerStep(0.1))})
    with pytest.raises(InputError, match="both are made of the same words"):
        jn.simulate(jn.Simulation(jn.Network({"cells": cells}), duration=4.0, dt=1.0), key=0)


def test_uniforms_lie_in_the_open_interval_and_are_uniform():
    ends = random._unit(jnp.array([0, 0xFFFFFFFF], jnp.uint32))
    assert float(ends[0]) > 0
    assert float(ends[1]) < 1
    assert float(ends[0] + ends[1]) == 1
    u = np.asarray(random.uniforms(random.stream(KEY, "u"), (1_000_000,)), np.float64)
    assert_ks(u, stats.uniform.cdf)
    assert_mean(u, 0.5)
    negative_control(lambda amplitude: assert_ks(amplitude * u, stats.uniform.cdf))


def test_every_bit_of_the_words_is_fair():
    bits = np.unpackbits(words(400, 2000).view(np.uint8)).reshape(-1, 32)
    for column in bits.T:
        assert_proportion(column.sum(), len(column), 0.5)
    negative_control(lambda amplitude: assert_proportion(bits[:, 0].sum(), len(bits), 0.5 * amplitude))


NEIGHBOURS = {
    "steps of one block": lambda x: (x[::2], x[1::2]),
    "steps of neighbouring blocks": lambda x: (x[1:-1:2], x[2::2]),
    "neurons": lambda x: (x[:, :-1], x[:, 1:]),
    "neuron and step": lambda x: (x[:-1, :-1], x[1:, 1:]),
}


@pytest.mark.parametrize("which", sorted(NEIGHBOURS))
def test_neighbours_in_a_stream_are_uncorrelated(sample, which):
    first, second = (np.ravel(x) for x in NEIGHBOURS[which](sample[:500]))
    assert_uncorrelated(first, second)


def other_key(name):
    """The sample's counterpart at an address that differs in one thing."""
    root = random.root(20241)
    other = {"root keys": root, "trials": random.member(KEY, trial=1), "streams": random.stream(KEY, "y")}
    other |= {"devices": random.member(KEY, device=1), "bit of the key": KEY ^ jnp.array([0, 1], jnp.uint32)}
    return other[name]


@pytest.mark.parametrize("which", ["root keys", "trials", "streams", "devices", "bit of the key"])
def test_neighbouring_keys_give_uncorrelated_numbers(sample, which):
    blocks = jnp.arange(250, dtype=jnp.uint32)
    base = {"trials": random.member(KEY, trial=0), "streams": random.stream(KEY, "x")}.get(which, KEY)
    base = random.member(KEY, device=0) if which == "devices" else base
    first, second = (grid(k, blocks, ids(2000)) for k in (base, other_key(which)))
    assert_uncorrelated(np.ravel(first), np.ravel(second))


def test_channels_give_uncorrelated_numbers():
    at = random.tick(KEY, 0)
    draws = [np.asarray(random.normal(random.channel(at, c), ids(500_000))) for c in (0, 1, 15)]
    for first, second in [(0, 1), (1, 2), (0, 2)]:
        assert_uncorrelated(draws[first], draws[second])


def assert_uncorrelated(first, second):
    """Neither the numbers nor their squares (a shared radius would show there) know of each other."""
    first, second = np.asarray(first, np.float64), np.asarray(second, np.float64)
    assert_correlation(first, second, 0.0)
    assert_mean((first**2 - 1) * (second**2 - 1), 0.0)


def test_the_correlation_test_sees_a_fifth_of_a_number_shared(sample):
    x = sample[:100].ravel()
    with pytest.raises(Deviation):
        assert_uncorrelated(x, 0.2 * x + np.sqrt(0.96) * sample[100:200].ravel())


PINNED = {
    "root": ["00000001", "23456789"],
    "stream": ["4a8a4238", "a057cdde"],
    "member": ["837905a6", "89e441df"],
    "bits": ["bd93a5c4", "d0f52ff3", "3e2904aa"],
    "channel": ["ef82a66a", "903bb86e", "074e58d4"],
    "shared": ["0bb664a3"],
    "uniform": ["3f3d93a5", "3f50f52f", "3e78a414"],
}


@pytest.mark.parametrize("sampler", [random.normal, random.uniform])
def test_a_draw_of_one_element_has_the_bits_that_it_has_among_others(sampler):
    """Compilers treat one element by other instructions than several."""
    alone, among = (jax.jit(lambda key, n=n: sampler(random.tick(key, 0), random.entities(n))[0]) for n in (1, 40))
    keys = [random.member(random.root(3), trial=i) for i in range(200)]
    np.testing.assert_array_equal([alone(key) for key in keys], [among(key) for key in keys])
