"""The README is one page: its links lead somewhere, its versions were tested, its pictures come from a real run."""

import re
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text()
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
PICTURES = ("top", "wake")
LINK = re.compile(r"\]\(([^)\s]+)\)")


def anchors(page: Path) -> set[str]:
    """Return the anchors that GitHub makes of the headings of a page."""
    titles = re.findall(r"^#+ (.*)$", re.sub(r"```.*?```", "", page.read_text(), flags=re.S), re.M)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def broken(page: Path) -> list[str]:
    """Return the links of a page into this repository that lead nowhere."""
    text = re.sub(r"```.*?```|`[^`\n]*`", "", page.read_text(), flags=re.S)
    found = []
    for link in LINK.findall(text):
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        if "://" in link:
            continue
        if not target.is_file() or (anchor and anchor not in anchors(target)):
            found.append(link)
    return found


def rows(text: str, title: str) -> list[list[str]]:
    """Return the cells of the table whose head begins with `title`."""
    table = re.search(rf"^\| {re.escape(title)} \|.*\n(?:\|.*\n)+", text, re.M)
    assert table, title
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in table[0].splitlines()]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_leads_somewhere(page):
    assert broken(page) == []


def test_the_readme_is_one_page():
    assert len(README.split()) <= 1000


def test_the_readme_names_the_versions_that_were_tested():
    names, versions, *_ = (line.strip("| ").split(" | ") for line in matrix())
    tested = {name: version for name, version in zip(names, versions[1:], strict=True) if version != "-"}
    said = {cells[0]: cells[1] for cells in rows(README, "program")[2:]}
    assert {name: said.get(name) for name in tested} == tested
    assert said.keys() - tested.keys() == {"Cursor, Amp, aider"}


def matrix() -> list[str]:
    """Return the first rows of the table in docs/clients.md: the programs, and their versions."""
    lines = (ROOT / "docs" / "clients.md").read_text().splitlines()
    start = next(at for at, line in enumerate(lines) if line.startswith("| | Claude Code |"))
    return [lines[start], lines[start + 2]]


@pytest.mark.parametrize("name", PICTURES)
def test_a_picture_is_complete_in_itself_and_says_nothing_of_the_machine(name):
    text = (ROOT / "docs" / "pictures" / f"{name}.svg").read_text()
    assert ET.fromstring(text).tag == "{http://www.w3.org/2000/svg}svg"
    assert re.findall(r"url\((?!#)[^)]*\)|href", text) == []
    assert re.findall(r">&#160;|&#160;<", text) == []  # librsvg drops them, and shifts the text
    assert not re.search(r"/(tmp|home|root|work|Users)\b", text)


def test_the_pictures_can_be_drawn_anew_and_show_what_the_readme_says(tmp_path):
    done = subprocess.run(
        [sys.executable, str(ROOT / "tools" / "pictures.py"), str(tmp_path)],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    for name, wanted in (("top", ("draft", "a dialog is open")), ("wake", ("draft_present", "delivered, 2 attempts"))):
        shown = " ".join(ET.fromstring((tmp_path / f"{name}.svg").read_text()).itertext()).replace("\xa0", " ")
        assert [words for words in wanted if words not in shown] == []
