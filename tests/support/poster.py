"""Shows a screen and reads keys: `poster.py LOG FILE [--cursor X,Y] [--mode MODE] [--brackets] [--alternate]`.

Without --cursor the cursor is hidden below the last row. MODE is how it takes input: raw, editor (as GNU readline),
line, silent. It writes "ready" and then every byte that it reads to LOG.
"""

import argparse
import os
import termios
import tty

parser = argparse.ArgumentParser()
parser.add_argument("log")
parser.add_argument("file")
parser.add_argument("--cursor", default="")
parser.add_argument("--mode", default="raw", choices=("raw", "editor", "line", "silent"))
parser.add_argument("--brackets", action="store_true")
parser.add_argument("--alternate", action="store_true")


def main() -> None:
    options = parser.parse_args()
    if options.mode in ("raw", "editor"):
        tty.setraw(0)
    mode = termios.tcgetattr(0)
    if options.mode == "editor":
        mode[3] |= termios.ISIG
    elif options.mode == "silent":
        mode[3] &= ~termios.ECHO
    termios.tcsetattr(0, termios.TCSANOW, mode)
    with open(options.file, encoding="utf-8") as file:
        text = file.read()
    out = "\x1b[?1049h\x1b[H" if options.alternate else ""
    out += ("\x1b[?2004h" if options.brackets else "") + text.replace("\n", "\r\n")
    if options.cursor:
        x, y = map(int, options.cursor.split(","))
        out += f"\x1b[{y + 1};{x + 1}H"
    else:
        out += "\x1b[?25l"
    os.write(1, out.encode())
    with open(options.log, "ab", buffering=0) as log:
        log.write(b"ready\n")
        while data := os.read(0, 65536):
            log.write(data)


main()
