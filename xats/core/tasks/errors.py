"""Errors of tasks; see base/errors.py."""

from __future__ import annotations

from xats.base.errors import NotFound, Refused, Usage


class InvalidTask(Usage):
    """The task is not valid."""

    code = "invalid_task"


class UnknownTask(NotFound):
    """There is no task with that id in this team."""

    code = "unknown_task"
    hint = "xats task list --all"


class TaskHeld(Refused):
    """Another agent has claimed the task."""

    code = "held"


class TaskBlocked(Refused):
    """The task waits for others."""

    code = "blocked"


class TaskForOthers(Refused):
    """The task is for another agent."""

    code = "not_for_you"


class TaskEnded(Refused):
    """The task has ended."""

    code = "ended"


class TaskLive(Refused):
    """The task has not ended."""

    code = "not_ended"


class NotOwner(Refused):
    """You have not claimed the task."""

    code = "not_owner"


class LeaseLost(Refused):
    """Your claim has ended."""

    code = "lease_lost"


class NeedsReview(Refused):
    """The task needs an approval before it is done."""

    code = "needs_review"


class NotReviewer(Refused):
    """You cannot approve the task."""

    code = "not_reviewer"


class NotInReview(Refused):
    """The task has not been submitted."""

    code = "not_in_review"


class DependencyCycle(Refused):
    """The task would wait for itself."""

    code = "cycle"


class TasksHeld(Refused):
    """The agent has claimed tasks."""

    code = "tasks_held"
