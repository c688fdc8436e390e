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

parser = argparse.ArgumentParser()
parser.add_argument("log")
parser.add_argument("--prompt", default="> ")
parser.add_argument("--plain", action="store_true", help="without bracketed paste")
parser.add_argument("--frame", action="store_true", help="draw a box around the composer")
parser.add_argument("--clock", action="store_true", help="draw the time twice a second")
parser.add_argument("--swallow", type=int, default=0, help="ignore so many Enters")
parser.add_argument("--newline", type=int, default=0, help="take so many Enters as a new line")
parser.add_argument("--slow", type=float, default=0, help="seconds before anything is drawn")
parser.add_argument("--late", type=float, default=0, help="seconds before a paste is drawn")
parser.add_argument("--flicker", type=float, default=0, help="seconds with an empty screen in each redraw")
parser.add_argument("--shout", action="store_true", help="show something else than what was typed")
parser.add_argument("--title")
parser.add_argument("--alternate", action="store_true")
options = parser.parse_args()

text, sent, framed, enters = "", [], False, 0
clock = options.clock


def stop_clock(*_):
    global clock
    clock = False


def log(**entry):
    with open(options.log, "a") as file:
        file.write(json.dumps(entry) + "\n")


def fold(line, width):
    return [line[at : at + width] for at in range(0, len(line), width)] or [""]


def draw():
    columns = os.get_terminal_size(1).columns
    left, right = ("│ ", " │") if options.frame else ("", "")
    room = columns - 1 - len(options.prompt) - len(left) - len(right)
    shown = text.upper() if options.shout else text
    rows = [part for line in shown.split("\n") for part in fold(line, room)]
    out = "\x1b[H\x1b[2J"
    if options.flicker:
        os.write(1, out.encode())
        time.sleep(options.flicker)
    if clock:
        out += f"{time.monotonic():.3f}\r\n"
    for line in sent[-2:]:
        out += "".join(part + "\r\n" for part in fold(f"{options.prompt}{line}", columns - 1)) + "\r\n"
    for index, row in enumerate(rows):
        lead = options.prompt if index == 0 else " " * len(options.prompt)
        inner = (lead + row).ljust(room + len(options.prompt)) if options.frame else lead + row
        out += ("\r\n" if index else "") + left + lead + row + "\x1b7" + inner[len(lead + row) :] + right
    out += "\x1b8"  # back to where the last row's text ended
    os.write(1, out.encode())


def enter():
    global text, enters
    enters += 1
    log(enter=enters)
    if enters <= options.swallow:
        return
    if enters <= options.newline:
        text += "\n"
        return
    log(submit=text, framed=framed)
    sent.append(text)
    text = ""


def take(data):
    global text, framed
    pasting = False
    while data:
        if data.startswith("\x1b[200~"):
            pasting = framed = True
            data = data[6:]
        elif data.startswith("\x1b[201~"):
            pasting = False
            data = data[6:]
        elif data[0] == "\r" and not pasting:
            enter()
            data = data[1:]
        else:
            text += data[0]
            data = data[1:]


def continued(*_):
    tty.setraw(0, termios.TCSANOW)  # without dropping what is still to be read
    draw()


signal.signal(signal.SIGUSR1, stop_clock)
signal.signal(signal.SIGCONT, continued)
before = termios.tcgetattr(0)
tty.setraw(0)
try:
    setup = "" if options.plain else "\x1b[?2004h"
    if options.alternate:
        setup += "\x1b[?1049h"
    if options.title:
        setup += f"\x1b]2;{options.title}\x07"
    os.write(1, setup.encode())
    draw()
    log(ready=os.getpid())
    while True:
        ready, _, _ = select.select([0], [], [], 0.5 if clock else None)
        if ready:
            data = os.read(0, 65536)
            if not data:
                break
            take(data.decode())
            time.sleep(options.slow if data in b"\r\n" else options.slow + options.late)
        draw()
finally:
    termios.tcsetattr(0, termios.TCSANOW, before)
    sys.stdout.write("\x1b[?2004l")
