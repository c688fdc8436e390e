"""The worked examples in docs/ show what xats prints: every command runs, in its order, on a terminal."""

import json
import re
import shlex
from pathlib import Path

from tests.support.yard import git

DOCS = Path(__file__).resolve().parents[2] / "docs"
CONTRACTS = (DOCS / "contracts.md").read_text()
NOTES = (DOCS / "notes.md").read_text()
TASKS = (DOCS / "tasks.md").read_text()
ZONES = (DOCS / "zones.md").read_text()
TURNS = (DOCS / "turns.md").read_text()
VARYING = (
    (r"\(claimed by XATS_AGENT\) ", ""),  # in this test no agent has a pane
    (r"just now|\b\d+ (s|min)( ago)?\b", "AGO"),
    (r"\b(env|pane)\b", "EVIDENCE"),
    (r"\b\d\d-\d\d \d\d:\d\d\b", "WHEN"),
    (r"[ \t]+$", ""),
    (r" {2,}", "  "),
)


def plain(text: str) -> str:
    for pattern, instead in VARYING:
        text = re.sub(pattern, instead, text, flags=re.MULTILINE)
    return text


def story(page):
    """Yield (agent, words, what the page says is printed)."""
    for block in re.findall(r"```console\n(.*?)```", page, re.DOTALL):
        for who, line, output in re.findall(r"^(\w+)\$ xats (.*)\n((?:(?!\w+\$ ).*\n)*)", block, re.MULTILINE):
            yield who, shlex.split(line), output


def follow(xats, page) -> int:
    """Run the commands of `page`, and compare what they print; return how many there are."""
    for words in re.findall(r"^\$ xats register ([^#\n]+)", page, re.MULTILINE):
        xats("register", *shlex.split(words), "--no-pane", "--client", "generic")
    seen = 0
    for who, words, output in story(page):
        env = {"XATS_AGENT": who, "COLUMNS": "200", "NO_COLOR": "1"}
        shown = xats.on_terminal(*words, env=env, code=None)
        assert plain(shown.replace(str(xats.folder), "PROJECT")) == plain(output), (who, words)
        seen += 1
    return seen


def test_the_page_of_contracts_shows_what_is_printed(xats):
    (first,) = re.findall(r"```json\n(.*?)```", CONTRACTS, re.DOTALL)
    schema = json.loads(first)
    (xats.folder / "order-1.json").write_text(first)
    schema["properties"]["currency"] = {"type": "string"}
    (xats.folder / "order-2.json").write_text(json.dumps(schema))
    schema["properties"]["currency"] = {"enum": ["EUR", "USD"]}
    schema["required"].append("currency")
    (xats.folder / "order-3.json").write_text(json.dumps(schema))
    (xats.folder / "zip.json").write_text(json.dumps({"type": "string", "pattern": r"^\d{5}\Z"}))
    (xats.folder / "today.json").write_text('{"id": 7, "price": 9.5}\n')
    assert follow(xats, CONTRACTS) == 15


def test_the_page_of_notes_shows_what_is_printed(xats):
    assert follow(xats, NOTES) == 12


def test_the_page_of_tasks_shows_what_is_printed(xats):
    (xats.folder / "docs").mkdir()
    (xats.folder / "docs" / "manual.md").write_text("The manual.\n")
    assert follow(xats, TASKS) == 13


def test_the_page_of_zones_shows_what_is_printed(xats):
    git("init", "-q", xats.folder)
    git("remote", "add", "origin", "https://example.org/shop.git", cwd=xats.folder)
    for folder in ("src/server/help", "manual"):
        (xats.folder / folder).mkdir(parents=True)
    assert follow(xats, ZONES) == 8


def test_the_page_of_turns_shows_what_is_printed(xats):
    assert follow(xats, TURNS) == 11
