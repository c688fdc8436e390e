"""Worktrees of agents: made, used again, and removed only when nothing would be lost. With real git."""

import json
import os
import shutil
import subprocess

import pytest

from tests.support.places import ENDS, staged
from xats.base.errors import Usage, XatsError
from xats.crews import worktrees

pytestmark = [
    pytest.mark.skipif(not shutil.which("git"), reason="git is not installed"),
]


def git(folder, *words):
    names = {f"GIT_{who}_{what}": "kim" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    done = subprocess.run(
        ["git", "-C", str(folder), *words], capture_output=True, text=True, env={**os.environ, **names}, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


class Repository:
    def __init__(self, folder) -> None:
        self.top = folder
        git(folder, "init", "-q", "-b", "main")
        self.write("a.txt", "one\n")
        self.write(".gitignore", "*.tmp\n.env\n")
        self.commit("first")

    def write(self, name, text, tree=None):
        path = (self.top if tree is None else tree) / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def commit(self, subject, tree=None):
        git(tree or self.top, "add", "-A")
        git(tree or self.top, "commit", "-q", "-m", subject)

    def prepare(self, name="bob", branch=None, **settings):
        self.said = []
        values = {f"XATS_WORKTREE_{key.upper()}": value for key, value in settings.items()}
        made = worktrees.prepare(str(self.top), name, f"{name}@crew", branch, values, self.said.append)
        assert made == str(self.top / ".worktrees" / name)
        return self.top / ".worktrees" / name

    def remove(self, name="bob"):
        return worktrees.remove(str(self.top / ".worktrees" / name), f"{name}@crew")


@pytest.fixture
def stage(xats, tmp_path):
    with staged(xats, tmp_path) as made:
        yield made


@pytest.fixture
def repository(tmp_path, monkeypatch):
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    for variable in ("GIT_AUTHOR", "GIT_COMMITTER"):
        monkeypatch.setenv(f"{variable}_NAME", "kim")
        monkeypatch.setenv(f"{variable}_EMAIL", "kim@example.org")
    folder = tmp_path / "shop"
    folder.mkdir()
    return Repository(folder)


def test_a_worktree_has_its_own_branch_and_changes_no_tracked_file(repository):
    tree = repository.prepare()
    assert git(tree, "rev-parse", "--abbrev-ref", "HEAD") == "xats/bob"
    assert worktrees.of_folder(str(tree), "bob@crew").base == "main"
    assert git(repository.top, "status", "--porcelain") == ""
    assert (repository.top / ".git" / "info" / "exclude").read_text().endswith("\n/.worktrees/\n")
    repository.prepare("amy")
    assert (repository.top / ".git" / "info" / "exclude").read_text().count(".worktrees") == 1


def test_its_own_worktree_is_used_again_and_prepared_once(repository):
    repository.write(".env", "KEY=1\n")
    repository.write("conf/x.tmp", "x")
    ready = {"copy": ".env,conf/x.tmp,../etc,none.tmp", "setup": "echo done >> made.tmp"}
    tree = repository.prepare(**ready)
    assert ((tree / ".env").read_text(), (tree / "conf/x.tmp").read_text()) == ("KEY=1\n", "x")
    assert any("../etc is not a file of this project" in one for one in repository.said)
    assert any("there is no file none.tmp" in one for one in repository.said)
    (tree / ".env").write_text("KEY=2\n")
    assert repository.prepare(**ready) == tree
    assert ((tree / ".env").read_text(), (tree / "made.tmp").read_text()) == ("KEY=2\n", "done\n")


def test_a_setup_that_fails_runs_again_at_the_next_launch(repository):
    with pytest.raises(XatsError, match=r"worktree\.setup failed with exit 3"):
        repository.prepare(setup="exit 3")
    tree = repository.prepare(setup="touch ok.tmp")
    assert (tree / "ok.tmp").exists()


def test_a_copy_leads_nowhere_else(repository, tmp_path):
    (tmp_path / "secret").write_text("s")
    (repository.top / "link.tmp").symlink_to(tmp_path / "secret")
    tree = repository.prepare(copy="link.tmp,.git/config")
    assert not (tree / "link.tmp").exists()
    assert len(repository.said) == 2


@pytest.mark.parametrize("how", ["folder", "worktree", "other agent"])
def test_a_worktree_of_somebody_else_is_refused(repository, how):
    path = repository.top / ".worktrees" / "bob"
    if how == "folder":
        repository.write(".worktrees/bob/file", "x")
    elif how == "worktree":
        git(repository.top, "worktree", "add", "-q", str(path))
    else:
        repository.prepare()
        about = json.loads((repository.top / ".git/worktrees/bob/xats.json").read_text())
        (repository.top / ".git/worktrees/bob/xats.json").write_text(json.dumps({**about, "agent": "bob@other"}))
    before = sorted(os.listdir(path))
    with pytest.raises(worktrees.WorktreeTaken):
        repository.prepare()
    assert not repository.remove().removed
    assert sorted(os.listdir(path)) == before


def test_another_branch(repository):
    git(repository.top, "branch", "feature")
    tree = repository.prepare(branch="feature")
    assert git(tree, "rev-parse", "--abbrev-ref", "HEAD") == "feature"
    with pytest.raises(worktrees.WorktreeTaken, match="is for the branch feature"):
        repository.prepare(branch="other")
    with pytest.raises(Usage, match="does not take"):
        repository.prepare("amy", branch="a..b")
    assert repository.remove().removed
    assert git(repository.top, "branch", "--list", "feature")  # it was there before


def test_only_a_clean_worktree_is_removed(repository):
    tree = repository.prepare()
    repository.write("new.txt", "x", tree)
    repository.write("left.tmp", "x", tree)
    found = repository.remove()
    assert (found.removed, found.left) == (False, ("new.txt", "left.tmp (ignored)"))
    assert "not committed" in found.why
    (tree / "new.txt").unlink()
    assert repository.remove().removed
    assert not tree.exists()
    assert git(repository.top, "branch", "--list", "xats/bob") == ""


def test_only_a_merged_worktree_is_removed(repository):
    tree = repository.prepare()
    repository.write("b.txt", "two\n", tree)
    repository.commit("second", tree)
    repository.write("b.txt", "two\nthree\n", tree)
    repository.commit("third", tree)
    found = repository.remove()
    assert (found.removed, found.why) == (False, "main lacks 2 commits of xats/bob")
    repository.write("c.txt", "meanwhile\n")
    repository.commit("meanwhile")
    assert not repository.remove().removed
    git(repository.top, "merge", "-q", "--squash", "xats/bob")
    repository.commit("both in one")
    assert repository.remove().removed


@pytest.mark.parametrize("how", ["merge", "cherry-pick"])
def test_other_ways_to_merge(repository, how):
    tree = repository.prepare()
    repository.write("b.txt", "two\n", tree)
    repository.commit("second", tree)
    repository.write("c.txt", "meanwhile\n")
    repository.commit("meanwhile")
    git(repository.top, *(("merge", "-q", "--no-edit") if how == "merge" else ("cherry-pick",)), "xats/bob")
    assert repository.remove().removed


def test_commits_of_the_branch_are_kept_while_another_is_checked_out(repository):
    tree = repository.prepare()
    repository.write("b.txt", "two\n", tree)
    repository.commit("second", tree)
    git(tree, "switch", "-q", "-c", "aside", "main")
    found = repository.remove()
    assert (found.removed, found.why) == (False, "main lacks 1 commit of xats/bob")
    git(repository.top, "branch", "-q", "-m", "main", "trunk")
    assert "is gone" in repository.remove().why


def test_no_worktree_without_a_repository(tmp_path):
    with pytest.raises(Usage, match="needs a git repository"):
        worktrees.prepare(str(tmp_path), "bob", "bob@crew", None, {}, print)
    git(tmp_path, "init", "-q")
    with pytest.raises(Usage, match="needs a first commit"):
        worktrees.prepare(str(tmp_path), "bob", "bob@crew", None, {}, print)


@pytest.mark.skipif(not shutil.which("tmux"), reason="tmux is not installed: there are no panes")
def test_an_agent_in_its_worktree(stage, xats, crew):
    repository = Repository(xats.folder)
    stage.play(ENDS)
    _, err = stage.run("launch claude --window --worktree", code=2)
    assert "--worktree needs --name" in err
    stage.run("launch claude --name bob --window --worktree")
    found = stage.start()
    tree = xats.folder / ".worktrees" / "bob"
    assert stage.notes("pwd", found.pid).strip() == str(tree)
    assert (found.worktree, found.branch, found.base) == (str(tree), "xats/bob", "main")
    listed = xats("agents", "--long", "--json").json()["agents"]
    bob = next(one["crew"] for one in listed if one["name"] == "bob")
    assert (bob["state"], bob["restarts"], bob["dirty"], bob["start"]["branch"]) == ("running", 0, False, "xats/bob")
    assert next(one["crew"]["start"] for one in listed if one["name"] == "alice") is None
    row = next(line.split("\t") for line in xats("agents", "--long").stdout.splitlines() if line.startswith("bob"))
    assert [row[at] for at in (2, 4, 5, 6, 7)] == ["running", "0", ".worktrees/bob", "xats/bob", "clean"]
    repository.write("new.txt", "x", tree)
    out, err = stage.run("down bob --worktree", code=4)
    assert (out, "new.txt" in err, "not committed" in err) == ("bob stopped\n", True, True)
    removal = f"git -C {tree.parent} worktree remove --force {tree}"
    assert f"to remove it all the same: {removal}\n" in err
    (tree / "new.txt").unlink()
    out, _ = stage.run("down bob --worktree --json")
    assert json.loads(out)["agents"][0]["worktree"]["removed"] is True
    assert not tree.exists()


@pytest.mark.skipif(not shutil.which("tmux"), reason="tmux is not installed: there are no panes")
def test_a_worktree_stays_that_of_its_agent_after_renames(stage, xats, crew):
    Repository(xats.folder)
    stage.play(ENDS)
    stage.run("launch claude --name bob --window --worktree")
    xats("agent", "rename", "bob", "rob", "--as", "bob")
    stage.run("down rob")
    stage.run("launch claude --name rob --window --worktree")
    assert (stage.start("rob").branch, stage.start("rob").generation) == ("xats/bob", 2)
    stage.run("down rob")
    xats("team", "rename", "crew", "band", "--yes")
    xats.environ["XATS_TEAM"] = "band"
    stage.run("launch claude --name rob --window --worktree")
    assert os.listdir(xats.folder / ".worktrees") == ["bob"]
    xats("team", "rename", "band", "choir", "--yes")
    xats.environ["XATS_TEAM"] = "choir"
    out, _ = stage.run("down rob --worktree")
    assert out == f"rob stopped\n  worktree {xats.folder}/.worktrees/bob removed\n"
    assert git(xats.folder, "branch") == "* main"


@pytest.mark.skipif(not shutil.which("tmux"), reason="tmux is not installed: there are no panes")
def test_a_worktree_that_was_removed_by_hand(stage, xats, crew):
    repository = Repository(xats.folder)
    stage.play(ENDS)
    stage.run("launch claude --name bob --window --worktree")
    tree = xats.folder / ".worktrees" / "bob"
    repository.write("new.txt", "x", tree)
    repository.commit("work", tree)
    shutil.rmtree(tree)
    out, _ = stage.run("down bob --worktree --json")
    assert json.loads(out)["agents"][0]["worktree"] == {
        "path": str(tree),
        "removed": False,
        "reason": "its folder is gone",
        "left": [],
    }
    stage.run("launch claude --name bob --window --worktree")
    assert (tree / "new.txt").read_text() == "x"
    shutil.rmtree(tree)
    out, _ = stage.run("down bob --worktree")
    assert out == f"bob stopped\n  worktree {tree} is gone already\n"
    assert ".worktrees" not in xats("agents", "--long").stdout


@pytest.mark.skipif(not shutil.which("tmux"), reason="tmux is not installed: there are no panes")
def test_a_launch_that_is_refused_makes_no_worktree(stage, xats, crew):
    Repository(xats.folder)
    for words, code, says in (
        ("opencode", 3, "no program opencode"),
        ("claude --takeover", 2, "--takeover is for a program in this pane"),
        ("claude --resume=-x", 2, "--resume needs the id of a session"),
        ("claude --branch ''", 2, "git does not take ''"),
    ):
        _, err = stage.run(f"launch {words} --name bob --window --worktree", code=code)
        assert says in " ".join(err.split())
    stage.run("launch claude --name bob --window")
    _, err = stage.run("launch claude --name bob --window --worktree", code=4)
    assert "bob already runs" in err
    assert not (xats.folder / ".worktrees").exists()
    assert git(xats.folder, "branch") == "* main"


def test_a_missing_worktree_of_somebody_else_is_refused(repository):
    git(repository.top, "worktree", "add", "-q", ".worktrees/bob", "-b", "mine")
    shutil.rmtree(repository.top / ".worktrees" / "bob")
    with pytest.raises(worktrees.WorktreeTaken, match="whose folder is gone"):
        repository.prepare()


def test_the_worktree_of_a_submodule_lies_beside_its_files(repository, tmp_path):
    inner = tmp_path / "inner"
    inner.mkdir()
    Repository(inner)
    git(repository.top, "-c", "protocol.file.allow=always", "submodule", "add", "-q", str(inner), "part")
    top = repository.top / "part"
    path = worktrees.prepare(str(top), "bob", "bob@crew", None, {}, print)
    assert path == str(top / ".worktrees" / "bob")
    assert worktrees.prepare(path, "bob", "bob@crew", None, {}, print) == path
    assert worktrees.prepare(path, "kim", "kim@crew", None, {}, print) == str(top / ".worktrees" / "kim")
    assert git(top, "status", "--porcelain") == ""
    assert worktrees.remove(path, "bob@crew").removed


def test_a_name_with_a_line_break(tmp_path, monkeypatch):
    for who in ("GIT_AUTHOR", "GIT_COMMITTER"):
        monkeypatch.setenv(f"{who}_NAME", "kim")
        monkeypatch.setenv(f"{who}_EMAIL", "kim@example.org")
    folder = tmp_path / "a\nb 'c' \"d\" $e"
    folder.mkdir()
    repository = Repository(folder)
    tree = repository.prepare()
    assert tree.is_dir()
    assert repository.prepare() == tree
    assert repository.remove().removed


def test_a_bare_repository_has_no_worktree(repository, tmp_path):
    git(tmp_path, "clone", "-q", "--bare", str(repository.top), "bare.git")
    git(tmp_path / "bare.git", "worktree", "add", "-q", str(tmp_path / "linked"))
    for folder in (tmp_path / "bare.git", tmp_path / "linked"):
        with pytest.raises(Usage, match="it is bare"):
            worktrees.prepare(str(folder), "bob", "bob@crew", None, {}, print)
    with pytest.raises(Usage, match="a folder of git itself"):
        worktrees.prepare(str(repository.top / ".git"), "bob", "bob@crew", None, {}, print)


def test_a_repository_of_another_user(repository, monkeypatch):
    monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")
    with pytest.raises(XatsError, match="detected dubious ownership"):
        repository.prepare()


def test_a_file_that_cannot_be_written(repository):
    shutil.rmtree(repository.top / ".git" / "info")
    (repository.top / ".git" / "info").write_text("")
    with pytest.raises(XatsError, match=r"xats cannot make the worktree .*info"):
        repository.prepare()
    assert not (repository.top / ".worktrees").exists()


def test_a_file_where_the_worktrees_would_be(repository):
    (repository.top / ".worktrees").write_text("")
    with pytest.raises(XatsError, match="git worktree failed"):
        repository.prepare()


def test_several_agents_at_once(repository):
    from concurrent.futures import ThreadPoolExecutor

    def make(name):
        return worktrees.prepare(str(repository.top), name, f"{name}@crew", None, {}, print)

    names = [f"bob{number}" for number in range(6)] * 2
    with ThreadPoolExecutor(6) as pool:
        assert list(pool.map(make, names)) == [str(repository.top / ".worktrees" / name) for name in names]
