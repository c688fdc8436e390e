"""The badge of a shell prompt or a status line: badge.

A prompt waits for it, so a plain `xats badge` of a person runs without the rest of xats: one query, as a hook does
(hooks/routine.py). It prints nothing where it cannot look, because an error message does not belong into a prompt.
"""

from __future__ import annotations

import os

from xats.base.errors import OK
from xats.core.mail import badge as core

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from xats.base.request import Request
    from xats.cli.kit.context import Context
    from xats.core.agents.routine import Reader
    from xats.core.mail.badge import Badge
    from xats.store import Store, Tx

TRIES = 3  # looks at a store that is locked, as by a commit where there is no WAL
PAUSE = 0.01  # seconds between two of them
PATIENCE = 0.5  # seconds for the answer of the daemon
FANCY, PLAIN = ("\N{ENVELOPE}", "\N{LEFTWARDS ARROW WITH HOOK}"), ("M", "R")


def badge(here: Context) -> int:
    """Print a few characters for a shell prompt or status line: unread mail, and requests that wait for your reply.

    M3 R1 means: three messages are unread, and one request that you have read has no answer yet. In a UTF-8 locale the
    letters are an envelope and an arrow. Without unread mail and such requests it prints nothing.

    It counts the mail of your login name in all teams, or in one with --team. It never fails and changes nothing. For
    bash: PS1='$(xats badge) $ '.

    Example: xats badge
    """
    try:
        found = _asked(here)
    except Exception:  # whatever it is, a prompt is no place for it
        found = core.Badge()
    return _show(found, json=here.json)


def quick(words: Sequence[str], environ: Mapping[str, str]) -> int | None:
    """Answer the command line `words` of a person, and return the exit code; None: the verb has to do it."""
    if words not in (["badge"], ["badge", "--json"]):
        return None
    try:
        from xats.store.sqlite.paths import default_path

        path = default_path(environ)
        if "://" in path:
            found = _asked_daemon(path, environ)
        elif environ.get("XATS_TEAM") or _is_agent(environ):
            return None
        else:
            found = _people(path, environ)
    except Exception:  # as above
        found = core.Badge()
    return _show(found, json=len(words) > 1)


def _asked(here: Context) -> Badge:
    """Return the badge of whom --as, XATS_AGENT or the agent program around us says, else that of the person."""
    from xats.store.sqlite.paths import exists

    if not exists(here.path):
        return core.Badge()
    if "://" in here.path:
        return _asked_daemon(here.path, here.environ, here.as_name, here.asked_team)
    if here.as_name or _is_agent(here.environ):
        return here.read(lambda tx, me: core.of_agent(tx, me.agent.id), register=False)
    team = here.asked_team
    return _people(here.path, here.environ, team.lower() if team else None)


def _asked_daemon(path: str, environ: Mapping[str, str], as_name: str | None = None, team: str | None = None) -> Badge:
    """Return the badge that the daemon of the database at `path` counts: it has a connection. Raises XatsError."""
    from xats.base import request
    from xats.store.sqlite.paths import exists

    if not exists(path):
        return core.Badge()
    found = request.ask(path, "badge", environ, PATIENCE, agent=as_name, team=team)
    return core.Badge(found["unread"], found["owed"])


def answer(asked: Request, store: Store) -> Mapping[str, int]:
    """Count what the badge of the process shows that has `asked`; the daemon calls this. Raises XatsError."""
    said, environ = asked.said, asked.environ
    if said.get("agent") or _is_agent(environ):
        from xats.identity.circumstances import Command
        from xats.identity.resolve import resolve_or_none

        circumstances = Command(environ, said.get("agent"), said.get("team"), asked=asked)

        def look(tx: Tx) -> Badge:
            me = resolve_or_none(tx, circumstances)
            return core.of_agent(tx, me.id) if me else core.Badge()

        found = store.read(look)
    else:
        team = said.get("team") or environ.get("XATS_TEAM") or None
        counted = store.glance(lambda tx: _of_person(tx, environ, team.lower() if team else None))
        found = counted or core.Badge()
    return {"unread": found.unread, "owed": found.owed}


def _is_agent(environ: Mapping[str, str]) -> bool:
    """Tell whether the environment names an agent, or an agent program runs this."""
    from xats.base import programs

    return any(environ.get(name) for name in ("XATS_AGENT", *programs.SESSIONS, *programs.MARKS))


def _people(path: str, environ: Mapping[str, str], team: str | None = None) -> Badge:
    """Return the badge of the agent that this shell is, else that of the login name."""
    from xats.store.sqlite.paths import exists
    from xats.store.sqlite.peek import peek

    for left in reversed(range(TRIES)):
        found = peek(path, lambda tx: _of_person(tx, environ, team))
        if found or not left or not exists(path):
            break
        import time

        time.sleep(PAUSE)
    return found or core.Badge()


def _of_person(tx: Reader, environ: Mapping[str, str], team: str | None) -> Badge:
    """Return the badge of the agent that the shell with `environ` is, else that of the login name."""
    from xats.tmux.address import address

    claim = address(environ)
    agent = core.in_pane(tx, *claim) if claim and team is None else None
    return core.of_person(tx, _login(environ), team) if agent is None else core.of_agent(tx, agent)


def _login(environ: Mapping[str, str]) -> str:
    """Return the login name as the name of an agent."""
    name = environ.get("USER") or ""
    if name.isascii() and name.isalnum():  # so is most people's, and needs no import
        return name
    from xats.cli.kit import people

    return people.login_as_name(environ)


def _show(found: Badge, *, json: bool) -> int:
    """Print `found`; return the exit code."""
    from xats.cli.kit import render

    text = _text(found, FANCY if is_utf8(os.environ) else PLAIN)
    try:
        if json:
            render.document({"unread": found.unread, "owed": found.owed, "text": text})
        elif text:
            render.put(text)
    except OSError:  # the prompt has gone
        pass
    return OK


def _text(found: Badge, signs: tuple[str, str]) -> str:
    """Return the characters of `found`, with `signs` for unread mail and for requests; "" if there is nothing."""
    counted = zip(signs, (found.unread, found.owed), strict=True)
    return " ".join(f"{sign}{count}" for sign, count in counted if count)


def is_utf8(environ: Mapping[str, str]) -> bool:
    """Tell whether the locale in `environ` is one of UTF-8, see locale(7).

    Python itself sets LC_CTYPE=C.UTF-8 in the C locale (PEP 538), so that value does not count.
    """
    kind = environ.get("LC_CTYPE", "")
    said = environ.get("LC_ALL") or (kind if kind != "C.UTF-8" else "") or environ.get("LANG") or ""
    return said.lower().replace("-", "").rpartition(".")[2].partition("@")[0] == "utf8"
