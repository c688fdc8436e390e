"""Edits of files: what a hook does before an edit, after one that failed, and when the model has read files.

An edit takes an automatic lock on its file (core/locks/automatic.py). The lock ends when the edit fails. A subagent's
edits and reads count as those of its session's agent.
"""

from __future__ import annotations

import os

from xats.hooks import guards
from xats.hooks.guards import ALLOWED, Verdict

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from xats.core.agents.agents import Agent
    from xats.core.locks.files import File
    from xats.hooks.call import Call
    from xats.hooks.guards import Objection
    from xats.store import Store, Tx

MOST = 3  # files of one edit that the model is told about
FIRST = (
    "The agents of this team work on the same files, and xats keeps them from overwriting each other. A refused edit "
    "changed nothing. Do not make the edit with a shell command. To see the locks of the team: {xats} lock list."
)
NOTICE = (
    "xats refused an edit of {agent}, because of {holder}. This is the first refusal in this team. The settings "
    "lock.enforce, lock.auto, zone.enforce and turn.enforce decide that. All refusals: xats events --type edit_refused"
)


class Change:
    """An edit, or what a tool has read, as one hook sees it."""

    def __init__(self, call: Call) -> None:
        self.call = call
        self.verdict = ALLOWED
        self.failed = False  #: whether an edit of the agent failed, so that its automatic lock ends
        self.read: list[File] = []  #: files of refused edits that the agent has read now
        self._explanation = ""  # what follows the first refusal in a team
        self._files: list[File] | None = None

    @property
    def files(self) -> list[File]:
        """The files that the tool names."""
        if self._files is None:
            self._files = guards.files(self.call)
        return self._files

    @property
    def writes(self) -> bool:
        """Whether the store must note this."""
        return bool(self.verdict.refusals) or self.verdict.takes or self.failed or bool(self.read)

    def look(self, tx: Tx, me: Agent | None) -> None:
        """Find out what is to be done for `me`, or for a session without an agent."""
        point, tool = self.call.point, self.call.payload.get("tool_name")
        if guards.edits(self.call):
            self.verdict = self._verdict(tx, me)
        elif point in ("after a change", "after a tool") and tool in self.call.hooks.edits:
            self.verdict = Verdict(remarks=self._verdict(tx, me).remarks)
        if me is None:
            return
        if point == "failed change" or (point == "after a tool" and self._has_failed()):
            self.failed = _holds(tx, me) and bool(self.files)
        elif point == "after a tool" or (point == "before a change" and not guards.edits(self.call)):
            self.read = _read(tx, me, self)

    def _verdict(self, tx: Tx, me: Agent | None) -> Verdict:
        return guards.verdict(tx, me, self.call, self.files) if self.files else ALLOWED

    def _has_failed(self) -> bool:
        from xats.hooks import event

        return event.failed(self.call.payload)

    def note(self, tx: Tx, me: Agent) -> None:
        """Write what is to be noted. The guards are asked once more, because another agent may have come first."""
        from xats.core.locks import automatic

        if self.read:
            automatic.saw(tx, me, self.read)
        if self.failed:
            automatic.end(tx, me, self.files)
        if not (self.verdict.refusals or self.verdict.takes):
            return
        from xats.core.zones import zones

        zones.settle(tx, me.team, self.files)
        self.verdict = self._verdict(tx, me)
        if self.verdict.refusals:
            self._explanation = _refuse(tx, me, self.verdict.refusals)
        elif self.verdict.takes:
            for file in self.files:
                automatic.take(tx, me, file)

    def answer(self) -> None:
        """Tell the program what the guards say, where it has a form for that. Raises OSError."""
        refusals, hooks, event = self.verdict.refusals, self.call.hooks, self.call.event
        if refusals:
            said = "\n".join(filter(None, (_told(refusals), self._explanation)))
            self.call.answer(hooks.refuse(event, said))
        elif self.verdict.remarks and hooks.warn and guards.edits(self.call):
            self.call.answer(hooks.warn(event, self.remark))

    @property
    def remark(self) -> str:
        """What the model is told of an edit that is allowed; "" for nothing."""
        return _told(self.verdict.remarks)

    @property
    def late_remark(self) -> str:
        """The same where it goes with the hook after the edit; "" for nothing."""
        return "" if guards.edits(self.call) else self.remark


def run(call: Call, store: Store) -> None:
    """Check the edit of a subagent of the session, or of a session without an agent, and renew the agent's claims.

    Its presence and its mail stay as they are. Raises what the store raises.
    """
    from xats.core.agents import agents
    from xats.identity.resolve import resolve_or_none

    change = Change(call)

    def look(tx: Tx) -> tuple[Agent | None, bool]:
        call.reached()
        me = resolve_or_none(tx, call)
        change.look(tx, me)
        return me, me is not None and agents.renewal_due(tx, me)

    me, renews = store.read(look)
    if me and (change.writes or renews):
        agent = me

        def note(tx: Tx) -> None:
            change.note(tx, agent)
            if renews:
                agents.touch(tx, agent)

        store.patience = call.patience
        try:
            store.write(note)
        except Exception:
            change.answer()  # a refusal stands, although the store did not note it
            raise
    change.answer()
    if change.late_remark:
        call.answer(call.hooks.add(call.event, change.late_remark))


# -- what happens in the store -----------------------------------------------------------------------------------------


def _refuse(tx: Tx, me: Agent, found: Sequence[Objection]) -> str:
    """Note the refusals of an edit; return what follows them if they are the first ones in the team, else ""."""
    from xats.core.locks import automatic, refusals
    from xats.core.teams import teams

    first = False
    for one in found:
        if one.lock:
            automatic.refuse(tx, me, one.lock)
        first = refusals.note(tx, me, one.file, one.code, one.holder) or first
    if not first:
        return ""
    teams.add_notice(tx, me.team, NOTICE.format(agent=me.name, holder=found[0].holder))
    return FIRST.format(xats=guards.spelled(tx, me))


def _told(found: Sequence[Objection]) -> str:
    """Return what the model is told of the objections `found`."""
    left = [f"The same is true of {len(found) - MOST} more files."] if len(found) > MOST else []
    return "\n".join([f"{one.text} ({one.code})" for one in found[:MOST]] + left)


def _holds(tx: Tx, me: Agent) -> bool:
    from xats.core.agents import presence

    return presence.has_edited(tx, me.id)


def _read(tx: Tx, me: Agent, change: Change) -> list[File]:
    """Return the files of refused edits of `me` that the tool has read. A shell command reads what it names."""
    from xats.core.locks import automatic

    wanted = automatic.to_read(tx, me)
    if not wanted:
        return []
    seen = {one.order for one in change.files}
    for word, moved in _named(change.call.payload.get("tool_input")):
        name = os.path.basename(word).casefold()  # where the file system ignores case, the key of a file does
        alike = [one for one in wanted if os.path.basename(one.key).casefold() == name]
        if moved and not os.path.isabs(word):  # the folder in which it begins is not known
            seen.update(one.order for one in alike)
        elif alike:
            seen.update(one.order for one in guards.located(change.call, [word]))
    return [one for one in wanted if one.order in seen]


def _named(given: object) -> list[tuple[str, bool]]:
    """Return the words of a shell command that may be paths, each with whether it has changed its folder before."""
    command = given.get("command") if isinstance(given, dict) else None
    if isinstance(command, list):
        command = " ".join(one for one in command if isinstance(one, str))
    if not isinstance(command, str):
        return []
    for character in "|;&<>()\"'`=\n\t":
        command = command.replace(character, " ")
    words = command.split(" ")
    return [(word, "cd" in words) for word in words if word]
