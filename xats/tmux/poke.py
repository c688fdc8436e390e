"""Paste a person's own text through the same guards as the line of a wake. A later attempt never finishes it.

A paste in brackets (xterm's mode 2004) ends at `ESC [ 201 ~` or its one-character form. If the text held that, the rest
would count as typed. tmux before 3.7 passes every byte on, so xats removes such characters.
"""

from __future__ import annotations

from contextlib import suppress
from functools import partial

from xats.base.errors import XatsError
from xats.tmux import pane as panes
from xats.tmux.errors import TmuxUnavailable
from xats.tmux.examine import SETTLE, Outcome, whole
from xats.tmux.paste import Attempt, attempt
from xats.tmux.server import run

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

    from xats.base.pane import Pane
    from xats.tmux.examine import Composer, Picture
    from xats.tmux.guards import Client, Expected, Guard
    from xats.tmux.screen import Look

TAB = " " * 4  # a tab completes words in many composers
NEW_LINES = ("\r\n", "\r", "\u2028", "\u2029")  # a CR outside of brackets submits
# ESC and the C1 CSI begin control sequences; the others are keys (^C, ^U, DEL).
CONTROLS = frozenset((*range(0x20), *range(0x7F, 0xA0))) - {0x0A}
# Marks of text direction, and invisible characters: BOM, interlinear annotations, tags.
HIDDEN = frozenset(
    (0x061C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A), 0xFEFF, *range(0xFFF9, 0xFFFC))
) | frozenset(range(0xE0000, 0xE0080))


def sanitise(text: str) -> tuple[str, list[str]]:
    """Return `text` as it may be pasted, and each character that was removed, like `U+001B`, once.

    New lines become LF and tabs spaces; empty lines around it are left out. That is not counted as removed.
    """
    for end in NEW_LINES:
        text = text.replace(end, "\n")
    text = text.replace("\t", TAB)
    unwanted = sorted({ord(char) for char in text} & (CONTROLS | HIDDEN))
    text = text.translate(dict.fromkeys(unwanted))
    return text.strip("\n"), [f"U+{code:04X}" for code in unwanted]


def bracketed(pane: Pane) -> bool | None:
    """Tell whether the program in `pane` has asked for pastes in brackets; None where tmux (before 3.7) cannot tell.

    Raises NoPane, TmuxGone, TmuxUnavailable.
    """
    said = run(pane, "display-message", "-p", "-t", pane.pane_id, "#{bracket_paste_flag}").strip()
    return said == "1" if said in ("0", "1") else None


def poke(
    pane: Pane,
    text: str,
    token: str,
    *,
    quiet_ms: int | Callable[[Look], int],
    client: Client | None,
    expected: Expected | None = None,
    guards: Sequence[Guard],
    composer: Composer,
    emptied: Callable[[Look], bool],
    picture: Picture = whole,
    settle_ms: int = SETTLE,
    take_ms: int = 0,
    show_ms: int = 0,
) -> Outcome:
    """Try once to paste `text`, which is sanitised, into `pane` and to submit it.

    `token` must never have been used before. `emptied` says whether the composer in a look is empty again. The rest is
    as for the line of a wake, see `paste.attempt`. But an objection after the paste makes the outcome `unconfirmed`,
    with that reason.
    """
    pasted: list[str] = []
    outcome = attempt(
        pane,
        line=lambda: text,
        token=token,
        quiet_ms=quiet_ms,
        client=client,
        expected=expected,
        guards=guards,
        composer=composer,
        remains=composer,
        picture=picture,
        settle_ms=settle_ms,
        take_ms=take_ms,
        show_ms=show_ms,
        make=partial(Poke, emptied=emptied, pasted=pasted),
    )
    if pasted and outcome.state in ("refused", "postponed"):
        return Outcome("unconfirmed", outcome.reason, outcome.detail)
    return outcome


class Poke(Attempt):
    """An attempt whose text the pane does not keep: after a crash the text is a draft, and xats never submits it."""

    def __init__(self, *place: Any, emptied: Callable[[Look], bool], pasted: list[str], **options: Any) -> None:
        super().__init__(*place, **options)
        self.emptied, self.done = emptied, pasted

    def clean(self, line: str) -> str:
        """Return `line` if it is sanitised. Raises ValueError."""
        if not line or sanitise(line) != (line, []):
            raise ValueError(f"the text must be sanitised: {line!r:.80}")
        return line

    def kept(self, line: str) -> str:
        """Keep nothing: no later attempt may take this text for a wake's line."""
        del line
        return ""

    def start(
        self, line: Callable[[], str | None], quiet_ms: int | Callable[[Look], int], stopping: Callable[[], bool]
    ) -> Outcome:
        """Wait for quiet, paste, submit; then restore the marks that a wake may have left in the pane."""
        try:
            return super().start(line, quiet_ms, stopping)
        finally:
            if self.done:
                with suppress(XatsError):
                    self._restore("@xats_wake", self.first.wake)
                    self._restore("@xats_before", self.first.before)
                    self._restore("@xats_line", self.first.line)

    def _restore(self, option: str, value: str) -> None:
        if value:
            panes.mark(self.pane, option, value)
        else:
            panes.unmark(self.pane, option)

    def paste(self, seen: Look, line: str) -> bool:
        """Paste `line` if nothing has changed since `seen`."""
        try:
            sent = super().paste(seen, line)
        except TmuxUnavailable:
            self.done.append(line)  # tmux did not answer, and may have done it
            raise
        if sent:
            self.done.append(line)
        return sent

    def gone(self, seen: Look, line: str, start_x: int = 0) -> bool:
        """Say whether the composer is empty, now and a moment later."""
        return super().gone(seen, line, start_x) and self.emptied(seen) and self.emptied(self.look())
