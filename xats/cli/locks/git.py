"""The check of a commit, and the hook of git that runs it: lock guard, install-git-hook, uninstall-git-hook."""

from __future__ import annotations

import os
import subprocess
from contextlib import suppress

from xats.base import calling
from xats.base.errors import REFUSED, XatsError
from xats.base.record import record
from xats.cli.kit import render
from xats.cli.kit.scope import me_or_none
from xats.cli.locks import text
from xats.core.locks import locks
from xats.core.zones import zones
from xats.hooks import enforcing
from xats.hooks.install import command, git
from xats.identity import files
from xats.store.sqlite.paths import exists

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from xats.cli.kit.context import Context
    from xats.core.agents.agents import Agent
    from xats.core.locks.files import File
    from xats.store import Tx

PATIENCE = 20  # seconds for git to list the files of a commit
SHOWN = 10  # files that are named


@record
class Finding:
    """A file of a commit that another agent holds or owns."""

    path: str
    real: str  #: the same as git has it, whole
    code: str  #: "lock_held" or "zone_taken"
    owner: str
    message: str
    refused: bool


def guard(here: Context) -> int:
    """Check the files of a commit against the locks and zones of others; git runs it, not you.

    It refuses a commit of an agent (exit 4) that changes a file which another agent has locked, and names the holder,
    the reason and the end of the lock. A person only gets a warning. lock.enforce and zone.enforce can change that.
    After a merge, only files that differ from both sides count. If xats cannot check the commit, it says so and exits
    0.

    Example: xats lock guard
    """
    try:
        findings = _look(here)
    except Exception as problem:  # whatever is wrong with xats is no reason to stop a commit
        if exists(here.path):
            render.say(f"xats lock guard could not check this commit: {render.one_line(str(problem))}")
        findings = []
    refused = any(one.refused for one in findings)
    if here.json:
        shown = [
            {"path": one.path, "code": one.code, "owner": one.owner, "message": one.message, "refused": one.refused}
            for one in findings
        ]
        render.document({"findings": shown, "refused": refused})
    elif findings:
        _print(here, findings, refused=refused)
    return REFUSED if refused else 0


def _print(here: Context, findings: list[Finding], *, refused: bool) -> None:
    """Say on standard error what stands in the way of the commit, the reasons to refuse it first."""
    render.say("xats refuses this commit:" if refused else "xats: others work on files of this commit:")
    ordered = sorted(findings, key=lambda one: not one.refused)
    for one in ordered[:SHOWN]:
        render.note(one.message if one.refused or not refused else f"(a warning) {one.message}")
    if len(ordered) > SHOWN:
        render.note(f"and {len(ordered) - SHOWN} more")
    if refused:
        first = ordered[0]
        path = os.path.relpath(first.real, os.environ.get("GIT_PREFIX") or os.curdir)  # from where git was called
        undo = "git restore --staged" if _has_commit() else "git rm --cached"
        render.say(f"  leave the file out: {undo} -- {calling.quoted(path)}")
        if first.code == "lock_held":
            render.say(f"  or wait for it: {here.command('lock', 'take', path, '--wait', '10m')}")


def _look(here: Context) -> list[Finding]:
    """Return what stands in the way of the commit that git is about to make."""
    if not exists(here.path):
        return []
    for_locks = enforcing.level(here.settings, enforcing.LOCKS)
    for_zones = enforcing.level(here.settings, enforcing.ZONES)
    if for_locks == for_zones == enforcing.OFF:
        return []
    top = os.fsdecode(_git("rev-parse", "--show-toplevel")).removesuffix("\n")
    changed: dict[File, str] = {}
    for path in _changed():
        with suppress(XatsError):  # such as a loop of links, which no agent can have locked
            changed.setdefault(files.locate(path, top), os.path.join(top, path))
    if not changed:
        return []

    def look(tx: Tx) -> list[Finding]:
        known = me_or_none(here, tx)
        me = known.agent if known else None
        team = me.team if me else here.team_in(tx)
        return [*_locked(tx, me, team, changed, for_locks), *_in_zones(tx, me, team, changed, for_zones)]

    return here.store.read(look)


def _changed() -> list[str]:
    """Return the files that the commit changes, from the top folder on: those that differ from all of its parents.

    A file that a merge takes over from the other side is not a change of this commit.
    """
    merged: list[str] = []
    try:
        with open(os.fsdecode(_git("rev-parse", "--git-path", "MERGE_HEAD")).rstrip("\n"), encoding="ascii") as file:
            merged = file.read().split()
    except FileNotFoundError:
        pass
    first, *others = [_differing(*parent) for parent in ((), *((one,) for one in merged))]
    return [path for path in first if all(path in other for other in others)]


def _differing(*parent: str) -> dict[str, None]:
    """Return the files whose staged form differs from that of the commit `parent`, by default HEAD, in their order."""
    found = _git("diff", "--cached", "--name-only", "-z", "--no-renames", "--no-relative", "--no-ext-diff", *parent)
    return dict.fromkeys(os.fsdecode(found).rstrip("\0").split("\0")) if found else {}


def _git(*words: str) -> bytes:
    """Return what git prints for `words`. Raises OSError with the error of git, and subprocess.TimeoutExpired."""
    ran = subprocess.run(("git", *words), stdin=subprocess.DEVNULL, capture_output=True, timeout=PATIENCE, check=False)
    if ran.returncode:
        said = os.fsdecode(ran.stderr).strip().removeprefix("fatal: ").partition("\n")[0]
        raise OSError(said or f"git {words[0]} failed")
    return ran.stdout


def _has_commit() -> bool:
    """Tell whether HEAD is a commit: git can restore nothing before the first one."""
    try:
        _git("rev-parse", "--quiet", "--verify", "HEAD")
    except OSError:
        return False
    return True


def _locked(tx: Tx, me: Agent | None, team: str, changed: dict[File, str], level: str) -> Iterator[Finding]:
    """Yield the files that others than `me` have locked; None is a session without a name."""
    real = {file.order: path for file, path in changed.items()}
    for lock in locks.find(tx, changed) if level != enforcing.OFF else ():
        if me is None or lock.holder_id != me.id:
            # An automatic lock says only that another agent has just changed the file in this worktree.
            refused = _is_agent(me) and lock.explicit and level == enforcing.DENY
            said = f"{text.path_of(lock.file, lock.file.worktree)}: {text.held(lock, team, tx.now)}"
            yield Finding(lock.file.path, real[lock.file.order], "lock_held", lock.holder, said, refused)


def _in_zones(tx: Tx, me: Agent | None, team: str, changed: dict[File, str], level: str) -> Iterator[Finding]:
    """Yield the files that are in the zones of others than `me`; None is a session without a name."""
    for file, real in changed.items() if level != enforcing.OFF else ():
        zone = zones.owner(tx, team, file)
        if zone and not (me and zone.is_of(me)):
            said = f"{text.path_of(file, file.worktree)}: in the zone {zone.pattern} of {zone.owner.address}"
            refused = _is_agent(me) and level == enforcing.DENY
            yield Finding(file.path, real, "zone_taken", zone.owner.address, said, refused)


def _is_agent(me: Agent | None) -> bool:
    """Tell whether a commit of `me` can be refused: people are only warned."""
    return me is not None and me.client != "human"


# -- the hook of git ---------------------------------------------------------------------------------------------------


def install_git_hook(here: Context) -> int:
    """Let git run xats lock guard before each commit in this repository, in all of its worktrees.

    Shell commands such as sed change files without asking xats. The hook finds that out at the latest when the change
    is committed. xats writes only the pre-commit hook inside the git directory, and keeps what is in it. Where
    core.hooksPath leads elsewhere, it writes nothing and prints the line to add. A missing or broken xats never stops a
    commit.

    Example: xats lock install-git-hook
    """
    words = command.program()
    place = git.find()
    changed = git.install(place, words)  # no question: the lines are marked, and can be removed again to the byte
    if here.json:
        render.document({"path": place.path, "changed": changed})
    elif changed:
        render.put(f"git now runs xats lock guard before each commit: {render.one_line(place.path)}")
        if not here.quiet:
            render.say(f"  added: {render.one_line(git.line(words))}")
            render.say(f"  to remove it: {here.command('lock', 'uninstall-git-hook')}")
    elif not here.quiet:
        render.say(f"nothing to do: {render.one_line(place.path)} runs xats lock guard already")
    return 0


def uninstall_git_hook(here: Context) -> int:
    """Remove xats lock guard from the hooks of git in this repository; everything else in the file stays.

    Example: xats lock uninstall-git-hook
    """
    place = git.find()
    changed = git.uninstall(place)
    if here.json:
        render.document({"path": changed[0] if changed else place.path, "changed": bool(changed)})
    elif changed:
        for path in changed:
            render.put(f"git no longer runs xats lock guard: {render.one_line(path)}")
    elif not here.quiet:
        render.say(f"nothing to do: {render.one_line(place.path)} has no lines of xats lock guard")
    return 0
