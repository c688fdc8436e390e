"""Start agent programs side by side: write their starts, make their panes, and watch them until each is ready.

`xats launch` starts one program by this, and `xats up` several.
"""

from __future__ import annotations

import time
from functools import partial

from xats.base import faults, host, occupancy, process
from xats.base.errors import NameTaken, StoreError, XatsError, at
from xats.base.record import record, replace
from xats.cli.kit import render, upkeep
from xats.cli.kit.scope import me_or_none
from xats.cli.teams import membership
from xats.core.agents import agents, changes
from xats.core.crews import starts
from xats.crews import starting, watching
from xats.tmux import places
from xats.tmux.errors import TmuxUnavailable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from concurrent.futures import Future, ThreadPoolExecutor

    from xats.base.pane import Pane
    from xats.cli.kit.context import Context
    from xats.clients.profile import Profile
    from xats.core.agents.registration import Changes
    from xats.core.crews.starts import Start
    from xats.core.states import RestartPolicy
    from xats.crews.entry import Entry
    from xats.crews.watching import Seen
    from xats.delivery.settings import Settings
    from xats.identity.resolve import Me
    from xats.store import Tx

AGAIN = 0.1  # seconds between two looks
SLOW = 3.0  # seconds after which the command says that it waits
TYPING = 30.0  # seconds for which the command tries to type the first prompts; the daemon goes on
TYPISTS = 8  # first prompts that are typed at the same time


@record
class Wanted:
    """What is to be started, and where."""

    profile: Profile
    arguments: tuple[str, ...]
    changes: Changes
    name: str | None
    where: starting.Where
    folder: str
    writable: bool
    variables: dict[str, str]
    prompt: str | None  #: to be typed
    tree: dict[str, str | None]  #: the worktree, its branch and the branch before, if it has one
    by_agent: bool = False  #: whether an agent starts it, not a person
    command: str | None = None  #: the program, if it is not that of the profile
    crew_file: str | None = None  #: the path of the file that names it
    digest: str = ""  #: of that file
    entry: Entry | None = None  #: what that file says
    policy: RestartPolicy = "never"


@record
class Member:
    """A start that this command watches."""

    wanted: Wanted | None  #: None: another command has begun it, and this one only waits for it
    start: Start
    own: bool  #: whether this command has written it; otherwise another one has, or one that was killed
    created: bool = False  #: whether its agent is new
    before: Start | None = None  #: the start before it


# -- the starts --------------------------------------------------------------------------------------------------------


def begin(here: Context, wanted: Sequence[Wanted]) -> list[Member | XatsError]:
    """Write the starts of the agents in one transaction; return each, or why it cannot be started.

    If a start before one never used its token and its pane is there, that one counts: its command has stopped.
    """
    agreed = membership.agree(here)
    waiting = here.store.read(lambda tx: [_unused(here, tx, one) for one in wanted])
    found: dict[int, Member | XatsError] = {}
    for index, start in enumerate(waiting):
        if start and start.host == host.id() and starting.pane_of(start):
            found[index] = Member(wanted[index], start, own=False)
    news = [_new(one) for one in wanted]

    def work(tx: Tx) -> dict[int, Member]:
        made = {}
        for index, one in enumerate(wanted):
            if index not in found:
                with at(index):
                    made[index] = _begin(here, tx, one, news[index], agreed=agreed)
        return made

    while True:
        try:
            found |= here.store.write(work)
            if here.new_person:
                upkeep.introduce(here)
            return [found[index] for index in range(len(wanted))]
        except XatsError as problem:  # without this one the others begin in the next round
            if problem.index is None or isinstance(problem, StoreError):
                raise
            found[problem.index], problem.index = problem, None
            here.new_person = None  # that was undone


def _new(wanted: Wanted) -> starts.New:
    return starting.new(
        wanted.profile.name,
        wanted.where.place,
        wanted.folder,
        pending=bool(wanted.prompt),
        socket=wanted.where.socket,
        crew_file=wanted.crew_file,
        policy=wanted.policy,
        **wanted.tree,
    )


def _begin(here: Context, tx: Tx, wanted: Wanted, new: starts.New, *, agreed: bool) -> Member:
    team, name = whom(here, tx, wanted)
    membership.join(here, tx, team, agreed=agreed)
    known = agents.find(tx, team, name)
    before = starts.of_agent(tx, known.id) if known else None
    if before and before.open and not starting.is_over(before, tx.now - before.created_at):
        raise starts.already_started(before, host.id())
    try:
        details, created = changes.expect(
            tx, team, name, wanted.changes, about=None, living=lambda one: occupancy.holds(one.seat)
        )
    except NameTaken as problem:
        raise NameTaken(str(problem), "take another name, or end that program first", **problem.data) from problem
    me = _starter(here, tx) if wanted.entry else me_or_none(here, tx)
    asked = me.agent.id if me and me.agent.client == "human" else None
    begun = starts.begin(
        tx, details.agent, replace(new, started_by=asked, by=me.agent.name if me else None), starting.is_over
    )
    return Member(wanted, begun, own=True, created=created, before=before)


def _starter(here: Context, tx: Tx) -> Me | None:
    """Return who starts a crew, None for a script. A person is registered: mail says what becomes of the crew."""
    try:
        return here.me(tx)
    except XatsError:
        return None


def whom(here: Context, tx: Tx, wanted: Wanted) -> tuple[str, str]:
    """Return the agent as (team, name). Raises Refused if that is a person."""
    from xats.cli.agents import program

    return program.whom(here, tx, wanted.name, wanted.profile, None)


def _unused(here: Context, tx: Tx, wanted: Wanted) -> Start | None:
    """Return the open start of the agent whose token was not used, and whose command has stopped."""
    if not wanted.name:
        return None
    try:
        known = agents.find(tx, *whom(here, tx, wanted))
    except XatsError:  # the write says it
        return None
    before = starts.of_agent(tx, known.id) if known else None
    unused = before is not None and before.open and before.process is None
    return before if before and unused and process.ended(*before.starter) else None


# -- the panes ---------------------------------------------------------------------------------------------------------


def open_panes(here: Context, members: Sequence[Member]) -> list[Exception | None]:
    """Make the panes of the starts that this command has written; return for each why that failed, or None.

    A start without a pane has failed, and an agent that was made for it is removed.
    """
    failed: list[Exception | None] = [None] * len(members)
    own = [index for index, one in enumerate(members) if one.own]
    made: dict[int, Pane] = {}
    try:
        if own:
            faults.point("start.written")
        for index in own:
            one = members[index]
            assert one.wanted
            try:
                program = _program(here, one.wanted)
                _remember(here, one, program)
                made[index] = starting.open_pane(one.start, program, one.wanted.where)
            except (XatsError, OSError) as problem:
                failed[index] = problem
                _undo(here, one, str(problem))
            faults.point("start.made")
    except BaseException:
        for index in own:
            if index not in made and failed[index] is None:
                _undo(here, members[index], "it was interrupted")
        raise

    def work(tx: Tx) -> None:
        for index, pane in made.items():
            starts.placed(tx, members[index].start.token, pane)

    if made:
        here.store.write(work)
        faults.point("start.placed")
    for index in made:
        before = members[index].before
        if before and before.place != "pane" and before.pane:
            places.close_dead(before.pane)
    return failed


def _program(here: Context, wanted: Wanted) -> starting.Program:
    """Return what the command in the new pane needs."""
    from xats.hooks.install import command

    return starting.Program(
        client=wanted.profile.name,
        arguments=wanted.arguments,
        variables=wanted.variables,
        environ={**here.environ, "PWD": wanted.folder},
        db=here.path,
        team=here.asked_team,
        xats=tuple(command.program()),
        writable=wanted.writable,
        prompt=wanted.prompt,
        command=wanted.command,
    )


def _remember(here: Context, member: Member, program: starting.Program) -> None:
    """Keep what a restart of the agent of a crew file needs, in place of what was kept for the agent before."""
    from xats.crews import keep

    wanted, start = member.wanted, member.start
    assert wanted
    if wanted.entry is None:
        keep.only(here.environ, start.agent.id, here.path, start.token)
    else:
        keep.write(here.environ, start, program, wanted.where, wanted.entry, wanted.digest)


def _undo(here: Context, member: Member, why: str) -> None:
    """Note that the start failed, and remove an agent that was made for it."""

    def work(tx: Tx) -> None:
        if starts.fail(tx, member.start.token, why) and member.created:
            _remove_unused(tx, member.start)

    here.store.write(work)


def forget_unused(here: Context, member: Member) -> None:
    """Remove the agent of a start that has failed, if it was made for it, and no program has used the token."""
    if member.created:
        here.store.write(lambda tx: _remove_unused(tx, member.start))


def _remove_unused(tx: Tx, begun: Start) -> None:
    from xats.core.agents import unused

    start = starts.by_token(tx, begun.token)
    if start and start.process is None:
        unused.remove(tx, agents.by_id(tx, begun.agent.id))


def note_needed(here: Context, start: Start, *, by_agent: bool) -> None:
    """Note that a person sees on this terminal that the program of `start` needs them; an agent's terminal shows none.

    So with `by_agent` the persons get mail.
    """
    here.store.write(lambda tx: starts.tell(tx, start) if by_agent else starts.told(tx, start.token))


# -- watching ----------------------------------------------------------------------------------------------------------


def watch(here: Context, members: Sequence[Member]) -> Iterator[tuple[Member, Seen | None]]:
    """Wait for all programs at once, and type their first prompts.

    Yield each member with its start as soon as the program is ready or has ended, or needs a person; with None if a
    newer start has replaced it. After a minute, yield the others as they are.
    """
    typing = _Typing(here)
    left = {one.start.token: one for one in members}
    began, said = time.monotonic(), here.quiet or here.json
    until = began + TYPING + starts.READY / 1000
    try:
        while left:
            late = time.monotonic() > until
            seen = here.store.read(partial(_find, tokens=list(left)))
            found = []
            for token, one in seen.items():
                if one is None or _is_settled(one.start) or late:
                    yield left.pop(token), one
                elif watching.due(one.start):
                    typing.type(one)
                elif finding := _look(here.path, one, own=left[token].own):
                    found.append((one, finding))
            if found:
                here.store.write(partial(_note, found=found))
                continue
            if not said and left and time.monotonic() - began > SLOW:
                said = True
                names = ", ".join(one.start.agent.name for one in left.values())
                are = "is" if len(left) == 1 else "are"
                typed = all(one is not None and watching.due(one.start) for one in seen.values())
                state = "idle, to type the first prompt" if typed else "ready"
                render.say(f"  waiting until {names} {are} {state}; Ctrl-C leaves that to the daemon")
            if left:
                time.sleep(AGAIN)
    finally:
        typing.end()


def _find(tx: Tx, tokens: Sequence[str]) -> dict[str, Seen | None]:
    found = {token: starts.by_token(tx, token) for token in tokens}
    return {token: watching.find(tx, start) if start else None for token, start in found.items()}


def _is_settled(start: Start) -> bool:
    ended = start.state in ("failed", "stopped", "needs_you", "flapping")
    return ended or (start.state == "running" and not watching.due(start))


def _look(store: str, seen: Seen, *, own: bool) -> watching.Finding | None:
    start = seen.start
    orphan = not own and start.process is None and start.host == host.id() and process.ended(*start.starter)
    try:
        if orphan and starting.pane_of(start) is None:
            return watching.Finding("failed", "the command that started it was ended before it made a pane")
        return watching.look(store, seen)
    except TmuxUnavailable:  # it does not answer now
        return None


def _note(tx: Tx, found: Sequence[tuple[Seen, watching.Finding]]) -> None:
    for seen, finding in found:
        watching.note(tx, seen, finding, tell=False)


class _Typing:
    """The first prompts that are being typed. Each waits for a quiet pane, so they do not wait for each other."""

    def __init__(self, here: Context) -> None:
        self._here = here
        self._pool: ThreadPoolExecutor | None = None
        self._settings: Settings | None = None
        self._running: dict[str, Future[bool]] = {}

    def type(self, seen: Seen) -> None:
        """Begin to type the prompt of the start, unless that has begun; after a refusal, begin again."""
        from concurrent.futures import ThreadPoolExecutor

        from xats.delivery.settings import of_team

        token, team = seen.start.token, seen.start.agent.team
        before = self._running.get(token)
        if before and not before.done():
            return
        if before:
            before.result()  # an error of the store ends the command
        if self._pool is None:
            self._pool = ThreadPoolExecutor(TYPISTS)
        if self._settings is None:
            self._settings = self._here.store.read(partial(of_team, team=team, environ=self._here.environ))
        self._running[token] = self._pool.submit(self._type, seen, self._settings)

    def _type(self, seen: Seen, settings: Settings) -> bool:
        from xats.store.open import open_store

        store = open_store(self._here.path)
        try:
            return watching.type_prompt(store, seen, settings, self._here.environ)
        finally:
            store.close()

    def end(self) -> None:
        """Wait for what is being typed: a prompt is never left half typed."""
        if self._pool:
            self._pool.shutdown(cancel_futures=True)
