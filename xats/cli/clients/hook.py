"""The verbs of hooks: install, uninstall, status, run, wait."""

from __future__ import annotations

import os

from xats.base.errors import Refused, SettingsBusy, Usage
from xats.base.record import record
from xats.cli.kit import people, render
from xats.cli.kit.context import project_folder

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from xats.cli.kit import params
    from xats.cli.kit.context import Here
    from xats.clients.model import Hooks
    from xats.hooks.install.installed import Installed
    from xats.hooks.install.plan import Plan

TRIES = 3  # plans that are made when others change the file meanwhile
SCOPES = ("user", "project")
SHARED = "{path} is read by everybody who works in this project, and names a program of yours: keep it out of git."
WAITER = (
    "Beside each session of an agent a small process waits for its mail now (some 13 MB, asleep), so that the agent is "
    "woken with no key pressed; without: --no-waiter."
)
NAMED = (
    "Mail comes to a session that has a name: start it by xats launch {} --name bob, or have the one that runs do: "
    "xats register bob"
)


def install(
    here: Here,
    client: params.HookClientArg,
    *,
    user: params.UserOption = False,
    project: params.ProjectOption = False,
    waiter: params.WaiterOption = None,
    follow_link: params.FollowLinkOption = False,
    dry_run: params.HookDryRunOption = False,
    yes: params.YesOption = False,
) -> int:
    """Add xats to the hooks of an agent program: it gets its mail without keystrokes.

    The settings file keeps every other character; what it was before is kept beside it until uninstall. Shows what it
    changes and asks; without a terminal say --yes. To install again brings the hooks up to date. A link that leads out
    of the project is followed only after a question, or with --follow-link.

    With --waiter an idle Claude Code is woken without a key too: beside each session of an agent a small process waits
    for its mail. The plugins of opencode and Amp do so by themselves.

    Example: xats hook install claude-code --dry-run

    Example: xats hook install codex --yes

    Example: xats hook install claude-code --waiter
    """
    from xats.hooks import clients
    from xats.hooks.install import command
    from xats.hooks.install.plan import plan_install

    found = clients.find(client)
    client = found.name
    scope = _scope(user=user, project=project)
    if waiter and not found.waiter:
        msg = f"The hooks of {client} start no waiter."
        raise Usage(msg, "its plugin keeps one by itself" if found.form == "plugin" else "only claude-code can")
    path = found.path(scope, here.environ, project_folder())
    words = command.program()
    said = "" if waiter is None else " --waiter" if waiter else " --no-waiter"
    line = f"xats hook install {client}{' --project' if project else ''}{said}"
    asked = Asked(line, path, follow_link=follow_link, dry_run=dry_run, yes=yes)
    plan = _do(here, lambda: plan_install(found, path, words, waiter=waiter), asked, scope)
    notes = _notes(here, found, scope, plan) if plan.changes else []
    done = plan.changes and not dry_run
    if here.json:
        render.document({**_plan_json(plan, scope, done=done), "notes": notes})
        return 0
    if not plan.changes:
        if not here.quiet:
            render.say(f"nothing to do: the hooks of {client} are in {render.one_line(path)}")
        return 0
    if done:
        render.put(f"hooks of {client} installed in {render.one_line(path)}")
    if not here.quiet:
        if done and plan.backup:
            render.say(f"  as it was before: {render.one_line(plan.backup)}")
        for note in notes:
            render.note(note)
        if done:
            render.say(f"  sessions that run now may need a restart; see: xats hook status {client}")
            render.note(NAMED.format(client))
    return 0


def uninstall(
    here: Here,
    client: params.HookClientArg,
    *,
    user: params.UserOption = False,
    project: params.ProjectOption = False,
    force: params.ChangedOption = False,
    follow_link: params.FollowLinkOption = False,
    dry_run: params.HookDryRunOption = False,
    yes: params.YesOption = False,
) -> int:
    """Remove the hooks of xats from an agent program.

    The file is what it was before, to the byte, unless others have changed it since: then only the entries of xats go.

    Example: xats hook uninstall claude-code
    """
    from xats.hooks import clients
    from xats.hooks.install.plan import plan_uninstall

    found = clients.find(client)
    client = found.name
    scope = _scope(user=user, project=project)
    path = found.path(scope, here.environ, project_folder())
    options = f"{' --project' if project else ''}{' --force' if force else ''}"
    line = f"xats hook uninstall {client}{options}"
    asked = Asked(line, path, follow_link=follow_link, dry_run=dry_run, yes=yes)
    plan = _do(here, lambda: plan_uninstall(found, path, force=force), asked, scope)
    done = plan.changes and not dry_run
    if here.json:
        render.document({**_plan_json(plan, scope, done=done), "notes": []})
    elif done:
        became = {"removed": "the file is gone", "restored": "the file is as it was before"}
        more = became.get(plan.action, "everything else in the file stayed")
        render.put(f"hooks of {client} taken out of {render.one_line(path)}; {more}")
    elif not plan.changes and not here.quiet:
        render.say(f"nothing to do: there are no hooks of xats in {render.one_line(path)}")
    return 0


def status(here: Here, client: params.OptionalHookClientArg = None) -> int:
    """Show which agent programs have hooks of xats, in which file, and whether they work.

    installed; stale: not as this xats would write it; broken: the program in it is not there; unreadable.

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
    programs = {one.name: _on_path(here, one) for one in wanted}
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
        render.say("no agent program runs xats at its hooks")
    for one in shown:
        if one.state in ("stale", "broken"):
            option = " --project" if one.scope == "project" else ""
            render.say(f"  xats hook install {one.client.name}{option}")
    if idle and not client:
        render.say(f"  here and without hooks: {', '.join(idle)}; xats hook install {idle[0]}")
    return 0


def run(here: Here, client: params.HookClientArg) -> int:
    """Answer a hook of an agent program; the program runs it, not you.

    It reads the event as JSON on standard input and prints what the program understands as its answer: who the agent
    is, its unread mail, or nothing. It exits 0 whatever happens; what went wrong is in the file STORE-hooks.log.

    Example: xats hook run claude-code
    """
    from xats.hooks import clients

    del here
    clients.find(client)
    msg = "A hook is run by an agent program, which writes the event to its standard input."
    raise Usage(msg, f"xats hook install {client}")


def wait(here: Here, client: params.HookClientArg) -> int:
    """Wait beside a session until its agent is woken; the agent program runs it, not you.

    It reads the event as JSON on standard input and sleeps; there is one for each session. When a line comes it says
    that on standard error and exits with 2, which wakes Claude Code; for a plugin it prints the line and exits with 0.
    It ends with the program.

    Example: xats hook wait claude-code
    """
    return run(here, client)


# -- asking ------------------------------------------------------------------------------------------------------------


def _scope(*, user: bool, project: bool) -> str:
    if user and project:
        msg = "--user and --project exclude each other."
        raise Usage(msg, "do one after the other")
    return "project" if project else "user"


@record
class Asked:
    """What the user has asked for: the command line without its answers, the file that it is about, the answers."""

    line: str
    path: str
    follow_link: bool
    dry_run: bool
    yes: bool


def _do(here: Here, make: Callable[[], Plan], asked: Asked, scope: str) -> Plan:
    """Make a plan and carry it out, once a person has seen it and said yes, or --yes was said. Return it."""
    from xats.hooks.install.plan import carry_out, diff

    plan = make()
    terminal = render.can_ask()
    if scope == "project" and (real := _outside(plan.file.path)):
        said = f"{render.one_line(asked.path)} leads out of the project by a link, to {render.one_line(real)}."
        if asked.dry_run or asked.follow_link or (terminal and not asked.yes):
            render.note(said)
        elif plan.changes:
            raise Refused(f"{said} Nothing was changed.", f"{asked.line} --follow-link --yes")
    if asked.dry_run:
        if not here.json:
            render.stream(render.visible(diff(plan)).splitlines())
        return plan
    if not plan.changes:
        carry_out(plan)  # a backup that is left goes
        return plan
    if asked.yes:
        for left in reversed(range(TRIES)):
            try:
                carry_out(plan)
                break
            except SettingsBusy:
                if not left:
                    raise
                plan = make()
        return plan
    answers = "--follow-link --yes" if asked.follow_link else "--yes"
    people.confirm(
        f"{'Remove' if plan.after is None else 'Write'} {render.one_line(plan.file.path)}?",
        f"{asked.line} {answers} (or --dry-run to see what it changes)",
        render.visible(diff(plan)).rstrip("\n"),
    )
    carry_out(plan)
    return plan


def _outside(real: str) -> str:
    """Return the path `real`, which has no links in it, if it is not in the project; "" if it is."""
    project = os.path.realpath(project_folder())
    return "" if os.path.commonpath((project, real)) == project else real


def _notes(here: Here, client: Hooks, scope: str, plan: Plan) -> list[str]:
    """Return what the user has to know or to do himself."""
    from xats.clients import model
    from xats.hooks.install import command
    from xats.hooks.launch import beside_login

    program = model.load(client.name)
    assert program
    notes = [program.install_note]
    folder = os.path.dirname(here.path)
    box = program.sandbox
    if box and box.writes:
        config = os.path.join(os.path.dirname(plan.file.path), box.config)
        if not box.writes(config, folder):
            notes.append(
                f"An agent in {program.title}'s sandbox cannot write the store, unless {config} says: "
                f"{box.line.format(folder=_quoted(folder))}"
            )
    if program.login_shell:
        notes.append(beside_login(program, command.program()[0], here.environ) or "")
    if plan.client.events != client.events:
        notes.append(WAITER)
    if scope == "project" and not (client.private and plan.file.data is not None):  # Claude Code hides what it makes
        notes.append(SHARED.format(path=plan.file.path))
    if scope == "project":
        notes.append(program.project_note)
    return [note for note in notes if note]


def _quoted(text: str) -> str:
    from xats.base.jsontext import to_json

    return to_json(text)  # what JSON writes, TOML reads


# -- showing -----------------------------------------------------------------------------------------------------------


def _plan_json(plan: Plan, scope: str, *, done: bool) -> dict[str, Any]:
    from xats.hooks.install.plan import diff

    return {
        "client": plan.client.name,
        "scope": scope,
        "path": plan.file.path,
        "action": plan.action,
        "written": done,
        "diff": diff(plan),
        "backup": plan.backup if plan.install else None,
    }


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
    said = [one.detail] if one.detail else []
    if one.waiter and one.client.form != "plugin":
        said.append("with a waiter")
    if one.missing:
        said.append(f"not as it is to be: {', '.join(one.missing)}")
    if one.state == "broken":
        said.append(f"there is no {one.program}")
    elif one.program and not one.this:
        said.append(f"runs another xats: {one.program}")
    return "; ".join(said)


def _on_path(here: Here, client: Hooks) -> str | None:
    """Return where the program of `client` is, if it is in PATH."""
    import shutil

    from xats.clients import registry

    names = registry.find(client.name, here.environ).executables
    return next((found for name in names if (found := shutil.which(name))), None)
