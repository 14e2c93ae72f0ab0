"""`make docs-check`: every command of README and how-to pages, typed in order on a fresh clone."""
