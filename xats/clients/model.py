"""Records about agent programs: `CLIENT` in each of the files clients/NAME.py is one `Client`.

To add a program, add such a file. It describes the screen, the process, the hooks and the answers to them, the launch,
and the inbox of the program. `make generate` writes to xats/base/programs.py the words that xats must know without an
import of every file.

A hook imports this and the file of its own program, so neither imports anything else at the top.
"""

from __future__ import annotations

import os

from xats.base.record import record, replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import Any, TypeAlias

    from xats.base.process import Process
    from xats.hooks.launch import Kit, Launch

    Json: TypeAlias = dict[str, Any]

SECONDS = 10  # an answer takes a tenth of one; the rest is for a machine that is very busy
LAST_SECONDS = 3  # where the user waits: at the end of a session or of a stopped turn; Codex allows no more
WAIT_SECONDS = 7 * 86_400  # the longest sleep of a waiter; the next turn starts another one


@record
class Profile:
    """What is known of one client. Texts are parts of a row; titles are shell patterns (fnmatch)."""

    name: str
    executables: tuple[str, ...] = ()  #: names of its process
    scripts: tuple[str, ...] = ()  #: what an interpreter runs, without its suffix
    prompts: tuple[str, ...] = ()  #: how the first row of its composer begins, indentation included
    shell_prompts: tuple[str, ...] = ()  #: the same while it takes a command for a shell
    between_rules: bool = False  #: whether a rule stands directly above and below its composer
    frame: str = ""  #: the character at the left of every row of its composer
    margin: int = 0  #: columns between the frame and the text
    busy: tuple[str, ...] = ()  #: parts of rows below its composer, or of any where no composer is found
    busy_rows: tuple[str, ...] = ()  #: shell patterns of whole rows, indentation included
    busy_faint_text: str = ""  #: what is drawn faint in a busy row above its composer
    busy_faint_prompt: bool = False  #: whether it draws its prompt faint while it works
    busy_titles: tuple[str, ...] = ()
    message_prefixes: tuple[str, ...] = ()  #: how the first row of a message begins; status rows are below the last one
    dialog: tuple[str, ...] = ()
    dialog_titles: tuple[str, ...] = ()
    modal: bool = False  #: whether a dialog takes the place of its composer, and thus is not open beside one
    draft_rows: tuple[str, ...] = ()  #: the same of rows that say that more than text would be sent
    other_agent_rows: tuple[str, ...] = ()  #: the same of rows below a composer that sends to another agent
    other_agent_titles: tuple[str, ...] = ()  #: titles under which its composer sends to another agent
    agent_name_in_rule: bool = False  #: whether the rule above its composer has the name of the agent that it sends to
    placeholder_colours: tuple[str, ...] = ()  #: SGR parameters of the colours of its placeholder, always shown
    dim_placeholder: bool = False  #: whether its placeholder is dim, its cursor inverse over the first character
    shows_cursor: bool = False  #: whether it shows the terminal's cursor, and that only where one may type
    settle_ms: int = 120  #: ms that it must have shown a paste before it takes Enter for Enter
    submit_ms: int = 0  #: ms that it may take to clear its composer after Enter; 0: the usual time
    paste_ms: int = 0  #: ms that it may take to show a paste; 0: the usual time
    start_ms: int = 0  #: ms for which its first composer must stay before it is ready: a dialog may follow it
    bracketed_paste: bool = False  #: whether it takes bracketed pastes, in which a new line is only text
    paste_placeholders: tuple[str, ...] = ()  #: shell patterns of what it shows in place of a long paste
    composer_unknown: bool = False  #: whether its composer is not described yet: only dialogs, and nothing is typed
    install: str = ""  #: the line that installs it
    quit: str = ""  #: the line that ends it, submitted in its composer
    first_prompt: str = ""  #: words of its command line with `{prompt}`; "": it takes no first prompt there
    resume: str = ""  #: words of its command line with `{id}`, which continue a session
    resume_keeps_id: bool = False  #: whether a session that it continues has its id again before the first prompt
    resume_takes_prompt: bool = True  #: whether it takes a first prompt there too, and not for a new session alone


@record
class Hook:
    """A moment at which a program is to run xats."""

    point: str  #: one of STATES in hooks/turn.py, such as "prompt" or "turn end"
    event: str  #: what the program calls it
    matcher: str = ""  #: for which tools; "" is for all, or where there is no choice
    verb: str = "run"  #: "run" answers at once; "wait" is beside the program until there is mail

    @property
    def key(self) -> tuple[str, str]:
        """A pair that no other hook of the same program has."""
        return self.event, self.verb


# -- the answers of xats to a hook, in the form of Claude Code, which most programs share -----------------------------


def added(event: str, text: str) -> Json:
    """Return the answer that adds `text` to what the model knows at `event`."""
    return {"hookSpecificOutput": {"hookEventName": event, "additionalContext": text}}


def continued(text: str) -> Json:
    """Return the answer that makes a turn continue with `text` instead of ending."""
    return {"decision": "block", "reason": text}


def refused(event: str, why: str) -> Json:
    """Return the answer that forbids the next action of the model, with the reason `why`."""
    said = {"hookEventName": event, "permissionDecision": "deny", "permissionDecisionReason": why}
    return {"hookSpecificOutput": said}


def claude_like(edits: str, *, fails: bool = False) -> tuple[Hook, ...]:
    """Return the events of Claude Code, which other programs have too; `edits` matches the tools that edit files.

    With `fails` the program also has the event of a tool that failed.
    """
    return (
        Hook("session start", "SessionStart"),
        Hook("prompt", "UserPromptSubmit"),
        Hook("before a change", "PreToolUse", edits),
        *((Hook("failed change", "PostToolUseFailure", edits),) if fails else ()),
        Hook("after a tool", "PostToolUse"),
        Hook("waiting", "PermissionRequest"),
        Hook("turn end", "Stop"),
        Hook("session end", "SessionEnd"),
    )


@record
class Hooks:
    """The hooks of a program: the file that they are in, and the answers of xats to each."""

    name: str
    variable: str  #: of the environment; it names the program's folder, or what `inner` stands in
    inner: str  #: what follows the value of `variable`
    default: str  #: its folder without that variable, from the home folder on
    user: str  #: the file in that folder
    project: str  #: the file in a project
    form: str  #: "groups" and "flat" share a file with others; "own" is a JSON file of ours; "plugin" is a program
    events: tuple[Hook, ...]
    comments: bool = False  #: whether it reads comments in that file
    version: bool = False  #: whether the file begins with "version": 1
    command: str = "command"  #: the field of an entry that holds the command line
    timeout: str = "timeout"  #: the field that holds how long it may take; "" is none, where its unit is not known
    unit: int = 1  #: how many of its unit a second has
    named: bool = False  #: whether an entry has a name
    private: bool = False  #: whether the file in a project is for one person alone
    typed: bool = True  #: whether an entry has a type
    guarded: bool = False  #: whether any failure of a hook is a no, so that a removed xats would forbid every prompt
    waiter: tuple[Hook, ...] = ()  #: where it can start one, if its user wants that
    rewakes: bool = False  #: whether a waiter wakes it by standard error and its exit code, not by standard output
    plugin: str = ""  #: the JavaScript of the form "plugin", below what all plugins share
    plugin_mark: str = ""  #: a line without which it does not load a plugin
    adds_at: tuple[str, ...] = ("session start", "prompt", "after a tool")  #: where an addition reaches the model
    add: Callable[[str, str], Json] = added  #: of the event and the text: the answer that adds it
    go_on: Callable[[str], Json] = continued  #: of the text: the answer by which a turn goes on with it
    refuse: Callable[[str, str], Json] = refused  #: of the event and the reason: the answer that forbids a change
    warn: Callable[[str, str], Json] | None = None  #: of the event and a remark: the answer that allows a change, and
    #: gives the remark to the model; None: it has no such answer
    edits: tuple[str, ...] = ()  #: its tools that edit, where a remark on an edit goes with the hook after that tool
    reads: tuple[str, ...] = ()  #: its tools that read a file, where xats sees them only by the hook before a change
    empty_prompt: str = "prompt"  #: the moment of a prompt without text
    foreign_edits: bool = False  #: whether another agent inside it may be at work in a hook before a change
    forgets: bool = False  #: whether it does not say that it shortened its memory, so a prompt reminds of requests
    takes_back: tuple[str, ...] = ()  #: where it shows that a turn was broken off and its mail taken back
    answered: Callable[[Sequence[str], str], bool | None] | None = None  #: of the last lines of its own record of the
    #: conversation, and the words that our mail begins with: whether the model has answered; None: that is not seen
    calls_when_stopped: bool = False  #: whether it runs hooks after its user broke off, and tells nobody our answer

    def with_waiter(self) -> Hooks:
        """Return these hooks with those of the waiter added."""
        return replace(self, events=tuple(dict.fromkeys(self.events + self.waiter)))

    def path(self, scope: str, environ: Mapping[str, str], project: str) -> str:
        """Return the file of the `scope` "user", or of "project" in the folder `project`. Raises NoHome."""
        if scope == "project":
            return os.path.join(project, self.project)
        from xats.base import folders

        home = folders.home(environ)
        given = environ.get(self.variable, "").strip() if self.variable else ""
        if self.variable.startswith("XDG_") and not os.path.isabs(given):
            given = ""
        if given == "~" or given.startswith("~/"):
            given = home + given[1:]
        folder = os.path.join(given, self.inner) if given else os.path.join(home, self.default)
        return os.path.abspath(os.path.join(folder, self.user))

    def handler(self, hook: Hook, command: str) -> dict[str, Any]:
        """Return the JSON object that makes the program run `command` at `hook`."""
        found: dict[str, Any] = {"type": "command"} if self.typed else {}
        if self.named:
            found["name"] = "xats"
        found[self.command] = command
        seconds = LAST_SECONDS if hook.point in ("broken off", "session end") else SECONDS
        if hook.verb == "wait":
            found["asyncRewake"], seconds = True, WAIT_SECONDS
        if self.timeout:
            found[self.timeout] = seconds * self.unit
        if self.form != "groups" and hook.matcher:
            found["matcher"] = hook.matcher
        return found

    def entry(self, hook: Hook, command: str) -> dict[str, Any]:
        """Return the entry in the list of the event of `hook`."""
        handler = self.handler(hook, command)
        if self.form != "groups":
            return handler
        return {"matcher": hook.matcher, "hooks": [handler]} if hook.matcher else {"hooks": [handler]}


@record
class ToolSandbox:
    """The sandbox in which a program runs its tools."""

    variables: tuple[str, ...]  #: what it sets there
    writing: str  #: the setting that lets a tool write the folder `{folder}`, for people
    wrapper: str = ""  #: the process that it leaves above them, as Linux cuts its name off
    config: str = ""  #: the file with that setting, in the folder of its hooks
    line: str = ""  #: the setting in that file, with `{folder}` as a quoted text
    writes: Callable[[str, str], bool] | None = None  #: of the file and the folder: whether a tool may write it
    allows: Callable[[Sequence[str], str], bool] | None = None  #: the same of the program's arguments and the folder


@record
class Sharing:
    """How one process of a program serves several of its sessions, with the environment of the first of them."""

    serves: Callable[[Sequence[Process]], bool | None]  #: whether the program above is such a process; None without one
    terminals: str  #: the module that finds the terminal of a session (see codex_terminals.py)


@record
class Client:
    """An agent program, or another occupant of a seat."""

    screen: Profile
    title: str = ""  #: its name for people
    hooks: Hooks | None = None
    session_variable: str = ""  #: of the environment of its tools: the id of its session
    marks: tuple[str, ...] = ()  #: other variables that it sets for its tools
    sandbox: ToolSandbox | None = None
    sharing: Sharing | None = None
    login_shell: bool = False  #: whether it runs each command in a login shell, which may have another PATH
    launch: Callable[[Launch, Kit], Launch] | None = None  #: gives it its hooks for one launch alone
    prepare: Callable[[Launch, Kit, str | None], Launch] | None = None  #: of a launch and a folder that its sandbox
    #: shall be able to write: what is changed at each launch of a program with hooks
    inbox: str = ""  #: the module of its inbox (see delivery/transports/native.py)
    parked: Callable[[int], bool] | None = None  #: whether the session of a process has moved away from its terminal
    install_note: str = ""  #: what to know after `xats hook install`
    project_note: str = ""  #: the same of its hooks in a project

    @property
    def name(self) -> str:
        """The name by which xats knows it."""
        return self.screen.name


def load(name: str) -> Client | None:
    """Return the client that clients/NAME.py describes, None where there is no such file."""
    stem = name.replace("-", "_")
    path = f"{__package__}.{stem}"
    if not stem.isidentifier():
        return None
    try:
        module = __import__(path, fromlist=["CLIENT"])  # importlib would be one more import for a hook
    except ModuleNotFoundError as problem:
        if problem.name != path:
            raise
        return None
    found = getattr(module, "CLIENT", None)
    return found if isinstance(found, Client) and found.name == name else None
