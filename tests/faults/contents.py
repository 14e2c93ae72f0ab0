"""What a project holds, so that two can be told apart by their bytes whatever their versions."""

from __future__ import annotations

import hashlib
import re
import sqlite3
import subprocess
from collections.abc import Collection
from pathlib import Path

VERSION = re.compile(r"\d{4}-\d\d-\d\dT\d\d\.\d\d\.\d\d\.\d{3}Z(_\d+)?")
"""The name that Kedro gives to a version, where two runs of a millisecond are told apart."""

Contents = dict[str, dict[str, str]]
"""Place of a file below `data`, its version left open -> version -> digest of its bytes."""

_UNVERSIONED = ""
_DIGESTS_OF_VERSIONS = (
    re.compile(r"[0-9a-f]{64}(?=  (made_from\.json|report\.html))"),
    re.compile(r'(?<="sha256": ")[0-9a-f]{64}'),
)
_OF_THIS_RUN = (
    re.compile(r"(?s)<h2>Timings</h2>.*?</section>"),
    re.compile(r"<tr><td>(made|command|MLflow run)</td><td>.*?</td></tr>"),
    re.compile(r"(?<=<footer>).*?(?=</footer>)"),
)
"""Of a report: when it was made, how it was started, and how long that took."""
_NOT_CONTENT = (".lock", ".pid", ".gitkeep")


def read_contents(project: Path) -> Contents:
    """Digests of all files below `data`; locks, which are empty and stay, aside.

    A JSON file may name the versions that something was made from: they are left open too, and so
    are its own digest and that in a file of digests. A report tells when it was made.
    """
    contents: Contents = {}
    data = project / "data"
    for path in sorted(data.rglob("*")):
        if not path.is_file() or path.name.endswith(_NOT_CONTENT):
            continue
        place = path.relative_to(data).as_posix()
        found = VERSION.search(place)
        version = found.group() if found else _UNVERSIONED
        read = path.read_bytes()
        if path.suffix in (".json", ".sha256", ".html"):
            read = _without_versions(read)
        digest = hashlib.sha256(read).hexdigest()
        contents.setdefault(VERSION.sub("<version>", place), {})[version] = digest
    return contents


def _without_versions(text: bytes) -> bytes:
    open_ = VERSION.sub("<version>", text.decode(errors="replace"))
    for digest in _DIGESTS_OF_VERSIONS:
        open_ = digest.sub("<digest>", open_)
    for told in _OF_THIS_RUN:
        open_ = told.sub("<of this run>", open_)
    return open_.encode()


def newest(contents: Contents, place: str) -> str | None:
    """Digest of the newest version of a file; None where there is none."""
    versions = contents.get(place)
    return versions[max(versions)] if versions else None


def missing_or_other(
    expected: Contents, found: Contents, places: Collection[str], unstable: Collection[str] = ()
) -> list[str]:
    """What is wrong with the newest versions of some files, a line each."""
    faults = [f"{place} is missing" for place in places if place not in found]
    faults += [
        f"{place} has other bytes"
        for place in places
        if place in found
        and place not in unstable
        and newest(found, place) != newest(expected, place)
    ]
    return faults


def left_over(expected: Contents, found: Contents) -> list[str]:
    """Files that the undisturbed project has not, a line each."""
    return [f"{place} is left over" for place in found if place not in expected]


def not_whole(expected: Contents, found: Contents, unstable: Collection[str] = ()) -> list[str]:
    """Versions, be they old or new, that are not those of the undisturbed project, a line each."""
    return [
        f"{place} has a version {version} with other bytes"
        for place, versions in found.items()
        for version, digest in versions.items()
        if place in expected and place not in unstable and digest not in expected[place].values()
    ]


def foreign(expected: Contents, found: Contents, unstable: Collection[str] = ()) -> list[str]:
    """What an undisturbed project has not: files, and contents of files, a line each."""
    return [*left_over(expected, found), *not_whole(expected, found, unstable)]


def copy_project(source: Path, target: Path) -> Path:
    """A copy in which files that were links to one another are so again."""
    target.parent.mkdir(parents=True, exist_ok=True)
    subprocess.run(["cp", "-a", str(source), str(target)], check=True)
    return target


def mlflow_states(project: Path) -> list[str]:
    """States of the runs in MLflow, earliest first."""
    database = project / "mlflow.db"
    if not database.exists():
        return []
    with sqlite3.connect(database) as connection:
        try:
            rows = connection.execute("select status from runs order by start_time").fetchall()
        except sqlite3.OperationalError:  # killed before there was a table
            return []
    return [state for (state,) in rows]
