"""The overview in words: one screen, with the commands that come next; and the short help where there is nothing."""

from __future__ import annotations

from xats.base.durations import ago
from xats.cli.kit import fit, hints
from xats.cli.kit.render import bold, dim, one_line, width
from xats.cli.kit.views import near

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from xats.cli.kit.context import Context
    from xats.cli.overview.verb import Overview

SENDERS = 4  # of unread mail that are named
REQUESTS = 2  # of each kind that are shown
NEEDS = 5  # agents that are shown
NARROW = 60  # columns below which the next commands stand without their explanation
ABOUT = "xats: mail for the coding agents in your terminals, and for you beside them."


def short_help(here: Context) -> Iterator[str]:
    """Yield the lines of the short help: three examples, and where the full help is."""
    yield _fold(ABOUT)
    yield ""
    yield from _commands(
        [
            (here.command("setup"), "add hooks, and register the agents that run"),
            (here.command("launch", "claude", "--name", "bob"), "start an agent in this pane"),
            (here.command("send", "bob", "The parser is ready"), "send mail"),
        ]
    )
    yield ""
    yield f"All commands: {here.command('--help')}"


def screen(here: Context, found: Overview) -> Iterator[str]:
    """Yield the lines of the overview `found`, as wide as the terminal."""
    yield _fold(_who(found))
    if found.me:
        yield _fold(_unread(found))
        if found.shown:
            yield _fold(f"{found.shown} shown before, perhaps not seen: {fit.whole(here.command('inbox', '--again'))}")
        yield from _owed(here, found)
        yield from _awaited(found)
        if found.mine and found.mine.locks:
            listed = fit.whole(here.command("lock", "list", "--mine"))
            yield _fold(f"You have locked {_counted(found.mine.locks, 'file')}: {listed}")
    yield from _turns(found)
    yield from _team(here, found)
    if not here.quiet:
        yield ""
        yield bold("next:")
        yield from _commands(_next(here, found))


def _who(found: Overview) -> str:
    if found.me:
        agent = found.me.agent
        kind = "" if agent.client == "human" else f" ({agent.client})"
        other = f"; this is team {found.team}" if agent.team != found.team else ""
        return f"You are {bold(agent.name)}{kind} in team {bold(agent.team)}{other}."
    if found.person:
        who = f"You are {bold(found.person)} in team {bold(found.team)}, not registered yet."
        return f"{who} The first mail that you send or read registers you."
    why = one_line(str(found.problem)) if found.problem else ""
    return f"Team {bold(found.team)}. xats does not know who you are: {why}"


def _unread(found: Overview) -> str:
    count = sum(one.count for one in found.unread)
    if not count:
        return "No unread mail."
    names = [f"{one.count} from {near(one.sender, found.team)}" for one in found.unread[:SENDERS]]
    if rest := found.unread[SENDERS:]:
        names.append(f"{sum(one.count for one in rest)} from {_counted(len(rest), 'other')}")
    oldest = ago(min(one.oldest_at for one in found.unread), found.now)
    said = "sent" if count == 1 else "the oldest sent"
    return f"{bold(f'{count} unread')}, {said} {oldest}: {', '.join(names)}."


def _owed(here: Context, found: Overview) -> Iterator[str]:
    if not found.owed_count:
        return
    yield _fold(bold(f"You owe {_counted(found.owed_count, 'reply')}:"))
    for one in found.owed[:REQUESTS]:
        sender = near(one.sender, found.team)
        yield _row(f"#{one.id} from {sender}, {ago(one.sent_at, found.now)}: {one_line(one.about)}")
    yield from _rest(found.owed_count - REQUESTS, here.command("inbox", "--owed"))


def _awaited(found: Overview) -> Iterator[str]:
    if not found.awaited_count:
        return
    yield _fold(bold(f"You wait for {_counted(found.awaited_count, 'reply')}:"))
    for one in found.awaited[:REQUESTS]:
        recipient = near(one.recipient, found.team)
        yield _row(f"#{one.id} to {recipient}, {ago(one.sent_at, found.now)}, {one.state}: {one_line(one.about)}")
    yield from _rest(found.awaited_count - REQUESTS)


def _turns(found: Overview) -> Iterator[str]:
    if not found.turns:
        return
    from xats.cli.turns.lines import line

    me = found.me.agent.address if found.me else None
    for one in found.turns:
        text = line(one, found.now, found.team, me)
        yield _fold(bold(text) if me in (one.turn.holder, one.turn.offered_to) else text)


def _team(here: Context, found: Overview) -> Iterator[str]:
    if found.paused:
        why = f": {one_line(found.paused.reason)}" if found.paused.reason else ""
        by = near(found.paused.by, found.team)
        yield _fold(f"The whole team is {bold('paused')} by {by} {ago(found.paused.at, found.now)}{why}")
    if not found.others:
        yield f"{'Nobody else is' if found.me else 'No agents'} in this team."
        return
    online = sum(state.online for _, state in found.others)
    count = _counted(len(found.others), "other agent" if found.me else "agent")
    if not found.needs:
        yield _fold(f"{count}, {online} online; no agent waits for you.")
        return
    waits = "waits" if len(found.needs) == 1 else "wait"
    yield _fold(f"{count}, {online} online; {bold(f'{len(found.needs)} {waits} for you or cannot be woken')}:")
    names = [near(one.details.agent.address, found.team) for one in found.needs[:NEEDS]]
    widest = min(max(map(len, names)), 20)
    for name, one in zip(names, found.needs, strict=False):
        yield _row(f"{name:<{widest}}  {one.words}")
    yield from _rest(len(found.needs) - NEEDS, here.command("agents"))


def _next(here: Context, found: Overview) -> Sequence[tuple[str, str]]:
    """Return the commands that come next, each with what it does."""
    kinds = {one.kind: one.details.agent for one in reversed(found.needs)}  # the first of each kind stays
    rows = []
    if found.unread:
        rows.append((here.command("inbox"), "read your mail"))
    if found.owed:
        first = found.owed[0]
        rows.append((here.command("reply", first.id, hints.TEXT), f"answer {near(first.sender, found.team)}"))
    elif found.awaited and not found.unread:
        rows.append((here.command("status", found.awaited[0].id), "see what became of your request"))
    if "given_up" in kinds:
        rows.append((here.command("dead", "list"), "see why mail was given up, and retry it"))
    if stopped := kinds.get("stopped") or kinds.get("paused"):
        rows.append((here.command("resume", near(stopped.address, here.team)), "let it be woken again"))
    elif found.paused:
        rows.append((here.command("resume", "all"), "let the team be woken again"))
    if found.others:
        rows.append((here.command("top"), "watch the team"))
    else:
        rows.append((here.command("setup"), "add hooks, and register the agents that run"))
    if found.others and not rows[:-1]:
        name = near(found.others[0][0].agent.address, here.team)
        rows.insert(0, (here.command("send", name, hints.TEXT), "send mail"))
    return [*rows[:4], (here.command("--help"), "all commands")]


# -- lines -------------------------------------------------------------------------------------------------------------


def _commands(rows: Sequence[tuple[str, str]]) -> Iterator[str]:
    """Yield a line for each command in `rows`, with what it does where all of them have room."""
    columns = width() or 80
    widest = max(len(command) for command, _ in rows)
    room = columns >= NARROW and widest + max(len(about) for _, about in rows) + 5 < columns
    for command, about in rows:
        yield f"  {command:<{widest}}   {dim(about)}" if room else f"  {command}"


def _rest(left: int, command: str = "") -> Iterator[str]:
    """Yield the line that says how many more there are, and the `command` that shows them."""
    if left > 0:
        yield _fold(f"  and {left} more{f': {fit.whole(command)}' if command else ''}")


def _row(text: str) -> str:
    return f"  {fit.cut(text, max((width() or 80) - 3, 20))}"


def _fold(text: str) -> str:
    return fit.prose(text, (width() or 80) - 1, "  ")


def _counted(count: int, what: str) -> str:
    plural = f"{what[:-1]}ies" if what.endswith("y") else f"{what}s"
    return f"{count} {what if count == 1 else plural}"
