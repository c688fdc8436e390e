"""`xats task ...` as people and scripts use it: what it prints, what it refuses, and how it exits."""

import json
import signal
import time

import pytest

from xats.base import host, process
from xats.base.pane import Pane
from xats.core.agents import agents
from xats.core.mail import inbox

HOST = host.id()


@pytest.fixture
def crew(crew):
    """alice (lead), bob and carol (dev), quinn (qa)."""
    crew.add("alice", role="lead")
    crew.add("bob", "carol", role="dev")
    crew.add("quinn", role="qa")
    return crew


@pytest.fixture
def by(xats, crew):
    """`by("bob", "claim", "1")` runs `xats task claim 1` as bob."""

    def run(name, verb, *words, **options):
        return xats("--as", name, "task", verb, *words, **options)

    return run


def subjects(crew, name):
    return [one.message.subject for one in crew.see(name, inbox.peek, inbox.Query()).letters]


def test_from_adding_to_done(by, crew):
    added = by("alice", "add", "Write it", "--role", "dev", "--review", "qa", "-d", "-", "--json", stdin="all\nof it")
    task = added.json()["task"]
    assert (task["id"], task["state"], task["ready"], task["created_by"]) == (1, "open", True, "alice@crew")
    claimed = by("bob", "claim", "--next", "--json").json()["task"]
    assert (claimed["owner"], claimed["claim"], claimed["description"]) == ("bob@crew", 1, "all\nof it")
    assert by("bob", "progress", "1", "half", "--json").json()["task"]["progress"] == "half"
    assert by("bob", "done", "1", "--json", code=4).error()["code"] == "needs_review"
    assert by("bob", "submit", "1", "--result", "ok", "--json").json()["task"]["state"] == "review"
    assert by("bob", "approve", "1", "--json", code=4).error()["code"] == "not_reviewer"
    assert by("quinn", "feedback", "1", "no", "--json").json()["task"]["state"] == "claimed"
    by("bob", "submit", "1", "--result", "better")
    approved = by("quinn", "approve", "1", "--json").json()
    assert (approved["approved"], approved["missing"], approved["task"]["state"]) == (True, [], "done")
    shown = by("alice", "show", "1", "--json").json()["task"]
    assert shown["result"] == "better"
    assert [one["kind"] for one in shown["history"]] == [
        *("added", "claimed", "progress", "submitted", "feedback", "submitted", "approved", "done")
    ]


def test_every_verb_in_words(by):
    assert by("alice", "add", "Write it", "--role", "dev").stdout == "#1 added: Write it (ready, role:dev)\n"
    added = by("alice", "add", "Release", "--dep", "1", "--to", "bob", "--priority", "2", "--due", "2h").stdout
    assert added.startswith("#2 added: Release (blocked: #1, for bob alone, priority 2, due in ")
    assert by("bob", "claim", "1").stdout.startswith("#1 Write it - claimed by bob for ")
    assert "#1 renewed" in by("bob", "renew", "1", "--lease", "1h").stdout
    assert "59 min more" in by("bob", "show", "1").stdout
    assert "#1 noted" in by("bob", "progress", "1", "half").stdout
    assert "#1 released: Write it (ready, role:dev)" in by("bob", "release", "1").stdout
    by("carol", "claim", "1")
    assert by("carol", "done", "1", "--result", "it\nworks").stdout == "#1 ended: Write it (done by carol just now)\n"
    assert by("alice", "edit", "2", "--title", "Ship", "--due", "none").stdout.startswith("#2 changed: Ship (ready")
    assert "#2 cancelled: Ship" in by("alice", "cancel", "2", "--reason", "no").stdout
    assert "#2 reopened: Ship" in by("alice", "reopen", "2").stdout
    by("bob", "claim", "2")
    assert "#2 ended: Ship (failed by bob" in by("bob", "fail", "2", "--reason", "no way").stdout
    shown = by("alice", "show", "2").stdout
    assert "  needs: #1 Write it (done)\n" in shown
    assert "  reason:\n  | no way\n" in shown
    assert "bob: ended it: failed: no way" in shown


def test_quiet_prints_the_number(by):
    assert by("alice", "add", "t", "-q").stdout == "1\n"
    assert by("bob", "claim", "--next", "-q").stdout == "1\n"
    assert by("bob", "done", "1", "-q").stdout == ""


def test_nothing_to_do_is_no_failure(by):
    ran = by("bob", "claim", "--next")
    assert (ran.stdout, "no task is ready" in ran.stderr) == ("", True)
    assert by("bob", "claim", "--next", "--json").json() == {"task": None}
    ran = by("bob", "claim", "--next", "--wait", "100ms", "--json", code=124)
    assert ran.error()["code"] == "timed_out"


def test_waiting_for_something_to_do(by, xats, crew, until):
    by("alice", "add", "first")
    by("carol", "claim", "1")
    by("alice", "add", "second", "--dep", "1", "--role", "dev")
    waiting = xats.start("--as", "bob", "task", "claim", "--next", "--wait", "20s", "--json")
    until(lambda: xats.asleep(waiting))
    by("carol", "done", "1")
    assert json.loads(xats.end(waiting).stdout)["task"]["id"] == 2


@pytest.mark.parametrize(
    "words, code, name",
    [
        (("claim", "9"), 3, "unknown_task"),
        (("show", "9"), 3, "unknown_task"),
        (("graph", "9"), 3, "unknown_task"),
        (("wait", "9"), 3, "unknown_task"),
        (("claim", "1"), 4, "held"),
        (("claim", "2"), 4, "blocked"),
        (("claim", "3"), 4, "not_for_you"),
        (("claim", "4"), 4, "ended"),
        (("done", "1"), 4, "not_owner"),
        (("done", "4"), 4, "ended"),
        (("approve", "1"), 4, "not_in_review"),
        (("reopen", "1"), 4, "not_ended"),
        (("cancel", "1"), 4, "refused"),
        (("edit", "1", "--title", "x"), 4, "refused"),
        (("add", "x", "--dep", "9"), 3, "unknown_task"),
        (("add", "x", "--to", "nobody"), 3, "unknown_agent"),
        (("add", "x", "--notify", "nobody"), 3, "unknown_recipient"),
        (("add", ""), 2, "invalid_task"),
        (("add", "x", "--priority", "11"), 2, "invalid_task"),
        (("add", "x", "--due", "soon"), 2, "usage"),
        (("add", "x", "--to", "bob", "--role", "dev"), 2, "invalid_task"),
        (("claim",), 2, "usage"),
        (("claim", "1", "--next"), 2, "usage"),
        (("claim", "1", "--wait", "1s"), 2, "usage"),
        (("claim", "--next", "--lease", "1ms"), 2, "invalid_task"),
        (("fail", "1"), 2, "usage"),
        (("done", "1", "--file", "nowhere"), 2, "invalid_task"),
        (("list", "--state", "lost"), 2, "usage"),
        (("list", "-n", "0"), 2, "usage"),
        (("edit", "2"), 4, "refused"),
        (("import", "nowhere"), 2, "invalid_task"),
    ],
)
def test_what_is_refused_has_a_code_and_changes_nothing(by, crew, words, code, name):
    by("alice", "add", "one")
    by("alice", "add", "two", "--dep", "1")
    by("alice", "add", "three", "--to", "carol")
    by("alice", "add", "four")
    by("carol", "claim", "4")
    by("carol", "done", "4")
    by("carol", "claim", "1")
    before = crew.rows("select * from tasks"), crew.rows("select max(id) from events")
    error = by("bob", *words, "--json", code=code).error()
    assert error["code"] == name
    assert error["message"].endswith(".")
    assert (crew.rows("select * from tasks"), crew.rows("select max(id) from events")) == before


def test_a_cycle_names_its_path(by):
    by("alice", "add", "one")
    by("alice", "add", "two", "--dep", "1")
    ran = by("alice", "edit", "1", "--dep", "2", code=4)
    assert "#1 -> #2 -> #1" in ran.stderr


def test_results_come_from_files_and_stdin(by, xats):
    (xats.folder / "r.md").write_text("# Report\n")
    for number, (result, wanted) in enumerate((("@r.md", "# Report\n"), ("-", "from stdin"), ("@@x", "@x")), 1):
        by("alice", "add", "t")
        by("bob", "claim", str(number))
        by("bob", "done", str(number), "--result", result, stdin="from stdin")
        assert by("bob", "show", str(number), "--json").json()["task"]["result"] == wanted
    by("alice", "add", "t")
    by("bob", "claim", "4")
    (xats.folder / "bad").write_bytes(b"a\xffb")
    assert "not UTF-8" in by("bob", "done", "4", "--result", "@bad", code=2).stderr


# -- leases ------------------------------------------------------------------------------------------------------------


def test_a_late_done_is_refused_and_stays_refused(by, xats, crew, until):
    by("alice", "add", "t")
    by("bob", "claim", "1", "--lease", "1s")
    until(lambda: by("alice", "list", "--json").json()["tasks"][0]["state"] == "open")
    for _ in range(2):
        assert by("bob", "done", "1", "--json", code=4).error()["code"] == "lease_lost"
    assert "your claim of task #1 is over" in subjects(crew, "bob")[0]
    assert by("bob", "claim", "1", "--json").json()["task"]["claim"] == 2
    assert by("bob", "done", "1", "--claim", "1", "--json", code=4).error()["code"] == "lease_lost"
    by("bob", "done", "1", "--claim", "2")


def test_a_late_done_is_refused_though_nobody_had_looked(by, xats):
    by("alice", "add", "t")
    until = by("bob", "claim", "1", "--lease", "1s", "--json").json()["task"]["lease_until"]
    while time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(time.time() - 1)) <= until[:19]:
        time.sleep(0.05)
    assert by("bob", "done", "1", "--json", code=4).error()["code"] == "lease_lost"
    assert by("bob", "done", "1", "--json", code=4).error()["code"] == "lease_lost"


def earlier(crew, ms):
    """Let all that is said of claims and of their owners be `ms` older."""
    change = "update tasks set owner_gone_at = owner_gone_at - :ms, lease_until = lease_until - :ms"
    crew.store.write(lambda tx: (tx.run(change, ms=ms), tx.run("update agents set seen_at = seen_at - :ms", ms=ms)))


@pytest.fixture
def dora(xats, by, crew):
    """An agent that sits in a real process, which `dora.kill()` ends. She has claimed task 1 of alice."""
    sitting = xats.start(command=["sleep", "1000"])
    crew.register("dora", role="dev", seat=agents.Seat(HOST, sitting.pid, process.started(sitting.pid)))
    by("alice", "add", "t")
    by("dora", "claim", "1", "--lease", "10h")
    return sitting


def test_what_a_killed_process_had_is_marked_at_once_and_free_after_a_while(by, crew, dora):
    """The time is turned back instead of waited for."""
    earlier(crew, 300_000)
    assert by("alice", "list", "--json").json()["tasks"][0]["owner_gone_at"] is None
    assert subjects(crew, "alice") == []
    dora.send_signal(signal.SIGKILL)
    dora.wait()
    assert by("alice", "list").stdout.split("\t")[4] == "dora (gone)"
    task = by("alice", "list", "--json").json()["tasks"][0]
    assert (task["state"], task["owner"]) == ("claimed", "dora@crew")
    assert task["owner_gone_at"] is not None
    assert subjects(crew, "alice") == ["dora is gone, and has claimed task #1: t"]
    shown = by("alice", "show", "1").stdout
    assert "claimed by dora, gone for " in shown
    assert "dora: is gone: its process has ended\n" in shown
    assert "claimed, dora (gone)" in by("alice", "graph").stdout
    earlier(crew, 300_000)
    assert by("alice", "list", "--json").json()["tasks"][0]["owner"] is None
    assert by("dora", "done", "1", "--json", code=4).error()["code"] == "lease_lost"


def test_another_agent_claims_what_a_killed_process_had(by, crew, dora):
    assert by("bob", "claim", "1", "--json", code=4).error()["code"] == "held"
    dora.kill()
    dora.wait()
    assert by("bob", "claim", "--next", "--json").json()["task"] is None
    assert by("bob", "claim", "1").stdout.startswith("#1 t - claimed by bob for 29 min more")
    assert subjects(crew, "alice") == ["dora is gone, and has claimed task #1: t"]


def test_a_new_session_of_the_agent_goes_on_with_its_claim(xats, by, crew, dora):
    dora.kill()
    dora.wait()
    assert by("alice", "list").stdout.split("\t")[4] == "dora (gone)"
    again = xats.start(command=["sleep", "1000"])
    crew.register("dora", seat=agents.Seat(HOST, again.pid, process.started(again.pid)))
    assert by("alice", "list").stdout.split("\t")[4] == "dora"
    earlier(crew, 300_000)
    assert by("alice", "list").stdout.split("\t")[4] == "dora"
    assert by("bob", "claim", "1", "--json", code=4).error()["code"] == "held"
    by("dora", "done", "1")


@pytest.mark.parametrize("where", ["host", "pid namespace"])
def test_a_process_elsewhere_is_nobody_s_to_judge(by, crew, where):
    """The pid is that of no process here, which says nothing of one there."""
    elsewhere = "h1+0123456789abcdef" if where == "host" else f"{host.machine()}-0123456789abcdef"
    crew.register("dora", seat=agents.Seat(elsewhere, 1 << 22, 1))
    by("alice", "add", "t")
    by("dora", "claim", "1")
    assert by("alice", "list").stdout.split("\t")[4] == "dora"
    assert subjects(crew, "alice") == []
    # Nor does a command here take back what was seen there.
    crew.store.write(lambda tx: tx.run("update tasks set owner_gone_at = :now", now=tx.now))
    assert by("alice", "list").stdout.split("\t")[4] == "dora (gone)"


def test_a_pane_whose_process_is_unknown_is_gone_with_what_ran_in_it(xats, by, crew):
    inside = xats.start(command=["sleep", "1000"])
    crew.register("dora", seat=agents.Seat(HOST, pane=Pane("/s", 1, 1, "%1", inside.pid, "/dev/null")))
    by("alice", "add", "t")
    by("dora", "claim", "1")
    assert by("alice", "list").stdout.split("\t")[4] == "dora"
    inside.kill()
    inside.wait()
    assert by("alice", "list").stdout.split("\t")[4] == "dora (gone)"
    assert "its pane is gone" in by("alice", "show", "1").stdout


def seen_at(crew, name):
    return crew.rows("select seen_at from agents where name = :name", name=name)[0]["seen_at"]


SHORT = ("--timeout", "10ms")


@pytest.mark.parametrize(
    "words",
    [
        ("task", "list"),
        ("task", "list", "--mine"),
        ("task", "show", "1"),
        ("task", "wait", "1", *SHORT),
        ("wait", *SHORT),
        ("inbox", "--peek"),
        ("whoami",),
    ],
)
def test_whatever_the_owner_asks_renews_its_claim_once_a_minute(xats, by, crew, words):
    by("alice", "add", "t")
    by("bob", "claim", "1")
    code = 124 if SHORT[0] in words else 0
    before = seen_at(crew, "bob")
    xats("--as", "bob", *words, code=code)
    assert seen_at(crew, "bob") == before
    earlier(crew, 60_000)
    xats("--as", "carol", *words, code=code)
    assert seen_at(crew, "bob") == before - 60_000
    xats("--as", "bob", *words, code=code)
    assert seen_at(crew, "bob") > before


@pytest.mark.parametrize("words", [("send", "alice", "hi"), ("pause", "alice"), ("task", "add", "another")])
def test_whatever_the_owner_changes_renews_its_claim(xats, by, crew, words):
    by("alice", "add", "t")
    by("bob", "claim", "1")
    earlier(crew, 60_000)
    before = seen_at(crew, "bob")
    xats("--as", "bob", *words)
    assert seen_at(crew, "bob") > before


def test_done_of_a_task_that_needs_what_was_reopened(by, crew):
    by("alice", "add", "base")
    by("alice", "add", "top", "--dep", "1")
    by("bob", "claim", "1"), by("bob", "done", "1"), by("carol", "claim", "2")
    by("alice", "reopen", "1")
    assert by("alice", "list").stdout.splitlines()[1].endswith("\t#1")
    assert by("carol", "show", "2").stdout.splitlines()[0].endswith(", reopened since: #1")
    ran = by("carol", "done", "2", code=4)
    assert "Task 2 needs #1 (open), which was reopened" in ran.stderr
    assert "xats task done 2 --force" in ran.stderr
    assert by("carol", "done", "2", "--json", code=4).error()["blocked_by"] == [1]
    ran = by("carol", "done", "2", "--force")
    assert (ran.stdout, ran.stderr) == (
        "#2 ended: top (done by carol just now)\n",
        "  it needs tasks that are not done: #1\n",
    )
    assert by("alice", "list", "--all").stdout.splitlines()[0].endswith("\t")
    by("alice", "reopen", "2"), by("bob", "claim", "1"), by("bob", "done", "1"), by("carol", "claim", "2")
    by("alice", "reopen", "1")
    done = by("carol", "done", "2", "--force", "--json").json()["task"]
    assert (done["state"], [one["id"] for one in done["blocked_by"]]) == ("done", [1])


def test_unregister_is_held_back_by_claimed_tasks(xats, by, crew):
    by("alice", "add", "the one")
    by("bob", "claim", "1")
    error = xats("--as", "bob", "unregister", "--json", code=4).error()
    assert (error["code"], error["tasks"]) == ("tasks_held", [1])
    assert "#1 the one" in error["message"]
    assert xats("unregister", "bob", "--force", "--json").json()["released"] == [1]
    assert by("alice", "list", "--json").json()["tasks"][0]["ready"]


# -- lists, graphs, waiting --------------------------------------------------------------------------------------------


@pytest.fixture
def several(by):
    by("alice", "add", "Write the lexer", "--role", "dev")
    by("alice", "add", "Write the parser", "--dep", "1", "--priority", "3")
    by("alice", "add", "Release \x1b[31m\u202e", "--dep", "2", "--to", "bob")
    by("alice", "add", "Docs", "--parent", "3")
    by("carol", "claim", "1")
    return by


def test_a_list_in_a_pipe_and_on_a_terminal(several, xats):
    rows = [line.split("\t") for line in several("alice", "list").stdout.splitlines()]
    assert [row[0] for row in rows] == ["2", "1", "3", "4"]
    assert rows[0][1:5] + rows[0][6:] == ["blocked", "3", "Write the parser", "", "#1"]
    assert rows[1][4] == "carol"
    assert rows[2][3:5] == ["Release ^[[31m\\u202e (0/1 done)", "for bob"]
    shown = xats.on_terminal("--as", "alice", "task", "list", env={"COLUMNS": "80", "NO_COLOR": "1"})
    lines = shown.splitlines()
    assert lines[0].split() == ["ID", "STATE", "P", "TITLE", "WHO", "AGE", "BLOCKED", "BY"]
    assert max(map(len, lines)) <= 80
    assert "\x1b[31m" not in shown
    assert "\u202e" not in shown


@pytest.mark.parametrize(
    "words, wanted",
    [
        (("--ready",), [4]),
        (("--mine",), [3]),
        (("--state", "claimed"), [1]),
        (("--state", "ready"), [4]),
        (("--role", "dev"), [1]),
        (("--all", "-n", "2"), [4, 3]),
        (("--state", "done"), []),
    ],
)
def test_lists_are_narrowed(several, words, wanted):
    found = several("bob", "list", *words, "--json").json()
    assert [one["id"] for one in found["tasks"]] == wanted
    assert found["has_more"] == ("-n" in words)


@pytest.mark.parametrize("team", ["other", "no team"])
def test_whoever_is_known_otherwise_needs_no_team(by, crew, team):
    """What was done is said, by the names that he uses, wherever he is."""
    env = {"XATS_TEAM": team}
    assert by("bob@crew", "add", "t", env=env).stdout == "#1 added: t (ready)\n"
    assert "claimed by bob for" in by("bob@crew", "claim", "1", env=env).stdout
    assert "\tbob\t" in by("bob@crew", "list", env=env).stdout
    assert "(done by bob just now)" in by("bob@crew", "done", "1", env=env).stdout


def test_what_failed_is_named_as_what_blocks(several):
    several("carol", "fail", "1", "--reason", "x")
    assert several("alice", "list").stdout.splitlines()[0].endswith("\t#1 failed")
    assert "blocked: #1 failed" in several("alice", "show", "2").stdout


def test_a_graph_is_a_tree(several):
    assert several("alice", "graph").stdout.splitlines() == [
        "◌ #3 Release ^[[31m\\u202e - blocked, for bob",
        "├─ part ○ #4 Docs - ready",
        "└─ needs ◌ #2 Write the parser - blocked",
        "   └─ needs ● #1 Write the lexer - claimed, carol",
    ]
    several("alice", "edit", "4", "--dep", "1")
    assert several("alice", "graph", "3").stdout.splitlines()[1:] == [
        "├─ part ◌ #4 Docs - blocked",
        "│  └─ needs ● #1 Write the lexer - claimed, carol",
        "└─ needs ◌ #2 Write the parser - blocked",
        "   └─ needs ● #1 Write the lexer - claimed, carol",
    ]


def test_a_graph_for_graphviz_is_quoted(several):
    several("alice", "edit", "4", "--title", 'a "b" \\n')
    drawn = several("alice", "graph", "--dot").stdout
    assert drawn.startswith("digraph tasks {")
    assert 't4 [label="#4 a \\"b\\" \\\\n\\nready", fillcolor=white];' in drawn
    assert "  t1 -> t2;\n" in drawn
    assert "  t4 -> t3 [style=dashed, label=part];\n" in drawn
    assert "\x1b" not in drawn


def test_a_graph_as_json(several):
    found = several("alice", "graph", "--json").json()
    assert {"from": 2, "to": 1, "kind": "needs"} in found["edges"]
    assert {"from": 3, "to": 4, "kind": "subtask"} in found["edges"]


def test_waiting_for_the_end(several, xats, until):
    several("alice", "wait", "1", "--timeout", "50ms", code=124)
    waiting = xats.start("--as", "alice", "task", "wait", "1", "--timeout", "20s")
    until(lambda: xats.asleep(waiting))
    several("carol", "done", "1", "--result", "here")
    ended = xats.end(waiting)
    assert (ended.code, ended.stdout.splitlines()[1]) == (0, "  | here")
    several("alice", "cancel", "2", "--reason", "no")
    assert several("alice", "wait", "2", code=1).stdout.splitlines()[1] == "  | no"


# -- files -------------------------------------------------------------------------------------------------------------


def test_what_is_exported_can_be_imported_elsewhere(several, xats, crew):
    crew.register("alice", team="new", role="lead")
    crew.register("bob", team="new", role="dev")
    lines = several("alice", "export").stdout
    (xats.folder / "t.jsonl").write_text(lines)
    new = {"XATS_TEAM": "new"}
    dry = several("alice", "import", "t.jsonl", "--dry-run", "--json", env=new).json()
    assert (dry["created"], dry["dry_run"], [one["id"] for one in dry["tasks"]]) == (4, True, [None] * 4)
    assert several("alice", "list", "--json", env=new).json()["tasks"] == []
    found = several("alice", "import", "-", "--json", env=new, stdin=lines).json()
    assert [(one["old_id"], one["id"]) for one in found["tasks"]] == [(1, 5), (2, 6), (3, 7), (4, 8)]
    again = [json.loads(line) for line in several("alice", "export", env=new).stdout.splitlines()]
    first = [json.loads(line) for line in lines.splitlines()]
    for one in first:
        one["id"] += 4
        one["needs"] = [need + 4 for need in one["needs"]]
        one["parent"] = one["parent"] and one["parent"] + 4
        one["state"] = "open"
    assert again == first


@pytest.mark.parametrize(
    "text, why",
    [
        ("", "empty"),
        ("[1]", "Line 1 of the file: it is not a JSON object."),
        ('{"title": "a"}\n{', "Line 2 of the file: it is not JSON"),
        ('{"title": "a", "key": "\\ud800"}', "Line 1 of the file: The key is not valid UTF-8: U+D800 at character 1."),
        ('{"title": "a\\u0000"}', "Line 1 of the file: The title contains a NUL character at character 2."),
        ('{"title": "a", "colour": 1}', "no field 'colour'"),
        ('{"title": ""}', "title is missing"),
        ('{"title": null}', "title is missing"),
        ('{"title": 3, "colour": 1}', "Line 1 of the file: title cannot be 3."),
        ('{"title": "a", "needs": [1, true]}', "needs cannot be [1, true]."),
        ('{"title": "a", "needs": ["x"]}', "needs cannot be"),
        ('{"title": "a", "priority": true}', "priority cannot be"),
        ('{"title": "a", "state": "lost"}', 'state cannot be "lost"'),
        ('{"title": "a", "due_at": "soon"}', "due_at cannot be"),
        ('{"title": "a"}\n{"title": "b", "needs": [1]}', "Line 2 of the file: It refers to task 1"),
        ('{"title": "a"}\n{"title": "b", "to": "nobody"}', "Line 2 of the file: There is no agent nobody"),
    ],
)
def test_a_file_that_is_wrong_adds_nothing(by, crew, text, why):
    ran = by("alice", "import", "-", stdin=text, code=None)
    assert ran.code in (2, 3)
    assert why in ran.stderr
    assert "Nothing was added." in ran.stderr
    assert crew.rows("select * from tasks") == []


# -- pools -------------------------------------------------------------------------------------------------------------


def test_a_message_to_a_pool(by, xats, crew):
    sent = xats("--as", "alice", "send", "pool:dev", "look at the log", "--json").json()
    assert (sent["task"]["id"], sent["task"]["pool"], sent["recipients"]) == (1, True, ["bob@crew"])
    ran = xats("--as", "alice", "send", "pool:dev", "and at this")
    assert ran.stdout == "task #2 sent to pool:dev; xats asks carol first\n"
    assert xats("--as", "alice", "send", "pool:ops", "x", "-q").stdout == "3\n"
    assert "no agent has the role ops yet" in xats("--as", "alice", "send", "pool:ops", "x").stderr
    assert "xats task claim 1" in xats("--as", "bob", "inbox").stdout
    claimed = by("bob", "claim", "1", "--json").json()["task"]
    assert claimed["description"] == "look at the log"
    for words in (("pool:dev", "x", "--wait", "1s"), ("pool:dev,bob", "x"), ("pool:dev", "x", "--ttl", "1h")):
        xats("--as", "alice", "send", *words, code=2)
    xats("--as", "alice", "broadcast", "hi")
    batch = '{"to": "pool:dev", "body": "x"}'
    assert "Line 1" in xats("--as", "alice", "send", "--batch", "-", stdin=batch, code=2).stderr


def test_a_round_asks_the_next_one(xats, crew):
    xats("--as", "alice", "send", "pool:dev", "x")
    assert crew.see("carol", inbox.unread) == 0
    xats("deliver", "--once")
    assert crew.see("carol", inbox.unread) == 0
    crew.store.write(lambda tx: tx.run("update tasks set offer_at = :now", now=tx.now))
    xats("deliver", "--once")
    assert crew.see("carol", inbox.unread) == 1


def test_a_store_with_tasks_in_all_states_is_sound(several, xats, crew):
    xats("--as", "alice", "send", "pool:nobody", "x")
    xats("--as", "alice", "send", "pool:dev", "x")
    several("carol", "done", "1")
    several("bob", "claim", "2")
    several("bob", "fail", "2", "--reason", "x")
    found = {one["name"]: one["state"] for one in json.loads(xats("db", "check", "--json", code=None).stdout)["checks"]}
    assert {found[name] for name in ("dependencies", "recipients", "mail_without_wake", "wakes")} == {"ok"}
    crew.store.write(lambda tx: tx.run("update tasks set waits_for = 5 where id = 3"))
    ran = xats("db", "check", code=5)
    assert "3" in next(line for line in ran.stdout.splitlines() if "dependencies" in line)


# -- completion --------------------------------------------------------------------------------------------------------


def test_tab_offers_tasks_with_their_titles(several, xats):
    def ask(kind, prefix=""):
        return xats("_complete", kind, prefix, "--as", "alice").stdout.splitlines()

    assert ask("task") == [
        "2\tblocked: Write the parser",
        "1\tclaimed: Write the lexer",
        "3\tblocked: Release ^[[31m\\u202e",
        "4\tready: Docs",
    ]
    assert ask("task-ready") == ["4\tready: Docs"]
    several("carol", "done", "1")
    assert ask("task-ended") == ["1\tdone: Write the lexer"]
    assert ask("task", "1") == ["1\tdone: Write the lexer"]
