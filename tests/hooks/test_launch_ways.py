"""How each program is given its hooks for one launch: which words, variables and files, and what is refused."""

import itertools
import json
import os
import stat
import time
import tomllib

import pytest

from xats.base.errors import Refused, SettingsUnusable
from xats.clients import codex, model
from xats.hooks import clients, launch
from xats.hooks.install import merge, plugins
from xats.hooks.install.json_parse import parse
from xats.hooks.install.plan import carry_out, plan_install


@pytest.fixture
def place(tmp_path):
    for name in ("home", "project", "state"):
        (tmp_path / name).mkdir()
    (tmp_path / "xats").write_text("#!/bin/sh\n")
    (tmp_path / "xats").chmod(0o700)
    environ = {"HOME": str(tmp_path / "home")}
    folder = str(tmp_path / "state" / "launch")
    return launch.Place(environ, str(tmp_path / "project"), folder, (str(tmp_path / "xats"),))


def plan(place, name, *arguments, writable=None, **environ):
    there = launch.Place({**place.environ, **environ}, place.project, place.folder, place.xats)
    return launch.plan(name, f"/bin/{name}", arguments, there, writable)


def hooks_of(place, name):
    """Return what `hook install` writes into an empty file."""
    client = clients.find(name)
    return json.loads(merge.add("", client, place.xats))["hooks"]


def put_in(place, name, scope="user"):
    """Install the hooks of the client; return the file."""
    client = clients.find(name)
    path = client.path(scope, place.environ, place.project)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    carry_out(plan_install(client, path, place.xats))
    return path


# -- Claude Code -------------------------------------------------------------------------------------------------------


def test_claude_code_gets_its_hooks_as_settings_before_what_the_user_gives(place):
    found = plan(place, "claude-code", "-p", "hi there", "--model", "opus")
    assert found.words[:2] == ("/bin/claude-code", "--settings")
    assert json.loads(found.words[2]) == {"hooks": hooks_of(place, "claude-code")}
    assert found.words[3:] == ("-p", "hi there", "--model", "opus")
    assert (found.environ, found.files, found.hooks, found.notes) == ({}, (), "launch", ())


MINE = {"model": "opus", "hooks": {"Stop": [{"hooks": [{"type": "command", "command": "mine"}]}]}}


@pytest.mark.parametrize("form", ["file", "inline", "equals", "two"])
def test_claude_code_heeds_one_settings_so_ours_are_added_to_the_users(place, tmp_path, form):
    text = json.dumps(MINE)
    path = tmp_path / "mine.json"
    path.write_text(text)
    given = {
        "file": ("--settings", str(path)),
        "inline": ("--settings", text),
        "equals": (f"--settings={path}",),
        "two": ("--settings", "{}", "--settings", text),
    }[form]
    found = plan(place, "claude-code", "-c", *given, "--", "--settings")
    assert found.words[0:2] == ("/bin/claude-code", "-c")
    assert found.words[-4] == "--settings"
    assert found.words[-2:] == ("--", "--settings")
    settings = found.words[-3]
    if form in ("file", "equals"):  # it may hold keys, and everybody can read a command line
        (written,) = found.files
        assert written[0] == settings
        assert os.path.dirname(settings) == place.folder
        settings = written[1]
    merged = json.loads(settings)
    assert merged["model"] == "opus"
    wanted = hooks_of(place, "claude-code")
    wanted["Stop"] = MINE["hooks"]["Stop"] + wanted["Stop"]
    assert merged["hooks"] == wanted
    assert path.read_text() == text


@pytest.mark.parametrize(
    "given, words", [("{,}", "line 1, column 2"), ("/nowhere.json", "does not exist"), ("[1]", "does not exist")]
)
def test_settings_that_hooks_cannot_be_added_to_are_refused(place, given, words):
    with pytest.raises(SettingsUnusable, match=words):
        plan(place, "claude-code", "--settings", given)


# -- Codex -------------------------------------------------------------------------------------------------------------


def overrides(words):
    """Return what the -c of a command line set, as Codex reads it."""
    found = {}
    for option, value in itertools.pairwise(words):
        if option == "-c":
            key, _, toml = value.partition("=")
            found[key] = tomllib.loads(f"x = {toml}")["x"]
    return found


def test_codex_gets_its_hooks_as_overrides_and_no_daemon(place):
    found = plan(place, "codex", "resume", "--last")
    assert overrides(found.words) == {f"hooks.{event}": groups for event, groups in hooks_of(place, "codex").items()}
    assert found.words[-3:] == ("--no-daemon", "resume", "--last")
    assert found.hooks == "launch"
    assert any("Hooks need review" in note for note in found.notes)


def test_codex_says_no_daemon_once(place):
    assert plan(place, "codex", "--no-daemon").words.count("--no-daemon") == 1
    put_in(place, "codex")
    found = plan(place, "codex", "x")
    assert found.words == ("/bin/codex", "--no-daemon", "x")
    assert found.hooks == "installed"


@pytest.mark.parametrize(
    "given", [("-c", "hooks.Stop=[]"), ("-chooks.Stop=[]",), ("--config=hooks={}",), ("--config", "hooks={}")]
)
def test_hooks_of_the_users_own_for_one_launch_are_not_overridden(place, given):
    with pytest.raises(Refused, match="-c hooks"):
        plan(place, "codex", *given)
    put_in(place, "codex")
    assert plan(place, "codex", *given).words[2:] == given  # nothing of ours is in the way


def test_a_session_elsewhere_is_refused(place):
    with pytest.raises(Refused, match="--remote"):
        plan(place, "codex", "--remote", "unix://")
    assert plan(place, "codex", "--", "--remote").hooks == "launch"


def test_a_folder_that_the_sandbox_may_write(place):
    words = plan(place, "codex", "x", writable="/my store").words
    assert words[-4:] == ("--no-daemon", "--add-dir", "/my store", "x")


@pytest.mark.parametrize(
    "text, may",
    [
        ("", False),
        ("[sandbox_workspace_write]\nwritable_roots = ['/a']", True),
        ("[sandbox_workspace_write]\nwritable_roots = ['/a/b/c']", False),
        ("[sandbox_workspace_write]\nwritable_roots = 3", False),
        ("broken", False),
    ],
)
def test_whether_the_sandbox_may_write_anyway(tmp_path, text, may):
    (tmp_path / "config.toml").write_text(text)
    assert codex.sandbox_writes(str(tmp_path / "config.toml"), "/a/b") is may
    assert codex.sandbox_writes(str(tmp_path / "none.toml"), "/a/b") is False


# -- those that read a file --------------------------------------------------------------------------------------------


def test_opencode_is_named_a_plugin(place):
    found = plan(place, "opencode", "run", "hi")
    ((path, text),) = found.files
    assert found.words == ("/bin/opencode", "run", "hi")
    assert json.loads(found.environ["OPENCODE_CONFIG_CONTENT"]) == {"plugin": [f"file://{path}"]}
    assert text == plugins.write(clients.find("opencode"), place.xats)
    assert os.path.dirname(path) == place.folder
    assert not os.path.exists(place.folder)  # a plan writes nothing


@pytest.mark.parametrize(
    "given, kept",
    [
        ('{"model": "a/b"}', {"model": "a/b", "plugin": []}),
        ('{"plugin": ["x@1"], /* why */ "model": "a/b"}', {"model": "a/b", "plugin": ["x@1"]}),
        ("  ", {"plugin": []}),
    ],
)
def test_the_users_own_configuration_of_opencode_stays(place, given, kept):
    found = plan(place, "opencode", OPENCODE_CONFIG_CONTENT=given)
    content = parse(found.environ["OPENCODE_CONFIG_CONTENT"], comments=True).value
    assert content["plugin"].pop() == f"file://{found.files[0][0]}"
    assert content == kept


@pytest.mark.parametrize("given", ["[]", "{", '{"plugin": "x"}'])
def test_a_configuration_of_opencode_that_is_none_is_refused(place, given):
    with pytest.raises(SettingsUnusable, match="OPENCODE_CONFIG_CONTENT: line 1"):
        plan(place, "opencode", OPENCODE_CONFIG_CONTENT=given)


def test_qwen_gets_the_defaults_of_the_system_with_ours(place, tmp_path):
    system = tmp_path / "system-defaults.json"
    system.write_text('{"theme": "x", // why\n "hooks": {"Stop": []}}')
    for environ in (
        {"QWEN_CODE_SYSTEM_DEFAULTS_PATH": str(system)},
        {"QWEN_CODE_SYSTEM_SETTINGS_PATH": str(tmp_path / "settings.json")},
    ):
        found = plan(place, "qwen", **environ)
        ((path, text),) = found.files
        assert found.environ == {"QWEN_CODE_SYSTEM_DEFAULTS_PATH": path}
        assert text.startswith('{"theme": "x", // why\n')
        assert not merge.missing(parse(text, comments=True).value, clients.find("qwen"))
        assert not found.notes
    assert system.read_text() == '{"theme": "x", // why\n "hooks": {"Stop": []}}'


def test_a_file_is_private_whole_and_named_by_its_content(place):
    path, text = plan(place, "opencode").files[0]
    launch.write(path, text)
    launch.write(path, text)
    assert os.listdir(place.folder) == [os.path.basename(path)]
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o600
    assert stat.S_IMODE(os.stat(place.folder).st_mode) == 0o700
    other = launch.Place(place.environ, place.project, place.folder, ("/other/xats",))
    assert launch.plan("opencode", "/bin/opencode", (), other).files[0][0] != path


def test_files_of_long_ago_go_and_no_others(place):
    path, text = plan(place, "opencode").files[0]
    os.makedirs(place.folder)
    old = time.time() - launch.STALE - 60
    for name, at in (("opencode-old.js", old), (".left", old), ("qwen-old.json", old), ("opencode-new.js", None)):
        with open(os.path.join(place.folder, name), "w"):
            pass
        if at:
            os.utime(os.path.join(place.folder, name), (at, at))
    launch.write(path, text)
    launch.forget(path, time.time_ns() // 1_000_000)
    assert set(os.listdir(place.folder)) == {os.path.basename(path), "opencode-new.js", "qwen-old.json"}


# -- all of them -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["gemini", "cursor", "copilot", "amp"])
def test_who_has_no_such_way_is_told_what_to_do(place, name):
    found = plan(place, name, "x")
    assert (found.words, found.environ, found.files, found.hooks) == ((f"/bin/{name}", "x"), {}, (), "none")
    assert found.notes == (f"{name} takes no hooks for one launch only; use: xats hook install {name}",)


def test_who_has_no_hooks_at_all(place):
    found = plan(place, "aider")
    assert (found.words, found.hooks) == (("/bin/aider",), "none")
    assert "no hooks" in found.notes[0]


@pytest.mark.parametrize("scope", ["user", "project"])
@pytest.mark.parametrize("name", clients.NAMES)
def test_hooks_that_are_installed_are_not_given_once_more(tmp_path, place, name, scope):
    path = put_in(place, name, scope)
    found = plan(place, name, "x")
    assert (found.environ, found.files, found.hooks, found.notes) == ({}, (), "installed", ())
    assert found.words[-1] == "x"
    assert len(found.words) == (3 if name == "codex" else 2)
    (tmp_path / "xats").unlink()  # what cannot run is no hindrance
    assert plan(place, name, "x").hooks == ("launch" if model.load(name).launch else "none")
    os.unlink(path)


def test_hooks_of_an_older_xats_are_told(place):
    path = put_in(place, "claude-code")
    with open(path) as file:
        value = json.load(file)
    del value["hooks"]["Stop"]
    with open(path, "w") as file:
        json.dump(value, file)
    found = plan(place, "claude-code")
    assert found.hooks == "installed"
    assert found.notes == (f"{path} is not as this xats writes it; fix: xats hook install claude-code",)
    with open(path, "w") as file:
        json.dump({**value, "disableAllHooks": True}, file)
    assert "disableAllHooks" in plan(place, "claude-code").notes[0]


def test_codex_is_told_of_a_program_that_a_login_shell_may_not_find():
    """It was seen to run commands in one: with xats in a virtual environment its agent cannot answer its mail."""
    said = launch.beside_login(codex.CLIENT, "/venv/bin/xats", {"HOME": "/home/kim"})
    assert said and "lacks /venv/bin, " in said
    assert launch.beside_login(codex.CLIENT, "/home/kim/.local/bin/xats", {"HOME": "/home/kim"}) is None
    assert launch.beside_login(codex.CLIENT, "/usr/bin/xats", {}) is None
    assert launch.beside_login(codex.CLIENT, "/usr/bin/python3", {}), "it is run as a module, and no program is there"
