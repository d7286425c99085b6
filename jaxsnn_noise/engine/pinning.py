"""Products that the compiler cannot fuse: the same bits of every voltage in every program.

Two programs that compute the same formula may fuse ``a * b + c`` into one rounding or leave two, depending on what stands
around it. A pinned function evaluates its jaxpr with every floating product made opaque: bit-cast to an integer, combined by
exclusive or with a zero that is known only at run time, and cast back. Its derivative is the identity.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jax.extend.core import ClosedJaxpr, Jaxpr, Literal

from jaxsnn_noise.opacity import opaque

_PRODUCTS = {"mul", "dot_general", "div", "integer_pow"}
_CALLS = {"pjit", "jit", "closed_call", "custom_jvp_call", "custom_vjp_call"}


def pinned_function(function: Callable[..., Any], *, zero: jax.Array) -> Callable[..., Any]:
    """``function`` with every float32 product, and every result, opaque to the compiler."""

    def pinned(*args: Any) -> Any:
        closed, shape = jax.make_jaxpr(function, return_shape=True)(*args)
        outs = _evaluate(closed.jaxpr, closed.consts, jax.tree.leaves(args), zero)
        return jax.tree.unflatten(jax.tree.structure(shape), [opaque(jnp.asarray(o), zero) for o in outs])

    return pinned


def pinned_tree(function: Callable[..., Any], *args: Any, zero: jax.Array) -> Callable[..., Any]:
    """``function`` of ``args`` (trees with static parts and leaves that are no arrays) and of further arrays, pinned."""
    arrays, static = eqx.partition(args, eqx.is_array)
    rest: list[Any] = []

    def of_arrays(arrays: Any, *further: Any) -> Any:
        result = function(*eqx.combine(arrays, static), *further)
        kept, others = eqx.partition(result, eqx.is_array)
        rest.append(others)
        return kept

    def pinned(*further: Any) -> Any:
        kept = pinned_function(of_arrays, zero=zero)(arrays, *further)
        return eqx.combine(kept, rest.pop())

    return pinned


def _evaluate(jaxpr: Jaxpr, consts: Any, args: list[Any], zero: jax.Array) -> list[Any]:
    known: dict[Any, Any] = dict(zip([*jaxpr.constvars, *jaxpr.invars], [*consts, *args], strict=True))
    for eqn in jaxpr.eqns:
        inner = eqn.params.get("jaxpr") if eqn.primitive.name in {"pjit", "jit", "closed_call"} else None
        if isinstance(inner, ClosedJaxpr):
            values = [v.val if isinstance(v, Literal) else known[v] for v in eqn.invars]
            outs = _evaluate(inner.jaxpr, inner.consts, values, zero)
        else:
            invars = list(dict.fromkeys(v for v in eqn.invars if not isinstance(v, Literal)))
            single = jaxpr.replace(constvars=[], invars=invars, outvars=eqn.outvars, eqns=[eqn])
            outs = jax.core.eval_jaxpr(single, [], *(known[v] for v in invars))
        if eqn.primitive.name in _PRODUCTS:
            outs = [opaque(jnp.asarray(o), zero) for o in outs]
        known |= dict(zip(eqn.outvars, outs, strict=True))
    return [v.val if isinstance(v, Literal) else known[v] for v in jaxpr.outvars]
