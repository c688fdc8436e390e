"""JSON pointers (RFC 6901): `/properties/a~1b/items/0` is the place of a value in a document; `` is the whole of it."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any


def escape(step: str | int) -> str:
    """Return one name or index as it stands in a pointer."""
    return str(step).replace("~", "~0").replace("/", "~1")


def join(pointer: str, *steps: str | int) -> str:
    """Return the pointer to what is `steps` below `pointer`."""
    return pointer + "".join("/" + escape(step) for step in steps)


def of(steps: Iterable[str | int]) -> str:
    """Return the pointer that takes `steps`, names and indices, from the root."""
    return join("", *steps)


def split(pointer: str) -> list[str]:
    """Return the steps of `pointer`. Raises ValueError for what is no pointer."""
    if not pointer:
        return []
    if not pointer.startswith("/") or "~" in pointer.replace("~0", "").replace("~1", ""):
        msg = f"{pointer!r} is not a JSON pointer"
        raise ValueError(msg)
    return [step.replace("~1", "/").replace("~0", "~") for step in pointer[1:].split("/")]


def get(document: Any, pointer: str) -> Any:
    """Return the value at `pointer` in `document`. Raises KeyError when there is none, ValueError for no pointer."""
    for step in split(pointer):
        if isinstance(document, dict) and step in document:
            document = document[step]
        elif isinstance(document, list) and _is_index(step) and int(step) < len(document):
            document = document[int(step)]
        else:
            raise KeyError(pointer)
    return document


def _is_index(step: str) -> bool:
    """Tell whether `step` is 0 or digits without a leading zero: an `int()` takes far more than that."""
    return step.isascii() and step.isdigit() and (step == "0" or step[0] != "0") and len(step) < 10
