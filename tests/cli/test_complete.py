"""What Tab offers: `xats _complete` by itself, and the three scripts in real shells."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import shlex
import shutil
import signal
import sqlite3
import struct
import subprocess
import sys
import tempfile
import termios
import time
from pathlib import Path

import pytest

from tests.support.blank import new_store
from xats.cli.kit import complete, verbs
from xats.cli.kit.context import Context
from xats.core import candidates
from xats.core.agents import agents, registration
from xats.core.contracts import contracts
from xats.core.mail import sending
from xats.core.notes import notes
from xats.schemas.diff import Diff
from xats.store.open import open_store
from xats.store.sqlite.glance import glance

ROOT = Path(__file__).resolve().parents[2]
SCRIPTS = ROOT / "completions"
FOREIGN = ("XATS_", "TMUX", "CLAUDE", "CODEX", "GEMINI", "QWEN", "OPENCODE", "AMP_", "CURSOR_", "XDG_")
SHELLISH = "$(touch x) `touch x` ';touch x;' | touch x"
CONTROL = 'a:b \\n "%F{red}\x1b[31m\x07\u202e\tx\ny'
SHOWN = 'a:b \\n "%F{red}^[[31m^G\\u202e x\\ny'


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A home with an empty working directory, a `xats` on the PATH, and nothing of the caller's in the environment."""
    for name in [name for name in os.environ if name.startswith(FOREIGN)]:
        monkeypatch.delenv(name)
    (tmp_path / "bin").mkdir()
    (tmp_path / "work").mkdir()
    program = tmp_path / "bin" / "xats"
    program.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -P -m xats "$@"\n')
    program.chmod(0o755)
    monkeypatch.chdir(tmp_path / "work")
    values = {
        "HOME": str(tmp_path),
        "XATS_HOME": str(tmp_path / "state"),
        "XATS_AUTOSTART": "0",
        "PATH": f"{tmp_path / 'bin'}:{os.environ['PATH']}",
        "LC_ALL": "C.UTF-8",
        "PYTHONPATH": str(ROOT),
    }
    for name, value in values.items():
        monkeypatch.setenv(name, value)
    return tmp_path


@pytest.fixture
def store(home):
    """A store with three agents in team t, one in team pay, and hostile mail from alice to Bob."""
    made = open_store(new_store(str(home / "state" / "xats.db")))

    def fill(tx):
        seated = {
            name: registration.register(tx, team, name, changes, agents.Seat("elsewhere"), lambda _: None).details.agent
            for name, team, changes in (
                ("alice", "t", registration.Changes("dev", "codex", tags=("gpu",))),
                ("Bob", "t", registration.Changes("reviewer", "claude-code", capabilities=("rust",))),
                ("carol-Ann.2", "t", registration.Changes("dev", "human")),
                ("gone", "t", registration.Changes()),
                ("dora", "pay", registration.Changes()),
            )
        }
        for subject, body in (("Parser", "b"), (SHELLISH, "b"), (None, CONTROL)):
            sending.send(tx, seated["alice"], "flag", sending.Draft("bob", body, subject))
        registration.unregister(tx, seated["gone"])

    made.write(fill)
    yield made
    made.close()


def offered(kind, prefix="", **who):
    return complete.complete(Context(**{"team": "t", **who}), kind, prefix)


def values(kind, prefix="", **who):
    return [value for value, _ in offered(kind, prefix, **who)]


# -- candidates --------------------------------------------------------------------------------------------------------


def test_an_address_is_an_agent_a_group_or_a_list(store):
    assert offered("address") == [
        ("alice", "dev, codex"),
        ("Bob", "reviewer, claude-code"),
        ("carol-Ann.2", "dev, human"),
        ("all", "everybody in t"),
        ("me", "yourself"),
        ("role:dev", "2 agents"),
        ("role:reviewer", "1 agent"),
        ("tag:gpu", "1 agent"),
        ("cap:rust", "1 agent"),
        ("pool:dev", "one of 2 agents"),
        ("pool:reviewer", "one of 1 agent"),
    ]
    assert values("address", "BO") == ["Bob"]
    assert values("address", "ro") == ["role:dev", "role:reviewer"]
    assert values("address", "role:R") == ["role:reviewer"]
    assert values("address", "tag:") == ["tag:gpu"]
    assert values("address", "nobody") == []


def test_a_list_goes_on_with_whom_it_does_not_name_yet(store):
    assert values("address", "bob,a") == ["bob,alice", "bob,all"]
    assert values("address", "alice,role:dev,role:") == ["alice,role:dev,role:reviewer"]
    assert values("address", "Alice,al") == ["Alice,all"]


def test_behind_an_at_sign_stand_teams(store):
    assert offered("address", "dora@") == [("dora@pay", "1 agent"), ("dora@t", "3 agents")]
    assert values("address", "bob,role:dev@P") == ["bob,role:dev@pay"]


def test_agents_of_the_team_asked_for(store):
    assert values("agent") == ["alice", "Bob", "carol-Ann.2"]
    assert values("agent", team="pay") == ["dora"]
    assert values("address", "d", team="T") == []
    assert offered("name", "g") == [("gone", "generic, unregistered")]


def test_contracts_that_are_offered_and_their_versions(store):
    assert offered("contract-version", "order@") == []

    def put(tx):
        alice = agents.by_name(tx, "t", "alice")
        for name in ("order", "Order.item", "old"):
            contracts.put(tx, alice, contracts.New(name, "{}", note=SHELLISH, compat="full"), None)
        contracts.put(
            tx, alice, contracts.New("order", "true", allow_breaking=True), lambda _: Diff("breaking", "unknown", ())
        )
        contracts.retire(tx, alice, "old")

    store.write(put)
    assert offered("contract", "O") == [("order", "version 2, full"), ("Order.item", "version 1, full")]
    assert values("contract-version", "order.") == ["Order.item"]
    assert offered("contract-version", "ORDER@") == [
        ("order@2", "breaks writers, unknown for readers"),
        ("order@1", f"the first: {SHELLISH}"),
    ]
    assert values("contract-version", "order@1") == ["order@1"]
    assert values("contract-version", "old@") == ["old@1"]


def test_notes_that_are_offered_and_their_versions(store):
    def put(tx):
        alice = agents.by_name(tx, "t", "alice")
        for key, value in (("api/Errors", SHELLISH), ("style", "tabs"), ("style", "spaces")):
            notes.put(tx, alice, "flag", notes.New(key, value))

    store.write(put)
    assert offered("note", "API/") == [("api/Errors", "version 1, context")]
    assert values("note-version") == ["api/Errors", "style"]
    assert offered("note-version", "Style@") == [("style@2", "context, 6 bytes"), ("style@1", "context, 4 bytes")]
    assert values("note-version", "style@1") == ["style@1"]


def test_peers_are_those_of_the_agent_that_i_am(store):
    assert values("peer", "", team=None, as_name="dora@pay") == ["dora"]
    assert values("address", "d", team=None, as_name="dora@pay") == ["dora"]
    assert values("peer-role", team=None, as_name="dora@pay") == []


def test_roles_labels_and_teams(store):
    assert values("role") == ["dev", "reviewer"]
    assert values("peer-role", "d") == ["dev"]
    assert values("tag", "G") == ["gpu"]
    assert values("cap") == ["rust"]
    assert values("team") == ["pay", "t"]
    assert values("nonsense") == []


def test_ids_of_my_mail_the_unread_first(store):
    store.write(lambda tx: tx.run("update deliveries set state = 'read', read_at = 1 where message_id = 2"))
    found = offered("received", as_name="bob")
    assert [value for value, _ in found] == ["3", "1", "2"]
    assert found[1:] == [("1", "unread, alice: Parser"), ("2", f"read, alice: {SHELLISH}")]
    assert values("sent", as_name="bob") == []
    assert offered("sent", as_name="alice")[2] == ("1", "to bob: Parser")
    assert values("message", "3", as_name="alice") == ["3"]
    assert values("received", "9", as_name="bob") == []


def test_a_description_is_one_short_line_of_visible_characters(store):
    assert dict(offered("received", as_name="bob"))["3"] == f"unread, alice: {SHOWN}"
    store.write(lambda tx: tx.run("update messages set subject = :long", long="\x1b" * 200))
    (description,) = {text for _, text in offered("received", as_name="bob")}
    assert len(description) == complete.WIDEST
    assert description.endswith("^[…")


def test_a_value_that_a_shell_would_read_otherwise_is_not_offered(store):
    store.write(lambda tx: tx.run("update agents set name = '$(touch x)' where name_key = 'bob'"))
    assert "$(touch x)" not in values("agent")
    assert values("address", "$(touch x),al") == []


def test_at_most_so_many(store):
    def crowd(tx):
        for number in range(candidates.MOST + 20):
            seat = agents.Seat("elsewhere")
            registration.register(tx, "t", f"z{number}", registration.Changes(), seat, lambda _: None)

    store.write(crowd)
    assert len(values("address", "")) == candidates.MOST
    assert values("agent", "z219") == ["z219"]


def test_every_kind_that_the_scripts_ask_for_is_known():
    asked = set()
    for script in SCRIPTS.iterdir():
        for line in script.read_text().splitlines():
            words = line.replace("'", " ").replace(")", " ").split()
            if script.suffix == ".bash":
                asked |= {word.removeprefix("kind=") for word in words if word[:6] in ("kind=a", "kind=p", "kind=s")}
            asked |= {words[i + 1] for i, word in enumerate(words[:-1]) if word in ("_xats_ask", "(__xats_ask")}
    asked -= {word for word in asked if not word.replace("-", "").isalpha()}
    assert {"address", "agent", "pane", "peer-role", "sent", "received"} <= asked
    assert asked <= {*complete.KINDS, *complete.WITHOUT_STORE}


@pytest.mark.parametrize(
    ("sql", "extra"),
    [
        (candidates.AGENTS, {"team": "t", "gone": False, **candidates.bounds("a")}),
        (candidates.ROLES, {"team": "t", **candidates.bounds("a")}),
        (candidates.LABELS, {"team": "t", "kind": "tag", **candidates.bounds("a")}),
        (candidates.TEAMS, candidates.bounds("a")),
        (candidates.RECEIVED.format(only=""), {"me": 1, "most": 9, "now": 0, "sure": 0}),
        (candidates.RECEIVED.format(only="and d.state = 'unread'"), {"me": 1, "most": 9, "now": 0, "sure": 0}),
        (candidates.SENT, {"me": 1, "most": 9}),
    ],
)
def test_no_query_reads_a_whole_table(store, sql, extra):
    plan = store.read(lambda tx: [row["detail"] for row in tx.all(f"explain query plan {sql}", **extra)])
    assert plan
    assert not [step for step in plan if step.startswith("SCAN")]


# -- the command -------------------------------------------------------------------------------------------------------


def ask(*words):
    quiet = {"stdin": subprocess.DEVNULL, "capture_output": True, "text": True}
    done = subprocess.run(["xats", "_complete", *words], timeout=60, check=False, **quiet)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.splitlines()


def test_one_candidate_a_line(store):
    assert ask("agent", "b", "--team", "t") == ["Bob\treviewer, claude-code"]
    assert ask("agent", "b", "--team", "t", "--db", "~/state/xats.db") == ["Bob\treviewer, claude-code"]
    assert ask("agent", "b", "--team", "pay") == []
    assert len(ask("received", "", "--team", "t", "--as", "bob")) == 3


@pytest.mark.parametrize(
    "words",
    [
        (),
        ("agent",),
        ("nonsense", "x"),
        ("agent", "", "--team"),
        ("agent", "", "--team", "no team"),
        ("received", "", "--as", "nobody"),
        ("agent", "\udcff"),
        ("agent", "-x"),
    ],
)
def test_what_is_wrong_offers_nothing_and_says_nothing(store, words):
    assert ask(*words) == []


def test_without_a_store_nothing_is_offered_and_none_is_made(home):
    for kind in complete.KINDS:
        assert complete.main([kind, ""]) == 0
    assert ask("agent", "") == []
    assert not (home / "state").exists()


def test_a_file_that_is_no_store_is_left_alone(home):
    (home / "other").write_text("not a database, but long enough to be taken for one" * 99)
    os.mkfifo(home / "pipe")
    for name in ("other", "pipe", "work"):
        assert ask("agent", "", "--db", str(home / name)) == []
    assert sorted(path.name for path in home.iterdir()) == ["bin", "other", "pipe", "work"]


def test_a_locked_store_is_not_waited_for(rollback, store, capfdbinary):
    other = sqlite3.connect(store.path, isolation_level=None)
    other.execute("begin exclusive")
    began = time.monotonic()
    assert complete.main(["agent", "", "--team", "t"]) == 0
    took = time.monotonic() - began
    other.execute("rollback")
    other.close()
    assert capfdbinary.readouterr() == (b"", b"")
    assert took < 1  # a command would wait for 10 seconds


def test_asking_changes_no_byte(store):
    before = Path(store.path).read_bytes()
    ask("message", "", "--as", "bob", "--team", "t")
    assert Path(store.path).read_bytes() == before


def test_the_store_is_opened_so_that_it_cannot_be_written(rollback, store, home):
    with pytest.raises(sqlite3.OperationalError, match="readonly"):
        glance(store.path, 0.1, lambda tx: tx.run("delete from labels"))
    odd = home / "odd ?#%41&mode=rwc.db"
    shutil.copy(store.path, odd)
    assert ask("agent", "b", "--team", "t", "--db", str(odd)) == ["Bob\treviewer, claude-code"]


def test_a_store_in_wal_mode_is_read(store):
    store.close()
    other = sqlite3.connect(store.path)
    other.execute("pragma journal_mode = wal")
    other.close()
    assert ask("agent", "b", "--team", "t") == ["Bob\treviewer, claude-code"]


def test_tab_imports_nothing_that_is_slow(store):
    code = (
        "import sys; sys.path.insert(0, sys.argv.pop(1))\nfrom xats.__main__ import main; main()\nprint(*sys.modules)"
    )
    words = [sys.executable, "-S", "-c", code, str(ROOT), "_complete", "message", "", "--as", "bob", "--team", "t"]
    done = subprocess.run(words, capture_output=True, text=True, timeout=60, check=True)
    *candidates, last = done.stdout.splitlines()
    assert len(candidates) == 3
    slow = (
        "typer rich click json pydantic libtmux sqlite_utils argparse dataclasses inspect subprocess typing pathlib re"
    )
    assert {*slow.split()} & {*last.split()} == set()


@pytest.mark.skipif(not shutil.which("tmux"), reason="tmux is not installed")
def test_panes_of_the_server_that_the_shell_is_in(home, monkeypatch):
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:  # a socket's path is short
        socket = f"{folder}/s"
        tmux = ["tmux", "-S", socket, "-f", os.devnull]
        shell = "exec sleep 300"
        subprocess.run([*tmux, "new-session", "-d", "-s", "it's $(touch x)", shell], check=True, timeout=60)
        try:
            monkeypatch.setenv("TMUX", f"{socket},1,0")
            monkeypatch.setenv("TMUX_PANE", "%0")
            (found,) = ask("pane", "%")
            assert found.startswith("%0\tit's $(touch x):0.0 ")
            assert ask("pane", "%7") == []
        finally:
            subprocess.run([*tmux, "kill-server"], check=False, timeout=60)
        assert ask("pane", "") == []


def test_a_hung_tmux_is_not_waited_for(home, monkeypatch):
    hung = home / "bin" / "tmux"
    hung.write_text("#!/bin/sh\nexec sleep 20\n")
    hung.chmod(0o755)
    began = time.monotonic()
    assert ask("pane", "") == []
    assert time.monotonic() - began < 10


# -- in real shells ----------------------------------------------------------------------------------------------------

LEADER = "import fcntl, os, sys, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); os.execvp(sys.argv[1], sys.argv[1:])"


class Typist:
    """A person at an interactive shell, in which `xats` prints the words that it got."""

    def __init__(self, shell, setup):
        self.screen = b""
        self.master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 60, 200, 0, 0))
        environ = {**os.environ, "TERM": "dumb", "PS1": "$ ", "HISTFILE": "", "INPUTRC": os.devnull}
        words = [sys.executable, "-c", LEADER, *shell]
        self.process = subprocess.Popen(
            words, stdin=slave, stdout=slave, stderr=slave, env=environ, start_new_session=True
        )
        os.close(slave)
        Path("../setup").write_text(setup)
        self.type(". ../setup; echo rea''dy\r")
        self.read("ready\r\n")

    def type(self, text):
        self.screen = b""
        os.write(self.master, text.encode())

    def read(self, text):
        """Return what the shell wrote until `text` came."""
        deadline = time.monotonic() + 30
        while text.encode() not in self.screen:
            assert time.monotonic() < deadline, self.screen
            if select.select([self.master], [], [], 1)[0]:
                self.screen += os.read(self.master, 65536)
        return self.screen.decode("utf-8", "replace")

    def words(self, line):
        """Type `line`, which holds a Tab, and Enter; return the words that the command got."""
        self.type(f"{line}\r")
        return " ".join(part.partition(">")[0] for part in self.read("<end>").split("got<")[1:])

    def end(self):
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        os.close(self.master)


ECHO = "xats() { printf '\\ngot<%s>' \"$@\"; printf '<end>\\n'; }\n"


def shell_or_skip(name):
    if not shutil.which(name):
        pytest.skip(f"{name} is not installed: its completion is not tried")


@pytest.fixture
def bash(store):
    shell_or_skip("bash")
    typist = Typist(
        ["bash", "--norc", "--noprofile", "-i"],
        f". {shlex.quote(str(SCRIPTS / 'xats.bash'))}\nbind 'set enable-bracketed-paste off' 2>/dev/null\n"
        f"bind 'set page-completions off'\nbind 'set completion-query-items 0'\n{ECHO}",
    )
    yield typist
    typist.end()


@pytest.fixture
def zsh(store):
    shell_or_skip("zsh")
    typist = Typist(
        ["zsh", "-f", "-i"],
        f"fpath=({shlex.quote(str(SCRIPTS))} $fpath)\nautoload -Uz compinit\ncompinit -u -D\nLISTMAX=9999\n"
        f"zstyle ':completion:*' list-prompt ''\nunset zle_bracketed_paste\nunsetopt automenu\n{ECHO}",
    )
    yield typist
    typist.end()


LINES = [
    ("xats sen\t", "send"),
    ("xats daemon sta\tr\t", "daemon start"),
    ("xats send --team t ALI\t", "send --team t alice"),
    ("xats send --team=t ali\t", "send --team=t alice"),
    ("xats --team t send car\t", "--team t send carol-Ann.2"),
    ("xats send --team t role:r\t", "send --team t role:reviewer"),
    ("xats send --team t bob,ali\t", "send --team t bob,alice"),
    ("xats send --team t dora@p\t", "send --team t dora@pay"),
    ("xats send --team t -qs 'a b' ali\t", "send --team t -qs a b alice"),
    ("xats send --team t --as=b\t", "send --team t --as=Bob"),
    ("xats send --team p\t", "send --team pay"),
    ("xats send bob --subj\tx", "send bob --subject x"),
    ("xats register --client cla\t", "register --client claude-code"),
    ("xats help send broad\t", "help send broadcast"),
    ("xats --db ../sta\txats.d\t --team t --as bob ack 1\t", "--db ../state/xats.db --team t --as bob ack 1"),
    ("xats ack --db '../state/xats.db' --team t --as bo\t", "ack --db ../state/xats.db --team t --as Bob"),
]


def test_bash_completes(bash):
    assert [bash.words(line) for line, _ in LINES] == [words for _, words in LINES]


def test_zsh_completes(zsh):
    # It writes --subject= where bash writes a space.
    expected = [words.replace("--subject ", "--subject=") for _, words in LINES]
    assert [zsh.words(line) for line, _ in LINES] == expected


@pytest.mark.parametrize("shell", ["bash", "zsh"])
def test_what_somebody_wrote_is_shown_and_never_run(request, shell):
    typist = request.getfixturevalue(shell)
    typist.type("xats ack --team t --as bob \t\t")
    shown = typist.read("alice: Parser")
    typist.type("3\t\r")
    assert "got<3>" in typist.read("<end>")
    assert f"alice: {SHELLISH}" in shown
    assert f"alice: {SHOWN}" in shown
    assert os.listdir() == []


@pytest.mark.parametrize("shell", ["bash", "zsh"])
def test_a_person_gets_his_own_mail(request, monkeypatch, shell):
    monkeypatch.setenv("USER", "bob")
    store = request.getfixturevalue("store")
    store.write(lambda tx: tx.run("update agents set client = 'human' where name_key = 'bob'"))
    typist = request.getfixturevalue(shell)
    typist.type("xats ack --team t \t\t")
    typist.read("unread, alice: Parser")


@pytest.mark.parametrize("shell", ["bash", "zsh"])
def test_a_line_that_is_typed_is_not_run_by_a_tab(request, shell):
    typist = request.getfixturevalue(shell)
    typist.type("xats send --team $(touch x) --db `touch x` al\t\x15")  # ^U: forget the line
    typist.type("echo do''ne\r")
    typist.read("done")
    assert os.listdir() == []


# -- fish --------------------------------------------------------------------------------------------------------------


@pytest.fixture
def fish(store):
    shell_or_skip("fish")

    def completed(line):
        script = f"source {shlex.quote(str(SCRIPTS / 'xats.fish'))}; complete -C $argv[1]"
        words = ["fish", "--no-config", "-c", script, line]
        done = subprocess.run(words, capture_output=True, text=True, timeout=60, check=True, stdin=subprocess.DEVNULL)
        assert done.stderr == ""
        return done.stdout.splitlines()

    return completed


def test_fish_completes(fish):
    def values(line):
        return [one.partition("\t")[0] for one in fish(line)]

    assert values("xats sen") == ["send"]
    assert values("xats daemon st") == ["start", "status", "stop"]
    assert values("xats send --team t ali") == ["alice"]
    assert values("xats send --team=t BO") == ["Bob"]
    assert values("xats --team t send role:") == ["role:dev", "role:reviewer"]
    assert values("xats send --team t bob,al") == ["bob,alice", "bob,all"]
    assert values("xats send --team t -qs 'a b' ali") == ["alice"]
    assert values("xats send --team t --as b") == ["Bob"]
    assert values("xats send --subj") == ["--subject"]
    assert values("xats register --client cla") == ["claude-code"]
    assert values("xats help send broad") == ["broadcast"]
    assert values("xats ack --team t --as bob ") == ["3", "2", "1"]
    assert values("xats send bob ") == []
    assert values("xats bogus ") == []


def test_fish_shows_what_somebody_wrote_and_never_runs_it(fish):
    shown = "\n".join(fish("xats ack --team t --as bob "))
    assert f"unread, alice: {SHELLISH}\n" in shown
    assert f"unread, alice: {SHOWN}\n" in shown
    fish("xats send --team $(touch x) --db (touch x) al")
    assert os.listdir() == []


def test_the_hidden_verb_is_in_no_list():
    assert "_complete" not in verbs.VERBS
    assert not [page for page in (ROOT / "man").iterdir() if "_complete" in page.name]
