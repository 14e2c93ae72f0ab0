"""One fault of each kind on the quickest stages; `make test-faults` does hundreds on all."""

import signal
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest

from tests.faults.commands import Lane
from tests.faults.contents import foreign, missing_or_other, mlflow_states, read_contents
from tests.faults.damage import damages, read_files
from tests.faults.injections import Room, repeated
from tests.faults.kills import Appearance, Moment, killed_in_a_row, kills
from tests.faults.signals import signals
from tests.faults.stages import Stage, run_stages
from tests.faults.tmpfs import PAGE


@pytest.fixture(scope="module")
def lane() -> Iterator[Lane]:
    lane = Lane()
    yield lane
    lane.close()


@pytest.fixture(scope="module")
def stages(lane: Lane, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Stage]:
    folder = tmp_path_factory.mktemp("undisturbed")
    return {stage.name: stage for stage in run_stages(lane, folder, ("ingest", "prepare"))}


@pytest.fixture
def room(lane: Lane, tmp_path: Path) -> Room:
    return Room(lane, tmp_path, Random(0))


def test_an_undisturbed_stage_gives_the_same_bytes_twice(stages: dict[str, Stage]) -> None:
    for stage in stages.values():
        assert stage.faults == ()
        assert stage.own


def test_killed_where_the_scene_appears(stages: dict[str, Stage], room: Room) -> None:
    stage = stages["ingest"]
    number = max(n for n, rename in enumerate(stage.renames) if "/scene.nc/" in rename.place)
    verdict = killed_in_a_row(room, stage, [Moment(12), Appearance(number)])
    assert verdict.faults == ()
    assert "/scene.nc/" in verdict.how
    assert sum(kill.count for kill in kills([stage])) == 20 + len(stage.renames) + 1


def test_stopped_by_a_signal(stages: dict[str, Stage], room: Room) -> None:
    (stop,) = [i for i in signals([stages["ingest"]]) if i.fault == "SIGTERM-0"]
    assert stop.inject(room).faults == ()


def test_a_flipped_byte_of_the_scene(stages: dict[str, Stage], room: Room) -> None:
    stage = stages["prepare"]
    assert any(path.endswith("scene.nc") for path in read_files(stage))
    (flip,) = [i for i in damages([stage]) if i.fault.endswith("/scene.nc/flip-middle")]
    assert flip.inject(room).faults == ()


def test_a_file_that_may_not_grow(stages: dict[str, Stage], room: Room) -> None:
    stage = stages["ingest"]
    project = room.project(stage.before)
    (scene,) = stage.after.glob("data/02_intermediate/*/scene.nc/*/scene.nc")
    # MLflow's database is smaller: it is the scene that does not fit, by its last page.
    limit = scene.stat().st_size - PAGE
    disturbed = room.lane.run(project, stage.command, most_bytes=limit)
    assert disturbed.code == 1, disturbed.stdout + disturbed.stderr
    assert len(disturbed.error_lines) == 1
    assert not disturbed.has_traceback
    assert foreign(stage.expected, read_contents(project)) == []
    assert repeated(room, stage, project, disturbed, "").faults == ()


def test_the_checks_see_what_is_wrong(stages: dict[str, Stage], room: Room) -> None:
    """A harness that finds nothing proves nothing."""
    stage = stages["ingest"]
    project = room.project(stage.after)
    (scene,) = project.glob("data/02_intermediate/*/scene.nc/*/scene.nc")
    scene.write_bytes(scene.read_bytes() + b"more")
    scene.with_name(".scene.part.nc").touch()
    found = read_contents(project)
    assert len(missing_or_other(stage.expected, found, sorted(stage.own))) == 1
    assert len(foreign(stage.expected, found)) == 2
    command = room.lane.start(room.project(stage.before), stage.command)
    assert command.has_spoken()
    command.send(signal.SIGKILL)
    ended = command.end()
    assert (ended.code, ended.left) == (-signal.SIGKILL, ())
    assert set(mlflow_states(room.folder / "project")) <= {"RUNNING"}
