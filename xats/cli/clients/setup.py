"""The verb that sets xats up for a new user: hooks, agents in panes, and a first mail: setup."""

from __future__ import annotations

import os

from xats.base.errors import FAILURE, OK, UnknownAgent, XatsError
from xats.base.record import record, replace
from xats.cli.clients import find, find_text, hook, hook_install, panes
from xats.cli.kit import people, render
from xats.core.mail import first
from xats.core.mail import inbox as letters

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from xats.cli.clients.panes import Found, Known
    from xats.cli.kit import params
    from xats.cli.kit.context import Context
    from xats.clients.model import Hooks
    from xats.hooks.install.plan import Plan
    from xats.store import Tx
    from xats.tmux.servers import Listed

SCOPE = "user"


@record
class Hooked:
    """The hooks of one agent program: the change of its settings file, or why xats cannot change it."""

    client: Hooks
    plan: Plan | None
    problem: XatsError | None = None
    written: bool = False

    @property
    def wanted(self) -> bool:
        """Whether the file has to change."""
        return self.plan is not None and self.plan.changes


@record
class Setup:
    """What `setup` found, and what it would do."""

    hooks: tuple[Hooked, ...]
    listed: tuple[Listed, ...]
    found: tuple[Found, ...]
    rows: tuple[Known, ...]
    person: tuple[str, str] | None  #: (name, team) of the person whom the first mail registers
    unknown: XatsError | None  #: why xats does not know who gets the first mail
    mail: first.First | None  #: the first mail, if it was sent before

    @property
    def unregistered(self) -> list[Known]:
        """The programs in panes that get an agent."""
        return [one for one in self.rows if one.details is None and one.found.is_sure]

    @property
    def mail_wanted(self) -> bool:
        """Whether the first mail has to be sent or read."""
        return self.unknown is None and (self.mail is None or self.mail.state in ("unread", "shown"))

    @property
    def wanted(self) -> bool:
        """Whether there is anything to do."""
        return any(one.wanted for one in self.hooks) or bool(self.unregistered) or self.mail_wanted

    @property
    def code(self) -> int:
        """The exit code: whether xats can do, or did, all of it."""
        return FAILURE if any(one.problem for one in self.hooks) else OK


def setup(here: Context, *, dry_run: params.HookDryRunOption = False, yes: params.YesOption = False) -> int:
    """Set xats up: hooks for your agent programs, agents for those that run, and a first mail to yourself.

    It finds the agent programs in PATH and in your tmux panes, shows what it would change, and asks once. It adds hooks
    to your own settings of each program (see hook install), and registers each program that runs in a pane (see client
    find). Then it sends you a message and shows it. Nothing is typed and no program is restarted.

    A second run does only what is still to do. Without a terminal, give --yes.

    Example: xats setup

    Example: xats setup --dry-run
    """
    plan = _look(here)
    if dry_run or not plan.wanted:
        return _print_plan(here, plan, dry_run=dry_run)
    if not yes:
        command = f"{here.command('setup', '--yes')} (or --dry-run to see what it changes)"
        people.confirm(
            "Do this?", command, *_steps(here, plan), f"to see each change: {here.command('setup')} --dry-run"
        )
    try:
        return _carry_out(here, plan)
    except KeyboardInterrupt:
        render.say(f"stopped; what is done stays done. To do the rest: {here.command('setup')}")
        raise


# -- looking -----------------------------------------------------------------------------------------------------------


def _look(here: Context) -> Setup:
    """Return what there is to do. It changes nothing and creates no store."""
    listed, found = find.look(here)
    running = {one.best.client for one in found}
    clients = [one for one in _clients() if one.name in running or hook.on_path(here, one)]
    hooks = tuple(_plan(here, one) for one in clients)
    rows = tuple(panes.known(here, found))
    person, unknown, mail = _first_mail(here)
    return Setup(hooks, tuple(listed), tuple(found), rows, person, unknown, mail)


def _clients() -> tuple[Hooks, ...]:
    from xats.hooks.clients import CLIENTS

    return CLIENTS


def _maker(here: Context, client: Hooks) -> Callable[[], Plan]:
    """Return what plans the hooks of `client` in the user's own settings."""
    from xats.hooks.install import command
    from xats.hooks.install.plan import plan_install

    path = client.path(SCOPE, here.environ, "")
    return lambda: plan_install(client, path, command.program())


def _plan(here: Context, client: Hooks) -> Hooked:
    try:
        return Hooked(client, _maker(here, client)())
    except XatsError as problem:
        return Hooked(client, None, problem)


def _first_mail(here: Context) -> tuple[tuple[str, str] | None, XatsError | None, first.First | None]:
    """Return the person whom the first mail would register, why nobody can get it, and the mail if it was sent."""
    from xats.identity.resolve import FirstUse

    if not os.path.exists(here.path):
        name = None if here.as_name else here.person()
        return ((name, here.team), None, None) if name else (None, UnknownAgent(), None)

    def look(tx: Tx) -> tuple[tuple[str, str] | None, XatsError | None, first.First | None]:
        try:
            return None, None, first.find(tx, here.me(tx, register=False).agent)
        except FirstUse as new:
            return (new.name, new.team), None, None
        except XatsError as problem:
            if here.as_name:
                raise
            return None, problem, None

    return here.store.read(look)


# -- doing -------------------------------------------------------------------------------------------------------------


def _carry_out(here: Context, plan: Setup) -> int:
    """Do what `plan` says, one complete step after another; return the exit code."""
    notes: list[str] = []
    hooks = []
    for one in plan.hooks:
        done = _write_hooks(here, one)
        hooks.append(done)
        if done.written and done.plan:
            notes += hook_install.notes_of(here, done.client, SCOPE, done.plan)
            if not here.json:
                render.put(f"hooks of {done.client.name} installed in {render.one_line(done.plan.file.path)}")
    rows = tuple(find.register_all(here, plan.found)) if plan.unregistered else plan.rows
    if not (here.json or here.quiet) and any(one.done for one in rows):
        find_text.print_registered(here, rows)
    mail = _send_and_read(here) if plan.mail_wanted else plan.mail
    here.rouse_daemon()
    plan = replace(plan, hooks=tuple(hooks), rows=rows, mail=mail)
    if here.json:
        render.document(_json(here, plan, notes, pending=False))
        return plan.code
    _print_problems(plan)
    if not here.quiet:
        for note in dict.fromkeys(notes):
            render.note(note)
        _print_next(here, plan)
    return plan.code


def _write_hooks(here: Context, one: Hooked) -> Hooked:
    """Change the settings file that `one` is about, if that is to do."""
    if one.plan is None or not one.wanted:
        return one
    try:
        return replace(one, plan=hook_install.write(_maker(here, one.client), one.plan), written=True)
    except XatsError as problem:
        return replace(one, problem=problem)


def _send_and_read(here: Context) -> first.First:
    """Send me the first mail, read it back from the store, print it, and mark it read."""
    from xats.cli.kit import views
    from xats.cli.mail.inbox import reply_command

    sent = here.write(lambda tx, me: first.send(tx, me.agent, me.evidence))
    letter, me = here.read(lambda tx, me: (letters.show(tx, me.agent, sent), me))
    if not here.json:
        render.put(views.letter_text(letter, me.agent.team, here.store.clock(), reply_command(here)))
    here.write(lambda tx, me: letters.mark_read(tx, me.agent, [sent]))
    return first.First(sent, "read")


# -- in words ----------------------------------------------------------------------------------------------------------


def _steps(here: Context, plan: Setup) -> list[str]:
    """Return in words what `plan` would do, a line for each step."""
    lines = ["xats would:"]
    for one in plan.hooks:
        if one.wanted and one.plan:
            what = "renew the hooks" if _has_hooks(here, one) else "add hooks"
            lines.append(f"  {what} of {one.client.name}: {render.one_line(one.plan.file.path)}")
    for known in plan.unregistered:
        found = known.found
        where = f"{found.sighted.pane.pane_id} in {render.one_line(find_text.short(found.folder, find_text.FOLDER[1]))}"
        lines.append(f"  register the {found.best.client} in pane {where}")
    if plan.person:
        lines.append(f"  register you as {plan.person[0]} in team {plan.person[1]}")
    if plan.mail_wanted:
        lines.append("  send you a first message, and show it")
    return lines


def _has_hooks(here: Context, one: Hooked) -> bool:
    from xats.hooks.install.installed import look

    return look(one.client, SCOPE, one.client.path(SCOPE, here.environ, ""), ()).state != "absent"


def _print_plan(here: Context, plan: Setup, *, dry_run: bool) -> int:
    """Print what is to do, with the change of each file if `dry_run`; or that nothing is."""
    if here.json:
        render.document(_json(here, plan, [], pending=plan.wanted))
        return plan.code
    if plan.wanted:
        from xats.hooks.install.plan import diff

        render.stream(_steps(here, plan))
        for one in plan.hooks:
            if one.wanted and one.plan and dry_run:
                render.stream(render.visible(diff(one.plan)).splitlines())
    elif not here.quiet:
        render.say("nothing to do: everything is set up")
    _print_problems(plan)
    if not here.quiet:
        _print_next(here, plan)
    return plan.code


def _print_problems(plan: Setup) -> None:
    """Print what xats cannot do, and how to fix it."""
    for one in plan.hooks:
        if one.problem:
            fix = f" To fix it: {one.problem.hint}" if one.problem.hint else ""
            render.warn(f"no hooks for {one.client.name}: {render.one_line(f'{one.problem}{fix}')}")
    for server in plan.listed:
        if server.problem:
            render.warn(render.one_line(str(server.problem)))


def _print_next(here: Context, plan: Setup) -> None:
    """Print what a person does next."""
    if not plan.hooks and not plan.found:
        render.note("no agent program found in PATH or in a tmux pane: install one, and run this again")
    find_text.print_by_hand(here, plan.rows)
    if plan.unknown:
        render.note(f"no first mail: {plan.unknown} {here.complete(plan.unknown.hint)}")
    if any(one.written for one in plan.hooks) and plan.rows:
        render.note("an agent program that runs now loads its hooks when it starts the next time")
    if line := _completions(here):
        render.say(f"  to complete xats in your shell, add to {line[0]}:")
        render.say(f"    {line[1]}")
    render.say(f"  start an agent in a pane of its own: {here.command('launch', _program(plan), '--name', 'bob')}")
    render.say(f"  what waits for you, and who needs you: {here.command().strip()}")


def _program(plan: Setup) -> str:
    """Return the word by which a user starts the first program that was found."""
    from xats.clients import registry

    for one in plan.hooks:
        if names := registry.find(one.client.name, os.environ).executables:
            return names[0]
    return "claude"


def _completions(here: Context) -> tuple[str, str] | None:
    """Return the file and the line by which the user's shell gets the completions of xats.

    Return None if the shell has them, or if they are not installed beside this Python.
    """
    import sys

    from xats.base import calling

    home, shell = here.environ.get("HOME", ""), os.path.basename(here.environ.get("SHELL", ""))
    files = {
        "bash": ("bash-completion/completions/xats", ".bashrc", "source {}"),
        "zsh": ("zsh/site-functions/_xats", ".zshrc, before compinit", "fpath+=({})"),
        "fish": ("fish/vendor_completions.d/xats.fish", ".config/fish/config.fish", "source {}"),
    }
    if shell not in files or not home:
        return None
    inner, read, line = files[shell]
    path = os.path.join(sys.prefix, "share", inner)
    shared = os.path.join(here.environ.get("XDG_DATA_HOME") or os.path.join(home, ".local", "share"), inner)
    if sys.prefix in ("/usr", "/usr/local") or os.path.exists(shared) or not os.path.exists(path):
        return None
    try:
        with open(os.path.join(home, read.partition(",")[0]), encoding="utf-8", errors="replace") as file:
            if path in (said := file.read()) or os.path.dirname(path) in said:
                return None
    except OSError:
        pass
    return f"~/{read}", line.format(calling.quoted(os.path.dirname(path) if shell == "zsh" else path))


# -- JSON --------------------------------------------------------------------------------------------------------------


def _json(here: Context, plan: Setup, notes: list[str], *, pending: bool) -> dict[str, Any]:
    return {
        "pending": pending,
        "hooks": [_hooks_json(one) for one in plan.hooks],
        "panes": [find_text.pane_json(here, one) for one in plan.rows],
        "message": plan.mail.id if plan.mail else None,
        "notes": notes,
        "has_more": False,
    }


def _hooks_json(one: Hooked) -> dict[str, Any]:
    problem = one.problem
    return {
        "client": one.client.name,
        "path": one.plan.file.path if one.plan else None,
        "action": one.plan.action if one.plan else "unchanged",
        "written": one.written,
        "problem": {"code": problem.code, "message": str(problem), "hint": problem.hint} if problem else None,
    }
