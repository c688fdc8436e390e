"""The agent program that a process of xats becomes: which one, with which hooks, as which agent."""

from __future__ import annotations

import os
import sys

from xats.base import host, process
from xats.base.errors import NotFound, ProgramMissing, Refused, Usage, XatsError
from xats.base.record import replace
from xats.cli.kit import render
from xats.cli.kit.scope import project_folder
from xats.core.address import check_name
from xats.core.agents import agents, registration
from xats.core.crews import restarts
from xats.core.teams import teams
from xats.identity import binding
from xats.store.sqlite.paths import folder_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import NoReturn

    from xats.base.pane import Pane
    from xats.cli.kit.context import Context
    from xats.clients.profile import Profile
    from xats.core.agents.registration import Registered
    from xats.hooks.launch import Launch
    from xats.store import Tx

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


def profile_of(command: str, environ: Mapping[str, str]) -> Profile:
    """Return the profile of the client whose program is `command`, a name or a path; `generic` if there is none."""
    from xats.clients import registry

    name = os.path.basename(command)
    profiles = [registry.find_or_generic(one, environ) for one in registry.names(environ)]
    return next((one for one in profiles if name in one.executables), registry.find_or_generic("generic", environ))


def find_command(command: str, found: Profile, folder: str, environ: Mapping[str, str]) -> str:
    """Return the path of the program `command`, of the profile `found`: its name in PATH, or its path from `folder`.

    Raises ProgramMissing, with the command that installs it.
    """
    from shutil import which

    from xats.base import folders

    if os.sep not in command:
        path, where = which(command, path=environ.get("PATH", os.defpath)), " in PATH"
    else:
        said = folders.expanded(command, environ) if command[0] == "~" else command
        path, where = which(os.path.join(folder, said)), "" if os.path.isabs(said) else f" in {folder}"
    if path is None:
        msg = f"There is no program {command}{where}."
        raise ProgramMissing(msg, found.install or "install it, or name another program in xats.toml")
    return os.path.abspath(path)


def plan(
    here: Context,
    found: Profile,
    program: str,
    args: Sequence[str],
    *,
    writable: bool,
    variables: Mapping[str, str],
) -> Launch:
    """Return the command line, files and environment of the program, without the name of the agent.

    Its environment has the `variables` too. If xats puts its hooks into one of them, it keeps what is there.
    """
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
    environ = {**here.environ, **variables}
    place = ways.Place(environ, project_folder(), folder, command.program())
    how = ways.plan(found.name, program, args, place, store if writable else None)
    how = replace(how, environ={**variables, **how.environ})
    if client and client.hooks and box and box.writes and not writable:
        config = os.path.join(os.path.dirname(client.hooks.path("user", environ, "")), box.config)
        if not box.writes(config, store):
            note = (
                f"{client.title}'s sandbox cannot write the store, so the agent cannot send; --writable-store allows it"
            )
            how = ways.with_notes(how, note)
    unfound = ways.beside_login(client, place.xats[0], environ) if client and client.login_shell else None
    return ways.with_notes(how, unfound) if unfound else how


def in_login_shell(name: str) -> bool:
    """Tell whether the client `name` runs each command in a login shell."""
    from xats.clients import model

    client = model.load(name)
    return client is not None and client.login_shell


# -- which agent -------------------------------------------------------------------------------------------------------


def asked(here: Context, name: str | None) -> tuple[str | None, str] | None:
    """Return the agent of --name, --as or XATS_AGENT as (team, name); the team is None if they do not name it."""
    said = name or here.as_name or here.environ.get("XATS_AGENT")
    if not said:
        return None
    whom, _, team = said.partition("@")
    return check_name(team, "team").lower() if team else None, check_name(whom)


def whom(here: Context, tx: Tx, name: str | None, found: Profile, pane: Pane | None) -> tuple[str, str]:
    """Return the agent to launch as (team, name): the named one, else that of the pane, else a new one.

    Raises Refused if --name names a person. A person in XATS_AGENT is ignored.
    """
    said = asked(here, name)
    if said:
        team, called = teams.address(tx, said[0], said[1]) if said[0] else here.address(tx, said[1])
        known = agents.find(tx, team, called)
        if known is None or not known.registered or known.client != "human":
            return (known.team, known.name) if known else (team, called)
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


# -- starting ----------------------------------------------------------------------------------------------------------


def environment(here: Context, address: str, how: Launch) -> tuple[dict[str, str], list[str]]:
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
        if not in_login_shell(agent.client):  # a note says it
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


def become(here: Context, done: Registered, how: Launch, token: str, *, waited: bool) -> NoReturn:
    """Introduce the agent, and become its program, whose start has that `token`.

    Raises XatsError if it cannot run. Then a new agent is removed, and a seat that `waited` for it still waits.
    """
    import signal

    _introduce(here, done, how)
    agent = done.details.agent
    added, foreign = environment(here, agent.address, how)
    environ = {name: value for name, value in here.environ.items() if name not in foreign} | added
    sys.stdout.flush()
    sys.stderr.flush()
    for name in ("SIGPIPE", "SIGXFSZ"):  # Python ignores these signals, and execve would keep that
        signal.signal(getattr(signal, name), signal.SIG_DFL)
    try:
        os.execve(how.words[0], how.words, environ)
    except OSError as problem:
        from xats.store.open import open_store

        msg = f"{how.words[0]} cannot be run: {problem.strerror}."

        def undo(tx: Tx) -> None:
            restarts.ended(tx, token, restarts.Exit(), msg)
            if done.created:
                from xats.core.agents import unused

                if not unused.remove(tx, agent):
                    registration.unregister(tx, agent)
            elif waited:
                from xats.core.agents import changes

                nothing = registration.Changes()
                changes.expect(tx, agent.team, name=agent.name, changes=nothing, about=None, living=lambda _: False)

        open_store(here.path).write(undo)
        raise XatsError(msg) from problem


def own_seat(here: Context, pane: Pane | None) -> agents.Seat:
    """Return the seat of this process in `pane`: it becomes the program."""
    return agents.Seat(
        host=here.host,
        pid=os.getpid(),
        pid_started=process.started(os.getpid()),
        client_session=None,
        pane=pane,
        host_name=host.name(),
    )


def write_files(how: Launch) -> None:
    """Write what the program reads. Raises Unsafe, OSError."""
    from xats.hooks.launch import write

    for path, text in how.files:
        write(path, text)


def forget_files(here: Context, how: Launch) -> None:
    """Remove what programs read that were launched long ago."""
    from xats.core import clock
    from xats.hooks.launch import forget

    if how.files and (now := here.store.read(clock.trusted_time)) is not None:
        for path, _ in how.files:
            forget(path, now)
