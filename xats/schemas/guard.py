"""A limit for what a hostile schema can cost: Python's `re` may take for ever over one pattern and one text.

The limit is a signal, which `re` lets through, so it holds in the main thread alone; elsewhere there is none. It counts
the time of the processor, so that a busy machine is no reason to give up.
"""

from __future__ import annotations

import signal
import threading
from contextlib import contextmanager

from xats.base.errors import Uncheckable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

SECONDS = 10.0  # of the processor; to read a schema of 10,000 properties takes 3


class OutOfTime(Exception):
    """The limit of `seconds` is reached. Code that knows what took so long raises an Uncheckable that says so."""

    def __init__(self, seconds: float) -> None:
        super().__init__()
        self.seconds = seconds


@contextmanager
def guarded() -> Iterator[None]:
    """Do what is inside in at most SECONDS. Raises Uncheckable.

    Inside another guard, or where somebody else has set a timer, the limit is theirs.
    """
    if threading.current_thread() is not threading.main_thread() or signal.getitimer(signal.ITIMER_VIRTUAL)[0]:
        yield
        return

    def over(*_: object) -> None:
        raise OutOfTime(SECONDS)

    before = signal.signal(signal.SIGVTALRM, over)
    signal.setitimer(signal.ITIMER_VIRTUAL, SECONDS)
    try:
        yield
    except OutOfTime as late:
        msg = f"Checking takes more than {late.seconds:g} seconds: the schema or the document is too large."
        raise Uncheckable(msg) from None
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)
