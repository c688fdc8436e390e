"""Places: in which tmux servers the people of a store type their commands, so that the daemon can tell them of mail.

A person is one agent in all shells and has no pane, unlike an agent program. So each command that a person types in
tmux notes the server in the file STORE-people, unless it is there already. The file holds nothing that the next command
would not write again.
"""

from __future__ import annotations

from xats.base import host, process, sidefile
from xats.base.record import record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    Places = dict["Server", set[int]]

MOST = 64  # places that the file holds
LONGEST = 1 << 16  # bytes of it that are read


@record
class Server:
    """A tmux server: its socket, and its process (pid, start time)."""

    socket: str
    pid: int
    started: int


def note(store: str, agent_id: int, environ: Mapping[str, str]) -> None:
    """Note in the store at path `store` that the person with that id types in the tmux server around us.

    Outside tmux, in a sandbox, or if the file cannot be written, this does nothing.
    """
    from xats.tmux import address

    around = address.server(environ)
    started = process.started(around[1]) if around else None
    if around is None or started is None or "\n" in around[0]:
        return
    here, noted = (host.id(), agent_id, Server(*around, started)), _read(store)
    if here in noted or not process.serves_here(around[1]):
        return
    kept = [one for one in noted if one[0] != here[0] or process.alive(one[2].pid, one[2].started)]
    try:
        sidefile.replace(_path(store), "".join(map(_line, [*kept, here][-MOST:])).encode("utf-8", "surrogateescape"))
    except OSError:
        pass


def servers(store: str) -> Places:
    """Return the tmux servers of this host in which people of the store at path `store` type, with their ids."""
    found: Places = {}
    for where, agent_id, server in _read(store):
        if where == host.id() and process.alive(server.pid, server.started):
            found.setdefault(server, set()).add(agent_id)
    return found


def _path(store: str) -> str:
    return sidefile.path_for(store, "people")


def _read(store: str) -> list[tuple[str, int, Server]]:
    try:
        lines = sidefile.read(_path(store), LONGEST).decode("utf-8", "surrogateescape").split("\n")
    except OSError:
        return []
    found = []
    for line in lines:
        where, *numbers, socket = (line.split(" ", 4) + [""] * 5)[:5]
        if socket and all(one.isascii() and one.isdigit() and len(one) < 19 for one in numbers):
            agent_id, pid, started = map(int, numbers)
            found.append((where, agent_id, Server(socket, pid, started)))
    return found


def _line(one: tuple[str, int, Server]) -> str:
    where, agent_id, server = one
    return f"{where} {agent_id} {server.pid} {server.started} {server.socket}\n"
