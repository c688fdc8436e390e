"""The transports that can wake an agent, and a warning if xats can type no line for it."""

from __future__ import annotations

from xats.base import host
from xats.cli.kit import render

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection

    from xats.cli.kit.context import Context
    from xats.core.agents.agents import Details


def woken_by(here: Context, details: Details, off: Collection[str]) -> list[str]:
    """Return the transports by which an agent can be woken now, in their order, without those that are `off`."""
    from xats.daemon.liveness import pane_gone
    from xats.delivery import routing

    session = details.session
    gone = {routing.TMUX} if session and pane_gone(session) else ()
    found = routing.routes(details.agent, session, details.presence, here.path, off)
    return [one.name for one in found if one.name not in gone]


def warn_unreachable(here: Context, details: Details) -> bool:
    """Tell whether xats can type a line for an agent in its pane. If not, warn why, and say what helps.

    The reason may be a sandbox, another terminal, or a tmux that is too old for the paste.
    """
    from xats.base import sandbox
    from xats.cli.agents import seat
    from xats.clients import registry

    agent, session = details.agent, details.session
    if session is None or agent.wake_by not in ("auto", "tmux") or agent.client == "human":
        return True
    place, name = session.seat, agent.name
    if place.pane is None and place.pid is None and seat.hidden(None):
        inside = sandbox.around(here.environ)
        where = inside.name if inside else "a sandbox"
        why = f"{name} is in {where}, from which xats sees neither its pane nor its process"
        fix = f"outside the sandbox: xats register {name} --team {agent.team} --pane %N"
    elif place.host != host.id():  # outside of our sandbox, which hides it from us
        return True
    elif place.pane and (old := seat.too_old(place.pane)):
        why = f"the tmux {old} of pane {place.pane.pane_id} is too old for the paste (xats needs tmux 3.2 or newer)"
        fix = "a newer tmux, or let it run xats wait"
    elif place.pane and (found := seat.other_terminal(place)):
        why = f"{name}'s program ({found.name}, pid {found.pid}) has another terminal than pane {place.pane.pane_id}"
        fix = f"let it run xats wait, or: xats hook install {agent.client}"
    elif place.pane and registry.find_or_generic(agent.client, here.environ).composer_unknown:
        why = f"xats does not know yet how the composer of {agent.client} looks"
        fix = "let it run xats wait, or describe it: xats client test PANE --profile"
    elif place.pane and seat.behind(place.pane) and not _has_looks(here, agent.client):
        why = f"{name} runs this on another terminal than pane {place.pane.pane_id}, as behind a sandbox or script"
        render.warn(f"{why}. While a program runs there, no line is typed for it. Let it run xats wait")
        return False
    else:
        return True
    ways = [one for one in woken_by(here, details, ()) if one != "tmux"]
    means = f"it is woken by {', '.join(ways)} alone" if ways else "nothing wakes it"
    render.warn(f"{why}, so no line can be typed for it; {means}. Try {fix}")
    return False


def _has_looks(here: Context, client: str) -> bool:
    """Tell whether a profile knows how the composer of `client` looks."""
    from xats.clients import registry

    known = registry.find_or_generic(client, here.environ)
    return bool(known.prompts or known.frame)
