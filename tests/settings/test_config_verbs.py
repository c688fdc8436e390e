"""The verbs of the settings: what they print, what they write, and what they refuse."""

import json
import os
import stat
import subprocess

import pytest

from xats.settings import keys


@pytest.fixture
def config(xats):
    """Run `xats config`; the files are at `.user` and `.project`."""

    def run(*words, **options):
        return xats("config", *words, **options)

    run.user = xats.home / ".config" / "xats" / "config.toml"
    run.project = xats.folder / "xats.toml"
    xats.environ.pop("XATS_AUTOSTART")  # it is a setting, too
    return run


def document(config, *words):
    """Return what `xats config words --json` prints."""
    return config(*words, "--json").json()


def test_without_a_file_everything_is_as_by_default(config):
    found = document(config, "list")
    assert [one["key"] for one in found["settings"]] == [key.name for key in keys.KEYS]
    assert {one["origin"] for one in found["settings"]} == {"default"}
    assert found["problems"] == []
    rows = dict(line.split("\t")[:2] for line in config("list").stdout.splitlines())
    assert (rows["wake.quiet"], rows["keep"], rows["daemon.autostart"], rows["wake.off"]) == ("2s", "30d", "true", "")


def test_a_setting_is_written_read_and_removed(config):
    assert config("set", "wake.quiet", "5s").stdout == f"wake.quiet = 5s in {config.user}\n"
    assert config.user.read_text() == '[wake]\nquiet = "5s"\n'
    assert stat.S_IMODE(config.user.stat().st_mode) == 0o600
    assert config("get", "wake.quiet").stdout == "5s\n"
    one = document(config, "get", "XATS_QUIET_MS")["setting"]
    assert (one["origin"], one["file"], one["line"], one["default"]) == ("user", str(config.user), 2, "2s")
    assert document(config, "set", "wake.quiet", "5s")["changed"] is False
    assert document(config, "set", "wake.quiet", "6s")["changed"] is True
    assert document(config, "unset", "wake.quiet")["changed"] is True
    assert document(config, "unset", "wake.quiet")["changed"] is False
    assert config.user.read_text() == "[wake]\n"
    assert config("get", "wake.quiet").stdout == "2s\n"


def test_a_file_keeps_its_comments_its_mode_and_its_links(config, tmp_path):
    config.user.parent.mkdir(parents=True)
    kept = tmp_path / "dotfiles"
    kept.write_text("# mine\nkeep = '7d' # a week\n")
    kept.chmod(0o640)
    config.user.symlink_to(kept)
    config("set", "keep", "off")
    assert kept.read_text() == '# mine\nkeep = "off" # a week\n'
    assert stat.S_IMODE(kept.stat().st_mode) == 0o640
    assert config.user.is_symlink()


def test_a_projects_file_is_at_the_top_of_the_worktree_and_may_be_committed(config, xats):
    (xats.folder / ".git").mkdir()
    inner = xats.folder / "src" / "deep"
    inner.mkdir(parents=True)
    config("set", "wake.quiet", "60s", "--project", cwd=inner)
    assert config.project.read_text() == '[wake]\nquiet = "60s"\n'
    assert stat.S_IMODE(config.project.stat().st_mode) == 0o644
    one = document(config, "get", "wake.quiet")["setting"]
    assert (one["value"], one["origin"], one["project_rule"]) == ("60s", "project", "longer")


def test_what_is_written_and_does_not_count_here_is_said(config):
    ran = config("set", "wake.quiet", "1s", "--project")
    assert "the value here is 2s, from default" in ran.stderr
    assert "changes nothing: a project's file may only make it longer" in config("list").stderr
    ran = config("set", "wake.quiet", "5s", env={"XATS_QUIET_MS": "3000"})
    assert "the value here is 3s, from XATS_QUIET_MS" in ran.stderr


@pytest.mark.parametrize(
    "key, given, value, shown",
    [
        ("wake.hops", "3", "hops = 3", "3"),
        ("wake.off", "tmux, hook", 'off = ["tmux", "hook"]', "hook,tmux"),
        ("wake.ladder", "1s,2m", 'ladder = ["1s", "2m"]', "1s,2m"),
        ("wake.command", "/usr/bin/my wake", 'command = "/usr/bin/my wake"', "/usr/bin/my wake"),
        ("daemon.autostart", "off", "autostart = false", "false"),
        ("daemon.debug", "true", "debug = true", "true"),
        ("tmux.program", "tmux-3.6", 'program = "tmux-3.6"', "tmux-3.6"),
        ("inbox.budget", "0", "budget = 0", "0"),
    ],
)
def test_values_of_every_kind(config, key, given, value, shown):
    config("set", key, given)
    assert value in config.user.read_text()
    assert config("get", key).stdout == f"{shown}\n"


@pytest.mark.parametrize("key", [key for key in keys.KEYS if not key.project], ids=lambda key: key.name)
def test_a_project_may_not_set_what_is_executed_or_kept(config, key):
    ran = config("set", key.name, "1s", "--project", code=2)
    assert f"A project's file may not set {key.name}" in ran.stderr
    assert f"xats config set {key.name} VALUE --user" in ran.stderr
    assert not config.project.exists()


@pytest.mark.parametrize(
    "words, code, said, hint",
    [
        (["get", "wake.quite"], 3, "There is no setting 'wake.quite'.", "did you mean wake.quiet?"),
        (["get", "timeout"], 3, "There is no setting 'timeout'.", "did you mean wake.timeout?"),
        (["get", "zzz"], 3, "There is no setting 'zzz'.", "xats config list"),
        (["set", "team", "x"], 2, "xats config does not set the team", "export XATS_TEAM=..."),
        (["set", "XATS_HOME", "x"], 2, "XATS_HOME cannot be in a settings file", "export XATS_HOME=..."),
        (
            ["set", "db", "postgresql://a:sesame@h/d"],
            2,
            "db must be a postgresql:// URL without",
            "db postgresql://USER",
        ),
        (["set", "wake.quiet", "soon"], 2, "must be a duration of at most 10m, not 'soon'", "wake.quiet 2s"),
        (["set", "wake.hops", "many"], 2, "must be a whole number from 0 to 999999, not 'many'", "wake.hops 100"),
        (["set", "wake.off", "psychic"], 2, "must be one or more of hook, waiter", "wake.off hook,waiter"),
        (["set", "wake.quiet", "3s", "--user", "--project"], 2, "exclude each other", "xats config path"),
    ],
)
def test_what_cannot_be_done_says_why_and_what_to_do(config, words, code, said, hint):
    error = config(*words, "--json", code=code).error()
    assert said in error["message"]
    assert hint in error["hint"]
    assert not config.user.exists()


def test_a_wrong_file_is_listed_with_its_lines_and_not_written(config):
    config.user.parent.mkdir(parents=True)
    config.user.write_text("[wake]\nquite = '1s'\nhops = 2\n")
    found = document(config, "list")
    [problem] = found["problems"]
    assert (problem["line"], problem["key"], problem["hint"]) == (2, "wake.quite", "wake.quiet, if you meant that")
    assert next(one for one in found["settings"] if one["key"] == "wake.hops")["value"] == "2"
    config.user.write_text("[wake\n")
    assert "config.toml:1: this is not TOML" in config("list").stderr
    error = config("set", "wake.hops", "3", "--json", code=4).error()
    assert (error["code"], "is not TOML" in error["message"]) == ("settings_unusable", True)
    assert config.user.read_text() == "[wake\n"


def test_a_file_that_is_not_believed_is_not_written(config):
    os.mkfifo(config.project)
    error = config("set", "wake.hops", "3", "--project", "--json", code=4).error()
    assert "no regular file" in error["message"]
    config.project.unlink()
    config.project.symlink_to("elsewhere")
    error = config("set", "wake.hops", "3", "--project", "--json", code=4).error()
    assert "it is a link" in error["message"]
    assert error["hint"] == f"rm {config.project}"
    assert not (config.project.parent / "elsewhere").exists()
    (config.project.parent / "elsewhere").write_text("[wake]\nhops = 2\n")
    error = config("set", "wake.hops", "3", "--project", "--json", code=4).error()
    subprocess.run(error["hint"], shell=True, check=True)
    config("set", "wake.hops", "3", "--project")
    assert (config.project.is_symlink(), "hops = 3" in config.project.read_text()) == (False, True)


def test_an_inline_table_is_left_to_an_editor(config):
    config.user.parent.mkdir(parents=True)
    config.user.write_text("# c\nwake = {quiet = '3s'}\n")
    error = config("set", "wake.hops", "3", "--json", code=4).error()
    assert "config.toml:2: xats cannot change wake.hops in that table" in error["message"]
    assert config("get", "wake.quiet").stdout == "3s\n"


def test_where_the_files_are(config, xats):
    lines = config("path").stdout.splitlines()
    assert lines[:2] == [f"user\t{config.user}\tdoes not exist", f"project\t{config.project}\tdoes not exist"]
    assert f"clients\t{config.user.parent}/clients\tdoes not exist" in lines
    config("set", "keep", "1d")
    found = document(config, "path")["files"]
    assert [(one["scope"], one["exists"]) for one in found] == [("user", True), ("project", False)]
    other = xats.home / "other"
    assert config("path", env={"XDG_CONFIG_HOME": str(other)}).stdout.startswith(f"user\t{other}/xats/config.toml\t")


def test_where_the_store_and_its_logs_are(xats, crew):
    lines = xats("config", "path").stdout.splitlines()
    assert f"store\t{xats.path}\t" in lines
    assert f"errors.log\t{xats.path}-errors.log\tdoes not exist" in lines
    paths = xats("config", "path", "--json", "--db", "/nowhere/x.db").json()["paths"]
    found = {one["name"]: (one["path"], one["exists"]) for one in paths}
    assert (found["store"], found["daemon.log"]) == (("/nowhere/x.db", False), ("/nowhere/x.db-daemon.log", False))
    assert found["launch"][0] == str(xats.home / "xats" / "launch")


# -- what other verbs make of it ---------------------------------------------------------------------------------------


def test_a_wrong_file_stops_no_send_and_is_said_once(config, xats, crew):
    config.project.write_text("[wake]\nhops = 'x'\ncommand = '/bin/evil'\n")
    os.utime(config.project, (1, 1))  # its time of change is now all the same
    first = xats("send", "bob", "hi", "--as", "alice", env={"XATS_AUTOSTART": "0"})
    assert "xats.toml:2: wake.hops must be a whole number" in first.stderr
    assert "xats.toml:3: xats.toml may not set wake.command" in first.stderr
    assert xats("send", "bob", "hi", "--as", "alice", "--json", env={"XATS_AUTOSTART": "0"}).stderr == ""


def test_a_project_can_stop_a_pair_earlier(config, xats, crew):
    config("set", "wake.hops", "0", "--project")
    found = xats("send", "bob", "hi", "--as", "alice", "--json", env={"XATS_AUTOSTART": "0"}).json()
    assert found["not_woken"] == [{"agent": "bob@crew", "reason": "hop_limit"}]
    batch = '{"to": "bob", "body": "x"}\n'
    found = xats("send", "--batch", "-", "--as", "alice", "--json", stdin=batch, env={"XATS_AUTOSTART": "0"}).json()
    assert [one["reason"] for one in found["sent"][0]["not_woken"]] == ["hop_limit"]


def test_the_page_of_an_inbox_is_as_the_file_says(config, xats, crew):
    for _ in range(5):
        crew.send("alice", "bob", "x" * 500)
    assert len(xats("inbox", "--peek", "--as", "bob").stdout) > 2500
    config("set", "inbox.budget", "900", "--project")
    assert len(xats("inbox", "--as", "bob").stdout) < 1500


def test_doctor_says_what_does_not_count_and_changes_nothing(config, xats, crew):
    config("set", "wake.quiet", "5s")
    config.project.write_text("[wake]\nhops = 5\ntimeout = '1s'\n")

    def files():
        """Return the paths in the home, without those of SQLite, and without the parsed copies of settings."""
        paths = sorted(str(one) for one in xats.home.rglob("*"))
        return [one for one in paths if not one.endswith(("-shm", "-wal")) and "/xats/settings" not in one]

    before = files()
    checks = json.loads(xats("doctor", "--json", code=None).stdout)["checks"]
    found = {one["name"]: one for one in checks if one["section"] == "settings"}
    assert found["config.toml"]["detail"] == f"{config.user}: wake.quiet"
    assert (found["xats.toml"]["state"], "may not set wake.timeout" in found["xats.toml"]["detail"]) == ("warn", True)
    assert files() == before


def test_the_completion_offers_the_keys(xats):
    with open(os.path.join(os.path.dirname(__file__), "..", "..", "completions", "xats.bash")) as file:
        script = file.read()
    assert "wake.read_within" in script
