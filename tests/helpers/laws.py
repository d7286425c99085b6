"""Laws as one compiled program per shape."""

from __future__ import annotations

from typing import Any

import equinox as eqx

from jaxsnn_noise import random
from jaxsnn_noise.laws import Law


@eqx.filter_jit
def apply(law: Law, nominal: Any, key: Any, groups: Any = None) -> Any:
    return law.apply(nominal, random.root(key), groups)


@eqx.filter_jit
def perturb(law: Law, nominal: Any, z: Any) -> Any:
    return law.perturb(nominal, z)
