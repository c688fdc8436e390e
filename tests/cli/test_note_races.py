"""Real processes at once: of all that put the next version of a note, exactly one does; and kill -9 tears nothing."""

import json
import random
import sys
import time

import pytest

from tests.conftest import Cli, Team
from tests.support.checks import broken
from xats.store.open import open_store
from xats.store.sqlite import check

MANY, ROUNDS = 16, 4
# Each process puts one version after another, as soon as it has seen the one before: what it won, goes to its output.
PUT = """
import io, os, sys
from contextlib import redirect_stdout, redirect_stderr
from xats.__main__ import main
won = []
for number in range(int(os.environ["ROUNDS"])):
    sys.argv = ["xats", "--as", os.environ["WHO"], "note", "put", "lead", os.environ["WHO"] + str(number)]
    sys.argv += ["--if-version", str(number), "--json"]
    while True:
        with redirect_stdout(io.StringIO()) as out, redirect_stderr(io.StringIO()) as err:
            code = main()
        if code != 4 or number == 0 or '"version": %d,' % (number - 1) not in err.getvalue():
            break
    assert code in (0, 4), (code, err.getvalue())
    if code == 0:
        won.append(number + 1)
print(won)
"""


@pytest.fixture(params=["sqlite", "postgres"])
def program(request, tmp_path):
    """The real program on each engine."""
    cli = Cli(tmp_path)
    if request.param == "postgres":
        cli.path = cli.environ["XATS_DB"] = request.getfixturevalue("database").empty()
        opened = open_store(cli.path)
    else:
        opened = cli.store()
    made = Team(opened)
    made.add("alice", *(f"w{n}" for n in range(MANY)))
    cli.crew = made
    yield cli
    cli.reap()
    opened.close()


def test_of_all_that_put_the_same_version_exactly_one_succeeds(program):
    command = [sys.executable, "-P", "-c", PUT]
    running = [program.start(command=command, env={"WHO": f"w{n}", "ROUNDS": str(ROUNDS)}) for n in range(MANY)]
    ran = [program.end(one) for one in running]
    assert {one.code for one in ran} == {0}, ran
    won = sorted(number for one in ran for number in json.loads(one.stdout))
    assert won == list(range(1, ROUNDS + 1))
    stored = program.crew.rows(
        "select v.version, v.value, b.name from note_versions v join agents b on b.id = v.put_by order by v.version"
    )
    assert [row["version"] for row in stored] == won
    assert all(row["value"] == f"{row['name']}{row['version'] - 1}" for row in stored)
    assert len(program.crew.rows("select id from events where type = 'note_put'")) == ROUNDS
    assert broken(program.crew.store, states=(check.FAIL,)) == []


def test_a_killed_put_stores_a_whole_version_or_none(program):
    seed = time.time_ns() % 1_000_000
    print(f"seed {seed}")  # shown when it fails
    dice = random.Random(seed)
    value = "x" * 200_000
    (program.folder / "value").write_text(value)
    killed, acknowledged = 0, set()
    for n in range(12):
        running = program.start("--as", "alice", "note", "put", f"k{n % 3}", "@value", "--ttl", f"{n + 1}h", "--json")
        if n % 4:
            time.sleep(dice.random() * 0.1 if n % 4 > 1 else 0)  # some are killed before they begin
            running.kill()
        ran = program.end(running)
        killed += ran.code != 0
        if ran.stdout.endswith("\n"):
            note = json.loads(ran.stdout)["note"]
            acknowledged.add((note["key"], note["version"]))
    assert broken(program.crew.store, states=(check.FAIL,)) == []
    rows = program.crew.rows(
        "select n.key, v.version, v.value, v.size from notes n join note_versions v on v.note_id = n.id"
    )
    assert all((row["value"], row["size"]) == (value, len(value)) for row in rows)
    assert acknowledged <= {(row["key"], row["version"]) for row in rows}
    assert len(program.crew.rows("select id from events where type = 'note_put'")) == len(rows)
    assert killed > 0
