"""The verb by which an agent says what it works on: doing."""

from __future__ import annotations

from xats.base.durations import ago, iso
from xats.base.errors import Usage
from xats.cli.kit import render
from xats.core.agents import agents
from xats.core.agents import doing as core

TYPE_CHECKING = False
if TYPE_CHECKING:
    from xats.cli.kit import params
    from xats.cli.kit.context import Context, Me
    from xats.core.agents.agents import Agent, Session
    from xats.store import Tx


def doing(here: Context, text: params.DoingArg = None, *, clear: params.ClearOption = False) -> int:
    """Say in one line what you work on; other agents and people see it.

    xats agents, xats top and xats recap show the text until your session ends. It stays when your program compacts or
    clears its context, and xats tells it to you again then. Without TEXT xats prints what you said last.

    Example: xats doing 'fixing the parser'

    Example: xats doing --clear
    """
    if clear and text is not None:
        msg = "TEXT and --clear exclude each other."
        raise Usage(msg, "xats doing --clear")
    said = core.check(text) if text is not None else None

    def change(tx: Tx, me: Me) -> tuple[bool, Agent, Session | None]:
        return core.put(tx, me.agent, said), me.agent, agents.current_session(tx, me.agent)

    if said is None and not clear:
        changed, agent, session = here.read(
            lambda tx, me: (False, me.agent, agents.current_session(tx, me.agent)), register=False
        )
    else:
        changed, agent, session = here.write(change)
    now, since = (session.doing, session.doing_at) if session else (None, None)
    if here.json:
        whom = {"name": agent.name, "team": agent.team}
        render.document({"agent": whom, "doing": now, "doing_since": iso(since), "changed": changed})
    elif said is None and not clear:
        _tell(here, now, since)
    elif not here.quiet:
        if now is None:
            what = "removed what it works on" if changed else "had not said what it works on"
            render.put(f"{agent.name} {what}")
        else:
            render.put(f"{agent.name} works on: {render.one_line(now)}{'' if changed else ' (as before)'}")
    return 0


def _tell(here: Context, text: str | None, since: int | None) -> None:
    """Print what I said that I work on, and when."""
    if text is not None:
        render.put(render.one_line(text))
        if since is not None and render.on_terminal() and not here.quiet:
            render.say(f"  you said so {ago(since, here.store.clock())}")
    elif not here.quiet:
        render.say("you have not said what you work on")
        render.say(f"  {here.command('doing', 'fixing the parser')}")
