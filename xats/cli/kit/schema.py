"""The verb that describes the JSON of the others: schema."""

from __future__ import annotations

from xats.base.errors import NotFound
from xats.cli.kit import render

TYPE_CHECKING = False
if TYPE_CHECKING:
    from xats.cli.kit import params
    from xats.cli.kit.context import Here


def schema(here: Here, verb: params.VerbArg = None, word: params.SecondVerbArg = None) -> int:
    """Print the JSON Schema of what a verb prints with --json.

    Without a verb: the schemas of all verbs, of a failure (printed on stderr), and of every kind of JSON Lines.

    Example: xats schema inbox

    Example: xats schema daemon status
    """
    from xats.cli import models
    from xats.cli.models import published

    del here
    if verb is None:
        render.document(published.of_all())
        return 0
    path = f"{verb} {word}" if word else verb
    if path not in models.DOCUMENTS:
        msg = f"xats {path} prints no JSON."
        raise NotFound(msg, f"one of: {', '.join(models.DOCUMENTS)}")
    render.put(render.json_line(published.of_verb(path)))  # a form of others, so it has no version of ours
    return 0
