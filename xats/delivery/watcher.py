"""An eye on a pane: since when it has shown what it shows, and whether an attempt would be refused. It only looks.

What it asks is what an attempt asks (delivery/transports/tmux.py), so an attempt that it speaks for is seldom refused;
the attempt asks everything anew all the same.
"""

from __future__ import annotations

import os
import random
import time
from functools import partial

from xats.base import process
from xats.base.errors import TmuxUnavailable
from xats.clients import profile, registry
from xats.delivery.transports import tmux
from xats.tmux import examine, guards, screen, server

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from xats.core.waking.reasons import Reason
    from xats.core.waking.wakes import Wake
    from xats.delivery.settings import Settings
    from xats.delivery.target import Target
    from xats.tmux.screen import Look

# Seconds.
POLL = 0.4  # between two looks at a pane whose wake is open
GIVEN_UP = 2.0  # between two looks at one whose wake has failed: it may be so for days
SELDOM = 5.0  # between two looks at a pane that is gone, or in a server that has failed FAILURES times
FAILURES = 10
GAPS = 3  # after so many looks that were left out it is not known what the pane did meanwhile
PROCESSES = 2.0  # between two looks at all processes, if the screen stays the same and so does what is in the way
LATE = 2.0  # after a key a row that changes shows it late; tmux counts whole seconds


class Eye:
    """The eye on the pane of one wake.

    `due` is when to look next (monotonic seconds), as a rule `every` seconds. `clear` says that an attempt would not be
    refused now, and that something has changed since the last one was: an obstacle was seen, or the picture changed, or
    the eye was `stirred` from the beginning.
    """

    def __init__(self, wake: Wake, target: Target, token: str, settings: Settings, *, stirred: bool) -> None:
        assert target.session
        assert target.session.seat.pane
        self.target = target
        self.wake, self.every = wake, GIVEN_UP if wake.state == "failed" else POLL
        self.pane, self._process = target.session.seat.pane, target.session.seat.process
        self.due, self.clear, self.stirred = 0.0, False, stirred
        self._token = token  # of the wake's attempts
        self._known = registry.find_or_generic(target.agent.client, os.environ)
        self._expected = tmux.expected(self._known, target.session)
        self.settings = settings
        self._seen: tuple[Look, float, float] | None = None  # it, since when, and when last (monotonic seconds)
        self._judged: tuple[Reason | None, int] = (None, 0)  # of the last look: an objection, and its quiet window
        self._failures = 0
        self._found = guards.Found(None)  # what the last look at the processes came to
        self._asked = -PROCESSES  # when that was (monotonic)
        self._prompt = False  # whether the program shows at once what a person types just now
        self._rested: tuple[int, str] | None = None  # the row of the cursor before they began to type

    def failed(self, now: float) -> None:
        """Take in that tmux failed at the monotonic time `now`: it may be gone for good."""
        self._failures += 1
        self._lose(now + (self.every if self._failures < FAILURES else SELDOM))

    def hung(self, now: float) -> None:
        """Take in that tmux did not answer in time: it goes on as soon as it can."""
        self._lose(now)

    def see(self, look: Look | None, now: float) -> None:
        """Take in a look at the monotonic time `now`, or that the pane is gone."""
        if look is None or guards.identity(self.pane, look):
            self._lose(now + SELDOM)  # it will not come back
            return
        self._failures = 0
        self.clear, self.due = False, now + self.every * random.uniform(0.9, 1.1)  # no rhythm of anything
        before, since, at = self._seen or (None, now, now)
        same = before is not None and self._same(before, look)
        if before is not None and not same:
            self.stirred = True
        self._prompt = before is not None and now - at <= GAPS * self.every and self._follow(before, look)
        if not same or now - at > GAPS * self.every:
            since, self._asked = now, -PROCESSES
        if not same or before is None or _state(before) != _state(look):
            self._judged = self._judge(look)
        self._seen = (look, since, now)
        objection, window = self._judged
        if objection or guards.person(look, echoed=self.echoed(look)):
            self.stirred = True
        elif (left := window / 1000 - (now - since)) > 0:
            self.due = min(self.due, now + left)
        elif self._foreground(look, now) or guards.typed_ahead(self.pane, look, partial(tmux.certain, self._known)):
            self.stirred = True
        else:
            self.clear = self.stirred

    def recent(self) -> bool:
        """Tell whether it has seen its pane just now."""
        return self._seen is not None and time.monotonic() - self._seen[2] <= GAPS * self.every

    def quiet_for(self, look: Look) -> int:
        """Return for how long (ms) the pane has been seen to be as `look` shows it, up to now."""
        if self._seen is None:
            return 0
        seen, since, at = self._seen
        now = time.monotonic()
        same = now - at <= GAPS * self.every and self._same(seen, look)
        return int((now - since) * 1000) if same else 0

    def _same(self, before: Look, after: Look) -> bool:
        """Tell whether two looks show the same, as far as it matters; as a rule nothing at all has changed."""
        if examine.whole(before) == examine.whole(after):
            return True
        return profile.picture(self._known, before) == profile.picture(self._known, after)

    def echoed(self, look: Look) -> bool:
        """Tell whether the program was seen to show at once what a person has typed, and nothing of that is left.

        That goes for all keys up to the last one in `look`.
        """
        if not self._prompt or self._seen is None or not self.recent():
            return False
        return self._seen[0].key_at == look.key_at and _row(look) == self._rested

    def _follow(self, before: Look, look: Look) -> bool:
        """Tell whether what happened between two looks shows a program that shows keys at once.

        The first key after a long rest must have changed the row of the cursor by the next look. Later ones prove
        nothing, because what they seem to change may be what an earlier one has changed late.
        """
        changed = _row(before) != _row(look)
        if look.key_at == before.key_at:
            late = changed and time.time() - look.key_at > LATE
            return self._prompt and not late
        if guards.person(before):
            return self._prompt
        self._rested = _row(before)
        return changed

    def _foreground(self, look: Look, now: float) -> Reason | None:
        """Return why keys would not reach the client. It lists every process, so it is asked last, and not often."""
        gone = self._found.by is not None and not process.alive(*self._found.by)
        if gone or now - self._asked >= PROCESSES:
            self._found = guards.foreground(self.pane, self._process, self._expected)
            self._asked = now
        return guards.settled(self._found, self._expected, look).reason

    def _lose(self, due: float) -> None:
        self._seen, self._prompt, self.clear, self.stirred, self.due = None, False, False, True, due

    def _judge(self, look: Look) -> tuple[Reason | None, int]:
        reason = guards.release(look) or guards.state(look) or tmux.objection(self._known, look, self._token)
        if not reason and tmux.unlike_a_prompt(self._known, self.pane, look):
            reason = "screen_unknown"
        ours = look.wake.partition(":")[0] == self._token  # an attempt would only go on with what was begun
        return reason, 0 if ours else tmux.window(self._known, look, self.settings)


class Glance:
    """A look at the panes of several eyes on one server, under way. `overdue` is when (monotonic) to give it up."""

    def __init__(self, eyes: Sequence[Eye]) -> None:
        """Begin it. Raises TmuxUnavailable when tmux cannot be run."""
        self._eyes = eyes[: screen.MOST]
        self.overdue = time.monotonic() + server.TIMEOUT
        self._panes = list({eye.pane.pane_id: eye.pane for eye in self._eyes}.values())
        self._process = server.begin(self._eyes[0].pane, *screen.commands(self._panes))
        self._said = b""

    def fileno(self) -> int:
        """Return what to wait for."""
        assert self._process.stdout
        return self._process.stdout.fileno()

    def advance(self) -> bool:
        """Take in what tmux has printed; return whether that was all, and all eyes have seen it."""
        more = os.read(self.fileno(), 1 << 20)
        self._said += more
        if more:
            return False
        try:
            if self._close() != 0:
                raise TmuxUnavailable
            self._take_in()
        except TmuxUnavailable:
            for eye in self._eyes:
                eye.failed(time.monotonic())
        return True

    def give_up(self) -> None:
        """Wait for it no longer."""
        self._process.kill()
        self._close()
        for eye in self._eyes:
            eye.hung(time.monotonic())

    def _close(self) -> int:
        """Wait for tmux to end; return its exit code."""
        assert self._process.stdout
        self._process.stdout.close()
        return self._process.wait()

    def _take_in(self) -> None:
        """Show the eyes what tmux has printed."""
        looks = screen.read(self._panes, self._said.decode("utf-8", "replace"))
        now = time.monotonic()
        for eye in self._eyes:
            eye.see(looks[eye.pane.pane_id], now)


def glance(eyes: Sequence[Eye]) -> Glance | None:
    """Begin a look at the panes of `eyes`, which are on one server; None when tmux cannot be run, and they know it."""
    try:
        return Glance(eyes)
    except TmuxUnavailable:
        for eye in eyes:
            eye.failed(time.monotonic())
        return None


def _row(look: Look) -> tuple[int, str]:
    """Return what shows that a key has arrived: the row of the cursor, and where in it the cursor stands."""
    rows = look.rows()
    return look.cursor_x, rows[look.cursor_y] if look.cursor_y < len(rows) else ""


def _state(look: Look) -> tuple[object, ...]:
    return look.state, look.cursor, *(getattr(look, what) for what in screen.TEXTS)
