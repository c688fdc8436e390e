"""The word after --client: a name of a profile or of its program; one that contradicts what runs is refused."""

from __future__ import annotations

import os
import sys

import pytest

from xats.cli.kit import complete
from xats.cli.kit.context import Context

# A program of that name starts xats, as an agent does by its tool.
TOOL = """import os, subprocess, sys
sys.exit(subprocess.run([sys.executable, "-m", "xats", *sys.argv[1:]]).returncode)
"""


@pytest.fixture
def codex(xats):
    """Run xats by a program called codex."""
    path = xats.folder / "codex.py"
    path.write_text(TOOL)

    def run(*words, env=None, code=0):
        ran = xats.end(xats.start(env=env, command=[sys.executable, str(path), *words]))
        assert ran.code == code, ran
        return ran

    return run


def clients_of(xats) -> dict[str, str]:
    return {one["name"]: one["client"] for one in xats("agents", "--json").json()["agents"]}


def test_a_program_names_its_client(xats):
    for name, word in (("ann", "claude"), ("bob", "Codex"), ("cat", "cursor-agent"), ("dan", "generic")):
        xats("register", name, "--no-pane", "--client", word)
    assert clients_of(xats) == {"ann": "claude-code", "bob": "codex", "cat": "cursor", "dan": "generic"}


def test_a_word_that_is_no_client_is_refused(xats):
    refused = xats("register", "ann", "--no-pane", "--client", "claud", "--json", code=3)
    error = refused.error()
    assert (error["code"], error["hint"]) == ("not_found", "did you mean claude?")
    assert "claude-code, cline, codex, copilot" in error["message"]
    assert clients_of(xats) == {}


def test_a_client_of_the_user_is_one(xats):
    folder = xats.folder / "clients"
    folder.mkdir()
    (folder / "mine.toml").write_text('executables = ["my-bin"]\n')
    for name, word in (("ann", "mine"), ("bob", "my-bin")):
        xats("register", name, "--no-pane", "--client", word, env={"XATS_CLIENTS": str(folder)})
    assert clients_of(xats) == {"ann": "mine", "bob": "mine"}


def test_what_runs_here_is_detected_and_not_contradicted(xats, codex):
    error = codex("register", "ann", "--no-pane", "--client", "gemini", "--json", code=4).error()
    assert error["message"] == f"--client says gemini, but codex (pid {error['pid']}) runs here."
    assert error["hint"] == "leave --client out; to register it as gemini anyway: --force-client"
    assert (error["code"], error["detected"], error["client"]) == ("refused", "codex", "gemini")
    assert "human" in codex("register", "ann", "--no-pane", "--client", "human", code=4).stderr
    assert clients_of(xats) == {}
    codex("register", "ann", "--no-pane", "--client", "gemini", "--force-client")
    codex("register", "bob", "--no-pane", "--client", "codex")
    assert clients_of(xats) == {"ann": "gemini", "bob": "codex"}


def test_a_profile_for_the_program_that_runs_does_not_contradict_it(xats, codex):
    folder = xats.folder / "clients"
    folder.mkdir()
    (folder / "nightly.toml").write_text('scripts = ["codex"]\n')
    (folder / "looks.toml").write_text('prompts = ["% "]\n')
    for name, word in (("ann", "nightly"), ("bob", "looks"), ("cat", "generic")):
        codex("register", name, "--no-pane", "--client", word, env={"XATS_CLIENTS": str(folder)})
    assert clients_of(xats) == {"ann": "nightly", "bob": "looks", "cat": "generic"}


def test_the_other_verbs_that_name_a_client(xats):
    assert "# to change a field" in xats("client", "show", "claude").stderr
    assert xats("client", "show", "claud", code=3).stderr.splitlines()[1].strip() == "did you mean claude?"
    assert xats("hook", "status", "claude-code", "--json").json() == xats("hook", "status", "CLAUDE", "--json").json()


def test_tab_offers_profiles_of_the_user_too_and_no_store_is_needed(tmp_path, monkeypatch):
    monkeypatch.setenv("XATS_CLIENTS", str(tmp_path))
    monkeypatch.setenv("XATS_HOME", str(tmp_path / "none"))
    (tmp_path / "mine.toml").write_text('executables = ["my-bin"]\n')
    (tmp_path / "broken.toml").write_text("settle_ms = [")

    def values(prefix):
        return [value for value, _ in complete.complete(Context(), "client", prefix)]

    assert {"claude-code", "codex", "generic", "human", "mine"} <= set(values(""))
    assert (values("cla"), values("MI"), values("my-"), values("cursor-")) == (
        ["claude-code"],
        ["mine"],
        ["my-bin"],
        ["cursor-agent"],
    )
    assert not os.path.exists(tmp_path / "none")
