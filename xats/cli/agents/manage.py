"""The verbs that manage agents: agent set, rename, forget, show, and seat."""

from __future__ import annotations

from xats.base import occupancy
from xats.base.durations import ago
from xats.base.errors import Refused, Usage
from xats.cli.agents import listing, pane_mark, reach, register, states
from xats.cli.kit import documents, people, render, views
from xats.core.address import check_name, parse
from xats.core.agents import agents, registration
from xats.core.agents import changes as core
from xats.core.agents import listing as core_listing
from xats.core.teams import teams

TYPE_CHECKING = False
if TYPE_CHECKING:
    from xats.cli.kit import params
    from xats.cli.kit.context import Context, Me
    from xats.core.agents.agents import Agent, Details, Session
    from xats.core.agents.changes import Loss
    from xats.store import Tx


def seat(
    here: Context,
    name: params.NameArg,
    *,
    role: params.OwnRoleOption = None,
    tag: params.TagOption = None,
    cap: params.CapOption = None,
    about: params.AboutOption = None,
) -> int:
    """Create an agent before its program runs; it gets mail and tasks from now on.

    The seat is expected until a program takes it: by xats register NAME, by xats launch --name NAME, or by a hook that
    runs with XATS_AGENT=NAME. If the seat exists, only what is given changes. The seat of an agent whose program has
    ended waits for the next program.

    Example: xats seat kim --role reviewer --about 'reviews what others wrote'
    """
    from xats.cli.teams import membership

    register.check(name=name, role=role, tag=tag, cap=cap)
    said = core.check_about(about) if about is not None else None
    changes = registration.Changes(
        role=role, tags=tuple(tag) if tag else None, capabilities=tuple(cap) if cap else None
    )

    agreed = membership.agree(here)

    def work(tx: Tx) -> tuple[Details, bool, tuple[str, ...]]:
        team, called = here.address(tx, name)
        membership.join(here, tx, team, agreed=agreed)
        living = lambda session: occupancy.living(session.seat)  # noqa: E731
        found = core.expect(tx, team, name=called, changes=changes, about=said, living=living)
        return *found, teams.notices(tx, team)

    details, created, pending = here.store.write(work)
    agent = details.agent
    if here.json:
        render.document({"agent": documents.agent_json(details), "created": created})
    elif here.quiet:
        render.put(agent.name)
    else:
        role_of = f", role {agent.role}" if agent.role else ""
        render.put(f"{agent.name} is expected in team {agent.team}{role_of}; mail and tasks wait for its program")
        render.say(f"  in a pane of its own: {here.command('launch', 'claude', '--name', agent.name)}")
        membership.tell(here, agent.team, pending)
    return 0


def set_(
    here: Context,
    name: params.AgentArg,
    *,
    role: params.OwnRoleOption = None,
    no_role: params.NoRoleOption = False,
    tag: params.TagOption = None,
    no_tag: params.NoTagOption = None,
    cap: params.CapOption = None,
    no_cap: params.NoCapOption = None,
    about: params.AboutOption = None,
) -> int:
    """Change the role, tags, capabilities or purpose of an agent.

    Every agent and every person may do this. The agent gets mail that says who changed what. --about '' removes the
    text.

    Example: xats agent set bob --role reviewer --tag gpu

    Example: xats agent set bob --no-tag gpu --about 'keeps the build green'
    """
    if role is not None and no_role:
        msg = "--role and --no-role exclude each other."
        raise Usage(msg, "give one of them")
    register.check(role=role, tag=[*(tag or ()), *(no_tag or ())], cap=[*(cap or ()), *(no_cap or ())])
    for given, taken, what in ((tag, no_tag, "tag"), (cap, no_cap, "cap")):
        both = {one.lower() for one in given or ()} & {one.lower() for one in taken or ()}
        if both:
            msg = f"--{what} and --no-{what} both name {min(both)}."
            raise Usage(msg, "give one of them")
    wanted = core.Wanted(
        role="" if no_role else role,
        about=core.check_about(about) if about is not None else None,
        tags=tuple(tag or ()),
        no_tags=tuple(no_tag or ()),
        capabilities=tuple(cap or ()),
        no_capabilities=tuple(no_cap or ()),
    )
    if wanted == core.Wanted():
        msg = f"No change for {name} was given."
        raise Usage(msg, f"xats agent set {name} --role reviewer; see xats agent set --help")

    def work(tx: Tx, me: Me) -> tuple[Details, list[str], str]:
        found = _named(here, tx, me, name)
        return *core.change(tx, me.agent, agent=found, wanted=wanted), me.agent.team

    details, changed, team = here.write(work)
    here.rouse_daemon()
    if here.json:
        render.document({"agent": documents.agent_json(details), "changed": changed})
    elif not here.quiet:
        said = "; ".join(changed) or "no change"
        render.put(f"{views.near(details.agent.address, team)}: {said}")
    return 0


def rename(here: Context, name: params.AgentArg, new: params.NewAgentArg) -> int:
    """Rename an agent; it keeps its mail, tasks, claims and subscriptions.

    A person and the agent itself may rename it; the agent gets mail about it. The former name still leads to the agent:
    in addresses, in --as and in XATS_AGENT.

    The new name must be free: no agent has it, no mail is kept for it, and it is not a former name of another agent. To
    free a former name: xats agent forget NAME --name-only.

    Example: xats agent rename bob builder
    """
    check_name(new)

    def work(tx: Tx, me: Me) -> tuple[Agent, Details, str]:
        found = _named(here, tx, me, name)
        now = core.rename(tx, me.agent, agent=found, name=new)
        return found, agents.details(tx, now), me.agent.team

    was, details, team = here.write(work)
    pane_mark.put_or_warn(here.path, details.session, details.agent.name)
    here.rouse_daemon()
    if here.json:
        render.document({"agent": documents.agent_json(details), "old_name": was.name})
    elif not here.quiet:
        leads = f"; {was.name} still leads to it" if was.name.lower() != new.lower() else ""
        render.put(f"{was.name} is called {views.near(details.agent.address, team)} now{leads}")
    return 0


def forget(
    here: Context, name: params.AgentArg, *, name_only: params.NameOnlyOption = False, yes: params.YesOption = False
) -> int:
    """Remove an agent for good: its name is free, and its unread direct mail becomes dead letters.

    A person and the agent itself may remove it. The senders of requests that it has not answered get mail. Its claimed
    tasks are open again, the files that it locked are free, its zones end, and it gives up its turns. Its messages can
    still be read. To take it out of the team and keep its mail: xats unregister.

    If NAME is a former name of an agent, the agent stays, and xats asks whether to free that name. With --name-only
    xats frees it without a question.

    Example: xats agent forget bob

    Example: xats agent forget bob --name-only
    """

    def look(tx: Tx, me: Me) -> tuple[Agent, str | None, Loss, Session | None]:
        found, former = _known(tx, me, name)
        core.require_self_or_person(me.agent, found, "free a former name of" if former else "remove")
        return found, former, core.loss(tx, found), agents.current_session(tx, found)

    found, former, loss, session = here.read(look)
    if name_only and former is None:
        msg = f"{found.name} is the present name of {found.address}, so --name-only frees nothing."
        raise Refused(msg, here.command("agent", "forget", found.name), agent=found.address)
    if former:
        if not name_only:
            _ask_about_name(here, found, name, yes=yes)
        return _free(here, found, name, former)
    if not yes:
        _ask(here, found, loss, session)

    def work(tx: Tx, me: Me) -> tuple[Agent, Loss, list[int]]:
        agent, former = _known(tx, me, name)
        if agent.id != found.id or former:
            now = "a former name of " + agent.name if agent.id == found.id else "a different agent"
            msg = f"{name} is {now} now. Nothing was removed."
            raise Refused(msg, f"xats agent forget {agent.name}", agent=agent.address)
        return agent, *core.forget(tx, me.agent, agent)

    agent, gone, released = here.write(work)
    pane_mark.remove(here.path, session)
    here.rouse_daemon()
    if here.json:
        render.document(
            {
                "agent": {"name": agent.name, "team": agent.team},
                "former_name": None,
                "dead_letters": gone.letters,
                "requests": gone.requests,
                "released": released,
                "released_locks": list(gone.locks),
            }
        )
    elif not here.quiet:
        render.put(f"{agent.name} removed from team {agent.team}{_went(gone, released)}")
    return 0


def _free(here: Context, found: Agent, name: str, former: str) -> int:
    """Free `former`, a former name of the agent `found` by which `name` named it, and say so. Raises Refused."""

    def work(tx: Tx, me: Me) -> Agent:
        agent, today = _known(tx, me, name)
        if agent.id != found.id or today is None:
            msg = f"{name} is not a former name of {found.name} any more. Nothing was changed."
            raise Refused(msg, f"xats agent show {found.name}", agent=found.address)
        core.forget_name(tx, me.agent, agent=agent, name=former)
        return agent

    agent = here.write(work)
    if here.json:
        nothing: dict[str, object] = {"dead_letters": 0, "requests": 0, "released": [], "released_locks": []}
        whom = {"name": agent.name, "team": agent.team}
        render.document({"agent": whom, "former_name": former, **nothing})
    elif not here.quiet:
        render.put(f"{name} no longer leads to {agent.name}; the name is free, and {agent.name} stays")
    return 0


def _ask_about_name(here: Context, found: Agent, name: str, *, yes: bool) -> None:
    """Ask whether to free the former `name` of `found`. Raises Refused with `yes`, which may mean the agent itself."""
    is_former = f"{name} is a former name of {found.address} ({found.client})"
    only_name = f"to free only the name: {here.command('agent', 'forget', name, '--name-only')}"
    if yes or not render.can_ask():
        msg = f"{is_former}. Nothing was changed."
        remove = here.command("agent", "forget", found.name, "--yes")
        raise Refused(msg, f"{only_name}; to remove {found.name} for good: {remove}", agent=found.address)
    render.say(f"{is_former}; {found.name} stays")
    left = "Nothing was changed."
    if not render.ask(f"Free the name {name}, so that it no longer leads to {found.name}?", left):
        raise Refused(
            left, f"to remove {found.name}: {here.command('agent', 'forget', found.name)}", agent=found.address
        )


def show(here: Context, name: params.AgentArg) -> int:
    """Show everything about one agent, including its former names.

    Example: xats agent show bob
    """
    from xats.cli.kit.scope import team_meant
    from xats.delivery.settings import turned_off

    team = team_meant(here)

    def look(tx: Tx, agent: Agent) -> tuple[Details, list[str]]:
        found = next(one for one in core_listing.agents(tx, agent.team, None) if one.agent.id == agent.id)
        return found, core.former_names(tx, agent)

    if name.lower() == "me":
        details, former = here.read(lambda tx, me: look(tx, me.agent))
    else:
        details, former = here.store.read(lambda tx: look(tx, here.named(tx, name, team)))
    now = here.store.clock()
    details, state = states.look(details, now)
    ways = reach.woken_by(here, details, turned_off(here.environ))
    if here.json:
        render.document({"agent": {**listing.listed_json(details, state, ways), "former_names": former}})
        return 0
    agent = details.agent
    render.put(
        f"{views.near(agent.address, team)} ({agent.client}{f', {agent.model}' if agent.model else ''}): {state.words}"
    )
    unread = f"{details.unread}, the oldest {ago(details.oldest_unread_at, now)}" if details.unread else "0"
    doing = states.doing(details.session, state)
    facts = (
        ("doing", f"{render.one_line(doing[0])} (since {ago(doing[1], now)})" if doing else ""),
        ("about", render.one_line(agent.about or "")),
        ("role", agent.role),
        ("tags", ", ".join(details.tags)),
        ("capabilities", ", ".join(details.capabilities)),
        ("former names", ", ".join(former)),
        ("woken by", ", ".join(ways) or "nothing now"),
        ("unread", unread),
        ("paused", "yes" if details.paused else ""),
    )
    for word, said in facts:
        if said:
            render.put(f"  {word}: {said}")
    return 0


def _named(here: Context, tx: Tx, me: Me, name: str) -> Agent:
    """Return the registered agent `name`, or `name@team`; `me` is myself. Raises UnknownAgent."""
    return me.agent if name.lower() == "me" else here.named(tx, name, me.agent.team)


def _known(tx: Tx, me: Me, name: str) -> tuple[Agent, str | None]:
    """Return the agent `name`, registered or not, and `name` itself if that is a former name of the agent.

    `me` is myself. In a team that was renamed or merged, NAME@TEAM is the agent that had this address then.
    Raises UnknownAgent, UnknownTeam.
    """
    address = parse(name)
    if address.kind == "me":
        return me.agent, None
    if address.team:
        from xats.core.teams import views as team_views

        team_views.check(tx, address.team)
    team, called = address.team or me.agent.team, address.name
    found = agents.find(tx, team, called) if address.kind == "agent" else None
    if found is None and address.kind == "agent":
        team, called = teams.address(tx, team, called)
        found = agents.find(tx, team, called)
    if found is None or found.client == "system":
        raise agents.unknown(tx, team, called)
    return found, called if called.lower() != found.name.lower() else None


def _ask(here: Context, agent: Agent, loss: Loss, session: Session | None) -> None:
    """Ask whether to remove `agent` and its mail. Raises Refused without a terminal, and if the answer is no."""
    living = session is not None and occupancy.living(session.seat)
    work = f", at work as pid {session.seat.pid}" if session and living else ""
    people.confirm(
        f"Remove {agent.name} for good?",
        here.command("agent", "forget", agent.name, "--yes"),
        f"{agent.address} ({agent.client}{work}){_costs(loss)}",
        left=f"{agent.name} stays.",
        agent=agent.address,
    )


def _costs(loss: Loss) -> str:
    counts = (
        (loss.letters, "unread direct message", "unread direct messages"),
        (loss.requests, "request without its reply", "requests without its reply"),
        (loss.claims, "claimed task", "claimed tasks"),
        (len(loss.locks), "lock", "locks"),
        (loss.zones, "zone", "zones"),
        (loss.turns, "turn", "turns"),
    )
    said = ", ".join(f"{number} {one if number == 1 else more}" for number, one, more in counts if number)
    return f": {said}" if said else ""


def _went(gone: Loss, released: list[int]) -> str:
    from xats.core.agents import holdings

    said = f"; {gone.letters} unread became dead letters: xats dead list" if gone.letters else ""
    said += f"; open again: {', '.join(f'#{one}' for one in released)}" if released else ""
    said += f"; unlocked: {holdings.paths(gone.locks)}" if gone.locks else ""
    return said
