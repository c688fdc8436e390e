"""Locks: files that agents hold which have ended, and the hook of git in this repository."""

from __future__ import annotations

from xats.base.errors import XatsError
from xats.daemon.liveness import process_gone
from xats.health import OK, WARN, Check
from xats.hooks.install import command, git

TYPE_CHECKING = False
if TYPE_CHECKING:
    from xats.core.agents.agents import Details
    from xats.health.facts import Facts

SECTION = "locks"


def checks(facts: Facts | None) -> list[Check]:
    """Return the checks of the locks of all teams, and of the hook of git in the working directory.

    `facts` is None when the store could not be read.
    """
    holders = [one for one in facts.agents if one.locks] if facts else []
    gone = [one for one in holders if one.session and one.agent.client != "human" and process_gone(one.session)]
    found = [_ended(one) for one in gone]
    if not gone and facts:
        whose = f" by {len(holders)} agent{'' if len(holders) == 1 else 's'}" if holders else ""
        number = sum(one.locks for one in holders)
        detail = f"{number} file{'' if number == 1 else 's'} locked{whose}" if holders else "none"
        found.append(Check(SECTION, "locks", OK, detail))
    return found + _hook()


def _ended(one: Details) -> Check:
    files = f"{one.locks} file{'' if one.locks == 1 else 's'}"
    detail = f"its process has ended, and it still has locked {files}; the daemon releases them"
    return Check(SECTION, one.agent.address, WARN, detail, "xats daemon start")


def _hook() -> list[Check]:
    """Return a check of the hook of git if it has lines of xats."""
    try:
        place = git.find()
    except XatsError:  # no repository, or no git
        return []
    words = git.entry(place.path)
    if words is None:
        return []
    if command.runs(words):
        return [Check(SECTION, "git hook", OK, f"{place.path} runs {words[0]}")]
    detail = f"{place.path} names {words[0]}, which is gone: it checks no commit"
    return [Check(SECTION, "git hook", WARN, detail, "xats lock install-git-hook")]
