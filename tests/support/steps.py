"""How much work a piece of SQL is, counted instead of timed."""

import pytest


class Undo(Exception):
    """Takes a measured transaction back."""


def steps(team, what) -> int:
    """Return how many instructions of SQLite's machine `what(tx, alice)` takes; it is undone."""
    connection = team.store.connection
    count = 0

    def step() -> int:
        nonlocal count
        count += 1
        return 0

    me = team.agent("alice")

    def work(tx) -> None:
        connection.set_progress_handler(step, 1)
        try:
            what(tx, me)
        finally:
            connection.set_progress_handler(None, 1)
        raise Undo

    with pytest.raises(Undo):
        team.store.write(work)
    return count
