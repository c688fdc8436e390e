"""Write the table of docs/events.md: every type of event, and what it reports."""

from __future__ import annotations

import parts

from xats.core.events import TYPES


def page(text: str) -> str:
    """Return `text`, that of docs/events.md, with its table written anew."""
    rows = [f"| `{type_}` | {what} |" for type_, what in TYPES.items()]
    table = "\n".join(["| type | what happened |", "| --- | --- |", *rows, ""])
    return parts.fill("docs/events.md", text, {"types": table})
