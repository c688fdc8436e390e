"""Search: every word, upper or lower case, what the caller may see, the newest first, and at what cost."""

import pytest

from tests.support.steps import steps
from xats.core import search
from xats.core.contracts import contracts
from xats.core.mail import sending
from xats.core.mail.sending import Draft
from xats.core.tasks import claims, planning
from xats.core.tasks.planning import New
from xats.schemas.diff import Diff

DIFF = Diff("breaking", "compatible", ())


@pytest.fixture
def crew(team, clock):
    team.add("alice", "bob", "carol")
    team.send("alice", "bob", "The parser is ready: src/Parse.py", subject="Morning")  # message 1
    clock.tick(1000)
    team.do("alice", planning.add, New("Rewrite the parser", description="as the note says"))  # task 1
    clock.tick(1000)
    team.do("bob", contracts.put, contracts.New("order", '{"title": "Parser order"}', note="first"), None)
    clock.tick(1000)
    team.send("carol", "alice", "Straße 7, PARSER 100%_done")  # message 2
    return team


def found(team, *words, viewer=None, limit=20, since_at=None, of="crew"):
    query = search.Query(words, team.agent(viewer) if viewer else None, of, since_at)
    hits, has_more = team.store.read(lambda tx: search.find(tx, query, limit))
    return [(hit.kind, hit.id or hit.name) for hit in hits], has_more


EVERYTHING = [("mail", 2), ("contract", "order@1"), ("task", 1), ("mail", 1)]


def test_all_kinds_are_found_the_newest_first(crew):
    assert found(crew, "parser") == (EVERYTHING, False)
    assert found(crew, "PaRsEr") == (EVERYTHING, False)
    assert found(crew, "parser", limit=3) == (EVERYTHING[:3], True)
    assert found(crew, "parser", limit=4) == (EVERYTHING, False)


def test_all_words_must_occur_in_any_of_the_texts(crew):
    assert found(crew, "morning", "parse.py") == ([("mail", 1)], False)
    assert found(crew, "morning", "straße") == ([], False)
    assert found(crew, "note", "rewrite") == ([("task", 1)], False)
    assert found(crew, "first", "order") == ([("contract", "order@1")], False)


def test_a_word_is_plain_text_and_a_part_of_a_word(crew):
    assert found(crew, "arse") == (EVERYTHING, False)
    assert found(crew, "0%_d") == ([("mail", 2)], False)
    assert found(crew, "0%d") == ([], False)
    assert found(crew, "pars_r") == ([], False)


def test_letters_beyond_ascii_have_no_case_either(crew):
    crew.send("alice", "bob", "GRÜSSE aus ΑΘΗΝΑ")
    assert found(crew, "grüsse", "αθηνα") == ([("mail", 3)], False)
    assert found(crew, "STRASSE") == ([("mail", 2)], False)


def test_an_agent_finds_its_own_mail_and_the_tasks_and_contracts_of_its_team(crew):
    shared = EVERYTHING[1:3]
    assert found(crew, "parser", viewer="bob") == ([*shared, ("mail", 1)], False)
    assert found(crew, "parser", viewer="carol") == ([("mail", 2), *shared], False)
    crew.register("dora", "other", client="generic")
    assert found(crew, "parser", of="other") == ([], False)


def test_what_is_older_is_left_out(crew, clock):
    assert found(crew, "parser", since_at=clock.now - 1000) == (EVERYTHING[:2], False)
    assert found(crew, "parser", since_at=clock.now + 1) == ([], False)


def test_a_task_is_found_by_what_became_of_it_and_is_as_new_as_its_last_change(crew, clock):
    clock.tick(1000)
    crew.do("alice", lambda tx, me: claims.claim(tx, me, 1))
    crew.do("alice", lambda tx, me: claims.done(tx, me, 1, "merged as abc123"))
    assert found(crew, "parser")[0][0] == ("task", 1)
    assert found(crew, "ABC123") == ([("task", 1)], False)


def test_only_the_newest_version_of_a_contract_is_searched(crew):
    crew.do("bob", contracts.put, contracts.New("order", '{"title": "renamed"}'), lambda _: DIFF)
    assert found(crew, "order", "parser") == ([], False)
    assert found(crew, "order", "renamed") == ([("contract", "order@2")], False)


def test_more_mail_than_a_page_is_searched_to_its_end(crew, monkeypatch):
    monkeypatch.setattr(search, "PAGE", 2)
    for _ in range(5):
        crew.send("alice", "bob", "other")
    assert found(crew, "morning") == ([("mail", 1)], False)


@pytest.mark.sqlite
def test_the_cost_grows_with_the_mail_and_not_faster(crew):
    def rare(tx, me):
        return search.find(tx, search.Query(("morning",), None, "crew"), 20)

    def common(tx, me):
        return search.find(tx, search.Query(("text",), me, "crew"), 3)

    def grow(more):
        draft = Draft("bob", "text")
        crew.do("alice", lambda tx, me: [sending.send(tx, me, "pane", draft) for _ in range(more)])

    grow(300)
    few, soon = steps(crew, rare), steps(crew, common)
    grow(900)
    assert steps(crew, rare) < 4.4 * few
    assert steps(crew, common) < 1.2 * soon
