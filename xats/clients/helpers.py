"""Sessions that a helper process of their client runs, with the environment of another session.

Claude Code has one daemon for each person, which a session starts. It runs every background session (`claude --bg`, the
agents view, `/background`, `/fork`) and one or two spares, each behind a process with its pseudo-terminal. They all
inherit the variables of the session that started the daemon: XATS_AGENT, XATS_NAME_NEW, and in some releases TMUX_PANE.
Seen in 2.1.332:

    claude                                                 the session that has started the daemon, while it lives
      claude daemon run --origin transient --spawned-by {...}
        claude bg-pty-host --bg-pty-host SOCKET 200 50 -- .../claude --bg-spare SOCKET
          claude bg-spare --bg-spare SOCKET                a spare, or the session that it has become

`daemon/roster.json` in the folder of Claude Code has the origin of each session, `sessions/PID.json` what each does.
"""

from __future__ import annotations

import os

from xats.base import process
from xats.clients import background

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from xats.base.process import Process

INHERITED = ("XATS_AGENT", "XATS_NAME_NEW", "TMUX_PANE")
REAPERS = ("systemd", "init", "launchd")  # a person's own systemd adopts processes as well
ROSTER = 1 << 20  # bytes of the daemon's list of its sessions; each takes some 2000


def borrowed(above: Sequence[Process], environ: Mapping[str, str]) -> bool:
    """Tell whether `environ` comes from a helper process, so that its variables of a seat mean another session.

    `above` are the ancestors of the process with `environ`, nearest first. The answer is True in a background session
    of Claude Code; below an agent program without a terminal that runs another one in its own process group, with the
    same name or pane in its environment; and in an agent program that has lost both its terminal and its parent.
    """
    from xats.clients import processes

    found = processes.nearest(above)
    if found is None:
        return False
    program = found[0]
    beyond = above[next((index for index, one in enumerate(above, 1) if one.pid == program.pid), len(above)) :]
    if program == background.session(above):
        return environ.get("CLAUDE_PID") == str(program.pid) or _has_same(program, environ)
    if not program.tty and _is_adopted(program, beyond):
        return True
    for helper in beyond:
        apart = not helper.tty and helper.pgrp != program.pgrp
        if apart and _has_same(helper, environ) and _runs_others(helper):
            return True
    return False


def _is_adopted(program: Process, above: Sequence[Process]) -> bool:
    """Tell whether the parent of `program` has ended, so that the system has become its parent."""
    return program.ppid == 1 or (bool(above) and above[0].name in REAPERS)


def _has_same(helper: Process, environ: Mapping[str, str]) -> bool:
    its = process.environ(helper.pid)
    return any(environ.get(name) and environ[name] == its.get(name) for name in INHERITED)


def _runs_others(helper: Process) -> bool:
    from xats.clients import processes

    return bool(background.session([helper]) or processes.client_of(helper))


def moved_from(session: str, environ: Mapping[str, str]) -> str | None:
    """Return the former id of the session that Claude Code has moved to the background, where its id is `session`.

    It is "" if `session` is new, or the copy of a session that continues in its place (`/fork`): the daemon runs the
    copy from a copy of the conversation. None where Claude Code has not recorded it, or not yet. `environ` is that of a
    process of the session; it shows the folder of Claude Code.
    """
    from xats.clients import records

    config = records.folder(environ, "CLAUDE_CONFIG_DIR", ".claude")
    if config is None or not records.is_private(os.path.join(config, "daemon")):
        return None
    try:
        roster = records.mapping(os.path.join(config, "daemon", "roster.json"), ROSTER) or {}
    except records.Unproven:  # it is being written
        return None
    job, dispatch = _dispatch(roster, session)
    launch = dispatch.get("launch")
    if job is None or not isinstance(launch, dict):
        return None
    if dispatch.get("source") != "slash":
        return ""
    if launch.get("mode") == "resume" and launch.get("fork") is True:
        name, kind = os.path.splitext(os.path.basename(path := str(launch.get("sessionId"))))
        folder = os.path.dirname(os.path.dirname(os.path.realpath(path)))
        return name if kind == ".jsonl" and folder == os.path.realpath(os.path.join(config, "projects")) else ""
    return _parked(os.path.join(config, "sessions"), job)  # it had no conversation yet


def is_parked(pid: int) -> bool:
    """Tell whether the session of the Claude Code process `pid` has moved to the background.

    The process stays in its terminal. It shows the agents view, or the session that its user opens there.
    """
    from xats.clients import records

    config = records.folder(process.environ(pid), "CLAUDE_CONFIG_DIR", ".claude")
    folder = os.path.join(config, "sessions") if config else ""
    if not records.is_private(folder):
        return False
    try:
        record = records.mapping(os.path.join(folder, f"{pid}.json"), records.RECORD) or {}
    except records.Unproven:  # it is being written
        return False
    return bool(record.get("parkedJobId"))


def _dispatch(roster: Mapping[str, object], session: str) -> tuple[str | None, Mapping[str, object]]:
    """Return the job that runs `session`, and the request to the daemon for it; (None, {}) where there is none."""
    workers = roster.get("workers")
    for job, worker in workers.items() if isinstance(workers, dict) else ():
        if isinstance(worker, dict) and worker.get("sessionId") == session:
            dispatch = worker.get("dispatch")
            return job, dispatch if isinstance(dispatch, dict) else {}
    return None, {}


def _parked(folder: str, job: str) -> str:
    """Return the session whose process shows the agents view since that session became `job`, "" if there is none."""
    from xats.clients import records

    for name in os.listdir(folder) if records.is_private(folder) else ():
        if name.endswith(".json"):
            try:
                record = records.mapping(os.path.join(folder, name), records.RECORD) or {}
            except records.Unproven:
                continue
            session = record.get("sessionId")
            if record.get("parkedJobId") == job and isinstance(session, str):
                return session
    return ""
