"""Watch a pane: for how long it has looked the same, and whether an attempt would be refused now. This only looks.

A watcher makes the checks of an attempt (delivery/transports/tmux.py). An attempt that it starts is seldom refused, but
makes all its checks anew.
"""

from __future__ import annotations

import os
import random
import time
from functools import partial

from xats.base import process
from xats.clients import profile, registry
from xats.delivery import screens
from xats.tmux import examine, guards, screen, server
from xats.tmux.errors import TmuxUnavailable

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
GIVEN_UP = 2.0  # between two looks at a pane whose wake has failed, perhaps for days
SELDOM = 5.0  # between two looks at a pane that is gone, or in a server that has failed FAILURES times
FAILURES = 10
GAPS = 3  # missed looks after which xats does not know what the pane did meanwhile
PROCESSES = 2.0  # between two looks at all processes, while the screen and the obstacle stay the same
LATE = 2.0  # after a key: a row that changes later shows the key late. tmux counts whole seconds


class PaneWatcher:
    """Watches the pane of one wake.

    `due` is the time of the next look (monotonic seconds), usually `every` seconds after the last. `clear` means: an
    attempt would not be refused now, and something `changed` since the last one was. The picture changed, or an
    obstacle was seen, or the watcher began with `changed`.
    """

    def __init__(self, wake: Wake, target: Target, token: str, settings: Settings, *, changed: bool) -> None:
        assert target.session
        assert target.session.seat.pane
        self.target = target
        self.wake, self.every = wake, GIVEN_UP if wake.state == "failed" else POLL
        self.pane, self._process = target.session.seat.pane, target.session.seat.process
        self.due, self.clear, self.changed = 0.0, False, changed
        self._token = token  # of the wake's attempts
        self._known = registry.find_or_generic(target.agent.client, os.environ)
        self._expected = screens.expected(self._known, target.session)
        self.settings = settings
        self._seen: tuple[Look, float, float] | None = None  # the look, its first and its last time (monotonic seconds)
        self._judged: tuple[Reason | None, int] = (
            None,
            0,
        )  # of the last look: the objection, and the quiet window (ms)
        self._failures = 0
        self._found = guards.Found(None)  # the result of the last look at the processes
        self._asked = -PROCESSES  # the time of that look (monotonic seconds)
        self._prompt = False  # whether the program shows at once what a person types now
        self._rested: tuple[int, str] | None = None  # the row of the cursor before the person began to type

    def failed(self, now: float) -> None:
        """Record that tmux failed at the monotonic time `now`. Its server may be gone for good."""
        self._failures += 1
        self._lose(now + (self.every if self._failures < FAILURES else SELDOM))

    def timed_out(self, now: float) -> None:
        """Record that tmux did not answer in time. The next look follows at once."""
        self._lose(now)

    def observe(self, look: Look | None, now: float) -> None:
        """Record a look at the monotonic time `now`; None: the pane is gone."""
        if look is None or guards.identity(self.pane, look):
            self._lose(now + SELDOM)  # it will not come back
            return
        self._failures = 0
        self.clear, self.due = False, now + self.every * random.uniform(0.9, 1.1)  # in step with nothing else
        before, since, at = self._seen or (None, now, now)
        same = before is not None and self._same(before, look)
        if before is not None and not same:
            self.changed = True
        self._prompt = before is not None and now - at <= GAPS * self.every and self._follow(before, look)
        if not same or now - at > GAPS * self.every:
            since, self._asked = now, -PROCESSES
        if not same or before is None or _state(before) != _state(look):
            self._judged = self._judge(look)
        self._seen = (look, since, now)
        objection, window = self._judged
        if objection or guards.person(look, echoed=self.echoed(look)):
            self.changed = True
        elif (left := window / 1000 - (now - since)) > 0:
            self.due = min(self.due, now + left)
        elif self._foreground(look, now) or guards.typed_ahead(self.pane, look, partial(screens.certain, self._known)):
            self.changed = True
        else:
            self.clear = self.changed

    def recent(self) -> bool:
        """Tell whether the last look at the pane is recent."""
        return self._seen is not None and time.monotonic() - self._seen[2] <= GAPS * self.every

    def quiet_for(self, look: Look) -> int:
        """Return for how long (ms) the pane has looked as in `look`, up to now."""
        if self._seen is None:
            return 0
        seen, since, at = self._seen
        now = time.monotonic()
        same = now - at <= GAPS * self.every and self._same(seen, look)
        return int((now - since) * 1000) if same else 0

    def _same(self, before: Look, after: Look) -> bool:
        """Tell whether two looks show the same picture. Usually nothing at all has changed."""
        if examine.whole(before) == examine.whole(after):
            return True
        return profile.picture(self._known, before) == profile.picture(self._known, after)

    def echoed(self, look: Look) -> bool:
        """Tell whether the program showed at once what a person typed, and none of it is left.

        This covers all keys up to the last one in `look`.
        """
        if not self._prompt or self._seen is None or not self.recent():
            return False
        return self._seen[0].key_at == look.key_at and _row(look) == self._rested

    def _follow(self, before: Look, look: Look) -> bool:
        """Tell whether two looks prove that the program shows keys at once.

        The first key after a long rest must have changed the row of the cursor by the next look. Later keys prove
        nothing: an earlier key may have caused their change late.
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
        """Return why keys would not reach the client. This lists every process, so it comes last, and not often."""
        gone = self._found.by is not None and not process.alive(*self._found.by)
        if gone or now - self._asked >= PROCESSES:
            self._found = guards.foreground(self.pane, self._process, self._expected)
            self._asked = now
        return guards.settled(self._found, self._expected, look).reason

    def _lose(self, due: float) -> None:
        self._seen, self._prompt, self.clear, self.changed, self.due = None, False, False, True, due

    def _judge(self, look: Look) -> tuple[Reason | None, int]:
        reason = guards.release(look) or guards.state(look) or screens.objection(self._known, look, self._token)
        if not reason and screens.unlike_a_prompt(self._known, self.pane, look):
            reason = "screen_unknown"
        ours = look.wake.partition(":")[0] == self._token  # an attempt would only go on with what was begun
        return reason, 0 if ours else screens.window(self._known, look, self.settings)


class Capture:
    """A look at the panes of several watchers on one server, under way.

    `overdue` is the monotonic time at which to give it up.
    """

    def __init__(self, watchers: Sequence[PaneWatcher]) -> None:
        """Start tmux. Raises TmuxUnavailable when it cannot be run."""
        self._watchers = watchers[: screen.MOST]
        self.overdue = time.monotonic() + server.TIMEOUT
        self._panes = list({one.pane.pane_id: one.pane for one in self._watchers}.values())
        self._process = server.begin(self._watchers[0].pane, *screen.commands(self._panes))
        self._output = b""

    def fileno(self) -> int:
        """Return the file to wait for."""
        assert self._process.stdout
        return self._process.stdout.fileno()

    def advance(self) -> bool:
        """Read what tmux has printed. Return True once that was all, and the watchers have it."""
        more = os.read(self.fileno(), 1 << 20)
        self._output += more
        if more:
            return False
        try:
            if self._close() != 0:
                raise TmuxUnavailable
            self._pass_on()
        except TmuxUnavailable:
            for watcher in self._watchers:
                watcher.failed(time.monotonic())
        return True

    def give_up(self) -> None:
        """End tmux, which did not answer in time."""
        self._process.kill()
        self._close()
        for watcher in self._watchers:
            watcher.timed_out(time.monotonic())

    def _close(self) -> int:
        """Wait for tmux to end; return its exit code."""
        assert self._process.stdout
        self._process.stdout.close()
        return self._process.wait()

    def _pass_on(self) -> None:
        """Give the watchers what tmux has printed."""
        looks = screen.read(self._panes, self._output.decode("utf-8", "replace"))
        now = time.monotonic()
        for watcher in self._watchers:
            watcher.observe(looks[watcher.pane.pane_id], now)


def begin_capture(watchers: Sequence[PaneWatcher]) -> Capture | None:
    """Begin a look at the panes of `watchers`, which are on one server.

    Return None when tmux cannot be run; the watchers have that recorded.
    """
    try:
        return Capture(watchers)
    except TmuxUnavailable:
        for watcher in watchers:
            watcher.failed(time.monotonic())
        return None


def _row(look: Look) -> tuple[int, str]:
    """Return the column and the row of the cursor. A key that arrives changes one of them."""
    rows = look.rows()
    return look.cursor_x, rows[look.cursor_y] if look.cursor_y < len(rows) else ""


def _state(look: Look) -> tuple[object, ...]:
    return look.state, look.cursor, *(getattr(look, what) for what in screen.TEXTS)
