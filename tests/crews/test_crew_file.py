"""What a crew file may say, what is wrong with it and where, and which file is read at all."""

import os

import pytest

from xats.base.errors import XatsError
from xats.crews import entry, file


@pytest.fixture
def project(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    folder = tmp_path / "shop"
    folder.mkdir()
    return Project(folder)


class Project:
    """A folder with a crew file."""

    def __init__(self, folder) -> None:
        self.folder, self.path = folder, folder / "xats.toml"

    def load(self, text):
        self.path.write_text(text)
        return file.load(str(self.path))

    def wrong(self, text):
        """Return the error of that text."""
        with pytest.raises(XatsError) as caught:
            self.load(text)
        return caught.value

    def agents(self, body):
        return self.load(f'[agents.bob]\nprogram = "claude"\n{body}\n').entries


BOB = '[agents.bob]\nprogram = "claude"\n'


def test_each_key_becomes_a_field(project):
    (project.folder / "tasks").mkdir()
    (project.folder / "tasks" / "bob.md").write_text("\nRead the notes\n\tand wait\n\n")
    found = project.load(
        """
team = "shop"
[wake]
hops = 3
[agents.bob]
program = "claude"
args = ["--model", "opus"]
role = "reviewer"
tags = ["gpu", "gpu", "rust"]
place = "session:crew"
worktree = "feature-x"
cwd = "web"
prompt = "@tasks/bob.md"
env = { COLOUR = "blue", A = "" }
restart = "always"
order = -3
writable-store = true
[agents.amy]
program = ["./agent", "--fast"]
order = -4
"""
    )
    assert found.path == os.path.realpath(project.path)
    assert [one.name for one in found.entries] == ["amy", "bob"]
    assert found.entries[1] == entry.Entry(
        name="bob",
        table="bob",
        program="claude",
        args=("--model", "opus"),
        role="reviewer",
        tags=("gpu", "rust"),
        place="session",
        session="crew",
        worktree=True,
        branch="feature-x",
        cwd=str(project.folder / "web"),
        prompt="Read the notes\n    and wait",
        prompt_file="tasks/bob.md",
        env=(("A", ""), ("COLOUR", "blue")),
        restart="always",
        order=-3,
        writable=True,
    )
    assert (found.entries[0].program, found.entries[0].command) == (None, ("./agent", "--fast"))


def test_what_is_not_said_has_a_default(project):
    (one,) = project.agents("")
    assert (one.place, one.restart, one.worktree, one.cwd, one.order) == ("window", "on-crash", False, None, 0)


def test_a_table_makes_several_agents(project):
    found = project.agents("count = 3\nworktree = true")
    assert [(one.name, one.table, one.branch) for one in found] == [(f"bob-{n}", "bob", None) for n in (1, 2, 3)]
    assert [one.name for one in project.agents("count = 1")] == ["bob"]


@pytest.mark.parametrize(
    "body, line, said, fix",
    [
        ("modell = 'x'", 3, "agents.bob.modell is no key of an agent", "one of: program, args"),
        ("worktrees = true", 3, "is no key", "worktree, if you meant that"),
        ("writable_store = true", 3, "is no key", "writable-store, if"),
        ("args = '--fast'", 3, "agents.bob.args must be a list of texts", ""),
        ("args = [1]", 3, "not that list", ""),
        ('args = ["a\\u0000"]', 3, "null character", ""),
        ("role = 'a b'", 3, "cannot be a role", ""),
        ("tags = ['all']", 3, "reserved word", ""),
        ("count = 0", 3, "a whole number from 1 to 20, not 0", ""),
        ("count = 21", 3, "from 1 to 20", ""),
        ("count = true", 3, "from 1 to 20, not True", ""),
        ("place = 'pane'", 3, "must be window, split", ""),
        ("place = 'session:a.b'", 3, "no dot and no colon", ""),
        ("place = 'session:'", 3, "is wrong", ""),
        ('worktree = "a\\nb"', 3, "the name of a branch", ""),
        ("worktree = '-f'", 3, "the name of a branch", ""),
        ("worktree = 1", 3, "true, false, or the name of a branch, not 1", ""),
        ("count = 2\nworktree = 'x'", 4, "names a branch for 2 agents", "worktree = true"),
        ("worktree = true\ncwd = '../x'", 4, "must be in the folder of the file", ""),
        ("prompt = ' '", 3, "prompt is empty", ""),
        ("prompt = 7", 3, "must be a text, or @FILE", ""),
        ("env = ['A=b']", 3, "must be a table of texts", ""),
        ("env = { A = 1 }", 3, "agents.bob.env.A must be a text", ""),
        ("[agents.bob.env]\nB = 'x'\n'A-B' = 'x'", 5, "cannot be the name of a variable", ""),
        ("env.XATS_HOME = '/tmp'", 3, "is set by xats or tmux", ""),
        ("env.TMUX_PANE = '%1'", 3, "is set by xats or tmux", ""),
        ("restart = 'sometimes'", 3, "must be never, on-crash or always, not 'sometimes'", ""),
        ("restart = []", 3, "never, on-crash or always", ""),
        ("order = 'first'", 3, "a whole number", ""),
        ("cwd = ''", 3, "must be a folder", ""),
        ("writable-store = 1", 3, "true or false", ""),
        ("[agents.BOB]\nprogram = 'codex'", 3, "makes a second agent BOB", ""),
        ("count = 2\n[agents.bob-1]\nprogram = 'codex'", 4, "a second agent bob-1: the table bob makes", ""),
        ("worktree = 'x'\n[agents.amy]\nprogram = 'codex'\nworktree = 'x'", 6, "the branch of bob too", ""),
        ("worktree = true\n[agents.amy]\nprogram = 'codex'\nworktree = 'xats/bob'", 6, "the branch of bob too", ""),
        ("[agents.amy]\nrole = 'x'", 3, "agents.amy has no program", "program ="),
        ("[agents.amy]\nprogram = 'cluade'", 4, "xats launch does not know 'cluade'", ""),
        ("[agents.amy]\nprogram = 'human'", 4, "xats launch cannot start 'human'", ""),
        ("[agents.amy]\nprogram = []", 4, "must name a program", ""),
        ("[agents.amy]\nprogram = ['']", 4, "must name a program", ""),
        ("[agents.amy]\nprogram = 3", 4, "the name of a program, or a list", ""),
        ("[agents.'a b']\nprogram = 'codex'", 3, "has a wrong name", ""),
        (f"[agents.{'x' * 64}]\nprogram = 'codex'\ncount = 2", 3, "too long for its count", ""),
    ],
)
def test_a_mistake_has_its_line(project, body, line, said, fix):
    problem = project.wrong(BOB + body)
    assert isinstance(problem, file.CrewFileInvalid)
    assert str(problem).startswith(f"{project.path}:{line}: ")
    assert said in str(problem)
    assert fix in problem.hint
    assert problem.exit == 2


def test_all_mistakes_are_in_the_data_and_the_first_one_is_the_text(project):
    problem = project.wrong(BOB + "order = 'x'\ncount = 0\n[agents.amy]\n")
    assert "agents.bob.order" in str(problem)
    assert str(problem).endswith("(and 2 more mistakes)")
    assert [one["line"] for one in problem.data["problems"]] == [3, 4, 5]


def test_a_value_that_may_be_secret_is_in_no_error(project):
    problem = project.wrong(BOB + "env = { 'KEY!' = 'sesame', LIST = ['sesame'] }")
    assert "sesame" not in f"{problem} {problem.hint} {problem.data}"


@pytest.mark.parametrize(
    "text, said", [("", "names no agents"), ("[agents]", "names no agents"), ("[agent.bob]", "names no agents")]
)
def test_a_file_without_agents_is_no_crew(project, text, said):
    problem = project.wrong(text)
    assert (type(problem), problem.exit) == (file.NoCrew, 3)
    assert said in str(problem)
    assert "[agents." in problem.hint


def test_a_table_that_is_none_is_a_mistake(project):
    assert "xats.toml:1: agents must be a table" in str(project.wrong("agents = 3"))
    assert "xats.toml:2: agents.bob must be a table" in str(project.wrong("[agents]\nbob = 3"))


def test_what_is_no_toml_has_its_line(project):
    assert "xats.toml:2: this is not TOML" in str(project.wrong("[agents.bob]\nprogram = \n"))
    project.path.write_bytes(b"a = 1\n# \xff\n")
    with pytest.raises(file.CrewFileInvalid, match=r"xats\.toml:2: it is not UTF-8"):
        file.load(str(project.path))


# -- an @FILE ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name, said",
    [
        ("../secret", "not in the folder of the crew file"),
        ("~/secret", "No such file"),
        ("link", "not in the folder of the crew file"),
        ("linked/secret", "not in the folder of the crew file"),
        ("", "not in the folder of the crew file"),
        (".", "Is a directory"),
        ("missing.md", "No such file"),
        ("fifo", "no regular file"),
        ("huge", "more than 8192 bytes"),
        ("bytes", "not UTF-8"),
        ("empty", "is empty"),
    ],
)
def test_only_a_text_in_the_folder_can_be_a_prompt(project, name, said):
    """A repository that was just cloned must not send the keys of its user to a model."""
    (project.folder.parent / "secret").write_text("the key\n")
    (project.folder / "link").symlink_to(project.folder.parent / "secret")
    (project.folder / "linked").symlink_to(project.folder.parent)
    os.mkfifo(project.folder / "fifo")
    with (project.folder / "huge").open("w") as made:
        made.truncate(1 << 40)
    (project.folder / "bytes").write_bytes(b"\xff")
    (project.folder / "empty").write_text("\n")
    problem = project.wrong(f"{BOB}prompt = '@{name}'")
    assert said in str(problem)
    assert ":3: agents.bob.prompt " in str(problem)
    assert "the key" not in str(problem)


def test_an_absolute_path_is_in_the_folder_or_refused(project):
    (project.folder / "a.md").write_text("Read")
    assert project.agents(f"prompt = '@{project.folder}/a.md'")[0].prompt == "Read"
    assert "not in the folder" in str(project.wrong(f"{BOB}prompt = '@/etc/passwd'"))


# -- which file --------------------------------------------------------------------------------------------------------


def test_the_file_of_a_project_is_at_its_top(project, tmp_path):
    assert file.find(str(project.folder)) is None
    project.path.write_text(BOB)
    (project.folder / "a" / "b").mkdir(parents=True)
    assert file.find(str(project.folder / "a" / "b")) == str(project.path)
    assert file.find(str(tmp_path / "nowhere")) is None


def test_a_folder_may_be_a_link_and_the_file_may_not(project, tmp_path):
    project.path.write_text(BOB)
    (tmp_path / "other").symlink_to(project.folder)
    assert file.load(str(tmp_path / "other" / "xats.toml")).path == str(project.path)
    (tmp_path / "link.toml").symlink_to(project.path)
    with pytest.raises(file.CrewFileInvalid, match="it is a link"):
        file.load(str(tmp_path / "link.toml"))


def test_a_file_that_others_can_write_is_not_read(project):
    project.path.write_text(BOB)
    project.path.chmod(0o666)
    with pytest.raises(file.CrewFileInvalid, match="every user can write to it"):
        file.load(str(project.path))


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_a_file_of_another_user_is_not_read(project):
    project.path.write_text(BOB)
    os.chown(project.path, 12345, 12345)
    with pytest.raises(file.CrewFileInvalid, match="belongs to user id 12345"):
        file.load(str(project.path))


def test_a_huge_file_a_fifo_and_a_missing_file_are_not_read(project):
    with pytest.raises(file.NoCrew, match="There is no crew file"):
        file.load(str(project.path))
    os.mkfifo(project.path)
    with pytest.raises(file.CrewFileInvalid, match="no regular file"):
        file.load(str(project.path))
    project.path.unlink()
    with project.path.open("w") as made:
        made.truncate(1 << 40)
    with pytest.raises(file.CrewFileInvalid, match="at most 32768"):
        file.load(str(project.path))


def test_a_crew_has_a_limit(project):
    many = "".join(f"[agents.a{n}]\nprogram = 'claude'\ncount = 20\n" for n in range(6))
    assert "a crew has at most 100 agents" in str(project.wrong(many))


# -- the digest --------------------------------------------------------------------------------------------------------


CHANGES = [
    "args = ['x']",
    "role = 'x'",
    "tags = ['x']",
    "count = 2",
    "place = 'split'",
    "place = 'session:x'",
    "worktree = true",
    "worktree = 'x'",
    "cwd = 'x'",
    "prompt = 'x'",
    "env = { A = 'x' }",
    "restart = 'never'",
    "order = 1",
    "writable-store = true",
    "[agents.amy]\nprogram = 'codex'",
]


@pytest.mark.parametrize("body", CHANGES)
def test_each_change_of_what_runs_has_another_digest(project, body):
    assert project.load(BOB + body).digest != project.load(BOB).digest


def test_what_decides_nothing_changes_no_digest(project):
    first = project.load(BOB + "[agents.amy]\nprogram = 'codex'\n").digest
    second = "# new\n[wake]\nhops = 3\n[agents.amy]\nprogram = 'codex'\n[agents.bob]\nprogram = 'claude'\nrole = 'x'"
    assert project.load(second.replace("\nrole = 'x'", "\norder = 0")).digest == first


def test_the_content_of_a_prompt_file_and_the_path_count(project):
    (project.folder / "a.md").write_text("one")
    first = project.load(BOB + "prompt = '@a.md'")
    (project.folder / "a.md").write_text("two")
    second = file.load(first.path)
    assert second.digest != first.digest
    assert entry.digest("/elsewhere", second.entries) != second.digest
