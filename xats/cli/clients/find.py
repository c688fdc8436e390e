"""The verb that finds the agent programs that run already, in all tmux servers of this user: client find."""

from __future__ import annotations

import os

from xats.base import host, process
from xats.base.record import record
from xats.cli.kit import render, views
from xats.clients import occupants, search
from xats.core.agents import agents
from xats.core.teams import teams
from xats.core.waking import notices
from xats.identity import project
from xats.tmux import servers

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from xats.base.errors import XatsError
    from xats.cli.kit import params
    from xats.cli.kit.context import Here
    from xats.clients.search import Candidate
    from xats.core.agents.agents import Agent, Details, Registered
    from xats.delivery.routing import Route
    from xats.store import Tx
    from xats.tmux.servers import Listed, Sighted

LAID_OUT = (  # from how many columns of a terminal, which columns of the table
    (120, ("PANE", "SERVER", "WINDOW", "PROGRAM", "FOLDER", "AGENT", "TITLE")),
    (76, ("PANE", "SERVER", "WINDOW", "PROGRAM", "FOLDER", "AGENT")),
    (0, ("PANE", "PROGRAM", "FOLDER", "AGENT")),
)
FOLDER = (12, 40)  # columns that a folder gets on a terminal, at least and at most
UNNAMED = "not registered"


@record
class Found:
    """A pane with the agent programs in it, the likeliest first."""

    sighted: Sighted
    folder: str
    candidates: tuple[Candidate, ...]

    @property
    def best(self) -> Candidate:
        """The program that sits there."""
        return self.candidates[0]

    @property
    def is_sure(self) -> bool:
        """Whether it can be registered without a question."""
        return search.sure(self.candidates)


@record
class Known:
    """A pane with the agent that sits there; `done` is its registration if it was made now."""

    found: Found
    details: Details | None
    done: Registered | None = None


def find(here: Here, *, register: params.RegisterFoundOption = False) -> int:
    """Find the agent programs that run in your tmux panes, in all of your tmux servers.

    Each is shown with its folder and its agent, or as not registered. Where a pane has several, all of them are shown,
    each with a score and its reasons.

    --register registers all that are not, with a new name in the team of their folder, and says how each is woken.
    Nothing is typed and no program is restarted. A second time it changes nothing.

    Example: xats client find

    Example: xats client find --register
    """
    listed = servers.look(servers.sockets(here.environ, _known_sockets(here)))
    found = _in(listed, here)
    rows = _register(here, found) if register else _look(here, found)
    if here.json:
        shown = [_json(here, one) for one in rows]
        problems = [_problem(one.socket, one.problem) for one in listed if one.problem]
        answered = sum(one.problem is None for one in listed)
        render.document({"panes": shown, "servers": answered, "problems": problems, "has_more": False})
        return 0
    _print(here, rows, listed)
    if not here.quiet:
        for one in listed:
            if one.problem:
                render.warn(f"{one.problem}{f' To fix it: {one.problem.hint}' if one.problem.hint else ''}")
        if register:
            _tell(here, rows)
        else:
            _advise(here, rows)
    return 0


def team_of(tx: Tx, here: Here, folder: str) -> str:
    """Return the team of an agent that works in `folder`: the one asked for, else that of its project, recorded now."""
    found = None if here.asked_team else project.find(folder)
    return teams.claim(tx, host.machine(), found) if found else here.team_in(tx)


# -- looking -----------------------------------------------------------------------------------------------------------


def _known_sockets(here: Here) -> list[str]:
    """Return the sockets of the servers that agents are known to sit in; a look makes no store."""
    return here.store.read(lambda tx: notices.sockets(tx, here.host)) if os.path.exists(here.path) else []


def _in(listed: Sequence[Listed], here: Here) -> list[Found]:
    look = search.Search(here.environ)
    found = []
    for one in (pane for server in listed for pane in server.panes):
        candidates = tuple(look.candidates(one.pane))
        if candidates:
            found.append(Found(one, process.folder(candidates[0].process.pid) or one.folder, candidates))
    return found


def _look(here: Here, found: Sequence[Found]) -> list[Known]:
    if not os.path.exists(here.path):
        return [Known(one, None) for one in found]
    return here.store.read(lambda tx: [Known(one, _details(tx, _agent(tx, here.host, one)[0])) for one in found])


def _details(tx: Tx, agent: Agent | None) -> Details | None:
    return agents.details(tx, agent) if agent else None


def _agent(tx: Tx, host_id: str, found: Found) -> tuple[Agent | None, Agent | None]:
    """Return the agent that sits in the pane now, and the one whose seat it was: that agent's program was started anew.

    A program that was registered without its pane is known by its process.
    """
    pane, program = found.sighted.pane, found.best.process
    own = (program.pid, program.started)
    sits = agents.by_pane(tx, host_id, socket=pane.socket, server_pid=pane.server_pid, pane_id=pane.pane_id)
    pair = next(iter(agents.by_processes(tx, host_id, [own])), None)
    if sits and sits[1].ended_at is None and sits[1].seat.process == own:
        return sits[0], None
    if pair and pair[1].ended_at is None:
        return pair[0], None
    pair = sits
    if pair is None or pair[1].ended_at is not None or pair[0].client == "human":
        return None, None
    if pair[1].seat.process is None or process.holds(pair[1].seat):
        return pair[0], None
    return None, pair[0] if pair[0].client == found.best.client else None


# -- registering -------------------------------------------------------------------------------------------------------


def _register(here: Here, found: Sequence[Found]) -> list[Known]:
    """Register every program that is sure and has no agent yet, in one transaction."""
    from xats.cli.agents.verbs import mark_pane

    runs = {one: _programs(one) for one in found if one.is_sure}

    def work(tx: Tx) -> list[Known]:
        rows = []
        for one in found:
            agent, former = _agent(tx, here.host, one)
            program = one.best.process
            if agent or one not in runs or not process.alive(program.pid, program.started):
                rows.append(Known(one, _details(tx, agent)))
                continue
            team = former.team if former else team_of(tx, here, one.folder)
            name = former.name if former else agents.new_name(tx, team, one.best.client)
            seat = agents.Seat(
                host=here.host,
                pid=program.pid,
                pid_started=program.started,
                client_session=None,
                pane=one.sighted.pane,
                host_name=host.name(),
            )
            changes = agents.Changes(client=one.best.client)
            programs, path = runs[one]
            done = agents.register(
                tx,
                team,
                name=name,
                changes=changes,
                seat=seat,
                living=lambda other: process.holds(other.seat),
                programs=programs,
                xats_path=path,
            )
            rows.append(Known(one, done.details, done))
        return rows

    rows = here.store.write(work)
    for one in rows:
        if one.done:
            mark_pane(one.done)
    if any(one.done for one in rows):
        here.rouse_daemon()
    return rows


def _programs(one: Found) -> tuple[Any, str | None]:
    program = one.best.process
    return occupants.programs(program, one.sighted.pane), occupants.xats_path(program)


# -- telling -----------------------------------------------------------------------------------------------------------


def _print(here: Here, rows: Sequence[Known], listed: Sequence[Listed]) -> None:
    if not rows:
        answered = sum(one.problem is None for one in listed)
        where = (
            f"in {answered} tmux server{'s' if answered != 1 else ''}" if answered else "no tmux server of yours runs"
        )
        render.say(f"no agent programs found {where}" if answered else f"no agent programs found: {where}")
        if not here.quiet:
            render.say(f"  in a pane of its own: {here.command('launch', 'claude', '--name', 'bob')}")
        return
    width = render.width()
    headers: Sequence[str] = next(columns for room, columns in LAID_OUT if (width or 1000) >= room)
    if width and not _several(rows):
        headers = [header for header in headers if header != "SERVER"]
    cells = [_cells(one, width) for one in rows]
    if width:
        others = sum(max(len(header), *(len(row[header]) for row in cells)) for header in headers if header != "FOLDER")
        room = width - others - 2 * (len(headers) - 1)
        for row in cells:
            row["FOLDER"] = _short(row["FOLDER"], max(FOLDER[0], min(FOLDER[1], room)))
    render.table(headers, [[row[header] for header in headers] for row in cells], stretch=("WINDOW", "AGENT", "TITLE"))
    if here.quiet:
        return
    for one in rows:
        found = one.found
        if len(found.candidates) > 1 or (one.details is None and not found.is_sure):
            for candidate in found.candidates:
                said = f"{candidate.client} (pid {candidate.process.pid}), score {candidate.score}"
                render.note(f"{_label(one, rows)}: {said}: {', '.join(candidate.reasons)}")


def _several(rows: Sequence[Known]) -> bool:
    """Tell whether `rows` are of several servers, in which panes may have the same ids."""
    return len({one.found.sighted.pane.socket for one in rows}) > 1


def _label(one: Known, rows: Sequence[Known]) -> str:
    """Return how people tell the pane of `one` from those of the other `rows`."""
    pane = one.found.sighted.pane
    return f"{os.path.basename(pane.socket)} {pane.pane_id}" if _several(rows) else pane.pane_id


def _cells(one: Known, width: int) -> dict[str, str]:
    sighted = one.found.sighted
    return {
        "PANE": sighted.pane.pane_id,
        "SERVER": os.path.basename(sighted.pane.socket) if width else sighted.pane.socket,
        "WINDOW": f"{sighted.session}:{sighted.window}",
        "PROGRAM": one.found.best.client,
        "FOLDER": one.found.folder,
        "AGENT": one.details.agent.address if one.details else UNNAMED,
        "TITLE": sighted.title,
    }


def _short(folder: str, room: int) -> str:
    """Return `folder` in `room` columns: from the home folder on, and only its end where it is long."""
    home = os.path.expanduser("~").rstrip("/")
    if folder == home or folder.startswith(home + "/"):
        folder = "~" + folder[len(home) :]
    return folder if len(folder) <= room else "…" + folder[-(room - 1) :]


def _advise(here: Here, rows: Sequence[Known]) -> None:
    """Say how many are not registered, and what registers them."""
    left = [one for one in rows if one.details is None]
    if not rows:
        return
    if not left:
        render.say(f"all {len(rows)} are registered; write to one: {_send(here, rows[0])}")
        return
    render.say(f"{len(left)} of {len(rows)} not registered")
    if ready := sum(one.found.is_sure for one in left):
        whom = "them" if ready == len(left) else f"{ready} of them"
        render.say(f"  register {whom}: {here.command('client', 'find', '--register')}")
    _by_hand(here, rows)


def _by_hand(here: Here, rows: Sequence[Known]) -> None:
    """Say what to do with each pane whose program is not clear."""
    from xats.cli.agents import seat

    for one in rows:
        if one.details or one.found.is_sure:
            continue
        best, pane = one.found.best, one.found.sighted.pane
        if best.score < search.SURE:
            again = here.command("client", "find", "--register")
            said = f"bring {best.client} to the foreground (fg), then: {again}"
        else:
            where = "" if pane.socket == seat.socket_around(here.environ) else "inside that tmux: "
            words = here.command("register", "NAME", "--pane", pane.pane_id, "--client", best.client)
            said = f"choose one of them: {where}{words}"
        render.note(f"{_label(one, rows)}: {said}")


def _send(here: Here, one: Known) -> str:
    from xats.cli.kit import hints

    return here.command("send", one.details.agent.address if one.details else "NAME", hints.TEXT)


def _tell(here: Here, rows: Sequence[Known]) -> None:
    """Say what was registered, how each is woken, and what to do next."""
    from xats.cli.agents.verbs import warn_unreachable
    from xats.delivery import routing
    from xats.delivery.settings import turned_off

    if not rows:
        return
    new = [one for one in rows if one.done]
    render.say(f"{len(new)} registered" if new else "nothing new to register")
    off = turned_off(here.environ)
    for one in new:
        if one.details is None:
            continue
        agent = one.details.agent
        ways = routing.routes(agent, one.details.session, one.details.presence, here.path, off)
        by = _woken_by(ways[0]) if ways else "nothing: it has to look with xats inbox"
        lost = f"; the pane was {one.done.unseated}'s until now" if one.done and one.done.unseated else ""
        render.say(f"  {agent.address}: woken by {by}{lost}")
        warn_unreachable(here, one.details)
    _by_hand(here, rows)
    clients = sorted({one.details.agent.client for one in rows if one.details})
    if bare := [one for one in clients if _lacks_hooks(here, one)]:
        render.note(f"no hooks yet: {', '.join(bare)}. With hooks mail comes in each turn, and no key is typed:")
        for client in bare:
            render.say(f"    {here.command('hook', 'install', client)}")
    if named := next((one for one in (*new, *rows) if one.details), None):
        render.say(f"  write to one: {_send(here, named)}")


def _woken_by(way: Route) -> str:
    return f"a line in its pane {way.place}" if way.name == "tmux" else f"{way.name} ({way.place})"


def _lacks_hooks(here: Here, client: str) -> bool:
    """Tell whether `client` could have hooks of xats, and has none in the user's settings."""
    from xats.base import folders
    from xats.hooks.clients import CLIENTS
    from xats.hooks.install.installed import look

    for one in CLIENTS:
        if one.name == client:
            try:
                return look(one, "user", one.path("user", here.environ, ""), ()).state == "absent"
            except folders.NoHome:
                return False
    return False


# -- JSON --------------------------------------------------------------------------------------------------------------


def _json(here: Here, one: Known) -> dict[str, Any]:
    from xats.delivery import routing
    from xats.delivery.settings import turned_off

    sighted, details = one.found.sighted, one.details
    ways: list[str] = []
    if details:
        off = turned_off(here.environ)
        every = routing.routes(details.agent, details.session, details.presence, here.path, off)
        ways = [way.name for way in every]
    return {
        "pane": views.pane_json(sighted.pane),
        "session": sighted.session,
        "window": sighted.window,
        "title": sighted.title,
        "folder": one.found.folder,
        "client": one.found.best.client,
        "pid": one.found.best.process.pid,
        "certain": one.found.is_sure,
        "agent": details.agent.address if details else None,
        "registered_now": one.done is not None,
        "transports": ways,
        "candidates": [
            {"client": other.client, "pid": other.process.pid, "score": other.score, "reasons": list(other.reasons)}
            for other in one.found.candidates
        ],
    }


def _problem(socket: str, problem: XatsError) -> dict[str, Any]:
    return {"socket": socket, "code": problem.code, "message": str(problem), "hint": problem.hint}
