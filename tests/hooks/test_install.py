"""Files are changed whole or not at all, kept, given back, and never taken from whoever else writes them."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import threading

import pytest

from tests.conftest import clean
from tests.support.texts import MERGED, OWN, WORDS, real
from xats.base.errors import SettingsBusy, SettingsUnusable
from xats.hooks import clients
from xats.hooks.install import files, merge
from xats.hooks.install.installed import look
from xats.hooks.install.plan import carry_out, diff, own, plan_install, plan_uninstall

CLAUDE = clients.find("claude-code")
TEXT = real("claude-code")


def install(path, client=CLAUDE, words=WORDS):
    plan = plan_install(client, str(path), words)
    carry_out(plan)
    return plan


def uninstall(path, client=CLAUDE, **options):
    plan = plan_uninstall(client, str(path), **options)
    carry_out(plan)
    return plan


def names(folder):
    return sorted(os.listdir(folder))


@pytest.fixture
def path(tmp_path):
    made = tmp_path / "settings.json"
    made.write_text(TEXT)
    return made


# -- to and fro --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("client", MERGED, ids=lambda one: one.name)
def test_a_real_file_is_given_back_to_the_byte(tmp_path, client):
    path = tmp_path / "file.json"
    path.write_bytes(real(client.name).encode())
    assert install(path, client).action == "changed"
    assert names(tmp_path) == ["file.json", "file.json.xats-backup"]
    assert (tmp_path / "file.json.xats-backup").read_bytes() == real(client.name).encode()
    written = path.stat().st_mtime_ns, path.read_bytes()
    assert install(path, client).action == "unchanged"
    assert (path.stat().st_mtime_ns, path.read_bytes()) == written
    assert uninstall(path, client).action == "restored"
    assert path.read_bytes() == real(client.name).encode()
    assert names(tmp_path) == ["file.json"]
    assert uninstall(path, client).action == "unchanged"


@pytest.mark.parametrize("client", clients.CLIENTS, ids=lambda one: one.name)
def test_a_file_that_was_not_there_goes_again(tmp_path, client):
    path = tmp_path / "deep" / "er" / "file"
    assert install(path, client).action == "created"
    assert path.stat().st_mode & 0o777 == 0o600
    assert install(path, client).action == "unchanged"
    assert names(path.parent) == ["file"]
    assert uninstall(path, client).action == "removed"
    assert names(path.parent) == []
    assert uninstall(path, client).action == "unchanged"


@pytest.mark.parametrize(
    "before", [b"", b" \n", b"{}", b"{ }", b"\xef\xbb\xbf{\r\n}\r\n", b'{"hooks": { "Stop" : [ ] }}']
)
def test_odd_files_are_given_back_to_the_byte(tmp_path, before):
    path = tmp_path / "file"
    path.write_bytes(before)
    install(path)
    assert json.loads(path.read_bytes().decode("utf-8-sig"))["hooks"].keys() == {one.event for one in CLAUDE.events}
    uninstall(path)
    assert path.read_bytes() == before


def test_what_others_changed_meanwhile_stays(path, tmp_path):
    install(path)
    path.write_text(path.read_text().replace('"opus"', '"sonnet"'))
    assert uninstall(path).action == "changed"
    assert path.read_text() == TEXT.replace('"opus"', '"sonnet"')
    assert names(tmp_path) == ["settings.json"]


def test_the_backup_is_from_before_the_first_time(path):
    install(path, words=("/old/bin/xats",))
    path.write_text(path.read_text().replace('"opus"', '"sonnet"'))
    install(path)
    assert (path.parent / "settings.json.xats-backup").read_text() == TEXT
    uninstall(path)
    assert path.read_text() == TEXT.replace('"opus"', '"sonnet"')


def test_a_program_that_moved_is_brought_up_to_date_and_given_back(path):
    install(path, words=("/old/bin/xats",))
    install(path)
    assert "/old/bin" not in path.read_text()
    assert uninstall(path).action == "restored"
    assert path.read_text() == TEXT


# -- with a waiter -----------------------------------------------------------------------------------------------------


@pytest.fixture
def program(tmp_path_factory):
    """A program called xats."""
    made = tmp_path_factory.mktemp("bin") / "xats"
    made.write_text("#!/bin/sh\n")
    made.chmod(0o755)
    return str(made)


def waits(path):
    """Return the handlers of waiters in the file, by their events."""
    hooks = json.loads(path.read_text())["hooks"]
    return {
        event: handler
        for event, groups in hooks.items()
        for group in groups
        for handler in group["hooks"]
        if "hook wait" in handler["command"]
    }


def test_a_waiter_comes_and_goes_when_it_is_asked_for(path, program):
    words = (program,)
    carry_out(plan_install(CLAUDE, str(path), words, waiter=True))
    found = waits(path)
    assert found.keys() == {"SessionStart", "Stop"}
    for handler in found.values():
        assert handler == {
            "type": "command",
            "command": f"PYTHONPATH= PYTHONHOME= PYTHONSAFEPATH=1 {words[0]} hook wait claude-code",
            "asyncRewake": True,
            "timeout": 604800,
        }
    installed = look(CLAUDE, "user", str(path), words)
    assert (installed.state, installed.waiter, len(installed.events)) == ("installed", True, 8)
    assert install(path, words=words).action == "unchanged"  # to bring it up to date does not take it away
    carry_out(plan_install(CLAUDE, str(path), ("/new/xats",)))
    assert {one["command"] for one in waits(path).values()} == {
        "PYTHONPATH= PYTHONHOME= PYTHONSAFEPATH=1 /new/xats hook wait claude-code"
    }
    carry_out(plan_install(CLAUDE, str(path), ("/new/xats",), waiter=False))
    assert waits(path) == {}
    assert look(CLAUDE, "user", str(path), ("/new/xats",)).waiter is False
    assert uninstall(path).action == "restored"
    assert path.read_text() == TEXT


def test_a_waiter_goes_with_the_hooks_to_the_byte(path, tmp_path):
    carry_out(plan_install(CLAUDE, str(path), WORDS, waiter=True))
    assert uninstall(path).action == "restored"
    assert (path.read_text(), names(tmp_path)) == (TEXT, ["settings.json"])


def test_half_a_waiter_is_stale_and_mended(path, program):
    words = (program,)
    carry_out(plan_install(CLAUDE, str(path), words, waiter=True))
    value = json.loads(path.read_text())
    value["hooks"]["Stop"] = value["hooks"]["Stop"][:-1]
    path.write_text(json.dumps(value))
    installed = look(CLAUDE, "user", str(path), words)
    assert (installed.state, installed.missing, installed.waiter) == ("stale", ("Stop",), True)
    install(path, words=words)
    assert waits(path).keys() == {"SessionStart", "Stop"}


# -- files of our own --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("client", OWN, ids=lambda one: one.name)
def test_an_own_file_that_was_changed_is_nobodys_to_remove(tmp_path, client):
    path = tmp_path / "file"
    install(path, client)
    path.write_text(path.read_text().replace("timeoutSec", "retries").replace("LIMIT = 10000", "LIMIT = 1"))
    for refused in (lambda: install(path, client), lambda: uninstall(path, client)):
        with pytest.raises(SettingsUnusable) as caught:
            refused()
        assert "--force" in caught.value.hint
    uninstall(path, client, force=True)
    assert names(tmp_path) == []


@pytest.mark.parametrize("client", OWN, ids=lambda one: one.name)
def test_an_own_file_of_another_xats_is_brought_up_to_date(tmp_path, client):
    path = tmp_path / "file"
    install(path, client, ("/old/bin/xats",))
    assert install(path, client).action == "changed"
    assert path.read_text() == own(client, WORDS)
    assert names(tmp_path) == ["file"]


@pytest.mark.parametrize("hooks", ["{}", "[]", '{"Stop": null}', '{"Stop": true}', '{"Stop": [null]}'])
@pytest.mark.parametrize("client", OWN, ids=lambda one: one.name)
def test_somebody_elses_file_of_that_name_stays(tmp_path, client, hooks):
    path = tmp_path / "file"
    text = f'{{"version": 1, "hooks": {hooks}}}\n'
    path.write_text(text)
    for refused in (lambda: install(path, client), lambda: uninstall(path, client)):
        with pytest.raises(SettingsUnusable):
            refused()
    assert path.read_text() == text
    assert look(client, "user", str(path), WORDS).state == "absent"


# -- files that are not plain ------------------------------------------------------------------------------------------


def test_the_mode_stays(path, tmp_path):
    path.chmod(0o640)
    install(path)
    assert {name: (tmp_path / name).stat().st_mode & 0o777 for name in names(tmp_path)} == {
        "settings.json": 0o640,
        "settings.json.xats-backup": 0o640,
    }


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_the_owner_stays(path):
    os.chown(path, 1234, 2345)
    install(path)
    assert (path.stat().st_uid, path.stat().st_gid) == (1234, 2345)


def test_a_link_stays_a_link(path, tmp_path):
    home = tmp_path / "home"
    home.mkdir()
    link = home / "settings.json"
    link.symlink_to("../settings.json")
    install(link)
    assert os.readlink(link) == "../settings.json"
    assert "xats" in path.read_text()
    assert names(home) == ["settings.json"]
    uninstall(link)
    assert path.read_text() == TEXT
    assert names(tmp_path) == ["home", "settings.json"]


def dangle(path):
    path.unlink()
    path.symlink_to("nowhere")


def second_name(path):
    os.link(path, f"{path}.2")


def folder(path):
    path.unlink()
    path.mkdir()


def pipe(path):
    path.unlink()
    os.mkfifo(path)


@pytest.mark.parametrize(
    "spoil, said",
    [
        (dangle, "which does not exist"),
        (second_name, "hard link"),
        (folder, "not a regular file"),
        (pipe, "not a regular file"),
        (lambda path: path.chmod(0o400), "read-only"),
        (lambda path: path.write_bytes(b'{\n"a": "\xff"}'), "line 2, byte 7"),
        (lambda path: path.write_bytes(b" " * (5 << 20)), "must not exceed"),
        (lambda path: path.write_text('{\n "a": 1,\n}'), "line 2, column 8"),
    ],
)
def test_what_cannot_be_changed_safely_is_refused_and_left(path, tmp_path, spoil, said):
    spoil(path)
    before = names(tmp_path)
    with pytest.raises(SettingsUnusable) as caught:
        install(path)
    assert said in str(caught.value)
    assert names(tmp_path) == before


def test_what_is_in_the_place_of_the_backup_is_said_and_left(path, tmp_path):
    """It would be taken for the content from before."""
    backup = tmp_path / "settings.json.xats-backup"
    install(path)
    backup.unlink()
    backup.mkdir()
    for refused in (install, uninstall):
        with pytest.raises(SettingsUnusable, match="xats cannot read it: it is not a regular file") as caught:
            refused(path)
        assert caught.value.hint == "move it away"
    backup.rmdir()
    backup.symlink_to(tmp_path / "secret")  # as in a repository that was cloned
    (tmp_path / "secret").write_text("of somebody")
    for refused in (install, uninstall):
        with pytest.raises(SettingsUnusable, match="xats cannot read it"):
            refused(path)
    backup.unlink()
    uninstall(path)
    assert json.loads(path.read_text()) == json.loads(TEXT)


def test_the_line_that_mends_a_read_only_file_can_be_pasted(tmp_path):
    path = tmp_path / "it's mine" / "settings.json"
    path.parent.mkdir()
    path.write_text("{}")
    path.chmod(0o400)
    with pytest.raises(SettingsUnusable) as caught:
        install(path)
    subprocess.run(["sh", "-c", caught.value.hint], check=True, timeout=20)
    install(path)


# -- others who write it too -------------------------------------------------------------------------------------------


def test_who_changed_it_since_it_was_shown_wins(path, tmp_path):
    plan = plan_install(CLAUDE, str(path), WORDS)
    path.write_text("{}")
    with pytest.raises(SettingsBusy):
        carry_out(plan)
    assert path.read_text() == "{}"
    assert names(tmp_path) == ["settings.json"]


def test_who_made_it_or_took_it_away_meanwhile_wins(path):
    plan = plan_install(CLAUDE, str(path), WORDS)
    path.unlink()
    new = plan_install(CLAUDE, str(path), WORDS)
    with pytest.raises(SettingsBusy):
        carry_out(plan)
    assert not path.exists()
    path.write_text("{}")
    with pytest.raises(SettingsBusy):
        carry_out(new)
    assert path.read_text() == "{}"


def test_a_change_between_the_draft_and_the_rename_wins(path, tmp_path, monkeypatch):
    monkeypatch.setattr(files, "point", lambda name: name == "hooks.drafted" and path.write_text("{}"))
    with pytest.raises(SettingsBusy):
        install(path)
    assert path.read_text() == "{}"
    assert ".settings.json.xats-draft" not in names(tmp_path)


PROGRAM = """
import sys
from xats.base.errors import SettingsBusy
from xats.hooks import clients
from xats.hooks.install.plan import carry_out, plan_install, plan_uninstall
path, client, install = sys.argv[1], clients.find(sys.argv[2]), sys.argv[3] == "install"
while True:
    try:
        carry_out(plan_install(client, path, ("/opt/bin/xats",)) if install else plan_uninstall(client, path))
        break
    except SettingsBusy:
        continue
"""


def start(path, client="claude-code", verb="install", **environ):
    return subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(path), client, verb], env={**clean(os.environ), **environ}
    )


def test_many_at_once_do_it_once(path):
    running = [start(path) for _ in range(6)]
    assert [one.wait(60) for one in running] == [0] * 6
    assert path.read_text() == merge.add(TEXT, CLAUDE, ("/opt/bin/xats",))
    assert (path.parent / "settings.json.xats-backup").read_text() == TEXT


def test_another_writer_loses_nothing(path):
    """A client that writes its settings all the time, whole and by rename, while xats goes in and out.

    It pauses a little longer each time, so that a slow machine gets its turn.
    """
    stop = threading.Event()
    count = 0

    def write():
        nonlocal count
        while not stop.is_set():
            value = json.loads(path.read_text())
            value["count"] = count + 1
            draft = path.with_name("draft")
            draft.write_text(json.dumps(value, indent=2))
            draft.replace(path)
            count += 1
            stop.wait(min(0.02 * count, 2))

    writer = threading.Thread(target=write)
    writer.start()
    try:
        for verb in ("install", "uninstall", "install"):
            running = start(path, verb=verb)
            try:
                assert running.wait(60) == 0
            finally:
                running.kill()
                running.wait()
    finally:
        stop.set()
        writer.join()
    value = json.loads(path.read_text())
    assert {name: one for name, one in value.items() if name not in ("hooks", "count")} == {
        name: one for name, one in json.loads(TEXT).items() if name != "hooks"
    }
    assert count > 0


# -- killed at every step ----------------------------------------------------------------------------------------------

POINTS = ("hooks.drafted", "hooks.drafted#2", "hooks.backed_up", "hooks.written", "hooks.deleted")


@pytest.mark.parametrize("point", POINTS)
@pytest.mark.parametrize("case", ["changed", "created", "own"])
def test_killed_and_run_again(tmp_path, point, case):
    """Whenever it dies, the file is the old one or the new one; and the same again brings it to its end, both ways."""
    client = clients.find("copilot" if case == "own" else "claude-code")
    path = tmp_path / "settings.json"
    old = TEXT.encode() if case == "changed" else None
    new = (
        own(client, ("/opt/bin/xats",)) if case == "own" else merge.add(TEXT if old else "", client, ("/opt/bin/xats",))
    )
    for verb, before, after in (("install", old, new.encode()), ("uninstall", new.encode(), old)):
        if before and not path.exists():
            path.write_bytes(before)
        died = start(path, client.name, verb, XATS_FAULT=point).wait(60)
        assert died in (0, -9)
        found = path.read_bytes() if path.exists() else None
        assert found in ((before, after) if died else (after,))
        assert start(path, client.name, verb).wait(60) == 0
        assert (path.read_bytes() if path.exists() else None) == after
        backup = ["settings.json.xats-backup"] if old and verb == "install" else []
        left = [] if after is None else ["settings.json"]
        assert [name for name in names(tmp_path) if not name.endswith("-draft")] == left + backup
        assert died == 0 or point != "hooks.deleted" or after is None


@pytest.mark.parametrize("point", POINTS[:4])
def test_each_point_is_passed(path, point):
    assert start(path, XATS_FAULT=point).wait(60) == -9


def test_the_draft_of_a_dead_one_is_cleared_away(path, tmp_path):
    assert start(path, XATS_FAULT="hooks.drafted").wait(60) == -9
    assert ".settings.json.xats-backup.xats-draft" in names(tmp_path)
    install(path)
    assert names(tmp_path) == ["settings.json", "settings.json.xats-backup"]


# -- what is shown -----------------------------------------------------------------------------------------------------


@pytest.mark.skipif(not shutil.which("patch"), reason="patch is not installed: the diff is not applied")
def test_the_diff_says_all_that_changes(path, tmp_path):
    plan = plan_install(CLAUDE, str(path), WORDS)
    (tmp_path / "diff").write_text(diff(plan))
    done = subprocess.run(["patch", "-s", str(path), str(tmp_path / "diff")], check=False, capture_output=True)
    assert done.returncode == 0, done
    assert path.read_bytes() == plan.after


def test_states(path, tmp_path):
    program = tmp_path / "xats"

    def state(words=(str(program),)):
        found = look(CLAUDE, "user", str(path), words)
        return found.state, found.exists, found.this

    assert state() == ("absent", False, False)
    install(path, words=(str(program),))
    assert state() == ("broken", False, True)
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    assert state() == ("installed", True, True)
    assert state(("/other/xats",)) == ("installed", True, False)
    path.write_text(path.read_text().replace('"timeout": 3', '"timeout": 4'))
    found = look(CLAUDE, "user", str(path), WORDS)
    assert (found.state, found.missing) == ("stale", ("SessionEnd",))
    path.write_text(path.read_text().replace("{\n", '{\n"disableAllHooks": true,\n', 1))
    assert "turned off" in look(CLAUDE, "user", str(path), WORDS).detail
    path.write_text("{")
    found = look(CLAUDE, "user", str(path), WORDS)
    assert (found.state, "line 1" in found.detail) == ("unreadable", True)


@pytest.mark.parametrize("client", OWN, ids=lambda one: one.name)
def test_states_of_an_own_file(tmp_path, client):
    program = tmp_path / "a b" / "xats"
    program.parent.mkdir()
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    path = tmp_path / "file"
    install(path, client, (str(program),))
    assert look(client, "user", str(path), (str(program),)).state == "installed"
    path.write_text(path.read_text().replace("10000", "9").replace('"timeoutSec": 10', '"timeoutSec": 9'))
    assert look(client, "user", str(path), (str(program),)).state == "stale"
