"""How the documentation is built: ``python -m sphinx --fail-on-warning docs docs/_build/html``, without any network."""

from __future__ import annotations

import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE / "_ext")]


project = "jaxsnn_noise"
author = "The jaxsnn_noise developers"
copyright = author
version = release = "0.1.0"

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.napoleon",
    "mathml",
    "reference",
    "catalogue",
]
exclude_patterns = ["_build", "_ext"]
html_theme = "furo"
html_title = "jaxsnn_noise"
html_math_renderer = "mathml"
html_show_sourcelink = False
html_static_path = ["_static"]
html_css_files = ["house.css"]
pygments_style = "friendly"

myst_enable_extensions = ["dollarmath", "colon_fence", "fieldlist"]
myst_heading_anchors = 3

autodoc_inherit_docstrings = False  # a method that only fills in its family's protocol is explained there
autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_preserve_defaults = True
autodoc_type_aliases = {
    name: name for name in ("Key", "Leaf", "PerNeuron", "Scalar", "Values", "Weights", "Numbers", "ArrayLike")
}
autosummary_generate = False
napoleon_google_docstring = True
napoleon_numpy_docstring = False
napoleon_use_rtype = False
python_maximum_signature_line_length = 88
python_use_unqualified_type_names = True
default_role = "py:obj"
