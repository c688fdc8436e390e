"""A composer that keeps a waiter beside itself, as Claude Code does: a child process that is told a line and ends.

SIGUSR2 starts one; with `--again` another one follows each that was told something. Its log has {"waiter": pid} for
each, and {"woken": text, "code": n} when it has ended. Once it is told the line, `--reads` reads the mail.
"""

import json
import os
import signal
import subprocess
import sys
import threading

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import composer

parser = composer.parser
parser.add_argument("--session", default="s1")
parser.add_argument("--client", default="claude-code")
parser.add_argument(
    "--event", default="", help="what its hooks say to the waiter; as a rule the start, or a turn's end"
)
parser.add_argument("--again", action="store_true")
parser.add_argument("--reads", default="")
XATS = [sys.executable, "-m", "xats"]


class Keeper(composer.Composer):
    def run(self):
        signal.signal(signal.SIGUSR2, lambda *_: self.start())
        super().run()

    def start(self):
        child = subprocess.Popen(
            [*XATS, "hook", "wait", self.options.client],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        event = self.options.event or ("Stop" if self.sent else "SessionStart")
        child.stdin.write(json.dumps({"hook_event_name": event, "session_id": self.options.session}).encode())
        child.stdin.close()
        child.stdin = None
        self.log(waiter=child.pid)
        threading.Thread(target=self.listen, args=(child,), daemon=True).start()

    def listen(self, child):
        out, err = child.communicate()
        self.log(woken=(out + err).decode(), code=child.returncode)
        if err and self.options.reads:
            subprocess.run([*XATS, "inbox", "--as", self.options.reads], stdout=subprocess.DEVNULL, check=True)
        if err and self.options.again:
            self.start()


if __name__ == "__main__":
    Keeper(parser.parse_args()).run()
