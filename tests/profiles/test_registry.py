"""The user's own files change what xats knows of a client."""

import os
from types import SimpleNamespace

import pytest

from xats.base.errors import NotFound, Usage
from xats.base.process import Process
from xats.clients import processes, registry
from xats.clients.skeleton import skeleton


@pytest.fixture
def environ(tmp_path):
    return {"XATS_CLIENTS": str(tmp_path)}


@pytest.mark.parametrize("name", registry.BUILT_IN)
def test_every_client_has_a_profile_under_its_own_name(name, environ):
    assert registry.find(name, environ).name == name


def test_no_two_clients_have_the_same_executable(environ):
    words = [word for name in registry.BUILT_IN for word in registry.find(name, environ).executables]
    assert len(words) == len(set(words))


def test_a_file_changes_the_fields_it_names_and_no_others(tmp_path, environ):
    before = registry.find("codex", environ)
    (tmp_path / "codex.toml").write_text('busy = ["Cooking"]\nsettle_ms = 300\n')
    after = registry.find("codex", environ)
    assert (after.busy, after.settle_ms) == (("Cooking",), 300)
    assert (after.prompts, after.dialog) == (before.prompts, before.dialog)


def test_a_file_makes_a_client_of_its_own(tmp_path, environ):
    (tmp_path / "mine.toml").write_text('executables = ["mine"]\nprompts = ["% "]\n')
    assert registry.find("mine", environ).prompts == ("% ",)
    assert registry.names(environ)[-1] == "mine"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("colour = 1", "colour"),
        ('busy = "one text"', "busy"),
        ("busy = [1]", "busy"),
        ("settle_ms = -1", "settle_ms"),
        ("settle_ms = true", "settle_ms"),
        ("settle_ms = 5001", "settle_ms"),
        ("cursor = 1", "cursor"),
        ('cursor = "yes"', "cursor"),
        ("settle_ms = [", "cannot be read"),
        ('name = "other"', "name"),
    ],
)
def test_a_wrong_file_is_refused_by_name_and_field(tmp_path, environ, text, says):
    (tmp_path / "codex.toml").write_text(text)
    with pytest.raises(Usage, match=says) as caught:
        registry.find("codex", environ)
    assert "codex.toml" in str(caught.value)


def test_a_client_that_nobody_described_is_generic(environ):
    with pytest.raises(NotFound):
        registry.find("unheard-of", environ)
    assert registry.find_or_generic("unheard-of", environ).name == "generic"


def test_what_a_field_takes_is_said(tmp_path, environ):
    (tmp_path / "codex.toml").write_text("shows_cursor = 1")
    with pytest.raises(Usage) as caught:
        registry.find("codex", environ)
    assert str(caught.value).endswith("cursor must be true or false, not 1.")


@pytest.mark.parametrize(("name", "stands_in"), [("codex", "codex"), ("generic", "generic"), ("mine", "generic")])
def test_a_wrong_file_keeps_no_mail_away_and_is_said_once(tmp_path, environ, caplog, name, stands_in):
    before = registry.find(stands_in, environ)
    (tmp_path / f"{name}.toml").write_text("settle_ms = [")
    for _ in range(2):
        assert registry.find_or_generic(name, environ) == before
    [said] = caplog.messages
    assert f"{name}.toml cannot be read" in said


def test_a_wrong_file_keeps_no_program_from_being_recognised(tmp_path, environ, caplog):
    (tmp_path / "codex.toml").write_text("settle_ms = [")
    assert processes.client_of(Process(1, 1, "claude", 0, 1, 1, 0), environ) == "claude-code"
    assert processes.client_of(Process(1, 1, "codex", 0, 1, 1, 0), environ) == "codex"
    assert "codex.toml cannot be read" in caplog.messages[0]


# -- what a person calls a client -----------------------------------------------------------------------------------

PROFILES = [registry.find(name, {"XATS_CLIENTS": "/"}) for name in registry.BUILT_IN]


@pytest.mark.parametrize(
    ("word", "name"),
    [(word, one.name) for one in PROFILES for word in (one.name, one.name.title(), *registry.spoken(one))],
)
def test_a_client_is_called_by_its_name_its_program_or_its_script(environ, word, name):
    assert registry.called(word, environ).name == name


def test_no_two_clients_are_called_the_same(environ):
    words = [word for one in PROFILES for word in {one.name, *registry.spoken(one)}]
    assert len(words) == len(set(words))


def test_a_client_of_the_user_is_called_by_its_name_or_its_program(tmp_path, environ):
    (tmp_path / "Mine.toml").write_text('executables = ["claude", "mine-bin"]\nscripts = ["mine-script"]\n')
    (tmp_path / "broken.toml").write_text("settle_ms = [")
    for word in ("Mine", "mine-bin", "MINE-SCRIPT"):
        assert registry.called(word, environ).name == "Mine"
    assert registry.called("claude", environ).name == "claude-code"  # which was there before
    with pytest.raises(Usage, match=r"broken\.toml"):
        registry.called("broken", environ)


@pytest.mark.parametrize(
    ("word", "near"),
    [("codx", "codex"), ("claude-cod", "claude-code"), ("gemni", "gemini"), ("cursor-agen", "cursor-agent")],
)
def test_any_other_word_is_refused_with_what_there_is_and_what_is_near(environ, word, near):
    with pytest.raises(NotFound) as caught:
        registry.called(word, environ)
    assert word in str(caught.value) and ", ".join(registry.BUILT_IN) in str(caught.value)
    assert caught.value.hint == f"did you mean {near}?"


def test_a_word_that_is_near_nothing_is_answered_with_how_to_describe_a_client(tmp_path, environ):
    with pytest.raises(NotFound) as caught:
        registry.called("zzz", environ)
    assert caught.value.hint == f"describe it in {tmp_path}/NAME.toml, or take generic"


# -- the skeleton of a profile -----------------------------------------------------------------------------------------


def looked(text: str, x: int, y: int, *, cursor: bool = True, title: str = "mine", bracketed: bool | None = None):
    return SimpleNamespace(
        pane_id="%3", screen=text, cursor_x=x, cursor_y=y, cursor=cursor, title=title, bracketed=bracketed
    )


SKELETONS = [
    (looked("Hello\n\n│ ❯ \n", 4, 2), ["│ ❯ "], True),  # noqa: RUF001
    (looked("Hello\n  > say something\n", 0, 5, cursor=False), ["  > "], False),
    (looked("half a line\n", 11, 0), (), True),
    (looked("", 0, 0, title='a "quoted\\\n\x1b[1m title'), (), True),
    (looked("> \n", 2, 0, bracketed=True), ["> "], True),
]


@pytest.mark.parametrize(("look", "glyphs", "cursor"), SKELETONS)
def test_a_skeleton_is_a_profile_with_what_was_seen(tmp_path, environ, look, glyphs, cursor):
    front = [Process(os.getpid(), 1, "python3", 0, 1, 1, 0)]
    (tmp_path / "mine.toml").write_text(skeleton(look, front, environ))
    found = registry.find("mine", environ)
    assert (found.prompts, found.shows_cursor, found.bracketed_paste) == (tuple(glyphs), cursor, bool(look.bracketed))
    assert (found.executables or found.scripts) and not found.busy


def test_the_name_of_a_skeleton_is_none_that_xats_has(environ):
    text = skeleton(looked("", 0, 0), [Process(1, 1, "codex", 0, 1, 1, 0)], environ)
    assert f"{environ['XATS_CLIENTS']}/my-codex.toml" in text
    assert "--client my-codex" in text
    assert "my-agent" in skeleton(looked("", 0, 0), [Process(1, 1, "bash", 0, 1, 1, 0)], environ)


@pytest.mark.parametrize("of_folder", [False, True])
def test_a_file_that_others_can_change_is_left_out(tmp_path, environ, caplog, of_folder):
    """It says what is a dialog, and what may be typed into."""
    path = tmp_path / "codex.toml"
    path.write_text('dialog = ["never"]\n')
    changed = tmp_path if of_folder else path
    changed.chmod(0o777)
    with pytest.raises(Usage, match=f"other users can write to .*{changed.name}") as caught:
        registry.find("codex", environ)
    assert caught.value.hint.startswith("chmod go-w ")
    assert registry.find_or_generic("codex", environ).dialog == registry.find("codex", {"XATS_CLIENTS": "/none"}).dialog
    changed.chmod(0o700)
    assert registry.find("codex", environ).dialog == ("never",)
