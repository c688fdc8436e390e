"""Generated parts of pages that are otherwise written by hand.

A part stands between two comments, `<!-- begin NAME -->` and `<!-- end NAME -->`.
"""

from __future__ import annotations

import re

PART = re.compile(r"(<!-- begin (\w+) -->\n).*?(<!-- end \2 -->\n)", re.DOTALL)


def fill(page: str, text: str, wanted: dict[str, str]) -> str:
    """Return `text`, that of the file `page`, with the parts `wanted` ({name: text}) in it.

    Raises SystemExit if the page lacks the comments of a part.
    """
    missing = set(wanted) - {name for _, name, _ in PART.findall(text)}
    if missing:
        raise SystemExit(f"{page}: there is no <!-- begin {missing.pop()} --> with its end")
    return PART.sub(lambda found: f"{found[1]}{wanted[found[2]]}{found[3]}", text)
