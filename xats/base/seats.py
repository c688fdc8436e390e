"""Seats: where this host's own commands registered its agents, in a file that no other host can write to.

A database that several hosts share can be changed by each of them. So a row is no proof of where an agent of this host
is: it could name the pane of another agent, another process or another socket. Each registration therefore writes the
process and the pane that this host itself has seen into the file `seats` of the store, which only this user can use.
xats wakes an agent only where its row agrees with that file (`ours`). The reason is `not_ours` where it does not.

A store in a file needs none of that: it belongs to this user, as this file would.
"""

from __future__ import annotations

import os
from contextlib import contextmanager

from xats.base import host, sidefile

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import Any

    from xats.base.pane import Pane
    from xats.base.program import Kept
    from xats.core.agents.agents import Agent, Seat, Session
    from xats.core.agents.expectations import Expectation

    Entry = dict[str, Any]

KIND, LOCK = "seats", "seats.lock"
MOST = 1000  # agents that the file holds
LONGEST = 1 << 22  # bytes of it that are read
PANE = ("socket", "server_pid", "server_start", "pane_id", "pane_pid", "tty")
SAME_PANE = (0, 1, 3)  # in PANE: another program in the same pane differs in the others
PROGRAMS = 4  # programs of one process that are kept: it may start another one in its place


class Note:
    """What a transaction records about the agent with the id `agent_id`. What is None stays as it is."""

    __slots__ = ("agent_id", "client", "expects", "programs", "seat", "stored_client", "xats_path")

    def __init__(
        self,
        agent_id: int,
        *,
        client: str | None = None,
        stored_client: str | None = None,
        seat: Seat | None = None,
        programs: Kept | None = None,
        xats_path: str | None = None,
        expects: tuple[str, str, Pane] | None = None,
    ) -> None:
        self.agent_id, self.client, self.seat, self.programs = agent_id, client, seat, programs
        self.xats_path, self.expects = xats_path, expects
        self.stored_client = stored_client  # counts only where this host has never named the client


# -- writing -----------------------------------------------------------------------------------------------------------


def write(store: str, notes: Iterable[Note]) -> None:
    """Write `notes` to the file of the store at the URL `store`.

    If the file cannot be written, as in a sandbox, xats does not wake these agents: that is safe, and it says why.
    """
    from xats.base.jsontext import to_json

    try:
        with _locked(store):
            known = before = _read(store)
            for note in notes:
                known = _with(known, note)
            if known != before:
                kept = dict(list(known.items())[-MOST:])
                sidefile.replace(sidefile.path_for(store, KIND), to_json(kept).encode("utf-8", "surrogateescape"))
    except OSError as problem:
        import logging

        logging.getLogger("xats.base.seats").warning("the seats of this host could not be recorded: %s", problem)


@contextmanager
def _locked(store: str) -> Iterator[None]:
    """Hold the lock of the file: one process at a time changes it. Raises OSError."""
    import fcntl

    file = sidefile.own(sidefile.path_for(store, LOCK))
    try:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
    finally:
        os.close(file)


def _with(known: dict[str, Entry], note: Note) -> dict[str, Entry]:
    """Return `known` with what `note` says. The newest entry is the last one."""
    key = str(note.agent_id)
    entry = dict(known.get(key, {}))
    found = {name: one for name, one in known.items() if name != key}
    if note.seat:
        entry = _seated(entry, note.seat)
        if note.seat.host == host.id():
            found = {name: _without(one, note.seat) for name, one in found.items()}
    client = note.client or entry.get("client") or note.stored_client
    if client is not None:
        entry["client"] = client
    if note.xats_path is not None:
        entry["xats"] = note.xats_path
    if note.programs is not None and (note.seat is None or note.seat.host == host.id()):
        former = [one for one in entry.get("programs", []) if one != list(note.programs)]
        entry["programs"] = [*former, list(note.programs)][-PROGRAMS:]
    if note.expects is not None:
        client, where, pane = note.expects
        entry["expects"] = [client, where, _place(pane)]
    found[key] = entry
    return found


def _seated(entry: Entry, seat: Seat) -> Entry:
    """Return `entry` with the process and the pane of `seat` that this host has seen.

    In a sandbox, which is a host of its own, xats has seen neither, so only the session counts.
    """
    made = dict(entry)
    if seat.client_session is not None:
        made["session"] = seat.client_session
    if seat.host != host.id():
        made.setdefault("host", seat.host)
        return made
    if made.get("host") != seat.host:
        made = {name: made[name] for name in ("client", "session", "xats") if name in made} | {"host": seat.host}
    if seat.process and made.get("process") != list(seat.process):
        made["process"], made["programs"] = list(seat.process), []
    if seat.pane:
        made["pane"] = _place(seat.pane)
    return made


def _without(other: Entry, seat: Seat) -> Entry:
    """Return the entry `other` without the pane and the process that another agent has in `seat` now."""
    if other.get("host") != seat.host:
        return other
    lost, place = set(), _place(seat.pane) if seat.pane else []
    if place and "pane" in other and all(other["pane"][at] == place[at] for at in SAME_PANE):
        lost.add("pane")
    apart = seat.client_session and other.get("session") not in (None, seat.client_session)
    if seat.process and other.get("process") == list(seat.process) and ("pane" in lost or not apart):
        lost |= {"process", "session", "programs"}
    return {name: value for name, value in other.items() if name not in lost} if lost else other


def _place(pane: Pane) -> list[Any]:
    return [getattr(pane, name) for name in PANE]


# -- reading -----------------------------------------------------------------------------------------------------------


def ours(store: str, agent: Agent, session: Session) -> bool:
    """Tell whether commands of this host registered `agent` where its row, which is `session`, says that it is.

    It is for a session that is marked with this host. `store` is the location of the store. A row that says less than
    the file, as after the agent lost its pane, is ours too.
    """
    if "://" not in store:
        return True
    entry, seat = _read(store).get(str(agent.id)), session.seat
    if entry is None or entry.get("host") != seat.host or entry.get("client") != agent.client:
        return False
    if seat.process is not None:
        if entry.get("process") != list(seat.process):
            return False
        if session.programs is not None and list(session.programs) not in entry.get("programs", []):
            return False
        if session.programs is None and entry.get("programs"):
            return False
    if seat.client_session is not None and entry.get("session") != seat.client_session:
        return False
    if session.xats_path is not None and entry.get("xats") != session.xats_path:
        return False
    return seat.pane is None or entry.get("pane") == _place(seat.pane)


def expected(store: str, one: Expectation) -> bool:
    """Tell whether a command of this host expects the program of `one` in that pane."""
    if "://" not in store:
        return True
    entry = _read(store).get(str(one.agent.id), {})
    return bool(entry.get("expects") == [one.client, one.host, _place(one.pane)])


def known(store: str, servers: Iterable[tuple[str, int]]) -> set[str]:
    """Return the sockets of those of `servers` (socket, pid) in which commands of this host registered agents."""
    if "://" not in store:
        return {socket for socket, _ in servers}
    panes = [one["pane"] for one in _read(store).values() if one.get("host") == host.id() and "pane" in one]
    mine = {(pane[0], pane[1]) for pane in panes}
    return {one[0] for one in servers if one in mine}


def _read(store: str) -> dict[str, Entry]:
    """Return the entries by the ids of their agents; none if there is no file that this user can trust."""
    import json

    try:
        found = json.loads(sidefile.read(sidefile.path_for(store, KIND), LONGEST).decode("utf-8", "surrogateescape"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
