"""How waking is done here: the quiet window and the ladder, as the environment sets them."""

from __future__ import annotations

from xats import durations
from xats.delivery.ladder import RUNGS
from xats.errors import Usage
from xats.record import record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

QUIET = 2000  # ms


@record
class Settings:
    """The quiet window and the waits of the ladder, in ms."""

    quiet: int = QUIET
    rungs: tuple[int, ...] = RUNGS


def from_environment(environ: Mapping[str, str]) -> Settings:
    """Return the settings: XATS_QUIET_MS (ms), XATS_LADDER (durations separated by commas).

    Raises Usage when one of them cannot be read.
    """
    quiet = environ.get("XATS_QUIET_MS") or str(QUIET)
    if not (quiet.isascii() and quiet.isdigit()):
        msg = f"XATS_QUIET_MS is {quiet[:40]!r}, which is no number of milliseconds."
        raise Usage(msg, "export XATS_QUIET_MS=2000")
    words = [word.strip() for word in environ.get("XATS_LADDER", "").split(",") if word.strip()]
    return Settings(int(quiet), tuple(durations.parse(word) for word in words) or RUNGS)
