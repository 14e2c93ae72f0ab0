"""Versions that belong together are found together, and what is missing is made first."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from kedro.io import DataCatalog, Version
from kedro.pipeline import Node, Pipeline
from kedro_datasets.json import JSONDataset

from bdgf.framework.made_from import FILE, MadeFrom
from bdgf.framework.resolution import Resolution, Versions, resolve


def step(*inputs: str, makes: str) -> Node:
    return Node(lambda *_: None, list(inputs), makes, name=f"make_{makes}")


# scene -> prepared, split; prepared -> cube; prepared, split, cube -> model; model, split -> score
WHOLE = Pipeline(
    [
        step("params:raw", makes="scene"),
        step("scene", "params:scale", makes="prepared"),
        step("scene", "params:share", makes="split"),
        step("prepared", makes="cube"),
        step("prepared", "split", "cube", "params:epochs", makes="model"),
        step("model", "prepared", "cube", "split", makes="score"),
    ]
)
ENTRIES = ("scene", "prepared", "split", "cube", "model", "score")


class Store:
    """Artifacts on disk, as runs leave them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def made(self, version: str, *entries: str, link: str | None = None, **parameters: Any) -> None:
        """A run saves `entries`; each is made from the newest of its inputs."""
        for entry in entries:
            inputs = WHOLE.only_nodes(f"make_{entry}").inputs()
            versions = {e: self.newest(e) for e in inputs if not e.startswith("params:")}
            known = [MadeFrom.read(self.path(e, v).parent) for e, v in versions.items()]
            taken = {n: v for n, v in parameters.items() if f"params:{n}" in inputs}
            path = self.path(entry, version)
            path.parent.mkdir(parents=True)
            made = MadeFrom(versions, taken).joined(known)
            (path.parent / FILE).write_text(made.text())
            if link:
                path.hardlink_to(self.path(entry, link))
            else:
                path.write_text("{}")

    def path(self, entry: str, version: str) -> Path:
        return self.folder / f"{entry}.json" / version / f"{entry}.json"

    def newest(self, entry: str) -> str:
        return max(path.parent.name for path in self.folder.glob(f"{entry}.json/*/{entry}.json"))

    def resolved(
        self, *asked: str, wanted: Mapping[str, Any] | None = None, **how: Any
    ) -> Resolution:
        entries: dict[str, Any] = {
            name: JSONDataset(filepath=f"{name}.json", version=Version(None, "9"))
            for name in ENTRIES
        }
        pipeline = WHOLE.only_nodes(*(f"make_{name}" for name in asked))
        versions = Versions(DataCatalog(entries), self.folder)
        return resolve(pipeline, WHOLE, versions, wanted or {}, **how)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path)


def made(found: Resolution) -> set[str]:
    return {name.removeprefix("make_") for name in found.nodes}


def test_from_nothing_everything_is_made(store: Store) -> None:
    found = store.resolved("score")
    assert made(found) == set(ENTRIES)
    assert set(found.made_first) == set(ENTRIES) - {"score"}
    assert (found.made_first[0], found.made_first[-1]) == ("scene", "model")
    assert found.versions == {}


def test_what_is_there_is_not_made_again(store: Store) -> None:
    store.made("1", "scene", "prepared", "split")
    found = store.resolved("model")
    assert made(found) == {"cube", "model"}
    assert found.made_first == ["cube"]
    assert found.versions == {"prepared": "1", "split": "1"}


def test_the_model_names_what_it_was_made_from(store: Store) -> None:
    store.made("1", *ENTRIES)
    store.made("2", "scene", "prepared", "split", "cube")  # another run, without a model
    found = store.resolved("score")
    assert found.versions == dict.fromkeys(["prepared", "cube", "split", "model"], "1")
    assert found.older == ["cube", "prepared", "split"]


def test_an_equal_newer_version_is_not_another_one(store: Store) -> None:
    store.made("1", *ENTRIES)
    store.made("2", "scene", "prepared", "split", "cube", link="1")
    assert store.resolved("score").older == []


def test_versions_that_were_made_from_the_same_are_preferred(store: Store) -> None:
    store.made("1", "scene", "prepared", "split", "cube")
    store.made("2", "scene", "split")
    # The cube is of the first scene, so the split is too.
    assert store.resolved("model").versions == dict.fromkeys(["prepared", "split", "cube"], "1")


def test_what_does_not_say_what_it_was_made_from_is_passed_over(
    store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    store.made("1", *ENTRIES)
    store.made("2", *ENTRIES)
    for version in ("2", "1"):
        file = store.path("split", version).parent / FILE
        file.write_text(file.read_text().replace("{", "(", 1))
        caplog.clear()
        found = store.resolved("model")
        assert found.versions.get("split") == ("1" if version == "2" else None)
        assert ("split" in made(found)) == (version == "1")
        assert str(file) in caplog.text


def test_a_typed_parameter_finds_what_was_made_with_it(store: Store) -> None:
    store.made("1", *ENTRIES, share=0.5, epochs=3)
    store.made("2", *ENTRIES, share=0.1, epochs=3)
    assert store.resolved("score", wanted={"share": 0.5}).versions["model"] == "1"
    assert store.resolved("score", wanted={"share": 0.5}).versions["split"] == "1"
    assert store.resolved("score").versions["model"] == "2"


def test_what_was_never_made_with_a_typed_parameter_is_made(store: Store) -> None:
    store.made("1", *ENTRIES, share=0.5, epochs=3, scale=1)
    found = store.resolved("score", wanted={"share": 0.1})
    assert made(found) == {"split", "model", "score"}
    assert found.versions == {"scene": "1", "prepared": "1", "cube": "1"}
    assert made(store.resolved("score", wanted={"epochs": 4})) == {"model", "score"}
    assert made(store.resolved("score", wanted={"scale": 2})) == {
        "prepared",
        "cube",
        "model",
        "score",
    }
    assert made(store.resolved("score", wanted={"speed": 2})) == {"score"}


def test_a_version_that_is_deleted_is_replaced_by_the_newest(store: Store) -> None:
    store.made("1", *ENTRIES)
    store.made("2", "split")
    store.path("split", "1").unlink()
    assert store.resolved("score").versions["split"] == "2"


def test_the_users_choice_of_versions_counts(store: Store) -> None:
    store.made("1", *ENTRIES)
    store.made("2", *ENTRIES)
    found = store.resolved("score", given={"model": "1"})
    assert "model" not in found.older
    assert found.versions["split"] == "1"


def test_what_a_run_does_without_is_not_made(store: Store) -> None:
    store.made("1", "scene", "prepared", "split")
    assert made(store.resolved("model", without=["cube"])) == {"model"}


def test_what_its_reader_can_miss_is_made_only_where_another_needs_it(store: Store) -> None:
    store.made("1", "scene", "prepared", "split")
    spared = {"cube": ("make_model",)}
    assert made(store.resolved("model", optional=spared)) == {"model"}
    assert "cube" in made(store.resolved("score", optional=spared))
    assert store.resolved("model", optional=spared).made_first == []
    store.made("1", "cube")
    assert store.resolved("model", optional=spared).versions["cube"] == "1"


def test_chosen_nodes_are_not_completed(store: Store) -> None:
    found = store.resolved("score", complete=False)
    assert made(found) == {"score"}


def test_what_changed_since_can_be_told(store: Store) -> None:
    store.made("1", *ENTRIES, share=0.5, epochs=3)
    assert store.resolved("score").made.changed({"share": 0.5, "epochs": 5}) == {"epochs": (3, 5)}
