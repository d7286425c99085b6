"""Strict settings for every test; they must stand before the package is imported for the first time."""

from __future__ import annotations

import sys
from pathlib import Path

import jax
from jaxtyping import install_import_hook

# `from helpers.statistical import ...`; appended, so that tests/statistics never hides the standard library's
sys.path.append(str(Path(__file__).parent))
import helpers.typecheck

jax.config.update("jax_numpy_rank_promotion", "raise")  # [n] + [m, n] is an accident here, never a wish
jax.config.update("jax_numpy_dtype_promotion", "strict")  # nothing silently becomes float64 or int
# shapes and dtypes of every call, in tests only: it costs 40 us a call
install_import_hook("jaxsnn_noise", f"{helpers.typecheck.__name__}.checked")
