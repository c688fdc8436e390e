"""The arguments of an agent program: its own, those that continue a session, and its first prompt."""

from __future__ import annotations

from xats.base.errors import InvalidBody, Usage

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from xats.clients.profile import Profile

LEFT = "Nothing was started."


def arguments(
    known: Profile, words: Sequence[str], session: str | None, first: str | None
) -> tuple[list[str], str | None]:
    """Return the arguments of the program, and the first prompt if it must be typed.

    `session` is the one to continue, `first` the first prompt. Raises Usage where the program cannot continue one.
    """
    made = list(words)
    if session is not None:
        if not known.resume:
            msg = f"xats does not know how {known.name} continues a session. {LEFT}"
            raise Usage(msg, "give its own arguments after --")
        if session[:1] == "-" or not session.isprintable() or not session:
            msg = f"--resume needs the id of a session, not {session[:80]!r}. {LEFT}"
            raise Usage(msg, f"xats launch {known.name} --resume ID")
        made = [*(session if word == "{id}" else word for word in known.resume.split()), *made]
    takes_prompt = bool(known.first_prompt) and (session is None or known.resume_takes_prompt)
    if first is not None and not takes_prompt:
        from xats.delivery import poke

        if reason := poke.unfit(known, first):
            msg = f"The first prompt cannot be typed into {known.name}: {poke.WORDS[reason]}. {LEFT}"
            raise InvalidBody(msg, "use other words")
    if first is None or not takes_prompt:
        return made, first
    # A program takes one word such as `update` for a command of its own, and a dash for an option.
    text = f" {first}" if first[0] == "-" or not any(map(str.isspace, first)) else first
    more = known.first_prompt.split()
    if "--" in made and more[0] == "--":
        more = more[1:]
    return [*made, *(text if word == "{prompt}" else word for word in more)], None
