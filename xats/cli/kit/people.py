"""People: their login names, what only a person may do, and what a person has to confirm."""

from __future__ import annotations

import os

from xats.base.errors import InvalidName, PeopleOnly, Refused, UnknownAgent
from xats.cli.kit import render
from xats.core import address

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from xats.cli.kit.context import Context
    from xats.identity.resolve import Me
    from xats.store import Tx


def person(here: Context, what: str, hint: str = "", *, in_left_pane: bool = False) -> str:
    """Return the name of the person who runs this command: the name in the team, else the login name.

    `what` says in words what only a person may do, and `hint` what an agent does instead. With `in_left_pane`, a person
    may do it in the pane of an agent whose program has ended. Raises PeopleOnly.
    """
    from xats.identity.resolve import FirstUse

    launched = launched_above(here)
    if launched:
        msg = f"Only a person may {what}, and you are {launched[0]} here: xats has started it (pid {launched[1]})."
        raise PeopleOnly(msg, hint)
    above = here.circumstances.program()
    if above:
        msg = f"Only a person may {what}, and {above[1]} (pid {above[0].pid}) runs this."
        raise PeopleOnly(msg, hint)
    if here.circumstances.inside():
        msg = f"Only a person may {what}, and this runs inside an agent's session."
        raise PeopleOnly(msg, hint)
    try:
        agent, left = here.read(lambda tx, me: (me.agent, _has_left(tx, me)), register=False)
    except FirstUse:
        return login(here.environ)
    except UnknownAgent:
        if here.as_name or here.environ.get("XATS_AGENT"):
            raise
        return login(here.environ)  # a person's script
    if left and in_left_pane:
        return login(here.environ)
    if agent.client != "human":
        msg = f"Only a person may {what}, and you are {agent.name} ({agent.client}) here."
        raise PeopleOnly(msg, hint)
    return agent.name


def launched_above(here: Context) -> tuple[str, int] | None:
    """Return the agent whose program xats has started, and which runs this, as (XATS_AGENT, pid), or None.

    xats starts a program with XATS_AGENT in its environment. No process below it can take it out of there, whatever its
    own environment, --as, --team or --db says. The name of a person does not count.
    """
    from functools import partial

    from xats.base import process

    found = ((process.environ(one.pid).get("XATS_AGENT"), one.pid) for one in here.circumstances.ancestors())
    named = {said: pid for said, pid in found if said}
    return here.store.read(partial(_first_agent, named=named, team=here.team)) if named else None


def _first_agent(tx: Tx, named: Mapping[str, int], team: str) -> tuple[str, int] | None:
    from xats.core.agents import agents

    for said, pid in named.items():
        known = agents.called(tx, said, team)
        if known is None or known.client != "human":
            return said, pid
    return None


def _has_left(tx: Tx, me: Me) -> bool:
    """Tell whether only the pane shows who `me` is, and the program that was `me` there has surely ended."""
    from xats.base import occupancy
    from xats.core.agents import agents

    session = agents.current_session(tx, me.agent) if me.evidence == "pane" else None
    return session is not None and session.seat.process is not None and occupancy.living(session.seat) is False


def require_terminal(command: str, left: str = "Nothing was changed.", **data: str) -> None:
    """Raise Refused if there is no terminal. The error says what was `left` undone, and names the `command` to use."""
    if not render.can_ask():
        msg = f"Confirmation needed, but there is no terminal. {left}"
        raise Refused(msg, command, **data)


def confirm(question: str, command: str, *before: str, left: str = "Nothing was changed.", **data: str) -> None:
    """Print the lines `before`, and ask a person the `question`. Raises Refused for any answer but yes.

    `left` says what was not done then, and `data` goes into the error. Without a terminal, the error names the
    `command` that needs no answer.
    """
    require_terminal(command, left, **data)
    for line in before:
        render.say(line)
    if not render.ask(question, left):
        raise Refused(left, **data)


def login(environ: Mapping[str, str]) -> str:
    """Return the login name: `$USER`, `$LOGNAME`, else the name of the user id, for cron and containers."""
    name = environ.get("USER") or environ.get("LOGNAME")
    if name:
        return name
    import pwd

    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:  # a number without an account
        return f"user{os.getuid()}"


def login_as_name(environ: Mapping[str, str]) -> str:
    """Return the login name as the name of an agent, changed where it holds what a name may not hold."""
    name = login(environ)
    try:
        return address.check_name(name)
    except InvalidName:
        return address.slug(name, "user")
