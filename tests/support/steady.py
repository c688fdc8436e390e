"""What a text says on a machine of any speed."""

import re


def ages(text: str) -> str:
    """Return `text` with "just now" for each age of some seconds."""
    return re.sub(r"\b\d+ s ago", "just now", text)


def unfolded(text: str) -> str:
    """Return `text`, which a terminal has folded, as one line; see `ages`."""
    return ages(" ".join(text.split()))
