"""How the panes of client find look, as JSON for scripts and in words for people."""

from __future__ import annotations

import os

from xats.cli.kit import documents, render
from xats.clients import search

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from xats.base.errors import XatsError
    from xats.cli.clients.panes import Known
    from xats.cli.kit.context import Context
    from xats.delivery.routing import Route
    from xats.tmux.servers import Listed

LAYOUTS = (  # from how many columns of a terminal, which columns of the table
    (120, ("PANE", "SERVER", "WINDOW", "PROGRAM", "FOLDER", "AGENT", "TITLE")),
    (76, ("PANE", "SERVER", "WINDOW", "PROGRAM", "FOLDER", "AGENT")),
    (0, ("PANE", "PROGRAM", "FOLDER", "AGENT")),
)
FOLDER = (12, 40)  # columns that a folder gets on a terminal, at least and at most
UNNAMED = "not registered"


def print_table(here: Context, rows: Sequence[Known], listed: Sequence[Listed]) -> None:
    """Print a line for each pane, and the candidates where the program is not clear."""
    if not rows:
        answered = sum(one.problem is None for one in listed)
        where = f" in {answered} tmux server{'s' if answered != 1 else ''}"
        render.say(f"no agent programs found{where if answered else ': no tmux server of yours runs'}")
        if not here.quiet:
            render.say(f"  in a pane of its own: {here.command('launch', 'claude', '--name', 'bob')}")
        return
    width = render.width()
    headers: Sequence[str] = next(columns for room, columns in LAYOUTS if (width or 1000) >= room)
    if width and not _several(rows):
        headers = [header for header in headers if header != "SERVER"]
    cells = [_cells(one, width) for one in rows]
    if width:
        others = sum(max(len(header), *(len(row[header]) for row in cells)) for header in headers if header != "FOLDER")
        room = width - others - 2 * (len(headers) - 1)
        for row in cells:
            row["FOLDER"] = short(row["FOLDER"], max(FOLDER[0], min(FOLDER[1], room)))
    render.table(headers, [[row[header] for header in headers] for row in cells], stretch=("WINDOW", "AGENT", "TITLE"))
    if here.quiet:
        return
    for one in rows:
        found = one.found
        if len(found.candidates) > 1 or (one.details is None and not found.is_sure):
            for candidate in found.candidates:
                program = f"{candidate.client} (pid {candidate.process.pid}), score {candidate.score}"
                render.note(f"{_label(one, rows)}: {program}: {', '.join(candidate.reasons)}")


def _several(rows: Sequence[Known]) -> bool:
    """Tell whether the panes of `rows` are in several servers, so that two may have the same id."""
    return len({one.found.sighted.pane.socket for one in rows}) > 1


def _label(one: Known, rows: Sequence[Known]) -> str:
    """Return the id of a pane, with its server where `rows` have several."""
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


def short(folder: str, room: int) -> str:
    """Return `folder` in `room` columns: with ~ for the home folder, and only its end where it is long."""
    home = os.path.expanduser("~").rstrip("/")
    if folder == home or folder.startswith(home + "/"):
        folder = "~" + folder[len(home) :]
    return folder if len(folder) <= room else "…" + folder[-(room - 1) :]


def print_next_steps(here: Context, rows: Sequence[Known]) -> None:
    """Print how many programs are not registered, and the command that registers them."""
    if not rows:
        return
    left = [one for one in rows if one.details is None]
    if not left:
        render.say(f"all {len(rows)} are registered; write to one: {_send(here, rows[0])}")
        return
    render.say(f"{len(left)} of {len(rows)} not registered")
    if ready := sum(one.found.is_sure for one in left):
        whom = "them" if ready == len(left) else f"{ready} of them"
        render.say(f"  register {whom}: {here.command('client', 'find', '--register')}")
    print_by_hand(here, rows)


def print_by_hand(here: Context, rows: Sequence[Known]) -> None:
    """Print what to do with each pane whose program is not clear."""
    from xats.cli.agents import seat

    for one in rows:
        if one.details or one.found.is_sure:
            continue
        best, pane = one.found.best, one.found.sighted.pane
        if best.score < search.SURE:
            again = here.command("client", "find", "--register")
            advice = f"bring {best.client} to the foreground (fg), then: {again}"
        else:
            where = "" if pane.socket == seat.socket_around(here.environ) else "inside that tmux: "
            words = here.command("register", "NAME", "--pane", pane.pane_id, "--client", best.client)
            advice = f"choose one of them: {where}{words}"
        render.note(f"{_label(one, rows)}: {advice}")


def _send(here: Context, one: Known) -> str:
    from xats.cli.kit import hints

    return here.command("send", one.details.agent.address if one.details else "NAME", hints.TEXT)


def print_registered(here: Context, rows: Sequence[Known]) -> None:
    """Print the agents that were registered, how each is woken, and what to do next."""
    from xats.cli.agents.reach import warn_unreachable
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
        routes = routing.routes(agent, one.details.session, one.details.presence, here.path, off)
        by = _woken_by(routes[0]) if routes else "nothing: it reads its mail with xats inbox"
        lost = f"; {one.done.unseated} had this pane until now" if one.done and one.done.unseated else ""
        render.say(f"  {agent.address}: woken by {by}{lost}")
        warn_unreachable(here, one.details)
    print_by_hand(here, rows)
    clients = sorted({one.details.agent.client for one in rows if one.details})
    if bare := [one for one in clients if _lacks_hooks(here, one)]:
        render.note(f"no hooks yet: {', '.join(bare)}. With hooks they get mail in each turn, and xats types nothing:")
        for client in bare:
            render.say(f"    {here.command('hook', 'install', client)}")
    if named := next((one for one in (*new, *rows) if one.details), None):
        render.say(f"  write to one: {_send(here, named)}")


def _woken_by(route: Route) -> str:
    return f"a line in its pane {route.place}" if route.name == "tmux" else f"{route.name} ({route.place})"


def _lacks_hooks(here: Context, client: str) -> bool:
    """Tell whether xats has hooks for `client`, and the user's settings have none of them."""
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


def pane_json(here: Context, one: Known) -> dict[str, Any]:
    """Return the JSON form of a pane with its programs and its agent."""
    from xats.delivery import routing
    from xats.delivery.settings import turned_off

    sighted, details = one.found.sighted, one.details
    transports: list[str] = []
    if details:
        off = turned_off(here.environ)
        routes = routing.routes(details.agent, details.session, details.presence, here.path, off)
        transports = [route.name for route in routes]
    return {
        "pane": documents.pane_json(sighted.pane),
        "session": sighted.session,
        "window": sighted.window,
        "title": sighted.title,
        "folder": one.found.folder,
        "client": one.found.best.client,
        "pid": one.found.best.process.pid,
        "certain": one.found.is_sure,
        "agent": details.agent.address if details else None,
        "registered_now": one.done is not None,
        "transports": transports,
        "candidates": [
            {"client": other.client, "pid": other.process.pid, "score": other.score, "reasons": list(other.reasons)}
            for other in one.found.candidates
        ],
    }


def problem_json(socket: str, problem: XatsError) -> dict[str, Any]:
    """Return the JSON form of the `problem` of the tmux server at `socket`."""
    return {"socket": socket, "code": problem.code, "message": str(problem), "hint": problem.hint}
