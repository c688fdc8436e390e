"""Texts: NUL and what is not UTF-8 is refused wherever a text comes in, and the place is named."""

import pytest

from xats.base import errors, text
from xats.core.agents import changes, registration
from xats.core.agents.agents import Seat
from xats.core.agents.registration import Changes
from xats.core.contracts import contracts
from xats.core.mail import sending
from xats.core.tasks import tasks


@pytest.mark.parametrize(
    "said, where",
    [
        ("\0", "a NUL character at character 1"),
        ("ab\0", "a NUL character at character 3"),
        ("ab\0\n", "a NUL character at character 3"),
        ("one\ntwo\0", "a NUL character at line 2, character 4"),
        ("one\n\0", "a NUL character at line 2, character 1"),
        ("é\udcff", "byte 0xff at character 2"),
        ("one\n\ud800", "U+D800 at line 2, character 1"),
    ],
    ids=ascii,
)
def test_a_bad_character_is_named_with_its_place(said, where):
    with pytest.raises(errors.Usage) as caught:
        text.check(said, "reason", left="Nothing was paused.")
    assert where in str(caught.value)
    assert str(caught.value).startswith("The reason ")
    assert str(caught.value).endswith(". Nothing was paused.")
    assert caught.value.exit == 2


@pytest.mark.parametrize("said", ["", "a", "\x01\x1b\x7f\x9b", "日本語 🙂", "a\r\nb\n", "\ufffd\ufeff"], ids=ascii)
def test_any_other_text_is_returned_as_utf_8(said):
    assert text.check(said, "body") == said.encode()


BAD = ["a\0", "\ud800", "\udc80"]


@pytest.mark.parametrize("bad", BAD, ids=ascii)
@pytest.mark.parametrize(
    "check",
    [
        tasks.check_title,
        lambda bad: tasks.check_long(bad, "result"),
        lambda bad: tasks.check_note(bad, "reason"),
        contracts.check_note,
        changes.check_about,
        lambda bad: sending.check_draft(sending.Draft("bob", bad)),
        lambda bad: sending.check_draft(sending.Draft("bob", "x", subject=bad)),
        lambda bad: sending.check_draft(sending.Draft("bob", "x", dedupe_key=bad)),
    ],
    ids=["title", "long", "note", "contract note", "about", "body", "subject", "key"],
)
def test_every_text_is_checked(check, bad):
    with pytest.raises(errors.Usage, match=r"NUL character|not valid UTF-8"):
        check(bad)


@pytest.mark.parametrize("end", ["\n", "\r", "\r\n"], ids=ascii)
@pytest.mark.parametrize(
    "check",
    [
        tasks.check_title,
        contracts.check_note,
        changes.check_about,
    ],
    ids=["title", "contract note", "about"],
)
def test_what_is_one_line_has_no_second_one(check, end):
    with pytest.raises(errors.Usage, match="one line"):
        check(f"one{end}two")


@pytest.mark.parametrize("bad", BAD, ids=ascii)
def test_a_model_with_a_bad_character_registers_nobody(team, bad):
    with pytest.raises(errors.Usage, match="The model "):
        team.store.write(
            lambda tx: registration.register(tx, "crew", "ann", Changes(model=bad), Seat("here"), lambda _: None)
        )
    assert team.rows("select * from agents") == []
