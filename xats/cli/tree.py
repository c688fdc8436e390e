"""The full command tree: Typer over plain functions.

A verb is a function whose first parameter is `here`; the table says where it lives and what it is for, so that `--help`
and completion import no verb. `as_command` gives a verb the options that all verbs have.
"""

from __future__ import annotations

import inspect
import sys
from importlib import import_module
from typing import Any, get_type_hints

import typer
from typer._click.exceptions import ClickException, NoSuchOption, UsageError
from typer.core import TyperGroup

from xats import __version__
from xats.cli import lane, params
from xats.cli.here import Here
from xats.cli.params import AGENTS, CONTRACTS, DELIVERY, MAIL, OTHER, TASKS
from xats.cli.parser import HELP_INSTEAD, Verb, text_hint
from xats.errors import INTERRUPTED, Usage

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from typer._click import Command, Context

ABOUT = """Mail for the coding agents in your terminals, and for you beside them.

Example: xats register alice --role backend

Example: xats send bob 'The parser is ready'

Example: xats inbox
"""

# verb: (module, function, panel, the first line of its help)
VERBS: dict[str, tuple[str, str, str, str]] = {
    "send": ("mail", "send", MAIL, "Send mail to an agent, a role, a tag, a capability or everybody."),
    "broadcast": ("mail", "broadcast", MAIL, "Send to everybody in the team, or to everybody with a role."),
    "reply": ("mail", "reply", MAIL, "Answer a message, in its thread."),
    "ack": ("mail", "ack", MAIL, "Acknowledge a message: seen, and no answer will come."),
    "inbox": ("mail", "inbox", MAIL, "Show unread mail, oldest first."),
    "show": ("mail", "show", MAIL, "Show one message that you sent or got, and mark it read."),
    "thread": ("mail", "thread", MAIL, "Show the whole conversation that a message belongs to, and mark it read."),
    "status": ("mail", "status", MAIL, "Show what became of a message that you sent."),
    "wait": ("mail", "wait", MAIL, "Wait until there is unread mail: exit 0 when there is, 124 when the time is over."),
    "register": ("agents", "register", AGENTS, "Register as an agent of this team, in this pane."),
    "unregister": ("agents", "unregister", AGENTS, "Take an agent out of the team; its mail is kept for its name."),
    "agents": ("agents", "agents", AGENTS, "List the agents of this team."),
    "agent show": ("agent", "show", AGENTS, "Show one agent with all that is known of it, also its former names."),
    "agent set": (
        "agent",
        "set_",
        AGENTS,
        "Change what an agent is: its role, tags, capabilities, and what it is for.",
    ),
    "agent rename": (
        "agent",
        "rename",
        AGENTS,
        "Give an agent another name; its mail, tasks, claims and subscriptions stay its own.",
    ),
    "agent forget": (
        "agent",
        "forget",
        AGENTS,
        "Remove an agent for good: its name is free, and its unread direct mail becomes dead letters.",
    ),
    "seat": ("agent", "seat", AGENTS, "Make a seat that waits for its program: it gets mail and tasks from now on."),
    "launch": ("launch", "launch", AGENTS, "Start an agent program in this pane, registered and with its hooks."),
    "top": ("top", "top", AGENTS, "Watch the team live."),
    "pause": ("pause", "pause", AGENTS, "Hold the wakes of an agent, or of the whole team; mail is stored meanwhile."),
    "resume": ("pause", "resume", AGENTS, "End a pause: who has got mail meanwhile is woken, once for all of it."),
    "whoami": ("agents", "whoami", AGENTS, "Say who I am here, and how that is known."),
    "team list": ("team", "list_", AGENTS, "List the teams, with what belongs to each."),
    "team show": ("team", "show", AGENTS, "Show one team with its projects, its former names and its agents."),
    "team rename": ("team", "rename", AGENTS, "Give a team another name; the old one goes on leading to it."),
    "team merge": ("team", "merge", AGENTS, "Make a team a part of another one; nothing of either is lost."),
    "team archive": ("team", "archive", AGENTS, "Leave a team out of the list until its project is used again."),
    "team forget": ("team", "forget", AGENTS, "End a team that is not used any more, and free its name."),
    "team adopt": ("team", "adopt", AGENTS, "Let the project of this folder belong to a team."),
    "task add": ("task", "add", TASKS, "Add a task: for anybody in the team, for an agent, or for a role."),
    "task list": ("task_view", "list_", TASKS, "List the tasks that have not ended, the most urgent first."),
    "task show": ("task_view", "show", TASKS, "Show one task with all that is known of it, and its history."),
    "task claim": ("task_work", "claim", TASKS, "Claim a task, or the next one: of many who try, exactly one gets it."),
    "task renew": ("task_work", "renew", TASKS, "Let the lease of a task that I have claimed begin anew."),
    "task progress": ("task_work", "progress", TASKS, "Note how far a task that I have claimed is."),
    "task release": ("task_work", "release", TASKS, "Give a claimed task back, so that somebody else can claim it."),
    "task submit": ("task_work", "submit", TASKS, "Hand a task in to those who have to approve it."),
    "task approve": ("task_review", "approve", TASKS, "Approve a task that was submitted, for my role."),
    "task feedback": (
        "task_review",
        "feedback",
        TASKS,
        "Send a task that was submitted back, and say what is missing.",
    ),
    "task done": ("task_work", "done", TASKS, "End a task that I have claimed: it is done."),
    "task fail": ("task_work", "fail", TASKS, "End a task that I have claimed: it cannot be done."),
    "task cancel": ("task", "cancel", TASKS, "End a task that is not to be done any more."),
    "task reopen": ("task", "reopen", TASKS, "Let a task that has ended begin anew."),
    "task edit": ("task", "edit", TASKS, "Change a task: whom it is for, what it waits for, how urgent it is."),
    "task graph": ("task_view", "graph", TASKS, "Draw what tasks wait for and consist of, as a tree."),
    "task wait": ("task_view", "wait", TASKS, "Wait until a task has ended: exit 0 when it is done, else 1."),
    "task import": ("task_files", "import_", TASKS, "Add every task of a JSON Lines file, or none."),
    "task export": ("task_files", "export", TASKS, "Print tasks as JSON Lines, for import."),
    "contract put": ("contract", "put", CONTRACTS, "Store a JSON Schema as the next version of a contract."),
    "contract get": ("contract_view", "get", CONTRACTS, "Print the schema of a contract, or of one version of it."),
    "contract list": ("contract_view", "list_", CONTRACTS, "List the contracts of the team."),
    "contract log": ("contract_view", "log", CONTRACTS, "List the versions of a contract, the newest first."),
    "contract diff": (
        "contract_view",
        "diff",
        CONTRACTS,
        "Say what changed between two versions, and whether it breaks readers, writers or both.",
    ),
    "contract check": ("contract_view", "check", CONTRACTS, "Say whether a JSON document satisfies a contract."),
    "contract subscribe": ("contract", "subscribe", CONTRACTS, "Get mail whenever a contract changes."),
    "contract unsubscribe": ("contract", "unsubscribe", CONTRACTS, "Get no more mail about a contract."),
    "contract subscribers": ("contract_view", "subscribers", CONTRACTS, "List who is told of a contract's changes."),
    "contract rename": ("contract", "rename", CONTRACTS, "Give a contract another name."),
    "contract retire": ("contract", "retire", CONTRACTS, "Offer a contract no more; what it was can still be read."),
    "events": ("events", "events", DELIVERY, "Show what happened, or follow it as it happens."),
    "poke": ("poke", "poke", DELIVERY, "Type a prompt into an agent's pane and submit it; for people only."),
    "deliver": ("deliver", "deliver", DELIVERY, "Try every due wake once, without a daemon."),
    "dead list": ("dead", "list_", DELIVERY, "List the mail that nobody could be woken for, and mail that expired."),
    "dead show": ("dead", "show", DELIVERY, "Show a dead letter: to whom, since when, why, and what mends it."),
    "dead retry": ("dead", "retry", DELIVERY, "Wake the recipient of a dead letter once more, or send it to another."),
    "dead drop": ("dead", "drop", DELIVERY, "Take a dead letter off the list; unread mail stays in its inbox."),
    "daemon run": ("daemon", "run", DELIVERY, "Drive the wakes in the foreground until SIGTERM or Ctrl-C."),
    "daemon start": ("daemon", "start", DELIVERY, "Start the daemon unless it runs."),
    "daemon stop": ("daemon", "stop", DELIVERY, "Stop the daemon."),
    "daemon status": ("daemon", "status", DELIVERY, "Say whether the daemon runs, and what is due."),
    "doctor": (
        "doctor",
        "doctor",
        OTHER,
        "Look at everything that mail depends on, and say what mends it; change nothing.",
    ),
    "config list": ("config", "list_", OTHER, "List every setting with its value and where that comes from."),
    "config get": ("config", "get", OTHER, "Print the value of one setting."),
    "config set": (
        "config",
        "set_",
        OTHER,
        "Write a setting into your own file, or with --project into that of this project.",
    ),
    "config unset": (
        "config",
        "unset",
        OTHER,
        "Remove a setting from your own file, or with --project from that of this project.",
    ),
    "config path": ("config", "path", OTHER, "Print where the settings files are, and whether they exist."),
    "client find": (
        "client_find",
        "find",
        OTHER,
        "Find the agent programs that run in your tmux panes, in all of your tmux servers.",
    ),
    "client list": ("client", "list_", OTHER, "List the client programs that xats knows the look of."),
    "client show": ("client", "show", OTHER, "Show what xats knows of one client program, as TOML."),
    "client test": ("client", "test", OTHER, "Say what xats sees in a live pane."),
    "hook install": (
        "hook",
        "install",
        OTHER,
        "Let an agent program run xats at its hooks: it gets its mail with each prompt, and no key is typed.",
    ),
    "hook uninstall": ("hook", "uninstall", OTHER, "Take the hooks of xats out of an agent program again."),
    "hook status": (
        "hook",
        "status",
        OTHER,
        "Say which agent programs run xats at their hooks, by which file, and whether that still works.",
    ),
    "hook run": ("hook", "run", OTHER, "Answer a hook of an agent program; the program runs it, not you."),
    "hook wait": (
        "hook",
        "wait",
        OTHER,
        "Wait beside a session of an agent program, which runs it, until its agent is to be woken.",
    ),
    "db info": ("db.file", "info", OTHER, "Say what the store is and what is in it."),
    "db backup": ("db.file", "backup", OTHER, "Copy the store to a file, at one moment and while others write."),
    "db export": ("db.rows", "export", OTHER, "Print whole tables, as they all are at one moment: JSON Lines, or CSV."),
    "db import": ("db.rows", "import_", OTHER, "Put an export of all tables into an empty store: all rows, or none."),
    "db query": ("db.rows", "query", OTHER, "Run a statement of SQL that reads, over a private copy of the store."),
    "db prune": (
        "db.prune",
        "prune",
        OTHER,
        "Remove old mail that everybody has read, old tasks that have ended, unused agents, and old events.",
    ),
    "db check": (
        "db.file",
        "check",
        OTHER,
        "Say what is wrong with the store, and what mends it; exit 5 if anything is.",
    ),
    "demo": ("demo", "demo", OTHER, "Show two agents writing to each other in a private tmux server."),
    "demo-agent": ("demo", "demo_agent", OTHER, "Be a small agent in this pane: it reads its mail when it is woken."),
    "schema": ("schema", "schema", OTHER, "Print the JSON Schema of what a verb prints with --json."),
}
GROUPS = {
    "team": "The agents of a project: list, show, rename, merge, archive, forget, adopt.",
    "agent": "One agent: show, set, rename, forget.",
    "task": "Work that is claimed by one at a time: add, claim, submit, approve, done, graph.",
    "contract": "JSON Schemas that agents agree on: put, get, diff, check, subscribe.",
    "dead": "Mail that could not be delivered: list, show, retry, drop.",
    "daemon": "The background process that wakes agents: run, start, stop, status.",
    "config": "Settings: list, get, set, unset, path.",
    "client": "The agent programs: find those that run, list, show, test.",
    "hook": "Mail inside the agents: install, uninstall, status, run.",
    "db": "The store: info, backup, export, import, query, prune, check.",
}

COMMON = {
    "as_name": params.AsOption,
    "team": params.TeamOption,
    "db": params.DbOption,
    "json": params.JsonOption,
    "quiet": params.QuietOption,
}
SETTINGS = {"help_option_names": ["-h", "--help"], "max_content_width": 100}


def as_command(path: str) -> Command:
    """Return the Typer command of the verb `path`, such as `send` or `daemon start`."""
    module, name, _, summary = VERBS[path]
    function = getattr(import_module(f"xats.cli.{module}"), name)
    app = typer.Typer(add_completion=False, rich_markup_mode=None)
    word = path.rsplit(maxsplit=1)[-1]
    app.command(word, cls=Verb, context_settings=SETTINGS, short_help=summary)(with_common(function))
    command = typer.main.get_command(app)
    command.name = word
    return command


def with_common(function: Callable[..., int]) -> Callable[..., int]:
    """Return `function` for Typer: with the common options in place of `here`, and its annotations resolved."""
    names = {**vars(sys.modules[function.__module__]), "params": params, "Here": Here}
    hints = get_type_hints(function, names, include_extras=True)
    own = list(inspect.signature(function).parameters.values())[1:]
    keyword = inspect.Parameter.KEYWORD_ONLY
    added = [
        inspect.Parameter(name, keyword, default=False if name in ("json", "quiet") else None, annotation=annotation)
        for name, annotation in COMMON.items()
    ]
    taken = [parameter.replace(annotation=hints[parameter.name]) for parameter in own]

    def run(**values: Any) -> int:
        here = Here(**{name: values.pop(name) for name in COMMON})
        return function(here, **values)

    run.__name__, run.__doc__ = function.__name__, function.__doc__
    run.__signature__ = inspect.Signature([*taken, *added])  # type: ignore[attr-defined]
    run.__annotations__ = {parameter.name: parameter.annotation for parameter in [*taken, *added]}
    return run


class Lazy(TyperGroup):
    """A group that imports a verb only when it is run."""

    path: tuple[str, ...] = ()

    def paths(self) -> dict[str, str]:
        """Return {word: summary} of what stands directly below this group."""
        found = {}
        for path, (_, _, _, summary) in VERBS.items():
            words = path.split()
            if tuple(words[: len(self.path)]) == self.path and len(words) > len(self.path):
                word = words[len(self.path)]
                whole = " ".join(words[: len(self.path) + 1])
                found[word] = GROUPS.get(whole, summary)
        return found

    def list_commands(self, ctx: Context) -> list[str]:
        """Return the words below this group, in the order of the table."""
        del ctx
        return list(self.paths())

    def get_command(self, ctx: Context, cmd_name: str) -> Command | None:
        """Return the command below this group; the real one, imported now."""
        del ctx
        whole = " ".join((*self.path, cmd_name))
        if whole in GROUPS:
            return group((*self.path, cmd_name))
        return as_command(whole) if whole in VERBS else None

    def format_commands(self, ctx: Context, formatter: Any) -> None:
        """Write the verbs by panel, from the table alone."""
        del ctx
        panels: dict[str, list[tuple[str, str]]] = {}
        for word, summary in self.paths().items():
            whole = " ".join((*self.path, word))
            path = next(path for path in VERBS if path == whole or path.startswith(whole + " "))
            panels.setdefault(VERBS[path][2] if not self.path else "Commands", []).append((word, summary))
        for title, rows in panels.items():
            with formatter.section(title):
                formatter.write_dl(rows)

    def resolve_command(self, ctx: Context, args: list[str]) -> tuple[str | None, Command | None, list[str]]:
        """Find the verb, or say which one was probably meant."""
        from difflib import get_close_matches

        word = args[0]
        if word in self.paths():
            return word, self.get_command(ctx, word), args[1:]
        whole = " ".join(("xats", *self.path))
        near = get_close_matches(word, self.paths(), 1)
        hint = f"did you mean {whole} {near[0]}?" if near else f"{whole} --help"
        msg = f"There is no {whole} {word}."
        raise Usage(msg, hint)


def group(path: tuple[str, ...]) -> Lazy:
    """Return the group of the verbs whose words begin with `path`; () is the whole tree."""

    def nothing() -> None:
        pass

    app = typer.Typer(cls=Lazy, add_completion=False, rich_markup_mode=None)
    if path:
        app.callback(help=GROUPS[" ".join(path)], context_settings=SETTINGS)(nothing)
    else:
        app.callback(help=ABOUT, context_settings=SETTINGS)(_root)
    made = typer.main.get_group(app)
    assert isinstance(made, Lazy)
    made.path = path
    made.name = path[-1] if path else "xats"
    return made


def _print_version(wanted: bool) -> None:
    if wanted:
        sys.stdout.write(f"xats {__version__}\n")
        raise typer.Exit


def _root(
    version: bool = typer.Option(
        False, "--version", "-V", callback=_print_version, is_eager=True, help="Print the version."
    ),
) -> None:
    del version


def run(words: Sequence[str]) -> int:
    """Parse `words` and run the verb; return its exit code. Raises Usage for what cannot be parsed."""
    root = group(())
    about: dict[str, Any] = {}
    try:
        with root.make_context("xats", verb_first(words) or ["--help"]) as context:
            about = context.meta
            return root.invoke(context) or 0
    except typer.Exit as done:
        if HELP_INSTEAD in about and not (sys.stdout and sys.stdout.isatty()):  # a program takes exit 0 for success
            msg = "This is only the help. Nothing was sent or changed."
            raise Usage(msg, about[HELP_INSTEAD]) from done
        return done.exit_code
    except typer.Abort:
        return INTERRUPTED
    except UsageError as problem:
        raise _usage(problem) from problem
    except ClickException as problem:
        raise Usage(problem.format_message()) from problem


def verb_first(words: Sequence[str]) -> list[str]:
    """Return `words` with the common options that stand before the verb moved behind it."""
    early: list[str] = []
    rest = list(words)
    while rest and rest[0].partition("=")[0] in lane.COMMON:
        option = rest.pop(0)
        early.append(option)
        if "=" not in option and lane.COMMON[option][1] is str and rest:
            early.append(rest.pop(0))
    verb = 2 if rest and rest[0] in GROUPS else 1
    return [*rest[:verb], *early, *rest[verb:]]


def _usage(problem: UsageError) -> Usage:
    path = problem.ctx.command_path if problem.ctx else "xats"
    hint = text_hint(problem.ctx.command, path) if problem.ctx and isinstance(problem, NoSuchOption) else ""
    return Usage(problem.format_message(), f"{path} --help; {hint}" if hint else f"{path} --help")
