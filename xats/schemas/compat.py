"""Does one schema accept whatever another accepts? Yes only with a proof; no only with reason; else nobody knows.

A proof takes the limits of the second one by one and derives each from the first. Where that fails, values at the
edges of both are tried on the schemas themselves (`witness`): one that tells them apart is the answer no. Recursive
schemas end because a question that is open already is taken as answered with yes, provided that the value got smaller
since: that is induction over the depth of the value, which is finite.
"""

from __future__ import annotations

import itertools
import math

from xats.schemas.flat import Flat, Part, around, of_items, of_property, speaks_of
from xats.schemas.pattern import compiled
from xats.schemas.schema import KNOWN, NAMED, ONE, SEVERAL
from xats.schemas.text import seal
from xats.schemas.witness import Witnesses

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from typing import Final, Literal

    from xats.schemas.flat import Conj
    from xats.schemas.schema import Node, Schema
    from xats.schemas.text import Json

    Verdict = Literal["compatible", "breaking", "unknown"]
    Question = tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...], bool]
    Answer = tuple[Verdict, tuple[Json, ...]]  # the answer, and to a no at most one value that shows it
    Failure = tuple[Verdict, Iterable[Json]]  # NO or UNKNOWN for one limit, and values worth trying

YES: Final = "compatible"
NO: Final = "breaking"
UNKNOWN: Final = "unknown"
EFFORT = 200_000  # questions; beyond it nothing more is decided
MOST = 80  # values that are tried on one limit
TRIES = 30_000  # values that are tried; beyond it no more are looked for
WIDEST = 64  # alternatives that are looked at one by one
ALWAYS = {"", "^", ".*", "^.*"}  # patterns that any text matches
NOTHING_MORE: Answer = (UNKNOWN, ())
PROVEN: Answer = (YES, ())


class Prover:
    """Answers for one pair of schemas. Not `strict`: nobody uses a name of which a schema does not speak."""

    def __init__(self, strict: bool) -> None:
        self.strict = strict
        self.hard = self if strict else Prover(strict=True)  # for what stands under a negation
        self.witness = Witnesses(self)
        self._parts: dict[tuple[int, int], Part] = {}
        self._made: dict[tuple[int, str, object], dict[str, Json]] = {}
        self._flats: dict[tuple[int, ...], Flat] = {}
        self._steady: dict[object, bool] = {}
        self._seals: dict[int, int | None] = {}
        self._sealed: dict[object, int] = {}
        self._answers: dict[Question, tuple[Answer, float]] = {}
        self._open: dict[Question, tuple[int, int]] = {}
        self._levels: list[int] = []  # of each open question, how far down in the value it asks
        self._tentative: list[Question] = []  # answered yes, leaning on open questions
        self._lowest = math.inf  # the oldest open question on which the present answer leans
        self._level = 0
        self._beside: Conj = ()  # schemas that may hold for the present value, beside those that do
        self._left = EFFORT
        self.tries = TRIES
        self.seeking = True  # whether a no is worth looking for
        self._around: dict[object, list[tuple[Schema, dict[str, Json]]]] = {}
        self._someone: Schema | None = None  # any schema, to belong to for what refers to nothing

    # -- several schemas for one value ---------------------------------------------------------------------------------

    def conj(self, pairs: Iterable[tuple[Schema, Node]]) -> Conj:
        """Return the parts that say that all of `pairs` hold."""
        parts = {}
        for whole, node in pairs:
            self._someone = whole
            node = whole.followed(node)  # noqa: PLW2901 - however many refer to it, it is one
            if node is not True:
                part = self._parts.get((id(whole), id(node)))
                if part is None:
                    part = self._parts[id(whole), id(node)] = Part(whole, node, len(self._parts))
                parts[part.number] = part
        return tuple(parts[number] for number in sorted(parts))

    def negation(self, whole: Schema, node: Node) -> tuple[Schema, Node]:
        """Return the schema that says that `node` does not hold."""
        return whole, self._made.setdefault((id(whole), "not", id(node)), {"not": node})

    def narrow(self, a: Conj, keyword: str, word: str) -> Conj:
        """Return `a` for the values of one type, or for the objects that have one property."""
        assert self._someone is not None
        made = self._made.setdefault((0, keyword, word), {keyword: [word]})
        return self.add(a, (self._someone, made))

    def add(self, a: Conj, *pairs: tuple[Schema, Node]) -> Conj:
        """Return the parts that say that `a` and all of `pairs` hold."""
        return self.conj([*((part.whole, part.node) for part in a), *pairs])

    def flat(self, a: Conj) -> Flat:
        """Return the limits of `a`."""
        key = _key(a)
        if key not in self._flats:
            self._flats[key] = Flat(a, self.identity)
        return self._flats[key]

    def identity(self, whole: Schema, node: Node) -> object:
        """Return what two schemas share only when they say the same."""
        sealed = self.seal(whole, node)
        return id(node) if sealed is None else (sealed,)

    def child(self, flat: Flat, name: str) -> Conj:
        """Return what holds for the property `name` of an object."""
        return self.conj((shape.whole, node) for shape in flat.shapes for node in shape.of(name))

    def item(self, flat: Flat, index: int) -> Conj:
        """Return what holds for the item `index` of an array."""
        return self.conj((whole, first[index] if index < len(first) else rest) for whole, first, rest in flat.items)

    def accepts(self, a: Conj, value: Json) -> bool | None:
        """Tell by the library whether all of `a` accept `value`; None when it cannot tell."""
        known: bool | None = True
        for part in a:
            try:
                if not part.whole.validator(part.node).is_valid(value):
                    return False
            except RecursionError:
                known = None
        return known

    def is_name(self, flat: Flat, name: str) -> bool:
        """Tell whether an object of `flat` may have a property `name`, as far as its name goes."""
        return self.accepts(self.conj(flat.names), name) is not False

    # -- the question --------------------------------------------------------------------------------------------------

    def sub(self, a: Conj, b: Conj) -> Answer:
        """Tell whether every value that `a` accepts is one that `b` accepts."""
        if any(part.whole.opaque for part in (*a, *b)):
            return NOTHING_MORE
        if a and b:
            seen = self.flat(a).seen
            b = tuple(part for part in b if self.identity(part.whole, part.node) not in seen)
        if not b:
            return PROVEN
        key = (_key(a), _key(b), _key(self._beside), self.seeking)
        if key in self._answers:
            answer, lowest = self._answers[key]
            if lowest == math.inf or self._level > self._levels[int(lowest)]:
                self._lowest = min(self._lowest, lowest)
                return answer
        if key in self._open:
            level, index = self._open[key]
            if self._level <= level:
                return NOTHING_MORE
            self._lowest = min(self._lowest, index)
            return PROVEN
        self._left -= 1
        return self._ask(key, a, b) if self._left > 0 else NOTHING_MORE

    def _ask(self, key: Question, a: Conj, b: Conj) -> Answer:
        """Answer a new question, and keep the answer for as long as what it leans on holds."""
        index, outer, self._lowest = len(self._levels), self._lowest, math.inf
        start = len(self._tentative)
        self._open[key] = (self._level, index)
        self._levels.append(self._level)
        answer = NOTHING_MORE
        try:
            answer = self._answer(a, b)
        finally:
            del self._open[key]
            self._levels.pop()
            lowest = self._lowest if self._lowest < index and answer[0] == YES else math.inf
            self._answers[key] = (answer, lowest)
            if answer[0] != YES:  # what leaned on a yes is unproven again
                for each in self._tentative[start:]:
                    self._answers.pop(each, None)
                del self._tentative[start:]
            elif lowest == math.inf:
                self._answers.update((each, (PROVEN, math.inf)) for each in self._tentative[start:])
                del self._tentative[start:]
            else:
                self._tentative.append(key)
                for each in self._tentative[start:]:
                    self._answers[each] = (PROVEN, min(lowest, self._answers[each][1]))
            self._lowest = min(outer, lowest)
        return answer

    def certain(self, a: Conj, b: Conj) -> bool:
        """Tell whether it is certain that `b` accepts every value of `a`; nobody wants to see one that it does not."""
        outer, self.seeking = self.seeking, False
        try:
            return self.sub(a, b)[0] == YES
        finally:
            self.seeking = outer

    def proves(self, a: Conj, b: Conj, below: bool = False) -> bool:
        """Tell whether that is certain even strictly; `below` says that the question is of a part of the value."""
        hard = self.hard
        hard._level += below
        try:
            return hard.certain(self._hardly(a), self._hardly(b))
        finally:
            hard._level -= below

    def below(self, a: Conj, b: Conj, beside: Conj = ()) -> Answer:
        """Ask the same of a property or an item, of which the schemas `beside` speak too."""
        outer, self._beside = self._beside, beside
        self._level += 1
        try:
            return self.sub(a, b)
        finally:
            self._level -= 1
            self._beside = outer

    def _answer(self, a: Conj, b: Conj) -> Answer:
        if self.empty(a):
            return PROVEN
        mine, other = self.flat(a), self.flat(b)
        values = self.witness.all_of(mine)
        if values is not None:
            found = [(self.accepts(a, each), self.accepts(b, each), each) for each in values]
            shown = [value for one, two, value in found if one and two is False]
            if shown:
                return NO, (shown[0],)
            return PROVEN if all(one is False or two for one, two, _ in found) else NOTHING_MORE
        failed = False
        certain = False
        tried: set[object] = set()
        if self.seeking and self.certain(a, b):
            return PROVEN
        for verdict, tries in self._failures(a, mine, other):
            failed = True
            certain = certain or verdict == NO
            if not self.seeking:
                break
            if verdict == NO and mine.plain and mine.large:
                return NO, ()
            for value in itertools.islice(tries, MOST):
                self.tries -= 1
                if self.tries < 0 or _again(value, tried):
                    continue
                if self.accepts(b, value) is False and self.accepts(a, value):
                    return NO, (value,)
        if not failed:
            return PROVEN
        answer = self._split(a, mine, b)
        return (NO, ()) if answer == NOTHING_MORE and certain and mine.plain else answer

    def _split(self, a: Conj, mine: Flat, b: Conj) -> Answer:
        """Take the alternatives in `a` one by one."""
        for whole, branches in (*mine.any, *mine.one):
            if len(branches) <= WIDEST:
                return _worst(self.sub(self.add(a, (whole, each)), b) for each in branches)
        for whole, each in mine.ifs:
            yes = self.add(a, (whole, each["if"]), (whole, each["then"]))
            no = self.add(a, self.negation(whole, each["if"]), (whole, each["else"]))
            return _worst(self.sub(side, b) for side in (yes, no))
        return NOTHING_MORE

    # -- nothing at all ------------------------------------------------------------------------------------------------

    def empty(self, a: Conj) -> bool:
        """Tell whether it is certain that `a` accepts no value."""
        return self._steadily(("empty", _key(a)), lambda: self._is_empty(a, self.flat(a)), meanwhile=False)

    def _steadily(self, key: object, find: Callable[[], bool], meanwhile: bool) -> bool:
        """Return what `find` returns, and keep it; who asks meanwhile gets what proves nothing."""
        found = self._steady.get(key)
        if found is None:
            self._steady[key] = meanwhile
            outer, self.hard._lowest = self.hard._lowest, math.inf
            found = find()
            if self.hard._lowest == math.inf or found is meanwhile:
                self._steady[key] = found
            else:  # a proof that leans on an open question is good for now only
                del self._steady[key]
            self.hard._lowest = min(outer, self.hard._lowest)
        return found

    def _is_empty(self, a: Conj, flat: Flat) -> bool:
        if flat.values is not None:
            return all(self.accepts(a, each) is False for each in flat.values)
        if not any(self._possible(kind, flat) for kind in flat.types):
            return True
        for whole, branches in (*flat.any, *flat.one):
            if len(branches) <= WIDEST and all(self.empty(self.add(a, (whole, each))) for each in branches):
                return True
        rest = tuple(part for part in a if isinstance(part.node, bool) or part.node.keys() != {"not"})
        return any(self.proves(rest, self.conj([each])) for each in flat.nots)

    def _hardly(self, a: Conj) -> Conj:
        """Return `a` for the strict prover."""
        return a if self.strict else self.hard.conj((part.whole, part.node) for part in a)

    def _possible(self, kind: str, flat: Flat) -> bool:
        """Tell whether a value of this type may be within the limits: no is certain."""
        return self._steadily(("possible", id(flat), kind), lambda: self._is_possible(kind, flat), meanwhile=True)

    def _is_possible(self, kind: str, flat: Flat) -> bool:
        if kind == "number":
            low, high = flat.bounds()
            return low[0] < high[0] or (low[0] == high[0] and not low[1] and not high[1])
        if kind in flat.sizes:
            fewest, most = flat.sizes[kind]
            if kind == "object":
                fewest = max(fewest, len(flat.required))
                if any(self.empty(self.child(flat, name)) or not self.is_name(flat, name) for name in flat.required):
                    return False
            if kind == "array":
                most = min(most, self._items_at_most(flat))
            return fewest <= most
        return True

    def apart(self, a: Conj, *pairs: tuple[Schema, Node]) -> bool:
        """Tell whether it is certain that no value of `a` is accepted by all of `pairs`."""
        return self.empty(self.add(a, *pairs))

    # -- limit by limit ------------------------------------------------------------------------------------------------

    def _failures(self, a: Conj, mine: Flat, other: Flat) -> Iterator[Failure]:
        """Yield the limits of `other` that do not follow from `mine`."""
        extra = mine.types - other.types
        for kind in sorted(extra):
            if self._possible(kind, mine):
                yield NO, self.witness.samples(a, kind)
        if other.values is not None:
            yield NO, self.witness.samples(a)
        both = {kind for kind in mine.types & other.types if self._possible(kind, mine)}
        if "number" in both:
            yield from self._numbers(mine, other)
        for kind in ("string", "array", "object"):
            if kind in both:
                yield from self._sizes(kind, a, mine, other)
        if "string" in both and not _meanings(other.patterns - ALWAYS) <= _meanings(mine.patterns):
            yield UNKNOWN, self.witness.strings(mine, other)
        if "array" in both:
            yield from self._arrays(a, mine, other)
        if "object" in both:
            yield from self._objects(a, mine, other)
        yield from self._alternatives(a, mine, other)

    def _numbers(self, mine: Flat, other: Flat) -> Iterator[Failure]:
        (low, high), (other_low, other_high) = mine.bounds(), (other.low, other.high)
        inside = low >= other_low and (high[0], not high[1]) <= (other_high[0], not other_high[1])
        steps = other.step is None or (mine.step is not None and mine.step % other.step == 0)
        if not (inside and steps):
            yield UNKNOWN, self.witness.numbers(mine, other)

    def _sizes(self, kind: str, a: Conj, mine: Flat, other: Flat) -> Iterator[Failure]:
        fewest, most = mine.sizes[kind]
        if kind == "object":
            fewest = max(fewest, len(mine.required))
            most = min(most, self._names_at_most(mine))
        if kind == "array":
            most = min(most, self._items_at_most(mine))
        if (fewest < other.sizes[kind][0] or most > other.sizes[kind][1]) and fewest <= most:
            if kind == "string":
                yield UNKNOWN, self.witness.strings(mine, other)
            else:
                sure = kind == "array" and not mine.contains and not mine.unique
                yield NO if sure else UNKNOWN, self.witness.sized(a, mine, kind, other.sizes[kind])

    def _names_at_most(self, flat: Flat) -> float:
        """Return how many properties an object can have when all but some names are forbidden."""
        for shape in flat.shapes:
            if not shape.patterns and self.empty(self.conj([(shape.whole, shape.rest)])):
                return sum(not self.empty(self.child(flat, name)) for name in shape.named)
        return math.inf

    def _items_at_most(self, flat: Flat) -> float:
        return next((n for n in range(flat.prefix + 1) if self.empty(self.item(flat, n))), math.inf)

    def _arrays(self, a: Conj, mine: Flat, other: Flat) -> Iterator[Failure]:
        most = min(mine.sizes["array"][1], self._items_at_most(mine))
        if other.items:
            for index in range(int(min(max(mine.prefix, other.prefix) + 1, most))):
                answer = self.below(self.item(mine, index), self.item(other, index), self._beside_item(a))
                if answer[0] != YES:
                    verdict = UNKNOWN if mine.contains or mine.unique else answer[0]
                    yield verdict, self.witness.with_item(a, mine, index, answer[1])
        if other.unique and not mine.unique and most > 1:
            yield UNKNOWN, self.witness.twins(a, mine)
        for whole, node, fewest, many in other.contains:
            yield from self._contains(a, mine, self.conj([(whole, node)]), (fewest, many), most)

    def _contains(self, a: Conj, mine: Flat, wanted: Conj, limits: tuple[int, float], most: float) -> Iterator[Failure]:
        every = all(self.proves(self.item(mine, n), wanted, below=True) for n in range(mine.prefix + 1))
        enough = limits[0] == 0 or (every and mine.sizes["array"][0] >= limits[0])
        few = most <= limits[1]
        for whole, node, fewest, many in mine.contains:
            held = self.conj([(whole, node)])
            enough = enough or (fewest >= limits[0] and self.proves(held, wanted, below=True))
            few = few or (many <= limits[1] and self.proves(wanted, held, below=True))
        if not (enough and few):
            yield UNKNOWN, self.witness.counted(a, mine, wanted, limits)

    def _objects(self, a: Conj, mine: Flat, other: Flat) -> Iterator[Failure]:
        for name in sorted(other.required - mine.required):
            yield NO, self.witness.without(a, mine, name)
        if other.shapes:
            yield from self._properties(a, mine, other)
        if other.names:
            yield from self._names(a, mine, other)
        for name, others in other.with_required.items():
            if name not in other.required and not others <= mine.required and self.may_have(a, mine, name):
                held = self.flat(self._having(a, name))
                missing = others - held.required
                if missing:
                    yield NO, self.witness.without(self._having(a, name), held, *missing)
        for name, whole, node in other.with_schema:
            if self.may_have(a, mine, name):
                answer = self.sub(self._having(a, name), self.conj([(whole, node)]))
                if answer[0] != YES:
                    yield answer

    def _having(self, a: Conj, name: str) -> Conj:
        """Return `a` for the objects that have the property `name`."""
        return self.narrow(self.narrow(a, "required", name), "type", "object")

    def may_have(self, a: Conj, flat: Flat, name: str) -> bool:
        """Tell whether an object of `a` may have the property `name`."""
        return (
            not self.empty(self.child(flat, name))
            and self.is_name(flat, name)
            and not self.apart(self._having(a, name))
        )

    def _properties(self, a: Conj, mine: Flat, other: Flat) -> Iterator[Failure]:
        names = {name for shape in other.shapes for name in shape.named}
        rest = any(shape.patterns or shape.rest is not True for shape in other.shapes)
        if rest:
            names |= {name for shape in mine.shapes for name in shape.named} | mine.required
        for name in sorted(names):
            answer = self.property(a, mine, other, name)
            if answer[0] != YES and self.may_have(a, mine, name):
                yield answer[0], self.witness.with_property(a, mine, name, answer[1])
        if rest:
            yield from self._other_properties(a, mine, other, names)

    def property(self, a: Conj, mine: Flat, other: Flat, name: str) -> Answer:
        """Ask the same of the property `name` of an object of `a`."""
        child, wanted = self.child(mine, name), self.child(other, name)
        answer = self.below(child, wanted, self._beside_property(a, name)) if wanted else PROVEN
        if answer[0] == YES or not self.is_name(mine, name):
            return PROVEN
        return answer if self.strict or self._speaks_of(a, name) else PROVEN

    # -- names that nobody uses, unless strict -------------------------------------------------------------------------

    def _speakers(self, a: Conj) -> list[tuple[Schema, dict[str, Json]]]:
        """Return all schemas that have to do with the same value as `a`, whether they hold or not."""
        key = (_key(a), _key(self._beside))
        if key not in self._around:
            self._around[key] = list(around([*a, *self._beside]))
        return self._around[key]

    def _speaks_of(self, a: Conj, name: str) -> bool:
        return any(speaks_of(whole, node, name) for whole, node in self._speakers(a))

    def _beside_property(self, a: Conj, name: str | None) -> Conj:
        """Return the schemas that may hold for a property; for one that has no schema of its own, `name` is None."""
        if self.strict:
            return ()
        return self.conj((whole, each) for whole, node in self._speakers(a) for each in of_property(node, name))

    def _beside_item(self, a: Conj) -> Conj:
        if self.strict:
            return ()
        return self.conj((whole, each) for whole, node in self._speakers(a) for each in of_items(node))

    def _other_properties(self, a: Conj, mine: Flat, other: Flat, names: set[str]) -> Iterator[Failure]:
        """Yield where the names that neither side spells out may have values that `other` refuses."""
        rest = self.conj((shape.whole, shape.rest) for shape in mine.shapes)
        # Such a name falls under one of these patterns at least, or else under the rest: each alone has to be enough.
        always = [(shape.whole, shape.rest) for shape in mine.shapes if not shape.patterns]
        sources = {text: self.conj([*mine.under(text), *always]) for shape in mine.shapes for text in shape.patterns}
        for shape in other.shapes:
            for text, node in shape.patterns.items():
                held = [sources[text]] if text in sources else [rest, *sources.values()]
                answer = self._each_below(a, held, self.conj([(shape.whole, node)]), bool(sources))
                if answer[0] != YES:
                    yield UNKNOWN, self.witness.with_other(a, mine, text, names, answer[1])
            held = [each for text, each in sources.items() if text not in shape.patterns]
            answer = self._each_below(a, [rest, *held], self.conj([(shape.whole, shape.rest)]), bool(sources))
            if answer[0] != YES:
                for text in ("", *sources):
                    yield (UNKNOWN if sources else answer[0]), self.witness.with_other(a, mine, text, names, answer[1])

    def _each_below(self, a: Conj, held: list[Conj], wanted: Conj, partly: bool) -> Answer:
        """Ask whether each of `held` alone, which may be only a part of what holds, is enough for `wanted`."""
        if not partly:
            return _worst(self.below(each, wanted, self._beside_property(a, None)) for each in held)
        return _worst(self.hard.below(self._hardly(each), self._hardly(wanted)) for each in held)

    def _names(self, a: Conj, mine: Flat, other: Flat) -> Iterator[Failure]:
        answer = self.below(self.narrow(self.conj(mine.names), "type", "string"), self.conj(other.names))
        if answer[0] == YES:
            return
        for shape in mine.shapes:
            if not shape.patterns and self.empty(self.conj([(shape.whole, shape.rest)])):
                refused = [each for each in shape.named if self.accepts(self.conj(other.names), each) is not True]
                if not any(self.may_have(a, mine, each) for each in refused):
                    return
        yield UNKNOWN, self.witness.named(a, mine, answer[1])

    def _alternatives(self, a: Conj, mine: Flat, other: Flat) -> Iterator[Failure]:
        for keyword, held in other.opaque:
            if (keyword, held) not in mine.opaque or keyword != "$ref":
                yield UNKNOWN, self.witness.samples(a)
        for whole, branches in other.any:
            if not self._any(a, mine, whole, branches):
                yield UNKNOWN, self._tries(a, whole, branches)
        for whole, branches in other.one:
            if not self._one(a, mine, whole, branches):
                yield UNKNOWN, self._tries(a, whole, branches)
        for whole, node in other.nots:
            barred = any(self.proves(self.conj([(whole, node)]), self.conj([each])) for each in mine.nots)
            if not barred and not self.apart(a, (whole, node)):
                yield UNKNOWN, [*self.witness.samples(self.add(a, (whole, node))), *self.witness.samples(a)]
        for whole, each in other.ifs:
            yes, no = self.add(a, (whole, each["if"])), self.add(a, self.negation(whole, each["if"]))
            for side, part in ((yes, each["then"]), (no, each["else"])):
                answer = self.sub(side, self.conj([(whole, part)]))
                if answer[0] != YES:
                    yield UNKNOWN, [*answer[1], *self.witness.samples(side), *self.witness.samples(a)]

    def _any(self, a: Conj, mine: Flat, whole: Schema, branches: list[Node]) -> bool:
        """Tell whether every value of `a` is accepted by one of `branches`."""
        if any(mine.known(whole, each) for each in branches):
            return True
        targets = [self.conj([(whole, each)]) for each in branches[:WIDEST]]
        if any(self.certain(a, each) for each in targets):
            return True
        kinds = sorted(mine.types)
        if len(kinds) < 2:
            return False
        parts = [self.narrow(a, "type", kind) for kind in kinds]
        return all(any(self.certain(part, each) for each in targets) for part in parts)

    def _one(self, a: Conj, mine: Flat, whole: Schema, branches: list[Node]) -> bool:
        """Tell whether every value of `a` is accepted by exactly one of `branches`."""
        for theirs, held in mine.one:
            if len(held) == len(branches) and all(
                self.proves(self.conj([one]), self.conj([two]))
                for left, right in zip(held, branches, strict=True)
                for one, two in (((theirs, left), (whole, right)), ((whole, right), (theirs, left)))
            ):
                return True
        order = sorted(range(len(branches)), key=lambda n: not mine.known(whole, branches[n]))
        for n in order[:WIDEST]:
            if self.certain(a, self.conj([(whole, branches[n])])):
                others = [*branches[:n], *branches[n + 1 :]]
                return all(mine.known_not(whole, each) or self.apart(a, (whole, each)) for each in others)
        return False

    def _tries(self, a: Conj, whole: Schema, branches: list[Node]) -> Iterator[Json]:
        """Yield values of `a` that none of `branches` may accept, or two."""
        for each in branches[:WIDEST]:
            yield from self.sub(a, self.conj([(whole, each)]))[1]
        for each in branches[:WIDEST]:
            yield from self.witness.samples(self.add(a, (whole, each)))
        yield from self.witness.samples(a)

    # -- the same text -------------------------------------------------------------------------------------------------

    def seal(self, whole: Schema, node: Node) -> int | None:
        """Return a number that two schemas share only when they say the same; None for one that refers to others."""
        if isinstance(node, bool):
            return -1 - node
        if id(node) not in self._seals:
            self._seals[id(node)] = self._new_seal(whole, node)
        return self._seals[id(node)]

    def _new_seal(self, whole: Schema, node: dict[str, Json]) -> int | None:
        if "$ref" in node or whole.opaque:
            return None
        words: list[tuple[str, object]] = []
        for keyword in sorted(node.keys() & KNOWN - {"$defs", "definitions"}):
            value = node[keyword]
            sealed: object
            if keyword in ONE:
                sealed = self.seal(whole, value)
            elif keyword in SEVERAL:
                sealed = tuple(self.seal(whole, each) for each in value)
            elif keyword in NAMED:
                sealed = tuple(sorted((name, self.seal(whole, each)) for name, each in value.items()))
            else:
                sealed = seal(sorted(value) if keyword == "required" else value)
            if sealed is None or (isinstance(sealed, tuple) and _leans(sealed, keyword)):
                return None
            words.append((keyword, sealed))
        return self._sealed.setdefault(tuple(words), len(self._sealed))


def _leans(sealed: tuple[object, ...], keyword: str) -> bool:
    """Tell whether the seal of a list or of names holds one of a schema that refers to others."""
    if keyword in SEVERAL:
        return None in sealed
    return keyword in NAMED and any(isinstance(each, tuple) and each[1] is None for each in sealed)


def _meanings(patterns: set[str]) -> set[str]:
    r"""Return the patterns in one way of writing: `\d` and `[0-9]` become the same."""
    return {compiled(each).pattern for each in patterns}


def _key(a: Conj) -> tuple[int, ...]:
    return tuple(part.number for part in a)


def _again(value: Json, tried: set[object]) -> bool:
    """Tell whether `value` was tried, and note that it is now."""
    sealed = seal(value)
    known = sealed in tried
    tried.add(sealed)
    return known


def _worst(answers: Iterable[Answer]) -> Answer:
    """Return the first no, else unknown if there is one, else yes."""
    worst = PROVEN
    for answer in answers:
        if answer[0] == NO:
            return answer
        if answer[0] == UNKNOWN:
            worst = answer
    return worst
