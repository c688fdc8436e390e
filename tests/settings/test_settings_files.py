"""What the environment, the project's file and the user's file come to; and which file is not believed."""

import os
import stat
import subprocess
import sys
import time
import tomllib

import pytest

from xats import settings
from xats.base import durations
from xats.base.errors import InvalidName, Usage
from xats.core import keeping
from xats.core.address import check_name
from xats.core.mail import inbox
from xats.core.waking.limits import hop_limit
from xats.delivery.settings import Settings, files_of, from_environment
from xats.hooks import enforcing, letters
from xats.settings import copies, keys, origin, parse
from xats.settings.stricter import GUARDS
from xats.store.sqlite.paths import default_path

OLD = 10_000_000_000  # ns ago that a file was changed, which is long enough for a copy


@pytest.fixture(autouse=True)
def fresh(monkeypatch):
    """Nothing is known of any file."""
    monkeypatch.setattr(settings, "_known", {})


@pytest.fixture
def place(tmp_path):
    return Place(tmp_path)


class Place:
    """A home with a folder for what xats keeps, and a project."""

    def __init__(self, folder):
        self.folder, self.kept = folder, folder / "kept"
        self.user = folder / "config" / "xats" / "config.toml"
        self.project = folder / "repo" / "xats.toml"
        self.environ = {"HOME": str(folder), "XDG_CONFIG_HOME": str(folder / "config"), "XATS_HOME": str(self.kept)}
        for one in (self.user.parent, self.project.parent, self.kept):
            one.mkdir(parents=True)
        self.said: list[str] = []

    def write(self, path, text):
        """Write a file that was not changed for some seconds, so that its copy is kept."""
        path.write_text(text)
        self.grow_old()

    def grow_old(self):
        """Let the time pass in which no copy of a file is kept; its time of change cannot be set."""
        settings._known.clear()

    def of(self, **more):
        return settings.of({**self.environ, **more}, (str(self.project),), self.said.append)

    def faults(self, path=None):
        path = path or self.project
        return parse.read(str(path), self.environ, users=path == self.user)[0].faults


@pytest.fixture
def later(monkeypatch):
    """Files that were just written count as old."""
    now = time.time_ns
    monkeypatch.setattr(copies.time, "time_ns", lambda: now() + OLD)


# -- what comes first --------------------------------------------------------------------------------------------------


def test_without_a_file_it_is_the_environment_itself(place):
    environ = {**place.environ, "XATS_HOPS": "3"}
    assert settings.of(environ, (str(place.project), None)) is environ
    assert not (place.kept / "settings").exists()


def test_the_environment_comes_before_the_users_file_and_an_empty_variable_is_none(place):
    place.user.write_text('keep = "7d"\n[wake]\nhops = 5\n')
    found = place.of(XATS_KEEP="1d", XATS_HOPS="")
    assert (keeping.age(found), hop_limit(found)) == (86_400_000, 5)
    assert settings.value("XATS_KEEP", place.environ) == "604800000ms"
    assert settings.value("XATS_KEEP", {**place.environ, "XATS_KEEP": "1d"}) == "1d"


@pytest.mark.parametrize(
    "user, project, environ, name, wanted",
    [
        ("", "[wake]\nquiet = '60s'", "", "XATS_QUIET_MS", "60000"),
        ("", "[wake]\nquiet = '1s'", "", "XATS_QUIET_MS", "2000"),
        ("[wake]\nquiet = '5s'", "[wake]\nquiet = '4s'", "", "XATS_QUIET_MS", "5000"),
        ("[wake]\nquiet = '1s'", "[wake]\nquiet = '1500ms'", "", "XATS_QUIET_MS", "1500"),
        ("", "[wake]\nquiet = '60s'", "100", "XATS_QUIET_MS", "100"),
        ("", "[wake]\nhops = 200", "", "XATS_HOPS", "100"),
        ("", "[wake]\nhops = 0", "", "XATS_HOPS", "0"),
        ("[wake]\nhops = 2", "[wake]\nhops = 5", "", "XATS_HOPS", "2"),
        ("[wake]\noff = ['hook']", "[wake]\noff = ['tmux']", "", "XATS_WAKE_OFF", "hook,tmux"),
        ("[wake]\noff = ['hook']", "[wake]\noff = []", "", "XATS_WAKE_OFF", "hook"),
        ("[worktree]\ncopy = ['.env']", "[worktree]\ncopy = ['a/b']", "", "XATS_WORKTREE_COPY", ".env,a/b"),
        ("", "[hook]\nbudget = 100", "", "XATS_HOOK_BUDGET", "100"),
        ("", "[hook]\nbudget = 7000", "", "XATS_HOOK_BUDGET", "4000"),
        ("[inbox]\nbudget = 0", "[inbox]\nbudget = 9000", "", "XATS_INBOX_BUDGET", "9000"),
        ("", "[inbox]\nbudget = 0", "", "XATS_INBOX_BUDGET", "8000"),
        ("", "[lock]\nenforce = 'warn'", "", "XATS_LOCK_ENFORCE", "deny"),
        ("[lock]\nenforce = 'off'", "[lock]\nenforce = 'warn'", "", "XATS_LOCK_ENFORCE", "warn"),
        ("[lock]\nenforce = 'warn'", "[lock]\nenforce = 'deny'", "", "XATS_LOCK_ENFORCE", "deny"),
        ("", "[zone]\nenforce = 'deny'", "", "XATS_ZONE_ENFORCE", "deny"),
        ("", "[zone]\nenforce = 'off'", "", "XATS_ZONE_ENFORCE", "warn"),
        ("", "[zone]\nenforce = 'deny'", "off", "XATS_ZONE_ENFORCE", "off"),
        ("", "[lock]\nauto = false", "", "XATS_LOCK_AUTO", "1"),
        ("[lock]\nauto = false", "[lock]\nauto = true", "", "XATS_LOCK_AUTO", "1"),
        ("[lock]\nauto = false", "[lock]\nauto = false", "", "XATS_LOCK_AUTO", "0"),
        ("", "[crew]\nby_agents = 'allow'", "", "XATS_CREW_BY_AGENTS", "listed"),
        ("", "[crew]\nby_agents = 'deny'", "", "XATS_CREW_BY_AGENTS", "deny"),
        ("[crew]\nby_agents = 'allow'", "[crew]\nby_agents = 'listed'", "", "XATS_CREW_BY_AGENTS", "listed"),
        ("[crew]\nby_agents = 'deny'", "[crew]\nby_agents = 'allow'", "", "XATS_CREW_BY_AGENTS", "deny"),
    ],
)
def test_a_project_only_makes_it_stricter(place, user, project, environ, name, wanted):
    if user:
        place.user.write_text(user)
    place.project.write_text(project)
    assert place.of(**({name: environ} if environ else {})).get(name) == wanted
    assert place.said == []


@pytest.mark.parametrize("key", keys.KEYS, ids=lambda key: key.name)
def test_what_a_project_may_not_set_does_not_count_and_is_said(place, key):
    values = {"wake.command": '"/bin/evil"', "clients.folder": '"/tmp"', "tmux.program": '"/tmp/tmux"', "keep": '"1s"'}
    values |= {
        "wake.ladder": '["1ms"]',
        "daemon.autostart": "false",
        "daemon.debug": "true",
        "notify.desktop": '"auto"',
        "db": '"postgresql://db.example/evil"',
    }
    value = values.get(key.name, '"30s"')
    place.project.write_text(f"{key.name} = {value}\n")
    found = place.of()
    if key.project:
        return
    assert found is not None
    assert key.variable not in found
    assert settings.value(key.variable, place.environ) == ""
    [said] = place.said
    assert f"xats.toml may not set {key.name}" in said
    assert f"put it into {place.user}" in said


def test_a_project_says_neither_who_anybody_is_nor_where_the_store_is(place):
    place.project.write_text(
        'agent = "root"\nhost = "theirs"\ndb = "postgresql://h/d"\n[home]\na = 1\n[store]\npath = "/tmp"\n'
    )
    assert place.of() == place.environ
    assert len(place.said) == 5
    assert all("may not set" in one for one in place.said)
    assert [one for one in place.said if "export XATS_" not in one] == [one for one in place.said if " db" in one]


@pytest.mark.parametrize(
    "said", ['"crew"', '"A-Team.2"', '"all"', '""', '"a b"', '"-x"', "7", "['a']", f'"{"x" * 65}"']
)
def test_a_projects_file_may_name_its_team_and_sets_nothing_by_it(place, later, said):
    place.project.write_text(f"team = {said}\nwake.hops = 3\n")
    value = tomllib.loads(f"x = {said}")["x"]
    try:
        valid = check_name(value, "team") if isinstance(value, str) else ""
    except InvalidName:
        valid = ""
    assert "XATS_TEAM" not in place.of()
    assert place.of()["XATS_HOPS"] == "3"
    assert [("team must be the name of a team" in one) for one in place.said] == ([] if valid else [True])
    for _ in range(2):  # from the file, then from its copy
        assert (settings.team(str(place.project), place.environ) or "") == valid.lower()
        settings._known.clear()
    place.user.write_text('team = "crew"\n')
    place.of()
    assert "may not set team" in place.said[-1]


def test_a_projects_file_may_name_a_crew_and_sets_nothing_by_it(place, later):
    crew = "[agents.bob]\nprogram = 'claude'\nenv = { XATS_HOPS = '9', KEY = 'sesame' }\n"
    place.project.write_text(f"wake.hops = 3\n{crew}")
    assert {**place.of(), "XATS_HOPS": ""} == {**place.environ, "XATS_HOPS": ""}
    assert place.of()["XATS_HOPS"] == "3"
    assert place.said == []
    [copy] = (place.kept / "settings").iterdir()
    assert "sesame" not in copy.read_text()
    assert in_a_process(place) == ["3"]  # from the copy, without a parser
    place.user.write_text("[agents.bob]\nprogram = 'claude'\n")
    place.of()
    assert "config.toml may not set agents" in place.said[-1]
    assert "put it into the xats.toml of a project" in place.said[-1]


def test_a_crew_whose_tables_are_misspelt_is_said(place):
    place.project.write_text("[agent.bob]\nprogram = 'claude'\n")
    place.of()
    [said] = place.said
    assert "xats.toml:1:" in said and "[agents.NAME], if you meant that" in said


def test_the_users_file_may_name_a_database_and_the_variable_comes_first(place):
    place.user.write_text('db = "postgresql://db.example/team"\n')
    assert default_path(place.environ) == "postgresql://db.example/team"
    assert default_path({**place.environ, "XATS_DB": "/tmp/x.db"}) == "/tmp/x.db"


def test_a_password_in_the_users_file_does_not_count_and_is_not_shown(place):
    place.user.write_text('db = "postgresql://ann:sesame@db.example/team"\n')
    assert default_path(place.environ).endswith("/xats.db")
    place.of()
    assert "~/.pgpass" in place.said[0] and "sesame" not in place.said[0]


# -- what is wrong -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text, line, said, fix",
    [
        ("\n[wake]\nquite = '1s'", 3, "no setting 'wake.quite'", "wake.quiet"),
        ("[wake]\nread-within = '1s'", 2, "no setting 'wake.read-within'", "wake.read_within"),
        ("quiet = '3s'", 1, "no setting 'quiet'", "wake.quiet"),
        ("[wakes]\nquiet = '3s'", 1, "no setting 'wakes'", "wake"),
        ("[zzz]", 1, "no setting 'zzz'", "xats config list"),
        ("wake.quiet = 'soon'", 1, "must be a duration of at most 10m, not 'soon'", "xats config set wake.quiet 2s"),
        ("wake.quiet = '11m'", 1, "at most 10m", "2s"),
        ("wake.quiet = true", 1, "not True", "2s"),
        ("wake.quiet.x = 1", 1, "must be a duration", "2s"),
        ("wake.hops = -1", 1, "a whole number from 0 to 999999, not -1", "100"),
        ("wake.hops = 1.5", 1, "a whole number", "100"),
        ("wake.hops = '3'", 1, "a whole number", "100"),
        ("wake.off = ['tmux', 'psychic']", 1, "must be one or more of hook, waiter", "xats config unset wake.off"),
        (f"wake.off = {'[' * 300}{']' * 300}", 1, "not that list", "unset"),
        ("worktree.copy = ['../x']", 1, "must be a list of paths in the project", "unset"),
        ("worktree.copy = ['/etc/x']", 1, "must be a list of paths in the project", "unset"),
        ("worktree.copy = ['.git/config']", 1, "must be a list of paths in the project", "unset"),
        ("worktree.setup = ['npm', 'ci']", 1, "must be a command on one line", "unset"),
        ("wake.off = [1]", 1, "must be one or more of hook", "unset"),
        ("wake = 3", 1, "wake must be a table", "xats config list"),
        ("keep = 'for ever'", 1, "a duration, or off", "30d"),
        ("daemon.autostart = 'no'", 1, "true or false", "true"),
        ("wake.command = 'wake'", 1, "an absolute path", "unset"),
        ("tmux.program = 'a/b'", 1, "or a program's name", "tmux"),
        ("wake.ladder = []", 1, "a list of durations", "30s"),
        ("a = 1\nb = \n", 2, "not TOML", ""),
        ("a = 1\na = 2", 2, "not TOML", ""),
        ("a = [", 1, "not TOML", ""),
        (f"a = {'[' * 20000}", None, "nested too deeply", ""),
    ],
)
def test_a_fault_has_its_line_and_what_puts_it_right(place, text, line, said, fix):
    place.user.write_text(f"{text}\n[inbox]\nbudget = 7\n" if "TOML" not in said and "deep" not in said else text)
    [fault] = place.faults(place.user)
    assert said in fault.text
    assert fix in fault.fix
    assert fault.line == line
    assert place.of().get("XATS_INBOX_BUDGET") == ("7" if "TOML" not in said and "deep" not in said else None)
    assert len(place.said) == 1


def test_a_file_that_is_no_text_says_nothing(place):
    place.user.write_bytes(b"keep = '1d'\n# \xff\n")
    assert place.of() == place.environ
    assert "config.toml:2: it is not UTF-8" in place.said[0]


def test_what_a_file_says_cannot_write_to_a_terminal(place):
    place.project.write_text('"\\u001b[31mred\\u202e" = 1\n')
    place.of()
    assert place.said[0].isprintable()


def test_many_faults_are_a_few_lines(place):
    place.project.write_text("".join(f"k{number} = 1\n" for number in range(3000)))
    place.of()
    assert len(place.said) == copies.FAULTS + 1
    assert place.said[-1] == f"and {parse.MOST + 1 - copies.FAULTS} more: xats config list"


def test_a_fault_is_said_once_until_the_file_changes(place, later):
    place.project.write_text("x = 1\n")
    place.of()
    place.of()
    settings._known.clear()  # the next command
    place.of()
    assert len(place.said) == 1
    place.project.write_text("y = 1\n")
    settings._known.clear()
    place.of()
    assert len(place.said) == 2


def test_a_fault_that_a_hook_has_seen_is_still_said_by_a_command(place, later):
    place.project.write_text("x = 1\n")
    settings.of(place.environ, (str(place.project),))  # a hook says nothing
    settings._known.clear()
    place.of()
    assert len(place.said) == 1


# -- which file is believed --------------------------------------------------------------------------------------------


def refused(place, path):
    place.said.clear()
    settings._known.clear()
    assert place.of() == place.environ
    [said] = place.said
    assert str(path) in said
    return said


@pytest.mark.parametrize("which", ["user", "project"])
def test_only_a_regular_file_is_opened(place, which):
    path = getattr(place, which)
    os.mkfifo(path)  # to open it would wait for ever
    assert "no regular file" in refused(place, path)
    path.unlink()
    path.mkdir()
    assert "no regular file" in refused(place, path)


def test_a_huge_file_is_not_read(place):
    with place.project.open("w") as file:
        file.truncate(1 << 40)
    assert "settings have at most 32768" in refused(place, place.project)


def test_a_project_file_is_no_link(place, tmp_path):
    (tmp_path / "secret").write_text("[wake]\nhops = 1\n")
    place.project.symlink_to(tmp_path / "secret")
    assert "it is a link" in refused(place, place.project)
    place.project.unlink()
    place.project.symlink_to("/dev/zero")
    assert "it is a link" in refused(place, place.project)


def test_the_users_file_may_be_a_link_into_a_folder_of_its_own(place, tmp_path):
    (tmp_path / "dotfiles").write_text("[wake]\nhops = 4\n")
    place.user.symlink_to(tmp_path / "dotfiles")
    assert hop_limit(place.of()) == 4


@pytest.mark.parametrize("which", ["user", "project"])
def test_a_file_that_everybody_can_write_is_not_believed(place, which):
    path = getattr(place, which)
    path.write_text("[wake]\nhops = 1\n")
    path.chmod(0o666)
    assert "can write to it" in refused(place, path).replace(f"write to {path}", "write to it")
    path.chmod(0o644)
    settings._known.clear()
    assert hop_limit(place.of()) == 1


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
@pytest.mark.parametrize("which", ["user", "project"])
def test_a_file_of_another_user_is_not_believed(place, which):
    path = getattr(place, which)
    path.write_text("[wake]\nhops = 1\n")
    os.chown(path, 12345, 12345)
    assert "belongs to user id 12345" in refused(place, path)


def test_a_folder_that_everybody_can_write_holds_no_file_of_the_users(place):
    place.user.write_text("[wake]\nhops = 1\n")
    place.user.parent.chmod(0o777)
    assert "other users can write to the folder" in refused(place, place.user.parent)


# -- the parsed copy ---------------------------------------------------------------------------------------------------

COUNT = """
import sys
from xats import settings
found = settings.of({environ!r}, ({project!r},))
print(found.get("XATS_HOPS"), *sorted({{"tomllib", "pydantic", "re", "json", "typing"}} & set(sys.modules)))
"""


def in_a_process(place):
    code = COUNT.format(environ=place.environ, project=str(place.project))
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", f"import sys; sys.path[:0] = {sys.path!r}\n{code}"],
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.split()


def test_the_next_process_reads_a_copy_without_a_parser(place, later):
    place.user.write_text("[wake]\nhops = 7\n")
    place.project.write_text("wake.hops = 6\n")
    place.of()
    assert in_a_process(place) == ["6"]
    place.project.write_text("wake.hops = 5\n")
    assert in_a_process(place)[0] == "5"


def test_a_file_that_was_just_changed_gets_no_copy(place):
    place.user.write_text("[wake]\nhops = 7\n")
    place.of()
    assert not (place.kept / "settings").exists()


def test_a_copy_is_private_and_one_for_each_file(place, later):
    for hops in (7, 8):
        place.user.write_text(f"[wake]\nhops = {hops}\n")
        settings._known.clear()
        assert hop_limit(place.of()) == hops
    [copy] = (place.kept / "settings").iterdir()
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600
    assert stat.S_IMODE(copy.parent.stat().st_mode) == 0o700


@pytest.mark.parametrize(
    "how", ["writable", "linked", "cut", "of another file", "of another release", "a FIFO", "bytes"]
)
def test_a_copy_that_is_not_right_is_not_used(place, later, how):
    place.user.write_text("[wake]\nhops = 7\n")
    place.of()
    [copy] = (place.kept / "settings").iterdir()
    forged = copy.read_text().replace("XATS_HOPS=7", "XATS_HOPS=666")
    if how == "writable":
        copy.write_text(forged)
        copy.chmod(0o622)
    elif how == "linked":
        (copy.parent / "theirs").write_text(forged)
        copy.unlink()
        os.link(copy.parent / "theirs", copy)
    elif how == "cut":
        copy.write_text(forged.removesuffix("end"))
    elif how == "of another file":
        copy.write_text(forged.replace("config.toml", "other.toml"))
    elif how == "of another release":
        copy.write_text(forged.replace("xats ", "xats 9", 1))
    elif how == "bytes":
        copy.write_bytes(b"\xff\x00\n" * 100)
    else:
        copy.unlink()
        os.mkfifo(copy)
    settings._known.clear()
    assert hop_limit(place.of()) == 7


@pytest.mark.parametrize("how", ["the same size and time", "another file in its place", "the mode"])
def test_any_change_makes_a_copy_stale(place, later, how):
    place.user.write_text("[wake]\nhops = 7\n")
    about = place.user.stat()
    place.of()
    settings._known.clear()
    if how == "the mode":
        place.user.chmod(0o666)
        assert place.of() == place.environ
        return
    if how == "another file in its place":
        other = place.user.with_name("new")
        other.write_text("[wake]\nhops = 8\n")
        other.replace(place.user)
    else:
        place.user.write_text("[wake]\nhops = 8\n")
    os.utime(place.user, ns=(about.st_atime_ns, about.st_mtime_ns))
    assert hop_limit(place.of()) == 8


def test_where_no_copy_can_be_kept_the_file_is_read_all_the_same(place, later):
    place.user.write_text("[wake]\nhops = 7\n")
    (place.kept / "settings").write_text("in the way")
    assert hop_limit(place.of()) == 7
    place.environ["XATS_HOME"] = str(place.folder / "nowhere")
    settings._known.clear()
    assert hop_limit(place.of()) == 7
    assert not (place.folder / "nowhere").exists()


def test_old_copies_go(place, later, monkeypatch):
    monkeypatch.setattr(copies, "MOST", 5)
    for number in range(8):
        folder = place.folder / f"p{number}"
        folder.mkdir()
        (folder / "xats.toml").write_text("wake.hops = 1\n")
        settings.of(place.environ, (str(folder / "xats.toml"),))
    assert len(list((place.kept / "settings").iterdir())) == 5


def test_a_path_of_any_length_and_bytes_has_a_copy(place, later):
    folder = place.folder / ("é" * 100) / ("x" * 200) / os.fsdecode(b"\xff")
    folder.mkdir(parents=True)
    (folder / "xats.toml").write_text("wake.hops = 1\n")
    for _ in range(2):
        assert hop_limit(settings.of(place.environ, (str(folder / "xats.toml"),))) == 1
        settings._known.clear()
    assert len(list((place.kept / "settings").iterdir())) == 1


# -- the table of keys -------------------------------------------------------------------------------------------------

READERS = {
    "XATS_HOPS": hop_limit,
    "XATS_KEEP": keeping.age,
    "XATS_HOOK_BUDGET": letters.budget,
    "XATS_INBOX_BUDGET": inbox.page_size,
    enforcing.LOCKS: lambda environ: enforcing.level(environ, enforcing.LOCKS),
    enforcing.ZONES: lambda environ: enforcing.level(environ, enforcing.ZONES),
    enforcing.AUTO: enforcing.locks_edits,
}
READERS |= dict.fromkeys(
    ("XATS_QUIET_MS", "XATS_LADDER", "XATS_WAKE_TIMEOUT", "XATS_READ_WITHIN", "XATS_WAKE_OFF"), from_environment
)
TRIED = [
    "",
    "0",
    "1",
    "1s",
    "50s",
    "51s",
    "10m",
    "12h",
    "13h",
    "1d",
    "30s,3m",
    "off",
    "tmux,hook",
    "x",
    "999999",
    "true",
]


@pytest.mark.parametrize("name", READERS)
def test_the_default_of_a_key_is_that_of_its_reader(name):
    key = keys.BY_VARIABLE[name]
    assert READERS[name]({name: key.default}) == READERS[name]({})


@pytest.mark.parametrize("name", READERS)
@pytest.mark.parametrize("word", TRIED)
def test_what_a_file_may_say_its_reader_can_read(name, word):
    kind = keys.BY_VARIABLE[name].kind
    try:
        text = kind.read(kind.given(word))
    except ValueError as problem:
        assert str(problem).startswith("must be ")
        return
    READERS[name]({name: text})
    if name == "XATS_QUIET_MS":
        assert from_environment({name: text}).quiet == durations.parse(word)


def test_what_a_variable_may_say_can_be_said_in_a_file():
    for name, text in (("XATS_QUIET_MS", "60000"), ("XATS_LADDER", "30s,3m"), ("XATS_KEEP", "off"), ("XATS_HOPS", "3")):
        kind = keys.BY_VARIABLE[name].kind
        assert READERS[name]({name: kind.read(kind.given(kind.show(text)))}) == READERS[name]({name: text})


@pytest.mark.parametrize(
    "ms, text", [(0, "0s"), (1, "1ms"), (1500, "1500ms"), (60_000, "60s"), (180_000, "3m"), (86_400_000, "1d")]
)
def test_how_a_duration_is_spelled(ms, text):
    assert keys.spelled(ms) == text
    assert durations.parse(text) == ms


def test_the_default_of_a_guard_is_that_of_its_key():
    assert {name: keys.BY_VARIABLE[name].default for name in GUARDS} == {
        name: text for name, (_, text) in GUARDS.items()
    }


def test_every_variable_of_the_daemon_has_a_key():
    assert set(settings.DAEMON) <= set(keys.BY_VARIABLE)


# -- where each value comes from ---------------------------------------------------------------------------------------


def test_the_origin_of_each_value(place):
    place.user.write_text('keep = "1d"\n[wake]\nquiet = "5s"\nhops = 4\n')
    place.project.write_text("# c\n[wake]\nquiet = '60s'\nhops = 50\noff = ['tmux']\n")
    environ = {**place.environ, "XATS_WAKE_OFF": "hook", "XATS_LADDER": "1s"}
    found, faults = origin.listing(environ, str(place.project))
    shown = {one.key.name: (one.shown, one.origin, one.line) for one in found}
    assert shown["keep"] == ("1d", "user", 1)
    assert shown["wake.quiet"] == ("60s", "project", 3)
    assert shown["wake.hops"] == ("4", "user", 4)
    assert shown["wake.off"] == ("hook", "env", None)
    assert shown["wake.ladder"] == ("1s", "env", None)
    assert shown["wake.timeout"] == ("10s", "default", None)
    assert [(one.line, one.key) for one in faults] == [(4, "wake.hops"), (5, "wake.off")]
    assert "may only make it fewer" in faults[0].text
    assert "XATS_WAKE_OFF is set" in faults[1].text
    for one in found:  # what is shown is what counts
        assert one.text == settings.of(environ, (str(place.project),)).get(one.key.variable, one.key.default)


# -- the files of a stored project -------------------------------------------------------------------------------------


def test_where_the_file_of_a_stored_project_is(tmp_path):
    assert files_of("/r/.git") == ["/r/xats.toml"]
    assert files_of("/r/folder") == ["/r/folder/xats.toml"]
    bare = tmp_path / "bare.git"
    for name in ("a", "b"):
        (bare / "worktrees" / name).mkdir(parents=True)
        (bare / "worktrees" / name / "gitdir").write_text(f"/trees/{name}/.git\n")
    (bare / "worktrees" / "broken").mkdir()
    assert files_of(str(bare)) == [f"{bare}/xats.toml", "/trees/a/xats.toml", "/trees/b/xats.toml"]


def test_what_cannot_be_read_in_the_environment_is_an_error_as_ever(place):
    with pytest.raises(Usage):
        from_environment(place.of(XATS_QUIET_MS="soon"))
    assert from_environment(place.of()) == Settings()
