"""An inbox as a list for a person: a line for each letter. It does not mark mail as read."""

from __future__ import annotations

from xats.base.durations import rough
from xats.cli.kit import fit, pager, render
from xats.cli.kit.hints import TEXT
from xats.cli.kit.views import near
from xats.cli.top.lines import Column, Widths, table

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from xats.cli.kit.context import Context
    from xats.cli.mail.inbox import Found
    from xats.core.mail.inbox import Letter


def print_list(
    here: Context, found: Found, asked: Sequence[str], size: Sequence[str], *, states: bool, no_pager: bool
) -> None:
    """Print the letters of `found` as a list, and the commands that read and answer them.

    `asked` and `size` are the options that ask for such letters, and for so many. With `states` the list has the state
    of each letter.
    """
    page, me = found.page, found.me.agent
    pager.write(here, _lines(page.letters, me.team, here.store.clock(), states=states), no_pager=no_pager)
    if here.quiet:
        return
    last = max(letter.message.id for letter in page.letters)

    def command(*words: object) -> str:
        return fit.whole(here.command(*words))

    notes = [
        f"{page.unread} unread; this list does not mark mail as read",
        f"read one: {command('show', last)}; answer it: {command('reply', last, TEXT)}",
        f"read these in full: {command('inbox', *asked, *size, '--full')}",
    ]
    if page.has_more:
        notes.append(f"list more: {command('inbox', *asked, '--last', 4 * len(page.letters))}")
    if found.before:
        notes.append(f"{len(found.before)} shown before, perhaps not seen: {command('inbox', '--again')}")
    for one in notes:
        render.note(one)


def _lines(found: Sequence[Letter], team: str, now: int, *, states: bool) -> list[str]:
    """Return the list as lines as wide as the terminal, the head first."""
    messages = [letter.message for letter in found]

    def column(title: str, cells: Sequence[str], **form: int | bool) -> Column:
        return Column(title, tuple((cell,) for cell in cells), **form)  # type: ignore[arg-type]

    columns = [
        column("ID", [f"#{one.id}" for one in messages], right=True),
        column("FROM", [near(one.sender, team) for one in messages], most=16),
        column("AGE", [rough(now - one.sent_at) for one in messages], drop=1, right=True),
    ]
    if states:
        columns.append(column("STATE", [letter.state for letter in found]))
    if any(_wants_reply(letter) for letter in found):
        columns.append(column("REPLY", ["needed" if _wants_reply(letter) else "" for letter in found]))
    columns.append(column("SUBJECT", [_title(letter) for letter in found], least=16, most=16))
    head, rows = table(columns, render.width() or render.WIDEST, Widths(), 0, len(found))
    lines = ["".join(text for text, _ in line).rstrip() for line in (head, *rows)]
    return [render.bold(lines[0]), *lines[1:]]


def _wants_reply(letter: Letter) -> bool:
    return letter.message.need_reply and letter.state in ("unread", "shown", "read")


def _title(letter: Letter) -> str:
    """Return the subject of a letter, else the first line of its body that is not empty."""
    message = letter.message
    lines = message.body[:1000].strip().split("\n")
    return render.one_line(message.subject or lines[0])
