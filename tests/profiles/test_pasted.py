"""What the real programs showed in place of a long paste, and what is not to be taken for that."""

import pytest

from tests.profiles.test_recorded_screens import RECORDINGS, recorded
from xats.clients import pasted, registry

MARKERS = [path for path in RECORDINGS if path.stem == "draft-marker"]
DRAFTS = [path for path in RECORDINGS if path.stem.startswith(("draft", "own-line")) and path.stem != "draft-marker"]
NOWHERE = {"XATS_CLIENTS": "/nonexistent"}


def test_there_is_a_recording_for_each_program_that_takes_pastes_in_brackets():
    taking = {name for name in registry.BUILT_IN if registry.find(name, NOWHERE).bracketed_paste}
    assert {path.parent.name for path in MARKERS} == taking
    assert all(registry.find(name, NOWHERE).paste_placeholders for name in taking)


@pytest.mark.parametrize("path", MARKERS, ids=lambda path: path.parent.name)
def test_a_marker_stands_for_the_text(path):
    profile, look = recorded(path)
    assert pasted.holds(profile, look, "whatever\nit was")
    assert not pasted.emptied(profile, look)


@pytest.mark.parametrize("path", MARKERS, ids=lambda path: path.parent.name)
@pytest.mark.parametrize("change", ["{} and more", "more {}", "{}{}", "{} {}", "{"])
def test_a_marker_with_anything_beside_it_does_not(path, change):
    profile, look = recorded(path)
    marker = pasted.shown(profile, look)
    assert pasted.is_marker(profile, marker)
    assert not pasted.is_marker(profile, change.replace("{}", marker))


@pytest.mark.parametrize("path", DRAFTS, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_what_a_person_has_typed_is_no_marker_and_not_our_text(path):
    profile, look = recorded(path)
    assert not pasted.holds(profile, look, "some other text")


@pytest.mark.parametrize(
    "path",
    [path for path in RECORDINGS if path.stem.startswith("idle-")],
    ids=lambda path: f"{path.parent.name}-{path.stem}",
)
def test_an_idle_composer_is_empty_and_holds_nothing(path):
    profile, look = recorded(path)
    assert pasted.emptied(profile, look)
    assert not pasted.holds(profile, look, "text")


@pytest.mark.parametrize("name", ["claude-code", "codex", "gemini", "opencode"])
def test_a_text_with_a_sign_in_it_is_known(name):
    profile = registry.find(name, NOWHERE)
    for sign in (*profile.dialog, *profile.busy):
        assert pasted.sign_in(profile, f"first\nplease explain:  {sign.replace(' ', '   ')}") == sign
    assert pasted.sign_in(profile, "Please run the tests again.\n\n1. build\n2. test") is None
