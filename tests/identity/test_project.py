"""Which project a folder belongs to, by the files that git itself writes."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections import Counter

import pytest

from tests.support.yard import git
from xats.base import birth
from xats.identity import project
from xats.identity.project import Project, find


def found(folder) -> Project:
    one = find(str(folder))
    assert one is not None
    return one


def same(one, other) -> bool:
    return (found(one).path, found(one).name) == (found(other).path, found(other).name)


# -- repositories ------------------------------------------------------------------------------------------------------


def test_a_repository_is_a_project_from_its_top_to_its_deepest_folder(yard):
    shop = yard.repository("shop")
    deep = shop / "src" / "parser"
    deep.mkdir(parents=True)
    assert found(deep) == Project(str(shop), str(shop / ".git"), str(shop), "shop", True)
    for inside in (shop, shop / ".git", shop / ".git" / "refs" / "heads"):
        assert found(inside) == found(deep), inside


def test_all_worktrees_are_one_project(yard):
    shop = yard.repository("shop")
    for name in ("shop-fix", "shop/.worktrees/login", "shop/.claude/worktrees/agent-1", "far/away/wt"):
        tree = yard.worktree(shop, name)
        assert same(tree, shop), name
        assert (found(tree).top, found(tree).here, found(tree).problem) == (str(shop), str(tree), None)
    assert same(shop / ".git" / "worktrees" / "shop-fix", shop)
    assert sorted(found(shop).worktrees()) == sorted(found(yard / "shop-fix").worktrees())
    assert len(list(found(shop).worktrees())) == 4


def test_a_worktree_with_relative_links_is_followed(yard):
    """As git writes them with worktree.useRelativePaths, since 2.48."""
    shop = yard.repository("shop")
    tree = yard.worktree(shop, "fix")
    (tree / ".git").write_text("gitdir: ../shop/.git/worktrees/fix\n")
    (shop / ".git" / "worktrees" / "fix" / "gitdir").write_text("../../../../fix/.git\n")
    assert same(tree, shop)
    assert list(found(shop).worktrees()) == [str(tree)]


@pytest.mark.parametrize("name", [".bare", "shop.git"])
def test_a_bare_repository_with_one_folder_per_branch(yard, name):
    shop = yard.bare("shop", name, "main2", "feature")
    assert found(shop / "feature") == Project(str(shop), str(shop / name), str(shop / "feature"), "shop", True)
    assert same(shop / "main2", shop / "feature")
    assert same(shop / name, shop / "feature")
    assert same(shop / name / "refs", shop / "feature")
    assert same(shop, shop / "feature")
    (shop / ".git").write_text(f"gitdir: ./{name}\n")
    for one in (shop, shop / "feature", shop / name):
        assert same(one, shop / "main2"), one


def test_two_bare_repositories_with_a_branch_of_the_same_name(yard):
    shop, blog = yard.bare("shop", ".bare", "main2"), yard.bare("blog", ".bare", "main2")
    assert (found(shop / "main2").name, found(blog / "main2").name) == ("shop", "blog")
    assert not same(shop / "main2", blog / "main2")


def test_a_submodule_belongs_to_the_superproject(yard):
    inner, lib, shop = yard.repository("inner"), yard.repository("lib"), yard.repository("shop")
    yard.submodule(lib, inner, "deps/inner")
    vendor = yard.submodule(shop, lib, "vendor/lib")
    git_update(shop)
    for folder in (vendor, vendor / "deps" / "inner", shop / ".git" / "modules" / "vendor" / "lib"):
        assert same(folder, shop), folder
    assert found(vendor).here == str(vendor)


def git_update(repository) -> None:
    git("submodule", "--quiet", "update", "--init", "--recursive", cwd=repository)


def test_a_submodule_in_a_linked_worktree_belongs_to_the_superproject(yard):
    lib, shop = yard.repository("lib"), yard.repository("shop")
    yard.submodule(shop, lib, "vendor/lib")
    tree = yard.worktree(shop, "shop-fix")
    git_update(tree)
    assert "worktrees" in (tree / "vendor" / "lib" / ".git").read_text()
    assert same(tree / "vendor" / "lib", shop)


def test_a_worktree_of_a_submodule_belongs_to_the_superproject(yard):
    lib, shop = yard.repository("lib"), yard.repository("shop")
    vendor = yard.submodule(shop, lib, "vendor/lib")
    tree = yard.worktree(vendor, "lib-fix")
    assert same(tree, shop)
    assert found(tree).here == str(tree)
    (vendor / "xats.toml").touch()
    assert same(tree, vendor)


def test_a_submodule_with_a_project_file_is_a_project_of_its_own(yard):
    lib, shop = yard.repository("lib"), yard.repository("shop")
    vendor = yard.submodule(shop, lib, "vendor/lib")
    (vendor / "xats.toml").touch()
    modules = str(shop / ".git" / "modules" / "vendor" / "lib")
    assert found(vendor) == Project(str(vendor), modules, str(vendor), "lib", True)
    assert found(vendor).stamp


def test_a_project_file_in_a_repository_changes_nothing(yard):
    shop = yard.repository("shop")
    part = shop / "part"
    part.mkdir()
    (part / "xats.toml").touch()
    assert same(part, shop)


def test_a_repository_in_another_one_is_its_own_project(yard):
    shop = yard.repository("shop")
    assert not same(yard.repository("shop/vendor/lib"), shop)


# -- folders without git -----------------------------------------------------------------------------------------------


def test_a_folder_without_git_is_a_project(yard):
    notes = yard.folder_at("notes/today")
    assert found(notes) == Project(str(notes), str(notes), str(notes), "today", False)
    assert (found(notes).stamp, found(notes).remote, list(found(notes).worktrees())) == (None, None, [])


def test_without_git_the_nearest_folder_with_a_project_file_is_the_top(yard):
    notes = yard.folder_at("notes/2026/may")
    (yard / "notes" / "xats.toml").touch()
    assert found(notes) == found(yard / "notes")
    assert found(notes).name == "notes"


def test_a_folder_that_was_removed_is_no_project(yard):
    gone = yard.folder_at("gone")
    assert find(str(yard / "never")) is None
    assert find("/a\0b") is find("/a\ud800") is None
    code = "import os; from xats.identity.project import find; os.rmdir(os.getcwd()); print(find())"
    source = os.path.dirname(os.path.dirname(os.path.dirname(project.__file__)))
    environ = {**os.environ, "PYTHONPATH": source}
    line = [sys.executable, "-c", code]
    done = subprocess.run(line, cwd=gone, env=environ, capture_output=True, text=True, check=True)
    assert done.stdout == "None\n"


def test_a_link_leads_to_the_same_project(yard):
    shop = yard.repository("shop")
    (yard / "link").symlink_to(shop)
    assert found(yard / "link") == found(shop)


# -- what is not followed ----------------------------------------------------------------------------------------------


def refused(folder) -> str:
    """Return why the `.git` of a folder is not followed; the folder is a project of its own then."""
    one = found(folder)
    assert (one.path, one.name) == (str(folder), folder.name)
    assert one.problem
    return one.problem


@pytest.mark.parametrize("relative", [False, True])
def test_a_planted_git_file_joins_no_project(yard, relative):
    shop, evil = yard.repository("shop"), yard.folder_at("evil")
    tree = yard.worktree(shop, "shop-fix")
    base = "../shop/.git" if relative else shop / ".git"
    for target in (base, f"{base}/worktrees/shop-fix", f"{base}/objects", f"{base}/nothing"):
        (evil / ".git").write_text(f"gitdir: {target}\n")
        assert str(evil / ".git") in refused(evil)
    assert same(tree, shop)


def test_a_planted_git_link_or_directory_joins_no_project(yard):
    shop, evil = yard.repository("shop"), yard.folder_at("evil")
    (evil / ".git").symlink_to(shop / ".git")
    refused(evil)
    (evil / ".git").unlink()
    (evil / ".git").mkdir()
    (evil / ".git" / "commondir").write_text(str(shop / ".git"))
    refused(evil)
    (evil / ".git" / "gitdir").write_text(str(evil / ".git"))
    refused(evil)


def test_a_planted_git_file_joins_no_project_as_a_submodule(yard):
    lib, shop = yard.repository("lib"), yard.repository("shop")
    yard.submodule(shop, lib, "vendor/lib")
    evil = yard.folder_at("evil")
    (evil / ".git").write_text(f"gitdir: {shop}/.git/modules/vendor/lib\n")
    assert "does not name" in refused(evil)


def test_a_copied_worktree_is_not_the_worktree(yard):
    shop = yard.repository("shop")
    tree = yard.worktree(shop, "fix")
    shutil.copytree(tree, yard / "copy")
    assert str(tree / ".git") in refused(yard / "copy")
    assert same(tree, shop)


def test_a_separate_git_directory_proves_nothing_unless_it_names_its_worktree(yard):
    shop = yard / "shop"
    git("init", "-q", "--separate-git-dir", yard / "shop-data", shop)
    refused(shop)
    git("config", "core.worktree", shop, cwd=shop)
    assert found(shop) == Project(str(shop), str(yard / "shop-data"), str(shop), "shop", True)


@pytest.mark.parametrize("text", ["", "gitdir:", "gitdir: \n", "gitdir: a\0b\n", "\xff\xfe", "gitdir: .git\n"])
def test_a_broken_git_file_makes_its_folder_a_project(yard, text):
    folder = yard.folder_at("broken")
    (folder / ".git").write_bytes(text.encode("latin-1"))
    refused(folder)


def test_a_git_file_that_is_a_pipe_does_not_block(yard):
    folder = yard.folder_at("pipe")
    os.mkfifo(folder / ".git")
    refused(folder)


root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file to another user")


@root
def test_what_another_user_planted_above_is_ignored(yard):
    work = yard.folder_at("shared/work")
    for plant in (plant_repository, plant_bare, plant_project_file, plant_link):
        planted = plant(yard / "shared", yard)
        assert found(work) == Project(str(work), str(work), str(work), "work", False), plant
        for one in planted:
            shutil.rmtree(one) if one.is_dir() and not one.is_symlink() else one.unlink()


def owned_by_another(path) -> None:
    for folder, _, names in os.walk(path):
        for one in (folder, *(os.path.join(folder, name) for name in names)):
            os.chown(one, 65534, 65534, follow_symlinks=False)
    os.chown(path, 65534, 65534, follow_symlinks=False)


def plant_repository(folder, yard):
    git("init", "-q", folder)
    owned_by_another(folder / ".git")
    return [folder / ".git"]


def plant_bare(folder, yard):
    git("init", "-q", "--bare", yard / "bare.git")
    made = []
    for one in sorted((yard / "bare.git").iterdir()):
        one.rename(folder / one.name)
        owned_by_another(folder / one.name)
        made.append(folder / one.name)
    (yard / "bare.git").rmdir()
    return made


def plant_project_file(folder, yard):
    (folder / "xats.toml").touch()
    owned_by_another(folder / "xats.toml")
    return [folder / "xats.toml"]


def plant_link(folder, yard):
    mine = yard / "mine"
    if not mine.exists():
        yard.repository("mine")
    (folder / ".git").symlink_to(mine / ".git")
    owned_by_another(folder / ".git")
    return [folder / ".git"]


@root
def test_a_folder_of_another_user_has_his_project(yard):
    """As for root in a container, with a repository of the machine mounted into it."""
    shop = yard.repository("shop")
    tree = yard.worktree(shop, "fix")
    owned_by_another(shop)
    owned_by_another(tree)
    assert same(tree, shop)
    assert found(shop).is_git


# -- what is read once -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("missing", [(), ("description",), ("description", "info/exclude")], ids=str)
def test_the_stamp_survives_a_move_and_nothing_else(yard, missing):
    shop = yard.repository("shop")
    for name in missing:  # as with a template of git's that does not have them
        (shop / ".git" / name).unlink()
    if len(missing) > 1 and birth.made_at(str(shop)) is None:
        pytest.skip("this file system does not keep when a directory was made")
    before, path = found(shop).stamp, found(shop).path
    shop.rename(yard / "moved")
    after = found(yard / "moved")
    assert before is not None
    assert before == after.stamp
    assert after.was_at(path)
    shutil.copytree(yard / "moved", yard / "copy", copy_function=shutil.copy2)
    assert found(yard / "copy").stamp != after.stamp
    assert not found(yard / "copy").was_at(after.path)


def test_a_bare_repository_has_a_stamp(yard):
    assert found(yard.bare("shop", ".bare", "feature") / "feature").stamp


@pytest.mark.parametrize("missing", [(), ("description", "info/exclude")], ids=str)
def test_a_reused_inode_is_not_the_repository_that_had_it(yard, missing):
    """A file system hands the inode of a removed directory out again."""

    def repository(name: str):
        made = yard.repository(name)
        for one in missing:
            (made / ".git" / one).unlink()
        return made

    for number in range(20):
        one = repository(f"one-{number}")
        before = found(one).stamp
        if before is None:
            pytest.skip("this file system does not keep when a directory was made")
        shutil.rmtree(one)
        after = found(repository(f"two-{number}")).stamp
        assert after != before
        inodes = [stamp.partition(":")[0] for stamp in (before, after)]
        if inodes[0] == inodes[1]:
            return
    pytest.skip("this file system does not use an inode again at once")


@pytest.mark.parametrize(
    "url, kept",
    [
        ("https://github.com/a/shop.git", "https://github.com/a/shop.git"),
        ("https://kim:secret@github.com/a/shop.git", "https://github.com/a/shop.git"),
        ("git@github.com:a/shop.git", "git@github.com:a/shop.git"),
        ("ssh://git@github.com/a/shop.git", "ssh://git@github.com/a/shop.git"),
        ("/srv/a b/#1;x.git", "/srv/a b/#1;x.git"),
        ('/srv/a\\b"c', '/srv/a\\b"c'),
    ],
)
def test_the_remote_is_what_git_wrote_without_a_password(yard, url, kept):
    shop = yard.repository("shop")
    git("remote", "add", "upstream", "/srv/other", cwd=shop)
    assert found(shop).remote is None
    git("remote", "add", "origin", url, cwd=shop)
    assert found(shop).remote == kept
    assert found(yard.worktree(shop, "fix")).remote == kept


def test_a_hundred_worktrees_cost_no_more_than_one(yard, monkeypatch):
    shop = yard.repository("shop")
    tree = yard.worktree(shop, "wt")
    calls = counted(monkeypatch)
    found(tree)
    one = sum(calls.values())
    linked = shop / ".git" / "worktrees"
    for number in range(99):
        shutil.copytree(linked / "wt", linked / f"wt-{number}")
    calls.clear()
    found(tree)
    assert sum(calls.values()) == one
    assert calls["open"] == 3


def counted(monkeypatch) -> Counter[str]:
    """Count what is asked of the file system."""
    calls: Counter[str] = Counter()

    def counting(name: str, real):
        def call(*words, **options):
            calls[name] += 1
            return real(*words, **options)

        return call

    for name in ("open", "stat", "lstat", "listdir"):
        monkeypatch.setattr(os, name, counting(name, getattr(os, name)))
    return calls


# -- project files that make no project --------------------------------------------------------------------------------


@pytest.mark.parametrize("above", ["home", "home/kim"])
def test_a_project_file_in_the_home_folder_or_above_makes_no_project_of_what_is_below(yard, monkeypatch, above):
    notes = yard.folder_at("home/kim/notes")
    monkeypatch.setenv("HOME", str(yard / "home" / "kim"))
    (yard / above / "xats.toml").touch()
    assert found(notes) == Project(str(notes), str(notes), str(notes), "notes", False)
    assert project.ignored(found(notes)) == [str(yard / above / "xats.toml")]
    assert found(yard / above).path == str(yard / above)
    deep = yard.folder_at("home/kim/work/src")
    (yard / "home" / "kim" / "work" / "xats.toml").touch()
    assert found(deep).name == "work"


def test_a_project_file_in_the_root_makes_no_project(yard, monkeypatch):
    notes = yard.folder_at("notes")
    trusted = project._is_trusted
    monkeypatch.setattr(project, "_is_trusted", lambda path, owner: path == "/xats.toml" or trusted(path, owner))
    assert found(notes).path == str(notes)
    assert project.ignored(found(notes)) == ["/xats.toml"]


# -- a git directory elsewhere -----------------------------------------------------------------------------------------


def test_the_command_for_a_separate_git_directory_has_all_its_worktrees_be_one_project(yard):
    shop = yard / "shop"
    git("init", "-q", "--separate-git-dir", yard / "shop-data", shop)
    git("commit", "-q", "--allow-empty", "-m", "first", cwd=shop)
    fix = found(shop).fix
    assert fix == f"git -C {shop} config core.worktree {shop}"
    subprocess.run(fix, shell=True, check=True)
    tree = yard.worktree(shop, "shop-fix")
    git("status", cwd=tree)
    assert found(tree) == Project(str(shop), str(yard / "shop-data"), str(tree), "shop", True)
    assert same(yard / "shop-data", shop)


def test_no_command_changes_the_worktree_of_another_repository(yard):
    shop, evil = yard.repository("shop"), yard.folder_at("evil")
    (evil / ".git").write_text(f"gitdir: {shop}/.git\n")
    assert "core.worktree" not in (found(evil).fix or "")
    git("init", "-q", "--bare", yard / "bare.git")
    (evil / ".git").write_text(f"gitdir: {yard}/bare.git\n")
    assert "core.worktree" not in (found(evil).fix or "")
