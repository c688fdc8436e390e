"""A program that does not exist. As xats/clients/made_up.py, this file is all that xats has to know of it."""

from __future__ import annotations

import os

from xats.base.record import replace
from xats.clients.model import Client, Hook, Hooks, Profile

TYPE_CHECKING = False
if TYPE_CHECKING:
    from xats.clients.model import Json
    from xats.core.agents.agents import Session
    from xats.delivery.transports import Request, Result
    from xats.hooks.launch import Kit, Launch

NAME = "made-up-inbox"
RESTS = False


def reach(session: Session) -> str | None:
    """Return its inbox, a file in the folder that the test names."""
    folder = os.environ.get("MADE_UP_INBOX")
    return os.path.join(folder, f"{session.seat.client_session}.inbox") if folder else None


def deliver(request: Request) -> Result:
    """Write the line into the file."""
    from xats.delivery.transports import Delivered, Skipped

    path, text = reach(request.session), request.line()
    if path is None or text is None:
        return Skipped("already_read")
    with open(path, "a", encoding="utf-8") as file:
        file.write(f"{text}\n")
    return Delivered(path)


def add(event: str, text: str) -> Json:
    """Return the answer that adds `text`."""
    return {"at": event, "note": text}


def go_on(text: str) -> Json:
    """Return the answer by which a turn goes on."""
    return {"again": text}


def launch(start: Launch, kit: Kit) -> Launch:
    """Give it its hooks by an option."""
    return replace(start, words=(start.words[0], "--hooks", kit.settings(), *start.words[1:]), hooks="launch")


CLIENT = Client(
    Profile(
        "made-up",
        executables=("made-up",),
        scripts=("made-up",),
        prompts=("made> ",),
        dialog=("Really?",),
        bracketed_paste=True,
        install="true",
    ),
    title="Made Up",
    hooks=Hooks(
        "made-up",
        variable="MADE_UP_HOME",
        inner="",
        default=".made-up",
        user="hooks.json",
        project=".made-up/hooks.json",
        form="flat",
        events=(Hook("session start", "begin"), Hook("prompt", "ask"), Hook("turn end", "rest", "all")),
        command="execute",
        timeout="",
        typed=False,
        add=add,
        go_on=go_on,
    ),
    session_variable="MADE_UP_SESSION",
    marks=("MADE_UP",),
    launch=launch,
    inbox="xats.clients.made_up",
)
