"""The verb with which a person types a prompt into an agent's pane: poke."""

from __future__ import annotations

import time

from xats.base import durations, host, seats
from xats.base.errors import InvalidBody, Refused, TimedOut, XatsError
from xats.cli.kit import people, reading, render, views
from xats.core.agents import agents
from xats.core.waking import pokes, stops
from xats.core.waking.reasons import PASSING

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from xats.cli.kit import params
    from xats.cli.kit.context import Context
    from xats.core.agents.agents import Agent, Session
    from xats.delivery.poke import Poked
    from xats.store import Tx

AGAIN = 0.5  # seconds between two tries
LEFT = "Nothing was typed."
IN_A_FILE = "put it into a file, and poke the agent to read that"
HINTS = {
    "no_pane": "start it in a tmux pane, and register it there",
    "no_program": "start its program: xats launch PROGRAM --name NAME",
    "pane_dead": "start it again in its pane, and register it there",
    "pane_changed": "register it again in its pane",
    "process_gone": "start it again in its pane, and register it there",
    "server_gone": "start it in a tmux pane, and register it there",
    "not_ours": "register it again in its pane: xats register NAME",
    "no_wake": "xats send AGENT '...'",
    "multi_line": "put it on one line, or put it into a file and name the file",
    "shell_command": "begin with another character",
    "looks_like_dialog": "use other words, or put the text into a file and name the file",
    "too_long": IN_A_FILE,
    "full_screen": "xats client list",
}


class NotTyped(Refused):
    """Nothing was typed."""

    code = "not_typed"


class Unconfirmed(XatsError):
    """The text was pasted, but xats did not see it submitted."""

    code = "unconfirmed"


def poke(
    here: Context,
    agent: params.PokedArg,
    text: params.PokeTextArg,
    *,
    yes: params.YesOption = False,
    dry_run: params.PokeDryRunOption = False,
    timeout: params.TimeoutOption = None,
) -> int:
    """Type a prompt into an agent's pane and submit it; for people only.

    It asks first. It types nothing where a wake would be refused: at a busy agent, a dialog, a half-written line, a
    person who types there, or a shell. With --timeout it retries until that time is over.

    xats takes you for a person if no agent program is above this command or has marked its environment, and neither
    the pane nor the name (--as, XATS_AGENT) belongs to an agent. Without a terminal, as in a script, --yes is needed.

    xats removes control characters. It types several lines only into a program that takes them as one text.

    Example: xats poke bob 'Please run the tests again'

    Example: git diff | xats poke bob - --yes

    Example: xats poke bob 'Please run the tests again' --dry-run
    """
    from xats.delivery import poke as delivery
    from xats.delivery.settings import from_environment, of_team

    from_environment(here.environ)  # refuse wrong settings before the question
    deadline = time.monotonic() + durations.parse(timeout) / 1000 if timeout is not None else 0.0
    by = people.person(here, "poke an agent", "an agent writes: xats send AGENT '...'")
    if not (yes or dry_run or render.can_ask()):
        msg = f"Confirmation needed, but there is no terminal. {LEFT}"
        raise NotTyped(msg, f"xats poke {agent} '...' --yes", reason="declined")
    clean, removed = delivery.sanitise(_read(text, delivery.LARGEST))
    if not clean.strip():
        msg = "There is nothing to type: the text is empty."
        raise InvalidBody(msg, "give it in single quotes, or - to read it from standard input")
    if removed and not here.quiet and not here.json:
        render.say(f"  removed from the text: {', '.join(removed)}")
    whom, session = here.store.read(lambda tx: _target(here, tx, agent))
    if session and session.seat.host == host.id() and not seats.ours(here.path, whom, session):
        outcome = delivery.Poked("refused", "not_ours")
        raise _failure(here, outcome, {"agent": whom.address, "pane": None, "reason": "not_ours"}, waited=False)
    if dry_run:
        return _preview(here, whom, session, clean, removed)
    settings = here.store.read(lambda tx: of_team(tx, whom.team, here.environ))
    if not yes and session and session.seat.pane and not _agreed(whom, session, clean, delivery.view(whom, session)):
        raise NotTyped(LEFT, reason="declined")

    while True:
        outcome = delivery.poke(whom, session, clean, settings)
        if outcome.state != "refused" or outcome.reason not in PASSING or time.monotonic() + AGAIN > deadline:
            break
        time.sleep(AGAIN)

    def note(tx: Tx) -> None:
        pokes.note(tx, by, agent=whom, length=len(clean), state=outcome.state, reason=outcome.reason)
        if outcome.state == "delivered":
            stops.restart(tx, whom.id)

    here.store.write(note)
    pane = session.seat.pane.pane_id if session and session.seat.pane else None
    found = {"agent": whom.address, "pane": pane, "state": outcome.state, "reason": outcome.reason, "removed": removed}
    if outcome.state != "delivered":
        raise _failure(here, outcome, found, waited=timeout is not None)
    if here.json:
        render.document(found)
    elif not here.quiet:
        render.put(f"typed into {pane}, and {views.near(whom.address, here.team)} took it")
    return 0


def _preview(here: Context, whom: Agent, session: Session | None, text: str, removed: list[str]) -> int:
    """Print what a poke would type and where, or why it would type nothing; return the exit code."""
    from xats.delivery import poke as delivery

    pane = session.seat.pane.pane_id if session and session.seat.pane else None
    refused = delivery.preview(whom, session, text)
    if here.json:
        state, reason = ("refused", refused.reason) if refused else ("ready", None)
        found = {"agent": whom.address, "pane": pane, "state": state, "reason": reason, "removed": removed}
        render.document(found)
        return 0
    where = f"{pane} of {whom.address} ({whom.client})" if pane else f"the pane of {whom.address}"
    if refused and refused.reason:
        detail = f" ({render.one_line(refused.detail)})" if refused.detail else ""
        render.put(f"would type nothing into {where}: {delivery.WORDS[refused.reason]}{detail}")
    else:
        render.stream([f"would type into {where}:", *(f"  | {line}" for line in render.visible(text).split("\n"))])
    return 0


def _target(here: Context, tx: Tx, name: str) -> tuple[Agent, Session | None]:
    agent = here.named(tx, name)
    return agent, agents.current_session(tx, agent)


def _read(text: str, largest: int) -> str:
    """Return `text`, or the text of stdin if it is `-`. Raises InvalidBody, also above `largest` bytes."""
    from xats.base.text import check

    said = reading.given(text, "text", InvalidBody, LEFT)
    data = check(said, "text", InvalidBody, LEFT, IN_A_FILE)
    if len(data) > largest:
        msg = f"The text has more than {largest} bytes. {LEFT}"
        raise InvalidBody(msg, IN_A_FILE)
    return said


def _agreed(whom: Agent, session: Session, text: str, seen: str) -> bool:
    """Show the text and the pane, and ask."""
    assert session.seat.pane
    render.say(f"{whom.address} ({whom.client}) in {session.seat.pane.pane_id}: {render.one_line(seen)}")
    for line in render.visible(text).split("\n"):
        render.say(f"  | {line}")
    return render.ask("Type this and submit it?", LEFT)


def _failure(here: Context, outcome: Poked, found: dict[str, Any], *, waited: bool) -> XatsError:
    """Return the error for a text that xats did not see submitted."""
    from xats.delivery.poke import WORDS

    name, pane = views.near(found["agent"], here.team), found["pane"]
    why = WORDS[outcome.reason] if outcome.reason else ""
    detail = f" ({outcome.detail})" if outcome.detail else ""
    if outcome.state == "unconfirmed":
        why = "" if outcome.reason == "unconfirmed" else f": {why}"
        msg = f"The text was pasted into {name}'s pane, but xats did not see it submitted{why}{detail}."
        return Unconfirmed(msg, f"look at pane {pane}: the text may still be in the composer", **found)
    if waited and outcome.reason in PASSING:
        msg = f"Nothing was typed at {name} in that time: {why}{detail}."
        return TimedOut(msg, f"xats client test {pane}", **found)
    msg = f"Nothing was typed at {name}: {why}{detail}."
    again = "try again later, or: --timeout 1m" if outcome.reason in PASSING else HINTS.get(outcome.reason or "", "")
    return NotTyped(msg, again or f"xats client test {pane}", **found)
