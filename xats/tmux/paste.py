"""The guarded paste: one attempt to put one fixed line into a client's composer and to submit it, or a reason why not.

An attempt reads the store, then the processes in the pane, then the pane itself. It judges the look without waiting for
anything, and sends the key at once. It repeats a look that is older than STALE by then. One tmux invocation sends the
key and checks that neither the pane's state nor a person's last key has changed since the look. It also sets the pane
option `@xats_wake` to TOKEN:pasted and later to TOKEN:entered. After a crash the next attempt reads there how far the
last one came, and never pastes the line twice.
"""

from __future__ import annotations

import itertools
import os
import time

from xats.base import faults
from xats.base.errors import Refused
from xats.tmux import gone, screen, terminal
from xats.tmux.errors import NoPane, TmuxUnavailable
from xats.tmux.examine import SETTLE, STALE, Behaviour, Ended, Examiner, Outcome, pauses, refused, whole
from xats.tmux.guards import GUARDS
from xats.tmux.lock import NoTerminal, locked
from xats.tmux.match import broken, holds, mark_before, remains
from xats.tmux.server import TIMEOUT, quote, run

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from xats.base.pane import Pane
    from xats.tmux.examine import Composer, Picture
    from xats.tmux.guards import Client, Expected, Guard
    from xats.tmux.screen import Look

# Milliseconds.
SHOW = 10_000  # how long the composer may take to show what was pasted
OBJECT = 1000  # after this time without our line, any objection to the screen ends the wait
AGAIN = 400  # an Enter without effect for this time was lost
LAST = 1000  # how long the last Enter may take, if the program has shown the line at once
CONFIRM = 40  # between two looks that show the line gone: half a redraw looks the same
LOOKS = 5  # how many looks may be too old, or outdated by a change
ENTERS = 3
SLICE = 50  # how soon a wait notices that it should stop

_serial = itertools.count()


def attempt(
    pane: Pane,
    *,
    line: Callable[[], str | None],
    token: str,
    quiet_ms: int | Callable[[Look], int],
    client: Client | None,
    expected: Expected | None = None,
    stopping: Callable[[], bool] = bool,
    guards: Sequence[Guard] = GUARDS,
    echoed: Callable[[Look], bool] = lambda _: False,
    certain: Callable[[Look], bool] = lambda _: False,
    composer: Composer = holds,
    remains: Composer = remains,
    picture: Picture = whole,
    settle_ms: int = SETTLE,
    take_ms: int = 0,
    show_ms: int = 0,
    timeout: float = TIMEOUT,
    make: Callable[..., Attempt] | None = None,
) -> Outcome:
    """Try once to paste a line into `pane` and submit it.

    `line` returns the line once everything else allows the paste; None if the mail was read meanwhile. `token` names
    the wake, and is the same in all its attempts: by it a later attempt knows what an earlier one did. The screen must
    stay the same for `quiet_ms` milliseconds, which may depend on the first look. `client` is the (pid, start time)
    that must have the keyboard, and `expected` what else is known of it. `stopping` ends the wait for quiet.

    `guards` are further checks of a look; they must not wait for anything. `echoed` says whether the program has shown
    a person's last key (`guards.person`). `certain` says whether the composer holds nothing but the line of xats
    (`guards.typed_ahead`). `composer` says whether the composer holds exactly a line, `remains` whether it still holds
    that line, with any text around it. `picture` returns what must stay the same in a quiet pane.

    `settle_ms` is how long the program must show a paste before it takes Enter. It may then take `take_ms` to submit
    the line. `show_ms` is how long it may take to show a paste, where that is longer than usual. `timeout` is for each
    tmux call, in seconds. `make` is the class of the attempt, where the text is not the line of a wake.

    Raises ValueError for an invalid token or line. Everything that tmux or the pane does is an Outcome.
    """
    if not token or not token.isascii() or not token.replace("-", "").replace("_", "").isalnum():
        raise ValueError(f"a token must be letters, digits, - and _, not {token!r}")

    behaviour = Behaviour(
        guards=guards,
        echoed=echoed,
        certain=certain,
        composer=composer,
        remains=remains,
        picture=picture,
        settle_ms=settle_ms,
        take_ms=take_ms,
        show_ms=show_ms,
    )

    def begun() -> Attempt:
        kind = make or Attempt
        return kind(pane, token, client=client, expected=expected, behaviour=behaviour, timeout=timeout)

    try:
        try:
            with locked(pane):
                work = begun()
                return work.resume() or work.start(line, quiet_ms, stopping)
        except NoTerminal as error:
            begun().examine()  # if the pane is gone with its terminal, that is the better reason
            return Outcome("refused", "not_permitted", str(error))
    except Ended as end:
        return end.outcome
    except (NoPane, TmuxUnavailable) as error:
        return Outcome("refused", gone.reason(pane, error, timeout), str(error))
    except Refused as error:  # the pane's lock: not `not_quiet`, because the pane did nothing
        return Outcome("refused", "busy", str(error))


def clean_line(text: str) -> str:
    """Return `text` if it may be pasted: 1 to 200 printable characters on one line. Raises ValueError."""
    if not 0 < len(text) <= 200 or not text.isprintable():
        raise ValueError(f"a line must be 1 to 200 printable characters, not {text!r:.80}")
    return text


class Attempt(Examiner):
    """One attempt, with the pane's lock held."""

    lag = 0.0  # ms that the program took to show the line

    def resume(self) -> Outcome | None:
        """Finish the earlier attempt of the same wake; None if there was none."""
        seen = self.first
        if seen.wake not in (self.pasted, self.entered) or seen.dead:
            return None
        if seen.wake == self.entered and self.left(seen.line, AGAIN) is None:
            return Outcome("delivered", detail="by an earlier attempt")
        self.shown(seen.line)
        return self.submit(seen.line)

    def start(
        self, line: Callable[[], str | None], quiet_ms: int | Callable[[Look], int], stopping: Callable[[], bool]
    ) -> Outcome:
        """Wait for quiet, paste, submit."""
        taken = self.processes()
        seen = self.judge(self.look() if taken.reason else self.first, taken)
        window = quiet_ms if isinstance(quiet_ms, int) else quiet_ms(seen)
        if window > 0:
            seen = self.quiet(seen, window, stopping)
        text = line()
        if text is None:
            raise Ended("withdrawn", "already_read")
        self.paste_into(seen, self.clean(text))
        faults.point("paste.after")
        self.shown(text)
        return self.submit(text)

    def quiet(self, before: Look, quiet_ms: int, stopping: Callable[[], bool]) -> Look:
        """Return a second look `quiet_ms` later, which must show the same as `before`."""
        until = time.monotonic() + quiet_ms / 1000
        while (left := until - time.monotonic()) > 0:
            if stopping():
                raise Ended("withdrawn", "stopping")
            time.sleep(min(left, SLICE / 1000))
        after = self.examine()
        self.same_picture(before, after, f"within {quiet_ms} ms")
        return after

    def paste_into(self, quiet: Look, line: str) -> None:
        """Paste `line` right after a last look, which must show the same as the look `quiet`."""
        for _ in range(LOOKS):
            seen = self.examine()
            self.same_picture(quiet, seen, "just before the paste")
            faults.point("paste.before")
            if self.fresh() and self.paste(seen, line):
                self.key_at = seen.key_at
                return
        raise Ended("postponed", "host_busy", f"no paste came within {STALE} ms of a look in {LOOKS} tries")

    def paste(self, seen: Look, line: str) -> bool:
        """Paste `line` if nothing has changed since `seen`, and set the mark in the same moment."""
        name = f"xats-{os.getpid()}-{next(_serial)}"  # buffer names are global to the server
        target = quote(self.pane.pane_id)
        act = (
            f"paste-buffer -p -r -d -b {name} -t {target} ; set-option -p -t {target} @xats_wake {self.pasted} ;"
            f" set-option -p -t {target} @xats_before {mark_before(seen)} ;"
            f" set-option -p -t {target} @xats_line {quote(self.kept(line))} ; display-message -p SENT"
        )
        refuse = f"delete-buffer -b {name} ; display-message -p REFUSED"
        return self.guarded(seen, act, refuse, ("load-buffer", "-b", name, "-", ";"), line)

    def shown(self, line: str) -> None:
        """Wait until the composer has held exactly `line` for a moment."""
        since = time.monotonic()
        for seen in self.looks(max(self.behaviour.show_ms, SHOW)):
            late = (time.monotonic() - since) * 1000
            if self.behaviour.composer(seen, line):
                self.lag = late
                time.sleep(self.behaviour.settle_ms / 1000)
                return
            if late > max(self.behaviour.show_ms, OBJECT):
                found = self.objection(seen, self.processes())
                if found.reason:
                    raise refused(found)
        if terminal.unread(self.pane):  # it has not read our line yet; the next attempt may find it there
            raise Ended("refused", "busy", "the program has not read the line yet")
        self.examine()
        raise Ended("unconfirmed", "unconfirmed", "the composer did not show exactly our line")

    def proven(self, line: str) -> Look:
        """Return a look without objection in which the composer holds exactly `line`. Half a redraw may come before."""
        for _ in pauses(OBJECT):
            taken = self.processes()
            seen = self.look()  # only tmux may know yet of a person's key
            if self.behaviour.composer(seen, line):
                return self.judge(seen, taken)
        self.judge(seen, taken)
        raise Ended("unconfirmed", "unconfirmed", "the composer did not keep our line")

    def submit(self, line: str) -> Outcome:
        """Press Enter while the composer holds exactly `line`, until the line has left it."""
        enters = 0
        for _ in range(ENTERS + LOOKS):
            seen = self.proven(line)
            if seen.wake == self.entered and terminal.unread(self.pane) != 0:
                break  # the program has not read that Enter yet; a second one could go into a dialog
            if not self.fresh() or not self.enter(seen):
                continue
            faults.point("enter.after")
            enters += 1
            # A program that shows the line late also shows late that the line has left.
            takes = max(self.behaviour.take_ms, min(2 * self.lag, SHOW), AGAIN if enters < ENTERS else LAST)
            after = self.left(line, takes, seen.cursor_x)
            if after is None:
                return Outcome("delivered")
            if enters == ENTERS or not self.behaviour.composer(after, line):
                break
        else:
            raise Ended("postponed", "host_busy", f"no Enter came within {STALE} ms of a look in {LOOKS} tries")
        self.examine()
        raise Ended("unconfirmed", "unconfirmed", "our line was not seen to leave the composer")

    def left(self, line: str, milliseconds: float, start_x: int = 0) -> Look | None:
        """Return None once `line` has left the composer after our Enter, else the last look."""
        for seen in self.looks(milliseconds):
            if seen.wake == self.entered and self.gone(seen, line, start_x):
                return None
        return seen

    def enter(self, seen: Look) -> bool:
        """Press Enter in this pane alone if nothing has changed since `seen`."""
        target = quote(self.pane.pane_id)
        keys = f"send-keys -t {target} Enter"
        if seen.synchronized:
            # send-keys goes to all panes of the window, so this pane leaves the group for that moment.
            option = f"-t {target} synchronize-panes"
            own = run(
                self.pane,
                "show-options",
                "-pqv",
                "-t",
                self.pane.pane_id,
                "synchronize-panes",
                timeout=self.timeout,
            ).strip()
            back = f"set-option -p {option} {own}" if own else f"set-option -p -u {option}"
            keys = f"set-option -p {option} off ; {keys} ; {back}"
        act = f"{keys} ; set-option -p -t {target} @xats_wake {self.entered} ; display-message -p SENT"
        return self.guarded(seen, act, "display-message -p REFUSED")

    def gone(self, seen: Look, line: str, start_x: int = 0) -> bool:
        """Say whether `line` has left the composer, now and a moment later.

        `start_x` is the column of the cursor before Enter. A line that fills its row, echoed with a line feed, looks as
        if a cursor in the next row still held it.
        """
        for last in (False, True):
            fed = seen.cursor_x == 0 < start_x
            if not fed and (self.behaviour.remains(seen, line) or broken(seen, line)):
                return False
            if not last:
                time.sleep(CONFIRM / 1000)
                seen = self.look()
        return True

    def guarded(self, seen: Look, act: str, refuse: str, first: tuple[str, ...] = (), stdin: str | None = None) -> bool:
        """Run the commands `act` if the pane's state is as in `seen`, else `refuse`. tmux does this atomically."""
        check = ("if-shell", "-F", "-t", self.pane.pane_id, screen.unchanged(seen))
        said = run(self.pane, *first, *check, act, refuse, stdin=stdin, timeout=self.timeout)
        return "SENT" in said.split()

    # -- what may be pasted --------------------------------------------------------------------------------------------

    def clean(self, line: str) -> str:
        """Return `line` if it may be pasted. Raises ValueError."""
        return clean_line(line)

    def kept(self, line: str) -> str:
        """Return what the pane keeps of `line` for an attempt after a crash."""
        return line
