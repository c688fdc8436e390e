"""The JSON of what xats runs on: the daemon, the store, hooks, agent programs, settings and health."""

from __future__ import annotations

from typing import Annotated, Any

from xats.cli.models.agents import Pane
from xats.cli.models.base import Address, Document, Model, OneOf, Time, field
from xats.health import FAIL, OK, WARN
from xats.settings.stricter import FEWER, LONGER, MORE, STRICTER

CheckState = Annotated[str, OneOf([OK, WARN, FAIL])]
Scope = Annotated[str, OneOf(["user", "project"])]


PATHS = ("store", "daemon.log", "hooks.log", "errors.log", "launch", "trust", "crews", "settings", "clients")

# -- daemon ------------------------------------------------------------------------------------------------------------


class Clock(Model):
    """Whether xats trusts the clock of this host. While it may be wrong, xats removes nothing by age."""

    trusted: bool = field("Whether xats trusts every age.")
    since: Time | None = field("xats trusts the age of what began then or later; null: of everything.")
    reason: Annotated[str, OneOf(["first", "boot", "jump", "sleep", "hidden"])] | None = field(
        "Why xats does not trust it."
    )


class DaemonProgram(Model):
    """A program that the daemon runs."""

    program: str | None = field("Its path.")
    problem: str | None = field("Why there is none.")


class DaemonEnvironment(Model):
    """What a running daemon reported when it started."""

    pid: int = field("Its process.")
    version: str = field("The version of xats.")
    python: str = field("The Python that runs it.")
    sqlite: str = field("The version of SQLite.")
    package: str = field("The folder that xats is in.")
    home: str | None = field("Its HOME.")
    path: str | None = field("Its PATH.")
    locale: str | None = field("Its locale.")
    encoding: str = field("Its encoding of file names.")
    clients: str | None = field("The folder with the user's client profiles.")
    tmux: DaemonProgram = field("The tmux that it runs.")
    wake: DaemonProgram = field("The user's own program that wakes agents registered with --wake command.")
    settings: dict[str, str] = field("The settings that differ from their default, by variable.")
    from_file: list[str] = field("Those of these variables that a settings file sets.")


class DaemonStatusDocument(Document):
    """Whether the daemon runs, and what is due."""

    running: bool = field("Whether it runs.")
    pid: int | None = field("Its process.")
    version: str | None = field("Its version of xats; null: it does not run, or has not reported yet.")
    halted: str | None = field("Why its process does no work, such as stopped; null: it works.")
    due: int = field("The number of wakes that are due.")
    next_due_at: Time | None = field("When the next wake is due.")
    log: str = field("The file that it writes its log to.")
    clock: Clock = field("Whether xats trusts the clock.")
    failure: str | None = field("Why the last start failed.")
    environment: DaemonEnvironment | None = field("What the daemon reported when it started.")


class DaemonStartDocument(Document):
    """The daemon that runs now."""

    running: bool = field("Always true.")
    pid: int = field("Its process.")
    created: bool = field("False if a daemon ran already.")
    version: str | None = field("Its version of xats; null: it has not reported yet.")
    replaced: str | None = field("The version of the older daemon that it replaced; null: none.")


class DaemonRestartDocument(Document):
    """The daemon that runs now, and the one that ended."""

    running: bool = field("Always true.")
    pid: int = field("Its process.")
    version: str | None = field("Its version of xats.")
    stopped: int | None = field("The process that ended; null: no daemon ran.")


class DaemonStopDocument(Document):
    """The daemon that was stopped."""

    running: bool = field("Always false.")
    pid: None = field("Always null.")
    stopped: int | None = field("The process that ended; null: no daemon ran.")


# -- help --------------------------------------------------------------------------------------------------------------


class HelpDocument(Document):
    """The help of a subject."""

    kind: Annotated[str, OneOf(["overview", "verb", "group", "topic", "reason", "error"])] = field(
        "What the subject is."
    )
    name: str = field("Its name; empty: the overview.")
    text: str = field("The help, as a person reads it.")


class CompletionDocument(Document):
    """The completion of a shell."""

    shell: str = field("The shell.")
    script: str = field("The script.")
    install: str = field("The file to change, and the line to write into it.")


class CommandArgument(Model):
    """An argument of a verb: a word that it takes by its place."""

    value: str = field("The word that stands for its value in the help.")
    help: str = field("What it means.")
    required: bool = field("Whether the verb needs it.")
    repeatable: bool = field("Whether several words may be given.")


class CommandOption(Model):
    """An option of a verb."""

    flags: list[str] = field("Its spellings, the long one first.")
    negative_flags: list[str] = field("The spellings that turn it off.")
    value: str | None = field("The word that stands for its value in the help; null: it takes no value.")
    help: str = field("What it means.")
    default: str | None = field("The value without the option; null: none.")
    required: bool = field("Whether the verb needs it.")
    repeatable: bool = field("Whether it may be given several times.")


class Command(Model):
    """A verb."""

    name: str = field("The words that call it, behind xats.")
    group: str = field("The title under which xats --help lists it.")
    summary: str = field("What it does, in one line.")
    description: list[str] = field("The whole help without options and examples, by paragraphs.")
    examples: list[str] = field("Command lines.")
    arguments: list[CommandArgument] = field("Its arguments, in their order.")
    options: list[CommandOption] = field("Its options, without those that every verb has.")
    documents: list[str] = field("The documents that it may print with --json, by their names in xats schema.")
    lines: list[str] = field("The documents that it prints line by line with --jsonl, by their names in xats schema.")


class CommandGroup(Model):
    """A word before several verbs, such as task."""

    name: str = field("The word.")
    summary: str = field("What its verbs are about.")


class CommandsDocument(Document):
    """Every verb of xats."""

    version: str = field("The version of xats.")
    commands: list[Command] = field("The verbs.")
    options: list[CommandOption] = field("The options that every verb has.")
    groups: list[CommandGroup] = field("The words before several verbs.")


# -- health ------------------------------------------------------------------------------------------------------------


class Check(Model):
    """A check of the store."""

    name: str = field("What was checked.")
    state: CheckState = field("The result.")
    detail: str = field("What was seen.")
    fix: str = field("The command that fixes it; empty: nothing to fix.")


class DoctorCheck(Check):
    """A check of the installation."""

    section: str = field("The section, such as store or tmux.")


class DoctorDocument(Document):
    """The health of everything that mail depends on."""

    healthy: bool = field("Whether no check failed.")
    checks: list[DoctorCheck] = field("The checks.")
    has_more: bool = field("Always false.")


class DbCheckDocument(Document):
    """The health of the store."""

    checks: list[Check] = field("The checks.")


# -- store -------------------------------------------------------------------------------------------------------------


class File(Model):
    """A file of the store."""

    name: str = field("Its name.")
    size: int = field("Its size in bytes.")


class TableSize(Model):
    """A table of the store."""

    name: str = field("Its name.")
    rows: int = field("The number of its rows.")


class Span(Model):
    """From when to when there are rows."""

    oldest_at: Time | None = field("The time of the oldest; null: there are none.")
    newest_at: Time | None = field("The time of the newest.")


class DbInfoDocument(Document):
    """What the store is, and what is in it."""

    path: str = field("The path of the store.")
    size: int = field("The size of all its files in bytes.")
    files: list[File] = field("Its files.")
    store_version: int = field("The version of its tables.")
    application_id: int = field("The number that marks an SQLite file as a store of xats.")
    sqlite_version: str = field("The version of SQLite.")
    journal_mode: str = field("The journal mode of SQLite.")
    page_size: int = field("The size of a page in bytes.")
    pages: int = field("The number of pages.")
    free_pages: int = field("The number of free pages.")
    tables: list[TableSize] = field("Its tables.")
    messages: Span = field("The times of the oldest and the newest message.")
    events: Span = field("The times of the oldest and the newest event.")
    file_mode: str = field("The permissions of the file, in octal.", pattern="^[0-7]{4}$")
    folder_mode: str = field("The permissions of its folder, in octal.", pattern="^[0-7]{4}$")
    network_file_system: str | None = field("The type of the network file system that it is on; null: none.")
    clock: Clock | None = field("Whether xats trusts the clock; null: the store is too old.")


class DbServerInfoDocument(Document):
    """What the store in a PostgreSQL database is, and what is in it."""

    url: str = field("The URL of the store, without a password.")
    size: int = field("The size of its tables and indexes in bytes.")
    store_version: int = field("The version of its tables.")
    store_id: str = field("The id of the store.")
    server_version: str = field("The version of the server.")
    user: str = field("The user of the database that xats is.")
    tables: list[TableSize] = field("Its tables.")
    messages: Span = field("The times of the oldest and the newest message.")
    events: Span = field("The times of the oldest and the newest event.")
    clock: Clock = field("Whether xats trusts the clock.")


class DbBackupDocument(Document):
    """The copy of the store."""

    path: str = field("The path of the copy.")
    size: int = field("Its size in bytes.")


class Table(Model):
    """A table with its rows."""

    name: str = field("Its name.")
    rows: list[dict[str, Any]] = field("Its rows: an object each, with the columns as keys.")


class DbExportDocument(Document):
    """Whole tables."""

    tables: list[Table] = field("The tables.")


class DbImportDocument(Document):
    """What was imported into the store."""

    path: str = field("The path of the store.")
    rows: int = field("The number of rows that were imported.")
    tables: list[TableSize] = field("The tables, with the number of imported rows.")


class DbQueryDocument(Document):
    """The result of an SQL statement."""

    columns: list[str] = field("The names of the columns, each different.")
    rows: list[dict[str, Any]] = field("The rows: an object each, with the columns as keys.")
    has_more: bool = field("Whether there are more rows than are printed.")


class DbPruneDocument(Document):
    """What was removed, or with --dry-run would be."""

    messages: int = field("The number of messages.")
    deliveries: int = field("The number of copies of messages.")
    wakes: int = field("The number of wakes.")
    events: int = field("The number of events.")
    tasks: int = field("The number of tasks.")
    sessions: int = field("The number of sessions of agents.")
    agents: int = field("The number of agents.")
    agent_names: list[Address] = field("The agents.")
    before: Time = field("Everything removed is older than this time.")
    removed: bool = field("Whether the rows were removed.")


# -- hooks -------------------------------------------------------------------------------------------------------------


class HookChangeDocument(Document):
    """A change of a settings file of an agent program."""

    client: str = field("The agent program.")
    scope: Scope = field("Whose file it is.")
    path: str = field("The path of the file.")
    action: Annotated[str, OneOf(["unchanged", "created", "changed", "removed", "restored"])] = field(
        "What happens to the file; restored: it is as it was before xats changed it."
    )
    written: bool = field("Whether the file was written.")
    diff: str = field("The change, as diff prints it.")
    backup: str | None = field("Where xats keeps the file as it was before.")
    notes: list[str] = field("What the user should know or do.")


class Hook(Model):
    """The hooks of xats in one settings file."""

    client: str = field("The agent program.")
    scope: Scope = field("Whose file it is.")
    path: str = field("The path of the file.")
    state: Annotated[str, OneOf(["absent", "installed", "stale", "broken", "unreadable"])] = field(
        "Whether the hooks are there and work; stale: this xats would write them in another way."
    )
    events: list[str] = field("The events that have a hook of xats.")
    missing: list[str] = field("The events whose hook is missing or different.")
    program: str | None = field("The program that the hooks run.")
    program_exists: bool = field("Whether that program is there.")
    program_is_this: bool = field("Whether that program is this xats.")
    client_program: str | None = field("Where the agent program is.")
    detail: str = field("What is wrong.")
    waiter: bool = field("Whether the program keeps a waiter.")


class HookStatusDocument(Document):
    """The hooks of the agent programs."""

    hooks: list[Hook] = field("The hooks, one entry for each file.")
    has_more: bool = field("Always false.")


# -- agent programs ----------------------------------------------------------------------------------------------------


class Candidate(Model):
    """An agent program that may be the one in a pane."""

    client: str = field("The agent program.")
    pid: int = field("Its process.")
    score: int = field("How likely it is, from 0 to 100.")
    reasons: list[str] = field("The reasons for the score.")


class FoundPane(Model):
    """A pane with an agent program in it."""

    pane: Pane = field("The pane.")
    session: str = field("The name of its tmux session.")
    window: int = field("The number of its tmux window.")
    title: str = field("Its title.")
    folder: str = field("The folder in which the program works.")
    client: str = field("The likeliest agent program.")
    pid: int = field("Its process.")
    certain: bool = field("Whether it is likely enough to be registered without a question.")
    agent: Address | None = field("The agent in the pane.")
    registered_now: bool = field("Whether this command registered it.")
    transports: list[str] = field("The transports that can wake it now, in the order in which they are tried.")
    candidates: list[Candidate] = field("All agent programs in the pane, the likeliest first.")


class ServerProblem(Model):
    """A tmux server that xats could not ask."""

    socket: str = field("Its socket.")
    code: str = field("The code of the error.")
    message: str = field("What is wrong.")
    hint: str = field("What fixes it.")


class ClientFindDocument(Document):
    """The agent programs that run in tmux panes."""

    panes: list[FoundPane] = field("The panes.")
    servers: int = field("The number of tmux servers that answered.")
    problems: list[ServerProblem] = field("The tmux servers that xats could not ask.")
    has_more: bool = field("Always false.")


class SetupProblem(Model):
    """Why xats cannot change a settings file."""

    code: str = field("The code of the error.")
    message: str = field("What is wrong.")
    hint: str = field("What fixes it.")


class SetupHooks(Model):
    """The hooks of one agent program in the user's own settings."""

    client: str = field("The agent program.")
    path: str | None = field("The path of the settings file; null: it could not be read.")
    action: Annotated[str, OneOf(["unchanged", "created", "changed"])] = field("What happens to the file.")
    written: bool = field("Whether the file was written.")
    problem: SetupProblem | None = field("Why xats cannot change the file.")


class SetupDocument(Document):
    """What was set up, or would be."""

    pending: bool = field("Whether there is something to do, with --dry-run; else false.")
    hooks: list[SetupHooks] = field("The agent programs in PATH and in panes that can have hooks.")
    panes: list[FoundPane] = field("The panes with an agent program.")
    message: int | None = field("The id of the first mail; null: it is not sent.")
    notes: list[str] = field("What the user should know or do.")
    has_more: bool = field("Always false.")


class ClientProfile(Model):
    """How an agent program looks in a pane. A text is part of a row; a pattern is a shell pattern."""

    name: str = field("The name of the profile.")
    executables: list[str] = field("The names of its process.")
    scripts: list[str] = field("The script that an interpreter runs, without its suffix.")
    prompts: list[str] = field("How the first row of its composer begins, indentation included.")
    shell_prompts: list[str] = field("How that row begins while it takes a command for a shell.")
    between_rules: bool = field("Whether a rule is directly above and below its composer.")
    frame: str = field("The character at the left of every row of its composer.")
    margin: int = field("The number of columns between the frame and the text.")
    busy: list[str] = field("Texts that show that it works, below its composer.")
    busy_rows: list[str] = field("Patterns of whole rows that show that it works.")
    busy_faint_text: str = field("The text that is drawn faint in such a row above its composer.")
    busy_faint_prompt: bool = field("Whether it draws its prompt faint while it works.")
    busy_titles: list[str] = field("Patterns of pane titles that show that it works.")
    message_prefixes: list[str] = field("How the first row of a message begins.")
    dialog: list[str] = field("Texts that show an open dialog.")
    dialog_titles: list[str] = field("Patterns of pane titles that show an open dialog.")
    modal: bool = field("Whether a dialog takes the place of its composer.")
    draft_rows: list[str] = field("Patterns of rows that show that more than the text would be sent.")
    other_agent_rows: list[str] = field("Patterns of rows below a composer that sends to another agent.")
    other_agent_titles: list[str] = field("Patterns of pane titles under which the composer sends to another agent.")
    agent_name_in_rule: bool = field(
        "Whether the rule above its composer shows the name of the agent that it sends to."
    )
    placeholder_colours: list[str] = field("The SGR parameters of the colours of its placeholder.")
    composer_unknown: bool = field("Whether its composer is not described yet, so xats types nothing there.")
    dim_placeholder: bool = field("Whether it draws a dim placeholder with its cursor on the first character.")
    shows_cursor: bool = field("Whether it shows the cursor of the terminal only where text can be typed.")
    settle_ms: int = field("How long it must have shown a paste before Enter submits it, in ms.")
    submit_ms: int = field("How long it may take to clear the composer after Enter, in ms; 0: the usual time.")
    paste_ms: int = field("How long it may take to show a paste, in ms; 0: the usual time.")
    start_ms: int = field("How long its first composer must stay before it is ready, in ms: a dialog may follow it.")
    bracketed_paste: bool = field("Whether a new line in a bracketed paste is only text.")
    paste_placeholders: list[str] = field("Patterns of what it shows in place of a long paste.")
    install: str = field("The command that installs it.")
    quit: str = field("The line that ends it, submitted in its composer; empty: not known.")
    first_prompt: str = field("The words of its command line for a first prompt; empty: it is typed.")
    resume: str = field("The words of its command line that continue a session; empty: not known.")
    resume_keeps_id: bool = field("Whether xats can take the id of the continued session for its own from the start.")
    resume_takes_prompt: bool = field("Whether it takes a first prompt there too; else it is typed.")


class ClientListDocument(Document):
    """The agent programs that xats knows."""

    clients: list[ClientProfile] = field("The profiles.")
    has_more: bool = field("Always false.")


class ClientShowDocument(Document):
    """One agent program."""

    client: ClientProfile = field("The profile.")


class Cursor(Model):
    """Where the cursor of a pane is, from 0."""

    x: int = field("The column.")
    y: int = field("The row.")


class ClientTestDocument(Document):
    """What xats sees in a pane."""

    pane: str = field("The id of the pane.")
    client: str = field("The profile that was used.")
    state: Annotated[str, OneOf(["idle", "draft", "busy", "dialog", "unknown"])] = field("The state of the program.")
    composer: str | None = field("The text in its composer; null: no composer was found.")
    evidence: str = field("The sign that decided, with its row.")
    title: str = field("The title of the pane.")
    cursor: Cursor = field("Where the cursor is.")
    screen: str = field("The screen with its colours, as tmux prints it.")
    profile: str | None = field("With --profile, a TOML file to complete.")


# -- settings ----------------------------------------------------------------------------------------------------------


class Setting(Model):
    """A setting."""

    key: str = field("Its name in a settings file.")
    value: str | None = field("Its value; null: none.")
    origin: Annotated[str, OneOf(["flag", "env", "project", "user", "default"])] = field("Where the value comes from.")
    file: str | None = field("The file that has the value.")
    line: int | None = field("The line of that file.")
    variable: str = field("The environment variable for it.")
    default: str | None = field("The default; null: none.")
    project_rule: Annotated[str, OneOf([LONGER, FEWER, MORE, STRICTER])] | None = field(
        "In which direction the file of a project may change it; null: not at all."
    )


class SettingsProblem(Model):
    """What is wrong in a settings file."""

    file: str = field("The file.")
    line: int | None = field("The line; null: the whole file.")
    key: str | None = field("The key.")
    message: str = field("What is wrong.")
    hint: str = field("What fixes it.")


class ConfigListDocument(Document):
    """The settings."""

    settings: list[Setting] = field("The settings.")
    problems: list[SettingsProblem] = field("The faults of the files; a faulty key does not count.")
    has_more: bool = field("Always false.")


class ConfigGetDocument(Document):
    """One setting."""

    setting: Setting = field("The setting.")


class ConfigChangeDocument(Document):
    """A setting that was written to a file, or removed from it."""

    setting: Setting = field("The setting as it is now.")
    path: str = field("The file.")
    changed: bool = field("Whether the file was changed.")


class SettingsFile(Model):
    """A settings file."""

    scope: Scope = field("Whose file it is.")
    path: str = field("Its path.")
    exists: bool = field("Whether it is there.")


class OwnPath(Model):
    """A file or a folder of xats."""

    name: Annotated[
        str,
        OneOf(["store", "daemon.log", "hooks.log", "errors.log", "launch", "trust", "crews", "settings", "clients"]),
    ] = field("What it is.")
    path: str = field("Its path.")
    exists: bool = field("Whether it is there.")


class ConfigPathDocument(Document):
    """The settings files, and where xats keeps everything else."""

    files: list[SettingsFile] = field("The settings files.")
    paths: list[OwnPath] = field("The store, its logs, the files of launches, copies of settings, and profiles.")
