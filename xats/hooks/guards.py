"""Guards: whether an agent may edit a file now. A hook asks them before an edit, and its program tells its model.

They are asked in this order: the turn that another agent has, the lock that another agent took, the zone of another
agent, and the automatic lock of an agent that has just edited the file. A guard refuses an edit, or makes a remark on
it. A session without an agent gets remarks only.
"""

from __future__ import annotations

import os

from xats.base.record import record
from xats.hooks import enforcing

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from xats.core.agents.agents import Agent
    from xats.core.locks.files import File
    from xats.core.locks.locks import Lock
    from xats.hooks.call import Call
    from xats.store import Tx

PATCHED = (
    "*** Add File",
    "*** Update File",
    "*** Delete File",
    "*** Move to",
)  # what stands before the name of a file in a patch
NAMED = ("file_path", "notebook_path", "path", "filePath", "absolute_path")  # what tools call the file
HELD, ZONED, EDITED, TURN = "lock_held", "zone_taken", "recently_edited", "turn_held"  # the codes of the guards


@record
class Objection:
    """What a guard says about an edit of one file."""

    code: str  #: TURN, HELD, ZONED or EDITED
    refuses: bool  #: whether the edit is refused; otherwise this is a remark
    file: File
    holder: str  #: name@team, or role:R of a zone
    text: str  #: for the model
    lock: Lock | None = None  #: the automatic lock that refuses


@record
class Verdict:
    """What the guards say about an edit."""

    refusals: tuple[Objection, ...] = ()  #: why the edit is refused
    remarks: tuple[Objection, ...] = ()  #: what the agent is told of an edit that is allowed
    takes: bool = False  #: whether the edit takes or extends an automatic lock


ALLOWED = Verdict()


# -- the files of an edit ----------------------------------------------------------------------------------------------


def edits(call: Call) -> bool:
    """Tell whether `call` comes before an edit: some programs call the same hook before they read a file."""
    return call.point == "before a change" and call.payload.get("tool_name") not in call.hooks.reads


def paths(call: Call) -> list[str]:
    """Return the files that the tool of `call` names in its input, as absolute paths."""
    given = call.payload.get("tool_input")
    if not isinstance(given, dict):
        return []
    named = [given.get(name) for name in NAMED]
    found = [one for one in named if isinstance(one, str) and one]
    for name in ("command", "input", "patch", "patchText"):
        patch = given.get(name)
        if isinstance(patch, str) and "*** " in patch:  # the patches of Codex name their files in lines of their own
            for line in patch.splitlines():
                head, _, rest = line.partition(": ")
                if rest and head in PATCHED:
                    found.append(rest.strip())
    return [os.path.join(call.folder or "", one) for one in found]


def files(call: Call) -> list[File]:
    """Return the files that the tool of `call` names in its input, each once, in the order of locks."""
    return located(call, paths(call))


def located(call: Call, named: Iterable[str]) -> list[File]:
    """Return the files that the paths `named` mean for `call`. A path that cannot be a file is left out."""
    from xats.base.errors import XatsError
    from xats.core.locks.files import in_order
    from xats.identity.files import locate

    found = []
    for path in named:
        try:
            found.append(locate(path, call.folder))
        except (XatsError, ValueError):  # a lone surrogate cannot be in a path
            continue
    return in_order(found)


# -- the guards --------------------------------------------------------------------------------------------------------


def verdict(tx: Tx, me: Agent | None, call: Call, files: Sequence[File]) -> Verdict:
    """Return what the guards say about an edit of `files` by `me`, or by a session without an agent."""
    from xats.core.locks import locks

    asked = Asked(tx, me, call)
    refusals: list[Objection] = []
    turn = asked.turn(files[0]) if files else None
    if turn and turn.refuses:
        return Verdict((turn,), (), False)
    remarks = [turn] if turn else []
    takes = False
    for file in files:
        lock = locks.at(tx, file)
        holds = lock is not None and locks.holds(tx, lock)
        mine = lock if lock and holds and me and lock.holder_id == me.id else None
        theirs = lock if lock and holds and not mine else None
        said = [one for one in (asked.held(theirs), asked.zone(file), asked.edited(theirs)) if one]
        refusals += [one for one in said if one.refuses][:1]
        remarks += [one for one in said if not one.refuses]
        can_take = me is not None and not (theirs and theirs.explicit)
        takes = takes or (can_take and asked.is_needed(mine))
    return Verdict(tuple(refusals), tuple(remarks), takes and not refusals)


class Asked:
    """The guards as one edit asks them. What few edits need is looked up at its first use."""

    def __init__(self, tx: Tx, me: Agent | None, call: Call) -> None:
        self.tx, self.me, self.call = tx, me, call
        self._levels: dict[str, str] | None = None

    def level(self, name: str) -> str:
        """Return what the setting `name` asks for; its default where its value is invalid."""
        if self._levels is None:
            environ = self.call.settings()
            self._levels = {one: environ.get(one) or default for one, default in enforcing.DEFAULTS.items()}
        found = self._levels[name]
        known = (enforcing.OFF, enforcing.WARN, enforcing.DENY) if name != enforcing.AUTO else ("0", "1")
        return found if found in known else enforcing.DEFAULTS[name]

    @property
    def xats(self) -> str:
        """How the shell of the agent calls xats."""
        return spelled(self.tx, self.me)

    def turn(self, file: File) -> Objection | None:
        """Return what is to be said of the turn that another agent of the team has."""
        from xats.core.agents import presence

        if self.me is None or not presence.others_have_turn(self.tx, self.me):
            return None
        level = self.level(enforcing.TURNS)
        if level == enforcing.OFF:
            return None
        from xats.core.turns import enforcing as turns

        turn = turns.others(self.tx, self.me)
        if turn is None or turn.holder is None:
            return None
        refuses = level == enforcing.DENY
        who = self._name(turn.holder)
        text = (
            f"{who} has {turn.called}. {_outcome(refuses)} "
            f"Wait for your turn: {turn.call('take --wait 30m', self.xats)}"
        )
        return Objection(TURN, refuses, file, turn.holder, text)

    def held(self, lock: Lock | None) -> Objection | None:
        """Return what is to be said of the `lock` of another agent, if it is one that the agent took."""
        if lock is None or not lock.explicit:
            return None
        level = self.level(enforcing.LOCKS)
        if level == enforcing.OFF:
            return None
        refuses = level == enforcing.DENY and self.me is not None
        from xats.base.calling import quoted
        from xats.core.locks import locks

        who, path = self._name(lock.holder), self._path(lock.file)
        why = f" ({_shown(lock.reason)})" if lock.reason else ""
        xats, left = self.xats, locks.left(lock, self.tx.now)
        text = (
            f"{who} has locked {path}{why}, for {left} more. {_outcome(refuses)} "
            f"Ask {who}: {xats} ask {who} '...'. "
            f"Or wait until it is free: {xats} lock take {quoted(path)} --wait 10m"
        )
        return Objection(HELD, refuses, lock.file, lock.holder, text)

    def zone(self, file: File) -> Objection | None:
        """Return what is to be said of the zone of another agent, or of another role, in which `file` is."""
        from xats.core.zones import zones

        team = self._team()
        zone = zones.others(self.tx, self.me, file) if self.me else team and zones.owner(self.tx, team, file)
        level = self.level(enforcing.ZONES) if zone else enforcing.OFF
        if not zone or level == enforcing.OFF:
            return None
        refuses = level == enforcing.DENY and self.me is not None
        who, path = zone.owner.address, self._path(file)
        text = (
            f"{path} is in the zone {_shown(zone.pattern)} of {who}. "
            f"{_outcome(refuses)} Ask {who}: {self.xats} ask {who} '...'"
        )
        return Objection(ZONED, refuses, file, f"{who}@{team}", text)

    def edited(self, lock: Lock | None) -> Objection | None:
        """Return what is to be said of the `lock` of another agent, if it is an automatic one."""
        if lock is None or lock.explicit or self.level(enforcing.AUTO) == "0":
            return None
        from xats.base.durations import ago
        from xats.core.locks import automatic

        if self.me is not None and automatic.may_pass(self.tx, self.me, lock):
            return None
        refuses = self.me is not None
        who, path = self._name(lock.holder), self._path(lock.file)
        when = ago(lock.until - automatic.LASTS, self.tx.now)
        text = f"{who} edited {path} {when}. {_outcome(refuses)}"
        if refuses:
            text += " Read the file again, then edit it."
        return Objection(EDITED, refuses, lock.file, lock.holder, text, lock)

    def is_needed(self, mine: Lock | None) -> bool:
        """Tell whether an edit must write an automatic lock. `mine` is the agent's own lock on the file."""
        from xats.core.locks import automatic

        if mine and (mine.explicit or mine.until - self.tx.now >= automatic.NEAR):
            return False
        return self.level(enforcing.AUTO) == "1"

    def _team(self) -> str | None:
        """Return the team of the agent, or of the project where there is no agent; None if that is not known."""
        if self.me:
            return self.me.team
        from xats.base.errors import XatsError

        try:
            return self.call.asked(self.tx) or self.call.project_team(self.tx)
        except XatsError:
            return None

    def _name(self, holder: str) -> str:
        """Return the address `holder` as the agent would write it."""
        name, _, team = holder.partition("@")
        return name if self.me and team == self.me.team else holder

    def _path(self, file: File) -> str:
        """Return the path of `file` as the agent would write it."""
        if self.call.folder and os.path.realpath(self.call.folder) == file.worktree:
            return _shown(file.path)
        return _shown(file.absolute)


def _outcome(refuses: bool) -> str:
    return "Your edit was refused." if refuses else "Your edit is allowed."


def spelled(tx: Tx, me: Agent | None) -> str:
    """Return how the shell of `me`, or of a session without an agent, calls xats."""
    from xats.base import calling

    if me is None:
        return calling.NAME
    from xats.core.agents import agents

    session = agents.current_session(tx, me)
    return calling.spelled(session.xats_path if session else None)


def _shown(text: str) -> str:
    """Return `text` on one line, with its control characters made visible."""
    if text.isascii() and text.isprintable():
        return text
    from xats.base.visible import one_line

    return one_line(text)
