"""The verb that starts an agent program: launch. Its process becomes that program (execve)."""

from __future__ import annotations

import os

from xats.base import calling, occupancy
from xats.base.errors import NameTaken, Refused, Usage
from xats.cli.agents import program
from xats.cli.kit import render
from xats.cli.teams import membership
from xats.core.agents import agents, registration
from xats.core.crews import starts
from xats.crews import starting
from xats.store.sqlite.paths import exists

TYPE_CHECKING = False
if TYPE_CHECKING:
    from xats.base.pane import Pane
    from xats.cli.kit import params
    from xats.cli.kit.context import Context
    from xats.clients.profile import Profile
    from xats.core.agents.registration import Registered
    from xats.core.crews.starts import Start
    from xats.hooks.launch import Launch
    from xats.store import Tx

LABELS = (
    "the command does not set --role, --tag, --cap, --model and --wake: the agent sets them with xats register NAME"
)


def launch(
    here: Context,
    client: params.LaunchClientArg,
    args: params.LaunchArgsArg = None,
    *,
    name: params.LaunchNameOption = None,
    role: params.OwnRoleOption = None,
    tag: params.TagOption = None,
    cap: params.CapOption = None,
    model: params.ModelOption = None,
    wake: params.WakeByOption = None,
    takeover: params.TakeoverOption = False,
    writable_store: params.WritableOption = False,
    only_print: params.PrintOption = False,
    window: params.WindowOption = False,
    split: params.SplitOption = False,
    session: params.SessionOption = None,
    cwd: params.CwdOption = None,
    worktree: params.WorktreeOption = False,
    branch: params.BranchOption = None,
    prompt: params.PromptOption = None,
    env: params.EnvOption = None,
    resume: params.ContinueOption = None,
    start: params.StartFileOption = None,
) -> int:
    """Start an agent program, registered and with its hooks: in this pane, or in a place of its own.

    The process of xats becomes the program, so the exit code is the program's. The hooks are for this launch alone;
    xats changes no settings file. It says so if the program takes no hooks for one launch, or has them already.
    In tmux what it says stays on your screen for five seconds or until you press a key; the program starts meanwhile.
    Arguments after -- go to the program unchanged.

    With --window, --split or --session, the program gets a new tmux pane, and you stay where you are. xats waits up to
    30 seconds until the program is ready. If it shows a dialog, such as whether you trust the folder, xats says so and
    exits with 4: the program runs, and you answer in its pane. End it with: xats down NAME

    The setting crew.by_agents says what an agent may start in a place of its own. By default, an agent may start the
    agents of a crew file that a person trusts, exactly as that file says: without other arguments and options.

    With --worktree, the program runs in a git worktree of its own, .worktrees/NAME, on the branch xats/NAME. If the
    agent has one, it is used again.

    Example: xats launch claude --name alice --role reviewer

    Example: xats launch codex --name bob --window --prompt 'Review the last commit'

    Example: xats launch claude --name amy --window --worktree

    Example: xats launch codex -- resume --last

    Example: xats launch claude --print
    """
    if start:
        from xats.cli.crews import arrive

        return arrive.arrive(start)
    from xats.cli.agents.register import check
    from xats.cli.crews import options

    place = options.place(window=window, split=split, session=session)
    if only_print and (place != "pane" or cwd):
        msg = f"--print is for this pane and this folder, without --{'cwd' if cwd else place}."
        raise Usage(msg, f"xats launch {client} --print")
    if here.json and place == "pane" and not only_print:
        msg = "--json needs --print: without it the program prints its own output."
        raise Usage(msg, f"xats launch {client} --print --json")
    check(name=name, role=role, tag=tag, cap=cap, wake=wake)
    found = program.profile(client, here.environ)
    by_agent = False
    if place != "pane":
        from xats.cli.crews import agreement

        own = (args, role, tag, cap, model, wake, worktree, branch, cwd, prompt, env, resume, writable_store)
        allowed = agreement.by_agent(here, name, found.name, extra=any(own))
        if allowed.entry and allowed.crew:
            from xats.cli.crews import members

            return members.launch(here, allowed.crew, allowed.entry, place, session)
        by_agent = allowed.agent
    first = options.prompt(here, prompt)
    more = options.variables(env)
    if worktree or branch is not None:
        options.can_have_worktree(name, only_print=only_print)
    if takeover and place != "pane":
        msg = "--takeover is for a program in this pane."
        raise Usage(msg, "end the other program first: xats down NAME")
    options.enter(cwd, place)
    runs = program.find_program(found, here.environ)
    words, typed = options.arguments(found, args or [], resume, first)
    tree: dict[str, str | None] = {}
    if name and (worktree or branch is not None):  # last, as it is the only one that makes something
        if place == "pane":
            _refuse_inside(here, _pane(here))
        tree = options.worktree(here, name, found, branch, place)
    wanted = registration.Changes(
        role=role,
        client=found.name,
        model=model,
        tags=tuple(tag) if tag else None,
        capabilities=tuple(cap) if cap else None,
        wake_by=agents.chosen_wake_by(wake),
    )
    if place != "pane" and not only_print:
        from xats.cli.crews import start as crews
        from xats.cli.crews import together

        return crews.start(
            here,
            together.Wanted(
                profile=found,
                arguments=tuple(words),
                changes=wanted,
                name=name,
                where=crews.where(here, place, session),
                folder=os.getcwd(),
                writable=writable_store,
                variables=more,
                by_agent=by_agent,
                prompt=typed,
                tree=tree,
            ),
        )
    how = program.plan(here, found, runs, words, writable=writable_store, variables=more)
    pane = _pane(here)
    if only_print:
        if role or tag or cap or model or wake:
            from xats.hooks.launch import with_notes

            how = with_notes(how, LABELS)
        return _print(here, _would_be(here, name, found, pane), how)
    _refuse_inside(here, pane)
    path = calling.path_for(here.environ, login=program.in_login_shell(found.name))
    seat = program.own_seat(here, pane)
    new = starting.new(found.name, "pane", os.getcwd(), pending=bool(typed), **tree)
    if typed and pane is None:
        msg = f"{found.name} takes no first prompt as an argument, and without a tmux pane xats can type none."
        raise Usage(msg, "start it in tmux, or leave --prompt out")
    if typed:
        from xats.crews import startfile

        startfile.write(here.environ, new.token, {"prompt": typed})
    agreed = membership.agree(here)

    def work(tx: Tx) -> tuple[Registered, bool]:
        team, called = program.whom(here, tx, name, found, pane)
        membership.join(here, tx, team, agreed=agreed)
        known = agents.find(tx, team, called)
        mine = _holds_above(here, tx, team, called)
        taken = takeover or mine
        done = registration.register(
            tx, team, called, wanted, seat, lambda one: occupancy.holds(one.seat), xats_path=path, takeover=taken
        )
        starts.begin(tx, done.details.agent, new, lambda one, age: _is_over(one, age, done, taken=taken))
        starts.use(tx, new.token, starting.own_process(), pane)
        return done, known is not None and known.expected

    program.write_files(how)
    try:
        done, waited = here.store.write(work)
    except NameTaken as problem:
        raise NameTaken(str(problem), "take another --name, or say --takeover", **problem.data) from problem
    program.forget_files(here, how)
    return program.become(here, done, how, new.token, waited=waited)


def _is_over(one: Start, age: int, done: Registered, *, taken: bool) -> bool:
    """Tell whether the start `one`, of that age in ms, has ended; this launch may have `taken` the place of its own."""
    return (taken and one.agent.id == done.details.agent.id) or starting.is_over(one, age)


# -- who, and where ----------------------------------------------------------------------------------------------------


def _pane(here: Context) -> Pane | None:
    from xats.tmux import pane as panes

    return panes.here(here.environ)


def _refuse_inside(here: Context, pane: Pane | None) -> None:
    """Refuse a launch as a tool call of an agent: that agent already has the seat, and a second program would not."""
    from xats.clients import sessions

    above = here.circumstances.program()
    if above:
        msg = f"{above[1]} (pid {above[0].pid}) already occupies this pane and started this command."
    elif sessions.inside_agent(here.environ) and not (
        pane and pane.pane_pid in (os.getpid(), *(one.pid for one in here.circumstances.ancestors()))
    ):  # the shell of a pane has these variables too if an agent has started the tmux server
        found = next(name for name in (*sessions.SESSION_IDS, *sessions.MARKS) if here.environ.get(name))
        msg = f"This looks like a tool call inside an agent program (found {found})."
    else:
        return
    raise Refused(msg, "start it in a pane of its own: tmux split-window xats launch ...")


def _holds_above(here: Context, tx: Tx, team: str, name: str) -> bool:
    """Tell whether the agent's process is above this one, as the shell is in which it was registered."""
    known = agents.find(tx, team, name)
    session = agents.current_session(tx, known) if known else None
    if session is None or session.seat.process is None or not occupancy.living(session.seat):
        return False
    return here.circumstances.works_for(session.seat.process)


# -- printing ----------------------------------------------------------------------------------------------------------


def _would_be(here: Context, name: str | None, found: Profile, pane: Pane | None) -> str:
    """Return the agent that would be launched, as name@team; change nothing. Raises StoreError."""
    from xats.store.sqlite import inspect

    if exists(here.path):
        team, called = inspect.snapshot(here.path, lambda tx: program.whom(here, tx, name, found, pane))
    else:
        said, called = program.asked(here, name) or (None, f"{found.name.partition('-')[0]}-1")
        team = said or here.team
    return f"{called}@{team}"


def _print(here: Context, address: str, how: Launch) -> int:
    """Print the commands for a shell: those that write the files, then the program with its environment."""
    added, foreign = program.environment(here, address, how)
    if here.json:
        files = [{"path": path, "text": text} for path, text in how.files]
        said = {"agent": address, "command": how.words, "environment": added, "removed": foreign, "files": files}
        render.document({**said, "hooks": how.hooks, "notes": how.notes})
        return 0
    from shlex import join, quote

    lines = []
    for path, text in how.files:
        lines.append(f"mkdir -p -m 700 {quote(os.path.dirname(path))}")
        lines.append(f"cat > {quote(path)} << 'END OF FILE'\n{text.rstrip(chr(10))}\nEND OF FILE")
    words = ["env", *(word for one in foreign for word in ("-u", one))] if foreign else []
    pairs = [f"{one}={quote(value)}" for one, value in added.items()]
    lines.append(" ".join((*words, *pairs, join(how.words))))
    shown = "\n".join(lines)
    render.put(render.visible(shown) if render.on_terminal() else shown)
    if not here.quiet:
        for note in how.notes:
            render.note(note)
    return 0
