"""A process that has everything imported and forks a child for each `kedro` command.

`python -m tests.faults.zygote` takes a job a line on standard input. It answers with the child's
process id when that starts, and with its exit status when it has ended. A child goes on as
`python -m kedro` would, up to the end of the interpreter: it can be killed, signalled and limited
as any process, but it starts at once instead of after seconds of imports. Unless its job says
otherwise, it leaves out the last thing that an interpreter does: to clear every module, which
takes a second of what all these imports made.
"""

from __future__ import annotations

import atexit
import gc
import os
import pkgutil
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from importlib import import_module
from itertools import chain

from tests.faults.deadly_moments import watch_renames
from tests.faults.job import Job

READY = "ready"

# What a run imports sooner or later. A name that is left out costs time, nothing else.
_PRELOADED = (
    "bdgf.settings",  # first: it sets what MLflow reads when it is imported
    *("kedro.framework.cli", "kedro.framework.session", "kedro.framework.project", "kedro.runner"),
    *("kedro_mlflow.framework.hooks", "kedro_mlflow.framework.cli.cli", "kedro_telemetry.plugin"),
    *("kedro_viz.integrations.kedro.hooks", "IPython", "git", "alembic.command", "tomli_w"),
    *("mlflow", "mlflow.data", "mlflow.sklearn", "mlflow.store.tracking.sqlalchemy_store"),
    *(
        "mlflow.store.tracking.sqlalchemy_workspace_store",
        "mlflow.tracing.export",
        "alembic.config",
    ),
    *("kedro_datasets.json", "kedro_datasets.pandas", "kedro_datasets.matplotlib"),
    *("h5netcdf.legacyapi", "xarray.backends.h5netcdf_", "scipy.ndimage", "scipy.optimize"),
    *("rasterio", "rioxarray", "matplotlib.pyplot", "matplotlib.backends.backend_agg"),
    *("safetensors.torch", "sqlalchemy.dialects.sqlite", "h5py._hl.dims", "rasterio.shutil"),
    *("mlflow.tracing.processor.otel", "opentelemetry.sdk.metrics.export"),
    *("kedro_viz.launchers.cli.main", "kedro_viz.integrations.kedro.run_hooks"),
    *("antlr4.LL1Analyzer", "omegaconf._impl", "fsspec.implementations.chained"),
)
_PACKAGES = ("bdgf.scenes", "bdgf.splits", "bdgf.preprocessing", "bdgf.datasets", "bdgf.framework")
"""Every module of them is imported; of stages with models, every module of the project."""
_OF_MODELS = (
    *("torch._dynamo", "lightning_fabric", "einops", "sklearn.ensemble", "sklearn.svm", "skops.io"),
    *("numba", "numba.core.runtime", "numba.cpython.unicode", "numba.np.arraymath"),
    *("numba.experimental.function_type", "numba.misc.quicksort", "numba.misc.mergesort"),
    *("PIL.JpegImagePlugin", "PIL.GifImagePlugin", "pyarrow.pandas_compat"),
    *("matplotlib.backends.backend_svg", "dask.distributed", "kedro_datasets.text"),
    *("cffi.api", "pycparser.c_parser", "torch.utils.serialization", "pandas.io.formats.csvs"),
)
_WITHOUT_MODELS = {"--pipeline=ingest", "--pipeline=prepare"}


def main() -> None:
    """Serves until standard input ends; in a child, runs its command and exits as it does."""
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)  # what is imported may print
    _preload((*_PRELOADED, *chain.from_iterable(map(_modules, _PACKAGES))))
    answers.write(f"{READY}\n")
    for line in sys.stdin:
        job = Job.from_json(line)
        if _WITHOUT_MODELS.isdisjoint(job.arguments):
            _preload((*_OF_MODELS, *_modules("bdgf")))
            _ready_numba()
        child = os.fork()
        if child == 0:
            answers.close()
            _become(job)
            return
        answers.write(f"{child}\n")
        _, status = os.waitpid(child, 0)
        answers.write(f"{status}\n")


def _modules(package: str) -> list[str]:
    found = pkgutil.walk_packages(import_module(package).__path__, f"{package}.")
    return [package, *(module.name for module in found if not module.name.endswith("__main__"))]


def _preload(names: tuple[str, ...]) -> None:
    for name in names:
        with suppress(ImportError):  # of an extra that is not installed
            import_module(name)
    threads = [thread.name for thread in threading.enumerate()]
    if len(threads) > 1:  # a forked child would lack them
        raise SystemExit(f"threads before the fork: {', '.join(threads)}")
    gc.freeze()  # the children shall not copy what they do not change


def _ready_numba() -> None:
    """What Numba does before it loads its first kernel, as long as a stage of ours."""
    from numba.core.registry import cpu_target

    cpu_target.typing_context.refresh()
    cpu_target.target_context.refresh()


def _become(job: Job) -> None:
    os.setsid()
    written = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
    for descriptor, path, flags in (
        (0, os.devnull, os.O_RDONLY),
        (1, job.stdout, written),
        (2, job.stderr, written),
    ):
        opened = os.open(path, flags, 0o644)
        os.dup2(opened, descriptor)
        os.close(opened)
    os.chdir(job.folder)
    job.limit()
    watch_renames(job)
    sys.argv = ["kedro", *job.arguments]
    from kedro.framework.cli import main as kedro

    if job.clears:
        kedro()
    else:
        _end_at_once(kedro)


def _end_at_once(command: Callable[[], None]) -> None:
    """Ends as the interpreter does, up to what its exit functions do; an error ends as ever."""
    code = 0
    try:
        command()
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        with suppress(BrokenPipeError):
            stream.flush()
    os._exit(code)


if __name__ == "__main__":
    main()
