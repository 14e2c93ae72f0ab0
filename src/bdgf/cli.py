"""The commands of this project, in the module that Kedro expects."""

import click

from bdgf.experiments.cli import bench
from bdgf.experiments.tuning.cli import tune
from bdgf.framework.cli import run, tell_in_one_line
from bdgf.framework.scene_cli import scene


@click.group(name="bdgf")
def cli() -> None:
    """Land-cover maps from remote-sensing scenes.

    To begin: kedro run --pipeline=full --params dataset=demo. Pipelines, models and scenes: kedro
    run --help, kedro scene list. Suites: kedro bench --help. Search of settings:
    kedro tune --help.
    """


tell_in_one_line()
cli.add_command(run)
cli.add_command(bench)
cli.add_command(tune)
cli.add_command(scene)
