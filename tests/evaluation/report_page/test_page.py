"""A page as a file: self-contained, and safe whatever a class is called."""

from html.parser import HTMLParser

from bdgf.evaluation.report_page.page import (
    Cell,
    Page,
    Picture,
    Pictures,
    ScaleBar,
    Section,
    Table,
    Text,
    render,
)

DOT = "data:image/png;base64,iVBORw0KGgo="


class Reader(HTMLParser):
    """Notes tags with their attributes, and the texts."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict]] = []
        self.texts: list[str] = []
        self.open: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))
        if tag not in ("meta", "img"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.texts.append(data.strip())

    def all(self, tag: str) -> list[dict]:
        return [attributes for name, attributes in self.tags if name == tag]


def small_page() -> Page:
    picture = Picture(DOT, "a <map>", "note", (4, 3), [("x", "#ff0000")], ScaleBar(0.25, "5 m"))
    table = Table(["class", "recall"], [[Cell("a & b", color="#00ff00"), Cell("50 %", share=0.5)]])
    sections = [
        Section("First", [Text("told"), Pictures([picture], [("y", "#0000ff")])]),
        Section("Second", [table, Picture(DOT, "wide", least_width=700)]),
    ]
    return Page("A page", "lead", [("OA", "90 %", "right")], sections, "foot")


def test_all_of_it_is_in_the_file_and_every_tag_is_closed():
    read = Reader(render(small_page()))
    assert read.open == []
    for text in ("told", "a <map>", "note", "5 m", "a & b", "50 %", "90 %", "foot", "Second"):
        assert text in read.texts
    assert [image["src"] for image in read.all("img")] == [DOT, DOT]
    styles = [span.get("style", "") for span in read.all("span")]
    assert any("25.00%" in style for style in styles)
    assert any("50.0%" in style for style in styles)


def test_nothing_is_asked_from_the_network_and_nothing_runs():
    html = render(small_page())
    read = Reader(html)
    assert not {"script", "link", "iframe"} & {tag for tag, _ in read.tags}
    assert "http" not in html
    assert "@import" not in html
    assert "url(" not in html


def test_links_lead_to_the_sections():
    read = Reader(render(small_page()))
    names = {section["id"] for section in read.all("section")}
    assert {link["href"] for link in read.all("a")} == {f"#{name}" for name in names}


def test_a_name_cannot_become_a_tag():
    page = Page("<script>alert(1)</script>", "", [], [Section("s", [Text("<img src=x>")])])
    read = Reader(render(page))
    assert not read.all("script")
    assert not read.all("img")
