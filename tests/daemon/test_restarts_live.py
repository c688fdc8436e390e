"""Restarts in a real tmux: programs, daemons and tmux servers are killed, and no program ever runs twice."""

import errno
import json
import os
import shutil
import signal

import pytest

from tests.conftest import Team
from tests.support.places import staged
from tests.support.world import until
from xats.base import host, process
from xats.base.record import replace
from xats.core.agents import agents, changes, registration
from xats.core.crews import restarts, starts
from xats.crews import file, keep, starting, trust
from xats.daemon import lock
from xats.daemon import restarts as rounds
from xats.daemon import starts as start_rounds
from xats.tmux import pane as panes

pytestmark = pytest.mark.skipif(not shutil.which("tmux"), reason="tmux is not installed: there are no panes")
GONE = (2**22 - 1, 5)  # a pid that no process has
ENDS = "#!/bin/bash\nprintf '%s\\n' \"$@\" > {folder}/args-$$\necho no licence; exit 3\n"

# The child ignores SIGHUP, and runs under the name of the program.
WRAPPED = (
    "#!/bin/bash\nenv > {folder}/env-$$\n(trap '' HUP; exec {bin}/inner/claude 600 </dev/null >/dev/null 2>&1) &\n"
    "exec {python} -IS {player} {folder}/log-$$ --look claude-code\n"
)


class Crew:
    """Agents of a crew file, started as `xats up` starts them, and the daemons that start them again."""

    def __init__(self, stage, xats) -> None:
        self.stage, self.xats, self.store = stage, xats, xats.store()
        (self.ann,) = Team(self.store).add("ann", client="human")
        xats.environ["XATS_FAULT_RESTARTS"] = "100"

    def up(self, name="bob", policy="on-crash", args=(), prompt=None):
        """Start the agent, and wait until it is ready."""
        crew = self.agree(name, policy, args, prompt)
        (entry,) = crew.entries
        socket = self.stage.tmux.socket
        where = starting.Where("window", socket, panes.find(socket, self.stage.pane))
        words = (*args, "--", prompt) if prompt else tuple(args)
        new = starting.new(
            "claude-code",
            "window",
            str(self.xats.folder),
            pending=False,
            socket=socket,
            crew_file=crew.path,
            policy=policy,
            started_by=self.ann.id,
        )
        new = replace(new, starter=GONE)  # the command has ended
        program = starting.Program(
            "claude-code", words, {}, self.xats.env({}), self.xats.path, "crew", tuple(self.xats.words)
        )

        def begin(tx):
            wanted = registration.Changes(client="claude-code")
            details, _ = changes.expect(tx, "crew", name, wanted, about=None, living=lambda _: False)
            return starts.begin(tx, details.agent, new, starting.is_over)

        begun = self.store.write(begin)
        keep.write(self.xats.environ, begun, program, where, entry, crew.digest)
        pane = starting.open_pane(begun, program, where)
        self.store.write(lambda tx: starts.placed(tx, begun.token, pane))

    def file(self, name="bob"):
        return self.xats.folder / f"{name}.toml"

    def agree(self, name, policy, args=(), prompt=None):
        """Write a crew file with the agent, and agree to it; return it."""
        more = {"program": "claude", "restart": policy, "args": list(args)} | ({"prompt": prompt} if prompt else {})
        lines = (f"{key} = {json.dumps(value)}\n" for key, value in more.items())
        self.file(name).write_text(f"[agents.{name}]\n{''.join(lines)}")
        crew = file.load(str(self.file(name)))
        trust.allow(self.xats.environ, crew)
        return crew

    def running(self, name="bob", generation=1):
        """Wait until that start of the agent runs; return it."""

        def ready():
            if generation == 1:
                start_rounds.once(self.store)
            found = self.stage.start(name)
            return found if found and (found.state, found.generation) == ("running", generation) else None

        try:
            return until(ready, what=f"generation {generation} of {name}")
        except AssertionError:
            raise AssertionError((self.stage.start(name), self.seen())) from None

    def until(self, state, name="bob"):
        def there():
            found = self.stage.start(name)
            return found if found.state == state else None

        try:
            return until(there, what=state)
        except AssertionError:
            raise AssertionError((self.stage.start(name), self.seen())) from None

    def daemon(self, **env):
        return self.xats.start("daemon", "run", env={"XATS_DEBUG": "1", **env})

    def end_daemon(self, daemon):
        daemon.kill()
        daemon.wait(20)
        until(lambda: not lock.held(self.xats.path))

    def seen(self):
        """Return what tmux says of the panes, and the end of the log."""
        form = "#{pane_id}|#{pane_dead}|#{pane_dead_status}|#{pane_dead_signal}|#{pane_pid}|#{version}"
        return self.stage.tmux.cmd("list-panes", "-a", "-F", form, check=False), self.log()[-3000:]

    def log(self):
        path = lock.log_path(self.xats.path)
        if not os.path.exists(path):
            return ""
        with open(path) as file:
            return file.read()

    def kill(self, start, number=signal.SIGKILL):
        os.kill(start.process[0], number)
        until(lambda: process.ended(*start.process))

    def once(self):
        """Do what one round of the daemon does."""
        start_rounds.once(self.store)
        rounds.once(self.store)

    def alive(self, name="bob"):
        """Return the pids of the programs of the agent that run."""
        found = []
        for path in self.stage.folder.glob("env-*"):
            pid = int(path.name.removeprefix("env-"))
            if process.read(pid) and f"XATS_AGENT={name}@crew\n" in path.read_text():
                found.append(pid)
        return found

    def args(self, start):
        return self.stage.notes("args", start.pid).split("\n")[:-1]

    def mail(self):
        return self.store.read(
            lambda tx: [dict(row) for row in tx.all("select subject, body from messages order by id")]
        )

    def kept(self):
        folder = self.xats.home / "xats" / "crews"
        return sorted(os.listdir(folder)) if folder.exists() else []


@pytest.fixture
def stage(xats, tmp_path):
    with staged(xats, tmp_path) as made:
        yield made


@pytest.fixture
def shop(stage, xats, monkeypatch):
    monkeypatch.setenv("XATS_HOME", xats.environ["XATS_HOME"])  # for rounds in this process
    made = Crew(stage, xats)
    yield made
    made.store.close()


def test_a_program_that_is_killed_runs_again_in_its_pane(shop, stage):
    daemon = shop.daemon()
    shop.up(args=["--model", "opus"], prompt="Read the notes")
    first = shop.running()
    assert len(shop.kept()) == 1
    assert os.stat(shop.xats.home / "xats" / "crews" / shop.kept()[0]).st_mode & 0o777 == 0o600
    shop.kill(first)
    second = shop.running(generation=2)
    assert (second.pane.pane_id, second.pane.pane_pid) == (first.pane.pane_id, second.pid)
    assert (second.automatic, second.policy, second.crew_file, second.started_by) == (
        True,
        "on-crash",
        str(shop.file()),
        shop.ann.id,
    )
    assert shop.args(second)[-4:] == ["--model", "opus", "--", "Read the notes"]  # no session is known
    assert shop.alive() == [second.pid]
    assert shop.kept() == [f"kept-{second.token}.json"]
    assert daemon.poll() is None
    (listed,) = [one for one in shop.xats("agents", "--long", "--json").json()["agents"] if one["name"] == "bob"]
    assert listed["crew"]["restarts"] == 1


@pytest.mark.parametrize("keeps", [True, False])
def test_a_program_that_keeps_the_id_of_its_session_has_it_at_once(shop, stage, keeps):
    """So its inbox can wake it before its first prompt, at which its hook names the session."""
    clients = shop.xats.home / "clients"
    clients.mkdir(mode=0o700)
    (clients / "claude-code.toml").write_text(f"resume_keeps_id = {json.dumps(keeps)}\n")
    shop.xats.environ["XATS_CLIENTS"] = str(clients)
    shop.daemon()
    shop.up()
    first = shop.running()
    shop.store.write(lambda tx: tx.run("update sessions set client_session = 'abc-1' where pid = :pid", pid=first.pid))
    shop.kill(first)
    second = shop.running(generation=2)
    session = shop.store.read(lambda tx: agents.current_session(tx, second.agent))
    assert session.seat.client_session == ("abc-1" if keeps else None)


def test_a_session_is_continued_without_the_first_prompt(shop, stage):
    shop.daemon()
    shop.up(args=["--model", "opus"], prompt="Read the notes")
    first = shop.running()
    shop.store.write(lambda tx: tx.run("update sessions set client_session = 'abc-1' where pid = :pid", pid=first.pid))
    shop.kill(first)
    second = shop.running(generation=2)
    assert shop.args(second)[-4:] == ["--resume", "abc-1", "--model", "opus"]
    shop.kill(second)  # its hook has not named the session since
    third = shop.running(generation=3)
    assert shop.args(third)[-4:] == ["--resume", "abc-1", "--model", "opus"]


def test_a_session_that_could_not_be_continued_begins_afresh(shop, stage):
    shop.daemon()
    shop.up(prompt="Read the notes")
    first = shop.running()
    shop.store.write(lambda tx: tx.run("update sessions set client_session = 'abc-1' where pid = :pid", pid=first.pid))
    stage.play(text=ENDS)
    shop.kill(first)
    until(lambda: (found := stage.start()).generation == 2 and found.state == "failed")
    stage.play()
    third = shop.running(generation=3)
    assert shop.args(third)[-2:] == ["--", "Read the notes"]


@pytest.mark.parametrize("policy, number, state", [("on-crash", 0, "stopped"), ("never", 9, "failed")])
def test_what_is_not_started_again(shop, stage, policy, number, state):
    shop.up(policy=policy)
    shop.daemon()
    first = shop.running()
    if number:
        shop.kill(first)
    else:
        shop_exit(stage, first)
    found = shop.until(state)
    assert not found.waits
    assert found.generation == 1


def shop_exit(stage, start):
    """Let the program of the start end by itself, with exit 0."""
    file = os.open(f"{stage.folder}/log-{start.pid}.in", os.O_WRONLY | os.O_NONBLOCK)
    os.write(file, b"exit\n")
    os.close(file)
    until(lambda: process.ended(*start.process))


def test_always_starts_again_after_exit_0(shop, stage):
    shop.up(policy="always")
    shop.daemon()
    shop_exit(stage, shop.running())
    second = shop.running(generation=2)
    assert shop.alive() == [second.pid]
    stage.run("down bob --force")
    assert stage.start().state == "stopped"
    assert second.pane.pane_id not in [one[2] for one in stage.panes()]
    assert shop.kept() == []


def test_three_exits_end_it_and_the_person_is_told_once(shop, stage):
    shop.xats.environ["XATS_FAULT_RESTARTS"] = "1000"  # three exits within a minute
    shop.daemon()
    shop.up()
    first = shop.running()
    stage.play(text=ENDS)
    shop.kill(first)
    found = shop.until("flapping")
    assert found.generation == 3
    assert found.detail.split("\n")[0].startswith("ended with exit 3 before it was ready; it ended 3 times within")
    assert "no licence" in found.detail
    (mail,) = shop.mail()
    assert mail["subject"] == "bob is not started again"
    assert "no licence" in mail["body"]
    out, _ = stage.run("agents --long")
    assert "flapping" in out
    (listed,) = [one for one in shop.xats("agents", "--long", "--json").json()["agents"] if one["name"] == "bob"]
    assert (listed["crew"]["screen"], listed["crew"]["restarts"]) == (["no licence"], 2)
    checks = shop.xats("doctor", "--json", code=None).stdout
    assert "xats does not start bob@crew again: the program ended too often" in checks
    shown = shop.xats.on_terminal("agents", "--long")
    assert "bob flapping: ended with exit 3" in shown
    assert "  | no licence" in shown
    stage.play()
    stage.run("launch claude --name bob --window")
    assert (stage.start().state, stage.start().generation) == ("running", 4)
    assert shop.kept() == []
    assert found.pane.pane_id not in [one[2] for one in stage.panes()]


def test_a_window_that_was_closed_is_not_opened_again(shop, stage):
    shop.up()
    shop.daemon()
    first = shop.running()
    stage.tmux.cmd("kill-pane", "-t", first.pane.pane_id)
    assert not shop.until("stopped").waits
    assert shop.mail() == []


def test_a_pane_that_was_closed_while_it_waits_is_not_opened_again(shop, stage):
    shop.up()
    first = shop.running()
    shop.kill(first)
    until(lambda: (start_rounds.once(shop.store), stage.start().waits)[1])
    stage.tmux.cmd("kill-pane", "-t", first.pane.pane_id)
    until(lambda: (rounds.once(shop.store), stage.start().state == "stopped")[1])
    assert stage.start().detail == "its pane was closed"


def test_down_cancels_a_restart(shop, stage):
    shop.up()
    shop.kill(shop.running())
    until(lambda: "bob failed: ended by signal 9" in shop.xats.on_terminal("agents", "--long"))  # nobody has noted it
    assert stage.start().state == "running"
    until(lambda: (start_rounds.once(shop.store), stage.start().waits)[1])
    assert "no, so it does not restart bob@crew" in shop.xats("doctor", "--json", code=None).stdout
    (listed,) = [one for one in shop.xats("agents", "--long", "--json").json()["agents"] if one["name"] == "bob"]
    assert listed["crew"]["again_in_ms"] is not None
    assert (listed["crew"]["start"]["exit_code"], listed["crew"]["start"]["exit_signal"]) == (None, 9)
    assert "; again " in shop.xats.on_terminal("agents", "--long", env={"COLUMNS": "200"})
    out, _ = stage.run("down bob")
    assert out == "bob stopped\n"
    assert (stage.start().state, stage.start().detail, shop.kept()) == ("stopped", "xats ended it", [])
    assert "bob" not in [one[1] for one in stage.panes()]
    rounds.once(shop.store)
    assert stage.start().generation == 1
    assert stage.run("down bob")[0] == "bob does not run\n"


def test_a_crew_whose_tmux_server_is_killed_is_stopped_and_the_person_told_once(shop, stage):
    shop.up()
    shop.up("amy")
    first, other = shop.running(), shop.running("amy")
    shop.kill(other)
    until(lambda: (start_rounds.once(shop.store), stage.start("amy").waits)[1])
    os.kill(stage.tmux.pid, signal.SIGKILL)
    until(lambda: not stage.tmux.alive)
    until(lambda: process.ended(*first.process))
    until(lambda: (shop.once(), all(not one.open and not one.waits for one in stage.rows()))[1])
    assert [(one.state, one.detail) for one in stage.rows()] == [("stopped", "its tmux server has ended")] * 2
    (mail,) = shop.mail()
    assert "xats up" in mail["body"]
    stage.tmux.start()  # another server at the same socket
    for _ in range(3):
        shop.once()
    assert [one.generation for one in stage.rows()] == [1, 1]
    assert len(shop.mail()) == 1


def test_another_server_at_the_same_socket_is_not_used(shop, stage):
    shop.up()
    first = shop.running()
    os.kill(stage.tmux.pid, signal.SIGKILL)
    until(lambda: not stage.tmux.alive and process.ended(*first.process))
    stage.tmux.start()
    until(lambda: (shop.once(), stage.start().state == "stopped")[1])
    assert stage.start().detail == "its tmux server has ended"


@pytest.mark.parametrize("change", ["file", "gone", "invalid", "trust", "another"])
def test_a_changed_crew_file_restarts_nothing(shop, stage, change):
    shop.up()
    shop.kill(shop.running())
    if change == "file":
        shop.file().write_text(shop.file().read_text() + 'role = "qa"\n')
    elif change == "gone":
        shop.file().unlink()
    elif change == "invalid":
        shop.file().write_text("[agents.bob]\nprogram = 5\n")
    elif change == "trust":
        assert trust.drop(shop.xats.environ, str(shop.file()))
    else:  # a person has agreed to another content
        shop.agree("bob", "always")
    until(lambda: (shop.once(), stage.start().state == "stopped")[1])
    assert stage.start().detail.startswith("ended by signal 9; ")
    assert [one["subject"] for one in shop.mail()] == ["bob was not started again"]


@pytest.mark.parametrize("gone", ["program", "folder"])
def test_what_is_missing_does_not_break_the_daemon(shop, stage, gone):
    shop.xats.environ["XATS_FAULT_RESTARTS"] = "1000"  # three exits within a minute
    daemon = shop.daemon()
    shop.up()
    first = shop.running()
    if gone == "program":
        (stage.bin / "claude").unlink()
    else:
        for path in (shop.xats.home / "xats" / "crews").iterdir():
            path.write_text(path.read_text().replace(f'"folder":"{shop.xats.folder}"', '"folder":"/nowhere/at/all"'))
    shop.kill(first)
    if gone == "program":
        assert "There is no program claude in PATH" in shop.until("flapping").detail
    else:
        shop.running(generation=2)
    assert daemon.poll() is None


def test_without_what_was_kept_nothing_is_started(shop, stage):
    """A row of the store alone starts nothing."""
    shop.up(policy="never")
    first = shop.running()
    shop.store.write(lambda tx: tx.run("update starts set policy = 'always'"))
    shop.kill(first)
    until(lambda: (shop.once(), stage.start().state == "stopped")[1])
    assert "is gone" in stage.start().detail
    assert stage.start().generation == 1
    assert [one["subject"] for one in shop.mail()] == ["bob was not started again"]


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EACCES])
def test_a_disk_that_is_full_for_a_while_does_not_end_an_agent(shop, stage, monkeypatch, number):
    """Another error of the system ends it, and the person is told."""
    shop.up()
    first = shop.running()
    tried = []

    def put(*_):
        tried.append(1)
        raise OSError(number, os.strerror(number))

    with monkeypatch.context() as broken:
        broken.setattr(keep, "put", put)
        shop.kill(first)
        until(lambda: (shop.once(), tried)[1])
    if number == errno.EACCES:
        assert stage.start().state == "stopped"
        (mail,) = shop.mail()
        assert "Permission denied" in mail["body"] and "xats up bob" in mail["body"]
    else:
        assert stage.start().waits and shop.mail() == []
        until(lambda: (shop.once(), stage.start().generation == 2)[1])


def test_a_program_whose_wrapper_was_killed_gets_no_second_one(shop, stage):
    """The wrapper is named as the program, and so is what it runs."""
    inner = stage.bin / "inner"
    inner.mkdir()
    (inner / "claude").symlink_to("/bin/sleep")
    stage.play(text=WRAPPED)
    shop.up()
    first = shop.running()
    child = until(lambda: [one.pid for one in process.session(first.pid) if one.pid != first.pid])[0]
    shop.kill(first)
    until(lambda: (start_rounds.once(shop.store), stage.start().waits)[1])
    until(lambda: shop.store.read(lambda tx: restarts.due(tx, host.id())))
    rounds.once(shop.store)
    assert stage.start().generation == 1
    os.kill(child, 9)
    until(lambda: (rounds.once(shop.store), stage.start().generation == 2)[1])


@pytest.fixture
def shared(xats, tmp_path, database, monkeypatch):
    """Return a crew in a database, which other hosts can write too."""
    with staged(xats, tmp_path) as stage:
        xats.path = xats.environ["XATS_DB"] = database.empty()
        for name in ("XATS_HOME", "HOME"):
            monkeypatch.setenv(name, xats.environ[name])
        monkeypatch.delenv("XDG_STATE_HOME", raising=False)
        xats.environ.pop("XDG_STATE_HOME", None)
        made = Crew(stage, xats)
        yield made
        made.store.close()


def test_a_program_runs_again_with_a_shared_store(shared):
    daemon = shared.daemon()
    shared.up()
    first = shared.running()
    shared.kill(first)
    second = shared.running(generation=2)
    assert shared.alive() == [second.pid]
    assert shared.kept() == [f"kept-{second.token}.json"]
    shared.end_daemon(daemon)
    shared.store.write(lambda tx: tx.run("update starts set host = 'elsewhere'"))
    shared.kill(second)
    shared.once()
    assert shared.stage.start().generation == 2  # the start of another host


# -- killed daemons ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("point", ["restart.kept", "restart.written", "restart.made"])
def test_a_daemon_that_is_killed_in_between_leaves_one_program(shop, stage, point):
    shop.up()
    first = shop.running()
    daemon = shop.daemon(XATS_FAULT=point)
    shop.kill(first)
    daemon.wait(30)
    until(lambda: not lock.held(shop.xats.path))
    again = shop.daemon()
    second = shop.running(generation=2)
    assert shop.alive() == [second.pid]
    assert len(list(stage.folder.glob("args-*"))) == 2
    assert again.poll() is None
    assert len(stage.panes()) == 2
    until(lambda: shop.kept() == [f"kept-{second.token}.json"])


def test_a_restart_that_nobody_continued_for_long_is_made_in_the_same_pane(shop, stage):
    """Its time is over: that counts as an exit."""
    shop.up()
    first = shop.running()
    daemon = shop.daemon(XATS_FAULT="restart.written")
    shop.kill(first)
    daemon.wait(30)
    shop.store.write(lambda tx: tx.run("update starts set created_at = created_at - 60000"))
    start_rounds.once(shop.store)
    assert stage.start().waits
    until(lambda: (rounds.once(shop.store), stage.start().generation == 3)[1])
    shop.daemon()
    third = shop.running(generation=3)
    assert shop.alive() == [third.pid]


def test_a_daemon_and_a_program_that_are_killed_ten_times_never_make_two(shop, stage):
    shop.xats.environ["XATS_FAULT_RESTARTS"] = "5"  # a day has 86 s then, and the limits of exits are out of the way
    shop.up()
    start, daemon = shop.running(), shop.daemon()
    for generation in range(2, 12):
        if generation % 2:
            shop.end_daemon(daemon)
            shop.kill(start)
            daemon = shop.daemon()
        else:
            shop.kill(start)
            shop.end_daemon(daemon)
            daemon = shop.daemon()
        start = shop.running(generation=generation)
        assert shop.alive() == [start.pid]
    assert len(list(stage.folder.glob("args-*"))) == 11
    assert len([one for one in stage.panes() if one[1] == "bob"]) == 1
    assert shop.store.read(lambda tx: agents.current_session(tx, start.agent)).seat.process == start.process
