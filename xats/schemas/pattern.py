r"""Patterns of ECMA-262 run by Python's `re`: each is written anew in Python's syntax.

Python reads other syntax (`\Z`, `(?P<a>)`), and reads some of the same otherwise (`$`, `.`, `\d`, `\s`, `\B`). Also, a
reference to a group that has captured nothing matches the empty text in ECMA-262, where every repetition forgets what
the one before has captured; in Python it does not match. What Python cannot do in the same way is refused.
"""

from __future__ import annotations

import re
from functools import cache

from xats.base.errors import Uncheckable
from xats.schemas import chars
from xats.schemas.guard import OutOfTime
from xats.schemas.regex import Back, Choice, Edge, Group, Look, Repeat, Sequence, Set, Unreadable, read
from xats.schemas.text import short

TYPE_CHECKING = False
if TYPE_CHECKING:
    from xats.schemas.chars import Chars
    from xats.schemas.regex import Node, Tree

    Way = tuple[tuple[int, int, Node], ...]  # the nodes around a node: identity, of a choice the option, and the node

EDGES = {"^": r"\A", "$": r"\Z", "\\b": r"\b", "\\B": r"(?:(?<=\w)(?=\w)|(?<!\w)(?!\w))"}
EMPTY, NEVER, ANY = "(?:)", "(?!)", "(?s:.)"


def search(source: str, text: str) -> bool:
    """Tell whether the pattern `source` matches anywhere in `text`.

    Raises Unreadable for no pattern, Uncheckable when the search takes too long (see `guard`).
    """
    pattern = compiled(source)
    try:
        return pattern.search(text) is not None
    except OutOfTime as late:
        msg = (
            f"The pattern {short(source)} takes more than {late.seconds:g} seconds on a text of {len(text)} characters."
        )
        raise Uncheckable(msg) from None


@cache
def compiled(source: str) -> re.Pattern[str]:
    """Return the pattern `source` for Python. Raises Unreadable."""
    try:
        return re.compile(_Writer(read(source)).text(), re.ASCII)
    except (re.error, OverflowError, RecursionError) as error:
        raise Unreadable(0, f"Python cannot run it: {error}") from None


def inside(node: Node) -> tuple[Node, ...]:
    """Return the nodes right inside `node`."""
    if isinstance(node, Sequence):
        return node.parts
    if isinstance(node, Choice):
        return node.options
    return (node.inner,) if isinstance(node, (Group, Look, Repeat)) else ()


class _Writer:
    """Writes one tree in Python's syntax."""

    def __init__(self, tree: Tree) -> None:
        self._tree = tree
        self._around: dict[int, Way] = {}  # what is around each group that was seen
        self._backs: dict[int, int | None] = {}  # identity of a reference: its group; None where it is always empty
        self._kept: list[int] = []  # the groups that have to be remembered
        self._visit(tree.root, ())

    def text(self) -> str:
        """Return the whole pattern."""
        return self._write(self._tree.root)

    # -- references to groups ------------------------------------------------------------------------------------------

    def _visit(self, node: Node, way: Way) -> None:
        """Decide on the references in `node`, from left to right."""
        if isinstance(node, Back):
            self._refer(node, way)
        for option, each in enumerate(inside(node)):
            step = (id(node), option if isinstance(node, Choice) else 0, node)
            self._visit(each, way if isinstance(node, Sequence) else (*way, step))
        if isinstance(node, Group) and node.number:
            self._around[node.number] = way

    def _refer(self, back: Back, way: Way) -> None:
        """Note which group `back` repeats, if that can have captured anything where `back` stands."""
        if any(isinstance(node, Look) and not node.ahead for *_, node in way):
            raise Unreadable(back.at, "a reference to a group inside (?<= ) or (?<! ) is not supported")
        number = back.group if isinstance(back.group, int) else self._tree.names[back.group]
        around = self._around.get(number)
        self._backs[id(back)] = None
        if around is None:  # the group ends further right
            return
        shared = 0
        while way[shared : shared + 1] == around[shared : shared + 1] != ():
            shared += 1
        between = [node for *_, node in around[shared:]]  # around the group, but not around the reference
        other_option = way[shared : shared + 1] and between and way[shared][0] == id(between[0])
        if other_option or any(isinstance(node, Look) and not node.wanted for node in between):
            return
        optional = any(isinstance(node, (Choice, Repeat)) for node in between)
        if optional and any(isinstance(node, Repeat) and node.most != 1 for *_, node in around):
            reason = "a reference to a group that is repeated, or that a repetition may skip, is not supported"
            raise Unreadable(back.at, reason)
        if number not in self._kept:
            self._kept.append(number)
        self._backs[id(back)] = number

    # -- the rest ------------------------------------------------------------------------------------------------------

    def _write(self, node: Node) -> str:
        if isinstance(node, Set):
            return _set(node.chars)
        if isinstance(node, Edge):
            return EDGES[node.sign]
        if isinstance(node, Sequence):
            return "".join(map(self._write, node.parts))
        if isinstance(node, Choice):
            return "|".join(map(self._write, node.options))
        if isinstance(node, Group):
            return f"({'' if node.number in self._kept else '?:'}{self._write(node.inner)})"
        if isinstance(node, Repeat):
            return self._write(node.inner) + _quantifier(node)
        if isinstance(node, Look):
            return self._look(node)
        assert isinstance(node, Back)
        number = self._backs[id(node)]
        if number is None:
            return EMPTY
        number = sorted(self._kept).index(number) + 1
        return f"(?({number})\\{number}|)"

    def _look(self, node: Look) -> str:
        sign = "=" if node.wanted else "!"
        if node.ahead:
            return f"(?{sign}{self._write(node.inner)})"
        options = node.inner.options if isinstance(node.inner, Choice) else (node.inner,)
        for each in options:
            least, most = _width(each)
            if least != most:
                raise Unreadable(node.at, "a look behind at texts of different lengths is not supported")
        # Python wants one length for all, so each option gets its own.
        looks = [f"(?<{sign}{self._write(each)})" for each in options]
        return f"(?:{'|'.join(looks)})" if node.wanted else "".join(looks)


def _set(some: Chars) -> str:
    others = chars.complement(some)
    if not some or not others:
        return ANY if some else NEVER
    if len(some) == 1 and some[0][0] == some[0][1]:
        return _escaped(some[0][0])
    sign, ranges = ("^", others) if len(others) < len(some) else ("", some)
    parts = [_escaped(low) if low == high else f"{_escaped(low)}-{_escaped(high)}" for low, high in ranges]
    return f"[{sign}{''.join(parts)}]"


def _escaped(code: int) -> str:
    """Return one character so that Python reads it as itself, in a class and outside."""
    if code < 0x80 and chr(code).isalnum():
        return chr(code)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def _quantifier(node: Repeat) -> str:
    most = "" if node.most is None else node.most
    count = {(0, ""): "*", (1, ""): "+", (0, 1): "?"}.get((node.fewest, most), f"{{{node.fewest},{most}}}")
    return count + "?" * node.lazy


def _width(node: Node) -> tuple[int, int | None]:
    """Return how many characters a text that `node` matches has at least and, if there is a limit, at most."""
    if isinstance(node, Set):
        return 1, 1
    if isinstance(node, (Edge, Look, Back)):
        return 0, 0
    widths = [_width(each) for each in inside(node)]
    fewest, most = [least for least, _ in widths], [high for _, high in widths]
    if isinstance(node, Choice):
        return min(fewest), None if None in most else max(each for each in most if each is not None)
    least = sum(fewest)
    high = None if None in most else sum(each for each in most if each is not None)
    if not isinstance(node, Repeat):
        return least, high
    return least * node.fewest, 0 if high == 0 else None if high is None or node.most is None else high * node.most
