"""The verb that sets xats up for a new user: hooks, agents in panes, and a first mail: setup."""

from __future__ import annotations

from xats.base.errors import FAILURE, OK, UnknownAgent, XatsError
from xats.base.record import record, replace
from xats.cli.clients import find, find_text, hook, hook_install, panes, setup_text
from xats.cli.kit import people, render
from xats.core.mail import first
from xats.core.mail import inbox as letters
from xats.store.sqlite.paths import exists

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

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
    """Set xats up: add hooks to your agent programs, register those that run, and send yourself a first mail.

    It finds the agent programs in PATH and in your tmux panes, shows what it would change, and asks once. It adds hooks
    to your own settings of each program (see hook install), and registers each program that runs in a pane (see client
    find). Then it sends you a message and shows it. Nothing is typed and no program is restarted.

    A second run does only what is still to do. Without a terminal, give --yes.

    Example: xats setup

    Example: xats setup --dry-run
    """
    plan = _look(here)
    if dry_run or not plan.wanted:
        return setup_text.print_plan(here, plan, dry_run=dry_run)
    if not yes:
        command = f"{here.command('setup', '--yes')} (or --dry-run to see what it changes)"
        people.confirm(
            "Do this?", command, *setup_text.steps(here, plan), f"to see each change: {here.command('setup')} --dry-run"
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

    if not exists(here.path):
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
        render.document(setup_text.setup_json(here, plan, notes, pending=False))
        return plan.code
    setup_text.print_problems(plan)
    if not here.quiet:
        for note in dict.fromkeys(notes):
            render.note(note)
        setup_text.print_next(here, plan)
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
        now, columns = here.store.clock(), render.width()
        render.put(views.letter_text(letter, me.agent.team, now, reply_command(here), width=columns, room=columns))
    here.write(lambda tx, me: letters.mark_read(tx, me.agent, [sent]))
    return first.First(sent, "read")
