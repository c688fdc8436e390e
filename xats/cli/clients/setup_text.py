"""How a set-up looks: its steps, problems and next commands in words for people, and all of it as JSON for scripts."""

from __future__ import annotations

import os
import sys

from xats.cli.clients import find_text
from xats.cli.kit import render

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from xats.cli.clients.setup import Hooked, Setup
    from xats.cli.kit.context import Context


def steps(here: Context, plan: Setup) -> list[str]:
    """Return in words what `plan` would do, a line for each step."""
    lines = ["xats would:"]
    for one in plan.hooks:
        if one.wanted and one.plan:
            what = "renew the hooks" if _has_hooks(here, one) else "add hooks"
            lines.append(f"  {what} of {one.client.name}: {render.one_line(one.plan.file.path)}")
    for known in plan.unregistered:
        found = known.found
        where = f"{found.sighted.pane.pane_id} in {render.one_line(find_text.short(found.folder, find_text.FOLDER[1]))}"
        lines.append(f"  register the {found.best.client} in pane {where}")
    if plan.person:
        lines.append(f"  register you as {plan.person[0]} in team {plan.person[1]}")
    if plan.mail_wanted:
        lines.append("  send you a first message, and show it")
    return lines


def _has_hooks(here: Context, one: Hooked) -> bool:
    from xats.hooks.install.installed import look

    return look(one.client, "user", one.client.path("user", here.environ, ""), ()).state != "absent"


def print_plan(here: Context, plan: Setup, *, dry_run: bool) -> int:
    """Print what is to do, with the change of each file if `dry_run`; or that nothing is."""
    if here.json:
        render.document(setup_json(here, plan, [], pending=plan.wanted))
        return plan.code
    if plan.wanted:
        from xats.hooks.install.plan import diff

        render.stream(steps(here, plan))
        for one in plan.hooks:
            if one.wanted and one.plan and dry_run:
                render.stream(render.visible(diff(one.plan)).splitlines())
    elif not here.quiet:
        render.say("nothing else to do" if plan.code else "nothing to do: everything is set up")
    print_problems(plan)
    if not here.quiet:
        print_next(here, plan)
    return plan.code


def print_problems(plan: Setup) -> None:
    """Print what xats cannot do, and how to fix it."""
    for one in plan.hooks:
        if one.problem:
            fix = f" To fix it: {one.problem.hint}" if one.problem.hint else ""
            render.warn(f"no hooks for {one.client.name}: {render.one_line(f'{one.problem}{fix}')}")
    for server in plan.listed:
        if server.problem:
            render.warn(render.one_line(str(server.problem)))


def print_next(here: Context, plan: Setup) -> None:
    """Print what a person does next, under a title: these lines are no steps of the set-up."""
    render.say("what you can do next:")
    if not plan.hooks and not plan.found:
        render.note("no agent program found in PATH or in a tmux pane: install one, and run this again")
    find_text.print_by_hand(here, plan.rows)
    if plan.unknown:
        render.note(f"no first mail: {plan.unknown} To get it: {here.complete(plan.unknown.hint)}")
    if any(one.written for one in plan.hooks) and plan.rows:
        render.note("an agent program that runs now loads its hooks when it starts the next time")
    if line := _completions(here):
        render.say(f"  to complete xats in your shell, add to {line[0]}:")
        render.say(f"    {line[1]}")
    if program := _program(plan):
        render.say(f"  start an agent in a pane of its own: {here.command('launch', program, '--name', 'bob')}")
    else:
        render.say(f"  try it with a small agent that needs no model: {here.command('demo-agent', 'bob')}")
    render.say(f"  see what waits for you: {here.command().strip()}")


def _program(plan: Setup) -> str | None:
    """Return the word by which a user starts the first program that was found, None if none was."""
    from xats.clients import registry

    for one in plan.hooks:
        if names := registry.find(one.client.name, os.environ).executables:
            return names[0]
    return None


def _completions(here: Context) -> tuple[str, str] | None:
    """Return the file and the line by which the user's shell gets the completions of xats.

    Return None if the shell has them, or if they are not installed beside this Python.
    """
    from xats.base import calling

    home, shell = here.environ.get("HOME", ""), os.path.basename(here.environ.get("SHELL", ""))
    files = {
        "bash": ("bash-completion/completions/xats", ".bashrc", "source {}"),
        "zsh": ("zsh/site-functions/_xats", ".zshrc, before compinit", "fpath+=({})"),
        "fish": ("fish/vendor_completions.d/xats.fish", ".config/fish/config.fish", "source {}"),
    }
    if shell not in files or not home:
        return None
    inner, read, line = files[shell]
    path = os.path.join(sys.prefix, "share", inner)
    shared = os.path.join(here.environ.get("XDG_DATA_HOME") or os.path.join(home, ".local", "share"), inner)
    if sys.prefix in ("/usr", "/usr/local") or os.path.exists(shared) or not os.path.exists(path):
        return None
    try:
        with open(os.path.join(home, read.partition(",")[0]), encoding="utf-8", errors="replace") as file:
            if path in (said := file.read()) or os.path.dirname(path) in said:
                return None
    except OSError:
        pass
    return f"~/{read}", line.format(calling.quoted(os.path.dirname(path) if shell == "zsh" else path))


# -- JSON --------------------------------------------------------------------------------------------------------------


def setup_json(here: Context, plan: Setup, notes: list[str], *, pending: bool) -> dict[str, Any]:
    """Return the JSON form of `plan`; `pending` says whether something is still to do."""
    return {
        "pending": pending,
        "hooks": [_hooks_json(one) for one in plan.hooks],
        "panes": [find_text.pane_json(here, one) for one in plan.rows],
        "message": plan.mail.id if plan.mail else None,
        "notes": notes,
        "has_more": False,
    }


def _hooks_json(one: Hooked) -> dict[str, Any]:
    problem = one.problem
    return {
        "client": one.client.name,
        "path": one.plan.file.path if one.plan else None,
        "action": one.plan.action if one.plan else "unchanged",
        "written": one.written,
        "problem": {"code": problem.code, "message": str(problem), "hint": problem.hint} if problem else None,
    }
