"""The commands `kedro scene list`, `check` and `fetch`."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from kedro.utils import find_kedro_project
from rich import get_console

from bdgf.core.errors import UserError
from bdgf.framework.cli import ParamsOption
from bdgf.framework.config_loader import SceneConfigLoader
from bdgf.framework.endings import accounted_ending, end_at_once
from bdgf.framework.one_line import one_line
from bdgf.framework.run_folders import run_folder

if TYPE_CHECKING:
    from bdgf.scenes.config import SceneConfig
    from bdgf.scenes.ingest.read_scene import IngestSettings

GOES_ON = "the same command resumes; downloaded files are kept"
BEGINS_ANEW = "nothing was written; run the same command to start again"
_REPORTING = "08_reporting"


@click.group()
def scene() -> None:
    """Lists scenes, checks a scene, or downloads its files."""


_environment = click.option("--env", "-e", help="Kedro's environment.")


def _with_params(command: click.Command) -> click.Command:
    command.params.append(ParamsOption())
    return command


@scene.command("list")
@_environment
def list_scenes(env: str | None) -> None:
    """Lists the scenes and whether their files are found, without reading them."""
    from bdgf.framework.scene_tables import scene_table, show
    from bdgf.scenes.config import parse_scene_config
    from bdgf.scenes.file_search import find_scene_files

    with accounted_ending(BEGINS_ANEW), one_line():
        loader = _loader(env, {})
        ingest = _ingest(loader["parameters"])
        rows: dict[str, Any] = {}
        for name, configured in sorted(loader["scenes"].items()):
            try:
                config = parse_scene_config(name, configured)
                rows[name] = config, find_scene_files(config, _folders(name, config, ingest))
            except UserError as error:
                rows[name] = str(error)
        show(scene_table(rows, os.getcwd()))
    end_at_once()


@_with_params
@scene.command()
@click.argument("name")
@_environment
@click.option(
    "--out",
    show_default="08_reporting/<scene>/check of the data folder",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder for the quick look and the report as text and JSON.",
)
def check(name: str, env: str | None, out: Path | None, params: dict[str, Any]) -> None:
    """Reads a scene and reports its contents, its split and its problems."""
    from bdgf.evaluation.scene_check.check import check_scene_files
    from bdgf.framework.run_settings import RunSettings
    from bdgf.framework.scene_tables import report_tables, show, write_report
    from bdgf.framework.validation import checked, settings_of

    out = out and out.absolute()
    with accounted_ending(BEGINS_ANEW), one_line():
        loader = _loader(env, {**(params or {}), "dataset": name})
        parameters = loader["parameters"]
        run = {key: parameters[key] for key in RunSettings.model_fields if key in parameters}
        settings = checked(RunSettings.model_validate, run)
        train = checked(settings_of("train").model_validate, parameters["train"], "train")
        found, report = check_scene_files(
            name,
            parameters["scene"],
            _ingest(parameters),
            checked(settings_of("split").model_validate, parameters["split"], "split"),
            settings.seed,
            train.classifier.patch,
            _patch_of(settings.model, parameters, train),
        )
        own = env if env not in (loader.base_env, loader.default_run_env) else None
        folder = Path(settings.data_folder) / _REPORTING / run_folder("scene", parameters, own)
        folder = out or folder / "check"
        write_report(found, report, folder)
        show(*report_tables(report))
        click.echo(f"written: report.txt, report.json and quick_look.png in {folder}")
    end_at_once()


@_with_params
@scene.command()
@click.argument("name")
@_environment
def fetch(name: str, env: str | None, params: dict[str, Any]) -> None:
    """Downloads a scene's public files, if their addresses are known.

    The same command resumes an interrupted download if the server supports it.
    """
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

    from bdgf.scenes.config import parse_scene_config
    from bdgf.scenes.download import fetch_scene

    with accounted_ending(GOES_ON), one_line():
        parameters = _loader(env, {**(params or {}), "dataset": name})["parameters"]
        config = parse_scene_config(name, parameters["scene"])
        if config.fabricate is not None:
            click.echo(f"{name} is generated at run time: it has no files to fetch")
            return
        folders = _folders(name, config, _ingest(parameters))
        console = get_console()
        columns = (
            *(TextColumn("{task.description}"), BarColumn(), DownloadColumn()),
            TransferSpeedColumn(),
        )
        bars = Progress(*columns, console=console)
        tasks: dict[str, Any] = {}

        def told(file: str, done: int, total: int | None) -> None:
            if file not in tasks:
                tasks[file] = bars.add_task(file, total=total)
            bars.update(tasks[file], completed=done, total=total)

        with bars if console.is_terminal else nullcontext():
            files, folder = fetch_scene(name, config.source, folders, told)
        if folder is None:
            click.echo(f"{name}: all {len(config.source.files)} files exist, as published")
        else:
            listed = ", ".join(path.name for path in files)
            click.echo(f"{name}: {listed} in {folder}; to check them: kedro scene check {name}")
    end_at_once()


def _loader(env: str | None, typed: Mapping[str, Any]) -> SceneConfigLoader:
    """The project's configuration, without the session that a run opens."""
    from kedro.framework.project import settings

    project = Path(find_kedro_project(Path.cwd()) or Path.cwd())
    os.chdir(project)  # relative paths in the parameters are the project's
    return SceneConfigLoader(
        str(project / settings.CONF_SOURCE),
        env=env,
        runtime_params=dict(typed),
        **settings.CONFIG_LOADER_ARGS,
    )


def _ingest(parameters: Mapping[str, Any]) -> IngestSettings:
    from bdgf.framework.validation import checked, settings_of

    ingest: IngestSettings = checked(
        settings_of("ingest").model_validate, parameters["ingest"], "ingest"
    )
    return ingest


def _folders(name: str, config: SceneConfig, ingest: IngestSettings) -> list[Path]:
    from bdgf.scenes.scene_folders import scene_folders

    return scene_folders(name, config, ingest.folders, ingest.mirror, copy=False)


def _patch_of(model: str, parameters: Mapping[str, Any], train: Any) -> int:
    # What the model in use sees of a pixel's surroundings: its settings say it.
    from bdgf.framework.validation import checked, settings_of_models
    from bdgf.models.registry import model_entry

    own = settings_of_models([model]).get(model)
    values = parameters.get("baselines", {}).get(model, {})
    checked_own = own and checked(own.model_validate, values, f"baselines.{model}")
    return model_entry(model).model().patch(train, checked_own)
