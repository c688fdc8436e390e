"""`xats limit ...` as people and scripts use it, and what is refused when a limit is reached."""

import shlex
import shutil

import pytest
from rich.cells import cell_len

from tests.support.places import staged
from tests.support.steady import ages
from xats.core.crews import limits
from xats.core.waking import attempts


def failed(ran):
    return ran.code, ran.error()["code"], ran.error()["message"], ran.error().get("hint")


@pytest.fixture
def person(xats, crew):
    """`person("list")` runs `xats limit list` as the person ada, who is registered."""
    crew.register("ada", client="human")

    def run(*words, **options):
        return xats("--as", "ada", "limit", *words, **options)

    return run


def test_a_limit_is_set_listed_and_dropped(person, xats):
    said = person("set", "wakes", "60", "--then", "space", "--reason", "a quiet night")
    assert said.stdout == "team crew: at most 60 wakes an hour\n"
    assert "at 60: xats spreads the wakes of the team over the hour" in said.stderr
    assert "used now: 0 (0 %)" in said.stderr
    person("set", "minutes", "4h", "--then", "warn")
    person("set", "agents", "6")
    assert (
        ages(person("list").stdout).splitlines()
        == ages(
            "wakes\t60\t0\t0%\tspace\tok\tada just now\ta quiet night\n"
            "agents\t6\t0\t0%\tpause\tok\tada just now\t\n"
            "minutes\t240\t0\t0%\twarn\tok\tada just now\t"
        ).splitlines()
    )
    again = person("set", "wakes", "40")
    assert again.stdout == "team crew: at most 40 wakes an hour, instead of 60 (then space)\n"
    listed = xats("--as", "alice", "limit", "list", "--json").json()["limits"]  # an agent may look
    assert [(one["name"], one["value"], one["then"], one["by"]) for one in listed] == [
        ("wakes", 40, "pause", "ada@crew"),
        ("agents", 6, "pause", "ada@crew"),
        ("minutes", 240, "warn", "ada@crew"),
    ]
    assert person("drop", "wakes").stdout == "team crew: the limit of 40 wakes an hour is removed\n"
    assert failed(person("drop", "wakes", "--json", code=None))[:2] == (3, "not_found")


def test_a_person_at_a_terminal_is_registered_and_a_script_of_a_person_needs_no_name(xats):
    assert "at most 9 mail" not in xats("limit", "set", "wakes", "9", env={"USER": "eve"}).stdout
    shown = xats.on_terminal("limit", "list", env={"USER": "eve"})
    assert "eve" in shown


@pytest.mark.parametrize(
    "words, message, hint",
    [
        ("wake 5", "'wake' is not a limit.", "did you mean wakes?"),
        ("money 5", "'money' is not a limit.", "the limits are: wakes, mails, agents, restarts, minutes"),
        ("wakes many", "The limit wakes must be a whole number, not 'many'.", "xats limit set wakes 10"),
        ("wakes 2.5", "The limit wakes must be a whole number, not '2.5'.", "xats limit set wakes 10"),
        ("wakes 0", "The value of a limit must be from 1 to 1,000,000.", "xats limit set wakes 10"),
        ("minutes 90s", "A limit of minutes must be whole minutes, not '90s'.", None),
        ("minutes soon", "'soon' is not a duration.", None),
        ("agents 5 --then space", "--then space spreads wakes", "xats limit set agents 5 --then pause"),
        ("wakes 5 --then pose", "--then must be warn, space or pause, not 'pose'.", "did you mean pause?"),
        ("wakes 5 --reason 'a\x1b[31mb'", "The reason (--reason) must be one line", None),
        ("wakes 5 --reason 'a\nb'", "The reason (--reason) must be one line", None),
    ],
)
def test_what_no_limit_can_be(person, words, message, hint):
    ran = person("set", *shlex.split(words), "--json", code=None)
    code, _, said, advice = failed(ran)
    assert code == 2
    assert message in said
    assert hint is None or advice.startswith(hint)
    assert person("list", "--json").json()["limits"] == []


@pytest.mark.parametrize("verb", ["set wakes 9", "drop wakes"])
def test_only_a_person_changes_limits(person, xats, verb):
    person("set", "wakes", "60")
    ran = xats("--as", "alice", "limit", *verb.split(), "--json", code=None)
    assert failed(ran)[:2] == (4, "people_only")
    inside = xats("--as", "ada", "limit", *verb.split(), "--json", env={"CLAUDECODE": "1"}, code=None)
    assert failed(inside)[:2] == (4, "people_only")
    assert person("list", "--json").json()["limits"][0]["value"] == 60


def test_the_list_fits_a_terminal_of_80_columns(person, xats):
    long = "nobody is here in the night, and the machine of the whole group must not run hot " * 2
    person("set", "wakes", "1000000", "--reason", long.strip())
    person("set", "restarts", "10")
    shown = xats.on_terminal("--as", "ada", "limit", "list", env={"COLUMNS": "80", "NO_COLOR": "1"})
    assert max(cell_len(line) for line in shown.splitlines()) <= 80
    words = " ".join(shown.split())
    assert "NAME VALUE USED % THEN STATE" in words
    assert "1000000 0 0% pause ok" in words
    assert xats.on_terminal("--as", "ada", "--team", "crew", "limit", "drop", "wakes")


def reached(crew):
    """Let the limit of one wake be reached."""

    def work(tx):
        (wake,) = attempts.lease(tx, attempts.due(tx), "d")
        attempts.delivered(tx, wake, "d", "tmux", 1)

    crew.send("alice", "bob")
    crew.store.write(work)
    crew.store.write(limits.check_all)


def test_what_a_reached_limit_shows_and_who_ends_the_pause(person, xats, crew):
    person("set", "wakes", "1", "--reason", "a test")
    reached(crew)
    (row,) = person("list", "--json").json()["limits"]
    assert (row["used"], row["percent"], row["state"], row["paused"]) == (1, 100, "reached", True)
    assert row["reached_at"]
    assert "\tpaused\t" in person("list").stdout
    assert "a person ends that: xats resume all --as ada" in person("list").stderr
    health = " ".join(xats("doctor", "--as", "ada", code=None).stdout.split())
    assert "limit of 1 wakes an hour" in health
    assert "team crew has used 1 of 1 wakes an hour (pause)" in health
    mail = xats("inbox", "--as", "ada").stdout
    assert "the limit of wakes is reached" in mail
    assert "xats resume all" in mail
    ran = xats("resume", "all", "--as", "alice", "--json", code=None)
    assert failed(ran)[:2] == (4, "people_only")
    paused = xats("send", "alice", "text", "--as", "bob", "--json").json()
    assert paused["not_woken"] == [{"agent": "alice@crew", "reason": "paused"}]
    dropped = person("drop", "wakes")
    assert "a limit has paused the wakes of the team" in dropped.stderr
    assert "resumed" in xats("resume", "all", "--as", "ada").stdout
    assert xats("status", "--as", "bob", "--json").code == 0


@pytest.mark.skipif(not shutil.which("tmux"), reason="tmux is not installed: there are no panes")
def test_a_launch_over_the_limit_is_refused_and_starts_nothing(xats, tmp_path):
    with staged(xats, tmp_path) as stage:
        stage.run("limit set agents 1")
        stage.run("launch claude --name bob --window")
        before = stage.panes()
        _, err = stage.run("launch claude --name amy --window", code=4)
        assert "Team crew has reached its limit of agents: 1 of at most 1 agents run. Nothing was started." in err
        assert "xats limit set agents 2" in err
        _, err = stage.run("launch claude --name amy", code=4)  # in the pane itself
        assert "limit of agents" in err
        assert [one for one in stage.panes() if one[1] in ("amy", "bob")] == [one for one in before if one[1] == "bob"]
        assert stage.start("amy") is None
        assert [one["name"] for one in xats("agents", "--json").json()["agents"] if one["name"] == "amy"] == []
        stage.run("down bob --force")
        stage.run("launch claude --name amy --window")
        assert stage.start("amy").state == "running"
