"""Notes in the core: versions, compare-and-set, removals, pins, lists, and what belongs to them in a team."""

import json
import random
import time

import pytest

from tests.support.checks import broken
from tests.support.steps import steps
from xats.base import errors
from xats.core import candidates, prune, search
from xats.core.agents import changes as agent_changes
from xats.core.agents import registration, unused
from xats.core.agents.prune import Unused
from xats.core.notes import errors as note_errors
from xats.core.notes import notes, views
from xats.core.notes.notes import New
from xats.core.teams import changes as team_changes
from xats.core.teams import merge as team_merge
from xats.core.teams import views as team_views
from xats.store.sqlite import check

KIB = 1024


@pytest.fixture
def crew(team):
    team.add("alice", "bob")
    yield team
    assert broken(team.store, states=(check.FAIL,)) == []


def put(crew, key, value=None, by="alice", **more):
    return crew.do(by, notes.put, "pane", New(key, value, **more))


def get(crew, called, team="crew"):
    return crew.store.read(lambda tx: notes.find(tx, team, called))


def listed(crew, prefix="", limit=50, **more):
    found, has_more = crew.store.read(lambda tx: views.listing(tx, "crew", prefix, limit, **more))
    return [one.name for one in found], has_more


def happened(crew):
    rows = crew.rows("select type, subject, data from events where type like 'note%' order by id")
    return [(row["type"], row["subject"], json.loads(row["data"])) for row in rows]


# -- versions ----------------------------------------------------------------------------------------------------------


def test_versions_are_counted_and_keep_what_was_put(crew, clock):
    first = put(crew, "Api/Errors", "one\n", category="Decision")
    clock.tick(1000)
    second = put(crew, "api/errors", "zwei ü", by="bob")
    assert (first.version.name, first.created, second.version.name) == ("Api/Errors@1", True, "Api/Errors@2")
    old, new = get(crew, "API/errors@1"), get(crew, "api/errors")
    assert (old.value, old.by, old.evidence, old.category, old.size) == ("one\n", "alice@crew", "pane", "decision", 4)
    assert (new.value, new.by, new.category, new.size, new.at - old.at) == ("zwei ü", "bob@crew", "decision", 7, 1000)
    assert [one[:2] for one in happened(crew)] == [("note_put", "note:Api/Errors")] * 2
    assert happened(crew)[1][2] == {"version": 2, "size": 7, "category": "decision", "restored": None}


def test_the_same_value_makes_no_new_version(crew):
    put(crew, "style", "tabs")
    again = put(crew, "style", "tabs", by="bob")
    assert (again.created, again.version.number, again.version.by) == (False, 1, "alice@crew")
    assert put(crew, "style", "tabs", category="convention").version.name == "style@2"
    assert put(crew, "style", "tabs", ttl=1000).version.name == "style@3"
    assert put(crew, "style", "tabs").version.expires_at is None  # and this one has no end: another version
    assert len(happened(crew)) == 4


def test_a_removal_is_a_version_and_no_number_comes_again(crew):
    put(crew, "style", "tabs")
    removal, changed = crew.do("bob", notes.remove, "pane", "Style")
    assert (removal.name, removal.removal, removal.value, changed) == ("style@2", True, None, True)
    assert crew.do("bob", notes.remove, "pane", "style")[1] is False
    with pytest.raises(
        note_errors.NoteGone, match=r"bob removed the note style just now \(version 2\); its last value is"
    ):
        get(crew, "style")
    with pytest.raises(note_errors.UnknownNoteVersion, match="Version 2 of style is its removal"):
        get(crew, "style@2")
    assert get(crew, "style@1").value == "tabs"
    assert put(crew, "style", "spaces").version.name == "style@3"
    assert [one[0] for one in happened(crew)] == ["note_put", "note_removed", "note_put"]


def test_an_old_value_is_restored_with_its_category(crew):
    put(crew, "style", "tabs", category="decision")
    put(crew, "style", "spaces", category="blocker")
    back = put(crew, "style", restore=1)
    assert (back.version.value, back.version.category, back.version.restored) == ("tabs", "decision", 1)
    assert put(crew, "style", restore=3).created is False
    crew.do("alice", notes.remove, "pane", "style")
    assert put(crew, "style", restore=2).version.name == "style@5"
    with pytest.raises(note_errors.UnknownNoteVersion):
        put(crew, "style", restore=4)
    with pytest.raises(note_errors.UnknownNoteVersion, match="it has 5 versions, 1 to 5"):
        put(crew, "style", restore=6)
    with pytest.raises(note_errors.UnknownNote):
        put(crew, "other", restore=1)


def test_a_version_that_is_expected_must_be_the_newest(crew, clock):
    assert put(crew, "lead", "alice", if_version=0).created
    clock.tick(60_000)
    with pytest.raises(note_errors.NoteChanged, match="at version 1, not 0: alice put that 60 s ago") as found:
        put(crew, "lead", "bob", by="bob", if_version=0)
    assert found.value.data["by"] == "alice@crew"
    assert put(crew, "lead", "bob", by="bob", if_version=1).version.number == 2
    with pytest.raises(note_errors.NoteChanged):  # also for the value that it has
        put(crew, "lead", "bob", if_version=1)
    with pytest.raises(note_errors.NoteChanged, match="There is no note free yet"):
        put(crew, "free", "x", if_version=1)
    with pytest.raises(note_errors.NoteChanged):
        crew.do("alice", notes.remove, "pane", "lead", 1)
    crew.do("alice", notes.remove, "pane", "lead", 2)
    with pytest.raises(note_errors.NoteChanged, match="at version 3, not 2: alice removed it"):
        put(crew, "lead", "x", if_version=2)
    assert put(crew, "lead", "x", if_version=0).version.number == 4
    crew.do("alice", notes.remove, "pane", "lead")
    assert put(crew, "lead", "x", if_version=5).version.number == 6


# -- what is refused ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("key", ["", "/", "a/", "/a", "a//b", "a b", "../a", "a/..", "-a", "a/-b", "ä", "a@1", "a\n"])
def test_a_key_that_cannot_be_one(crew, key):
    with pytest.raises((note_errors.InvalidNote, errors.Usage)):
        put(crew, key, "x")


def test_a_key_has_at_most_200_characters(crew):
    assert put(crew, "k" * 200, "x").created
    with pytest.raises(note_errors.InvalidNote, match="at most 200"):
        put(crew, "k" * 201, "x")


def test_a_value_is_text_of_1_byte_to_256_kib(crew):
    assert put(crew, "big", "ü" * (128 * KIB)).version.size == 256 * KIB
    for value in ("", " \n", "ü" * (128 * KIB) + "x", "nul\0", "half \ud800"):
        with pytest.raises(note_errors.InvalidNote, match="Nothing was stored"):
            put(crew, "bad", value)
    for more in ({"category": "descision"}, {"ttl": 0}):
        with pytest.raises(errors.Usage):
            put(crew, "bad", "x", **more)
    assert listed(crew) == (["big@1"], False)


def test_what_is_not_there_is_not_found(crew):
    put(crew, "api/errors", "x")
    with pytest.raises(note_errors.UnknownNote, match="There is no note api/eror in team crew") as found:
        get(crew, "api/eror")
    assert found.value.hint == "did you mean api/errors?"
    for called, kind in (("api/errors@2", note_errors.UnknownNoteVersion), ("api/errors@x", errors.Usage)):
        with pytest.raises(kind):
            get(crew, called)
    for work in (notes.pin, notes.unpin):
        with pytest.raises(note_errors.UnknownNote):
            crew.do("alice", work, "nope")


# -- lists and pins ----------------------------------------------------------------------------------------------------


def test_lists_are_in_the_order_of_the_keys(crew):
    for key in ("b", "api/z", "API/a", "apis", "c"):
        put(crew, key, "x" * 500, category="decision" if key != "c" else None)
    crew.do("alice", notes.remove, "pane", "b")
    assert listed(crew) == (["API/a@1", "api/z@1", "apis@1", "c@1"], False)
    assert listed(crew, "Api/") == (["API/a@1", "api/z@1"], False)
    assert listed(crew, "api") == (["API/a@1", "api/z@1", "apis@1"], False)
    assert listed(crew, limit=2) == (["API/a@1", "api/z@1"], True)
    assert listed(crew, category="CONTEXT") == (["c@1"], False)
    assert listed(crew, "b", gone=True) == (["b@2"], False)
    (one, *_), _ = crew.store.read(lambda tx: views.listing(tx, "crew", "", 1))
    assert (one.value, one.size) == ("x" * views.PREVIEW, 500)
    found, has_more = crew.store.read(lambda tx: views.log(tx, "crew", "B", 1))
    assert ([one.name for one in found], has_more) == (["b@2"], True)
    with pytest.raises(note_errors.InvalidNote):
        listed(crew, "a%")


def pinned(crew, room=100, most=10):
    found = crew.store.read(lambda tx: views.pinned(tx, "crew", room, most))
    return [(one.name, one.value) for one in found.notes], found.total


def test_pinned_notes_are_in_the_order_of_their_pins(crew, clock):
    for key in ("a", "b", "c"):
        put(crew, key, key * 60)
    for key in ("c", "a", "b"):
        assert crew.do("bob", notes.pin, key)[1] is True
        clock.tick(1)
    assert crew.do("bob", notes.pin, "A")[1] is False
    assert pinned(crew) == ([("c@1", "c" * 60), ("a@1", "a" * 60), ("b@1", "b" * 60)], 3)
    assert pinned(crew, room=59, most=2) == ([("c@1", ""), ("a@1", "")], 3)
    put(crew, "c", "short")  # the pin stays with the key
    assert get(crew, "c").note.pinned_by == "bob@crew"
    crew.do("alice", notes.remove, "pane", "c")  # and ends with the note
    put(crew, "c", "back")
    assert crew.do("alice", notes.unpin, "b")[1] is True
    assert crew.do("alice", notes.unpin, "b")[1] is False
    assert pinned(crew) == ([("a@1", "a" * 60)], 1)
    crew.do("alice", notes.remove, "pane", "a")
    with pytest.raises(note_errors.NoteGone):
        crew.do("alice", notes.pin, "a")
    assert pinned(crew) == ([], 0)
    assert {"note_pinned", "note_unpinned"} <= {one[0] for one in happened(crew)}


def test_the_notes_that_changed_last(crew):
    for key in ("a", "b", "c"):
        put(crew, key, "x")
    put(crew, "a", "y")
    crew.do("bob", notes.remove, "pane", "b")
    found = crew.store.read(lambda tx: views.changed(tx, "crew", 2))
    assert [(one.name, one.removal, one.by) for one in found] == [
        ("b@2", True, "bob@crew"),
        ("a@2", False, "alice@crew"),
    ]


def test_a_shell_is_offered_keys_and_versions(crew):
    for key in ("api/errors", "Api/names", "style"):
        put(crew, key, "x")
    put(crew, "style", "y", category="convention")
    crew.do("alice", notes.remove, "pane", "api/errors")

    def offered(prefix):
        return crew.store.read(lambda tx: list(candidates.notes_of(tx, "crew", prefix)))

    assert offered("") == [("Api/names", "version 1, context"), ("style", "version 2, convention")]
    assert offered("STYLE@") == [("style@2", "convention, 1 byte"), ("style@1", "context, 1 byte")]
    assert offered("api/errors@") == [("api/errors@1", "context, 1 byte")]


# -- search ------------------------------------------------------------------------------------------------------------


def found(crew, *words, limit=20, since_at=None):
    hits, has_more = crew.store.read(lambda tx: search.find(tx, search.Query(words, None, "crew", since_at), limit))
    return [(hit.kind, hit.name) for hit in hits], has_more


def test_search_finds_the_newest_values(crew, clock):
    put(crew, "api/errors", "The Parser throws")
    clock.tick(1000)
    crew.send("bob", "alice", "parser ready")
    clock.tick(1000)
    put(crew, "parser", "is slow", by="bob")
    put(crew, "gone", "parser")
    crew.do("bob", notes.remove, "pane", "gone")
    clock.tick(1000)
    put(crew, "late", "parser once")
    put(crew, "late", "otherwise")
    assert found(crew, "parser") == ([("note", "parser@1"), ("mail", None), ("note", "api/errors@1")], False)
    assert found(crew, "parser", limit=1) == ([("note", "parser@1")], True)
    assert found(crew, "PARSER", "throws") == ([("note", "api/errors@1")], False)
    assert found(crew, "once") == ([], False)
    assert found(crew, "parser", since_at=clock.now - 1500) == ([("note", "parser@1")], False)


@pytest.mark.sqlite
def test_search_reads_no_more_notes_than_it_needs(crew):
    for n in range(300):
        put(crew, f"n{n}", f"parser {n}")

    def cost(limit):
        query = search.Query(("parser",), None, "crew")
        return steps(crew, lambda tx, _: search.find(tx, query, limit))

    assert len(found(crew, "parser", limit=250)[0]) == 250
    assert cost(5) * 2 < cost(250)


# -- walked at random --------------------------------------------------------------------------------------------------


class Model:
    """What a note must be: its versions as (value or None, category, end), and whether it is pinned."""

    def __init__(self):
        self.versions, self.pinned = [], False

    def live(self, now):
        return bool(self.versions) and self.versions[-1][0] is not None and not self.over(now)

    def over(self, now):
        end = self.versions[-1][2]
        return end is not None and end <= now

    def fits(self, wanted, now):
        return wanted is None or (self.versions and wanted == len(self.versions)) or (not wanted and not self.live(now))


def test_random_steps_do_what_a_model_does(crew, clock):
    seed = time.time_ns() % 1_000_000
    print(f"seed {seed}")  # shown when it fails
    dice = random.Random(seed)
    models = {key: Model() for key in ("a", "b/c")}
    seen = set()
    for _ in range(400):
        key, by = dice.choice(("a", "A", "b/c")), dice.choice(("alice", "bob"))
        model, now = models[key.lower()], clock.now
        step = dice.choice(("put", "put", "restore", "remove", "pin", "unpin", "tick"))
        wanted = dice.choice((None, None, 0, len(model.versions), len(model.versions) + 1))
        ttl = dice.choice((None, None, 1000))
        live, last = model.live(now), model.versions[-1] if model.versions else None
        try:
            if step == "tick":
                clock.tick(dice.choice((1, 500, 1000)))
                outcome = "ticked"
            elif step == "put":
                value = dice.choice("xyz")
                category = dice.choice((None, None, "decision"))
                done = put(crew, key, value, by=by, category=category, ttl=ttl, if_version=wanted)
                kept = category or (last[1] if last else "context")
                same = live and last == (value, kept, None) and ttl is None
                assert model.fits(wanted, now)
                assert done.created is not same
                if not same:
                    model.versions.append((value, kept, now + ttl if ttl else None))
                outcome = "same" if same else "put" if live else "put again" if last else "put first"
            elif step == "restore":
                number = dice.randint(1, len(model.versions) + 1)
                done = put(crew, key, by=by, restore=number, if_version=wanted)
                value, category, _ = model.versions[number - 1]
                assert value is not None
                assert model.fits(wanted, now)
                assert done.created is not (live and last == (value, category, None))
                if done.created:
                    model.versions.append((value, category, None))
                outcome = "restored" if done.created else "same"
            elif step == "remove":
                _, changed = crew.do(by, notes.remove, "pane", key, wanted)
                assert changed is live
                assert model.fits(wanted, now)
                if changed:
                    model.versions.append((None, last[1], None))
                    model.pinned = False
                outcome = "removed" if changed else "nothing to remove"
            elif step == "pin":
                assert crew.do(by, notes.pin, key)[1] is not model.pinned
                assert live
                model.pinned, outcome = True, "pinned"
            else:
                assert crew.do(by, notes.unpin, key)[1] is model.pinned
                model.pinned, outcome = False, "unpinned"
        except note_errors.NoteChanged:
            assert not model.fits(wanted, now)
            outcome = "changed"
        except note_errors.UnknownNote:
            assert last is None
            outcome = "unknown"
        except note_errors.UnknownNoteVersion:
            assert number > len(model.versions) or model.versions[number - 1][0] is None
            outcome = "no such version"
        except note_errors.NoteGone:
            assert not live
            outcome = "gone"
        seen.add(outcome)
        for name, one in models.items():
            if one.versions:
                newest = crew.store.read(lambda tx, name=name: notes.look(tx, "crew", name))
                value, category, _ = one.versions[-1]
                assert (newest.number, newest.value, newest.category) == (len(one.versions), value, category)
                assert (newest.note.pinned_at is not None) is one.pinned
        shown = [name for name, one in models.items() if one.live(clock.now)]
        assert [one.partition("@")[0].lower() for one in listed(crew)[0]] == shown
    found = crew.rows("select n.key_key, v.value from notes n join note_versions v on v.note_id = n.id order by v.id")
    for name, one in models.items():
        assert [row["value"] for row in found if row["key_key"] == name] == [value for value, _, _ in one.versions]
    assert {"put", "put first", "put again", "same", "restored", "removed", "pinned", "unpinned", "gone"} <= seen


# -- teams and agents --------------------------------------------------------------------------------------------------


def history(crew, key, team):
    found, _ = crew.store.read(lambda tx: views.log(tx, team, key, 50))
    return [(one.number, one.value, one.by) for one in found]


def test_a_merge_keeps_the_history_of_both_teams(crew):
    crew.register("ann", team="shop", client="generic")
    ann = crew.agent("ann", "shop")
    put(crew, "style", "tabs")
    put(crew, "crew-1", "mine")
    for key, value in (("Style", "spaces"), ("Style", "none"), ("shop/style", "in the way"), ("own", "x")):
        crew.store.write(lambda tx, key=key, value=value: notes.put(tx, ann, "flag", New(key, value)))
    crew.store.write(lambda tx: notes.pin(tx, ann, "own"))
    planned = crew.store.write(lambda tx: team_merge.merge(tx, "carol", "shop", "crew", None))
    assert [one[1:] for one in planned.notes] == [("Style", "shop-2/Style")]
    assert history(crew, "style", "crew") == [(1, "tabs", "alice@crew")]
    assert history(crew, "shop-2/style", "crew") == [(2, "none", "ann@crew"), (1, "spaces", "ann@crew")]
    assert get(crew, "own").note.pinned_by == "ann@crew"
    (row,) = crew.rows("select data from events where type = 'team_merged'")
    assert json.loads(row["data"])["notes"] == {"Style": "shop-2/Style"}
    (mail,) = crew.rows("select body from messages where body like '%You are ann@crew%'")
    assert (
        "Both teams had notes of the same key, and 1 of team shop moved, such as Style to shop-2/Style." in mail["body"]
    )


def test_the_persons_who_become_one_keep_what_they_put(crew):
    for team in ("shop", "crew"):
        crew.register("carol", team=team, client="human")
    carol = crew.agent("carol", "shop")
    crew.store.write(lambda tx: notes.put(tx, carol, "user", New("own", "x")))
    crew.store.write(lambda tx: notes.pin(tx, carol, "own"))
    crew.store.write(lambda tx: team_merge.merge(tx, "carol", "shop", "crew", None))
    assert (get(crew, "own").by, get(crew, "own").note.pinned_by) == ("carol@crew", "carol@crew")


def test_notes_go_with_a_renamed_and_with_a_forgotten_team(crew):
    put(crew, "style", "tabs")
    crew.store.write(lambda tx: team_changes.rename(tx, "carol", "crew", "squad"))
    assert history(crew, "style", "squad") == [(1, "tabs", "alice@squad")]
    assert crew.store.read(lambda tx: team_views.summary(tx, "squad")).notes == 1
    done = crew.store.write(lambda tx: team_changes.forget(tx, "carol", "squad", lambda _: False, force=True))
    assert history(crew, "style", done.kept_as) == [(1, "tabs", f"alice@{done.kept_as}")]
    with pytest.raises(note_errors.UnknownNote):
        get(crew, "style", "squad")


def test_an_author_that_was_removed_is_still_named(crew):
    put(crew, "style", "tabs")
    crew.do("bob", notes.pin, "style")
    for name in ("alice", "bob"):
        assert crew.do(name, unused.remove) is False  # it did something that others can see
        crew.do(name, lambda tx, me: agent_changes.forget(tx, me, me))
    assert (get(crew, "style").by, get(crew, "style").note.pinned_by) == ("alice@crew", "bob@crew")


def test_pruning_leaves_every_version(crew, clock, store):
    put(crew, "style", "tabs")
    put(crew, "style", "spaces", ttl=1000)
    clock.tick(400 * 86_400_000)
    for _ in prune.walk(store.write, clock.now - 86_400_000, time.monotonic, Unused(clock.now - 1, lambda _: False)):
        pass
    assert crew.rows("select type from events where type = 'note_put'") == []
    assert history(crew, "style", "crew") == [(2, "spaces", "alice@crew"), (1, "tabs", "alice@crew")]


def test_an_agent_that_left_is_still_the_author(crew):
    put(crew, "style", "tabs")
    crew.do("alice", registration.unregister)
    assert get(crew, "style").by == "alice@crew"
