"""The plugins of the programs that take no hook files, opencode and Amp: small programs that ask `xats hook run`.

They tell it the event in the words of Claude Code and understand its answer likewise; what goes wrong in them is
silence, so that it never breaks its host. The first line has the digest of all that follows: by it a plugin is known to
be as it was written.
"""

from __future__ import annotations

import json
import re
from hashlib import sha256

from xats.hooks.command import CLEAN, line, words_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from xats.hooks.clients import Client

FIRST = "// xats hooks "
_first = re.compile(r"// xats hooks ([0-9a-f]{64})\n")
_command = re.compile(r"^const COMMAND = (\[.*\])$", re.MULTILINE)

HEADER = """\
// Written by `xats hook install {name}`, removed by `xats hook uninstall {name}`. What is changed here is not kept.
"""
ASK = """
import { spawn } from "node:child_process"

const COMMAND = %s
const CLEAN = %s // no module of the project is imported by xats
const LIMIT = 10000 // ms
const MAIL = "xats mail for " // what is handed over at a hook begins so

// Give an event to xats and return its answer; {} when it has none, or is late, or not there.
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

// A waiter beside a session: a process that sleeps until there is mail, says one line then, and ends. `say` gets the
// line when the session is idle. One that comes in a turn is kept until its end, and dropped if mail was handed over
// in it: what is left of that is woken for once more.
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
OPENCODE = """
const EDITS = new Set(["edit", "write", "patch", "apply_patch", "multiedit"])

export const Xats = async ({ client, directory }) => {
  const children = new Set() // sessions of subagents, which are nobody's seat
  const started = new Map() // session: what it is told with its first prompt, or will be
  const continued = new Set() // sessions whose turn was begun by the end of the one before
  const stopped = new Set() // sessions whose turn the user broke off: their end is no reason to go on
  const waiters = new Map() // session: its waiter
  let last = Promise.resolve() // opencode does not wait for us at an event; what we tell is told in its order

  const prompt = async (id, text) =>
    await client.session.promptAsync({ path: { id }, body: { parts: [{ type: "text", text }] } })

  const say = (about) => (last = last.then(() => ask({ cwd: directory, ...about })))

  const tell = async (event, sessionID, more) => {
    if (!sessionID || children.has(sessionID)) return {}
    const answer = await say({ hook_event_name: event, session_id: sessionID, ...more })
    waiters.get(sessionID)?.saw(contextOf(answer) + (answer.reason ?? ""))
    return answer
  }

  const start = async (sessionID, source) => {
    if (!sessionID || children.has(sessionID)) return ""
    if (!started.has(sessionID)) {
      started.set(sessionID, tell("SessionStart", sessionID, { source }).then(contextOf))
      await started.get(sessionID)
      if (!waiters.has(sessionID)) {
        const waiter = new Waiter(sessionID, directory, async (line) => await prompt(sessionID, line))
        waiters.set(sessionID, waiter)
        waiter.start()
      }
    }
    return await started.get(sessionID)
  }

  say({ hook_event_name: "SessionStart", source: "launch" }) // the first session comes with the first prompt

  return {
    event: async ({ event }) => {
      try {
        const about = event.properties ?? {}
        const sessionID = about.sessionID ?? about.info?.id
        if (event.type === "session.created") {
          if (about.info?.parentID) children.add(about.info.id)
          else await start(about.info?.id, "startup")
        } else if (event.type === "session.compacted") {
          started.delete(sessionID) // what it was told is gone: it is told again with the next prompt
        } else if (event.type === "session.error") {
          if (about.error?.name === "MessageAbortedError") stopped.add(sessionID)
        } else if (event.type === "session.deleted") {
          waiters.get(sessionID)?.end()
          await tell("SessionEnd", sessionID, { reason: "other" })
          waiters.delete(sessionID)
          started.delete(sessionID)
          children.delete(sessionID)
        } else if (event.type === "permission.asked" || event.type === "permission.updated") {
          await tell("PermissionRequest", sessionID, {})
        } else if (event.type === "permission.replied") {
          await tell("PreToolUse", sessionID, {}) // at work again, or at an end that is told next
        } else if (event.type === "session.idle") {
          const again = continued.delete(sessionID)
          const status = stopped.has(sessionID) ? "aborted" : "completed"
          const answer = await tell("Stop", sessionID, { stop_hook_active: again, status })
          if (answer.decision === "block" && answer.reason) {
            continued.add(sessionID)
            try {
              await prompt(sessionID, answer.reason)
            } catch {
              continued.delete(sessionID)
              started.set(sessionID, answer.reason) // it has that mail already: it gets it with the next prompt
            }
          } else {
            waiters.get(sessionID)?.rest()
          }
        }
      } catch {}
    },

    "chat.message": async (input, output) => {
      try {
        const sessionID = input.sessionID
        const first = await start(sessionID, "resume")
        started.set(sessionID, "")
        stopped.delete(sessionID)
        waiters.get(sessionID)?.busy()
        const prompt = output.parts.filter((part) => part.type === "text").map((part) => part.text).join("\\n")
        const answer = await tell("UserPromptSubmit", sessionID, { prompt })
        const text = [first, contextOf(answer)].filter(Boolean).join("\\n\\n")
        if (!text) return
        const id = `prt_xats${Date.now()}`
        output.parts.push({ id, sessionID, messageID: output.message.id, type: "text", text, synthetic: true })
      } catch {}
    },

    "tool.execute.before": async (input, output) => {
      if (!EDITS.has(input.tool)) return
      let refusal = ""
      try {
        const about = { tool_name: input.tool, tool_input: output.args }
        refusal = refusalOf(await tell("PreToolUse", input.sessionID, about))
      } catch {}
      if (refusal) throw new Error(refusal)
    },

    "tool.execute.after": async (input, output) => {
      try {
        // Where no text can be added no mail is asked for: it would be lost.
        const event = typeof output.output === "string" ? "PostToolUse" : "PreToolUse"
        const text = contextOf(await tell(event, input.sessionID, { tool_name: input.tool }))
        if (text) output.output += "\\n\\n" + text
      } catch {}
    },
  }
}
"""
AMP = """
const EDITS = new Set(["edit_file", "create_file", "apply_patch", "undo_edit"])

export default function (amp) {
  const started = new Map() // thread: what it is told with its first prompt
  const continued = new Set() // threads whose turn was begun by the end of the one before
  const waiters = new Map() // thread: its waiter

  const tell = async (event, about, more) => {
    const thread = about?.thread?.id
    if (!thread) return {}
    const answer = await ask({ hook_event_name: event, session_id: String(thread), cwd: process.cwd(), ...more })
    waiters.get(thread)?.saw(contextOf(answer) + (answer.reason ?? ""))
    return answer
  }

  const start = async (event) => {
    const thread = event?.thread?.id
    if (!thread || started.has(thread)) return
    started.set(thread, "")
    started.set(thread, contextOf(await tell("SessionStart", event, { source: "startup" })))
    const say = async (content) => await amp.threads.get(thread).appendUserMessage({ type: "user-message", content })
    const waiter = new Waiter(String(thread), process.cwd(), say)
    waiters.set(thread, waiter)
    waiter.start()
  }

  amp.on("session.start", async (event) => {
    try {
      await start(event)
    } catch {}
  })

  amp.on("agent.start", async (event) => {
    try {
      await start(event)
      waiters.get(event.thread.id)?.busy()
      const answer = await tell("UserPromptSubmit", event, { prompt: String(event.message ?? "") })
      const content = [started.get(event.thread.id), contextOf(answer)].filter(Boolean).join("\\n\\n")
      started.set(event.thread.id, "")
      return content ? { message: { content } } : {}
    } catch {
      return {}
    }
  })

  amp.on("tool.call", async (event) => {
    try {
      if (EDITS.has(event.tool)) {
        const message = refusalOf(await tell("PreToolUse", event, { tool_name: event.tool, tool_input: event.input }))
        if (message) return { action: "reject-and-continue", message }
      }
    } catch {}
    return { action: "allow" }
  })

  amp.on("tool.result", async (event) => {
    try {
      // Where no text can be added no mail is asked for: it would be lost.
      const adds = event.status === "done" && typeof event.output === "string"
      const text = contextOf(await tell(adds ? "PostToolUse" : "PreToolUse", event, { tool_name: event.tool }))
      if (!text) return
      return { status: event.status, output: `${event.output}\\n\\n${text}` }
    } catch {}
  })

  amp.on("agent.end", async (event) => {
    try {
      const waiter = waiters.get(event.thread.id)
      if (event.status !== "done") {
        waiter?.rest()
        return
      }
      const again = continued.delete(event.thread.id)
      const answer = await tell("Stop", event, { stop_hook_active: again })
      if (answer.decision !== "block" || !answer.reason) {
        waiter?.rest()
        return
      }
      continued.add(event.thread.id)
      return { action: "continue", userMessage: answer.reason }
    } catch {}
  })
}
"""
MARK = "// @i-know-the-amp-plugin-api-is-wip-and-very-experimental-right-now\n"  # without it Amp does not load a plugin


def write(client: Client, words: Sequence[str]) -> str:
    """Return the plugin of `client`, which runs the program `words`."""
    command = json.dumps([*words, "hook", "run", client.name], ensure_ascii=False)
    head = HEADER.format(name=client.name) + (MARK if client.name == "amp" else "")
    rest = head + ASK % (command, json.dumps(CLEAN)) + (AMP if client.name == "amp" else OPENCODE)
    return f"{FIRST}{sha256(rest.encode()).hexdigest()}\n{rest}"


def unchanged(text: str) -> bool:
    """Tell whether `text` is a plugin of ours, of this or another version, as it was written."""
    found = _first.match(text)
    return found is not None and sha256(text[found.end() :].encode()).hexdigest() == found[1]


def program(text: str, client: Client) -> tuple[str, ...] | None:
    """Return the program that a plugin of ours runs, if that can be read in it."""
    found = _command.search(text)
    try:
        words = json.loads(found[1]) if found else []
        return words_of(line(words[:-3], client.name), client.name) if words[-3:-1] == ["hook", "run"] else None
    except (ValueError, TypeError):
        return None
