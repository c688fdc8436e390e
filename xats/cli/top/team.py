"""The first page: the agents of the team, the details of the selected agent, and the newest events."""

from __future__ import annotations

import os
import time

from xats.base.durations import rough
from xats.cli.kit.render import one_line
from xats.cli.top import words
from xats.cli.top.dead import DeadPage
from xats.cli.top.lines import Column, cut, fit, join, justify, rule, size, wrap
from xats.cli.top.mail import MailPage
from xats.cli.top.page import QUIT, ListPage, blank, sentences
from xats.cli.turns import lines as turn_lines

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from xats.cli.top.lines import Line, Span
    from xats.cli.top.watch import AgentRow
    from xats.core.agents.agents import Agent
    from xats.core.waking.pauses import Pause

TALL, LOW = 18, 12  # lines; a lower screen has no details of the selected agent, or few events
WIDE = 120  # cells from which on the details fit in two lines


class TeamPage(ListPage):
    """The agents of the team, the details of the selected agent, and the newest events."""

    keys = (
        ("P", "pause all"),
        ("d", "dead"),
        ("/", "filter"),
        ("p", "pause"),
        ("r", "retry"),
        ("Enter", "mail"),
        *QUIT,
    )

    @property
    def shown(self) -> list[AgentRow]:
        """The agents that match the filter."""
        if not self.filter:
            return list(self.top.frame.agents)
        return [one for one in self.top.frame.agents if self.matching(self._text(one))]

    def selected(self) -> AgentRow | None:
        """Return the selected agent."""
        return next((one for one in self.top.frame.agents if one.key == self.at), None)

    def _text(self, seen: AgentRow) -> str:
        agent = seen.details.agent
        now = self.top.now
        said = [*words.state(seen, now)[:1], *words.wake(seen, now), *words.doing(seen)]
        return " ".join([agent.name, agent.role or "", agent.client, *said])

    def key(self, key: str) -> bool:
        """Handle `key`."""
        agent = selected.details.agent if (selected := self.selected()) else None
        if key == "enter" and agent:
            self.top.open(MailPage(self.top, agent))
        elif key == "r" and agent:
            self.top.change(lambda: self.top.watch.retry(agent))
        elif key == "p" and agent and selected:
            self._ask_to_pause(agent, selected.pause)
        elif key == "P":
            self._ask_to_pause(None, self.top.frame.team_pause)
        elif key == "d":
            self.top.open(DeadPage(self.top))
        else:
            return super().key(key)
        return True

    def _ask_to_pause(self, agent: Agent | None, pause: Pause | None) -> None:
        """Ask whether to pause `agent`, or with None the team; whether to resume it if it has a `pause` already."""
        name = agent.name if agent else f"the whole team {self.top.frame.team}"
        if pause:
            self.top.ask(f"Resume {name}?", lambda: self.top.watch.resume(agent))
        else:
            question = f"Pause {name}? Mail is stored, and nobody is woken for it."
            self.top.ask(question, lambda: self.top.watch.pause(agent))

    # -- drawing -------------------------------------------------------------------------------------------------------

    def draw(self, width: int, height: int, now: int) -> list[Line]:
        """Return the screen."""
        frame = self.top.frame
        shown = self.shown
        self.set_order([one.key for one in shown])
        lines = [fit(line, width) for line in self._head(width, height, now)]
        if not frame.agents:
            lines += self._empty(width)
            lines += [blank(width)] * (min(height, LOW) - len(lines))
            facts = []
        else:
            facts = self._facts(width, now) if height >= TALL else []
        left = height - len(lines) - len(facts)
        if frame.agents:
            happening = min(3, left) if height < LOW else max(4, left * 2 // 5)
            room = min(len(shown) + 1, left if height < LOW else left - happening)
            lines += self.rows(self._columns(shown, now), width, room)
        lines += facts
        lines += self._events(width, height - len(lines))
        return (lines + [blank(width)] * (height - len(lines)))[:height]

    def _head(self, width: int, height: int, now: int) -> list[Line]:
        frame = self.top.frame
        daemon: Span = ("no daemon runs", "warn")
        if frame.daemon_since is not None:
            daemon = (f"daemon runs since {rough(now - frame.daemon_since)}", "good")
        due = sum(
            1
            for one in frame.agents
            if (wake := one.details.wake) and wake.next_attempt_at is not None and wake.next_attempt_at <= now
        )
        counts: list[Span] = [(words.counted(due, "wake") + " due", "")]
        counts.append((words.counted(frame.dead, "dead letter"), "bad" if frame.dead else ""))
        if frame.gone:
            counts.append((words.counted(frame.gone, "task") + " of gone agents", "warn"))
        held = sum(1 for one in frame.agents if one.pause)
        if frame.team_pause:
            counts.append((f"the whole team is {words.paused(frame.team_pause, frame.team, now)}", "warn"))
        if held:
            counts.append((words.counted(held, "agent") + " paused", "warn"))
        team: Line = ((" xats top ", "bold"), (" ", ""), (f"team {frame.team}", "bold"))
        if height < TALL:
            return [join([(f" {frame.team}", "bold"), daemon, *reversed(counts)])]
        path = short_path(frame.path)
        room = width - 4 - sum(size(text) + 3 for text, _ in counts)
        if room >= 12 and size(path) > room:  # the end of a path is more useful than its beginning
            path = f"…{path[1 - room :]}"
        turns = "; ".join(turn_lines.line(one, now, frame.team) for one in frame.turns)
        return [
            justify(team, (daemon, (" ", "")), width),
            justify(((" ", ""), *join(counts)), ((f"{path} ", "dim"),), width),
            *([((f" {one_line(turns)}", ""),)] if turns else []),
        ]

    def _columns(self, shown: Sequence[AgentRow], now: int) -> list[Column]:
        def column(title: str, cell: Callable[[AgentRow], tuple[str, ...]], **more: int) -> Column:
            return Column(title, tuple(cell(one) for one in shown), **more)  # type: ignore[arg-type]

        states = tuple(
            "good" if one.state.online and not one.pause else "warn" if one.pause else "dim" for one in shown
        )
        works = tuple(words.doing(one) for one in shown)
        doing = [Column("DOING", works, most=24, drop=4)] if any(text for (text,) in works) else []
        return [
            column("AGENT", lambda one: (one.details.agent.name,), most=20),
            column("ROLE", lambda one: (one.details.agent.role or "",), most=12, drop=3),
            column("CLIENT", lambda one: (one.details.agent.client,), most=12, drop=2),
            Column("STATE", tuple(words.state(one, now) for one in shown), states),
            column("UNREAD", lambda one: (str(one.details.unread),), right=True),
            Column("OLDEST", tuple((words.oldest(one, now),) for one in shown), drop=1, right=True),
            *doing,
            Column(
                "WAKE",
                tuple(words.wake(one, now) for one in shown),
                tuple(words.wake_style(one) for one in shown),
                least=23,
                most=23,
            ),
        ]

    def _facts(self, width: int, now: int) -> list[Line]:
        """Return the details of the selected agent, always in the same number of lines."""
        room = 2 if width >= WIDE else 3
        number = words.counted(len(self.top.frame.agents), "agent")
        seen = self.selected()
        if seen is None:
            return [rule("no agent matches", width, f"0 of {number}"), *[blank(width)] * room]
        who, mail = words.about(seen, self.top.frame.team, now)
        count = f"{len(self.order)} of {number}" if self.filter else number
        first, *rest = wrap(mail, width - 4)
        lines = [who, first, " ".join(rest)][:room]
        return [rule(seen.details.agent.name, width, count), *(fit(((f"  {text}", ""),), width) for text in lines)]

    def _events(self, width: int, room: int) -> list[Line]:
        if room < 2:
            return []
        lines = [rule("what happened", width, "newest first")]
        if not self.top.frame.events:
            lines.append((("  Nothing yet.", "dim"),))
        found = []
        for event, subject in self.top.frame.events:
            who, what = words.event(event, self.top.frame.team, subject)
            if self.matching(f"{who} {what}"):
                found.append((moment(event.at, self.top.now), who, what))
            if len(found) >= room - 1:
                break
        by = min(20, max((size(who) for _, who, _ in found), default=0))
        for at, who, what in found:
            lines.append(
                (("  ", ""), (at, "dim"), ("  ", ""), (cut(who, by).ljust(by), "bold"), ("  ", ""), (what, ""))
            )
        return [fit(line, width) for line in lines[:room]]

    def _empty(self, width: int) -> list[Line]:
        frame = self.top.frame
        if not frame.stored:
            said = [
                f"No store yet at {short_path(frame.path)}.",
                "The first xats register creates it, and this screen shows it then.",
            ]
        else:
            said = [f"Team {frame.team} has no agents yet. In the pane of one:"]
        lines = [blank(width)]
        for text in said:
            lines += sentences(text, width)
        lines += [blank(width), *sentences("xats register NAME", width, "      ")]
        return [fit(line, width) for line in lines]


def short_path(path: str) -> str:
    """Return `path` with `~` for the home folder, and without control characters."""
    home = os.path.expanduser("~")
    return one_line(f"~{path[len(home) :]}" if path.startswith(f"{home}/") else path)


def moment(at: int, now: int) -> str:
    """Return a time (ms UTC) as a local one: today's with seconds, another day's with its date."""
    local = time.localtime(at // 1000)
    same = time.localtime(now // 1000)[:3] == local[:3]
    return time.strftime("%H:%M:%S" if same else "%m-%d %H:%M"[:11], local).ljust(8)
