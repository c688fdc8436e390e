"""The home folder, the folders of the XDG specification, and the folders that xats creates."""

import os
import pwd
import stat
import sys

import pytest

from xats.base import folders
from xats.base.folders import NoHome
from xats.clients import registry
from xats.delivery.transports import command
from xats.hooks import clients
from xats.store.sqlite import paths

ACCOUNT = pwd.getpwuid(os.getuid()).pw_dir
USUAL = "Library/Application Support" if sys.platform == "darwin" else ".config"


@pytest.fixture
def no_account(monkeypatch):
    def unknown(uid):
        raise KeyError(uid)

    monkeypatch.setattr(pwd, "getpwuid", unknown)


@pytest.mark.parametrize("given", [None, "", "relative/dir", "~", "./x", "."])
def test_a_home_that_is_no_absolute_path_is_ignored(given, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    environ = {} if given is None else {"HOME": given}
    assert folders.home(environ) == ACCOUNT
    assert paths.default_path(environ) == f"{ACCOUNT}/.local/state/xats/xats.db"
    assert clients.find("claude-code").path("user", environ, "/p") == f"{ACCOUNT}/.claude/settings.json"


@pytest.mark.parametrize("given", [None, "", "relative", "~"])
def test_without_home_and_account_it_is_said_what_to_set(given, no_account):
    environ = {} if given is None else {"HOME": given}
    for ask in (
        lambda: folders.home(environ),
        lambda: paths.default_path(environ),
        lambda: paths.default_path({**environ, "XDG_STATE_HOME": "relative"}),
        lambda: paths.default_path({**environ, "XATS_HOME": "~/x"}),
        lambda: clients.find("codex").path("user", environ, "/p"),
    ):
        with pytest.raises(NoHome) as caught:
            ask()
        assert "no account" in str(caught.value)
        assert "export XATS_HOME=" in caught.value.hint
        assert caught.value.exit == 2
    assert paths.default_path({**environ, "XATS_HOME": "/s"}) == "/s/xats.db"
    assert paths.default_path({**environ, "XATS_DB": "/s/x"}) == "/s/x"
    assert registry.folder(environ) is None
    assert registry.find("codex", environ).name == "codex"
    assert "generic" in registry.names(environ)
    with pytest.raises(NoHome):
        command.program(environ)


@pytest.mark.parametrize("given", ["", "relative/dir", "~", "~/state", "./state"])
def test_a_relative_xdg_path_is_ignored(given, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    environ = {"HOME": "/h", "XDG_STATE_HOME": given, "XDG_CONFIG_HOME": given}
    assert paths.default_path(environ) == "/h/.local/state/xats/xats.db"
    assert registry.folder(environ) == f"/h/{USUAL}/xats/clients"
    assert clients.find("opencode").path("user", environ, "/p") == "/h/.config/opencode/plugins/xats.js"
    with pytest.raises(command.Unusable, match=f"no program /h/{USUAL}/xats/wake"):
        command.program(environ)


def test_an_absolute_xdg_path_is_used():
    environ = {"HOME": "/h", "XDG_STATE_HOME": "/s", "XDG_CONFIG_HOME": "/c"}
    assert paths.default_path(environ) == "/s/xats/xats.db"
    assert registry.folder(environ) == "/c/xats/clients"
    assert clients.find("opencode").path("user", environ, "/p") == "/c/opencode/plugins/xats.js"


@pytest.mark.parametrize("variable, path", [("XATS_HOME", "/h/q/xats.db"), ("XATS_DB", "/h/q")])
def test_a_tilde_that_no_shell_has_expanded_is_the_home_folder(variable, path):
    assert paths.default_path({"HOME": "/h", variable: "~/q"}) == path


def test_no_folder_is_called_tilde(xats):
    where = str(xats.folder)
    for name, value in (("XATS_HOME", "~"), ("XATS_HOME", "~/q"), ("XATS_DB", "~/mail.db"), ("XDG_STATE_HOME", "~/s")):
        xats("register", "kim", "--no-pane", "--client", "human", env={"XATS_HOME": None, name: value})
    xats("--db=~/other.db", "register", "kim", "--no-pane", "--client", "human")
    xats("register", "kim", "--no-pane", "--client", "human", env={"XATS_HOME": None, "XDG_STATE_HOME": "relative"})
    assert os.listdir(where) == []
    found = sorted(one for one in os.listdir(xats.home) if not one.startswith("."))
    assert found == ["mail.db", "other.db", "q", "xats.db"]


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o077, 0o777])
def test_every_folder_above_the_store_is_for_its_owner_alone_whatever_the_umask(xats, umask):
    before = os.umask(umask)
    try:
        for env in ({"XATS_HOME": str(xats.home / "deep" / "er" / "s")}, {"XATS_HOME": None}):
            xats("register", "kim", "--no-pane", "--client", "human", env=env)
            xats("db", "backup", env=env)
            xats("hook", "install", "claude-code", "--yes", env=env)
    finally:
        os.umask(before)
    modes = {}
    for folder, inner, files in os.walk(xats.home):
        for name in (*inner, *files):
            path = os.path.join(folder, name)
            modes[os.path.relpath(path, xats.home)] = stat.S_IMODE(os.lstat(path).st_mode)
    assert {"deep", "deep/er", "deep/er/s", ".local", ".local/state", ".local/state/xats", ".claude"} <= set(modes)
    wrong = {
        name: oct(mode) for name, mode in modes.items() if mode != (0o700 if os.path.isdir(xats.home / name) else 0o600)
    }
    assert wrong == {}


def test_a_folder_that_is_there_keeps_its_mode(tmp_path):
    (tmp_path / "there").mkdir()
    (tmp_path / "there").chmod(0o750)
    folders.make(str(tmp_path / "there" / "new"))
    assert stat.S_IMODE((tmp_path / "there").stat().st_mode) == 0o750
    assert stat.S_IMODE((tmp_path / "there" / "new").stat().st_mode) == 0o700


def test_a_file_in_place_of_a_folder_is_an_error(tmp_path):
    (tmp_path / "file").write_text("")
    for path in ("file", "file/inner"):
        with pytest.raises(OSError):
            folders.make(str(tmp_path / path))
