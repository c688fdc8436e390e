"""`xats lock ...` as people and agents use it: what it prints, what it refuses, how it waits, and how it exits."""

import json
import os
import re
import signal

import psutil
import pytest

from tests.support.steady import ages
from xats.base import host, process
from xats.core.agents import agents
from xats.core.locks import automatic
from xats.core.mail import inbox
from xats.identity.files import locate

COLUMNS = ("PATH", "HOLDER", "FOR", "TAKEN", "KIND", "TOKEN", "REASON")


@pytest.fixture
def crew(crew, xats):
    """alice, bob and carol in a folder with some files."""
    crew.add("carol")
    for name in ("a.py", "b.py", "src/c.py", "src/d.txt", "src/deep/e.py"):
        path = xats.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("1\n")
    xats.run(["git", "init", "-q"])
    return crew


@pytest.fixture
def by(xats, crew):
    """`by("bob", "take", "a.py")` runs `xats lock take a.py` as bob."""

    def run(name, verb, *words, **options):
        return xats("--as", name, "lock", verb, *words, **options)

    return run


def waiting(xats, crew, until, name, *words):
    """Start `xats lock take` with `words` as `name`, and return it when it has its place in the queue."""
    before = crew.rows("select count(*) as n from lock_waits")[0]["n"]
    running = xats.start("--as", name, "lock", "take", *words)
    until(lambda: crew.rows("select count(*) as n from lock_waits")[0]["n"] > before or running.poll() is not None)
    return running


def subjects(crew, name):
    return [one.message.subject for one in crew.see(name, inbox.peek, inbox.Query()).letters]


def paths(ran):
    return [lock["path"] for lock in ran.json()["locks"]]


# -- take, renew, release ----------------------------------------------------------------------------------------------


def test_from_taking_to_releasing(by, xats):
    taken = by("alice", "take", "./a.py", "--reason", "new lexer", "--json").json()
    lock = taken["locks"][0]
    assert (lock["path"], lock["worktree"], lock["owner"]) == ("a.py", str(xats.folder), "alice@crew")
    assert (lock["kind"], lock["reason"], taken["outside"]) == ("explicit", "new lexer", [])
    error = by("bob", "take", "a.py", "--json", code=4).error()
    assert error["code"] == "lock_held"
    assert error["message"].startswith("alice holds a.py (new lexer), for ")
    assert error["hint"] == "xats lock take a.py --as bob --wait 10m"
    assert (
        error["locks"]
        == [{"path": "a.py", "owner": "alice@crew", "reason": "new lexer", "expires_at": lock["expires_at"]}]
        or error["locks"][0]["owner"] == "alice@crew"
    )
    again = by("alice", "take", str(xats.folder / "src" / ".." / "a.py"), "--ttl", "2h", "--json").json()["locks"][0]
    assert (again["token"], again["reason"]) == (lock["token"], "new lexer")
    assert again["expires_at"] > lock["expires_at"]
    renewed = by("alice", "renew", "a.py", "--ttl", "30m", "--json").json()["locks"][0]
    assert renewed["expires_at"] < again["expires_at"]
    assert paths(by("alice", "release", "a.py", "--json")) == ["a.py"]
    assert by("bob", "take", "a.py", "--json").json()["locks"][0]["token"] > lock["token"]


def test_every_verb_in_words(by):
    assert by("alice", "take", "a.py", "src/new.py").stdout == (
        "locked for 10 min: a.py (token 1)\nlocked for 10 min: src/new.py, which does not exist yet (token 2)\n"
    )
    assert by("alice", "renew", "--ttl", "1h").stdout == "renewed for 60 min: a.py\nrenewed for 60 min: src/new.py\n"
    assert by("alice", "release", "a.py").stdout == "released: a.py\n"
    assert by("alice", "release", "--all").stdout == "released: src/new.py\n"
    assert by("alice", "release", "--all").stderr == "you hold no locks\n"
    assert by("alice", "renew").stderr == "you hold no locks\n"
    assert by("alice", "list").stderr == "no file is locked\n"
    assert by("alice", "list", "--mine").stderr == "you hold no locks\n"


def test_quiet_prints_the_tokens(by):
    assert by("alice", "take", "a.py", "b.py", "-q").stdout == "1\n2\n"
    assert by("alice", "release", "a.py", "-q").stdout == ""


def test_all_or_none(by):
    by("alice", "take", "b.py")
    error = by("bob", "take", "a.py", "b.py", "src", "--json", code=4).error()
    assert [one["path"] for one in error["locks"]] == ["b.py"]
    assert by("bob", "list", "--mine", "--json").json()["locks"] == []


def test_a_folder_means_its_files(by, xats):
    assert paths(by("alice", "take", "src", "--json")) == ["src/c.py", "src/d.txt", "src/deep/e.py"]
    by("alice", "take", "a.py")
    assert paths(by("alice", "release", "deep", "--json", cwd=xats.folder / "src")) == ["src/deep/e.py"]
    assert paths(by("alice", "release", ".", "--json", cwd=xats.folder / "src")) == ["src/c.py", "src/d.txt"]
    assert by("alice", "release", "src", "--json", code=4).error()["code"] == "not_holder"
    assert paths(by("alice", "renew", ".", "--json")) == ["a.py"]


def test_a_lock_on_what_has_become_a_folder(by, xats):
    assert by("alice", "take", "new/", "--json", code=2).error()["code"] == "bad_path"
    taken = by("alice", "take", "new", "a.py", "--json").json()["locks"]
    assert [(one["path"], one["exists"]) for one in taken] == [("a.py", True), ("new", False)]
    (xats.folder / "new").mkdir()
    assert by("bob", "check", "new", code=4).stdout == "new: alice holds it, for 10 min more\n"
    assert paths(by("alice", "renew", "new/", "--json")) == ["new"]
    assert paths(by("alice", "release", "new", "--json")) == ["new"]
    assert by("bob", "check", "new", "--json", code=3).error()["code"] == "no_files"
    assert by("alice", "release", "new", "--json", code=4).error()["code"] == "not_holder"


def test_links_that_lead_elsewhere_are_skipped_and_counted(by, xats):
    for name, target in (("loop", "loop"), ("dir", "src"), ("none", "nowhere")):
        (xats.folder / name).symlink_to(target)
    ran = by("alice", "take", "*")
    assert "skipped 3 links that lead to no file of this project: dir, loop, none" in " ".join(ran.stderr.split())
    taken = by("alice", "take", "*", "--json").json()
    assert taken["skipped"] == [str(xats.folder / name) for name in ("dir", "loop", "none")]
    assert by("bob", "check", ".", code=4).stdout.startswith("a.py: alice holds it")
    assert by("bob", "check", "loop", "--json", code=2).error()["code"] == "bad_path"


def test_a_check_in_a_team_that_does_not_exist(by, xats):
    assert xats("--team", "typo", "lock", "check", "a.py", "--json", code=3).error()["code"] == "unknown_team"


def test_files_outside_of_the_project_and_names_that_could_harm_a_terminal(by, xats, tmp_path):
    ran = by("alice", "take", "../else.txt", "a\x1bb")
    assert "\x1b" not in ran.stdout
    assert f"outside of this project: {tmp_path}/else.txt" in " ".join(ran.stderr.split())
    taken = by("alice", "take", "../else.txt", "--json").json()
    assert taken["outside"] == [str(tmp_path / "else.txt")]
    assert by("bob", "take", str(tmp_path / "else.txt"), "--json", code=4).error()["code"] == "lock_held"


def test_a_terminal_does_not_obey_the_text_of_another_agent(by, xats):
    name = "x\x1b]2;y\x07\n.py"
    by("alice", "take", name, "--reason", "a\x1b]0;title\x07\x1b[31mb")
    for words in (("take", name, "--wait", "1s"), ("take", name), ("check", name), ("list",)):
        shown = xats.on_terminal("--as", "bob", "lock", *words, env={"NO_COLOR": "1"}, code=None)
        assert not {"\x1b", "\x07"} & set(shown), (words, shown)
        assert "^[" in shown or "\\033" in shown


def test_who_may_edit_all_the_same(by, crew, xats):
    """A program without hooks, and one whose hooks have said nothing yet; not a person, and not one that has gone."""
    crew.register("aiden", client="aider", seat=agents.Seat(host.id(), os.getpid(), 1))
    crew.register("claude", client="claude-code")
    crew.register("dora", client="human")
    found = by("alice", "take", "a.py", "--json").json()["not_enforced"]
    assert {one["agent"] for one in found} >= {"claude@crew"}
    assert "dora@crew" not in {one["agent"] for one in found}
    assert "aiden@crew" not in {one["agent"] for one in found}  # that process never was
    assert "claude (claude-code)" in " ".join(by("alice", "take", "a.py").stderr.split())


@pytest.mark.parametrize(
    "words, code, name",
    [
        (("take",), 2, "usage"),
        (("take", "a.py", "--ttl", "3h"), 2, "invalid_lock"),
        (("take", "a.py", "--ttl", "1ms"), 2, "invalid_lock"),
        (("take", "a.py", "--reason", "x" * 201), 2, "invalid_lock"),
        (("take", "a.py", "--wait", "1s", "--queue"), 2, "usage"),
        (("take", "."), 4, None),
        (("release",), 2, "usage"),
        (("release", "a.py", "--all"), 2, "usage"),
        (("release", "a.py"), 4, "not_holder"),
        (("release", "b.py"), 4, "not_holder"),
        (("release", "a.py", "b.py", "--token", "1"), 2, "usage"),
        (("release", "a.py", "--token", "1"), 4, "lock_lost"),
        (("renew", "b.py"), 4, "not_holder"),
        (("steal", "a.py"), 2, "usage"),
        (("steal", "a.py", "--reason", "x"), 4, "lock_held"),
        (("steal", "b.py", "--reason", "x"), 4, "not_holder"),
        (("list", "-n", "0"), 2, "usage"),
    ],
)
def test_refusals(by, words, code, name):
    by("alice", "take", "a.py")
    error = by("bob", *words, "--json", code=code).error()
    assert name in (None, error["code"])
    assert "steal" not in error["hint"] or words[0] == "steal"


def test_hints_name_files_as_the_shell_takes_them(by, xats):
    (xats.folder / "src" / "my file").write_text("1\n")
    by("alice", "take", "src/c.py", "src/my file")
    below = xats.folder / "src"

    def hint(*words):
        return by("bob", *words, "--json", cwd=below, code=4).error()["hint"]

    assert hint("take", "c.py") == "xats lock take c.py --as bob --wait 10m"
    assert hint("take", "my file").startswith("xats lock take 'my file'")
    assert hint("release", "c.py").startswith("xats lock check c.py")
    assert hint("renew", "my file").startswith("xats lock check 'my file'")
    assert hint("release", "../b.py").startswith("xats lock take ../b.py")
    assert hint("steal", "c.py", "--reason", "x").startswith("xats lock take c.py")


def test_without_a_name_nothing_is_locked(xats, crew):
    assert xats("lock", "take", "a.py", "--json", code=3).error()["code"] == "unknown_agent"


# -- list and check ----------------------------------------------------------------------------------------------------


def test_the_list(by, xats):
    by("alice", "take", "a.py", "--reason", "new\nlexer")
    by("bob", "take", "b.py", "src/c.py")
    lines = [line.split("\t") for line in ages(by("carol", "list").stdout).splitlines()]
    assert lines[0] == ["a.py", "alice", "10 min", "just now", "explicit", "1", "new lexer"]
    assert [line[0] for line in lines] == ["a.py", "b.py", "src/c.py"]
    assert paths(by("bob", "list", "--mine", "--json")) == ["b.py", "src/c.py"]
    page = by("carol", "list", "-n", "1", "--json").json()
    assert (len(page["locks"]), page["has_more"]) == (1, True)
    assert "more: xats lock list -n 2 --as carol" in by("carol", "list", "-n", "1").stderr
    shown = xats.on_terminal("lock", "list", env={"COLUMNS": "100", "NO_COLOR": "1"})
    assert tuple(shown.splitlines()[0].split()) == COLUMNS
    shown = xats.on_terminal("lock", "list", env={"COLUMNS": "50", "NO_COLOR": "1"})
    assert shown.splitlines()[0].split() == ["PATH", "HOLDER", "FOR", "REASON"]


def test_a_check(by, xats):
    assert by("bob", "check", "a.py").stdout == "a.py: free\n"
    by("alice", "take", "a.py", "--reason", "new lexer")
    assert by("bob", "check", "a.py", code=4).stdout == "a.py: alice holds it (new lexer), for 10 min more\n"
    assert by("alice", "check", "a.py").stdout == "a.py: you hold it, for 10 min more\n"
    assert xats("lock", "check", "a.py", code=4).stdout.startswith("a.py: alice holds it")
    assert by("bob", "check", ".", code=4).stdout.startswith("a.py: alice holds it")
    assert by("bob", "check", "src").stderr == "none of these 3 files is locked\n"
    found = by("bob", "check", "b.py", "a.py", "--json", code=4).stdout
    states = [(one["path"], one["state"], bool(one["lock"])) for one in json.loads(found)["files"]]
    assert states == [("b.py", "free", False), ("a.py", "held", True)]
    assert by("bob", "check", "a.py", "-q", code=4).stdout == ""


def test_a_check_names_the_zone_of_another_owner(by, xats):
    xats("--as", "alice", "zone", "assign", "alice", "src/")
    ran = by("bob", "check", "src/c.py")
    assert ran.stdout == "src/c.py: free; in the zone src/ of alice\n"
    (found,) = by("bob", "check", "src/c.py", "--json").json()["files"]
    assert found["zone"] == {"pattern": "src/", "owner": "alice"}
    assert by("alice", "check", "src/c.py").stdout == "src/c.py: free\n"
    assert by("bob", "take", "src/c.py", "--json", code=4).error()["code"] == "zone_taken"


def test_an_automatic_lock_refuses_until_it_ends(by, crew, xats, until):
    crew.do("alice", automatic.take, locate("a.py", str(xats.folder)))
    left = r"for (2 min|\d+ s) more\n"
    assert re.fullmatch(f"a.py: alice edits it, {left}", by("bob", "check", "a.py", code=4).stdout)
    assert re.fullmatch(f"a.py: you edit it, {left}", by("alice", "check", "a.py").stdout)
    error = by("bob", "take", "a.py", "--json", code=4).error()
    assert "alice edited a.py" in error["message"]
    assert by("bob", "list").stdout.split("\t")[4] == "automatic"
    running = waiting(xats, crew, until, "bob", "a.py", "--wait", "25s", "-q")
    crew.do("alice", automatic.end)
    assert xats.end(running).code == 0


def test_another_team_in_the_same_worktree_sees_the_lock(by, crew, xats, tmp_path):
    crew.add("zoe", team="web")
    by("alice", "take", "a.py")
    ran = xats("--as", "zoe@web", "lock", "check", "a.py", code=4)
    assert ran.stdout == "a.py: alice@crew holds it, for 10 min more\n"
    cells = [line.split("\t")[:2] for line in xats("--as", "zoe@web", "lock", "list").stdout.splitlines()]
    assert cells == [["a.py", "alice@crew"]]
    xats("--as", "zoe@web", "lock", "take", "b.py")
    assert paths(by("bob", "list", "--json")) == ["a.py", "b.py"]
    (tmp_path / "else").mkdir()
    assert paths(xats("--as", "bob", "--team", "crew", "lock", "list", "--json", cwd=tmp_path / "else")) == ["a.py"]


# -- waiting -----------------------------------------------------------------------------------------------------------


def test_a_wait_ends_when_the_file_is_free(by, crew, xats, until):
    by("alice", "take", "a.py")
    running = waiting(xats, crew, until, "bob", "a.py", "b.py", "--wait", "20s", "--json")
    by("alice", "release", "a.py")
    ran = xats.end(running)
    assert paths(ran) == ["a.py", "b.py"]
    assert crew.rows("select * from lock_waits") == []


def test_a_wait_ends_when_the_lock_lapses(by, crew, xats, until):
    """Nothing is written to the store then."""
    by("alice", "take", "a.py", "--ttl", "2s")
    running = waiting(xats, crew, until, "bob", "a.py", "--wait", "25s", "-q")
    assert xats.end(running).code == 0


def test_those_who_wait_come_in_their_order(by, crew, xats, until):
    by("alice", "take", "a.py")
    first = waiting(xats, crew, until, "bob", "a.py", "--wait", "20s", "-q")
    second = waiting(xats, crew, until, "carol", "a.py", "--wait", "20s", "-q")
    by("alice", "release", "a.py")
    assert xats.end(first).code == 0
    assert second.poll() is None
    assert by("alice", "take", "a.py", "--json", code=4).error()["code"] == "lock_held"
    by("bob", "release", "a.py")
    assert xats.end(second).code == 0


def test_a_take_does_not_overtake_a_waiter(by, crew, xats, until):
    """bob waits for two files. One is free, but carol cannot take it: alone it would let bob wait for ever."""
    by("alice", "take", "a.py")
    running = waiting(xats, crew, until, "bob", "a.py", "b.py", "--wait", "20s", "-q")
    error = by("carol", "take", "b.py", "--json", code=4).error()
    assert (error["code"], error["agent"]) == ("lock_awaited", "bob@crew")
    assert by("alice", "take", "a.py").code == 0  # a renewal
    running.send_signal(signal.SIGKILL)
    running.wait()
    assert by("carol", "take", "b.py").code == 0


@pytest.mark.parametrize("sent, code", [(signal.SIGINT, 130), (signal.SIGTERM, -signal.SIGTERM)])
def test_who_gives_up_blocks_nobody(by, crew, xats, until, sent, code):
    by("alice", "take", "a.py")
    running = waiting(xats, crew, until, "bob", "a.py", "--wait", "20s")
    until(lambda: psutil.Process(running.pid).status() == psutil.STATUS_SLEEPING)
    running.send_signal(sent)
    assert xats.end(running).code == code
    by("alice", "release", "a.py")
    assert by("carol", "take", "a.py").code == 0


def test_the_time_is_over(by, crew):
    by("alice", "take", "a.py")
    error = by("bob", "take", "a.py", "--wait", "100ms", "--json", code=124).error()
    assert error["code"] == "timed_out"
    assert "alice holds a.py" in error["message"]
    assert crew.rows("select * from lock_waits") == []


def test_a_circle_is_refused_and_named(by, crew, xats, until):
    by("alice", "take", "a.py")
    by("bob", "take", "b.py")
    running = waiting(xats, crew, until, "bob", "a.py", "--wait", "20s", "-q")
    error = by("alice", "take", "b.py", "--wait", "20s", "--json", code=4).error()
    assert error["code"] == "deadlock"
    assert "you wait for b.py of bob, bob waits for a.py of you" in error["message"]
    by("alice", "release", "a.py")
    assert xats.end(running).code == 0


def test_a_place_in_the_queue_without_a_process(by, crew):
    by("alice", "take", "a.py")
    error = by("bob", "take", "a.py", "--queue", "--json", code=4).error()
    assert (error["code"], error["queued"]) == ("lock_held", True)
    assert error["hint"] == "you get mail when the files are free"
    assert [row["kind"] for row in crew.rows("select kind from lock_waits")] == ["queue"]
    assert by("bob", "take", "b.py", "--queue", "--json").json()["locks"][0]["path"] == "b.py"
    by("alice", "release", "a.py")
    assert by("carol", "take", "a.py").code == 0  # a mail does not reserve the file


def test_mail_comes_when_the_file_is_free(by, crew, xats):
    by("alice", "take", "a.py")
    by("bob", "take", "a.py", "--queue", code=4)
    by("alice", "release", "a.py")
    xats("deliver", "--once", code=None)
    assert any("a.py is free" in one for one in subjects(crew, "bob"))
    by("bob", "take", "a.py")
    assert crew.rows("select * from lock_waits") == []


def test_a_wait_ends_when_the_holder_is_killed(by, crew, xats, until):
    """No daemon runs: the process that waits looks itself."""
    holder = xats.start(command=["sleep", "60"])
    seat = agents.Seat(host.id(), holder.pid, process.started(holder.pid))
    crew.register("erin", client="claude-code", seat=seat)
    by("erin", "take", "a.py")
    running = waiting(xats, crew, until, "bob", "a.py", "--wait", "25s", "-q")
    assert running.poll() is None
    holder.kill()
    holder.wait()
    assert xats.end(running).code == 0
    assert any("a.py" in one for one in subjects(crew, "erin"))


# -- steal -------------------------------------------------------------------------------------------------------------


def test_a_person_may_steal(by, crew):
    crew.register("dora", client="human")
    token = by("alice", "take", "a.py", "--json").json()["locks"][0]["token"]
    taken = by("dora", "steal", "a.py", "--reason", "the release waits", "--json").json()
    assert (taken["from"], taken["lock"]["owner"]) == ("alice@crew", "dora@crew")
    assert "dora took your lock on a.py" in subjects(crew, "alice")
    error = by("alice", "release", "a.py", "--token", str(token), "--json", code=4).error()
    assert error["code"] == "lock_lost"


def test_an_agent_is_no_person_because_it_says_so(by, crew):
    crew.register("dora", client="human")
    by("alice", "take", "a.py")
    error = by("dora", "steal", "a.py", "--reason", "x", "--json", env={"CLAUDECODE": "1"}, code=4).error()
    assert error["code"] == "people_only"


def test_an_agent_may_steal_from_one_that_has_gone(by, crew):
    crew.register("erin", client="claude-code", seat=agents.Seat(host.id(), os.getpid(), 1))
    by("erin", "take", "a.py")
    by("alice", "take", "b.py")
    assert by("bob", "steal", "b.py", "--reason", "x", "--json", code=4).error()["code"] == "lock_held"
    ran = by("bob", "steal", "a.py", "--reason", "erin has ended")
    assert ran.stdout == "taken from erin for 10 min: a.py (token 3)\n"
    assert "read it again" in ran.stderr


# -- completion --------------------------------------------------------------------------------------------------------


def test_held_paths_are_completed(by, xats):
    by("alice", "take", "a.py", "src/c.py", "--reason", "new lexer")
    by("bob", "take", "b.py")
    assert xats("_complete", "held", "", "--as", "alice").stdout == "a.py\tnew lexer\nsrc/c.py\tnew lexer\n"
    assert xats("_complete", "held", "../", "--as", "alice", cwd=xats.folder / "src").stdout == "../a.py\tnew lexer\n"
