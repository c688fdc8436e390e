"""How waking is done here: the quiet window, the ladder, the deadlines and what is turned off, by the environment."""

from __future__ import annotations

from xats import durations
from xats.core import limits
from xats.delivery import ladder
from xats.delivery.ladder import RUNGS
from xats.errors import Usage
from xats.record import record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

QUIET = 2000  # ms
COMMAND = 10_000  # ms that the user's own program may take to wake an agent
LONGEST = 50_000  # ms; no attempt may outlive its lease
READ_WITHIN = 60_000  # ms
FURTHEST = 12 * 3600_000  # ms
# The ways to wake an agent by themselves, in the order in which they are gone through; the inboxes of programs are of
# one rank, since each program has one.
WAYS = ("hook", "waiter", "claude-inbox", "codex-queue", "opencode-http", "qwen-inbox", "tmux")


@record
class Settings:
    """The quiet window, the waits of the ladder, the time of the user's own program, and the time to read, in ms.

    `off` are the ways that are turned off.
    """

    quiet: int = QUIET
    rungs: tuple[int, ...] = RUNGS
    command: int = COMMAND
    read_within: int = READ_WITHIN
    off: frozenset[str] = frozenset()

    @property
    def longest(self) -> int:
        """The longest wait (ms) for an attempt that these settings can ask for."""
        return max(ladder.longest(self.rungs), self.read_within, 2 * limits.SPACE)


def from_environment(environ: Mapping[str, str]) -> Settings:
    """Return the settings that the environment makes.

    They are XATS_QUIET_MS (ms), XATS_LADDER (durations separated by commas), XATS_WAKE_TIMEOUT and XATS_READ_WITHIN (a
    duration each), XATS_WAKE_OFF (names of `WAYS` separated by commas). Raises Usage when one of them cannot be read.
    """
    quiet = environ.get("XATS_QUIET_MS") or str(QUIET)
    if not (quiet.isascii() and quiet.isdigit()):
        msg = f"XATS_QUIET_MS is {quiet[:40]!r}, which is no number of milliseconds."
        raise Usage(msg, "export XATS_QUIET_MS=2000")
    words = [word.strip() for word in environ.get("XATS_LADDER", "").split(",") if word.strip()]
    command = durations.parse(environ.get("XATS_WAKE_TIMEOUT") or f"{COMMAND}ms")
    if not 0 < command <= LONGEST:
        msg = f"XATS_WAKE_TIMEOUT is {environ['XATS_WAKE_TIMEOUT'][:40]!r}; it is more than 0 and at most 50s."
        raise Usage(msg, "export XATS_WAKE_TIMEOUT=10s")
    within = durations.parse(environ.get("XATS_READ_WITHIN") or f"{READ_WITHIN}ms")
    if not 0 < within <= FURTHEST:
        msg = f"XATS_READ_WITHIN is {environ['XATS_READ_WITHIN'][:40]!r}; it is more than 0 and at most 12h."
        raise Usage(msg, "export XATS_READ_WITHIN=1m")
    rungs = tuple(durations.parse(word) for word in words) or RUNGS
    return Settings(int(quiet), rungs, command, within, turned_off(environ))


def turned_off(environ: Mapping[str, str]) -> frozenset[str]:
    """Return the ways that XATS_WAKE_OFF turns off. Raises Usage for what is none."""
    off = frozenset(word.strip() for word in environ.get("XATS_WAKE_OFF", "").split(",")) - {""}
    unknown = sorted(off - set(WAYS))
    if unknown:
        msg = f"XATS_WAKE_OFF names {unknown[0][:40]!r}, which is no way to wake an agent."
        raise Usage(msg, f"one or more of: {', '.join(WAYS)}")
    return off
