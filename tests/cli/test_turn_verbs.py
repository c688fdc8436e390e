"""The verbs of turns as processes: what they print, their JSON, their errors, who waits, and what a kill leaves."""

import json
import signal

import pytest

from tests.support.steady import ages, unfolded
from tests.support.waiting import until
from xats.core.agents import agents
from xats.core.mail import inbox
from xats.core.turns import turns

HANDOFF = ("--status", "the parser reads dates", "--next", "add time zones")


@pytest.fixture
def team(xats, crew):
    crew.add("kim")
    for name in ("alice", "bob", "kim"):
        xats("--as", name, "turn", "join")
    return crew


def state(crew, name="main"):
    turn = crew.store.read(lambda tx: turns.find(tx, "crew", name))
    return turn.state, (turn.holder or turn.offered_to or "").partition("@")[0], turn.number


def waiting(crew):
    return [row["name"] for row in crew.rows("select a.name from turn_waits w join agents a on a.id = w.agent_id")]


# -- the whole way -----------------------------------------------------------------------------------------------------


def test_a_turn_goes_round_with_its_handoff(xats, team):
    again = xats("--as", "alice", "turn", "join", "--json").json()
    assert (again["joined"], again["turn"]["state"]) == (False, "free")
    got = xats("--as", "alice", "turn", "take", "--json").json()["turn"]
    assert (got["holder"], got["number"], got["handoff"]) == ("alice@crew", 1, None)
    (xats.folder / "parser.py").write_text("")
    files = ("--artifact", "parser.py", "--planned", "notes/zones.md")
    passed = xats("--as", "alice", "turn", "pass", "next", *HANDOFF, *files)
    assert ages(passed.stdout) == "passed on; it is offered to bob, for 20 min more\n"
    shown = xats("--as", "bob", "turn", "take")
    assert ages(shown.stdout).splitlines() == [
        "you have the turn of team crew (number 2)",
        "the handoff of alice, just now:",
        "  status:",
        "  | the parser reads dates",
        "  next:",
        "  | add time zones",
        f"  artifact: {xats.folder}/parser.py",
        f"  planned: {xats.folder}/notes/zones.md",
    ]
    assert "xats turn pass next" in shown.stderr
    assert xats("--as", "bob", "turn", "take", "-q").stdout == "2\n"
    released = xats("--as", "bob", "turn", "release", "--number", "2", "--json").json()
    assert (released["turn"]["state"], released["skipped"]) == ("free", [])
    log = xats("--as", "kim", "turn", "log", "--json").json()
    kinds = [one["kind"] for one in log["entries"]]
    assert kinds == [*["joined"] * 3, "taken", "passed", "offered", "taken", "released"]
    (handoff,) = [one["handoff"] for one in log["entries"] if one["handoff"]]
    assert [one["planned"] for one in handoff["artifacts"]] == [False, True]
    text = xats("--as", "kim", "turn", "log", "-n", "4").stdout
    assert "alice passed it to the next in line\n  status:\n  | the parser" in text
    found = xats("--as", "kim", "turn", "status", "--json").json()
    assert found["turn"]["line"] == ["kim@crew", "alice@crew", "bob@crew"]
    assert ages(xats("--as", "kim", "turn", "status").stdout).splitlines()[0] == "turn of team crew: it is free"


def test_a_text_may_be_a_file_or_standard_input(xats, team):
    xats("--as", "alice", "turn", "take")
    (xats.folder / "done.md").write_text("line 1\nline 2\n")
    xats("--as", "alice", "turn", "pass", "bob", "--status", "@done.md", "--next", "-", stdin="to do\n")
    handoff = xats("--as", "kim", "turn", "status", "--json").json()["turn"]["handoff"]
    assert (handoff["status"], handoff["next"]) == ("line 1\nline 2", "to do")


def test_a_text_of_another_agent_reaches_no_terminal_as_it_is(xats, team):
    xats("--as", "alice", "turn", "take")
    xats("--as", "alice", "turn", "pass", "bob", "--status", "\x1b[2Jdone", "--next", "x\u2028y", "--planned", "a\x1bb")
    for words in (("turn", "status"), ("turn", "log"), ("turn", "take"), ("inbox", "--all")):
        shown = xats.on_terminal("--as", "bob", *words, env={"NO_COLOR": "1"})
        assert "\x1b[2J" not in shown
        assert "a\x1bb" not in shown


@pytest.mark.parametrize(
    "words, code, error",
    [
        ("take", 4, "turn_held"),
        ("release", 4, "not_turn_holder"),
        ("pass next --status a --next b", 4, "not_turn_holder"),
        ("pass next --status a", 2, "invalid_handoff"),
        ("pass next --next a", 2, "invalid_handoff"),
        ("pass next --status a --next b --artifact none.txt", 2, "invalid_handoff"),
        ("steal", 2, "usage"),
        ("steal --reason x", 4, "turn_held"),
        ("kick alice", 4, "member_active"),
        ("kick alice --force", 4, "member_active"),
        ("kick bob", 2, "usage"),
        ("kick nobody", 3, "unknown_agent"),
        ("leave --name docs", 3, "unknown_turn"),
        ("status --name docs", 3, "unknown_turn"),
        ("log --name 'a b'", 2, "invalid_name"),
        ("log -n 0", 2, "usage"),
        ("take --wait 0.2s", 124, "timed_out"),
        ("take --wait soon", 2, "usage"),
    ],
)
def test_what_is_refused(xats, team, words, code, error):
    import shlex

    xats("--as", "alice", "turn", "take")
    ran = xats("--as", "bob", "turn", *shlex.split(words), "--json", code=code)
    assert ran.error()["code"] == error
    assert state(team) == ("held", "alice", 1)
    assert waiting(team) == []


def test_one_who_takes_no_part_is_told_how_to_join(xats, team):
    team.add("dave")
    error = xats("--as", "dave", "turn", "take", "--json", code=4).error()
    assert (error["code"], error["hint"]) == ("not_member", "xats turn join --as dave")


def test_one_that_has_a_turn_does_not_leave_its_team_with_it(xats, team):
    xats("--as", "alice", "turn", "take")
    error = xats("--as", "alice", "unregister", "--json", code=4).error()
    assert (error["code"], error["turns"]) == ("turns_held", ["main"])
    left = xats("--as", "alice", "unregister", "--force")
    assert left.stdout == "alice unregistered from team crew; the turn is offered to bob\n"
    assert state(team) == ("offered", "bob", 1)
    assert xats("--as", "bob", "turn", "take", "--json").json()["turn"]["members"][0]["agent"] == "bob@crew"


def test_one_that_is_removed_leaves_its_turn_to_the_next(xats, team):
    team.register("hal", client="human")
    xats("--as", "alice", "turn", "take")
    xats("--as", "hal", "agent", "forget", "alice", "--yes", code=None)
    assert state(team) == ("offered", "bob", 1)


# -- waiting -----------------------------------------------------------------------------------------------------------


def test_one_that_waits_gets_it_with_the_handoff(xats, team):
    xats("--as", "alice", "turn", "take")
    running = xats.start("--as", "kim", "turn", "take", "--wait", "30s", "--json")
    until(lambda: waiting(team) == ["kim"])
    found = xats("--as", "bob", "turn", "status", "--json").json()["turn"]
    assert [one["agent"] for one in found["members"] if one["waits_since"]] == ["kim@crew"]
    xats("--as", "alice", "turn", "release")  # it goes to one that waits, although bob comes before
    turn = xats.end(running).json()["turn"]
    assert (turn["holder"], turn["number"]) == ("kim@crew", 2)
    assert waiting(team) == []
    assert team.see("kim", inbox.peek, inbox.Query()).letters == ()


def test_one_that_was_removed_waits_no_more(xats, team):
    team.register("hal", client="human")
    xats("--as", "alice", "turn", "take")
    running = xats.start("--as", "kim", "turn", "take", "--wait", "30s", "--json")
    until(lambda: waiting(team) == ["kim"])
    xats("--as", "hal", "turn", "kick", "kim", "--force")
    ran = xats.end(running)
    assert (ran.code, ran.error()["code"]) == (4, "not_member")


def test_an_interrupted_wait_leaves_nothing(xats, team):
    xats("--as", "alice", "turn", "take")
    running = xats.start("--as", "kim", "turn", "take", "--wait", "30s")
    until(lambda: waiting(team) == ["kim"])
    running.send_signal(signal.SIGINT)
    assert xats.end(running).code == 130
    assert waiting(team) == []


def test_a_killed_process_has_no_place_any_more(xats, team):
    xats("--as", "alice", "turn", "take")
    running = xats.start("--as", "kim", "turn", "take", "--wait", "30s")
    until(lambda: waiting(team) == ["kim"])
    running.kill()
    running.wait()
    xats("--as", "bob", "turn", "status")  # every verb looks
    assert waiting(team) == []
    xats("--as", "alice", "turn", "release")
    assert state(team) == ("free", "", 1)


# -- many at once ------------------------------------------------------------------------------------------------------

MANY = 16


def test_a_free_turn_has_one_winner(xats, crew):
    names = [f"w{n}" for n in range(MANY)]
    crew.add(*names)
    for name in names:
        crew.do(name, _join)
    for number in range(1, 4):
        running = [xats.start("--as", name, "turn", "take", "--json") for name in names]
        ran = [xats.end(one) for one in running]
        won = [one for one in ran if one.code == 0]
        lost = [json.loads(one.stderr)["error"] for one in ran if one.code]
        assert (len(won), {one["code"] for one in lost} <= {"turn_held", "turn_too_soon"}) == (1, True), ran
        holder = json.loads(won[0].stdout)["turn"]["holder"]
        assert state(crew) == ("held", holder.partition("@")[0], number)
        xats("--as", holder, "turn", "release")


def _join(tx, me):
    from xats.core.turns import membership

    return membership.join(tx, agents.by_id(tx, me.id), turns.create(tx, me.team, "main"))


def test_sixteen_that_wait_get_it_one_after_another_in_their_line(xats, crew):
    names = [f"w{n:02}" for n in range(MANY)]
    crew.add(*names)
    for name in names:
        crew.do(name, _join)
    xats("--as", "w00", "turn", "take")
    running = {name: xats.start("--as", name, "turn", "take", "--wait", "30s", "-q") for name in names[1:]}
    until(lambda: len(waiting(crew)) == MANY - 1)
    for number, name in enumerate(names[1:], 2):
        xats("--as", names[number - 2], "turn", "pass", "next", *HANDOFF)
        assert xats.end(running[name]).stdout == f"{number}\n"


# verb: who runs it, its words, what is there before ("alice": alice has it), and what is there after it
KILLED = {
    "join": ("dave", "join", "free", ("free", "", 0)),
    "take": ("alice", "take", "free", ("held", "alice", 1)),
    "take an offer": ("bob", "take", "offered", ("held", "bob", 2)),
    "pass": ("alice", "pass next --status a --next b", "alice", ("offered", "bob", 1)),
    "pass to one": ("alice", "pass kim --status a --next b", "alice", ("offered", "kim", 1)),
    "release": ("alice", "release", "alice", ("free", "", 1)),
    "steal": ("hal", "steal --reason why", "alice", ("held", "hal", 2)),
    "leave": ("alice", "leave", "alice", ("offered", "bob", 1)),
    "kick": ("hal", "kick alice --force", "alice", ("offered", "bob", 1)),
}


@pytest.mark.parametrize("point", ["store.before_commit", "store.after_commit"])
@pytest.mark.parametrize("verb", KILLED)
def test_a_killed_command_has_done_all_or_nothing(xats, team, verb, point):
    """The state, the log, the events and the mail agree, and who was killed can go on."""
    who, words, begun, wanted = KILLED[verb]
    team.register("hal", client="human")
    team.add("dave")
    if begun != "free":
        xats("--as", "alice", "turn", "take")
    if begun == "offered":
        xats("--as", "alice", "turn", "pass", "bob", *HANDOFF)
    before = state(team)
    line = ("--as", who, "turn", *words.split())
    xats(*line, env={"XATS_FAULT": point}, code=-signal.SIGKILL)
    assert state(team) == (before if point == "store.before_commit" else wanted)
    agree(team)
    if point == "store.before_commit":
        xats(*line)
    assert state(team) == wanted
    agree(team)


def agree(team):
    entries = team.rows("select kind from turn_log order by id")
    events = team.rows("select type from events where type like 'turn%' order by id")
    assert [f"turn_{one['kind']}" for one in entries] == [one["type"] for one in events]
    offered = team.rows(
        "select a.name from deliveries d join messages m on m.id = d.message_id join agents a on a.id = d.agent_id "
        "where d.state = 'unread' and m.subject like '%is offered to you'"
    )
    found = state(team)
    assert [one["name"] for one in offered] == ([found[1]] if found[0] == "offered" else [])


@pytest.mark.parametrize("number", [1, 2, 3, 4])
@pytest.mark.parametrize("point", ["store.before_commit", "store.after_commit"])
def test_a_receiver_that_is_killed_at_any_commit_loses_nothing(xats, team, point, number):
    """It notes that it waits, gets the turn and ends its wait, each by a commit."""
    xats("--as", "alice", "turn", "take")
    words = ("--as", "kim", "turn", "take", "--wait", "30s", "-q")
    running = xats.start(*words, env={"XATS_FAULT": f"{point}#{number}"})
    until(lambda: waiting(team) == ["kim"] or running.poll() is not None)
    xats("--as", "alice", "turn", "pass", "kim", *HANDOFF)
    ran = xats.end(running)
    agree(team)
    assert ran.code in (0, -signal.SIGKILL)
    assert state(team) in (("offered", "kim", 1), ("held", "kim", 2))
    turn = xats("--as", "kim", "turn", "take", "--json").json()["turn"]
    assert (turn["number"], turn["handoff"]["next"]) == (2, "add time zones")
    assert waiting(team) == []


# -- what else shows it ------------------------------------------------------------------------------------------------


def test_lists_of_agents_show_who_has_it_and_who_waits(xats, team):
    xats("--as", "alice", "turn", "take")
    running = xats.start("--as", "kim", "turn", "take", "--wait", "30s")
    until(lambda: waiting(team) == ["kim"])
    for words in (("agents",), ("recap",), ()):
        found = xats("--as", "bob", *words, "--json").json()["turns"]
        assert [(one["holder"], one["waiting"]) for one in found] == [("alice@crew", ["kim@crew"])]
        shown = ages(xats.on_terminal("--as", "bob", *words, env={"NO_COLOR": "1", "COLUMNS": "120"}))
        assert "turn main: alice has it since" in shown
        assert "waiting: kim" in shown
    mine = ages(xats.on_terminal("--as", "alice", env={"NO_COLOR": "1", "COLUMNS": "120"}))
    assert "turn main: you have it since" in mine
    checks = xats("doctor", "--json", code=None)
    (check,) = [one for one in json.loads(checks.stdout)["checks"] if one["name"] == "turn main@crew"]
    assert (check["state"], "alice@crew has had it" in check["detail"]) == ("ok", True)
    running.kill()


def test_an_empty_name_names_no_turn(xats, team):
    for words in (("join",), ("take",), ("status",), ("release",), ("leave",), ("log",)):
        ran = xats("--as", "alice", "turn", *words, "--name", "", "--json", code=2)
        assert ran.error()["code"] == "invalid_name", words


def test_a_takeover_by_a_person_is_logged_with_its_reason(xats, team):
    team.register("hal", client="human")
    xats("--as", "alice", "turn", "take")
    xats("--as", "hal", "turn", "steal", "--reason", "boss")
    assert "hal took it from alice: boss" in xats("--as", "bob", "turn", "log").stdout


def test_several_turns_are_named(xats, team):
    xats("--as", "bob", "turn", "join", "--name", "docs")
    got = xats("--as", "bob", "turn", "take", "--name", "Docs")
    assert "you have the turn docs of team crew (number 1)" in got.stdout
    assert "--name docs" in got.stderr
    assert xats("--as", "bob", "turn", "status", "--json").json()["others"] == ["docs"]
    assert "other turns of this team: docs" in xats("--as", "bob", "turn", "status").stderr


def test_a_merge_renames_a_turn_that_goes_on_and_says_so(xats, team):
    for name in ("h1", "h2"):
        team.add(name, team="fix")
        xats("--as", f"{name}@fix", "turn", "join")
    xats("--as", "h1@fix", "turn", "take")
    running = xats.start("--as", "h2@fix", "turn", "take", "--wait", "60s", "--json")
    until(lambda: waiting(team) == ["h2"])
    merge, env = ("team", "merge", "fix", "crew"), {"XATS_AGENT": None}
    assert "the turn main of team fix becomes the turn main-fix" in unfolded(xats(*merge, "--dry-run", env=env).stderr)
    done = xats(*merge, "--yes", "--json", env=env).json()
    assert done["turns"] == [{"name": "main-fix", "old_name": "main"}]
    for name in ("alice", "h1"):
        letter = xats("--as", name, "inbox", "--json").json()["messages"][-1]["body"]
        assert "The turn main of team fix is the turn main-fix now" in letter
        assert "--name main-fix" in letter
    for words in (("pass", "next", *HANDOFF), ("release",)):
        error = xats("--as", "h1", "turn", *words, "--json", code=4).error()
        assert (error["code"], error["hint"]) == ("not_turn_holder", "name that turn: --name main-fix")
        assert "you have the turn main-fix" in error["message"]
    error = xats("--as", "h1", "turn", "take", "--json", code=4).error()
    assert (error["code"], error["hint"]) == ("not_member", "name that turn: --name main-fix")
    xats("--as", "h1", "turn", "pass", "next", *HANDOFF, "--name", "main-fix")
    turn = xats.end(running).json()["turn"]
    assert (turn["holder"], turn["name"], turn["number"]) == ("h2@crew", "main-fix", 2)
    assert waiting(team) == []


def test_an_export_has_the_turns_and_an_import_goes_on_with_them(xats, team):
    xats("--as", "alice", "turn", "take")
    xats("--as", "alice", "turn", "pass", "bob", *HANDOFF)
    xats("db", "export", "-o", "all.jsonl")
    xats("db", "import", "all.jsonl", "--db", "new.db")
    checks = xats("db", "check", "--db", "new.db", "--json").json()["checks"]
    assert [one["name"] for one in checks if one["state"] == "fail"] == []
    turn = xats("--as", "bob", "--db", "new.db", "turn", "take", "--json").json()["turn"]
    assert (turn["number"], turn["handoff"]["next"]) == (2, "add time zones")
