"""The verbs that change the hooks of an agent program: hook install, hook uninstall."""

from __future__ import annotations

import os

from xats.base.errors import Refused, SettingsBusy, Usage
from xats.base.record import record
from xats.cli.kit import people, render
from xats.cli.kit.scope import project_folder
from xats.store.sqlite.paths import folder_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from xats.cli.kit import params
    from xats.cli.kit.context import Context
    from xats.clients.model import Hooks
    from xats.hooks.install.plan import Plan

TRIES = 3  # plans that are made when others change the file meanwhile
SHARED = "Everybody who works in this project reads {path}, and it names a program of yours: keep it out of git."
WAITER = (
    "From now on a small process waits for its mail beside each session of an agent (some 13 MB, asleep). It wakes the "
    "agent, and xats types nothing. To leave it out: --no-waiter."
)
NAMED = (
    "A session needs a name to get mail. To start one with a name: xats launch {} --name bob. To name one that runs, "
    "run in it: xats register bob"
)


def install(
    here: Context,
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

    Every other character of the settings file stays. A copy of the file before the change is kept beside it until
    uninstall. The command shows the change and asks first; without a terminal, give --yes. A second install brings the
    hooks up to date. xats follows a link out of the project only after a question, or with --follow-link.

    With --waiter xats wakes an idle Claude Code without keystrokes too: a small process waits for mail beside each
    session of an agent. The plugins of opencode and Amp always do this.

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
        msg = f"The hooks of {client} cannot start a waiter."
        raise Usage(
            msg, "leave --waiter out: its plugin has a waiter" if found.form == "plugin" else "only claude-code can"
        )
    path = found.path(scope, here.environ, project_folder())
    words = command.program()
    option = "" if waiter is None else " --waiter" if waiter else " --no-waiter"
    line = f"xats hook install {client}{' --project' if project else ''}{option}"
    asked = Asked(line, path, follow_link=follow_link, dry_run=dry_run, yes=yes)
    plan = _carry_out(here, lambda: plan_install(found, path, words, waiter=waiter), asked, scope)
    notes = notes_of(here, found, scope, plan) if plan.changes else []
    done = plan.changes and not dry_run
    if here.json:
        render.document({**_plan_json(plan, scope, done=done), "notes": notes})
        return 0
    if not plan.changes:
        if not here.quiet:
            render.say(f"nothing to do: {render.one_line(path)} has the hooks of {client} already")
        return 0
    if done:
        render.put(f"hooks of {client} installed in {render.one_line(path)}")
    if not here.quiet:
        if done and plan.backup:
            render.say(f"  the file before the change: {render.one_line(plan.backup)}")
        for note in notes:
            render.note(note)
        if done:
            render.say(f"  sessions that run now may need a restart; see: xats hook status {client}")
            render.note(NAMED.format(client))
    return 0


def uninstall(
    here: Context,
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

    The file becomes what it was before, byte for byte. If others have changed it since, only the entries of xats are
    removed.

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
    plan = _carry_out(here, lambda: plan_uninstall(found, path, force=force), asked, scope)
    done = plan.changes and not dry_run
    if here.json:
        render.document({**_plan_json(plan, scope, done=done), "notes": []})
    elif done:
        became = {"removed": "the file is removed", "restored": "the file is as it was before"}
        more = became.get(plan.action, "everything else in the file stays")
        render.put(f"hooks of {client} removed from {render.one_line(path)}; {more}")
    elif not plan.changes and not here.quiet:
        render.say(f"nothing to do: no hooks of xats in {render.one_line(path)}")
    return 0


# -- asking ------------------------------------------------------------------------------------------------------------


def _scope(*, user: bool, project: bool) -> str:
    if user and project:
        msg = "--user and --project exclude each other."
        raise Usage(msg, "do one after the other")
    return "project" if project else "user"


@record
class Asked:
    """What the user asked for: the command line without its answers, the file, and the answers."""

    line: str
    path: str
    follow_link: bool
    dry_run: bool
    yes: bool


def _colored(diff: str) -> list[str]:
    """Return the lines of a unified diff for a terminal: what is added in green, what is removed in red."""
    colors = {"+": "green", "-": "red", "@": "dim"}
    return [render.painted(line, colors.get(line[:1], "")) for line in render.visible(diff).splitlines()]


def _carry_out(here: Context, make: Callable[[], Plan], asked: Asked, scope: str) -> Plan:
    """Make a plan, have a person confirm it unless --yes was given, carry it out, and return it. Raises Refused."""
    from xats.hooks.install.plan import carry_out, diff

    plan = make()
    terminal = render.can_ask()
    if scope == "project" and (real := _outside(plan.file.path)):
        link = f"{render.one_line(asked.path)} leads out of the project by a link, to {render.one_line(real)}."
        if asked.dry_run or asked.follow_link or (terminal and not asked.yes):
            render.note(link)
        elif plan.changes:
            raise Refused(f"{link} Nothing was changed.", f"{asked.line} --follow-link --yes")
    if asked.dry_run:
        if not here.json:
            render.stream(_colored(diff(plan)))
        return plan
    if not plan.changes:
        carry_out(plan)  # it removes a backup that is left
        return plan
    if asked.yes:
        return write(make, plan)
    answers = "--follow-link --yes" if asked.follow_link else "--yes"
    people.confirm(
        f"{'Remove' if plan.after is None else 'Write'} {render.one_line(plan.file.path)}?",
        f"{asked.line} {answers} (or --dry-run to see what it changes)",
        "\n".join(_colored(diff(plan))),
    )
    carry_out(plan)
    return plan


def write(make: Callable[[], Plan], plan: Plan) -> Plan:
    """Carry out `plan`, or a new one of `make` if others change the file meanwhile; return it. Raises SettingsBusy."""
    from xats.hooks.install.plan import carry_out

    for left in reversed(range(TRIES)):
        try:
            carry_out(plan)
            break
        except SettingsBusy:
            if not left:
                raise
            plan = make()
    return plan


def _outside(real: str) -> str:
    """Return the path `real`, which has no links in it, if it is outside the project, else ""."""
    project = os.path.realpath(project_folder())
    return "" if os.path.commonpath((project, real)) == project else real


def notes_of(here: Context, client: Hooks, scope: str, plan: Plan) -> list[str]:
    """Return what the user should know or do."""
    from xats.clients import model
    from xats.hooks.install import command
    from xats.hooks.launch import beside_login

    program = model.load(client.name)
    assert program
    notes = [program.install_note]
    folder = folder_of(here.path)
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
