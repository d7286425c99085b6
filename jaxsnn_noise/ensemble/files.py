"""Saving and loading: networks, simulations, grids and what else is a tree of this package; and labelled results."""

from __future__ import annotations

import json
import os
import warnings
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from jaxsnn_noise import _files
from jaxsnn_noise._checks import InputError, fail, path_of
from jaxsnn_noise.saving import read_tree, write_tree

if TYPE_CHECKING:
    import xarray

ZARR, NETCDF = ".zarr", ".nc"


def save(place: str | os.PathLike[str], what: Any) -> None:
    """Write something to a file, which is there whole or not at all.

    Args:
        place: A dataset goes to a folder ``*.zarr`` (Zarr 3) or a file ``*.nc`` (NetCDF 4); anything else to a file of any
            other name, ``*.jsnn`` say: a line of JSON (classes, static fields, shapes, versions, a checksum) and the bytes of all
            arrays.
        what: A network, a simulation, a grid, what training gave, a state of a run, any tree of modules, tuples, lists and dictionaries; or a
            dataset. What is there under this name is replaced.

    Raises:
        InputError: a dataset that is to go elsewhere, or a tree that is to go to ``*.zarr`` or ``*.nc``.
        StoreError: it could not be written; what was there is still there.
    """
    path = path_of("save", place)
    if _is_dataset(what):
        if path.suffix not in (ZARR, NETCDF):
            fail("save", f"puts a dataset into *{ZARR} or *{NETCDF}", str(place))
        with _files.draft(path) as draft:
            if path.suffix == ZARR:
                write_zarr(draft, what)
            else:
                storable(what).to_netcdf(draft, engine="netcdf4")
        return
    if path.suffix in (ZARR, NETCDF):
        fail("save", f"puts datasets alone into *{ZARR} and *{NETCDF}", type(what).__name__)
    write_tree(path, what)


def load(place: str | os.PathLike[str], *, own: Iterable[Any] = (), like: Any = None) -> Any:
    """Read what :func:`save` wrote. Nothing in a file is executed.

    Args:
        place: The file, or the folder ``*.zarr``.
        own: Your own classes and functions in a tree: ``load("net.jsnn", own=[MyNeuron])``.
        like: A tree of the same structure, from which everything but the values of arrays is taken: for a tree that holds
            functions without a name of their own, such as a lambda.

    Raises:
        InputError: there is no such file; it is damaged (checksum), of another format or a later version; its tree holds what
            the reader must give.
    """
    path = path_of("load", place)
    if path.suffix in (ZARR, NETCDF):
        return _dataset(path)
    return read_tree(path, own=own, like=like, makers={"dataset": _made})


def write_zarr(place: Path, dataset: xarray.Dataset, *, group: str | None = None) -> None:
    """Write a dataset to a folder, as Zarr 3 specifies it, with its metadata gathered besides: ``xarray.open_zarr`` warns without.

    They are no part of the specification yet, of which Zarr warns; readers that do not know them need not.
    """
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Consolidated metadata")
        storable(dataset).to_zarr(str(place), group=group, mode="w", zarr_format=3, consolidated=True)


def storable(dataset: xarray.Dataset) -> xarray.Dataset:
    """A dataset with texts and attributes in the forms that all formats have."""
    clean = dataset.drop_encoding()
    for name, variable in clean.variables.items():
        if variable.dtype.kind in "US":
            clean[name] = variable.astype(object)
        clean[name].attrs = {k: plain(v) for k, v in variable.attrs.items()}
    return clean.assign_attrs({k: plain(v) for k, v in dataset.attrs.items()})


def plain(value: Any) -> Any:
    """An attribute as a number, a text or a list of them; anything else as JSON."""
    if hasattr(value, "tolist"):
        value = value.tolist()
    if isinstance(value, (int, float, str)) and not isinstance(value, bool):
        return value
    numbers_or_texts = (
        [{type(one) for one in value} <= kinds for kinds in ({int, float}, {str})]
        if isinstance(value, (tuple, list))
        else []
    )
    return list(value) if any(numbers_or_texts) and value else json.dumps(value, default=str)


def read_zarr(place: Path, group: str | None = None) -> xarray.Dataset:
    """A dataset from a folder of Zarr, in memory."""
    import xarray

    with xarray.open_zarr(str(place), group=group, consolidated=False, chunks=None) as stored:
        return texts(stored.load())


def texts(dataset: xarray.Dataset) -> xarray.Dataset:
    """The dataset with texts as NumPy has had them always: what files give are objects, or strings that little else understands."""
    for name, variable in dataset.variables.items():
        if variable.dtype.kind == "T" or (
            variable.dtype.kind == "O" and all(isinstance(x, str) for x in variable.values.flat)
        ):
            dataset[name] = (variable.dims, np.array(variable.values.astype(object), dtype=str), variable.attrs)
    return dataset.drop_encoding()


def _made(parts: Any) -> xarray.Dataset:
    """A dataset of its variables, as a tree holds them."""
    import xarray

    all_ = {name: (dims, values, attrs) for name, (dims, values, attrs) in parts["variables"].items()}
    data = {name: one for name, one in all_.items() if name not in parts["coords"]}
    return xarray.Dataset(data, coords={name: all_[name] for name in parts["coords"]}, attrs=parts["attrs"])


def _is_dataset(what: Any) -> bool:
    return type(what).__module__.startswith("xarray.") and hasattr(what, "data_vars")


def _dataset(path: Path) -> xarray.Dataset:
    import xarray

    try:
        if path.suffix == ZARR:
            return read_zarr(path)
        with xarray.open_dataset(path, engine="netcdf4") as stored:
            return texts(stored.load())
    except Exception as error:  # the readers raise anything
        raise InputError(f"load: must be a dataset that can be read; got {str(path)!r} ({error})") from error
