"""Read and write JSON text strictly, because two readers of a contract must read the same."""

from __future__ import annotations

import json
import math
from decimal import Decimal

from xats.base.errors import InvalidJson
from xats.schemas.number import DIGITS, number

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    Json = Any
    Sealed = tuple[Any, ...] | str | int | Decimal | None

DEEPEST = 128  # levels; the library that validates needs about ten stack frames for two of them


def parse(text: str) -> Json:
    """Return the value of a JSON text; its numbers are those of `number`.

    Raises InvalidJson for a text that is not JSON, and for values that readers understand differently: a key twice in
    one object, NaN, Infinity, a number beyond a double, half of a surrogate pair. So do more than DEEPEST levels.
    """
    try:
        value = json.loads(
            text, object_pairs_hook=_object, parse_constant=_no_constant, parse_float=_real, parse_int=_whole
        )
    except RecursionError:
        raise InvalidJson(_too_deep()) from None
    except json.JSONDecodeError as error:
        msg = f"The text is not valid JSON: {error.msg} in line {error.lineno}, column {error.colno}."
        raise InvalidJson(msg) from None
    return vet(value)


def vet(value: Json) -> Json:
    """Return `value` when it is made of JSON's values alone and not nested too deeply; else raise InvalidJson."""
    level: list[Json] = [value]
    for depth in range(DEEPEST + 1):
        if depth == DEEPEST and any(isinstance(one, (dict, list)) for one in level):
            break
        below: list[Json] = []
        for one in level:
            if isinstance(one, dict):
                below.extend(one)
                if not all(isinstance(key, str) for key in one):
                    msg = "A key of an object is not a text."
                    raise InvalidJson(msg)
                below.extend(one.values())
            elif isinstance(one, list):
                below.extend(one)
            elif isinstance(one, (float, Decimal)) and not math.isfinite(one):
                raise InvalidJson(_no_number(str(one)))
            elif isinstance(one, str):
                if not one.isascii() and any("\ud800" <= c <= "\udfff" for c in one):
                    msg = f"The text {short(one)} contains half of a character."
                    raise InvalidJson(msg)
            elif one is not None and not isinstance(one, (int, float, Decimal)):
                msg = f"A {type(one).__name__} is not JSON."
                raise InvalidJson(msg)
        if not below:
            return value
        level = below
    raise InvalidJson(_too_deep())


def seal(value: Json) -> Sealed:
    """Return a hashable that is equal for equal JSON values alone: 1 is 1.0, but true is not 1."""
    if isinstance(value, dict):
        return ("object", *sorted((key, seal(each)) for key, each in value.items())) if value else ("object",)
    if isinstance(value, list):
        return ("array", *(seal(each) for each in value))
    if isinstance(value, float):
        return number(repr(value))
    return ("boolean", value) if isinstance(value, bool) else value


def same(one: Json, other: Json) -> bool:
    """Tell whether two JSON values are equal, whatever the order of their keys."""
    return one is other or seal(one) == seal(other)


def short(value: Json, width: int = 60) -> str:
    """Return `value` as one line of JSON for people: at most `width` characters, nothing that moves a cursor."""
    return clip(_written(value), width)


def clip(text: str, width: int) -> str:
    """Return `text` in at most `width` characters, the middle left out, and every unprintable one escaped."""
    half = width * 2  # enough even when what is left out has to be decided before it is escaped
    if len(text) > 2 * half:
        text = text[:half] + "…" + text[-half:]
    text = "".join(c if c.isprintable() else c.encode("unicode_escape", "replace").decode() for c in text)
    return text if len(text) <= width else text[: width * 2 // 3] + "…" + text[len(text) - width // 3 + 1 :]


def _written(value: Json) -> str:
    """Return `value` as JSON. The encoder of Python cannot write a Decimal as a number."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_written(key)}: {_written(each)}" for key, each in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_written, value)) + "]"
    return str(value) if isinstance(value, Decimal) else json.dumps(value, ensure_ascii=False)


def _object(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    found = dict(pairs)
    if len(found) < len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        msg = f"An object has the key {short(twice)} twice."
        raise InvalidJson(msg)
    return found


def _real(text: str) -> int | Decimal:
    try:
        return number(text)
    except ValueError as error:
        msg = f"{_no_number(text)} It is {error}."
        raise InvalidJson(msg) from None


def _whole(text: str) -> int:
    if len(text.removeprefix("-")) > DIGITS:
        msg = f"{_no_number(text)} It is longer than {DIGITS} digits."
        raise InvalidJson(msg)
    return int(text)


def _no_constant(text: str) -> Json:
    raise InvalidJson(_no_number(text))


def _no_number(text: str) -> str:
    return f"{clip(text, 40)} is not a number that JSON can represent."


def _too_deep() -> str:
    return f"Values are nested more than {DEEPEST} levels deep."
