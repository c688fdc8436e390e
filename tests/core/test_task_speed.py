"""What is done often costs as much with many tasks as with few, by SQLite's own count of its steps."""

import pytest

from tests.support.steps import steps
from xats.core import candidates
from xats.core.mail.sending import Draft
from xats.core.tasks import claims, offers, planning, pools, tasks, views
from xats.core.tasks.planning import New
from xats.core.tasks.views import Query

pytestmark = pytest.mark.sqlite


def held(tx, me):
    return claims.claim(tx, me, tx.one("select max(id) as id from tasks")["id"])


OFTEN = {
    "claim the next": claims.claim_next,
    "whether there is a next": claims.any_next,
    "claim one": held,
    "renew": lambda tx, me: claims.renew(tx, me, held(tx, me).id),
    "progress": lambda tx, me: claims.progress(tx, me, held(tx, me).id, "x"),
    "release": lambda tx, me: claims.release(tx, me, held(tx, me).id),
    "done": lambda tx, me: claims.done(tx, me, held(tx, me).id, "x"),
    "add": lambda tx, me: planning.add(tx, me, New("t", needs=(1, 2), parent_id=1, key="x")),
    "list": lambda tx, me: views.listing(tx, "crew", Query()),
    "list the ready": lambda tx, me: views.listing(tx, "crew", Query(ready=True)),
    "list mine": lambda tx, me: views.listing(tx, "crew", Query(mine=me)),
    "list all": lambda tx, me: views.listing(tx, "crew", Query(ended=True)),
    "list the done": lambda tx, me: views.listing(tx, "crew", Query(state="done")),
    "list the failed": lambda tx, me: views.listing(tx, "crew", Query(state="failed")),
    "show": lambda tx, me: views.details(tx, "crew", 3),
    "whether claims are over": lambda tx, me: claims.due(tx, lambda _: True),
    "settle": lambda tx, me: claims.settle(tx, lambda _: True),
    "whether offers are due": lambda tx, me: offers.next_due(tx),
    "offer": lambda tx, me: offers.offer_due(tx),
    "look again": lambda tx, me: offers.look_again(tx),
    "send to a pool": lambda tx, me: pools.send(tx, me, "pane", Draft("pool:dev", "x")),
    "complete": lambda tx, me: list(candidates.tasks_of(tx, "crew", "1", "live")),
}


def filled(team, more: int):
    """Add what is looked for, and `more` of each kind of what is not: ready for others, blocked, claimed, ended."""
    team.add("alice", role="dev")
    team.add("bob", role="qa")
    alice, bob = team.agent("alice"), team.agent("bob")

    def work(tx):
        # What a page of a list shows, and those that others could be, come first and are as many in both.
        for n in range(210):
            planning.store(tx, bob, New(f"first{n}", role="ops", priority=0, parent_id=1 if n else None))
        for n in range(60):
            for state in ("done", "failed"):
                new, _ = planning.store(tx, bob, New(f"{state}{n}"))
                claims.claim(tx, bob, new.id)
                (claims.done if state == "done" else claims.fail)(tx, bob, new.id, "x")
        for n in range(more):
            planning.store(tx, bob, New(f"for-bob{n}", to="bob", priority=3))
            planning.store(tx, bob, New(f"for-qa{n}", role="qa", priority=3))
            planning.store(tx, bob, New(f"blocked{n}", needs=(1,), priority=3))
            new, _ = planning.store(tx, bob, New(f"held{n}", priority=3))
            claims.claim(tx, bob, new.id)
        for n in range(60):
            new, _ = planning.store(tx, bob, New(f"last{n}"))
            claims.claim(tx, bob, new.id)
            claims.done(tx, bob, new.id, "x")
        for title in ("mine", "mine too"):
            planning.store(tx, bob, New(title, role="dev", priority=4))

    team.store.write(work)
    assert team.store.read(lambda tx: claims.any_next(tx, alice))
    return team


@pytest.fixture(scope="module")
def two_sizes(make_team, tmp_path_factory):
    made = [filled(make_team(tmp_path_factory.mktemp("tasks"))[0], more) for more in (5, 300)]
    yield made
    for team in made:
        team.store.close()


@pytest.mark.parametrize("what", OFTEN)
def test_the_work_does_not_grow_with_the_tasks_of_others(two_sizes, what):
    few, many = two_sizes
    assert steps(many, OFTEN[what]) <= 1.1 * steps(few, OFTEN[what]) + 10


def test_the_states_that_are_listed_are_all_there_are(two_sizes):
    found = {row["state"] for row in two_sizes[0].rows("select distinct state from tasks")}
    assert found < set(tasks.STATES)
