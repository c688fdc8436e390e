"""Draw the pictures of the README from a real run.

python tools/pictures.py            write them to docs/pictures, as `make pictures` does
python tools/pictures.py FOLDER     write them to FOLDER
python tools/pictures.py xats WORDS run xats with the clock of the pictures; the panes find it as `xats` in PATH

Real commands and a real daemon work in a private tmux server, where the players of the tests stand for agent programs.
The clock of every xats command is fixed: it says what the file named by `XATS_PICTURE_CLOCK` says. Ids, names and sizes
are fixed too, so that two runs draw the same.
"""

from __future__ import annotations

import io
import os
import random
import re
import shlex
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CLOCK = "XATS_PICTURE_CLOCK"
MORNING = 1_772_442_000_000  # 2026-03-02 09:00:00 UTC, in ms
STARTED = MORNING / 1000 - 2 * 3600  # when the daemon of the picture began, in seconds
FOREIGN = ("XATS_", "TMUX", "CLAUDE", "CODEX", "GEMINI", "QWEN", "OPENCODE", "PYTHON", "XDG_", "GIT_")
FONTS = "ui-monospace, SFMono-Regular, Menlo, Consolas, 'Liberation Mono', monospace"
PATIENCE = 60.0  # seconds until a state must be reached
SHELL = "exec env PS1='$ ' HISTFILE= PROMPT_COMMAND='echo >> ~/prompts' bash --norc --noprofile"

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rich.console import RenderableType

    from tests.support.stagehand import Role
    from xats.tmux.pane import Pane


def xats(words: list[str]) -> int:
    """Run `xats words` with the clock of the picture; return the exit code."""
    file = Path(os.environ[CLOCK])
    time.time_ns = lambda: int(file.read_text()) * 1_000_000
    random.random = lambda: 0.5  # the jitter of the waits
    from xats.base import uptime

    uptime.read = lambda: None  # else xats sees that the clock does not agree with the time since the boot
    if words[:1] == ["top"]:
        import psutil

        psutil.Process.create_time = lambda _: STARTED  # type: ignore[method-assign]
    from xats.__main__ import main as run

    sys.argv = ["xats", *words]
    return run()


# -- the stage ---------------------------------------------------------------------------------------------------------


class Stage:
    """A home with a store, a daemon, a private tmux server, and people and agents in its panes."""

    def __init__(self, folder: str) -> None:
        from tests.delivery.conftest import Desk

        self.clock = Path(folder, "clock")
        home, program = Path(folder, "home"), Path(folder, "bin", "xats")
        self.shop = home / "shop"
        self.shop.mkdir(parents=True)
        program.parent.mkdir()
        program.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -P -E {__file__} xats "$@"\n')
        program.chmod(0o700)
        kept = {name: value for name, value in os.environ.items() if not name.startswith(FOREIGN)}
        self.environ = {
            **kept,
            "HOME": str(home),
            "PATH": f"{program.parent}:{os.environ.get('PATH', os.defpath)}",
            "USER": "kim",
            "LOGNAME": "kim",
            "SHELL": "/bin/sh",
            "TERM": "xterm-256color",
            "TZ": "UTC",
            "XATS_AUTOSTART": "0",
            "XATS_QUIET_MS": "400",
            CLOCK: str(self.clock),
        }
        os.environ.clear()
        os.environ.update(self.environ)  # the tmux server and the players take theirs from here
        os.chdir(self.shop)
        self.at(0)
        self.desk = Desk(folder)
        self.daemon: subprocess.Popen[bytes] | None = None

    def at(self, seconds: float) -> None:
        """Set the clock to so many seconds after the morning."""
        draft = self.clock.with_suffix(".new")
        draft.write_text(str(MORNING + int(seconds * 1000)))
        draft.replace(self.clock)

    def start_daemon(self) -> None:
        """Start the daemon, as `xats send` does."""
        self.daemon = subprocess.Popen(
            ["xats", "daemon", "run"], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )

    def run(self, *words: str, pane: Pane | None = None) -> str:
        """Run `xats words`, in `pane` if one is given; return what it prints."""
        where = {"TMUX": f"{self.desk.socket},{self.desk.pid},0", "TMUX_PANE": pane.pane_id if pane else "%0"}
        done = subprocess.run(
            ["xats", *words],
            env={**self.environ, **where},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=PATIENCE,
        )
        if done.returncode:
            sys.exit(f"xats {shlex.join(words)} ended with {done.returncode}: {done.stderr}")
        return done.stdout

    def agent(self, name: str, look: str, role: str, width: int, height: int) -> Role:
        """Open a pane in which a player looks like an agent program, registered as `name`."""
        from tests.support.stagehand import play

        made = play(self.desk, look, width=width, height=height)
        client = ("--client", look, "--force-client")
        self.run("register", name, "--role", role, "--pane", made.pane.pane_id, *client)
        return made

    def person(self, width: int, height: int) -> Pane:
        """Open a shell in which kim has registered."""
        pane = self.desk.open(SHELL, width=width, height=height)
        self.until("a prompt", lambda: self.prompts() and self.desk.text(pane).rstrip() == "$")
        self.type(pane, "xats register kim")
        self.type(pane, "clear")
        return pane

    def type(self, pane: Pane, line: str) -> None:
        """Type `line` and Enter into a shell, and wait for its next prompt."""
        before = self.prompts()
        self.desk.cmd("send-keys", "-t", pane.pane_id, "-l", line)
        self.desk.cmd("send-keys", "-t", pane.pane_id, "Enter")
        self.until(f"the end of {line}", lambda: self.prompts() > before and self.at_prompt(pane))

    def prompts(self) -> int:
        """Return how often the shell of the person has shown its prompt."""
        file = Path(self.environ["HOME"], "prompts")
        return len(file.read_text()) if file.exists() else 0

    def at_prompt(self, pane: Pane) -> bool:
        """Tell whether the shell in `pane` shows an empty prompt."""
        return self.desk.text(pane).rstrip().split("\n")[-1].strip() == "$"

    def happened(self, kind: str) -> int:
        """Return how many events of a type there are."""
        return self.run("events", "--all-teams", "--jsonl", "--since", "0", "--type", kind).count("\n")

    def refused(self) -> int:
        """Return how many attempts at a wake were refused so far."""
        return self.happened("wake_queued") + self.happened("wake_retrying")

    def until(self, what: str, reached: Callable[[], object]) -> None:
        """Wait until `reached()` is true."""
        deadline = time.monotonic() + PATIENCE
        while not reached():
            if time.monotonic() > deadline:
                sys.exit(f"waited {PATIENCE:.0f} s for {what}")
            time.sleep(0.05)

    def close(self) -> None:
        """End the daemon, the tmux server and all that runs in it."""
        if self.daemon:
            self.daemon.terminate()
            self.daemon.wait()
        self.desk.cmd("kill-server")


@contextmanager
def stage() -> Iterator[Stage]:
    """Yield a stage in a folder of its own; nothing is left of it."""
    # A socket's path has 104 bytes at most. A process that is just ending may still write into the folder.
    with tempfile.TemporaryDirectory(prefix="xp", dir="/tmp", ignore_cleanup_errors=True) as folder:
        made = Stage(folder)
        try:
            yield made
        finally:
            made.close()
            os.chdir(ROOT)


# -- the pictures ------------------------------------------------------------------------------------------------------


def top() -> str:
    """Return the picture of `xats top` in a team of five."""
    width, height = 112, 30
    with stage() as now:
        now.agent("ann", "claude-code", "lead", 80, 24)
        ben = now.agent("ben", "codex", "dev", 80, 24)
        cho = now.agent("cho", "gemini", "dev", 80, 24)
        eve = now.agent("eve", "opencode", "qa", 80, 24)
        kim = now.person(width, height)
        ben.do("draft Use the new grammar, but fi")
        cho.do("dialog")
        now.start_daemon()

        now.at(60)
        now.run("task", "add", "Write the parser", "--to", "ben", "--as", "ann")
        now.until("ben is not woken", lambda: now.refused() == 1)
        now.at(75)
        now.run("task", "claim", "1", "--as", "ben")
        now.at(140)
        test = now.run("send", "eve", "Please test branch lexer.", "-s", "Lexer", "--as", "ann", "-q").strip()
        now.until("eve is woken", lambda: now.happened("wake_delivered") == 1)
        now.at(152)
        now.run("inbox", pane=eve.pane)
        now.run("reply", test, "42 tests pass, 1 fails: empty input.", "--as", "eve", "-q")
        now.until("ann is woken", lambda: now.happened("wake_delivered") > 1)
        now.at(170)
        now.run("send", "kim", "May I push branch lexer?", "-s", "Push", "--as", "ann")
        now.at(178)
        now.run("send", "ben", "The grammar has changed.", "-s", "Grammar", "--as", "ann")
        now.until("ben is not woken", lambda: now.refused() > 1)
        now.at(187)
        now.run("send", "cho", "Which encoding has the manual?", "-s", "Manual", "--as", "eve")
        now.until("cho is not woken", lambda: now.refused() > 2)
        now.at(193)
        now.desk.cmd("send-keys", "-t", kim.pane_id, "xats top", "Enter")
        now.until("the screen", lambda: "what happened" in now.desk.text(kim))
        now.desk.cmd("send-keys", "-t", kim.pane_id, "j")
        now.until("ben is selected", lambda: "> ben" in now.desk.text(kim))
        screen = drawn(now, kim)
        now.desk.cmd("send-keys", "-t", kim.pane_id, "q")
        return svg("top", "xats top", width, screen)


def wake() -> str:
    """Return the picture of a wake that a draft delays, and that xats delivers after the draft was sent."""
    width, height = 56, 12
    with stage() as now:
        bob = now.agent("bob", "claude-code", "reviewer", width, height)
        kim = now.person(width, height)
        bob.do("draft rename parse() to read() and f")
        now.start_daemon()

        now.at(60)
        now.type(kim, "xats send bob 'Can you review branch parser?'")
        now.until("bob is not woken", now.refused)
        now.at(63)
        now.type(kim, "xats status")
        held = side_by_side(now, "kim writes to bob", kim, "bob has a draft: xats types nothing", bob)

        bob.do("draft ix the tests")
        bob.keys("Enter")
        now.until("the draft is sent", lambda: len(bob.sent) == 1)
        now.at(80)
        now.until("bob is woken", lambda: now.happened("wake_delivered"))
        now.at(95)
        now.run("reply", "1", "Reviewed: one typo in line 40.", "-q", pane=bob.pane)
        now.type(kim, "clear")
        now.at(99)
        now.type(kim, "xats status 1")
        now.type(kim, "xats inbox")
        done = side_by_side(now, "a little later", kim, "the draft is sent: xats types its line", bob)
        from rich.console import Group

        return svg("wake", "a draft delays a wake, and then xats delivers it", 2 * (width + 4), Group(held, "", done))


def side_by_side(now: Stage, left: str, kim: Pane, right: str, bob: Role) -> RenderableType:
    """Return two panes in frames, each with its title."""
    from rich.panel import Panel
    from rich.table import Table

    grid = Table.grid()
    grid.add_row(
        Panel(drawn(now, kim), title=f"[bold not dim]{left}[/]", title_align="left", border_style="dim"),
        Panel(drawn(now, bob.pane), title=f"[bold not dim]{right}[/]", title_align="left", border_style="dim"),
    )
    return grid


def drawn(now: Stage, pane: Pane) -> RenderableType:
    """Return what `pane` shows, with its colours, in its whole size."""
    from rich.text import Text

    height, width = map(int, now.desk.show(pane, "#{pane_height} #{pane_width}").split())
    lines = now.desk.cmd("capture-pane", "-e", "-p", "-N", "-t", pane.pane_id).split("\n")
    rows = [Text.from_ansi(fixed(line), no_wrap=True) for line in [*lines, *[""] * height][:height]]
    for row in rows:
        row.truncate(width)
        row.pad_right(width - row.cell_len)
    return Text("\n").join(rows)


def fixed(line: str) -> str:
    """Return a captured line without what differs from run to run, and without a sign that many fonts lack."""
    return re.sub(r"pid \d+ *", lambda found: "pid 4711".ljust(len(found[0])), line).replace("⏸", "·")


def svg(name: str, title: str, width: int, content: RenderableType) -> str:
    """Return `content`, so many cells wide, as an SVG that needs no font from elsewhere."""
    from rich._export_format import CONSOLE_SVG_FORMAT
    from rich.console import Console

    console = Console(
        record=True, width=width, file=io.StringIO(), force_terminal=True, color_system="truecolor", highlight=False
    )
    console.print(content)
    form = re.sub(r"@font-face \{\{.*?\n    \}\}\n", "", CONSOLE_SVG_FORMAT, flags=re.DOTALL)
    form = form.replace("Fira Code, monospace", FONTS).replace("arial", "Arial, Helvetica, sans-serif")
    drawing = without_margins(console.export_svg(title=title, code_format=form, unique_id=name))
    return "\n".join(line.rstrip() for line in drawing.split("\n") if line.strip()) + "\n"


def without_margins(drawing: str) -> str:
    """Return `drawing` with each text from its first to its last visible character.

    librsvg drops spaces at both ends of a text, no-break ones too, and so draws the rest in a wrong place.
    """
    cell = 12.2  # the width of a character in rich's drawings

    def placed(found: re.Match[str]) -> str:
        start, x, between, length, after, text = found.groups()
        shown = text.lstrip("\xa0")
        left, right = len(text) - len(shown), len(shown) - len(shown.rstrip("\xa0"))
        if not shown:
            return ""
        size = float(length) - cell * (left + right)
        return f"{start}{float(x) + cell * left:.10g}{between}{size:.10g}{after}{shown.rstrip(chr(0xA0))}</text>"

    form = r'(<text [^>]*x=")([\d.]+)(" [^>]*textLength=")([\d.]+)("[^>]*>)([^<]*)</text>'
    plain = drawing.replace("&#160;", "\xa0")
    return re.sub(form, placed, plain).replace("\xa0", "&#160;")


def main(words: list[str]) -> int:
    """Draw the pictures, or run xats with their clock."""
    if words[:1] == ["xats"]:
        return xats(words[1:])
    if len(words) > 1 or words[:1] in (["-h"], ["--help"]):
        print(__doc__, file=sys.stderr)
        return 2
    sys.path.insert(0, str(ROOT))
    folder = Path(words[0] if words else ROOT / "docs" / "pictures").absolute()
    folder.mkdir(exist_ok=True)
    for make in (top, wake):
        file = folder / f"{make.__name__}.svg"
        file.write_text(make())
        print(file)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
