"""A small agent that does tasks as the prompts of the example crews say, without a model.

For a task it writes one file, which holds the text of the task, and commits it where the folder is in a git repository.
A worker that was killed goes on with the task that it had claimed.
"""

from __future__ import annotations

import os
import subprocess

from xats.demo.commands import ask, note, xats

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from xats.demo.commands import Me


def work(me: Me) -> None:
    """Read the mail, approve what others have submitted, and do tasks, until there is nothing left."""
    approved: set[tuple[int, int]] = set()
    while read_mail(me) or approve(me, approved) or go_on(me) or begin(me):
        pass


def read_mail(me: Me) -> bool:
    """Read all unread messages, and answer them; tell whether there were any.

    A request for a review is answered by `approve`.
    """
    letters = ask("inbox").get("messages", [])
    for letter in letters:
        note(me, message=letter["id"], sender=letter["from"], subject=letter["subject"])
        if not letter["need_reply"]:
            xats("ack", str(letter["id"]))
        elif letter["kind"] != "review":
            xats("reply", str(letter["id"]), f"Read and understood: {letter['body'][:40]}")
    return bool(letters)


def approve(me: Me, approved: set[tuple[int, int]]) -> bool:
    """Approve the submitted tasks that wait for the role of `me`; tell whether there were any.

    `approved` are those of before, each with the number of its submission.
    """
    role, found = (me.role or "").lower(), False
    for task in ask("task", "list", "--state", "review").get("tasks", []):
        mark = task["id"], task["submission"]
        if role in map(str.lower, task["review"]) and not is_owner(me, task) and mark not in approved:
            approved.add(mark)
            found = xats("task", "approve", str(task["id"])) == 0 or found
    return found


def go_on(me: Me) -> bool:
    """Do a task that `me` has claimed before; tell whether there was one."""
    tasks = [one for one in ask("task", "list", "--mine", "--state", "claimed").get("tasks", []) if is_owner(me, one)]
    return any(do(me, task) for task in tasks)


def begin(me: Me) -> bool:
    """Claim the next task and do it; tell whether there was one."""
    task = ask("task", "claim", "--next").get("task")
    return task is not None and do(me, task)


def is_owner(me: Me, task: dict[str, Any]) -> bool:
    """Tell whether `me` has claimed the task."""
    return (task["owner"] or "").partition("@")[0].lower() == me.name.lower()


def do(me: Me, task: dict[str, Any]) -> bool:
    """Do a claimed task: lock its file, write and commit it, and submit the task; tell whether that worked."""
    number, file = str(task["id"]), f"task-{task['id']}.md"
    print(f"task #{number}: {task['title']}", flush=True)
    if xats("lock", "take", file, "--reason", f"task #{number}"):
        xats("task", "release", number, "--reason", f"{file} is locked")
        return False
    with open(file, "w", encoding="utf-8") as text:
        text.write(f"# {task['title']}\n\nDone by {me.name}.\n")
    result = commit(me, file, f"task #{number}: {task['title']}")
    xats("lock", "release", file)
    return xats("task", "submit" if task["review"] else "done", number, "--result", result) == 0


def commit(me: Me, file: str, subject: str) -> str:
    """Commit `file` if this is a git repository; return the result of the task in words."""
    if git("rev-parse", "--is-inside-work-tree"):
        return f"wrote {os.path.abspath(file)}"
    git("add", "--", file)
    who = ["-c", f"user.name={me.name}", "-c", f"user.email={me.name}@localhost"]
    if git("diff", "--cached", "--quiet", "--", file):  # it was committed before this agent was killed
        git(*who, "commit", "-q", "-m", subject, "--", file)
    return f"wrote and committed {file}"


def git(*words: str) -> int:
    """Run git silently; return its exit code."""
    return subprocess.run(["git", *words], capture_output=True, check=False).returncode
