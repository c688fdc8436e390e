"""The row of projects: hot verbs in one of many worktrees, against the same in a folder without git."""

from __future__ import annotations

import os

from benchmarks.commands import only_one
from benchmarks.rig import Row, interleaved
from benchmarks.settings import there, write
from xats.base import host
from xats.core.teams import teams
from xats.identity import project

WORKTREES, PROJECTS = 100, 200


def projects(rig):
    """`xats send` and `inbox` with 200 projects in the store, in one of 100 worktrees: at most 1.05 of one project.

    Nothing but the project tells the team. The one project is a folder without git.
    """
    commands = {}
    for name in ("many", "one"):
        home = rig.home()
        folder = (worktrees if name == "many" else plain)(os.path.join(rig.path("p"), "t"))
        home.store.write(lambda tx, folder=folder: teams.claim(tx, host.machine(), project.find(folder)))
        if name == "many":
            home.store.write(fill)
        sending, reading = (home.xats(*words, who=None) for words in (("send", "bob", "hello bob"), ("inbox",)))
        for command, agent in ((sending, "alice"), (reading, "bob")):
            del command.env["XATS_TEAM"]
            command.env["XATS_AGENT"] = agent
        sending.before = there(folder, None)
        reading.before = there(folder, lambda home=home: only_one(home))
        commands[f"send {name}"], commands[f"inbox {name}"] = sending, reading
    before = os.getcwd()
    try:
        taken = interleaved(commands, times=101)
    finally:
        os.chdir(before)
    rows = []
    for what in ("send", "inbox"):
        many, one = taken[f"{what} many"], taken[f"{what} one"]
        said = f"xats {what}: {many * 1000:.1f} ms with {WORKTREES} worktrees and {PROJECTS} projects, {one * 1000:.1f}"
        rows.append(Row(f"projects {what}", many / one, 1.05, "x", f"{said} ms with one"))
    return rows


def plain(folder):
    """Make a folder without git, and return it."""
    os.makedirs(folder)
    return folder


def worktrees(folder):
    """Make a repository with worktrees as git lays it out, in a folder `t`; return the last worktree's folder."""
    common = os.path.join(folder, ".git")
    os.makedirs(os.path.join(common, "objects"))
    write(os.path.join(common, "HEAD"), "ref: refs/heads/main\n")
    write(os.path.join(common, "description"), "a repository\n")
    write(os.path.join(common, "config"), "[core]\n\tbare = false\n")
    for number in range(WORKTREES):
        tree, behind = (
            os.path.join(folder, *names, f"w{number}") for names in ((".worktrees",), (".git", "worktrees"))
        )
        os.makedirs(tree)
        os.makedirs(behind)
        write(os.path.join(tree, ".git"), f"gitdir: {behind}\n")
        write(os.path.join(behind, "gitdir"), f"{os.path.join(tree, '.git')}\n")
        write(os.path.join(behind, "commondir"), "../..\n")
    return tree


def fill(tx):
    """Record the other projects."""
    tx.many("insert into teams (name, created_at) values (:team, 1)", [{"team": f"p{n}"} for n in range(PROJECTS)])
    tx.many(
        "insert into projects (host, path, team, created_at) values (:host, :path, :team, 1)",
        [{"host": host.machine(), "path": f"/nowhere/p{n}/.git", "team": f"p{n}"} for n in range(PROJECTS)],
    )
