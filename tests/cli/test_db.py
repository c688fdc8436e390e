"""The verbs that keep the store, as processes: what they print, where, and how they end."""

import csv
import io
import json
import os
import pty
import re
import shlex
import signal
import stat
import subprocess
import sys
import time

import pytest

from tests.conftest import Team, trust_clock
from tests.support import documents
from tests.support.blank import new_store
from xats.core.mail import inbox
from xats.store.open import open_store
from xats.store.sqlite import engine

DAY = 86_400_000
HOSTILE = "plain\n\x1b[31mred\x07\x9b2J\x7f\u202eabc"
NAUGHTY = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


@pytest.fixture
def mail(xats, crew):
    crew.send("alice", "bob", "first", subject="S")
    crew.send("bob", "alice", HOSTILE)
    return xats


@pytest.fixture
def old(xats):
    """A store with mail from 40 days ago, of which bob has read the first message and not the second."""
    clock = lambda: engine.host_clock() - 40 * DAY  # noqa: E731
    opened = open_store(new_store(xats.path), clock=clock)
    made = Team(opened)
    made.add("alice", "bob")
    made.send("alice", "bob", "read", dedupe_key="k")
    made.do("bob", inbox.mark_read, [1])
    made.send("alice", "bob", "unread")
    opened.close()
    trust_clock(xats.path)
    return xats


def valid(xats, verb: str, *words, code: int = 0) -> dict:
    """Return what `xats db verb words --json` prints."""
    ran = xats("db", verb, *words, "--json", code=code)
    found = documents.parsed(ran.stdout)
    assert ran.stderr == ""
    return found


def visible(text: str) -> bool:
    return not NAUGHTY.search(text.replace("\r", ""))


# -- without a store ---------------------------------------------------------------------------------------------------

ALL = [["info"], ["backup"], ["export"], ["query", "select 1"], ["prune", "--yes"], ["prune", "--dry-run"], ["check"]]


@pytest.mark.parametrize("words", ALL, ids=" ".join)
def test_no_verb_makes_a_store_that_is_not_there(xats, words):
    error = xats("db", *words, "--json", code=3).error()
    assert (error["code"], "There is no store" in error["message"], "--db" in error["hint"]) == (
        "not_found",
        True,
        True,
    )
    assert not os.path.exists(os.path.dirname(xats.path))


@pytest.mark.parametrize("words", ALL[:-1], ids=" ".join)
def test_a_file_of_another_application_is_left(xats, tmp_path, words):
    path = tmp_path / "diary"
    path.write_text("Dear diary\n" * 500)
    error = xats("db", *words, "--db", str(path), "--json", code=1).error()
    assert error["code"] == "store_foreign"
    assert path.read_text() == "Dear diary\n" * 500
    assert "diary" in os.listdir(tmp_path)
    assert not [name for name in os.listdir(tmp_path) if name.startswith(("diary.", ".diary"))]


# -- info --------------------------------------------------------------------------------------------------------------


def test_info(mail):
    found = valid(mail, "info")
    assert {one["name"]: one["rows"] for one in found["tables"]}["messages"] == 2
    assert (found["path"], found["store_version"]) == (mail.path, engine.SCHEMA_VERSION)
    assert (found["file_mode"], found["folder_mode"]) == ("0600", "0700")
    lines = dict(line.split("\t") for line in mail("db", "info").stdout.splitlines())
    assert lines["path"] == mail.path
    assert lines["rows of messages"] == "2"
    shown = mail.on_terminal("db", "info")
    assert "rows of messages" in shown
    assert mail.path in shown.replace("\n", "").replace(" ", "")


# -- check -------------------------------------------------------------------------------------------------------------


def test_check_of_a_sound_store(mail):
    found = valid(mail, "check")["checks"]
    assert {one["state"] for one in found} == {"ok"}
    lines = mail("db", "check").stdout.splitlines()
    assert len(lines) == len(found)
    assert all(line.startswith("OK  ") for line in lines)
    assert mail("db", "check", "-q").stdout == ""


def test_check_of_a_bad_store_ends_with_5_and_says_what_mends_it(mail):
    os.chmod(mail.path, 0o644)
    found = valid(mail, "check", code=5)["checks"]
    (bad,) = [one for one in found if one["state"] != "ok"]
    assert (bad["name"], bad["state"], bad["fix"]) == ("permissions", "fail", f"chmod 600 {mail.path}")
    shown = mail("db", "check", "-q", code=5).stdout.splitlines()
    assert re.match(r"FAIL  permissions: .*0644", shown[0])
    assert shown[1].strip() == bad["fix"]
    subprocess.run(shlex.split(bad["fix"]), check=True)
    mail("db", "check")


def test_a_warning_alone_ends_with_0(mail):
    os.chmod(os.path.dirname(mail.path), 0o755)
    assert mail("db", "check", "-q").stdout.startswith("WARN  permissions")


# -- backup ------------------------------------------------------------------------------------------------------------


def test_a_backup_goes_beside_the_store_and_can_be_restored(rollback, mail):
    path, size = mail("db", "backup").stdout.rstrip("\n").split("\t")
    assert re.fullmatch(re.escape(mail.path) + r"\.\d{8}T\d{6}\.\d{3}Z\.bak", path)
    assert size == f"{os.path.getsize(path)} bytes"
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o600
    mail("send", "bob", "too late", "--as", "alice")
    os.replace(path, mail.path)  # nothing is beside it: no process has it open
    found = mail("inbox", "--as", "alice", "--json").json()["messages"]
    assert [one["body"] for one in found] == [HOSTILE]
    assert mail("send", "bob", "again", "--as", "alice", "-q").stdout == "3\n"
    mail("db", "check")


def test_a_backup_to_a_name_in_the_folder_one_is_in(mail):
    found = valid(mail, "backup", "copy.db")
    target = os.path.join(mail.folder, "copy.db")
    assert found == {"path": target, "size": os.path.getsize(target)}
    before = os.stat(target).st_ino
    assert mail("db", "backup", "copy.db", "--json", code=4).error()["code"] == "refused"
    assert os.stat(target).st_ino == before
    assert mail("db", "backup", "copy.db", "--force", "-q").stdout == f"{target}\n"
    assert os.stat(target).st_ino != before
    assert valid(mail, "info", "--db", target)["tables"] == valid(mail, "info")["tables"]


# -- export ------------------------------------------------------------------------------------------------------------


def test_an_export_of_everything_names_the_table_of_each_row(mail, crew):
    header, *rows = [json.loads(line) for line in mail("db", "export").stdout.splitlines()]
    assert [row["body"] for row in rows if row["table"] == "messages"] == ["first", HOSTILE]
    counts = {one["name"]: one["rows"] for one in valid(mail, "info")["tables"]}
    assert {name: len([row for row in rows if row["table"] == name]) for name in counts} == counts
    assert (header["export"], header["schema"]) == ("xats", engine.SCHEMA_VERSION)
    assert {name: one["rows"] for name, one in header["tables"].items()} == counts
    assert (header["tables"]["messages"]["last_id"], header["tables"]["labels"]["last_id"]) == (2, None)


def test_an_export_of_one_table_is_its_rows(mail, crew):
    lines = mail("db", "export", "messages", "--jsonl").stdout.splitlines()
    assert [json.loads(line) for line in lines] == crew.rows("select * from messages")


def test_an_export_as_one_document(mail, crew):
    found = valid(mail, "export", "messages", "pauses", "labels", "events")
    assert [one["name"] for one in found["tables"]] == ["messages", "pauses", "labels", "events"]
    for one in found["tables"]:
        assert one["rows"] == crew.rows(f"select * from {one['name']}")


def test_an_export_as_csv(mail, crew):
    rows = list(csv.DictReader(io.StringIO(mail("db", "export", "messages", "--csv").stdout, newline="")))
    expected = [
        {name: "" if value is None else str(value) for name, value in row.items()}
        for row in crew.rows("select * from messages")
    ]
    assert rows == expected


def test_an_export_to_a_file_is_a_new_one_for_its_owner_alone(mail):
    for form in ([], ["--csv"], ["--json"]):
        mail("db", "export", "messages", *form, "-o", "out", "--force")
        out = mail.folder / "out"
        assert stat.S_IMODE(out.stat().st_mode) == 0o600
        assert out.read_bytes().decode() == mail("db", "export", "messages", *form).stdout
    before = out.read_bytes()
    assert mail("db", "export", "-o", "out", "--json", code=4).error()["code"] == "refused"
    assert out.read_bytes() == before
    assert mail("db", "export", "-o", mail.path, "--force", "--json", code=2).error()["code"] == "usage"
    assert os.listdir(mail.folder) == ["out"]


@pytest.mark.parametrize("form", [[], ["--csv"], ["--json"]], ids=str)
def test_no_body_acts_on_the_terminal_that_it_is_exported_to(mail, form):
    shown = mail.on_terminal("db", "export", "messages", *form)
    assert "red" in shown
    assert visible(shown)


@pytest.mark.parametrize(
    "words, code, said",
    [
        (["--csv"], 2, "exactly one TABLE"),
        (["messages", "events", "--csv"], 2, "exactly one TABLE"),
        (["nothing"], 3, "no table"),
        (["sqlite_sequence"], 3, "no table"),
        (["messages", "--csv", "--jsonl"], 2, "exclude each other"),
        (["-o", "/nowhere/file"], 1, "cannot be written"),
        (["-o", "."], 2, "is a folder"),
    ],
)
def test_an_export_that_cannot_be_is_said_so(mail, words, code, said):
    ran = mail("db", "export", *words, code=code)
    assert (ran.stdout, said in ran.stderr) == ("", True)
    assert os.listdir(mail.folder) == []


def test_an_export_into_a_pipe_that_ends_early_ends_quietly(mail, crew):
    crew.store.write(lambda tx: [tx.event("noted", "crew", None, "agent:x", text="x" * 1000) for _ in range(2000)])
    line = f"{shlex.join(mail.words)} db export | head -n 1"
    done = mail.run(["sh", "-c", line])
    assert (done.stderr, done.stdout.count(b"\n")) == (b"", 1)


def test_an_export_does_not_grow_with_the_store(mail, crew):
    """It is written row by row."""
    if not os.path.exists("/proc/self/status"):
        pytest.skip("only Linux tells how much memory a process by itself has had at the most")
    measure = "from xats.__main__ import main; main(); print(open('/proc/self/status').read())"
    used = []
    for count in (10, 20_000):
        crew.store.write(
            lambda tx, count=count: [tx.event("noted", "crew", None, "agent:x", text="x" * 2000) for _ in range(count)]
        )
        done = mail.run([sys.executable, "-P", "-c", measure, "db", "export", "events", "-o", f"out{count}"])
        used.append(int(re.search(rb"VmHWM:\s*(\d+) kB", done.stdout)[1]))
    assert os.path.getsize(mail.folder / "out20000") > 40_000_000
    assert used[1] - used[0] < 15_000  # KiB; in memory it would be 40,000 and more


# -- import ------------------------------------------------------------------------------------------------------------


@pytest.fixture
def exported(mail):
    """An export of the whole store in the file all.jsonl."""
    mail("db", "export", "-o", "all.jsonl")
    return mail.folder / "all.jsonl"


def test_an_import_into_a_new_store_is_the_export_again(mail, exported):
    found = valid(mail, "import", "all.jsonl", "--db", "new/xats.db")
    assert found["path"] == str(mail.folder / "new" / "xats.db")
    assert found["rows"] == sum(one["rows"] for one in found["tables"])
    assert found["tables"] == valid(mail, "info")["tables"]
    assert mail("db", "export", "--db", "new/xats.db").stdout == exported.read_text(encoding="utf-8")
    assert {one["state"] for one in valid(mail, "check", "--db", "new/xats.db")["checks"]} == {"ok"}
    assert stat.S_IMODE(os.stat(mail.folder / "new" / "xats.db").st_mode) == 0o600


def test_an_import_reads_standard_input_and_says_how_many_rows(mail, exported):
    rows = exported.read_bytes().count(b"\n") - 1
    assert mail("db", "import", "-", "--db", "new.db", stdin=exported.read_bytes()).stdout.startswith(f"{rows} rows")
    assert mail("db", "import", "-", "-q", "--db", "next.db", stdin=exported.read_bytes()).stdout == f"{rows}\n"


def test_an_import_into_a_store_with_mail_is_refused(mail, exported):
    error = mail("db", "import", "all.jsonl", "--json", code=4).error()
    assert (error["code"], "is not empty" in error["message"]) == ("refused", True)


@pytest.mark.parametrize("words", [["nothing.jsonl"], ["."]], ids=str)
def test_an_import_of_a_file_that_cannot_be_read_makes_no_store(mail, words):
    error = mail("db", "import", *words, "--db", "new.db", "--json", code=2).error()
    assert (error["code"], "cannot be read" in error["message"]) == ("invalid_export", True)
    assert os.listdir(mail.folder) == []


def test_a_wrong_line_is_said_with_its_file(mail, exported):
    lines = exported.read_text(encoding="utf-8").splitlines()
    exported.write_text("\n".join([*lines[:4], "{", *lines[5:]]), encoding="utf-8")
    error = mail("db", "import", "all.jsonl", "--db", "new.db", "--json", code=2).error()
    assert (error["code"], error["line"]) == ("invalid_export", 5)
    assert error["message"].startswith("all.jsonl, line 5: it is not JSON")
    assert os.listdir(mail.folder) == ["all.jsonl"]


@pytest.mark.parametrize("point, rows", [("store.before_commit", 0), ("store.after_commit", 2)])
def test_an_import_that_is_killed_has_imported_all_or_nothing(mail, exported, point, rows):
    path = str(mail.folder / "new.db")
    open_store(path).close()
    mail("db", "import", "all.jsonl", "--db", path, env={"XATS_FAULT": point}, code=-signal.SIGKILL)
    tables = {one["name"]: one["rows"] for one in valid(mail, "info", "--db", path)["tables"]}
    assert (tables["messages"], tables["agents"]) == (rows, rows)
    if not rows:
        mail("db", "import", "all.jsonl", "--db", path)
    assert mail("db", "export", "--db", path).stdout == exported.read_text(encoding="utf-8")


@pytest.mark.parametrize("form", [["messages"], ["messages", "--csv"], ["--json"]], ids=str)
def test_only_an_export_of_all_tables_is_imported(mail, form):
    text = mail("db", "export", *form).stdout
    error = mail("db", "import", "-", "--db", "new.db", "--json", code=2, stdin=text).error()
    assert "line 1" in error["message"]
    assert error["hint"]


# -- query -------------------------------------------------------------------------------------------------------------


def test_a_query(mail):
    sql = "select id, body from messages where id >= :low order by id"
    assert valid(mail, "query", sql, "-p", "low=1") == {
        "columns": ["id", "body"],
        "rows": [{"id": 1, "body": "first"}, {"id": 2, "body": HOSTILE}],
        "has_more": False,
    }
    assert mail("db", "query", sql, "-p", "low=1", "-n", "1").stdout == "1\tfirst\n"
    assert mail("db", "query", sql, "--param", "low=2", "--csv").stdout.startswith("id,body\n2,")
    ran = mail("db", "query", sql, "-p", "low=3")
    assert (ran.stdout, ran.stderr) == ("", "no rows\n")
    assert mail("db", "query", sql, "-p", "low=3", "--json").json()["rows"] == []


def test_what_is_left_out_is_said(mail):
    ran = mail("db", "query", "select id from messages", "-n", "1")
    assert (ran.stdout, "more than 1 rows" in ran.stderr) == ("1\n", True)
    assert mail("db", "query", "select id from messages", "-n", "1", "--json").json()["has_more"] is True


def test_a_query_draws_a_table_also_in_a_pipe(mail):
    sql = "select id, :long as note from messages order by id"
    ran = mail("db", "query", sql, "-p", f"long={'x' * 300}", "--table", env={"COLUMNS": "20"})
    assert [line.split() for line in ran.stdout.splitlines()] == [["id", "note"], ["1", "x" * 300], ["2", "x" * 300]]
    assert mail("db", "query", sql, "-p", "long=x", "--table", "--csv", code=2).stdout == ""
    assert "note" in mail.on_terminal("db", "query", sql, "-p", "long=x", "--table")


@pytest.mark.parametrize("form", [[], ["--csv"], ["--json"], ["--table"]], ids=str)
@pytest.mark.parametrize("sql", ["select body from messages", 'select 1 as "[bold]\x1b[31mred\x07[/nothing]"'])
def test_no_cell_and_no_header_acts_on_a_terminal(mail, sql, form):
    shown = mail.on_terminal("db", "query", sql, *form, env={"NO_COLOR": "1"})
    assert "red" in shown
    assert visible(shown)


def test_a_cell_in_a_pipe_is_on_one_line(mail):
    assert mail("db", "query", "select body from messages where id = 2").stdout.count("\n") == 1


def test_what_json_has_no_word_for(mail):
    rows = mail("db", "query", "select x'00ff' as b, 9e999 as i, -9e999 as n, 1 as x, 2 as x, 3 as x", "--json").json()[
        "rows"
    ]
    assert rows == [{"b": "x'00ff'", "i": "inf", "n": "-inf", "x": 1, "x_2": 2, "x_3": 3}]


@pytest.mark.parametrize(
    "given, type",
    [("5", "integer"), ("-5", "integer"), ("1.5", "real"), ("007", "text"), ("+5", "text"), ("five", "text"),
     ("", "text"), ("9" * 30, "text"), ("a=b", "text"), ("inf", "text"), ("1e5", "text")],
)  # fmt: skip
def test_a_value_is_what_it_looks_like(mail, given, type):
    found = mail("db", "query", "select typeof(:x), :x", "-p", f"x={given}").stdout.rstrip("\n").split("\t")
    assert found == [type, given]


@pytest.mark.parametrize(
    "words, code, said",
    [
        (["delete from messages"], 2, "xats db query only runs statements that read"),
        (["attach 'x' as y"], 2, "xats db query only runs statements that read"),
        (["vacuum into 'x'"], 2, ""),
        (["selekt"], 2, "syntax error"),
        (["select :x"], 2, "-p name=value"),
        (["select :x", "-p", "x"], 2, "-p name=value"),
        (["select :x", "-p", "=5"], 2, "-p name=value"),
        (["select 1", "-n", "0"], 2, "-n 20"),
        (["select 1", "--timeout", "soon"], 2, "500ms"),
        (["select 1", "--csv", "--json"], 2, "exclude each other"),
        ([], 2, "xats db query --help"),
    ],
)
def test_a_query_that_cannot_be_run_is_said_so(mail, words, code, said):
    ran = mail("db", "query", *words, code=code)
    assert (ran.stdout, said in ran.stderr) == ("", True), ran
    assert os.listdir(mail.folder) == []


ENDLESS = "with recursive n(x) as (select 1 union all select x + 1 from n) select count(*) from n"


def test_a_query_has_its_time(mail):
    assert mail("db", "query", ENDLESS, "--timeout", "100ms", "--json", code=124).error()["code"] == "timed_out"


def test_ctrl_c_ends_a_query(mail, until):
    import psutil

    running = mail.start("db", "query", ENDLESS, "--timeout", "1h")
    until(lambda: psutil.Process(running.pid).cpu_times().user > 0.6, 25)
    running.send_signal(signal.SIGINT)
    ended = mail.end(running)
    assert (ended.code, ended.stderr) == (130, "")


# -- prune -------------------------------------------------------------------------------------------------------------


def bodies(xats) -> list[str]:
    return [row["body"] for row in valid(xats, "query", "select body from messages order by id")["rows"]]


def test_prune_says_first_and_then_does(old):
    planned = valid(old, "prune", "--dry-run")
    assert bodies(old) == ["read", "unread"]
    done = valid(old, "prune", "--yes")
    assert bodies(old) == ["unread"]
    assert (planned.pop("removed"), done.pop("removed")) == (False, True)
    assert (planned.pop("before"), done.pop("before")) != (None, None)
    assert planned == done
    assert (done["messages"], done["deliveries"], done["wakes"]) == (1, 1, 1)
    assert done["events"] > 1
    ran = old("db", "prune", "--yes")
    assert (ran.stdout, "nothing to remove" in ran.stderr) == ("", True)
    old("db", "check")


def test_prune_removes_nothing_while_the_clock_may_be_wrong(old):
    wrong = {"XATS_FAULT_CLOCK": str(40 * DAY)}
    for words in (("--yes",), ("--older", "1s", "-y")):
        error = old("db", "prune", *words, "--json", env=wrong, code=4).error()
        assert error["code"] == "refused"
        assert "set ahead by 40 d" in error["message"]
        assert error["hint"] == "try again in 20 min: xats db prune"
    assert bodies(old) == ["read", "unread"]
    valid(old, "prune", "--dry-run")
    error = old("db", "prune", "--yes", "--json", code=4).error()  # the clock is right again
    assert "set back by 40 d" in error["message"]
    assert bodies(old) == ["read", "unread"]


def test_info_says_whether_the_clock_is_trusted(old):
    assert valid(old, "info")["clock"] == {"trusted": True, "since": None, "reason": None}
    assert "clock\ttrusted\n" in old("db", "info").stdout
    ran = old("db", "info", env={"XATS_FAULT_CLOCK": str(-2 * DAY)})
    assert (
        "clock\tnot trusted yet (it was set back by 2 d, and xats noticed that just now): for 10 min more, "
        in ran.stdout
    )


def test_prune_in_words(old):
    assert old("db", "prune", "--dry-run").stdout.startswith(
        "would remove 1 message (1 delivery), 1 wake, 0 tasks and "
    )
    assert old("db", "prune", "-y").stdout.startswith("removed 1 message (1 delivery), 1 wake, 0 tasks and ")


def test_prune_does_nothing_when_nobody_is_there_to_say_yes(old):
    error = old("db", "prune", "--older", "9d", "--json", code=4).error()
    assert (error["code"], error["hint"]) == ("refused", "xats db prune --older 9d --yes")
    assert bodies(old) == ["read", "unread"]


@pytest.mark.parametrize(
    "words, env, left",
    [
        ([], "41d", 2),
        ([], "39d", 1),
        (["--older", "39d"], "41d", 1),
        (["--older", "41d"], "39d", 2),
        (["--older", "0"], None, 1),
        (["--older", "39d"], "off", 1),
    ],
)
def test_the_age_is_that_of_the_option_else_of_the_environment(old, words, env, left):
    old("db", "prune", "--yes", *words, env={"XATS_KEEP": env})
    assert len(bodies(old)) == left


@pytest.mark.parametrize(
    "words, env, code, said",
    [
        ([], "off", 4, "never removes anything"),
        ([], "0", 4, "never removes anything"),
        ([], "soon", 2, "XATS_KEEP"),
        (["--older", "soon"], None, 2, "not a duration"),
    ],
)
def test_prune_that_is_not_meant_is_refused(old, words, env, code, said):
    assert said in old("db", "prune", "--yes", *words, env={"XATS_KEEP": env}, code=code).stderr
    assert len(bodies(old)) == 2


@pytest.mark.parametrize(
    "answer, left", [("y\n", 1), ("YES\n", 1), ("n\n", 2), ("\n", 2), ("\x04", 2), ("yesterday\n", 2)]
)
def test_prune_asks_a_person(old, answer, left):
    master, slave = pty.openpty()
    running = old.start("db", "prune", stdin=slave, stdout=slave, stderr=slave)
    os.close(slave)
    shown = b""
    while b"[y/N]" not in shown:
        shown += os.read(master, 4096)
    assert b"Remove 1 message (1 delivery), 1 wake, 0 tasks and " in shown
    assert len(bodies(old)) == 2
    os.write(master, answer.encode())
    running.wait(30)
    os.close(master)
    assert running.returncode == (0 if left == 1 else 4)
    assert len(bodies(old)) == left


def test_prune_asks_for_nothing_when_nothing_can_go(old):
    assert "nothing to remove" in old.on_terminal("db", "prune", "--older", "90d")


def test_events_since_before_what_was_pruned(old):
    old("send", "bob", "new", "--as", "alice")
    before = old("events", "--json", "--since", "1").json()["events"]
    old("db", "prune", "--yes")
    after = old("events", "--json", "--since", "1").json()
    assert after["events"] == before[-1:]
    assert after["last_id"] == before[-1]["id"]
    follower = old.start("events", "--follow", "--jsonl", "--since", "1")
    assert json.loads(follower.stdout.readline())["id"] == before[-1]["id"]
    new = old("send", "bob", "newer", "--as", "alice", "-q").stdout.strip()
    assert json.loads(follower.stdout.readline())["subject"] == f"message:{new}"


def test_a_key_may_be_used_again_once_its_message_is_gone(old):
    assert old("send", "bob", "read", "--as", "alice", "--key", "k", "--json").json()["created"] is False
    assert old("send", "bob", "again", "--as", "alice", "--key", "k", "--json", code=4).error()["code"] == "key_reused"
    old("db", "prune", "--yes")
    assert old("send", "bob", "again", "--as", "alice", "--key", "k", "--json").json()["created"] is True


# -- a large store -----------------------------------------------------------------------------------------------------

MANY = 100_000
WRITE = """
import json, select, sys, time
from xats.store.open import open_store
store = open_store(sys.argv[1])
waits = []
while not select.select([sys.stdin], [], [], 0.002)[0]:
    began = time.monotonic()
    store.write(lambda tx: tx.event("noted", "crew", None, "agent:x"))
    waits.append(time.monotonic() - began)
    if len(waits) == 1:
        print("writing", flush=True)
print(json.dumps(waits))
"""


def fill(tx) -> None:
    """Store MANY read messages of 60 days ago, in conversations of three, with all that belongs to them."""
    at = tx.now - 60 * DAY
    rows = [
        {"id": n, "at": at + n, "thread": None if n % 3 == 1 else n - (n - 1) % 3, "from": n % 2 + 1, "to": 2 - n % 2}
        for n in range(1, MANY + 1)
    ]
    tx.many(
        """
        insert into messages
            (id, sender_id, evidence, address, body, kind, need_reply, wake, thread_id, reply_to, sent_at)
        values (:id, :from, 'pane', 'x', 'a text of a usual length', 'mail', 0, 1, :thread, :thread, :at)
        """,
        rows,
    )
    tx.many(
        """
        insert into wakes (id, agent_id, state, reason, opened_at, updated_at, closed_at)
        values (:id, :to, 'skipped', 'already_read', :at, :at, :at)
        """,
        rows,
    )
    tx.many(
        "insert into deliveries (agent_id, message_id, state, wake_id, read_at) values (:to, :id, 'read', :id, :at)",
        rows,
    )
    tx.many("insert into events (at, team, type, subject, data) values (:at, 'crew', 'x', 'y', '{}')", rows)


def test_who_writes_while_a_large_store_is_pruned_gets_his_turn(xats, crew, until):
    crew.store.write(fill)
    trust_clock(xats.path)
    writer = xats.start(command=[sys.executable, "-c", WRITE, xats.path], stdin=subprocess.PIPE)
    assert writer.stdout.readline() == b"writing\n"
    began = time.monotonic()
    pruning = xats.start("db", "prune", "--yes", "--json")
    until(lambda: pruning.poll() is not None, 200)
    took = time.monotonic() - began
    waits = json.loads(writer.communicate(b"\n")[0])
    done = json.loads(pruning.communicate()[0])
    assert [done[name] for name in ("messages", "deliveries", "wakes", "events")] == [MANY] * 4
    assert max(waits) < took / 5
    assert len(waits) > 100
    assert valid(xats, "check")["checks"]


@pytest.mark.parametrize(("keep", "goes"), [("30d", True), ("90d", False)])
def test_the_keep_of_the_settings_file_holds_for_agents_too(old, keep, goes):
    """An agent goes by --older only where that is longer than the setting."""
    folder = os.path.join(old.folder, "config", "xats")
    os.makedirs(folder)
    with open(os.path.join(folder, "config.toml"), "w") as file:
        file.write(f'keep = "{keep}"\n')
    found = old(
        "db", "prune", "--older", "35d", "--dry-run", "--json", env={"XDG_CONFIG_HOME": os.path.dirname(folder)}
    )
    assert bool(found.json()["agent_names"]) is goes
