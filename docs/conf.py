"""Settings of Sphinx: python -P -m sphinx -W -b html docs docs/_build/html (with fastconv installed)."""

import sys
from pathlib import Path

from fastconv._version import __version__

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parent / "_ext")]  # the package pictures; the extensions

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
    "sphinx_gallery.gen_gallery",
    "directives",
    "picture",
]
exclude_patterns = ["_build", "_ext", "gallery", "generated/gallery/**/*.ipynb", "generated/gallery/**/*.py"]
suppress_warnings = [
    "config.cache",  # the settings of the gallery hold classes
]
default_role = "code"
myst_heading_anchors = 3

autodoc_default_options = {"members": True, "imported-members": True}
autodoc_member_order = "bysource"
autodoc_typehints = "none"
autosummary_generate = False  # the extension `api` writes the pages
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

sphinx_gallery_conf = {
    "examples_dirs": "gallery",
    "gallery_dirs": "generated/gallery",
    "filename_pattern": r"\.py$",
    "within_subsection_order": "FileNameSortKey",
    "abort_on_example_error": True,
    "image_scrapers": ("pictures.gallery.figures_of_visualize", "matplotlib"),
    "reset_modules": "pictures.gallery.same_start",
    "download_all_examples": False,
    "show_memory": False,
    "show_signature": False,
    "min_reported_time": 1e6,
    "write_computation_times": False,
    "copyfile_regex": "",
}

html_theme = "pydata_sphinx_theme"
html_title = "fastconv"
html_show_sourcelink = False
html_copy_source = False
html_static_path = ["_static"]
html_css_files = ["style.css"]
html_sidebars = {"index": [], "performance": []}
html_theme_options = {
    "navigation_with_keys": False,
    "secondary_sidebar_items": ["page-toc"],
    "collapse_navigation": True,
    "navigation_depth": 3,
    "show_nav_level": 1,
    "footer_start": ["copyright"],
    "footer_end": [],
    "show_prev_next": True,
}
