"""How `make docs` builds the site: Sphinx, MyST and furo."""

from __future__ import annotations

import sys
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[1]
# A checkout's own code, installed or not, and the extension beside this file.
sys.path[:0] = [str(PROJECT / "src"), str(PROJECT), str(PROJECT / "docs" / "_extensions")]

from bdgf import __version__  # noqa: E402

project = "bdgf"
author = "The bdgf authors"
release = version = __version__

extensions = [
    "click_help",
    "mathml",
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.doctest",
    "sphinx.ext.napoleon",
    "sphinx_copybutton",
]
# The pages of the project, without what a build or a run leaves beside them.
exclude_patterns = ["_build", "**/.*"]
myst_enable_extensions = ["colon_fence", "dollarmath", "fieldlist"]
myst_heading_anchors = 3  # pages link to headings as GitHub names them
# Fenced blocks without a language, and indented ones, are commands and their output.
highlight_language = "none"
suppress_warnings = ["misc.highlighting_failure"]  # YAML with an ellipsis in it
# What a page shows of Python is results; the log that a user sees beside them is left out.
doctest_global_setup = """
import logging
logging.getLogger("bdgf").setLevel(logging.WARNING)
"""

default_role = "code"  # what docstrings put between single backticks
autodoc_member_order = "bysource"
autodoc_typehints = "description"
autodoc_typehints_description_target = "documented"
napoleon_google_docstring = True
napoleon_numpy_docstring = False

copybutton_prompt_text = ">>> |... |$ "
copybutton_prompt_is_regexp = True

html_math_renderer = "mathml"
html_theme = "furo"
html_title = f"bdgf {version}"
html_static_path = ["_static"]
html_css_files = ["wide_tables.css"]
html_show_sourcelink = False
html_theme_options = {
    "light_css_variables": {"color-brand-primary": "#005a8c", "color-brand-content": "#005a8c"},
    "dark_css_variables": {"color-brand-primary": "#56b4e9", "color-brand-content": "#56b4e9"},
}
