"""A limit for what a hostile schema can cost: Python's `re` may take for ever over one pattern and one text.

The limit is a signal, which `re` lets through, so it holds in the main thread alone; elsewhere there is none. It counts
the time of the processor, so that a busy machine is no reason to give up.
"""

from __future__ import annotations

import signal
import threading
import warnings
from contextlib import contextmanager

from xats.errors import Uncheckable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

SECONDS = 10.0  # of the processor; to read a schema of 10,000 properties takes 3


@contextmanager
def guarded() -> Iterator[None]:
    """Do what is inside in at most SECONDS, without the warnings that foreign patterns cause. Raises Uncheckable.

    Inside another guard, or where somebody else has set a timer, the limit is theirs.
    """
    mine = threading.current_thread() is threading.main_thread() and signal.getitimer(signal.ITIMER_VIRTUAL)[0] == 0

    def over(*_: object) -> None:
        msg = f"Checking took more than {SECONDS:g} seconds, most likely over a pattern, and was given up."
        raise Uncheckable(msg)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if not mine:
            yield
            return
        before = signal.signal(signal.SIGVTALRM, over)
        signal.setitimer(signal.ITIMER_VIRTUAL, SECONDS)
        try:
            yield
        finally:
            signal.setitimer(signal.ITIMER_VIRTUAL, 0)
            signal.signal(signal.SIGVTALRM, before)
