"""The pages of mail: an agent's threads, and one thread to read. Looking does not mark mail as read."""

from __future__ import annotations

from xats.base.durations import ago, rough
from xats.cli.kit.render import one_line, visible
from xats.cli.kit.views import near
from xats.cli.kit.waking import counts_text
from xats.cli.top import words
from xats.cli.top.lines import Column, fit, rule, wrap
from xats.cli.top.page import ListPage, Page, blank, sentences

TYPE_CHECKING = False
if TYPE_CHECKING:
    from xats.cli.top.lines import Line
    from xats.cli.top.page import Screen
    from xats.core.agents.agents import Agent
    from xats.core.mail.threads import Headline, ThreadMessage

FEW = 5  # recipients that are all named
LONGEST = 20_000  # characters of a body that are shown


class MailPage(ListPage):
    """The newest threads of one agent."""

    keys = (("/", "filter"), ("Enter", "open"), ("?", "help"), ("q", "back"))

    def __init__(self, top: Screen, agent: Agent) -> None:
        super().__init__(top)
        self.agent = agent
        self.found: list[Headline] = []

    def read(self) -> None:
        """Read the threads."""
        self.found = self.top.watch.threads(self.agent)

    def key(self, key: str) -> bool:
        """Handle `key`."""
        if key == "enter" and self.at is not None:
            assert isinstance(self.at, int)
            self.top.open(ThreadPage(self.top, self.at))
            return True
        return super().key(key)

    def draw(self, width: int, height: int, now: int) -> list[Line]:
        """Return the screen."""
        team = self.top.frame.team
        shown = [one for one in self.found if self.matching(" ".join(self._cells(one, team, now)))]
        self.set_order([one.message.thread_id for one in shown])
        lines = [rule(f"mail of {self.agent.name}", width, "newest first; looking does not mark mail as read")]
        if not shown:
            lines += sentences("No mail matches." if self.found else "No mail that you may see.", width)
            return [fit(line, width) for line in [*lines, *[blank(width)] * height][:height]]
        cells = [self._cells(one, team, now) for one in shown]
        titles = (("#", 0, True), ("FROM", 0, False), ("TO", 1, False), ("WHEN", 2, True), ("STATE", 3, False))
        columns = [
            Column(title, tuple((row[at],) for row in cells), drop=drop, most=16, right=right)
            for at, (title, drop, right) in enumerate(titles)
        ]
        columns.append(Column("SUBJECT", tuple((row[5],) for row in cells), least=20, most=30))
        return [*lines, *self.rows(columns, width, height - 1)]

    def _cells(self, one: Headline, team: str, now: int) -> tuple[str, ...]:
        message = one.message
        subject = one_line(message.subject or "(no subject)")
        more = f" ({one.messages})" if one.messages > 1 else ""
        state = one.state or ("sent" if message.sender == self.agent.address else "")
        return (
            str(message.id),
            near(message.sender, team),
            near(one_line(message.address), team),
            rough(now - message.sent_at),
            state,
            f"{subject}{more}",
        )


class ThreadPage(Page):
    """A thread, to read."""

    def __init__(self, top: Screen, thread_id: int) -> None:
        super().__init__(top)
        self.thread_id = thread_id
        self.found: list[ThreadMessage] = []
        self.first = 1 << 30  # begin at the newest message

    keys = (("j/k", "scroll"), ("?", "help"), ("q", "back"))

    def read(self) -> None:
        """Read the messages."""
        self.found = self.top.watch.conversation(self.thread_id)

    def draw(self, width: int, height: int, now: int) -> list[Line]:
        """Return the screen."""
        lines: list[Line] = []
        for one in self.found:
            lines += self._message(one, width, now)
        shown = self.scrolled(lines[:-1], width, height - 1)
        more = "" if len(lines) <= height else f"line {self.first + 1} of {len(lines)}"
        return [rule(f"thread #{self.thread_id}, {words.counted(len(self.found), 'message')}", width, more), *shown]

    def _message(self, one: ThreadMessage, width: int, now: int) -> list[Line]:
        message, team = one.message, self.top.frame.team
        to = near(one_line(message.address), team)
        lines: list[Line] = [
            (
                (f"#{message.id} {near(message.sender, team)} to {to}", "bold"),
                (f" - {ago(message.sent_at, now)}", "dim"),
            )
        ]
        if message.subject:
            lines += [((f"  {text}", "bold"),) for text in wrap(one_line(message.subject), max(8, width - 2))]
        if one.copies:
            lines += [((f"  {text}", "dim"),) for text in wrap(_copies_text(one, team, now), max(8, width - 2))]
        # A mark before each line of the body shows that the line is not from xats.
        for line in visible(message.body[:LONGEST]).expandtabs(4).rstrip("\n").split("\n"):
            lines += [(("  | ", "dim"), (text, "")) for text in wrap(line, max(8, width - 5))]
        if len(message.body) > LONGEST:
            left = f"{len(message.body) - LONGEST:,} characters more: xats show {message.id}"
            lines.append(((f"  … {left}", "dim"),))
        return [*lines, blank(width)]


def _copies_text(one: ThreadMessage, team: str, now: int) -> str:
    """Return the state of each copy. Of many recipients, name those that were not shown it, and count the others."""
    many = one.recipients > FEW
    named = [copy for copy in one.copies if not many or copy.state in ("unread", "expired")]
    states = [
        f"{near(copy.agent, team)} {'given up' if copy.given_up else copy.state}"
        + (f" {ago(copy.at, now)}" if copy.at else "")
        for copy in named
    ]
    if not many:
        return ", ".join(states)
    more = one.recipients - one.read - one.shown - len(named)
    said = ": " + ", ".join(states) + (f" and {more} more" if more else "") if states else ""
    return counts_text(one.read, one.shown, one.recipients) + said
