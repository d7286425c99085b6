"""Trees of this package in a file, and back: networks, simulations, grids, results of training.

A file is one line of JSON, the header, and then the bytes of all leaves, one after the other, little-endian and in C order. The
header holds the format and its version, the tree (names of classes with their fields), shape and type of every leaf, the
versions of what wrote it, and a checksum of all that. Nothing in a file is ever executed: classes are those of this package,
or those that the reader gives.
"""

from __future__ import annotations

import dataclasses
import enum
import hashlib
import importlib
import json
import math
import os
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from jaxsnn_noise import _files, provenance
from jaxsnn_noise._checks import InputError, fail
from jaxsnn_noise._typing import is_key

FORMAT = "jaxsnn_noise tree"
VERSION = 1
PACKAGE = "jaxsnn_noise"
_HIDDEN = "<locals>", "<lambda>"


def write_tree(place: str | os.PathLike[str], tree: Any) -> None:
    """Write a tree to a file, which is there whole or not at all.

    Functions and other objects that are neither values nor classes count by their names: the reader gives them anew.

    Raises:
        StoreError: it could not be written; what was there before still is.
    """
    leaves: list[np.ndarray] = []
    header = {"tree": _told(tree, leaves), "leaves": [[list(leaf.shape), _called(leaf.dtype)] for leaf in leaves]}
    payload = b"".join(leaf.tobytes() for leaf in leaves)
    _files.write(Path(place), sealed(FORMAT, VERSION, type(tree).__name__, header, payload))


def read_tree(
    place: str | os.PathLike[str],
    *,
    own: Iterable[Any] = (),
    like: Any = None,
    makers: Mapping[str, Callable[[Any], Any]] | None = None,
) -> Any:
    """The tree in a file.

    Args:
        place: The file.
        own: Classes and functions from outside of this package that are in it.
        like: A tree of the same structure. Then nothing but the values of leaves is taken from the file; needed where a tree
            holds what has no name, such as a lambda.
        makers: What makes values that this module knows the parts of alone: ``"dataset"``.

    Raises:
        InputError: there is no such file; it is damaged, or of another kind; its tree holds what the reader must give.
    """
    header, payload = opened(Path(place), FORMAT, VERSION)
    try:
        leaves = _arrays(header["leaves"], payload)
        told = header["tree"]
        if like is not None:
            return _filled(like, told, leaves)
        known = {name_of(one): one for one in own}
        return _Builder(known, leaves, makers or {}).build(told, "")
    except InputError as error:
        raise InputError(f"load: {place}: {error}") from error
    except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
        fail("load", f"must be whole, but what is in it makes no tree ({error})", str(place))


def sealed(format_: str, version: int, kind: str, header: Mapping[str, Any], payload: bytes) -> bytes:
    """Header and payload as the content of a file, with a checksum of both."""
    said = {"format": format_, "version": version, "kind": kind, "versions": provenance.versions(), **header}
    text = json.dumps(said)
    return json.dumps({"checksum": _checksum(text, payload), **said}).encode() + b"\n" + payload


def opened(place: Path, format_: str, version: int) -> tuple[dict[str, Any], bytes]:
    """Header and payload of a file, whole and of this format.

    Raises:
        InputError: there is no such file; it is of another format, of a later version, or damaged.
    """
    try:
        content = place.expanduser().read_bytes()
    except OSError as error:
        raise InputError(
            f"load: must be a file that can be read; got {str(place)!r} ({_files.reason(error)})"
        ) from error
    line, _, payload = content.partition(b"\n")
    try:
        said = json.loads(line)
        checksum = said.pop("checksum")
        kind, found = said["format"], said["version"]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        fail("load", f"must be a file of the format {format_!r}, as save writes it, and whole", str(place))
    if kind != format_:
        fail("load", f"must be a file of the format {format_!r}", f"{kind!r} in {place}")
    if checksum != _checksum(json.dumps(said), payload):
        fail("load", "is damaged: its checksum does not fit what is in it", str(place))
    if found != version:
        rule = f"has version {found} of its format, and this package reads version {version}"
        fail("load", rule, str(place))
    return said, payload


def name_of(one: Any) -> str:
    """The name of a class or function: of this package the public one, as far as there is one."""
    module, name = getattr(one, "__module__", None) or "", getattr(one, "__qualname__", None) or type(one).__qualname__
    package = module.rsplit(".", 1)[0]
    inside = module.startswith(f"{PACKAGE}.") and package != PACKAGE
    if inside and getattr(importlib.import_module(package), name, None) is one:
        return f"{package}.{name}"
    return f"{module}.{name}" if module else name


def _checksum(header: str, payload: bytes) -> str:
    digest = hashlib.blake2b(header.encode(), digest_size=16)
    digest.update(payload)
    return digest.hexdigest()


def _told(value: Any, leaves: list[np.ndarray]) -> Any:
    """A value as JSON; its arrays go to the leaves."""
    if value is None or isinstance(value, (bool, str)) or type(value) is int:
        return value
    if type(value) is float:
        return value if math.isfinite(value) else {"float": str(value)}
    if isinstance(value, enum.Enum):
        return {"enum": name_of(type(value)), "name": value.name}
    if is_key(value):
        leaves.append(np.asarray(jax.random.key_data(value)))
        return {"key": len(leaves) - 1, "impl": str(jax.random.key_impl(value))}
    if isinstance(value, (jax.Array, np.ndarray, np.generic)) and np.asarray(value).dtype != object:
        leaves.append(_little(np.asarray(value)))
        return {"array": len(leaves) - 1, "of": "jax" if isinstance(value, jax.Array) else "numpy"}
    if hasattr(value, "data_vars"):
        variables = {k: [list(v.dims), _entries(v.values), dict(v.attrs)] for k, v in value.variables.items()}
        parts = {"variables": variables, "coords": list(value.coords), "attrs": dict(value.attrs)}
        return {"dataset": _told(parts, leaves)}
    if isinstance(value, Mapping):
        return {"dict": [[_told(k, leaves), _told(v, leaves)] for k, v in value.items()]}
    if isinstance(value, tuple) and type(value) is tuple:
        return {"tuple": [_told(v, leaves) for v in value]}
    if isinstance(value, list):
        return {"list": [_told(v, leaves) for v in value]}
    if isinstance(value, frozenset):
        return {"frozenset": [_told(v, leaves) for v in sorted(value)]}
    if isinstance(value, eqx.Module) or (dataclasses.is_dataclass(value) and not isinstance(value, type)):
        held = _kept(value)
        return {"class": name_of(type(held)), "fields": {k: _told(v, leaves) for k, v in vars(held).items()}}
    if isinstance(value, np.dtype):
        return {"dtype": value.name}
    if callable(value):
        return {"function": name_of(value)}
    return {"object": name_of(type(value))}


def _kept(value: Any) -> Any:
    """What of a module goes to a file: what its method ``saved`` gives, or all of it."""
    return value.saved() if hasattr(type(value), "saved") else value


def _entries(array: np.ndarray) -> np.ndarray:
    """An array whose texts are texts of NumPy, where they were objects."""
    texts = array.dtype == object and all(isinstance(one, str) for one in array.flat)
    return array.astype(str) if texts else array


def _called(dtype: np.dtype) -> str:
    """A type in NumPy's letters, or of those that NumPy has no letters for, such as bfloat16, the name."""
    return dtype.name if dtype.kind == "V" else dtype.str


def _little(array: np.ndarray) -> np.ndarray:
    return array.astype(array.dtype.newbyteorder("<")) if array.dtype.byteorder == ">" else array


def _arrays(said: Any, payload: bytes) -> list[np.ndarray]:
    arrays, at = [], 0
    for shape, name in said:
        dtype = np.dtype(name) if name[0] in "<|" else np.dtype(jnp.dtype(name))
        size = math.prod(shape)
        if any(n < 0 for n in shape) or at + size * dtype.itemsize > len(payload):
            fail("leaves", "must be as long as the header says", len(payload))
        arrays.append(np.frombuffer(payload, dtype, size, at).reshape(shape))
        at += size * dtype.itemsize
    if at != len(payload):
        fail("leaves", f"must be as long as the header says ({at} bytes)", len(payload))
    return arrays


class _Builder:
    """Makes the values that JSON tells of, with the classes of this package and those that the reader knows."""

    def __init__(self, known: Mapping[str, Any], leaves: list[np.ndarray], makers: Mapping[str, Callable[[Any], Any]]):
        self.known, self.leaves, self.makers = known, leaves, makers

    def build(self, told: Any, path: str) -> Any:
        """The value at a path."""
        if not isinstance(told, dict):
            return told
        kind = next(iter(told))
        make: dict[str, Callable[[], Any]] = {
            "float": lambda: float(told["float"]),
            "enum": lambda: self._named(told["enum"], path, enum.Enum)[told["name"]],
            "key": lambda: jax.random.wrap_key_data(jnp.asarray(self.leaves[told["key"]]), impl=told["impl"]),
            "array": lambda: self._array(told),
            "dict": lambda: {self.build(k, path): self.build(v, f"{path}.{k}") for k, v in told["dict"]},
            "tuple": lambda: tuple(self._all(told["tuple"], path)),
            "list": lambda: self._all(told["list"], path),
            "frozenset": lambda: frozenset(self._all(told["frozenset"], path)),
            "class": lambda: self._module(told, path),
            "dtype": lambda: np.dtype(told["dtype"]),
            "function": lambda: self._named(told["function"], path, None),
        }
        if kind in self.makers:
            return self.makers[kind](self.build(told[kind], path))
        if kind not in make:
            fail(
                path.strip(".") or "the tree", "holds what is not saved; give like=, a tree of the same structure", told
            )
        return make[kind]()

    def _all(self, told: list[Any], path: str) -> list[Any]:
        return [self.build(one, f"{path}.{i}") for i, one in enumerate(told)]

    def _array(self, told: Mapping[str, Any]) -> Any:
        leaf = self.leaves[told["array"]]
        if told["of"] == "jax":
            return jnp.asarray(leaf)
        return leaf.copy() if leaf.ndim else leaf[()]

    def _named(self, name: str, path: str, kind: type | None) -> Any:
        """The class or function of a name."""
        where = path.strip(".") or "the tree"
        if name in self.known:
            return self.known[name]
        found = _of_this_package(name)
        if found is None:
            rule = "holds something that the reader must give: own=[...] if it has a name, or like=, a tree of the same structure"
            fail(where, rule, name)
        fits = kind is None or (isinstance(found, type) and (kind is type or issubclass(found, kind)))
        if not fits:
            fail(where, "must name a class" if kind is type else f"must name a class of {kind}", name)
        return found

    def _module(self, told: Mapping[str, Any], path: str) -> Any:
        cls: Any = self._named(told["class"], path, type)
        if not hasattr(cls, "__dataclass_fields__"):
            fail(path.strip(".") or "the tree", "must name a class with fields", told["class"])
        names = {field.name for field in dataclasses.fields(cls)}
        if names != set(told["fields"]):
            fail(
                path.strip(".") or "the tree",
                f"must have the fields of {told['class']}, {sorted(names)}",
                sorted(told["fields"]),
            )
        made = object.__new__(cls)
        for name, field in told["fields"].items():
            object.__setattr__(made, name, self.build(field, f"{path}.{name}"))
        for base in reversed(cls.__mro__):
            if "__check_init__" in vars(base):
                vars(base)["__check_init__"](made)
        return made


def _of_this_package(name: str) -> Any:
    """The class or function that a name means, if it is one of this package."""
    if not name.startswith(f"{PACKAGE}.") or any(part in name for part in _HIDDEN):
        return None
    module, _, rest = name.rpartition(".")
    try:
        found = getattr(importlib.import_module(module), rest, None)
    except ImportError:
        return None
    return (
        found
        if isinstance(found, type) or (callable(found) and getattr(found, "__module__", "").startswith(PACKAGE))
        else None
    )


def _filled(like: Any, told: Any, leaves: list[np.ndarray]) -> Any:
    """``like`` with the leaves of the file; all that both tell must be the same."""
    ours: list[np.ndarray] = []
    if _told(like, ours) != told or [(a.shape, a.dtype) for a in ours] != [(a.shape, a.dtype) for a in leaves]:
        fail("like", "must have the structure of what is in the file", type(like).__name__)
    return _Refilled(leaves).fill(like)


class _Refilled:
    """Takes leaves in the order in which :func:`_told` meets them."""

    def __init__(self, leaves: list[np.ndarray]):
        self.leaves = iter(leaves)

    def fill(self, value: Any) -> Any:
        """The value with new leaves."""
        if is_key(value):
            return jax.random.wrap_key_data(jnp.asarray(next(self.leaves)), impl=jax.random.key_impl(value))
        if isinstance(value, jax.Array):
            return jnp.asarray(next(self.leaves))
        if isinstance(value, (np.ndarray, np.generic)) and np.asarray(value).dtype != object:
            return next(self.leaves)
        if hasattr(value, "data_vars"):
            return value.copy(data={k: self.fill(_entries(v.values)) for k, v in value.variables.items()})
        if isinstance(value, Mapping):
            return {k: self.fill(v) for k, v in value.items()}
        if type(value) in (tuple, list):
            return type(value)(self.fill(v) for v in value)
        if isinstance(value, eqx.Module) or (dataclasses.is_dataclass(value) and not isinstance(value, type)):
            value = _kept(value)
            made = object.__new__(type(value))
            for name, field in vars(value).items():
                object.__setattr__(made, name, self.fill(field))
            return made
        return value
