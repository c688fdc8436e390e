"""The verbs that change teams: rename, merge, archive, forget."""

from __future__ import annotations

from functools import partial

from xats.base import occupancy
from xats.cli.kit import render
from xats.cli.teams.change import Change
from xats.cli.teams.look import counted, team_json
from xats.cli.zones import text as zone_text
from xats.core.agents import agents as core_agents
from xats.core.teams import changes, views
from xats.core.teams import merge as team_merge

TYPE_CHECKING = False
if TYPE_CHECKING:
    from xats.cli.kit import params
    from xats.cli.kit.context import Context
    from xats.core.agents.agents import Session
    from xats.core.teams.changes import Forgotten
    from xats.core.teams.merge import Plan
    from xats.core.teams.views import Summary
    from xats.store import Tx


def rename(
    here: Context,
    old: params.OldTeamArg,
    new: params.NewTeamArg,
    *,
    yes: params.YesOption = False,
    dry_run: params.TeamDryRunOption = False,
) -> int:
    """Rename a team; the old name still leads to it.

    Agents, mail, tasks, contracts, notes, pauses, projects and the history move along. XATS_TEAM=OLD and mail to
    bob@OLD still work. Each agent of the team gets one letter, which wakes no agent. For people only; xats asks first.

    Example: xats team rename api-2 billing
    """
    old, new = changes.check_team(old), changes.check_team(new)
    change = Change(here, old, ("team", "rename", old, new), yes=yes, dry_run=dry_run)

    def look(tx: Tx) -> Summary:
        return changes.check_rename(tx, old, new)

    found = change.look(look)
    if not change.agreed(f"Rename team {old} to {new}?", found):
        return change.report(found, new, f"would rename team {old} to {new}")
    here.store.write(lambda tx: changes.rename(tx, change.by, old=old, new=new))
    return change.report(found, new, f"team {old} is team {new} now")


def merge(
    here: Context,
    old: params.OldTeamArg,
    into: params.IntoTeamArg,
    *,
    suffix: params.SuffixOption = None,
    yes: params.YesOption = False,
    dry_run: params.TeamDryRunOption = False,
) -> int:
    """Merge a team into another one; nothing of either is lost.

    Agents, mail, tasks, contracts, notes, turns, zones, pauses, projects and the history move along. If both teams have
    an agent of the same name, --suffix renames the agent of OLD, and its old address leads to it. A person who is in
    both teams is one agent afterwards. Contracts of the same name must be equal. If both teams have a note of the same
    key, that of OLD gets the key OLD/KEY; a turn of the same name becomes TURN-OLD. If both have a zone for the same
    files, that of OLD ends. Each agent gets one letter, which wakes no agent. For people only; xats asks first.

    Example: xats team merge shop-fix shop

    Example: xats team merge shop-fix shop --suffix fix
    """
    old, into = changes.check_team(old), changes.check_team(into)
    words = ("team", "merge", old, into, *(("--suffix", suffix) if suffix is not None else ()))
    change = Change(here, old, words, yes=yes, dry_run=dry_run)
    planned = change.look(lambda tx: team_merge.plan(tx, old, into=into, suffix=suffix))
    change.say_first(f"team {into}: {counted(planned.into, change.online(into))}", *_clashes(planned))
    if change.agreed(f"Merge team {old} into {into}?", planned.old):
        planned = here.store.write(lambda tx: team_merge.merge(tx, change.by, old=old, into=into, suffix=suffix))
        here.rouse_daemon()
        _mark_panes(here, planned)
        if yes and not (here.json or here.quiet):  # else they were said before the question
            for line in _ended_zones(planned):
                render.say(line)
    more = {
        "into": team_json(planned.into, change.online(into)),
        "renamed": [{"agent": f"{name}@{into}", "old_address": one.address} for one, name in planned.renamed],
        "notes": [{"key": key, "old_key": was} for _, was, key in planned.notes],
        "ended_zones": [
            {"pattern": one.pattern, "owner": f"{one.owner.address}@{old}", "repository": one.repository}
            for one in planned.zones
        ],
        "turns": [{"name": new, "old_name": was} for _, was, new in planned.turns],
        "merged_people": [name for _, _, name in planned.joined if name != core_agents.SYSTEM],
    }
    said = f"would merge team {old} into {into}" if dry_run else f"team {old} is a part of team {into} now"
    return change.report(planned.old, into, said, **more)


def _mark_panes(here: Context, planned: Plan) -> None:
    """Put the new names into the panes of the renamed agents, for a status line."""
    from contextlib import suppress

    from xats.base.errors import XatsError
    from xats.cli.agents import pane_mark

    for one, name in planned.renamed:
        session = here.store.read(partial(core_agents.current_session, agent=one))
        if session and session.seat.host == here.host:
            with suppress(XatsError):  # the pane may be gone
                pane_mark.put(here.path, session, name)


def _clashes(planned: Plan) -> list[str]:
    """Return in words which agents, notes and turns a merge renames or joins, and which zones it ends."""
    lines = [f"{one.address} becomes {name}@{planned.into.name}" for one, name in planned.renamed]
    lines += [
        f"{name} is a person in both teams, and one agent afterwards"
        for _, _, name in planned.joined
        if name != core_agents.SYSTEM
    ]
    lines += _ended_zones(planned)
    lines += [f"the note {was} of team {planned.old.name} becomes {key}" for _, was, key in planned.notes]
    lines += [f"the turn {was} of team {planned.old.name} becomes the turn {new}" for _, was, new in planned.turns]
    return lines


def _ended_zones(planned: Plan) -> list[str]:
    """Return in words which zones a merge ends."""
    into = planned.into.name
    return [f"the zone {zone_text.named(one)} ends: team {into} has one for the same files" for one in planned.zones]


def archive(
    here: Context,
    name: params.TeamArg,
    *,
    undo: params.UndoOption = False,
    force: params.ArchiveForceOption = False,
    yes: params.YesOption = False,
    dry_run: params.TeamDryRunOption = False,
) -> int:
    """Hide a team from the list until its project is used again.

    Nothing is removed, and mail still arrives. The list has the team again when an agent registers in it, or when a
    seat or a task is added to it. xats refuses while agents of the team are at work. For people only; xats asks first.

    Example: xats team archive shop

    Example: xats team archive shop --undo
    """
    name = changes.check_team(name)
    words = ("team", "archive", name, "--undo" if undo else None, "--force" if force else None)
    change = Change(here, name, words, yes=yes or undo, dry_run=dry_run)

    def look(tx: Tx) -> Summary:
        found = views.summary(tx, name)
        if not (undo or force or found.archived_at is not None):
            working = changes.at_work(tx, name, _holds)
            command = f"xats team archive {name} --force"
            changes.refuse_at_work(name, working, why="Nothing was changed.", command=command)
        return found

    found = change.look(look)
    if (found.archived_at is None) == undo:
        return change.report(found, name, f"team {name} {'is not' if undo else 'was already'} archived")
    if not change.agreed(f"Archive team {name}?", found):
        return change.report(
            found, name, f"would {'list' if undo else 'archive'} team {name}{' again' if undo else ''}"
        )
    if undo:
        here.store.write(lambda tx: changes.restore(tx, change.by, name))
    else:
        here.store.write(lambda tx: changes.archive(tx, change.by, name=name, holds=_holds, force=force))
    return change.report(found, name, f"team {name} is {'listed again' if undo else 'archived'}")


def forget(
    here: Context,
    name: params.TeamArg,
    *,
    force: params.ForgetForceOption = False,
    yes: params.YesOption = False,
    dry_run: params.TeamDryRunOption = False,
) -> int:
    """End a team that is not used any more, and free its name.

    xats unregisters its agents, and frees its projects and its name. The history stays in the archived team
    NAME.forgotten until it is pruned. xats refuses while agents are at work, mail is unread or tasks are open. With
    --force xats cancels the tasks and lets unread mail expire: letters to agents by name become dead letters, and xats
    tells their senders in other teams. A former name of a team is only freed. For people only; xats asks first.

    Example: xats team forget shop-fix --dry-run
    """
    name = changes.check_team(name)
    change = Change(here, name, ("team", "forget", name, "--force" if force else None), yes=yes, dry_run=dry_run)

    def look(tx: Tx) -> Summary | str:
        row = tx.one(views.TEAM, name=name)
        if row and row["moved_to"]:
            now: str = row["moved_to"]
            return now
        found = views.summary(tx, name)
        if not force:
            changes.refuse_forget(tx, found, _holds)
        return found

    found = change.look(look)
    if isinstance(found, str):
        return _forget_former(here, change, name, found)
    if not change.agreed(f"Forget team {name}?", found):
        return change.report(found, None, f"would forget team {name}", dead_letters=0, dropped=0, cancelled=0)
    done = here.store.write(lambda tx: changes.forget(tx, change.by, name=name, holds=_holds, force=force))
    here.rouse_daemon()
    counts = {"dead_letters": done.dead, "dropped": done.dropped, "cancelled": done.cancelled}
    return change.report(found, done.kept_as, f"team {name} is forgotten{_forgotten(done)}", **counts)


def _forget_former(here: Context, change: Change, name: str, now: str) -> int:
    """Free the former name `name` of the team `now`."""
    found = here.store.read(lambda tx: views.summary(tx, now))
    counts = {"dead_letters": 0, "dropped": 0, "cancelled": 0}
    if not change.agreed(f"Free the name {name}, which leads to team {now}?", found):
        return change.report(found, now, f"would free the name {name}, which leads to team {now}", **counts)
    here.store.write(lambda tx: changes.forget_former(tx, change.by, name))
    return change.report(found, now, f"the name {name} is free; it no longer leads to team {now}", **counts)


def _forgotten(done: Forgotten) -> str:
    """Return in words what happened to the tasks and the mail of a forgotten team."""
    parts = [
        f"{number} {one if number == 1 else several}"
        for number, one, several in (
            (done.cancelled, "task was cancelled", "tasks were cancelled"),
            (done.dead, "unread letter is a dead letter", "unread letters are dead letters"),
            (done.dropped, "unread copy was dropped", "unread copies were dropped"),
        )
        if number
    ]
    kept = [f"its history is in team {done.kept_as}"] if done.kept_as else []
    return "".join(f"; {part}" for part in (*parts, *kept))


def _holds(session: Session) -> bool:
    return occupancy.holds(session.seat)
