"""The JSON of zones."""

from __future__ import annotations

from xats.cli.models.base import Address, Document, Model, Time, field


class Zone(Model):
    """A part of a repository that belongs to an agent or a role."""

    pattern: str = field("The pattern, from the top of the repository.")
    owner: str = field("The address of the owner: bob@team, or role:backend@team.")
    team: str = field("The team.")
    repository: str = field("The origin of the repository, as example.org/shop; without one its path.")
    active: bool = field("False while the owner has left the team; then the zone does not apply.")
    assigned_by: Address | None = field("Who assigned it; null if that agent was removed.")
    assigned_at: Time = field("When that was.")


class AssignedZone(Zone):
    """A zone that the owner has now."""

    created: bool = field("False if the owner had it before.")


class ZoneAssignDocument(Document):
    """The zones that the owner has now."""

    zones: list[AssignedZone] = field("One for each pattern.")


class ZoneListDocument(Document):
    """The zones of a team."""

    zones: list[Zone] = field("The zones, by repository and pattern.")
    has_more: bool = field("Whether there are more than are printed.")


class ZoneDropDocument(Document):
    """The zones that ended."""

    zones: list[Zone] = field("The zones.")


class ZoneCheckDocument(Document):
    """In whose zone a file is."""

    path: str = field("The file, from the top folder of its worktree.")
    worktree: str = field("The top folder of its worktree.")
    zone: Zone | None = field("The innermost zone that covers it; null: none does.")
    mine: bool = field("Whether that zone belongs to me or my role.")
