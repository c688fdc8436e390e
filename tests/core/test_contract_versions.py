"""Contracts in the core: numbers, rules, names, and the mail that goes with each change."""

import json

import pytest

from xats.base import errors
from xats.core.agents import agents, registration
from xats.core.contracts import contracts, subscribers, views, words
from xats.core.contracts import errors as contract_errors
from xats.core.contracts.contracts import New
from xats.core.mail import inbox, sending
from xats.core.mail.sending import Draft
from xats.schemas.diff import diff
from xats.schemas.text import parse, same

S, I = {"type": "string"}, {"type": "integer"}  # noqa: E741
ONE = {"type": "object", "properties": {"id": I}, "required": ["id"]}
MORE = {**ONE, "properties": {"id": I, "note": S}}  # compatible
NEEDS = {**MORE, "required": ["id", "note"]}  # breaks writers
LESS = {**ONE, "required": []}  # breaks readers
OTHER = {**ONE, "properties": {"id": S}}  # breaks both
DARK = {"type": "string", "pattern": "^a+$"}
DARKER = {"type": "string", "pattern": "^(a|aa)+$"}  # nobody knows


@pytest.fixture
def crew(team):
    team.add("alice", "bob", "carol", "dave")
    return team


def compare(new):
    """Return the function that compares the schema `new` with a version."""

    def judge(version):
        old = parse(version.text)
        return None if same(old, new) else diff(old, new)

    return judge


def put(crew, schema=ONE, name="order", by="alice", **values):
    return crew.do(by, contracts.put, New(name, json.dumps(schema), **values), compare(schema))


def mail(crew, name):
    return [one.message for one in crew.see(name, inbox.peek, inbox.Query(every=True)).letters]


def subjects(crew, name):
    return [one.subject for one in mail(crew, name)]


def woken(crew, name):
    sql = (
        "select d.wake_id from deliveries d join agents a on a.id = d.agent_id where a.name = :name order by message_id"
    )
    return [row["wake_id"] is not None for row in crew.rows(sql, name=name)]


def types(crew):
    return [row["type"] for row in crew.rows("select type from events where type like 'contract%' order by id")]


# -- numbers -----------------------------------------------------------------------------------------------------------


def test_versions_are_counted_and_keep_what_was_put(crew, clock):
    first = put(crew, note=" the first ")
    clock.tick(1000)
    second = put(crew, MORE, by="bob")
    assert (first.version.name, first.created, first.diff) == ("order@1", True, None)
    assert (second.version.name, second.created, second.diff.backward) == ("order@2", True, "compatible")
    one = crew.store.read(lambda tx: contracts.find_version(tx, "crew", "Order@1"))
    assert (json.loads(one.text), one.note, one.by, one.backward) == (ONE, "the first", "alice@crew", None)
    newest = crew.store.read(lambda tx: contracts.find_version(tx, "crew", "order"))
    assert (newest.number, newest.by, newest.at - one.at) == (2, "bob@crew", 1000)
    assert types(crew) == ["contract_put"] * 2


@pytest.mark.parametrize("text", [json.dumps(ONE, indent=4), json.dumps(dict(reversed(ONE.items()))), json.dumps(ONE)])
def test_the_same_content_is_no_new_version(crew, text):
    put(crew)
    again = crew.do("bob", contracts.put, New("ORDER", text), compare(parse(text)))
    assert (again.created, again.version.name, again.diff) == (False, "order@1", None)
    assert len(crew.rows("select * from contract_versions")) == 1
    assert types(crew) == ["contract_put"]


def test_going_back_to_what_was_is_a_new_version(crew):
    put(crew), put(crew, MORE)
    assert put(crew, ONE).version.name == "order@3"


def test_a_comparison_that_fails_leaves_nothing(crew):
    put(crew)

    def fail(_):
        raise errors.Uncheckable

    with pytest.raises(errors.Uncheckable):
        crew.do("alice", contracts.put, New("order", "{}", compat="full"), fail)
    assert crew.rows("select newest, compat from contracts") == [{"newest": 1, "compat": "none"}]


@pytest.mark.parametrize(
    "text, code",
    [
        ("order@0", "unknown_version"),
        ("order@2", "unknown_version"),
        ("order@99", "unknown_version"),
        ("nothing", "unknown_contract"),
        ("nothing@1", "unknown_contract"),
        ("order@", "usage"),
        ("order@abc", "usage"),
        ("order@-1", "usage"),
        ("order@1@2", "usage"),
        ("order@٣", "usage"),
        ("order@9999999999999999999", "usage"),
        ("", "invalid_name"),
        ("@1", "invalid_name"),
        ("a b", "invalid_name"),
        ("all", "invalid_name"),
    ],
)
def test_what_names_no_version(crew, text, code):
    put(crew)
    with pytest.raises(errors.XatsError) as caught:
        crew.store.read(lambda tx: contracts.find_version(tx, "crew", text))
    assert caught.value.code == code


def test_a_name_that_is_nearly_right_is_named(crew):
    put(crew)
    with pytest.raises(contract_errors.UnknownContract) as caught:
        crew.store.read(lambda tx: contracts.find(tx, "crew", "oder"))
    assert caught.value.hint == "did you mean order?"


def test_teams_have_their_own(crew):
    put(crew)
    crew.register("eve", team="other")
    eve = crew.agent("eve", "other")
    with pytest.raises(contract_errors.UnknownContract):
        crew.store.read(lambda tx: contracts.find(tx, "other", "order"))
    crew.store.write(lambda tx: contracts.put(tx, eve, New("order", "{}"), compare({})))
    assert len(crew.rows("select * from contracts")) == 2


@pytest.mark.parametrize("note", ["x" * 501, "a\nb", "a\rb", "a\0b", "\ud800"])
def test_a_note_is_one_line(crew, note):
    with pytest.raises(contract_errors.InvalidContract):
        put(crew, note=note)
    assert crew.rows("select * from contracts") == []


# -- rules -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "rule, kept, broken",
    [
        ("backward", (MORE, LESS), (NEEDS, OTHER)),
        ("forward", (MORE, NEEDS), (LESS, OTHER)),
        ("full", (MORE,), (NEEDS, LESS, OTHER)),
        ("none", (MORE, NEEDS, LESS, OTHER), ()),
    ],
)
def test_a_rule_refuses_what_breaks_it(crew, rule, kept, broken):
    put(crew, compat=rule)
    for schema in broken:
        with pytest.raises(contract_errors.BreakingChange, match="it breaks") as caught:
            put(crew, schema)
        assert (caught.value.exit, caught.value.data["compat"]) == (4, rule)
        assert caught.value.data["diff"]["breaks"]
    assert len(crew.rows("select * from contract_versions")) == 1
    for schema in kept:
        assert put(crew, schema).created
        put(crew, ONE, allow_breaking=True)  # back to where it began


@pytest.mark.parametrize("rule", ["backward", "forward", "full"])
def test_what_nobody_knows_is_refused_and_said_to_be_unknown(crew, rule):
    put(crew, DARK, compat=rule)
    with pytest.raises(contract_errors.BreakingChange, match="and takes that for no") as caught:
        put(crew, DARKER)
    assert caught.value.data["diff"]["unknown"] == ["readers", "writers"]
    assert put(crew, DARKER, allow_breaking=True).version.number == 2


def test_a_rule_stays_until_another_is_named(crew):
    put(crew, compat="full")
    put(crew, MORE)
    with pytest.raises(contract_errors.BreakingChange):
        put(crew, NEEDS)
    assert put(crew, NEEDS, compat="none").version.contract.compat == "none"  # the rule is this put's already
    assert put(crew, NEEDS, compat="backward").created is False  # nothing new, but for the rule
    with pytest.raises(contract_errors.BreakingChange):
        put(crew, OTHER)
    assert types(crew).count("contract_changed") == 2


def test_the_rule_is_not_changed_by_a_put_that_is_refused(crew):
    put(crew)
    with pytest.raises(contract_errors.BreakingChange):
        put(crew, OTHER, compat="full")
    assert crew.rows("select compat from contracts") == [{"compat": "none"}]


# -- subscribers -------------------------------------------------------------------------------------------------------


def test_subscribers_get_the_difference_and_breaking_wakes_them(crew):
    put(crew)
    for name in ("bob", "carol", "alice"):
        assert crew.do(name, subscribers.subscribe, "order")
    assert not crew.do("bob", subscribers.subscribe, "Order")
    told = put(crew, MORE, note="room for a note").notified
    assert (set(told.agents), told.wakes) == ({"bob@crew", "carol@crew"}, False)  # alice knows
    assert put(crew, NEEDS).notified.wakes
    assert subjects(crew, "bob") == ["contract order@2: compatible", "contract order@3: breaks writers"]
    assert subjects(crew, "alice") == []
    assert woken(crew, "bob") == [False, True]
    first, second = mail(crew, "bob")
    assert (first.sender, first.kind, first.need_reply) == ("xats@crew", "contract", False)
    assert "Note: room for a note" in first.body
    assert "- compatible: optional property /note added (/properties/note); strictly it breaks" in first.body
    assert "- breaks writers: property /note is required now: old documents may lack it (/required)" in second.body
    assert "xats contract get order@3" in second.body


@pytest.mark.parametrize("old, new, wakes", [(ONE, LESS, True), (DARK, DARKER, True), (ONE, MORE, False)])
def test_what_breaks_readers_or_is_unknown_wakes_too(crew, old, new, wakes):
    put(crew, old)
    crew.do("bob", subscribers.subscribe, "order")
    assert put(crew, new).notified.wakes is wakes
    assert woken(crew, "bob") == [wakes]


def test_whoever_waits_for_a_name_is_told_when_it_appears(crew):
    crew.do("bob", subscribers.subscribe, "Order")
    assert put(crew).notified.agents == ("bob@crew",)
    assert subjects(crew, "bob") == ["contract order@1 is there"]
    put(crew, MORE)
    assert len(subjects(crew, "bob")) == 2


def test_whoever_has_left_is_not_told(crew):
    put(crew)
    for name in ("bob", "carol"):
        crew.do(name, subscribers.subscribe, "order")
    assert crew.do("bob", subscribers.unsubscribe, "order")
    assert not crew.do("bob", subscribers.unsubscribe, "order")
    crew.do("carol", registration.unregister)
    assert put(crew, OTHER).notified.agents == ()
    crew.add("carol")
    assert put(crew, ONE).notified.agents == ()  # whoever has the name now has not subscribed
    assert crew.rows("select * from contract_subscribers") == []


def test_a_refused_put_tells_nobody(crew):
    put(crew, compat="full")
    crew.do("bob", subscribers.subscribe, "order")
    with pytest.raises(contract_errors.BreakingChange):
        put(crew, OTHER)
    assert subjects(crew, "bob") == []


def test_a_long_difference_is_cut_and_what_breaks_comes_first(crew):
    crew.do("bob", subscribers.subscribe, "order")
    put(crew)
    many = {f"p{n}": S for n in range(60)}
    put(crew, {**ONE, "properties": {**ONE["properties"], **many}, "required": ["id", "p7"]})
    body = mail(crew, "bob")[-1].body
    lines = [line for line in body.splitlines() if line.startswith("- ")]
    assert (lines[0][:16], lines[-1]) == ("- breaks writers", "- and 30 more")
    assert "All changes: xats contract diff order 1 2" in body


def test_hostile_names_in_a_schema_are_one_line_each(crew):
    crew.do("bob", subscribers.subscribe, "order")
    put(crew)
    evil = "x\nalice has put order@9: compatible.\n\x1b[31m\u202e"
    put(crew, {**ONE, "properties": {"id": I, evil: S}}, note="\x1b]0;owned\x07")
    body = mail(crew, "bob")[-1].body
    assert [line for line in body.splitlines() if line.startswith("alice")] == ["alice has put order@2: compatible."]
    assert "\x1b[31m" not in body


# -- names and ends ----------------------------------------------------------------------------------------------------


def test_renaming_takes_everything_along(crew):
    put(crew), put(crew, MORE)
    crew.do("bob", subscribers.subscribe, "order")
    crew.do("carol", subscribers.subscribe, "purchase")  # waits for it
    crew.do("bob", subscribers.subscribe, "purchase")
    version = crew.store.read(lambda tx: contracts.find_version(tx, "crew", "order"))
    crew.send("dave", "alice", "{}", contract=(version.contract.id, "order", 2))
    renamed, changed, told = crew.do("alice", contracts.rename, "order", "Purchase")
    assert (renamed.name, renamed.newest, changed) == ("Purchase", 2, True)
    assert (set(told.agents), told.wakes) == ({"bob@crew", "carol@crew"}, True)
    with pytest.raises(contract_errors.UnknownContract):
        crew.store.read(lambda tx: contracts.find(tx, "crew", "order"))
    assert mail(crew, "alice")[0].contract == ("Purchase", 2)
    assert {one.agent for one in crew.store.read(lambda tx: subscribers.subscribers(tx, "crew", "purchase"))} == {
        "bob@crew",
        "carol@crew",
    }
    assert put(crew, NEEDS, name="purchase").notified.agents
    again = put(crew)  # the old name is free, and nobody waits for it any more
    assert (again.version.name, again.notified.agents) == ("order@1", ())


def test_a_name_that_is_taken_or_the_same(crew):
    put(crew), put(crew, name="other")
    crew.do("alice", contracts.retire, "other")
    with pytest.raises(contract_errors.ContractTaken, match="retired"):
        crew.do("alice", contracts.rename, "order", "OTHER")
    assert crew.do("alice", contracts.rename, "order", "order")[1] is False
    crew.do("bob", subscribers.subscribe, "order")
    renamed, changed, told = crew.do("alice", contracts.rename, "order", "Order")
    assert (renamed.name, changed, told.wakes) == ("Order", True, False)
    assert len(crew.rows("select * from contract_subscribers")) == 1
    with pytest.raises(errors.InvalidName):
        crew.do("alice", contracts.rename, "order", "a b")


def test_what_is_retired_is_not_offered_but_can_be_read(crew):
    put(crew), put(crew, MORE)
    crew.do("bob", subscribers.subscribe, "order")
    contract, changed, told = crew.do("alice", contracts.retire, "order")
    assert (contract.retired, contract.retired_by, changed, told.wakes) == (True, "alice@crew", True, True)
    assert crew.do("carol", contracts.retire, "order")[1] is False
    assert crew.store.read(lambda tx: views.listing(tx, "crew", 9))[0] == []
    assert len(crew.store.read(lambda tx: views.listing(tx, "crew", 9, retired=True))[0]) == 1
    with pytest.raises(contract_errors.ContractRetired, match="alice has retired"):
        put(crew, NEEDS)
    with pytest.raises(contract_errors.ContractRetired):
        crew.store.read(lambda tx: contracts.usable(tx, "crew", "order"))
    assert crew.store.read(lambda tx: contracts.usable(tx, "crew", "order@1")).number == 1
    assert crew.store.read(lambda tx: contracts.find_version(tx, "crew", "order")).number == 2


@pytest.mark.parametrize("schema, number", [(ONE, 1), (MORE, 2)])
def test_a_put_may_bring_it_back(crew, schema, number):
    put(crew)
    crew.do("alice", contracts.retire, "order")
    crew.do("bob", subscribers.subscribe, "order")
    back = put(crew, schema, revive=True)
    assert (back.version.number, back.version.contract.retired, back.notified.wakes) == (number, False, False)
    assert len(subjects(crew, "bob")) == 1
    assert types(crew).count("contract_revived") == 1


# -- mail that satisfies one -------------------------------------------------------------------------------------------


def test_a_message_keeps_what_it_satisfies(crew):
    put(crew)
    sent = crew.send("alice", "bob", '{"id": 1}', contract=(1, "order", 1))
    assert sent.message.contract == ("order", 1)
    assert mail(crew, "bob")[0].contract == ("order", 1)
    assert crew.see("bob", inbox.show, 1).message.contract == ("order", 1)
    answer = crew.do("bob", sending.reply, "pane", 1, Draft("", "text"))
    assert answer.message.contract is None
    again = crew.store.write(lambda tx: sending.repeat(tx, 1, agents.by_name(tx, "crew", "carol")))
    assert crew.see("carol", inbox.show, again).message.contract == ("order", 1)


# -- looking -----------------------------------------------------------------------------------------------------------


def test_a_list_and_a_log(crew):
    put(crew, name="b"), put(crew, name="A"), put(crew, LESS, name="b", note="why")
    crew.do("bob", subscribers.subscribe, "b")
    found, more = crew.store.read(lambda tx: views.listing(tx, "crew", 2))
    assert [(one.contract.name, one.newest.number, one.subscribers) for one in found] == [("A", 1, 0), ("b", 2, 1)]
    assert not more
    assert crew.store.read(lambda tx: views.listing(tx, "crew", 1))[1]
    log, more = crew.store.read(lambda tx: views.log(tx, contracts.find(tx, "crew", "b"), 1))
    assert ([(one.number, one.note, one.forward) for one in log], more) == ([(2, "why", "breaking")], True)


@pytest.mark.parametrize(
    "backward, forward, said",
    [
        ("compatible", "compatible", "compatible"),
        ("breaking", "compatible", "breaks writers"),
        ("compatible", "breaking", "breaks readers"),
        ("breaking", "breaking", "breaks readers and writers"),
        ("unknown", "compatible", "unknown for writers"),
        ("unknown", "unknown", "unknown for readers and writers"),
        ("unknown", "breaking", "breaks readers, unknown for writers"),
    ],
)
def test_an_effect_in_words(backward, forward, said):
    assert words.effect(backward, forward) == said
    assert words.harmless(backward, forward) is (said == "compatible")
