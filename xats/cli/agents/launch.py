"""The verb that starts an agent program: launch. Its process becomes that program (execve)."""

from __future__ import annotations

import os
import sys

from xats.base import calling, host, occupancy, process
from xats.base.errors import NameTaken, NotFound, ProgramMissing, Refused, Usage, XatsError
from xats.cli.kit import render
from xats.cli.kit.scope import project_folder
from xats.cli.teams import membership
from xats.core.address import check_name
from xats.core.agents import agents, registration
from xats.core.teams import teams
from xats.identity import binding
from xats.store.sqlite.paths import exists, folder_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import NoReturn

    from xats.base.pane import Pane
    from xats.cli.kit import params
    from xats.cli.kit.context import Context
    from xats.clients.profile import Profile
    from xats.core.agents.registration import Registered
    from xats.hooks.launch import Launch
    from xats.store import Tx

LABELS = (
    "the command does not set --role, --tag, --cap, --model and --wake: the agent sets them with xats register NAME"
)


def launch(
    here: Context,
    client: params.LaunchClientArg,
    args: params.LaunchArgsArg = None,
    *,
    name: params.LaunchNameOption = None,
    role: params.OwnRoleOption = None,
    tag: params.TagOption = None,
    cap: params.CapOption = None,
    model: params.ModelOption = None,
    wake: params.WakeByOption = None,
    takeover: params.TakeoverOption = False,
    writable_store: params.WritableOption = False,
    only_print: params.PrintOption = False,
) -> int:
    """Start an agent program in this pane, registered and with its hooks.

    The process of xats becomes the program, so the exit code is the program's. The hooks are for this launch alone;
    xats changes no settings file. It says so if the program takes no hooks for one launch, or has them already.
    In tmux what it says stays on your screen for five seconds or until you press a key; the program starts meanwhile.
    Arguments after -- go to the program unchanged.

    Example: xats launch claude --name alice --role reviewer

    Example: xats launch codex -- resume --last

    Example: xats launch claude --print
    """
    from xats.cli.agents.register import check
    from xats.hooks.launch import with_notes

    if here.json and not only_print:
        msg = "--json needs --print: without it the program prints its own output."
        raise Usage(msg, f"xats launch {client} --print --json")
    check(name=name, role=role, tag=tag, cap=cap, wake=wake)
    found = profile(client, here.environ)
    program = find_program(found, here.environ)
    how = _plan(here, found, program, args or [], writable=writable_store)
    pane = _pane(here)
    if only_print:
        if role or tag or cap or model or wake:
            how = with_notes(how, LABELS)
        return _print(here, _would_be(here, name, found, pane), how)
    _refuse_inside(here, pane)
    path = calling.path_for(here.environ, login=_in_login_shell(found.name))
    seat = agents.Seat(
        host=here.host,
        pid=os.getpid(),
        pid_started=process.started(os.getpid()),
        client_session=None,
        pane=pane,
        host_name=host.name(),
    )

    agreed = membership.agree(here)

    def work(tx: Tx) -> tuple[Registered, bool]:
        whom = _whom(here, tx, name, found, pane)
        membership.join(here, tx, whom[0], agreed=agreed)
        known = agents.find(tx, *whom)
        mine = _holds_above(here, tx, *whom)
        changes = registration.Changes(
            role=role,
            client=found.name,
            model=model,
            tags=tuple(tag) if tag else None,
            capabilities=tuple(cap) if cap else None,
            wake_by=agents.chosen_wake_by(wake),
        )
        taken = takeover or mine
        done = registration.register(
            tx, *whom, changes, seat, lambda one: occupancy.holds(one.seat), xats_path=path, takeover=taken
        )
        return done, known is not None and known.expected

    from xats.core import clock
    from xats.hooks.launch import forget, write

    for path, text in how.files:
        write(path, text)
    try:
        done, waited = here.store.write(work)
    except NameTaken as problem:
        raise NameTaken(str(problem), "take another --name, or say --takeover", **problem.data) from problem
    if how.files and (now := here.store.read(clock.trusted_time)) is not None:
        for path, _ in how.files:
            forget(path, now)
    _introduce(here, done, how)
    return _become(here, done, how, waited=waited)


# -- which program -----------------------------------------------------------------------------------------------------


def profile(word: str, environ: Mapping[str, str]) -> Profile:
    """Return the profile of the client, or of the agent program, with the name `word`. Raises NotFound, Usage."""
    from xats.clients import registry

    try:
        found = registry.called(word, environ)
        if found.executables:
            return found
    except NotFound:
        pass
    from difflib import get_close_matches

    profiles = [registry.find(name, environ) for name in registry.names(environ)]
    programs = [one.executables[0] for one in profiles if one.executables]
    near = get_close_matches(word.lower(), programs, 1, 0.5)
    msg = f"xats can start no agent program with the name {word}."
    raise NotFound(msg, f"did you mean {near[0]}?" if near else f"one of: {', '.join(programs)}")


def find_program(found: Profile, environ: Mapping[str, str]) -> str:
    """Return the path of a client's program. Raises ProgramMissing, with the command that installs it."""
    from shutil import which

    for name in found.executables:
        path = which(name, path=environ.get("PATH", os.defpath))
        if path:
            return os.path.abspath(path)
    msg = f"There is no program {found.executables[0]} in PATH."
    raise ProgramMissing(msg, found.install or f"install it, or change executables: xats client show {found.name}")


def _plan(here: Context, found: Profile, program: str, args: list[str], *, writable: bool) -> Launch:
    """Return the command line, files and environment of the program, without the name of the agent."""
    from xats.base.folders import kept
    from xats.clients import model
    from xats.hooks import launch as ways
    from xats.hooks.install import command

    client = model.load(found.name)
    box = client.sandbox if client else None
    if writable and not (box and box.writes):
        msg = f"--writable-store is for the sandbox of codex; {found.name} has none that xats knows."
        raise Usage(msg, "leave it out")
    store = folder_of(here.path)
    folder = os.path.join(kept(here.environ), "launch")
    place = ways.Place(here.environ, project_folder(), folder, command.program())
    how = ways.plan(found.name, program, args, place, store if writable else None)
    if client and client.hooks and box and box.writes and not writable:
        config = os.path.join(os.path.dirname(client.hooks.path("user", here.environ, "")), box.config)
        if not box.writes(config, store):
            note = (
                f"{client.title}'s sandbox cannot write the store, so the agent cannot send; --writable-store allows it"
            )
            how = ways.with_notes(how, note)
    unfound = ways.beside_login(client, place.xats[0], here.environ) if client and client.login_shell else None
    return ways.with_notes(how, unfound) if unfound else how


def _in_login_shell(name: str) -> bool:
    """Tell whether the client `name` runs each command in a login shell."""
    from xats.clients import model

    client = model.load(name)
    return client is not None and client.login_shell


# -- who, and where ----------------------------------------------------------------------------------------------------


def _pane(here: Context) -> Pane | None:
    from xats.tmux import pane as panes

    return panes.here(here.environ)


def _refuse_inside(here: Context, pane: Pane | None) -> None:
    """Refuse a launch as a tool call of an agent: that agent already has the seat, and a second program would not."""
    from xats.clients import sessions

    program = here.circumstances.program()
    if program:
        msg = f"{program[1]} (pid {program[0].pid}) already occupies this pane and started this command."
    elif sessions.inside_agent(here.environ) and not (
        pane and pane.pane_pid in (os.getpid(), *(one.pid for one in here.circumstances.ancestors()))
    ):  # the shell of a pane has these variables too if an agent has started the tmux server
        found = next(name for name in (*sessions.SESSION_IDS, *sessions.MARKS) if here.environ.get(name))
        msg = f"This looks like a tool call inside an agent program (found {found})."
    else:
        return
    raise Refused(msg, "start it in a pane of its own: tmux split-window xats launch ...")


def _asked(here: Context, name: str | None) -> tuple[str | None, str] | None:
    """Return the agent of --name, --as or XATS_AGENT as (team, name); the team is None if they do not name it."""
    said = name or here.as_name or here.environ.get("XATS_AGENT")
    if not said:
        return None
    whom, _, team = said.partition("@")
    return check_name(team, "team").lower() if team else None, check_name(whom)


def _whom(here: Context, tx: Tx, name: str | None, found: Profile, pane: Pane | None) -> tuple[str, str]:
    """Return the agent to launch as (team, name): the named one, else that of the pane, else a new one.

    Raises Refused if --name names a person. A person in XATS_AGENT is ignored.
    """
    asked = _asked(here, name)
    if asked:
        team, whom = teams.address(tx, asked[0], asked[1]) if asked[0] else here.address(tx, asked[1])
        known = agents.find(tx, team, whom)
        if known is None or not known.registered or known.client != "human":
            return (known.team, known.name) if known else (team, whom)
        if name:
            msg = f"{known.name} is a person in team {known.team}."
            raise Refused(msg, "take another name", agent=known.address)
    if pane:
        place = pane.socket, pane.server_pid, pane.pane_id
        expected = agents.expected_in(tx, here.host, *place, found.name)
        if expected and (not here.asked_team or expected.team == here.team_in(tx)):
            return expected.team, expected.name
        pair = binding.current(agents.by_pane(tx, here.host, *place))
        if pair and (not here.asked_team or pair[0].team == here.team_in(tx)):
            return pair[0].team, pair[0].name
    team = here.team_in(tx)
    return team, agents.new_name(tx, team, found.name)


def _holds_above(here: Context, tx: Tx, team: str, name: str) -> bool:
    """Tell whether the agent's process is above this one, as the shell is in which it was registered."""
    known = agents.find(tx, team, name)
    session = agents.current_session(tx, known) if known else None
    if session is None or session.seat.process is None or not occupancy.living(session.seat):
        return False
    return here.circumstances.works_for(session.seat.process)


# -- starting ----------------------------------------------------------------------------------------------------------


def _environment(here: Context, address: str, how: Launch) -> tuple[dict[str, str], list[str]]:
    """Return the variables to add to the environment, and those to remove: marks of another session."""
    from xats.clients import sessions
    from xats.store.open import BY_OPTION, NO_MIGRATE
    from xats.store.sqlite.paths import default_path

    added = {"XATS_AGENT": address}
    if here.asked_team:
        added["XATS_TEAM"] = address.rpartition("@")[2]
    if here.path != default_path(here.environ):
        added["XATS_DB"] = here.path
    foreign = [name for name in (*sessions.SESSION_IDS, *sessions.MARKS) if name in here.environ]
    if here.environ.get(NO_MIGRATE) == BY_OPTION:  # this command must not migrate; those of the program may
        foreign.append(NO_MIGRATE)
    return {**added, **how.environ}, foreign


def _introduce(here: Context, done: Registered, how: Launch) -> None:
    """Say which agent starts, put its name into its pane, and wake the daemon for mail that waits."""
    from xats.cli.agents import pane_mark
    from xats.cli.agents.register import tell_path

    pane_mark.put_or_warn(here.path, done.details.session, done.details.agent.name)
    if not here.quiet:
        agent, session = done.details.agent, done.details.session
        render.say(f"{agent.name} registered in team {agent.team} ({agent.client}, session {agent.epoch})")
        if done.unseated:
            render.say(f"  this pane was {done.unseated}'s until now")
        if not (session and session.seat.pane):
            means = "it gets its mail by its hooks and its own inbox"
            if how.hooks == "none":
                means = "it has no hooks, so nothing wakes it; let it run xats inbox"
            render.say(f"  no tmux pane, so xats can type nothing: {means}")
        if not _in_login_shell(agent.client):  # a note says it
            tell_path(agent, session.xats_path if session else None)
        for note in how.notes:
            render.note(note)
        if how.notes and session and session.seat.pane:
            _hold_notes(session.seat.pane, how.notes)
    here.store.close()
    # The daemon must not be a child of the program, which does not know it and would never reap it.
    child = os.fork()
    if not child:
        try:
            here.rouse_daemon()
        finally:
            os._exit(0)
    os.waitpid(child, 0)


def _hold_notes(pane: Pane, notes: Sequence[str]) -> None:
    """Keep the `notes`, which stand on the screen of `pane`, there until a key is pressed, for some seconds at most.

    Some programs draw over them at once. While tmux shows a notice, it draws nothing else on that terminal. The program
    starts meanwhile, so no script waits; waiting for Enter would stop a launch into a pane that no person looks at.
    """
    from contextlib import suppress

    from xats.tmux import notice

    count = "a note" if len(notes) == 1 else f"{len(notes)} notes"
    with suppress(XatsError):
        notice.show(pane, f"xats: {count} above; any key goes on: {render.one_line(notes[0])}")


def _become(here: Context, done: Registered, how: Launch, *, waited: bool) -> NoReturn:
    """Become the program.

    Raises XatsError if it cannot run. Then a new agent is removed, and a seat that `waited` for it still waits.
    """
    import signal

    agent = done.details.agent
    added, foreign = _environment(here, agent.address, how)
    environ = {name: value for name, value in here.environ.items() if name not in foreign} | added
    sys.stdout.flush()
    sys.stderr.flush()
    for name in ("SIGPIPE", "SIGXFSZ"):  # Python ignores these signals, and execve would keep that
        signal.signal(getattr(signal, name), signal.SIG_DFL)
    try:
        os.execve(how.words[0], how.words, environ)
    except OSError as problem:
        if done.created:
            from xats.core.agents import unused
            from xats.store.open import open_store

            open_store(here.path).write(lambda tx: unused.remove(tx, agent) or registration.unregister(tx, agent))
        elif waited:
            from xats.core.agents import changes as agent_changes
            from xats.store.open import open_store

            nothing = registration.Changes()
            open_store(here.path).write(
                lambda tx: agent_changes.expect(
                    tx, agent.team, name=agent.name, changes=nothing, about=None, living=lambda _: False
                )
            )
        msg = f"{how.words[0]} cannot be run: {problem.strerror}."
        raise XatsError(msg) from problem


# -- printing ----------------------------------------------------------------------------------------------------------


def _would_be(here: Context, name: str | None, found: Profile, pane: Pane | None) -> str:
    """Return the agent that would be launched, as name@team; change nothing. Raises StoreError."""
    from xats.store.sqlite import inspect

    if exists(here.path):
        team, whom = inspect.snapshot(here.path, lambda tx: _whom(here, tx, name, found, pane))
    else:
        said, whom = _asked(here, name) or (None, f"{found.name.partition('-')[0]}-1")
        team = said or here.team
    return f"{whom}@{team}"


def _print(here: Context, address: str, how: Launch) -> int:
    """Print the commands for a shell: those that write the files, then the program with its environment."""
    added, foreign = _environment(here, address, how)
    if here.json:
        files = [{"path": path, "text": text} for path, text in how.files]
        said = {"agent": address, "command": how.words, "environment": added, "removed": foreign, "files": files}
        render.document({**said, "hooks": how.hooks, "notes": how.notes})
        return 0
    from shlex import join, quote

    lines = []
    for path, text in how.files:
        lines.append(f"mkdir -p -m 700 {quote(os.path.dirname(path))}")
        lines.append(f"cat > {quote(path)} << 'END OF FILE'\n{text.rstrip(chr(10))}\nEND OF FILE")
    words = ["env", *(word for one in foreign for word in ("-u", one))] if foreign else []
    pairs = [f"{one}={quote(value)}" for one, value in added.items()]
    lines.append(" ".join((*words, *pairs, join(how.words))))
    shown = "\n".join(lines)
    render.put(render.visible(shown) if render.on_terminal() else shown)
    if not here.quiet:
        for note in how.notes:
            render.note(note)
    return 0
