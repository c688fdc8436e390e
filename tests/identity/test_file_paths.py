"""One file has one key, however its path is written; two files never have the same."""

from __future__ import annotations

import os
import shutil

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support.yard import git
from xats.base import host
from xats.core.locks.files import File
from xats.identity import files
from xats.identity.files import BadPath, NoFiles, TooManyFiles, expand, locate


def keys(*paths, folder=None) -> set[tuple[str, str, str]]:
    return {locate(os.fsdecode(path) if isinstance(path, bytes) else str(path), folder).order for path in paths}


def within(file: File) -> tuple[str, str]:
    return file.worktree, file.path


# -- one file ----------------------------------------------------------------------------------------------------------


def test_all_spellings_of_a_file_are_that_file(yard, monkeypatch):
    shop = yard.repository("shop")
    (shop / "src" / "deep").mkdir(parents=True)
    (shop / "src" / "x.py").touch()
    (shop / "link.py").symlink_to("src/x.py")
    (shop / "lib").symlink_to("src/deep")
    (yard / "far").symlink_to(shop)
    monkeypatch.chdir(shop / "src")
    spellings = ["x.py", "./x.py", "../src/x.py", ".//deep/../x.py", shop / "src/x.py", shop / "link.py"]
    spellings += [yard / "far/src/x.py", "../lib/../x.py", "../link.py", "x.py/", "../none/../src/x.py"]
    assert keys(*spellings) == {(host.machine(), str(shop), "src/x.py")}
    assert keys("src/x.py", "./src/x.py", "lib/../x.py", folder=str(shop)) == keys("x.py")
    one = locate("x.py")
    assert (one.repository, one.path, one.absolute) == (str(shop / ".git"), "src/x.py", str(shop / "src/x.py"))


def test_a_file_that_does_not_exist_has_the_key_that_it_will_have(yard):
    shop, plain = yard.repository("shop"), yard.folder_at("plain")
    for top in (shop, plain):
        before = locate(str(top / "new" / "deep" / "x.py"))
        (top / "new" / "deep").mkdir(parents=True)
        (top / "new" / "deep" / "x.py").touch()
        assert locate(str(top / "new" / "deep" / "x.py")) == before
    (shop / "later").symlink_to("new/y.py")
    assert keys(shop / "later") == keys(shop / "new" / "y.py")


def test_a_worktree_has_files_of_its_own_and_the_same_repository(yard):
    shop = yard.repository("shop")
    tree = yard.worktree(shop, "shop/.worktrees/fix")
    one, other = locate(str(shop / "x.py")), locate(str(tree / "x.py"))
    assert (within(one), within(other)) == ((str(shop), "x.py"), (str(tree), "x.py"))
    assert one.repository == other.repository


def test_the_project_of_a_file_is_the_one_that_contains_it(yard):
    shop, blog = yard.repository("shop"), yard.repository("blog")
    git("remote", "add", "origin", "https://me:secret@example.org/blog.git", cwd=blog)
    (shop / "blog").symlink_to(blog)
    for path in ("../blog/x.py", "blog/x.py", str(blog / "x.py")):
        found = locate(path, str(shop))
        assert (found.repository, found.path) == (str(blog / ".git"), "x.py")
        assert found.remote == "https://example.org/blog.git"
    assert locate("x.py", str(shop)).remote is None


def test_a_file_in_a_submodule_belongs_to_the_worktree_around_it(yard):
    shop = yard.repository("shop")
    sub = yard.submodule(shop, yard.repository("lib"), "vendor/lib")
    tree = yard.worktree(shop, "fix")
    git("submodule", "--quiet", "update", "--init", cwd=tree)
    for top, folder in ((shop, sub), (tree, tree / "vendor" / "lib")):
        found = locate("x.py", str(folder))
        assert within(found) == (str(top), "vendor/lib/x.py")
        assert found.repository == str(shop / ".git")


def test_files_of_git_are_files_of_the_project(yard):
    shop = yard.repository("shop")
    tree = yard.worktree(shop, "fix")
    assert within(locate(".git/config", str(shop))) == (str(shop), ".git/config")
    hook = locate(str(shop / ".git" / "hooks" / "pre-commit"), str(tree))
    assert within(hook) == (str(shop), ".git/hooks/pre-commit")
    far = yard.folder_at("far")
    git("init", "-q", "--separate-git-dir", yard / "elsewhere", far)
    assert locate(str(yard / "elsewhere" / "config")).absolute == str(yard / "elsewhere" / "config")


def test_without_git_the_file_belongs_to_its_folder_or_to_the_project_file_above(yard):
    plain = yard.folder_at("plain/notes")
    assert within(locate("a.txt", str(plain))) == (str(plain), "a.txt")
    assert keys("notes/a.txt", folder=str(yard / "plain")) == keys("a.txt", folder=str(plain))
    (yard / "plain" / "xats.toml").touch()
    assert within(locate("new/a.txt", str(plain))) == (str(yard / "plain"), "notes/new/a.txt")


def test_bytes_that_are_not_utf8_and_newlines_are_kept_apart(yard):
    shop = yard.repository("shop")
    top = os.fsencode(shop)
    names = [b"caf\xe9", b"caf\xc3\xa9", b"cafe\xcc\x81", b"a\nb", b"a b", b"a", b"A"]
    assert len(keys(*(top + b"/" + name for name in names))) == len(names)
    assert len(keys(top + b"/\xff\xfe", top + rb"/\xff\xfe", top + rb"/\\xff\xfe")) == 3
    found = locate(os.fsdecode(top + b"/caf\xe9"))
    assert found.path == "caf\\xe9"
    found.path.encode()


@pytest.mark.parametrize(
    ("path", "says"),
    [
        ("", "empty"),
        ("a\0b", "NUL"),
        ("loop", "loop of symbolic links"),
        ("loop/x", "Too many levels"),
        ("file/x", "Not a directory"),
        ("n" * 300, "File name too long"),
        (".", "top folder"),
        ("src/..", "top folder"),
    ],
)
def test_what_is_no_file_is_refused(yard, path, says):
    shop = yard.repository("shop")
    (shop / "src").mkdir()
    (shop / "file").touch()
    (shop / "loop").symlink_to("pool")
    (shop / "pool").symlink_to("loop")
    with pytest.raises(BadPath, match=says):
        locate(path, str(shop))


def test_a_working_directory_that_was_removed(yard, monkeypatch):
    gone = yard.folder_at("gone")
    monkeypatch.chdir(gone)
    shutil.rmtree(gone)
    with pytest.raises(BadPath, match="No such file"):
        locate("x.py")
    assert locate(str(yard / "x.py")).path == "x.py"


# -- a file system that ignores case; a test can mount none on Linux, so its answer is given by hand ------------------


def test_where_case_does_not_count_the_name_on_disk_is_shown_and_the_key_is_one(yard, monkeypatch):
    shop = yard.repository("Shop")
    (shop / "Src").mkdir()
    (shop / "Src" / "Straße.py").touch()
    monkeypatch.setattr(files, "_ignores_case", lambda *_: True)
    upper, lower = str(shop).replace("Shop", "SHOP"), str(shop).replace("Shop", "shop")
    found = {locate(f"{top}/{path}") for top in (upper, lower) for path in ("SRC/STRASSE.py", "src/straße.PY")}
    assert {(one.worktree, one.path, one.key) for one in found} == {(str(shop), "Src/Straße.py", "src/strasse.py")}
    assert locate(f"{upper}/src/New.py").path == "Src/New.py"


@pytest.mark.parametrize(
    ("given", "seen"),
    [
        ("SRC/STRASSE.py", "Src/Straße.py"),
        ("./src/", "./Src/"),
        ("/src/*.PY", "/Src/*.PY"),
        ("src/**/SRC", "Src/**/SRC"),
        ("*.py", "*.py"),
        ("none/src", "none/src"),
        (".src/", ".src/"),
        ("{top}/src/", "/Src/"),
    ],
)
def test_where_case_does_not_count_a_pattern_has_the_names_on_disk(yard, monkeypatch, given, seen):
    shop = yard.repository("Shop")
    (shop / "Src").mkdir()
    (shop / "Src" / "Straße.py").touch()
    given = given.replace("{top}", str(shop))
    assert files.from_top(given, str(shop)) == (given.replace(str(shop), "") if given.startswith(str(shop)) else given)
    monkeypatch.setattr(files, "_ignores_case", lambda *_: True)
    assert files.from_top(given, str(shop)) == seen


def test_a_file_system_is_asked_whether_case_counts(yard):
    shop, plain = yard.repository("shop"), yard.folder_at("plain")
    (shop / ".GIT").mkdir()
    (shop / "a").touch()
    (shop / "A").symlink_to("a")
    (plain / "b").touch()
    (plain / "B").touch()
    assert len(keys(shop / "x", shop / "X")) == 2
    assert len(keys(plain / "b", plain / "B", plain / "c", plain / "C")) == 4
    os.rmdir(shop / ".GIT")
    os.rename(shop / ".git", shop / "g")  # a second name of one folder, as where case does not count
    (shop / ".git").symlink_to("g")
    assert len(keys(shop / "x", shop / "X")) == 2


# -- properties --------------------------------------------------------------------------------------------------------

NAMES = st.text(st.sampled_from("abAB .*[\n~é\u0301"), min_size=1, max_size=3).filter(
    lambda name: name not in (".", "..")
)
PATHS = st.lists(NAMES, min_size=1, max_size=3).map(tuple)


@pytest.fixture(scope="module")
def forest(tmp_path_factory):
    """A repository with folders and links that lead to each other."""
    top = (tmp_path_factory.mktemp("forest") / "shop").resolve()
    top.mkdir()
    git("init", "-q", top)
    for name in ("a", "a/b", "B"):
        (top / name).mkdir()
    (top / "a" / "up").symlink_to("..")
    (top / "to-b").symlink_to("a/b")
    (top / "dangling").symlink_to("B/none")
    (top.parent / "outside").symlink_to(top)
    return top


STEPS = st.lists(
    st.sampled_from(["a", "b", "B", "up", "to-b", "..", ".", "none", "dangling", "outside", "shop", ""]), max_size=6
)


@given(start=st.sampled_from(["", "a", "a/b", "B"]), steps=STEPS, absolute=st.booleans())
@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_every_spelling_gives_the_key_of_the_file_that_the_system_opens(forest, start, steps, absolute):
    """The system itself decides: what it creates through the spelling is at the path that the key names."""
    folder = forest / start
    path = os.path.join(*([str(folder)] if absolute else []), *steps, "probe")
    target = os.path.join(folder, path)
    try:
        descriptor = os.open(target, os.O_CREAT | os.O_WRONLY)
    except OSError:
        return  # the system does not find it either
    try:
        found = locate(path, str(folder))
        assert os.path.samestat(os.stat(found.absolute), os.fstat(descriptor))
        assert os.path.realpath(found.absolute) == found.absolute
        assert found.worktree == (str(forest) if found.repository == str(forest / ".git") else found.repository)
    finally:
        os.close(descriptor)
        os.unlink(target)


@given(one=PATHS, other=PATHS)
def test_two_files_have_two_keys(forest, one, other):
    first, second = keys(os.path.join(forest, "B", *one)), keys(os.path.join(forest, "B", *other))
    assert (first == second) == (one == other)


@given(PATHS, st.lists(st.sampled_from(["", ".", "x/..", "../B"]), max_size=3))
def test_steps_that_lead_nowhere_change_nothing(forest, names, steps):
    assert keys(os.path.join(forest, "B", *steps, *names)) == keys(os.path.join(forest, "B", *names))


# -- several files -----------------------------------------------------------------------------------------------------


def paths(*words, folder) -> list[str]:
    return [one.path for one in expand(words, str(folder))]


@pytest.fixture
def shop(yard):
    made = yard.repository("shop")
    for name in ("src/a.py", "src/b.py", "src/deep/a.py", "src/a.txt", "top.py", "[x].py", "build/a.py", "new/c.py"):
        (made / name).parent.mkdir(exist_ok=True)
        (made / name).touch()
    (made / ".gitignore").write_text("build/\n")
    git("add", "-A", cwd=made)
    git("rm", "-q", "--cached", "new/c.py", cwd=made)
    return made


def test_a_pattern_means_the_files_that_git_knows_or_may_add(shop):
    everywhere = ["[x].py", "new/c.py", "src/a.py", "src/b.py", "src/deep/a.py", "top.py"]
    assert sorted(paths("*.py", folder=shop)) == everywhere
    assert sorted(paths("./*.py", folder=shop)) == ["[x].py", "top.py"]
    assert sorted(paths("src/*.py", folder=shop)) == ["src/a.py", "src/b.py"]
    assert sorted(paths("src/**/a.py", folder=shop)) == ["src/a.py", "src/deep/a.py"]
    assert sorted(paths("*.py", folder=shop / "src")) == ["src/a.py", "src/b.py", "src/deep/a.py"]
    assert sorted(paths("../[a-z]*.py", folder=shop / "src")) == sorted(set(everywhere) - {"[x].py"})[-1:]
    assert paths(f"{shop}/src/?.txt", folder="/") == ["src/a.txt"]
    assert paths("[x].py", folder=shop) == ["[x].py"]  # a file that exists is that file


def test_a_folder_means_its_files_and_each_file_comes_once(shop):
    (shop / "also").symlink_to("src/a.py")
    found = paths("src/a.py", "src", "also", "./src/deep/", "none.py", folder=shop)
    assert found == ["src/a.py", "src/a.txt", "src/b.py", "src/deep/a.py", "none.py"]
    os.unlink(shop / "src" / "b.py")
    assert "src/b.py" not in paths("src", folder=shop)
    with pytest.raises(NoFiles, match="has no files"):
        paths("build", folder=shop)


def test_without_git_all_files_count(yard):
    plain = yard.folder_at("plain")
    (plain / "xats.toml").touch()
    (plain / "a" / ".git").mkdir(parents=True)
    (plain / "a" / ".git" / "x").touch()
    (plain / "a" / "b.py").touch()
    assert paths("*", folder=plain) == ["xats.toml", "b.py"]  # the folder a has a .git, which is none


@pytest.mark.parametrize("word", ["*.none", "src/[z].py", "nowhere/*.py"])
def test_a_pattern_without_a_file_is_an_error(shop, word):
    with pytest.raises(NoFiles, match="matches no file"):
        paths("top.py", word, folder=shop)


def test_too_many_files_are_refused_with_the_way_out(yard, monkeypatch):
    shop = yard.repository("shop")
    for number in range(files.MOST + 1):
        (shop / f"{number}.py").touch()
    with pytest.raises(TooManyFiles, match="1,000 files") as problem:
        paths("*.py", folder=shop)
    assert "xats zone assign" in problem.value.hint
    (shop / "0.py").unlink()
    assert len(paths(".", folder=shop)) == files.MOST


def test_variables_of_a_hook_of_git_do_not_lead_elsewhere(shop, yard, monkeypatch):
    other = yard.repository("other")
    monkeypatch.setenv("GIT_DIR", str(other / ".git"))
    monkeypatch.setenv("GIT_INDEX_FILE", str(other / ".git" / "index"))
    assert paths("src/*.txt", folder=shop) == ["src/a.txt"]


def test_links_in_a_folder_count_only_if_they_lead_to_a_file_of_the_project(shop, yard):
    """A loop, a link below a file, one with a name that is too long, and links that lead out, nowhere, to a folder."""
    (yard / "outside").touch()
    (shop / "tracked").mkdir()
    (shop / "tracked" / "z.py").touch()
    (shop / "good").symlink_to("build/a.py")
    elsewhere = {"loop": "loop", "below": "top.py/b", "long": "n" * 300, "out": "../outside", "none": "nowhere"}
    for name, target in {**elsewhere, "dir": "src"}.items():
        (shop / "src" / name).symlink_to(target if name != "below" else shop / target)
    git("add", "-A", cwd=shop)
    (yard / "far").mkdir()
    (yard / "far" / "z.py").touch()
    shutil.rmtree(shop / "tracked")
    (shop / "tracked").symlink_to(yard / "far")  # git still lists tracked/z.py
    (shop / "src" / "out").unlink()
    (shop / "src" / "out").symlink_to(yard / "outside")
    skipped: list[str] = []
    found = [one.path for one in expand(["*"], str(shop), skipped=skipped)]
    assert "build/a.py" in found
    assert {os.path.basename(path) for path in skipped} >= {*elsewhere, "dir", "z.py"}
    assert not {name for name in found if os.path.basename(name) in {*elsewhere, "dir", "nowhere", "z.py", "src"}}
    assert set(paths("src", folder=shop)) == {"src/a.py", "src/a.txt", "src/b.py", "src/deep/a.py"}
    with pytest.raises(BadPath, match="loop of symbolic links"):
        paths("src/loop", folder=shop)
    assert paths("src/out", folder=shop) == ["outside"]  # a link that is named


@pytest.mark.parametrize("word", ["new/", "new/.", "src/new/./"])
def test_a_folder_that_does_not_exist_is_no_file(yard, word):
    shop = yard.repository("shop")
    with pytest.raises(BadPath, match="folder that does not exist"):
        paths(word, folder=shop)
    assert paths("new", folder=shop) == ["new"]
