"""`python -m tools.settings`: parameter files and reference page, from the settings classes."""
