"""What a pane shows: one look takes its state and its screen in one moment, and `holds` says what stands at the cursor.

tmux is single-threaded: commands of one invocation run with nothing between them.
"""

from __future__ import annotations

import re  # costs nothing more: subprocess has imported it already
import unicodedata

from xats.errors import NoPane
from xats.record import record
from xats.tmux.server import TIMEOUT, run

TYPE_CHECKING = False
if TYPE_CHECKING:
    from xats.pane import Pane

# All that must still be so when a key is sent. Free text stands last, where separators in it do no harm.
STATE = (
    "#{pid}|#{start_time}|#{pane_id}|#{pane_pid}"
    "|#{pane_dead}|#{pane_in_mode}|#{pane_input_off}|#{pane_synchronized}|#{alternate_on}"
    "|#{cursor_x}|#{cursor_y}|#{pane_width}|#{pane_height}|#{@xats_wake}|#{pane_current_command}"
)

_ESCAPES = re.compile(r"\x1b\[[0-9;:]*m|\x1b\]8;.*?\x1b\\")  # colours, and the hyperlinks of tmux >= 3.4
_LINE_DRAWING = re.compile(r"\x0e([^\x0f]*)\x0f?")
_DRAWN = str.maketrans("jklmnqtuvwx", "┘┐┌└┼─├┤┴┬│")
_FRAME = re.compile(r"[\s\u2500-\u259f]+")  # space, boxes and bars: what an application draws around a composer


@record
class Look:
    """One moment of a pane. `state` is what tmux expands STATE to; `screen` has `height` rows with their colours."""

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
    say = ("display-message", "-p", "-t", pane.pane_id)
    capture = ("capture-pane", "-p", "-e", "-t", pane.pane_id)
    # One display-message for each free text: each prints one line whatever stands in it.
    commands = (*say, STATE, ";", *say, "#{@xats_line}", ";", *say, "#{pane_title}", ";", *capture)
    lines = run(pane.socket, *commands, timeout=timeout).split("\n")
    fields = lines[0].split("|", 14)
    if len(fields) != 15 or fields[2] != pane.pane_id:
        raise NoPane(f"can't find pane: {pane.pane_id}")
    server_pid, server_start, _, pane_pid = fields[:4]
    dead, in_mode, input_off, synchronized, alternate_on = (field not in ("", "0") for field in fields[4:9])
    cursor_x, cursor_y, width, height = (int(field or 0) for field in fields[9:13])
    return Look(
        state=lines[0],
        server_pid=int(server_pid),
        server_start=int(server_start),
        pane_id=pane.pane_id,
        pane_pid=int(pane_pid or 0),
        dead=dead,
        in_mode=in_mode,
        input_off=input_off,
        synchronized=synchronized,
        alternate_on=alternate_on,
        cursor_x=cursor_x,
        cursor_y=cursor_y,
        width=width,
        height=height,
        wake=fields[13],
        command=fields[14],
        line=lines[1],
        title=lines[2],
        screen="\n".join(lines[:-1][-height:]),
    )


def plain(text: str) -> str:
    """Return captured `text` without colours and links, and with line drawing as the characters that it shows."""
    text = _ESCAPES.sub("", text)
    return _LINE_DRAWING.sub(lambda drawn: drawn[1].translate(_DRAWN), text) if "\x0e" in text else text


def composer_line(look: Look) -> str:
    """Return the text of the cursor's row up to the cursor, without the space around it."""
    return _at_cursor(look)[0].strip()


def holds(look: Look, line: str) -> bool:
    """Say whether the text that ends at the cursor is exactly `line`, after a prompt or whatever stood there before.

    In a narrow pane it may be wrapped over several rows, by the terminal or by the application: white space and frames
    do not count. After the cursor there may be nothing but a frame.
    """
    before, after = _at_cursor(look)
    if _bare(after):
        return False
    wanted, seen = _bare(line), _bare(before)
    above = look.rows()[: look.cursor_y]
    if not seen and not (look.cursor_x == 0 and above and _cells(above[-1]) >= look.width):
        return False  # an empty row is a part of ours only where a full row has just pushed the cursor onto it
    return _ends(above, seen, wanted)


def broken(look: Look, line: str) -> bool:
    """Say whether Enter became a new line in the composer: ours above, the cursor indented in an empty row."""
    before, after = _at_cursor(look)
    if look.cursor_x == 0 or _bare(before) or _bare(after):
        return False
    return _ends(look.rows()[: look.cursor_y], "", _bare(line))


def _ends(above: list[str], seen: str, wanted: str) -> bool:
    """Say whether the rows `above`, with `seen` after them, end with `wanted`; a wrapped line has no empty row."""
    while len(seen) < len(wanted) and wanted.endswith(seen) and above:
        row = _bare(above.pop())
        if not row:
            return False
        seen = row + seen
    return bool(wanted) and seen.endswith(wanted)


def _at_cursor(look: Look) -> tuple[str, str]:
    """Return what stands before and after the cursor in its row."""
    rows = look.rows()
    row = rows[look.cursor_y] if look.cursor_y < len(rows) else ""
    cells = 0
    for index, char in enumerate(row):
        if cells >= look.cursor_x and _cells(char):
            return row[:index], row[index:]
        cells += _cells(char)
    return row, ""


def _bare(text: str) -> str:
    return _FRAME.sub("", text)


def _cells(text: str) -> int:
    """Return how many cells of the screen `text` takes (Unicode TR 11; combining and format characters take none)."""
    if text.isascii():
        return len(text)
    wide = sum(unicodedata.east_asian_width(char) in "WF" for char in text)
    return len(text) + wide - sum(unicodedata.category(char) in ("Mn", "Me", "Cf") for char in text)
