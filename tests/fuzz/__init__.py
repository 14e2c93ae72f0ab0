"""Damaged files of every format that the project reads: `make fuzz`.

`seeds` makes small sound files, `mutations` damages them, `loaders` reads them, `worker` does so in
a process with limits, `campaign` counts what came of it.
"""
