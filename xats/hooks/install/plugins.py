"""The plugins of the programs that read no hook files: small programs that run `xats hook run`.

A plugin sends each event in the form of Claude Code and reads the answer in the same form. It ignores every failure, so
that it never breaks its host. Its first line holds the digest of the rest, which shows whether it was changed.
"""

from __future__ import annotations

import json
import re
from hashlib import sha256

from xats.hooks.install.command import CLEAN, line, words_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from xats.clients.model import Hooks

FIRST = "// xats hooks "
_first = re.compile(r"// xats hooks ([0-9a-f]{64})\n")
_command = re.compile(r"^const COMMAND = (\[.*\])$", re.MULTILINE)

HEADER = """\
// Written by `xats hook install {name}`, removed by `xats hook uninstall {name}`. Changes here are lost.
"""
ASK = """
import { spawn } from "node:child_process"

const COMMAND = %s
const CLEAN = %s // xats imports no module of the project
const LIMIT = 10000 // ms
const MAIL = "xats mail for " // mail in an answer begins with this

// Send an event to xats and return its answer; {} when it has none, is late, or does not exist.
function ask(about) {
  return new Promise((resolve) => {
    let said = ""
    let timer
    const done = (answer) => {
      clearTimeout(timer)
      resolve(answer)
    }
    try {
      const env = { ...process.env, ...CLEAN }
      const child = spawn(COMMAND[0], COMMAND.slice(1), { stdio: ["pipe", "pipe", "ignore"], env })
      timer = setTimeout(() => {
        child.kill()
        done({})
      }, LIMIT)
      child.on("error", () => done({}))
      child.stdin.on("error", () => {})
      child.stdout.setEncoding("utf8")
      child.stdout.on("data", (part) => (said += part))
      child.on("close", () => {
        try {
          done(JSON.parse(said) ?? {})
        } catch {
          done({})
        }
      })
      child.stdin.end(JSON.stringify(about))
    } catch {
      done({})
    }
  })
}

// A waiter beside a session: a process that sleeps until there is mail, prints one line, and ends. `say` gets the
// line when the session is idle. A line that comes during a turn waits until its end. It is dropped if that turn got
// mail from a hook: xats wakes the session again for the rest.
class Waiter {
  constructor(sessionID, cwd, say) {
    this.about = { hook_event_name: "SessionStart", session_id: sessionID, cwd, parent_pid: process.pid }
    this.say = say
    this.idle = true
    this.line = ""
  }

  start() {
    if (this.child || this.over) return
    let said = ""
    const child = spawn(COMMAND[0], [...COMMAND.slice(1, -2), "wait", COMMAND.at(-1)], {
      stdio: ["pipe", "pipe", "ignore"],
      env: { ...process.env, ...CLEAN },
    })
    this.child = child
    const ended = () => {
      this.child = undefined // the end of the next turn starts another one
      this.line = said.trim()
      if (this.idle) this.speak()
    }
    child.on("error", ended)
    child.on("close", ended)
    child.stdin.on("error", () => {})
    child.stdout.setEncoding("utf8")
    child.stdout.on("data", (part) => (said += part))
    child.stdin.end(JSON.stringify(this.about))
    for (const one of [child, child.stdin, child.stdout]) one.unref?.() // the program may end without it
  }

  speak() {
    const line = this.line
    this.line = ""
    if (line && !this.over) Promise.resolve(this.say(line)).catch(() => {})
  }

  busy() {
    this.idle = false
  }

  rest() {
    this.idle = true
    this.speak()
    this.start()
  }

  saw(text) {
    if (text.includes(MAIL)) this.line = ""
  }

  end() {
    this.over = true
    this.child?.kill()
  }
}

const contextOf = (answer) => answer?.hookSpecificOutput?.additionalContext ?? ""
const refusalOf = (answer) =>
  answer?.hookSpecificOutput?.permissionDecision === "deny"
    ? (answer.hookSpecificOutput.permissionDecisionReason ?? "refused by xats")
    : ""
"""


def write(client: Hooks, words: Sequence[str]) -> str:
    """Return the text of the plugin of `client`, which runs the program `words`."""
    command = json.dumps([*words, "hook", "run", client.name], ensure_ascii=False)
    head = HEADER.format(name=client.name) + client.plugin_mark
    rest = head + ASK % (command, json.dumps(CLEAN)) + client.plugin
    return f"{FIRST}{sha256(rest.encode()).hexdigest()}\n{rest}"


def unchanged(text: str) -> bool:
    """Tell whether `text` is a plugin that any version of xats wrote, unchanged."""
    found = _first.match(text)
    return found is not None and sha256(text[found.end() :].encode()).hexdigest() == found[1]


def program(text: str, client: Hooks) -> tuple[str, ...] | None:
    """Return the program that the plugin `text` of `client` runs, None if that is not in it."""
    found = _command.search(text)
    try:
        words = json.loads(found[1]) if found else []
        return words_of(line(words[:-3], client), client) if words[-3:-1] == ["hook", "run"] else None
    except (ValueError, TypeError):
        return None
