"""What a pane shows: one look takes its state and its screen in one moment.

tmux is single-threaded: commands of one invocation run with nothing between them.
"""

from __future__ import annotations

import os
import re  # costs nothing more: subprocess has imported it already

from xats.base.record import record
from xats.tmux.address import is_pane_id
from xats.tmux.errors import NoPane, TmuxUnavailable
from xats.tmux.server import TIMEOUT, all_of, is_number, like, number, quote, run, same

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from xats.base.pane import Pane

# All that must be unchanged when a key is sent. Free text is in TEXTS.
STATE = (
    "#{pid}|#{start_time}|#{pane_id}|#{pane_pid}|#{pane_tty}"
    "|#{pane_dead}|#{pane_in_mode}|#{pane_input_off}|#{pane_synchronized}|#{alternate_on}"
    "|#{cursor_x}|#{cursor_y}|#{pane_width}|#{pane_height}"
)
# The title is here because Codex and Gemini say in it that a turn or a dialog has begun.
TEXTS = {"wake": "#{@xats_wake}", "command": "#{pane_current_command}", "title": "#{pane_title}"}
PICTURE = ("screen", "cursor_x", "cursor_y", "title")  # of a Look: what stays the same in a quiet pane
# When a person last pressed a key in a tmux client of the pane's session, in whole seconds: a key that comes after a
# look makes it another one. Attaching a client counts, `send-keys` does not.
KEYS = "#{session_id}.#{session_activity}"
# What may flicker does not belong into STATE. tmux prints each text on its own line. Only tmux 3.7 and newer know
# whether a program asked for pastes in brackets.
_SEEN = (
    f"#{{version}}|#{{cursor_flag}}|#{{window_id}}|#{{bracket_paste_flag}}|{KEYS}|#{{session_attached}}"
    "|#{session_created}|#{@xats_before}",
    *(TEXTS["wake"], "#{@xats_line}", TEXTS["command"], TEXTS["title"]),
)
_CLIENT = "#{client_control_mode}|#{client_activity}|#{window_id}|#{pane_id}|#{client_flags}"
_ANY = "any pane of "  # a window: the client has its own active pane there, which tmux does not show
_END = f"xats-{os.urandom(8).hex()}"  # the line after each pane; no screen and no title has it
MOST = 20  # panes in one invocation: tmux takes 16 KiB

_ESCAPES = re.compile(r"\x1b\[[0-9;:]*m|\x1b\]8;.*?\x1b\\")  # colours, and the hyperlinks of tmux >= 3.4
_LINE_DRAWING = re.compile(r"\x0e([^\x0f]*)\x0f?")
_DRAWN = str.maketrans("jklmnqtuvwx", "┘┐┌└┼─├┤┴┬│")


@record
class Look:
    """One moment of a pane. `state` is what tmux expands STATE to; `screen` has `height` rows with their colours.

    `wake`, `line`, `command` and `title` are as tmux prints them: 3.4 and 3.5 escape some characters. `version` is the
    server's. `cursor` says whether the terminal's cursor is shown, `bracketed` whether the program has asked for pastes
    in brackets; that is None where tmux (before 3.7) cannot tell. `key_at` is when a person last pressed a key in a
    tmux client whose keys go to this pane, in whole seconds since 1970; 0 if there is none. A client that has detached
    counts while no other one is attached. `keys` is what tmux expands KEYS to. `line` is what xats pasted last, and
    `before` the mark of what stood before it (`mark_before`).
    """

    state: str
    server_pid: int
    server_start: int
    pane_id: str
    pane_pid: int
    dead: bool
    in_mode: bool
    input_off: bool
    synchronized: bool
    alternate_on: bool
    cursor_x: int
    cursor_y: int
    width: int
    height: int
    wake: str
    command: str
    line: str
    title: str
    screen: str
    cursor: bool = True
    key_at: int = 0
    keys: str = ""
    before: str = ""
    tty: str = ""
    version: str = ""
    bracketed: bool | None = None

    def plain(self) -> str:
        """Return the screen as text."""
        return plain(self.screen)

    def rows(self) -> list[str]:
        """Return the rows of the screen as text."""
        return self.plain().split("\n")


def look(pane: Pane, timeout: float = TIMEOUT) -> Look:
    """Look at `pane` once, in one tmux invocation, within `timeout` seconds.

    Whether it is still the same pane is for the caller to compare. Raises NoPane, TmuxGone, TmuxUnavailable.
    """
    found = read([pane], run(pane, *commands([pane]), timeout=timeout))[pane.pane_id]
    if found is None:
        raise NoPane(f"can't find pane: {pane.pane_id}")
    return found


def tail(pane: Pane, most: int, timeout: float = TIMEOUT) -> list[str]:
    """Return the last `most` lines of `pane` as text: those of its screen, and before them those that have left it.

    Empty lines at the end do not count. Raises like `look`.
    """
    said = run(pane, "capture-pane", "-p", "-e", "-t", pane.pane_id, "-S", f"-{most}", timeout=timeout)
    return trimmed(plain(said).split("\n"))[-most:]


def trimmed(rows: Sequence[str]) -> list[str]:
    """Return `rows` without spaces at their ends and without empty rows at the end."""
    found = [row.rstrip(" ") for row in rows]
    while found and not found[-1]:
        found.pop()
    return found


def unchanged(look: Look) -> str:
    """Return the tmux condition that the pane is as in `look`, except for its screen, and that no key was pressed."""
    texts = (like(form, getattr(look, name)) for name, form in TEXTS.items())
    return all_of(same(f"{KEYS}|{STATE}", f"{look.keys}|{look.state}"), *texts)


def commands(panes: Sequence[Pane]) -> list[str]:
    """Return the tmux commands of one invocation that look at `panes` of one server, at most MOST."""
    words: list[str] = []
    for pane in panes:
        target = quote(pane.pane_id)
        # One display-message for each free text: each prints one line whatever stands in it.
        say = [f"display-message -p -t {target} {quote(form)}" for form in (STATE, *_SEEN)]
        act = " ; ".join((*say, f"capture-pane -p -e -t {target}"))
        # A pane that is gone must not end the whole invocation.
        if is_pane_id(pane.pane_id):  # a row of the store may hold any text
            words += ["if-shell", "-F", "-t", pane.pane_id, same("#{pane_id}", pane.pane_id), act, ";"]
        words += ["display-message", "-p", _END, ";"]
    return [*words, "list-clients", "-F", _CLIENT]


def read(panes: Sequence[Pane], said: str) -> dict[str, Look | None]:
    """Return by pane id the looks in what tmux `said` to the commands for `panes`; None for a missing pane.

    Raises TmuxUnavailable for any other text.
    """
    *blocks, clients = said.split(f"{_END}\n")
    if len(blocks) != len(panes):
        raise TmuxUnavailable(f"tmux answered for {len(blocks)} of {len(panes)} panes")
    keys: dict[str, int] = {}
    for line in clients.split("\n"):
        control, activity, window, shown, flags = (line.split("|") + [""] * 5)[:5]
        places = (window, shown, _ANY + window if "active-pane" in flags else shown)
        for one in places if control == "0" and is_number(activity) else ():
            keys[one] = max(keys.get(one, 0), int(activity))
    return {
        pane.pane_id: _look(pane, block, keys) if block else None for pane, block in zip(panes, blocks, strict=True)
    }


def _look(pane: Pane, block: str, keys: dict[str, int]) -> Look:
    """Return the look at `pane` in the text `block`: STATE, _SEEN, the title and the screen.

    `keys` says when the last key came from a client that shows a window, a pane, or any pane of a window. Raises
    TmuxUnavailable.
    """
    lines = block.removesuffix("\n").split("\n")
    fields, seen = lines[0].split("|"), lines[1].split("|", 7) if len(lines) > 1 else []
    if len(fields) != 14 or len(seen) != 8 or fields[2] != pane.pane_id:
        raise TmuxUnavailable(f"xats does not understand what tmux says of pane {pane.pane_id}: {block[:80]!r}")
    server_pid, server_start, cursor_x, cursor_y, width, height = (
        number(fields[at], f"{what} of pane {pane.pane_id}")
        for at, what in (
            (0, "server"),
            (1, "server's start"),
            (10, "column"),
            (11, "row"),
            (12, "width"),
            (13, "height"),
        )
    )
    dead, in_mode, input_off, synchronized, alternate_on = (field not in ("", "0") for field in fields[5:10])
    texts, rows = lines[2 : len(lines) - height], lines[len(lines) - height :]
    if not height or len(texts) < 4 or len(rows) != height:
        raise TmuxUnavailable(f"tmux printed {len(lines)} lines for the {height} rows of pane {pane.pane_id}")
    version, cursor, window, bracketed, typed, attached, created, before = seen
    wake, line, command, *title = texts
    left_at = _seconds(typed.rpartition(".")[2]) if attached == "0" else 0
    return Look(
        state=lines[0],
        server_pid=server_pid,
        server_start=server_start,
        pane_id=pane.pane_id,
        # A development release (3.8) leaves this empty once the program has ended.
        pane_pid=0 if dead and not fields[3] else number(fields[3], f"process of pane {pane.pane_id}"),
        tty=fields[4],
        dead=dead,
        in_mode=in_mode,
        input_off=input_off,
        synchronized=synchronized,
        alternate_on=alternate_on,
        cursor_x=cursor_x,
        cursor_y=cursor_y,
        width=width,
        height=height,
        wake=wake,
        command=command,
        line=line,
        title=" ".join(title),  # select-pane -T can set one of several lines
        screen="\n".join(rows),
        cursor=cursor != "0",
        # All synchronized panes of a window get its keys.
        bracketed={"0": False, "1": True}.get(bracketed),
        key_at=max(
            keys.get(window if synchronized else pane.pane_id, 0),
            keys.get(_ANY + window, 0),
            left_at if left_at != _seconds(created) else 0,  # a new session begins with the time of its creation
        ),
        keys=typed,
        before=before,
        version=version,
    )


def _seconds(text: str) -> int:
    return int(text) if text.isdigit() else 0


def plain(text: str) -> str:
    """Return captured `text` without colours and links, and with line drawing as Unicode characters."""
    text = _ESCAPES.sub("", text)
    return _LINE_DRAWING.sub(lambda drawn: drawn[1].translate(_DRAWN), text) if "\x0e" in text else text
