"""The walk through two schemas side by side, which finds what changed and asks of each change whether it breaks.

Of a keyword the question is whether all that is accepted on one side satisfies the keyword of the other side; so what
another keyword makes up for does not count as broken.
"""

from __future__ import annotations

from xats.schemas import pointer, words
from xats.schemas.compat import NO, UNKNOWN, YES, Prover
from xats.schemas.schema import PLAIN
from xats.schemas.text import clip, same, short

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Any

    from xats.schemas.compat import Verdict
    from xats.schemas.flat import Conj
    from xats.schemas.schema import Node, Schema

    Answers = tuple[Verdict, Verdict]  # backward, forward
    Question = tuple[Conj, Conj] | None  # whether the second accepts all that the first does; None: of course

COMPATIBLE: Answers = (YES, YES)
WORST: tuple[Verdict, ...] = (YES, UNKNOWN, NO)  # is the last
MOST = 1000  # changes that are listed
OPEN = "strictly it breaks: a document may already use the name for something else"
FORMAT = "xats does not check formats; a reader that checks them may decide otherwise"
BROKEN = {
    "required": ("old documents may lack it", "new documents may lack it"),
    "property": ("old documents may have another value there", "new documents may have another value there"),
    "schema": ("old documents may not satisfy the new schema", "new documents may not satisfy the old schema"),
}
# Keywords that mean something together only, and those among them that hold one schema.
GROUPS = (
    ("contains", "minContains", "maxContains"),
    ("if", "then", "else"),
    *((each,) for each in ("not", "propertyNames", "dependentSchemas", "anyOf", "oneOf")),
    *((each,) for each in ("unevaluatedItems", "unevaluatedProperties")),
)
SINGLE = {"contains", "if", "then", "else", "not", "propertyNames", "unevaluatedItems", "unevaluatedProperties"}


class Place:
    """Where two schemas meet: in the documents, and in what holds there on each side in all."""

    __slots__ = ("bound", "cap", "new", "old", "where")

    def __init__(self, where: str, old: Conj, new: Conj, cap: Answers, bound: bool = False) -> None:
        self.where, self.old, self.new = where, old, new
        # The answers for all of it: a yes excuses every change in it, and no change weighs more than the whole.
        self.cap = cap
        self.bound = bound  # of a part nothing can be said alone: it stands under `not`, `oneOf` or the like


class Pair:
    """Two schemas that take each other's place, as they are written, and where."""

    __slots__ = ("at", "new", "new_at", "old", "old_at", "spelled")

    def __init__(self, walk: Walk, old: Node, new: Node, ends: tuple[str, str], at: Place) -> None:
        self.old: dict[str, Any] = {} if isinstance(old, bool) else old
        self.new: dict[str, Any] = {} if isinstance(new, bool) else new
        self.old_at, self.new_at = ends
        self.spelled = walk.old.spelled, walk.new.spelled
        self.at = at

    def __iter__(self) -> Iterator[dict[str, Any]]:
        return iter((self.old, self.new))

    def ends(self, keyword: str, *steps: str | int) -> tuple[str, str]:
        """Return the pointers to a place below `keyword` in both."""
        return (
            pointer.join(self.old_at, self.spelled[0](self.old, keyword), *steps),
            pointer.join(self.new_at, self.spelled[1](self.new, keyword), *steps),
        )

    def sliced(self, *keywords: str) -> list[Node | None]:
        """Return both with these keywords alone; None where the first of them is missing."""
        return [{key: each[key] for key in keywords if key in each} if keywords[0] in each else None for each in self]


class Walk:
    """`found` holds the changes: pointer, what, text, backward, forward, note; `root` the answers for the whole."""

    def __init__(self, old: Schema, new: Schema, strict: bool) -> None:
        self.old, self.new = old, new
        self.prover = Prover(strict)
        self.root: Answers = (UNKNOWN, UNKNOWN)
        self.found: list[tuple[str, str, str, Verdict, Verdict, str]] = []
        self._seen: set[tuple[int, int]] = set()
        self._met: set[int] = set()
        self._ahead: list[tuple[Node, Node, tuple[str, str], Place]] = []
        self._definitions: list[tuple[str, str, Node | None, Node | None]] = []

    def go(self) -> None:
        """Fill `root` and `found`."""
        old, new = self.prover.conj([(self.old, self.old.root)]), self.prover.conj([(self.new, self.new.root)])
        if same(self.old.raw, self.new.raw):
            self.root = COMPATIBLE
            return
        self.root = (self._ask((old, new)), UNKNOWN)
        self.root = (self.root[0], self._ask((new, old)))
        if self.old.draft != self.new.draft:
            self.add("/$schema", "draft", f"draft changed from {self.old.draft} to {self.new.draft}", COMPATIBLE)
        self._ahead.append((self.old.root, self.new.root, ("", ""), Place("", old, new, self.root)))
        while self._ahead:
            ahead, self._ahead = self._ahead, []
            for each in ahead:
                if len(self.found) <= MOST:
                    self._compare(*each)
        for name, place, before, after in self._definitions:
            self._definition(name, place, before, after)
        if len(self.found) > MOST:
            del self.found[MOST:]
            self.add("", "schema", "more has changed than this list shows", self.root)

    def add(self, at: str, what: str, text: str, answers: Answers, note: str = "") -> None:
        """Note a change."""
        self.found.append((at, what, text, *answers, note))

    # -- answers -------------------------------------------------------------------------------------------------------

    def _ask(self, question: Question) -> Verdict:
        try:
            return YES if question is None else self.prover.sub(*question)[0]
        except RecursionError:
            return UNKNOWN

    def _judge(self, at: Place, *questions: Question) -> Answers:
        """Answer the questions for a change at a place, backward and forward by turns; of several the worst counts."""
        found: list[Verdict] = []
        for side, cap in enumerate(at.cap):
            answer = cap
            if cap != YES and not at.bound:
                answers = [self._ask(each) for each in questions[side::2]]
                answer = max(answers, key=WORST.index)
            found.append(cap if answer == NO else answer)
        return found[0], found[1]

    def _rules(self, at: Place, rules: Sequence[Node | None]) -> tuple[Question, Question]:
        """Return the questions for a rule in its old and its new form; None is for not there."""
        before, after = rules
        return (
            None if after is None else (at.old, self.prover.conj([(self.new, after)])),
            None if before is None else (at.new, self.prover.conj([(self.old, before)])),
        )

    def _change(self, where: str, what: str, text: str, answers: Answers, kind: str = "schema", note: str = "") -> None:
        reasons = [reason for answer, reason in zip(answers, BROKEN[kind], strict=True) if answer != YES]
        self.add(where, what, ": ".join((text, *reasons[:1])), answers, note)

    def _below(self, old: Node, new: Node, ends: tuple[str, str], at: Place) -> None:
        """Put two schemas down to be compared."""
        if not (self._alike(old, new) and same(self._raw(self.old, old), self._raw(self.new, new))):
            self._ahead.append((old, new, ends, at))

    def _alike(self, old: Node, new: Node) -> bool:
        """Tell whether two schemas certainly say the same."""
        sealed = self.prover.seal(self.old, old)
        return sealed is not None and sealed == self.prover.seal(self.new, new)

    @staticmethod
    def _raw(whole: Schema, node: Node) -> Any:
        return whole.raws.get(id(node), node)

    # -- one pair ------------------------------------------------------------------------------------------------------

    def _compare(self, old: Node, new: Node, ends: tuple[str, str], at: Place) -> None:
        old, old_at = self._follow(self.old, old, ends[0])
        new, new_at = self._follow(self.new, new, ends[1])
        if (id(old), id(new)) in self._seen:
            return
        if not (isinstance(old, bool) and isinstance(new, bool)):
            self._seen.add((id(old), id(new)))
        if old is False or new is False:
            if old is not new:
                text = f"{words.place(at.where)} is {'forbidden now' if new is False else 'no longer forbidden'}"
                self._change(new_at, "schema", text, self._judge(at, (at.old, at.new), (at.new, at.old)))
            return
        pair = Pair(self, old, new, (old_at, new_at), at)
        self._values(pair)
        self._properties(pair)
        self._required(pair)
        self._patterns(pair)
        self._rest(pair)
        self._items(pair)
        self._all(pair)
        for group in GROUPS:
            self._group(pair, group)
        self._notes(pair)
        for key in ("$defs", "definitions"):
            olds, news = (each.get(key, {}) for each in pair)
            for name in dict.fromkeys((*olds, *news)):
                place = pair.ends(key, name)[name in news]
                self._definitions.append((name, place, olds.get(name), news.get(name)))

    def _follow(self, whole: Schema, node: Node, at: str) -> tuple[Node, str]:
        """Follow a schema that is a reference and no more to what it refers to."""
        end = whole.followed(node)
        self._met.update((id(node), id(end)))
        return end, at if end is node else whole.pointers.get(id(end), at)

    def _values(self, pair: Pair) -> None:
        for keyword in sorted((pair.old.keys() | pair.new.keys()) & PLAIN - {"required", "minContains", "maxContains"}):
            one, two = pair.old.get(keyword), pair.new.get(keyword)
            if (keyword in pair.old) == (keyword in pair.new) and same(one, two):
                continue
            if keyword == "type":
                text = words.types(pair.at.where, one, two)
            elif keyword == "enum":
                text = words.values(pair.at.where, one, two)
            else:
                text = words.value(keyword, pair.at.where, pair.old, pair.new)
            answers = self._judge(pair.at, *self._rules(pair.at, pair.sliced(keyword)))
            self._change(pair.ends(keyword)[keyword in pair.new], keyword, text, answers)

    # -- properties ----------------------------------------------------------------------------------------------------

    def _properties(self, pair: Pair) -> None:
        olds, news = (each.get("properties", {}) for each in pair)
        at = pair.at
        for name in dict.fromkeys((*olds, *news)):
            if name in olds and name in news:
                if not self._alike(olds[name], news[name]) or not same(
                    self._raw(self.old, olds[name]), self._raw(self.new, news[name])
                ):
                    ends = pair.ends("properties", name)
                    self._below(olds[name], news[name], ends, self._place_of(at, name))
                continue
            musts = [name in each.get("required", ()) for each in pair]
            needs = self._needs(at, name, *musts)
            lacking = self._judge(at, *needs)
            having = self._property(self.prover, at, name)
            answers = [max(two, key=(YES, UNKNOWN, NO).index) for two in zip(lacking, having, strict=True)]
            optional = not any(musts)
            note = ""
            if optional and not self.prover.strict and self._property(self.prover.hard, at, name, True) != COMPATIBLE:
                note = OPEN if answers == [YES, YES] else ""
            happened = "added" if name in news else "removed"
            text = f"{'optional' if optional else 'required'} property {words.property_(at.where, name)} {happened}"
            kind = "property" if lacking == COMPATIBLE else "required"
            place = pair.ends("properties", name)[name in news]
            self._change(place, f"property {happened}", text, (answers[0], answers[1]), kind, note)

    def _needs(self, at: Place, name: str, before: bool, after: bool) -> tuple[Question, Question]:
        rule: Node = {"required": [name]}
        return self._rules(at, [rule if before else None, rule if after else None])

    def _property(self, prover: Prover, at: Place, name: str, alone: bool = False) -> Answers:
        """Return the answers for one property, whatever speaks of it; `alone` says that nothing excuses it."""
        old, new = (prover.conj((part.whole, part.node) for part in each) for each in (at.old, at.new))
        mine, other = prover.flat(old), prover.flat(new)
        found = []
        for cap, question in zip(at.cap, ((old, mine, other), (new, other, mine)), strict=True):
            try:
                answer = cap if (cap == YES or at.bound) and not alone else prover.property(*question, name)[0]
            except RecursionError:
                answer = UNKNOWN
            found.append(cap if answer == NO and not alone else answer)
        return found[0], found[1]

    def _place_of(self, at: Place, name: str) -> Place:
        """Return the place of a property."""
        parts = self.prover.child(self.prover.flat(at.old), name), self.prover.child(self.prover.flat(at.new), name)
        return Place(pointer.join(at.where, name), *parts, self._property(self.prover, at, name), at.bound)

    def _required(self, pair: Pair) -> None:
        before, after = (set(each.get("required", ())) for each in pair)
        olds, news = (each.get("properties", {}) for each in pair)
        for name in sorted(before ^ after)[: MOST + 1]:
            if (name in olds) != (name in news) and (name in news) == (name in after):
                continue  # that is told with the property
            said = "is required now" if name in after else "is no longer required"
            answers = self._judge(pair.at, *self._needs(pair.at, name, name in before, name in after))
            text = f"property {words.property_(pair.at.where, name)} {said}"
            self._change(pair.ends("required")["required" in pair.new], "required", text, answers, "required")

    def _patterns(self, pair: Pair) -> None:
        olds, news = (each.get("patternProperties", {}) for each in pair)
        at = pair.at
        for text in dict.fromkeys((*olds, *news)):
            rules = [{"patternProperties": {text: each[text]}} if text in each else None for each in (olds, news)]
            questions = self._rules(at, rules)
            if text in olds and text in news:
                parts = self.prover.conj([(self.old, olds[text])]), self.prover.conj([(self.new, news[text])])
                place = Place(pointer.join(at.where, "*"), *parts, self._judge(at, *questions), at.bound)
                self._below(olds[text], news[text], pair.ends("patternProperties", text), place)
                continue
            # A name that matches is no longer one of the others, or becomes one of them.
            answers = self._judge(at, *questions, *self._rules(at, [_rest_of(each) for each in pair]))
            said = f"rule for the properties of {words.place(at.where)} like {short(text)}"
            where = pair.ends("patternProperties", text)[text in news]
            self._change(where, "patternProperties", f"{said} {'added' if text in news else 'removed'}", answers)

    def _rest(self, pair: Pair) -> None:
        one, two = (each.get("additionalProperties", True) for each in pair)
        if one is two:
            return
        at, ends = pair.at, pair.ends("additionalProperties")
        answers = self._judge(at, *self._rules(at, [_rest_of(each) for each in pair]))
        if isinstance(one, bool) or isinstance(two, bool):
            text = words.rest("properties", at.where, one, two)
            self._change(ends["additionalProperties" in pair.new], "additionalProperties", text, answers)
            return
        parts = self.prover.conj([(self.old, one)]), self.prover.conj([(self.new, two)])
        self._below(one, two, ends, Place(pointer.join(at.where, "*"), *parts, answers, at.bound))

    # -- items ---------------------------------------------------------------------------------------------------------

    def _items(self, pair: Pair) -> None:
        olds, news = (each.get("prefixItems", []) for each in pair)
        for index in range(max(len(olds), len(news))):
            place = self._place_of_item(pair.at, index, pointer.join(pair.at.where, index))
            ends = pair.ends("prefixItems", index)
            if index < len(olds) and index < len(news):
                self._below(olds[index], news[index], ends, place)
            else:
                said = f"rule for {words.place(place.where)} {'added' if index < len(news) else 'removed'}"
                self._change(ends[index < len(news)], "prefixItems", said, place.cap)
        one, two = (each.get("items", True) for each in pair)
        if one is two:
            return
        last = max(self.prover.flat(conj).prefix for conj in (pair.at.old, pair.at.new))
        place = self._place_of_item(pair.at, last, pointer.join(pair.at.where, "*"))
        if isinstance(one, bool) or isinstance(two, bool):
            text = words.rest("items", pair.at.where, one, two)
            self._change(pair.ends("items")["items" in pair.new], "items", text, place.cap)
        else:
            self._below(one, two, pair.ends("items"), place)

    def _place_of_item(self, at: Place, index: int, where: str) -> Place:
        old, new = (self.prover.item(self.prover.flat(conj), index) for conj in (at.old, at.new))
        return Place(where, old, new, self._judge(at, (old, new), (new, old)), at.bound)

    # -- schemas for the same value ------------------------------------------------------------------------------------

    def _all(self, pair: Pair) -> None:
        """Compare what holds for the same value: `allOf`, and a `$ref` that is not alone."""
        for one, two, ends in self._twins(pair, "allOf"):
            if one is None or two is None:
                text = words.rule("allOf", pair.at.where, "added" if one is None else "removed")
                answers = self._judge(pair.at, *self._rules(pair.at, [one, two]))
                self._change(ends[one is None], "allOf", text, answers)
            else:
                self._below(one, two, ends, pair.at)
        refs = [each.get("$ref") for each in pair]
        if refs[0] in self.old.targets and refs[1] in self.new.targets:
            one, two = self.old.targets[refs[0]], self.new.targets[refs[1]]
            ends = pair.ends("$ref")
            ends = self.old.pointers.get(id(one), ends[0]), self.new.pointers.get(id(two), ends[1])
            self._below(one, two, ends, pair.at)
        elif refs[0] != refs[1]:
            happened = "added" if refs[0] is None else "removed" if refs[1] is None else "changed"
            answers = self._judge(pair.at, *self._rules(pair.at, pair.sliced("$ref")))
            text = words.rule("$ref", pair.at.where, happened)
            self._change(pair.ends("$ref")[refs[1] is not None], "$ref", text, answers)

    def _group(self, pair: Pair, group: tuple[str, ...]) -> None:
        """Compare keywords that have to be taken as a whole: what is said of them all is said of each."""
        keyword, at = group[0], pair.at
        if keyword not in pair.old and keyword not in pair.new:
            return
        rules: list[Node | None] = pair.sliced(*group)
        if keyword.startswith("unevaluated"):  # it depends on everything beside it
            rules = [each or True for each in pair]
        answers = self._judge(at, *self._rules(at, rules))
        ends = pair.ends(keyword)
        if keyword not in pair.old or keyword not in pair.new:
            text = words.rule(keyword, at.where, "added" if keyword in pair.new else "removed")
            self._change(ends[keyword in pair.new], keyword, text, answers)
            return
        inner = Place(at.where, at.old, at.new, answers, bound=True)
        for each in group:
            values = [one.get(each) for one in pair]
            if each in SINGLE and values != [None, None]:
                one, two = (True if value is None else value for value in values)
                self._below(one, two, pair.ends(each), inner)
            elif each in PLAIN and values[0] != values[1]:
                text = words.value(each, at.where, pair.old, pair.new)
                self._change(pair.ends(each)[each in pair.new], each, text, answers)
        if keyword == "dependentSchemas":
            for name in dict.fromkeys((*pair.old[keyword], *pair.new[keyword])):
                one, two = (each[keyword].get(name, True) for each in pair)
                self._below(one, two, pair.ends(keyword, name), inner)
        if keyword in ("anyOf", "oneOf"):
            for left, right, ends in self._twins(pair, keyword):
                if left is None or right is None:
                    text = f"alternative {'added to' if left is None else 'removed from'} {words.place(at.where)}"
                    self._change(ends[left is None], keyword, text, answers)
                else:
                    self._below(left, right, ends, inner)

    def _twins(self, pair: Pair, keyword: str) -> Iterator[tuple[Node | None, Node | None, tuple[str, str]]]:
        """Pair the members of two lists of schemas: first those that say the same, then the rest in their order."""
        olds, news = (each.get(keyword, []) for each in pair)
        twins: dict[int, list[int]] = {}
        for m in reversed(range(len(news))):
            sealed = self.prover.seal(self.new, news[m])
            if sealed is not None:
                twins.setdefault(sealed, []).append(m)
        matched = []
        for n, old in enumerate(olds):
            sealed = self.prover.seal(self.old, old)
            if sealed is not None and twins.get(sealed):
                matched.append((n, twins[sealed].pop()))
        left = sorted({*range(len(olds))} - {n for n, _ in matched})
        right = sorted({*range(len(news))} - {m for _, m in matched})
        for n, m in (*matched, *zip(left, right, strict=False)):
            yield olds[n], news[m], (pair.ends(keyword, n)[0], pair.ends(keyword, m)[1])
        for n in left[len(right) :]:
            yield olds[n], None, pair.ends(keyword, n)
        for m in right[len(left) :]:
            yield None, news[m], pair.ends(keyword, m)

    # -- what does not constrain ---------------------------------------------------------------------------------------

    def _notes(self, pair: Pair) -> None:
        olds, news = self.old.notes.get(id(pair.old), {}), self.new.notes.get(id(pair.new), {})
        for key in dict.fromkeys((*olds, *news)):
            if key not in olds or key not in news or not same(olds[key], news[key]):
                happened = "changed" if key in olds and key in news else "added" if key in news else "removed"
                text = f"{clip(key, 40)} of {words.place(pair.at.where)} {happened}"
                place = pointer.join(pair.new_at if key in news else pair.old_at, key)
                self.add(place, "annotation", text, COMPATIBLE, FORMAT if key == "format" else "")

    def _definition(self, name: str, at: str, before: Node | None, after: Node | None) -> None:
        """Report a definition that came or went, or that changed and is not used."""
        if before is None or after is None:
            text = f"definition {short(name)} {'added' if before is None else 'removed'}"
        elif {id(before), id(after)} & self._met or same(self._raw(self.old, before), self._raw(self.new, after)):
            return
        else:
            text = f"definition {short(name)} changed, but nothing refers to it"
        self.add(at, "definition", text, COMPATIBLE)


def _rest_of(node: dict[str, Any]) -> Node | None:
    """Return what a schema says of the properties that it does not spell out."""
    if "additionalProperties" not in node:
        return None
    named: dict[str, Any] = {
        key: dict.fromkeys(node[key], True) for key in ("properties", "patternProperties") if key in node
    }
    return {**named, "additionalProperties": node["additionalProperties"]}
