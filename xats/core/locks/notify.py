"""Mail about locks, from xats itself: one was lost, or a file is free."""

from __future__ import annotations

from xats.base.visible import one_line
from xats.core.agents import agents
from xats.core.leases.leases import LAPSED
from xats.core.mail import from_xats

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from xats.core.agents.agents import Agent
    from xats.core.locks.files import File
    from xats.core.locks.locks import Lock
    from xats.store import Tx

SHOWN = 20  # files that one piece of mail names


def tell(tx: Tx, to: Agent, subject: str, *lines: str) -> int | None:
    """Send `lines` from xats to `to`, if `to` is registered; return the id of the message."""
    return from_xats.tell(tx, to, "lock", subject, lines)


def over(tx: Tx, ended: Sequence[tuple[Lock, str]]) -> None:
    """Tell the holders of the locks in `ended` that these are over, each with the reason. A holder gets one message."""
    whom: dict[tuple[int, str], list[File]] = {}
    for lock, why in ended:
        whom.setdefault((lock.holder_id, why), []).append(lock.file)
    for (holder_id, why), files in whom.items():
        because = (
            "its lease expired: you ran no command, and no hook of yours ran"
            if why == LAPSED
            else "your process had ended"
        )
        if len(files) > 1:
            because = because.replace("its lease", "their leases")
        it = "it" if len(files) == 1 else "them"
        what, be = ("Your lock on", "is") if len(files) == 1 else ("Your locks on", "are")
        tell(
            tx,
            agents.by_id(tx, holder_id),
            f"{what[0].lower()}{what[1:]} {_named(files)} {be} over",
            *_sentence(files, what, f"{be} over, because {because}."),
            f"Another agent may have changed {it} since, so read {it} again. To lock {it} again:",
            _command(files),
        )


def free(tx: Tx, to: Agent, files: Sequence[File]) -> None:
    """Tell `to`, which waits for `files`, that they are free."""
    be = "is" if len(files) == 1 else "are"
    tell(
        tx,
        to,
        f"{_named(files)} {be} free",
        *_sentence(files, "", f"{be} free, and you asked for {'it' if len(files) == 1 else 'them'}."),
        f"Lock {'it' if len(files) == 1 else 'them'}: {_command(files)}",
        "Read the file again before you change it.",
    )


def _named(files: Sequence[File]) -> str:
    """Return `files` for a subject."""
    return one_line(files[0].path) if len(files) == 1 else f"{len(files)} files"


def _sentence(files: Sequence[File], before: str, after: str) -> list[str]:
    """Return the lines of a sentence about `files`."""
    if len(files) == 1:
        return [f"{before} {one_line(files[0].absolute)} {after}".lstrip()]
    shown = [f"  {one_line(file.absolute)}" for file in files[:SHOWN]]
    more = [f"  and {len(files) - SHOWN} more"] if len(files) > SHOWN else []
    return [f"{before} {len(files)} files {after}".lstrip(), *shown, *more]


def _command(files: Sequence[File]) -> str:
    """Return the command that locks `files`, at most some SHOWN, from any folder."""
    from shlex import quote

    return f"xats lock take {' '.join(quote(file.absolute) for file in files[:SHOWN])}"
