"""A model on the loopback interface, for the real agent CLIs: four protocols, and the prompt says what happens.

    SLOW n     answers a word at a time for n seconds
    HOLD       answers a word at a time until `release()` (or `POST /release`), at most HELD_FOR seconds
    WAIT       the same without a word
    RUN cmd    calls the client's shell tool with `cmd`, in a way that needs a person's permission
    EDIT path  calls the client's tool that writes a file, with one line of text
    CALL t {}  calls the tool `t` with those arguments (JSON); a second such line follows when the first has answered
    else       "Noted: " and the first words of the prompt

With `shift` set it is an agent that works: at each prompt it calls the shell tool with that command, which needs no
permission, and again as long as the tool says WORK LEFT (shift.py).

The word must start a line of the newest user text; a line WAIT below one of RUN is for when the tool has answered. A
request that carries no tools is a side request (a title, a routing decision), and so are some that do; a side request
never runs anything, but for what the test gives an agent in the background to do (`beside`). Every request is logged as
one line of JSON: `time`, `method`, `path`, `protocol`, `kind` ("turn", "result", "side" or "other") and `text`, the
newest user text. `prompts()` are the texts of kind "turn": what was really submitted; `heard` is all that came with the
request, also what a client adds on its own behalf or on that of a hook. The model is also a proxy that reaches nothing
but itself, so that a client told to use it as its HTTPS proxy finds no network, at once.

By hand: `python -m tests.clients.mock_model --port 8099 --log requests.jsonl`.
"""

from __future__ import annotations

import argparse
import json
import re
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

HELD_FOR = 300.0  # seconds that HOLD lasts when nobody releases it
PAUSE = 0.2  # seconds between two words of a slow answer
LARGEST = 64 << 20  # bytes of one request

SHELL_TOOLS = ("Bash", "exec_command", "shell_command", "shell", "run_shell_command", "bash")  # the first that is there
EDIT_TOOLS = ("Write", "write_file", "write", "apply_patch")
PATCH = "*** Begin Patch\n*** Add File: {}\n+a line\n*** End Patch\n"
MORE = "WORK LEFT"  # what the command of a shift says when it is to be run again
LONGEST = 30_000  # ms for which Codex waits for a command before it says that the command runs on
ADDED = (
    "system-reminder|environment_context|session_context|hook_context|qwen:user-prompt-submit-context|current_datetime"
)
FEEDBACK = re.compile(r"^<system-reminder>[^<]*?^(Stop hook feedback:\n.*)</system-reminder>\s*$", re.M | re.S)
SUGGESTION = "[SUGGESTION MODE"  # Qwen Code asks, with all its tools, what its user may want next
MEMORY = "Managed memory"  # so begins what its agent in the background is asked
USAGE = {"input_tokens": 10, "output_tokens": 10}


# -- what a request says -----------------------------------------------------------------------------------------------


def _blocks(content) -> list[str]:
    """Return the texts of a message's content, which is a string or a list of blocks."""
    if isinstance(content, str):
        return [content]
    return [block["text"] for block in content or [] if isinstance(block, dict) and isinstance(block.get("text"), str)]


def _written(texts: list[str]) -> str:
    """Return the newest of `texts` that a person wrote: clients add context of their own in angle brackets.

    Claude Code passes on in such brackets what a hook at a turn's end goes on with (since 2.1.332); that is a prompt.
    """
    for text in reversed(texts):
        kept = re.sub(rf"<({ADDED})>.*?</\1>", "", FEEDBACK.sub(r"\1", text), flags=re.S).strip()
        if kept:
            return kept
    return ""


def _leaves(value) -> list[str]:
    """Return every text in `value`, in order."""
    if isinstance(value, str):
        return [value]
    inside = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [text for one in inside for text in _leaves(one)]


class Asked:
    """One request as the four protocols agree on it: the newest user text, the tools, whether a tool just answered."""

    def __init__(self, protocol: str, body: dict) -> None:
        self.protocol = protocol
        self.model = str(body.get("model", "mock"))
        self.tools: list[str] = []
        self.texts: list[str] = []
        self.results = 0  # of tools, since the newest user text
        self.result = ""  # the newest of these
        getattr(self, "_read_" + protocol)(body)
        self.text = _written(self.texts)
        self.heard = "\n".join(_leaves(body))
        self.keeps_memory = self.text.startswith(MEMORY)
        self.answered = self.results > 0
        side = self.tools in ([], ["apply_patch"]) or self.keeps_memory or self.text.startswith(SUGGESTION)
        self.kind = "side" if side else "result" if self.answered else "turn"

    def _read_anthropic(self, body: dict) -> None:
        self.tools = [tool.get("name", "") for tool in body.get("tools") or []]
        for message in body.get("messages") or []:
            if message["role"] == "user":
                content = message["content"]
                for block in content if isinstance(content, list) else [{"text": content}]:
                    if block.get("type") == "tool_result":
                        self._answer(block)
                    else:
                        self._add(_blocks([block]))

    def _read_openai(self, body: dict) -> None:
        self.tools = [tool.get("name") or tool.get("type", "") for tool in body.get("tools") or []]
        items = body.get("input") or []
        for item in [{"role": "user", "content": items}] if isinstance(items, str) else items:
            if item.get("role") == "user":
                self._add(_blocks(item["content"]))
            elif str(item.get("type", "")).endswith("_output"):
                self._answer(item)

    def _read_gemini(self, body: dict) -> None:
        for group in body.get("tools") or []:
            self.tools += [tool["name"] for tool in group.get("functionDeclarations") or []]
        for content in body.get("contents") or []:
            if content.get("role", "user") == "user":
                for part in content["parts"]:
                    if "functionResponse" in part:
                        self._answer(part)
                    else:
                        self._add(_blocks([part]))

    def _read_chat(self, body: dict) -> None:
        self.tools = [tool["function"]["name"] for tool in body.get("tools") or []]
        for message in body.get("messages") or []:
            if message["role"] == "user":
                self._add(["\n".join(_blocks(message["content"]))])  # a plugin's text follows the user's
            elif message["role"] == "tool":
                self._answer(message)

    def _answer(self, result: dict) -> None:
        """Note what a tool has answered."""
        self.results += 1
        self.result = "\n".join(_leaves(result))

    def _add(self, texts: list[str]) -> None:
        """Add what the user said; the results of tools before it are of an earlier turn."""
        self.texts += texts
        if _written(texts):
            self.results, self.result = 0, ""

    def works_on(self) -> bool:
        """Tell whether an agent that works runs its command now."""
        return self.kind == "turn" or (self.kind == "result" and MORE in self.result)

    def call(self) -> tuple[str, dict] | None:
        """Return the tool, and its arguments, that the user's text wants called now."""
        wanted = re.findall(r"^CALL (\S+) (\{.*\})[ \t]*$", self.text, re.M)
        if self.kind == "side" or self.results >= len(wanted):
            return None
        name, arguments = wanted[self.results]
        return name, json.loads(arguments)

    def shell(self) -> str:
        return next((name for name in SHELL_TOOLS if name in self.tools), "")

    def editor(self) -> str:
        return next((name for name in EDIT_TOOLS if name in self.tools), "")


# -- what is answered --------------------------------------------------------------------------------------------------


def _call(tool: str, command: str, asks: bool = True) -> dict:
    """Return the arguments with which the shell tool `tool` of a client wants `command`, of a person if it `asks`."""
    if tool == "exec_command" and not asks:
        return {"cmd": command, "yield_time_ms": LONGEST}
    if tool == "exec_command":
        return {"cmd": command, "sandbox_permissions": "require_escalated", "justification": "it writes outside"}
    if tool == "shell_command":
        return {"command": command, "sandbox_permissions": "require_escalated", "justification": "it writes outside"}
    if tool == "shell":
        return {"command": ["sh", "-c", command], "with_escalated_permissions": True, "justification": "it writes"}
    return {"command": command, "description": "Run the probe"}


def _edit(tool: str, path: str) -> dict:
    """Return the arguments with which the tool `tool` of a client writes the file `path`."""
    if tool == "apply_patch":
        return {"input": PATCH.format(path)}
    return {"filePath" if tool == "write" else "file_path": path, "content": "a line\n"}


class _Anthropic:
    """Server-sent events of POST /v1/messages."""

    def __init__(self, asked: Asked, number: int) -> None:
        self.asked = asked
        self.id = f"msg_{number:024d}"
        self.tool_id = f"toolu_{number:024d}"

    @staticmethod
    def _event(**data) -> str:
        return f"event: {data['type']}\ndata: {json.dumps(data)}\n\n"

    def start(self) -> str:
        message = {"id": self.id, "type": "message", "role": "assistant", "model": self.asked.model, "content": []}
        message |= {"stop_reason": None, "stop_sequence": None, "usage": USAGE}
        return self._event(type="message_start", message=message)

    def open_text(self) -> str:
        return self._event(type="content_block_start", index=0, content_block={"type": "text", "text": ""})

    def text(self, text: str) -> str:
        return self._event(type="content_block_delta", index=0, delta={"type": "text_delta", "text": text})

    def close_text(self) -> str:
        return self._event(type="content_block_stop", index=0) + self._stop("end_turn")

    def tool(self, name: str, arguments: dict) -> str:
        block = {"type": "tool_use", "id": self.tool_id, "name": name, "input": {}}
        delta = {"type": "input_json_delta", "partial_json": json.dumps(arguments)}
        return (
            self._event(type="content_block_start", index=0, content_block=block)
            + self._event(type="content_block_delta", index=0, delta=delta)
            + self._event(type="content_block_stop", index=0)
            + self._stop("tool_use")
        )

    def _stop(self, reason: str) -> str:
        delta = {"stop_reason": reason, "stop_sequence": None}
        return self._event(type="message_delta", delta=delta, usage=USAGE) + self._event(type="message_stop")

    def whole(self, text: str) -> dict:
        message = {"id": self.id, "type": "message", "role": "assistant", "model": self.asked.model}
        content = [{"type": "text", "text": text}]
        return message | {"content": content, "stop_reason": "end_turn", "stop_sequence": None, "usage": USAGE}


class _OpenAI:
    """Server-sent events of POST /v1/responses."""

    def __init__(self, asked: Asked, number: int) -> None:
        self.id = f"resp_{number}"
        self.item = f"item_{number}"
        self.said = ""

    @staticmethod
    def _event(**data) -> str:
        return f"event: {data['type']}\ndata: {json.dumps(data)}\n\n"

    def _message(self) -> dict:
        content = [{"type": "output_text", "text": self.said, "annotations": []}] if self.said else []
        return {"type": "message", "id": self.item, "role": "assistant", "content": content}

    def start(self) -> str:
        return self._event(type="response.created", response={"id": self.id})

    def open_text(self) -> str:
        return self._event(type="response.output_item.added", output_index=0, item=self._message())

    def text(self, text: str) -> str:
        self.said += text
        where = {"item_id": self.item, "output_index": 0, "content_index": 0}
        return self._event(type="response.output_text.delta", delta=text, **where)

    def close_text(self) -> str:
        return self._event(type="response.output_item.done", output_index=0, item=self._message()) + self._stop()

    def tool(self, name: str, arguments: dict) -> str:
        item = {"id": self.item, "call_id": "call_" + self.id, "name": name}
        if name == "apply_patch":  # it is not given JSON
            item |= {"type": "custom_tool_call", "input": arguments["input"]}
        else:
            item |= {"type": "function_call", "arguments": json.dumps(arguments)}
        return self._event(type="response.output_item.done", output_index=0, item=item) + self._stop()

    def _stop(self) -> str:
        details = {"input_tokens_details": {"cached_tokens": 0}, "output_tokens_details": {"reasoning_tokens": 0}}
        usage = USAGE | details | {"total_tokens": 20}
        return self._event(type="response.completed", response={"id": self.id, "usage": usage, "output": []})

    def whole(self, text: str) -> dict:
        self.said = text
        return {"id": self.id, "object": "response", "status": "completed", "output": [self._message()]}


class _Gemini:
    """Server-sent events of POST /v1beta/models/M:streamGenerateContent, and the one object of :generateContent."""

    def __init__(self, asked: Asked, number: int) -> None:
        pass

    def _part(self, part: dict, last: bool = False) -> dict:
        candidate: dict = {"content": {"role": "model", "parts": [part]}, "index": 0}
        if last:
            candidate["finishReason"] = "STOP"
        usage = {"promptTokenCount": 10, "candidatesTokenCount": 10, "totalTokenCount": 20}
        return {"candidates": [candidate], "usageMetadata": usage, "modelVersion": "mock"}

    @staticmethod
    def _event(data: dict) -> str:
        return f"data: {json.dumps(data)}\r\n\r\n"

    def start(self) -> str:
        return ""

    def open_text(self) -> str:
        return ""

    def text(self, text: str) -> str:
        return self._event(self._part({"text": text}))

    def close_text(self) -> str:
        return self._event(self._part({"text": "."}, last=True))

    def tool(self, name: str, arguments: dict) -> str:
        return self._event(self._part({"functionCall": {"name": name, "args": arguments}}, last=True))

    def whole(self, text: str) -> dict:
        return self._part({"text": text}, last=True)


class _Chat:
    """Server-sent events of POST /v1/chat/completions."""

    def __init__(self, asked: Asked, number: int) -> None:
        self.number = number
        self.model = asked.model

    def _chunk(self, delta: dict, reason: str | None = None) -> str:
        head = {"id": f"chat-{self.number}", "object": "chat.completion.chunk", "created": 0, "model": self.model}
        choices = [{"index": 0, "delta": delta, "finish_reason": reason}]
        return f"data: {json.dumps(head | {'choices': choices})}\n\n"

    def start(self) -> str:
        return self._chunk({"role": "assistant", "content": ""})

    def open_text(self) -> str:
        return ""

    def text(self, text: str) -> str:
        return self._chunk({"content": text})

    def close_text(self) -> str:
        return self._chunk({}, "stop") + "data: [DONE]\n\n"

    def tool(self, name: str, arguments: dict) -> str:
        function = {"name": name, "arguments": json.dumps(arguments)}
        call = {"index": 0, "id": f"call_{self.number}", "type": "function", "function": function}
        return self._chunk({"tool_calls": [call]}) + self._chunk({}, "tool_calls") + "data: [DONE]\n\n"

    def whole(self, text: str) -> dict:
        choice = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}
        return {"id": f"chat-{self.number}", "object": "chat.completion", "model": self.model, "choices": [choice]}


SPEECH = {"anthropic": _Anthropic, "openai": _OpenAI, "gemini": _Gemini, "chat": _Chat}


def protocol_of(path: str) -> str | None:
    """Return which protocol a POST to `path` speaks, or None."""
    bare = path.split("?", maxsplit=1)[0]
    if bare.endswith("/v1/messages"):
        return "anthropic"
    if bare.endswith("/responses"):
        return "openai"
    if bare.endswith((":streamGenerateContent", ":generateContent")):
        return "gemini"
    return "chat" if bare.endswith("/chat/completions") else None


def _wanted(asked: Asked) -> tuple[str, str]:
    """Return the word that says what is to happen, and what follows it; "" and "" for an answer of a few words."""
    words = {"turn": "SLOW|RUN|EDIT|HOLD|WAIT", "result": "WAIT"}.get(asked.kind)
    found = words and re.search(rf"^({words})\b[ \t]*(.*)$", asked.text, re.M)
    return (found[1], found[2].strip()) if found else ("", "")


# -- the server --------------------------------------------------------------------------------------------------------


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def log_message(self, *_) -> None:
        pass

    def do_GET(self) -> None:
        self._other()

    def do_HEAD(self) -> None:
        self._other()

    def do_CONNECT(self) -> None:
        """Serve the tunnel's other end ourselves if it is us; there is nothing else to be reached."""
        mine = self.path == f"127.0.0.1:{self.server.server_port}"
        self.server.model.note(method="CONNECT", path=self.path, protocol=None, kind="other", text="")
        self.send_response(200 if mine else 403)
        if not mine:
            self.send_header("Content-Length", "0")
            self.close_connection = True
        self.end_headers()

    def do_POST(self) -> None:
        model = self.server.model
        protocol = protocol_of(self.path)
        raw = self._body()
        if self.path == "/release":
            model.release()
            return self._json({})
        try:
            body = json.loads(raw)
        except ValueError:
            body = None
        if protocol is None or not isinstance(body, dict):
            return self._other()
        asked = Asked(protocol, body)
        number = model.note(
            heard=asked.heard, method="POST", path=self.path, protocol=protocol, kind=asked.kind, text=asked.text
        )
        speech = SPEECH[protocol](asked, number)
        try:
            if protocol == "gemini" and ":generateContent" in self.path:
                return self._json(speech.whole(json.dumps({"reasoning": "mock", "model_choice": "flash"})))
            if protocol != "gemini" and not body.get("stream"):
                return self._json(speech.whole("Mock"))
            return self._stream(asked, speech)
        except OSError:
            self.close_connection = True  # the client went away, as it does when a turn is interrupted
        return None

    def _body(self) -> bytes:
        if "chunked" in self.headers.get("Transfer-Encoding", ""):
            parts = []
            while size := int(self.rfile.readline().split(b";")[0], 16):
                parts.append(self.rfile.read(size))
                self.rfile.readline()
            self.rfile.readline()
            return b"".join(parts)
        return self.rfile.read(min(int(self.headers.get("Content-Length", 0)), LARGEST))

    def _other(self) -> None:
        self.server.model.note(method=self.command, path=self.path, protocol=None, kind="other", text="")
        if self.path.split("?")[0].endswith("/models"):
            return self._json({"object": "list", "data": [], "models": []})
        return self._json({"error": {"type": "not_found_error", "message": "not here"}}, 404)

    def _json(self, value: dict, status: int = 200) -> None:
        data = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    def _stream(self, asked: Asked, speech) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Cache-Control", "no-cache")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        self._chunk(speech.start())
        verb, rest = _wanted(asked)
        if self.server.model.mute and asked.kind == "turn":
            verb = "WAIT"
        beside = self.server.model.beside
        if beside and asked.keeps_memory and not asked.answered:
            self._chunk(speech.tool(*beside))
        elif call := asked.call():
            self._chunk(speech.tool(*call))
        elif (shift := self.server.model.shift) and asked.works_on() and asked.shell():
            self._chunk(speech.tool(asked.shell(), _call(asked.shell(), shift, asks=False)))
        elif verb == "RUN" and asked.shell():
            self._chunk(speech.tool(asked.shell(), _call(asked.shell(), rest)))
        elif verb == "EDIT" and asked.editor():
            self._chunk(speech.tool(asked.editor(), _edit(asked.editor(), rest)))
        else:
            if verb != "WAIT":
                self._chunk(speech.open_text())
            if verb in ("SLOW", "HOLD", "WAIT"):
                self._slowly(speech, float(rest or 1) if verb == "SLOW" else None, mute=verb == "WAIT")
            else:
                start = " ".join(asked.text.split())[:40]
                self._chunk(speech.text("Mock title" if asked.kind == "side" else f"Noted: {start}"))
            if verb == "WAIT":
                self._chunk(speech.open_text() + speech.text("Waited"))
            self._chunk(speech.close_text())
        self.wfile.write(b"0\r\n\r\n")

    def _slowly(self, speech, seconds: float | None, mute: bool) -> None:
        model = self.server.model
        released = model.hold() if seconds is None else model.stopped
        deadline = time.monotonic() + (HELD_FOR if seconds is None else seconds)
        count = 0
        while time.monotonic() < deadline and not released.wait(PAUSE) and not model.stopped.is_set():
            count += 1
            if not mute:
                self._chunk(speech.text(f"word{count} "))
        if not count and not mute:
            self._chunk(speech.text("word "))  # an answer without a word is none

    def _chunk(self, text: str) -> None:
        if text:
            data = text.encode()
            self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))
            self.wfile.flush()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    model: Model

    def handle_error(self, *_) -> None:
        pass  # a client that hangs up is no error of the model


class Model:
    """The model: `with Model() as model:`, then `model.url`. `log` is a file to which the JSON lines go as well."""

    def __init__(self, port: int = 0, log: str | None = None) -> None:
        self.log = log
        self.stopped = threading.Event()
        self._lock = threading.Lock()
        self._requests: list[dict] = []
        self._held: list[threading.Event] = []
        self.shift = ""  # the command that it runs with its shell tool, as an agent that works
        self.mute = False  # whether it takes every turn for one of WAIT
        self.beside: tuple[str, dict] | None = None  # the tool, and its arguments, that the agent with the memory calls
        self._server = _Server(("127.0.0.1", port), _Handler)
        self._server.model = self
        self.port = self._server.server_port
        self.url = f"http://127.0.0.1:{self.port}"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.1}, daemon=True)

    def __enter__(self) -> Model:
        self._thread.start()
        return self

    def __exit__(self, *_) -> None:
        self.stopped.set()
        self.release()
        self._server.shutdown()
        self._server.server_close()

    def note(self, heard: str = "", **entry) -> int:
        """Log one request, in which all texts together are `heard`; return its number."""
        entry = {"time": round(time.time(), 4), **entry}
        with self._lock:
            self._requests.append({**entry, "heard": heard})
            if self.log:
                with open(self.log, "a", encoding="utf-8") as file:
                    file.write(json.dumps(entry) + "\n")
            return len(self._requests)

    def requests(self) -> list[dict]:
        """Return every request so far, in order."""
        with self._lock:
            return list(self._requests)

    def prompts(self) -> list[str]:
        """Return the texts that were really submitted as turns, in order."""
        return [entry["text"] for entry in self.requests() if entry["kind"] == "turn"]

    def hold(self) -> threading.Event:
        """Return the event that ends a stream that HOLD or WAIT opened."""
        with self._lock:
            self._held.append(threading.Event())
            return self._held[-1]

    def held(self) -> int:
        """Return how many streams are open and wait for `release()`."""
        with self._lock:
            return len(self._held)

    def release(self) -> None:
        """End every stream that HOLD or WAIT opened."""
        with self._lock:
            for event in self._held:
                event.set()
            self._held.clear()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--log", help="a file to append the requests to, as JSON lines")
    options = parser.parse_args()
    with Model(options.port, options.log) as model:
        print(model.url, flush=True)
        try:
            threading.Event().wait()
        except KeyboardInterrupt:
            print()


if __name__ == "__main__":
    main()
