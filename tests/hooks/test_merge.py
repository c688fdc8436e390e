"""Entries are put into any settings and taken out again, and nothing else changes, not even a blank."""

import json
import os
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.texts import MERGED, OTHER, VALUES, WORDS, handlers, real, settings, written
from xats.hooks import clients
from xats.hooks.install import command, json_edit, json_parse, merge

CLIENTS = st.sampled_from(MERGED)
GUARDED = [one.name for one in clients.CLIENTS if one.guarded]


def load(text, client):
    """Read by another reader than that of the program under test, with the comments taken out first."""
    if client.comments:
        text = scan_out_comments(text)
    return json.loads(text.removeprefix("\ufeff"))


def scan_out_comments(text):
    out, at, quoted = [], 0, False
    while at < len(text):
        if quoted:
            step = 2 if text[at] == "\\" else 1
            quoted = text[at] != '"'
            out.append(text[at : at + step])
        elif text.startswith("//", at):
            step = len(text[at:].split("\n", 1)[0])
        elif text.startswith("/*", at):
            step = text.index("*/", at) + 2 - at
        else:
            quoted, step = text[at] == '"', 1
            out.append(text[at])
        at += step
    return "".join(out)


def mine(handler, client, verbs=merge.VERBS):
    return any(command.words_of(handler.get(client.command), client, verb) for verb in verbs)


def others(value, client):
    """What is left without ours and without what is empty, as a list of pairs, so that order counts."""
    kept = []
    for event, groups in value.get("hooks", {}).items():
        left = []
        for group in groups:
            if client.form == "flat":
                left += [] if mine(group, client) else [group]
                continue
            inner = [one for one in group["hooks"] if not mine(one, client)]
            if inner or not group["hooks"]:
                left.append([(name, inner if name == "hooks" else one) for name, one in group.items()])
        if left:
            kept.append((event, left))
    return [(name, one) for name, one in value.items() if name not in ("hooks", "version")], kept


@st.composite
def cases(draw):
    client = draw(CLIENTS)
    value = draw(settings(client))
    return client, value, draw(written(value, client.comments))


# -- putting in --------------------------------------------------------------------------------------------------------


@given(cases(), st.sampled_from([WORDS, OTHER]))
def test_old_and_ours_and_nothing_else(case, words):
    client, value, text = case
    new = merge.add(text, client, words)
    after = load(new, client)
    assert repr(others(after, client)) == repr(others(value, client))
    assert after.get("version") == (value.get("version", 1) if client.version else value.get("version"))
    for hook in client.events:
        groups = after["hooks"][hook.event]
        found = [
            (group.get("matcher", ""), one)
            for group in groups
            for one in (group["hooks"] if client.form == "groups" else [group])
            if mine(one, client, (hook.verb,))
        ]
        wanted = client.handler(hook, command.line(words, client, hook.verb))
        assert [one for _, one in found] == [wanted]
        assert found[0][0] in ((hook.matcher, "*") if not hook.matcher else (hook.matcher,))
    assert len(merge.ours(after, client)) == len(client.events)


@given(cases())
def test_twice_is_once(case):
    client, _, text = case
    new = merge.add(text, client, WORDS)
    assert merge.add(new, client, WORDS) == new


@given(cases())
def test_ours_are_last_where_there_were_none(case):
    client, value, text = case
    after = load(merge.add(text, client, WORDS), client)
    for hook in client.events:
        before = value.get("hooks", {}).get(hook.event, [])
        if not any(one.event == hook.event for one in merge.ours(value, client)):
            entries = [
                client.entry(one, command.line(WORDS, client, one.verb))
                for one in client.events
                if one.event == hook.event
            ]
            assert after["hooks"][hook.event] == [*before, *entries]


@given(cases())
def test_every_character_of_others_stays_as_it_is(case):
    """What was there is in the new text character by character, in order: only pieces were put between.

    But for blanks: those in an empty list are gone.
    """
    client, value, text = case
    if merge.ours(value, client):
        return
    new = merge.add(text, client, WORDS)
    rest = iter(new)
    assert all(any(one == other for other in rest) for one in text if one not in json_parse.SPACE)


# -- taking out --------------------------------------------------------------------------------------------------------


def full(value):
    """Tell whether nothing in the hooks is empty, for what was empty cannot be known without the text from before."""
    hooks = value.get("hooks", {1: 1})
    return bool(hooks) and all(groups != [] for groups in hooks.values())


@given(cases())
def test_taken_out_to_the_byte(case):
    client, value, text = case
    if merge.ours(value, client):
        return
    new = merge.remove(merge.add(text, client, WORDS), client, text)
    if full(value) and value:
        assert new == text
    after = load(new, client)
    assert repr(after) == repr(value)


@given(cases())
def test_taken_out_and_nothing_else(case):
    client, value, text = case
    new = merge.remove(text, client)
    after = load(new, client)
    assert merge.ours(after, client) == []
    assert repr(others(after, client)) == repr(others(value, client))
    if not merge.ours(value, client):
        assert new == text
    assert merge.remove(new, client) == new


@given(cases(), st.data())
def test_taken_out_of_what_others_changed_meanwhile(case, data):
    client, value, text = case
    if merge.ours(value, client):
        return
    between = json.loads(json.dumps(load(merge.add(text, client, WORDS), client)))
    between["new"] = data.draw(VALUES)
    event = data.draw(st.sampled_from([hook.event for hook in client.events]))
    one = data.draw(handlers(client).filter(lambda one: not mine(one, client)))
    between["hooks"][event].insert(0, {"hooks": [one]} if client.form == "groups" else one)
    after = load(merge.remove(data.draw(written(between)), client, text), client)
    assert repr(others(after, client)) == repr(others(between, client))
    assert merge.ours(after, client) == []


# -- the files of real programs ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("client", MERGED, ids=lambda one: one.name)
def test_a_real_file(client):
    text = real(client.name)
    new = merge.add(text, client, WORDS)
    added = [line for line in new.splitlines() if "xats" in line]
    assert len([line for line in added if "hook run" in line or "hook wait" in line]) == len(client.events)
    assert ("\r\n" in new) == ("\r\n" in text)
    assert new.replace("\r\n", "").count("\n") == (0 if "\r\n" in text else new.count("\n"))
    assert new.endswith(text[-1:])
    assert merge.remove(new, client, text) == text


def test_an_empty_file_and_one_that_is_not_there():
    client = clients.find("cursor")
    assert json.loads(merge.add("", client, WORDS)) == merge.whole(client, WORDS)
    assert merge.add(" \n", client, WORDS) == merge.add("", client, WORDS)


def test_one_line_stays_one_line():
    text = '{"model":"opus","hooks":{"Stop":[{"hooks":[{"type":"command","command":"x"}]}]}}'
    client = clients.find("claude-code")
    new = merge.add(text, client, WORDS)
    assert "\n" not in new
    assert '": ' not in new
    assert merge.remove(new, client, text) == text


@pytest.mark.parametrize(
    "text", ['{\n  "a": 1 // about a\n}\n', '{"a": 1 // about a\n}\n', '{\n  "a": 1 /* about a */\n}']
)
def test_a_comment_stays_with_what_it_is_about(text):
    client = clients.find("gemini")
    new = merge.add(text, client, WORDS)
    assert "about a" in new.split('"hooks"')[0]
    assert new.startswith(text.split("1")[0] + "1, /")
    assert merge.remove(new, client, text) == text


# -- ours, and what only looks like it ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "given, ours",
    [
        ("/opt/xats hook run codex", True),
        ("'/opt/a b/xats' hook run codex", True),
        ("/opt/python -P -m xats hook run codex", True),
        ("/opt/python -P -E /opt/lib/xats/runner.py hook run codex", True),
        ("PYTHONPATH= PYTHONHOME= PYTHONSAFEPATH=1 /opt/xats hook run codex", True),
        ("PYTHONPATH=/own /opt/xats hook run codex", False),
        ("/opt/python -P -E xats/runner.py hook run codex", False),
        ("/opt/python -P -E /opt/lib/other.py hook run codex", False),
        ("xats hook run codex", False),
        ("/opt/xats hook run gemini", False),
        ("/opt/xats  hook run codex", False),
        ("/opt/xats hook run codex # mine", False),
        ("/opt/xats hook run codex && true", False),
        ("/opt/notxats hook run codex", False),
        ("/opt/python -m xats hook run codex", False),
        ("env A=1 /opt/xats hook run codex", False),
        ("/opt/xats 'hook run codex", False),
        ("hook run codex", False),
        ("", False),
        (None, False),
        (7, False),
    ],
)
def test_what_is_ours(given, ours):
    assert (command.words_of(given, clients.find("codex")) is not None) == ours


def test_one_that_is_there_stays_in_its_place():
    """Codex knows what its user has approved by the position in the list."""
    client = clients.find("codex")
    old = {"hooks": [{"type": "command", "command": "/old/xats hook run codex", "timeout": 99}]}
    before, after = ({"hooks": [{"type": "command", "command": one}]} for one in ("first", "last"))
    text = json.dumps({"hooks": {"Stop": [before, old, after]}}, indent=2)
    new = json.loads(merge.add(text, client, WORDS))["hooks"]["Stop"]
    assert [new[0], new[2], len(new)] == [before, after, 3]
    assert new[1] == client.entry(client.events[5], command.line(WORDS, clients.find("codex")))


def test_what_an_older_version_put_in_goes():
    client = clients.find("claude-code")
    old = {"hooks": [{"type": "command", "command": "/old/xats hook run claude-code"}]}
    new = merge.add(json.dumps({"hooks": {"PreCompact": [old], "Stop": [old]}}), client, WORDS)
    assert "/old/xats" not in new
    assert "PreCompact" not in new


# -- what is refused ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text, line, column, said",
    [
        ('{"a": 1,\n "a": 2}', 2, 2, "second time"),
        ('{"a": 1,}', 1, 8, "comma before }"),
        ('{"a": [1,\n]}', 1, 9, "comma before ]"),
        ("{\n  // why\n}", 2, 3, "comment"),
        ("[]", 1, 1, "must be an object"),
        ('{"hooks": []}', 1, 11, "hooks must be an object"),
        ('{"hooks": null}', 1, 11, "hooks must be an object"),
        ('{"hooks": {"Stop": {}}}', 1, 20, "hooks.Stop must be a list"),
        ('{"hooks": {"Stop": [1]}}', 1, 21, "hooks.Stop[0] must be an object"),
        ('{"hooks": {"Stop": [{"hooks": {}}]}}', 1, 31, "hooks.Stop[0].hooks must be a list"),
        ('{"a": 01}', 1, 8, "comma or }"),
        ('{"a": NaN}', 1, 7, "value is missing"),
        ('{"a": "\n"}', 1, 7, "string without an end"),
        ('{"a": "\\x"}', 1, 7, "must be escaped"),
        ('{"a": 1', 1, 8, "ends too early"),
        ('{"a" 1}', 1, 6, "colon"),
        ("{a: 1}", 1, 2, "name in quotes"),
        ("{} {}", 1, 4, "after the end"),
        ('{"a": ' + "[" * 300 + "]" * 300 + "}", 1, 207, "nested values"),
        ("\ufeff\ufeff{}", 1, 1, "value is missing"),
    ],
)
def test_what_is_refused_is_told_with_its_place(text, line, column, said):
    with pytest.raises(json_parse.ParseError) as caught:
        merge.add(text, clients.find("claude-code"), WORDS)
    assert said in str(caught.value)
    assert (caught.value.line, caught.value.column) == (line, column)


@given(st.text(st.sampled_from('{}[]",:1ea\\/* \n-.truefalsn'), max_size=30))
def test_the_reader_agrees_with_another(text):
    try:
        other = json.loads(text, object_pairs_hook=lambda pairs: pairs)
        twice = any(len({name for name, _ in one}) < len(one) for one in pairs_of(other))
    except ValueError:
        other, twice = None, True
    try:
        json_parse.parse(text)
        assert not twice
    except json_parse.ParseError:
        assert twice or "NaN" in text or "Infinity" in text


def pairs_of(value):
    """Yield every object of what `json` read as pairs."""
    if isinstance(value, list) and value and all(isinstance(one, tuple) for one in value):
        yield value
        for _, inner in value:
            yield from pairs_of(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from pairs_of(inner)


@pytest.mark.parametrize("client", GUARDED)
def test_a_program_that_is_gone_forbids_nothing(client):
    """These take any code but 0 and 1 for a no; that of a shell that does not find the program is 127."""
    done = subprocess.run(
        ["/bin/sh", "-c", command.line(("/nowhere/xats",), clients.find(client))], capture_output=True, check=False
    )
    assert done.returncode == 0


@pytest.mark.parametrize("client", GUARDED)
def test_a_program_that_is_late_ends_with_its_shell(tmp_path, client):
    """And it has what the hook is told."""
    program = tmp_path / "xats"
    program.write_text("#!/bin/sh\ncat\nexec sleep 600\n")
    program.chmod(0o755)
    shell = subprocess.Popen(
        ["/bin/sh", "-c", command.line((str(program),), clients.find(client))],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    shell.stdin.write(b"told\n")
    shell.stdin.close()
    assert shell.stdout.readline() == b"told\n"
    shell.terminate()
    assert shell.stdout.read() == b""  # nobody holds it open any more
    shell.stdout.close()
    assert shell.wait(timeout=20) == 0


@pytest.mark.parametrize("client", [one.name for one in clients.CLIENTS if one.form != "plugin"])
def test_a_line_keeps_the_modules_of_a_project_out(tmp_path, client):
    """An agent program gives its hooks the environment and the folder of the project."""
    program = tmp_path / "xats"
    show = "import sys, os; print(sys.flags.safe_path, 'project' in str(sys.path))"
    program.write_text(f"#!{sys.executable}\n{show}\n")
    program.chmod(0o755)
    project = tmp_path / "project"
    project.mkdir()
    environ = {**os.environ, "PYTHONPATH": str(project), "PYTHONHOME": "/nowhere"}
    for words in ((str(program),), (sys.executable, "-P", "-E", str(program))):
        line = command.line(words, clients.find(client))
        done = subprocess.run(
            ["/bin/sh", "-c", line], cwd=project, env=environ, capture_output=True, text=True, check=False
        )
        assert done.stdout == "True False\n", (line, done)


def test_which_lines_are_ours():
    ours = ("/opt/xats",)
    assert command.words_of(command.line(ours, clients.find("gemini")), clients.find("gemini")) == ours
    assert command.words_of("/opt/xats hook run gemini", clients.find("gemini")) == ours  # as it was written earlier
    assert command.words_of("/opt/xats hook run codex", clients.find("codex")) == ours
    assert (
        command.words_of(command.line(ours, clients.find("gemini")).replace("gemini", "codex"), clients.find("codex"))
        is None
    )
    assert command.words_of("/opt/xats hook run gemini || false", clients.find("gemini")) is None
    assert command.words_of(command.line(ours, clients.find("gemini")) + " ", clients.find("gemini")) is None


def test_a_change_of_anything_else_is_refused(monkeypatch):
    """The text is read again before it is written: a fault in the editing must not damage a person's settings."""
    client, words = clients.find("claude-code"), ("/bin/xats",)
    append, remove = json_edit.append, json_edit.remove
    installed = merge.add('{"a": 1}', client, words)
    monkeypatch.setattr(json_edit, "append", lambda *given: append(*given).replace('"a": 1', '"a": 2'))
    with pytest.raises(json_parse.ParseError, match="without changing something else"):
        merge.add('{"a": 1}', client, words)
    monkeypatch.setattr(json_edit, "remove", lambda *given: remove(*given).replace('"a": 1', '"a": 2'))
    with pytest.raises(json_parse.ParseError, match="without changing something else"):
        merge.remove(installed, client)
