"""How waking is done here: the quiet window, the ladder and the user's own program, as the environment sets them."""

from __future__ import annotations

from xats import durations
from xats.delivery.ladder import RUNGS
from xats.errors import Usage
from xats.record import record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

QUIET = 2000  # ms
COMMAND = 10_000  # ms that the user's own program may take to wake an agent
LONGEST = 50_000  # ms; no attempt may outlive its lease


@record
class Settings:
    """The quiet window, the waits of the ladder and the time of the user's own program, in ms."""

    quiet: int = QUIET
    rungs: tuple[int, ...] = RUNGS
    command: int = COMMAND


def from_environment(environ: Mapping[str, str]) -> Settings:
    """Return the settings: XATS_QUIET_MS (ms), XATS_LADDER (durations separated by commas), XATS_WAKE_TIMEOUT (one).

    Raises Usage when one of them cannot be read.
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
    return Settings(int(quiet), tuple(durations.parse(word) for word in words) or RUNGS, command)
