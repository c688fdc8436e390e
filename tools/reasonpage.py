"""Write the table of docs/waking.md: every reason, what it means, and what ends it."""

from __future__ import annotations

import parts

from xats.cli.help.reasons import EXPLAINED


def page(text: str) -> str:
    """Return `text`, that of docs/waking.md, with its table written anew."""
    rows = [f"| `{code}` | {one.meaning} | {one.does} | {one.ends} |" for code, one in EXPLAINED.items()]
    head = ["| reason | meaning | what xats does | what ends it |", "| --- | --- | --- | --- |"]
    return parts.fill("docs/waking.md", text, {"reasons": "\n".join([*head, *rows, ""])})
