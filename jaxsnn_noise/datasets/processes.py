"""The mismatch tables of three open processes, in the form of a user's own."""

from __future__ import annotations

import tomllib

from jaxsnn_noise.datasets import _files
from jaxsnn_noise.hardware import Process
from jaxsnn_noise.hardware.process import process_of


def processes() -> dict[str, Process]:
    """SKY130, GF180MCU and IHP SG13G2, by name; Apache-2.0.

    Example:
        >>> nfet = processes()["sky130"].transistor("nfet_01v8", corner="subvt_mismatch")
        >>> round(float(nfet.log_spread(1.0, 1.0, 300.0)), 2)
        0.22
    """
    stored = tomllib.loads(_files.content("processes").decode())
    return {name: process_of(f"processes: {name}", said, name) for name, said in stored.items()}
