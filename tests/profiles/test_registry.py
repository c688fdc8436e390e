"""The user's own files change what xats knows of a client."""

import pytest

from xats.clients import registry
from xats.errors import NotFound, Usage


@pytest.fixture
def environ(tmp_path):
    return {"XATS_CLIENTS": str(tmp_path)}


@pytest.mark.parametrize("name", registry.BUILT_IN)
def test_every_client_has_a_profile_under_its_own_name(name, environ):
    assert registry.find(name, environ).name == name


def test_no_two_clients_have_the_same_executable(environ):
    names = [word for name in registry.BUILT_IN for word in registry.find(name, environ).executables]
    assert len(names) == len(set(names))


def test_a_file_changes_the_fields_it_names_and_no_others(tmp_path, environ):
    before = registry.find("codex", environ)
    (tmp_path / "codex.toml").write_text('busy = ["Cooking"]\nsettle = 300\n')
    after = registry.find("codex", environ)
    assert (after.busy, after.settle) == (("Cooking",), 300)
    assert (after.glyphs, after.dialog) == (before.glyphs, before.dialog)


def test_a_file_makes_a_client_of_its_own(tmp_path, environ):
    (tmp_path / "mine.toml").write_text('executables = ["mine"]\nglyphs = ["% "]\n')
    assert registry.find("mine", environ).glyphs == ("% ",)
    assert registry.names(environ)[-1] == "mine"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("colour = 1", "colour"),
        ('busy = "one text"', "busy"),
        ("busy = [1]", "busy"),
        ("settle = -1", "settle"),
        ("settle = true", "settle"),
        ("settle = [", "cannot be read"),
        ('name = "other"', "name"),
    ],
)
def test_a_wrong_file_is_refused_by_name_and_field(tmp_path, environ, text, says):
    (tmp_path / "codex.toml").write_text(text)
    with pytest.raises(Usage, match=says) as caught:
        registry.find("codex", environ)
    assert "codex.toml" in str(caught.value)


def test_a_client_that_nobody_described_is_generic(environ):
    with pytest.raises(NotFound):
        registry.find("unheard-of", environ)
    assert registry.find_or_generic("unheard-of", environ).name == "generic"
