"""Stands for an agent program with an inbox: `agentlet.py KIND HOME MODE [words that it was started with]`.

It says "up" when it can be reached, and writes each thing that it gets to HOME/log as a line of JSON. As a process it
is called as the program is. MODE is what it does with a message:

    takes    begins a turn, as an idle session does
    busy     says that it is busy from the start, and takes
    ignores  reads it and does nothing
    holds    asks its person about it
    hangs    accepts the connection and never reads
    drips    answers a byte at a time, and never ends (opencode)
    resets   closes the connection without reading
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
import sys
import time

TOKEN = "0123456789abcdef" * 2
SESSION = "ses_agentlet0123456789"
PASSWORD = "not in any error"


def main() -> None:
    kind, home, mode = sys.argv[1:4]
    with contextlib.suppress(OSError), open("/proc/self/comm", "w") as file:
        file.write({"claude": "claude", "qwen": "node"}.get(kind, kind))
    {"claude": claude, "codex": codex, "opencode": opencode, "qwen": qwen}[kind](home, mode)


def note(home: str, **entry) -> None:
    with open(f"{home}/log", "a", encoding="utf-8") as file:
        file.write(json.dumps(entry) + "\n")


def write(path: str, value) -> None:
    os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
    with open(path + ".new", "w", encoding="utf-8") as file:
        json.dump(value, file)
    os.rename(path + ".new", path)


def ticks() -> str:
    with contextlib.suppress(OSError), open("/proc/self/stat") as file:
        return file.read().rpartition(")")[2].split()[19]
    return "unknown"


def up() -> None:
    print("up", flush=True)


def bind(path: str) -> socket.socket:
    os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(path)
    listener.listen(4)
    return listener


def serve(listener: socket.socket, mode: str, got) -> None:
    """Take connections one after another and give their lines to `got`."""
    kept = []
    while True:
        line, _ = listener.accept()
        if mode == "hangs":
            kept.append(line)
        elif mode == "resets":
            time.sleep(0.05)  # what was written is there, unread
            line.close()
        else:
            data = b""
            while piece := line.recv(65536):
                data += piece
            frames = [json.loads(row) for row in data.splitlines()]
            if frames:
                got(frames)
            line.close()


# -- Claude Code -------------------------------------------------------------------------------------------------------


def claude(home: str, mode: str) -> None:
    import hashlib

    config = f"{home}/.claude"
    path, pid = f"{home}/socks/{os.getpid()}.sock", os.getpid()
    listener = bind(path)
    record = {"pid": pid, "sessionId": "s1", "cwd": os.getcwd(), "procStart": ticks(), "peerProtocol": 1}
    record |= {"kind": "interactive", "messagingSocketPath": path, "statusUpdatedAt": 1}
    key = f"{pid}.{hashlib.sha256(path.encode()).hexdigest()}.key"

    def status(word: str, **more) -> None:
        record.update(status=word, statusUpdatedAt=record["statusUpdatedAt"] + 1)
        write(f"{config}/sessions/{pid}.json", record | more)

    def got(frames) -> None:
        note(home, frames=frames)
        if mode == "takes":
            status("busy")
            time.sleep(0.02)
            status("idle")
        elif mode == "holds":
            status("waiting", waitingFor="permission prompt")

    write(f"{config}/sessions/{key}", {"peerToken": TOKEN, "procStart": ticks()})
    status("busy" if mode == "busy" else "idle")
    up()
    serve(listener, mode, got)


# -- Qwen Code ---------------------------------------------------------------------------------------------------------


def qwen(home: str, mode: str) -> None:
    """MODE is also the receipt that it sends: takes is `delivered`, ignores none, another word itself."""
    path, pid = f"{home}/socks/{os.getpid()}.sock", os.getpid()
    listener = bind(path)
    try:
        with open("/proc/sys/kernel/random/boot_id") as file:
            start = f"{file.read().strip()}:{ticks()}"
    except OSError:
        start = None
    record = {"schemaVersion": 1, "pid": pid, "procStart": start, "sessionId": "q1", "cwd": os.getcwd(), "kind": "tui"}
    write(f"{home}/.qwen/sessions/{pid}.json", record | {"ipcPath": path, "ipcToken": TOKEN * 2})

    def got(frames) -> None:
        note(home, frames=frames)
        user = frames[-1]
        status = {"takes": "delivered", "holds": "held"}.get(mode, mode)
        if mode != "ignores":
            with socket.socket(socket.AF_UNIX) as reply:
                reply.connect(user["from"])
                said = {"type": "control", "action": "delivery_status", "status": status, "origMsgId": user["msgId"]}
                for frame in ({"type": "auth", "token": user["replyToken"]}, said):
                    reply.sendall(json.dumps(frame).encode() + b"\n")

    up()
    serve(listener, mode, got)


# -- opencode ----------------------------------------------------------------------------------------------------------


def opencode(home: str, mode: str) -> None:
    import base64
    from http.server import BaseHTTPRequestHandler, HTTPServer

    asked = f"{home}/asked"  # what /permission and /question answer
    write(asked, {"permission": [], "question": []})

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_) -> None:
            pass

        def answer(self, status: int, value=None) -> None:
            data = b"" if value is None else json.dumps(value).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def allowed(self) -> bool:
            wanted = base64.b64encode(f"opencode:{PASSWORD}".encode()).decode()
            free = "OPENCODE_SERVER_PASSWORD" not in os.environ
            while mode == "drips":
                self.wfile.write(b"H")
                time.sleep(0.1)
            if mode == "hangs":
                time.sleep(60)
            if free or self.headers.get("Authorization") == f"Basic {wanted}":
                return True
            self.answer(401)
            return False

        def do_GET(self) -> None:
            if not self.allowed():
                return
            with open(asked) as file:
                waiting = json.load(file)
            if self.path == f"/session/{SESSION}":
                self.answer(200, {"id": SESSION})
            elif self.path.strip("/") in waiting:
                self.answer(200, waiting[self.path.strip("/")])
            else:
                self.answer(404, {"name": "NotFoundError"})

        def do_POST(self) -> None:
            if not self.allowed():
                return
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            note(home, path=self.path, body=body)
            if mode == "ignores":  # it has got it, and answers nothing
                time.sleep(60)
            self.answer(500 if mode == "resets" else 204)

    server = HTTPServer(("127.0.0.1", 0), Handler)
    if "--two" in sys.argv:
        other = socket.create_server(("127.0.0.1", 0))
        other.listen()
    up()
    server.serve_forever()


# -- Codex -------------------------------------------------------------------------------------------------------------


def codex(home: str, mode: str) -> None:
    """Hold the threads open that are named after MODE, each after the one before; `lock:` leaves it without a turn."""
    kept = []
    for word in sys.argv[4:]:
        if word.startswith(("thread:", "lock:")):
            what, _, thread = word.partition(":")
            paths = [f"{home}/.codex/thread-writer-locks/{thread}.lock"]
            if what == "thread":
                paths.append(f"{home}/.codex/sessions/2026/11/21/rollout-2026-11-21T12-00-00-{thread}.jsonl")
            for path in paths:
                os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
                kept.append(open(path, "w"))  # noqa: SIM115
            time.sleep(0.01)
    up()
    time.sleep(600)


if __name__ == "__main__":
    main()
