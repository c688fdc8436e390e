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
    "down": ["4 down bob"],
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
