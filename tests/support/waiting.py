"""Wait for a state, with little of a processor: most conditions ask another program."""

import time

PATIENCE = 30.0  # seconds; a deadline for a loaded machine, never a pace


def until(condition, seconds=PATIENCE, what=""):
    """Return the first true value of `condition()`. Fail after `seconds`.

    Between two looks it sleeps for five times as long as a look takes: at least 5 ms, at most 50 ms.
    """
    deadline = time.monotonic() + seconds
    while True:
        before = time.monotonic()
        value = condition()
        if value:
            return value
        after = time.monotonic()
        if after > deadline:
            raise AssertionError(f"waited {seconds} s for {what or condition}")
        time.sleep(min(max(0.005, 5 * (after - before)), 0.05))
