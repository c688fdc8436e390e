"""The plugins for opencode and Amp, run by a real node with a program in the place of xats."""

import json
import os
import shutil
import subprocess
import sys

import pytest

from xats.hooks import clients
from xats.hooks.install import plugins

NODE = shutil.which("node")
pytestmark = pytest.mark.skipif(not NODE, reason="node is not installed: the plugins are not run")

ANSWERS = {
    "SessionStart": {"hookSpecificOutput": {"additionalContext": "you are alice"}},
    "UserPromptSubmit": {"hookSpecificOutput": {"additionalContext": "mail 1"}},
    "PostToolUse": {"hookSpecificOutput": {"additionalContext": "mail 2"}},
    "PreToolUse": {"hookSpecificOutput": {"permissionDecision": "deny", "permissionDecisionReason": "locked by bob"}},
    "Stop": {"decision": "block", "reason": "mail 3"},
}
XATS = """#!{python}
import json, os, sys, time
def alive(pid):
    try:
        os.kill(pid, 0)
    except OSError:
        return False
    return True
about = json.load(sys.stdin)
with open({log!r}, "a") as file:
    file.write(json.dumps([sys.argv[1:], about]) + "\\n")
answers = {answers!r}
if sys.argv[2] == "wait":
    while alive(about["parent_pid"]) and not os.path.exists({log!r} + ".mail"):
        time.sleep(0.01)
    if os.path.exists({log!r} + ".mail"):
        os.unlink({log!r} + ".mail")
        print("xats: 1 new")
    sys.exit()
if about["hook_event_name"] == "Stop" and (about["stop_hook_active"] or about.get("status") == "aborted"):
    sys.exit()
print(answers.get(about["hook_event_name"], ""), end="")
"""

OPENCODE = """
const sent = []
const client = { session: { promptAsync: async (what) => sent.push(what) } }
const hooks = await (await import(process.argv[2])).Xats({ client, directory: "/proj" })
const event = async (type, properties) => await hooks.event({ event: { type, properties } })
event("session.created", { info: { id: "s1" } }) // opencode does not wait for it
await event("session.created", { info: { id: "s2", parentID: "s1" } })
const message = { message: { id: "m1" }, parts: [{ type: "text", text: "hello" }] }
await hooks["chat.message"]({ sessionID: "s1" }, message)
await hooks["chat.message"]({ sessionID: "s2" }, { message: { id: "m2" }, parts: [] })
let refused = ""
try {
  await hooks["tool.execute.before"]({ tool: "edit", sessionID: "s1" }, { args: { filePath: "a" } })
} catch (problem) {
  refused = problem.message
}
await hooks["tool.execute.before"]({ tool: "bash", sessionID: "s1" }, { args: {} })
const output = { output: "done" }
await hooks["tool.execute.after"]({ tool: "bash", sessionID: "s1" }, output)
await event("permission.asked", { sessionID: "s1" })
await event("permission.replied", { sessionID: "s1" })
await event("session.idle", { sessionID: "s1" })
await event("session.idle", { sessionID: "s1" })
await event("session.idle", { sessionID: "s2" })
await event("session.error", { sessionID: "s1", error: { name: "MessageAbortedError" } })
await event("session.idle", { sessionID: "s1" })
await event("session.compacted", { sessionID: "s1" })
const later = { message: { id: "m3" }, parts: [] }
await hooks["chat.message"]({ sessionID: "s1" }, later)
await event("session.deleted", { info: { id: "s1" } })
console.log(JSON.stringify({ sent, message, refused, output: output.output, later }))
"""
EDITS = """
const client = { session: { promptAsync: async () => {} } }
const hooks = await (await import(process.argv[2])).Xats({ client, directory: "/proj" })
const event = async (type, properties) => await hooks.event({ event: { type, properties } })
await event("session.created", { info: { id: "s1" } })
await event("session.created", { info: { id: "s2", parentID: "s1" } })
await event("session.created", { info: { id: "s3", parentID: "s2" } })
const before = async (tool, sessionID, callID, args) => {
  try {
    await hooks["tool.execute.before"]({ tool, sessionID, callID }, { args })
    return ""
  } catch (problem) {
    return problem.message
  }
}
const after = async (tool, sessionID, callID, args) => {
  const output = { output: "done" }
  await hooks["tool.execute.after"]({ tool, sessionID, callID, args }, output)
  return output.output
}
const said = []
const update = async (callID, status) => {
  const state = { status, input: { filePath: "a" } }
  await event("message.part.updated", { part: { sessionID: "s1", tool: "edit", callID, state } })
}
said.push(await before("edit", "s1", "c1", { filePath: "a" }))
said.push(await after("edit", "s1", "c1", { filePath: "a" }))
await update("c1", "completed")
said.push(await before("write", "s1", "c2", { filePath: "a" }))
await update("c2", "running")
await update("c2", "error")
await update("c2", "error")
await after("read", "s2", "c3", { filePath: "a" }) // a subagent without a refused edit
said.push(await before("edit", "s3", "c4", { filePath: "a" }), await after("edit", "s3", "c4", { filePath: "a" }))
console.log(JSON.stringify(said))
"""
REFUSED = """
const said = [await before("edit", "s3", "c1", { filePath: "a" })]
await update("c1", "error") // that was refused, so it has not failed
await after("read", "s2", "c2", { filePath: "a" })
await after("read", "s3", "c3", { filePath: "a" })
await after("glob", "s3", "c4", { pattern: "a" })
console.log(JSON.stringify(said))
"""
AMP = """
const on = {}
;(await import(process.argv[2])).default({ on: (name, run) => (on[name] = run) })
const thread = { id: "T-1" }
const said = []
await on["session.start"]({ thread })
said.push(await on["agent.start"]({ thread, message: "hello" }))
said.push(await on["agent.start"]({ thread, message: "again" }))
said.push(await on["tool.call"]({ thread, tool: "edit_file", input: { path: "a" } }))
said.push(await on["tool.call"]({ thread, tool: "Bash", input: {} }))
said.push(await on["tool.result"]({ thread, tool: "Bash", status: "done", output: "done" }))
said.push(await on["agent.end"]({ thread, status: "done" }))
said.push((await on["agent.end"]({ thread, status: "done" })) ?? null)
said.push((await on["agent.end"]({ thread, status: "cancelled" })) ?? null)
console.log(JSON.stringify(said))
"""


WAITING = """
import fs from "node:fs"
const log = process.argv[3]
const rest = (ms) => new Promise((resolve) => setTimeout(resolve, ms))
const until = async (what) => {
  while (!what()) await rest(10)
}
const told = () => fs.readFileSync(log, "utf8").trim().split("\\n").map((line) => JSON.parse(line))
const waiters = () => told().filter(([words]) => words[1] === "wait").length
const mail = async (left) => {
  fs.writeFileSync(log + ".mail", "")
  await until(() => !fs.existsSync(log + ".mail"))
  await rest(left)
}
const sent = []
"""
OPENCODE_WAITING = (
    WAITING
    + """
const client = { session: { promptAsync: async (what) => sent.push(what.body.parts[0].text) } }
const hooks = await (await import(process.argv[2])).Xats({ client, directory: "/proj" })
const event = async (type, properties) => await hooks.event({ event: { type, properties } })
const prompt = async () => await hooks["chat.message"]({ sessionID: "s1" }, { message: { id: "m" }, parts: [] })
const idle = async () => await event("session.idle", { sessionID: "s1" })
await event("session.created", { info: { id: "s1" } })
await event("session.created", { info: { id: "s2", parentID: "s1" } })
await mail(0)
await until(() => sent.length === 1)
await prompt() // the turn that it has begun
await idle()
await until(() => waiters() === 2)
await prompt()
await mail(500)
const inTurn = sent.length
await idle()
await until(() => sent.length === 2)
await prompt()
await idle()
await until(() => waiters() === 3)
await prompt()
await mail(500)
await hooks["tool.execute.after"]({ tool: "bash", sessionID: "s1" }, { output: "" }) // hands the mail over
await idle()
await until(() => waiters() === 4)
await event("session.deleted", { info: { id: "s1" } })
console.log(JSON.stringify({ sent, inTurn }))
"""
)
AMP_WAITING = (
    WAITING
    + """
const on = {}
const threads = { get: (id) => ({ appendUserMessage: async (what) => sent.push([id, what.type, what.content]) }) }
;(await import(process.argv[2])).default({ on: (name, run) => (on[name] = run), threads })
const thread = { id: "T-1" }
await on["session.start"]({ thread })
await mail(0)
await until(() => sent.length === 1)
await on["agent.start"]({ thread, message: "hello" })
await on["agent.end"]({ thread, status: "cancelled" })
await until(() => waiters() === 2)
await on["agent.start"]({ thread, message: "hello" })
await mail(500)
const inTurn = sent.length
await on["agent.end"]({ thread, status: "done" })
await until(() => sent.length === 2)
console.log(JSON.stringify({ sent, inTurn }))
"""
)


def run(folder, name, script, answers):
    """Run `script` with the plugin of client `name`; return what it printed, and what the program was told."""
    program, log = folder / "a 'b'" / "xats", folder / "log"
    program.parent.mkdir()
    texts = {event: answer if isinstance(answer, str) else json.dumps(answer) for event, answer in answers.items()}
    program.write_text(XATS.format(python=sys.executable, log=str(log), answers=texts))
    program.chmod(0o755)
    spoilt = folder / "spoilt"  # a project whose modules hide those of the library
    spoilt.mkdir()
    (spoilt / "json.py").write_text("raise RuntimeError('project json')")
    plugin, main = folder / "plugin.mjs", folder / "main.mjs"
    plugin.write_text(plugins.write(clients.find(name), (str(program),)))
    main.write_text(script)
    done = subprocess.run(
        [NODE, str(main), str(plugin), str(log)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={**os.environ, "PYTHONPATH": str(spoilt)},
    )
    assert (done.returncode, done.stderr) == (0, "")
    told = [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []
    assert {tuple(words) for words, _ in told} <= {("hook", "run", name), ("hook", "wait", name)}
    global waits
    waits = [about for words, about in told if words[1] == "wait"]
    return json.loads(done.stdout), [about for words, about in told if words[1] == "run"]


waits = []


def events(told):
    return [(one["hook_event_name"], one.get("session_id")) for one in told]


@pytest.mark.parametrize("name", ["opencode", "amp"])
def test_node_can_read_it(tmp_path, name):
    text = plugins.write(clients.find(name), ('/opt/a "b" \\ é/xats',))
    (tmp_path / "plugin.mjs").write_text(text)
    done = subprocess.run([NODE, "--check", str(tmp_path / "plugin.mjs")], capture_output=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, b"")
    assert plugins.unchanged(text)
    assert plugins.program(text, clients.find(name)) == ('/opt/a "b" \\ é/xats',)
    assert not plugins.unchanged(text + " ")


def test_opencode(tmp_path):
    said, told = run(tmp_path, "opencode", OPENCODE, ANSWERS)
    assert events(told) == [
        ("SessionStart", None),  # at the launch, before there is a session
        ("SessionStart", "s1"),
        ("UserPromptSubmit", "s1"),
        ("PreToolUse", "s1"),
        ("PostToolUse", "s1"),
        ("PermissionRequest", "s1"),
        ("PreToolUse", "s1"),
        ("Stop", "s1"),
        ("Stop", "s1"),
        ("Stop", "s1"),
        ("SessionStart", "s1"),
        ("UserPromptSubmit", "s1"),
        ("SessionEnd", "s1"),
    ]
    ends = [(one["stop_hook_active"], one["status"]) for one in told if one["hook_event_name"] == "Stop"]
    assert ends == [(False, "completed"), (True, "completed"), (False, "aborted")]
    assert told[2]["prompt"] == "hello"
    assert said["later"]["parts"][0]["text"] == "you are alice\n\nmail 1"
    added = said["message"]["parts"][1]
    assert (added["text"], added["synthetic"], added["messageID"]) == ("you are alice\n\nmail 1", True, "m1")
    assert added["id"].startswith("prt_")
    assert said["refused"] == "locked by bob"
    assert said["output"] == "done\n\nmail 2"
    assert said["sent"] == [{"path": {"id": "s1"}, "body": {"parts": [{"type": "text", "text": "mail 3"}]}}]


def about_edits(told):
    """Return what was told of tools: the event, the session and its subagent, and the file."""
    return [
        (one["hook_event_name"], one["session_id"], one.get("agent_id"), one.get("tool_input", {}).get("filePath"))
        for one in told
        if "tool_name" in one
    ]


def test_opencode_tells_of_edits_those_of_subagents_as_of_their_parents(tmp_path):
    remark = {"hookSpecificOutput": {"hookEventName": "PreToolUse", "additionalContext": "the zone of bob"}}
    said, told = run(tmp_path, "opencode", EDITS, {"PreToolUse": remark})
    assert said == ["", "done\n\nthe zone of bob", "", "", "done\n\nthe zone of bob"]
    assert about_edits(told) == [
        ("PreToolUse", "s1", None, "a"),
        ("PostToolUse", "s1", None, None),
        ("PreToolUse", "s1", None, "a"),
        ("PostToolUseFailure", "s1", None, "a"),
        ("PreToolUse", "s1", "s3", "a"),
    ]


def test_opencode_tells_what_a_subagent_reads_after_a_refused_edit(tmp_path):
    script = EDITS[: EDITS.index("said.push")].replace("const said = []\n", "") + REFUSED
    said, told = run(tmp_path, "opencode", script, {"PreToolUse": ANSWERS["PreToolUse"]})
    assert said == ["locked by bob"]
    assert about_edits(told) == [("PreToolUse", "s1", "s3", "a"), ("PostToolUse", "s1", "s3", "a")]


def test_amp(tmp_path):
    said, told = run(tmp_path, "amp", AMP, ANSWERS)
    assert said == [
        {"message": {"content": "you are alice\n\nmail 1"}},
        {"message": {"content": "mail 1"}},
        {"action": "reject-and-continue", "message": "locked by bob"},
        {"action": "allow"},
        {"status": "done", "output": "done\n\nmail 2"},
        {"action": "continue", "userMessage": "mail 3"},
        None,
        None,
    ]
    assert [event for event, _ in events(told)].count("SessionStart") == 1


OPENCODE_DEAF = """
const prompt = async () => {
  throw new Error("the server is gone")
}
const client = { session: { promptAsync: prompt } }
const hooks = await (await import(process.argv[2])).Xats({ client, directory: "/" })
const event = async (type, properties) => await hooks.event({ event: { type, properties } })
await event("session.created", { info: { id: "s1" } })
await hooks["chat.message"]({ sessionID: "s1" }, { message: { id: "m1" }, parts: [] })
const output = { output: { an: "object" } }
await hooks["tool.execute.after"]({ tool: "read", sessionID: "s1" }, output)
await event("session.idle", { sessionID: "s1" })
const later = { message: { id: "m2" }, parts: [] }
await hooks["chat.message"]({ sessionID: "s1" }, later)
console.log(JSON.stringify({ output, later }))
"""
AMP_DEAF = """
const on = {}
;(await import(process.argv[2])).default({ on: (name, run) => (on[name] = run) })
const thread = { id: "T-1" }
const said = []
said.push((await on["tool.result"]({ thread, tool: "Bash", status: "error", output: "failed" })) ?? null)
said.push((await on["tool.result"]({ thread, tool: "Look", status: "done", output: { an: "object" } })) ?? null)
console.log(JSON.stringify(said))
"""


def test_opencode_asks_for_no_mail_that_it_cannot_pass_on(tmp_path):
    """And what it could not begin a turn with comes with the next prompt."""
    said, told = run(tmp_path, "opencode", OPENCODE_DEAF, ANSWERS)
    assert [event for event, _ in events(told)][-4:] == ["UserPromptSubmit", "PreToolUse", "Stop", "UserPromptSubmit"]
    assert said["output"] == {"output": {"an": "object"}}
    assert said["later"]["parts"][0]["text"] == "mail 3\n\nmail 1"


def test_amp_asks_for_no_mail_that_it_cannot_pass_on(tmp_path):
    said, told = run(tmp_path, "amp", AMP_DEAF, ANSWERS)
    assert said == [None, None]
    assert events(told) == [("PreToolUse", "T-1")] * 2


@pytest.mark.parametrize("answer", ["", "no JSON", "null", "[]", "7", '{"hookSpecificOutput": 1}'])
def test_what_goes_wrong_is_silence(tmp_path, answer):
    said, _ = run(tmp_path, "opencode", OPENCODE, dict.fromkeys(ANSWERS, answer))
    assert (len(said["message"]["parts"]), said["refused"], said["output"], said["sent"]) == (1, "", "done", [])


def test_without_the_program_it_is_silence(tmp_path):
    plugin, main = tmp_path / "plugin.mjs", tmp_path / "main.mjs"
    plugin.write_text(plugins.write(clients.find("amp"), ("/nowhere/xats",)))
    main.write_text(AMP)
    done = subprocess.run([NODE, str(main), str(plugin)], capture_output=True, text=True, timeout=60, check=False)
    assert done.stderr == ""
    allow = {"action": "allow"}
    assert json.loads(done.stdout) == [{}, {}, allow, allow, None, None, None, None]


# -- waiters -----------------------------------------------------------------------------------------------------------

HANDED = {"PostToolUse": {"hookSpecificOutput": {"additionalContext": "xats mail for bob@t. ..."}}}


def test_opencode_waits_and_prompts_where_it_is_idle(tmp_path):
    said, _ = run(tmp_path, "opencode", OPENCODE_WAITING, HANDED)
    assert said == {"sent": ["xats: 1 new", "xats: 1 new"], "inTurn": 1}
    about = {"hook_event_name": "SessionStart", "session_id": "s1", "cwd": "/proj"}
    assert [{name: one[name] for name in about} for one in waits] == [about] * 4
    assert all(one["parent_pid"] > 1 for one in waits)


def test_amp_waits_and_appends_where_it_is_idle(tmp_path):
    said, _ = run(tmp_path, "amp", AMP_WAITING, {})
    assert said == {"sent": [["T-1", "user-message", "xats: 1 new"]] * 2, "inTurn": 1}
    assert {one["session_id"] for one in waits} == {"T-1"}
