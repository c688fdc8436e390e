"""opencode, seen at 1.18.33: a composer with a bar at its left, and the agent and model in its last row."""

from __future__ import annotations

from xats.base.record import replace
from xats.clients.model import Client, Hooks, Profile, added, claude_like

TYPE_CHECKING = False
if TYPE_CHECKING:
    from xats.hooks.launch import Kit, Launch

CONTENT = "OPENCODE_CONFIG_CONTENT"

SCREEN = Profile(
    "opencode",
    executables=("opencode",),
    scripts=("opencode",),
    frame="┃",
    margin=2,
    busy=("esc interrupt",),
    busy_rows=(" *[⬝■][⬝■][⬝■]*",),  # in a narrow pane that is all there is of it
    dialog=("Permission required", "Allow once"),
    modal=True,
    draft_rows=("*esc exit shell mode*",),  # in that mode a shell runs what it is given
    shows_cursor=True,
    settle_ms=20,
    submit_ms=3000,  # at the first prompt it makes a session, and plugins are heard, before the line goes
    bracketed_paste=True,
    paste_placeholders=("[[]Pasted ~*]",),
    install="npm install -g opencode-ai",
    quit="exit",  # for /exit it opens a menu, which takes the Enter if that comes later than 0.4 s
    first_prompt="--prompt {prompt}",
    resume="--session {id}",
    resume_keeps_id=True,
    resume_takes_prompt=False,
)


def launch(start: Launch, kit: Kit) -> Launch:
    """Name our plugin in OPENCODE_CONFIG_CONTENT, which is added to the user's configuration."""
    from pathlib import Path

    text = kit.plugin()
    path = kit.path("opencode", text, ".js")
    content = kit.appended(CONTENT, kit.environ.get(CONTENT, ""), "plugin", Path(path).as_uri())
    return replace(start, environ={**start.environ, CONTENT: content}, files=((path, text),), hooks="launch")


# This plugin uses the event names of Claude Code, so that one reader understands them all.
PLUGIN = """
const EDITS = new Set(["edit", "write", "patch", "apply_patch", "multiedit"])
const READS = new Set(["read", "bash"])

export const Xats = async ({ client, directory }) => {
  const children = new Map() // session of a subagent, which is nobody's seat: the session that started it
  const edits = new Map() // call of a tool that edits: what its model is told when it has edited
  const refused = new Set() // sessions of subagents with a refused edit: what they read is told
  const started = new Map() // session: what it is told with its first prompt, or will be
  const continued = new Set() // sessions whose turn was begun by the end of the one before
  const stopped = new Set() // sessions whose turn the user broke off: their end is no reason to go on
  const waiters = new Map() // session: its waiter
  let last = Promise.resolve() // opencode does not wait for us at an event; what we tell is told in its order

  const prompt = async (id, text) =>
    await client.session.promptAsync({ path: { id }, body: { parts: [{ type: "text", text }] } })

  const say = (about) => (last = last.then(() => ask({ cwd: directory, ...about })))

  const tell = async (event, sessionID, more) => {
    if (children.has(sessionID)) return await tellOfChild(event, sessionID, more)
    if (!sessionID) return {}
    const answer = await say({ hook_event_name: event, session_id: sessionID, ...more })
    waiters.get(sessionID)?.saw(contextOf(answer) + (answer.reason ?? ""))
    return answer
  }

  // Only an edit of a subagent, and what it reads after a refused one, is told: as its parent's.
  const tellOfChild = async (event, child, more) => {
    const edit = EDITS.has(more.tool_name) && event !== "PostToolUse"
    if (!edit && !(READS.has(more.tool_name) && refused.has(child))) return {}
    let parent = child
    while (children.has(parent)) parent = children.get(parent)
    return await say({ hook_event_name: event, session_id: parent, agent_id: child, ...more })
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
          if (about.info?.parentID) children.set(about.info.id, about.info.parentID)
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
          refused.delete(sessionID)
        } else if (event.type === "message.part.updated") {
          const { tool, callID, state } = about.part ?? {}
          if (state?.status !== "error" || !edits.delete(callID)) return
          await tell("PostToolUseFailure", about.part.sessionID, { tool_name: tool, tool_input: state.input })
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
        const answer = await tell("PreToolUse", input.sessionID, about)
        refusal = refusalOf(answer)
        if (!refusal) edits.set(input.callID, contextOf(answer))
        else if (children.has(input.sessionID)) refused.add(input.sessionID)
      } catch {}
      if (refusal) throw new Error(refusal)
    },

    "tool.execute.after": async (input, output) => {
      try {
        // Where no text can be added no mail is asked for: it would be lost.
        const event = typeof output.output === "string" ? "PostToolUse" : "PreToolUse"
        const read = event === "PostToolUse" && READS.has(input.tool) ? { tool_input: input.args } : {}
        const said = contextOf(await tell(event, input.sessionID, { tool_name: input.tool, ...read }))
        const text = [edits.get(input.callID), said].filter(Boolean).join("\\n\\n")
        edits.delete(input.callID)
        if (text) output.output += "\\n\\n" + text
      } catch {}
    },
  }
}
"""
HOOKS = Hooks(
    "opencode",
    variable="XDG_CONFIG_HOME",
    inner="opencode",
    default=".config/opencode",
    user="plugins/xats.js",
    project=".opencode/plugins/xats.js",
    form="plugin",
    events=claude_like("", fails=True),
    warn=added,
    plugin=PLUGIN,
)
CLIENT = Client(
    SCREEN,
    title="opencode",
    hooks=HOOKS,
    marks=("OPENCODE",),
    launch=launch,
    inbox="xats.delivery.transports.opencode_http",
)
