"""A thread on a terminal: indented by reply, its newest page, and Markdown that hides nothing and cannot act."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xats.cli.kit import markdown

PLAIN = {"NO_COLOR": "1", "COLUMNS": "80", "LINES": "24"}
COLOUR = re.compile(r"\x1b\[[\d;]*m")


def seen(xats, *words: str, columns: int = 80, colour: bool = False) -> str:
    env = {**PLAIN, "COLUMNS": str(columns), "NO_COLOR": None if colour else "1"}
    return xats.on_terminal("thread", *words, "--as", "bob", env=env)


def answer(xats, number: int, body: str, by: str) -> None:
    xats("reply", str(number), body, "--as", by)


@pytest.fixture
def thread(xats, crew):
    """A question, two answers to it, and an answer to the first of these."""
    crew.send("alice", "bob", "question", subject="Parser")  # 1
    answer(xats, 1, "first answer", "bob")
    crew.send("alice", "bob", "another question", reply_to=1, subject="Lexer")  # 3
    answer(xats, 2, "an answer to the answer", "alice")
    return xats


def test_an_answer_is_indented_below_its_message_and_the_newest_is_last(thread):
    lines = seen(thread, "1").splitlines()
    heads = [line for line in lines if line.lstrip().startswith("#")]
    assert [re.match(r" *#\d+ from \w+", head).group() for head in heads] == [
        "#1 from alice",
        "  #2 from bob",
        "  #3 from alice",
        "    #4 from alice",
    ]
    assert "    | first answer" in lines
    assert "      | an answer to the answer" in lines
    assert [line for line in lines if "Subject" in line] == [
        "  Subject: Parser",
        "    Subject: Lexer",
        "      Subject: Re: Parser",
    ]
    assert lines[lines.index("  #2 from bob" + heads[1][len("  #2 from bob") :]) - 1] == ""


def test_a_long_thread_shows_its_newest_page(xats, crew):
    crew.send("alice", "bob", "n1")
    for number in range(2, 61):
        crew.send("alice", "bob", f"n{number}", reply_to=1)
    shown = seen(xats, "1")
    assert "| n60\n" in shown
    assert "| n10\n" not in shown
    assert "| n11\n" in shown
    assert "older ones: xats thread 1 -n 100 --as bob" in shown
    found = xats("thread", "1", "-n", "3", "--as", "bob", "--json").json()
    assert ([one["id"] for one in found["messages"]], found["has_more"]) == ([58, 59, 60], True)
    assert "older" not in seen(xats, "1", "-n", "60")


def test_only_what_was_printed_is_marked(xats, crew):
    crew.send("alice", "bob", "n1")
    for number in range(2, 7):
        crew.send("alice", "bob", f"n{number}", reply_to=1)
    seen(xats, "1", "-n", "2")
    states = [row["state"] for row in crew.rows("select state from deliveries order by message_id")]
    assert states == ["unread"] * 4 + ["read"] * 2


@pytest.mark.parametrize("columns", [40, 80])
def test_a_deep_thread_keeps_room_for_its_bodies(xats, crew, columns):
    crew.send("alice", "bob", "n1")
    for number in range(1, 12):
        answer(xats, number, "word " * 40, "bob" if number % 2 else "alice")
    lines = seen(xats, "1", columns=columns).splitlines()
    bodies = [line for line in lines if "| word" in line]
    assert all(len(line) <= columns for line in bodies)
    assert max(line.index("|") for line in bodies) == (12 if columns == 40 else 14)


def test_a_long_word_stays_whole(xats, crew):
    path = "/srv/" + "a-long-folder/" * 6 + "notes.md"
    crew.send("alice", "bob", f"the notes are here: {path} and there")
    rows = seen(xats, "1", columns=40).splitlines()
    assert rows[1:4] == ["  | the notes are here:", f"  | {path}", "  | and there"]


def test_a_pipe_gets_letters_as_before(thread):
    lines = thread("thread", "1", "--as", "bob").stdout.splitlines()
    assert [line for line in lines if line.startswith("#")] == [line for line in lines if "#" in line]
    assert "" not in lines


def test_markdown_is_rendered_where_styles_are(xats, crew):
    crew.send("alice", "bob", "# Plan\n\nuse **two** `spaces`\n- one\n- two")
    shown = seen(xats, "1", colour=True)
    assert "\x1b[1mPlan" in shown
    assert "\x1b[1mtwo" in shown
    assert "**" not in shown
    assert " • " in shown
    assert "| use **two** `spaces`\n" in seen(xats, "1")  # without styles the marks say more
    assert "| use **two** `spaces`\n" in xats("show", "1", "--as", "bob").stdout


# -- Markdown ----------------------------------------------------------------------------------------------------------


def plain(text: str, width: int = 60) -> str | None:
    """Return the rendered text without its colours; None if it is not rendered."""
    found = markdown.lines(text, width)
    return None if found is None else COLOUR.sub("", "\n".join(found))


@pytest.mark.parametrize(
    "text",
    [
        "use `List` <int> and <b>x</b> <!-- this -->",
        "- &lt; &#x202e; &#27;[2J",
        "- a\\*b C:\\*.txt",
        "- [ref]: http://hidden.example",
        "[name](http://address.example 'title')",
        "- <http://x.example/%1b[31m>",
        "- ![picture](http://address.example)",
        "```python secret words\ncode\n```",
        "- one\n\nplain <details><summary>more</summary> text",
        "1. one\n7. seven",
        "> " * 40 + "deep",
    ],
)
def test_no_text_is_hidden(text):
    shown = plain(text)
    words = re.findall(r"\w+", text)
    assert shown is None or [word for word in words if word not in re.findall(r"\w+", shown)] == []


def test_a_line_stays_a_line_and_code_keeps_its_spaces():
    assert plain("**one**\ntwo").splitlines() == ["one", "two"]
    assert "    return  1" in plain("```\ndef f():\n    return  1\n```").splitlines()
    assert plain("no marks here\n   at all") is None


def test_the_address_of_a_link_is_seen():
    assert "bank (http://evil.example)" in plain("[bank](http://evil.example)")
    assert "\x1b]8" not in "\n".join(markdown.lines("[bank](http://evil.example)", 60))


PIECES = ["# ", "- ", "1. ", "> ", "```", "`", "**", "_", "[", "](http://a.b)", ")", "|", "|---|", "\n", "\n\n", "    "]
PIECES += [
    "<b>",
    "&#27;",
    "&#x202e;",
    "\\",
    "\x1b[2J",
    "\x9b",
    "<http://%1b>",
    "[a]: http://b",
    "word",
    "日本",
    "\r",
    "\t",
]


@settings(max_examples=150, deadline=None)
@given(st.lists(st.sampled_from(PIECES), max_size=30), st.integers(1, 90))
def test_no_text_acts_on_the_terminal_or_is_lost(pieces, width):
    text = "".join(pieces)
    shown = plain(text, width)
    if shown is not None:
        assert all(character.isprintable() or character == "\n" for character in shown)
        for letter in set(filter(str.isalnum, text)):
            assert shown.count(letter) >= text.count(letter)
