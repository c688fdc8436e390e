"""The verbs of client profiles: list, show, test."""

from __future__ import annotations

from xats.base import process
from xats.cli.kit import render
from xats.clients import profile, registry

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from xats.cli.kit import params
    from xats.cli.kit.context import Context
    from xats.clients.profile import Profile


def list_(here: Context) -> int:
    """List the agent programs that xats knows.

    Example: xats client list
    """
    found = [registry.find(name, here.environ) for name in registry.names(here.environ)]
    if here.json:
        render.document({"clients": [_json(one) for one in found], "has_more": False})
        return 0
    rows = [(one.name, ", ".join(one.executables), _composer(one)) for one in found]
    render.table(("CLIENT", "PROCESS", "COMPOSER"), rows, stretch=("COMPOSER",))
    return 0


def show(here: Context, name: params.ClientNameArg) -> int:
    """Show the profile of one agent program, as TOML.

    A file of your own may change any field; the first line names that file.

    Example: xats client show codex
    """
    found = registry.called(name, here.environ)
    if here.json:
        render.document({"client": _json(found)})
        return 0
    if not here.quiet:
        own = registry.folder(here.environ) or "XATS_CLIENTS"
        render.say(f"# to change a field, write it into {own}/{found.name}.toml")
    for field, value in found.__dict__.items():
        if field != "name" and value not in ((), "", 0):
            render.put(f"{field} = {_toml(value)}")
    return 0


def test(
    here: Context, pane: params.PaneArg, client: params.ClientOption = None, *, skeleton: params.ProfileOption = False
) -> int:
    """Show what xats sees in a live pane.

    It shows the state of the program, the text in its composer, and the sign that decided. With --json it also prints
    the screen; add that to a bug report. --profile prints a TOML file to complete, for a program that xats does not
    know.

    Example: xats client test %3

    Example: xats client test %3 --profile
    """
    from xats.cli.agents import seat
    from xats.clients import occupants, processes
    from xats.delivery import screens
    from xats.tmux import screen

    target = seat.pane_by_id(here, pane)
    front = occupants.in_front(target)
    nearest = processes.nearest(front)
    name = registry.called(client, here.environ).name if client else nearest[1] if nearest else "generic"
    look = screen.look(target)
    written = None
    if skeleton:
        from xats.clients.skeleton import skeleton as text

        written = text(look, front, here.environ)
        if not here.json:
            render.put(written.rstrip("\n"))
            return 0
    known = registry.find(name, here.environ)
    seen = profile.view(known, look)
    if seen.state == "idle" and (sign := screens.unlike_a_prompt(known, target, look)):
        seen = profile.View("unknown", seen.text, sign)
    if here.json:
        cursor = {"x": look.cursor_x, "y": look.cursor_y}
        view = {"pane": pane, "client": name, "state": seen.state, "composer": seen.text, "evidence": seen.evidence}
        render.document({**view, "title": look.title, "cursor": cursor, "screen": look.screen, "profile": written})
        return 0
    held = "none" if seen.text is None else repr(seen.text)
    rows = (("client", name), ("state", seen.state), ("composer", held), ("evidence", seen.evidence))
    render.table(("", ""), [*rows, ("title", look.title), ("cursor", f"{look.cursor_x},{look.cursor_y}")])
    if front and all(process.is_shell(one.name) for one in front) and not here.quiet:
        render.say("  a shell is in the foreground, so xats types nothing")
    return 0


def _composer(one: Profile) -> str:
    if one.frame:
        return f"framed by {one.frame}"
    return "begins with " + " or ".join(repr(glyph) for glyph in one.prompts) if one.prompts else ""


def _json(one: Profile) -> dict[str, Any]:
    return dict(one.__dict__)


def _toml(value: object) -> str:
    from xats.base.jsontext import to_json

    return to_json(value)  # lists of texts, texts and numbers are the same in both
