"""What the pages name is there."""

import json
import re
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
REFERENCE = ROOT / "docs" / "reference"
FACE = ("README.md", "CONTRIBUTING.md", "SECURITY.md", "RELEASING.md", "CHANGELOG.md")
NAMED = re.compile(r"\bdocs/[\w./-]+\.md\b")
LINK = re.compile(r"\]\(([^)#\s]+)(?:#[\w-]*)?\)")
WHERE = ("src", "tools", "benchmarks", "conf")


def test_pages_that_code_and_messages_name_exist() -> None:
    # Tests name pages of projects that they make.
    texts = [p for w in WHERE for p in (ROOT / w).rglob("*") if p.suffix in {".py", ".yml"}]
    named = {
        (name, str(path.relative_to(ROOT)))
        for path in [*texts, ROOT / "Makefile"]
        for name in NAMED.findall(path.read_text(encoding="utf-8"))
    }
    assert named
    assert not {pair for pair in named if not (ROOT / pair[0]).is_file()}


@pytest.mark.parametrize("page", FACE)
def test_links_of_the_first_pages_lead_somewhere(page: str) -> None:
    # Those among the pages of docs/ are checked by `make docs`.
    links = {x for x in LINK.findall((ROOT / page).read_text()) if "://" not in x}
    assert not {link for link in links if not (ROOT / link).exists()}


def test_the_catalog_page_names_every_entry() -> None:
    entries = {
        name
        for path in (ROOT / "conf" / "base").glob("catalog_*.yml")
        for name in yaml.safe_load(path.read_text())
        if not name.startswith("_")
    }
    rows = re.findall(r"^\| `(\w+)` \| `0\d_", (REFERENCE / "catalog.md").read_text(), re.M)
    assert sorted(rows) == sorted(entries)


def test_the_page_of_metrics_names_every_entry() -> None:
    golden = next((ROOT / "tests" / "pipelines" / "golden").glob("*.json"))
    rows = set(re.findall(r"^\| `(\w+)` \|", (REFERENCE / "metrics.md").read_text(), re.M))
    assert {*json.loads(golden.read_text())} <= rows


def test_sentences_of_the_short_pages_are_short() -> None:
    pages = [ROOT / "README.md", *(ROOT / "docs" / "get_started").glob("*.md")]
    pages += [ROOT / "docs" / name / "index.md" for name in ("method", "results", "notebook")]
    longest = 32
    for page in pages:
        text = re.sub(
            r"```.*?```|\$\$.*?\$\$|^\|.*?$|^#.*?$|<!--.*?-->",
            "\n\n",
            page.read_text(),
            flags=re.S | re.M,
        )
        for paragraph in re.split(r"\n\s*\n|\n(?=[-\d])", text):
            for sentence in re.split(r"(?<=[.:?!])\s", " ".join(paragraph.split())):
                assert len(sentence.split()) <= longest, f"{page.name}: {sentence}"
