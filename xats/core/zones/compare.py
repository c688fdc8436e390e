"""Compare two patterns: whether they have files in common, and whether one contains the other.

The answers are exact, over all paths of any length: each pattern becomes a finite automaton, and a path is a list of
names that are not empty, "." or "..". A comparison that would take too long is refused (PatternTooComplex); only long
patterns with many stars and sets need that.
"""

from __future__ import annotations

from xats.core.zones.errors import PatternTooComplex
from xats.core.zones.patterns import ANY, AT_ANY_DEPTH, LAST, SLASH, STAR, Chars, other_than

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
    from typing import TypeVar

    from xats.core.zones.patterns import Pattern, Ranges, Sign

    State = TypeVar("State", bound=Hashable)

MOST = 20_000  # states of both automata that a comparison may visit
READABLE = tuple(map(ord, "axyz019_AXYZ-"))  # the characters that an example has if it may
NAMED = other_than(()).ranges
SLASHES = ((SLASH, SLASH),)
EVERYTHING = ((1, LAST),)
DOT = ord(".")

# The states of a path while it is read.
AT_NAME, IN_NAME, AFTER_DOT, AFTER_TWO, NO_PATH = range(5)


def common(one: Pattern, other: Pattern) -> str | None:
    """Return a shortest path that both patterns match, None if there is none. Raises PatternTooComplex."""
    if apart(one.prefix, other.prefix):
        return None
    first, second = _Automaton(one), _Automaton(other)
    signs = _signs(first, second)
    moves, also = first.moves(signs), second.moves(signs)

    def follow(states: tuple[int, int], number: int) -> Iterable[tuple[int, int]]:
        return ((a, b) for a in moves[states[0]][number] for b in also[states[1]][number])

    def ends(states: tuple[int, int]) -> bool:
        return states[0] in first.accepting and states[1] in second.accepting

    return _shortest((0, 0), signs, follow, ends, (one, other))


def outside(outer: Pattern, inner: Pattern) -> str | None:
    """Return a shortest path that `inner` matches and `outer` does not, None if `outer` contains `inner`.

    Raises PatternTooComplex.
    """
    around, inside = _Automaton(outer), _Automaton(inner)
    signs = _signs(around, inside)
    moves, others = inside.moves(signs), around.moves(signs)

    def follow(states: tuple[int, frozenset[int]], number: int) -> Iterable[tuple[int, frozenset[int]]]:
        reached = moves[states[0]][number]
        behind = frozenset(there for state in states[1] for there in others[state][number]) if reached else frozenset()
        return ((here, behind) for here in reached)

    def ends(states: tuple[int, frozenset[int]]) -> bool:
        return states[0] in inside.accepting and not states[1] & around.accepting

    return _shortest((0, frozenset((0,))), signs, follow, ends, (outer, inner))


def _shortest(
    start: State,
    signs: Sequence[int],
    follow: Callable[[State, int], Iterable[State]],
    ends: Callable[[State], bool],
    compared: tuple[Pattern, Pattern],
) -> str | None:
    """Return the shortest path that leads from `start` to where it may end, or None.

    `follow` returns the states after a state and the sign with that number. Raises PatternTooComplex.
    """
    first = (AT_NAME, start)
    before: dict[tuple[int, State], tuple[tuple[int, State], int] | None] = {first: None}
    todo = [first]
    for at in todo:
        path, state = at
        if path == IN_NAME and ends(state):
            return _spelled(before, at)
        for number, sign in enumerate(signs):
            if (reached := _read(path, sign)) == NO_PATH:
                continue
            for there in follow(state, number):
                if (new := (reached, there)) not in before:
                    before[new] = (at, sign)
                    todo.append(new)
        if len(todo) > MOST:
            one, other = compared
            msg = (
                f"xats cannot compare the patterns {one.text!r} and {other.text!r}: they have too many stars and sets."
            )
            raise PatternTooComplex(msg, "write simpler patterns, such as folders", patterns=[one.text, other.text])
    return None


def _spelled(before: Mapping[State, tuple[State, int] | None], at: State) -> str:
    """Return the path that led to the state `at`."""
    found = []
    while step := before[at]:
        at, sign = step
        found.append(chr(sign))
    return "".join(reversed(found))


def apart(first: str, second: str) -> bool:
    """Tell whether patterns with these prefixes begin with different folders, so that no file matches both."""
    if not first or not second or first.startswith(AT_ANY_DEPTH) or second.startswith(AT_ANY_DEPTH):
        return False
    return not (f"{first}/".startswith(f"{second}/") or f"{second}/".startswith(f"{first}/"))


def _read(path: int, sign: int) -> int:
    """Return the state of a path in the state `path` after the character `sign`."""
    if sign == SLASH:
        return AT_NAME if path == IN_NAME else NO_PATH
    if sign == DOT and path in (AT_NAME, AFTER_DOT):
        return AFTER_DOT if path == AT_NAME else AFTER_TWO
    return IN_NAME


def _signs(*automata: _Automaton) -> list[int]:
    """Return one character of each class that the automata tell apart, a letter where the class has one."""
    edges = {1, SLASH, SLASH + 1, DOT, DOT + 1}
    for one in automata:
        for steps in one.steps:
            for ranges, _ in steps:
                edges.update(edge for low, high in ranges for edge in (low, high + 1))
    lows = sorted(edge for edge in edges if edge <= LAST)
    highs = [*(low - 1 for low in lows[1:]), LAST]
    return [_readable(low, high) for low, high in zip(lows, highs, strict=True)]


def _readable(low: int, high: int) -> int:
    return next((code for code in READABLE if low <= code <= high), low)


class _Automaton:
    """A pattern as an automaton without empty steps. It begins in state 0."""

    def __init__(self, pattern: Pattern) -> None:
        self.steps: list[list[tuple[Ranges, int]]] = [[]]
        here = 0
        for at, name in enumerate(pattern.names):
            last = at == len(pattern.names) - 1
            if name == ANY and not last:
                inside = self._step(here, NAMED)
                self._add(inside, NAMED, inside)
                self._add(inside, SLASHES, here)
                continue
            here = self._name(here, (STAR,) if isinstance(name, str) else name)
            if not last:
                here = self._step(here, SLASHES)
        below = self._step(self._step(here, SLASHES), EVERYTHING)
        self._add(below, EVERYTHING, below)
        self.accepting = frozenset(() if pattern.files else (below,)) | frozenset(() if pattern.folders else (here,))

    def moves(self, signs: Sequence[int]) -> list[list[tuple[int, ...]]]:
        """Return for each state and each of `signs` the states that follow."""
        return [
            [tuple(there for ranges, there in steps if _has(ranges, sign)) for sign in signs] for steps in self.steps
        ]

    def _name(self, here: int, name: tuple[Sign, ...]) -> int:
        """Add the steps for one name, which has at least one character, and return the state after it."""
        if name == (STAR,):
            here = self._step(here, NAMED)
            self._add(here, NAMED, here)
            return here
        for sign in name:
            if sign is STAR:
                self._add(here, NAMED, here)
            else:
                here = self._step(here, sign.ranges if isinstance(sign, Chars) else ((ord(sign), ord(sign)),))
        return here

    def _add(self, here: int, ranges: Ranges, there: int) -> None:
        self.steps[here].append((ranges, there))

    def _step(self, here: int, ranges: Ranges) -> int:
        """Add a step from `here` to a new state, and return that."""
        self.steps.append([])
        self._add(here, ranges, len(self.steps) - 1)
        return len(self.steps) - 1


def _has(ranges: Iterable[tuple[int, int]], sign: int) -> bool:
    return any(low <= sign <= high for low, high in ranges)
