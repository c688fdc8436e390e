"""The verbs that look back: log, search, and status --attempts; for people on a terminal, for agents, for scripts."""

import json
import re

import pytest

from xats.core.mail.sending import Draft, send
from xats.core.tasks import planning
from xats.core.tasks.planning import New
from xats.core.waking import attempts


@pytest.fixture
def crew(crew):
    """Add dan, and mail between all of them."""
    crew.add("dan")
    crew.send("alice", "bob", "The parser\nis ready", subject="Parser")  # 1
    crew.send("bob", "all", "freeze \x1b[31mnow", kind="announcement")  # 2
    crew.send("alice", "dan", "a question", need_reply=True)  # 3
    return crew


def ids(ran) -> list[int]:
    return [one["id"] for one in ran.json()["messages"]]


def unread(crew) -> list[dict]:
    return crew.rows("select agent_id, message_id from deliveries where state <> 'unread' or claim is not null")


# -- log ---------------------------------------------------------------------------------------------------------------


def test_a_person_at_a_terminal_sees_all_mail_and_an_agent_its_own(xats, crew):
    shown = xats.on_terminal("log", env={"NO_COLOR": "1"})
    lines = [re.sub(r"^\d\d-\d\d \d\d:\d\d ", "", line) for line in shown.splitlines()]
    assert lines == [
        "#1 alice to bob (unread, needs a reply): Parser - The parser",
        "#2 bob to all (announcement, read by 0 of 2): freeze ^[[31mnow",
        "#3 alice to dan (unread, needs a reply): a question",
    ]
    assert ids(xats("log", "--as", "bob", "--json")) == [1, 2]
    assert ids(xats("log", "--as", "dan", "--json")) == [2, 3]


def test_looking_changes_no_mail_and_registers_nobody(xats, crew):
    xats.on_terminal("log", "--full")
    xats.on_terminal("search", "parser")
    xats("log", "--as", "bob")
    assert unread(crew) == []
    assert crew.rows("select name from agents where client = 'human'") == []


def test_a_script_reads_lines_with_tabs(xats, crew):
    lines = [line.split("\t") for line in xats("log", "--as", "alice").stdout.splitlines()]
    assert [[line[0], *line[2:]] for line in lines] == [
        ["1", "alice", "bob", "mail", "unread", "Parser - The parser"],
        ["2", "bob", "all", "announcement", "unread", "freeze ^[[31mnow"],
        ["3", "alice", "dan", "mail", "unread", "a question"],
    ]


def test_a_whole_text_is_folded_between_words_on_a_terminal(xats, crew):
    crew.send("alice", "bob", "please look at the parser before the build of tonight", subject="a word " * 8)
    shown = xats.on_terminal("log", "--full", "-n", "1", env={"COLUMNS": "40", "NO_COLOR": "1"})
    assert shown.endswith("\n  | please look at the parser before the\n  | build of tonight\n")
    assert all(len(row) <= 40 for row in shown.splitlines())


def test_the_whole_text_is_printed_with_full(xats, crew):
    shown = xats("log", "--as", "alice", "--full", "-n", "3").stdout
    assert "  Subject: Parser\n  | The parser\n  | is ready\n" in shown
    assert "\x1b" not in shown


def test_mail_is_chosen_by_sender_recipient_kind_and_age(xats, crew):
    assert ids(xats("log", "--as", "alice", "--json", "--from", "alice")) == [1, 3]
    assert ids(xats("log", "--as", "alice", "--json", "--from", "me", "--to", "Bob@crew")) == [1]
    assert ids(xats("log", "--as", "alice", "--json", "--kind", "announcement")) == [2]
    assert ids(xats("log", "--as", "alice", "--json", "--since", "1")) == [2, 3]
    assert ids(xats("log", "--as", "alice", "--json", "--since", "#2")) == [3]
    assert ids(xats("log", "--as", "alice", "--json", "--since", "1h")) == [1, 2, 3]
    crew.store.write(lambda tx: tx.run("update messages set sent_at = sent_at - 7200000 where id = 1"))
    assert ids(xats("log", "--as", "alice", "--json", "--since", "1h")) == [2, 3]


def test_the_newest_mail_is_kept_and_the_command_for_earlier_mail_is_named(xats, crew):
    ran = xats("log", "--as", "alice", "-n", "2", "--from", "alice", "--json").json()
    assert ([one["id"] for one in ran["messages"]], ran["has_more"]) == ([1, 3], False)
    ran = xats("log", "--as", "alice", "-n", "2")
    assert [line.split("\t")[0] for line in ran.stdout.splitlines()] == ["2", "3"]
    assert re.search(r"earlier mail: .*xats log -n 4 --as alice", ran.stderr)
    ran = xats("log", "--as", "alice", "-n", "1", "--from", "alice", "--full", "--all-teams")
    assert re.search(r"earlier mail: .*xats log --from alice --full --all-teams -n 2 --as alice", ran.stderr)


def test_an_empty_log_says_so(xats, crew):
    crew.add("erin")
    assert xats("log", "--as", "erin").stderr == "no mail to or from erin yet\n"
    assert xats("log", "--as", "bob", "--kind", "x").stderr == "no mail matches\n"


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("--since", "yesterday"), 2, "--since must be the id of a message or a duration, not 'yesterday'."),
        (("-n", "0"), 2, "--limit must be at least 1."),
        (("--from", "nobody"), 3, "There is no agent nobody in team crew."),
        (("--to", "bob@nowhere"), 3, "No team is called nowhere."),
    ],
)
def test_wrong_options_are_refused(xats, crew, words, code, said):
    ran = xats("log", "--as", "alice", *words, "--json", code=code)
    assert ran.error()["message"].startswith(said)


def test_somebody_unknown_without_a_terminal_sees_nothing(xats, crew):
    assert xats("log", "--json", code=3).error()["code"] == "unknown_agent"
    assert xats("search", "parser", "--json", code=3).error()["code"] == "unknown_agent"


def test_new_mail_is_followed(xats, crew):
    follower = xats.start("log", "--follow", "--jsonl", "--as", "bob", "-n", "1")
    first = json.loads(follower.stdout.readline())
    crew.send("alice", "dan", "not for bob")
    crew.send("alice", "bob", "second")
    second = json.loads(follower.stdout.readline())
    assert [(one["id"], one["body"]) for one in (first, second)] == [(2, "freeze \x1b[31mnow"), (5, "second")]
    follower.terminate()
    follower.wait()


def test_all_teams_are_named(xats, crew):
    crew.register("erin", "other", client="generic")
    crew.register("fred", "other", client="generic")
    me = crew.agent("erin", "other")
    crew.store.write(lambda tx: send(tx, me, "pane", Draft("fred", "elsewhere")))
    assert "erin" not in xats.on_terminal("log")
    assert "erin@other to fred@other" in xats.on_terminal("log", "--all-teams")


def test_a_narrow_terminal_breaks_no_word(xats, crew):
    shown = xats.on_terminal(
        command=["sh", "-c", 'stty cols 30; exec "$@"', "sh", *xats.words, "log"], env={"COLUMNS": None}
    )
    lines = re.sub(r"\x1b\[\d*m", "", shown).splitlines()
    assert [line for line in lines if len(line) > 30] == []
    assert "read by" in shown


# -- search ------------------------------------------------------------------------------------------------------------


def test_words_are_searched_in_mail_tasks_and_contracts(xats, crew):
    crew.do("alice", planning.add, New("Rewrite the parser"))
    crew.store.write(lambda tx: tx.run("update tasks set updated_at = updated_at + 1000"))
    found = xats("search", "PARSER", "--as", "bob", "--json").json()
    assert [(one["kind"], one["id"], one["title"]) for one in found["results"]] == [
        ("task", 1, "Rewrite the parser"),
        ("mail", 1, "Parser"),
    ]
    lines = [line.split("\t") for line in xats("search", "parser", "--as", "bob").stdout.splitlines()]
    assert [(line[0], line[1], len(line)) for line in lines] == [("task", "1", 8), ("mail", "1", 8)]
    assert len(xats("search", "parser", "ready", "--as", "bob").stdout.splitlines()) == 1
    assert len(xats("search", "parser  ready", "--as", "bob").stdout.splitlines()) == 1


def test_a_person_sees_the_words_in_bold_and_the_text_below_the_subject(xats, crew):
    crew.send("alice", "bob", "word " * 30 + "needle", subject="Haystack")
    shown = xats.on_terminal("search", "needle", "HAY", env={"COLUMNS": "60"})
    first, second = shown.splitlines()
    assert first.endswith("\x1b[1m#4\x1b[0m alice to bob: \x1b[1mHay\x1b[0mstack")
    assert second == "  …word word word \x1b[1mneedle\x1b[0m"


def test_control_characters_are_shown(xats, crew):
    shown = xats.on_terminal("search", "freeze", env={"NO_COLOR": "1"})
    assert "#2 bob to all: freeze ^[[31mnow" in shown


def test_a_search_that_finds_nothing_or_too_much_says_so(xats, crew):
    ran = xats("search", "lexer", "x", "--as", "bob")
    assert (ran.stdout, ran.stderr) == ("", "nothing contains lexer and x\n")
    ran = xats("search", "r", "--as", "alice", "-n", "1", "--since", "1d")
    assert re.search(r"more: .*xats search r --since 1d -n 2 --as alice", ran.stderr)
    assert xats("search", " ", "--as", "bob", "--json", code=2).error()["message"].endswith("at least one word.")
    assert xats("search", "--as", "bob", code=2).stderr


def test_an_excerpt_shows_the_word(xats, crew):
    crew.send("alice", "bob", "word " * 200 + "needle " + "word " * 200)
    (found,) = xats("search", "needle", "--as", "bob", "--json").json()["results"]
    assert "needle" in found["excerpt"]
    assert len(found["excerpt"]) < 170


# -- status --attempts -------------------------------------------------------------------------------------------------


def refuse(crew, reason):
    def work(tx):
        (wake, *_) = [one for one in attempts.due(tx) if one.agent_id == 2]
        (leased,) = attempts.lease(tx, [wake], "d")
        return attempts.refused(tx, leased, "d", reason, "tmux", lambda *_: tx.now + 30_000, code=None)

    assert crew.store.write(work)


def test_every_attempt_is_listed_with_its_reason(xats, crew):
    refuse(crew, "draft_present")
    ran = xats("status", "1", "--attempts", "--as", "alice")
    first, now = [line.split("\t") for line in ran.stdout.splitlines()]
    assert first[1:4] == ["bob", "refused", "tmux"]
    assert first[4].startswith("draft_present: ")
    assert first[4].endswith("; again after 30 s")
    assert now[1:3] == ["bob", "now"]
    assert now[4].startswith("unread; wake retrying (draft_present)")
    (delivery,) = xats("status", "1", "--attempts", "--as", "alice", "--json").json()["deliveries"]
    (attempt,) = delivery["attempts"]
    assert (attempt["state"], attempt["reason"], attempt["transport"]) == ("retrying", "draft_present", "tmux")
    assert (attempt["attempts"], attempt["exit"]) == (1, None)


def test_without_attempts_the_present_state_is_shown(xats, crew):
    shown = xats.on_terminal("status", "3", "--attempts", "--as", "alice")
    assert "unread; wake queued; due now" in shown
    assert xats("status", "1", "--attempts", "--as", "bob", "--json", code=4).error()["code"]


def test_a_message_that_joined_an_older_wake_says_so(xats, crew):
    refuse(crew, "draft_present")
    refuse_again = "update wakes set next_attempt_at = :now where agent_id = 2"
    crew.store.write(lambda tx: tx.run(refuse_again, now=tx.now))
    refuse(crew, "busy")
    crew.send("alice", "bob", "one more")  # 4
    joined, now = [line.split("\t") for line in xats("status", "4", "--attempts", "--as", "alice").stdout.splitlines()]
    assert joined[1:4] == ["bob", "joined", ""]
    assert re.fullmatch(r"wake 1, opened \d+ s before this message, with 2 attempts", joined[4])
    assert ", 2 attempts (wake 1, older than this message); " in now[4]
    assert ", 2 attempts (wake 1, older than this message); " in xats("status", "4", "--as", "alice").stdout
    assert "older than" not in xats("status", "1", "--as", "alice").stdout
    (delivery,) = xats("status", "4", "--attempts", "--as", "alice", "--json").json()["deliveries"]
    assert (delivery["joined"]["wake"], delivery["joined"]["attempts"], delivery["attempts"]) == (1, 2, [])


def test_the_copy_of_the_sender_does_not_count(xats, crew):
    crew.send("alice", "me,bob,dan", "hi")  # 4
    assert "read by 0 of 2" in xats.on_terminal("status", "4", "--as", "alice")
    shown = xats.on_terminal("log", "--as", "alice", env={"NO_COLOR": "1"})
    assert "#4 alice to me,bob,dan (read by 0 of 2, needs a reply): hi" in shown
    crew.send("alice", "me", "a note", need_reply=False)  # 5
    assert "#5 alice to alice (unread): a note" in xats.on_terminal("log", "--as", "alice", env={"NO_COLOR": "1"})
