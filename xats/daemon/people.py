"""People: tell them of new mail, and of agents that wait for a person, on the terminals of their tmux servers.

xats types nothing into a person's shell, and a person's mail has no wake. So this is no attempt that could fail: a line
is shown once on every terminal of the server. If none is attached, it is shown when one is. Global options of the
server hold the numbers for its status line: `@xats_unread` and `@xats_waiting`.

The option `@xats_told_STORE` holds what was shown, so the next daemon does not show it again. A server is one in which
the person has typed a command (identity/places.py) or has a pane.
"""

from __future__ import annotations

import logging
import os
import time
from binascii import crc32

from xats.base import host, process, seats, sidefile
from xats.base.errors import Usage, XatsError
from xats.base.record import replace
from xats.core.waking import people
from xats.delivery import desktop, envelope
from xats.identity import places
from xats.tmux import terminals

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from xats.core.waking.people import Mail, Person, Waiting
    from xats.store import Store, Tx
    from xats.tmux.terminals import Terminal

    Address = tuple[str, int]  # of a tmux server: its socket and its pid

UNREAD, WAITING = "@xats_unread", "@xats_waiting"
AGAIN = 5.0  # seconds before xats looks again for a terminal, where none was attached

log = logging.getLogger("xats.daemon")


class Server:
    """A tmux server with people in it, and what xats has shown and set there."""

    def __init__(self, address: Address, store: str) -> None:
        self.socket, self.pid = address
        self._told_option = f"@xats_told_{crc32(sidefile.key(store).encode('utf-8', 'surrogateescape')):08x}"
        self._told: dict[str, int] | None = None  # not read yet
        self._set: dict[str, str] = {}
        self._again = 0.0  # monotonic seconds
        self.terminals: list[Terminal] = []  #: those that were attached when something was shown last

    def update(self, mail: Sequence[tuple[Person, Mail]], waiting: Sequence[Waiting]) -> list[str]:
        """Show what is new of `mail` and `waiting`, and set the options; return the new lines about agents that wait.

        Raises TmuxUnavailable and its like.
        """
        if self._told is None:
            self._told = _read(terminals.option(self.socket, self._told_option))
        now = {f"w{agent.id}": agent.at for agent in waiting}
        now |= {f"m{person.id}": one.newest for person, one in mail if one.newest}
        told = {name: value for name, value in self._told.items() if name in now}
        lines: dict[str, tuple[str, str | None]] = {}
        for agent in waiting:
            if told.get(f"w{agent.id}") != agent.at:
                is_here = agent.server == (self.socket, self.pid)
                lines[f"w{agent.id}"] = (waits(agent), agent.pane_id if is_here else None)
        for person, one in mail:
            if one.newest > told.get(f"m{person.id}", 0) and not person.paused:
                lines[f"m{person.id}"] = (unread(person, one), None)
        shown = bool(lines) and self._show(list(lines.values()))
        if shown:
            told |= {name: now[name] for name in lines}
        count = sum(one.pending.unread for _, one in mail)
        self._put({UNREAD: count, WAITING: len(waiting)}, told)
        return [line for name, (line, _) in lines.items() if name.startswith("w")] if shown else []

    def _show(self, lines: Sequence[tuple[str, str | None]]) -> bool:
        """Show `lines` on all terminals; tell whether there was one.

        With a line comes the pane that it is about: a person who works in that pane sees the question itself.
        """
        if time.monotonic() < self._again:
            return False
        found = terminals.attached(self.socket, self.pid)
        done = False
        for terminal in found:
            text = " | ".join(line for line, pane_id in lines if pane_id is None or pane_id != terminal.pane_id)
            done |= not text or terminals.show(self.socket, terminal, text)
        self.terminals = found
        if not done:
            self._again = time.monotonic() + AGAIN
        return done

    def _put(self, numbers: dict[str, int], told: dict[str, int]) -> None:
        """Set the options to `numbers` and `told`, if they have changed."""
        values = {name: str(number) if number else "" for name, number in numbers.items()}
        values[self._told_option] = " ".join(f"{name}:{value}" for name, value in told.items())
        if wrong := {name: value for name, value in values.items() if self._set.get(name) != value}:
            terminals.set_options(self.socket, self.pid, wrong)
        self._set, self._told = values, told


class People:
    """What this process knows of the tmux servers in which people are."""

    def __init__(self) -> None:
        self._servers: dict[Address, Server] = {}

    def tell(self, store: Store, stopping: Callable[[], bool] = bool) -> None:
        """Tell the people of `store` what is new. Raises StoreError."""
        where = {(one.socket, one.pid): set(ids) for one, ids in places.servers(store.path).items()}

        def look(tx: Tx) -> tuple[dict[int, Person], dict[int, Mail], list[Waiting]]:
            known = {person.id: person for person in people.people(tx, host.id())}
            for person in known.values():
                if (
                    person.server
                    and seats.known(store.path, [person.server])
                    and process.started(person.server[1]) is not None
                ):
                    where.setdefault(person.server, set()).add(person.id)
            inside = set().union(*where.values()) & known.keys()
            mail = {one: people.mail(tx, known[one]) for one in inside if known[one].by_line}
            return known, mail, _ours(store, people.waiting(tx, host.id())) if inside else []

        known, mail, waiting = store.read(look)
        self._servers = {one: self._servers.get(one) or Server(one, store.path) for one in where}
        said: dict[str, list[Terminal]] = {}  # by new line about an agent that waits
        for address, ids in where.items():
            if stopping():
                break
            teams = {known[one].team for one in ids if one in known}
            theirs = [(known[one], mail[one]) for one in sorted(ids) if one in mail]
            try:
                server = self._servers[address]
                for line in server.update(theirs, [one for one in waiting if one.team in teams]):
                    said.setdefault(line, []).extend(server.terminals)
            except XatsError as problem:
                log.debug("the people in the tmux server %s: %s", address[0], problem)
                del self._servers[address]
        if said:
            _notify_desktop(said)


def _ours(store: Store, waiting: Sequence[Waiting]) -> list[Waiting]:
    """Return `waiting`, each without a tmux server in which commands of this host registered no agent."""
    return [
        one if one.server and seats.known(store.path, [one.server]) else replace(one, server=None) for one in waiting
    ]


def _notify_desktop(said: dict[str, list[Terminal]]) -> None:
    """Show the lines `said` as notifications, if the user wants that: by a program, else by the terminals of each."""
    try:
        if not desktop.is_wanted(os.environ):
            return
    except Usage as problem:
        log.warning("%s", problem)
        return
    for line, attached in said.items():
        text = line.removeprefix("xats: ")
        if not desktop.notify(text, os.environ):
            for terminal in attached:
                terminals.notify(terminal, text)


def unread(person: Person, mail: Mail) -> str:
    """Return the line about the unread mail of `person`. It names the team, because the terminal may show another."""
    pending = mail.pending
    return f"xats: {pending.unread} new from {envelope.senders(pending)} in team {person.team} - run: xats inbox"


def waits(agent: Waiting) -> str:
    """Return the line about an agent that waits for a person."""
    where = ""
    if agent.server and agent.pane_id:
        try:
            where = f" in window {terminals.window(agent.server[0], agent.pane_id)}"
        except XatsError as problem:  # its server or its pane has just gone
            log.debug("the pane of %s: %s", agent.name, problem)
    return f"xats: {agent.name} of team {agent.team} waits for your answer{where}"


def _read(text: str) -> dict[str, int]:
    """Return what is noted in the value `text` of the option; what is unclear was not noted."""
    words = [word.partition(":") for word in text.split()]
    return {name: int(value) for name, _, value in words if value.isascii() and value.isdigit() and len(value) < 19}
