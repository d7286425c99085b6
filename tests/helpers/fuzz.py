"""Values that nobody means, given to everything that is public: run as a program, without the type checks of the tests.

``python -m helpers.fuzz constructors``: every argument of every public class, one at a time, the others as its example has them;
``runs``, ``studies``, ``trainings``, ``reductions`` and ``closed_forms``: those of functions.
Whatever is given is refused by an ``InputError``, or it is taken for what it is: a leaf holds the number in single precision, in
its range. Prints what went wrong, one line each, and how many cases there were.
"""

from __future__ import annotations

import dataclasses
import functools
import inspect
import signal
import sys
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import jax
import jax.numpy as jnp
import ml_dtypes
import numpy as np
from beartype import BeartypeConf
from beartype.door import is_bearable

from helpers.discovery import example
from helpers.fuzz_functions import closed_forms, reductions, runs, studies, trainings
from helpers.surface import callables
from jaxsnn_noise import InputError, parameters

LIMIT = 20
"""Seconds that one call may take."""


class _Thing:
    """An object of no class that anybody knows."""

    def __repr__(self) -> str:
        return "<thing>"


VALUES: dict[str, Callable[[], Any]] = {
    "None": lambda: None,
    "True": lambda: True,
    "text": lambda: "20",
    "empty text": lambda: "",
    "nan": lambda: float("nan"),
    "inf": lambda: float("inf"),
    "negative": lambda: -1.0,
    "half": lambda: 0.5,
    "zero": lambda: 0,
    "huge": lambda: 1e300,
    "large count": lambda: 10**10,
    "complex": lambda: 1 + 2j,
    "list": lambda: [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0],
    "ragged": lambda: [[1.0], [1.0, 2.0]],
    "mapping": lambda: {"a": 1.0},
    "thing": _Thing,
    "function": lambda: abs,
    "masked": lambda: np.ma.masked_array([1.0, 2.0, 3.0], [True, False, False]),
    "texts": lambda: np.array(["a", "b", "c"]),
    "bfloat16": lambda: ml_dtypes.bfloat16(0.3),
    "big-endian": lambda: np.array([0.25, 0.5, 0.75], ">f8"),
    "date": lambda: np.array(["2020-01-01"], "datetime64[D]"),
}


NEVER = ("complex", "ragged", "thing", "date")
"""What no function takes for anything."""


OTHERS = {
    ("training.fit", "system", "function"), ("training.fit", "augment", "function"), ("training.fit", "callback", "function"),
    ("training.fit", "epochs", "large count"),
}  # fmt: skip
"""Not tried: what a function of the user raises is theirs, and a long training is one."""


GIVEN: dict[str, dict[str, Any]] = {
    "CurrentMode": {"leaves": {"network.cells.neuron.tau_mem": {"tau": -1.0}}, "width": 4.0, "length": 2.0},
    "FloorPlan": {"positions": [[0.0, 0.0], [1.0, 0.0], [2.0, 1.0]], "length": 2.0},
    "TabulatedMismatch": {"factors": {"network.cells.neuron.tau_mem": "tau"}, "table": {"tau": [17.0, 20.0, 24.0]}},
}
"""Arguments that an instance does not keep as they are given."""


@dataclasses.dataclass(frozen=True)
class Case:
    """One call: who, which argument, which value."""

    who: str
    argument: str
    value: str
    call: Callable[[Any], Any]
    of_class: bool = False


def constructors() -> Iterator[Case]:
    """Every argument of every public class of which there is an example."""
    for name, cls in sorted(callables().items()):
        if not inspect.isclass(cls) or inspect.isabstract(cls) or issubclass(cls, BaseException):
            continue
        try:
            made = example(cls)
        except Exception:
            continue
        kwargs = arguments_of(cls, made)
        for argument in kwargs:
            for value in VALUES:
                yield Case(name, argument, value, functools.partial(_made, cls, kwargs, argument), True)


def of_functions(calls: Callable[[], Iterator[tuple[str, Callable[..., Any], dict[str, Any]]]]) -> Iterator[Case]:
    """Every argument of functions with good arguments, which are tried first."""
    for name, function, good in calls():
        try:
            function(**good)
        except Exception as error:
            yield Case(name, "as it should be", "None", functools.partial(_raised, error))
            continue
        for argument in good:
            for value in VALUES:
                yield Case(
                    name, argument, value, functools.partial(_made, function, good, argument), inspect.isclass(function)
                )


def _raised(error: Exception, given: Any) -> None:
    raise error


def _made(cls: Any, kwargs: dict[str, Any], argument: str, given: Any) -> Any:
    return cls(**{**kwargs, argument: given})


def arguments_of(cls: type, made: Any) -> dict[str, Any]:
    """The arguments that a constructor takes, as an example holds them."""
    found = {}
    for name, parameter in inspect.signature(cls).parameters.items():
        if parameter.kind in (parameter.VAR_KEYWORD, parameter.VAR_POSITIONAL):
            continue
        if name in GIVEN.get(cls.__name__, {}):
            found[name] = GIVEN[cls.__name__][name]
        elif hasattr(made, name):
            found[name] = getattr(made, name)
        elif parameter.default is not parameter.empty:
            found[name] = parameter.default
        elif name == "sim" and hasattr(cls, "suite"):  # an axis that is made for a simulation has one
            found[name] = cls.suite()
    return found


def wrong(case: Case) -> str | None:
    """What is wrong with how a call ended; ``None``: nothing."""
    given = VALUES[case.value]()
    signal.alarm(LIMIT)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            made = case.call(given)
    except InputError as error:
        return None if str(error) and ":" in str(error) else f"an InputError without who: {error}"
    except _Late:
        return f"took more than {LIMIT} s"
    except BaseException as error:
        return f"{type(error).__name__}: {str(error).splitlines()[0][:100] if str(error) else ''}"
    finally:
        signal.alarm(0)
    return mistaken(case, given, made)


def mistaken(case: Case, given: Any, made: Any) -> str | None:
    """What was made of the value, if that is not the value."""
    if case.value in NEVER and (not case.of_class or not hasattr(made, case.argument)):
        return "taken"
    if not case.of_class or not hasattr(made, case.argument):
        return None
    held = getattr(made, case.argument)
    if isinstance(held, jax.Array) and jnp.issubdtype(held.dtype, jnp.number):
        if isinstance(given, bool) and case.who.endswith(".SpikeTrain"):  # rasters of truth values are rasters
            return None
        if given is None or isinstance(given, (bool, str)) or callable(given) or np.iscomplexobj(given):
            return f"taken as {np.asarray(held).reshape(-1)[:3]}"
        if isinstance(given, np.ma.MaskedArray):
            return "lost its mask"
        expected = np.asarray(given, np.float64)
        single = expected.astype(np.float32)
        if not np.array_equal(np.broadcast_to(single, held.shape), np.asarray(held, np.float32), equal_nan=True):
            return f"held as {np.asarray(held).reshape(-1)[:3]}"
        said = parameters.declarations(made).get(case.argument)
        if said is not None and not said.range.holds(np.asarray(held)):
            return f"out of its range, {said.range}: {np.asarray(held).reshape(-1)[:3]}"
        return None
    kinds: Callable[[Any], dict[str, Any]] = hints
    hint = kinds(type(made)).get(case.argument, Any)
    if not is_bearable(held, hint, conf=BeartypeConf(is_pep484_tower=True)):
        return f"held as {held!r}, which is no {hint}"[:120]
    same = held is given or (type(held) is type(given) and repr(held) == repr(given))
    if not same and not isinstance(given, (list, dict, np.ndarray)) and held is not None and given is not None:
        try:
            every = np.asarray(held) if isinstance(held, tuple) else held  # one number for all dimensions
            same = bool(np.all(every == given)) and isinstance(given, bool) == isinstance(held, (bool, np.bool_))
        except Exception:
            same = False
        return None if same else f"held as {held!r}"[:120]
    return None


@functools.cache
def hints(cls: Any) -> dict[str, Any]:
    """The types of the fields of a class, as far as they can be known while a program runs."""
    found = {}
    for base in reversed(cls.__mro__):
        for name, said in vars(base).get("__annotations__", {}).items():
            try:
                found[name] = eval(said, vars(sys.modules[base.__module__])) if isinstance(said, str) else said
            except Exception:
                found[name] = Any
    return found


class _Late(BaseException):
    """A call takes too long."""


def _late(*_: Any) -> None:
    raise _Late


def main(what: str) -> int:
    """Run all cases of a kind; the number of those that went wrong."""
    signal.signal(signal.SIGALRM, _late)
    kinds: dict[str, Callable[[], Iterator[Case]]] = {
        "constructors": constructors,
        **{
            f.__name__: functools.partial(of_functions, f) for f in (runs, studies, trainings, reductions, closed_forms)
        },
    }
    bad = total = 0
    for case in kinds[what]():
        if (case.who, case.argument, case.value) in OTHERS:
            continue
        total += 1
        if (reason := wrong(case)) is not None:
            bad += 1
            print(f"{case.who}({case.argument}={case.value}): {reason}")
    print(f"{bad} of {total} cases went wrong")
    return bad


if __name__ == "__main__":
    sys.exit(min(main(sys.argv[1]), 100))
