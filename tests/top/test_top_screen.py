"""What the live screen shows and what its keys do, in the real app over a real store."""

import os
import re
import sqlite3
import time
from contextlib import closing

import pytest
from rich.cells import cell_len as cells

from xats.cli.top.screen import Top
from xats.core.agents import agents, doing, registration
from xats.core.mail import dead, inbox, sending
from xats.core.mail.sending import Draft
from xats.core.tasks import claims, planning
from xats.core.turns import holding, membership, turns, waits
from xats.core.waking import pauses, wakes
from xats.daemon import lock
from xats.store.open import open_store

SIZES = [(80, 24), (200, 50), (100, 30), (60, 17), (40, 10), (30, 14), (20, 5), (7, 3), (3, 2), (1, 1)]


def states(live, message_id=1):
    return live.team.rows("select state from deliveries where message_id = :id", id=message_id)


# -- what it shows -----------------------------------------------------------------------------------------------------


def test_a_lock_that_cannot_be_opened_hides_only_the_daemon(live):
    """Such as another user's, who has started a daemon here once."""
    os.symlink(lock.path_for(live.path), lock.path_for(live.path))
    assert live.watch().look().daemon_since is None


def test_everything_that_counts_is_on_a_small_terminal(live, drive):
    live.team.send("alice", "bob", subject="Parser")
    live.refuse("bob", "busy", 45_000)
    live.team.do("carol", pauses.pause, "crew", live.team.agent("alice"), "in a release")

    async def scenario(shown):
        assert re.search(r"AGENT +ROLE +CLIENT +STATE +UNREAD +OLDEST +WAKE", shown.text)
        assert re.search(
            r"bob +reviewer +codex +unknown( \d+ s)? +1 +\d+ s +retrying: busy, in \d\d s\s*$", shown.line("bob")
        )
        assert re.search(r"alice +backend +claude-code +paused +0 ", shown.line("alice"))
        assert "team crew" in shown.lines[0]
        assert "no daemon runs" in shown.lines[0]
        assert "0 wakes due · 0 dead letters · 1 agent paused" in shown.lines[1]
        assert live.path.rpartition("/")[2] in shown.lines[1]
        assert re.search(r"\d\d:\d\d:\d\d  alice  sent #1 to bob: Parser", shown.text)
        assert re.search(r"bob +is not woken yet: the agent is busy", shown.text)
        assert "q quit" in shown.lines[-1]
        assert "Enter mail" in shown.lines[-1]
        assert "paused by carol just now: in a release" in shown.text

    drive(live.top(), scenario)


@pytest.mark.parametrize("size", [(80, 24), (120, 30), (200, 50), (40, 20)])
def test_it_shows_what_the_agents_work_on(live, drive, size):
    live.team.do("alice", doing.put, "fixing the parser \U0001f527")
    live.team.do("bob", doing.put, "x" * 200)

    async def scenario(shown):
        assert "doing: fixing the parser" in shown.text
        assert ("DOING" in shown.lines[2]) == (size[0] >= 120)
        assert max(map(cells, shown.lines)) <= size[0]
        assert "alice  is doing: fixing" in shown.text

    drive(live.top(), scenario, size=size)


def test_tasks_whose_owner_is_gone_are_counted(live, drive):
    seat = agents.Seat("here", 4711, 1)
    live.team.register("bob", client="codex", seat=seat)
    live.team.do("alice", planning.add, planning.New("t"))
    live.team.do("bob", claims.claim, 1)
    assert live.watch().look().gone == 0
    live.team.store.write(lambda tx: claims.settle(tx, lambda _: True))

    async def scenario(shown):
        assert "1 task of gone agents" in shown.lines[1]
        assert re.search(r"bob +is gone, and has claimed task #1", shown.text)

    drive(live.top(), scenario)


def take_turn(live):
    def work(tx, me):
        turn = turns.create(tx, me.team, "main")
        membership.join(tx, me, turn)
        if turn.holder_id is None:
            holding.take(tx, me, turn, turns.BLIND)
        else:
            waits.begin(tx, me, turn, "h:1:1")

    live.team.do("alice", work)
    live.team.do("bob", work)


@pytest.mark.parametrize("size", SIZES)
def test_it_shows_who_has_the_turn_and_who_waits(live, drive, size):
    take_turn(live)

    async def scenario(shown):
        if size[1] >= 18:
            assert re.search(r"turn main: alice has it since 0 s \(number 1\); waiti", shown.lines[2])
        lines = shown.top.draw(*size)
        assert len(lines) == size[1]
        assert {sum(cells(text) for text, _ in line) for line in lines} == {size[0]}
        assert size[1] < 24 or re.search(r"alice +took the turn", shown.text)

    drive(live.top(), scenario, size)


def test_a_roomy_terminal_tells_reasons_in_full(live, drive):
    live.team.send("alice", "bob")
    live.refuse("bob", "draft_present", 45_000)

    async def scenario(shown):
        line = shown.line("bob")
        assert re.search(r"retrying: there is a half-written line in its composer; 1 attempt, in \d\d s", line)
        assert "unknown, seen" in line

    drive(live.top(), scenario, (200, 50))


@pytest.mark.parametrize("reason", ["busy", "dialog_open", "tmux_unavailable", "human_active", "shell_foreground"])
def test_no_wake_is_cut_on_a_small_terminal(live, drive, reason):
    live.team.send("alice", "bob")
    live.refuse("bob", reason, 600_000)

    async def scenario(shown):
        assert "…" not in shown.line("bob")
        assert shown.line("bob").rstrip().endswith("in 10 min")

    drive(live.top(), scenario)


def test_a_wake_goes_through_its_states_in_words(live, drive):
    live.team.send("alice", "bob")

    async def scenario(shown):
        await shown.until(r"bob .* queued, due now")
        live.refuse("bob", "pane_dead")
        await shown.until(r"bob .* suspended: ended")
        agent = live.team.agent("bob")
        live.team.store.write(lambda tx: wakes.retry_now(tx, agent.id, "new_session"))
        live.refuse("bob", "dialog_open", None)
        await shown.until(r"bob .* given up: dialog open")
        assert "1 dead letter" in shown.lines[1]
        live.team.do("bob", inbox.mark_read, [1])
        await shown.until(r"bob +reviewer +codex +unknown( \d+ s)? +0 *\n")
        live.team.send("alice", "carol", subject="for a person")
        await shown.until(r"carol .* not woken: a person")

    drive(live.top(), scenario)


def test_the_daemon_is_seen(live, drive):
    from xats.daemon import lock

    file = lock.take(live.path)
    lock.sign(file)

    async def scenario(shown):
        assert re.search(r"daemon runs since \d+ (s|min|h)", shown.lines[0])

    try:
        drive(live.top(), scenario)
    finally:
        os.close(file)


@pytest.mark.parametrize("size", SIZES)
def test_every_size_is_filled_exactly(live, drive, size):
    live.team.send("alice", "all", subject="wide 你好 " * 12)
    live.refuse("bob", "unconfirmed")

    async def scenario(shown):
        for keys in ([], ["enter"], ["enter"], ["q", "q", "d"], ["q", "question_mark"], ["q", "P"], ["n", "slash"]):
            await shown.press(*keys)
            lines = shown.top.draw(*size)
            assert len(lines) == size[1]
            for line in lines:
                assert sum(cells(text) for text, _ in line) == size[0], (keys, line)
            assert len(shown.lines) == size[1]

    drive(live.top(), scenario, size)


def test_a_resize_draws_it_as_if_it_had_begun_so(live, drive):
    live.team.add(*[f"agent{n}" for n in range(40)])
    live.team.send("alice", "all", subject="hello")

    async def scenario(shown):
        await shown.press("end", "up")
        for size in [(200, 50), (40, 10), (80, 24), (20, 5), (120, 35), (80, 24)]:
            await shown.resize(*size)
            assert len(shown.lines) == size[1]
            assert {cells(line) for line in shown.lines} == {size[0]}
            if size[0] >= 40:
                assert shown.selected == "bob"
        fresh = live.top()
        fresh.draw(80, 24)
        fresh.key("end")
        fresh.key("up")
        expected = ["".join(text for text, _ in line).rstrip() for line in fresh.draw(80, 24)]
        assert without_times(shown.text.split("\n")) == without_times(expected)

    drive(live.top(), scenario)


def without_times(lines):
    return [re.sub(r"\d+ (s|min)|just now", "T", line) for line in lines if "seen" not in line]


def test_a_big_team_is_scrolled_and_counted(live, drive):
    live.team.add(*[f"agent{n:03}" for n in range(200)])

    async def scenario(shown):
        assert "203 agents" in shown.text
        assert shown.selected == "agent000"
        await shown.press("G")
        assert shown.selected == "carol"
        await shown.press("g", "pagedown")
        assert re.fullmatch(r"agent0\d\d", shown.selected) and shown.selected != "agent000"
        await shown.press("home")
        assert shown.selected == "agent000"

    drive(live.top(), scenario)


# -- what is not there -------------------------------------------------------------------------------------------------


def test_without_a_store_it_says_so_makes_none_and_waits_for_it(tmp_path, drive, live):
    path = str(tmp_path / "later" / "xats.db")
    live.path = path
    top = live.top()

    async def scenario(shown):
        assert "No store yet" in shown.text
        assert "xats register NAME" in shown.text
        await shown.press("j", "enter", "r", "d")
        assert not os.path.exists(path)
        os.makedirs(os.path.dirname(path))
        made = open_store(path)
        try:
            await shown.until("Team crew has no agents yet")
        finally:
            made.close()

    drive(top, scenario)


def test_a_team_without_agents_says_how_to_begin(tmp_path, drive, live):
    watch = live.watch()
    watch.team = "empty"

    async def scenario(shown):
        assert "Team empty has no agents yet" in shown.text
        assert "xats register NAME" in shown.text
        assert "Nothing yet." in shown.text
        await shown.press("j", "enter", "r", "p", "x")
        await shown.press("d")
        assert "No dead letters: every message was read, or its wake is still tried." in shown.text

    drive(Top(watch), scenario)


def test_a_store_that_goes_is_told_and_is_no_crash(live, drive):
    async def scenario(shown):
        os.rename(live.path, f"{live.path}.old")
        await shown.until("was removed or replaced")
        assert "bob" in shown.text
        os.rename(f"{live.path}.old", live.path)
        await shown.until(r"bob(?s:.)*\n\n P pause")

    drive(live.top(), scenario)


@pytest.mark.usefixtures("rollback")  # a write-ahead log lets others read
def test_a_busy_store_is_told_and_what_was_seen_stays(live, drive):
    async def scenario(shown):
        other = sqlite3.connect(live.path, isolation_level=None)
        other.execute("begin exclusive")
        other.execute("update agents set role = 'x'")
        try:
            await shown.until("this page may be out of date: The store is busy")
            assert "bob" in shown.text
            await shown.press("p", "y")
            assert re.search(r"The store is busy(?s:.)*Nothing was\s+written", shown.text)
        finally:
            other.execute("rollback")
            other.close()
        live.team.send("alice", "bob", subject="afterwards")
        await shown.press("j")
        await shown.until("afterwards")
        assert "may be out of date" not in shown.text

    drive(live.top(), scenario)


# -- keys --------------------------------------------------------------------------------------------------------------


def test_the_selected_agent_stays_selected(live, drive):
    async def scenario(shown):
        assert shown.selected == "alice"
        await shown.press("j")
        assert shown.selected == "bob"
        await shown.press("down", "down", "k")
        assert shown.selected == "bob"
        live.team.add("aaron")
        await shown.until("aaron")
        assert shown.selected == "bob"
        agent = live.team.agent("bob")
        live.team.store.write(lambda tx: registration.unregister(tx, agent))
        await shown.until("bob +left the team")
        assert shown.selected == "carol"
        await shown.press("up", "up", "up", "up")
        assert shown.selected == "aaron"

    drive(live.top(), scenario)


def test_the_selected_row_is_not_told_by_colour_alone(live, drive):
    async def scenario(shown):
        (strip,) = [strip for strip in shown.app.screen._compositor.render_strips() if strip.text.startswith("> alice")]
        assert all(segment.style.reverse for segment in strip)

    drive(live.top(), scenario)


def test_mail_is_read_and_nothing_is_marked_read(live, drive):
    live.team.send("alice", "bob", "first line\nsecond line", subject="Parser")
    live.team.do("bob", sending.reply, "pane", 1, Draft("", "an answer"))
    live.team.send("bob", "alice", "x", subject="Other")
    events = live.team.rows("select count(*) as n from events")
    before = live.team.rows("select * from deliveries order by message_id, agent_id")

    async def scenario(shown):
        await shown.press("enter")
        assert "mail of alice" in shown.lines[0]
        assert re.search(r"> 3 +bob +alice +.* unread +Other", shown.text)
        assert re.search(r"2 +bob +alice +.* unread +Re: Parser \(2\)", shown.text)
        await shown.press("j", "enter")
        assert "thread #1, 2 messages" in shown.lines[0]
        assert "#1 alice to bob" in shown.text
        assert "  | first line\n  | second line" in shown.text
        assert "#2 bob to " in shown.text
        assert "bob replied just now" in shown.text
        assert "  | an answer" in shown.text
        await shown.press("q")
        assert "mail of alice" in shown.lines[0]
        await shown.press("escape")
        assert shown.selected == "alice"

    drive(live.top(), scenario)
    assert live.team.rows("select * from deliveries order by message_id, agent_id") == before
    assert live.team.rows("select count(*) as n from events") == events


def test_a_message_to_many_names_who_has_not_read_it_and_counts_the_others(live, drive):
    names = [f"agent{n:02}" for n in range(20)]
    live.team.add(*names)
    live.team.send(
        "alice", "all", "hello", subject="A subject that is long enough to need a second line on this screen"
    )
    for name in ("bob", "carol", *names[:9]):
        live.team.do(name, inbox.mark_read, [1])
    live.refuse(names[19], "gave_up", None)

    async def scenario(shown):
        await shown.press("enter", "enter")
        assert "  read by 11 of 22: agent19 given up, agent09 unread" in shown.text
        assert " and 3 more" in " ".join(shown.text.split())
        assert "agent00" not in shown.text
        lines = shown.lines
        (first,) = [number for number, line in enumerate(lines) if line.startswith("  read by")]
        assert lines[first + 1].startswith("  agent")  # a second line keeps the indent
        assert lines[first - 1].startswith("  ")

    drive(live.top(), scenario, size=(60, 24))


def test_a_thread_follows_what_comes_and_scrolls(live, drive):
    live.team.send("alice", "bob", "\n".join(f"line {n}" for n in range(100)), subject="Long")

    async def scenario(shown):
        await shown.press("j", "enter", "enter")
        assert "line 99" in shown.text
        await shown.press("g")
        assert "#1 alice to bob" in shown.text
        assert "  | line 0\n" in shown.text
        await shown.press("j")
        assert "#1 alice to bob" not in shown.text
        await shown.press("pagedown")
        assert "line 0\n" not in shown.text
        live.team.send("bob", "alice", "an answer", reply_to=1)
        await shown.until("2 messages")
        await shown.press("G")
        assert "an answer" in shown.text

    drive(live.top(), scenario)


def test_a_long_body_is_cut_and_says_where_the_rest_is(live, drive):
    live.team.send("alice", "bob", "x" * 50_000)

    async def scenario(shown):
        await shown.press("enter", "enter", "G")
        assert "30,000 characters more: xats show 1" in shown.text

    drive(live.top(), scenario)


def test_retry_has_a_refused_wake_fall_due(live, drive):
    live.team.send("alice", "bob")
    live.refuse("bob", "busy")
    assert live.wake("bob").next_attempt_at > live.team.store.clock()

    async def scenario(shown):
        await shown.press("j", "r")
        assert shown.status == "the wake of bob is due now"
        assert "due now" in shown.line("bob")
        assert "1 wake due" in shown.lines[1]

    drive(live.top(), scenario)
    wake = live.wake("bob")
    assert wake.next_attempt_at <= live.team.store.clock()
    assert wake.attempts == 1


def test_retry_wakes_once_more_who_was_given_up(live, drive):
    live.team.send("alice", "bob")
    live.refuse("bob", "dialog_open", None)

    async def scenario(shown):
        await shown.press("j", "r")
        assert shown.status == "retrying 1 dead letter of bob"
        assert "queued, due now" in shown.line("bob")

    drive(live.top(), scenario)
    assert [one["actor"] for one in live.team.rows("select actor from events where type = 'dead_retried'")] == ["carol"]


def test_retry_leaves_expired_mail_alone(live, drive):
    live.team.send("alice", "bob", ttl=1)
    time.sleep(0.01)  # its time is over then
    live.team.store.write(inbox.sweep)

    async def scenario(shown):
        await shown.press("j", "r")
        said = " ".join(shown.text.split())
        assert "nothing to retry: bob has no open or failed wake; it has 1 dead letter, expired: press d" in said

    drive(live.top(), scenario)
    assert live.team.rows("select * from events where type = 'dead_retried'") == []


def test_retry_of_nothing_and_of_the_paused_says_so(live, drive):
    async def scenario(shown):
        await shown.press("j", "r")
        assert shown.status == "nothing to retry: bob has no open or failed wake"
        live.team.send("alice", "bob")
        await shown.press("p", "y", "r")
        assert shown.status == "xats does not wake bob while it is paused.  p ends the pause"
        await shown.press("p", "y", "P", "y", "r")
        assert shown.status == "xats does not wake bob while the team is paused.  P ends the pause"

    drive(live.top(), scenario)
    assert live.wake("bob").state == "held"


def test_an_agent_is_paused_only_when_that_is_confirmed(live, drive):
    async def scenario(shown):
        await shown.press("j", "p")
        assert shown.status.startswith("Pause bob? Mail is stored, and nobody is woken for it.  y / n")
        await shown.press("n")
        assert shown.status == "nothing was done"
        assert live.team.rows("select * from pauses") == []
        await shown.press("p", "y")
        assert shown.status == "bob is paused: mail is stored, and nobody is woken for it"
        assert "paused" in shown.line("bob")
        await shown.press("p")
        assert shown.status.startswith("Resume bob?")
        await shown.press("y")
        assert shown.status == "the pause of bob is over; 0 wakes due"
        assert "paused" not in shown.line("bob")

    drive(live.top(), scenario)
    told = live.team.rows("select type, actor, subject from events where type in ('paused', 'resumed')")
    assert [tuple(one.values()) for one in told] == [
        ("paused", "carol", "agent:bob"),
        ("resumed", "carol", "agent:bob"),
    ]


def test_the_whole_team_is_paused_and_resumed(live, drive):
    live.team.send("alice", "bob")

    async def scenario(shown):
        await shown.press("P", "y")
        assert "the whole team is paused by carol" in shown.lines[1]
        assert "held: wakes are paused" in shown.line("bob")
        await shown.press("P", "y")
        assert shown.status == "the pause of team crew is over; 1 wake due"
        assert "queued, due now" in shown.line("bob")

    drive(live.top(), scenario)


def test_dead_letters_are_listed_retried_and_dropped(live, drive):
    for subject in ("First", "Second"):
        live.team.send("alice", "bob", subject=subject)
    live.refuse("bob", "dialog_open", None)
    live.team.send("alice", "carol", subject="Short life", ttl=1)
    time.sleep(0.01)  # its time is over then
    live.team.store.write(inbox.sweep)

    async def scenario(shown):
        await shown.until("3 dead letters")
        await shown.press("d")
        assert "3 dead letters" in shown.lines[0]
        assert re.search(r"> 1 +bob +alice .*First .* dialog", shown.text)
        await shown.press("j", "x")
        assert shown.status == "Drop #2 to bob from this list?  y / n"
        await shown.press("q")
        assert shown.status == "nothing was done"
        await shown.press("x", "y")
        assert "dropped; unread mail stays in its inbox" in shown.status
        assert "Second" not in shown.text
        assert shown.selected == "3"
        await shown.press("enter")
        assert "thread #3" in shown.lines[0]
        await shown.press("q", "r")
        assert shown.status == "retrying #4"
        assert "1 dead letter " in shown.lines[0]
        await shown.press("r")
        assert "No dead letters: every message was read, or its wake is still tried." in shown.text
        assert shown.status == "retrying #1"

    drive(live.top(), scenario)
    assert live.team.store.read(lambda tx: dead.listing(tx, "crew", 10)) == ([], False)
    assert {one["actor"] for one in live.team.rows("select actor from events where type like 'dead_%'")} == {"carol"}


def test_a_dead_letter_that_somebody_else_dealt_with_is_an_error_and_no_crash(live, drive):
    live.team.send("alice", "bob")
    live.refuse("bob", "dialog_open", None)

    async def scenario(shown):
        await shown.press("d", "x")
        live.team.do("bob", inbox.mark_read, [1])
        await shown.press("y")
        assert shown.status.startswith("Message 1 to bob is not a dead letter of team crew.  try: xats dead list")

    drive(live.top(), scenario)


def test_the_filter_narrows_agents_and_events(live, drive):
    live.team.send("alice", "bob", subject="Parser")

    async def scenario(shown):
        await shown.press("slash", "r", "e", "v", "q")
        assert "filter: revq_" in shown.status
        assert "no agent matches" in shown.text
        await shown.press("backspace")
        assert shown.selected == "bob"
        await shown.press("enter")
        assert "1 of 3 agents" in shown.text
        assert "alice" not in shown.text.partition("what happened")[0]
        await shown.press("r")
        assert shown.status == "the wake of bob is due now"
        await shown.press("escape")
        assert "3 agents" in shown.text
        await shown.press("slash", "a", "escape")
        assert "3 agents" in shown.text

    drive(live.top(), scenario)


def test_the_help_tells_of_every_key(live, drive):
    async def scenario(shown):
        await shown.press("question_mark")
        for word in ("Enter", "wake it now", "p, P", "dead letters", "filter", "q, Esc", "retrying", "held"):
            assert word in shown.text
        await shown.press("question_mark", "escape")
        assert shown.selected == "alice"

    drive(live.top(), scenario)


@pytest.mark.parametrize("keys", [["q"], ["ctrl+c"], ["enter", "ctrl+c"], ["enter", "q", "q"], ["slash", "ctrl+c"]])
def test_it_is_left(live, drive, keys):
    async def scenario(shown):
        await shown.press(*keys)
        assert shown.app._exit

    drive(live.top(), scenario)


# -- text of others ----------------------------------------------------------------------------------------------------

HOSTILE = "[bold red]x[/] \x1b]0;pwned\x07 \x1b[31m \x9b31m \u202egnp\u2066 \x01\r\x7f {markup} [link=http://x]"


def test_text_of_others_is_text(live, drive):
    live.team.register("mallory", model="[reverse]m\x1b[2J")
    live.team.send("mallory", "bob", f"{HOSTILE}\n\ttab\nnext", subject=HOSTILE)
    live.team.do("carol", pauses.pause, "crew", live.team.agent("bob"), f"because {HOSTILE}")

    async def scenario(shown):
        assert "[bold red]x[/] ^[]0;pwned^G ^[[31m" in shown.text
        await shown.press("j", "j", "j")
        assert "[reverse]m^[[2J" in shown.text
        await shown.press("k", "k")
        assert "paused by carol just now: because [bold red]x[/] ^[]0;pwned^G" in shown.text
        await shown.press("enter")
        assert r"[bold red]x[/] ^[]0;pwned^G ^[[31m \x9b31m" in shown.text
        await shown.press("enter")
        assert r"  | [bold red]x[/] ^[]0;pwned^G ^[[31m \x9b31m \u202egnp\u2066 ^A^M^?" in shown.text
        assert "  |     tab\n  | next" in shown.text
        assert r"{markup} [link=http://x]" in shown.text
        await shown.press("q", "q", "d")
        assert all(character.isprintable() for line in shown.lines for character in line)

    drive(live.top(), scenario, (160, 40))


def test_what_is_typed_as_a_filter_is_text_too(live, drive):
    async def scenario(shown):
        await shown.press("slash")
        for character in "[bold]\u202e\x1b":
            shown.top.key(character)
        shown.app.canvas.draw()
        await shown.pilot.pause()
        assert r"filter: [bold]\u202e" in shown.status

    drive(live.top(), scenario)


# -- who may see what --------------------------------------------------------------------------------------------------


def test_an_agent_sees_of_others_mail_only_what_it_is_in(live, drive):
    live.team.add("dave")
    live.team.send("bob", "dave", "between them", subject="Secret")
    live.team.send("bob", "alice", "for alice", subject="Yours")
    live.team.send("bob", "all", "for all", subject="Everybody")

    async def scenario(shown):
        assert "Secret" not in shown.text
        assert "sent #1 to dave" in shown.text
        await shown.press("j", "enter")
        assert "Yours" in shown.text
        assert "Everybody" in shown.text
        assert "Secret" not in shown.text
        await shown.press("G", "enter")
        assert "for alice" in shown.text
        assert "unread" not in shown.text

    drive(live.top("alice", person=False), scenario)


def test_a_person_sees_everything_and_an_agent_that_calls_itself_one_does_not(live, drive):
    live.team.send("alice", "bob", "between them", subject="Secret")

    async def sees(shown):
        assert "Secret" in shown.text
        await shown.press("enter", "enter")
        assert "between them" in shown.text

    async def sees_not(shown):
        assert "Secret" not in shown.text
        await shown.press("enter")
        assert "No mail that you may see." in shown.text

    drive(live.top("carol"), sees)
    drive(live.top("carol", person=False), sees_not)


def test_nobody_in_particular_looks_and_changes_nothing(live, drive):
    live.team.send("alice", "bob", subject="Secret")
    before = live.team.rows("select * from agents")

    async def scenario(shown):
        assert "Secret" not in shown.text
        await shown.press("j", "enter")
        assert shown.status == "Nothing here shows which agent you are.  try: xats register NAME"
        await shown.press("p", "y")
        assert shown.status == "Nothing here shows which agent you are.  try: xats register NAME"
        await shown.press("r")
        assert shown.status.startswith("Nothing here shows")

    drive(live.top(None, person=False), scenario)
    assert live.team.rows("select * from agents") == before
    assert live.team.rows("select * from pauses") == []


# -- drawing only what changed -----------------------------------------------------------------------------------------


def test_a_countdown_draws_its_own_cells_only(live, drive):
    live.team.send("alice", "bob")
    live.refuse("bob", "busy", 90_000)

    async def scenario(shown):
        drawn = []
        canvas = shown.app.canvas
        real = canvas.refresh
        canvas.refresh = lambda *regions, **more: (drawn.extend(regions), real(*regions, **more))[1]
        first = re.search(r"in (\d+) s", shown.line("bob"))[1]
        await shown.until(rf"busy, in (?!{first} )\d+ s")
        row = next(y for y, line in enumerate(shown.lines) if line[2:].startswith("bob"))
        assert {region.y for region in drawn} <= {row, *range(12)}
        assert [region for region in drawn if region.y == row]
        assert all(region.x > 30 for region in drawn if region.y == row)
        assert all(region.height == 1 for region in drawn)

    drive(live.top(), scenario)


def test_nothing_is_drawn_while_nothing_changes(live, drive):
    from xats.cli.top import screen

    old = live.team.store.clock() - 3 * 3_600_000
    with closing(sqlite3.connect(live.path)) as other, other:
        other.execute("update agents set seen_at = ?", (old,))

    async def scenario(shown):
        await shown.pilot.pause(0.5)
        drawn = []
        shown.top.draw = lambda *size: drawn.append(size)
        await shown.pilot.pause(2 * screen.OFTEN + 0.5)
        assert drawn == []
        del shown.top.draw

    drive(live.top(), scenario)
