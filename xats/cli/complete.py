"""What Tab offers: agents, roles, teams, messages and panes, for the scripts in `completions/`.

A shell asks at every Tab, so this opens the store read-only and only if there is one, gives up rather than wait, and
prints nothing but candidates: what goes wrong is said by the command itself, once it is run.
"""

from __future__ import annotations

import os
import sqlite3
import sys

from xats.cli.here import FirstUse, Here
from xats.cli.render import one_line
from xats.core.address import ALLOWED, GROUPS
from xats.errors import XatsError
from xats.store import Tx
from xats.store.sqlite import host_clock

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from xats.core.agents import Agent
    from xats.store import Row

    Candidates = Iterable[tuple[str, str]]

PATIENCE = 0.04  # seconds that a locked store is waited for
TMUX_PATIENCE = 0.3  # seconds that a tmux server is waited for, which answers in 2 ms
MOST = 200  # candidates
RECENT = 50  # messages that were read already
WIDEST = 60  # characters of a description
LAST = "\U0010ffff"  # sorts behind every name
SAFE = ALLOWED | frozenset("@:,%")  # what a candidate may hold: nothing that means something to a shell


def main(words: Sequence[str]) -> int:
    """Print the candidates for `KIND [PREFIX] [--team T] [--db PATH] [--as NAME]`, each as `value<TAB>description`."""
    kind, prefix = (*words[:2], "", "")[:2]
    common = dict(zip(words[2::2], words[3::2], strict=False))
    find_terminal()
    try:
        here = Here(common.get("--as"), common.get("--team"), os.path.expanduser(common.get("--db", "")))
        found = complete(here, kind, prefix)
    except (XatsError, FirstUse, sqlite3.Error, OSError, ValueError):
        return 0
    lines = "".join(f"{value}\t{description}\n" for value, description in found)
    sys.stdout.buffer.write(lines.encode("utf-8", "replace"))
    sys.stdout.flush()
    return 0


def find_terminal() -> None:
    """Put the terminal back at stdin: zsh takes it from a widget, and whether a person asks depends on it."""
    if not os.isatty(0):
        try:
            os.dup2(os.open("/dev/tty", os.O_RDONLY | os.O_NOCTTY), 0)
        except OSError:  # there is none
            return


def complete(here: Here, kind: str, prefix: str) -> list[tuple[str, str]]:
    """Return the values of `kind` (see KINDS) that begin with `prefix`, each with a description of one line.

    Raises sqlite3.Error when the store cannot be read at once, and XatsError when it is not known who asks.
    """
    if kind == "pane":
        return offered(panes(here, prefix))
    if kind not in KINDS or not os.path.isfile(here.path):
        return []
    connection = open_read_only(here.path)
    try:
        connection.execute("begin")
        return offered(KINDS[kind](Tx(connection, host_clock()), here, prefix))
    finally:
        connection.close()


def offered(found: Candidates) -> list[tuple[str, str]]:
    """Return what of `found` is offered: values that a shell takes as they are, each once."""
    kept: dict[str, str] = {}
    for value, description in found:
        if len(kept) < MOST and True:
            line = one_line(description[: WIDEST + 1])
            kept.setdefault(value, line if len(line) <= WIDEST else line[: WIDEST - 1] + "…")
    return list(kept.items())


def open_read_only(path: str) -> sqlite3.Connection:
    """Return a connection that reads the store at `path`, and neither makes nor changes it."""
    name = path.replace("%", "%25").replace("?", "%3f").replace("#", "%23")  # https://sqlite.org/uri.html
    connection = sqlite3.connect(f"file:{name}?mode=ro", uri=True, timeout=PATIENCE, isolation_level=None)
    connection.row_factory = sqlite3.Row
    return connection


# -- agents and addresses ----------------------------------------------------------------------------------------------

AGENTS = """
select name, role, client, unregistered_at from agents
where team = :team and name_key >= :low and name_key < :high and (:gone or unregistered_at is null)
order by name_key limit :most
"""
ROLES = """
select role as label, count(*) as n from agents
where team = :team and unregistered_at is null and role >= :low and role < :high group by role limit :most
"""
LABELS = """
select label, count(*) as n from labels l join agents a on a.id = l.agent_id
where l.kind = :kind and l.label >= :low and l.label < :high and a.team = :team and a.unregistered_at is null
group by l.label limit :most
"""
TEAMS = """
select team as label, count(*) as n from agents where team >= :low and team < :high and unregistered_at is null
group by team limit :most
"""


def reach(prefix: str) -> dict[str, object]:
    """Return the bounds of what begins with `prefix`; names, roles and labels are compared in lower case."""
    low = prefix.lower()
    return {"low": low, "high": low + LAST, "most": MOST}


def agents_of(tx: Tx, team: str, prefix: str, *, gone: bool = False) -> Candidates:
    """Yield the agents of `team`, with those that were unregistered if `gone`."""
    for row in tx.all(AGENTS, team=team, gone=gone, **reach(prefix)):
        state = () if row["unregistered_at"] is None else ("unregistered",)
        yield row["name"], ", ".join((*filter(None, (row["role"], row["client"])), *state))


def labels_of(tx: Tx, kind: str, team: str, prefix: str) -> Candidates:
    """Yield the roles, tags or capabilities of the agents of `team`."""
    rows = tx.all(ROLES if kind == "role" else LABELS, team=team, kind=kind, **reach(prefix))
    return ((row["label"], counted(row)) for row in rows)


def teams(tx: Tx, _: Here, prefix: str) -> Candidates:
    """Yield the teams of the store."""
    return ((row["label"], counted(row)) for row in tx.all(TEAMS, **reach(prefix)))


def counted(row: Row) -> str:
    """Return how many agents a row stands for."""
    return f"{row['n']} agent{'s' if row['n'] > 1 else ''}"


def my_team(tx: Tx, here: Here) -> str:
    """Return the team in which my mail goes out: that of the agent that I am, else the one asked for."""
    try:
        return me(tx, here).team
    except (XatsError, FirstUse):
        return here.team


def me(tx: Tx, here: Here) -> Agent:
    """Return who I am. Raises what `Here.me` raises."""
    return here.me(tx, register=False).agent


def addresses(tx: Tx, here: Here, prefix: str) -> Candidates:
    """Yield addresses; of a list with commas it is the last that is completed, and none is offered twice."""
    head, comma, last = prefix.rpartition(",")
    named = {word.strip().lower() for word in head.split(",")}
    for value, description in one_address(tx, my_team(tx, here), here, last):
        if value.lower() not in named:
            yield head + comma + value, description


def one_address(tx: Tx, team: str, here: Here, text: str) -> Candidates:
    """Yield the addresses that begin with `text`."""
    whom, at, rest = text.partition("@")
    if at:
        for name, description in teams(tx, here, rest):
            yield f"{whom}@{name}", description
        return
    kind, colon, rest = text.partition(":")
    if not colon:
        yield from agents_of(tx, team, text)
        for word, description in (("all", f"everybody in {team}"), ("me", "yourself")):
            if word.startswith(text.lower()):
                yield word, description
    for group in GROUPS:
        if group == kind if colon else group.startswith(kind):
            for label, description in labels_of(tx, group, team, rest):
                yield f"{group}:{label}", description


# -- messages ----------------------------------------------------------------------------------------------------------

RECEIVED = """
select m.id, f.name as who, m.subject, substr(m.body, 1, 100) as body, d.state from deliveries d
join messages m on m.id = d.message_id join agents f on f.id = m.sender_id
where d.agent_id = :me {only} order by d.message_id desc limit :most
"""
SENT = """
select id, address as who, subject, substr(body, 1, 100) as body from messages
where sender_id = :me order by id desc limit :most
"""


def received(tx: Tx, here: Here, prefix: str) -> Candidates:
    """Yield the ids of my mail: the unread, then what came last."""
    mine = me(tx, here).id
    unread = tx.all(RECEIVED.format(only="and d.state = 'unread'"), me=mine, most=MOST)
    recent = tx.all(RECEIVED.format(only=""), me=mine, most=RECENT)
    return ids((*unread, *recent), prefix, lambda row: f"{row['state']}, {row['who']}: ")


def sent(tx: Tx, here: Here, prefix: str) -> Candidates:
    """Yield the ids of what I sent, the last first."""
    return ids(tx.all(SENT, me=me(tx, here).id, most=RECENT), prefix, lambda row: f"to {row['who']}: ")


def messages(tx: Tx, here: Here, prefix: str) -> Candidates:
    """Yield the ids of what I got, then of what I sent."""
    yield from received(tx, here, prefix)
    yield from sent(tx, here, prefix)


def ids(rows: Iterable[Row], prefix: str, head: Callable[[Row], str]) -> Candidates:
    """Yield the ids that begin with `prefix`, each with what `head` says of it and its subject, else its body."""
    for row in rows:
        if str(row["id"]).startswith(prefix):
            yield str(row["id"]), head(row) + (row["subject"] or row["body"])


# -- panes -------------------------------------------------------------------------------------------------------------


def panes(here: Here, prefix: str) -> Candidates:
    """Yield the panes of the tmux server that this shell is in, else of the default one."""
    from xats.cli.seat import default_socket
    from xats.tmux import server
    from xats.tmux.address import address

    claim = address(here.environ)
    socket = claim[0] if claim else default_socket(here.environ)
    form = "#{pane_id} #{session_name}:#{window_index}.#{pane_index} #{pane_current_command}"
    for line in server.run(socket, "list-panes", "-a", "-F", form, timeout=TMUX_PATIENCE).splitlines():
        pane, _, description = line.partition(" ")
        if pane.startswith(prefix):
            yield pane, description


KINDS: dict[str, Callable[[Tx, Here, str], Candidates]] = {
    "address": addresses,
    "agent": lambda tx, here, prefix: agents_of(tx, here.team, prefix),
    "peer": lambda tx, here, prefix: agents_of(tx, my_team(tx, here), prefix),
    "name": lambda tx, here, prefix: agents_of(tx, here.team, prefix, gone=True),
    "role": lambda tx, here, prefix: labels_of(tx, "role", here.team, prefix),
    "peer-role": lambda tx, here, prefix: labels_of(tx, "role", my_team(tx, here), prefix),
    "tag": lambda tx, here, prefix: labels_of(tx, "tag", here.team, prefix),
    "cap": lambda tx, here, prefix: labels_of(tx, "cap", here.team, prefix),
    "team": teams,
    "received": received,
    "sent": sent,
    "message": messages,
}
