"""A composer that is late: it reads what was typed, or shows and does what it has read, only after a time.

`late.py LOG --lag SECONDS --hold read|echo`; the rest is composer.py's.
"""

import os
import select
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import composer

composer.parser.add_argument("--lag", type=float, default=0)
composer.parser.add_argument("--hold", choices=("read", "echo"), default="read")


class Late(composer.Composer):
    """Everything comes in its order, so what is pasted behind a draft is joined to it."""

    def __init__(self, options):
        super().__init__(options)
        self.read = []  # when to take it, and what was read

    def insert(self, char):
        self.text = self.text[:-1] if char == "\x7f" else self.text + char

    def step(self):
        left = max(0.0, self.read[0][0] - time.monotonic()) if self.read else None
        if select.select([0], [], [], left)[0]:
            if self.options.hold == "read":
                time.sleep(self.options.lag)
            data = os.read(0, 65536)
            if not data:
                return False
            late = self.options.lag if self.options.hold == "echo" else 0
            self.read.append((time.monotonic() + late, data.decode()))
        while self.read and self.read[0][0] <= time.monotonic():
            self.take(self.read.pop(0)[1])
            self.draw()
        return True


if __name__ == "__main__":
    Late(composer.parser.parse_args()).run()
