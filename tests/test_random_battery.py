"""A standard battery on the raw bits, in the orders in which simulations draw them: Dieharder, by R. G. Brown.

Slow. Dieharder is a program of its own, which most distributions carry (Debian: ``apt-get install dieharder``).
"""

from __future__ import annotations

import itertools
import shutil
import subprocess
import threading
from collections.abc import Callable, Iterator

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from helpers.statistical import FALSE_ALARM, Deviation
from jaxsnn_noise import random

KEY = random.root(77)
BATTERY = {  # number in Dieharder: its name there
    0: "diehard_birthdays",
    2: "diehard_rank_32x32",
    3: "diehard_rank_6x8",
    8: "diehard_count_1s_str",
    9: "diehard_count_1s_byt",
    10: "diehard_parking_lot",
    12: "diehard_3dsphere",
    13: "diehard_squeeze",
    15: "diehard_runs",
    16: "diehard_craps",
    100: "sts_monobit",
    101: "sts_runs",
    102: "sts_serial",
    202: "rgb_permutations",
    204: "rgb_kstest_test",
    205: "dab_bytedistrib",
    206: "dab_dct",
    208: "dab_filltree2",
    209: "dab_monobit2",
}


def cipher(key, first, second):
    return jnp.stack(random.threefry2x32(key, first, second))


def few_rounds(key, first, second):
    """The negative control: the cipher with two of its twenty rounds."""
    x, y = first + key[0], second + key[1]
    for turn in (13, 15):
        x = x + y
        y = ((y << turn) | (y >> (32 - turn))) ^ x
    return jnp.stack([x, y])


def population(block, words):
    """Step after step of 4096 neurons."""
    blocks = block * 128 + jnp.arange(128, dtype=jnp.uint32)
    return jax.vmap(lambda b: words(KEY, jnp.arange(4096, dtype=jnp.uint32), b))(blocks)


def neuron(block, words):
    """Step after step of one neuron."""
    blocks = block * (1 << 19) + jnp.arange(1 << 19, dtype=jnp.uint32)
    return words(KEY, jnp.uint32(3), blocks).T


def trials(block, words):
    """The first step of three neurons in trial after trial of a stream: neighbouring keys."""
    index = block * (1 << 17) + jnp.arange(1 << 17, dtype=jnp.uint32)
    keys = jax.vmap(lambda i: random.stream(random.member(KEY, trial=i), "noise"))(index)
    return jax.vmap(lambda k: words(k, jnp.arange(4, dtype=jnp.uint32), jnp.uint32(0)))(keys)


def chunks(order: Callable, words: Callable) -> Iterator[bytes]:
    """The stream in pieces of 4 MiB."""
    piece = jax.jit(lambda block: order(block, words))
    for block in itertools.count():
        yield np.asarray(piece(jnp.uint32(block))).tobytes()


def run_dieharder(test: int, stream: Iterator[bytes]) -> list[float]:
    """The p-values of one test of the battery on the stream, which goes on where the last test left it."""
    program = shutil.which("dieharder")
    if program is None:
        pytest.fail("this test needs the program dieharder on the PATH (Debian and Ubuntu: apt-get install dieharder)")
    command = [program, "-g", "200", "-d", str(test), "-D", "pvalues", "-c", ","]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        feeder = threading.Thread(target=_feed, args=(process.stdin, stream))
        feeder.start()
        output = process.stdout.read().decode()
        process.wait()
        feeder.join()
    p = [float(word) for line in output.splitlines() for word in line.split(",")[:1] if _is_number(word)]
    assert process.returncode == 0, output
    assert p, output
    return p


def _feed(pipe, stream):
    try:
        for piece in stream:
            pipe.write(piece)
    except (BrokenPipeError, ValueError):
        return  # the test has read enough
    finally:
        try:
            pipe.close()
        except BrokenPipeError:
            return


def _is_number(word: str) -> bool:
    try:
        float(word)
    except ValueError:
        return False
    return True


def judge(p_values: dict[str, list[float]]) -> None:
    """No p-value of the battery is smaller, or closer to one, than chance makes it."""
    flat = [(p, name) for name, ps in p_values.items() for p in ps]
    share = FALSE_ALARM / len(flat) / 2
    bad = [(name, p) for p, name in flat if not share <= p <= 1 - share]
    if bad:
        raise Deviation(f"{bad} of {len(flat)} p-values")


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("order", [population, neuron, trials], ids=lambda f: f.__name__)
def test_the_battery_finds_nothing(order):
    stream = chunks(order, cipher)
    judge({name: run_dieharder(number, stream) for number, name in BATTERY.items()})


@pytest.mark.slow
@pytest.mark.parametrize("order", [population, neuron], ids=lambda f: f.__name__)
def test_the_battery_finds_a_weak_cipher(order):
    stream = chunks(order, few_rounds)
    few = {number: BATTERY[number] for number in (0, 100, 102, 205)}
    with pytest.raises(Deviation):
        judge({name: run_dieharder(number, stream) for number, name in few.items()})
