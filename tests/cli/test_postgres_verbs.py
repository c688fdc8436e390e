"""Every verb has a path that runs on PostgreSQL, as the real program."""

import os
import shlex

import pytest

from tests.conftest import Cli, Team, trust_clock
from tests.support import checks
from xats.cli.kit.verbs import VERBS
from xats.core.contracts import contracts
from xats.core.tasks import planning

# What alice does, a line for each command. A number before the line is its exit code, `< text` at its end its input.
# `NAME: ` before it is another agent who does it; `-: ` is a person who is no agent.
PATHS = {
    "send": ["send bob 'a text' -s Subject --need-reply", "send all 'to all' --key k", "send pool:dev 'any of you'"],
    "broadcast": ["broadcast --role dev 'to some'"],
    "reply": ["bob: reply 1 'an answer'"],
    "ask": ["124 ask bob 'a question' --timeout 0.2s"],
    "ack": ["bob: ack 1"],
    "inbox": ["bob: inbox --peek", "bob: inbox", "bob: inbox --all --json", "bob: inbox --owed"],
    "show": ["bob: show 1"],
    "thread": ["bob: thread 1"],
    "status": ["status 1"],
    "log": ["log --json"],
    "search": ["search first"],
    "wait": ["bob: wait --timeout 5s", "124 carol: wait --timeout 0.2s"],
    "badge": ["bob: badge"],
    "register": ["-: register dave --client generic --role dev --tag gpu"],
    "unregister": ["carol: unregister"],
    "agents": ["agents --json"],
    "agent show": ["agent show bob"],
    "agent set": ["agent set bob --role dev --tag gpu"],
    "agent rename": ["carol: agent rename carol caroline", "send carol 'by the former name'"],
    "agent forget": ["carol: agent forget carol --yes"],
    "seat": ["seat dave --role dev --tag gpu"],
    "launch": ["3 -: launch codex --name dave --print"],
    "up": ["3 -: up"],
    "down": ["4 down bob"],
    "trust": ["-: trust --list --json", "3 -: trust", "-: trust --drop none.toml"],
    "limit set": ["-: limit set wakes 60 --then space", "4 limit set wakes 600", "2 -: limit set wake 5"],
    "limit list": ["-: limit set minutes 4h --reason 'a night'", "limit list", "limit list --json"],
    "limit drop": ["-: limit set agents 6", "4 limit drop agents", "-: limit drop agents", "3 -: limit drop agents"],
    "top": ["2 top"],
    "peek": ["4 peek bob"],
    "attach": ["4 attach bob"],
    "pause": ["pause bob --reason 'it is away'"],
    "resume": ["pause bob", "resume bob"],
    "whoami": ["whoami"],
    "doing": ["doing 'the parser'"],
    "recap": ["recap bob"],
    "team list": ["team list"],
    "team show": ["team show crew"],
    "team rename": ["-: team rename crew squad --yes"],
    "team merge": ["-: team merge other crew --yes"],
    "team archive": ["-: team archive other --yes"],
    "team forget": ["-: team forget other --yes"],
    "team adopt": ["-: team adopt other --yes"],
    "task add": ["task add 'a second' --dep 1 --role dev --priority 1"],
    "task list": ["task list --json"],
    "task show": ["task show 1"],
    "task claim": ["bob: task claim --next"],
    "task renew": ["bob: task claim 1", "bob: task renew 1"],
    "task progress": ["bob: task claim 1", "bob: task progress 1 half"],
    "task release": ["bob: task claim 1", "bob: task release 1"],
    "task submit": ["bob: task claim 2", "bob: task submit 2"],
    "task approve": ["bob: task claim 2", "bob: task submit 2", "carol: task approve 2"],
    "task feedback": ["bob: task claim 2", "bob: task submit 2", "carol: task feedback 2 'tests are missing'"],
    "task done": ["bob: task claim 1", "bob: task done 1"],
    "task fail": ["bob: task claim 1", "bob: task fail 1 --reason 'no way'"],
    "task cancel": ["task cancel 1"],
    "task reopen": ["task cancel 1", "task reopen 1"],
    "task edit": ["task edit 2 --dep 1 --priority 0"],
    "task graph": ["task graph"],
    "task wait": ["124 task wait 1 --timeout 0.2s"],
    "task import": ["""task import - < {"title": "an imported one"}"""],
    "task export": ["task export"],
    "turn join": ["turn join", "turn join --name docs"],
    "turn take": ["turn join", "turn take", "bob: turn join", "124 bob: turn take --wait 0.2s"],
    "turn pass": ["turn join", "bob: turn join", "turn take", "turn pass next --status a --next b", "bob: turn take"],
    "turn release": ["turn join", "turn take", "turn release"],
    "turn steal": ["turn join", "turn steal --reason 'it is free'", "bob: turn join", "4 bob: turn steal --reason x"],
    "turn status": ["turn join", "bob: turn status --json"],
    "turn log": ["turn join", "turn take", "turn log", "turn log --json"],
    "turn leave": ["turn join", "turn take", "bob: turn join", "turn leave", "bob: turn take"],
    "turn kick": ["turn join", "bob: turn join", "turn kick bob --force"],
    "contract put": ["""contract put order - < {"type": "object", "required": ["a"]}"""],
    "contract get": ["contract get order"],
    "contract list": ["contract list"],
    "contract log": ["contract log order"],
    "contract diff": ["""contract put order - < {"type": "object", "title": "t"}""", "contract diff order 1 2"],
    "contract check": ["contract check order - < {}"],
    "contract subscribe": ["contract subscribe order"],
    "contract unsubscribe": ["contract subscribe order", "contract unsubscribe order"],
    "contract subscribers": ["contract subscribers order"],
    "contract rename": ["contract rename order bill"],
    "contract retire": ["contract retire order"],
    "lock take": ["lock take a.py b.py --reason 'new lexer'", "4 bob: lock take a.py", "4 bob: lock take a.py --queue"],
    "lock release": ["lock take a.py b.py", "lock release a.py", "lock release --all --json"],
    "lock renew": ["lock take a.py", "lock renew a.py --ttl 1h", "lock renew"],
    "lock list": ["lock take a.py", "lock list --json", "lock list --mine"],
    "lock check": [
        "lock take a.py",
        "lock check a.py",
        "4 bob: lock check a.py",
        "124 bob: lock take a.py --wait 0.2s",
    ],
    "lock steal": ["lock take a.py", "4 bob: lock steal a.py --reason 'I wait'"],
    "lock guard": ["lock guard"],
    "lock install-git-hook": ["4 lock install-git-hook"],
    "lock uninstall-git-hook": ["4 lock uninstall-git-hook"],
    "zone assign": ["zone assign bob src/", "zone assign role:dev 'src/*.sql' --nested --json"],
    "zone list": ["zone assign bob src/", "zone list"],
    "zone drop": ["zone assign bob src/", "zone drop src/"],
    "zone check": ["zone assign bob src/", "4 zone check src/a", "bob: zone check src/a"],
    "note put": [
        "note put style tabs",
        "note put style - --if-version 1 < spaces",
        "4 note put style x --if-version 1",
    ],
    "note get": ["note put style tabs", "note get style@1", "3 note get other"],
    "note list": ["note put api/a x --ttl 1h", "note list api/ --category context", "note list --json"],
    "note log": ["note put style tabs", "note log style --json"],
    "note rm": ["note put style tabs", "note rm style", "note put style @1"],
    "note pin": ["note put style tabs", "note pin style", "recap"],
    "note unpin": ["note put style tabs", "note pin style", "note unpin style"],
    "events": ["events --json"],
    "poke": ["4 -: poke bob 'go on'"],
    "deliver": ["deliver --once"],
    "dead list": ["dead list"],
    "dead show": ["dead show 2"],
    "dead retry": ["dead retry 2 --to carol"],
    "dead drop": ["dead drop 2"],
    "daemon run": ["daemon start", "4 daemon run"],
    "daemon start": ["daemon start", "daemon status --json"],
    "daemon restart": ["daemon start", "daemon restart"],
    "daemon stop": ["daemon start", "daemon stop"],
    "daemon status": ["daemon status"],
    "doctor": ["doctor"],
    "config list": ["config list"],
    "config get": ["config get wake.off"],
    "config set": ["config set wake.off hook"],
    "config unset": ["config set wake.off hook", "config unset wake.off"],
    "config path": ["config path"],
    "setup": ["-: setup --yes"],
    "client find": ["client find"],
    "client list": ["client list"],
    "client show": ["client show codex"],
    "client test": ["75 client test %1"],
    "hook install": ["hook install codex --yes"],
    "hook uninstall": ["hook install codex --yes", "hook uninstall codex --yes"],
    "hook status": ["hook status"],
    "hook run": ["""hook run --client claude-code < {"hook_event_name": "UserPromptSubmit", "session_id": "s"}"""],
    "hook wait": ["""hook wait --client claude-code < {"hook_event_name": "Stop", "session_id": "s"}"""],
    "db info": ["db info", "db info --json"],
    "db backup": ["4 db backup"],
    "db export": ["4 db export agents"],
    "db import": ["4 db import x"],
    "db query": ["db query 'select name from agents'", "db query 'select name from agents where id = 0' --json"],
    "db prune": ["db prune --yes"],
    "db check": ["db check"],
    "demo": ["demo --help"],
    "demo-agent": ["demo-agent --help"],
    "help": ["help send"],
    "commands": ["commands"],
    "completion": ["completion bash"],
    "schema": ["schema send"],
}


@pytest.fixture
def program(tmp_path, database):
    """The real program, whose store is in a database."""
    cli = Cli(tmp_path)
    cli.path = cli.environ["XATS_DB"] = database.empty()
    cli("register", "erin", "--client", "generic")  # it also notes on this host that there is a store
    yield cli
    cli("daemon", "stop", code=None)
    cli.reap()


@pytest.fixture
def crew(program, monkeypatch):
    monkeypatch.setenv("XATS_HOME", program.environ["XATS_HOME"])  # where both record which agents this host has
    opened = program.store()
    team = Team(opened)
    team.add("alice", "bob", "carol", role="dev")
    team.register("mallory", team="other", client="generic")
    team.send("alice", "bob", "the first text", need_reply=True)
    team.send("alice", "bob", "one that expires", ttl=1)
    team.do("alice", planning.add, planning.New("a first"))
    team.do("alice", planning.add, planning.New("one to review", review=("dev",)))
    team.do("alice", contracts.put, contracts.New("order", '{"type": "object"}'), None)
    trust_clock(program.path)
    yield team
    opened.close()


def test_a_host_that_has_not_used_the_database_can_check_it(program, crew, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    elsewhere = Cli(tmp_path / "elsewhere")
    elsewhere.environ["XATS_DB"] = program.path
    assert "OK    schema: " in elsewhere("db", "check").stdout
    assert elsewhere("db", "prune", "--yes").stderr.startswith("nothing to remove ")


def test_every_verb_has_a_path():
    assert set(PATHS) == set(VERBS)


@pytest.mark.parametrize("verb", PATHS)
def test_a_verb_runs_on_postgresql(program, crew, verb):
    for line in PATHS[verb]:
        command, _, given = line.partition(" < ")
        words = shlex.split(command)
        code = int(words.pop(0)) if words[0].isdigit() else 0
        name = words.pop(0)[:-1] if words[0].endswith(":") else "alice"
        who = [] if name == "-" else ["--as", name]
        program(*words, *who, stdin=given or None, code=code)
    assert checks.broken(crew.store) == []
    assert not os.path.exists(program.home / "xats" / "xats.db")  # it has used the database


def test_info_shows_the_server_and_the_rows(program, crew):
    shown = program("db", "info", "--json").json()
    assert (shown["url"], shown["store_id"]) == (program.path, crew.store.id)
    assert {one["name"]: one["rows"] for one in shown["tables"]}["messages"] == 2
    assert shown["server_version"] in program("db", "info").stdout


@pytest.mark.parametrize("end", ["", ";", " -- a comment", " limit 5;"])
def test_a_query_without_rows_has_its_columns(program, crew, end):
    sql = f"select id, name as n, name from agents where id < :least{end}"
    assert program("db", "query", sql, "-p", "least=0", "--csv").stdout == "id,n,name\n"
    assert program("db", "query", "show work_mem", "--json").json()["columns"] == ["work_mem"]
