"""A thread as a conversation on a terminal: each answer indented below its message, the newest at the bottom."""

from __future__ import annotations

from xats.cli.kit import fit, render, views

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from xats.core.mail.inbox import Letter

STEP = 2  # columns that an answer is indented by
DEEPEST = 6  # steps; a longer chain of answers stays at this depth
ROOM = 30  # columns that a body keeps


def lines(found: Sequence[Letter], team: str, now: int, reply: Callable[[int], str], width: int) -> list[str]:
    """Return letters of one thread, oldest first, as texts for an agent of `team` on a terminal of `width` columns.

    `reply` returns the command that answers the message with an id.
    """
    most = max(0, min(DEEPEST, (width - ROOM) // STEP))
    depths: dict[int, int] = {}
    texts: list[str] = []
    said: str | None = None
    for letter in found:
        message = letter.message
        above = depths.get(message.reply_to or 0)
        depth = depths[message.id] = 0 if above is None else min(above + 1, most)
        room = width - depth * STEP
        head, *facts = views.head_lines(letter, team, now)
        subject = (message.subject or "").removeprefix("Re: ")
        if subject == said and message.subject:
            facts = facts[1:]  # the subject is that of the message before
        said = subject
        rows = [row for line in (head, *facts) for row in fit.folded(line, room, "    ")] + _body(letter, room)
        if letter is found[-1]:
            rows += views.hint_lines(letter, reply, room)
        margin = " " * (depth * STEP)
        texts.append("\n".join([*([""] if texts else []), *(margin + row for row in rows)]))
    return texts


def _body(letter: Letter, width: int) -> list[str]:
    """Return the body of a letter in rows of at most `width` columns. A mark shows that they are not from xats."""
    body = letter.message.body.rstrip("\n")
    rows = None
    if render.styled() and not letter.message.contract:  # without styles a mark such as ** says more
        from xats.cli.kit import markdown

        rows = markdown.lines(body, width - len(views.QUOTE))
    if rows is None:
        return views.quoted(body, width)
    return [f"{views.QUOTE}{row}" for row in rows]
