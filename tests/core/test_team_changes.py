"""Teams as a whole: renamed, archived, forgotten. All that is marked with the name follows, and nothing is lost."""

import pytest

from xats.base.errors import InvalidName, Refused, TeamInUse, TeamTaken, UnknownRecipient, UnknownTeam, Usage
from xats.core import events as outbox
from xats.core.address import slug
from xats.core.mail import dead, inbox, sending
from xats.core.tasks import claims, planning
from xats.core.teams import changes, merge, teams, views
from xats.core.waking import pauses


def nobody(_session) -> bool:
    """No process of any session lives."""
    return False


def everybody(_session) -> bool:
    return True


@pytest.fixture
def shop(team):
    """Two agents and a person of the team `crew`."""
    team.add("alice", "bob")
    team.add("carol", client="human")
    return team


def change(team, work, *args, **values):
    return team.store.write(lambda tx: work(tx, "carol", *args, **values))


def rename(team, old="crew", new="shop"):
    return change(team, changes.rename, old, new)


def names(team, **options) -> list[str]:
    return [one.name for one in team.store.read(lambda tx: views.listing(tx, **options))]


def summary(team, name):
    return team.store.read(lambda tx: views.summary(tx, name))


def mail(team, name, of="crew") -> list[str | None]:
    """Return the subjects of what the agent has not read."""
    me = team.agent(name, of)
    return [one.message.subject for one in team.store.read(lambda tx: inbox.peek(tx, me, inbox.Query())).letters]


@pytest.mark.sqlite  # the schema of both engines is the same
def test_every_table_that_names_a_team_follows(rows):
    marked = rows("""
        select distinct m.name from sqlite_master m join pragma_table_info(m.name) p
        where m.type = 'table' and p.name = 'team'
    """)
    assert {row["name"] for row in marked} == {*changes.MARKED, "former_addresses"}


# -- rename ------------------------------------------------------------------------------------------------------------


def test_a_renamed_team_has_everything(shop, rows):
    shop.send("alice", "bob", subject="before")
    shop.do("alice", pauses.pause, "crew", shop.agent("bob"), "away")
    task, _ = shop.do("alice", planning.add, planning.New("build"))
    rename(shop)
    assert names(shop) == ["shop"]
    for table in changes.MARKED:
        assert rows(f"select 1 from {table} where team = 'crew'") == [], table
    found = summary(shop, "shop")
    assert (found.agents, found.unread, found.open_tasks, found.former) == (3, 3, 1, ("crew",))
    bob = shop.agent("bob", "shop")
    assert shop.store.write(lambda tx: claims.claim(tx, bob, task.id)).team == "shop"
    assert [one.agent for one in shop.store.read(lambda tx: pauses.listing(tx, "shop"))] == ["bob@shop"]
    assert mail(shop, "bob", "shop") == ["before", "team crew is shop now"]


def test_an_old_message_can_be_answered_after_a_rename(shop):
    sent = shop.send("alice", "bob", subject="before").message
    rename(shop)
    bob, alice = shop.agent("bob", "shop"), shop.agent("alice", "shop")
    answer = shop.store.write(lambda tx: sending.reply(tx, bob, "pane", sent.id, sending.Draft("", "yes")))
    assert answer.recipients == ("alice@shop",)
    page = shop.store.read(lambda tx: inbox.peek(tx, alice, inbox.Query()))
    assert [one.message.subject for one in page.letters] == ["team crew is shop now", "Re: before"]


def test_each_agent_is_told_once_and_none_is_woken(shop, rows):
    rename(shop)
    assert mail(shop, "alice", "shop") == mail(shop, "bob", "shop") == ["team crew is shop now"]
    assert mail(shop, "carol", "shop") == []  # who did it knows
    assert rows("select 1 from wakes") == []
    bob = shop.agent("bob", "shop")
    page = shop.store.read(lambda tx: inbox.peek(tx, bob, inbox.Query()))
    assert "You are bob@shop." in page.letters[0].message.body


def test_the_history_is_read_under_the_new_name(shop):
    shop.send("alice", "bob")
    before = shop.store.read(lambda tx: outbox.after(tx, outbox.Query("crew"), 50))[0]
    rename(shop)
    after = shop.store.read(lambda tx: outbox.after(tx, outbox.Query("shop"), 50))[0]
    assert [one.id for one in before] == [one.id for one in after[: len(before)]]
    assert after[-1].type == "team_renamed"
    assert shop.store.read(lambda tx: outbox.after(tx, outbox.Query("crew"), 50))[0] == []


def test_a_chain_of_names_leads_to_the_last_one(shop, rows):
    rename(shop, "crew", "shop")
    rename(shop, "shop", "store")
    moved = {row["name"]: row["moved_to"] for row in rows("select name, moved_to from teams")}
    assert moved == {"crew": "store", "shop": "store", "store": None}
    assert summary(shop, "store").former == ("crew", "shop")


def test_a_team_may_have_its_former_name_again(shop, rows):
    rename(shop, "crew", "shop")
    rename(shop, "shop", "crew")
    moved = {row["name"]: row["moved_to"] for row in rows("select name, moved_to from teams")}
    assert moved == {"crew": None, "shop": "crew"}
    assert [one.address for one in [shop.agent("bob")]] == ["bob@crew"]


def test_a_name_that_is_taken_is_refused(shop):
    shop.register("dave", team="other")
    with pytest.raises(TeamTaken, match="There is a team other already"):
        rename(shop, "crew", "other")
    rename(shop, "other", "others")
    with pytest.raises(TeamTaken, match="other is a former name of team others") as refused:
        rename(shop, "crew", "other")
    assert refused.value.hint == "to free the name: xats team forget other"
    assert names(shop) == ["crew", "others"]


def test_a_team_that_does_not_exist_cannot_be_renamed(shop):
    with pytest.raises(UnknownTeam) as refused:
        rename(shop, "creww", "shop")
    assert refused.value.hint == "did you mean crew?"
    rename(shop)
    with pytest.raises(UnknownTeam, match="Team crew is team shop now"):
        rename(shop, "crew", "store")
    with pytest.raises(Usage):
        rename(shop, "shop", "shop")


def test_an_archived_team_stays_archived(shop):
    change(shop, changes.archive, "crew", nobody, force=False)
    rename(shop)
    assert (names(shop), names(shop, archived=True)) == ([], ["shop"])


def test_a_rename_that_fails_changes_nothing(shop, rows):
    shop.send("alice", "bob")
    before = [rows(f"select * from {table}") for table in (*changes.MARKED, "teams")]

    class Stop(Exception):
        pass

    def work(tx) -> None:
        changes.rename(tx, "carol", "crew", "shop")
        raise Stop

    with pytest.raises(Stop):
        shop.store.write(work)
    assert [rows(f"select * from {table}") for table in (*changes.MARKED, "teams")] == before


# -- archive -----------------------------------------------------------------------------------------------------------


def test_an_archived_team_is_not_listed_and_gets_mail(shop):
    shop.register("dave", team="other")
    assert change(shop, changes.archive, "other", nobody, force=False)
    assert not change(shop, changes.archive, "other", nobody, force=False)
    assert (names(shop), names(shop, archived=True)) == (["crew"], ["crew", "other"])
    assert shop.send("alice", "dave@other").recipients == ("dave@other",)
    assert change(shop, changes.restore, "other")
    assert names(shop) == ["crew", "other"]


def test_a_team_at_work_is_not_archived(shop):
    with pytest.raises(TeamInUse, match="alice, bob are at work in team crew"):
        change(shop, changes.archive, "crew", everybody, force=False)
    assert names(shop) == ["crew"]
    assert change(shop, changes.archive, "crew", everybody, force=True)


def test_an_archived_team_is_listed_again_when_an_agent_registers(shop):
    change(shop, changes.archive, "crew", nobody, force=False)
    shop.add("dave")
    assert names(shop) == ["crew"]


# -- forget ------------------------------------------------------------------------------------------------------------


def forget(team, name="crew", holds=nobody, *, force=False):
    return change(team, changes.forget, name, holds, force=force)


def test_a_team_with_unread_mail_or_open_tasks_or_agents_at_work_is_not_forgotten(shop):
    shop.send("alice", "bob")
    shop.do("alice", planning.add, planning.New("build"))
    with pytest.raises(TeamInUse, match="1 unread letter and 1 open task") as refused:
        forget(shop)
    assert refused.value.hint.endswith("xats team forget crew --force")
    with pytest.raises(TeamInUse, match="at work"):
        forget(shop, holds=everybody)
    assert names(shop) == ["crew"]


def test_a_forgotten_team_frees_its_name_and_keeps_its_history(shop, rows):
    sent = shop.send("alice", "bob", subject="old").message
    bob = shop.agent("bob")
    shop.store.write(lambda tx: inbox.mark_read(tx, bob, [sent.id]))
    done = forget(shop)
    assert (done.kept_as, done.dead, done.dropped, done.cancelled) == ("crew.forgotten", 0, 0, 0)
    assert (names(shop), names(shop, archived=True)) == ([], ["crew.forgotten"])
    shop.add("alice", "bob")  # a new team of that name
    assert mail(shop, "bob") == []
    assert outbox_types(shop, "crew") == ["agent_registered", "agent_registered"]
    assert rows("select name, team from agents where id = 2") == [{"name": "bob", "team": "crew.forgotten"}]
    assert done.kept_as
    assert summary(shop, "crew.forgotten").agents == 0


def outbox_types(team, name) -> list[str]:
    return [one.type for one in team.store.read(lambda tx: outbox.after(tx, outbox.Query(name), 100))[0]]


def test_a_team_can_be_forgotten_twice(shop):
    forget(shop)
    shop.add("alice")
    assert forget(shop).kept_as == "crew.forgotten-2"


def test_a_team_of_which_nothing_is_left_goes_altogether(store, team):
    store.write(lambda tx: tx.run(changes.INSERT, name="empty", at=tx.now))
    store.write(lambda tx: tx.run("insert into projects (host, path, team, created_at) values ('h', '/p', 'empty', 1)"))
    assert forget(team, "empty").kept_as is None
    assert names(team, archived=True) == []


def test_forcing_makes_direct_mail_dead_letters_and_tells_senders_elsewhere(shop, rows):
    shop.register("dave", team="other")
    dave = shop.agent("dave", "other")

    def send(address, **values):
        draft = sending.Draft(address, "please", **values)
        return shop.store.write(lambda tx: sending.send(tx, dave, "pane", draft)).message

    asked = send("bob@crew", subject="question", need_reply=True)
    send("all@crew", subject="to all", need_reply=False)
    shop.do("alice", planning.add, planning.New("build"))
    done = forget(shop, force=True)
    assert (done.dead, done.dropped, done.cancelled) == (1, 3, 1)
    found, _ = shop.store.read(lambda tx: dead.listing(tx, "other", 50))
    assert [(one.message.id, one.agent, one.reason) for one in found] == [(asked.id, "bob@crew.forgotten", "forgotten")]
    assert mail(shop, "dave", "other") == [f"not answered: #{asked.id}"]
    assert rows(
        "select count(*) as n from deliveries d join agents a on a.id = d.agent_id "
        "where d.state = 'unread' and a.team = 'crew.forgotten'"
    ) == [{"n": 0}]
    # The dead letter can still be sent to another agent.
    again = shop.store.write(lambda tx: dead.redirect(tx, dave, found[0], dave))
    assert again > asked.id


def test_what_xats_wrote_keeps_no_team_from_being_forgotten(shop):
    rename(shop)
    assert summary(shop, "shop").unread == 2
    done = forget(shop, "shop")
    assert (done.dead, done.dropped) == (0, 2)


@pytest.mark.parametrize("state", ["shown", "read"])
def test_requests_of_other_teams_that_were_seen_and_not_answered_are_reported(shop, state):
    shop.register("dave", team="other")
    dave, bob = shop.agent("dave", "other"), shop.agent("bob")
    draft = sending.Draft("bob@crew", "please", need_reply=True)
    sent = shop.store.write(lambda tx: sending.send(tx, dave, "pane", draft)).message
    if state == "read":
        shop.store.write(lambda tx: inbox.mark_read(tx, bob, [sent.id]))
    else:
        shop.store.write(lambda tx: inbox.mark_shown(tx, bob, [sent.id], inbox.start_reader(bob)))
    assert forget(shop).dead == (state == "shown")
    assert mail(shop, "dave", "other") == [f"not answered: #{sent.id}"]


def test_forgetting_ends_wakes_sessions_claims_and_pauses(shop, rows):
    task, _ = shop.do("alice", planning.add, planning.New("build", notify="bob"))
    shop.do("bob", claims.claim, task.id)
    shop.do("alice", pauses.pause, "crew", None, None)
    shop.send("alice", "bob")
    forget(shop, force=True)
    assert rows("select 1 from sessions where ended_at is null") == []
    assert rows("select 1 from wakes where closed_at is null") == []
    assert rows("select 1 from pauses") == []
    assert [row["state"] for row in rows("select state from tasks")] == ["cancelled"]


def test_forgetting_a_former_name_frees_it(shop, rows):
    rename(shop)
    assert change(shop, changes.forget_former, "crew") == "shop"
    assert change(shop, changes.forget_former, "shop") is None
    assert summary(shop, "shop").former == ()
    shop.add("alice")
    assert names(shop) == ["crew", "shop"]


# -- adopt -------------------------------------------------------------------------------------------------------------


class Project:
    """A project as core/teams/teams.py asks for it."""

    path, stamp, remote = "/new", "7:8", "git@host:shop"


def test_a_team_adopts_a_project(shop, rows):
    def record(tx) -> None:
        sql = "insert into projects (host, path, team, created_at) values ('h1+a', :path, :team, 1)"
        tx.run(changes.INSERT, name="crew-2", at=1)
        tx.run(sql, path="/old", team="crew")
        tx.run(sql, path="/new", team="crew-2")

    shop.store.write(record)
    change(shop, changes.archive, "crew", nobody, force=False)
    [gone] = summary(shop, "crew").projects
    assert change(shop, changes.adopt, "crew", "h1+a", Project, [gone]) == "crew-2"
    found = {"path": "/new", "team": "crew", "file_id": "7:8", "remote": "git@host:shop"}
    assert rows("select path, team, file_id, remote from projects") == [found]
    assert names(shop) == ["crew", "crew-2"]
    assert change(shop, changes.adopt, "crew", "h1+a", Project, []) == "crew"


# -- what follows the name ---------------------------------------------------------------------------------------------


def test_addresses_with_the_former_name_go_on_working(shop):
    rename(shop)
    alice = shop.agent("alice", "shop")
    for address, whom in (("bob@crew", ["bob@shop"]), ("all@crew", ["bob@shop", "carol@shop"])):
        draft = sending.Draft(address, "text")
        assert [*shop.store.write(lambda tx, to=draft: sending.send(tx, alice, "pane", to)).recipients] == whom
    assert shop.agent("bob", "crew").address == "bob@shop"
    assert shop.store.read(lambda tx: planning.assignee(tx, alice, "bob@crew")).address == "bob@shop"


def test_notices_that_advise_the_change_are_dropped(shop, rows):
    def tell(tx) -> None:
        teams.add_notice(tx, "crew", "this one is team crew; another name: xats team rename crew NAME")
        teams.add_notice(tx, "crew", "agents of this project are still in team fix: xats team merge fix crew")

    shop.store.write(tell)
    rename(shop)
    assert [row["text"].split(":")[0] for row in rows("select text from team_notices")] == [
        "agents of this project are still in team fix"
    ]


@pytest.fixture
def left(shop):
    """What is left of the team `crew`, which was forgotten while bob had unread mail of alice; dave is in `other`."""
    shop.register("dave", team="other")
    shop.send("alice", "bob", "please")
    forget(shop, force=True)
    return shop


def test_mail_of_a_forgotten_team_says_so_and_can_be_sent_to_another_agent(left):
    found, _ = left.store.read(lambda tx: dead.listing(tx, "crew.forgotten", 50))
    assert [(one.agent, one.reason) for one in found] == [("bob@crew.forgotten", "forgotten")]
    dave = left.agent("dave", "other")
    with pytest.raises(Refused, match="not registered any more") as refused:
        left.store.write(lambda tx: dead.retry(tx, dave, found))
    assert refused.value.hint == "xats dead retry 1 --to AGENT"
    left.store.write(lambda tx: dead.redirect(tx, dave, found[0], dave))
    assert mail(left, "dave", "other") == [None]


def test_no_agent_gets_into_what_is_left_of_a_team(left):
    for name in ("bob", "new"):
        with pytest.raises(InvalidName, match="it can have no agents"):
            left.register(name, team="crew.forgotten")
    dave = left.agent("dave", "other")
    for address, hold in (("bob@crew.forgotten", False), ("bob@crew.forgotten", True), ("all@crew.forgotten-2", False)):
        draft = sending.Draft(address, "hi", hold=hold)
        with pytest.raises(UnknownRecipient, match="gets no mail"):
            left.store.write(lambda tx, draft=draft: sending.send(tx, dave, "pane", draft))


def test_nothing_is_merged_or_renamed_into_what_is_left_of_a_team(left):
    for work, old, new in (
        (changes.rename, "other", "x.forgotten"),
        (changes.rename, "other", "x.forgotten-3"),
    ):
        with pytest.raises(InvalidName, match="history of a forgotten team"):
            change(left, work, old, new)
    with pytest.raises(InvalidName, match="history of a forgotten team"):
        left.store.write(lambda tx: merge.merge(tx, "carol", "other", "crew.forgotten", None))


def test_an_answer_to_an_agent_of_a_forgotten_team_is_not_held(shop):
    shop.register("dave", team="other")
    dave = shop.agent("dave", "other")
    sent = shop.send("alice", "dave@other", "question").message
    forget(shop, force=True)
    with pytest.raises(UnknownRecipient, match="was removed"):
        shop.store.write(lambda tx: sending.reply(tx, dave, "pane", sent.id, sending.Draft("", "yes", hold=True)))


def test_a_folder_with_such_a_name_gets_a_team_of_another_name():
    assert slug("api.forgotten") == "api-forgotten"
    assert slug("api.forgotten-2") == "api-forgotten-2"
    assert slug("forgotten") == "forgotten"
