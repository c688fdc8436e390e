"""What is generated from the command tree is fresh, complete and sound; and the tree holds what it is made from."""

from __future__ import annotations

import inspect
import os
import re
import shlex
import shutil
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

from xats import __version__
from xats.base import errors
from xats.cli.kit import tree, verbs

ROOT = Path(__file__).resolve().parents[2]
MANUAL = (ROOT / "man" / "xats.1").read_text()
REFERENCE = (ROOT / "docs" / "reference.md").read_text()
SCRIPTS = {path.name: path.read_text() for path in (ROOT / "completions").iterdir()}
INTERNAL = {"XATS_FAULT", "XATS_FAULT_CLOCK", "XATS_FAULT_RESTARTS", "XATS_FAULT_SIGNAL"}  # for tests of xats itself


@pytest.fixture(autouse=True)
def clean(monkeypatch, tmp_path):
    for name in [name for name in os.environ if name.startswith(("XATS_", "TMUX", "CLAUDE", "CODEX"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("XATS_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("XATS_AUTOSTART", "0")


def function(path):
    module, name, *_ = verbs.VERBS[path]
    return getattr(import_module(f"xats.cli.{module}"), name)


def page_of(path):
    return (ROOT / "man" / f"xats-{path.replace(' ', '-')}.1").read_text()


def plain(roff):
    """Return the text of a page without its escapes."""
    for escape, character in (("\\fB", ""), ("\\fI", ""), ("\\fR", ""), ("\\-", "-"), ("\\ ", " "), ("\\&", "")):
        roff = roff.replace(escape, character)
    return roff.replace("\\(aq", "'").replace("\\(dq", '"').replace("\\(ti", "~").replace("\\e", "\\")


def examples(path):
    lines = inspect.getdoc(function(path)).splitlines()
    return [line.removeprefix("Example: ") for line in lines if line.startswith("Example: ")]


def options(path):
    """Return every option of a verb that is not hidden, in every spelling."""
    given = [one for one in tree.as_command(path).params if one.param_type_name == "option" and not one.hidden]
    return [name for one in given for name in (*one.opts, *one.secondary_opts)]


# -- fresh -------------------------------------------------------------------------------------------------------------


def generate(root, *words):
    program = [sys.executable, str(root / "tools" / "generate.py"), *words]
    return subprocess.run(program, capture_output=True, text=True, timeout=120, check=False)


@pytest.fixture
def copy(tmp_path):
    """A copy of the generated files, and of what generates them."""
    for folder in ("tools", "man", "completions", "docs"):
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "xats" / "base").mkdir(parents=True)
    (tmp_path / "xats" / "cli" / "kit").mkdir(parents=True)
    for path in ("base/programs.py", "cli/kit/schemas.json"):
        shutil.copy(ROOT / "xats" / path, tmp_path / "xats" / path)
    shutil.copy(ROOT / "ARCHITECTURE.md", tmp_path)
    return tmp_path


def test_nothing_is_stale():
    done = generate(ROOT, "--check")
    assert (done.returncode, done.stderr) == (0, "")


def test_what_is_stale_is_named_with_the_line_that_mends_it(copy):
    with (copy / "man" / "xats-send.1").open("a") as file:
        file.write("more\n")
    (copy / "completions" / "_xats").unlink()
    (copy / "man" / "xats-forgotten.1").write_text("a verb that is no more\n")
    done = generate(copy, "--check")
    assert done.returncode == 1
    stale = [line.strip() for line in done.stderr.splitlines()]
    assert stale[1:4] == ["completions/_xats", "man/xats-forgotten.1", "man/xats-send.1"]
    assert "make generate" in stale[4]
    assert (generate(copy).returncode, generate(copy, "--check").returncode) == (0, 0)
    assert not (copy / "man" / "xats-forgotten.1").exists()


# page: its generated part, and lines that are taken out of it, each alone
PARTS = {
    "ARCHITECTURE.md": ("wakes", ["    core --> store\n", "| new mail | none, or open |", "| `core` | "]),
    "docs/events.md": ("types", ["| `message_sent` | ", "| `contract_unsubscribed` | "]),
    "docs/waking.md": ("reasons", ["| `not_quiet` | ", "| `full_screen` | "]),
}


def test_the_generated_parts_of_pages_are_those_of_the_code(copy):
    whole = {name: (copy / name).read_text() for name in PARTS}
    for number in range(3):
        taken = {name: lines[number] for name, (_, lines) in PARTS.items() if number < len(lines)}
        for name, line in taken.items():
            assert line in whole[name]
            (copy / name).write_text(whole[name].replace(line, ""))
        done = generate(copy, "--check")
        assert (done.returncode, done.stderr.split()[1 : len(taken) + 1]) == (1, list(taken))
        for name in taken:
            (copy / name).write_text(whole[name])
    for name in PARTS:
        (copy / name).write_text(whole[name].replace(PARTS[name][1][0], ""))
    assert generate(copy).returncode == 0
    assert {name: (copy / name).read_text() for name in PARTS} == whole


@pytest.mark.parametrize("name", PARTS)
def test_a_page_without_the_place_of_its_generated_part_is_named(copy, name):
    part, page = PARTS[name][0], copy / name
    page.write_text(page.read_text().replace(f"<!-- begin {part} -->", ""))
    assert f"begin {part}" in generate(copy, "--check").stderr


def test_an_unknown_option_of_the_generator_writes_nothing(copy):
    (copy / "completions" / "_xats").unlink()
    assert generate(copy, "--chekc").returncode == 2
    assert not (copy / "completions" / "_xats").exists()


# -- complete ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", verbs.VERBS)
def test_a_verb_has_a_page_with_its_options_and_examples(path):
    page = plain(page_of(path))
    assert f'"xats {__version__}"' in page
    for option in options(path):
        assert re.search(rf"(^|[\s,\[|]){re.escape(option)}($|[\s,\]|])", page, re.MULTILINE), option
    for example in examples(path):
        assert f"$ {example}\n" in page


@pytest.mark.parametrize("path", verbs.VERBS)
def test_a_verb_stands_in_the_reference_with_its_options_and_examples(path):
    section = REFERENCE.partition(f"\n## xats {path}\n")[2].partition("\n## ")[0]
    assert verbs.VERBS[path][3].rstrip(".") in section
    shared = REFERENCE.partition("\n## Common options\n")[2].partition("\n## ")[0]
    for option in options(path):
        assert re.search(rf"[`\s]{re.escape(option)}[`\s,]", section + shared), option
    for example in examples(path):
        assert f"\n{example}\n" in section


@pytest.mark.parametrize("path", verbs.VERBS)
@pytest.mark.parametrize("name", ["xats.bash", "_xats", "xats.fish"])
def test_a_verb_and_its_options_stand_in_the_completions(path, name):
    script = SCRIPTS[name]
    assert re.search(rf"\b{path.split()[-1]}\b", script)
    for option in options(path):
        spelling = f"-l {option[2:]} " if option.startswith("--") else f"-s {option[1:]} "
        assert (spelling if name == "xats.fish" else option) in script


def test_the_manual_names_every_verb_variable_and_exit_code():
    manual = plain(MANUAL)
    for path in verbs.VERBS:
        assert f"xats-{path.replace(' ', '-')}(1)" in manual
    for text in (manual, REFERENCE):
        named = set(re.findall(r"XATS_[A-Z_]+", text))
        used = {
            name for file in (ROOT / "xats").rglob("*.py") for name in re.findall(r'"(XATS_[A-Z_]+)"', file.read_text())
        }
        assert used - INTERNAL <= named
    codes = sorted(value for name, value in vars(errors).items() if name.isupper() and type(value) is int)
    table = REFERENCE.partition("\n## Exit codes\n")[2]
    assert re.findall(r"^\| (\d+) \|", table, re.MULTILINE) == [str(code) for code in codes]
    assert re.findall(r"^\.TP\n(\d+)\n", manual, re.MULTILINE) == [str(code) for code in codes]


def test_hidden_options_stay_hidden():
    for text in (page_of("daemon run"), REFERENCE, *SCRIPTS.values()):
        assert "lock-file" not in text.replace("\\-", "-")


# -- the tree ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["", *verbs.VERBS])
def test_help_shows_an_example(path, capsys):
    assert tree.run([*path.split(), "--help"]) == 0
    assert "Example: xats" in capsys.readouterr().out


@pytest.mark.parametrize("path", verbs.VERBS)
def test_an_example_can_be_typed(path):
    found = examples(path)
    assert found
    for example in found:
        parts = [shlex.split(part) for part in re.split(r"&&|\|\|?", example)]
        typed = [words for words in parts if words[0] == "xats"]
        assert typed
        for words in typed:
            whole = " ".join(words[1:3]) if words[1] in verbs.GROUPS else words[1]
            tree.as_command(whole).make_context(whole, words[1 + len(whole.split()) :])
    assert any(f"xats {path}" in example for example in found)


def test_the_examples_of_the_manual_quote_texts_as_a_shell_leaves_them():
    """In double quotes a shell runs backticks and $()."""
    shown = re.findall(r"^\$ (xats .*)$", MANUAL, re.M)
    assert len(shown) > 5
    assert [line for line in shown if "\\(dq" in line] == []


@pytest.mark.parametrize("path", verbs.VERBS)
def test_the_table_has_the_beginning_of_the_docstring(path):
    summary = verbs.VERBS[path][3]
    first = inspect.getdoc(function(path)).split("\n\n")[0].replace("\n", " ")
    assert summary.endswith(".")
    assert re.match(re.escape(summary[:-1]) + r"(\.|:)", first), first


def test_every_option_has_a_help_of_its_own():
    for path in verbs.VERBS:
        for one in tree.as_command(path).params:
            assert one.help or one.hidden, (path, one.name)


# -- sound -------------------------------------------------------------------------------------------------------------

PAGES = sorted((ROOT / "man").glob("*.1"))


def test_groff_has_nothing_to_complain_about():
    if not shutil.which("groff"):
        pytest.skip("groff is not installed: the man pages are not rendered")
    words = ["groff", "-ww", "-man", "-Tutf8", *map(str, PAGES)]
    done = subprocess.run(words, capture_output=True, text=True, timeout=120, check=True)
    assert done.stderr == ""
    assert "xats send bob 'The parser is ready' -s Parser" in done.stdout


def test_mandoc_has_nothing_to_complain_about():
    if not shutil.which("mandoc"):
        pytest.skip("mandoc is not installed: the man pages are not linted")
    words = ["mandoc", "-Tlint", "-Wwarning", *map(str, PAGES)]
    done = subprocess.run(words, capture_output=True, text=True, timeout=120, check=False)
    # They bear no date, so that the same tree always gives the same pages.
    assert [line for line in done.stdout.splitlines() if "missing date" not in line] == []


def test_roff_takes_no_text_for_a_request(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "tools"))
    text = import_module("manpages").text
    assert text(".TH it's a \\n -x") == "\\&.TH it\\(aqs a \\en \\-x"
    assert text("'br")[0] != "'"


@pytest.mark.parametrize(("shell", "script"), [("bash", "xats.bash"), ("zsh", "_xats"), ("fish", "xats.fish")])
def test_a_shell_can_read_its_script(shell, script):
    if not shutil.which(shell):
        pytest.skip(f"{shell} is not installed: its script is not parsed")
    words = [shell, "-n", str(ROOT / "completions" / script)]
    done = subprocess.run(words, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, "")
