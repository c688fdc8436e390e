"""A body that is missing on a terminal is written in the editor of the person; no text that was written is lost."""

import re

import pytest

from tests.support.steady import unfolded

CUT = "# ------------------------ >8 ------------------------"


@pytest.fixture
def desk(xats, crew, tmp_path):
    return Desk(xats, crew, tmp_path)


class Desk:
    """A person, kim, at a terminal, and an editor that a script plays."""

    def __init__(self, xats, crew, tmp_path) -> None:
        self.xats, self.crew = xats, crew
        self.texts = tmp_path / "texts"
        self.texts.mkdir()
        self.environ = {"USER": "kim", "LOGNAME": "kim", "TMPDIR": str(self.texts), "VISUAL": None, "EDITOR": None}
        crew.send("bob", "kim", "question", need_reply=True) if crew.register("kim", client="human") else None

    def editor(self, script: str, name: str = "EDITOR") -> None:
        """Let the editor be the shell script `script`, for which $1 is the file."""
        path = self.texts.parent / f"an {name}"
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)
        self.environ[name] = f"'{path}'"

    def run(self, *words, code=0) -> str:
        return self.xats.on_terminal(*words, env=self.environ, code=code)

    def bodies(self) -> list[str]:
        return [one["body"] for one in self.crew.rows("select body from messages where id > 1 order by id")]

    def kept(self) -> list[str]:
        return [path.read_text() for path in self.texts.iterdir()]


@pytest.mark.parametrize("words", [["send", "bob"], ["reply", "1"], ["broadcast"]], ids=" ".join)
def test_the_editor_opens_and_its_text_is_sent(desk, words):
    desk.editor("""cp "$1" "$1.seen"; printf '\\n# A heading\\n\\n@alice: text  \\n\\n' | cat - "$1.seen" > "$1" """)
    shown = desk.run(*words)
    assert desk.bodies() == ["# A heading\n\n@alice: text"]
    assert "#2 sent to " in shown
    (seen,) = desk.kept()  # the copy of the script; the file is gone
    assert seen.splitlines()[:2] == ["", CUT]
    assert {"send": "send the text to bob.", "reply": "as the answer to #1.", "broadcast": "to all."}[words[0]] in seen


def test_visual_comes_before_editor(desk):
    desk.editor("echo editor > $1")
    desk.editor("echo visual > $1", "VISUAL")
    desk.run("send", "bob", "-s", "Subject")
    assert desk.bodies() == ["visual"]


@pytest.mark.parametrize("script", ["true", "echo > $1", ": > $1"])
def test_an_empty_text_cancels(desk, script):
    desk.editor(script)
    assert "The text is empty, so the message is cancelled. Nothing was sent." in desk.run("send", "bob", code=1)
    assert (desk.bodies(), desk.kept()) == ([], [])


def test_an_editor_that_fails_keeps_the_text(desk):
    desk.editor("""printf 'long text\\n' | cat - "$1" > "$1.new"; mv "$1.new" "$1"; exit 3""")
    shown = desk.run("send", "bob", code=1)
    assert "The editor ended with exit code 3: " in unfolded(shown)
    assert (desk.bodies(), desk.kept()) == ([], ["long text\n\n"])
    path = re.search(r"your text is in (\S+); to send it, use --file \1", shown)[1]
    desk.run("send", "bob", "--file", path)
    assert desk.bodies() == ["long text\n\n"]


@pytest.mark.parametrize("script", ["exit 1", "kill -9 $$"])
def test_an_editor_that_fails_without_a_text_leaves_nothing(desk, script):
    desk.editor(script)
    assert "The editor ended with exit code " in desk.run("send", "bob", code=1)
    assert desk.kept() == []
    desk.environ["EDITOR"] = "no-such-editor"
    assert "exit code " not in desk.run("send", "bob", code=1)


@pytest.mark.parametrize("words", [["send", "bob"], ["ask", "bob"], ["reply", "1"]], ids=" ".join)
@pytest.mark.parametrize("name", ["VISUAL", "EDITOR"])
@pytest.mark.parametrize(
    "value, said",
    [
        ("nosuch", "There is no program nosuch in PATH, which "),
        ("'no such' -w", "There is no program no such in PATH, which "),
        ("/nowhere/vi", "There is no program /nowhere/vi that can be run, which "),
        ("/etc/passwd", "There is no program /etc/passwd that can be run, which "),
    ],
)
def test_an_editor_that_does_not_exist_is_named_with_its_variable(desk, words, name, value, said):
    desk.environ |= {"EDITOR": "also-missing", name: value}
    shown = unfolded(desk.run(*words, code=1))
    assert f"xats: {said}{name} names as the editor. Nothing was sent. name another one, as in: export {name}=" in shown
    assert "not found" not in shown  # as a shell would say it
    assert (desk.bodies(), desk.kept()) == ([], [])


@pytest.mark.parametrize("value", ["$HOME/ed", "LC_ALL=C true;"])
def test_a_shell_finds_what_only_a_shell_can_find(desk, value):
    desk.environ["EDITOR"] = value
    shown = desk.run("send", "bob", code=1)
    assert "There is no program" not in shown
    assert (desk.bodies(), desk.kept()) == ([], [])


def test_an_editor_that_vanishes_keeps_what_it_wrote(desk):
    desk.editor("""echo text > $1; exec ./gone""")
    shown = unfolded(desk.run("send", "bob", code=1))
    assert re.search(r"exit code 127: .* \(EDITOR\)\. Nothing was sent\.", shown)
    assert "your text is in " in shown
    assert (desk.bodies(), desk.kept()) == ([], ["text\n"])


def test_a_text_that_cannot_be_sent_is_kept(desk):
    desk.editor("""echo text > $1; printf 'a\\377' >> $1""")
    assert "not UTF-8" in desk.run("send", "bob", code=2)
    assert len(list(desk.texts.iterdir())) == 1
    desk.editor("echo text > $1")
    shown = desk.run("send", "bob", "--contract", "missing", code=3)
    assert "your text is in " in shown
    assert desk.bodies() == []


@pytest.mark.parametrize(
    "words, said",
    [
        (["send", "bbo"], "bob"),
        (["reply", "99"], "99"),
        (["send", "bob", "--ttl", "x"], "duration"),
        (["send", "bob", "--kind", "a b"], "kind"),
        (["send", "bob", "-s", "x" * 201], "subject"),
    ],
    ids=str,
)
def test_what_would_be_refused_is_refused_before_the_editor_opens(desk, words, said):
    desk.editor("echo opened; echo text > $1")
    shown = desk.run(*words, code=None)
    assert said in shown
    assert "opened" not in shown
    assert desk.kept() == []


def test_a_text_that_was_sent_is_not_kept_when_the_wait_ends(desk):
    desk.editor("echo text > $1")
    shown = desk.run("send", "bob", "--wait", "0s", code=124)
    assert "your text is in" not in shown
    assert (desk.bodies(), desk.kept()) == (["text"], [])


def test_ctrl_c_belongs_to_the_editor(desk):
    """A terminal sends SIGINT to the editor, to the shell that runs it, and to xats."""
    desk.editor("""
trap 'echo caught > "$1"' INT
above=$(ps -o ppid= -p $PPID)
case $(ps -o args= -p $above) in *"xats send bob"*) kill -INT $$ $PPID $above ;; esac
true""")
    desk.run("send", "bob")
    assert desk.bodies() == ["caught"]


def test_ask_opens_the_editor_and_then_waits_its_whole_time(desk):
    desk.editor("""sleep 1; cp "$1" "$1.seen"; echo 'Which port?' > $1""")
    shown = desk.run("ask", "bob", "--timeout", "0.5s", code=124)
    assert desk.bodies() == ["Which port?"]
    (seen,) = desk.kept()
    assert "send the text to bob, and wait for the reply." in seen
    assert "waiting up to " in shown and "No reply to #2 came from bob" in shown
    desk.editor("true")
    assert "The text is empty, so the message is cancelled." in desk.run("ask", "bob", code=1)
    assert desk.bodies() == ["Which port?"]


@pytest.mark.parametrize("words", [["send", "bob"], ["reply", "1"], ["broadcast"], ["ask", "bob"]], ids=" ".join)
def test_no_editor_opens_for_a_script_an_agent_or_json(desk, words):
    desk.editor("echo text > $1")
    refused = f"The {'question' if words[0] == 'ask' else 'body'} is missing. Nothing was sent."
    for more in ({}, {"CLAUDECODE": "1"}):
        ran = desk.xats(*words, "--as", "alice", env={**desk.environ, **more}, code=2)
        assert refused in ran.stderr
    assert refused in desk.run(*words, "--json", code=2)
    desk.environ["CLAUDECODE"] = "1"
    assert refused in desk.run(*words, "--as", "alice", code=2)
    assert desk.bodies() == []


def test_without_an_editor_the_error_says_how_to_get_one(desk):
    shown = desk.run("send", "bob", code=2)
    assert "The body is missing. Nothing was sent." in shown
    assert "with EDITOR set, xats opens that editor" in shown
