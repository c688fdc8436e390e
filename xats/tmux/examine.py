"""Examine a pane before a key: look at its processes and at its screen, and refuse by the first check that objects.

The screen comes last, and judging it waits for nothing. The key can therefore follow a fresh look.
"""

from __future__ import annotations

import time

from xats.base.record import record
from xats.tmux.guards import (
    GUARDS,
    Expected,
    Found,
    foreground,
    identity,
    person,
    release,
    settled,
    state,
    typed_ahead,
)
from xats.tmux.match import holds, remains
from xats.tmux.screen import PICTURE, look

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from typing import Literal

    from xats.base.pane import Pane
    from xats.core.waking.reasons import Reason
    from xats.tmux.guards import Client, Guard
    from xats.tmux.screen import Look

    State = Literal["delivered", "refused", "postponed", "unconfirmed", "withdrawn"]
    Composer = Callable[[Look, str], bool]
    Picture = Callable[[Look], tuple[object, ...]]

STALE = 100  # ms from the answer of a look to the key that it allows
SETTLE = 120  # ms from the line's being shown to Enter, where nobody has measured what the program needs


def whole(look: Look) -> tuple[object, ...]:
    """Return all that a look shows: the fields PICTURE."""
    return tuple(getattr(look, what) for what in PICTURE)


@record
class Outcome:
    """How an attempt ended.

    `state` is delivered, refused (retry later), postponed (no objection, but no time: retry soon), unconfirmed (the
    line was pasted, and xats did not see it submitted) or withdrawn (not wanted any more).
    `reason` is a word of the closed list, or `stopping`.
    """

    state: State
    reason: Reason | Literal["", "stopping"] = ""
    detail: str = ""


class Ended(Exception):
    """The attempt is over."""

    def __init__(self, state: State, reason: Reason | Literal["stopping"], detail: str = "") -> None:
        self.outcome = Outcome(state, reason, detail)


def refused(found: Found) -> Ended:
    """Return the end of an attempt to which `found` objects."""
    assert found.reason
    return Ended("refused", found.reason, found.detail)


@record
class Behaviour:
    """How the program in a pane shows and takes input; `paste.attempt` describes the fields."""

    guards: Sequence[Guard] = GUARDS
    echoed: Callable[[Look], bool] = lambda _: False
    certain: Callable[[Look], bool] = lambda _: False
    composer: Composer = holds
    remains: Composer = remains
    picture: Picture = whole
    settle_ms: int = SETTLE
    take_ms: int = 0
    show_ms: int = 0


class Examiner:
    """The looks of one attempt at one pane. Methods that return have found no obstacle; the others raise Ended."""

    def __init__(
        self,
        pane: Pane,
        token: str,
        *,
        client: Client | None,
        expected: Expected | None,
        behaviour: Behaviour,
        timeout: float,
    ) -> None:
        self.pane, self.client, self.expected = pane, client, expected or Expected()
        self.behaviour, self.timeout = behaviour, timeout
        self.pasted, self.entered = f"{token}:pasted", f"{token}:entered"
        self.answered = 0.0  # when tmux answered the last look (monotonic seconds)
        self.key_at: int | None = None  # a person's last key when the line was pasted
        self.first = self.look()

    def look(self) -> Look:
        """Look at the pane. It must be the registered one."""
        seen = look(self.pane, self.timeout)
        self.answered = time.monotonic()
        if reason := identity(self.pane, seen):
            raise Ended("refused", reason, "another server or another process has the pane's id")
        return seen

    def processes(self) -> Found:
        """Return whether the processes in the pane forbid a key. This may take long, so a look comes after it."""
        return foreground(self.pane, self.client, self.expected)

    def objection(self, seen: Look, taken: Found) -> Found:
        """Return why `seen` forbids a key; `taken` is the answer of `processes`. It waits for nothing."""
        # Where the client is gone, a dead pane or another pane is the better reason.
        if reason := release(seen):
            return Found(reason, f"tmux {seen.version}")
        if reason := state(seen):
            return Found(reason)
        taken = settled(taken, self.expected, seen)
        if taken.reason:
            return taken
        for guard in self.behaviour.guards:
            if reason := guard(seen):
                return Found(reason)
        # After the paste only a further key of a person matters.
        echoed = self.behaviour.echoed(seen) if self.key_at is None else self.key_at == seen.key_at
        return Found(person(seen, echoed=echoed))

    def judge(self, seen: Look, taken: Found) -> Look:
        """Refuse by the first check that objects to `seen` or to unread input. It waits for nothing."""
        found = self.objection(seen, taken)
        if not found.reason and seen.wake != self.entered:  # else our own Enter may be the unread input
            found = Found(typed_ahead(self.pane, seen, self.behaviour.certain))
        if found.reason in ("not_permitted", "screen_unknown"):  # the pane may be gone since, with its terminal
            reason = state(self.look())
            after = Found(reason) if reason else self.processes()
            found = after if after.reason else found
        if found.reason:
            raise refused(found)
        return seen

    def examine(self) -> Look:
        """Return a look without objection, also to the processes just before it."""
        taken = self.processes()
        return self.judge(self.look(), taken)

    def fresh(self) -> bool:
        """Say whether the last look is recent enough for a key. Call it right before the key."""
        return time.monotonic() - self.answered <= STALE / 1000

    def same_picture(self, before: Look, after: Look, when: str) -> None:
        """Refuse a pane that shows something else in `after` than in `before`; `when` is for the message."""
        for what, was, now in zip(PICTURE, self.behaviour.picture(before), self.behaviour.picture(after), strict=True):
            if was != now:
                raise Ended("refused", "not_quiet", f"its {what} changed {when}")

    def looks(self, milliseconds: float) -> Iterator[Look]:
        """Look again and again for about `milliseconds`, often at first."""
        for _ in pauses(milliseconds):
            yield self.look()


def pauses(milliseconds: float) -> Iterator[None]:
    """Pause again and again for about `milliseconds`, shortly at first."""
    until, pause = time.monotonic() + milliseconds / 1000, 0.006
    while True:
        time.sleep(pause)
        yield
        if time.monotonic() >= until:
            return
        pause = min(2 * pause, 0.1)
