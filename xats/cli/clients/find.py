"""The verb that finds the agent programs that run in tmux panes, and registers them: client find."""

from __future__ import annotations

from xats.base import host, occupancy, process, seats
from xats.cli.clients import find_text, panes
from xats.cli.clients.panes import Known
from xats.cli.kit import render
from xats.clients import occupants
from xats.core.agents import agents, registration
from xats.core.teams import teams
from xats.core.waking import notices
from xats.identity import project
from xats.store.sqlite.paths import exists
from xats.tmux import servers

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from xats.cli.clients.panes import Found
    from xats.cli.kit import params
    from xats.cli.kit.context import Context
    from xats.store import Tx
    from xats.tmux.servers import Listed


def find(here: Context, *, register: params.RegisterFoundOption = False) -> int:
    """Find the agent programs that run in your tmux panes, in all of your tmux servers.

    Each is shown with its folder and its agent, or as not registered. Where a pane has several programs, all of them
    are shown, each with a score and its reasons.

    --register registers all programs that are not registered yet, each under a new name in the team of its folder, and
    says how each is woken. Nothing is typed and no program is restarted. A second time it changes nothing.

    Example: xats client find

    Example: xats client find --register
    """
    listed, found = look(here)
    rows = register_all(here, found) if register else panes.known(here, found)
    if here.json:
        shown = [find_text.pane_json(here, one) for one in rows]
        problems = [find_text.problem_json(one.socket, one.problem) for one in listed if one.problem]
        answered = sum(one.problem is None for one in listed)
        render.document({"panes": shown, "servers": answered, "problems": problems, "has_more": False})
        return 0
    find_text.print_table(here, rows, listed)
    if not here.quiet:
        for one in listed:
            if one.problem:
                render.warn(f"{one.problem}{f' To fix it: {one.problem.hint}' if one.problem.hint else ''}")
        if register:
            find_text.print_registered(here, rows)
        else:
            find_text.print_next_steps(here, rows)
    return 0


def look(here: Context) -> tuple[list[Listed], list[Found]]:
    """Return all tmux servers of the user, and the panes in them that have an agent program."""
    listed = servers.look(servers.sockets(here.environ, _known_sockets(here)))
    return listed, panes.programs(listed, here)


def _known_sockets(here: Context) -> list[str]:
    """Return the sockets of the tmux servers that agents are registered on. It creates no store."""
    if not exists(here.path):
        return []
    return sorted(seats.known(here.path, here.store.read(lambda tx: notices.servers(tx, here.host))))


def register_all(here: Context, found: Sequence[Found]) -> list[Known]:
    """Register every program that is sure and has no agent yet, in one transaction; return all panes of `found`."""
    from xats.cli.agents import pane_mark

    sure = [one for one in found if one.is_sure]
    programs = {one: occupants.programs(one.best.process, one.sighted.pane) for one in sure}
    paths = {one: occupants.xats_path(one.best.process) for one in sure}

    def work(tx: Tx) -> list[Known]:
        rows = []
        for one in found:
            agent, former = panes.agents_of(tx, here.host, one)
            program = one.best.process
            if agent or one not in programs or not process.alive(program.pid, program.started):
                rows.append(Known(one, panes.details(tx, agent)))
                continue
            team = former.team if former else _team_of(tx, here, one.folder)
            done = registration.register(
                tx,
                team,
                name=former.name if former else agents.new_name(tx, team, one.best.client),
                changes=registration.Changes(client=one.best.client),
                seat=agents.Seat(
                    host=here.host,
                    pid=program.pid,
                    pid_started=program.started,
                    client_session=None,
                    pane=one.sighted.pane,
                    host_name=host.name(),
                ),
                living=lambda other: occupancy.holds(other.seat),
                programs=programs[one],
                xats_path=paths[one],
            )
            rows.append(Known(one, done.details, done))
        return rows

    rows = here.store.write(work)
    for one in rows:
        if one.done:
            pane_mark.put_or_warn(here.path, one.done.details.session, one.done.details.agent.name)
    if any(one.done for one in rows):
        here.rouse_daemon()
    return rows


def _team_of(tx: Tx, here: Context, folder: str) -> str:
    """Return the team of an agent in `folder`: the team that was asked for, else that of its project, recorded now."""
    found = None if here.asked_team else project.find(folder)
    return teams.claim(tx, host.machine(), found) if found else here.team_in(tx)
