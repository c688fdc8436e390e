"""The verbs for trying xats out: demo, demo-agent."""

from __future__ import annotations

from xats.cli import render
from xats.core.address import check_name
from xats.errors import TmuxUnavailable, XatsError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from xats.cli import params
    from xats.cli.here import Here


def demo(here: Here) -> int:
    """Show two agents writing to each other in a private tmux server.

    It takes about 15 seconds, uses a store of its own, and leaves nothing behind.

    Example: xats demo
    """
    import shutil

    from xats.demo import play

    del here
    if shutil.which("tmux") is None:
        msg = "The demonstration needs tmux, which is not installed."
        raise TmuxUnavailable(msg, "install tmux, for instance: apt-get install tmux, or brew install tmux")
    try:
        play.run()
    except play.Failed as problem:
        msg = f"The demonstration failed: {problem}."
        raise XatsError(msg) from problem
    render.put("\nTry it yourself: xats demo-agent bob in one tmux pane, xats send bob hello in another.")
    return 0


def demo_agent(here: Here, name: params.NameArg, *, role: params.OwnRoleOption = None) -> int:
    """Be a small agent in this pane: it reads its mail when it is woken.

    It needs no model. Give it the place of a coding agent to see what xats does.

    Example: xats demo-agent bob
    """
    from xats.demo import agent

    del here
    return agent.run(check_name(name), role)
