"""A raw-mode composer like that of an agent CLI: a prompt, bracketed paste, Enter submits, all drawn by itself.

It appends JSON lines to its log: {"ready": pid} once it reads, {"submit": text, "framed": bool} for each submission,
{"enter": n} for each Enter that came. SIGUSR1 stops the clock.
"""

import argparse
import json
import os
import select
import signal
import sys
import termios
import time
import tty

# With a width, argparse does not import shutil to ask for one.
parser = argparse.ArgumentParser(formatter_class=lambda prog: argparse.HelpFormatter(prog, width=120))
parser.add_argument("log")
parser.add_argument("--prompt", default="> ")
parser.add_argument("--plain", action="store_true", help="without bracketed paste")
parser.add_argument("--raw", action="store_true", help="take the keys that send signals too")
parser.add_argument("--frame", action="store_true", help="draw a box around the composer")
parser.add_argument("--clock", action="store_true", help="draw the time twice a second")
parser.add_argument("--swallow", type=int, default=0, help="ignore so many Enters")
parser.add_argument("--newline", type=int, default=0, help="take so many Enters as a new line")
parser.add_argument("--slow", type=float, default=0, help="seconds before anything is drawn")
parser.add_argument("--ponder", type=float, default=0, help="seconds from Enter until the line goes")
parser.add_argument("--late", type=float, default=0, help="seconds before a paste is drawn")
parser.add_argument("--flicker", type=float, default=0, help="seconds with an empty screen in each redraw")
parser.add_argument("--shout", action="store_true", help="show something else than what was typed")
parser.add_argument("--title")
parser.add_argument("--alternate", action="store_true")


def fold(line, width):
    return [line[at : at + width] for at in range(0, len(line), width)] or [""]


class Composer:
    """The composer and its loop. Subclasses give it other looks and manners."""

    def __init__(self, options):
        self.options = options
        self.text, self.sent, self.framed, self.enters = "", [], False, 0
        self.clock = options.clock
        self.due = 0.0  # when the line goes that was entered
        self.pasting = False

    def stop_clock(self, *_):
        self.clock = False

    def log(self, **entry):
        with open(self.options.log, "a") as file:
            file.write(json.dumps(entry) + "\n")

    # -- its look ------------------------------------------------------------------------------------------------------

    def draw(self):
        options = self.options
        columns = os.get_terminal_size(1).columns
        left, right = ("│ ", " │") if options.frame else ("", "")
        room = columns - 1 - len(options.prompt) - len(left) - len(right)
        shown = self.text.upper() if options.shout else self.text
        rows = [part for line in shown.split("\n") for part in fold(line, room)]
        out = "\x1b[H\x1b[2J"
        if options.flicker:
            os.write(1, out.encode())
            time.sleep(options.flicker)
        if self.clock:
            out += f"{time.monotonic():.3f}\r\n"
        for line in self.sent[-2:]:
            out += "".join(part + "\r\n" for part in fold(f"{options.prompt}{line}", columns - 1)) + "\r\n"
        for index, row in enumerate(rows):
            lead = options.prompt if index == 0 else " " * len(options.prompt)
            inner = (lead + row).ljust(room + len(options.prompt)) if options.frame else lead + row
            out += ("\r\n" if index else "") + left + lead + row + "\x1b7" + inner[len(lead + row) :] + right
        out += "\x1b8"  # back to where the last row's text ended
        os.write(1, out.encode())

    # -- its manners ---------------------------------------------------------------------------------------------------

    def enter(self):
        self.enters += 1
        self.log(enter=self.enters)
        if self.enters <= self.options.swallow:
            return
        if self.enters <= self.options.newline:
            self.text += "\n"
            return
        if self.options.ponder:
            self.due = self.due or time.monotonic() + self.options.ponder
            return
        self.submit()

    def submit(self):
        self.log(submit=self.text, framed=self.framed)
        self.sent.append(self.text)
        self.text = ""

    def insert(self, char):
        self.text += char

    def paste_ended(self):
        pass

    def take(self, data):
        while data:
            if data.startswith("\x1b[200~"):
                self.pasting = self.framed = True
                data = data[6:]
            elif data.startswith("\x1b[201~"):
                self.pasting = False
                self.paste_ended()
                data = data[6:]
            elif data[0] == "\r" and not self.pasting:
                self.enter()
                data = data[1:]
            else:
                self.insert(data[0])
                data = data[1:]

    # -- its loop ------------------------------------------------------------------------------------------------------

    def setup(self):
        setup = "" if self.options.plain else "\x1b[?2004h"
        if self.options.alternate:
            setup += "\x1b[?1049h"
        if self.options.title:
            setup += f"\x1b]2;{self.options.title}\x07"
        return setup

    def take_keys(self):
        """Set the terminal as GNU readline does: every key comes here, but for those that send signals."""
        tty.setraw(0, termios.TCSANOW)  # without dropping what is still to be read
        if not self.options.raw:
            mode = termios.tcgetattr(0)
            mode[3] |= termios.ISIG
            termios.tcsetattr(0, termios.TCSANOW, mode)

    def continued(self, *_):
        self.take_keys()
        self.draw()

    def step(self):
        """Wait for something to do, and do it; False at the end of input."""
        left = max(0.0, self.due - time.monotonic()) if self.due else None
        ready, _, _ = select.select([0], [], [], 0.5 if self.clock else left)
        if self.due and time.monotonic() >= self.due:
            self.due = 0.0
            self.submit()
        if ready:
            data = os.read(0, 65536)
            if not data:
                return False
            self.take(data.decode())
            time.sleep(self.options.slow if data in b"\r\n" else self.options.slow + self.options.late)
        self.draw()
        return True

    def run(self):
        signal.signal(signal.SIGUSR1, self.stop_clock)
        signal.signal(signal.SIGCONT, self.continued)
        before = termios.tcgetattr(0)
        self.take_keys()
        try:
            os.write(1, self.setup().encode())
            self.draw()
            self.log(ready=os.getpid())
            while self.step():
                pass
        finally:
            termios.tcsetattr(0, termios.TCSANOW, before)
            sys.stdout.write("\x1b[?2004l")


if __name__ == "__main__":
    Composer(parser.parse_args()).run()
