"""Real processes at once: the versions of a contract have no gap, and each has its mail."""

import json
import sys

import pytest

MANY, EACH = 10, 10
PUT = """
import io, json, os, sys
from contextlib import redirect_stdout
from xats.__main__ import main
put = []
for n in range(int(os.environ["EACH"])):
    sys.stdin = io.TextIOWrapper(io.BytesIO(json.dumps({"const": [os.environ["WHO"], n]}).encode()))
    sys.argv = ["xats", "--as", os.environ["WHO"], "contract", "put", "order", "-", "--json"]
    with redirect_stdout(io.StringIO()) as out:
        code = main()
    assert code == 0, code
    put.append(json.loads(out.getvalue()))
print(json.dumps([(one["contract"]["version"], one["created"], one["diff"]) for one in put]))
"""


@pytest.fixture
def crowd(crew):
    crew.add(*(f"w{n}" for n in range(MANY)))
    return crew


def test_a_hundred_puts_at_once_are_versions_1_to_100(xats, crowd):
    xats("--as", "alice", "contract", "subscribe", "order")
    command = [sys.executable, "-P", "-c", PUT]
    running = [xats.start(command=command, env={"WHO": f"w{n}", "EACH": str(EACH)}) for n in range(MANY)]
    ran = [xats.end(one) for one in running]
    assert {one.code for one in ran} == {0}, ran
    got = [tuple(one) for each in ran for one in json.loads(each.stdout)]
    assert sorted(version for version, _, _ in got) == list(range(1, MANY * EACH + 1))
    assert all(created for _, created, _ in got)
    stored = crowd.rows("select version, text, backward from contract_versions order by version")
    assert [row["version"] for row in stored] == list(range(1, MANY * EACH + 1))
    assert len({row["text"] for row in stored}) == MANY * EACH
    # Each was judged against the one that it really follows.
    for version, _, diff in got:
        assert (diff is None) == (version == 1)
        assert diff is None or (diff["from"], diff["to"]) == (version - 1, version)
        texts = [change["text"] for change in diff["changes"]] if diff else []
        before = json.loads(stored[version - 2]["text"])["const"][0] if diff else ""
        assert diff is None or any(before in text for text in texts), (texts, before)
    mail = crowd.rows("select subject from messages order by id")
    assert [row["subject"].split()[1].rstrip(":") for row in mail] == [f"order@{n + 1}" for n in range(MANY * EACH)]


def test_the_same_content_put_at_once_is_one_version(xats, crowd):
    (xats.folder / "s.json").write_text("{}")
    running = [xats.start("--as", f"w{n}", "contract", "put", "order", "s.json", "--json") for n in range(MANY)]
    ran = [xats.end(one) for one in running]
    assert {one.code for one in ran} == {0}, ran
    assert sorted(json.loads(one.stdout)["created"] for one in ran) == [False] * (MANY - 1) + [True]
    assert len(crowd.rows("select * from contract_versions")) == 1


def test_of_two_who_rename_to_one_name_one_gets_it(xats, crowd):
    for name in ("a", "b"):
        xats("--as", "alice", "contract", "put", name, "-", stdin="{}")
    running = [xats.start("--as", "w1", "contract", "rename", name, "c") for name in ("a", "b")]
    assert sorted(xats.end(one).code for one in running) == [0, 4]
    assert len(crowd.rows("select * from contracts")) == 2
