"""Where numbers come from: versions of the software, the device, and the version of the random stream, as plain data.

Importing it loads no JAX; a device is looked for when it is asked for.
"""

from __future__ import annotations

import functools
import json
import os
import platform
import re
import sys
from collections.abc import Iterable
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

DISTRIBUTION = "jaxsnn_noise"
COMPUTING = ("jax", "jaxlib", "equinox", "optax", "numpy")
"""What a result is computed with, beside Python and this package."""
KEY_PACKAGES = (DISTRIBUTION, *COMPUTING, "scipy", "xarray", "zarr", "matplotlib")
"""What a study is computed, kept and shown with."""


def origin() -> dict[str, Any]:
    """The attributes that every result has: numbers and texts, which any file format can hold.

    Example:
        >>> sorted(origin())
        ['device', 'stream_version', 'versions']
    """
    from jaxsnn_noise import random

    return {
        "stream_version": random.STREAM_VERSION,
        "versions": json.dumps({"python": platform.python_version(), **versions()}),
        "device": device(),
    }


def now() -> str:
    """The time, in UTC to the second."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


@functools.cache
def version() -> str:
    """Version of this package, as its checkout says or as it is installed."""
    checkout = Path(__file__).resolve().parents[1] / "pyproject.toml"
    if checkout.is_file():  # an editable installation keeps the version of the day that it was made
        named = rf'^name = "{DISTRIBUTION}"\nversion = "([^"]+)"'
        if found := re.search(named, checkout.read_text(encoding="utf-8"), re.MULTILINE):
            return found.group(1)
    try:
        return metadata.version(DISTRIBUTION)
    except metadata.PackageNotFoundError:
        return "unknown"


def versions(names: Iterable[str] = (DISTRIBUTION, *COMPUTING)) -> dict[str, str]:
    """Version of each of the packages that is installed."""
    return {name: found for name in names if (found := _installed(name)) is not None}


def packages() -> dict[str, str]:
    """Name and version of every installed distribution, sorted."""
    found = {d.name: d.version for d in metadata.distributions() if d.name}
    return dict(sorted(found.items(), key=lambda item: item[0].lower()))


def device() -> str:
    """Platform and kind of the first device of JAX: ``cpu cpu``, ``gpu NVIDIA H100``."""
    import jax

    first = jax.local_devices()[0]
    return f"{first.platform} {first.device_kind}"


def jax_record() -> dict[str, Any] | None:
    """Backend, devices and settings of JAX, or ``None`` if the process does not use it."""
    jax = sys.modules.get("jax")
    if jax is None:
        return None
    devices: dict[str, int] = {}
    for one in jax.devices():
        devices[one.device_kind] = devices.get(one.device_kind, 0) + 1
    return {
        "version": jax.__version__,
        "backend": jax.default_backend(),
        "devices": [f"{count} x {kind}" if count > 1 else kind for kind, count in devices.items()],
        "x64": bool(jax.config.jax_enable_x64),
        "default_generator": str(jax.config.jax_default_prng_impl),
        "xla_flags": os.environ.get("XLA_FLAGS", ""),
    }


@functools.cache
def _installed(name: str) -> str | None:
    if name == DISTRIBUTION:
        return version()
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None
