"""Write a draft of a profile: a TOML file for an unknown program, filled in from its pane."""

from __future__ import annotations

import os
import re

from xats.base import process
from xats.base.jsontext import to_json
from xats.clients.processes import is_interpreter, script_of
from xats.clients.registry import BUILT_IN, folder
from xats.tmux.cells import rows

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from xats.base.process import Process
    from xats.tmux.screen import Look

PROMPT = re.compile(r"^[\s│┃|]*[❯›>➜→▶»](?=\s|$)\s?")  # a row of a composer, where the cursor is hidden
TEXT = """\
# A profile for the program in pane {pane}: xats client test {pane} --profile
# Write this into {path}
# Make it while the program waits with an empty composer. Then look again at each state, and change the fields:
#   xats client test {pane} --client {name}        (empty: idle; half a line: draft; at work: busy; asking: dialog)
#   xats register NAME --pane {pane} --client {name}

# The name of its process, and what an interpreter runs, without its suffix.
executables = {executables}
scripts = {scripts}

# What the first row of its composer begins with, indentation included.
# The cursor is in row {y}, column {x}: {row}
{glyphs}
# Instead of prompts: the character at the left of every row of its composer, and the columns between it and the text.
# frame = "┃"
# margin = 2

# Whether it shows the terminal's cursor, and that only where one may type. The cursor is {shown} now.
shows_cursor = {cursor}

# Parts of a row that say that it works, and that it asks something. Look at it in both states.
busy = []
dialog = []
# Shell patterns of the title while it works or asks. The title is {title} now.
busy_titles = []
dialog_titles = []
# Whether a dialog takes the place of its composer. If true, those parts may be quoted above a composer, which is idle.
modal = false

# Whether it takes a paste as text (bracketed paste), so that no letter of it is a command.{told}
bracketed_paste = {bracketed}
# Milliseconds from when a paste is shown until it takes Enter for Enter.
settle_ms = 120
"""


def skeleton(look: Look, front: Sequence[Process], environ: Mapping[str, str]) -> str:
    """Return the text of a profile for the program in the pane of `look`; `front` are the processes in front there."""
    executables, scripts = _program(front)
    name = next(iter([*scripts, *executables]), "my-agent")
    name = re.sub(r"[^a-z0-9-]+", "-", name.lower()).strip("-") or "my-agent"
    if name in BUILT_IN:
        name = f"my-{name}"
    screen = rows(look.screen)
    row = screen[look.cursor_y].text if look.cursor_y < len(screen) else ""
    glyph = row.ljust(look.cursor_x)[: look.cursor_x]
    if not look.cursor or not glyph.strip() or any(map(str.isalnum, glyph)):
        glyph = next((found[0] for one in reversed(screen) if (found := PROMPT.match(one.text))), "")
    told = {True: " tmux says that it does.", False: " tmux says that it does not."}
    unknown = " tmux before 3.7 does not show it."
    return TEXT.format(
        pane=look.pane_id,
        path=os.path.join(folder(environ) or "XATS_CLIENTS", f"{name}.toml"),
        name=name,
        executables=to_json(executables),
        scripts=to_json(scripts),
        y=look.cursor_y + 1,
        x=look.cursor_x + 1,
        row=quoted(row[:60]),
        glyphs=f"prompts = {to_json([glyph])}" if glyph else '# prompts = ["> "]',
        shown="shown" if look.cursor else "hidden",
        cursor=str(look.cursor).lower(),
        title=quoted(look.title.strip()[:60]),
        told=unknown if look.bracketed is None else told[look.bracketed],
        bracketed=str(bool(look.bracketed)).lower(),
    )


def quoted(text: str) -> str:
    """Return `text` in quotes, without control characters, on one line."""
    return to_json("".join(char if char.isprintable() else " " for char in text))


def _program(front: Sequence[Process]) -> tuple[list[str], list[str]]:
    """Return the names of the foreground program: of its process, or of the script of an interpreter."""
    for one in front:
        if process.is_shell(one.name):
            continue
        words = process.argv(one.pid)
        if is_interpreter(words) and (script := script_of(words)):
            return [], [re.sub(r"\.(js|mjs|py)$", "", os.path.basename(script))]
        return [one.name], []
    return [], []
