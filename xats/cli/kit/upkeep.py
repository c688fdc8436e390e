"""What a command does beside its work: register a person, renew claims, record the host, and say so once."""

from __future__ import annotations

from xats.base import host, occupancy
from xats.base.errors import StoreError
from xats.cli.kit.render import say, warn
from xats.core import hosts
from xats.core.agents import agents, registration
from xats.identity.resolve import Me

TYPE_CHECKING = False
if TYPE_CHECKING:
    from xats.cli.kit.context import Context
    from xats.core.agents.agents import Session
    from xats.identity.resolve import FirstUse
    from xats.store import Tx

RENEWING = 0.3  # seconds that a command that only reads waits for a busy store, to renew what its agent has claimed


def register_person(here: Context, tx: Tx, first: FirstUse) -> Me:
    """Register the person who uses xats for the first time, and return them."""
    seat = agents.Seat(here.host, host_name=host.name())
    here.claim(tx, first.team)
    done = registration.register(
        tx, first.team, name=first.name, changes=registration.Changes(client="human"), seat=seat, living=lambda _: None
    )
    here.new_person = done.details.agent
    return Me(done.details.agent, "user", first.note)


def introduce(here: Context) -> None:
    """Say once that a person has a name now, that a name has changed, and which other agent has the person's pane."""
    if here.new_person and not here.quiet:
        name, team = here.new_person.name, here.new_person.team
        hint = "" if here.prints_mail else f"; your mail: {here.command('inbox')}"
        say(f"you are {name} in team {team} from now on{hint}")
        if here.environ.get("TMUX") and not here.json:
            say("  tmux shows a line when mail comes")
    if not (here.quiet or here.json):
        if here.former and not here.former_said:
            say(f"{here.former[0]} is called {here.former[1]} now")
            here.former_said = True
        if here.note:
            warn(here.note)
    here.new_person = here.note = None


def renew(here: Context, me: Me) -> None:
    """Renew what `me` has claimed, after a command that only read.

    A store that is busy or cannot be written is no reason to fail: the next command or hook renews it.
    """
    patience, here.store.patience = here.store.patience, RENEWING
    try:
        here.store.write(lambda tx: agents.touch(tx, me.agent))
    except StoreError:
        pass
    finally:
        here.store.patience = patience


def follow_after_reading(here: Context, me: Me) -> None:
    """Do what `follow` does, after a command that only read: its store may be one that cannot be written."""
    try:
        here.store.write(lambda tx: follow(tx, me))
    except StoreError:
        pass


def follow(tx: Tx, me: Me) -> None:
    """Note on which host `me` acts, and the present name of that host."""

    def is_here(session: Session) -> bool:
        seen = occupancy.sits_here(session.seat)
        # A session of which nothing is known is where its own commands are, but not where anybody says --as.
        return bool(seen) or (seen is None and me.evidence != "flag" and not host.nested())

    hosts.follow(tx, me.agent, host=host.id(), name=host.name(), here=is_here)
