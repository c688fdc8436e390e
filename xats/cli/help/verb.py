"""The verb that explains: help."""

from __future__ import annotations

import textwrap

from xats.base.errors import NotFound
from xats.cli.help.reasons import EXPLAINED
from xats.cli.help.topics import TOPICS
from xats.cli.kit import render
from xats.cli.kit.verbs import GROUPS, VERBS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from xats.cli.kit import params
    from xats.cli.kit.context import Context

# What the short words of the table in docs/waking.md mean.
DOES = {
    "retried": "The daemon retries on a schedule (XATS_LADDER).",
    "retried, watched": "The daemon retries on a schedule (XATS_LADDER), and as soon as the obstacle is gone.",
    "retried soon outside the ladder, watched": "The daemon retries soon, and uses no attempt of the schedule for it.",
    "waits for the hook, watched": "The wake waits for the agent's next hook, or for the end of its turn.",
    "suspended": "The wake has no next attempt until the target is back. The mail stays unread.",
    "ended": "The wake has ended.",
    "failed": "The wake has failed. The mail stays unread: xats dead list.",
    "never opened": "No wake is opened for this mail. It stays in the inbox.",
    "held": "The wake waits for the end of the pause.",
    "poke only": "Only xats poke gives this reason: it types nothing.",
}
WIDEST, NARROWEST = 100, 30  # columns of the text
TERM = 18  # columns of the longest term beside which its meaning stands


def help_(here: Context, words: params.SubjectArg = None) -> int:
    """Print the help of a verb, a topic or a reason code.

    The topics are waking, addresses, exit-codes, errors, environment and scripting. A reason code says why a wake
    waits, such as not_quiet; xats status prints it. An error code, such as unknown_agent, is what a failure prints with
    --json.

    Example: xats help send

    Example: xats help waking

    Example: xats help not_quiet
    """
    asked = [word for word in " ".join(words or ()).split() if word != "xats"]
    kind, name = found(asked)
    columns = max(min(render.width() or 80, WIDEST) - 1, NARROWEST)
    if kind == "reason":
        text = "\n".join(_reason(name, columns))
    elif kind == "error":
        text = "\n".join(_error(name, columns))
    elif kind == "topic":
        text = "\n".join(_topic(name, columns))
    else:
        from xats.cli.kit import tree

        text = tree.help_of(name)
    if here.json:
        render.document({"kind": kind, "name": name, "text": text})
    else:
        render.put(text)
    return 0


def found(words: Sequence[str]) -> tuple[str, str]:
    """Return the kind and the name of what `words` name. Raises NotFound, which names the nearest subject."""
    path = " ".join(words).lower()
    if not path:
        return "overview", ""
    if path in VERBS or path in GROUPS:
        return "verb" if path in VERBS else "group", path
    if (name := path.replace(" ", "-").replace("_", "-")) in TOPICS:
        return "topic", name
    if (code := path.replace(" ", "_").replace("-", "_")) in EXPLAINED:
        return "reason", code
    from xats.cli.help.failures import by_code

    if code in by_code():
        return "error", code
    msg = f"There is no verb, topic or reason {path!r}."
    raise NotFound(msg, _nearest(path))


def _nearest(path: str) -> str:
    """Return the hint for `path`, which names nothing."""
    from difflib import get_close_matches

    from xats.cli.kit import hints

    if (meant := hints.synonym((), path)) in VERBS:
        return f"did you mean xats help {meant}?"
    known = {one.replace("_", " "): one for one in (*EXPLAINED, *TOPICS, *GROUPS, *VERBS)}
    near = get_close_matches(path.replace("_", " "), known, 1)
    return f"did you mean xats help {known[near[0]]}?" if near else f"the topics are {', '.join(TOPICS)}; xats --help"


def _topic(name: str, columns: int) -> Iterator[str]:
    topic = TOPICS[name]
    yield from _folded(topic.summary, columns)
    for paragraph in topic.text:
        yield ""
        yield from _folded(paragraph, columns)
    if rows := [*topic.rows, *(topic.find_rows() if topic.find_rows else ())]:
        yield ""
        yield from _listed(rows, columns)


def _reason(code: str, columns: int) -> Iterator[str]:
    from xats.core.waking.reasons import words

    about = EXPLAINED[code]
    yield from _folded(f"{code}: {words(code)}.", columns)
    yield ""
    rows = (
        ("meaning", about.meaning),
        ("what xats does", DOES.get(about.does, about.does)),
        ("what ends it", about.ends),
    )
    yield from _listed([(term, _plain(text)) for term, text in rows if text != "-"], columns)
    yield ""
    yield from _folded("To see it for a message: xats status ID. How waking works: xats help waking.", columns)


def _error(code: str, columns: int) -> Iterator[str]:
    from xats.cli.help.facts import EXITS
    from xats.cli.help.failures import by_code, meaning

    about = by_code()[code]
    sentence, todo = meaning(about)
    yield from _folded(f"{code}: {sentence}", columns)
    yield ""
    rows = [("exit code", f"{about.exit}: {dict(EXITS)[about.exit]}")]
    yield from _listed([*rows, *([("what to do", todo)] if todo else [])], columns)


def _plain(text: str) -> str:
    return text.replace("`", "")


def _folded(text: str, columns: int, first: str = "", later: str = "") -> Iterable[str]:
    return textwrap.wrap(
        text, columns, initial_indent=first, subsequent_indent=later, break_long_words=False, break_on_hyphens=False
    )


def _listed(rows: Sequence[tuple[str, str]], columns: int) -> Iterator[str]:
    """Yield `rows` of terms and meanings: beside each other, or below each other where a term is long."""
    widest = max(len(term) for term, _ in rows)
    indent = " " * (4 if widest > min(TERM, columns // 2) else widest + 4)
    for term, meaning in rows:
        if len(indent) > 4:
            yield from _folded(meaning, columns, f"  {term:<{widest}}  ", indent)
        else:
            yield from _folded(term, columns, "  ", "  ")
            yield from _folded(meaning, columns, indent, indent)
