"""The loop over steps: a scan over blocks of two steps, so that one call of the cipher serves both; odd ends stand alone."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

from jaxsnn_noise import random
from jaxsnn_noise._typing import Key, Values
from jaxsnn_noise.engine.addresses import Step
from jaxsnn_noise.engine.pinning import pinned_function
from jaxsnn_noise.opacity import opaque_zero

Flow = dict[str, Values]
Body = Callable[[Any, Step, Flow], tuple[Any, Any]]
Pin = Callable[[Callable[..., Any]], Callable[..., Any]]


class Stretch:
    """Consecutive steps: the block of the first one, which may be traced, its lane, and how many there are.

    Args:
        block: Block of the first step.
        lane: Its place in the block, 0 or 1: a part of the program.
        steps: Number of steps: a part of the program.
    """

    def __init__(self, block: Any, lane: int, steps: int):
        self.block, self.lane, self.steps = jnp.asarray(block, jnp.uint32), lane, steps

    @classmethod
    def between(cls, start: int, stop: int) -> Stretch:
        """The steps from ``start`` on, before ``stop``."""
        return cls(start // 2, start % 2, stop - start)

    def at(self, k: int) -> Step:
        """The address of the k-th step of the stretch."""
        return Step(self.block + jnp.uint32((self.lane + k) // 2), (self.lane + k) % 2)


def run_steps(
    body: Body, carry: Any, flow: Flow, stretch: Stretch, *, pin: Pin = lambda f: f, checkpoint: bool = False
) -> tuple[Any, Any]:
    """The body over a stretch of steps: what it carries at the end, and what it gave in each step.

    Args:
        body: ``(carry, step, flow of the step) -> (carry, output)``.
        carry: At the start.
        flow: From name to what flows in [time, ...], from the first step of the stretch on.
        stretch: Which steps.
        pin: Makes functions opaque to the compiler.
        checkpoint: Compute segments of blocks again in the backward pass instead of storing them.
    """
    alone = stretch.lane if stretch.steps else 0  # a first step in the second lane
    blocks, left = divmod(stretch.steps - alone, 2)
    block, pieces = stretch.block, []
    if alone:
        carry, out = pin(body)(carry, Step(block, 1), {k: v[0] for k, v in flow.items()})
        pieces.append(jax.tree.map(lambda x: x[None], out))
        block = block + jnp.uint32(1)
    if blocks:
        numbers = block + jnp.arange(blocks, dtype=jnp.uint32)
        paired = {k: v[alone : alone + 2 * blocks].reshape(-1, 2, *v.shape[1:]) for k, v in flow.items()}
        over = scan_in_segments if checkpoint else lax.scan
        carry, out = over(pin(two_steps(body)), carry, (numbers, paired))
        pieces.append(jax.tree.map(lambda x: x.reshape(-1, *x.shape[2:]), out))
        block = block + jnp.uint32(blocks)
    if left:
        carry, out = pin(body)(carry, Step(block, 0), {k: v[-1] for k, v in flow.items()})
        pieces.append(jax.tree.map(lambda x: x[None], out))
    return carry, jax.tree.map(lambda *xs: jnp.concatenate(xs), *pieces) if pieces else {}


def scan_in_segments(body: Callable[[Any, Any], tuple[Any, Any]], carry: Any, xs: Any) -> tuple[Any, Any]:
    """``lax.scan`` of n iterations whose backward pass holds what is carried into about sqrt(n) segments, and one segment at a time.

    Each segment is computed a second time when its turn comes (Chen et al. 2016, arXiv:1604.06174), so memory grows as sqrt(n) where
    that of ``lax.scan`` grows as n, for one more forward pass.
    """
    n = jax.tree.leaves(xs)[0].shape[0]
    length = segment_length(n)
    whole = n // length * length
    inner = functools.partial(lax.scan, body)
    split = jax.tree.map(lambda x: x[:whole].reshape(-1, length, *x.shape[1:]), xs)
    carry, out = lax.scan(jax.checkpoint(inner, prevent_cse=False), carry, split)
    out = jax.tree.map(lambda x: x.reshape(whole, *x.shape[2:]), out)
    if whole == n:
        return carry, out
    carry, last = jax.checkpoint(inner)(carry, jax.tree.map(lambda x: x[whole:], xs))
    return carry, jax.tree.map(lambda *parts: jnp.concatenate(parts), out, last)


def segment_length(n: int) -> int:
    """Iterations of a segment: about sqrt(n), a divisor of n where there is one up to twice as far off, so that none is left over."""
    root = max(1, math.isqrt(n))
    divisors = [k for k in range(max(1, root // 2), 2 * root + 1) if n % k == 0]
    return min(divisors, key=lambda k: abs(math.log(k / root)), default=root)


def two_steps(body: Body) -> Callable[[Any, Any], tuple[Any, Any]]:
    """The body of the scan: both lanes of a block, with their draws shared."""

    def block(carry: Any, xs: tuple[jax.Array, Flow]) -> tuple[Any, Any]:
        number, flow = xs
        memo, outs = random.Memo(), []
        for lane in (0, 1):
            carry, out = body(carry, Step(number, lane, memo), {k: v[lane] for k, v in flow.items()})
            outs.append(out)
        return carry, jax.tree.map(lambda *pair: jnp.stack(pair), *outs)

    return block


def pin_of(root: Key, pinned: bool) -> Pin:
    """What makes functions opaque to the compiler, or leaves them."""
    return functools.partial(pinned_function, zero=opaque_zero(root)) if pinned else lambda f: f
