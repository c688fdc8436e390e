"""Write a body in an editor: the program that VISUAL or EDITOR names, for a person at a terminal."""

from __future__ import annotations

import os
from contextlib import suppress

from xats.base.errors import Cancelled, EditorFailed, InvalidBody
from xats.base.record import replace
from xats.cli.kit import reading, render
from xats.core.address import parse_list
from xats.core.mail import sending
from xats.core.mail.messages import visible
from xats.core.mail.recipients import resolve
from xats.identity.resolve import FirstUse

TYPE_CHECKING = False
if TYPE_CHECKING:
    from xats.cli.kit.context import Context
    from xats.core.agents.agents import Agent
    from xats.core.mail.sending import Draft
    from xats.store import Tx

LEFT = "Nothing was sent."
SHELL = "=$`~*?[{(<>|&;"  # with one of these in it, only a shell knows which program a word means
CUT = "# ------------------------ >8 ------------------------"  # as in `git commit --cleanup=scissors`
# A body may begin lines with #, as Markdown does. So the hints stand below a line, and no other text does: an editor
# may take settings from the first and the last lines of a file.
HINTS = f"""
{CUT}
# Write the text above this line. xats ignores this line and everything below it.
# Save and leave the editor to send the text {{whom}}.
# An empty text cancels, and then nothing is sent.
"""


def written(here: Context, whom: str, options: Draft, answers: int | None, what: str) -> Written:
    """Return the body that a person is to write, for the draft `options`, whose own body is empty.

    `whom` says in words what becomes of the text, `answers` is the message that it answers, and errors call the body
    `what`. Raises InvalidBody if no person is at the terminal or no editor is set, EditorFailed if there is no such
    editor, and what sending would raise for the other options.
    """
    hint = "give it in single quotes, or - to read it from standard input"
    variable = "VISUAL" if here.environ.get("VISUAL") else "EDITOR"
    editor = here.environ.get(variable, "")
    at_terminal = not here.json and all(map(os.isatty, (0, 1, 2))) and here.person() is not None
    if not editor or not at_terminal:
        msg = f"The {what} is missing. {LEFT}"
        raise InvalidBody(msg, f"{hint}; with EDITOR set, xats opens that editor" if at_terminal else hint)
    _find(editor, variable)
    sending.check_draft(replace(options, body="text"))
    with suppress(FirstUse):
        here.read(lambda tx, me: _check(tx, me.agent, options, answers), register=False)
    return Written(editor, whom, variable)


def _find(editor: str, variable: str) -> None:
    """Raise EditorFailed if the command line `editor` of `variable` begins with a program that does not exist."""
    import shlex
    import shutil

    try:
        program = next(iter(shlex.split(editor)), "")
    except ValueError:  # a shell says what is wrong with it
        return
    if not program or any(one in SHELL for one in program) or shutil.which(program):
        return
    place = "that can be run" if "/" in program else "in PATH"
    msg = f"There is no program {render.one_line(program)} {place}, which {variable} names as the editor. {LEFT}"
    raise EditorFailed(msg, f"name another one, as in: export {variable}=vi; or give the text in single quotes")


def _check(tx: Tx, me: Agent, options: Draft, answers: int | None) -> None:
    """Raise what sending would raise because the message or the recipients are unknown."""
    if answers is not None:
        visible(tx, me, answers)
    elif options.dedupe_key is None and not options.address.startswith("pool:"):
        resolve(tx, me, parse_list(options.address), hold=options.hold)


class Written:
    """A body that a person writes in an editor. Until it is sent, its file stays."""

    def __init__(self, editor: str, whom: str, variable: str) -> None:
        self._editor, self._whom, self._variable = editor, whom, variable
        self._path = ""
        self.text = ""

    def __enter__(self) -> Written:
        """Run the editor and read the text.

        Raises Cancelled if the text is empty, EditorFailed if the editor fails, InvalidBody if the text is not UTF-8 or
        too long.
        """
        import tempfile

        number, self._path = tempfile.mkstemp(prefix="xats-", suffix=".md")  # only its owner may read it
        with open(number, "w", encoding="utf-8") as file:
            file.write(HINTS.format(whom=self._whom))
        code = _run(self._editor, self._path)
        try:
            self.text = _above(reading.read(self._path, "text", InvalidBody, LEFT))
        except InvalidBody:
            self._say_where()
            raise
        if code:
            msg = f"The editor ended with exit code {code}: {self._editor} ({self._variable}). {LEFT}"
            if self.text:
                self._say_where()
            else:
                self.sent()
            raise EditorFailed(msg, f"set {self._variable} to another one, or give the text in single quotes")
        if not self.text:
            self.sent()
            msg = f"The text is empty, so the message is cancelled. {LEFT}"
            raise Cancelled(msg, "an editor with a window needs an option to wait, as in EDITOR='code --wait'")
        return self

    def __exit__(self, kind: object, problem: object, trace: object) -> None:
        """Say where the text is if it was not sent."""
        if self._path:
            self._say_where()

    def sent(self) -> None:
        """Remove the file: the text is not needed any more."""
        os.unlink(self._path)
        self._path = ""

    def _say_where(self) -> None:
        with open(self._path, "rb+") as file:  # without the hints, so that it can be sent
            text = file.read().partition(CUT.encode())[0]
            file.truncate(len(text))
        render.say(f"  your text is in {self._path}; to send it, use --file {self._path}")


def _run(editor: str, path: str) -> int:
    """Run the command line `editor` for the file `path`, and return its exit code; 128 and more for a signal.

    Ctrl-C and Ctrl-backslash are the editor's, as long as it runs.
    """
    import signal
    import subprocess

    signals = (signal.SIGINT, signal.SIGQUIT)
    before = [signal.signal(one, lambda *_: None) for one in signals]
    try:
        code = subprocess.call(["/bin/sh", "-c", f'trap : INT QUIT; {editor} "$1"', "xats", path])
    finally:
        for one, handler in zip(signals, before, strict=True):
            signal.signal(one, handler)
    return code if code >= 0 else 128 - code


def _above(text: str) -> str:
    """Return the part of `text` above the line `CUT`, without empty lines around it; "" if it has only white space."""
    lines = text.splitlines()
    lines = lines[: lines.index(CUT)] if CUT in lines else lines
    while lines and not lines[0].strip():
        lines.pop(0)
    return "\n".join(lines).rstrip()
