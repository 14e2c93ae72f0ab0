"""Commands of the pages are found and followed, and what fails is told."""

import os
import sys
from pathlib import Path

import pytest
import yaml
from tools.docs_check.__main__ import PAGES, PROJECT
from tools.docs_check.blocks import Block, MarkerError, blocks
from tools.docs_check.fresh_clone import NOWHERE, environment, follow

from bdgf.scenes.config import parse_scene_config
from bdgf.scenes.ingest.read_scene import IngestSettings, ingest
from bdgf.splits.parts import split_totals
from bdgf.splits.settings import SplitSettings
from bdgf.splits.split import make_split

PAGE = """# A page

    kedro run --an=example

```sh
kedro run
```

<!-- docs-check: skip (it needs a GPU) -->
```sh
make gpu-check
```

<!-- docs-check: file conf/local/x.yml -->
```yaml
x: 1
```

```python
print(1)
```

```yaml
only: shown
```
"""


def test_fenced_commands_count_and_markers_say_what_is_done() -> None:
    assert blocks(PAGE) == [
        Block("sh", "kedro run\n", 6),
        Block("skip", "make gpu-check\n", 11, "it needs a GPU"),
        Block("file", "x: 1\n", 16, "conf/local/x.yml"),
        Block("python", "print(1)\n", 20),
    ]


@pytest.mark.parametrize(
    "page",
    [
        "<!-- docs-check: skip (why) -->\nProse.\n",
        "<!-- docs-check: skip (why) -->\n",
        "<!-- docs-check: omit -->\n```sh\nls\n```\n",
    ],
)
def test_a_marker_that_says_nothing_is_refused(page: str) -> None:
    with pytest.raises(MarkerError):
        blocks(page)


@pytest.mark.parametrize("page", PAGES)
def test_every_page_of_the_list_has_something_to_follow(page: str) -> None:
    assert blocks((PROJECT / page).read_text(encoding="utf-8"))


def test_every_how_to_with_commands_is_in_the_list() -> None:
    how_to = PROJECT / "docs" / "how_to"
    typed = {p for p in how_to.glob("*.md") if any(b.kind == "sh" for b in blocks(p.read_text()))}
    assert {str(path.relative_to(PROJECT)) for path in typed} <= {*PAGES}


@pytest.mark.parametrize("page", PAGES)
def test_scenes_that_pages_describe_are_read(page: str) -> None:
    for block in blocks((PROJECT / page).read_text(encoding="utf-8")):
        if block.kind == "file" and "parameters_scenes" in block.told:
            for name, described in yaml.safe_load(block.text).items():
                parse_scene_config(name, described)


def test_polygons_of_the_page_can_be_held_out(tmp_path: Path) -> None:
    scenes = {}
    for page in ("own_scene", "vector_labels"):
        for block in blocks((PROJECT / "docs" / "how_to" / f"{page}.md").read_text()):
            if block.kind == "python":
                assert follow(block, tmp_path, {**os.environ}, 120) is None
            elif block.kind == "file":
                scenes |= yaml.safe_load(block.text)
    settings = IngestSettings(folders=[str(tmp_path / "data" / "01_raw")])
    scene = ingest("valley_fields", scenes["valley_fields"], settings)
    totals = split_totals(make_split(scene, SplitSettings(name="polygons"), 0, 5))
    assert totals["train"] > 500
    assert totals["test"] > totals["train"]


def test_blocks_are_followed_in_the_clone(tmp_path: Path) -> None:
    seen = environment(tmp_path, "test")
    assert (seen["BDGF_DATA"], seen["KEDRO_ENV"]) == (NOWHERE, "test")
    assert follow(Block("file", "a: 1\n", 1, "conf/a.yml"), tmp_path, seen, 10) is None
    assert follow(Block("sh", "grep 'a: 1' conf/a.yml\n", 1), tmp_path, seen, 10) is None
    assert follow(Block("python", "open('b', 'w').close()\n", 1), tmp_path, seen, 10) is None
    assert (tmp_path / "b").exists()


@pytest.mark.parametrize(
    ("block", "told"),
    [
        (Block("sh", "false\ntrue\n", 1), "exit code 1"),
        (Block("python", "raise SystemExit('broken')", 1), "broken"),
        (Block("sh", f"'{sys.executable}' -c 'import time; time.sleep(60)'", 1), "not done"),
    ],
)
def test_what_fails_is_told(tmp_path: Path, block: Block, told: str) -> None:
    found = follow(block, tmp_path, environment(tmp_path, None), 1 if told == "not done" else 20)
    assert found is not None
    assert told in found
