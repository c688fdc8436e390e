"""The verb that shows the screen of an agent: peek."""

from __future__ import annotations

import time

from xats.base.errors import Usage
from xats.cli.agents import pane_of
from xats.cli.kit import people, render

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from xats.base.pane import Pane
    from xats.cli.kit import params
    from xats.cli.kit.context import Context
    from xats.core.agents.agents import Agent, Session
    from xats.tmux.screen import Look

POLL = 0.5  # seconds between two looks at a pane
CHROME = 2  # rows of a terminal that --follow leaves free: its own first line, and that of the cursor


def peek(
    here: Context,
    agent: params.AgentArg,
    *,
    lines: params.LinesOption = None,
    follow: params.FollowScreenOption = False,
) -> int:
    """Show the screen of an agent, as text; nothing is typed and nothing changes.

    It works for every agent of this host that is registered with its tmux pane and whose program runs. Control
    characters are shown, never sent. Only a person can look at the screen of a person.

    Example: xats peek bob

    Example: xats peek bob -n 200

    Example: xats peek bob --follow
    """
    if lines is not None and lines < 1:
        msg = "--lines must be at least 1."
        raise Usage(msg, f"xats peek {agent} -n 20")
    if follow and here.json:
        msg = "--follow does not go with --json."
        raise Usage(msg, f"xats peek {agent} --json")
    whom, session, pane = pane_of.find(here, agent)
    if whom.client == "human":
        people.person(here, "look at a person's screen", "an agent writes: xats send AGENT '...'")
    if follow:
        return _follow(here, whom, session, pane, lines)
    seen, rows = _look(here, whom, session, pane, lines)
    if here.json:
        from xats.cli.kit.documents import pane_json

        about = {"agent": whom.address, "client": whom.client, "pane": pane_json(pane), "title": seen.title}
        size = {"width": seen.width, "height": seen.height}
        render.document({**about, **size, "lines": rows})
        return 0
    if not here.quiet:
        render.say(f"{pane_of.about(here, whom, pane)}{'' if rows else ': the screen is empty'}")
    if rows:
        render.stream(render.visible(row) for row in rows)
    return 0


def _look(here: Context, whom: Agent, session: Session, pane: Pane, most: int | None) -> tuple[Look, list[str]]:
    """Return a look at `pane`, and its last `most` lines as text; None: its screen. Raises what `pane_of.look` does."""
    from xats.tmux import screen

    seen = pane_of.look(here, whom, pane)
    if pane_of.has_ended(whom, session, seen):
        raise pane_of.refused(here, whom, "pane_dead" if seen.dead else "process_gone")
    rows = screen.trimmed(seen.rows())
    if most is None:
        return seen, rows
    if most > len(rows) and not seen.alternate_on:  # before the screen of a full-screen program stands that of a shell
        rows = screen.tail(pane, most)
    return seen, rows[-most:]


def _follow(here: Context, whom: Agent, session: Session, pane: Pane, most: int | None) -> int:
    """Show the screen again whenever it changes, until Ctrl-C or until the pane is gone.

    A terminal gets it in place of the last one; a pipe gets each screen after a line with the local time.
    """
    before: list[str] | None = None
    drawn = 0
    in_place = render.on_terminal() and here.environ.get("TERM", "dumb") != "dumb"
    while not render.reader_gone():
        _, rows = _look(here, whom, session, pane, most)
        if rows != before:
            head = f"--- {pane_of.about(here, whom, pane)}, {time.strftime('%H:%M:%S')}"
            shown = [render.visible(row) for row in (head, *rows)]
            if in_place:
                shown = _fitting(shown)
                shown += [""] * (drawn - len(shown))
                up = f"\x1b[{drawn}A\r" if drawn else ""
                render.put(up + "\n".join(f"\x1b[2K{row}" for row in shown))
                drawn = len(shown)
            else:
                render.stream(shown)
            before = rows
        time.sleep(POLL)
    return 0


def _fitting(shown: Sequence[str]) -> list[str]:
    """Return the first line and the last lines of `shown` that fit into the terminal, each cut to its width."""
    import shutil

    from rich.cells import cell_len, set_cell_size

    size = shutil.get_terminal_size()
    width, room = max(size.columns, 2), max(size.lines - CHROME, 1)
    head, *rows = shown
    return [row if cell_len(row) <= width else f"{set_cell_size(row, width - 1)}…" for row in (head, *rows[-room:])]
