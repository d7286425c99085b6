"""Parameters declare themselves: the unit and the range of a leaf stand at its field, once.

What checks values, reports them, labels sweeps of them, keeps them in range while they are trained or lists them in the
reference reads them there. Ranges and units may be functions of what holds the leaf: the unit of a weight is that of its
kinetics, the unit of an amplitude that of the seam of its source.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Iterator
from typing import Any, ClassVar, cast, dataclass_transform

import equinox as eqx
import jax
import jax.numpy as jnp

from jaxsnn_noise import paths
from jaxsnn_noise._checks import concrete, fail, real_numbers
from jaxsnn_noise._typing import Values
from jaxsnn_noise.kinds import check_fields
from jaxsnn_noise.ranges import Range, above, below, between, fraction, nonnegative, positive, real

__all__ = [
    "Part",
    "Range",
    "Ranged",
    "Resolved",
    "above",
    "below",
    "between",
    "check_tree",
    "declaration",
    "declarations",
    "fraction",
    "nonnegative",
    "parameter",
    "positive",
    "real",
    "variable",
]

_KEY = "declaration"


Unit = str | Callable[..., str | None]
Of = Callable[..., Range]


@dataclasses.dataclass(frozen=True)
class Declaration:
    """What a field says of its leaf; see :func:`parameter`."""

    unit: Unit
    range: Range | Of
    shape: tuple[()] | None
    absent: bool
    optional: bool
    along: str | None = None


@dataclasses.dataclass(frozen=True)
class Resolved:
    """The declaration of one leaf, where it stands.

    Attributes:
        unit: Its unit; ``None`` where that depends on what holds it, and nothing does.
        range: Its range.
        absent: Whether an element that is exactly 0 is one that is not there.
    """

    unit: str | None
    range: Range
    absent: bool = dataclasses.field(default=False, kw_only=True)


def parameter(
    unit: Unit,
    range: Range | Of,
    *,
    default: Any = dataclasses.MISSING,
    shape: tuple[()] | None = (),
    absent: bool = False,
    converter: Callable[[Any], Any] | None = None,
    kw_only: bool = False,
) -> Any:
    """A field that holds a parameter: a float32 array leaf with a unit and a range.

    ``tau: Leaf = parameter("ms", positive)``. In a neuron every parameter is one number or one per neuron, held as [neuron].

    Args:
        unit: Its unit, ``"1"`` for a pure number; or a function of its owners, the module itself first and then what holds
            that, outwards: ``lambda self, *outer: self.kinetics.weight_units``. ``None`` from it: not known without an owner.
            The first sentence of its docstring stands for the unit in the reference; so does that of a range.
        range: :data:`real`, :data:`positive`, :data:`nonnegative`, :data:`fraction`, :func:`between`, :func:`above`, ...; or a
            function of the owners to one.
        default: Its default; ``None`` makes it optional: without it there is no such leaf.
        shape: ``()``: one number. ``None``: an array of any shape, which the class checks by itself.
        absent: Whether an element that is exactly 0 is not there (a synapse). Training leaves it so where the range is >= 0.
        converter: Makes the leaf of what is given; float32 unless it says otherwise.
        kw_only: Whether it is given by name only.
    """
    optional = default is None
    said = Declaration(unit, range, shape, absent, optional)
    options = {} if default is dataclasses.MISSING else {"default": default}
    convert = _Leaf(converter, optional)
    return eqx.field(converter=convert, metadata={_KEY: said}, kw_only=kw_only, **options)


def variable(unit: Unit, along: str | None = "neuron", *, range: Range | None = None) -> Any:
    """A field of a state: an array that changes while the network runs. Recorded, never given.

    Args:
        unit: Its unit, or a function of the state and its owners to one.
        along: What its entries belong to; of the state of a projection ``"source"``, ``"target"`` or ``"synapse"``;
            ``None`` for what is no list of entries and cannot be recorded.
        range: In which an initial value has to lie; ``None``: anywhere.
    """
    within = Range(finite=False) if range is None else range
    return eqx.field(metadata={_KEY: Declaration(unit, within, None, False, True, along)})


class _Leaf:
    """Makes a float32 array of what is given; knows the name of its field once the class is made."""

    def __init__(self, converter: Callable[[Any], Any] | None, optional: bool):
        self.converter, self.optional, self.who = converter, optional, "parameter"

    def __call__(self, value: Any) -> Any:
        if value is None and self.optional:
            return None
        return as_parameter(self.who, value) if self.converter is None else self.converter(value)


def as_parameter(who: str, value: Any) -> Values:
    """Numbers as a float32 array, whatever their dtype and weak type.

    Raises:
        InputError: texts, truth values, complex numbers, masked entries, or nothing.
    """
    if isinstance(value, jax.ShapeDtypeStruct):
        return cast("Values", value)
    real_numbers(who, value)
    try:
        return jnp.asarray(value, jnp.float32)
    except (TypeError, ValueError):
        fail(who, "must be real numbers", value)


@dataclass_transform(field_specifiers=(dataclasses.field, eqx.field, parameter))
class Ranged(eqx.Module):
    """Abstract: a module whose fields are of the kinds that they say, and its parameters in their ranges, when it is made."""

    per_neuron: ClassVar[bool] = False
    """Whether its parameters are held as [neuron]."""

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        if "__check_init__" in vars(cls):  # Equinox asks the class itself first, which may rely on what its fields are
            cls.__check_init__ = _form_first(vars(cls)["__check_init__"])  # type: ignore[assignment,method-assign]
        for name, field in vars(cls).items():
            if isinstance(field, dataclasses.Field) and isinstance(field.metadata.get("converter"), _Leaf):
                field.metadata["converter"].who = f"{cls.__name__}.{name}"

    def __check_init__(self) -> None:
        _check_form(self)
        check_part(type(self).__name__, self)


def _check_form(module: Any) -> None:
    """Fields are of the kinds that they say, and parameters that are one number are one."""
    who = type(module).__name__
    check_fields(who, module)
    for name, said in fields_of(type(module)):
        leaf = getattr(module, name)
        if leaf is not None and said.shape == () and not module.per_neuron and jnp.ndim(leaf):
            fail(f"{who}.{name}", "must be one number", leaf)


def _form_first(check: Callable[[Any], None]) -> Callable[[Any], None]:
    @functools.wraps(check)
    def both(self: Any) -> None:
        _check_form(self)
        check(self)

    return both


class Part(Ranged):
    """Abstract: one that can also say by itself whether its fields fit each other."""

    def check(self, who: str, *outer: Any) -> None:
        """Raise :class:`InputError` for a parameter outside its range, or fields that do not fit each other.

        Args:
            who: What the part is called.
            *outer: What holds it, from the nearest outwards; units may depend on that.
        """
        check_tree(who, self, *outer)

    def check_together(self, who: str) -> None:
        """Raise :class:`InputError` for fields that do not fit each other; each lies in its range already."""


def fields_of(cls: type) -> tuple[tuple[str, Declaration], ...]:
    """The declared fields of a class in their order, those first whose range stands by itself."""
    if cls not in _FIELDS:
        fields = dataclasses.fields(cls) if dataclasses.is_dataclass(cls) else ()
        declared = [(f.name, f.metadata[_KEY]) for f in fields if _KEY in f.metadata]
        _FIELDS[cls] = tuple(sorted(declared, key=lambda field: callable(field[1].range)))
    return _FIELDS[cls]


_FIELDS: dict[type, tuple[tuple[str, Declaration], ...]] = {}


def check_part(who: str, part: Any, *outer: Any) -> None:
    """The ranges of a module's own parameters, and then what it says of them together.

    Raises:
        InputError: who (with the field), the rule with its unit, the value.
    """
    check_fields(who, part)  # once more: what edits a tree may put anything there
    for name, said in fields_of(type(part)):
        held = getattr(part, name)
        for leaf in (held,) if eqx.is_array(held) else jax.tree.leaves(held):
            array = None if isinstance(leaf, jax.core.Tracer) else concrete(leaf)
            within = _range(said, part, *outer)
            if array is not None and not within.holds(array):
                fail(f"{who}.{name}", within.asked(_unit(said, part, *outer)), leaf)
    if isinstance(part, Part):
        part.check_together(who)


def check_tree(who: str, tree: Any, *outer: Any) -> None:
    """:func:`check_part` of every module in a tree; ``who`` is the name of its root, which may be empty."""
    for path, node, owners in _nodes(tree, "", outer):
        if isinstance(node, Ranged):
            check_part(_joined(who, path), node, *owners)


def declarations(tree: Any) -> dict[str, Resolved]:
    """From the dotted path of every declared leaf of a tree to what is said of it."""
    found = {}
    for path, node, owners in _nodes(tree, "", ()):
        for name, said in fields_of(type(node)):
            for leaf in paths.leaves(getattr(node, name)):  # one of the empty path where the field is an array
                found[_joined(_joined(path, name), leaf)] = _resolved(said, node, *owners)
    return found


def declaration(tree: Any, path: str) -> Resolved | None:
    """What is said of the leaf at a dotted path; ``None`` where nothing is."""
    owners: tuple[Any, ...] = ()
    node, names = tree, path.split(".")
    for name in names[:-1]:
        owners, node = (node, *owners), paths.children(node)[name][1]
    said = dict(fields_of(type(node))).get(names[-1])
    return None if said is None else _resolved(said, node, *owners)


def undeclared(tree: Any) -> list[str]:
    """The paths of array leaves of which nothing is said."""
    known = declarations(tree)
    return [path for path in paths.leaves(tree) if path not in known]


def _resolved(said: Declaration, *owners: Any) -> Resolved:
    return Resolved(_unit(said, *owners), _range(said, *owners), absent=said.absent)


def _unit(said: Declaration, *owners: Any) -> str | None:
    return said.unit if isinstance(said.unit, str) else said.unit(*owners)


def _range(said: Declaration, *owners: Any) -> Range:
    return said.range if isinstance(said.range, Range) else said.range(*owners)


def _nodes(node: Any, path: str, outer: tuple[Any, ...]) -> Iterator[tuple[str, Any, tuple[Any, ...]]]:
    """All modules of a tree with their paths and their owners, from the nearest outwards (dictionaries are none)."""
    inside = outer
    if isinstance(node, eqx.Module):
        yield path, node, outer
        inside = (node, *outer)
    for name, (_, child) in paths.children(node).items():
        if not eqx.is_array(child):
            yield from _nodes(child, _joined(path, name), inside)


def _joined(path: str, name: str) -> str:
    return f"{path}.{name}" if path and name else path or name


def __dir__() -> list[str]:
    return __all__
