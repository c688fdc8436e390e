"""The JSON of agents and teams."""

from __future__ import annotations

from typing import Annotated

from xats.cli.agents.states import STATES
from xats.cli.models.base import Address, Document, Model, OneOf, Time, field
from xats.cli.models.locks import Lock
from xats.cli.models.mail import DELIVERY_STATES, Evidence, Wake
from xats.core.agents.agents import WAKE_BY

TURN_STATES = ("free", "offered", "held")
START_STATES = ("starting", "needs_you", "running", "stopping", "stopped", "failed", "flapping")
UP_OUTCOMES = (
    "started",
    "running",
    "starting",
    "needs_you",
    "failed",
    "left_alone",
    "would_start",
    "would_restart",
)
END_REASONS = ("expired", "pane_gone", "pane_taken", "replaced")  # of an expectation


class Turn(Model):
    """A turn without its members."""

    name: str = field("The name; main: the turn of the team that needs no name.")
    team: str = field("The team.")
    state: Annotated[str, OneOf(TURN_STATES)] = field("Whether it is free, offered to an agent, or held by one.")
    number: int = field("The number of the last grant, for --number.")
    holder: Address | None = field("Who has it.")
    taken_at: Time | None = field("When the holder took it.")
    lease_until: Time | None = field("When the holder loses it if it gives no more sign of life.")
    holder_gone_at: Time | None = field("When xats saw that the process of the holder had ended.")
    offered_to: Address | None = field("To whom it is offered.")
    offer_until: Time | None = field("When the offer ends.")
    named: bool = field("Whether the last holder named the agent of the offer.")


class ListedTurn(Turn):
    """A turn in a list of other things."""

    waiting: list[Address] = field("The members that wait for it in turn take --wait.")


class Pane(Model):
    """A tmux pane."""

    socket: str = field("The socket of its tmux server.")
    pane_id: str = field("Its id, such as %3.", pattern="^%[0-9]+$")
    pane_pid: int = field("The process that tmux started in it.")


class Agent(Model):
    """An agent."""

    name: str = field("The name, unique in its team.")
    team: str = field("The team.")
    role: str | None = field("The role, for addresses such as role:reviewer.")
    client: str = field("The agent program; human: a person.")
    model: str | None = field("The language model that it uses, as it reported.")
    tags: list[str] = field("The tags, for addresses such as tag:gpu.")
    capabilities: list[str] = field("The capabilities, for addresses such as cap:rust.")
    about: str | None = field("What it is for, in one line.")
    expected_since: Time | None = field("Since when xats waits for its program; null: it does not.")
    epoch: int = field("The number of its session; each registration from another process has a new one.")
    host: str | None = field("Its host.")
    pane: Pane | None = field("Its pane.")


class AgentName(Model):
    """The name of an agent."""

    name: str = field("The name.")
    team: str = field("The team.")


class Expectation(Model):
    """A program that xats expects in a pane."""

    client: str = field("The agent program.")
    pane: Pane = field("The pane.")
    until: Time = field("Until when xats expects it.")
    ended_at: Time | None = field("When the expectation ended; null: it lasts.")
    reason: Annotated[str, OneOf(END_REASONS)] | None = field("Why it ended without the program.")


class Presence(Model):
    """What the program of an agent last reported."""

    state: Annotated[str, OneOf(["idle", "busy", "waiting", "ended"])] = field("The state.")
    at: Time = field("Since when.")


class Start(Model):
    """The newest start of an agent by xats."""

    generation: int = field("How often xats has started the agent, restarts included.")
    state: Annotated[str, OneOf(START_STATES)] = field("What became of it.")
    detail: str | None = field("What the program shows, if it needs a person; why it failed or stopped.")
    client: str = field("The agent program.")
    place: Annotated[str, OneOf(["pane", "window", "split", "session"])] = field("Where it was started.")
    folder: str = field("The folder in which it runs.")
    worktree: str | None = field("The git worktree that xats made for it.")
    branch: str | None = field("The branch of the worktree.")
    base: str | None = field("The branch that this branch started from.")
    pid: int | None = field("The process of the program; null: it has not begun.")
    pane: Pane | None = field("The pane in which it was started.")
    policy: Annotated[str, OneOf(["never", "on-crash", "always"])] = field("When xats starts it again.")
    exit_code: int | None = field(
        "The exit code of the program; null: it runs, or a signal ended it, or it is not known."
    )
    exit_signal: int | None = field("The number of the signal that ended the program.")
    prompt: Annotated[str, OneOf(["pending", "typing", "typed", "failed"])] | None = field(
        "The state of the first prompt, if xats types it; null: xats types none."
    )
    started_at: Time = field("When it was started.")
    since: Time = field("Since when it has its state.")


class Crew(Model):
    """What xats knows of the program of an agent that it has started."""

    start: Start | None = field("Its newest start; null: xats has not started it.")
    state: str = field("What became of the start; the state of the agent if another program is the agent now.")
    restarts: int = field("How often xats has started it again since a person started it.")
    screen: list[str] = field("The last lines of its screen, if it has failed or is flapping.")
    again_in_ms: int | None = field("In how many ms the daemon starts it again; null: it does not.")
    dirty: bool | None = field("Whether its worktree has changes that are not committed; null: not known.")
    tasks: list[int] = field("The ids of the tasks that it has claimed.")
    turns: list[str] = field("The names of the turns that it has.")


class ListedAgent(Agent):
    """An agent with its state, its mail and its wake."""

    state: Annotated[str, OneOf(STATES)] = field("Whether its program runs, and what the program does.")
    online: bool = field("Whether its program is known to run: online, busy or waiting.")
    detail: str = field("The state in words, and how it is known.")
    doing: str | None = field("What it works on, in its own words; null: it said nothing, or its program has ended.")
    doing_since: Time | None = field("Since when.")
    gone_at: Time | None = field("When the daemon saw that its process had ended.")
    busy_since: Time | None = field("When its turn began, or when it began to wait for its user.")
    silent_since: Time | None = field("Its last sign of life, if it is busy or waiting.")
    unread: int = field("The number of unread messages.")
    oldest_unread_at: Time | None = field("When the oldest of them was sent.")
    shown: int = field("The number of messages that were shown and are not known to be read.")
    last_seen_at: Time = field("When it last ran a command or a hook.")
    wake: Wake | None = field("The wake for its unread mail.")
    wake_by: Annotated[str, OneOf(WAKE_BY)] = field("How to wake it, as registered with --wake.")
    transports: list[str] = field("The transports that can wake it now, in the order in which they are tried.")
    paused: bool = field("Whether its wakes are paused.")
    locks: int = field("The number of files that it has locked, without automatic locks.")
    expected: Expectation | None = field("The program that xats expects in its pane.")
    presence: Presence | None = field("What its program last reported.")
    crew: Crew | None = field("With --long: its start by xats, and its work.", default=None)


class AgentDetails(ListedAgent):
    """An agent with everything about it."""

    former_names: list[str] = field("The names that it had before, which still lead to it.")


class RegisterDocument(Document):
    """The agent that was registered."""

    agent: Agent = field("The agent.")
    created: bool = field("False if the agent was registered before.")
    displaced: Address | None = field("The agent that had the pane until now.")
    expected: Expectation | None = field("The program that is expected, with --expect.")
    replaced: list[Address] = field("The agents that are no longer expected in the pane.")


class UnregisterDocument(Document):
    """The agent that left its team."""

    agent: AgentName = field("The agent.")
    unread: int = field("The number of unread messages that are kept for its name.")
    released: list[int] = field("The ids of its tasks that are open again.")
    released_locks: list[str] = field("The paths of the files that it had locked.")
    released_turns: list[str] = field("The names of the turns that it had; they went to the next in line.")


class PeekDocument(Document):
    """The screen of an agent."""

    agent: Address = field("The agent.")
    client: str = field("Its agent program, such as codex; human: a person.")
    pane: Pane = field("Its tmux pane.")
    title: str = field("The title of the pane.")
    width: int = field("The columns of the pane.")
    height: int = field("The rows of the pane.")
    lines: list[str] = field("The lines as text, without empty lines at the end.")


class AgentsDocument(Document):
    """The agents of a team, or of all teams."""

    agents: list[ListedAgent] = field("The agents.")
    has_more: bool = field("Always false.")
    turns: list[ListedTurn] = field("The turns that an agent has, that are offered to one, or that one waits for.")


class Project(Model):
    """The project of a folder."""

    path: str = field("What identifies it: the git folder that its worktrees share, or the folder.")
    top: str = field("The top folder of the worktree.")
    team: str | None = field("The team that it has, or would get.")
    problem: str | None = field("Why xats did not follow a .git file.")


class WhoamiDocument(Document):
    """Who runs the command."""

    agent: Agent = field("The agent.")
    evidence: Evidence = field("How xats knows: a flag or variable, or what is bound to the agent.")
    project: Project | None = field("The project of this folder.")
    notices: list[str] = field("What the team should know, such as a project that has moved.")


class DoingDocument(Document):
    """What an agent works on, in its own words."""

    agent: AgentName = field("The agent.")
    doing: str | None = field("The text; null: none.")
    doing_since: Time | None = field("Since when.")
    changed: bool = field("Whether this command changed it.")


class RecapMail(Model):
    """A message to or from the agent."""

    id: int = field("The id.")
    sent: bool = field("Whether the agent sent it.")
    other: str = field("Its sender, name@team; of a message that the agent sent, the address.")
    about: str = field("Its subject, else the first 200 characters of its body.")
    sent_at: Time = field("When it was sent.")
    state: Annotated[str, OneOf(DELIVERY_STATES)] | None = field("The state of the agent's own copy; null: none.")
    need_reply: bool = field("Whether its sender asked for a reply.")


class RecapRequest(Model):
    """A request that the agent has read and not answered."""

    id: int = field("The id.")
    sender: Address = field("Its sender.")
    about: str = field("Its subject, else the first 200 characters of its body.")
    sent_at: Time = field("When it was sent.")


class RecapTask(Model):
    """A task of the agent."""

    id: int = field("The id.")
    title: str = field("The title.")
    state: Annotated[str, OneOf(["claimed", "review", "open"])] = field("Its state; open: it is ready to be claimed.")
    lease_until: Time | None = field("When the claim ends unless the owner renews it.")


class RecapNote(Model):
    """A note of the team that changed."""

    key: str = field("The key.")
    version: int = field("The number of the newest version.")
    by: Address = field("Who stored it, or removed the note.")
    at: Time = field("When that was.")
    size: int = field("The bytes of the value; 0: the note was removed.")
    pinned: bool = field("Whether sessions get it at their start.")


class RecapOther(Model):
    """Another agent of the team that is here."""

    name: str = field("The name.")
    team: str = field("The team.")
    role: str | None = field("The role.")
    client: str = field("The agent program; human: a person.")
    state: Annotated[str, OneOf(STATES)] = field("Whether its program runs, and what the program does.")
    doing: str | None = field("What it works on, in its own words.")
    doing_since: Time | None = field("Since when.")


class RecapRefusal(Model):
    """An edit of a file that a hook refused."""

    path: str = field("The file, from the top of its worktree.")
    code: Annotated[str, OneOf(["turn_held", "lock_held", "zone_taken", "recently_edited"])] = field("Why.")
    holder: str = field("The agent with the lock, or the agent or role with the zone.")
    at: Time = field("When.")


class RecapDocument(Document):
    """What an agent did last, and what waits for it."""

    agent: ListedAgent = field("The agent.")
    mail: list[RecapMail] = field("Its last messages that you may see, the newest first.")
    owed: list[RecapRequest] = field("The newest requests that it has read and not answered.")
    owed_total: int = field("The number of all of them.")
    tasks: list[RecapTask] = field("Its tasks: claimed, ready for it, in review.")
    tasks_total: int = field("The number of all of them.")
    locks: list[Lock] = field("The files that it has locked, at most 10; automatic locks are not among them.")
    locks_total: int = field("The number of all of them.")
    refused_edits: list[RecapRefusal] = field("Its last edits that a hook refused, the newest first, at most 5.")
    notes: list[RecapNote] = field("The notes of the team that changed last, the last one first.")
    others: list[RecapOther] = field("The other agents that are here, the one seen last first.")
    turns: list[ListedTurn] = field("The turns that an agent has, that are offered to one, or that one waits for.")


class AgentShowDocument(Document):
    """One agent."""

    agent: AgentDetails = field("The agent.")


class AgentSetDocument(Document):
    """The agent after the change."""

    agent: Agent = field("The agent.")
    changed: list[str] = field("The changes in words; empty: nothing was different.")


class AgentRenameDocument(Document):
    """The agent under its new name."""

    agent: Agent = field("The agent.")
    old_name: str = field("The name that it had.")


class AgentForgetDocument(Document):
    """The agent, or the former name, that was removed."""

    agent: AgentName = field("The agent.")
    former_name: str | None = field("The former name that is free now; null: the agent itself was removed.")
    dead_letters: int = field("The number of its unread messages that became dead letters.")
    requests: int = field("The number of requests that it has not answered; their senders got mail.")
    released: list[int] = field("The ids of its tasks that are open again.")
    released_locks: list[str] = field("The paths of the files that it had locked.")


class SeatDocument(Document):
    """The agent that was created before its program runs."""

    agent: Agent = field("The agent.")
    created: bool = field("False if the agent was known before.")


class LaunchFile(Model):
    """A file that a launch writes for the program."""

    path: str = field("Where it is.")
    text: str = field("What is in it.")


class LaunchDocument(Document):
    """How launch --print would start the program."""

    agent: Address = field("The agent.")
    command: list[str] = field("The command line.")
    environment: dict[str, str] = field("The variables that are set.")
    removed: list[str] = field("The variables of another session that are removed.")
    files: list[LaunchFile] = field("The files that are written first.")
    hooks: Annotated[str, OneOf(["launch", "installed", "none"])] = field("Where its hooks come from.")
    notes: list[str] = field("What the user should know.")


class StartDocument(Document):
    """The program that was started in a place of its own."""

    agent: Agent = field("The agent.")
    start: Start = field("Its start.")


class CrewMember(Model):
    """What has become of one agent of a crew file."""

    agent: Address = field("The agent.")
    table: str = field("The name of its table in the file.")
    outcome: Annotated[str, OneOf(UP_OUTCOMES)] = field("What happened.")
    reason: str | None = field(
        "What a program that needs a person shows; why it failed or was left alone; with --dry-run its path."
    )
    hint: str | None = field("What to do about it.")
    start: Start | None = field("Its start; null: xats has not started it.")


class UpDocument(Document):
    """The agents of a crew file that were to be started."""

    file: str = field("The crew file.")
    dry_run: bool = field("Whether nothing was changed.")
    agents: list[CrewMember] = field("Each of them.")
    has_more: bool = field("Always false.")


class LeftWorktree(Model):
    """What became of a worktree that was to be removed."""

    path: str = field("Where it is.")
    removed: bool = field("Whether it was removed.")
    reason: str | None = field("Why it stays.")
    left: list[str] = field("The files in it that are not committed, ignored ones included.")


class Stopped(Model):
    """What became of one agent that was to be stopped."""

    agent: Address = field("The agent.")
    outcome: Annotated[str, OneOf(["stopped", "not_running", "refused", "still_runs"])] = field("What happened.")
    reason: str | None = field("Why xats did not end it.")
    released: list[int] = field("The ids of its tasks that are open again.")
    released_locks: list[str] = field("The paths of the files that it had locked.")
    released_turns: list[str] = field("The names of the turns that it had; they went to the next in line.")
    worktree: LeftWorktree | None = field("Its worktree, with --worktree.")


class DownDocument(Document):
    """The agents that were to be stopped."""

    agents: list[Stopped] = field("Each of them.")
    has_more: bool = field("Always false.")


# -- crew files --------------------------------------------------------------------------------------------------------


class CrewAgent(Model):
    """An agent of a crew file."""

    name: str = field("The name of the agent.")
    table: str = field("The table that makes it.")
    program: str | None = field("The agent program; null: it is a command.")
    command: list[str] = field("The words of the command; empty: it is a program that xats knows.")
    args: list[str] = field("More arguments.")
    role: str | None = field("Its role.")
    tags: list[str] = field("Its tags.")
    place: str = field("Where it starts: window, split, or session:NAME.")
    cwd: str | None = field("The folder in which it runs; null: that of the file.")
    worktree: bool = field("Whether it has a worktree of its own.")
    branch: str | None = field("The branch of the worktree; null: xats/NAME.")
    prompt: str | None = field("Its first prompt.")
    prompt_file: str | None = field("The file that the prompt comes from.")
    env: list[str] = field("The names of its variables.")
    writable_store: bool = field("Whether its sandbox may write the store.")
    restart: Annotated[str, OneOf(["never", "on-crash", "always"])] = field("When xats starts it again.")
    order: int = field("Lower numbers start first.")


class CrewFile(Model):
    """A crew file."""

    path: str = field("Its path.")
    state: Annotated[str, OneOf(["trusted"])] = field("Whether a person has agreed to its content.")
    agents: list[CrewAgent] = field("The agents that it starts.")


class TrustDocument(Document):
    """The crew file to which a person has agreed."""

    crew_file: CrewFile = field("The file.")
    changed: bool = field("Whether it was not trusted before, as it is now.")


class TrustDropDocument(Document):
    """The crew file that is not trusted any more."""

    path: str = field("Its path.")
    changed: bool = field("Whether it was trusted before.")


class TrustedFile(Model):
    """A crew file to which a person has agreed."""

    path: str | None = field("Its path; null: the copy is damaged.")
    copy_: str = field("The path of the trusted copy.", alias="copy")
    state: Annotated[str, OneOf(["trusted", "changed", "invalid", "gone", "damaged"])] = field(
        "Whether the file is as it was then."
    )
    agents: list[str] = field("The names of the agents in the trusted copy.")
    trusted_at: Time | None = field("When a person agreed.")


class TrustListDocument(Document):
    """The crew files to which a person has agreed."""

    crew_files: list[TrustedFile] = field("Each of them.")
    has_more: bool = field("Always false.")


# -- teams -------------------------------------------------------------------------------------------------------------


class TeamProject(Model):
    """A project that belongs to a team."""

    path: str = field("What identifies it: the git folder that its worktrees share, or the folder.")
    host: str | None = field("The name of its host; null: this one, or not known.")
    here: bool = field("Whether it is on this host.")
    exists: bool | None = field("Whether it is still there; null: it is on another host.")


class Team(Model):
    """A team and what belongs to it."""

    name: str = field("The name.")
    created_at: Time = field("When it was first used.")
    archived_at: Time | None = field("When it was archived.")
    agents: int = field("The number of its agents.")
    online: int = field("The number of its agents whose program is known to run.")
    unread: int = field("The number of unread messages.")
    open_tasks: int = field("The number of tasks that have not ended.")
    contracts: int = field("The number of contracts.")
    notes: int = field("The number of notes that were not removed.")
    projects: list[TeamProject] = field("The projects that belong to it.")
    former_names: list[str] = field("The names that it had before, which still lead to it.")


class Member(Model):
    """An agent of a team."""

    name: str = field("The name.")
    role: str | None = field("The role.")
    client: str = field("The agent program; human: a person.")
    online: bool = field("Whether its program is known to run.")
    detail: str = field("The state in words, and how it is known.")


class TeamMembers(Team):
    """A team with its agents."""

    members: list[Member] = field("The agents.")


class TeamListDocument(Document):
    """The teams."""

    teams: list[Team] = field("The teams.")
    has_more: bool = field("Always false.")


class TeamShowDocument(Document):
    """One team."""

    team: TeamMembers = field("The team.")


class TeamChangeDocument(Document):
    """A change of a team."""

    team: Team | None = field("The team as it is now; null: nothing is left of it.")
    name: str | None = field("The team that has everything of it after the change; null: none.")
    old_name: str | None = field("The name of the team before the change.")
    before: Team = field("The team as it was before the change.")
    changed: bool = field("Whether anything was changed.")
    dry_run: bool = field("Whether only a preview was asked for.")


class RenamedAgent(Model):
    """An agent that a merge renames."""

    agent: Address = field("Its new address.")
    old_address: Address = field("The address that it had.")


class MovedNote(Model):
    """A note that got another key."""

    key: str = field("The new key.")
    old_key: str = field("The key that it had.")


class EndedZone(Model):
    """A zone that ends because the other team has one for the same files."""

    pattern: str = field("The pattern, from the top of the repository.")
    owner: str = field("The address of the owner in the old team: bob@team, or role:backend@team.")
    repository: str = field("The repository, as xats zone list shows it.")


class RenamedTurn(Model):
    """A turn that got another name."""

    name: str = field("The new name.")
    old_name: str = field("The name that it had.")


class TeamMergeDocument(TeamChangeDocument):
    """A merge of two teams."""

    into: Team = field("The other team as it was before the merge.")
    renamed: list[RenamedAgent] = field("The agents that got another name.")
    notes: list[MovedNote] = field("The notes whose key both teams had; they got another key.")
    ended_zones: list[EndedZone] = field("The zones of the old team that end: the other team has one for these files.")
    turns: list[RenamedTurn] = field("The turns whose name both teams had; they got another name.")
    merged_people: list[str] = field("The people who were in both teams and are one agent afterwards.")


class TeamForgetDocument(TeamChangeDocument):
    """A team, or a former name of one, that was removed."""

    dead_letters: int = field("The number of unread messages that became dead letters.")
    dropped: int = field("The number of unread copies that expired.")
    cancelled: int = field("The number of tasks that were cancelled.")


class TeamAdoptDocument(TeamChangeDocument):
    """A project that belongs to a team now."""

    project: str = field("What identifies the project.")
    old_team: str | None = field("The team that it belonged to before.")
