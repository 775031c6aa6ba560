"""Settings of Sphinx: python -P -m sphinx -W -b html docs docs/_build/html (with fastconv installed)."""

from fastconv._version import __version__

project = "fastconv"
author = "The fastconv developers"
copyright = f"2026, {author}"
version = release = __version__

extensions = [
    "myst_parser",
    "numpydoc",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.doctest",
    "sphinx.ext.viewcode",
]
exclude_patterns = ["_build"]
default_role = "code"

autodoc_default_options = {"members": True, "imported-members": True}
autodoc_member_order = "bysource"
autodoc_typehints = "none"
numpydoc_show_class_members = False

# Each page starts with the same numbers.
doctest_test_doctest_blocks = ""  # the examples of docstrings are run by tests/test_docstrings.py
doctest_global_setup = """
import numpy as np
import fastconv
import fastconv as keras
keras.utils.set_random_seed(0)
"""
doctest_global_cleanup = """
keras.config.set_num_threads(None)
"""

html_theme = "pydata_sphinx_theme"
html_title = "fastconv"
html_show_sourcelink = False
html_theme_options = {"navigation_with_keys": False, "secondary_sidebar_items": ["page-toc"]}
