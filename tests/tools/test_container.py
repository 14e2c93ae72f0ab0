"""Dockerfile and compose.yaml name what is there. Docker itself builds them in the workflow."""

import re
import shlex
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import click
import pytest
import yaml
from distributed.cli import dask_scheduler, dask_worker
from kedro_mlflow.config.kedro_mlflow_config import KedroMlflowConfig
from mlflow.cli import cli as mlflow

from bdgf.experiments.cli import bench

ROOT = Path(__file__).resolve().parents[2]
DOCKERFILE = (ROOT / "Dockerfile").read_text()
COMPOSE = yaml.safe_load((ROOT / "compose.yaml").read_text())
GPU = yaml.safe_load((ROOT / "docker" / "gpu.yaml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
LOCAL_SETTINGS = "/bdgf/conf/local/mlflow.yml"
COMMANDS = {
    ("mlflow", "server"): mlflow.commands["server"],
    ("dask", "scheduler"): dask_scheduler.main,
    ("dask", "worker"): dask_worker.main,
    ("kedro", "bench"): bench,
}
"""What the services start -> the command that reads its options."""


def instructions(word: str) -> list[list[str]]:
    """The arguments of each instruction of a kind in the Dockerfile."""
    text = re.sub(r"\\\n", " ", DOCKERFILE)
    return [shlex.split(line)[1:] for line in text.splitlines() if line.startswith(f"{word} ")]


def copied() -> Iterator[str]:
    for arguments in instructions("COPY"):
        yield from arguments[:-1]


def options(command: list[str]) -> dict[str, Any]:
    """What a service's command line means to the program it starts; it refuses unknown options."""
    program = COMMANDS[command[0], command[1]]
    return program.make_context(" ".join(command[:2]), command[2:], resilient_parsing=False).params


def started(service: dict[str, Any]) -> list[str]:
    return [*service.get("entrypoint", []), *service["command"]]


def test_what_the_image_copies_is_there_and_not_kept_from_the_builder() -> None:
    sources = list(copied())
    assert {"src", "conf", "pyproject.toml", "constraints.txt"} <= {*sources}
    assert [name for name in sources if not (ROOT / name).exists()] == []
    lines = (ROOT / ".dockerignore").read_text().splitlines()
    assert lines[1] == "*"
    assert {line[1:] for line in lines if line.startswith("!")} == {*sources}
    kept_back = [line for line in lines[2:] if line and line[0] not in "!#"]
    assert any(fnmatch("conf/local", pattern) for pattern in kept_back)  # secrets


def test_the_image_runs_as_a_user_by_number_and_installs_what_was_tested_together() -> None:
    assert instructions("USER")[-1] == ["10001"]
    assert "useradd --create-home --uid 10001" in DOCKERFILE
    (installed,) = [run for run in instructions("RUN") if "pip" in run]
    assert installed[installed.index("--constraint") + 1] == "constraints.txt"
    assert ".[cluster]" in installed
    assert instructions("CMD") == [shlex.split('["kedro", "--help"]')]


@pytest.mark.parametrize("name", SERVICES)
def test_every_service_starts_a_program_with_options_that_it_has(name: str) -> None:
    service = SERVICES[name]
    assert service["image"] == "bdgf:${DEVICE:-cpu}"
    try:
        options(started(service))
    except click.ClickException as error:
        pytest.fail(f"{name}: {error.format_message()}")


def test_services_find_one_another() -> None:
    server = options(started(SERVICES["mlflow"]))
    scheduler = options(started(SERVICES["scheduler"]))
    settings = yaml.safe_load((ROOT / "docker" / "mlflow.yml").read_text())
    assert settings["server"]["mlflow_tracking_uri"] == f"http://mlflow:{server['port']}"
    assert f"mlflow:{server['port']}" in server["allowed_hosts"].split(",")
    address = f"tcp://scheduler:{scheduler['port']}"
    assert options(started(SERVICES["bench"]))["scheduler"] == address
    workers = [SERVICES["worker"], GPU["services"]["worker"]]
    assert [options(started(worker))["scheduler"] for worker in workers] == [address] * 2
    assert options(started(workers[1]))["resources"] == "GPU=1"
    (port,) = SERVICES["mlflow"]["ports"]
    assert port == f"127.0.0.1:{server['port']}:{server['port']}"
    for name, service in SERVICES.items():
        assert {*service.get("depends_on", ())} <= {*SERVICES} - {name}
    assert SERVICES["worker"]["deploy"]["replicas"] == 2


def test_every_volume_is_made_and_used_and_every_file_is_there() -> None:
    mounts = [mount for service in SERVICES.values() for mount in service["volumes"]]
    sources = {mount.rpartition(":/")[0] for mount in mounts}
    named = {source for source in sources if source.isidentifier()}
    assert named == {*COMPOSE["volumes"]}
    assert {"./docker/mlflow.yml", "${SCENES:-./data/01_raw}"} == sources - named
    assert (ROOT / "docker" / "mlflow.yml").is_file()
    for name in ("scheduler", "worker", "bench"):  # one path everywhere
        assert "data:/bdgf/data" in SERVICES[name]["volumes"]
        assert f"./docker/mlflow.yml:{LOCAL_SETTINGS}:ro" in SERVICES[name]["volumes"]
        assert SERVICES[name]["environment"]["BDGF_DATA"] == "/scenes"


def test_the_settings_of_mlflow_are_those_of_the_project_but_for_the_place() -> None:
    ours = yaml.safe_load((ROOT / "docker" / "mlflow.yml").read_text())
    base = yaml.safe_load((ROOT / "conf" / "base" / "mlflow.yml").read_text())
    # Kedro puts a group of conf/local in the place of the whole group in conf/base.
    read = KedroMlflowConfig.model_validate({**base, **ours})
    assert read.tracking.experiment.name == base["tracking"]["experiment"]["name"]
    for made in (ours, base):
        del made["tracking"]["experiment"]["create_experiment_kwargs"]["artifact_location"]
    assert ours["tracking"]["experiment"] == base["tracking"]["experiment"]
    lost = {*base["tracking"]} - {*ours["tracking"]}
    assert not lost, f"tracking.{lost} of conf/base/mlflow.yml is not in docker/mlflow.yml"
