"""The verb that ends programs which xats has started: down."""

from __future__ import annotations

import os
from functools import partial

from xats.base import host
from xats.base.errors import Refused, Usage, XatsError
from xats.base.record import record, replace
from xats.cli.kit import people, render, views
from xats.cli.kit.scope import known_team
from xats.core.crews import restarts, starts
from xats.core.crews.errors import NotStartedByXats, NotStopped
from xats.crews import watching

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any, Literal

    from xats.cli.kit import params
    from xats.cli.kit.context import Context
    from xats.core.agents.holdings import Released
    from xats.core.crews.starts import Start
    from xats.crews.watching import Seen
    from xats.crews.worktrees import Removed
    from xats.store import Tx

LEFT = "Nothing was ended."
RUNS = ("refused", "still_runs")  # outcomes after which the program runs


@record
class Done:
    """What became of one agent."""

    start: Start
    outcome: Literal["stopped", "not_running", "refused", "still_runs"]
    reason: str = ""
    released: Released | None = None
    tree: Removed | None = None  #: its worktree, if that was to be removed


def down(
    here: Context,
    agent: params.DownArg = None,
    *,
    everybody: params.DownAllOption = False,
    worktree: params.DownWorktreeOption = False,
    force: params.DownForceOption = False,
    yes: params.YesOption = False,
) -> int:
    """End the program of an agent that xats started here; for people only.

    xats types the command that ends the program, such as /exit. If the agent is busy, if a dialog is open, or if the
    input field holds a half-written line, xats types nothing and exits with 4. With --force, xats types nothing; it
    sends SIGTERM to the process, and SIGKILL after 10 seconds.

    xats ends only programs that it has started on this host: never a program that registered itself, the shell of a
    pane, or tmux. The agent stays in the team, and xats keeps its mail. Its claimed tasks are open again, its
    locks end, and its turns go to the next in line.

    --worktree also removes the worktree that xats made for the agent, and its branch xats/NAME. Everything in it must
    be committed, and the branch that it started from must have its commits, also picked or squashed ones. Otherwise the
    worktree stays, and xats lists what is left there.

    --all asks before it ends anything. With --yes it does not ask.

    Example: xats down bob

    Example: xats down bob --worktree

    Example: xats down --all --yes
    """
    people.person(here, "end the program of an agent", "ask a person to end it", in_left_pane=True)
    if everybody == (agent is not None):
        msg = f"Name one agent, or --all. {LEFT}"
        raise Usage(msg, "xats down bob")
    found = [here.store.read(lambda tx: _of(here, tx, agent))] if agent is not None else _all(here)
    if not found:
        render.say(f"no program that xats has started runs in team {here.team} on this host")
    if everybody and found and not yes:
        names = ", ".join(views.near(one.start.agent.address, here.team) for one in found)
        people.confirm(f"End {names}?", "xats down --all --yes", left=LEFT)
    done = [end(here, one, force=force) for one in found]
    if worktree:
        done = [_without_tree(here, one) for one in done]
    if any(one.released for one in done):
        here.rouse_daemon()
    if not everybody:
        _raise(here, done[0], force=force)
    _print(here, done)
    kept = any(one.tree is not None and not one.tree.removed and not one.tree.gone for one in done)
    return Refused.exit if kept or any(one.outcome in RUNS for one in done) else 0


def _of(here: Context, tx: Tx, name: str) -> Seen:
    """Return the start of the agent `name`. Raises UnknownAgent, NotStartedByXats."""
    agent = here.named(tx, name)
    found = starts.of_agent(tx, agent.id)
    if found is None:
        msg = f"xats has not started the program of {agent.name}, so xats does not end it. {LEFT}"
        raise NotStartedByXats(msg, f"end it in its pane: xats attach {agent.name}", agent=agent.address)
    if found.host != host.id():
        msg = f"{agent.name} was started on {found.host_name}. {LEFT}"
        raise NotStartedByXats(msg, f"on {found.host_name}: xats down {agent.name}", agent=agent.address)
    return watching.find(tx, found)


def _all(here: Context) -> list[Seen]:
    """Return the starts of this team on this host that are open, or wait for a restart, or have had too many."""
    team = known_team(here)

    def work(tx: Tx) -> list[Seen]:
        open_here = [one for one in starts.of_team(tx, team) if one.host == host.id() and one.is_up]
        return [watching.find(tx, one) for one in open_here]

    return here.store.read(work)


def end(here: Context, seen: Seen, *, force: bool) -> Done:
    """End one program, and release what its agent holds. If the daemon starts it again meanwhile, end that one."""
    while True:
        done = _end_start(here, seen, force=force)
        newest = here.store.read(partial(starts.of_agent, agent_id=seen.start.agent.id))
        if done.outcome in RUNS or newest is None or newest.token == seen.start.token or not newest.automatic:
            return done
        seen = here.store.read(partial(watching.find, start=newest))


def _end_start(here: Context, seen: Seen, *, force: bool) -> Done:
    from xats.base import process
    from xats.crews import ending, keep, startfile
    from xats.delivery.settings import of_team

    start = seen.start
    if not start.open:
        put_down = here.store.write(lambda tx: restarts.put_down(tx, start.token))
        keep.only(here.environ, start.agent.id, here.path)
        _close(start)
        if put_down:
            return Done(start, "stopped", released=_release(here, start))
        return Done(start, "not_running")
    if start.process is None or process.ended(*start.process):
        here.store.write(lambda tx: starts.stopped(tx, start.token, "xats ended it"))
        outcome: Literal["stopped", "not_running"] = "stopped" if start.process is None else "not_running"
        reason = ""
    else:
        settings = here.store.read(lambda tx: of_team(tx, start.agent.team, here.environ))
        ended = ending.end(here.store, seen, settings, force=force)
        if ended.state != "stopped":
            return Done(start, ended.state, ended.why)
        outcome, reason = "stopped", ended.why
    startfile.remove(startfile.path_of(here.environ, start.token))
    keep.only(here.environ, start.agent.id, here.path)
    _close(start)
    return Done(start, outcome, reason, _release(here, start))


def _without_tree(here: Context, done: Done) -> Done:
    """Remove the worktree of an agent whose program has ended, if nothing in it would be lost."""
    from xats.core.agents import agents
    from xats.crews import worktrees

    if done.outcome in RUNS or done.start.worktree is None:
        return done
    path, token = done.start.worktree, done.start.token
    others = here.store.read(lambda tx: starts.open_on(tx, host.id()))
    inside = [one for one in others if one.token != token and f"{one.folder}/".startswith(f"{path}/")]
    if inside:
        found = worktrees.Removed(path, removed=False, why=f"{inside[0].agent.address} works in it")
        return replace(done, tree=found)
    agent = done.start.agent
    try:
        made_for = worktrees.agent_of(path) or agent.address
        leads = here.store.read(lambda tx: agents.leads_to(tx, made_for, agent))
        found = worktrees.remove(path, agent.address, *([made_for] if leads else []))
    except XatsError as problem:
        found = worktrees.Removed(path, removed=False, why=str(problem))
    if found.removed or found.gone:
        here.store.write(lambda tx: starts.worktree_removed(tx, token))
    return replace(done, tree=found)


def _close(start: Start) -> None:
    """Close the pane that xats made for `start`, if it has stayed after the end of the program."""
    from xats.tmux import places

    if start.place != "pane" and start.pane:
        places.close_ended(start.pane)


def _release(here: Context, start: Start) -> Released:
    """Release the tasks, locks and turns of the agent of `start`."""
    from xats.core.agents import holdings
    from xats.daemon.probe import PROBE

    return here.store.write(lambda tx: holdings.stopped(tx, start.agent, PROBE))


def _raise(here: Context, done: Done, *, force: bool) -> None:
    """Raise Refused or NotStopped if the program of the one agent still runs."""
    name = done.start.agent.name
    pane = done.start.pane.pane_id if done.start.pane else None
    hint = here.command("down", name, "--force")
    about = {"agent": done.start.agent.address, "pane": pane}
    if done.outcome == "refused":
        msg = f"{name} still runs: {done.reason}. {LEFT}"
        raise Refused(msg, "" if force else f"look at it: xats attach {name}; or: {hint}", **about)
    if done.outcome == "still_runs":
        msg = f"{name} still runs: {done.reason}."
        raise NotStopped(msg, "" if force else hint, **about)


def _print(here: Context, done: Sequence[Done]) -> None:
    from xats.cli.agents import given_back
    from xats.core.agents.holdings import NOTHING

    if here.json:
        rows = [
            {
                "agent": one.start.agent.address,
                "outcome": one.outcome,
                "reason": one.reason or None,
                **given_back.fields(one.released or NOTHING),
                "worktree": _tree_json(one.tree),
            }
            for one in done
        ]
        render.document({"agents": rows, "has_more": False})
        return
    for one in done:
        name = views.near(one.start.agent.address, here.team)
        if one.outcome in RUNS:
            render.warn(f"{name} still runs: {one.reason}")
        elif not here.quiet:
            said = "stopped" if one.outcome == "stopped" else "does not run"
            render.put(f"{name} {said}{given_back.said(one.released or NOTHING)}")
        if one.tree:
            _print_tree(here, one.tree)


def _tree_json(tree: Removed | None) -> dict[str, Any] | None:
    if tree is None:
        return None
    return {"path": tree.path, "removed": tree.removed, "reason": tree.why or None, "left": list(tree.left)}


def _print_tree(here: Context, tree: Removed) -> None:
    """Say whether a worktree was removed; if not, why, and what is left there."""
    from xats.crews.worktrees import SHOWN

    path = render.one_line(tree.path)
    if tree.removed or tree.gone:
        if not here.quiet:
            render.put(f"  worktree {path} {'removed' if tree.removed else 'is gone already'}")
        return
    render.warn(f"the worktree {path} stays: {render.one_line(tree.why)}")
    for name in tree.left[:SHOWN]:
        render.say(f"  {render.one_line(name)}")
    if len(tree.left) > SHOWN:
        render.say(f"  and {len(tree.left) - SHOWN} more")
    if os.path.isfile(os.path.join(tree.path, ".git")):
        render.say(f"  to remove it all the same: {render.one_line(_removal(tree.path))}")


def _removal(path: str) -> str:
    """Return the command by which a person removes the worktree at `path` whatever is in it."""
    import shlex

    return shlex.join(("git", "-C", os.path.dirname(path), "worktree", "remove", "--force", path))
