"""Notices of a team, and the question before an agent joins the team of another project."""

from __future__ import annotations

from xats.base import host
from xats.base.errors import Refused, StoreError
from xats.cli.kit import render
from xats.core.teams import teams

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from xats.cli.kit.context import Context
    from xats.identity.project import Project
    from xats.store import Tx

LEFT = "Nothing was changed."


def tell(here: Context, team: str, pending: Iterable[str]) -> None:
    """Print the notices `pending` of `team`, and remove them. With --json or --quiet they stay for another command."""
    if not pending or here.json or here.quiet:
        return
    try:
        pending = here.store.write(lambda tx: teams.take_notices(tx, team))
    except StoreError:  # the command itself is done; the next command says it again
        pass
    for text in pending:
        render.note(render.one_line(text))


def tell_pending(here: Context, team: str) -> None:
    """Print the notices of `team`, as `tell` does."""
    tell(here, team, here.store.read(lambda tx: teams.notices(tx, team)))


def look(here: Context, team: str) -> tuple[str, ...]:
    """Return the notices of `team` about this project, after its team is recorded as `claim` does."""

    def work(tx: Tx) -> tuple[str, ...]:
        here.claim(tx, team)
        return teams.notices(tx, team)

    try:
        return here.store.write(work)
    except StoreError:  # a store that cannot be written can still be read
        return ()


def agree(here: Context) -> bool:
    """Return whether this command joins the team of another project. xats asks a person once for each project.

    Without a terminal, as for scripts and agents, xats says it once and goes on. Raises Refused if the answer is no.
    """
    project = here.find_project()
    if not here.asked_team or project is None:
        return False

    def look(tx: Tx) -> tuple[str, str | None]:
        team = here.team_in(tx)
        return team, teams.owner_path(tx, host.machine(), project=project, team=team)

    team, owner = here.store.read(look)
    if owner is None:
        return False
    said = f"team {team} belongs to another project ({render.one_line(teams.folder_of(owner))})"
    if render.can_ask():
        if not render.ask(f"{said}. Join it from {render.one_line(teams.stored(project.top))}?", LEFT):
            msg = f"T{said[1:]}. {LEFT}"
            raise Refused(msg, "leave out --team and XATS_TEAM, to use the team of this project")
        return True
    if here.json or here.quiet:
        return False
    render.note(f"{said}; an agent of {render.one_line(teams.stored(project.top))} joins it")
    return True


def join(here: Context, tx: Tx, team: str, *, agreed: bool) -> None:
    """Record that the project has the `team` in which an agent registers, or, with `agreed`, that it joins the team."""
    if agreed:
        teams.join(tx, host.machine(), project=here.project, team=team)
    else:
        here.claim(tx, team)


def project_json(project: Project, team: str | None) -> dict[str, str | None]:
    """Return the JSON form of a project, with its present or future `team`."""
    paths = {"path": project.path, "top": project.top, "problem": project.problem}
    return {**{name: value and teams.stored(value) for name, value in paths.items()}, "team": team}
