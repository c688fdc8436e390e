"""A composer that plays the agent programs: their looks, their manners, and whatever may happen to them meanwhile.

It is told what to do by lines written to the FIFO beside its log (LOG.in), and answers each with {"did": line} in its
log once tmux has drawn the change: `dialog`, `close`, `busy`, `idle`, `draft TEXT`, `erase TEXT`, `clear`, `noise`,
`quiet`, `title TEXT`, `hold` (read nothing), `go`, `calm` (no more chances), `exit`, `run COMMAND` (a child has the
terminal until it ends, or until `stop`), `serve COMMAND` (the same in a terminal of its own, which is not shown),
`become COMMAND` (exec). `--on-paste LINE` does the same
when a paste arrives, before it is taken; `--on-pasted LINE` after it.

Its log has further {"approve": n} for every dialog that was answered with yes, and {"got": text} for all that was
typed or pasted; every entry has the time as `at` (ns, monotonic).
"""

# ruff: noqa: RUF001 - the glyphs of their prompts
import codecs
import os
import re
import select
import signal
import sys
import termios
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import composer  # what only some players need is imported late: a test starts several

parser = composer.parser
parser.add_argument("--look", default="readline", choices=("readline", "claude-code", "codex", "gemini", "opencode"))
parser.add_argument("--draft", default="", help="what a person has half written")
parser.add_argument("--busy", type=float, default=0, help="seconds of work before anything else")
parser.add_argument("--turn", type=float, default=0, help="seconds of work after a submission")
parser.add_argument("--dialog", action="store_true", help="begin with a dialog")
parser.add_argument(
    "--menu", action="store_true", help="an unknown program's dialog: a list, with no words at its cursor"
)
parser.add_argument("--deaf", type=float, default=0, help="ms after a paste in which an Enter is swallowed")
parser.add_argument("--brittle", type=float, default=0, help="ms after a paste in which an Enter becomes a new line")
parser.add_argument("--collapse", type=int, default=500, help="show longer pastes, or those of many lines, as a marker")
parser.add_argument("--sip", type=float, default=0, help="ms between two bytes that it reads; it draws when it has all")
parser.add_argument("--kitty", action="store_true", help="ask for the keyboard protocol in which Enter may be CSI 13 u")
parser.add_argument("--on-paste", default="")
parser.add_argument("--on-pasted", default="")
parser.add_argument("--on-wake", default="", help="a shell command for every submission")
parser.add_argument("--chance", type=int, default=0, help="a seed: live through dialogs, drafts and work of one's own")

END = "\x1b[201~"
CSI = re.compile(r"\x1b\[([0-?]*)[ -/]*([@-~])")
SPIN = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"
LIFE = (("dialog", "close"), ("draft half a li", "erase half a li"), ("noise", "quiet"), ("busy", "idle"))
GREY, FAINT, BOLD, BRIGHT = "38;5;246", "2", "1", "38;5;231"


def wrap(text, width):
    """Return `text` in rows as an agent program wraps it: at words, and inside those that are too long."""
    rows = []
    for line in text.split("\n"):
        row = ""
        for word in re.split(r"(?<= )", line):
            if row.strip() and len(row) + len(word.rstrip()) > width:
                rows.append(row.rstrip())
                row = ""
            row += word
            while len(row.rstrip()) > width:
                rows.append(row[:width])
                row = row[width:]
        rows.append(row[:width])
    return rows


class Scene:
    """The rows that are drawn, each a list of (SGR, text), and where the cursor stands."""

    def __init__(self, width):
        self.width = width
        self.rows = []
        self.cursor = None
        self.shown = True

    def row(self, *parts):
        self.rows.append([part if isinstance(part, tuple) else ("", part) for part in parts])

    def here(self, x, back=0):
        """Put the cursor into the row added last, or `back` rows above it."""
        self.cursor = (x, len(self.rows) - 1 - back)

    def compose(self, lead, text, placeholder, *, style="", indent=None, left=(), faint=FAINT, block=False):
        """Add the rows of a composer that begins with `lead`, the cursor after its text."""
        indent = len(lead) if indent is None else indent
        before = sum(len(text) for _, text in left)
        room = self.width - before - max(len(lead), indent) - 2
        rows = wrap(text, room)
        for index, part in enumerate(rows):
            head = (BOLD, lead) if index == 0 else ("", " " * indent)
            cell = [("7", " ")] if block and index == len(rows) - 1 else []
            hint = [(faint, placeholder)] if not text else []
            self.row(*left, head, (style, part), *cell, *hint)
        self.here(before + (len(lead) if len(rows) == 1 else indent) + len(rows[-1]))

    def paint(self, height):
        """Return what draws the last `height` rows."""
        top = max(0, len(self.rows) - height)
        out = "\x1b[?25l\x1b[H\x1b[2J\x1b[0m"
        for index, row in enumerate(self.rows[top:]):
            out += "\r\n" if index else ""
            left = self.width
            for style, text in row:
                out += f"\x1b[{style}m{text[:left]}\x1b[0m" if style else text[:left]
                left -= len(text[:left])
        x, y = self.cursor
        out += f"\x1b[{max(0, y - top) + 1};{min(x, self.width - 1) + 1}H"
        return out + ("\x1b[?25h" if self.shown else "")


class Player(composer.Composer):
    """One agent program on the stage."""

    def __init__(self, options):
        if options.look in ("codex", "opencode"):
            options.alternate = True
        super().__init__(options)
        self.text = options.draft
        self.dialog, self.busy_until, self.held, self.ended = options.dialog, 0.0, False, False
        self.approved, self.spun, self.pasted_at, self.paste, self.markers = 0, 0, 0.0, "", []
        self.asked, self.rest, self.title = [], "", ""
        self.fifo = self.errand = self.child = None
        self.chance = None
        if options.chance:
            import random

            self.chance = random.Random(options.chance)
        self.next_at, self.mending = 0.0, ""
        self.decoder = codecs.getincrementaldecoder("utf-8")("backslashreplace")
        if options.busy:
            self.busy_until = time.monotonic() + options.busy

    @property
    def busy(self):
        return time.monotonic() < self.busy_until

    def log(self, **entry):
        super().log(**entry, at=time.monotonic_ns())

    # -- its looks -----------------------------------------------------------------------------------------------------

    def shown_text(self):
        text = self.text
        for real, marker in self.markers:
            text = text.replace(real, marker, 1)
        return text

    def draw(self):
        if self.child:
            return
        width, height = os.get_terminal_size(1)
        scene = Scene(width)
        if self.clock:
            scene.row(f"tick {time.monotonic():.3f}")
        self.spun += 1
        getattr(self, self.options.look.replace("-", "_"))(scene, height)
        title = self.options.title or self.title
        os.write(1, (f"\x1b]2;{title}\x07" + scene.paint(height)).encode())

    def readline(self, scene, height):
        for line in self.sent[-2:]:
            for part in composer.fold(f"> {line}", scene.width - 1):
                scene.row(part)
        if self.dialog and self.options.menu:
            scene.row("Run the command?")
            scene.row("❯ 1. Yes")
            scene.here(0)
            scene.row("  2. No")
        elif self.dialog:
            scene.row("Run the command? [Y/n] ")
            scene.here(23)
        else:
            if self.busy:
                scene.row(f"{SPIN[self.spun % 10]} working")
            scene.compose("> ", self.shown_text(), "")

    def claude_code(self, scene, height):
        self.title, scene.shown = "✳ Claude Code", False
        rule = (GREY, "─" * scene.width)
        for line in self.sent[-2:]:
            scene.row(("48;5;237", "❯ "), (BRIGHT, line))
            scene.row()
            scene.row((BRIGHT, "●"), " Noted")
            scene.row()
        if self.dialog:
            scene.row(rule)
            scene.row(" ", (BOLD, "Bash command"))
            scene.row(" touch /etc/probe")
            scene.row(" Do you want to proceed?")
            scene.row(" ", ("38;5;153", "❯"), " ", (GREY, "1."), " ", ("38;5;153", "Yes"))
            scene.here(1)
            scene.row("   ", (GREY, "2."), " No")
            scene.row()
            scene.row(" ", (GREY, "Esc to cancel · Tab to amend"))
            return
        if self.busy:
            scene.row(("38;5;174", f"{'✶✢✽✻'[self.spun % 4]} Kneading… "), (GREY, f"(2s · ↓ {self.spun} tokens)"))
            scene.row()
        scene.row(rule)
        scene.compose("❯\xa0", self.shown_text(), "", block=True)
        scene.row(rule)
        scene.row((GREY, f"  ⏸ manual mode on · {'esc to interrupt' if self.busy else '? for shortcuts'}"))

    def codex(self, scene, height):
        for line in self.sent[-2:]:
            scene.row((BOLD + ";2", "› "), line)
            scene.row()
            scene.row((FAINT, "• "), "Noted")
            scene.row()
        if self.dialog:
            self.title, scene.shown = "[ ! ] Action Required | proj", False
            scene.row("  ", (BOLD, "Would you like to run the following command?"))
            scene.row()
            scene.row("  $ touch /etc/probe")
            scene.row()
            scene.row((BOLD + ";7", "› 1. Yes, proceed (y)"))
            scene.row("  2. No (esc)")
            scene.row()
            scene.row("  ", (FAINT, "Press "), (BOLD, "enter"), (FAINT, " to confirm or esc to cancel"))
            self.down(scene, height)
            scene.here(scene.width - 1)
            return
        self.title = f"{SPIN[self.spun % 10]} proj" if self.busy else "proj"
        if self.busy:
            scene.row((FAINT, "• "), "Working", (FAINT, " (2s • esc to interrupt)"))
            scene.row()
        scene.compose("› ", self.shown_text(), "Ask Codex to do anything")
        scene.row()
        scene.row("  ", ("38;5;223", "mock default"), " · ", ("38;5;151", "/tmp/proj"))
        self.down(scene, height)

    def gemini(self, scene, height):
        scene.shown = False
        for line in self.sent[-2:]:
            scene.row(("38;5;183", " > "), (BRIGHT, line))
            scene.row()
            scene.row(("38;5;183", "✦ "), "Noted")
            scene.row()
        if self.dialog:
            self.title, inner = "✋  Action Required (proj)", scene.width - 4
            frame = ("38;5;244", "│")
            scene.row(("38;5;244", f"╭{'─' * (inner + 2)}╮"))
            for text in ("Allow execution of [Shell]?", "", "● 1. Allow once", "  2. No, suggest changes (esc)"):
                scene.row(frame, f" {text[:inner]:{inner}} ", frame)
            scene.row(("38;5;244", f"╰{'─' * (inner + 2)}╯"))
            self.down(scene, height)
            scene.here(0)
            return
        self.title = "✦  Working… (proj)" if self.busy else "◇  Ready (proj)"
        if self.busy:
            scene.row(f" {SPIN[self.spun % 10]} ", (BRIGHT, "Thinking..."), ("38;5;248", " (esc to cancel, 2s)"))
        scene.row((f"{FAINT};38;5;244", "─" * scene.width))
        scene.row(("38;5;248", " Shift+Tab to accept edits"))
        scene.row(("48;5;240", " "))
        text = self.shown_text()
        scene.compose(
            " > ", text, "  Type your message or @path/to/file", style=BRIGHT, faint="38;5;248", block=bool(text)
        )
        scene.row(("48;5;240", " "))
        scene.row(("38;5;248", " sandbox   /model"))

    def opencode(self, scene, height):
        self.title, frame, inner = "OC | Mock title", ("38;5;75", "  ┃"), scene.width - 5
        for line in self.sent[-2:]:
            scene.row(frame, "  ", ("38;5;255", line))
            scene.row()
            scene.row("     Noted")
            scene.row()
        if self.dialog:
            scene.shown, frame = False, ("38;5;215", "  ┃")
            scene.row(frame, "  ", ("38;5;215", "△"), " ", ("38;5;255", "Permission required"))
            scene.row(frame, "    ← Access external directory /etc")
            scene.row(frame)
            scene.row(frame, "  ", ("48;5;215", " Allow once "), "  Allow always  Reject")
            scene.row(frame)
            self.down(scene, height)
            scene.here(scene.width - 2)
            return
        scene.row(frame, ("48;5;234", " " * inner))
        scene.compose("  ", self.shown_text(), 'Ask anything… "Fix"', style="38;5;255", left=[frame], faint="38;5;8")
        scene.row(frame, ("48;5;234", " " * inner))
        scene.row(frame, "  ", ("38;5;75", "Build"), " ", ("38;5;8", "·"), " Mock")
        scene.row(("38;5;75", "  ╹"), ("38;5;234", "▀" * inner))
        work = f"   {'■⬝⬝⬝' if self.spun % 2 else '⬝■⬝⬝'}  esc interrupt"
        scene.row((GREY, work if self.busy else "   tab agents  ctrl+p commands"))

    def down(self, scene, height):
        """Move everything to the lower edge of the pane."""
        empty = max(0, height - len(scene.rows))
        scene.rows[:0] = [[] for _ in range(empty)]
        if scene.cursor:
            scene.cursor = (scene.cursor[0], scene.cursor[1] + empty)

    # -- its manners ---------------------------------------------------------------------------------------------------

    def setup(self):
        return super().setup() + ("\x1b[>1u" if self.options.kitty else "")

    def enter(self):
        if self.dialog:
            self.approved += 1
            self.log(approve=self.approved)
            self.dialog = False
            return
        since = (time.monotonic() - self.pasted_at) * 1000
        if since < self.options.deaf:
            self.enters += 1
            self.log(enter=self.enters, deaf=True)
        elif since < self.options.brittle:
            self.enters += 1
            self.log(enter=self.enters, brittle=True)
            self.text += "\n"
        else:
            super().enter()

    def submit(self):
        text = self.text.strip("\n")  # as they all do
        if text:
            self.log(submit=text, framed=self.framed, busy=self.busy)
            self.sent.append(text)
            self.busy_until = max(self.busy_until, time.monotonic() + self.options.turn)
            if self.options.on_wake:
                self.run_errand()
        self.text, self.markers = "", []

    def run_errand(self):
        import subprocess

        # It outlives this pane: what it has begun to read, it reads to the end.
        words = ["sh", "-c", self.options.on_wake]
        self.errand = subprocess.Popen(words, stdin=subprocess.DEVNULL, start_new_session=True)
        self.busy_until = float("inf")

    def insert(self, char):
        if self.dialog:  # neither typed nor pasted text goes anywhere
            return
        if self.pasting:
            self.paste += char
            self.text += char
        elif char == "\x7f":
            self.text = self.text[:-1]
        elif char == "\n" or char.isprintable():
            self.text += char

    def paste_ended(self):
        lines = self.paste.count("\n")
        if self.paste and (len(self.paste) > self.options.collapse or lines > 4):
            self.markers.append((self.paste, f"[Pasted text #{len(self.markers) + 1} +{lines} lines]"))
        self.pasted_at, self.paste = time.monotonic(), ""
        self.do_now(self.options.on_pasted)

    def take(self, data):
        data, self.rest = self.rest + data, ""
        while data:
            if self.pasting:
                chunk, end, rest = data.partition(END)
                if not end:  # its beginning may have come already
                    kept = next((n for n in range(len(END) - 1, 0, -1) if chunk.endswith(END[:n])), 0)
                    chunk, self.rest = chunk[: len(chunk) - kept], chunk[len(chunk) - kept :]
                self.pasted(chunk, ended=bool(end))
                data = rest
            elif data[0] == "\x1b":
                key = CSI.match(data)
                if key is None and len(data) < 20 and data[:2] in ("\x1b", "\x1b["):
                    self.rest = data
                    return
                data = data[key.end() if key else 1 :]  # a bare Escape does nothing here
                if key:
                    self.key(*key.groups())
            else:
                self.log(got=data[0])
                if data[0] == "\r":
                    self.enter()
                else:
                    self.insert(data[0])
                data = data[1:]

    def pasted(self, chunk, *, ended):
        if chunk:
            self.log(got=chunk, pasted=True)
        for char in chunk:
            self.insert(char)
        if ended:
            self.pasting = False
            self.paste_ended()

    def key(self, parameters, final):
        if final == "R" and self.asked:  # the terminal has drawn everything before its answer
            self.log(did=self.asked.pop(0))
        elif parameters == "200":
            self.do_now(self.options.on_paste)
            self.pasting = self.framed = True
        else:
            self.log(got=f"\x1b[{parameters}{final}")
            if (parameters.split(";")[0], final) == ("13", "u"):
                self.enter()

    # -- what happens to it --------------------------------------------------------------------------------------------

    def do(self, line):
        """Do what a line of the FIFO says, and answer when it is on the screen."""
        self.do_now(line)
        if line in ("hold", "exit") or line.partition(" ")[0] in ("run", "serve"):
            self.log(did=line)
        else:
            self.draw()
            self.asked.append(line)
            os.write(1, b"\x1b[6n")

    def do_now(self, line):
        word, _, rest = line.partition(" ")
        if word in ("dialog", "close"):
            self.dialog = word == "dialog"
        elif word in ("busy", "idle"):
            self.busy_until = time.monotonic() + float(rest or "inf") if word == "busy" else 0.0
        elif word in ("draft", "clear"):
            self.text += rest
            if word == "clear":
                self.text, self.markers = "", []
        elif word == "erase":  # whoever wrote that takes it away again, and what was pasted behind it too
            self.text = "" if self.text.startswith(rest) else self.text.removesuffix(rest)
        elif word == "calm":
            self.do_now(self.mending)
            self.chance = None
        elif word in ("noise", "quiet"):
            self.clock = word == "noise"
        elif word == "title":
            self.options.title = rest
        elif word in ("hold", "go"):
            self.held = word == "hold"
        elif word == "exit":
            self.ended = True
        elif word == "run":
            self.mode = termios.tcgetattr(0)
            import subprocess

            self.held, self.child = True, subprocess.Popen(["sh", "-c", f"stty sane; {rest}"])
        elif word == "serve":
            import pty

            pid, self.master = pty.fork()
            if not pid:
                os.execvp("sh", ["sh", "-c", rest])
            self.log(serves=pid)
        elif word == "become":
            os.execvp("sh", ["sh", "-c", f"stty sane; exec {rest}"])
        elif word == "stop":
            self.child.terminate()
            self.child.wait()
            self.child = None
            termios.tcsetattr(0, termios.TCSADRAIN, self.mode)
            self.held = False

    def live(self):
        """Do something by chance, as a real one would: mostly nothing, and nothing at all while it is frozen."""
        if self.chance is None or self.held or time.monotonic() < self.next_at:
            return
        word, self.mending = self.mending, ""
        if not word and not self.busy:
            word, self.mending = self.chance.choice(LIFE)
            if word.startswith("draft") and self.text:  # a person sees that something stands there already
                word = self.mending = ""
        self.next_at = time.monotonic() + (self.chance.uniform(0.2, 1.5) if self.mending else self.chance.uniform(1, 5))
        if word:
            self.do_now(word)
            self.log(lived=word)

    # -- its loop ------------------------------------------------------------------------------------------------------

    def step(self):
        moving = self.clock or self.busy or self.errand
        sources = [self.fifo] if self.held else [0, self.fifo]
        ready, _, _ = select.select(sources, [], [], 0.08 if moving else 0.2 if self.chance else None)
        if self.fifo in ready:
            for line in os.read(self.fifo, 65536).decode().splitlines():
                self.do(line)
            if self.ended:
                return False
        if 0 in ready and not self.held:
            data = os.read(0, 1 if self.options.sip else 65536)
            if not data:
                return False
            answer = data.startswith(b"\x1b[") and data.endswith(b"R")
            self.take(self.decoder.decode(data))
            if self.options.sip:
                time.sleep(self.options.sip / 1000)
                if select.select([0], [], [], 0)[0]:
                    return True
            elif not answer:
                time.sleep(self.options.slow if data in b"\r\n" else self.options.slow + self.options.late)
        if self.errand and self.errand.poll() is not None:
            self.log(errand=self.errand.returncode)
            self.errand, self.busy_until = None, time.monotonic() + self.options.turn
        self.live()
        self.draw()
        return True

    def run(self):
        path = self.options.log + ".in"
        os.mkfifo(path)
        self.fifo = os.open(path, os.O_RDWR)
        signal.signal(signal.SIGWINCH, lambda *_: self.draw())
        try:
            super().run()
        finally:
            os.write(1, b"\x1b[?1049l\x1b[?25h")


if __name__ == "__main__":
    Player(parser.parse_args()).run()
