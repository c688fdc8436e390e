"""Amp. The signs on its screen are from public accounts; xats has not been tried with it."""

from __future__ import annotations

from xats.clients.model import Client, Hooks, Profile, claude_like

SCREEN = Profile(
    "amp",
    executables=("amp",),
    scripts=("amp",),
    prompts=("> ", "│ > ", "│ "),
    busy=("Esc to cancel", "esc to cancel", "Running tools"),
    dialog=("Waiting for approval", "Allow this command", "[Allow"),
    install="npm install -g @sourcegraph/amp",
)

# This plugin uses the event names of Claude Code, so that one reader understands them all.
PLUGIN = """
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
HOOKS = Hooks(
    "amp",
    variable="XDG_CONFIG_HOME",
    inner="amp",
    default=".config/amp",
    user="plugins/xats.ts",
    project=".amp/plugins/xats.ts",
    form="plugin",
    events=tuple(one for one in claude_like("") if one.point not in ("waiting", "session end")),
    plugin=PLUGIN,
    plugin_mark="// @i-know-the-amp-plugin-api-is-wip-and-very-experimental-right-now\n",
    forgets=True,
)
CLIENT = Client(SCREEN, title="Amp", hooks=HOOKS, marks=("AMP_THREAD_ID",))
