"""How an agent's shell calls xats, and the line that says so."""

import os
import shlex
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xats.base import calling
from xats.core.waking.wakes import Pending
from xats.delivery.envelope import LONGEST, can_name, wake_line

ONE = Pending(1, 1, ("alice",), 1)
MANY = Pending(10**6, 99, ("a" * 64, "b" * 64, "c" * 64), 1)


@pytest.fixture
def program(tmp_path, monkeypatch):
    """A program called xats in a folder of its own, which is the one that runs."""
    folder = tmp_path / "bin"
    folder.mkdir()
    path = folder / "xats"
    path.write_text("#!/bin/sh\necho it runs: $*\n")
    path.chmod(0o755)
    monkeypatch.setattr(sys, "argv", [str(path)])
    return path


def test_a_shell_calls_by_the_name_what_is_in_its_path(program):
    assert calling.path_for({"PATH": f"/nowhere:{program.parent}"}) == "xats"
    assert calling.find({"PATH": f"/nowhere:{program.parent}"}) == str(program)


@pytest.mark.parametrize("entries", ["/nowhere", "", "bin", ".:bin:", "{}x"])
def test_a_shell_calls_by_its_path_what_it_does_not_find(program, entries, monkeypatch):
    monkeypatch.chdir(program.parent.parent)  # a folder that is not absolute is found from here alone
    assert calling.path_for({"PATH": entries.format(program.parent)}) == str(program)


def test_neither_a_folder_nor_a_file_that_cannot_be_run_is_a_program(program):
    environ = {"PATH": str(program.parent)}
    program.chmod(0o644)
    assert calling.find(environ) is None or os.access(program, os.X_OK)
    program.unlink()
    program.mkdir()
    assert calling.find(environ) is None


def test_a_login_shell_finds_what_is_in_a_usual_folder(program, tmp_path):
    environ = {"PATH": str(program.parent), "HOME": str(tmp_path)}
    assert calling.path_for(environ, login=True) == str(program)
    usual = tmp_path / ".local" / "bin"
    usual.parent.mkdir()
    program.parent.rename(usual)
    assert calling.path_for({**environ, "PATH": str(usual)}, login=True) == "xats"


def test_what_python_runs_is_called_by_the_program_beside_it(program, monkeypatch):
    monkeypatch.setattr(sys, "argv", [str(program.parent / "runner.py")])
    monkeypatch.setattr(sys, "executable", str(program.parent / "python"))
    assert calling.path_for({"PATH": "/nowhere"}) == str(program)
    program.unlink()
    assert calling.path_for({"PATH": "/nowhere"}) is None


@given(st.text(st.characters(min_codepoint=32, max_codepoint=0x2FF), max_size=30))
def test_a_path_is_one_word_of_a_shell_or_is_not_named(name):
    path = f"/{name}/xats"
    word = calling.spelled(path)
    assert shlex.split(word) == ([path] if path.isprintable() else ["xats"])


def test_a_path_with_spaces_and_quotes_runs_as_it_is_spelled(tmp_path, program):
    folder = tmp_path / "it's a `folder`; $(exit 3)"
    program.parent.rename(folder)
    line = wake_line(ONE, str(folder / "xats"))
    ran = subprocess.run(["sh", "-c", line.partition("run: ")[2]], capture_output=True, text=True, check=False)
    assert ran.stdout == "it runs: inbox\n", line


# -- the line ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "path, line",
    [
        (None, "xats: 1 new from alice - run: xats inbox"),
        ("xats", "xats: 1 new from alice - run: xats inbox"),
        ("/opt/x/bin/xats", "xats: 1 new from alice - run: /opt/x/bin/xats inbox"),
        ("/opt/my tools/xats", "xats: 1 new from alice - run: '/opt/my tools/xats' inbox"),
        ("/home/jürgen/xats", "xats: 1 new from alice - run: xats inbox"),
        ("/a\nb/xats", "xats: 1 new from alice - run: xats inbox"),
        ("/a@b/xats", "xats: 1 new from alice - run: xats inbox"),
        ("bin/xats", "xats: 1 new from alice - run: xats inbox"),
        (f"/{'d' * 160}/xats", f"xats: 1 new - run: /{'d' * 160}/xats inbox"),
        (f"/{'d' * 300}/xats", "xats: 1 new from alice - run: xats inbox"),
    ],
)
def test_the_line_names_the_path(path, line):
    assert wake_line(ONE, path) == line
    assert calling.is_wake(line)


@given(st.text(max_size=250), st.sampled_from([ONE, MANY]))
def test_the_line_is_one_short_line_of_plain_ascii_whatever_the_path(name, pending):
    path = f"/{name}/xats"
    line = wake_line(pending, path)
    assert line.isascii()
    assert line.isprintable()
    assert len(line) <= LONGEST
    assert calling.is_wake(line)
    assert (calling.spelled(path) in line) == can_name(path) or not path.isprintable()


@pytest.mark.parametrize("text", ["", "run the tests", "to read: xats inbox", "xats: 1 new - run: cat inbox"])
def test_other_texts_are_no_wake(text):
    assert not calling.is_wake(text)


@pytest.mark.parametrize("word", ["a b", "it's", "a\nb", "\x1b]0;t\x07'\\", "\udcff1", "caf\udce9 é", "é\u200bb\x9b"])
def test_a_quoted_word_is_printable_and_a_shell_reads_it(word):
    said = calling.quoted(word)
    assert said.isprintable()
    ran = subprocess.run(["bash", "-c", f"printf %s {said}"], capture_output=True, check=True)
    assert ran.stdout == os.fsencode(word)
