"""The verbs of whoever locks files: lock take, renew, release, steal."""

from __future__ import annotations

import os
import time
from contextlib import contextmanager, suppress

from xats.base import durations, process
from xats.base.calling import quoted
from xats.base.errors import Refused, TimedOut, Usage, XatsError
from xats.base.record import record
from xats.cli.kit import people, render, views
from xats.cli.locks import text
from xats.core.locks import locks, waits
from xats.core.locks.errors import LockAwaited, LockHeld, NotHolder
from xats.core.teams import teams
from xats.daemon.liveness import process_gone
from xats.identity import files

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from xats.cli.kit import params
    from xats.cli.kit.context import Context, Me
    from xats.core.agents.agents import Agent, Details
    from xats.core.locks.files import File
    from xats.core.locks.locks import Lock
    from xats.store import Tx

LOOKED_AT = 50  # members of the team whose programs xats looks at
GLOB = frozenset("*?[")


# -- take --------------------------------------------------------------------------------------------------------------


def take(
    here: Context,
    paths: params.LockPathsArg,
    *,
    ttl: params.LockLeaseOption = None,
    reason: params.LockReasonOption = None,
    wait: params.WaitLockOption = None,
    queue: params.QueueOption = False,
) -> int:
    """Lock files for me, all of them or none.

    Other agents cannot edit a locked file: the hooks of their programs refuse it and say who holds it, why and for how
    long. A lock covers a file in one worktree on this machine. It is a lease: my commands and the hooks of my program
    renew it. If neither runs for that long, or when my program has ended, the file is free.

    A file that I hold already is renewed. If another agent holds one of the files, xats refuses (exit 4). With --wait,
    it waits in line instead; the place in the line ends with this command. With --queue, xats refuses too, but sends me
    mail when the file is free.

    Example: xats lock take src/parser.py --reason 'new lexer'

    Example: xats lock take 'src/*.py' --ttl 30m --wait 10m
    """
    if wait is not None and queue:
        msg = "--wait and --queue exclude each other."
        raise Usage(msg, f"{_take(here, paths)} --wait {wait}")
    length = durations.parse(ttl) if ttl is not None else locks.LEASE
    deadline = time.monotonic() + durations.parse(wait) / 1000 if wait is not None else None
    skipped: list[str] = []
    asked = files.expand(paths, skipped=skipped)
    # A backslash can stand for a byte that is not UTF-8; then the file cannot be looked up by this path.
    new = {file.order for file in asked if "\\" not in file.path and not os.path.lexists(file.absolute)}
    mark = process.mark() if deadline is not None else None

    def work(tx: Tx, me: Me) -> _Taken:
        free = _not_mine(tx, me.agent, asked)
        taken = locks.take(tx, me.agent, asked, length, reason, process_gone)
        waits.refuse_before(tx, me.agent, free, mark, process.gone)  # the error undoes all of this
        if mark is not None:
            waits.leave(tx, me.agent, mark)
        return _Taken(me.agent, taken, _unenforced(tx, me.agent))

    try:
        found = here.write(work)
    except (LockHeld, LockAwaited) as problem:
        if queue:
            here.write(lambda tx, me: waits.join(tx, me.agent, asked, None, process.gone))
            here.rouse_daemon()
            problem.hint = "you get mail when the files are free"
            problem.data["queued"] = True
            raise
        if deadline is None or mark is None:
            problem.hint = f"{_take(here, paths)} --wait 10m"
            raise
        found = _in_line(here, asked, mark, deadline, work)
    here.rouse_daemon()
    _report(here, found, new, skipped)
    return 0


@record
class _Taken:
    """What `take` has locked, and the members of the team that may edit it all the same."""

    me: Agent
    locks: list[Lock]
    unenforced: list[Agent]


def _take(here: Context, paths: Sequence[str]) -> str:
    """Return the command that takes `paths`."""
    return here.command("lock", "take", *paths)


def _not_mine(tx: Tx, me: Agent, asked: Sequence[File]) -> list[File]:
    """Return those of the files that `me` does not hold: for what it holds, it need not stand in line."""
    mine = {lock.file.order for lock in locks.find(tx, asked) if lock.holder_id == me.id}
    return [file for file in asked if file.order not in mine]


def _in_line(
    here: Context, asked: Sequence[File], mark: str, deadline: float, work: Callable[[Tx, Me], _Taken]
) -> _Taken:
    """Wait in line for the files, and do `work` when they are free; return its result.

    However this ends, the place in the line ends too. Raises TimedOut, LockCircle, and what `work` raises.
    """
    from xats.cli.kit.waiting import await_change

    here.write(lambda tx, me: waits.join(tx, me.agent, asked, mark, process.gone))
    said = False
    try:
        while True:
            generation = here.store.generation()
            problem = here.read(lambda tx, me: _in_the_way(tx, me.agent, asked, mark))
            if problem is None:
                try:
                    return here.write(work)
                except (LockHeld, LockAwaited):
                    continue  # another agent was faster
            if not said and not here.quiet and not here.json:
                said = True
                render.say(f"waiting: {render.one_line(str(problem).removesuffix(' Nothing was locked.'))}")
            if not await_change(here, generation, deadline):
                msg = f"The files were not free in that time. {problem}"
                raise TimedOut(msg, **problem.data)
    except BaseException:
        with suppress(XatsError):  # a place of an ended process does not count
            here.store.write(lambda tx: waits.leave(tx, here.me(tx, register=False).agent, mark))
        raise


def _in_the_way(tx: Tx, me: Agent, asked: Sequence[File], mark: str) -> LockHeld | LockAwaited | None:
    """Return why `me` cannot take the files now, None if they seem to be free."""
    held = [
        lock for lock in locks.find(tx, asked) if lock.holder_id != me.id and not locks.is_gone(tx, lock, process_gone)
    ]
    if held:
        return locks.refusal(tx, me, held)
    try:
        waits.refuse_before(tx, me, _not_mine(tx, me, asked), mark, process.gone)
    except LockAwaited as problem:
        return problem
    return None


def _unenforced(tx: Tx, me: Agent) -> list[Agent]:
    """Return the other members of the team whose programs do not ask xats before an edit."""
    from xats.core import recap
    from xats.hooks import clients

    guarded = {one.name for one in clients.CLIENTS if any(hook.point == "before a change" for hook in one.events)}
    found = []
    for one in recap.others(tx, me, LOOKED_AT):
        if one.agent.client == "human" or (one.session and process_gone(one.session)):
            continue
        if one.agent.client not in guarded or not _has_hooks(one):
            found.append(one.agent)
    return found


def _has_hooks(one: Details) -> bool:
    """Tell whether hooks of xats have spoken in the session of an agent, as far as the session is known."""
    if one.presence is None or one.session is None:
        return False
    said, known = one.presence.client_session, one.session.seat.client_session
    return not said or not known or said == known


def _report(here: Context, found: _Taken, new: set[tuple[str, str, str]], skipped: list[str]) -> None:
    """Print what was locked, for how long, which links were `skipped`, and what others do not ask about."""
    project = here.find_project()
    repository = teams.stored(project.path) if project else None
    outside = [lock.file for lock in found.locks if lock.file.repository != repository]
    if here.json:
        render.document(
            {
                "locks": [{**text.lock_json(lock), "exists": lock.file.order not in new} for lock in found.locks],
                "skipped": list(map(teams.stored, skipped)),
                "outside": [file.absolute for file in outside],
                "not_enforced": [{"agent": one.address, "client": one.client} for one in found.unenforced],
            }
        )
        return
    if here.quiet:
        for lock in found.locks:
            render.put(str(lock.id))
        return
    now, top = here.store.clock(), text.top_of(here)
    for lock in found.locks:
        does_not_exist = ", which does not exist yet" if lock.file.order in new else ""
        place = f"{text.path_of(lock.file, top)}{does_not_exist}"
        render.put(f"locked for {locks.left(lock, now)}: {place} (token {lock.id})")
    if skipped:
        some = f"{len(skipped)} links that lead" if len(skipped) > 1 else "1 link that leads"
        named = ", ".join(os.path.relpath(path) for path in skipped[:3])
        render.note(f"skipped {some} to no file of this project: {named}{' and more' if len(skipped) > 3 else ''}")
    if outside:
        few = ", ".join(render.one_line(file.absolute) for file in outside[:3])
        render.note(f"outside of this project: {few}{' and more' if len(outside) > 3 else ''}")
    if found.unenforced:
        named = ", ".join(f"{views.near(one.address, found.me.team)} ({one.client})" for one in found.unenforced[:5])
        more = f" and {len(found.unenforced) - 5} more" if len(found.unenforced) > 5 else ""
        render.note(f"programs without the hooks of xats do not see locks; send mail to: {named}{more}")


# -- renew and release -------------------------------------------------------------------------------------------------


def renew(
    here: Context,
    paths: params.HeldPathsArg = None,
    *,
    ttl: params.RenewLeaseOption = None,
    token: params.TokenOption = None,
) -> int:
    """Renew locks of mine; without a PATH all that I took.

    Every command of mine renews them too, and so does every hook of my program, at most once a minute.

    Example: xats lock renew src/parser.py --ttl 1h
    """
    length = durations.parse(ttl) if ttl is not None else None
    meant = _Meant(paths or (), token)

    def work(tx: Tx, me: Me) -> list[Lock]:
        chosen = (
            meant.files(tx, me.agent) if paths else [one.file for one in locks.held_by(tx, me.agent.id, explicit=True)]
        )
        with _named_from_here(chosen):
            return locks.renew(tx, me.agent, chosen, length, token)

    found = here.write(work)
    _changed(here, found, "renewed for {left}: {path}", "you hold no locks")
    return 0


def release(
    here: Context,
    paths: params.HeldPathsArg = None,
    *,
    every: params.EveryLockOption = False,
    token: params.TokenOption = None,
) -> int:
    """Release locks of mine, so that other agents can edit the files.

    The next agent in line gets the file, or mail that it is free.

    Example: xats lock release src/parser.py

    Example: xats lock release --all
    """
    if every == bool(paths):
        msg = "--all and a PATH exclude each other." if every else "Name the files, or use --all."
        raise Usage(msg, "xats lock release --all; to see your locks: xats lock list --mine")
    meant = _Meant(paths or (), token)

    def work(tx: Tx, me: Me) -> list[Lock]:
        if every:
            return locks.release_all(tx, me.agent)
        chosen = meant.files(tx, me.agent)
        with _named_from_here(chosen):
            return locks.release(tx, me.agent, chosen, token)

    found = here.write(work)
    here.rouse_daemon()
    _changed(here, found, "released: {path}", "you hold no locks")
    return 0


class _Meant:
    """The files of mine that the words of a command line mean: files, or what I hold in a folder or of a pattern."""

    def __init__(self, words: Sequence[str], token: int | None) -> None:
        if token is not None and len(words) != 1:
            msg = "--token is the number of one lock, so it needs exactly one PATH."
            raise Usage(msg, f"xats lock release PATH --token {token}")
        self._files: list[File] = []
        self._folders: list[tuple[str, str]] = []
        self._patterns: list[tuple[str, set[tuple[str, str, str]]]] = []
        for word in words:
            if os.path.isdir(word):
                self._folders.append((word, teams.stored(os.path.realpath(word))))
            elif not os.path.lexists(word) and not GLOB.isdisjoint(word):
                self._patterns.append((word, {file.order for file in files.expand([word])}))
            else:
                self._files.append(files.locate(word))

    def files(self, tx: Tx, me: Agent) -> list[File]:
        """Return the files. Raises NotHolder for a folder or pattern in which `me` holds nothing."""
        found = list(self._files)
        mine = [lock.file for lock in locks.held_by(tx, me.id)] if self._folders or self._patterns else []
        for word, folder in self._folders:
            found += self._some(word, [one for one in mine if f"{one.absolute}/".startswith(os.path.join(folder, ""))])
        for word, matching in self._patterns:
            found += self._some(word, [one for one in mine if one.order in matching])
        return found

    def _some(self, word: str, found: list[File]) -> list[File]:
        if not found:
            msg = f"You hold no file in {word}. Nothing was changed."
            raise NotHolder(msg, "xats lock list --mine", path=word, owner=None)
        return found


@contextmanager
def _named_from_here(asked: Sequence[File]) -> Iterator[None]:
    """Let the hint of an error name the files `asked` as a shell in the working directory takes them."""
    try:
        yield
    except Refused as problem:
        for file in asked:
            problem.hint = problem.hint.replace(f" {file.path}", f" {quoted(os.path.relpath(file.absolute))}", 1)
        raise


def _changed(here: Context, found: Sequence[Lock], done: str, nothing: str) -> None:
    """Print what was `done` to locks; `nothing` says that there are none."""
    if here.json:
        render.document({"locks": [text.lock_json(lock) for lock in found]})
    elif not here.quiet:
        now, top = here.store.clock(), text.top_of(here)
        for lock in found:
            render.put(done.format(left=locks.left(lock, now), path=text.path_of(lock.file, top)))
        if not found:
            render.say(nothing)


# -- steal -------------------------------------------------------------------------------------------------------------


def steal(here: Context, path: params.LockPathArg, *, reason: params.LockReasonOption = None) -> int:
    """Take the lock of another agent, who gets mail with the reason.

    A person may do that at any time. An agent may do it only if the program of the holder has ended, or if the holder
    has been silent for 10 minutes. The old lock is void: its holder cannot renew or release it any more.

    Example: xats lock steal src/parser.py --reason 'bob hangs, and the release waits'
    """
    if reason is None:
        msg = "--reason is missing. The holder reads it in the mail."
        raise Usage(msg, here.command("lock", "steal", path, "--reason", "'...'"))
    file = files.locate(path)
    if here.read(lambda _, me: me.agent.client == "human"):
        # An agent could name a person with --as, and then nothing would hold it back.
        people.person(here, "take a lock from an agent that is at work", "ask the holder: xats send NAME '...'")

    def work(tx: Tx, me: Me) -> tuple[str, Lock]:
        before = locks.find(tx, [file])
        with _named_from_here([file]):
            lock = locks.steal(tx, me.agent, file, reason, process_gone)
        return before[0].holder, lock

    holder, lock = here.write(work)
    here.rouse_daemon()
    if here.json:
        render.document({"lock": text.lock_json(lock), "from": holder})
    elif here.quiet:
        render.put(str(lock.id))
    else:
        top = text.top_of(here)
        left = locks.left(lock, here.store.clock())
        render.put(
            f"taken from {views.near(holder, here.team)} for {left}: {text.path_of(lock.file, top)} (token {lock.id})"
        )
        render.say("  read it again before you change it; xats has sent mail to the old holder")
    return 0
