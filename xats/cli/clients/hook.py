"""The verbs that show hooks, and those that agent programs run: hook status, hook run, hook wait."""

from __future__ import annotations

from xats.base.errors import Usage
from xats.cli.kit import render
from xats.cli.kit.scope import project_folder

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from xats.cli.kit import params
    from xats.cli.kit.context import Context
    from xats.clients.model import Hooks
    from xats.hooks.install.installed import Installed

SCOPES = ("user", "project")


def status(here: Context, client: params.OptionalHookClientArg = None) -> int:
    """Show which agent programs have hooks of xats, in which file, and whether they work.

    The states: installed; stale: this xats would write them in another way; broken: the program that they run does not
    exist; unreadable.

    Example: xats hook status

    Example: xats hook status codex --json
    """
    from xats.hooks import clients
    from xats.hooks.install import command
    from xats.hooks.install.installed import look

    wanted = [clients.find(client)] if client else list(clients.CLIENTS)
    words = command.program()
    found = [
        look(one, scope, one.path(scope, here.environ, project_folder()), words) for one in wanted for scope in SCOPES
    ]
    programs = {one.name: on_path(here, one) for one in wanted}
    if here.json:
        render.document({"hooks": [_json(one, programs[one.client.name]) for one in found], "has_more": False})
        return 0
    shown = [one for one in found if client or one.state != "absent"]
    if shown:
        rows = [(one.client.name, one.scope, one.state, len(one.events), one.path, _detail(one)) for one in shown]
        render.table(("CLIENT", "SCOPE", "STATE", "EVENTS", "FILE", "DETAIL"), rows, stretch=("FILE", "DETAIL"))
    if here.quiet:
        return 0
    seen = {one.client.name for one in shown}
    idle = [name for name, path in programs.items() if path and (client or name not in seen)]
    if not shown:
        render.say("no agent program has hooks of xats")
    for one in shown:
        if one.state in ("stale", "broken"):
            option = " --project" if one.scope == "project" else ""
            render.say(f"  xats hook install {one.client.name}{option}")
    if idle and not client:
        render.say(f"  installed, without hooks: {', '.join(idle)}; to add them: xats hook install {idle[0]}")
    return 0


def run(here: Context, client: params.HookClientArg) -> int:
    """Answer a hook of an agent program; the program runs it, not you.

    It reads the event as JSON on standard input and prints an answer in the form of the program: who the agent is, its
    unread mail, or nothing. It always exits 0; errors are in the file STORE-hooks.log.

    Example: xats hook run claude-code
    """
    del here
    raise _not_by_hand(client)


def wait(here: Context, client: params.HookClientArg) -> int:
    """Wait beside a session until its agent is woken; the agent program runs it, not you.

    It reads the event as JSON on standard input and sleeps; there is one waiter for each session. When a line comes, it
    prints the line on standard error and exits 2, which wakes Claude Code; for a plugin it prints the line on standard
    output and exits 0. It ends with the program.

    Example: xats hook wait claude-code
    """
    del here
    raise _not_by_hand(client)


def _not_by_hand(client: str) -> Usage:
    """Return the error of a command line that hooks/run.py and hooks/wait.py do not answer. Raises NotFound."""
    from xats.hooks import clients

    clients.find(client)
    msg = "Only an agent program runs this: it writes the event to standard input."
    return Usage(msg, f"xats hook install {client}")


def _json(one: Installed, program: str | None) -> dict[str, Any]:
    return {
        "client": one.client.name,
        "scope": one.scope,
        "path": one.path,
        "state": one.state,
        "events": list(one.events),
        "missing": list(one.missing),
        "program": one.program,
        "program_exists": one.exists,
        "program_is_this": one.this,
        "client_program": program,
        "detail": one.detail,
        "waiter": one.waiter,
    }


def _detail(one: Installed) -> str:
    parts = [one.detail] if one.detail else []
    if one.waiter and one.client.form != "plugin":
        parts.append("with a waiter")
    if one.missing:
        parts.append(f"missing or different: {', '.join(one.missing)}")
    if one.state == "broken":
        parts.append(f"{one.program} does not exist")
    elif one.program and not one.this:
        parts.append(f"runs another xats: {one.program}")
    return "; ".join(parts)


def on_path(here: Context, client: Hooks) -> str | None:
    """Return where the program of `client` is, if it is in PATH."""
    import shutil

    from xats.clients import registry

    names = registry.find(client.name, here.environ).executables
    return next((found for name in names if (found := shutil.which(name))), None)
