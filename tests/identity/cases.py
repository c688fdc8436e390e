"""Who am I: the table of cases. docs/identity.md shows it, tests/identity/test_resolve.py runs it.

In each case alice has a seat, and perhaps others have; `inside` are the programs above the command, the outermost
first. A hook of the innermost program gets the same answer as the command, and does nothing where that is an error.
"""

from __future__ import annotations

from xats.base.record import record

CREW, OTHER = "crew", "other"


@record
class Sits:
    """What the store knows of where an agent sits."""

    session: str | None = None  #: its client session
    pane: bool = False  #: whether it sits in our pane
    process: int | str | None = None  #: which of the programs above, "elsewhere" or "ended"; None is not known
    team: str = CREW
    client: str = "claude-code"
    replaced: bool = False  #: another session has taken its seat since


@record
class Case:
    """One case: what the environment says, what the store knows, what is above, and the answer."""

    title: str
    answer: str  #: the agent, or the code of the error
    evidence: str = ""  #: how it is known; "" for an error
    sits: dict[str, Sits] = {}  # noqa: RUF012
    inside: tuple[str, ...] = ("claude",)
    flag: str | None = None
    name: str | None = None  #: XATS_AGENT
    team: str | None = None  #: XATS_TEAM
    session: str | None = None  #: the client session of the innermost program
    inherited: str | None = None  #: the session id of an outer program, which the environment still has
    pane: bool = False  #: whether TMUX and TMUX_PANE are set
    pane_of: int | None = None  #: which of the programs above is the first process of the pane
    terminal: bool = False  #: whether it is typed on a terminal


def here(**more: object) -> Sits:
    """Return the seat of the outermost program above, in our pane and with the session s1."""
    return Sits(**{"session": "s1", "pane": True, "process": 0, **more})


FLAG = (
    Case(
        "the flag is stronger than everything else",
        "bob@crew",
        "flag",
        {"alice": here(), "bob": Sits()},
        flag="bob",
        name="alice",
        session="s1",
        pane=True,
    ),
    Case("a flag that the session confirms", "alice@crew", "session", {"alice": here()}, flag="alice", session="s1"),
    Case("a flag that the pane confirms", "alice@crew", "pane", {"alice": here()}, flag="alice", pane=True),
    Case(
        "a flag without a team means my team",
        "bob@other",
        "flag",
        {"alice": here(team=OTHER), "bob": Sits(team=OTHER)},
        flag="bob",
        session="s1",
    ),
    Case(
        "a flag without a team, of one who is known by a process",
        "bob@other",
        "flag",
        {"alice": Sits(process=0, team=OTHER), "bob": Sits(team=OTHER)},
        flag="bob",
    ),
    Case(
        "a flag without a team, of one who is nobody: the project's team",
        "bob@crew",
        "flag",
        {"bob": Sits()},
        inside=(),
        flag="bob",
    ),
    Case(
        "a flag with a team",
        "bob@other",
        "flag",
        {"alice": here(), "bob": Sits(team=OTHER)},
        flag="bob@other",
        session="s1",
    ),
    Case("a flag does not make a replaced session current", "stale_session", "", {"alice": here(replaced=True)},
         flag="alice", session="s1"),
    Case("a flag that names no agent", "unknown_agent", "", {"alice": here()}, flag="eve", session="s1"),
)  # fmt: skip

ENVIRONMENT = (
    Case("a name of an agent without a process", "alice@crew", "env", {"alice": Sits()}, name="alice", session="s2"),
    Case("a name whose process has ended", "alice@crew", "env", {"alice": Sits("s1", process="ended")},
         name="alice", session="s2"),
    Case("a name whose process is above", "alice@crew", "env", {"alice": Sits(process=0)}, name="alice", session="s2"),
    Case("a name whose session is this one", "alice@crew", "session", {"alice": here()}, name="alice", session="s1"),
    Case("a name of an agent without a process, in the session of another agent", "bob@crew", "env",
         {"alice": here(), "bob": Sits()}, name="bob", session="s1"),
    Case("the name of another living session", "refused", "", {"alice": Sits("s1", process="elsewhere")},
         name="alice", session="s2"),
    Case("the same, in a program without a session id", "refused", "", {"alice": Sits("s1", process="elsewhere")},
         inside=("copilot",), name="alice"),
    Case("the same, in the session of another agent", "bob@crew", "session",
         {"alice": Sits("s1", process="elsewhere"), "bob": Sits("s2")}, name="alice", session="s2"),
    Case("the same, in a script or a shell outside of agent programs", "alice@crew", "env",
         {"alice": Sits("s1", process="elsewhere")}, inside=(), name="alice"),
    Case("a name that the tool of a program inherited", "refused", "", {"alice": here()},
         inside=("claude", "codex"), name="alice", session="t2", inherited="s1", pane=True),
    Case("a name from a helper process", "refused", "", {"alice": Sits("s1", process="ended")},
         inside=("pty-host", "spare"), name="alice", session="s2"),
    Case("a name from a helper process, in a session that is known", "bob@crew", "session",
         {"alice": Sits("s1", process="ended"), "bob": Sits("s2")}, inside=("pty-host", "spare"),
         name="alice", session="s2"),
    Case("a name with a team", "alice@other", "env", {"alice": Sits(team=OTHER)}, name="alice@other", session="s2"),
    Case("a name without a team, of the agent that this session is", "alice@other", "session",
         {"alice": here(team=OTHER)}, name="alice", session="s1"),
    Case("a name without a team, of the agent whose process is above", "alice@other", "env",
         {"alice": Sits(process=0, team=OTHER)}, name="alice"),
    Case("a name that no agent has", "unknown_agent", "", {"alice": here()}, name="eve", session="s1"),
    Case("a person's name, in that person's shell", "zoe@crew", "env", {"zoe": Sits(client="human")},
         inside=("sh",), name="zoe"),
    Case("a person's name, inherited by a program", "unknown_agent", "", {"zoe": Sits(client="human")},
         name="zoe", session="s2"),
    Case("a person's name, inherited by a program whose session is known", "alice@crew", "session",
         {"alice": here(), "zoe": Sits(client="human")}, name="zoe", session="s1"),
    Case("Codex's shared process has the name of its first session", "bob@crew", "session",
         {"alice": Sits(), "bob": Sits("t2", client="codex")}, inside=("app-server",), name="alice", session="t2"),
    Case("the same, in a session that is not known", "unknown_agent", "", {"alice": Sits()},
         inside=("app-server",), name="alice", session="t2"),
)  # fmt: skip

SESSION = (
    Case("the session", "alice@crew", "session", {"alice": here(), "bob": here(session="s0", process="ended")},
         session="s1"),
    Case("a session that another process resumed", "alice@crew", "session",
         {"alice": Sits("s1", process="ended")}, session="s1"),
    Case("a session that another one replaced", "stale_session", "", {"alice": here(replaced=True)}, session="s1"),
    Case("a new session of the same process, as after /clear", "alice@crew", "process",
         {"alice": Sits("s1", process=0)}, session="s2"),
    Case("a session of another team than XATS_TEAM", "unknown_agent", "", {"alice": here()},
         team=OTHER, session="s1"),
    Case("a program that an agent started, with a name of its own", "bob@crew", "session",
         {"alice": here(), "bob": Sits("t2", process=1, client="codex")},
         inside=("claude", "codex"), session="t2", inherited="s1", pane=True),
    Case("a program that an agent started, without a name of its own", "refused", "", {"alice": here()},
         inside=("claude", "codex"), session="t2", inherited="s1", pane=True),
    Case("the same, where only the outer program has a session id", "refused", "", {"alice": here()},
         inside=("claude", "copilot"), inherited="s1", pane=True),
    Case("the same program once more, with another session", "refused", "", {"alice": here()},
         inside=("claude", "claude"), session="s2", pane=True),
)  # fmt: skip

PANE = (
    Case("the pane", "alice@crew", "pane", {"alice": here()}, pane=True),
    Case("the pane of an agent without a known process", "alice@crew", "pane", {"alice": Sits(pane=True)}, pane=True),
    Case("another program in the pane, after the first has ended", "alice@crew", "pane",
         {"alice": here(process="ended")}, inside=("codex",), session="t2", pane=True),
    Case("a program with a name of its own, in a pane whose agent has ended", "bob@crew", "process",
         {"alice": here(process="ended"), "bob": Sits(process=0)}, inside=("copilot",), pane=True),
    Case("a pane whose session another one replaced", "stale_session", "", {"alice": here(replaced=True)}, pane=True),
    Case("a pane of another team than XATS_TEAM", "unknown_agent", "", {"alice": here()}, team=OTHER, pane=True),
    Case("a program in a pane where another program lives", "refused", "", {"alice": here(process="elsewhere")},
         inside=("codex",), session="t2", pane=True),
    Case("a person in the pane of a program that was suspended (Ctrl-Z)", "carol@crew", "user",
         {"alice": here(process="elsewhere")}, inside=("sh",), pane=True, pane_of=0, terminal=True),
    Case("a script in that shell", "unknown_agent", "", {"alice": here(process="elsewhere")}, inside=("sh",),
         pane=True, pane_of=0),
    Case("a process that an agent left in the background", "alice@crew", "pane", {"alice": here(process="elsewhere")},
         inside=("sh",), pane=True),
    Case("a shell that was registered", "alice@crew", "pane", {"alice": Sits(pane=True, process=0, client="generic")},
         inside=("sh",), pane=True, terminal=True),
    Case("a program in a shell that was registered", "alice@crew", "pane",
         {"alice": Sits(pane=True, process=0, client="generic")}, inside=("sh", "claude"), pane=True),
    Case("the same, where the program has a name of its own", "bob@crew", "process",
         {"alice": Sits(pane=True, process=0, client="generic"), "bob": Sits(process=1)},
         inside=("sh", "claude"), pane=True),
    Case("a program in the pane of a person", "unknown_agent", "", {"zoe": Sits(pane=True, client="human")},
         session="s2", pane=True),
    Case("a person in a pane of their own", "zoe@crew", "pane", {"zoe": Sits(pane=True, client="human")},
         inside=("sh",), pane=True, terminal=True),
)  # fmt: skip

PROCESS = (
    Case("a process above", "alice@crew", "process", {"alice": Sits(process=0)}),
    Case("a process above, from its shell", "alice@crew", "process", {"alice": Sits(process=0)},
         inside=("claude", "sh")),
    Case("a process above whose session another one replaced", "stale_session", "",
         {"alice": Sits(process=0, replaced=True)}),
    Case("another program that the process above started", "refused", "", {"alice": Sits(process=0)},
         inside=("claude", "copilot")),
    Case("a background session below the one that started it", "unknown_agent", "", {"alice": Sits(process=0)},
         inside=("claude", "pty-host", "spare"), session="s2"),
    Case("a program in the shell of a person", "unknown_agent", "", {"zoe": Sits(process=0, client="human")},
         inside=("sh", "claude")),
)  # fmt: skip

PERSON = (
    Case("a person at a terminal", "carol@crew", "user", inside=("sh",), terminal=True),
    Case("a person who came by ssh", "carol@crew", "user", inside=("sshd", "sh"), terminal=True),
    Case("a person's own shell below a program's terminal", "unknown_agent", "", inside=("copilot", "sh"),
         terminal=True),
    Case("a person whose login name is an agent's", "refused", "", {"carol": Sits(client="codex")},
         inside=("sh",), terminal=True),
    Case("cron, or a script without anything", "unknown_agent", "", inside=()),
)  # fmt: skip

TABLE = {
    "The flag (`--as`)": FLAG,
    "The environment (`XATS_AGENT`)": ENVIRONMENT,
    "The client session": SESSION,
    "The pane": PANE,
    "A process above": PROCESS,
    "A person": PERSON,
}
CASES = [case for cases in TABLE.values() for case in cases]


# -- as text -----------------------------------------------------------------------------------------------------------

WORDS = {"pty-host": "claude's helper", "spare": "background session", "app-server": "codex app-server", "sh": "shell"}


def said(case: Case) -> str:
    """Return what the environment says."""
    parts = [f"`--as {case.flag}`"] if case.flag else []
    parts += [f"`XATS_AGENT={case.name}`"] if case.name else []
    parts += [f"`XATS_TEAM={case.team}`"] if case.team else []
    ids = [one for one in (case.session, case.inherited) if one]
    parts += [f"session {' and '.join(ids)}"] if ids else []
    parts += ["pane"] if case.pane else []
    parts += ["terminal"] if case.terminal else []
    return ", ".join(parts) or "-"


def known(case: Case) -> str:
    """Return what the store knows."""
    lines = []
    for name, one in case.sits.items():
        parts = ["a person"] if one.client == "human" else []
        parts += [f"session {one.session}"] if one.session else []
        parts += ["our pane"] if one.pane else []
        if isinstance(one.process, int):
            program = case.inside[one.process]
            parts.append(f"process {WORDS.get(program, program)}")
        elif one.process:
            parts.append({"elsewhere": "lives in another process", "ended": "process ended"}[one.process])
        parts += ["replaced"] if one.replaced else []
        where = f"{name}@{one.team}" if one.team != CREW else name
        lines.append(f"{where}: {', '.join(parts) or 'no process'}")
    return "; ".join(lines) or "-"


def above(case: Case) -> str:
    """Return which programs are above, the outermost first."""
    words = " > ".join(WORDS.get(one, one) for one in case.inside) or "-"
    return f"{words} (the pane's)" if case.pane_of is not None else words


def answer(case: Case) -> str:
    """Return the answer."""
    return f"{case.answer.removesuffix('@crew')}, `{case.evidence}`" if case.evidence else f"error `{case.answer}`"


def table() -> str:
    """Return the table of all cases as Markdown."""
    lines: list[str] = []
    for title, cases in TABLE.items():
        lines += [
            f"### {title}",
            "",
            "| case | environment | store | above | answer |",
            "| --- | --- | --- | --- | --- |",
        ]
        lines += [f"| {c.title} | {said(c)} | {known(c)} | {above(c)} | {answer(c)} |" for c in cases]
        lines.append("")
    return "\n".join(lines)


if __name__ == "__main__":
    print(table())
