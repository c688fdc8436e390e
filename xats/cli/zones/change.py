"""The verbs that change zones: assign, drop."""

from __future__ import annotations

import os

from xats.base.errors import Usage
from xats.cli.kit import hints, render
from xats.cli.zones import text
from xats.cli.zones.settled import settle
from xats.core.mail import recipients
from xats.core.zones import patterns, zones
from xats.identity import files

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from xats.cli.kit import params
    from xats.cli.kit.context import Context, Me
    from xats.core.zones.stored import Zone
    from xats.core.zones.zones import Assigned
    from xats.store import Tx


def assign(
    here: Context, address: params.ZoneOwnerArg, patterns: params.PatternsArg, *, nested: params.NestedOption = False
) -> int:
    """Give a part of this repository to an agent or a role.

    Others in the team cannot lock files in a zone, and xats warns them before they edit one. A zone counts in all
    worktrees, and in each clone with the same origin. The owner gets mail.

    A pattern is as in .gitignore, from the top of the repository. Without signs such as * it is one file or folder with
    all that is in it. A pattern such as '*.py' matches at any depth, and files alone.

    Zones of different owners must not overlap. With --nested one may contain the other.

    Example: xats zone assign bob src/auth/ 'docs/*.md'

    Example: xats zone assign role:backend src/ --nested
    """
    place, top = files.repository()
    settle(here, place)
    given = [files.from_top(one, top) for one in patterns]

    def work(tx: Tx, me: Me) -> tuple[list[Assigned], bool]:
        done = zones.assign(tx, me.agent, address, place, given, nested=nested)
        owner = done[0].zone.owner
        return done, owner.agent_id is not None or bool(recipients.with_role(tx, me.agent.team, owner.name))

    done, has_members = here.write(work)
    if here.json:
        render.document({"zones": [{**text.zone_json(one.zone), "created": one.created} for one in done]})
    elif not here.quiet:
        for one in done:
            _report(one)
        owner = done[0].zone.owner
        if not has_members:
            command = here.command("register", hints.TEXT, "--role", owner.name)
            render.say(f"  no agent has the role {owner.name} yet: {command}")
        for one in done:
            _report_missing(one.zone, top)
    return 0


def _report(one: Assigned) -> None:
    again = "" if one.created else " already"
    render.put(f"{one.zone.owner.address} has the zone {render.one_line(one.zone.pattern)}{again}")
    if one.outer:
        render.say(f"  it is in the zone {text.named(one.outer[0])}; here the new zone applies")
    if one.inner:
        render.say(f"  zones in it, which still apply: {', '.join(map(text.named, one.inner))}")


def _report_missing(zone: Zone, top: str) -> None:
    """Say that a zone without signs has no file, and what the pattern would be from the working directory."""
    path = patterns.parse(zone.pattern).literal
    if path is None or path.startswith(patterns.AT_ANY_DEPTH) or os.path.lexists(os.path.join(top, path)):
        return
    meant = os.path.relpath(os.path.realpath(path), os.path.realpath(top))
    if os.path.lexists(path) and not meant.startswith(".."):
        render.say(f"  a pattern begins at the top of the repository: did you mean {render.one_line(meant)}?")
    else:
        render.say(f"  no file is at {render.one_line(path)} yet")


def drop(here: Context, patterns: params.ZonesArg = None, *, owner: params.OfOwnerOption = None) -> int:
    """End zones: those with a pattern in this repository, or all of an owner.

    The owner, the agent that assigned a zone, and a person may end it.

    Example: xats zone drop src/auth/

    Example: xats zone drop --of bob
    """
    if not patterns and owner is None:
        msg = "A PATTERN or --of ADDRESS is missing. Nothing was changed."
        raise Usage(msg, "xats zone list, then xats zone drop PATTERN")
    place, top = files.repository()
    settle(here, place)
    given = [files.from_top(one, top) for one in patterns or ()]
    found = here.write(lambda tx, me: zones.drop(tx, me.agent, place, given, owner))
    if here.json:
        render.document({"zones": list(map(text.zone_json, found))})
    elif not here.quiet:
        _report_dropped(found)
    return 0


def _report_dropped(found: Sequence[Zone]) -> None:
    for one in found:
        render.put(f"dropped the zone {text.named(one)}")
