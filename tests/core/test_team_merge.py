"""Two teams become one: what moves, what has to be the same, who is renamed, and who becomes one."""

import json

import pytest

from tests.conftest import HOST
from tests.support.checks import broken
from xats.base.errors import InvalidName, NamesClash, TeamTaken, UnknownAgent, UnknownTeam, Usage
from xats.base.pane import Pane
from xats.core import events
from xats.core.agents import agents, registration
from xats.core.agents import changes as agent_changes
from xats.core.agents.agents import Seat
from xats.core.contracts import contracts, subscribers
from xats.core.mail import dead, inbox, messages, sending, status, threads
from xats.core.tasks import claims, endings, planning, pools
from xats.core.teams import changes as team_changes
from xats.core.teams import merge as team_merge
from xats.core.teams import teams, views
from xats.core.waking import pauses
from xats.store.sqlite import check


class Two:
    """The teams `shop` and `fix` in one store; `ann@fix` names an agent."""

    def __init__(self, team) -> None:
        self.team, self.store, self.rows = team, team.store, team.rows

    def add(self, *addresses, **changes):
        for address in addresses:
            name, _, team = address.partition("@")
            self.team.register(name, team=team, **{"client": "generic", **changes})

    def agent(self, address):
        name, _, team = address.partition("@")
        return self.team.agent(name, team)

    def do(self, address, work, *args, **values):
        me = self.agent(address)
        return self.store.write(lambda tx: work(tx, me, *args, **values))

    def send(self, sender, address, **draft):
        values = {"body": "text", **draft}
        return self.do(sender, sending.send, "pane", sending.Draft(address, **values))

    def mail(self, address):
        me = self.agent(address)
        page = self.store.read(lambda tx: inbox.peek(tx, me, inbox.Query()))
        return [one.message.subject or one.message.body for one in page.letters]

    def merge(self, suffix=None, by="carol"):
        return self.store.write(lambda tx: team_merge.merge(tx, by, "fix", "shop", suffix))

    def healthy(self):
        """Let the checks of `db check` look at the store."""
        assert broken(self.store, states=(check.FAIL,)) == []


@pytest.fixture
def two(team):
    made = Two(team)
    made.add("ann@shop", "bob@shop", "dan@fix", "eve@fix")
    return made


TOLD = "team fix is a part of team shop now"


def test_every_column_that_refers_to_an_agent_is_known(store):
    found = set(store.read(lambda tx: tx.references("agents")))
    gone = {("presence", "agent_id"), ("pairs", "low_id"), ("pairs", "high_id"), ("expectations", "agent_id")}
    gone |= {("starts", "agent_id"), ("start_log", "agent_id")}
    assert found == {*team_merge.HELD, *gone}


def test_a_merged_team_has_everything_of_both(two):
    two.send("dan@fix", "eve", subject="within")
    task, _ = two.do("dan@fix", planning.add, planning.New("build"))
    two.do("eve@fix", claims.claim, task.id)
    two.do("dan@fix", subscribers.subscribe, "order")
    two.merge()
    for table in team_changes.MARKED:
        assert two.rows(f"select 1 from {table} where team = 'fix'") == [], table
    found = two.store.read(views.listing)
    assert [(one.name, one.agents, one.open_tasks, one.former) for one in found] == [("shop", 4, 1, ("fix",))]
    assert two.mail("eve@shop") == ["within", TOLD]
    assert two.mail("ann@shop") == two.mail("dan@shop") == [TOLD]
    assert two.do("eve@shop", claims.done, task.id, "built").state == "done"
    assert two.do("ann@shop", contracts.put, contracts.New("order", "{}"), lambda _: None).notified.agents == (
        "dan@shop",
    )
    two.healthy()


def test_mail_of_before_is_answered_and_shown_as_a_thread(two):
    sent = two.send("dan@fix", "bob@shop", subject="question").message
    two.merge()
    answer = two.do("bob@shop", sending.reply, "pane", sent.id, sending.Draft("", "yes"))
    assert answer.recipients == ("dan@shop",)
    spoken = two.store.read(lambda tx: threads.conversation(tx, sent.id, None, 10))
    assert [(one.message.sender, one.message.address) for one in spoken] == [
        ("dan@shop", "bob@shop"),
        ("bob@shop", "dan@shop"),
    ]
    assert two.do("dan@shop", status.status, sent.id)[1][0].agent == "bob@shop"


def test_unread_mail_keeps_one_open_wake_each(two):
    two.send("dan@fix", "eve")
    two.send("ann@shop", "bob")
    before = two.rows("select id, agent_id, state from wakes where closed_at is null order by id")
    two.merge()
    assert two.rows("select id, agent_id, state from wakes where closed_at is null order by id") == before


def test_teams_that_cannot_be_merged_are_refused(two):
    with pytest.raises(Usage, match="itself"):
        two.store.write(lambda tx: team_merge.merge(tx, "carol", "fix", "fix", None))
    with pytest.raises(UnknownTeam, match=r"No team is called shopp\. Teams: shop, fix\."):
        two.store.write(lambda tx: team_merge.merge(tx, "carol", "fix", "shopp", None))


# -- names that both teams have ----------------------------------------------------------------------------------------


def test_agents_of_the_same_name_are_refused_and_nothing_changes(two):
    two.add("Ann@fix", "bob@fix")
    before = two.rows("select * from agents")
    with pytest.raises(NamesClash, match="this name: Ann, bob") as refused:
        two.merge()
    assert "--suffix 2, which renames Ann@fix to Ann-2" in refused.value.hint
    assert two.rows("select * from agents") == before
    assert two.rows("select 1 from teams where moved_to is not null") == []


def test_a_suffix_renames_the_agents_of_the_old_team(two):
    two.add("bob@fix")
    two.send("dan@fix", "bob", subject="for bob of fix")
    two.send("ann@shop", "bob", subject="for bob of shop")
    two.do("dan@fix", planning.add, planning.New("build", notify="bob,dan"))
    planned = two.merge("fix")
    assert [(one.address, name) for one, name in planned.renamed] == [("bob@fix", "bob-fix")]
    assert two.mail("bob-fix@shop") == ["for bob of fix", TOLD]
    assert two.mail("bob@shop") == ["for bob of shop", TOLD]
    page = two.do("bob-fix@shop", inbox.peek, inbox.Query())
    assert "You are bob-fix@shop; you were bob@fix." in page.letters[-1].message.body
    assert two.rows("select notify from tasks") == [{"notify": "bob-fix,dan"}]
    led = two.rows("select f.team, f.name_key, a.name from former_addresses f join agents a on a.id = f.agent_id")
    assert led == [{"team": "fix", "name_key": "bob", "name": "bob-fix"}]
    two.healthy()


def test_a_suffix_that_gives_a_name_that_is_taken_is_refused(two):
    two.add("bob@fix", "bob-2@shop")
    with pytest.raises(NamesClash, match=r"bob cannot be renamed to bob-2\. It is an agent of team shop"):
        two.merge("2")


def test_addresses_of_every_former_name_lead_to_the_renamed_agent(two):
    two.store.write(lambda tx: team_changes.rename(tx, "carol", "fix", "hotfix"))
    two.add("bob@hotfix")
    two.store.write(lambda tx: team_merge.merge(tx, "carol", "hotfix", "shop", "2"))
    led = two.rows("select team from former_addresses order by team")
    assert led == [{"team": "fix"}, {"team": "hotfix"}]


def test_mail_to_an_old_address_comes_to_the_agent_that_had_it(two):
    two.add("bob@fix")
    two.merge("2")
    assert two.send("ann@shop", "bob@fix", subject="to fix").recipients == ("bob-2@shop",)
    assert two.send("ann@shop", "bob", subject="to shop").recipients == ("bob@shop",)
    assert two.send("ann@shop", "dan@fix").recipients == ("dan@shop",)
    assert two.agent("bob@fix").name == "bob-2"


# -- persons, and xats itself ------------------------------------------------------------------------------------------


def test_a_person_who_is_in_both_teams_becomes_one(two):
    two.add("kim@shop", "kim@fix", client="human")
    two.send("dan@fix", "kim", subject="from fix")
    two.send("ann@shop", "kim", subject="from shop")
    two.do("kim@fix", sending.send, "user", sending.Draft("dan", "one", dedupe_key="k"))
    two.do("kim@shop", sending.send, "user", sending.Draft("ann", "two", dedupe_key="k"))
    two.do("kim@fix", planning.add, planning.New("in fix", key="t"))
    two.do("kim@shop", planning.add, planning.New("in shop", key="t"))
    two.do("kim@fix", subscribers.subscribe, "order")
    two.do("kim@shop", subscribers.subscribe, "order")
    two.send("dan@fix", "kim@fix,kim@shop", subject="to both")
    planned = two.merge(by="someone")
    assert [name for _, _, name in planned.joined] == ["kim"]
    assert two.mail("kim@shop") == ["from fix", "from shop", "to both", TOLD]
    assert len(two.rows("select 1 from agents where name = 'kim'")) == 1
    assert len(two.rows("select 1 from messages where sender_id = :id", id=two.agent("kim@shop").id)) == 2
    assert len(two.rows("select 1 from messages where dedupe_key = 'k'")) == 1
    assert len(two.rows("select 1 from tasks where created_by = :id", id=two.agent("kim@shop").id)) == 2
    again = two.do("kim@shop", sending.send, "user", sending.Draft("ann", "two", dedupe_key="k"))
    assert not again.created
    two.healthy()


@pytest.mark.parametrize("bound", ["fix", "shop", "both", "none"])
def test_the_session_of_a_person_that_is_bound_stays(two, bound):
    def seat(number):
        return Seat(HOST, pane=Pane("/tmp/s", 7, 1, f"%{number}", 100 + number, "/dev/pts/1"))

    for number, of in enumerate(("fix", "shop")):
        at = seat(number) if bound in (of, "both") else None
        two.team.register("kim", team=of, client="human", seat=at)
    two.merge()
    kim = two.agent("kim@shop")
    session = two.store.read(lambda tx: agents.current_session(tx, kim))
    wanted = {"fix": "%0", "shop": "%1", "both": "%1", "none": None}[bound]
    assert (session.seat.pane and session.seat.pane.pane_id) == wanted
    assert session.epoch == kim.epoch
    assert two.rows("select 1 from sessions where end_reason = 'replaced'") == []
    two.healthy()


def test_wakes_of_a_person_in_both_teams_become_one(two):
    two.add("kim@shop", "kim@fix", client="human", wake_by="command")
    two.send("dan@fix", "kim")
    two.send("ann@shop", "kim")
    two.send("ann@shop", "kim")
    two.merge()
    kim = two.agent("kim@shop")
    open_wakes = two.rows("select id, mails from wakes where closed_at is null and agent_id = :id", id=kim.id)
    assert [one["mails"] for one in open_wakes] == [3]
    covered = two.rows(
        "select distinct wake_id from deliveries where agent_id = :id and wake_id is not null", id=kim.id
    )
    assert covered == [{"wake_id": open_wakes[0]["id"]}]


def test_a_person_who_has_left_one_team_is_there_with_all_mail(two):
    two.add("kim@shop", "kim@fix", client="human")
    two.send("ann@shop", "kim", subject="kept")
    two.do("kim@shop", registration.unregister)
    two.merge()
    assert two.agent("kim@shop").registered
    assert two.mail("kim@shop") == ["kept", TOLD]
    two.healthy()


def test_guests_and_notices_of_both_teams_are_kept_once(two):
    def note(tx) -> None:
        for team in ("fix", "shop"):
            tx.run(
                "insert into project_teams (host, path, team, kind, since) values ('h', '/p', :team, 'joined', 1)",
                team=team,
            )
            teams.add_notice(tx, team, "this repository was moved")
            teams.add_notice(tx, team, "agents of this project are still in team fix: xats team merge fix shop")

    two.store.write(note)
    two.merge()
    assert two.rows("select team from project_teams") == [{"team": "shop"}]
    assert two.rows("select team, text from team_notices") == [{"team": "shop", "text": "this repository was moved"}]


def test_what_xats_wrote_stays_readable(two):
    for team, creator, other in (("fix", "dan", "eve"), ("shop", "ann", "bob")):
        task, _ = two.do(f"{creator}@{team}", planning.add, planning.New("build", to=other))
        assert two.mail(f"{other}@{team}") == [f"task #{task.id} is ready: build"]
    two.merge()
    assert len(two.rows("select 1 from agents where client = 'system'")) == 1
    assert len(two.mail("eve@shop")) == len(two.mail("bob@shop")) == 2


# -- pauses ------------------------------------------------------------------------------------------------------------


def held(two):
    rows = two.rows(
        "select a.name from wakes w join agents a on a.id = w.agent_id where w.state = 'held' order by a.name"
    )
    return [row["name"] for row in rows]


def mailed(two):
    for sender, address in (("dan@fix", "eve"), ("ann@shop", "bob")):
        two.send(sender, address)


def test_a_paused_team_stays_paused_and_the_other_one_does_not_become_so(two):
    two.do("dan@fix", pauses.pause, "fix", None, "lunch")
    mailed(two)
    two.merge()
    assert held(two) == ["eve"]
    found = two.store.read(lambda tx: pauses.listing(tx, "shop"))
    assert [(one.agent, one.reason) for one in found] == [("dan@shop", "lunch"), ("eve@shop", "lunch")]


def test_a_team_that_joins_a_paused_one_is_paused(two):
    two.do("ann@shop", pauses.pause, "shop", None, None)
    mailed(two)
    assert held(two) == ["bob"]
    two.merge()
    assert held(two) == ["bob", "eve"]
    assert [one.agent for one in two.store.read(lambda tx: pauses.listing(tx, "shop"))] == [None]


def test_two_paused_teams_are_one_paused_team(two):
    two.do("ann@shop", pauses.pause, "shop", None, None)
    two.do("dan@fix", pauses.pause, "fix", None, None)
    two.do("dan@fix", pauses.pause, "fix", two.agent("eve@fix"), None)
    mailed(two)
    two.merge()
    assert held(two) == ["bob", "eve"]
    assert [one.agent for one in two.store.read(lambda tx: pauses.listing(tx, "shop"))] == [None, "eve@shop"]
    two.do("ann@shop", pauses.resume, "shop", None)
    assert held(two) == ["eve"]


# -- contracts ---------------------------------------------------------------------------------------------------------


def put(two, address, text, name="order"):
    return two.do(address, contracts.put, contracts.New(name, text), lambda _: None)


def test_different_contracts_of_one_name_are_refused(two):
    put(two, "dan@fix", '{"type": "object"}')
    put(two, "ann@shop", '{"type": "string"}')
    with pytest.raises(NamesClash, match="different contracts of the same name: order") as refused:
        two.merge()
    assert refused.value.hint == "xats contract rename order NEW_NAME --team fix"


def test_the_same_contract_of_both_teams_becomes_one(two):
    for address in ("dan@fix", "ann@shop"):
        put(two, address, '{"type": "object"}')
        two.do(address, subscribers.subscribe, "order")
    version = two.store.read(lambda tx: contracts.find_version(tx, "fix", "order"))
    sent = two.send("dan@fix", "eve", body="{}", contract=(version.contract.id, "order", 1)).message
    two.merge()
    assert len(two.rows("select 1 from contracts")) == 1
    seen = two.do("eve@shop", messages.visible, sent.id)
    assert (seen["contract"], seen["contract_version"]) == ("order", 1)
    subscribed = two.store.read(lambda tx: subscribers.subscribers(tx, "shop", "order"))
    assert [one.agent for one in subscribed] == ["ann@shop", "dan@shop"]
    two.healthy()


# -- pools and dead letters --------------------------------------------------------------------------------------------


def test_a_pool_goes_on_after_a_merge(two):
    two.add("max@fix", role="dev")
    sent, task = two.do("dan@fix", pools.send, "pane", sending.Draft("pool:dev", "who can?"))
    assert sent.recipients == ("max@fix",)
    two.merge()
    assert two.do("max@shop", claims.claim, task.id).owner == "max@shop"


def test_dead_letters_stay_dead_letters(two):
    two.send("dan@fix", "eve", ttl=1000)
    two.store.clock.tick(2000)
    two.store.write(inbox.sweep)
    two.merge()
    found, _ = two.store.read(lambda tx: dead.listing(tx, "shop", 10))
    assert [(one.agent, one.reason) for one in found] == [("eve@shop", "expired")]
    two.do("ann@shop", dead.retry, found)
    assert len(two.mail("eve@shop")) == 2


def test_a_former_name_that_is_an_agents_of_the_other_team_does_not_lead_there(two):
    dan = two.agent("dan@fix")
    two.store.write(lambda tx: agent_changes.rename(tx, dan, dan, "dora"))
    two.add("dan@shop")
    two.merge()
    dan = two.agent("dan@shop")
    two.store.write(lambda tx: agent_changes.rename(tx, dan, dan, "dave"))
    two.store.write(lambda tx: agent_changes.forget_name(tx, dan, dan, "dan"))
    with pytest.raises(UnknownAgent):
        two.agent("dan@shop")
    assert two.agent("dan@fix").name == "dora"


@pytest.mark.parametrize("suffix", ["", "-", "a b"])
def test_a_suffix_has_to_be_a_name(two, suffix):
    two.add("bob@fix")
    with pytest.raises(InvalidName):
        two.merge(suffix)


def test_a_former_name_with_addresses_of_renamed_agents_is_free_only_after_it_is_forgotten(two):
    two.add("bob@fix")
    two.merge("2")
    with pytest.raises(TeamTaken, match="Agents of the former team fix were renamed") as refused:
        two.store.write(lambda tx: team_changes.rename(tx, "carol", "shop", "fix"))
    assert refused.value.hint == "to free the name: xats team forget fix"
    two.store.write(lambda tx: team_changes.forget_former(tx, "carol", "fix"))
    two.store.write(lambda tx: team_changes.rename(tx, "carol", "shop", "fix"))
    assert two.agent("bob-2@fix").registered


# -- what each agent is told, and what stays certain -------------------------------------------------------------------


def test_every_agent_is_told_of_every_new_name(two):
    two.add("bob@fix", "ann@fix")
    two.merge("2")
    bob = "bob@fix is bob-2 now. The name bob alone means the bob that was in shop before."
    ann = "ann@fix is ann-2 now. The name ann alone means the ann that was in shop before."
    for address, lines in (("dan@shop", {bob, ann}), ("bob@shop", {bob, ann}), ("bob-2@shop", {ann})):
        page = two.do(address, inbox.peek, inbox.Query())
        assert {
            line for line in page.letters[-1].message.body.split("\n") if " is " in line and "alone" in line
        } == lines


def test_the_end_of_a_task_that_is_reopened_reaches_the_agent_that_was_named(two):
    two.add("bob@fix")
    task, _ = two.do("dan@fix", planning.add, planning.New("build", notify="bob"))
    two.do("dan@fix", endings.cancel, task.id, None)
    two.merge("2")
    two.do("dan@shop", endings.reopen, task.id)
    two.do("eve@shop", claims.claim, task.id)
    two.do("eve@shop", claims.done, task.id, None)
    end = f"task #{task.id} is done: build"
    assert end in two.mail("bob-2@shop")
    assert end not in two.mail("bob@shop")


def test_the_end_of_a_task_reaches_the_agent_that_was_named_by_a_former_name(two):
    two.add("rob@fix")
    two.do("rob@fix", lambda tx, me: agent_changes.rename(tx, me, me, "bob"))
    two.add("rob@shop")
    two.do("dan@fix", planning.add, planning.New("build", notify="rob"))
    two.merge("2")
    assert two.rows("select notify from tasks") == [{"notify": "bob-2"}]


def test_what_is_certain_reaches_the_agent_that_was_renamed(two):
    two.add("bob@fix")
    asked = two.send("bob@fix", "dan", subject="question").message
    task, _ = two.do("dan@fix", planning.add, planning.New("for bob", to="bob"))
    two.do("bob@fix", subscribers.subscribe, "order")
    two.merge("2")
    assert two.do("dan@shop", sending.reply, "pane", asked.id, sending.Draft("", "yes")).recipients == ("bob-2@shop",)
    assert two.do("bob-2@shop", claims.claim, task.id).owner == "bob-2@shop"
    assert put(two, "ann@shop", "{}").notified.agents == ("bob-2@shop",)


def test_a_name_that_has_only_held_mail_is_said_to_have_that(two):
    two.send("dan@fix", "kim", hold=True)
    two.add("kim@shop")
    with pytest.raises(
        NamesClash, match=r"No agent is called kim@fix yet, but 1 message is held for that name"
    ) as seen:
        two.merge()
    assert "this name: kim." in str(seen.value)


def test_held_mail_that_has_expired_stands_in_no_way(two, clock):
    two.send("dan@fix", "kim", hold=True, ttl=1000)
    two.send("dan@fix", "bob-2", hold=True, ttl=1000)
    two.add("kim@shop", "bob@fix")
    clock.tick(2000)
    two.store.write(inbox.sweep)
    two.merge("2")
    assert two.agent("kim@shop").registered
    assert two.agent("bob-2@shop").registered
    two.healthy()


def test_events_of_before_belong_to_the_agent_that_did_it(two):
    two.add("bob@fix")
    two.send("bob@fix", "dan")
    two.send("bob@shop", "ann")
    two.merge("2")

    def sent(name):
        query = events.Query("shop", agent=(name, "shop"), types=("message_sent",))
        return [one.data for one in two.store.read(lambda tx: events.after(tx, query, 50))[0]]

    assert [json.loads(one)["address"] for one in sent("bob-2")][:1] == ["dan"]
    assert [json.loads(one)["address"] for one in sent("bob")][:1] == ["ann"]
