"""Values worth trying: they stand at the edges of two schemas, so one of them may be accepted by one of the two alone.

Nothing here decides anything: whatever is proposed is tried on the schemas themselves.
"""

from __future__ import annotations

import itertools
from fractions import Fraction

from xats.schemas.examples import examples
from xats.schemas.number import Real, plain

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from xats.schemas.compat import Prover
    from xats.schemas.flat import Conj, Flat
    from xats.schemas.text import Json

FEW = 4  # samples of one type
TRIES = 60  # proposals for them
LONG = 300  # the longest text or list that is tried
RANGE = 64  # integers that are looked at one by one


class Witnesses:
    """Proposes values for the questions of one prover."""

    def __init__(self, prover: Prover) -> None:
        self._prover = prover
        self._samples: dict[tuple[tuple[int, ...], str], list[Json]] = {}

    def all_of(self, flat: Flat) -> list[Json] | None:
        """Return every value within the limits of `flat` and some more; None when there are too many."""
        if flat.values is not None:
            return flat.values
        found: list[Json] = []
        for kind in flat.types:
            if kind == "boolean":
                found += [True, False]
            elif kind == "null":
                found.append(None)
            elif kind == "number":
                numbers = self._numbers(flat)
                if numbers is None:
                    return None
                found += numbers
            elif flat.sizes[kind][1] == 0:
                found.append({"string": "", "array": [], "object": {}}[kind])
            else:
                return None
        return found

    def samples(self, a: Conj, kind: str = "") -> list[Json]:
        """Return a few values that `a` accepts, of type `kind` when one is given."""
        if not self._prover.seeking:
            return []
        key = (tuple(part.number for part in a), kind)
        if key not in self._samples:
            self._samples[key] = []  # for who asks meanwhile: a schema in itself
            self._samples[key] = self._accepted(a, self._proposed(a, kind), kind)
        return self._samples[key]

    def _accepted(self, a: Conj, proposed: Iterable[Json], kind: str) -> list[Json]:
        found: list[Json] = []
        counts: dict[type, int] = {}
        for value in itertools.islice(proposed, TRIES):
            self._prover.tries -= 1
            if self._prover.tries < 0:
                break
            if (
                counts.get(type(value), 0) < FEW
                and (not kind or _kind(value) == kind)
                and self._prover.accepts(a, value)
            ):
                counts[type(value)] = counts.get(type(value), 0) + 1
                found.append(value)
        return found

    def _proposed(self, a: Conj, kind: str) -> Iterator[Json]:
        flat = self._prover.flat(a)
        if flat.values is not None:
            yield from flat.values[:100]
            return
        for one in [kind] if kind else sorted(flat.types):
            if one == "null":
                yield None
            elif one == "boolean":
                yield from (True, False)
            elif one == "number":
                yield from itertools.islice(self.numbers(flat, flat), 16)
            elif one == "string":
                yield from itertools.islice(self.strings(flat, flat), 16)
            elif one == "array":
                yield from self._arrays(flat)
            else:
                yield from self._objects(flat)
        for whole, branches in (*flat.any, *flat.one):
            for each in branches[:FEW]:
                yield from self.samples(self._prover.add(a, (whole, each)), kind)

    # -- values of one type --------------------------------------------------------------------------------------------

    def _numbers(self, flat: Flat) -> list[Json] | None:
        """Return every number within the limits; None when there are too many."""
        (low, _), (high, _) = flat.bounds()
        if not (isinstance(low, Fraction) and isinstance(high, Fraction)):
            return None
        if low == high:
            return [plain(low)]
        if flat.step is None or high - low >= RANGE * flat.step:
            return None
        return [plain(low + n * flat.step) for n in range(int((high - low) / flat.step) + 1)]

    def numbers(self, mine: Flat, other: Flat) -> Iterator[Json]:
        """Yield numbers at the bounds of both and around the steps of both."""
        return map(plain, self._fractions(mine, other))

    def _fractions(self, mine: Flat, other: Flat) -> Iterator[Fraction]:
        ends = [each for flat in (mine, other) for each, _ in (flat.low, flat.high)]
        bounds = [each for each in ends if isinstance(each, Fraction)]
        half = Fraction(1, 2)
        yield from map(Fraction, (0, 1, -1))
        for bound in bounds:
            yield from (bound, bound + 1, bound - 1, bound + half, bound - half)
        if len(bounds) > 1:
            yield sum(bounds[:2]) * half
        for step in [each for each in (mine.step, other.step) if each is not None]:
            for bound in (Fraction(0), *bounds):
                first = bound // step
                yield from (first * step, (first + 1) * step, (first + 2) * step, (first - 1) * step)
        if other.step is not None:
            yield from ((bound // other.step + half) * other.step for bound in (Fraction(0), *bounds))
        yield from (Fraction(each, 2) for each in (1, 3, 4, 6, 14, -14, 2 * 10**6, -2 * 10**6, 2 * 10**20))
        yield Fraction(1, 10**6)

    def strings(self, mine: Flat, other: Flat) -> Iterator[Json]:
        """Yield texts at the lengths of both, and texts made from the patterns of both."""
        made = [text for pattern in sorted(mine.patterns | other.patterns) for text in examples(pattern)]
        yield from made
        edges = {0, 1, 2, *mine.sizes["string"], *other.sizes["string"]}
        lengths = sorted({edge + by for edge in edges for by in (-1, 0, 1) if 0 <= edge + by <= LONG})
        for length in sorted(lengths, key=lambda each: (each > 2, each)):
            yield from (c * int(length) for c in "aA0")
        for text, length in itertools.product(made, lengths):
            if text and len(text) < length:
                yield (text + text[-1] * LONG)[: int(length)]
        yield from (" ", "-", "é", "a b", "a-b", "A1", "\n")

    def _arrays(self, flat: Flat) -> Iterator[Json]:
        fewest, most = flat.sizes["array"]
        wanted = max([int(fewest), *(few for *_, few, _ in flat.contains)], default=0)
        for length in (wanted, wanted + 1, flat.prefix):
            if length <= min(most, LONG):
                yield from self._of_length(flat, length)

    def _of_length(self, flat: Flat, length: int) -> Iterator[Json]:
        """Yield lists of `length` items, all alike or all different, and with what they have to contain."""
        choices = [self._prover.witness.samples(self._prover.item(flat, min(n, flat.prefix))) for n in range(length)]
        if all(choices):
            yield [each[0] for each in choices]
            yield [each[n % len(each)] for n, each in enumerate(choices)]
        for whole, node, few, _ in flat.contains:
            held = [self.samples(self._prover.add(self._prover.item(flat, n), (whole, node))) for n in range(length)]
            if all(choices) and all(held[:few]):
                yield [each[n % len(each)] for n, each in enumerate([*held[:few], *choices[few:]])]

    def _objects(self, flat: Flat) -> Iterator[Json]:
        base = self._base(flat, flat.required)
        if base is None:
            return
        yield base
        optional = [name for shape in flat.shapes for name in shape.named if name not in base]
        full = dict(base)
        for name in optional[:FEW]:
            values = self.samples(self._prover.child(flat, name))
            if values:
                full[name] = values[0]
                yield {**base, name: values[0]}
        yield full
        fewest, most = flat.sizes["object"]
        if len(base) < fewest <= LONG:
            for name in (*optional, *(f"x{n}" for n in range(int(fewest)))):
                if len(base) < fewest and name not in base:
                    values = self.samples(self._prover.child(flat, name))
                    base = {**base, name: values[0]} if values else base
            yield base
        if most >= len(base) + len(optional[:1]) and optional and self.samples(self._prover.child(flat, optional[0])):
            yield {**base, optional[0]: self.samples(self._prover.child(flat, optional[0]))[-1]}

    def _base(self, flat: Flat, names: Iterable[str]) -> dict[str, Json] | None:
        """Return an object with a good value for each of `names`; None when there is none for one of them."""
        found = {}
        for name in sorted(names):
            values = self.samples(self._prover.child(flat, name))
            if not values:
                return None
            found[name] = values[0]
        return found

    # -- values for one question ---------------------------------------------------------------------------------------

    def sized(self, a: Conj, mine: Flat, kind: str, limits: tuple[float, float]) -> Iterator[Json]:
        """Yield lists or objects of `a` just outside `limits`."""
        yield from self.samples(a, kind)
        for length in (limits[0] - 1, limits[1] + 1, mine.sizes[kind][0]):
            if not 0 <= length <= LONG:
                continue
            if kind == "array":
                yield from self._of_length(mine, int(length))
                continue
            base = self._base(mine, mine.required) or {}
            names = [name for shape in mine.shapes for name in shape.named]
            for name in (*names, *(f"x{n}" for n in range(int(length)))):
                if len(base) < length and name not in base:
                    values = self.samples(self._prover.child(mine, name))
                    base = {**base, name: values[0]} if values else base
            yield base

    def with_item(self, a: Conj, mine: Flat, index: int, values: Iterable[Json]) -> Iterator[Json]:
        """Yield lists of `a` that have one of `values` at `index`."""
        for value in values:
            for base in ([], *self.samples(a, "array"), *self._of_length(mine, index + 1)):
                short = list(base[: index + 1])
                for n in range(len(short), index):
                    short += self.samples(self._prover.item(mine, n))[:1]
                yield [*short[:index], value]
                yield [*short[:index], value, *base[index + 1 :]]

    def twins(self, a: Conj, mine: Flat) -> Iterator[Json]:
        """Yield lists of `a` with two equal items."""
        for length in (2, int(mine.sizes["array"][0])):
            if length <= LONG:
                yield from self._of_length(mine, length)
        yield from self.samples(a, "array")

    def counted(self, a: Conj, mine: Flat, wanted: Conj, limits: tuple[int, float]) -> Iterator[Json]:
        """Yield lists of `a` with too few or too many items that `wanted` accepts."""
        yield from self.samples(a, "array")
        item = self._prover.item(mine, mine.prefix)
        among = [
            each for whole, node, *_ in mine.contains for each in self.samples(self._prover.add(item, (whole, node)))
        ]
        inside = self.samples(self._prover.add(wanted, *((part.whole, part.node) for part in item)))
        outside = [each for each in (*among, *self.samples(item)) if self._prover.accepts(wanted, each) is False]
        yield from ([each] for each in outside)
        for count in (limits[0] - 1, limits[1] + 1):
            if inside and 0 <= count <= LONG:
                yield inside[:1] * int(count)
                yield [*inside[:1] * int(count), *outside[:1] * max(1, int(mine.sizes["array"][0] - count))]
        yield outside[:1] * int(min(mine.sizes["array"][0], LONG))

    def without(self, a: Conj, mine: Flat, *names: str) -> Iterator[Json]:
        """Yield objects of `a` that lack one of `names`."""
        for value in self.samples(a, "object"):
            for name in names:
                yield {key: each for key, each in value.items() if key != name}
        base = self._base(mine, mine.required)
        if base is not None:
            yield base

    def with_property(self, a: Conj, mine: Flat, name: str, values: Iterable[Json]) -> Iterator[Json]:
        """Yield objects of `a` whose property `name` has one of `values`."""
        for value in (*values, *self.samples(self._prover.child(mine, name))):
            for base in (
                *self.samples(a, "object")[:2],
                *self.samples(self._prover.narrow(a, "required", name), "object")[:2],
            ):
                yield {**base, name: value}
            others = self._base(mine, mine.required - {name})
            if others is not None:
                yield {**others, name: value}

    def with_other(self, a: Conj, mine: Flat, pattern: str, known: set[str], values: Iterable[Json]) -> Iterator[Json]:
        """Yield objects of `a` with a property that no schema spells out."""
        for name in (*examples(pattern), *self._names(mine), "x", "other", "x-1", "0", "X"):
            if name not in known:
                yield from self.with_property(a, mine, name, values)

    def _names(self, mine: Flat) -> list[str]:
        if not mine.names:
            return []
        return self.samples(self._prover.narrow(self._prover.conj(mine.names), "type", "string"))

    def named(self, a: Conj, mine: Flat, names: Iterable[Json]) -> Iterator[Json]:
        """Yield objects of `a` that have properties of these names."""
        for name in (*names, *(each for shape in mine.shapes for each in list(shape.named)[:FEW]), "x", "other"):
            if isinstance(name, str):
                yield from self.with_property(a, mine, name, ())


def _kind(value: Json) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, (int, Real)):
        return "number"
    return "string" if isinstance(value, str) else "array" if isinstance(value, list) else "object"
