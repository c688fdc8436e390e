"""--verbose and XATS_DEBUG: which store, team and agent, by which rule, what was written, and where an error arose."""

import json

import pytest

from tests.cli.test_lane import imported


@pytest.fixture
def mail(xats, crew):
    return xats


def said(ran) -> list[str]:
    return [line.removeprefix("xats: debug: ") for line in ran.stderr.splitlines() if line.startswith("xats: debug: ")]


def test_it_says_what_a_command_used_and_why(mail):
    lines = said(mail("send", "bob", "hi", "--as", "alice", "-v"))
    assert lines[:4] == [
        f"store: {mail.path}, by XATS_HOME",
        "store: opened with schema 22".replace("22", lines[1].split()[-1]),
        f"team: crew, by the project in {mail.folder}",
        "agent: alice@crew, because --as says so",
    ]
    assert lines[4].startswith("wrote: event ")
    assert "message_sent message:1, by alice" in " ".join(lines)
    assert any(line.startswith("wrote: wake 1 of bob@crew: queued, next attempt 20") for line in lines)
    assert lines[-1] == "daemon: none runs"


@pytest.mark.parametrize(
    "words, env, source",
    [
        (["--as", "alice"], {"XATS_DB": "{path}"}, "store: {path}, by XATS_DB"),
        (["--as", "alice", "--db", "{path}"], {}, "store: {path}, by --db"),
        (["--as", "alice", "--team", "crew"], {}, "team: crew, by --team"),
        (["--as", "alice"], {"XATS_TEAM": "crew"}, "team: crew, by XATS_TEAM"),
        (["--as", "alice@crew"], {}, "team: crew, by --as"),
        ([], {"XATS_AGENT": "alice@crew"}, "team: crew, by XATS_AGENT"),
        ([], {"XATS_AGENT": "alice"}, "agent: alice@crew, because XATS_AGENT says so"),
    ],
)
def test_it_names_the_source(mail, words, env, source):
    filled = [word.format(path=mail.path) for word in words]
    ran = mail("whoami", *filled, "--verbose", env={name: value.format(path=mail.path) for name, value in env.items()})
    assert source.format(path=mail.path) in said(ran)


def test_the_variable_does_the_same_for_every_command(mail):
    by_option, by_variable = mail("inbox", "--as", "bob", "-v"), mail("inbox", "--as", "bob", env={"XATS_DEBUG": "1"})
    assert said(by_option) == said(by_variable) != []


def test_the_output_is_the_same(mail):
    plain, loud = mail("task", "list", "--json"), mail("task", "list", "--json", "-v")
    assert plain.stderr == ""
    assert loud.stdout == plain.stdout


def test_an_error_has_its_traceback_before_it(mail):
    done = mail.run([*mail.words, "send", "nobody", "hi", "--as", "alice", "-v", "--json"])
    lines = done.stderr.decode().splitlines()
    assert done.returncode == 3
    assert "Traceback (most recent call last):" in lines
    assert "agent: alice@crew, because --as says so" in lines[3]
    assert json.loads(lines[-1])["error"]["code"] == "unknown_recipient"


def test_a_new_store_and_a_new_person(xats):
    shown = xats.on_terminal("inbox", "-v")
    assert "xats: debug: store: created" in shown
    assert "carol@crew, because you type on a terminal" in shown


def test_the_overview_says_it_too(mail):
    assert f"xats: debug: store: {mail.path}, by XATS_HOME" in mail("-v").stderr


def test_it_costs_nothing_when_it_is_off(mail, tmp_path):
    words = ["send", "bob", "hi", "--as", "alice"]
    assert not {"xats.cli.kit.verbose", "xats.core.waking.trace"} & imported(mail, words, tmp_path, mail.run)
    assert "xats.cli.kit.verbose" in imported(mail, [*words, "-v"], tmp_path, mail.run)


def test_a_slow_reader_of_stderr_holds_no_lock(mail, crew):
    """The lines of a transaction are printed after it."""
    from xats.cli.kit.verbose import Verbose

    here = Verbose(as_name="alice", team="crew", db=mail.path)
    told = []
    here._tell = lambda *texts: told.append(texts)  # type: ignore[method-assign]
    inside = []
    here.write(lambda tx, me: inside.append(len(told)))
    assert inside[0] == 1  # that the store was opened
    assert len(told) > 1
    here.store.close()
