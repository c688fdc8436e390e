"""The pre-commit hook of git: what xats writes into it, what it leaves, and which commits it refuses."""

import os
import re
import subprocess

import pytest

from xats.base import host
from xats.core.locks import automatic
from xats.core.zones import zones
from xats.core.zones.places import Place
from xats.hooks.install import git as hook
from xats.identity.files import locate

WORDS = ("/opt/xats bin/xats",)
SHELL = b"#!/bin/sh\nset -e\necho mine\n"


class Repository:
    """A git repository at `top`, with one commit of `a.py` and `b c.py`."""

    def __init__(self, xats, top) -> None:
        self.xats, self.top = xats, top
        top.mkdir(parents=True, exist_ok=True)
        xats.environ |= {
            "GIT_CONFIG_GLOBAL": str(xats.home / "gitconfig"),
            "GIT_CONFIG_NOSYSTEM": "1",
            **{
                f"GIT_{who}_{what}": f"{what}@example.com"
                for who in ("AUTHOR", "COMMITTER")
                for what in ("NAME", "EMAIL")
            },
        }
        self("init", "-q", "-b", "main")
        self.write("a.py", "1\n")
        self.write("b c.py", "1\n")
        self("add", "-A")
        self("commit", "-qm", "first")

    def __call__(self, *words, cwd=None, code=0, **env):
        """Run git; it must exit with `code`. Return what it printed."""
        ran = self.xats.run(["git", *words], env=env, cwd=cwd or self.top)
        assert ran.returncode == code, (words, ran)
        return ran.stdout.decode() + ran.stderr.decode()

    def write(self, name, text, cwd=None) -> None:
        path = (cwd or self.top) / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def commit(self, *words, by=None, code=0, cwd=None):
        """Commit as the agent `by` (None: as nobody)."""
        return self("commit", "-qm", "more", *words, cwd=cwd, code=code, XATS_AGENT=by)

    @property
    def hook(self):
        return self.top / ".git" / "hooks" / "pre-commit"

    def head(self, cwd=None) -> str:
        return self("rev-parse", "HEAD", cwd=cwd)


@pytest.fixture
def repository(xats, crew):
    return Repository(xats, xats.folder)


@pytest.fixture
def guarded(repository):
    """A repository with the hook, in which alice holds a.py."""
    repository.xats("lock", "install-git-hook")
    repository.xats("--as", "alice", "lock", "take", "a.py", "--reason", "new lexer")
    return repository


# -- the file ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "before",
    [
        None,
        b"#!/bin/sh\n",
        b"#!/bin/sh",
        SHELL,
        b"#!/usr/bin/env bash\nexec make check",
        b"#!/bin/bash -e\n\n",
        b"echo no first line\n",
        b"# a remark\nexit 0\n",
    ],
)
def test_what_was_there_comes_back_to_the_byte(repository, before, monkeypatch):
    if before is not None:
        repository.hook.write_bytes(before)
        repository.hook.chmod(0o711)
    place = hook.find(str(repository.top))
    assert hook.install(place, WORDS)
    assert not hook.install(place, WORDS)
    assert hook.entry(place.path) == WORDS
    assert hook.install(place, ("/new/xats",))
    assert hook.entry(place.path) == ("/new/xats",)
    mode = repository.hook.stat().st_mode & 0o777
    assert mode == (0o755 if before is None else 0o711)
    if before:
        kept = before.split(b"\n") if before.startswith(b"#!") else [b"", *before.split(b"\n")]
        assert repository.hook.read_bytes().split(b"\n")[0] == (kept[0] or hook.BEGIN.rstrip())
    assert hook.uninstall(place)
    assert not hook.uninstall(place)
    assert (repository.hook.read_bytes() if repository.hook.exists() else None) == before


def test_what_was_added_later_stays(repository):
    place = hook.find(str(repository.top))
    hook.install(place, WORDS)
    repository.hook.write_bytes(repository.hook.read_bytes() + b"make check\n")
    assert hook.uninstall(place)
    assert repository.hook.read_bytes() == b"#!/bin/sh\nmake check\n"


@pytest.mark.parametrize(
    "before, mode, why",
    [
        (b"#!/usr/bin/env python3\nprint(1)\n", 0o755, "not a shell script"),
        (b"\x7fELF\x00\x01", 0o755, "not a shell script"),
        (SHELL, 0o644, "not executable"),
    ],
)
def test_a_hook_in_which_the_line_cannot_stand(repository, before, mode, why):
    repository.hook.write_bytes(before)
    repository.hook.chmod(mode)
    error = repository.xats("lock", "install-git-hook", "--json", code=4).error()
    assert why in error["message"]
    assert "lock guard || [ $? -ne 4 ] || exit 4" in error["hint"]
    assert repository.hook.read_bytes() == before


@pytest.mark.parametrize(
    "given, named",
    [
        (".githooks", ".githooks/pre-commit"),
        (".husky/_", ".husky/pre-commit"),
        ("~/hooks", "../home/hooks/pre-commit"),
        ("../elsewhere", "../elsewhere/pre-commit"),
    ],
)
def test_hooks_elsewhere_are_not_written(repository, given, named):
    repository("config", "core.hooksPath", given)
    error = repository.xats("lock", "install-git-hook", "--json", code=4).error()
    path = os.path.normpath(repository.top / named)
    assert f"{path} is not in the git directory" in error["message"]
    assert not repository.hook.exists()
    assert not os.path.exists(path)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as file:  # a person adds the line
        file.write(f"#!/bin/sh -e\n{error['hint'].partition(': ')[2]}\n")
    os.chmod(path, 0o755)
    if "_" not in given:  # without husky nothing leads from there to the file
        repository.xats("--as", "alice", "lock", "take", "a.py")
        repository.write("a.py", "2\n")
        assert "alice holds it" in repository.commit("-a", by="bob", code=1)
    assert path in repository.xats("lock", "uninstall-git-hook", "--json", code=4).error()["message"]


def test_a_hooks_path_inside_of_the_git_directory_is_used(repository):
    repository("config", "core.hooksPath", ".git/own")
    repository.xats("lock", "install-git-hook")
    assert (repository.top / ".git" / "own" / "pre-commit").exists()
    repository.xats("lock", "uninstall-git-hook")
    assert not (repository.top / ".git" / "own" / "pre-commit").exists()


def test_what_was_added_before_core_hooks_path_was_set_can_be_removed(repository):
    repository.xats("lock", "install-git-hook")
    before = repository.hook.read_bytes()
    repository("config", "core.hooksPath", ".githooks")
    repository.write(".githooks/pre-commit", before.decode())
    error = repository.xats("lock", "uninstall-git-hook", "--json", code=4).error()
    assert "remove the lines between the two marks" in error["hint"]
    assert (repository.top / ".githooks" / "pre-commit").read_bytes() == before
    (repository.top / ".githooks" / "pre-commit").unlink()
    ran = repository.xats("lock", "uninstall-git-hook", "--json").json()
    assert ran == {"path": str(repository.hook), "changed": True}
    assert not repository.hook.exists()


def test_a_pipe_is_no_hook(repository):
    repository.hook.parent.mkdir(exist_ok=True)
    os.mkfifo(repository.hook, 0o755)
    assert "not a regular file" in repository.xats("lock", "install-git-hook", "--json", code=4).error()["message"]


@pytest.mark.parametrize("lost", ["# <<< xats lock guard <<<\n", hook.BEGIN.decode(), "both"])
def test_lines_without_their_marks_are_left_and_named(repository, lost):
    repository.hook.parent.mkdir(exist_ok=True)
    repository.xats("lock", "install-git-hook")
    text = repository.hook.read_text()
    for mark in (hook.BEGIN.decode(), "# <<< xats lock guard <<<\n") if lost == "both" else (lost,):
        text = text.replace(mark, "")
    repository.hook.write_text(text)
    for verb in ("install-git-hook", "uninstall-git-hook"):
        error = repository.xats("lock", verb, "--json", code=4).error()
        assert "not between their two marks" in error["message"]
        assert repository.hook.read_text() == text
    whole = hook.FIRST + hook.BEGIN + hook.line(WORDS).encode() + b"\n" + hook.END + b"\n"
    repository.hook.write_bytes(text.encode() + whole)  # as an older xats added them once more
    assert repository.xats("lock", "uninstall-git-hook", "--json", code=4).error()


def test_a_link_to_a_tracked_hook_is_not_followed(repository):
    repository.write("scripts/pre-commit", SHELL.decode())
    (repository.top / "scripts" / "pre-commit").chmod(0o755)
    repository.hook.symlink_to(repository.top / "scripts" / "pre-commit")
    assert "a link leads out" in repository.xats("lock", "install-git-hook", "--json", code=4).error()["message"]
    assert (repository.top / "scripts" / "pre-commit").read_bytes() == SHELL


def test_outside_of_a_repository(xats, tmp_path):
    (tmp_path / "plain").mkdir()
    error = xats("lock", "install-git-hook", "--json", cwd=tmp_path / "plain", code=4).error()
    assert "git finds no worktree" in error["message"]


def test_a_submodule_has_a_hook_of_its_own(repository, tmp_path):
    other = Repository(repository.xats, tmp_path / "other")
    repository("-c", "protocol.file.allow=always", "submodule", "add", "-q", str(other.top), "sub")
    repository.xats("lock", "install-git-hook", cwd=repository.top / "sub")
    assert (repository.top / ".git" / "modules" / "sub" / "hooks" / "pre-commit").exists()
    assert not repository.hook.exists()
    repository.xats("--as", "alice", "lock", "take", "sub/a.py")
    repository.write("sub/a.py", "2\n")
    assert "alice holds it" in repository.commit("-a", by="bob", code=1, cwd=repository.top / "sub")


# -- commits -----------------------------------------------------------------------------------------------------------


def test_an_agent_cannot_commit_what_another_holds(guarded):
    before = guarded.head()
    guarded.write("a.py", "2\n")
    shown = guarded.commit("-a", by="bob", code=1)
    assert "xats refuses this commit:\n  a.py: alice holds it (new lexer), for 10 min more\n" in shown
    assert "xats lock take a.py --wait 10m" in shown
    assert "steal" not in shown
    assert guarded.head() == before
    guarded.commit("-a", by="alice")
    assert guarded.head() != before


def test_a_person_and_a_session_that_is_nobody_are_warned(guarded):
    guarded.write("a.py", "2\n")
    assert "others work on files of this commit:\n  a.py: alice holds it" in guarded.commit("-a")
    guarded.write("a.py", "3\n")
    env = {"XATS_AGENT": None}
    shown = guarded.xats.on_terminal(command=["git", "commit", "-qam", "by hand"], env=env)
    assert "a.py: alice holds it" in shown
    assert "refuses" not in shown


def test_other_files_and_other_ways_to_commit(guarded):
    guarded.write("a.py", "2\n")
    guarded.write("b c.py", "2\n")
    guarded.commit("b c.py", by="bob")  # a.py is changed, and not in this commit
    guarded("commit", "-q", "--amend", "-m", "again", XATS_AGENT="bob")
    guarded("commit", "-qa", "--amend", "-m", "again", code=1, XATS_AGENT="bob")
    guarded.xats("--as", "alice", "lock", "release", "--all")
    guarded.xats("--as", "alice", "lock", "take", "b c.py")
    guarded("mv", "b c.py", "d.py")
    assert "b c.py: alice holds it" in guarded.commit(by="bob", code=1)
    guarded("mv", "d.py", "b c.py")
    guarded("rm", "-q", "b c.py")
    assert "git restore --staged -- 'b c.py'" in guarded.commit(by="bob", code=1)


def test_a_merge_is_checked_where_it_differs_from_both_sides(guarded):
    guarded("checkout", "-qb", "side")
    guarded.write("a.py", "side\n")
    guarded.write("b c.py", "side\n")
    guarded.commit("-a", by="alice")
    guarded("checkout", "-q", "main")
    guarded.write("b c.py", "main\n")
    guarded.commit("-a", by="bob")
    guarded("merge", "-q", "side", code=1)
    guarded.write("b c.py", "both\n")
    guarded("add", "-A")
    guarded.xats("--as", "alice", "lock", "take", "b c.py")
    assert "b c.py: alice" in guarded.commit(by="bob", code=1)
    guarded.xats("--as", "alice", "lock", "release", "b c.py")
    guarded.commit(by="bob")  # a.py is as on the other side


def test_the_first_commit_and_a_folder_below(xats, crew, tmp_path):
    top = tmp_path / "crew" / "new"
    top.mkdir()
    repository = Repository(xats, top)
    xats.environ["XATS_TEAM"] = "crew"
    xats("lock", "install-git-hook", cwd=top)
    repository("checkout", "-q", "--orphan", "fresh")
    xats("--as", "alice", "lock", "take", "new/a.py")
    (top / "sub").mkdir()
    shown = repository.commit(by="bob", code=1, cwd=top / "sub")
    assert "a.py: alice holds it" in shown
    assert "git rm --cached -- ../a.py\n" in shown  # git cannot restore what no commit has
    assert "xats lock take ../a.py --wait 10m\n" in shown


@pytest.mark.parametrize("name", [b"a\nb", b"caf\xe9", b"it's"])
@pytest.mark.parametrize("first", [True, False])
def test_the_named_commands_work_for_every_name(guarded, name, first):
    path = os.path.join(os.fsencode(guarded.top), name)
    with open(path, "wb"):
        pass
    guarded.xats("--as", "alice", "lock", "take", os.fsdecode(name))
    if first:
        guarded("update-ref", "-d", "HEAD")
        guarded("rm", "-q", "--cached", "a.py")
    guarded("add", os.fsdecode(name))
    shown = guarded.commit(by="bob", code=1)
    command = re.search(r"leave the file out: (.*)\n", shown)[1]
    assert guarded.xats.run(["bash", "-c", command]).returncode == 0
    assert name not in os.fsencode(guarded("diff", "--cached", "--name-only", "-z").replace("\0", "\n\n"))
    command = re.search(r"or wait for it: xats (.*)\n", shown)[1].replace("10m", "1s")
    words = guarded.xats.run(["bash", "-c", f"printf '%s\\0' {command}"]).stdout.split(b"\0")
    assert name in words


def test_outside_of_a_repository_the_guard_says_so(xats, crew, tmp_path):
    (tmp_path / "plain").mkdir()
    ran = xats("--as", "bob", "--team", "crew", "lock", "guard", cwd=tmp_path / "plain")
    assert "could not check this commit: not a git repository" in ran.stderr


def test_a_lock_holds_in_its_worktree_and_the_hook_in_all(guarded, tmp_path):
    linked = tmp_path / "linked tree"
    guarded("worktree", "add", "-q", str(linked), "-b", "two")
    guarded.xats("lock", "uninstall-git-hook", cwd=linked)
    assert not guarded.hook.exists()
    guarded.xats("lock", "install-git-hook", cwd=linked)
    assert guarded.hook.exists()
    guarded.write("a.py", "2\n", linked)
    guarded.commit("-a", by="bob", cwd=linked)
    guarded.xats("--as", "alice", "lock", "take", "b c.py", cwd=linked)
    guarded.write("b c.py", "2\n", linked)
    assert "b c.py: alice holds it" in guarded.commit("-a", by="bob", code=1, cwd=linked)


def test_enforcement_can_be_off(guarded):
    guarded.write("a.py", "2\n")
    shown = guarded("commit", "-qam", "x", XATS_AGENT="bob", XATS_LOCK_ENFORCE="warn")
    assert "a.py: alice holds it" in shown
    guarded.write("a.py", "3\n")
    assert guarded("commit", "-qam", "x", XATS_AGENT="bob", XATS_LOCK_ENFORCE="off") == ""


def test_an_automatic_lock_is_a_warning(guarded, crew):
    """It says only that another agent has just changed the file: the change may be what bob commits."""
    crew.do("alice", automatic.take, locate("b c.py", str(guarded.top)))
    guarded.write("b c.py", "2\n")
    shown = guarded.commit("b c.py", by="bob")
    warned = r"xats: others work on files of this commit:\n  b c\.py: alice edits it, for (2 min|\d+ s) more\n"
    assert re.fullmatch(warned, shown)


def test_zones_of_others(guarded, crew):
    """By default they warn; a file that is mine or my role's is no matter."""
    crew.add("bob", role="dev")
    place = Place(host.machine(), str(guarded.top / ".git"), None)
    crew.do("alice", zones.assign, "alice", place, ["/b c.py"])
    crew.do("alice", zones.assign, "role:dev", place, ["/d.py"])
    guarded.write("b c.py", "2\n")
    guarded.write("d.py", "1\n")
    guarded("add", "-A")
    warned = "b c.py: in the zone b c.py of alice\n"
    assert guarded.commit(by="bob") == f"xats: others work on files of this commit:\n  {warned}"
    guarded.write("b c.py", "3\n")
    shown = guarded("commit", "-qam", "x", code=1, XATS_AGENT="bob", XATS_ZONE_ENFORCE="deny")
    assert f"xats refuses this commit:\n  {warned}" in shown
    assert warned in guarded("commit", "-qam", "x", XATS_ZONE_ENFORCE="deny")
    guarded.write("b c.py", "4\n")
    assert guarded.commit("-a", by="alice") == ""


def test_a_broken_or_missing_xats_stops_no_commit(guarded, tmp_path):
    guarded.write("a.py", "2\n")
    assert guarded("commit", "-qam", "x", XATS_AGENT="bob", XATS_DB=str(tmp_path / "no" / "store.db")) == ""
    (tmp_path / "broken.db").write_text("not a store")
    guarded.write("a.py", "3\n")
    shown = guarded("commit", "-qam", "x", XATS_AGENT="bob", XATS_DB=str(tmp_path / "broken.db"))
    assert "could not check this commit" in shown
    for program in (tmp_path / "gone", tmp_path / "fails"):
        if program.name == "fails":
            program.write_text("#!/bin/sh\nexit 1\n")
            program.chmod(0o755)
        place = hook.find(str(guarded.top))
        hook.install(place, (str(program),))
        guarded.hook.write_bytes(guarded.hook.read_bytes().replace(b"#!/bin/sh\n", b"#!/bin/sh -e\n"))
        guarded.write("a.py", f"{program.name}\n")
        guarded.commit("-a", by="bob")
        guarded.hook.write_bytes(guarded.hook.read_bytes().replace(b"#!/bin/sh -e\n", b"#!/bin/sh\n"))


def test_the_findings_as_json(guarded):
    guarded.write("a.py", "2\n")
    guarded("add", "-A")
    ran = guarded.xats("--as", "bob", "lock", "guard", "--json", code=4)
    assert '"refused": true' in ran.stdout
    assert '"owner": "alice@crew"' in ran.stdout
    assert guarded.xats("--as", "alice", "lock", "guard", "--json").json() == {"findings": [], "refused": False}


def test_git_is_missing(repository, tmp_path):
    (tmp_path / "empty").mkdir()
    error = repository.xats("lock", "install-git-hook", "--json", env={"PATH": str(tmp_path / "empty")}, code=3).error()
    assert error["code"] == "program_missing"


def test_the_line_is_one_that_a_shell_takes():
    line = hook.line(WORDS)
    assert subprocess.run(["sh", "-n", "-c", line], check=False).returncode == 0
    assert subprocess.run(["sh", "-ec", line], check=False).returncode == 0
