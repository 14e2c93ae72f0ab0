"""The program `bdgf`, also `python -m bdgf`: maps and checks scenes without a Kedro project.

Inside a project, `python -m bdgf run`, or only its options, is the same as `kedro run`.
"""

from __future__ import annotations

import json
import logging
import shutil
from pathlib import Path
from typing import Any

import click

from bdgf import __version__
from bdgf.framework.endings import accounted_ending, end_at_once
from bdgf.framework.one_line import one_line

GOES_ON = "the same command resumes; finished blocks are kept"
BEGINS_ANEW = "nothing was written; run the same command to start again"
_WORKING = ".working"
"""Subfolder of the results with the blocks of an unfinished map."""
_OF_THE_PROGRAM = ("--version", "-h", "--help")
_PATCH = 11
"""Side in pixels of the patch used to compute leakage: the classifier's default."""


class RunByDefault(click.Group):
    """Treats options without a command as options of `run`, as Kedro expects of a package."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Puts `run` before the options of a run."""
        if args and args[0].startswith("-") and args[0] not in _OF_THE_PROGRAM:
            args = ["run", *args]
        return super().parse_args(ctx, args)


@click.group(
    cls=RunByDefault,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Inside a project, use Kedro's commands for everything else: kedro run --help",
)
@click.version_option(__version__, prog_name="bdgf")
def main() -> None:
    """Maps an image with a trained model and checks scenes, without a Kedro project."""


@main.command()
@click.argument("model", type=click.Path(path_type=Path))
@click.argument("image", type=click.Path(path_type=Path))
@click.argument("out", type=click.Path(file_okay=False, path_type=Path))
@click.option("--hide", default="", help="Modalities to hide, separated by commas.")
@click.option("--fast", is_flag=True, help="Map with the model's fast network.")
@click.option("--memory", default=2.0, show_default=True, help="Memory of a block in GiB.")
def predict(model: Path, image: Path, out: Path, hide: str, fast: bool, memory: float) -> None:
    """Maps IMAGE with MODEL and writes the maps to the folder OUT.

    MODEL is a folder with `map_model.json`. IMAGE is a YAML file that describes a scene, like
    those in `conf/base/parameters_scenes/`, with its files in the same folder. The results are
    class_map.tif and uncertainty_map.tif (Cloud-Optimized GeoTIFFs), class_map.png, and
    metrics.json if the image has labels of the model's classes.
    """
    _log_to_screen()
    with accounted_ending(GOES_ON), one_line():
        from bdgf.inference.map_model import load_map_model
        from bdgf.raster.cog import write_cog

        nodes = _nodes()
        loaded = load_map_model(model)
        name, configuration, ingest = _scene(image)
        _made(out)
        mapped = nodes.map_target(
            loaded,
            name,
            configuration,
            ingest,
            {"memory_gib": memory},
            {"hide": [part.strip() for part in hide.split(",") if part.strip()], "fast": fast},
            {},
            {"folder": str(out / _WORKING)},
            "local",
        )
        classes, uncertainty, look = nodes.draw_target_maps(mapped)
        for file, rows in (("class_map.tif", classes), ("uncertainty_map.tif", uncertainty)):
            write_cog(out / file, rows.form, rows.rows())
        with _whole(out / "class_map.png") as partial:
            look.savefig(partial, format="png")
        made = ["class_map.tif", "uncertainty_map.tif", "class_map.png"]
        if mapped.labelled is not None:
            metrics, _, _ = nodes.score_target(mapped, {})
            with _whole(out / "metrics.json") as partial:
                partial.write_text(json.dumps(metrics, indent=1) + "\n", encoding="utf-8")
            made.append("metrics.json")
            oa, aa = (100 * metrics[f"{kind}_accuracy"] for kind in ("overall", "average"))
            tested = metrics["split"]["test"]
            click.echo(f"{name}: OA {oa:.2f} %, AA {aa:.2f} % on {tested:,} labelled pixels")
        shutil.rmtree(out / _WORKING, ignore_errors=True)
        click.echo(f"written: {', '.join(made)} in {out}")
    end_at_once()


@main.group()
def scene() -> None:
    """Checks a scene described by a YAML file, or lists such files."""


@scene.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder for the quick look and the report as text and JSON.",
)
def check(file: Path, out: Path | None) -> None:
    """Reads the scene of FILE and reports its contents and its problems."""
    _log_to_screen()
    with accounted_ending(BEGINS_ANEW), one_line():
        from bdgf.evaluation.scene_check.check import check_scene_files
        from bdgf.framework.scene_tables import report_tables, show, write_report
        from bdgf.scenes.ingest.read_scene import IngestSettings
        from bdgf.splits.settings import SplitSettings

        name, configuration, ingest = _scene(file)
        settings = IngestSettings.model_validate(ingest)
        found, report = check_scene_files(name, configuration, settings, SplitSettings(), 0, _PATCH)
        if out is not None:
            _made(out)
            write_report(found, report, out)
        show(*report_tables(report))
        if out is not None:
            click.echo(f"written: report.txt, report.json and quick_look.png in {out}")
    end_at_once()


@scene.command("list")
@click.argument("folder", default=".", type=click.Path(file_okay=False, path_type=Path))
def list_scenes(folder: Path) -> None:
    """Lists the YAML files in FOLDER that describe a scene."""
    from bdgf.core.errors import SettingsError
    from bdgf.scenes.ingest.scene_file import described_scene

    with one_line():
        found = 0
        for path in sorted([*folder.glob("*.yml"), *folder.glob("*.yaml")]):
            try:
                name, told = described_scene(path)
            except SettingsError:
                continue
            if "modalities" in told or "fabricate" in told:
                found += 1
                click.echo(f"{name}: {told.get('title') or 'no title'} ({path})")
        if not found:
            raise SettingsError(
                f"{folder} holds no YAML file that describes a scene; name another folder"
            )


@main.command(
    context_settings={"ignore_unknown_options": True, "help_option_names": []},
    add_help_option=False,
)
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def run(arguments: tuple[str, ...]) -> None:
    """Runs a pipeline of the project in the working directory, like `kedro run`."""
    from kedro.framework.startup import bootstrap_project
    from kedro.utils import find_kedro_project

    project = find_kedro_project(Path.cwd())
    with one_line():
        if project is None:
            from bdgf.core.errors import SettingsError

            raise SettingsError(
                f"{Path.cwd()} lies in no Kedro project, and pipelines need one; change to a clone "
                "of the project, or map an image without one: bdgf predict --help"
            )
        bootstrap_project(project)
    from bdgf.framework.cli import run as kedro_run

    kedro_run.main(args=list(arguments), prog_name="bdgf run")


def _scene(file: Path) -> tuple[str, dict[str, Any], dict[str, Any]]:
    # Name, configuration and the group `ingest`: files are in the scene's folder or next to FILE.
    from bdgf.scenes.ingest.scene_file import described_scene

    name, told = described_scene(file)
    beside = file.absolute().parent
    if "fabricate" not in told:
        folder = told.get("folder") or (name if (beside / name).is_dir() else ".")
        told = {**told, "folder": folder}
    return name, told, {"folders": [str(beside)]}


def _made(folder: Path) -> None:
    from bdgf.core.storage import writing

    with writing(folder):
        folder.mkdir(parents=True, exist_ok=True)


def _whole(path: Path) -> Any:
    from bdgf.core.storage import written_whole

    return written_whole(path, path.with_name(f".{path.name}.part"))


def _nodes() -> Any:
    # They import Kedro, which sets up its own log and reports it.
    logging.disable(logging.INFO)
    try:
        from bdgf.pipelines.predict import nodes
    finally:
        logging.disable(logging.NOTSET)
    _log_to_screen()
    return nodes


def _log_to_screen() -> None:
    # Messages of bdgf, and warnings of other packages.
    logging.basicConfig(level=logging.WARNING, format="%(message)s", force=True)
    logging.getLogger("bdgf").setLevel(logging.INFO)


if __name__ == "__main__":
    main(prog_name="python -m bdgf")
