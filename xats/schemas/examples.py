"""A few texts that a pattern matches, to try on other schemas. They are likely to match, not certain to."""

from __future__ import annotations

from xats.schemas import chars
from xats.schemas.regex import Back, Choice, Group, Repeat, Sequence, Set, Unreadable, read

TYPE_CHECKING = False
if TYPE_CHECKING:
    from xats.schemas.chars import Chars
    from xats.schemas.regex import Node

LONGEST = 200  # characters
COMMON = "a0-_ .:/@Zé"  # of the characters of a large set, what people write


def examples(pattern: str) -> list[str]:
    """Return texts that probably match `pattern`: as short as they can be, and longer or otherwise."""
    try:
        tree = read(pattern)
        return list(dict.fromkeys(_text(tree.root, variant, tree.names, {})[:LONGEST] for variant in range(4)))
    except (Unreadable, RecursionError):
        return []


def _text(node: Node, variant: int, names: dict[str, int], captured: dict[int, str]) -> str:
    """Return a text for `node`; `variant` is how often to repeat and which option to take."""
    if isinstance(node, Set):
        return _one(node.chars, variant)
    if isinstance(node, Sequence):
        return "".join(_text(each, variant, names, captured) for each in node.parts)
    if isinstance(node, Choice):
        return _text(node.options[variant % len(node.options)], variant, names, captured)
    if isinstance(node, Group):
        captured[node.number] = _text(node.inner, variant, names, captured)
        return captured[node.number]
    if isinstance(node, Repeat):
        most = node.fewest + variant if node.most is None else min(node.most, node.fewest + variant)
        return (_text(node.inner, variant, names, captured) * min(most, LONGEST))[:LONGEST] if most else ""
    if isinstance(node, Back):
        return captured.get(node.group if isinstance(node.group, int) else names[node.group], "")
    return ""


def _one(some: Chars, variant: int) -> str:
    """Return a character of a set: an end of one of its ranges, or of a large set a common one."""
    if not some:
        return ""
    if some[-1][1] == chars.LAST:
        common = [char for char in COMMON if chars.has(some, char)]
        return common[0] if common else chr(some[0][0])
    low, high = some[variant % len(some)]
    return chr(high if variant > 1 else low)
