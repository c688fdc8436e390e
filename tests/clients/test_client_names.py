"""What is particular to one agent program stands in its file in xats/clients, and nowhere else."""

import ast
import importlib.util
import os
import sys

import pytest

from tools.rooms import modules, parsed
from xats.base import programs
from xats.clients import model

TOOLS = os.path.join(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))), "tools")
CLIENTS = [model.load(name) for name in programs.NAMES]
PROGRAMS = [one for one in CLIENTS if one.screen.executables]
# Words by which code could tell one program from the others.
WORDS = {word for one in PROGRAMS for word in (one.name, one.title, *one.screen.executables, *one.screen.scripts)}
WORDS |= {one.session_variable for one in PROGRAMS} | set(programs.MARKS)
WORDS -= {"", "cursor"}  # that one is a field of a screen as well, and is looked at below
# The room of the clients, what is written from it, and the code that a client's file names.
THEIRS = {"xats.base.programs"} | {one.inbox for one in PROGRAMS if one.inbox}
OTHERS = {name: path for name, path in modules().items() if not name.startswith("xats.clients") and name not in THEIRS}


def texts(tree: ast.Module):
    """Yield the texts of a module by which it could compare, look up or list.

    A docstring is none, nor is a word of a command that is shown as an example: `here.command("launch", "claude")`.
    """
    said = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "command":
            said |= {id(word) for word in node.args}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in said:
            yield node.value


def test_no_code_outside_the_clients_names_a_program():
    for module, path in OTHERS.items():
        assert sorted(set(texts(parsed(path))) & WORDS) == [], module


def test_nothing_is_compared_with_the_program_cursor():
    for module, path in OTHERS.items():
        for node in ast.walk(parsed(path)):
            if isinstance(node, (ast.Compare, ast.Match)):
                words = [one.value for one in ast.walk(node) if isinstance(one, ast.Constant)]
                assert "cursor" not in words, module


def test_a_name_would_be_found():
    tree = ast.parse('"""codex"""\nif name in ("codex", 1): pass\nWAYS = {"amp": 1}\ncall(f"{x}gemini")')
    assert set(texts(tree)) & WORDS == {"codex", "amp", "gemini"}
    assert len(OTHERS) > 150


@pytest.mark.parametrize("client", CLIENTS, ids=lambda one: one.name)
def test_a_client_is_described_under_one_name(client):
    assert model.load(client.screen.name) == client
    assert client.hooks is None or client.hooks.name == client.name
    assert bool(client.title) == bool(client.screen.executables)


@pytest.mark.parametrize("name", ["records", "model", "no-such", "../x", "", "claude_code", "os"])
def test_what_is_no_client_is_none(name):
    assert model.load(name) is None


def test_the_words_of_the_programs_are_those_of_their_files(monkeypatch):
    monkeypatch.setattr(sys, "path", [TOOLS, *sys.path])
    spec = importlib.util.find_spec("programs")
    assert spec and spec.loader
    made = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(made)
    with open(programs.__file__, encoding="utf-8") as file:
        assert file.read() == made.text()
