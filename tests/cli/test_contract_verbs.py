"""`xats contract ...` and `send --contract` as people and scripts use them: what is printed, refused, and kept."""

import json
import os
import subprocess
import sys

import pytest

from xats.cli.contracts.put import Comparison, Moved
from xats.core.contracts import contracts
from xats.core.contracts.contracts import New
from xats.core.mail import inbox
from xats.schemas.schema import Schema

ONE = {"type": "object", "properties": {"id": {"type": "integer"}, "price": {"type": "number"}}, "required": ["id"]}
MORE = {**ONE, "properties": {**ONE["properties"], "note": {"type": "string"}}}
NEEDS = {**MORE, "required": ["id", "price"]}
DARK, DARKER = {"type": "string", "pattern": "^a+$"}, {"type": "string", "pattern": "^(a|aa)+$"}
EVIL = "\x1b]0;owned\x07\n  breaks nobody\x9b2J\u202e\u2028"


@pytest.fixture
def crew(crew):
    """alice, bob and carol."""
    crew.add("carol")
    return crew


@pytest.fixture
def files(xats):
    """Write documents into the working folder: `files(order=ONE)` makes order.json."""

    def write(**documents):
        for name, document in documents.items():
            (xats.folder / f"{name}.json").write_text(json.dumps(document))

    write(one=ONE, more=MORE, needs=NEEDS, dark=DARK, darker=DARKER, good={"id": 1, "price": 2}, bad={"price": "x"})
    return write


@pytest.fixture
def by(xats, crew, files):
    """`by("bob", "list")` runs `xats contract list` as bob."""

    def run(name, verb, *words, **options):
        return xats("--as", name, "contract", verb, *words, **options)

    return run


@pytest.fixture
def send(xats, crew, files):
    """`send("alice", "bob", ...)` runs `xats send bob ...` as alice."""

    def run(name, *words, verb="send", **options):
        return xats("--as", name, verb, *words, **options)

    return run


def subjects(crew, name):
    return [one.message.subject for one in crew.see(name, inbox.peek, inbox.Query()).letters]


def counts(crew):
    tables = ("contracts", "contract_versions", "contract_subscribers", "messages", "events")
    return [crew.rows(f"select count(*) as n from {table}")[0]["n"] for table in tables]


def agreed(crew):
    """Put order@1, and old@1, which is retired."""
    for name in ("order", "old"):
        crew.do("alice", contracts.put, New(name, json.dumps(ONE), compat="backward"), None)
    crew.do("alice", contracts.retire, "old")


# -- the verbs ---------------------------------------------------------------------------------------------------------


def test_a_life_in_json(by, crew):
    assert by("bob", "subscribe", "order", "--json").json() == {
        "contract": {"name": "order", "version": None},
        "subscribed": True,
        "created": True,
    }
    first = by("alice", "put", "order", "one.json", "--compat", "backward", "--note", "n", "--json").json()
    assert (first["contract"]["version"], first["created"], first["diff"]) == (1, True, None)
    assert (first["contract"]["compat"], first["contract"]["note"], first["notified"]) == (
        "backward",
        "n",
        ["bob@crew"],
    )
    second = by("alice", "put", "order", "-", "--json", stdin=json.dumps(MORE)).json()
    assert (second["diff"]["backward"], second["diff"]["forward"], second["diff"]["breaks"]) == (
        "compatible",
        "compatible",
        [],
    )
    assert [change["pointer"] for change in second["diff"]["changes"]] == ["/properties/note"]
    assert second["diff"]["changes"][0]["note"]
    again = by("carol", "put", "order", "more.json", "--json").json()
    assert (again["contract"]["version"], again["created"], again["diff"]) == (2, False, None)
    refused = by("alice", "put", "order", "needs.json", "--json", code=4).error()
    assert (refused["code"], refused["diff"]["breaks"], refused["compat"]) == (
        "breaking_change",
        ["writers"],
        "backward",
    )
    third = by("alice", "put", "order", "needs.json", "--allow-breaking", "--json").json()
    assert (third["contract"]["version"], third["will_wake"]) == (3, True)
    assert subjects(crew, "bob") == [
        "contract order@1 is there",
        "contract order@2: compatible",
        "contract order@3: breaks writers",
    ]
    got = by("bob", "get", "order@2", "--json").json()["contract"]
    assert (got["schema"], got["version"], got["newest"], got["by"]) == (MORE, 2, 3, "alice@crew")
    (listed,) = by("bob", "list", "--json").json()["contracts"]
    assert (listed["name"], listed["version"], listed["subscribers"]) == ("order", 3, 1)
    log = by("bob", "log", "order", "-n", "2", "--json").json()
    assert ([one["version"] for one in log["versions"]], log["has_more"]) == ([3, 2], True)
    assert [one["agent"] for one in by("bob", "subscribers", "order", "--json").json()["subscribers"]] == ["bob@crew"]
    assert by("bob", "unsubscribe", "order", "--json").json()["removed"] is True
    renamed = by("alice", "rename", "order", "purchase", "--json").json()
    assert (renamed["contract"]["name"], renamed["old_name"], renamed["changed"]) == ("purchase", "order", True)
    assert by("alice", "retire", "purchase", "--json").json()["contract"]["retired_by"] == "alice@crew"
    assert by("alice", "list", "--json").json() == {"contracts": [], "has_more": False}
    assert by("alice", "get", "purchase@1", "--json").json()["contract"]["schema"] == ONE
    assert by("alice", "put", "purchase", "needs.json", "--json", code=4).error()["code"] == "retired"
    assert by("alice", "put", "purchase", "needs.json", "--revive", "--json").json()["created"] is False
    assert len(by("alice", "list", "--json").json()["contracts"]) == 1


def test_every_verb_in_words(by):
    assert by("bob", "subscribe", "order").stdout == "subscribed to order, which does not exist yet\n"
    ran = by("alice", "put", "order", "one.json", "--compat", "full")
    assert (ran.stdout, ran.stderr) == ("order@1 stored: the first version (rule: full)\n", "  notified: bob\n")
    assert by("bob", "subscribe", "order").stdout == "already subscribed to order@1\n"
    assert by("carol", "subscribe", "oder").stderr == "  did you mean order?\n"
    lines = by("alice", "put", "order", "more.json").stdout.splitlines()
    assert lines[0] == "order@2 stored: compatible (rule: full)"
    assert lines[1].startswith("  compatible: optional property /note added (/properties/note); strictly it breaks")
    assert by("alice", "put", "order", "more.json").stdout.startswith("order@2 has the same schema; nothing new")
    ran = by("alice", "put", "order", "needs.json", code=4)
    assert ran.stdout == ""
    assert ran.stderr.splitlines() == [
        "  breaks writers: property /price is required now: old documents may lack it (/required)",
        "xats: order@3 is not compatible both ways, but order must be: it breaks writers. Nothing was stored.",
        "  try: xats contract put order FILE --allow-breaking --as alice",
    ]
    ran = by("alice", "put", "order", "needs.json", "--allow-breaking", "-q")
    assert (ran.stdout, ran.stderr) == ("order@3\n", "")
    assert json.loads(by("bob", "get", "order@1").stdout) == ONE
    assert [line.split("\t")[:4] for line in by("bob", "list").stdout.splitlines()] == [["order", "3", "full", "alice"]]
    rows = [line.split("\t") for line in by("bob", "log", "order").stdout.splitlines()]
    assert [(row[0], row[3]) for row in rows] == [("3", "breaks writers"), ("2", "compatible"), ("1", "the first")]
    assert by("bob", "diff", "order", "1", "1").stdout == "order 1 -> 1: nothing changed\n"
    assert by("bob", "diff", "order", "3", "2").stdout.startswith("order 3 -> 2: breaks readers\n")
    assert by("bob", "check", "order", "good.json").stdout == "good.json satisfies order@3\n"
    assert by("bob", "subscribers", "order").stdout.startswith("bob\t")
    assert by("alice", "rename", "order", "purchase").stdout == "order is purchase now\n"
    assert by("alice", "rename", "purchase", "purchase").stdout == "its name is already purchase\n"
    assert by("bob", "unsubscribe", "purchase").stdout == "you get no more mail about purchase\n"
    assert by("bob", "unsubscribe", "purchase").stdout == "you did not subscribe to purchase\n"
    assert by("alice", "retire", "purchase").stdout == "purchase is retired\n"
    assert by("alice", "retire", "purchase").stdout == "purchase is retired already\n"
    assert "retired" in by("alice", "list", "--all").stdout
    assert "retired by alice" in by("alice", "log", "purchase").stderr
    assert by("alice", "list").stdout == ""


def test_strict_makes_an_optional_property_of_an_open_object_breaking(by):
    by("alice", "put", "order", "one.json")
    by("alice", "put", "order", "more.json")
    plain = by("bob", "diff", "order", "1", "2", "--json").json()["diff"]
    strict = by("bob", "diff", "order", "1", "2", "--strict", "--json").json()["diff"]
    assert (plain["backward"], plain["strict"], strict["backward"], strict["strict"]) == (
        "compatible",
        False,
        "breaking",
        True,
    )
    assert by("bob", "diff", "order", "1", "2", "--strict").stdout.startswith("order 1 -> 2, strictly: breaks writers")


def test_what_cannot_be_decided_is_unknown_and_blocks(by):
    by("alice", "put", "word", "dark.json", "--compat", "backward")
    ran = by("alice", "put", "word", "darker.json", code=4)
    assert "xats cannot tell whether word@2 is backward compatible, and takes that for no." in ran.stderr
    assert "unknown for readers and writers: pattern of the document changed" in ran.stderr
    by("alice", "put", "word", "darker.json", "--allow-breaking")
    assert by("bob", "diff", "word", "1", "2", "--json").json()["diff"]["backward"] == "unknown"


def test_get_gives_back_what_was_put_to_the_byte(by, xats):
    for text in ('{"a":  1,\n\t"é": "\x7f \\u001b"}\n\n', "true"):
        by("alice", "put", "odd", "-", stdin=text)
        assert by("bob", "get", "odd").stdout == text.rstrip("\n") + "\n"
    assert by("alice", "put", "copy", "-", "--json", stdin=by("bob", "get", "odd@1").stdout).json()["created"]


def test_check(by, files, xats):
    by("alice", "put", "order", "one.json")
    by("alice", "put", "order", "needs.json")
    ran = by("bob", "check", "order", "bad.json", "--json", code=4)
    found = json.loads(ran.stdout)
    assert (found["contract"]["version"], found["valid"], found["has_more"]) == (2, False, False)
    assert sorted(one["pointer"] for one in found["errors"]) == ["", "/price"]
    assert by("bob", "check", "order@1", "-", "--json", stdin='{"id": 1}').json()["valid"] is True
    ran = by("bob", "check", "order", "bad.json", "-n", "1", code=4)
    assert (ran.stdout.count("\n"), "more: " in ran.stderr) == (2, True)
    assert by("bob", "check", "order", "bad.json", "-q", code=4).stdout == ""


@pytest.mark.parametrize(
    "words, code, name",
    [
        (("put", "order", "nowhere.json"), 2, "invalid_contract"),
        (("put", "order", "."), 2, "invalid_contract"),
        (("put", "order", "/dev/zero"), 2, "invalid_contract"),
        (("put", "order", "latin.json"), 2, "invalid_contract"),
        (("put", "order", "comma.json"), 2, "invalid_json"),
        (("put", "order", "nan.json"), 2, "invalid_json"),
        (("put", "order", "twice.json"), 2, "invalid_json"),
        (("put", "order", "deep.json"), 2, "invalid_json"),
        (("put", "order", "empty.json"), 2, "invalid_json"),
        (("put", "order", "strin.json"), 2, "invalid_schema"),
        (("put", "order", "remote.json"), 2, "invalid_schema"),
        (("put", "order", "circle.json"), 2, "invalid_schema"),
        (("put", "order", "draft4.json"), 2, "invalid_schema"),
        (("put", "order", "one.json", "--compat", "sideways"), 2, "usage"),
        (("put", "order", "one.json", "--note", "a\nb"), 2, "invalid_contract"),
        (("put", "order@2", "one.json"), 2, "invalid_name"),
        (("put", "all", "one.json"), 2, "invalid_name"),
        (("put", "old", "one.json"), 4, "retired"),
        (("put", "order", "needs.json"), 4, "breaking_change"),
        (("put", "order"), 2, "usage"),
        (("get", "oder"), 3, "unknown_contract"),
        (("get", "order@0"), 3, "unknown_version"),
        (("get", "order@99"), 3, "unknown_version"),
        (("get", "order@abc"), 2, "usage"),
        (("get", "order@crew"), 2, "usage"),
        (("log", "nothing"), 3, "unknown_contract"),
        (("log", "order", "-n", "0"), 2, "usage"),
        (("list", "-n", "0"), 2, "usage"),
        (("diff", "order", "1", "2"), 3, "unknown_version"),
        (("diff", "order", "0", "1"), 3, "unknown_version"),
        (("diff", "order", "1", "x"), 2, "usage"),
        (("diff", "nothing", "1", "2"), 3, "unknown_contract"),
        (("check", "order", "nowhere.json"), 2, "invalid_contract"),
        (("check", "order", "comma.json"), 2, "invalid_json"),
        (("check", "order@7", "good.json"), 3, "unknown_version"),
        (("subscribe", "a b"), 2, "invalid_name"),
        (("unsubscribe", "a b"), 2, "invalid_name"),
        (("subscribers", "nothing"), 3, "unknown_contract"),
        (("rename", "order", "old"), 4, "contract_taken"),
        (("rename", "nothing", "new"), 3, "unknown_contract"),
        (("rename", "order", "a b"), 2, "invalid_name"),
        (("retire", "nothing"), 3, "unknown_contract"),
    ],
)
def test_what_is_refused_has_a_code_and_changes_nothing(by, crew, xats, words, code, name):
    bad = {
        "latin": b'{"title": "\xe9"}',
        "comma": b'{"a": 1,\n "b": }',
        "nan": b'{"a": NaN}',
        "twice": b'{"a": 1, "a": 2}',
        "deep": b"[" * 200_000,
        "empty": b"",
        "strin": b'{"properties": {"a\\u001b": {"type": "strin"}}}',
        "remote": b'{"$ref": "https://example.com/order.json"}',
        "circle": b'{"$ref": "#"}',
        "draft4": b'{"$schema": "http://json-schema.org/draft-04/schema#"}',
    }
    for file, data in bad.items():
        (xats.folder / f"{file}.json").write_bytes(data)
    agreed(crew)
    before = counts(crew)
    error = by("bob", *words, "--json", code=code).error()
    assert error["code"] == name
    assert error["message"].endswith(".")
    assert counts(crew) == before


def test_what_is_wrong_is_said_with_its_place(by, xats):
    (xats.folder / "bad.json").write_bytes(b'{"a": 1,\n "b": }')
    assert (
        "bad.json: The text is not valid JSON: Expecting value in line 2, column 7."
        in by("bob", "put", "x", "bad.json", code=2).stderr
    )
    ran = by("bob", "put", "x", "-", stdin='{"properties": {"a": {"type": "strin"}}}', code=2)
    assert (
        "standard input: This is not a valid JSON Schema: at /properties/a/type, 'strin' is not allowed there"
        in ran.stderr
    )


def test_standard_input_that_is_closed_or_a_terminal(by, xats):
    done = subprocess.run(
        f"{sys.executable} -P -m xats contract put x - --as bob --json <&-",
        shell=True,
        capture_output=True,
        env=xats.env(None),
        cwd=xats.folder,
        check=False,
        timeout=30,
    )
    assert (done.returncode, json.loads(done.stderr)["error"]["code"]) == (2, "invalid_contract")
    import pty

    master, slave = pty.openpty()
    running = xats.start("contract", "put", "x", "-", "--as", "bob", stdin=slave)
    os.close(slave)
    os.write(master, b"{}\n\x04")
    ran = xats.end(running)
    os.close(master)
    assert (ran.code, "type the schema; Ctrl-D" in ran.stderr) == (0, True), ran


# -- mail that satisfies a contract ------------------------------------------------------------------------------------


def test_a_body_that_satisfies_it(send, by, crew):
    by("alice", "put", "order", "one.json")
    by("alice", "put", "order", "more.json")
    sent = send("alice", "bob", "--contract", "order", "@good.json", "--json").json()
    assert sent["message"]["contract"] == {"name": "order", "version": 2}
    assert send("alice", "bob", '{"id": 3}', "--contract", "Order@1").stdout == (
        "#2 sent to bob as order@1 (needs a reply)\n"
    )
    send("alice", "bob", "-", "--contract", "order", stdin='{"id": 4, "price": 1.50}')
    send("alice", '{"id": 5}', "--contract", "order", verb="broadcast")
    send("bob", "1", '{"id": 6}', "--contract", "order", verb="reply")
    found = send("bob", "--peek", "--all", "--json", verb="inbox").json()["messages"]
    assert [one["data"] for one in found] == [{"id": 1, "price": 2}, {"id": 3}, {"id": 4, "price": 1.5}, {"id": 5}]
    assert [one["contract"]["version"] for one in found] == [2, 1, 2, 2]
    assert found[0]["body"] == '{"id": 1, "price": 2}'
    shown = send("bob", "1", verb="show").stdout
    assert "  Satisfies: order@2\n  | " in shown
    assert send("alice", "5", "--json", verb="show").json()["message"]["data"] == {"id": 6}
    assert send("alice", "1", "--json", verb="status").json()["message"]["contract"]["name"] == "order"
    by("alice", "rename", "order", "purchase")
    assert send("bob", "1", "--json", verb="show").json()["message"]["contract"] == {"name": "purchase", "version": 2}


def test_mail_without_a_contract_is_as_it_was(send, crew):
    send("alice", "bob", "@@good.json")
    send("alice", "bob", '{"id": 1}')
    first, second = send("bob", "--json", verb="inbox").json()["messages"]
    assert (first["body"], first["contract"], first["data"]) == ("@good.json", None, None)
    assert (second["contract"], second["data"]) == (None, None)


def test_another_team_is_told_whose_contract_it_is(send, crew):
    crew.register("eve", team="other")
    agreed(crew)
    send("alice", "eve@other", '{"id": 1}', "--contract", "order")
    assert "  Satisfies: order@1 of team crew\n" in send("eve@other", verb="inbox").stdout


@pytest.mark.parametrize(
    "words, code, name",
    [
        (("bob", "@bad.json", "--contract", "order"), 4, "contract_violated"),
        (("bob", '{"price": 1}', "--contract", "order@1"), 4, "contract_violated"),
        (("bob", "no json", "--contract", "order"), 2, "invalid_json"),
        (("bob", '{"id": 1, "id": 2}', "--contract", "order"), 2, "invalid_json"),
        (("bob", "@nowhere.json", "--contract", "order"), 2, "invalid_body"),
        (("bob", "@.", "--contract", "order"), 2, "invalid_body"),
        (("bob", "--contract", "order"), 2, "invalid_body"),
        (("bob", "", "--contract", "order"), 2, "invalid_body"),
        (("bob", '{"id": 1}', "--contract", "nothing"), 3, "unknown_contract"),
        (("bob", '{"id": 1}', "--contract", "order@2"), 3, "unknown_version"),
        (("bob", '{"id": 1}', "--contract", "order@x"), 2, "usage"),
        (("bob", '{"id": 1}', "--contract", ""), 2, "invalid_name"),
        (("bob", '{"id": 1}', "--contract", "old"), 4, "retired"),
        (("nobody", '{"id": 1}', "--contract", "order"), 3, "unknown_recipient"),
        (("pool:dev", '{"id": 1}', "--contract", "order"), 2, "usage"),
        (("--batch", "good.json", "--contract", "order"), 2, "usage"),
    ],
)
def test_what_does_not_is_refused_and_nothing_is_stored(send, crew, words, code, name):
    agreed(crew)
    before = counts(crew)
    error = send("alice", *words, "--json", code=code).error()
    assert error["code"] == name
    assert counts(crew) == before
    if name == "contract_violated":
        assert error["contract"] == {"name": "order", "version": 1}
        assert error["errors"][0].keys() == {"pointer", "message"}


def test_the_first_errors_are_said(send, crew):
    agreed(crew)
    ran = send("alice", "bob", "@bad.json", "--contract", "order", code=4)
    assert "  /price: 'x' is not of type 'number'\n" in ran.stderr
    assert "  the body: 'id' is a required property\n" in ran.stderr
    assert ran.stderr.endswith(
        "xats: The body does not satisfy order@1. Nothing was sent.\n  try: xats contract get order@1 --as alice\n"
    )


def test_a_price_in_cents_is_sent_with_its_contract(send, by, crew, files):
    files(cents={"type": "object", "properties": {"price": {"type": "number", "multipleOf": 0.01}}})
    by("alice", "put", "cents", "cents.json")
    send("alice", "bob", '{"price": 4.02}', "--contract", "cents")
    assert '"data": {"price": 4.02}' in send("bob", "--json", verb="inbox").stdout
    ran = send("alice", "bob", '{"price": 4.025}', "--contract", "cents", code=4)
    assert "  /price: 4.025 is not a multiple of 0.01\n" in ran.stderr
    ran = send("alice", "bob", '{"price": 1e400}', "--contract", "cents", code=2)
    assert "the body: 1e400 is not a number that JSON can represent. It is beyond the range of a double." in ran.stderr


OLD = {"type": "string", "pattern": "^a\\Z"}  # which Python reads, and ECMA-262 does not
UNUSABLE = (
    "This xats cannot use the schema of word@1, stored by an older xats. This is not a valid JSON Schema: at /pattern, "
    r'the pattern "^a\\Z" cannot be used: \Z is not in ECMA-262; write $ (at character 3).'
)


def test_a_stored_schema_that_is_no_longer_accepted_is_named_and_can_be_replaced(send, by, crew, files):
    crew.do("alice", contracts.put, New("word", json.dumps(OLD), compat="backward"), None)
    ran = send("alice", "bob", '"a"', "--contract", "word", code=1)
    assert ran.stderr == f"xats: {UNUSABLE} Nothing was sent.\n  try: xats contract put word FILE --as alice\n"
    assert crew.rows("select * from messages") == []
    ran = by("bob", "check", "word", "good.json", code=1)
    assert ran.stderr == f"xats: {UNUSABLE}\n  try: xats contract put word FILE --as bob\n"
    assert by("bob", "list").code == 0
    assert json.loads(by("bob", "get", "word").stdout) == OLD
    files(word={**OLD, "pattern": "^a$"})
    ran = by("alice", "put", "word", "word.json", code=4)
    assert f"unknown for readers and writers: {UNUSABLE}" in ran.stderr
    assert "  try: xats contract put word FILE --allow-breaking --as alice\n" in ran.stderr
    assert by("alice", "put", "word", "word.json", "--allow-breaking").stdout.startswith("word@2 stored: unknown for")
    assert by("bob", "diff", "word", "1", "2", code=1).stderr.startswith(f"xats: {UNUSABLE}")
    send("alice", "bob", '"a"', "--contract", "word")


def test_a_version_of_a_retired_contract_can_be_named(send, by, crew):
    agreed(crew)
    assert send("alice", "bob", "@good.json", "--contract", "old@1", "--json").json()["created"]
    assert by("bob", "check", "old", "good.json").code == 0


# -- what it must not do -----------------------------------------------------------------------------------------------


def test_nothing_hostile_reaches_a_terminal(by, send, xats, files):
    files(evil={**ONE, "properties": {EVIL: {"type": "integer", "title": EVIL}}, "description": EVIL})
    files(worse={**ONE, "properties": {EVIL: {"type": "string"}}, "required": [EVIL]}, data={EVIL: EVIL})
    by("alice", "put", "order", "evil.json", "--note", "\x1b]0;owned\x07\x9b2J\u202e")
    by("bob", "subscribe", "order")
    lines = [
        ("contract", "put", "order", "worse.json", "--compat", "full"),
        ("contract", "put", "order", "worse.json", "--allow-breaking"),
        *(("contract", "diff", "order", "1", "2", *more) for more in ((), ("--strict",), ("--json",))),
        *(("contract", "get", "order@1", *more) for more in ((), ("--json",))),
        *(("contract", verb, *more) for verb in ("list", "list") for more in ((), ("--json",))),
        *(("contract", "log", "order", *more) for more in ((), ("--json",))),
        ("contract", "check", "order", "data.json"),
        ("send", "bob", "@data.json", "--contract", "order"),
        ("inbox", "--peek", "--as", "bob"),
        ("inbox", "--peek", "--as", "bob", "--json"),
    ]
    for line in lines:
        who = () if "--as" in line else ("--as", "alice")
        shown = xats.on_terminal(*line, *who, env={"NO_COLOR": "1", "COLUMNS": "100"}, code=None)
        assert not {"\x1b", "\x07", "\x9b", "\u202e", "\r"} & set(shown), (line, shown)
        assert [row for row in shown.splitlines() if row.startswith("  breaks nobody")] == [], line


@pytest.mark.parametrize("unseen", ["\u3164\u115f", "\ufe00\ufe01", "\U000e0100\U000e0101"])
def test_what_does_not_satisfy_a_contract_hides_nothing(by, send, files, unseen):
    files(odd={**ONE, "required": [f"a{unseen}"]}, data={})
    by("alice", "put", "order", "odd.json")
    said = (
        by("bob", "check", "order", "data.json", code=4).stdout,
        send("bob", "alice", "{}", "--contract", "order", code=4).stderr,
    )
    assert [set(unseen) & set(one) for one in said] == [set(), set()]
    assert ["is a required property" in one for one in said] == [True, True]


def test_a_table_fits_a_terminal(by, xats):
    by("alice", "put", "order", "one.json", "--note", "a note that is much longer than what a narrow terminal has")
    for words in (("list",), ("log", "order")):
        shown = xats.on_terminal("--as", "alice", "contract", *words, env={"COLUMNS": "80", "NO_COLOR": "1"})
        assert max(map(len, shown.splitlines())) <= 80
        assert "order" in shown or "the first" in shown


SHOW = """
import sys
sys.argv = ["xats", *sys.argv[1:]]
from xats.__main__ import main
code = main()
print(" ".join(sorted(sys.modules)), file=sys.stderr)
sys.exit(code)
"""


@pytest.mark.parametrize(
    "words",
    [
        ("contract", "get", "order"),
        ("contract", "list"),
        ("contract", "log", "order"),
        ("contract", "subscribe", "order"),
        ("contract", "subscribers", "order"),
        ("contract", "rename", "order", "other"),
        ("contract", "retire", "order"),
        ("inbox", "--peek", "--json"),
    ],
    ids=lambda words: words[-1] if words[0] == "inbox" else words[1],
)
def test_the_library_of_schemas_is_imported_only_where_it_is_needed(crew, send, xats, words):
    agreed(crew)
    send("alice", "bob", "@good.json", "--contract", "order")
    done = xats.run([sys.executable, "-P", "-I", "-c", SHOW, *words, "--as", "bob"])
    assert done.returncode == 0, done.stderr
    loaded = done.stderr.decode().split()
    assert "xats.core.agents.agents" in loaded
    assert {"jsonschema", "referencing", "xats.schemas.schema"} & set(loaded) == set()
    if words[0] == "inbox":
        assert {"json", "xats.core.contracts.contracts", "typer"} & set(loaded) == set()


def version(number, schema):
    contract = contracts.Contract(1, "crew", "order", "none", number, 1, None, None)
    return contracts.Version(contract, number, json.dumps(schema), None, "alice@crew", 1, None, None)


def test_comparing_is_done_outside_while_that_leads_anywhere(monkeypatch):
    comparison = Comparison(Schema(MORE))
    for number, schema in ((1, ONE), (2, NEEDS)):
        with pytest.raises(Moved) as moved:
            comparison(version(number, schema))
        comparison.learn(moved.value.version)
        assert comparison(version(number, schema)).changes
    assert comparison(version(3, MORE)) is None  # inside: somebody has been faster twice
    monkeypatch.setattr(Comparison, "QUICK", 0.0)  # as if it took long
    for number in range(4, Comparison.MOST + 1):
        with pytest.raises(Moved) as moved:
            comparison(version(number, ONE))
        comparison.learn(moved.value.version)
    assert comparison(version(99, ONE)).backward == "compatible"
