"""Models of every JSON document and every JSON line that xats prints or reads.

`xats schema`, docs/reference.md and the tests use them. They import pydantic, which takes longer than a whole
`xats send`: only `xats schema`, `xats task import` and tools import them, never a hook or a hot verb.
"""

from __future__ import annotations

from xats.cli.models import (
    agents,
    contracts,
    events,
    examples,
    history,
    limits,
    lines,
    locks,
    machine,
    mail,
    notes,
    overview,
    tasks,
    turns,
    zones,
)
from xats.cli.models.base import Document, Model, field

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TypeAlias

    from pydantic import BaseModel

    Models: TypeAlias = tuple[type[BaseModel], ...]


class Error(Model, extra="allow"):
    """An error. Some codes have more fields, such as the id of a task."""

    code: str = field("The code, for scripts.")
    message: str = field("What went wrong, and why.")
    hint: str = field("The command or the advice that fixes it; may be empty.")


class FailureDocument(Document):
    """What a command with --json prints on standard error when it fails."""

    error: Error = field("The error.")


# By verb: the documents that it prints with --json, one in each run. `xats` is the program without a verb.
DOCUMENTS: dict[str, Models] = {
    "xats": (overview.OverviewDocument,),
    "send": (mail.SentDocument, mail.PooledDocument, mail.BatchDocument),
    "broadcast": (mail.SentDocument,),
    "reply": (mail.SentDocument,),
    "ask": (mail.AskDocument,),
    "ack": (mail.AckDocument,),
    "inbox": (mail.InboxDocument,),
    "show": (mail.ShowDocument,),
    "thread": (mail.ThreadDocument,),
    "status": (mail.StatusDocument, history.StatusAttemptsDocument),
    "log": (history.LogDocument,),
    "search": (history.SearchDocument,),
    "wait": (mail.WaitDocument,),
    "badge": (mail.BadgeDocument,),
    "register": (agents.RegisterDocument,),
    "launch": (agents.LaunchDocument, agents.StartDocument),
    "up": (agents.UpDocument, examples.UpExampleDocument, examples.UpExampleListDocument),
    "down": (agents.DownDocument,),
    "trust": (agents.TrustDocument, agents.TrustDropDocument, agents.TrustListDocument),
    "unregister": (agents.UnregisterDocument,),
    "agents": (agents.AgentsDocument,),
    "peek": (agents.PeekDocument,),
    "whoami": (agents.WhoamiDocument,),
    "doing": (agents.DoingDocument,),
    "recap": (agents.RecapDocument,),
    "team list": (agents.TeamListDocument,),
    "team show": (agents.TeamShowDocument,),
    "team rename": (agents.TeamChangeDocument,),
    "team merge": (agents.TeamMergeDocument,),
    "team archive": (agents.TeamChangeDocument,),
    "team forget": (agents.TeamForgetDocument,),
    "team adopt": (agents.TeamAdoptDocument,),
    "agent show": (agents.AgentShowDocument,),
    "agent set": (agents.AgentSetDocument,),
    "agent rename": (agents.AgentRenameDocument,),
    "agent forget": (agents.AgentForgetDocument,),
    "seat": (agents.SeatDocument,),
    "task add": (tasks.TaskAddDocument,),
    "task list": (tasks.TaskListDocument,),
    "task show": (tasks.TaskDetailsDocument,),
    "task claim": (tasks.TaskClaimDocument,),
    "task renew": (tasks.TaskDocument,),
    "task progress": (tasks.TaskDocument,),
    "task release": (tasks.TaskDocument,),
    "task submit": (tasks.TaskDocument,),
    "task approve": (tasks.TaskApproveDocument,),
    "task feedback": (tasks.TaskDocument,),
    "task done": (tasks.TaskDocument,),
    "task fail": (tasks.TaskDocument,),
    "task cancel": (tasks.TaskDocument,),
    "task reopen": (tasks.TaskDocument,),
    "task edit": (tasks.TaskDocument,),
    "task graph": (tasks.TaskGraphDocument,),
    "task wait": (tasks.TaskDetailsDocument,),
    "task import": (tasks.TaskImportDocument,),
    "task export": (tasks.TaskExportDocument,),
    "turn join": (turns.TurnJoinDocument,),
    "turn take": (turns.TurnDocument,),
    "turn pass": (turns.TurnMovedDocument,),
    "turn release": (turns.TurnMovedDocument,),
    "turn steal": (turns.TurnStealDocument,),
    "turn status": (turns.TurnStatusDocument,),
    "turn log": (turns.TurnLogDocument,),
    "turn leave": (turns.TurnGoneDocument,),
    "turn kick": (turns.TurnGoneDocument,),
    "contract put": (contracts.ContractPutDocument,),
    "contract get": (contracts.ContractGetDocument,),
    "contract list": (contracts.ContractListDocument,),
    "contract log": (contracts.ContractLogDocument,),
    "contract diff": (contracts.ContractDiffDocument,),
    "contract check": (contracts.ContractCheckDocument,),
    "contract subscribe": (contracts.ContractSubscribeDocument,),
    "contract unsubscribe": (contracts.ContractUnsubscribeDocument,),
    "contract subscribers": (contracts.ContractSubscribersDocument,),
    "contract rename": (contracts.ContractRenameDocument,),
    "contract retire": (contracts.ContractRetireDocument,),
    "lock take": (locks.LockTakeDocument,),
    "lock release": (locks.LocksDocument,),
    "lock renew": (locks.LocksDocument,),
    "lock list": (locks.LockListDocument,),
    "lock check": (locks.LockCheckDocument,),
    "lock steal": (locks.LockStealDocument,),
    "lock guard": (locks.LockGuardDocument,),
    "lock install-git-hook": (locks.GitHookDocument,),
    "lock uninstall-git-hook": (locks.GitHookDocument,),
    "limit set": (limits.LimitSetDocument,),
    "limit list": (limits.LimitListDocument,),
    "limit drop": (limits.LimitDropDocument,),
    "zone assign": (zones.ZoneAssignDocument,),
    "zone list": (zones.ZoneListDocument,),
    "zone drop": (zones.ZoneDropDocument,),
    "zone check": (zones.ZoneCheckDocument,),
    "note put": (notes.NotePutDocument,),
    "note get": (notes.NoteGetDocument,),
    "note list": (notes.NoteListDocument,),
    "note log": (notes.NoteLogDocument,),
    "note rm": (notes.NoteChangeDocument,),
    "note pin": (notes.NoteChangeDocument,),
    "note unpin": (notes.NoteChangeDocument,),
    "events": (events.EventsDocument,),
    "poke": (mail.PokeDocument,),
    "deliver": (mail.DeliverDocument,),
    "config list": (machine.ConfigListDocument,),
    "config get": (machine.ConfigGetDocument,),
    "config set": (machine.ConfigChangeDocument,),
    "config unset": (machine.ConfigChangeDocument,),
    "config path": (machine.ConfigPathDocument,),
    "setup": (machine.SetupDocument,),
    "client find": (machine.ClientFindDocument,),
    "client list": (machine.ClientListDocument,),
    "client show": (machine.ClientShowDocument,),
    "client test": (machine.ClientTestDocument,),
    "pause": (mail.PauseDocument,),
    "resume": (mail.ResumeDocument,),
    "dead list": (mail.DeadListDocument,),
    "dead show": (mail.DeadShowDocument,),
    "dead retry": (mail.DeadRetryDocument,),
    "dead drop": (mail.DeadDropDocument,),
    "doctor": (machine.DoctorDocument,),
    "daemon status": (machine.DaemonStatusDocument,),
    "daemon start": (machine.DaemonStartDocument,),
    "daemon restart": (machine.DaemonRestartDocument,),
    "daemon stop": (machine.DaemonStopDocument,),
    "help": (machine.HelpDocument,),
    "commands": (machine.CommandsDocument,),
    "completion": (machine.CompletionDocument,),
    "hook install": (machine.HookChangeDocument,),
    "hook uninstall": (machine.HookChangeDocument,),
    "hook status": (machine.HookStatusDocument,),
    "db info": (machine.DbInfoDocument, machine.DbServerInfoDocument),
    "db backup": (machine.DbBackupDocument,),
    "db export": (machine.DbExportDocument,),
    "db import": (machine.DbImportDocument,),
    "db query": (machine.DbQueryDocument,),
    "db prune": (machine.DbPruneDocument,),
    "db check": (machine.DbCheckDocument,),
}
# By verb: the lines that it prints as JSON Lines.
LINES: dict[str, type[BaseModel]] = {
    "events": events.Event,
    "log": history.LogMessage,
    "task export": tasks.TaskLine,
    "db export": lines.Row,
}
# By name: the lines and files that xats reads, or gives to another program.
READ: dict[str, type[BaseModel]] = {
    "send --batch FILE": lines.BatchLine,
    "task import FILE": tasks.TaskInput,
    "clients/NAME.toml": lines.ProfileFile,
    "wake command": lines.WakeDocument,
}
