"""Completion: agents, roles, teams, messages and panes, for the scripts in `completions/`.

A shell asks at every Tab. So this opens the store read-only, and only if it exists. It gives up early instead of
waiting, and prints candidates alone. The command itself reports errors when it runs.
"""

from __future__ import annotations

import os
import sys

from xats.base.errors import XatsError
from xats.cli.kit.context import Context, FirstUse
from xats.cli.kit.render import one_line
from xats.core import candidates
from xats.core.address import ALLOWED, PREFIXES
from xats.store.sqlite import driver
from xats.store.sqlite.glance import glance
from xats.store.sqlite.paths import exists

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from xats.core.agents.agents import Agent
    from xats.core.candidates import Candidates
    from xats.store import Tx

PATIENCE = 0.04  # seconds to wait for a locked store
TMUX_PATIENCE = 0.3  # seconds to wait for a tmux server, which answers in 2 ms
WIDEST = 60  # characters of a description
SAFE = ALLOWED | frozenset("@:,%/+")  # the characters of a candidate: none has a meaning to a shell


def main(words: Sequence[str]) -> int:
    """Print the candidates for `KIND [PREFIX] [--team T] [--db PATH] [--as NAME]`, each as `value<TAB>description`."""
    kind, prefix = (*words[:2], "", "")[:2]
    common = dict(zip(words[2::2], words[3::2], strict=False))
    find_terminal()
    try:
        here = Context(common.get("--as"), common.get("--team"), os.path.expanduser(common.get("--db", "")))
        found = complete(here, kind, prefix)
    except (XatsError, FirstUse, ImportError, driver.Error, OSError, ValueError):
        return 0
    lines = "".join(f"{value}\t{description}\n" for value, description in found)
    sys.stdout.buffer.write(lines.encode("utf-8", "replace"))
    sys.stdout.flush()
    return 0


def find_terminal() -> None:
    """Make the terminal stdin again: zsh takes it from a widget, and xats needs it to recognise a person."""
    if not os.isatty(0):
        try:
            os.dup2(os.open("/dev/tty", os.O_RDONLY | os.O_NOCTTY), 0)
        except OSError:  # there is none
            return


def complete(here: Context, kind: str, prefix: str) -> list[tuple[str, str]]:
    """Return the values of `kind` (see KINDS) that begin with `prefix`, each with a description of one line.

    Raises sqlite3.Error if the store cannot be read at once, and XatsError if xats cannot tell who asks.
    """
    if kind in WITHOUT_STORE:
        return offered(WITHOUT_STORE[kind](here, prefix))
    if kind not in KINDS or not (exists(here.path) if "://" in here.path else os.path.isfile(here.path)):
        return []
    return glance(here.path, PATIENCE, lambda tx: offered(KINDS[kind](tx, here, prefix)))


def offered(found: Candidates) -> list[tuple[str, str]]:
    """Return the candidates in `found` that a shell takes as they are, each once."""
    kept: dict[str, str] = {}
    for value, description in found:
        if len(kept) < candidates.MOST and SAFE.issuperset(value):
            line = one_line(description[: WIDEST + 1])
            kept.setdefault(value, line if len(line) <= WIDEST else line[: WIDEST - 1] + "…")
    return list(kept.items())


# -- kinds -------------------------------------------------------------------------------------------------------------


def my_team(tx: Tx, here: Context) -> str:
    """Return the team of the acting agent, else the team of the command."""
    try:
        return me(tx, here).team
    except (XatsError, FirstUse):
        return here.team_in(tx)


def me(tx: Tx, here: Context) -> Agent:
    """Return who I am. Raises what `Context.me` raises."""
    return here.me(tx, register=False).agent


def addresses(tx: Tx, here: Context, prefix: str) -> Candidates:
    """Yield addresses. In a list with commas only the last is completed, and no address is offered twice."""
    head, comma, last = prefix.rpartition(",")
    named = {word.strip().lower() for word in head.split(",")}
    for value, description in one_address(tx, my_team(tx, here), last):
        if value.lower() not in named:
            yield head + comma + value, description


def one_address(tx: Tx, team: str, text: str) -> Candidates:
    """Yield the addresses that begin with `text`."""
    whom, at, rest = text.partition("@")
    if at:
        for name, description in candidates.teams_of(tx, rest):
            yield f"{whom}@{name}", description
        return
    kind, colon, rest = text.partition(":")
    if not colon:
        yield from candidates.agents_of(tx, team, text)
        for word, description in (("all", f"everybody in {team}"), ("me", "yourself")):
            if word.startswith(text.lower()):
                yield word, description
    for group in PREFIXES:
        if group == kind if colon else group.startswith(kind):
            what = "role" if group == "pool" else group
            for label, description in candidates.labels_of(tx, what, team=team, prefix=rest):
                yield f"{group}:{label}", f"one of {description}" if group == "pool" else description


def messages(tx: Tx, here: Context, prefix: str) -> Candidates:
    """Yield the ids of messages to me, then of messages from me."""
    mine = me(tx, here).id
    yield from candidates.received(tx, mine, prefix)
    yield from candidates.sent(tx, mine, prefix)


def dead_letters(tx: Tx, here: Context, prefix: str) -> Candidates:
    """Yield the ids of the dead letters of the team."""
    from xats.core.mail import dead

    for one in dead.listing(tx, here.team_in(tx), candidates.MOST)[0]:
        if str(one.message.id).startswith(prefix):
            about = one.message.subject or one.message.body
            yield str(one.message.id), f"{one.reason}, to {one.agent}: {about}"


def held(tx: Tx, here: Context, prefix: str) -> Candidates:
    """Yield the files that I have locked, from the working directory, each with the reason."""
    from xats.core.locks import locks

    folder = os.getcwd()
    for lock in locks.held_by(tx, me(tx, here).id):
        path = os.path.relpath(lock.file.absolute, folder)
        if path.startswith(prefix):
            yield path, lock.reason or lock.kind


def panes(here: Context, prefix: str) -> Candidates:
    """Yield the panes of the tmux server around this shell, else of the default server."""
    from xats.cli.agents.seat import socket_around
    from xats.tmux import server

    form = "#{pane_id} #{session_name}:#{window_index}.#{pane_index} #{pane_current_command}"
    for line in server.run(
        socket_around(here.environ), "list-panes", "-a", "-F", form, timeout=TMUX_PATIENCE
    ).splitlines():
        pane, _, description = line.partition(" ")
        if pane.startswith(prefix):
            yield pane, description


def clients(here: Context, prefix: str) -> Candidates:
    """Yield the names of the client profiles, the user's own included; else the names of their programs."""
    from xats.clients import registry

    found = [registry.find_or_generic(name, here.environ) for name in registry.names(here.environ)]
    named = [(one.name, ", ".join(one.executables)) for one in found if one.name.startswith(prefix.lower())]
    return named or [
        (word, one.name) for one in found for word in registry.spoken(one) if word.startswith(prefix.lower())
    ]


WITHOUT_STORE: dict[str, Callable[[Context, str], Candidates]] = {"client": clients, "pane": panes}
KINDS: dict[str, Callable[[Tx, Context, str], Candidates]] = {
    "address": addresses,
    "agent": lambda tx, here, prefix: candidates.agents_of(tx, here.team_in(tx), prefix),
    "peer": lambda tx, here, prefix: candidates.agents_of(tx, my_team(tx, here), prefix),
    "name": lambda tx, here, prefix: candidates.agents_of(tx, here.team_in(tx), prefix, gone=True),
    "role": lambda tx, here, prefix: candidates.labels_of(tx, "role", team=here.team_in(tx), prefix=prefix),
    "peer-role": lambda tx, here, prefix: candidates.labels_of(tx, "role", team=my_team(tx, here), prefix=prefix),
    "tag": lambda tx, here, prefix: candidates.labels_of(tx, "tag", team=here.team_in(tx), prefix=prefix),
    "cap": lambda tx, here, prefix: candidates.labels_of(tx, "cap", team=here.team_in(tx), prefix=prefix),
    "team": lambda tx, _, prefix: candidates.teams_of(tx, prefix),
    "every-team": lambda tx, _, prefix: candidates.every_team(tx, prefix),
    "team-or-former": lambda tx, _, prefix: candidates.every_team(tx, prefix, former=True),
    "received": lambda tx, here, prefix: candidates.received(tx, me(tx, here).id, prefix),
    "sent": lambda tx, here, prefix: candidates.sent(tx, me(tx, here).id, prefix),
    "message": messages,
    "held": held,
    "dead": dead_letters,
    "contract": lambda tx, here, prefix: candidates.contracts_of(tx, my_team(tx, here), prefix.partition("@")[0]),
    "contract-version": lambda tx, here, prefix: candidates.contracts_of(tx, my_team(tx, here), prefix),
    "zone": lambda tx, here, prefix: candidates.zones_of(tx, my_team(tx, here), prefix),
    "note": lambda tx, here, prefix: candidates.notes_of(tx, my_team(tx, here), prefix.partition("@")[0]),
    "note-version": lambda tx, here, prefix: candidates.notes_of(tx, my_team(tx, here), prefix),
    "task": lambda tx, here, prefix: candidates.tasks_of(tx, my_team(tx, here), prefix=prefix, which="live"),
    "task-ready": lambda tx, here, prefix: candidates.tasks_of(tx, my_team(tx, here), prefix=prefix, which="ready"),
    "task-ended": lambda tx, here, prefix: candidates.tasks_of(tx, my_team(tx, here), prefix=prefix, which="ended"),
}
