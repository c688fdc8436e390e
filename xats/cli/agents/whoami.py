"""The verb that shows the acting agent: whoami."""

from __future__ import annotations

from xats.cli.kit import render
from xats.core.agents import agents as core
from xats.core.teams import teams

TYPE_CHECKING = False
if TYPE_CHECKING:
    from xats.cli.kit.context import Context

EVIDENCE = {
    "flag": "--as says so",
    "env": "XATS_AGENT says so",
    "session": "this client session is bound to it",
    "pane": "this tmux pane is bound to it",
    "process": "a process above this one is bound to it",
    "user": "you type on a terminal, and no agent is bound to it",
}


def whoami(here: Context) -> int:
    """Show who you are here, and how xats knows.

    Example: xats whoami
    """
    _warn_of_socket(here)
    details, me, own, pending = here.read(
        lambda tx, me: (core.details(tx, me.agent), me, here.project_team(tx), teams.notices(tx, me.agent.team))
    )
    project = here.find_project()
    if here.json:
        from xats.cli.kit import documents
        from xats.cli.teams import membership

        found = membership.project_json(project, own) if project else None
        notices = list(pending)
        render.document(
            {"agent": documents.agent_json(details), "evidence": me.evidence, "project": found, "notices": notices}
        )
    elif here.quiet:
        render.put(me.agent.name)
    else:
        role = f", role {me.agent.role}" if me.agent.role else ""
        render.put(f"{me.agent.name} in team {me.agent.team} ({me.agent.client}{role}): {EVIDENCE[me.evidence]}")
        if project and own != me.agent.team:
            render.note(f"the team of this project ({render.one_line(teams.stored(project.top))}) is {own}")
            from xats.cli.teams import membership

            pending = pending or membership.look(here, me.agent.team)
        if project and project.problem:
            fix = f"; to have it followed: {project.fix}" if project.fix else ""
            why = render.one_line(teams.stored(f"{project.problem}{fix}"))
            render.note(f"this folder is a project of its own, because {why}")
        if pending:
            from xats.cli.teams import membership

            membership.tell(here, me.agent.team, pending)
    return 0


def _warn_of_socket(here: Context) -> None:
    """Warn if the tmux socket in TMUX cannot be trusted: no command uses it."""
    if not here.environ.get("TMUX"):
        return
    from xats.tmux import address, socket_path
    from xats.tmux.errors import ServerUntrusted

    around = address.server(here.environ)
    try:
        if around:
            socket_path.check(around[0])
    except ServerUntrusted as problem:
        render.warn(f"{problem} To fix it: {problem.hint}")
