"""Register an agent before its program runs: `xats register NAME --pane %N --expect codex`."""

from __future__ import annotations

from xats.base import durations, host, occupancy
from xats.base.errors import Refused, Usage
from xats.base.record import record
from xats.cli.kit import documents, render
from xats.cli.kit.scope import me_or_none
from xats.core.agents import agents, expectations, registration
from xats.core.teams import teams
from xats.tmux.errors import NoPane

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from xats.base.pane import Pane
    from xats.cli.kit.context import Context
    from xats.clients.profile import Profile
    from xats.core.agents.registration import Changes, Registered
    from xats.store import Tx


@record
class Wanted:
    """The expected program, its pane, and for how many ms xats waits."""

    profile: Profile
    pane: Pane
    ttl: int


def wanted(here: Context, word: str, ttl: str | None, pane_id: str | None) -> Wanted:
    """Return what `--expect word --ttl ttl --pane pane_id` means. Raises NotFound, NoPane, PaneUnusable, Usage."""
    from xats.cli.agents import seat
    from xats.clients import registry
    from xats.tmux import pane as panes

    profile = registry.called(word, here.environ)
    if not registry.spoken(profile):
        msg = f"{profile.name} names no program, so xats cannot see it appear."
        raise Usage(msg, f"one of: {', '.join(_programs(here.environ))}")
    lasts = expectations.DEFAULT if ttl is None else durations.parse(ttl)
    if not expectations.SHORTEST <= lasts <= expectations.LONGEST:
        msg = f"--ttl must be from 1s to 10m, not {ttl!r}."
        raise Usage(msg, "--ttl 2m is the default")
    pane = seat.pane_by_id(here, pane_id) if pane_id else panes.here(here.environ)
    if pane is None:
        msg = "--expect needs a tmux pane, and this command does not run in one."
        raise NoPane(msg, "name the pane: --pane %N; tmux list-panes -a shows them")
    return Wanted(profile, pane, lasts)


def _programs(environ: Mapping[str, str]) -> list[str]:
    from xats.clients import registry

    profiles = [registry.find_or_generic(name, environ) for name in registry.names(environ)]
    return [one.executables[0] for one in profiles if one.executables]


def is_there(what: Wanted) -> bool:
    """Tell whether the expected program is already in the pane."""
    from xats.clients import occupants

    return occupants.program(what.pane, what.profile) is not None


def expect(here: Context, name: str, changes: Changes, what: Wanted, *, takeover: bool) -> int:
    """Create the agent `name`, which has no process yet, and expect its program in its pane."""
    from xats.cli.teams import membership

    agreed = membership.agree(here)

    def work(tx: Tx) -> tuple[Registered, list[str], tuple[str, ...]]:
        team, called = here.address(tx, name)
        membership.join(here, tx, team, agreed=agreed)
        known = agents.find(tx, team, called)
        if known and known.registered and known.client == "human":
            msg = f"{known.name} is a person in team {known.team}."
            raise Refused(msg, "take another name", agent=known.address)
        asker = me_or_none(here, tx)
        seat = agents.Seat(here.host, host_name=host.name())
        done = registration.register(
            tx,
            team,
            name=called,
            changes=changes,
            seat=seat,
            living=lambda one: occupancy.holds(one.seat),
            takeover=takeover,
        )
        agent = done.details.agent
        asked_by = asker.agent.id if asker and asker.agent.id != agent.id else None
        client = what.profile.name
        replaced = expectations.expect(
            tx, agent, client=client, host=here.host, pane=what.pane, ttl=what.ttl, asked_by=asked_by
        )
        return done, replaced, teams.notices(tx, team)

    done, replaced, pending = here.store.write(work)
    here.rouse_daemon()
    agent = done.details.agent
    if here.json:
        expected = here.store.read(lambda tx: expectations.of_agent(tx, agent.id))
        said = {"agent": documents.agent_json(done.details), "created": done.created, "displaced": None}
        render.document({**said, "expected": documents.expected_json(expected), "replaced": replaced})
    elif here.quiet:
        render.put(agent.name)
    else:
        _tell(here, done, what, replaced)
        membership.tell(here, agent.team, pending)
    return 0


def _tell(here: Context, done: Registered, what: Wanted, replaced: list[str]) -> None:
    from xats.daemon import lock

    agent, pane = done.details.agent, what.pane.pane_id
    within = durations.rough(what.ttl)
    render.put(f"{agent.name} expected in team {agent.team}: {what.profile.name} in pane {pane}, within {within}")
    for one in replaced:
        before = (
            "this replaces the expectation before it" if one == agent.address else f"{one} is not expected any more"
        )
        render.say(f"  {before}")
    render.say(f"  mail for {agent.name} is kept until it is there: {here.command('agents')}")
    if not lock.held(here.path):
        render.warn("no daemon runs, so only the program's own hook or xats register binds it. Try: xats daemon start")
