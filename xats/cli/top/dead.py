"""The page of the dead letters: mail whose wake failed, and mail that expired."""

from __future__ import annotations

from xats.base.durations import rough
from xats.cli.kit.render import one_line
from xats.cli.kit.views import near
from xats.cli.top import words
from xats.cli.top.lines import Column, cut, fit, rule
from xats.cli.top.mail import ThreadPage
from xats.cli.top.page import ListPage, blank, sentences

TYPE_CHECKING = False
if TYPE_CHECKING:
    from xats.cli.top.lines import Line
    from xats.cli.top.page import Screen
    from xats.core.mail.dead import DeadLetter


class DeadPage(ListPage):
    """The dead letters of the team."""

    keys = (("/", "filter"), ("Enter", "open"), ("x", "drop"), ("r", "retry"), ("?", "help"), ("q", "back"))

    def __init__(self, top: Screen) -> None:
        super().__init__(top)
        self.found: list[DeadLetter] = []
        self.more = False

    def read(self) -> None:
        """Read the dead letters."""
        self.found, self.more = self.top.watch.dead_letters()

    def selected(self) -> DeadLetter | None:
        """Return the selected dead letter."""
        return next((one for one in self.found if (one.message.id, one.agent_id) == self.at), None)

    def key(self, key: str) -> bool:
        """Handle `key`."""
        letter = self.selected()
        if letter and key == "r":
            self.top.change(lambda: self.top.watch.retry_letter(letter))
        elif letter and key == "x":
            question = f"Drop #{letter.message.id} to {near(letter.agent, self.top.frame.team)} from this list?"
            self.top.ask(question, lambda: self.top.watch.drop_letter(letter))
        elif letter and key == "enter":
            self.top.open(ThreadPage(self.top, letter.message.thread_id))
        else:
            return super().key(key)
        return True

    def draw(self, width: int, height: int, now: int) -> list[Line]:
        """Return the screen."""
        rows = [(one, self._cells(one, now)) for one in self.found]
        rows = [row for row in rows if self.matching(" ".join(cell[0] for cell in row[1]))]
        self.set_order([(one.message.id, one.agent_id) for one, _ in rows])
        number = f"the first {len(self.found)}" if self.more else words.counted(len(self.found), "dead letter")
        lines = [rule(f"dead letters of team {self.top.frame.team}", width, number)]
        if not rows:
            said = (
                "No dead letter matches."
                if self.found
                else "No dead letters: every message was read, or its wake is still tried."
            )
            lines += sentences(said, width)
            return [fit(line, width) for line in [*lines, *[blank(width)] * height][:height]]
        titles = (("#", 0), ("TO", 0), ("FROM", 3), ("SINCE", 4), ("SUBJECT", 2), ("WHY", 0))
        columns = [
            Column(title, tuple(cells[at] for _, cells in rows), drop=drop, most=24, right=title in ("#", "SINCE"))
            for at, (title, drop) in enumerate(titles)
        ]
        return [*lines, *self.rows(columns, width, height - 1)]

    def _cells(self, one: DeadLetter, now: int) -> tuple[tuple[str, ...], ...]:
        team = self.top.frame.team
        code = one.last_refusal or one.reason
        subject = one_line(one.message.subject or "(no subject)")
        return (
            (str(one.message.id),),
            (near(one.agent, team),),
            (near(one.message.sender, team),),
            (rough(now - one.since),),
            (subject, cut(subject, 24)),
            (words.reason(code), words.short(code)),
        )
