"""Start an agent program in a place of its own, and wait until it is ready or needs a person."""

from __future__ import annotations

from xats.base import durations
from xats.base.errors import Refused, Usage, XatsError
from xats.cli.crews import options, together
from xats.cli.kit import documents, render, views
from xats.core.agents import agents
from xats.core.crews.errors import StartFailed, StartSuperseded
from xats.crews import starting

TYPE_CHECKING = False
if TYPE_CHECKING:
    from xats.cli.crews.together import Wanted
    from xats.cli.kit.context import Context
    from xats.core.crews.starts import Start
    from xats.core.states import StartPlace
    from xats.crews.watching import Seen


def start(here: Context, wanted: Wanted) -> int:
    """Start the program, and wait until it is ready; return the exit code.

    Raises AlreadyStarted, NameTaken, TmuxUnavailable, StartFailed.
    """
    (begun,) = together.begin(here, [wanted])
    if isinstance(begun, XatsError):
        raise begun
    if not begun.own:
        render.say(f"{begun.start.agent.name} is already being started")
    (failed,) = together.open_panes(here, [begun])
    if failed:
        raise failed
    here.rouse_daemon()
    ((_, seen),) = together.watch(here, [begun])
    if seen is None:
        msg = "A newer start has replaced this one."
        raise StartSuperseded(msg, "xats agents --long")
    found = seen.start
    if found.state in ("failed", "stopped"):
        together.forget_unused(here, begun)
        msg = f"{found.agent.name} did not start: {first_line(found.detail)}."
        raise StartFailed(msg, where_failed(found), agent=found.agent.address, detail=found.detail)
    return _report(here, seen, by_agent=wanted.by_agent)


def where(here: Context, place: StartPlace, session: str | None) -> starting.Where:
    """Return where a new pane is made. Raises Usage for a place that needs a tmux pane around this command."""
    from xats.cli.agents import seat
    from xats.tmux import pane as panes

    if place == "session":
        return starting.Where("session", seat.socket_around(here.environ), session=session)
    around = panes.here(here.environ)
    if around is None:
        msg = f"--{place} needs a tmux pane around this command. {options.LEFT}"
        raise Usage(msg, "name a session, which may be new: --session crew")
    return starting.Where(place, around.socket, around)


def first_line(detail: str | None) -> str:
    """Return the first line of the `detail` of a start that has failed, without a full stop."""
    return render.one_line((detail or "its program has ended").split("\n")[0].rstrip("."))


def where_failed(start: Start) -> str:
    """Return where a person sees why the start failed."""
    shown = start.pane is not None and "\n" in (
        start.detail or ""
    )  # the detail has the last lines of a pane that stays
    return f"its last screen is in pane {start.pane.pane_id}" if start.pane and shown else "try again"


def _report(here: Context, seen: Seen, *, by_agent: bool) -> int:
    """Print what became of the start; return the exit code."""
    start = seen.start
    if start.state == "needs_you":
        together.note_needed(here, start, by_agent=by_agent)
    if here.json:
        details = here.store.read(lambda tx: agents.details(tx, agents.by_id(tx, start.agent.id)))
        render.document({"agent": documents.agent_json(details), "start": documents.start_json(start)})
    elif here.quiet:
        render.put(start.agent.name)
    else:
        _tell(here, seen)
    return Refused.exit if start.state == "needs_you" else 0


def why_untyped(here: Context, start: Start) -> str:
    """Return in words why the first prompt of `start` is not typed yet."""
    from xats.crews import startfile, watching
    from xats.delivery import poke

    text = startfile.read(startfile.path_of(here.environ, start.token)).get("prompt")
    session = here.store.read(lambda tx: watching.find(tx, start).session)
    found = poke.preview(start.agent, session, text) if isinstance(text, str) and text else None
    if found is None or found.reason is None:
        return "xats types it once the program is ready and idle"
    detail = f" ({render.one_line(found.detail)})" if found.detail else ""
    return f"{poke.WORDS[found.reason]}{detail}"


def _tell(here: Context, seen: Seen) -> None:
    start = seen.start
    name, pane = views.near(start.agent.address, here.team), start.pane.pane_id if start.pane else "its pane"
    took = durations.rough(max(0, start.state_at - start.created_at))
    if start.state == "needs_you":
        render.put(f"{name} started in pane {pane} ({start.client}), and needs you:")
        for line in render.visible(start.detail or "").split("\n"):
            render.say(f"  | {line}")
        render.say(f"  to answer it: {here.command('attach', start.agent.name)}")
    else:
        render.put(f"{name} started in pane {pane} ({start.client}), ready after {took}")
        render.say(f"  to look at it: {here.command('attach', start.agent.name)}")
    if start.prompt == "pending":
        render.say(f"  its first prompt waits: {why_untyped(here, start)}")
    elif start.prompt == "failed":
        render.warn("xats typed the first prompt, but did not see it submitted; look at the pane")
