"""One change of a team: the person who makes it, the question before it, and the report after it."""

from __future__ import annotations

from xats.cli.kit import people, render
from xats.cli.teams.look import counted, online_in, team_json
from xats.core.agents import listing
from xats.core.teams import views

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from xats.cli.kit.context import Context
    from xats.core.agents.agents import Details
    from xats.core.teams.views import Summary
    from xats.store import Tx


ASK = "ask the person you work for to run it in a shell"  # what an agent can do


class Change:
    """One change of a team."""

    def __init__(self, here: Context, team: str, words: Sequence[str | None], *, yes: bool, dry_run: bool) -> None:
        """`words` are the words of the command. Raises PeopleOnly."""
        self.here, self.team, self.words, self.yes, self.dry_run = here, team, words, yes, dry_run
        self.by = people.person(here, "change a team", ASK)
        self.changed = False
        self._said: list[str] = []
        self._online: dict[str, int] = {}

    def look(self, work: Any) -> Any:
        """Return the result of `work` on a snapshot, and count the agents that are online."""

        def both(tx: Tx) -> tuple[Any, list[Details]]:
            return work(tx), listing.agents(tx, None, None)

        found, everybody = self.here.store.read(both)
        self._online = online_in(everybody, self.here.store.clock())
        return found

    def online(self, team: str) -> int:
        """Return how many agents of `team` were online before the change."""
        return self._online.get(team, 0)

    def say_first(self, *lines: str) -> None:
        """Print `lines` before the question, after the counts of the team."""
        self._said.extend(lines)

    def agreed(self, question: str, found: Summary) -> bool:
        """Print the counts, and ask. Return False for a dry run. Raises Refused unless the answer is yes."""
        lines = [f"team {found.name}: {counted(found, self.online(found.name))}", *(f"  {one}" for one in self._said)]
        if self.dry_run:
            for line in lines if not self.here.json else ():
                render.say(line)
            return False
        if not self.yes:
            people.confirm(question, self.here.command(*self.words, "--yes"), *lines)
        self.changed = True
        return True

    def report(self, found: Summary, name: str | None, said: str, **more: Any) -> int:
        """Print the result: `found` is the team before the change, `name` the team that has everything of it now."""
        if self.here.json:
            before = team_json(found, self.online(found.name))
            now: dict[str, Any] | None = before
            if self.changed:
                left = self.look(lambda tx: views.summary(tx, name)) if name else None
                now = team_json(left, self.online(left.name)) if left else None
            about = {"team": now, "name": name, "old_name": self.team, "before": before}
            render.document({**about, "changed": self.changed, "dry_run": self.dry_run, **more})
        elif not self.here.quiet:
            render.put(said)
        return 0
