"""The copies of crew files to which a person has agreed: what counts as one, and who can use it."""

import json
import os
import stat

import pytest

from xats.base.sidefile import Unsafe
from xats.crews import trust
from xats.crews.entry import CrewFile, Entry, digest

ENTRIES = (
    Entry(
        name="bob",
        table="bob",
        program="claude",
        args=("--model", "opus"),
        tags=("a", "b"),
        prompt="Lies\nund schreib é",
        env=(("KEY", "sesame"), ("OTHER", "\x1b[31m")),
        restart="always",
    ),
    Entry(name="amy", table="amy", program=None, command=("./x", "y"), place="session", session="s", writable=True),
)


@pytest.fixture
def environ(tmp_path):
    return {"HOME": str(tmp_path), "XATS_HOME": str(tmp_path / "kept")}


def crew(path="/home/x/xats.toml", entries=ENTRIES):
    return CrewFile(path, entries, digest(path, entries))


def copy_of(environ):
    (name,) = os.listdir(f"{environ['XATS_HOME']}/trust")
    return f"{environ['XATS_HOME']}/trust/{name}"


def test_a_copy_is_what_was_agreed_to(environ):
    found = crew()
    assert (trust.trusted(environ, found.path), trust.state(environ, found)) == (None, "unknown")
    trust.allow(environ, found)
    assert trust.trusted(environ, found.path) == found
    assert trust.state(environ, found) == "trusted"
    assert trust.state(environ, crew(entries=ENTRIES[:1])) == "changed"
    assert trust.trusted(environ, found.path) == found
    (one,) = trust.copies(environ)
    assert (one.crew, one.file) == (found, copy_of(environ))
    assert trust.state(environ, crew("/home/y/xats.toml")) == "unknown"


def test_a_path_may_be_any_bytes(environ):
    found = crew(os.fsdecode(b"/home/\xff/xats.toml"))
    trust.allow(environ, found)
    assert trust.trusted(environ, found.path) == found


def test_a_copy_is_private(environ):
    trust.allow(environ, crew())
    place = copy_of(environ)
    assert stat.S_IMODE(os.stat(place).st_mode) == 0o600
    assert stat.S_IMODE(os.stat(os.path.dirname(place)).st_mode) == 0o700


def test_a_newer_agreement_takes_the_place_of_an_older_one(environ):
    trust.allow(environ, crew())
    newer = crew(entries=ENTRIES[:1])
    trust.allow(environ, newer)
    assert trust.trusted(environ, newer.path) == newer
    assert trust.drop(environ, newer.path) is True
    assert trust.drop(environ, newer.path) is False
    assert trust.trusted(environ, newer.path) is None


def forge(place, **more):
    with open(place) as file:
        said = json.load(file)
    with open(place, "w") as file:
        json.dump({**said, **more}, file)


@pytest.mark.parametrize(
    "how",
    [
        "readable",
        "writable",
        "cut",
        "linked",
        "a link",
        "other agents",
        "other path",
        "form",
        "field",
        "list",
        "nested",
    ],
)
def test_a_copy_that_another_could_have_made_does_not_count(environ, how):
    found = crew()
    trust.allow(environ, found)
    place = copy_of(environ)
    if how == "readable":
        os.chmod(place, 0o644)
    elif how == "writable":
        os.chmod(place, 0o622)
    elif how == "cut":
        os.truncate(place, os.stat(place).st_size - 5)
    elif how == "linked":
        os.link(place, f"{place}.more")
    elif how == "a link":
        os.rename(place, f"{place}.more")
        os.symlink(f"{place}.more", place)
    elif how == "other agents":
        forge(place, agents=[{"name": "bob", "table": "bob", "program": "codex"}])
    elif how == "other path":
        other = crew("/home/y/xats.toml")
        forge(place, path=other.path, digest=other.digest)
    elif how == "form":
        forge(place, form=2)
    elif how == "field":
        forge(place, agents=[{"name": "bob", "table": "bob", "program": "codex", "shell": "rm"}])
    elif how == "list":
        forge(place, agents=7)
    elif how == "nested":
        with open(place, "w") as file:
            file.write("[" * 100_000)
    assert trust.trusted(environ, found.path) is None
    assert trust.state(environ, found) == "unknown"
    list(trust.copies(environ))
    trust.allow(environ, found)
    assert trust.trusted(environ, found.path) == found


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_a_copy_of_another_user_does_not_count(environ):
    trust.allow(environ, crew())
    os.chown(copy_of(environ), 12345, 12345)
    assert trust.trusted(environ, crew().path) is None


def test_a_folder_that_is_a_link_gets_no_copy(environ, tmp_path):
    (tmp_path / "kept").mkdir()
    (tmp_path / "theirs").mkdir()
    (tmp_path / "kept" / "trust").symlink_to(tmp_path / "theirs")
    with pytest.raises(Unsafe):
        trust.allow(environ, crew())
    assert os.listdir(tmp_path / "theirs") == []


def test_a_place_where_nothing_can_be_written_is_said(environ, tmp_path):
    (tmp_path / "kept").write_text("a file where the folder must be")
    with pytest.raises(trust.TrustFailed, match=r"cannot be written: .*Nothing was changed"):
        trust.allow(environ, crew())
    assert trust.drop(environ, crew().path) is False
    assert list(trust.copies(environ)) == []
