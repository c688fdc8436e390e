"""Hostile names, subjects and bodies reach nothing that would obey them: no terminal, no shell, no tmux, no pane."""

from __future__ import annotations

import json
import os
import pty
import re
import sys
import threading
import tty
from functools import partial
from itertools import pairwise
from types import SimpleNamespace

import pytest

from tests.delivery.conftest import until
from tests.support import documents
from tests.support.hostile import CLEAN, acting, storable, texts
from tests.support.stagehand import Person, play
from xats.base import host, process
from xats.base.errors import InvalidBody, InvalidName
from xats.cli.kit import documents as forms
from xats.cli.kit import render, views
from xats.core import address
from xats.core.agents.agents import Seat, Session
from xats.core.contracts import words as contract_words
from xats.core.mail import inbox
from xats.core.mail.sending import LARGEST_BODY, LARGEST_SUBJECT, Draft, send
from xats.core.waking.wakes import Pending
from xats.delivery import envelope, poke
from xats.delivery.settings import Settings
from xats.schemas.diff import diff
from xats.tmux import pane as panes
from xats.tmux import paste

MANY = 5000
HARMLESS = "\u2028\u2029\ufeff"  # in JSON, of which no reader takes a line for ours


def shown_on_a_terminal(monkeypatch, write):
    """Run `write()` with a raw terminal as its standard output; return what reached the terminal."""
    master, slave = pty.openpty()
    tty.setraw(slave)
    got = []

    def watch():
        try:
            while data := os.read(master, 1 << 16):
                got.append(data)
        except OSError:
            pass

    reader = threading.Thread(target=watch)
    reader.start()
    with monkeypatch.context() as patched, open(slave, "w", encoding="utf-8", newline="") as terminal:
        patched.setattr(sys, "stdout", terminal)
        patched.setenv("TERM", "xterm")
        write()
    reader.join()
    os.close(master)
    return b"".join(got).decode()


# -- names -------------------------------------------------------------------------------------------------------------


def test_a_name_is_clean_or_refused():
    accepted = 0
    for text in [*texts(MANY, 1), "a", "A.b-c_9", "x" * 64, "x" * 65, ".a", "-a", "é", "a\n", "all", "ME"]:
        clean = CLEAN.fullmatch(text) is not None and text.lower() not in address.RESERVED
        try:
            assert address.check_name(text) == text
            accepted += 1
            assert clean, text
        except InvalidName as problem:
            assert not clean, text
            assert acting(render.one_line(str(problem))) == []
    assert accepted >= 3


def test_an_address_means_clean_names_only():
    for text in texts(MANY, 2):
        for form in (text, f"role:{text}", f"bob@{text}", f"bob,{text}"):
            try:
                found = address.parse_list(form)
            except InvalidName as problem:
                assert acting(render.one_line(str(problem))) == []
                continue
            for one in found:
                assert all(CLEAN.fullmatch(word) for word in (one.name, one.team) if word), form


def test_a_folder_of_any_name_makes_a_clean_team():
    for text in texts(MANY, 3):
        team = address.slug(text)
        assert address.check_name(team, "team") == team


# A hostile name as every parameter that takes one, and nothing stored of it. {} is the name.
ENTRIES = {
    "register": (["register", "{}"], {}),
    "register --role": (["register", "dave", "--role", "{}"], {}),
    "register --client": (["register", "dave", "--client", "{}"], {}),
    "register --tag": (["register", "dave", "--tag", "{}"], {}),
    "register --cap": (["register", "dave", "--cap", "{}"], {}),
    "register --team": (["register", "dave", "--team", "{}"], {}),
    "register --pane": (["register", "dave", "--pane", "{}"], {}),
    "XATS_TEAM": (["register", "dave"], {"XATS_TEAM": "{}"}),
    "XATS_AGENT": (["send", "bob", "hi"], {"XATS_AGENT": "{}"}),
    "--as": (["send", "bob", "hi", "--as", "{}"], {}),
    "send": (["send", "{}", "hi", "--as", "alice"], {}),
    "send --kind": (["send", "bob", "hi", "--kind", "{}", "--as", "alice"], {}),
    "send --ttl": (["send", "bob", "hi", "--ttl", "{}", "--as", "alice"], {}),
    "broadcast --role": (["broadcast", "hi", "--role", "{}", "--as", "alice"], {}),
    "inbox --from": (["inbox", "--from", "{}", "--as", "bob"], {}),
    "inbox -n": (["inbox", "-n", "{}", "--as", "bob"], {}),
    "unregister": (["unregister", "{}"], {}),
    "show": (["show", "{}", "--as", "bob"], {}),
    "a verb": (["{}"], {}),
    "a second word": (["daemon", "{}"], {}),
    "an option": (["inbox", "--{}", "--as", "bob"], {}),
    "client show": (["client", "show", "{}"], {}),
    "schema": (["schema", "{}"], {}),
    "send --contract": (["send", "bob", "{}", "--contract", "{}", "--as", "alice"], {}),
    "contract put": (["contract", "put", "{}", "/dev/null", "--as", "alice"], {}),
    "contract put FILE": (["contract", "put", "order", "/nowhere/{}", "--as", "alice"], {}),
    "contract put --compat": (["contract", "put", "order", "/dev/null", "--compat", "{}", "--as", "alice"], {}),
    "contract get": (["contract", "get", "{}", "--as", "alice"], {}),
    "contract get @": (["contract", "get", "order@{}", "--as", "alice"], {}),
    "contract log": (["contract", "log", "{}", "--as", "alice"], {}),
    "contract diff": (["contract", "diff", "{}", "1", "2", "--as", "alice"], {}),
    "contract diff A": (["contract", "diff", "order", "{}", "2", "--as", "alice"], {}),
    "contract check": (["contract", "check", "{}", "/dev/null", "--as", "alice"], {}),
    "contract subscribe": (["contract", "subscribe", "{}", "--as", "alice"], {}),
    "contract unsubscribe": (["contract", "unsubscribe", "{}", "--as", "alice"], {}),
    "contract subscribers": (["contract", "subscribers", "{}", "--as", "alice"], {}),
    "contract rename": (["contract", "rename", "{}", "new", "--as", "alice"], {}),
    "contract retire": (["contract", "retire", "{}", "--as", "alice"], {}),
    "note put": (["note", "put", "{}", "x", "--as", "alice"], {}),
    "note put FILE": (["note", "put", "key", "--file", "/nowhere/{}", "--as", "alice"], {}),
    "note put --category": (["note", "put", "key", "x", "--category", "{}", "--as", "alice"], {}),
    "note put --ttl": (["note", "put", "key", "x", "--ttl", "{}", "--as", "alice"], {}),
    "note get": (["note", "get", "{}", "--as", "alice"], {}),
    "note get @": (["note", "get", "key@{}", "--as", "alice"], {}),
    "note list": (["note", "list", "{}", "--as", "alice"], {}),
    "note list --category": (["note", "list", "--category", "{}", "--as", "alice"], {}),
    "note log": (["note", "log", "{}", "--as", "alice"], {}),
    "note rm": (["note", "rm", "{}", "--as", "alice"], {}),
    "note pin": (["note", "pin", "{}", "--as", "alice"], {}),
    "note unpin": (["note", "unpin", "{}", "--as", "alice"], {}),
}
NAMES = [
    "\x1b]0;owned\x07",
    "\x9b201~\x9d0;x\x9c",
    "bob\x1b[201~\rtouch CANARY",
    "x\udc9b\udcff",
    "#(touch CANARY);$(touch CANARY)",
    "\u202ebob\u2066\u2028\x7f",
    "\x9b31m\x85\u202e\x7f",
]


@pytest.mark.parametrize("entry", ENTRIES)
def test_a_hostile_name_is_refused_everywhere(xats, crew, entry):
    words, environ = ENTRIES[entry]
    for number, text in enumerate(NAMES):
        line = [word.replace("{}", text) for word in words]
        env = {name: value.replace("{}", text) for name, value in environ.items()}
        json_too = ["--json"] if number % 2 else []
        if number % 4 < 2:
            shown = xats.on_terminal(*line, *json_too, env={**env, "USER": "carol"}, code=None)
            assert [char for char in acting(shown) if not json_too or char not in HARMLESS] == [], (text, shown)
            continue
        ran = xats(*line, *json_too, env=env, code=None)
        assert ran.code in (2, 3, 4), ran
        assert ran.stdout == "", ran
        assert [char for char in acting(ran.stderr) if not json_too or char < " "] == [], ran
    assert crew.see("bob", inbox.unread) == 0
    assert crew.rows("select * from contracts") == crew.rows("select * from contract_subscribers") == []
    assert crew.rows("select * from notes") == []
    known = [*crew.rows("select name, team, role, client from agents"), *crew.rows("select label from labels")]
    for word in {value for row in known for value in row.values() if value}:
        assert CLEAN.fullmatch(word), word


def test_a_folder_and_a_user_with_hostile_names(xats):
    for number, text in enumerate(texts(400, 4)[::9]):
        if "\0" in text or "/" in text or len(os.fsencode(text) if storable(text) else b"") not in range(1, 200):
            continue
        folder = xats.folder / text
        folder.mkdir(exist_ok=True)
        agent = xats("register", f"agent{number}", "--no-pane", "--json", cwd=folder).json()["agent"]
        assert CLEAN.fullmatch(agent["team"]), text
        if number % 4 == 0:
            shown = xats.on_terminal("whoami", "--team", "crew", env={"USER": text, "NO_COLOR": "1"}, code=None)
            assert acting(shown) == [], text


# -- subjects and bodies -----------------------------------------------------------------------------------------------


@pytest.fixture
def letters(team):
    """5,000 letters to bob, and what was sent."""
    team.add("alice", "bob")
    sent, refused = [], 0
    me = team.agent("alice")
    bodies, subjects = texts(MANY, 5), texts(MANY, 6)

    def some(tx, start):
        nonlocal refused
        for body, subject in zip(bodies[start : start + 500], subjects[start : start + 500], strict=True):
            try:
                send(tx, me, "pane", Draft("bob", body, subject, wake=False))
            except InvalidBody as problem:
                assert acting(render.one_line(str(problem))) == []
                short = len(subject) <= LARGEST_SUBJECT and "\n" not in subject
                assert not (storable(body + subject) and body.strip() and short), (body, subject)
                refused += 1
            else:
                sent.append((body, subject))

    for start in range(0, MANY, 500):
        team.store.write(lambda tx, start=start: some(tx, start))
    assert len(sent) > MANY / 3
    assert refused > MANY / 20
    found = team.see("bob", lambda tx, bob: inbox.peek(tx, bob, inbox.Query(MANY, 0, None, None, True)))
    assert [(one.message.body, one.message.subject) for one in found.letters] == [
        (body, subject or None) if subject == "" else (body, subject) for body, subject in sent
    ]
    return found.letters


def test_no_letter_acts_on_a_terminal(monkeypatch, letters):
    def write():
        for letter in letters:
            render.put(views.letter_text(letter, "crew", letter.message.sent_at, "xats reply {}".format))

    shown = shown_on_a_terminal(monkeypatch, write)
    assert acting(shown) == []
    assert "\x1b[1m" in shown  # it was a terminal
    lines = render_lines(shown)
    heads = [line for line in lines if line.startswith("#")]
    assert len(heads) == len(letters)
    assert all(re.fullmatch(r"#\d+ from alice - just now", head) for head in heads)
    marked = ("#", "  | ", "  Subject: ", "  needs a reply: xats reply ")
    assert [line for line in lines if line and not line.startswith(marked)] == []


def render_lines(shown):
    return re.sub(r"\x1b\[[012]?m", "", shown).rstrip("\n").split("\n")


def test_json_gives_back_what_was_sent_and_does_not_act_either(monkeypatch, letters):
    found = [{"messages": [forms.letter_json(one, "bob@crew") for one in letters[at::10]]} for at in range(10)]

    def write():
        for one in found:
            render.document(one)

    shown = shown_on_a_terminal(monkeypatch, write)
    assert [char for char in acting(shown) if char not in HARMLESS] == []
    assert "\t" not in shown
    assert [documents.parsed(one) for one in documents.split(shown)] == found
    assert [json.loads(render.to_json(one)) for one in found] == found


def test_a_hostile_schema_is_told_in_lines_that_are_ours():
    """Names, values and titles of a schema reach mail and a terminal through `contract_words`."""
    compared = 0
    words = [text for text in texts(MANY, 10) if storable(text)]
    for name, other in pairwise(words[:: len(words) // 150]):
        old = {"type": "object", "properties": {other: {"enum": [name]}}, "title": name}
        new = {"type": "object", "properties": {name: {"const": other}}, "required": [other], "description": other}
        for strict in (False, True):
            found = diff(old, new, strict)
            compared += len(found.changes)
            for line in contract_words.lines(found, 100):
                assert "\n" not in line
                assert acting(line) == [], line
    assert compared > 500


def test_a_table_is_one_row_for_each_row(monkeypatch, capsys):
    rows = [(text, number) for number, text in enumerate(texts(MANY, 7)) if storable(text)]
    render.table(("A", "B"), rows)
    piped = capsys.readouterr().out
    assert acting(piped) == []
    assert len(piped.split("\n")) == len(rows) + 1
    assert all(line.count("\t") == 1 for line in piped.split("\n")[:-1])
    shown = shown_on_a_terminal(monkeypatch, lambda: render.table(("A", "B"), rows[:500], stretch=("A",)))
    assert acting(shown) == []


LIMITS = [(LARGEST_BODY, 0), (LARGEST_BODY + 1, 2)]


@pytest.mark.parametrize(("size", "code"), LIMITS)
def test_a_huge_hostile_body(xats, crew, size, code):
    body = ("\x1b[201~\x9b\x01" * size)[: size // 2 - 1]
    body += "x" * (size - len(body.encode()))
    assert len(body.encode()) == size
    xats("send", "bob", "-", "--as", "alice", stdin=body, code=code)
    found = xats("inbox", "--peek", "--json", "--as", "bob").json()["messages"]
    assert [one["body"] for one in found] == [body] * (code == 0)
    assert acting(xats.on_terminal("inbox", "--peek", "--as", "bob")) == []


@pytest.mark.parametrize(
    "data", [b"\xff", b"a\xc3", b"\xed\xa0\x80", b"\xf8\x88\x80\x80\x80", b"\xc0\x80", b"ok\n\x9b2J"]
)
def test_bytes_that_are_no_text_are_refused(xats, crew, data):
    for line, stdin in ((["send", "bob", "-"], data), (["send", "bob", os.fsdecode(data)], None)):
        ran = xats(*line, "--as", "alice", stdin=stdin, code=2)
        assert "UTF-8" in ran.stderr
        assert acting(ran.stderr) == []
    ran = xats("send", "bob", "text", "-s", os.fsdecode(data), "--as", "alice", code=2)
    assert acting(ran.stderr) == []
    assert crew.see("bob", inbox.unread) == 0


# -- the real program on a real terminal -------------------------------------------------------------------------------

VERBS = [
    ["inbox", "--peek", "-n", "20"],
    ["inbox", "--all", "-n", "20", "--json"],
    ["thread", "{}"],
    ["show", "{}"],
    ["status", "{}"],
    ["status", "{}", "--json"],
    ["agents"],
    ["agents", "--json"],
    ["whoami"],
    ["events", "-n", "30"],
    ["events", "-n", "30", "--jsonl"],
    ["inbox", "-n", "20"],
]
COLOUR = re.compile(r"\x1b\[3[123]m")
ROUNDS = 8


def test_no_verb_acts_on_a_terminal(xats, crew):
    usable = [text for text in texts(2000, 8) if storable(text) and text.strip()]
    subjects = [text for text in usable if "\n" not in text and len(text) <= LARGEST_SUBJECT]
    # str.strip takes some controls for white space; only a space may stand around the names of a list.
    for hostile in ("bob,\x85alice", "bob\x1c", "\u2028bob", "role:dev,\x0bbob\x1f", "bob\n"):
        with pytest.raises(InvalidName):
            crew.send("alice", hostile)
    addresses = ["bob", "bob, alice", " bob", "me,bob ", "role:dev, bob"]
    crew.register("carol", role="dev", client="generic", model="\x1b]0;m\x07\x9b2J\u202e")
    seen = set()
    for number in range(ROUNDS):
        sent = [
            crew.send(
                "alice", addresses[at % 5], usable[number * 40 + at], subject=subjects[number * 40 + at]
            ).message.id
            for at in range(20)
        ]
        for verb in VERBS:
            who = "alice" if verb[0] in ("status", "agents", "events") else "bob"
            words = [word.replace("{}", str(sent[number])) for word in verb]
            # A colour of xats could hide one that a text has brought along, so every second round has none.
            shown = xats.on_terminal(*words, "--as", who, env={"NO_COLOR": "1"} if number % 2 else None)
            if not number % 2:
                shown = COLOUR.sub("", shown)
            as_json = "--json" in words or "--jsonl" in words
            assert [char for char in acting(shown) if not as_json or char not in HARMLESS] == [], (words, shown)
            seen.add(shown)
            if as_json:
                assert all(json.loads(one) for one in documents.split(shown))
    assert len(seen) > ROUNDS * 5


# -- the panes ---------------------------------------------------------------------------------------------------------

LONG = ("a" * 64, "b.-_" * 16, "9" * 64)
WAKES = [
    envelope.wake_line(Pending(unread, len(names), names[:3], 1))
    for unread, names in [(1, ("a",)), (10**9, LONG), (2, ("0.-_", "rm.-rf", "x--help")), (7, tuple("abcdefgh"))]
]
PATHS = ("/opt/my tools/xats", "/o'x #(touch CANARY) #{pane_pid} $(touch CANARY);/xats", f"/{'%H`' * 40}/xats")
WAKES += [envelope.wake_line(Pending(1, 1, ("a",), 1), path) for path in PATHS]
# What no wake can hold, and what would be typed if a store were forged: printable, but not to be obeyed.
FORGED = [
    "xats: 1 new from #(touch CANARY) - run: xats inbox",
    "xats: $(touch CANARY) `touch CANARY` ; touch CANARY",
    "xats: #{pane_pid} ##{x} #[fg=red] %H ' \" \\ ; \\;",
    "';touch CANARY;' #{?1,#(touch CANARY),} é日本 end;",
]
FLAGS = (
    "#{pane_title}|#{alternate_on}|#{mouse_any_flag}|#{mouse_standard_flag}|#{mouse_button_flag}|#{mouse_sgr_flag}"
    "|#{mouse_all_flag}|#{cursor_flag}|#{insert_flag}|#{keypad_flag}|#{keypad_cursor_flag}|#{origin_flag}|#{wrap_flag}"
    "|#{cursor_shape}|#{bracket_paste_flag}|#{scroll_region_upper}|#{scroll_region_lower}|#{pane_tabs}"
)


def wake(role, text):
    return role.attempt(line=lambda: text, token=f"wake-{len(role.sent)}")


def by_poke(role, text):
    seat = Seat(host.id(), *role.client, None, role.pane)
    agent = SimpleNamespace(client="claude-code", wake_by="tmux")
    return poke.poke(agent, Session(1, 1, 1, seat, 0, None), poke.sanitise(text)[0], Settings(quiet=50))


POKE = ("multi_line", "shell_command", "looks_like_dialog", "too_long", "full_screen", "no_wake")
POKES = [text for text in texts(200, 9) if storable(text) and poke.sanitise(text)[0].strip()][::9]
WAYS = [(wake, [*WAKES, *FORGED]), (by_poke, POKES)]


@pytest.mark.parametrize(("way", "lines"), WAYS, ids=["wake", "poke"])
def test_nothing_leaves_the_bracket(desk, way, lines):
    role = play(desk, "claude-code", width=200, height=50)
    before = desk.show(role.pane, FLAGS)
    arrived = 0
    for text in lines:
        entries = len(role._entries())
        outcome = way(role, text)
        role.do("clear")
        new = role._entries()[entries:]
        outside = "".join(one["got"] for one in new if "got" in one and "pasted" not in one)
        inside = "".join(one["got"] for one in new if "pasted" in one)
        clean = text if way is wake else poke.sanitise(text)[0]
        assert (inside, outside) in ((clean, "\r"), (clean, ""), ("", "")), text
        assert (outcome.state == "refused") == (inside == ""), text
        assert (outcome.state == "delivered") <= (outside == "\r"), text
        arrived += bool(inside)
    assert arrived > len(lines) / 2
    assert desk.show(role.pane, FLAGS) == before
    assert desk.buffers() == ""


def test_what_a_person_may_paste_is_never_obeyed():
    for text in texts(MANY, 10):
        kept, removed = poke.sanitise(text)
        assert [char for char in acting(kept) if not "\ud800" <= char <= "\udfff"] == [], text
        assert "\t" not in kept
        assert poke.sanitise(kept) == (kept, [])
        assert all(re.fullmatch(r"U\+[0-9A-F]{4,6}", one) for one in removed)


@pytest.mark.parametrize(("way", "lines"), WAYS, ids=["wake", "poke"])
def test_a_shell_gets_nothing(desk, way, lines):
    pane = desk.open("exec env PS1='at-bash$ ' HISTFILE= bash --norc --noprofile")
    until(lambda: "at-bash$" in desk.text(pane))

    client = (pane.pane_pid, process.started(pane.pane_pid))
    attempt = partial(paste.attempt, pane, quiet_ms=0, client=client)
    shell = SimpleNamespace(sent=(), pane=pane, client=client, attempt=attempt)
    before = desk.text(pane)
    for text in lines:
        assert way(shell, text).reason in ("shell_foreground", *POKE)
    assert desk.text(pane) == before
    assert desk.buffers() == ""


@pytest.mark.parametrize("text", ["x\x1b[201~y", "a\rb", "a\nb", "\x9b201~", "a\x7f", "\ud800"])
def test_a_line_of_a_forged_store_that_is_not_printable_is_not_pasted(desk, text):
    role = play(desk, "readline")
    with pytest.raises(ValueError, match="printable"):
        wake(role, text)
    assert role.got == []


def test_no_pane_option_runs_anything_in_a_status_line(desk, tmp_path):
    """A status line, a title and a border that show them run the formats they are made of, none in what they show."""
    canary, proof = tmp_path / "canary", tmp_path / "proof"
    role = play(desk, "readline", width=200, height=20)
    options = ("@xats_agent", "@xats_wake", "@xats_line", "@xats_unread")
    shows = " ".join(f"#{{{name}}}" for name in options)
    for option, value in [
        ("status-interval", "1"),
        ("status-right-length", "190"),
        ("status-right", f"{shows} #(touch {proof})"),
        ("status-left", shows),
        ("set-titles", "on"),
        ("set-titles-string", f"{shows} #T"),
    ]:
        desk.cmd("set-option", "-g", option, value)
    desk.cmd("set-option", "-g", "pane-border-status", "top")
    desk.cmd("set-option", "-g", "pane-border-format", shows)
    desk.cmd("set-option", "-g", "window-status-current-format", f"#W {shows}")
    attacks = [line.replace("CANARY", str(canary)) for line in FORGED]
    with Person(role):
        for number, text in enumerate(attacks):
            for name in options:
                panes.mark(role.pane, name, text)
            assert desk.show(role.pane, "#{@xats_agent}") == text
            proof.unlink(missing_ok=True)
            desk.cmd("refresh-client", "-S")
            until(proof.exists)  # the status line was made again, and formats in it are run
            assert not canary.exists(), number
        # As the guarded paste sets them.
        until(lambda: wake(role, attacks[0]).state == "delivered", 15)
        assert desk.show(role.pane, "#{@xats_line}") == attacks[0]
        proof.unlink(missing_ok=True)
        desk.cmd("refresh-client", "-S")
        until(proof.exists)
    assert not canary.exists()
