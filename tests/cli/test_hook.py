"""The verbs of hooks: install, uninstall, status, in a home of their own."""

import json
import os
import pty
import shlex

import pytest

from xats.hooks import clients

NAMES = clients.NAMES


@pytest.fixture
def settings(home, xats):
    folder = home / ".claude"
    folder.mkdir()
    path = folder / "settings.json"
    path.write_text('{\n  "model": "opus"\n}\n')
    return path


def test_in_and_out(xats, settings):
    before = settings.read_text()
    ran = xats("hook", "install", "claude-code", "--yes")
    assert "installed in" in ran.stdout
    assert ".xats-backup" in ran.stderr
    command = json.loads(settings.read_text())["hooks"]["Stop"][0]["hooks"][0]["command"]
    assert shlex.split(command)[-3:] == ["hook", "run", "claude-code"]
    assert shlex.split(command)[0].startswith("/")
    again = xats("hook", "install", "claude-code")
    assert (again.stdout, "nothing to do" in again.stderr) == ("", True)
    assert "as it was before" in xats("hook", "uninstall", "claude-code", "--yes").stdout
    assert settings.read_text() == before
    assert [one.name for one in settings.parent.iterdir()] == ["settings.json"]
    assert "nothing to do" in xats("hook", "uninstall", "claude-code").stderr


def test_nobody_is_asked_where_nobody_is(xats, settings):
    before = settings.read_text()
    ran = xats("hook", "install", "claude-code", code=4)
    assert "xats hook install claude-code --yes" in ran.stderr
    ran = xats("hook", "install", "claude-code", "--dry-run")
    assert ran.stdout.startswith(f"--- {settings}\n+++ {settings}\n")
    assert ran.stdout.count("hook run claude-code") == 8
    assert settings.read_text() == before
    assert [one.name for one in settings.parent.iterdir()] == ["settings.json"]


def test_a_waiter_is_asked_for_and_what_it_costs_is_said(xats, settings):
    ran = xats("hook", "install", "claude-code", "--waiter", "--yes")
    assert "a small process waits for its mail" in ran.stderr
    assert settings.read_text().count("hook wait claude-code") == 2
    [one, _] = xats("hook", "status", "claude-code", "--json").json()["hooks"]
    assert (one["state"], one["waiter"]) == ("installed", True)
    assert "with a waiter" in xats("hook", "status", "claude-code").stdout
    assert "small process" not in xats("hook", "install", "claude-code", "--no-waiter", "--yes").stderr
    assert "hook wait" not in settings.read_text()


@pytest.mark.parametrize("client", ["codex", "opencode"])
def test_only_where_there_can_be_one(xats, client):
    error = xats("hook", "install", client, "--waiter", "--yes", "--json", code=2).error()
    assert "cannot start a waiter" in error["message"]


def test_nobody_waits_at_a_terminal(xats):
    assert "Only an agent program runs this" in xats.on_terminal("hook", "wait", "claude-code", code=2)


@pytest.mark.parametrize(
    "told", ["", "nonsense", "[]", '{"hook_event_name": "Stop"}', '{"hook_event_name": "Nothing"}']
)
def test_a_waiter_that_nobody_needs_ends_and_says_nothing(xats, crew, told):
    ran = xats("hook", "wait", "claude-code", stdin=told)
    assert (ran.stdout, ran.stderr) == ("", "")


@pytest.mark.parametrize("answer, done", [("y", True), ("n", False), ("", False)])
def test_a_person_is_asked(xats, settings, answer, done):
    before = settings.read_text()
    shown = asked(xats, answer)
    assert "hook run claude-code" in shown
    assert f"Write {settings}? [y/N]" in shown
    assert (settings.read_text() != before) == done


def test_a_client_is_known_by_the_name_of_its_program(xats, settings):
    assert "hooks of claude-code installed" in xats("hook", "install", "claude", "--yes").stdout
    assert [one["client"] for one in xats("hook", "status", "claude", "--json").json()["hooks"]] == ["claude-code"] * 2
    assert "hooks of claude-code removed" in xats("hook", "uninstall", "claude", "--yes").stdout


def test_a_wrong_file_of_the_user_says_nothing_of_a_name(xats, tmp_path):
    (tmp_path / "claude-code.toml").write_text("executables = 7")
    assert "did you mean codex?" in xats("hook", "install", "codx", env={"XATS_CLIENTS": str(tmp_path)}, code=3).stderr


def test_what_follows_an_end_of_input_begins_a_line(xats, settings):
    assert asked(xats, "\x04", end="").endswith("? [y/N] \nxats: Nothing was changed.\n")


def asked(xats, answer, end="\n", words=("hook", "install", "claude-code")):
    """Run the installation on a terminal on which `answer` is typed; return what it showed."""
    master, slave = pty.openpty()
    running = xats.start(*words, stdin=slave, stdout=slave, stderr=slave)
    os.close(slave)
    os.write(master, f"{answer}{end}".encode())
    shown = b""
    try:
        while data := os.read(master, 65536):
            shown += data
    except OSError:
        pass
    finally:
        os.close(master)
    running.wait(30)
    return shown.decode().replace("\r\n", "\n")


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("scope", ["--user", "--project"])
def test_every_client_in_both_places(xats, home, name, scope):
    done = xats("hook", "install", name, scope, "--yes", "--json").json()
    assert (done["client"], done["scope"], done["action"], done["written"]) == (name, scope[2:], "created", True)
    assert done["path"].startswith(str(home if scope == "--user" else xats.folder))
    found = xats("hook", "status", name, "--json").json()["hooks"]
    states = {one["scope"]: one["state"] for one in found}
    assert states == {"user": "absent", "project": "absent", scope[2:]: "installed"}
    one = next(one for one in found if one["scope"] == scope[2:])
    assert (one["missing"], one["program_exists"], one["program_is_this"]) == ([], True, True)
    assert done["path"] in xats("hook", "status").stdout
    assert xats("hook", "uninstall", name, scope, "--yes", "--json").json()["action"] == "removed"


@pytest.mark.parametrize(
    "name, variable, value, path",
    [
        ("claude-code", "CLAUDE_CONFIG_DIR", "c", "c/settings.json"),
        ("codex", "CODEX_HOME", "c", "c/hooks.json"),
        ("gemini", "GEMINI_CLI_HOME", "c", "c/.gemini/settings.json"),
        ("qwen", "QWEN_HOME", "c", "c/settings.json"),
        ("copilot", "COPILOT_HOME", "c", "c/hooks/xats.json"),
        ("opencode", "XDG_CONFIG_HOME", "c", "c/opencode/plugins/xats.js"),
        ("amp", "XDG_CONFIG_HOME", "c", "c/amp/plugins/xats.ts"),
    ],
)
def test_where_a_program_was_told_to_look(xats, home, name, variable, value, path):
    done = xats("hook", "install", name, "--dry-run", "--json", env={variable: str(home / value)}).json()
    assert done["path"] == str(home / path)
    tilde = xats("hook", "install", name, "--dry-run", "--json", env={variable: f"~/{value}"}).json()
    relative = path.replace("c/", ".config/", 1) if variable.startswith("XDG_") else path  # the standard ignores it
    assert tilde["path"] == str(home / relative)


def test_a_program_with_a_blank_in_its_path(xats, home, tmp_path):
    folder = tmp_path / "my tools"
    folder.mkdir()
    program = folder / "xats"
    program.write_text("#!" + xats.words[0] + "\nimport sys\nfrom xats.__main__ import main\nsys.exit(main())\n")
    program.chmod(0o755)
    done = xats.run([str(program), "hook", "install", "codex", "--yes"])
    assert done.returncode == 0, done
    command = json.loads((home / ".codex" / "hooks.json").read_text())["hooks"]["Stop"][0]["hooks"][0]["command"]
    assert command == f"PYTHONPATH= PYTHONHOME= PYTHONSAFEPATH=1 '{program}' hook run codex"
    found = xats("hook", "status", "codex", "--json").json()["hooks"][0]
    assert (found["state"], found["program_exists"], found["program_is_this"]) == ("installed", True, False)
    assert f"runs another xats: '{program}'" in xats("hook", "status").stdout
    program.unlink()
    shown = xats("hook", "status")
    assert "broken" in shown.stdout
    assert "xats hook install codex" in shown.stderr


def test_codex_is_told_of_its_dialog_and_its_sandbox(xats, home):
    ran = xats("hook", "install", "codex", "--yes")
    assert "Hooks need review" in ran.stderr
    assert "login shell" in ran.stderr
    assert f'writable_roots = ["{home}/xats"]' in ran.stderr
    assert [one.name for one in (home / ".codex").iterdir()] == ["hooks.json"]
    xats("hook", "uninstall", "codex", "--yes")
    (home / ".codex" / "config.toml").write_text(f'[sandbox_workspace_write]\nwritable_roots = ["{home}"]\n')
    notes = xats("hook", "install", "codex", "--yes", "--json").json()["notes"]
    assert not any("sandbox" in note for note in notes)


def test_who_installs_hooks_is_told_that_a_session_needs_a_name(xats, settings):
    ran = xats("hook", "install", "claude-code", "--yes")
    assert "xats launch claude-code --name bob" in ran.stderr
    assert "xats register bob" in ran.stderr
    assert "register" not in xats("hook", "install", "claude-code", "--yes").stderr, "nothing was done"


def test_notes_are_folded_between_words_on_a_terminal(xats, home):
    shown = xats.on_terminal("hook", "install", "codex", "--yes", env={"COLUMNS": "60"})
    told = shown[shown.index("hooks of codex installed") :].splitlines()[1:]
    assert all(line.startswith("  ") for line in told)
    folded = [line for line in told if "see: xats hook status" not in line]
    assert [line for line in folded if len(line) > 60 and " " in line.strip()] == []
    assert "xats launch codex --name bob. To name one that runs, run in it: xats register bob" in " ".join(
        line.strip() for line in told
    )


def test_a_broken_file_is_named_with_its_place_and_left(xats, settings):
    settings.write_text('{\n  "a": 1,\n  "a": 2\n}')
    error = xats("hook", "install", "claude-code", "--yes", "--json", code=4).error()
    assert (error["code"], error["line"], error["column"]) == ("settings_unusable", 3, 3)
    assert "line 3, column 3" in error["message"]
    assert settings.read_text() == '{\n  "a": 1,\n  "a": 2\n}'
    assert "unreadable" in xats("hook", "status", "claude-code").stdout


@pytest.mark.parametrize(
    "words, code, said",
    [
        (("install", "claude-cod"), 3, "did you mean claude-code?"),
        (("status", "emacs"), 3, "one of: amp, claude-code, codex"),
        (("install", "codex", "--user", "--project"), 2, "exclude each other"),
        (("install",), 2, "CLIENT"),
    ],
)
def test_what_is_no_client_and_no_scope(xats, words, code, said):
    assert said in xats("hook", *words, code=code).stderr


def test_a_diff_cannot_act_on_a_terminal(xats, settings):
    settings.write_text('{\n  "a": "\x7f\u202e"\n}\n')
    assert "\u202e" not in xats("hook", "install", "claude-code", "--dry-run").stdout


def test_nothing_anywhere(xats):
    ran = xats("hook", "status", env={"PATH": "/nowhere"})
    assert (ran.stdout, ran.stderr) == ("", "no agent program has hooks of xats\n")


def test_nothing_of_it_makes_a_store(xats, home, settings):
    xats("hook", "install", "claude-code", "--yes")
    xats("hook", "status")
    assert not (home / "xats").exists()


def test_doctor_sees_what_cannot_run(xats, home, tmp_path):
    def found():
        checks = xats("doctor", "--json", code=None).stdout
        return [(one["state"], one["fix"]) for one in json.loads(checks)["checks"] if one["name"] == "hooks of codex"]

    assert found() == []
    xats("hook", "install", "codex", "--yes")
    assert found() == [("ok", "")]
    path = home / ".codex" / "hooks.json"
    path.write_text(path.read_text().replace('"timeout": 3', '"timeout": 4'))
    assert found() == [("warn", "xats hook install codex")]
    path.write_text(path.read_text().replace(xats.words[0], str(tmp_path / "python")))
    assert found() == [("fail", "xats hook install codex")]


# -- a link out of the project -----------------------------------------------------------------------------------------


@pytest.fixture(params=["folder", "file", "dangling folder"])
def linked(request, xats, tmp_path):
    """The settings of the project are a link to somewhere else; where that is."""
    outside = tmp_path / "outside"
    if request.param == "file":
        outside.mkdir()
        (outside / "settings.local.json").write_text("{}\n")
        (xats.folder / ".claude").mkdir()
        (xats.folder / ".claude" / "settings.local.json").symlink_to(outside / "settings.local.json")
    else:
        if request.param == "folder":
            outside.mkdir()
        (xats.folder / ".claude").symlink_to(outside)
    return outside / "settings.local.json"


INSTALL = ("hook", "install", "claude-code", "--project")


def test_a_link_out_of_the_project_is_not_followed_unasked(xats, linked):
    before = linked.read_text() if linked.exists() else None
    for words in (INSTALL, (*INSTALL, "--yes"), (*INSTALL, "--json", "--yes")):
        ran = xats(*words, code=4)
        assert f"leads out of the project by a link, to {linked}. Nothing was changed." in ran.stderr
        assert "xats hook install claude-code --project --follow-link --yes" in ran.stderr
    assert (linked.read_text() if linked.exists() else None) == before
    assert f"to {linked}." in xats(*INSTALL, "--dry-run").stderr


def test_a_link_out_of_the_project_is_followed_when_that_is_said(xats, linked):
    before = linked.read_text() if linked.exists() else None
    assert f"to {linked}." in xats(*INSTALL, "--follow-link", "--yes").stderr
    assert "hook run claude-code" in linked.read_text()
    assert "--follow-link --yes" in xats("hook", "uninstall", "claude-code", "--project", "--yes", code=4).stderr
    assert "hook run claude-code" in linked.read_text()
    xats("hook", "uninstall", "claude-code", "--project", "--follow-link", "--yes")
    assert (linked.read_text() if linked.exists() else None) == before


def test_a_person_is_shown_where_the_link_leads(xats, linked):
    shown = asked(xats, "n", words=INSTALL)
    assert f"to {linked}." in " ".join(shown.split())
    assert not linked.exists() or linked.read_text() == "{}\n"


def test_a_link_within_the_project_is_followed(xats):
    (xats.folder / "settings").mkdir()
    (xats.folder / ".claude").symlink_to("settings")
    xats(*INSTALL, "--yes")
    assert (xats.folder / "settings" / "settings.local.json").exists()
