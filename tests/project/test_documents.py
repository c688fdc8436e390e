"""ARCHITECTURE.md and CONTRIBUTING.md name files, functions and commands that exist."""

import ast
import re
from pathlib import Path

import pytest

from xats.cli.kit import tree

ROOT = Path(__file__).resolve().parents[2]
PAGES = {name: (ROOT / name).read_text(encoding="utf-8") for name in ("ARCHITECTURE.md", "CONTRIBUTING.md")}
FILE = re.compile(r"`((?:[\w-]+/)*[\w-]+\.(?:py|sql|toml|md)|(?:[\w-]+/)+)(?:: (\w+))?`")
TARGET = re.compile(r"\bmake ([a-z-]+)`")
VERB = re.compile(r"`xats ([a-z]+(?: [a-z]+)?)\b[^`]*`")


def where(name: str) -> Path | None:
    """Return the file that a page calls `name`: below the root, or below xats."""
    return next((path for path in (ROOT / name, ROOT / "xats" / name) if path.exists()), None)


@pytest.mark.parametrize("page", PAGES)
def test_files_and_functions_exist(page):
    found = FILE.findall(PAGES[page])
    assert len(found) > 10
    for name, function in found:
        if "NAME" in name or "NNNN" in name:  # one that the reader is to write
            continue
        path = where(name)
        assert path, f"{page} names {name}"
        if function:
            defined = {node.name for node in ast.walk(ast.parse(path.read_text())) if hasattr(node, "name")}
            assert function in defined, f"{page} names {name}: {function}"


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_somewhere(page):
    for link in re.findall(r"\]\(([^)#]+)", PAGES[page]):
        assert link.startswith("https://") or (ROOT / link).exists(), link


@pytest.mark.parametrize("page", PAGES)
def test_targets_and_verbs_exist(page):
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert set(TARGET.findall(PAGES[page])) <= targets
    for words in VERB.findall(PAGES[page]):
        assert words in tree.VERBS or words.split()[0] in tree.VERBS or words in tree.GROUPS, words


def test_the_list_of_all_verbs_has_each_verb_and_no_row_twice():
    text = (ROOT / "docs" / "verbs.md").read_text(encoding="utf-8")
    named = [row.split(" | ")[0].replace("\\|@FILE", "") for row in text.splitlines() if row.startswith("| `xats ")]
    assert [row for row in named if named.count(row) > 1] == []
    words = {
        word for row in named for word in re.findall(r"`xats ([a-z-]+)|, `([a-z-]+)`", row) for word in word if word
    }
    assert {path.split()[0] for path in tree.VERBS} - words == set()
