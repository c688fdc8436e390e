"""The verbs for trying xats out: demo, demo-agent."""

from __future__ import annotations

from xats.base.errors import Usage, XatsError
from xats.cli.kit import render
from xats.core.address import check_name
from xats.tmux.errors import TmuxTooOld, TmuxUnavailable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from xats.cli.kit import params
    from xats.cli.kit.context import Context


def demo(here: Context) -> int:
    """Show two agents writing to each other in a private tmux server.

    It takes about 15 seconds, uses its own store, and removes everything at the end.

    Example: xats demo
    """
    from xats.cli.kit.progress import Progress
    from xats.demo import play
    from xats.tmux import server

    try:
        version = server.version()
    except TmuxUnavailable as problem:
        msg = f"The demo needs tmux: {problem}."
        raise TmuxUnavailable(msg, "install tmux, such as: apt-get install tmux, or: brew install tmux") from problem
    if server.too_old(version):
        msg = f"The demo needs tmux 3.2 or newer; this is tmux {version}."
        raise TmuxTooOld(msg, "install tmux 3.2 or newer")
    try:
        play.run(Progress)
    except play.Failed as problem:
        msg = f"The demo failed: {problem}."
        raise XatsError(msg) from problem
    render.put(
        f"\nTry it yourself. In one tmux pane:\n  {here.command('demo-agent', 'bob')}\n"
        f"In another:\n  {here.command('send', 'bob', 'hello')}"
    )
    return 0


def demo_agent(
    here: Context,
    name: params.DemoNameArg = None,
    *,
    role: params.OwnRoleOption = None,
    works: params.WorksOption = False,
    log: params.DemoLogOption = None,
) -> int:
    """Be a small agent in this pane: it reads its mail when it is woken.

    It needs no model. Use it in place of a coding agent to see what xats does. With --works it also does tasks, as the
    prompts of xats up --example tell an agent: for each task it writes a file and commits that. It begins with the
    first prompt or wake.

    Example: xats demo-agent bob

    Example: xats demo-agent bob --role worker --works
    """
    from xats.demo import agent
    from xats.demo.commands import Me

    me = here.environ.get("XATS_AGENT", "").partition("@")[0] if name is None else check_name(name)
    if not me:
        msg = "A demo agent needs a name. Nothing was started."
        raise Usage(msg, here.command("demo-agent", "bob"))
    return agent.run(Me(me, role, registered=name is None, works=works, log=log))
